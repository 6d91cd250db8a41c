"""The lexicon baseline: counts of hand-written terms."""

from __future__ import annotations

import dataclasses
import tomllib
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import SchemaError
from discourse.framing import lexicon
from discourse.framing.lexicon import Entry, lexicon_entries, lexicon_frames, lexicon_hits, lexicon_terms
from discourse.schema import FRAMES
from discourse.text.normal_form import normal_form

LANGS = ("en", "ur", "ur-Latn", "ps", "fa")
POLES = ("nationalist", "conciliatory")
BOOK: dict[str, Any] = tomllib.loads((files("discourse.framing") / "lexicon.toml").read_text(encoding="utf-8"))

Hit = tuple[str, str, str, int]


def frame(text: str, lang: str | None = "en") -> str:
    return str(lexicon_frames(pl.Series([text]), pl.Series([lang], dtype=pl.String))[0])


def hits(text: str, lang: str | None = "en") -> list[Hit]:
    found = lexicon_hits(pl.Series([text]), pl.Series([lang], dtype=pl.String))
    assert set(found["row"]) <= {0}
    return found.drop("row").rows()


@pytest.mark.parametrize("lang", LANGS)
def test_every_language_has_terms_of_both_poles_in_normal_form(lang: str) -> None:
    terms = lexicon_terms(lang)
    assert set(terms) == {"nationalist", "conciliatory"}
    for pole in terms.values():
        assert len(pole) >= (120 if lang == "en" else 90)
        assert all(term == normal_form(term, lang) and term.strip() == term != "" for term in pole)
        assert len(set(pole)) == len(pole)
    assert not set(terms["nationalist"]) & set(terms["conciliatory"])


@pytest.mark.parametrize("lang", LANGS)
def test_every_term_is_found_alone_and_as_a_hashtag(lang: str) -> None:
    for pole, terms in lexicon_terms(lang).items():
        for term in terms:
            assert frame(f"xx {term}.", lang) == pole, term
            assert frame(f"#{term}", lang) == pole, term


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
        ("never forgive", "nationalist"),
        ("not our enemy", "conciliatory"),
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
    assert hits("peace, دښمن, baat cheet", "und") == [
        ("peace", "conciliatory", "end-war", 1),
        ("دښمن", "nationalist", "blame", 1),
        ("baat cheet", "conciliatory", "dialogue", 1),
    ]
    shared = "استقلال وطن"  # Persian as a phrase; Pashto and Urdu have its words
    assert hits(shared, "other") == [(shared, "nationalist", "sovereignty", 1)]


@pytest.mark.parametrize("lang", LANGS)
def test_every_entry_says_what_it_means_and_what_it_is_evidence_for(lang: str) -> None:
    assert set(BOOK[lang]) == set(POLES)
    for pole in POLES:
        for row in BOOK[lang][pole]:
            assert set(row) - {"gloss"} == {"term", "rule"}, row
            assert row["rule"] in BOOK["rules"], row
            assert lang == "en" or row["gloss"].strip(), row
            assert row.get("gloss", "gloss").isascii(), row
    assert {row["rule"] for pole in POLES for row in BOOK[lang][pole]} == set(BOOK["rules"])


def test_every_rule_is_described_and_belongs_to_one_pole() -> None:
    assert all(about.strip() and "\n" not in about for about in BOOK["rules"].values())
    used = {pole: {row["rule"] for lang in LANGS for row in BOOK[lang][pole]} for pole in POLES}
    assert used["nationalist"] | used["conciliatory"] == set(BOOK["rules"])
    assert not used["nationalist"] & used["conciliatory"]


@pytest.mark.parametrize("lang", LANGS)
def test_terms_are_distinct_in_normal_form(lang: str) -> None:
    forms = Counter(normal_form(row["term"], lang) for pole in POLES for row in BOOK[lang][pole])
    assert [term for term, count in forms.items() if count > 1] == []


def test_no_term_of_one_pole_is_a_term_of_the_other_in_any_language() -> None:
    poles = {pole: {term for lang in LANGS for term in lexicon_terms(lang)[pole]} for pole in POLES}
    assert not poles["nationalist"] & poles["conciliatory"]


@pytest.mark.parametrize("lang", LANGS)
def test_entries_are_those_of_the_file_in_its_order(lang: str) -> None:
    entries = lexicon_entries(lang)
    assert [(entry.pole, entry.rule, entry.gloss) for entry in entries] == [
        (pole, row["rule"], row.get("gloss", "")) for pole in POLES for row in BOOK[lang][pole]
    ]
    assert [entry.term for entry in entries] == [
        normal_form(row["term"], lang) for pole in POLES for row in BOOK[lang][pole]
    ]
    assert lexicon_terms(lang) == {
        pole: tuple(sorted(entry.term for entry in entries if entry.pole == pole)) for pole in POLES
    }


