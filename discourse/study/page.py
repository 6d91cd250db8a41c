"""The last stage of a study: the page, with the manifest and the tables that may be published beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import polars as pl

from discourse.corpus.posts import Corpus
from discourse.events import read_events
from discourse.framing.store import load_model
from discourse.page.answer import answered
from discourse.page.methods import method_notes
from discourse.page.page import ReportContent, ReportFigure, write_report
from discourse.plots.save import csv_bytes
from discourse.report.guard import shown
from discourse.report.manifest import manifest, write_manifest
from discourse.report.rows import day_name, first_moment, last_day, step_name
from discourse.report.thin import shown_groups
from discourse.schema import EVENTS
from discourse.simulate.conflict import windowed_truth
from discourse.store.saved import load_corpus
from discourse.study.aside import Aside
from discourse.study.draw_effects import effect_tables, publish_effects
from discourse.study.figure_groups import read_slices
from discourse.study.figure_kinds import ENDINGS
from discourse.study.stages import Desk, read_series
from discourse.text.columns import coverage
from discourse.whole import write_whole

__all__ = ["write_page"]


def write_page(desk: Desk, published: Path, names: tuple[str, ...]) -> None:
    """Write report.html, manifest.json and the tables of the page; `names` are the figures in their order."""
    study, series, corpus = desk.study, read_series(desk), load_corpus(desk.path("corpus"))
    said = json.loads(desk.path("captions.json").read_text(encoding="utf-8"))
    figures = []
    for name in names:
        title, text, alt = said[name]
        svg, png = ((published / f"{name}.{end}").read_bytes() for end in ("svg", "png"))
        figures.append(ReportFigure(title, text, alt, svg, f"{name}.csv", png))
    write_whole(published / "series.csv", csv_bytes(shown(series)))
    slices = read_slices(desk) if desk.path("slices.csv").exists() else pl.DataFrame()
    found = publish_effects(desk, published)
    aside = Aside.of(desk, found["effects"])
    found |= aside.publish(published)
    if slices.height:
        told = csv_bytes(shown_groups(slices, series))
        found["slices"] = write_whole(published / "slices.csv", told)
    outputs = {f"{name} ({end})": published / f"{name}.{end}" for name in names for end in ENDINGS}
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
    measured = load_corpus(desk.path("scored"))
    content = ReportContent(
        title=study.title, made_up=study.corpus.made_up, files=corpus.files,
        answer=(*answered(series, aside.no_gap), *study.notes), cautions=aside.cautions,
        facts=_facts(corpus, measured, labels, series), slices=slices,
        events=read_events(study.events) if study.events else EVENTS.empty(), truth=_truth(desk),
        decided=aside.decided, decisions=aside.decisions,
        hypotheses=aside.hypotheses.drop("event", "measure", "side", "direction"),
        history=measured.history, quarantine=_reasons(corpus),
        sides=pl.read_csv(desk.path("sides.csv")), languages=coverage(corpus.posts["lang"], corpus.posts["sentiment"]),
        labels=[(_LABEL_WORDS.get(key, key), value) for key, value in labels.items()],
        agreement=pl.read_csv(desk.path("agreement.csv")).fill_nan(None),
        scores=pl.read_csv(desk.path("scores.csv")).filter(pl.col("group") == "all", pl.col("metric").is_in(_SCORES)),
        series=series, effects=effect_tables(desk), figures=figures, cite=_cite(study.title, record), manifest=record,
        methods=method_notes(study.measure.gold_within, study.measure.replicates, study.measure.shuffles),
    )  # fmt: skip
    write_report(published / "report.html", content)
    write_manifest(published / "manifest.json", record)


def _reasons(corpus: Corpus) -> pl.DataFrame:
    return corpus.quarantine.group_by("outcome", "reason").agg(rows=pl.len()).sort("outcome", "reason")


def _truth(desk: Desk) -> pl.DataFrame | None:
    path = desk.study.truth
    if path is None:
        return None
    return windowed_truth(pl.read_csv(path, try_parse_dates=True), desk.study.measure.every)


def _facts(corpus: Corpus, measured: Corpus, labels: Mapping[str, Any], series: pl.DataFrame) -> list[tuple[str, str]]:
    """Numbers to begin with: what was read, measured and coded, and when."""
    made = [(f"{corpus.files['read'].sum():,}", "rows read"), (f"{measured.posts.height:,}", "posts measured")]
    if isinstance(labels.get("coded"), int):
        made.append((f"{labels['coded']:,}", "posts given to coders"))
    begin = first_moment(series["window"].sort()[0]) if series.height else None
    if begin is not None:
        row, step = series.sort("start").row(-1, named=True), step_name(series)
        many = f"{series['window'].n_unique()} {'windows' if step[:1].isdigit() else step + 's'}, first to last day"
        made.append((f"{day_name(begin)} – {last_day(row['window'], row['start'], row['end'])}", many))
    return made


def _cite(title: str, record: Mapping[str, Any]) -> tuple[str, ...]:
    """Lines on how to cite the page and the software, from the package's own metadata."""
    about = metadata("discourse")
    package = record.get("package", {})
    name, version = about["Name"], package.get("version", about["Version"])
    return (
        f"This page: {title}. Made with {name} {version}; source {str(package.get('source_sha256', ''))[:12]}, "
        f"model {record.get('model', '')}, seed {record.get('seed', '')}.",
        f"The software: The {name} developers, {name} (version {version}). CITATION.cff beside the source has it in a "
        "form that reference managers read.",
        "The corpus: as its card (README.md in its folder) says.",
        "Beside every number you quote, give the measure, the weight, the window, the interval and what it assumes.",
    )


_LABEL_WORDS = {
    "codebook": "Codebook",
    "moved": "Copies",
    "undecided": "Posts without an agreed frame",
    "coded": "Posts given to coders",
    "training": "Posts that train the classifier",
    "gold": "Posts that measure (gold)",
}
_SCORES = ("macro_f1", "accuracy", "f1")
