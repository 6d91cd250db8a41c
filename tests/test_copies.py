"""Copies of a text: which posts they are, and which one stands for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.copies import copy_key, distinct_texts, with_copies
from discourse.corpus.posts import Corpus, Step
from discourse.errors import UsageError
from discourse.schema import POSTS

START = datetime(2025, 10, 11, tzinfo=UTC)


def corpus(*posts: tuple[str, int, str | None]) -> Corpus:
    """Posts given as (id, minutes after the start, normal form)."""
    rows = [
        {
            "post_id": f"x:{name}",
            "platform": "x",
            "author_id": f"x:a{name}",
            "created_at": START + timedelta(minutes=minutes),
            "text": text or "",
            "text_norm": text,
            "kind": "original",
        }
        for name, minutes, text in posts
    ]
    return Corpus(POSTS.frame(rows) if rows else POSTS.empty())


def ids(given: Corpus) -> dict[str, str | None]:
    return dict(given.posts.select("post_id", "copy_id").rows())


def test_links_and_mentions_do_not_tell_copies_apart_but_words_do() -> None:
    found = ids(
        with_copies(
            corpus(
                ("1", 0, "open the border @demo_one https://example.org/a"),
                ("2", 0, "open the border @demo_two https://example.org/b"),
                ("3", 0, "open the border @demo_one"),
                ("4", 0, "open the borders @demo_one https://example.org/a"),
                ("5", 0, "#open the border @demo_one https://example.org/a"),
            )
        )
    )
    assert found["x:1"] == found["x:2"]
    assert len(set(found.values())) == 4


def test_the_id_is_the_plain_hash_of_the_masked_text() -> None:
    expected = blake2b(b"read <url> <user>", digest_size=8).hexdigest()
    assert copy_key("read  https://example.org/a @demo_one ") == expected
    assert len(expected) == 16


@pytest.mark.parametrize("text", ["", "  ", "@demo_one", "https://example.org", "@demo_one @demo_two https://e.org/x"])
def test_posts_without_words_of_their_own_are_no_copies(text: str) -> None:
    assert copy_key(text) is None


def test_hashtags_and_emoji_are_words_of_their_own() -> None:
    assert copy_key("#peace") is not None
    assert copy_key("🇵🇰") not in {None, copy_key("🇦🇫")}


def test_the_step_counts_texts_and_copies() -> None:
    done = with_copies(corpus(("1", 0, "a b"), ("2", 0, "a b"), ("3", 0, "a b"), ("4", 0, "c"), ("5", 0, "@demo_one")))
    assert done.history == (Step("copies", 5, 5, "2 distinct texts, 2 posts copy another"),)


def test_texts_must_be_normalised_first() -> None:
    with pytest.raises(UsageError, match=r"^1 of 2 posts have no text_norm; normalise the texts before the copies$"):
        with_copies(corpus(("1", 0, "a"), ("2", 0, None)))


def test_the_earliest_post_of_a_text_stands_for_it_and_the_first_id_breaks_ties() -> None:
    given_ = corpus(
        ("1", 9, "same"),
        ("2", 3, "same"),
        ("3", 3, "same"),
        ("4", 0, "other"),
        ("5", 5, "@demo_one"),
        ("6", 5, "@demo_two"),
    )
    kept = distinct_texts(with_copies(given_))
    assert kept.posts["post_id"].to_list() == ["x:2", "x:4", "x:5", "x:6"]
    assert kept.history[-1].before == 6
    assert kept.history[-1].after == 4


def test_copies_must_be_looked_for_first() -> None:
    with pytest.raises(UsageError, match=r"type with_copies\(corpus\) first"):
        distinct_texts(corpus(("1", 0, "a")))


def test_a_corpus_of_links_alone_keeps_all_its_posts() -> None:
    assert len(distinct_texts(with_copies(corpus(("1", 0, "@demo_one"), ("2", 0, "@demo_one"))))) == 2


def test_nothing_in_nothing_out() -> None:
    assert len(distinct_texts(corpus())) == 0
    assert len(distinct_texts(with_copies(corpus()))) == 0


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", "@demo_one", "a @demo_one"])), max_size=12))
def test_one_post_a_text_survives_and_it_is_the_earliest(posts: list[tuple[int, str]]) -> None:
    named = [(str(place), minutes, text) for place, (minutes, text) in enumerate(posts)]
    marked = with_copies(corpus(*named))
    kept = distinct_texts(marked).posts
    best: dict[str, tuple[int, str]] = {}
    for name, minutes, text in named:
        if text != "@demo_one":
            best[text] = min(best.get(text, (99, "")), (minutes, f"x:{name}"))
    expected = {name for _, name in best.values()} | {f"x:{n}" for n, _, text in named if text == "@demo_one"}
    assert set(kept["post_id"]) == expected
    assert marked.posts.drop("copy_id").equals(corpus(*named).posts.drop("copy_id"))
    assert marked.posts.schema["copy_id"] == pl.String
