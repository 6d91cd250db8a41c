from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers import crowdtangle, facebook, reddit, rtweet, twitter_v1, x_api, youtube
from discourse.readers.containers import first_records, json_reads
from discourse.readers.meta_library import ID_COLUMN, drafts, has_columns, looks_like, row_draft
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.tables import column_reads
from discourse.readers.values import Reason

KEY = Key.made_up("meta_library")
FIXTURES = Path(__file__).parent / "fixtures" / "readers"
WHEN = "2025-05-07T10:00:00+00:00"
POST: dict[str, Any] = {
    "id": 9001,
    "creation_time": WHEN,
    "text": "peace",
    "content_type": "POSTS",
    "post_owner": {"type": "PAGE", "id": 9100, "name": "Demo Page"},
}
COMMENT: dict[str, Any] = {
    "id": 9501,
    "post_id": 9001,
    "creation_time": WHEN,
    "text": "yes",
    "owner": {"id": 9200, "type": "PROFILE", "name": "Demo Person", "username": "demo_one"},
}


def row(item: Any) -> Row | Reason:
    return to_row(item, KEY, "a.json", 1) if isinstance(item, Draft) else item


def draft(record: dict[str, Any]) -> Draft:
    (item,) = drafts(record)
    assert isinstance(item, Draft)
    return item


def flat(record: dict[str, Any]) -> dict[str, Any]:
    """The record with dotted names, as the library's own function flattens it."""
    cells: dict[str, Any] = {}
    for name, value in record.items():
        cells |= {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, dict) else {name: value}
    return cells


def test_a_handwritten_answer() -> None:
    """Written by hand from the field list of the library; its accounts are invented."""
    path = FIXTURES / "meta_library.json"
    assert looks_like(first_records(path)[0])
    first, second, third = (row(read.item) for read in json_reads(path, drafts))
    assert third == "missing_text"
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    assert (first.post_id, second.post_id) == (
        "facebook:mcl-9000000000000000001",
        "instagram:mcl-9000000000000000002",
    )
    assert (first.text, second.text) == ("peace &amp; bread", "امن")
    assert (first.kind, first.parent_id) == ("original", None)
    assert (second.kind, second.parent_id) == ("quote", "instagram:mcl-9000000000000000001")
    assert (first.likes, first.replies, first.reposts, first.quotes) == (5, 0, None, None)
    assert (second.likes, second.replies, second.reposts, second.quotes) == (None, None, 2, None)
    assert first.author_id == pseudonym(KEY, "facebook", "mcl-9100")
    assert second.author_id == pseudonym(KEY, "instagram", "mcl-9200")
    assert (first.handle_id, second.handle_id) == (handle_pseudonym(KEY, "facebook", "demo_page"), None)
    assert (first.lang_declared, second.lang_declared) == ("en", None)
    assert (str(first.created_at), str(first.edited_at), second.edited_at) == (
        "2025-05-07 10:00:00+00:00",
        "2025-05-07 11:00:00+00:00",
        None,
    )
    assert (first.country, first.country_basis, first.location) == (None, None, None)


def test_a_handwritten_table() -> None:
    reads = column_reads(FIXTURES / "meta_library.csv", has_columns, row_draft, ID_COLUMN)
    (line, post), *others = ((read.line, row(read.item)) for read in reads)
    assert others == [(3, "missing_text"), (4, "id_precision_lost")]
    assert isinstance(post, Row)
    assert (line, post.post_id, post.text) == (2, "facebook:mcl-9000000000000000001", "peace, bread")
    assert (post.likes, post.replies, post.reposts) == (5, 0, None)
    assert post.author_id == pseudonym(KEY, "facebook", "mcl-9100")


@pytest.mark.parametrize("record", [POST, COMMENT])
def test_nested_and_flattened_and_in_a_table_it_is_the_same_row(record: dict[str, Any]) -> None:
    counted = {**record, "statistics": {"like_count": 5, "comment_count": 0}}
    cells = {name: str(value) for name, value in flat(counted).items()} | {"statistics.share_count": "", "lang": ""}
    expected = row(draft(counted))
    assert isinstance(expected, Row)
    assert (expected.likes, expected.replies, expected.reposts) == (5, 0, None)
    assert row(draft(flat(counted))) == expected
    assert row(draft({"data": [counted], "paging": {}})) == expected
    assert row(row_draft(cells)) == expected


@pytest.mark.parametrize(
    ("record", "kind", "parent"),
    [
        (POST, "original", None),
        ({**POST, "shared_post_id": 9002}, "quote", "mcl-9002"),
        (COMMENT, "reply", "mcl-9001"),
        ({**COMMENT, "parent_comment_id": 9500}, "reply", "mcl-9500"),
        ({**COMMENT, "parent_comment_id": None}, "reply", "mcl-9001"),
    ],
)
def test_relations(record: dict[str, Any], kind: str, parent: str | None) -> None:
    assert (draft(record).kind, draft(record).parent) == (kind, parent)


def test_a_comment_is_its_own_owners() -> None:
    made = row(draft(COMMENT))
    assert isinstance(made, Row)
    assert made.author_id == pseudonym(KEY, "facebook", "mcl-9200")
    assert made.handle_id == handle_pseudonym(KEY, "facebook", "demo_one")


@pytest.mark.parametrize(
    ("fields", "platform"),
    [
        ({}, "facebook"),
        ({"mcl_url": "https://www.facebook.com/mcl/9001"}, "facebook"),
        ({"mcl_url": "https://www.instagram.com/mcl/9001"}, "instagram"),
        ({"content_type": "INSTAGRAM_REELS"}, "instagram"),
        ({"surface": {"type": "instagram_profile"}}, "instagram"),
        ({"surface.type": "INSTAGRAM"}, "instagram"),
        ({"surface": {"type": "THREADS"}}, "threads"),
        ({"surface": {"type": 5, "name": "instagram"}, "text": "instagram"}, "facebook"),
    ],
)
def test_the_platform(fields: dict[str, Any], platform: str) -> None:
    assert draft({**POST, **fields}).platform == platform


