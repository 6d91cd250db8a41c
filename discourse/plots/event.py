"""One event and one series: the windows around it, and the event among dates without one; tables in, axes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from discourse.errors import MeaningError
from discourse.plots.marks import Mark, heading, look, mark_of, palette, short
from discourse.plots.panels import columns_of, counted, legend_below
from discourse.plots.style import figure_of_size, font_of, size, thick
from discourse.report.effects_words import guarded_effects, quantity
from discourse.report.guard import MIN_AUTHORS, plain
from discourse.report.rows import day_name, is_share, measure_name
from discourse.schema import one_of

__all__ = ["describe_event", "plot_event"]

_WHICH: Final = ("event", "start", "title", "measure", "side")
_PATHS: Final = (*_WHICH, "window", "first", "last", "estimate", "low", "high", "part", "n_authors", "flags", "said")
_PLACEBOS: Final = (*_WHICH, "day", "half_width", "ratio", "n_authors", "flags", "said")
_EFFECTS: Final = ("event", "measure", "side", "p_pretrend", "p_placebo", "n_gold", "flags")
_ODDS: Final = (
    (1 / 64, 1 / 16, 1 / 4, 1.0, 4.0, 16.0, 64.0),
    (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0),
    (1 / 3, 1 / 2, 2 / 3, 1.0, 1.5, 2.0, 3.0),
    (0.8, 0.9, 1.0, 1.1, 1.25),
)  # fmt: skip
"""Places for ticks, from far apart to near."""
_MOST: Final = float(np.log(100.0))  # log odds; longer intervals leave the panel


@dataclass(frozen=True, eq=False)
class _Chosen:
    """One event, measure and side: its windows, its placebo dates (the event's own apart) and what was tested."""

    first: dict[str, Any]
    path: pl.DataFrame
    dates: pl.DataFrame
    ratio: float | None
    tests: dict[str, Any]

    @property
    def share(self) -> bool:
        return is_share(self.first["measure"])

    @property
    def shown(self) -> pl.DataFrame:
        return self.path.drop_nulls("estimate")

    @property
    def compared(self) -> bool:
        return self.ratio is not None and self.dates.height > 0

    @property
    def as_large(self) -> int:
        return int((self.dates["ratio"] >= self.ratio).sum()) if self.ratio is not None else 0


def plot_event(
    paths: Any, placebos: Any, effects: Any, *, event: str = "", measure: str = "", side: str = ""
) -> Axes:  # fmt: skip
    """The windows around an event with intervals; below, the event's change among those of dates without an event.

    `paths`, `placebos` and `effects` are the tables paths.csv, placebos.csv and effects.csv of a study. `event`,
    `measure` ("nationalist", "net-tone-gap" or a label) and `side` choose one series; what the tables hold only one of
    may be left out. Windows and dates of fewer than 10 authors are gaps. Returns the upper panel; the lower one is
    `axes.figure.axes[1]`. Raises `SchemaError` for a missing column or a name that is not there, `MeaningError` where
    several series are left or none has a window.

    >>> from datetime import date
    >>> which = {"event": "e", "start": date(2025, 1, 6), "title": "Closed", "measure": "NetTone()", "side": "pakistan"}
    >>> path = [{**which, "window": k, "first": 7 * k, "last": 7 * k + 6, "estimate": 0.1 * (k + 1), "low": -0.1,
    ...          "high": 0.4, "part": "", "n_authors": 40, "flags": "", "said": ""} for k in (-2, -1, 0)]
    >>> dates = pl.DataFrame(schema=dict.fromkeys(_PLACEBOS, pl.String))
    >>> tests = {**which, "p_pretrend": 0.4, "p_placebo": None, "n_gold": 30, "flags": ""}
    >>> [float(line.get_ydata()[0]) for line in plot_event(pl.DataFrame(path), dates, pl.DataFrame([tests])).lines
    ...  if line.get_label() == "_window"]
    [-0.1, 0.0, 0.1]
    """
    chosen = _choose(paths, placebos, effects, {"event": event, "measure": measure_name(measure), "side": side})
    if chosen.shown.is_empty():
        raise MeaningError(f"no window around {chosen.first['event']!r} can be shown; fewer than {MIN_AUTHORS} wrote")
    mark = Mark(palette()[2], "o", "-", "") if "|" in chosen.first["side"] else mark_of(chosen.first["side"])
    with look():
        figure = figure_of_size(8.0, 5.2 if chosen.compared else 4.4)
        below = 1.3 if chosen.compared else 0.4
        panels: list[Axes] = list(figure.subplots(2, 1, sharex=True, height_ratios=(3.0, below)))
        upper, lower = panels
        _draw_path(upper, chosen, mark)
        _draw_dates(lower, chosen, mark)
        for ax in (upper, lower):
            ax.axvline(0.0, color="#333333", linewidth=thick(1.0), linestyle=(0, (5, 2)), label="_event")
        lower.set_xlabel("days from the event")
        lower.xaxis.set_major_locator(MaxNLocator(9, integer=True))
        lower.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}".replace("-", "\u2212")))
        heading(figure, f"{short(chosen.first['title'], 58)} ({day_name(chosen.first['start'])})")
        legend_below(figure, _handles(chosen, mark), 2)
    return upper


