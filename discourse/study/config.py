"""`study.toml` to a validated `Study`: what is read, measured and drawn, and with which settings."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from discourse.corpus.population import Population
from discourse.corpus.sides import Sides
from discourse.errors import MissingData, SchemaError, UsageError
from discourse.events import read_events
from discourse.measure.prevalence import GOLD_WITHIN
from discourse.measure.windows import EVERY
from discourse.readers.read import FORMATS
from discourse.schema import WEIGHTS
from discourse.settings import only_keys, read_toml, word, word_list
from discourse.store.manifest import generations
from discourse.study.effect_settings import EffectSettings, effect_settings
from discourse.study.hypotheses import Hypothesis, hypotheses_of
from discourse.study.values import built, moment, one_word, section, whole_number

__all__ = ["CorpusSource", "LabelSource", "MeasureSettings", "Study"]

_NAME = re.compile(r"\w[\w.-]*")
_CODING = ", or code a sample first: discourse sample STUDY.toml --n 400 --seed 1 --out sample.csv (docs/coding.md)"
_COLUMNS = ("id", "platform", "coders", "agreed", "inclusion", "stratum")
_SECTIONS = (
    "study", "corpus", "sides", "population", "labels", "classifier", "measure", "events", "effects", "hypotheses",
    "truth",
)  # fmt: skip


@dataclass(frozen=True)
class CorpusSource:
    """Where the posts lie and in which format; `made_up` when no person wrote them."""

    files: tuple[Path, ...]
    format: str | None
    mapping: Path | None
    made_up: bool
    where: str
    store: Path | None = None
    near_copies: float | None = 0.9

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files that the posts come from: exports, or the newest manifest of a corpus on disk."""
        return self.files if self.store is None else tuple(generations(self.store)[-1:])


@dataclass(frozen=True)
class LabelSource:
    """The labels file, its layout ("long" or "wide") and how training and gold are told apart.

    `training_share` splits one random sample in two by author and text; None means that the file names roles.
    """

    file: Path
    codebook: Path
    layout: str = "long"
    training_share: float | None = None
    columns: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ClassifierSettings:
    """Inverse regularisation strength, folds of the evaluation, and whether the learning curve is drawn too."""

    c: float = 3.0
    folds: int = 5
    curve: bool = False


@dataclass(frozen=True)
class MeasureSettings:
    """Window length, period, gold scope, weights and sizes of the resampling; see `discourse.Plan`."""

    every: str = "1w"
    begin: datetime | None = None
    end: datetime | None = None
    gold_within: str = "window"
    weights: tuple[str, ...] = WEIGHTS
    replicates: int = 400
    shuffles: int = 200
    force: bool = False


