from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from test_chart_data import EVENTS_TABLE, TRUTH, sample
from test_plots import gone, row, table

from discourse.corpus.posts import FILES, Step
from discourse.errors import PrivacyError, SchemaError, UsageError
from discourse.page.answer import Sentence
from discourse.page.page import ReportContent, ReportFigure, render_report, write_report
from discourse.page.pictures import pictures
from discourse.schema import SERIES

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
        if not {"style", "script"} & set(self.open):
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
        methods=((word, word),), cite=(word,), manifest={"seed": 7, "parameters": {"every": word}},
        facts=(("12", word),),
    )  # fmt: skip
    return replace(made, **changes)


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_page_parses_and_loads_nothing_and_runs_its_own_script_alone():
    text = render_report(content(events=EVENTS_TABLE))
    page = Page(text)
    assert page.open == []
    assert page.of("iframe") == page.of("link") == page.of("form") == page.of("object") == []
    assert page.of("script") == [{"type": "application/json", "id": "chart-data"}, {}]
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    code = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    (policy,) = [meta for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy["content"] == (
        f"default-src 'none'; style-src {hashed(styles[0])}; script-src {hashed(code[0])}; img-src data:; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )
    assert [len(styles), len(code)] == [1, 1]
    for tag, attrs in page.tags:
        assert "style" not in attrs
        assert not any(name.startswith("on") for name in attrs)
        web = [name for name, value in attrs.items() if re.search("https?:|javascript:", value or "")]
        assert web == (["href"] if tag == "a" and attrs.get("rel") == "noreferrer noopener" else [])
    assert not re.search(r"url\((?!data:)|@import", styles[0])
    assert not re.search(r"fetch|XMLHttp|WebSocket|eval\(|Function\(|innerHTML|import\(", code[0])


def test_a_page_without_a_series_has_no_script():
    page = Page(render_report(content(series=SERIES.empty())))
    assert page.of("script") == []
    (policy,) = [meta for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert "script-src" not in str(policy["content"])
    assert len(page.of("img")) == 1  # with no chart to stand for it, the figure is a picture


def test_hostile_words_stay_words_everywhere():
    calm, hostile = (Page(render_report(content(word))) for word in ("word", HOSTILE))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in calm.tags]
    assert [sorted(attrs) for _, attrs in hostile.tags] == [sorted(attrs) for _, attrs in calm.tags]
    assert hostile.text.count("{{7*7}}") == calm.text.lower().count("word")
    assert "\u202e" not in hostile.text
    assert "\x1b" not in hostile.text
    assert "[U+202E]evil\u241b[0m" in hostile.text
    assert "\u202e" not in str(hostile.of("img")[0]["alt"])


def test_hostile_events_are_words_and_links_only_where_they_lead_to_the_web():
    bad = EVENTS_TABLE.with_columns(title=pl.lit(HOSTILE), place=pl.lit(HOSTILE))
    page = Page(render_report(content(events=bad)))
    assert page.open == []
    assert [one["href"] for one in page.of("a") if "rel" in one] == ["https://news.example/a?b=1&c=2"]
    assert "javascript:alert(1)" in page.text
    assert "\u202e" not in page.text
    assert len(page.of("script")) == 2


def test_order_rows_answer_figures_sides_labels_methods_citation_manifest():
    text = Page(render_report(content())).text
    marks = ["No person wrote these posts", "Answer word.", "How to read the charts",
             "Share of nationalist posts How much",
             "Where the data come from: rows", "Rows read from each file", "Why rows were set aside",
             "Which side a post speaks from", "Posts by language", "What was coded", "The classifier",
             "What cannot be concluded", "Terms and what they mean"]  # fmt: skip
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)
    assert text.rindex("How to cite") < text.rindex("How this was made")


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
    assert "t-shares-nationalist" in [attrs.get("id") for attrs in page.of("caption")]
    assert all(head["scope"] == "col" for head in page.of("th"))
    names = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(names) == len(set(names))
    assert {str(one["href"])[1:] for one in page.of("a") if str(one["href"]).startswith("#")} <= set(names)
    assert {attrs["for"] for attrs in page.of("label") if "for" in attrs} <= set(names)
    assert {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs} <= set(names)


def test_cells_of_fewer_than_ten_authors_are_not_printed():
    text = Page(render_report(content())).text
    assert "Word word withheld <10 withheld" in text  # the evidence row of 9 authors: 500 posts, 3 conflicts
    assert "side unknown none withheld withheld withheld" in text  # 800 posts would tell the 500
    assert "Pashto <10 withheld withheld" in text
    assert "Urdu withheld withheld withheld" in text
    whole = render_report(content(figures=(), manifest={}))
    for secret in ("777", "0.876", "0.877", "0.321", "0.111", "0.999", "87.6", "87.7"):
        assert secret not in text
        assert secret not in re.sub(r"<style>.*?</style>", "", whole, flags=re.DOTALL)
    assert "500" not in text
    assert " 800 " not in text
    assert "0.654" in text


def test_withheld_windows_say_so():
    text = Page(render_report(content())).text
    assert "2025-01-13 Pakistan withheld – – " in text
    assert "2025-01-20 Pakistan withheld – – withheld withheld withheld forced withheld" not in text
    assert "2025-01-06 Pakistan 30.0 % 25.0 % 37.0 % withheld withheld withheld" in text


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


def test_sentences_lead_to_their_charts_and_charts_lead_back():
    said = (Sentence("Shares moved.", "nationalist"), Sentence("Nothing else.", "net-tone-gap"), "Mind this.")
    page = Page(render_report(content(answer=said)))
    links = [one for one in page.of("a") if one.get("href") == "#chart-shares-nationalist"]
    assert [one["aria-label"] for one in links] == ["See the chart: Share of nationalist posts"]
    assert {"id": "chart-shares-nationalist", "class": "chart", "data-measure": "0", "data-truth": "no",
            "aria-labelledby": "h-shares-nationalist"} in page.of("figure")  # fmt: skip
    assert "#h-answer" in [one["href"] for one in page.of("a") if str(one.get("aria-label")).startswith("Back")]
    assert "Nothing else. Mind this." in page.text  # a measure without a chart leads nowhere


def test_a_picture_is_left_out_where_a_chart_stands_for_it_and_is_as_small_as_can_be():
    figures = (
        ReportFigure("a", "c", "a", SVG, "shares-nationalist.csv"),
        ReportFigure("b", "c", "b", SVG, "b.csv", b"png"),
    )
    page = Page(render_report(content(figures=figures)))
    assert [(one["alt"], str(one["src"])[:22]) for one in page.of("img")] == [("b", "data:image/png;base64,")]
    large = ReportFigure("c", "c", "alt of c", SVG + b" " * 300, "c.csv")
    made = pictures([figures[1], large, figures[1]], room=200)
    assert [bool(one.src) for one in made] == [True, False, True]


def test_a_picture_without_room_is_told_of_and_linked():
    large = ReportFigure("c", "c", "alt of c", SVG + b" " * 2_300_000, "c.csv")
    page = Page(render_report(content(figures=(large,))))
    assert page.of("img") == []
    assert len(render_report(content(figures=(large, replace(large, svg=SVG))))) < 3_000_000
    assert {"href": "c.png"} in page.of("a")
    assert "alt of c" in page.text


def test_the_font_of_arabic_script_is_there_only_when_it_is_needed():
    assert "@font-face" not in render_report(content())
    urdu = render_report(content(facts=(("1", "اردو"),)))
    assert urdu.count("@font-face") == 1
    assert "<bdi>اردو</bdi>" in render_report(content("اردو"))


def test_where_no_gap_is_claimed_every_chart_of_both_sides_says_so():
    series, _ = sample()
    said = Sentence("No difference is claimed.", "net-tone-gap", warns=True)
    text = render_report(content(series=series, answer=(said,)))
    assert text.count('<p class="warning">No difference is claimed.</p>') == 1  # one chart is between the sides
    assert text.index('id="h-net-tone-gap"') < text.index('class="warning"')
    assert 'class="warning"' not in render_report(content(series=series))


def test_nothing_of_a_person_that_comes_with_a_table_reaches_the_page():
    series, slices = sample()
    canary = {name: pl.lit(f"canary-{name}") for name in ("text", "handle_id", "author_id", "post_id")}
    given = {"series": series.with_columns(**canary), "slices": slices.with_columns(**canary),
             "events": EVENTS_TABLE.with_columns(**canary), "truth": TRUTH.with_columns(**canary)}  # fmt: skip
    text = render_report(content(figures=(), **given))
    assert "canary" not in text
    assert '["lang","ur","Urdu"]' in text


def test_the_script_is_small_enough_to_be_read():
    text = render_report(content())
    (code,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(code.encode()) < 40_000
    room = resources.files("discourse.page")
    files = [one for one in room.iterdir() if one.name.endswith((".js", ".css", ".j2"))]
    assert len(files) == 7
    assert {one.name: lines for one in files if (lines := len(one.read_text("utf-8").splitlines())) > 400} == {}
