"""What a spool takes it gives back, all of it, once, in its parts; in memory, on disk and of several processes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.settle import ITEM, OBSERVED
from discourse.errors import BadInput
from discourse.readers.account import ASIDE
from discourse.store import spool as module
from discourse.store.spool import AsideSpool, Spool

FRAMES = st.lists(st.lists(st.integers(0, 40), max_size=6), max_size=6)


def rows(numbers: list[int]) -> pl.DataFrame:
    made = [{"post_id": f"x:{number}", "text": "peace", "source_line": number, ITEM: number} for number in numbers]
    return pl.DataFrame(made, schema={**OBSERVED, ITEM: pl.Int64})


def given_back(spool: Spool) -> list[int]:
    found: list[int] = []
    last = -1
    for low, high, part in spool.parts():
        assert last < low <= high
        assert part["bucket"].is_between(low, high).all()
        last = high
        found += part["source_line"].to_list()
    return sorted(found)


@settings(deadline=None, max_examples=60)
@given(FRAMES, FRAMES, st.integers(0, 8), st.sampled_from([1, 2, 64, 256]), st.booleans())
def test_all_rows_come_back_each_time(
    own: list[list[int]], others: list[list[int]], limit: int, parts: int, spilled: bool
) -> None:
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PARTS", parts)
        (Path(place) / "other").mkdir()
        spool, other = Spool(Path(place), limit), Spool(Path(place) / "other", limit)
        for numbers in own:
            spool.take(rows(numbers))
        for numbers in others:
            other.take(rows(numbers))
        if spilled:
            other.spill()
        spool.join(Spool(Path(place) / "other") if spilled else other)
        wanted = sorted(number for numbers in (*own, *others) for number in numbers)
        assert given_back(spool) == wanted
        assert given_back(spool) == wanted  # another writer was first: it is asked again


def test_few_rows_touch_no_disk_and_many_do(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 3)
    spool.take(rows([1, 2, 3]))
    assert list(tmp_path.iterdir()) == []
    spool.take(rows([4]))
    assert 1 <= len(list(tmp_path.iterdir())) <= 4
    spool.take(rows([5]))
    assert given_back(spool) == [1, 2, 3, 4, 5]


def test_a_part_has_about_as_many_rows_as_may_be_in_memory(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 64)
    for first in range(0, 1000, 50):
        spool.take(rows(list(range(first, first + 50))))
    parts = [part.height for _, _, part in spool.parts()]
    assert sum(parts) == 1000
    assert len(parts) in (16, 32)
    assert max(parts) < 2 * 64


def test_no_machine_path_stands_in_what_is_said_of_a_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "gone", 0)
    (tmp_path / "gone").write_text("a file")
    with pytest.raises(BadInput) as caught:
        spool.take(rows([1]))
    assert str(caught.value).startswith("'a part of what was read' could not be written (Not a directory); ")


def aside(numbers: list[int]) -> pl.DataFrame:
    made = [
        {"source_file": "a", "source_line": one, "reason": "bad_id", "how": "{}", "raw": None if one % 2 else b"{"}
        for one in numbers
    ]
    return pl.DataFrame(made, schema=ASIDE)


@settings(deadline=None, max_examples=40)
@given(FRAMES, FRAMES, st.sampled_from([0, 100, 1 << 20]))
def test_all_that_was_set_aside_comes_back_each_time(own: list[list[int]], others: list[list[int]], limit: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "other").mkdir()
        spool, other = AsideSpool(Path(place), limit), AsideSpool(Path(place) / "other", limit)
        for numbers in own:
            spool.take(aside(numbers))
        for numbers in others:
            other.take(aside(numbers))
        spool.join(other)
        wanted = sorted(number for numbers in (*own, *others) for number in numbers)
        for _ in range(2):
            found = pl.concat([pl.DataFrame(schema=ASIDE), *spool.frames()])
            assert sorted(found["source_line"]) == wanted
            assert found["raw"].null_count() == sum(number % 2 for number in wanted)
        assert sorted(spool.listed["source_line"]) == wanted
