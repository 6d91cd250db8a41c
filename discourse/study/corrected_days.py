"""Corrected shares day by day, and how much of their error days have in common.

A day has too few gold labels to be corrected by itself. Its posts are corrected by the gold of its whole stretch: the
days from one event to the next, on its side. So no label of one side of an event speaks for the other. Errors of those
rates, and authors who write on many days, move all days of a stretch together. That part does not even out over days:
it is taken off the days' own noise, and put back onto every effect (`Line.shift_variance`).

Letters of shapes: T days, P stretches, s sides, j predicted classes, k frames, b replicates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.estimators.bootstrap import replicate_variance
from discourse.estimators.rates import gold_rates
from discourse.estimators.stratified import poststrat
from discourse.impact.daily import Daily, daily
from discourse.measure.methods import Sums
from discourse.measure.tallies import Design, tally
from discourse.measure.timeline import Measure, Plan
from discourse.measure.windows import Calendar, place_in_windows, windows_of
from discourse.schema import UNKNOWN

__all__ = ["Days", "Line", "corrected_days", "line_of", "stretches"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_EDGE = 0.01  # shares are kept so far from 0 and 1 where their logit is linearised
_LEAST = 0.1  # of a window's variance that is its own at least
_TINY = 1e-4  # the least variance of one effective author


@dataclass(frozen=True, eq=False)
class Days:
    """Corrected shares of T windows with what they were made of.

    `values` (1 + b, T, s, k), column 0 the estimate; `counts` (1 + b, T, s, j); `rates` (1 + b, P, s, j, k) of the
    `stretch` (T,) a window belongs to; `n_gold` and `borrowed` (P, s); `n_eff` (T, s); `posts` the posts with their
    window. NaN where a window has no posts.
    """

    windows: tuple[str, ...]
    sides: tuple[str, ...]
    step: int
    stretch: Whole
    values: Floats
    counts: Floats
    rates: Floats
    n_gold: Whole
    borrowed: Bools
    n_eff: Floats
    posts: pl.DataFrame

    def at(self, sides: str) -> tuple[int, ...]:
        """The places of a side, or of two named as "first|second"."""
        return tuple(self.sides.index(side) for side in sides.split("|"))

    def pooled(self, which: Bools, side: int) -> Floats:
        """Shares (1 + b, k) of the windows `which` (T,) of one stretch together, every author-window counting once."""
        stretch = int(self.stretch[which][0])
        return poststrat(self.counts[:, which, side].sum(axis=1), self.rates[:, stretch, side])

    def authors(self, which: Bools, sides: str) -> int:
        """Different authors in the windows `which`; of two sides the smaller number."""
        names = [window for window, on in zip(self.windows, which, strict=True) if on]
        inside = self.posts.filter(pl.col("window").is_in(names))
        return min(inside.filter(pl.col("side") == side)["author_id"].n_unique() for side in sides.split("|"))


@dataclass(frozen=True, eq=False)
class Line:
    """One measure of one side (or of two, "first|second") by day.

    `values` (1 + b, T) with the estimate in row 0; `inverse` (T,) is 1 / effective authors, of two sides the sum;
    `mean` and `unit` (P,) are a stretch's mean and the variance of one effective author; `common` (P, P) is the
    covariance of what the days of a stretch have in common, on the logit scale for shares, else as it is.
    """

    name: str
    side: str
    share: bool
    windows: tuple[str, ...]
    values: Floats
    inverse: Floats
    stretch: Whole
    mean: Floats
    unit: Floats
    common: Floats

    @property
    def known(self) -> Bools:
        """Windows with a value, (T,)."""
        made: Bools = np.isfinite(self.values[0]) & np.isfinite(self.inverse)
        return made

    @property
    def variance(self) -> Floats:
        """The variance of each window's own noise (T,), without what all windows of its stretch have in common."""
        made: Floats = self.unit[self.stretch] * self.inverse
        return made

    def counts(self) -> tuple[Floats, Floats]:
        """Of a share: y of n effective posts a window, both 0 where it has no value."""
        mean = np.clip(self.mean[self.stretch], _EDGE, 1.0 - _EDGE)
        with np.errstate(invalid="ignore", divide="ignore"):
            n = np.where(self.known, mean * (1.0 - mean) / self.variance, 0.0)
        return np.where(self.known, np.clip(self.values[0], 0.0, 1.0), 0.0) * n, n

    def daily(self) -> Daily:
        """The series that the event models read."""
        given: dict[str, Any] = {"t": list(self.windows)}
        if self.share:
            given["y"], given["n"] = self.counts()
        else:
            given["value"] = self.values[0]
            given["variance"] = np.where(self.known, self.variance, np.nan)
        return daily(given)

    def shift_variance(self, before: int, after: int, slopes: tuple[float, float] = (1.0, 1.0)) -> float:
        """The variance of slopes[1] x shift of the stretch `after` - slopes[0] x shift of the stretch `before`."""
        a, b = slopes
        c = self.common
        return max(float(b**2 * c[after, after] + a**2 * c[before, before] - 2.0 * a * b * c[before, after]), 0.0)


