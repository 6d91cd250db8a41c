from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, post_name, pseudonym
from discourse.readers import mastodon, reddit, rtweet, tiktok, twitter_v1, x_api, youtube
from discourse.readers.bluesky import drafts, looks_like
from discourse.readers.containers import json_reads
from discourse.readers.records import Draft, Row, Withdrawal, to_row
from discourse.readers.values import Reason

KEY = Key.made_up("bluesky")
# Both hand-written from the lexicon and the description of Jetstream; nobody in them exists.
FEED = Path(__file__).parent / "fixtures" / "readers" / "bluesky_feed.json"
EVENTS = FEED.with_name("bluesky_jetstream.jsonl")
ONE, TWO = "did:plc:demoone", "did:plc:demotwo"
POST = "app.bsky.feed.post"
VIEW: dict[str, Any] = {
    "uri": f"at://{ONE}/{POST}/3demo1",
    "author": {"did": ONE, "handle": "demo-one.bsky.social"},
    "record": {"text": "peace", "createdAt": "2025-05-07T10:00:00Z", "langs": ["en"]},
    "likeCount": 1,
    "replyCount": 2,
    "repostCount": 3,
    "quoteCount": 4,
    "indexedAt": "2025-05-07T10:00:01Z",
}
COMMIT: dict[str, Any] = {"operation": "create", "collection": POST, "rkey": "3demo1", "record": VIEW["record"]}
EVENT: dict[str, Any] = {"did": ONE, "time_us": 1746612001000000, "kind": "commit", "commit": COMMIT}
REASON: dict[str, Any] = {"by": {"did": TWO, "handle": "demo-two.bsky.social"}, "indexedAt": "2025-05-08T10:00:00Z"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def only(record: dict[str, Any]) -> Any:
    (item,) = drafts(record)
    return item


def outcome(record: dict[str, Any]) -> Any:
    return settled(only(record))


def settled(item: Any) -> Any:
    return to_row(item, KEY, "a", 1) if isinstance(item, Draft) else item


def of(**fields: Any) -> Any:
    return outcome({**VIEW, "record": {**VIEW["record"], **fields}})


def snake(value: Any) -> Any:
    """A record as the Python library dumps it."""
    if isinstance(value, list):
        return [snake(item) for item in value]
    if not isinstance(value, dict):
        return value
    names = {name: "py_type" if name == "$type" else re.sub("[A-Z]", r"_\g<0>", name).lower() for name in value}
    return {names[name]: snake(item) for name, item in value.items()}


def test_a_feed() -> None:
    rows = [settled(read.item) for read in json_reads(FEED, drafts)]
    assert [(row.post_id, row.kind, row.parent_id, row.text) for row in rows] == [
        (
            post_name(KEY, "bluesky", "at://did:plc:demoone/app.bsky.feed.post/3demo1"),
            "original",
            None,
            "امن &amp; peace <3",
        ),
        (
            post_name(KEY, "bluesky", "at://did:plc:demotwo/app.bsky.feed.post/3demo2"),
            "reply",
            post_name(KEY, "bluesky", "at://did:plc:demoone/app.bsky.feed.post/3demo1"),
            "bread",
        ),
        (
            post_name(KEY, "bluesky", "at://did:plc:demotwo/app.bsky.feed.repost/3demo3"),
            "repost",
            post_name(KEY, "bluesky", "at://did:plc:demoone/app.bsky.feed.post/3demo1"),
            "امن &amp; peace <3",
        ),
        (
            post_name(KEY, "bluesky", "at://did:plc:demotwo/app.bsky.feed.post/3demo4"),
            "quote",
            post_name(KEY, "bluesky", "at://did:plc:demoone/app.bsky.feed.post/3demo9"),
            "look",
        ),
    ]
    assert [(row.likes, row.replies, row.reposts, row.quotes) for row in rows] == [
        (3, 1, 2, 4),
        (0, 0, 0, None),
        (None, None, None, None),
        (None, None, None, None),
    ]
    assert [str(row.created_at) for row in rows] == [
        "2025-05-07 10:00:00+00:00",
        "2025-05-07 11:00:00+00:00",
        "2025-05-08 12:00:00+00:00",
        "2025-05-07 08:00:00+00:00",
    ]
    assert [row.author_id for row in rows] == [pseudonym(KEY, "bluesky", did) for did in (ONE, TWO, TWO, TWO)]
    two = handle_pseudonym(KEY, "bluesky", "demo-two.bsky.social")
    assert [row.handle_id for row in rows] == [
        handle_pseudonym(KEY, "bluesky", "demo-one.bsky.social"),
        None,
        two,
        two,
    ]
    assert [row.lang_declared for row in rows] == ["ur", None, "ur", None]
    assert {(row.country, row.location, row.edited_at, row.collected_at) for row in rows} == {(None,) * 4}


def test_the_same_posts_however_they_are_packed_and_spelled() -> None:
    feed = json.loads(FEED.read_text("utf-8"))
    expected = [settled(item) for item in drafts(feed)]
    assert len(expected) == 4
    assert [outcome(item) for item in feed["feed"]] == expected
    assert [settled(item) for item in drafts(snake(feed))] == expected
    assert "created_at" in json.dumps(snake(feed))
    posts = {"posts": [item["post"] for item in feed["feed"]]}
    alone = [settled(item) for item in drafts(posts)]
    assert [alone[n] for n in (0, 1, 3)] == [expected[n] for n in (0, 1, 3)]
    assert alone[2] == expected[0]
    assert [outcome(item) for item in posts["posts"]] == alone


def test_events() -> None:
    found = [(read.line, read.item) for read in json_reads(EVENTS, drafts)]
    assert [(line, item) for line, item in found if not isinstance(item, Draft)] == [
        (4, Reason.MISSING_TEXT),
        (6, Withdrawal("bluesky", "at://did:plc:demotwo/app.bsky.feed.post/3demo9", "post")),
        (9, Withdrawal("bluesky", "did:plc:demothree", "author")),
    ]
    rows = [to_row(item, KEY, "a", line) for line, item in found if isinstance(item, Draft)]
    assert [(row.source_line, row.post_id, row.text, str(row.created_at), str(row.edited_at)) for row in rows] == [
        (1, post_name(KEY, "bluesky", VIEW["uri"]), "peace", "2025-05-07 10:00:00+00:00", "None"),
        (
            3,
            post_name(KEY, "bluesky", VIEW["uri"]),
            "peace now",
            "2025-05-07 10:00:00+00:00",
            "2025-05-07 10:01:00.250000+00:00",
        ),
    ]
    assert {row.author_id for row in rows} == {pseudonym(KEY, "bluesky", ONE)}
    assert {(row.handle_id, row.likes, row.replies, row.reposts, row.quotes) for row in rows} == {(None,) * 5}
    assert {row.lang_declared for row in rows} == {"en"}


def test_an_event_and_an_answer_give_the_same_post() -> None:
    seen, told = outcome(VIEW), outcome(EVENT)
    same = ("post_id", "author_id", "created_at", "text", "kind", "parent_id", "lang_declared")
    assert [getattr(seen, name) for name in same] == [getattr(told, name) for name in same]


@pytest.mark.parametrize(
    ("declared", "seen", "taken"),
    [
        ("2025-05-07T10:00:00Z", "2025-05-07T12:00:00Z", "2025-05-07 10:00:00+00:00"),
        ("2023-01-01T00:00:00Z", "2025-05-07T12:00:00Z", "2023-01-01 00:00:00+00:00"),
        ("2022-11-01T00:00:00Z", "2025-05-07T12:00:00Z", "2022-11-01 00:00:00+00:00"),
        ("2022-10-31T23:59:59Z", "2025-05-07T12:00:00Z", "2025-05-07 12:00:00+00:00"),
        ("1970-01-01T00:00:00Z", "2025-05-07T12:00:00Z", "2025-05-07 12:00:00+00:00"),
        ("2025-05-08T12:00:00Z", "2025-05-07T12:00:00Z", "2025-05-08 12:00:00+00:00"),
        ("2025-05-08T12:00:01Z", "2025-05-07T12:00:00Z", "2025-05-07 12:00:00+00:00"),
        ("9999-01-01T00:00:00Z", "2025-05-07T12:00:00Z", "2025-05-07 12:00:00+00:00"),
        ("2025-05-07 10:00", "2025-05-07T12:00:00Z", "2025-05-07 12:00:00+00:00"),
        ("2021-05-07T10:00:00Z", None, "2021-05-07 10:00:00+00:00"),
        ("2021-05-07T10:00:00Z", "yesterday", "2021-05-07 10:00:00+00:00"),
    ],
)
def test_a_declared_time_that_cannot_be_is_the_time_it_was_seen(declared: Any, seen: Any, taken: str) -> None:
    record = {**VIEW["record"], "createdAt": declared}
    assert str(outcome({**VIEW, "record": record, "indexedAt": seen}).created_at) == taken


@pytest.mark.parametrize(
    ("time_us", "taken"),
    [
        (1746612001000000, "2025-05-07 10:00:01+00:00"),
        (None, "bad_timestamp"),
        (True, "bad_timestamp"),
        ("1746612001000000", "bad_timestamp"),
        (10**400, "bad_timestamp"),
        (-1, "bad_timestamp"),
    ],
    ids=["number", "none", "bool", "string", "huge", "negative"],
)
def test_the_time_of_an_event_is_a_number(time_us: Any, taken: str) -> None:
    commit = {**COMMIT, "record": {"text": "peace", "createdAt": "no time"}}
    found = outcome({**EVENT, "time_us": time_us, "commit": commit})
    assert (str(found.created_at) if isinstance(found, Row) else found) == taken


@pytest.mark.parametrize("declared", [None, 5, ["2025-05-07T10:00:00Z"]])
def test_a_time_that_is_no_text_is_refused(declared: Any) -> None:
    assert of(createdAt=declared) == Reason.BAD_TIMESTAMP


QUOTED = f"at://{TWO}/{POST}/3demo9"


@pytest.mark.parametrize(
    ("fields", "kind", "parent"),
    [
        ({}, "original", None),
        ({"reply": None, "embed": None}, "original", None),
        ({"reply": {"parent": {"uri": QUOTED}, "root": {"uri": "at://other"}}}, "reply", QUOTED),
        ({"embed": {"record": {"uri": QUOTED}}}, "quote", QUOTED),
        ({"embed": {"record": {"record": {"uri": QUOTED}}, "media": {}}}, "quote", QUOTED),
        ({"embed": {"record": {"uri": QUOTED}}, "reply": {"parent": {"uri": "at://other"}}}, "quote", QUOTED),
        ({"embed": {"record": {"uri": f"at://{TWO}/app.bsky.graph.list/3demo"}}}, "original", None),
        ({"embed": {"external": {"uri": "https://news.example"}}}, "original", None),
        ({"embed": {"record": "no object"}, "reply": ["no object"]}, "original", None),
    ],
)
def test_kinds(fields: dict[str, Any], kind: str, parent: str | None) -> None:
    row = of(**fields)
    assert (row.kind, row.parent_id) == (kind, parent and post_name(KEY, "bluesky", parent))


def test_a_repost_whose_address_is_not_said_has_an_id_of_its_own() -> None:
    row = outcome({"post": VIEW, "reason": REASON})
    assert (row.post_id, row.kind) == (post_name(KEY, "bluesky", f"{VIEW['uri']}#{TWO}"), "repost")
    assert row.parent_id == post_name(KEY, "bluesky", VIEW["uri"])
    assert str(row.created_at) == "2025-05-08 10:00:00+00:00"
    for post, by in (({**VIEW, "uri": None}, REASON["by"]), (VIEW, {}), (VIEW, None)):
        assert outcome({"post": post, "reason": {**REASON, "by": by}}) == Reason.MISSING_ID


@pytest.mark.parametrize("handle", ["handle.invalid", "missing.invalid", None, ""])
def test_a_broken_handle_is_none(handle: Any) -> None:
    assert outcome({**VIEW, "author": {"did": ONE, "handle": handle}}).handle_id is None


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({**VIEW, "uri": 5.5}, "id_precision_lost"),
        ({**VIEW, "uri": None}, "missing_id"),
        ({**VIEW, "author": {}}, "missing_author"),
        ({**VIEW, "author": None}, "missing_author"),
        ({**VIEW, "record": None}, "bad_timestamp"),
        ({**VIEW, "likeCount": "1"}, "wrong_type"),
        ({"post": None}, "not_an_object"),
        ({"error": "InvalidRequest", "message": "demo"}, "api_error"),
        ({"text": "peace"}, "not_a_post"),
        ({**EVENT, "commit": None}, "wrong_type"),
        ({**EVENT, "commit": {**COMMIT, "operation": "merge"}}, "bad_value"),
        ({**EVENT, "commit": {**COMMIT, "rkey": None}}, "bad_id"),
        ({**EVENT, "commit": {**COMMIT, "rkey": ""}}, "bad_id"),
        ({**EVENT, "did": 5}, "bad_id"),
        ({**EVENT, "commit": {**COMMIT, "record": {"createdAt": "2025-05-07T10:00:00Z"}}}, "missing_text"),
        ({**EVENT, "commit": {**COMMIT, "collection": "app.bsky.feed.repost", "operation": "update"}}, "missing_text"),
    ],
)
def test_what_is_set_aside(record: dict[str, Any], expected: str) -> None:
    assert outcome(record) == expected


