"""CrowdTangle's CSV of posts on Facebook or Instagram, as it was until the service closed in August 2024.

Times are in the zone of the dashboard and carry its word: those of US Eastern time are read, no other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from discourse.readers.records import Draft
from discourse.readers.values import Reason

__all__ = ["ID_COLUMN", "has_columns", "row_draft"]

ID_COLUMN = "URL"
_FACEBOOK = frozenset({"Facebook Id", "Post Created", "URL", "Message"})
_INSTAGRAM = frozenset({"Account", "User Name", "Followers at Posting", "Post Created", "URL", "Description"})
_EASTERN = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (EST|EDT)", re.ASCII)
_OFFSETS = {"EST": "-05:00", "EDT": "-04:00"}
_GUARDED = re.compile(r'="(\d+)"|\'(\d+)', re.ASCII)
_COUNT = re.compile(r"\d{1,18}|\d{1,3}(?:,\d{3}){1,5}", re.ASCII)
_QUERIED = re.compile(r"[?&](?:story_fbid|fbid|v)=([A-Za-z0-9]+)", re.ASCII)
_PATH = re.compile(r"(?:https?://)?(?:[\w-]+\.)?(facebook|instagram)\.com/([^?#\s]*)", re.ASCII | re.IGNORECASE)
_NATIVE = re.compile(r"\d+|pfbid[A-Za-z0-9]+", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def has_columns(columns: Collection[str]) -> bool:
    """Whether a header is that of CrowdTangle's posts, of Facebook or of Instagram.

    >>> has_columns(["Page Name", "User Name", "Facebook Id", "Post Created", "URL", "Message", "Link"])
    True
    >>> has_columns(["id", "author_id", "created_at", "text"])
    False
    """
    return _FACEBOOK.issubset(columns) or _INSTAGRAM.issubset(columns)


def row_draft(row: Mapping[str, str]) -> Draft | Reason | None:
    """The post of a row. One in a group has no author: the file names the group and never the member.

    >>> row = {"Facebook Id": "9100", "Post Created": "2021-08-15 09:00:00 EDT", "Message": "peace",
    ...        "URL": "https://www.facebook.com/9100/posts/9001", "Likes": "1,234"}
    >>> draft = row_draft(row)
    >>> draft.id, draft.created_at, draft.likes, draft.reposts
    ('9100_9001', '2021-08-15 09:00:00-04:00', 1234, None)
    """
    path = _PATH.match(row.get("URL", "").strip())
    segments = [segment for segment in path[2].split("/") if segment] if path else []
    if "Facebook Id" not in row:
        return _instagram(row, segments)
    if "Group Name" in row or segments[:1] == ["groups"]:
        return Reason.MISSING_AUTHOR
    return _facebook(row, segments)


def _facebook(row: Mapping[str, str], segments: list[str]) -> Draft:
    account = _unguarded(row["Facebook Id"])
    name = row.get("User Name") or None
    return Draft(
        platform="facebook",
        id=_joined(account or name, _post(row["URL"], segments)),
        author=account or name,
        created_at=_moment(row.get("Post Created", "")),
        text=row.get("Message") or None,
        handle=name,
        country=row.get("Page Admin Top Country") or None,
        country_basis="page_admins",
        likes=_count(row.get("Likes")),
        replies=_count(row.get("Comments")),
        reposts=_count(row.get("Shares")),
    )


def _instagram(row: Mapping[str, str], segments: list[str]) -> Draft:
    name = row.get("User Name") or None
    code = segments[-1] if len(segments) > 1 and segments[-2] in ("p", "reel", "tv") else ""
    return Draft(
        platform="instagram",
        id=code if _CODE.fullmatch(code) else None,
        author=name,
        created_at=_moment(row.get("Post Created", "")),
        text=row.get("Description") or None,
        handle=name,
        likes=_count(row.get("Likes")),
        replies=_count(row.get("Comments")),
    )


def _post(url: str, segments: list[str]) -> str | None:
    """The post's own part of its address: the last segment, or a word of the query where the path is a script's."""
    last = segments[-1] if len(segments) > 1 else ""
    if _NATIVE.fullmatch(last):
        return last
    found = _QUERIED.search(url)
    return found[1] if found else None


def _joined(account: str | None, post: str | None) -> str | None:
    """Account and post, the form of the Graph API; a post's number is certain to be unique only with its page's."""
    return None if account is None or post is None else f"{account}_{post}"


def _unguarded(cell: str) -> str | None:
    """A cell without what a spreadsheet puts around digits to keep them."""
    guarded = _GUARDED.fullmatch(cell)
    return (guarded[1] or guarded[2]) if guarded else cell or None


def _moment(cell: str) -> str:
    """The time with the offset its zone word stands for; with any other word it stays and is refused later."""
    found = _EASTERN.fullmatch(cell.strip())
    return f"{found[1]}{_OFFSETS[found[2]]}" if found else cell


def _count(cell: str | None) -> int | str | None:
    """A whole number, with commas between thousands or without; what is none stays and is refused later."""
    return int(cell.replace(",", "")) if cell and _COUNT.fullmatch(cell) else cell or None
