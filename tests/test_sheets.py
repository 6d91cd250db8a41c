from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key
from discourse.errors import BadInput, MissingData
from discourse.readers import sheets
from discourse.readers.mapped import Mapping
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.sheets import sheet_drafts, sheet_rows
from discourse.readers.values import Reason

KEY = Key.made_up("sheets")
FIELDS = {"id": "id", "author": "user", "created_at": "when", "text": "text", "likes": "likes"}
MAPPING = Mapping("forum", FIELDS, "Asia/Karachi")
HEADER = ["id", "user", "when", "text", "likes"]
WHEN = datetime(2025, 5, 7, 10, 0)


def book(path: Path, *rows: list[Any], more: dict[str, list[list[Any]]] | None = None) -> Path:
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    for row in rows:
        sheet.append(row)
    for title, others in (more or {}).items():
        second = made.create_sheet(title)
        for row in others:
            second.append(row)
    made.save(path)
    return path


def mended(path: Path, member: str, change: Callable[[str], str]) -> Path:
    """The same workbook with one of its XML files changed, as another program would have written it."""
    with zipfile.ZipFile(path) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    before = files[member].decode()
    files[member] = change(before).encode()
    assert files[member] != before.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return path


def outcomes(path: Path, mapping: Mapping = MAPPING) -> list[tuple[int, object]]:
    found: list[tuple[int, object]] = []
    for read in sheet_drafts(path, mapping):
        row = to_row(read.item, KEY, path.name, read.line) if isinstance(read.item, Draft) else read.item
        found.append(
            (read.line, row if isinstance(row, Reason) else (row.post_id, str(row.created_at), row.text, row.likes))
        )
    return found


def cell(folder: Path, value: Any) -> Any:
    (found,) = list(sheet_rows(book(folder / "a.xlsx", ["id", "value"], ["k1", value])))
    assert isinstance(found[1], dict)
    return found[1]["value"]


def test_a_sheet_row_by_row(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx",
        HEADER,
        ["k1", "u1", WHEN, "امن", 3],
        [],
        ["k2", 42, "2025-05-07T10:00:00Z", "two\nlines", None],
        ["", None, "", None, ""],
        [17, "u1", WHEN, 786, 0],
        [None, "u1", WHEN, "no id", 1],
        ["k5", "u1", WHEN, None, 1],
        ["k6", "u1", "yesterday", "a", 1],
        ["k7", "u1", WHEN, "a", 1.5],
        ["k8", "u1", WHEN, "a", 1, "beyond"],
        [True, "u1", WHEN, "a", 1],
        [WHEN, "u1", WHEN, "a", 1],
    )
    assert outcomes(path) == [
        (2, ("forum:k1", "2025-05-07 05:00:00+00:00", "امن", 3)),
        (4, ("forum:k2", "2025-05-07 10:00:00+00:00", "two\nlines", None)),
        (6, ("forum:17", "2025-05-07 05:00:00+00:00", "786", 0)),
        (7, Reason.MISSING_ID),
        (8, Reason.MISSING_TEXT),
        (9, Reason.BAD_TIMESTAMP),
        (10, Reason.WRONG_TYPE),
        (11, Reason.TOO_MANY_FIELDS),
        (12, Reason.BAD_ID),
        (13, Reason.BAD_ID),
    ]


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (9000000000000000001, Reason.ID_PRECISION_LOST),
        (9.0e18, Reason.ID_PRECISION_LOST),
        (10**15, Reason.ID_PRECISION_LOST),
        (1234567890123456.0, Reason.ID_PRECISION_LOST),
        (0.5, Reason.ID_PRECISION_LOST),
        (10**15 - 1, "forum:999999999999999"),
        (999999999999999.0, "forum:999999999999999"),
        ("9000000000000000001", "forum:9000000000000000001"),
        ("'9000000000000000001", "forum:9000000000000000001"),
        ("007", "forum:007"),
    ],
)
@pytest.mark.parametrize("column", ["id", "user"])
def test_ids_that_a_sheet_cannot_hold_are_set_aside(tmp_path: Path, value: Any, outcome: object, column: str) -> None:
    given_row = dict(zip(HEADER, ["k1", "u1", WHEN, "a", 1], strict=True)) | {column: value}
    ((_, found),) = outcomes(book(tmp_path / "a.xlsx", HEADER, list(given_row.values())))
    if isinstance(outcome, Reason):
        assert found == outcome
    else:
        assert isinstance(found, tuple)
        assert found[0] == (outcome if column == "id" else "forum:k1")


