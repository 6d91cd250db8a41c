"""Intervals of scores: authors are drawn again with all their posts, since posts of one author are alike.

The models are not trained again: an interval says how far a score hangs on who was tested, not on who was trained on.

Letters of shapes: n posts, a authors, b replicates, m bins. Sources: Efron and Tibshirani (1993), *An Introduction to
the Bootstrap*, chapters 8 and 13; Boyd, Eng and Page (2013), *Area under the Precision-Recall Curve* (logits); Korn and
Graubard (1998), *Confidence Intervals for Proportions with Small Expected Number of Positive Counts Estimated from
Survey Data* (bounds of a share from clusters).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit, logit
from scipy.stats import beta, norm

from discourse.errors import UsageError
from discourse.estimators.proportions import kish_n_eff, ratio_se

__all__ = [
    "LEVEL", "Draws", "Interval", "effective_posts", "error_interval", "interval_of", "logit_interval",
    "selective_bound",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Interval = tuple[float | None, float | None, float | None]

LEVEL: Final = 0.95
_EDGE: Final = 1e-4
_CELLS: Final = 4_000_000  # replicates x posts held at once: 32 MB


@dataclass(frozen=True, eq=False)
class Draws:
    """How often each of a authors is drawn in b replicates, `counts` (1 + b, a), the first row all ones.

    `place` (n) says which author each of n posts is of. Every replicate draws as many authors as there are.

    >>> draws = Draws.of(pl.Series(["a", "b", "b"]), replicates=2, seed=7)
    >>> draws.counts.sum(axis=1).tolist(), draws.place.tolist()
    ([2.0, 2.0, 2.0], [0, 1, 1])
    """

    counts: Floats
    place: Codes

    @classmethod
    def of(cls, authors: pl.Series, *, replicates: int, seed: int) -> Draws:
        """Draws for the authors of n posts; the order of rows has no effect on an author's counts.

        Raises `UsageError` for fewer than one replicate.

        >>> Draws.of(pl.Series(["a"]), replicates=1, seed=7).counts.tolist()
        [[1.0], [1.0]]
        """
        if replicates < 1:
            raise UsageError(f"replicates is {replicates}; an interval needs at least 1 (1000 is the default)")
        names = authors.unique().sort()
        drawn = np.random.default_rng([seed, len(names)]).multinomial(
            len(names), np.full(len(names), 1.0 / max(len(names), 1)), size=replicates
        )
        place = authors.replace_strict(names, np.arange(len(names)), return_dtype=pl.Int64).to_numpy()
        return cls(np.vstack([np.ones(len(names)), drawn]), place)

    def weights(self, at: Flags | None = None) -> Iterator[Floats]:
        """Weights of the n posts (or of those `at`) in all replicates, some rows at a time: shapes (.., n).

        >>> [part.tolist() for part in Draws(np.array([[1.0, 1.0], [2.0, 0.0]]), np.array([0, 0, 1])).weights()]
        [[[1.0, 1.0, 1.0], [2.0, 2.0, 0.0]]]
        """
        place = self.place if at is None else self.place[at]
        step = max(1, _CELLS // max(len(place), 1))
        for start in range(0, len(self.counts), step):
            yield self.counts[start : start + step, place]

    def values(self, statistic: Callable[[Floats], Floats], at: Flags | None = None) -> Floats:
        """A statistic of the weighted posts in all replicates, (1 + b, ...): `statistic` takes weights (.., n).

        >>> draws = Draws(np.array([[1.0, 1.0], [2.0, 0.0]]), np.array([0, 0, 1]))
        >>> draws.values(lambda weights: weights.sum(axis=1)).tolist()
        [3.0, 4.0]
        """
        return np.concatenate([statistic(part) for part in self.weights(at)])


def interval_of(values: Floats) -> Interval:
    """Estimate, low and high (95 %) from a statistic in all replicates, shape (1 + b,); what is not defined is None.

    Percentiles of the replicates, widened to the estimate where they leave it out; None for both ends when half of
    the replicates or more are not defined.

    >>> [round(end, 6) for end in interval_of(np.append(50.0, np.arange(101.0)))]
    [50.0, 2.5, 97.5]
    >>> interval_of(np.array([np.nan, 0.2, 0.4]))
    (None, None, None)
    """
    estimate, known = _known(values)
    if estimate is None or known is None:
        return estimate, None, None
    low, high = _percentiles(known)
    return estimate, min(low, estimate), max(high, estimate)


def logit_interval(values: Floats) -> Interval:
    """As `interval_of` for a statistic between 0 and 1: normal on the scale of logits, with the replicates' spread.

    For average precision, whose percentiles lie too high. None where the replicates do not differ.

    >>> [round(end, 3) for end in logit_interval(np.array([0.5, 0.4, 0.6]))]
    [0.5, 0.311, 0.689]
    >>> logit_interval(np.array([1.0, 1.0, 1.0]))
    (1.0, None, None)
    """
    estimate, known = _known(values)
    if estimate is None or known is None:
        return estimate, None, None
    at = logit(np.clip(np.append(estimate, known), _EDGE, 1 - _EDGE))
    spread = float(at[1:].std())
    if spread < _EDGE:
        return estimate, None, None
    reach = float(norm.ppf((1 + LEVEL) / 2)) * spread
    return estimate, min(float(expit(at[0] - reach)), estimate), max(float(expit(at[0] + reach)), estimate)


def error_interval(excess: Floats) -> Interval:
    """Calibration error and its interval from mean signed errors of m bins in all replicates, shape (1 + b, m).

    The error is the sum of the bins' absolute values. Noise alone makes it larger than 0, and each new draw adds noise;
    so the low end also goes down by what a perfectly calibrated model would have: sqrt(2 / pi) times the bins' spread.
    It is cautious: in simulations it holds the error of any model, calibrated or not, in 97 of 100 samples or more.

    >>> estimate, low, high = error_interval(np.array([[0.1, -0.1], [0.12, -0.08], [0.08, -0.12]]))
    >>> round(estimate, 2), low < 0.2 <= high
    (0.2, True)
    """
    totals = np.abs(excess).sum(axis=1)
    estimate, known = _known(totals)
    if estimate is None or known is None:
        return estimate, None, None
    low, high = _percentiles(known)
    noise = float(np.sqrt(2 / np.pi) * np.nanstd(excess[1:], axis=0).sum())
    middle = float(known.mean())
    return estimate, max(0.0, estimate - noise - (middle - low)), max(estimate, min(1.0, estimate + high - middle))


def selective_bound(wrong: npt.ArrayLike, n: npt.ArrayLike, delta: float = 0.05, thresholds: int = 1) -> Any:
    """Upper bound of an error rate that holds with chance 1 - `delta` (Clopper and Pearson): wrong of n, 0 to 1.

    The 1 - delta / t quantile of Beta(wrong + 1, n - wrong), with t `thresholds` looked at (Bonferroni): then the
    bounds of all of them hold together. n may be an effective number; numbers or arrays. 1 when all are wrong, or none
    is there. Raises `UsageError` for a delta outside 0 to 1, fewer than one threshold, or more wrong than there are.

    >>> round(selective_bound(0, 10, 0.05), 4)  # 1 - 0.05 ** (1 / 10)
    0.2589
    >>> selective_bound([0, 3], [10, 10], thresholds=5).round(4).tolist()
    [0.369, 0.7029]
    """
    if not 0.0 < delta < 1.0 or thresholds < 1:
        raise UsageError(f"delta is {delta} and thresholds {thresholds}; give a delta from 0 to 1 and 1 or more")
    k, m = np.broadcast_arrays(np.asarray(wrong, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if ((k < 0) | (k > np.maximum(m, 0.0))).any():
        raise UsageError("wrong must lie between 0 and n: so many of n posts")
    inside = k < m
    a, b = np.where(inside, k + 1.0, 1.0), np.where(inside, m - k, 1.0)
    made: Floats = np.where(inside, beta.ppf(1.0 - delta / thresholds, a, b), 1.0)
    return float(made) if made.ndim == 0 else made


def effective_posts(wrong: Flags, place: Codes) -> float:
    """How many independent posts n posts by few authors are worth for an error rate, 1 to n.

    n over the design effect: the variance of the rate with authors as units (linearised, times a / (a - 1)) over that
    with posts as units, never below 1. Where no post or every post is wrong, posts of one author count as wholly alike:
    the square of n over the sum of squares of posts an author (Kish). With one author, 1.

    >>> round(effective_posts(np.array([True, True, False, False]), np.array([0, 0, 1, 1])), 4)
    1.3333
    >>> round(effective_posts(np.array([True, False, False]), np.array([0, 1, 2])), 4)
    3.0
    """
    n = len(wrong)
    _, index = np.unique(place, return_inverse=True)
    posts, lost = np.bincount(index), np.bincount(index, weights=wrong)
    if len(posts) < 2:
        return float(min(n, 1))
    share = float(lost.sum()) / n
    if share in {0.0, 1.0}:
        return float(kish_n_eff(posts))
    effect = float(ratio_se(lost, posts)) ** 2 / (share * (1 - share) / (n - 1))
    return max(1.0, n / max(effect, 1.0))


def _known(values: Floats) -> tuple[float | None, Floats | None]:
    """The estimate, and the replicates that are defined if they are more than half."""
    if math.isnan(values[0]):
        return None, None
    known = values[1:][~np.isnan(values[1:])]
    return float(values[0]), known if 2 * len(known) > len(values) - 1 else None


def _percentiles(known: Floats) -> tuple[float, float]:
    low, high = np.percentile(known, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)
