"""Adjudication: what who decides gets to see and not to see, the page at work, and the way back to settled labels."""

from __future__ import annotations

import csv
import json
import re
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from browser import Browser, chromium, wait_for
from browser import Page as Tab

from discourse.errors import BadInput, MeaningError, SchemaError, UsageError
from discourse.labels.agreement import agreement
from discourse.labels.codebook import Codebook, Value, Variable
from discourse.labels.labels import ADJUDICATED, SAMPLE, Labels
from discourse.schema import LABELS
from discourse.sheets.decisions import read_decisions, write_decision_sheet
from discourse.sheets.sheet_page import page_languages
from discourse.sheets.sheets import read_notes, read_sheets, write_sheets

BOOK = Codebook(
    "framing", 4,
    (Variable("frame", "nominal",
              tuple(Value(v, v) for v in ("nationalist", "conciliatory", "neither")), "What does it do?"),
     Variable("hostility", "ordinal", tuple(Value(v, v) for v in "012"))),
)  # fmt: skip
# frame and hostility by anna, bilal and carla: "-" is not coded.
SAID = {
    "x:1": ("NNN", "000"),  # nothing to decide
    "x:2": ("NCN", "000"),  # the frame only
    "x:3": ("CCC", "001"),  # the hostility only
    "x:4": ("N-C", "0-2"),  # both, by two of three
    "x:5": ("N--", "0--"),  # one coder alone differs from nobody
    "x:6": ("NCE", "012"),
}
VALUES = {"N": "nationalist", "C": "conciliatory", "E": "neither"}
CODERS = ("anna", "bilal", "carla")
POSTS = pl.DataFrame(
    {"post_id": list(SAID), "text": [f"text of {n}" for n in range(1, 7)], "lang": ["en"] * 6},
).with_columns(inclusion_p=0.25, stratum=pl.lit("rare-stratum"), role=pl.lit("gold"))


def labels(codebook: Codebook | None = BOOK) -> Labels:
    rows = [
        {"post_id": post, "coder": coder, "variable": variable, "value": VALUES.get(said[at], said[at]), "round": "1"}
        for post, both in SAID.items()
        for variable, said in zip(("frame", "hostility"), both, strict=True)
        for at, coder in enumerate(CODERS)
        if said[at] != "-"
    ]
    return Labels(LABELS.frame(rows), SAMPLE.frame(POSTS), codebook)


