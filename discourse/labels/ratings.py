"""Codes as numbers: units (posts) x coders, from an array or from labels. What every statistic of agreement reads.

Letters of shapes: u units, c coders, k values of a variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import MeaningError, SchemaError
from discourse.labels.codebook import LEVELS
from discourse.labels.labels import ADJUDICATED, Labels
from discourse.schema import one_of

__all__ = ["MISSING", "Codes", "Floats", "Ratings", "coded_by_two", "points_of", "ratings_of", "read_array"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MISSING = -1


@dataclass(frozen=True, repr=False, eq=False)
class Ratings:
    """Codes of one variable: `codes` (u, c) holds the place of each value in `values` (k), missing is -1.

    `units` (u) and `coders` (c) are in ascending order. `points` (k) are the values as numbers: what they say
    where the level needs numbers, else their places.

    >>> Ratings("frame", "nominal", ("N", "C"), ("x:1",), ("a", "b"), np.array([[0, -1]]))
    Ratings(frame nominal: 1 unit, 2 coders, 2 values)
    """

    variable: str
    level: str
    values: tuple[str, ...]
    units: tuple[str, ...]
    coders: tuple[str, ...]
    codes: Codes

    def __repr__(self) -> str:
        sizes = ((len(self.units), "unit"), (len(self.coders), "coder"), (len(self.values), "value"))
        said = ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for n, name in sizes)
        return f"Ratings({self.variable} {self.level}: {said})"

    @property
    def points(self) -> Floats:
        """The values as numbers, shape (k,).

        >>> Ratings("heat", "interval", ("0", "5"), (), (), np.empty((0, 0), dtype=np.int64)).points.tolist()
        [0.0, 5.0]
        """
        return points_of(self.values, self.level)

    @property
    def pairable(self) -> npt.NDArray[np.bool_]:
        """Which units have two or more codes, shape (u,).

        >>> Ratings("frame", "nominal", ("N",), ("x:1",), ("a", "b"), np.array([[0, -1]])).pairable.tolist()
        [False]
        """
        enough: npt.NDArray[np.bool_] = (self.codes != MISSING).sum(axis=1) >= 2
        return enough


def coded_by_two(labels: Labels) -> list[str]:
    """The variables that two or more coders coded on their own, in the order of the codebook, else of the alphabet.

    >>> from discourse.labels.labels import SAMPLE
    >>> from discourse.schema import LABELS
    >>> rows = [{"post_id": "x:1", "coder": c, "variable": v, "value": "N"}
    ...         for c, v in (("a", "frame"), ("b", "frame"), ("a", "heat"), ("adjudicated", "heat"))]
    >>> coded_by_two(Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": "x:1"}])))
    ['frame']
    """
    own = labels.table.filter(~pl.col("coder").is_in(ADJUDICATED))
    coders = dict(own.group_by("variable").agg(pl.col("coder").n_unique()).rows())
    book = labels.codebook
    names = sorted(coders) if book is None else [variable.name for variable in book.variables]
    return [name for name in names if coders.get(name, 0) >= 2]


def ratings_of(labels: Labels, variable: str, *, adjudicated: bool = False) -> Ratings:
    """What coders said on their own, at the level and with the values of the codebook.

    Without a codebook the variable is nominal and has the values that were given, in ascending order. Agreed
    values are left out, or with `adjudicated` count as one coder more. Raises `MeaningError` when fewer than
    two coders worked on their own, `SchemaError` for a value the codebook does not have.

    >>> from discourse.labels.labels import SAMPLE
    >>> from discourse.schema import LABELS
    >>> rows = [{"post_id": "x:1", "coder": c, "variable": "frame", "value": v} for c, v in ("aN", "bC")]
    >>> made = ratings_of(Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": "x:1"}])), "frame")
    >>> made.values, made.codes.tolist()
    (('C', 'N'), [[1, 0]])
    """
    said = labels.latest(variable)
    own = said.filter(~pl.col("coder").is_in(ADJUDICATED))
    coders = own["coder"].n_unique()
    if coders < 2 and coders < said["coder"].n_unique():
        raise MeaningError(
            f"the values of {variable!r} were agreed upon, so agreement on them says nothing; "
            "give what two or more coders said on their own"
        )
    if coders < 2:
        raise MeaningError(f"{variable!r} was coded by {coders} coders; agreement needs two or more")
    used = said if adjudicated else own
    level, values = "nominal", tuple(used["value"].unique().sort())
    if labels.codebook is not None:
        level, values = labels.codebook.level(variable), labels.codebook.values(variable)
    units, names = tuple(used["post_id"].unique().sort()), tuple(used["coder"].unique().sort())
    row_of, column_of, code_of = ({name: i for i, name in enumerate(given)} for given in (units, names, values))
    codes = np.full((len(units), len(names)), MISSING, dtype=np.int64)
    for post, coder, value in used.select("post_id", "coder", "value").rows():
        one_of(value, values, "a value")
        codes[row_of[post], column_of[coder]] = code_of[value]
    return Ratings(variable, level, values, units, names, codes)


def read_array(
    reliability: npt.ArrayLike, level: str = "nominal", values: Sequence[Any] | None = None
) -> tuple[Codes, tuple[Any, ...]]:
    """Codes of shape (u, c), missing -1, and the k values of an array of units x coders; None and NaN are missing.

    Without `values` they are those that occur: in the order of their words at the nominal level, else as
    numbers. Raises `SchemaError` for an unknown level, another shape, a value that is not listed, or words
    where numbers are needed.

    >>> codes, values = read_array([["yes", "no"], ["no", None]])
    >>> codes.tolist(), values
    ([[1, 0], [0, -1]], ('no', 'yes'))
    """
    one_of(level, LEVELS, "level")
    cells = np.asarray(reliability, dtype=object)
    if cells.ndim != 2:
        raise SchemaError(f"reliability data has {cells.ndim} dimensions; it must be units x coders")
    known = {cell for cell in cells.ravel() if not _is_missing(cell)}
    if values is None:
        try:
            listed = tuple(sorted(known, key=str if level == "nominal" else float))
        except (TypeError, ValueError):
            raise _needs_numbers(level) from None
    else:
        listed = tuple(values)
        if len(set(listed)) < len(listed):
            raise SchemaError("values name one value more than once; each must be there once")
        for cell in sorted(known - set(listed), key=str):
            one_of(str(cell), listed, "a value")
            raise SchemaError(f"a value is {cell!r}, of another type than in values; give both as words or as numbers")
    place = {value: code for code, value in enumerate(listed)}
    codes = np.array([[MISSING if _is_missing(v) else place[v] for v in row] for row in cells], dtype=np.int64)
    return codes.reshape(cells.shape), listed


def points_of(values: Sequence[Any], level: str) -> Floats:
    """The values as numbers, shape (k,): themselves at the interval and ratio level, else their places.

    Raises `SchemaError` for words where numbers are needed.

    >>> points_of(("low", "high"), "ordinal").tolist(), points_of((1, 5), "ratio").tolist()
    ([0.0, 1.0], [1.0, 5.0])
    """
    if level in {"nominal", "ordinal"}:
        return np.arange(len(values), dtype=np.float64)
    try:
        return np.array([float(value) for value in values], dtype=np.float64)
    except (TypeError, ValueError):
        raise _needs_numbers(level) from None


def _needs_numbers(level: str) -> SchemaError:
    return SchemaError(f"level is {level!r}, which needs numbers; use level='nominal' for words")


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and np.isnan(cell))
