"""A small table that prints itself: words and numbers that are ready to be read, in a notebook and in a terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from discourse.corpus.posts import html_table

__all__ = ["Shown", "ShownTable", "with_interval"]


@dataclass(frozen=True)
class ShownTable:
    """One table in words: its caption, the heads of its columns, its rows (the first cell names the row), its notes.

    >>> ShownTable("Posts", ("side", "posts"), (("Pakistan", "30"),)).rows[0]
    ('Pakistan', '30')
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Shown:
    """What `show` makes of a table: an HTML table in a notebook, aligned text elsewhere. The same table gives the same.

    >>> Shown((ShownTable("Posts", ("side", "posts"), (("Pakistan", "30"),), ("Made up.",)),))
    Posts
      side      posts
      Pakistan  30
    Made up.
    """

    tables: tuple[ShownTable, ...]

    def __repr__(self) -> str:
        return "\n\n".join(_lines(table) for table in self.tables)

    def _repr_html_(self) -> str:
        return "".join(html_table(one.caption, one.head, one.rows, one.notes) for one in self.tables)


def _lines(table: ShownTable) -> str:
    rows = [table.head, *table.rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([table.caption, *(f"  {line}" for line in lines), *table.notes])


def with_interval(
    estimate: float | None, low: float | None, high: float | None, *, digits: int = 3, sign: bool = False
) -> str:
    """An estimate with its interval; what is not there, or no number, is "not defined".

    >>> with_interval(0.71, 0.65, 0.765), with_interval(None, None, None), with_interval(-0.1, None, None, sign=True)
    ('0.710 (0.650 to 0.765)', 'not defined', '−0.100')
    """
    if estimate is None or math.isnan(estimate):
        return "not defined"
    form = f"{'+' if sign else ''}.{digits}f"
    ends = "" if low is None or high is None or math.isnan(low + high) else f" ({low:{form}} to {high:{form}})"
    return f"{estimate:{form}}{ends}".replace("-", "\u2212")
