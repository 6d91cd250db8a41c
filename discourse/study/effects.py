"""The stage `effects`: what events did, what a result depends on, and who changed; tables beside the series.

Everything here is private until `draw` has withheld small cells. A table never stays silent: where nothing can be
estimated, its rows say why.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from discourse.corpus.sides import Sides
from discourse.errors import DiscourseWarning, UsageError
from discourse.events import read_events
from discourse.measure.timeline import Plan, guards, observe
from discourse.report.effects_words import conversion_said, effect_said
from discourse.report.guard import shown
from discourse.schema import EVENTS, FRAMINGS, UNKNOWN
from discourse.store.saved import load_corpus, read_table
from discourse.study.corrected_days import Days, corrected_days
from discourse.study.effect_tables import change_rows, moved_by_bots, other_choices, smooth_rows
from discourse.study.event_rows import (
    EFFECTS,
    Happening,
    between_neighbours,
    conversion_rows,
    event_tables,
    happenings,
    measure_of,
    split,
)
from discourse.study.ledger import Stage
from discourse.study.stages import Desk, labels_of, plan_of, read_series
from discourse.study.values import one_word

__all__ = ["TABLES", "effect_stage"]

TABLES = ("effects.csv", "sensitivity.csv", "changes.csv", "smooth.csv", "conversion.csv", "paths.csv", "placebos.csv")
_NO_EVENT = "the study names no event in its period, so there is no effect to look for"


@dataclass(frozen=True, eq=False)
class _World:
    """What the tables of one study are made from."""

    observed: pl.DataFrame
    plan: Plan
    pairs: tuple[tuple[str, str], ...]
    happened: tuple[Happening, ...]


def effect_stage(desk: Desk) -> tuple[Stage, Callable[[Desk], None]]:
    """The stage between `measure` and `draw`."""
    s, at = desk.study, desk.path
    inputs = (at("scored"), at("framings.parquet"), at("labels.parquet"), at("sample.parquet"), s.labels.codebook,
              s.sides, at("series.csv"), *((s.events,) if s.events else ()))  # fmt: skip
    settings = {"seed": s.seed, **asdict(s.measure), "effects": asdict(s.effects)}
    rooms = ("measure", "estimators", "indices", "impact", "labels", "report", "study", "events.py", "poisson.py")
    return Stage("effects", inputs, tuple(at(name) for name in TABLES), settings, rooms), effects


def effects(desk: Desk) -> None:
    """Series, posts and events to effects, sensitivity, change points, smoothed curves and conversion."""
    settings, seed = desk.study.effects, desk.study.seed
    world = _world(desk)
    with warnings.catch_warnings():
        # What they say of windows without gold was said when the series was made, and stands in the flags.
        warnings.simplefilter("ignore", DiscourseWarning)
        starts = [one.start for one in world.happened]
        daily = replace(world.plan, every=settings.every)
        days = corrected_days(world.observed, daily, seed, starts)
        whole = corrected_days(world.observed, daily, seed, ())
        windows = corrected_days(world.observed, world.plan, seed)
        studies = event_tables(days, world.pairs, world.happened, settings.plan, placebo=settings.placebo)
        found = _with_guards(studies.effects, world)
        found = found if world.happened else _without_event(world.pairs)
        found = found.with_columns(said=_said(found, effect_said))
        series = read_series(desk)
        names = [name for name, _ in world.pairs]
        choices = other_choices(series, world.observed, world.plan, seed, list(dict.fromkeys(names)))
    measured = {(repr(measure_of(name)), side) for name, side in world.pairs}
    choices = _of(choices, measured)
    headline = _of(_headline(series), measured)
    changed = conversion_rows(*_cuts(days, windows, world, desk), seed)
    tables = {
        "effects.csv": found,
        "sensitivity.csv": pl.concat([choices, moved_by_bots(headline, settings.bots, found)]),
        "changes.csv": change_rows(whole, world.pairs if settings.change_points else (), world.happened),
        "smooth.csv": smooth_rows(windows, world.pairs if settings.smooth else (),
                                  pooled=world.plan.gold_within != "window"),
        "conversion.csv": changed.with_columns(said=_said(changed, conversion_said)),
        "paths.csv": studies.paths,
        "placebos.csv": studies.placebos,
    }  # fmt: skip
    for name, table in tables.items():
        table.write_csv(desk.path(name))


def _world(desk: Desk) -> _World:
    study = desk.study
    sides = Sides.from_toml(study.sides)
    posts, framings = load_corpus(desk.path("scored")).posts, read_table(desk.path("framings.parquet"), FRAMINGS)
    observed = observe(posts, framings, labels_of(desk).gold.frame).join(
        posts.select("post_id", "side_basis"), on="post_id", how="left", validate="1:1", maintain_order="left"
    )
    plan = plan_of(study, sides)
    known = (*plan.sides, UNKNOWN)
    wanted = [one_word(side, known, "a side in [effects]") for side in study.effects.sides or plan.sides]
    pairs = [
        (name, "|".join(plan.sides) if measure_of(name).between else side)
        for name in study.effects.measures for side in wanted
    ]  # fmt: skip
    return _World(observed, plan, tuple(dict.fromkeys(pairs)), _chosen(desk, observed, plan))


def _chosen(desk: Desk, observed: pl.DataFrame, plan: Plan) -> tuple[Happening, ...]:
    """The events that the study asks for, by default those in its period. Raises `UsageError` for an unknown one."""
    asked = desk.study.effects.events
    table = read_events(desk.study.events) if desk.study.events else EVENTS.empty()
    if asked:
        if table.is_empty():
            raise UsageError("[effects] names events and the study has no events file; add [events] with its file")
        for one in asked:
            one_word(one, tuple(table["event_id"]), "an event in [effects]")
        return happenings(table.filter(pl.col("event_id").is_in(asked)))
    first: date = observed["created_at"].dt.date().min()  # type: ignore[assignment]
    last: date = observed["created_at"].dt.date().max()  # type: ignore[assignment]
    begin = plan.begin.date() if plan.begin else first
    end = plan.end.date() if plan.end else last
    return happenings(table.filter(pl.col("start").is_between(begin, end)))


def _cuts(
    days: Days, windows: Days, world: _World, desk: Desk
) -> tuple[Days, tuple[tuple[str, str], ...], list[tuple[Happening | None, np.ndarray, np.ndarray]]]:
    """Where changes are taken apart: across each event, or between windows that follow one another."""
    made: list[tuple[Happening | None, np.ndarray, np.ndarray]] = []
    starts = [one.start for one in world.happened]
    if starts:
        for one in world.happened:
            made.append((one, *split(days, one.start, between_neighbours(desk.study.effects.plan, one.start, starts))))
        return days, world.pairs, made
    at = np.arange(len(windows.windows))
    return windows, world.pairs, [(None, at == i, at == i + 1) for i in range(len(at) - 1)]


def _with_guards(table: pl.DataFrame, world: _World) -> pl.DataFrame:
    """The flags of whole sides, of the method, and of gold that is pooled over an event, added to those of the rows."""
    dates = pl.DataFrame(
        {"event_id": [one.event for one in world.happened], "start": [one.start for one in world.happened]},
        schema_overrides={"event_id": pl.String, "start": pl.Date},
    )
    found = guards(world.observed, plan=world.plan, events=dates).filter(pl.col("window").is_null())
    told = []
    for event, side, flags in table.select("event", "side", "flags").iter_rows():
        own = found.filter(pl.col("side").is_null() | pl.col("side").is_in(side.split("|")))
        said = own.filter(
            (pl.col("flag") != "gold_pooled_over_event") | pl.col("said").str.starts_with(f"{event}: ")
        )["flag"].to_list()  # fmt: skip
        told.append(" ".join(dict.fromkeys([*flags.split(), *said])))
    return table.with_columns(flags=pl.Series(told, dtype=pl.String))


def _without_event(pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    rows = [{"event": "", "measure": repr(measure_of(name)), "side": side, "flags": "no_event", "said": _NO_EVENT}
            for name, side in pairs]  # fmt: skip
    return pl.DataFrame(rows, schema=EFFECTS, orient="row")


def _said(table: pl.DataFrame, sentence: Callable[[dict[str, object]], str | None]) -> pl.Series:
    return pl.Series([sentence(row) for row in table.iter_rows(named=True)], dtype=pl.String)


def _headline(series: pl.DataFrame) -> pl.DataFrame:
    corrected = shown(series).filter(pl.col("method") == "poststrat")
    weights = corrected["weight"].unique()
    first = min(weights, key=lambda weight: (weight != "author", weight))
    return corrected.filter(pl.col("weight") == first)


def _of(table: pl.DataFrame, measured: set[tuple[str, str]]) -> pl.DataFrame:
    """The rows of the measures and sides that are asked for."""
    asked = pl.DataFrame(sorted(measured), schema=["measure", "side"], orient="row")
    return table.join(asked, on=["measure", "side"], how="semi", maintain_order="left")