def test_items_that_are_no_objects_are_rows() -> None:
    for name in ("posts", "feed"):
        assert list(drafts({name: [5, None]})) == [Reason.NOT_AN_OBJECT] * 2
        assert list(drafts({name: []})) == []


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "identity", "identity": {"handle": "demo.example"}},
        {"kind": "account", "account": {"active": True, "did": ONE}},
        {"kind": "account", "account": {"active": False, "did": ONE, "status": "takendown"}},
        {"kind": "account", "account": None},
        {"kind": "sync"},
        {"kind": "commit", "commit": {"collection": "app.bsky.graph.block", "operation": "create", "rkey": "3demo"}},
        {"kind": "commit", "commit": {"collection": [POST], "operation": "create", "rkey": "3demo"}},
    ],
)
def test_events_that_are_no_rows(event: dict[str, Any]) -> None:
    assert list(drafts({"did": ONE, "time_us": 1746612001000000, **event})) == []


def test_what_is_deleted_is_withdrawn_under_the_id_it_had() -> None:
    made, gone = only(EVENT), only({**EVENT, "commit": {**COMMIT, "operation": "delete"}})
    assert gone == Withdrawal("bluesky", made.id)
    account = only({**EVENT, "kind": "account", "account": {"status": "deleted"}})
    assert account == Withdrawal("bluesky", made.author, "author")
    repost = {"operation": "delete", "collection": "app.bsky.feed.repost", "rkey": "3demo3"}
    assert only({**EVENT, "commit": repost}) == Withdrawal("bluesky", f"at://{ONE}/app.bsky.feed.repost/3demo3")