@dataclass(frozen=True)
class Study:
    """One study, read from a file. `data` is the folder its corpus lies in, `folder` that of the study file.

    >>> Study.from_toml("no-such.toml")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no study file 'no-such.toml'; give the path of a TOML file
    """

    name: str
    title: str
    seed: int
    folder: Path
    data: Path
    corpus: CorpusSource
    sides: Path
    population: Population
    labels: LabelSource
    c: float
    folds: int
    measure: MeasureSettings
    curve: bool = False
    events: Path | None = None
    truth: Path | None = None
    notes: tuple[str, ...] = ()
    effects: EffectSettings = field(default_factory=EffectSettings)
    hypotheses: tuple[Hypothesis, ...] = ()

    @property
    def frozen(self) -> Path:
        """Where `discourse freeze` keeps what was decided before looking."""
        return self.folder / "frozen.json"

    @classmethod
    def from_toml(cls, path: str | Path, *, data: str | Path | None = None) -> Study:
        """Read and check a study file.

        The folder of the corpus is, in this order: `data`, the environment variable DISCOURSE_DATA, or the
        `root` the file names. Raises `UsageError` for an impossible setting and `MissingData` for a file that
        is not there, saying where the corpus is to be had.
        """
        file = Path(path)
        book = only_keys(read_toml(file, "study file"), _SECTIONS, "the study file")
        head = only_keys(section(book, "study"), ("name", "title", "seed", "notes"), "[study]")
        corpus = only_keys(
            section(book, "corpus"),
            ("root", "files", "store", "format", "mapping", "made_up", "where", "near_copies"),
            "[corpus]",
        )
        folder = file.resolve().parent
        root = _root(corpus, folder, data)
        classifier = _classifier(book.get("classifier", {}))
        study = cls(
            name=_folder_name(head),
            title=word(head, "title", "[study]"),
            seed=whole_number(head, "seed", "[study]"),
            notes=word_list(head, "notes", "[study]"),
            folder=folder,
            data=root,
            corpus=_corpus(corpus, root, folder),
            sides=folder / word(only_keys(section(book, "sides"), ("file",), "[sides]"), "file", "[sides]"),
            population=_population(book.get("population", {})),
            labels=_labels(section(book, "labels"), root, folder),
            c=classifier.c,
            folds=classifier.folds,
            curve=classifier.curve,
            measure=_measure(book.get("measure", {})),
            events=_optional(book, "events", folder),
            truth=_optional(book, "truth", folder),
            effects=(effects := effect_settings(book.get("effects", {}))),
            hypotheses=hypotheses_of(book.get("hypotheses", []), effects.measures),
        )
        study.check_files()
        study.check_hypotheses()
        return study

    def check_files(self) -> None:
        """Raise `MissingData` for the first file of the study that is not there."""
        if self.corpus.store is not None and not self.corpus.inputs:
            raise MissingData(
                f"there is no corpus in {_short(self.corpus.store)}; make one with discourse import FILE… --corpus"
            )
        for file in self.corpus.files:
            if not file.is_file():
                raise MissingData(
                    f"the corpus file {file.name!r} is not in {_short(file.parent)}; {self.corpus.where} "
                    "Give the folder with --data DIR or the environment variable DISCOURSE_DATA"
                )
        named = {"sides": self.sides, "labels": self.labels.file, "codebook": self.labels.codebook,
                 "events": self.events, "truth": self.truth, "mapping": self.corpus.mapping}  # fmt: skip
        for what, path in named.items():
            if path is not None and not path.is_file():
                raise MissingData(
                    f"the {what} file {path.name!r} is not in {_short(path.parent)}; check [{what}] in the study file"
                    f"{_CODING if what == 'labels' else ''}"
                )

    def check_hypotheses(self) -> None:
        """Raise `UsageError` for a hypothesis about a side or an event that the study does not have."""
        if not self.hypotheses:
            return
        if self.events is None:
            raise UsageError("a hypothesis is about an event, and the study names no [events]; add their file")
        events = tuple(read_events(self.events)["event_id"])
        sides = Sides.from_toml(self.sides).sides
        for one in self.hypotheses:
            one_word(one.event, events, f"event of hypothesis {one.id!r}")
            allowed = ("|".join(sides),) if one.measure == "net-tone-gap" else sides
            one_word(one.side, allowed, f"side of hypothesis {one.id!r}")


def _root(corpus: Mapping[str, Any], folder: Path, data: str | Path | None) -> Path:
    given = data or os.environ.get("DISCOURSE_DATA")
    if given:
        return Path(given).resolve()
    return (folder / word(corpus, "root", "[corpus]") if "root" in corpus else folder).resolve()


def _corpus(table: Mapping[str, Any], root: Path, folder: Path) -> CorpusSource:
    files = word_list(table, "files", "[corpus]")
    store = root / word(table, "store", "[corpus]") if "store" in table else None
    if bool(files) == (store is not None):
        said = "no files" if not files else "both files and a store"
        raise UsageError(f'[corpus] names {said}; write files = ["posts.jsonl.zst"], or store = "my-corpus"')
    mapping = folder / word(table, "mapping", "[corpus]") if "mapping" in table else None
    where = "the study file does not say where to get it (where = ... in [corpus])."
    if "where" in table:
        where = word(table, "where", "[corpus]")
    form = one_word(table["format"], FORMATS, "format in [corpus]") if "format" in table else None
    made_up = table.get("made_up", False)
    if not isinstance(made_up, bool):
        # A word here must not pass for true: it would put real people under a key that everybody has.
        raise UsageError(f"made_up in [corpus] is {made_up!r}; it must be true or false, like false")
    return CorpusSource(tuple(root / name for name in files), form, mapping, made_up, where, store, _near(table))


