"""Mastodon and what speaks its API, Truth Social too: statuses, answers that hold them, `outbox.json` of an archive.

A status has another `id` on each server, so it is known by its `uri`: the server and what is left of the path without
the account's name, `social.example/1100`. An account is known by its address, `demo@social.example`. Truth Social is
one server, where accounts have ids that last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from discourse.readers.markup import host_of, plain_text
from discourse.readers.records import Draft
from discourse.readers.values import Reason

__all__ = ["drafts", "looks_like"]

_TRUTH = "truthsocial"
_TRUTH_HOST = "truthsocial.com"
_LISTS = ("statuses", "ancestors", "descendants")
_OPEN = frozenset({"public", "unlisted"})
_EVERYONE = frozenset({"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"})
_COLLECTIONS = ("OrderedCollection", "OrderedCollectionPage")
_URI = re.compile(r"https?://([^/?#]+)([/?#].*)", re.IGNORECASE)
_OF_ACCOUNT = re.compile(r"/(?:(?:ap/)?users?/[^/?#]+(?:/statuses)?|p/[^/?#]+(?=/\d+$)|@[^/?#]+)(?=/.)")
_ACTOR = re.compile(r"https?://([^/?#]+)/(?:users/|@)([^/?#@]+)(?:/|$)", re.IGNORECASE)
_PROFILE = re.compile(r"https?://[^/?#]+/@[^/?#@]+/?", re.IGNORECASE)
_NOTHING: Mapping[str, Any] = {}


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a status, an answer with statuses or the outbox of an account's archive.

    >>> looks_like({"uri": "https://social.example/users/demo/statuses/1100", "account": {}, "content": "<p>a</p>"})
    True
    >>> looks_like({"type": "OrderedCollection", "orderedItems": []}), looks_like({"statuses": [{"id_str": "1"}]})
    (True, False)
    """
    if isinstance(record.get("orderedItems"), list):
        return record.get("type") in _COLLECTIONS
    items: list[Any] = [record]
    for name in _LISTS:
        listed = record.get(name)
        items += listed if isinstance(listed, list) else []
    return any(_is_status(item) for item in items)


def drafts(record: Mapping[str, Any]) -> Iterator[Draft | Reason]:
    """The posts of an answer or an outbox in its order, or the one that the record is.

    Text is plain: HTML undone, a content warning before the words it covers. Only what is public or unlisted is
    taken. A boost is a repost with the text of what it boosts and no counts; in an outbox it comes without one
    and is set aside.

    >>> status = {"id": "1100", "uri": "https://social.example/users/demo/statuses/1100", "visibility": "public",
    ...           "created_at": "2025-05-07T10:00:00.000Z", "content": "<p>peace &amp; bread</p>",
    ...           "account": {"username": "demo", "url": "https://social.example/@demo"}}
    >>> [(draft.id, draft.author, draft.text) for draft in drafts(status)]
    [('social.example/1100', 'demo@social.example', 'peace & bread')]
    >>> [reason.value for reason in drafts({**status, "visibility": "private"})]
    ['not_public']
    """
    items, lists = record.get("orderedItems"), [record.get(name) for name in _LISTS]
    if isinstance(items, list):
        yield from map(_activity, items)
    elif any(isinstance(listed, list) for listed in lists):
        for listed in lists:
            yield from map(_status, listed if isinstance(listed, list) else [])
    elif "error" in record and "content" not in record:
        yield Reason.API_ERROR
    else:
        yield _status(record)


def _is_status(value: Any) -> bool:
    return isinstance(value, dict) and {"uri", "content"} <= value.keys() and isinstance(value.get("account"), dict)


def _status(status: Any) -> Draft | Reason:
    if not isinstance(status, dict):
        return Reason.NOT_AN_OBJECT
    boosted = status.get("reblog")
    if boosted is not None and not isinstance(boosted, dict):
        return Reason.WRONG_TYPE
    source = status if boosted is None else boosted
    if not (_is_open(status) and _is_open(source)):
        return Reason.NOT_PUBLIC
    host = host_of(status.get("uri")) or host_of(status.get("url"))
    truth = host is not None and (host == _TRUTH_HOST or host.endswith(f".{_TRUTH_HOST}"))
    account = _mapping(status.get("account"))
    address = account.get("username") if truth else _address(account)
    kind, parent = ("repost", _native(source.get("uri"))) if boosted is not None else _relation(status, account, truth)
    counts = status if boosted is None else _NOTHING
    return Draft(
        platform=_TRUTH if truth else "mastodon",
        id=_native(status.get("uri")),
        author=account.get("id") if truth else address,
        created_at=status.get("created_at"),
        text=_text(source.get("content"), source.get("spoiler_text"), servers=not truth),
        kind=kind,
        handle=address,
        parent=parent,
        lang=source.get("language"),
        location=account.get("location"),
        likes=counts.get("favourites_count"),
        replies=counts.get("replies_count"),
        reposts=counts.get("reblogs_count"),
        quotes=counts.get("quotes_count"),
        edited_at=source.get("edited_at"),
    )


def _is_open(status: Mapping[str, Any]) -> bool:
    """Whether everybody may read a status; where it does not say, it came from a list of public ones."""
    visibility = status.get("visibility")
    return visibility is None or (isinstance(visibility, str) and visibility in _OPEN)


