"""The report: one HTML file that needs nothing else, runs nothing and holds nothing about a person.

What a reader needs first comes first: the answer in words, then what was read, dropped and why, then figures.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import jinja2
import polars as pl
from markupsafe import Markup

from discourse.corpus.posts import FILES, Step
from discourse.errors import SchemaError, UsageError
from discourse.report.effects_page import COLUMNS, EffectTables, effect_sentences, effect_tables
from discourse.report.guard import MIN_AUTHORS, require_no_person, shown, suppress, visible
from discourse.report.rows import language_name, side_name
from discourse.schema import SERIES, as_polars
from discourse.whole import write_whole

__all__ = ["ReportContent", "ReportFigure", "render_report", "write_report"]

MISSING = "\u2013"
FEW = f"<{MIN_AUTHORS}"
WITHHELD = "withheld"
_CSV = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.csv")
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
_SERIES = ("measure", "method", "weight", "side", "window", "estimate", "low", "high", "baseline", "n_posts",
           "n_authors", "n_gold", "flags")  # fmt: skip


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the page: its SVG, its words, and the name of the CSV file beside the page with its rows."""

    title: str
    caption: str
    alt: str
    svg: bytes = field(repr=False)
    csv: str = ""


@dataclass(frozen=True)
class ReportContent:
    """Everything the page says. Tables without rows are left out, except the account of rows.

    `answer` are the sentences of `answer_sentences`; `files` has the columns of `corpus.posts.FILES`; `history`
    the steps of the corpus; `quarantine` reason and rows (any further count columns are shown too); `sides`
    that of `Sides.evidence`; `languages` that of `text.sentiment.coverage`; `labels` pairs of what and value;
    `agreement`, `scores` and `series` the tables of those names, `effects` those of the stage `effects` with small
    cells withheld. `cautions` are sentences of guards, `decided` those of what was frozen, with the table
    `decisions`, and `hypotheses` the answers to those named beforehand. `methods` are notes for readers without
    statistics, `cite` lines on how to cite, `manifest` the record of `manifest`. `made_up` marks a corpus that no
    person wrote.
    """

    title: str
    made_up: bool
    answer: Sequence[str]
    files: pl.DataFrame
    history: Sequence[Step]
    quarantine: pl.DataFrame = field(default_factory=pl.DataFrame)
    sides: pl.DataFrame = field(default_factory=pl.DataFrame)
    languages: pl.DataFrame = field(default_factory=pl.DataFrame)
    labels: Sequence[tuple[str, str | int | float]] = ()
    agreement: pl.DataFrame = field(default_factory=pl.DataFrame)
    scores: pl.DataFrame = field(default_factory=pl.DataFrame)
    series: pl.DataFrame = field(default_factory=SERIES.empty)
    effects: EffectTables | None = None
    cautions: Sequence[str] = ()
    decided: Sequence[str] = ()
    decisions: pl.DataFrame = field(default_factory=pl.DataFrame)
    hypotheses: pl.DataFrame = field(default_factory=pl.DataFrame)
    figures: Sequence[ReportFigure] = ()
    methods: Sequence[str] = ()
    cite: Sequence[str] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """A table ready to be printed: head and rows of strings, and which columns are numbers."""

    title: str
    head: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


def write_report(path: str | Path, content: ReportContent) -> Path:
    """Write the page; returns its path. The same content gives the same bytes. Raises as `render_report`.

    >>> import tempfile
    >>> content = ReportContent("Demo", True, ("Nothing was measured.",), FILES.empty(), ())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(Path(folder) / "report.html", content).read_text(encoding="utf-8")[:15]
    '<!doctype html>'
    """
    return write_whole(path, render_report(content).encode("utf-8"))


