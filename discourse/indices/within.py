"""Indices of polarization within one side: how far its posts stand apart on the line from -1 to +1.

The headline is Esteban and Ray's index with alpha = 1, which has an exactly unbiased form. The others are second
voices: agreement and the pole index are biased in small samples, most of all where the poles balance. Letters of
shapes: k values on the last axis, `...` anything before it.

Sources: Esteban and Ray (1994), *On the Measurement of Polarization*, Econometrica 62; van der Eijk (2001), *Measuring
Agreement in Ordered Rating Scales*, Quality and Quantity 35; Pfister et al. (2013), *Good things peak in pairs: a
note on the bimodality coefficient*, Frontiers in Psychology 4.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from discourse.errors import BimodalityWarning, UsageError
from discourse.indices.line import are_counts, counts_of, on_line, pick_form, points_of, shares_of

__all__ = [
    "agreement_A",
    "balance",
    "bimodality_coefficient",
    "esteban_ray",
    "esteban_ray_bias",
    "esteban_ray_unbiased",
    "net_tone",
    "pole_index",
    "pole_share",
    "variance",
]

ALPHAS = (0.0, 1.6)

Floats = npt.NDArray[np.float64]


def esteban_ray(
    p: npt.ArrayLike,
    alpha: float = 1.0,
    unbiased: bool | None = None,
    at: Sequence[float] | None = None,
    *,
    normalised: bool = True,
) -> Floats:
    """Esteban-Ray polarization of shares or counts (..., k): three positions, four frames or k points `at`.

    P = K sum_ij p_i^(1+alpha) p_j |x_i - x_j|, with 0 <= alpha <= 1.6. `normalised` chooses K so that half and half at
    the ends is 1 and consensus 0; otherwise K = 1. alpha = 0 is the Gini mean difference. The plug-in form is biased in
    small samples; `unbiased` takes `esteban_ray_unbiased`, which needs counts and alpha = 1. Left out, it is taken
    wherever it can be.

    Raises `UsageError` for another alpha, for `unbiased=True` with shares or another alpha.

    >>> float(esteban_ray([0.5, 0.0, 0.5])), round(float(esteban_ray([0.3, 0.5, 0.2])), 3)
    (1.0, 0.5)
    >>> round(float(esteban_ray([3, 5, 2])), 6)
    0.488889
    """
    if not ALPHAS[0] <= alpha <= ALPHAS[1]:
        raise UsageError(f"alpha is {alpha}; Esteban and Ray's axioms allow 0 to 1.6")
    if unbiased and alpha != 1.0:
        raise UsageError(f"only alpha = 1 has an unbiased form, and alpha is {alpha}; leave unbiased out")
    points, line = points_of(at), on_line(p, at)
    if pick_form(unbiased, alpha == 1.0 and are_counts(p)):
        made = esteban_ray_unbiased(line, at)
    else:
        shares = shares_of(line)
        # A replicate of corrected shares may be a little below 0, where only whole powers exist.
        identified = shares ** (1.0 + alpha) if alpha in (0.0, 1.0) else np.maximum(shares, 0.0) ** (1.0 + alpha)
        made = np.einsum("...i,...j,ij->...", identified, shares, _apart(points)) / _half_and_half(alpha, points)
    return made if normalised else made * _half_and_half(alpha, points)


def esteban_ray_unbiased(counts: npt.ArrayLike, at: Sequence[float] | None = None) -> Floats:
    """Esteban-Ray polarization, alpha = 1, unbiased under multinomial sampling, from counts (..., k).

    sum_ij n_i (n_i - 1) n_j |x_i - x_j| / (n (n - 1) (n - 2)), normalised as in `esteban_ray`. Fewer than
    three posts give NaN. Not clipped: it may fall a little below 0 or above 1.

    >>> round(float(esteban_ray_unbiased([3, 5, 2])), 6)      # 2 x 0.244444, the plug-in gives 0.5
    0.488889
    """
    points = points_of(at)
    n_i = counts_of(on_line(counts, at), "the unbiased Esteban-Ray index")
    n = n_i.sum(axis=-1)
    raw = np.einsum("...i,...j,ij->...", n_i * (n_i - 1.0), n_i, _apart(points))
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where(n >= 3, raw / (n * (n - 1.0) * (n - 2.0)), np.nan)
    made: Floats = scaled / _half_and_half(1.0, points)
    return made


def esteban_ray_bias(
    shares: Floats, covariance: Floats, at: Sequence[float] | None = None, alpha: float = 1.0
) -> Floats:
    """Second-order bias of the plug-in index for shares (..., k) at `at` with covariance (..., k, k).

    Half the trace of Hessian x covariance. This is what corrects shares that are not plain counts: post-stratified,
    weighted, clustered. A share of 0 has no second derivative when alpha < 1; its own curvature is left out.

    By hand, for 100 independent posts: 2 x (0.74 - 3 x 0.25) / 100, with 0.74 the Gini mean difference.

    >>> p = np.array([0.3, 0.5, 0.2])
    >>> round(float(esteban_ray_bias(p, (np.diag(p) - np.outer(p, p)) / 100)), 6)
    -0.0002
    """
    points = points_of(at)
    d = _apart(points)
    slope = (1.0 + alpha) * np.maximum(shares, 0.0) ** alpha if alpha != 1.0 else 2.0 * shares
    hessian = (slope[..., :, None] + slope[..., None, :]) * d
    with np.errstate(divide="ignore", invalid="ignore"):
        curve = alpha * (1.0 + alpha) * np.where(shares > 0, shares, np.inf if alpha < 1.0 else 0.0) ** (alpha - 1.0)
    pull = curve * np.einsum("...j,ij->...i", shares, d)
    hessian = hessian + np.eye(len(points)) * pull[..., None, :]
    made: Floats = 0.5 * np.einsum("...ij,...ji->...", hessian, covariance) / _half_and_half(alpha, points)
    return made


def agreement_A(n: npt.ArrayLike) -> Floats:
    """Van der Eijk's agreement A of k ordered classes (..., k), from -1 (two poles) over 0 (even) to 1 (consensus).

    Counts, shares or fractions; four values are four ordered classes, never the four frames. The classes are peeled
    into layers: class i is in the layer between two neighbouring sorted values when its value reaches the upper one,
    so no remainder of a subtraction makes a layer of its own. A layer with s of k classes scores
    U (1 - (s - 1)/(k - 1)) with U = ((k - 2) TU - (k - 1) TDU) / ((k - 2)(TU + TDU)), TU the triples 110 and 011, TDU
    the triples 101; no triple gives 0, one class gives 1. A is their mean, weighted by mass; polarization is (1 - A)/2.

    Biased upward in small samples, by 0.12 at 10 posts with shares of 1/4, 1/2, 1/4. Nothing to count gives NaN.

    >>> agreement_A([[1, 0, 1], [1, 1, 1], [0, 7, 0], [300, 500, 200]]).round(6).tolist()
    [-1.0, 0.0, 1.0, 0.3]
    """
    given = np.asarray(n, dtype=np.float64)
    k = given.shape[-1] if given.ndim else 0
    if k < 2:
        raise UsageError(f"agreement needs two ordered classes or more, and got {k}")
    if (given < 0).any():
        raise UsageError("agreement needs counts or shares, and one of them is below 0")
    levels = np.sort(given, axis=-1)
    steps = np.diff(levels, axis=-1, prepend=0.0)
    layers = (given[..., None, :] >= levels[..., :, None]).astype(np.float64)  # (..., k layers, k classes)
    size = layers.sum(axis=-1)
    mass = steps * size
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = (mass * _layer_agreement(layers, size)).sum(axis=-1) / mass.sum(axis=-1)
    return made


def net_tone(p: npt.ArrayLike) -> Floats:
    """Nationalist minus conciliatory share, from -1 to 1, of shares or counts (..., 3 positions or 4 frames).

    >>> round(float(net_tone([0.4, 0.1, 0.2, 0.3])), 3), round(float(net_tone([3, 5, 2])), 3)
    (0.3, -0.1)
    """
    at = shares_of(on_line(p))
    made: Floats = at[..., 2] - at[..., 0]
    return made


def pole_share(p: npt.ArrayLike) -> Floats:
    """The share at either pole, nationalist plus conciliatory, from 0 to 1; input as in `net_tone`.

    >>> float(pole_share([0.3, 0.5, 0.2]))
    0.5
    """
    at = shares_of(on_line(p))
    made: Floats = at[..., 2] + at[..., 0]
    return made


def balance(p: npt.ArrayLike) -> Floats:
    """How even the two poles are: 1 - |nationalist - conciliatory| / pole share, from 0 to 1; NaN without poles.

    >>> round(float(balance([0.3, 0.5, 0.2])), 6)
    0.8
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = 1.0 - np.abs(net_tone(p)) / pole_share(p)
    return made


