from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.errors import BadInput
from discourse.readers import telegram
from discourse.readers.formats import Options, Read
from discourse.readers.records import Draft, Item, Row, to_row
from discourse.readers.telegram import looks_like_file, reads
from discourse.readers.values import Reason

KEY = Key.made_up("telegram")
FIXTURES = Path(__file__).parent / "fixtures" / "readers"
PRIVATE = Reason.PRIVATE_CHAT
ASKED = Options(allow_private=True)
NO_EXPORT = (
    "'result.json' cannot be read as an export of Telegram Desktop; export the chat again as "
    "machine-readable JSON and name its result.json"
)


def rows(path: Path) -> dict[int, Row | Reason]:
    found = list(reads(path, Options()))
    made = {read.line: row_of(read.item, read.line) for read in found}
    assert len(made) == len(found)
    return made


def row_of(item: Item, line: int = 1) -> Row | Reason:
    if isinstance(item, Draft):
        return to_row(item, KEY, "result.json", line)
    assert isinstance(item, Reason)
    return item


def accepted(path: Path) -> dict[int, Row]:
    return {number: row for number, row in rows(path).items() if isinstance(row, Row)}


def all_of(folder: Path, document: object, options: Options | None = None) -> list[Read]:
    path = folder / "result.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return list(reads(path, options or Options()))


def of(folder: Path, document: object, options: Options | None = None) -> list[Item]:
    return [read.item for read in all_of(folder, document, options)]


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
    two = handle_pseudonym(KEY, "telegram", "demo_two").partition(":")[2]
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
        (6, "telegram:7001/6", "reply", "telegram:6001/77", f"@{two} why", "2025-05-07 10:04:00+00:00"),
    ]
    accounts = ["user5001", "user5002", "channel6001", "user5001"]
    assert [row.author_id for row in posts.values()] == [pseudonym(KEY, "telegram", name) for name in accounts]
    for number, row in posts.items():
        assert (row.platform, row.source_line) == ("telegram", number)
        assert (row.likes, row.replies, row.reposts, row.quotes) == (None,) * 4
        assert (row.handle_id, row.lang_declared, row.country, row.location) == (None,) * 4
    assert [str(row.edited_at) for row in posts.values()] == ["2025-05-07 10:00:09+00:00", "None", "None", "None"]


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
    assert str(caught.value) == NO_EXPORT


def test_an_account_without_chats_is_empty(tmp_path: Path) -> None:
    assert of(tmp_path, {"about": "Here is the data", "contacts": {"list": []}}) == []
    assert of(tmp_path, chat()) == []


def test_what_it_looks_like_file() -> None:
    for name in ("telegram_chat.json", "telegram_account.json"):
        head = (FIXTURES / name).read_bytes()[:4096]
        assert looks_like_file(head)
        assert looks_like_file(b"\xef\xbb\xbf\n" + head)
    assert looks_like_file(b'{"type": "saved_messages", "id": 1, "messages": [')
    assert looks_like_file(b'{ "about": "a \\" b", "contacts": { "about')


@pytest.mark.parametrize(
    "head",
    [b"", b"{}", b'{"messages": []}', b'{"type": "public_channel", "messages": []}', b'{"about": "me", "id": 1}',
     b'["type": "public_channel", "id": 7001, "messages": [', b'{"kind": "youtube#commentListResponse", "items": []}',
     b'{"id": "9001", "author_id": "42", "text": "peace"}', b'{"data": [], "meta": {"result_count": 0}}',
     b'{"status_id": "9001", "text": "peace"}', b'{"id_str": "9001", "user": {"id_str": "42"}, "text": "peace"}',
     b'{"id": "k9", "created_utc": 1746612000, "body": "peace", "link_id": "t3_p9"}'],
)  # fmt: skip
def test_what_it_does_not_look_like(head: bytes) -> None:
    assert not looks_like_file(head)


