"""What a card says of a model's training: digests under the study's key, counts of no small cell, scores of no few.

Post ids can be guessed by counting, so no plain hash of one is kept: marks are made with the key of the pseudonyms.
A cell of fewer than ten authors is withheld, and with it a second one where the total would tell it.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b, sha256
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Final

import polars as pl

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.errors import SchemaError
from discourse.framing.features import model_text
from discourse.labels.labels import TrainingLabels
from discourse.registry.card import Cell, PassRate, Score, Training
from discourse.schema import UNKNOWN, as_polars

__all__ = ["LIMITS", "USE", "Facts", "code_hashes", "environment", "marks", "pass_rates", "scores_of", "training_facts"]

MIN_AUTHORS: Final = 10
_MARK_BYTES: Final = 8
_ROUND: Final = 5
_PACKAGES: Final = ("numpy", "scipy", "scikit-learn", "polars")
_SOURCE: Final = (".py", ".toml", ".json", ".npz", ".safetensors")
_DECIDES: Final = ("framing", "text")

USE: Final = (
    "Shares of frames over time in public posts about two countries in conflict, corrected with gold labels. "
    "It says nothing of a person."
)
LIMITS: Final = (
    "A predicted share without its correction by gold labels is not a share.",
    "Not for decisions about people, accounts or single posts.",
    "Languages, sides and topics that the training labels do not hold are guesses.",
    "The scores below are of posts like those that were labelled; other platforms and other times need new labels.",
)


@dataclass(frozen=True)
class Facts:
    """What a card says beyond what the model itself shows.

    `evaluated` says in words how the scores were made ("out of fold, 5 folds, …"), or that there are none.

    >>> Facts(training=None, codebook="framing 2").intended_use == USE
    True
    """

    training: Training | None
    codebook: str
    evaluated: str = "not evaluated"
    scores: tuple[Score, ...] = ()
    behaviour: tuple[PassRate, ...] = ()
    intended_use: str = USE
    limits: tuple[str, ...] = LIMITS


def training_facts(corpus: Corpus, labels: TrainingLabels, key: Key) -> Training:
    """Digests, marks and counts of the posts of `corpus` that `labels` are of.

    Raises `SchemaError` when a label belongs to no post of the corpus.

    >>> from discourse.schema import POSTS
    >>> training_facts(Corpus(POSTS.empty()), TrainingLabels(_NO_LABELS), Key.made_up("demo")).cells
    ()
    """
    posts = labels.frame.select("post_id", "value").join(corpus.posts, on="post_id", how="inner", validate="1:1")
    if posts.height < len(labels):
        raise SchemaError(f"{len(labels) - posts.height} of {len(labels)} training labels belong to no post here")
    texts = model_text(posts) if posts.height else pl.Series([], dtype=pl.String)
    labelled = [f"{post}\x1f{value}" for post, value in posts.select("post_id", "value").rows()]
    return Training(
        key=key.fingerprint,
        labels=_digest(key, "labels", labelled),
        texts=_digest(key, "texts", texts.to_list()),
        posts=None if posts["author_id"].n_unique() < MIN_AUTHORS else _rounded(posts.height),
        cells=_cells(posts),
        post_marks=_sorted(marks(key, "post", posts["post_id"])),
        author_marks=_sorted(marks(key, "author", posts["author_id"])),
        text_marks=_sorted(marks(key, "text", texts)),
    )


def marks(key: Key, what: str, values: pl.Series) -> list[bytes]:
    """Marks of 8 bytes that stand for n ids or texts under a key: n of them, in the order of `values`.

    >>> one, other = (marks(Key.made_up(name), "post", pl.Series(["x:1"])) for name in ("demo", "other"))
    >>> one == other, len(one[0])
    (False, 8)
    """
    person = f"discourse-{what}"[:16].encode()
    return [
        blake2b(value.encode(), digest_size=_MARK_BYTES, key=key.secret, person=person).digest()
        for value in values.to_list()
    ]


def _digest(key: Key, what: str, values: list[str]) -> str:
    """One digest of a set of words, whatever their order."""
    made = blake2b(digest_size=16, key=key.secret, person=f"all-{what}".encode())
    for value in sorted(values):
        made.update(sha256(value.encode()).digest())
    return made.hexdigest()


def _sorted(made: list[bytes]) -> bytes:
    return b"".join(sorted(set(made)))


def _cells(posts: pl.DataFrame) -> tuple[Cell, ...]:
    """Counts by frame, by language and by side; small ones withheld, and the next smallest when only one would be.

    No cell crosses two of them: what is withheld in one table cannot be had from another.
    """
    columns = {
        "frame": pl.col("value"),
        "language": pl.col("lang").fill_null("und"),
        "side": pl.col("side").fill_null(UNKNOWN),
    }
    return tuple(cell for of, column in columns.items() for cell in _table(posts, of, column))


def _table(posts: pl.DataFrame, of: str, column: pl.Expr) -> Iterator[Cell]:
    counted = (
        posts.group_by(column.alias("cell"))
        .agg(posts=pl.len(), authors=pl.col("author_id").n_unique())
        .sort("authors", "cell")
        .with_columns(hidden=pl.col("authors") < MIN_AUTHORS)
    )
    if counted["hidden"].sum() == 1:
        counted = counted.with_columns(hidden=pl.int_range(pl.len()) < 2)
    for value, posts_of, authors, hidden in counted.sort("cell").rows():
        numbers = (None, None) if hidden else (_rounded(posts_of), _rounded(authors))
        yield Cell(of=of, value=value, posts=numbers[0], authors=numbers[1])


def _rounded(count: int) -> int:
    return _ROUND * round(count / _ROUND)


def scores_of(scores: pl.DataFrame, labelled: pl.DataFrame) -> tuple[Score, ...]:
    """Rows of an evaluation for a card; what rests on fewer than ten authors is withheld.

    `scores` are those of `Evaluation`; `labelled` has the evaluated posts with author_id, lang, side and value. A
    group of fewer than ten authors, or one that the posts do not have, is left out; a frame that fewer than ten authors
    of the group carry has its row without numbers.

    >>> scores = pl.DataFrame({"model": ["classifier"], "group": ["all"], "metric": ["macro_f1"], "class": ["all"],
    ...                        "estimate": [0.7], "low": [0.6], "high": [0.8], "n": [600]})
    >>> few = pl.DataFrame({"author_id": ["a"], "lang": ["ps"], "side": ["unknown"], "value": ["both"]})
    >>> scores_of(scores, few)
    ()
    """
    made = []
    authors = _authors(labelled)
    for row in as_polars(scores).to_dicts():
        group, of = str(row["group"]), str(row["class"])
        if authors.get(group, {"": 0})[""] < MIN_AUTHORS:
            continue
        shown = of == "all" or authors[group].get(of, 0) >= MIN_AUTHORS
        numbers = {name: _number(row[name]) if shown else None for name in ("estimate", "low", "high")}
        made.append(
            Score(model=row["model"], group=group, metric=row["metric"], of=of, n=_rounded(row["n"]), **numbers)
        )
    return tuple(made)


def pass_rates(table: pl.DataFrame) -> tuple[PassRate, ...]:
    """Pass rates of the behavioural tests for a card, from `judging.behaviour.Behaviour.table`.

    >>> row = {"capability": "link", "kind": "invariance", "lang": "ur", "cases": 10, "passed": 9}
    >>> [(one.test, one.language, one.passed, one.cases) for one in pass_rates(pl.DataFrame([row]))]
    [('link (invariance)', 'ur', 9, 10)]
    """
    return tuple(
        PassRate(test=f"{row['capability']} ({row['kind']})", language=row["lang"], passed=row["passed"],
                 cases=row["cases"])
        for row in as_polars(table).to_dicts()
    )  # fmt: skip


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def _authors(labelled: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Authors of each group, by frame and ("") together."""
    parts = {"all": labelled}
    for column in ("lang", "side"):
        for (value,), part in labelled.drop_nulls(column).group_by(column):
            parts[f"{column}={value}"] = part
    found = {}
    for group, part in parts.items():
        by = part.group_by("value").agg(pl.col("author_id").n_unique())
        found[group] = {"": part["author_id"].n_unique(), **dict(by.rows())}
    return found


@cache
def code_hashes() -> dict[str, str]:
    """SHA-256 of the package's source: of all of it, and of the rooms that decide what a model gives.

    >>> sorted(code_hashes())
    ['framing', 'package', 'text']
    """
    root = Path(str(files("discourse")))
    return {name: _source(root, root if name == "package" else root / name) for name in ("package", *_DECIDES)}


def _source(root: Path, place: Path) -> str:
    whole = sha256()
    for file in sorted(place.rglob("*"), key=lambda one: one.relative_to(root).as_posix()):
        if file.is_file() and file.suffix in _SOURCE:
            whole.update(f"{file.relative_to(root).as_posix()}\0{sha256(file.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def environment() -> dict[str, str]:
    """Versions and the kind of machine that a model's numbers may hang on; no name of a machine or person.

    >>> sorted(environment())
    ['machine', 'numpy', 'polars', 'python', 'scikit-learn', 'scipy', 'system']
    """
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }


_NO_LABELS: Final = pl.DataFrame(schema={"post_id": pl.String, "value": pl.String})