def _relation(status: Mapping[str, Any], account: Mapping[str, Any], truth: bool) -> tuple[str, Any]:
    """The kind of a status and what it refers to; a quote within a reply is a quote."""
    quote = _mapping(status.get("quote"))
    quoted = quote.get("quoted_status") if "quoted_status" in quote else quote
    if quote or (truth and status.get("quote_id")):
        uri = _native(_mapping(quoted).get("uri"))
        return "quote", uri or (_at(_TRUTH_HOST, status.get("quote_id")) if truth else None)
    target = status.get("in_reply_to_id")
    if target is None:
        return "original", None
    return "reply", _at(_TRUTH_HOST, target) if truth else _answered(status, account)


def _answered(status: Mapping[str, Any], account: Mapping[str, Any]) -> str | None:
    """What a status replies to, where that can be told.

    `in_reply_to_id` is the number on the server that was asked. It names the post only if that is the post's
    own server: the account that is answered, the same or one that is mentioned, has no server in its `acct`.
    """
    mentions = status.get("mentions")
    who = status.get("in_reply_to_account_id")
    for person in [account, *(mentions if isinstance(mentions, list) else [])]:
        if isinstance(person, dict) and isinstance(who, str) and person.get("id") == who:
            acct, url = person.get("acct"), person.get("url")
            if isinstance(acct, str) and "@" not in acct and isinstance(url, str) and _PROFILE.fullmatch(url):
                return _at(host_of(url), status.get("in_reply_to_id"))
    return None


def _at(host: str | None, native: Any) -> str | None:
    return f"{host}/{native}" if host and isinstance(native, str) and native else None


def _native(uri: Any) -> Any:
    """Server and path of a status without the account's name, which the id of a post must not show.

    >>> _native("https://social.example/users/demo/statuses/1100/activity"), _native("https://a.example/@demo/1100")
    ('social.example/1100', 'a.example/1100')
    >>> _native("https://a.example/objects/0a1b")
    'a.example/objects/0a1b'
    """
    found = _URI.fullmatch(uri) if isinstance(uri, str) else None
    if found is None:
        return uri
    return f"{found[1].lower()}{_OF_ACCOUNT.sub('', found[2], count=1).removesuffix('/activity')}"


def _address(account: Mapping[str, Any]) -> str | None:
    """Name and server of an account, the same whichever server was asked."""
    name, acct = account.get("username"), account.get("acct")
    host = host_of(account.get("url"))
    if isinstance(name, str) and name and host is not None:
        return f"{name}@{host}".lower()
    return acct.lower() if isinstance(acct, str) and "@" in acct else None


def _text(content: Any, warning: Any, *, servers: bool) -> Any:
    """The words of a status after its content warning, which its author wrote too and is not HTML."""
    if not isinstance(content, str):
        return content
    words = plain_text(content, servers=servers)
    return f"{warning}\n\n{words}".strip() if isinstance(warning, str) and warning else words


def _activity(activity: Any) -> Draft | Reason:
    if not isinstance(activity, dict):
        return Reason.NOT_AN_OBJECT
    form, note = activity.get("type"), activity.get("object")
    if form not in ("Create", "Announce"):
        return Reason.NOT_A_POST
    if not _is_addressed(activity) or (isinstance(note, dict) and not _is_addressed(note)):
        return Reason.NOT_PUBLIC
    if not isinstance(note, dict):
        return Reason.MISSING_TEXT
    if note.get("type") == "Tombstone":
        return Reason.DELETED
    boost = form == "Announce"
    actor = _named(activity.get("actor"))
    address = _address_of(actor) or (None if boost else _address_of(note.get("url")))
    kind, parent = ("repost", _native(note.get("id"))) if boost else _note_relation(note)
    return Draft(
        platform="mastodon",
        id=_native(activity.get("id") if boost else note.get("id")),
        author=address or actor,
        created_at=activity.get("published") if boost else note.get("published", activity.get("published")),
        text=_text(note.get("content"), note.get("summary"), servers=True),
        kind=kind,
        handle=address,
        parent=parent,
        lang=_only_language(note.get("contentMap")),
        edited_at=note.get("updated"),
    )


def _address_of(link: Any) -> str | None:
    """Name and server out of an actor's link, or a page's where the actor's is a number (`/ap/users/99`)."""
    found = _ACTOR.match(link) if isinstance(link, str) else None
    return None if found is None else f"{found[2]}@{found[1]}".lower()


def _is_addressed(thing: Mapping[str, Any]) -> bool:
    """Whether an activity or its object goes to everybody; one that does not say so is private."""
    for name in ("to", "cc"):
        given = thing.get(name)
        for address in given if isinstance(given, list) else [given]:
            if isinstance(address, str) and address in _EVERYONE:
                return True
    return False


def _note_relation(note: Mapping[str, Any]) -> tuple[str, Any]:
    for name in ("quote", "quoteUri", "quoteUrl", "_misskey_quote"):
        if note.get(name):
            return "quote", _native(_named(note[name]))
    parent = _native(_named(note.get("inReplyTo")))
    return ("original", None) if parent is None else ("reply", parent)


def _named(value: Any) -> Any:
    """The address of a thing that is given as its address or as an object."""
    return value.get("id") if isinstance(value, dict) else value


def _only_language(texts: Any) -> Any:
    return next(iter(texts)) if isinstance(texts, dict) and len(texts) == 1 else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING
