"""Intervals of a statistic over units (posts): keyed Poisson bootstrap, jackknife-t where units are few.

A weight depends on the unit's id, the seed and the replicate alone (`discourse.poisson`). So an interval does not
know the order of the units, and a group has the same interval alone and beside others.

Letters of shapes: u units, b replicates, f sums. Source: Chamandy, Muralidharan, Najmi and Naidu (2012),
*Estimating Uncertainty for Massive Data Streams*; Efron and Tibshirani (1993), *An Introduction to the
Bootstrap*, chapter 11 (jackknife).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from discourse.poisson import poisson_weights

__all__ = ["FEW", "bootstrap_sums", "jackknife_error", "left_out_sums", "percentiles", "t_interval"]

Floats = npt.NDArray[np.float64]

FEW = 50
_CHUNK = 2048
_LEVEL = 0.95


def bootstrap_sums(units: Sequence[str], sums_of: Callable[[slice], Floats], *, replicates: int, seed: int) -> Floats:
    """Weighted sums over units in each replicate, shape (b, f); `sums_of` gives what a slice of units adds, (n, f).

    >>> bootstrap_sums(["alice"], lambda part: np.array([[2.0]])[part], replicates=8, seed=0).ravel().tolist()
    [0.0, 2.0, 2.0, 0.0, 0.0, 0.0, 2.0, 6.0]
    """
    total = poisson_weights(units[:0], replicates, seed).T.astype(np.float64) @ sums_of(slice(0, 0))
    for start in range(0, len(units), _CHUNK):
        part = slice(start, start + _CHUNK)
        total = total + poisson_weights(units[part], replicates, seed).T.astype(np.float64) @ sums_of(part)
    return total


def left_out_sums(sums: Floats) -> Floats:
    """Sums over all units but one, each left out in turn: (u, f) to (u, f). Zeros stay exact zeros.

    >>> left_out_sums(np.array([[1.0], [2.0], [4.0]])).ravel().tolist()
    [6.0, 5.0, 3.0]
    """
    others: Floats = (1.0 - np.eye(len(sums))) @ sums
    return others


def jackknife_error(left_out: Floats) -> float:
    """Standard error from the values of a statistic with each of u units left out, shape (u,).

    sqrt((u - 1) / u * sum of (value - mean)^2); NaN when u is below 2 or a value is not defined.

    >>> round(jackknife_error(np.array([1.0, 2.0, 3.0])), 6)
    1.154701
    """
    u = len(left_out)
    if u < 2:
        return math.nan
    return float(np.sqrt((u - 1) / u * ((left_out - left_out.mean()) ** 2).sum()))


def t_interval(estimate: float, left_out: Floats) -> tuple[float, float]:
    """Estimate plus and minus Student's t (u - 1 degrees of freedom) times the jackknife error: a 95 % interval.

    >>> low, high = t_interval(2.0, np.array([1.0, 2.0, 3.0]))
    >>> round(low, 4), round(high, 4)
    (-2.9683, 6.9683)
    """
    error = jackknife_error(left_out)
    if math.isnan(error):
        return math.nan, math.nan
    reach = float(student.ppf((1 + _LEVEL) / 2, len(left_out) - 1)) * error
    return estimate - reach, estimate + reach


def percentiles(replicates: Floats) -> tuple[float, float]:
    """95 % percentile interval of b replicates, shape (b,); NaN unless more than half of them are defined.

    >>> low, high = percentiles(np.arange(101.0))
    >>> round(low, 6), round(high, 6)
    (2.5, 97.5)
    """
    defined = replicates[~np.isnan(replicates)]
    if 2 * len(defined) <= len(replicates):
        return math.nan, math.nan
    low, high = np.percentile(defined, [50 * (1 - _LEVEL), 50 * (1 + _LEVEL)])
    return float(low), float(high)
