"""How sides are told, and copy waves: bars are the counts, hidden counts are no bars, and words hold no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from matplotlib.axes import Axes

from discourse.errors import MeaningError, SchemaError
from discourse.plots.coverage import describe_coverage, plot_coverage
from discourse.plots.waves import describe_waves, plot_waves

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)


def cell(
    window: str, side: str | None, basis: str | None, posts: int | None, authors: int | None = 20
) -> dict[str, Any]:  # fmt: skip
    return {"window": window, "side": side, "basis": basis, "posts": posts, "n_authors": authors}


CELLS = [
    cell("2025-02", "pakistan", "location", 60), cell("2025-01", "pakistan", "location", 30),
    cell("2025-01", "pakistan", "author", 10), cell("2025-01", "afghanistan", "location", 40),
    cell("2025-01", None, None, 20), cell("2025-02", "afghanistan", "other", None, None),
    cell("2025-02", "afghanistan", "author", 777, 9),
]  # fmt: skip


def bars(ax: Axes) -> dict[str, list[float]]:
    return {str(part.get_label()): [float(bar.get_height()) for bar in part] for part in ax.containers}


def test_bars_are_posts_by_evidence_with_the_unknown_on_top() -> None:
    ax = plot_coverage(pl.DataFrame(CELLS))
    made = bars(ax)
    assert made["listed accounts"] == [10.0, 0.0]
    assert made["place in the profile"] == [70.0, 60.0]
    assert made["side unknown"] == [20.0, 0.0]
    assert list(made)[-1] == "side unknown"
    assert [float(bar.get_y()) for bar in ax.containers[-1]] == [80.0, 60.0]
    hatches = [part[0].get_hatch() or "" for part in ax.containers]
    assert len(set(hatches)) == len(hatches), "kinds differ without colour"


def test_shares_of_each_side_and_of_all_add_up() -> None:
    lower = plot_coverage(pl.DataFrame(CELLS)).figure.axes[1]
    assert [label.get_text() for label in lower.get_yticklabels()] == ["all posts", "Pakistan", "Afghanistan"]
    widths = [[float(bar.get_width()) for bar in part] for part in lower.containers]
    assert [sum(column) for column in zip(*widths, strict=True)] == pytest.approx([1.0, 1.0, 1.0])
    assert widths[-1] == pytest.approx([20 / 160, 0.0, 0.0])


def test_hidden_counts_are_in_no_word() -> None:
    caption, alt = describe_coverage(pl.DataFrame(CELLS))
    assert "160 posts in 2 windows, by 20 authors in each part" in caption
    assert "12 % have no side" in caption
    assert "2 counts of fewer than 10 authors" in caption
    assert "Pakistan (100 posts): listed accounts 10 %, place in the profile 90 %." in alt
    assert "777" not in caption + alt
    with pytest.raises(MeaningError, match="no cell has 10 authors"):
        plot_coverage(pl.DataFrame(CELLS[5:]))
    with pytest.raises(SchemaError, match="no column 'basis'"):
        plot_coverage(pl.DataFrame(CELLS).drop("basis"))


def window(
    week: int, waves: int | None, posts: int | None, authors: int | None, every: int | None = 100
) -> dict[str, Any]:  # fmt: skip
    start = MONDAY + timedelta(weeks=week)
    return {"window": f"{start:%Y-%m-%d}", "start": start, "end": start + timedelta(weeks=1), "waves": waves,
            "posts": posts, "n_authors": authors, "all_posts": every}  # fmt: skip


WAVES = [window(1, 3, 40, 30), window(0, 0, 0, 0, 50), window(2, 1, 7, 9), window(3, None, None, None)]


def test_copies_stand_among_all_posts_of_their_window() -> None:
    upper = plot_waves(pl.DataFrame(WAVES))
    lower = upper.figure.axes[1]
    assert bars(upper) == {"_all": [50.0, 100.0, 100.0, 100.0], "_copies": [0.0, 40.0, 0.0, 0.0]}
    assert bars(lower) == {"_waves": [0.0, 3.0, 0.0, 0.0]}
    assert (upper.containers[1][0].get_hatch() or "") != (upper.containers[0][0].get_hatch() or "")


def test_what_is_withheld_is_marked_and_no_zero() -> None:
    lower = plot_waves(pl.DataFrame(WAVES)).figure.axes[1]
    marked = [text.get_position()[0] for text in lower.texts]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in lower.containers[0]]
    assert marked == pytest.approx(middles[2:])
    assert [text.get_text() for text in lower.texts] == ["?", "?"]


def test_the_words_of_waves_hold_what_may_be_told() -> None:
    caption, alt = describe_waves(pl.DataFrame(WAVES))
    assert "Of 150 posts in 2 windows, reposts apart, 40 (26.7 %) are copies in a wave, by 30 authors in" in caption
    assert "2 windows of waves or posts by fewer than 10 authors withheld." in caption
    assert "most copies in the week of 13 January 2025: 40 of 100 posts in 3 waves." in alt
    assert "No window shown has a wave." in describe_waves(pl.DataFrame(WAVES[1:2]))[1]
    with pytest.raises(MeaningError, match="no window of the table of waves can be shown"):
        plot_waves(pl.DataFrame([window(0, None, None, None, None)], schema_overrides={"all_posts": pl.Int64}))
