"""Colours, markers, lines with gaps and event lines of every figure. Nothing global is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import seaborn as sns
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, PercentFormatter

from discourse.plots.style import font_of, look, scaled, size, style, thick
from discourse.report.guard import plain
from discourse.report.rows import side_name
from discourse.schema import EVENTS, UNKNOWN, as_polars

__all__ = [
    "Curve",
    "Mark",
    "curve",
    "day_number",
    "draw_baseline",
    "draw_curve",
    "draw_events",
    "font_of",
    "heading",
    "label_panel",
    "look",
    "mark_of",
    "palette",
    "short",
    "style",
    "time_axis",
    "value_axis",
]

Floats = npt.NDArray[np.float64]
LineStyle = Literal["-", "--", "-.", ":"]
EVENT_LINES: dict[str, tuple[float, tuple[float, ...]]] = {
    "escalation": (0, (5, 2)),
    "closure": (0, (1, 1.5)),
    "deescalation": (0, (6, 2, 1, 2)),
}
_EVENT_WORDS = {"escalation": "escalation", "closure": "border closure", "deescalation": "de-escalation"}
_EVENT_COLOUR = "#555555"
_LABEL_POINTS = 13.0  # between two event labels


@dataclass(frozen=True)
class Mark:
    """How one side, or one estimate, is drawn, in colour and in grey print."""

    colour: str
    marker: str
    line: LineStyle
    hatch: str


def palette() -> list[str]:
    """The colour-blind safe palette of seaborn, ten colours."""
    made: list[str] = sns.color_palette("colorblind").as_hex()
    return made


def mark_of(side: str, others: Sequence[str] = ()) -> Mark:
    """The mark of a side; Pakistan, Afghanistan and the unknown side always look the same.

    `others` lists the sides of the figure, so that sides without a mark of their own get different ones.

    >>> mark_of("pakistan").marker, mark_of("afghanistan").marker, mark_of("unknown").marker
    ('o', 's', '^')
    """
    colours = palette()
    fixed = {
        "pakistan": Mark(colours[0], "o", "-", ""),
        "afghanistan": Mark(colours[3], "s", "--", "////"),
        UNKNOWN: Mark(colours[7], "^", ":", "...."),
    }
    if side in fixed:
        return fixed[side]
    spare = (Mark(colours[2], "D", "-.", "\\\\"), Mark(colours[4], "v", "-", "xx"), Mark(colours[5], "P", "--", "++"))
    rest = [other for other in others if other not in fixed]
    return spare[(rest.index(side) if side in rest else 0) % len(spare)]


def day_number(at: datetime) -> float:
    """A time as matplotlib counts it, in days.

    >>> day_number(datetime(1970, 1, 2, 12, tzinfo=UTC))
    1.5
    """
    return float(mdates.date2num(at))  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Curve:
    """Points in time with an interval; t windows in order, NaN where the line breaks. `x` in matplotlib days."""

    x: Floats
    y: Floats
    low: Floats
    high: Floats
    partial: npt.NDArray[np.bool_]


def curve(rows: pl.DataFrame, columns: tuple[str, str, str] = ("estimate", "low", "high")) -> Curve:
    """The curve of one side's rows of a series: middle of each window, value and interval.

    Windows without a value, and windows that are not in the table at all, break the line with NaN.

    >>> from datetime import timedelta
    >>> monday = datetime(2025, 1, 6, tzinfo=UTC)
    >>> rows = pl.DataFrame({"start": [monday], "end": [monday + timedelta(days=7)], "estimate": [0.5],
    ...                      "low": [0.4], "high": [0.6], "flags": ["partial"]})
    >>> curve(rows).y.tolist(), curve(rows).partial.tolist()
    ([0.5], [True])
    """
    rows = rows.sort("start")
    begin = np.array([day_number(at) for at in rows["start"]], dtype=np.float64)
    end = np.array([day_number(at) for at in rows["end"]], dtype=np.float64)
    values = [rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in columns]
    partial = rows["flags"].fill_null("").str.split(" ").list.contains("partial").to_numpy()
    # An hour of slack: clocks are put forward and back.
    holes = np.flatnonzero(begin[1:] - end[:-1] > 1.5 / 24) + 1
    x = np.insert((begin + end) / 2, holes, (begin[holes] + end[holes - 1]) / 2)
    y, low, high = (np.insert(v, holes, np.nan) for v in values)
    return Curve(x, y, low, high, np.insert(partial, holes, False))


def draw_curve(ax: Axes, points: Curve, mark: Mark, label: str) -> Line2D:
    """Line, markers (hollow for partial windows) and interval band of a curve; returns a handle for the legend."""
    label = plain(label)
    ax.plot(points.x, points.y, color=mark.colour, linestyle=mark.line, linewidth=thick(1.4), label=label)
    known = np.isfinite(points.low) & np.isfinite(points.high)
    ax.fill_between(
        points.x, points.low, points.high, where=known.tolist(), color=mark.colour, alpha=0.18, linewidth=0,
        label="_band",
    )  # fmt: skip
    _draw_alone(ax, points, known, mark.colour)
    for name, chosen, face in (("_whole", ~points.partial, mark.colour), ("_partial", points.partial, "white")):
        ax.plot(
            points.x[chosen], points.y[chosen], linestyle="none", marker=mark.marker, markersize=thick(4.5),
            color=mark.colour, markerfacecolor=face, label=name,
        )  # fmt: skip
    return Line2D(
        [], [], color=mark.colour, linestyle=mark.line, marker=mark.marker, markersize=thick(4.5), label=label
    )


def draw_baseline(ax: Axes, points: Curve) -> list[Line2D | Patch]:
    """The value under shuffled sides, as a grey line with its band; returns handles for the legend."""
    known = np.isfinite(points.low) & np.isfinite(points.high)
    ax.fill_between(
        points.x, points.low, points.high, where=known.tolist(), color="#888888", alpha=0.3, linewidth=0,
        label="_baseline_band",
    )  # fmt: skip
    ax.plot(points.x, points.y, color="#555555", linewidth=thick(1.0), linestyle=(0, (2, 1)), label="_baseline")
    _draw_alone(ax, points, known, "#888888", linewidth=4.0)
    if not np.isfinite(points.y).any():
        return []
    line = Line2D([], [], color="#555555", linewidth=thick(1.0), linestyle=(0, (2, 1)), label="sides shuffled: mean")
    return [line, Patch(color="#888888", alpha=0.3, linewidth=0, label="sides shuffled: 95\u00a0% of draws")]


def draw_events(
    axes: Sequence[Axes], events: Any, period: tuple[float, float], *, titles: bool = True
) -> list[Line2D]:  # fmt: skip
    """Event lines in every panel, short titles above the first; returns a handle for each type that occurs.

    Events outside the period (matplotlib days) are left out; one that lasts is also shaded to its end.
    """
    if events is None or not axes:
        return []
    table = EVENTS.frame(as_polars(events)).sort("start", "event_id")
    inside = [row for row in table.iter_rows(named=True) if _span(row)[0] < period[1] and _span(row)[1] >= period[0]]
    for row in inside:
        begin, end = _span(row)
        for ax in axes:
            if begin >= period[0]:
                line = EVENT_LINES.get(row["type"], "-")
                ax.axvline(begin, color=_EVENT_COLOUR, linewidth=thick(0.9), linestyle=line, zorder=1, label="_event")
            if end > begin:
                ax.axvspan(max(begin, period[0]), min(end, period[1]), color="#000000", alpha=0.045, linewidth=0)
    if titles:
        _label_events(axes[0], inside, period)
    return [
        Line2D([], [], color=_EVENT_COLOUR, linewidth=thick(0.9), linestyle=EVENT_LINES.get(kind, "-"),
               label=plain(_EVENT_WORDS.get(kind, kind)))
        for kind in dict.fromkeys(row["type"] for row in inside)
    ]  # fmt: skip


def short(title: str, most: int = 26) -> str:
    """A title cut at a word to at most `most` characters.

    >>> short("Air strikes in Barmal district, Paktika")
    'Air strikes in Barmal…'
    """
    if len(title) <= most:
        return title
    return title[:most].rsplit(" ", 1)[0].rstrip(" ,;:-") + "…"


def time_axis(ax: Axes, period: tuple[float, float]) -> None:
    """Dates in UTC along the bottom, from the first to the last window."""
    locator = mdates.AutoDateLocator(tz=UTC, minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    ax.set_xlim(*period)


def value_axis(ax: Axes, *, share: bool, label: str) -> None:
    """Percent for shares, two decimals for anything else."""
    if share:
        ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol="\u00a0%"))
    else:
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}".replace("-", "\u2212")))
    ax.set_ylabel(plain(label), **font_of(label))


def label_panel(ax: Axes, side: str) -> None:
    """The side's name in the upper left corner of its panel."""
    text = side_name(side)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    ax.text(0.01, 0.96, plain(text), transform=ax.transAxes, va="top", fontweight="bold", bbox=box, **font_of(text))


