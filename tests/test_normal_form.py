"""One spelling for one word, and never one word for two."""

from __future__ import annotations

import random
import re
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import SchemaError
from discourse.schema import LANGUAGES
from discourse.text.normal_form import _NOT_PLAIN, MAX_MARKS, align, normal_form, normal_forms

# Letters, marks, digits, joiners, controls and emoji that interact with one another.
TRICKY = (
    "aIİiıẞΣJ\u030c\u0307\u0323\u0301 \t\n\u00a0\x1c#@.1٣۴５"
    "يىیۍېئكکڪگګهہھةۃۀۂەۓےآأ\u0653\u0654\u0655\u064b\u0651\u0652\u0670\u0610\u0640"
    "\u200b\u200c\u200d\u200e\u202e\u2066\ufeff\u00ad\u0344\ufe0f\u20e3ﷺﷲﻻﹰﹱﻴ\ufdfc❤👩👨🏽🇵🇰Ⓜ☝"
)
tricky_text = st.lists(
    st.tuples(
        st.sampled_from(TRICKY) | st.characters(exclude_categories=["Cs"]), st.sampled_from([1, 1, 1, 2, 40, 70])
    ),
    max_size=25,
).map(lambda parts: "".join(char * count for char, count in parts))


@settings(deadline=None, max_examples=100)
@given(text=tricky_text, lang=st.sampled_from(LANGUAGES))
def test_twice_is_once(text: str, lang: str) -> None:
    once = normal_form(text, lang)
    assert normal_form(once, lang) == once
    assert unicodedata.is_normalized("NFC", once)


# Ten characters stay under the cap on runs of marks, which counts them as typed.
@settings(deadline=None, max_examples=100)
@given(
    text=st.text(st.sampled_from(TRICKY) | st.characters(exclude_categories=["Cs"]), max_size=10),
    lang=st.sampled_from(LANGUAGES),
)
def test_canonically_equal_texts_come_out_equal(text: str, lang: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert normal_form(decomposed, lang) == normal_form(composed, lang)


@pytest.mark.parametrize(
    ("lang", "typed", "wanted"),
    [
        ("ur", "يىكهةۀ", "ییکہۃۂ"),
        ("ur", "ھ بھی", "ھ بھی"),
        ("ur", "آ أ ؤ ئ ۓ ے ں ٹ ڈ ڑ", "آ أ ؤ ئ ۓ ے ں ٹ ڈ ڑ"),
        ("ur", "كيا هے", "کیا ہے"),
        ("fa", "كتابي ے", "کتابی ی"),
        ("fa", "ہ ھ ۀ ه\u0654 ة", "ه ه ه ه ه"),
        ("fa", "آ أ ئ ؤ", "آ أ ئ ؤ"),
        ("ps", "ي ی ې ۍ ئ", "ي ی ې ۍ ئ"),
        ("ps", "ښ ږ ټ ډ ړ ڼ ځ څ", "ښ ږ ټ ډ ړ ڼ ځ څ"),
        ("ps", "كگ ہھ", "کګ هه"),
        ("ps", "ٹ ڈ ڑ ى ة", "ټ ډ ړ ی ه"),
        ("ur", "ټ ډ ړ ښ ې ۍ ګ", "ټ ډ ړ ښ ې ۍ ګ"),
        ("fa", "ټ ډ ړ ښ ې ۍ ګ", "ټ ډ ړ ښ ې ۍ ګ"),
        ("other", "ي ى ك ه ة", "ي ى ك ه ة"),
        ("und", "ي ك ه مُ", "ي ك ه مُ"),
    ],
)
def test_letters_fold_by_language(lang: str, typed: str, wanted: str) -> None:
    assert normal_form(typed, lang) == wanted


@pytest.mark.parametrize("lang", ["ur", "fa", "ps"])
def test_vowel_signs_go_and_hamza_carriers_stay(lang: str) -> None:
    assert normal_form("مُحَبَّت رحمٰن", lang) == "محبت رحمن"
    assert normal_form("ا\u0653ب", lang) == "آب"
    assert normal_form("ي\u0654", lang) == "ئ"


def test_presentation_forms_open_and_then_fold() -> None:
    assert normal_form("\ufef4", "ur") == "ی"  # medial yeh form: first ي, then ی
    assert normal_form("\ufef4", "ps") == "ي"
    assert normal_form("\ufefb", "ur") == "لا"
    assert normal_form("ﷺ ﷻ", "ur") == "ﷺ ﷻ"
    assert normal_form("ﬁ ² ½", "en") == "ﬁ ² ½"  # compatibility forms elsewhere are not touched


def test_digits_of_all_scripts() -> None:
    assert normal_form("٠١٢٣٤٥٦٧٨٩ ۰۱۲۳۴۵۶۷۸۹ ०१ ５", "ur") == "0123456789 0123456789 01 5"


def test_invisible_characters() -> None:
    assert normal_form("ســلام\u200f \u202bab\u202c\u2066\u200b\ufeff", "fa") == "سلام ab"
    assert normal_form("می\u200cشود", "fa") == "می\u200cشود"
    assert normal_form("می\u200c\u200cشود \u200cاو\u200c ", "fa") == "می\u200cشود او"
    assert normal_form("کر\u200dنا", "ur") == "کرنا"
    family = "👩\u200d👩\u200d👧"
    assert normal_form(family + "\u200dx ❤\ufe0f\u200d🔥", "en") == family + "x ❤\ufe0f\u200d🔥"


def test_latin_is_lowered_in_every_language() -> None:
    assert {normal_form("PEACE İstanbul I\u0307 ÉCOLE", lang) for lang in LANGUAGES} == {"peace istanbul i école"}


def test_white_space_and_entities() -> None:
    assert normal_form(" a\n\t b\u00a0\u2003c &amp; &#39; ", "en") == "a b c &amp; &#39;"
    assert normal_form("", "en") == ""


def test_caps() -> None:
    assert normal_form("ab" * 6000, "en") == "ab" * 5000
    assert normal_form("x" + "\u0323" * 500, "en") == "x" + "\u0323" * 30
    assert normal_form("7" * 65 + "6" * 64, "en") == "7" * 64 + "6" * 64
    assert normal_form("😂" * 100 + "🇵🇰" * 100 + "❤\ufe0f" * 100, "en") == "😂" * 64 + "🇵🇰" * 64 + "❤\ufe0f" * 64
    assert normal_form("a" * 300, "en") == "a" * 300
    assert len(normal_form("\ufefb" * 10_000, "ur")) == 10_000


def test_unknown_language_says_which_exist() -> None:
    with pytest.raises(SchemaError, match="lang is 'urdu'"):
        normal_form("x", "urdu")


def test_a_column_is_the_function_row_by_row() -> None:
    texts = ["كيا", "كيا", None, "Aaa  b", "", "\u200c"]
    langs = ["ur", "other", "ur", "en", "ps", "fa"]
    assert normal_forms(texts, langs) == ["کیا", "كيا", None, "aaa b", "", ""]
    assert normal_forms([], []) == []


@settings(deadline=None, max_examples=150)
@given(text=tricky_text, lang=st.sampled_from(LANGUAGES))
def test_offsets_lead_back_to_the_raw_text(text: str, lang: str) -> None:
    made, spans = align(text, lang)
    assert made == normal_form(text, lang)
    assert len(spans) == len(made)
    assert all(0 <= start < end <= len(text) for (start, end), char in zip(spans, made, strict=True) if char != " ")
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(spans))
    for char, (start, end) in zip(made, spans, strict=True):
        if char == " ":
            assert any(one.isspace() for one in text[start:end])
        elif char.isascii() and char.isalpha():
            assert char in text[start:end].lower().replace("i\u0307", "i")


