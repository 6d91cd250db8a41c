"""What an event did to a series: the change of level and of slope on its day, and what speaks for believing it.

Choose the day from a list of incidents before looking at the series. Formulas, sources, error rates and rules for
reading stand in `docs/events.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import logit

from discourse.errors import MeaningError, UsageError
from discourse.impact.contrasts import window_contrast
from discourse.impact.daily import Daily, daily, days_of
from discourse.impact.effects import Effect, Fit, JointTest
from discourse.impact.event_checks import Placebo, around, bend_test, event_path, placebo_dates, torn
from discourse.impact.interrupted import MODELS, fit_daily, interrupted_design, share_effect
from discourse.schema import one_of

__all__ = ["EventPlan", "EventStudy", "event_study", "prepared", "window_contrast"]

Floats = npt.NDArray[np.float64]
_WEEKLY_FROM = 56
_LEAST_DAYS = 3


@dataclass(frozen=True)
class EventPlan:
    """How an event is looked at. Fix it before looking.

    `weekly`: days of the week in the model (by default in daily series of 8 weeks and more). `slope`: whether the slope
    may change too. `anticipation`: days before the event that are left out, since talk may run ahead of it. `drop`: the
    days up to so many from the event are left out too (1 where timestamps mix UTC and local time). `before`, `after`:
    days that are looked at, by default all. `width`, `leads`, `lags`: windows of the path around the event (7 days, or
    4 steps of a longer window). `half_width`: days on each side of a placebo date.

    >>> EventPlan(drop=1).slope
    True
    """

    weekly: bool | None = None
    slope: bool = True
    anticipation: int = 0
    drop: int = 0
    before: int | None = None
    after: int | None = None
    width: int | None = None
    leads: int = 4
    lags: int = 4
    half_width: int | None = None

    def __post_init__(self) -> None:
        for name in ("anticipation", "drop"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be a number of days from 0")
        for name in ("before", "after", "width", "leads", "lags", "half_width"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value}; it must be at least 1")


@dataclass(frozen=True, eq=False)
class EventStudy:
    """What was found about one event.

    `level` and `slope` are the changes on the scale of the model (log odds, log odds a day); `level_share` is the
    change of the share at t0 on an average day of the week, `mean_share` that over all days from t0 on, slope included,
    both against the line that the days before continue. `pretrend` tests whether the windows before the event differ
    among themselves, `bend` whether they leave a straight line; `path` (a table) are the windows around the event,
    `placebo` the event among dates without one. `fit` is the whole model.
    """

    t0: int
    level: Effect
    slope: Effect | None
    level_share: Effect
    mean_share: Effect
    fit: Fit
    plan: EventPlan
    path: pl.DataFrame = field(repr=False)
    pretrend: JointTest | None = None
    bend: JointTest | None = None
    placebo: Placebo | None = None
    flags: tuple[str, ...] = ()
    dated: bool = False

    @property
    def when(self) -> str:
        """The day of the event as it was given: its number, or its date."""
        return date.fromordinal(self.t0).isoformat() if self.dated else str(self.t0)

    @property
    def beta(self) -> Floats:
        """Coefficients of the model (p,), in the order of `fit.names`."""
        return self.fit.beta

    @property
    def se(self) -> Floats:
        """Their standard errors (p,)."""
        return self.fit.se

    @property
    def df(self) -> Floats:
        """Their degrees of freedom (p,)."""
        return self.fit.df

    @property
    def p(self) -> float:
        """Two-sided p value of the change of level."""
        return self.level.p

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of the change of level on the scale of the model."""
        return self.level.interval

    @property
    def sigma2(self) -> float:
        """Variance of the latent process; NaN in models without one."""
        return self.fit.sigma2

    @property
    def phi(self) -> float:
        """Correlation of the latent process from day to day; NaN in models without one."""
        return self.fit.phi

    @property
    def n_days(self) -> int:
        """Days with posts that the model rests on."""
        return self.fit.n_days

    @property
    def empty_days(self) -> int:
        """Days (or windows) without posts between the first and the last of the series."""
        return self.fit.empty_days

    def __repr__(self) -> str:
        lines = [f"event at {self.when}, model {self.fit.model}, {self.n_days} days with posts", f"  {self.level!r}"]
        lines += [f"  {self.slope!r} a day"] * (self.slope is not None)
        lines += [f"  {self.level_share!r}", f"  {self.mean_share!r}"]
        lines += [f"  before the event, any change: {self.pretrend!r}"] * (self.pretrend is not None)
        lines += [f"  before the event, off a straight line: {self.bend!r}"] * (self.bend is not None)
        lines += [f"  {self.placebo!r}"] * (self.placebo is not None)
        lines += [f"  flags {' '.join(self.flags)}"] * bool(self.flags)
        return "\n".join(lines)


