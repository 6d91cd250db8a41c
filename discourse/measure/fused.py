"""The sums of `spread` in one compiled loop: weights are drawn where they are used and never stored.

Needs numba (`pip install 'discourse[speed]'`), which compiles on first use and keeps the result on disk. The numbers
are whole, so these loops and those of `spread` give the same bits; a test holds them against each other.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from discourse.poisson import CDF, GOLDEN, MIX_1, MIX_2

__all__ = ["add_replicates"]

# A weight is k when k steps of the distribution lie at or below a uniform of 53 bits: as whole numbers of 2^-53.
_STEPS: Final = np.array([math.ceil(step * 2**53) for step in CDF], dtype=np.uint64)
_LAST: Final = len(_STEPS)


@numba.njit(nogil=True, cache=True)
def add_replicates(
    keys: npt.NDArray[np.uint64],
    at: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]],
    first: int,
    out: npt.NDArray[np.int64],
) -> None:
    """Add to `out` (slots, r) the weights of authors under replicates `first` up to `first` + r, counted from 0.

    Author i has the key `keys[i]`; `at` holds (starts, slot, weight): they add `weight[p]` to `slot[p]` for p from
    `starts[i]` up to `starts[i + 1]`.
    """
    starts, slot, weight = at
    width = out.shape[1]
    drawn = np.empty(width, np.int64)
    for author in range(len(keys)):
        begin, end = starts[author], starts[author + 1]
        for r in range(width):
            z = keys[author] + np.uint64(first + r + 1) * GOLDEN
            z = (z ^ (z >> np.uint64(30))) * MIX_1
            z = (z ^ (z >> np.uint64(27))) * MIX_2
            u = (z ^ (z >> np.uint64(31))) >> np.uint64(11)
            k = 0
            while k < _LAST and u >= _STEPS[k]:
                k += 1
            drawn[r] = k
        for p in range(begin, end):
            w, s = weight[p], slot[p]
            for r in range(width):
                out[s, r] += w * drawn[r]
