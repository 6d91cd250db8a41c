"""Distances between two sides, from their shares or counts.

The headline is the gap of the net tones and the squared Cramer distance in its unbiased form. Every other distance is
above 0 for two samples of one distribution, the further the fewer the posts: a fall in volume alone draws a rise. No
interval of a distance can exclude 0, because no resample reaches it; to test that two sides do not differ use
`discourse.indices.no_difference`. Letters of shapes: k values on the last axis, `...` anything before it.

Sources: Szekely and Rizzo (2013), *Energy statistics*, Journal of Statistical Planning and Inference 143; Lin (1991),
*Divergence measures based on the Shannon entropy*; Miller (1955), *Note on the bias of information estimates*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError
from discourse.indices.line import are_counts, counts_of, on_line, pick_form, points_of, shares_of
from discourse.indices.within import net_tone

__all__ = [
    "cramer2",
    "cramer_squared",
    "cramer_squared_unbiased",
    "energy_distance",
    "jsd",
    "jsd_bias",
    "net_tone_gap",
    "total_variation",
    "wasserstein1",
]

BIASES = (None, "auto", "miller-madow")

Floats = npt.NDArray[np.float64]


def net_tone_gap(p: npt.ArrayLike, q: npt.ArrayLike) -> Floats:
    """Net tone of the first side minus that of the second, from -2 to 2; input as in `net_tone`. Unbiased.

    >>> round(float(net_tone_gap([0.3, 0.5, 0.2], [0.2, 0.35, 0.45])), 6)
    -0.35
    """
    return net_tone(p) - net_tone(q)


def cramer2(
    p: npt.ArrayLike, q: npt.ArrayLike, unbiased: bool | None = None, at: Sequence[float] | None = None
) -> Floats:
    """Squared Cramer distance of shares or counts (..., k): the sum of squared differences of the two CDFs.

    Three positions, four frames (pooled to positions) or k points `at`, whose spacing is the weight of each step.
    From 0 to 2 on the line from -1 to 1; half the squared `energy_distance`. `unbiased` takes
    `cramer_squared_unbiased`, which needs counts, and is taken for counts when left out; it may be negative.

    >>> round(float(cramer2([0.3, 0.5, 0.2], [0.2, 0.35, 0.45])), 4)
    0.0725
    >>> round(float(cramer2([30, 50, 20], [20, 35, 45])), 6)
    0.064646
    """
    a, b = on_line(p, at), on_line(q, at)
    if pick_form(unbiased, are_counts(p) and are_counts(q)):
        return cramer_squared_unbiased(a, b, at)
    return cramer_squared(shares_of(a), shares_of(b), at)


def cramer_squared(first: npt.ArrayLike, second: npt.ArrayLike, at: Sequence[float] | None = None) -> Floats:
    """The plug-in form of `cramer2` from shares (..., k), at unit-spaced points unless `at` says where they stand.

    >>> round(float(cramer_squared([0.3, 0.5, 0.2], [0.2, 0.35, 0.45])), 4)
    0.0725
    """
    gap = np.cumsum(np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64), axis=-1)[..., :-1]
    made: Floats = (np.square(gap) * _spacing(gap, at)).sum(axis=-1)
    return made


def cramer_squared_unbiased(first: npt.ArrayLike, second: npt.ArrayLike, at: Sequence[float] | None = None) -> Floats:
    """Squared Cramer distance, unbiased for two independent multinomial samples, from counts (..., k).

    Each squared CDF difference loses its sampling variance F(1 - F)/(n - 1) + G(1 - G)/(m - 1). May be negative.
    Fewer than two posts on either side give NaN.

    By hand: 0.0725 - (0.21 + 0.16) / 99 - (0.16 + 0.2475) / 99.

    >>> round(float(cramer_squared_unbiased([30, 50, 20], [20, 35, 45])), 6)
    0.064646
    """
    a, b = (counts_of(side, "the unbiased Cramer distance") for side in (first, second))
    n, m = a.sum(axis=-1), b.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        f = np.cumsum(a, axis=-1)[..., :-1] / n[..., None]
        g = np.cumsum(b, axis=-1)[..., :-1] / m[..., None]
        noise = f * (1.0 - f) / (n[..., None] - 1.0) + g * (1.0 - g) / (m[..., None] - 1.0)
        made: Floats = ((np.square(f - g) - noise) * _spacing(f, at)).sum(axis=-1)
    return made


def energy_distance(p: npt.ArrayLike, q: npt.ArrayLike, at: Sequence[float] | None = None) -> Floats:
    """Energy distance, the root of twice the plug-in squared Cramer distance, from 0 to 2; input as in `cramer2`.

    Biased upward; its square has an unbiased form (`cramer2`), the root has none.

    >>> round(float(energy_distance([0.3, 0.5, 0.2], [0.2, 0.35, 0.45])), 6)
    0.380789
    """
    made: Floats = np.sqrt(2.0 * cramer2(p, q, unbiased=False, at=at))
    return made


def wasserstein1(p: npt.ArrayLike, q: npt.ArrayLike, at: Sequence[float] | None = None) -> Floats:
    """Wasserstein-1 distance, the area between the two CDFs, from 0 to 2; input as in `cramer2`.

    Two samples of 10 posts of one distribution are 0.30 apart, of 1,000 posts 0.03; there is no correction.

    >>> round(float(wasserstein1([0.3, 0.5, 0.2], [0.2, 0.35, 0.45])), 6)
    0.35
    """
    gap = np.cumsum(shares_of(on_line(p, at)) - shares_of(on_line(q, at)), axis=-1)[..., :-1]
    made: Floats = (np.abs(gap) * _spacing(gap, at)).sum(axis=-1)
    return made


def total_variation(p: npt.ArrayLike, q: npt.ArrayLike) -> Floats:
    """Total variation, half the summed differences of shares (..., k) of any k classes, from 0 to 1. Biased upward.

    The classes have no order; four frames stay four classes.

    >>> round(float(total_variation([0.3, 0.5, 0.2], [0.2, 0.35, 0.45])), 6)
    0.25
    """
    a, b = _same_classes(p, q)
    made: Floats = 0.5 * np.abs(shares_of(a) - shares_of(b)).sum(axis=-1)
    return made


def jsd(p: npt.ArrayLike, q: npt.ArrayLike, base: float = 2, bias: str | None = "auto") -> Floats:
    """Jensen-Shannon divergence H((p + q)/2) - (H(p) + H(q))/2 of shares or counts (..., k), in bits (`base` 2).

    From 0 to 1 in bits; the divergence itself, not its root. The classes have no order; four frames stay four
    classes. `bias="miller-madow"` takes off the second-order bias of two multinomial samples and needs counts; None
    takes nothing off; "auto" corrects counts and leaves shares. What is left at 10 posts a side is 0.02 bits.

    Raises `UsageError` for a correction of shares, a base not above 1, another word for `bias`.

    >>> p, q = [0.3, 0.5, 0.2], [0.2, 0.35, 0.45]
    >>> round(float(jsd(p, q)), 6), round(float(jsd(p, q, base=math.e)), 6)
    (0.05245, 0.036356)
    >>> round(float(jsd([30, 50, 20], [20, 35, 45])), 6)      # 0.05245 less 0.007471
    0.044979
    """
    if not base > 1.0:
        raise UsageError(f"base is {base}; give 2 for bits or math.e for nats")
    if bias not in BIASES:
        raise UsageError(f"bias is {bias!r}; it must be 'miller-madow', 'auto' or None")
    a, b = _same_classes(p, q)
    corrected = bias == "miller-madow" or (bias == "auto" and are_counts(a) and are_counts(b))
    first, second = shares_of(a), shares_of(b)
    middle = (first + second) / 2.0
    nats = _entropy(middle) - (_entropy(first) + _entropy(second)) / 2.0
    if corrected:
        n, m = (counts_of(side, "the Miller-Madow correction").sum(axis=-1) for side in (a, b))
        with np.errstate(invalid="ignore", divide="ignore"):
            nats = nats - jsd_bias(
                first, second, first * (1.0 - first) / n[..., None], second * (1.0 - second) / m[..., None]
            )
    made: Floats = nats / math.log(base)
    return made


def jsd_bias(
    p: npt.ArrayLike, q: npt.ArrayLike, variance_p: npt.ArrayLike, variance_q: npt.ArrayLike, joint: npt.ArrayLike = 0.0
) -> Floats:
    """Second-order bias of the plug-in divergence, in nats, from shares (..., k) and their variances (..., k).

    Half the trace of Hessian x covariance: sum_k [Var(p_k)/p_k + Var(q_k)/q_k - 2 Var(m_k)/m_k] / 4, m = (p + q)/2;
    `joint` is the covariance of p_k and q_k. Empty classes add nothing. With multinomial variances this is the
    Miller-Madow correction; with those of author replicates it holds for weighted and corrected shares.

    >>> half = np.array([0.5, 0.5])
    >>> round(float(jsd_bias(half, half, half / 200, half / 200)), 6)      # (1/2)(1/100 + 1/100) / 4
    0.0025
    """
    a, b = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    va, vb = np.asarray(variance_p, dtype=np.float64), np.asarray(variance_q, dtype=np.float64)
    middle = (va + vb + 2.0 * np.asarray(joint, dtype=np.float64)) / 4.0
    parts = _ratio(va, a) + _ratio(vb, b) - 2.0 * _ratio(middle, (a + b) / 2.0)
    made: Floats = parts.sum(axis=-1) / 4.0
    return made


def _ratio(top: Floats, bottom: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        # Where a share is unknown, so is the ratio; where it is 0 (or below, in a replicate), there is none to add.
        return np.where(bottom <= 0.0, 0.0, top / bottom)


def _entropy(shares: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = np.where(shares <= 0.0, 0.0, -shares * np.log(np.maximum(shares, 1e-300)))
    made: Floats = terms.sum(axis=-1)
    return made


def _spacing(gap: Floats, at: Sequence[float] | None) -> Floats:
    """Lengths of the steps between points, one a CDF value."""
    return np.ones(gap.shape[-1]) if at is None else np.diff(points_of(at))


def _same_classes(p: npt.ArrayLike, q: npt.ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    if a.ndim == 0 or b.ndim == 0 or a.shape[-1] != b.shape[-1]:
        sizes = [side.shape[-1] if side.ndim else 0 for side in (a, b)]
        raise UsageError(f"the two sides hold {sizes[0]} and {sizes[1]} classes; they must hold the same")
    return a, b
