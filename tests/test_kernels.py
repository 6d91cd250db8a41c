"""What every kernel stands on: when it serves, how it is kept on disk, how rows are dealt out, how texts are packed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.kernels import compiled
from discourse.kernels.compiled import MANY, batches, in_threads, plain_path, threads, wanted
from discourse.kernels.packed import packed, unpacked

numba = pytest.importorskip("numba", reason="needs numba: pip install 'discourse[speed]'")


def test_kernels_serve_many_rows_or_where_numba_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wanted(1)  # this file has loaded it
    monkeypatch.setattr(compiled, "_loads", lambda: True)
    monkeypatch.delitem(sys.modules, "numba")
    assert [wanted(rows) for rows in (1, MANY - 1, MANY)] == [False, False, True]


def test_the_plain_path_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with plain_path():
        assert not wanted(MANY)
        with plain_path():
            pass
        assert not wanted(MANY)
    assert wanted(MANY)
    monkeypatch.setenv("DISCOURSE_PLAIN", "1")
    assert not wanted(MANY)


def test_without_numba_nothing_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    compiled._loads.cache_clear()
    assert not wanted(MANY)
    monkeypatch.undo()
    compiled._loads.cache_clear()
    assert wanted(MANY)


def test_the_package_does_not_load_numba_and_small_columns_neither() -> None:
    code = (
        "import sys, discourse, discourse.text\n"
        "from discourse.text import detect_language, normalize, sentiment, tokenize\n"
        "texts = ['we want peace'] * 20\n"
        "detect_language(texts), normalize(texts), sentiment(texts), tokenize(texts)\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 60), st.integers(1, 9))
@settings(deadline=None)
def test_batches_hold_every_row_once_and_few_bytes(sizes: list[int], most_bytes: int, most_rows: int) -> None:
    offsets = np.cumsum([0, *sizes])
    runs = batches(offsets, most_bytes, most_rows)
    assert [row for first, last in runs for row in range(first, last)] == list(range(len(sizes)))
    for number, (first, last) in enumerate(runs):
        assert last - first == 1 or (last - first <= most_rows and offsets[last] - offsets[first] <= most_bytes)
        if number + 1 < len(runs):  # one more row would not have fitted
            assert last - first == most_rows or offsets[last + 1] - offsets[first] > most_bytes


def test_runs_come_back_in_order_from_two_threads_at_once() -> None:
    both = threading.Barrier(2, timeout=20)

    def work(first: int, last: int) -> tuple[int, int]:
        both.wait()  # passes only when two are at work
        return first, last

    assert in_threads(work, [(0, 1), (1, 2), (2, 5), (5, 9)], count=2) == [(0, 1), (1, 2), (2, 5), (5, 9)]


def test_an_error_in_a_thread_is_not_lost() -> None:
    def work(first: int, last: int) -> int:
        return 1 // (first - 2)

    with pytest.raises(ZeroDivisionError):
        in_threads(work, [(0, 1), (2, 3), (4, 5)], count=2)


def test_threads_follow_the_processors_and_joblib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7})
        assert threads() == 3
    monkeypatch.setenv("NUMBA_NUM_THREADS", "11")
    assert threads() == 11
    monkeypatch.setenv("NUMBA_NUM_THREADS", "0")
    assert threads() != 0


def test_machine_code_goes_where_something_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, user = tmp_path / "package" / "kernels", tmp_path / "user"
    package.mkdir(parents=True)
    (package / "compiled.py").write_text("first")
    monkeypatch.setattr(compiled, "__file__", str(package / "compiled.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(user))
    folder = compiled._folder.__wrapped__
    own = folder("")
    assert own is not None
    assert own.parent == package / "__pycache__"
    assert folder(str(tmp_path / "given")).parent == tmp_path / "given"
    (package / "utf8.py").write_text("another source")
    assert folder("").name != own.name  # code that was made of other sources stays unused
    for made in sorted((package / "__pycache__").iterdir()):
        made.rmdir()
    (package / "__pycache__").rmdir()
    (package / "__pycache__").write_text("no folder can be made here")
    assert folder("").parent == user / "discourse"
    monkeypatch.setenv("XDG_CACHE_HOME", str(package / "__pycache__"))
    assert folder("") is None


def test_decorating_leaves_numbas_settings_as_they_were() -> None:
    before = numba.config.CACHE_DIR

    @compiled.compiled
    def added(a: int, b: int) -> int:
        return a + b

    assert (added(2, 3), numba.config.CACHE_DIR) == (5, before)
    assert [str(kind) for kind in added.signatures[0]] == ["int64", "int64"]  # it was compiled


@given(st.lists(st.none() | st.text(max_size=8), max_size=12))
@settings(deadline=None)
def test_texts_come_back_from_their_bytes(texts: list[str | None]) -> None:
    column = packed(texts)
    assert unpacked(column.content, column.offsets) == [text or "" for text in texts]
    assert column.broken == []


def test_halves_of_surrogate_pairs_are_named() -> None:
    column = packed(["a", "\ud800b", None, "c\udfff", "😀"])
    assert column.broken == [1, 3]
    assert unpacked(column.content, column.offsets) == ["a", "", "", "", "😀"]
