"""Copies: posts whose text is the same once links and mentions are taken out of sight.

A copy-paste wave is one opinion said many times, so the interval of a share and the split into training and
gold labels both need to know which posts are copies of one another.
"""

from __future__ import annotations

import re
from hashlib import blake2b

import polars as pl

from discourse.corpus.posts import Corpus
from discourse.errors import UsageError
from discourse.text.normalize import content, mask

__all__ = ["copy_key", "distinct_texts", "with_copies"]

_STEP = "copies"
_ENOUGH = 20
_MASKS = re.compile(r"<url>|<user>")


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
    words = " ".join(content(text).split())
    if len(words) >= _ENOUGH:
        return _hex(words)
    masked = " ".join(mask(text).split())
    if not _MASKS.sub("", masked).strip():
        return None
    return _hex(masked)


def _hex(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def with_copies(corpus: Corpus) -> Corpus:
    """The corpus with `copy_id` filled in from `text_norm`; posts without words of their own get null.

    Raises `UsageError` when posts have no normal form yet.

    >>> from discourse.schema import POSTS
    >>> with_copies(Corpus(POSTS.empty())).history[0].reason
    '0 distinct texts, 0 posts copy another'
    """
    posts = corpus.posts
    missing = posts["text_norm"].null_count()
    if missing:
        raise UsageError(f"{missing} of {posts.height} posts have no text_norm; normalise the texts before the copies")
    keys = {text: copy_key(text) for text in posts["text_norm"].unique()}
    ids = posts["text_norm"].replace_strict(keys, default=None, return_dtype=pl.String).alias("copy_id")
    named = ids.drop_nulls()
    reason = f"{named.n_unique()} distinct texts, {named.len() - named.n_unique()} posts copy another"
    return corpus.replace_posts(posts.with_columns(ids), _STEP, reason)


def distinct_texts(corpus: Corpus) -> Corpus:
    """The earliest post of each text; at the same instant the one whose `post_id` sorts first.

    Posts without a `copy_id` all stay. Raises `UsageError` when the copies were not looked for.

    >>> from discourse.schema import POSTS
    >>> len(distinct_texts(with_copies(Corpus(POSTS.empty()))))
    0
    """
    if len(corpus) and all(step.step != _STEP for step in corpus.history) and corpus.posts["copy_id"].is_null().all():
        raise UsageError("the corpus has no copy_id; type with_copies(corpus) first")
    earliest = pl.col("post_id").sort_by("created_at", "post_id").first().over("copy_id")
    kept = pl.col("copy_id").is_null() | (pl.col("post_id") == earliest)
    return corpus.keep(kept, "distinct texts", "the earliest post of each text stands for its copies")
