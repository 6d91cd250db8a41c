"""Change points: where a series seems to change its level. Exploratory: they were found by looking, and test nothing.

Exact segmentation by PELT: the least sum of segment costs + penalty x number of changes over all segmentations, every
day being tried. Letters of shapes: T days.

Sources: Killick, Fearnhead and Eckley (2012), *Optimal Detection of Changepoints With a Linear Computational Cost*; the
pruning here waits `min_size` days, without which it is not exact when segments have a least length.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from discourse.errors import MeaningError, UsageError
from discourse.schema import one_of

__all__ = ["COSTS", "ChangePoints", "dispersion", "pelt", "segment_cost"]

Floats = npt.NDArray[np.float64]
COSTS = ("binomial", "l2")
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class ChangePoints(Sequence[int]):
    """The ends of the segments, the last one being T: a sequence of whole numbers, equal to any other of the same.

    `changes` are the first days of a new level (the ends without the last), `levels` the share or mean in each segment
    (NaN in one without posts), `cost` the sum of costs without penalties, `penalty` what a change had to be worth,
    `dispersion` what it was multiplied by. `exploratory` is always true.

    >>> found = ChangePoints((8, 16, 22), (0.3, 0.46, 0.33), 0.5, 0.01, 1.0, "l2")
    >>> found
    2 change points at 8, 16 (l2; exploratory: found by looking, no test of anything)
    >>> found == [8, 16, 22]
    True
    """

    ends: tuple[int, ...]
    levels: tuple[float, ...]
    cost: float
    penalty: float
    dispersion: float
    kind: str
    exploratory: bool = field(default=True, init=False)

    @property
    def changes(self) -> tuple[int, ...]:
        """The first day of every new level."""
        return self.ends[:-1]

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[int, ...]: ...
    def __getitem__(self, at: int | slice) -> int | tuple[int, ...]:
        return self.ends[at]

    def __iter__(self) -> Iterator[int]:
        return iter(self.ends)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Sequence | np.ndarray):
            return self.ends == tuple(other.tolist() if isinstance(other, np.ndarray) else other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.ends)

    def __repr__(self) -> str:
        many = len(self.changes)
        where = f" at {', '.join(map(str, self.changes))}" if many else ""
        points = "1 change point" if many == 1 else f"{many or 'no'} change points"
        return f"{points}{where} ({self.kind}; exploratory: found by looking, no test of anything)"


def pelt(
    y: npt.ArrayLike,
    n: npt.ArrayLike | None = None,
    cost: str = "binomial",
    pen: str | float = "bic",
    min_size: int = 2,
    *,
    quiet: tuple[int, int] | None = None,
) -> ChangePoints:
    """The best segmentation of a series (T,) into stretches of at least `min_size` days of one level each.

    `cost` "binomial": minus twice the log-likelihood of y of n posts with one share a segment; days with n = 0 cost
    nothing. "l2": squared distance of y (or of y / n, days with n = 0 left out) from the segment's mean. `pen` is what
    a change must save: a number, or "bic", phi 2 log T, where phi is the dispersion between neighbouring days (see
    `dispersion`; at least 1 for "binomial", the variance of a day for "l2"). `quiet` (a, b) names days from a to b - 1
    in which nothing is known to have happened: with "bic" the penalty is then raised until none is found there. Talk
    hangs together from day to day, which makes levels seem to change where none did; `quiet` guards against it.

    >>> pelt([2, 3, 2, 3, 8, 7, 8, 9], [10] * 8)
    1 change point at 4 (binomial; exploratory: found by looking, no test of anything)
    """
    one_of(cost, COSTS, "cost")
    y_, n_ = _arrays(y, n, cost)
    days = len(y_)
    if min_size < 1:
        raise UsageError(f"min_size is {min_size}; a segment needs at least 1 day")
    spread = 1.0
    if isinstance(pen, str):
        one_of(pen, ("bic",), "pen")
        spread = dispersion(y_, n_, cost=cost)
        worth = max(spread, _ROUNDING * float(np.square(y_).max())) * 2.0 * math.log(max(days, 2))
        if quiet is not None:
            worth = max(worth, _quiet_penalty(y_, n_, cost, min_size, quiet))
    else:
        worth = float(pen)
        if quiet is not None:
            raise UsageError("quiet calibrates the penalty and a penalty was given; use pen='bic' or leave quiet out")
    if not worth >= 0.0:
        raise UsageError(f"pen is {pen}; a penalty must be 0 or more, or 'bic'")
    sums = _Sums.of(y_, n_, cost)
    ends = _segments(sums, worth, min_size)
    begins = (0, *ends[:-1])
    total = sum(float(sums.cost(np.array([a]), b)[0]) for a, b in zip(begins, ends, strict=True))
    levels = tuple(sums.level(a, b) for a, b in zip(begins, ends, strict=True))
    return ChangePoints(ends, levels, total, worth, spread, cost)


def segment_cost(y: npt.ArrayLike, n: npt.ArrayLike | None = None, cost: str = "binomial") -> float:
    """The cost of one segment, as `pelt` adds them up.

    >>> round(segment_cost([1, 1], [2, 2]), 6), segment_cost([1.0, 3.0], cost="l2")        # 8 log 2; 1 + 1
    (5.545177, 2.0)
    """
    y_, n_ = _arrays(y, n, one_of(cost, COSTS, "cost"))
    return float(_Sums.of(y_, n_, cost).cost(np.array([0]), len(y_))[0])


def dispersion(y: npt.ArrayLike, n: npt.ArrayLike | None = None, *, cost: str = "binomial") -> float:
    """How much more neighbouring days differ than chance makes them; for "l2" the variance of a day.

    Half the mean square of the differences of neighbouring days with posts, for "binomial" each over its binomial
    variance, and at least 1. Levels that change now and then hardly move it; nor does a correlation from day to day,
    which is why `pelt` knows `quiet`.

    >>> dispersion([0.0, 2.0, 0.0, 2.0], cost="l2"), dispersion([5, 5, 5], [10, 10, 10])
    (2.0, 1.0)
    """
    y_, n_ = _arrays(y, n, one_of(cost, COSTS, "cost"))
    posted = n_ > 0
    value, size = (y_ / np.where(posted, n_, 1.0))[posted], n_[posted]
    if len(value) < 2:
        return 1.0 if cost == "binomial" else 0.0
    change = np.diff(value)
    if cost == "l2":
        return float((change**2).mean() / 2.0)
    # The two days' own shares, drawn towards a half so that two days of none are not taken for certain.
    both = (y_[posted][1:] + y_[posted][:-1] + 0.5) / (size[1:] + size[:-1] + 1.0)
    return max(1.0, float((change**2 / (both * (1.0 - both) * (1.0 / size[1:] + 1.0 / size[:-1]))).mean()))


@dataclass(frozen=True, eq=False)
class _Sums:
    """Running sums (T + 1,) from which any segment's cost is read off."""

    y: Floats
    n: Floats
    squares: Floats
    kind: str
    middle: float = 0.0  # taken off the values of "l2": sums of large squares would lose small differences

    @classmethod
    def of(cls, y: Floats, n: Floats, kind: str) -> _Sums:
        posted = n > 0
        value = np.where(posted, y / np.where(posted, n, 1.0), 0.0)
        if kind == "binomial":
            return cls(_running(y), _running(n), _running(np.zeros(len(y))), kind)
        middle = float(value[posted].mean()) if posted.any() else 0.0
        value = np.where(posted, value - middle, 0.0)
        return cls(_running(value), _running(posted.astype(np.float64)), _running(value**2), kind, middle)

    def cost(self, begin: npt.NDArray[np.int64], end: int) -> Floats:
        """Costs of the segments from each of `begin` to `end` - 1."""
        y, n = self.y[end] - self.y[begin], self.n[end] - self.n[begin]
        some = n > 0
        mean = np.where(some, y / np.where(some, n, 1.0), 0.0)
        if self.kind == "binomial":
            return np.asarray(-2.0 * (xlogy(y, mean) + xlogy(n - y, 1.0 - mean)), dtype=np.float64)
        return np.asarray(np.maximum(self.squares[end] - self.squares[begin] - y * mean, 0.0), dtype=np.float64)

    def level(self, begin: int, end: int) -> float:
        """The share or mean of a segment; NaN without posts."""
        n = float(self.n[end] - self.n[begin])
        return self.middle + float(self.y[end] - self.y[begin]) / n if n > 0 else float("nan")


