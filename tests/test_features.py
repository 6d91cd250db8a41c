"""What the classifier sees: masked texts, hashed groups, weights as scikit-learn gives them."""

from __future__ import annotations

import pickle
import re
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfTransformer

from discourse.corpus.posts import Corpus
from discourse.corpus.texts import with_text
from discourse.errors import BadInput, SchemaError
from discourse.framing import features, reading
from discourse.framing.features import SIZES, Weighting, count, fits, folded, languages, read, texts_of
from discourse.schema import LANGUAGES, POSTS
from discourse.text.chunks import parts
from discourse.text.noise import mask
from discourse.text.normal_form import normal_forms
from discourse.text.tokens import WORDS


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


def test_a_text_keeps_whom_it_mentions_and_nobody_else_knows() -> None:
    one, other, none = texts_of(["@Some_One امن چاہیے @demo", "we want peace @some_one", "peace? a@example.org"])
    assert none.names == ()
    assert one.names[0] == other.names[0]
    assert len(set(one.names)) == 2
    assert all(0 <= name < 2**48 for name in one.names)
    assert one == "<user> امن چاہیے <user>"
    assert texts_of(["see https://example.org/?q=@some_one"])[0].names == ()
    again = pickle.loads(pickle.dumps(one))
    assert (again, again.lang, again.names, again.source) == (one, one.lang, one.names, one.source)


def test_the_language_of_a_table_is_its_own_and_detected_where_it_has_none() -> None:
    table = posts("peace for all", "امن چاہیے", "we want peace").with_columns(lang=pl.Series(["ps", None, "en"]))
    assert languages(texts_of(table)) == ["ps", "ur", "en"]
    assert languages(texts_of(table.drop("lang"))) == ["en", "ur", "en"]
    assert languages(["امن چاہیے", *texts_of([None])]) == ["ur", "und"]


@pytest.mark.parametrize(
    "text",
    ["HTTP://EXAMPLE.ORG/a b", "see www.example.org/a", "pic.twitter.com/abc now", "t.co/abc", "https:…",
     "＠demo_one hi", "a@b", "no@example.org", "@demo", "x@demo y"],
)  # fmt: skip
def test_masking_is_that_of_the_text_layer(text: str) -> None:
    assert texts_of([text]) == [mask(text.lower())]
    assert texts_of(posts(text)) == [mask(text)]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text("aبß\u064e\u200c_1!، ", max_size=20), max_size=6), st.integers(1, 30))
def test_tokens_of_texts_read_together_are_those_of_each_chunk(texts: list[str], characters: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "parts", lambda given: parts(given, characters))
        made = read(texts)
    pattern = re.compile(rf"{WORDS}|[^\w\s]")
    wanted = [[word for chunk in text.split() for word in pattern.findall(folded(chunk))] for text in texts]
    at = [made.at[first:last] for first, last in pairwise(made.ends)]
    assert [[made.words[one] for one in of_text] for of_text in at] == wanted
    assert made.words == list(dict.fromkeys(word for of_text in wanted for word in of_text))


def test_rows_are_scored_the_same_however_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["we want peace", "", "we want war", "peace peace now", "no"]
    counted = count(texts)
    weighting = Weighting.fit(counted, least=1)
    weights = np.random.default_rng(1).normal(size=(2, weighting.size))
    wanted = weighting.scores(counted, weights)
    for at_once in (1, 20, 40):
        monkeypatch.setattr(features, "_AT_ONCE", at_once)
        assert (weighting.scores(counted, weights) == wanted).all()


LETTERS = "abc اأبپتٹټجچيىیےېۍئكکگګهہھەةۀۂنںڼشښٱرڑړ\u064e\u0650\u0651\u0654\u0670\u06d6\u200c\u0640 12١#_@!،"
ARABIC = st.text(st.sampled_from(LETTERS), max_size=30)


@settings(deadline=None, max_examples=300)
@given(st.lists(ARABIC | st.text(max_size=30), min_size=1, max_size=4))
@example(["ٱ\u0654"])
@example(["aأ@\u064e"])
def test_a_raw_text_counts_as_it_does_in_a_corpus(texts: list[str]) -> None:
    table = with_text(Corpus(posts(*texts).with_columns(pl.lit(None, pl.String).alias("text_norm")))).posts
    raw, held = texts_of(texts), texts_of(table)
    for one, other in zip(count(raw), count(held), strict=True):
        assert (one != other).nnz == 0
    assert [folded(text) for text in raw] == [folded(text) for text in held]
    assert [text.names for text in raw] == [text.names for text in held]
    assert languages(raw) == languages(held)
    for one, other in zip(count(raw), count([folded(text) for text in raw]), strict=True):
        assert (one != other).nnz == 0


JOINED = st.text(st.sampled_from(LETTERS + "\u0653\u0655ۓۃ\u200d\ufe0f\u0301aİ😀❤Ⓜﷺﺍﻙ"), max_size=8)


@settings(deadline=None, max_examples=500)
@given(JOINED)
@example("ٱ\u0654")
@example("😀\u064b\u200d❤")
@example("a\u064b\u0301")
def test_the_normal_forms_of_all_languages_fold_to_one(text: str) -> None:
    langs = sorted(LANGUAGES)
    assert len({folded(form or "") for form in normal_forms([text] * len(langs), langs)}) == 1


def test_scores_of_many_texts_are_those_of_each() -> None:
    texts = ["we want peace", "we want war", "", "peace peace now"]
    weighting = Weighting.fit(count(texts), least=1)
    weights = np.random.default_rng(1).normal(size=(2, weighting.size))
    together = weighting.scores(count(texts), weights)
    for at, text in enumerate(texts):
        assert (weighting.scores(count([text]), weights)[0] == together[at]).all()
    empty = Weighting.fit(count(texts), least=100)
    assert weighting.scores(count([]), weights).shape == (0, 2)
    assert empty.scores(count(texts), np.zeros((2, 0))).tolist() == [[0, 0]] * 4


@pytest.mark.parametrize(
    ("columns", "idf"),
    [([3, 3], [1, 1]), ([5, 3], [1, 1]), ([-1, 3], [1, 1]), ([3, 2**19], [1, 1]), ([3], [1, 1]), ([3, 5], [1, np.inf])],
)
def test_columns_of_no_weighting_are_refused(columns: list[int], idf: list[float]) -> None:
    good = (np.array([1], np.int32), np.array([1.0]))
    with pytest.raises(BadInput, match="columns of the model"):
        fits([good[0], np.array(columns, np.int32)], [good[1], np.array(idf, np.float64)])
    with pytest.raises(BadInput, match="columns of the model"):
        fits([good[0].astype(np.int64)], [good[1]])
    assert fits([good[0], good[0]], [good[1], good[1]]) == 2
