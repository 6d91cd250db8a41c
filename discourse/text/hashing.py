"""Letter groups and words as numbers, whole columns at a time.

A group's number is a polynomial of its code points modulo 2^64, mixed, of which the first bits are kept (the hashing
trick, Weinberger et al. 2009). The same group has the same number everywhere and always; two groups may share one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["bucket", "letter_groups", "pair_hashes", "word_hashes"]

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int32]

_PRIME: Final = np.uint64(1_099_511_628_211)
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)


def letter_groups(
    words: Sequence[str], sizes: Sequence[int], salt: int, bits: int
) -> Iterator[tuple[Numbers, Numbers]]:
    """For each size in ascending order: buckets of all groups of that many letters, and the words they belong to.

    A space stands at both ends of a word, so that beginnings and ends differ from the middle; empty words have none.
    Buckets are below 2^bits.

    >>> buckets, owners = next(letter_groups(["ab", "", "b"], (2,), salt=1, bits=10))
    >>> owners.tolist()
    [0, 0, 0, 2, 2]
    >>> bool(buckets[2] == buckets[4]), bool((buckets < 1024).all())
    (True, True)
    """
    kept = [at for at, word in enumerate(words) if word]
    if not kept:
        return
    letters, lengths, _ = _laid_out([f" {words[at]} " for at in kept])
    word_of = np.repeat(np.array(kept, np.int32), lengths)
    rolling = np.zeros(len(letters), np.uint64)
    for size in range(1, max(sizes) + 1):
        rolling = rolling[: len(letters) - size + 1] * _PRIME + letters[size - 1 :]
        if size in sizes:
            owner = word_of[: len(rolling)]
            inside = np.flatnonzero(owner == word_of[size - 1 :])
            # Every place is one of owner's: to clip them costs less than to check them.
            groups, owners = rolling.take(inside, mode="clip"), owner.take(inside, mode="clip")
            yield bucket(groups, salt * 16 + size, bits), owners


def word_hashes(words: Sequence[str]) -> Hashes:
    """The 64-bit hash of each of n words, none empty.

    >>> bool(word_hashes(["peace", "امن", "peace"])[0] == word_hashes(["peace"])[0])
    True
    """
    if not words:
        return np.empty(0, np.uint64)
    letters, lengths, starts = _laid_out(words)
    place = np.arange(len(letters), dtype=np.uint64) - np.repeat(starts, lengths).astype(np.uint64)
    hashes: Hashes = np.add.reduceat(letters * _powers(place), starts)
    return hashes


def pair_hashes(first: Hashes, second: Hashes) -> Hashes:
    """The hashes of two words in a row; their order counts.

    >>> no, war = word_hashes(["no"]), word_hashes(["war"])
    >>> bool((pair_hashes(no, war) == pair_hashes(war, no)).all())
    False
    """
    joined: Hashes = first * _PRIME + second * np.uint64(31)
    return joined


def bucket(hashes: Hashes, salt: int, bits: int) -> Numbers:
    """Hashes as numbers below 2^bits; another salt deals them out anew.

    >>> int(bucket(word_hashes(["peace"]), salt=1, bits=17)[0]) < 2**17
    True
    """
    mixed = (hashes + np.uint64(salt)) * _MIX
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MIX
    return (mixed >> np.uint64(64 - bits)).astype(np.int32)


def _laid_out(words: Sequence[str]) -> tuple[Hashes, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Code points of all words one after the other, the length of each and where it starts."""
    lengths = np.array([len(word) for word in words], np.int64)
    letters = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    return letters, lengths, np.concatenate([[0], np.cumsum(lengths)[:-1]])


def _powers(exponents: Hashes) -> Hashes:
    powers = np.ones(int(exponents.max()) + 1, np.uint64)
    powers[1:] = _PRIME
    return np.cumprod(powers)[exponents]
