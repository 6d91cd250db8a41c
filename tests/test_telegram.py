from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, pseudonym
from discourse.errors import BadInput
from discourse.readers.records import Draft, Reason, Row, to_row
from discourse.readers.telegram import documents, looks_like

KEY = Key.made_up("telegram")
FIXTURES = Path(__file__).parent / "fixtures" / "readers"
PRIVATE = Reason.PRIVATE_CHAT


def rows(path: Path) -> dict[int, Row | Reason]:
    found = [
        (number, to_row(item, KEY, "result.json", number) if isinstance(item, Draft) else item)
        for number, item in documents(path)
    ]
    assert len(dict(found)) == len(found)
    return dict(found)


def accepted(path: Path) -> dict[int, Row]:
    return {number: row for number, row in rows(path).items() if isinstance(row, Row)}


def of(folder: Path, document: object) -> list[Draft | Reason]:
    path = folder / "result.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return [item for _, item in documents(path)]


def chat(*messages: object, kind: object = "public_supergroup", number: object = 7001) -> dict[str, Any]:
    return {"type": kind, "id": number, "messages": list(messages)}


def draft(folder: Path, **fields: object) -> Draft:
    (item,) = of(folder, chat({"id": 1, "type": "message", **fields}))
    assert isinstance(item, Draft)
    return item


def test_a_single_chat() -> None:
    found = rows(FIXTURES / "telegram_chat.json")
    assert {number: row for number, row in found.items() if isinstance(row, Reason)} == {
        7: Reason.MISSING_TEXT,
        8: Reason.BAD_TIMESTAMP,
        9: Reason.MISSING_AUTHOR,
    }
    posts = accepted(FIXTURES / "telegram_chat.json")
    assert [(n, row.post_id, row.kind, row.parent_id, row.text, str(row.created_at)) for n, row in posts.items()] == [
        (1, "telegram:7001/-999999990", "original", None, "امن \x02 & روٹی", "2025-05-07 10:00:00+00:00"),
        (
            2,
            "telegram:7001/2",
            "reply",
            "telegram:7001/-999999990",
            "C:\\x0A &amp; no escape",
            "2025-05-07 10:01:00+00:00",
        ),
        (3, "telegram:7001/3", "repost", None, "passed on", "2025-05-07 10:02:00+00:00"),
        (6, "telegram:7001/6", "reply", "telegram:6001/77", "@demo_two why", "2025-05-07 10:04:00+00:00"),
    ]
    accounts = ["user5001", "user5002", "channel6001", "user5001"]
    assert [row.author_id for row in posts.values()] == [pseudonym(KEY, "telegram", name) for name in accounts]
    for number, row in posts.items():
        assert (row.platform, row.source_line) == ("telegram", number)
        assert (row.likes, row.replies, row.reposts, row.quotes) == (None,) * 4
        assert (row.handle_id, row.lang_declared, row.country, row.location) == (None,) * 4


def test_of_an_account_only_public_chats_are_read() -> None:
    found = rows(FIXTURES / "telegram_account.json")
    assert [number for number, row in found.items() if row == PRIVATE] == [1, 2, 6]
    posts = accepted(FIXTURES / "telegram_account.json")
    assert [(n, row.post_id, row.kind, row.parent_id, row.text) for n, row in posts.items()] == [
        (4, "telegram:7002/11", "original", None, "under a topic"),
        (5, "telegram:7002/12", "reply", "telegram:7002/11", "to a message"),
        (7, "telegram:7004/11", "original", None, "a channel's post"),
    ]
    assert posts[7].author_id == pseudonym(KEY, "telegram", "channel7004")
    assert len(found) == 6


def test_packed_files(tmp_path: Path) -> None:
    source = FIXTURES / "telegram_chat.json"
    (tmp_path / "result.json.gz").write_bytes(gzip.compress(source.read_bytes()))
    assert rows(tmp_path / "result.json.gz") == rows(source)


@pytest.mark.parametrize(
    "kind",
    ["saved_messages", "replies", "personal_chat", "bot_chat", "private_group", "private_supergroup",
     "private_channel", "", None, 5, "not_public_channel"],
)  # fmt: skip
def test_every_other_chat_is_counted_and_not_decoded(tmp_path: Path, kind: object) -> None:
    undecodable = b'{"text": "\xff"}'
    document = json.dumps(chat("HERE", 5, kind=kind)).encode().replace(b'"HERE"', undecodable)
    assert of(tmp_path, document) == [PRIVATE, PRIVATE]


