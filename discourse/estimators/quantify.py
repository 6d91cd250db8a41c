"""Shares from predictions alone, or from predictions and what the classifier does to posts of each true class.

Letters of shapes: n posts or cells, j predicted classes (the k frames, and perhaps "abstain"), k true classes. Every
function here works on sums over posts with any leading axes (...), so a bootstrap is one call: put the replicates in
front. Weights of authors and of inclusion (1 / chance) are already in the sums.

| function | takes | is right if |
|---|---|---|
| `cc` | counts of predicted classes | errors cancel |
| `pcc` | scores and weights | errors cancel |
| `acc`, `rogan_gladen` | shares of predicted classes, confusion counts | prior shift |
| `pacc` | mean scores, sums of gold scores | prior shift |
| `sld` | scores and weights, shares at training | prior shift, calibrated scores |

Sources: Rogan and Gladen (1978), *Estimating Prevalence from the Results of a Screening Test*; Forman (2008),
*Quantifying Counts and Costs via Classification* (CC, ACC); Bella, Ferri, Hernandez-Orallo and Ramirez-Quintana (2010),
*Quantification via Probability Estimators* (PCC, PACC); Saerens, Latinne and Decaestecker (2002), *Adjusting the
Outputs of a Classifier to New a Priori Probabilities* (SLD).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError
from discourse.estimators.mixture import Odds, most_likely
from discourse.estimators.rates import normalised
from discourse.estimators.simplex import simplex_projection
from discourse.schema import one_of

__all__ = [
    "FITS",
    "acc",
    "acc_se",
    "cc",
    "condition_number",
    "confusion_rates",
    "inverse_rates",
    "pacc",
    "pcc",
    "rogan_gladen",
    "sld",
]

FITS = ("project", "simplex")
"""How `acc` keeps to the simplex: solve and take the nearest point, or least squares on the simplex itself."""

Floats = npt.NDArray[np.float64]
_SINGULAR = 1e12
_ROUNDING = 1e-12


def cc(counts: npt.ArrayLike, k: int | None = None) -> Floats:
    """Classify and count: weighted counts (..., j) as shares (..., k) of the first k classes, default all.

    What follows the first k (abstentions) is left out of the whole. NaN where nothing was counted.

    >>> cc([3.0, 1.0, 4.0, 2.0], k=3).tolist()
    [0.375, 0.125, 0.5]
    """
    made = np.asarray(counts, dtype=np.float64)
    if k is not None and not 1 <= k <= made.shape[-1]:
        raise UsageError(f"k is {k}; there are counts of {made.shape[-1]} predicted classes")
    return normalised(made[..., :k])


def pcc(posteriors: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Probabilistic classify and count: the weighted mean of posteriors (..., n, k) over posts, shape (..., k).

    `weights` (..., n) may carry replicates in front; without them posts weigh the same. NaN where all weigh 0.

    >>> pcc([[0.9, 0.1], [0.5, 0.5]], [[1.0, 1.0], [0.0, 2.0]]).round(3).tolist()
    [[0.7, 0.3], [0.5, 0.5]]
    """
    f, w = _scores(posteriors, weights)
    made: Floats = np.einsum("...n,...nk->...k", w, f)
    return made


def rogan_gladen(q: npt.ArrayLike, sensitivity: npt.ArrayLike, specificity: npt.ArrayLike) -> Floats:
    """Rogan and Gladen's share (q + spec - 1) / (sens + spec - 1), cut at 0 and 1; any shapes that broadcast.

    NaN where sens + spec = 1: then the test says nothing.

    >>> rogan_gladen([0.3, 0.05], 0.85, 0.9).round(6).tolist()
    [0.266667, 0.0]
    """
    spec = np.asarray(specificity, dtype=np.float64)
    above = np.asarray(q, dtype=np.float64) + spec - 1.0
    whole = np.asarray(sensitivity, dtype=np.float64) + spec - 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = np.where(np.abs(whole) > _ROUNDING, np.clip(above / whole, 0.0, 1.0), np.nan)
    return made


def confusion_rates(confusion: npt.ArrayLike) -> Floats:
    """Rates p(predicted | true) of counts (..., j predicted, k true): each column sums to 1; NaN without gold of it.

    >>> confusion_rates([[8, 1], [2, 3]]).tolist()
    [[0.8, 0.25], [0.2, 0.75]]
    """
    return normalised(np.asarray(confusion, dtype=np.float64).swapaxes(-1, -2)).swapaxes(-1, -2)


def condition_number(confusion: npt.ArrayLike) -> Floats:
    """How much `acc` can blow up the noise of predicted shares: largest by smallest singular value of the rates, (...).

    1 for a classifier without error, infinite when two true classes are predicted alike, NaN where a class has no gold.

    >>> round(float(condition_number([[8, 2], [2, 8]])), 4)          # rates .8 .2 / .2 .8: 1 by .6
    1.6667
    """
    m = confusion_rates(confusion)
    known = np.asarray(np.isfinite(m).all(axis=(-1, -2)))
    filled: Floats = np.where(known[..., None, None], m, 0.0)
    values = np.linalg.svd(filled, full_matrices=False, compute_uv=False)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(values[..., -1] > 0, values[..., 0] / values[..., -1], np.inf)
    return np.where(known, ratio, np.nan)


