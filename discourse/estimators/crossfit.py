"""Predictions fitted to the gold itself, each without the gold of its own authors, and the DSL share they give.

Letters of shapes: n posts, d columns, k classes. A prediction that has seen the label it is corrected by would hide its
own error; so authors are dealt into folds, and the posts of a fold are predicted from the gold of the other folds.

Sources: Chernozhukov et al. (2018), *Double/Debiased Machine Learning* (folds, and the median over several splits with
the spread between them in the variance); Egami, Hinck, Stewart and Wei (2023), *Using Imperfect Surrogates* (DSL).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from discourse.errors import MeaningError, UsageError
from discourse.estimators.estimate import Estimate, from_se
from discourse.estimators.powered import dsl
from discourse.poisson import hash_keys

__all__ = ["FOLDS", "cross_fit", "dsl_cross_fitted"]

FOLDS = 5
Floats = npt.NDArray[np.float64]
_RIDGE = 1e-9


def cross_fit(
    x: npt.ArrayLike,
    labelled: npt.ArrayLike,
    y: npt.ArrayLike,
    pi: npt.ArrayLike,
    *,
    seed: int,
    author: Any = None,
    folds: int = FOLDS,
) -> Floats:
    """Least-squares predictions of y from `x` (n, d), such as scores, with a constant, weighted by 1 / pi; like y.

    `labelled` (n,), `y` (n,) or (n, k) and `pi` (n,) are as in `dsl`. All posts of an author (by default each post is
    one) are in one fold; which one hangs on ids and seed, not on the order of rows. Rows of y that sum to 1 get
    predictions that do.
    Raises `MeaningError` when there is gold of fewer authors than folds.

    >>> x, y = np.arange(40.0).reshape(40, 1), 0.01 * np.arange(40.0)
    >>> cross_fit(x, np.ones(40), y, np.ones(40), seed=7)[[0, 39]].round(6).tolist()
    [0.0, 0.39]
    """
    columns, truth = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    drawn, chance = np.asarray(labelled, dtype=np.float64) > 0, np.asarray(pi, dtype=np.float64)
    if columns.ndim != 2 or not len(columns) == len(truth) == len(drawn) == len(chance):
        raise UsageError(
            f"x has the shape {columns.shape} and there are {len(truth)} y, {len(drawn)} labelled, {len(chance)} pi; "
            "x must be (n, d) and the others must have one row for each of its rows"
        )
    fold = _folds(np.arange(len(columns)) if author is None else np.asarray(author), drawn, seed, folds)
    with_constant = np.column_stack([np.ones(len(columns)), columns])
    w = np.where(drawn, 1.0 / np.where(drawn, chance, 1.0), 0.0)
    target = np.where(drawn.reshape(-1, *[1] * (truth.ndim - 1)), truth, 0.0)
    made = np.zeros_like(target)
    for at in range(folds):
        weighted = with_constant.T * np.where(fold != at, w, 0.0)
        square = weighted @ with_constant
        square[np.diag_indices_from(square)] += _RIDGE * np.trace(square)
        made[fold == at] = with_constant[fold == at] @ np.linalg.solve(square, weighted @ target)
    return made


def dsl_cross_fitted(
    x: npt.ArrayLike,
    labelled: npt.ArrayLike,
    y: npt.ArrayLike,
    pi: npt.ArrayLike,
    *,
    seed: int,
    author: Any = None,
    weights: npt.ArrayLike | None = None,
    splits: int = 10,
) -> Estimate:
    """DSL share with predictions from `cross_fit`: the median over `splits` ways to deal the folds.

    Its variance is the median over splits of (se of the split)^2 + (share of the split - median)^2. Arguments as in
    `dsl`; `x` (n, d) may hold scores and anything else that is known of every post.

    >>> rng = np.random.default_rng(7)
    >>> score, drawn = rng.random(400), rng.random(400) < 0.5
    >>> y = (rng.random(400) < score).astype(float)
    >>> made = dsl_cross_fitted(score[:, None], drawn, y, np.full(400, 0.5), seed=7)
    >>> bool(abs(made.value - y.mean()) < 3 * made.se), made.n_gold == drawn.sum()
    (True, np.True_)
    """
    if splits < 1:
        raise UsageError(f"splits is {splits}; the folds must be dealt once or more")
    made = []
    for split in range(splits):
        # Seeds of 64 bits, a stretch of them for each seed of the caller.
        g = cross_fit(x, labelled, y, pi, seed=(seed * 1_000_003 + split) % 2**64, author=author)
        made.append(dsl(g, labelled, y, pi, weights=weights, author=author))
    values = np.stack([one.value for one in made])
    value = np.median(values, axis=0)
    variance = np.median(np.stack([one.se for one in made]) ** 2 + (values - value) ** 2, axis=0)
    drawn = np.asarray(labelled, dtype=np.float64) > 0
    df = None if author is None else float(len(np.unique(np.asarray(author)[drawn])) - 1)
    return from_se(
        value, np.sqrt(variance), method="dsl", df=df, n_gold=made[0].n_gold, n_eff=made[0].n_eff,
    )  # fmt: skip


def _folds(author: npt.NDArray[Any], drawn: npt.NDArray[np.bool_], seed: int, folds: int) -> npt.NDArray[np.int64]:
    """The fold (n,) of each post: authors in the order of their keys, those with gold first, dealt out in turn."""
    ids, place = np.unique(author, return_inverse=True)
    coded = np.bincount(place, drawn, len(ids)) > 0
    if folds < 2 or coded.sum() < folds:
        raise MeaningError(
            f"there is gold of {int(coded.sum())} authors for {folds} folds; take 2 folds or more, each with an author"
        )
    order = np.lexsort((hash_keys([str(one) for one in ids], seed), ~coded))
    dealt = np.empty(len(ids), dtype=np.int64)
    dealt[order] = np.arange(len(ids)) % folds
    return dealt[place]
