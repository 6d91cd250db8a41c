"""Measures of polarization as small frozen values, which a series takes without knowing which one it has.

Every value offers the same: `of`, the plug-in number; `correct`, the bias that is to be taken off; `interval`, the
corrected number with its bounds; `between`, whether it compares two sides; `bounds`. They take shares of the four
frames or the three positions on the last axis. The formulas stand in `within`, `between` and `affective`.

How each interval is made, and how far it is to be trusted, follows from simulations with heavy-tailed authors:

| kind | bias taken off | interval | holds the truth of 95 % in |
|---|---|---|---|
| esteban-ray, variance | half trace of Hessian x covariance | percentile, moved by twice the bias | 0.93-0.97 |
| net-tone-gap | none, it is linear | percentile | 0.90-0.95 |
| cramer-squared, jsd | variances of the differences | normal around the corrected value | 0.91-1.00 |
| energy | that of cramer-squared | root of its interval, cut at 0 | as cramer-squared |
| wasserstein | none exists | percentile | 0.95 far apart, 0 when equal |
| agreement, pole-index | none exists | percentile | 0.73-0.79 where the poles balance |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from discourse.errors import MeaningError, UsageError
from discourse.estimators.bootstrap import percentile_interval, replicate_variance
from discourse.indices.between import (
    cramer_squared,
    cramer_squared_unbiased,
    energy_distance,
    jsd,
    jsd_bias,
    net_tone_gap,
    wasserstein1,
)
from discourse.indices.line import AT, on_line, positions
from discourse.indices.no_difference import replicate_covariance
from discourse.indices.within import (
    ALPHAS,
    agreement_A,
    esteban_ray,
    esteban_ray_bias,
    esteban_ray_unbiased,
    net_tone,
    pole_index,
    variance,
)
from discourse.schema import one_of

__all__ = [
    "BETWEEN",
    "DISTANCES",
    "WITHIN",
    "NetTone",
    "Polarization",
    "cramer_squared",
    "cramer_squared_unbiased",
    "esteban_ray",
    "esteban_ray_bias",
    "esteban_ray_unbiased",
    "net_tone",
    "net_tone_gap",
    "positions",
]

WITHIN = ("esteban-ray", "agreement", "pole-index", "variance")
BETWEEN = ("net-tone-gap", "cramer-squared", "energy", "wasserstein", "jsd")
DISTANCES = ("cramer-squared", "energy", "wasserstein", "jsd")
_ALSO = {"cramer2": "cramer-squared"}
_BOUNDS = {"net-tone-gap": (-2.0, 2.0), "cramer-squared": (0.0, 2.0), "energy": (0.0, 2.0), "wasserstein": (0.0, 2.0)}
_NORMAL = ("cramer-squared", "jsd")

Floats = npt.NDArray[np.float64]
Interval = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class NetTone:
    """Nationalist minus conciliatory share within a side, from -1 to 1.

    >>> NetTone()
    NetTone()
    """

    @property
    def between(self) -> bool:
        """Whether it compares two sides."""
        return False

    @property
    def shuffled(self) -> bool:
        """Whether it is shown beside its value when sides are shuffled among authors."""
        return False

    @property
    def bounds(self) -> tuple[float, float]:
        """The values it can take."""
        return -1.0, 1.0

    def of(self, shares: npt.ArrayLike) -> Floats:
        """The net tone of shares (..., 4 frames or 3 positions)."""
        return net_tone(shares)

    def correct(self, shares: npt.ArrayLike) -> Floats:
        """The bias to be taken off shares (..., 1 + b, k): none, it is linear in them."""
        return np.zeros(np.shape(shares)[:-2])

    def interval(self, shares: npt.ArrayLike, level: float = 0.95) -> Interval:
        """Estimate and percentile bounds, from shares (..., 1 + b, k) with the estimate in row 0."""
        values = self.of(shares)
        low, high = percentile_interval(values[..., 1:], level)
        return values[..., 0], np.clip(low, *self.bounds), np.clip(high, *self.bounds)


@dataclass(frozen=True)
class Polarization:
    """A polarization measure by its kind; `alpha` belongs to "esteban-ray" alone.

    Within a side: "esteban-ray" (headline), "agreement" (van der Eijk, (1 - A)/2), "pole-index", "variance". Between
    two: "net-tone-gap" and "cramer-squared" (headline; "cramer2" is the same), "energy", "wasserstein", "jsd" (bits).

    >>> Polarization("esteban-ray"), Polarization("esteban-ray", alpha=1.3), Polarization("cramer2")
    (Polarization('esteban-ray'), Polarization('esteban-ray', alpha=1.3), Polarization('cramer-squared'))
    >>> float(Polarization("pole-index").of([0.3, 0.5, 0.2]))
    0.4
    """

    kind: str
    alpha: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", _ALSO.get(self.kind, self.kind))
        one_of(self.kind, (*WITHIN, *BETWEEN), "polarization")
        if self.kind != "esteban-ray" and self.alpha != 1.0:
            raise UsageError(f"alpha is for 'esteban-ray' and the kind is {self.kind!r}; leave alpha out")
        if not ALPHAS[0] <= self.alpha <= ALPHAS[1]:
            raise UsageError(f"alpha is {self.alpha}; Esteban and Ray's axioms allow 0 to 1.6")

    def __repr__(self) -> str:
        alpha = "" if self.alpha == 1.0 else f", alpha={self.alpha:g}"
        return f"Polarization({self.kind!r}{alpha})"

    @property
    def between(self) -> bool:
        """Whether it compares two sides."""
        return self.kind in BETWEEN

    @property
    def shuffled(self) -> bool:
        """Whether it is shown beside its value when sides are shuffled among authors."""
        return True

    @property
    def bounds(self) -> tuple[float, float]:
        """The values it can take; a corrected value may lie a little outside, and is not cut."""
        return _BOUNDS.get(self.kind, (0.0, 1.0))

    def of(self, first: npt.ArrayLike, second: npt.ArrayLike | None = None) -> Floats:
        """The plug-in number of shares (..., 4 frames or 3 positions); of two sides' shares if it is `between` them.

        Replicates may stray a little below 0; what a formula cannot take there is cut at 0.
        """
        p, q = self._sides(first, second)
        if self.kind == "esteban-ray":
            return esteban_ray(p, self.alpha, unbiased=False)
        return _BETWEEN[self.kind](p, q) if self.between else _WITHIN[self.kind](p)

    def correct(self, first: npt.ArrayLike, second: npt.ArrayLike | None = None) -> Floats:
        """The bias of the plug-in number, to be taken off it; from shares (..., 1 + b, k), the estimate in row 0.

        Second-order, from the covariance of the author replicates; 0 for the kinds that have no correction.
        """
        p, q = self._sides(first, second)
        at, covariance = p[..., 0, :], replicate_covariance(p[..., 1:, :])
        if self.kind == "esteban-ray":
            return esteban_ray_bias(at, covariance, alpha=self.alpha)
        if self.kind == "variance":
            made: Floats = -np.einsum("i,...ij,j->...", np.array(AT), covariance, np.array(AT))
            return made
        if self.kind == "jsd":
            return _jsd_noise(p, q)
        if self.kind == "cramer-squared":
            return _cramer_noise(p, q)
        if self.kind == "energy":
            squared = cramer_squared(at, q[..., 0, :])
            left: Floats = np.sqrt(2.0 * squared) - np.sqrt(2.0 * np.maximum(squared - _cramer_noise(p, q), 0.0))
            return left
        return np.zeros(p.shape[:-2])

    def interval(self, first: npt.ArrayLike, second: npt.ArrayLike | None = None, level: float = 0.95) -> Interval:
        """Corrected estimate with lower and upper bound, from shares (..., 1 + b, k) with the estimate in row 0.

        See the table of this module for how; never read it as a test of 0 (`excludes_zero`).
        """
        if self.kind == "energy":
            estimate, *edges = Polarization("cramer-squared").interval(first, second, level)
            low, high = (np.sqrt(2.0 * np.maximum(edge, 0.0)) for edge in edges)
            return np.sqrt(2.0 * np.maximum(estimate, 0.0)), low, high
        values, bias = self.of(first, second), self.correct(first, second)
        estimate = values[..., 0] - bias
        if self.kind in _NORMAL:
            reach = NormalDist().inv_cdf(0.5 + level / 2.0) * np.sqrt(replicate_variance(values[..., 1:]))
            return estimate, estimate - reach, estimate + reach
        # A replicate carries the sampling noise twice, once from the sample and once from the resampling.
        low, high = percentile_interval(values[..., 1:] - 2.0 * bias[..., None], level)
        if self.kind == "net-tone-gap":
            low, high = np.clip(low, *self.bounds), np.clip(high, *self.bounds)
        return estimate, low, high

    def excludes_zero(self, low: npt.ArrayLike, high: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether intervals leave out 0, for the one kind that can be read so; `MeaningError` for the others.

        >>> Polarization("net-tone-gap").excludes_zero([0.1, -0.1], [0.3, 0.3]).tolist()
        [True, False]
        >>> Polarization("cramer2").excludes_zero(0.1, 0.3)
        Traceback (most recent call last):
        discourse.errors.MeaningError: Polarization('cramer-squared') is never below 0 and no resample reaches 0, so its
        interval cannot test that there is none; use wald_of_replicates or permutation_test
        """
        if self.kind != "net-tone-gap":
            raise MeaningError(
                f"{self!r} is never below 0 and no resample reaches 0, so its interval cannot test that there is none; "
                + ("use wald_of_replicates or permutation_test" if self.between else "compare windows with each other")
            )
        below, above = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
        made: npt.NDArray[np.bool_] = (below > 0.0) | (above < 0.0)
        return made

    def _sides(self, first: npt.ArrayLike, second: npt.ArrayLike | None) -> tuple[Floats, Floats]:
        if self.between == (second is None):
            needs = "the shares of two sides" if self.between else "the shares of one side"
            raise UsageError(f"{self!r} takes {needs}; got {1 if second is None else 2}")
        p = on_line(first)
        return p, p if second is None else on_line(second)


