"""Answers for chunks are remembered within bounds."""

from __future__ import annotations

import pytest

from discourse.errors import SchemaError
from discourse.text import chunks
from discourse.text.chunks import Memo, strings


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
