"""Draws that hang on ids and a seed alone: the same posts whatever the order of rows, the process or the machine.

Equal chances: the posts with the smallest keyed hashes, a simple random sample without replacement. Unequal chances:
systematic sampling with probability proportional to size (PPS), in the order of the hashes, from a keyed random start;
the size of the sample is fixed and the first-order inclusion probabilities are exact.

Source: Madow (1949), *On the Theory of Systematic Sampling, II*; in random order: Hartley and Rao (1962), *Sampling
with Unequal Probabilities and without Replacement*; capping at 1: Särndal, Swensson and Wretman (1992), *Model
Assisted Survey Sampling*, section 3.6.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError
from discourse.sampling.allocation import Floats, Whole

__all__ = ["ONE", "Keys", "capped_chances", "check_seed", "keyed", "smallest", "systematic"]

ONE = 1 << 40  # probability 1 as a whole number, so that cumulated probabilities are exact
_NEARLY_ONE = 1.0 - 1e-9

Keys = npt.NDArray[np.uint64]


def check_seed(seed: int) -> None:
    """Nothing, for a seed from 0 to 2**64 - 1; else raises `UsageError`.

    >>> check_seed(7)
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**64:
        raise UsageError(f"seed is {seed}; it must be a whole number from 0 to 2**64 - 1")


def keyed(names: Iterable[str], seed: int, purpose: str = "sample") -> Keys:
    """64-bit keys of n names, evenly spread: BLAKE2b keyed by the seed, another for each purpose; shape (n,).

    >>> keyed(["x:1"], 7).tolist() == keyed(["x:2", "x:1"], 7)[1:].tolist()
    True
    """
    key, person = seed.to_bytes(8, "little"), f"draw-{purpose}".encode()
    digests = b"".join(blake2b(name.encode(), digest_size=8, key=key, person=person).digest() for name in names)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def smallest(keys: Keys, n: int) -> Whole:
    """The places of the n smallest keys, in order of place: a simple random sample; shape (n,).

    The sample of a smaller `n` lies within that of a greater one.

    >>> smallest(np.array([30, 10, 20], dtype=np.uint64), 2).tolist()
    [1, 2]
    """
    return np.sort(np.argsort(keys, kind="stable")[:n]).astype(np.int64)


def capped_chances(sizes: Floats, n: int) -> Whole:
    """Inclusion probabilities proportional to `sizes` (n posts, above 0) that add up to `n`, as parts of `ONE`.

    Those that would be above 1 become 1 and the rest is shared again until none is.

    >>> (capped_chances(np.array([8.0, 1.0, 1.0, 2.0]), 2) / ONE).tolist()
    [1.0, 0.25, 0.25, 0.5]
    """
    made = np.full(len(sizes), ONE, dtype=np.int64)
    free = np.ones(len(sizes), dtype=bool)
    while free.any():
        left = n - int((~free).sum())
        chances = sizes[free] / sizes[free].sum() * left
        over = chances >= _NEARLY_ONE
        if not over.any():
            ends = np.rint(np.cumsum(chances) * ONE).astype(np.int64)
            ends[-1] = left * ONE
            made[free] = np.diff(ends, prepend=0)
            break
        free[np.flatnonzero(free)[over]] = False
    return made


def systematic(chances: Whole, keys: Keys, start: int) -> Whole:
    """The places of a systematic PPS sample, in order of place: as many as the `chances` (parts of `ONE`) add up to.

    Posts are laid end to end in the order of their keys, each as long as its chance; those are taken that hold one
    of the points start, start + 1, start + 2, ... Of `start`, 64 random bits, 40 are used.

    >>> systematic(np.array([ONE // 2, ONE, ONE // 2]), np.array([1, 2, 3], dtype=np.uint64), 0).tolist()
    [0, 1]
    """
    order = np.argsort(keys, kind="stable")
    ends = np.cumsum(chances[order])
    passed = -(((start >> 24) - ends) // ONE)  # points before each end: the quotient rounded up
    taken = np.diff(passed, prepend=0) > 0
    return np.sort(order[taken]).astype(np.int64)
