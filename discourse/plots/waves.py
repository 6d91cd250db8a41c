"""Texts that many authors posted within a short time, window by window; table in, axes out."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from discourse.errors import MeaningError
from discourse.plots.marks import day_number, draw_events, heading, look, palette, time_axis
from discourse.plots.panels import columns_of, counted, legend_below, period_of, spread
from discourse.plots.style import figure_of_size, size, thick
from discourse.report.guard import MIN_AUTHORS
from discourse.report.rows import step_name, window_name

__all__ = ["describe_waves", "plot_waves"]

_NEEDED: Final = ("window", "start", "end", "waves", "posts", "n_authors", "all_posts")
Floats = npt.NDArray[np.float64]


def plot_waves(table: Any, *, events: Any = None) -> Axes:
    """How many posts of each window are copies in a wave, among all posts, and how many waves there were.

    A wave is one text that several authors posted within a short time. `table` has window, start, end, waves, posts (in
    waves), n_authors (who wrote those), all_posts; null is withheld, and waves of 1 to 9 authors are withheld in any
    case: their window is marked with a "?". `events` is an events table. Returns the upper panel; that of the waves is
    `axes.figure.axes[1]`. Raises `SchemaError` for a missing column, `MeaningError` where no count can be shown.

    >>> from datetime import datetime, timezone
    >>> row = {"window": "2025-01-06", "start": datetime(2025, 1, 6, tzinfo=timezone.utc), "waves": 2, "posts": 30,
    ...        "end": datetime(2025, 1, 13, tzinfo=timezone.utc), "n_authors": 20, "all_posts": 100}
    >>> [float(bar.get_height()) for bar in plot_waves(pl.DataFrame([row])).patches]
    [100.0, 30.0]
    """
    rows = _rows(table)
    step = step_name(rows)
    begin = np.array([day_number(at) for at in rows["start"]])
    width = np.array([day_number(at) for at in rows["end"]]) - begin
    inside, colours = begin + 0.06 * width, palette()
    with look():
        figure = figure_of_size(8.0, 4.8)
        panels: list[Axes] = list(figure.subplots(2, 1, sharex=True, height_ratios=(3.0, 1.2)))
        upper, lower = panels
        shape: dict[str, Any] = {"width": 0.88 * width, "align": "edge", "linewidth": thick(0.6)}
        upper.bar(inside, _numbers(rows, "all_posts"), color="#e4e4e4", edgecolor="#888888", label="_all", **shape)
        upper.bar(inside, _numbers(rows, "posts"), color=colours[3], hatch="////", edgecolor="white", label="_copies",
                  **shape)  # fmt: skip
        lower.bar(inside, _numbers(rows, "waves"), color=colours[0], edgecolor="white", label="_waves", **shape)
        for ax, name in ((upper, f"posts per {step}"), (lower, f"waves\nper {step}")):
            ax.set_ylabel(name)
            ax.yaxis.set_major_locator(MaxNLocator(5 if ax is upper else 3, integer=True))
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
            ax.set_ylim(0.0, max(1.0, ax.get_ylim()[1]))
        for row, x in zip(rows.iter_rows(named=True), begin + width / 2, strict=True):
            if row["waves"] is None:
                lower.text(x, 0.04, "?", transform=lower.get_xaxis_transform(), ha="center", va="bottom",
                           fontsize=size(8.0), color="#555555")  # fmt: skip
        period = period_of(rows)
        handles: list[Line2D | Patch] = [
            Patch(facecolor="#e4e4e4", edgecolor="#888888", linewidth=thick(0.6), label="all posts"),
            Patch(facecolor=colours[3], edgecolor="white", hatch="////", label="copies in a wave"),
            *draw_events(panels, events, period),
        ]
        if rows["waves"].null_count():
            handles.append(Line2D([], [], linestyle="none", marker="$?$", color="#555555", label="withheld"))
        time_axis(lower, period)
        heading(figure, "Copy waves: one text from many authors within a short time")
        legend_below(figure, handles)
    return upper


def describe_waves(table: Any) -> tuple[str, str]:
    """Caption and alternative text of `plot_waves`, from the same table; errors as there.

    >>> from datetime import datetime
    >>> row = {"window": "2025-01-06", "start": datetime(2025, 1, 6), "end": datetime(2025, 1, 13), "waves": 2,
    ...        "posts": 30, "n_authors": 20, "all_posts": 100}
    >>> print(describe_waves(pl.DataFrame([row]))[1])
    Bars over time. 30 of 100 posts are copies in a wave (30.0 %). Waves in 1 of 1 window; most copies in the week of
    6 January 2025: 30 of 100 posts in 2 waves.
    """
    rows = _rows(table)
    step = step_name(rows)
    both = rows.drop_nulls(["posts", "all_posts"])
    copies, posts = int(both["posts"].sum()), int(both["all_posts"].sum())
    authors = both.filter(pl.col("n_authors") > 0)["n_authors"].to_list()
    few = f", by {spread(authors)} authors in a {step} that has any" if authors else ""
    hidden = rows.height - both.height
    share = f" ({100 * copies / posts:.1f} %)" if posts else ""
    text = (
        f"Of {counted(posts, 'post')} in {counted(both.height, 'window')}, reposts apart, {copies:,}{share} are copies "
        f"in a wave{few}. A wave that reaches into two windows counts in both. Equal texts are found by their form "
        "alone: a wave may be a campaign, a slogan or a quotation, and nothing here tells which."
    )
    if hidden:
        text += f" {counted(hidden, 'window')} of waves or posts by fewer than {MIN_AUTHORS} authors withheld."
    known = both.filter(pl.col("waves") > 0).sort("posts", "start", descending=[True, False])
    said = "No window shown has a wave."
    if known.height:
        top = known.row(0, named=True)
        said = (
            f"Waves in {known.height} of {counted(both.height, 'window')}; most copies in "
            f"{window_name(top['window'], step)}: {top['posts']:,} of {top['all_posts']:,} posts in "
            f"{counted(top['waves'], 'wave')}."
        )
    return text, f"Bars over time. {copies:,} of {posts:,} posts are copies in a wave{share}. {said}"


def _rows(table: Any) -> pl.DataFrame:
    rows = columns_of(table, _NEEDED, "the table of waves").sort("start")
    small = pl.col("n_authors").is_between(1, MIN_AUTHORS - 1).fill_null(value=False)
    hidden = [pl.when(~small).then(name).alias(name) for name in ("waves", "posts", "n_authors")]
    rows = rows.with_columns(*hidden, pl.col("window").cast(pl.String))
    if not rows["all_posts"].count():
        raise MeaningError(f"no window of the table of waves can be shown; none has {MIN_AUTHORS} authors")
    return rows


def _numbers(rows: pl.DataFrame, name: str) -> Floats:
    made: Floats = rows[name].cast(pl.Float64).fill_null(0.0).to_numpy()
    return made
