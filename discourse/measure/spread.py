"""Sums over authors under the weights of every bootstrap replicate: exact, with memory that authors do not move.

All numbers are whole, so neither the order of authors, nor the threads, nor the kernel changes a bit of the result.
With numba installed, large sums run in one compiled loop; without it scipy adds the authors a block at a time, so that
the weights of a block stay near the processor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from discourse.poisson import hash_keys, keyed_weights
from discourse.schema import one_of

__all__ = ["CAPACITY", "KERNELS", "spread"]

CAPACITY: Final = 2**62 // 21
"""The most that weights may sum to: no replicate weighs an author more than 21 times, so 64 bits hold every sum."""

KERNELS: Final = ("numba", "scipy")
_MANY: Final = 100_000  # pairs that are worth loading numba, and a second thread
_AUTHORS: Final = 8_192
_REPLICATES: Final = 100

Counts = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]


def spread(
    authors: Sequence[str],
    at: tuple[Counts, Counts, Counts],
    slots: int,
    *,
    replicates: int,
    seed: int,
    kernel: str | None = None,
) -> Counts:
    """Sums of weights in s slots, without and with the weights of b replicates: shape (s, 1 + b).

    `at` holds three arrays of one length n: the place of an author in `authors`, the slot, and the weight that the
    author adds there (whole, not negative). Column 0 is the plain sum, column i that of replicate i. Weights that
    sum to less than `CAPACITY` fit into whole numbers under any replicate. `kernel` is "numba" or "scipy"; without it
    numba is taken for large sums where it is installed.

    >>> one = (np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([2, 1, 1]))
    >>> spread(["alice", "bob"], one, 2, replicates=4, seed=0).tolist()
    [[3, 1, 2, 4, 1], [1, 1, 0, 2, 1]]
    """
    author, slot, weight = at
    fused = (
        _fused()
        if one_of(kernel or ("numba" if len(author) > _MANY else "scipy"), KERNELS, "kernel") == "numba"
        else None
    )
    order = np.argsort(author, kind="stable")
    present, slot = np.unique(slot[order], return_inverse=True)
    weight = weight[order]
    active, firsts = np.unique(author[order], return_index=True)
    starts = np.append(firsts, len(author))
    keys = hash_keys([authors[one] for one in active], seed)
    made = np.zeros((slots, 1 + replicates), dtype=np.int64)
    np.add.at(made[:, 0], present[slot], weight)

    def fill(first: int) -> None:
        part = np.zeros((len(present), min(_REPLICATES, replicates - first)), dtype=np.int64)
        (fused or _add_by_blocks)(keys, (starts, slot, weight), first, part)
        made[present, 1 + first : 1 + first + part.shape[1]] = part

    with ThreadPoolExecutor(2 if len(author) > _MANY else 1) as pool:
        list(pool.map(fill, range(0, replicates, _REPLICATES)))
    return made


def _add_by_blocks(keys: Keys, at: tuple[Counts, Counts, Counts], first: int, out: Counts) -> None:
    """What `fused.add_replicates` does, with sparse products over blocks of authors."""
    starts, slot, weight = at
    for begin in range(0, len(keys), _AUTHORS):
        own = keys[begin : begin + _AUTHORS]
        cuts = starts[begin : begin + len(own) + 1]
        rows = slice(cuts[0], cuts[-1])
        present, place = np.unique(slot[rows], return_inverse=True)
        by_author = sparse.csr_array((weight[rows], place, cuts - cuts[0]), shape=(len(own), len(present)))
        out[present] += by_author.T.tocsr() @ keyed_weights(own, first, first + out.shape[1])


@cache
def _fused() -> Callable[..., Any] | None:
    """The compiled loop, where numba is installed and may keep what it compiled."""
    try:
        from discourse.measure.fused import add_replicates
    except (ImportError, RuntimeError):
        return None
    return add_replicates
