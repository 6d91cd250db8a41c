"""The rows of an XLSX workbook: its first sheet under a header row, cells as the sheet holds them.

A sheet keeps 15 digits of a number. Whole numbers below that come as their digits, larger ones in a form in which no
id passes.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from discourse.errors import BadInput
from discourse.readers.files import first_bytes
from discourse.readers.formats import Read
from discourse.readers.mapped import Mapping
from discourse.readers.tables import once, undamaged
from discourse.readers.values import Reason

__all__ = ["sheet_drafts", "sheet_rows"]

Row = tuple[int, dict[str, Any] | Reason, tuple[bytes, ...]]
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_RATIO, _RATIO_FROM, _MOST = 200, 64 << 20, 2 << 30
_LAST_ROW = 1 << 20
_EXACT = 10**15
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DAMAGE = (
    zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, IndexError, AttributeError,
    OSError, EOFError, NotImplementedError, RuntimeError,
)  # fmt: skip


def sheet_drafts(path: str | Path, mapping: Mapping) -> Iterator[Read]:
    """The records of a workbook's first sheet, whose header holds the mapped columns. Raises as `sheet_rows` does.

    >>> import tempfile
    >>> columns = Mapping("x", {"id": "id", "author": "user", "created_at": "when", "text": "text"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     book = openpyxl.Workbook()
    ...     book.active.append(["id", "user", "when", "text"])
    ...     book.active.append(["9001", 42, "2025-05-07T10:00:00Z", "peace"])
    ...     book.save(Path(folder) / "a.xlsx")
    ...     (read,) = sheet_drafts(Path(folder) / "a.xlsx", columns)
    >>> read.line, read.item.id, read.item.author, read.item.text
    (2, '9001', '42', 'peace')
    """
    name, column = Path(path).name, mapping.fields.get("id")

    def check(header: list[str]) -> None:
        mapping.require_columns(header, name)
        once(header, mapping.fields.values(), name)

    def rows() -> Iterator[Row]:
        for line, row, raw in sheet_rows(path, check):
            native = row[column] if isinstance(row, dict) and column is not None else None
            if not isinstance(native, str | None):
                yield line, Reason.ID_PRECISION_LOST if isinstance(native, float) else Reason.BAD_ID, raw
            else:
                yield line, row, raw

    seen: dict[int, int] = {}
    for line, row, raw in rows() if column is None else undamaged(rows(), column, name):
        yield Read(line, row if isinstance(row, Reason) else mapping.draft(row, seen), raw)


def sheet_rows(path: str | Path, check: Callable[[list[str]], None] | None = None) -> Iterator[Row]:
    """The rows of a workbook's first sheet by the names of its header, each with its number and as a small CSV.

    The header is the first row that is not empty; `check` may raise `BadInput` about it. Whole numbers come as their
    digits, dates as times without a zone, errors like `#N/A` as None; empty rows are no rows.
    Raises `MissingData` when there is no such file, `BadInput` when it is no XLSX, is locked with a password, damaged,
    unpacks to over 2 GiB or over 200 times its size, or when a second sheet passes `check` too.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     book = openpyxl.Workbook()
    ...     book.active.append(["id", "likes"])
    ...     book.active.append([9000000000000000001, 3.0])
    ...     book.save(Path(folder) / "a.xlsx")
    ...     list(sheet_rows(Path(folder) / "a.xlsx"))
    [(2, {'id': '9e+18', 'likes': '3'}, (b'id,likes\\r\\n', b'9e+18,3\\r\\n'))]
    """
    place = Path(path)
    _refuse(place)
    with _opened(place) as sheets:
        rows = _cells(place, sheets[0])
        header = next((cells for _, cells in rows if cells), [])
        names = ["" if cell is None else str(cell) for cell in header]
        if check is not None:
            check(names)
        if check is not None and any(_passes(place, sheet, check) for sheet in sheets[1:]):
            raise BadInput(f"{place.name!r} has more than one sheet of posts; save each sheet as a file of its own")
        top = _csv(names)
        for number, cells in rows:
            if len(cells) > len(names):
                yield number, Reason.TOO_MANY_FIELDS, (top, _csv(cells))
            elif cells:
                whole = cells + [None] * (len(names) - len(cells))
                yield number, dict(zip(names, whole, strict=True)), (top, _csv(whole))


def _refuse(path: Path) -> None:
    """Raise `BadInput` for what is no XLSX, or would fill the memory. What a zip says of its size is all it unpacks."""
    start = first_bytes(path, 4)
    if start == _OLE:
        raise BadInput(f"{path.name!r} is locked or an old .xls; save it as .xlsx without a password")
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise BadInput(_damaged(path)) from None
    if any(member.flag_bits & 1 for member in members):
        raise BadInput(f"{path.name!r} is locked; save it as .xlsx without a password")
    size = sum(member.file_size for member in members)
    if size > _MOST or (size > _RATIO_FROM and size > _RATIO * path.stat().st_size):
        raise BadInput(f"{path.name!r} unpacks to {size >> 20} MiB, as no export does; save it as CSV if you trust it")


def _damaged(path: Path) -> str:
    return f"{path.name!r} cannot be read as XLSX; fetch it again, or save it anew as .xlsx or CSV"


@contextmanager
def _opened(path: Path) -> Iterator[list[Any]]:
    """The sheets of a workbook. It is opened as a stream, because by name only some endings are taken."""
    with path.open("rb") as file:
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except _DAMAGE:
            raise BadInput(_damaged(path)) from None
        try:
            if not book.worksheets:
                raise BadInput(f"{path.name!r} has no sheet with cells; save the table as .xlsx or CSV")
            yield list(book.worksheets)
        finally:
            book.close()


def _cells(path: Path, sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """All rows with their numbers, without empty cells at their ends."""
    sheet.reset_dimensions()  # some programs write a size that is wrong, and rows beyond it would be lost
    rows = sheet.iter_rows()
    for number in range(1, _LAST_ROW + 2):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they quote cells
                row = next(rows, None)
        except _DAMAGE:
            raise BadInput(_damaged(path)) from None
        if row is None:
            return
        cells = [_value(cell) for cell in row]
        while cells and cells[-1] in (None, ""):
            cells.pop()
        yield number, cells if any(cell not in (None, "") for cell in cells) else []
    raise BadInput(_damaged(path))


def _value(cell: Any) -> Any:
    value = cell.value
    if value is None or cell.data_type == "e":
        return None
    if isinstance(value, str):
        return _unescaped(value) if "_x" in value else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if abs(value) >= _EXACT:
        return repr(float(value))
    return str(int(value)) if value == int(value) else value


def _unescaped(text: str) -> str:
    """`_x000D_` is how the format writes a character that XML has not; halves of an emoji come as two of them."""
    text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _passes(path: Path, sheet: Any, check: Callable[[list[str]], None]) -> bool:
    header = next((cells for _, cells in _cells(path, sheet) if cells), [])
    try:
        check(["" if cell is None else str(cell) for cell in header])
    except BadInput:
        return False
    return bool(header)


def _csv(cells: list[Any]) -> bytes:
    held = io.StringIO()
    csv.writer(held).writerow(cell.isoformat(" ") if isinstance(cell, datetime) else cell for cell in cells)
    return held.getvalue().encode("utf-8", "surrogateescape")
