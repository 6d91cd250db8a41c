"""What a result depends on, where a series seems to change its level, and the curve through its windows: as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import MeaningError, UsageError
from discourse.estimators.bootstrap import replicate_variance
from discourse.estimators.rates import GOLD_WITHIN
from discourse.impact.change_points import pelt
from discourse.impact.daily import logit_with_variance
from discourse.impact.sensitivity import bots, breakdown, sensitivity_table
from discourse.impact.smoothing import common_variance, smooth
from discourse.measure.timeline import MIN_N_EFF, Plan, over_time
from discourse.report.effects_words import breakdown_said, quantity
from discourse.report.guard import MIN_AUTHORS, shown
from discourse.schema import ABSTAIN, UNKNOWN
from discourse.study.corrected_days import Days, Line, line_of
from discourse.study.event_rows import Happening, measure_of

__all__ = ["CHANGES", "SENSITIVITY", "SMOOTH", "change_rows", "moved_by_bots", "other_choices", "smooth_rows"]

CHANGES: Final = {
    "measure": pl.String, "side": pl.String, "window": pl.String, "level_before": pl.Float64,
    "level_after": pl.Float64, "n_authors": pl.Int64, "exploratory": pl.Boolean, "flags": pl.String,
    "said": pl.String,
}  # fmt: skip
"""Columns of changes.csv: a row a change point, or one that says why there is none."""
SENSITIVITY: Final = {
    "run": pl.String, "measure": pl.String, "side": pl.String, "window": pl.String, "estimate": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "headline": pl.Float64, "change": pl.Float64, "breakdown": pl.Float64,
    "flags": pl.String, "said": pl.String,
}  # fmt: skip
"""Columns of sensitivity.csv."""
SMOOTH: Final = {
    "measure": pl.String, "side": pl.String, "window": pl.String, "raw": pl.Float64, "raw_low": pl.Float64,
    "raw_high": pl.Float64, "smooth": pl.Float64, "low": pl.Float64, "high": pl.Float64, "flags": pl.String,
    "said": pl.String,
}  # fmt: skip
"""Columns of smooth.csv: every window raw and smoothed."""

_ENOUGH_DAYS = 14
_MOST_COMMON = 0.95  # of the least variance of a window: what windows share cannot be all of it
_OTHER_WINDOW: Final = {"1h": "6h", "6h": "1d", "1d": "1w", "1w": "1mo", "1mo": "1w"}
_CORRECTED: Final = "poststrat"
_WEIGHTS: Final = {"author": "each author once", "post": "every post once", "unique_text": "repeated texts once"}
_SCOPES: Final = {
    "window": "gold of the window alone", "side": "gold pooled over a side's windows", "all": "gold pooled over all",
}  # fmt: skip
_ABSTAIN_BELOW: Final = (0.5, 0.7)
_LENGTHS: Final = {"1h": "windows of an hour", "6h": "windows of 6 hours", "1d": "windows of a day",
                   "1w": "windows of a week", "1mo": "windows of a month"}  # fmt: skip
Pairs = Sequence[tuple[str, str]]
Bools = npt.NDArray[np.bool_]


def change_rows(days: Days, pairs: Pairs, happened: Sequence[Happening]) -> pl.DataFrame:
    """Change points of each measure and side, all exploratory; the days before the first event must hold none.

    `days` must be corrected by one pool of gold a side: gold that changes at an event would make the level change
    there. `n_authors` is the smaller number of authors of the two levels. Fewer than 14 days with posts: a row that
    says so.
    """
    rows: list[dict[str, Any]] = []
    for name, side in pairs:
        line = line_of(days, measure_of(name), name, side)
        base = {"measure": repr(measure_of(name)), "side": side, "exploratory": True, "flags": "exploratory"}
        known, what = int(line.known.sum()), quantity(repr(measure_of(name)), side)
        if known < _ENOUGH_DAYS:
            said = f"{known} days with posts are too few to look for changes of {what}; it needs {_ENOUGH_DAYS}"
            rows.append({**base, "flags": "exploratory too_few_days", "said": said})
            continue
        found = _levels(line, _quiet(days, happened))
        edges = [0, *found.ends]
        parts = [(np.arange(len(days.windows)) >= a) & (np.arange(len(days.windows)) < b)
                 for a, b in pairwise(edges)]  # fmt: skip
        for i, first in enumerate(found.changes):
            authors = min(days.authors(part, side) for part in parts[i : i + 2])
            rows.append({**base, "window": days.windows[first], "level_before": _plain(found.levels[i]),
                         "level_after": _plain(found.levels[i + 1]), "n_authors": authors})  # fmt: skip
        if not found.changes:
            rows.append({**base, "said": f"no change of {what} was found that is worth its penalty"})
    return pl.DataFrame(rows, schema=CHANGES, orient="row")


def smooth_rows(days: Days, pairs: Pairs, *, pooled: bool) -> pl.DataFrame:
    """Raw shares and the smoothed curve of each window; `pooled` gold is an error that all windows share.

    Windows of fewer than 30 effective authors are left out of the curve, as they are withheld from the series. Measures
    that are no shares are left out.
    """
    rows: list[dict[str, Any]] = []
    for name, side in pairs:
        line = line_of(days, measure_of(name), name, side)
        if not line.share:
            continue
        base = {"measure": repr(measure_of(name)), "side": side}
        n_eff = days.n_eff[:, days.sides.index(side)]
        thin = ~(n_eff >= MIN_N_EFF)
        share, variance = np.where(thin, np.nan, line.values[0]), replicate_variance(line.values[1:].T)
        try:
            both = 0.0
            if pooled and (~thin).sum() > 1:
                least = float(logit_with_variance(share[~thin], variance[~thin], n_eff[~thin])[1].min())
                both = min(common_variance(line.values[1:, ~thin].T), _MOST_COMMON * least)
            made = smooth(share, variance, n_eff=n_eff, common=both)
        except (MeaningError, UsageError) as error:
            rows.append({**base, "flags": "too_few_windows", "said": str(error)})
            continue
        for window, numbers, hidden in zip(days.windows, made.table().iter_rows(named=True), thin, strict=True):
            kept = {key: numbers[key] for key in ("raw", "raw_low", "raw_high", "smooth", "low", "high")}
            rows.append({**base, "window": window, **kept, "flags": "filled" if hidden else ""})
    return pl.DataFrame(rows, schema=SMOOTH, orient="row")


def other_choices(
    series: pl.DataFrame, observed: pl.DataFrame, plan: Plan, seed: int, names: Sequence[str]
) -> pl.DataFrame:
    """The headline (each author once, corrected) beside other weights, no correction, other gold scopes and windows,
    abstention below a probability, and sides without one of the rules that gave them.

    `series` is that of the study, `plan` its plan; `names` the measures. Thresholds need the probabilities in
    `observed` (p_<frame>), rules of sides its column side_basis. Numbers of windows of fewer than 10 authors
    are withheld in every run before they are compared.
    """
    measures = [measure_of(name) for name in names]
    labels = [repr(measure) for measure in measures]
    table = _guarded(series)

    def run(method: str, weight: str) -> pl.DataFrame:
        return table.filter(
            (pl.col("method") == method) & (pl.col("weight") == weight) & pl.col("measure").is_in(labels)
        )

    weights = [weight for weight in _WEIGHTS if not run(_CORRECTED, weight).is_empty()]
    runs = {f"headline: {_WEIGHTS[weights[0]]}": run(_CORRECTED, weights[0])}
    runs |= {_WEIGHTS[weight]: run(_CORRECTED, weight) for weight in weights[1:]}
    runs["not corrected for the classifier's errors"] = run("cc", weights[0])
    asked = replace(plan, weight=weights[0], shuffles=1)
    others = {
        _SCOPES[scope]: (replace(asked, gold_within=scope), observed)
        for scope in GOLD_WITHIN if scope != plan.gold_within
    }  # fmt: skip
    length = _OTHER_WINDOW[plan.every]
    others[_LENGTHS[length]] = (replace(asked, every=length), observed)
    others |= {name: (asked, posts) for name, posts in (*_thresholds(observed), *_without_a_rule(observed))}
    for name, (own, posts) in others.items():
        runs[name] = _guarded(over_time(measures, posts, plan=own, seed=seed))
    return sensitivity_table(runs).with_columns(
        breakdown=pl.lit(None, pl.Float64), said=pl.lit(None, pl.String)
    ).select(list(SENSITIVITY))  # fmt: skip


def moved_by_bots(headline: pl.DataFrame, fractions: Sequence[float], effects: pl.DataFrame) -> pl.DataFrame:
    """Worst cases of every share if a fraction of the posts is inauthentic and one-sided, and the breakdown fractions.

    `headline` are rows of one method and weight of the series, small cells withheld. Low and high are the ends of the
    interval of both bounds, which a monotone bound of the ends gives. A breakdown row tells, from a side's first whole
    window to its last and across each event of `effects`, which fraction would by itself make the change;
    `maybe_no_change` where the intervals of both windows overlap, or that of the contrast holds 0.
    """
    shares = headline.filter(pl.col("measure").str.starts_with("Prevalence("), pl.col("estimate").is_not_null())
    rows = []
    for row in shares.iter_rows(named=True):
        base = {key: row[key] for key in ("measure", "side", "window")} | {"headline": row["estimate"], "flags": ""}
        low, high = (bots(_inside(row[key]), fractions) for key in ("low", "high"))
        for f, least, most in zip(low["f"], low["low"], high["high"], strict=True):
            rows.append({**base, "run": f"{100 * f:g} % of posts inauthentic", "low": least, "high": most})
    for (measure, side), own in shares.sort("start").group_by("measure", "side", maintain_order=True):
        whole = own.filter(~pl.col("flags").str.split(" ").list.contains("partial"))
        if whole.height > 1:
            first, last = whole.row(0, named=True), whole.row(-1, named=True)
            apart = first["low"] > last["high"] or last["low"] > first["high"]
            ends = (first["estimate"], last["estimate"])
            rows.append(_broken((measure, side, f"{first['window']} to {last['window']}"), ends, sure=apart))
    across = effects.filter(pl.col("measure").str.starts_with("Prevalence("), pl.col("mean_before").is_not_null(),
                            pl.col("n_authors") >= MIN_AUTHORS)  # fmt: skip
    for row in across.iter_rows(named=True):
        moved = row["contrast_low"] > 0.0 or row["contrast_high"] < 0.0
        ends = (row["mean_before"], row["mean_after"])
        rows.append(_broken((row["measure"], row["side"], f"across {row['event']}"), ends, sure=moved))
    return pl.DataFrame(rows, schema=SENSITIVITY, orient="row")


def _thresholds(observed: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Predictions in which the classifier abstains where its highest probability is below a threshold."""
    probabilities = [name for name in observed.columns if name.startswith("p_")]
    for least in _ABSTAIN_BELOW if probabilities else ():
        sure = pl.max_horizontal(probabilities) >= least
        kept = pl.when(sure).then("predicted").otherwise(pl.lit(ABSTAIN))
        yield f"abstention below {least:g}", observed.with_columns(predicted=kept)


