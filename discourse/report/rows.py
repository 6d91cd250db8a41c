"""The rows of a series that a figure or a sentence is about, and the names people know them by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from discourse.errors import MeaningError
from discourse.indices.polarization import NetTone, Polarization
from discourse.measure.prevalence import Prevalence
from discourse.report.guard import shown
from discourse.schema import FRAMES, SERIES, UNKNOWN, as_polars, one_of

__all__ = [
    "day_name",
    "first_moment",
    "frame_of",
    "headline",
    "in_words",
    "is_share",
    "language_name",
    "last_day",
    "measure_name",
    "number",
    "ordered_sides",
    "side_name",
    "step_name",
    "title_of",
    "window_name",
]

NAMES = {
    **{frame: repr(Prevalence(frame)) for frame in FRAMES},
    "net-tone": repr(NetTone()),
    **{kind: repr(Polarization(kind)) for kind in ("esteban-ray", "net-tone-gap", "cramer-squared")},
}
_SIDES = {"pakistan": "Pakistan", "afghanistan": "Afghanistan", UNKNOWN: "side unknown"}
_LANGUAGES = {
    "en": "English",
    "ur": "Urdu",
    "ur-Latn": "Roman Urdu",
    "ps": "Pashto",
    "fa": "Dari/Persian",
    "other": "another language",
    "mixed": "two languages",
    "und": "language not known",
}


def headline(
    series: Any, measure: str, *, method: str | None = None, sides: Sequence[str] | None = None
) -> pl.DataFrame:
    """The rows of one measure under one method and one weight, by side and time, small cells withheld.

    `measure` is a short name ("nationalist", "net-tone-gap") or a label of the table ("Prevalence('both')").
    Without `method` the corrected estimate comes before the naive count; author weights come before post
    weights. Raises `SchemaError` for a measure, method or side that the table does not hold.

    >>> headline(SERIES.empty(), "net-tone")
    Traceback (most recent call last):
    discourse.errors.MeaningError: the series has no rows; measure something before it is drawn
    """
    # Before any row is left out: which counts must be hidden hangs on all of them.
    table = shown(SERIES.frame(as_polars(series)))
    if table.is_empty():
        raise MeaningError("the series has no rows; measure something before it is drawn")
    rows = table.filter(pl.col("measure") == one_of(measure_name(measure), _distinct(table, "measure"), "measure"))
    methods = _distinct(rows, "method")
    chosen = one_of(method, methods, "method") if method else min(methods, key=lambda m: (m == "cc", m))
    rows = rows.filter(pl.col("method") == chosen)
    rows = rows.filter(pl.col("weight") == min(_distinct(rows, "weight"), key=lambda w: (w != "author", w)))
    known = ordered_sides(rows["side"])
    wanted = known if sides is None else [one_of(side, known, "side") for side in sides]
    order = pl.col("side").replace_strict({side: i for i, side in enumerate(wanted)}, return_dtype=pl.Int64)
    return rows.filter(pl.col("side").is_in(wanted)).sort(order, "start", "window")


def measure_name(measure: str) -> str:
    """The label a measure has in the series.

    >>> measure_name("esteban-ray"), measure_name("NetTone()")
    ("Polarization('esteban-ray')", 'NetTone()')
    """
    return NAMES.get(measure, measure)


def is_share(measure: str) -> bool:
    """Whether a measure is the share of a frame.

    >>> is_share("nationalist"), is_share("net-tone")
    (True, False)
    """
    return measure_name(measure).startswith("Prevalence(")


def ordered_sides(sides: pl.Series) -> list[str]:
    """The sides in the order they are always shown in: the two of the conflict, others, unknown last.

    >>> ordered_sides(pl.Series(["unknown", "afghanistan", "pakistan"]))
    ['pakistan', 'afghanistan', 'unknown']
    """
    fixed = ("pakistan", "afghanistan")
    return sorted(sides.unique(), key=lambda s: (s == UNKNOWN, fixed.index(s) if s in fixed else len(fixed), s))


def side_name(side: str) -> str:
    """What a side is called in a figure.

    >>> side_name("pakistan"), side_name("unknown"), side_name("pakistan|afghanistan")
    ('Pakistan', 'side unknown', 'Pakistan and Afghanistan')
    """
    named = [_SIDES.get(part, part[:1].upper() + part[1:]) for part in side.split("|")]
    return " and ".join(named)


def language_name(lang: str | None) -> str:
    """What a language is called in a figure.

    >>> language_name("ur-Latn"), language_name(None)
    ('Roman Urdu', 'language not known')
    """
    return _LANGUAGES.get(lang or "und", lang or "")


def title_of(measure: str, side: str = "", step: str = "week") -> str:
    """What a measure says, as the title of a figure; `side` is that of the row ("pakistan|afghanistan").

    >>> title_of("net-tone-gap", "pakistan|afghanistan")
    'How far apart: net tone of Pakistan minus Afghanistan'
    """
    first, _, second = side.partition("|")
    name = measure_name(measure)
    if is_share(name):
        return f"How much of the talk is {frame_of(name)}: share of each side's posts, per {step}"
    if name == NAMES["net-tone"]:
        return "Net tone of each side: nationalist minus conciliatory share"
    if name == NAMES["net-tone-gap"]:
        return f"How far apart: net tone of {side_name(first)} minus {side_name(second)}"
    if name == NAMES["cramer-squared"]:
        return f"How different the talk is: squared Cramér distance of {side_name(first)} and {side_name(second)}"
    if name == NAMES["esteban-ray"]:
        return "How split each side is in itself: Esteban-Ray index, 0 (all alike) to 1 (two equal camps)"
    return name


def frame_of(measure: str) -> str:
    """The frame of a share.

    >>> frame_of("Prevalence('both')")
    'both'
    """
    return measure_name(measure).split("'")[1]


def number(value: float, measure: str) -> str:
    """A value in words' clothes: shares in whole percent, anything else with two decimals.

    >>> number(0.312, "nationalist"), number(-0.125, "net-tone")
    ('31 %', '−0.12')
    """
    if is_share(measure):
        return f"{100 * value:.0f} %"
    made = f"{value:.2f}"
    return "0.00" if made == "-0.00" else made.replace("-", "\u2212")


def in_words(row: dict[str, Any], measure: str) -> str:
    """An estimate with its interval, "31 % (27 to 36)".

    >>> in_words({"estimate": 0.31, "low": 0.27, "high": 0.36}, "nationalist")
    '31 % (27 to 36)'
    """
    value = number(row["estimate"], measure)
    if row["low"] is None or row["high"] is None:
        return value
    low, high = (number(row[end], measure).removesuffix(" %") for end in ("low", "high"))
    return f"{value} ({low} to {high})"


def step_name(rows: pl.DataFrame) -> str:
    """The length of the windows in a word, from their start and end.

    >>> from datetime import datetime, timedelta
    >>> step_name(pl.DataFrame({"start": [datetime(2025, 1, 6)], "end": [datetime(2025, 1, 13)]}))
    'week'
    """
    hours = (rows["end"] - rows["start"]).median()
    length = hours.total_seconds() / 3600 if isinstance(hours, timedelta) else 0.0
    for name, most in (("hour", 1.5), ("6 hours", 8), ("day", 30), ("week", 8 * 24), ("month", 32 * 24)):
        if length <= most:
            return name
    return "window"


def window_name(window: str, step: str) -> str:
    """A window's label as people say it; the label is already in the local time of its side.

    >>> window_name("2024-12-02", "week"), window_name("2024-12", "month")
    ('the week of 2 December 2024', 'December 2024')
    """
    begin = first_moment(window)
    if begin is None:
        return window
    if step == "month":
        return f"{_MONTHS[begin.month - 1]} {begin.year}"
    if step in {"hour", "6 hours"}:
        return f"{day_name(begin)}, {begin:%H:%M}"
    return f"the week of {day_name(begin)}" if step == "week" else day_name(begin)


def last_day(window: str, start: datetime, end: datetime) -> str:
    """The last day of a window in the local time of its side.

    >>> last_day("2024-12-02", datetime(2024, 12, 1, 19), datetime(2024, 12, 8, 19))
    '8 December 2024'
    """
    begin = first_moment(window) or start
    days = max(round((end - start) / timedelta(days=1)), 1)
    return day_name(begin + timedelta(days=days - 1))


def first_moment(window: str) -> datetime | None:
    """The local time a window's label names; None for a label of another kind.

    >>> first_moment("2024-12")
    datetime.datetime(2024, 12, 1, 0, 0)
    """
    try:
        return datetime.fromisoformat(f"{window}-01" if len(window) == 7 else window)
    except ValueError:
        return None


def day_name(day: date) -> str:
    """A day, "2 December 2024", in English whatever the locale.

    >>> day_name(date(2024, 12, 2))
    '2 December 2024'
    """
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def _distinct(table: pl.DataFrame, column: str) -> list[str]:
    made: list[str] = table[column].unique().sort().to_list()
    return made
