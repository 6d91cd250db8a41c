"""Calendar windows: hours, days, weeks and months as people on each side live them.

A window begins and ends by the local calendar of its side, so a post sent at 23:45 in Karachi counts for that
day in Pakistan, whatever the hour in UTC. Windows without posts are kept; the first and last are marked when
the period covers only a part of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from discourse.errors import MeaningError, UsageError
from discourse.schema import one_of

__all__ = ["EVERY", "Calendar", "place_in_windows", "windows_of"]

EVERY = ("1h", "6h", "1d", "1w", "1mo")
_LABEL = {"1h": "%Y-%m-%dT%H:%M", "6h": "%Y-%m-%dT%H:%M", "1d": "%Y-%m-%d", "1w": "%Y-%m-%d", "1mo": "%Y-%m"}


@dataclass(frozen=True)
class Calendar:
    """The length of a window and the time zone of each side; a side that is not named lives in UTC.

    >>> Calendar("1w", {"pakistan": "Asia/Karachi"}).zone("pakistan")
    'Asia/Karachi'
    """

    every: str
    zones: Mapping[str, str]

    def __post_init__(self) -> None:
        one_of(self.every, EVERY, "every")
        for side, zone in self.zones.items():
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise UsageError(
                    f"the time zone of {side} is {zone!r}; name it as in the IANA list, like 'Asia/Kabul'"
                ) from error

    def zone(self, side: str) -> str:
        """The time zone of a side."""
        return self.zones.get(side, "UTC")


def place_in_windows(posts: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Add `window`, the label of each post's window on its side's calendar.

    Needs created_at (UTC) and side.

    >>> from datetime import datetime, timezone
    >>> evening = datetime(2025, 1, 5, 20, tzinfo=timezone.utc)
    >>> late = pl.DataFrame({"side": ["pakistan", "unknown"], "created_at": [evening] * 2})
    >>> place_in_windows(late, Calendar("1d", {"pakistan": "Asia/Karachi"}))["window"].to_list()
    ['2025-01-06', '2025-01-05']
    """
    local = pl.coalesce(
        pl.when(pl.col("side") == side).then(_local(pl.col("created_at"), calendar.zone(side)))
        for side in sorted(posts["side"].unique()) or [""]  # without posts, a column without rows
    )
    return posts.with_columns(local.dt.truncate(calendar.every).dt.strftime(_LABEL[calendar.every]).alias("window"))


def windows_of(calendar: Calendar, sides: tuple[str, ...], begin: datetime, end: datetime) -> pl.DataFrame:
    """All windows from `begin` up to `end` (UTC, end exclusive) on each side, also those that will stay empty.

    Columns: window, side, start, end (UTC), partial (the period covers only a part of the window). A window
    label that only one side's calendar reaches is kept for both, so that sides can be compared.
    """
    if begin.tzinfo is None or end.tzinfo is None or begin >= end:
        raise MeaningError(f"the period runs from {begin} to {end}; it needs two times with a zone, the first earlier")
    step = calendar.every
    firsts, lasts = [], []
    for side in sides:
        zone = ZoneInfo(calendar.zone(side))
        firsts.append(begin.astimezone(zone).replace(tzinfo=None))
        lasts.append((end - timedelta(microseconds=1)).astimezone(zone).replace(tzinfo=None))
    grid = pl.datetime_range(
        pl.Series([min(firsts)]).dt.truncate(step)[0], max(lasts), interval=step, eager=True, time_unit="us"
    )
    frames = []
    for side in sides:
        zone_name = calendar.zone(side)
        frame = pl.DataFrame({"local": grid}).with_columns(
            window=pl.col("local").dt.strftime(_LABEL[calendar.every]),
            side=pl.lit(side),
            start=_to_utc(pl.col("local"), zone_name),
            end=_to_utc(pl.col("local").dt.offset_by(step), zone_name),
        )
        frames.append(frame)
    period_begin, period_end = (pl.lit(at.astimezone(UTC)).dt.cast_time_unit("us") for at in (begin, end))
    return (
        pl.concat(frames)
        .with_columns(partial=(pl.col("start") < period_begin) | (pl.col("end") > period_end))
        .select("window", "side", "start", "end", "partial")
    )


def _local(column: pl.Expr, zone: str) -> pl.Expr:
    return column.dt.convert_time_zone(zone).dt.replace_time_zone(None)


def _to_utc(local: pl.Expr, zone: str) -> pl.Expr:
    """The first moment at or after a local time; one that the clocks skip (Pakistan, 2009-04-15 00:00) is the jump."""

    def known(at: pl.Expr) -> pl.Expr:
        return at.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")

    return pl.coalesce(known(local), known(local.dt.offset_by("-1h")).dt.offset_by("1h"))
