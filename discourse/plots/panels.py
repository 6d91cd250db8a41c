"""Panels, legends and the period of a figure, and the columns of the table behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from discourse.errors import MeaningError, SchemaError
from discourse.plots.marks import day_number
from discourse.plots.style import figure_of_size, lettered, thick
from discourse.schema import as_polars

__all__ = [
    "columns_of",
    "counted",
    "figure_of",
    "greatest",
    "legend_below",
    "partial_handle",
    "period_of",
    "spread",
    "stacked",
]


def columns_of(table: Any, names: Sequence[str], what: str, also: Sequence[str] = ()) -> pl.DataFrame:
    """The columns `names` of a table, and those of `also` that it has. Raises `SchemaError` for one that is missing.

    >>> columns_of(pl.DataFrame({"n": [1]}), ("n", "side"), "the counts")
    Traceback (most recent call last):
    discourse.errors.SchemaError: the counts has no column 'side'; it needs n, side
    """
    frame = as_polars(table)
    for name in names:
        if name not in frame.columns:
            raise SchemaError(f"{what} has no column {name!r}; it needs {', '.join(names)}")
    return frame.select(*names, *(name for name in also if name in frame.columns))


def stacked(panels: int) -> list[Axes]:
    """Panels one above the other with common axes, in a new figure.

    >>> len(stacked(2))
    2
    """
    figure = figure_of_size(8.0, 1.9 + 2.1 * panels)
    made = figure.subplots(panels, 1, sharex=True, sharey=True, squeeze=False)
    return list(made[:, 0])


def figure_of(ax: Axes) -> Figure:
    """The figure of axes. Raises `MeaningError` for axes that belong to none.

    >>> ax = stacked(1)[0]
    >>> figure_of(ax) is ax.figure
    True
    """
    figure = ax.get_figure(root=True)
    if figure is None:
        raise MeaningError("these axes belong to no figure")
    return figure


def legend_below(figure: Figure, handles: Sequence[Line2D | Patch], most: int = 3) -> Legend:
    """One legend under all panels, at most `most` entries beside one another.

    >>> figure = figure_of(stacked(1)[0])
    >>> [text.get_text() for text in legend_below(figure, [Line2D([], [], label="truth")]).get_texts()]
    ['truth']
    """
    legend = figure.legend(handles=list(handles), loc="outside lower center", ncols=min(len(handles), most))
    lettered(legend.get_texts())
    return legend


def period_of(rows: pl.DataFrame) -> tuple[float, float]:
    """From the first start to the last end, in matplotlib days.

    >>> from datetime import datetime
    >>> period_of(pl.DataFrame({"start": [datetime(1970, 1, 2)], "end": [datetime(1970, 1, 9)]}))
    (1.0, 8.0)
    """
    days = [[day_number(at) for at in rows[name]] for name in ("start", "end")]
    return min(days[0]), max(days[1])


def greatest(values: pl.Series) -> float:
    """The greatest known value, 0 if there is none.

    >>> greatest(pl.Series([0.25, None, float("nan")]))
    0.25
    """
    known = values.cast(pl.Float64).drop_nulls().drop_nans()
    return float(known.to_numpy().max()) if len(known) else 0.0


def partial_handle(rows: pl.DataFrame) -> list[Line2D | Patch]:
    """The legend's entry for hollow markers, if any is drawn.

    >>> partial_handle(pl.DataFrame({"estimate": [0.5], "flags": [""]}))
    []
    """
    drawn = rows.filter(pl.col("estimate").is_not_null(), pl.col("flags").str.contains("partial", literal=True))
    if drawn.is_empty():
        return []
    hollow: dict[str, Any] = {"color": "#333333", "markerfacecolor": "white", "markersize": thick(4.5)}
    return [Line2D([], [], linestyle="none", marker="o", label="hollow: window covered in part", **hollow)]


def counted(n: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "post"), counted(1200, "post"), counted(0, "copy", "copies")
    ('1 post', '1,200 posts', '0 copies')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {plural or noun + 's'}"


def spread(values: Sequence[int]) -> str:
    """The least and the greatest of some numbers, or the one that they are.

    >>> spread([1200, 40, 90]), spread([40, 40])
    ('40 to 1,200', '40')
    """
    least, most = min(values), max(values)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"
