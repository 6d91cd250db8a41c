"""One spelling for one word, and never one word for two."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import SchemaError
from discourse.schema import LANGUAGES
from discourse.text.normalize import content_length, mask, normalize, normalize_all

SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))

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
    once = normalize(text, lang)
    assert normalize(once, lang) == once
    assert unicodedata.is_normalized("NFC", once)


# Ten characters stay under the cap on runs of marks, which counts them as typed.
@settings(deadline=None, max_examples=100)
@given(
    text=st.text(st.sampled_from(TRICKY) | st.characters(exclude_categories=["Cs"]), max_size=10),
    lang=st.sampled_from(LANGUAGES),
)
def test_canonically_equal_texts_come_out_equal(text: str, lang: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert normalize(decomposed, lang) == normalize(composed, lang)


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
        ("other", "ي ى ك ه ة", "ي ى ك ه ة"),
        ("und", "ي ك ه مُ", "ي ك ه مُ"),
    ],
)
def test_letters_fold_by_language(lang: str, typed: str, wanted: str) -> None:
    assert normalize(typed, lang) == wanted


@pytest.mark.parametrize("lang", ["ur", "fa", "ps"])
def test_vowel_signs_go_and_hamza_carriers_stay(lang: str) -> None:
    assert normalize("مُحَبَّت رحمٰن", lang) == "محبت رحمن"
    assert normalize("ا\u0653ب", lang) == "آب"
    assert normalize("ي\u0654", lang) == "ئ"


def test_presentation_forms_open_and_then_fold() -> None:
    assert normalize("\ufef4", "ur") == "ی"  # medial yeh form: first ي, then ی
    assert normalize("\ufef4", "ps") == "ي"
    assert normalize("\ufefb", "ur") == "لا"
    assert normalize("ﷺ ﷻ", "ur") == "ﷺ ﷻ"
    assert normalize("ﬁ ² ½", "en") == "ﬁ ² ½"  # compatibility forms elsewhere are not touched


def test_digits_of_all_scripts() -> None:
    assert normalize("٠١٢٣٤٥٦٧٨٩ ۰۱۲۳۴۵۶۷۸۹ ०१ ５", "ur") == "0123456789 0123456789 01 5"


def test_invisible_characters() -> None:
    assert normalize("ســلام\u200f \u202bab\u202c\u2066\u200b\ufeff", "fa") == "سلام ab"
    assert normalize("می\u200cشود", "fa") == "می\u200cشود"
    assert normalize("می\u200c\u200cشود \u200cاو\u200c ", "fa") == "می\u200cشود او"
    assert normalize("کر\u200dنا", "ur") == "کرنا"
    family = "👩\u200d👩\u200d👧"
    assert normalize(family + "\u200dx ❤\ufe0f\u200d🔥", "en") == family + "x ❤\ufe0f\u200d🔥"


def test_latin_is_lowered_in_every_language() -> None:
    assert {normalize("PEACE İstanbul I\u0307 ÉCOLE", lang) for lang in LANGUAGES} == {"peace istanbul i école"}


def test_white_space_and_entities() -> None:
    assert normalize(" a\n\t b\u00a0\u2003c &amp; &#39; ", "en") == "a b c &amp; &#39;"
    assert normalize("", "en") == ""


def test_caps() -> None:
    assert normalize("ab" * 6000, "en") == "ab" * 5000
    assert normalize("x" + "\u0323" * 500, "en") == "x" + "\u0323" * 30
    assert normalize("7" * 65 + "6" * 64, "en") == "7" * 64 + "6" * 64
    assert normalize("😂" * 100 + "🇵🇰" * 100 + "❤\ufe0f" * 100, "en") == "😂" * 64 + "🇵🇰" * 64 + "❤\ufe0f" * 64
    assert normalize("a" * 300, "en") == "a" * 300
    assert len(normalize("\ufefb" * 10_000, "ur")) == 10_000


def test_unknown_language_says_which_exist() -> None:
    with pytest.raises(SchemaError, match="lang is 'urdu'"):
        normalize("x", "urdu")


def test_a_column_is_the_function_row_by_row() -> None:
    texts = pl.Series("t", ["كيا", "كيا", None, "كيا", "Aaa"])
    langs = pl.Series("l", ["ur", "other", "ur", None, "en"])
    got = normalize_all(texts, langs)
    assert got.to_list() == ["کیا", "كيا", None, "كيا", "aaa"]
    assert got.dtype == pl.String
    assert normalize_all(texts.head(0), langs.head(0)).dtype == pl.String
    with pytest.raises(SchemaError, match="5 rows and langs has 1"):
        normalize_all(texts, langs.head(1))
    with pytest.raises(SchemaError, match="texts is a column of Int64"):
        normalize_all(pl.Series([1]), langs.head(1))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("see https://example.org/a?b=c#d.", "see <url>."),
        ("(www.example.org/x) HTTPS://EXAMPLE.ORG", "(<url>) <url>"),
        ("https://t.co/Ab1cافغانستان", "<url>افغانستان"),
        ("cut https://t…", "cut <url>"),
        ("pic.twitter.com/Ab1", "<url>"),
        ("RT @some_one: @other's #peace #امن", "RT <user>: <user>'s #peace #امن"),
        (".@someone، @user@example.social", ".<user>، <user>"),
        ("write to name@example.org @ home", "write to name@example.org @ home"),
        ("شکریہ@some_one", "شکریہ<user>"),
        ("nothing here", "nothing here"),
    ],
)
def test_mask(text: str, wanted: str) -> None:
    assert mask(text) == wanted
    assert mask(wanted) == wanted


@pytest.mark.parametrize(
    ("text", "length"),
    [("", 0), ("  peace  now \n", 10), ("#a #b @c https://example.org/x", 0), ("#a one @c two", 8), ("سلام #x", 4)],
)
def test_content_length(text: str, length: int) -> None:
    assert content_length(text) == length


def test_content_length_rebuilds_the_frame_of_the_gold_sample() -> None:
    path = SHARED / "data" / "get-out-2021" / "rtweet.ndjson.zst"
    if not path.is_file():
        pytest.skip("needs ../shared with data/get-out-2021")
    if shutil.which("zstd") is None:
        pytest.skip("needs the zstd command")
    raw = subprocess.run(["zstd", "-dc", str(path)], capture_output=True, check=True).stdout
    texts = [row["text"] for row in map(json.loads, raw.splitlines()) if not row["is_retweet"]]
    kept = {text for text in texts if content_length(text) > 25}
    stripped = {re.sub(r"(?:https?://|[#@])\S+", "", text).strip() for text in kept}
    assert len(stripped) == 2677  # gold/README.md: "the 2,677 distinct originals"
