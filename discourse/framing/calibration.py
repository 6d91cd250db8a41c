"""From scores to probabilities that hold: isotonic regression of each class against the rest, then made to sum to 1.

Zadrozny and Elkan 2002; Platt 1999 for the line on the logit scale of one class. A temperature (`framing.linear`) has
one number and needs few posts; isotonic regression takes whatever shape the truth has, but no other order, and asks for
about a thousand posts.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from discourse.errors import BadInput, MeaningError, SmallSampleWarning, UsageError

__all__ = ["ENOUGH", "KINDS", "Isotonic", "Platt", "fit_isotonic", "isotonic", "platt", "warn_of_few"]

KINDS: Final = ("temperature", "isotonic")
ENOUGH: Final = {"temperature": 100, "isotonic": 1_000}
"""How many posts each kind of calibration asks for."""

_MOST_STEPS: Final = 100
_STILL: Final = 1e-12
_KEPT: Final = 1e-6
"""What stays of the probability before: no class is impossible, no two posts of another order are tied."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Isotonic:
    """For each of k classes a rising line of knots (x, y) in [0, 1] on its probability; of no knots: as it is."""

    x: tuple[Floats, ...]
    y: tuple[Floats, ...]

    def of(self, shares: Floats) -> Floats:
        """Calibrated probabilities of n texts, n x k, from rows that sum to 1; rows sum to 1 and are above 0.

        >>> line = Isotonic((np.array([0.2, 0.8]),) * 2, (np.array([0.4, 0.6]),) * 2)
        >>> line.of(np.array([[0.5, 0.5], [0.1, 0.9]])).round(4).tolist()
        [[0.5, 0.5], [0.4, 0.6]]
        """
        made = [
            np.interp(share, x, y) if len(x) else share for share, x, y in zip(shares.T, self.x, self.y, strict=True)
        ]
        raised = (1 - _KEPT) * np.array(made).reshape(shares.shape[::-1]).T + _KEPT * shares
        calibrated: Floats = raised / raised.sum(axis=1, keepdims=True)
        return calibrated

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All numbers by name, for a file."""
        return {
            "isotonic.x": np.concatenate(self.x), "isotonic.y": np.concatenate(self.y),
            "isotonic.knots": np.array([len(x) for x in self.x], np.int32),
        }  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], k: int) -> Isotonic:
        """The lines of `arrays` for k classes; raises `BadInput` when they are no rising lines in [0, 1]."""
        try:
            x, y, knots = (arrays[f"isotonic.{name}"] for name in ("x", "y", "knots"))
        except KeyError as error:
            raise BadInput(f"the model lacks the array {error}") from None
        fit = (
            x.dtype == y.dtype == np.float64 and knots.dtype == np.int32 and knots.shape == (k,) and (knots >= 0).all()
            and x.shape == y.shape == (int(knots.sum(dtype=np.int64)),)
        )  # fmt: skip
        if fit:
            ends = np.concatenate([[0], np.cumsum(knots)]).tolist()
            made = cls(*(tuple(line[a:b] for a, b in pairwise(ends)) for line in (x, y)))
            fit = all(_rises(line, strictly=True) for line in made.x) and all(_rises(line) for line in made.y)
        if not fit:
            raise BadInput("the calibration of the model is made of no rising lines between 0 and 1")
        return made


def _rises(line: Floats, *, strictly: bool = False) -> bool:
    steps = np.diff(line)
    inside = bool(((line >= 0) & (line <= 1)).all())  # not of a number that is none
    return inside and bool((steps > 0).all() if strictly else (steps >= 0).all())


def fit_isotonic(shares: Floats, place: npt.NDArray[np.int64]) -> Isotonic:
    """The lines of n probabilities (n x k) of texts whose classes stand at `place`, by pool-adjacent-violators.

    A class that none or all of the texts have keeps its probabilities: nothing can be learnt of it.

    >>> made = fit_isotonic(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), np.array([0, 1, 1]))
    >>> made.of(np.array([[0.9, 0.1], [0.6, 0.4]])).round(4).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    from sklearn.isotonic import IsotonicRegression  # only to fit: it takes long to load

    lines: list[tuple[Floats, Floats]] = []
    for at, share in enumerate(shares.T):
        own = place == at
        if own.any() and not own.all():
            line = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(share, own.astype(np.float64))
            x, first = np.unique(line.X_thresholds_, return_index=True)
            lines.append((x, np.clip(line.y_thresholds_[first], 0.0, 1.0)))
        else:
            lines.append((np.empty(0), np.empty(0)))
    return Isotonic(tuple(x for x, _ in lines), tuple(y for _, y in lines))


