"""The population a share speaks for: which of the collected posts are measured, and which are left out and why."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from discourse.corpus.copies import distinct_texts
from discourse.corpus.posts import Corpus
from discourse.errors import UsageError
from discourse.schema import KINDS, one_of
from discourse.text.noise import content_length

__all__ = ["Population"]


@dataclass(frozen=True)
class Population:
    """Which posts are measured.

    `kinds` of post; at least `min_characters` left once links, hashtags and mentions are taken out; with
    `distinct_texts`, only the earliest post of each repeated text. Gold labels must be drawn from this
    population: a label says nothing about posts that could not have been drawn.

    >>> Population(kinds=("original",), min_characters=26)
    Population(kinds=('original',), min_characters=26, distinct_texts=False)
    """

    kinds: tuple[str, ...] = ("original", "reply", "quote")
    min_characters: int = 0
    distinct_texts: bool = False

    def __post_init__(self) -> None:
        for kind in self.kinds:
            one_of(kind, KINDS, "kind")
        if self.min_characters < 0:
            raise UsageError(f"min_characters is {self.min_characters}; it must be 0 or more")

    def of(self, corpus: Corpus) -> Corpus:
        """The corpus cut down to this population, each cut a step of its history.

        >>> from discourse.schema import POSTS
        >>> [step.step for step in Population().of(Corpus(POSTS.empty())).history]
        ['kinds']
        """
        made = corpus.keep(
            pl.col("kind").is_in(list(self.kinds)), "kinds", f"measured are posts of kind {', '.join(self.kinds)}"
        )
        if self.min_characters:
            distinct = made.posts["text"].unique()
            long = distinct.filter(
                pl.Series([content_length(text) >= self.min_characters for text in distinct], dtype=pl.Boolean)
            )
            made = made.keep(
                pl.col("text").is_in(long.implode()),
                "text length",
                f"at least {self.min_characters} characters beside links, hashtags and mentions",
            )
        return distinct_texts(made) if self.distinct_texts else made
