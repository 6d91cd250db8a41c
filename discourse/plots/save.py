"""Figures on disk: SVG, PNG, PDF and the rows behind them as CSV, the same bytes whenever they are made."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from discourse.errors import UsageError
from discourse.plots.marks import look
from discourse.report.guard import plain, require_no_person, shown
from discourse.schema import as_polars
from discourse.whole import write_whole

__all__ = ["csv_bytes", "figure_bytes", "plain", "save_figure"]

DPI = 150
_FORMULA = r"^\s*[=+\-@\t\r\n＝＋－＠]"


def save_figure(
    axes_or_figure: Axes | Figure, stem: str | Path, table: Any, *, title: str, description: str
) -> tuple[Path, Path, Path, Path]:
    """Write `stem`.svg, `stem`.png (150 dots an inch), `stem`.pdf and `stem`.csv; returns the four paths.

    `table` holds the rows behind the figure; small cells are withheld from it and string cells that a
    spreadsheet would run as a formula get a leading `'`. `title` and `description` go into the metadata. The
    same figure and table give the same bytes. Raises `PrivacyError` for a table about persons and `UsageError`
    when the files cannot be written.

    >>> import tempfile
    >>> figure = Figure()
    >>> line = figure.add_subplot().plot([1, 2])
    >>> rows = pl.DataFrame({"y": [1.0, 2.0]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = save_figure(figure, Path(folder) / "rise", rows, title="A rise", description="From 1 to 2")
    >>> [path.name for path in paths]
    ['rise.svg', 'rise.png', 'rise.pdf', 'rise.csv']
    """
    stem = Path(stem)
    rows = csv_bytes(table)
    svg, png, pdf = figure_bytes(axes_or_figure, title=title, description=description)
    made = []
    for ending, content in (("svg", svg), ("png", png), ("pdf", pdf), ("csv", rows)):
        made.append(write_whole(stem.with_name(f"{stem.name}.{ending}"), content))
    return made[0], made[1], made[2], made[3]


def figure_bytes(axes_or_figure: Axes | Figure, *, title: str, description: str) -> tuple[bytes, bytes, bytes]:
    """The figure as SVG, PNG and PDF, without date, host or path. Its layout is settled once and then kept.

    Letters are paths in the SVG; the PDF holds the fonts it needs.

    >>> svg, png, pdf = figure_bytes(Figure(), title="Empty", description="Nothing")
    >>> svg[:5], png[1:4], pdf[:4]
    (b'<?xml', b'PNG', b'%PDF')
    """
    figure = axes_or_figure if isinstance(axes_or_figure, Figure) else axes_or_figure.get_figure(root=True)
    if figure is None:
        raise UsageError("these axes belong to no figure; pass those that a plot_ function gave")
    words = {"Title": _metadata(title), "Description": _metadata(description)}
    svg, png, pdf = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with look():
        canvas = FigureCanvasAgg(figure)
        figure.draw_without_rendering()
        # A second layout at another resolution would move things by fractions of a pixel.
        figure.set_layout_engine(None)
        canvas.print_figure(svg, format="svg", metadata={**words, "Date": None, "Creator": None})
        canvas.print_figure(png, format="png", dpi=DPI, metadata={**words, "Software": None})
        about = {"Title": words["Title"], "Subject": words["Description"]}
        undated = dict.fromkeys(("CreationDate", "Creator", "Producer"))
        canvas.print_figure(pdf, format="pdf", metadata={**about, **undated})
    return svg.getvalue(), png.getvalue(), pdf.getvalue()


def csv_bytes(table: Any) -> bytes:
    r"""A table as CSV in UTF-8: small cells withheld, formulas disarmed, floats that read back as they were.

    Raises `PrivacyError` for a table with ids or texts.

    >>> csv_bytes(pl.DataFrame({"title": ["=1+1"], "share": [0.1]}))
    b"title,share\n'=1+1,0.1\n"
    """
    rows = require_no_person(shown(as_polars(table)), "the figure's table")
    disarmed = [
        pl.when(pl.col(name).str.contains(_FORMULA)).then(pl.format("'{}", pl.col(name))).otherwise(name).alias(name)
        for name, dtype in rows.schema.items()
        if dtype == pl.String
    ]
    risky = {name: f"'{name}" for name in rows.columns if re.match(_FORMULA, name)}
    return rows.with_columns(disarmed).rename(risky).write_csv().encode("utf-8")


def _metadata(text: str) -> str:
    return plain(text).replace(r"\$", "$").strip()
