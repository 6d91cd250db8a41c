"""The public functions: any sequence of strings in, as many answers out, the same for a text in any company."""

from __future__ import annotations

import multiprocessing
import random
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import discourse.text
from discourse.errors import LanguageWarning, SchemaError
from discourse.schema import LANGUAGES
from discourse.text import detect_language, language_spans, normalize, sentiment, tokenize
from discourse.text.columns import coverage, english_only

TEXTS = [
    "We want PEACE on this border!", "ہم امن چاہتے ہیں اور جنگ نہیں چاہتے", "هم سب كو مل كر رهنا هے", "موږ سوله غواړو",
    "ye jang hamari nahi hai yaar", "این جنگ راه حل نیست", "#peace", "", "We want PEACE on this border!",
    "please stop this war right now, ہم سب مل کر امن چاہتے ہیں", "👍🏽 great 👍🏽", "Мир",
]  # fmt: skip
FUNCTIONS: dict[str, Callable[[Sequence[str | None]], list[Any]]] = {
    "normalize": normalize,
    "tokenize": tokenize,
    "detect_language": lambda texts: detect_language(texts).rows(),
    "language_spans": lambda texts: grouped(language_spans(texts), len(texts)),
    "sentiment": sentiment,
}


pytestmark = pytest.mark.filterwarnings("ignore::discourse.errors.LanguageWarning")


def grouped(table: pl.DataFrame, n: int) -> list[list[tuple[Any, ...]]]:
    """The spans of each of n texts."""
    return [table.filter(pl.col("text") == at).drop("text").rows() for at in range(n)]


def test_the_face_lists_what_it_hands_out() -> None:
    assert set(discourse.text.__all__) == {
        "align", "detect_language", "hashtag_words", "language_spans", "normalize", "sentiment", "tokenize",
    }  # fmt: skip
    assert all(">>>" in (getattr(discourse.text, name).__doc__ or "") for name in discourse.text.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_sequence_gives_the_same(name: str) -> None:
    work = FUNCTIONS[name]
    wanted = work(TEXTS)
    assert len(wanted) == len(TEXTS)
    for given_as in (tuple(TEXTS), np.array(TEXTS, object), np.array(TEXTS), pl.Series(TEXTS), pd.Series(TEXTS)):
        assert work(given_as) == wanted
    assert work([]) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_answer_does_not_depend_on_company_or_order(name: str) -> None:
    work = FUNCTIONS[name]
    alone = {text: work([text])[0] for text in TEXTS}
    shuffled = TEXTS * 3
    random.Random(2).shuffle(shuffled)
    assert work(shuffled) == [alone[text] for text in shuffled]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_threads_and_processes_give_the_same(name: str) -> None:
    wanted = FUNCTIONS[name](TEXTS)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(FUNCTIONS[name], [TEXTS] * 8)) == [wanted] * 8
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        assert list(processes.map(in_a_process, [name] * 2)) == [wanted] * 2


