from __future__ import annotations

import json
import os
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import BadInput, MissingData, UsageError
from discourse.readers.drafting import draft_mapping
from discourse.readers.mapped import FIELDS, Mapping
from discourse.readers.records import Draft
from discourse.readers.sheets import sheet_drafts
from discourse.readers.tables import csv_drafts, jsonl_drafts, parquet_drafts

SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
DATA = SHARED / "data"


def drafted(folder: Path, text: str, name: str = "a.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return draft_mapping(folder / name)


def parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def filled(text: str) -> Mapping:
    """The mapping with what a person would write in the place of each "?"."""
    given = parsed(text)
    for name, answer in {"platform": "forum", "timezone": "Asia/Karachi", "time_format": ["%d/%m/%Y %H:%M"]}.items():
        if given.get(name) == "?":
            given[name] = answer
    return Mapping(given["platform"], given["fields"], given.get("timezone"), tuple(given.get("time_format", ())))


def table(when: str = "2025-05-07 10:00:00", count: int = 3) -> str:
    rows = [f"900000000000000000{n},demo {n % 2},{when},peace and bread {n},{n}\n" for n in range(1, count + 1)]
    return "Tweet ID,AuthorId,Date,fullText,retweet_count\n" + "".join(rows)


def test_a_csv(tmp_path: Path) -> None:
    text = drafted(tmp_path, table())
    assert parsed(text) == {
        "platform": "x",
        "timezone": "?",
        "fields": {
            "id": "Tweet ID", "author": "AuthorId", "created_at": "Date", "text": "fullText",
            "reposts": "retweet_count",
        },
    }  # fmt: skip
    drafts = [read.item for read in csv_drafts(tmp_path / "a.csv", filled(text))]
    assert [(d.id, d.author, d.created_at, d.text, d.reposts) for d in drafts if isinstance(d, Draft)] == [
        (f"900000000000000000{n}", f"demo {n % 2}", "2025-05-07T10:00:00+05:00", f"peace and bread {n}", n)
        for n in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("when", "unread"),
    [
        ("2025-05-07T10:00:00Z", []),
        ("2025-05-07 10:00:00", ["timezone"]),
        ("05/06/2025 10:00", ["timezone", "time_format"]),
        ("soon", ["timezone", "time_format"]),
    ],
)
def test_a_draft_does_not_run_unread(tmp_path: Path, when: str, unread: list[str]) -> None:
    text = drafted(tmp_path, table(when))
    answers = {"timezone": '"Asia/Karachi"', "time_format": '["%d/%m/%Y %H:%M"]'}
    for left in unread:
        only = text
        for name in set(unread) - {left}:
            only = only.replace(f'{name} = "?"', f"{name} = {answers[name]}")
        (tmp_path / "columns.toml").write_text(only, encoding="utf-8")
        with pytest.raises(UsageError, match=left):
            Mapping.from_toml(tmp_path / "columns.toml")
    for name in unread:
        text = text.replace(f'{name} = "?"', f"{name} = {answers[name]}")
    (tmp_path / "columns.toml").write_text(text, encoding="utf-8")
    assert Mapping.from_toml(tmp_path / "columns.toml").platform == "x"


def test_no_platform_is_guessed_without_a_sign(tmp_path: Path) -> None:
    text = drafted(tmp_path, "id,author_id,created_at,text\n1,2,2025-05-07T10:00:00Z,a\n")
    assert parsed(text)["platform"] == "?"
    (tmp_path / "columns.toml").write_text(text)
    with pytest.raises(UsageError, match="platform"):
        Mapping.from_toml(tmp_path / "columns.toml")
    made_up = drafted(tmp_path, "tweet_id,author_id,created_at,text\nt9a,2,2025-05-07T10:00:00Z,a\n")
    assert parsed(made_up)["platform"] == "?"


def test_one_comment_for_each_field_and_marks_where_it_is_unsure(tmp_path: Path) -> None:
    lines = drafted(
        tmp_path, "id,username,created_at,text,bio\n1,a,2025-05-07T10:00:00Z,b,a longer text\n"
    ).splitlines()
    for number, line in enumerate(lines):
        if line.split(" = ")[0] in FIELDS:
            assert lines[number - 1].startswith("# named like")
    marked = [line for line in lines[lines.index("[fields]") :] if line.endswith("# ?")]
    assert marked == ['author = "username"  # ?', 'text = "text"  # ?']
    assert lines[-1] == '# not used: "bio"'
    assert 'handle = "username"' in lines


@pytest.mark.parametrize(
    ("when", "zone", "format_"),
    [
        ("2025-05-07T10:00:00Z", None, None),
        ("2025-05-07 10:00:00+05:00", None, None),
        ("Wed May 07 10:00:00 +0000 2025", None, None),
        ("2025-05-07T10:00", "?", None),
        ("07/05/2025 10:00", "?", "?"),
        ("27/05/2025 10:00", "?", ["%d/%m/%Y %H:%M"]),
        ("05/27/2025 10:00:09", "?", ["%m/%d/%Y %H:%M:%S"]),
        ("27.05.25, 10:00", "?", ["%d.%m.%y, %H:%M"]),
        ("2025/05/27 10:00", "?", ["%Y/%m/%d %H:%M"]),
        ("27-05-2025 10:00 PM", "?", ["%d-%m-%Y %I:%M %p"]),
        ("27 May 2025 10:00", "?", ["%d %b %Y %H:%M"]),
        ("27/05/2025 10:00 +0500", None, ["%d/%m/%Y %H:%M %z"]),
        ("27-05-2025 10:00:00 UTC", "UTC", ["%d-%m-%Y %H:%M:%S UTC"]),
        ("2/27/19", "?", ["%m/%d/%y"]),
        ("2025-05-27", "?", ["%Y-%m-%d"]),
        ("1746612000", "?", "?"),
        ("yesterday", "?", "?"),
    ],
)
def test_times(tmp_path: Path, when: str, zone: str | None, format_: object) -> None:
    quoted = f'"{when}"'
    given_ = parsed(drafted(tmp_path, table(quoted)))
    assert (given_.get("timezone"), given_.get("time_format")) == (zone, format_)
    assert given_["fields"]["created_at"] == "Date"


def test_one_row_with_a_day_over_12_tells_the_order(tmp_path: Path) -> None:
    rows = "".join(f"{n},u,{n:02}/05/2025 10:00,text {n}\n" for n in range(1, 14))
    assert parsed(drafted(tmp_path, "id,user_id,date,text\n" + rows))["time_format"] == ["%d/%m/%Y %H:%M"]


def test_a_date_without_a_time_is_unsure(tmp_path: Path) -> None:
    text = drafted(tmp_path, table("2025-05-27"))
    assert 'created_at = "Date"  # ?' in text
    assert "midnight" in text


def test_of_two_columns_the_one_whose_values_fit(tmp_path: Path) -> None:
    text = drafted(
        tmp_path,
        "id,id_str,user_id,created_at,text,full_text\n"
        "1.7E+18,17,5,2025-05-07T10:00:00Z,short,a longer text\n"
        "1.7E+18,18,5,2025-05-07T10:00:00Z,short,a longer text\n",
    )
    assert parsed(text)["fields"]["id"] == "id_str"
    assert parsed(text)["fields"]["text"] == "full_text"


@pytest.mark.parametrize(
    ("column", "values", "field", "sign"),
    [
        ("id", ["7", "7"], "id", "values repeat"),
        ("id", ["1.7E+18", "1.8E+18"], "id", "rounded"),
        ("id", ["900000000000001000", "900000000000002000"], "id", "rounded"),
        ("user_id", ["1.7E+18", "1.8E+18"], "author", "rounded"),
        ("id", ["", ""], "id", "empty"),
    ],
)
def test_a_required_column_that_does_not_fit_is_marked(
    tmp_path: Path, column: str, values: list[str], field: str, sign: str
) -> None:
    header = ["id", "user_id", "created_at", "text"]
    rows = [
        dict(zip(header, [str(n), "u", "2025-05-07T10:00:00Z", "a"], strict=True)) | {column: v}
        for n, v in enumerate(values)
    ]
    text = drafted(tmp_path, ",".join(header) + "\n" + "".join(",".join(row.values()) + "\n" for row in rows))
    lines = text.splitlines()
    place = lines.index(f'{field} = "{column}"  # ?')
    assert sign in lines[place - 1]


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [("likes", "7", "7.5"), ("kind", "reply", "tweeted"), ("lang", "ur", "اردو"), ("parent_id", "900001", "9.0E+18")],
)
def test_an_optional_column_that_does_not_fit_is_not_used(tmp_path: Path, column: str, good: str, bad: str) -> None:
    base = "id,user_id,created_at,text,{}\n1,u,2025-05-07T10:00:00Z,long text,{}\n"
    field = "parent" if column == "parent_id" else column
    assert parsed(drafted(tmp_path, base.format(column, good)))["fields"][field] == column
    refused = drafted(tmp_path, base.format(column, bad))
    assert field not in parsed(refused)["fields"]
    assert f'# not used: "{column}"' in refused


