"""The loop of `columnar`, compiled: where on a line of JSON the fields that are asked for lie.

It reads a part of JSON only. A line is "plain" when it is one object of that part and each field that is asked for is
there at most once and of a type that was allowed; then a JSON parser would find the same values. Of any other line
nothing is said: it may be good or bad, and is read by the parser. Bytes must be UTF-8; that is for the caller to check.

Needs numba (`pip install 'discourse[speed]'`), which compiles on first use and keeps the result on disk.

Source of the grammar: Bray (2017), RFC 8259, *The JavaScript Object Notation (JSON) Data Interchange Format*.
"""

# ruff: noqa: PLR0911, PLR0912, PLR0917 - one pass over the bytes, and no object to hold what it needs

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["DEPTH", "ESCAPED", "INTEGER", "STRING", "compiled", "hexadecimal", "scan_lines", "unescaped"]

ABSENT: Final = 0
NULL: Final = 1
STRING: Final = 2
ESCAPED: Final = 3
INTEGER: Final = 4
NUMBER: Final = 5
BOOLEAN: Final = 6
OBJECT: Final = 7
ARRAY: Final = 8
DEPTH: Final = 16
_DIGITS: Final = 18  # of a whole number that surely fits into 64 bits
_BAD: Final = -1
_STOPS: Final = np.array([byte < 0x20 or byte in b'"\\' for byte in range(256)])

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Spans = npt.NDArray[np.int32]
_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """A loop, compiled. It makes no arrays, so that numba need not count who holds them: that took most of the time."""
    made: _Function = numba.njit(nogil=True, cache=True, _nrt=False)(function)  # type: ignore[call-overload]
    return made


@compiled
def scan_lines(
    data: Bytes,
    lines: Places,
    letters: Bytes,
    asked: Places,
    spans: Spans,
    plain: npt.NDArray[np.bool_],
    nodes: Places,
) -> None:
    """Find the fields of each line: fills `plain` and `spans`, (kind, start, end) of shape (3, fields, lines).

    `lines` (2, n) are starts and ends in `data`. `asked` (fields, 6) is a tree: field f has the name
    `letters[asked[f, 0]:asked[f, 1]]`, its own fields are numbered from `asked[f, 2]` up to `asked[f, 3]`,
    `asked[f, 4]` has the bit of each kind that it may be of, `asked[f, 5]` that of each length of its own fields'
    names, which are shorter than 64. Field 0 is the line itself; a field without a name is the one element of an array.
    Strings are given without their quotes, as they stand. `spans` is zero before; `nodes` is room for `DEPTH` numbers.
    """
    for line in range(len(plain)):
        plain[line] = _scan(data, lines[0, line], lines[1, line], letters, asked, spans, line, nodes)
        for field in range(1, len(asked)):
            plain[line] &= (asked[field, 4] >> spans[0, field, line]) & 1


@compiled
def _scan(
    data: Bytes, at: int, end: int, letters: Bytes, asked: Places, spans: Spans, line: int, nodes: Places
) -> bool:
    """Whether one line is an object that is read to its end. `nodes` is room for the fields that are open."""
    at = _past_blanks(data, at, end)
    if at >= end or data[at] != 0x7B:
        return False
    depth, array, members = 0, 0, 0  # bits of `array` and `members`: one a level, arrays and those with a member
    nodes[0] = 0
    at += 1
    while True:
        at = _past_blanks(data, at, end)
        if at >= end:
            return False
        bit = 1 << depth
        if data[at] == (0x5D if array & bit else 0x7D):
            at += 1
            if depth == 0:
                return _past_blanks(data, at, end) >= end
            depth -= 1
            continue
        if members & bit:
            if data[at] != 0x2C:
                return False
            at = _past_blanks(data, at + 1, end)
        node, field = nodes[depth], -1
        if not array & bit:
            at, field = _name(data, at, end, letters, asked, node)
            if at == _BAD:
                return False
        elif node >= 0:
            if members & bit:
                return False  # the second element of an array that is asked for
            first = asked[node, 2]
            field = first if first < asked[node, 3] and asked[first, 0] == asked[first, 1] else -1
        members |= bit
        start = at
        at, kind = _value(data, at, end)
        if at == _BAD:
            return False
        if field >= 0:
            if spans[0, field, line] != ABSENT:
                return False
            quoted = 1 if kind in (STRING, ESCAPED) else 0
            spans[0, field, line], spans[1, field, line], spans[2, field, line] = kind, start + quoted, at - quoted
        if kind in (OBJECT, ARRAY):
            depth += 1
            if depth >= DEPTH:
                return False
            bit = 1 << depth
            nodes[depth] = field
            array = array | bit if kind == ARRAY else array & ~bit
            members &= ~bit


@compiled
def _past_blanks(data: Bytes, at: int, end: int) -> int:
    while at < end and (data[at] == 0x20 or data[at] == 0x09 or data[at] == 0x0D or data[at] == 0x0A):
        at += 1
    return at


