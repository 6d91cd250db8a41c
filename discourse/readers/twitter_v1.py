"""Tweets of Twitter's API version 1.1 (twarc 1, stream samples, hydrated ids): JSON lines, an array, one tweet.

A record may also be an answer of the search, `{"statuses": [...]}`, or a notice of the stream, which is no post.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from discourse.readers.records import Draft, Item
from discourse.readers.values import Reason, unescape
from discourse.readers.x_api import withdrawal

__all__ = ["drafts", "looks_like"]

_NOTICES = {
    "delete": "status",
    "scrub_geo": "up_to_status_id",
    "limit": "track",
    "status_withheld": "withheld_in_countries",
    "user_withheld": "withheld_in_countries",
    "disconnect": "code",
    "warning": "code",
}  # the one key of a notice, and a key of what it holds
_EVERYWHERE = frozenset({"XX", "XY"})  # withheld in all countries, withheld for copyright
_EXACT = 2**53  # a larger number may have passed through a double
_ROUNDED = float(_EXACT)  # refused like any id that is a float
_NOTHING: Mapping[str, Any] = {}


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a tweet of version 1.1, an answer of its search or a notice of its stream.

    >>> looks_like({"id_str": "9001", "created_at": "", "user": {"id_str": "42"}, "text": "peace"})
    True
    >>> looks_like({"delete": {"status": {"id_str": "9001"}}}), looks_like({"id": "9001", "text": "peace"})
    (True, False)
    """
    if _is_notice(record):
        return True
    statuses = record.get("statuses")
    if isinstance(statuses, list):
        return "search_metadata" in record or any(isinstance(item, dict) and _is_tweet(item) for item in statuses)
    return _is_tweet(record)


def drafts(record: Mapping[str, Any]) -> Iterator[Item]:
    """The post of a line, or those of a search answer. A notice of the stream counts as one row, `not_a_post`;
    that of a deletion withdraws the tweet it names.

    A retweet has the whole text of its original and no counts of its own.

    >>> original = {"id_str": "9001", "text": "a long w…", "extended_tweet": {"full_text": "a long word"}}
    >>> tweet = {"id_str": "9002", "user": {"id_str": "42"}, "text": "RT @demo_one: a lo…", "retweet_count": 3,
    ...          "retweeted_status": original}
    >>> [(draft.kind, draft.text, draft.parent, draft.reposts) for draft in drafts(tweet)]
    [('repost', 'a long word', '9001', None)]
    """
    statuses = record.get("statuses")
    if _is_notice(record):
        yield withdrawal(_mapping(record.get("delete")))
    elif isinstance(statuses, list):
        for item in statuses:
            yield _draft(item) if isinstance(item, dict) else Reason.NOT_AN_OBJECT
    else:
        yield _draft(record)


def _is_notice(record: Mapping[str, Any]) -> bool:
    return len(record) == 1 and all(_NOTICES.get(name) in _mapping(value) for name, value in record.items())


def _is_tweet(record: Mapping[str, Any]) -> bool:
    return (
        isinstance(record.get("user"), dict)
        and "created_at" in record
        and not {"id", "id_str"}.isdisjoint(record)
        and not {"text", "full_text", "extended_tweet"}.isdisjoint(record)
    )


def _draft(tweet: Mapping[str, Any]) -> Draft | Reason:
    kind, parent = _relation(tweet)
    original = _mapping(tweet.get("retweeted_status"))
    if _is_withheld(tweet) or _is_withheld(original):
        return Reason.REMOVED
    text = _text(original)
    counts = tweet if kind != "repost" else _NOTHING
    user = _mapping(tweet.get("user"))
    return Draft(
        platform="x",
        id=_id(tweet, "id"),
        author=_id(user, "id"),
        created_at=tweet.get("created_at"),
        text=unescape(text if isinstance(text, str) else _text(tweet)),
        kind=kind,
        handle=user.get("screen_name"),
        parent=parent,
        lang=tweet.get("lang"),
        country=_mapping(tweet.get("place")).get("country_code"),
        location=user.get("location"),
        likes=counts.get("favorite_count"),
        replies=counts.get("reply_count"),
        reposts=counts.get("retweet_count"),
        quotes=counts.get("quote_count"),
        collected_at=_mapping(tweet.get("__twarc")).get("retrieved_at"),
        version_of=_first_version(tweet),
    )


def _first_version(tweet: Mapping[str, Any]) -> Any:
    """The id of the first version of a tweet that was edited; each edit makes a new id."""
    history = tweet.get("edit_history_tweet_ids")
    versions = _mapping(tweet.get("edit_history")).get("edit_tweet_ids") if history is None else history
    return versions[0] if isinstance(versions, list) and len(versions) > 1 else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def _id(record: Mapping[str, Any], name: str) -> Any:
    """The id as a string; without one the number, unless it is so large that a tool may have rounded it."""
    exact = record.get(f"{name}_str")
    if exact is not None and exact != "":
        return exact
    number = record.get(name)
    return _ROUNDED if isinstance(number, int) and number > _EXACT else number


def _text(tweet: Mapping[str, Any]) -> Any:
    """The whole text: `text` stops at 140 characters where there is a full one."""
    for text in (_mapping(tweet.get("extended_tweet")).get("full_text"), tweet.get("full_text")):
        if isinstance(text, str):
            return text
    return tweet.get("text")


def _is_withheld(tweet: Mapping[str, Any]) -> bool:
    """Whether a notice stands in place of the text, for everyone."""
    countries = tweet.get("withheld_in_countries")
    named = [item for item in countries if isinstance(item, str)] if isinstance(countries, list) else []
    return tweet.get("withheld_copyright") is True or not _EVERYWHERE.isdisjoint(named)


def _relation(tweet: Mapping[str, Any]) -> tuple[str, Any]:
    """The kind of a tweet and the id it refers to; a quote within a reply is a quote."""
    original = tweet.get("retweeted_status")
    if isinstance(original, dict):
        return "repost", _id(original, "id")
    quoted = _id(tweet, "quoted_status_id")
    if quoted is None:
        quoted = _id(_mapping(tweet.get("quoted_status")), "id")
    if quoted is not None or tweet.get("is_quote_status") is True:
        return "quote", quoted
    answered = _id(tweet, "in_reply_to_status_id")
    return ("original", None) if answered is None else ("reply", answered)