def data(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="sheet">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    given: dict[str, Any] = json.loads(found[1])
    return given


def items_of(page: Path) -> dict[str, dict[str, Any]]:
    """What the page holds of each post, by its id, which the key knows."""
    with (page.parent / "key.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["sheet"], row["coder"]) for row in rows} == {(data(page)["digest"], "adjudicated")}
    posts = {row["item"]: row["post_id"] for row in rows}
    return {posts[item["item"]]: item for item in data(page)["items"]}


def saved(page: Path, given: dict[str, dict[str, Any]], name: str = "back.json", **changed: Any) -> Path:
    sheet, items = data(page), items_of(page)
    listed = [
        {"item": items[post]["item"], "values": {}, "cannot_decide": False, "note": "", **one}
        for post, one in given.items()
    ]
    whole = {"format": "discourse-decisions@1", "sheet": sheet["digest"], "codebook": sheet["codebook"],
             "coder": sheet["coder"], "answers": listed, **changed}  # fmt: skip
    path = page.parent / name
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def test_the_page_has_what_coders_differ_on_and_what_they_said_under_letters(tmp_path: Path) -> None:
    before = POSTS.clone()
    page = write_decision_sheet(labels(), POSTS, tmp_path, seed=7)
    assert POSTS.equals(before)
    found = items_of(page)
    assert set(found) == {"x:2", "x:3", "x:4", "x:6"}
    assert {post: set(item["said"]) for post, item in found.items()} == {
        "x:2": {"frame"}, "x:3": {"hostility"}, "x:4": {"frame", "hostility"}, "x:6": {"frame", "hostility"},
    }  # fmt: skip
    for post, item in found.items():
        assert item["text"] == dict(POSTS.select("post_id", "text").iter_rows())[post]
        for variable, pairs in item["said"].items():
            said = SAID[post][("frame", "hostility").index(variable)].replace("-", "")
            assert [letter for letter, _ in pairs] == sorted("ABC"[: len(said)])
            assert Counter(value for _, value in pairs) == Counter(VALUES.get(one, one) for one in said)
    # One coder has one letter in a post: at x:6 who said "nationalist" said "0", too.
    frame, hostility = (dict(found["x:6"]["said"][name]) for name in ("frame", "hostility"))
    both = {(frame[letter], hostility[letter]) for letter in "ABC"}
    assert both == {("nationalist", "0"), ("conciliatory", "1"), ("neither", "2")}


@pytest.mark.parametrize("language", page_languages())
def test_no_name_and_nothing_the_study_knows_is_in_the_page(tmp_path: Path, language: str) -> None:
    page = write_decision_sheet(labels(), POSTS, tmp_path, seed=7, language=language)
    text = re.sub(r"<style>.*?</style>", "", page.read_text("utf-8"), flags=re.DOTALL)
    for secret in (*CODERS, "x:2", "x:6", "rare-stratum", "0.25", "gold"):
        assert secret not in text
    for file in (page, tmp_path / "key.csv"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert all(set(item) == {"item", "text", "lang", "said"} for item in data(page)["items"])


def test_letters_are_dealt_anew_for_every_post(tmp_path: Path) -> None:
    ids = [f"x:{n:03}" for n in range(300)]
    rows = [
        {"post_id": post, "coder": coder, "variable": "frame", "value": value}
        for post in ids
        for coder, value in (("anna", "nationalist"), ("bilal", "neither"))
    ]
    many = Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": post} for post in ids]), BOOK)
    posts = pl.DataFrame({"post_id": ids, "text": ids})
    found = items_of(write_decision_sheet(many, posts, tmp_path / "one", seed=7))
    is_a = sum(item["said"]["frame"][0] == ["A", "nationalist"] for item in found.values())
    assert 110 < is_a < 190  # anna is A in about half of 300 posts (150 give or take 4.6 times 8.7)
    again = items_of(write_decision_sheet(many, posts.reverse(), tmp_path / "two", seed=7))
    assert again == found
    other = items_of(write_decision_sheet(many, posts, tmp_path / "three", seed=8))
    assert [item["said"] for item in other.values()] != [found[post]["said"] for post in other]


def test_decisions_come_back_beside_what_coders_said(tmp_path: Path) -> None:
    given = labels()
    page = write_decision_sheet(given, POSTS, tmp_path, seed=7)
    back = saved(page, {
        "x:2": {"values": {"frame": "neither"}, "note": "nobody chose it"},
        "x:4": {"values": {"frame": "nationalist"}},
        "x:6": {"cannot_decide": True},
    })  # fmt: skip
    settled = read_decisions(back, tmp_path / "key.csv", given)
    added = settled.table.filter(pl.col("coder").is_in(ADJUDICATED))
    assert added.select("post_id", "coder", "variable", "value", "codebook").rows() == [
        ("x:2", "adjudicated", "frame", "neither", "framing@4"),
        ("x:4", "adjudicated", "frame", "nationalist", "framing@4"),
    ]
    assert settled.table.filter(~pl.col("coder").is_in(ADJUDICATED)).equals(given.table)
    assert settled.sample.equals(given.sample)
    decided = dict(settled.decided().iter_rows())
    assert (decided["x:2"], decided["x:4"], "x:6" in decided) == ("neither", "nationalist", False)
    assert dict(given.decided().iter_rows()).keys() == {"x:1", "x:3", "x:5"}
    # What was decided together says nothing about how coders agree.
    assert agreement(settled, seed=7, replicates=20).equals(agreement(given, seed=7, replicates=20))
    alone = Labels(added, settled.sample, BOOK)
    with pytest.raises(MeaningError, match="were agreed upon"):
        agreement(alone, seed=7)
    assert read_notes(back, tmp_path / "key.csv", BOOK).rows() == [
        ("x:2", "adjudicated", False, "nobody chose it"),
        ("x:6", "adjudicated", True, None),
    ]
    # The rest is decided on a second page, which asks for what is still open and nothing else.
    second = write_decision_sheet(settled, POSTS, tmp_path / "second", seed=7)
    assert {post: set(item["said"]) for post, item in items_of(second).items()} == {
        "x:3": {"hostility"}, "x:4": {"hostility"}, "x:6": {"frame", "hostility"},
    }  # fmt: skip
    with pytest.raises(MeaningError, match=r"^1 posts have an agreed or adjudicated 'frame' already"):
        read_decisions(saved(page, {"x:4": {"values": {"frame": "neither"}}}), tmp_path / "key.csv", settled)


def test_a_saved_file_goes_to_the_reader_of_its_kind(tmp_path: Path) -> None:
    given = labels()
    page = write_decision_sheet(given, POSTS, tmp_path / "decide", seed=7)
    back = saved(page, {"x:2": {"values": {"frame": "neither"}}})
    with pytest.raises(
        SchemaError, match=r"^'back\.json' was saved from a page of another kind; read it with read_dec"
    ):
        read_sheets(back, page.parent / "key.csv", BOOK, POSTS)
    (sheet,) = write_sheets(POSTS, BOOK, tmp_path / "code", coders=["anna"], seed=7)
    with pytest.raises(SchemaError, match=r"of another kind; read it with read_sheets \(discourse collect\)$"):
        read_decisions(
            saved(page, {}, format="discourse-sheet@1", sheet=data(sheet)["digest"], coder="anna"),
            sheet.parent / "key.csv",
            given,
        )
    with pytest.raises(BadInput, match="Invalid enum value"):
        read_decisions(saved(page, {}, format="other"), page.parent / "key.csv", given)


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"x:2": {"values": {"frame": "neuter"}}}, r"^frame in item '\w+' of 'back.json' is 'neuter'; .* 'neither'\?$"),
        ({"x:2": {"values": {"frame": "neither"}, "cannot_decide": True}}, "and could not decide in item"),
    ],
)
def test_a_decision_that_cannot_be_is_named(tmp_path: Path, answers: dict[str, Any], sentence: str) -> None:
    page = write_decision_sheet(labels(), POSTS, tmp_path, seed=7)
    with pytest.raises(SchemaError, match=sentence):
        read_decisions(saved(page, answers), tmp_path / "key.csv", labels())


