"""Sums over authors under the weights of every bootstrap replicate: exact, and with memory that authors do not move.

Authors are taken a block at a time, so that the replicate weights of a block stay near the processor. All numbers are
whole, so neither the blocks nor the threads that share them change a bit of the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from scipy import sparse

from discourse.poisson import hash_keys, keyed_weights

__all__ = ["CAPACITY", "spread"]

CAPACITY = 2**62 // 21
"""The most that weights may sum to: no replicate weighs an author more than 21 times, so 64 bits hold every sum."""

_AUTHORS = 8_192
_REPLICATES = 100
_MANY = 200_000

Counts = npt.NDArray[np.int64]
Pairs = tuple[Counts, Counts, Counts]


def spread(
    authors: Sequence[str], at: Pairs, slots: int, *, replicates: int, seed: int, threads: int | None = None
) -> Counts:
    """Sums of weights in s slots, without and with the weights of b replicates: shape (s, 1 + b).

    `at` holds three arrays of one length n: the place of an author in `authors`, the slot, and the weight that the
    author adds there (whole, not negative). Column 0 is the plain sum, column i that of replicate i. Weights that
    sum to less than `CAPACITY` fit into whole numbers under any replicate.

    >>> one = (np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([2, 1, 1]))
    >>> spread(["alice", "bob"], one, 2, replicates=4, seed=0).tolist()
    [[3, 1, 2, 4, 1], [1, 1, 0, 2, 1]]
    """
    author, slot, weight = at
    order = np.argsort(author, kind="stable")
    blocks = list(_blocks(author[order], len(authors)))
    workers = threads or (2 if len(weight) > _MANY else 1)
    shares = [blocks[first::workers] for first in range(min(workers, len(blocks)))]

    def total(part: list[tuple[int, int, int]]) -> Counts:
        made = np.zeros((slots, 1 + replicates), dtype=np.int64)
        for first, begin, end in part:
            rows = order[begin:end]
            keys = hash_keys(authors[first : first + _AUTHORS], seed)
            present, place = np.unique(slot[rows], return_inverse=True)
            shape = (len(present), len(keys))
            added = sparse.csr_array((weight[rows], (place, author[rows] - first)), shape=shape, dtype=np.int64)
            made[present, 0] += added.sum(axis=1)
            for start in range(0, replicates, _REPLICATES):
                end_at = min(start + _REPLICATES, replicates)
                made[present, 1 + start : 1 + end_at] += added @ keyed_weights(keys, start, end_at)
        return made

    if len(shares) < 2:
        return total(blocks)
    with ThreadPoolExecutor(len(shares)) as pool:
        made = list(pool.map(total, shares))
    return sum(made[1:], made[0])


def _blocks(author: Counts, n: int) -> Iterator[tuple[int, int, int]]:
    """First author of each block, and where its pairs begin and end in sorted order."""
    firsts = np.arange(0, n, _AUTHORS)
    cuts = np.searchsorted(author, np.append(firsts, n))
    for at, first in enumerate(firsts):
        if cuts[at] < cuts[at + 1]:
            yield int(first), int(cuts[at]), int(cuts[at + 1])
