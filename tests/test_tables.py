from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key
from discourse.errors import BadInput, QuarantineWarning
from discourse.readers.mapped import Mapping
from discourse.readers.read import read_posts
from discourse.readers.records import Draft
from discourse.readers.sheets import sheet_drafts
from discourse.readers.tables import csv_drafts, jsonl_drafts, parquet_drafts

KEY = Key.made_up("tables")
FIXTURES = Path(__file__).parent / "fixtures" / "readers"
MAPPING = Mapping("x", {"id": "id", "author": "user", "created_at": "when", "text": "text", "likes": "likes"})
HEADER = b"id,user,when,text,likes\n"
ROW = b"%d,42,2025-05-07T10:00:00Z,%b,\n"


def told(path: Path, data: bytes) -> list[tuple[int, Any]]:
    path.write_bytes(data)
    return [(line, item.text if isinstance(item, Draft) else str(item)) for line, item, _ in csv_drafts(path, MAPPING)]


def test_the_fixture_row_by_row() -> None:
    with pytest.warns(QuarantineWarning, match="7 of 10 rows"):
        corpus = read_posts(FIXTURES / "table.csv", key=KEY, mapping=FIXTURES / "columns.toml")
    assert corpus.files.rows() == [("table.csv", "csv", 10, 3, 0, 7, 0, 0)]
    assert corpus.posts.select("post_id", "source_line", "kind", "likes", "lang_declared", "text").rows() == [
        ("forum:a1", 2, "reply", 3, "ur", 'two\nlines; "quoted"'),
        ("forum:a2", 4, "original", None, None, "NA"),
        ("forum:a9", 13, "original", 0, None, "last"),
    ]
    assert corpus.posts["created_at"].to_list() == [
        datetime(2025, 5, 8, 5, tzinfo=UTC),
        datetime(2025, 5, 8, 5, 30, tzinfo=UTC),
        datetime(2025, 5, 8, 7, tzinfo=UTC),
    ]
    assert corpus.quarantine.select("source_line", "reason").rows() == [
        (5, "bad_timestamp"),
        (7, "too_few_fields"),
        (8, "too_many_fields"),
        (9, "invalid_utf8"),
        (10, "bad_quotes"),
        (11, "wrong_type"),
        (12, "id_precision_lost"),
    ]


@pytest.mark.parametrize("delimiter", [b",", b";", b"\t", b"|"])
@pytest.mark.parametrize("sep_line", [False, True])
def test_the_delimiter_is_that_of_the_header(tmp_path: Path, delimiter: bytes, sep_line: bool) -> None:
    first = b"sep=" + delimiter + b"\r\n" if sep_line else b""
    body = (HEADER + ROW % (1, b"a")).replace(b",", delimiter)
    assert told(tmp_path / "a.csv", first + body) == [(2 + sep_line, "a")]


def test_words_that_look_like_something_else_stay_words(tmp_path: Path) -> None:
    words = [b"NA", b"null", b"true", b"001", b"1e5", b"2021-01-01", b"=1+1", b"  a  ", b""]
    data = HEADER + b"".join(ROW % (number, word) for number, word in enumerate(words, start=1))
    assert [text for _, text in told(tmp_path / "a.csv", data)] == [word.decode() for word in words]


def test_line_numbers_after_quoted_lines_and_any_line_end(tmp_path: Path) -> None:
    for end in (b"\n", b"\r\n", b"\r"):
        data = HEADER + ROW % (1, b'"a\nb\nc"') + b"\n" + ROW % (2, b"d") + b",,,,\n" + ROW % (3, b"e")
        lines = [line for line, _ in told(tmp_path / "a.csv", data.replace(b"\n", end))]
        assert lines == [2, 6, 8]


