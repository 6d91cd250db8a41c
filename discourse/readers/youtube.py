"""Comments from the YouTube Data API v3: pages of `commentThreads.list` and `comments.list`.

A file is one page, a JSON array of pages, or JSON lines of pages, threads or comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec

from discourse.errors import BadInput
from discourse.readers.files import open_chunks, open_lines
from discourse.readers.records import Draft, Reason, decode_object

__all__ = ["documents", "looks_like"]

_HEAD = re.compile(rb'"kind"\s*:\s*"youtube#comment(?:Thread)?(?:ListResponse)?"')
_NOTHING: Mapping[str, Any] = {}


def looks_like(head: bytes) -> bool:
    """Whether a file that begins with these bytes (unpacked) holds comments of the Data API v3.

    >>> looks_like(b'{"kind": "youtube#commentThreadListResponse", "etag"')
    True
    >>> looks_like(b'{"kind": "youtube#videoListResponse", "etag"')
    False
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((b"{", b"[")) and bool(_HEAD.search(start))


def documents(path: Path) -> Iterator[tuple[int, Draft | Reason]]:
    """The comments of a file in its order, replies after their thread's first comment, numbered from 1.

    A comment under a video is an original, one in a thread a reply to the thread's first comment. Those
    that are held for review, rejected or not public are set aside. A line of JSON lines that is no JSON
    counts as one row. Raises `BadInput` when a document cannot be decoded or is none of the API's, and as
    `files.open_chunks` does.

    >>> import json, tempfile
    >>> snippet = {"authorChannelId": {"value": "UCdemo"}, "publishedAt": "2025-05-07T10:00:00Z",
    ...            "textDisplay": "peace &amp;<br>bread", "likeCount": 2}
    >>> page = {"kind": "youtube#commentListResponse", "items": [{"id": "Ugdemo", "snippet": snippet}]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "page.json").write_text(json.dumps(page))
    ...     [(number, draft.text, draft.likes) for number, draft in documents(Path(folder, "page.json"))]
    [(1, 'peace &\\nbread', 2)]
    """
    number = 0
    for value in _values(Path(path)):
        for item in _items(value):
            number += 1
            yield number, item


def _values(path: Path) -> Iterator[Any]:
    """The JSON values of a file: one a line if the first line is an object by itself, else the whole."""
    _, first = next(open_lines(path), (1, b""))
    if isinstance(decode_object(first), dict):
        for _, line in open_lines(path):
            yield decode_object(line)
        return
    try:
        value = msgspec.json.decode(b"".join(open_chunks(path)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    if not isinstance(value, dict | list):
        raise BadInput(
            f"{path.name!r} cannot be read as answers of the YouTube Data API; save each whole answer as JSON, "
            "or one answer on a line"
        )
    yield from value if isinstance(value, list) else [value]


def _items(value: Any) -> Iterator[Draft | Reason]:
    """The comments of a page, a thread or a comment; an answer that reports an error is one row."""
    if isinstance(value, Reason):
        yield value
    elif not isinstance(value, dict):
        yield Reason.NOT_AN_OBJECT
    elif isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from _items(item)
    elif "topLevelComment" in _mapping(value.get("snippet")):
        yield from _thread(value)
    elif "error" in value:
        yield Reason.API_ERROR
    elif not str(value.get("kind")).endswith("ListResponse"):
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
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def _text(snippet: Mapping[str, Any]) -> Any:
    """What the author typed, else what is shown, which is HTML and comes out as plain text."""
    original, shown = snippet.get("textOriginal"), snippet.get("textDisplay")
    if isinstance(original, str) or not isinstance(shown, str):
        return shown if original is None else original
    return _Words.of(shown)


class _Words(HTMLParser):
    """The text of a piece of HTML: escapes undone once, `<br>` as a new line, other tags left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []

    @classmethod
    def of(cls, markup: str) -> str:
        parser = cls()
        parser.feed(markup)
        parser.close()
        return "".join(parser._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._parts.append("\n")

    def handle_data(self, data: str) -> None:
        self._parts.append(data)
