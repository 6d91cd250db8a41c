"""How many labels each stratum gets: whole numbers that add up, no stratum above its size, none below the least.

Source: Neyman (1934), *On the Two Different Aspects of the Representative Method*; as whole numbers under bounds:
Wright (2012), *The Equivalence of Neyman Optimum Allocation for Sampling and Equal Proportions for Apportioning the
U.S. House of Representatives*; Wright (2017), *Exact Optimal Sample Allocation: More Efficient Than Neyman*.
"""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError

__all__ = ["ALLOCATIONS", "Floats", "Whole", "allocate", "spread"]

ALLOCATIONS = ("proportional", "equal", "neyman")

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


def allocate(weights: Floats, sizes: Whole, n: int, *, at_least: int | Whole = 2) -> Whole:
    """The whole numbers n_h of h strata, with sum `n`, for which the sum of `weights`^2 / n_h is least; shape (h,).

    Weights are N_h S_h for the Neyman allocation, N_h for the proportional and 1 for the equal one. Each n_h is at
    most `sizes` and at least `at_least` (1 or more; all of a stratum that is smaller). Strata whose weight is 0 get
    more than that only when the others are full, and then by size. Of equals the first is served first.
    Raises `UsageError` when `n` is too large for the sizes or too small for the least.

    >>> allocate(np.array([600.0, 300.0, 100.0]), np.array([600, 300, 100]), 100).tolist()
    [60, 30, 10]
    """
    least = np.minimum(np.maximum(at_least, 1), sizes).astype(np.int64)
    if n > sizes.sum():
        raise UsageError(f"n is {n} and there are {sizes.sum()} posts to draw from; ask for at most {sizes.sum()}")
    if n < least.sum():
        raise UsageError(
            f"n is {n}, too few for the least that {len(sizes)} strata must have; ask for at least {least.sum()}, or "
            "make fewer strata"
        )
    taken = [int(count) for count in least]

    def next_in(stratum: int) -> tuple[float, float, int]:
        gain = 1.0 / (taken[stratum] * (taken[stratum] + 1.0))
        return (-(float(weights[stratum]) ** 2) * gain, -(float(sizes[stratum]) ** 2) * gain, stratum)

    waiting = [next_in(stratum) for stratum in range(len(sizes)) if taken[stratum] < sizes[stratum]]
    heapq.heapify(waiting)
    for _ in range(n - int(least.sum())):
        stratum = waiting[0][2]
        taken[stratum] += 1
        if taken[stratum] < sizes[stratum]:
            heapq.heapreplace(waiting, next_in(stratum))
        else:
            heapq.heappop(waiting)
    return np.array(taken, dtype=np.int64)


def spread(chances: Floats) -> float:
    """The standard deviation of labels within a stratum, guessed from predicted probabilities (n, k).

    Of one column, the standard deviation of a yes or no with the mean probability p: sqrt(p (1 - p)); of several, the
    root of the sum of their variances. It believes the classifier to be calibrated.

    >>> spread(np.array([[0.1], [0.3]]))
    0.4
    """
    mean = chances.mean(axis=0)
    return float(np.sqrt(np.maximum(mean * (1.0 - mean), 0.0).sum()))