def test_ids_that_were_rounded_before_they_became_text(tmp_path: Path) -> None:
    rows = [[f"9000000000000{n}0000", "u1", WHEN, "a", 1] for n in range(10, 15)]
    with pytest.raises(BadInput, match="a spreadsheet has rounded them"):
        outcomes(book(tmp_path / "a.xlsx", HEADER, *rows))
    assert len(outcomes(book(tmp_path / "a.xlsx", HEADER, *rows[:4]))) == 4


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (3, "3"), (3.0, "3"), (-2, "-2"), (0, "0"), (0.25, 0.25), (True, True), ("TRUE", "TRUE"), ("1e5", "1e5"),
        (" a ", " a "), ("NA", "NA"), (WHEN, WHEN), ("_x000D_\n", "\r\n"), ("_xD83D__xDE00_", "😀"),
        ("_x005F_x000D_", "_x000D_"), ("_x12_", "_x12_"),
    ],
)  # fmt: skip
def test_cells(tmp_path: Path, value: Any, read: Any) -> None:
    found = cell(tmp_path, value)
    assert (found, type(found)) == (read, type(read))


def test_errors_of_a_sheet_are_no_values(tmp_path: Path) -> None:
    assert cell(tmp_path, "#N/A") is None
    path = book(tmp_path / "b.xlsx", HEADER, ["#REF!", "u1", WHEN, "a", 1])
    assert outcomes(path) == [(2, Reason.MISSING_ID)]


