"""Tables of the page as text: heads people can read, numbers in their clothes, small cells withheld."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import polars as pl

from discourse.corpus.posts import FILES, Step
from discourse.errors import SchemaError
from discourse.page.effects import COLUMNS
from discourse.report.guard import MIN_AUTHORS, require_no_person, suppress
from discourse.report.rows import language_name, side_name
from discourse.schema import as_polars

__all__ = ["Grid", "few", "files_grid", "grid", "history_grid", "printed", "thin"]

MISSING = "\u2013"
FEW = f"<{MIN_AUTHORS}"
WITHHELD = "withheld"
_NAMES = {
    "file": "File", "format": "Format", "read": "Rows read", "accepted": "Accepted", "duplicates": "Duplicates",
    "quarantined": "Set aside", "step": "Step", "before": "Before", "after": "After", "reason": "Reason",
    "outcome": "Outcome", "rows": "Rows", "side": "Side", "basis": "Evidence", "posts": "Posts", "authors": "Authors",
    "conflicts": "Conflicting evidence", "lang": "Language", "scored": "With a sentiment score", "share": "Share",
    "variable": "Variable", "group": "Group", "n_units": "Posts coded twice or more", "n_coders": "Coders",
    "percent": "Agreement, %", "alpha": "Alpha", "low": "Low", "high": "High", "model": "Model", "metric": "Metric",
    "class": "Frame", "estimate": "Estimate", "n": "Posts", "measure": "Measure", "method": "Method",
    "weight": "Weight", "window": "Window", "baseline": "Sides shuffled", "n_posts": "Posts",
    "n_authors": "Authors", "n_gold": "Coded posts", "flags": "Notes", "what": "What", "value": "Value", **COLUMNS,
    "decision": "Decision", "frozen": "Frozen", "now": "Now", "decided": "Decided", "says": "Expected",
    "answer": "The data say", "why": "Why not told", "direction": "Direction", "id": "Hypothesis",
}  # fmt: skip
_WORDS: dict[str, Callable[[str], str]] = {
    "side": side_name,
    "lang": language_name,
    "reason": lambda value: value.replace("_", " "),
    "outcome": lambda value: "set aside" if value == "quarantined" else value,
}
_COUNTED = frozenset({"posts", "authors", "estimate", "n_posts", "n_authors", "n", "n_gold"})


@dataclass(frozen=True)
class Grid:
    """A table ready to be printed: head and rows of strings, and which columns are numbers."""

    title: str
    head: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


def grid(title: str, table: Any) -> Grid:
    """A table with its columns named for readers. Raises `PrivacyError` for a column about single persons.

    >>> grid("Languages", pl.DataFrame({"lang": ["ur"], "posts": [1234]})).rows
    (('Urdu', '1,234'),)
    """
    frame = require_no_person(as_polars(table), f"the table {title!r}")
    head = tuple(_NAMES.get(name, name) for name in frame.columns)
    numeric = tuple(dtype.is_numeric() or name in _COUNTED for name, dtype in frame.schema.items())
    rows = tuple(tuple(printed(v, c) for v, c in zip(row, frame.columns, strict=True)) for row in frame.iter_rows())
    return Grid(title, head, numeric, rows)


def printed(value: Any, column: str) -> str:
    r"""A value as the page prints it; what it is hangs on the name of its column.

    >>> printed(0.5, "share"), printed(-0.5, "estimate"), printed(None, "estimate"), printed("ps", "lang")
    ('50.0\xa0%', '−0.500', '–', 'Pashto')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{100 * value:.1f}\u00a0%" if column == "share" else f"{value:.3f}".replace("-", "\u2212")
    words = _WORDS.get(column)
    return words(str(value)) if words else str(value)


def files_grid(files: Any) -> Grid:
    """One row a file, checked to add up, and their sum. Raises `SchemaError` where they do not."""
    table = FILES.frame(as_polars(files)).sort("file")
    parts = pl.col("accepted") + pl.col("duplicates") + pl.col("quarantined")
    if table.filter(parts != pl.col("read")).height:
        raise SchemaError("accepted, duplicates and quarantined of a file do not add up to the rows read")
    table = table.with_columns(pl.col("file").map_elements(_bare_name, return_dtype=pl.String))
    counts = [name for name, dtype in FILES.columns.items() if dtype == pl.Int64]
    table = table.drop([name for name in ("edits", "deleted") if not table[name].sum()])
    total = table.select(
        pl.lit("all files").alias("file"), pl.lit("").alias("format"), pl.col(set(counts) & set(table.columns)).sum()
    ).select(table.columns)
    return grid("Rows read from each file, and what became of them", pl.concat([table, total.head(1)]))


def history_grid(history: Sequence[Step]) -> Grid:
    """The steps of a corpus, one a row."""
    rows = [(step.step, step.before, step.after, step.reason) for step in history]
    schema = {"step": pl.String, "before": pl.Int64, "after": pl.Int64, "reason": pl.String}
    return grid("Steps from the rows read to the posts measured", pl.DataFrame(rows, schema=schema, orient="row"))


def few(table: Any) -> pl.DataFrame:
    """A table of counts with small cells hidden: by authors where they are counted, else by posts.

    Where a hidden count would follow from a total (of all posts, or of a side), another one is withheld with it.
    """
    frame = as_polars(table)
    by = next((name for name in ("authors", "posts") if name in frame.columns), None)
    if by is None:
        return frame
    small = ((pl.col(by) > 0) & (pl.col(by) < MIN_AUTHORS)).fill_null(value=False)
    numbers = [name for name, dtype in frame.schema.items() if dtype.is_numeric()]
    also = pl.lit(pl.Series(_companions(frame, by), dtype=pl.Boolean))
    return frame.with_columns(
        pl.when(small)
        .then(pl.lit(FEW if name == by else WITHHELD))
        .when(also)
        .then(pl.lit(WITHHELD))
        .otherwise(_column(frame, name))
        .alias(name)
        for name in numbers
    )


def thin(table: Any, count: str, values: Sequence[str]) -> pl.DataFrame:
    """A table of scores, those on fewer than 10 posts withheld with their intervals."""
    frame = as_polars(table)
    if count not in frame.columns:
        return frame
    small = (pl.col(count) < MIN_AUTHORS).fill_null(value=False)
    hidden = [name for name in (*values, "low", "high") if name in frame.columns]
    return frame.with_columns(
        *(pl.when(small).then(pl.lit(WITHHELD)).otherwise(_column(frame, name)).alias(name) for name in hidden),
        pl.when(small).then(pl.lit(FEW)).otherwise(_column(frame, count)).alias(count),
    )


def _companions(frame: pl.DataFrame, by: str) -> list[bool]:
    named = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    if "posts" not in frame.columns or not named or frame.select(named).is_duplicated().any():
        return [False] * frame.height
    cells = frame.select(*named, "posts", _authors=pl.col(by)).with_columns(pl.col(named).fill_null(""))
    totals = ((), *((name,) for name in named if len(named) > 1))
    return suppress(cells, named, totals=totals, authors="_authors")["withheld"].to_list()


def _column(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.lit(pl.Series(name, [printed(value, name) for value in frame[name]], dtype=pl.String))


def _bare_name(file: str) -> str:
    """A file's name as it was given; of an absolute path only the last part."""
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(file).is_absolute():
            return kind(file).name
    return file
