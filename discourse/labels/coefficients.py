"""Coefficients of agreement of an array of units x coders: alpha, AC1, AC2, kappas, percent.

Letters of shapes: u units (posts), c coders, k values of a variable. The formulas and their sources stand in
`sums`; which coefficient to report: alpha first, AC1 beside it where one value is rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload
from warnings import warn

import numpy as np
import numpy.typing as npt

from discourse.errors import DiscourseWarning, SchemaError, SmallSampleWarning, UsageError
from discourse.labels.ratings import MISSING, Floats, points_of, read_array
from discourse.labels.resampling import bootstrap_sums, jackknife_error, left_out_sums, percentiles, t_interval
from discourse.labels.sums import (
    WEIGHTINGS,
    Sums,
    agreement_weights,
    alphas,
    cohen_kappas,
    fleiss_kappas,
    gwet,
    level_weights,
    percents,
    unit_sums,
)
from discourse.schema import one_of

__all__ = [
    "Alpha",
    "cohen_kappa",
    "fleiss_kappa",
    "gwet_ac1",
    "gwet_ac2",
    "krippendorff_alpha",
    "percent_agreement",
]

ROWS = ("units", "coders")
INTERVALS = ("bootstrap", "jackknife")


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha with a 95 % interval over units; as a number it is its value.

    `se` is the standard error, `ci` how the interval was made, `n_units` how many units have two values or more.

    >>> made = Alpha(0.74, 0.45, 1.0, 0.15, "jackknife", 11)
    >>> made, float(made)
    (alpha 0.740 [0.450, 1.000] (jackknife over 11 units), 0.74)
    """

    value: float
    low: float
    high: float
    se: float
    ci: str
    n_units: int

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        ends = f"[{self.low:.3f}, {self.high:.3f}]"
        return f"alpha {self.value:.3f} {ends} ({self.ci} over {self.n_units} units)"


@overload
def krippendorff_alpha(
    data: npt.ArrayLike, level: str = "nominal", ci: None = None, *, rows: str | None = None,
    units: Sequence[Any] | None = None, replicates: int = 1000, seed: int | None = None,
) -> float: ...  # fmt: skip
@overload
def krippendorff_alpha(
    data: npt.ArrayLike, level: str = "nominal", *, ci: str, rows: str | None = None,
    units: Sequence[Any] | None = None, replicates: int = 1000, seed: int | None = None,
) -> Alpha: ...  # fmt: skip
def krippendorff_alpha(
    data: npt.ArrayLike,
    level: str = "nominal",
    ci: str | None = None,
    *,
    rows: str | None = None,
    units: Sequence[Any] | None = None,
    replicates: int = 1000,
    seed: int | None = None,
) -> float | Alpha:
    """Krippendorff's alpha of an array of u units x c coders; at most 1, 0 is what chance gives.

    `rows="coders"` says that the rows are coders and the columns units, as Krippendorff prints his data. None and NaN
    are missing; a unit with fewer than two values drops out. alpha = 1 - D_o / D_e with the coincidences o_ck = sum
    over units of n_uc (n_uk - [c = k]) / (m_u - 1). `level` is "nominal", "ordinal", "interval" or "ratio"; all but
    nominal need numbers. Without two different values alpha is not defined: NaN and a `SmallSampleWarning`.

    `ci` gives an `Alpha` with its interval: "bootstrap" (Poisson weights of units in `replicates`, percentiles; wants
    a seed and 50 units, and the ids of `units` if their order is not to matter) or "jackknife" (Student's t).

    Warns with `DiscourseWarning` of twice as many coders as units when `rows` is not said. Raises `SchemaError` for an
    unknown level, another shape, words where numbers are needed, or another word for `rows` or `ci`, and `UsageError`
    for a bootstrap without seed.

    Example A of Krippendorff (2011):

    >>> a, b = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    >>> round(krippendorff_alpha([a, b], rows="coders"), 3), round(krippendorff_alpha(list(zip(a, b))), 3)
    (0.095, 0.095)
    >>> krippendorff_alpha([a, b], rows="coders", ci="jackknife").n_units
    10
    """
    cells = np.asarray(data, dtype=object)
    if rows is not None and one_of(rows, ROWS, "rows") == "coders" and cells.ndim == 2:
        cells = cells.T
    codes, values = read_array(cells, level)
    if rows is None and codes.shape[1] >= 2 * codes.shape[0] > 2:
        warn(
            f"the array has {codes.shape[0]} units and {codes.shape[1]} coders; if its rows are coders say "
            "rows='coders', else rows='units'",
            DiscourseWarning,
            stacklevel=2,
        )
    k, points = len(values), points_of(values, level)
    why = "no unit with two values, or one value only"
    value = _told(alphas(Sums.count(codes, k).together, level, points), "alpha", why)
    if ci is None:
        return value
    pairs = codes[(codes != MISSING).sum(axis=1) >= 2]
    if one_of(ci, INTERVALS, "ci") == "jackknife":
        left_out = alphas(Sums.of(left_out_sums(unit_sums(pairs, k)), k).together, level, points)
        low, high, se = *t_interval(value, left_out), jackknife_error(left_out)
    else:
        if seed is None:
            raise UsageError("a bootstrap draws units; give a seed, like seed=1")
        ids = [str(one) for one in (range(len(codes)) if units is None else units)]
        if len(ids) != len(codes) or len(set(ids)) != len(ids):
            raise UsageError(f"units names {len(set(ids))} units and the array has {len(codes)}; give each its own id")
        sums = bootstrap_sums(ids, lambda at: unit_sums(codes[at], k), replicates=replicates, seed=seed)
        drawn = alphas(Sums.of(sums, k).together, level, points)
        low, high, se = *percentiles(drawn), float(np.nanstd(drawn, ddof=1))
    low, high = (float(end) for end in np.clip((low, high), -1.0, 1.0))
    return Alpha(value, low, high, se, ci, len(pairs))


