"""Comments from the YouTube Data API v3: pages of `commentThreads.list` and `comments.list`.

A file is one page, a JSON array of pages, or JSON lines of pages, threads or comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from discourse.readers.markup import plain_text
from discourse.readers.records import Draft
from discourse.readers.values import Reason

__all__ = ["drafts", "looks_like"]

_KIND = re.compile(r"youtube#comment(?:Thread)?(?:ListResponse)?")
_NOTHING: Mapping[str, Any] = {}


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a page, a thread or a comment of the Data API v3.

    >>> looks_like({"kind": "youtube#commentThreadListResponse"}), looks_like({"kind": "youtube#videoListResponse"})
    (True, False)
    """
    kind = record.get("kind")
    return isinstance(kind, str) and bool(_KIND.fullmatch(kind))


def drafts(record: Mapping[str, Any]) -> Iterator[Draft | Reason]:
    """The comments of a page, a thread or a comment in its order, replies after their thread's first comment.

    A comment under a video is an original, one in a thread a reply to the thread's first comment. Those
    that are held for review, rejected or not public are set aside; an answer that reports an error is one row.

    >>> snippet = {"authorChannelId": {"value": "UCdemo"}, "publishedAt": "2025-05-07T10:00:00Z",
    ...            "textDisplay": "peace &amp;<br>bread", "likeCount": 2}
    >>> page = {"kind": "youtube#commentListResponse", "items": [{"id": "Ugdemo", "snippet": snippet}]}
    >>> [(draft.text, draft.likes) for draft in drafts(page)]
    [('peace &\\nbread', 2)]
    """
    waiting: list[Any] = [record]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict) and isinstance(value.get("items"), list):
            waiting.extend(reversed(value["items"]))
        else:
            yield from _posts(value)


def _posts(value: Any) -> Iterator[Draft | Reason]:
    if not isinstance(value, dict):
        yield Reason.NOT_AN_OBJECT
    elif "topLevelComment" in _mapping(value.get("snippet")):
        yield from _thread(value)
    elif "error" in value:
        yield Reason.API_ERROR
    elif str(kind := value.get("kind")).startswith("youtube#") and not looks_like(value):
        yield Reason.NOT_A_POST
    elif not str(kind).endswith("ListResponse"):
        yield _comment(value)


def _thread(thread: Mapping[str, Any]) -> Iterator[Draft | Reason]:
    snippet = thread["snippet"]
    public = snippet.get("isPublic") is not False
    yield _comment(snippet["topLevelComment"], public=public, replies=snippet.get("totalReplyCount"))
    replies = _mapping(thread.get("replies")).get("comments")
    for reply in replies if isinstance(replies, list) else []:
        yield _comment(reply, public=public, thread=thread.get("id"))


def _comment(comment: Any, *, public: bool = True, thread: Any = None, replies: Any = None) -> Draft | Reason:
    if not isinstance(comment, dict):
        return Reason.NOT_AN_OBJECT
    snippet = _mapping(comment.get("snippet"))
    if not public or snippet.get("moderationStatus") not in (None, "published"):
        return Reason.NOT_PUBLIC
    parent = snippet.get("parentId") or thread
    name = snippet.get("authorDisplayName")
    return Draft(
        platform="youtube",
        id=comment.get("id"),
        author=_mapping(snippet.get("authorChannelId")).get("value"),
        created_at=snippet.get("publishedAt"),
        text=_text(snippet),
        kind="original" if parent is None else "reply",
        handle=name if isinstance(name, str) and name.startswith("@") else None,
        parent=parent,
        likes=snippet.get("likeCount"),
        replies=replies,
        edited_at=_edited(snippet),
    )


def _edited(snippet: Mapping[str, Any]) -> Any:
    updated = snippet.get("updatedAt")
    return None if updated == snippet.get("publishedAt") else updated


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def _text(snippet: Mapping[str, Any]) -> Any:
    """What the author typed, else what is shown, which is HTML and comes out as plain text."""
    original, shown = snippet.get("textOriginal"), snippet.get("textDisplay")
    if isinstance(original, str) or not isinstance(shown, str):
        return shown if original is None else original
    return plain_text(shown)
