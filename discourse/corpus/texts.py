"""Language, normal form and sentiment of every post, each distinct text worked out once."""

from __future__ import annotations

from discourse.corpus.posts import Corpus
from discourse.text.language import identify
from discourse.text.normalize import normalize_all
from discourse.text.sentiment import sentiment

__all__ = ["with_text"]


def with_text(corpus: Corpus) -> Corpus:
    """The corpus with lang, lang_confidence, text_norm and sentiment (English only) filled in.

    >>> from discourse.schema import POSTS
    >>> with_text(Corpus(POSTS.empty())).history[-1].step
    'text'
    """
    posts = corpus.posts
    found = identify(posts["text"])
    posts = posts.with_columns(
        found["lang"],
        found["lang_confidence"],
        normalize_all(posts["text"], found["lang"]).alias("text_norm"),
        sentiment(posts["text"], found["lang"]).alias("sentiment"),
    )
    counts = found.group_by("lang").len().sort("lang").rows()
    listed = ", ".join(f"{lang} {count}" for lang, count in counts) or "no posts"
    return corpus.replace_posts(posts, "text", f"language: {listed}")