def _cramer_noise(p: Floats, q: Floats) -> Floats:
    """What sampling adds to the squared Cramer distance: the variances of the CDF differences over replicates."""
    gap = np.cumsum(p - q, axis=-1)[..., :-1]
    made: Floats = replicate_variance(np.moveaxis(gap[..., 1:, :], -2, -1)).sum(axis=-1)
    return made


def _jsd_noise(p: Floats, q: Floats) -> Floats:
    """What sampling adds to the divergence, in bits."""
    k = p.shape[-1]
    joint = replicate_covariance(np.concatenate([p[..., 1:, :], q[..., 1:, :]], axis=-1))
    var = np.diagonal(joint, axis1=-2, axis2=-1)
    both = np.diagonal(joint[..., :k, k:], axis1=-2, axis2=-1)
    made: Floats = jsd_bias(p[..., 0, :], q[..., 0, :], var[..., :k], var[..., k:], both) / np.log(2.0)
    return made


_WITHIN: dict[str, Callable[[Floats], Floats]] = {
    "agreement": lambda p: (1.0 - agreement_A(np.maximum(p, 0.0))) / 2.0,
    "pole-index": pole_index,
    "variance": lambda p: variance(p, unbiased=False),
}
_BETWEEN: dict[str, Callable[[Floats, Floats], Floats]] = {
    "net-tone-gap": net_tone_gap,
    "cramer-squared": cramer_squared,
    "energy": energy_distance,
    "wasserstein": wasserstein1,
    "jsd": lambda p, q: jsd(p, q, bias=None),
}
