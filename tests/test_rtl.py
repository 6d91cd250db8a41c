"""Labels in Arabic script: the right glyphs in the order they are read, in PNG, SVG and PDF, whatever fonts there are.

HarfBuzz itself is the oracle: each run of a label is shaped by it alone, in the font and direction written here by
hand, and runs are put beside one another from left to right as they must stand on paper.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import polars as pl
import pytest
import uharfbuzz as hb
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from matplotlib._text_helpers import layout
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, FontProperties
from matplotlib.image import imread
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from discourse.plots.correction import plot_correction
from discourse.plots.coverage import plot_coverage
from discourse.plots.judging import plot_agreement
from discourse.plots.save import figure_bytes
from discourse.plots.series import plot_composition, plot_confusion, plot_shares
from discourse.plots.slices import plot_slices
from discourse.plots.style import NASKH, font_of, look

DEJAVU = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
FILES = {"N": NASKH, "D": DEJAVU}
NAMES = {"NotoNaskhArabic-Regular": "N", "DejaVuSans": "D"}
Run = tuple[str, str, str]

# Each label with its runs from left to right: letters as they are read, direction, font.
LABELS: dict[str, list[Run]] = {
    "پاکستان اور افغانستان": [("پاکستان اور افغانستان", "rtl", "N")],
    "یہ ہمارے بچے ہیں": [("یہ ہمارے بچے ہیں", "rtl", "N")],
    "د پنډۍ خبرې ښې دي": [("د پنډۍ خبرې ښې دي", "rtl", "N")],
    "می‌کند کسی از ما": [("می‌کند کسی از ما", "rtl", "N")],
    "جنگ (2025) peace": [
        ("peace", "ltr", "D"), (" ", "rtl", "N"), (")", "rtl", "D"), ("2025", "ltr", "N"), ("(", "rtl", "D"),
        ("جنگ ", "rtl", "N"),
    ],
    "peace (امن) talks": [
        ("peace", "ltr", "D"), (" ", "ltr", "N"), ("(", "ltr", "D"), ("امن", "rtl", "N"), (")", "ltr", "D"),
        (" ", "ltr", "N"), ("talks", "ltr", "D"),
    ],
    "سوله 12": [("12", "ltr", "N"), ("سوله ", "rtl", "N")],
    "3: ډیورنډ": [(": ډیورنډ", "rtl", "N"), ("3", "ltr", "N")],
}  # fmt: skip
LETTERS = "ابپتټٹثجچځحخڅدډڈذرړڑزژږسشښصضطظعغفقکګگلمنڼںوهہھۀةیيېۍئےؤآأء"


def shaped(runs: list[Run]) -> list[tuple[str, int]]:
    """(font, glyph) from left to right, by HarfBuzz alone."""
    made = []
    for letters, direction, which in runs:
        buffer = hb.Buffer()
        buffer.add_str(letters)
        buffer.direction = direction
        buffer.script = "Arab" if direction == "rtl" else "Latn"
        hb.shape(hb.Font(hb.Face(hb.Blob.from_file_path(str(FILES[which])))), buffer, {"kern": False})
        made += [(which, info.codepoint) for info in buffer.glyph_infos]
    return made


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """A figure with every label as a text of its own."""
    with look():
        figure = Figure(figsize=(6.0, 4.0))
        for at, label in enumerate(LABELS):
            figure.text(0.05, 0.92 - 0.11 * at, label, fontsize=14, **font_of(label))
    return dict(zip(("svg", "png", "pdf"), figure_bytes(figure, title="Labels", description="Labels"), strict=True))


def laid_out(label: str) -> list[tuple[str, int]]:
    prop = FontProperties(family=font_of(label)["fontfamily"])
    font = font_manager.get_font(font_manager.fontManager._find_fonts_by_props(prop))
    return [(NAMES[item.ft_object.postscript_name], item.glyph_index) for item in layout(label, font)]


@pytest.mark.parametrize("label", LABELS)
def test_letters_are_joined_and_stand_in_the_order_they_are_read(label: str) -> None:
    assert laid_out(label) == shaped(LABELS[label])


def test_the_oracle_tells_a_reversed_label_from_a_right_one() -> None:
    label = "پاکستان اور افغانستان"
    assert laid_out(label[::-1]) != shaped(LABELS[label])
    assert laid_out(label) != [glyph for letter in reversed(label) for glyph in shaped([(letter, "rtl", "N")])]


def test_every_label_of_the_svg_has_its_glyphs_from_left_to_right(files: dict[str, bytes]) -> None:
    drawn = {}
    for group in re.findall(r'<g id="text_\d+">(.*?)</g>\s*</g>', files["svg"].decode(), re.DOTALL):
        label = re.search(r"<!-- (.*?) -->", group)
        assert label is not None
        uses = re.findall(r'xlink:href="#([\w-]+?)-([0-9a-f]+)"(?: transform="translate\(([\d.-]+))?', group)
        places = [float(x or 0.0) for _, _, x in uses]
        assert places == sorted(places)
        drawn[label[1]] = [(NAMES[name], int(glyph, 16)) for name, glyph, _ in uses]
    assert drawn == {label: shaped(runs) for label, runs in LABELS.items()}


def outline(font: TTFont, glyph: int) -> list[Any]:
    glyphs = font.getGlyphSet()
    pen = DecomposingRecordingPen(glyphs)
    glyphs[font.getGlyphName(glyph)].draw(pen)
    made: list[Any] = pen.value
    return made


def pdf_texts(pdf: bytes) -> list[list[list[Any]]]:
    """Of each text of a page the outlines of its glyphs, in the order they are put from left to right."""
    objects = {int(number): body for number, body in re.findall(rb"(\d+) 0 obj\n(.*?)\nendobj", pdf, re.DOTALL)}

    def stream(number: int) -> bytes:
        found = re.search(rb"stream\r?\n(.*)\r?\nendstream", objects[number], re.DOTALL)
        assert found is not None
        return zlib.decompress(found[1])

    def link(body: bytes, name: bytes) -> int:
        found = re.search(rb"/" + name + rb"\s+\[?\s*(\d+) 0 R", body)
        assert found is not None
        return int(found[1])

    fonts = {}
    for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", b" ".join(objects.values())):
        own = objects[link(objects[int(number)], b"DescendantFonts")]
        file = stream(link(objects[link(own, b"FontDescriptor")], b"FontFile2"))
        fonts[name] = (TTFont(io.BytesIO(file)), stream(link(own, b"CIDToGIDMap")))
    page = next(body for body in map(stream, _streams(objects)) if b"BT" in body)
    texts = []
    for text in re.findall(rb"\nBT\n(.*?)\nET", page, re.DOTALL):
        glyphs: list[list[Any]] = []
        font, places = fonts[next(iter(fonts))]
        for name, string in re.findall(rb"/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\()])*)\)", text, re.DOTALL):
            if name:
                font, places = fonts[name]
                continue
            codes = _unescaped(string)
            for code in (int.from_bytes(codes[i : i + 2], "big") for i in range(0, len(codes), 2)):
                glyphs.append(outline(font, int.from_bytes(places[2 * code : 2 * code + 2], "big")))
        texts.append(glyphs)
    return texts


def _streams(objects: dict[int, bytes]) -> list[int]:
    return [number for number, body in objects.items() if b"/FlateDecode" in body]


def _unescaped(string: bytes) -> bytes:
    named = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}

    def one(found: re.Match[bytes]) -> bytes:
        sign = found[1]
        return bytes([int(sign, 8)]) if sign.isdigit() else named.get(sign, sign)

    return re.sub(rb"\\(\d{3}|.)", one, string, flags=re.DOTALL)


def test_every_label_of_the_pdf_has_its_glyphs_from_left_to_right(files: dict[str, bytes]) -> None:
    originals = {which: TTFont(path) for which, path in FILES.items()}
    wanted = [[outline(originals[which], glyph) for which, glyph in shaped(runs)] for runs in LABELS.values()]
    assert pdf_texts(files["pdf"]) == wanted


def ink(image: np.ndarray) -> np.ndarray:
    """How dark each column is, from the first that is not white to the last."""
    made: np.ndarray = 1.0 - image[:, :, :3].mean(axis=2).T
    inside = np.flatnonzero(made.sum(axis=1) > 0.0)
    return made[inside[0] : inside[-1] + 1].sum(axis=1)


def test_the_png_shows_what_harfbuzz_alone_would_draw() -> None:
    label, points = "خبرې ښې دي", 40.0
    with look():
        text, drawn = Figure(figsize=(4.0, 1.2)), Figure(figsize=(4.0, 1.2))
        text.text(0.1, 0.4, label, fontsize=points, **font_of(label))
        ax = drawn.add_axes((0.0, 0.0, 1.0, 1.0))
        ax.set_axis_off()
        ax.set(xlim=(0.0, 4.0 * 72.0), ylim=(0.0, 1.2 * 72.0))
    buffer = hb.Buffer()
    buffer.add_str(label)
    buffer.direction, buffer.script = "rtl", "Arab"
    face = hb.Face(hb.Blob.from_file_path(str(NASKH)))
    hb.shape(hb.Font(face), buffer)
    font, at, scale = TTFont(NASKH), 30.0, points / face.upem
    for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        vertices, codes = [], []
        for step, given in outline(font, info.codepoint):
            for i, point in enumerate(_quadratic(given) if step == "qCurveTo" else given):
                vertices.append(point)
                codes.append({"moveTo": 1, "lineTo": 2, "qCurveTo": 3}[step] if step != "moveTo" or i == 0 else 2)
            if step == "closePath":
                vertices.append((0, 0))
                codes.append(79)
        if vertices:
            shape = np.array(vertices, dtype=float) * scale + (at + place.x_offset * scale, 30.0)
            ax.add_patch(PathPatch(Outline(shape, codes), facecolor="black", linewidth=0))
        at += place.x_advance * scale
    one, two = (ink(imread(io.BytesIO(figure_bytes(each, title="a", description="b")[1]))) for each in (text, drawn))
    assert abs(len(one) - len(two)) <= 0.02 * len(two)
    n = min(len(one), len(two))
    assert np.corrcoef(one[:n], two[:n])[0, 1] > 0.9
    assert np.corrcoef(one[:n], two[::-1][:n])[0, 1] < 0.5


def _quadratic(points: tuple[Any, ...]) -> list[tuple[float, float]]:
    """Control and end points of a chain of quadratic curves, with the ends between two controls that TrueType omits."""
    *controls, end = points
    made = []
    for control, after in pairwise(controls):
        made += [control, ((control[0] + after[0]) / 2, (control[1] + after[1]) / 2)]
    return [*made, controls[-1], end]


def test_no_letter_of_the_five_languages_is_missing_alone_or_joined() -> None:
    for letter in LETTERS:
        for word in (letter, f"ب{letter}ب"):
            glyphs = laid_out(word)
            assert {which for which, _ in glyphs} == {"N"}, letter
            assert 0 not in {glyph for _, glyph in glyphs}, letter


def test_names_of_sides_and_groups_in_arabic_script_are_drawn_without_a_missing_letter() -> None:
    side, start = "ہمسایہ ۍ", datetime(2025, 1, 6, tzinfo=UTC)
    row = {
        "window": "2025-01-06",
        "start": start,
        "end": start + timedelta(weeks=1),
        "side": side,
        "weight": "author",
        "measure": "Prevalence('both')",
        "method": "poststrat",
        "estimate": 0.25,
        "n_posts": 80,
        "n_authors": 40,
    }
    series = pl.DataFrame([row, {**row, "method": "cc"}])
    counts = pl.DataFrame({"window": ["w"], "side": [side], "lang": [side], "basis": [side], "posts": [90],
                           "n_authors": [20]})  # fmt: skip
    agreed = pl.DataFrame({"variable": [side], "group": [side], "n_units": [90], "n_coders": [2], "percent": [90.0],
                           "alpha": [0.9], "low": [0.8], "high": [0.95]})  # fmt: skip
    groups = series.head(1).with_columns(by=pl.lit("platform"), group=pl.lit(side))
    confusion = pl.DataFrame({"true": [side], "predicted": ["both"], "n": [4]})
    made = (plot_shares(series, "both"), plot_correction(series, "both"), plot_composition(counts),
            plot_coverage(counts), plot_agreement(agreed), plot_slices(groups, "both", by="platform"),
            plot_confusion(confusion))  # fmt: skip
    for ax in made:  # a missing letter is a warning, and a warning is an error
        svg = figure_bytes(ax, title="a", description="b")[0]
        assert b"NotoNaskhArabic-Regular" in svg
        assert b"LastResort" not in svg


def test_another_font_of_the_same_name_on_the_machine_changes_nothing(
    files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = str(DEJAVU.with_name("DejaVuSansMono.ttf"))
    entries = [FontEntry(fname=other, name=name) for name in ("Noto Naskh Arabic", "DejaVu Sans")]
    manager = font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", [*manager.ttflist, *entries])
    manager._findfont_cached.cache_clear()
    assert laid_out("جنگ (2025) peace") == shaped(LABELS["جنگ (2025) peace"])


def test_the_font_is_known_once_under_a_name_of_its_own_and_not_at_import() -> None:
    script = (
        "from matplotlib.font_manager import fontManager as m\n"
        "before = len(m.ttflist)\n"
        "import discourse.plots.style\n"
        "assert len(m.ttflist) == before\n"
        "from discourse.plots.style import font_of\n"
        "font_of('peace'); assert len(m.ttflist) == before\n"
        "font_of('امن'); font_of('جنگ')\n"
        "print([entry.name for entry in m.ttflist[before:]])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['discourse naskh']"
