"""Answers for chunks are remembered within bounds."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import SchemaError
from discourse.text import chunks
from discourse.text.chunks import Memo, changed, parts, strings


def test_a_chunk_is_worked_out_once() -> None:
    asked: list[str] = []

    def answer(chunk: str) -> int:
        asked.append(chunk)
        return len(chunk)

    memo = Memo(answer)
    assert [memo[chunk] for chunk in ("ab", "c", "ab")] == [2, 1, 2]
    assert asked == ["ab", "c"]


def test_long_chunks_are_not_kept_and_many_start_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_MOST", 3)
    memo = Memo(len)
    assert memo["x" * 61] == 61
    assert len(memo) == 0
    for chunk in ("a", "bb", "ccc"):
        memo[chunk]
    assert memo["x" * 60] == 60
    assert len(memo) == 1
    assert memo["a"] == 1


def test_what_counts_as_a_string() -> None:
    assert strings(iter(["a", None, float("nan")])) == ["a", None, None]
    with pytest.raises(SchemaError, match=r"langs\[0\] is float; every one must be a string or None"):
        strings([1.5], "langs")
    with pytest.raises(SchemaError, match="texts is one bytes; give a sequence of strings"):
        strings(b"abc")


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text("ab", max_size=6), max_size=12), st.integers(1, 12))
def test_parts_are_all_texts_in_order_and_none_is_larger_than_it_must_be(texts: list[str], characters: int) -> None:
    made = list(parts(texts, characters))
    assert [text for part in made for text in part] == texts
    assert all(made)
    assert all(len(part) == 1 or sum(map(len, part)) <= characters for part in made)
    for part, after in pairwise(made):
        assert sum(map(len, part)) + len(after[0]) > characters


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text("aB9", min_size=1, max_size=4), unique=True, max_size=12))
def test_chunks_changed_together_are_changed_one_by_one(chunks: list[str]) -> None:
    made = changed(chunks, str.lower, re.compile("(?m)^.*9.*$"), lambda chunk: "")
    assert made == {chunk: "" if "9" in chunk else chunk.lower() for chunk in chunks}
    assert list(made) == chunks