def test_a_long_cell_does_not_end_the_file(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    data = HEADER + ROW % (1, b"x" * 200_000) + ROW % (2, b"b")
    assert [len(text) for _, text in told(tmp_path / "a.csv", data)] == [200_000, 1]
    assert csv.field_size_limit() == before


def test_a_quote_that_is_never_closed_refuses_the_file(tmp_path: Path) -> None:
    rows = [ROW % (number, b"t") for number in range(5)]
    for later in (b"t", b'"q"'):
        data = HEADER + b"".join(rows) + ROW % (6, b'"unclosed') + ROW % (7, later) + ROW % (8, b"t")
        with pytest.raises(BadInput, match=r"opens on line 7 of 'a\.csv' is not closed"):
            told(tmp_path / "a.csv", data)


def test_a_quote_left_open_on_the_last_line_harms_that_line_only(tmp_path: Path) -> None:
    assert told(tmp_path / "a.csv", HEADER + ROW % (1, b"a") + b'2,42,2025-05-07T10:00:00Z,"cut') == [
        (2, "a"),
        (3, "bad_quotes"),
    ]


def test_headers_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"has no column 'id' .*it has nr, user"):
        told(tmp_path / "a.csv", HEADER.replace(b"id", b"nr") + ROW % (1, b"a"))
    with pytest.raises(BadInput, match="has the column 'text' 2 times"):
        told(tmp_path / "a.csv", HEADER.replace(b"likes", b"likes,text"))
    with pytest.raises(BadInput, match="has no column 'id'"):
        told(tmp_path / "a.csv", ROW % (1, b"a"))


def test_a_header_alone_is_no_row(tmp_path: Path) -> None:
    assert told(tmp_path / "a.csv", HEADER) == []


def test_a_csv_line_that_is_far_too_long_refuses_the_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"line 2 of 'a\.csv' is over 16 MiB"):
        told(tmp_path / "a.csv", HEADER + b"x" * ((16 << 20) + 1))


CELL = st.text(st.sampled_from('ab,;"\n\r\t |é\u2028'), max_size=8)


@settings(deadline=None, max_examples=60)
@given(st.lists(CELL, min_size=1, max_size=6))
def test_what_the_csv_module_writes_comes_back(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["id", "user", "when", "text", "likes"])
        writer.writerows([number, "42", "2025-05-07T10:00:00Z", cell, ""] for number, cell in enumerate(cells, start=1))
    assert [item.text for _, item, _ in csv_drafts(path, MAPPING) if isinstance(item, Draft)] == cells


def test_json_lines_with_nested_names(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"id":"1","user":{"id":7},"when":"2025-05-07T10:00:00Z","text":"a"}\n\n'
        '{"id":1.7e18,"user":{"id":7},"when":"2025-05-07T10:00:00Z","text":"a","likes":2}\nbroken\n',
        encoding="utf-8",
    )
    mapping = Mapping("x", {**MAPPING.fields, "author": "user.id"})
    found = list(jsonl_drafts(path, mapping))
    assert [line for line, _, _ in found] == [1, 3, 4]
    assert [getattr(item, "author", item) for _, item, _ in found] == [7, 7, "invalid_json"]
    with pytest.warns(
        QuarantineWarning, match=r"2 of 3 rows of 'a\.jsonl' were set aside: id_precision_lost 1, invalid_json 1;"
    ):
        corpus = read_posts(path, key=KEY, mapping=mapping)
    assert corpus.files.rows() == [("a.jsonl", "jsonl", 3, 1, 0, 2, 0, 0)]


def test_json_lines_that_never_have_a_required_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id":"1","user":"7","when":"2025-05-07T10:00:00Z","txt":"a"}\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"has no column 'text' .*it has id, user, when, txt. Did you mean 'txt'"):
        list(jsonl_drafts(path, MAPPING))


def parquet(path: Path, ids: Any, when: Any) -> Path:
    count = len(ids)
    columns = {"id": ids, "user": ["42"] * count, "when": when, "text": ["a"] * count, "likes": [None] * count}
    pl.DataFrame(columns).write_parquet(path)
    return path


def test_parquet_with_whole_numbers_and_moments(tmp_path: Path) -> None:
    moments = [datetime(2025, 5, 7, 10, tzinfo=UTC), datetime(2025, 5, 7, 11, tzinfo=UTC)]
    path = parquet(tmp_path / "a.parquet", [9 * 10**18 + 1, 9 * 10**18 + 2], moments)
    corpus = read_posts(path, key=KEY, mapping=MAPPING)
    assert corpus.files.rows() == [("a.parquet", "parquet", 2, 2, 0, 0, 0, 0)]
    assert corpus.posts.select("post_id", "created_at", "source_line").rows() == [
        ("x:9000000000000000001", moments[0], 1),
        ("x:9000000000000000002", moments[1], 2),
    ]