def test_a_date_beyond_the_calendar_is_no_value_and_no_warning(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id", "value"], ["k1", WHEN])
    mended(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("<v>45784.41666666666</v>", "<v>99999999999</v>"))
    assert [row for _, row, _ in sheet_rows(path)] == [{"id": "k1", "value": None}]


def test_a_formula_gives_what_it_gave_when_the_file_was_saved(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id", "value"], ["k1", "=1+1"])
    assert [row for _, row, _ in sheet_rows(path)] == [{"id": "k1", "value": None}]
    mended(
        path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace("<v />", "<v>2</v>").replace("<v></v>", "<v>2</v>")
    )
    assert [row for _, row, _ in sheet_rows(path)] == [{"id": "k1", "value": "2"}]


def test_rows_beyond_the_size_that_a_program_wrote_are_read(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id", "value"], ["k1", "a"], ["k2", "b"])
    mended(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace('ref="A1:B3"', 'ref="A1"'))
    assert [row for _, row, _ in sheet_rows(path)] == [{"id": "k1", "value": "a"}, {"id": "k2", "value": "b"}]


def test_the_header_is_the_first_row_with_a_cell(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [], [None, ""], ["id", None, 5, None], ["k1", "x", "y"])
    assert [(line, row) for line, row, _ in sheet_rows(path)] == [(4, {"id": "k1", "": "x", "5": "y"})]
    assert list(sheet_rows(book(tmp_path / "b.xlsx"))) == []


def test_columns_that_are_lacking_or_there_twice(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no column 'user'"):
        outcomes(book(tmp_path / "a.xlsx", ["id", "usr", "when", "text", "likes"], ["k1", "u1", WHEN, "a", 1]))
    with pytest.raises(BadInput, match="has the column 'text' 2 times"):
        outcomes(book(tmp_path / "b.xlsx", [*HEADER, "text"], ["k1", "u1", WHEN, "a", 1, "b"]))
    with pytest.raises(BadInput, match="has no column"):
        outcomes(book(tmp_path / "c.xlsx"))


def test_a_second_sheet_of_posts_is_not_passed_over(tmp_path: Path) -> None:
    row = ["k1", "u1", WHEN, "a", 1]
    notes = book(tmp_path / "a.xlsx", HEADER, row, more={"notes": [["who", "what"]], "empty": []})
    assert len(outcomes(notes)) == 1
    with pytest.raises(BadInput, match="more than one sheet of posts") as caught:
        outcomes(book(tmp_path / "b.xlsx", HEADER, row, more={"demo secret": [[], HEADER, row]}))
    assert "secret" not in str(caught.value)


def test_raw_is_a_csv_of_the_row(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", HEADER, ["k1", "u1", WHEN, 'a "b",\nc', None])
    (read,) = sheet_drafts(path, MAPPING)
    header, row = csv.reader(io.StringIO(b"".join(read.raw).decode()))
    assert header == HEADER
    assert row == ["k1", "u1", "2025-05-07 10:00:00", 'a "b",\nc', ""]


def test_any_name_of_a_file_is_read(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id"], ["k1"])
    path.rename(tmp_path / "export")
    assert [row for _, row, _ in sheet_rows(tmp_path / "export")] == [{"id": "k1"}]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "is locked or an old .xls; save it as .xlsx"),
        (b"id,text\n", "cannot be read as XLSX"),
        (b"", "cannot be read as XLSX"),
        (b"PK\x03\x04 and no more", "cannot be read as XLSX"),
    ],
    ids=["xls", "csv", "empty", "cut"],
)
def test_what_is_no_workbook(tmp_path: Path, data: bytes, sentence: str) -> None:
    (tmp_path / "a.xlsx").write_bytes(data)
    with pytest.raises(BadInput, match=sentence):
        list(sheet_rows(tmp_path / "a.xlsx"))


def test_no_file_and_other_archives(tmp_path: Path) -> None:
    with pytest.raises(MissingData):
        list(sheet_rows(tmp_path / "none.xlsx"))
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as packed:
        packed.writestr("demo secret.txt", "demo secret")
    with pytest.raises(BadInput, match="cannot be read as XLSX") as caught:
        list(sheet_rows(tmp_path / "a.xlsx"))
    assert "secret" not in str(caught.value)


def test_a_damaged_sheet_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id"], ["k1"], ["k2"])
    mended(path, "xl/worksheets/sheet1.xml", lambda xml: xml[:-40])
    with pytest.raises(BadInput, match="cannot be read as XLSX"):
        list(sheet_rows(path))
    path = book(tmp_path / "b.xlsx", ["id"], ["k1"])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInput, match="cannot be read as XLSX"):
        list(sheet_rows(path))


def test_a_locked_member_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id"], ["k1"])
    data = bytearray(path.read_bytes())
    place = data.find(b"PK\x01\x02")
    while place >= 0:
        data[place + 8] |= 1
        place = data.find(b"PK\x01\x02", place + 1)
    path.write_bytes(bytes(data))
    with pytest.raises(BadInput, match=r"is locked; save it as \.xlsx without a password"):
        list(sheet_rows(path))


def test_what_unpacks_to_far_too_much_is_refused_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book(tmp_path / "a.xlsx", ["id"], ["k1"])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/more.xml", b"0" * (4 << 20))
    assert len(list(sheet_rows(path))) == 1
    monkeypatch.setattr(sheets, "_RATIO_FROM", 3 << 20)
    with pytest.raises(BadInput, match="unpacks to 4 MiB, as no export does"):
        list(sheet_rows(path))
    monkeypatch.setattr(sheets, "_RATIO_FROM", 64 << 20)
    monkeypatch.setattr(sheets, "_MOST", 3 << 20)
    with pytest.raises(BadInput, match="unpacks to 4 MiB, as no export does"):
        list(sheet_rows(path))


def test_the_limits() -> None:
    assert (sheets._RATIO, sheets._RATIO_FROM, sheets._MOST) == (200, 64 * 1024**2, 2 * 1024**3)


VALUES = (
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20) | st.datetimes(datetime(2006, 1, 1))
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(VALUES, max_size=6), max_size=4))
def test_whatever_the_cells_hold_each_row_comes_out_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[Any]]
) -> None:
    path = book(tmp_path_factory.mktemp("sheet") / "a.xlsx", HEADER, *rows)
    full = [number for number, row in enumerate(rows, start=2) if any(value not in (None, "") for value in row)]
    assert [line for line, _ in outcomes(path)] == full


def test_rows_are_those_of_the_posts_table(tmp_path: Path) -> None:
    (read,) = sheet_drafts(book(tmp_path / "a.xlsx", HEADER, ["k1", "u1", WHEN, "a", 1]), MAPPING)
    assert isinstance(read.item, Draft)
    assert isinstance(to_row(read.item, KEY, "a.xlsx", 2), Row)
    no_zone = Mapping("forum", FIELDS)
    ((_, refused),) = outcomes(tmp_path / "a.xlsx", no_zone)
    assert refused == Reason.BAD_TIMESTAMP
