from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers import bluesky, mastodon, reddit, rtweet, twitter_v1, x_api, youtube
from discourse.readers.containers import json_reads
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.tiktok import drafts, looks_like
from discourse.readers.values import Reason

KEY = Key.made_up("tiktok")
# Hand-written from the API's field list; nobody in it exists.
FIXTURE = Path(__file__).parent / "fixtures" / "readers" / "tiktok.jsonl"
ONE = 9 * 10**18
VIDEO: dict[str, Any] = {
    "id": ONE + 1,
    "username": "demo_one",
    "create_time": 1746612000,
    "video_description": "peace",
    "region_code": "PK",
    "like_count": 1,
    "comment_count": 2,
    "share_count": 3,
}
COMMENT: dict[str, Any] = {"id": ONE + 2, "video_id": ONE + 1, "create_time": 1746612000, "text": "yes"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def outcome(record: dict[str, Any]) -> Any:
    (item,) = drafts(record)
    return item if isinstance(item, Reason) else to_row(item, KEY, "a.jsonl", 1)


def test_every_row_of_a_file() -> None:
    found = [(read.line, read.item) for read in json_reads(FIXTURE, drafts)]
    outcomes = [(n, to_row(item, KEY, "a", n) if isinstance(item, Draft) else item) for n, item in found]
    assert [(n, row) for n, row in outcomes if not isinstance(row, Row)] == [
        (2, Reason.API_ERROR),
        (3, Reason.MISSING_AUTHOR),
    ]
    rows = [row for _, row in outcomes if isinstance(row, Row)]
    assert [(row.source_line, row.post_id, row.text, row.kind, row.parent_id) for row in rows] == [
        (1, "tiktok:9000000000000000001", "امن #peace &amp; bread", "original", None),
        (1, "tiktok:9000000000000000002", "", "original", None),
        (4, "tiktok:9000000000000000003", "سوله", "original", None),
    ]
    assert [(row.likes, row.replies, row.reposts, row.quotes) for row in rows] == [
        (7, 2, 3, None),
        (0, None, None, None),
        (None, None, 0, None),
    ]
    assert [(row.country, row.country_basis) for row in rows] == [("PK", "account"), (None, None), ("AF", "account")]
    assert [str(row.created_at) for row in rows] == [f"2025-05-07 10:0{n}:00+00:00" for n in (0, 1, 3)]
    names = ["demo_one", "demo_two", "demo_one"]
    assert [row.author_id for row in rows] == [pseudonym(KEY, "tiktok", name) for name in names]
    assert [row.handle_id for row in rows] == [handle_pseudonym(KEY, "tiktok", name) for name in names]
    assert {(row.lang_declared, row.location, row.edited_at, row.collected_at) for row in rows} == {(None,) * 4}


def test_a_comment_hangs_on_a_comment_or_on_the_video() -> None:
    for parent, expected in ((None, ONE + 1), (0, ONE + 1), (ONE + 1, ONE + 1), (ONE + 5, ONE + 5)):
        record = {**COMMENT, "username": "demo_two", "parent_comment_id": parent, "like_count": 4, "reply_count": 5}
        row = outcome(record)
        assert (row.kind, row.parent_id) == ("reply", f"tiktok:{expected}")
        assert (row.text, row.likes, row.replies, row.reposts) == ("yes", 4, 5, None)
    assert outcome(COMMENT) == Reason.MISSING_AUTHOR


def test_an_id_keeps_all_its_digits() -> None:
    assert outcome({**VIDEO, "id": 7123456789012345679}).post_id == "tiktok:7123456789012345679"
    assert outcome({**VIDEO, "id": "7123456789012345679"}).post_id == "tiktok:7123456789012345679"
    assert outcome({**VIDEO, "id": 7.123456789012346e18}) == Reason.ID_PRECISION_LOST


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": None}, "missing_id"),
        ({"id": ["1"]}, "bad_id"),
        ({"username": None}, "missing_author"),
        ({"username": ""}, "missing_author"),
        ({"create_time": None}, "bad_timestamp"),
        ({"create_time": "2025-05-07"}, "bad_timestamp"),
        ({"create_time": 1746612000000}, "timestamp_out_of_range"),
        ({"video_description": None}, "missing_text"),
        ({"video_description": 5}, "wrong_type"),
        ({"like_count": "1"}, "wrong_type"),
        ({"region_code": 5}, "wrong_type"),
    ],
)
def test_what_is_set_aside(fields: dict[str, Any], reason: str) -> None:
    assert isinstance(outcome(VIDEO), Row)
    assert outcome({**VIDEO, **fields}) == reason


