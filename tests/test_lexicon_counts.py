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


def by_hits(texts: list[str]) -> np.ndarray:
    """What is found one by one, with the terms of all languages."""
    made = np.zeros((len(texts), 2))
    for row, _, pole, _, count in lexicon_hits(pl.Series(texts), pl.Series(["und"] * len(texts))).iter_rows():
        made[row, POLES.index(pole)] += count
    return made


def counts(texts: list[str]) -> np.ndarray:
    return lexicon_counts(read(texts))


def test_a_term_inside_a_longer_one_does_not_count_for_itself() -> None:
    """ "never forgive" is of one pole, "forgive" of the other."""
    texts = ["never forgive", "forgive", "we never forgive; forgive us", "forgive, forgive", "never, forgive"]
    assert counts(texts).tolist() == by_hits(texts).tolist()
    assert counts(texts).tolist()[:2] == [[1, 0], [0, 1]]


def test_terms_of_five_languages_are_found() -> None:
    texts = ["peace", "سوله", "revenge", "جنگ نہیں، امن چاہیے", "صلح پایدار", "rain"]
    assert counts(texts).tolist()[:3] == [[0, 1], [0, 1], [1, 0]]
    assert (counts(texts)[3:5, 1] > 0).all()
    assert counts(texts)[5].tolist() == [0, 0]


@pytest.mark.parametrize("lang", WRITTEN)
def test_nearly_every_term_alone_is_found_once_in_its_pole(lang: str) -> None:
    """Where two languages spell terms of both poles alike, the first of them is believed."""
    for at, pole in enumerate(POLES):
        found = counts(list(lexicon_terms(lang)[pole]))
        assert (found == np.eye(2)[at]).all(axis=1).mean() > 0.97


def test_on_the_bank_it_finds_what_is_found_one_by_one() -> None:
    raw = read_bank(ROOT / "corpora" / "bank")[0][::11]
    texts = [str(text) for text in texts_of(raw)]
    hits = by_hits(texts)
    assert (counts(texts) == hits).all(axis=1).mean() > 0.95
    assert hits.sum() > 100


def test_a_term_does_not_run_over_the_end_of_a_text() -> None:
    assert counts(["never", "forgive"]).tolist() == [[0, 0], [0, 1]]
    assert counts([]).shape == (0, 2)
    assert counts(["", ""]).tolist() == [[0, 0], [0, 0]]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.sampled_from(["never", "forgive", "peace", "talks", "revenge", "rain", "#", ","]),
                         max_size=8).map(" ".join), min_size=1, max_size=4))  # fmt: skip
def test_counts_are_whole_never_below_0_and_the_same_in_any_company(texts: list[str]) -> None:
    together = counts(texts)
    assert (together >= 0).all()
    assert (together == together.round()).all()
    for at, text in enumerate(texts):
        assert (counts([text])[0] == together[at]).all()
    said = lexicon_said(read(texts))
    assert np.allclose(said, together / (1 + together))