def _labels(table: Mapping[str, Any], root: Path, folder: Path) -> LabelSource:
    known = ("file", "root", "codebook", "layout", "training_share", "columns")
    only_keys(table, known, "[labels]")
    layout = one_word(table.get("layout", "long"), ("long", "wide"), "layout in [labels]")
    share = table.get("training_share")
    if share is not None and not (isinstance(share, float) and 0.0 < share < 1.0):
        raise UsageError(f"training_share in [labels] is {share!r}; it must lie between 0 and 1, like 0.5")
    base = root if "root" in table and one_word(table["root"], ("data",), "root in [labels]") else folder
    if layout == "wide":
        _check_columns(table.get("columns"))
    return LabelSource(
        file=(base / word(table, "file", "[labels]")).resolve(),
        codebook=(folder / word(table, "codebook", "[labels]")).resolve(),
        layout=layout,
        training_share=None if share is None else float(share),
        columns=table.get("columns"),
    )


def _check_columns(columns: Any) -> None:
    """Raise `UsageError` unless [labels.columns] says what a wide labels file needs."""
    if columns is None:
        raise UsageError("a wide labels file needs [labels.columns]: id, platform, coders, agreed, inclusion")
    only_keys(columns, _COLUMNS, "[labels.columns]")
    for key in _COLUMNS:
        if key in ("id", "platform") or (key in columns and key != "coders"):
            word(columns, key, "[labels.columns]")
    coders = columns.get("coders")
    if not isinstance(coders, Mapping) or not coders or not all(isinstance(one, str) for one in coders.values()):
        raise UsageError('coders in [labels.columns] must map columns to variables, like { coder_1 = "frame" }')


def _folder_name(head: Mapping[str, Any]) -> str:
    name = word(head, "name", "[study]")
    if not _NAME.fullmatch(name):
        raise UsageError(f"name in [study] is {name!r}; it names a folder: write letters, digits, '-', '_' or '.'")
    return name


def _near(table: Mapping[str, Any]) -> float | None:
    """How alike texts must be to count as copies; None where only exact copies do."""
    near = table.get("near_copies", 0.9)
    if near is False:
        return None
    if isinstance(near, bool) or not isinstance(near, int | float) or not 0.5 <= near <= 1.0:
        raise UsageError(f"near_copies in [corpus] is {near!r}; it must be from 0.5 to 1, like 0.9, or false")
    return float(near)


def _population(table: Any) -> Population:
    try:
        return built(Population, table, "[population]")
    except SchemaError as error:
        raise UsageError(f"in [population], {error}") from None


def _classifier(table: Any) -> ClassifierSettings:
    made = built(ClassifierSettings, table, "[classifier]")
    if not 0.0 < made.c < float("inf"):
        raise UsageError(f"c in [classifier] is {made.c}; it must be above 0, like 3.0")
    if made.folds < 2:
        raise UsageError(f"folds in [classifier] is {made.folds}; it must be 2 or more, like 5")
    return made


def _measure(table: Any) -> MeasureSettings:
    only_keys(table, [one.name for one in fields(MeasureSettings)], "[measure]")
    made = built(MeasureSettings, {k: moment(v) if k in ("begin", "end") else v for k, v in table.items()}, "[measure]")
    for weight in made.weights:
        one_word(weight, WEIGHTS, "a weight in [measure]")
    if not made.weights or len(set(made.weights)) < len(made.weights):
        raise UsageError(f"weights in [measure] is {list(made.weights)}; name some of {', '.join(WEIGHTS)}")
    for key, count, size in (("replicates", made.replicates, 400), ("shuffles", made.shuffles, 200)):
        if count < 1:
            raise UsageError(f"{key} in [measure] is {count}; it must be 1 or more, like {size}")
    if made.begin and made.end and made.begin >= made.end:
        raise UsageError("the period in [measure] ends before it begins; check begin and end")
    one_word(made.every, EVERY, "every in [measure]")
    one_word(made.gold_within, GOLD_WITHIN, "gold_within in [measure]")
    return made


def _optional(book: Mapping[str, Any], name: str, folder: Path) -> Path | None:
    if name not in book:
        return None
    return (folder / word(only_keys(section(book, name), ("file",), f"[{name}]"), "file", f"[{name}]")).resolve()


def _short(path: Path) -> str:
    """A folder relative to where the command was typed, so that no message carries a home directory."""
    try:
        return os.path.relpath(path)
    except ValueError:
        return path.name
