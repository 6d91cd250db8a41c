"""Intervals of one proportion, and the standard error of a share whose posts come in authors.

Letters of shapes: a authors, n posts. A proportion interval takes posts as independent: use it for labels drawn at
random from different authors, or with an effective sample size (`kish_n_eff`) in place of n.

Sources: Wilson (1927), *Probable Inference, the Law of Succession, and Statistical Inference*; Clopper and Pearson
(1934), *The Use of Confidence or Fiducial Limits*; Brown, Cai and DasGupta (2001), *Interval Estimation for a Binomial
Proportion* (Jeffreys, Agresti-Coull); Korn and Graubard (1998) for effective sizes; Cochran (1977), *Sampling
Techniques*, section 6.3 (ratio); Cameron and Miller (2015), *A Practitioner's Guide to Cluster-Robust Inference* (CR0,
CR1); Kish (1965), *Survey Sampling*.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from discourse.errors import UsageError
from discourse.estimators.estimate import Estimate, from_se
from discourse.schema import one_of

__all__ = [
    "INTERVALS",
    "agresti_coull",
    "author_share",
    "clopper_pearson",
    "cluster_se",
    "jeffreys",
    "kish_n_eff",
    "proportion_interval",
    "ratio_estimate",
    "ratio_se",
    "wilson",
]

Floats = npt.NDArray[np.float64]
Bounds = tuple[Floats, Floats]


def wilson(x: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> Bounds:
    """Wilson's score interval of x of n, each of shape (...); x and n need not be whole.

    (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n). NaN where n is 0. Raises `UsageError` unless
    0 <= x <= n, as all intervals here do.

    >>> [round(float(bound), 4) for bound in wilson(7, 40)]
    [0.0875, 0.3195]
    """
    p, m, z = _proportion(x, n, level)
    middle = (p + z**2 / (2.0 * m)) / (1.0 + z**2 / m)
    reach = z * np.sqrt(p * (1.0 - p) / m + z**2 / (4.0 * m**2)) / (1.0 + z**2 / m)
    return np.clip(middle - reach, 0.0, 1.0), np.clip(middle + reach, 0.0, 1.0)


def agresti_coull(x: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> Bounds:
    """Agresti and Coull's interval: Wald's with z^2/2 successes and z^2/2 failures more, cut at 0 and 1.

    >>> [round(float(bound), 4) for bound in agresti_coull(7, 40)]
    [0.0843, 0.3226]
    """
    p, m, z = _proportion(x, n, level)
    middle = (p + z**2 / (2.0 * m)) / (1.0 + z**2 / m)
    reach = z * np.sqrt(middle * (1.0 - middle) / (m + z**2))
    return np.clip(middle - reach, 0.0, 1.0), np.clip(middle + reach, 0.0, 1.0)


def jeffreys(x: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> Bounds:
    """Jeffreys' interval: equal tails of Beta(x + 1/2, n - x + 1/2), also for x = 0 and x = n, which it leaves out.

    >>> [round(float(bound), 4) for bound in jeffreys(7, 40)]
    [0.0819, 0.3132]
    """
    p, m, _ = _proportion(x, n, level)
    tail = (1.0 - level) / 2.0
    a, b = p * m + 0.5, m - p * m + 0.5
    return stats.beta.ppf(tail, a, b), stats.beta.ppf(1.0 - tail, a, b)


def clopper_pearson(x: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> Bounds:
    """Clopper and Pearson's exact interval ("beta"): never under its level, often well above.

    >>> [round(float(bound), 4) for bound in clopper_pearson(7, 40)]
    [0.0734, 0.3278]
    """
    p, m, _ = _proportion(x, n, level)
    tail, count = (1.0 - level) / 2.0, p * m
    # A beta distribution needs positive parameters; x = 0 and x = n have their bound by definition.
    low = np.where(p > 0.0, stats.beta.ppf(tail, np.maximum(count, 1e-300), m - count + 1.0), p * 0.0)
    high = np.where(p < 1.0, stats.beta.ppf(1.0 - tail, count + 1.0, np.maximum(m - count, 1e-300)), p)
    return low, high


INTERVALS = {"wilson": wilson, "jeffreys": jeffreys, "beta": clopper_pearson, "agresti_coull": agresti_coull}
"""The intervals by name; "beta" is Clopper and Pearson's."""


def proportion_interval(x: npt.ArrayLike, n: npt.ArrayLike, method: str = "wilson", level: float = 0.95) -> Bounds:
    """The interval of x of n by one of `INTERVALS`.

    >>> low, high = proportion_interval([0, 20], [20, 20])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.839], [0.161, 1.0])
    """
    return INTERVALS[one_of(method, INTERVALS, "method")](x, n, level)