def describe_event(
    paths: Any, placebos: Any, effects: Any, *, event: str = "", measure: str = "", side: str = ""
) -> tuple[str, str]:  # fmt: skip
    """Caption and alternative text of `plot_event`, from the same tables; arguments and errors as there.

    >>> from datetime import date
    >>> which = {"event": "e", "start": date(2025, 1, 6), "title": "Closed", "measure": "NetTone()", "side": "pakistan"}
    >>> path = {**which, "window": 0, "first": 0, "last": 6, "estimate": 0.25, "low": 0.0, "high": 0.5, "part": "",
    ...         "n_authors": 40, "flags": "", "said": ""}
    >>> dates = pl.DataFrame(schema=dict.fromkeys(_PLACEBOS, pl.String))
    >>> tests = {**which, "p_pretrend": 0.4, "p_placebo": None, "n_gold": 30, "flags": ""}
    >>> print(describe_event(pl.DataFrame([path]), dates, pl.DataFrame([tests]))[1])
    Points with intervals around 6 January 2025, the net tone of posts from Pakistan. days 0 to 6: +0.25 (+0.00 to
    +0.50). No date without an event could be compared.
    """
    chosen = _choose(paths, placebos, effects, {"event": event, "measure": measure_name(measure), "side": side})
    first, shown = chosen.first, chosen.shown
    what, when = quantity(first["measure"], first["side"]), day_name(first["start"])
    authors = shown["n_authors"].drop_nulls()
    behind = f"at least {counted(int(authors.to_numpy().min()), 'author')}" if len(authors) else "no author"
    gold = chosen.tests.get("n_gold")
    scale = "Odds of the frame, as multiples of those" if chosen.share else "Differences of the measure from that"
    hidden = chosen.path.height - shown.height
    caption = [
        f"{what[:1].upper()}{what[1:]} around \u201c{first['title']}\u201d ({when}). {scale} of the last window before "
        "the event; bars are 95 % intervals, from the event on with the error of the coded posts on either side of it.",
        f"Days are corrected for the classifier's errors with coded posts ({_number(gold)} on the side of the event "
        f"that has fewer) and modelled with noise that carries over from day to day. Each window rests on {behind}, "
        "and so does the one it is held against.",
        "It assumes that without the event the windows would have gone on as before; no trend is taken out here. Test "
        f"that the windows before do not differ: {_p(chosen.tests.get('p_pretrend'))}.",
        _placebo_words(chosen),
        f"{counted(hidden, 'window')} of fewer than {MIN_AUTHORS} authors withheld." if hidden else "",
    ]
    said = [f"days {_day(row['first'])} to {_day(row['last'])}: {_said(chosen, row)}"
            for row in shown.iter_rows(named=True)]  # fmt: skip
    alt = f"Points with intervals around {when}, {what}. {'; '.join(said)}. {_placebo_words(chosen)}"
    return " ".join(part for part in caption if part), alt.strip()


def _choose(paths: Any, placebos: Any, effects: Any, wanted: dict[str, str]) -> _Chosen:
    """The rows of one event, measure and side, small cells withheld."""
    path = guarded_effects(columns_of(paths, _PATHS, "the table of paths"))
    dates = columns_of(placebos, _PLACEBOS, "the table of placebo dates")
    tests = columns_of(effects, _EFFECTS, "the table of effects")
    if path.is_empty():
        raise MeaningError("the table of paths has no rows; no event has enough days around it")
    for name, value in wanted.items():
        known = path[name].unique(maintain_order=True).to_list()
        if not value and len(known) > 1:
            raise MeaningError(f"the table of paths has several of {name} ({', '.join(known)}); choose one")
        one = one_of(value, known, name) if value else known[0]
        path, dates, tests = (table.filter(pl.col(name) == one) for table in (path, dates, tests))
    if path.is_empty():
        raise MeaningError("no row of the table of paths has this event, measure and side; choose those of one row")
    dates = guarded_effects(dates).drop_nulls("ratio") if dates.height else dates
    own = dates.filter(pl.col("day") == pl.col("start"))
    return _Chosen(
        path.row(0, named=True), path.sort("window"), dates.filter(pl.col("day") != pl.col("start")).sort("day"),
        own["ratio"][0] if own.height else None, tests.row(0, named=True) if tests.height else {},
    )  # fmt: skip


