"""VADER's score for English, null for the rest."""

from __future__ import annotations

import polars as pl
import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from discourse.errors import SchemaError
from discourse.text.sentiment import coverage, sentiment

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


def english(texts: list[str]) -> list[float | None]:
    return sentiment(pl.Series(texts), pl.Series(["en"] * len(texts))).to_list()


def test_published_values() -> None:
    assert english(list(PUBLISHED)) == list(PUBLISHED.values())


def test_equal_to_vader_itself() -> None:
    texts = [
        "We want peace!",
        "They MURDERED our children 😡",
        "",
        "no words",
        "I don't hate them, but I will never forgive this.",
        "😂" * 64,
        "great " * 1500,
    ]
    theirs = SentimentIntensityAnalyzer()
    assert english(texts) == [theirs.polarity_scores(text)["compound"] for text in texts]


def test_caps_on_emoji_and_length() -> None:
    theirs = SentimentIntensityAnalyzer()
    tail = " bad" * 40  # brings the sum near zero, where one emoji more or less shows
    at = {count: theirs.polarity_scores("😂" * count + tail)["compound"] for count in (63, 64, 65)}
    assert len(set(at.values())) == 3
    assert english(["😂" * count + tail for count in (63, 64, 65, 3000)]) == [at[63], at[64], at[64], at[64]]
    assert english(["x" * 10_000 + " wonderful"]) == [0.0]


def test_other_languages_are_null_and_never_zero() -> None:
    langs = ["ur", "ps", "fa", "ur-Latn", "other", "und", None, "en", "en"]
    texts = ["I love peace"] * 8 + [None]
    got = sentiment(pl.Series("t", texts), pl.Series("l", langs))
    assert got.dtype == pl.Float64
    assert got.to_list() == [None] * 7 + [english(["I love peace"])[0], None]
    assert got[7] > 0.5


def test_empty_and_wrong_columns() -> None:
    empty = pl.Series([], dtype=pl.String)
    assert sentiment(empty, empty).dtype == pl.Float64
    with pytest.raises(SchemaError, match="texts has 1 rows and langs has 0"):
        sentiment(pl.Series(["a"]), empty)
    with pytest.raises(SchemaError, match="texts is a column of Float64"):
        sentiment(pl.Series([1.0]), pl.Series(["en"]))


def test_coverage() -> None:
    langs = pl.Series(["ur", "en", "en", None, "en", "en"])
    scores = pl.Series([None, 0.0, -0.5, None, None, 0.2])
    got = coverage(langs, scores)
    assert got.columns == ["lang", "posts", "scored", "share"]
    assert got.rows() == [("en", 4, 3, 0.75), ("ur", 1, 0, 0.0), (None, 1, 0, 0.0)]
    with pytest.raises(SchemaError, match="langs has 6 rows and scores has 1"):
        coverage(langs, scores.head(1))
