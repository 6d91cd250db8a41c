"""Several events in one series: one study each, p values that know how many there were, and one effect of them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import MeaningError, UsageError
from discourse.impact.daily import Daily, daily
from discourse.impact.effects import Effect, Fit, JointTest, benjamini_hochberg, holm
from discourse.impact.event_checks import around, torn
from discourse.impact.events import EventPlan, EventStudy, event_study
from discourse.impact.interrupted import fit_daily, interrupted_design, share_effect
from discourse.schema import as_polars

__all__ = ["EventStudies", "Pooled", "event_studies", "pooled_effect"]

Floats = npt.NDArray[np.float64]
_LEAST_DAYS = 3

TABLE = {
    "event": pl.String, "day": pl.Int64, "when": pl.String, "estimate": pl.Float64, "se": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "p": pl.Float64, "p_holm": pl.Float64, "p_bh": pl.Float64, "share": pl.Float64,
    "share_low": pl.Float64, "share_high": pl.Float64, "p_pretrend": pl.Float64, "p_placebo": pl.Float64,
    "n_days": pl.Int64, "flags": pl.String,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pooled:
    """One effect of several events: the common change of level, on the model's scale and on the share, and `differ`.

    `differ` tests that the events have one and the same change of level; where it rejects, the common one is an average
    of different things. `events` are those that took part.
    """

    level: Effect
    level_share: Effect
    differ: JointTest | None
    events: tuple[str, ...]
    fit: Fit = field(repr=False)


@dataclass(frozen=True, eq=False)
class EventStudies:
    """Studies by the name of the event, a `table` with one row an event, and the pooled effect (None for one event)."""

    studies: Mapping[str, EventStudy]
    table: pl.DataFrame
    pooled: Pooled | None = None

    def __getitem__(self, name: str) -> EventStudy:
        return self.studies[name]


def event_studies(
    series: Any,
    events: Any,
    model: str = "binomial_ar1",
    control: Any = None,
    placebo: bool = True,
    *,
    plan: EventPlan | None = None,
    level: float = 0.95,
) -> EventStudies:
    """A study of each event, with p values adjusted by Holm and by Benjamini and Hochberg, and the pooled effect.

    `events` maps names to days, or is an events table (event_id, start). Each event is looked at from the one before to
    the one after, so that no other event falls into its days. An event with fewer than 3 days with posts on a side
    keeps its row, without numbers and with the flag `too_few_days`; it does not count among the tests.

    >>> rng = np.random.default_rng(3)
    >>> n = np.full(150, 100)
    >>> y = rng.binomial(n, np.where(np.arange(150) < 100, 0.3, 0.45))
    >>> made = event_studies((y, n), {"nothing": 50, "step": 100}, placebo=False)
    >>> made.table["event"].to_list(), [bool(p < 0.01) for p in made.table["p_holm"]]
    (['nothing', 'step'], [False, True])
    """
    plan = plan or EventPlan()
    whole = daily(series)
    days = _dated(events, whole)
    studies: dict[str, EventStudy] = {}
    rows = []
    for name, day in days.items():
        own = _between_neighbours(plan, day, sorted(set(days.values())))
        try:
            made = event_study(
                series, day if not whole.dated else _as_date(day), model, control, placebo, plan=own, level=level
            )
        except MeaningError:
            when = _as_date(day).isoformat() if whole.dated else str(day)
            rows.append({"event": name, "day": day, "when": when, "flags": "too_few_days"})
            continue
        studies[name] = made
        rows.append(_row(name, made))
    table = pl.DataFrame(rows, schema=TABLE, orient="row")
    p = table["p"].to_numpy()
    table = table.with_columns(
        p_holm=pl.Series(holm(p), dtype=pl.Float64).fill_nan(None),
        p_bh=pl.Series(benjamini_hochberg(p), dtype=pl.Float64).fill_nan(None),
    ).select(list(TABLE))
    together = pooled_effect(whole, {name: days[name] for name in studies}, model, plan=plan, level=level)
    return EventStudies(studies, table, together)


def pooled_effect(
    series: Any, events: Mapping[str, Any], model: str = "binomial_ar1", *, plan: EventPlan | None = None,
    level: float = 0.95,
) -> Pooled | None:  # fmt: skip
    """The common change of level of several events: their days stacked, each with a level and a trend of its own.

    Days between two events belong to the nearer one, so that none counts twice; the latent process runs through all of
    them. Fewer than two events with 3 days on each side give None.

    >>> rng = np.random.default_rng(4)
    >>> n = np.full(180, 100)
    >>> y = rng.binomial(n, 0.3 + 0.1 * (np.arange(180) % 60 >= 30))
    >>> made = pooled_effect((y, n), {"a": 30, "b": 90, "c": 150})
    >>> made.level.low < 0.4418 < made.level.high                 # log(0.4 / 0.6) - log(0.3 / 0.7)
    True
    """
    plan = plan or EventPlan()
    whole = daily(series)
    days = {name: whole.at(day) if not isinstance(day, int | np.integer) else int(day) for name, day in events.items()}
    if len(set(days.values())) < len(days):
        raise UsageError("two events fall on one day; the series cannot tell them apart, keep one")
    kept, owner = _stack(whole, days, plan)
    if len(kept) < 2:
        return None
    part = whole.keep(owner >= 0)
    owner = owner[owner >= 0]
    weekly = plan.weekly if plan.weekly is not None else part.step == 1 and len(part.t) >= 56
    design, names, own_levels = _stacked_design(part, owner, [days[name] for name in kept], plan.slope, weekly)
    fit = fit_daily(part, design, names, model=model, level=level)
    apart = np.concatenate([design[:, [i for i, one in enumerate(names) if one != "level"]], own_levels], axis=1)
    labels = (*(one for one in names if one != "level"), *(f"level_{i}" for i in range(len(kept))))
    separate = fit_daily(part, apart, labels, model=model, level=level)
    rows = np.eye(len(labels))[-len(kept) :]
    return Pooled(fit.effect("level"), _pooled_share(fit, len(kept)), separate.joint(rows[1:] - rows[0]), kept, fit)


def _pooled_share(fit: Fit, events: int) -> Effect:
    """The effect on the share at the event, averaged over the events' own levels."""
    without = np.eye(len(fit.names))[:events]
    with_event = without.copy()
    with_event[:, fit.names.index("level")] = 1.0
    return share_effect(fit, with_event, without, "level, share")


