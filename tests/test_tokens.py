"""Words, tags, names, links and emoji come out whole, in both scripts."""

from __future__ import annotations

import csv
import warnings

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import shared_file
from discourse.errors import UsageError
from discourse.text.tokens import WORDS, hashtag_words, tokens


def one(text: str) -> list[str]:
    return tokens([text])[0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("چیئرمین اور نوجوان۔", ["چیئرمین", "اور", "نوجوان", "۔"]),
        ("چی\u0654رمین", ["چی\u0654رمین"]),
        ("مُحَبَّت، اُردو؟", ["مُحَبَّت", "،", "اُردو", "؟"]),
        ("می\u200cخواهیم", ["می\u200cخواهیم"]),
        ("د سولې په اړه", ["د", "سولې", "په", "اړه"]),
        ("#get_out_of! #افغانستان_پریږدئ", ["#get_out_of", "!", "#افغانستان_پریږدئ"]),
        ("#1 &#39;", ["#", "1", "&", "#", "39", ";"]),
        ("RT @some_one: hi", ["RT", "@some_one", ":", "hi"]),
        ("https://example.org/a_b?c=1, ok", ["https://example.org/a_b?c=1", ",", "ok"]),
        ("<url> <user>", ["<url>", "<user>"]),
        ("❤️🇵🇰🇦🇫👨‍👩‍👧👍🏽1️⃣", ["❤️", "🇵🇰", "🇦🇫", "👨‍👩‍👧", "👍🏽", "1️⃣"]),
        ("1,200 3.5 10:30 2021/02/11 ۱۴۰۰ 5th 2nd", ["1,200", "3.5", "10:30", "2021/02/11", "۱۴۰۰", "5th", "2nd"]),
        ("1.2m 3-5 9. .5", ["1.2m", "3-5", "9", ".", ".", "5"]),
        ("don't well-known 'so' a-", ["don't", "well-known", "'", "so", "'", "a", "-"]),
        ("wait... what?!", ["wait", "...", "what", "?", "!"]),
        (":) <3 :D Note:Do", [":)", "<3", ":D", "Note", ":", "Do"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_tokens(text: str, wanted: list[str]) -> None:
    assert tokens([text]) == [wanted]


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200))
def test_no_visible_character_is_lost(text: str) -> None:
    assert "".join(one(text)) == "".join(text.split())


@pytest.mark.parametrize(
    "unit", ["1", "@", "#", "#1", "a.", "-", "'a", "😂", "\u200f", "&amp;", "http://", "1.", "👩\u200d", "🇵"]
)
def test_hostile_repeats_come_back(unit: str) -> None:
    text = unit * (40_000 // len(unit))
    assert "".join(one(text)) == text[:10_000]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_a_column_is_its_texts_one_by_one(texts: list[str]) -> None:
    assert tokens(texts) == [one(text) for text in texts]
    assert tokens([*texts, None])[-1] == []


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("#GetOutOfAfghanistan", ["Get", "Out", "Of", "Afghanistan"]),
        ("#get_out_of_Afghanistan", ["get", "out", "of", "Afghanistan"]),
        ("#PSLFinal2021", ["PSL", "Final", "2021"]),
        ("#getout", ["getout"]),
        ("#PTI", ["PTI"]),
        ("#aMAN", ["a", "MAN"]),
        ("#افغانستان_پریږدئ", ["افغانستان", "پریږدئ"]),
        ("#می\u200cخواهیم", ["می", "خواهیم"]),
        ("#امنPeace", ["امن", "Peace"]),
        ("#مُحَبَّت", ["مُحَبَّت"]),
        ("#E\u0301cole", ["E\u0301cole"]),
        ("#", []),
    ],
)
def test_words_of_a_hashtag(tag: str, wanted: list[str]) -> None:
    assert hashtag_words(tag) == wanted


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(categories=["L", "N", "M"]), min_size=1, max_size=30))
def test_words_of_a_hashtag_lose_no_letter(text: str) -> None:
    letters = regex.sub(r"^\p{M}+", "", text)
    assert "".join(hashtag_words("#" + letters)) == letters


def test_hashtags_whole_split_or_both() -> None:
    text = "#GetOut now! #امن_کا @Some_One"
    assert tokens([text], "whole")[0] == ["#GetOut", "now", "!", "#امن_کا", "@Some_One"]
    assert tokens([text], "split")[0] == ["Get", "Out", "now", "!", "امن", "کا", "@Some_One"]
    assert tokens([text], "both")[0] == ["#GetOut", "Get", "Out", "now", "!", "#امن_کا", "امن", "کا", "@Some_One"]
    with pytest.raises(UsageError, match="hashtags is 'parts'; it must be one of 'whole', 'split', 'both'"):
        tokens([text], "parts")


def test_words_pattern_in_a_vectoriser() -> None:
    from sklearn.feature_extraction.text import CountVectorizer

    text = "مُحَبَّت اُردو می\u200cخواهیم د چیئرمین peace #امن_کا"
    found = CountVectorizer(token_pattern=WORDS).build_analyzer()(text)
    assert found == ["مُحَبَّت", "اُردو", "می\u200cخواهیم", "د", "چیئرمین", "peace", "امن_کا"]


TWEETS = [
    "Talks will resume on Monday, the ministry said.",
    "We want #peace and #trade, not another war!",
    "@someone thank you so much :)",
    "Read this: https://example.org/report before you judge",
    "I can't believe it's already over",
    "Prices rose by 12.5 percent in 2021",
    "A well-known elder from the border town",
    "They left at 10:30 and never came back",
    "Who is next?! Nobody knows...",
    "So proud of our team ❤️",
]
# What differs and why; everything else must be the same list.
DIFFERENCES = {
    "So proud of our team ❤️": ("❤️", ["❤", "️"]),  # nltk cuts the variation selector off its heart
}


@pytest.mark.parametrize("tweet", TWEETS)
def test_english_as_nltk_does(tweet: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nltk.tokenize import TweetTokenizer
    theirs = TweetTokenizer(match_phone_numbers=False).tokenize(tweet)
    ours: list[str] = []
    whole, parts = DIFFERENCES.get(tweet, ("", []))
    for token in one(tweet):
        ours.extend(parts if token == whole else [token])
    assert ours == theirs


def test_real_english_tweets_mostly_as_nltk_does() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nltk.tokenize import TweetTokenizer
    path = shared_file("ruw_russia_ukraine_stance", "raw_test_Russia_Ukraine.csv")
    with path.open(encoding="latin-1") as file:
        texts = [row["Tweet"] for row in csv.DictReader(file)]
    theirs = TweetTokenizer(match_phone_numbers=False)
    same = [ours == theirs.tokenize(text) for text, ours in zip(texts, tokens(texts), strict=True)]
    assert len(same) == 1200
    assert sum(same) >= 0.95 * len(same)
