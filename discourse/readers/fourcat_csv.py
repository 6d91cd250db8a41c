"""Tables of 4CAT, and of Zeeschuimer, which writes the same columns with semicolons. The source is told from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from discourse.readers.records import Draft
from discourse.readers.values import Reason, from_epoch, unescape
from discourse.readers.zeeschuimer import is_notice, truth_text

__all__ = ["ID_COLUMN", "has_columns", "row_draft"]

ID_COLUMN = "id"
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_WHOLE = re.compile(r"(\d{1,19})(?:\.0+)?", re.ASCII)
_BELOW_ZERO = re.compile(r"-\d{1,19}(?:\.0+)?", re.ASCII)
_NUMBER = re.compile(r"[1-9]\d{0,18}", re.ASCII)
_SHARED = re.compile(r"\ART @\w{1,20}:? ")
_BLUESKY_POST = re.compile(r"https://bsky\.app/profile/([^/\s]+)/post/([^/\s]+)")
_REDACTED = "REDACTED"  # what 4CAT writes in place of everyone
_NO_LANGUAGE = frozenset({"", "N/A", "un"})
_COMMON = frozenset({"id", "timestamp", "body"})
Row = Mapping[str, str]


def has_columns(columns: Collection[str]) -> bool:
    """Whether a header is one of the tables of 4CAT that are read.

    >>> has_columns(["id", "thread_id", "timestamp", "author", "body", "tiktok_url", "likes"])
    True
    >>> has_columns(["id", "thread_id", "timestamp", "author", "body"])
    False
    """
    return _source(columns) is not None


def row_draft(row: Row) -> Draft | Reason:
    """The post in a row, or the reason why it is none.

    >>> row = {"id": "9001", "timestamp": "2025-05-07 10:00:00", "unix_timestamp": "", "author": "demo_one",
    ...        "body": "peace", "tiktok_url": "", "likes": "", "is_duet": "no"}
    >>> draft = row_draft(row)
    >>> draft.platform, draft.created_at, draft.likes
    ('tiktok', '2025-05-07T10:00:00Z', None)
    """
    read = _source(row)
    return Reason.BAD_VALUE if read is None else read(row)


def _source(columns: Collection[str]) -> Callable[[Row], Draft | Reason] | None:
    names = set(columns)
    return next((read for signature, read in _SOURCES.items() if names >= signature | _COMMON), None)


def _tweet(row: Row) -> Draft | Reason:
    body = row["body"]
    if _yes(row, "is_withheld") and is_notice(body):
        return Reason.REMOVED
    # The zone of `timestamp` is always UTC here; `unix_timestamp` has the server's own in some versions.
    when = _moment(row["timestamp"], row.get("unix_timestamp", ""))
    if isinstance(when, Reason):
        return when
    kind, parent = "original", None
    if _yes(row, "is_retweet"):
        kind, body = "repost", _SHARED.sub("", body)
    elif _yes(row, "is_quote_tweet"):
        kind, parent = "quote", row.get("quote_tweet_id")
    elif _yes(row, "is_reply"):
        kind = "reply"
    counts = row if kind != "repost" else {}  # they are the original's
    return Draft(
        platform="x",
        id=row["id"],
        author=_person(row, "author_id", "author"),
        created_at=when,
        text=unescape(body) or None,
        kind=kind,
        handle=_person(row, "author"),
        parent=parent or None,
        lang=_language(row, "language_guess"),
        likes=_count(counts, "like_count"),
        replies=_count(counts, "reply_count"),
        reposts=_count(counts, "retweet_count"),
        quotes=_count(counts, "quote_count"),
    )


def _tiktok(row: Row) -> Draft | Reason:
    return _draft(
        row,
        platform="tiktok",
        author=_person(row, "author_id", "author"),
        handle=_person(row, "author"),
        kind="quote" if _yes(row, "is_duet") else "original",
        country=row.get("location_created") or None,
        likes=_count(row, "likes"),
        replies=_count(row, "comments"),
        reposts=_count(row, "shares"),
    )


def _tiktok_comment(row: Row) -> Draft | Reason:
    under = row.get("thread_id") if _yes(row, "is_comment_on_comment") else row.get("post_id")
    return _draft(
        row,
        platform="tiktok",
        author=_person(row, "author"),
        handle=_person(row, "author"),
        kind="reply",
        parent=under or None,
        lang=_language(row, "language_guess"),
        likes=_count(row, "likes"),
        replies=_count(row, "replies"),
    )


def _telegram(row: Row) -> Draft | Reason:
    """A message of a chat with a public name; only the chat and the number together name a message."""
    chat, number, author = row["chat"], row["id"], _person(row, "author")
    if not chat:
        return Reason.PRIVATE_CHAT
    if not _NUMBER.fullmatch(number):
        return Reason.BAD_ID if number else Reason.MISSING_ID
    if author is not None and _NUMBER.fullmatch(author):  # as the other readers of Telegram write it
        author = f"{'channel' if row['author_username'] == chat else 'user'}{author}"
    kind, parent = "original", None
    if any(row.get(f"author_forwarded_from_{part}") for part in ("id", "username", "name")) or row.get(
        "unix_timestamp_forwarded_from"
    ):
        kind = "repost"
    elif (answered := row.get("reply_to", "")) or _yes(row, "is_reply"):
        kind, parent = "reply", f"{chat}/{answered}" if _NUMBER.fullmatch(answered) else None
    edited = from_epoch(row.get("unix_timestamp_edited"))
    return _draft(
        row,
        platform="telegram",
        id=f"{chat}/{number}",
        author=author,
        handle=_person(row, "author_username"),
        kind=kind,
        parent=parent,
        reposts=_count(row, "forwards") if kind != "repost" else None,
        edited_at=None if isinstance(edited, Reason) else edited,
    )


def _bluesky(row: Row) -> Draft | Reason:
    kind, parent = "original", None
    if row["quoted_post"]:
        kind, parent = "quote", _bluesky_uri(row["quoted_post"], "")
    elif row.get("replied_to_post"):
        kind, parent = "reply", _bluesky_uri(row["replied_to_post"], row.get("thread_id", ""))
    when = row.get("created_at") or _moment(row.get("unix_timestamp", ""), row["timestamp"])
    return _draft(
        row,
        platform="bluesky",
        author=_person(row, "author_id"),
        created_at=when,
        handle=_person(row, "author"),
        kind=kind,
        parent=parent,
        lang=_language(row, "languages"),
        likes=_count(row, "like_count"),
        replies=_count(row, "reply_count"),
        reposts=_count(row, "repost_count"),
        quotes=_count(row, "quote_count"),
    )


def _bluesky_uri(link: str, root: str) -> str | None:
    """The address of a post out of its link, where the link has the account's id and not its handle, or it is the root.

    The root of a thread is given as an address.
    """
    found = _BLUESKY_POST.fullmatch(link)
    if found is None:
        return None
    if found[1].startswith("did:"):
        return f"at://{found[1]}/app.bsky.feed.post/{found[2]}"
    return root if root.endswith(f"/{found[2]}") else None


def _instagram(row: Row) -> Draft | Reason:
    under = row.get("parent_id") if row.get("type") == "comment" else None
    return _draft(
        row,
        platform="instagram",
        author=_person(row, "author"),
        handle=_person(row, "author"),
        kind="original" if under is None else "reply",
        parent=under or None,
        likes=_count(row, "num_likes"),
        replies=_count(row, "num_comments"),
    )


def _threads(row: Row) -> Draft | Reason:
    return _draft(
        row,
        platform="threads",
        author=_person(row, "author"),
        handle=_person(row, "author"),
        likes=_count(row, "likes"),
        replies=_count(row, "replies"),
        reposts=_count(row, "reposts"),
        quotes=_count(row, "quotes"),
    )


def _truth(row: Row) -> Draft | Reason:
    thread = row.get("thread_id")
    return _draft(
        row,
        platform="truthsocial",
        author=_person(row, "account_id", "account_username"),
        created_at=row.get("created_at") or _moment(row.get("unix_timestamp", ""), row["timestamp"]),
        text=truth_text(row["body"]),
        handle=_person(row, "account_username"),
        kind="reply" if thread and thread != row["id"] else "original",
        replies=_count(row, "replies_count"),
        reposts=_count(row, "reblogs_count"),
    )


# By columns that one source alone has; told in this order.
_SOURCES: dict[frozenset[str], Callable[[Row], Draft | Reason]] = {
    frozenset({"author", "is_retweet", "retweet_count"}): _tweet,
    frozenset({"author", "post_id", "is_comment_on_comment"}): _tiktok_comment,
    frozenset({"author", "tiktok_url"}): _tiktok,
    frozenset({"author", "chat", "author_username"}): _telegram,
    frozenset({"author", "author_id", "quoted_post", "repost_count"}): _bluesky,
    frozenset({"author", "num_likes", "num_comments"}): _instagram,
    frozenset({"author", "author_is_verified", "reposts", "quotes"}): _threads,
    frozenset({"account_id", "account_username", "reblogs_count"}): _truth,
}


def _draft(row: Row, **fields: Any) -> Draft | Reason:
    """A draft with the columns that all tables have, unless the source says otherwise."""
    when = fields.get("created_at") or _moment(row.get("unix_timestamp", ""), row["timestamp"])
    if isinstance(when, Reason):
        return when
    return Draft(**{"id": row["id"], "text": row["body"] or None, **fields, "created_at": when})


def _moment(first: str, second: str) -> str | Reason:
    """The time in the first cell, else in the second; a written time is in UTC by convention."""
    written = first if first not in ("", "undefined") else second
    return f"{written.replace(' ', 'T')}Z" if _WRITTEN.fullmatch(written) else from_epoch(written)


def _person(row: Row, *columns: str) -> str | None:
    """The first of an account's id and names that is there; one that stands for everybody is none."""
    return next((cell for name in columns if (cell := row.get(name, "")) not in ("", _REDACTED)), None)


def _language(row: Row, column: str) -> str | None:
    """The first language of a list, which is all there is room for."""
    first = row.get(column, "").partition(",")[0].strip()
    return None if first in _NO_LANGUAGE else first


def _yes(row: Row, column: str) -> bool:
    return row.get(column, "").strip().lower() in ("yes", "true")


def _count(row: Row, column: str) -> Any:
    """A count as a number: None where the cell is empty or below zero, as it is for what was not counted."""
    cell = row.get(column, "")
    if cell == "" or _BELOW_ZERO.fullmatch(cell):
        return None
    whole = _WHOLE.fullmatch(cell)
    return int(whole[1]) if whole else cell
