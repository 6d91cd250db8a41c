"""Which posts a registered model has seen in training: by marks on its card, which only the study's key can make.

A post counts as seen when it, its author or its text was trained on, or a copy of it that stands in the same corpus.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.errors import MeaningError
from discourse.framing.features import model_text
from discourse.registry.card import Card
from discourse.registry.facts import marks
from discourse.schema import as_polars

__all__ = ["seen_in_training", "unseen"]

_MARK = 8


def seen_in_training(corpus: Corpus, posts: pl.DataFrame, card: Card, key: Key) -> pl.Series:
    """For each of n posts of a corpus, whether the model of a card saw it, its author or its text.

    Raises `MeaningError` when the card has no marks, or they were made with another key than `key`.

    >>> from types import SimpleNamespace
    >>> from discourse.schema import POSTS
    >>> card = SimpleNamespace(name="framing", version="v1", training=None)
    >>> seen_in_training(Corpus(POSTS.empty()), POSTS.empty(), card, Key.made_up("demo"))
    Traceback (most recent call last):
    discourse.errors.MeaningError: the card of framing v1 does not say what it was trained on; no post is known to be
    new to it
    """
    training = card.training
    who = f"{card.name} {card.version}"
    if training is None:
        raise MeaningError(f"the card of {who} does not say what it was trained on; no post is known to be new to it")
    if training.key != key.fingerprint:
        raise MeaningError(
            f"the card of {who} was made with another key, so it cannot tell which posts it has seen; "
            "set DISCOURSE_KEY_FILE to the key of the study that trained it"
        )
    trained = _known(marks(key, "post", corpus.posts["post_id"]), training.post_marks)
    copies = corpus.posts.filter(trained)["copy_id"].drop_nulls().unique()
    return (
        _known(marks(key, "post", posts["post_id"]), training.post_marks)
        | _known(marks(key, "author", posts["author_id"]), training.author_marks)
        | _known(marks(key, "text", model_text(posts)), training.text_marks)
        | posts["copy_id"].is_in(copies.implode()).fill_null(value=False)
    )


def _known(made: list[bytes], kept: bytes) -> pl.Series:
    known = {kept[at : at + _MARK] for at in range(0, len(kept), _MARK)}
    return pl.Series("seen", [one in known for one in made], dtype=pl.Boolean)


def unseen(corpus: Corpus, labels: pl.DataFrame, cards: Iterable[Card], key: Key) -> tuple[pl.DataFrame, int]:
    """The labels of posts that none of the models saw in training, and how many were left out.

    `labels` has post_id. Raises `MeaningError` when a label belongs to no post, or a card cannot tell.

    >>> from discourse.schema import POSTS
    >>> unseen(Corpus(POSTS.empty()), POSTS.empty().select("post_id"), [], Key.made_up("demo"))[1]
    0
    """
    held = as_polars(labels)
    joined = held.select("post_id").join(corpus.posts, on="post_id", how="inner", validate="1:1", maintain_order="left")
    if joined.height < held.height:
        raise MeaningError(f"{held.height - joined.height} of {held.height} labelled posts are not in this corpus")
    seen = pl.Series([False] * joined.height, dtype=pl.Boolean)
    for card in cards:
        seen = seen | seen_in_training(corpus, joined, card, key)
    return held.filter(~seen), int(seen.sum())
