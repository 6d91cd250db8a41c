"""The tables of the stage `effects` with small cells withheld, their figures, and their place on the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl

from discourse.report.effects_page import EffectTables
from discourse.report.effects_words import guarded_conversion, guarded_effects
from discourse.report.plots_effects import (
    describe_effects,
    describe_smooth,
    plot_effects,
    plot_nothing,
    plot_smooth,
)
from discourse.report.rows import is_share
from discourse.report.save import csv_bytes
from discourse.study.effect_tables import CHANGES, SENSITIVITY, SMOOTH
from discourse.study.effects import TABLES
from discourse.study.event_rows import CONVERSION, EFFECTS, measure_of
from discourse.study.stages import Desk, read_series
from discourse.whole import write_whole

__all__ = ["draw_effects", "effect_figures", "effect_tables", "publish_effects"]

_SCHEMAS: Final = {"effects.csv": EFFECTS, "sensitivity.csv": SENSITIVITY, "changes.csv": CHANGES,
                   "smooth.csv": SMOOTH, "conversion.csv": CONVERSION}  # fmt: skip
Keep = Callable[[str, Any, pl.DataFrame, tuple[str, str, str]], None]


def effect_figures(desk: Desk) -> tuple[str, ...]:
    """The names of the figures that the study's settings ask for."""
    settings = desk.study.effects
    smoothed = [f"smooth-{name}" for name in _shares(desk)] if settings.smooth else []
    return (*(("effects",) if desk.study.events else ()), *smoothed)


def draw_effects(desk: Desk, keep: Keep, events: pl.DataFrame | None) -> None:
    """Draw what `effect_figures` names; `keep` saves a figure with its rows and words."""
    tables = {name: _published(desk, name) for name in ("effects.csv", "smooth.csv")}
    names = effect_figures(desk)
    found = tables["effects.csv"].filter(pl.col("start").is_not_null())
    if "effects" in names:
        why = "No event of the study falls into its period."
        axes = plot_effects(found) if found.height else plot_nothing(why)
        keep("effects", axes, tables["effects.csv"], ("What changed at each event",
             *(describe_effects(found) if found.height else (why, why))))  # fmt: skip
    windows = read_series(desk).select("window", "side", "start", "end").unique(["window", "side"])
    smooth = tables["smooth.csv"].join(windows, on=["window", "side"], how="left", maintain_order="left")
    for name in _shares(desk) if desk.study.effects.smooth else ():
        own = smooth.filter(pl.col("measure") == repr(measure_of(name)))
        some = own["smooth"].count() > 0
        why = f"No series of the {name} share could be smoothed: too few windows can be shown."
        axes = plot_smooth(own, events=events) if some else plot_nothing(why)
        keep(f"smooth-{name}", axes, own, (f"Share of {name} posts, smoothed over windows",
             *(describe_smooth(own) if some else (why, why))))  # fmt: skip


def effect_tables(desk: Desk) -> EffectTables:
    """The tables for the page, small cells withheld."""
    return EffectTables(*(_published(desk, f"{name}.csv") for name in
                          ("effects", "sensitivity", "changes", "conversion")))  # fmt: skip


def publish_effects(desk: Desk, published: Path) -> dict[str, Path]:
    """Write the tables beside the page, small cells withheld; their paths by name, for the manifest."""
    for name in TABLES:
        write_whole(published / name, csv_bytes(_published(desk, name)))
    return {name.removesuffix(".csv"): published / name for name in TABLES}


def _published(desk: Desk, name: str) -> pl.DataFrame:
    schema = {**_SCHEMAS[name], **{key: pl.String for key, kind in _SCHEMAS[name].items() if kind == pl.Date}}
    table = pl.read_csv(desk.path(name), schema=schema)
    dates = [pl.col(key).str.to_date("%Y-%m-%d") for key, kind in _SCHEMAS[name].items() if kind == pl.Date]
    table = table.with_columns(dates)
    if name == "conversion.csv":
        return guarded_conversion(table)
    return guarded_effects(table) if "n_authors" in table.columns else table


def _shares(desk: Desk) -> tuple[str, ...]:
    return tuple(name for name in desk.study.effects.measures if is_share(repr(measure_of(name))))
