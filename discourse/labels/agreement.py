"""How far coders agree: Krippendorff's alpha with a bootstrap interval over posts.

Letters of shapes: u units (posts), c coders, k values of a variable, b replicates.

Source: Krippendorff (2011), *Computing Krippendorff's Alpha-Reliability*; Hayes and Krippendorff (2007),
*Answering the Call for a Standard Reliability Measure for Coding Data*.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any
from warnings import warn

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import MeaningError, SchemaError, SmallSampleWarning, UsageError
from discourse.labels.codebook import LEVELS
from discourse.labels.labels import ADJUDICATED, Labels
from discourse.schema import UNKNOWN, one_of

__all__ = ["agreement", "krippendorff_alpha"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

ALL = "all"
_MISSING = -1
_COLUMNS = {
    "variable": pl.String,
    "group": pl.String,
    "n_units": pl.Int64,
    "n_coders": pl.Int64,
    "percent": pl.Float64,
    "alpha": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


def krippendorff_alpha(reliability: npt.ArrayLike, level: str = "nominal") -> float:
    """Krippendorff's alpha of an array of u units x c coders; at most 1, 0 is what chance gives.

    None and NaN are missing; a unit with fewer than two values drops out. alpha = 1 - D_o / D_e with the
    coincidences o_ck = sum over units of n_uc (n_uk - [c = k]) / (m_u - 1). `level` is "nominal", "ordinal",
    "interval" or "ratio"; all but nominal need numbers. Without two different values alpha is not defined:
    NaN and a `SmallSampleWarning`. Raises `SchemaError` for an unknown level, another shape, or words where
    numbers are needed.

    Example A of Krippendorff (2011):

    >>> a, b = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    >>> round(krippendorff_alpha(list(zip(a, b))), 3)
    0.095
    """
    one_of(level, LEVELS, "level")
    cells = np.asarray(reliability, dtype=object)
    if cells.ndim != 2:
        raise SchemaError(f"reliability data has {cells.ndim} dimensions; it must be units x coders")
    known = {cell for cell in cells.ravel() if not _is_missing(cell)}
    try:
        values = sorted(known, key=str if level == "nominal" else float)
        points = np.arange(len(values), dtype=float) if level == "nominal" else np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise SchemaError(f"level is {level!r}, which needs numbers; use level='nominal' for words") from None
    order = {value: place for place, value in enumerate(values)}
    codes = np.array([[_MISSING if _is_missing(v) else order[v] for v in row] for row in cells], dtype=np.int64)
    alpha = float(_alphas(_coincidences(codes.reshape(cells.shape), len(values)).sum(axis=0), level, points))
    if np.isnan(alpha):
        warn("alpha is not defined: no unit with two values, or one value only", SmallSampleWarning, stacklevel=2)
    return alpha


def agreement(
    labels: Labels,
    variable: str = "frame",
    *,
    seed: int,
    replicates: int = 1000,
    by: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Agreement on one variable over all posts and, with `by` (post_id and a group), in each group.

    Columns: variable, group ("all" first), n_units (posts with two or more values), n_coders, percent (share
    of agreeing pairs of values, 0 to 100), alpha, low, high (95 % percentile interval; posts are drawn with
    replacement, the ordinal metric is found anew in each replicate). The level and the order of the values
    are the codebook's; without one the variable is nominal. Values that were agreed upon are left out.

    Raises `MeaningError` when fewer than two coders worked on their own. Warns with `SmallSampleWarning` when
    alpha is not defined, and when two coders' columns are the same.

    >>> from discourse.labels.labels import SAMPLE
    >>> from discourse.schema import LABELS
    >>> rows = [{"post_id": f"x:{i}", "coder": c, "variable": "frame", "value": v}
    ...         for c, values in (("a", "NCNN"), ("b", "NCNC")) for i, v in enumerate(values)]
    >>> labels = Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": f"x:{i}"} for i in range(4)]))
    >>> agreement(labels, seed=7, replicates=20).select("n_units", "n_coders", "percent").row(0)
    (4, 2, 75.0)
    """
    if replicates < 1:
        raise UsageError(f"replicates is {replicates}; a bootstrap needs at least 1 (1000 is the default)")
    said = _of_independent_coders(labels, variable)
    level, values = "nominal", tuple(said["value"].unique().sort())
    if labels.codebook is not None:
        level, values = labels.codebook.level(variable), labels.codebook.values(variable)
    numbers = [float(value) for value in values] if level in {"interval", "ratio"} else range(len(values))
    points = np.array(numbers, dtype=np.float64)
    units, codes = _codes(said, values)
    _warn_of_twins(codes)
    groups = [(ALL, np.ones(len(units), dtype=bool)), *_groups(units, by)]
    rows = []
    for group, chosen in groups:
        row = _row(codes[chosen], level, points, np.random.default_rng(seed), replicates)
        if np.isnan(row["alpha"]):
            warn(f"alpha of {variable} is not defined in group {group!r}", SmallSampleWarning, stacklevel=2)
        rows.append({"variable": variable, "group": group, **row})
    return pl.DataFrame(rows, schema=_COLUMNS)


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and np.isnan(cell))


