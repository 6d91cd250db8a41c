"""A corpus on disk in partitions: ranges of buckets, each of which holds all records of its posts.

A partition is named by numbers and hashes, which travel to a worker; posts do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from discourse.corpus.settle import as_live, greatest, without_rivals
from discourse.errors import UsageError
from discourse.schema import POSTS
from discourse.store.manifest import Manifest
from discourse.store.reading import open_manifest
from discourse.store.segments import BUCKET, BUCKETS, rows_of

__all__ = ["POSTS_EACH", "Partition", "partitions_of", "posts_of"]

POSTS_EACH: Final = 250_000
"""About how many posts a partition holds."""

_NEEDED: Final = (
    "post_id", "platform", "author_id", "created_at", "text", "kind", "lang_declared", "country", "country_basis",
    "location", "handle_id", "community", "source_file",
)  # fmt: skip
_CHAIN: Final = ["post_id", "version_of", "created_at"]


@dataclass(frozen=True)
class Partition:
    """The posts of a corpus whose bucket lies from `low` to `high`, as its manifest names them.

    `gone` are those of them that a later version of another id replaced.
    """

    folder: str
    manifest: Manifest
    low: int
    high: int
    gone: tuple[str, ...] = ()

    @property
    def facts(self) -> tuple[object, ...]:
        """What its posts depend on: the hashes of the files that hold them, the buckets, and those that are gone."""
        return (*(part.sha256 for part in self.manifest.parts), self.low, self.high, *self.gone)


def partitions_of(folder: str | Path, posts_each: int = POSTS_EACH) -> tuple[Partition, ...]:
    """The partitions of a corpus, in order of their buckets; the same for every number of workers.

    `posts_each` is the most records that one holds on average, rounded down to a power of two of partitions. Raises
    `MissingData` where there is no corpus, `UsageError` for less than one post.

    >>> partitions_of("no-such-corpus")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus in 'no-such-corpus'; make one with
    discourse import FILE… --corpus no-such-corpus
    """
    if posts_each < 1:
        raise UsageError(f"posts_each is {posts_each}; a partition holds at least 1 post ({POSTS_EACH} is the default)")
    manifest = open_manifest(Path(folder))
    made = []
    for low, high in _ranges(manifest, posts_each):
        meeting = tuple(part for part in manifest.of("posts") if part.low <= high and part.high >= low)
        made.append(Partition(str(folder), Manifest(manifest.generation, manifest.key, meeting), low, high))
    return tuple(_without_gone(made))


def posts_of(partition: Partition) -> pl.DataFrame:
    """The posts that stand in a partition, those of `read_corpus` whose buckets it covers, sorted by `post_id`.

    Columns that no score looks at are null. Raises `BadInput` when a file of the corpus is damaged or gone.
    """
    place, manifest = Path(partition.folder), partition.manifest
    rows = rows_of(place, manifest, partition.low, partition.high, _NEEDED)
    if rows["post_id"].is_duplicated().any():
        rows = as_live(greatest(rows_of(place, manifest, partition.low, partition.high)))
    if partition.gone:
        rows = rows.filter(~pl.col("post_id").is_in(list(partition.gone)))
    return POSTS.frame(rows.drop(BUCKET, strict=False)).sort("post_id")


def _ranges(manifest: Manifest, posts_each: int) -> Iterator[tuple[int, int]]:
    rows = sum(part.rows for part in manifest.of("posts"))
    pieces = min(BUCKETS, 1 << max(0, (max(rows, 1) - 1) // posts_each).bit_length())
    width = BUCKETS // pieces
    for low in range(0, BUCKETS, width):
        yield low, low + width - 1


def _without_gone(partitions: Sequence[Partition]) -> Iterator[Partition]:
    """The partitions with the posts that are gone: chains of versions run through all of them, and are rare."""
    firsts: set[str] = set()
    for one in partitions:
        found = rows_of(Path(one.folder), one.manifest, one.low, one.high, ["version_of"])["version_of"]
        firsts |= set(found.drop_nulls().unique())
    if not firsts:
        yield from partitions
        return
    chains, where = [], []
    for number, one in enumerate(partitions):
        rows = rows_of(Path(one.folder), one.manifest, one.low, one.high)
        named = rows.filter(pl.col("version_of").is_not_null() | pl.col("post_id").is_in(list(firsts)))
        touched = rows.filter(pl.col("post_id").is_in(named["post_id"].unique().implode()))
        live = as_live(greatest(touched.drop(BUCKET))).select(_CHAIN)
        chains.append(live)
        where.append(live.select("post_id", number=pl.lit(number)))
    replaced = without_rivals(pl.concat(chains))
    at = pl.concat(where).filter(pl.col("post_id").is_in(list(replaced)))
    for number, one in enumerate(partitions):
        gone = tuple(at.filter(number=number)["post_id"].unique().sort())
        yield Partition(one.folder, one.manifest, one.low, one.high, gone)
