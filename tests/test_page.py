from __future__ import annotations

import base64
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from test_plots import gone, row, table

from discourse.corpus.posts import FILES, Step
from discourse.errors import PrivacyError, SchemaError, UsageError
from discourse.report.page import ReportContent, ReportFigure, render_report, write_report

HOSTILE = "</script><script>alert(1)</script>{{7*7}}<img src=http://x.example/a onerror=1>\u202eevil\x1b[0m"
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags with their attributes, the text, and whether every element was closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def content(word: str = "word", **changes: Any) -> ReportContent:
    files = {
        "file": [f"{word}.csv"],
        "format": [word],
        "read": [12],
        "accepted": [9],
        "duplicates": [2],
        "quarantined": [1],
        "edits": [0],
        "deleted": [0],
    }
    made = ReportContent(
        title=word, made_up=True, answer=(f"Answer {word}.",), files=FILES.frame(pl.DataFrame(files)),
        history=(Step("read", 12, 9, word),),
        quarantine=pl.DataFrame({"reason": [word], "rows": [1]}),
        sides=pl.DataFrame({"side": [word, "unknown"], "basis": [word, "none"], "posts": [500, 800],
                            "authors": [9, 10], "conflicts": [3, 4]}),
        languages=pl.DataFrame({"lang": ["ur", "ps"], "posts": [1234, 8], "scored": [0, 0], "share": [0.0, 0.0]}),
        labels=((word, 400),),
        agreement=pl.DataFrame({"variable": [word], "group": ["all"], "n_units": [50], "n_coders": [2],
                                "percent": [80.0], "alpha": [0.712], "low": [0.6], "high": [0.8]}),
        scores=pl.DataFrame({"model": [word] * 2, "group": ["all", "lang=ps"], "metric": ["macro_f1"] * 2,
                             "class": ["all"] * 2, "estimate": [0.654, 0.321], "low": [0.6, 0.111],
                             "high": [0.7, 0.999], "n": [100, 9]}),
        series=table(row(0), gone(1), row(2, n_authors=9, n_posts=777, estimate=0.8765, n_gold=7, flags="forced")),
        figures=(ReportFigure(word, word, word, SVG, "shares.csv"),),
        methods=(word,), cite=(word,), manifest={"seed": 7, "parameters": {"every": word}},
    )  # fmt: skip
    return replace(made, **changes)


def test_the_page_parses_and_runs_and_loads_nothing():
    page = Page(render_report(content()))
    assert page.open == []
    assert page.of("script") == page.of("iframe") == page.of("link") == page.of("form") == []
    (policy,) = [meta for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy["content"] == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )
    for _, attrs in page.tags:
        assert not any(name.startswith("on") for name in attrs)
        assert not any("http:" in (value or "") or "https:" in (value or "") for value in attrs.values())


def test_hostile_words_stay_words_everywhere():
    calm, hostile = (Page(render_report(content(word))) for word in ("word", HOSTILE))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in calm.tags]
    assert [sorted(attrs) for _, attrs in hostile.tags] == [sorted(attrs) for _, attrs in calm.tags]
    assert hostile.text.count("{{7*7}}") == calm.text.lower().count("word")
    assert "\u202e" not in hostile.text
    assert "\x1b" not in hostile.text
    assert "[U+202E]evil\u241b[0m" in hostile.text
    assert "\u202e" not in str(hostile.of("img")[0]["alt"])


def test_order_rows_answer_figures_sides_labels_methods_citation_manifest():
    text = Page(render_report(content())).text
    marks = ["No person wrote these posts", "Rows read, dropped and why", "Rows read from each file",
             "Why rows were set aside", "Answer word.", "Figures", "Which side a post speaks from", "Languages",
             "What was coded",
             "The classifier", "Methods and limits", "How to cite", "How this was made"]  # fmt: skip
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_figures_are_inside_with_words_and_numbers():
    page = Page(render_report(content()))
    (image,) = page.of("img")
    assert image["alt"] == "word"
    kind, _, encoded = str(image["src"]).partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(encoded) == SVG
    assert {"href": "shares.csv"} in page.of("a")
    assert {"class": "skip", "href": "#content"} in page.of("a")
    assert page.of("main")[0]["id"] == "content"


def test_headings_descend_by_one_and_tables_have_heads():
    page = Page(render_report(content()))
    levels = [int(tag[1]) for tag, _ in page.tags if tag in {"h1", "h2", "h3"}]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(page.of("caption")) == len(page.of("table")) == 9
    assert all(head["scope"] == "col" for head in page.of("th"))
    names = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(names) == len(set(names))
    assert {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs} <= set(names)


def test_cells_of_fewer_than_ten_authors_are_not_printed():
    text = Page(render_report(content())).text
    assert "Word word withheld <10 withheld" in text  # the evidence row of 9 authors: 500 posts, 3 conflicts
    assert "side unknown none withheld withheld withheld" in text  # 800 posts would tell the 500
    assert "Pashto <10 withheld withheld" in text
    assert "Urdu withheld withheld withheld" in text
    for secret in ("500", " 800 ", "777", "0.876", "0.877", "0.321", "0.111", "0.999"):
        assert secret not in text
    assert "0.654" in text


def test_withheld_windows_say_so():
    text = Page(render_report(content())).text
    assert "Pakistan 2025-01-13 withheld – – –" in text
    assert "Pakistan 2025-01-06 0.300 0.250 0.370 – withheld withheld withheld" in text


def test_rows_add_up_and_their_sum_is_printed():
    files = {"file": ["b.csv", "/home/somebody/a.csv"], "format": "csv", "read": [12, 1000], "accepted": [9, 990],
             "duplicates": [2, 7], "quarantined": [1, 3], "edits": [0, 0], "deleted": [0, 0]}  # fmt: skip
    text = Page(render_report(content(files=FILES.frame(pl.DataFrame(files))))).text
    assert "all files 1,012 999 9 4" in text
    assert "somebody" not in text
    assert " a.csv csv 1,000 990 7 3" in text
    wrong = FILES.frame(pl.DataFrame({**files, "accepted": [9, 991]}))
    with pytest.raises(SchemaError, match="do not add up"):
        render_report(content(files=wrong))


def test_the_banner_is_only_for_made_up_corpora():
    assert "No person wrote" not in Page(render_report(content(made_up=False))).text


@pytest.mark.parametrize("field", ["quarantine", "sides", "languages", "agreement", "scores"])
@pytest.mark.parametrize("column", ["post_id", "Author_ID", "text", "handle_id", "coder"])
def test_a_column_about_persons_stops_the_page(field, column):
    with pytest.raises(PrivacyError, match=column):
        render_report(content(**{field: pl.DataFrame({column: ["x:1"], "posts": [50]})}))


@pytest.mark.parametrize("name", ["javascript:alert(1).csv", "../a.csv", "a.exe", "//x.example/a.csv", ".csv"])
def test_a_link_is_a_plain_file_name(name):
    with pytest.raises(UsageError, match="plain file name"):
        render_report(content(figures=(ReportFigure("t", "c", "a", SVG, name),)))
    with pytest.raises(UsageError, match="no SVG"):
        render_report(content(figures=(ReportFigure("t", "c", "a", b"GIF89a"),)))


def test_a_study_with_nothing_but_rows_has_a_page(tmp_path):
    bare = ReportContent("T", False, (), FILES.empty(), ())
    page = Page(render_report(bare))
    assert page.open == []
    assert len(page.of("table")) == 1
    assert "all files 0 0 0 0" in page.text
    one, two = (write_report(tmp_path / name, content()).read_bytes() for name in ("a.html", "b.html"))
    assert one == two
