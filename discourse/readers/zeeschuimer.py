"""What the browser extension Zeeschuimer captured, one item a line, with the platform's own JSON in `data`.

Platforms change that JSON every month: fields are looked for where they have stood, and one that is not there is
left out or makes the item a row that is set aside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from discourse.readers.markup import plain_text
from discourse.readers.records import Draft
from discourse.readers.values import Reason, from_epoch, unescape

__all__ = ["captured", "drafts", "is_notice", "looks_like", "truth_text"]

_LATEST = 10**14  # milliseconds; what is above is no time
_GONE = ("TweetTombstone", "TweetUnavailable")
_EVERYWHERE = frozenset({"XX", "XY"})  # withheld in all countries, withheld for copyright
_NOTICE = re.compile(
    r"This (?:Tweet|Post) from @\w{1,20} has been withheld|@\w{1,20}(?:'s|’s)? account (?:has been|is) withheld"
)
_ADS = "https://www.facebook.com/ads/"
_UNKNOWN_LANGUAGES = frozenset({"un", ""})
_NOBODY = frozenset({"REDACTED", "0", 0})  # the first is what 4CAT writes for everyone
_NOTHING: Mapping[str, Any] = {}


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is an item of Zeeschuimer.

    >>> looks_like({"source_platform": "tiktok.com", "timestamp_collected": 1746612000000, "data": {"id": "9001"}})
    True
    >>> looks_like({"data": {"id": "9001"}, "meta": {}})
    False
    """
    return {"source_platform", "timestamp_collected"} <= record.keys() and isinstance(record.get("data"), dict)


def drafts(record: Mapping[str, Any]) -> Iterator[Draft | Reason]:
    """The one post of an item, or the reason why it is none; an item of a platform that is not read is `bad_value`.

    Who collected it, with which browser and from which address, is left behind.

    >>> data = {"id": "9001", "desc": "peace", "createTime": "1746612000", "author": {"id": "42"}}
    >>> item = {"source_platform": "tiktok.com", "timestamp_collected": 1746698400000, "data": data}
    >>> [(draft.text, draft.collected_at) for draft in drafts(item)]
    [('peace', '2025-05-08T10:00:00+00:00')]
    >>> list(drafts({**item, "source_platform": "9gag.com"}))
    [<Reason.BAD_VALUE: 'bad_value'>]
    """
    yield captured(record.get("source_platform"), record.get("data"), record.get("timestamp_collected"))


def captured(source: Any, data: Any, collected: Any) -> Draft | Reason:
    """The post in an item of a platform, which Zeeschuimer names by its domain; `collected` is in milliseconds.

    >>> captured("truthsocial.com", {"id": "9001", "content": "<p>peace</p>"}, None).text
    'peace'
    >>> captured("truthsocial.com", [], None)
    <Reason.NOT_AN_OBJECT: 'not_an_object'>
    """
    read = _PLATFORMS.get(source.lower().removeprefix("www.")) if isinstance(source, str) else None
    if read is None:
        return Reason.BAD_VALUE
    if not isinstance(data, dict):
        return Reason.NOT_AN_OBJECT
    item = read(data)
    return item if isinstance(item, Reason) else replace(item, collected_at=_milliseconds(collected))


def is_notice(text: Any) -> bool:
    """Whether X shows this in place of a post that it withholds in the country of the one who looked.

    >>> is_notice("This Post from @demo_one has been withheld in India in response to a legal demand.")
    True
    >>> is_notice("The aid has been withheld")
    False
    """
    return isinstance(text, str) and _NOTICE.match(text) is not None


def _tweet(data: Mapping[str, Any]) -> Draft | Reason:
    tweet, legacy = _opened(data)
    original, shared = _opened(_at(legacy, "retweeted_status_result", "result"))
    user = _mapping(_at(tweet, "core", "user_results", "result")) or _mapping(tweet.get("user"))
    types = (tweet.get("__typename"), original.get("__typename"))
    if any(name in types for name in _GONE) or _withheld(legacy) or _withheld(shared):
        return Reason.REMOVED
    if True in (_at(user, "legacy", "protected"), _at(user, "privacy", "protected"), user.get("protected")):
        return Reason.NOT_PUBLIC
    kind, parent = _relation(tweet, legacy)
    text = _note(original, shared) if kind == "repost" else None
    counts = legacy if kind != "repost" else _NOTHING  # they are the original's
    return Draft(
        platform="x",
        id=_x_id(tweet, legacy),
        author=legacy.get("user_id_str") or user.get("rest_id") or user.get("id_str"),
        created_at=legacy.get("created_at"),
        text=unescape(_note(tweet, legacy) if text is None else text),
        kind=kind,
        handle=_at(user, "core", "screen_name") or _at(user, "legacy", "screen_name") or user.get("screen_name"),
        parent=parent,
        lang=legacy.get("lang"),
        country=_at(legacy, "place", "country_code"),
        location=_location(user),
        likes=counts.get("favorite_count"),
        replies=counts.get("reply_count"),
        reposts=counts.get("retweet_count"),
        quotes=counts.get("quote_count"),
        version_of=_first_version(tweet),
    )


