"""Hartigan's dip: how far a distribution is from any with a single peak. For continuous scores only.

The dip of F is the smallest distance sup |F - G| to a unimodal G: convex up to its peak and concave after it. It is
computed exactly from the greatest convex minorant and the least concave majorant of the empirical distribution, on a
shrinking interval around the peak. Class labels are not continuous: three classes with shares 0.2, 0.6, 0.2 have one
peak and a dip of 0.1, "significant" at any size. So few distinct values are refused, and every call warns.

Source: Hartigan and Hartigan (1985), *The Dip Test of Unimodality*, Annals of Statistics 13; the p-value is that of a
uniform distribution, the least favourable one of a single peak, from a table simulated for this module
(`benchmarks/dip_table.py`).
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from discourse.errors import BimodalityWarning, MeaningError, UsageError
from discourse.indices.dip_table import CHANCES, QUANTILES, SIZES

__all__ = ["MIN_DISTINCT", "dip", "dip_of", "dip_p_value"]

MIN_DISTINCT = 10

Floats = npt.NDArray[np.float64]


def dip(x: npt.ArrayLike, counts: npt.ArrayLike | None = None, *, force: bool = False) -> float:
    """The dip of a sample x (n,), or of values x (m,) that occur `counts` (m,) times, from 0 to 0.25.

    Warns (`BimodalityWarning`) that it says nothing about class labels, and refuses fewer than 10 distinct values
    (`MeaningError`) unless `force`. A histogram of scores should have at least 200 bins.

    Ten values at equal steps are as near to one flat peak as a sample can be, half a step of 1/10:

    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     round(dip(np.arange(10.0)), 6)
    0.05
    """
    values, weights = _distinct(x, counts)
    warnings.warn(
        "the dip looks for a second peak in a continuous score; on class labels it rejects one peak whatever they are",
        BimodalityWarning,
        stacklevel=2,
    )
    if len(values) < MIN_DISTINCT and not force:
        raise MeaningError(
            f"there are {len(values)} distinct values, so these look like classes, whose dip means nothing; "
            f"give a continuous score with at least {MIN_DISTINCT}, or force=True"
        )
    return dip_of(values, weights / weights.sum())


def dip_p_value(value: float, n: int) -> float:
    """Chance that n uniform values have a dip of at least `value`, from 0 to 1, by interpolation in a table.

    0 means below the smallest chance of the table, 0.0005, 1 above its largest, 0.99. sqrt(n) x dip is interpolated
    linearly in 1/sqrt(n) between the sizes of the table. Raises `UsageError` for fewer than
    four values.

    >>> dip_p_value(0.1, 1000), dip_p_value(0.001, 1000)
    (0.0, 1.0)
    """
    if n < SIZES[0]:
        raise UsageError(f"there are {n} values; the dip test needs at least {SIZES[0]}")
    at = 1.0 / np.sqrt(np.asarray(SIZES, dtype=np.float64))
    scaled = [np.interp(1.0 / np.sqrt(n), at[::-1], column[::-1]) for column in np.asarray(QUANTILES).T]
    return float(np.interp(np.sqrt(n) * value, scaled, CHANCES, left=1.0, right=0.0))


def dip_of(x: Floats, mass: Floats) -> float:
    """The dip of a distribution with `mass` (m,) at rising points x (m,); no warning, no check.

    >>> round(dip_of(np.array([-1.0, 0.0, 1.0]), np.array([0.2, 0.6, 0.2])), 12)
    0.1
    """
    upper = np.cumsum(mass)
    lower = upper - mass
    first, last, found = 0, len(x) - 1, 0.0
    while first < last:
        minorant, majorant = _hull(x, lower, first, last), _hull(x, -upper, first, last)
        at = np.arange(first, last + 1)
        below = np.interp(x[at], x[minorant], lower[minorant])
        above = np.interp(x[at], x[majorant], upper[majorant])
        low_gap, high_gap = (above - below)[minorant - first], (above - below)[majorant - first]
        if max(low_gap.max(), high_gap.max()) <= found:
            break
        # The peak lies between the widest gap and the next point where the other curve touches.
        if low_gap.max() >= high_gap.max():
            left = int(minorant[low_gap.argmax()])
            right = int(majorant[np.searchsorted(majorant, left)])
        else:
            right = int(majorant[high_gap.argmax()])
            left = int(minorant[np.searchsorted(minorant, right, side="right") - 1])
        before, after = (upper[at] - below)[at < left], (above - lower[at])[at > right]
        found = max(found, float(before.max(initial=0.0)), float(after.max(initial=0.0)))
        first, last = left, right
    return found / 2.0


def _hull(x: Floats, y: Floats, first: int, last: int) -> npt.NDArray[np.int64]:
    """Indices of the corners of the greatest convex minorant of the points from `first` to `last`."""
    kept: list[int] = []
    for i in range(first, last + 1):
        while len(kept) >= 2:
            a, b = kept[-2], kept[-1]
            if (y[b] - y[a]) * (x[i] - x[b]) < (y[i] - y[b]) * (x[b] - x[a]):
                break
            kept.pop()
        kept.append(i)
    return np.array(kept)


def _distinct(x: npt.ArrayLike, counts: npt.ArrayLike | None) -> tuple[Floats, Floats]:
    values = np.asarray(x, dtype=np.float64)
    weights = np.ones(len(values)) if counts is None else np.asarray(counts, dtype=np.float64)
    if values.ndim != 1 or weights.shape != values.shape:
        raise UsageError(f"the values have shape {values.shape} and the counts {weights.shape}; give one count a value")
    if not (np.isfinite(values).all() and (weights >= 0).all() and weights.sum() > 0):
        raise UsageError("the dip needs finite values, counts that are not below 0, and at least one value")
    rising, where = np.unique(values, return_inverse=True)
    total = np.bincount(where, weights=weights)
    return rising[total > 0], total[total > 0].astype(np.float64)
