"""The lexicon baseline: counts of hand-written terms."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.framing.lexicon import lexicon_frames, lexicon_terms
from discourse.schema import FRAMES
from discourse.text.normalize import normalize

LANGS = ("en", "ur", "ur-Latn", "ps", "fa")


def frame(text: str, lang: str | None = "en") -> str:
    return str(lexicon_frames(pl.Series([text]), pl.Series([lang], dtype=pl.String))[0])


@pytest.mark.parametrize("lang", LANGS)
def test_every_language_has_terms_of_both_poles_in_normal_form(lang: str) -> None:
    terms = lexicon_terms(lang)
    assert set(terms) == {"nationalist", "conciliatory"}
    for pole in terms.values():
        assert len(pole) >= 20
        assert all(term == normalize(term, lang) and term.strip() == term != "" for term in pole)
        assert len(set(pole)) == len(pole)
    assert not set(terms["nationalist"]) & set(terms["conciliatory"])


@pytest.mark.parametrize("lang", LANGS)
def test_every_term_is_found_alone_and_as_a_hashtag(lang: str) -> None:
    for pole, terms in lexicon_terms(lang).items():
        for term in terms:
            assert frame(f"xx {term}.", lang) in (pole, "both"), term
            assert frame(f"#{term}", lang) in (pole, "both"), term


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "neither"),
        ("rain in the valley", "neither"),
        ("our homeland", "nationalist"),
        ("peace", "conciliatory"),
        ("peace, peace and revenge", "conciliatory"),
        ("revenge for the martyrs, then peace", "nationalist"),
        ("peace and revenge", "both"),
        ("peaceful", "neither"),
        ("unpeace", "neither"),
        ("#peace", "conciliatory"),
        ("x#peace", "neither"),
        ("befitting reply", "nationalist"),
    ],
)
def test_counts_decide(text: str, expected: str) -> None:
    assert frame(text) == expected


def test_a_longer_term_counts_once() -> None:
    assert {"negotiation", "negotiations"} <= set(lexicon_terms("en")["conciliatory"])
    assert frame("negotiations over revenge") == "both"


def test_a_language_without_terms_is_searched_in_all() -> None:
    assert lexicon_terms("other") == {"nationalist": (), "conciliatory": ()}
    urdu = lexicon_terms("ur")["conciliatory"][0]
    for lang in (None, "und", "other"):
        assert frame("peace", lang) == "conciliatory"
        assert frame(urdu, lang) in ("conciliatory", "both")
    assert frame(urdu, "en") == "neither"


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.text(max_size=40), st.sampled_from([*LANGS, "other", None])), max_size=5))
def test_any_text_gets_a_frame_in_its_place(rows: list[tuple[str, str | None]]) -> None:
    rows = [(text.encode("utf-8", "ignore").decode(), lang) for text, lang in rows]
    texts = pl.Series([text for text, _ in rows], dtype=pl.String)
    langs = pl.Series([lang for _, lang in rows], dtype=pl.String)
    made = lexicon_frames(texts, langs)
    assert made.to_list() == [frame(text, lang) for text, lang in rows]
    assert set(made) <= set(FRAMES)
