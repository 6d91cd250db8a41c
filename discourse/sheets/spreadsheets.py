"""Posts as a spreadsheet, one row a post and one column a variable, and the answers typed into it.

Nothing that a post says can run as a formula, and what is typed is read as text.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from discourse.errors import BadInput, SchemaError
from discourse.labels.cells import ROW, check_ids, refuse_missing
from discourse.labels.codebook import Codebook
from discourse.readers.sheets import sheet_rows
from discourse.sheets.answers import Answer
from discourse.sheets.files import read_file
from discourse.sheets.tools import refuse_reserved

__all__ = ["csv_answers", "csv_files", "disarmed", "restored", "xlsx_answers", "xlsx_files"]

_POST = ("post_id", "lang", "text")
_TAKEN = (*_POST, "note", "coder")
_RISKY = re.compile(r"'*\s*[=+\-@＝＋－＠\t\r\n]")
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_CELL = 32767
_WHEN = datetime(2000, 1, 1)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")
_WIDTHS = {"post_id": 26, "lang": 9, "text": 70, "note": 30}


def disarmed(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: with a leading `'` where it needs one. `restored` undoes it.

    >>> disarmed("=1+1"), disarmed("1+1"), restored(disarmed("'=1+1"))
    ("'=1+1", '1+1', "'=1+1")
    """
    return f"'{text}" if _RISKY.match(text) else text


def restored(cell: str) -> str:
    """What `disarmed` was given.

    >>> restored("'=1+1"), restored("'peace'")
    ('=1+1', "'peace'")
    """
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell[1:]) else cell


def csv_files(posts: pl.DataFrame, codebook: Codebook, path: Path) -> dict[Path, bytes]:
    """The posts as CSV in UTF-8 with a byte-order mark, by which spreadsheet programs know it.

    >>> posts = pl.DataFrame({"post_id": ["x:1"], "text": ["=1"], "lang": ["en"]})
    >>> csv_files(posts, Codebook("framing", 1, ()), Path("a.csv"))[Path("a.csv")].decode("utf-8-sig").splitlines()
    ['post_id,lang,text,note', "x:1,en,'=1,"]
    """
    refuse_reserved(codebook, _TAKEN, "a table of posts")
    empty = [""] * (len(codebook.variables) + 1)
    held = io.StringIO(newline="")
    out = csv.writer(held, lineterminator="\r\n")
    out.writerow(_header(codebook))
    out.writerows([*(disarmed(cell or "") for cell in row), *empty] for row in posts.select(_POST).rows())
    return {path: held.getvalue().encode("utf-8-sig")}