def in_a_process(name: str) -> list[Any]:
    return FUNCTIONS[name](TEXTS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_no_sequence_of_strings_is_refused(name: str) -> None:
    with pytest.raises(SchemaError, match=r"texts is one str; give a sequence of strings, such as \[text\]"):
        FUNCTIONS[name]("peace")
    with pytest.raises(SchemaError, match=r"texts\[1\] is int; every one must be a string or None"):
        FUNCTIONS[name](["peace", 3])  # type: ignore[list-item]


def test_missing_texts() -> None:
    missing: list[Any] = [None, float("nan"), pd.NA]
    assert normalize(missing) == [None] * 3
    assert tokenize(missing) == [[]] * 3
    assert detect_language(missing).rows() == [("und", 0.0)] * 3
    assert language_spans(missing).height == 0
    assert sentiment(missing) == [None] * 3


def test_the_table_of_languages() -> None:
    made = detect_language(TEXTS)
    assert made.schema == {"lang": pl.String, "confidence": pl.Float64}
    assert made["lang"].to_list() == [
        "en", "ur", "ur", "ps", "ur-Latn", "fa", "und", "und", "en", "mixed", "en", "other"
    ]  # fmt: skip
    assert detect_language([]).schema == made.schema


def test_normal_form_by_detected_and_by_given_language() -> None:
    assert normalize(["هم سب كو مل كر رهنا هے"]) == ["ہم سب کو مل کر رہنا ہے"]
    assert normalize(["هم سب كو مل كر رهنا هے"], lang="und") == ["هم سب كو مل كر رهنا هے"]
    assert normalize(["ك", "ك", None], lang=["ur", None, "ur"]) == ["ک", "ك", None]
    assert (
        normalize(["please stop this war now, هم سب كو مل كر رهنا هے"])[0]
        == "please stop this war now, ہم سب کو مل کر رہنا ہے"
    )
    with pytest.raises(SchemaError, match="texts has 2 rows and lang has 1; give one language for each text"):
        normalize(["a", "b"], lang=["en"])
    with pytest.raises(SchemaError, match="lang is 'urdu'"):
        normalize(["a"], lang="urdu")
    with pytest.raises(SchemaError, match="lang is 'urdu'"):
        normalize(["a"], lang=["urdu"])


@settings(deadline=None, max_examples=100)
@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(" ".join(TEXTS).split() + list("يىكهةہھےګگڑړ")), max_size=12).map(" ".join)
)
def test_normal_form_without_a_language_is_idempotent(text: str) -> None:
    once = normalize([text])
    assert normalize(once) == once


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60), st.sampled_from(["ur", "fa", "ps", "en"]))
def test_the_raw_text_is_not_touched(text: str, lang: str) -> None:
    given_texts = [text]
    normalize(given_texts, lang), tokenize(given_texts), detect_language(given_texts), sentiment(given_texts, lang="en")
    assert given_texts == [text]


def test_sentiment_warns_of_what_it_leaves_out_and_never_says_zero() -> None:
    texts = ["I love peace", "ہم امن چاہتے ہیں اور جنگ نہیں چاہتے", "موږ سوله غواړو", "#x", None]
    with pytest.warns(
        LanguageWarning, match=r"^3 of 5 texts have no sentiment, VADER knows English only: ps 1, und 1, ur 1$"
    ):
        made = sentiment(texts)
    assert made == [0.8316, None, None, None, None] or (
        made[0] is not None and made[0] > 0.5 and made[1:] == [None] * 4
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sentiment([*texts[:1], None], lang="en") == [made[0], None]
    for lang in set(LANGUAGES) - {"en"}:
        assert english_only(["I love peace"], [lang]) == [None]
    assert english_only(["I love peace"], [None]) == [None]


def test_a_language_may_be_given_for_sentiment() -> None:
    with pytest.warns(LanguageWarning, match="ur 1"):
        assert sentiment(["good", "good"], lang=["en", "ur"]) == [0.4404, None]
    with pytest.raises(SchemaError, match="texts has 1 rows and lang has 2"):
        sentiment(["good"], lang=["en", "en"])


def test_spans_are_places_in_the_raw_text() -> None:
    text = "RT @a: no more war please 🙏 https://t.co/x ہمیں امن چاہیے #peace"
    made = language_spans(["", text])
    assert made["text"].to_list() == [1, 1]
    cut = [text[start:end] for start, end in made.select("start", "end").rows()]
    assert cut == ["no more war please", "ہمیں امن چاہیے"]
    assert made["lang"].to_list() == ["en", "ur"]
    assert made["words"].to_list() == [4, 3]


def test_coverage() -> None:
    langs = pl.Series(["ur", "en", "en", None, "en", "en"])
    scores = pl.Series([None, 0.0, -0.5, None, None, 0.2])
    got = coverage(langs, scores)
    assert got.columns == ["lang", "posts", "scored", "share"]
    assert got.rows() == [("en", 4, 3, 0.75), ("ur", 1, 0, 0.0), (None, 1, 0, 0.0)]
    with pytest.raises(SchemaError, match="langs has 6 rows and scores has 1"):
        coverage(langs, scores.head(1))
