"""Effects of events in words, and what of them may leave the machine.

A sentence claims an effect only where its interval leaves out 0, its p value adjusted for all tests is small, the days
before the event moved as the model says, and no guard speaks. In all other cases it says that none can be told, and
why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from discourse.report.guard import MIN_AUTHORS
from discourse.report.rows import NAMES, day_name, frame_of, is_share, measure_name, side_name

__all__ = [
    "breakdown_said",
    "conversion_said",
    "doubts",
    "effect_said",
    "guarded_conversion",
    "guarded_effects",
    "in_points",
    "quantity",
    "summary",
    "told",
    "untold_said",
]

ALPHA: Final = 0.05
_GUARDS: Final = {
    "no_gold": "no coded post speaks for the days on one side of it",
    "gold_pooled_over_event": "coded posts are pooled over it, which makes a true change look smaller",
    "near_singular": "the classifier confuses the frames too much to be corrected",
    "classifier_adds_nothing": "the classifier adds nothing to the coded posts",
    "prior_shift_assumed": "the correction assumes that only the mix of frames changed",
    "n_eff_below_30": "fewer than 30 authors wrote on one side of it",
    "no_pretrend_test": "too few days lie before it to see whether it moved already",
    "separated": "the days on one side of it are all of one kind",
    "not_converged": "the model did not settle",
}
_WITHHELD: Final = f"Withheld: fewer than {MIN_AUTHORS} authors stand behind it."
_KEYS: Final = {"event", "start", "title", "measure", "side", "model", "part", "before", "after", "window",
                "exploratory", "flags", "said", "n_tests"}  # fmt: skip
_PARTS: Final = {
    "total": "in all",
    "conversion": "because authors who wrote before and after wrote otherwise",
    "loudness": "because authors who wrote before and after weighed otherwise",
    "arriving": "because of authors who came",
    "leaving": "because of authors who left",
    "composition": "because of authors who came and who left, together",
}


def effect_said(row: Mapping[str, Any]) -> str:
    """What a row of effects.csv says, in one or two plain sentences.

    >>> print(effect_said({"event": "e", "start": None, "title": "", "measure": "NetTone()", "side": "a",
    ...     "estimate": None, "said": "the study names no event", "flags": "no_event"}))
    The study names no event.
    >>> from datetime import date
    >>> row = {"event": "e", "start": date(2025, 1, 6), "title": "The border closed", "side": "pakistan", "flags": "",
    ...     "measure": "Prevalence('nationalist')", "estimate": 0.9, "low": 0.5, "high": 1.3, "p_holm": 0.001,
    ...     "change": 0.2, "change_low": 0.1, "change_high": 0.3, "p_pretrend": 0.4, "p_bend": 0.5, "p_placebo": 0.02,
    ...     "n_tests": 3, "said": None}
    >>> print(effect_said(row))
    After “The border closed” (6 January 2025) the nationalist share among posts from Pakistan changed by +20 points
    (interval +10 to +30), against the line that the days before continue. Adjusted for 3 tests, p = 0.001; against
    placebo dates, p = 0.02.
    >>> print(effect_said({**row, "change_low": -0.1, "low": -0.3, "p_placebo": None}))
    After “The border closed” (6 January 2025) the nationalist share among posts from Pakistan changed by +20 points
    (interval −10 to +30), against the line that the days before continue. No effect can be told from these data: the
    interval holds 0. Adjusted for 3 tests, p = 0.001; no placebo date could be compared.
    """
    if row["estimate"] is None:
        why = str(row["said"] or "nothing could be estimated")
        if row.get("start") is None:
            return f"{why[:1].upper()}{why[1:]}."
        return f"After {_named(row)} nothing can be said of {quantity(row['measure'], row['side'])}: {why}."
    low, high = (in_points(row[name], row["measure"]) for name in ("change_low", "change_high"))
    parts = [
        f"After {_named(row)} {quantity(row['measure'], row['side'])} changed by {_change(row)} (interval {low} to "
        f"{high}), against the line that the days before continue."
    ]
    if reasons := doubts(row):
        parts.append(f"No effect can be told from these data: {'; '.join(reasons)}.")
    tests = f"Adjusted for {row['n_tests']} tests, " if row["n_tests"] != 1 else "Its only test has "
    placebo = "no placebo date could be compared"
    if row["p_placebo"] is not None:
        placebo = f"against placebo dates, {_p(row['p_placebo'])}"
    parts.append(f"{tests}{_p(row['p_holm'])}; {placebo}.")
    return " ".join(parts)


def untold_said(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of one event of which no effect can be told, in one sentence with the reason of each.

    >>> from datetime import date
    >>> row = {"event": "e", "start": date(2025, 1, 6), "title": "The border closed", "side": "pakistan", "flags": "",
    ...     "measure": "Prevalence('both')", "estimate": 0.9, "low": -0.5, "high": 1.3, "p_holm": 0.2, "change": 0.1,
    ...     "change_low": -0.1, "change_high": 0.3, "p_pretrend": 0.4, "p_bend": 0.5, "n_tests": 3}
    >>> print(untold_said([row]))
    After “The border closed” (6 January 2025) no effect can be told from these data on the both share among posts from
    Pakistan (+10 points, interval −10 to +30: the interval holds 0).
    """
    said = []
    for row in rows:
        what = quantity(row["measure"], row["side"])
        if row["estimate"] is None:
            said.append(f"{what} (withheld)" if "withheld" in (row["flags"] or "") else f"{what} (not estimated)")
            continue
        low, high = (in_points(row[name], row["measure"]) for name in ("change_low", "change_high"))
        said.append(f"{what} ({_change(row)}, interval {low} to {high}: {', and '.join(doubts(row))})")
    return f"After {_named(rows[0])} no effect can be told from these data on {'; on '.join(said)}."