@pytest.mark.parametrize("kind", ["GROUP", "group", "EVENT"])
def test_a_group_writes_nothing_itself(kind: str) -> None:
    owned = {**POST, "post_owner": {"type": kind, "id": 9300}}
    assert list(drafts(owned)) == [Reason.MISSING_AUTHOR]
    assert list(drafts(flat(owned))) == [Reason.MISSING_AUTHOR]
    assert isinstance(row(draft({**POST, "surface": {"type": kind, "id": 9300}})), Row)


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        ({**POST, "creation_time": 1746612000}, "2025-05-07 10:00:00+00:00"),
        ({**POST, "creation_time": "2025-05-07T10:00:00"}, "bad_timestamp"),
        ({**POST, "creation_time": False}, "bad_timestamp"),
        ({**POST, "creation_time": 10**12}, "timestamp_out_of_range"),
        ({**POST, "id": 9.001e18}, "id_precision_lost"),
        ({**POST, "id": "9.001E+18"}, "id_precision_lost"),
        ({**POST, "id": "9001.0"}, "id_precision_lost"),
        ({**POST, "id": 2**63}, "id_out_of_range"),
        ({**POST, "id": 0}, "id_out_of_range"),
        ({**POST, "id": True}, "bad_id"),
        ({**POST, "id": None}, "missing_id"),
        ({**POST, "id": ""}, "missing_id"),
        ({**POST, "post_owner": {"id": 9.1e18}}, "id_precision_lost"),
        ({**POST, "post_owner": {"name": "Demo Page"}}, "missing_author"),
        ({**POST, "post_owner": 9100}, "missing_author"),
        ({**POST, "shared_post_id": 9.1e18}, "id_precision_lost"),
        ({**POST, "text": None}, "missing_text"),
        ({**POST, "text": ""}, "missing_text"),
        ({**POST, "text": 5}, "wrong_type"),
        ({**POST, "statistics": {"like_count": "5"}}, "wrong_type"),
        ({**POST, "modified_time": "soon"}, "2025-05-07 10:00:00+00:00"),
        ({"error": {"message": "no"}}, "api_error"),
    ],
)
def test_single_values(record: dict[str, Any], outcome: str) -> None:
    (item,) = drafts(record)
    made = row(item)
    assert (str(made.created_at) if isinstance(made, Row) else made) == outcome


@pytest.mark.parametrize("cell", ["1,234", "1.5", "-1", "many"])
def test_a_cell_that_is_no_count_is_refused(cell: str) -> None:
    cells = {name: str(value) for name, value in flat(POST).items()}
    for name in ("like", "comment", "share"):
        assert row(row_draft({**cells, f"statistics.{name}_count": cell})) == "wrong_type"


def test_an_answer_keeps_the_place_of_what_is_no_row() -> None:
    items = list(drafts({"data": [5, POST]}))
    assert items[0] is Reason.NOT_AN_OBJECT
    assert isinstance(items[1], Draft)
    assert list(drafts({"data": []})) == []


@pytest.mark.parametrize("record", [POST, COMMENT, flat(POST), flat(COMMENT), {"data": [POST]}, {"data": [5, COMMENT]}])
def test_what_looks_like_it_looks_like_no_other(record: dict[str, Any]) -> None:
    assert looks_like(record)
    assert not any(module.looks_like(record) for module in (facebook, x_api, rtweet, twitter_v1, reddit, youtube))
    assert not crowdtangle.has_columns(record)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"data": []},
        {"data": [], "meta": {}},
        {"data": POST},
        {"id": 9001, "creation_time": WHEN, "text": "peace"},
        {"id": 9001, "post_id": 9002, "creation_time": WHEN},
        {"creation_time": WHEN, "post_owner": {}},
        {"id": 9001, "post_owner": {}},
        {"id": "9100_9001", "created_time": WHEN, "message": "peace", "from": {"id": "9100"}},
        {"data": {"videos": [{"id": 9001, "create_time": 1746612000}]}},
        {"id": "9001", "author_id": "42", "text": "peace"},
        {"status_id": "9001"},
        {"id_str": "9001", "user": {}},
        {"id": "k1", "body": "peace", "created_utc": 1746612000, "link_id": "t3_p1"},
        {"kind": "youtube#comment", "id": "UgDemo"},
    ],
)
def test_other_objects_do_not_look_like_it(record: dict[str, Any]) -> None:
    assert not looks_like(record)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*POST, *COMMENT, "statistics", "surface", "shared_post_id", "modified_time", "data", "error"])


@given(st.dictionaries(NAMES, JSON, max_size=8))
@settings(deadline=None)
def test_no_value_raises(record: dict[str, Any]) -> None:
    assert isinstance(looks_like(record), bool)
    for value in (record, {"data": [record]}, {**POST, **record}, {**COMMENT, "owner": record}):
        for item in drafts(value):
            assert isinstance(row(item), Row | Reason)


@given(st.dictionaries(st.sampled_from([*flat(POST), *flat(COMMENT), "statistics.like_count"]), st.text(max_size=8)))
@settings(deadline=None)
def test_no_cell_raises(cells: dict[str, str]) -> None:
    assert isinstance(row(row_draft(cells)), Row | Reason)


def test_numbers_of_json_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{**POST, "id": 9007199254740993}]), "utf-8")
    (read,) = json_reads(path, drafts)
    made = row(read.item)
    assert isinstance(made, Row)
    assert made.post_id == "facebook:mcl-9007199254740993"
