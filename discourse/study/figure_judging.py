"""Figures of what the measure rests on: coders, classifier, and the words that carry a frame."""

from __future__ import annotations

import polars as pl

from discourse.judging.reliability import RELIABILITY
from discourse.plots.judging import (
    describe_agreement,
    describe_calibration,
    describe_learning_curve,
    plot_agreement,
    plot_calibration,
    plot_learning_curve,
)
from discourse.plots.words import describe_words_grid, plot_words_grid
from discourse.report.guard import MIN_AUTHORS
from discourse.report.thin import shown_reliability
from discourse.study.figure_kinds import Drawn, drawn_or_why
from discourse.study.stages import Desk

__all__ = ["draw_agreement", "draw_calibration", "draw_learning_curve", "draw_words", "has_words"]


def draw_agreement(desk: Desk) -> Drawn:
    """How far coders agree; groups of few coded posts have no number."""
    table = pl.read_csv(desk.path("agreement.csv"), infer_schema_length=None).fill_nan(None)
    few = (pl.col("n_units") < MIN_AUTHORS).fill_null(value=False)
    hidden = ("percent", "alpha", "low", "high")
    table = table.with_columns(pl.when(~few).then(name).alias(name) for name in (*hidden, "n_units"))
    return drawn_or_why(
        "Agreement of the coders", table, lambda: plot_agreement(table), lambda: describe_agreement(table)
    )


def draw_calibration(desk: Desk) -> Drawn:
    """Whether the classifier's probabilities mean what they say."""
    table = shown_reliability(pl.read_csv(desk.path("calibration.csv"), schema_overrides=RELIABILITY))
    return drawn_or_why(
        "Probabilities of the classifier", table, lambda: plot_calibration(table), lambda: describe_calibration(table)
    )


def draw_learning_curve(desk: Desk) -> Drawn:
    """What more coded posts would give."""
    table = pl.read_csv(desk.path("curve.csv"), infer_schema_length=None)
    return drawn_or_why(
        "Learning curve of the classifier", table, lambda: plot_learning_curve(table),
        lambda: describe_learning_curve(table),
    )  # fmt: skip


def has_words(desk: Desk, frame: str) -> bool:
    """Whether any word of a frame may be shown."""
    path = desk.path("words.csv")
    return path.exists() and frame in set(pl.read_csv(path, columns=["frame"])["frame"])


def draw_words(desk: Desk, frame: str) -> Drawn:
    """The words that add most to the score of a frame, by language."""
    words = pl.read_csv(desk.path("words.csv"), infer_schema_length=None)
    return drawn_or_why(
        f"What carries “{frame}” in the model", words.filter(frame=frame),
        lambda: plot_words_grid(words, frame=frame), lambda: describe_words_grid(words, frame=frame),
    )  # fmt: skip
