"""Sums over authors under the weights of every bootstrap replicate: exact, with memory that authors do not move.

All numbers are whole, so neither the order of authors, nor the threads, nor the kernel changes a bit of the result.
Authors come in blocks and replicates in tiles, so that the weights of a block and tile stay near the processor. With
numba installed, large sums run in one compiled loop; without it scipy multiplies sparse matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from discourse.poisson import hash_keys, keyed_weights
from discourse.schema import one_of

__all__ = ["CAPACITY", "KERNELS", "author_keys", "spread"]

CAPACITY: Final = 2**62 // 21
"""The most that weights may sum to: no replicate weighs an author more than 21 times, so 64 bits hold every sum."""

KERNELS: Final = ("numba", "scipy")
_MANY: Final = 100_000  # pairs that are worth loading numba, and a second thread
_MANY_IDS: Final = 10_000  # ids that are worth loading numba
_AUTHORS: Final = 8_192  # a block; 32 bits hold how often they all are drawn
_REPLICATES: Final = 200  # a tile

Counts = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]


def spread(keys: Keys, at: tuple[Counts, Counts, Counts], out: Counts, *, kernel: str | None = None) -> Counts:
    """Add to s slots the weights of authors, without and with those of b replicates; `out` has the shape (s, 1 + b).

    `keys` are those of a authors (`author_keys`). `at` holds three arrays of one length n: the place of an author in
    `keys`, the slot, and the weight that the author adds there (whole, not negative). Column 0 of `out` takes the
    plain sum, column i that of replicate i. Weights that sum to less than `CAPACITY` fit into whole numbers under any
    replicate. `kernel` is "numba" or "scipy"; without it numba is taken for large sums where it is installed.

    >>> keys = author_keys(pl.Series(["alice", "bob"]), seed=0)
    >>> one = (np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([2, 1, 1]))
    >>> spread(keys, one, np.zeros((2, 5), np.int64)).tolist()
    [[3, 1, 2, 4, 1], [1, 1, 0, 2, 1]]
    """
    many = len(at[0]) > _MANY
    wanted = one_of(kernel or ("numba" if many else "scipy"), KERNELS, "kernel")
    fused = _fused() if wanted == "numba" else None
    add: Callable[..., Any] = fused[0] if fused else _add_by_product
    if len(at[0]) < len(keys):  # some authors add nothing: draw no weights for them
        active, place = np.unique(at[0], return_inverse=True)
        keys, at = keys[active], (place, at[1], at[2])
    last = out.shape[1] - 1
    tiles = [(first, min(first + _REPLICATES, last)) for first in range(0, last, _REPLICATES)]
    with ThreadPoolExecutor(2 if many else 1) as pool:
        for own, sums in _blocks(keys, at, len(out)):
            held = np.flatnonzero(np.diff(sums.indptr))
            out[held, 0] += (sums @ np.ones(len(own), np.int64))[held]
            by_slot = sums.indptr.astype(np.int64), sums.indices.astype(np.int32), sums.data
            list(pool.map(lambda tile, own=own, by_slot=by_slot: add(own, by_slot, *tile, out), tiles))
    return out


def author_keys(ids: pl.Series, seed: int) -> Keys:
    """The keys of n authors: `discourse.poisson.hash_keys`, in a compiled loop where there are many.

    >>> int(author_keys(pl.Series(["alice"]), seed=0)[0])
    13638701962541011799
    """
    fused = _fused() if len(ids) > _MANY_IDS else None
    if fused is None:
        return hash_keys(ids.to_list(), seed)
    made: Keys = fused[1](ids, seed)
    return made


def _blocks(keys: Keys, at: tuple[Counts, Counts, Counts], slots: int) -> Iterator[tuple[Keys, Any]]:
    """Blocks of authors: their keys, and what they add as a sparse matrix of slots x authors, each pair once."""
    author, slot, weight = at
    if len(keys) > _AUTHORS:
        block = (author // _AUTHORS).astype(np.min_scalar_type(len(keys) // _AUTHORS))  # short ones sort by digits
        order = np.argsort(block, kind="stable")
        author, slot, weight = author[order], slot[order], weight[order]
        cuts = np.searchsorted(block[order], np.arange(1, 1 + len(keys) // _AUTHORS, dtype=block.dtype))
        bounds = [0, *cuts.tolist(), len(author)]
    else:
        bounds = [0, len(author)]
    for number, (begin, end) in enumerate(pairwise(bounds)):
        rows, base = slice(begin, end), number * _AUTHORS
        own = keys[base : base + _AUTHORS]
        if begin < end:
            place = (slot[rows].astype(np.int32), (author[rows] - base).astype(np.int32))
            yield own, sparse.csr_array((weight[rows], place), shape=(slots, len(own)))


def _add_by_product(keys: Keys, by_slot: tuple[Any, Any, Counts], first: int, last: int, out: Counts) -> None:
    """What `fused.add_replicates` does, as a sparse product."""
    starts, author, weight = by_slot
    held = np.flatnonzero(np.diff(starts))
    sums = sparse.csr_array((weight, author, np.append(starts[held], starts[-1])), shape=(len(held), len(keys)))
    out[held, 1 + first : 1 + last] += sums @ keyed_weights(keys, first, last)


@cache
def _fused() -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """The compiled loops that add and that hash, where numba is installed and may keep what it compiled."""
    try:
        from discourse.measure.fused import add_replicates, hash_texts
    except (ImportError, RuntimeError):
        return None
    return add_replicates, hash_texts
