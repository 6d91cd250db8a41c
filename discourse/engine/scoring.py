"""From a corpus on disk to scored parts: sides, language, sentiment, frames and copy key of every post.

Each partition is scored alone, by a pure function of its posts, the sides and the model; what is finished stays, and a
run that was broken off goes on with the partitions that are missing. Texts never leave a partition.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from discourse.corpus.copies import with_copies
from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.corpus.sides import Sides
from discourse.corpus.texts import with_text
from discourse.engine.backend import Engine
from discourse.engine.partitions import POSTS_EACH, Partition, partitions_of, posts_of
from discourse.engine.scored import SCORED, ScoredPart, Scores, finish_part, finished_part, write_scores
from discourse.errors import MissingData, PrivacyError
from discourse.framing.framed import Framed
from discourse.framing.scorer import LinearFramer
from discourse.framing.store import load_scorer
from discourse.report.manifest import source_hash, versions
from discourse.store.reading import open_manifest

__all__ = ["Scored", "score_corpus", "score_posts"]

_TEXTS: Final = 16_384  # so many are read at a time: fewer are slower, more need memory


@dataclass(frozen=True)
class Scored:
    """What a run did: the scores, and how many partitions it worked on and found finished.

    >>> Scored(Scores("linear@00", ()), worked=0, found=0).scores.rows
    0
    """

    scores: Scores
    worked: int
    found: int


@dataclass(frozen=True)
class _Job:
    """One partition to be scored: references to posts and model, the sides, and where the scores go."""

    partition: Partition
    sides: Sides
    model: str
    model_hash: str
    to: str
    fingerprint: str


def score_corpus(
    corpus: str | Path,
    to: str | Path,
    *,
    sides: Sides,
    model: str | Path,
    key: Key | None = None,
    engine: Engine | None = None,
    posts_each: int = POSTS_EACH,
    progress: Callable[[int], None] | None = None,
) -> Scored:
    """Score every post that stands in a corpus, partition by partition, into the folder `to`.

    `key` binds sides that name accounts and must be the key of the corpus; without it the sides are taken as they are.
    `progress` is told how many posts are scored. Neither engine nor workers change a byte; `posts_each` moves only the
    borders of parts. A run that breaks off is gone on with by the same call.

    Raises `MissingData` without corpus or model, `BadInput` for a damaged one, `PrivacyError` for another key.

    >>> score_corpus("no-such-corpus", "scores", sides=Sides(("pakistan",), ()), model="m.safetensors")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus in 'no-such-corpus'; make one with
    discourse import FILE… --corpus no-such-corpus
    """
    manifest = open_manifest(Path(corpus))
    if key is not None and key.fingerprint != manifest.key:
        raise PrivacyError(
            "the corpus was imported with another key; set DISCOURSE_KEY_FILE to the key it was made with"
        )
    bound = sides if key is None else sides.bind(key)
    file, folder = Path(model).resolve(), Path(to).resolve()
    if not file.is_file():
        raise MissingData(f"there is no model at {model}; train one with `discourse train STUDY.toml`")
    model_hash = hashlib.sha256(file.read_bytes()).hexdigest()
    common = [_plain(bound), model_hash, source_hash(), versions(), platform.python_version()]
    done: dict[int, ScoredPart] = {}
    jobs: dict[int, _Job] = {}
    for number, partition in enumerate(partitions_of(Path(corpus).resolve(), posts_each)):
        made = hashlib.sha256(json.dumps([common, partition.facts]).encode()).hexdigest()
        found = finished_part(folder, made, partition.low, partition.high)
        if found is None:
            jobs[number] = _Job(partition, bound, str(file), model_hash, str(folder), made)
        else:
            done[number] = found
    finished, posts = len(done), sum(part.rows for part in done.values())
    for number, part in zip(jobs, (engine or Engine()).map(_score, list(jobs.values())), strict=True):
        done[number] = part
        posts += part.rows
        if progress is not None:
            progress(posts)
    scores = Scores(_model(str(file), model_hash).model_id, tuple(done[number] for number in sorted(done)))
    write_scores(folder, scores)
    return Scored(scores, len(jobs), finished)


def score_posts(posts: pl.DataFrame, sides: Sides, model: LinearFramer) -> pl.DataFrame:
    """The scores of n posts: the columns of `SCORED`, sorted by `post_id`.

    `copy_id` is the exact `copy_key` of a text: near-copies are only to be found in a corpus as a whole. `sides` are
    bound to the key of the posts.
    """
    placed = Corpus(posts).with_sides(sides).posts
    texts = posts.unique("text", keep="first", maintain_order=True)
    said = pl.concat(_said(texts.slice(at, _TEXTS), model) for at in range(0, max(1, texts.height), _TEXTS))
    return SCORED.frame(placed.drop(said.columns[1:], strict=False).join(said, on="text", how="left", validate="m:1"))


def _said(posts: pl.DataFrame, model: LinearFramer) -> pl.DataFrame:
    """What hangs on the text alone, for n posts of different texts."""
    corpus = with_copies(with_text(Corpus(posts)), near=None)
    framed: Framed = model.predict(corpus)
    read = corpus.posts.select("text", "lang", "sentiment", "copy_id")
    return pl.concat([read, framed.table.drop("post_id", "model")], how="horizontal")


def _score(job: _Job) -> ScoredPart:
    model = _model(job.model, job.model_hash)
    frame = score_posts(posts_of(job.partition), job.sides, model)
    return finish_part(Path(job.to), frame, job.fingerprint, job.partition.low, job.partition.high)


@lru_cache(maxsize=1)
def _model(path: str, _hash: str) -> LinearFramer:
    """The model, read once a process."""
    return load_scorer(path)


def _plain(value: Any) -> Any:
    """A value of dataclasses, mappings and sets as JSON has it, in one order."""
    if is_dataclass(value):
        return [type(value).__name__, *(_plain(getattr(value, field.name)) for field in fields(value))]
    if isinstance(value, Mapping):
        return sorted(([_plain(key), _plain(one)] for key, one in value.items()), key=repr)
    if isinstance(value, Set):
        return sorted((_plain(one) for one in value), key=repr)
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