def csv_answers(path: Path, codebook: Codebook) -> Iterator[Answer]:
    """The answers in a CSV with a column post_id and one for each variable, cut by comma, semicolon or tab.

    A column coder, if there, says who answered; every other column is passed over. Raises `BadInput` for what is
    no such CSV in UTF-8, `SchemaError` for a row without an id or with one that has lost digits.

    >>> next(csv_answers(Path("no-such.csv"), Codebook("framing", 1, ())))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no coded table 'no-such.csv'; give the path of the file that came back
    """
    content = read_file(path, "coded table")
    try:
        text = content.decode("utf-8-sig")
        cut = max(",;\t", key=text.partition("\n")[0].count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=cut, strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise BadInput(f'{path.name!r} cannot be read as CSV in UTF-8; save it again as "CSV UTF-8"') from None
    header = [restored(name.strip()) for name in rows[0]] if rows else []
    columns = _columns(path.name, header, codebook)
    if any(len(row) != len(header) for row in rows if any(row)):
        raise BadInput(f"{path.name!r} has rows with more or fewer cells than its header; save it again as CSV")
    table = [
        {ROW: number, **{name: restored(row[header.index(name)].strip()) for name in columns}}
        for number, row in enumerate(rows[1:], 2)
        if any(row)
    ]
    yield from _answers(path.name, columns, table, codebook)


def xlsx_files(posts: pl.DataFrame, codebook: Codebook, path: Path) -> dict[Path, bytes]:
    """The posts as a workbook: a sheet to fill in, where a cell offers the values of its variable, and the codebook.

    Raises `SchemaError` for a post longer than a cell.

    >>> posts = pl.DataFrame({"post_id": ["x:1"], "text": ["=1"], "lang": ["en"]})
    >>> xlsx_files(posts, Codebook("framing", 1, ()), Path("a.xlsx"))[Path("a.xlsx")][:2]
    b'PK'
    """
    refuse_reserved(codebook, _TAKEN, "a table of posts")
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "posts"
    header = _header(codebook)
    _fill(sheet, [header, *([*row, *[""] * (len(header) - 3)] for row in posts.select(_POST).rows())])
    for place, name in enumerate(header, 1):
        sheet.column_dimensions[get_column_letter(place)].width = _WIDTHS.get(name, 16)
    sheet.freeze_panes = "D2"
    values = [["variable", "value", "definition", "include", "exclude"]]
    for place, variable in enumerate(codebook.variables, len(_POST) + 1):
        first = len(values) + 1
        values += [[variable.name, one.value, one.definition, "\n".join(one.include), "\n".join(one.exclude)]
                   for one in variable.values]  # fmt: skip
        if variable.values:
            offered = DataValidation(type="list", formula1=f"codebook!$B${first}:$B${len(values)}", allow_blank=True)
            offered.add(f"{get_column_letter(place)}2:{get_column_letter(place)}{posts.height + 1}")
            sheet.add_data_validation(offered)
    other = book.create_sheet("codebook")
    _fill(other, values)
    for letter, width in zip("ABCDE", (16, 16, 60, 60, 60), strict=True):
        other.column_dimensions[letter].width = width
    return {path: _undated(book)}


def xlsx_answers(path: Path, codebook: Codebook) -> Iterator[Answer]:
    """The answers in the first sheet of a workbook, as in `csv_answers`.

    >>> next(xlsx_answers(Path("no-such.xlsx"), Codebook("framing", 1, ())))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no coded table 'no-such.xlsx'; give the path of the file that came back
    """
    read_file(path, "coded table")
    columns: list[str] = []
    table: list[dict[str, Any]] = []

    def look(header: list[str]) -> None:
        if columns:  # the codebook's sheet, which is not read
            raise BadInput("a second sheet")
        columns.extend(_columns(path.name, header, codebook))

    for number, row, _ in sheet_rows(path, look):
        if not isinstance(row, dict):
            raise BadInput(f"row {number} of {path.name!r} has more cells than the header; clear what stands beside it")
        cells = {name: "" if row[name] is None else str(row[name]).strip() for name in columns}
        table.append({ROW: number, **cells})
    yield from _answers(path.name, columns, table, codebook)


def _columns(name: str, header: list[str], codebook: Codebook) -> list[str]:
    """Which columns are read: the post's id, the coder's name if it is there, and the variables that are."""
    variables = [variable.name for variable in codebook.variables]
    found = [column for column in ("post_id", "coder", *variables) if column in header]
    if "post_id" not in found or not set(variables) & set(found) or any(header.count(one) > 1 for one in found):
        raise SchemaError(
            f"{name!r} has the columns {', '.join(header) or 'none'}; it needs, each once, post_id and those of the "
            f"codebook: {', '.join(variables)}"
        )
    return found


def _answers(name: str, columns: list[str], table: list[dict[str, Any]], codebook: Codebook) -> Iterator[Answer]:
    rows = pl.DataFrame(table, schema={ROW: pl.Int64, **dict.fromkeys(columns, pl.String)})
    rows = rows.with_columns(pl.col(pl.String).replace("", None))
    refuse_missing(rows, "post_id")
    check_ids(rows, "post_id")
    for row in rows.iter_rows(named=True):
        for variable in codebook.variables:
            value = row.get(variable.name)
            if value is not None:
                place = f"row {row[ROW]} of {name!r}"
                yield Answer(row["post_id"], row.get("coder") or "", variable.name, value, place)


def _header(codebook: Codebook) -> list[str]:
    return [*_POST, *(variable.name for variable in codebook.variables), "note"]


def _fill(sheet: Worksheet, rows: list[list[Any]]) -> None:
    """Every cell as text, whatever it begins with."""
    for number, row in enumerate(rows, 1):
        for place, text in enumerate(row, 1):
            written = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text or "")
            if len(written.encode("utf-16-le")) > 2 * _CELL:
                raise SchemaError(f"a post has {len(text)} characters, more than a cell holds; choose another format")
            cell = sheet.cell(number, place)
            cell.number_format = "@"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if number == 1:
                cell.font = Font(bold=True)
            if written:
                cell.value = written
                cell.data_type = "s"


def _undated(book: openpyxl.Workbook) -> bytes:
    """The workbook without the hour it was written, so that the same posts give the same bytes."""
    book.properties.creator, book.properties.created = "discourse", _WHEN
    held, made = io.BytesIO(), io.BytesIO()
    book.save(held)
    with zipfile.ZipFile(held) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>2000-01-01T00:00:00Z", content)
            new.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
