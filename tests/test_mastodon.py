from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.readers import bluesky, reddit, rtweet, tiktok, twitter_v1, x_api, youtube
from discourse.readers.containers import json_reads
from discourse.readers.mastodon import drafts, looks_like
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.values import Reason

KEY = Key.made_up("mastodon")
# Both hand-written from the documentation of the API and of ActivityPub; nobody in them exists.
PAGE = Path(__file__).parent / "fixtures" / "readers" / "mastodon.json"
OUTBOX = PAGE.with_name("mastodon_outbox.json")
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
ACCOUNT: dict[str, Any] = {"id": "11", "username": "demo", "acct": "demo", "url": "https://social.example/@demo"}
STATUS: dict[str, Any] = {
    "id": "1100",
    "uri": "https://social.example/users/demo/statuses/1100",
    "created_at": "2025-05-07T10:00:00.000Z",
    "visibility": "public",
    "content": "<p>peace</p>",
    "account": ACCOUNT,
    "favourites_count": 1,
    "replies_count": 2,
    "reblogs_count": 3,
    "quotes_count": 4,
}
TRUTH: dict[str, Any] = {
    **STATUS,
    "uri": "https://truthsocial.com/@demo/1100",
    "account": {**ACCOUNT, "url": "https://truthsocial.com/@demo"},
}
NOTE: dict[str, Any] = {
    "id": "https://social.example/users/demo/statuses/1100",
    "type": "Note",
    "published": "2025-05-07T10:00:00Z",
    "to": [PUBLIC],
    "content": "<p>peace</p>",
}
ACTIVITY: dict[str, Any] = {
    "id": "https://social.example/users/demo/statuses/1100/activity",
    "type": "Create",
    "actor": "https://social.example/users/demo",
    "published": "2025-05-07T11:00:00Z",
    "to": [PUBLIC],
    "object": NOTE,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def settled(item: Any) -> Any:
    return to_row(item, KEY, "a", 1) if isinstance(item, Draft) else item


def outcome(record: dict[str, Any]) -> Any:
    (item,) = drafts(record)
    return settled(item)


def sent(**fields: Any) -> Any:
    return outcome({"type": "OrderedCollection", "orderedItems": [{**ACTIVITY, **fields}]})


def noted(**fields: Any) -> Any:
    return sent(object={**NOTE, **fields})


def code(handle: str) -> str:
    return handle_pseudonym(KEY, "mastodon", handle).partition(":")[2]


def test_a_page() -> None:
    found = [settled(read.item) for read in json_reads(PAGE, drafts)]
    assert found[3] is Reason.NOT_PUBLIC
    rows = [row for row in found if isinstance(row, Row)]
    whole = f"war & peace\n\npeace &amp; bread <3\nnow\n\n@{code('demo_two@other.example')} https://news.example/a/long/path"
    truth = handle_pseudonym(KEY, "truthsocial", "demo_five").partition(":")[2]
    assert [(row.post_id, row.kind, row.parent_id, row.text) for row in rows] == [
        ("mastodon:social.example/1100", "original", None, whole),
        ("mastodon:other.example/7007", "reply", "mastodon:social.example/1100", "امن"),
        ("mastodon:social.example/1102", "repost", "mastodon:other.example/7007", "امن"),
        ("truthsocial:truthsocial.com/1104", "reply", "truthsocial:truthsocial.com/1050", f"@{truth} land"),
    ]
    assert [(row.likes, row.replies, row.reposts, row.quotes) for row in rows] == [
        (3, 1, 2, 4),
        (0, 0, 0, None),
        (None, None, None, None),
        (10, 8, 9, None),
    ]
    names = ["demo_one@social.example", "demo_two@other.example", "demo_three@social.example"]
    assert [row.author_id for row in rows] == [
        *(pseudonym(KEY, "mastodon", name) for name in names),
        pseudonym(KEY, "truthsocial", "44"),
    ]
    assert [row.handle_id for row in rows] == [
        *(handle_pseudonym(KEY, "mastodon", name) for name in names),
        handle_pseudonym(KEY, "truthsocial", "demo_four"),
    ]
    assert [str(row.created_at) for row in rows] == [f"2025-05-07 1{n}:00:00+00:00" for n in (0, 1, 2, 4)]
    assert [str(row.edited_at) for row in rows] == ["2025-05-07 10:30:00+00:00", "None", "None", "None"]
    assert [row.lang_declared for row in rows] == ["en", None, "ur", "en"]
    assert [row.location for row in rows] == [None, None, None, "Kabul"]


def test_no_name_of_an_account_is_left_in_any_row() -> None:
    for path in (PAGE, OUTBOX):
        rows = [row for read in json_reads(path, drafts) if isinstance(row := settled(read.item), Row)]
        assert rows
        assert not [value for row in rows for value in row if isinstance(value, str) and "demo_" in value.lower()]


def test_an_outbox() -> None:
    found = [settled(read.item) for read in json_reads(OUTBOX, drafts)]
    assert found[2:] == [Reason.MISSING_TEXT, Reason.NOT_PUBLIC, Reason.NOT_A_POST]
    first, second = found[:2]
    assert (first.post_id, first.kind, first.parent_id) == ("mastodon:social.example/1100", "original", None)
    assert (first.text, first.lang_declared) == ("war & peace\n\nbread & land", "en")
    assert (str(first.created_at), str(first.edited_at)) == ("2025-05-07 10:00:00+00:00", "2025-05-07 10:30:00+00:00")
    assert (second.kind, second.parent_id, second.text) == ("reply", "mastodon:other.example/7007", "yes")
    assert (second.lang_declared, second.edited_at) == (None, None)
    for row in (first, second):
        assert row.author_id == pseudonym(KEY, "mastodon", "demo_one@social.example")
        assert row.handle_id == handle_pseudonym(KEY, "mastodon", "demo_one@social.example")
        assert (row.likes, row.replies, row.reposts, row.quotes) == (None,) * 4


def test_the_same_posts_however_they_are_packed() -> None:
    statuses = json.loads(PAGE.read_text("utf-8"))
    expected = [outcome(status) for status in statuses]
    assert len(expected) == 5
    for record in (
        {"accounts": [], "statuses": statuses, "hashtags": []},
        {"ancestors": statuses[:2], "descendants": statuses[2:]},
    ):
        assert [settled(item) for item in drafts(record)] == expected


def test_an_archive_and_an_answer_give_one_post_and_one_person() -> None:
    told, seen = sent(), outcome(STATUS)
    assert (told.post_id, told.author_id, told.handle_id) == (seen.post_id, seen.author_id, seen.handle_id)
    assert (told.text, told.created_at) == (seen.text, seen.created_at)


@pytest.mark.parametrize(
    ("uri", "post_id"),
    [
        ("https://social.example/users/demo/statuses/1100", "social.example/1100"),
        ("https://Social.Example/users/demo/statuses/1100/activity", "social.example/1100"),
        ("https://social.example/ap/users/99/statuses/1100", "social.example/1100"),
        ("https://social.example/@demo/1100", "social.example/1100"),
        ("https://social.example/@demo@other.example/posts/1100/", "social.example/posts/1100/"),
        ("https://social.example/p/demo/1100", "social.example/1100"),
        ("https://social.example/m/news/p/1100/title", "social.example/m/news/p/1100/title"),
        ("https://social.example/objects/0a1b", "social.example/objects/0a1b"),
        ("https://social.example/notes/9abc", "social.example/notes/9abc"),
        ("https://social.example/?p=12", "social.example/?p=12"),
        ("tag:social.example,2017-05-07:objectId=1100:objectType=Status",) * 2,
    ],
    ids=str,
)
def test_the_id_of_a_post_names_no_account(uri: str, post_id: str) -> None:
    assert outcome({**STATUS, "uri": uri}).post_id == f"mastodon:{post_id}"


@pytest.mark.parametrize(
    ("account", "author"),
    [
        ({}, "demo@social.example"),
        ({"username": "Demo", "acct": "Demo", "url": "https://SOCIAL.example/@Demo"}, "demo@social.example"),
        ({"id": "77", "acct": "demo@social.example"}, "demo@social.example"),
        ({"url": "https://social.example/users/demo"}, "demo@social.example"),
        ({"url": None, "acct": "Demo@Social.example"}, "demo@social.example"),
        ({"url": None}, None),
        ({"username": "", "acct": 5}, None),
        ({"username": 5, "acct": None}, None),
    ],
)
def test_an_account_is_the_same_whichever_server_was_asked(account: dict[str, Any], author: str | None) -> None:
    found = outcome({**STATUS, "account": {**ACCOUNT, **account}})
    if author is None:
        assert found is Reason.MISSING_AUTHOR
    else:
        assert found.author_id == pseudonym(KEY, "mastodon", author)
        assert found.handle_id == handle_pseudonym(KEY, "mastodon", author)


@pytest.mark.parametrize("visibility", ["private", "direct", "limited", "local", "", 5, ["public"]])
def test_what_is_not_for_everybody_is_not_taken(visibility: Any) -> None:
    closed = {**STATUS, "visibility": visibility}
    assert outcome(closed) is Reason.NOT_PUBLIC
    assert outcome({**closed, "reblog": STATUS}) is Reason.NOT_PUBLIC
    assert outcome({**STATUS, "reblog": closed}) is Reason.NOT_PUBLIC


@pytest.mark.parametrize("visibility", ["public", "unlisted", None])
def test_what_is_for_everybody_is_taken(visibility: Any) -> None:
    assert outcome({**STATUS, "visibility": visibility}).text == "peace"


@pytest.mark.parametrize(
    ("to", "cc", "taken"),
    [
        ([PUBLIC], [], True),
        ([], [PUBLIC], True),
        (PUBLIC, None, True),
        (None, "as:Public", True),
        ([], [], False),
        (None, None, False),
        (["https://social.example/users/demo/followers"], [], False),
        ([[PUBLIC]], 5, False),
    ],
)
def test_an_archive_holds_private_posts_which_are_not_taken(to: Any, cc: Any, taken: bool) -> None:
    ways = (sent(to=to, cc=cc), noted(to=to, cc=cc), sent(type="Announce", to=to, cc=cc))
    assert [isinstance(row, Row) for row in ways] == [taken] * 3
    assert [row is Reason.NOT_PUBLIC for row in ways] == [not taken] * 3


def test_a_boost_has_the_words_of_the_other_and_nothing_else_of_it() -> None:
    other = {
        **STATUS,
        "uri": "https://other.example/users/demo_two/statuses/7007",
        "content": "<p>bread</p>",
        "language": "ps",
        "spoiler_text": "land",
        "edited_at": "2025-05-06T10:00:00.000Z",
        "account": {**ACCOUNT, "username": "demo_two"},
    }
    row = outcome({**STATUS, "content": "", "reblog": other, "in_reply_to_id": "1", "language": "en"})
    assert (row.kind, row.parent_id, row.text) == ("repost", "mastodon:other.example/7007", "land\n\nbread")
    assert (row.post_id, row.lang_declared) == ("mastodon:social.example/1100", "ps")
    assert (str(row.created_at), str(row.edited_at)) == ("2025-05-07 10:00:00+00:00", "2025-05-06 10:00:00+00:00")
    assert row.author_id == pseudonym(KEY, "mastodon", "demo@social.example")
    assert (row.likes, row.replies, row.reposts, row.quotes) == (None,) * 4


def test_a_boost_of_an_archive_that_holds_the_words() -> None:
    note = {**NOTE, "id": "https://social.example/users/demo/statuses/1000", "published": "2025-05-01T10:00:00Z"}
    row = sent(type="Announce", object=note)
    assert (row.post_id, row.kind, row.parent_id) == (
        "mastodon:social.example/1100",
        "repost",
        "mastodon:social.example/1000",
    )
    assert (row.text, str(row.created_at)) == ("peace", "2025-05-07 11:00:00+00:00")


LOCAL = {"id": "22", "username": "two", "acct": "two", "url": "https://social.example/@two"}
REMOTE = {"id": "33", "username": "three", "acct": "three@other.example", "url": "https://other.example/@three"}
PLEROMA = {"id": "44", "username": "four", "acct": "four", "url": "https://social.example/users/four"}


@pytest.mark.parametrize(
    ("who", "parent"),
    [
        ("11", "mastodon:social.example/1099"),
        ("22", "mastodon:social.example/1099"),
        ("33", None),
        ("44", None),
        ("55", None),
        (None, None),
    ],
)
def test_the_parent_of_a_reply_is_named_only_where_it_is_known(who: str | None, parent: str | None) -> None:
    reply = {**STATUS, "in_reply_to_id": "1099", "in_reply_to_account_id": who, "mentions": [REMOTE, LOCAL, PLEROMA, 5]}
    row = outcome(reply)
    assert (row.kind, row.parent_id) == ("reply", parent)


def test_replies_of_truth_social_all_have_a_parent() -> None:
    row = outcome({**TRUTH, "in_reply_to_id": "1099"})
    assert (row.post_id, row.kind, row.parent_id) == (
        "truthsocial:truthsocial.com/1100",
        "reply",
        "truthsocial:truthsocial.com/1099",
    )


@pytest.mark.parametrize(
    ("uri", "platform"),
    [
        ("https://truthsocial.com/@demo/1", "truthsocial"),
        ("https://static.truthsocial.com/@demo/1", "truthsocial"),
        ("https://nottruthsocial.com/@demo/1", "mastodon"),
        ("https://truthsocial.com.example/@demo/1", "mastodon"),
    ],
)
def test_which_posts_are_of_truth_social(uri: str, platform: str) -> None:
    assert outcome({**STATUS, "uri": uri}).platform == platform


OTHER = {"uri": "https://other.example/users/two/statuses/7007"}


@pytest.mark.parametrize(
    ("status", "kind", "parent"),
    [
        ({**STATUS, "quote": {"state": "accepted", "quoted_status": OTHER}}, "quote", "mastodon:other.example/7007"),
        ({**STATUS, "quote": {"state": "deleted", "quoted_status": None}}, "quote", None),
        ({**STATUS, "quote": OTHER}, "quote", "mastodon:other.example/7007"),
        ({**STATUS, "quote": OTHER, "in_reply_to_id": "1"}, "quote", "mastodon:other.example/7007"),
        ({**STATUS, "quote": None, "quote_id": "7"}, "original", None),
        ({**STATUS, "quote": "7"}, "original", None),
        ({**TRUTH, "quote": None, "quote_id": "7"}, "quote", "truthsocial:truthsocial.com/7"),
        ({**TRUTH, "quote": {"uri": "https://truthsocial.com/@two/8"}}, "quote", "truthsocial:truthsocial.com/8"),
    ],
    ids=["accepted", "deleted", "bare", "reply", "foreign_id", "string", "truth_id", "truth"],
)
def test_quotes(status: dict[str, Any], kind: str, parent: str | None) -> None:
    row = outcome(status)
    assert (row.kind, row.parent_id) == (kind, parent)


@pytest.mark.parametrize("name", ["quote", "quoteUri", "quoteUrl", "_misskey_quote"])
def test_quotes_of_an_archive(name: str) -> None:
    for value in (OTHER["uri"], {"id": OTHER["uri"]}):
        row = noted(**{name: value, "inReplyTo": "https://other.example/users/two/statuses/1"})
        assert (row.kind, row.parent_id) == ("quote", "mastodon:other.example/7007")


@pytest.mark.parametrize(
    ("warning", "content", "text"),
    [
        (None, "<p>peace</p>", "peace"),
        ("", "<p>peace</p>", "peace"),
        ("a &amp; <b>", "<p>peace</p>", "a &amp; <b>\n\npeace"),
        ("land", "", "land"),
        ("", "", ""),
        (5, "<p>peace</p>", "peace"),
    ],
)
def test_a_content_warning_comes_before_the_words(warning: Any, content: str, text: str) -> None:
    assert outcome({**STATUS, "spoiler_text": warning, "content": content}).text == text
    assert noted(summary=warning, content=content).text == text


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({**STATUS, "uri": None}, "missing_id"),
        ({**STATUS, "uri": 5.5}, "id_precision_lost"),
        ({**STATUS, "account": None}, "missing_author"),
        ({**STATUS, "created_at": None}, "bad_timestamp"),
        ({**STATUS, "content": None}, "missing_text"),
        ({**STATUS, "content": 5}, "wrong_type"),
        ({**STATUS, "reblog": "1099"}, "wrong_type"),
        ({**STATUS, "favourites_count": "1"}, "wrong_type"),
        ({"error": "Record not found"}, "api_error"),
        ({"statuses": [5]}, "not_an_object"),
        ({"type": "OrderedCollection", "orderedItems": [5]}, "not_an_object"),
    ],
)
def test_what_is_set_aside(status: dict[str, Any], reason: str) -> None:
    assert outcome(status) == reason


