"""The measured population: which posts are cut, and that each cut is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from discourse.corpus.copies import with_copies
from discourse.corpus.population import Population
from discourse.corpus.posts import Corpus
from discourse.errors import DiscourseError, UsageError
from discourse.schema import KINDS, POSTS

AT = datetime(2025, 1, 1, tzinfo=UTC)


def corpus(*rows: tuple[str, str]) -> Corpus:
    """Posts of (kind, text), one hour apart, the last the earliest."""
    return Corpus(POSTS.frame([
        {"post_id": f"x:{i}", "platform": "x", "author_id": f"a{i}", "created_at": AT - timedelta(hours=i),
         "kind": kind, "text": text, "text_norm": text}
        for i, (kind, text) in enumerate(rows)
    ]))  # fmt: skip


def kept(population: Population, given: Corpus) -> list[str]:
    return population.of(given).posts["post_id"].to_list()


FOUR = corpus(*((kind, "some words") for kind in KINDS))


def test_reposts_are_left_out_unless_asked_for() -> None:
    assert KINDS == ("original", "reply", "quote", "repost")
    assert kept(Population(), FOUR) == ["x:0", "x:1", "x:2"]
    assert kept(Population(kinds=KINDS), FOUR) == ["x:0", "x:1", "x:2", "x:3"]
    assert kept(Population(kinds=("repost",)), FOUR) == ["x:3"]


def test_length_counts_what_is_left_beside_links_hashtags_and_mentions() -> None:
    given = corpus(
        ("original", "12345"), ("original", "1234"), ("original", "12345 #hashtag"), ("original", "1234 @made_up_0001"),
        ("original", "https://t.co/abcdefghij"),
    )  # fmt: skip
    assert kept(Population(min_characters=5), given) == ["x:0", "x:2"]
    assert len(kept(Population(min_characters=0), given)) == 5


def test_the_earliest_of_each_text_stands() -> None:
    given = with_copies(corpus(("original", "one text of enough length"), ("original", "another text of some length"),
                               ("original", "one text of enough length")))  # fmt: skip
    assert kept(Population(distinct_texts=True), given) == ["x:1", "x:2"]
    assert len(kept(Population(), given)) == 3


def test_a_copy_that_is_a_repost_does_not_stand_for_the_post() -> None:
    given = with_copies(corpus(("original", "one text of enough length"), ("repost", "one text of enough length")))
    assert kept(Population(distinct_texts=True), given) == ["x:0"]


def test_every_cut_is_a_step() -> None:
    given = with_copies(FOUR)
    steps = Population(min_characters=3, distinct_texts=True).of(given).history[len(given.history) :]
    assert [(step.step, step.before, step.after) for step in steps] == [
        ("kinds", 4, 3), ("text length", 3, 3), ("distinct texts", 3, 1),
    ]  # fmt: skip
    assert steps[0].reason == "measured are posts of kind original, reply, quote"


def test_impossible_settings_are_named() -> None:
    with pytest.raises(DiscourseError, match=r"^kind is 'retweet'; it must be 'original', 'reply', 'quote' or"):
        Population(kinds=("retweet",))
    with pytest.raises(UsageError, match=r"^min_characters is -1; it must be 0 or more$"):
        Population(min_characters=-1)


def test_distinct_texts_need_copies() -> None:
    with pytest.raises(UsageError, match=r"^the corpus has no copy_id; type with_copies\(corpus\) first$"):
        Population(distinct_texts=True).of(FOUR)


def test_the_corpus_is_left_as_it_was() -> None:
    before = FOUR.posts.clone()
    Population(kinds=("repost",)).of(FOUR)
    assert FOUR.posts.equals(before)
    assert Population().of(Corpus(POSTS.empty())).posts.equals(POSTS.empty())
    assert pl.DataFrame(Population(kinds=()).of(FOUR).posts).height == 0
