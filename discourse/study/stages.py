"""The stages of a study, each from files to files. This is the only place that knows their order."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl

from discourse.corpus.copies import with_copies
from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.corpus.sides import Sides
from discourse.corpus.texts import campaign_share, with_text
from discourse.errors import MeaningError, PrivacyError
from discourse.estimators.comparison import few_gold, one_campaign, sides_unknown
from discourse.events import read_events
from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import load_model, save_model
from discourse.indices.polarization import NetTone, Polarization
from discourse.judging.curve import learning_curve
from discourse.judging.evaluate import evaluate
from discourse.judging.reliability import reliability
from discourse.labels.agreement import agreement
from discourse.labels.codebook import Codebook
from discourse.labels.labels import Labels, read_labels, read_wide_labels, split_roles
from discourse.labels.relocate import to_representatives
from discourse.measure.groups import BY, over_groups
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import Measure, Plan, guards, observe, over_time
from discourse.readers.mapped import Mapping
from discourse.readers.read import read_posts
from discourse.report.rows import side_name
from discourse.schema import FRAMES, FRAMINGS, LABELS, SERIES
from discourse.store.reading import open_manifest, read_corpus
from discourse.store.saved import load_corpus, read_table, save_corpus, write_table
from discourse.study.config import Study
from discourse.study.ledger import Stage

__all__ = ["STAGES", "Desk", "Progress", "labels_of", "plan_of", "read_series", "stages_of"]

Progress = Callable[[str, int], None]
_MEASURES: tuple[Measure, ...] = (
    *(Prevalence(frame) for frame in FRAMES),
    NetTone(),
    Polarization("esteban-ray"),
    Polarization("net-tone-gap"),
    Polarization("cramer-squared"),
)


@dataclass(frozen=True)
class Desk:
    """One study at work: its settings, the key of its pseudonyms, and the private folder of its tables."""

    study: Study
    key: Key
    work: Path
    progress: Progress

    def path(self, name: str) -> Path:
        """A file or folder in the private folder."""
        return self.work / name


def read(desk: Desk) -> None:
    """Exports to posts: every row accepted, a duplicate, or set aside with its reason."""
    source = desk.study.corpus
    if source.store is not None:
        made_with = open_manifest(source.store).key
        if made_with != desk.key.fingerprint:
            raise PrivacyError(
                "the corpus was imported with another key than the study's; set DISCOURSE_KEY_FILE to the key it was "
                "made with"
            )
        save_corpus(read_corpus(source.store), desk.path("read"))
        return
    mapping = None if source.mapping is None else Mapping.from_toml(source.mapping)
    corpus = read_posts(
        list(source.files), key=desk.key, format=source.format, mapping=mapping,
        progress=lambda n: desk.progress("read", n),
    )  # fmt: skip
    save_corpus(corpus, desk.path("read"))


def prepare(desk: Desk) -> None:
    """Posts with sides, language, normal form, sentiment and copies; and those of them that are measured."""
    sides = Sides.from_toml(desk.study.sides).bind(desk.key)
    corpus = with_copies(with_text(load_corpus(desk.path("read")).with_sides(sides)), desk.study.corpus.near_copies)
    save_corpus(corpus, desk.path("corpus"))
    sides.evidence(corpus).write_csv(desk.path("sides.csv"))
    save_corpus(_in_period(desk.study.population.of(corpus), desk.study), desk.path("measured"))


def label(desk: Desk) -> None:
    """Codes to labels with roles, and how far the coders agree."""
    source, study = desk.study.labels, desk.study
    book = Codebook.from_toml(source.codebook)
    if source.layout == "long":
        labels = read_labels(source.file, book)
    else:
        labels = read_wide_labels(source.file, book, **_wide(source.columns or {}))
    everything, measured = load_corpus(desk.path("corpus")).posts, load_corpus(desk.path("measured")).posts
    langs = everything.select("post_id", pl.format("lang={}", "lang").alias("group"))
    coded = labels.table["variable"].unique().sort()
    agreed = [agreement(labels, variable, seed=study.seed, by=langs) for variable in coded]
    pl.concat(agreed).write_csv(desk.path("agreement.csv"))
    undecided = labels.undecided
    labels, moved = to_representatives(labels, everything, measured)
    if source.training_share is not None:
        labels = split_roles(labels, measured, training_share=source.training_share, seed=study.seed)
    write_table(labels.table, desk.path("labels.parquet"))
    labels.sample.write_parquet(desk.path("sample.parquet"), statistics=False)
    said = {"codebook": book.identity, "moved": moved, "undecided": undecided, "coded": len(labels),
            "training": len(labels.training), "gold": len(labels.gold)}  # fmt: skip
    desk.path("labels.json").write_text(json.dumps(said, indent=1), encoding="utf-8")


def train(desk: Desk) -> None:
    """Training labels to a classifier."""
    model = FramingClassifier(seed=desk.study.seed, c=desk.study.c)
    model.fit(load_corpus(desk.path("measured")), labels_of(desk).training)
    save_model(model, desk.path("model.safetensors"))


def judge(desk: Desk) -> None:
    """The recipe of the classifier, judged out of fold on every labelled post."""
    model, done = FramingClassifier(seed=desk.study.seed, c=desk.study.c), count(1)
    found = evaluate(
        model, load_corpus(desk.path("measured")), labels_of(desk).decided(), seed=desk.study.seed,
        folds=desk.study.folds, progress=lambda _: desk.progress(f"judge, of {desk.study.folds} folds", next(done)),
    )  # fmt: skip
    found.scores.write_csv(desk.path("scores.csv"))
    people = found.predictions.group_by("value", "classifier").agg(n_authors=pl.col("author_id").n_unique())
    named = people.rename({"value": "true", "classifier": "predicted"})
    confusion = found.confusion.join(named, on=["true", "predicted"], how="left", maintain_order="left")
    confusion.with_columns(pl.col("n_authors").fill_null(0)).write_csv(desk.path("confusion.csv"))
    reliability(found.predictions).write_csv(desk.path("calibration.csv"))
    curve = pl.DataFrame()
    if desk.study.curve:
        curve = learning_curve(
            model, load_corpus(desk.path("measured")), labels_of(desk).decided(), seed=desk.study.seed,
            folds=desk.study.folds, progress=lambda _: desk.progress("judge, learning curve", next(done)),
        )  # fmt: skip
    curve.write_csv(desk.path("curve.csv"))


def frame(desk: Desk) -> None:
    """The frame of every measured post, by the classifier. Posts it was trained on are left out of the measure."""
    corpus, training = load_corpus(desk.path("measured")), labels_of(desk).training
    rest = corpus.keep(
        ~pl.col("post_id").is_in(training.frame["post_id"].implode()),
        "coded for training",
        "the classifier has seen them; the gold labels speak for the others",
    )
    save_corpus(rest, desk.path("scored"))
    write_table(load_model(desk.path("model.safetensors")).predict(rest).table, desk.path("framings.parquet"))


def measure(desk: Desk) -> None:
    """Framings and gold to series: corrected and naive, by author and by post."""
    settings, corpus = desk.study.measure, load_corpus(desk.path("scored"))
    gold = labels_of(desk).gold.frame
    inside = gold.join(corpus.posts, on="post_id", how="semi")
    if inside.height < gold.height:
        raise MeaningError(
            f"{gold.height - inside.height} gold labels are outside the measured posts or were trained on"
        )
    observed = observe(corpus.posts, read_table(desk.path("framings.parquet"), FRAMINGS), inside)
    sides = Sides.from_toml(desk.study.sides)
    events = None if desk.study.events is None else read_events(desk.study.events)
    guards(observed, plan=plan_of(desk.study, sides), events=events).write_csv(desk.path("guards.csv"))
    _reasons_against(corpus, inside, sides).write_csv(desk.path("reasons.csv"))
    parts = []
    for method in ("poststrat", "cc"):
        for weight in settings.weights:
            plan = replace(plan_of(desk.study, sides), weight=weight, method=method)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                parts.append(over_time(_MEASURES, observed, plan=plan, seed=desk.study.seed))
            for message in sorted({str(one.message) for one in caught}):
                desk.progress(message, -1)
    SERIES.require(pl.concat(parts)).sort(SERIES.key).write_csv(desk.path("series.csv"), datetime_format="%+")
    _groups(observed, plan_of(desk.study, sides), desk.study.seed).write_csv(
        desk.path("slices.csv"), datetime_format="%+"
    )


def _groups(observed: pl.DataFrame, plan: Plan, seed: int) -> pl.DataFrame:
    """Shares and net tone in each language and on each platform, corrected and naive."""
    measures = [one for one in _MEASURES if not one.shuffled]
    made = [over_groups(measures, observed, by=by, plan=replace(plan, method=method), seed=seed)
            for by in BY for method in ("poststrat", "cc")]  # fmt: skip
    return pl.concat(made).sort("by", "group", *SERIES.key)


def _reasons_against(corpus: Corpus, gold: pl.DataFrame, sides: Sides) -> pl.DataFrame:
    """Why no difference between the sides is to be claimed of these posts: flag, labels that mend it, sentence."""
    placed = corpus.posts.filter(pl.col("side").is_in(list(sides.sides[:2])))
    coded = {side: int((placed.filter(side=side)["post_id"].is_in(gold["post_id"].implode())).sum())
             for side in sides.sides[:2]}  # fmt: skip
    found = (
        sides_unknown(placed.height, corpus.posts.height),
        few_gold({side_name(side): n for side, n in coded.items()}),
        one_campaign(campaign_share(corpus.posts)),
    )
    rows = [(one.flag, one.labels, one.sentence) for one in found if one is not None]
    return pl.DataFrame(rows, schema={"flag": pl.String, "labels": pl.Int64, "said": pl.String}, orient="row")


def stages_of(desk: Desk) -> dict[str, tuple[Stage, Callable[[Desk], None]]]:
    """Every stage up to the series, in order: what it reads, writes and depends on, and the function that runs it."""
    s, at = desk.study, desk.path
    key = desk.key.fingerprint
    labelled = (at("measured"), at("labels.parquet"), at("sample.parquet"), s.labels.codebook)
    optional = tuple(path for path in (s.corpus.mapping,) if path is not None)
    made: tuple[tuple[Callable[[Desk], None], tuple[Path, ...], tuple[str, ...], Any, tuple[str, ...]], ...] = (
        (read, (*s.corpus.inputs, *optional), ("read",), {"key": key, "format": s.corpus.format},
         ("readers", "corpus", "store")),
        (prepare, (at("read"), s.sides, *_beside(s.sides)), ("corpus", "measured", "sides.csv"),
         {"key": key, "population": asdict(s.population), "period": (s.measure.begin, s.measure.end),
          "near": s.corpus.near_copies},
         ("corpus", "text")),
        (label, (at("corpus"), at("measured"), s.labels.file, s.labels.codebook),
         ("labels.parquet", "sample.parquet", "labels.json", "agreement.csv"),
         {"seed": s.seed, "layout": s.labels.layout, "share": s.labels.training_share, "columns": s.labels.columns},
         ("labels",)),
        (train, labelled, ("model.safetensors",), {"seed": s.seed, "c": s.c}, ("framing", "text", "labels")),
        (judge, labelled, ("scores.csv", "confusion.csv", "calibration.csv", "curve.csv"),
         {"seed": s.seed, "c": s.c, "folds": s.folds, "curve": s.curve},
         ("judging", "framing", "text", "labels", "corpus", "estimators")),
        (frame, (*labelled, at("model.safetensors")), ("scored", "framings.parquet"), {},
         ("framing", "text", "labels")),
        (measure, (at("scored"), at("framings.parquet"), *labelled[1:], s.sides, *((s.events,) if s.events else ())),
         ("series.csv", "slices.csv", "guards.csv", "reasons.csv"), {"seed": s.seed, **asdict(s.measure)},
         ("measure", "estimators", "indices", "labels", "corpus", "events.py", "poisson.py")),
    )  # fmt: skip
    return {
        run.__name__: (Stage(run.__name__, inputs, tuple(at(name) for name in out), settings, (*rooms, "study")), run)
        for run, inputs, out, settings, rooms in made
    }


STAGES = ("read", "prepare", "label", "train", "judge", "frame", "measure", "effects", "describe", "draw", "report")


def plan_of(study: Study, sides: Sides) -> Plan:
    """How the headline series of a study is made: each author counts once where the study allows it."""
    settings = study.measure
    return Plan(
        every=settings.every, sides=(sides.sides[0], sides.sides[1]), zones=dict(sides.timezones),
        weight="author" if "author" in settings.weights else settings.weights[0], gold_within=settings.gold_within,
        begin=settings.begin, end=settings.end, replicates=settings.replicates, shuffles=settings.shuffles,
        force=settings.force,
    )  # fmt: skip


def read_series(desk: Desk) -> pl.DataFrame:
    """The series table as the stage `measure` wrote it, private."""
    text = {"window": pl.String, "flags": pl.String, "assumes": pl.String}
    raw = pl.read_csv(desk.path("series.csv"), schema_overrides={**text, "start": pl.String, "end": pl.String},
                      infer_schema_length=None)  # fmt: skip
    moment = [pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in ("start", "end")]
    return SERIES.frame(raw.with_columns(*moment, pl.col("flags", "assumes").fill_null("")))


def _in_period(corpus: Corpus, study: Study) -> Corpus:
    begin, end = study.measure.begin, study.measure.end
    if begin is None and end is None:
        return corpus
    at = pl.col("created_at")
    kept = (pl.lit(True) if begin is None else at >= begin) & (pl.lit(True) if end is None else at < end)
    return corpus.keep(kept, "period", f"from {begin or 'the first post'} to {end or 'the last post'}")


def labels_of(desk: Desk) -> Labels:
    """The labels of a study with their roles, as the stage `label` left them."""
    sample = pl.read_parquet(desk.path("sample.parquet"))
    book = Codebook.from_toml(desk.study.labels.codebook)
    return Labels(read_table(desk.path("labels.parquet"), LABELS), sample, book)


def _wide(columns: Any) -> dict[str, Any]:
    """Arguments of `read_wide_labels` from [labels.columns] of the study file."""
    known = {"id": "id_column", "platform": "platform", "coders": "coders", "agreed": "agreed",
             "inclusion": "inclusion", "stratum": "stratum"}  # fmt: skip
    return {"agreed": None, "inclusion": None, "stratum": None} | {known[key]: value for key, value in columns.items()}


def _beside(sides: Path) -> tuple[Path, ...]:
    """Account lists that stand beside the sides file."""
    return tuple(sorted(sides.parent.glob("*.txt")))
