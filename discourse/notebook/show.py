"""One word that makes any table or figure of this package readable: names, percent, intervals, notes in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import polars as pl

from discourse.corpus.posts import FILES
from discourse.errors import SchemaError, UsageError
from discourse.impact.events import EventStudy
from discourse.notebook.effects import effect_tables, study_tables
from discourse.notebook.figure import ShownFigure
from discourse.notebook.scores import agreement_tables, coefficient_tables, curve_tables, score_tables
from discourse.notebook.series import guard_tables, series_tables
from discourse.notebook.table import Shown, ShownTable
from discourse.report.disclosure import suppress
from discourse.report.guard import MIN_AUTHORS, require_no_person
from discourse.report.rows import side_name
from discourse.schema import as_polars

__all__ = ["show"]

_BASES: Final = {
    "author": "a list of accounts",
    "country": "a geotag",
    "location": "a named place",
    "none": "no evidence",
    "community": "the community it was posted in",
}
_FEW: Final = "withheld"
_SERIES: Final = frozenset({"window", "side", "measure", "method", "weight", "estimate", "low", "high", "n_posts"})


def show(table: Any, *, most: int = 40) -> Shown | ShownFigure:
    """A table of this package as people read it, or a figure as a notebook shows it.

    What a table shows is told from its columns; of a figure its axes may be given, as `plot_shares` returns them.
    It knows a series (`over_time`), its `guards`, `agreement`, `agreement_table`, the scores of an `Evaluation`, a
    `learning_curve`, the effects of a study, an `EventStudy`, the account of a corpus' `files` and the evidence for
    sides. Of a series with more than `most` windows the first and the last are shown. Numbers that rest on fewer than
    10 authors are withheld; the table itself stays as it is, for everything that computes.

    Raises `SchemaError` for another table, `PrivacyError` for one about single persons, `UsageError` where `most` is
    below 2.

    >>> from datetime import datetime, timezone
    >>> row = {"window": "2025-01-06", "start": datetime(2025, 1, 6, tzinfo=timezone.utc), "side": "pakistan",
    ...        "end": datetime(2025, 1, 13, tzinfo=timezone.utc), "measure": "Prevalence('both')", "method": "cc",
    ...        "weight": "author", "estimate": 0.31, "low": 0.27, "high": 0.36, "n_posts": 80, "n_authors": 40}
    >>> print(repr(show(pl.DataFrame([row]))).splitlines()[2])
      6 January 2025  31 % (27 to 36)
    """
    figure = getattr(table, "figure", table)
    if hasattr(figure, "savefig"):
        return ShownFigure.of(figure)
    if isinstance(table, EventStudy):
        return Shown(tuple(study_tables(table)))
    if most < 2:
        raise UsageError(f"most is {most}; it must be 2 or more, like 40")
    frame = require_no_person(as_polars(table), "the table that is shown")
    if set(frame.columns) >= _SERIES:
        return Shown(tuple(series_tables(frame, most)))
    for columns, made in _KINDS:
        if columns <= set(frame.columns):
            return Shown(tuple(made(frame)))
    raise SchemaError(
        f"show was given a table with the columns {', '.join(frame.columns)}; it knows series, guards, agreement, "
        "scores, learning curves, effects, files and the evidence for sides: look at the table itself instead"
    )


def _file_tables(frame: pl.DataFrame) -> list[ShownTable]:
    counts = ("read", "accepted", "duplicates", "quarantined")
    rows = [(row["file"], row["format"], *(f"{row[name]:,}" for name in counts)) for row in frame.to_dicts()]
    if len(rows) > 1:
        rows.append(("all files", "", *(f"{frame[name].sum():,}" for name in counts)))
    note = "Accepted, duplicates and quarantined add up to what was read: no row is lost."
    return [ShownTable("What became of every row", ("file", "format", *counts), tuple(rows), (note,))]


def _evidence_tables(frame: pl.DataFrame) -> list[ShownTable]:
    named = frame.with_columns(pl.col("side").fill_null("unknown"), pl.col("basis").fill_null("none"))
    guarded = suppress(
        named, ["side", "basis"], totals=[("basis",), ("side",), ()], values=("posts",), authors="authors"
    )
    rows = tuple(
        (side_name(row["side"]), _BASES.get(row["basis"], row["basis"]),
         *(_FEW if row["withheld"] else f"{row[name]:,}" for name in ("posts", "authors")))
        for row in guarded.to_dicts()
    )  # fmt: skip
    note = f"Withheld: fewer than {MIN_AUTHORS} authors, or a number that would give such a one away."
    return [ShownTable("What decided the side of a post", ("side", "evidence", "posts", "authors"), rows, (note,))]


_KINDS: Final[tuple[tuple[frozenset[str], Callable[[pl.DataFrame], list[ShownTable]]], ...]] = (
    (frozenset({"side", "window", "flag", "labels", "said"}), guard_tables),
    (frozenset({"variable", "group", "class", "statistic", "estimate", "n_units"}), coefficient_tables),
    (frozenset({"variable", "group", "percent", "alpha", "n_units", "n_coders"}), agreement_tables),
    (frozenset({"model", "group", "metric", "class", "estimate", "low", "high", "n"}), score_tables),
    (frozenset({"n", "macro_f1", "gain", "rare", "rare_ap", "tested"}), curve_tables),
    (frozenset({"event", "measure", "side", "change", "change_low", "p_holm", "flags", "said"}), effect_tables),
    (frozenset(FILES.columns), _file_tables),
    (frozenset({"side", "basis", "posts", "authors"}), _evidence_tables),
)
