from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers import reddit, rtweet, twitter_v1, x_api, youtube
from discourse.readers.containers import first_records, json_reads
from discourse.readers.records import Draft, Item, Row, to_row
from discourse.readers.values import Reason
from discourse.readers.yt_dlp import drafts, looks_like

KEY = Key.made_up("yt_dlp")
FIXTURE = Path(__file__).parent / "fixtures" / "readers" / "yt_dlp.json"
COARSE = Reason.TIMESTAMP_TOO_COARSE
COMMENT: dict[str, Any] = {
    "id": "UgDemo9",
    "parent": "root",
    "text": "peace",
    "author_id": "UCdemo9",
    "author": "@demo_nine",
    "_time_text": "2 hours ago",
    "timestamp": 1746612000,
}


def video(*comments: object, **fields: object) -> dict[str, Any]:
    return {"id": "demoVideo01", "extractor_key": "Youtube", "comments": list(comments), **fields}


def row_of(item: Item, line: int = 1) -> Row | Reason:
    if isinstance(item, Draft):
        return to_row(item, KEY, "a.info.json", line)
    assert isinstance(item, Reason)
    return item


def only(comment: object, **fields: object) -> Any:
    (item,) = drafts(video(comment, **fields))
    return row_of(item)


def test_a_handwritten_file() -> None:
    """Written by hand from the fields that yt-dlp sets; its people are invented."""
    found = [(read.line, row_of(read.item, read.line)) for read in json_reads(FIXTURE, drafts)]
    assert [(line, row) for line, row in found if isinstance(row, Reason)] == [
        (3, COARSE),
        (4, COARSE),
        (5, COARSE),
        (6, Reason.MISSING_AUTHOR),
        (7, Reason.MISSING_TEXT),
    ]
    posts = [row for _, row in found if isinstance(row, Row)]
    assert [(row.source_line, row.post_id, row.kind, row.parent_id, row.text) for row in posts] == [
        (1, "youtube:UgDemo1", "original", None, "امن &amp; <b>bread</b>"),
        (2, "youtube:UgDemo1.r1", "reply", "youtube:UgDemo1", "peace"),
        (8, "youtube:UgDemo7", "original", None, "no likes shown"),
    ]
    assert [(row.likes, row.replies, row.reposts, row.quotes) for row in posts] == [
        (1200, None, None, None),
        (0, None, None, None),
        (None, None, None, None),
    ]
    assert [str(row.created_at) for row in posts] == [
        "2025-05-07 10:00:00+00:00",
        "2025-05-07 00:00:00+00:00",
        "2025-05-07 14:59:59+00:00",
    ]
    assert {str(row.collected_at) for row in posts} == {"2025-05-07 15:00:00+00:00"}
    assert [row.author_id for row in posts] == [pseudonym(KEY, "youtube", f"UCdemo{n}") for n in (1, 2, 3)]
    one, three = (handle_pseudonym(KEY, "youtube", name) for name in ("demo_one", "demo_three"))
    assert [row.handle_id for row in posts] == [one, None, three]
    assert {(row.platform, row.edited_at, row.lang_declared, row.country, row.location) for row in posts} == {
        ("youtube", None, None, None, None)
    }


def test_many_videos_one_a_line(tmp_path: Path) -> None:
    lines = [video(COMMENT), {"id": "demoVideo02", "extractor_key": "Youtube"}, video(COMMENT | {"id": "UgDemo8"})]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    assert [(read.line, row_of(read.item)) for read in json_reads(tmp_path / "a.jsonl", drafts)] == [
        (1, only(COMMENT)),
        (3, only(COMMENT | {"id": "UgDemo8"})),
    ]


@pytest.mark.parametrize(
    "age", ["0 seconds ago", "1 second ago", "59 minutes ago", "1 hour ago", "23 Hours ago", "6 days ago",
            "13 days ago", "2 hours ago (edited)"],
)  # fmt: skip
def test_an_age_in_days_or_less_is_a_time(age: str) -> None:
    assert str(only(COMMENT | {"_time_text": age}).created_at) == "2025-05-07 10:00:00+00:00"


@pytest.mark.parametrize(
    "age", ["1 week ago", "4 weeks ago", "1 month ago", "11 months ago", "1 year ago", "3 years ago (edited)", "", None,
            5, [], "vor 2 Stunden", "yesterday", "5 d ago", "2 hours", "about 2 hours ago", "2 hours ago, 3 years ago",
            "٢ hours ago"],
    ids=repr,
)  # fmt: skip
def test_every_other_age_is_too_coarse(age: object) -> None:
    assert only(COMMENT | {"_time_text": age}) == COARSE


def test_the_age_under_its_older_name() -> None:
    older = {name: value for name, value in COMMENT.items() if name != "_time_text"}
    assert only(older) == COARSE
    assert only(older | {"time_text": "1 year ago"}) == COARSE
    assert isinstance(only(older | {"time_text": "2 hours ago"}), Row)
    assert only(older | {"_time_text": "1 year ago", "time_text": "2 hours ago"}) == COARSE


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"timestamp": None}, Reason.BAD_TIMESTAMP),
        ({"timestamp": "soon"}, Reason.BAD_TIMESTAMP),
        ({"timestamp": 0}, Reason.TIMESTAMP_OUT_OF_RANGE),
        ({"timestamp": 10**30}, Reason.TIMESTAMP_OUT_OF_RANGE),
        ({"id": None}, Reason.MISSING_ID),
        ({"id": 9.5}, Reason.ID_PRECISION_LOST),
        ({"author_id": ""}, Reason.MISSING_AUTHOR),
        ({"author_id": ["UCdemo9"]}, Reason.BAD_ID),
        ({"text": 5}, Reason.WRONG_TYPE),
        ({"like_count": "1.2K"}, Reason.WRONG_TYPE),
        ({"parent": {"id": "UgDemo1"}}, Reason.BAD_ID),
    ],
)
def test_what_is_set_aside(fields: dict[str, object], reason: Reason) -> None:
    assert only(COMMENT | fields) == reason


