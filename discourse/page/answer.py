"""The answer the page begins with: what was found, in sentences made from the numbers of the series.

A rise or fall is claimed only where two intervals do not overlap; in all other cases a sentence says that no change can
be told. None of them says why something changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from discourse.errors import MeaningError
from discourse.report.rows import (
    NAMES,
    day_name,
    first_moment,
    frame_of,
    headline,
    in_words,
    is_share,
    last_day,
    measure_name,
    ordered_sides,
    side_name,
    step_name,
    window_name,
)
from discourse.report.words import METHODS, counted, left_out
from discourse.schema import FRAMES, SERIES, UNKNOWN, as_polars

__all__ = ["Sentence", "answer_sentences", "answered"]


@dataclass(frozen=True)
class Sentence:
    """A sentence of the answer and the measure it is about, by its short name; "" where it is about all of them.

    One that `warns` must stand at every chart that sets the sides against each other.
    """

    text: str
    measure: str = ""
    warns: bool = False


def answer_sentences(series: Any, no_gap: str = "") -> tuple[str, ...]:
    """The texts of `answered`."""
    return tuple(one.text for one in answered(series, no_gap))


def answered(series: Any, no_gap: str = "") -> tuple[Sentence, ...]:
    """What the study found, in sentences made from the series' headline rows.

    The shares of the two poles, as far as they were measured, side by side: first and last whole window, and the
    highest. A rise or fall is claimed only where the two intervals do not overlap. Then the gap of the net tones
    (`no_gap` stands in its place where none is to be claimed), how to read the numbers, and what is withheld. Whole
    windows are preferred to partial ones. Raises `MeaningError` for a series without rows.

    >>> answered(SERIES.empty())
    Traceback (most recent call last):
    discourse.errors.MeaningError: the series has no rows; measure something before it is reported
    """
    table = SERIES.frame(as_polars(series))
    if table.is_empty():
        raise MeaningError("the series has no rows; measure something before it is reported")
    there = set(table["measure"])
    chosen = [name for name in (*FRAMES[:2], "net-tone-gap") if NAMES[name] in there]
    chosen = chosen or [next((name for name in FRAMES if NAMES[name] in there), table["measure"].sort()[0])]
    every = {name: headline(table, name) for name in chosen}
    made: list[Sentence] = []
    for name, rows in every.items():
        if no_gap and name == "net-tone-gap":
            made.append(Sentence(no_gap, name, warns=True))
        else:
            made += [Sentence(text, name) for text in _changes(rows, name)]
    first = next(iter(every.values()))
    step = step_name(first)
    once = counted(first["weight"][0], step)
    method = METHODS.get(first["method"][0], first["method"][0])
    picked = any(" highest " in one.text for one in made)
    made.append(Sentence(f"Frames are {method}, {once}, and the numbers in brackets are the ends of the intervals."))
    if picked:
        made.append(Sentence(f"A highest {step} is picked after looking, so a part of its height is chance."))
    gone = left_out(first.filter(pl.col("side") != UNKNOWN) if first["side"].n_unique() > 1 else first)
    return tuple(one for one in (*made, Sentence(gone)) if one.text)


def _changes(rows: pl.DataFrame, measure: str) -> list[str]:
    """A sentence or two for each side, or about both."""
    step = step_name(rows)
    said = []
    for side in [s for s in ordered_sides(rows["side"]) if s != UNKNOWN] or [UNKNOWN]:
        whose = "posts of unknown side" if side == UNKNOWN else f"posts from {side_name(side)}"
        what = f"the {frame_of(measure)} share" if is_share(measure) else _quantity(measure, side)
        subject = what if "|" in side else f"{what} among {whose}"
        text = _change(_whole(rows.filter(pl.col("side") == side)), subject, measure, step)
        said.append(f"{text[:1].upper()}{text[1:]}")
    return said


def _change(own: pl.DataFrame, subject: str, measure: str, step: str) -> str:
    if own.is_empty():
        return f"{subject} cannot be shown for any window."
    first, last = own.row(0, named=True), own.row(-1, named=True)
    value = in_words(first, measure)
    if own.height == 1:
        return f"{subject} was {value} in {window_name(first['window'], step)}, the only window that can be shown."
    begin = first_moment(first["window"])
    since = day_name(begin) if begin else first["window"]
    when = f"between {since} and {last_day(last['window'], last['start'], last['end'])}"
    ends = f"from {value} in the first {step} to {in_words(last, measure)} in the last"
    top = own.row(int(own["estimate"].arg_max() or 0), named=True)
    peak = f"in {window_name(top['window'], step)}, at {in_words(top, measure)}"
    inside, between = top["window"] not in (first["window"], last["window"]), "|" in first["side"]
    if _apart(first, last):
        verb = "rose" if last["estimate"] > first["estimate"] else "fell"
        rest = f" It was highest {peak}." if inside and not between else ""
        text = f"{when} {subject} {verb} {ends}.{rest}"
    elif inside and _apart(top, first) and not between:
        final = in_words(last, measure)
        text = (
            f"{when} {subject} was highest {peak}, against {value} in the first {step}; these intervals do not "
            f"overlap. From the first {step} to the last, {final}, no change can be told."
        )
    else:
        why = ": the intervals overlap" if _apart(first, last) is False else ""
        text = f"{when} no change can be told in {subject}, {ends}{why}."
    return text + (_zero(own, step) if between else "")


def _apart(one: dict[str, Any], other: dict[str, Any]) -> bool | None:
    """Whether two intervals do not overlap; None where one is missing."""
    if None in (one["low"], one["high"], other["low"], other["high"]):
        return None
    return bool(one["low"] > other["high"] or one["high"] < other["low"])


def _zero(own: pl.DataFrame, step: str) -> str:
    """In how many windows a difference of sides is told from none."""
    known = own.drop_nulls(["low", "high"])
    out = known.filter((pl.col("low") > 0) | (pl.col("high") < 0)).height
    if not known.height:
        return ""
    windows = "windows" if step[:1].isdigit() else f"{step}s"
    return (f" A difference can be told (the interval leaves out 0) in {out or 'none'} of {known.height} {windows}; "
            "chance alone would show one in about 1 of 20.")  # fmt: skip


def _quantity(measure: str, side: str) -> str:
    if measure_name(measure) != NAMES["net-tone-gap"]:
        return measure_name(measure)
    first, _, second = side.partition("|")
    return f"the gap between the sides (net tone of {side_name(first)} minus that of {side_name(second)}, −2 to 2)"


def _whole(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with an estimate, without partial windows unless there are no others."""
    drawn = rows.filter(pl.col("estimate").is_not_null())
    whole = drawn.filter(~pl.col("flags").fill_null("").str.split(" ").list.contains("partial"))
    return whole if whole.height else drawn
