"""Posts dealt out by author, or by window, into pieces that fit into memory and may be tallied apart.

Author weights need all posts of an author at once, weights of unique texts all posts of a window. Each file of posts is
dealt out into one spill file with a batch a shard; shard s of a corpus is batch s of every file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from discourse.errors import BadInput
from discourse.measure.methods import METHODS, SCORES_OF
from discourse.measure.spread import author_keys
from discourse.measure.timeline import Plan
from discourse.measure.windows import Calendar, place_in_windows
from discourse.schema import FRAMES, one_of

__all__ = ["POSTS_A_SHARD", "columns_of", "deal_out", "read_shard"]

POSTS_A_SHARD: Final = 500_000
"""About how many posts are dealt into one shard."""

_ALWAYS: Final = ("author_id", "side", "window", "predicted", "value", "inclusion_p", "sentiment")


def columns_of(plan: Plan) -> tuple[str, ...]:
    """What a plan needs to know of a post in its window.

    >>> columns_of(Plan(weight="post"))[:3]
    ('author_id', 'side', 'window')
    """
    unique = ("post_id", "created_at", "copy_id") if plan.weight == "unique_text" else ()
    scored = SCORES_OF[one_of(plan.method, METHODS, "method")] != "none"
    return (*_ALWAYS, *unique, *(f"p_{frame}" for frame in FRAMES if scored))


def deal_out(observed: pl.DataFrame, plan: Plan, shards: int, path: str | Path) -> None:
    """Write n posts of `timeline.observe` into one spill file, each into the shard of its author.

    With the weight of unique texts each goes into the shard of its window. `sentiment` is that of the post in [-1, 1],
    null where it has none.
    """
    placed = place_in_windows(observed, Calendar(plan.every, plan.zones)).select(columns_of(plan))
    by = "window" if plan.weight == "unique_text" else "author_id"
    names = placed[by].unique()
    shard = pl.DataFrame({by: names, "shard": author_keys(names, 0) % np.uint64(shards)})
    dealt = placed.join(shard, on=by, how="left", validate="m:1")
    pieces = dealt.partition_by("shard", as_dict=True, include_key=False)
    empty = placed.clear()
    schema = empty.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    with pa.OSFile(os.fspath(path), "wb") as sink, pa.ipc.new_file(
        sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as writer:  # fmt: skip
        for number in range(shards):
            piece = pieces.get((number,), empty).rechunk()
            batches = piece.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks().to_batches()
            writer.write_batch(batches[0] if batches else pa.RecordBatch.from_pylist([], schema=schema))


def read_shard(paths: Sequence[str | Path], shard: int) -> pl.DataFrame:
    """All posts of one shard from the spill files of a corpus. Raises `BadInput` when one is damaged or gone."""
    return pl.concat(_batches(paths, shard))


def _batches(paths: Iterable[str | Path], shard: int) -> list[pl.DataFrame]:
    found = []
    for path in paths:
        try:
            with pa.OSFile(os.fspath(path), "rb") as file:
                batch: Any = pl.from_arrow(pa.ipc.open_file(file).get_batch(shard))
        except (OSError, ValueError, pa.ArrowException):
            raise BadInput(f"the spill file {Path(path).name!r} is damaged or gone; give the command again") from None
        found.append(batch)
    return found