def test_what_of_an_archive_is_set_aside() -> None:
    assert sent(type="Follow") is Reason.NOT_A_POST
    assert sent(type=["Create"]) is Reason.NOT_A_POST
    assert sent(object="https://social.example/users/demo/statuses/1") is Reason.MISSING_TEXT
    assert noted(type="Tombstone") is Reason.DELETED
    assert sent(actor=None) is Reason.MISSING_AUTHOR
    assert noted(id=None) is Reason.MISSING_ID


def test_an_actor_whose_address_is_a_number_is_the_one_its_page_names() -> None:
    number, page = "https://social.example/ap/users/99", "https://social.example/@Demo/1100"
    named = sent(actor=number, object={**NOTE, "url": page})
    assert (named.author_id, named.handle_id) == (outcome(STATUS).author_id, outcome(STATUS).handle_id)
    for row in (sent(actor=number), sent(actor=number, type="Announce", object={**NOTE, "url": page})):
        assert row.author_id == pseudonym(KEY, "mastodon", number)
        assert row.handle_id is None
    other = sent(object={**NOTE, "url": "https://social.example/@other/1100"})
    assert other.handle_id == outcome(STATUS).handle_id
    assert sent(actor={"id": "https://social.example/users/demo"}).handle_id == outcome(STATUS).handle_id


