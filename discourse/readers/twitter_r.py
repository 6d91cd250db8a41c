"""Tweets as the R package twitteR gives them in a data frame, written as CSV.

It asked for the cut text of at most 140 characters and keeps an author's screen name only, no id.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from discourse.readers.records import Draft
from discourse.readers.values import Reason, unescape

__all__ = ["ID_COLUMN", "has_columns", "row_draft"]

ID_COLUMN = "id"
_NEEDED = frozenset({"text", "created", "id", "screenName", "isRetweet", "replyToSID", "statusSource"})
_NONE = frozenset({"", "NA", "character(0)"})  # as R writes what is missing
_TRUTH = {"TRUE": True, "True": True, "true": True, "FALSE": False, "False": False, "false": False}
_RETWEET = re.compile(r"RT @\w{1,20}: ?", re.ASCII)
_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,9})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_COUNT = re.compile(r"(\d{1,19})(?:\.0)?", re.ASCII)


def has_columns(columns: Collection[str]) -> bool:
    """Whether a header is that of twitteR's data frame, with or without a column of row numbers.

    >>> has_columns(["", "text", "created", "id", "screenName", "isRetweet", "replyToSID", "statusSource"])
    True
    >>> has_columns(["id", "text", "created_at", "screen_name"])
    False
    """
    return _NEEDED.issubset(columns)


def row_draft(row: Mapping[str, str]) -> Draft | Reason:
    """The post of a row; its time is UTC. The author is `@` and the screen name in small letters.

    A retweet has what is left of the original's text, and no counts: they are the original's. A day without
    a time is `timestamp_too_coarse`, a retweet mark that is neither true nor false `bad_value`.

    >>> row = {"id": "9001", "screenName": "Demo_One", "created": "2016-05-07 10:00:00", "isRetweet": "TRUE",
    ...        "text": "RT @demo_two: peace &amp; brea…", "retweetCount": "5"}
    >>> draft = row_draft(row)
    >>> draft.author, draft.created_at, draft.kind, draft.text, draft.reposts
    ('@demo_one', '2016-05-07T10:00:00Z', 'repost', 'peace & brea…', None)
    """
    when = row.get("created", "")
    if _DAY.fullmatch(when):
        return Reason.TIMESTAMP_TOO_COARSE
    text = row.get("text") or None
    mark = _RETWEET.match(text or "")
    retweet = _TRUTH.get(row.get("isRetweet", "")) if _value(row, "isRetweet") else mark is not None
    if retweet is None:
        return Reason.BAD_VALUE
    answered = _value(row, "replyToSID")
    counts: Mapping[str, str] = {} if retweet else row
    name = (_value(row, "screenName") or "").removeprefix("@")
    return Draft(
        platform="x",
        id=row.get("id"),
        author=f"@{name.lower()}" if name else None,
        created_at=f"{when.replace(' ', 'T')}Z" if _CLOCK.fullmatch(when) else when,
        text=unescape(text[mark.end() :] if text is not None and retweet and mark else text),
        kind="repost" if retweet else "original" if answered is None else "reply",
        handle=name or None,
        parent=None if retweet else answered,
        likes=_count(counts, "favoriteCount"),
        reposts=_count(counts, "retweetCount"),
    )


def _value(row: Mapping[str, str], name: str) -> str | None:
    cell = row.get(name, "")
    return None if cell in _NONE else cell


def _count(row: Mapping[str, str], name: str) -> Any:
    cell = _value(row, name)
    whole = None if cell is None else _COUNT.fullmatch(cell)
    return cell if whole is None else int(whole[1])
