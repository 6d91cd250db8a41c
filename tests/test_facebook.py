from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers import reddit, rtweet, twitter_v1, x_api, youtube
from discourse.readers.containers import first_records, json_reads
from discourse.readers.facebook import drafts, looks_like
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.values import Reason

KEY = Key.made_up("facebook")
PAGE = Path(__file__).parent / "fixtures" / "readers" / "facebook.json"
SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
EXPORTS = SHARED / "data" / "export_fixtures" / "facebook_graph_api"
WHEN = "2025-05-07T10:00:00+0000"
POST: dict[str, Any] = {"id": "9100_9001", "created_time": WHEN, "message": "peace", "from": {"id": "9200"}}
COMMENT: dict[str, Any] = {"id": "9001_9501", "created_time": WHEN, "message": "peace", "from": {"id": "9200"}}
GRAPH = "https://graph.facebook.com"


def row(item: Any) -> Row | Reason:
    return to_row(item, KEY, "a.json", 1) if isinstance(item, Draft) else item


def draft(record: dict[str, Any]) -> Draft:
    (item,) = drafts(record)
    assert isinstance(item, Draft)
    return item


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def paged(node: dict[str, Any], path: str) -> dict[str, Any]:
    return {"data": [node], "paging": {"next": f"{GRAPH}{path}?access_token=none"}}


def test_a_handwritten_page() -> None:
    """The page was written by hand from the field list of the Graph API; its people are invented."""
    found = [(read.line, row(read.item)) for read in json_reads(PAGE, drafts)]
    assert [line for line, _ in found] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [item for _, item in found if isinstance(item, Reason)] == [
        "missing_author",
        "missing_author",
        "missing_text",
        "not_public",
    ]
    posts = [item for _, item in found if isinstance(item, Row)]
    assert [(post.post_id, post.kind, post.parent_id) for post in posts] == [
        ("facebook:9100_9001", "original", None),
        ("facebook:9001_9501", "reply", "facebook:9100_9001"),
        ("facebook:9001_9502", "reply", "facebook:9001_9501"),
        ("facebook:9100_9002", "original", None),
    ]
    assert [(post.likes, post.replies, post.reposts, post.quotes) for post in posts] == [
        (12, 3, 4, None),
        (0, 1, None, None),
        (None, None, None, None),
        (None, None, None, None),
    ]
    assert [post.author_id for post in posts] == [
        pseudonym(KEY, "facebook", native) for native in ("9100", "9700", "9100", "9100")
    ]
    assert posts[0].handle_id == handle_pseudonym(KEY, "facebook", "demo_page")
    assert [str(post.created_at) for post in posts[:2]] == ["2025-05-07 10:00:00+00:00", "2025-05-07 10:05:00+00:00"]
    assert {(post.edited_at, post.country, post.location, post.community) for post in posts} == {(None,) * 4}


def test_a_person_who_is_tagged_is_hidden_and_nothing_is_unescaped() -> None:
    item = row(next(iter(json_reads(PAGE, drafts))).item)
    assert isinstance(item, Row)
    code = handle_pseudonym(KEY, "facebook", "9700").partition(":")[2]
    assert item.text == f"peace &amp; bread with @{code}"


@pytest.mark.parametrize(
    ("message", "name", "expected"),
    [
        ("Demo, Demo's", "Demo", "@9700, @9700's"),
        ("(Demo)", "Demo", "(@9700)"),
        ("Demo. x", "Demo", "@9700 . x"),
        ("-Demo-", "Demo", "- @9700 -"),
        ("Demography of Demo", "Demo", "Demography of @9700"),
        ("noDemo, Demo", "Demo", "noDemo, @9700"),
        ("امنDemo", "Demo", "امن @9700"),
        ("a.b+c axb+c", "a.b+c", "@9700 axb+c"),
        ("peace", "Demo", "peace"),
        ("peace", " ", "peace"),
    ],
)
def test_a_tag_takes_the_place_of_the_name_and_of_nothing_else(message: str, name: str, expected: str) -> None:
    tag = {"id": "9700", "name": name, "type": "user"}
    for tags in ([tag], {"0": [tag]}, [{"id": "9700", "name": name}]):
        assert draft({**POST, "message": message, "message_tags": tags}).text == expected


