"""The table behind a chart of the page, as it is before the script runs. `chart_table.js` prints it for other views."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from discourse.page.chart_svg import key_of
from discourse.page.grid import MISSING, WITHHELD, Grid

__all__ = ["MOST", "chart_grid", "coverage_grid"]

MOST: Final = 300
"""Rows of a table in the page itself; the script, or the CSV beside the page, has the others."""


def chart_grid(data: dict[str, Any], measure: int, title: str, *, truth: bool = False) -> Grid:
    """The windows and sides of a measure, `MOST` rows of them, by the first method and weight.

    The arguments are those of `chart_svg`.
    """
    share, based = data["measures"][measure]["share"], data["measures"][measure]["baseline"]
    between = data["measures"][measure]["between"]
    known = data["truth"].get(str(measure), {}) if truth else {}

    def value(place: int) -> Callable[[Sequence[Any]], str]:
        return lambda row: cell_text(row[place], share=share)

    def estimate(row: Sequence[Any]) -> str:
        gone = row[2] is None and WITHHELD in data["flags"][row[11]]
        return WITHHELD if gone else cell_text(row[2], share=share)

    columns: list[tuple[str, bool, Callable[[Sequence[Any]], str]]] = [
        (f"Window ({data['step']})", False, lambda row: data["windows"][row[0]][0]),
        *([] if between else [("Side", False, lambda row: data["sides"][row[1]][1])]),
        ("Estimate", True, estimate), ("Low", True, value(3)), ("High", True, value(4)),
    ]  # fmt: skip
    if known:
        truths = {(int(window), int(side)): v for side, of in known.items() for window, v in of.items()}
        columns.append(("Known truth", True, lambda row: cell_text(truths.get((row[0], row[1])), share=share)))
    if based:
        columns += [("Sides shuffled", True, value(5)), ("Shuffled, low", True, value(6)),
                    ("Shuffled, high", True, value(7))]  # fmt: skip
    columns += [
        ("Posts", True, lambda row: _count(row[8])), ("Authors", True, lambda row: _count(row[9])),
        ("Coded posts", True, lambda row: _count(row[10])), ("Notes", False, lambda row: data["flags"][row[11]]),
    ]  # fmt: skip
    shown = data["views"][key_of(measure)]["rows"][:MOST]
    rows = tuple(tuple(text(row) for _, _, text in columns) for row in shown)
    return Grid(title, tuple(head for head, _, _ in columns), tuple(numeric for _, numeric, _ in columns), rows)


def coverage_grid(data: dict[str, Any]) -> Grid:
    """How many intervals hold the known truth: a row for each measure and weight, a column for each method."""
    methods = [name for _, name in data["methods"]]
    rows = []
    for key, found in data["coverage"].items():
        measure, weight = (int(part) for part in key.split("."))
        held = {i: f"{inside} of {n} ({100 * inside / n:.0f}\u00a0%)" for i, inside, n in found["held"]}
        if held:
            rows.append((data["measures"][measure]["heading"], data["weights"][weight][1],
                         *(held.get(i, MISSING) for i in range(len(methods)))))  # fmt: skip
    head = ("Measure", "What counts", *methods)
    numeric = (False, False, *(True for _ in methods))
    return Grid("How many 95 % intervals hold the known truth", head, numeric, tuple(rows))


def cell_text(value: float | None, *, share: bool) -> str:
    r"""A value of a table: a share in percent with one decimal, anything else with three.

    >>> cell_text(0.3125, share=True), cell_text(-0.0001, share=False), cell_text(None, share=True)
    ('31.2\xa0%', '0.000', '–')
    """
    if value is None:
        return MISSING
    text = f"{100 * value:.1f}\u00a0%" if share else f"{value:.3f}"
    return text[1:] if re.fullmatch(r"-[0.]+(\u00a0%)?", text) else text.replace("-", "\u2212")


def _count(value: int | None) -> str:
    return WITHHELD if value is None else f"{value:,}"
