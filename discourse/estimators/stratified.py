"""Gold alone, and gold post-stratified by the predicted class: shares, their variances, and what the classifier gains.

Letters of shapes: j predicted classes (abstentions are one of them), k true classes. Counts are weighted sums over
posts with any leading axes (...), so a bootstrap is one call: put the replicates in front.

Sources: Tenenbein (1970), *A Double Sampling Scheme for Estimating from Binomial Data with Misclassifications*; Cochran
(1977), *Sampling Techniques*, sections 5A.9 (post-stratification) and 12.2 (double sampling); Hajek (1971) for weights
1 / chance inside each class.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError
from discourse.estimators.rates import normalised

__all__ = ["gold_only", "gold_se", "poststrat", "poststrat_se", "variance_gain"]

Floats = npt.NDArray[np.float64]


def gold_only(gold: npt.ArrayLike) -> Floats:
    """Shares (..., k) of the gold labels alone, from weighted counts (..., j predicted, k true).

    >>> gold_only([[8.0, 2.0], [1.0, 9.0]]).tolist()
    [0.45, 0.55]
    """
    return normalised(np.asarray(gold, dtype=np.float64).sum(axis=-2))


def gold_se(gold: npt.ArrayLike) -> Floats:
    """Standard errors (..., k) of `gold_only` for independent labels of equal weight: sqrt(p (1 - p) / (n - 1)).

    >>> gold_se([[8, 2], [1, 9]]).round(4).tolist()                    # sqrt(.45 x .55 / 19)
    [0.1141, 0.1141]
    """
    table = np.asarray(gold, dtype=np.float64)
    p, n = gold_only(table), table.sum(axis=(-1, -2))[..., None]
    made: Floats = np.sqrt(p * (1.0 - p) / np.where(n > 1, n - 1.0, np.nan))
    return made


def poststrat(counts: npt.ArrayLike, gold: npt.ArrayLike) -> Floats:
    """Post-stratified shares p_k = sum_j W_j p(true = k | predicted = j), shape (..., k).

    `counts` (..., j) give W_j, `gold` (..., j, k) the rates; gold weighs 1 / chance where chances differ. A predicted
    class that has posts but no gold gives NaN, as do no posts at all.

    >>> poststrat([80, 20], [[8, 2], [1, 9]]).round(2).tolist()
    [0.66, 0.34]
    """
    share, rate = _parts(counts, gold)
    made: Floats = np.einsum("...j,...jk->...k", share, rate)
    return made


def poststrat_se(
    counts: npt.ArrayLike,
    gold: npt.ArrayLike,
    *,
    smooth: bool = True,
    labels: npt.ArrayLike | None = None,
    posts: npt.ArrayLike | None = None,
) -> Floats:
    """Standard errors (..., k) of `poststrat` when posts are independent, conditional on the gold of each class.

    sum_j W_j^2 v_j + sum_j W_j (p_kj - p_k)^2 / N, with v_j = s (1 - s) / n_j and s = (x + 1/2) / (n_j + 1), so that a
    few labels of one kind do not count as certainty; with `smooth` false v_j = p (1 - p) / (n_j - 1). Give `labels`
    (..., j), how many labels each class has, and `posts` (...), how many posts, where the counts are weighted: an
    effective number (`kish_n_eff`) is right for both. NaN where `poststrat` is, and without `smooth` where a class has
    one label.

    The root of .64 x .16 / 9 + .04 x .09 / 9 + (.8 x .14^2 + .2 x .56^2) / 100:

    >>> poststrat_se([80, 20], [[8, 2], [1, 9]], smooth=False).round(4).tolist()
    [0.1121, 0.1121]
    """
    share, rate = _parts(counts, gold)
    table = np.asarray(gold, dtype=np.float64)
    n_j = (table.sum(axis=-1) if labels is None else np.asarray(labels, dtype=np.float64))[..., None]
    total = np.asarray(counts, dtype=np.float64).sum(axis=-1) if posts is None else np.asarray(posts, dtype=np.float64)
    p = np.einsum("...j,...jk->...k", share, rate)
    with np.errstate(invalid="ignore", divide="ignore"):
        if smooth:
            s = (rate * n_j + 0.5) / (n_j + 1.0)
            within = s * (1.0 - s) / n_j
        else:
            within = rate * (1.0 - rate) / np.where(n_j > 1, n_j - 1.0, np.nan)
        within = np.where(share[..., None] > 0, within, 0.0)
        between = np.einsum("...j,...jk->...k", share, np.square(rate - p[..., None, :])) / total[..., None]
        made: Floats = np.sqrt(np.einsum("...j,...jk->...k", share**2, within) + between)
    return made


def variance_gain(counts: npt.ArrayLike, gold: npt.ArrayLike) -> Floats:
    """Which part of the variance of `gold_only` the classifier takes away, (..., k): at most 1, about R^2.

    1 - V(poststrat) / V(gold only) for n labels drawn at random among many posts: V(poststrat) is
    sum_j W_j s_j / n + sum_j (1 - W_j) s_j / n^2 with s_j the unbiased variance of labels within a predicted class (of
    all labels where a class has one). Near 0 the classifier adds nothing; below 0 it costs more than it brings.

    >>> variance_gain([50, 50], [[45, 5], [5, 45]]).round(3).tolist()       # 1 - (.0918 + .0009) / .2525
    [0.633, 0.633]
    """
    share, rate = _parts(counts, gold)
    table = np.asarray(gold, dtype=np.float64)
    n_j = table.sum(axis=-1)[..., None]
    n = n_j.sum(axis=-2)
    p = gold_only(table)
    with np.errstate(invalid="ignore", divide="ignore"):
        overall = np.where(n > 1, p * (1.0 - p) * n / (n - 1.0), np.nan)
        own = np.where(n_j > 1, rate * (1.0 - rate) * n_j / (n_j - 1.0), overall[..., None, :])
        within = np.einsum("...j,...jk->...k", share, own)
        extra = np.einsum("...j,...jk->...k", np.where(share > 0, 1.0 - share, 0.0), own)
        made: Floats = 1.0 - (within + extra / n) / overall
    return made


def _parts(counts: npt.ArrayLike, gold: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Shares W_j (..., j) and rates (..., j, k), which are 0 in a class without posts."""
    n, table = np.asarray(counts, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    if table.ndim < 2 or n.shape[-1:] != table.shape[-2:-1]:
        raise UsageError(
            f"counts have the shape {n.shape} and gold {table.shape}; "
            "they must be (..., j predicted) and (..., j predicted, k true)"
        )
    share = normalised(n)
    return share, np.where((share == 0)[..., None], 0.0, normalised(table))