def percent_agreement(reliability: npt.ArrayLike) -> float:
    """Share of agreeing pairs of codes of u units x c coders, 0 to 100; a unit with fewer than two drops out.

    A unit with r codes weighs r, as in alpha: each of its pairs counts 1 / (r - 1). NaN and a
    `SmallSampleWarning` when no unit has two. Raises `SchemaError` for another shape.

    >>> round(percent_agreement([["N", "N"], ["N", "C"], ["C", "C"], ["C", None]]), 2)  # 2 of 3 pairs
    66.67
    """
    codes, values = read_array(reliability)
    return _told(percents(Sums.count(codes, len(values))), "percent agreement", "no unit with two values")


def gwet_ac1(reliability: npt.ArrayLike, *, values: Sequence[Any] | None = None) -> float:
    """Gwet's AC1 of u units x c coders, nominal; at most 1, 0 is what chance gives.

    Chance agreement is p_e = sum of q_k (1 - q_k) / (k - 1), so the number k of values counts: give all that
    coders could choose as `values`, else those that occur are taken. None and NaN are missing; units with one
    code count in q_k. With fewer than two values, or no unit with two codes, NaN and a `SmallSampleWarning`.
    Raises `SchemaError` for a code that is not in `values`.

    High agreement on a rare value (118 and 0 agree, 5 and 2 differ), where kappa is -.02:

    >>> units = [("no", "no")] * 118 + [("no", "yes")] * 5 + [("yes", "no")] * 2
    >>> round(gwet_ac1(units), 4), round(cohen_kappa(units), 4)
    (0.9408, -0.0234)
    """
    codes, listed = read_array(reliability, "nominal", values)
    return _told(
        gwet(Sums.count(codes, len(listed)), np.eye(len(listed))), "AC1", "no unit with two codes, or one value only"
    )


