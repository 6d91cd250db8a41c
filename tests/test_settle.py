"""Records are joined by rules that do not ask which came first."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from discourse.corpus import settle
from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym, tombstone
from discourse.corpus.settle import (
    ITEM,
    OBSERVED,
    Tombstones,
    as_live,
    greatest,
    join_records,
    split_deleted,
    with_gone,
    without_rivals,
)

KEY = Key.made_up("settle")
EMPTY = pl.DataFrame(schema=OBSERVED)
DAY = dt.datetime(2025, 5, 7, 10, tzinfo=dt.UTC)
LATER, LATEST = (DAY + dt.timedelta(days=days) for days in (1, 2))
Row = dict[str, Any]


def frame(*rows: Row) -> pl.DataFrame:
    fixed = {"post_id": "x:9001", "platform": "x", "author_id": "x:a", "created_at": DAY, "text": "peace"}
    more = {"kind": "original", "source_file": "a", "source_line": 1}
    return pl.DataFrame([{**fixed, **more, **row} for row in rows], schema=OBSERVED)


def numbered(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(ITEM))


def joined(stored: pl.DataFrame, *batches: pl.DataFrame) -> pl.DataFrame:
    for batch in batches:
        stored, _ = join_records(stored, numbered(batch))
    return stored.sort("post_id", "author_id", "text")


TIMES = st.sampled_from([None, DAY, LATER, LATEST])
COUNTS = st.none() | st.integers(0, 2)
ROWS = st.fixed_dictionaries(
    {
        "post_id": st.sampled_from(["x:9001", "x:9002"]),
        "author_id": st.sampled_from(["x:a", "x:b"]),
        "text": st.sampled_from(["peace", "war", ""]),
        "likes": COUNTS,
        "replies": COUNTS,
        "edited_at": TIMES,
        "collected_at": TIMES,
        "lang_declared": st.sampled_from([None, "ur", "en"]),
        "kind": st.sampled_from(["original", "reply"]),
        "parent_id": st.sampled_from([None, "x:1"]),
        "version_of": st.sampled_from([None, "x:9001"]),
        "source_file": st.sampled_from(["a", "b"]),
        "source_line": st.integers(1, 3),
    }
)
BATCHES = st.lists(st.lists(ROWS, max_size=5).map(lambda rows: frame(*rows)), min_size=1, max_size=4)


@settings(deadline=None, max_examples=150)
@given(BATCHES, st.data())
def test_the_join_is_the_same_in_any_order_and_grouping(batches: list[pl.DataFrame], data: st.DataObject) -> None:
    once = joined(EMPTY, pl.concat(batches))
    assert joined(EMPTY, *data.draw(st.permutations(batches))).equals(once)  # commutes
    assert joined(joined(EMPTY, *batches[1:]), batches[0]).equals(once)
    assert joined(joined(EMPTY, batches[0]), joined(EMPTY, *batches[1:])).equals(once)  # associates, with stored rows
    assert joined(once, once).equals(once)  # again changes nothing
    assert joined(once, *batches).equals(once)
    shuffled = pl.concat(batches).sample(fraction=1, shuffle=True, seed=data.draw(st.integers(0, 9)))
    assert joined(EMPTY, shuffled).equals(once)
    assert as_live(once).equals(as_live(once.reverse()))


@settings(deadline=None, max_examples=100)
@given(BATCHES, st.integers(0, 20))
def test_every_new_record_counts_once_and_a_post_is_accepted_once(batches: list[pl.DataFrame], cut: int) -> None:
    rows = pl.concat(batches)
    counted: list[str] = []
    stored = EMPTY
    for part in (rows[:cut], rows[cut:]):
        stored, outcomes = join_records(stored, numbered(part))
        assert outcomes.height == part.height
        assert (
            outcomes.select("source_file", "source_line")
            .sort(pl.all())
            .equals(part.select("source_file", "source_line").sort(pl.all()))
        )
        counted += outcomes["outcome"].to_list()
    assert set(counted) <= {"accepted", "duplicate", "edit", "conflicting_duplicate"}
    assert counted.count("accepted") == rows["post_id"].n_unique()
    assert stored.height == rows.select("post_id", "author_id", "text").n_unique()
    assert as_live(stored).height == rows["post_id"].n_unique()


@settings(deadline=None, max_examples=100)
@given(BATCHES, st.integers(0, 20))
def test_posts_with_one_record_are_joined_as_all_others(batches: list[pl.DataFrame], cut: int) -> None:
    rows = pl.concat(batches).with_columns(
        pl.format("x:{}", pl.int_range(pl.len()) // pl.int_range(1, pl.len() + 1).clip(1, 2)).alias("post_id")
    )
    stored, new = greatest(rows[:cut]), numbered(rows[cut:])
    for one, other in zip(join_records(stored, new), settle._join_repeated(stored, new), strict=True):
        assert_frame_equal(one, other, check_row_order=False)


@settings(deadline=None, max_examples=60)
@given(BATCHES)
def test_the_live_ones_are_in_the_order_of_their_ids(batches: list[pl.DataFrame]) -> None:
    rows = pl.concat(batches)
    alone = rows.unique("post_id", keep="first")
    assert as_live(alone).equals(alone.sort("post_id"))
    assert as_live(rows)["post_id"].to_list() == sorted(set(rows["post_id"]))


def test_the_greatest_is_one_whole_record_with_the_least_place() -> None:
    rows = frame(
        {"likes": 9, "collected_at": DAY, "replies": 1, "source_file": "b"},
        {"likes": 4, "collected_at": LATER, "source_file": "c"},
        {"likes": None, "collected_at": LATER, "replies": 7, "source_file": "a", "source_line": 5},
        {"likes": 99, "collected_at": None, "source_file": "a", "source_line": 7},
    )
    (one,) = greatest(rows).iter_rows(named=True)
    assert (one["likes"], one["replies"], one["collected_at"]) == (4, None, LATER)
    assert (one["source_file"], one["source_line"]) == ("a", 5)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([{"text": "one"}, {"text": "two", "edited_at": DAY}], "two"),
        ([{"text": "one", "edited_at": LATER}, {"text": "two", "edited_at": DAY}], "one"),
        ([{"text": "one", "edited_at": DAY}, {"text": "two", "collected_at": LATER}], "one"),
        ([{"text": "one", "collected_at": DAY}, {"text": "two", "collected_at": LATER}], "two"),
        ([{"text": "one", "source_file": "b"}, {"text": "two", "source_file": "a"}], "two"),
        ([{"text": "one", "source_line": 10}, {"text": "two", "source_line": 9}], "two"),
        ([{"text": "one"}, {"text": "two", "author_id": "x:0"}], "two"),
    ],
)
def test_the_live_one_is_the_last_edited_then_collected_then_the_first_written(rows: list[Row], text: str) -> None:
    for order in (rows, rows[::-1]):
        assert as_live(frame(*order))["text"].to_list() == [text]


def test_of_a_chain_the_last_version_stands_even_if_the_first_is_not_there() -> None:
    chain = [
        {"post_id": "x:9010", "version_of": "x:9009", "created_at": LATER},
        {"post_id": "x:9011", "version_of": "x:9009", "created_at": LATEST},
        {"post_id": "x:9009", "created_at": DAY},
        {"post_id": "x:9012", "created_at": DAY},
    ]
    assert without_rivals(frame(*chain)) == {"x:9009", "x:9010"}
    assert without_rivals(frame(*chain[:2])) == {"x:9010"}
    assert without_rivals(frame(chain[3])) == frozenset()


def graves(*subjects: str) -> Tombstones:
    return Tombstones(frozenset(subjects))


POST = {
    "post_id": "x:9001",
    "author_id": pseudonym(KEY, "x", "42"),
    "handle_id": handle_pseudonym(KEY, "x", "demo_one"),
}
HANGING = [
    POST,
    {**POST, "text": "other words", "author_id": "x:b", "handle_id": None},
    {"post_id": "x:9002", "kind": "repost", "parent_id": "x:9001"},
    {"post_id": "x:9003", "kind": "repost", "parent_id": "x:9002"},
    {"post_id": "x:9004", "version_of": "x:9001"},
    {"post_id": "x:9005", "kind": "reply", "parent_id": "x:9001"},
    {"post_id": "x:9006", "kind": "reply", "parent_id": "x:9007"},
]


@pytest.mark.parametrize(
    "subject",
    [tombstone(KEY, "x:9001"), tombstone(KEY, "x:9004"), POST["author_id"], POST["handle_id"]],
    ids=["post", "later version", "author", "handle"],
)
@pytest.mark.parametrize("turned", [False, True])
def test_with_a_post_go_its_records_reposts_and_versions_but_no_reply(subject: str, turned: bool) -> None:
    rows = frame(*(HANGING[::-1] if turned else HANGING))
    standing, gone = split_deleted(rows, graves(subject), KEY)
    assert sorted(gone["post_id"]) == ["x:9001", "x:9001", "x:9002", "x:9003", "x:9004"]
    assert gone["grave"].to_list() == [tombstone(KEY, post) for post in gone["post_id"]]
    assert dict(standing.select("post_id", "parent_id").iter_rows()) == {
        "x:9005": f"x:{tombstone(KEY, 'x:9001')}",
        "x:9006": "x:9007",
    }
    assert split_deleted(standing, graves(subject), KEY)[0].equals(standing)


@pytest.mark.parametrize("turned", [False, True])
def test_what_goes_may_take_others_in_other_parts_with_it(turned: bool) -> None:
    """Parts are asked one by one until nothing new is found: the end hangs on no order."""
    parts = [frame(row) for row in HANGING]
    found = graves(POST["author_id"])  # type: ignore[arg-type]
    for _ in range(len(parts)):
        for part in parts[::-1] if turned else parts:
            found = with_gone(part, found, KEY)
    assert found.seen == {tombstone(KEY, f"x:900{number}") for number in (1, 2, 3, 4)}
    gone = [split_deleted(part, found, KEY)[1].height for part in parts]
    assert gone == [1, 1, 1, 1, 1, 0, 0]


def test_without_tombstones_nothing_is_touched() -> None:
    rows = frame(*HANGING)
    standing, gone = split_deleted(rows, Tombstones(), KEY)
    assert standing.equals(rows)
    assert gone.height == 0
    assert split_deleted(EMPTY, graves("x:a"), KEY)[1].columns == [*OBSERVED, "grave"]
