"""Two windows compared with authors as the unit: bootstrap covariance, Wald and Rao-Scott tests, stability index.

Whatever is compared is a weighted mean over posts. An author has the same Poisson weights in both windows, so that
the covariance of windows with common authors is kept. The Wald statistic of q differences is read as Hotelling's T
squared: (nu - q + 1) W / (nu q) against F with q and nu - q + 1 degrees of freedom, nu the lesser effective number of
authors of the two windows (or of replicates) less 1. Of many categories at once the covariance is not known well
enough to be inverted: they are tested by the stability index itself, whose null distribution has its mean and variance
from the same covariance.

Letters of shapes: n posts, a authors, k categories, q differences, b replicates.

Sources: Hotelling (1931), *The Generalization of Student's Ratio*; Rao and Scott (1984), *On Chi-Squared Tests for
Multiway Contingency Tables with Cell Proportions Estimated from Survey Data* (second order); Kish (1965), *Survey
Sampling* (effective size).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

from discourse.errors import UsageError
from discourse.poisson import poisson_weights

__all__ = [
    "LEAST_N_EFF", "AuthorWeights", "Means", "Verdict", "above", "holm", "moved", "psi", "psi_null", "rao_scott",
    "wald",
]  # fmt: skip

LEAST_N_EFF: Final = 30.0
"""A window of fewer effective authors is described, not tested."""
_ROWS: Final = 4096
_ROUNDING: Final = 1e-6

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AuthorWeights:
    """Poisson weights of a authors in b replicates, `drawn` (a, b), by the hash of the author alone.

    >>> AuthorWeights.of(["alice", "bob"], replicates=8, seed=0).drawn[0].tolist()
    [0, 1, 1, 0, 0, 0, 1, 3]
    """

    drawn: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, authors: Sequence[str], replicates: int, seed: int) -> AuthorWeights:
        """The weights of authors in the order given; raises `UsageError` as `poisson_weights` does."""
        drawn = np.empty((len(authors), max(replicates, 0)), dtype=np.uint8)
        for start in range(0, max(len(authors), 1), _ROWS):
            drawn[start : start + _ROWS] = poisson_weights(authors[start : start + _ROWS], replicates, seed)
        return cls(drawn)

    def means(self, place: Codes, weights: Floats, values: Floats) -> Means:
        """Weighted means of `values` (n, k) of n posts whose authors stand at `place`, in the sample and replicates."""
        columns = [np.bincount(place, weights * one, len(self.drawn)) for one in values.T]
        return self._means(np.stack(columns, axis=1) if columns else np.zeros((len(self.drawn), 0)), place, weights)

    def shares(self, place: Codes, weights: Floats, category: Codes, k: int) -> Means:
        """Weighted shares of the k categories (numbered from 0) that n posts or words fall into."""
        cells: Floats = np.bincount(place * k + category, weights, len(self.drawn) * k).astype(np.float64)
        return self._means(cells.reshape(-1, k), place, weights)

    def _means(self, sums: Floats, place: Codes, weights: Floats) -> Means:
        """From sums of an author (a, k): only authors with weight are looked at."""
        total = np.bincount(place, weights, len(self.drawn))
        there = np.flatnonzero(total > 0)
        above, below = np.zeros((sums.shape[1], self.drawn.shape[1])), np.zeros(self.drawn.shape[1])
        for start in range(0, len(there), _ROWS):
            at = there[start : start + _ROWS]
            drawn = self.drawn[at].astype(np.float64)
            above += sums[at].T @ drawn
            below += total[at] @ drawn
        with np.errstate(invalid="ignore", divide="ignore"):
            estimate, replicates = sums.sum(axis=0) / total.sum(), above / below
            n_eff = total.sum() ** 2 / (total**2).sum()
        return Means(estimate, replicates, float(n_eff) if len(there) else 0.0, len(there), len(place))


@dataclass(frozen=True, eq=False)
class Means:
    """k means in one window: `estimate` (k,), `replicates` (k, b), effective and plain number of authors, posts.

    A replicate in which no author has weight is NaN.
    """

    estimate: Floats
    replicates: Floats
    n_eff: float
    authors: int
    posts: int


@dataclass(frozen=True)
class Verdict:
    """One test: the statistic, its degrees of freedom and the chance of as much where nothing changed.

    What cannot be tested (too few authors, nothing that varies) has None.
    """

    statistic: float | None = None
    df1: float | None = None
    df2: float | None = None
    p: float | None = None


def wald(reference: Means, current: Means, *, composition: bool) -> Verdict:
    """Whether k means differ between two windows: Wald statistic with author-bootstrap covariance, read as F.

    With `composition` the k means are shares that sum to 1: q = k - 1 of them are compared, all but the largest, and
    the covariance gets that of one author more in each window, so that a share of 0 or 1 does not count as certain.
    No test below 30 effective authors in a window, or if nothing varies.

    >>> draws = AuthorWeights.of([str(i) for i in range(200)], replicates=400, seed=0)
    >>> place, ones = np.arange(200), np.ones(200)
    >>> first = draws.shares(place[:100], ones[:100], np.arange(100) % 2, 2)
    >>> last = draws.shares(place[100:], ones[100:], (np.arange(100) % 4 > 0).astype(int), 2)
    >>> made = wald(first, last, composition=True)
    >>> made.df1, made.df2, made.p < 0.01
    (1.0, 99.0, True)
    """
    least = min(reference.n_eff, current.n_eff)
    difference, replicates = _difference(reference, current)
    if least < LEAST_N_EFF or not len(difference) or replicates.shape[1] < 2:
        return Verdict()
    covariance = np.atleast_2d(np.cov(replicates))
    if composition:
        pooled = (reference.estimate + current.estimate) / 2
        more = 1 / reference.n_eff**2 + 1 / current.n_eff**2
        covariance = covariance + more * (np.diag(pooled) - np.outer(pooled, pooled))
        kept = np.delete(np.arange(len(pooled)), int(pooled.argmax()))
        kept = kept[pooled[kept] > 0]
        covariance, difference = covariance[np.ix_(kept, kept)], difference[kept]
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True)) if len(difference) else 0
    nu = min(least, replicates.shape[1]) - 1
    if not rank or nu - rank + 1 <= 0:
        return Verdict()
    statistic = float(difference @ np.linalg.pinv(covariance, hermitian=True) @ difference)
    df2 = nu - rank + 1
    p = float(f_distribution.sf(statistic * df2 / (nu * rank), rank, df2))
    return Verdict(statistic, float(rank), float(df2), p)


def rao_scott(reference: Means, current: Means) -> Verdict:
    """Whether shares of many categories differ: sum of squared differences over shares, with a scaled F.

    X = sum_k d_k^2 / p_k; with M = diag(1/p) V it has mean tr M, and X / tr M is F with nu = (tr M)^2 / tr M^2 and
    nu (n_eff - 1) degrees of freedom. No test below 30 effective authors in a window.
    """
    least = min(reference.n_eff, current.n_eff)
    pooled, difference, replicates = _shared(reference, current)
    if least < LEAST_N_EFF or len(pooled) < 2 or replicates.shape[1] < 2:
        return Verdict()
    scaled = np.cov(replicates) / pooled[:, None]
    trace, second = float(np.trace(scaled)), float((scaled * scaled.T).sum())
    if second <= 0:
        return Verdict()
    statistic, nu = float((difference**2 / pooled).sum()), trace**2 / second
    df2 = nu * (min(least, replicates.shape[1]) - 1)
    return Verdict(statistic, nu, df2, float(f_distribution.sf(statistic / trace, nu, df2)))


def above(value: Means, null: float) -> Verdict:
    """Whether one mean lies above `null`: one-sided t, its square the statistic, with n_eff - 1 degrees of freedom."""
    known = value.replicates[0][np.isfinite(value.replicates[0])]
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    if value.n_eff < LEAST_N_EFF or not spread:
        return Verdict()
    df, t = min(value.n_eff, len(known)) - 1, (float(value.estimate[0]) - null) / spread
    return Verdict(t**2, 1.0, df, float(t_distribution.sf(t, df)))


def psi(expected: npt.ArrayLike, actual: npt.ArrayLike, floor: float = 0.0) -> float:
    """Population stability index of two compositions of k shares or counts: sum (a - e) ln(a / e), from 0; in nats.

    Counts are divided by their sum. It is the symmetric Kullback-Leibler divergence. Shares below `floor` count as
    `floor`; with a floor of 0 a share that is 0 on one side alone makes it infinite, one that is 0 on both nothing.
    Raises `UsageError` for compositions of different length.

    >>> round(psi([0.5, 0.5], [0.25, 0.75]), 4)  # -0.25 ln 0.5 + 0.25 ln 1.5
    0.2747
    >>> round(psi([50, 50], [10, 30]), 4)
    0.2747
    """
    e, a = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    if e.shape != a.shape:
        raise UsageError(f"the compositions have {e.size} and {a.size} shares; give both the same categories")
    e, a = (one / one.sum() if abs(one.sum() - 1.0) > _ROUNDING and one.sum() > 0 else one for one in (e, a))
    e, a = np.maximum(e, floor), np.maximum(a, floor)
    e, a = e[(e > 0) | (a > 0)], a[(e > 0) | (a > 0)]
    if ((e == 0) | (a == 0)).any():
        return float("inf")
    return float(((a - e) * np.log(a / e)).sum())


def psi_null(reference: Means, current: Means) -> float:
    """The mean of the stability index where nothing changed: sum of the variances of differences over shares.

    With n and m independent posts it is (k - 1) (1/n + 1/m); with authors as clusters their effective sizes stand in
    the place of n and m, and common authors lower it.
    """
    pooled, _, replicates = _shared(reference, current)
    if replicates.shape[1] < 2:
        return float("nan")
    return float((replicates.var(axis=1, ddof=1) / pooled).sum())


def moved(reference: Means, current: Means) -> float:
    """How much of the weight changed its category: half the sum of absolute differences of shares, 0 to 1."""
    return float(np.abs(current.estimate - reference.estimate).sum() / 2)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """p-values of one family made valid for all of its tests at once (Holm 1979); None stays None.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    known = sorted((p, at) for at, p in enumerate(ps) if p is not None)
    made: list[float | None] = [None] * len(ps)
    worst = 0.0
    for rank, (p, at) in enumerate(known):
        worst = min(1.0, max(worst, (len(known) - rank) * p))
        made[at] = worst
    return made


def _difference(reference: Means, current: Means) -> tuple[Floats, Floats]:
    """Current less reference in the sample (k,) and in the replicates in which both windows have posts (k, b)."""
    replicates = current.replicates - reference.replicates
    return current.estimate - reference.estimate, replicates[:, np.isfinite(replicates).all(axis=0)]


def _shared(reference: Means, current: Means) -> tuple[Floats, Floats, Floats]:
    """Mean shares of both windows, differences and replicates of them, without categories that neither has."""
    pooled = (reference.estimate + current.estimate) / 2
    difference, replicates = _difference(reference, current)
    there = pooled > 0
    return pooled[there], difference[there], replicates[there]