def inverse_rates(rates: npt.ArrayLike) -> Floats:
    """What turns a change of q into a change of p while M p = q, (..., j, k) to (..., k, j).

    The inverse of M when j = k; for j > k that of least squares among the p that sum to 1. It is meant for changes,
    which sum to 0.

    >>> (inverse_rates([[0.8, 0.1], [0.2, 0.9]]) @ [0.7, -0.7]).round(6).tolist()
    [1.0, -1.0]
    """
    m = np.asarray(rates, dtype=np.float64)
    first = np.linalg.pinv(m[..., :-1] - m[..., -1:])
    return np.concatenate([first, -first.sum(axis=-2, keepdims=True)], axis=-2)


def acc(pred_shares: npt.ArrayLike, confusion: npt.ArrayLike, *, fit: str | None = None) -> Floats:
    """Adjusted classify and count: the shares p (..., k) with M p = q, M the rates p(predicted | true).

    `pred_shares` q (..., j) are shares or counts of predicted classes, `confusion` (..., j, k) gold counts with
    predicted classes in rows and true ones in columns; leading axes broadcast. `fit` is

    - "project", the default when j = k: M p = q is solved, and a solution outside the simplex gives way to the nearest
      point of it;
    - "simplex", the default when j > k (abstentions are a predicted class of their own): the p of the simplex for which
      the sum of (M p - q)^2 is least, found exactly by trying the faces of the simplex.

    Both give the same where the solution lies inside and j = k. NaN where a true class has no gold or M is singular to
    rounding. Raises `UsageError` for shapes that do not fit, or fewer predicted than true classes.

    >>> acc([0.24, 0.16, 0.6], [[80, 6, 30], [8, 70, 20], [12, 24, 250]]).round(4).tolist()
    [0.2082, 0.143, 0.6488]
    """
    m, q = confusion_rates(confusion), normalised(np.asarray(pred_shares, dtype=np.float64))
    j, k = m.shape[-2:]
    if q.shape[-1] != j or j < k:
        raise UsageError(
            f"there are {q.shape[-1]} predicted shares and a confusion of {j} predicted by {k} true classes; "
            "rows are predicted classes, at least as many as true ones"
        )
    chosen = one_of(fit or ("project" if j == k else "simplex"), FITS, "fit")
    front = np.broadcast_shapes(q.shape[:-1], m.shape[:-2])
    q, m = np.broadcast_to(q, (*front, j)).reshape(-1, j), np.broadcast_to(m, (*front, j, k)).reshape(-1, j, k)
    made = np.full((len(q), k), np.nan)
    known = np.isfinite(q).all(axis=-1) & (np.nan_to_num(condition_number(m), nan=np.inf) < _SINGULAR)
    solved = _solved(m[known], q[known])
    if chosen == "project":
        made[known] = simplex_projection(solved)
    else:
        outside = (solved < 0.0).any(axis=-1)
        solved[outside] = _on_faces(m[known][outside], q[known][outside])
        made[known] = solved
    return made.reshape(*front, k)


def pacc(mean_scores: npt.ArrayLike, gold_score_sums: npt.ArrayLike, *, fit: str | None = None) -> Floats:
    """Probabilistic `acc`: scores in place of counts.

    `mean_scores` (..., j) are means or sums of the scores of all posts, `gold_score_sums` (..., j score, k true) sums
    of the scores of gold posts by true class; scores sum to 1 in every post. Everything else is as in `acc`.

    >>> pacc([0.5, 0.5], [[6.0, 1.0], [2.0, 3.0]]).round(6).tolist()       # .75 p + .25 (1 - p) = .5
    [0.5, 0.5]
    """
    return acc(mean_scores, gold_score_sums, fit=fit)


