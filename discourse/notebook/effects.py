"""Effects of events for people: the change with its interval, the checks beside it, and whether it can be told."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from discourse.impact.effects import Effect, JointTest
from discourse.impact.events import EventStudy
from discourse.notebook.table import ShownTable
from discourse.report.effects_words import doubts, guarded_effects, in_points, quantity, told
from discourse.report.rows import day_name, is_share
from discourse.schema import as_polars

__all__ = ["effect_tables", "study_tables"]

_SHARE: Final = "Prevalence('nationalist')"  # any share: numbers are in points
_OTHER: Final = "NetTone()"
_FLAGS: Final = {
    "event_window_dropped": "the window into which the event falls was left out",
    "few_days_after": "fewer than 14 days lie after it",
    "no_placebo": "no placebo date could be compared",
    "no_pretrend_test": "too few days lie before it to see whether it moved already",
    "days_without_control": "days without the control series were left out",
}


def effect_tables(table: Any) -> list[ShownTable]:
    """A table of effects (`effects.csv` of a study): a row an event and measure, and whether an effect can be told."""
    frame = as_polars(table)
    rows = []
    for row in (guarded_effects(frame) if "n_authors" in frame.columns else frame).to_dicts():
        what = quantity(row["measure"], row["side"])
        if row["estimate"] is None:
            rows.append((row["title"] or row["event"], what, "not estimated", "", str(row["said"] or "")))
            continue
        unit = " points" if is_share(row["measure"]) else ""
        change, low, high = (in_points(row[name], row["measure"]) for name in ("change", "change_low", "change_high"))
        verdict = "an effect can be told" if told(row) else f"cannot be told: {'; '.join(doubts(row))}"
        rows.append(
            (row["title"] or row["event"], what, f"{change}{unit} ({low} to {high})", _p(row["p_holm"]), verdict)
        )
    head = ("event", "of what", "change on the day", "p, adjusted", "what can be said")
    note = (
        "p is adjusted for all tests of the study (Holm). A change that cannot be told is no proof that there was none."
    )
    return [ShownTable("What events did, against the line that the days before continue", head, tuple(rows), (note,))]


def study_tables(found: EventStudy) -> list[ShownTable]:
    """One event: the changes, the checks, and in a note whether an effect can be told and why not."""
    measure = _SHARE if found.fit.link == "logit" else _OTHER
    rows = [
        ("change on the day", _effect(found.level_share, measure), "how far the series left its path at once"),
        ("mean change since", _effect(found.mean_share, measure), "over all days from the event on, fading included"),
        ("the days before: did it move?", _test(found.pretrend), "a small p: it moved already before the event"),
        ("the days before: a straight line?", _test(found.bend), "a small p: there was no line to continue"),
    ]
    if found.placebo is not None:
        counted = f"{found.placebo.as_large} of {len(found.placebo.ratios)} as large, {_p(found.placebo.p)}"
        rows.append(("dates without an event", counted, "how often nothing looks as large as this"))
    reasons = doubts({
        "measure": measure, "low": found.level.low, "high": found.level.high, "change_low": found.level_share.low,
        "change_high": found.level_share.high, "p_holm": found.level.p, "n_tests": 1,
        "p_pretrend": None if found.pretrend is None else found.pretrend.p,
        "p_bend": None if found.bend is None else found.bend.p, "flags": " ".join(found.flags),
    })  # fmt: skip
    verdict = f"No effect can be told from these data: {'; '.join(reasons)}." if reasons else "A change can be told."
    also = [words for flag, words in _FLAGS.items() if flag in found.flags and words not in reasons]
    notes = (verdict, *((f"Know also: {'; '.join(also)}.",) if also else ()))
    when = day_name(date.fromisoformat(found.when)) if found.dated else f"day {found.when}"
    caption = f"What changed on {when} ({found.n_days} days with posts; intervals in brackets)"
    return [ShownTable(caption, ("what", "found", "how to read it"), tuple(rows), notes)]


def _effect(effect: Effect, measure: str) -> str:
    value, low, high = (in_points(one, measure) for one in (effect.estimate, effect.low, effect.high))
    return f"{value}{' points' if is_share(measure) else ''} ({low} to {high})"


def _test(test: JointTest | None) -> str:
    return "could not be tested" if test is None else _p(test.p)


def _p(value: float | None) -> str:
    return "" if value is None else "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