def test_offsets_of_composed_dropped_and_cut_characters() -> None:
    made, spans = align("ا\u0653\u200fب  ٣", "ur")
    assert (made, spans) == ("آب 3", [(0, 2), (3, 4), (4, 6), (6, 7)])
    made, spans = align("x" + "\u0323" * 40 + "y", "en")
    assert made == "x" + "\u0323" * 30 + "y"
    assert (spans[0], spans[-1]) == ((0, 1), (41, 42))
    made, spans = align("7" * 70, "en")
    assert (made, set(spans)) == ("7" * 64, {(0, 70)})
    assert align(" \u200c ", "fa") == ("", [])


def test_words_are_found_again_in_the_raw_text() -> None:
    raw = "مُحَبَّت  كي   ضرورت"
    made, spans = align(raw, "ur")
    at = made.index("محبت")
    assert raw[spans[at][0] : spans[at + 3][1]] == "مُحَبَّت"


def test_nothing_joins_what_the_segments_of_composition_keep_apart() -> None:
    second = {
        unicodedata.decomposition(chr(code)).split()[1]
        for code in range(0x110000)
        if len(unicodedata.decomposition(chr(code)).split()) == 2 and "<" not in unicodedata.decomposition(chr(code))
    }
    loose = [code for code in second if unicodedata.category(chr(int(code, 16)))[0] != "M"]
    assert loose == []
    draw = random.Random(5)
    jamo = "".join(chr(draw.randrange(0x1100, 0x1200)) for _ in range(60))
    made, spans = align(jamo, "other")
    assert made == unicodedata.normalize("NFC", jamo)
    assert len(spans) == len(made)


def test_only_the_standard_library_makes_the_normal_form() -> None:
    import discourse

    source = (Path(discourse.__file__).parent / "text" / "normal_form.py").read_text(encoding="utf-8")
    imported = set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)) - {"discourse"}
    assert imported >= {"re", "unicodedata"}
    assert imported <= sys.stdlib_module_names


@pytest.mark.parametrize("lang", sorted(LANGUAGES))
def test_plain_chunks_become_what_every_step_makes_of_them(lang: str) -> None:
    plain = [char for char in map(chr, range(0x21, 0x1FB00)) if not char.isspace() and not _NOT_PLAIN.search(char)]
    assert {"a", "Z", "9", "ی", "ك", "۔", "’", "é", "😀"} <= set(plain)
    draw = random.Random(1)
    chunks = plain + ["".join(draw.choices(plain, k=draw.randint(2, MAX_MARKS))) for _ in range(500)]
    assert normal_forms(chunks, [lang] * len(chunks)) == [align(chunk, lang)[0] for chunk in chunks]


def test_a_chunk_too_long_or_with_one_strange_sign_is_not_plain() -> None:
    strange = ["a" * 31, "a\u0651b", "İ", "۱", "❤\u200d"]
    assert _NOT_PLAIN.findall("\n".join(["a" * 30, *strange[:2], "ab", *strange[2:]])) == strange


def test_neighbours_in_a_column_change_nothing() -> None:
    texts = ["ΑΣ Σ", "ΟΔΟΣ", "A\u0301 b", "\u0640", "\u0301a", "كيا", ""] + ["x" * 10_000] * 110 + ["ΑΣ"]
    langs = ["other", "other", "en", "ur", "und", "ur", "ps"] + ["en"] * 110 + ["en"]
    together = normal_forms(texts, langs)
    assert together == [normal_form(text, lang) for text, lang in zip(texts, langs, strict=True)]
    assert together[:2] == ["ας σ", "οδος"]
