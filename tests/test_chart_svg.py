"""The drawing of a chart: what lies where, gaps that are not bridged, and axes with round numbers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_chart_data import EVENTS_TABLE, TRUTH, sample
from test_plots import gone, polar, row, table

from discourse.page.chart_data import chart_data
from discourse.page.chart_scales import spaced, time_ticks, value_text, value_ticks
from discourse.page.chart_svg import chart_svg, sides_at_first

LEFT, RIGHT, WIDTH, PLOT = 48, 14, 720, 250


def marks(svg: Any) -> list[dict[str, str]]:
    """Every mark with its attributes, in the order of drawing."""
    return [{"tag": one.tag, "text": one.text or "", **one.attrib} for one in ET.fromstring(str(svg)).iter()]


def of(svg: Any, *kinds: str) -> list[str]:
    return [one["d"] for one in marks(svg) if set(kinds) <= set(one.get("class", "").split()) and "d" in one]


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)]


def drawn(*rows: dict[str, Any], **given: Any) -> Any:
    data = chart_data(table(*rows))
    return chart_svg(data, 0, name="c", **given)


def test_points_lie_where_time_and_value_say():
    svg = drawn(row(0, estimate=0.2, low=0.1, high=0.4), row(1, estimate=0.4, low=0.3, high=0.4))
    room = WIDTH - LEFT - RIGHT
    top = 10  # no events, no badges
    x = [LEFT + room / 4, LEFT + room * 3 / 4]
    y = [top + PLOT * (1 - value / 0.4) for value in (0.1, 0.2, 0.3, 0.4)]
    assert points(of(svg, "line", "s0")[0]) == [(x[0], y[1]), (x[1], y[3])]
    band = [(x[0], y[0]), (x[1], y[2]), (x[1], y[3]), (x[0], y[3])]
    assert points(of(svg, "band", "s0")[0]) == [pytest.approx(point) for point in band]


@pytest.mark.parametrize("hole", [gone(2), None])
def test_a_window_without_a_value_breaks_line_and_band(hole):
    svg = drawn(
        *(row(w) for w in (0, 1)), *([hole] if hole else []), *(row(w) for w in (3, 4, 5)), row(2, "afghanistan")
    )
    assert [len(points(d)) for d in of(svg, "line", "s0")] == [2, 3]
    assert [len(points(d)) for d in of(svg, "band", "s0")] == [4, 6]
    assert len(of(svg, "dot", "s0")) == 5


def test_a_window_alone_has_a_whisker_and_no_line():
    svg = drawn(row(0), gone(1), row(2))
    assert of(svg, "line", "s0") == of(svg, "band", "s0") == []
    assert len(of(svg, "whisker", "s0")) == len(of(svg, "dot", "s0")) == 2


def test_only_partial_windows_are_hollow():
    svg = drawn(row(0, flags="partial"), row(1), row(2, flags="gold_borrowed partial"))
    dots = [one["class"] for one in marks(svg) if "dot" in one.get("class", "")]
    assert dots == ["dot s0 hollow", "dot s0", "dot s0 hollow"]


def test_the_unknown_side_is_left_to_a_switch_unless_it_is_alone():
    data = chart_data(table(row(0), row(0, "unknown")))
    assert sides_at_first(data, 0) == [0]
    assert sides_at_first(chart_data(table(row(0, "unknown"))), 0) == [0]
    assert of(drawn(row(0), row(0, "unknown")), "dot", "su") == []
    assert len(of(drawn(row(0, "unknown")), "dot", "su")) == 1


def test_the_baseline_lies_under_the_distance():
    gap = [polar(w, "pakistan|afghanistan", "net-tone-gap", low=-0.1) for w in (0, 1)]
    svg = drawn(*gap)
    kinds = [one["class"] for one in marks(svg) if one.get("class", "").split()[:1] in (["band"], ["line"])]
    assert kinds == ["band base", "line base", "band sp", "line sp"]
    assert len(points(of(svg, "band", "base")[0])) == 4


def test_bars_are_posts_of_each_side_and_none_where_they_are_withheld():
    svg = drawn(row(0, n_posts=100), row(1, n_posts=50), row(0, "afghanistan", n_posts=25))
    assert [re.findall(r"v(-?[\d.]+)", d)[0] for d in of(svg, "bar", "s0")] == ["-48.0", "-24.0"]  # of 48 for 100
    assert [re.findall(r"v(-?[\d.]+)", d)[0] for d in of(svg, "bar", "s1")] == ["-12.0"]
    few = drawn(row(0, n_posts=90, n_authors=9), row(1, n_posts=91), row(2, n_posts=99))
    assert len(of(few, "bar")) == 1  # a second week is withheld, or the total would tell the first


def test_truth_and_events_are_drawn_when_they_are_there():
    series, slices = sample()
    data = chart_data(series, slices, events=EVENTS_TABLE, truth=TRUTH)
    off, on = chart_svg(data, 0, name="c"), chart_svg(data, 0, name="c", truth=True)
    assert of(off, "truth") == of(off, "cross") == []
    assert [len(points(d)) for d in of(on, "truth", "s0")] == [6]
    assert len(of(on, "cross", "s1")) == 6
    assert [one["text"] for one in marks(on) if one.get("class") == "number"] == ["1", "2"]
    assert len([one for one in marks(on) if one.get("class") == "lasting"]) == 1
    badges = [one for one in marks(on) if one.get("class") == "badge"]
    assert float(badges[0]["cy"]) == float(badges[1]["cy"])  # 3 of 42 days apart: room for both


def test_words_are_words_and_nothing_carries_a_style():
    data = chart_data(table(row(0)))
    view = data["views"]["0.0.0.0"] | {"alt": '"><script>&\u202e'}
    svg = chart_svg({**data, "views": {"0.0.0.0": view}}, 0, name="c")
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert marks(svg)[0]["aria-label"] == '"><script>&[U+202E]'
    assert "style=" not in drawn(row(0), row(1))


@given(st.floats(-2, 2), st.floats(1e-3, 3))
def test_ticks_are_round_and_hold_both_ends(low, length):
    high = low + length
    ticks = value_ticks(low, high)
    step = ticks[1] - ticks[0]
    assert ticks[0] <= low + 1e-9 * step
    assert ticks[-1] >= high - 1e-6 * step
    assert ticks[1] > low
    assert ticks[-2] < high
    assert 2 <= len(ticks) <= 7
    digits = f"{step:.6e}".split("e")[0].rstrip("0").rstrip(".")
    assert digits in {"1", "2", "2.5", "5"}


@pytest.mark.parametrize(("value", "step", "share", "text"), [
    (0.5, 0.5, False, "0.5"), (-0.5, 0.25, False, "−0.50"), (0.025, 0.025, True, "2.5\u00a0%"),
    (1, 0.2, True, "100\u00a0%"),
])  # fmt: skip
def test_an_axis_has_the_digits_its_steps_need(value, step, share, text):
    assert value_text(value, step, share=share) == text


def test_time_ticks_are_months_mondays_days_or_hours():
    day, begin = 24 * 60, 20058 * 24 * 60  # 1 December 2024, a Sunday
    halves = ["2025", "Jul", "2026", "Jul", "2027"]
    assert [label for _, label in time_ticks(begin, begin + 800 * day, 600)] == halves
    weeks = time_ticks(begin, begin + 42 * day, 600)
    assert weeks[0] == (begin + day, "2 Dec")
    assert {b - a for (a, _), (b, _) in pairwise(weeks)} == {7 * day}
    assert [label for _, label in time_ticks(begin, begin + day, 300)] == ["1 Dec", "12:00", "2 Dec"]


@given(st.lists(st.floats(0, 700), max_size=9).map(sorted))
def test_badges_in_a_row_never_touch(places):
    rows = spaced(places, 20)
    for row_ in set(rows):
        own = [at for at, one in zip(places, rows, strict=True) if one == row_]
        assert all(after - before >= 20 for before, after in pairwise(own))