def cluster_se(influence: npt.ArrayLike, author: Any = None, *, small_sample: bool = True) -> Floats:
    """Standard error of a sum of influences of n posts, shape (n,) or (n, k): sqrt(sum over authors of squared sums).

    Without `author` each post stands for itself. `small_sample` multiplies the variance by a / (a - 1) (CR1, else
    CR0), with a the number of authors; it has no effect without authors.

    >>> float(cluster_se([3.0, 4.0])), float(cluster_se([3.0, 4.0], ["x", "x"], small_sample=False))
    (5.0, 7.0)
    """
    psi = np.asarray(influence, dtype=np.float64)
    if author is None:
        alone: Floats = np.sqrt(np.square(psi).sum(axis=0))
        return alone
    sums, a = _by_author(psi, author)
    factor = a / (a - 1.0) if small_sample and a > 1 else (np.nan if small_sample else 1.0)
    made: Floats = np.sqrt(factor * np.square(sums).sum(axis=0))
    return made


def ratio_se(successes: npt.ArrayLike, posts: npt.ArrayLike, *, small_sample: bool = True) -> Floats:
    """Linearised standard error of sum(successes) / sum(posts) over authors on the last axis, (..., a) to (...).

    sqrt(sum of e^2) / sum of m with e = s - p m of each author; times sqrt(a / (a - 1)) with `small_sample` (CR1, the
    default; without it CR0). a counts the authors with posts. NaN for CR1 of fewer than two.

    >>> s, m = [3, 0, 10, 1, 2, 1], [4, 4, 12, 1, 9, 2]
    >>> round(float(ratio_se(s, m)), 4), round(float(ratio_se(s, m, small_sample=False)), 4)
    (0.1758, 0.1605)
    """
    s, m = np.asarray(successes, dtype=np.float64), np.asarray(posts, dtype=np.float64)
    total, a = m.sum(axis=-1), (m > 0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = s.sum(axis=-1) / total
        squares = np.square(s - p[..., None] * m).sum(axis=-1)
        factor = np.where(a > 1, a / (a - 1.0), np.nan) if small_sample else 1.0
        made: Floats = np.sqrt(factor * squares) / total
    return made


def ratio_estimate(successes: npt.ArrayLike, posts: npt.ArrayLike, level: float = 0.95) -> Estimate:
    """Post-weighted share of a authors with its CR1 interval, t with a - 1 degrees; arguments of shape (a,).

    The classifier's error is not in it: this is `cc` with authors as units.

    >>> print(ratio_estimate([3, 0, 10, 1, 2, 1], [4, 4, 12, 1, 9, 2]))
    cc 0.531 [0.079, 0.983] (warning: the interval leaves out the classifier's error), assumes classifier_errors_cancel
    """
    m = np.asarray(posts, dtype=np.float64)
    share = np.asarray(successes, dtype=np.float64).sum() / m.sum()
    df = float((m > 0).sum() - 1)
    return from_se(share, ratio_se(successes, posts), method="cc", df=df, level=level, n_eff=float(kish_n_eff(m)))


def author_share(successes: npt.ArrayLike, posts: npt.ArrayLike) -> Floats:
    """Author-weighted share: the mean over authors (..., a) of successes / posts; authors without posts are left out.

    >>> round(float(author_share([3, 0, 10, 1, 2, 1], [4, 4, 12, 1, 9, 2])), 4)
    0.5509
    """
    s, m = np.asarray(successes, dtype=np.float64), np.asarray(posts, dtype=np.float64)
    part = np.divide(s, m, out=np.zeros(np.broadcast(s, m).shape), where=m > 0)
    with np.errstate(invalid="ignore"):
        made: Floats = part.sum(axis=-1) / (m > 0).sum(axis=-1)
    return made


def kish_n_eff(weights: npt.ArrayLike) -> Floats:
    """Kish's effective sample size (sum w)^2 / sum w^2 over the last axis, (..., a) to (...); 0 where all weigh 0.

    >>> round(float(kish_n_eff([4, 4, 12, 1, 9, 2])), 4)
    3.9084
    """
    w = np.asarray(weights, dtype=np.float64)
    squares = np.square(w).sum(axis=-1)
    made: Floats = np.where(squares > 0, w.sum(axis=-1) ** 2 / np.where(squares > 0, squares, 1.0), 0.0)
    return made


def _by_author(values: Floats, author: Any) -> tuple[Floats, int]:
    """Sums of values (n, ...) over each author, shape (a, ...), and a."""
    ids, place = np.unique(np.asarray(author), return_inverse=True)
    if place.shape != values.shape[:1]:
        raise UsageError(f"author has the shape {np.shape(author)}; it must name one for each of {len(values)} posts")
    sums = np.zeros((len(ids), *values.shape[1:]))
    np.add.at(sums, place, values)
    return sums, len(ids)


def _proportion(x: npt.ArrayLike, n: npt.ArrayLike, level: float) -> tuple[Floats, Floats, float]:
    if not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}; it must lie between 0 and 1, like 0.95")
    count, size = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if ((count < 0) | (count > size)).any():
        raise UsageError("x must lie between 0 and n: so many of n posts")
    m = np.where(size > 0, size, np.nan)
    return count / m, m, float(stats.norm.ppf(0.5 + level / 2.0))
