"""Standard errors of all ten methods from the posts themselves, with authors as units: no bootstrap.

Each share is a function of weighted sums over posts; its first-order change when one post weighs a little more is the
post's influence. Influences summed by author, squared and summed give the variance. It checks the bootstrap, and serves
where there is none. Letters of shapes: n posts, j predicted classes (the k frames first), k true classes.

A post has two weights: `posts`, as one of those whose share is asked for, and `gold`, as a label. A coded post of the
corpus has both (gold = posts / chance), an uncoded one the first, a label from elsewhere (for `acc`, `pacc`) the
second.

Source: Taylor linearisation as in Binder (1983), *On the Variances of Asymptotically Normal Estimators from Complex
Surveys*; for `sld`, the score of a maximum-likelihood mixture with known parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from discourse.errors import MeaningError, UsageError
from discourse.estimators.estimate import Estimate, assumes_of, from_se
from discourse.estimators.powered import Moments, ppi_lambda
from discourse.estimators.proportions import cluster_se, kish_n_eff
from discourse.estimators.quantify import acc, cc, confusion_rates, inverse_rates, pcc, sld
from discourse.estimators.stratified import gold_only, poststrat
from discourse.schema import one_of

__all__ = ["influence", "linearised"]

Floats = npt.NDArray[np.float64]


def linearised(
    method: str,
    scores: npt.ArrayLike,
    y: npt.ArrayLike,
    posts: npt.ArrayLike,
    gold: npt.ArrayLike,
    *,
    author: Any = None,
    prior: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Shares (k,) by one of the ten methods, with clustered standard errors and t intervals.

    `scores` (n, j) sum to 1 in each row (a 1 for the predicted class will do), `y` (n, k) are true classes, read where
    `gold` (n,) is above 0, `posts` (n,) weigh the posts; `author` (n,) are by default the posts. `prior` (k,), for
    `sld`: the shares where the classifier was trained, taken as known. a authors have gold (or posts, for `cc`, `pcc`,
    `sld`): the variance is multiplied by a / (a - 1), t has a - 1 degrees. `sld`'s says nothing of how well its scores
    are calibrated.

    >>> scores, y = np.eye(2)[[0, 0, 0, 1, 1, 1]], np.eye(2)[[0, 0, 1, 1, 1, 0]]
    >>> linearised("poststrat", scores, y, np.ones(6), np.ones(6))[0]
    poststrat 0.500 [-0.075, 1.075], assumes random_gold
    """
    value, psi = influence(method, scores, y, posts, gold, prior=prior)
    v, w = np.asarray(posts, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    ids = np.arange(len(v)) if author is None else np.unique(np.asarray(author), return_inverse=True)[1]
    used = (v > 0) if method in _WITHOUT_GOLD else (w > 0)
    a = len(np.unique(ids[used]))
    if a < 2:
        raise MeaningError(f"there are labels or posts of {a} authors; a standard error needs 2 or more")
    se = cluster_se(psi, ids, small_sample=False) * np.sqrt(a / (a - 1.0))
    coded = (w > 0) & (v > 0)
    chances = v[coded] / w[coded]
    words = assumes_of(method, weighted=bool(coded.any() and np.ptp(chances) > 1e-9))
    return from_se(value, se, method=method, df=a - 1.0, level=level, assumes=words, n_gold=int((w > 0).sum()),
                   n_eff=float(kish_n_eff(np.bincount(ids, v))))  # fmt: skip


def influence(
    method: str,
    scores: npt.ArrayLike,
    y: npt.ArrayLike,
    posts: npt.ArrayLike,
    gold: npt.ArrayLike,
    *,
    prior: npt.ArrayLike | None = None,
) -> tuple[Floats, Floats]:
    """Shares (k,) and the influence (n, k) of each post on them; arguments as in `linearised`.

    Influences sum to 0 over posts. For the difference of two sides, or of two methods, subtract the influences before
    summing them by author.

    >>> value, psi = influence("gold", [[1.0, 0.0]] * 2, [[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], [1.0, 1.0])
    >>> value.tolist(), psi[:, 0].tolist()
    ([0.5, 0.5], [0.25, -0.25])
    """
    of = _INFLUENCES[one_of(method, _INFLUENCES, "method")]
    f, truth = np.asarray(scores, dtype=np.float64), np.asarray(y, dtype=np.float64)
    v, w = np.asarray(posts, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    tables = f.ndim == 2 and truth.ndim == 2
    if not tables or not len(f) == len(truth) == len(v) == len(w) or f.shape[1] < truth.shape[1]:
        raise UsageError(
            f"scores have the shape {f.shape}, y {truth.shape}, posts {v.shape} and gold {w.shape}; "
            "they must be (n, j), (n, k), (n,) and (n,) with j at least k"
        )
    if (prior is None) == (method == "sld"):
        raise UsageError(f"prior is {'missing' if prior is None else 'given'}; sld needs one, and sld alone")
    known = np.where((w > 0)[:, None], truth, 0.0)
    return of(_Posts(f, np.eye(f.shape[1])[f.argmax(axis=1)], known, v, w, prior))


@dataclass(frozen=True, eq=False)
class _Posts:
    """Scores f and predicted classes h (n, j), truth y (n, k), weights v of posts and w of gold (n,)."""

    f: Floats
    h: Floats
    y: Floats
    v: Floats
    w: Floats
    prior: Any

    @property
    def k(self) -> int:
        return int(self.y.shape[1])

    def mean_change(self, x: Floats, mean: Floats) -> Floats:
        """Influences on the weighted mean of x over posts."""
        made: Floats = self.v[:, None] * (x - mean) / self.v.sum()
        return made


Found = tuple[Floats, Floats]


def _cc(one: _Posts) -> Found:
    v = one.v * one.h[:, : one.k].sum(axis=1)
    value = cc(one.v @ one.h, one.k)
    return value, v[:, None] * (one.h[:, : one.k] - value) / v.sum()


def _pcc(one: _Posts) -> Found:
    value = pcc(one.f, one.v)
    return value[: one.k], one.mean_change(one.f, value)[:, : one.k]


def _gold(one: _Posts) -> Found:
    value = gold_only((one.w[:, None] * one.h).T @ one.y)
    return value, one.w[:, None] * (one.y - value) / one.w.sum()


def _poststrat(one: _Posts) -> Found:
    counts, table = one.v @ one.h, (one.w[:, None] * one.h).T @ one.y
    value, weight = poststrat(counts, table), one.w @ one.h
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = np.where(weight[:, None] > 0, table / weight[:, None], 0.0)
        scale = np.where(weight > 0, counts / counts.sum() / weight, 0.0)
    own = one.h @ rates
    return value, one.mean_change(own, value) + (one.w * (one.h @ scale))[:, None] * (one.y - own)


def _adjusted(one: _Posts, x: Floats) -> Found:
    table = (one.w[:, None] * x).T @ one.y
    rates, q = confusion_rates(table), pcc(x, one.v)
    value = acc(q, table)
    # Of each column of the rates: the change x - M_k, by the weight of the label in its class.
    by_class = one.y * one.w[:, None] / (one.w @ one.y)
    change = one.mean_change(x, q) - (by_class * value).sum(axis=1)[:, None] * x + (by_class * value) @ rates.T
    return value, change @ inverse_rates(rates).T


def _sld(one: _Posts) -> Found:
    f, prior = one.f[:, : one.k], np.asarray(one.prior, dtype=np.float64)
    value = sld(f, prior, one.v)
    r = f / (prior / prior.sum())
    s = r / np.maximum(r @ value, 1e-300)[:, None]
    free = value > 1e-9
    hessian = (one.v[:, None] * s).T @ s / one.v.sum()
    psi = np.zeros_like(f)
    # Posts that look the same to all classes leave the shares where they are: the pseudo-inverse does.
    psi[:, free] = one.mean_change(s, np.ones(one.k))[:, free] @ np.linalg.pinv(hessian[np.ix_(free, free)])
    return value, psi


def _powered(one: _Posts, lam: float) -> Found:
    f = one.f[:, : one.k]
    off, mean = one.y - lam * f, one.v @ f / one.v.sum()
    shift = one.w @ off / one.w.sum()
    return lam * mean + shift, lam * one.mean_change(f, mean) + one.w[:, None] * (off - shift) / one.w.sum()


def _ppi_plus(one: _Posts) -> Found:
    moments = Moments.of_posts(one.y, one.f[:, : one.k], one.f[:, : one.k], one.w, one.v)
    return _powered(one, float(ppi_lambda(moments)))


def _dsl(one: _Posts) -> Found:
    f, total = one.f[:, : one.k], one.v.sum()
    psi = one.v[:, None] * f + one.w[:, None] * (one.y - f)
    value = psi.sum(axis=0) / total
    return value, (psi - one.v[:, None] * value) / total


_INFLUENCES: dict[str, Callable[[_Posts], Found]] = {
    "gold": _gold,
    "poststrat": _poststrat,
    "ppi": lambda one: _powered(one, 1.0),
    "ppi++": _ppi_plus,
    "dsl": _dsl,
    "acc": lambda one: _adjusted(one, one.h),
    "pacc": lambda one: _adjusted(one, one.f),
    "sld": _sld,
    "cc": _cc,
    "pcc": _pcc,
}
_WITHOUT_GOLD = ("cc", "pcc", "sld")