@pytest.mark.parametrize("kind", ["public_supergroup", "public_channel"])
def test_a_message_that_cannot_be_decoded_is_one_row(tmp_path: Path, kind: str) -> None:
    document = json.dumps(chat("HERE", 5, None, kind=kind)).encode().replace(b'"HERE"', b'{"text": "\xff"}')
    assert of(tmp_path, document) == [Reason.INVALID_UTF8, Reason.NOT_AN_OBJECT, Reason.NOT_AN_OBJECT]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"\x02", "\x02"),
        (rb"\x1F", "\x1f"),
        (rb"\\x02", r"\x02"),
        (rb"\\\x02", "\\\x02"),
        (rb"\\\\x02", r"\\x02"),
        (rb"\x02\x03", "\x02\x03"),
        (rb"\n\x0B\"", '\n\x0b"'),
        (rb"x02 \u2028", "x02 \u2028"),
    ],
)
def test_escapes_that_are_not_json(tmp_path: Path, written: bytes, read: str) -> None:
    document = json.dumps(chat({"id": 1, "type": "message", "text": "HERE"})).encode().replace(b"HERE", written)
    (item,) = of(tmp_path, document)
    assert isinstance(item, Draft)
    assert item.text == read


def as_the_program_writes(text: str) -> bytes:
    """The rule of the exporter: five named escapes, `\\x` and two digits for other control characters."""
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\", "\u2028": r"\u2028"}
    return "".join(named.get(c) or (f"\\x{ord(c):02X}" if ord(c) < 32 else c) for c in text).encode()


@settings(deadline=None, max_examples=100)
@given(st.text(st.sampled_from('\\x012AF"\n\x02\x1f\u2028 ا'), min_size=1, max_size=30))
def test_whatever_is_written_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    document = json.dumps(chat({"id": 1, "type": "message", "text": "HERE"})).encode()
    (item,) = of(tmp_path_factory.mktemp("escape"), document.replace(b"HERE", as_the_program_writes(text)))
    assert isinstance(item, Draft)
    assert item.text == text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"text": "a", "text_entities": [{"text": "b"}, {"text": "c"}]}, "bc"),
        ({"text": "a", "text_entities": []}, "a"),
        ({"text": "a", "text_entities": None}, "a"),
        ({"text": ["a ", {"type": "link", "text": "b", "href": "c"}]}, "a b"),
        ({"text": [{"type": "bold", "text": "&amp;"}]}, "&amp;"),
        ({"text": []}, None),
        ({"text": ""}, None),
        ({}, None),
        ({"text": None}, None),
    ],
)
def test_forms_of_text(tmp_path: Path, fields: dict[str, object], text: str | None) -> None:
    assert draft(tmp_path, **fields).text == text


@pytest.mark.parametrize("fields", [{"text": 5}, {"text": ["a", 5]}, {"text_entities": [{"type": "bold"}]}])
def test_text_of_another_type_is_refused(tmp_path: Path, fields: dict[str, object]) -> None:
    item = draft(tmp_path, date_unixtime="1746612000", from_id="user1", **fields)
    assert to_row(item, KEY, "a", 1) == Reason.WRONG_TYPE


@pytest.mark.parametrize(
    ("given_time", "outcome"),
    [
        ({"date_unixtime": "0"}, Reason.TIMESTAMP_OUT_OF_RANGE),
        ({"date_unixtime": "99999999999"}, Reason.TIMESTAMP_OUT_OF_RANGE),
        ({"date_unixtime": "9" * 30}, Reason.BAD_TIMESTAMP),
        ({"date_unixtime": "soon"}, Reason.BAD_TIMESTAMP),
        ({"date_unixtime": "1746612000.5"}, Reason.BAD_TIMESTAMP),
        ({"date_unixtime": True}, Reason.BAD_TIMESTAMP),
        ({"date_unixtime": [], "date": "2025-05-07T10:00:00Z"}, Reason.BAD_TIMESTAMP),
        ({"date": "2025-05-07T10:00:00"}, Reason.BAD_TIMESTAMP),
        ({}, Reason.BAD_TIMESTAMP),
    ],
)
def test_times_that_are_none(tmp_path: Path, given_time: dict[str, object], outcome: Reason) -> None:
    assert to_row(draft(tmp_path, from_id="user1", text="a", **given_time), KEY, "a", 1) == outcome


