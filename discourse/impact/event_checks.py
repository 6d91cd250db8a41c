"""What speaks for and against an event study: the path around the event, tests of the time before it, placebo dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import eval_legendre

from discourse.errors import MeaningError
from discourse.impact.daily import Daily
from discourse.impact.effects import Effect, Fit, JointTest
from discourse.impact.interrupted import fit_daily, interrupted_design, level_ratio

__all__ = ["Placebo", "around", "bend_test", "event_path", "placebo_dates", "torn"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_BENDS = (2, 3)
_LEAST_HALF, _MOST_HALF, _WEEKLY_HALF = 7, 30, 21

PATH = {"window": pl.Int64, "first": pl.Int64, "last": pl.Int64, "days": pl.Int64, "estimate": pl.Float64,
        "low": pl.Float64, "high": pl.Float64, "part": pl.String}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Placebo:
    """The event among dates on which nothing is known to have happened.

    `ratio` is |estimate / se| of the level at the event, `ratios` (m,) those at the m dates before it, `days` (m,) the
    dates, all with the same `half_width` of days on each side. p = (1 + number as large) / (1 + m): it cannot be
    smaller than 1 / (1 + m), neighbouring dates share most of their days, and its power is low. A line of support, no
    test of its own.

    >>> Placebo(2.0, np.array([0.5, 1.0, 2.5]), np.array([10, 11, 12]), 7)
    placebo dates: 1 of 3 as large, p = 0.500
    """

    ratio: float
    ratios: Floats
    days: npt.NDArray[np.int64]
    half_width: int

    @property
    def as_large(self) -> int:
        """How many placebo dates show a ratio as large as the event's."""
        return int((self.ratios >= self.ratio).sum())

    @property
    def p(self) -> float:
        """The rank p value."""
        return (1.0 + self.as_large) / (1.0 + len(self.ratios))

    def __repr__(self) -> str:
        return f"placebo dates: {self.as_large} of {len(self.ratios)} as large, p = {self.p:.3f}"


def around(t: npt.NDArray[np.int64], t0: int, anticipation: int, drop: int) -> Bools:
    """The days that stay: not the `anticipation` days before t0, nor those up to `drop` days from it.

    >>> around(np.arange(7), 3, 0, 1).tolist()
    [True, True, False, False, False, True, True]
    """
    since = t - t0
    gone = (since < 0) & (since >= -anticipation)
    if drop > 0:
        gone |= np.abs(since) <= drop
    return np.asarray(~gone)


def torn(t: npt.NDArray[np.int64], t0: int, step: int) -> Bools:
    """The window of `step` days that an event falls into after its first day: it belongs to neither side.

    >>> torn(np.array([0, 7, 14]), 10, 7).tolist()
    [False, True, False]
    """
    return np.asarray((t < t0) & (t + step > t0) & (step > 1))


def event_path(
    series: Daily, t0: int, *, width: int, span: tuple[int, int], rest: Floats, **model: Any
) -> tuple[pl.DataFrame, JointTest | None]:
    """Levels of the windows around an event against the last one before it, and the joint test of those before.

    Windows are `width` days, number 0 begins at t0; with `span` (leads, lags) those before -leads and from lags on are
    taken together as "earlier" and "later", each with a slope of its own. `rest` (T, c) are further columns of the
    design (intercept, days of the week, control). No trend is in this model: a straight trend before the event shows,
    and makes the test reject.
    """
    leads, lags = span
    number = np.floor_divide(series.t - t0, width)
    number = np.clip(number, -leads - 1, lags)
    present = sorted(set(number.tolist()))
    before = [k for k in present if k < 0]
    if not before or before[-1] == present[-1]:
        return pl.DataFrame(schema=PATH), None
    reference = before[-1]
    shown = [k for k in present if k != reference]
    columns = {f"window_{k}": (number == k).astype(np.float64) for k in shown}
    for k, name in ((-leads - 1, "drift_earlier"), (lags, "drift_later")):
        inside = series.t[number == k]
        if k in shown and np.ptp(inside) >= width:
            columns[name] = np.where(number == k, series.t - inside.mean(), 0.0)
    design = np.concatenate([rest, np.stack(list(columns.values()), axis=1)], axis=1)
    names = (*(f"rest_{i}" for i in range(rest.shape[1])), *columns)
    try:
        fit = fit_daily(series, design, names, **model)
    except MeaningError:
        return pl.DataFrame(schema=PATH), None
    rows = []
    for k in present:
        at = series.t[number == k] - t0
        effect = Effect("reference", 0.0, 0.0, np.nan, np.nan, np.nan, 0.0, 0.0)
        effect = effect if k == reference else fit.effect(f"window_{k}")
        part = "earlier" if k < -leads else "later" if k >= lags else "reference" if k == reference else ""
        rows.append((k, int(at.min()), int(at.max()), len(at), effect.estimate, effect.low, effect.high, part))
    leading = [f"window_{k}" for k in before if k != reference] + ["drift_earlier"] * ("drift_earlier" in columns)
    return pl.DataFrame(rows, schema=PATH, orient="row"), _jointly(fit, leading)