def doubts(row: Mapping[str, Any]) -> list[str]:
    """Why no effect can be told from a row with an estimate; empty where one can."""
    why = []
    if row["low"] <= 0.0 <= row["high"] or row["change_low"] <= 0.0 <= row["change_high"]:
        why.append("the interval holds 0")
    elif row["p_holm"] is not None and row["p_holm"] >= ALPHA:
        why.append(f"it does not stand out among {row['n_tests']} tests")
    if row["p_pretrend"] is not None and row["p_pretrend"] < ALPHA:
        why.append(f"it moved already before the event (test of the days before, {_p(row['p_pretrend'])})")
    if row["p_bend"] is not None and row["p_bend"] < ALPHA:
        why.append(f"the days before follow no straight line that could be continued ({_p(row['p_bend'])})")
    flags = (row["flags"] or "").split()
    return why + [words for flag, words in _GUARDS.items() if flag in flags]


def told(row: Mapping[str, Any]) -> bool:
    """Whether a row's sentence claims an effect."""
    return row["estimate"] is not None and not doubts(row)


def conversion_said(row: Mapping[str, Any]) -> str | None:
    """What a row of conversion.csv says.

    >>> row = {"said": None, "part": "total", "measure": "Prevalence('both')", "side": "pakistan", "estimate": 0.1,
    ...     "low": 0.0, "high": 0.2}
    >>> print(conversion_said(row))
    The both share among posts from Pakistan changed by +10 points (interval +0 to +20) in all.
    """
    if row["part"] is None or row["estimate"] is None:
        why = row["said"]
        return None if why is None else f"{why[:1].upper()}{why[1:]}."
    what = quantity(row["measure"], row["side"])
    number, low, high = (in_points(row[name], row["measure"]) for name in ("estimate", "low", "high"))
    unit = " points" if is_share(row["measure"]) else ""
    return f"{what[:1].upper()}{what[1:]} changed by {number}{unit} (interval {low} to {high}) {_PARTS[row['part']]}."


def breakdown_said(row: Mapping[str, Any]) -> str:
    """What a breakdown row of sensitivity.csv says.

    >>> row = {"window": "2025-01-06 to 2025-03-03", "measure": "Prevalence('both')", "side": "pakistan",
    ...     "headline": 0.3, "estimate": 0.4, "breakdown": 1 / 7, "flags": ""}
    >>> print(breakdown_said(row))
    The change of the both share among posts from Pakistan from 30 % to 40 % (2025-01-06 to 2025-03-03) would need 14 %
    of the posts to be inauthentic and one-sided, if nothing else had changed.
    """
    maybe = " The intervals allow that it is no change at all." if "maybe_no_change" in row["flags"] else ""
    return (
        f"The change of {quantity(row['measure'], row['side'])} from {100 * row['headline']:.0f} % to "
        f"{100 * row['estimate']:.0f} % ({row['window']}) would need {100 * row['breakdown']:.0f} % of the posts to be "
        f"inauthentic and one-sided, if nothing else had changed.{maybe}"
    )


