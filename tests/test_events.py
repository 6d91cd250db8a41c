"""The event list: dates that are dates, in order of time."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from discourse.errors import BadInput, DiscourseError, MissingData, SchemaError
from discourse.events import read_events
from discourse.schema import EVENTS

ROOT = Path(__file__).resolve().parents[1]
HEAD = "event_id,start,end,type,place,title,source\n"


def events(tmp_path: Path, *rows: str, head: str = HEAD) -> pl.DataFrame:
    (tmp_path / "events.csv").write_text(head + "".join(f"{row}\n" for row in rows), "utf-8")
    return read_events(tmp_path / "events.csv")


def test_events_come_in_order_of_time_with_an_empty_end(tmp_path: Path) -> None:
    found = events(tmp_path, "b,2025-03-01,2025-03-02,talks,Kabul,Two days,s", "a,2024-12-24,,strike,,One day,",
                   "c,2024-12-24,2024-12-24,strike,کابل,Same day,s")  # fmt: skip
    assert found["event_id"].to_list() == ["a", "c", "b"]
    assert found.schema == EVENTS.empty().schema
    assert found.row(0) == ("a", date(2024, 12, 24), None, "strike", None, "One day", None)
    assert found["place"].to_list() == [None, "کابل", "Kabul"]


def test_columns_may_stand_in_any_order_and_more_may_be_there(tmp_path: Path) -> None:
    found = events(tmp_path, "x,s,t,p,y,,2025-01-01,e",
                   head="note,source,title,place,type,end,start,event_id\n")  # fmt: skip
    assert found.columns == list(EVENTS.columns)
    assert found["start"][0] == date(2025, 1, 1)


@pytest.mark.parametrize("day", ["24.12.2024", "2024-13-01", "2025-02-29", "soon", "2024-12-24T10:00"])
def test_what_is_no_date_is_refused(tmp_path: Path, day: str) -> None:
    for row in (f"a,{day},,t,p,title,s", f"a,2024-01-01,{day},t,p,title,s"):
        with pytest.raises(BadInput) as caught:
            events(tmp_path, row)
        assert str(caught.value) == "a start or end in the events file is not a date; write it as 2024-12-24"


def test_an_event_that_ends_before_it_begins_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        events(tmp_path, "a,2025-01-02,2025-01-02,t,p,title,s", "b,2025-01-02,2025-01-01,t,p,title,s")
    assert str(caught.value) == "event 'b' ends before it begins; mend the events file"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as caught:
        events(tmp_path, head="event_id,start,end,type,place,title\n")
    assert str(caught.value) == (
        "the events file has no column 'source'; it needs event_id, start, end, type, place, title, source"
    )


@pytest.mark.parametrize("row", ["a,,,t,p,title,s", ",2025-01-01,,t,p,title,s", "a,2025-01-01,,,p,title,s"])
def test_what_every_event_needs(tmp_path: Path, row: str) -> None:
    with pytest.raises(SchemaError, match=r"every row needs one$"):
        events(tmp_path, row)


def test_an_event_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"share one event_id"):
        events(tmp_path, *["a,2025-01-01,,t,p,title,s"] * 2)


@pytest.mark.parametrize(
    "data", [b"", HEAD.encode() + b"\xff\xfe,2025-01-01,,t,p,title,s\n", HEAD.encode() + b"a,b,c,d,e,f,g,h\n"]
)
def test_what_is_no_csv_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "events.csv").write_bytes(data)
    with pytest.raises(BadInput, match=r"^the events file 'events\.csv' cannot be read as a CSV in UTF-8"):
        read_events(tmp_path / "events.csv")


def test_no_file_and_no_event(tmp_path: Path) -> None:
    for place in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(MissingData, match=r"^there is no events file "):
            read_events(place)
    assert events(tmp_path).height == 0


def test_the_committed_list_is_sound() -> None:
    found = read_events(ROOT / "corpora/events.csv")
    assert found.height >= 10
    assert found["source"].null_count() == 0
    assert found["source"].str.starts_with("https://").all()
    starts = found.select((pl.col("event_id").str.head(10).str.to_date() - pl.col("start")).dt.total_days().abs())
    assert starts.to_series().max() <= 1


def test_every_error_is_one_of_the_package(tmp_path: Path) -> None:
    for row in ("a", '"', "a,b", "\0", "a,2025-01-01,,t,p,title,s,s,s"):
        with pytest.raises(DiscourseError):
            events(tmp_path, row)
