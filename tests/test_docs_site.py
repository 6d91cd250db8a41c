"""The site of the docs builds without a warning, loads nothing from elsewhere, and every link leads somewhere."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest
from browser import Browser, chromium

import discourse

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(file for file in DOCS.rglob("*.md") if "_build" not in file.parts)
NEEDED = ("sphinx", "myst_parser", "furo", "latex2mathml", "numpydoc")


def part(name: str) -> ModuleType:
    """A module of the site's own extensions."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def skip_without_sphinx() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the site needs {', '.join(missing)}: pip install '.[docs]'")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once; a warning is a failure."""
    skip_without_sphinx()
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html", "-d", str(out / "trees")]
    done = subprocess.run([*command, str(DOCS), str(out / "html")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return out / "html"


# What a page loads


class Loads(HTMLParser):
    """Addresses that a browser fetches to show a page; those of plain links are not among them."""

    SOURCES = ("src", "srcset", "data", "poster", "background")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.found += [given[name] for name in self.SOURCES if name in given]
        if tag in {"link", "use", "image"}:
            self.found += [given.get("href", given.get("xlink:href", ""))]
        if given.get("http-equiv", "").lower() == "refresh":
            self.found.append(given.get("content", ""))
        self.found += re.findall(r"url\(\s*['\"]?([^)'\"]+)", given.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "style":
            self.found += from_css(data)


def from_css(text: str) -> list[str]:
    found = re.findall(r"url\(\s*['\"]?([^)'\"]+)", text) + re.findall(r"@import\s+['\"]([^'\"]+)", text)
    return [one for one in found if not one.startswith("data:")]


def remote(addresses: list[str]) -> list[str]:
    there = re.compile(r"(^|[\s=,])(https?:)?//")
    return [one for one in addresses if there.search(one) and not one.startswith("data:")]


def loads(html: str) -> list[str]:
    parser = Loads()
    parser.feed(html)
    return parser.found


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= len(PAGES)
    for page in pages:
        found = loads(page.read_text("utf-8"))
        assert len(found) >= 3, page
        assert remote(found) == [], page
    sheets = sorted(site.rglob("*.css"))
    assert len(sheets) >= 3
    assert {str(sheet): remote(from_css(sheet.read_text("utf-8"))) for sheet in sheets if
            remote(from_css(sheet.read_text("utf-8")))} == {}  # fmt: skip


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<link rel="preconnect" href="//fonts.example">',
        '<img srcset="a.png 1x, https://e.example/b.png 2x">',
        '<p style="background: url(http://e.example/a.png)">',
        "<style>@import 'https://e.example/a.css';</style>",
        '<style>@font-face { src: url("https://e.example/a.woff2") }</style>',
        '<meta http-equiv="refresh" content="0; url=https://e.example">',
    ],
)
def test_a_page_that_loads_from_elsewhere_is_caught(html: str) -> None:
    assert len(remote(loads(html))) == 1


def test_links_and_own_files_are_no_loads_from_elsewhere() -> None:
    html = '<a href="https://e.example">a</a><img src="../_images/a.png"><img src="data:image/png;base64,//8A">'
    assert remote(loads(html)) == []


def test_a_browser_asks_for_files_alone_and_nothing_runs_over_the_edge(site: Path, tmp_path: Path) -> None:
    program = chromium()
    if program is None:
        pytest.skip("needs chromium")
    browser = Browser(program, tmp_path / "profile")
    try:
        for name in ("index.html", "formulae.html", "api/measure.html", "architecture.html"):
            page = browser.page()
            page.send("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
            page.open(site / name)
            asked = [one["request"]["url"] for one in page.events("Network.requestWillBeSent")]
            assert len(asked) > 3
            assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
            assert page.events("Runtime.exceptionThrown") == []
            assert page.ask("document.documentElement.scrollWidth") <= 390, name
            if name == "formulae.html":
                assert page.ask("document.querySelector('math mfrac').getBoundingClientRect().height") > 20
        page.ask("location.href = 'search.html?q=esteban'.replace(/^/, document.documentElement.dataset.content_root)")
        page.until("document.querySelectorAll('#search-results li').length > 2")  # the search works without a server
    finally:
        browser.close()


# What the pages hold


def test_formulae_are_mathml_and_none_is_left_as_it_was_typed(site: Path) -> None:
    html = (site / "formulae.html").read_text("utf-8")
    typed = (DOCS / "formulae.md").read_text("utf-8")
    blocks = typed.count("\n$$\n") // 2
    assert blocks > 10
    assert html.count('display="block"') == blocks
    assert "merror" not in html
    assert r"\frac" not in re.sub(r"<annotation.*?</annotation>", "", html)
    assert "$$" not in html


def named_on_api_pages() -> Counter[str]:
    text = "\n".join(page.read_text("utf-8") for page in sorted((DOCS / "api").glob("*.md")))
    return Counter(re.findall(r"^\.\. auto(?:function|class):: discourse\.(\w+)(?:\(.*\))?$", text, re.MULTILINE))


def test_every_public_name_stands_once_in_the_reference() -> None:
    found = named_on_api_pages()
    missing = sorted(set(discourse.__all__) - set(found))
    assert missing == [], "add `.. autofunction:: discourse.NAME` (or autoclass) to a page of docs/api"
    assert sorted(set(found) - set(discourse.__all__)) == []
    assert [name for name, times in found.items() if times > 1] == []


def test_every_public_name_is_shown_with_its_whole_example(site: Path) -> None:
    together = "\n".join(page.read_text("utf-8") for page in sorted((site / "api").glob("*.html")))
    starts = {name: together.index(f'id="discourse.{name}"') for name in discourse.__all__}
    ends = [*sorted(starts.values()), len(together)]
    for name, start in starts.items():
        shown = together[start : ends[ends.index(start) + 1]]
        assert shown.count("&gt;&gt;&gt;") >= getattr(discourse, name).__doc__.count(">>> "), name
    assert together.count("&gt;&gt;&gt;") > 3 * len(starts)
    assert "system-message" not in together
    assert 'class="problematic"' not in together


def test_names_in_texts_lead_to_the_reference(site: Path) -> None:
    html = (site / "glossary.html").read_text("utf-8")
    assert 'href="api/read.html#discourse.Corpus"' in html


def test_public_docstrings_begin_with_a_sentence() -> None:
    skip_without_sphinx()
    from numpydoc.validate import validate

    asked = {"GL08", "SS01", "SS02", "SS03", "SS04"}  # there is one; a summary, a capital, a full stop, no space before
    found = {name: [fault for fault in validate(f"discourse.{name}")["errors"] if fault[0] in asked]
             for name in discourse.__all__}  # fmt: skip
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_docstrings_are_read_as_plain_paragraphs() -> None:
    skip_without_sphinx()
    prepared = part("plain_docstrings").prepared
    assert prepared(["`a`s |x| * 2 of p_k_", ">>> f(`a`) | 2", "x_", "", "- a `b|c` d*"]) == [
        r"``a``\ s \|x\| \* 2 of p\_k\_", "", ">>> f(`a`) | 2", "x_", "", r"- a ``b|c`` d\*",
    ]  # fmt: skip
    assert prepared(["See:", "", "| a | b |", "|---|---|", "| `c` | d* |", "", "e"]) == [
        "See:", "", "", ".. list-table::", "   :header-rows: 1", "", "   * - a", "     - b", "   * - ``c``",
        r"     - d\*", "", "", "e",
    ]  # fmt: skip


def test_only_code_that_is_a_public_name_is_linked() -> None:
    skip_without_sphinx()
    named = part("public_names").named
    assert [named(text) for text in ("over_time", "ds.over_time(x)", "Key.made_up", "drift(a, b)")] == [
        "over_time", "over_time", "Key", "drift",
    ]  # fmt: skip
    assert [named(text) for text in ("drift", "acc", "over_times", "pl.DataFrame", "out/demo", "", "a b")] == [None] * 7


def test_the_picture_of_the_house_is_that_of_the_rooms() -> None:
    house = part("house")
    tiers = house.rooms()
    assert "measure" in tiers
    assert (DOCS / "house.svg").read_text("utf-8") == house.drawn(tiers), "run python docs/_ext/house.py"
    with pytest.raises(ValueError, match=r"without a box: \['attic'\]"):
        house.drawn({**tiers, "attic": 4})
    with pytest.raises(ValueError, match=r"gone: \['measure'\]"):
        house.drawn({room: tier for room, tier in tiers.items() if room != "measure"})


# Links of the sources, as a code host shows them


def anchors(markdown: str) -> set[str]:
    """Anchors of the headings of a page, as code hosts and MyST make them."""
    prose = re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL)
    made: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#{1,6} (.+)$", prose, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        found.add(f"{slug}-{made[slug]}" if made[slug] else slug)
        made[slug] += 1
    return found


def broken_links(page: Path) -> Iterator[str]:
    """Relative links of a page that lead nowhere."""
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or not file.is_relative_to(ROOT if page.is_relative_to(ROOT) else page.parent):
            yield f"{target}: no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text("utf-8")):
            yield f"{target}: no such heading"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


def test_links_that_lead_nowhere_are_caught(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# One, [two](x.md)!\n```\n# not\n```\n## `a_b`\n# One, two\n", "utf-8")
    page = tmp_path / "a.md"
    links = "[1](b.md) [2](c.md) [3](b.md#one-two) [4](b.md#not) [5](#here) [6](https://e.example/c.md) `[7](d.md)`"
    page.write_text(f"# Here\n{links} [8](b.md#a_b) [9](b.md#one-two-1) [10](#there)", "utf-8")
    assert list(broken_links(page)) == ["c.md: no such file", "b.md#not: no such heading", "#there: no such heading"]


def test_no_page_is_left_out_of_the_contents_on_purpose() -> None:
    assert [page.name for page in PAGES if re.search(r"^orphan: ?true|:orphan:", page.read_text("utf-8"), re.M)] == []
    assert len(PAGES) > 60


def test_python_examples_of_the_reference_are_those_that_pytest_runs() -> None:
    """The pages of the reference hold no example of their own: docstrings do, and pytest runs them."""
    for page in (DOCS / "api").glob("*.md"):
        assert "```python" not in page.read_text("utf-8"), page.name
    config = (ROOT / "pyproject.toml").read_text("utf-8")
    assert "--doctest-modules" in config
    assert ast.literal_eval(re.findall(r"^testpaths = (.*)$", config, re.MULTILINE)[0]).count("discourse") == 1
