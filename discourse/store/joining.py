"""Many small parts become few: a corpus that is added to every day stays quick to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from discourse.corpus.settle import greatest
from discourse.store.manifest import Manifest, Part
from discourse.store.reading import open_manifest, ranges_of
from discourse.store.segments import read_part, rows_of, with_bucket
from discourse.store.staging import staging
from discourse.store.writing import Change, change_corpus

__all__ = ["join_parts"]

SMALL_ROWS, MANY = 25_000, 16


def join_parts(folder: str | Path) -> int:
    """Write small parts together, where a kind has sixteen or more of them. Returns how many were joined.

    What the corpus holds, and its digest, stay the same; the small parts go, and the manifests that name them.
    Raises `MissingData` where there is no corpus, `BadInput` when a part is damaged or the disk is full.

    >>> join_parts("no-such-corpus")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus in 'no-such-corpus'; make one with
    discourse import FILE… --corpus no-such-corpus
    """
    place = Path(folder)
    open_manifest(place)
    joined: list[Part] = []

    def attempt(change: Change) -> Manifest | None:
        joined.clear()
        for kind in ("posts", "quarantine", "tombstones"):
            small = [part for part in change.before.of(kind) if part.rows < SMALL_ROWS]
            if len(small) >= MANY:
                change.write(kind, _frames(place, replace(change.before, parts=tuple(small)), kind))
                joined.extend(small)
        for part in joined:
            change.drop(part)
        return change.before.following(parts=change.next_parts()) if joined else None

    with staging(place) as mine:
        change_corpus(place, mine, None, attempt)
    return len(joined)


def _frames(place: Path, small: Manifest, kind: str) -> Iterator[pl.DataFrame]:
    if kind == "posts":
        for low, high in ranges_of(small):
            yield with_bucket(greatest(rows_of(place, small, low, high)))
    else:
        for part in small.parts:
            yield read_part(place, part)
