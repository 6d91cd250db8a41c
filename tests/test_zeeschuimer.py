"""The fixture is written by hand from the extension's and the platforms' field names; all people are invented."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers import reddit, rtweet, twitter_v1, x_api, youtube
from discourse.readers.containers import json_reads
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.values import Reason
from discourse.readers.zeeschuimer import captured, drafts, is_notice, looks_like, truth_text

KEY = Key.made_up("zeeschuimer")
FIXTURE = Path(__file__).parent / "fixtures" / "readers" / "zeeschuimer.ndjson"
NOTICE = "This Post from @demo_one has been withheld in India in response to a legal demand. Learn more."
LEGACY = {
    "id_str": "9000000000000000001",
    "user_id_str": "501",
    "created_at": "Wed May 07 10:00:00 +0000 2025",
    "full_text": "peace",
    "favorite_count": 7,
    "retweet_count": 3,
    "reply_count": 1,
    "quote_count": 2,
}
TWEET: dict[str, Any] = {"rest_id": "9000000000000000001", "legacy": LEGACY}
VIDEO: dict[str, Any] = {
    "id": "7000000000000000001",
    "desc": "peace",
    "createTime": 1746612000,
    "author": {"id": "6001", "uniqueId": "demo_five"},
}
COMMENT: dict[str, Any] = {
    "cid": "7000000000000000002",
    "aweme_id": "7000000000000000001",
    "text": "peace",
    "create_time": 1746612000,
    "user": {"uid": "6001", "unique_id": "demo_five"},
    "reply_id": "0",
}
PHOTO: dict[str, Any] = {
    "code": "DemoCode1",
    "taken_at": 1746612000,
    "caption": {"text": "peace"},
    "user": {"pk": "8001", "username": "demo_six"},
    "like_count": 3,
    "comment_count": 2,
}
TRUTH: dict[str, Any] = {
    "id": "114000000000000001",
    "created_at": "2025-05-07T10:00:00.000Z",
    "content": "<p>peace</p>",
    "visibility": "public",
    "account": {"id": "1070", "username": "demo_seven"},
    "favourites_count": 5,
    "replies_count": 4,
    "reblogs_count": 1,
}


def of(source: str, data: dict[str, Any]) -> Draft:
    item = captured(source, data, None)
    assert isinstance(item, Draft)
    return item


def tweet(**legacy: Any) -> Draft:
    return of("twitter.com", {**TWEET, "legacy": {**LEGACY, **legacy}})


def outcome(source: str, data: dict[str, Any]) -> Row | Reason:
    item = captured(source, data, None)
    return item if isinstance(item, Reason) else to_row(item, KEY, "a", 1)


def test_every_line_is_a_post_or_a_reason() -> None:
    reads = list(json_reads(FIXTURE, drafts))
    assert [read.line for read in reads] == list(range(1, 13))
    found = [read.item if isinstance(read.item, Reason) else to_row(read.item, KEY, "a", 1) for read in reads]  # type: ignore[arg-type]
    assert {n: row for n, row in enumerate(found, start=1) if isinstance(row, Reason)} == {
        5: Reason.REMOVED,
        11: Reason.NOT_PUBLIC,
        12: Reason.BAD_VALUE,
    }
    posts = [row for row in found if isinstance(row, Row)]
    x = "x:900000000000000000"
    assert [(row.post_id, row.kind, row.parent_id, row.text) for row in posts] == [
        (f"{x}1", "original", None, "A long note, not cut & whole"),
        (f"{x}2", "repost", f"{x}3", "only the first words of a note <3"),
        (f"{x}4", "quote", f"{x}1", "سوله"),
        (f"{x}5", "reply", f"{x}1", "امن"),
        ("tiktok:7000000000000000001", "original", None, "peace #demo"),
        ("tiktok:7000000000000000002", "reply", "tiktok:7000000000000000001", "امن"),
        ("instagram:DemoCode1", "original", None, "Land & bread"),
        ("threads:DemoCode2", "reply", None, "shame"),
        ("truthsocial:114000000000000001", "original", None, "bread & peace"),
    ]
    assert [(row.likes, row.replies, row.reposts, row.quotes) for row in posts] == [
        (7, 1, 3, 0),
        (None, None, None, None),
        (7, 1, 3, 0),
        (7, 1, 3, 0),
        (4, 0, 2, None),
        (1, 1, None, None),
        (None, 2, None, None),
        (6, 1, 2, 0),
        (5, 0, 1, None),
    ]
    assert [str(row.created_at)[11:16] for row in posts] == [
        "10:00", "10:01", "10:03", "10:04", "10:00", "10:01", "10:02", "10:03", "10:04",
    ]  # fmt: skip
    assert [(row.country, row.country_basis, row.location) for row in posts[:5]] == [
        ("PK", "geo", "Peshawar"),
        (None, None, "Lahore"),
        (None, None, "Peshawar"),
        (None, None, "Kabul"),
        ("PK", "geo", None),
    ]
    assert {str(row.collected_at) for row in posts} == {"2025-05-08 10:00:00+00:00"}
    accounts = ["501", "502", "501", "504", "6001", "6001", "8001", "8001", "1070"]
    assert [row.author_id for row in posts] == [
        pseudonym(KEY, row.platform, account) for row, account in zip(posts, accounts, strict=True)
    ]
    names = ["one", "two", "one", "four", "five", "five", "six", "six", "seven"]
    assert [row.handle_id for row in posts] == [
        handle_pseudonym(KEY, row.platform, f"demo_{name}") for row, name in zip(posts, names, strict=True)
    ]
    assert [row.lang_declared for row in posts] == ["en", "en", "ps", "en", "en", None, None, None, "en"]


def test_nothing_of_who_collected_it_is_kept() -> None:
    kept = [str(astuple(read.item)) for read in json_reads(FIXTURE, drafts) if isinstance(read.item, Draft)]
    assert len(kept) == 9
    assert "demosecret" in FIXTURE.read_text("utf-8")
    assert not any(word in text for text in kept for word in ("demosecret", "DemoBrowser", "http"))


def test_a_rounded_number_is_never_the_id_of_a_tweet() -> None:
    assert of("x.com", {"id": 9e18, "legacy": LEGACY}).id == "9000000000000000001"
    assert outcome("x.com", {"id": 9e18, "legacy": {**LEGACY, "id_str": None}}) is Reason.MISSING_ID


@pytest.mark.parametrize(
    ("legacy", "kind", "parent"),
    [
        ({}, "original", None),
        ({"in_reply_to_status_id_str": "7"}, "reply", "7"),
        ({"in_reply_to_status_id_str": "7", "quoted_status_id_str": "8"}, "quote", "8"),
        ({"is_quote_status": True}, "quote", None),
        ({"is_quote_status": False}, "original", None),
        ({"quoted_status_id_str": "8", "retweeted_status_id_str": "6"}, "repost", "6"),
        ({"retweeted_status_result": {}}, "repost", None),
        ({"retweeted_status_result": {"result": {"rest_id": "5"}}, "retweeted_status_id_str": "6"}, "repost", "5"),
        ({"retweeted_status_result": {"result": {"legacy": {"id_str": "5"}}}}, "repost", "5"),
    ],
)
def test_relations_of_tweets(legacy: dict[str, Any], kind: str, parent: str | None) -> None:
    draft = tweet(**legacy)
    assert (draft.kind, draft.parent) == (kind, parent)
    counts = (None,) * 4 if kind == "repost" else (7, 1, 3, 2)
    assert (draft.likes, draft.replies, draft.reposts, draft.quotes) == counts


def test_a_quoted_tweet_that_is_gone_is_named_by_its_id() -> None:
    quoted = {"result": {"__typename": "TweetTombstone"}}
    assert of("x.com", {**TWEET, "quoted_status_result": quoted}).kind == "original"
    draft = of("x.com", {**TWEET, "quoted_status_result": quoted, "legacy": {**LEGACY, "quoted_status_id_str": "8"}})
    assert (draft.kind, draft.parent) == ("quote", "8")


@pytest.mark.parametrize(
    ("legacy", "removed"),
    [
        ({"withheld_in_countries": ["IN"], "withheld_scope": "user"}, False),
        ({"withheld_in_countries": ["IN"], "full_text": NOTICE}, True),
        ({"withheld_scope": "status", "full_text": NOTICE}, True),
        ({"full_text": NOTICE}, False),
        ({"withheld_in_countries": ["XX"]}, True),
        ({"withheld_in_countries": ["DE", "XY"]}, True),
        ({"withheld_copyright": True}, True),
        ({"withheld_copyright": False, "withheld_in_countries": "XX"}, False),
    ],
)
def test_a_post_withheld_elsewhere_stays(legacy: dict[str, Any], removed: bool) -> None:
    for data in (
        {**TWEET, "legacy": {**LEGACY, **legacy}},
        {**TWEET, "legacy": {**LEGACY, "retweeted_status_result": {"result": {"legacy": {**LEGACY, **legacy}}}}},
    ):
        assert (captured("x.com", data, None) is Reason.REMOVED) == removed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NOTICE, True),
        ("This Tweet from @demo_one has been withheld in: India.", True),
        ("@demo_one's account has been withheld in: India.", True),
        ("They say: This Post from @demo_one has been withheld", False),
        ("Aid has been withheld", False),
        (None, False),
    ],
)
def test_notices(text: object, expected: bool) -> None:
    assert is_notice(text) == expected


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("x.com", {**TWEET, "core": {"user_results": {"result": {"legacy": {"protected": True}}}}}),
        ("x.com", {**TWEET, "core": {"user_results": {"result": {"privacy": {"protected": True}}}}}),
        ("x.com", {**TWEET, "user": {"protected": True}}),
        ("tiktok.com", {**VIDEO, "privateItem": True}),
        ("tiktok.com", {**VIDEO, "secret": True}),
        ("tiktok.com", {**VIDEO, "forFriend": True}),
        ("tiktok.com", {**VIDEO, "author": {"id": "6001", "privateAccount": True}}),
        ("instagram.com", {**PHOTO, "user": {"pk": "8001", "is_private": True}}),
        ("threads.net", {**PHOTO, "user": {"pk": "8001", "text_post_app_is_private": True}}),
        ("truthsocial.com", {**TRUTH, "visibility": "private"}),
        ("truthsocial.com", {**TRUTH, "visibility": "direct"}),
    ],
)
def test_what_a_friend_may_see_is_not_public(source: str, data: dict[str, Any]) -> None:
    assert captured(source, data, None) is Reason.NOT_PUBLIC


@pytest.mark.parametrize(
    ("control", "first"),
    [
        ({"edit_tweet_ids": ["9000000000000000000", "9000000000000000001"]}, "9000000000000000000"),
        ({"edit_control_initial": {"edit_tweet_ids": ["9000000000000000000", "9"]}}, "9000000000000000000"),
        ({"edit_tweet_ids": ["9000000000000000001"]}, None),
        (None, None),
    ],
)
def test_versions_of_a_tweet(control: object, first: str | None) -> None:
    assert of("x.com", {**TWEET, "edit_control": control}).version_of == first


@pytest.mark.parametrize(
    ("author", "extra", "account", "handle"),
    [
        ({"id": "6001", "uniqueId": "demo_five"}, {}, "6001", "demo_five"),
        ({"uniqueId": "demo_five"}, {}, "demo_five", "demo_five"),
        ("demo_five", {"authorId": "6001"}, "6001", "demo_five"),
        ("demo_five", {}, "demo_five", "demo_five"),
        ({"id": "REDACTED", "uniqueId": "REDACTED"}, {}, None, None),
        ("REDACTED", {}, None, None),
        (None, {}, None, None),
    ],
)
def test_authors_of_videos(author: object, extra: dict[str, Any], account: str | None, handle: str | None) -> None:
    draft = of("tiktok.com", {**VIDEO, "author": author, **extra})
    assert (draft.author, draft.handle) == (account, handle)


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({}, (None, None, None)),
        ({"stats": {"diggCount": 0, "commentCount": 1, "shareCount": 2}}, (0, 1, 2)),
        ({"stats": {"diggCount": "5"}, "statsV2": {"diggCount": "6", "commentCount": "7"}}, (5, 7, None)),
    ],
)
def test_counts_of_videos(fields: dict[str, Any], counts: tuple[int | None, ...]) -> None:
    draft = of("tiktok.com", {**VIDEO, **fields})
    assert (draft.likes, draft.replies, draft.reposts) == counts


@pytest.mark.parametrize(
    ("duet", "kind", "parent"), [("0", "original", None), (0, "original", None), ("70009", "quote", "70009")]
)
def test_a_duet_quotes(duet: object, kind: str, parent: str | None) -> None:
    draft = of("tiktok.com", {**VIDEO, "duetInfo": {"duetFromId": duet}})
    assert (draft.kind, draft.parent) == (kind, parent)


@pytest.mark.parametrize(
    ("fields", "parent"),
    [
        ({}, "7000000000000000001"),
        ({"reply_id": None}, "7000000000000000001"),
        ({"reply_id": "7000000000000000005"}, "7000000000000000005"),
        ({"reply_id": "7000000000000000005", "reply_to_reply_id": "7000000000000000006"}, "7000000000000000006"),
        ({"reply_id": "7000000000000000005", "reply_to_reply_id": "0"}, "7000000000000000005"),
    ],
)
def test_a_comment_replies_to_the_nearest(fields: dict[str, Any], parent: str) -> None:
    draft = of("tiktok-comments", {**COMMENT, **fields})
    assert (draft.kind, draft.parent) == ("reply", parent)


def test_the_older_form_of_instagram() -> None:
    node = {
        "__typename": "GraphImage",
        "shortcode": "DemoCode3",
        "taken_at_timestamp": 1746612000,
        "edge_media_to_caption": {"edges": [{"node": {"text": "peace"}}]},
        "edge_media_preview_like": {"count": -1},
        "edge_media_preview_comment": {"count": 2},
        "owner": {"id": "8001", "username": "demo_six"},
    }
    draft = of("instagram.com", node)
    assert (draft.id, draft.author, draft.handle, draft.text) == ("DemoCode3", "8001", "demo_six", "peace")
    assert (draft.created_at, draft.likes, draft.replies) == ("2025-05-07T10:00:00+00:00", None, 2)
    assert outcome("instagram.com", {**node, "edge_media_to_caption": {"edges": []}}) is Reason.MISSING_TEXT


def test_instagram() -> None:
    assert of("instagram.com", PHOTO).likes == 3
    assert captured("instagram.com", {**PHOTO, "product_type": "ad"}, None) is Reason.NOT_A_POST
    ad = {**PHOTO, "link": "https://www.facebook.com/ads/ig_redirect/?d=demo"}
    assert captured("instagram.com", ad, None) is Reason.NOT_A_POST
    assert isinstance(captured("instagram.com", {**PHOTO, "link": "https://example.org"}, None), Draft)


@pytest.mark.parametrize(
    ("info", "kind", "parent", "text"),
    [
        ({}, "original", None, "peace"),
        ({"is_reply": False}, "original", None, "peace"),
        ({"share_info": {"quoted_post": {"code": "DemoCode9"}}, "is_reply": True}, "quote", "DemoCode9", "peace"),
        (
            {"share_info": {"reposted_post": {"code": "DemoCode9", "caption": {"text": "whole"}}}, "repost_count": 9},
            "repost",
            "DemoCode9",
            "whole",
        ),
    ],
)
def test_threads(info: dict[str, Any], kind: str, parent: str | None, text: str) -> None:
    draft = of("threads.com", {**PHOTO, "text_post_app_info": info})
    assert (draft.kind, draft.parent, draft.text) == (kind, parent, text)
    assert (draft.likes, draft.reposts) == ((None, None) if kind == "repost" else (3, None))


@pytest.mark.parametrize(
    ("fields", "kind", "parent"),
    [
        ({"in_reply_to_id": "11"}, "reply", "11"),
        ({"in_reply_to_id": "11", "quote_id": "12"}, "quote", "12"),
        ({"quote": {"id": "12"}}, "quote", "12"),
        ({"quote_id": "12", "reblog": {"id": "13", "content": "<p>whole</p>"}, "content": ""}, "repost", "13"),
    ],
)
def test_truths(fields: dict[str, Any], kind: str, parent: str) -> None:
    draft = of("truthsocial.com", {**TRUTH, **fields})
    assert (draft.kind, draft.parent) == (kind, parent)
    assert draft.text == ("whole" if kind == "repost" else "peace")
    assert (draft.likes, draft.replies, draft.reposts) == ((None,) * 3 if kind == "repost" else (5, 4, 1))


def test_a_truth_that_is_plain_already_is_not_unescaped_again() -> None:
    assert truth_text("5 < 6 &amp; more") == "5 < 6 &amp; more"
    assert truth_text("<p>5 &lt; 6 &amp;amp; more</p>") == "5 < 6 &amp; more"
    assert truth_text(7) == 7


@pytest.mark.parametrize(
    ("collected", "expected"),
    [
        (1746698400000, "2025-05-08T10:00:00+00:00"),
        (1746698400500.0, "2025-05-08T10:00:00.500000+00:00"),
        ("1746698400000", None),
        (True, None),
        (-1, None),
        pytest.param(10**400, None, id="huge"),
        (float("nan"), None),
        (None, None),
    ],
)
def test_the_time_of_collection_is_in_milliseconds(collected: object, expected: str | None) -> None:
    item = captured("tiktok.com", VIDEO, collected)
    assert isinstance(item, Draft)
    assert item.collected_at == expected


@pytest.mark.parametrize("source", ["9gag.com", "", None, 5, ["tiktok.com"], {}])
def test_a_platform_that_is_not_read_is_a_row_set_aside(source: object) -> None:
    assert captured(source, VIDEO, None) is Reason.BAD_VALUE


def test_a_platform_is_known_by_its_domain() -> None:
    for source in ("tiktok.com", "www.tiktok.com", "TikTok.com"):
        assert of(source, VIDEO).platform == "tiktok"


@pytest.mark.parametrize(
    ("source", "data", "reason"),
    [
        ("tiktok.com", {**VIDEO, "createTime": "soon"}, Reason.BAD_TIMESTAMP),
        ("tiktok.com", {**VIDEO, "createTime": 10**15}, Reason.TIMESTAMP_OUT_OF_RANGE),
        ("tiktok.com", {**VIDEO, "desc": ""}, Reason.MISSING_TEXT),
        ("tiktok.com", {**VIDEO, "author": "REDACTED"}, Reason.MISSING_AUTHOR),
        ("tiktok.com", {**VIDEO, "id": 7e18}, Reason.ID_PRECISION_LOST),
        ("tiktok-comments", {**COMMENT, "create_time": None}, Reason.BAD_TIMESTAMP),
        ("instagram.com", {**PHOTO, "caption": None}, Reason.MISSING_TEXT),
        ("threads.net", {**PHOTO, "taken_at": None}, Reason.BAD_TIMESTAMP),
        ("truthsocial.com", {**TRUTH, "created_at": None}, Reason.BAD_TIMESTAMP),
        ("twitter.com", {"rest_id": "9", "legacy": {**LEGACY, "user_id_str": None}}, Reason.MISSING_AUTHOR),
        ("twitter.com", {"__typename": "TweetUnavailable"}, Reason.REMOVED),
    ],
)  # fmt: skip
def test_what_is_set_aside(source: str, data: dict[str, Any], reason: Reason) -> None:
    assert outcome(source, data) is reason


ITEM = {"source_platform": "tiktok.com", "timestamp_collected": 1746698400000, "data": VIDEO}
OTHERS: list[dict[str, Any]] = [
    {"data": [{"id": "9", "author_id": "42", "text": "peace"}], "meta": {}},
    {"id": "9", "author_id": "42", "text": "peace"},
    {"status_id": "9", "user_id": "42", "text": "peace"},
    {"id_str": "9", "created_at": "", "user": {"id_str": "42"}, "text": "peace"},
    {"id": "k1", "body": "peace", "created_utc": 1746612000, "link_id": "t3_p1"},
    {"kind": "youtube#comment", "id": "UgDemo", "snippet": {}},
]


def test_what_looks_like_it_looks_like_no_other() -> None:
    assert looks_like(ITEM)
    assert not any(module.looks_like(ITEM) for module in (x_api, rtweet, twitter_v1, reddit, youtube))


@pytest.mark.parametrize("record", [*OTHERS, {}, {**ITEM, "data": []}, {"source_platform": "tiktok.com", "data": {}}])
def test_other_objects_do_not_look_like_it(record: dict[str, Any]) -> None:
    assert not looks_like(record)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
SHAPES = [
    ("twitter.com", {**TWEET, "core": {"user_results": {}}, "note_tweet": 1, "edit_control": 1, "user": 1, "tweet": 1,
                     "__typename": 1, "quoted_status_result": 1}),
    ("twitter.com", {**LEGACY, "retweeted_status_result": 1, "withheld_in_countries": 1, "withheld_scope": 1,
                     "place": 1, "quoted_status_id_str": 1, "in_reply_to_status_id_str": 1}),
    ("tiktok.com", {**VIDEO, "stats": 1, "statsV2": 1, "duetInfo": 1, "textLanguage": 1, "locationCreated": 1}),
    ("tiktok-comments", {**COMMENT, "reply_to_reply_id": 1, "comment_language": 1, "digg_count": 1}),
    ("instagram.com", {**PHOTO, "shortcode": 1, "edge_media_to_caption": 1, "link": 1, "owner": 1}),
    ("threads.net", {**PHOTO, "text_post_app_info": {"share_info": 1}}),
    ("truthsocial.com", {**TRUTH, "reblog": 1, "quote": 1, "quote_id": 1, "in_reply_to_id": 1}),
]  # fmt: skip


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_no_value_of_any_field_stops_the_reading(data: st.DataObject) -> None:
    source, shape = data.draw(st.sampled_from(SHAPES))
    names = data.draw(st.lists(st.sampled_from(sorted(shape)), min_size=1, max_size=3))
    record: dict[str, Any] = {**shape, **{name: data.draw(ANY) for name in names}}
    if "full_text" in shape:
        record = {"rest_id": "9", "legacy": record}
    item = captured(source, record, data.draw(ANY))
    assert isinstance(item, Draft | Reason)
    if isinstance(item, Draft):
        assert isinstance(to_row(item, KEY, "a", 1), Row | Reason)
