"""How far a classifier and coders can be trusted: calibration, learning curve, agreement; tables in, axes out."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator, NullLocator, PercentFormatter

from discourse.errors import MeaningError
from discourse.plots.marks import Mark, heading, look, palette
from discourse.plots.panels import columns_of, counted, legend_below, spread
from discourse.plots.style import figure_of_size, font_of, size, thick
from discourse.report.guard import MIN_AUTHORS, plain
from discourse.report.rows import language_name
from discourse.schema import FRAMES, LANGUAGES

__all__ = [
    "describe_agreement",
    "describe_calibration",
    "describe_learning_curve",
    "plot_agreement",
    "plot_calibration",
    "plot_learning_curve",
]

LEAST_UNITS: Final = 10
KRIPPENDORFF: Final = (0.667, 0.8)
"""Below the first, Krippendorff (2004, p. 241) draws no conclusions; from the second on, he relies on the codes."""
_BINS: Final = ("frame", "bin_low", "bin_high", "predicted", "observed", "low", "high", "n", "n_authors")
_CURVE: Final = ("n", "authors", "macro_f1", "low", "high", "rare", "rare_ap", "rare_low", "rare_high", "tested")
_AGREED: Final = ("variable", "group", "n_units", "n_coders", "percent", "alpha", "low", "high")


def plot_calibration(table: Any) -> Axes:
    """How often posts have a frame that the classifier gives a probability to, a panel a frame, beside the diagonal.

    `table` has a row a frame and bin of probabilities: frame, bin_low, bin_high, predicted (mean probability), observed
    (share of coded posts with the frame), low, high, n (coded posts), n_authors. Bins of fewer than 10 authors are
    gaps; the number of coded posts stands above each bin. Returns the first panel. Raises `SchemaError` for a missing
    column, `MeaningError` where no bin can be shown.

    >>> row = {"frame": "both", "bin_low": 0.2, "bin_high": 0.3, "predicted": 0.25, "observed": 0.5, "low": 0.3,
    ...        "high": 0.7, "n": 40, "n_authors": 30}
    >>> ax = plot_calibration(pl.DataFrame([row]))
    >>> [line.get_xydata().tolist() for line in ax.lines if line.get_label() == "_points"]
    [[[0.25, 0.5]]]
    """
    rows = _bins(table)
    frames = _frames(rows)
    columns = min(2, len(frames))
    lines = -(-len(frames) // columns)
    with look():
        figure = figure_of_size(3.6 * columns + 0.2, 1.2 + 3.0 * lines)
        figure.set_layout_engine("constrained", wspace=0.08)
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        panels: list[Axes] = list(grid.flat)[: len(frames)]
        for spare in list(grid.flat)[len(frames) :]:
            spare.remove()
        for place, (ax, frame) in enumerate(zip(panels, frames, strict=True)):
            _draw_bins(ax, rows.filter(pl.col("frame") == frame), frame)
            if place + columns >= len(panels):
                ax.set_xlabel("probability that the classifier gives")
                ax.xaxis.set_tick_params(labelbottom=True)
            if place % columns == 0:
                ax.set_ylabel("share of coded posts\nwith the frame")
        heading(figure, "Do the classifier's probabilities mean what they say?")
        handles: list[Line2D | Patch] = [
            Line2D([], [], color=palette()[0], marker="o", linewidth=thick(1.2), label="coded posts, with interval"),
            Line2D([], [], color="#333333", linewidth=thick(1.0), linestyle=(0, (5, 2)), label="as it should be"),
        ]  # fmt: skip
        legend_below(figure, handles)
    return panels[0]


def describe_calibration(table: Any) -> tuple[str, str]:
    """Caption and alternative text of `plot_calibration`, from the same table; errors as there.

    >>> row = {"frame": "both", "bin_low": 0.2, "bin_high": 0.3, "predicted": 0.25, "observed": 0.5, "low": 0.3,
    ...        "high": 0.7, "n": 40, "n_authors": 30}
    >>> describe_calibration(pl.DataFrame([row]))[1]
    'Points with intervals beside a diagonal. both: 50 % where 25 % was predicted.'
    """
    rows = _bins(table)
    shown = rows.drop_nulls("observed")
    counts = shown["n"].drop_nulls()
    n = shown.group_by("frame").agg(pl.col("n").sum())["n"].max() if len(counts) else 0
    few = shown["n_authors"].drop_nulls().to_list()
    authors = f" of {spread(few)} authors a bin" if few else ""
    hidden = rows.height - shown.height
    inside = shown.filter(pl.col("predicted").is_between(pl.col("low"), pl.col("high"))).height
    text = (
        "Posts in bins by the probability that the classifier gives to a frame; points are the share to which coders "
        "gave it, bars 95 % intervals, numbers the coded posts in a bin: up to "
        f"{counted(int(str(n or 0)), 'coded post')} a frame{authors}. On the dashed line the two agree; the interval "
        f"holds it in {inside} of {counted(shown.height, 'bin')}. It assumes that the coded posts stand for all "
        "posts of their bin."
    )
    if hidden:
        text += f" {counted(hidden, 'bin')} of fewer than {MIN_AUTHORS} authors, or that would tell one, not shown."
    said = []
    for frame in _frames(rows):
        own = shown.filter(pl.col("frame") == frame).sort("bin_low")
        ends = [own.row(0, named=True), *([own.row(-1, named=True)] if own.height > 1 else [])]
        told = " and ".join(f"{_share(row['observed'])} where {_share(row['predicted'])} was predicted" for row in ends)
        said.append(f"{frame}: {told or 'nothing shown'}.")
    return text, f"Points with intervals beside a diagonal. {' '.join(said)}"


def plot_learning_curve(table: Any) -> Axes:
    """Scores of the classifier by the number of coded posts it learned from, with intervals.

    `table` is that of `learning_curve`. The second line is the average precision of the rarer pole. Returns the axes.
    Raises `SchemaError` for a missing column, `MeaningError` for a table without rows.

    >>> row = {"n": 100, "authors": 60, "macro_f1": 0.5, "low": 0.4, "high": 0.6, "rare": "conciliatory",
    ...        "rare_ap": 0.3, "rare_low": 0.2, "rare_high": 0.5, "tested": 400}
    >>> ax = plot_learning_curve(pl.DataFrame([row, {**row, "n": 200, "macro_f1": 0.625}]))
    >>> ax.lines[0].get_ydata().tolist()
    [0.5, 0.625]
    """
    rows = _curve(table)
    colours = palette()
    marks = (Mark(colours[0], "o", "-", ""), Mark(colours[3], "s", "--", ""))
    names = ("macro-F1 of all frames", f"average precision of {rows['rare'][0]}, the rarer pole")
    with look():
        figure = figure_of_size(6.4, 4.0)
        ax = figure.add_subplot()
        x = rows["n"].cast(pl.Float64).to_numpy()
        handles: list[Line2D | Patch] = []
        for columns, mark, name in zip(
            (("macro_f1", "low", "high"), ("rare_ap", "rare_low", "rare_high")), marks, names, strict=True
        ):  # fmt: skip
            y, low, high = (rows[one].cast(pl.Float64).fill_null(float("nan")).to_numpy() for one in columns)
            if not np.isfinite(y).any():
                continue
            drawn: dict[str, Any] = {"color": mark.colour, "linestyle": mark.line, "marker": mark.marker,
                                     "linewidth": thick(1.4), "markersize": thick(5.0)}  # fmt: skip
            ax.plot(x, y, label=plain(name), **drawn)
            known = np.isfinite(low) & np.isfinite(high)
            if known.any():
                ax.vlines(x[known], low[known], high[known], color=mark.colour, linewidth=thick(1.2), alpha=0.7,
                          label="_interval")  # fmt: skip
            handles.append(Line2D([], [], label=plain(name), **drawn))
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator(x.tolist()))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        ax.set_xlabel("coded posts it learned from (on a scale of equal ratios)")
        ax.set_ylim(0.0, 1.0)
        ax.set_ylabel("score")
        heading(figure, "What more coded posts buy")
        legend_below(figure, handles, 1)
    return ax


def describe_learning_curve(table: Any) -> tuple[str, str]:
    """Caption and alternative text of `plot_learning_curve`, from the same table; errors as there.

    >>> row = {"n": 100, "authors": 60, "macro_f1": 0.5, "low": 0.4, "high": 0.6, "rare": "conciliatory",
    ...        "rare_ap": 0.3, "rare_low": 0.2, "rare_high": 0.5, "tested": 400}
    >>> describe_learning_curve(pl.DataFrame([row]))[1]
    'Line chart. macro-F1 0.50 with 100 posts. Average precision of conciliatory in the end 0.30.'
    """
    rows = _curve(table)
    first, last = rows.row(0, named=True), rows.row(-1, named=True)
    text = (
        "Scores of the classifier when it learns from fewer coded posts, each tested out of fold on the same "
        f"{counted(last['tested'], 'post')}; the largest cut holds {counted(last['n'], 'coded post')} of "
        f"{counted(last['authors'], 'author')}, a mean over the folds. Bars are 95 % intervals over authors. All "
        "points share their test posts, so overlapping bars do not mean that a gain is chance. It assumes that further "
        "posts would be coded and drawn as these were."
    )
    said = [f"macro-F1 {first['macro_f1']:.2f} with {counted(first['n'], 'post')}"]
    said += [f"{last['macro_f1']:.2f} with {counted(last['n'], 'post')}"] if rows.height > 1 else []
    rare = ""
    if last["rare_ap"] is not None:
        rare = f" Average precision of {last['rare']} in the end {last['rare_ap']:.2f}."
    return text, f"Line chart. {', '.join(said)}.{rare}"


def plot_agreement(table: Any) -> Axes:
    """Krippendorff's alpha of each variable and group with its interval, beside the limits 0.667 and 0.8.

    `table` has a row a variable and group ("all", "lang=ur"): variable, group, n_units, n_coders, percent, alpha, low,
    high. Groups of fewer than 10 units are named and have no point. Returns the axes. Raises `SchemaError` for a
    missing column, `MeaningError` where no alpha can be shown.

    >>> row = {"variable": "frame", "group": "all", "n_units": 90, "n_coders": 2, "percent": 92.0, "alpha": 0.875,
    ...        "low": 0.75, "high": 0.9}
    >>> ax = plot_agreement(pl.DataFrame([row, {**row, "group": "lang=ps", "n_units": 9}]))
    >>> [float(line.get_xdata()[0]) for line in ax.lines if line.get_label() == "_alpha"]
    [0.875]
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['frame: all', 'frame: Pashto']
    """
    rows = _agreed(table)
    colour = palette()[0]
    with look():
        figure = figure_of_size(7.4, 1.7 + 0.3 * rows.height)
        ax = figure.add_subplot()
        for at, row in enumerate(rows.iter_rows(named=True)):
            if row["alpha"] is None:
                ax.text(0.99, at, row["why"], transform=ax.get_yaxis_transform(), va="center", ha="right",
                        fontsize=size(7.5), color="#555555",
                        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0})  # fmt: skip
                continue
            whole = row["group"] == "all"
            if row["low"] is not None and row["high"] is not None:
                ax.hlines(at, row["low"], row["high"], color=colour, linewidth=thick(2.2 if whole else 1.4),
                          label="_interval")  # fmt: skip
            ax.plot(row["alpha"], at, linestyle="none", marker="D" if whole else "o", color=colour, label="_alpha",
                    markersize=thick(6.0 if whole else 5.0), markerfacecolor=colour if whole else "white")  # fmt: skip
        for value, line in zip(KRIPPENDORFF, ((0, (1, 1.5)), (0, (5, 2))), strict=True):
            ax.axvline(value, color="#333333", linewidth=thick(1.0), linestyle=line, zorder=1, label="_limit")
        _name_rows(ax, rows)
        known = [rows[name].drop_nulls().to_list() for name in ("alpha", "low")]
        ax.set_xlim(min(0.55, min(min(one, default=1.0) for one in known) - 0.05), 1.01)
        ax.xaxis.set_major_locator(MultipleLocator(0.1 if ax.get_xlim()[0] > 0.0 else 0.25))
        ax.set_xlabel("Krippendorff's alpha (1: coders always agree, 0: as chance would have it)")
        heading(figure, "How far coders agree")
        handles: list[Line2D | Patch] = [
            Line2D([], [], color="#333333", linewidth=thick(1.0), linestyle=(0, (1, 1.5)), label="0.667: least to use"),
            Line2D([], [], color="#333333", linewidth=thick(1.0), linestyle=(0, (5, 2)), label="0.8: reliable"),
        ]  # fmt: skip
        legend_below(figure, handles)
    return ax


def describe_agreement(table: Any) -> tuple[str, str]:
    """Caption and alternative text of `plot_agreement`, from the same table; errors as there.

    >>> row = {"variable": "frame", "group": "all", "n_units": 90, "n_coders": 2, "percent": 92.0, "alpha": 0.875,
    ...        "low": 0.75, "high": 0.9}
    >>> describe_agreement(pl.DataFrame([row]))[1]
    'Points with intervals. frame: all 0.88 (0.75 to 0.90).'
    """
    rows = _agreed(table)
    known = rows.drop_nulls("alpha")
    whole = known.filter(pl.col("group") == "all")
    units = ", ".join(
        f"{row['variable']} {counted(row['n_units'], 'post')} by {counted(row['n_coders'], 'coder')}"
        for row in (whole if whole.height else known).iter_rows(named=True)
    )
    text = (
        f"Krippendorff's alpha of posts that several people coded, with 95 % intervals: {units}. Under 0.667 no "
        "conclusion should be drawn from codes, from 0.8 on they can be relied on (Krippendorff 2004, p. 241). It "
        "assumes that each coder worked alone. Agreement says nothing of whether the codes are right."
    )
    hidden = rows.height - known.height
    if hidden:
        text += f" {counted(hidden, 'group')} without a value: fewer than {LEAST_UNITS} posts, or only one code."
    said = [f"{_row_name(row)} {row['alpha']:.2f}{_span(row)}" for row in known.iter_rows(named=True)]
    return text, f"Points with intervals. {'; '.join(said)}."


def _bins(table: Any) -> pl.DataFrame:
    """The bins in order; those of fewer than 10 authors without numbers."""
    rows = columns_of(table, _BINS, "the table of calibration").sort("frame", "bin_low")
    small = (pl.col("n_authors") < MIN_AUTHORS).fill_null(value=False)
    hidden = ("predicted", "observed", "low", "high", "n", "n_authors")
    rows = rows.with_columns(pl.when(~small).then(pl.col(name).fill_nan(None) if rows[name].dtype.is_float() else name)
                             .alias(name) for name in hidden)  # fmt: skip
    if not rows["observed"].count():
        raise MeaningError(f"no bin of the table of calibration can be shown; none has {MIN_AUTHORS} authors")
    return rows


def _frames(rows: pl.DataFrame) -> list[str]:
    there = set(rows["frame"])
    return [frame for frame in FRAMES if frame in there] + sorted(there - set(FRAMES))


def _draw_bins(ax: Axes, rows: pl.DataFrame, frame: str) -> None:
    ax.plot([0.0, 1.0], [0.0, 1.0], color="#333333", linewidth=thick(1.0), linestyle=(0, (5, 2)), label="_diagonal")
    colour = palette()[0]
    x, y, low, high = (rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
                       for name in ("predicted", "observed", "low", "high"))  # fmt: skip
    known = np.isfinite(low) & np.isfinite(high)
    ax.vlines(x[known], low[known], high[known], color=colour, linewidth=thick(1.4), label="_interval")
    ax.plot(x, y, color=colour, linewidth=thick(0.8), marker="o", markersize=thick(4.5), clip_on=False, label="_points")
    for row in rows.drop_nulls("n").iter_rows(named=True):
        ax.text((row["bin_low"] + row["bin_high"]) / 2, 1.03, f"{row['n']:,}", ha="center", va="bottom",
                fontsize=size(6.5), color="#333333")  # fmt: skip
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.02)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MultipleLocator(0.25))
        axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol="\u00a0%"))
    ax.set_title(plain(frame), loc="left", fontsize=size(9.0), fontweight="bold", pad=size(16.0), **font_of(frame))


def _curve(table: Any) -> pl.DataFrame:
    rows = columns_of(table, _CURVE, "the learning curve").sort("n")
    if rows.is_empty():
        raise MeaningError("the learning curve has no rows; it needs coded posts to learn from")
    return rows


def _agreed(table: Any) -> pl.DataFrame:
    """Rows by variable, "all" first; alpha null, and `why` said, where it is withheld or is no number."""
    rows = columns_of(table, _AGREED, "the table of agreement")
    few = (pl.col("n_units") < LEAST_UNITS).fill_null(value=True)  # a number that is gone was small
    numbers = [pl.when(~few).then(pl.col(name).cast(pl.Float64).fill_nan(None)).alias(name)
               for name in ("percent", "alpha", "low", "high")]  # fmt: skip
    variables = rows["variable"].unique(maintain_order=True).to_list()
    order = pl.col("variable").replace_strict({name: i for i, name in enumerate(variables)}, return_dtype=pl.Int64)
    words = pl.when(few).then(pl.lit(f"fewer than {LEAST_UNITS} posts")).otherwise(
        pl.lit("not defined: one code only")
    )  # fmt: skip
    made = rows.with_columns(*numbers, why=words).sort(order, _group_order(), "group")
    if not made["alpha"].count():
        raise MeaningError(f"no agreement can be shown; each group has fewer than {LEAST_UNITS} posts or one code only")
    return made


def _group_order() -> pl.Expr:
    """All first, then languages in their usual order, then anything else."""
    order = {"all": -1, **{f"lang={lang}": i for i, lang in enumerate(LANGUAGES)}}
    return pl.col("group").replace_strict(order, default=len(LANGUAGES), return_dtype=pl.Int64)


def _name_rows(ax: Axes, rows: pl.DataFrame) -> None:
    """Names at the left; posts and per cent of agreement at the right."""
    names = [_row_name(row) for row in rows.iter_rows(named=True)]
    ax.set_yticks(range(rows.height), [plain(name) for name in names])
    for label, name in zip(ax.get_yticklabels(), names, strict=True):
        label.set(**font_of(name))
    ax.set_ylim(rows.height - 0.4, -0.6)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    beside = ax.twinx()
    # Spaces at the end: small letters are wider in print than on the screen the layout is made for.
    told = [f"{row['n_units']:,} posts, {row['percent']:.0f}\u00a0% alike\u2003\u2003"
            if row["alpha"] is not None else "" for row in rows.iter_rows(named=True)]  # fmt: skip
    beside.set_yticks(range(rows.height), told, fontsize=size(7.5))
    beside.set_ylim(rows.height - 0.4, -0.6)
    beside.tick_params(length=0)
    beside.grid(visible=False)


def _row_name(row: dict[str, Any]) -> str:
    kind, _, value = row["group"].partition("=")
    return f"{row['variable']}: {language_name(value) if kind == 'lang' else value or kind}"


def _span(row: dict[str, Any]) -> str:
    return "" if row["low"] is None or row["high"] is None else f" ({row['low']:.2f} to {row['high']:.2f})"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"