def test_two_saved_files_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    page = write_decision_sheet(labels(), POSTS, tmp_path, seed=7)
    one = saved(page, {"x:2": {"values": {"frame": "neither"}}}, "one.json")
    two = saved(page, {"x:2": {"values": {"frame": "nationalist"}}}, "two.json")
    with pytest.raises(SchemaError, match=r"^coder 'adjudicated' chose frame 'neither' in .* and 'nationalist' in"):
        read_decisions([one, two], tmp_path / "key.csv", labels())
    assert read_decisions([one, one], tmp_path / "key.csv", labels()).decided().height == 4


def test_what_cannot_be_put_up_for_decision_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^the labels have no codebook; read them with one"):
        write_decision_sheet(labels(None), POSTS, tmp_path / "a", seed=7)
    with pytest.raises(SchemaError, match=r"^2 posts to decide on are not in the sample; give the sample that coders"):
        write_decision_sheet(labels(), POSTS.filter(~pl.col("post_id").is_in(["x:2", "x:6"])), tmp_path / "a", seed=7)
    with pytest.raises(SchemaError, match=r"^the sample has no column 'post_id'"):
        write_decision_sheet(labels(), POSTS.drop("post_id"), tmp_path / "a", seed=7)
    with pytest.raises(SchemaError, match=r"^the sample has no column 'text'"):
        write_decision_sheet(labels(), POSTS.drop("text"), tmp_path / "a", seed=7)
    agreed = labels().table.filter(pl.col("post_id").is_in(["x:1", "x:5"]))
    for table in (agreed, agreed.filter(coder="anna"), LABELS.empty()):
        with pytest.raises(UsageError, match=r"^the coders differ on no post that is still open"):
            write_decision_sheet(Labels(table, labels().sample, BOOK), POSTS, tmp_path / "a", seed=7)
    assert not (tmp_path / "a").exists()
    write_decision_sheet(labels(), POSTS, tmp_path / "a", seed=7)
    with pytest.raises(UsageError, match=r"^the folder 'a' holds the key of other sheets"):
        write_decision_sheet(labels(), POSTS, tmp_path / "a", seed=8)


def test_a_variable_that_one_coder_coded_does_not_stop_the_others(tmp_path: Path) -> None:
    frames = labels().table.filter((pl.col("variable") == "frame") | (pl.col("coder") == "anna"))
    page = write_decision_sheet(Labels(frames, labels().sample, BOOK), POSTS, tmp_path, seed=7)
    found = {post: list(item["said"]) for post, item in items_of(page).items()}
    assert found == {"x:2": ["frame"], "x:4": ["frame"], "x:6": ["frame"]}


