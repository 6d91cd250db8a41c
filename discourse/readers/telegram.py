r"""Telegram Desktop's `result.json`, of one chat or of a whole account. Only public chats are read.

The program writes control characters as `\x02`, which is not JSON; they are repaired before parsing. Messages
of private chats are counted and never decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from discourse.errors import BadInput
from discourse.readers.files import open_chunks
from discourse.readers.records import MAX_INTEGER, Draft, Reason, decode_object

__all__ = ["documents", "looks_like"]

_PUBLIC = "public_"
_FORWARD = frozenset({"forwarded_from", "forwarded_from_id", "saved_from"})
_BAD_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\x([01][0-9A-Fa-f])")
_CHAT_HEAD = re.compile(
    rb'"type"\s*:\s*(?:null|"(?:saved_messages|replies|personal_chat|bot_chat|(?:private|public)_\w+)")\s*,'
    rb'\s*"id"\s*:\s*-?\d+\s*,\s*"messages"\s*:\s*\['
)
_ACCOUNT_HEAD = re.compile(
    rb'\s*\{\s*"about"\s*:\s*"(?:[^"\\]|\\.)*"\s*,\s*'
    rb'"(?:personal_information|profile_pictures|stories|(?:frequent_)?contacts|(?:web_)?sessions|other_data|'
    rb'(?:left_)?chats)"\s*:\s*[{\[]'
)
_SECONDS = re.compile(r"\d{1,11}", re.ASCII)
_CHANNEL = re.compile(r"channel(\d{1,19})", re.ASCII)


class _Chat(msgspec.Struct):
    type: Any = None
    id: Any = None
    messages: list[msgspec.Raw] | None = None


class _Chats(msgspec.Struct):
    chats: list[_Chat] = msgspec.field(default_factory=list, name="list")


class _Export(_Chat):
    about: Any = None
    chats: _Chats | None = None
    left_chats: _Chats | None = None


def looks_like(head: bytes) -> bool:
    """Whether a file that begins with these bytes (unpacked) is an export of Telegram Desktop.

    >>> looks_like(b'{"name": "demo", "type": "public_channel", "id": 7001, "messages": [')
    True
    >>> looks_like(b'{"about": "Here is the data", "chats": {"about": "', ), looks_like(b'{"messages": []}')
    (True, False)
    """
    start = head.removeprefix(b"\xef\xbb\xbf")
    return bool(_ACCOUNT_HEAD.match(start)) or (start.lstrip().startswith(b"{") and bool(_CHAT_HEAD.search(start)))


def documents(path: Path) -> Iterator[tuple[int, Draft | Reason]]:
    r"""The messages of a file, each with its place among all messages of all chats, from 1.

    Service messages (somebody joined) and those of a kind the program could not export are no rows; a
    message of a chat that is not public is a row set aside. A message without words (a photo alone) has no
    text. A forwarded message is a repost. The author is the account or channel, never the name shown.
    Raises `BadInput` when the file is no such export, and as `files.open_chunks` does.

    >>> import tempfile
    >>> chat = '{"type": "public_channel", "id": 7001, "messages": [{"id": 5, "type": "message", '
    >>> rest = '"date_unixtime": "1746612000", "from_id": "channel7001", "text": "peace\\x02"}]}'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "result.json").write_text(chat + rest)
    ...     [(number, draft.id, draft.text) for number, draft in documents(Path(folder, "result.json"))]
    [(1, '7001/5', 'peace\x02')]
    """
    number = 0
    for chat in _chats(path):
        public = isinstance(chat.type, str) and chat.type.startswith(_PUBLIC)
        topics: set[int] = set()
        for raw in chat.messages or []:
            number += 1
            item = _item(decode_object(bytes(raw)), chat, topics) if public else Reason.PRIVATE_CHAT
            if item is not None:
                yield number, item


def _chats(path: Path) -> list[_Chat]:
    data = b"".join(open_chunks(path))
    if b"\\x" in data:
        data = _BAD_ESCAPE.sub(rb"\1\\u00\2", data)
    export = None
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        export = msgspec.json.decode(data, type=_Export)
    if export is None or (export.messages is None and not (export.chats or export.left_chats or export.about)):
        raise BadInput(
            f"{Path(path).name!r} cannot be read as an export of Telegram Desktop; export the chat again as "
            "machine-readable JSON and name its result.json"
        )
    listed = [chat for part in (export.chats, export.left_chats) if part is not None for chat in part.chats]
    return [export, *listed]


def _item(record: dict[str, Any] | Reason, chat: _Chat, topics: set[int]) -> Draft | Reason | None:
    """The draft of a message, a reason, or None for what is no post; notes the topics of a forum on its way."""
    if isinstance(record, Reason):
        return record
    if record.get("type") != "message":
        if record.get("action") == "topic_created" and isinstance(record.get("id"), int):
            topics.add(record["id"])
        return None
    native = _native(chat.id, record.get("id"))
    if isinstance(native, Reason):
        return native
    author = record.get("from_id")
    if author is None and chat.type == "public_channel":
        author = f"channel{chat.id}"
    kind, parent = _relation(record, chat, topics)
    return Draft(
        platform="telegram",
        id=native,
        author=author,
        created_at=_moment(record),
        text=_text(record),
        kind=kind,
        parent=parent,
    )


def _native(chat: Any, message: Any) -> str | Reason:
    """The chat's id and the message's: only both together name a message.

    Those of a group's time before it became a supergroup are negative.
    """
    for part in (chat, message):
        if part is None:
            return Reason.MISSING_ID
        if isinstance(part, float):
            return Reason.ID_PRECISION_LOST
        if isinstance(part, bool) or not isinstance(part, int):
            return Reason.BAD_ID
        if not 0 < abs(part) <= MAX_INTEGER:
            return Reason.ID_OUT_OF_RANGE
    return f"{chat}/{message}"


def _relation(message: Mapping[str, Any], chat: _Chat, topics: set[int]) -> tuple[str, str | None]:
    """The kind of a message and the id it refers to; of a forwarded one the original's id is not given.

    What is written under a topic of a forum comes as a reply to the topic, which is no post.
    """
    if message.keys() & _FORWARD:
        return "repost", None
    target, peer = message.get("reply_to_message_id"), message.get("reply_to_peer_id")
    if target is None or (peer is None and isinstance(target, int) and target in topics):
        return "original", None
    place = chat.id
    if peer is not None:
        channel = _CHANNEL.fullmatch(peer) if isinstance(peer, str) else None
        place = int(channel[1]) if channel else None
    parent = _native(place, target)
    return "reply", None if isinstance(parent, Reason) else parent


def _moment(message: Mapping[str, Any]) -> Any:
    """The time in UTC; `date` alone is in the exporter's unnamed zone, so it is refused where it is checked."""
    seconds = message.get("date_unixtime")
    if seconds is None:
        return message.get("date")
    known = _SECONDS.fullmatch(str(seconds))
    return datetime.fromtimestamp(int(known[0]), UTC).isoformat() if known else None


def _text(message: Mapping[str, Any]) -> Any:
    """The words of a message, None where it has none: `text_entities`, else the older forms of `text`."""
    text = _joined(message.get("text_entities")) or _joined(message.get("text"))
    return None if text == "" else text


def _joined(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    parts: list[Any] = [part.get("text") if isinstance(part, dict) else part for part in value]
    return "".join(parts) if all(isinstance(part, str) for part in parts) else value
