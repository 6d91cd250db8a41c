"""The figures of the series, of the posts and of the classifier: each from the tables of a study to a drawing."""

from __future__ import annotations

from typing import Final

import polars as pl

from discourse.corpus.sides import Sides
from discourse.events import read_events
from discourse.indices.polarization import Polarization
from discourse.measure.windows import Calendar, place_in_windows
from discourse.plots.correction import describe_correction, plot_correction
from discourse.plots.series import plot_composition, plot_confusion, plot_polarization, plot_shares, plot_truth
from discourse.report.composition import composition
from discourse.report.guard import MIN_AUTHORS
from discourse.report.rows import headline
from discourse.report.thin import shown_confusion
from discourse.report.words import alt_text, caption, describe_composition, describe_confusion, describe_truth
from discourse.simulate.conflict import windowed_truth
from discourse.store.saved import load_corpus
from discourse.study.figure_kinds import Drawn, drawn_or_why
from discourse.study.stages import Desk, read_series

__all__ = [
    "draw_composition",
    "draw_confusion",
    "draw_correction",
    "draw_polarization",
    "draw_shares",
    "draw_truth",
    "events_of",
]

_TITLES: Final = {
    "esteban-ray": "Polarization within each side",
    "net-tone-gap": "Gap of the net tones between the sides",
    "cramer-squared": "Distance between the sides",
}


def events_of(desk: Desk) -> pl.DataFrame | None:
    """The events of a study, for the lines in its figures."""
    return read_events(desk.study.events) if desk.study.events else None


def draw_shares(desk: Desk, frame: str) -> Drawn:
    """The share of a frame over time."""
    series, key = read_series(desk), f"Prevalence({frame!r})"
    axes = plot_shares(series, frame, events=events_of(desk))
    return Drawn(axes, headline(series, key), f"Share of {frame} posts", caption(series, key), alt_text(series, key))


def draw_correction(desk: Desk, frame: str) -> Drawn:
    """The share of a frame as it is counted, and corrected."""
    series, key = read_series(desk), f"Prevalence({frame!r})"
    table = pl.concat([headline(series, key, method=method) for method in ("cc", "poststrat")])
    return drawn_or_why(
        f"Share of {frame} posts, counted and corrected", table,
        lambda: plot_correction(series, frame, events=events_of(desk)), lambda: describe_correction(series, frame),
    )  # fmt: skip


def draw_polarization(desk: Desk, kind: str) -> Drawn:
    """A measure of polarization over time."""
    series, key = read_series(desk), repr(Polarization(kind))
    axes = plot_polarization(series, key, events=events_of(desk))
    return Drawn(axes, headline(series, key), _TITLES[kind], caption(series, key), alt_text(series, key))


def draw_composition(desk: Desk) -> Drawn:
    """What was posted, by window, side and language, without small cells."""
    sides = Sides.from_toml(desk.study.sides)
    calendar = Calendar(desk.study.measure.every, dict(sides.timezones))
    counts = composition(place_in_windows(load_corpus(desk.path("corpus")).posts, calendar))
    open_counts = counts.drop_nulls("posts")
    few = counts.height - open_counts.height
    text, alt = describe_composition(open_counts)
    hidden = f" {few} cells of fewer than {MIN_AUTHORS} authors, or that would tell one, are not shown." if few else ""
    return Drawn(plot_composition(open_counts), counts, "What was posted", text + hidden, alt)


def draw_confusion(desk: Desk) -> Drawn:
    """What the classifier makes of each frame."""
    confusion = shown_confusion(pl.read_csv(desk.path("confusion.csv")))
    return Drawn(plot_confusion(confusion), confusion, "Confusion of the classifier", *describe_confusion(confusion))


def draw_truth(desk: Desk, frame: str) -> Drawn:
    """Known truth of a share beside what was measured; only a made-up corpus has it."""
    series, path = read_series(desk), desk.study.truth or ""
    truth = windowed_truth(pl.read_csv(path, try_parse_dates=True), desk.study.measure.every)
    key = f"Prevalence({frame!r})"
    known = truth.filter(pl.col("frame") == frame).select("window", "side", truth="share")
    parts = [headline(series, key, method=method) for method in ("poststrat", "cc")]
    table = pl.concat(parts).join(known, on=["window", "side"], how="inner", maintain_order="left")
    words = describe_truth(series, truth, frame)
    return Drawn(plot_truth(series, truth, frame), table, f"Known truth of the {frame} share", *words)
