"""The loops of `spread`, compiled: ids are hashed, weights drawn and added up without a Python object a post.

Needs numba (`pip install 'discourse[speed]'`), which compiles on first use and keeps the result on disk. The numbers
are whole, so these loops and those of `spread` give the same bits; a test holds them against each other.

Source of the hash: Saarinen and Aumasson (2015), RFC 7693, *The BLAKE2 Cryptographic Hash*; constants as there.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.poisson import BITS, BY_FIRST, CDF, GOLDEN, MIX_1, MIX_2, checked_seed

__all__ = ["add_replicates", "hash_texts"]

# A weight is k when k steps of the distribution lie at or below a uniform of 53 bits: as whole numbers of 2^-53.
_STEPS: Final = np.array([math.ceil(step * 2**53) for step in CDF], dtype=np.uint64)
_LAST: Final = len(_STEPS)
_SHIFT: Final = np.uint64(64 - BITS)
_BLOCK: Final = 128  # bytes that BLAKE2b takes at a time
_START: Final = np.array(
    [
        0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
        0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
    ],
    dtype=np.uint64,
)  # fmt: skip
_KEYED: Final = np.uint64(0x01010808)  # depth and fanout 1, a key of 8 bytes, a digest of 8 bytes
_WORDS: Final = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ],
    dtype=np.uint8,
)

Four = tuple[np.uint64, np.uint64, np.uint64, np.uint64]


@numba.njit(nogil=True, cache=True)
def add_replicates(
    keys: npt.NDArray[np.uint64],
    by_slot: tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]],
    first: int,
    last: int,
    out: npt.NDArray[np.int64],
) -> None:
    """Add to `out` (s, 1 + b) the weights of authors under replicates `first` up to `last`, counted from 0.

    Author i has the key `keys[i]`. `by_slot` holds (starts, author, weight): into slot s, the authors `author[p]` add
    `weight[p]` for p from `starts[s]` up to `starts[s + 1]`, each author once. Neighbours of one weight are counted
    first and multiplied once; their count must fit into 32 bits.
    """
    starts, author, weight = by_slot
    drawn = _draw(keys, first, last)
    width = last - first
    times = np.empty(width, np.int32)
    for slot in range(len(starts) - 1):
        p, end = starts[slot], starts[slot + 1]
        while p < end:
            same = weight[p]
            times[:] = 0
            while p < end and weight[p] == same:
                own = drawn[author[p]]
                for r in range(width):
                    times[r] += own[r]
                p += 1
            into = out[slot, 1 + first : 1 + last]
            for r in range(width):
                into[r] += same * times[r]


@numba.njit(nogil=True, cache=True)
def _draw(keys: npt.NDArray[np.uint64], first: int, last: int) -> npt.NDArray[np.int8]:
    """What `discourse.poisson.keyed_weights` gives: the weights of a authors, shape (a, last - first)."""
    width = last - first
    drawn = np.empty((len(keys), width), np.int8)
    mixed = np.empty(width, np.uint64)
    for i in range(len(keys)):
        key = keys[i]
        for r in range(width):
            z = key + np.uint64(first + r + 1) * GOLDEN
            z = (z ^ (z >> np.uint64(30))) * MIX_1
            z = (z ^ (z >> np.uint64(27))) * MIX_2
            mixed[r] = z ^ (z >> np.uint64(31))
        for r in range(width):
            k = BY_FIRST[mixed[r] >> _SHIFT]
            if k < 0:  # these first bits leave it open: look at all 53
                k = 0
                while k < _LAST and mixed[r] >> np.uint64(11) >= _STEPS[k]:
                    k += 1
            drawn[i, r] = k
    return drawn


def hash_texts(texts: pl.Series, seed: int) -> npt.NDArray[np.uint64]:
    """What `discourse.poisson.hash_keys` gives for n texts: their keyed BLAKE2b of 8 bytes, shape (n,)."""
    key = np.zeros(_BLOCK // 8, np.uint64)
    key[0] = checked_seed(seed)
    content = np.frombuffer(texts.str.join("").item().encode(), np.uint8)
    made: npt.NDArray[np.uint64] = _hash(key, content, texts.str.len_bytes().to_numpy().cumsum(dtype=np.int64))
    return made


@numba.njit(nogil=True, cache=True)
def _hash(
    key: npt.NDArray[np.uint64], content: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Hashes of texts that stand end to end in `content`; the block of the key is mixed in once for all."""
    made = np.empty(len(ends), np.uint64)
    keyed = _START.copy()
    keyed[0] ^= _KEYED
    alone = keyed.copy()  # an empty text: the key is the last block
    _mix(keyed, key, _BLOCK, False)
    _mix(alone, key, _BLOCK, True)
    state, words = np.empty(8, np.uint64), np.empty(_BLOCK // 8, np.uint64)
    begin = 0
    for i in range(len(ends)):
        end = ends[i]
        state[:] = keyed if end > begin else alone
        for at in range(begin, end, _BLOCK):
            upto = min(at + _BLOCK, end)
            words[:] = 0
            for b in range(upto - at):
                words[b >> 3] |= np.uint64(content[at + b]) << np.uint64(8 * (b & 7))
            _mix(state, words, _BLOCK + upto - begin, upto == end)
        made[i] = state[0]
        begin = end
    return made


@numba.njit(nogil=True, cache=True)
def _mix(state: npt.NDArray[np.uint64], words: npt.NDArray[np.uint64], count: int, is_last: bool) -> None:
    """The compression F of BLAKE2b in place: `state` (8,) takes in a block `words` (16,) that ends at byte `count`."""
    a0, a1, a2, a3 = state[0], state[1], state[2], state[3]
    b0, b1, b2, b3 = state[4], state[5], state[6], state[7]
    c0, c1, c2, c3 = _START[0], _START[1], _START[2], _START[3]
    d0, d1, d2, d3 = _START[4] ^ np.uint64(count), _START[5], _START[6], _START[7]
    if is_last:
        d2 = ~d2
    for number in range(12):
        x = _WORDS[number % 10]
        a0, b0, c0, d0 = _quarter((a0, b0, c0, d0), words[x[0]], words[x[1]])
        a1, b1, c1, d1 = _quarter((a1, b1, c1, d1), words[x[2]], words[x[3]])
        a2, b2, c2, d2 = _quarter((a2, b2, c2, d2), words[x[4]], words[x[5]])
        a3, b3, c3, d3 = _quarter((a3, b3, c3, d3), words[x[6]], words[x[7]])
        a0, b1, c2, d3 = _quarter((a0, b1, c2, d3), words[x[8]], words[x[9]])
        a1, b2, c3, d0 = _quarter((a1, b2, c3, d0), words[x[10]], words[x[11]])
        a2, b3, c0, d1 = _quarter((a2, b3, c0, d1), words[x[12]], words[x[13]])
        a3, b0, c1, d2 = _quarter((a3, b0, c1, d2), words[x[14]], words[x[15]])
    state[0] ^= a0 ^ c0
    state[1] ^= a1 ^ c1
    state[2] ^= a2 ^ c2
    state[3] ^= a3 ^ c3
    state[4] ^= b0 ^ d0
    state[5] ^= b1 ^ d1
    state[6] ^= b2 ^ d2
    state[7] ^= b3 ^ d3


@numba.njit(nogil=True, cache=True)
def _quarter(of: Four, x: np.uint64, y: np.uint64) -> Four:
    """The mixing function G of BLAKE2b."""
    a, b, c, d = of
    a = a + b + x
    d = _turn(d ^ a, np.uint64(32))
    c = c + d
    b = _turn(b ^ c, np.uint64(24))
    a = a + b + y
    d = _turn(d ^ a, np.uint64(16))
    c = c + d
    b = _turn(b ^ c, np.uint64(63))
    return a, b, c, d


@numba.njit(nogil=True, cache=True)
def _turn(word: np.uint64, by: np.uint64) -> np.uint64:
    return (word >> by) | (word << (np.uint64(64) - by))