OTHERS: list[dict[str, Any]] = [
    {"data": [{"id": "9001", "author_id": "42", "text": "a"}], "meta": {}},
    {"id": "9001", "author_id": "42", "text": "a", "created_at": "2025-05-07T10:00:00Z"},
    {"status_id": "9001", "user_id": "42", "text": "a"},
    {"id_str": "9001", "user": {"id_str": "42"}, "full_text": "a"},
    {"statuses": [{"id_str": "9001", "user": {"id_str": "42"}, "full_text": "a"}], "search_metadata": {}},
    {"id": "k1", "body": "a", "created_utc": 1746612000, "link_id": "t3_p1"},
    {"kind": "youtube#commentThreadListResponse", "items": []},
    {"uri": "at://did:plc:demo/app.bsky.feed.post/1", "author": {}, "record": {}},
    {"data": {"videos": []}},
    {"uri": "https://social.example/1", "content": "a", "account": "demo"},
    {"type": ["OrderedCollection"], "orderedItems": []},
    {"orderedItems": []},
    {"statuses": "none"},
    {},
]


@pytest.mark.parametrize("record", OTHERS, ids=[str(number) for number in range(len(OTHERS))])
def test_records_of_others_do_not_look_like_it(record: dict[str, Any]) -> None:
    assert not looks_like(record)


