"""Characters of UTF-8 bytes: the two functions that every kernel over texts is made of.

Both expect valid UTF-8, as Arrow holds it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from discourse.kernels.compiled import inlined

__all__ = ["code_point", "width", "written"]

Bytes = npt.NDArray[np.uint8]


@inlined
def width(first: int) -> int:
    """How many bytes the character takes whose first byte this is.

    >>> [width(text.encode()[0]) for text in ("a", "ہ", "…", "😀")]
    [1, 2, 3, 4]
    """
    if first < 0x80:
        return 1
    if first < 0xE0:
        return 2
    return 3 if first < 0xF0 else 4


@inlined
def code_point(content: Bytes, at: int) -> int:
    """The character that starts at a byte.

    >>> chr(code_point(np.frombuffer("aہ".encode(), np.uint8), 1))
    'ہ'
    """
    first = int(content[at])
    if first < 0x80:
        return first
    second = int(content[at + 1]) & 0x3F
    if first < 0xE0:
        return (first & 0x1F) << 6 | second
    third = int(content[at + 2]) & 0x3F
    if first < 0xF0:
        return (first & 0x0F) << 12 | second << 6 | third
    return (first & 0x07) << 18 | second << 12 | third << 6 | int(content[at + 3]) & 0x3F


@inlined
def written(content: Bytes, at: int, code: int) -> int:
    """Write a character of at most 16 bits at a byte; gives the byte after it.

    >>> content = np.zeros(3, np.uint8)
    >>> written(content, 0, ord("…")), content.tobytes().decode()
    (3, '…')
    """
    if code < 0x80:
        content[at] = code
        return at + 1
    if code < 0x800:
        content[at] = 0xC0 | code >> 6
        content[at + 1] = 0x80 | code & 0x3F
        return at + 2
    content[at] = 0xE0 | code >> 12
    content[at + 1] = 0x80 | code >> 6 & 0x3F
    content[at + 2] = 0x80 | code & 0x3F
    return at + 3
