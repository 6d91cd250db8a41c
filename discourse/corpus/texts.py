"""Language, normal form and sentiment of every post, each distinct text worked out once; and the hashtag most share."""

from __future__ import annotations

from collections import Counter

import polars as pl
import regex

from discourse.corpus.posts import Corpus
from discourse.text.columns import english_only
from discourse.text.language import identify
from discourse.text.noise import HASHTAG
from discourse.text.normal_form import normal_forms

__all__ = ["campaign_share", "with_text"]

_TAG = regex.compile(HASHTAG)


def with_text(corpus: Corpus) -> Corpus:
    """The corpus with lang, lang_confidence, text_norm and sentiment (English only) filled in.

    >>> from discourse.schema import POSTS
    >>> with_text(Corpus(POSTS.empty())).history[-1].step
    'text'
    """
    texts = corpus.posts["text"].unique(maintain_order=True).drop_nulls().to_list()
    found = identify(texts)
    langs = [one.lang for one in found]
    read = pl.DataFrame(
        {
            "text": texts,
            "lang": langs,
            "lang_confidence": [one.confidence for one in found],
            "text_norm": normal_forms(texts, [one.main for one in found]),
            "sentiment": english_only(texts, langs),
        },
        schema={"text": pl.String, "lang": pl.String, "lang_confidence": pl.Float64, "text_norm": pl.String,
                "sentiment": pl.Float64},
    )  # fmt: skip
    names = read.columns[1:]
    posts = corpus.posts.drop(names, strict=False)
    posts = posts.join(read, on="text", how="left", validate="m:1", maintain_order="left")
    posts = posts.with_columns(pl.col("lang").fill_null("und"), pl.col("lang_confidence").fill_null(0.0))
    # Without counts: the history is published, and a language may have few authors.
    listed = ", ".join(posts["lang"].unique().sort()) or "no posts"
    return corpus.replace_posts(posts.select(corpus.posts.columns), "text", f"language: {listed}")


def campaign_share(posts: pl.DataFrame) -> float:
    """The part of posts, from 0 to 1, that carry the hashtag which most of them carry; 0 without posts.

    Reads `text_norm`, in which a hashtag has one spelling.

    >>> campaign_share(pl.DataFrame({"text_norm": ["#peace now #peace", "for #peace", "#war", None]}))
    0.5
    """
    counts = posts.group_by("text_norm").len().drop_nulls("text_norm")
    carried: Counter[str] = Counter()
    for text, n in counts.iter_rows():
        for tag in {found[1:] for found in _TAG.findall(text)}:
            carried[tag] += n
    return max(carried.values(), default=0) / max(posts.height, 1)
