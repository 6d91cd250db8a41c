"""Language, normal form and sentiment of every post."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import polars as pl

from discourse.corpus.posts import Corpus
from discourse.corpus.texts import with_text
from discourse.schema import POSTS
from discourse.simulate.export import native_ids
from discourse.simulate.people import Post
from discourse.text.normal_form import normal_form


def corpus(*texts: str) -> Corpus:
    return Corpus(POSTS.frame([
        {"post_id": f"x:{i}", "platform": "x", "author_id": "a", "created_at": datetime(2025, 1, 1, tzinfo=UTC),
         "kind": "original", "text": text} for i, text in enumerate(texts)
    ]))  # fmt: skip


def test_the_columns_are_filled_and_the_others_stay(tiny_read: Corpus) -> None:
    made = with_text(tiny_read).posts
    new = ["lang", "lang_confidence", "text_norm", "sentiment"]
    assert made.drop(new).equals(tiny_read.posts.drop(new))
    assert made.select("lang", "lang_confidence", "text_norm").null_count().sum_horizontal().item() == 0
    assert made["lang_confidence"].is_between(0, 1).all()


def test_normal_form_is_that_of_the_language() -> None:
    made = with_text(corpus("We want PEACE on the border", "ہم امن چاہتے ہیں اور جنگ نہیں چاہتے")).posts
    for text, lang, norm in made.select("text", "lang", "text_norm").iter_rows():
        assert norm == normal_form(text, lang)
    assert made["lang"].to_list() == ["en", "ur"]


def test_sentiment_is_of_english_alone() -> None:
    made = with_text(
        corpus("This is a wonderful, happy day for all of us", "ہم امن چاہتے ہیں اور جنگ نہیں چاہتے")
    ).posts
    assert made["sentiment"][0] > 0.3
    assert made["sentiment"][1] is None


def test_the_step_names_the_languages() -> None:
    step = with_text(corpus("We want peace on the border today", "We want them to talk")).history[-1]
    assert (step.step, step.before, step.after, step.reason) == ("text", 2, 2, "language: en")
    assert with_text(Corpus(POSTS.empty())).history[-1].reason == "language: no posts"


def test_a_post_does_not_depend_on_the_others(tiny_read: Corpus) -> None:
    some = tiny_read.keep(pl.col("post_id").hash(3) % 5 == 0, "some", "a fifth")
    whole = with_text(tiny_read).posts.join(some.posts.select("post_id"), on="post_id", how="semi")
    assert with_text(some).posts.equals(whole)


def test_languages_of_the_made_up_posts_are_found(written: list[Post], tiny_corpus: Corpus) -> None:
    found = dict(tiny_corpus.posts.select("post_id", "lang").iter_rows())
    right = Counter(
        found[f"x:{native}"] == post.lang for native, post in zip(native_ids(written), written, strict=True)
    )
    assert right[True] / len(written) > 0.9
