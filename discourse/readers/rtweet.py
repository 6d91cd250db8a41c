"""Tweets in the columns of the R package rtweet (before its version 1), one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from discourse.readers.records import Draft
from discourse.readers.values import Reason, unescape

__all__ = ["drafts", "looks_like"]


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object has rtweet's columns.

    >>> looks_like({"status_id": "9001", "user_id": "42", "text": "peace"}), looks_like({"id": "9001"})
    (True, False)
    """
    return {"status_id", "user_id", "text"} <= record.keys()


def drafts(record: Mapping[str, Any]) -> Iterator[Draft | Reason]:
    """The one post of a line. A retweet has the whole text of its original and no counts of its own.

    >>> line = {"status_id": "9002", "user_id": "42", "created_at": "2021-02-13T11:15:43Z", "text": "RT @demo_one: pea",
    ...         "is_retweet": True, "retweet_status_id": "9001", "retweet_text": "peace", "favorite_count": 3}
    >>> [(draft.kind, draft.text, draft.parent, draft.likes) for draft in drafts(line)]
    [('repost', 'peace', '9001', None)]
    """
    kind, parent = _relation(record)
    text = (kind == "repost" and record.get("retweet_text")) or record.get("text")
    counts = record if kind != "repost" else {}
    yield Draft(
        platform="x",
        id=record.get("status_id"),
        author=record.get("user_id"),
        created_at=record.get("created_at"),
        text=unescape(text),
        kind=kind,
        handle=record.get("screen_name"),
        parent=parent,
        lang=record.get("lang"),
        country=record.get("country_code"),
        location=record.get("location"),
        likes=counts.get("favorite_count"),
        replies=counts.get("reply_count"),
        reposts=counts.get("retweet_count"),
        quotes=counts.get("quote_count"),
    )


def _relation(record: Mapping[str, Any]) -> tuple[str, Any]:
    """The kind of a tweet and the id it refers to; a quote within a reply is a quote."""
    for flag, column, kind in (
        ("is_retweet", "retweet_status_id", "repost"),
        ("is_quote", "quoted_status_id", "quote"),
        ("", "reply_to_status_id", "reply"),
    ):
        if record.get(flag) is True or record.get(column):
            return kind, record.get(column)
    return "original", None
