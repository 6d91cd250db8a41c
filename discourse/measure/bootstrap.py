"""The hash-keyed Poisson bootstrap: every author gets the same replicate weights wherever the posts lie.

A weight depends on the author, the seed and the replicate alone, so tallies made of any partition of the
posts, in any order, on any machine, add up to the same numbers, and days, sides and gold labels keep their
covariance.

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

__all__ = ["author_keys", "percentile_interval", "poisson_weights", "replicate_variance"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
# Cumulative Poisson(1) probabilities; beyond 20 the tail is below the resolution of a 53-bit uniform.
_POISSON_CDF = np.cumsum([math.exp(-1.0) / math.factorial(k) for k in range(21)])


def author_keys(authors: Sequence[str], seed: int) -> npt.NDArray[np.uint64]:
    """64-bit keys of `a` authors: keyed BLAKE2b of the id's UTF-8 bytes; shape (a,).

    >>> int(author_keys(["alice"], seed=0)[0])
    13638701962541011799
    """
    if not 0 <= seed < 2**64:
        raise UsageError(f"seed is {seed}; it must be a whole number from 0 to 2**64 - 1")
    key = seed.to_bytes(8, "little")
    digests = b"".join(blake2b(author.encode(), digest_size=8, key=key).digest() for author in authors)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def poisson_weights(authors: Sequence[str], replicates: int, seed: int) -> npt.NDArray[np.int64]:
    """Poisson(1) weights of `a` authors in `b` replicates; shape (a, b), whole numbers from 0.

    >>> poisson_weights(["alice"], replicates=8, seed=0).tolist()
    [[0, 1, 1, 0, 0, 0, 1, 3]]
    """
    if replicates < 1:
        raise UsageError(f"replicates is {replicates}; a bootstrap needs at least 1 (400 is the default)")
    steps = np.arange(1, replicates + 1, dtype=np.uint64) * _GOLDEN
    z = author_keys(authors, seed)[:, None] + steps[None, :]
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    z ^= z >> np.uint64(31)
    uniform = (z >> np.uint64(11)).astype(np.float64) * 2.0**-53
    weights: npt.NDArray[np.int64] = np.searchsorted(_POISSON_CDF, uniform, side="right").astype(np.int64)
    return weights


def percentile_interval(
    replicates: npt.NDArray[np.float64], level: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lower and upper percentile bounds along the last axis; NaN replicates are left out.

    A row that holds fewer than two numbers has no interval: NaN, NaN. Raises `UsageError` for a level outside
    (0, 1).

    >>> low, high = percentile_interval(np.arange(101.0))
    >>> round(float(low), 6), round(float(high), 6)
    (2.5, 97.5)
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}; it must lie between 0 and 1, like 0.95")
    known = np.isfinite(replicates).sum(axis=-1) >= 2
    filled = np.where(known[..., None], replicates, 0.0)
    tail = (1.0 - level) / 2.0
    low, high = np.nanquantile(filled, [tail, 1.0 - tail], axis=-1)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def replicate_variance(replicates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Variance (divisor n - 1) along the last axis; NaN replicates are left out.

    A row that holds fewer than two numbers has no variance: NaN.

    >>> replicate_variance(np.array([[1.0, 3.0, np.nan], [1.0, np.nan, np.nan]])).tolist()
    [2.0, nan]
    """
    known = np.isfinite(replicates)
    n = known.sum(axis=-1)
    mean = np.where(known, replicates, 0.0).sum(axis=-1) / np.maximum(n, 1)
    squares = np.where(known, replicates - mean[..., None], 0.0) ** 2
    made: npt.NDArray[np.float64] = np.where(n >= 2, squares.sum(axis=-1) / np.maximum(n - 1, 1), np.nan)
    return made
