"""Kernels over texts against the plain paths beside them: the same digits, languages and letters for any text."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment import vaderSentiment

from discourse.kernels.compiled import plain_path
from discourse.text import language_tables, valence
from discourse.text.language import identify, identify_columns
from discourse.text.letters import chunk_words
from discourse.text.normal_form import normal_forms
from discourse.text.valence import compounds

pytest.importorskip("numba", reason="needs numba: pip install 'discourse[speed]'")

CORPUS = Path(__file__).resolve().parents[1] / "corpora" / "language"
LETTERS = "abRTé İßςΣŠAaامنپښېۍكۀہےيىмир中한\u0651\u0654\u200c\u200d\u0640\ufe0f\ufb50\ufdfa\u200f"
SIGNS = "'’\".,!?:;@#&<>/-_…()*\u00a0\u2003\u3000\t\n 01۴٣😀❤☺🇵🇰𝐀🏽\U000e0067\U00020000"
PIECES = (
    *("good", "BAD", "not", "isn't", "but", "kind of", "never so", "the shit", "yeah right", "VERY", ":)", "💔"),
    *(
        "http://",
        "https://t.co/ab",
        "https://T.co/a/b",
        "https://example.org/a?b=",
        "www.",
        "t.co/x",
        "pic.twitter.com/",
    ),
    *(
        "RT",
        "rt",
        "via",
        "don't",
        "it’s",
        "x'http:",
        "#tag",
        "@name",
        "#افغان",
        "#12",
        "@",
        "#_",
        "kabul",
        "ـyeah",
        "نہیں",
    ),
    *("nahiiiii", "a" * 21, "a" * 40, "!" * 31, "7" * 70, "می\u200cخواهیم", "\u200cا\u200c\u200c", "مُحَبَّت", "&amp;"),
)
ANY = st.lists(st.sampled_from(PIECES) | st.text(st.sampled_from(LETTERS + SIGNS), max_size=5) | st.text(max_size=4))
TEXT = st.tuples(ANY, st.sampled_from(["", " "])).map(lambda made: made[1].join(made[0]))


def fuzzed(count: int, seed: int) -> list[str]:
    """Texts of pieces, letters and signs with and without spaces between."""
    draw = random.Random(seed)
    pool = [*PIECES, *LETTERS, *SIGNS]
    return [
        "".join(draw.choice(pool) + " " * (draw.random() < 0.4) for _ in range(draw.randint(0, 40)))
        for _ in range(count)
    ]


def written() -> list[str]:
    """Posts in 29 languages."""
    return [line for file in sorted(CORPUS.glob("*.posts.txt")) for line in file.read_text().splitlines()[:120]]


def both(work: Callable[[Sequence[str]], Iterable[Any]], texts: Sequence[str]) -> None:
    """`work` gives the same with kernels and without."""
    fast = [*work(texts)]
    with plain_path():
        plain = [*work(texts)]
    assert [(text, a, b) for text, a, b in zip(texts, fast, plain, strict=True) if repr(a) != repr(b)] == []


WORK = {
    "valence": lambda texts: compounds(texts, False),
    "valence as from 3.12": lambda texts: compounds(texts, True),
    "language": identify,
    "normal ur": lambda texts: normal_forms(texts, ["ur"] * len(texts)),
    "normal fa": lambda texts: normal_forms(texts, ["fa"] * len(texts)),
    "normal ps": lambda texts: normal_forms(texts, ["ps"] * len(texts)),
    "normal en": lambda texts: normal_forms(texts, ["en"] * len(texts)),
}


@pytest.mark.parametrize("name", WORK)
def test_kernel_and_plain_path_agree(name: str) -> None:
    texts = written()
    assert len(texts) > 2000
    both(WORK[name], [*texts, *fuzzed(1500, seed=8)])


@settings(deadline=None, max_examples=120)
@given(st.lists(TEXT, max_size=4))
def test_kernel_and_plain_path_agree_on_any_text(texts: list[str]) -> None:
    for name in ("valence", "language", "normal ur", "normal fa"):
        both(WORK[name], texts)


@pytest.mark.parametrize("name", WORK)
def test_long_and_broken_texts(name: str) -> None:
    cut = "x" * 9_990
    texts = [
        *(f"{cut} {'good ' * 10}", f"{cut}\u200c\u200c\u200c wonderful", "ہ" * 10_001, "امن " * 3000, "😀" * 3000),
        *("\ud800 good", "é" * 9_999 + " BAD", "good but " * 1200, "", " ", "\u200c", "ab " * 4000, "#" * 10_100),
    ]
    both(WORK[name], texts)


def test_a_missing_text_stays_missing() -> None:
    texts = [None, "good", None]
    assert compounds(texts) == [None, 0.4404, None]
    assert [found.lang for found in identify(texts)][::2] == ["und", "und"]
    assert normal_forms(texts, ["en"] * 3) == [None, "good", None]
    assert compounds([]) == identify([]) == normal_forms([], []) == []


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_neither_threads_nor_batches_change_an_answer(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*fuzzed(600, seed=2), *written()[::6]]
    scores, langs = compounds(texts, threads=1), identify_columns(texts, threads=1)
    for size in (1_000, 40_000):
        monkeypatch.setattr(valence, "batches", lambda offsets, size=size: batches_of(offsets, size))
        monkeypatch.setattr(language_tables, "batches", lambda offsets, _, size=size: batches_of(offsets, size))
        assert compounds(texts, threads=threads) == scores
        again = identify_columns(texts, threads=threads)
        assert (again.langs, again.mains) == (langs.langs, langs.mains)
        assert again.confidence.tobytes() == langs.confidence.tobytes()


def batches_of(offsets: Any, size: int) -> list[tuple[int, int]]:
    from discourse.kernels.compiled import batches

    made = batches(offsets, size, 1 << 14)
    assert len(made) > 1
    return made


def test_most_chunks_are_read_by_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def reading(chunk: str) -> list[tuple[str, str]]:
        seen.append(chunk)
        return chunk_words(chunk)

    monkeypatch.setattr(language_tables, "chunk_words", reading)
    easy = "don't look, “it’s” @us: #امن_اب (https://t.co/ab12) https://example.org/a?b=c مُحَبَّت می\u200cخواهیم 12"
    identify([easy, "a/b é 😀!"])
    assert seen == ["a/b", "é"]


@pytest.mark.parametrize("compensated", [False, True])
def test_both_rules_for_a_sum_are_those_of_the_package(compensated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """3.11 adds floats plainly, 3.12 with compensation: the package is given either rule, whatever runs this."""
    monkeypatch.setattr(vaderSentiment, "sum", neumaier if compensated else plainly, raising=False)
    analyzer = vaderSentiment.SentimentIntensityAnalyzer()
    texts = fuzzed(700, seed=5)
    theirs = [analyzer.polarity_scores(text)["compound"] for text in texts]
    assert compounds(texts, compensated) == theirs
    with plain_path():
        assert compounds(texts, compensated) == theirs


def test_the_two_rules_differ_where_a_compensated_sum_does() -> None:
    import numpy as np

    from discourse.kernels.valence import _added

    tenths = np.full(10, 0.1)
    assert (_added(tenths, 10, False), _added(tenths, 10, True)) == (0.9999999999999999, 1.0)
    assert (valence._added([0.1] * 10, False), valence._added([0.1] * 10, True)) == (0.9999999999999999, 1.0)


def plainly(values: Iterable[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


def neumaier(values: Iterable[float]) -> float:
    total, lost = 0.0, 0.0
    for value in values:
        more = total + value
        lost += (total - more) + value if abs(total) >= abs(value) else (value - more) + total
        total = more
    return total + lost