@pytest.mark.parametrize("edited", [None, "soon", [], "0", True])
def test_an_edit_at_no_time_leaves_the_message(tmp_path: Path, edited: object) -> None:
    item = draft(tmp_path, date_unixtime="1746612000", from_id="user1", text="a", edited_unixtime=edited)
    row = row_of(item)
    assert isinstance(row, Row)
    assert row.edited_at is None


PRIVATE_KINDS = {
    "private_supergroup": "telegram:7001/1",
    "private_channel": "telegram:7001/1",
    "private_group": "telegram:chat7001/1",
    "personal_chat": "telegram:user7001/1",
    "bot_chat": "telegram:user7001/1",
    "saved_messages": "telegram:user7001/1",
}


@pytest.mark.parametrize("kind", PRIVATE_KINDS)
def test_private_chats_are_read_when_that_was_asked_for(tmp_path: Path, kind: str) -> None:
    message = {"id": 1, "type": "message", "date_unixtime": "1746612000", "from_id": "user1", "text": "a"}
    reply = message | {"id": 2, "reply_to_message_id": 1}
    document = chat(message, reply, {"id": 3, "type": "service"}, kind=kind)
    first, second = [row_of(item) for item in of(tmp_path, document, ASKED)]
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    assert (first.post_id, second.parent_id) == (PRIVATE_KINDS[kind], PRIVATE_KINDS[kind])
    assert of(tmp_path, document) == [PRIVATE] * 3


def test_a_private_channel_writes_under_its_own_name(tmp_path: Path) -> None:
    message = {"id": 1, "type": "message", "text": "a"}
    (post,) = of(tmp_path, chat(message, kind="private_channel"), ASKED)
    (nobodys,) = of(tmp_path, chat(message, kind="private_group"), ASKED)
    assert isinstance(post, Draft)
    assert isinstance(nobodys, Draft)
    assert (post.author, nobodys.author) == ("channel7001", None)


@pytest.mark.parametrize("name", ["telegram_chat.json", "telegram_account.json"])
def test_the_bytes_of_a_message_are_a_file_of_it_alone(tmp_path: Path, name: str) -> None:
    for read in reads(FIXTURES / name, Options()):
        if read.item == PRIVATE:
            assert read.raw == ()
            continue
        alone = b"".join(read.raw)
        assert looks_like_file(alone)
        (item,) = of(tmp_path, alone)
        assert row_of(item) == row_of(read.item)


def test_what_cannot_be_decoded_keeps_its_bytes(tmp_path: Path) -> None:
    (read,) = all_of(tmp_path, b'{"type": "public_channel", "id": 7001, "messages": [ {"text": "\xff\\x02"}\n]}')
    assert b"".join(read.raw) == b'{"type":"public_channel","id":7001,"messages":[{"text": "\xff\\x02"}]}'
    assert of(tmp_path, b"".join(read.raw)) == [Reason.INVALID_UTF8]


def cut(monkeypatch: pytest.MonkeyPatch, data: bytes, size: int) -> None:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]

    def chunks(path: Path) -> Iterator[bytes]:
        return iter(pieces)

    monkeypatch.setattr(telegram, "open_chunks", chunks)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 17, 64, 1000])
@pytest.mark.parametrize("name", ["telegram_chat.json", "telegram_account.json"])
def test_it_does_not_matter_where_the_file_is_cut(monkeypatch: pytest.MonkeyPatch, name: str, size: int) -> None:
    def shown() -> list[tuple[int, Row | Reason, tuple[bytes, ...]]]:
        return [(read.line, row_of(read.item), read.raw) for read in reads(FIXTURES / name, Options())]

    whole = shown()
    assert len(whole) >= 6
    cut(monkeypatch, (FIXTURES / name).read_bytes(), size)
    assert shown() == whole


