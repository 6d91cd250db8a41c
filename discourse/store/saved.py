"""A corpus on disk: Parquet with page checksums, its quarantine, its files and its history, all or nothing.

The tables hold text and pseudonyms: the folder is made readable by its owner alone.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from discourse.corpus.posts import FILES, Corpus, Step
from discourse.errors import BadInput, MissingData
from discourse.schema import POSTS, QUARANTINE, Table
from discourse.store.manifest import FOLDER as MANIFESTS
from discourse.store.reading import read_corpus

__all__ = ["load_corpus", "read_table", "save_corpus", "write_table"]

_NAMES = {"posts": POSTS, "quarantine": QUARANTINE, "files": FILES}


def save_corpus(corpus: Corpus, folder: str | Path) -> None:
    """Write a corpus to a folder, in place of what stood there.

    The new one is written aside and then moved in. Interrupted before the move, the old one stands; interrupted
    within it, the old one stands beside, as `.<name>.before`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     save_corpus(Corpus(POSTS.empty()), f"{place}/corpus")
    ...     len(load_corpus(f"{place}/corpus"))
    0
    """
    target = Path(folder)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True, mode=0o700)
    for name in _NAMES:
        write_table(getattr(corpus, name), aside / f"{name}.parquet")
    steps = json.dumps([asdict(step) for step in corpus.history], ensure_ascii=False, indent=1)
    (aside / "history.json").write_text(steps, encoding="utf-8")
    before = target.with_name(f".{target.name}.before")
    shutil.rmtree(before, ignore_errors=True)
    if target.exists():
        os.replace(target, before)
    os.replace(aside, target)
    shutil.rmtree(before, ignore_errors=True)


def load_corpus(folder: str | Path) -> Corpus:
    """Read a corpus that `import_posts` or `save_corpus` made.

    Raises `MissingData` when it is not there, `BadInput` when it is damaged.

    >>> load_corpus("no-such-corpus")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus in 'no-such-corpus'; make one with `discourse import`
    """
    source = Path(folder)
    if (source / MANIFESTS).is_dir():
        return read_corpus(source)
    if not (source / "history.json").is_file():
        raise MissingData(f"there is no corpus in {source.name!r}; make one with `discourse import`")
    try:
        steps = json.loads((source / "history.json").read_text(encoding="utf-8"))
    except ValueError:
        raise BadInput("history.json is damaged; delete the folder and run the study again") from None
    tables = {name: read_table(source / f"{name}.parquet", table) for name, table in _NAMES.items()}
    return Corpus(**tables, history=tuple(Step(**step) for step in steps))


def write_table(frame: pl.DataFrame, path: Path) -> None:
    """One table as Parquet: zstd, page checksums, and no column statistics, which would show text in the footer."""
    pq.write_table(
        frame.to_arrow(), path, compression="zstd", write_page_checksum=True, write_statistics=False, store_schema=True
    )


def read_table(path: Path, table: Table) -> pl.DataFrame:
    """One table from Parquet, its checksums verified and its columns checked."""
    try:
        arrow: Any = pq.ParquetFile(path, page_checksum_verification=True).read()
    except FileNotFoundError:
        raise MissingData(f"{path.name} is not there; run the study again") from None
    except (OSError, pa.ArrowException):
        raise BadInput(f"{path.name} is damaged; delete it and run the study again") from None
    frame = pl.from_arrow(arrow)
    if not isinstance(frame, pl.DataFrame):
        raise BadInput(f"{path.name} holds no table")
    return table.require(frame)