def _opened(value: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A tweet and the part of it in the older form; it is one level down where its visibility is limited."""
    tweet = _mapping(value)
    tweet = _mapping(tweet.get("tweet")) or tweet
    return tweet, _mapping(tweet.get("legacy"))


def _x_id(tweet: Mapping[str, Any], legacy: Mapping[str, Any]) -> Any:
    """Not `id`, nor the item's own: there the extension keeps a number that the browser has rounded."""
    return tweet.get("rest_id") or legacy.get("id_str")


def _note(tweet: Mapping[str, Any], legacy: Mapping[str, Any]) -> Any:
    """The whole text: `full_text` stops at 280 characters where there is a note."""
    note = _at(tweet, "note_tweet", "note_tweet_results", "result", "text")
    return note if isinstance(note, str) else legacy.get("full_text")


def _relation(tweet: Mapping[str, Any], legacy: Mapping[str, Any]) -> tuple[str, Any]:
    """The kind of a tweet and the id it refers to; a quote within a reply is a quote."""
    shared = legacy.get("retweeted_status_id_str")
    if shared or isinstance(legacy.get("retweeted_status_result"), dict):
        return "repost", _x_id(*_opened(_at(legacy, "retweeted_status_result", "result"))) or shared
    quoted = _x_id(*_opened(_at(tweet, "quoted_status_result", "result"))) or legacy.get("quoted_status_id_str")
    if quoted or legacy.get("is_quote_status") is True:
        return "quote", quoted
    answered = legacy.get("in_reply_to_status_id_str")
    return ("reply", answered) if answered else ("original", None)


def _withheld(legacy: Mapping[str, Any]) -> bool:
    """Whether a notice stands in place of the text; a post withheld elsewhere is whole for the one who looked."""
    countries = legacy.get("withheld_in_countries")
    named = [item for item in countries if isinstance(item, str)] if isinstance(countries, list) else []
    if legacy.get("withheld_copyright") is True or not _EVERYWHERE.isdisjoint(named):
        return True
    return bool(named or legacy.get("withheld_scope")) and is_notice(legacy.get("full_text"))


def _location(user: Mapping[str, Any]) -> Any:
    """Where the profile says the account is: an object of its own, in the older part, or right there."""
    place = user.get("location")
    return place.get("location") if isinstance(place, dict) else _at(user, "legacy", "location") or place


def _first_version(tweet: Mapping[str, Any]) -> Any:
    for place in (("edit_control",), ("edit_control", "edit_control_initial")):
        versions = _at(tweet, *place, "edit_tweet_ids")
        if isinstance(versions, list) and len(versions) > 1:
            return versions[0]
    return None


def _tiktok(data: Mapping[str, Any]) -> Draft | Reason:
    author = data.get("author")  # an object in answers, a handle in what pages hold
    account = author if isinstance(author, dict) else {"id": data.get("authorId") or author, "uniqueId": author}
    private = (data.get("privateItem"), data.get("secret"), data.get("forFriend"), account.get("privateAccount"))
    when = from_epoch(data.get("createTime"))
    if True in private:
        return Reason.NOT_PUBLIC
    if isinstance(when, Reason):
        return when
    duet = _at(data, "duetInfo", "duetFromId")
    duet = None if _is_nobody(duet) else duet or None
    return Draft(
        platform="tiktok",
        id=data.get("id"),
        author=_person(account.get("id")) or _person(account.get("uniqueId")),
        created_at=when,
        text=data.get("desc") or None,
        kind="original" if duet is None else "quote",
        handle=_person(account.get("uniqueId")),
        parent=duet,
        lang=_language(data.get("textLanguage")),
        country=data.get("locationCreated"),
        likes=_stat(data, "diggCount"),
        replies=_stat(data, "commentCount"),
        reposts=_stat(data, "shareCount"),
    )


def _stat(data: Mapping[str, Any], name: str) -> Any:
    """A count as a number, or as the digits that newer items also have."""
    count = _at(data, "stats", name)
    return _digits(_at(data, "statsV2", name)) if count is None else _digits(count)


def _tiktok_comment(data: Mapping[str, Any]) -> Draft | Reason:
    when = from_epoch(data.get("create_time"))
    if isinstance(when, Reason):
        return when
    user = _mapping(data.get("user"))
    above = [data.get("reply_to_reply_id"), data.get("reply_id")]
    answered = next((native for native in above if native and not _is_nobody(native)), data.get("aweme_id"))
    return Draft(
        platform="tiktok",
        id=data.get("cid"),
        author=_person(user.get("uid")) or _person(user.get("unique_id")),
        created_at=when,
        text=data.get("text") or None,
        kind="reply",
        handle=_person(user.get("unique_id")),
        parent=answered,
        lang=_language(data.get("comment_language")),
        likes=data.get("digg_count"),
        replies=data.get("reply_comment_total"),
    )


def _instagram(data: Mapping[str, Any]) -> Draft | Reason:
    link = data.get("link")
    if data.get("product_type") == "ad" or (isinstance(link, str) and link.startswith(_ADS)):
        return Reason.NOT_A_POST
    return _meta(data, "instagram", ("original", None), data)


def _threads(data: Mapping[str, Any]) -> Draft | Reason:
    info = _mapping(data.get("text_post_app_info"))
    share = _mapping(info.get("share_info"))
    shared, quoted = _mapping(share.get("reposted_post")), _mapping(share.get("quoted_post"))
    if shared:
        return _meta(data, "threads", ("repost", shared.get("code")), shared)
    if quoted:
        return _meta(data, "threads", ("quote", quoted.get("code")), data)
    return _meta(data, "threads", ("reply" if info.get("is_reply") is True else "original", None), data)


def _meta(
    data: Mapping[str, Any], platform: str, relation: tuple[str, Any], words: Mapping[str, Any]
) -> Draft | Reason:
    """A post of Instagram or Threads; Instagram has an older form, a node of a graph."""
    graph = "shortcode" in data
    user = _mapping(data.get("user")) or _mapping(data.get("owner"))
    when = from_epoch(data.get("taken_at_timestamp") if graph else data.get("taken_at"))
    if user.get("is_private") is True or user.get("text_post_app_is_private") is True:
        return Reason.NOT_PUBLIC
    if isinstance(when, Reason):
        return when
    kind, parent = relation
    counts = data if kind != "repost" else _NOTHING  # they are the original's
    info = _mapping(counts.get("text_post_app_info"))
    hidden = counts.get("like_and_view_counts_disabled") is True
    likes = _at(counts, "edge_media_preview_like", "count") if graph else counts.get("like_count")
    comments = _at(counts, "edge_media_preview_comment", "count") if graph else counts.get("comment_count")
    return Draft(
        platform=platform,
        id=data.get("shortcode") if graph else data.get("code"),
        author=_person(user.get("pk")) or _person(user.get("id")) or _person(user.get("username")),
        created_at=when,
        text=_caption(words) or None,
        kind=kind,
        handle=_person(user.get("username")),
        parent=parent,
        likes=None if hidden else _shown(likes),
        replies=_shown(info.get("direct_reply_count") if platform == "threads" else comments),
        reposts=_shown(info.get("repost_count")),
        quotes=_shown(info.get("quote_count")),
    )


def _caption(data: Mapping[str, Any]) -> Any:
    edges = _at(data, "edge_media_to_caption", "edges")
    if isinstance(edges, list) and edges:
        return _at(edges[0], "node", "text")
    return _at(data, "caption", "text")


def _truth(data: Mapping[str, Any]) -> Draft | Reason:
    if data.get("visibility") in ("private", "direct"):
        return Reason.NOT_PUBLIC
    account, shared = _mapping(data.get("account")), _mapping(data.get("reblog"))
    kind, parent = "original", None
    if shared:
        kind, parent = "repost", shared.get("id")
    elif quoted := data.get("quote_id") or _at(data, "quote", "id"):
        kind, parent = "quote", quoted
    elif answered := data.get("in_reply_to_id"):
        kind, parent = "reply", answered
    counts = data if kind != "repost" else _NOTHING  # they are the original's
    return Draft(
        platform="truthsocial",
        id=data.get("id"),
        author=_person(account.get("id")) or _person(account.get("username")),
        created_at=data.get("created_at"),
        text=truth_text((shared or data).get("content")),
        kind=kind,
        handle=_person(account.get("username")),
        parent=parent,
        lang=data.get("language"),
        likes=counts.get("favourites_count"),
        replies=counts.get("replies_count"),
        reposts=counts.get("reblogs_count"),
        edited_at=data.get("edited_at"),
    )


def truth_text(content: Any) -> Any:
    """The words of a post of Truth Social: HTML, which newer versions of the extension have made plain already.

    >>> truth_text("<p>bread &amp; peace</p>"), truth_text("1 < 2 &amp; so on"), truth_text("")
    ('bread & peace', '1 < 2 &amp; so on', None)
    """
    if isinstance(content, str) and content.startswith("<p>"):
        content = plain_text(content)
    return None if content == "" else content


_PLATFORMS: dict[str, Callable[[Mapping[str, Any]], Draft | Reason]] = {
    "twitter.com": _tweet,
    "x.com": _tweet,
    "tiktok.com": _tiktok,
    "tiktok-comments": _tiktok_comment,
    "instagram.com": _instagram,
    "threads.net": _threads,
    "threads.com": _threads,
    "truthsocial.com": _truth,
}


def _at(record: Any, *names: str) -> Any:
    """What stands at a path of keys, None where it breaks off."""
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def _is_nobody(value: Any) -> bool:
    return isinstance(value, str | int) and value in _NOBODY


def _person(value: Any) -> Any:
    """An id or name of an account, None where 4CAT has put one word in place of everyone's."""
    return None if _is_nobody(value) else value


def _language(value: Any) -> Any:
    return None if isinstance(value, str) and value in _UNKNOWN_LANGUAGES else value


def _digits(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else value


def _shown(value: Any) -> Any:
    """A count, None where it is below zero, as hidden ones are."""
    return None if isinstance(value, int) and value < 0 else value


def _milliseconds(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST:
        return None
    when = from_epoch(value / 1000)
    return None if isinstance(when, Reason) else when