def stretches(windows: Sequence[str], events: Sequence[date], step: int) -> Whole:
    """The stretch of each window (T,): how many events began by then. A window that an event cuts is one of its own.

    >>> stretches(["2025-01-06", "2025-01-13", "2025-01-20"], [date(2025, 1, 14)], 7).tolist()
    [0, 1, 2]
    >>> stretches(["2025-01-13", "2025-01-14"], [date(2025, 1, 14)], 1).tolist()
    [0, 1]
    """
    made = []
    for window in windows:
        first = date.fromisoformat(window)
        begun = sum(day <= first for day in events)
        cut = any(first < day < first + timedelta(days=step) for day in events)
        made.append((begun, cut))
    places = {one: i for i, one in enumerate(sorted(set(made)))}
    return np.array([places[one] for one in made], dtype=np.int64)


def corrected_days(observed: pl.DataFrame, plan: Plan, seed: int, events: Sequence[date] | None = None) -> Days:
    """Corrected shares of the plan's windows; with `events`, gold is pooled from each to the next.

    Without `events` (None) every window is a stretch of its own. Gold that the plan pools over a side, or over all,
    stays pooled.
    """
    sides = (*plan.sides, UNKNOWN)
    calendar = Calendar(plan.every, plan.zones)
    begin, end = _period(observed, plan)
    grid = windows_of(calendar, sides, begin, end).filter(pl.col("side") == sides[0])
    windows = tuple(grid["window"])
    posts = place_in_windows(observed, calendar)
    tallies = tally(posts, Design(windows, sides, plan.weight, plan.replicates, seed))
    t, s = len(windows), len(sides)
    step = {"1d": 1, "1w": 7}.get(plan.every, 1)
    stretch = np.arange(t) if events is None else stretches(windows, events, step)
    sums = Sums.of(tallies)
    rates = gold_rates(np.moveaxis(_by_stretch(sums.gold, stretch, 1), 0, -1), plan.gold_within, seed)
    labels = _by_stretch(tallies.n_gold.reshape(t, s, -1), stretch, 0)
    posted = _by_stretch(sums.counts[0], stretch, 0)
    if plan.gold_within != "window":
        axes = (0,) if plan.gold_within == "side" else (0, 1)
        labels = np.broadcast_to(labels.sum(axis=axes, keepdims=True), labels.shape)
    return Days(
        windows, sides, step, stretch, poststrat(sums.counts, rates[:, stretch]), sums.counts, rates,
        labels.sum(axis=-1), ((labels == 0) & (posted > 0)).any(axis=-1), tallies.n_eff().reshape(t, s),
        posts.select("author_id", "side", "window", "predicted"),
    )  # fmt: skip


def line_of(days: Days, measure: Measure, name: str, side: str) -> Line:
    """One measure of one side, or of two ("first|second") for a measure between them."""
    at = days.at(side)
    values = np.asarray(measure.of(*(days.values[:, :, s] for s in at)), dtype=np.float64)
    with np.errstate(divide="ignore"):
        inverse = np.where(days.n_eff[:, list(at)] > 0, 1.0 / days.n_eff[:, list(at)], np.nan).sum(axis=1)
    share = name not in ("net-tone", "net-tone-gap")
    known = np.isfinite(values[0]) & np.isfinite(inverse)
    own = [known & (days.stretch == p) for p in range(int(days.stretch.max()) + 1)]
    noise, common = _apart(np.nan_to_num(np.where(known, values[1:] - values[:1], 0.0)), own)
    weight = np.array([inverse[one].sum() for one in own])
    mean = np.array([values[0][one].mean() if one.any() else np.nan for one in own])
    unit = np.divide(np.maximum(noise, _TINY * weight), weight, out=np.full(len(own), np.nan), where=weight > 0)
    inside = np.clip(np.nan_to_num(mean, nan=0.5), _EDGE, 1.0 - _EDGE)
    scale = 1.0 / (inside * (1.0 - inside)) if share else np.ones(len(own))
    return Line(
        name, side, share, days.windows, values, inverse, days.stretch, mean, unit, common * np.outer(scale, scale)
    )


def _apart(off: Floats, own: list[Bools]) -> tuple[Floats, Floats]:
    """What replicates say (b, T) taken apart: the sum of the windows' own variances (P,), what they share (P, P).

    Of n windows, the variance of their sum less the sum of their variances is n (n - 1) times what any two share.
    """
    n = np.array([one.sum() for one in own], dtype=np.float64)
    spread = replicate_variance(off.T)
    noise = np.array([spread[one].sum() for one in own])
    sums = np.stack([off[:, one].sum(axis=1) for one in own])
    pairs = np.outer(n, n) - np.diag(n)
    common = np.divide(np.atleast_2d(np.cov(sums)) - np.diag(noise), pairs, out=np.zeros_like(pairs), where=pairs > 0)
    shared = np.maximum(np.diagonal(common), 0.0)
    np.fill_diagonal(common, shared)
    return np.maximum(noise - n * shared, _LEAST * noise), common


def _by_stretch(array: npt.NDArray[Any], stretch: Whole, axis: int) -> npt.NDArray[Any]:
    """Sums over the windows (on `axis`) of each stretch."""
    if stretch.max() + 1 == len(stretch):
        return array
    parts = [np.compress(stretch == p, array, axis=axis).sum(axis=axis) for p in range(int(stretch.max()) + 1)]
    return np.stack(parts, axis=axis)


def _period(observed: pl.DataFrame, plan: Plan) -> tuple[datetime, datetime]:
    first: Any = observed["created_at"].min()
    last: Any = observed["created_at"].max()
    return plan.begin or first, plan.end or last + timedelta(microseconds=1)
