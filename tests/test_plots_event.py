"""The figure of one event: windows and dates are those of the tables, and what may not be shown is not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes

from discourse.errors import MeaningError, SchemaError
from discourse.plots.event import describe_event, plot_event
from discourse.study.event_rows import EFFECTS, PATHS, PLACEBOS

DAY = date(2025, 2, 3)
WHICH: dict[str, Any] = {"event": "closed", "start": DAY, "title": "The border closed", "side": "pakistan",
                         "measure": "Prevalence('nationalist')"}  # fmt: skip


def window(k: int, estimate: float, half: float = 0.25, **changes: Any) -> dict[str, Any]:
    part = "reference" if k == -1 else ""
    return {**WHICH, "window": k, "first": 7 * k, "last": 7 * k + 6, "days": 7, "estimate": estimate, "part": part,
            "low": estimate - half, "high": estimate + half, "n_authors": 40 + k, "flags": "", "said": "",
            **changes}  # fmt: skip


def placebo(days: int, ratio: float, **changes: Any) -> dict[str, Any]:
    return {**WHICH, "day": DAY + timedelta(days=days), "half_width": 14, "ratio": ratio, "n_authors": 30, "flags": "",
            "said": "", **changes}  # fmt: skip


PATH = [window(-2, 0.1), window(-1, 0.0, 0.0), window(0, np.log(2.0)), window(1, 0.5)]
DATES = [placebo(0, 2.0), placebo(-30, 0.5), placebo(-29, 2.5), placebo(-28, 2.0)]
TESTS = [{**dict.fromkeys(EFFECTS), **WHICH, "p_pretrend": 0.4, "n_gold": 35, "flags": ""}]


def tables(
    path: list[dict[str, Any]] = PATH, dates: list[dict[str, Any]] = DATES, tests: list[dict[str, Any]] = TESTS
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    return pl.DataFrame(path, schema=PATHS), pl.DataFrame(dates, schema=PLACEBOS), pl.DataFrame(tests, schema=EFFECTS)


def points(ax: Axes, label: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for line in ax.lines if line.get_label() == label for x, y in line.get_xydata()]


def test_windows_stand_over_their_days_with_their_intervals() -> None:
    ax = plot_event(*tables())
    assert points(ax, "_window") == [(-10.5, 0.1), (-3.5, 0.0), (3.5, pytest.approx(np.log(2))), (10.5, 0.5)]
    ends = [np.asarray(c.get_paths()[0].vertices).tolist() for c in ax.collections if c.get_label() == "_interval"]
    assert ends[0] == [[-10.5, pytest.approx(-0.15)], [-10.5, pytest.approx(0.35)]]
    assert len(ends) == 3, "what others are held against has no interval of its own"
    assert points(ax, "_event") == [(0.0, 0.0), (0.0, 1.0)]
    assert any("p = 0.40" in text.get_text() for text in ax.texts)


def test_before_and_after_differ_without_colour_and_so_does_the_window_held_against() -> None:
    lines = [line for line in plot_event(*tables()).lines if line.get_label() == "_window"]
    looks = [(line.get_marker(), line.get_markerfacecolor() == "white") for line in lines]
    assert looks == [("o", True), ("D", True), ("o", False), ("o", False)]


def test_the_change_stands_among_those_of_other_dates() -> None:
    lower = plot_event(*tables()).figure.axes[1]
    assert points(lower, "_placebo") == [(-30.0, 0.5), (-29.0, 2.5), (-28.0, 2.0)]
    assert points(lower, "_own") == [(0.0, 2.0)]
    caption, alt = describe_event(*tables())
    assert "Of 3 dates without an event before it, 2 show a change as large" in caption
    assert "2 show a change as large" in alt


def test_ticks_of_a_share_are_multiples_of_odds_and_those_of_a_gap_are_not() -> None:
    ax = plot_event(*tables())
    shown = {round(float(place), 6): text.get_text() for place, text in
             zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)}  # fmt: skip
    assert shown[round(float(np.log(2.0)), 6)] == "×2"
    assert shown[0.0] == "×1"
    gap = {"measure": "Polarization('net-tone-gap')", "side": "pakistan|afghanistan"}
    made = [[{**row, **gap} for row in rows] for rows in (PATH, DATES, TESTS)]
    ax = plot_event(*tables(*made))
    assert "difference" in ax.get_ylabel()
    assert "days 7 to 13: +0.50 (+0.25 to +0.75)" in describe_event(*tables(*made))[1]


def test_few_authors_are_a_gap_and_stand_in_no_word() -> None:
    path = [*PATH[:3], window(1, 0.777, n_authors=9)]
    dates = [*DATES[:3], placebo(-28, 2.345, n_authors=9)]
    ax = plot_event(*tables(path, dates))
    assert [x for x, _ in points(ax, "_window")] == [-10.5, -3.5, 3.5]
    assert points(ax.figure.axes[1], "_placebo") == [(-30.0, 0.5), (-29.0, 2.5)]
    caption, alt = describe_event(*tables(path, dates))
    assert "1 window of fewer than 10 authors withheld." in caption
    assert "days 7 to 13" not in alt
    with pytest.raises(MeaningError, match="no window around 'closed' can be shown"):
        plot_event(*tables([window(0, 0.5, n_authors=3)]))


def test_without_dates_or_tests_the_figure_says_so() -> None:
    none = [{**TESTS[0], "p_pretrend": None}]
    ax = plot_event(*tables(dates=[], tests=none))
    assert "no date without an event" in ax.figure.axes[1].texts[0].get_text()
    assert any("not tested" in text.get_text() for text in ax.texts)
    assert "No date without an event could be compared." in describe_event(*tables(dates=[], tests=none))[0]


def test_the_caption_holds_what_the_figure_rests_on() -> None:
    caption, alt = describe_event(*tables())
    for said in ("The nationalist share among posts from Pakistan", "“The border closed” (3 February 2025)",
                 "coded posts (35 on the side", "at least 38 authors", "It assumes that without the event", "p = 0.40",
                 "95 % intervals"):  # fmt: skip
        assert said in caption
    assert "days 0 to 6: odds times 2.00 (1.56 to 2.57)" in alt  # 2 exp(-0.25) to 2 exp(0.25)
    assert "days −7 to −1: what the others are held against" in alt


def test_one_series_is_chosen_and_a_wrong_name_is_said() -> None:
    other = [{**row, "side": "afghanistan", "estimate": 0.9} for row in PATH]
    both = tables([*PATH, *other])
    with pytest.raises(MeaningError, match=r"several of side \(pakistan, afghanistan\); choose one"):
        plot_event(*both)
    assert points(plot_event(*both, side="afghanistan", measure="nationalist"), "_window")[0] == (-10.5, 0.9)
    with pytest.raises(SchemaError, match="side is 'kabul'"):
        plot_event(*both, side="kabul")
    with pytest.raises(SchemaError, match="no column 'ratio'"):
        plot_event(both[0], both[1].drop("ratio"), both[2])
    with pytest.raises(MeaningError, match="has no rows"):
        plot_event(*tables([]))
