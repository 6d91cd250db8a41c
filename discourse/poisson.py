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

__all__ = ["checked_seed", "hash_keys", "keyed_weights", "poisson_weights"]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
# Cumulative Poisson(1) probabilities; beyond 20 the tail is below the resolution of a 53-bit uniform.
CDF = np.cumsum([math.exp(-1.0) / math.factorial(k) for k in range(21)])
# The weight by the first bits of a uniform; -1 where that range holds a step of the distribution: look at all bits.
BITS = 12
_STARTS = np.arange(1 << BITS) / (1 << BITS)
_ENDS = np.nextafter(_STARTS + 1.0 / (1 << BITS), 0.0)
BY_FIRST = np.searchsorted(CDF, _STARTS, side="right").astype(np.int8)
BY_FIRST[np.searchsorted(CDF, _ENDS, side="right") != BY_FIRST] = -1
_ROWS = 512  # so many ids at a time stay in the cache


def hash_keys(ids: Sequence[str], seed: int) -> npt.NDArray[np.uint64]:
    """64-bit keys of n ids: keyed BLAKE2b of the id's UTF-8 bytes; shape (n,).

    >>> int(hash_keys(["alice"], seed=0)[0])
    13638701962541011799
    """
    key = checked_seed(seed).to_bytes(8, "little")
    digests = b"".join(blake2b(one.encode(), digest_size=8, key=key).digest() for one in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def checked_seed(seed: int) -> int:
    """The seed, when it fits into the 8 bytes of a key; raises `UsageError` otherwise.

    >>> checked_seed(7)
    7
    """
    if not 0 <= seed < 2**64:
        raise UsageError(f"seed is {seed}; it must be a whole number from 0 to 2**64 - 1")
    return seed


def poisson_weights(ids: Sequence[str], replicates: int, seed: int) -> npt.NDArray[np.int64]:
    """Poisson(1) weights of n ids in b replicates; shape (n, b), whole numbers from 0.

    Raises `UsageError` for fewer than one replicate or a seed outside 0 to 2**64 - 1.

    >>> poisson_weights(["alice"], replicates=8, seed=0).tolist()
    [[0, 1, 1, 0, 0, 0, 1, 3]]
    """
    if replicates < 1:
        raise UsageError(f"replicates is {replicates}; a bootstrap needs at least 1 (400 is the default)")
    return keyed_weights(hash_keys(ids, seed), 0, replicates)


def keyed_weights(keys: npt.NDArray[np.uint64], first: int, last: int) -> npt.NDArray[np.int64]:
    """Poisson(1) weights of n keys in replicates `first` up to `last`, counted from 0; shape (n, last - first).

    >>> keyed_weights(hash_keys(["alice"], seed=0), 6, 8).tolist()
    [[1, 3]]
    """
    weights = np.empty((len(keys), last - first), dtype=np.int64)
    steps = np.arange(first + 1, last + 1, dtype=np.uint64) * GOLDEN
    for start in range(0, len(keys), _ROWS):
        weights[start : start + _ROWS] = _weights(keys[start : start + _ROWS], steps)
    return weights


def _weights(keys: npt.NDArray[np.uint64], steps: npt.NDArray[np.uint64]) -> npt.NDArray[np.int8]:
    z = keys[:, None] + steps
    z ^= z >> np.uint64(30)
    z *= MIX_1
    z ^= z >> np.uint64(27)
    z *= MIX_2
    z ^= z >> np.uint64(31)
    made: npt.NDArray[np.int8] = BY_FIRST[(z >> np.uint64(64 - BITS)).astype(np.int16)]
    at = np.nonzero(made < 0)
    uniform = (z[at] >> np.uint64(11)).astype(np.float64) * 2.0**-53
    made[at] = np.searchsorted(CDF, uniform, side="right")
    return made