def test_required_fields_without_a_column_are_named(tmp_path: Path) -> None:
    text = drafted(tmp_path, "Tweet,Class\nامن,1\n")
    assert parsed(text)["fields"] == {"text": "Tweet"}
    assert text.splitlines()[-4:-1] == [
        "# ? required, and no column has such a name: id, author, created_at",
        "# ? if the table has no ids, write above [fields]: made_ids = true",
        '# ? if the table has none, write under [constants]: author = "unknown", created_at = "2019-02-26T00:00:00Z"',
    ]
    done = text.replace('platform = "?"', 'platform = "x-table"\nmade_ids = true')
    (tmp_path / "done.toml").write_text(
        f"{done}[constants]\n{text.splitlines()[-2].partition(': ')[2].replace(', ', chr(10))}"
    )
    (read,) = csv_drafts(tmp_path / "a.csv", Mapping.from_toml(tmp_path / "done.toml"))
    assert isinstance(read.item, Draft)
    (tmp_path / "columns.toml").write_text(text.replace('platform = "?"', 'platform = "x"'), encoding="utf-8")
    with pytest.raises(UsageError, match="lacks id, author, created_at"):
        Mapping.from_toml(tmp_path / "columns.toml")


def test_nested_json(tmp_path: Path) -> None:
    records = [
        {"id": n, "author": {"id": f"u{n}", "name": "demo secret"}, "timestamp": "2025-05-07T10:00:00Z",
         "content": f"peace {n}", "tags": ["a"], "stats": {"likes": n}, "900000001": {"x": 1}}
        for n in (1, 2)
    ]  # fmt: skip
    text = drafted(tmp_path, "".join(json.dumps(record) + "\n" for record in records), "a.jsonl")
    fields = parsed(text)["fields"]
    assert "900000001" not in text
    assert fields == {"id": "id", "author": "author.id", "created_at": "timestamp", "text": "content"}
    drafts = [read.item for read in jsonl_drafts(tmp_path / "a.jsonl", filled(text))]
    assert [(d.id, d.author, d.text) for d in drafts if isinstance(d, Draft)] == [
        (1, "u1", "peace 1"),
        (2, "u2", "peace 2"),
    ]