@compiled
def _name(data: Bytes, at: int, end: int, letters: Bytes, asked: Places, node: int) -> tuple[int, int]:
    """Where the value behind a member's name begins, and which field it is, -1 for none that is asked for."""
    if at >= end or data[at] != 0x22:
        return _BAD, -1
    start = at + 1
    at, kind = _string(data, start, end)
    if kind != STRING:
        return _BAD, -1  # a name in escapes may be any name
    stop = at - 1
    at = _past_blanks(data, at, end)
    if at >= end or data[at] != 0x3A:
        return _BAD, -1
    at = _past_blanks(data, at + 1, end)
    size = stop - start
    if node >= 0 and 0 < size < 64 and (asked[node, 5] >> size) & 1:
        first = data[start]
        for field in range(asked[node, 2], asked[node, 3]):
            name = asked[field, 0]
            if asked[field, 1] - name == size and letters[name] == first:
                same = 1
                while same < size and data[start + same] == letters[name + same]:
                    same += 1
                if same >= size:
                    return at, field
    return at, -1


@compiled
def _value(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """The end of a value and its kind; of an object or array, the place behind its first bracket."""
    if at >= end:
        return _BAD, ABSENT
    byte = data[at]
    if byte == 0x22:
        return _string(data, at + 1, end)
    if byte == 0x7B:
        return at + 1, OBJECT
    if byte == 0x5B:
        return at + 1, ARRAY
    if byte == 0x74 and at + 4 <= end and data[at + 1] == 0x72 and data[at + 2] == 0x75 and data[at + 3] == 0x65:
        return at + 4, BOOLEAN
    if byte == 0x6E and at + 4 <= end and data[at + 1] == 0x75 and data[at + 2] == 0x6C and data[at + 3] == 0x6C:
        return at + 4, NULL
    if byte == 0x66 and at + 5 <= end and data[at + 1] == 0x61 and data[at + 2] == 0x6C and data[at + 3] == 0x73:
        return (at + 5, BOOLEAN) if data[at + 4] == 0x65 else (_BAD, ABSENT)
    return _number(data, at, end)


@compiled
def _digits(data: Bytes, at: int, end: int) -> int:
    while at < end and 0x30 <= data[at] <= 0x39:
        at += 1
    return at


@compiled
def _number(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """The end of a number of at most 18 digits without an exponent: no parser rounds it or finds it out of range."""
    negative = data[at] == 0x2D
    start = at + 1 if negative else at
    at = _digits(data, start, end)
    if at == start or at - start > _DIGITS or (data[start] == 0x30 and at - start > 1):
        return _BAD, ABSENT
    kind = NUMBER if negative else INTEGER
    if at < end and data[at] == 0x2E:
        kind = NUMBER
        point = at + 1
        at = _digits(data, point, end)
        if at == point or at - point > _DIGITS:
            return _BAD, ABSENT
    return at, kind


@compiled
def _string(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """The place behind the closing quote of a string, and whether it holds escapes; a NUL in escapes is not plain."""
    kind = STRING
    while True:
        while at < end and not _STOPS[data[at]]:
            at += 1
        if at >= end or data[at] < 0x20:
            return _BAD, ABSENT
        if data[at] == 0x22:
            return at + 1, kind
        kind = ESCAPED
        at += 1
        if at >= end:
            return _BAD, ABSENT
        if data[at] != 0x75:
            if unescaped(data[at]) == 0:
                return _BAD, ABSENT
            at += 1
            continue
        unit = hexadecimal(data, at + 1, end)
        at += 5
        if 0xD800 <= unit < 0xDC00:
            if at + 1 >= end or data[at] != 0x5C or data[at + 1] != 0x75:
                return _BAD, ABSENT
            if not 0xDC00 <= hexadecimal(data, at + 2, end) < 0xE000:
                return _BAD, ABSENT
            at += 6
        elif unit <= 0 or 0xDC00 <= unit < 0xE000:
            return _BAD, ABSENT


@compiled
def unescaped(byte: Any) -> Any:
    """The letter that stands for a byte behind a backslash, 0 for none."""
    if byte in (0x22, 0x5C, 0x2F):
        return byte
    if byte == 0x6E:
        return 0x0A
    if byte == 0x74:
        return 0x09
    if byte == 0x72:
        return 0x0D
    if byte == 0x62:
        return 0x08
    return 0x0C if byte == 0x66 else 0


@compiled
def hexadecimal(data: Bytes, at: int, end: int) -> Any:
    """The number that four hexadecimal digits write, -1 where there are none."""
    if at + 4 > end:
        return -1
    number: Any = 0
    for place in range(at, at + 4):
        byte = data[place]
        if 0x30 <= byte <= 0x39:
            digit = byte - 0x30
        elif 0x61 <= (byte | 0x20) <= 0x66:
            digit = (byte | 0x20) - 0x57
        else:
            return -1
        number = number * 16 + digit
    return number
