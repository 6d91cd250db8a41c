"""Sizes for paper, slides and thesis, and whether sides can be told apart without colour, or with other eyes."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import matplotlib
import numpy as np
import polars as pl
import pytest
from matplotlib.colors import to_rgb

from discourse.errors import SchemaError
from discourse.plots.marks import mark_of, palette
from discourse.plots.save import figure_bytes
from discourse.plots.series import plot_shares
from discourse.plots.style import STYLES, look, size, style, thick
from discourse.schema import SERIES

SIDES = ("pakistan", "afghanistan", "unknown", "india", "iran", "qatar")
# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
EYES = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def series() -> pl.DataFrame:
    start = datetime(2025, 1, 6, tzinfo=UTC)
    return SERIES.frame([
        {"window": f"2025-01-{6 + 7 * week:02d}", "start": start + timedelta(weeks=week), "side": side,
         "end": start + timedelta(weeks=week + 1), "measure": "Prevalence('nationalist')", "method": "poststrat",
         "weight": "author", "estimate": 0.3 + 0.1 * week, "low": 0.2, "high": 0.5, "n_posts": 90, "n_authors": 40,
         "n_gold": 20, "flags": ""}
        for week in (0, 1) for side in ("pakistan", "afghanistan")
    ])  # fmt: skip


def drawn(name: str) -> Any:
    with style(name):
        return plot_shares(series())


@pytest.mark.parametrize("name", ["slides", "thesis"])
def test_a_style_changes_how_a_figure_looks_and_not_what_it_says(name: str) -> None:
    paper, other = drawn("paper"), drawn(name)
    factors = STYLES[name]
    width = [ax.figure.get_size_inches()[0] for ax in (paper, other)]
    assert width[1] == pytest.approx(factors.width * width[0])
    letters = [ax.get_yticklabels()[0].get_fontsize() for ax in (paper, other)]
    assert letters[1] == pytest.approx(factors.letters * letters[0])
    lines = [ax.lines[0].get_linewidth() for ax in (paper, other)]
    assert lines[1] == pytest.approx(factors.lines * lines[0])
    for one, two in zip(paper.lines, other.lines, strict=True):
        np.testing.assert_array_equal(one.get_xydata(), two.get_xydata())
    assert [text.get_text() for text in paper.texts] == [text.get_text() for text in other.texts]


def test_paper_is_what_is_drawn_without_a_style() -> None:
    made = [figure_bytes(ax, title="a", description="b") for ax in (plot_shares(series()), drawn("paper"))]
    assert made[0] == made[1]
    with style("slides"):
        slides = figure_bytes(plot_shares(series()), title="a", description="b")
    assert all(one != two for one, two in zip(made[0], slides, strict=True))


def test_a_style_ends_with_its_block_even_after_an_error_and_stays_in_its_thread() -> None:
    seen: list[float] = []

    def block() -> None:
        with style("slides"):
            thread = threading.Thread(target=lambda: seen.append(size(10.0)))
            thread.start()
            thread.join()
            with style("thesis"):
                seen.append(size(10.0))
            seen.extend((size(10.0), thick(1.0)))
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        block()
    assert seen == [10.0, 9.0, 15.0, 1.6]
    assert size(10.0) == 10.0


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"style is 'slide'; it must be .* Did you mean 'slides'"), style("slide"):
        pass


def test_what_the_user_has_set_comes_back() -> None:
    with matplotlib.rc_context({"font.size": 31.0, "pdf.fonttype": 3}):
        with look():
            assert (matplotlib.rcParams["font.size"], matplotlib.rcParams["pdf.fonttype"]) == (9.0, 42)
        assert (matplotlib.rcParams["font.size"], matplotlib.rcParams["pdf.fonttype"]) == (31.0, 3)


def test_two_sides_never_differ_by_colour_alone() -> None:
    marks = [mark_of(side, SIDES) for side in SIDES]
    for one, two in combinations(marks, 2):
        assert one.marker != two.marker
        assert one.hatch != two.hatch
    assert len({mark.line for mark in marks[:3]}) == 3  # the two sides and the unknown one


def linear(colour: str) -> np.ndarray:
    given = np.array(to_rgb(colour))
    return np.where(given <= 0.04045, given / 12.92, ((given + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* under D65 of linear sRGB."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    t = xyz / np.array([0.9505, 1.0, 1.089])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", EYES)
def test_sides_stay_apart_for_the_colour_blind(eye: str) -> None:
    seen = {side: lab(np.array(EYES[eye]) @ linear(mark_of(side, SIDES).colour)) for side in SIDES}
    apart = {pair: float(np.linalg.norm(seen[pair[0]] - seen[pair[1]])) for pair in combinations(SIDES[:3], 2)}
    assert min(apart.values()) > 20.0, apart  # 2.3 is just to be seen
    assert min(float(np.linalg.norm(seen[a] - seen[b])) for a, b in combinations(SIDES, 2)) > 8.0


def test_the_measure_of_distance_tells_a_bad_pair() -> None:
    red, green = (lab(np.array(EYES["deuteranopia"]) @ linear(colour)) for colour in ("#a06000", "#608000"))
    assert np.linalg.norm(red - green) < 12.0
    assert lab(linear("#ffffff")) == pytest.approx([100.0, 0.0, 0.0], abs=0.02)
    assert len(set(palette())) == 10
