"""The pieces of texts between white space, each distinct one numbered once: what a rule without memory needs."""

# ruff: noqa: PLR0917
from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from discourse.kernels.compiled import compiled, inlined
from discourse.kernels.utf8 import code_point, width

__all__ = ["SPACE", "numbered"]

SPACE: Final = 1
"""The bit of a character's class that says it is white space; other bits are the caller's."""

_FNV_START: Final = np.uint64(0xCBF29CE484222325)
_FNV_PRIME: Final = np.uint64(0x100000001B3)
_FIRST_SLOTS: Final = 1 << 13
_HALF: Final = np.uint64(32)
_TAG: Final = np.uint64(0xFFFFFFFF00000000)
_NUMBER: Final = np.uint64(0x00000000FFFFFFFF)

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@compiled
def numbered(
    content: Bytes, offsets: Longs, rows: tuple[int, int], characters: int, classes: Bytes
) -> tuple[Ints, Longs, Longs]:
    """The chunks of the texts from `rows[0]` up to `rows[1]`, reading so many characters of each.

    Gives three arrays: the number of each chunk in order; how many chunks stand before each text (and in all); and
    where each distinct chunk starts and ends in `content` (shape (d, 2)), in the order in which they are met first.
    `classes` has the class of each character below 0x4000 and perhaps of more; all beyond are no white space.
    """
    first, last = rows
    most = (offsets[last] - offsets[first]) // 2 + 1 + last - first
    at = np.empty(most, np.int32)
    ends = np.zeros(last - first + 1, np.int64)
    places = np.empty((most, 2), np.int64)
    hashes = np.empty(most, np.uint64)
    slots = np.zeros(_FIRST_SLOTS, np.uint64)
    count = distinct = 0
    for row in range(first, last):
        place, end, left = offsets[row], offsets[row + 1], characters
        while True:
            begin, place, left, hashed = _chunk(content, place, end, left, classes)
            if begin == place:
                break
            slot, number = _slot(content, begin, place, hashed, slots, places)
            if number < 0:
                number = distinct
                slots[slot] = (hashed & _TAG) | np.uint64(number + 1)
                places[number, 0], places[number, 1], hashes[number] = begin, place, hashed
                distinct += 1
                if 2 * distinct >= len(slots):
                    slots = _wider(slots, hashes, distinct)
            at[count] = number
            count += 1
        ends[row - first + 1] = count
    return at[:count], ends, places[:distinct]


@inlined
def _chunk(content: Bytes, at: int, end: int, left: int, classes: Bytes) -> tuple[int, int, int, np.uint64]:
    """The next chunk from a byte on: where it starts and ends (the same if there is none), what is left to read, and
    its FNV-1a hash (Fowler, Noll and Vo 1991)."""
    begin = -1
    hashed = _FNV_START
    while at < end:
        byte = content[at]
        if (byte & 0xC0) != 0x80:  # a character starts
            if left == 0:
                break
            space = False
            if byte < 0x80:
                space = classes[byte] & SPACE != 0
            elif byte == 0xC2 or 0xE1 <= byte <= 0xE3:  # nothing else starts white space
                space = classes[code_point(content, at)] & SPACE != 0
            if space and begin >= 0:
                break
            left -= 1
            if space:
                at += width(byte)
                continue
            if begin < 0:
                begin = at
        hashed = (hashed ^ np.uint64(byte)) * _FNV_PRIME
        at += 1
    return (begin if begin >= 0 else at), at, left, hashed ^ (hashed >> _HALF)


@inlined
def _slot(
    content: Bytes, begin: int, end: int, hashed: np.uint64, slots: Hashes, places: Longs
) -> tuple[np.uint64, int]:
    """The slot and the number of a chunk, or the free slot where it belongs and -1.

    A slot holds the first half of a hash and the number after the chunk's own; 0 is free.
    """
    mask = np.uint64(len(slots) - 1)
    slot = hashed & mask
    while slots[slot] != 0:
        if (slots[slot] ^ hashed) >> _HALF == 0:
            number = int(slots[slot] & _NUMBER) - 1
            start = places[number, 0]
            same = places[number, 1] - start == end - begin
            at = 0
            while same and at < end - begin:
                same = content[begin + at] == content[start + at]
                at += 1
            if same:
                return slot, number
        slot = (slot + np.uint64(1)) & mask
    return slot, -1


@compiled
def _wider(slots: Hashes, hashes: Hashes, distinct: int) -> Hashes:
    """Twice as many slots, with the same chunks in them."""
    wider = np.zeros(2 * len(slots), np.uint64)
    mask = np.uint64(len(wider) - 1)
    for number in range(distinct):
        slot = hashes[number] & mask
        while wider[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        wider[slot] = (hashes[number] & _TAG) | np.uint64(number + 1)
    return wider
