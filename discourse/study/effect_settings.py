"""`[effects]` of a study file: which events are looked at, in which measures, and how; to be fixed before looking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from discourse.errors import UsageError
from discourse.impact.events import EventPlan
from discourse.impact.sensitivity import FRACTIONS
from discourse.schema import FRAMES
from discourse.settings import only_keys
from discourse.study.values import built, one_word

__all__ = ["EFFECT_MEASURES", "EffectSettings", "effect_settings"]

EFFECT_MEASURES = (*FRAMES, "net-tone", "net-tone-gap")
_EVERY = ("1d", "1w")
_FROM_ONE = ("before", "after", "leads", "lags")


@dataclass(frozen=True)
class EffectSettings:
    """What the stage `effects` does. Empty `sides` are the two sides of the study, empty `events` all in its period.

    `before` and `after` are days around an event, never past the next one; `anticipation` and `drop` days left out;
    `bots` fractions of inauthentic, one-sided posts.

    >>> EffectSettings().plan.after
    28
    """

    measures: tuple[str, ...] = ("nationalist", "net-tone-gap")
    sides: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    every: str = "1d"
    before: int = 56
    after: int = 28
    slope: bool = True
    anticipation: int = 0
    drop: int = 0
    leads: int = 4
    lags: int = 4
    placebo: bool = True
    change_points: bool = True
    smooth: bool = True
    bots: tuple[float, ...] = FRACTIONS

    @property
    def plan(self) -> EventPlan:
        """How an event is looked at, before its neighbours cut the days."""
        return EventPlan(slope=self.slope, anticipation=self.anticipation, drop=self.drop, before=self.before,
                         after=self.after, leads=self.leads, lags=self.lags)  # fmt: skip


def effect_settings(table: Any) -> EffectSettings:
    """The settings of `[effects]`, an empty table for the defaults. Raises `UsageError` for an impossible one.

    >>> effect_settings({"after": 14}).after
    14
    >>> effect_settings({"measures": ["warlike"]})
    Traceback (most recent call last):
    discourse.errors.UsageError: a measure in [effects] is 'warlike'; it must be 'nationalist', 'conciliatory', 'both',
    'neither', 'net-tone' or 'net-tone-gap'
    """
    made = built(EffectSettings, only_keys(table, EffectSettings.__dataclass_fields__, "[effects]"), "[effects]")
    for measure in made.measures:
        one_word(measure, EFFECT_MEASURES, "a measure in [effects]")
    if not made.measures or len(set(made.measures)) < len(made.measures):
        raise UsageError(f"measures in [effects] is {list(made.measures)}; name one or more, each once")
    for key in ("sides", "events"):
        named = getattr(made, key)
        if not all(isinstance(one, str) for one in named) or len(set(named)) < len(named):
            raise UsageError(f"{key} in [effects] is {list(named)}; name them in a list of words, each once")
    one_word(made.every, _EVERY, "every in [effects]")
    for key in (*_FROM_ONE, "anticipation", "drop"):
        least = 1 if key in _FROM_ONE else 0
        if getattr(made, key) < least:
            raise UsageError(f"{key} in [effects] is {getattr(made, key)}; it must be a whole number from {least}")
    fits = [isinstance(f, int | float) and not isinstance(f, bool) and 0.0 <= f < 1.0 for f in made.bots]
    if not all(fits):
        raise UsageError(f"bots in [effects] is {list(made.bots)}; each must be from 0 to under 1, like 0.05")
    return made