def isotonic(score: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
    """Probabilities (n,) of one class from its scores (n,) and 0 or 1 outcomes: the nearest that never fall.

    Least squares by pool-adjacent-violators, equal scores together. It wants about 1,000 posts. Raises `UsageError` for
    arrays that do not fit, `MeaningError` for no posts.

    >>> isotonic([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1]).tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    from sklearn.isotonic import IsotonicRegression

    s, hit = _outcomes(score, y)
    made: Floats = IsotonicRegression(y_min=0.0, y_max=1.0).fit_transform(s, hit)
    return made


@dataclass(frozen=True)
class Platt:
    """A line on the logit scale: p = 1 / (1 + exp(a s + b)) for the score s of one class; a is below 0 where it helps.

    >>> Platt(-2.0, 1.0).of([0.5, 1.0]).round(4).tolist()      # 1/2, 1 / (1 + 1 / e)
    [0.5, 0.7311]
    """

    a: float
    b: float

    def of(self, score: npt.ArrayLike) -> Floats:
        """Probabilities of scores of any shape."""
        made: Floats = expit(-(self.a * np.asarray(score, dtype=np.float64) + self.b))
        return made


def platt(score: npt.ArrayLike, y: npt.ArrayLike) -> Platt:
    """The line of greatest likelihood for scores (n,) and outcomes (n,) of 0 or 1, each drawn in a little.

    The outcomes count as (N1 + 1) / (N1 + 2) and 1 / (N0 + 2), N1 and N0 how many there are of each, so that scores
    which tell them apart without error do not make the line a step. Raises as `isotonic`.

    Scores that tell nothing give the mean of what the outcomes count as, here (2 x 3/4 + 2 x 1/4) / 4:

    >>> platt([1.0, 2.0, 1.0, 2.0], [0, 0, 1, 1]).of([1.0, 2.0]).round(6).tolist()
    [0.5, 0.5]
    """
    s, hit = _outcomes(score, y)
    ones, wanted = hit.sum(), hit.copy()
    wanted[hit == 1.0], wanted[hit == 0.0] = (ones + 1.0) / (ones + 2.0), 1.0 / (len(s) - ones + 2.0)
    middle, width = s.mean(), max(float(s.std()), 1e-300)
    x = np.column_stack([(s - middle) / width, np.ones(len(s))]) if np.ptp(s) > 0 else np.ones((len(s), 1))

    def loss(at: Floats) -> float:
        return float((np.logaddexp(0.0, x @ at) - wanted * (x @ at)).sum())

    theta = np.zeros(x.shape[1])
    for _ in range(_MOST_STEPS):
        p = expit(x @ theta)
        step = np.linalg.solve(x.T @ ((p * (1.0 - p))[:, None] * x), x.T @ (wanted - p))
        while loss(theta + step) > loss(theta) and np.abs(step).max() > _STILL:
            step = step / 2.0
        theta = theta + step
        if np.abs(step).max() <= _STILL:
            break
    slope, level = (theta[0] / width, theta[1]) if len(theta) > 1 else (0.0, theta[0])
    return Platt(float(0.0 - slope), float(slope * middle - level))


def _outcomes(score: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    s, hit = np.asarray(score, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if s.ndim != 1 or s.shape != hit.shape or not np.isin(hit, (0.0, 1.0)).all() or not np.isfinite(s).all():
        raise UsageError(f"score has the shape {s.shape} and y {hit.shape}; give a number and a 0 or 1 for each post")
    if not len(s):
        raise MeaningError("a calibration is fitted on posts with labels; there are none")
    return s, hit


def warn_of_few(kind: str, n: int, stacklevel: int) -> None:
    """Warn `SmallSampleWarning` when n posts are too few for a kind of calibration."""
    if n < ENOUGH[kind]:
        warnings.warn(
            f"{kind} calibration rests on {n} posts; it asks for {ENOUGH[kind]:,} or more"
            + ("; calibration='temperature' asks for 100" if kind == "isotonic" else ""),
            SmallSampleWarning,
            stacklevel=stacklevel + 1,
        )
