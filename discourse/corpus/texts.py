"""Language, normal form and sentiment of every post, each distinct text worked out once."""

from __future__ import annotations

import polars as pl

from discourse.corpus.posts import Corpus
from discourse.text.columns import english_only
from discourse.text.language import identify
from discourse.text.normal_form import normal_forms

__all__ = ["with_text"]


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
    counts = posts.group_by("lang").len().sort("lang").rows()
    listed = ", ".join(f"{lang} {count}" for lang, count in counts) or "no posts"
    return corpus.replace_posts(posts.select(corpus.posts.columns), "text", f"language: {listed}")
