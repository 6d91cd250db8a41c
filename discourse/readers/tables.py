"""The rows of a table, one by one with the line on which each begins: CSV, XLSX, JSON lines, Parquet.

A CSV is strict and all its cells are strings; its delimiter is the one that gives the header that was asked for.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl

from discourse.errors import BadInput
from discourse.readers.files import MAX_LINE, open_chunks, open_lines, physical_lines
from discourse.readers.formats import Read
from discourse.readers.mapped import REQUIRED, Mapping, look_up
from discourse.readers.records import Item
from discourse.readers.values import Reason, decode_object

__all__ = [
    "DELIMITERS",
    "csv_drafts",
    "csv_rows",
    "header_of",
    "jsonl_drafts",
    "once",
    "parquet_drafts",
    "undamaged",
]

Row = tuple[int, dict[str, str] | Reason, tuple[bytes, ...]]
DELIMITERS = (",", "\t", ";", "|")
_UNDECODED = re.compile("[\udc80-\udcff]")
_ROUNDED = re.compile(r"\d{11,15}0{3,}", re.ASCII)
_FORMULA = re.compile(r'="(\d+)"|\'(\d+)', re.ASCII)
_MANY = 5


def csv_drafts(path: str | Path, mapping: Mapping) -> Iterator[Read]:
    """The records of a CSV with a header that holds the mapped columns. Raises as `csv_rows` does.

    >>> import tempfile
    >>> columns = Mapping("x", {"id": "id", "author": "user", "created_at": "when", "text": "text"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.csv"
    ...     _ = file.write_text("id;user;when;text\\n9001;42;2025-05-07T10:00:00Z;a\\n9002;42\\n")
    ...     [(read.line, getattr(read.item, "text", read.item)) for read in csv_drafts(file, columns)]
    [(2, 'a'), (3, <Reason.TOO_FEW_FIELDS: 'too_few_fields'>)]
    """
    name = Path(path).name

    def score(header: list[str]) -> int:
        return len(set(header) & set(mapping.fields.values()))

    def check(header: list[str]) -> None:
        mapping.require_columns(header, name)
        once(header, mapping.fields.values(), name)

    rows: Iterator[Row] = csv_rows(path, score, check)
    if not mapping.made_ids:
        rows = undamaged(rows, mapping.fields["id"], name)
    seen: dict[int, int] = {}
    for line, row, raw in rows:
        yield Read(line, row if isinstance(row, Reason) else mapping.draft(row, seen), raw)


def csv_rows(
    path: str | Path, score: Callable[[list[str]], int], check: Callable[[list[str]], None] = lambda header: None
) -> Iterator[Row]:
    """The rows of a CSV by the names of its header, with the line on which each begins and its bytes.

    Of the delimiters comma, tab, semicolon and bar, the one whose header `score` finds best is taken; `check`
    may raise about the header. Empty rows are no rows. Rows with too few or too many cells, bad quotes or
    bytes that are not UTF-8 are reasons. Raises `BadInput` when a quote is never closed, or a line is over
    16 MiB, and as `files.open_chunks` does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_text("sep=;\\nid;text\\n9001;peace\\n")
    ...     list(csv_rows(Path(folder) / "a.csv", lambda header: "id" in header))
    [(3, {'id': '9001', 'text': 'peace'}, (b'id;text\\n', b'9001;peace\\n'))]
    """
    name = Path(path).name
    lines = _decoded(path)
    first = next(lines, "")
    skipped = 0
    if first.lower().startswith("sep=") and len(first.rstrip("\r\n")) == 5:
        first, skipped = next(lines, ""), 1
    held: list[str] = []
    limit = csv.field_size_limit(MAX_LINE)  # at 131,072 bytes a long cell would end the whole file
    try:
        delimiter = _delimiter(first, score)
        rows = csv.reader(chain([first], _noted(lines, held)), delimiter=delimiter, strict=True)
        header = _header(rows, name)
        check(header)
        top = _bytes([first, *held])
        yield from _rows(rows, header, _Source(name, skipped, top, held))
    finally:
        csv.field_size_limit(limit)


def column_reads(
    path: str | Path,
    has_columns: Callable[[list[str]], bool],
    row_draft: Callable[[dict[str, str]], Item | None],
    id_column: str = "id",
) -> Iterator[Read]:
    """The records of a CSV whose header a format knows; rows of which `row_draft` makes None are no records.

    Raises `BadInput` when the header is not the format's, or the id column stands in it twice, and as
    `csv_rows` does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_text("id,text\\n9001,peace\\n")
    ...     list(column_reads(Path(folder) / "a.csv", lambda columns: "id" in columns, lambda row: None))
    []
    """
    name = Path(path).name

    def check(header: list[str]) -> None:
        if not has_columns(header):
            raise BadInput(f"{name!r} lacks columns of that format; leave the format out to have it told")
        once(header, filter(None, header), name)

    rows = csv_rows(path, lambda header: int(has_columns(header)), check)
    for line, row, raw in undamaged(rows, id_column, name):
        item = row if isinstance(row, Reason) else row_draft(row)
        if item is not None:
            yield Read(line, item, raw)


def header_of(path: str | Path, delimiter: str) -> list[str]:
    """The cells of the first line of a CSV under one delimiter, [] where it is none.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_text("id;text\\n9001;peace\\n")
    ...     header_of(Path(folder) / "a.csv", ";"), header_of(Path(folder) / "a.csv", ",")
    (['id', 'text'], ['id;text'])
    """
    lines = _decoded(path)
    first = next(lines, "")
    if first.lower().startswith("sep=") and len(first.rstrip("\r\n")) == 5:
        first = next(lines, "")
    try:
        return next(csv.reader(chain([first], lines), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def undamaged(rows: Iterable[Row], column: str, name: str) -> Iterator[Row]:
    """The rows, their ids freed of what a spreadsheet puts around digits to keep them: `="123"`, `'123`.

    Raises `BadInput` when a spreadsheet has rounded the ids themselves: five or more, all with zeros at the end.

    >>> list(undamaged([(2, {"id": '="9001"'}, ())], "id", "a.csv"))
    [(2, {'id': '9001'}, ())]
    """
    ids = rounded = 0
    for line, row, raw in rows:
        if isinstance(row, dict) and (cell := row.get(column)):
            if (guarded := _FORMULA.fullmatch(cell)) is not None:
                row[column] = guarded[1] or guarded[2]
            ids += len(cell) > 15
            rounded += _ROUNDED.fullmatch(cell) is not None
        yield line, row, raw
    if ids >= _MANY and rounded == ids:
        raise BadInput(
            f"every id in {column!r} of {name!r} ends in zeros: a spreadsheet has rounded them to 15 digits; "
            "export the file again and do not open it in a spreadsheet"
        )


def once(header: list[str], columns: Iterable[str], name: str) -> None:
    """Raise `BadInput` when one of the columns stands in the header twice.

    >>> once(["id", "text"], ["id"], "a.csv")
    """
    for column in columns:
        if header.count(column) > 1:
            raise BadInput(f"{name!r} has the column {column!r} {header.count(column)} times; rename all but one")


class _Source(NamedTuple):
    """Where rows come from: the file's name, lines before its header, the header's bytes, lines not yet used."""

    name: str
    skipped: int
    top: bytes
    held: list[str]


def _noted(lines: Iterator[str], held: list[str]) -> Iterator[str]:
    for line in lines:
        held.append(line)
        yield line


def _bytes(lines: list[str]) -> bytes:
    made = "".join(lines).encode("utf-8", "surrogateescape")
    lines.clear()
    return made


def _decoded(path: str | Path) -> Iterator[str]:
    """Lines as text; a byte that is not UTF-8 becomes a lone surrogate, which `_rows` finds again."""
    for number, line in physical_lines(open_chunks(path)):
        if line is None:
            raise BadInput(f"line {number} of {Path(path).name!r} is over {MAX_LINE >> 20} MiB; it is no CSV of posts")
        yield line.decode("utf-8", "surrogateescape")


def _delimiter(first: str, score: Callable[[list[str]], int]) -> str:
    def found(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([first], delimiter=delimiter), [])
        except csv.Error:
            return 0, 0
        return int(score(cells)), len(cells)

    return max(DELIMITERS, key=found)


def _header(rows: Iterator[list[str]], name: str) -> list[str]:
    try:
        return next(rows, [])
    except csv.Error:
        raise BadInput(f"the header of {name!r} has a quote that is not closed; export it again") from None


def _rows(rows: Any, header: list[str], source: _Source) -> Iterator[Row]:
    while True:
        start = rows.line_num + source.skipped + 1
        try:
            cells = next(rows, None)
        except csv.Error:
            if rows.line_num + source.skipped > start:
                raise BadInput(
                    f"the quote that opens on line {start} of {source.name!r} is not closed as it should be; "
                    "export the file again or mend that line"
                ) from None
            yield start, Reason.BAD_QUOTES, (source.top, _bytes(source.held))
            continue
        if cells is None:
            return
        raw = _bytes(source.held)
        if any(cells):
            yield start, _cells(cells, header), (source.top, raw)


def _cells(cells: list[str], header: list[str]) -> dict[str, str] | Reason:
    if any(_UNDECODED.search(cell) for cell in cells):
        return Reason.INVALID_UTF8
    if len(cells) != len(header):
        return Reason.TOO_FEW_FIELDS if len(cells) < len(header) else Reason.TOO_MANY_FIELDS
    return dict(zip(header, cells, strict=True))


def jsonl_drafts(path: str | Path, mapping: Mapping) -> Iterator[Read]:
    """The records of a file with one JSON object a line.

    Raises `BadInput` at the end when a key that the mapping requires is in none of the records.

    >>> import tempfile
    >>> columns = Mapping("x", {"id": "id", "author": "user.id", "created_at": "when", "text": "text"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.jsonl"
    ...     _ = file.write_text('{"id":9001,"user":{"id":42},"when":"2025-05-07T10:00:00Z","text":"a"}\\n[1]\\n')
    ...     [(read.line, getattr(read.item, "author", read.item)) for read in jsonl_drafts(file, columns)]
    [(1, 42), (2, <Reason.NOT_AN_OBJECT: 'not_an_object'>)]
    """
    first: dict[str, Any] | None = None
    absent = {name for name in REQUIRED if name in mapping.fields}
    seen: dict[int, int] = {}
    for number, line in open_lines(path):
        record = decode_object(line)
        if isinstance(record, Reason):
            yield Read(number, record, () if line is None else (line,))
            continue
        first = record if first is None else first
        absent -= {name for name in absent if look_up(record, mapping.fields[name]) is not None}
        yield Read(number, mapping.draft(record, seen), (line or b"",))
    if first is not None and absent:
        mapping.require_columns(first, Path(path).name, [name for name in REQUIRED if name in absent])


def parquet_drafts(path: str | Path, mapping: Mapping) -> Iterator[Read]:
    """The rows of a Parquet file with their numbers from 1. Raises `BadInput` when it is damaged.

    >>> import tempfile
    >>> columns = Mapping("x", {"id": "id", "author": "user", "created_at": "when", "text": "text"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.parquet"
    ...     row = {"id": 9001, "user": "42", "when": "2025-05-07T10:00:00Z", "text": "a"}
    ...     pl.DataFrame([row]).write_parquet(file)
    ...     [(read.line, read.item.id) for read in parquet_drafts(file, columns)]
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
    seen: dict[int, int] = {}
    for number, record in enumerate(frame.iter_rows(named=True), start=1):
        yield Read(number, mapping.draft(record, seen), (msgspec.json.encode(record),))
