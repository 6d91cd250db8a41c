"""Polarization within a side and between two sides.

Frames sit on a line: conciliatory at -1, neither and both at 0, nationalist at +1. Within a side the headline
is Esteban and Ray's index with alpha = 1, between sides the gap of the net tones and the squared Cramer
distance; both indices come in their unbiased form, because a plain one rises when volume falls.

Sources: Esteban and Ray (1994), *On the Measurement of Polarization*, Econometrica 62; van der Eijk (2001),
*Measuring Agreement in Ordered Rating Scales*; Szekely and Rizzo (2013) for the energy distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError
from discourse.schema import FRAMES, one_of

__all__ = [
    "NetTone",
    "Polarization",
    "cramer_squared",
    "cramer_squared_unbiased",
    "esteban_ray",
    "esteban_ray_unbiased",
    "net_tone",
    "net_tone_gap",
    "positions",
]

Floats = npt.NDArray[np.float64]
_AT = (-1.0, 0.0, 1.0)
WITHIN = ("esteban-ray",)
BETWEEN = ("net-tone-gap", "cramer-squared")


def positions(shares: Floats) -> Floats:
    """Shares at -1, 0, +1 from shares of the four frames on the last axis: (..., 4) to (..., 3).

    >>> positions(np.array([0.4, 0.1, 0.2, 0.3])).round(2).tolist()
    [0.1, 0.5, 0.4]
    """
    part = {frame: shares[..., i] for i, frame in enumerate(FRAMES)}
    return np.stack([part["conciliatory"], part["neither"] + part["both"], part["nationalist"]], axis=-1)


def esteban_ray(shares: npt.ArrayLike, alpha: float = 1.0, at: Sequence[float] = _AT) -> Floats:
    """Esteban-Ray polarization of shares (..., k) at k positions, from 0 to 1 (half and half at the ends).

    P = K sum_ij p_i^(1+alpha) p_j |x_i - x_j|, with 0 <= alpha <= 1.6; plug-in form, biased in small samples.

    >>> float(esteban_ray([0.5, 0.0, 0.5]))
    1.0
    """
    if not 0.0 <= alpha <= 1.6:
        raise UsageError(f"alpha is {alpha}; Esteban and Ray's axioms allow 0 to 1.6")
    p = np.asarray(shares, dtype=np.float64)
    raw = np.einsum("...i,...j,ij->...", p ** (1.0 + alpha), p, _distances(at))
    made: Floats = raw / (2.0 * 0.5 ** (2.0 + alpha) * (max(at) - min(at)))
    return made


def esteban_ray_unbiased(counts: npt.ArrayLike, at: Sequence[float] = _AT) -> Floats:
    """Esteban-Ray polarization, alpha = 1, unbiased under multinomial sampling, from counts (..., k).

    sum_ij n_i (n_i - 1) n_j |x_i - x_j| / (n (n - 1) (n - 2)), normalised as in `esteban_ray`. Fewer than
    three posts give NaN. Not clipped: it may fall a little below 0 or above 1.

    >>> round(float(esteban_ray_unbiased([3, 5, 2])), 6)      # 2 x 0.244444, the plug-in gives 0.5
    0.488889
    """
    n_i = np.asarray(counts, dtype=np.float64)
    n = n_i.sum(axis=-1)
    raw = np.einsum("...i,...j,ij->...", n_i * (n_i - 1.0), n_i, _distances(at))
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where(n >= 3, raw / (n * (n - 1.0) * (n - 2.0)), np.nan)
    made: Floats = scaled / (0.25 * (max(at) - min(at)))
    return made


def esteban_ray_bias(shares: Floats, covariance: Floats, at: Sequence[float] = _AT) -> Floats:
    """Second-order bias of the plug-in index (alpha = 1) for shares (..., k) with covariance (..., k, k).

    Half the trace of Hessian x covariance; the index is a cubic in the shares. This is what corrects shares
    that are not plain counts: post-stratified, weighted, clustered.
    """
    d = _distances(at)
    hessian = 2.0 * (shares[..., :, None] + shares[..., None, :]) * d
    pull = 2.0 * np.einsum("...j,ij->...i", shares, d)
    diagonal = np.eye(len(at)) * pull[..., None, :]
    made: Floats = 0.5 * np.einsum("...ij,...ji->...", hessian + diagonal, covariance) / (0.25 * (max(at) - min(at)))
    return made


def net_tone(shares: npt.ArrayLike) -> Floats:
    """Nationalist minus conciliatory share, from -1 to 1, of shares of the four frames (..., 4).

    >>> round(float(net_tone([0.4, 0.1, 0.2, 0.3])), 3)
    0.3
    """
    p = positions(np.asarray(shares, dtype=np.float64))
    made: Floats = p[..., 2] - p[..., 0]
    return made


def net_tone_gap(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Net tone of the first side minus that of the second, from -2 to 2; shares of the four frames (..., 4)."""
    return net_tone(first) - net_tone(second)


def cramer_squared(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Squared Cramer distance of shares (..., k) at unit-spaced positions: sum of squared CDF differences.

    Plug-in form: above 0 for two samples of one distribution.

    >>> round(float(cramer_squared([0.3, 0.5, 0.2], [0.2, 0.35, 0.45])), 4)
    0.0725
    """
    gap = np.cumsum(np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64), axis=-1)
    made: Floats = np.square(gap[..., :-1]).sum(axis=-1)
    return made


def cramer_squared_unbiased(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Squared Cramer distance, unbiased for two independent multinomial samples, from counts (..., k).

    Each squared CDF difference loses its sampling variance F(1 - F)/(n - 1) + G(1 - G)/(m - 1). May be negative.
    Fewer than two posts on either side give NaN.

    By hand: 0.0725 - (0.21 + 0.16) / 99 - (0.16 + 0.2475) / 99.

    >>> round(float(cramer_squared_unbiased([30, 50, 20], [20, 35, 45])), 6)
    0.064646
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    n, m = a.sum(axis=-1), b.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        f = np.cumsum(a, axis=-1)[..., :-1] / n[..., None]
        g = np.cumsum(b, axis=-1)[..., :-1] / m[..., None]
        noise = f * (1.0 - f) / (n[..., None] - 1.0) + g * (1.0 - g) / (m[..., None] - 1.0)
    made: Floats = (np.square(f - g) - noise).sum(axis=-1)
    return made


@dataclass(frozen=True)
class NetTone:
    """Nationalist minus conciliatory share within a side, from -1 to 1.

    >>> NetTone()
    NetTone()
    """

    @property
    def bounds(self) -> tuple[float, float]:
        """The values it can take."""
        return -1.0, 1.0

    def of(self, shares: Floats) -> Floats:
        """The net tone of shares of the four frames on the last axis."""
        return net_tone(shares)


@dataclass(frozen=True)
class Polarization:
    """A polarization measure: "esteban-ray" within a side, "net-tone-gap" or "cramer-squared" between two.

    >>> Polarization("esteban-ray")
    Polarization('esteban-ray')
    """

    kind: str

    def __post_init__(self) -> None:
        one_of(self.kind, (*WITHIN, *BETWEEN), "polarization")

    def __repr__(self) -> str:
        return f"Polarization({self.kind!r})"

    @property
    def between(self) -> bool:
        """Whether it compares two sides."""
        return self.kind in BETWEEN


def _distances(at: Sequence[float]) -> Floats:
    x = np.asarray(at, dtype=np.float64)
    made: Floats = np.abs(x[:, None] - x[None, :])
    return made
