"""The fixtures are written by hand from 4CAT's column and field names; all people are invented."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, post_name, pseudonym
from discourse.errors import BadInput
from discourse.readers import reddit, rtweet, telegram, twitter_v1, x_api, youtube, zeeschuimer
from discourse.readers.containers import json_reads
from discourse.readers.formats import Options
from discourse.readers.fourcat import ID_COLUMN, drafts, has_columns, looks_like, row_draft
from discourse.readers.records import Draft, Row, to_row
from discourse.readers.tables import DELIMITERS, column_reads, header_of
from discourse.readers.values import Reason

KEY = Key.made_up("fourcat")
FIXTURES = Path(__file__).parent / "fixtures" / "readers"
TABLES = ("twitter", "tiktok", "telegram", "bsky")
X = "x:900000000000000000"
TIKTOK = "tiktok:700000000000000000"
BSKY = post_name(KEY, "bluesky", "at://did:plc:demo/app.bsky.feed.post/3demo")


def checked(item: object) -> Row | Reason:
    assert isinstance(item, Draft | Reason)
    return item if isinstance(item, Reason) else to_row(item, KEY, "a", 1)


def table(name: str) -> dict[int, Row | Reason]:
    """What each row of a fixture comes to, by its number."""
    reads = column_reads(FIXTURES / f"fourcat_{name}.csv", has_columns, row_draft, ID_COLUMN)
    return {number: checked(read.item) for number, read in enumerate(reads, start=1)}


def first(name: str) -> dict[str, str]:
    with open(FIXTURES / f"fourcat_{name}.csv", encoding="utf-8", newline="") as file:
        return next(csv.DictReader(file, delimiter=";" if name == "tiktok" else ","))


def shown(rows: dict[int, Row | Reason]) -> list[tuple[object, ...]]:
    return [
        (n, row if isinstance(row, Reason) else (row.post_id, row.kind, row.parent_id, row.text))
        for n, row in rows.items()
    ]


def counted(rows: dict[int, Row | Reason]) -> list[tuple[int | None, ...]]:
    return [(row.likes, row.replies, row.reposts, row.quotes) for row in rows.values() if isinstance(row, Row)]


def times(rows: dict[int, Row | Reason]) -> list[str]:
    return [str(row.created_at)[:19] for row in rows.values() if isinstance(row, Row)]


def of(row: dict[str, str], **cells: str) -> Draft:
    item = row_draft({**row, **cells})
    assert isinstance(item, Draft)
    return item


def test_tweets() -> None:
    rows = table("twitter")
    assert shown(rows) == [
        (1, (f"{X}1", "original", None, "bread & &lt; peace\nand land")),
        (2, (f"{X}2", "repost", None, "only the first words of a long post")),
        (3, (f"{X}3", "quote", f"{X}1", "سوله")),
        (4, (f"{X}4", "reply", None, "امن")),
        (5, Reason.MISSING_AUTHOR),
        (6, Reason.REMOVED),
    ]
    assert counted(rows) == [(7, 1, 3, 0), (None,) * 4, (None, 1, 3, 0), (7, 1, 3, 0)]
    assert times(rows) == [f"2025-05-07 10:0{n}:00" for n in (1, 2, 3, 4)]
    posts = [row for row in rows.values() if isinstance(row, Row)]
    assert [row.author_id for row in posts] == [pseudonym(KEY, "x", name) for name in ("501", "502", "501", "504")]
    assert posts[1].handle_id == handle_pseudonym(KEY, "x", "demo_two")
    assert [row.lang_declared for row in posts] == ["en", "en", "ps", "en"]


def test_videos_in_a_table_with_semicolons() -> None:
    rows = table("tiktok")
    assert shown(rows) == [
        (1, (f"{TIKTOK}1", "original", None, "peace #demo")),
        (2, (f"{TIKTOK}2", "quote", None, "with you")),
        (3, Reason.MISSING_TEXT),
        (4, (f"{TIKTOK}4", "original", None, "امن")),
    ]
    assert counted(rows) == [(4, 0, 2, None), (None, 0, 2, None), (4, 0, 2, None)]
    assert times(rows) == [f"2025-05-07 10:0{n}:00" for n in (1, 2, 4)]
    posts = [row for row in rows.values() if isinstance(row, Row)]
    assert [(row.country, row.country_basis) for row in posts] == [("PK", "geo"), (None, None), ("PK", "geo")]
    assert posts[0].author_id == pseudonym(KEY, "tiktok", "demo_five")


def test_messages() -> None:
    rows = table("telegram")
    assert shown(rows) == [
        (1, ("telegram:demochat/1", "original", None, "peace")),
        (2, ("telegram:demochat/2", "reply", "telegram:demochat/1", "I agree")),
        (3, ("telegram:demochat/3", "repost", None, "war")),
        (4, Reason.MISSING_AUTHOR),
        (5, Reason.MISSING_TEXT),
        (6, Reason.PRIVATE_CHAT),
    ]
    assert counted(rows) == [(None,) * 4] * 3
    assert times(rows) == [f"2025-05-07 10:0{n}:00" for n in (1, 2, 3)]
    posts = [row for row in rows.values() if isinstance(row, Row)]
    accounts = ("channel7001", "user42", "user42")
    assert [row.author_id for row in posts] == [pseudonym(KEY, "telegram", name) for name in accounts]
    assert [str(row.edited_at) for row in posts] == ["2025-05-07 11:00:00+00:00", "None", "None"]


def test_posts_of_bluesky() -> None:
    rows = table("bsky")
    assert shown(rows) == [
        (1, (f"{BSKY}1", "original", None, "امن")),
        (2, (f"{BSKY}2", "reply", f"{BSKY}1", "peace")),
        (3, (f"{BSKY}3", "reply", None, "and land")),
        (4, (f"{BSKY}4", "quote", post_name(KEY, "bluesky", "at://did:plc:other/app.bsky.feed.post/3demo9"), "shame")),
        (5, (f"{BSKY}5", "quote", None, "bread")),
    ]
    assert counted(rows) == [(3, 1, 2, 0)] * 4 + [(None, 1, 2, 0)]
    assert times(rows) == [f"2025-05-07 10:0{n}:00" for n in (1, 2, 3, 4, 5)]
    posts = [row for row in rows.values() if isinstance(row, Row)]
    assert {row.author_id for row in posts} == {pseudonym(KEY, "bluesky", "did:plc:demo")}
    assert [row.lang_declared for row in posts] == ["ur", None, "ur", "ps", "ur"]


def test_items_on_lines() -> None:
    path = FIXTURES / "fourcat.ndjson"
    reads = [(read.line, checked(read.item)) for read in json_reads(path, drafts)]
    assert shown(dict(reads)) == [
        (1, (f"{X}1", "original", None, "A long note, not cut & whole")),
        (2, (f"{TIKTOK}1", "original", None, "peace #demo")),
        (3, (f"{BSKY}1", "original", None, "امن")),
        (4, (f"{BSKY}2", "reply", f"{BSKY}1", "peace")),
        (5, ("telegram:7001/1", "original", None, "peace & bread")),
        (6, ("telegram:7001/2", "reply", "telegram:7001/1", "I agree")),
        (7, ("telegram:7001/3", "repost", "telegram:7002/5", "war")),
        (9, Reason.PRIVATE_CHAT),
        (10, Reason.BAD_VALUE),
    ]
    assert counted(dict(reads)) == [
        (7, 1, 3, 0), (4, 0, 2, None), (3, 1, 2, 0), (3, 1, 2, 0), (None, 2, 4, None), (None,) * 4, (None,) * 4
    ]  # fmt: skip
    posts = [row for _, row in reads if isinstance(row, Row)]
    assert [str(row.collected_at)[:21] for row in posts] == [
        "2025-05-08 10:00:00+0", "2025-05-08 10:00:00+0", "2025-05-08 10:00:00.5", "2025-05-08 10:00:00.5",
        "None", "None", "None",
    ]  # fmt: skip
    assert str(posts[4].edited_at) == "2025-05-07 11:00:00+00:00"
    assert [row.author_id for row in posts[4:]] == [
        pseudonym(KEY, "telegram", name) for name in ("channel7001", "user42", "channel7001")
    ]


def test_a_message_has_the_names_that_telegrams_own_export_gives_it(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(
        '{"type": "public_channel", "id": 7001, "messages": [{"id": 1, "type": "message", "from_id": "channel7001",'
        ' "date_unixtime": "1746612060", "text": "peace & bread"}]}'
    )
    (own,) = (checked(read.item) for read in telegram.reads(path, Options()))
    other = next(checked(read.item) for read in json_reads(FIXTURES / "fourcat.ndjson", drafts) if read.line == 5)
    assert isinstance(own, Row)
    assert isinstance(other, Row)
    assert (own.post_id, own.author_id, own.created_at, own.text) == (
        other.post_id, other.author_id, other.created_at, other.text,
    )  # fmt: skip


def test_the_zone_of_the_server_moves_no_tweet() -> None:
    """`unix_timestamp` five hours off, as a server in Karachi writes it."""
    row = first("twitter")
    assert of(row, unix_timestamp="1746594060").created_at == "2025-05-07T10:01:00Z"
    assert of(row, timestamp="").created_at == "2025-05-07T10:01:00+00:00"


@pytest.mark.parametrize(
    ("stamp", "written", "expected"),
    [
        ("1746612000", "2025-05-07 15:00:00", "2025-05-07T10:00:00+00:00"),
        ("1746612000.0", "", "2025-05-07T10:00:00+00:00"),
        ("", "2025-05-07 10:00:00", "2025-05-07T10:00:00Z"),
        ("undefined", "2025-05-07 10:00:00", "2025-05-07T10:00:00Z"),
        ("", "1746612000", "2025-05-07T10:00:00+00:00"),
        ("", "", Reason.BAD_TIMESTAMP),
        ("", "7.5.2025 10:00", Reason.BAD_TIMESTAMP),
        ("1.74661E+09", "2025-05-07 10:00:00", Reason.BAD_TIMESTAMP),
        ("99999999999", "", Reason.TIMESTAMP_OUT_OF_RANGE),
    ],
)
def test_times(stamp: str, written: str, expected: str) -> None:
    for name in ("tiktok", "telegram"):
        row = {**first(name), "unix_timestamp": stamp, "timestamp": written}
        item = checked(row_draft(row))
        if isinstance(expected, Reason):
            assert item is expected
        else:
            assert of(row).created_at == expected


@pytest.mark.parametrize(
    ("cell", "count"),
    [("", None), ("0", 0), ("7", 7), ("7.0", 7), ("-1", None), ("-1.0", None), ("1,200", "1,200"), ("1.2K", "1.2K")],
)
def test_an_empty_count_is_none_and_never_zero(cell: str, count: object) -> None:
    for name, column in (("twitter", "like_count"), ("tiktok", "likes"), ("bsky", "like_count")):
        row = {**first(name), column: cell}
        assert of(row).likes == count
        assert (checked(row_draft(row)) is Reason.WRONG_TYPE) == isinstance(count, str)


@pytest.mark.parametrize(
    ("cells", "kind", "parent", "text"),
    [
        ({"is_retweet": "yes", "body": "RT @demo_three: peace"}, "repost", None, "peace"),
        ({"is_retweet": "yes", "body": "RT @demo_three peace"}, "repost", None, "peace"),
        ({"is_retweet": "yes", "body": "peace RT @demo_three: war"}, "repost", None, "peace RT @demo_three: war"),
        ({"is_retweet": "no", "body": "RT @demo_three: peace"}, "original", None, "RT @demo_three: peace"),
        ({"is_retweet": "yes", "is_quote_tweet": "yes", "quote_tweet_id": "8"}, "repost", None, "a"),
        ({"is_quote_tweet": "yes", "quote_tweet_id": "8", "is_reply": "yes"}, "quote", "8", "a"),
        ({"is_quote_tweet": "yes", "quote_tweet_id": ""}, "quote", None, "a"),
        ({"is_quote_tweet": "no", "quote_tweet_id": "8"}, "original", None, "a"),
        ({"is_reply": "yes"}, "reply", None, "a"),
    ],
)
def test_relations_of_tweets(cells: dict[str, str], kind: str, parent: str | None, text: str) -> None:
    draft = of(first("twitter"), **{"body": "a", **cells})
    assert (draft.kind, draft.parent, draft.text) == (kind, parent, text)
    assert (draft.likes is None) == (kind == "repost")


def test_a_post_that_is_called_withheld_but_shows_its_words_stays() -> None:
    assert of(first("twitter"), is_withheld="yes", body="peace").text == "peace"


@pytest.mark.parametrize(
    ("author", "number", "expected"),
    [("demo_one", "501", "501"), ("demo_one", "", "demo_one"), ("REDACTED", "REDACTED", None), ("", "", None)],
)
def test_people_that_4cat_made_anonymous_are_not_one_person(author: str, number: str, expected: str | None) -> None:
    draft = of(first("twitter"), author=author, author_id=number)
    assert draft.author == expected


def test_comments_under_videos() -> None:
    row = {
        "id": "7000000000000000002", "thread_id": "7000000000000000001", "author": "demo_five", "body": "peace",
        "timestamp": "2025-05-07 15:00:00", "unix_timestamp": "1746612000", "likes": "1", "replies": "0",
        "post_id": "7000000000000000001", "post_body": "the video's words", "is_comment_on_comment": "no",
        "language_guess": "un",
    }  # fmt: skip
    assert has_columns(row)
    draft = of(row)
    assert (draft.platform, draft.kind, draft.parent, draft.lang) == ("tiktok", "reply", row["post_id"], None)
    assert (draft.likes, draft.replies, draft.text) == (1, 0, "peace")
    assert of(row, is_comment_on_comment="yes", thread_id="7000000000000000009").parent == "7000000000000000009"


def test_instagram_threads_and_truth_social() -> None:
    common = {"id": "Demo1", "thread_id": "Demo1", "body": "bread & peace", "timestamp": "2025-05-07 10:00:00"}
    photo = {
        **common,
        "author": "demo_six",
        "num_likes": "-1",
        "num_comments": "2",
        "type": "photo",
        "parent_id": "Demo1",
    }
    draft = of(photo)
    assert (draft.platform, draft.kind, draft.author, draft.text) == (
        "instagram", "original", "demo_six", "bread & peace",
    )  # fmt: skip
    assert (draft.likes, draft.replies) == (None, 2)
    comment = of(photo, type="comment")
    assert (comment.kind, comment.parent) == ("reply", "Demo1")
    thread = {
        **common, "author": "demo_six", "author_is_verified": "no", "likes": "1", "reposts": "2", "replies": "3",
        "quotes": "4",
    }  # fmt: skip
    draft = of(thread)
    assert (draft.platform, draft.likes, draft.reposts, draft.replies, draft.quotes) == ("threads", 1, 2, 3, 4)
    truth = {
        **common, "body": "<p>bread &amp; peace</p>", "created_at": "2025-05-07T10:00:00.000Z", "account_id": "1070",
        "account_username": "demo_seven", "reblogs_count": "1", "replies_count": "0",
    }  # fmt: skip
    draft = of(truth)
    assert (draft.platform, draft.author, draft.text, draft.likes) == ("truthsocial", "1070", "bread & peace", None)
    assert (draft.reposts, draft.replies, draft.kind) == (1, 0, "original")
    assert of(truth, thread_id="Demo0").kind == "reply"


def message(**fields: object) -> dict[str, Any]:
    chat = {"_type": "Channel", "id": 7001, "username": "demochannel"}
    user = {"_type": "PeerUser", "user_id": 42}
    return {"id": 1, "message": "peace", "date": 1746612000.0, "_chat": chat, "from_id": user, **fields}


@pytest.mark.parametrize(
    ("fields", "kind", "parent"),
    [
        ({}, "original", None),
        ({"reply_to": {"reply_to_msg_id": 5}}, "reply", "7001/5"),
        ({"reply_to_msg_id": 5}, "reply", "7001/5"),
        ({"reply_to": {"reply_to_msg_id": 5, "forum_topic": True}}, "original", None),
        ({"reply_to": {"reply_to_msg_id": 6, "forum_topic": True, "reply_to_top_id": 5}}, "reply", "7001/6"),
        ({"reply_to": {"reply_to_msg_id": 5, "reply_to_peer_id": {"channel_id": 7002}}}, "reply", "7002/5"),
        ({"reply_to": {"reply_to_msg_id": 5, "reply_to_peer_id": {"user_id": 43}}}, "reply", None),
        ({"fwd_from": {"from_id": {"user_id": 43}}, "reply_to": {"reply_to_msg_id": 5}}, "repost", None),
        ({"fwd_from": {"from_id": None, "from_name": "Demo"}}, "repost", None),
    ],
)
def test_relations_of_messages(fields: dict[str, Any], kind: str, parent: str | None) -> None:
    (item,) = drafts(message(**fields))
    assert isinstance(item, Draft)
    assert (item.kind, item.parent) == (kind, parent)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"_chat": {"_type": "User", "id": 43, "username": "demo_ten"}}, Reason.PRIVATE_CHAT),
        ({"_chat": {"_type": "Channel", "id": 7001, "username": None}}, Reason.PRIVATE_CHAT),
        ({"_chat": {"_type": "Chat", "id": 7001, "username": "demochannel"}}, Reason.PRIVATE_CHAT),
        ({"peer_id": {"_type": "PeerUser", "user_id": 43}}, Reason.PRIVATE_CHAT),
        ({"peer_id": {"_type": "PeerChat", "chat_id": 43}}, Reason.PRIVATE_CHAT),
        ({"date": None}, Reason.BAD_TIMESTAMP),
        ({"id": None}, Reason.MISSING_ID),
        ({"id": 1.0}, Reason.ID_PRECISION_LOST),
        ({"id": "1"}, Reason.BAD_ID),
        ({"message": ""}, Reason.MISSING_TEXT),
        ({"from_id": None}, Reason.MISSING_AUTHOR),
        ({"from_id": {"user_id": "REDACTED"}}, Reason.MISSING_AUTHOR),
    ],
)
def test_messages_that_are_set_aside(fields: dict[str, Any], reason: Reason) -> None:
    (item,) = drafts(message(**fields))
    assert checked(item) is reason


def test_a_public_chat_may_have_several_names() -> None:
    (item,) = drafts(message(_chat={"_type": "Channel", "id": 7001, "usernames": [{"username": "demochannel"}]}))
    assert isinstance(item, Draft)
    assert item.id == "7001/1"


def test_a_hidden_change_of_a_message_is_no_edit() -> None:
    for hidden, expected in ((False, "2025-05-07T11:00:00+00:00"), (True, None)):
        (item,) = drafts(message(edit_date=1746615600, edit_hide=hidden))
        assert isinstance(item, Draft)
        assert item.edited_at == expected


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_told_by_its_header(name: str) -> None:
    path = FIXTURES / f"fourcat_{name}.csv"
    told = [delimiter for delimiter in DELIMITERS if has_columns(header_of(path, delimiter))]
    assert told == [";" if name == "tiktok" else ","]


@pytest.mark.parametrize(
    "columns",
    [
        [],
        ["id", "thread_id", "timestamp", "author", "body"],
        ["id", "created_at", "text", "author_id", "public_metrics.like_count"],
        ["status_id", "user_id", "created_at", "text", "is_retweet", "retweet_count"],
        ["author", "is_retweet", "retweet_count"],
        ["id", "timestamp", "body", "author_name", "is_in_group", "group_name"],
    ],
)
def test_another_header_is_not_read(columns: list[str]) -> None:
    assert not has_columns(columns)


def test_a_table_of_another_source_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("id,thread_id,timestamp,author,body\n1,1,2025-05-07 10:00:00,demo_one,peace\n")
    with pytest.raises(BadInput) as caught:
        list(column_reads(path, has_columns, row_draft, ID_COLUMN))
    assert "demo_one" not in str(caught.value)


def test_what_looks_like_it_looks_like_no_other() -> None:
    record = {"id": "9", "desc": "a", "__import_meta": {"source_platform": "tiktok.com"}}
    for one in (record, message()):
        assert looks_like(one)
        assert not any(module.looks_like(one) for module in (x_api, rtweet, twitter_v1, reddit, youtube, zeeschuimer))


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"data": [{"id": "9", "author_id": "42", "text": "peace"}], "meta": {}},
        {"id": "9", "author_id": "42", "text": "peace"},
        {"status_id": "9", "user_id": "42", "text": "peace"},
        {"id_str": "9", "created_at": "", "user": {"id_str": "42"}, "text": "peace"},
        {"id": "k1", "body": "peace", "created_utc": 1746612000, "link_id": "t3_p1"},
        {"kind": "youtube#comment", "id": "UgDemo", "snippet": {}},
        {"source_platform": "tiktok.com", "timestamp_collected": 1, "data": {}},
        {"__import_meta": "tiktok.com"},
        {"id": 7, "message": "peace", "_chat": "demochannel"},
    ],
)
def test_other_objects_do_not_look_like_it(record: dict[str, Any]) -> None:
    assert not looks_like(record)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
VIEW = {
    "uri": "at://did:plc:demo/app.bsky.feed.post/3demo1",
    "author": {"did": "did:plc:demo"},
    "record": {"text": "peace", "created_at": "2025-05-07T10:00:00Z"},
    "did": "did:plc:demo",
    "kind": "identity",
    "posts": [],
    "4CAT_metadata": {"collected_at": 1746698400},
}
SHAPES: list[dict[str, Any]] = [
    message(peer_id=1, reply_to=1, fwd_from=1, _sender=1, replies=1, forwards=1, edit_date=1, post=True),
    VIEW,
    {"id": "9", "desc": "a", "__import_meta": {"source_platform": "tiktok.com"}},
]


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_an_item_is_always_one_row(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(SHAPES))
    names = data.draw(st.lists(st.sampled_from(sorted(shape)), max_size=3))
    record = {**shape, **{name: data.draw(ANY) for name in names}}
    if not isinstance(record.get("action"), dict):
        (item,) = drafts(record)
        assert isinstance(checked(item), Row | Reason)


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_a_row_is_always_one_row(data: st.DataObject) -> None:
    row = first(data.draw(st.sampled_from(TABLES)))
    names = data.draw(st.lists(st.sampled_from(sorted(row)), max_size=4))
    cells = st.text(max_size=8) | st.sampled_from(["yes", "1E+18", "REDACTED", "9" * 30, "-1", "9" * 12])
    item = row_draft({**row, **{name: data.draw(cells) for name in names}})
    assert isinstance(checked(item), Row | Reason)
