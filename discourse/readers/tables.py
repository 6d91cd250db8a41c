"""The records of a mapped file, one by one with the line on which each begins: CSV, JSON lines, Parquet."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from discourse.errors import BadInput
from discourse.readers.files import MAX_LINE, open_chunks, open_lines, physical_lines
from discourse.readers.mapped import REQUIRED, Mapping, look_up
from discourse.readers.records import Draft, Reason, decode_object

__all__ = ["csv_drafts", "jsonl_drafts", "parquet_drafts"]

Item = tuple[int, Draft | Reason]
_DELIMITERS = (",", "\t", ";", "|")
_UNDECODED = re.compile("[\udc80-\udcff]")


def csv_drafts(path: str | Path, mapping: Mapping) -> Iterator[Item]:
    """The records of a CSV with a header, all cells as strings, each with the line on which it begins.

    The delimiter is the one that makes the header hold the mapped columns. Rows with too few or too many
    cells, bad quotes or bytes that are not UTF-8 are reasons. Raises `BadInput` when a mapped column is
    missing or stands there twice, when a quote is never closed, or when a line is over 16 MiB.

    >>> import tempfile
    >>> columns = Mapping("x", {"id": "id", "author": "user", "created_at": "when", "text": "text"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.csv"
    ...     _ = file.write_text("id;user;when;text\\n9001;42;2025-05-07T10:00:00Z;a\\n9002;42\\n")
    ...     [(line, getattr(item, "text", item)) for line, item in csv_drafts(file, columns)]
    [(2, 'a'), (3, <Reason.TOO_FEW_FIELDS: 'too_few_fields'>)]
    """
    name = Path(path).name
    lines = _decoded(path)
    first = next(lines, "")
    skipped = 0
    if first.lower().startswith("sep=") and len(first.rstrip("\r\n")) == 5:
        first, skipped = next(lines, ""), 1
    delimiter = _delimiter(first, mapping)
    limit = csv.field_size_limit(MAX_LINE)  # at 131,072 bytes a long cell would end the whole file
    try:
        rows = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
        header = _header(rows, name, mapping)
        yield from _rows(rows, header, mapping, name, skipped)
    finally:
        csv.field_size_limit(limit)


def _decoded(path: str | Path) -> Iterator[str]:
    """Lines as text; a byte that is not UTF-8 becomes a lone surrogate, which `_rows` finds again."""
    for number, line in physical_lines(open_chunks(path)):
        if line is None:
            raise BadInput(f"line {number} of {Path(path).name!r} is over {MAX_LINE >> 20} MiB; it is no CSV of posts")
        yield line.decode("utf-8", "surrogateescape")


def _delimiter(first: str, mapping: Mapping) -> str:
    def mapped(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([first], delimiter=delimiter), [])
        except csv.Error:
            return 0, 0
        return len(set(cells) & set(mapping.fields.values())), len(cells)

    return max(_DELIMITERS, key=mapped)


def _header(rows: Iterator[list[str]], name: str, mapping: Mapping) -> list[str]:
    try:
        header = next(rows, [])
    except csv.Error:
        raise BadInput(f"the header of {name!r} has a quote that is not closed; export it again") from None
    mapping.require_columns(header, name)
    for column in mapping.fields.values():
        if header.count(column) > 1:
            raise BadInput(f"{name!r} has the column {column!r} {header.count(column)} times; rename all but one")
    return header


def _rows(rows: Any, header: list[str], mapping: Mapping, name: str, skipped: int) -> Iterator[Item]:
    while True:
        start = rows.line_num + skipped + 1
        try:
            cells = next(rows, None)
        except csv.Error:
            if rows.line_num + skipped > start:
                raise BadInput(
                    f"the quote that opens on line {start} of {name!r} is not closed as it should be; "
                    "export the file again or mend that line"
                ) from None
            yield start, Reason.BAD_QUOTES
            continue
        if cells is None:
            return
        if not any(cells):
            continue
        yield start, _cells(cells, header, mapping)


def _cells(cells: list[str], header: list[str], mapping: Mapping) -> Draft | Reason:
    if any(_UNDECODED.search(cell) for cell in cells):
        return Reason.INVALID_UTF8
    if len(cells) != len(header):
        return Reason.TOO_FEW_FIELDS if len(cells) < len(header) else Reason.TOO_MANY_FIELDS
    return mapping.draft(dict(zip(header, cells, strict=True)))


def jsonl_drafts(path: str | Path, mapping: Mapping) -> Iterator[Item]:
    """The records of a file with one JSON object a line.

    Raises `BadInput` at the end when a key that the mapping requires is in none of the records.

    >>> import tempfile
    >>> columns = Mapping("x", {"id": "id", "author": "user.id", "created_at": "when", "text": "text"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.jsonl"
    ...     _ = file.write_text('{"id":9001,"user":{"id":42},"when":"2025-05-07T10:00:00Z","text":"a"}\\n[1]\\n')
    ...     [(line, getattr(item, "author", item)) for line, item in jsonl_drafts(file, columns)]
    [(1, 42), (2, <Reason.NOT_AN_OBJECT: 'not_an_object'>)]
    """
    first: dict[str, Any] | None = None
    absent = set(REQUIRED)
    for number, line in open_lines(path):
        record = decode_object(line)
        if isinstance(record, Reason):
            yield number, record
            continue
        first = record if first is None else first
        absent -= {name for name in absent if look_up(record, mapping.fields[name]) is not None}
        yield number, mapping.draft(record)
    if first is not None and absent:
        mapping.require_columns(first, Path(path).name, [name for name in REQUIRED if name in absent])


def parquet_drafts(path: str | Path, mapping: Mapping) -> Iterator[Item]:
    """The rows of a Parquet file with their numbers from 1. Raises `BadInput` when it is damaged.

    >>> import tempfile
    >>> columns = Mapping("x", {"id": "id", "author": "user", "created_at": "when", "text": "text"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.parquet"
    ...     row = {"id": 9001, "user": "42", "when": "2025-05-07T10:00:00Z", "text": "a"}
    ...     pl.DataFrame([row]).write_parquet(file)
    ...     [(line, item.id) for line, item in parquet_drafts(file, columns)]
    [(1, 9001)]
    """
    name = Path(path).name
    damaged = f"{name!r} cannot be read as Parquet; fetch it again, or write it anew"
    try:
        columns = list(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError):
        raise BadInput(damaged) from None
    mapping.require_columns(columns, name)
    try:
        frame = pl.read_parquet(path, columns=sorted(set(mapping.fields.values())))
    except (pl.exceptions.PolarsError, OSError):
        raise BadInput(damaged) from None
    for number, record in enumerate(frame.iter_rows(named=True), start=1):
        yield number, mapping.draft(record)
