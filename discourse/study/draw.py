"""The last two stages of a study: its figures, and its report with the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from discourse.corpus.posts import Corpus
from discourse.corpus.sides import Sides
from discourse.events import read_events
from discourse.framing.store import load_model
from discourse.indices.polarization import Polarization
from discourse.measure.windows import Calendar, place_in_windows
from discourse.report.composition import composition
from discourse.report.guard import MIN_AUTHORS, shown
from discourse.report.manifest import manifest, write_manifest
from discourse.report.page import ReportContent, ReportFigure, write_report
from discourse.report.plots import plot_composition, plot_confusion, plot_polarization, plot_shares, plot_truth
from discourse.report.rows import headline
from discourse.report.save import csv_bytes, save_figure
from discourse.report.words import (
    alt_text,
    answer_sentences,
    caption,
    describe_composition,
    describe_confusion,
    describe_truth,
)
from discourse.simulate.conflict import windowed_truth
from discourse.store.saved import load_corpus
from discourse.study.aside import ASIDE, Aside
from discourse.study.draw_effects import draw_effects, effect_figures, effect_tables, publish_effects
from discourse.study.effects import TABLES
from discourse.study.frozen import decisions
from discourse.study.ledger import Stage
from discourse.study.stages import Desk, read_series
from discourse.text.columns import coverage
from discourse.whole import write_whole

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
            lambda one: _report(one, published, names),
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


def _report(desk: Desk, published: Path, names: tuple[str, ...]) -> None:
    study, series, corpus = desk.study, read_series(desk), load_corpus(desk.path("corpus"))
    said = json.loads(desk.path("captions.json").read_text(encoding="utf-8"))
    order = sorted(names, key=lambda name: not name.startswith("truth")) if study.corpus.made_up else names
    figures = []
    for name in order:
        title, text, alt = said[name]
        figures.append(ReportFigure(title, text, alt, (published / f"{name}.svg").read_bytes(), f"{name}.csv"))
    write_whole(published / "series.csv", csv_bytes(shown(series)))
    found = publish_effects(desk, published)
    aside = Aside.of(desk, found["effects"])
    found |= aside.publish(published)
    outputs = {f"{name} ({end})": published / f"{name}.{end}" for name in names for end in ("svg", "png", "csv")}
    record = manifest(
        {**{f"posts {i + 1}": path for i, path in enumerate(study.corpus.inputs)}, "labels": study.labels.file,
         "codebook": study.labels.codebook, "sides": study.sides,
         **({"events": study.events} if study.events else {}), **({"truth": study.truth} if study.truth else {})},
        {**outputs, "series": published / "series.csv", **found, "model": desk.path("model.safetensors")},
        parameters={"name": study.name, "population": study.population, "measure": study.measure,
                    "effects": study.effects, "c": study.c,
                    "folds": study.folds, "format": study.corpus.format or "sniffed"},
        model=load_model(desk.path("model.safetensors")).model_id, seed=study.seed, code="",
    )  # fmt: skip
    labels = json.loads(desk.path("labels.json").read_text(encoding="utf-8"))
    content = ReportContent(
        title=study.title, made_up=study.corpus.made_up, files=corpus.files,
        answer=(*answer_sentences(series, aside.no_gap), *study.notes), cautions=aside.cautions,
        decided=aside.decided, decisions=aside.decisions,
        hypotheses=aside.hypotheses.drop("event", "measure", "side", "direction"),
        history=load_corpus(desk.path("scored")).history, quarantine=_reasons(corpus),
        sides=pl.read_csv(desk.path("sides.csv")), languages=coverage(corpus.posts["lang"], corpus.posts["sentiment"]),
        labels=[(_LABEL_WORDS.get(key, key), value) for key, value in labels.items()],
        agreement=pl.read_csv(desk.path("agreement.csv")).fill_nan(None),
        scores=pl.read_csv(desk.path("scores.csv")).filter(pl.col("group") == "all", pl.col("metric").is_in(_SCORES)),
        series=series.filter((pl.col("weight") == "author") & (pl.col("method") == "poststrat")),
        effects=effect_tables(desk), figures=figures, methods=_methods(desk), cite=_CITE, manifest=record,
    )  # fmt: skip
    write_report(published / "report.html", content)
    write_manifest(published / "manifest.json", record)


def _composition(desk: Desk) -> pl.DataFrame:
    sides = Sides.from_toml(desk.study.sides)
    calendar = Calendar(desk.study.measure.every, dict(sides.timezones))
    return composition(place_in_windows(load_corpus(desk.path("corpus")).posts, calendar))


def _with_truth(series: pl.DataFrame, truth: pl.DataFrame, frame: str) -> pl.DataFrame:
    key = f"Prevalence({frame!r})"
    parts = [headline(series, key, method=method) for method in ("poststrat", "cc")]
    known = truth.filter(pl.col("frame") == frame).select("window", "side", truth="share")
    return pl.concat(parts).join(known, on=["window", "side"], how="inner", maintain_order="left")


def _reasons(corpus: Corpus) -> pl.DataFrame:
    return corpus.quarantine.group_by("outcome", "reason").agg(rows=pl.len()).sort("outcome", "reason")


def _methods(desk: Desk) -> list[str]:
    settings = desk.study.measure
    scope = {
        "window": "Gold labels of a window and side speak for that window and side alone.",
        "side": "Gold labels are pooled within a side over all windows: this assumes that the classifier's errors did "
        "not change over time. If they did, a rise or fall is drawn too flat.",
        "all": "Gold labels are pooled over sides and windows: this assumes that the classifier's errors are the same "
        "everywhere.",
    }[settings.gold_within]
    return [
        "A classifier reads every post, and errs. A random sample of posts was read by coders (the gold labels); what "
        "they found in each predicted class is carried over to all posts of that class. Counting the classifier's "
        "decisions as they are is shown only to be compared.",
        scope,
        "Every author counts once in a window, however much they post; the table of series also has every post counted "
        f"once. Intervals (95 %) come from {settings.replicates} bootstrap replicates over authors.",
        "Polarization within a side is Esteban and Ray's index: 0 when all posts are alike, 1 when half stand at each "
        "pole. Between sides it is the gap of net tones and the squared Cramer distance, both freed of the part that "
        f"chance alone gives. The grey baseline is what {settings.shuffles} shuffles of the sides among authors give.",
        "Windows with fewer than 30 authors (effective sample size) are withheld; hollow marks are windows that the "
        "collection covers only in part. Nothing here says what caused a change.",
        "The effect of an event is the change of level on its day, against the line that the days before continue, in "
        "a model in which days hang together. The posts of each day are corrected by the coded posts between one event "
        "and the next; nothing past the next event is looked at.",
        "The side of a post is decided by lists, geotags and named places. Posts of unknown side are measured as a "
        "group of their own and are in neither side's share.",
    ]


_TITLES = {
    "esteban-ray": "Polarization within each side",
    "net-tone-gap": "Gap of the net tones between the sides",
    "cramer-squared": "Distance between the sides",
}
_LABEL_WORDS = {
    "codebook": "Codebook",
    "moved": "Copies",
    "undecided": "Posts without an agreed frame",
    "coded": "Posts given to coders",
    "training": "Posts that train the classifier",
    "gold": "Posts that measure (gold)",
}
_SCORES = ("macro_f1", "accuracy", "f1")
_CITE = (
    "Cite the software with its version (CITATION.cff) and the corpus by its card.",
    "Give the measure, the weight, the window, the interval and what it assumes beside every number you quote.",
)