def test_the_longer_of_two_names_goes_first_and_an_unknown_id_leaves_a_mark() -> None:
    tags = [{"id": "9701", "name": "Demo", "type": "user"}, {"id": "9702", "name": "Demo Two", "type": "user"}]
    assert draft({**POST, "message": "Demo Two and Demo", "message_tags": tags}).text == "@9702 and @9701"
    nameless = [{"id": None, "name": "Demo", "type": "user"}]
    assert draft({**POST, "message": "Demo speaks", "message_tags": nameless}).text == "… speaks"


@pytest.mark.parametrize("kind", ["page", "group", "event", "application"])
def test_what_is_no_person_keeps_its_name(kind: str) -> None:
    tags = [{"id": "9800", "name": "Demo Press", "type": kind}]
    assert draft({**POST, "message": "from Demo Press", "message_tags": tags}).text == "from Demo Press"


OWN = {
    **without(POST, "from"),
    "permalink_url": "https://www.facebook.com/9100/posts/9001/",
    "status_type": "added_video",
}


@pytest.mark.parametrize(
    ("record", "author"),
    [
        (OWN, "9100"),
        ({**OWN, "status_type": "shared_story"}, "9100"),
        ({**OWN, "status_type": "wall_post"}, None),
        ({**OWN, "status_type": ["added_video"]}, None),
        (without(OWN, "status_type"), None),
        (without(OWN, "permalink_url"), None),
        ({**OWN, "to": {"data": [{"id": "9100"}]}}, None),
        ({**OWN, "permalink_url": "https://www.facebook.com/groups/9100/posts/9001/"}, None),
        ({**OWN, "permalink_url": "https://www.facebook.com/9999/posts/9001/"}, None),
        ({**OWN, "from": {"name": "Demo"}}, None),
        ({**OWN, "from": {"id": "9200"}}, "9200"),
        (paged(without(POST, "from"), "/v21.0/9100/posts"), "9100"),
        (paged(without(POST, "from"), "/9100/published_posts"), "9100"),
        (paged(without(POST, "from"), "/v21.0/9100/feed"), None),
        ({"id": "9100", "name": "Demo", "posts": {"data": [without(POST, "from")]}}, "9100"),
        ({"id": "9100", "name": "Demo", "feed": {"data": [without(POST, "from")]}}, None),
        ({**OWN, "like_count": 1}, None),
    ],
)
def test_a_post_is_the_pages_own_only_where_nobody_else_can_have_written_it(
    record: dict[str, Any], author: str | None
) -> None:
    assert draft(record).author == author
    assert isinstance(row(draft(record)), Row if author else Reason)


LINK = "https://www.facebook.com/9100/posts/9001/?comment_id=9500"


