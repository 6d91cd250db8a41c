"""Figures of groups of posts: languages and platforms, evidence for sides, and copies posted in waves."""

from __future__ import annotations

import polars as pl

from discourse.measure.groups import GROUPS
from discourse.plots.coverage import describe_coverage, plot_coverage
from discourse.plots.slices import describe_slices, plot_slices
from discourse.plots.waves import describe_waves, plot_waves
from discourse.report.thin import shown_groups
from discourse.study.figure_kinds import Drawn, drawn_or_why
from discourse.study.figure_series import events_of
from discourse.study.stages import Desk, read_series

__all__ = ["draw_coverage", "draw_slices", "draw_waves", "has_groups", "read_slices"]


def read_slices(desk: Desk) -> pl.DataFrame:
    """The series of each language and platform as the stage `measure` wrote them, private."""
    return _with_moments(pl.read_csv(desk.path("slices.csv"), schema_overrides={**GROUPS, **_MOMENTS})).with_columns(
        pl.col("flags", "assumes").fill_null("")
    )


def has_groups(desk: Desk, by: str) -> bool:
    """Whether there is more than one language, or platform, to tell apart."""
    path = desk.path("slices.csv")
    return path.exists() and pl.read_csv(path, columns=["by", "group"]).filter(by=by)["group"].n_unique() > 1


def draw_slices(desk: Desk, frame: str, by: str) -> Drawn:
    """The share of a frame in each language or on each platform."""
    guarded = shown_groups(read_slices(desk), read_series(desk))
    table = guarded.filter(pl.col("by") == by, pl.col("measure") == f"Prevalence({frame!r})")
    title = f"Share of {frame} posts by {'language' if by == 'lang' else by}"
    return drawn_or_why(
        title, table, lambda: plot_slices(guarded, frame, by=by, events=events_of(desk)),
        lambda: describe_slices(guarded, frame, by=by),
    )  # fmt: skip


def draw_coverage(desk: Desk) -> Drawn:
    """By which evidence sides are told."""
    table = _placed(desk, "coverage.csv")
    return drawn_or_why("How sides are told", table, lambda: plot_coverage(table), lambda: describe_coverage(table))


def draw_waves(desk: Desk) -> Drawn:
    """Texts that many authors posted within a short time."""
    table = _placed(desk, "waves.csv")
    return drawn_or_why(
        "Copies in waves", table, lambda: plot_waves(table, events=events_of(desk)), lambda: describe_waves(table)
    )


def _placed(desk: Desk, name: str) -> pl.DataFrame:
    overrides = {"window": pl.String, **_MOMENTS}
    return _with_moments(pl.read_csv(desk.path(name), schema_overrides=overrides, infer_schema_length=None))


def _with_moments(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in _MOMENTS)


_MOMENTS = {"start": pl.String, "end": pl.String}
