"""Terms as hashed runs: what `lexicon_hits` finds one by one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT
from discourse.framing.bank import read_bank
from discourse.framing.features import read, texts_of
from discourse.framing.lexicon import lexicon_hits, lexicon_terms
from discourse.framing.lexicon_counts import POLES, lexicon_counts, lexicon_said
from discourse.schema import LANGUAGES

WRITTEN = [lang for lang in LANGUAGES if any(lexicon_terms(lang).values())]


def by_hits(texts: list[str], langs: list[str]) -> np.ndarray:
    made = np.zeros((len(texts), 2))
    for row, _, pole, _, count in lexicon_hits(pl.Series(texts), pl.Series(langs)).iter_rows():
        made[row, POLES.index(pole)] += count
    return made


def counts(texts: list[str], langs: list[str]) -> np.ndarray:
    return lexicon_counts(read(texts), langs)


def test_a_term_inside_a_longer_one_does_not_count_for_itself() -> None:
    """ "never forgive" is of one pole, "forgive" of the other."""
    texts = ["never forgive", "forgive", "we never forgive; forgive us", "forgive, forgive", "never, forgive"]
    assert counts(texts, ["en"] * 5).tolist() == by_hits(texts, ["en"] * 5).tolist()
    assert counts(texts, ["en"] * 5).tolist()[:2] == [[1, 0], [0, 1]]


@pytest.mark.parametrize("lang", WRITTEN)
def test_every_term_alone_is_found_once_in_its_pole(lang: str) -> None:
    for at, pole in enumerate(POLES):
        terms = list(lexicon_terms(lang)[pole])
        found = counts(terms, [lang] * len(terms))
        right = (found == np.eye(2)[at]).all(axis=1)
        assert right.mean() > 0.99, [term for term, one in zip(terms, right, strict=True) if not one]


def test_on_the_bank_it_finds_what_is_found_one_by_one() -> None:
    raw, _, langs = read_bank(ROOT / "corpora" / "bank")
    texts, langs = [str(text) for text in texts_of(raw[::7])], langs[::7]
    agree = (counts(texts, langs) == by_hits(texts, langs)).all(axis=1)
    assert agree.mean() > 0.97
    assert by_hits(texts, langs).sum() > 100


def test_a_language_without_a_lexicon_is_searched_with_all() -> None:
    texts = ["peace", "سوله", "revenge"]
    assert counts(texts, ["und", "other", "mixed"]).tolist() == [[0, 1], [0, 1], [1, 0]]
    assert counts(["سوله"], ["en"]).tolist() == [[0, 0]]


def test_a_term_does_not_run_over_the_end_of_a_text() -> None:
    assert counts(["never", "forgive"], ["en", "en"]).tolist() == [[0, 0], [0, 1]]
    assert counts(["cease", "fire peace talks"], ["en", "en"]).tolist() == by_hits(
        ["cease", "fire peace talks"], ["en", "en"]).tolist()  # fmt: skip
    assert counts([], []).shape == (0, 2)
    assert counts(["", ""], ["en", "und"]).tolist() == [[0, 0], [0, 0]]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.sampled_from(["never", "forgive", "peace", "talks", "revenge", "rain", "#", ","]),
                         max_size=8).map(" ".join), min_size=1, max_size=4))  # fmt: skip
def test_counts_are_whole_never_below_0_and_the_same_in_any_company(texts: list[str]) -> None:
    together = counts(texts, ["en"] * len(texts))
    assert (together >= 0).all()
    assert (together == together.round()).all()
    for at, text in enumerate(texts):
        assert (counts([text], ["en"])[0] == together[at]).all()
    said = lexicon_said(read(texts), ["en"] * len(texts))
    assert np.allclose(said, together / (1 + together))