def pole_index(p: npt.ArrayLike) -> Floats:
    """Twice the smaller pole, from 0 to 1: `pole_share` times `balance`; input as in `net_tone`.

    Readable, but with a kink where the poles are equal: there it is biased downward, by 0.18 at 10 posts and 0.06 at
    100, and its percentile interval holds the truth in three of four cases. Do not test with it.

    >>> float(pole_index([0.3, 0.5, 0.2]))
    0.4
    """
    at = shares_of(on_line(p))
    made: Floats = 2.0 * np.minimum(at[..., 0], at[..., 2])
    return made


def variance(p: npt.ArrayLike, unbiased: bool | None = None, at: Sequence[float] | None = None) -> Floats:
    """Variance of the position, from 0 to 1 on the line from -1 to 1; equals pole share minus net tone squared.

    `unbiased` (counts only, and taken for counts when left out) divides by n - 1; one post gives NaN then.

    >>> round(float(variance([0.3, 0.5, 0.2])), 6), round(float(variance([3, 5, 2])), 6)
    (0.49, 0.544444)
    """
    x, line = points_of(at), on_line(p, at)
    shares = shares_of(line)
    made: Floats = shares @ x**2 - (shares @ x) ** 2
    if not pick_form(unbiased, are_counts(p)):
        return made
    n = counts_of(line, "the unbiased variance").sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n >= 2, made * n / (n - 1.0), np.nan)


