"""The normal form, code point by code point, against a table written from the rules."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest

from discourse.text.normal_form import align, normal_form

TABLE = Path(__file__).parent / "fixtures" / "normal_form.csv"
LANGS = ("ur", "fa", "ps", "en")
COLUMNS = ["code_point", "name", *LANGS, "reason"]
# Letters that join on both sides and that no language changes: each sequence is written between two such pairs.
CONTEXT = "بن"

# A word as another keyboard writes it, and as the keyboard of the language does.
SAME_WORD = {
    "ur": [
        ("كيا", "کیا"),
        ("هے", "ہے"),
        ("يه", "یہ"),
        ("وه", "وہ"),
        ("نهيں", "نہیں"),
        ("پاكستان", "پاکستان"),
        ("ڪراچی", "کراچی"),
        ("لڑكى", "لڑکی"),
        ("جگە", "جگہ"),
        ("صلاة", "صلاۃ"),
        ("زكوٰة", "زکوۃ"),
        ("دائرۀ", "دائرۂ"),
        ("جذبه\u0654", "جذبۂ"),
        ("مسي\u0654له", "مسئلہ"),
        ("ا\u0653پ", "آپ"),
        ("مُحَبَّت", "محبت"),
        ("ســلام", "سلام"),
        ("ٱللہ", "اللہ"),
        ("\ufdf2", "اللہ"),
        ("\ufb90\ufbff\ufe8e", "کیا"),
        ("ہے\u200f", "ہے"),
        ("١٢", "۱۲"),
    ],
    "fa": [
        ("كتاب", "کتاب"),
        ("ڪابل", "کابل"),
        ("ايران", "ایران"),
        ("علي", "علی"),
        ("على", "علی"),
        ("آزادے", "آزادی"),
        ("تہران", "تهران"),
        ("ماھ", "ماه"),
        ("بچە", "بچه"),
        ("خانۀ", "خانه"),
        ("خانه\u0654", "خانه"),
        ("گفتۂ", "گفته"),
        ("دايرة", "دایره"),
        ("رئيس", "رئیس"),
        ("ري\u0654یس", "رئیس"),
        ("قرا\u0653ن", "قرآن"),
        ("محمّد", "محمد"),
        ("مي\u200cروم", "می\u200cروم"),
        ("ســلام", "سلام"),
        ("\ufdfc", "ریال"),
        ("\ufb90\ufe98\ufe8e\ufe8f", "کتاب"),
        ("١٢", "۱۲"),
    ],
    "ps": [
        ("كور", "کور"),
        ("ڪال", "کال"),
        ("گل", "ګل"),
        ("جگڑہ", "جګړه"),
        ("ٹول", "ټول"),
        ("ڈوڈۍ", "ډوډۍ"),
        ("لاڑ", "لاړ"),
        ("ښہ", "ښه"),
        ("زہ", "زه"),
        ("ھلک", "هلک"),
        ("خبرە", "خبره"),
        ("مدرسة", "مدرسه"),
        ("موسى", "موسی"),
        ("مسي\u0654ول", "مسئول"),
        ("ا\u0653سمان", "آسمان"),
        ("دُعا", "دعا"),
        ("پښـتو", "پښتو"),
        ("ٱلله", "الله"),
        ("\ufedb\ufeee\ufead", "کور"),
        ("ښه\u200f", "ښه"),
        ("١٢", "۱۲"),
    ],
}

# Two words that one careless fold would make one.
TWO_WORDS = {
    "ur": [
        ("کہا", "کھا"),  # said, eat
        ("پہر", "پھر"),  # a watch of the day, again
        ("دہن", "دھن"),  # mouth, wealth
        ("لڑکی", "لڑکے"),  # girl, boys
        ("ماں", "مان"),  # mother, accept
        ("آن", "ان"),  # moment, them
        ("بڑا", "برا"),  # big, bad
        ("ڈال", "دال"),  # put, lentils
        ("ٹال", "تال"),  # delay, beat
        ("گل", "کل"),  # flower, yesterday
        ("گئے", "گے"),  # went, will
    ],
    "fa": [
        ("گرد", "کرد"),  # round, did
        ("پدر", "بدر"),  # father, full moon
        ("آبرو", "ابرو"),  # honour, eyebrow
        ("حیات", "حیاط"),  # life, yard
        ("صد", "سد"),  # hundred, dam
        ("ماه", "ما"),  # moon, we
        ("اثاث", "اساس"),  # furniture, basis
        ("نامه\u200cای", "نامهای"),  # a letter, names
        ("قضا", "غذا"),  # judgement, food
        ("مژه", "مزه"),  # eyelash, taste
    ],
    "ps": [
        ("سړی", "سړي"),  # man, men
        ("ملګری", "ملګري"),  # friend, friends
        ("زلمی", "زلمي"),  # youth, youths
        ("سپی", "سپۍ"),  # dog, bitch
        ("سپي", "سپۍ"),  # dogs, bitch
        ("کوي", "کوې"),  # does, you do
        ("وايي", "وايې"),  # says, you say
        ("ځي", "ځې"),  # goes, you go
        ("دی", "دي"),  # is, are
        ("دی", "دې"),  # he is, this
        ("راغلی", "راغلې"),  # come, of a man and of a woman
        ("کړۍ", "کړې"),  # ring, did
        ("ټول", "تول"),  # all, weight
        ("پړ", "پر"),  # guilty, on
        ("ډال", "دال"),  # shield, lentils
        ("بڼ", "بن"),  # garden, a co-wife
        ("کور", "ګور"),  # house, grave
        ("څه", "چه"),  # what, that
    ],
}


def _text(code_points: str) -> str:
    """The text of `U+0628 U+0646`; nothing of `-`."""
    return "" if code_points == "-" else "".join(chr(int(one[2:], 16)) for one in code_points.split())


def _code_points(text: str) -> str:
    return " ".join(f"U+{ord(char):04X}" for char in text) or "-"


def _inner(text: str) -> str:
    """What stands between the two context pairs."""
    assert text.startswith(CONTEXT)
    assert text.endswith(CONTEXT)
    return text[len(CONTEXT) : -len(CONTEXT)]


@pytest.fixture(scope="module")
def table() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == COLUMNS
        return list(reader)


def test_the_table_is_whole(table: list[dict[str, str]]) -> None:
    written = [row["code_point"] for row in table]
    assert len(written) == len(set(written)) >= 330
    assert len({code for codes in written for code in codes.split()}) >= 250
    assert [row for row in table if not row["reason"].endswith(".")] == []
    for row in table:
        for column in ("code_point", *LANGS):
            assert row[column] == _code_points(_text(row[column]))
        char = _text(row["code_point"])
        assert row["name"]
        if len(char) == 1 and unicodedata.category(char) != "Cc":
            assert row["name"] == unicodedata.name(char)


@pytest.mark.parametrize("lang", LANGS)
def test_every_code_point_has_the_form_that_the_rules_state(table: list[dict[str, str]], lang: str) -> None:
    wrong = []
    for row in table:
        got = _code_points(_inner(normal_form(CONTEXT + _text(row["code_point"]) + CONTEXT, lang)))
        if got != row[lang]:
            wrong.append(f"{row['code_point']} ({row['name']}): got {got}, wanted {row[lang]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("lang", LANGS)
def test_aligned_text_is_the_same_text(table: list[dict[str, str]], lang: str) -> None:
    wrong = []
    for row in table:
        typed = CONTEXT + _text(row["code_point"]) + CONTEXT
        got, spans = align(typed, lang)
        if got != normal_form(typed, lang) or len(spans) != len(got):
            wrong.append(f"{row['code_point']} ({row['name']}): {_code_points(got)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("lang", "typed", "word"), [(lang, *pair) for lang in SAME_WORD for pair in SAME_WORD[lang]])
def test_a_word_from_another_keyboard_is_the_same_word(lang: str, typed: str, word: str) -> None:
    assert typed != word
    assert normal_form(typed, lang) == normal_form(word, lang)


@pytest.mark.parametrize(("lang", "one", "other"), [(lang, *pair) for lang in TWO_WORDS for pair in TWO_WORDS[lang]])
def test_two_words_stay_two(lang: str, one: str, other: str) -> None:
    assert normal_form(one, lang) != normal_form(other, lang)
