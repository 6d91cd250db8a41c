"""Labels: reading them, deciding them, and keeping training and gold apart."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import BadInput, GoldWarning, MeaningError, MissingData, SchemaError, UsageError
from discourse.labels.codebook import Codebook, Value, Variable
from discourse.labels.labels import (
    SAMPLE,
    GoldLabels,
    Labels,
    TrainingLabels,
    read_labels,
    read_wide_labels,
    split_roles,
)
from discourse.schema import LABELS, POSTS

SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SHIPPED = Path(__file__).resolve().parents[1] / "corpora" / "codebook-1.toml"
FRAME = Variable("frame", "nominal", tuple(Value(v, v) for v in ("nationalist", "conciliatory", "both", "neither")))
HEAT = Variable("hostility", "ordinal", tuple(Value(v, v) for v in "012"))
BOOK = Codebook("framing", 4, (FRAME, HEAT))
BIG = "9000000000000000001"


def written(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def labels(said: dict[str, dict[str, str]], **sample: Sequence[Any]) -> Labels:
    """Labels from {post: {coder: value}}; columns of the sample by name."""
    rows = [
        {"post_id": post, "coder": coder, "variable": "frame", "value": value}
        for post, values in said.items()
        for coder, value in values.items()
    ]
    frame = pl.DataFrame({"post_id": list(said), **sample}) if said else SAMPLE.empty()
    return Labels(LABELS.frame(rows) if rows else LABELS.empty(), SAMPLE.frame(frame))


def posts(*rows: tuple[str, str, str | None]) -> pl.DataFrame:
    """Posts given as (id, author, copy)."""
    when = datetime(2025, 10, 11, tzinfo=UTC)
    shared = {"platform": "x", "created_at": when, "text": "t", "kind": "original"}
    return POSTS.frame([{"post_id": p, "author_id": a, "copy_id": c, **shared} for p, a, c in rows])


LONG = f"""post_id,coder,variable,value,round,inclusion_p,stratum,role,note
x:{BIG},a,frame,both,1,0.25,en,gold,
x:{BIG},b,frame,both,1,0.25,en,gold,"a, note"
x:{BIG},a,hostility,2,1,0.25,en,gold,
x:2,a,frame,neither,1,0.5,ur,training,
x:2,b,frame, nationalist ,1,0.50,ur,training,
x:3,a,frame,,1,1,ps,,
"""


def test_a_long_file(tmp_path: Path) -> None:
    read = read_labels(written(tmp_path, LONG), BOOK)
    assert read.table.height == 5
    assert read.table["codebook"].unique().to_list() == ["framing@4"]
    assert read.sample.rows() == [
        ("x:2", 0.5, "ur", "training"),
        ("x:3", 1.0, "ps", None),
        (f"x:{BIG}", 0.25, "en", "gold"),
    ]
    assert read.decided().rows() == [(f"x:{BIG}", "both")]
    assert read.decided("hostility").rows() == [(f"x:{BIG}", "2")]
    assert read.undecided == 2
    assert read.gold.frame.rows() == [(f"x:{BIG}", "both", 0.25)]
    assert len(read.training) == 0
    assert repr(read) == "Labels(3 posts, 2 coders, 2 undecided; frame: both 1)"


def test_optional_columns_may_be_absent(tmp_path: Path) -> None:
    read = read_labels(written(tmp_path, "value,variable,coder,post_id\nboth,frame,a,x:1\n"), BOOK)
    assert read.table.rows() == [("x:1", "a", "frame", "both", "1", "framing@4")]
    assert read.sample.rows() == [("x:1", None, None, None)]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("a,frame,neither", "a,frame,niether", r"^frame in row 5 is 'niether'; .* Did you mean 'neither'\?$"),
        ("a,hostility,2", "a,hostility,3", r"^hostility in row 4 is '3'; it must be '0', '1' or '2'$"),
        ("a,frame,neither", "a,farme,neither", "^variable is 'farme'; .* Did you mean 'frame'"),
        ("x:2,a,", ",a,", "^row 5 of the label file has no post_id; every row needs one$"),
        ("x:2,a,", "x:2,,", "^row 5 of the label file has no coder"),
        ("x:2,a,", "x:9.0E+18,a,", "^the id in row 5 of the label file was turned into a decimal number"),
        ("x:2,a,", "x:9E+18,a,", "^the id in row 5 of the label file was turned into a decimal number"),
        ("x:2,a,", "9e18,a,", "^the id in row 5 of the label file was turned into a decimal number"),
        ("x:2,a,", "x:136.0,a,", "^the id in row 5 of the label file was turned into a decimal number"),
        ("0.5,ur", "half,ur", "^inclusion_p in row 5 of the label file is not a number"),
        ("0.5,ur", "0.6,ur", "^1 posts have more than one inclusion_p, stratum or role"),
        ("training", "train", "^role in row 5 is 'train'; it must be 'training' or 'gold'"),
        ("post_id,", "postid,", "^the label file has no column 'post_id'; it has postid, .* Did you mean 'postid'"),
        ("2,b,frame, n", "2,a,frame, n", "rows that share one post_id . coder . variable . round"),
    ],
)
def test_a_fault_in_a_long_file_is_named_with_its_row(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in LONG
    with pytest.raises(SchemaError, match=sentence):
        read_labels(written(tmp_path, LONG.replace(old, new, 1)), BOOK)


def test_what_is_no_csv_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="there is no label file"):
        read_labels(tmp_path, BOOK)
    for content in ("", LONG + "x:4,a\n" + "x,y,z,1,2,3,4,5,6,7,8,9,10,11\n"):
        with pytest.raises(BadInput, match=r"^the label file 'labels\.csv' cannot be read as CSV"):
            read_labels(written(tmp_path, content), BOOK)
    (tmp_path / "labels.csv").write_bytes(LONG.replace("both", "b\xf6th").encode("latin-1"))
    with pytest.raises(BadInput):
        read_labels(tmp_path / "labels.csv", BOOK)


WIDE = f"""id,group,p,one,two,frame,heat_one
{BIG},en,0.5,both,neither,neither,1
2,en,0.5,both,both,,0
3,ur,0.25,both,neither,,
4,ur,0.25,,,,2
"""


def wide(path: Path, **changed: Any) -> Labels:
    given_: dict[str, Any] = {
        "id_column": "id",
        "platform": "x",
        "coders": {"one": "frame", "two": "frame", "heat_one": "hostility"},
        "agreed": "frame",
        "inclusion": "p",
        "stratum": "group",
        **changed,
    }
    return read_wide_labels(path, BOOK, **given_)


def test_a_wide_file(tmp_path: Path) -> None:
    read = wide(written(tmp_path, WIDE))
    assert sorted(read.table["coder"].unique()) == ["agreed", "heat_one", "one", "two"]
    assert read.decided().rows() == [("x:2", "both"), (f"x:{BIG}", "neither")]
    assert read.decided("hostility").rows() == [("x:2", "0"), ("x:4", "2"), (f"x:{BIG}", "1")]
    assert read.undecided == 2
    assert read.sample.filter(pl.col("post_id") == "x:3").rows() == [("x:3", 0.25, "ur", None)]
    assert read.codebook is BOOK


def test_a_wide_file_without_agreed_values_or_sample(tmp_path: Path) -> None:
    read = wide(written(tmp_path, WIDE), agreed=None, inclusion=None, stratum=None)
    assert read.decided().rows() == [("x:2", "both")]
    assert read.sample["inclusion_p"].null_count() == 4


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("2,en,0.5,both", "2,en,0.5,bath", "^frame in row 3 is 'bath'"),
        ("neither,1", "neither,7", "^hostility in row 2 is '7'"),
        ("3,ur,0.25", "1.36E+18,ur,0.25", "^the id in row 4 .* decimal number"),
        ("3,ur,0.25", ",ur,0.25", "^row 4 of the label file has no id"),
        ("3,ur,0.25", "2,ur,0.25", "share one post_id"),
        ("3,ur,0.25", "3,ur,a quarter", "^inclusion_p in row 4 of the label file is not a number"),
        ("one,", "onee,", "no column 'one'; it has .* Did you mean 'onee'"),
    ],
)
def test_a_fault_in_a_wide_file_is_named_with_its_row(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in WIDE
    with pytest.raises(SchemaError, match=sentence):
        wide(written(tmp_path, WIDE.replace(old, new, 1)))


def test_a_coder_of_an_unknown_variable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="variable is 'heat'"):
        wide(written(tmp_path, WIDE), coders={"heat_one": "heat"})


def test_agreed_beats_unanimous_and_one_voice_suffices() -> None:
    read = labels(
        {
            "x:1": {"a": "both", "b": "both", "agreed": "neither"},
            "x:2": {"a": "both"},
            "x:3": {"a": "both", "b": "neither"},
            "x:4": {"agreed": "both"},
        }
    )
    assert read.decided().rows() == [("x:1", "neither"), ("x:2", "both"), ("x:4", "both")]
    assert read.undecided == 1


def test_the_last_round_of_a_coder_counts() -> None:
    rows = [
        {"post_id": "x:1", "coder": coder, "variable": "frame", "value": value, "round": number}
        for coder, value, number in (
            ("a", "both", "10"),
            ("a", "neither", "9"),
            ("b", "both", "1"),
            ("b", "neither", None),
        )
    ]
    read = Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": "x:1"}]))
    assert read.decided().rows() == [("x:1", "both")]


def test_a_label_outside_the_sample_is_refused() -> None:
    rows = LABELS.frame([{"post_id": "x:1", "coder": "a", "variable": "frame", "value": "both"}])
    with pytest.raises(SchemaError, match="1 labelled posts are not in the sample"):
        Labels(rows, SAMPLE.empty())


@pytest.mark.parametrize("chance", [None, 0.0, -0.1, 1.0001, float("nan")])
def test_gold_needs_a_known_chance_of_being_drawn(chance: float | None) -> None:
    frame = pl.DataFrame({"post_id": ["x:1", "x:2"], "value": ["both"] * 2, "inclusion_p": [chance, 1.0]})
    with pytest.raises(MeaningError, match=r"^gold labels need known inclusion probabilities in \(0, 1\]; 1 of 2 have"):
        GoldLabels(frame)
    assert len(TrainingLabels(frame)) == 2


def test_gold_and_training_are_two_types() -> None:
    frame = pl.DataFrame({"post_id": ["x:2", "x:1"], "value": ["both"] * 2, "inclusion_p": [1.0, 0.5]})
    assert not isinstance(GoldLabels(frame), TrainingLabels)
    assert not isinstance(TrainingLabels(frame), GoldLabels)
    assert GoldLabels(frame).frame["post_id"].to_list() == ["x:1", "x:2"]
    with pytest.raises(SchemaError, match="share one post_id"):
        GoldLabels(frame.with_columns(post_id=pl.lit("x:1")))
    with pytest.raises(SchemaError, match="without 'value'"):
        TrainingLabels(frame.drop("value"))


def test_roles_must_be_there() -> None:
    with pytest.raises(MeaningError, match=r"no post has the role 'gold'; .* split_roles\(labels, corpus\.posts"):
        _ = labels({"x:1": {"a": "both"}}).gold
    with pytest.raises(MeaningError, match="no post has the role 'training'"):
        _ = labels({"x:1": {"a": "both"}}, role=["gold"], inclusion_p=[0.5]).training


def many(count: int) -> Labels:
    return labels({f"x:{i}": {"a": "both"} for i in range(count)}, inclusion_p=[0.5] * count)


def role_of(read: Labels) -> dict[str, str]:
    return dict(read.sample.select("post_id", "role").rows())


def test_posts_that_hang_together_get_one_role_and_gold_its_chance() -> None:
    # 0-1 share an author, 1-2 a text, 2-3 an author: one component. Every other post stands alone.
    linked = [("x:0", "a", None), ("x:1", "a", "c"), ("x:2", "b", "c"), ("x:3", "b", "d")]
    frame = posts(*linked, *((f"x:{i}", f"s{i}", None) for i in range(4, 400)), ("x:999", "a", None))
    split = {}
    for seed in range(30):
        done = split_roles(many(400), frame, training_share=0.25, seed=seed)
        split[seed] = role_of(done)
        assert len({split[seed][f"x:{i}"] for i in range(4)}) == 1
        chances = dict(done.sample.select("role", "inclusion_p").unique().rows())
        assert chances == {"training": 0.5, "gold": 0.375}
        texts = [
            set(frame.join(part.frame, on="post_id", how="semi")["copy_id"].drop_nulls())
            for part in (done.training, done.gold)
        ]
        assert not texts[0] & texts[1]
    share = sum(role == "training" for roles in split.values() for role in roles.values()) / (30 * 400)
    assert share == pytest.approx(0.25, abs=0.02)
    assert len({tuple(roles.items()) for roles in split.values()}) == 30
    assert {roles["x:0"] for roles in split.values()} == {"training", "gold"}


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([None, "c", "d", "e"])), min_size=1, max_size=14),
    st.integers(0, 2**64 - 1),
    st.randoms(use_true_random=False),
)
def test_a_split_is_apart_and_hangs_on_no_order(
    given_: list[tuple[int, str | None]], seed: int, chance: random.Random
) -> None:
    rows = [(f"x:{i}", f"a{author}", copy) for i, (author, copy) in enumerate(given_)]
    done = split_roles(many(len(rows)), posts(*rows), training_share=0.5, seed=seed)
    roles = role_of(done)
    for one in rows:
        for other in rows:
            if one[1] == other[1] or (one[2] is not None and one[2] == other[2]):
                assert roles[one[0]] == roles[other[0]]
    moved = posts(*chance.sample(rows, len(rows))).sample(fraction=1, shuffle=True, seed=1)
    again = split_roles(many(len(rows)), moved, training_share=0.5, seed=seed)
    assert role_of(again) == roles


def test_an_author_and_a_text_of_one_name_are_not_one_thing() -> None:
    frame = posts(("x:0", "c", None), ("x:1", "b", "c"))
    splits = [role_of(split_roles(many(2), frame, training_share=0.5, seed=seed)) for seed in range(40)]
    assert any(roles["x:0"] != roles["x:1"] for roles in splits)


def test_a_share_of_nothing_makes_all_gold_and_keeps_the_chance() -> None:
    done = split_roles(many(2), posts(("x:0", "a", None), ("x:1", "b", None)), training_share=0, seed=1)
    assert done.gold.frame["inclusion_p"].to_list() == [0.5, 0.5]


def test_posts_outside_the_corpus_get_no_role() -> None:
    with pytest.warns(GoldWarning, match="^1 labelled posts are not in the corpus and get no role$"):
        done = split_roles(many(2), posts(("x:0", "a", None)), training_share=0, seed=1)
    assert role_of(done) == {"x:0": "gold", "x:1": None}
    assert done.sample["inclusion_p"].to_list() == [0.5, 0.5]


def test_an_impossible_split_is_refused() -> None:
    frame = posts(("x:0", "a", None))
    for share in (-0.1, 1, 1.5):
        with pytest.raises(UsageError, match=r"training_share is .*; it must be from 0 to below 1"):
            split_roles(many(1), frame, training_share=share, seed=1)
    with pytest.raises(UsageError, match="seed is -1"):
        split_roles(many(1), frame, training_share=0.5, seed=-1)
    done = split_roles(many(1), frame, training_share=0, seed=1)
    with pytest.raises(MeaningError, match="have roles already"):
        split_roles(done, frame, training_share=0.5, seed=1)


def test_the_coded_half_of_the_hashtag_campaign() -> None:
    path = SHARED / "gold" / "get-out-2021.csv"
    if not path.exists():
        pytest.skip("needs ../shared (the coded half of the hashtag campaign)")
    pairs = {"coder_a": "frame", "coder_b": "frame", "hostility_a": "hostility", "hostility_b": "hostility"}
    read = read_wide_labels(
        path,
        Codebook.from_toml(SHIPPED),
        id_column="status_id",
        platform="x",
        coders=pairs,
        agreed="frame",
        inclusion="inclusion_p",
        stratum="stratum",
    )
    counts = dict(read.decided()["value"].value_counts().rows())
    # As the card of the set says.
    assert counts == {"nationalist": 308, "neither": 93, "conciliatory": 23, "both": 6}
    assert (len(read), read.undecided) == (434, 4)
    assert read.sample["post_id"].str.contains(r"^x:\d{19}$").all()
    assert read.sample.filter(pl.col("stratum") == "ur")["inclusion_p"].unique().to_list() == [0.782609]
