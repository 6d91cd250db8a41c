"""A series by day: counts, or corrected estimates with their variances, in the form that the event models read.

Days are whole numbers or dates. A day without posts is absent: it says nothing, but the distance between its neighbours
stays what the calendar says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit, logit
from scipy.stats import norm

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.estimators.bootstrap import replicate_variance
from discourse.estimators.estimate import Estimate

__all__ = ["Daily", "daily", "days_of", "logit_gap", "logit_with_variance"]

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_TIMES = ("t", "day", "date", "window")
_KINDS = (("y", "n"), ("z", "v"), ("share", "variance"), ("value", "variance"), ("estimate", "low", "high"))
_ONE_SERIES = ("measure", "side", "method", "weight")


@dataclass(frozen=True, eq=False)
class Daily:
    """T days that say something, in order of time.

    `t` (T,) are day numbers; with `dated` they are proleptic ordinals of dates. Either `y` of `n` posts (or authors)
    are of the kind that is counted, whole or weighted; or `z` (T,) are estimates with variances `v`, on the logit scale
    (`link` "logit") or as they are ("identity"). `step` is the length of a window in days, `empty` how many windows
    between the first and the last are absent.
    """

    t: Days
    y: Floats | None = None
    n: Floats | None = None
    z: Floats | None = None
    v: Floats | None = None
    link: str = "logit"
    dated: bool = False
    step: int = 1
    empty: int = 0
    flags: tuple[str, ...] = ()

    @property
    def shares(self) -> Floats:
        """y / n, or the estimates on their own scale; shape (T,)."""
        if self.y is not None and self.n is not None:
            return self.y / self.n
        if self.z is None:
            raise UsageError("this series holds neither counts nor estimates; make it with daily()")
        made: Floats = expit(self.z) if self.link == "logit" else self.z
        return made

    def at(self, when: Any) -> int:
        """The day number of a day number, a date or an ISO date.

        >>> daily({"t": ["2025-01-06", "2025-01-07"], "y": [1, 2], "n": [4, 4]}).at("2025-01-07")
        739258
        """
        if self.dated == isinstance(when, int | np.integer):
            wanted = "a date like '2025-01-07'" if self.dated else "a whole number"
            raise UsageError(f"the day is {when!r}; in this series days are given as {wanted}")
        return int(when) if not self.dated else _ordinal(when)

    def keep(self, which: Bools | Days) -> Daily:
        """The days where `which` (T,) is true, or that it counts off. `empty` and `step` stay as they are."""

        def part(values: Floats | None) -> Floats | None:
            return None if values is None else values[which]

        return replace(self, t=self.t[which], y=part(self.y), n=part(self.n), z=part(self.z), v=part(self.v))


def daily(series: Any, deff: npt.ArrayLike | None = None) -> Daily:
    """A `Daily` from plain arrays or a table.

    `series` is (y, n) or (t, y, n); or a mapping or frame with the columns y and n, or z and v (logit scale), or share
    and variance, or value and variance (any scale, taken as it is), each with t (or day, date, window) beside it; or
    rows of one measure and side of the series table with windows of a day or a week; or an `Estimate` of T shares. Rows
    may come in any order; without t they are days 0, 1, ... `deff` (one number or one a day) is the bootstrap variance
    of the share over its binomial variance: counts are divided by it, so that posts of one author count for what they
    are worth.

    Raises `UsageError` for arrays that do not fit, `SchemaError` for a table without the columns, `MeaningError` for a
    day that stands twice or for counts that cannot be.

    >>> made = daily(([3, 0, 2], [10, 0, 8]))
    >>> made.t.tolist(), made.empty
    ([0, 2], 1)
    """
    if isinstance(series, Daily):
        if deff is not None:
            raise UsageError("deff was given for a series that is made already; give it to daily()")
        return series
    if isinstance(series, Estimate):
        series = {"share": np.atleast_1d(series.value), "variance": np.atleast_1d(series.se) ** 2}
    given = _columns(series)
    time, dated = _days(given)
    if "y" in given:
        return _from_counts(time, dated, given, deff)
    if deff is not None:
        raise UsageError("deff is for counts; the variances of estimates hold it already")
    return _from_estimates(time, dated, given)


def days_of(series: Any) -> Days:
    """The day numbers of all rows that were given, in their order, days without posts included.

    >>> days_of(([5, 3], [1, 0], [4, 0])).tolist()
    [5, 3]
    """
    return _days(_columns(series))[0]


def logit_with_variance(
    share: npt.ArrayLike, variance: npt.ArrayLike, n_eff: npt.ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Shares (T,) and their variances on the logit scale: z = logit p, v = variance / (p (1 - p))^2 (delta method).

    A share at, beyond or within 1 / (2 (n + 1)) of 0 or 1 has no usable logit: it is moved to that distance, and its
    variance is at least p (1 - p) / n. n is `n_eff`, else p (1 - p) / variance, else (where that is 0) the median of
    the other days. NaN stays NaN.

    >>> z, v = logit_with_variance([0.5, 0.2], [0.0025, 0.0016])
    >>> z.round(4).tolist(), v.round(4).tolist()
    ([0.0, -1.3863], [0.04, 0.0625])
    """
    p, var = np.asarray(share, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    if p.shape != var.shape:
        raise UsageError(f"share has the shape {p.shape} and variance {var.shape}; give one variance a share")
    inside = (p > 0.0) & (p < 1.0) & (var > 0.0)
    size = np.full(p.shape, np.nan)
    np.divide(p * (1.0 - p), var, out=size, where=inside)
    if n_eff is not None:
        size = np.broadcast_to(np.asarray(n_eff, dtype=np.float64), p.shape)
    elif np.isfinite(size).any():
        size = np.where(np.isfinite(size), size, np.nanmedian(size))
    edge = 0.5 / (np.maximum(np.nan_to_num(size, nan=1.0), 1e-9) + 1.0)
    moved = np.clip(p, edge, 1.0 - edge)
    spread = moved * (1.0 - moved)
    least = np.where(moved == p, 0.0, spread / np.maximum(np.nan_to_num(size, nan=1.0), 1e-9))
    return np.asarray(logit(moved), dtype=np.float64), np.asarray(np.maximum(var, least) / spread**2, dtype=np.float64)


def logit_gap(first: npt.ArrayLike, second: npt.ArrayLike, t: Any = None) -> Daily:
    """The gap between two sides as a series: logit(first) - logit(second), from shares with replicates (T, 1 + b).

    Both must come from one bootstrap. The variance is that of the replicates' difference on the logit scale (delta
    method), which is the sum of both variances less twice their covariance. A day on which a side has no share is
    absent.

    >>> one, other = np.array([[0.5, 0.4, 0.6]]), np.array([[0.5, 0.6, 0.4]])
    >>> logit_gap(one, other).v.round(4).tolist(), logit_gap(one, one + [[0, 0.1, -0.1]]).v.round(4).tolist()
    ([1.28], [0.32])
    """
    sides = [np.asarray(one, dtype=np.float64) for one in (first, second)]
    if sides[0].ndim != 2 or sides[0].shape != sides[1].shape or sides[0].shape[1] < 3:
        raise UsageError(
            f"the sides have the shapes {sides[0].shape} and {sides[1].shape}; both must be (days, 1 + replicates)"
        )
    z, moved = [], []
    for side in sides:
        at, wide = logit_with_variance(side[:, 0], replicate_variance(side[:, 1:]))
        z.append(at)
        # What a replicate departs from the share, on the logit scale, with the variance that the share's logit has.
        scale = np.sqrt(wide / np.maximum(replicate_variance(side[:, 1:]), 1e-300))
        moved.append((side[:, 1:] - side[:, :1]) * scale[:, None])
    given = {"z": z[0] - z[1], "v": replicate_variance(moved[0] - moved[1])}
    return daily(given if t is None else given | {"t": t})


def _columns(series: Any) -> dict[str, Any]:
    """The columns of whatever was given, by name."""
    if hasattr(series, "columns") and hasattr(series, "to_dict"):
        series = {str(name): list(series[name]) for name in series.columns}
    if isinstance(series, Mapping):
        return _named(series)
    if isinstance(series, np.ndarray) and series.ndim != 2:
        raise UsageError(f"the series has the shape {series.shape}; give (y, n) or (t, y, n), one array each")
    if isinstance(series, Sequence | np.ndarray) and len(series) in (2, 3):
        return dict(zip(("t", "y", "n")[-len(series) :], series, strict=True))
    raise UsageError("the series must be (y, n), (t, y, n), or a table with such columns")


def _named(table: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that matter of a mapping, those of one measure and side when it is a series table."""
    kind = next((names for names in _KINDS if set(names) <= set(table)), None)
    if kind is None:
        raise SchemaError(
            f"the series has the columns {', '.join(table)}; it needs y and n, or z and v, or share and variance, "
            "or value and variance"
        )
    for name in _ONE_SERIES:
        if kind[0] == "estimate" and len(set(table.get(name, ()))) > 1:
            raise MeaningError(f"the series holds more than one {name}; filter it to one")
    time = next((name for name in _TIMES if name in table), None)
    made = {name: table[name] for name in kind} | ({"t": table[time]} if time else {})
    if kind[0] == "estimate":
        made["identity"] = not all(str(one).startswith("Prevalence(") for one in set(table.get("measure", ())))
    if "n_eff" in table:
        made["n_eff"] = table["n_eff"]
    return made


def _days(given: dict[str, Any]) -> tuple[Days, bool]:
    """Day numbers of all rows, and whether they are dates."""
    length = len(next(value for name, value in given.items() if name not in ("identity", "t")))
    if "t" not in given:
        return np.arange(length), False
    values = given["t"]
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        values = values.astype("datetime64[D]").tolist()
    values = list(values)
    if len(values) != length:
        raise UsageError(f"the series has {len(values)} days and {length} values; give one day a value")
    if any(isinstance(one, date | str) for one in values):
        return np.array([_ordinal(one) for one in values], dtype=np.int64), True
    made = np.asarray(values, dtype=np.float64)
    if not np.isfinite(made).all() or (made != np.round(made)).any():
        raise UsageError("the days of a series must be whole numbers or dates")
    return made.astype(np.int64), False


def _ordinal(when: Any) -> int:
    if isinstance(when, datetime):
        return when.date().toordinal()
    if isinstance(when, date):
        return when.toordinal()
    try:
        return date.fromisoformat(str(when)).toordinal()
    except ValueError:
        raise UsageError(f"{when!r} is no date; write it as 2025-01-07 (windows of a day or a week)") from None


def _numbers(given: dict[str, Any], name: str, length: int) -> Floats:
    made = np.asarray(pl.Series(list(given[name]), dtype=pl.Float64, strict=False).to_numpy(), dtype=np.float64)
    if made.shape != (length,):
        raise UsageError(f"{name} has {made.size} values for {length} days; give one a day")
    return made


def _from_counts(time: Days, dated: bool, given: dict[str, Any], deff: npt.ArrayLike | None) -> Daily:
    y, n = _numbers(given, "y", len(time)), _numbers(given, "n", len(time))
    if not (np.isfinite(y) & np.isfinite(n)).all():
        raise MeaningError("a day of the series has no count; give 0 of 0 for a day without posts")
    if (n < 0).any() or (y < 0).any() or (y > n * (1.0 + 1e-9)).any():
        raise MeaningError("on some day y is under 0 or above n; y counts those of the n posts that are of the kind")
    worth = np.ones(len(time)) if deff is None else np.broadcast_to(np.asarray(deff, dtype=np.float64), time.shape)
    if not (worth[n > 0] > 0).all():
        raise UsageError("deff must be above 0: the bootstrap variance of the share over its binomial variance")
    worth = np.where(n > 0, worth, 1.0)
    return _placed(time, n > 0, Daily(time, y=np.minimum(y, n) / worth, n=n / worth, dated=dated))


def _from_estimates(time: Days, dated: bool, given: dict[str, Any]) -> Daily:
    length, identity = len(time), bool(given.get("identity", "value" in given))
    if "z" in given:
        z, v = _numbers(given, "z", length), _numbers(given, "v", length)
        return _placed(time, np.isfinite(z) & np.isfinite(v), Daily(time, z=z, v=v, dated=dated))
    name = next(one for one in ("share", "value", "estimate") if one in given)
    value = _numbers(given, name, length)
    if name == "estimate":
        reach = _numbers(given, "high", length) - _numbers(given, "low", length)
        variance = (reach / (2.0 * float(norm.ppf(0.975)))) ** 2
    else:
        variance = _numbers(given, "variance", length)
    known = np.isfinite(value) & np.isfinite(variance)
    if identity:
        return _placed(time, known, Daily(time, z=value, v=variance, link="identity", dated=dated))
    if ((value < -0.5) | (value > 1.5)).any():
        raise MeaningError("some shares lie far outside 0 to 1; name the column value if it holds no shares")
    size = _numbers(given, "n_eff", length) if "n_eff" in given else None
    z, v = logit_with_variance(value, variance, None if size is None else np.where(size > 0, size, np.nan))
    return _placed(time, known, Daily(time, z=z, v=v, dated=dated))


def _placed(time: Days, known: Bools, made: Daily) -> Daily:
    """The days that say something, in order, with the step of the calendar and the number of empty windows."""
    if len(set(time.tolist())) != len(time):
        raise MeaningError("a day stands more than once in the series; add its counts up first")
    if made.v is not None and (made.v[known] <= 0).any():
        raise MeaningError("some variances of the series are 0 or less; an estimate without variance cannot be weighed")
    if not known.any():
        raise MeaningError("no day of the series has posts")
    order = np.argsort(time, kind="stable")
    gaps = np.diff(time[order])
    step = math.gcd(*gaps.tolist()) if len(gaps) else 1
    inside = made.keep(order[known[order]])
    span = int(time.max() - time.min()) // max(step, 1) + 1
    return replace(inside, step=max(step, 1), empty=span - int(known.sum()))
