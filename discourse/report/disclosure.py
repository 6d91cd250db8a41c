"""Which cells of a table must stay hidden so that no small one follows from the others by subtraction.

A cell of fewer than 10 authors is withheld. If the totals are known, one hidden cell of a row is the total less the
others; so further cells are withheld until the least and the greatest value that each hidden cell can have, given
all that is published, are at least 5 apart. Which ones does not depend on the order of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from discourse.errors import SchemaError

__all__ = ["MIN_AUTHORS", "suppress"]

MIN_AUTHORS = 10
SPREAD = 5


def suppress(
    cells: pl.DataFrame,
    by: Sequence[str],
    *,
    totals: Iterable[Collection[str]],
    values: Sequence[str] = ("posts",),
    authors: str = "n_authors",
) -> pl.DataFrame:
    """The cells with `values` and `authors` of some of them null, and a column `withheld` that says which.

    `cells` has one row a combination of the columns `by`; a combination without a row is known to be empty.
    `totals` names the sums that a reader has, here or elsewhere: ("side",) for one sum a side, () for that of all
    cells. Cells of 1 to 9 authors are withheld, and so many more that nobody who knows the totals and that no
    count is below 1 can tell a withheld value to within 2. A sum of small cells alone must not be published. A
    null value counts as withheld before, with all that it took. Raises `SchemaError` for a combination that stands
    twice and for columns that are not there.

    >>> rows = {"side": ["a", "b", "c"], "posts": [90, 12, 40], "n_authors": [50, 4, 30]}
    >>> suppress(pl.DataFrame(rows), ["side"], totals=[()])["posts"].to_list()
    [90, None, None]
    >>> suppress(pl.DataFrame(rows), ["side"], totals=[])["posts"].to_list()
    [90, None, 40]
    """
    wanted = [*by, *values, authors]
    for name in wanted:
        if name not in cells.columns:
            raise SchemaError(f"the cells have no column {name!r}; they need {', '.join(wanted)}")
    if cells.height and cells.select(by).is_duplicated().any():
        raise SchemaError(f"the cells have two rows of one {' + '.join(by)}; add them up first")
    ordered = cells.with_row_index("_row").sort(by)
    people = ordered[authors].fill_null(1).to_numpy()
    hidden = (people > 0) & (people < MIN_AUTHORS)
    gone = ordered.select(pl.any_horizontal(pl.col(values).is_null())).to_series().to_numpy()
    hidden |= gone
    # The total of small cells alone is not published either; that of one cell is the cell. Lines with a value
    # that is gone were seen to before.
    lines = [line for line in _lines(ordered, by, totals) if len(line) > 1 and not hidden[line].all()]
    lines = [line for line in lines if not gone[line].any()]
    numbers = [ordered[name].cast(pl.Float64).fill_null(0.0).to_numpy() for name in values]
    while True:
        before = int(hidden.sum())
        for value in numbers:
            hidden = _protected(hidden, value, lines)
        if int(hidden.sum()) == before:
            break
    marked = ordered.with_columns(pl.Series("withheld", hidden)).with_columns(
        pl.when(~pl.col("withheld")).then(pl.col(name)).alias(name) for name in (*values, authors)
    )
    return marked.sort("_row").drop("_row")


def _lines(cells: pl.DataFrame, by: Sequence[str], totals: Iterable[Collection[str]]) -> list[NDArray[np.int64]]:
    """The places of the cells that each known total is the sum of."""
    made = []
    for kept in totals:
        names = [name for name in by if name in kept]
        group = cells.select(pl.struct(names).rank("dense") if names else pl.lit(1).repeat_by(1).list.first())
        number = np.broadcast_to(group.to_series().to_numpy(), cells.height) if cells.height else np.empty(0)
        made += [np.flatnonzero(number == one) for one in np.unique(number)]
    return made


def _protected(hidden: NDArray[np.bool_], value: NDArray[np.float64], lines: list[NDArray[np.int64]]) -> Any:
    """The cells to hide: those given, and more until each can have values that are 5 apart or further."""
    hidden = hidden.copy()
    safe: set[int] = set()
    while True:
        told = _told(hidden, value, lines, safe)
        if not told:
            return hidden
        more = _companion(told, hidden, value, lines)
        if more is None:
            safe.update(told)
        else:
            hidden[more] = True
            safe.clear()


def _companion(
    told: list[int], hidden: NDArray[np.bool_], value: NDArray[np.float64], lines: list[NDArray[np.int64]]
) -> int | None:
    """The shown cell to hide beside those that can be told: in the line of theirs with the fewest hidden cells.

    First such as close another line with one hidden cell, then those large enough, then the smallest.
    """
    thin = [line for line in lines if int(hidden[line].sum()) == 1]
    for line in sorted((line for line in lines if np.isin(line, told).any()), key=lambda line: int(hidden[line].sum())):
        shown = [int(i) for i in line if not hidden[i] and value[i] >= 1]
        if shown:
            return min(
                shown, key=lambda i: (-sum(i in one for one in thin), value[i] <= SPREAD, value[i], i)
            )  # fmt: skip
    return None


def _told(
    hidden: NDArray[np.bool_], value: NDArray[np.float64], lines: list[NDArray[np.int64]], safe: set[int]
) -> list[int]:
    """Hidden cells that can be told to within less than 5, by bounds over all tables that agree with the rest."""
    places = np.flatnonzero(hidden)
    column = {int(place): i for i, place in enumerate(places)}
    known = [(line, [column[int(i)] for i in line if hidden[i]]) for line in lines]
    known = [(line, inside) for line, inside in known if inside]
    if not known:
        return []
    rows = np.concatenate([np.full(len(inside), i) for i, (_, inside) in enumerate(known)])
    matrix = csr_array((np.ones(len(rows)), (rows, np.concatenate([inside for _, inside in known]))),
                       shape=(len(known), len(places)))  # fmt: skip
    _, part = connected_components(matrix.T @ matrix, directed=False)
    dense, sums = matrix.toarray(), np.array([value[line][hidden[line]].sum() for line, _ in known])
    found: list[int] = []
    for one in np.unique(part):
        own = np.flatnonzero(part == one)
        touched = np.flatnonzero(dense[:, own].any(axis=1))
        if len(touched):
            told = _narrow(dense[np.ix_(touched, own)], sums[touched], value[places[own]])
            found += [int(place) for place in places[own[told]] if int(place) not in safe]
    return found


def _narrow(matrix: NDArray[np.float64], sums: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.int64]:
    """The unknowns x >= 1 whose bounds under `matrix @ x == sums` are less than 5 apart."""
    low, high = value.copy(), value.copy()
    told = []
    for i in range(matrix.shape[1]):
        for sign in (1.0, -1.0):
            if high[i] - low[i] >= SPREAD:
                break
            aim = np.zeros(matrix.shape[1])
            aim[i] = sign
            solved = linprog(aim, A_eq=matrix, b_eq=sums, bounds=(min(1.0, value.min()), None), method="highs")
            if solved.x is not None:
                low, high = np.minimum(low, solved.x), np.maximum(high, solved.x)
        if high[i] - low[i] < SPREAD - 1e-6:
            told.append(i)
    return np.array(told, dtype=np.int64)
