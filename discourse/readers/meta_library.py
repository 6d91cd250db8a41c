"""Posts and comments of the Meta Content Library, as JSON (nested or flattened rows) and as CSV with dotted names.

The export may not leave the clean room it was made in: run this there, and take out aggregates only. Ids are
the library's own and join nothing outside it; they carry the prefix `mcl-`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from discourse.readers.records import MAX_INTEGER, Draft
from discourse.readers.values import Reason, from_epoch

__all__ = ["ID_COLUMN", "drafts", "has_columns", "looks_like", "row_draft"]

ID_COLUMN = "id"
_MARKS = frozenset({"post_owner", "surface", "mcl_url", "content_type", "is_branded_content"})
_COMMENT_MARKS = frozenset({"owner", "parent_comment_id"})
_DIGITS = re.compile(r"\d{1,30}", re.ASCII)
_COUNT = re.compile(r"\d{1,18}", re.ASCII)
_COUNTS = ("statistics.like_count", "statistics.comment_count", "statistics.share_count")
_PLACES = ("mcl_url", "content_type", "surface.type", "post_owner.type", "owner.type")


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a row of the library or an answer with such rows.

    >>> row = {"id": 9001, "creation_time": "2025-05-07T10:00:00+00:00", "post_owner.id": 42}
    >>> looks_like(row), looks_like({"data": [row]}), looks_like({"data": [], "meta": {}})
    (True, True, False)
    """
    data = record.get("data")
    if isinstance(data, list):
        return any(isinstance(row, dict) and has_columns(row) for row in data)
    return has_columns(record)


def has_columns(columns: Collection[str]) -> bool:
    """Whether a header, or the keys of an object, are those of the library's posts or comments.

    >>> has_columns(["id", "creation_time", "surface.type"]), has_columns(["id", "creation_time", "text"])
    (True, False)
    >>> has_columns(["id", "post_id", "creation_time", "owner.id"])
    True
    """
    if "id" not in columns or "creation_time" not in columns:
        return False
    heads = {column.partition(".")[0] for column in columns}
    return not heads.isdisjoint(_MARKS) or ("post_id" in columns and not heads.isdisjoint(_COMMENT_MARKS))


def drafts(record: Mapping[str, Any]) -> Iterator[Draft | Reason]:
    """The posts and comments of a row or an answer. Rows without `text`, which must be asked for, are refused.

    >>> row = {"id": 9001, "creation_time": "2025-05-07T10:00:00+00:00", "text": "peace", "post_owner": {"id": 42},
    ...        "content_type": "POSTS", "statistics": {"like_count": 3}}
    >>> [(draft.id, draft.author, draft.likes, draft.reposts) for draft in drafts({"data": [row]})]
    [('mcl-9001', 'mcl-42', 3, None)]
    """
    data = record.get("data")
    for row in data if isinstance(data, list) else [record]:
        if isinstance(row, dict):
            yield Reason.API_ERROR if "error" in row and "id" not in row else _draft(row)
        else:
            yield Reason.NOT_AN_OBJECT


def row_draft(row: Mapping[str, str]) -> Draft | Reason | None:
    """The post or comment of a row of the CSV; an empty cell is no value.

    >>> row = {"id": "9001", "creation_time": "2025-05-07T10:00:00Z", "text": "peace", "post_owner.id": "42",
    ...        "statistics.like_count": "3", "statistics.share_count": ""}
    >>> draft = row_draft(row)
    >>> draft.id, draft.likes, draft.reposts
    ('mcl-9001', 3, None)
    """
    cells: dict[str, Any] = {name: cell for name, cell in row.items() if cell != ""}
    for name in _COUNTS:
        if name in cells and _COUNT.fullmatch(cells[name]):
            cells[name] = int(cells[name])
    return _draft(cells)


def _draft(row: Mapping[str, Any]) -> Draft | Reason:
    post, shared = _at(row, "post_id"), _at(row, "shared_post_id")
    owner = "post_owner" if post is None else "owner"
    if _in_group(row, owner):
        return Reason.MISSING_AUTHOR
    when = _at(row, "creation_time")
    when = from_epoch(when) if isinstance(when, int) else when
    if isinstance(when, Reason):
        return when
    kind, parent = "original", None
    if post is not None:
        answered = _at(row, "parent_comment_id")
        kind, parent = "reply", post if answered is None else answered
    elif shared is not None:
        kind, parent = "quote", shared
    likes, replies, reposts = (_at(row, name) for name in _COUNTS)
    changed, text = _at(row, "modified_time"), _at(row, "text")
    return Draft(
        platform=_platform(row),
        id=_local(_at(row, "id")),
        author=_local(_at(row, f"{owner}.id")),
        created_at=when,
        text=None if text == "" else text,
        kind=kind,
        handle=_at(row, f"{owner}.username"),
        parent=_local(parent),
        lang=_at(row, "lang"),
        likes=likes,
        replies=replies,
        reposts=reposts,
        edited_at=None if changed == _at(row, "creation_time") else changed,
    )


def _at(row: Mapping[str, Any], name: str) -> Any:
    """A field by its dotted name, flattened or nested."""
    if name in row:
        return row[name]
    head, dot, rest = name.partition(".")
    inner = row.get(head)
    return inner.get(rest) if dot and isinstance(inner, dict) else None


def _in_group(row: Mapping[str, Any], owner: str) -> bool:
    """Whether what is named as the owner is a group or an event, which has members and writes nothing itself."""
    kind = _at(row, f"{owner}.type")
    return isinstance(kind, str) and any(word in kind.casefold() for word in ("group", "event"))


def _platform(row: Mapping[str, Any]) -> str:
    """The platform that a row names; one that names none is of Facebook."""
    named = " ".join(value.casefold() for name in _PLACES if isinstance(value := _at(row, name), str))
    return next((name for name in ("instagram", "threads") if name in named), "facebook")


def _local(value: Any) -> Any:
    """An id with the library's prefix; what is no whole number stays as it is, so that a float is seen and refused."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return f"mcl-{value}" if 1 <= value <= MAX_INTEGER else value
    return f"mcl-{value}" if isinstance(value, str) and _DIGITS.fullmatch(value) else value