def bend_test(series: Daily, t0: int, *, width: int, design: Floats, names: tuple[str, ...], **model: Any) -> Any:
    """Whether the days before t0 leave the straight line that the counterfactual continues: a joint test, or None.

    The days before get Legendre polynomials of degrees 2 and 3 beside the design (T, p) of the study, which are 0 from
    t0 on. None where the days before reach back less than three windows of `width` days.
    """
    before = series.t < t0
    first = int(series.t[before].min())
    if t0 - first < 3 * width:
        return None
    place = np.where(before, 2.0 * (series.t - first) / (t0 - first) - 1.0, 0.0)
    curves = np.stack([np.where(before, eval_legendre(degree, place), 0.0) for degree in _BENDS], axis=1)
    labels = [f"bend_{degree}" for degree in _BENDS]
    try:
        fit = fit_daily(series, np.concatenate([design, curves], axis=1), (*names, *labels), **model)
    except MeaningError:
        return None
    return _jointly(fit, labels)


def placebo_dates(
    series: Daily, t0: int, fit: Fit, *, half_width: int | None = None, out: tuple[int, int] = (0, 0),
    slope: bool = True, weekly: bool = False, lags: int | None = None,
) -> Placebo | None:  # fmt: skip
    """The event's level beside those of all dates before it that have as many days on either side.

    The same model without control, with the variance and correlation of the latent process that `fit` found, on
    2 x `half_width` days around each date, none of them at or after t0 - max(out); `out` (anticipation, drop) are as in
    `around`. Half a width is by default the days after the event, a third of those before it, or 30, whichever is
    least; under 7 (in steps of the series) there is nothing to compare and the answer is None.
    """
    step = series.step
    first, last = int(series.t.min()), int(series.t.max())
    if half_width is None:
        half_width = min(_MOST_HALF * step, last - t0 + step, (t0 - first) // 3) // step * step
    end = t0 - max(out)
    if half_width < _LEAST_HALF * step:
        return None

    def ratio(day: int) -> float:
        near = (series.t >= day - half_width) & (series.t < day + half_width)
        part = series.keep(near & around(series.t, day, *out) & ~torn(series.t, day, step))
        if (part.t < day).sum() < 3 or (part.t >= day).sum() < 3:
            return float("nan")
        by_week = weekly and half_width >= _WEEKLY_HALF
        design, names = interrupted_design(part.t, day, slope=slope, weekly=by_week)
        try:
            return level_ratio(part, design, names, fit, lags)
        except MeaningError:
            return float("nan")

    days = np.arange(first + half_width, end - half_width + 1, step)
    ratios = np.array([ratio(int(day)) for day in days])
    here = ratio(t0)
    known = np.isfinite(ratios)
    if not known.any() or not np.isfinite(here):
        return None
    return Placebo(here, ratios[known], days[known], half_width)


def _jointly(fit: Fit, names: list[str]) -> JointTest | None:
    if not names:
        return None
    rows = np.eye(len(fit.names))[[fit.names.index(name) for name in names]]
    return fit.joint(rows)
