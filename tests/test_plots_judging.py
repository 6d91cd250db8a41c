"""Calibration, learning curve and agreement: what is drawn is the table, and small groups are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes

from discourse.errors import MeaningError, SchemaError
from discourse.plots.judging import (
    describe_agreement,
    describe_calibration,
    describe_learning_curve,
    plot_agreement,
    plot_calibration,
    plot_learning_curve,
)


def one_bin(frame: str, low: float, observed: float, **changes: Any) -> dict[str, Any]:
    return {"frame": frame, "bin_low": low, "bin_high": low + 0.1, "predicted": low + 0.05, "observed": observed,
            "low": observed - 0.1, "high": observed + 0.1, "n": 1234, "n_authors": 60, **changes}  # fmt: skip


BINS = [one_bin("neither", 0.2, 0.5), one_bin("nationalist", 0.8, 0.9), one_bin("nationalist", 0.1, 0.3),
        one_bin("nationalist", 0.5, 0.123, n=9, n_authors=9)]  # fmt: skip


def drawn(ax: Axes, label: str) -> list[list[float]]:
    return [list(map(float, pair)) for line in ax.lines if line.get_label() == label for pair in line.get_xydata()]


def heights(ax: Axes) -> list[list[float]]:
    (made,) = [c for c in ax.collections if c.get_label() == "_interval"]
    return [[round(float(y), 9) for y in path.vertices[:, 1]] for path in made.get_paths()]


def test_each_frame_has_its_bins_beside_the_diagonal() -> None:
    panels = plot_calibration(pl.DataFrame(BINS)).figure.axes
    assert [ax.get_title(loc="left") for ax in panels] == ["nationalist", "neither"]
    points = np.array(drawn(panels[0], "_points"))
    np.testing.assert_allclose(points[[0, 2]], [[0.15, 0.3], [0.85, 0.9]])
    assert np.isnan(points[1]).all(), "a bin of nine authors is a gap"
    assert heights(panels[0]) == [[0.2, 0.4], [0.8, 1.0]]
    assert drawn(panels[0], "_diagonal") == [[0.0, 0.0], [1.0, 1.0]]
    assert [text.get_text() for text in panels[0].texts] == ["1,234", "1,234"]


def test_the_words_of_calibration_hold_counts_and_nothing_hidden() -> None:
    caption, alt = describe_calibration(pl.DataFrame(BINS))
    # 0.15 is outside 0.2 to 0.4, 0.85 inside 0.8 to 1.0, 0.25 outside 0.4 to 0.6.
    assert "holds it in 1 of 3 bins" in caption
    assert "up to 2,468 coded posts a frame of 60 authors a bin" in caption
    assert "1 bin of fewer than 10 authors" in caption
    assert "30 % where 15 % was predicted and 90 % where 85 % was predicted" in alt
    assert "12 %" not in alt
    with pytest.raises(MeaningError, match="none has 10 authors"):
        plot_calibration(pl.DataFrame(BINS[3:]))
    with pytest.raises(SchemaError, match="no column 'bin_low'"):
        plot_calibration(pl.DataFrame(BINS).drop("bin_low"))


def step(n: int, score: float, rare: float | None) -> dict[str, Any]:
    return {"n": n, "authors": n // 2, "macro_f1": score, "low": score - 0.1, "high": score + 0.1,
            "rare": "conciliatory", "rare_ap": rare, "rare_low": None, "rare_high": None, "tested": 400}  # fmt: skip


def test_the_curve_rises_in_the_order_of_the_labels_whatever_that_of_the_rows() -> None:
    table = pl.DataFrame([step(200, 0.6, 0.4), step(50, 0.3, 0.2), step(100, 0.5, None)])
    ax = plot_learning_curve(table)
    score, rare = ax.lines
    assert score.get_xydata().tolist() == [[50.0, 0.3], [100.0, 0.5], [200.0, 0.6]]
    assert np.isnan(rare.get_ydata()).tolist() == [False, True, False]
    assert (score.get_linestyle(), score.get_marker()) != (rare.get_linestyle(), rare.get_marker())
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["50", "100", "200"]
    assert heights(ax) == [[0.2, 0.4], [0.4, 0.6], [0.5, 0.7]]
    caption, alt = describe_learning_curve(table)
    assert "same 400 posts" in caption
    assert "200 coded posts of 100 authors" in caption
    assert "macro-F1 0.30 with 50 posts, 0.60 with 200 posts." in alt
    with pytest.raises(MeaningError, match="no rows"):
        plot_learning_curve(table.clear())


def agreed(group: str, alpha: float, units: int = 90, **changes: Any) -> dict[str, Any]:
    return {"variable": "frame", "group": group, "n_units": units, "n_coders": 2, "percent": 87.4, "alpha": alpha,
            "low": alpha - 0.05, "high": alpha + 0.05, **changes}  # fmt: skip


AGREED = [agreed("lang=fa", 0.7), agreed("all", 0.85), agreed("lang=ps", 0.99, 9), agreed("lang=ur", 0.6),
          agreed("lang=und", float("nan"), low=float("nan"), high=float("nan"))]  # fmt: skip


def test_groups_stand_in_the_usual_order_with_their_alpha_or_why_there_is_none() -> None:
    ax = plot_agreement(pl.DataFrame(AGREED))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["frame: all", "frame: Urdu", "frame: Pashto", "frame: Dari/Persian", "frame: language not known"]
    assert drawn(ax, "_alpha") == [[0.85, 0.0], [0.6, 1.0], [0.7, 3.0]]
    assert [(text.get_position()[1], text.get_text()) for text in ax.texts] == [
        (2, "fewer than 10 posts"), (4, "not defined: one code only")
    ]  # fmt: skip
    assert [line.get_xdata()[0] for line in ax.lines if line.get_label() == "_limit"] == [0.667, 0.8]
    assert ax.get_xlim()[0] < 0.55
    beside = [label.get_text().strip() for label in ax.figure.axes[1].get_yticklabels()]
    assert beside == ["90 posts, 87\u00a0% alike", "90 posts, 87\u00a0% alike", "", "90 posts, 87\u00a0% alike", ""]


def test_the_words_of_agreement_leave_small_groups_out() -> None:
    caption, alt = describe_agreement(pl.DataFrame(AGREED))
    assert "frame 90 posts by 2 coders" in caption
    assert "2 groups without a value" in caption
    assert "frame: all 0.85 (0.80 to 0.90); frame: Urdu 0.60 (0.55 to 0.65)" in alt
    assert "0.99" not in caption + alt
    with pytest.raises(MeaningError, match="fewer than 10 posts"):
        plot_agreement(pl.DataFrame(AGREED[2:3]))
    guarded = pl.DataFrame(AGREED).with_columns(n_units=pl.when(pl.col("n_units") >= 10).then("n_units"))
    assert plot_agreement(guarded).texts[0].get_text() == "fewer than 10 posts"