def test_parquet_with_float_ids_or_local_times_is_set_aside(tmp_path: Path) -> None:
    floats = parquet(tmp_path / "a.parquet", [1.7e18, None], ["2025-05-07T10:00:00Z"] * 2)
    local = parquet(tmp_path / "b.parquet", ["1", "2"], [datetime(2025, 5, 7)] * 2)
    with pytest.warns(QuarantineWarning, match="bad_timestamp 2, id_precision_lost 1, missing_id 1"):
        corpus = read_posts([floats, local], key=KEY, mapping=MAPPING)
    assert len(corpus) == 0


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", ["1"], ["2025-05-07T10:00:00Z"])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadInput, match="cannot be read as Parquet"):
        list(parquet_drafts(path, MAPPING))
    pl.DataFrame({"id": ["1"], "user": ["4"], "when": ["x"], "text": ["a"]}).write_parquet(path)
    with pytest.raises(BadInput, match="has no column 'likes'"):
        list(parquet_drafts(path, MAPPING))


# Tables that lack ids, authors and times

BARE = Mapping(
    "x-table", {"text": "text"}, constants={"author": "unknown", "created_at": "2019-02-26T00:00:00Z"}, made_ids=True
)
TEXTS = ["peace", "امن", "peace", "peace"]


def bare(path: Path) -> Path:
    """A table of four texts, three of them the same, in the format of the name."""
    if path.suffix == ".csv":
        path.write_text("text\n" + "".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(f'{{"text": "{text}"}}\n' for text in TEXTS), encoding="utf-8")
    elif path.suffix == ".parquet":
        pl.DataFrame({"text": TEXTS}).write_parquet(path)
    else:
        book = openpyxl.Workbook()
        for text in ["text", *TEXTS]:
            book.worksheets[0].append([text])
        book.save(path)
    return path


@pytest.mark.parametrize(
    ("name", "drafts"),
    [("a.csv", csv_drafts), ("a.jsonl", jsonl_drafts), ("a.parquet", parquet_drafts), ("a.xlsx", sheet_drafts)],
    ids=["csv", "jsonl", "parquet", "xlsx"],
)
def test_a_repeated_row_is_a_post_of_its_own(tmp_path: Path, name: str, drafts: Any) -> None:
    path = bare(tmp_path / name)
    found = [read.item for read in drafts(path, BARE)]
    ids = [one.id for one in found if isinstance(one, Draft)]
    assert [one.text for one in found] == TEXTS
    assert len(set(ids)) == 4
    assert ids == [read.item.id for read in drafts(path, BARE)]
    corpus = read_posts(path, key=KEY, mapping=BARE)
    assert corpus.files.row(0)[2:6] == (4, 4, 0, 0)
    assert corpus.posts["author_id"].n_unique() == 1


def test_the_same_table_twice_is_all_duplicates(tmp_path: Path) -> None:
    paths = [bare(tmp_path / name) for name in ("a.csv", "b.jsonl", "c.parquet", "d.xlsx")]
    corpus = read_posts(paths, key=KEY, mapping=BARE)
    assert corpus.files.select("read", "accepted", "duplicates", "quarantined").rows() == [
        (4, 4, 0, 0), (4, 0, 4, 0), (4, 0, 4, 0), (4, 0, 4, 0),
    ]  # fmt: skip


def test_a_column_of_ids_is_not_looked_at_when_ids_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,,text\n" + "1.7E+18,900000000000000000,peace\n" * 6, encoding="utf-8")
    assert read_posts(path, key=KEY, mapping=BARE).files.row(0)[2:6] == (6, 6, 0, 0)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.xlsx"])
def test_a_table_without_the_text_is_refused_by_its_columns(tmp_path: Path, name: str) -> None:
    mapping = Mapping("x-table", {"text": "body"}, constants=BARE.constants, made_ids=True)
    with pytest.raises(BadInput, match=r"has no column 'body' \(the mapping's text\); it has text"):
        read_posts(bare(tmp_path / name), key=KEY, mapping=mapping)
