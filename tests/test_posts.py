from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.posts import FILES, Corpus, Step
from discourse.errors import SchemaError
from discourse.schema import POSTS, QUARANTINE


def post(number: int, **given: object) -> dict[str, object]:
    return {
        "post_id": f"x:{number}",
        "platform": "x",
        "author_id": f"x:secretauthor{number % 3}",
        "created_at": datetime(2025, 4 + number % 2, 7, tzinfo=UTC),
        "text": f"canary words {number}",
        "kind": "original",
        **given,
    }


def corpus(*numbers: int) -> Corpus:
    return Corpus(POSTS.frame([post(number) for number in numbers]))


@settings(deadline=None, max_examples=30)
@given(st.permutations([1, 2, 10, 11, 20]))
def test_posts_are_sorted_by_id_whatever_their_order(numbers: list[int]) -> None:
    assert corpus(*numbers).posts["post_id"].to_list() == ["x:1", "x:10", "x:11", "x:2", "x:20"]


def test_posts_have_the_columns_of_the_table_and_no_more() -> None:
    given = POSTS.frame([post(1)]).with_columns(pl.lit("9001").alias("user_id"))
    assert Corpus(given).posts.columns == list(POSTS.columns)
    assert Corpus(given.select(["user_id", *POSTS.columns][::-1])).posts.columns == list(POSTS.columns)


def test_two_posts_cannot_share_an_id() -> None:
    with pytest.raises(SchemaError, match="post_id"):
        corpus(1, 1)


@pytest.mark.parametrize(
    ("accepted", "duplicates", "quarantined", "fine"),
    [(7, 2, 1, True), (7, 2, 2, False), (7, 1, 1, False), (10, 0, 1, False)],
)
def test_the_rows_of_each_file_add_up(accepted: int, duplicates: int, quarantined: int, fine: bool) -> None:
    right = ("a.jsonl", "rtweet", 3, 3, 0, 0, 0, 0)
    files = pl.DataFrame(
        [right, ("b.jsonl", "rtweet", 10, accepted, duplicates, quarantined, 0, 0)], schema=FILES.columns, orient="row"
    )
    if fine:
        assert Corpus(POSTS.empty(), files=files).files.height == 2
        return
    with pytest.raises(
        SchemaError,
        match=f"'b.jsonl' do not add up: {accepted} accepted, {duplicates} duplicates, {quarantined} quarantined",
    ):
        Corpus(POSTS.empty(), files=files)


def test_errors_that_cancel_between_files_are_seen() -> None:
    rows = [("a", "rtweet", 3, 4, 0, 0, 0, 0), ("b", "rtweet", 4, 3, 0, 0, 0, 0)]
    with pytest.raises(SchemaError, match="'a'"):
        Corpus(POSTS.empty(), files=pl.DataFrame(rows, schema=FILES.columns, orient="row"))


def test_keep_takes_true_only_and_notes_the_step() -> None:
    rows = [post(1, country="PK"), post(2, country="AF"), post(3, country=None)]
    before = Corpus(POSTS.frame(rows), history=(Step("read", 3, 3, "one file"),))
    after = before.keep(pl.col("country") == "PK", "from Pakistan", "the study is about it")
    assert after.posts["post_id"].to_list() == ["x:1"]
    assert after.history == (Step("read", 3, 3, "one file"), Step("from Pakistan", 3, 1, "the study is about it"))
    assert (len(before), len(before.history), len(after)) == (3, 1, 1)


@pytest.mark.parametrize("expression", [pl.col("nowhere") == 1, pl.col("text")])
def test_keep_needs_a_condition_on_the_posts(expression: pl.Expr) -> None:
    with pytest.raises(SchemaError, match="step 'odd' must give true or false") as caught:
        corpus(1).keep(expression, "odd", "why")
    assert "canary" not in str(caught.value)


def test_replace_posts_checks_and_notes() -> None:
    before = corpus(1, 2)
    after = before.replace_posts(before.posts.with_columns(pl.lit("en").alias("lang")), "languages", "told by the text")
    assert after.posts["lang"].to_list() == ["en", "en"]
    assert after.history == (Step("languages", 2, 2, "told by the text"),)
    with pytest.raises(SchemaError, match="lang in the posts table is 'english'"):
        before.replace_posts(before.posts.with_columns(pl.lit("english").alias("lang")), "languages", "wrong")


def test_with_sides_is_what_assign_gives() -> None:
    class Pakistan:
        def assign(self, given: Corpus, /) -> Corpus:
            return given.replace_posts(given.posts.with_columns(pl.lit("PK").alias("side")), "sides", "all one")

    assert corpus(1, 2).with_sides(Pakistan()).posts["side"].to_list() == ["PK", "PK"]


def test_to_pandas_keeps_ids_as_strings_and_times_in_utc() -> None:
    frame = corpus(1, 2).to_pandas()
    assert list(frame.columns) == list(POSTS.columns)
    assert frame["post_id"].tolist() == ["x:1", "x:2"]
    assert str(frame["created_at"].dt.tz) == "UTC"
    assert frame["likes"].isna().all()


def test_repr_counts_and_names_nobody() -> None:
    rows = [post(n, author_id=f"x:author{n}", side="PK", lang="ur") for n in range(1, 13)]
    rows += [post(n, author_id=f"x:author{n}", side="AF", lang="ps") for n in range(13, 16)]
    rows += [post(n, author_id=f"x:author{n}", side="IN", lang="en") for n in range(16, 36)]
    shown = repr(Corpus(POSTS.frame(rows)).keep(pl.col("kind") == "original", "originals", "only these"))
    assert shown.splitlines()[0] == "Corpus: 35 posts by 35 authors, 2025-04 to 2025-05; 0 rows set aside"
    # One side is small; the next smallest goes with it, or the sum of all would tell it.
    assert "  side: IN 20, 2 of few authors withheld" in shown.splitlines()
    assert shown.splitlines()[-1] == "  originals: 35 -> 35 (only these)"
    assert not any(word in shown for word in ("AF", "canary", "secret", "x:1"))


def test_repr_of_few_authors_tells_nothing() -> None:
    assert repr(corpus(1, 2, 3)) == "Corpus: posts by fewer than 10 authors, which are not told"


def test_repr_of_many_months_stays_short() -> None:
    months = [datetime(2010 + month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(30)]
    rows = [
        post(100 * month + a, author_id=f"x:author{a}", created_at=at)
        for month, at in enumerate(months)
        for a in range(10)
    ]
    assert "18 more" in repr(Corpus(POSTS.frame(rows)))


def test_an_empty_corpus() -> None:
    assert len(Corpus(POSTS.empty())) == 0
    assert "side: none" in repr(Corpus(POSTS.empty()))


def test_quarantine_is_checked() -> None:
    aside = pl.DataFrame([("a", 1, "invalid_json", "lost")], schema=QUARANTINE.columns, orient="row")
    with pytest.raises(SchemaError, match="'lost'"):
        Corpus(POSTS.empty(), quarantine=aside)
