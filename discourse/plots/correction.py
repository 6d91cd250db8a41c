"""The naive count against the corrected estimate of a share, a panel a side; table in, axes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from discourse.errors import MeaningError
from discourse.plots.marks import (
    Mark,
    curve,
    draw_curve,
    draw_events,
    heading,
    label_panel,
    look,
    palette,
    time_axis,
    value_axis,
)
from discourse.plots.panels import counted, figure_of, greatest, legend_below, partial_handle, period_of, stacked
from discourse.report.rows import (
    frame_of,
    headline,
    in_words,
    is_share,
    measure_name,
    ordered_sides,
    side_name,
    step_name,
    window_name,
)
from discourse.report.words import caption
from discourse.schema import SERIES, as_polars, one_of

__all__ = ["describe_correction", "plot_correction"]

_NAIVE = "cc"


def plot_correction(
    series: Any, frame: str = "nationalist", *, events: Any = None, sides: Sequence[str] | None = None
) -> Axes:
    """The share of a frame as the classifier counts it and corrected for its errors, both with intervals, by side.

    `series` holds the method "cc" (naive) and a corrected one; `events` is an events table. Sides without a value under
    either method have no panel. What is withheld is a gap. Returns the first panel. Raises `SchemaError` for a frame or
    side that is not there, `MeaningError` where a method is missing or nothing can be shown.

    >>> from datetime import datetime, timezone
    >>> row = {"window": "2025-01-06", "start": datetime(2025, 1, 6, tzinfo=timezone.utc), "side": "pakistan",
    ...        "end": datetime(2025, 1, 13, tzinfo=timezone.utc), "measure": "Prevalence('both')", "weight": "author",
    ...        "n_posts": 80, "n_authors": 40}
    >>> rows = [{**row, "method": "cc", "estimate": 0.25}, {**row, "method": "poststrat", "estimate": 0.5}]
    >>> lines = plot_correction(pl.DataFrame(rows), "both").lines
    >>> [float(line.get_ydata()[0]) for line in lines if not line.get_label().startswith("_")]
    [0.25, 0.5]
    """
    naive, corrected = _both(series, frame, sides)
    drawn = ordered_sides(pl.concat([naive, corrected]).drop_nulls("estimate")["side"])
    colours = palette()
    marks = (Mark(colours[3], "x", "--", ""), Mark(colours[0], "o", "-", ""))
    labels = ("counted as classified (naive)", "corrected with coded posts")
    with look():
        panels = stacked(len(drawn))
        figure = figure_of(panels[0])
        handles: list[Line2D | Patch] = []
        for ax, side in zip(panels, drawn, strict=True):
            handles = [
                draw_curve(ax, curve(rows.filter(pl.col("side") == side)), mark, label)
                for rows, mark, label in zip((naive, corrected), marks, labels, strict=True)
            ]
            label_panel(ax, side)
            value_axis(ax, share=True, label="")
        top = max(greatest(rows[name]) for rows in (naive, corrected) for name in ("estimate", "high"))
        panels[0].set_ylim(0.0, min(1.0, max(0.05, 1.12 * top)))
        period = period_of(corrected)
        handles += [*draw_events(panels, events, period), *partial_handle(corrected)]
        time_axis(panels[-1], period)
        heading(figure, f"What the correction changes: share of {frame_of(corrected['measure'][0])} posts")
        legend_below(figure, handles)
    return panels[0]


def describe_correction(
    series: Any, frame: str = "nationalist", *, sides: Sequence[str] | None = None
) -> tuple[str, str]:
    """Caption and alternative text of `plot_correction`, from the same table; errors as there.

    >>> from datetime import datetime, timezone
    >>> row = {"window": "2025-01-06", "start": datetime(2025, 1, 6, tzinfo=timezone.utc), "side": "pakistan",
    ...        "end": datetime(2025, 1, 13, tzinfo=timezone.utc), "measure": "Prevalence('both')", "weight": "author",
    ...        "n_posts": 80, "n_authors": 40, "method": "cc", "estimate": 0.25}
    >>> rows = [row, {**row, "method": "poststrat", "estimate": 0.5, "low": 0.4, "high": 0.6}]
    >>> print(describe_correction(pl.DataFrame(rows), "both")[1])
    Line chart. Share of both posts, naive and corrected. The naive count lies outside the interval of the corrected
    estimate in 1 of 1 values. Pakistan (1 window): naive 25 %, corrected 50 % (40 to 60) in the week of 6 January 2025.
    """
    naive, corrected = _both(series, frame, sides)
    key, step = corrected["measure"][0], step_name(corrected)
    pair = corrected.select("window", "side", "start", "estimate", "low", "high").join(
        naive.select("window", "side", counted="estimate", counted_low="low", counted_high="high"),
        on=["window", "side"], how="inner", validate="1:1", maintain_order="left",
    ).drop_nulls(["estimate", "counted"])  # fmt: skip
    known = pair.drop_nulls(["low", "high"])
    outside = known.filter(~pl.col("counted").is_between(pl.col("low"), pl.col("high"))).height
    said = f"The naive count lies outside the interval of the corrected estimate in {outside} of {known.height} values."
    support = caption(_of_method(series, corrected["method"][0]), key, sides=sides).partition(". ")[2]
    text = (
        f"Share of {frame_of(key)} posts twice: as the classifier sorted them (dashed), which assumes that its errors "
        f"cancel out, and corrected (solid). {said} Of the corrected estimate: {support}"
    )
    parts = []
    for side in ordered_sides(pair["side"]):
        own = pair.filter(pl.col("side") == side).sort("start")
        ends = [own.row(0, named=True), *([own.row(-1, named=True)] if own.height > 1 else [])]
        told = [f"{_pair(row, key)} in {window_name(row['window'], step)}" for row in ends]
        parts.append(f"{side_name(side)} ({counted(own.height, 'window')}): {', '.join(told)}.")
    return text, " ".join([f"Line chart. Share of {frame_of(key)} posts, naive and corrected. {said}", *parts])


def _both(series: Any, frame: str, sides: Sequence[str] | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The naive and the corrected rows of a frame, small cells withheld."""
    table = SERIES.frame(as_polars(series))
    name = one_of(measure_name(frame), table["measure"].unique().sort(), "measure") if table.height else frame
    methods = set(table.filter(pl.col("measure") == name)["method"])
    if not is_share(name) or _NAIVE not in methods or not methods - {_NAIVE}:
        raise MeaningError(
            f"the series has {name} under {', '.join(sorted(methods)) or 'no method'}; a comparison needs the share of "
            f"a frame under {_NAIVE!r} and under a method that corrects, like 'poststrat'"
        )
    naive, corrected = headline(table, name, method=_NAIVE, sides=sides), headline(table, name, sides=sides)
    if not naive["estimate"].count() or not corrected["estimate"].count():
        raise MeaningError(f"no value of {name} can be shown under both methods; too few authors or no coded post")
    return naive, corrected


def _of_method(series: Any, method: str) -> pl.DataFrame:
    return as_polars(series).filter(pl.col("method") == method)


def _pair(row: dict[str, Any], measure: str) -> str:
    counted_row = {"estimate": row["counted"], "low": row["counted_low"], "high": row["counted_high"]}
    return f"naive {in_words(counted_row, measure)}, corrected {in_words(row, measure)}"