@pytest.mark.parametrize("name", ["telegram_chat.json", "telegram_account.json"])
def test_a_file_that_ends_too_early_is_refused_wherever_it_ends(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    data = (FIXTURES / name).read_bytes().rstrip()
    for end in range(len(data)):
        cut(monkeypatch, data[:end], 100)
        with pytest.raises(BadInput, match="cannot be read as an export of Telegram Desktop"):
            list(reads(Path("result.json"), Options()))


@pytest.mark.parametrize(
    "document",
    [b'{"about": "a"} {"demo secret"', b'{"about": "a",}', b'{"about" "demo secret"}', b'{"about": }',
     b'{"about": 1 2}', b'{"messages": [1 2]}', b'{"messages": [1, ]}', b'{about: "demo secret"}', b'{"chats": []}',
     b'{"messages": null}', b'{"chats": {"list": [5]}}', b'{"type": nothing, "messages": []}',
     b'{"about": "' + b"a" * (3 << 20) + b'"}'],
    ids=["two documents", "comma at the end", "no colon", "no value", "no comma", "no comma in a list", "empty element",
         "bare key", "chats in a list", "no messages", "a chat that is none", "no such word", "endless string"],
)  # fmt: skip
def test_what_is_not_json_is_refused(tmp_path: Path, document: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        of(tmp_path, document)
    assert str(caught.value) == NO_EXPORT


@pytest.mark.parametrize("key", ["type", "id"])
def test_a_chat_must_say_what_it_is_before_its_messages(tmp_path: Path, key: str) -> None:
    document = {"messages": [], "type": "public_channel"} if key == "type" else {"messages": [], "id": 7001}
    for whole in (document, {"chats": {"list": [document]}}):
        with pytest.raises(BadInput) as caught:
            of(tmp_path, whole)
        assert str(caught.value) == (
            "'result.json' gives the type or id of a chat after its messages, as Telegram Desktop does not; export "
            "the chat again"
        )


def test_a_message_of_monstrous_size_is_one_row(tmp_path: Path) -> None:
    monster = {"id": 1, "type": "message", "text": ["a" * 1000] * 17_000}
    found = of(tmp_path, chat(monster, {"id": 2, "type": "message", "text": "after"}))
    assert found[0] == Reason.RECORD_TOO_LARGE
    assert [item.text for item in found if isinstance(item, Draft)] == ["after"]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    message = b'{"id": 1, "type": "message", "date_unixtime": "1746612000", "from_id": "user1", "text": "%s"}' % (
        b"peace " * 150
    )
    path = tmp_path / "result.json"
    path.write_bytes(b'{"type": "public_channel", "id": 7001, "messages": [' + b",\n".join([message] * 30_000) + b"]}")
    assert path.stat().st_size > 20 << 20
    tracemalloc.start()
    try:
        count = sum(isinstance(read.item, Draft) for read in reads(path, Options()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 30_000
    assert peak < 8 << 20


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "id", "type", "action", "date", "date_unixtime", "edited_unixtime", "from_id", "reply_to_message_id",
    "reply_to_peer_id", "forwarded_from", "text", "text_entities",
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.lists(JSON, max_size=6), st.sampled_from([None, 1]), st.booleans(), st.integers(1, 50))
def test_messages_end_where_json_says(values: list[Any], indent: int | None, ascii_only: bool, size: int) -> None:
    messages = [{"id": n, "type": "message", "text": "a", "more": value} for n, value in enumerate(values, start=1)]
    data = json.dumps(chat(*messages) | {"more": values}, indent=indent, ensure_ascii=ascii_only)
    with pytest.MonkeyPatch.context() as patch:
        cut(patch, data.encode("utf-8", "replace"), size)
        found = list(reads(Path("result.json"), Options()))
    assert [read.item.id for read in found if isinstance(read.item, Draft)] == [
        f"7001/{n}" for n in range(1, len(values) + 1)
    ]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON | st.just("message")) | JSON, max_size=5), JSON, JSON)
def test_no_message_whatever_it_holds_stops_the_reading(messages: list[Any], kind: Any, number: Any) -> None:
    for options in (Options(), ASKED):
        data = json.dumps(chat(*messages, kind=kind, number=number)).encode()
        with pytest.MonkeyPatch.context() as patch:
            cut(patch, data, 1000)
            found = list(reads(Path("result.json"), options))
        assert all(isinstance(row_of(read.item), Row | Reason) for read in found)
        assert len(found) <= len(messages)