def _without_a_rule(observed: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Posts in which those whose side one rule gave have none."""
    if "side_basis" not in observed.columns:
        return
    given = observed.filter(pl.col("side") != UNKNOWN)["side_basis"].drop_nulls().unique().sort().to_list()
    for basis in given if len(given) > 1 else ():
        side = pl.when(pl.col("side_basis").eq_missing(basis)).then(pl.lit(UNKNOWN)).otherwise("side")
        yield f"sides without the rule {basis}", observed.with_columns(side=side)


def _guarded(series: pl.DataFrame) -> pl.DataFrame:
    """A series without small cells. Counts that are hidden with them are 0: no comparison of runs shows a count."""
    return shown(series).with_columns(pl.col("n_posts").fill_null(0))


def _broken(what: tuple[Any, Any, str], ends: tuple[float, float], *, sure: bool) -> dict[str, Any]:
    """The breakdown row of a measure, side and window; not `sure` where the intervals allow that nothing changed."""
    (measure, side, window), (one, two) = what, map(_inside, ends)
    flags = "" if sure else "maybe_no_change"
    row = {"run": "breakdown", "measure": measure, "side": side, "window": window, "estimate": two, "headline": one,
           "change": two - one, "breakdown": breakdown(one, two), "flags": flags}  # fmt: skip
    return {**row, "said": breakdown_said(row)}


def _inside(value: float | None) -> float:
    return min(max(value if value is not None else float("nan"), 0.0), 1.0)


def _levels(line: Line, quiet: tuple[int, int] | None) -> Any:
    if line.share:
        y, n = line.counts()
        return pelt(y, n, quiet=quiet)
    values = np.where(line.known, line.values[0], 0.0)
    return pelt(values, line.known.astype(np.float64), cost="l2", quiet=quiet)


def _quiet(days: Days, happened: Sequence[Happening]) -> tuple[int, int] | None:
    """The days before the first event, where they are two weeks or more: nothing is known to have happened in them."""
    firsts = [date.fromisoformat(window) for window in days.windows]
    inside = [one.start for one in happened if one.start > firsts[0]]
    before = sum(first < min(inside) for first in firsts) if inside else 0
    return (0, before) if before >= _ENOUGH_DAYS else None


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
