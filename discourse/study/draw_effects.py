"""The tables of the stage `effects` with small cells withheld, their figures, and their place on the page."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Final

import polars as pl

from discourse.page.effects import EffectTables
from discourse.plots.effects import (
    describe_effects,
    describe_smooth,
    plot_effects,
    plot_nothing,
    plot_smooth,
)
from discourse.plots.event import describe_event, plot_event
from discourse.plots.save import csv_bytes
from discourse.report.effects_words import guarded_conversion, guarded_effects
from discourse.study.effect_tables import CHANGES, SENSITIVITY, SMOOTH
from discourse.study.effects import TABLES
from discourse.study.event_rows import CONVERSION, EFFECTS, PATHS, PLACEBOS, measure_of
from discourse.study.figure_kinds import Drawn, drawn_or_why
from discourse.study.figure_series import events_of
from discourse.study.stages import Desk, read_series
from discourse.whole import write_whole

__all__ = ["draw_effects", "draw_event", "draw_smooth", "effect_tables", "events_to_show", "publish_effects"]

_SCHEMAS: Final = {"effects.csv": EFFECTS, "sensitivity.csv": SENSITIVITY, "changes.csv": CHANGES,
                   "smooth.csv": SMOOTH, "conversion.csv": CONVERSION, "paths.csv": PATHS,
                   "placebos.csv": PLACEBOS}  # fmt: skip
_EFFECTS: Final = "What changed at each event"


def draw_effects(desk: Desk) -> Drawn:
    """What changed at each event; where none falls into the period, the sentence that says so."""
    table = _published(desk, "effects.csv")
    found = table.filter(pl.col("start").is_not_null())
    if found.is_empty():
        return _nothing(table, _EFFECTS, "No event of the study falls into its period.")
    return Drawn(plot_effects(found), table, _EFFECTS, *describe_effects(found))


def draw_event(desk: Desk, event: str, measure: str, side: str) -> Drawn:
    """The windows around an event, and the event among dates without one."""
    paths, placebos, tests = (_published(desk, f"{name}.csv") for name in ("paths", "placebos", "effects"))
    chosen = {"event": event, "measure": repr(measure_of(measure)), "side": side}
    own = paths.filter(**chosen)
    return drawn_or_why(
        f"Before and after: {own['title'][0]}" if own.height else f"Before and after {event}", own,
        lambda: plot_event(paths, placebos, tests, **chosen), lambda: describe_event(paths, placebos, tests, **chosen),
    )  # fmt: skip


def events_to_show(desk: Desk) -> tuple[tuple[str, str, str], ...]:
    """Event, measure and side of each figure of an event: what the hypotheses name, else the first series there is.

    Nothing in the result decides which event has a figure.
    """
    if not desk.path("paths.csv").exists():
        return ()
    found = pl.read_csv(desk.path("paths.csv"), columns=["event", "start", "measure", "side"]).sort("start", "event")
    told = set(found.select("event", "measure", "side").iter_rows())
    if desk.study.hypotheses:
        asked = [(one.event, one.measure, one.side) for one in desk.study.hypotheses]
    else:
        events, sides = (found[name].unique(maintain_order=True).to_list() for name in ("event", "side"))
        asked = list(product(events[:1], desk.study.effects.measures, sorted(sides)))
    there = [one for one in dict.fromkeys(asked) if (one[0], repr(measure_of(one[1])), one[2]) in told]
    return tuple(there if desk.study.hypotheses else there[:1])


def draw_smooth(desk: Desk, frame: str) -> Drawn:
    """A share with the curve through its windows."""
    windows = read_series(desk).select("window", "side", "start", "end").unique(["window", "side"])
    smooth = _published(desk, "smooth.csv").filter(pl.col("measure") == repr(measure_of(frame)))
    own = smooth.join(windows, on=["window", "side"], how="left", maintain_order="left")
    title = f"Share of {frame} posts, smoothed over windows"
    if not own["smooth"].count():
        return _nothing(own, title, f"No series of the {frame} share could be smoothed: too few windows can be shown.")
    return Drawn(plot_smooth(own, events=events_of(desk)), own, title, *describe_smooth(own))


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


def _nothing(table: pl.DataFrame, title: str, why: str) -> Drawn:
    return Drawn(plot_nothing(why), table, title, why, why)
