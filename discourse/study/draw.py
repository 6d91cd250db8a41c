"""The last two stages of a study: its figures, and its report with the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from discourse.corpus.sides import Sides
from discourse.events import read_events
from discourse.indices.polarization import Polarization
from discourse.measure.windows import Calendar, place_in_windows
from discourse.report.composition import composition
from discourse.report.guard import MIN_AUTHORS
from discourse.report.plots import plot_composition, plot_confusion, plot_polarization, plot_shares, plot_truth
from discourse.report.rows import headline
from discourse.report.save import save_figure
from discourse.report.words import (
    alt_text,
    caption,
    describe_composition,
    describe_confusion,
    describe_truth,
)
from discourse.simulate.conflict import windowed_truth
from discourse.store.saved import load_corpus
from discourse.study.aside import ASIDE
from discourse.study.draw_effects import draw_effects, effect_figures
from discourse.study.effects import TABLES
from discourse.study.frozen import decisions
from discourse.study.ledger import Stage
from discourse.study.page import write_page
from discourse.study.stages import Desk, read_series

__all__ = ["draw_stages"]

_POLARIZATION = {"esteban-ray": "polarization-within", "net-tone-gap": "net-tone-gap", "cramer-squared": "distance"}


def draw_stages(desk: Desk, published: Path) -> dict[str, tuple[Stage, Callable[[Desk], None]]]:
    """The stages `draw` and `report`, which write into the folder `published`."""
    s, at = desk.study, desk.path
    optional = tuple(path for path in (s.events, s.truth) if path is not None)
    tables = (at("series.csv"), at("confusion.csv"), at("corpus"))
    names = _figure_names(desk)
    drawn = tuple(published / f"{name}.{ending}" for name in names for ending in ("svg", "png", "csv"))
    settings = {"title": s.title, "made_up": s.corpus.made_up, "notes": s.notes, **asdict(s.measure),
                "effects": asdict(s.effects)}  # fmt: skip
    found = (*(at(name) for name in (*TABLES, "guards.csv", "reasons.csv")), s.sides)
    frozen = (s.frozen,) if s.frozen.exists() else ()
    rest = (
        at("read"),
        at("scored"),
        at("sides.csv"),
        at("labels.json"),
        at("agreement.csv"),
        at("scores.csv"),
        at("model.safetensors"),
    )
    return {
        "draw": (
            Stage("draw", (*tables, *found, *optional, s.sides), (*drawn, at("captions.json")), settings,
                  ("report", "study")),
            lambda one: _draw(one, published),
        ),
        "report": (
            Stage("report", (*tables, *found, *rest, *drawn, *frozen, at("captions.json")),
                  tuple(published / name for name in ("report.html", "series.csv", "manifest.json", *TABLES, *ASIDE)),
                  {**settings, "decisions": decisions(s)}, ("report", "study", "cli.py")),
            lambda one: write_page(one, published, names),
        ),
    }  # fmt: skip


def _figure_names(desk: Desk) -> tuple[str, ...]:
    truth = ("truth-nationalist", "truth-conciliatory") if desk.study.truth else ()
    return ("shares-nationalist", "shares-conciliatory", *_POLARIZATION.values(), *effect_figures(desk), "composition",
            "confusion", *truth)  # fmt: skip


def _draw(desk: Desk, published: Path) -> None:
    series = read_series(desk)
    events = read_events(desk.study.events) if desk.study.events else None
    said: dict[str, tuple[str, str, str]] = {}

    def keep(name: str, axes: Any, table: pl.DataFrame, words: tuple[str, str, str]) -> None:
        title, description, alt = words
        save_figure(axes, published / name, table, title=title, description=description)
        said[name] = (title, description, alt)

    for frame in ("nationalist", "conciliatory"):
        key = f"Prevalence({frame!r})"
        words = (f"Share of {frame} posts", caption(series, key), alt_text(series, key))
        keep(f"shares-{frame}", plot_shares(series, frame, events=events), headline(series, key), words)
    for kind, name in _POLARIZATION.items():
        key = repr(Polarization(kind))
        words = (_TITLES[kind], caption(series, key), alt_text(series, key))
        keep(name, plot_polarization(series, key, events=events), headline(series, key), words)
    draw_effects(desk, keep, events)
    counts = _composition(desk)
    open_counts = counts.drop_nulls("posts")
    few = counts.height - open_counts.height
    text, alt = describe_composition(open_counts)
    hidden = f" {few} cells of fewer than {MIN_AUTHORS} authors, or that would tell one, are not shown." if few else ""
    keep("composition", plot_composition(open_counts), counts, ("What was posted", text + hidden, alt))
    confusion = pl.read_csv(desk.path("confusion.csv"))
    keep(
        "confusion",
        plot_confusion(confusion),
        confusion,
        ("Confusion of the classifier", *describe_confusion(confusion)),
    )
    path = desk.study.truth
    for frame in ("nationalist", "conciliatory") if path else ():
        truth = windowed_truth(pl.read_csv(path or "", try_parse_dates=True), desk.study.measure.every)
        words = (f"Known truth of the {frame} share", *describe_truth(series, truth, frame))
        keep(f"truth-{frame}", plot_truth(series, truth, frame), _with_truth(series, truth, frame), words)
    desk.path("captions.json").write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")


def _composition(desk: Desk) -> pl.DataFrame:
    sides = Sides.from_toml(desk.study.sides)
    calendar = Calendar(desk.study.measure.every, dict(sides.timezones))
    return composition(place_in_windows(load_corpus(desk.path("corpus")).posts, calendar))


def _with_truth(series: pl.DataFrame, truth: pl.DataFrame, frame: str) -> pl.DataFrame:
    key = f"Prevalence({frame!r})"
    parts = [headline(series, key, method=method) for method in ("poststrat", "cc")]
    known = truth.filter(pl.col("frame") == frame).select("window", "side", truth="share")
    return pl.concat(parts).join(known, on=["window", "side"], how="inner", maintain_order="left")


_TITLES = {
    "esteban-ray": "Polarization within each side",
    "net-tone-gap": "Gap of the net tones between the sides",
    "cramer-squared": "Distance between the sides",
}