def test_a_sheet(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.worksheets[0].append(["post id", "user id", "posted", "message", "shares"])
    made.worksheets[0].append(["k1", 7, datetime(2025, 5, 7, 10), "peace and bread", 3])
    made.save(tmp_path / "a.xlsx")
    text = draft_mapping(tmp_path / "a.xlsx")
    (read,) = sheet_drafts(tmp_path / "a.xlsx", filled(text))
    assert isinstance(read.item, Draft)
    assert (read.item.id, read.item.author, read.item.reposts) == ("k1", "7", 3)
    assert read.item.created_at == "2025-05-07T10:00:00+05:00"


def test_a_parquet_file(tmp_path: Path) -> None:
    row = {"id": 9, "user_id": "7", "created_at": datetime(2025, 5, 7, 10, tzinfo=UTC), "body": "peace", "extra": [1]}
    pl.DataFrame([row]).write_parquet(tmp_path / "a.parquet")
    text = draft_mapping(tmp_path / "a.parquet")
    assert "timezone" not in parsed(text)
    (read,) = parquet_drafts(tmp_path / "a.parquet", filled(text))
    assert isinstance(read.item, Draft)
    assert (read.item.id, read.item.text, read.item.created_at) == (9, "peace", "2025-05-07T10:00:00+00:00")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(BadInput, match="cannot be read as Parquet"):
        draft_mapping(tmp_path / "a.parquet")


def test_only_the_first_rows_are_looked_at(tmp_path: Path) -> None:
    text = drafted(tmp_path, table(count=9) + "9,demo,broken,x,y\n" * 60)
    assert "first 50 rows" in text
    early = table(count=9) + "".join(f"9{n},demo,2025-05-07 10:00:00,x,1\n" for n in range(41)) + "9,demo,broken,x,y\n"
    assert parsed(drafted(tmp_path, early)).get("time_format") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("demo secret\t1\npeace\t0\n", "a.tsv"),
        ("9000000000000000001,text,demo secret\n9000000000000000002,b,c\n", "a.csv"),
        ("@demo_secret,id\nx,y\n", "a.csv"),
        ("2025-05-07,id,demo secret\n2025-05-08,ur,b\n", "a.csv"),
        (f"{'demo secret ' * 9},text\na,b\n", "a.csv"),
    ],
)
def test_a_first_line_that_is_no_header_is_not_shown(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(BadInput, match="its first line is no header") as caught:
        drafted(tmp_path, text, name)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["id,text\n", "id,text\n,\n", "id,text"])