@pytest.mark.parametrize(
    ("record", "parent"),
    [
        ({**COMMENT, "parent": {"id": "9001_9400"}, "permalink_url": LINK}, "9001_9400"),
        ({**COMMENT, "permalink_url": LINK}, "9100_9001"),
        ({**COMMENT, "permalink_url": f"{LINK}&reply_comment_id=9501"}, "9001_9500"),
        (
            {**COMMENT, "permalink_url": "https://www.facebook.com/groups/9300/permalink/9001/?comment_id=1"},
            "9300_9001",
        ),
        ({**COMMENT, "like_count": 0}, "9001"),
        ({**COMMENT, "comment_count": 0}, "9001"),
        (paged(COMMENT, "/v21.0/9100_9001/comments"), "9100_9001"),
        (
            paged({**COMMENT, "permalink_url": f"{LINK}&reply_comment_id=9501"}, "/v21.0/9100_9001/comments"),
            "9001_9500",
        ),
        (paged(COMMENT, "/v21.0/9001_9400/comments"), "9001_9400"),
        (paged(COMMENT, "/v21.0/me/comments"), "9001"),
        (paged(POST, "/v21.0/9100/feed"), None),
        (POST, None),
    ],
)
def test_what_a_comment_answers(record: dict[str, Any], parent: str | None) -> None:
    item = draft(record)
    assert (item.kind, item.parent) == ("original" if parent is None else "reply", parent)


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({}, (None, None, None)),
        ({"shares": {"count": 0}}, (None, None, 0)),
        ({"likes": {"data": [], "summary": {"total_count": 0}}}, (0, None, None)),
        ({"like": {"data": [], "summary": {"total_count": 5}}}, (5, None, None)),
        ({"reactions": {"data": [], "summary": {"total_count": 5}}}, (None, None, None)),
        ({"comments": {"data": [], "summary": {"total_count": 7}}}, (None, 7, None)),
        ({"shares": 3, "likes": [], "comments": "7"}, (None, None, None)),
    ],
)
def test_counts_that_are_absent_are_null(fields: dict[str, Any], counts: tuple[Any, ...]) -> None:
    item = draft({**POST, **fields})
    assert (item.likes, item.replies, item.reposts) == counts


@pytest.mark.parametrize(
    ("fields", "public"),
    [
        ({"privacy": {"value": "EVERYONE"}}, True),
        ({"privacy": {"value": ""}}, True),
        ({"is_hidden": False, "is_published": True}, True),
        ({"privacy": {"value": "SELF"}}, False),
        ({"privacy": {"value": 1}}, False),
        ({"is_hidden": True}, False),
        ({"is_private": True}, False),
        ({"is_published": False}, False),
    ],
)
def test_only_what_everyone_could_read(fields: dict[str, Any], public: bool) -> None:
    (item,) = drafts({**POST, **fields})
    assert (item != Reason.NOT_PUBLIC) == public


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        ({**POST, "created_time": 1746612000}, "2025-05-07 10:00:00+00:00"),
        ({**POST, "created_time": "2025-05-07T15:00:00+0500"}, "2025-05-07 10:00:00+00:00"),
        ({**POST, "created_time": "2025-05-07T10:00:00"}, "bad_timestamp"),
        ({**POST, "created_time": True}, "bad_timestamp"),
        ({**POST, "created_time": 10**12}, "timestamp_out_of_range"),
        ({**POST, "created_time": None}, "bad_timestamp"),
        ({**POST, "message": 5}, "wrong_type"),
        (without(POST, "message"), "missing_text"),
        ({**POST, "error": None}, "2025-05-07 10:00:00+00:00"),
        (without(POST, "id"), "missing_id"),
        ({**POST, "id": 9.1}, "id_precision_lost"),
        ({**POST, "shares": {"count": "4"}}, "wrong_type"),
        ({"error": {"message": "no", "fbtrace_id": "A"}}, "api_error"),
        ({}, "missing_id"),
    ],
)
def test_single_values(record: dict[str, Any], outcome: str) -> None:
    (item,) = drafts(record)
    made = row(item)
    assert (str(made.created_at) if isinstance(made, Row) else made) == outcome


def test_pages_in_every_shape() -> None:
    page = {"data": [POST, COMMENT, "text"], "paging": {}}
    assert [getattr(item, "id", item) for item in drafts(page)] == ["9100_9001", "9001_9501", "not_an_object"]
    node = {"id": "9100", "name": "Demo", "published_posts": page}
    assert [getattr(item, "id", item) for item in drafts(node)] == ["9100_9001", "9001_9501", "not_an_object"]
    assert list(drafts({"data": [], "paging": {}})) == []
    both = {"id": "9100", "feed": {"data": [{**POST, "id": "9100_9002"}]}, "posts": {"data": [POST]}}
    assert [getattr(item, "id", item) for item in drafts(both)] == ["9100_9001", "9100_9002"]
    deep: dict[str, Any] = COMMENT
    for _ in range(5000):
        deep = {**COMMENT, "comments": {"data": [deep]}}
    assert sum(1 for _ in drafts(deep)) == 5001


