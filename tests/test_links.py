"""Linked groups: chains of shared authors and copies."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.links import linked_groups

ROWS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["s", "t", "u", "v", None])), max_size=14)


def groups(rows: list[tuple[str, str | None]]) -> list[int]:
    frame = pl.DataFrame(rows, schema={"author_id": pl.String, "copy_id": pl.String}, orient="row")
    return linked_groups(frame).to_list()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([("a", None)], [0]),
        ([("a", None), ("a", None), ("b", None)], [0, 0, 1]),
        ([("a", "t"), ("b", "t"), ("c", None)], [0, 0, 1]),
        ([("a", "t"), ("b", "t"), ("b", "s"), ("c", "s")], [0, 0, 0, 0]),
        ([("a", None), ("b", None)], [0, 1]),
        ([("b", None), ("a", None)], [1, 0]),
        ([("b", "t"), ("a", "s"), ("c", "t")], [1, 0, 1]),
    ],
)
def test_small_cases(rows: list[tuple[str, str | None]], expected: list[int]) -> None:
    assert groups(rows) == expected


def naive(rows: list[tuple[str, str | None]]) -> list[set[int]]:
    """Merge rows until nothing is shared."""
    parts = [{i} for i in range(len(rows))]

    def tied(one: set[int], other: set[int]) -> bool:
        return any(
            rows[i][0] == rows[j][0] or (rows[i][1] is not None and rows[i][1] == rows[j][1])
            for i in one for j in other
        )  # fmt: skip

    while True:
        pair = next(((a, b) for a in parts for b in parts if a is not b and tied(a, b)), None)
        if pair is None:
            return parts
        parts = [part for part in parts if part not in pair] + [pair[0] | pair[1]]


@settings(deadline=None, max_examples=100)
@given(ROWS)
def test_groups_are_the_chains(rows: list[tuple[str, str | None]]) -> None:
    made = groups(rows)
    expected = {frozenset(part) for part in naive(rows)}
    assert {frozenset(i for i, g in enumerate(made) if g == number) for number in set(made)} == expected
    assert set(made) == set(range(len(expected)))


@settings(deadline=None, max_examples=60)
@given(ROWS, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list[tuple[str, str | None]], random: object) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    made = groups(rows)
    assert groups([rows[i] for i in order]) == [made[i] for i in order]