def test_what_is_said_in_a_video_is_not_its_text() -> None:
    assert outcome({**VIDEO, "voice_to_text": "spoken"}).text == "peace"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"data": {"videos": [5]}}, [Reason.NOT_AN_OBJECT]),
        ({"data": {"videos": []}, "error": {"code": "ok"}}, []),
        ({"data": {"videos": []}}, []),
        ({"data": {"cursor": 0, "has_more": False}, "error": {"code": "ok"}}, []),
        ({"data": {"videos": []}, "error": {"code": "rate_limit_exceeded"}}, [Reason.API_ERROR]),
        ({"error": {"code": "access_token_invalid", "log_id": "demo"}}, [Reason.API_ERROR]),
        ({"data": {"videos": [5]}, "error": {"code": "internal_error"}}, [Reason.NOT_AN_OBJECT]),
        ({"data": {"user_liked_videos": [VIDEO]}, "error": {"code": "ok"}}, [Reason.NOT_A_POST]),
        ({"data": {"videos": [5], "comments": [6]}}, [Reason.NOT_AN_OBJECT] * 2),
    ],
)
def test_answers_without_posts(record: dict[str, Any], expected: list[Reason]) -> None:
    assert list(drafts(record)) == expected


OTHERS: list[dict[str, Any]] = [
    {"data": [{"id": "9001", "author_id": "42", "text": "a"}], "meta": {}},
    {"id": "9001", "author_id": "42", "text": "a", "created_at": "2025-05-07T10:00:00Z"},
    {"status_id": "9001", "user_id": "42", "text": "a"},
    {"id_str": "9001", "user": {"id_str": "42"}, "full_text": "a"},
    {"id": "k1", "body": "a", "created_utc": 1746612000, "link_id": "t3_p1"},
    {"kind": "youtube#commentThreadListResponse", "items": []},
    {"uri": "at://did:plc:demo/app.bsky.feed.post/1", "author": {}, "record": {}},
    {"uri": "https://social.example/users/demo/statuses/1", "account": {}, "content": ""},
    {"id": 1, "create_time": 1746612000, "text": "a"},
    {"id": 1, "video_id": 2, "text": "a"},
    {"data": {"user": {}}},
    {"error": {"code": 403, "message": "demo"}},
    {},
]


@pytest.mark.parametrize("record", OTHERS, ids=[str(number) for number in range(len(OTHERS))])
def test_records_of_others_do_not_look_like_it(record: dict[str, Any]) -> None:
    assert not looks_like(record)


@pytest.mark.parametrize(
    "record", [VIDEO, COMMENT, {"data": {"videos": [VIDEO]}, "error": {"code": "ok"}}, {"data": {"comments": []}}]
)
def test_what_looks_like_it_looks_like_no_other(record: dict[str, Any]) -> None:
    assert looks_like(record)
    others = (x_api, rtweet, twitter_v1, reddit, youtube, bluesky, mastodon)
    assert not any(module.looks_like(record) for module in others)


@pytest.mark.parametrize(
    "field", ["video_description", "region_code", "voice_to_text", "view_count", "share_count", "like_count"]
)
def test_a_video_is_known_by_any_field_that_only_videos_have(field: str) -> None:
    assert looks_like({"id": 1, "create_time": 1746612000, field: None}) is (field != "like_count")


def test_an_answer_that_is_only_an_error_is_known_by_its_log() -> None:
    assert looks_like({"error": {"code": "access_token_invalid", "message": "demo", "log_id": "demo"}})


@given(st.sampled_from(sorted({*VIDEO, *COMMENT, "data", "error", "parent_comment_id"})), JSON)
def test_no_value_of_a_field_makes_it_fail(field: str, value: Any) -> None:
    for record in ({**VIDEO, field: value}, {**COMMENT, field: value}, {"data": {"videos": [{**VIDEO, field: value}]}}):
        looks_like(record)
        for item in drafts(record):
            assert isinstance(item if isinstance(item, Reason) else to_row(item, KEY, "a", 1), Row | Reason)


@given(
    st.dictionaries(st.sampled_from(["data", "error", "id", "create_time"]), JSON | JSON.map(lambda x: {"videos": x}))
)
def test_no_record_makes_it_fail(record: dict[str, Any]) -> None:
    looks_like(record)
    assert all(isinstance(item, Draft | Reason) for item in drafts(record))
