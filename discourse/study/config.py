"""`study.toml` to a validated `Study`: what is read, measured and drawn, and with which settings."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from discourse.corpus.population import Population
from discourse.errors import MissingData, SchemaError, UsageError
from discourse.measure.prevalence import GOLD_WITHIN
from discourse.measure.windows import EVERY
from discourse.readers.read import FORMATS
from discourse.schema import WEIGHTS, one_of
from discourse.settings import only_keys, read_toml, word, word_list
from discourse.store.manifest import generations

__all__ = ["CorpusSource", "LabelSource", "MeasureSettings", "Study"]

_T = TypeVar("_T")
_NAME = re.compile(r"\w[\w.-]*")
_COLUMNS = ("id", "platform", "coders", "agreed", "inclusion", "stratum")
_SECTIONS = ("study", "corpus", "sides", "population", "labels", "classifier", "measure", "events", "truth")


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
    """Inverse regularisation strength, and folds of the evaluation."""

    c: float = 3.0
    folds: int = 5


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
    events: Path | None = None
    truth: Path | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def from_toml(cls, path: str | Path, *, data: str | Path | None = None) -> Study:
        """Read and check a study file.

        The folder of the corpus is, in this order: `data`, the environment variable DISCOURSE_DATA, or the
        `root` the file names. Raises `UsageError` for an impossible setting and `MissingData` for a file that
        is not there, saying where the corpus is to be had.
        """
        file = Path(path)
        book = only_keys(read_toml(file, "study file"), _SECTIONS, "the study file")
        head = only_keys(_table(book, "study"), ("name", "title", "seed", "notes"), "[study]")
        corpus = only_keys(
            _table(book, "corpus"),
            ("root", "files", "store", "format", "mapping", "made_up", "where", "near_copies"),
            "[corpus]",
        )
        folder = file.resolve().parent
        root = _root(corpus, folder, data)
        classifier = _classifier(book.get("classifier", {}))
        study = cls(
            name=_folder_name(head),
            title=word(head, "title", "[study]"),
            seed=_whole(head, "seed", "[study]"),
            notes=word_list(head, "notes", "[study]"),
            folder=folder,
            data=root,
            corpus=_corpus(corpus, root, folder),
            sides=folder / word(only_keys(_table(book, "sides"), ("file",), "[sides]"), "file", "[sides]"),
            population=_population(book.get("population", {})),
            labels=_labels(_table(book, "labels"), root, folder),
            c=classifier.c,
            folds=classifier.folds,
            measure=_measure(book.get("measure", {})),
            events=_optional(book, "events", folder),
            truth=_optional(book, "truth", folder),
        )
        study.check_files()
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
                )


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
        return _built(Population, table, "[population]")
    except SchemaError as error:
        raise UsageError(f"in [population], {error}") from None


def _classifier(table: Any) -> ClassifierSettings:
    made = _built(ClassifierSettings, table, "[classifier]")
    if not 0.0 < made.c < float("inf"):
        raise UsageError(f"c in [classifier] is {made.c}; it must be above 0, like 3.0")
    if made.folds < 2:
        raise UsageError(f"folds in [classifier] is {made.folds}; it must be 2 or more, like 5")
    return made


def _measure(table: Any) -> MeasureSettings:
    only_keys(table, [field.name for field in fields(MeasureSettings)], "[measure]")
    made = _built(
        MeasureSettings, {k: _moment(v) if k in ("begin", "end") else v for k, v in table.items()}, "[measure]"
    )
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


def _built(kind: type[_T], table: Any, where: str) -> _T:
    """A frozen value from a table whose keys are its fields; lists become tuples."""
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    only_keys(table, known, where)
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    for key, value in given.items():
        default = known[key].default
        if default is not MISSING and default is not None and not _fits(value, default):
            raise UsageError(f"{key} in {where} is {value!r}; it must be {_kind(default)}, like {_toml(default)}")
    return kind(**given)


def _fits(value: Any, default: Any) -> bool:
    """Whether a value is of the kind of the default; true is no number, and a whole number is a number."""
    if isinstance(value, bool) or isinstance(default, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, (int, float) if isinstance(default, float) else type(default))


def one_word(value: Any, allowed: tuple[str, ...], what: str) -> str:
    """`schema.one_of` for something a person typed into a study file."""
    try:
        return one_of(value, allowed, what)
    except SchemaError as error:
        raise UsageError(str(error)) from None


def _table(book: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if not isinstance(book.get(name), Mapping):
        raise UsageError(f"the study file has no [{name}] section; see docs/study-file.md for what belongs there")
    section: Mapping[str, Any] = book[name]
    return section


def _optional(book: Mapping[str, Any], name: str, folder: Path) -> Path | None:
    if name not in book:
        return None
    return (folder / word(only_keys(_table(book, name), ("file",), f"[{name}]"), "file", f"[{name}]")).resolve()


def _whole(table: Mapping[str, Any], key: str, where: str) -> int:
    value = table.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**32:
        raise UsageError(f"{key} in {where} is {value!r}; it must be a whole number from 0 to 2**32 - 1, like 2024")
    return value


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise UsageError(f"a time in [measure] is {value!r}; write it with its zone, like 2024-12-01T00:00:00+05:00")


def _kind(default: Any) -> str:
    return {bool: "true or false", int: "a whole number", str: "a word", tuple: "a list"}.get(type(default), "a number")


def _toml(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return str(list(default)) if isinstance(default, tuple) else repr(default)


def _short(path: Path) -> str:
    """A folder relative to where the command was typed, so that no message carries a home directory."""
    try:
        return os.path.relpath(path)
    except ValueError:
        return path.name
