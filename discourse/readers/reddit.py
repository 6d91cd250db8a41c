"""Reddit comments and submissions as Pushshift and Arctic Shift publish them, one JSON object a line.

Ids keep their prefix (`t1_` a comment, `t3_` a submission), because the two are numbered separately.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from discourse.readers.records import Draft
from discourse.readers.values import Reason, from_epoch, unescape

__all__ = ["drafts", "looks_like"]

_PLACEHOLDER = re.compile(
    r"\[ ?(deleted|removed)(?: by (?:user|reddit|moderators?)(?: on account of .{1,200})?)? ?\]", re.IGNORECASE
)
_BY_AUTHOR = frozenset({"deleted", "author"})
_NOTHING: Mapping[str, Any] = {}


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a Reddit comment or submission.

    >>> looks_like({"id": "k1", "body": "peace", "created_utc": 1746612000, "link_id": "t3_p1"})
    True
    >>> looks_like({"id": "p1", "title": "peace", "created_utc": "1746612000", "subreddit": "demo"})
    True
    >>> looks_like({"id": "p1", "title": "peace", "created_at": "2025-05-07T10:00:00Z"})
    False
    """
    if not {"id", "created_utc"} <= record.keys():
        return False
    if "body" in record:
        return not {"link_id", "parent_id", "subreddit", "subreddit_id"}.isdisjoint(record)
    return "title" in record and not {"selftext", "subreddit", "subreddit_id", "is_self"}.isdisjoint(record)


def drafts(record: Mapping[str, Any]) -> Iterator[Draft | Reason]:
    """The one post of a line, or the reason why it is none: deleted by its author, removed by others.

    The text of a comment is its body, that of a submission the title, an empty line and the self-text.

    >>> post = {"id": "p1", "author": "demo_one", "created_utc": "1746612000", "title": "War &amp; peace",
    ...         "selftext": "A talk."}
    >>> [(draft.id, draft.created_at, draft.text) for draft in drafts(post)]
    [('t3_p1', '2025-05-07T10:00:00+00:00', 'War & peace\\n\\nA talk.')]
    >>> reasons = list(drafts({**post, "_meta": {"was_deleted_later": True}}))
    >>> len(reasons), isinstance(reasons[0], Reason)
    (1, True)
    """
    gone = _gone(record)
    when = from_epoch(record.get("created_utc"))
    if gone is not None:
        yield gone
    elif isinstance(when, Reason):
        yield when
    elif "body" in record:
        yield _comment(record, when)
    else:
        yield _submission(record, when)


def _comment(record: Mapping[str, Any], when: str) -> Draft:
    return Draft(
        platform="reddit",
        id=_full_name("t1", record.get("id")),
        author=_author(record),
        created_at=when,
        text=unescape(record.get("body")),
        kind="reply",
        handle=_author(record),
        parent=record.get("parent_id"),
        likes=_score(record),
        edited_at=_edited(record),
        community=_community(record),
    )


def _submission(record: Mapping[str, Any], when: str) -> Draft | Reason:
    parent, original = record.get("crosspost_parent"), _first(record.get("crosspost_parent_list"))
    kind, source = "original", record
    if parent or original:
        kind = "repost" if original and original.get("title") == record.get("title") else "quote"
        parent = parent or _full_name("t3", original.get("id"))
        source = original if kind == "repost" else record
        if kind == "repost" and (gone := _gone(original)) is not None:
            return gone
    counts = record if kind != "repost" else _NOTHING
    return Draft(
        platform="reddit",
        id=_full_name("t3", record.get("id")),
        author=_author(record),
        created_at=when,
        text=_submission_text(source),
        kind=kind,
        handle=_author(record),
        parent=parent,
        likes=_score(counts),
        replies=counts.get("num_comments"),
        reposts=counts.get("num_crossposts"),
        edited_at=_edited(record),
        community=_community(record),
    )


def _community(record: Mapping[str, Any]) -> Any:
    """The subreddit; none for one that is a person's own page."""
    name = record.get("subreddit")
    return None if isinstance(name, str) and name.lower().startswith("u_") else name


def _edited(record: Mapping[str, Any]) -> Any:
    """When the text was last changed; `edited` is false where it never was, true where nobody kept the time."""
    edited = record.get("edited")
    return None if edited is None or isinstance(edited, bool) else from_epoch(edited)


def _submission_text(record: Mapping[str, Any]) -> Any:
    """Title and self-text; what is no text stays as it is and is refused later."""
    title, body = unescape(record.get("title")), unescape(record.get("selftext"))
    if not isinstance(title, str) or body is None or body == "":
        return title
    return f"{title}\n\n{body}" if isinstance(body, str) else body


def _gone(record: Mapping[str, Any]) -> Reason | None:
    """The reason why a post's text must not be used, though parts of it may still be in the record.

    A self-text that was restored at the second visit (`was_initially_deleted`) is there for everyone to read,
    and `removed_by_category` then is what the first visit saw.
    """
    meta = _mapping(record.get("_meta"))
    if meta.get("was_deleted_later") is True:
        return Reason.DELETED if meta.get("removal_type") in (None, "", *_BY_AUTHOR) else Reason.REMOVED
    for name in ("body", "selftext", "title"):
        text = record.get(name)
        if isinstance(text, str) and (found := _PLACEHOLDER.fullmatch(text.strip())):
            return Reason.DELETED if found[1].lower() == "deleted" else Reason.REMOVED
    category = record.get("removed_by_category")
    if isinstance(category, str) and category and meta.get("was_initially_deleted") is not True:
        return Reason.DELETED if category in _BY_AUTHOR else Reason.REMOVED
    return None


def _author(record: Mapping[str, Any]) -> Any:
    """The account's name, which is unique and never changes; none for an account that no longer exists."""
    name = record.get("author")
    return None if isinstance(name, str) and _PLACEHOLDER.fullmatch(name.strip()) else name


def _full_name(prefix: str, native: Any) -> Any:
    return f"{prefix}_{native}" if isinstance(native, str) and native else native


def _score(record: Mapping[str, Any]) -> Any:
    """Votes for less votes against; none while it is hidden, or where it is below zero, which no count is."""
    score = record.get("score")
    hidden = record.get("score_hidden") is True or record.get("hide_score") is True
    return None if hidden or (isinstance(score, int) and score < 0) else score


def _first(value: Any) -> Mapping[str, Any]:
    return _mapping(value[0]) if isinstance(value, list) and value else _NOTHING


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING
