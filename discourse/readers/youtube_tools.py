"""Tables of comments from YouTube Data Tools, version 2 and the older one in PHP.

Both may have replaced ids and names by their SHA-1, which anyone can undo by trying names; they become
pseudonyms here like any other id.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from discourse.readers.records import Draft
from discourse.readers.values import Reason

__all__ = ["ID_COLUMN", "has_columns", "row_draft"]

ID_COLUMN = "id"
_NEEDED = frozenset({"id", "authorName", "text", "publishedAt"})
_VERSION_1 = frozenset({"isReplyTo"})
_VERSION_2 = frozenset({"isReplyToId", "threadId"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_COUNT = re.compile(r"(\d{1,18})(?:\.0)?", re.ASCII)


def has_columns(columns: Collection[str]) -> bool:
    """Whether a header is that of a table of comments; one of videos, channels or authors is not.

    >>> has_columns(["id", "publishedAt", "authorName", "text", "isReplyTo"])
    True
    >>> has_columns(["channelId", "videoId", "publishedAt", "videoTitle"])
    False
    """
    names = set(columns)
    return names >= _NEEDED and (names >= _VERSION_1 or names >= _VERSION_2)


def row_draft(row: Mapping[str, str]) -> Draft | Reason:
    """The comment of a row; a row that only says that a video's comments could not be had is none.

    A comment under a video is an original, one in a thread a reply to the thread's first comment. The author is
    the channel; the name shown only in tables that have no channels.

    >>> row = {"id": "Ugdemo.r", "authorName": "@demo_one", "authorChannelId": "UCdemo", "text": "peace",
    ...        "publishedAt": "2025-05-07 10:00:00", "isReply": "1", "threadId": "Ugdemo", "isReplyToId": "Ugdemo.q",
    ...        "likeCount": ""}
    >>> draft = row_draft(row)
    >>> draft.created_at, draft.kind, draft.parent, draft.likes
    ('2025-05-07 10:00:00Z', 'reply', 'Ugdemo', None)
    """
    name, when = row.get("authorName", ""), row.get("publishedAt", "")
    if not (row.get("id") or name or when):
        return Reason.NOT_A_POST
    answered = row.get("isReplyToId") or row.get("isReplyTo") or None
    reply = row.get("isReply") == "1" or (row.get("isReply") != "0" and answered is not None)
    return Draft(
        platform="youtube",
        id=row.get("id") or None,
        author=row.get("authorChannelId", name) or None,
        created_at=f"{when}Z" if _MOMENT.fullmatch(when) else when,
        text=row.get("text") or None,
        kind="reply" if reply else "original",
        handle=name if name.startswith("@") else None,
        parent=(row.get("threadId") or answered) if reply else None,
        likes=_count(row.get("likeCount")),
        replies=None if reply else _count(row.get("totalReplyCount") or row.get("replyCount")),
    )


def _count(cell: str | None) -> Any:
    """A count; an empty cell is none, pandas writes 3 as 3.0, and what is no number is refused later."""
    if not cell:
        return None
    whole = _COUNT.fullmatch(cell)
    return cell if whole is None else int(whole[1])
