"""Figures: a table in, axes out. No statistic is computed here; what is withheld stays withheld, as a gap.

Each function makes a figure of its own (`axes.figure`) and leaves matplotlib's state alone. Text in Arabic script is
shaped by matplotlib itself (3.11 or later).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from discourse.errors import MeaningError, SchemaError
from discourse.plots.marks import (
    Mark,
    curve,
    day_number,
    draw_baseline,
    draw_curve,
    draw_events,
    heading,
    label_panel,
    look,
    mark_of,
    palette,
    time_axis,
    value_axis,
)
from discourse.plots.panels import columns_of, figure_of, greatest, legend_below, partial_handle, period_of, stacked
from discourse.plots.style import figure_of_size, lettered, size, thick
from discourse.report.guard import plain
from discourse.report.rows import (
    frame_of,
    headline,
    is_share,
    language_name,
    measure_name,
    ordered_sides,
    side_name,
    step_name,
    title_of,
)
from discourse.schema import ABSTAIN, FRAMES, LANGUAGES, UNKNOWN, as_polars

__all__ = ["plot_composition", "plot_confusion", "plot_polarization", "plot_shares", "plot_truth"]

_HATCHES = ("", "////", "....", "\\\\\\\\", "xx", "++", "oo")


def plot_shares(
    series: Any, frame: str = "nationalist", *, events: Any = None, sides: Sequence[str] | None = None
) -> Axes:
    """The share of one frame on each side over time, with intervals, events and a panel of how much was posted.

    `series` is a series table, `events` an events table. Corrected estimates are drawn if there are any, else
    the naive count, and the title says so. Withheld and empty windows are gaps; hollow markers are windows that
    the period covers in part. Returns the upper panel; the volume panel is `axes.figure.axes[1]`. Raises
    `SchemaError` for a frame or side that is not in the table, `MeaningError` for a table without rows.

    >>> from datetime import datetime, timezone
    >>> row = {"window": "2025-01-06", "start": datetime(2025, 1, 6, tzinfo=timezone.utc),
    ...        "end": datetime(2025, 1, 13, tzinfo=timezone.utc), "side": "pakistan", "weight": "author",
    ...        "measure": "Prevalence('both')", "method": "cc", "n_posts": 80, "n_authors": 40, "estimate": 0.25}
    >>> plot_shares(pl.DataFrame([row]), "both").lines[0].get_ydata().tolist()
    [0.25]
    """
    rows = headline(series, frame, sides=sides)
    shown_sides = ordered_sides(rows["side"])
    step = step_name(rows)
    with look():
        figure = figure_of_size(8.0, 5.4)
        upper, lower = _rows_of(figure, sharex=True, height_ratios=(4.2, 1.0))
        handles: list[Line2D | Patch] = []
        for side in shown_sides:
            points = curve(rows.filter(pl.col("side") == side))
            handles.append(draw_curve(upper, points, mark_of(side, shown_sides), side_name(side)))
        value_axis(upper, share=True, label=f"{frame_of(rows['measure'][0])} posts")
        upper.set_ylim(0.0, min(1.0, max(0.05, 1.1 * _largest(rows))))
        _draw_volume(lower, rows, shown_sides, step)
        period = period_of(rows)
        handles += draw_events([upper, lower], events, period)
        time_axis(lower, period)
        handles += partial_handle(rows)
        heading(figure, title_of(frame, step=step) + _naive(rows))
        legend_below(figure, handles)
    return upper


def plot_polarization(series: Any, measure: str, *, events: Any = None) -> Axes:
    """A polarization measure over time beside its value when the sides are shuffled among authors.

    `measure` is "esteban-ray", "net-tone", "net-tone-gap", "cramer-squared" or a label of the series. A measure
    within sides has a panel for each side (the unknown side only if it has an estimate). Returns the first
    panel; all are in `axes.figure.axes`. Raises as `plot_shares` does.

    >>> from datetime import datetime, timezone
    >>> row = {"window": "2025-01-06", "start": datetime(2025, 1, 6, tzinfo=timezone.utc), "n_posts": 80,
    ...        "end": datetime(2025, 1, 13, tzinfo=timezone.utc), "side": "a|b", "n_authors": 80, "weight": "author",
    ...        "measure": "Polarization('net-tone-gap')", "method": "cc", "n_eff": 40.0, "estimate": 0.25}
    >>> plot_polarization(pl.DataFrame([row]), "net-tone-gap").figure.get_suptitle()
    'How far apart: net tone of A minus B (not corrected)'
    """
    rows = headline(series, measure)
    name = measure_name(measure)
    sides = ordered_sides(rows["side"])
    with_value = set(rows.filter(pl.col("estimate").is_not_null())["side"])
    sides = [side for side in sides if side != UNKNOWN or side in with_value] or sides
    rows = rows.filter(pl.col("side").is_in(sides))
    with look():
        panels = stacked(len(sides))
        figure = figure_of(panels[0])
        handles: list[Line2D | Patch] = []
        baseline: list[Line2D | Patch] = []
        for ax, side in zip(panels, sides, strict=True):
            own = rows.filter(pl.col("side") == side)
            shuffled = draw_baseline(ax, curve(own, ("baseline", "baseline_low", "baseline_high")))
            mark = Mark(palette()[2], "o", "-", "") if "|" in side else mark_of(side, sides)
            handles += [draw_curve(ax, curve(own), mark, side_name(side) if "|" not in side else "estimate")]
            baseline = baseline or shuffled
            if "|" not in side:
                label_panel(ax, side)
            ax.axhline(0.0, color="black", linewidth=thick(0.8), label="_zero")
            value_axis(ax, share=is_share(name), label="")
        period = period_of(rows)
        handles += [*baseline, *draw_events(panels, events, period)]
        time_axis(panels[-1], period)
        handles += partial_handle(rows)
        heading(figure, title_of(name, rows["side"][0], step_name(rows)) + _naive(rows))
        legend_below(figure, handles)
    return panels[0]


def plot_truth(series: Any, truth: Any, frame: str) -> Axes:
    """For a corpus with known truth: the true share, the naive count and the corrected estimate, a panel a side.

    `series` holds the methods "cc" and "poststrat"; `truth` has window, side, frame and share (0 to 1). Sides
    without truth are left out. Returns the first panel. Raises `SchemaError` when a method, a column or the
    frame is not there.
    """
    naive, corrected = (headline(series, frame, method=method) for method in ("cc", "poststrat"))
    known = columns_of(truth, ("window", "side", "frame", "share"), "the truth").filter(
        pl.col("frame") == frame_of(measure_name(frame))
    )
    sides = [side for side in ordered_sides(corrected["side"]) if side in set(known["side"])]
    if not sides:
        raise MeaningError(f"the truth has no share of {frame!r} for any side of the series; give both of one corpus")
    colours = palette()
    marks = {"naive": Mark(colours[3], "x", "--", ""), "corrected": Mark(colours[0], "o", "-", "")}
    with look():
        panels = stacked(len(sides))
        figure = figure_of(panels[0])
        handles: list[Line2D] = []
        for ax, side in zip(panels, sides, strict=True):
            own = corrected.filter(pl.col("side") == side)
            true = own.select("window", "start", "end", "flags").join(
                known.filter(pl.col("side") == side).select("window", pl.col("share").alias("estimate")),
                on="window", how="left", validate="1:1", maintain_order="left",
            ).with_columns(low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64))  # fmt: skip
            points = curve(true)
            black: dict[str, Any] = {"color": "black", "linewidth": thick(2.2), "alpha": 0.75, "label": "truth"}
            ax.plot(points.x, points.y, marker=".", **black)
            counted = curve(naive.filter(pl.col("side") == side))
            handles = [
                Line2D([], [], **black),
                draw_curve(ax, counted, marks["naive"], "counted as classified (naive)"),
                draw_curve(ax, curve(own), marks["corrected"], "corrected with gold labels"),
            ]
            label_panel(ax, side)
            value_axis(ax, share=True, label="")
        top = max(_largest(naive), _largest(corrected), greatest(known["share"]))
        panels[0].set_ylim(0.0, min(1.0, max(0.05, 1.1 * top)))
        time_axis(panels[-1], period_of(corrected))
        heading(figure, f"Known truth and what was measured: share of {frame_of(measure_name(frame))} posts")
        legend_below(figure, handles)
    return panels[0]


def plot_composition(counts: Any) -> Axes:
    """How many posts each side wrote in each window, and in which languages.

    `counts` has window, side, lang and posts; windows are drawn in the order of their labels. Returns the panel
    of posts over time; that of languages is `axes.figure.axes[1]`. Raises `SchemaError` for a missing column,
    `MeaningError` for a table without posts.

    >>> rows = {"window": ["2025-01", "2025-02"], "side": ["a", "a"], "lang": ["ur", "en"], "posts": [3, 1]}
    >>> [float(bar.get_height()) for bar in plot_composition(pl.DataFrame(rows)).patches]
    [3.0, 1.0]
    """
    table = columns_of(counts, ("window", "side", "lang", "posts"), "the counts")
    table = table.with_columns(
        pl.col("side").fill_null(UNKNOWN), pl.col("lang").fill_null("und"), pl.col("posts").cast(pl.Float64)
    )
    if not table["posts"].sum():
        raise MeaningError("there are no posts to draw; the counts are empty or all 0")
    sides = ordered_sides(table["side"])
    with look():
        figure = figure_of_size(8.0, 3.6 + 0.45 * len(sides))
        upper, lower = _rows_of(figure, height_ratios=(2.6, 0.5 + 0.45 * len(sides)))
        _stack_windows(upper, table, sides)
        _stack_languages(lower, table, sides)
        heading(figure, "What was posted: posts over time by side, and the languages of each side")
    return upper


def plot_confusion(confusion: Any) -> Axes:
    """What posts of each true frame were classified as: shares of a row as colour, counts in the cells.

    `confusion` has true, predicted and n, one row a pair; pairs that are not there count 0, a null count is withheld.
    Shares are of the posts of a row: the sum of its counts, or `row` where the table has it. Raises `SchemaError` for a
    missing column or a pair that stands twice.

    >>> rows = {"true": ["both"], "predicted": ["neither"], "n": [4]}
    >>> len(plot_confusion(pl.DataFrame(rows)).texts)
    16
    """
    table = columns_of(confusion, ("true", "predicted", "n"), "the confusion table")
    if table.select("true", "predicted").is_duplicated().any():
        raise SchemaError("the confusion table has a pair of true and predicted twice; add their counts first")
    strange = sorted({*table["true"], *table["predicted"]} - {*FRAMES, ABSTAIN})
    columns = [*FRAMES, *([ABSTAIN] if ABSTAIN in set(table["predicted"]) else []), *strange]
    lines = [*FRAMES, *strange]
    known = {(true, predicted): n for true, predicted, n in table.select("true", "predicted", "n").iter_rows()}
    n = np.array([[known.get((true, predicted), 0) for predicted in columns] for true in lines], dtype=np.float64)
    total = np.nansum(n, axis=1, keepdims=True)
    if "row" in as_polars(confusion).columns:
        of_row = dict(as_polars(confusion).select("true", "row").iter_rows())
        total = np.array([[of_row.get(true, 0)] for true in lines], dtype=np.float64)
    share = np.divide(n, total, out=np.zeros_like(n), where=total > 0)
    words = [
        "withheld" if np.isnan(cell) else f"{cell:.0f}\n{100 * part:.0f}\u00a0%" if of else "0"
        for cell, part, of in zip(n.ravel(), share.ravel(), np.repeat(total, len(columns)), strict=True)
    ]
    with look():
        figure = figure_of_size(6.4, 4.8)
        ax = figure.add_subplot()
        sns.heatmap(
            np.nan_to_num(share), annot=np.array(words).reshape(n.shape), fmt="", vmin=0.0, vmax=1.0, cmap="Blues",
            linewidths=thick(1.0), ax=ax, xticklabels=False, yticklabels=False,
            cbar_kws={"format": PercentFormatter(xmax=1, decimals=0, symbol="\u00a0%"), "label": "share of the row"},
        )  # fmt: skip
        ax.set_xticks(np.arange(len(columns)) + 0.5, [plain(c) for c in columns])
        ax.set_yticks(np.arange(len(lines)) + 0.5, [plain(c) for c in lines], va="center")
        lettered([*ax.get_xticklabels(), *ax.get_yticklabels()])
        ax.grid(visible=False)
        ax.set_xlabel("the classifier said")
        ax.set_ylabel("coders said")
        heading(figure, "What the classifier makes of each frame")
    return ax


def _stack_windows(ax: Axes, table: pl.DataFrame, sides: Sequence[str]) -> None:
    windows: list[str] = table["window"].unique().sort().to_list()
    bottom = np.zeros(len(windows))
    for side in sides:
        by = dict(table.filter(pl.col("side") == side).group_by("window").agg(pl.col("posts").sum()).iter_rows())
        height = np.array([by.get(window, 0.0) for window in windows])
        mark, label = mark_of(side, sides), plain(side_name(side))
        ax.bar(
            np.arange(len(windows)), height, 0.85, bottom=bottom, color=mark.colour, hatch=mark.hatch,
            edgecolor="white", linewidth=thick(0.3), label=label,
        )  # fmt: skip
        bottom += height
    # Labels of hours are long: as many as fit beside one another.
    most = 4 if max(map(len, windows)) > 10 else 6
    every = max(1, -(-len(windows) // most))
    names = [plain(window.replace("T", " ")) for window in windows[::every]]
    ax.set_xticks(np.arange(0, len(windows), every), names, fontsize=size(8))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.set_ylabel("posts")
    lettered(ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0)).get_texts())


def _stack_languages(ax: Axes, table: pl.DataFrame, sides: Sequence[str]) -> None:
    colours = palette()
    present = set(table["lang"])
    langs = [lang for lang in LANGUAGES if lang in present] + sorted(present - set(LANGUAGES))
    by = table.group_by("side", "lang").agg(pl.col("posts").sum())
    of_side = (pl.col("posts") / pl.col("posts").sum().over("side")).fill_nan(0.0)
    share = {(side, lang): part for side, lang, part in by.select("side", "lang", of_side).iter_rows()}
    left = np.zeros(len(sides))
    for i, lang in enumerate(langs):
        width = np.array([share.get((side, lang), 0.0) for side in sides])
        place = LANGUAGES.index(lang) if lang in LANGUAGES else i
        name = language_name(lang)
        bars = ax.barh(
            np.arange(len(sides)), width, 0.75, left=left, color=colours[(place + 4) % 10] + "aa",
            hatch=_HATCHES[place % len(_HATCHES)], edgecolor="white", linewidth=thick(0.3), label=plain(name),
        )  # fmt: skip
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0}
        said = [f"{100 * w:.0f}\u00a0%" if w >= 0.07 else "" for w in width]
        for text in ax.bar_label(bars, said, label_type="center", fontsize=size(7.5)):
            text.set_bbox(box if text.get_text() else None)
        left += width
    ax.set_yticks(np.arange(len(sides)), [plain(side_name(side)) for side in sides])
    lettered(ax.get_yticklabels())
    ax.invert_yaxis()
    ax.set_xlim(0.0, 1.0)
    ax.grid(visible=False)
    ax.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol="\u00a0%"))
    lettered(ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.05), fontsize=size(8)).get_texts())


def _draw_volume(ax: Axes, rows: pl.DataFrame, sides: Sequence[str], step: str) -> None:
    # One place a window for all sides: their calendars differ by hours, and bars would hide one another.
    common = rows.with_columns(
        pl.col("start", "end").dt.timestamp("us").mean().over("window").cast(pl.Datetime("us", "UTC"))
    )
    for i, side in enumerate(sides):
        own = common.filter(pl.col("side") == side, pl.col("n_posts").is_not_null())
        if own.is_empty():
            continue
        begin = np.array([day_number(at) for at in own["start"]])
        width = (np.array([day_number(at) for at in own["end"]]) - begin) * 0.9 / len(sides)
        mark = mark_of(side, sides)
        ax.bar(
            begin + 0.05 * width + i * width, own["n_posts"].to_numpy(), width, align="edge", color=mark.colour,
            hatch=mark.hatch, edgecolor="white", linewidth=thick(0.2), label=plain(side_name(side)),
        )  # fmt: skip
    ax.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    ax.set_ylim(bottom=0.0)
    ax.set_ylabel(f"posts\nper {step}")


def _rows_of(figure: Figure, *, height_ratios: tuple[float, float], sharex: bool = False) -> tuple[Axes, Axes]:
    upper, lower = figure.subplots(2, 1, sharex=sharex, height_ratios=height_ratios)
    return upper, lower


def _largest(rows: pl.DataFrame) -> float:
    return max(greatest(rows[name]) for name in ("estimate", "high"))


def _naive(rows: pl.DataFrame) -> str:
    return " (not corrected)" if rows["method"][0] == "cc" else ""
