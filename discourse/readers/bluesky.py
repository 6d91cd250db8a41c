"""Bluesky: answers of its API, single posts out of them, and the events of Jetstream.

An answer is pages of posts (`posts`), of a feed (`feed`), or lines of either's items, with keys as the API writes
them or as the Python library atproto does (`created_at`). A post's id is its `at://` address, its author the DID.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from discourse.readers.records import MAX_INTEGER, Draft, Item, Withdrawal
from discourse.readers.values import Reason, from_epoch, parse_time

__all__ = ["drafts", "looks_like"]

_POST, _REPOST = "app.bsky.feed.post", "app.bsky.feed.repost"
_EVENTS = frozenset({"commit", "identity", "account"})
_BROKEN_HANDLES = frozenset({"handle.invalid", "missing.invalid"})
_OPENED = datetime(2022, 11, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_NOTHING: Mapping[str, Any] = {}


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a page, a feed, a post or an event of Bluesky.

    >>> looks_like({"did": "did:plc:demo", "time_us": 1746612000000000, "kind": "identity"})
    True
    >>> looks_like({"posts": [{"uri": "at://did:plc:demo/app.bsky.feed.post/1", "author": {}, "record": {}}]})
    True
    >>> looks_like({"posts": []})
    False
    """
    did, kind = record.get("did"), record.get("kind")
    if isinstance(did, str) and did.startswith("did:") and isinstance(kind, str):
        return kind in _EVENTS and "time_us" in record
    items = [record, record.get("post")]
    for name in ("posts", "feed"):
        listed = record.get(name)
        items += listed if isinstance(listed, list) else []
    return any(_is_view(item) or (isinstance(item, dict) and _is_view(item.get("post"))) for item in items)


def drafts(record: Mapping[str, Any]) -> Iterator[Item]:
    """The posts of a page or feed in its order, the one post of a line, or what an event says.

    An item of a feed that somebody reposted is that person's repost, with the text and none of the counts. Of
    events, a post that is created or changed is a post; a post or account that is deleted is a `Withdrawal`; a
    repost comes without its text and is set aside; likes, follows and changed names are no rows.

    >>> commit = {"operation": "create", "collection": "app.bsky.feed.post", "rkey": "3demo",
    ...           "record": {"text": "peace", "createdAt": "2025-05-07T10:00:00Z"}}
    >>> event = {"did": "did:plc:demo", "time_us": 1746612000000000, "kind": "commit", "commit": commit}
    >>> [(draft.id, draft.text) for draft in drafts(event)]
    [('at://did:plc:demo/app.bsky.feed.post/3demo', 'peace')]
    >>> list(drafts({**event, "commit": {**commit, "operation": "delete"}}))
    [Withdrawal(platform='bluesky', id='at://did:plc:demo/app.bsky.feed.post/3demo', of='post')]
    """
    if "did" in record and "kind" in record:
        yield from _event(record)
    elif isinstance(record.get("posts"), list):
        yield from map(_post, record["posts"])
    elif isinstance(record.get("feed"), list):
        yield from map(_feed_item, record["feed"])
    elif "post" in record:
        yield _feed_item(record)
    elif "uri" in record:
        yield _post(record)
    else:
        yield Reason.API_ERROR if "error" in record else Reason.NOT_A_POST


def _is_view(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("record"), dict):
        return False
    uri = value.get("uri")
    return isinstance(uri, str) and uri.startswith("at://") and isinstance(value.get("author"), dict)


def _feed_item(item: Any) -> Draft | Reason:
    if not isinstance(item, dict):
        return Reason.NOT_AN_OBJECT
    view, reason = item.get("post"), _mapping(item.get("reason"))
    if "by" not in reason or not isinstance(view, dict):  # a pinned post has a reason too, and no `by`
        return _post(view)
    by, record = _mapping(reason["by"]), _mapping(view.get("record"))
    return Draft(
        platform="bluesky",
        id=reason.get("uri") or _made_id(view.get("uri"), by.get("did")),
        author=by.get("did"),
        created_at=_get(reason, "indexedAt"),
        text=record.get("text"),
        kind="repost",
        handle=_handle(by),
        parent=view.get("uri"),
        lang=_language(record),
    )


