"""Splits: nothing passes from training to the tested part, whatever the posts; planted leaks are named."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judging_world import made

from conftest import shared_file
from discourse.corpus.copies import with_copies
from discourse.corpus.links import linked_groups
from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SchemaError, SmallSampleWarning, UsageError
from discourse.judging.splits import (
    BY,
    Split,
    check_split,
    forward_splits,
    group_folds,
    groups_by,
    labelled_posts,
    near_ids,
)
from discourse.schema import FRAMES, POSTS
from discourse.text.normal_form import normal_forms

START = datetime(2025, 5, 1, tzinfo=UTC)
LONG = "open the border at torkham so that the families of both sides can go home before winter"


def table(authors: list[str], copies: list[str | None], hours: list[int] | None = None, **more: Any) -> pl.DataFrame:
    n = len(authors)
    return pl.DataFrame(
        {
            "post_id": [f"x:{at:03}" for at in range(n)], "author_id": authors, "copy_id": copies,
            "value": [FRAMES[at % 2] for at in range(n)], "text_norm": [f"text number {at}" for at in range(n)],
            "created_at": [START + timedelta(hours=at) for at in (hours or range(n))], **more,
        },
        schema_overrides={"copy_id": pl.String, "author_id": pl.String},
    )  # fmt: skip


LISTS = st.integers(4, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 12), min_size=n, max_size=n),
        st.lists(st.one_of(st.none(), st.integers(0, 12)), min_size=n, max_size=n),
        st.lists(st.integers(0, 30), min_size=n, max_size=n),
    )
)


def named(given_lists: tuple[list[int], list[int | None], list[int]]) -> pl.DataFrame:
    authors, copies, hours = given_lists
    return table([f"a{one}" for one in authors], [None if one is None else f"c{one}" for one in copies], hours)


def shared(posts: pl.DataFrame, one: Any, other: Any, column: str) -> set[str]:
    values = posts[column].to_list()
    return ({values[at] for at in one} & {values[at] for at in other}) - {None}


@settings(deadline=None, max_examples=60)
@given(LISTS, st.integers(2, 4), st.sampled_from(BY))
def test_folds_keep_groups_together_and_test_every_post_once(given_lists: Any, folds: int, by: str) -> None:
    posts = named(given_lists)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        if groups_by(posts, by).n_unique() < folds:
            with pytest.raises(MeaningError, match=r"groups of authors cannot make"):
                group_folds(posts, seed=3, folds=folds, by=by)
            return
        if max(posts["value"].value_counts()["count"].to_list()) < folds:
            with pytest.raises(MeaningError, match=r"^no frame has more than \d posts, too few for \d folds"):
                group_folds(posts, seed=3, folds=folds, by=by)
            return
        splits = group_folds(posts, seed=3, folds=folds, by=by)
    assert len(splits) == folds
    assert sorted(at for split in splits for at in split.test.tolist()) == list(range(posts.height))
    for split in splits:
        assert sorted([*split.train.tolist(), *split.test.tolist()]) == list(range(posts.height))
        if by != "copy":
            assert not shared(posts, split.train, split.test, "author_id")
        if by != "author":
            assert not shared(posts, split.train, split.test, "copy_id")
        if by == "both":
            check_split(posts[split.train], posts[split.test])


@settings(deadline=None, max_examples=60)
@given(LISTS)
def test_groups_are_those_of_authors_of_copies_and_of_chains(given_lists: Any) -> None:
    posts = named(given_lists)
    both = groups_by(posts)
    assert both.equals(linked_groups(posts).alias(both.name))
    assert groups_by(posts, "author").n_unique() == posts["author_id"].n_unique()
    alone = int(posts["copy_id"].is_null().sum())
    assert groups_by(posts, "copy").n_unique() == posts["copy_id"].drop_nulls().n_unique() + alone
    mixed = posts.sample(fraction=1.0, shuffle=True, seed=1)
    again = dict(zip(mixed["post_id"], groups_by(mixed), strict=True))
    pairs = {(again[name], group) for name, group in zip(posts["post_id"], both, strict=True)}
    assert len(pairs) == both.n_unique()


def test_near_copies_link_posts_that_no_copy_id_links() -> None:
    posts = table(["a", "b", "c"], [None, None, None]).with_columns(near_id=pl.Series(["n", None, "n"]))
    assert groups_by(posts).to_list() == [0, 1, 0]
    assert groups_by(posts, "author").to_list() == [0, 1, 2]
    assert groups_by(posts, "copy").n_unique() == 2
    with pytest.raises(
        SchemaError, match=r"^by is 'autor'; it must be 'author', 'copy' or 'both'. Did you mean 'author'"
    ):
        groups_by(posts, "autor")


def test_near_ids_are_the_copies_that_with_copies_finds() -> None:
    texts = [
        LONG,
        LONG + " #now",
        LONG.replace("winter", "wintr"),
        LONG.replace("can", "cannot"),
        "no",
        "no",
        "",
        "yes",
    ]
    found = near_ids(pl.Series(texts))
    rows = [{"post_id": f"x:{i}", "platform": "x", "author_id": "a", "text": text, "text_norm": text, "kind": "reply",
             "created_at": START} for i, text in enumerate(texts)]  # fmt: skip
    expected = with_copies(Corpus(POSTS.frame(rows))).posts["copy_id"]
    same = [[found[i] is not None and found[i] == found[j] for j in range(8)] for i in range(8)]
    assert same == [[expected[i] is not None and expected[i] == expected[j] for j in range(8)] for i in range(8)]
    assert found[0] == found[1] == found[2] != found[3]
    assert near_ids(pl.Series([None, "no"], dtype=pl.String)).to_list()[0] is None


def test_labelled_posts_are_joined_once_in_the_order_of_ids() -> None:
    corpus, labels = made(20, seed=1)
    posts = labelled_posts(corpus, labels.sample(fraction=1.0, shuffle=True, seed=2).to_pandas())
    assert posts.select("post_id", "value").equals(labels.sort("post_id"))
    assert "near_id" in posts.columns
    with pytest.raises(SchemaError, match=r"^a label is 'angry'; it must be 'nationalist'"):
        labelled_posts(corpus, labels.with_columns(value=pl.lit("angry")))


def test_the_frames_are_spread_evenly_and_the_seed_deals() -> None:
    corpus, labels = made(400, seed=1, shares=[0.6, 0.1, 0.1, 0.2])
    posts = labelled_posts(corpus, labels)
    one, other = (group_folds(posts, seed=seed, folds=5) for seed in (1, 2))
    for split in one:
        own = posts["value"].gather(split.test)
        share = int((own == "conciliatory").sum()) / len(own)
        assert abs(share - int((posts["value"] == "conciliatory").sum()) / posts.height) < 0.02
    assert any((a.test.tolist() != b.test.tolist()) for a, b in zip(one, other, strict=True))


def test_a_frame_of_few_groups_is_warned_of() -> None:
    posts = table(list("abcdef"), [None] * 6).with_columns(value=pl.Series(["both"] * 2 + ["neither"] * 4))
    with pytest.warns(SmallSampleWarning) as caught:
        group_folds(posts, seed=1, folds=3)
    assert [str(one.message) for one in caught] == [
        "both: labelled in fewer groups of authors than the 3 folds; their scores rest on almost nothing"
    ]


@settings(deadline=None, max_examples=100)
@given(LISTS, st.integers(1, 3))
def test_forward_splits_train_before_they_calibrate_before_they_test(given_lists: Any, folds: int) -> None:
    posts = named(given_lists)
    try:
        splits = forward_splits(posts, folds=folds, first=0.4, calibrate=0.3)
    except MeaningError:
        return
    time = posts["created_at"].to_list()
    later: set[int] = set()
    for split in splits:
        parts = [split.train.tolist(), split.calibrate.tolist(), split.test.tolist()]
        for early, late in ((0, 1), (1, 2), (0, 2)):
            assert max(time[at] for at in parts[early]) < min(time[at] for at in parts[late])
            for column in ("author_id", "copy_id"):
                assert not shared(posts, parts[early], parts[late], column)
            check_split(posts[parts[early]], posts[parts[late]], forward=True)
        before = [at for at in range(posts.height) if time[at] < min(time[one] for one in parts[2])]
        assert split.dropped == len(before) - len(parts[0]) - len(parts[1])
        assert not later & set(parts[2])
        later |= set(parts[2])
    assert max(time) in {time[at] for at in later}


def test_posts_too_few_for_the_folds_are_said() -> None:
    with pytest.raises(MeaningError, match=r"^no frame has more than 2 posts, too few for 4 folds; label more posts$"):
        group_folds(table(list("abcd"), [None] * 4), seed=1, folds=4)


def test_forward_splits_drop_only_those_who_come_again() -> None:
    """Ten posts: the first five are before. a wrote the first and the eighth, c1 stands in the second and the ninth."""
    authors = ["a", "b", "c", "d", "e", "f", "g", "a", "h", "i"]
    copies = [None, "c1", None, None, None, None, None, None, "c1", None]
    (split,) = forward_splits(table(authors, copies), folds=1, first=0.5, calibrate=0.4)
    assert split.train.tolist() == [2]
    assert split.calibrate.tolist() == [3, 4]
    assert split.test.tolist() == [5, 6, 7, 8, 9]
    assert repr(split) == "Split(1 to train on, 2 to calibrate on, 5 to test, 2 dropped)"
    authors[4] = "c"  # the third and the fifth: the earlier one goes
    with pytest.raises(MeaningError, match=r"^1 of 1 splits forward in time have an empty part"):
        forward_splits(table(authors, copies), folds=1, first=0.5, calibrate=0.4)


def test_posts_of_one_instant_are_never_parted() -> None:
    hours = [0] * 2 + [1] * 3 + [2] * 3 + [3] * 5  # half of 13 is in the middle of the third instant
    (split,) = forward_splits(table([f"a{i}" for i in range(13)], [None] * 13, hours), folds=1)
    assert split.train.tolist() == [0, 1]
    assert split.calibrate.tolist() == [2, 3, 4]
    assert split.test.tolist() == list(range(5, 13))
    with pytest.raises(MeaningError, match=r"^2 of 2 splits forward in time have an empty part"):
        forward_splits(table([f"a{i}" for i in range(12)], [None] * 12, [0] * 12), folds=2)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"folds": 0}, UsageError, "folds is 0; it must be 1 or more, like 3"),
        ({"first": 0.0}, UsageError, "first is 0.0; it must be between 0 and 1, like 0.5"),
        ({"calibrate": 1.0}, UsageError, "calibrate is 1.0; it must be between 0 and 1, like 0.5"),
    ],
)
def test_what_cannot_be_split_is_said(options: dict[str, Any], kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind) as caught:
        forward_splits(table(list("abcd"), [None] * 4), **options)
    assert str(caught.value) == sentence
    with pytest.raises(MeaningError, match=r"^3 of 3 splits"):
        forward_splits(table([], []))


CLEAN = table(["a", "b", "c", "d"], ["1", "2", "3", None], text_norm=[LONG, "war", "tea", "bread"])
TAIL = "make it with group_folds or forward_splits"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"post_id": ["x:0", "x:1", "x:0", "x:3"]}, "1 post is in training and in the tested part"),
        ({"author_id": ["a", "b", "a", "b"]}, "2 authors are in training and in the tested part"),
        ({"copy_id": ["1", "2", None, "2"]}, "1 copied text is in training and in the tested part"),
        ({"text_norm": [LONG, "war", "tea", LONG]}, "1 nearly copied text is in training and in the tested part"),
        (
            {"text_norm": [LONG, "war", LONG + " #tag", "x"]},
            "1 nearly copied text is in training and in the tested part",
        ),
        ({"text_norm": [LONG, "war", "tea", "war"]}, "1 nearly copied text is in training and in the tested part"),
    ],
)
def test_a_planted_leak_is_named(changed: dict[str, list[Any]], said: str) -> None:
    check_split(CLEAN[:2], CLEAN[2:])
    leaky = CLEAN.with_columns(**{name: pl.Series(values) for name, values in changed.items()})
    with pytest.raises(MeaningError) as caught:
        check_split(leaky[:2], leaky[2:])
    assert str(caught.value) == f"the split leaks: {said}; {TAIL}"


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ([0, 9, 5, 6], "1 training post is not older than the oldest tested one"),
        ([5, 9, 5, 6], "2 training posts are not older than the oldest tested one"),
        ([0, 1, 2, 3], None),
    ],
)
def test_a_training_post_later_than_a_tested_one_is_a_leak_forward_in_time_only(
    hours: list[int], said: str | None
) -> None:
    posts = CLEAN.with_columns(created_at=pl.Series([START + timedelta(hours=one) for one in hours]))
    check_split(posts[:2], posts[2:])
    if said is None:
        check_split(posts[:2], posts[2:], forward=True)
        return
    with pytest.raises(MeaningError) as caught:
        check_split(posts[:2], posts[2:], forward=True)
    assert str(caught.value) == f"the split leaks: {said}; {TAIL}"


def test_a_check_needs_its_columns_and_nothing_else() -> None:
    bare = CLEAN.select("post_id", "author_id", "text_norm")
    check_split(bare[:2], bare[2:])
    check_split(bare[:0], bare)
    wanted = "they need post_id, author_id, text_norm"
    with pytest.raises(SchemaError, match=rf"^the posts of a split have no column 'text_norm'; {wanted}$"):
        check_split(bare[:2], bare[2:].drop("text_norm"))
    with pytest.raises(SchemaError, match=rf"^the posts of a split have no column 'created_at'; {wanted}, created_at$"):
        check_split(bare[:2], bare[2:], forward=True)


def test_a_random_split_of_many_posts_an_author_is_caught() -> None:
    corpus, labels = made(60, seed=2, authors=10)
    posts = labelled_posts(corpus, labels)
    order = np.random.default_rng(1).permutation(60)
    with pytest.raises(MeaningError, match=r"authors are in training"):
        check_split(posts[order[:40]], posts[order[40:]])
    assert isinstance(group_folds(posts, seed=1, folds=2)[0], Split)


def test_the_leak_of_a_published_set_is_found_and_named() -> None:
    """The validation part of RUHSOLD's second task is its training file again."""

    def part(name: str) -> pl.DataFrame:
        lines = shared_file("roman_urdu_ruhsold", f"task_2_{name}.tsv").read_text(encoding="utf-8").split("\n")[:400]
        texts = normal_forms([line.rpartition("\t")[0] for line in lines], ["ur-Latn"] * len(lines))
        names = [f"{name}-{at}" for at in range(len(lines))]
        return pl.DataFrame({"post_id": names, "author_id": names, "text_norm": texts})

    with pytest.raises(MeaningError, match=r"^the split leaks: 3\d\d|^the split leaks: 400") as raised:
        check_split(part("train"), part("validation"))
    assert "text" in str(raised.value)