def heading(figure: Figure, title: str) -> None:
    """The title of a figure, upper left."""
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize=size(10.5), fontweight="bold", **font_of(title))


def _draw_alone(ax: Axes, points: Curve, known: npt.NDArray[np.bool_], colour: str, linewidth: float = 1.5) -> None:
    """Upright bars for intervals without a neighbour, where a band has no width."""
    alone = known & ~np.concatenate([known[1:], [False]]) & ~np.concatenate([[False], known[:-1]])
    if alone.any():
        x, low, high = points.x[alone], points.low[alone], points.high[alone]
        ax.vlines(x, low, high, color=colour, alpha=0.5, linewidth=thick(linewidth), label="_alone")


def _span(row: dict[str, Any]) -> tuple[float, float]:
    """Begin of the first day and, for an event that lasts, end of the last; matplotlib days."""
    begin: date = row["start"]
    first = day_number(datetime(begin.year, begin.month, begin.day, tzinfo=UTC))
    end = row["end"]
    return first, first + (end - begin).days + 1 if end is not None and end > begin else first


def _label_events(ax: Axes, rows: Sequence[dict[str, Any]], period: tuple[float, float]) -> None:
    """Slanted labels above a panel; those of close events are moved apart, to the right."""
    points_a_day = scaled(500.0) / max(period[1] - period[0], 1e-9)
    free = -np.inf
    for row in rows:
        begin = max(_span(row)[0], period[0])
        at = max((begin - period[0]) * points_a_day, free)
        free = at + size(_LABEL_POINTS)
        shift = at - (begin - period[0]) * points_a_day
        text = short(row["title"])
        ax.annotate(
            plain(text), xy=(begin, 1.0), xycoords=("data", "axes fraction"), xytext=(shift, 5.0),
            textcoords="offset points", rotation=35, rotation_mode="anchor", ha="left", va="bottom",
            fontsize=size(7.5), color="#333333", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "linewidth": thick(0.5), "color": _EVENT_COLOUR} if shift else None,
            **font_of(text),
        )  # fmt: skip
