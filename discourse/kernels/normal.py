"""Characters of a text for others, chunk by chunk: the normal form of all texts in which no rule looks at neighbours.

Twin of `discourse.text.normal_form.normal_forms`, which makes the table and does the texts that are left.
"""

# ruff: noqa: PLR0917
from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from discourse.kernels.compiled import compiled, inlined
from discourse.kernels.utf8 import code_point, width, written

__all__ = ["JOINT", "LEFT", "SPACE", "rewritten"]

LEFT: Final = -1
"""In a table: a character that the plain path must see."""
SPACE: Final = -2
JOINT: Final = -3
"""A non-joiner: it stays between two characters, once."""

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@compiled
def rewritten(
    content: Bytes, offsets: Longs, rows: tuple[int, int], table: Ints, limits: tuple[int, int, int]
) -> tuple[Bytes, Longs, npt.NDArray[np.bool_]]:
    """The texts from `rows[0]` up to `rows[1]` with each character as the table has it and one space between chunks.

    `table` has for a character another one (0: none; no longer one in UTF-8) or one of the three constants; what is
    beyond its end is left. `limits` are the characters read of a text, those of a chunk, and those of a chunk of ASCII.
    Gives the bytes, where each text starts in them, and which texts are left: they are empty.
    """
    first, last = rows
    out = np.empty(offsets[last] - offsets[first], np.uint8)
    starts = np.zeros(last - first + 1, np.int64)
    left = np.zeros(last - first, np.bool_)
    to = 0
    for row in range(first, last):
        begin, at, end, characters = to, offsets[row], offsets[row + 1], limits[0]
        while at < end and characters > 0:
            stop, to, count = _chunk(content, (at, end), characters, table, out, (begin, to), limits)
            if count < 0:
                left[row - first] = True
                to = begin
                break
            at, characters = stop, characters - count
        starts[row - first + 1] = to
    return out[:to], starts, left


@inlined
def _chunk(
    content: Bytes, places: tuple[int, int], characters: int, table: Ints, out: Bytes, written_up_to: tuple[int, int],
    limits: tuple[int, int, int],
) -> tuple[int, int, int]:  # fmt: skip
    """Write the next chunk, or skip white space: where it ends, where its form ends, characters read (-1: left).

    `places` are where the chunk starts and the text ends, `written_up_to` where the form of the text starts and ends.
    """
    at, end = places
    begin, to = written_up_to
    most = min(characters, limits[2] + 1)
    start, count, is_ascii, joint = to, 0, True, False
    while at < end and count < most:
        first = content[at]
        size = width(first)
        code = int(first) if size == 1 else code_point(content, at)
        new = int(table[code]) if code < len(table) else LEFT
        if new == SPACE:
            if count > 0:
                break
            return at + size, to, 1
        if new == LEFT:
            return at, to, -1
        at += size
        count += 1
        is_ascii = is_ascii and size == 1 and new > 0
        if new == JOINT:
            joint = to > start
        elif new > 0:
            if to == start and to > begin:
                out[to] = 0x20
                to += 1
                start += 1
            if joint:
                to = written(out, to, 0x200C)
                joint = False
            to = _copied(content, at - size, size, out, to) if new == code else written(out, to, new)
    if count > limits[2] or (count > limits[1] and not is_ascii):
        return at, to, -1
    return at, to, count


@inlined
def _copied(content: Bytes, at: int, size: int, out: Bytes, to: int) -> int:
    for place in range(size):
        out[to + place] = content[at + place]
    return to + size
