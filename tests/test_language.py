"""Five languages told apart, everything else named `other`, and `und` where nothing can be said."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import unicodedata
from importlib import resources
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import SchemaError
from discourse.schema import LANGUAGES
from discourse.text.language import CONFIDENCE_FLOOR, identify, identify_one

SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))

# None of these stands in the package's data files.
SENTENCES = [
    ("en", "Farmers near the river worry that the dam will leave their fields dry."),
    ("en", "lol nobody asked for your opinion mate"),
    ("en", "Afghan traders in Pakistan demand that Torkham be opened"),
    ("ur", "کسانوں کو ڈر ہے کہ ڈیم بننے سے ان کے کھیت سوکھ جائیں گے"),
    ("ur", "تاجروں نے بارڈر کھولنے کا مطالبہ کیا"),
    ("ur", "هم سب كو مل كر رهنا هے"),
    ("ur-Latn", "kisano ko dar hai ke unke khet sookh jayenge"),
    ("ur-Latn", "tajiron ne border kholne ka mutalba kia hy"),
    ("ur-Latn", "mjhe nhi lgta k wo log waps ayen gy"),
    ("ur-Latn", "tum logon ne phir dhoka diya"),
    ("ps", "بزګران اندېښمن دي چې کښتونه به یې وچ شي"),
    ("ps", "سوداګرو د لارې د پرانیستلو غوښتنه وکړه"),
    ("ps", "زه خو وايم چي دا لاره بايد خلاصه شي"),
    ("ps", "موږ ستاسو دښمنان نه یو"),
    ("fa", "دهقانان نگران هستند که زمین‌های شان خشک شود"),
    ("fa", "تاجران خواستار باز شدن راه شدند"),
    ("fa", "ما نمیخواهیم که این جنگ ادامه پیدا کند"),
    ("other", "يخاف المزارعون من جفاف حقولهم بسبب السد الجديد"),
    ("other", "Çiftçiler tarlalarının kuruyacağından korkuyor."),
    ("other", "Para petani khawatir sawah mereka akan kering."),
    ("other", "Los agricultores temen que sus campos se sequen."),
    ("other", "Die Bauern fürchten, dass ihre Felder austrocknen."),
    ("other", "Les paysans craignent que leurs champs ne se dessèchent."),
    ("other", "किसान डरे हुए हैं कि खेत सूख जाएंगे"),
    ("other", "Крестьяне боятся, что поля высохнут"),
    ("other", "농부들은 밭이 마를까 걱정한다"),
]


@pytest.mark.parametrize(("lang", "text"), SENTENCES)
def test_sentences_the_package_has_not_seen(lang: str, text: str) -> None:
    found, confidence = identify_one(text)
    assert (found, confidence > 0.6) == (lang, True)


@pytest.mark.parametrize(
    "text", ["", " ", "😂😂", "12:30 !!", "#get_out_of_Afghanistan #افغانستان", "@some_one https://example.org/x", "a"]
)
def test_nothing_to_read_is_und_with_no_confidence(text: str) -> None:
    assert identify_one(text) == ("und", 0.0)


def test_links_names_and_tags_do_not_vote() -> None:
    noise = " #we_want_peace_now @the_people https://example.org/this/is/english/text RT &amp;"
    assert identify_one("موږ سوله غواړو" + noise) == identify_one("موږ سوله غواړو")


def test_the_script_of_most_letters_decides() -> None:
    assert identify_one("ہم سب امن چاہتے ہیں اور جنگ نہیں چاہتے ok")[0] == "ur"
    assert identify_one("we all want peace and no more war, شکریہ")[0] == "en"


def test_stretched_and_decorated_letters() -> None:
    plain = "پاتې کېدل به درته ګران تمام شي"
    assert identify_one("ــ".join(plain)) == identify_one(plain)
    assert identify_one("nahiiiiii yaaaaar")[0] == "ur-Latn"
    assert identify_one("WE WANT PEACE") == identify_one("we want peace")


def test_under_the_floor_is_und_with_the_probability_of_the_best() -> None:
    lang, confidence = identify_one("افغانستان")  # the country's name is the same word in four languages
    assert lang == "und"
    assert 0.25 < confidence < CONFIDENCE_FLOOR


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=80))
def test_any_text_gets_an_allowed_answer(text: str) -> None:
    lang, confidence = identify_one(text)
    assert lang in LANGUAGES
    assert 0.0 <= confidence <= 1.0
    assert lang == "und" or confidence >= CONFIDENCE_FLOOR


def test_a_column_is_the_function_row_by_row() -> None:
    texts = pl.Series("t", ["we want peace", None, "ye jang band karo", "we want peace", ""])
    got = identify(texts)
    assert got.schema == {"lang": pl.String, "lang_confidence": pl.Float64}
    assert got.rows() == [("und", 0.0) if text is None else identify_one(text) for text in texts]
    assert identify(texts.head(0)).schema == got.schema
    with pytest.raises(SchemaError, match="texts is a column of Int64"):
        identify(pl.Series([1]))


def test_data_files_hold_enough_distinct_sentences_in_normal_form() -> None:
    folder = resources.files("discourse.text") / "data"
    least = {"en": 150, "ur-Latn": 150, "ur": 60, "ps": 60, "fa": 60} | {
        f"other-{name}": 60 for name in ("tr", "id", "es", "de", "fr", "ar")
    }
    for name, count in least.items():
        lines = (folder / f"sentences_{name}.txt").read_text(encoding="utf-8").splitlines()
        sentences = [line for line in lines if not line.startswith("#")]
        assert len(set(sentences)) == len(sentences) >= count, name
        assert all(unicodedata.is_normalized("NFC", line) for line in sentences), name


def share(texts: list[str], lang: str) -> float:
    return float((identify(pl.Series(texts, dtype=pl.String))["lang"] == lang).mean() or 0.0)


def shared_file(*parts: str) -> Path:
    path = SHARED.joinpath("data", *parts)
    if not path.is_file():
        pytest.skip("needs ../shared with data/" + "/".join(parts))
    return path


def test_floor_on_roman_urdu() -> None:
    lines = shared_file("roman_urdu_ruhsold", "task_1_test.tsv").read_text(encoding="utf-8").split("\n")
    texts = [line.rsplit("\t", 1)[0] for line in lines if line]
    assert len(texts) == 2003
    # About one row in eight of this set is in English, in whole or for the larger part.
    assert share(texts, "ur-Latn") >= 0.85
    assert share(texts, "ur-Latn") + share(texts, "en") >= 0.98


def test_floor_on_urdu() -> None:
    with shared_file("urdu_script_labelled", "urdu_sentiment_corpus_v1.tsv").open(encoding="utf-8") as file:
        texts = [line.rsplit("\t", 1)[0] for line in file][1:]
    assert share(texts, "ur") >= 0.98
    with shared_file("urdu_script_labelled", "urdu_youtube_hate_offensive.csv").open(encoding="utf-8") as file:
        texts = [row["Text"] for row in csv.DictReader(file)]
    assert share(texts, "ur") >= 0.97


def test_floor_on_english() -> None:
    path = shared_file("ruw_russia_ukraine_stance", "raw_test_Russia_Ukraine.csv")
    with path.open(encoding="latin-1") as file:
        texts = [row["Tweet"] for row in csv.DictReader(file)]
    assert share(texts, "en") >= 0.99


@pytest.mark.parametrize(
    ("tag", "lang", "floor"),
    # The platform's tags are a hint only: a sixth of what it calls Persian is Pashto.
    [("en", "en", 0.99), ("ps", "ps", 0.98), ("fa", "fa", 0.72), ("ur", "ur", 0.93), ("tr", "other", 0.97)],
)
def test_floor_on_the_platforms_tags(tag: str, lang: str, floor: float) -> None:
    path = shared_file("get-out-2021", "rtweet.ndjson.zst")
    if shutil.which("zstd") is None:
        pytest.skip("needs the zstd command")
    raw = subprocess.run(["zstd", "-dc", str(path)], capture_output=True, check=True).stdout
    rows = [json.loads(line) for line in raw.splitlines()]
    assert share(sorted({row["text"] for row in rows if row["lang"] == tag}), lang) >= floor
