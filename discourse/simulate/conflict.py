"""The made-up conflict: true shares of the frames per side and day, and how much is posted, around real events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import UsageError
from discourse.schema import FRAMES

__all__ = ["PERIOD", "SIDES", "Shock", "daily_truth", "windowed_truth"]

PERIOD = (date(2024, 12, 1), date(2025, 3, 31))
SIDES = ("pakistan", "afghanistan")
_QUIET = {"pakistan": (0.30, 0.17, 0.08, 0.45), "afghanistan": (0.33, 0.15, 0.08, 0.44)}


@dataclass(frozen=True)
class Shock:
    """What one event does to the log odds (against `neither`) of the two poles on each side, and to volume.

    The effect is full on the first day and halves every `half_life` days after `end`.
    """

    event_id: str
    start: date
    end: date
    nationalist: tuple[float, float]
    conciliatory: tuple[float, float]
    volume: float
    half_life: float

    def strength(self, day: date) -> float:
        """From 0 (before) to 1 (while it lasts), then fading."""
        if day < self.start:
            return 0.0
        return float(0.5 ** (max((day - self.end).days, 0) / self.half_life))


# Invented sizes; the dates are those of corpora/events.csv.
SHOCKS = (
    Shock("2024-12-24-barmal", date(2024, 12, 24), date(2024, 12, 25), (0.5, 1.3), (0.1, -0.5), 2.0, 7.0),
    Shock("2024-12-28-retaliation", date(2024, 12, 28), date(2024, 12, 29), (1.1, 0.6), (-0.4, -0.2), 1.2, 7.0),
    Shock("2025-02-21-torkham-closed", date(2025, 2, 21), date(2025, 3, 22), (0.2, 0.35), (0.35, 0.45), 0.3, 4.0),
    Shock("2025-03-17-torkham-jirga", date(2025, 3, 17), date(2025, 3, 18), (-0.3, -0.4), (0.7, 0.8), 0.5, 6.0),
    Shock("2025-03-22-sadiq-kabul", date(2025, 3, 21), date(2025, 3, 23), (-0.3, -0.2), (0.5, 0.6), 0.4, 8.0),
)


def daily_truth() -> pl.DataFrame:
    """True shares and volume: one row per side, local day and frame.

    Columns side, day, frame, share (sums to 1 over frames), volume (relative posts a day, sums to 1 over the
    days of a side). A share is the chance that a post written on that day by an author of that side, drawn at
    random, has the frame.

    >>> truth = daily_truth()
    >>> truth.height == 2 * 121 * 4
    True
    """
    begin, end = PERIOD
    days = [begin + timedelta(days=i) for i in range((end - begin).days + 1)]
    rows = []
    for s, side in enumerate(SIDES):
        volume = np.array([_volume(day) for day in days])
        for day, weight in zip(days, volume / volume.sum(), strict=True):
            for frame, share in zip(FRAMES, _shares(side, s, day), strict=True):
                rows.append((side, day, frame, float(share), float(weight)))
    return pl.DataFrame(rows, schema=["side", "day", "frame", "share", "volume"], orient="row")


def windowed_truth(truth: pl.DataFrame, every: str) -> pl.DataFrame:
    """Volume-weighted mean of the daily truth per window of a day, week or month: window, side, frame, share.

    `truth` has the columns of `daily_truth`; windows are labelled as in a series. Raises `UsageError` for another
    window.

    >>> windowed_truth(daily_truth(), "1mo")["window"].unique().sort().to_list()
    ['2024-12', '2025-01', '2025-02', '2025-03']
    """
    if every not in ("1d", "1w", "1mo"):
        raise UsageError(f"every is {every!r}; the truth is known per '1d', '1w' or '1mo'")
    label = "%Y-%m" if every == "1mo" else "%Y-%m-%d"
    return (
        truth.with_columns(window=pl.col("day").dt.truncate(every).dt.strftime(label))
        .group_by("window", "side", "frame")
        .agg(share=(pl.col("share") * pl.col("volume")).sum() / pl.col("volume").sum())
        .sort("side", "frame", "window")
    )


def _shares(side: str, s: int, day: date) -> npt.NDArray[np.float64]:
    logit = np.log(np.array(_QUIET[side]))
    for shock in SHOCKS:
        strength = shock.strength(day)
        logit[FRAMES.index("nationalist")] += strength * shock.nationalist[s]
        logit[FRAMES.index("conciliatory")] += strength * shock.conciliatory[s]
    odds = np.exp(logit)
    made: npt.NDArray[np.float64] = odds / odds.sum()
    return made


def _volume(day: date) -> float:
    weekend = 0.9 if day.weekday() == 4 else 1.0
    return weekend * (1.0 + sum(shock.volume * shock.strength(day) for shock in SHOCKS))
