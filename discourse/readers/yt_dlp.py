"""Comments in the `info.json` that yt-dlp writes of a YouTube video with `--write-comments`.

YouTube shows no time of a comment, only its age; yt-dlp counts back from the moment of the download. An age
in weeks, months or years is too coarse to put a comment before or after an event, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from discourse.readers.records import Draft
from discourse.readers.values import Reason, from_epoch

__all__ = ["drafts", "looks_like"]

_PLACE = re.compile(r"https?://(?:(?:www|m|music)\.)?(?:youtube\.com|youtu\.be)/", re.IGNORECASE)
_FINE = re.compile(r"\d{1,3} (?:second|minute|hour|day)s? ago(?: \(edited\))?", re.ASCII | re.IGNORECASE)
_CLOSED = frozenset({"private", "subscriber_only"})


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is yt-dlp's account of a YouTube video, with its comments.

    >>> looks_like({"id": "demo", "extractor_key": "Youtube", "comments": []})
    True
    >>> looks_like({"id": "demo", "extractor_key": "Youtube"}), looks_like({"id": "demo", "comments": []})
    (False, False)
    """
    return isinstance(record.get("comments"), list) and _of_youtube(record)


def drafts(record: Mapping[str, Any]) -> Iterator[Draft | Reason]:
    """The comments of a video; the video itself is no row, nor is one without comments.

    A comment under the video is an original, one in a thread a reply to the thread's first comment. Comments of
    a video that is private or for members only are set aside, as are those whose time is known to no day.

    >>> comment = {"id": "Ugdemo", "parent": "root", "text": "peace", "author_id": "UCdemo", "like_count": 3,
    ...            "_time_text": "2 days ago", "timestamp": 1746576000}
    >>> video = {"extractor_key": "Youtube", "comments": [comment, {**comment, "_time_text": "2 years ago"}]}
    >>> [getattr(item, "created_at", item) for item in drafts(video)]
    ['2025-05-07T00:00:00+00:00', <Reason.TIMESTAMP_TOO_COARSE: 'timestamp_too_coarse'>]
    """
    comments = record.get("comments")
    if comments is None:
        return
    if not isinstance(comments, list):
        yield Reason.WRONG_TYPE
        return
    fetched = None if record.get("epoch") is None else from_epoch(record["epoch"])
    closed = record.get("availability")
    for comment in comments:
        if not _of_youtube(record):
            yield Reason.NOT_A_POST
        elif isinstance(closed, str) and closed in _CLOSED:
            yield Reason.NOT_PUBLIC
        else:
            yield _comment(comment, fetched)


def _comment(comment: Any, fetched: Any) -> Draft | Reason:
    if not isinstance(comment, dict):
        return Reason.NOT_AN_OBJECT
    age = comment.get("_time_text", comment.get("time_text"))  # older versions wrote it without the underscore
    if not isinstance(age, str) or not _FINE.fullmatch(age):
        return Reason.TIMESTAMP_TOO_COARSE
    when = from_epoch(comment.get("timestamp"))
    if isinstance(when, Reason):
        return when
    parent = comment.get("parent")
    first = parent is None or parent in ("", "root")
    name = comment.get("author")
    return Draft(
        platform="youtube",
        id=comment.get("id"),
        author=comment.get("author_id"),
        created_at=when,
        text=comment.get("text"),
        kind="original" if first else "reply",
        handle=name if isinstance(name, str) and name.startswith("@") else None,
        parent=None if first else parent,
        likes=comment.get("like_count"),
        collected_at=fetched,
    )


def _of_youtube(record: Mapping[str, Any]) -> bool:
    """Whether a record says that it is YouTube's: yt-dlp writes such files of many other sites."""
    for name in ("extractor_key", "extractor"):
        if isinstance(found := record.get(name), str):
            return found.casefold().startswith("youtube")
    address = record.get("webpage_url")
    return isinstance(address, str) and bool(_PLACE.match(address))
