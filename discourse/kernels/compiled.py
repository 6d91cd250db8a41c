"""How kernels are compiled, when they are used, and how rows are dealt out to threads."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt

__all__ = ["MANY", "batches", "compiled", "in_threads", "inlined", "plain_path", "threads", "wanted"]

MANY: Final = 2_000
"""Rows that are worth the 0.4 s in which numba is loaded."""

_BYTES: Final = 1 << 20
_ROWS: Final = 1 << 14
_PLAIN: ContextVar[bool] = ContextVar("discourse_plain_path", default=False)

Function = TypeVar("Function", bound=Callable[..., Any])
Answer = TypeVar("Answer")


def compiled(function: Function) -> Function:
    """The function as machine code: made on its first call, kept on disk, run without the interpreter's lock."""
    return _compiled(function, False)


def inlined(function: Function) -> Function:
    """`compiled`, and written out wherever another kernel calls it: for what is called once a character or word.

    A call of its own would count references to each array it is given, which takes longer than what it does.
    """
    return _compiled(function, True)


def _compiled(function: Function, inline: bool) -> Function:
    import numba

    settings: Any = numba.config
    given = settings.CACHE_DIR
    folder = _folder(given)
    settings.CACHE_DIR = str(folder or "")
    try:
        made: Any = numba.njit(nogil=True, cache=folder is not None, forceinline=inline)(function)
    finally:
        settings.CACHE_DIR = given
    return cast("Function", made)


def wanted(rows: int) -> bool:
    """Whether kernels shall do a column of so many rows: enough of them, or numba is loaded already.

    False within `plain_path()`, where the environment has `DISCOURSE_PLAIN=1`, and where numba cannot be loaded.

    >>> with plain_path():
    ...     wanted(1_000_000)
    False
    """
    if _PLAIN.get() or os.environ.get("DISCOURSE_PLAIN") == "1":
        return False
    return (rows >= MANY or "numba" in sys.modules) and _loads()


@contextmanager
def plain_path() -> Iterator[None]:
    """Within it no kernel is used, whatever the number of rows: for tests and to measure what kernels gain."""
    token = _PLAIN.set(True)
    try:
        yield
    finally:
        _PLAIN.reset(token)


def threads() -> int:
    """How many threads work at once: `NUMBA_NUM_THREADS` if that is set, else the processors this process may use.

    joblib sets it in its worker processes, so that workers do not take each other's processors.

    >>> threads() >= 1
    True
    """
    asked = os.environ.get("NUMBA_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def batches(offsets: npt.NDArray[np.int64], most_bytes: int = _BYTES, most_rows: int = _ROWS) -> list[tuple[int, int]]:
    """The rows of a column in runs `(first, last)` of at most so many bytes and rows, one row at least.

    >>> batches(np.array([0, 4, 8, 20, 21, 22]), most_bytes=8, most_rows=2)
    [(0, 2), (2, 3), (3, 5)]
    """
    rows = len(offsets) - 1
    runs = []
    first = 0
    while first < rows:
        fits = int(np.searchsorted(offsets, offsets[first] + most_bytes, side="right")) - 1
        last = min(max(fits, first + 1), first + most_rows, rows)
        runs.append((first, last))
        first = last
    return runs


def in_threads(
    work: Callable[[int, int], Answer], runs: Sequence[tuple[int, int]], count: int | None = None
) -> list[Answer]:
    """What `work(first, last)` gives for each run of rows, in their order; `count` threads, else `threads()`.

    >>> in_threads(lambda first, last: last - first, [(0, 2), (2, 5)], count=2)
    [2, 3]
    """
    count = min(count or threads(), len(runs))
    if count <= 1:
        return [work(*run) for run in runs]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda run: work(*run), runs))


@cache
def _loads() -> bool:
    try:
        import numba  # noqa: F401
    except (ImportError, OSError):  # not installed, or not for this numpy
        return False
    return True


@cache
def _folder(given: str) -> Path | None:
    """Where machine code is kept: the folder numba was given, the package's own, or the user's; None where none can
    be written. Named by all sources of kernels, as the code of one may hold that of another."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    name = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    user = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or "~/.cache"
    own = (Path(__file__).parent / "__pycache__", Path(user).expanduser() / "discourse")
    for parent in (Path(given),) if given else own:
        folder = parent / f"kernels-{name}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except (OSError, RuntimeError):
            continue
        return folder
    return None