def acc_se(counts: npt.ArrayLike, confusion: npt.ArrayLike) -> Floats:
    """Standard errors (..., k) of `acc` from counts of independent posts: q and every column of M are multinomial.

    `counts` (..., j) are whole numbers of posts, not shares; gold comes from posts of its own. The first-order
    variance A (V_q + sum_k p_k^2 V_k) A' with A from `inverse_rates`; it holds inside the simplex.

    A test with rates .8 and .9, 30 of 100 positive: p = 2/7, variance (.0021 + .0016 p^2 + .0009 (1 - p)^2) / .49.

    >>> acc_se([30, 70], [[80, 10], [20, 90]]).round(4).tolist()
    [0.0741, 0.0741]
    """
    n, table = np.asarray(counts, dtype=np.float64), np.asarray(confusion, dtype=np.float64)
    m, q, p = confusion_rates(table), normalised(n), acc(n, table)
    known = np.asarray(np.isfinite(p).all(axis=-1))[..., None, None]
    back = inverse_rates(np.where(known, m, 1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        of_q = (_eye(q) - q[..., :, None] * q[..., None, :]) / n.sum(axis=-1)[..., None, None]
        columns = m.swapaxes(-1, -2)
        each = (_eye(columns) - columns[..., :, None] * columns[..., None, :]) / table.sum(axis=-2)[..., None, None]
        total = of_q + np.einsum("...k,...kij->...ij", p**2, each)
        made: Floats = np.sqrt(np.einsum("...ki,...ij,...kj->...k", back, total, back))
    return made


def sld(
    posteriors: npt.ArrayLike,
    train_prior: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    steps: int | None = None,
    tol: float = 1e-12,
) -> Floats:
    """Saerens, Latinne and Decaestecker's shares (..., k): q is the mean of q f / prior, scaled to 1 in each post.

    `posteriors` f (..., n, k) of posts, or of cells of a histogram (`simplex_histogram`), `train_prior` (..., k) the
    shares among the posts that taught the classifier, `weights` (..., n) of posts or cells; leading axes broadcast.

    Expectation maximisation is replaced by Newton steps within the simplex (`mixture`), which reach the same fixed
    point, the maximum of sum w log(q . f / prior), in a dozen steps: no plain step moves a share by more than `tol`,
    and no class promises a gain above 100 `tol`. NaN where that is not reached in 500 steps. With `steps`, exactly so
    many plain steps from the prior.
    Raises `UsageError` for a prior that is not above 0.

    Two posts, where .6 / (.2 + .6 q) = .4 / (.7 - .4 q):

    >>> sld([[0.8, 0.2], [0.3, 0.7]], [0.5, 0.5]).round(6).tolist()
    [0.708333, 0.291667]
    """
    f, w = _scores(posteriors, weights)
    prior = np.asarray(train_prior, dtype=np.float64)
    if prior.shape[-1:] != f.shape[-1:] or not (prior > 0).all():
        raise UsageError(
            f"train_prior is {prior.tolist()}; it must hold a share above 0 for each of {f.shape[-1]} classes"
        )
    prior = normalised(prior)
    k = f.shape[-1]
    front = np.broadcast_shapes(f.shape[:-2], w.shape[:-1], prior.shape[:-1])
    odds = Odds.of(f, prior, front)
    w = np.broadcast_to(w, (*front, w.shape[-1])).reshape(-1, w.shape[-1])
    q = np.broadcast_to(prior, (*front, k)).reshape(-1, k)
    if steps is None:
        return most_likely(odds, w, q, tol).reshape(*front, k)
    for _ in range(steps):
        q = q * odds.gain(w, q)[0]
    return q.reshape(*front, k)


def _scores(posteriors: npt.ArrayLike, weights: npt.ArrayLike | None) -> tuple[Floats, Floats]:
    """Posteriors (..., n, k) and weights (..., n) that sum to 1."""
    f = np.asarray(posteriors, dtype=np.float64)
    if f.ndim < 2:
        raise UsageError(f"posteriors have the shape {f.shape}; they must be (n, k): a row a post, a column a class")
    w = np.ones(f.shape[-2]) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape[-1:] != f.shape[-2:-1]:
        raise UsageError(f"posteriors have the shape {f.shape} and weights {w.shape}; each posterior needs its weight")
    return f, normalised(w)


def _solved(m: Floats, q: Floats) -> Floats:
    """Solutions (c, k) of M p = q; for j > k least squares among the p that sum to 1."""
    if m.shape[-2] > m.shape[-1]:
        return _on_face(m, q, tuple(range(m.shape[-1])))
    return np.asarray(np.linalg.solve(m, q[..., None])[..., 0], dtype=np.float64)


def _on_face(m: Floats, q: Floats, support: tuple[int, ...]) -> Floats:
    """Least squares among the p that sum to 1 and are 0 outside `support`; they may be below 0."""
    last, others = support[-1], list(support[:-1])
    made = np.zeros((*q.shape[:-1], m.shape[-1]))
    if others:
        span = m[..., others] - m[..., [last]]
        made[..., others] = (np.linalg.pinv(span) @ (q - m[..., last])[..., None])[..., 0]
    made[..., last] = 1.0 - made.sum(axis=-1)
    return made


def _on_faces(m: Floats, q: Floats) -> Floats:
    """Least squares on the simplex (c, k): the best of the faces whose solution has no share below 0."""
    k = m.shape[-1]
    best, error = np.full((len(q), k), np.nan), np.full(len(q), np.inf)
    for size in range(1, k + 1):
        for support in combinations(range(k), size):
            p = _on_face(m, q, support)
            p = np.where(np.abs(p) < _ROUNDING, 0.0, p)
            off = np.square(np.einsum("cjk,ck->cj", m, p) - q).sum(axis=-1)
            better = (p >= 0).all(axis=-1) & (off < error)
            best[better], error[better] = p[better], off[better]
    return best


def _eye(values: Floats) -> Floats:
    """Diagonal matrices of the last axis."""
    made: Floats = np.eye(values.shape[-1]) * values[..., None, :]
    return made
