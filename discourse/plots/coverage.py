"""By which evidence the sides of posts are told, and how many stay unknown; table in, axes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from discourse.errors import MeaningError
from discourse.plots.marks import Mark, heading, look, palette
from discourse.plots.panels import columns_of, counted, spread
from discourse.plots.style import figure_of_size, font_of, lettered, size, thick
from discourse.report.guard import MIN_AUTHORS, plain
from discourse.report.rows import ordered_sides, side_name
from discourse.schema import UNKNOWN

__all__ = ["describe_coverage", "plot_coverage"]

_NEEDED: Final = ("window", "side", "basis", "posts", "n_authors")
_WORDS: Final = {
    "author": "listed accounts",
    "source": "the file it came from",
    "country": "where it was written",
    "country:account": "country of the account",
    "country:page_admins": "country of the page's managers",
    "country:community": "country of the forum",
    "location": "place in the profile",
    "community": "the forum",
    "language": "declared language",
    "declared": "declared in the data",
    "other": "several kinds, together",
    UNKNOWN: "side unknown",
}


def plot_coverage(table: Any) -> Axes:
    """How many posts of each window have a side by which evidence, and how many have none; below, shares by side.

    `table` has window, side, basis (the evidence), posts and n_authors; posts are null where withheld, and cells of
    fewer than 10 authors are withheld in any case. Windows are drawn in the order of their labels. Returns the panel of
    posts over time; that of the sides is `axes.figure.axes[1]`. Raises `SchemaError` for a missing column,
    `MeaningError` where no count can be shown.

    >>> rows = {"window": "2025-01", "side": ["a", "unknown"], "basis": ["location", "none"], "posts": [30, 10],
    ...         "n_authors": [20, 10]}
    >>> [float(bar.get_height()) for bar in plot_coverage(pl.DataFrame(rows)).patches]
    [30.0, 10.0]
    """
    rows = _rows(table)
    kinds = _kinds(rows)
    sides = [side for side in ordered_sides(rows["side"]) if side != UNKNOWN]
    with look():
        figure = figure_of_size(8.0, 3.9 + 0.4 * len(sides))
        upper, lower = figure.subplots(2, 1, height_ratios=(2.5, 0.7 + 0.4 * len(sides)))
        _draw_windows(upper, rows, kinds)
        _draw_sides(lower, rows, kinds, sides)
        heading(figure, "How sides are told: posts over time by evidence, and how many stay unknown")
    made: Axes = upper
    return made


def describe_coverage(table: Any) -> tuple[str, str]:
    """Caption and alternative text of `plot_coverage`, from the same table; errors as there.

    >>> rows = {"window": "2025-01", "side": ["a", "unknown"], "basis": ["location", "none"], "posts": [30, 10],
    ...         "n_authors": [20, 10]}
    >>> print(describe_coverage(pl.DataFrame(rows))[1])
    Stacked bars. All posts (40 posts): place in the profile 75 %, side unknown 25 %. A (30 posts): place in the profile
    100 %.
    """
    rows = _rows(table)
    total = int(rows["posts"].sum())
    unknown = int(rows.filter(pl.col("kind") == UNKNOWN)["posts"].sum())
    hidden = rows["posts"].null_count()
    authors = rows["n_authors"].drop_nulls().to_list()
    few = f", by {spread(authors)} authors in each part of a bar" if authors else ""
    text = (
        f"Evidence for the sides of {counted(total, 'post')} in {counted(rows['window'].n_unique(), 'window')}{few}. "
        f"The first rule of the study that says something decides; {_percent(unknown / total)} have no side. It "
        "assumes that the evidence is right: a side says where a post was written or by whom, not what anybody is."
    )
    if hidden:
        text += f" {counted(hidden, 'count')} of fewer than {MIN_AUTHORS} authors, or that would tell one, left out."
    said = []
    for side in [None, *(side for side in ordered_sides(rows["side"]) if side != UNKNOWN)]:
        own = rows if side is None else rows.filter(pl.col("side") == side)
        by = dict(own.group_by("kind").agg(pl.col("posts").sum()).iter_rows())
        n = sum(by.values())
        parts = ", ".join(f"{_name(kind)} {_percent(by[kind] / n)}" for kind in _kinds(rows) if n and by.get(kind))
        who = "All posts" if side is None else side_name(side)
        said.append(f"{who} ({counted(int(n), 'post')}): {parts or 'none'}.")
    return text, f"Stacked bars. {' '.join(said)}"


def _rows(table: Any) -> pl.DataFrame:
    """The counts with the kind of evidence, that of the unknown side being `unknown`; small cells null."""
    rows = columns_of(table, _NEEDED, "the table of coverage").with_columns(
        pl.col("window").cast(pl.String), pl.col("side").fill_null(UNKNOWN), pl.col("basis").fill_null("none")
    )
    small = (pl.col("n_authors") < MIN_AUTHORS).fill_null(value=False)
    rows = rows.with_columns(
        *(pl.when(~small).then(name).alias(name) for name in ("posts", "n_authors")),
        kind=pl.when(pl.col("side") == UNKNOWN).then(pl.lit(UNKNOWN)).otherwise("basis"),
    )
    if not rows["posts"].sum():
        raise MeaningError(f"no count of the table of coverage can be shown; no cell has {MIN_AUTHORS} authors")
    return rows


def _kinds(rows: pl.DataFrame) -> list[str]:
    """The kinds of evidence in the order of the legend: the unknown side last."""
    known = list(_WORDS)
    there = rows["kind"].unique().to_list()
    return sorted(there, key=lambda kind: (kind == UNKNOWN, known.index(kind) if kind in known else 50, kind))


def _name(kind: str) -> str:
    return _WORDS.get(kind, kind)


def _percent(share: float) -> str:
    return "under 1 %" if 0.0 < share < 0.005 else f"{100 * share:.0f} %"


def _mark(kind: str, kinds: Sequence[str]) -> Mark:
    if kind == UNKNOWN:
        return Mark("#bbbbbb", "", "-", "....")
    colours, hatches = palette(), ("", "////", "xx", "\\\\\\\\", "++", "oo", "--")
    place = kinds.index(kind)
    return Mark(colours[(0, 1, 2, 4, 5, 8, 9)[place % 7]], "", "-", hatches[place % 7])


def _draw_windows(ax: Axes, rows: pl.DataFrame, kinds: Sequence[str]) -> None:
    windows: list[str] = rows["window"].unique().sort().to_list()
    bottom = np.zeros(len(windows))
    for kind in kinds:
        own = rows.filter(pl.col("kind") == kind).group_by("window").agg(pl.col("posts").sum())
        by = dict(own.iter_rows())
        height = np.array([float(by.get(window) or 0) for window in windows])
        mark, name = _mark(kind, kinds), _name(kind)
        ax.bar(np.arange(len(windows)), height, 0.85, bottom=bottom, color=mark.colour, hatch=mark.hatch,
               edgecolor="white", linewidth=thick(0.3), label=plain(name))  # fmt: skip
        bottom += height
    most = 4 if max(map(len, windows)) > 10 else 6
    every = max(1, -(-len(windows) // most))
    names = [plain(window.replace("T", " ")) for window in windows[::every]]
    ax.set_xticks(np.arange(0, len(windows), every), names, fontsize=size(8.0))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.set_ylabel("posts")
    legend = ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title="told by", alignment="left", reverse=True)
    lettered(legend.get_texts())


def _draw_sides(ax: Axes, rows: pl.DataFrame, kinds: Sequence[str], sides: Sequence[str]) -> None:
    names = ["all posts", *(side_name(side) for side in sides)]
    parts = [rows, *(rows.filter(pl.col("side") == side) for side in sides)]
    counts = [dict(part.group_by("kind").agg(pl.col("posts").sum()).iter_rows()) for part in parts]
    total = np.array([max(float(sum(one.values())), 1.0) for one in counts])
    left = np.zeros(len(names))
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0}
    for kind in kinds:
        width = np.array([float(one.get(kind) or 0) for one in counts]) / total
        mark = _mark(kind, kinds)
        bars = ax.barh(np.arange(len(names)), width, 0.75, left=left, color=mark.colour, hatch=mark.hatch,
                       edgecolor="white", linewidth=thick(0.3))  # fmt: skip
        said = [f"{100 * w:.0f}\u00a0%" if w >= 0.05 else "" for w in width]
        for text in ax.bar_label(bars, said, label_type="center", fontsize=size(7.5)):
            text.set_bbox(box if text.get_text() else None)
        left += width
    ax.set_yticks(np.arange(len(names)), [plain(name) for name in names])
    for label, name in zip(ax.get_yticklabels(), names, strict=True):
        label.set(**font_of(name))
    ax.invert_yaxis()
    ax.set_xlim(0.0, 1.0)
    ax.grid(visible=False)
    ax.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol="\u00a0%"))