def _stack(whole: Daily, days: Mapping[str, int], plan: EventPlan) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The events that have days on both sides, and whose day each day is (-1: nobody's)."""
    names = sorted(days, key=lambda name: (days[name], name))
    while names:
        at = np.array([days[name] for name in names])
        distance = np.abs(whole.t[:, None] - at[None, :])
        owner = distance.argmin(axis=1).astype(np.int64)
        since = whole.t - at[owner]
        kept = np.ones(len(whole.t), dtype=bool)
        for k, day in enumerate(at.tolist()):
            gone = ~around(whole.t, day, plan.anticipation, plan.drop) | torn(whole.t, day, whole.step)
            kept &= ~gone | (owner != k)
        kept &= since >= -(plan.before or len(whole.t) + abs(since).max() + 1)
        kept &= since < (plan.after or abs(since).max() + 1)
        owner = np.where(kept, owner, -1)
        thin = [
            name
            for k, name in enumerate(names)
            if min(((owner == k) & (since < 0)).sum(), ((owner == k) & (since >= 0)).sum()) < _LEAST_DAYS
        ]
        if not thin:
            return tuple(names), owner
        names = [name for name in names if name not in thin]
    return (), np.full(len(whole.t), -1)


def _stacked_design(
    part: Daily, owner: npt.NDArray[np.int64], at: list[int], slope: bool, weekly: bool
) -> tuple[Floats, tuple[str, ...], Floats]:
    """Design of the stack: own levels and trends first, then the common effect; and the events' own steps (T, e)."""
    day = np.array(at)[owner]
    mine = owner[:, None] == np.arange(len(at))[None, :]
    since = (part.t - day).astype(np.float64)
    step = (since >= 0).astype(np.float64)
    columns = [mine.astype(np.float64), mine * since[:, None], step[:, None]]
    names = [f"intercept_{k}" for k in range(len(at))] + [f"trend_{k}" for k in range(len(at))] + ["level"]
    if slope:
        columns.append(np.maximum(since, 0.0)[:, None])
        names.append("slope")
    if weekly:
        whole, labels = interrupted_design(part.t, int(part.t[0]), slope=False, weekly=True)
        columns.append(whole[:, 3:])
        names += labels[3:]
    return np.concatenate(columns, axis=1), tuple(names), mine * step[:, None]


def _between_neighbours(plan: EventPlan, day: int, days: list[int]) -> EventPlan:
    """The plan with no more days than lie between the events before and after."""
    before = [day - other for other in days if other < day] + ([] if plan.before is None else [plan.before])
    after = [other - day for other in days if other > day] + ([] if plan.after is None else [plan.after])
    return replace(plan, before=min(before, default=None), after=min(after, default=None))


def _dated(events: Any, whole: Daily) -> dict[str, int]:
    """Day numbers by the name of the event, in order of time."""
    if not isinstance(events, Mapping):
        table = as_polars(events)
        events = dict(zip(table["event_id"], table["start"], strict=True))
    if not events:
        raise UsageError("there are no events; give names and days, like {'closure': 90}")
    days = {str(name): whole.at(day) for name, day in events.items()}
    return dict(sorted(days.items(), key=lambda one: (one[1], one[0])))


def _as_date(day: int) -> date:
    return date.fromordinal(day)


def _row(name: str, made: EventStudy) -> dict[str, Any]:
    return {
        "event": name, "day": made.t0, "when": made.when,
        "estimate": made.level.estimate, "se": made.level.se, "low": made.level.low,
        "high": made.level.high, "p": made.level.p, "share": made.level_share.estimate,
        "share_low": made.level_share.low, "share_high": made.level_share.high,
        "p_pretrend": made.pretrend.p if made.pretrend else None, "p_placebo": made.placebo.p if made.placebo else None,
        "n_days": made.n_days, "flags": " ".join(made.flags),
    }  # fmt: skip
