r"""Telegram Desktop's `result.json`, of one chat or of a whole account. Only public chats are read.

The file is one JSON object of any size; it is read message by message and never held whole. The program writes
control characters as `\x02`, which is not JSON; they are repaired in each message. Messages of private chats are
counted and never decoded, unless `Options.allow_private` says that those who wrote them agreed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from discourse.errors import BadInput
from discourse.readers.files import MAX_LINE, open_chunks
from discourse.readers.formats import Options, Read
from discourse.readers.records import MAX_INTEGER, Draft
from discourse.readers.values import Reason, decode_object, from_epoch

__all__ = ["looks_like_file", "reads"]

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


_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SCALAR = re.compile(rb'[^\s,:"{}\[\]]*')
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"{}\[\]]*)*', re.DOTALL)
_QUOTE, _OPENING = ord('"'), frozenset(b"{[")
_MAX_STRING = 1 << 20  # a message has at most 4,096 signs


class _Damaged(Exception):
    pass


class _Late(_Damaged):
    """A chat says what it is only after its messages."""


@dataclass(slots=True)
class _Chat:
    """What a chat says of itself before its messages; `taken` is whether they are decoded."""

    allow_private: bool
    heads: dict[bytes, Any] = field(default_factory=dict)
    begun: bool = False
    topics: set[int] = field(default_factory=set)
    start: bytes = b""

    @property
    def id(self) -> Any:
        return self.heads.get(b'"id"')

    @property
    def type(self) -> str:
        kind = self.heads.get(b'"type"')
        return kind if isinstance(kind, str) else ""

    @property
    def taken(self) -> bool:
        return self.allow_private or self.type.startswith(_PUBLIC)

    def begin(self) -> None:
        """Note that messages come; `start` is all that must stand before one of them."""
        self.begun = True
        named = b",".join(b"%s:%s" % (key, msgspec.json.encode(value)) for key, value in self.heads.items())
        self.start = b"{" + named + (b"," if named else b"") + b'"messages":['


def looks_like_file(head: bytes) -> bool:
    """Whether a file that begins with these bytes (unpacked) is an export of Telegram Desktop.

    >>> looks_like_file(b'{"name": "demo", "type": "public_channel", "id": 7001, "messages": [')
    True
    >>> looks_like_file(b'{"about": "Here is the data", "chats": {"about": "', ), looks_like_file(b'{"messages": []}')
    (True, False)
    """
    start = head.removeprefix(b"\xef\xbb\xbf")
    return bool(_ACCOUNT_HEAD.match(start)) or (start.lstrip().startswith(b"{") and bool(_CHAT_HEAD.search(start)))


def reads(path: Path, options: Options) -> Iterator[Read]:
    r"""The messages of a file, each with its place among all messages of all chats, from 1.

    Service messages (somebody joined) and those of a kind the program could not export are no rows; a
    message of a chat that is not public is a row set aside, of which nothing is kept. A message without words
    (a photo alone) has no text. A forwarded message is a repost. The author is the account or channel, never
    the name shown. Raises `BadInput` when the file is no such export, and as `files.open_chunks` does.

    >>> import tempfile
    >>> chat = '{"type": "public_channel", "id": 7001, "messages": [{"id": 5, "type": "message", '
    >>> rest = '"date_unixtime": "1746612000", "from_id": "channel7001", "text": "peace\\x02"}]}'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "result.json").write_text(chat + rest)
    ...     [(read.line, read.item.id, read.item.text) for read in reads(Path(folder, "result.json"), Options())]
    [(1, '7001/5', 'peace\x02')]
    """
    name = Path(path).name
    try:
        for number, (chat, raw) in enumerate(_messages(_Scan(open_chunks(path)), options.allow_private), start=1):
            if not chat.taken:
                yield Read(number, Reason.PRIVATE_CHAT)
            elif raw is None:
                yield Read(number, Reason.RECORD_TOO_LARGE)
            else:
                yield from _read(number, chat, raw)
    except _Late:
        raise BadInput(
            f"{name!r} gives the type or id of a chat after its messages, as Telegram Desktop does not; export the "
            "chat again"
        ) from None
    except _Damaged:
        raise BadInput(
            f"{name!r} cannot be read as an export of Telegram Desktop; export the chat again as "
            "machine-readable JSON and name its result.json"
        ) from None


class _Scan:
    """A cursor over one JSON text that comes in pieces; of it only the value that was asked for is held."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""
        self._at = 0

    def peek(self) -> bytes:
        """The next byte that is no white space, none at the end."""
        while True:
            self._at = _end(_SPACE, self._held, self._at)
            if self._at < len(self._held):
                return self._held[self._at : self._at + 1]
            following = next(self._chunks, None)
            if following is None:
                return b""
            self._held, self._at = following, 0

    def members(self) -> Iterator[bytes]:
        """The keys of an object, in quotes; the caller takes the value of each before the next."""
        for _ in self._parts(b"{", b"}"):
            if self.peek() != b'"':
                raise _Damaged
            key = self.value()
            if key is None or self._take() != b":":
                raise _Damaged
            yield key

    def elements(self) -> Iterator[None]:
        """Once for each element of an array, which the caller takes."""
        return self._parts(b"[", b"]")

    def value(self, *, keep: bool = True) -> bytes | None:
        """The bytes of the next value; None where they are not to be kept, or are over 16 MiB."""
        first = self.peek()
        if first in (b"{", b"["):
            return self._nested(keep)
        while True:
            end = _end(_STRING if first == b'"' else _SCALAR, self._held, self._at)
            if end > self._at and (end < len(self._held) or first == b'"'):
                token, self._at = self._held[self._at : end], end
                return token if keep else None
            if end == self._at and first != b'"':
                raise _Damaged
            self._more(self._at)

    def _nested(self, keep: bool) -> bytes | None:
        start, depth = self._at, 0
        while True:
            self._at = _end(_TO_BRACKET, self._held, self._at)
            if self._at == len(self._held) or self._held[self._at] == _QUOTE:
                keep = keep and self._at - start <= MAX_LINE
                self._more(start if keep else self._at)
                start = 0
                continue
            depth += 1 if self._held[self._at] in _OPENING else -1
            self._at += 1
            if depth == 0:
                return self._held[start : self._at] if keep and self._at - start <= MAX_LINE else None

    def _more(self, first: int) -> None:
        """Go on with the next piece; what is held before `first` goes."""
        following = next(self._chunks, None)
        if following is None or len(self._held) - self._at > _MAX_STRING:
            raise _Damaged
        self._held = self._held[first:] + following
        self._at -= first

    def _take(self) -> bytes:
        found = self.peek()
        self._at += 1
        return found

    def _parts(self, opening: bytes, closing: bytes) -> Iterator[None]:
        if self._take() != opening:
            raise _Damaged
        if self.peek() == closing:
            self._at += 1
            return
        while True:
            yield
            following = self._take()
            if following == closing:
                return
            if following != b",":
                raise _Damaged


