"""What 4CAT lets one download: items as their source gave them, one a line (NDJSON), and tables (CSV).

The items of Zeeschuimer, of Bluesky and of Telegram are read here; those of the X API are flattened tweets, which
`x_api` reads. The tables are in `fourcat_csv`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from discourse.readers import bluesky
from discourse.readers.fourcat_csv import ID_COLUMN, has_columns, row_draft
from discourse.readers.records import Draft, Item
from discourse.readers.values import Reason, from_epoch
from discourse.readers.zeeschuimer import captured

__all__ = ["ID_COLUMN", "drafts", "has_columns", "looks_like", "row_draft"]

_META, _BLUESKY = "__import_meta", "4CAT_metadata"
_PRIVATE_CHATS = ("User", "Chat", "ChatForbidden")  # a person, and groups that have no public name
_PEERS = {"user_id": "user", "channel_id": "channel"}
_NOTHING: Mapping[str, Any] = {}


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is an item of 4CAT: it holds 4CAT's own key, or a message with its chat.

    >>> looks_like({"id": "9001", "__import_meta": {"source_platform": "tiktok.com"}})
    True
    >>> looks_like({"id": 7, "message": "peace", "_chat": {}}), looks_like({"id": 7, "message": "peace"})
    (True, False)
    """
    if any(isinstance(record.get(name), dict) for name in (_META, _BLUESKY)):
        return True
    return isinstance(record.get("_chat"), dict) and {"id", "message"} <= record.keys()


def drafts(record: Mapping[str, Any]) -> Iterator[Item]:
    """The one post of an item, or the reason why it is none. A service message of Telegram is no row.

    >>> item = {"id": "9001", "desc": "peace", "createTime": 1746612000, "author": "demo_one",
    ...         "__import_meta": {"source_platform": "tiktok.com", "timestamp_collected": 1746698400000}}
    >>> [(draft.platform, draft.text, draft.collected_at) for draft in drafts(item)]
    [('tiktok', 'peace', '2025-05-08T10:00:00+00:00')]
    """
    meta, of_bluesky = record.get(_META), record.get(_BLUESKY)
    if isinstance(meta, dict):
        data = {name: value for name, value in record.items() if name != _META}
        yield captured(meta.get("source_platform"), data, meta.get("timestamp_collected"))
    elif isinstance(of_bluesky, dict):
        when = from_epoch(of_bluesky.get("collected_at"))
        for item in bluesky.drafts({"post": record}):
            yield replace(item, collected_at=when) if isinstance(item, Draft) and not isinstance(when, Reason) else item
    elif not isinstance(record.get("action"), dict):
        yield _message(record)


def _message(message: Mapping[str, Any]) -> Draft | Reason:
    """A message as Telethon gives it, with the names that the reader of Telegram's own export uses."""
    chat, peer = _mapping(message.get("_chat")), _mapping(message.get("peer_id"))
    if chat.get("_type") in _PRIVATE_CHATS or not {"user_id", "chat_id"}.isdisjoint(peer):
        return Reason.PRIVATE_CHAT
    if not chat.get("username") and not chat.get("usernames"):
        return Reason.PRIVATE_CHAT
    place = peer.get("channel_id", chat.get("id"))
    when = from_epoch(message.get("date"))
    if isinstance(when, Reason):
        return when
    native = _native(place, message.get("id"))
    if isinstance(native, Reason):
        return native
    kind, parent = _relation(message, place)
    counts = message if kind != "repost" else _NOTHING  # they are not its own
    return Draft(
        platform="telegram",
        id=native,
        author=_author(message, place),
        created_at=when,
        text=message.get("message") or None,
        kind=kind,
        handle=_mapping(message.get("_sender")).get("username"),
        parent=parent,
        replies=_mapping(counts.get("replies")).get("replies"),
        reposts=counts.get("forwards"),
        edited_at=_edited(message),
    )


def _native(chat: Any, message: Any) -> str | Reason:
    """The chat's id and the message's: only both together name a message."""
    for part in (chat, message):
        if part is None:
            return Reason.MISSING_ID
        if isinstance(part, bool) or not isinstance(part, int):
            return Reason.ID_PRECISION_LOST if isinstance(part, float) else Reason.BAD_ID
    return f"{chat}/{message}"


def _author(message: Mapping[str, Any], place: Any) -> Any:
    """Who wrote it; a post in a channel that names nobody is the channel's."""
    given = message.get("from_id")
    if given is None and message.get("post") is True:
        return _named("channel", place)
    for name, prefix in _PEERS.items():
        if (native := _mapping(given).get(name)) is not None:
            return _named(prefix, native)
    sender = _mapping(message.get("_sender"))
    return _named("channel" if sender.get("_type") == "Channel" else "user", sender.get("id"))


def _named(prefix: str, native: Any) -> Any:
    if isinstance(native, int) and not isinstance(native, bool):
        return f"{prefix}{native}"
    return None if native == "REDACTED" else native


def _relation(message: Mapping[str, Any], place: Any) -> tuple[str, Any]:
    """The kind of a message and the id it refers to, where both parts of it are known.

    What is written under a topic of a forum comes as a reply to the topic, which is no post.
    """
    forward = message.get("fwd_from")
    if isinstance(forward, dict):
        return "repost", _known(_mapping(forward.get("from_id")).get("channel_id"), forward.get("channel_post"))
    reply = _mapping(message.get("reply_to"))
    target = reply.get("reply_to_msg_id", message.get("reply_to_msg_id"))
    if target is None or (reply.get("forum_topic") is True and reply.get("reply_to_top_id") is None):
        return "original", None
    elsewhere = reply.get("reply_to_peer_id")
    return "reply", _known(place if elsewhere is None else _mapping(elsewhere).get("channel_id"), target)


def _known(chat: Any, message: Any) -> str | None:
    native = _native(chat, message)
    return None if isinstance(native, Reason) else native


def _edited(message: Mapping[str, Any]) -> str | None:
    """When the words were changed; a change that Telegram hides is one of the reactions or the buttons."""
    when = from_epoch(message.get("edit_date"))
    return None if isinstance(when, Reason) or message.get("edit_hide") is True else when


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING
