"""Copies: posts whose text is the same once links and mentions are taken out of sight, or nearly so.

A copy-paste wave is one opinion said many times, so the interval of a share and the split into training and
gold labels both need to know which posts are copies of one another.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import polars as pl

from discourse.corpus.near import MIN_LETTERS, leaders
from discourse.corpus.posts import Corpus
from discourse.errors import UsageError
from discourse.text.noise import content, mask

__all__ = ["coordinated_copies", "copy_key", "distinct_texts", "link_reposts", "with_copies"]

_STEP = "copies"
_ENOUGH = 20
_MASKS = re.compile(r"<url>|<user>")
_LENGTH = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_RT = r"^RT @\w{1,30}: "
_GROUPS: dict[str, Any] = {
    "copy_id": pl.String,
    "posts": pl.Int64,
    "authors": pl.Int64,
    "first": pl.Datetime("us", "UTC"),
    "last": pl.Datetime("us", "UTC"),
}


def copy_key(text: str) -> str | None:
    """What two posts share exactly when one is a copy of the other: 16 hex digits of an unkeyed BLAKE2b.

    `text` is the normal form of a post (`text_norm`). Of a text with 20 or more characters beside links, mentions
    and hashtags, only those characters count: campaigns paste one text under changing hashtags. Of a shorter
    one, hashtags count too, links and mentions by their place. A text of links and mentions alone has no key.

    >>> copy_key("read this https://example.org/1") == copy_key("read this https://example.org/2")
    True
    >>> copy_key("@demo_one https://example.org/1") is None
    True
    """
    words = _own_words(text)
    if len(words) >= _ENOUGH:
        return _hex(words)
    masked = " ".join(mask(text).split())
    if not _MASKS.sub("", masked).strip():
        return None
    return _hex(masked)


def _own_words(text: str) -> str:
    return " ".join(content(text).split())


def _hex(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def with_copies(corpus: Corpus, near: float | None = 0.9) -> Corpus:
    """The corpus with `copy_id` filled in from `text_norm`; posts without words of their own get null.

    Texts with one `copy_key` are copies. With `near`, so are texts of 40 letters or more that share at least that
    part of their 5-letter shingles and do not differ in a "not" or in a word that stands for another; `copy_id`
    is then the `copy_key` of the least of them (`corpus.near`). None keeps exact copies only. The result does not
    depend on the order of rows. Raises `UsageError` when posts have no normal form yet, or for a `near` outside
    0.5 to 1.

    >>> from discourse.schema import POSTS
    >>> with_copies(Corpus(POSTS.empty())).history[0].reason
    '0 distinct texts, 0 posts copy another'
    """
    if near is not None and not 0.5 <= near <= 1:
        raise UsageError(f"near is {near!r}; it must be from 0.5 to 1, like 0.9, or None for exact copies only")
    posts = corpus.posts
    missing = posts["text_norm"].null_count()
    if missing:
        raise UsageError(f"{missing} of {posts.height} posts have no text_norm; normalise the texts before the copies")
    texts = posts["text_norm"].unique().to_list()
    keys = {text: copy_key(text) for text in texts}
    joined = 0
    if near is not None:
        words = {text: own for text in texts if len(own := _own_words(text)) >= MIN_LETTERS}
        standing = leaders(words.values(), near)
        keys |= {text: _hex(standing[own]) for text, own in words.items()}
        joined = sum(own != leader for own, leader in standing.items())
    ids = posts["text_norm"].replace_strict(keys, default=None, return_dtype=pl.String).alias("copy_id")
    named = ids.drop_nulls()
    reason = f"{named.n_unique()} distinct texts, {named.len() - named.n_unique()} posts copy another"
    more = f"; {joined} texts nearly repeat another" if joined else ""
    return corpus.replace_posts(posts.with_columns(ids), _STEP, reason + more)


def distinct_texts(corpus: Corpus) -> Corpus:
    """The earliest post of each text; at the same instant the one whose `post_id` sorts first.

    Posts without a `copy_id` all stay. Raises `UsageError` when the copies were not looked for.

    >>> from discourse.schema import POSTS
    >>> len(distinct_texts(with_copies(Corpus(POSTS.empty()))))
    0
    """
    _require_copies(corpus)
    earliest = pl.col("post_id").sort_by("created_at", "post_id").first().over("copy_id")
    kept = pl.col("copy_id").is_null() | (pl.col("post_id") == earliest)
    return corpus.keep(kept, "distinct texts", "the earliest post of each text stands for its copies")


def coordinated_copies(corpus: Corpus, within: str = "1h", authors: int = 5) -> pl.DataFrame:
    """Texts that at least so many authors posted, not reposted, within a length of time, and when.

    `within` is a whole number with m, h, d or w, like "90m". One row a wave: windows of that length, from any
    post to the last post no later than its end, that hold enough authors; windows with a post in common are one
    wave. Columns: copy_id, posts, authors, first, last (UTC); no author and no text. Many authors of one text are
    no proof that somebody directs them. Raises `UsageError` for an impossible `within` or `authors`, and when
    the copies were not looked for.

    >>> from discourse.schema import POSTS
    >>> coordinated_copies(Corpus(POSTS.empty())).columns
    ['copy_id', 'posts', 'authors', 'first', 'last']
    """
    length = _length(within)
    if isinstance(authors, bool) or not isinstance(authors, int) or authors < 2:
        raise UsageError(f"authors is {authors!r}; it must be a whole number from 2 on, like 5")
    _require_copies(corpus)
    own = corpus.posts.filter(pl.col("copy_id").is_not_null(), pl.col("kind") != "repost")
    many = own.filter(pl.col("author_id").n_unique().over("copy_id") >= authors).sort("copy_id", "created_at")
    rows: list[tuple[str, int, int, datetime, datetime]] = []
    for (copy_id,), part in many.group_by("copy_id", maintain_order=True):
        times, who = part["created_at"].to_list(), part["author_id"].to_list()
        for first, last in _waves(times, who, length, authors):
            people = len(set(who[first : last + 1]))
            rows.append((str(copy_id), last - first + 1, people, times[first], times[last]))
    return pl.DataFrame(rows, schema=_GROUPS, orient="row").sort("first", "copy_id")


def link_reposts(corpus: Corpus) -> Corpus:
    """The corpus with `parent_id` of reposts that name no original, where their text tells which one it is.

    A repost is linked when exactly one post that is no repost stands earlier on the same platform with the same
    text ("RT @name: " before a repost's text is passed over). When two fit, or none, it stays as it is.

    >>> from discourse.schema import POSTS
    >>> link_reposts(Corpus(POSTS.empty())).history[0].reason
    '0 of 0 reposts without an original have one now'
    """
    posts = corpus.posts
    said = pl.col("text").str.strip_chars().alias("_said")
    lost = posts.filter(pl.col("kind") == "repost", pl.col("parent_id").is_null()).select(
        "post_id", "platform", "created_at", said.str.replace(_RT, "").str.strip_chars()
    )
    order = pl.col("post_id", "created_at").sort_by("created_at", "post_id")
    first_two = (
        posts.filter(pl.col("kind") != "repost")
        .select("post_id", "platform", "created_at", said)
        .filter(pl.col("_said") != "")
        .group_by("platform", "_said")
        .agg(order)
        .select(
            "platform",
            "_said",
            pl.col("post_id").list.get(0).alias("_parent"),
            pl.col("created_at").list.get(0).alias("_first"),
            pl.col("created_at").list.get(1, null_on_oob=True).alias("_second"),
        )
    )
    found = (
        lost.join(first_two, on=["platform", "_said"], how="inner", validate="m:1")
        .filter(pl.col("_first") < pl.col("created_at"))
        .filter(pl.col("_second").is_null() | (pl.col("_second") >= pl.col("created_at")))
        .select("post_id", "_parent")
    )
    linked = posts.join(found, on="post_id", how="left", validate="1:1").with_columns(
        pl.coalesce("parent_id", "_parent").alias("parent_id")
    )
    reason = f"{found.height} of {lost.height} reposts without an original have one now"
    return corpus.replace_posts(linked.drop("_parent"), "link reposts", reason)


def _waves(times: list[datetime], who: list[str], length: timedelta, authors: int) -> list[tuple[int, int]]:
    """Stretches of posts, as first and last place, that windows with enough authors cover; times are in order."""
    waves: list[tuple[int, int]] = []
    inside: dict[str, int] = {}
    left = 0
    for right, author in enumerate(who):
        inside[author] = inside.get(author, 0) + 1
        while times[right] - times[left] > length:
            inside[who[left]] -= 1
            if not inside[who[left]]:
                del inside[who[left]]
            left += 1
        if len(inside) < authors:
            continue
        if waves and left <= waves[-1][1]:
            waves[-1] = (waves[-1][0], right)
        else:
            waves.append((left, right))
    return waves


def _length(within: str) -> timedelta:
    found = _LENGTH.fullmatch(within) if isinstance(within, str) else None
    if found is None:
        raise UsageError(f"within is {within!r}; it must be a whole number with m, h, d or w, like '1h'")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _require_copies(corpus: Corpus) -> None:
    if len(corpus) and all(step.step != _STEP for step in corpus.history) and corpus.posts["copy_id"].is_null().all():
        raise UsageError("the corpus has no copy_id; type with_copies(corpus) first")
