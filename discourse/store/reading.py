"""A corpus from its folder: what stands, what stood before, and one number for all of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import polars as pl

from discourse.corpus.posts import FILES, Corpus, Step
from discourse.corpus.settle import as_live, greatest, without_rivals
from discourse.errors import BadInput, MissingData
from discourse.schema import POSTS, QUARANTINE
from discourse.store.manifest import Input, Manifest, latest
from discourse.store.segments import BUCKET, BUCKETS, check_part, read_part, rows_of, with_bucket
from discourse.store.writing import tombstones_of

__all__ = ["digest_of", "history_of", "open_manifest", "ranges_of", "read_corpus"]

_AT_ONCE = 100_000
_NOT_HASHED = ("source_file", "source_line")


def open_manifest(folder: Path) -> Manifest:
    """The newest manifest of a corpus that is there. Raises `MissingData` where there is none.

    >>> open_manifest(Path("no-such-corpus"))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus in 'no-such-corpus'; make one with
    discourse import FILE… --corpus no-such-corpus
    """
    manifest = latest(folder)
    if not manifest.generation:
        name = folder.name
        raise MissingData(f"there is no corpus in {name!r}; make one with discourse import FILE… --corpus {name}")
    return manifest


def read_corpus(folder: str | Path, check: bool = True) -> Corpus:
    """The posts that stand in a corpus, with what was set aside and the account of each file.

    With `check`, every stored file is compared with its hash first. A corpus that is written to meanwhile is read
    as it was at one moment. Raises `MissingData` where there is none, `BadInput` when a part is damaged.

    >>> read_corpus("no-such-corpus")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus in 'no-such-corpus'; make one with
    discourse import FILE… --corpus no-such-corpus
    """
    place = Path(folder)
    while True:
        manifest = open_manifest(place)
        try:
            return _read(place, manifest, check)
        except BadInput:
            if latest(place).generation == manifest.generation:
                raise


def _read(place: Path, manifest: Manifest, check: bool) -> Corpus:
    if check:
        _compare(place, manifest)
    joined = greatest(rows_of(place, manifest))
    live = as_live(joined)
    live = live.filter(~pl.col("post_id").is_in(list(without_rivals(live))))
    aside = [read_part(place, part, ["source_file", "source_line", "reason"]) for part in manifest.of("quarantine")]
    quarantine = [frame.with_columns(pl.lit("quarantined").alias("outcome")) for frame in aside]
    files = _files(manifest)
    said = f"generation {manifest.generation} of the corpus: {files.height} files"
    return Corpus(
        posts=POSTS.frame(live),
        quarantine=pl.concat([QUARANTINE.empty(), *quarantine]),
        files=files,
        history=(Step("read", int(files["read"].sum()), live.height, said),),
    )


def _compare(place: Path, manifest: Manifest) -> None:
    for part in manifest.parts:
        check_part(place, part)


def _files(manifest: Manifest) -> pl.DataFrame:
    """The account of each file; those with one name are told apart by the first letters of a hash."""
    shared = Counter(one.file for one in manifest.inputs)
    rows = [
        (
            one.file if shared[one.file] == 1 else f"{one.file}#{_mark(one)}",
            one.format, one.read, one.accepted, one.duplicates, one.quarantined, one.edits, one.deleted,
        )
        for one in manifest.inputs
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=dict(FILES.columns), orient="row")


def _mark(one: Input) -> str:
    """Eight letters that differ where the bytes of two files differ, or the way they were read."""
    return hashlib.sha256(f"{one.sha256} {one.format} {one.how}".encode()).hexdigest()[:8]


def history_of(folder: str | Path) -> pl.DataFrame:
    """Every text that a post has had, those that stand and those that were replaced, with the column `stands`.

    Raises as `read_corpus` does.

    >>> history_of("no-such-corpus")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus in 'no-such-corpus'; make one with
    discourse import FILE… --corpus no-such-corpus
    """
    place = Path(folder)
    joined = greatest(rows_of(place, open_manifest(place)))
    live = as_live(joined)
    live = live.filter(~pl.col("post_id").is_in(list(without_rivals(live)))).with_columns(pl.lit(True).alias("stands"))
    keys = ["post_id", "author_id", "text"]
    marked = joined.join(live.select(*keys, "stands"), on=keys, how="left")
    return marked.with_columns(pl.col("stands").fill_null(value=False)).sort("post_id", "edited_at", "text")


def digest_of(folder: str | Path) -> str:
    """One hash for all that a corpus holds: every text of every post, and every tombstone.

    It hangs neither on the order of imports nor on how rows lie in files; from which file a row came is left out.
    Raises `MissingData` where there is no corpus, `BadInput` when a part is damaged.

    >>> digest_of("no-such-corpus")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus in 'no-such-corpus'; make one with
    discourse import FILE… --corpus no-such-corpus
    """
    place = Path(folder)
    manifest = open_manifest(place)
    _compare(place, manifest)
    digest = hashlib.sha256()
    for low, high in ranges_of(manifest):
        rows = with_bucket(greatest(rows_of(place, manifest, low, high)).drop(*_NOT_HASHED))
        for row in rows.sort(BUCKET, "post_id", "author_id", "text").iter_rows():
            digest.update(msgspec.json.encode(row))
    graves = tombstones_of(place, manifest)
    digest.update(msgspec.json.encode([sorted(graves.subjects), sorted(graves.seen)]))
    return digest.hexdigest()


def ranges_of(manifest: Manifest) -> Iterator[tuple[int, int]]:
    """Ranges of buckets that hold so many rows as fit in memory with ease. Their borders change no digest.

    >>> list(ranges_of(Manifest()))
    [(0, 65535)]
    """
    rows = sum(part.rows for part in manifest.of("posts"))
    pieces = 1 << max(0, (rows // _AT_ONCE).bit_length())
    width = max(1, BUCKETS // pieces)
    for low in range(0, BUCKETS, width):
        yield low, low + width - 1