def _draw_path(ax: Axes, chosen: _Chosen, mark: Mark) -> None:
    ax.axhline(0.0, color="black", linewidth=thick(0.8), label="_zero")
    for row in chosen.shown.iter_rows(named=True):
        x, y = (row["first"] + row["last"] + 1) / 2, row["estimate"]
        reference = row["part"] == "reference"
        ax.hlines(y, row["first"], row["last"] + 1, color=mark.colour, linewidth=thick(0.8), alpha=0.6, label="_days")
        if not reference:
            ax.vlines(x, row["low"], row["high"], color=mark.colour, linewidth=thick(1.6), label="_interval")
        ax.plot(x, y, marker="D" if reference else mark.marker, markersize=thick(5.5), color=mark.colour,
                markerfacecolor="white" if reference or row["window"] < 0 else mark.colour, linestyle="none",
                label="_window")  # fmt: skip
    low, high = (np.array(chosen.shown[name].to_list(), dtype=np.float64) for name in ("low", "high"))
    bottom, top = float(min(low.min(), -0.05)), float(max(high.max(), 0.05))
    if chosen.share:
        bottom, top = max(bottom, -_MOST), min(top, _MOST)
        inside = [[float(np.log(odds)) for odds in some if bottom <= np.log(odds) <= top] for some in _ODDS]
        ax.yaxis.set_major_locator(FixedLocator(next((some for some in inside if len(some) > 2), inside[-1])))
        ax.yaxis.set_major_formatter(FuncFormatter(_times))
        ax.yaxis.set_minor_formatter(NullFormatter())
        label = "odds, as multiples of those\nof the last window before"
    else:
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+.2f}".replace("-", "\u2212")))
        label = "difference from\nthe last window before"
    room = 0.06 * (top - bottom)
    ax.set_ylim(bottom - room, top + 3.0 * room)
    ax.set_ylabel(label)
    what = quantity(chosen.first["measure"], chosen.first["side"])
    ax.set_title(plain(f"{what[:1].upper()}{what[1:]}"), loc="left", fontsize=size(9.0), **font_of(what))
    ax.text(0.01, 0.96, f"do the windows before differ? {_p(chosen.tests.get('p_pretrend'))}", va="top",
            transform=ax.transAxes, fontsize=size(8.0), color="#333333",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5})  # fmt: skip


def _draw_dates(ax: Axes, chosen: _Chosen, mark: Mark) -> None:
    if chosen.ratio is None or not chosen.compared:
        ax.set_yticks([])
        ax.text(0.01, 0.5, "no date without an event has enough days around it to be compared", va="center",
                transform=ax.transAxes, fontsize=size(8.0), color="#333333", zorder=4,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip
        return
    ax.set_ylabel("change, in\nstandard errors")
    since = [(day - chosen.first["start"]).days for day in chosen.dates["day"]]
    ax.plot(since, chosen.dates["ratio"].to_list(), linestyle="none", marker=".", markersize=thick(6.0),
            color="#777777", label="_placebo")  # fmt: skip
    ax.plot(0.0, chosen.ratio, linestyle="none", marker="*", markersize=thick(11.0), color=mark.colour, label="_own")
    ax.axhline(chosen.ratio, color=mark.colour, linewidth=thick(0.9), linestyle=(0, (2, 1.5)), label="_as_large")
    ax.set_ylim(0.0, 1.25 * max(chosen.ratio, float(chosen.dates["ratio"].to_numpy().max())))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _handles(chosen: _Chosen, mark: Mark) -> list[Line2D]:
    point: dict[str, Any] = {"color": mark.colour, "marker": mark.marker, "markersize": thick(5.5)}
    made = [
        Line2D([], [], linewidth=thick(1.6), markerfacecolor="white", label="window before, with interval", **point),
        Line2D([], [], linewidth=thick(1.6), label="window from the event on", **point),
        Line2D([], [], linestyle="none", markerfacecolor="white", label="the window that others are held against",
               **{**point, "marker": "D"}),
    ]  # fmt: skip
    if chosen.compared:
        made += [
            Line2D([], [], linestyle="none", marker="*", markersize=thick(11.0), color=mark.colour,
                   label="the event's change (dashed: as large)"),
            Line2D([], [], linestyle="none", marker=".", markersize=thick(6.0), color="#777777",
                   label="changes at dates without an event"),
        ]  # fmt: skip
    return [*made, Line2D([], [], color="#333333", linewidth=thick(1.0), linestyle=(0, (5, 2)), label="the event")]


def _placebo_words(chosen: _Chosen) -> str:
    if not chosen.compared:
        return "No date without an event could be compared."
    return (
        f"Of {counted(chosen.dates.height, 'date')} without an event before it, {chosen.as_large} show a change as "
        "large in standard errors; neighbouring dates share most of their days."
    )


def _said(chosen: _Chosen, row: dict[str, Any]) -> str:
    if row["part"] == "reference":
        return "what the others are held against"
    if chosen.share:
        value, low, high = (f"{np.exp(row[name]):.2f}" for name in ("estimate", "low", "high"))
        return f"odds times {value} ({low} to {high})"
    value, low, high = (f"{row[name]:+.2f}".replace("-", "\u2212") for name in ("estimate", "low", "high"))
    return f"{value} ({low} to {high})"


def _times(value: float, _: Any = None) -> str:
    return f"×{np.exp(value):.2g}"


def _day(day: int) -> str:
    return f"{day}".replace("-", "\u2212")


def _number(value: int | None) -> str:
    return "an unknown number" if value is None else f"{value:,}"


def _p(value: float | None) -> str:
    if value is None:
        return "not tested, too few of them"
    return "p < 0.001" if value < 0.001 else f"p = {value:.2f}" if value >= 0.01 else f"p = {value:.3f}"
