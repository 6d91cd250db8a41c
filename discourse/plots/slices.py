"""Shares over time in small multiples, a panel a language or platform; table in, axes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from discourse.errors import MeaningError, SchemaError
from discourse.plots.marks import curve, draw_curve, draw_events, heading, look, mark_of, time_axis, value_axis
from discourse.plots.panels import counted, greatest, legend_below, partial_handle, period_of, spread
from discourse.plots.style import figure_of_size, font_of, size
from discourse.report.guard import MIN_AUTHORS, plain, shown
from discourse.report.rows import (
    frame_of,
    in_words,
    language_name,
    measure_name,
    ordered_sides,
    side_name,
    step_name,
    window_name,
)
from discourse.report.words import caption
from discourse.schema import LANGUAGES, SERIES, UNKNOWN, as_polars, one_of

__all__ = ["describe_slices", "plot_slices"]

_BY: Final = {"lang": "language", "platform": "platform"}
_COLUMNS: Final = 2


@dataclass(frozen=True, eq=False)
class _Sliced:
    """The rows of one frame by group, in the order they are drawn, and the groups of which nothing can be shown."""

    groups: dict[str, pl.DataFrame]
    hidden: tuple[str, ...]
    rows: pl.DataFrame


def plot_slices(slices: Any, frame: str = "nationalist", *, by: str = "lang", events: Any = None) -> Axes:
    """The share of a frame over time on each side, a panel for each language or platform, all on one scale.

    `slices` has the columns of a series and before them `by` ("lang" or "platform") and `group`; give it guarded
    (`shown_groups`), since only the series of all groups tells which counts must go. Small cells are withheld in any
    case. A group without a value has no panel: the caption names it. Event lines have no titles here. Returns the first
    panel; all are in `axes.figure.axes`. Raises `SchemaError` for a missing column, frame or `by`, `MeaningError` where
    no group can be shown.

    >>> from datetime import datetime, timezone
    >>> row = {"by": "lang", "window": "2025-01-06", "start": datetime(2025, 1, 6, tzinfo=timezone.utc), "n_posts": 80,
    ...        "end": datetime(2025, 1, 13, tzinfo=timezone.utc), "measure": "Prevalence('both')", "weight": "author",
    ...        "method": "poststrat", "side": "pakistan", "n_authors": 40}
    >>> table = pl.DataFrame([{**row, "group": "ps", "estimate": 0.5}, {**row, "group": "en", "estimate": 0.25}])
    >>> [ax.get_title(loc="left") for ax in plot_slices(table, "both", by="lang").figure.axes]
    ['English', 'Pashto']
    """
    made = _sliced(slices, frame, by)
    sides = _sides(made)
    columns = min(_COLUMNS, len(made.groups))
    lines = -(-len(made.groups) // columns)
    with look():
        figure = figure_of_size(8.0, 1.5 + 1.75 * lines)
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        panels: list[Axes] = list(grid.flat)[: len(made.groups)]
        for spare in list(grid.flat)[len(made.groups) :]:
            spare.remove()
        handles: dict[str, Line2D | Patch] = {}
        period = period_of(made.rows)
        for place, (ax, (group, rows)) in enumerate(zip(panels, made.groups.items(), strict=True)):
            for side in sides:
                own = rows.filter(pl.col("side") == side)
                if own["estimate"].count():
                    handles[side] = draw_curve(ax, curve(own), mark_of(side, sides), side_name(side))
            name = group_name(group, by)
            ax.set_title(plain(name), loc="left", fontsize=size(9.0), fontweight="bold", **font_of(name))
            value_axis(ax, share=True, label="")
            time_axis(ax, period)
            if place + columns >= len(panels):
                ax.xaxis.set_tick_params(labelbottom=True)
        panels[0].set_ylim(0.0, min(1.0, max(0.05, 1.08 * max(greatest(made.rows[n]) for n in ("estimate", "high")))))
        told = [handles[side] for side in sides if side in handles]
        told += draw_events(panels, events, period, titles=False)
        heading(figure, f"Share of {frame_of(measure_name(frame))} posts by {_BY[by]}, per {step_name(made.rows)}")
        legend_below(figure, [*told, *partial_handle(made.rows)])
    return panels[0]


def describe_slices(slices: Any, frame: str = "nationalist", *, by: str = "lang") -> tuple[str, str]:
    """Caption and alternative text of `plot_slices`, from the same table; errors as there.

    >>> from datetime import datetime, timezone
    >>> row = {"by": "lang", "group": "ps", "window": "2025-01-06", "start": datetime(2025, 1, 6, tzinfo=timezone.utc),
    ...        "end": datetime(2025, 1, 13, tzinfo=timezone.utc), "measure": "Prevalence('both')", "weight": "author",
    ...        "method": "poststrat", "side": "pakistan", "n_posts": 80, "n_authors": 40, "estimate": 0.5}
    >>> print(describe_slices(pl.DataFrame([row]), "both")[1])
    Line charts. Share of both posts by language. Pashto: Pakistan 50 % in the week of 6 January 2025.
    """
    made = _sliced(slices, frame, by)
    key, step = measure_name(frame), step_name(made.rows)
    support, said = [], []
    for group, rows in made.groups.items():
        drawn = rows.drop_nulls("estimate")
        authors = drawn["n_authors"].drop_nulls().to_list()
        known = drawn["n_posts"].drop_nulls()
        least = "at least " if len(known) < drawn.height else ""
        posts = f"{least}{counted(int(known.sum()), 'post')}"
        each = f" by {spread(authors)} authors per {step} and side" if authors else ""
        gold = int(drawn["n_gold"].fill_null(0).sum())
        support.append(f"{group_name(group, by)} {posts}{each}, {least}{counted(gold, 'coded post')}")
        said.append(f"{group_name(group, by)}: {_ends(drawn, key, step)}.")
    method = caption(made.rows.drop_nulls("n_posts").unique(["side", "window"], maintain_order=True), key)
    method = method[method.index("Frames are") :].partition(". It assumes")[0] if "Frames are" in method else ""
    assumed = sorted(set(made.rows.drop_nulls("estimate")["assumes"].drop_nulls()) - {""})
    hidden = ", ".join(group_name(group, by) for group in made.hidden)
    text = [
        f"Share of {frame_of(key)} posts on each side by {_BY[by]}, all panels on one scale. Bands are 95 % intervals.",
        f"{method}; each {_BY[by]} for itself." if method else "",
        f"It assumes, in each {_BY[by]}, that {_assumed(assumed)}." if assumed else "",
        f"The windows shown rest on: {'; '.join(support)}.",
        f"Windows of too few authors are gaps, all counts that would tell fewer than {MIN_AUTHORS} are left out.",
        f"No value can be shown for: {hidden}." if hidden else "",
    ]
    return " ".join(part for part in text if part), " ".join(
        [f"Line charts. Share of {frame_of(key)} posts by {_BY[by]}.", *said, f"Not shown: {hidden}." if hidden else ""]
    ).strip()


def group_name(group: str, by: str) -> str:
    """What a language or a platform is called in a figure.

    >>> group_name("ur-Latn", "lang"), group_name("x", "platform")
    ('Roman Urdu', 'x')
    """
    return language_name(group) if by == "lang" else group


def _sliced(slices: Any, frame: str, by: str) -> _Sliced:
    table = as_polars(slices)
    for name in ("by", "group"):
        if name not in table.columns:
            raise SchemaError(f"the table of slices has no column {name!r}; it needs by, group and those of a series")
    one_of(by, _BY, "by")
    own = table.filter(pl.col("by") == by)
    if own.is_empty():
        raise MeaningError(f"the table of slices has no row by {by!r}; it is by {', '.join(sorted(set(table['by'])))}")
    key = one_of(measure_name(frame), own["measure"].unique().sort(), "measure")
    method = min(own.filter(pl.col("measure") == key)["method"].unique(), key=lambda name: (name == "cc", name))
    own = own.filter(pl.col("measure") == key, pl.col("method") == method)
    names = sorted(own["group"].unique(), key=lambda name: (LANGUAGES.index(name) if name in LANGUAGES else 99, name))
    weight = min(own["weight"].unique(), key=lambda name: (name != "author", name))
    parts = {name: _guarded(own.filter(pl.col("group") == name, pl.col("weight") == weight)) for name in names}
    shown = {name: rows for name, rows in parts.items() if rows["estimate"].count()}
    if not shown:
        raise MeaningError(f"no value of {key} by {by} can be shown; too few authors or no coded posts in every group")
    return _Sliced(shown, tuple(name for name in names if name not in shown), pl.concat(shown.values()))


def _guarded(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of one group in the columns of a series, small cells withheld; counts may be gone already."""
    missing = [pl.lit(None, kind).alias(name) for name, kind in SERIES.columns.items() if name not in rows.columns]
    typed = [pl.col(name).cast(kind) for name, kind in SERIES.columns.items()]
    return shown(rows.with_columns(missing).select(typed)).sort("start")


def _sides(made: _Sliced) -> list[str]:
    """The sides that have a value somewhere; the unknown side last."""
    sides = ordered_sides(made.rows.drop_nulls("estimate")["side"])
    return sorted(sides, key=lambda side: side == UNKNOWN)


def _ends(drawn: pl.DataFrame, key: str, step: str) -> str:
    parts = []
    for side in ordered_sides(drawn["side"]):
        own = drawn.filter(pl.col("side") == side).sort("start")
        rows = [own.row(0, named=True), *([own.row(-1, named=True)] if own.height > 1 else [])]
        told = " and ".join(f"{in_words(row, key)} in {window_name(row['window'], step)}" for row in rows)
        parts.append(f"{side_name(side)} {told}")
    return "; ".join(parts)


def _assumed(names: list[str]) -> str:
    words = {
        "random_gold": "coded posts were drawn at random within each window and side",
        "random_gold+errors_stable_over_time": "coded posts were drawn at random and errors are alike in all windows",
        "random_gold+errors_stable_over_time_and_sides": (
            "coded posts were drawn at random and errors are alike in all windows and on both sides"
        ),
        "classifier_errors_cancel": "the classifier's errors cancel out, which nothing here checks",
    }
    return "; ".join(words.get(name, name) for name in names)
