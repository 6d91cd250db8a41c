"""Videos and comments of TikTok's Research API: its answers, and single rows taken out of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from discourse.readers.records import Draft
from discourse.readers.values import Reason, from_epoch

__all__ = ["drafts", "looks_like"]

_LISTS = ("videos", "comments")
_OF_VIDEOS = frozenset({"video_description", "region_code", "voice_to_text", "view_count", "share_count"})
_NOTHING: Mapping[str, Any] = {}


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is an answer of the Research API, or a video or comment out of one.

    >>> looks_like({"data": {"videos": [], "cursor": 0}}), looks_like({"data": [], "meta": {}})
    (True, False)
    >>> looks_like({"id": 9001, "create_time": 1746612000, "video_description": "peace"})
    True
    """
    data = record.get("data")
    if isinstance(data, dict) and any(isinstance(data.get(name), list) for name in _LISTS):
        return True
    if "log_id" in _mapping(record.get("error")):
        return True
    if not {"id", "create_time"} <= record.keys():
        return False
    return not _OF_VIDEOS.isdisjoint(record) or {"text", "video_id"} <= record.keys()


def drafts(record: Mapping[str, Any]) -> Iterator[Draft | Reason]:
    """The videos and comments of an answer in its order, or the one that the record is.

    The text of a video is its description. A comment is a reply to a comment or to the video. An answer that
    reports an error and holds nothing, or lists of something else, is one row set aside.

    >>> video = {"id": 9001, "username": "demo_one", "create_time": 1746612000, "video_description": "peace",
    ...          "region_code": "PK", "share_count": 2}
    >>> [(draft.text, draft.country, draft.reposts) for draft in drafts({"data": {"videos": [video]}})]
    [('peace', 'PK', 2)]
    """
    if "data" not in record and "error" not in record:
        yield _item(record)
        return
    data = _mapping(record.get("data"))
    lists = [data[name] for name in _LISTS if isinstance(data.get(name), list)]
    for items in lists:
        yield from map(_item, items)
    if any(lists):
        return
    if _mapping(record.get("error")).get("code") not in (None, "ok"):
        yield Reason.API_ERROR
    elif not lists and any(isinstance(value, list) for value in data.values()):
        yield Reason.NOT_A_POST


def _item(record: Any) -> Draft | Reason:
    if not isinstance(record, dict):
        return Reason.NOT_AN_OBJECT
    when = from_epoch(record.get("create_time"))
    if isinstance(when, Reason):
        return when
    return _comment(record, when) if "video_id" in record or "parent_comment_id" in record else _video(record, when)


def _video(video: Mapping[str, Any], when: str) -> Draft:
    return Draft(
        platform="tiktok",
        id=video.get("id"),
        author=video.get("username"),
        created_at=when,
        text=video.get("video_description"),
        handle=video.get("username"),
        country=video.get("region_code"),
        country_basis="account",
        likes=video.get("like_count"),
        replies=video.get("comment_count"),
        reposts=video.get("share_count"),
    )


def _comment(comment: Mapping[str, Any], when: str) -> Draft:
    return Draft(
        platform="tiktok",
        id=comment.get("id"),
        author=comment.get("username"),
        created_at=when,
        text=comment.get("text"),
        kind="reply",
        handle=comment.get("username"),
        parent=comment.get("parent_comment_id") or comment.get("video_id"),
        likes=comment.get("like_count"),
        replies=comment.get("reply_count"),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING
