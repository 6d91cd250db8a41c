"""Invented posts in the form in which the X API v2 hands out real ones, with the usual dirt."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from discourse.simulate.people import Author, Post

__all__ = ["Dirt", "export_pages", "native_ids"]

_EPOCH_MS = 1_288_834_974_657
_MACHINE = 1023 << 12  # a worker number the platform does not use: these ids belong to nobody
_LANG_TAG = {"en": "en", "ur": "ur", "ur-Latn": "in", "ps": "ps", "fa": "fa"}
_LINE = 50

Dirt = dict[str, int]


def native_ids(posts: Sequence[Post]) -> list[str]:
    """An id for each post, in order: made of its time, like the platform's, with an unused machine number."""
    made: list[str] = []
    last_ms, sequence = -1, 0
    for post in posts:
        ms = _milliseconds(post.at)
        sequence = sequence + 1 if ms == last_ms else 3000
        last_ms = ms
        made.append(str(((ms - _EPOCH_MS) << 22) | _MACHINE | (sequence & 0xFFF)))
    return made


def export_pages(posts: Sequence[Post], rng: np.random.Generator) -> tuple[bytes, Dirt]:
    """Response pages as twarc writes them, one a line, and the dirt that was put in.

    Beyond the posts themselves the lines hold reposts of them, rows that come twice on overlapping pages, an
    errors-only page, items without an author or text and lines that broke off. `Dirt` counts what a reader
    has to find: written, reposts, duplicates, quarantined.
    """
    ids = native_ids(posts)
    tweets = [_tweet(post, ids[i], _parent(posts, ids, i, rng), rng) for i, post in enumerate(posts)]
    authors = {tweet["id"]: post.author for tweet, post in zip(tweets, posts, strict=True)}
    reposts = _reposts(posts, tweets, authors, rng)
    stream = sorted([*tweets, *(repost for repost, _ in reposts)], key=lambda tweet: int(tweet["id"]))
    originals = {repost["id"]: original for repost, original in reposts}
    lent = {str(int(native) + 1) for native in originals}  # a repost takes its text from the original
    lines: list[bytes] = []
    dirt = {"written": len(tweets), "reposts": len(reposts), "duplicates": 0, "quarantined": 0}
    for start in range(0, len(stream), _LINE):
        page = list(stream[start : start + _LINE])
        if start and rng.random() < 0.12:  # pages overlap
            again = stream[start - 2 : start]
            page, dirt["duplicates"] = [*again, *page], dirt["duplicates"] + len(again)
        if rng.random() < 0.04:  # an item that lost its author or text
            broken = dict(page[0], id=str(int(page[0]["id"]) + 1))
            lost = str(rng.choice(["author_id", "text"]))
            del broken["author_id" if broken["id"] in lent else lost]
            page, dirt["quarantined"] = [*page, broken], dirt["quarantined"] + 1
        lines.append(_page(page, authors, originals, len(lines)))
        if rng.random() < 0.02:  # the collector was stopped in the middle of a line
            lines.append(lines[-1][: len(lines[-1]) // 3])
            dirt["quarantined"] += 1
        if rng.random() < 0.02:
            lines.append(_dump({"errors": [{"title": "Not Found Error", "type": "about:blank"}], "__twarc": _twarc(0)}))
            dirt["quarantined"] += 1
    return b"".join(line + b"\n" for line in lines), dirt


def _tweet(post: Post, native: str, parent: str | None, rng: np.random.Generator) -> dict[str, Any]:
    text = html.escape(post.text, quote=False)
    mention = f"@made_up_{int(rng.integers(1, 1500)):04d} " if post.kind == "reply" or rng.random() < 0.03 else ""
    link = f" https://t.co/{''.join(rng.choice(list('abcdefghkmnpqrst23456789'), 10))}" if rng.random() < 0.12 else ""
    whole = f"{mention}{text}{link}"
    tweet: dict[str, Any] = {
        "id": native,
        "author_id": post.author.user_id,
        "created_at": _iso(post.at),
        "conversation_id": parent or native,
        "lang": _LANG_TAG[post.lang] if rng.random() < 0.9 else "und",
        "text": whole,
        "public_metrics": {
            "retweet_count": int(rng.poisson(1.5)), "reply_count": int(rng.poisson(0.6)),
            "like_count": int(rng.poisson(5.0)), "quote_count": int(rng.poisson(0.2)),
        },
    }  # fmt: skip
    if len(whole) > 280:
        tweet["note_tweet"] = {"text": whole}
        tweet["text"] = whole[:277] + "…"
    if post.author.known_by == "geo":
        tweet["geo"] = {"place_id": f"place-{post.author.side}"}
    if parent:
        relation = "replied_to" if post.kind == "reply" else "quoted"
        tweet["referenced_tweets"] = [{"type": relation, "id": parent}]
    return tweet


def _parent(posts: Sequence[Post], ids: Sequence[str], i: int, rng: np.random.Generator) -> str | None:
    if posts[i].kind == "original":
        return None
    return ids[int(rng.integers(max(0, i - 200), i))] if i else str(int(ids[0]) - (1 << 22))


def _reposts(
    posts: Sequence[Post], tweets: Sequence[dict[str, Any]], authors: dict[str, Author], rng: np.random.Generator
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Reposts of one post in twelve, by authors of the same side, within two days; each with its original."""
    people = sorted({post.author.number: post.author for post in posts}.items())
    by_side = {side: [a for _, a in people if a.side == side] for side in ("pakistan", "afghanistan")}
    last = posts[-1].at
    made = []
    for i in np.flatnonzero(rng.random(len(posts)) < 1 / 12).tolist():
        pool = by_side[posts[i].author.side]
        who = pool[int(rng.integers(len(pool)))]
        at = posts[i].at + timedelta(minutes=float(rng.exponential(300.0)))
        if at > last or who is posts[i].author:
            continue
        native = str(((_milliseconds(at) - _EPOCH_MS) << 22) | _MACHINE | (2000 + i % 900))
        cut = f"RT @made_up_{posts[i].author.number:04d}: {tweets[i]['text']}"
        repost = {
            "id": native, "author_id": who.user_id, "created_at": _iso(at), "lang": tweets[i]["lang"],
            "text": cut if len(cut) <= 140 else cut[:139] + "…", "conversation_id": native,
            "referenced_tweets": [{"type": "retweeted", "id": tweets[i]["id"]}],
            "public_metrics": tweets[i]["public_metrics"],
        }  # fmt: skip
        authors[native] = who
        made.append((repost, tweets[i]))
    return made


def _page(
    page: Sequence[dict[str, Any]], authors: dict[str, Author], originals: dict[str, dict[str, Any]], number: int
) -> bytes:
    known = {authors[t["id"]].number: authors[t["id"]] for t in page if t["id"] in authors}
    included = {originals[t["id"]]["id"]: originals[t["id"]] for t in page if t["id"] in originals}
    known |= {authors[native].number: authors[native] for native in included}
    places = {t["geo"]["place_id"] for t in page if "geo" in t}
    codes = {"place-pakistan": "PK", "place-afghanistan": "AF"}
    includes: dict[str, Any] = {"users": [_user(known[n]) for n in sorted(known)]}
    if included:
        includes["tweets"] = [included[native] for native in sorted(included)]
    if places:
        includes["places"] = [{"id": one, "country_code": codes[one], "full_name": one} for one in sorted(places)]
    body = {"data": page, "includes": includes, "meta": {"result_count": len(page)}, "__twarc": _twarc(number)}
    return _dump(body)


def _user(author: Author) -> dict[str, Any]:
    user = {
        "id": author.user_id, "username": f"made_up_{author.number:04d}", "name": f"Made up {author.number}",
        "created_at": "2020-01-01T00:00:00.000Z",
        "public_metrics": {"followers_count": 10 + 7 * (author.number % 91), "following_count": 120},
    }  # fmt: skip
    return user | ({"location": author.location} if author.location else {})


def _twarc(number: int) -> dict[str, str]:
    at = datetime(2025, 4, 2, tzinfo=UTC) + timedelta(seconds=2 * number)
    return {"url": "https://api.example.invalid/2/tweets/search/all", "version": "2.14.0", "retrieved_at": _iso(at)}


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _milliseconds(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _dump(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
