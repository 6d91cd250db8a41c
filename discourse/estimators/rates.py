"""What the posts of a predicted class really are: rates p(true | predicted) from gold, also where gold is thin.

A cell of one side and one window has a handful of gold labels in its rarer predicted classes. Three things
keep the intervals true there, none of which moves the estimate:

- replicates are spread by sqrt(n / (n - 1)), because resampling n units underestimates their variance
  (Rao and Wu 1988, *Resampling Inference with Complex Survey Data*);
- every replicate holds one pseudo-label more, drawn around the rates of the next wider scope, so that ten labels
  of one kind do not count as certainty (the smoothed variance of a proportion; Rubin 1981, *The Bayesian
  Bootstrap*);
- a class without any gold in its cell borrows the rates of the next wider scope, and the cell is flagged.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from discourse.estimators.bootstrap import replicate_variance

__all__ = ["GOLD_WITHIN", "gold_rates", "normalised"]

GOLD_WITHIN = ("window", "side", "all")
_POOLED = {"window": (), "side": (0,), "all": (0, 1)}
_PRIOR_LABELS = 1.0
_CERTAIN = 1e12

Floats = npt.NDArray[np.float64]


def gold_rates(gold: Floats, within: str, seed: int) -> Floats:
    """Rates p(true | predicted) of every cell with their replicates; shape (1 + b, t, s, j, k).

    `gold` (t, s, j, k, 1 + b) are weighted gold counts with the sample in column 0; `within` is the scope that
    speaks for a cell ("window": itself, "side", "all"). Column 0 of the result is the plain ratio wherever the
    scope has gold for the class.
    """
    scopes = GOLD_WITHIN[GOLD_WITHIN.index(within) :]
    pooled = [_pool(gold, scope) for scope in scopes]
    rates = normalised(np.moveaxis(pooled[0], -1, 0))
    for wider in pooled[1:]:
        rates = np.where(np.isnan(rates), normalised(np.moveaxis(wider, -1, 0)), rates)
    # The last resort, a class that nobody ever coded: the mix of all gold labels.
    mix = normalised(np.moveaxis(_pool(gold, "all").sum(axis=2, keepdims=True), -1, 0))
    rates = np.where(np.isnan(rates), mix, rates)
    # A replicate in which no gold at all was drawn knows no more than the sample.
    rates = np.where(np.isnan(rates), rates[:1], rates)
    return _honest_replicates(rates, pooled[0], pooled[min(1, len(pooled) - 1)], seed)


def normalised(weights: Floats) -> Floats:
    """Weights as shares of their sum over the last axis; NaN where the sum is 0."""
    total = weights.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = np.where(total > 0, weights / total, np.nan)
    return made


def _honest_replicates(rates: Floats, own: Floats, wider: Floats, seed: int) -> Floats:
    total = own.sum(axis=3)
    n = _effective_labels(total)
    made = rates.copy()
    spread = np.sqrt(np.maximum(n, 1.5) / (np.maximum(n, 1.5) - 1.0))
    made[1:] = rates[:1] + spread[..., None] * (rates[1:] - rates[:1])

    wide = wider.sum(axis=3)
    m = _effective_labels(wide)[..., None]
    m = np.where(m < _CERTAIN, m, 0.0)
    mean = np.nan_to_num(normalised(wider[..., 0]))
    prior = (mean * m + 0.5) / (m + 0.5 * mean.shape[-1])
    draws = np.random.default_rng([seed, *rates.shape]).gamma(prior * _PRIOR_LABELS, size=made[1:].shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        present = np.where(total[..., :1] > 0, total[..., 1:] / total[..., :1], 0.0)
    labels = (np.moveaxis(present, -1, 0) * n)[..., None]
    kept = made[1:] * labels + draws
    made[1:] = np.where(labels > 0, kept / (labels + draws.sum(axis=-1, keepdims=True)), made[1:])
    return made


def _effective_labels(total: Floats) -> Floats:
    """Authors behind a weighted count (..., 1 + b), M^2 / Var(M) over replicates; huge where nothing varies."""
    variance = replicate_variance(total[..., 1:]) if total.shape[-1] > 2 else np.zeros(total.shape[:-1])
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = np.where(variance > 0, total[..., 0] ** 2 / variance, _CERTAIN)
    return made


def _pool(gold: Floats, scope: str) -> Floats:
    """Sum over the axes that a scope pools and spread the sum back over them."""
    if not _POOLED[scope]:
        return gold
    made: Floats = np.broadcast_to(gold.sum(axis=_POOLED[scope], keepdims=True), gold.shape)
    return made
