"""Intervals and variances of bootstrap replicates whose weights are keyed by author (`discourse.poisson`).

Every author gets the same replicate weights wherever the posts lie, so days, sides and gold labels keep their
covariance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError

__all__ = ["percentile_interval", "replicate_variance"]


def percentile_interval(
    replicates: npt.NDArray[np.float64], level: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lower and upper percentile bounds along the last axis; NaN replicates are left out.

    A row that holds fewer than two numbers has no interval: NaN, NaN. Raises `UsageError` for a level outside
    (0, 1).

    >>> low, high = percentile_interval(np.arange(101.0))
    >>> round(float(low), 6), round(float(high), 6)
    (2.5, 97.5)
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}; it must lie between 0 and 1, like 0.95")
    known = np.isfinite(replicates).sum(axis=-1) >= 2
    filled = np.where(known[..., None], replicates, 0.0)
    tail = (1.0 - level) / 2.0
    low, high = np.nanquantile(filled, [tail, 1.0 - tail], axis=-1)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def replicate_variance(replicates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Variance (divisor n - 1) along the last axis; NaN replicates are left out.

    A row that holds fewer than two numbers has no variance: NaN.

    >>> replicate_variance(np.array([[1.0, 3.0, np.nan], [1.0, np.nan, np.nan]])).tolist()
    [2.0, nan]
    """
    known = np.isfinite(replicates)
    n = known.sum(axis=-1)
    mean = np.where(known, replicates, 0.0).sum(axis=-1) / np.maximum(n, 1)
    squares = np.where(known, replicates - mean[..., None], 0.0) ** 2
    made: npt.NDArray[np.float64] = np.where(n >= 2, squares.sum(axis=-1) / np.maximum(n - 1, 1), np.nan)
    return made