def gwet_ac2(
    reliability: npt.ArrayLike,
    level: str = "ordinal",
    *,
    values: Sequence[Any] | None = None,
    weights: str | npt.ArrayLike | None = None,
) -> float:
    """Gwet's AC2 of u units x c coders: AC1 with part credit for values that lie close; at most 1.

    `level` decides the weights (`level_weights`); `weights` are others: a name of `WEIGHTINGS` or an array
    (k, k) in the order of `values`. At the ordinal level `values` may be words in ascending order. Missing
    codes and what is not defined: as for `gwet_ac1`. Raises `SchemaError` for weights that are not symmetric,
    not 1 on the diagonal, or outside 0 to 1.

    Neighbours of three count 2/3: p_a = (1 + 2/3 + 1) / 3, shares 1/2 1/6 1/3, p_e = (17/3) / 6 * 22/36.

    >>> round(gwet_ac2([[1, 1], [1, 2], [3, 3]]), 4)
    0.7372
    """
    codes, listed = read_array(reliability, level, values)
    grid = _grid(weights, level, listed)
    return _told(gwet(Sums.count(codes, len(listed)), grid), "AC2", "no unit with two codes, or one value only")


def cohen_kappa(
    reliability: npt.ArrayLike,
    *,
    level: str = "nominal",
    values: Sequence[Any] | None = None,
    weights: str | npt.ArrayLike | None = None,
) -> float:
    """Cohen's kappa of u units x 2 coders, at most 1, 0 is what chance gives; weighted as `gwet_ac2` is.

    Units that one coder left out drop out, from the coders' totals too. NaN and a `SmallSampleWarning` when no
    unit is left or both gave one value only. Raises `SchemaError` when there are not two coders.

    The table 1 1 / 0 2: p_o = 3/4, p_e = 1/2 * 1/4 + 1/2 * 3/4 = 1/2.

    >>> cohen_kappa([["N", "N"], ["N", "C"], ["C", "C"], ["C", "C"], ["N", None]])
    0.5
    """
    codes, listed = read_array(reliability, level, values)
    if codes.shape[1] != 2:
        raise SchemaError(f"Cohen's kappa is of 2 coders, got {codes.shape[1]}; use fleiss_kappa for more")
    grid = _grid(weights, level, listed)
    return _told(
        cohen_kappas(Sums.count(codes, len(listed)).table, grid), "kappa", "no unit with two values, or one only"
    )


def fleiss_kappa(reliability: npt.ArrayLike) -> float:
    """Fleiss' kappa of u units x c coders, nominal; at most 1, 0 is what chance gives.

    Chance agreement is the sum of squared mean shares of the values over all units with a code. With missing
    codes as in Gwet (2014). NaN and a `SmallSampleWarning` when no unit has two codes or one value occurs.

    >>> round(fleiss_kappa([["N", "C"], ["N", "N"], ["C", "C"]]), 4)  # p_a = 2/3, p_e = 1/2
    0.3333
    """
    codes, values = read_array(reliability)
    return _told(fleiss_kappas(Sums.count(codes, len(values))), "kappa", "no unit with two values, or one value only")


def _told(value: Floats, what: str, why: str) -> float:
    if np.isnan(value):
        warn(f"{what} is not defined: {why}", SmallSampleWarning, stacklevel=3)
    return float(value)


def _grid(weights: str | npt.ArrayLike | None, level: str, values: Sequence[Any]) -> Floats:
    """The weights that were asked for, shape (k, k)."""
    if weights is None:
        return level_weights(level, points_of(values, level))
    if isinstance(weights, str):
        one_of(weights, WEIGHTINGS, "weights")
        by_place = weights in {"identity", "ordinal"}
        return agreement_weights(weights, points_of(values, "nominal" if by_place else "interval"))
    grid = np.asarray(weights, dtype=np.float64)
    k = len(values)
    if grid.shape != (k, k):
        raise SchemaError(f"weights have the shape {grid.shape}; with {k} values it must be {(k, k)}")
    if not (np.allclose(grid, grid.T) and np.allclose(np.diag(grid), 1) and (grid >= 0).all() and (grid <= 1).all()):
        raise SchemaError("weights must be symmetric, 1 on the diagonal and from 0 to 1")
    return grid
