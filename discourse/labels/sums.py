"""Sums over units that all coefficients of agreement are functions of, and these functions.

A replicate of a bootstrap needs other sums only, never the units again. Letters of shapes: u units (posts), c
coders, k values of a variable; r_uk counts the coders who gave value k to unit u, r_u all who coded it; `...` is
nothing, or replicates.

Source: Krippendorff (2011), *Computing Krippendorff's Alpha-Reliability*; Gwet (2008), *Computing inter-rater
reliability and its variance in the presence of high agreement*, and (2014), *Handbook of Inter-Rater Reliability*,
chapters 2 to 4; Cohen (1960, 1968); Fleiss (1971); for agreement on one value Spitzer and Fleiss (1974).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from discourse.errors import SchemaError
from discourse.labels.ratings import MISSING, Codes, Floats
from discourse.schema import one_of

__all__ = [
    "WEIGHTINGS",
    "Sums",
    "against_rest",
    "agreement_weights",
    "alphas",
    "cohen_kappas",
    "fleiss_kappas",
    "gwet",
    "level_weights",
    "negatives",
    "percents",
    "positives",
    "unit_sums",
]

WEIGHTINGS = ("identity", "linear", "quadratic", "ordinal", "ratio")
_OF_LEVEL = {"nominal": "identity", "ordinal": "ordinal", "interval": "quadratic", "ratio": "ratio"}


@dataclass(frozen=True, eq=False)
class Sums:
    """What coefficients are made of: sums over units, each with the same leading shape `...` (one, or replicates).

    `together` (..., k, k): coincidences, sum of r_uk (r_ul - [k = l]) / (r_u - 1). `alike` (..., k, k): the same
    with each unit divided by r_u, so that it adds 1. `shares` (..., k): sum of r_uk / r_u over units with a code.
    `table` (..., k, k): units by the values of two coders, zero when there are not exactly two.

    >>> Sums.count(np.array([[0, 1], [0, 0]]), 2).together.tolist()
    [[2.0, 1.0], [1.0, 0.0]]
    """

    together: Floats
    alike: Floats
    shares: Floats
    table: Floats

    @classmethod
    def count(cls, codes: Codes, k: int) -> Sums:
        """The sums over units x coders of k values, missing -1.

        >>> Sums.count(np.array([[0, -1], [0, 1]]), 2).shares.tolist()
        [1.5, 0.5]
        """
        return cls.of(unit_sums(codes, k).sum(axis=0), k)

    @classmethod
    def of(cls, flat: Floats, k: int) -> Sums:
        """The sums that lie side by side in an array of shape (..., 3 k k + k).

        >>> Sums.of(np.arange(4.0), 1).table.tolist()
        [[3.0]]
        """
        square = (*flat.shape[:-1], k, k)
        together, alike, shares, table = np.split(flat, [k * k, 2 * k * k, 2 * k * k + k], axis=-1)
        return cls(together.reshape(square), alike.reshape(square), shares, table.reshape(square))


def unit_sums(codes: Codes, k: int) -> Floats:
    """What each unit adds to `Sums`, side by side: codes (u, c), missing -1, to (u, 3 k k + k).

    >>> unit_sums(np.array([[0, 0]]), 1).tolist()
    [[2.0, 1.0, 1.0, 1.0]]
    """
    u, c = codes.shape
    counts = (codes[:, :, None] == np.arange(k)).sum(axis=1).astype(np.float64)
    size = counts.sum(axis=1)
    together = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(k)
    together /= np.maximum(size - 1, 1)[:, None, None]
    shares = counts / np.maximum(size, 1)[:, None]
    alike = together / np.maximum(size, 1)[:, None, None]
    table = np.zeros((u, k, k))
    if c == 2:
        both = np.flatnonzero((codes != MISSING).all(axis=1))
        table[both, codes[both, 0], codes[both, 1]] = 1.0
    flat = (together.reshape(u, k * k), alike.reshape(u, k * k), shares, table.reshape(u, k * k))
    return np.concatenate(flat, axis=1)


def alphas(together: Floats, level: str, points: Floats) -> Floats:
    """Alpha of coincidence matrices, shape (..., k, k) to (...); NaN where chance cannot err.

    >>> float(alphas(np.array([[2.0, 1.0], [1.0, 2.0]]), "nominal", np.arange(2.0)))  # 1 - 5 * 2 / 18
    0.4444444444444444
    """
    totals = together.sum(axis=-1)
    distances = _distances(totals, level, points)
    observed = (together * distances).sum(axis=(-2, -1))
    expected = (totals[..., :, None] * totals[..., None, :] * distances).sum(axis=(-2, -1))
    return 1.0 - _over((totals.sum(axis=-1) - 1) * observed, expected)


def percents(sums: Sums) -> Floats:
    """Share of agreeing pairs of values, 0 to 100, shape (...); a pair of a unit counts 1 / (r_u - 1).

    >>> float(percents(Sums.count(np.array([[0, 1], [0, 0]]), 2)))
    50.0
    """
    return 100 * _over(_trace(sums.together), sums.together.sum(axis=(-2, -1)))


def gwet(sums: Sums, weights: Floats) -> Floats:
    """Gwet's coefficient with agreement weights (k, k), shape (...): AC1 where they are the identity, else AC2.

    (p_a - p_e) / (1 - p_e) with p_a the mean over units of the weighted share of agreeing pairs, and
    p_e = sum of weights / (k (k - 1)) * sum of q_k (1 - q_k), q_k the mean share of value k.

    >>> float(gwet(Sums.count(np.array([[0, 1], [0, 0]]), 2), np.eye(2)))
    0.2
    """
    k = len(weights)
    observed = _over((sums.alike * weights).sum(axis=(-2, -1)), sums.alike.sum(axis=(-2, -1)))
    shares = _over(sums.shares, sums.shares.sum(axis=-1)[..., None])
    scale = weights.sum() / (k * (k - 1)) if k > 1 else np.nan
    return _corrected(observed, scale * (shares * (1 - shares)).sum(axis=-1))


def fleiss_kappas(sums: Sums) -> Floats:
    """Fleiss' kappa, shape (...): p_a as for AC1, p_e = sum of q_k^2 with q_k the mean share of value k.

    >>> round(float(fleiss_kappas(Sums.count(np.array([[0, 1], [0, 0], [1, 1]]), 2))), 4)
    0.3333
    """
    observed = _over(_trace(sums.alike), sums.alike.sum(axis=(-2, -1)))
    shares = _over(sums.shares, sums.shares.sum(axis=-1)[..., None])
    return _corrected(observed, (shares**2).sum(axis=-1))


def cohen_kappas(table: Floats, weights: Floats) -> Floats:
    """Cohen's kappa of tables of two coders with agreement weights (k, k): (..., k, k) to (...).

    >>> float(cohen_kappas(np.array([[1.0, 1.0], [0.0, 2.0]]), np.eye(2)))  # (3/4 - 1/2) / (1 - 1/2)
    0.5
    """
    shares = _over(table, table.sum(axis=(-2, -1))[..., None, None])
    chance = shares.sum(axis=-1)[..., :, None] * shares.sum(axis=-2)[..., None, :]
    return _corrected((shares * weights).sum(axis=(-2, -1)), (chance * weights).sum(axis=(-2, -1)))


def positives(sums: Sums, value: int) -> Floats:
    """Positive specific agreement on the value at a place, shape (...), 0 to 1: of two coders the F1.

    The chance that another coder gives the value, given that one did; 2 a / (2 a + b + c) of two coders.

    >>> float(positives(Sums.count(np.array([[0, 1], [0, 0]]), 2), 0))
    0.6666666666666666
    """
    return _over(sums.together[..., value, value], sums.together[..., value, :].sum(axis=-1))


def negatives(sums: Sums, value: int) -> Floats:
    """Negative specific agreement, shape (...), 0 to 1: the chance that another coder, too, gives another value.

    >>> float(negatives(Sums.count(np.array([[0, 1], [0, 0], [1, 1]]), 2), 0))
    0.6666666666666666
    """
    pair = against_rest(sums.together, value)
    return _over(pair[..., 1, 1], pair[..., 1, :].sum(axis=-1))


def against_rest(together: Floats, value: int) -> Floats:
    """Coincidences of one value and all others as one: (..., k, k) to (..., 2, 2).

    >>> against_rest(np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 6.0]]), 0).tolist()
    [[4.0, 1.0], [1.0, 10.0]]
    """
    rest = np.arange(together.shape[-1]) != value
    apart = together[..., value, rest].sum(axis=-1)
    others = together[..., rest, :][..., rest].sum(axis=(-2, -1))
    rows = [np.stack([together[..., value, value], apart], axis=-1), np.stack([apart, others], axis=-1)]
    return np.stack(rows, axis=-2)


def agreement_weights(name: str, points: Floats) -> Floats:
    """Agreement weights of k values, shape (k, k), 1 on the diagonal, 0 for the two values furthest apart.

    "identity", "linear" 1 - |d| / range, "quadratic" 1 - d^2 / range^2, "ordinal" 1 - m (m + 1) / (k (k - 1))
    for values m places apart, "ratio" 1 - (d / s)^2 over the same of the two ends, s the sum of two values.

    >>> agreement_weights("quadratic", np.arange(3.0)).tolist()
    [[1.0, 0.75, 0.0], [0.75, 1.0, 0.75], [0.0, 0.75, 1.0]]
    """
    one_of(name, WEIGHTINGS, "weights")
    k = len(points)
    if name == "identity" or k < 2:
        return np.eye(k)
    if name == "ordinal":
        steps = np.abs(np.arange(k)[:, None] - np.arange(k)[None, :])
        apart = steps * (steps + 1) / 2
    elif name == "ratio":
        if points.min() < 0:
            raise SchemaError(f"a ratio scale begins at 0, and a value is {points.min():g}; use the level 'interval'")
        apart = _ratio_distances(points)
    else:
        apart = np.abs(points[:, None] - points[None, :]) ** (1 if name == "linear" else 2)
    return np.asarray(1.0 - apart / apart[np.argmin(points), np.argmax(points)], dtype=np.float64)


def level_weights(level: str, points: Floats) -> Floats:
    """The agreement weights that go with a level: identity, ordinal, quadratic (interval), ratio; shape (k, k).

    >>> level_weights("nominal", np.arange(2.0)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return agreement_weights(_OF_LEVEL[level], points)


def _distances(totals: Floats, level: str, points: Floats) -> Floats:
    """Squared distances of values, shape (..., k, k); only the ordinal ones hang on the totals (..., k)."""
    if level == "nominal":
        return 1.0 - np.eye(len(points))
    if level == "ratio":
        return _ratio_distances(points)
    if level == "ordinal":
        points = np.cumsum(totals, axis=-1) - totals / 2
    squared: Floats = (points[..., :, None] - points[..., None, :]) ** 2
    return squared


def _ratio_distances(points: Floats) -> Floats:
    apart, size = points[:, None] - points[None, :], points[:, None] + points[None, :]
    squared: Floats = np.divide(apart, size, out=np.zeros_like(apart), where=size != 0) ** 2
    return squared


def _trace(squares: Floats) -> Floats:
    diagonal: Floats = np.diagonal(squares, axis1=-2, axis2=-1).sum(axis=-1)
    return diagonal


def _over(part: npt.ArrayLike, whole: npt.ArrayLike) -> Floats:
    """Part by whole, NaN where the whole is 0."""
    parts, wholes = np.broadcast_arrays(np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64))
    made: Floats = np.divide(parts, wholes, out=np.full(parts.shape, np.nan), where=wholes > 0)
    return made


def _corrected(observed: Floats, chance: Floats) -> Floats:
    """(observed - chance) / (1 - chance)."""
    return _over(observed - chance, 1.0 - np.asarray(chance))