OTHERS: list[dict[str, Any]] = [
    {"data": [{"id": "9001", "author_id": "42", "text": "a"}], "meta": {}},
    {"id": "9001", "author_id": "42", "text": "a", "created_at": "2025-05-07T10:00:00Z"},
    {"status_id": "9001", "user_id": "42", "text": "a"},
    {"id_str": "9001", "user": {"id_str": "42"}, "full_text": "a"},
    {"id": "k1", "body": "a", "created_utc": 1746612000, "link_id": "t3_p1"},
    {"kind": "youtube#commentThreadListResponse", "items": []},
    {"uri": "https://social.example/users/demo/statuses/1", "account": {}, "content": ""},
    {"uri": "https://social.example/1", "author": {}, "record": {}},
    {"data": {"videos": []}},
    {"posts": [{"id": "1", "text": "a"}]},
    {"feed": "demo"},
    {"did": "did:plc:demo", "kind": "commit"},
    {"did": "did:plc:demo", "time_us": 1, "kind": "video"},
    {},
]


@pytest.mark.parametrize("record", OTHERS, ids=[str(number) for number in range(len(OTHERS))])
def test_records_of_others_do_not_look_like_it(record: dict[str, Any]) -> None:
    assert not looks_like(record)


@pytest.mark.parametrize(
    "record",
    [VIEW, snake(VIEW), EVENT, {"posts": [None, VIEW]}, {"feed": [{"post": VIEW}]}, {"post": VIEW}],
    ids=["view", "snake", "event", "posts", "feed", "item"],
)
def test_what_looks_like_it_looks_like_no_other(record: dict[str, Any]) -> None:
    assert looks_like(record)
    assert not any(m.looks_like(record) for m in (x_api, rtweet, twitter_v1, reddit, youtube, mastodon, tiktok))