def _made_id(uri: Any, did: Any) -> str | None:
    """An id for a repost of which older answers do not say the address: whose it is of what."""
    return f"{uri}#{did}" if isinstance(uri, str) and uri and isinstance(did, str) and did else None


def _post(view: Any) -> Draft | Reason:
    if not isinstance(view, dict):
        return Reason.NOT_AN_OBJECT
    record, author = _mapping(view.get("record")), _mapping(view.get("author"))
    kind, parent = _relation(record)
    return Draft(
        platform="bluesky",
        id=view.get("uri"),
        author=author.get("did"),
        created_at=_time(_get(record, "createdAt"), _get(view, "indexedAt")),
        text=record.get("text"),
        kind=kind,
        handle=_handle(author),
        parent=parent,
        lang=_language(record),
        likes=_get(view, "likeCount"),
        replies=_get(view, "replyCount"),
        reposts=_get(view, "repostCount"),
        quotes=_get(view, "quoteCount"),
    )


def _event(event: Mapping[str, Any]) -> Iterator[Item]:
    if event["kind"] == "commit":
        commit = event.get("commit")
        if not isinstance(commit, dict):
            yield Reason.WRONG_TYPE
        elif commit.get("collection") in (_POST, _REPOST):
            yield _commit(event, commit)
    elif event["kind"] == "account" and _mapping(event.get("account")).get("status") == "deleted":
        yield Withdrawal("bluesky", event["did"], "author")


def _commit(event: Mapping[str, Any], commit: Mapping[str, Any]) -> Item:
    did, collection, key = event["did"], commit["collection"], commit.get("rkey")
    if not (isinstance(did, str) and did and isinstance(key, str) and key):
        return Reason.BAD_ID
    uri, operation = f"at://{did}/{collection}/{key}", commit.get("operation")
    if operation == "delete":
        return Withdrawal("bluesky", uri)
    if operation not in ("create", "update"):
        return Reason.BAD_VALUE
    if collection == _REPOST:
        return Reason.MISSING_TEXT
    record, seen = _mapping(commit.get("record")), _micro(event.get("time_us"))
    kind, parent = _relation(record)
    return Draft(
        platform="bluesky",
        id=uri,
        author=did,
        created_at=_time(_get(record, "createdAt"), seen),
        text=record.get("text"),
        kind=kind,
        parent=parent,
        lang=_language(record),
        edited_at=seen if operation == "update" else None,
    )


def _micro(value: Any) -> str | None:
    """Microseconds since 1970 as ISO 8601."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INTEGER:
        return None
    when = from_epoch(value / 1_000_000)
    return None if isinstance(when, Reason) else when


def _time(declared: Any, seen: Any) -> Any:
    """The time that the author's program declares, else when it was seen, where the first cannot be true.

    It cannot when it is unreadable, before there was a Bluesky, or over a day after it was seen.
    """
    server = parse_time(seen)
    if isinstance(server, Reason) or not isinstance(declared, str):
        return declared
    client = parse_time(declared)
    wrong = isinstance(client, Reason) or client < _OPENED or client - server > _DAY
    return seen if wrong else declared


def _relation(record: Mapping[str, Any]) -> tuple[str, Any]:
    """The kind of a post and the post it refers to; a quote within a reply is a quote.

    What is quoted may also be a list, a feed or a profile, which are no posts.
    """
    quoted = _mapping(_mapping(record.get("embed")).get("record"))
    uri = quoted.get("uri") or _mapping(quoted.get("record")).get("uri")  # the second is beside pictures
    if isinstance(uri, str) and f"/{_POST}/" in uri:
        return "quote", uri
    parent = _mapping(_mapping(record.get("reply")).get("parent")).get("uri")
    return ("original", None) if parent is None else ("reply", parent)


def _handle(account: Mapping[str, Any]) -> Any:
    """The handle; none where a word stands in its place that all broken handles share."""
    handle = account.get("handle")
    return None if isinstance(handle, str) and handle in _BROKEN_HANDLES else handle


def _language(record: Mapping[str, Any]) -> Any:
    languages = record.get("langs")
    return languages[0] if isinstance(languages, list) and languages else None


def _get(record: Mapping[str, Any], name: str) -> Any:
    """A field under the name the API gives it, else under the one of the Python library."""
    value = record.get(name)
    return record.get("".join(f"_{c.lower()}" if c.isupper() else c for c in name)) if value is None else value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING
