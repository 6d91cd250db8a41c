"""The loops of `columnar.Found`, compiled: strings, numbers, ids and moments where `line_kernels` found them.

Each is beside a slower one that it is held equal to: `msgspec`, `records` for ids and `values.parse_time` for moments.

Needs numba (`pip install 'discourse[speed]'`), which compiles on first use and keeps the result on disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from discourse.readers.line_kernels import (
    ESCAPED,
    INTEGER,
    STRING,
    Bytes,
    Places,
    Spans,
    compiled,
    hexadecimal,
    unescaped,
)

__all__ = ["copied", "copy_strings", "read_ids", "read_integers", "read_times"]


@compiled
def copy_strings(data: Bytes, spans: Spans, offsets: Places, out: Bytes) -> None:
    """Write the strings of one field behind each other into `out`, escapes undone; string i ends at `offsets[i + 1]`.

    `spans` (3, n) are the field's kinds, starts and ends. What is no string is left out. No string grows.
    """
    kinds, starts, ends = spans[0], spans[1], spans[2]
    to = 0
    offsets[0] = 0
    for line in range(len(kinds)):
        if kinds[line] == STRING:
            to = copied(data, starts[line], ends[line], out, to)
        elif kinds[line] == ESCAPED:
            to = _copy_escaped(data, starts[line], ends[line], out, to)
        offsets[line + 1] = to


@compiled
def copied(data: Bytes, at: int, end: int, out: Bytes, to: int) -> int:
    """Copy bytes to `out` from the place `to`. Returns the place behind them."""
    for place in range(end - at):
        out[to + place] = data[at + place]
    return to + end - at


@compiled
def _copy_escaped(data: Bytes, at: int, end: int, out: Bytes, to: int) -> int:
    while at < end:
        if data[at] != 0x5C:
            out[to] = data[at]
            at, to = at + 1, to + 1
        elif data[at + 1] != 0x75:
            out[to] = unescaped(data[at + 1])
            at, to = at + 2, to + 1
        else:
            code = hexadecimal(data, at + 2, end)
            at += 6
            if 0xD800 <= code < 0xDC00:
                code = 0x10000 + ((code - 0xD800) << 10) + hexadecimal(data, at + 2, end) - 0xDC00
                at += 6
            to = _put(code, out, to)
    return to


@compiled
def _put(code: Any, out: Bytes, to: int) -> int:
    """Write one code point as UTF-8. Returns the place behind it."""
    if code < 0x80:
        out[to] = code
        return to + 1
    if code < 0x800:
        out[to] = 0xC0 | code >> 6
        out[to + 1] = 0x80 | code & 0x3F
        return to + 2
    if code < 0x10000:
        out[to] = 0xE0 | code >> 12
        out[to + 1] = 0x80 | code >> 6 & 0x3F
        out[to + 2] = 0x80 | code & 0x3F
        return to + 3
    out[to] = 0xF0 | code >> 18
    out[to + 1] = 0x80 | code >> 12 & 0x3F
    out[to + 2] = 0x80 | code >> 6 & 0x3F
    out[to + 3] = 0x80 | code & 0x3F
    return to + 4


@compiled
def read_integers(data: Bytes, spans: Spans, out: Places) -> None:
    """The whole numbers of one field, of at most 18 digits each; what is none is left as it is in `out`."""
    kinds, starts, ends = spans[0], spans[1], spans[2]
    for line in range(len(kinds)):
        if kinds[line] == INTEGER:
            number: Any = 0
            for place in range(starts[line], ends[line]):
                number = number * 10 + (data[place] - 0x30)
            out[line] = number


@compiled
def read_ids(data: Bytes, spans: Spans, out: Places) -> None:
    """The numbers that strings of digits write, from 1 to the greatest of 64 bits without a leading zero; else 0."""
    kinds, starts, ends = spans[0], spans[1], spans[2]
    for line in range(len(kinds)):
        out[line] = 0
        size = ends[line] - starts[line]
        if kinds[line] == STRING and 1 <= size <= 19 and data[starts[line]] != 0x30:
            number = np.uint64(0)
            for place in range(starts[line], ends[line]):
                digit = data[place] - 0x30
                if digit < 0 or digit > 9:
                    number = np.uint64(0)
                    break
                number = number * np.uint64(10) + np.uint64(digit)
            if number <= np.uint64(0x7FFFFFFFFFFFFFFF):
                out[line] = number


@compiled
def read_times(data: Bytes, spans: Spans, out: Places) -> None:
    """Microseconds since 1970 of strings like 2025-05-07T10:00:00Z, with 3, 6 or no digits behind the second.

    Any other string, one that is no moment, and one before 1970 gives -1.
    """
    kinds, starts, ends = spans[0], spans[1], spans[2]
    for line in range(len(kinds)):
        at, size = starts[line], ends[line] - starts[line]
        out[line] = -1
        if kinds[line] != STRING or size not in (20, 24, 27) or data[at + size - 1] != 0x5A:
            continue
        if data[at + 4] != 0x2D or data[at + 7] != 0x2D or data[at + 10] != 0x54:
            continue
        if data[at + 13] != 0x3A or data[at + 16] != 0x3A or (size > 20 and data[at + 19] != 0x2E):
            continue
        year, month, day = _plain(data, at, 4), _plain(data, at + 5, 2), _plain(data, at + 8, 2)
        hour, minute, second = _plain(data, at + 11, 2), _plain(data, at + 14, 2), _plain(data, at + 17, 2)
        part = _plain(data, at + 20, size - 21) if size > 20 else 0
        if size == 24 and part >= 0:
            part *= 1000
        if year < 1970 or month < 1 or month > 12 or day < 1 or day > _days_of(year, month):
            continue
        if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and part >= 0):
            continue
        seconds = ((_days_until(year, month) + day - 1) * 24 + hour) * 3600 + minute * 60 + second
        out[line] = seconds * 1_000_000 + part


@compiled
def _plain(data: Bytes, at: int, count: int) -> Any:
    """The number that some digits write, -1 where one of them is none."""
    number: Any = 0
    for place in range(at, at + count):
        digit = np.int64(data[place]) - 0x30
        if digit < 0 or digit > 9:
            return -1
        number = number * 10 + digit
    return number


@compiled
def _days_of(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


@compiled
def _days_until(year: int, month: int) -> int:
    """Days from 1970 to the first of a month."""
    before = year - 1
    days = 365 * (year - 1970) + before // 4 - before // 100 + before // 400 - 477
    for earlier in range(1, month):
        days += _days_of(year, earlier)
    return days
