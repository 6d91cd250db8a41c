"""Rows on their way into a corpus: in memory while they are few, else on disk, parted by bucket.

What is read may be larger than memory. A part of it, all records whose bucket lies in one range, is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from discourse.corpus.settle import ITEM, OBSERVED
from discourse.readers.account import ASIDE
from discourse.store import disk
from discourse.store.segments import BUCKET, BUCKETS, with_bucket

__all__ = ["AsideSpool", "Spool"]

PARTS = 512
_IN_MEMORY = 50_000
_SCHEMA: dict[str, Any] = {**OBSERVED, ITEM: pl.Int64(), BUCKET: pl.UInt16()}


class Spool:
    """Takes frames of rows and gives them back part by part, in the order of their buckets.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [low_high_rows[:2] for low_high_rows in Spool(Path(folder)).parts()]
    []
    """

    def __init__(self, folder: Path, in_memory: int = _IN_MEMORY) -> None:
        self._folder = folder
        self._limit = in_memory
        self._held: list[pl.DataFrame] = []
        self._others: list[Spool] = []

    def take(self, frame: pl.DataFrame) -> None:
        """Add rows with the columns of `OBSERVED` and `item`."""
        self._held.append(with_bucket(frame).select(list(_SCHEMA)))
        if sum(one.height for one in self._held) > self._limit:
            self.spill()

    def spill(self) -> None:
        """Write what is held to the disk, in the order of the buckets: of such a file any range is read alone."""
        held = [frame for frame in self._held if frame.height]
        if not held:
            return
        table = pl.concat(held).sort(BUCKET).to_arrow().combine_chunks()
        path = self._folder / f"rows-{len(self._files())}.arrow"
        with disk.taking("a part of what was read"), pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
        self._held.clear()

    def join(self, other: Spool) -> None:
        """Give the rows of another spool, of another process, together with these."""
        self._others.append(other)

    def parts(self) -> Iterator[tuple[int, int, pl.DataFrame]]:
        """The lowest and highest bucket of each part, and its rows; again each time it is asked.

        A part has about as many rows as may be in memory at once, so that few rows are one part.
        """
        spools = [self, *self._others]
        if not any(spool._files() for spool in spools):
            frames = [frame for spool in spools for frame in spool._held]
            if frames:
                yield 0, BUCKETS - 1, pl.concat(frames)
            return
        for spool in spools:
            spool.spill()
        files = [path for spool in spools for path in spool._files()]
        wanted = sum(_height(path) for path in files) // max(1, self._limit)
        width = BUCKETS // min(PARTS, 1 << wanted.bit_length())
        for low in range(0, BUCKETS, width):
            rows = pl.concat([_range(path, low, low + width - 1) for path in files])
            if rows.height:
                yield low, low + width - 1, rows

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("rows-*.arrow"))


def _height(path: Path) -> int:
    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as rows:
        return int(rows.get_batch(0).num_rows)


def _range(path: Path, low: int, high: int) -> pl.DataFrame:
    """The rows of a spilled file whose bucket lies from `low` to `high`; the others are not read."""
    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as rows:
        batch = rows.get_batch(0)
        first, last = np.searchsorted(batch.column(BUCKET).to_numpy(), [low, high + 1])
        return pl.DataFrame(batch.slice(first, last - first))


class AsideSpool:
    """Takes what was set aside, with its bytes, and keeps the bytes on disk when they are many.

    `listed` has source_file, source_line and reason of all of it.

    >>> AsideSpool(Path("staging")).listed.height
    0
    """

    def __init__(self, folder: Path, in_memory: int = 32 << 20) -> None:
        self._folder, self._room = folder, in_memory
        self._held: list[pl.DataFrame] = []
        self._files: list[Path] = []
        self.listed = pl.DataFrame(schema={name: ASIDE[name] for name in ("source_file", "source_line", "reason")})

    def take(self, frame: pl.DataFrame) -> None:
        """Add rows with the columns of `account.ASIDE`."""
        self.listed = pl.concat([self.listed, frame.select(self.listed.columns)])
        size = int(frame.estimated_size())
        if size <= self._room:
            self._room -= size
            self._held.append(frame)
            return
        path = self._folder / f"aside-{len(self._files)}.arrow"
        with disk.taking("a part of what was set aside"):
            table = frame.to_arrow()
            with pa.ipc.new_stream(path, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
                writer.write_table(table)
        self._files.append(path)

    def join(self, other: AsideSpool) -> None:
        """Add all of another spool."""
        self._held += other._held
        self._files += other._files
        self.listed = pl.concat([self.listed, other.listed])

    def frames(self) -> Iterator[pl.DataFrame]:
        """All rows, frame by frame; again each time it is asked."""
        yield from self._held
        for path in self._files:
            yield _read(path)


def _read(path: Path) -> pl.DataFrame:
    with pa.OSFile(str(path)) as file:
        tables = []
        while file.tell() < file.size():
            with pa.ipc.open_stream(file) as stream:
                tables.append(pl.DataFrame(stream.read_all()))
    return pl.concat(tables)
