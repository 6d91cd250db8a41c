"""Coding sheets: what a coder gets and does not get, the page at work in a browser, and the way back to labels."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import stat
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from browser import Browser, chromium, wait_for
from browser import Page as Tab
from test_page import Page

from discourse.corpus.mentions import hide_people
from discourse.corpus.privacy import Key, handle_pseudonym
from discourse.errors import BadInput, DiscourseError, MissingData, SchemaError, UsageError
from discourse.labels.codebook import Codebook, Example, HardCase, Value, Variable
from discourse.sheets.sheet_page import _words, book_in, page_languages
from discourse.sheets.sheets import read_notes, read_sheets, write_sheets

ROOM = resources.files("discourse.sheets")
HOSTILE = "</script><img src=http://x.example/a onerror=\"document.title='taken'\"><!-- {{7*7}} \u2028 &lt; \x00"
URDU = "@someone #Pakistan ہم امن چاہتے ہیں، مگر ایک گولی آئی تو جواب دیں گے۔\nread https://example.org/a?b=1"
POSTS = [
    ("x:9000000000000000001", "Sit down and talk, please. #امن", "en"),
    ("x:9000000000000000002", URDU, "ur"),
    ("x:9000000000000000003", "سوله غواړو، ځئ چې خبرې وکړو.", "ps"),
    ("x:9000000000000000004", "می‌خواهیم بمانیم 😀", "fa"),
    ("x:9000000000000000005", HOSTILE, None),
    ("x:9000000000000000006", "dosti chahiye to haazir hain", "ur-Latn"),
]
SAMPLE = pl.DataFrame(POSTS, schema=["post_id", "text", "lang"], orient="row").with_columns(
    inclusion_p=0.123456, stratum=pl.lit("rare-stratum"), role=pl.lit("gold"), author_id=pl.lit("a9f3-author")
)
EXAMPLES = tuple(Example(lang, f"example {lang}", "positive", f"why {lang}") for lang in ("en", "ur", "ps"))
NAMED = {"en": "Talks", "ur": "بات چیت"}
BOOK = Codebook(
    "framing", 4,
    (
        Variable("frame", "nominal",
                 (Value("nationalist", "the nation <b>"),
                  Value("conciliatory", "talks", examples=EXAMPLES, names=NAMED),
                  Value("neither", "none", exclude=("a rule & more",))), "What does it do?"),
        Variable("hostility", "ordinal", tuple(Value(v, f"degree {v}") for v in "012")),
    ),
    "One post.",
    (HardCase("grief", "It blames nobody.", (Example("en", "Woe.", "borderline", "w", {"frame": "neither"}),)),),
    {"en": "Work alone.", "ur": "اکیلے کام کریں۔"},
)  # fmt: skip


def sheets(folder: Path, **changed: Any) -> list[Path]:
    given = {"sample": SAMPLE, "codebook": BOOK, "coders": ["anna", "bilal"], "seed": 7, **changed}
    return write_sheets(given.pop("sample"), given.pop("codebook"), folder, **given)


def data(page: Path) -> dict[str, Any]:
    """What the page's script is given."""
    found = re.search(r'<script type="application/json" id="sheet">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    given: dict[str, Any] = json.loads(found[1])
    return given


def key(folder: Path) -> list[dict[str, str]]:
    with (folder / "key.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def saved(page: Path, given: dict[int, dict[str, Any]], name: str = "back.json", **changed: Any) -> Path:
    """A file as the page saves it: answers by the number of the post in `POSTS`."""
    sheet = data(page)
    items = {row["post_id"]: row["item"] for row in key(page.parent) if row["sheet"] == sheet["digest"]}
    listed = [
        {"item": items[POSTS[number][0]], "values": {}, "cannot_decide": False, "note": "", **one}
        for number, one in given.items()
    ]
    whole = {"format": "discourse-sheet@1", "sheet": sheet["digest"], "codebook": sheet["codebook"],
             "coder": sheet["coder"], "answers": listed, **changed}  # fmt: skip
    path = page.parent / name
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def test_a_page_holds_text_and_language_and_nothing_else_of_a_post(tmp_path: Path) -> None:
    before = SAMPLE.clone()
    pages = sheets(tmp_path)
    assert [page.name for page in pages] == ["anna.html", "bilal.html"]
    assert SAMPLE.equals(before)
    for page in pages:
        text = page.read_text("utf-8")
        for secret in ("900000000000000000", "rare-stratum", "0.123456", "gold", "a9f3-author", "x:9"):
            assert secret not in text
        items = data(page)["items"]
        assert {(item["text"], item["lang"]) for item in items} == {(text, lang or "") for _, text, lang in POSTS}
        assert all(set(item) == {"item", "text", "lang"} for item in items)
        assert data(page)["coder"] == page.stem
        (other,) = {"anna", "bilal"} - {page.stem}
        assert other not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)


def test_a_language_that_is_none_is_not_told_to_the_browser(tmp_path: Path) -> None:
    langs = ["mixed", "other", "und", None, "ur-Latn", "ps"]
    (page,) = sheets(tmp_path, sample=SAMPLE.with_columns(lang=pl.Series(langs)), coders=["anna"])
    assert sorted(item["lang"] for item in data(page)["items"]) == ["", "", "", "", "ps", "ur-Latn"]


def test_each_coder_has_another_order_and_other_names_for_the_posts(tmp_path: Path) -> None:
    first, second = (data(page)["items"] for page in sheets(tmp_path))
    assert [item["text"] for item in first] != [item["text"] for item in second]
    assert not {item["item"] for item in first} & {item["item"] for item in second}
    assert [item["item"] for item in first] == sorted(item["item"] for item in first)
    many = pl.DataFrame({"post_id": [f"x:{n}" for n in range(400)], "text": [str(n) for n in range(400)]})
    (page,) = sheets(tmp_path / "many", sample=many, coders=["anna"])
    order = [int(item["text"]) for item in data(page)["items"]]
    assert sorted(order) == list(range(400))
    assert abs(sum(place * number for place, number in enumerate(order)) / 400 - 199.5**2) < 3000


def test_the_key_leads_back_and_is_for_its_owner_only(tmp_path: Path) -> None:
    pages = sheets(tmp_path)
    rows = key(tmp_path)
    for file in (tmp_path / "key.csv", *pages):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(rows) == 2 * len(POSTS)
    text_of = {post_id: text for post_id, text, _ in POSTS}
    for page in pages:
        sheet = data(page)
        named = {row["item"]: row["post_id"] for row in rows if row["sheet"] == sheet["digest"]}
        assert {text_of[named[item["item"]]] for item in sheet["items"]} == set(text_of.values())
        assert all(item["text"] == text_of[named[item["item"]]] for item in sheet["items"])


def test_the_same_gives_the_same_bytes_in_any_order_of_rows(tmp_path: Path) -> None:
    def written(folder: str, **changed: Any) -> dict[str, bytes]:
        sheets(tmp_path / folder, **changed)
        return {file.name: file.read_bytes() for file in sorted((tmp_path / folder).iterdir())}

    one = written("one")
    assert set(one) == {"anna.html", "bilal.html", "key.csv"}
    assert written("two", sample=SAMPLE.sample(fraction=1.0, shuffle=True, seed=3)) == one
    assert written("one") == one  # again into the same folder
    for changed in ({"seed": 8}, {"language": "ur"}, {"sample": SAMPLE[1:]}, {"coders": ["anna", "carla"]}):
        assert written(f"three {changed.keys()}", **changed)["key.csv"] != one["key.csv"]


def test_a_key_is_not_written_over(tmp_path: Path) -> None:
    sheets(tmp_path / "round-1")
    before = (tmp_path / "round-1" / "key.csv").read_bytes()
    with pytest.raises(
        UsageError, match=r"^the folder 'round-1' holds the key of other sheets, .*; choose another folder$"
    ):
        sheets(tmp_path / "round-1", seed=8)
    assert (tmp_path / "round-1" / "key.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "kind", "sentence"),
    [
        ({"coders": []}, UsageError, '^there are no coders; name them, as in coders=\\["anna", "bilal"\\]$'),
        ({"coders": ["a/b"]}, UsageError, "^the coder 'a/b' cannot name a sheet; use up to 40 letters"),
        ({"coders": [".."]}, UsageError, "^the coder '..' cannot name a sheet"),
        ({"coders": ["adjudicated"]}, UsageError, "^the coder 'adjudicated' cannot name a sheet"),
        ({"coders": ["Anna", "anna"]}, UsageError, "^the coders Anna, anna are not all different"),
        ({"seed": -1}, UsageError, "^seed is -1; it must be a whole number from 0"),
        ({"language": "de"}, UsageError, "^language of a sheet is 'de'; it must be 'en', 'ur', 'ps' or 'fa'"),
        ({"codebook": Codebook("b", 1, ())}, UsageError, "^the codebook 'b@1' has no variable, or one without values"),
        ({"sample": SAMPLE.drop("text")}, SchemaError, "^the sample has no column 'text'; join the posts to it"),
        ({"sample": SAMPLE[:0]}, UsageError, "^the sample has no posts; draw some"),
        ({"sample": pl.concat([SAMPLE, SAMPLE])}, SchemaError, "rows that share one post_id; it must be unique$"),
        ({"sample": SAMPLE.with_columns(text=pl.lit(" \n"))}, SchemaError, "^6 posts of the sample have an empty text"),
        (
            {"sample": SAMPLE.with_columns(text=pl.lit(None))},
            SchemaError,
            "6 rows without 'text'; every row needs one$",
        ),
        ({"sample": SAMPLE.with_columns(lang=pl.lit("de"))}, SchemaError, "^lang in the sample table is 'de'"),
        ({"sample": SAMPLE.with_columns(post_id=9e18)}, SchemaError, "holds floats; ids and words must be strings$"),
    ],
)
def test_what_cannot_be_handed_out_is_refused(
    tmp_path: Path, changed: dict[str, Any], kind: type[DiscourseError], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence):
        sheets(tmp_path / "new", **changed)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("language", page_languages())
def test_a_page_is_whole_and_asks_for_nothing_from_outside(tmp_path: Path, language: str) -> None:
    text = sheets(tmp_path, language=language)[0].read_text("utf-8")
    page = Page(text)
    assert page.open == []
    addresses = [value for _, attrs in page.tags for name, value in attrs.items() if name in {"src", "href", "action"}]
    assert addresses == ["#post"]
    assert not re.search(r"url\((?!\"data:font/woff2;base64,)", text)
    (html,) = page.of("html")
    assert html == {"lang": language, "dir": "ltr" if language == "en" else "rtl"}
    (policy,) = [tag["content"] or "" for tag in page.of("meta") if tag.get("http-equiv")]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["font-src"] == "data:"
    assert "unsafe" not in policy
    for kind, rule in (("style", "style-src"), ("script", "script-src")):
        (inside,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        assert rules[rule] == f"'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'"
    assert [tag for tag in page.of("script") if tag.get("type") != "application/json"] == [{}]
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]


def test_what_a_post_or_codebook_says_stays_words(tmp_path: Path) -> None:
    def book(word: str) -> Codebook:
        variable = Variable(word, "nominal", (Value(word, word, (word,), (word,)),), word)
        return Codebook("b", 1, (variable,), word, (HardCase(word, word),), {"en": word})

    pages = [
        Page(sheets(tmp_path / name, codebook=book(word))[0].read_text("utf-8"))
        for name, word in (("harsh", HOSTILE), ("calm", "word"))
    ]
    assert [tag for tag, _ in pages[0].tags] == [tag for tag, _ in pages[1].tags]
    assert [sorted(attrs) for _, attrs in pages[0].tags] == [sorted(attrs) for _, attrs in pages[1].tags]
    assert "{{7*7}}" in pages[0].text


def test_controls_have_labels_and_headings_descend_by_one(tmp_path: Path) -> None:
    page = Page(sheets(tmp_path)[0].read_text("utf-8"))
    names = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(names) == len(set(names))
    assert {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs} <= set(names)
    assert len(page.of("legend")) == len(page.of("fieldset")) == 2
    assert {"id": "status", "role": "status", "aria-live": "polite"} in page.of("p")
    assert {"for": "note"} in page.of("label")
    levels = [int(tag[1]) for tag, _ in page.tags if tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_every_language_says_everything_the_page_needs() -> None:
    words = _words()
    source = ROOM.joinpath("sheet.html.j2").read_text("utf-8") + ROOM.joinpath("sheet.js").read_text("utf-8")
    used = set(re.findall(r"\bwords\.(\w+)", source)) | {"positive", "borderline", "negative"}
    assert set(words) == {"en", "ur", "ps", "fa"}
    for language, said in words.items():
        assert set(said) == used, language
        for name, text in said.items():
            assert re.findall(r"\{\w+\}", text).sort() == re.findall(r"\{\w+\}", words["en"][name]).sort()
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", words["en"][name])), (language, name)
            assert text.strip() == text != ""


def test_a_coder_reads_names_and_instructions_in_the_language_of_the_page() -> None:
    urdu, pashto = book_in(BOOK, "ur"), book_in(BOOK, "ps")
    assert (urdu["instructions"], urdu["instructions_language"]) == ("اکیلے کام کریں۔", "ur")
    assert (pashto["instructions"], pashto["instructions_language"]) == ("Work alone.", "en")
    assert [value["label"] for value in urdu["variables"][0]["values"]] == ["nationalist", "بات چیت", "neither"]
    assert [value["value"] for value in urdu["variables"][0]["values"]] == ["nationalist", "conciliatory", "neither"]
    assert urdu["hard_cases"][0]["examples"][0]["coded"] == ["frame: neither"]


def test_a_key_is_the_digit_of_a_value_or_its_place() -> None:
    many = Variable("topic", "nominal", tuple(Value(f"t{n}", "t") for n in range(1, 12)))
    made = book_in(Codebook("b", 1, (*BOOK.variables, many)), "en")["variables"]
    assert [value["key"] for value in made[0]["values"]] == ["1", "2", "3"]
    assert [value["key"] for value in made[1]["values"]] == ["0", "1", "2"]
    assert [value["key"] for value in made[2]["values"]] == [*"123456789", None, None]


def test_the_fonts_are_small_and_come_with_their_licence() -> None:
    fonts = ROOM.joinpath("fonts")
    sizes = [len(fonts.joinpath(name).read_bytes()) for name in ("naskh.woff2", "nastaliq.woff2")]
    assert sum(sizes) < 150_000
    assert all(fonts.joinpath(name).read_bytes()[:4] == b"wOF2" for name in ("naskh.woff2", "nastaliq.woff2"))
    licence = fonts.joinpath("OFL.txt").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert "Copyright 2019-2020 Google LLC" in licence


def test_answers_come_back_as_labels(tmp_path: Path) -> None:
    anna, bilal = sheets(tmp_path)
    files = [
        saved(anna, {0: {"values": {"frame": "conciliatory", "hostility": "0"}, "note": "a ‌note"},
                     1: {"values": {"frame": "neither"}}}, "one.json"),
        saved(anna, {1: {"values": {"hostility": "2"}}, 2: {"cannot_decide": True}}, "two.json"),
        saved(bilal, {0: {"values": {"frame": "neither"}}}, "three.json"),
    ]  # fmt: skip
    labels = read_sheets(files, tmp_path / "key.csv", BOOK, SAMPLE)
    a, b, c = (POSTS[number][0] for number in range(3))
    assert labels.table.rows() == [
        (a, "anna", "frame", "conciliatory", "1", "framing@4"),
        (a, "anna", "hostility", "0", "1", "framing@4"),
        (a, "bilal", "frame", "neither", "1", "framing@4"),
        (b, "anna", "frame", "neither", "1", "framing@4"),
        (b, "anna", "hostility", "2", "1", "framing@4"),
    ]
    assert len(labels) == len(POSTS)
    assert labels.sample.rows()[2] == (c, 0.123456, "rare-stratum", "gold")
    assert read_sheets(files[::-1], tmp_path / "key.csv", BOOK, SAMPLE).table.equals(labels.table)
    assert read_sheets(str(files[0]), tmp_path / "key.csv", BOOK, SAMPLE).table.height == 3
    notes = read_notes(files, tmp_path / "key.csv", BOOK)
    assert notes.rows() == [(a, "anna", False, "a ‌note"), (c, "anna", True, None)]


@pytest.mark.parametrize(
    ("changed", "answers", "kind", "sentence"),
    [
        ({"codebook": "framing@3"}, {}, SchemaError,
         "^'back.json' was coded by the codebook 'framing@3' and 'framing@4' was given; give the codebook"),
        ({"sheet": "0" * 32}, {}, SchemaError, r"^'back\.json' comes from a sheet that is not in the key; give"),
        ({"coder": "bilal"}, {}, SchemaError, "^'back.json' comes from a sheet that is not in the key"),
        ({"format": "other"}, {}, BadInput, r"^'back\.json' is no saved sheet: Invalid enum value .* `\$.format`"),
        ({"answers": [{"item": "zz", "values": {}, "cannot_decide": False, "note": ""}]}, {}, SchemaError,
         "^'back.json' answers an item 'zz' that its sheet does not have"),
        ({"extra": 1}, {}, BadInput, "unknown field `extra`"),
        ({}, {0: {"values": {"frame": "naturalist"}}}, SchemaError,
         r"^frame in item '\w+' of 'back.json' is 'naturalist'; it must be .* Did you mean 'nationalist'\?$"),
        ({}, {0: {"values": {"farme": "neither"}}}, SchemaError, r"^the variable in item '\w+' of .* is 'farme'"),
        ({}, {0: {"values": {"frame": "neither"}, "cannot_decide": True}}, SchemaError,
         "^coder 'anna' chose frame 'neither' in item .* and could not decide in item .*; keep one of them$"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_belong_is_refused(
    tmp_path: Path, changed: dict[str, Any], answers: dict[int, Any], kind: type[DiscourseError], sentence: str
) -> None:
    back = saved(sheets(tmp_path)[0], answers, **changed)
    with pytest.raises(kind, match=sentence):
        read_sheets(back, tmp_path / "key.csv", BOOK, SAMPLE)


def test_two_files_of_one_coder_that_differ_are_refused(tmp_path: Path) -> None:
    page = sheets(tmp_path)[0]
    old = saved(page, {0: {"values": {"frame": "neither"}, "note": "a"}}, "old.json")
    new = saved(page, {0: {"values": {"frame": "conciliatory"}, "note": "b"}}, "new.json")
    cannot = saved(page, {0: {"cannot_decide": True}}, "cannot.json")
    with pytest.raises(
        SchemaError, match=r"^coder 'anna' chose frame 'neither' in item .* of 'old\.json' and 'conciliatory' "
    ):
        read_sheets([old, new], tmp_path / "key.csv", BOOK, SAMPLE)
    with pytest.raises(SchemaError, match=r"could not decide in item .* of 'cannot\.json'; keep one of them$"):
        read_sheets([old, cannot], tmp_path / "key.csv", BOOK, SAMPLE)
    with pytest.raises(SchemaError, match=r"^coder 'anna' has two notes on item .* of 'new\.json'; keep one$"):
        read_notes([old, new], tmp_path / "key.csv", BOOK)
    assert read_sheets([old, old], tmp_path / "key.csv", BOOK, SAMPLE).table.height == 1


def test_a_key_or_sample_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    back = saved(sheets(tmp_path)[0], {0: {"values": {"frame": "neither"}}})
    with pytest.raises(
        SchemaError, match=r"^the post in item '\w+' of 'back.json' is not in the sample; give the sample"
    ):
        read_sheets(back, tmp_path / "key.csv", BOOK, SAMPLE[1:])
    with pytest.raises(MissingData, match=r"^there is no key of the sheets .*no-key\.csv"):
        read_sheets(back, tmp_path / "no-key.csv", BOOK, SAMPLE)
    for content in (b"", b"post_id\nx:1\n", b"sheet,coder,item,post_id\na,b\n", b"\xff\xfe"):
        (tmp_path / "other.csv").write_bytes(content)
        with pytest.raises(BadInput, match=r"^'other\.csv' is no key of sheets; give the key\.csv"):
            read_sheets(back, tmp_path / "other.csv", BOOK, SAMPLE)
    for content in (b"", b"[]", b"{", b"\xff", b"[" * 100_000):
        back.write_bytes(content)
        with pytest.raises(BadInput, match=r"^'back\.json' is no saved sheet"):
            read_sheets(back, tmp_path / "key.csv", BOOK, SAMPLE)


# In a browser.


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium, or put one on the PATH")
    running = Browser(program, tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


def post(tab: Tab) -> str:
    return str(tab.ask("[...document.querySelectorAll('#post p')].map((p) => p.textContent).join('\\n')"))


def go_to(tab: Tab, start: str) -> None:
    """Turn the pages until a post begins so."""
    tab.press(*["ArrowLeft"] * len(POSTS))
    for _ in POSTS:
        if post(tab).startswith(start):
            return
        tab.press("ArrowRight")
    raise AssertionError(start)


def chosen(tab: Tab) -> list[str]:
    return list(tab.ask("[...document.querySelectorAll('input[type=radio]:checked')].map((radio) => radio.value)"))


def said(tab: Tab) -> str:
    return str(tab.ask("document.getElementById('status').textContent"))


def marked(tab: Tab) -> str:
    return str(tab.ask("document.querySelector('fieldset[aria-current] legend').textContent"))


def opened(browser: Browser, page: Path, beside: Tab | None = None) -> Tab:
    tab = browser.page(beside)
    tab.open(page)
    return tab


def test_keys_choose_go_and_undo(browser: Browser, tmp_path: Path) -> None:
    tab = opened(browser, sheets(tmp_path)[0])
    first = post(tab)
    assert (marked(tab), chosen(tab)) == ("frame", [])
    assert tab.ask("document.getElementById('instructions').open")
    tab.press("2")
    assert not tab.ask("document.getElementById('instructions').open")
    assert (marked(tab), chosen(tab), said(tab)) == ("hostility", ["conciliatory"], "frame: Talks")
    tab.press("0")
    assert (chosen(tab), said(tab)) == (["conciliatory", "0"], "hostility: 0")
    assert tab.ask("document.getElementById('count').textContent") == "1 of 6 done"
    tab.press("Enter")
    assert post(tab) != first
    assert (chosen(tab), marked(tab)) == ([], "frame")
    tab.press("ArrowDown", "2", "ArrowUp", "1", "9")
    assert chosen(tab) == ["nationalist", "2"]
    tab.press("ArrowLeft")
    assert (post(tab), chosen(tab)) == (first, ["conciliatory", "0"])
    tab.press("u")  # what was done last is undone, where it was done
    assert (post(tab) != first, chosen(tab)) == (True, ["2"])
    tab.press("ع:KeyU", "ArrowLeft")  # a keyboard set to Urdu
    assert chosen(tab) == ["conciliatory", "0"]
    tab.press("Delete")
    assert (chosen(tab), said(tab)) == (["0"], "frame: cleared")
    tab.press("۳:Digit3")
    assert chosen(tab) == ["neither", "0"]
    tab.press("x")
    assert (chosen(tab), tab.ask("document.getElementById('undecided').checked")) == ([], True)
    tab.press("u", "?")
    assert (chosen(tab), tab.ask("document.getElementById('help').open")) == (["neither", "0"], True)
    tab.press("1", "Escape", "o")
    assert (tab.ask("document.getElementById('help').open"), chosen(tab)) == (False, [])
    tab.press("n")
    tab.write("u2 \u200c note")
    tab.press("Escape", "u")
    assert tab.ask("document.getElementById('note').value") == ""


def test_a_mouse_and_the_tabulator_do_the_same(browser: Browser, tmp_path: Path) -> None:
    tab = opened(browser, sheets(tmp_path)[0])
    first = post(tab)
    tab.ask("document.querySelector('input[value=neither]').click()")
    tab.ask("document.querySelector('fieldset:nth-of-type(2) input[value=\"1\"]').click()")
    assert chosen(tab) == ["neither", "1"]
    tab.ask("document.querySelector('input[value=neither]').focus()")
    assert marked(tab) == "frame"
    tab.press("ArrowUp")  # inside a group of buttons the arrows are the group's
    assert (post(tab), chosen(tab)) == (first, ["conciliatory", "1"])
    tab.press("Enter")
    assert post(tab) != first
    tab.ask("document.getElementById('undecided').click()")
    assert tab.ask("document.getElementById('count').textContent") == "2 of 6 done"
    tab.ask("document.getElementById('previous').click()")
    assert post(tab) == first
    assert tab.ask("document.getElementById('previous').disabled")


def test_each_line_is_laid_out_from_its_side(browser: Browser, tmp_path: Path) -> None:
    tab = opened(browser, sheets(tmp_path)[0])

    def sides() -> list[str]:
        return list(tab.ask("[...document.querySelectorAll('#post p')].map((p) => getComputedStyle(p).direction)"))

    for start, lang, expected in (
        ("Sit down", "en", ["ltr"]),
        ("@someone", "ur", ["rtl", "ltr"]),  # the name in Latin letters does not decide
        ("سوله", "ps", ["rtl"]),
        ("می", "fa", ["rtl"]),
        ("dosti", "ur-Latn", ["ltr"]),
        ("</script>", None, ["ltr", "ltr"]),
    ):
        go_to(tab, start)
        assert sides() == expected, start
        assert tab.ask("document.getElementById('post').getAttribute('lang')") == lang
        assert tab.ask("document.documentElement.dir") == "ltr"
    go_to(tab, "@someone")
    assert tab.ask("getComputedStyle(document.querySelector('#post')).direction") == "rtl"
    assert tab.ask("document.querySelector('#post bdi').textContent") == "@someone"
    assert post(tab) == URDU


@pytest.mark.parametrize(("language", "word"), [("en", "user"), ("ur", "صارف"), ("ps", "کارن"), ("fa", "کاربر")])
def test_pseudonyms_are_shown_as_a_word_and_stay_what_they_are_in_the_sheet(
    browser: Browser, tmp_path: Path, language: str, word: str
) -> None:
    key_ = Key.made_up("sheets")
    raw = "@Demo_One ask @demo_two, see https://x.com/demo_one/status/9 @someone@example.org\nand @demo_oneسلام u/short"
    hidden = hide_people(key_, "x", raw)
    one, two, three = (
        handle_pseudonym(key_, *who).partition(":")[2]
        for who in (("x", "demo_one"), ("x", "demo_two"), ("mastodon", "someone@example.org"))
    )
    assert hidden == (f"@{one} ask @{two}, see https://x.com/@{one} @{three}\nand @{one}سلام u/short")
    alone = hide_people(key_, "reddit", "thanks u/Demo_One. @a.b") + f" {'a' * 26} @{'a' * 27}"
    sample = pl.DataFrame({"post_id": ["x:1", "x:2"], "text": [hidden, alone]})
    (page,) = sheets(tmp_path, sample=sample, coders=["anna"], language=language)
    assert {item["text"] for item in data(page)["items"]} == {hidden, alone}
    tab = opened(browser, page)
    turn = "ArrowRight" if language == "en" else "ArrowLeft"
    shown = {post(tab)}
    tab.press("1", "0", turn, "2", "1")
    shown.add(post(tab))
    person = handle_pseudonym(key_, "reddit", "a.b").partition(":")[2]
    assert person not in "".join(shown)
    assert shown == {
        f"@{word}1 ask @{word}2, see https://x.com/@{word}1 @{word}3\nand @{word}1\u00a0سلام u/short",
        f"thanks u/{word}1. @{word}2 {'a' * 26} @{'a' * 27}",
    }
    # What comes back names items, so that it belongs to the text as it stands in the corpus.
    allowed = {"behavior": "allow", "downloadPath": str(tmp_path / "down"), "browserContextId": tab.context}
    browser.send("Browser.setDownloadBehavior", **allowed)
    tab.press("s")
    back = tmp_path / "down" / f"anna-{data(page)['digest'][:8]}.json"
    wait_for(back.exists, "the download")
    labels = read_sheets(back, tmp_path / "key.csv", BOOK, sample)
    assert labels.decided()["post_id"].to_list() == ["x:1", "x:2"]


def test_one_person_in_a_post_has_no_number(browser: Browser, tmp_path: Path) -> None:
    hidden = hide_people(Key.made_up("sheets"), "x", "@demo_one and @Demo_One again")
    (page,) = sheets(tmp_path, sample=pl.DataFrame({"post_id": ["x:1"], "text": [hidden]}), coders=["anna"])
    assert post(opened(browser, page)) == "@user and @user again"


@pytest.mark.parametrize("language", ["ur", "ps", "fa"])
def test_a_coder_reads_the_whole_page_in_one_language(browser: Browser, tmp_path: Path, language: str) -> None:
    book = Codebook.from_toml(Path(__file__).resolve().parents[1] / "corpora" / "codebook.toml")
    tab = opened(browser, sheets(tmp_path, codebook=book, language=language, coders=["anna"])[0])
    start = {"ur": "@someone", "ps": "سوله", "fa": "می"}[language]
    tab.press(*["ArrowRight"] * len(POSTS))
    for _ in POSTS:
        if post(tab).startswith(start):
            break
        tab.press("ArrowLeft")
    assert post(tab).startswith(start)
    tab.ask("document.querySelectorAll('aside .variable').forEach((one) => { one.hidden = false; })")
    tab.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    words = tab.ask("""
      [...document.querySelectorAll("h1, h2, .question, legend bdi, .choice bdi, .choice span, summary, button, label,"
        + " #instructions p, aside h3, aside h4, .value > p, .value > ul:not(.examples) li, ul.near .why, #hard .why")]
        .map((one) => { const copy = one.cloneNode(true); copy.querySelectorAll("kbd").forEach((key) => key.remove());
                        return copy.textContent.trim(); }).filter(Boolean)
    """)
    assert len(words) > 250
    assert [word for word in words if re.search("[A-Za-z]", word)] == []


def test_a_page_in_urdu_is_mirrored_and_turns_to_the_left(browser: Browser, tmp_path: Path) -> None:
    tab = opened(browser, sheets(tmp_path, language="ur")[0])
    assert tab.ask("getComputedStyle(document.body).direction") == "rtl"
    beside = "document.querySelector('aside').getBoundingClientRect().right"
    assert tab.ask(f"{beside} < document.querySelector('#post').getBoundingClientRect().left")
    first = post(tab)
    tab.press("ArrowLeft")
    assert post(tab) != first
    tab.press("ArrowRight")
    assert post(tab) == first
    tab.press("2")
    assert said(tab) == "frame: بات چیت"
    assert tab.ask("document.querySelector('p.instructions').lang") == "ur"
    assert tab.ask("getComputedStyle(document.querySelector('.question')).direction") == "ltr"  # it is in English


def test_arabic_script_is_drawn_with_the_fonts_inside(browser: Browser, tmp_path: Path) -> None:
    tab = opened(browser, sheets(tmp_path)[0])
    tab.send("DOM.enable")
    tab.send("CSS.enable")
    for start, font, line in (("@someone", "Nastaliq", 1), ("سوله", "Naskh", 1), ("می", "Naskh", 1)):
        go_to(tab, start)
        tab.ask("document.fonts.ready.then(() => 1)")
        root = tab.send("DOM.getDocument")["root"]["nodeId"]
        node = tab.send("DOM.querySelector", nodeId=root, selector=f"#post p:nth-child({line})")["nodeId"]
        used = tab.send("CSS.getPlatformFontsForNode", nodeId=node)["fonts"]
        inside = [one for one in used if one["isCustomFont"]]
        assert [font in one["familyName"] for one in inside] == [True], used
        assert sum(one["glyphCount"] for one in inside) > 10


def test_work_is_there_again_after_a_reload(browser: Browser, tmp_path: Path) -> None:
    page, other = sheets(tmp_path)
    tab = opened(browser, page)
    tab.press("2", "1", "ArrowRight", "x", "ArrowRight", "n")
    tab.write("نوٹ\nand more")
    tab.press("Escape")
    tab.reload()
    assert said(tab) == "Your answers of last time are here: 2 of 6 done."
    assert tab.ask("document.getElementById('place').textContent") == "Post 3 of 6"
    assert tab.ask("document.getElementById('note').value") == "نوٹ\nand more"
    tab.press("ArrowLeft")
    assert tab.ask("document.getElementById('undecided').checked")
    tab.press("ArrowLeft")
    assert chosen(tab) == ["conciliatory", "1"]
    assert tab.ask("Object.keys(localStorage).includes('discourse-sheet:" + data(page)["digest"] + "')")
    window = opened(browser, page, tab)  # a second window of the same sheet
    window.press("3")
    tab.until("document.getElementById('count').textContent === '2 of 6 done'")
    tab.press("ArrowRight", "ArrowRight")
    assert chosen(tab) == ["neither"]
    second = opened(browser, other, tab)  # another coder on the same machine begins with nothing
    assert (chosen(second), said(second)) == ([], "")
    tab.ask("localStorage.setItem('discourse-sheet:" + data(page)["digest"] + "', '{}')")
    tab.reload()
    assert "could not be read" in tab.ask("document.getElementById('warning').textContent")


def test_a_browser_that_keeps_nothing_is_warned_of(browser: Browser, tmp_path: Path) -> None:
    tab = browser.page()
    broken = (
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }});"
    )
    tab.send("Page.addScriptToEvaluateOnNewDocument", source=broken)
    tab.open(sheets(tmp_path)[0])
    assert tab.ask("document.getElementById('warning').checkVisibility()")
    assert "Save to a file before you close" in tab.ask("document.getElementById('warning').textContent")
    tab.press("2", "0", "ArrowRight", "1")
    assert chosen(tab) == ["nationalist"]


def test_what_is_saved_is_what_was_chosen_and_can_be_continued(browser: Browser, tmp_path: Path) -> None:
    page, other = sheets(tmp_path)
    tab = opened(browser, page)
    allowed = {"behavior": "allow", "downloadPath": str(tmp_path / "down"), "browserContextId": tab.context}
    browser.send("Browser.setDownloadBehavior", **allowed)
    go_to(tab, "Sit down")
    tab.press("2", "0")
    tab.press("o")
    go_to(tab, "</script>")
    tab.press("x", "n")
    tab.write("odd")
    tab.press("Escape")
    tab.press("s")
    back = tmp_path / "down" / f"anna-{data(page)['digest'][:8]}.json"
    wait_for(back.exists, "the download")
    assert said(tab) == f"Saved as {back.name}"
    labels = read_sheets(back, tmp_path / "key.csv", BOOK, SAMPLE)
    told = [(POSTS[0][0], "anna", "frame", "conciliatory"), (POSTS[0][0], "anna", "hostility", "0")]
    assert labels.table.select("post_id", "coder", "variable", "value").rows() == told
    assert read_notes(back, tmp_path / "key.csv", BOOK).rows() == [(POSTS[4][0], "anna", True, "odd")]
    assert not re.search(r"\d{4}-\d\d-\d\d|time|date", back.read_text("utf-8"))

    tab.ask("localStorage.clear()")
    tab.reload()
    assert tab.ask("document.getElementById('count').textContent") == "0 of 6 done"

    def load(file: Path) -> None:
        tab.send("DOM.enable")
        root = tab.send("DOM.getDocument")["root"]["nodeId"]
        node = tab.send("DOM.querySelector", nodeId=root, selector="#load")["nodeId"]
        tab.ask("document.getElementById('status').textContent = ''")
        tab.send("DOM.setFileInputFiles", nodeId=node, files=[str(file)])
        tab.until("document.getElementById('status').textContent !== ''")

    for name, wrong in (("other", saved(other, {0: {"values": {"frame": "neither"}}}, "of-bilal.json")),
                        ("value", saved(page, {0: {"values": {"frame": "nothing"}}}, "value.json")),
                        ("extra", saved(page, {0: {"values": {"mood": "glad"}}}, "extra.json"))):  # fmt: skip
        load(wrong)
        assert said(tab) == "This file does not belong to this sheet. Nothing was read.", name
        assert tab.ask("document.getElementById('count').textContent") == "0 of 6 done"
    load(back)
    assert said(tab) == "The file was read: 2 of 6 done. U takes it back."
    go_to(tab, "Sit down")
    assert chosen(tab) == ["conciliatory", "0"]
    tab.press("u")
    assert tab.ask("document.getElementById('count').textContent") == "0 of 6 done"


def test_nothing_is_asked_of_a_network_and_no_post_runs(browser: Browser, tmp_path: Path) -> None:
    page = sheets(tmp_path)[0]
    tab = opened(browser, page)
    title = tab.ask("document.title")
    for _ in POSTS:
        tab.press("1", "1", "Enter")
    tab.ask("dispatchEvent(new Event('beforeprint'))")
    assert tab.ask("document.querySelectorAll('#paper article').length") == len(POSTS)
    go_to(tab, "</script>")
    assert post(tab).startswith("</script><img src=http://x.example/a")
    assert tab.ask("document.images.length") == 0
    assert tab.ask("document.title") == title
    asked = [event["request"]["url"] for event in tab.events("Network.requestWillBeSent")]
    assert page.resolve().as_uri() in asked
    assert [url for url in asked if not url.startswith("data:font/")] == [page.resolve().as_uri()]
    assert tab.events("Runtime.exceptionThrown") == []
    assert tab.events("Log.entryAdded") == []
    assert tab.events("Page.javascriptDialogOpening") == []


@pytest.mark.parametrize(
    ("attempt", "rule"),
    [
        ("fetch('http://127.0.0.1:9/').catch(() => 0)", "connect-src"),
        ("new Image().src = 'http://127.0.0.1:9/a.png'", "img-src"),
        (
            "const one = document.createElement('iframe'); one.src = 'http://127.0.0.1:9/'; post.append(one)",
            "frame-src",
        ),
        ("post.innerHTML = '<b>x</b>'", "require-trusted-types-for"),
        ("post.setAttribute('onclick', 'window.bad = 1')", "require-trusted-types-for"),
        ("const one = document.createElement('style'); one.textContent = 'p {}'; post.append(one)", "style-src"),
    ],
)
def test_the_policy_of_the_page_holds(browser: Browser, tmp_path: Path, attempt: str, rule: str) -> None:
    tab = opened(browser, sheets(tmp_path)[0])
    tab.ask("document.addEventListener('securitypolicyviolation', (one) => { window.broken = one.violatedDirective; })")
    tab.ask(f"(() => {{ const post = document.getElementById('post'); try {{ {attempt} }} catch {{ return 0; }} }})()")
    tab.until("window.broken !== undefined")
    assert tab.ask("window.broken").startswith(rule)
    asked = [e["requestId"] for e in tab.events("Network.requestWillBeSent") if e["request"]["url"][:4] == "http"]
    stopped = [e["requestId"] for e in tab.events("Network.loadingFailed") if e.get("blockedReason") == "csp"]
    assert set(asked) <= set(stopped)


def test_examples_of_the_language_of_the_post_come_first(browser: Browser, tmp_path: Path) -> None:
    tab = opened(browser, sheets(tmp_path)[0])
    shown = "[...document.querySelectorAll('ul.near li')].map((li) => li.dataset.lang).join()"
    others = "[...document.querySelectorAll('ul.far li')].map((li) => li.dataset.lang).join()"
    for start, near, far in (("Sit", "en", "ur,ps"), ("@some", "ur", "en,ps"), ("سوله", "ps", "en,ur"),
                             ("می", "en", "ur,ps"), ("</script>", "en", "ur,ps")):  # fmt: skip
        go_to(tab, start)
        assert (tab.ask(shown), tab.ask(others)) == (near, far), start
    tab.press("2")
    assert tab.ask("document.querySelectorAll('aside .variable')[0].hidden")
    assert not tab.ask("document.querySelectorAll('aside .variable')[1].hidden")


def test_on_paper_there_is_every_post_and_the_whole_codebook(browser: Browser, tmp_path: Path) -> None:
    tab = opened(browser, sheets(tmp_path)[0])
    tab.press("2")
    printed = base64.b64decode(tab.send("Page.printToPDF")["data"])
    assert printed[:5] == b"%PDF-"
    assert tab.ask("document.querySelectorAll('#paper article').length") == 0  # it is gone from the screen
    tab.ask("dispatchEvent(new Event('beforeprint'))")
    assert "☒ Talks" in tab.ask("document.getElementById('paper').textContent")
    assert tab.ask("[...document.querySelectorAll('details')].every((one) => one.open)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser: Browser, tmp_path: Path, scheme: str) -> None:
    tab = browser.page()
    tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    tab.open(sheets(tmp_path)[0])
    ratio = """
      ((name, ground) => {
        const style = getComputedStyle(document.documentElement);
        const light = (hex) => [1, 3, 5].map((at) => parseInt(hex.trim().slice(at, at + 2), 16) / 255)
          .map((part) => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
          .reduce((sum, part, at) => sum + part * [.2126, .7152, .0722][at], 0);
        const [one, two] = [name, ground].map((each) => light(style.getPropertyValue(each))).sort((a, b) => b - a);
        return (one + .05) / (two + .05);
      })
    """
    pairs = [("--ink", "--paper"), ("--ink", "--card"), ("--soft", "--card"), ("--soft", "--paper"), ("--ink", "--on"),
             ("--note-ink", "--note"), ("--card", "--link")]  # fmt: skip
    for name, ground in pairs:
        assert tab.ask(f"{ratio}('{name}', '{ground}')") >= 4.5, (name, ground)
