"""Stored tables: Parquet with page checksums, sorted by bucket, named after their content."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from discourse.corpus.settle import OBSERVED
from discourse.errors import BadInput
from discourse.store import disk
from discourse.store.manifest import Manifest, Part

__all__ = ["BUCKET", "BUCKETS", "PartWriter", "check_part", "read_part", "rows_of", "with_bucket"]

BUCKET, BUCKETS = "bucket", 1 << 16
DATA = "data"
STORED: dict[str, Any] = {BUCKET: pl.UInt16(), **OBSERVED}
_REPEATED = [  # a dictionary of what hardly recurs costs time and saves nothing
    "platform", "author_id", "kind", "lang_declared", "country", "country_basis", "location", "handle_id", "community",
    "source_file",
]  # fmt: skip
_SORTED = [BUCKET, "post_id", "author_id", "text"]
_ROWS = 250_000
_DAMAGED = "{name!r} of the corpus is damaged or gone; type discourse verify to see all that is wrong"


def with_bucket(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their bucket: two bytes of a hash of `post_id`, the same for ever and everywhere.

    >>> with_bucket(pl.DataFrame({"post_id": ["x:1"]}))["bucket"].dtype
    UInt16
    """
    hashes = b"".join([hashlib.blake2b(one.encode(), digest_size=2).digest() for one in rows["post_id"]])
    return rows.with_columns(pl.Series(BUCKET, np.frombuffer(hashes, ">u2").astype(np.uint16)))


class PartWriter:
    """Writes frames into one part after the other, each of about 250,000 rows, and gives them their names.

    Frames of posts come in the order of their buckets. Each file is written in the staging folder, flushed, and
    moved to the data folder under the hash of its bytes and a random end, which no later file can have.
    """

    def __init__(self, folder: Path, staging: Path, kind: str) -> None:
        self._folder, self._staging, self._kind = folder, staging, kind
        self._writer: Any = None
        self._path = staging
        self._rows = self._low = self._high = 0
        self._parts: list[Part] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Append rows; those of posts must have `BUCKET` and are sorted here."""
        if not frame.height:
            return
        posts = self._kind == "posts"
        if posts:
            frame = frame.select(list(STORED)).sort(_SORTED)
        table = frame.to_arrow()
        with disk.taking("a part of the corpus"):
            if self._writer is None:
                self._path = self._staging / f"{self._kind}-{secrets.token_hex(4)}.tmp"
                self._low = int(frame[BUCKET][0]) if posts else 0
                self._writer = pq.ParquetWriter(
                    self._path,
                    table.schema,
                    compression="zstd",
                    write_page_checksum=True,
                    use_dictionary=_REPEATED if posts else True,
                    write_statistics=[BUCKET] if posts else False,
                )
            self._writer.write_table(table, row_group_size=65_536)
        self._rows += frame.height
        self._high = int(frame[BUCKET][-1]) if posts else BUCKETS - 1
        if self._rows >= _ROWS:
            self._finish()

    def close(self) -> tuple[Part, ...]:
        """Finish the last part. Returns all, in order."""
        self._finish()
        return tuple(self._parts)

    def discard(self) -> None:
        """Remove what was written: another writer was first, and the work is done again."""
        if self._writer is not None:
            with suppress(OSError):  # a full disk takes no footer either
                self._writer.close()
            disk.remove(self._path)
        for part in self._parts:
            disk.remove(self._folder / DATA / part.name)

    def _finish(self) -> None:
        if self._writer is None:
            return
        with disk.taking("a part of the corpus"):
            self._writer.close()
            disk.fsync(self._path)
            digest = disk.hash_of(self._path)
            name = f"{digest[:40]}-{secrets.token_hex(4)}.parquet"
            size = self._path.stat().st_size
            os.chmod(self._path, 0o600)
            disk.rename(self._path, self._folder / DATA / name)
        self._parts.append(Part(name, self._kind, digest, size, self._rows, self._low, self._high))
        self._writer, self._rows = None, 0


def read_part(folder: Path, part: Part, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """One whole part, its bytes compared with its hash where all columns are read, else its pages checked.

    Raises `BadInput` when it is damaged, or gone from a corpus that names it.
    """
    if columns is None:
        check_part(folder, part)
    groups = list(_groups(folder, part, columns, 0, BUCKETS))
    return pl.concat(groups) if groups else pl.DataFrame()


def check_part(folder: Path, part: Part) -> None:
    """Compare a part with its size and hash. Raises `BadInput` when it is damaged or gone.

    >>> check_part(Path("corpus"), Part("a.parquet", "posts", "00", 1, 1))
    Traceback (most recent call last):
    discourse.errors.BadInput: 'a.parquet' of the corpus is damaged or gone; type discourse verify to see all that is
    wrong
    """
    path = folder / DATA / part.name
    try:
        sound = path.stat().st_size == part.bytes and disk.hash_of(path) == part.sha256
    except OSError:
        sound = False
    if not sound:
        raise BadInput(_DAMAGED.format(name=part.name))


def rows_of(
    folder: Path, manifest: Manifest, low: int = 0, high: int = BUCKETS - 1, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """The stored posts whose bucket lies from `low` to `high`: every text of each, as often as it was stored."""
    wanted = list(STORED) if columns is None else list(dict.fromkeys([BUCKET, *columns]))
    empty = pl.DataFrame(schema={name: STORED[name] for name in wanted})
    found: Iterable[pl.DataFrame] = (
        group
        for part in manifest.of("posts")
        if part.low <= high and part.high >= low
        for group in _groups(folder, part, wanted, low, high)
    )
    inside = pl.col(BUCKET).is_between(low, high)
    return pl.concat([empty, *(group.select(wanted).filter(inside) for group in found)])


def _groups(folder: Path, part: Part, columns: Sequence[str] | None, low: int, high: int) -> Iterator[pl.DataFrame]:
    try:
        with pq.ParquetFile(folder / DATA / part.name, page_checksum_verification=True) as file:
            for number in range(file.num_row_groups):
                if part.kind != "posts" or _meets(file.metadata.row_group(number), low, high):
                    group = pl.DataFrame(file.read_row_group(number, columns=columns))
                    if columns is not None and set(group.columns) != set(columns):
                        raise BadInput(_DAMAGED.format(name=part.name))
                    yield group
    except (OSError, ValueError, KeyError, pa.ArrowException, pl.exceptions.PolarsError):
        raise BadInput(_DAMAGED.format(name=part.name)) from None


def _meets(group: Any, low: int, high: int) -> bool:
    statistics = group.column(0).statistics
    return statistics is None or not statistics.has_min_max or (statistics.min <= high and statistics.max >= low)