def holds(record: dict[str, Any]) -> bool:
    looks_like(record)
    return all(isinstance(settled(item), Row | Reason | Withdrawal) for item in drafts(record))


@given(st.sampled_from(sorted({*VIEW, "reply", "embed", "text", "createdAt", "langs"})), JSON)
def test_no_value_of_a_field_makes_it_fail(field: str, value: Any) -> None:
    for record in (
        {**VIEW, field: value},
        {**VIEW, "record": {**VIEW["record"], field: value}},
        {"posts": [{**VIEW, field: value}]},
        {"post": {**VIEW, field: value}, "reason": REASON},
    ):
        assert holds(record)


@given(
    st.sampled_from(["did", "time_us", "kind", "commit", "account", "operation", "collection", "rkey", "record"]), JSON
)
def test_no_event_makes_it_fail(field: str, value: Any) -> None:
    assert holds({**EVENT, field: value})
    assert holds({**EVENT, "commit": {**COMMIT, field: value}})
    assert holds({**EVENT, "kind": "account", "account": {"status": "deleted", field: value}, "did": value})


@given(st.dictionaries(st.sampled_from(["posts", "feed", "post", "reason", "uri", "error", "by"]), JSON))
def test_no_record_makes_it_fail(record: dict[str, Any]) -> None:
    assert holds(record)
    assert holds({"post": VIEW, "reason": record})