# In a browser.


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium, or put one on the PATH")
    running = Browser(program, tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


def opened(browser: Browser, page: Path) -> Tab:
    tab = browser.page()
    tab.open(page)
    return tab


def text(tab: Tab) -> str:
    return str(tab.ask("document.getElementById('post').textContent"))


def go_to(tab: Tab, wanted: str) -> None:
    tab.press(*["ArrowLeft"] * 4)
    for _ in range(4):
        if text(tab) == wanted:
            return
        tab.press("ArrowRight")
    raise AssertionError(wanted)


def asked(tab: Tab) -> list[str]:
    shown = "[...document.querySelectorAll('fieldset')].filter((one) => one.checkVisibility())"
    return list(tab.ask(f"{shown}.map((one) => one.querySelector('legend').textContent)"))


def shown_letters(tab: Tab) -> dict[str, str]:
    pairs = "[...document.querySelectorAll('fieldset:not([hidden]) .by')].filter((one) => one.checkVisibility())"
    return dict(tab.ask(f"{pairs}.map((one) => [one.parentElement.querySelector('input').value, one.textContent])"))


def test_a_post_asks_for_what_is_open_and_shows_who_said_what(browser: Browser, tmp_path: Path) -> None:
    page = write_decision_sheet(labels(), POSTS, tmp_path, seed=7)
    found, tab = items_of(page), opened(browser, page)
    assert tab.ask("document.title") == "Decision sheet: framing@4"
    assert "A here need not be A there" in tab.ask("document.querySelector('.intro').textContent")
    assert tab.ask("document.querySelector('.intro').checkVisibility()")
    for post, number, expected in (
        ("x:2", 2, ["frame"]),
        ("x:3", 3, ["hostility"]),
        ("x:4", 4, ["frame", "hostility"]),
    ):
        go_to(tab, f"text of {number}")
        assert asked(tab) == expected
        assert tab.ask("document.querySelector('fieldset[aria-current] legend').textContent") == expected[0]
        told: dict[str, str] = {}
        for pairs in found[post]["said"].values():
            for letter, value in pairs:
                told[value] = f"{told.get(value, '')} {letter}".strip()
        assert shown_letters(tab) == told
    go_to(tab, "text of 3")  # the first key of the only question, though it is the second of the codebook
    tab.press("ArrowDown", "1")
    assert tab.ask("document.querySelector('input:checked').value") == "1"
    assert tab.ask("document.getElementById('count').textContent") == "1 of 4 done"
    go_to(tab, "text of 6")
    tab.press("2", "2")
    assert tab.ask("document.getElementById('count').textContent") == "2 of 4 done"
    tab.press("u", "ArrowLeft", "u")  # undone where it was done, whatever that post asks
    assert asked(tab) == ["frame", "hostility"]
    tab.ask("dispatchEvent(new Event('beforeprint'))")
    paper = tab.ask("document.getElementById('paper').textContent")
    assert f"conciliatory ({told['conciliatory']})" in paper
    assert paper.count("hostility: ") == 3
    assert tab.events("Runtime.exceptionThrown") == []


def test_what_was_decided_in_the_page_settles_the_labels(browser: Browser, tmp_path: Path) -> None:
    given = labels()
    page = write_decision_sheet(given, POSTS, tmp_path, seed=7, language="ur")
    tab = opened(browser, page)
    assert tab.ask("document.documentElement.dir") == "rtl"
    allowed = {"behavior": "allow", "downloadPath": str(tmp_path / "down"), "browserContextId": tab.context}
    browser.send("Browser.setDownloadBehavior", **allowed)
    for _ in range(4):
        tab.press(*["1"] * len(asked(tab)), "ArrowLeft")
    tab.press("s")
    back = tmp_path / "down" / f"adjudicated-{data(page)['digest'][:8]}.json"
    wait_for(back.exists, "the download")
    settled = read_decisions(back, tmp_path / "key.csv", given)
    # The key 1: the first frame, the hostility "1".
    assert settled.table.filter(coder="adjudicated").select("post_id", "variable", "value").rows() == [
        ("x:2", "frame", "nationalist"), ("x:3", "hostility", "1"), ("x:4", "frame", "nationalist"),
        ("x:4", "hostility", "1"), ("x:6", "frame", "nationalist"), ("x:6", "hostility", "1"),
    ]  # fmt: skip
    assert settled.undecided == 0
    tab.reload()
    assert tab.ask("document.getElementById('progress').value") == 4