def test_terms_are_brought_to_normal_form(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = {"ur": {"nationalist": [{"term": "نمك  حرام", "gloss": "disloyal", "rule": "degrade"}]}}
    monkeypatch.setattr(lexicon, "_book", lambda: raw)
    assert lexicon_entries.__wrapped__("ur") == (Entry("نمک حرام", "nationalist", "disloyal", "degrade"),)


def test_an_entry_is_frozen_and_the_rules_are_no_language() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        lexicon_entries("en")[0].term = "other"  # type: ignore[misc]
    assert lexicon_entries("other") == lexicon_entries("rules") == lexicon_entries("xx") == ()


@pytest.mark.parametrize(
    ("lang", "phrase", "word"),
    [
        ("en", "never forgive", "forgive"),
        ("en", "not our enemies", "enemies"),
        ("en", "peace talks", "peace"),
        ("ur", "خون کا بدلہ", "بدلہ"),
        ("ur", "امن کے دشمن", "دشمن"),
        ("ur-Latn", "hamare dushman nahi", "dushman"),
        ("ps", "د سولې دښمن", "دښمن"),
        ("fa", "دشمن ما نیستند", "دشمن"),
    ],
)
def test_a_phrase_beats_its_word(lang: str, phrase: str, word: str) -> None:
    by_term = {entry.term: entry for entry in lexicon_entries(lang)}
    assert {phrase, word} <= set(by_term)
    assert hits(phrase, lang) == [(phrase, by_term[phrase].pole, by_term[phrase].rule, 1)]
    assert hits(f"{phrase}, {word}", lang) == [
        (term, by_term[term].pole, by_term[term].rule, 1) for term in (phrase, word)
    ]


@pytest.mark.parametrize(
    ("lang", "post", "expected"),
    [
        (
            "en",
            "Our soil is not for sale, you ungrateful TRAITORS! No mercy. Still: no more war, #peace. Peace!",
            [
                ("our soil", "nationalist", "land", 1),
                ("ungrateful", "nationalist", "degrade", 1),
                ("traitors", "nationalist", "treason", 1),
                ("no mercy", "nationalist", "force", 1),
                ("no more war", "conciliatory", "end-war", 1),
                ("peace", "conciliatory", "end-war", 2),
            ],
        ),
        (
            "ur",
            "نمك حرام کو منہ توڑ جواب دو! پھر بھی جنگ بند کرو، دونوں طرف معصوم بچے مرتے ہیں۔ نمک حرام!",
            [
                ("نمک حرام", "nationalist", "degrade", 2),
                ("منہ توڑ جواب", "nationalist", "force", 1),
                ("جنگ بند کرو", "conciliatory", "end-war", 1),
                ("دونوں طرف", "conciliatory", "coexistence", 1),
                ("معصوم بچے", "conciliatory", "suffering", 1),
            ],
        ),
        (
            "ur-Latn",
            "Ehsan faramosh log, wapis bhejo sab ko. Bas karo ye jang, baat cheet karo, Afghan bhi insan hain",
            [
                ("ehsan faramosh", "nationalist", "degrade", 1),
                ("wapis bhejo", "nationalist", "expulsion", 1),
                ("bas karo ye jang", "conciliatory", "end-war", 1),
                ("baat cheet", "conciliatory", "dialogue", 1),
                ("afghan bhi insan", "conciliatory", "suffering", 1),
            ],
        ),
        (
            "ps",
            "زمونږ خاوره پرېږدئ او ووځئ، غچ به اخلو. خو جګړه بس ده، د دواړو غاړو ماشومان سوله غواړي.",
            [
                ("زمونږ خاوره", "nationalist", "land", 1),
                ("ووځئ", "nationalist", "expulsion", 1),
                ("غچ به اخلو", "nationalist", "revenge", 1),
                ("جګړه بس ده", "conciliatory", "end-war", 1),
                ("د دواړو غاړو ماشومان", "conciliatory", "suffering", 1),
                ("سوله", "conciliatory", "end-war", 1),
            ],
        ),
        (
            "fa",
            "مرگ بر مزدوران، انتقام می\u200cگیریم! اما این جنگ ما نيست؛ آتش\u200cبس و گفت\u200cوگو، دشمن ما نیستند.",
            [
                ("مرگ بر", "nationalist", "force", 1),
                ("مزدوران", "nationalist", "degrade", 1),
                ("انتقام می\u200cگیریم", "nationalist", "revenge", 1),
                ("این جنگ ما نیست", "conciliatory", "own-side-criticism", 1),
                ("آتش\u200cبس", "conciliatory", "ceasefire", 1),
                ("گفت\u200cوگو", "conciliatory", "dialogue", 1),
                ("دشمن ما نیستند", "conciliatory", "suffering", 1),
            ],
        ),
    ],
)
def test_the_hits_of_a_post_written_by_hand(lang: str, post: str, expected: list[Hit]) -> None:
    text = normal_form(post, lang)
    assert hits(text, lang) == expected
    sums = [sum(count for _, one, _, count in expected if one == pole) for pole in POLES]
    assert frame(text, lang) == ("both" if sums[0] == sums[1] else POLES[sums[1] > sums[0]])


@pytest.mark.parametrize(
    ("lang", "post"),
    [
        ("en", "The crossing opens at eight on Monday; the army and the government said nothing about the border."),
        ("ur", "آج پشاور میں بارش کے باعث پروازیں تاخیر کا شکار ہیں، حکومت اور فوج کا سرحد پر اجلاس۔"),
        ("ur-Latn", "aaj border phir band hai, petrol mehnga ho gaya, sarkar aur fauj ka ijlas"),
        ("ps", "نن په کابل کې هوا سړه ده، حکومت او پوځ د پولې په اړه غونډه وکړه."),
        ("fa", "قیمت آرد امروز در بازار هرات بالا رفت؛ دولت و ارتش در مرز جلسه داشتند."),
    ],
)
def test_words_of_neutral_news_are_no_terms(lang: str, post: str) -> None:
    for searched in (lang, None):
        assert hits(normal_form(post, lang), searched) == []


def test_rows_come_by_text_and_a_null_text_has_none() -> None:
    texts = pl.Series([None, "peace", "rain", None, "revenge and peace"])
    langs = pl.Series(["en", "en", "en", None, "en"])
    found = lexicon_hits(texts, langs)
    assert dict(found.schema) == {
        "row": pl.Int64, "term": pl.String, "pole": pl.String, "rule": pl.String, "count": pl.Int64,
    }  # fmt: skip
    assert found.select("row", "term").rows() == [(1, "peace"), (4, "revenge"), (4, "peace")]
    assert lexicon_frames(texts, langs).to_list() == ["neither", "conciliatory", "neither", "neither", "both"]
    nothing = lexicon_hits(pl.Series([None], dtype=pl.String), pl.Series(["en"]))
    assert nothing.height == 0
    assert nothing.schema == found.schema == lexicon_hits(texts[:0], langs[:0]).schema


@pytest.mark.parametrize("function", [lexicon_frames, lexicon_hits])
@pytest.mark.parametrize(("texts", "langs"), [(["peace"], []), (["peace"], ["en", "en"]), ([], ["en"])])
def test_columns_of_different_length_are_refused(
    function: Callable[[pl.Series, pl.Series], object], texts: list[str], langs: list[str]
) -> None:
    with pytest.raises(SchemaError, match=f"texts has {len(texts)} rows and langs has {len(langs)}"):
        function(pl.Series(texts, dtype=pl.String), pl.Series(langs, dtype=pl.String))


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(LANGS))
def test_terms_put_between_other_words_are_all_counted_in_order(data: st.DataObject, lang: str) -> None:
    entries: list[Entry] = data.draw(st.lists(st.sampled_from(lexicon_entries(lang)), min_size=1, max_size=8))
    text = " xx ".join(entry.term for entry in entries)
    assert hits(text, lang) == [
        (entry.term, entry.pole, entry.rule, count) for entry, count in Counter(entries).items()
    ]
    ahead = sum(1 if entry.pole == "nationalist" else -1 for entry in entries)
    assert frame(text, lang) == ("both" if ahead == 0 else POLES[ahead < 0])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.text(max_size=40), st.sampled_from([*LANGS, "other", None])), max_size=5))
def test_any_text_gets_a_frame_in_its_place(rows: list[tuple[str, str | None]]) -> None:
    rows = [(text.encode("utf-8", "ignore").decode(), lang) for text, lang in rows]
    texts = pl.Series([text for text, _ in rows], dtype=pl.String)
    langs = pl.Series([lang for _, lang in rows], dtype=pl.String)
    made = lexicon_frames(texts, langs)
    assert made.to_list() == [frame(text, lang) for text, lang in rows]
    assert set(made) <= set(FRAMES)
