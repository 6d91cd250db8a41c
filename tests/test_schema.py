"""The tables: columns, types, allowed values, keys, each refusal in one sentence."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discourse.errors import SchemaError
from discourse.schema import (
    EVENTS,
    FRAMES,
    FRAMINGS,
    LABELS,
    POSTS,
    QUARANTINE,
    SERIES,
    Table,
    as_polars,
    one_of,
)

TABLES = (POSTS, QUARANTINE, LABELS, FRAMINGS, SERIES, EVENTS)
SMALL = Table(
    "small", {"id": pl.String, "n": pl.Int64, "kind": pl.String}, frozenset({"id"}), {"kind": ("a", "b")}, ("id",)
)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_is_consistent_with_itself(table: Table) -> None:
    columns = set(table.columns)
    assert set(table.required) <= columns
    assert set(table.values) <= columns
    assert set(table.key) <= columns
    assert table.empty().schema == table.require(table.empty()).schema
    assert table.empty().columns == list(table.columns)


def test_probabilities_stand_in_the_order_of_the_frames() -> None:
    assert FRAMES == ("nationalist", "conciliatory", "both", "neither")
    assert list(FRAMINGS.columns)[2:6] == [f"p_{frame}" for frame in FRAMES]


@pytest.mark.parametrize(
    ("allowed", "sentence"),
    [
        (("post",), "weight is 'x'; it must be 'post'"),
        (("post", "author"), "weight is 'x'; it must be 'post' or 'author'"),
        (("p", "q", "r", "s", "t"), "weight is 'x'; it must be 'p', 'q', 'r', 's' or 't'"),
    ],
)
def test_one_of_lists_every_option(allowed: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(SchemaError) as caught:
        one_of("x", allowed, "weight")
    assert str(caught.value) == sentence


@given(st.text(max_size=8), st.lists(st.text(max_size=8), min_size=1, max_size=5))
def test_one_of_gives_back_what_is_allowed_and_names_the_rest(value: str, allowed: list[str]) -> None:
    if value in allowed:
        assert one_of(value, allowed, "it") == value
    else:
        with pytest.raises(SchemaError) as caught:
            one_of(value, allowed, "it")
        assert all(repr(option) in str(caught.value) for option in allowed)
        assert repr(value) in str(caught.value)


def test_frame_fills_orders_and_casts() -> None:
    made = SMALL.frame(pl.DataFrame({"extra": [1], "n": pl.Series([2], dtype=pl.Int8), "id": ["x"]}))
    assert made.columns == ["id", "n", "kind"]
    assert made.row(0) == ("x", 2, None)
    assert made.schema["n"] == pl.Int64
    assert SMALL.frame([{"id": "x", "kind": "a"}]).row(0) == ("x", None, "a")
    assert SMALL.frame([]).schema == SMALL.empty().schema


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"n": [1], "kind": ["a"], "ids": ["x"]}, "the small table has no column 'id'; it has 'ids'"),
        ({"n": [1], "zzz": ["a"]}, "the small table has no column 'id'"),
        ({"id": [None, None, "x"], "n": [1, 1, 1], "kind": ["a"] * 3},
         "the small table has 2 rows without 'id'; every row needs one"),
        ({"id": [1.0], "n": [1], "kind": ["a"]},
         "column 'id' of the small table holds floats; ids and words must be strings"),
        ({"id": ["x"], "n": ["many"], "kind": ["a"]}, "column 'n' of the small table is String, it must be Int64"),
        ({"id": ["x"], "n": [1], "kind": ["c"]}, "kind in the small table is 'c'; it must be 'a' or 'b'"),
        ({"id": ["x", "x"], "n": [1, 2], "kind": ["a", "b"]},
         "the small table has rows that share one id; it must be unique"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(data: dict[str, list[object]], sentence: str) -> None:
    with pytest.raises(SchemaError) as caught:
        SMALL.require(pl.DataFrame(data))
    assert str(caught.value) == sentence


def test_an_optional_value_may_be_null() -> None:
    frame = pl.DataFrame({"id": ["x"], "n": [None], "kind": [None]}, schema=dict(SMALL.columns))
    assert SMALL.require(frame).equals(frame)


def test_checking_does_not_change_the_frame() -> None:
    frame = pl.DataFrame({"id": ["x"], "n": pl.Series([1], dtype=pl.Int8), "kind": ["a"]})
    before = frame.clone()
    SMALL.require(frame)
    assert frame.equals(before)
    assert frame.schema == before.schema


def test_pandas_and_lazy_frames_come_in() -> None:
    frame = pl.DataFrame({"id": ["x"]})
    assert as_polars(frame) is frame
    assert as_polars(frame.lazy()).equals(frame)
    assert as_polars(pd.DataFrame({"id": ["x"]})).equals(frame)
    with pytest.raises(SchemaError, match=r"^a table must be a polars or pandas frame, got list$"):
        as_polars([1])


def test_times_are_utc_in_microseconds() -> None:
    row = {"post_id": "x:1", "platform": "x", "author_id": "a", "created_at": datetime(2025, 1, 1, tzinfo=UTC),
           "text": "t", "kind": "reply"}  # fmt: skip
    assert POSTS.frame([row]).schema["created_at"] == pl.Datetime("us", "UTC")
