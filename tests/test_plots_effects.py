"""Figures of events: what is claimed looks otherwise than what is not, and all of it stands in the table."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes

from discourse.errors import MeaningError, SchemaError
from discourse.plots.effects import (
    describe_effects,
    describe_smooth,
    plot_effects,
    plot_nothing,
    plot_smooth,
)
from discourse.plots.save import figure_bytes
from discourse.study.event_rows import EFFECTS

ROW: dict[str, Any] = {
    **dict.fromkeys(EFFECTS), "event": "e", "start": date(2025, 2, 3), "title": "The border closed",
    "measure": "Prevalence('nationalist')", "side": "pakistan", "estimate": 0.9, "low": 0.5, "high": 1.3,
    "p_holm": 0.002, "change": 0.2, "change_low": 0.1, "change_high": 0.3, "p_pretrend": 0.4, "p_bend": 0.6,
    "p_placebo": 0.04, "n_tests": 5, "flags": "",
}  # fmt: skip
WEAK = {**ROW, "side": "afghanistan", "low": -0.5, "change": 0.05, "change_low": -0.1, "p_placebo": None}
NONE = {**ROW, "event": "f", "start": date(2025, 3, 3), "estimate": None, "change": None}
GAP = {**ROW, "measure": "Polarization('net-tone-gap')", "side": "pakistan|afghanistan", "change": -0.4,
       "change_low": -0.6, "change_high": -0.2, "low": -0.6, "high": -0.2}  # fmt: skip


def effects(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=EFFECTS)


def points(ax: Axes) -> list[Any]:
    return [line for line in ax.lines if line.get_label() == "_change"]


def intervals(ax: Axes) -> list[tuple[float, float]]:
    made = [np.asarray(c.get_paths()[0].vertices) for c in ax.collections if c.get_label() == "_interval"]
    return [(round(float(one[0, 0]), 6), round(float(one[1, 0]), 6)) for one in made]


def test_points_and_intervals_are_those_of_the_table_in_points() -> None:
    ax = plot_effects(effects(ROW, WEAK))
    assert [float(np.asarray(line.get_xdata())[0]) for line in points(ax)] == pytest.approx([20.0, 5.0])
    assert intervals(ax) == [(10.0, 30.0), (-10.0, 30.0)]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["3 February 2025: Pakistan", "3 February 2025: Afghanistan"]


def test_only_what_can_be_told_is_filled_and_coloured() -> None:
    strong, weak = points(plot_effects(effects(ROW, WEAK)))
    assert strong.get_markerfacecolor() == strong.get_color() != "#888888"
    assert (weak.get_markerfacecolor(), weak.get_color()) == ("white", "#888888")


def test_a_row_without_an_estimate_is_named_and_has_no_point() -> None:
    ax = plot_effects(effects(ROW, NONE))
    assert len(points(ax)) == 1
    assert "3 March 2025: Pakistan" in [label.get_text() for label in ax.get_yticklabels()]
    assert [text.get_text() for text in ax.texts] == ["not estimated or withheld"]


def test_tests_stand_beside_their_row() -> None:
    figure = plot_effects(effects(ROW, WEAK, NONE)).get_figure(root=True)
    assert figure is not None
    beside = [label.get_text().strip() for label in figure.axes[1].get_yticklabels()]
    assert beside == ["p before 0.40, placebo 0.04", "p before 0.40, placebo none", ""]


def test_a_gap_has_a_panel_and_units_of_its_own() -> None:
    figure = plot_effects(effects(ROW, GAP)).get_figure(root=True)
    assert figure is not None
    panels = [ax for ax in figure.axes if points(ax)]
    assert [float(np.asarray(points(ax)[0].get_xdata())[0]) for ax in panels] == pytest.approx([20.0, -0.4])
    assert panels[1].get_xlabel() == "change of the net tone of Pakistan minus that of Afghanistan (from −2 to 2)"


def test_every_number_of_the_figure_is_in_its_alternative_text() -> None:
    _, alt = describe_effects(effects(ROW, WEAK, NONE, GAP))
    assert "3 February 2025, the nationalist share among posts from Pakistan: +20 (+10 to +30);" in alt
    assert "Afghanistan: +5 (−10 to +30), cannot be told" in alt
    assert "3 March 2025, the nationalist share among posts from Pakistan: not estimated" in alt
    assert "−0.40 (−0.60 to −0.20)" in alt


def test_a_table_that_is_none_is_refused() -> None:
    with pytest.raises(MeaningError, match="has no rows"):
        plot_effects(effects())
    with pytest.raises(SchemaError, match="has no column 'p_holm'"):
        plot_effects(effects(ROW).drop("p_holm"))
    with pytest.raises(MeaningError, match="no series was smoothed"):
        plot_smooth(curve(raw=[None], smooth=[None]))


def curve(raw: list[float | None], smooth: list[float | None], side: str = "pakistan") -> pl.DataFrame:
    start = [datetime(2025, 1, 6, tzinfo=UTC) + timedelta(weeks=i) for i in range(len(raw))]
    made = pl.DataFrame({"raw": raw, "smooth": smooth}, schema={"raw": pl.Float64, "smooth": pl.Float64})
    return made.with_columns(
        measure=pl.lit("Prevalence('both')"), side=pl.lit(side), flags=pl.lit(""), start=pl.Series(start),
        end=pl.Series(start) + timedelta(weeks=1), window=pl.Series([f"{one:%Y-%m-%d}" for one in start]),
        raw_low=pl.col("raw") - 0.1, raw_high=pl.col("raw") + 0.1, low=pl.col("smooth") - 0.05,
        high=pl.col("smooth") + 0.05,
    )  # fmt: skip


def test_the_curve_never_stands_without_its_points() -> None:
    ax = plot_smooth(curve(raw=[0.3, None, 0.5], smooth=[0.35, 0.4, 0.45]))
    lines = {line.get_label(): np.asarray(line.get_ydata(), dtype=float) for line in ax.lines}
    assert lines["smoothed"].tolist() == pytest.approx([0.35, 0.4, 0.45])
    assert np.isnan(lines["each window alone"][1])
    assert lines["each window alone"][[0, 2]].tolist() == pytest.approx([0.3, 0.5])


def test_each_side_has_a_panel_of_its_curve() -> None:
    both = pl.concat([curve([0.3, 0.4], [0.3, 0.4]), curve([0.6, 0.5], [0.6, 0.5], "afghanistan")])
    figure = plot_smooth(both).get_figure(root=True)
    assert figure is not None
    assert len(figure.axes) == 2
    text, alt = describe_smooth(both)
    assert "cannot be read off this curve" in text
    assert alt == (
        "Line chart. Pakistan: from 30 % in the window 2025-01-06 to 40 % in the window 2025-01-13; "
        "Afghanistan: from 60 % in the window 2025-01-06 to 50 % in the window 2025-01-13."
    )


def test_the_same_table_gives_the_same_bytes() -> None:
    made = [figure_bytes(plot_effects(effects(ROW, WEAK)), title="a", description="b") for _ in range(2)]
    assert made[0] == made[1]
    assert plot_nothing("Nothing: _x $y$").texts[0].get_text() == r"Nothing: _x \$y\$"