@pytest.mark.parametrize(
    "record",
    [
        POST,
        COMMENT,
        {**POST, "created_time": 1746612000},
        {"data": [POST]},
        {"data": [without(POST, "id")], "paging": {}},
        {"data": [], "paging": {}},
        {"id": "9100", "posts": {"data": [POST]}},
        {"error": {"message": "no", "fbtrace_id": "A"}},
    ],
)
def test_what_looks_like_it_looks_like_no_other(record: dict[str, Any]) -> None:
    assert looks_like(record)
    assert not any(module.looks_like(record) for module in (x_api, rtweet, twitter_v1, reddit, youtube))


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"data": []},
        {"data": [], "meta": {}, "paging": {}},
        {"data": [POST], "includes": {}},
        {"data": POST, "paging": {}},
        {"data": {"videos": [{"id": 9001, "create_time": 1746612000}]}, "error": {"code": "ok"}},
        {"data": [{"id": 9001, "creation_time": WHEN, "post_owner": {}}], "paging": {}},
        {"data": [{"id": "9001", "caption": "peace", "timestamp": WHEN}], "paging": {}},
        {"data": ["created_time"], "paging": {}},
        {"id": "9001", "author_id": "42", "text": "peace", "created_at": WHEN},
        {"data": {"id": "9001", "author_id": "42", "text": "peace"}},
        {"status_id": "9001", "created_at": WHEN},
        {"id_str": "9001", "user": {}, "created_at": WHEN},
        {"id": "k1", "body": "peace", "created_utc": 1746612000, "link_id": "t3_p1"},
        {"kind": "youtube#commentListResponse", "items": []},
        {"id": "9001", "created_time": WHEN},
        {"id": "9100_9001", "created_time": "2025-05-07"},
        {"id": "9100_9001"},
        {"error": {"code": 403}},
        {"error": "fbtrace_id"},
    ],
)
def test_other_objects_do_not_look_like_it(record: dict[str, Any]) -> None:
    assert not looks_like(record)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [*POST, "message_tags", "permalink_url", "status_type", "parent", "comments", "likes", "like", "shares", "privacy"]
) | st.sampled_from(["paging", "data", "posts", "feed", "error", "is_hidden", "like_count"])


@given(st.dictionaries(NAMES, JSON, max_size=8))
@settings(deadline=None)
def test_no_value_raises(record: dict[str, Any]) -> None:
    assert isinstance(looks_like(record), bool)
    for value in (record, {"data": [record]}, {**POST, **record}, {**POST, "from": record, "message_tags": [record]}):
        for item in drafts(value):
            assert isinstance(row(item), Row | Reason)


@pytest.mark.parametrize(
    ("name", "accepted", "reasons"),
    [
        ("comments_comment_info", 0, ["missing_author"]),
        ("comments_comments_p1", 0, ["missing_id"] * 10),
        ("comments_comments_p2", 0, ["missing_id"] * 5),
        ("groups_feed_p1", 0, ["missing_author"] * 5),
        ("posts_feeds_default_fields_p1", 5, []),
        ("posts_feeds_default_fields_p2", 5, []),
    ],
)
def test_pages_of_the_platform(name: str, accepted: int, reasons: list[str]) -> None:
    path = EXPORTS / f"{name}.json"
    if not path.exists():
        pytest.skip("needs ../shared (export fixtures)")
    assert looks_like(first_records(path)[0])
    items = [read.item for read in json_reads(path, drafts)]
    made = [row(item) for item in items]
    assert [item for item in made if isinstance(item, Reason)] == reasons
    posts = [item for item in made if isinstance(item, Row)]
    assert len(posts) == accepted
    for post, node in zip(posts, json.loads(path.read_bytes())["data"] if posts else [], strict=True):
        assert post.likes == node["like"]["summary"]["total_count"]
        assert (post.post_id, post.reposts) == (f"facebook:{node['id']}", node["shares"]["count"])
        assert post.author_id == pseudonym(KEY, "facebook", node["id"].split("_")[0])