@pytest.mark.parametrize(
    "record",
    [
        STATUS,
        TRUTH,
        {"statuses": [None, STATUS]},
        {"ancestors": [], "descendants": [STATUS]},
        {"type": "OrderedCollectionPage", "orderedItems": [ACTIVITY]},
    ],
    ids=["status", "truth", "search", "context", "outbox"],
)
def test_what_looks_like_it_looks_like_no_other(record: dict[str, Any]) -> None:
    assert looks_like(record)
    assert not any(m.looks_like(record) for m in (x_api, rtweet, twitter_v1, reddit, youtube, bluesky, tiktok))


def holds(record: dict[str, Any], rows: int | None = None) -> bool:
    looks_like(record)
    items = list(drafts(record))
    return all(isinstance(settled(item), Row | Reason) for item in items) and rows in (None, len(items))


ODD = sorted({*STATUS, "reblog", "quote", "quote_id", "in_reply_to_id", "in_reply_to_account_id", "mentions", "url"})


@given(st.sampled_from(ODD), JSON)
def test_no_value_of_a_field_makes_it_fail(field: str, value: Any) -> None:
    for status in (STATUS, TRUTH):
        changed = {**status, "in_reply_to_id": "1", "in_reply_to_account_id": "11", field: value}
        for record in (changed, {**STATUS, "reblog": changed}, {"statuses": [changed]}):
            assert holds(record, 1)
    assert holds({**STATUS, "account": {**ACCOUNT, field: value, "url": value}}, 1)


@given(
    st.sampled_from(sorted({*ACTIVITY, *NOTE, "cc", "inReplyTo", "quote", "contentMap", "summary", "updated"})), JSON
)
def test_no_activity_makes_it_fail(field: str, value: Any) -> None:
    for activity in ({**ACTIVITY, field: value}, {**ACTIVITY, "object": {**NOTE, field: value}}):
        assert holds({"type": "OrderedCollection", "orderedItems": [activity, {**activity, "type": "Announce"}]}, 2)


@given(st.dictionaries(st.sampled_from(["orderedItems", "type", "statuses", "ancestors", "uri", "error"]), JSON))
def test_no_record_makes_it_fail(record: dict[str, Any]) -> None:
    assert holds(record)