@pytest.mark.parametrize(
    ("number", "message", "outcome"),
    [
        (None, 1, Reason.MISSING_ID),
        (7001, None, Reason.MISSING_ID),
        (7001, 1.5, Reason.ID_PRECISION_LOST),
        (7e9, 1, Reason.ID_PRECISION_LOST),
        (7001, True, Reason.BAD_ID),
        (7001, "1", Reason.BAD_ID),
        ([], 1, Reason.BAD_ID),
        (7001, 0, Reason.ID_OUT_OF_RANGE),
        (2**63, 1, Reason.ID_OUT_OF_RANGE),
    ],
)
def test_ids(tmp_path: Path, number: object, message: object, outcome: Reason) -> None:
    assert of(tmp_path, chat({"id": message, "type": "message", "text": "a"}, number=number)) == [outcome]


@pytest.mark.parametrize("name", ["forwarded_from", "forwarded_from_id", "saved_from"])
def test_forwards(tmp_path: Path, name: str) -> None:
    item = draft(tmp_path, **{name: None}, text="whole", reply_to_message_id=9)
    assert (item.kind, item.parent, item.text, item.likes) == ("repost", None, "whole", None)


@pytest.mark.parametrize(
    ("fields", "kind", "parent"),
    [
        ({"reply_to_message_id": 9}, "reply", "7001/9"),
        ({"reply_to_message_id": 9, "reply_to_peer_id": "channel6001"}, "reply", "6001/9"),
        ({"reply_to_message_id": 9, "reply_to_peer_id": "user6001"}, "reply", None),
        ({"reply_to_message_id": 9, "reply_to_peer_id": 6001}, "reply", None),
        ({"reply_to_message_id": [9]}, "reply", None),
        ({"reply_to_message_id": None}, "original", None),
    ],
)
def test_replies(tmp_path: Path, fields: dict[str, object], kind: str, parent: str | None) -> None:
    item = draft(tmp_path, **fields)
    assert (item.kind, item.parent) == (kind, parent)


def test_a_topic_is_one_of_its_own_chat_only(tmp_path: Path) -> None:
    topic = {"id": 1, "type": "service", "action": "topic_created"}
    message = {"id": 2, "type": "message", "reply_to_message_id": 1}
    other = message | {"id": 3, "reply_to_peer_id": "channel6001"}
    listed = {"about": "", "chats": {"list": [chat(topic, message, other), chat(message, number=7002)]}}
    found = [(item.kind, item.parent) for item in of(tmp_path, listed) if isinstance(item, Draft)]
    assert found == [("original", None), ("reply", "6001/1"), ("reply", "7002/1")]


def test_only_a_channel_writes_in_a_channel_without_an_author(tmp_path: Path) -> None:
    message = {"id": 1, "type": "message", "text": "a", "from": "demo_one"}
    (post,) = of(tmp_path, chat(message, kind="public_channel"))
    (nobodys,) = of(tmp_path, chat(message))
    (signed,) = of(tmp_path, chat(message | {"from_id": "user1"}, kind="public_channel"))
    assert [item.author for item in (post, nobodys, signed) if isinstance(item, Draft)] == [
        "channel7001",
        None,
        "user1",
    ]


@pytest.mark.parametrize(
    "document",
    [b'{"type": "public_channel", "id": 7001, "messages": [{"text": "demo secret"}', b"demo secret", b"[]", b"5",
     b"{}", b'{"messages": {"demo secret": 1}}', b'{"chats": {"list": 5}}', b'{"messages": [' + b"[" * 100_000],
)  # fmt: skip
def test_a_document_that_is_none(tmp_path: Path, document: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        of(tmp_path, document)
    assert str(caught.value) == (
        "'result.json' cannot be read as an export of Telegram Desktop; export the chat again as "
        "machine-readable JSON and name its result.json"
    )


def test_an_account_without_chats_is_empty(tmp_path: Path) -> None:
    assert of(tmp_path, {"about": "Here is the data", "contacts": {"list": []}}) == []
    assert of(tmp_path, chat()) == []


def test_what_it_looks_like() -> None:
    for name in ("telegram_chat.json", "telegram_account.json"):
        head = (FIXTURES / name).read_bytes()[:4096]
        assert looks_like(head)
        assert looks_like(b"\xef\xbb\xbf\n" + head)
    assert looks_like(b'{"type": "saved_messages", "id": 1, "messages": [')
    assert looks_like(b'{ "about": "a \\" b", "contacts": { "about')


@pytest.mark.parametrize(
    "head",
    [b"", b"{}", b'{"messages": []}', b'{"type": "public_channel", "messages": []}', b'{"about": "me", "id": 1}',
     b'["type": "public_channel", "id": 7001, "messages": [', b'{"kind": "youtube#commentListResponse", "items": []}',
     b'{"id": "9001", "author_id": "42", "text": "peace"}'],
)  # fmt: skip
def test_what_it_does_not_look_like(head: bytes) -> None:
    assert not looks_like(head)