def _end(pattern: re.Pattern[bytes], data: bytes, start: int) -> int:
    found = pattern.match(data, start)
    return start if found is None else found.end()


def _messages(scan: _Scan, allow_private: bool) -> Iterator[tuple[_Chat, bytes | None]]:
    """Each message with its chat, its bytes only where they are wanted and not too many."""
    single = _Chat(allow_private)
    known = False
    for key in scan.members():
        known = known or key in (b'"messages"', b'"chats"', b'"left_chats"', b'"about"')
        if key in (b'"chats"', b'"left_chats"'):
            for inner in scan.members():
                if inner != b'"list"':
                    scan.value(keep=False)
                    continue
                for _ in scan.elements():
                    listed = _Chat(allow_private)
                    for name in scan.members():
                        yield from _member(scan, name, listed)
        else:
            yield from _member(scan, key, single)
    if scan.peek() or not known:
        raise _Damaged


def _member(scan: _Scan, key: bytes, chat: _Chat) -> Iterator[tuple[_Chat, bytes | None]]:
    """Take one member of a chat: what it is, its messages, or something that is passed over."""
    if key == b'"messages"':
        chat.begin()
        for _ in scan.elements():
            yield chat, scan.value(keep=chat.taken)
    elif key not in (b'"type"', b'"id"'):
        scan.value(keep=False)
    elif chat.begun:
        raise _Late
    else:
        try:
            chat.heads[key] = msgspec.json.decode(scan.value() or b"")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _Damaged from None


def _read(number: int, chat: _Chat, raw: bytes) -> Iterator[Read]:
    """The message as a row, with its bytes in a file of their own; nothing for what is no post."""
    record = decode_object(_BAD_ESCAPE.sub(rb"\1\\u00\2", raw) if b"\\x" in raw else raw)
    item = _item(record, chat)
    if item is None:
        return
    topic = None if isinstance(record, Reason) else _topic(record, chat)
    before = b"" if topic is None else b'{"id":%d,"type":"service","action":"topic_created"},' % topic
    yield Read(number, item, (chat.start, before, raw, b"]}"))


def _item(record: dict[str, Any] | Reason, chat: _Chat) -> Draft | Reason | None:
    """The draft of a message, a reason, or None for what is no post; notes the topics of a forum on its way."""
    if isinstance(record, Reason):
        return record
    if record.get("type") != "message":
        if record.get("action") == "topic_created" and isinstance(record.get("id"), int):
            chat.topics.add(record["id"])
        return None
    native = _native(chat.id, record.get("id"), _numbering(chat))
    if isinstance(native, Reason):
        return native
    author = record.get("from_id")
    if author is None and chat.type.endswith("_channel"):
        author = f"channel{chat.id}"
    kind, parent = _relation(record, chat)
    edited = record.get("edited_unixtime")
    return Draft(
        platform="telegram",
        id=native,
        author=author,
        created_at=_moment(record),
        text=_text(record),
        kind=kind,
        parent=parent,
        edited_at=None if edited is None else from_epoch(edited),
    )


def _numbering(chat: _Chat) -> str:
    """What tells a chat's id from the same id of another sort: channels, small groups and accounts are numbered apart.

    Public chats are all channels and have a bare id.
    """
    if chat.type.startswith(_PUBLIC) or chat.type.endswith(("_channel", "_supergroup")):
        return ""
    return "chat" if chat.type == "private_group" else "user"


def _native(chat: Any, message: Any, numbering: str = "") -> str | Reason:
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
    return f"{numbering}{chat}/{message}"


def _topic(message: Mapping[str, Any], chat: _Chat) -> int | None:
    """The topic of a forum under which a message was written: it comes as a reply to it, and a topic is no post."""
    target = message.get("reply_to_message_id")
    under = message.get("reply_to_peer_id") is None and isinstance(target, int) and target in chat.topics
    return target if under else None


def _relation(message: Mapping[str, Any], chat: _Chat) -> tuple[str, str | None]:
    """The kind of a message and the id it refers to; of a forwarded one the original's id is not given."""
    if message.keys() & _FORWARD:
        return "repost", None
    target, peer = message.get("reply_to_message_id"), message.get("reply_to_peer_id")
    if target is None or _topic(message, chat) is not None:
        return "original", None
    if peer is None:
        parent = _native(chat.id, target, _numbering(chat))
    else:
        channel = _CHANNEL.fullmatch(peer) if isinstance(peer, str) else None
        parent = _native(int(channel[1]) if channel else None, target)
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