def test_a_table_without_a_row(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="has no row to draft a mapping from"):
        drafted(tmp_path, text)


def test_files_that_no_mapping_reads(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a JSON array"):
        drafted(tmp_path, '[{"id": 1}]', "a.json")
    with pytest.raises(MissingData):
        draft_mapping(tmp_path / "none.csv")


def test_links_and_the_markup_of_a_source_are_no_texts(tmp_path: Path) -> None:
    links = "https://example.org/a/long/one,<a href=long>app</a>,2025-05-07T10:00:00.000Z"
    text = drafted(tmp_path, f"id,user_id,created_at,text,url,source,seen\n1,u,2025-05-07T10:00:00Z,peace,{links}\n")
    assert 'text = "text"' in text.splitlines()


def test_a_name_of_a_file_that_toml_does_not_take_as_it_is(tmp_path: Path) -> None:
    assert parsed(drafted(tmp_path, table(), "a\x7f\n.csv"))["fields"]["id"] == "Tweet ID"


def test_odd_names_of_columns_are_still_toml(tmp_path: Path) -> None:
    text = drafted(tmp_path, 'id,"a ""b"" \\c #",text\n1,x,peace\n')
    assert parsed(text)["fields"] == {"id": "id", "text": "text"}
    assert r'# not used: "a \"b\" \\c #"' in text


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=',"\r\n\0'), min_size=4, max_size=30)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=5))
def test_no_cell_is_ever_shown(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]) -> None:
    header = "id,user_id,created_at,text,likes\n"
    marked = [tuple(f"§{cell}§" for cell in row) for row in rows]
    text = drafted(tmp_path_factory.mktemp("draft"), header + "".join(",".join(row) + "\n" for row in marked))
    assert "§" not in text
    tomllib.loads(text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2), max_leaves=6,
)  # fmt: skip


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.dictionaries(st.sampled_from([*FIELDS, "user", "x.y"]), JSON_VALUES, max_size=6), min_size=1, max_size=4
    )
)
def test_any_json_is_drafted_or_refused(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]
) -> None:
    lines = "".join(json.dumps(record) + "\n" for record in records)
    try:
        given_ = tomllib.loads(drafted(tmp_path_factory.mktemp("draft"), lines, "a.jsonl"))
    except BadInput:
        return
    assert set(given_["fields"]) <= set(FIELDS)


@pytest.mark.parametrize(
    ("pattern", "lacking"),
    [
        ("pk_politics_na404_2022/tweets.csv", {"id"}),
        ("indopak_pulwama_2019/*.csv", {"id", "author"}),
        ("ruw_russia_ukraine_stance/*.csv", {"id", "author", "created_at"}),
        ("urdu_script_labelled/*.?sv", {"id", "author", "created_at"}),
        ("pk_twitter_2022_twitteR/*.csv", set()),
    ],
)
def test_real_tables(pattern: str, lacking: set[str]) -> None:
    paths = sorted(DATA.glob(pattern))
    if not paths:
        pytest.skip("needs ../shared (data)")
    for path in paths:
        text = draft_mapping(path)
        assert {"id", "author", "created_at", "text"} - set(parsed(text)["fields"]) == lacking, path.name
        if not lacking:
            items = [read.item for read in csv_drafts(path, filled(text))]
            assert len(items) > 100
            assert all(isinstance(item, Draft) for item in items), path.name


def test_real_tables_without_a_header_are_refused() -> None:
    paths = sorted(DATA.glob("roman_urdu_ruhsold/*.tsv"))
    if not paths:
        pytest.skip("needs ../shared (data)")
    for path in paths:
        with pytest.raises(BadInput, match="its first line is no header"):
            draft_mapping(path)
