"""Effects of events as points with intervals, and series with the curve through their windows; table in, axes out."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from discourse.errors import MeaningError
from discourse.plots.marks import (
    curve,
    day_number,
    draw_events,
    font_of,
    heading,
    label_panel,
    look,
    mark_of,
    palette,
    short,
    time_axis,
    value_axis,
)
from discourse.plots.panels import columns_of, figure_of, legend_below, stacked
from discourse.plots.style import figure_of_size, lettered, size, thick
from discourse.report.effects_words import in_points, quantity, told
from discourse.report.guard import plain
from discourse.report.rows import day_name, frame_of, is_share, ordered_sides, side_name
from discourse.schema import as_polars

__all__ = ["describe_effects", "describe_smooth", "plot_effects", "plot_nothing", "plot_smooth"]

_EFFECTS: Final = ("event", "start", "title", "measure", "side", "estimate", "low", "high", "change", "change_low",
                   "change_high", "p_holm", "p_pretrend", "p_bend", "p_placebo", "n_tests", "flags")  # fmt: skip
_SMOOTH: Final = ("measure", "side", "start", "end", "raw", "raw_low", "raw_high", "smooth", "low", "high", "flags")


def plot_effects(effects: Any) -> Axes:
    """The change at each event, a panel a measure, with intervals and the p values that speak for or against it.

    `effects` are rows of effects.csv. Filled markers are effects that can be told; hollow ones, with grey intervals,
    cannot. Rows without an estimate are named and stay empty. Returns the first panel. Raises `SchemaError` for a
    missing column, `MeaningError` for a table without rows.

    >>> from datetime import date
    >>> row = dict.fromkeys(_EFFECTS, 0.01) | {"event": "e", "start": date(2025, 1, 6), "title": "Closed", "flags": "",
    ...     "side": "pakistan", "measure": "Prevalence('both')", "change": 0.2, "change_low": 0.1, "change_high": 0.3}
    >>> ax = plot_effects(pl.DataFrame([row]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['6 January 2025: Pakistan']
    """
    table = columns_of(effects, _EFFECTS, "the table of effects").sort("start", "event", maintain_order=True)
    if table.is_empty():
        raise MeaningError("the table of effects has no rows; name events in the study file")
    measures = list(dict.fromkeys(table["measure"]))
    heights = [table.filter(pl.col("measure") == measure).height for measure in measures]
    with look():
        figure = figure_of_size(8.4, 1.6 + 0.3 * sum(heights) + 0.75 * len(heights))
        panels: list[Axes] = list(figure.subplots(len(measures), 1, height_ratios=[h + 1.5 for h in heights],
                                                  squeeze=False)[:, 0])  # fmt: skip
        for ax, measure in zip(panels, measures, strict=True):
            _draw_effects(ax, table.filter(pl.col("measure") == measure), measure)
        heading(figure, "What changed at each event, against the line that the days before continue")
        legend_below(figure, _handles(), 2)
    return panels[0]


def describe_effects(effects: Any) -> tuple[str, str]:
    """Caption and alternative text of `plot_effects`, from the same table.

    >>> from datetime import date
    >>> row = dict.fromkeys(_EFFECTS, 0.01) | {"event": "e", "start": date(2025, 1, 6), "title": "Closed", "flags": "",
    ...     "side": "pakistan", "measure": "Prevalence('both')", "change": 0.2, "change_low": 0.1, "change_high": 0.3,
    ...     "p_pretrend": 0.5, "p_bend": None}
    >>> print(describe_effects(pl.DataFrame([row]))[1])
    Points with intervals. 6 January 2025, the both share among posts from Pakistan: +20 (+10 to +30).
    """
    table = columns_of(effects, _EFFECTS, "the table of effects").sort("start", "event", maintain_order=True)
    text = (
        "Points are the changes on the day of an event, lines their 95 % intervals, which hold the classifier's error "
        "and what authors and coded posts make all days of a stretch share. Filled: the interval leaves out 0, the p "
        "value adjusted for all tests is under 0.05, the days before do not speak against it, and no guard does. "
        "Hollow: no effect can be told. Beside them: p of a test of the days before, and the rank among dates without "
        "an event."
    )
    said = []
    for row in table.iter_rows(named=True):
        what = f"{day_name(row['start'])}, {quantity(row['measure'], row['side'])}"
        if row["change"] is None:
            said.append(f"{what}: not estimated")
            continue
        value, low, high = (in_points(row[name], row["measure"]) for name in ("change", "change_low", "change_high"))
        said.append(f"{what}: {value} ({low} to {high}){'' if told(row) else ', cannot be told'}")
    return text, f"Points with intervals. {'; '.join(said)}."


def plot_smooth(smooth: Any, *, events: Any = None) -> Axes:
    """Every window's share with its interval, and the curve through them, a panel a side.

    `smooth` are rows of smooth.csv of one measure, with the start and end of each window. The curve never stands alone.
    Returns the first panel. Raises `SchemaError` for a missing column, `MeaningError` without a curve.

    >>> from datetime import datetime, timezone
    >>> row = dict.fromkeys(_SMOOTH, 0.3) | {"measure": "Prevalence('both')", "side": "pakistan", "flags": "",
    ...     "start": datetime(2025, 1, 6, tzinfo=timezone.utc), "end": datetime(2025, 1, 13, tzinfo=timezone.utc)}
    >>> [len(line.get_xdata()) for line in plot_smooth(pl.DataFrame([row])).lines]
    [1, 1]
    """
    rows = columns_of(smooth, _SMOOTH, "the table of smoothed series", ("window",)).drop_nulls("smooth")
    if rows.is_empty():
        raise MeaningError("no series was smoothed; it needs two windows with a share")
    sides = ordered_sides(rows["side"])
    with look():
        panels = stacked(len(sides))
        figure = figure_of(panels[0])
        for ax, side in zip(panels, sides, strict=True):
            own = rows.filter(pl.col("side") == side)
            mark, line, raw = mark_of(side, sides), curve(own, ("smooth", "low", "high")), curve(
                own, ("raw", "raw_low", "raw_high"))  # fmt: skip
            ax.fill_between(line.x, line.low, line.high, color=mark.colour, alpha=0.18, linewidth=0, label="_band")
            ax.plot(line.x, line.y, color=mark.colour, linestyle=mark.line, linewidth=thick(1.6), label="smoothed")
            ax.vlines(raw.x, raw.low, raw.high, color="#555555", linewidth=thick(0.9), alpha=0.7, label="_intervals")
            ax.plot(raw.x, raw.y, linestyle="none", marker=mark.marker, markersize=thick(4.0), color="#333333",
                    markerfacecolor="white", label="each window alone")  # fmt: skip
            label_panel(ax, side)
            value_axis(ax, share=True, label="")
        top = max(float(rows[name].drop_nulls().max() or 0.0) for name in ("high", "raw_high"))  # type: ignore[arg-type]
        panels[0].set_ylim(0.0, min(1.0, 1.08 * top))
        days = [[day_number(at) for at in rows[name]] for name in ("start", "end")]
        period = (min(days[0]), max(days[1]))
        handles: list[Line2D | Patch] = [
            Line2D([], [], color="#333333", linewidth=thick(1.6), label="smoothed, with its band"),
            Line2D([], [], linestyle="none", marker="o", markersize=thick(4.0), color="#333333",
                   markerfacecolor="white", label="each window alone, with its interval"),
            *draw_events(panels, events, period),
        ]  # fmt: skip
        time_axis(panels[-1], period)
        heading(figure, f"What the windows say together: share of {frame_of(rows['measure'][0])} posts")
        legend_below(figure, handles)
    return panels[0]


def describe_smooth(smooth: Any) -> tuple[str, str]:
    """Caption and alternative text of `plot_smooth`, from the same table.

    >>> row = {"measure": "Prevalence('both')", "side": "pakistan", "window": "2025-01-06", "smooth": 0.3}
    >>> print(describe_smooth(pl.DataFrame([row]))[1])
    Line chart. Pakistan: from 30 % in the window 2025-01-06 to 30 % in the window 2025-01-06.
    """
    table = as_polars(smooth).drop_nulls("smooth")
    said = []
    for side in ordered_sides(table["side"]):
        own = table.filter(pl.col("side") == side).sort("window")
        first, last = own.row(0, named=True), own.row(-1, named=True)
        said.append(f"{side_name(side)}: from {100 * first['smooth']:.0f} % in the window {first['window']} to "
                    f"{100 * last['smooth']:.0f} % in the window {last['window']}")  # fmt: skip
    text = (
        "The line is a level that moves from window to window, seen through the noise of each; the band is its 95 % "
        "interval. Points are what each window says alone. Windows of fewer than 30 authors have no point and are "
        "filled in. A sudden change is drawn as a slope: the day of an event cannot be read off this curve."
    )
    return text, f"Line chart. {'; '.join(said)}."


def plot_nothing(why: str) -> Axes:
    """A figure that says in one sentence why there is nothing to draw.

    >>> plot_nothing("No event falls into the period.").texts[0].get_text()
    'No event falls into the period.'
    """
    with look():
        figure = figure_of_size(8.0, 1.2)
        ax = figure.add_subplot()
        ax.set_axis_off()
        ax.text(0.0, 0.5, plain(why), transform=ax.transAxes, va="center", **font_of(why))
    return ax


def _draw_effects(ax: Axes, rows: pl.DataFrame, measure: str) -> None:
    share = is_share(measure)
    sides = ordered_sides(rows["side"])
    scale = 100.0 if share else 1.0
    names = []
    for at, row in enumerate(rows.iter_rows(named=True)):
        names.append(plain(f"{day_name(row['start'])}{'' if '|' in row['side'] else ': ' + side_name(row['side'])}"))
        colour = palette()[2] if "|" in row["side"] else mark_of(row["side"], sides).colour
        marker = "o" if "|" in row["side"] else mark_of(row["side"], sides).marker
        if row["change"] is None:
            ax.text(0.01, at, "not estimated or withheld", transform=ax.get_yaxis_transform(), va="center",
                    fontsize=size(7.5), color="#555555")  # fmt: skip
            continue
        sure = told(row)
        ax.hlines(at, scale * row["change_low"], scale * row["change_high"], color=colour if sure else "#888888",
                  linewidth=thick(1.6), label="_interval")  # fmt: skip
        ax.plot(scale * row["change"], at, marker=marker, markersize=thick(5.5), color=colour if sure else "#888888",
                markerfacecolor=colour if sure else "white", linestyle="none", label="_change")  # fmt: skip
    beside = ax.twinx()
    beside.set_yticks(np.arange(rows.height), [_beside(row) for row in rows.iter_rows(named=True)], fontsize=size(7.5))
    beside.set_ylim(rows.height - 0.4, -0.6)
    beside.tick_params(length=0)
    beside.grid(visible=False)
    ax.axvline(0.0, color="black", linewidth=thick(0.8), label="_zero")
    ax.set_yticks(np.arange(rows.height), names)
    lettered(ax.get_yticklabels())
    ax.set_ylim(rows.height - 0.4, -0.6)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}".replace("-", "\u2212")))
    what = f"{frame_of(measure)} share, in points" if share else quantity(measure, rows["side"][0])
    ax.set_xlabel(plain(f"change of {what}" if share else f"change of {what} (from \u22122 to 2)"))
    first = rows.row(0, named=True)
    ax.set_title(
        plain(short(f"{what[:1].upper()}{what[1:]}", 90)), loc="left", fontsize=size(9), **font_of(first["title"])
    )


def _beside(row: dict[str, Any]) -> str:
    if row["change"] is None:
        return ""
    before, rank = ("none" if row[name] is None else f"{row[name]:.2f}" for name in ("p_pretrend", "p_placebo"))
    # Spaces at the end: small letters are wider in print than on the screen the layout is made for.
    return f"p before {before}, placebo {rank}\u2003\u2003"


def _handles() -> list[Line2D]:
    dark, grey = "#333333", "#888888"
    return [
        Line2D([], [], marker="o", color=dark, linewidth=thick(1.6), markersize=thick(5.5), label="can be told"),
        Line2D([], [], marker="o", color=grey, linewidth=thick(1.6), markersize=thick(5.5), markerfacecolor="white",
               label="cannot be told from these data"),
    ]  # fmt: skip
