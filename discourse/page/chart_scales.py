"""Scales of a chart of the page: round numbers and dates at the axes. `chart_scales.js` does the same.

Times are minutes since 1970 in local time.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

__all__ = ["spaced", "time_ticks", "value_text", "value_ticks"]

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY: Final = 24 * 60
_STEPS: Final = (60, 180, 360, 720, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY)
_MONDAY: Final = 4 * _DAY
_EVERY: Final = (1, 2, 3, 6, 12, 24)
_TICK: Final = 85


def value_ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers that hold `low` and `high` between their ends.

    >>> value_ticks(0.0, 0.66), value_ticks(-0.12, 0.31)
    ([0.0, 0.2, 0.4, 0.6, 0.8], [-0.2, 0.0, 0.2, 0.4])
    """
    raw = (high - low or 1.0) / 4
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(one * size for one in (1, 2, 2.5, 5, 10) if one * size >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 9) + 0.0 for i in range(first, max(last, first + 1) + 1)]


def value_text(value: float, step: float, *, share: bool) -> str:
    r"""A number at an axis, with the digits that `step` needs.

    >>> value_text(0.4, 0.2, share=True), value_text(-0.25, 0.25, share=False)
    ('40\xa0%', '−0.25')
    """
    scale = 100 if share else 1
    digits = next((d for d in range(4) if abs(step * scale * 10**d - round(step * scale * 10**d)) < 1e-6), 4)
    text = f"{value * scale:.{digits}f}".replace("-", "\u2212")
    return f"{text}\u00a0%" if share else text


def time_ticks(begin: int, end: int, width: float) -> list[tuple[int, str]]:
    """Minutes and labels of round times between two, as many as `width` pixels have room for.

    >>> day = 24 * 60
    >>> time_ticks(20058 * day, 20178 * day, 500)
    [(28883520, 'Dec 2024'), (28928160, '2025'), (28972800, 'Feb'), (29013120, 'Mar')]
    >>> time_ticks(20058 * day, 20060 * day, 500)[:2]
    [(28883520, '1 Dec'), (28884240, '12:00')]
    """
    room = max(2, math.floor(width / _TICK))
    for step in _STEPS:
        if (end - begin) / step <= room:
            offset = _MONDAY if step >= 7 * _DAY else 0
            first = math.ceil((begin - offset) / step) * step + offset
            return [(at, _moment(at, step)) for at in range(first, end + 1, step)]
    return _months(begin, end, room)


def _moment(at: int, step: int) -> str:
    when = datetime(1970, 1, 1) + timedelta(minutes=at)
    if step < _DAY and at % _DAY:
        return f"{when:%H:%M}"
    return f"{when.day} {_MONTHS[when.month - 1]}"


def _months(begin: int, end: int, room: int) -> list[tuple[int, str]]:
    months = (end - begin) / (30.4 * _DAY)
    every = next((one for one in _EVERY if months / one <= room), _EVERY[-1])
    first = datetime(1970, 1, 1) + timedelta(minutes=begin)
    made: list[tuple[int, str]] = []
    count = first.year * 12 + first.month - 1
    while True:
        year, month = divmod(count, 12)
        at = int((datetime(year, month + 1, 1) - datetime(1970, 1, 1)) // timedelta(minutes=1))
        if at > end:
            return made
        if at >= begin and count % every == 0:
            short = str(year) if month == 0 else _MONTHS[month]
            made.append((at, short if made or month == 0 else f"{short} {year}"))
        count += 1


def spaced(places: list[float], apart: float) -> list[int]:
    """A row for each place from left to right, so that two in one row are `apart` from each other.

    >>> spaced([0.0, 5.0, 30.0, 31.0, 32.0], 18.0)
    [0, 1, 0, 1, 2]
    """
    last: list[float] = []
    made = []
    for at in places:
        row = next((i for i, before in enumerate(last) if at - before >= apart), len(last))
        last[row : row + 1] = [at]
        made.append(row)
    return made