def render_report(content: ReportContent) -> str:
    """The page as text. Cells with fewer than 10 authors are printed as "<10" and what they show is withheld.

    Raises `PrivacyError` when a table has a column about single persons, `SchemaError` when the account of
    rows does not add up, `UsageError` for a figure that is no SVG or a CSV name that is not a plain file name.

    >>> content = ReportContent("<b>", False, (), FILES.empty(), ())
    >>> "<h1>&lt;b&gt;</h1>" in render_report(content)
    True
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, finalize=_finalize, trim_blocks=True, lstrip_blocks=True
    )
    source = resources.files("discourse.report").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        content=content,
        files=_files_grid(content.files),
        history=_history_grid(content.history),
        quarantine=_grid("Why rows were set aside", content.quarantine),
        sides=_grid("Evidence for the side of a post", _few(content.sides)),
        languages=_grid("Posts by language, and how many have a sentiment score", _few(content.languages)),
        labels=_grid("Labels", pl.DataFrame([(w, _text(v, "value")) for w, v in content.labels],
                                            schema=["what", "value"], orient="row")),
        agreement=_grid("Agreement of the coders", _thin(content.agreement, "n_units", ("percent", "alpha"))),
        scores=_grid("Scores on posts the classifier was not trained on", _thin(content.scores, "n", ("estimate",))),
        series=_grid("The measures, window by window", _series_table(content.series)),
        effects=() if content.effects is None else effect_sentences(content.effects),
        effect_tables=[_grid(title, table) for title, table in effect_tables(content.effects)]
        if content.effects is not None else [],
        decisions=_grid("What was decided, and when", content.decisions),
        hypotheses=_grid("What was expected, and what the data say", content.hypotheses),
        figures=[_figure(figure) for figure in content.figures],
        manifest=_manifest_rows(content.manifest),
    )  # fmt: skip


def _figure(figure: ReportFigure) -> dict[str, Any]:
    if not figure.svg.lstrip().startswith((b"<?xml", b"<svg")):
        raise UsageError(f"the figure {figure.title!r} is no SVG; give the bytes of the .svg file save_figure wrote")
    if figure.csv and not _CSV.fullmatch(figure.csv):
        raise UsageError(f"the CSV name of figure {figure.title!r} must be a plain file name like 'shares.csv'")
    encoded = base64.b64encode(figure.svg).decode("ascii")
    return {"title": figure.title, "caption": figure.caption, "alt": figure.alt, "csv": figure.csv,
            "src": f"data:image/svg+xml;base64,{encoded}"}  # fmt: skip


def _files_grid(files: Any) -> Grid:
    """One row a file, checked to add up, and their sum."""
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
    return _grid("Rows read from each file, and what became of them", pl.concat([table, total.head(1)]))


def _history_grid(history: Sequence[Step]) -> Grid:
    rows = [(step.step, step.before, step.after, step.reason) for step in history]
    schema = {"step": pl.String, "before": pl.Int64, "after": pl.Int64, "reason": pl.String}
    return _grid("Steps from the rows read to the posts measured", pl.DataFrame(rows, schema=schema, orient="row"))


def _grid(title: str, table: Any) -> Grid:
    frame = require_no_person(as_polars(table), f"the table {title!r}")
    head = tuple(_NAMES.get(name, name) for name in frame.columns)
    numeric = tuple(
        dtype.is_numeric() or name in {"posts", "authors", "estimate", "n_posts", "n_authors", "n", "n_gold"}
        for name, dtype in frame.schema.items()
    )
    rows = tuple(tuple(_text(v, c) for v, c in zip(row, frame.columns, strict=True)) for row in frame.iter_rows())
    return Grid(title, head, numeric, rows)


def _text(value: Any, column: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{100 * value:.1f}\u00a0%" if column == "share" else f"{value:.3f}".replace("-", "\u2212")
    if column == "side":
        return side_name(str(value))
    return language_name(str(value)) if column == "lang" else str(value)


def _few(table: Any) -> pl.DataFrame:
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
        .otherwise(_printed(frame, name))
        .alias(name)
        for name in numbers
    )


def _companions(frame: pl.DataFrame, by: str) -> list[bool]:
    named = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    if "posts" not in frame.columns or not named or frame.select(named).is_duplicated().any():
        return [False] * frame.height
    cells = frame.select(*named, "posts", _authors=pl.col(by)).with_columns(pl.col(named).fill_null(""))
    totals = ((), *((name,) for name in named if len(named) > 1))
    return suppress(cells, named, totals=totals, authors="_authors")["withheld"].to_list()


def _thin(table: Any, count: str, values: Sequence[str]) -> pl.DataFrame:
    """A table of scores, those on fewer than 10 posts withheld with their intervals."""
    frame = as_polars(table)
    if count not in frame.columns:
        return frame
    small = (pl.col(count) < MIN_AUTHORS).fill_null(value=False)
    hidden = [name for name in (*values, "low", "high") if name in frame.columns]
    return frame.with_columns(
        *(pl.when(small).then(pl.lit(WITHHELD)).otherwise(_printed(frame, name)).alias(name) for name in hidden),
        pl.when(small).then(pl.lit(FEW)).otherwise(_printed(frame, count)).alias(count),
    )


def _series_table(series: Any) -> pl.DataFrame:
    """The headline columns of a series; cells with fewer than 10 authors hidden."""
    given = as_polars(series)
    if given.is_empty():
        return pl.DataFrame()
    frame = shown(SERIES.frame(given)).select(_SERIES)
    hidden = pl.col("n_posts").is_null()
    few = hidden & pl.col("flags").fill_null("").str.contains("withheld", literal=True)
    counts = [
        pl.when(few).then(pl.lit(text)).when(hidden).then(pl.lit(WITHHELD)).otherwise(_printed(frame, name)).alias(name)
        for name, text in (("n_authors", FEW), ("n_posts", WITHHELD), ("n_gold", WITHHELD))
    ]
    withheld = pl.col("estimate").is_null() & pl.col("flags").fill_null("").str.contains("withheld", literal=True)
    estimate = pl.when(withheld).then(pl.lit(WITHHELD)).otherwise(_printed(frame, "estimate"))
    return frame.with_columns(*counts, estimate.alias("estimate"))


def _printed(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.lit(pl.Series(name, [_text(value, name) for value in frame[name]], dtype=pl.String))


def _manifest_rows(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The record as pairs, nested names joined by a dot, in the order of the names."""
    made = []
    for key in sorted(record):
        value = record[key]
        if isinstance(value, Mapping):
            made += [(f"{key}.{name}", text) for name, text in _manifest_rows(value)] or [(key, "none")]
        else:
            made.append((key, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)))
    return made


def _bare_name(file: str) -> str:
    """A file's name as it was given; of an absolute path only the last part."""
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(file).is_absolute():
            return kind(file).name
    return file


def _finalize(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
