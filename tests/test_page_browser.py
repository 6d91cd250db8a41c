"""The page at work in a real browser: keys alone, the numbers of the tables, and nothing that leaves the file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources, util
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, chromium
from browser import Page as Tab
from test_chart_data import EVENTS_TABLE, TRUTH, sample
from test_page import content

from discourse.page.answer import answered
from discourse.page.chart_data import chart_data
from discourse.page.chart_svg import key_of
from discourse.page.chart_table import cell_text
from discourse.page.page import render_report

WIDTHS = (360, 768, 1440)
FIRST = "document.querySelector('figure.chart')"
ROWS = f"[...{FIRST}.querySelectorAll('tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
AXE = "axe_core_python"

pytestmark = pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine")


@dataclass(frozen=True)
class Opened:
    """The page in a tab, its file and what its charts are drawn from."""

    tab: Tab
    path: Path
    data: dict[str, Any]

    def fresh(self, width: int = 1280, scheme: str = "light") -> Tab:
        self.tab.look(width, scheme)
        self.tab.open(self.path)
        return self.tab


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    one = Browser(str(chromium()), tmp_path_factory.mktemp("profile"))
    yield one
    one.close()


@pytest.fixture(scope="module")
def opened(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    series, slices = sample()
    given = {"slices": slices, "events": EVENTS_TABLE, "truth": TRUTH}
    said = (*answered(series), "A word: سلام")
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_report(content("A study of words", answer=said, series=series, **given)), "utf-8")
    return Opened(browser.page(), path, chart_data(series, slices, events=EVENTS_TABLE, truth=TRUTH))


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("DISCOURSE_SHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def focus(tab: Tab, selector: str, key: str = "Tab", within: str = FIRST) -> None:
    """Go with the Tab key alone (or "Shift+Tab", back) to an element of the first chart."""
    wanted = f"document.activeElement === {within}.querySelector({selector!r})"
    for _ in range(120):
        if tab.ask(wanted):
            return
        tab.press(key)
    raise AssertionError(f"the Tab key never reached {selector}")


def printed(opened: Opened, key: str, *places: int) -> list[list[str]]:
    """The columns of a view, as its table must print them: window, side, and the values at these places."""
    share = opened.data["measures"][int(key.split(".", maxsplit=1)[0])]["share"]
    made = []
    for row in opened.data["views"][key]["rows"]:
        values = [cell_text(row[place], share=share) for place in places]
        if row[2] is None and "withheld" in opened.data["flags"][row[11]]:
            values[0] = "withheld"
        made.append([opened.data["windows"][row[0]][0], opened.data["sides"][row[1]][1], *values])
    return made


def heights(tab: Tab) -> list[str]:
    """The line of the first side, as it is drawn."""
    found: list[str] = tab.ask(f"[...{FIRST}.querySelectorAll('.plot path.line.s0')].map(one => one.getAttribute('d'))")
    return found


def test_nothing_is_asked_for_from_outside_and_nothing_goes_wrong(opened):
    tab = opened.fresh()
    asked = {event["request"]["url"].split(",", maxsplit=1)[0] for event in tab.events("Network.requestWillBeSent")}
    pictures = {"data:image/svg+xml;base64", "data:font/woff2;base64"}
    assert opened.path.resolve().as_uri() in asked
    assert {url for url in asked if not url.startswith("file:")} <= pictures
    assert tab.events("Runtime.exceptionThrown") == tab.events("Log.entryAdded") == []
    assert tab.events("Runtime.consoleAPICalled") == []
    assert tab.ask("document.fonts.check('16px Naskh', 'س') && [...document.fonts].length") == 1
    tab.ask("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.taken = 1'}))")
    tab.ask("document.body.append(Object.assign(new Image(), {src: 'https://x.example/a.png'})), 1")
    assert tab.ask("window.taken") is None
    violations = [event["entry"]["text"] for event in tab.events("Log.entryAdded")]
    assert len([text for text in violations if "Content Security Policy" in text]) == 2


def test_the_script_draws_what_the_page_shows_without_it(opened):
    still = re.findall(r'<div class="plot">(<svg.*?</svg>)', opened.path.read_text("utf-8"), re.DOTALL)
    tab = opened.fresh(782)
    width = tab.ask(f"{FIRST}.querySelector('.plot').clientWidth")
    tab.look(782 + 720 - width)
    tab.until(f"{FIRST}.querySelector('svg.drawing').getAttribute('viewBox').startsWith('0 0 720 ')")
    for number, text in enumerate(still):
        live = tab.ask(f"document.querySelectorAll('figure.chart .plot svg')[{number}].outerHTML")
        assert marks(live) == marks(text)
    assert len(still) == 4


def marks(svg: str) -> list[tuple[str, ...]]:
    """What can be seen of a drawing, in a fixed order; numbers with one digit less than they are written with."""
    made = []
    for one in ET.fromstring(svg.replace("&nbsp;", "\u00a0")).iter():
        tag = one.tag.rpartition("}")[2]
        if tag in {"path", "text", "rect", "circle"} and one.get("class") not in {None, "here"}:
            where = " ".join(f"{name}={value}" for name, value in sorted(one.attrib.items()))
            rounded = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.0f}", where)
            made.append((rounded, one.text or ""))
    return sorted(made)


def test_every_switch_works_by_keys_and_the_table_follows(opened):
    tab = opened.fresh()
    assert [row[:5] for row in tab.ask(ROWS)] == printed(opened, key_of(0), 2, 3, 4)
    before = heights(tab)
    for name, key in (("measure", "1.0.0.0"), ("weight", "1.0.1.0"), ("method", "1.1.1.0")):
        focus(tab, f"[name={name}]")
        tab.press("ArrowDown")
        assert [row[:5] for row in tab.ask(ROWS)] == printed(opened, key, 2, 3, 4)
        after = heights(tab)
        assert after != before
        before = after
        assert tab.ask(f"{FIRST}.querySelector('.said').textContent") == opened.data["views"][key]["caption"]
        assert tab.ask(f"{FIRST}.querySelector('h3').textContent") == "Share of conciliatory posts"
    focus(tab, "[name=group]")  # a language is there by author alone: the weight gives way, and its switch says so
    tab.press("ArrowDown")
    assert [row[:5] for row in tab.ask(ROWS)] == printed(opened, "1.1.0.1", 2, 3, 4)
    assert tab.ask(f"{FIRST}.querySelector('[name=weight]').value") == "0"


def test_lines_can_be_switched_by_keys(opened):
    tab = opened.fresh()
    focus(tab, "[name=side][value='2']")
    tab.press(" :Space")
    assert tab.ask(f"{FIRST}.querySelectorAll('.plot path.dot.su').length") == 5
    tab.press(" :Space")
    assert tab.ask(f"{FIRST}.querySelectorAll('.plot path.dot.su').length") == 0
    focus(tab, "[name=truth]")
    assert tab.ask(f"{FIRST}.querySelector('.coverage').textContent") == ""
    tab.press(" :Space")
    assert tab.ask(f"{FIRST}.querySelectorAll('.plot path.cross').length") == 12
    assert tab.ask(f"{FIRST}.querySelector('.coverage').textContent") == opened.data["coverage"]["0.0"]["said"]
    truth = ["30.0\u00a0%", "24.0\u00a0%", "37.0\u00a0%", "35.0\u00a0%"]
    assert tab.ask(ROWS)[0][:6] == ["2025-01-06", "Pakistan", *truth]


def test_the_count_of_intervals_that_hold_the_truth_stays_and_the_table_below_it_follows(opened):
    tab = opened.fresh()
    chart = "document.querySelector('#chart-truth')"
    held = f"{chart}.querySelector('table').textContent"
    before = tab.ask(held)
    assert before.strip().startswith("How many 95 % intervals hold the known truth")
    assert [tab.ask(f"{chart}.querySelectorAll('{kind}').length") for kind in ("table", ".plot path.cross")] == [2, 12]
    focus(tab, "#truth-method", within=chart)
    tab.press("ArrowDown")
    assert tab.ask(held) == before
    row = tab.ask(f"[...{chart}.querySelector('.behind tbody tr').cells].map(one => one.textContent)")
    assert row[:6] == ["2025-01-06", "Pakistan", "35.0\u00a0%", "29.0\u00a0%", "42.0\u00a0%", "35.0\u00a0%"]


def test_keys_move_zoom_and_read_the_chart(opened):
    tab = opened.fresh()
    readout, plot = f"{FIRST}.querySelector('.readout').innerText", f"{FIRST}.querySelector('.plot')"
    ticks = f"[...{plot}.querySelectorAll('text[text-anchor=middle].tick')].map(one => one.textContent)"
    dots = f"{plot}.querySelectorAll('path.dot.s0').length"
    focus(tab, ".plot")
    assert tab.ask(f"{FIRST}.querySelector('.readout').getAttribute('role')") == "status"
    assert tab.ask(readout).startswith("The week of 6 January 2025.\nPakistan: 30.0\u00a0% (24.0 to 37.0); 100 posts.")
    tab.press("ArrowRight")
    assert "Event 1: The border closed." in tab.ask(readout)
    tab.press("ArrowRight")
    assert "Pakistan: withheld" in tab.ask(readout)
    tab.press("End")
    assert tab.ask(readout).startswith("The week of 10 February 2025.")
    whole = tab.ask(ticks)
    tab.press("+", "+")
    near = tab.ask(ticks)
    assert near != whole
    assert tab.ask(f"{FIRST}.querySelector('[value=reset]').disabled") is False
    tab.press("Shift+ArrowLeft")
    assert tab.ask(ticks) != near
    tab.press("Home", "0")
    assert tab.ask(ticks) == whole
    focus(tab, "[value=in]", "Shift+Tab")
    tab.press("Enter")
    assert tab.ask(ticks) != whole
    focus(tab, "[value=reset]")
    tab.press("Enter")
    assert tab.ask(ticks) == whole
    assert tab.ask(dots) == 5


def test_a_mouse_draws_across_a_stretch_of_time(opened):
    tab = opened.fresh()
    tab.ask(f"{FIRST}.querySelector('.plot').scrollIntoView({{block: 'center', behavior: 'instant'}})")
    box = tab.ask(f"(b => [b.left, b.top, b.width])({FIRST}.querySelector('.plot').getBoundingClientRect())")
    spots = [(box[0] + box[2] * part, box[1] + 120) for part in (0.3, 0.5, 0.6)]
    kinds = ("mousePressed", "mouseMoved", "mouseReleased")
    for kind, (x, y) in zip(kinds, spots, strict=True):
        tab.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
    x = [float(d.split(",")[0][1:]) for d in tab.ask(
        f"[...{FIRST}.querySelectorAll('.plot path.dot.s0')].map(one => one.getAttribute('d'))")]  # fmt: skip
    assert max(x) > box[2]  # a week that was inside now lies beyond the edge
    assert tab.ask(f"{FIRST}.querySelector('[value=reset]').disabled") is False


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, scheme):
    if util.find_spec(AXE) is None:
        pytest.skip("axe-core is not installed: pip install axe-core-python")
    tab = opened.fresh(1280, scheme)
    if scheme == "light":  # what is folded away has the colours of the rest
        tab.ask("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    tab.ask(f"{resources.files(AXE).joinpath('axe.min.js').read_text('utf-8')}; 1")
    only = "" if scheme == "light" else "runOnly: ['color-contrast', 'link-in-text-block']"
    found = tab.ask(f"axe.run(document, {{resultTypes: ['violations'], {only}}}).then(r => r.violations.map(v => "
                    "[v.id, v.impact, v.nodes[0].html]))")  # fmt: skip
    assert [one for one in found if one[1] in {"serious", "critical"}] == []
    assert tab.ask("axe.version").split(".")[0] == "4"


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_screen(opened, shots, width):
    tab = opened.fresh(width)
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.ask(f"{FIRST}.querySelector('svg.drawing').getBoundingClientRect().right") <= width
    tab.screenshot(shots / f"page-{width}.png", whole=True)
    assert (shots / f"page-{width}.png").stat().st_size > 10_000


def test_light_and_dark_have_their_own_colours(opened, shots):
    seen = []
    for scheme in ("light", "dark"):
        tab = opened.fresh(768, scheme)
        line = f"getComputedStyle({FIRST}.querySelector('.plot path.line.s0')).stroke"
        seen.append(tab.ask(f"[getComputedStyle(document.body).backgroundColor, {line}]"))
    tab.screenshot(shots / "page-dark.png", whole=True)
    assert seen == [["rgb(252, 251, 248)", "rgb(11, 99, 165)"], ["rgb(22, 24, 27)", "rgb(108, 180, 245)"]]


def test_it_is_whole_without_a_script(opened):
    tab = opened.tab
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.look(360)
        tab.open(opened.path)
        assert [row[:5] for row in tab.ask(ROWS)] == printed(opened, key_of(0), 2, 3, 4)
        assert tab.ask("[...document.querySelectorAll('.controls')].every(one => one.offsetHeight === 0)")
        assert tab.ask("document.querySelectorAll('figure.chart .plot svg[role=img][aria-label]').length") == 4
        assert tab.ask(f"{FIRST}.querySelector('.legend').offsetHeight") > 0
        assert tab.ask("document.documentElement.scrollWidth") <= 360
    finally:
        tab.send("Emulation.setScriptExecutionDisabled", value=False)


def test_on_paper_tables_are_open_and_switches_gone(opened, shots):
    tab = opened.fresh()
    tab.send("Emulation.setEmulatedMedia", media="print")
    tab.ask("dispatchEvent(new Event('beforeprint'))")
    assert tab.ask(f"{FIRST}.querySelector('.behind').open")
    assert tab.ask(f"{FIRST}.querySelector('.box').clientHeight >= {FIRST}.querySelector('table').offsetHeight")
    gone = ".controls:not(.lines), .zoom, nav, .readout, .tick-box:has([value='2'])"
    assert tab.ask(f"[...document.querySelectorAll({gone!r})].every(one => one.offsetHeight === 0)")
    assert tab.ask(f"{FIRST}.querySelector('.tick-box').offsetHeight") > 0  # it names the line that is drawn
    tab.ask("dispatchEvent(new Event('afterprint'))")
    assert not tab.ask(f"{FIRST}.querySelector('.behind').open")
    tab.send("Emulation.setEmulatedMedia", media="")
    tab.pdf(shots / "page.pdf")
    assert (shots / "page.pdf").read_bytes().startswith(b"%PDF")
    if shutil.which("pdftotext"):
        text = subprocess.run(
            ["pdftotext", str(shots / "page.pdf"), "-"], capture_output=True, text=True, check=True
        ).stdout
        assert "Numbers behind the chart: Share of nationalist posts" in text
        assert "Known truth" in text


def test_whoever_wants_no_motion_gets_none(opened):
    tab = opened.fresh()
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert tab.ask(behaviour) == "smooth"
    tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert tab.ask(behaviour) == "auto"