def test_a_comment_that_is_none() -> None:
    assert [row_of(item) for item in drafts(video(5, None, COMMENT))] == [
        Reason.NOT_AN_OBJECT,
        Reason.NOT_AN_OBJECT,
        only(COMMENT),
    ]


@pytest.mark.parametrize("parent", ["root", "", None])
def test_a_comment_under_the_video_answers_nothing(parent: object) -> None:
    assert (only(COMMENT | {"parent": parent}).kind, only(COMMENT | {"parent": parent}).parent_id) == ("original", None)


@pytest.mark.parametrize(("availability", "open_to_all"), [
    ("public", True), ("unlisted", True), ("needs_auth", True), (None, True), (["private"], True),
    ("private", False), ("subscriber_only", False),
])  # fmt: skip
def test_comments_that_not_everyone_can_read(availability: object, open_to_all: bool) -> None:
    found = only(COMMENT, availability=availability)
    assert isinstance(found, Row) if open_to_all else found == Reason.NOT_PUBLIC


@pytest.mark.parametrize(
    ("epoch", "collected"), [(1746630000, "2025-05-07 15:00:00+00:00"), (None, "None"), ("soon", "None"), ([], "None")]
)
def test_when_it_was_fetched(epoch: object, collected: str) -> None:
    assert str(only(COMMENT, epoch=epoch).collected_at) == collected


def test_a_video_without_comments_is_no_row() -> None:
    assert list(drafts(video())) == []
    assert list(drafts({"extractor_key": "Youtube", "description": "words"})) == []
    assert list(drafts(video() | {"comments": None})) == []
    assert list(drafts(video() | {"comments": "none"})) == [Reason.WRONG_TYPE]


def test_comments_of_another_site_are_no_posts_of_youtube() -> None:
    other = {"extractor_key": "BiliBili", "webpage_url": "https://www.youtube.com/", "comments": [COMMENT, COMMENT]}
    assert list(drafts(other)) == [Reason.NOT_A_POST, Reason.NOT_A_POST]


@pytest.mark.parametrize(
    "fields",
    [
        {"extractor_key": "Youtube"},
        {"extractor": "youtube"},
        {"webpage_url": "https://www.youtube.com/watch?v=demoVideo01"},
        {"webpage_url": "https://youtu.be/demoVideo01"},
    ],
)
def test_what_it_looks_like(fields: dict[str, Any]) -> None:
    assert looks_like({"comments": [], **fields})
    assert not looks_like({"comments": None, **fields})
    assert not looks_like(fields)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"comments": []},
        {"comments": [], "extractor_key": "TikTok"},
        {"comments": [], "extractor": "vimeo", "webpage_url": "https://www.youtube.com/watch?v=demo"},
        {"comments": [], "extractor_key": None, "webpage_url": 5},
        {"comments": [], "webpage_url": "https://example.org/https://www.youtube.com/"},
        {"comments": [], "webpage_url": "https://notyoutube.com/"},
        {"data": [{"id": "9001"}], "meta": {"result_count": 1}},
        {"id": "9001", "author_id": "42", "text": "peace"},
        {"status_id": "9001", "user_id": "42", "text": "peace"},
        {"id_str": "9001", "user": {"id_str": "42"}, "text": "peace"},
        {"id": "k9", "created_utc": 1746612000, "body": "peace", "link_id": "t3_p9"},
        {"kind": "youtube#commentThreadListResponse", "items": []},
    ],
)
def test_what_it_does_not_look_like(record: dict[str, Any]) -> None:
    assert not looks_like(record)


def test_no_other_format_takes_it_for_its_own() -> None:
    (record,) = first_records(FIXTURE)
    assert looks_like(record)
    assert not any(module.looks_like(record) for module in (x_api, rtweet, twitter_v1, reddit, youtube))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
COMMENTS = st.dictionaries(st.sampled_from([*COMMENT, "like_count", "time_text"]), JSON | st.just("1 hour ago"))


@settings(deadline=None, max_examples=300)
@given(
    st.dictionaries(st.sampled_from(["extractor_key", "extractor", "webpage_url", "availability", "epoch"]), JSON),
    st.lists(COMMENTS | COMMENTS.map(lambda fields: COMMENT | fields) | JSON, max_size=4) | JSON,
)
def test_no_record_whatever_it_holds_stops_the_reading(fields: dict[str, Any], comments: Any) -> None:
    for record in (fields | {"comments": comments}, video() | fields | {"comments": comments}):
        assert isinstance(looks_like(record), bool)
        found = [row_of(item) for item in drafts(record)]
        assert all(isinstance(row, Row | Reason) for row in found)
        assert len(found) == (len(comments) if isinstance(comments, list) else comments is not None)
