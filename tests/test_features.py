"""What the classifier sees: masked normal forms, words that keep their marks, n-grams inside words."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from discourse.corpus.posts import Corpus
from discourse.errors import SchemaError
from discourse.framing.features import feature_union, model_text
from discourse.schema import POSTS


def test_links_and_mentions_are_masked_and_nothing_else_changes() -> None:
    posts = pl.DataFrame({"text_norm": ["@made_up_0001 see https://t.co/abcdefghij now", "امن چاہیے", None]})
    assert model_text(posts).to_list() == ["<user> see <url> now", "امن چاہیے", ""]


def test_texts_stand_in_the_order_of_the_posts(tiny_measured: Corpus) -> None:
    posts = tiny_measured.posts
    made = model_text(posts)
    back = model_text(posts.reverse())
    assert made.to_list() == back.to_list()[::-1]
    assert not made.str.contains("@made_up|t\\.co").any()


def test_posts_without_normal_form_are_refused() -> None:
    expected = "the posts have no text_norm; run discourse.with_text(corpus) first"
    for posts in (pl.DataFrame({"text": ["a"]}), pl.DataFrame({"text_norm": [None]}, schema={"text_norm": pl.String})):
        with pytest.raises(SchemaError) as caught:
            model_text(posts)
        assert str(caught.value) == expected
    assert model_text(POSTS.empty()).to_list() == []


def test_words_and_pairs_keep_marks_and_joiners() -> None:
    union = feature_union().fit(["گفت‌وگو بهتر است", "we want peace"])
    words = set(union.named_transformers["word"].vocabulary_)
    assert {"گفت‌وگو", "بهتر است", "want peace", "we want"} <= words
    assert "we want peace" not in words


def test_characters_stay_inside_words() -> None:
    union = feature_union().fit(["nahi nahin"])
    grams = set(union.named_transformers["char"].vocabulary_)
    assert {"na", "nahi", " na", "hi ", "ahin"} <= grams
    assert not [gram for gram in grams if " " in gram.strip()]
    assert {len(gram) for gram in grams} == {2, 3, 4, 5}


def test_both_blocks_are_of_length_one_and_sublinear() -> None:
    texts = ["war war war war peace", "peace now"]
    union = feature_union().fit(texts)
    made = union.transform(texts).toarray()
    width = len(union.named_transformers["word"].vocabulary_)
    for block in (made[:, :width], made[:, width:]):
        assert np.allclose((block**2).sum(axis=1), 1.0)
    word = union.named_transformers["word"]
    war, peace = word.vocabulary_["war"], word.vocabulary_["peace"]
    # tf 4 counts 1 + ln 4; idf with smoothing: ln(3 / 2) + 1 for one text in two, 1 for both.
    assert made[0, war] / made[0, peace] == pytest.approx((1 + np.log(4)) * (np.log(1.5) + 1))


def test_case_is_left_to_the_normal_form() -> None:
    words = feature_union().fit(["Peace peace"]).named_transformers["word"].vocabulary_
    assert {"Peace", "peace"} <= set(words)
