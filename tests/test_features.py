"""What the classifier sees: masked texts, hashed groups, weights as scikit-learn gives them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfTransformer

from discourse.corpus.posts import Corpus
from discourse.errors import SchemaError
from discourse.framing.features import SIZES, Weighting, count, texts_of
from discourse.schema import POSTS


def posts(*texts: str | None) -> pl.DataFrame:
    return POSTS.frame([
        {"post_id": f"x:{i}", "platform": "x", "author_id": "a", "created_at": datetime(2025, 1, 1, tzinfo=UTC),
         "kind": "original", "text": text or "", "text_norm": text} for i, text in enumerate(texts)
    ])  # fmt: skip


def test_links_and_names_are_masked_in_texts_tables_and_corpora() -> None:
    wanted = ["<user> see <url> now", "امن چاہیے", ""]
    table = posts("@some_one see https://example.org/a now", "امن چاہیے", None)
    assert texts_of(table) == texts_of(Corpus(table)) == wanted
    assert texts_of(["@some_one SEE https://example.org/a now", "امن چاہیے", None]) == wanted
    assert texts_of(POSTS.empty()) == texts_of([]) == []
    with pytest.raises(SchemaError, match=r"the posts have no text_norm; run discourse.with_text\(corpus\) first"):
        texts_of(table.with_columns(pl.lit(None, pl.String).alias("text_norm")))


def test_a_raw_text_counts_as_its_normal_form_does() -> None:
    raw, normal = count(texts_of(["هم سب كو رهنا هے"])), count(["ہم سب کو رہنا ہے"])
    assert all((one != other).nnz == 0 for one, other in zip(raw, normal, strict=True))


def test_groups_words_and_pairs_are_counted() -> None:
    letters, words = count(["no no war"])
    assert words.sum() == 3 + 2
    assert sorted(words.data) == [1, 1, 1, 2]  # no (twice), war, "no no", "no war"
    assert letters.sum() == sum(max(0, len(word) + 2 - size + 1) for word in ("no", "no", "war") for size in SIZES)


def test_word_order_counts_in_pairs_only() -> None:
    (letters, words), (turned_letters, turned_words) = count(["stop war now"]), count(["now war stop"])
    assert (letters != turned_letters).nnz == 0
    assert (words != turned_words).nnz == 4


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_a_text_counts_the_same_in_any_company(texts: list[str]) -> None:
    together = count(texts)
    for at, text in enumerate(texts):
        for block, alone in zip(together, count([text]), strict=True):
            assert (block[[at]] != alone).nnz == 0


def test_weights_are_scikit_learns() -> None:
    counted = count(["we want peace", "we want war war war", "peace now", "now"])
    made = Weighting.fit(counted, least=2).of(counted)
    at = 0
    for block in counted:
        kept = np.flatnonzero((block > 0).sum(axis=0) >= 2)
        theirs = TfidfTransformer(sublinear_tf=True).fit_transform(block[:, kept]).toarray()
        assert np.allclose(made.toarray()[:, at : at + len(kept)], theirs)
        at += len(kept)
    assert made.shape[1] == at > 4


def test_scores_are_the_weighted_counts_times_the_weights() -> None:
    texts = ["we want peace", "we want war", "", "something new", "peace peace"]
    counted = count(texts)
    weighting = Weighting.fit(count(texts[:2]), least=1)
    weights = np.random.default_rng(1).normal(size=(3, weighting.size))
    assert np.allclose(weighting.scores(counted, weights), weighting.of(counted) @ weights.T)
