"""Naive against corrected, and small multiples: the numbers of the right rows, on one scale, nothing small."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes

from discourse.errors import MeaningError, SchemaError
from discourse.plots.correction import describe_correction, plot_correction
from discourse.plots.slices import describe_slices, plot_slices
from discourse.schema import EVENTS, SERIES

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)
NAIVE, CORRECTED = "counted as classified (naive)", "corrected with coded posts"


def row(week: int, estimate: float | None, side: str = "pakistan", **changes: Any) -> dict[str, Any]:
    start = MONDAY + timedelta(weeks=week)
    low, high = (None, None) if estimate is None else (estimate - 0.05, estimate + 0.05)
    return {"window": f"{start:%Y-%m-%d}", "start": start, "end": start + timedelta(weeks=1), "side": side,
            "measure": "Prevalence('nationalist')", "method": "poststrat", "weight": "author", "estimate": estimate,
            "low": low, "high": high, "n_posts": 100 + week, "n_authors": 40 + week, "n_eff": 40.0, "n_gold": 20,
            "assumes": "random_gold", "flags": "" if estimate is not None else "withheld", **changes}  # fmt: skip


def series(*rows: dict[str, Any]) -> pl.DataFrame:
    return SERIES.frame(list(rows))


def y(ax: Axes, label: str) -> list[float]:
    (line,) = [line for line in ax.lines if line.get_label() == label]
    made: list[float] = np.asarray(line.get_ydata(), dtype=float).tolist()
    return made


BOTH = [
    *(row(week, value, method="cc") for week, value in enumerate((0.5, 0.42))),
    *(row(week, value) for week, value in enumerate((0.3, 0.4))),
    *(row(week, value, "afghanistan", method=method)
      for week in (0, 1) for method, value in (("cc", 0.6), ("poststrat", 0.7))),
]  # fmt: skip


def test_naive_and_corrected_stand_in_the_panel_of_their_side() -> None:
    panels = plot_correction(series(*BOTH)).figure.axes
    assert [(y(ax, NAIVE), y(ax, CORRECTED)) for ax in panels] == [
        ([0.5, 0.42], [0.3, 0.4]), ([0.6, 0.6], [0.7, 0.7])
    ]  # fmt: skip
    assert [ax.texts[-1].get_text() for ax in panels] == ["Pakistan", "Afghanistan"]
    assert panels[0].get_ylim() == panels[1].get_ylim()
    styles = [next(line.get_linestyle() for line in panels[0].lines if line.get_label() == name)
              for name in (NAIVE, CORRECTED)]  # fmt: skip
    assert styles == ["--", "-"]
    assert len([c for c in panels[0].collections if c.get_label() == "_band"]) == 2


def test_the_caption_counts_where_the_naive_count_lies_outside() -> None:
    caption, alt = describe_correction(series(*BOTH))
    # 0.5 outside 0.25-0.35, 0.42 inside 0.35-0.45, 0.6 twice outside 0.65-0.75.
    for text in (caption, alt):
        assert "outside the interval of the corrected estimate in 3 of 4 values" in text
    for said in ("402 posts by 40 to 41 authors per week and side", "on 80 coded posts", "It assumes", "cancel out"):
        assert said in caption
    assert "naive 50 % (45 to 55), corrected 30 % (25 to 35) in the week of 6 January 2025" in alt


def test_a_withheld_window_is_a_gap_under_its_method_alone() -> None:
    rows = [row(0, 0.5, method="cc"), row(1, 0.5, method="cc"), row(2, 0.5, method="cc"), row(0, 0.3), row(1, None),
            row(2, 0.3)]  # fmt: skip
    ax = plot_correction(series(*rows))
    assert np.isnan(y(ax, CORRECTED)).tolist() == [False, True, False]
    assert not np.isnan(y(ax, NAIVE)).any()
    few = [{**one, "n_authors": 9, "n_eff": 9.0} if one["window"] == "2025-01-13" else one for one in BOTH]
    assert np.isnan(y(plot_correction(series(*few)), NAIVE)).tolist() == [False, True]


def test_a_comparison_needs_two_methods() -> None:
    with pytest.raises(MeaningError, match="under poststrat; a comparison needs"):
        plot_correction(series(row(0, 0.3)))
    with pytest.raises(MeaningError, match="can be shown under both methods"):
        plot_correction(series(row(0, 0.3), row(0, None, method="cc")))
    with pytest.raises(SchemaError, match="measure is"):
        plot_correction(series(*BOTH), "both")


def sliced(*rows: tuple[str, dict[str, Any]], by: str = "lang") -> pl.DataFrame:
    made = series(*(one for _, one in rows[:1]))
    made = pl.concat([series(one) for _, one in rows]) if rows else made
    return made.select(pl.lit(by).alias("by"), pl.Series("group", [name for name, _ in rows]), pl.all())


GROUPS = [("ur", row(0, 0.2)), ("ur", row(1, 0.3)), ("en", row(0, 0.8)), ("en", row(0, 0.5, "afghanistan")),
          ("ps", row(0, None)), ("fa", row(0, 0.4, n_authors=9, n_eff=9.0))]  # fmt: skip


def test_each_language_has_its_panel_in_the_usual_order_on_one_scale() -> None:
    panels = plot_slices(sliced(*GROUPS)).figure.axes
    assert [ax.get_title(loc="left") for ax in panels] == ["English", "Urdu"]
    assert y(panels[0], "Pakistan") == [0.8]
    assert y(panels[0], "Afghanistan") == [0.5]
    assert y(panels[1], "Pakistan") == [0.2, 0.3]
    assert panels[0].get_ylim() == panels[1].get_ylim()
    assert panels[0].get_ylim()[1] >= 0.85
    assert panels[0].get_xlim() == panels[1].get_xlim()


def test_a_language_that_cannot_be_shown_is_named_and_has_no_panel() -> None:
    caption, alt = describe_slices(sliced(*GROUPS))
    for text in (caption, alt):
        assert text.rstrip(".").endswith("Pashto, Dari/Persian")
        assert "40 %" not in text
    assert "English 200 posts by 40 authors per week and side, 40 coded posts" in caption
    assert "Urdu 201 posts by 40 to 41 authors" in caption
    assert "drawn at random within each window and side" in caption
    with pytest.raises(MeaningError, match=r"no value of .* can be shown"):
        plot_slices(sliced(*GROUPS[4:]))


def test_counts_that_are_hidden_are_not_summed_as_if_they_were_all() -> None:
    table = sliced(*GROUPS[:2])
    gone = table.with_columns(n_posts=pl.when(pl.col("window") != "2025-01-13").then("n_posts"))
    assert "Urdu at least 100 posts" in describe_slices(gone)[0]


def test_sides_look_alike_in_all_panels_and_events_have_lines_without_titles() -> None:
    events = EVENTS.frame(pl.DataFrame({"event_id": ["a"], "start": [MONDAY.date()], "type": ["closure"],
                                        "title": ["Gate shut"]}))  # fmt: skip
    panels = plot_slices(sliced(*GROUPS), events=events).figure.axes
    looks = {(line.get_color(), line.get_linestyle()) for ax in panels for line in ax.lines
             if line.get_label() == "Pakistan"}  # fmt: skip
    assert len(looks) == 1
    assert all(len([line for line in ax.lines if line.get_label() == "_event"]) == 1 for ax in panels)
    assert [text.get_text() for ax in panels for text in ax.texts] == []


def test_all_panels_have_one_method() -> None:
    rows = [("en", row(0, 0.8)), ("ur", row(0, 0.2, method="cc"))]
    assert [ax.get_title(loc="left") for ax in plot_slices(sliced(*rows)).figure.axes] == ["English"]


def test_what_the_table_of_slices_lacks_is_said() -> None:
    with pytest.raises(SchemaError, match="no column 'by'"):
        plot_slices(series(row(0, 0.3)))
    with pytest.raises(MeaningError, match=r"no row by 'platform'; it is by lang"):
        plot_slices(sliced(*GROUPS), by="platform")
    with pytest.raises(SchemaError, match="by is 'language'"):
        plot_slices(sliced(*GROUPS), by="language")
    made = plot_slices(sliced(*(("x", one) for _, one in GROUPS[:2]), by="platform"), by="platform")
    assert made.get_title(loc="left") == "x"