def bimodality_coefficient(counts: npt.ArrayLike, at: Sequence[float] | None = None) -> Floats:
    """The bimodality coefficient (G1^2 + 1) / (G2 + 3 (n-1)^2 / ((n-2)(n-3))) of counts (..., k) at `at`.

    G1 and G2 are the bias-corrected skewness and excess kurtosis; a uniform distribution has 5/9. It is here because
    others report it. It is no measure of polarization, and warns so (`BimodalityWarning`): data at two points score
    nearly 1 whatever their balance, 95 to 5 as much as half and half. Fewer than four posts, or all at one point: NaN.

    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     bimodality_coefficient([[300, 500, 200], [9500, 0, 500]]).round(4).tolist()
    [0.4974, 0.9998]
    """
    warnings.warn(
        "the bimodality coefficient does not measure polarization: data at two points score nearly 1 whatever their "
        "balance; read esteban_ray beside it",
        BimodalityWarning,
        stacklevel=2,
    )
    x = points_of(at)
    n_i = counts_of(on_line(counts, at), "the bimodality coefficient")
    n = n_i.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (n_i @ x) / n
        centred = x - mean[..., None]
        second, third, fourth = ((n_i * centred**power).sum(axis=-1) / n for power in (2, 3, 4))
        skew = np.sqrt(n * (n - 1.0)) / (n - 2.0) * third / second**1.5
        excess = (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * (fourth / second**2 - 3.0) + 6.0)
        made = (skew**2 + 1.0) / (excess + 3.0 * (n - 1.0) ** 2 / ((n - 2.0) * (n - 3.0)))
    return np.where((n >= 4) & (second > 0), made, np.nan)


def _layer_agreement(layers: Floats, size: Floats) -> Floats:
    """Agreement of 0/1 patterns (..., k) with `size` classes each."""
    k = layers.shape[-1]
    absent = 1.0 - layers
    before = np.cumsum(layers, axis=-1) - layers
    after = size[..., None] - before - layers
    pairs = (before * (before - 1.0) + after * (after - 1.0)) / 2.0
    tu, tdu = (absent * pairs).sum(axis=-1), (absent * before * after).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        u = ((k - 2.0) * tu - (k - 1.0) * tdu) / ((k - 2.0) * (tu + tdu))
    u = np.where(tu + tdu > 0, u, 0.0)
    made: Floats = np.where(size == 1, 1.0, u * (1.0 - (size - 1.0) / (k - 1.0)))
    return made


def _apart(points: Floats) -> Floats:
    made: Floats = np.abs(points[:, None] - points[None, :])
    return made


def _half_and_half(alpha: float, points: Floats) -> float:
    """The raw index of half and half at the two ends."""
    return float(2.0 * 0.5 ** (2.0 + alpha) * (points[-1] - points[0]))