def event_study(
    series: Any,
    t0: Any,
    model: str = "binomial_ar1",
    control: Any = None,
    placebo: bool = True,
    *,
    plan: EventPlan | None = None,
    lags: int | None = None,
    level: float = 0.95,
) -> EventStudy:
    """The change of level and slope of a series at `t0`.

    `series` is anything that `daily` reads: counts (y, n) or (t, y, n), estimates with variances, rows of one measure
    and side of the series table. `t0` is a day number, or a date where the days are dates. `model`: "binomial_ar1" (the
    default; for estimates with variances its general form), "beta_binomial", "quasibinomial", "ols_hac" (on shares),
    "binomial". `control`, another series that the event cannot have reached, stands in the model as a regressor: one
    value a row of `series`, or anything that `daily` reads. `lags` are those of the HAC errors of "ols_hac" and, when
    given, of "binomial".

    Flags: `event_window_dropped` (the window of more than a day in which the event falls), `days_without_control`,
    `few_days_after` (under 14 steps), `no_pretrend_test`, `no_placebo`, `separated`, `no_overdispersion`,
    `not_converged`. Raises `MeaningError` where fewer than 3 days with posts lie on a side of the event.

    >>> rng = np.random.default_rng(5)
    >>> n = np.full(120, 80)
    >>> y = rng.binomial(n, np.where(np.arange(120) < 90, 0.30, 0.45))
    >>> made = event_study((y, n), 90)
    >>> made.level.low < 0.647 < made.level.high, made.level_share.low < 0.15 < made.level_share.high
    (True, True)
    """
    one_of(model, MODELS, "model")
    plan = plan or EventPlan()
    whole = daily(series)
    at = whole.at(t0)
    values = None if control is None else _control(control, series, whole)
    part, regressor, flags = prepared(whole, at, plan, values)
    weekly = _by_week(part, plan)
    design, names = interrupted_design(part.t, at, slope=plan.slope, weekly=weekly, control=regressor)
    fitting: dict[str, Any] = {"model": model, "lags": lags, "level": level}
    fit = fit_daily(part, design, names, **fitting)
    shares = _share_effects(fit, design)
    width = plan.width or (7 if part.step == 1 else 4 * part.step)
    rest = design[:, [i for i, name in enumerate(names) if name not in ("trend", "level", "slope")]]
    path, pretrend = event_path(part, at, width=width, span=(plan.leads, plan.lags), rest=rest, **fitting)
    bend = bend_test(part, at, width=width, design=design, names=names, **fitting)
    found = None
    if placebo:
        near = whole.keep(_within(whole, at, plan))
        out = (plan.anticipation, plan.drop)
        found = placebo_dates(near, at, fit, half_width=plan.half_width, out=out, slope=plan.slope, weekly=weekly,
                              lags=lags)  # fmt: skip
    told = {
        "few_days_after": int((part.t >= at).sum()) < 14,
        "no_pretrend_test": pretrend is None,
        "no_placebo": placebo and found is None,
    }
    return EventStudy(
        at, fit.effect("level"), fit.effect("slope") if plan.slope else None, *shares, fit, plan, path,
        pretrend, bend, found, (*flags, *fit.flags, *(name for name, on in told.items() if on)),
        whole.dated,
    )  # fmt: skip


def prepared(
    whole: Daily, t0: int, plan: EventPlan, control: Floats | None = None
) -> tuple[Daily, Floats | None, tuple[str, ...]]:
    """The days that a plan looks at, the control on them, and flags. Raises `MeaningError` where they are too few."""
    inside = _within(whole, t0, plan) & around(whole.t, t0, plan.anticipation, plan.drop)
    split = torn(whole.t, t0, whole.step)
    bare = np.zeros(len(whole.t), dtype=bool) if control is None else ~np.isfinite(control)
    flags = ("event_window_dropped",) * bool((split & inside).any())
    flags += ("days_without_control",) * bool((bare & inside).any())
    kept = inside & ~split & ~bare
    part = whole.keep(kept)
    earlier, later = int((part.t < t0).sum()), int((part.t >= t0).sum())
    if min(earlier, later) < _LEAST_DAYS:
        raise MeaningError(
            f"the series has {earlier} days with posts before the event and {later} from it on; "
            f"each side needs {_LEAST_DAYS} or more"
        )
    return part, None if control is None else control[kept], flags


def _within(whole: Daily, t0: int, plan: EventPlan) -> npt.NDArray[np.bool_]:
    """The days that a plan reaches."""
    inside = np.ones(len(whole.t), dtype=bool)
    if plan.before is not None:
        inside &= whole.t >= t0 - plan.before
    if plan.after is not None:
        inside &= whole.t < t0 + plan.after
    return inside


def _by_week(part: Daily, plan: EventPlan) -> bool:
    if plan.weekly and part.step != 1:
        raise UsageError(f"the series has windows of {part.step} days; days of the week need a daily series")
    if plan.weekly is not None:
        return plan.weekly
    return part.step == 1 and int(part.t[-1] - part.t[0]) + 1 >= _WEEKLY_FROM


def _control(control: Any, series: Any, whole: Daily) -> Floats:
    """The control on the days of the series, on the logit scale for counts and shares; NaN where it has no value."""
    if isinstance(control, np.ndarray | list | pl.Series) and np.ndim(control) == 1:
        values = np.asarray(control, dtype=np.float64)
        days = whole.t if isinstance(series, Daily) else days_of(series)
        if len(values) != len(days):
            raise UsageError(f"the control has {len(values)} values and the series {len(days)} rows; give one a row")
        by_day = dict(zip(days.tolist(), values.tolist(), strict=True))
    else:
        other = daily(control)
        values = np.asarray(logit((other.y + 0.5) / (other.n + 1.0)) if other.y is not None and other.n is not None
                            else other.z, dtype=np.float64)  # fmt: skip
        by_day = dict(zip(other.t.tolist(), values.tolist(), strict=True))
    return np.array([by_day.get(day, np.nan) for day in whole.t.tolist()])


def _share_effects(fit: Fit, design: Floats) -> tuple[Effect, Effect]:
    """The effect on the share at t0, on an average day of the week, and its mean over the days from t0 on."""
    level = fit.names.index("level")
    moved = [i for i, name in enumerate(fit.names) if name in ("level", "slope")]
    there = np.zeros((1, len(fit.names)))
    there[0, fit.names.index("intercept")] = 1.0
    here = there.copy()
    here[0, level] = 1.0
    after = design[design[:, level] == 1.0]
    without = after.copy()
    without[:, moved] = 0.0
    return share_effect(fit, here, there, "level, share"), share_effect(fit, after, without, "mean, share")