def summary(effects: pl.DataFrame) -> str:
    """How many effects can be told, in one sentence, from a guarded table of effects.

    >>> summary(pl.DataFrame({"estimate": [None]}, schema={"estimate": pl.Float64}))
    'No effect could be estimated from these data.'
    """
    known = effects.filter(pl.col("estimate").is_not_null())
    if known.is_empty():
        return "No effect could be estimated from these data."
    many = sum(told(row) for row in known.iter_rows(named=True))
    estimated = "1 effect was" if known.height == 1 else f"{known.height} effects were"
    lost = effects.height - known.height
    rest = f" {lost} could not be estimated or {'is' if lost == 1 else 'are'} withheld." if lost else ""
    return f"{estimated} estimated; {many or 'none'} can be told from chance and from what went before.{rest}"


def quantity(measure: str, side: str) -> str:
    """What a measure of a side is, as the subject of a sentence.

    >>> quantity("Prevalence('both')", "pakistan"), quantity("NetTone()", "unknown")
    ('the both share among posts from Pakistan', 'the net tone of posts of unknown side')
    """
    whose = "posts of unknown side" if side == "unknown" else f"posts from {side_name(side)}"
    if is_share(measure):
        return f"the {frame_of(measure)} share among {whose}"
    if measure_name(measure) == NAMES["net-tone-gap"]:
        first, _, second = side.partition("|")
        return f"the net tone of {side_name(first)} minus that of {side_name(second)}"
    return f"the net tone of {whose}"


def in_points(value: float | None, measure: str) -> str:
    """A change with its sign: of shares in points, else with two decimals.

    >>> in_points(-0.125, "nationalist"), in_points(0.5, "net-tone"), in_points(0.0, "net-tone")
    ('−12', '+0.50', '0.00')
    """
    if value is None:
        return "unknown"
    made = f"{100 * value:+.0f}" if is_share(measure) else f"{value:+.2f}"
    if not made.strip("+-0."):
        made = made.lstrip("+-") if not is_share(measure) else made.replace("-", "+")
    return made.replace("-", "\u2212")


def guarded_effects(table: pl.DataFrame) -> pl.DataFrame:
    """A table with `n_authors`, the numbers of rows of 1 to 9 authors null, flagged `withheld` and said so.

    >>> rows = pl.DataFrame({"event": ["e", "f"], "estimate": [0.1, 0.2], "n_authors": [9, 10], "flags": ["", ""],
    ...     "said": ["a", "b"]})
    >>> guarded_effects(rows).select("estimate", "flags").rows()
    [(None, 'withheld'), (0.2, '')]
    """
    small = (pl.col("n_authors") > 0) & (pl.col("n_authors") < MIN_AUTHORS)
    return _hidden(table, small.fill_null(value=False), [name for name in table.columns if name not in _KEYS])


def guarded_conversion(table: pl.DataFrame) -> pl.DataFrame:
    """Conversion without what fewer than 10 authors tell: all of it, or all parts of a change but its total.

    Where the stayers, those who came or those who left are 1 to 9, the parts and all three counts are withheld.
    """
    whole = guarded_effects(table)
    few = pl.any_horizontal(
        (pl.col(name) > 0) & (pl.col(name) < MIN_AUTHORS) for name in ("stayers", "arrivers", "leavers")
    ).fill_null(value=False)
    parts = _hidden(whole, few & (pl.col("part") != "total"), ["estimate", "low", "high"])
    which = pl.lit(whole.select(few.alias("_few")).to_series())
    return parts.with_columns(
        pl.when(~which).then(pl.col(name)).alias(name) for name in ("stayers", "arrivers", "leavers", "n_authors")
    )


def _hidden(table: pl.DataFrame, small: pl.Expr, names: list[str]) -> pl.DataFrame:
    which = pl.lit(table.select(small.alias("_small")).to_series())
    flags = (pl.col("flags").fill_null("") + " withheld").str.strip_chars()
    return table.with_columns(
        *(pl.when(~which).then(pl.col(name)).alias(name) for name in names),
        pl.when(which).then(flags).otherwise(pl.col("flags")).alias("flags"),
        pl.when(which).then(pl.lit(_WITHHELD)).otherwise(pl.col("said")).alias("said"),
    )


def _change(row: Mapping[str, Any]) -> str:
    unit = " points" if is_share(row["measure"]) else ""
    return f"{in_points(row['change'], row['measure'])}{unit}"


def _named(row: Mapping[str, Any]) -> str:
    return f"\u201c{row['title']}\u201d ({day_name(row['start'])})"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}" if value < 0.01 else f"p = {value:.2f}"
