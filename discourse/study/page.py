"""The last stage of a study: the page, with the manifest and the tables that may be published beside it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from discourse.corpus.posts import Corpus
from discourse.framing.store import load_model
from discourse.report.guard import shown
from discourse.report.manifest import manifest, write_manifest
from discourse.report.page import ReportContent, ReportFigure, write_report
from discourse.report.save import csv_bytes
from discourse.report.words import answer_sentences
from discourse.store.saved import load_corpus
from discourse.study.aside import Aside
from discourse.study.draw_effects import effect_tables, publish_effects
from discourse.study.stages import Desk, read_series
from discourse.text.columns import coverage
from discourse.whole import write_whole

__all__ = ["write_page"]


def write_page(desk: Desk, published: Path, names: tuple[str, ...]) -> None:
    """Write report.html, manifest.json and the tables of the page; `names` are the figures in their order."""
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