def _coincidences(codes: Codes, k: int) -> Floats:
    """Per-unit coincidence matrices, shape (u, k, k), of codes of shape (u, c); units with one code are 0."""
    counts = (codes[:, :, None] == np.arange(k)).sum(axis=1).astype(float)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(k)
    others = np.maximum(counts.sum(axis=1) - 1, 1)
    matrices: Floats = pairs / others[:, None, None]
    return matrices


def _distances(totals: Floats, level: str, points: Floats) -> Floats:
    """Squared distances of values, shape (..., k, k); only the ordinal ones hang on the totals (..., k)."""
    if level == "nominal":
        return 1.0 - np.eye(len(points))
    if level == "ordinal":
        points = np.cumsum(totals, axis=-1) - totals / 2
    apart = points[..., :, None] - points[..., None, :]
    if level == "ratio":
        size = points[:, None] + points[None, :]
        apart = np.divide(apart, size, out=np.zeros_like(apart), where=size != 0)
    squared: Floats = apart**2
    return squared


def _alphas(coincidences: Floats, level: str, points: Floats) -> Floats:
    """Alpha of one or many coincidence matrices, shape (..., k, k) to (...); NaN where chance cannot err."""
    totals = coincidences.sum(axis=-1)
    distances = _distances(totals, level, points)
    observed = (coincidences * distances).sum(axis=(-2, -1))
    expected = (totals[..., :, None] * totals[..., None, :] * distances).sum(axis=(-2, -1))
    error = np.asarray((totals.sum(axis=-1) - 1) * observed)
    ratio = np.divide(error, expected, out=np.full(error.shape, np.nan), where=expected > 0)
    alphas: Floats = 1.0 - ratio
    return alphas


def _row(codes: Codes, level: str, points: Floats, rng: np.random.Generator, replicates: int) -> dict[str, Any]:
    pairable = codes[(codes != _MISSING).sum(axis=1) >= 2]
    matrices = _coincidences(pairable, len(points))
    total = matrices.sum(axis=0)
    values = total.sum()
    row = {
        "n_units": len(pairable),
        "n_coders": int((pairable != _MISSING).any(axis=0).sum()),
        "percent": 100 * float(np.trace(total)) / float(values) if values else np.nan,
        "alpha": float(_alphas(total, level, points)),
        "low": np.nan,
        "high": np.nan,
    }
    if np.isnan(row["alpha"]):
        return row
    u = len(pairable)
    weights = rng.multinomial(u, np.full(u, 1 / u), size=replicates)
    drawn = np.tensordot(weights.astype(float), matrices, axes=1)
    alphas = _alphas(drawn, level, points)
    defined = alphas[~np.isnan(alphas)]
    if 2 * len(defined) > replicates:
        row["low"], row["high"] = (float(end) for end in np.percentile(defined, [2.5, 97.5]))
    return row


def _of_independent_coders(labels: Labels, variable: str) -> pl.DataFrame:
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
    return own


def _codes(said: pl.DataFrame, values: Sequence[str]) -> tuple[list[str], Codes]:
    """The units in ascending order and the place of each value, shape (u, c); missing is -1."""
    units, coders = said["post_id"].unique().sort().to_list(), said["coder"].unique().sort().to_list()
    row_of, column_of, code_of = ({name: i for i, name in enumerate(names)} for names in (units, coders, values))
    codes = np.full((len(units), len(coders)), _MISSING, dtype=np.int64)
    for post, coder, value in said.select("post_id", "coder", "value").rows():
        one_of(value, values, "a value")
        codes[row_of[post], column_of[coder]] = code_of[value]
    return units, codes


def _warn_of_twins(codes: Codes) -> None:
    for one, other in combinations(range(codes.shape[1]), 2):
        if (codes[:, one] == codes[:, other]).all():
            warn(
                f"two coders gave the same value to each of {len(codes)} posts; make sure that one is no copy of the "
                "other",
                SmallSampleWarning,
                stacklevel=3,
            )


def _groups(units: Sequence[str], by: pl.DataFrame | None) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """Each group with the units that are in it; units without a group are in "unknown"."""
    if by is None:
        return []
    names = [name for name in by.columns if name != "post_id"]
    if len(names) != 1 or "post_id" not in by.columns:
        raise SchemaError(f"by has the columns {by.columns}; it must have post_id and one column with the group")
    if by["post_id"].is_duplicated().any():
        raise SchemaError("by names a post more than once; it must have one group for each post")
    group_of = dict(by.select("post_id", pl.col(names[0]).cast(pl.String).fill_null(UNKNOWN)).rows())
    given = np.array([group_of.get(unit, UNKNOWN) for unit in units], dtype=object)
    return [(group, given == group) for group in sorted(set(given))]