def _segments(sums: _Sums, worth: float, min_size: int) -> tuple[int, ...]:
    """Ends of the best segmentation."""
    days = len(sums.y) - 1
    if days < 2 * min_size:
        return (days,)
    best = np.full(days + 1, np.inf)
    best[0] = -worth
    last = np.zeros(days + 1, dtype=np.int64)
    alive: npt.NDArray[np.int64] = np.array([0], dtype=np.int64)
    leaves = np.full(days + 1, days + 1, dtype=np.int64)  # the first end for which a beginning is out of the race
    for end in range(min_size, days + 1):
        if end >= 2 * min_size:
            alive = np.append(alive, end - min_size)
        alive = alive[leaves[alive] > end]
        reached = best[alive] + sums.cost(alive, end)
        first = int(reached.argmin())
        best[end], last[end] = reached[first] + worth, alive[first]
        # A beginning that is dearer than a change right here stays dearer, once a segment from here is long enough.
        doomed = alive[reached > best[end] + 1e-9 * (1.0 + abs(best[end]))]
        leaves[doomed] = np.minimum(leaves[doomed], end + min_size)
    ends = [days]
    while last[ends[-1]] > 0:
        ends.append(int(last[ends[-1]]))
    return tuple(reversed(ends))


def _quiet_penalty(y: Floats, n: Floats, cost: str, min_size: int, quiet: tuple[int, int]) -> float:
    """The least penalty (to a hundredth) under which the quiet days hold no change."""
    begin, end = (int(one) for one in quiet)
    if not 0 <= begin < end <= len(y) or end - begin < 2 * min_size:
        raise UsageError(f"quiet is {quiet}; it must be two of the {len(y)} days, {2 * min_size} or more apart")
    sums = _Sums.of(y[begin:end], n[begin:end], cost)
    low, high = 0.0, max(float(sums.cost(np.array([0]), end - begin)[0]), 1e-12)
    while high - low > 0.01 * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if len(_segments(sums, middle, min_size)) == 1 else (middle, high)
    return high


def _arrays(y: npt.ArrayLike, n: npt.ArrayLike | None, cost: str) -> tuple[Floats, Floats]:
    y_: Any = np.asarray(y, dtype=np.float64)
    if n is None and cost == "binomial":
        raise UsageError("the binomial cost needs the posts a day, n; for a plain series use cost='l2'")
    n_ = np.ones(len(y_)) if n is None else np.asarray(n, dtype=np.float64)
    if y_.ndim != 1 or y_.shape != n_.shape or not len(y_):
        raise UsageError(f"y and n have the shapes {y_.shape} and {n_.shape}; give one number of each a day")
    if not (np.isfinite(y_) & np.isfinite(n_)).all():
        raise MeaningError("a day of the series holds no number; give 0 of 0 posts for a day without any")
    if (n_ < 0).any() or (cost == "binomial" and ((y_ < 0) | (y_ > n_)).any()):
        raise MeaningError("on some day y is under 0 or above n; y counts those of the n posts that are of the kind")
    return y_, n_


def _running(values: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(values)])
