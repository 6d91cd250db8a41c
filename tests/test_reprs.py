"""What notebooks show of a corpus, a codebook and an evaluation: no person, no small cell, sound HTML."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsed_page import Page, page

from discourse.corpus.posts import Corpus, html_table
from discourse.judging.evaluate import Evaluation
from discourse.labels.codebook import Codebook
from discourse.labels.entries import Value, Variable
from discourse.schema import POSTS

ROOT = Path(__file__).resolve().parents[1]
WEEK = datetime(2025, 1, 6, tzinfo=UTC)
CANARY = "canary<script>"


def corpus(cells: dict[tuple[str, str], int], **columns: Any) -> Corpus:
    """Two posts of each author; so many authors in each cell of side and language."""
    rows = [
        {"post_id": f"x:{side}{lang}{author}{n}", "platform": "x", "author_id": f"x:{side}{lang}{author}",
         "kind": "reply", "created_at": datetime(2025, 1 + n, 7, tzinfo=UTC), "text": CANARY, "side": side,
         "lang": lang, **columns}
        for (side, lang), authors in cells.items() for author in range(authors) for n in (0, 1)
    ]  # fmt: skip
    return Corpus(POSTS.frame(rows))


# Corpus


def test_a_corpus_counts_by_side_language_and_platform_and_tells_its_history() -> None:
    made = corpus({("pakistan", "ur"): 12, ("afghanistan", "fa"): 15})
    made = made.keep(pl.lit(True), "keep", "nothing <left> out").keep(pl.lit(True), "count", "43 posts of und")
    seen = page(made)
    assert seen.captions == ["Corpus: 54 posts by 27 authors, 2025-01 to 2025-02; 0 rows set aside",
                             "What was done to the posts"]  # fmt: skip
    assert seen.tables[0] == [
        ["by", "value", "posts", "authors"], ["side", "afghanistan", "30", "15"], ["side", "pakistan", "24", "12"],
        ["language", "fa", "30", "15"], ["language", "ur", "24", "12"], ["platform", "x", "54", "27"],
    ]  # fmt: skip
    # A reason that counts may count a few authors: it is left out.
    assert seen.tables[1][1:] == [["keep", "54", "54", "nothing <left> out"], ["count", "54", "54", ""]]
    lines = repr(made).splitlines()
    assert lines[0] == seen.captions[0]
    assert lines[1:3] == ["  side: afghanistan 30, pakistan 24", "  language: fa 30, ur 24"]
    assert lines[-2:] == ["  keep: 54 -> 54 (nothing <left> out)", "  count: 54 -> 54"]


@pytest.mark.parametrize(
    ("langs", "shown", "hidden"),
    [
        ({"ur": 40, "fa": 30, "ps": 10}, ["fa", "ps", "ur"], 0),
        # One small cell takes the smallest of the others along: it would follow from the total.
        ({"ur": 40, "fa": 30, "ps": 9}, ["ur"], 2),
        # Two small cells together have ten authors; what follows is their sum alone.
        ({"ur": 40, "fa": 30, "ps": 5, "en": 5}, ["fa", "ur"], 2),
        ({"ur": 40, "fa": 30, "ps": 5, "en": 4}, ["ur"], 3),
        ({"ur": 40, "ps": 9}, [], 2),
    ],
)
def test_small_cells_of_a_corpus_are_hidden_with_what_would_give_them_away(
    langs: dict[str, int], shown: list[str], hidden: int
) -> None:
    made = corpus({("pakistan", lang): n for lang, n in langs.items()})
    rows = [cells[1:] for cells in page(made).tables[0] if cells[0] == "language"]
    assert [cells[0] for cells in rows if cells[0] in langs] == shown
    assert [cells for cells in rows if cells[0] not in langs] == (
        [[f"{hidden} more", "withheld: few authors", "withheld"]] if hidden else []
    )
    line = repr(made).splitlines()[2]
    assert [lang for lang in sorted(langs) if f"{lang} {2 * langs[lang]}" in line] == shown
    assert ("withheld" in line) == bool(hidden)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from(["en", "ur", "ps", "fa", "mixed", "und"]), st.integers(1, 14), min_size=1))
def test_what_is_hidden_of_a_corpus_rests_on_ten_authors_or_is_all(langs: dict[str, int]) -> None:
    made = corpus({("pakistan", lang): n for lang, n in langs.items()})
    told = {cells[1] for cells in page(made).tables[0] if cells[0] == "language"}
    hidden = [n for lang, n in langs.items() if lang not in told]
    assert not [lang for lang in told & set(langs) if langs[lang] < 10]
    assert not hidden or len(hidden) == len(langs) or (len(hidden) > 1 and sum(hidden) >= 10)


def test_of_fewer_than_ten_authors_nothing_is_told() -> None:
    few = corpus({("pakistan", "ur"): 9}).keep(pl.lit(True), "keep", "why")
    for words in (repr(few), page(few).text):
        assert "9" not in words
        assert "18" not in words
        assert "fewer than 10 authors" in words
    assert page(Corpus(POSTS.empty())).captions == ["Corpus: 0 posts by 0 authors; 0 rows set aside"]


def test_no_text_id_or_handle_of_a_corpus_is_ever_shown() -> None:
    personal = dict.fromkeys(
        ("text_norm", "parent_id", "copy_id", "location", "handle_id", "community", "version_of", "source_file",
         "side_basis", "country"), CANARY)  # fmt: skip
    made = corpus({("pakistan", "ur"): 12}, **personal)
    for words in (repr(made), made._repr_html_()):
        assert "canary" not in words
        assert "x:pak" not in words


def test_what_a_file_of_rules_calls_a_side_is_escaped() -> None:
    made = corpus({("<b>&'\"", "ur"): 12})
    assert "<b>&'\"" in page(made).tables[0][1]
    assert "<b>" not in made._repr_html_()


# Codebook


def test_a_codebook_shows_each_variable_in_the_languages_it_has() -> None:
    book = Codebook.from_toml(ROOT / "corpora" / "codebook.toml")
    seen = page(book)
    assert seen.captions == [f"Codebook {book.identity}: {one.name} ({one.level})" for one in book.variables]
    frame = seen.tables[0]
    assert frame[0] == ["value", "English", "Urdu", "Pashto", "Dari"]
    assert [cells[0] for cells in frame[1:]] == list(book.values("frame"))
    for value, cells in zip(book.variable("frame").values, frame[1:], strict=True):
        for lang, cell in zip(("en", "ur", "ps", "fa"), cells[1:], strict=True):
            meant = value.definition if lang == "en" else value.definitions[lang]
            assert cell == f"{value.names[lang]} {meant}"
    marked = {(of["lang"], of["dir"]) for tag, of in seen.marked if tag == "div" and "lang" in of}
    assert marked == {("en", "ltr"), ("ur", "rtl"), ("ps", "rtl"), ("fa", "rtl")}
    assert book.variables[0].question in seen.text


def test_a_codebook_without_translations_has_one_column_and_is_escaped() -> None:
    book = Codebook("b", 1, (Variable("v<i>", "nominal", (Value("a", "one & <i>"),)),))
    seen = page(book)
    assert seen.captions == ["Codebook b@1: v<i> (nominal)"]
    assert seen.tables == [[["value", "English"], ["a", "one & <i>"]]]
    assert page(Codebook("b", 1, ())).captions == ["Codebook b@1"]


def test_an_evaluation_is_a_table_with_headings_and_notes() -> None:
    scores = pl.DataFrame({"model": ["a<b>"], "group": ["all"], "metric": ["macro_f1"], "class": ["all"],
                           "estimate": [0.71], "low": [0.65], "high": [0.76], "n": [600]})  # fmt: skip
    seen = page(Evaluation(scores, pl.DataFrame(), pl.DataFrame({"post_id": ["x:1"]}), notes=("a <note>",)))
    assert seen.tables[0][1][:2] == ["a<b>", "0.710 (0.650 to 0.760)"]
    assert seen.captions[0].startswith("Evaluation over 1 labelled posts, out of fold")
    assert "a <note>" in seen.text


@settings(deadline=None)
@given(st.text(), st.text())
def test_whatever_a_cell_holds_the_html_is_sound(caption: str, cell: str) -> None:
    words = "".join(c for c in cell if c not in "\r\x00")
    made = Page(html_table(caption or "x", ("a", "b"), [(words, words)], [words]))
    assert made.faults == []
    assert made.tables[0][1] == [words, words]
