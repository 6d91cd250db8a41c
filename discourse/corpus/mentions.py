"""Handles inside a text: who is mentioned, and whose profile a link opens, become keyed pseudonyms.

A mention keeps its place and stays the same for the same person, so that replies and networks can be studied; the
name is not stored. What is left of a text can still name people in plain words: the corpus stays private.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from discourse.corpus.privacy import Key, handle_pseudonym

__all__ = ["hide_people"]

_MARKS = "[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]*"  # invisible, as typed before Latin in Urdu
_ARABIC = "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff"
# ".@name" is a mention that all followers see; an e-mail address has a letter, digit or "_" before its @.
_BEFORE = r"(?<![A-Za-z0-9_/@＠])"
_SERVER = r"[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,6}"
# Handles may follow each other without a gap; one of the fediverse has its server behind a second @.
_SHORT = re.compile(rf"{_BEFORE}(?:[@＠]{_MARKS}(?:(?<=[A-Za-z0-9_][@＠]){_SERVER}|[A-Za-z0-9_]{{1,50}}))+")
_LATIN = r"[A-Za-z0-9_]{1,64}(?:[.\-·][A-Za-z0-9_]{1,64}){0,8}"
_ANY = (  # a word in Arabic letters right behind a name in others is not part of it, nor the other way round
    rf"(?:(?:(?![{_ARABIC}])\w){{1,64}}(?:[.\-·](?:(?![{_ARABIC}])\w){{1,64}}){{0,8}}"
    rf"|[{_ARABIC}0-9_]{{1,64}}(?:[.\-·][{_ARABIC}0-9_]{{1,64}}){{0,8}})"
)
_LONG, _WIDE = (
    re.compile(rf"{_BEFORE}(?:[@＠]{_MARKS}(?:(?<=[A-Za-z0-9_][@＠]){_SERVER}|{name}))+") for name in (_LATIN, _ANY)
)
_REDDIT = re.compile(r"(?<![\w/])(/?u/)([A-Za-z0-9_\-]{1,40})")
_HANDLES = {"x": _SHORT, "telegram": _SHORT} | dict.fromkeys(
    ("bluesky", "instagram", "mastodon", "reddit", "threads", "tiktok", "truthsocial"), _LONG
)
_PSEUDONYM = re.compile(r"[a-z2-7]{25}[aeimquy4]")
_NEVER_SO_LONG = frozenset({"x", "tiktok", "reddit", "bluesky"})  # there no handle has 26 letters and no dot
_HOSTS = {
    "x": r"(?:(?:[fv]x)?twitter|fixupx|x)\.com/(?:#!/)?@?|nitter\.net/",
    "instagram": r"instagram\.com/(?:stories/)?@?",
    "facebook": r"(?:facebook|fb)\.com/(?:people/)?@?",
    "telegram": r"(?:t|telegram)\.me/(?:s/)?@?|tg://resolve\?domain=",
    "youtube": r"youtube\.com/(?:@|c/|user/|channel/)",
    "tiktok": r"tiktok\.com/@",
    "threads": r"threads\.(?:net|com)/@",
    "reddit": r"reddit\.com/u(?:ser)?/",
    "bluesky": r"bsky\.app/profile/@?",
}
_LINK = re.compile(
    r"(?<![A-Za-z0-9_.\-@＠])(?:https?://)?(?P<sub>(?:[a-z0-9\-]{1,20}\.){0,2})(?:"
    + "|".join(f"(?P<{name}>{host})" for name, host in _HOSTS.items())
    + rf")(?P<who>(?:(?![{_ARABIC}])[\w.\-:%])+|[\w.\-:%]+)(?P<rest>[/?#&]\S*)?",
    re.IGNORECASE,
)
_NO_PEOPLE = frozenset(
    {"pic", "pbs", "video", "help", "about", "blog", "business", "developer", "developers", "support"}
)
_WRITTEN = frozenset({f"{name}.com" for name in _HOSTS} | {"x.com", "t.me", "bsky.app"})
_FEDIVERSE = re.compile(
    rf"\bhttps?://([\w.\-]{{1,253}}\.[a-z]{{2,63}})/(?:@|users/)([\w.\-]{{1,64}})(?:@({_SERVER}))?(?:/\S*)?",
    re.IGNORECASE,
)
_PERSON_ID = re.compile(r"[?&]id=(\d+)")
_AT_URI = re.compile(r"\bat://[\w.:%\-]+(?:/\S*)?")
_PLACES = frozenset(
    {
        "i", "home", "search", "hashtag", "explore", "intent", "share", "sharer", "sharer.php", "settings",
        "notifications", "messages", "tos", "privacy", "p", "reel", "reels", "tv", "stories", "watch", "groups",
        "events", "photo", "photo.php", "story.php", "permalink.php", "joinchat", "c", "addstickers", "proxy",
        "login", "about", "help", "jobs", "download", "pages", "marketplace", "gaming", "l.php",
    }
)  # fmt: skip


def hide_people(key: Key, platform: str, text: str) -> str:
    """The text with each handle as `@` and 26 letters, those of its `handle_pseudonym`; links to profiles and
    to posts under them as a link to that pseudonym, without the post's id.

    >>> key = Key.made_up("demo")
    >>> hidden = hide_people(key, "x", "peace @Demo_One, see https://twitter.com/demo_one/status/9001")
    >>> hidden == "peace @{0}, see https://x.com/@{0}".format(handle_pseudonym(key, "x", "demo_one")[2:])
    True
    >>> hide_people(key, "x", "write to a@example.org, 5 @ 3")
    'write to a@example.org, 5 @ 3'
    """
    if "/" in text or "." in text:
        text = _LINK.sub(lambda match: _link(key, match), text)
        text = _FEDIVERSE.sub(lambda match: _on_a_server(key, match), text)
        text = _AT_URI.sub(lambda match: f"at://@{_code(key, 'bluesky', _owner(match[0]))}", text)
    if platform == "reddit" and "u/" in text:
        text = _REDDIT.sub(lambda match: f"{match[1]}{_code(key, platform, match[2])}", text)
    if "@" in text or "＠" in text:
        text = _HANDLES.get(platform.partition("-")[0], _WIDE).sub(
            lambda match: _mentions(key, platform, match[0]), text
        )
    return text


def _mentions(key: Key, platform: str, run: str) -> str:
    """One or more handles that follow each other; `@name@server` is one of the fediverse."""
    names = re.sub(_MARKS, "", run.replace("＠", "@")).split("@")[:0:-1]
    hidden = []
    while names:
        name = names.pop()
        if names and "." in names[-1] and "." not in name and platform != "bluesky":
            server = names.pop().lower()
            there = "truthsocial" if server == "truthsocial.com" else "mastodon"
            hidden.append(_code(key, there, name if there == "truthsocial" else f"{name}@{server}"))
        else:
            hidden.append(_code(key, platform, name))
    return "".join(f"@{one}" for one in hidden)


def _link(key: Key, match: re.Match[str]) -> str:
    platform = next(name for name in _HOSTS if match[name])
    if match["sub"].rstrip(".").lower() in _NO_PEOPLE:
        return match[0]
    who = match["who"].rstrip(".:")
    tail = match["who"][len(who) :] if match["rest"] is None else ""
    who = unquote(who).removeprefix("@")
    host = {"x": "x.com", "telegram": "t.me", "bluesky": "bsky.app"}.get(platform, f"{platform}.com")
    if platform == "facebook" and who.casefold() == "profile.php":
        number = _PERSON_ID.search(match["rest"] or "")
        who = number[1] if number else ""
    if who.casefold() in _PLACES or not who or who.startswith("+"):
        return _without_ids(match[0])
    return f"https://{host}/@{_code(key, platform, who)}{tail}"


def _on_a_server(key: Key, match: re.Match[str]) -> str:
    """A link to a profile of Mastodon or Truth Social, under the name that a mention of it has."""
    host, who, home = match[1].lower(), match[2], (match[3] or match[1]).lower()
    if host in _WRITTEN:
        return match[0]
    tail = who[len(who.rstrip(".")) :]
    who = who.rstrip(".")
    if home == "truthsocial.com":
        return f"https://{home}/@{_code(key, 'truthsocial', who)}{tail}"
    return f"https://{home}/@{_code(key, 'mastodon', f'{who}@{home}')}{tail}"


def _owner(uri: str) -> str:
    return uri.removeprefix("at://").partition("/")[0]


def _without_ids(link: str) -> str:
    """A link to no profile, without its query, which may name a person, and its numbers, which are posts."""
    return re.sub(r"\d{9,}|(?<=/)\d+(?![^/])", "…", re.sub(r"[?#]\S*", "", link))


def _code(key: Key, platform: str, handle: str) -> str:
    """The letters of a handle's pseudonym. What can only be such letters is left: it was hidden before."""
    if platform in _NEVER_SO_LONG and _PSEUDONYM.fullmatch(handle):
        return handle
    return handle_pseudonym(key, platform, handle).partition(":")[2]
