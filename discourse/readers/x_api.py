"""X API v2 as twarc writes it: response pages, one on a line, flattened tweets, and notices of deletions.

`includes` of a page are context, never posts of the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from discourse.readers.records import Draft, Item, Withdrawal
from discourse.readers.values import Reason, unescape

__all__ = ["drafts", "looks_like", "withdrawal"]

_KINDS = (("retweeted", "repost"), ("quoted", "quote"), ("replied_to", "reply"))
_NOTHING: Mapping[str, Any] = {}


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a page of the X API v2, a tweet of `twarc2 flatten` or a notice of a deletion.

    >>> looks_like({"data": [], "meta": {}}), looks_like({"id": "9001", "author_id": "42", "text": "peace"})
    (True, True)
    >>> looks_like({"delete": {"tweet": {"id": "9001"}}}), looks_like({"status_id": "9001"})
    (True, False)
    """
    if isinstance(_mapping(record.get("delete")).get("tweet"), dict):
        return not {"id", "text"} & record.keys()
    if "data" in record or "errors" in record:
        return bool({"includes", "meta", "__twarc", "matching_rules", "errors"} & record.keys()) or any(
            isinstance(item, dict) and "author_id" in item for item in _items(record)
        )
    return {"id", "author_id", "text"} <= record.keys() or ("meta" in record and "__twarc" in record)


def drafts(record: Mapping[str, Any]) -> Iterator[Item]:
    """The posts of one line: those of a page's `data`, or the flattened tweet itself.

    A page without data counts as one row with the reason `api_error` if it reports errors, as no row if it
    is an answer without results. A notice of a deletion withdraws the tweet it names.

    >>> page = {"data": {"id": "9001", "author_id": "42", "created_at": "2025-05-07T10:00:00Z", "text": "a &amp; b"}}
    >>> [draft.text for draft in drafts(page)]
    ['a & b']
    >>> list(drafts({"errors": [{"title": "Not Found Error"}]}))
    [<Reason.API_ERROR: 'api_error'>]
    """
    fetched = _mapping(record.get("__twarc")).get("retrieved_at")
    notice = record.get("delete")
    if isinstance(notice, dict) and not {"id", "text", "data"} & record.keys():
        yield withdrawal(notice)
    elif record.get("data") is not None:
        includes = _mapping(record.get("includes"))
        users, tweets, places = (_by_id(includes.get(name)) for name in ("users", "tweets", "places"))
        for item in _items(record):
            yield _draft(item, fetched, users, tweets, places) if isinstance(item, dict) else Reason.NOT_AN_OBJECT
    elif record.get("errors"):
        yield Reason.API_ERROR
    elif "meta" not in record:
        yield _draft(record, fetched, _NOTHING, _NOTHING, _NOTHING)


def withdrawal(notice: Mapping[str, Any]) -> Withdrawal | Reason:
    """What a notice of a deletion takes back: the tweet of version 2, or the status of version 1.1.

    One that names no tweet is no post; one whose id a tool has rounded is refused, as it may mean another tweet.

    >>> withdrawal({"tweet": {"id": "9001"}}), withdrawal({"status": {"id": 9001}}), withdrawal({"status": {}})
    (Withdrawal(platform='x', id='9001', of='post'), Withdrawal(platform='x', id=9001, of='post'),
     <Reason.NOT_A_POST: 'not_a_post'>)
    """
    gone = _mapping(notice.get("tweet")) or _mapping(notice.get("status"))
    named = gone.get("id_str") or gone.get("id")
    if isinstance(named, float):
        return Reason.ID_PRECISION_LOST
    known = isinstance(named, str | int) and not isinstance(named, bool) and named != ""
    return Withdrawal("x", named) if known else Reason.NOT_A_POST


def _items(record: Mapping[str, Any]) -> list[Any]:
    data = record.get("data")
    return data if isinstance(data, list) else [data]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def _by_id(value: Any) -> Mapping[str, Any]:
    items = value if isinstance(value, list) else []
    return {item["id"]: item for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)}


def _found(table: Mapping[str, Any], key: Any) -> Mapping[str, Any]:
    return _mapping(table.get(key)) if isinstance(key, str) else _NOTHING


def _draft(
    tweet: Mapping[str, Any],
    fetched: Any,
    users: Mapping[str, Any],
    tweets: Mapping[str, Any],
    places: Mapping[str, Any],
) -> Draft | Reason:
    metrics = tweet.get("public_metrics")
    if metrics is not None and not isinstance(metrics, dict):
        return Reason.WRONG_TYPE
    kind, reference = _relation(tweet)
    parent = reference.get("id")
    text = _text(tweet)
    if kind == "repost":
        metrics = None  # they are the original's
        original = _text(reference) if isinstance(_text(reference), str) else _text(_found(tweets, parent))
        text = original if isinstance(original, str) else text
    counts = _mapping(metrics)
    inlined = _mapping(tweet.get("author"))
    author = tweet.get("author_id", inlined.get("id"))
    account = inlined or _found(users, author)
    geo = _mapping(tweet.get("geo"))
    return Draft(
        platform="x",
        id=tweet.get("id"),
        author=author,
        created_at=tweet.get("created_at"),
        text=unescape(text),
        kind=kind,
        handle=account.get("username"),
        parent=parent,
        lang=tweet.get("lang"),
        country=geo.get("country_code", _found(places, geo.get("place_id")).get("country_code")),
        location=account.get("location"),
        likes=counts.get("like_count"),
        replies=counts.get("reply_count"),
        reposts=counts.get("retweet_count"),
        quotes=counts.get("quote_count"),
        collected_at=fetched,
        version_of=_first_version(tweet),
    )


def _first_version(tweet: Mapping[str, Any]) -> Any:
    """The id of the first version of a tweet that was edited; each edit makes a new id."""
    versions = tweet.get("edit_history_tweet_ids")
    return versions[0] if isinstance(versions, list) and len(versions) > 1 else None


def _text(tweet: Mapping[str, Any]) -> Any:
    """The whole text: `text` stops at 280 characters where there is a `note_tweet`."""
    note = _mapping(tweet.get("note_tweet")).get("text")
    return note if isinstance(note, str) else tweet.get("text")


def _relation(tweet: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The kind of a tweet and the tweet it refers to; a quote within a reply is a quote."""
    given = tweet.get("referenced_tweets")
    references = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    for name, kind in _KINDS:
        for reference in references:
            if reference.get("type") == name:
                return kind, reference
    return "original", _NOTHING
