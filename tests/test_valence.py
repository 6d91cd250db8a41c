"""VADER's own score, to the last digit, at any input."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from conftest import shared_file
from discourse.kernels.compiled import plain_path
from discourse.text.valence import compounds

ANALYZER = SentimentIntensityAnalyzer()

# Published in VADER's README, "Code Examples".
PUBLISHED = {
    "VADER is smart, handsome, and funny.": 0.8316,
    "VADER is smart, handsome, and funny!": 0.8439,
    "VADER is very smart, handsome, and funny.": 0.8545,
    "VADER is VERY SMART, handsome, and FUNNY.": 0.9227,
    "VADER is VERY SMART, handsome, and FUNNY!!!": 0.9342,
    "VADER is VERY SMART, uber handsome, and FRIGGIN FUNNY!!!": 0.9469,
    "VADER is not smart, handsome, nor funny.": -0.7424,
    "The book was good.": 0.4404,
    "At least it isn't a horrible book.": 0.431,
    "The book was only kind of good.": 0.3832,
    "The plot was good, but the characters are uncompelling and the dialog is not great.": -0.7042,
    "Today SUX!": -0.5461,
    "Today only kinda sux! But I'll get by, lol": 0.5249,
    "Make sure you :) or :D today!": 0.8633,
    "Not bad at all": 0.431,
}


@pytest.fixture(params=["plain", "compiled"])
def _path(request: pytest.FixtureRequest) -> Iterator[None]:
    """Scores of the plain path, then those of the compiled loops, which serve for any column once numba is loaded."""
    if request.param == "plain":
        with plain_path():
            yield
    else:
        pytest.importorskip("numba", reason="needs numba: pip install 'discourse[speed]'")
        yield


@pytest.fixture(scope="module")
def theirs() -> Callable[[str], float]:
    """The compound score of the package itself."""
    return lambda text: float(ANALYZER.polarity_scores(text)["compound"])


@pytest.mark.usefixtures("_path")
def test_published_values() -> None:
    assert compounds(list(PUBLISHED)) == list(PUBLISHED.values())


@pytest.mark.usefixtures("_path")
def test_equal_on_ordinary_and_odd_texts(theirs: Callable[[str], float]) -> None:
    texts = [
        *("We want peace!", "They MURDERED our children 😡", "", "no words", "😂" * 64, "great " * 1500, "but"),
        *("I don't hate them, but I will never forgive this.", "a kind of kindness", "kind of good", "no no good"),
        *("the least good", "at least good", "very least good", "without a doubt the best", "never so good"),
        *("not bad but not good", "never this bad", "yeah right", "this is the shit", "kiss of death", "GOOD bad"),
        *("a to die for dress", "ALL GREAT", "İYİ good", "good but good but good", "bad but bad bad but bad"),
        *("😀good😀", "x😀 😀y", "good\u2003day", "😀", "uh-uh good :) :( :D"),
    ]
    assert compounds(texts) == [theirs(text) for text in texts]


WORDS = """
good bad great love hate kill peace war happy sad fine lol shit bomb ass no not never without doubt so this least at
very but or nor isn't cannot kind of sort just enough really hardly most extremely barely somewhat yeah right kiss
death to die for beating heart bus stop the a and we border talks :) :( :D 😀 😡 ❤ 💔
""".split()  # noqa: SIM905


def made_up(draw: random.Random) -> str:
    """A post dense in what VADER's rules look for."""
    words = [draw.choice(WORDS) for _ in range(draw.randint(1, 16))]
    cased = [
        draw.choice([word, word, word, word.upper(), word.title(), word + "!", "(" + word + ")"]) for word in words
    ]
    return draw.choice([" ", " ", "  ", "\t", ""]).join(cased) + draw.choice(["", "!", "??", "!!!!!", "????"])


@pytest.mark.usefixtures("_path")
def test_equal_on_posts_dense_in_its_rules(theirs: Callable[[str], float]) -> None:
    draw = random.Random(4)
    texts = [made_up(draw) for _ in range(4000)]
    assert len({theirs(text) for text in texts[:500]}) > 100
    assert compounds(texts) == [theirs(text) for text in texts]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=12), max_size=25).map(" ".join))
def test_equal_on_any_text(text: str) -> None:
    assert compounds([text]) == [ANALYZER.polarity_scores(text)["compound"]]


@pytest.mark.usefixtures("_path")
def test_equal_on_the_real_english_posts(theirs: Callable[[str], float]) -> None:
    path = shared_file("ruw_russia_ukraine_stance", "raw_train_Russia_Ukraine.csv")
    with path.open(encoding="latin-1") as file:
        texts = [row["Tweet"] for row in csv.DictReader(file)]
    assert len(texts) == 4200
    assert [
        at for at, (ours, text) in enumerate(zip(compounds(texts), texts, strict=True)) if ours != theirs(text)
    ] == []


@pytest.mark.usefixtures("_path")
def test_caps_on_emoji_and_length(theirs: Callable[[str], float]) -> None:
    tail = " bad" * 40  # brings the sum near zero, where one emoji more or less shows
    at = {count: theirs("😂" * count + tail) for count in (63, 64, 65)}
    assert len(set(at.values())) == 3
    assert compounds(["😂" * count + tail for count in (63, 64, 65, 3000)]) == [at[63], at[64], at[64], at[64]]
    assert compounds(["x" * 10_000 + " wonderful"]) == [0.0]


@pytest.mark.usefixtures("_path")
def test_none_stays_none_and_an_empty_text_is_neutral() -> None:
    assert compounds([None, "", "good"]) == [None, 0.0, 0.4404]
