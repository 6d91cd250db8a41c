"""Poisson bootstrap weights that depend on an id, the seed and the replicate alone.

Whoever draws them (authors for shares, posts for agreement) gets the same weights in any order, any partition and on
any machine, so sums over parts add up to the same numbers.

Source: Chamandy, Muralidharan, Najmi and Naidu (2012), *Estimating Uncertainty for Massive Data Streams*;
finaliser: Steele, Lea and Flood (2014), *Fast Splittable Pseudorandom Number Generators*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError

__all__ = ["hash_keys", "poisson_weights"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
# Cumulative Poisson(1) probabilities; beyond 20 the tail is below the resolution of a 53-bit uniform.
_POISSON_CDF = np.cumsum([math.exp(-1.0) / math.factorial(k) for k in range(21)])


def hash_keys(ids: Sequence[str], seed: int) -> npt.NDArray[np.uint64]:
    """64-bit keys of n ids: keyed BLAKE2b of the id's UTF-8 bytes; shape (n,).

    >>> int(hash_keys(["alice"], seed=0)[0])
    13638701962541011799
    """
    if not 0 <= seed < 2**64:
        raise UsageError(f"seed is {seed}; it must be a whole number from 0 to 2**64 - 1")
    key = seed.to_bytes(8, "little")
    digests = b"".join(blake2b(one.encode(), digest_size=8, key=key).digest() for one in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def poisson_weights(ids: Sequence[str], replicates: int, seed: int) -> npt.NDArray[np.int64]:
    """Poisson(1) weights of n ids in b replicates; shape (n, b), whole numbers from 0.

    Raises `UsageError` for fewer than one replicate or a seed outside 0 to 2**64 - 1.

    >>> poisson_weights(["alice"], replicates=8, seed=0).tolist()
    [[0, 1, 1, 0, 0, 0, 1, 3]]
    """
    if replicates < 1:
        raise UsageError(f"replicates is {replicates}; a bootstrap needs at least 1 (400 is the default)")
    steps = np.arange(1, replicates + 1, dtype=np.uint64) * _GOLDEN
    z = hash_keys(ids, seed)[:, None] + steps[None, :]
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    z ^= z >> np.uint64(31)
    uniform = (z >> np.uint64(11)).astype(np.float64) * 2.0**-53
    weights: npt.NDArray[np.int64] = np.searchsorted(_POISSON_CDF, uniform, side="right").astype(np.int64)
    return weights
