"""Frames on a line, and what may be handed in as shares: the words every polarization index shares.

Conciliatory stands at -1, neither and both at 0, nationalist at +1. Arrays hold the three positions in this order on
their last axis, or the four frames in the order of `discourse.schema.FRAMES`; any axes may stand before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError
from discourse.schema import FRAMES

__all__ = ["AT", "are_counts", "counts_of", "on_line", "pick_form", "points_of", "positions", "shares_of"]

AT = (-1.0, 0.0, 1.0)
_ROUNDING = 1e-6

Floats = npt.NDArray[np.float64]


def positions(shares: npt.ArrayLike) -> Floats:
    """Values at -1, 0, +1 from values of the four frames on the last axis: (..., 4) to (..., 3).

    >>> positions(np.array([0.4, 0.1, 0.2, 0.3])).round(2).tolist()
    [0.1, 0.5, 0.4]
    """
    given = np.asarray(shares, dtype=np.float64)
    part = {frame: given[..., i] for i, frame in enumerate(FRAMES)}
    return np.stack([part["conciliatory"], part["neither"] + part["both"], part["nationalist"]], axis=-1)


def on_line(values: npt.ArrayLike, at: Sequence[float] | None = None) -> Floats:
    """Values at the points `at`; without it four values are the frames, which are pooled, and three the positions.

    >>> on_line([4, 1, 2, 3]).tolist()
    [1.0, 5.0, 4.0]
    >>> on_line([4, 1, 2, 3], at=(0, 1, 2, 3)).tolist()
    [4.0, 1.0, 2.0, 3.0]
    """
    given = np.asarray(values, dtype=np.float64)
    k = given.shape[-1] if given.ndim else 0
    if at is None and k == len(FRAMES):
        return positions(given)
    wanted = len(AT if at is None else at)
    if k != wanted:
        raise UsageError(
            f"the last axis holds {k} values; give three positions (conciliatory, neither, nationalist), "
            "the four frames, or the points they stand at as at=(...)"
            if at is None
            else f"the last axis holds {k} values and at= {wanted} points; they must be as many"
        )
    return given


def points_of(at: Sequence[float] | None) -> Floats:
    """The points of a line: those given, which must rise, else -1, 0, +1.

    >>> points_of(None).tolist()
    [-1.0, 0.0, 1.0]
    """
    points = np.asarray(AT if at is None else at, dtype=np.float64)
    if points.ndim != 1 or len(points) < 2 or not (np.diff(points) > 0).all():
        raise UsageError(f"the points are {points.tolist()}; give two or more that rise, like at=(-1, 0, 1)")
    return points


def are_counts(values: npt.ArrayLike) -> bool:
    """Whether an array holds counts of posts: whole numbers, and somewhere more than one in all.

    >>> are_counts([3, 5, 2]), are_counts([0.3, 0.5, 0.2]), are_counts([1, 0, 0])
    (True, False, False)
    """
    given = np.asarray(values, dtype=np.float64)
    known = given[np.isfinite(given)]
    return bool((known == np.rint(known)).all() and (np.nan_to_num(given).sum(axis=-1) > 1.0).any())


def counts_of(values: npt.ArrayLike, what: str) -> Floats:
    """The values, if they are counts; `UsageError` says that `what` needs counts otherwise.

    >>> counts_of([3, 5, 2], "the unbiased form").tolist()
    [3.0, 5.0, 2.0]
    """
    given = np.asarray(values, dtype=np.float64)
    known = given[np.isfinite(given)]
    if not (known == np.rint(known)).all() or (known < 0).any():
        raise UsageError(f"{what} needs counts of posts, whole numbers like [3, 5, 2], and got shares or weights")
    return given


def shares_of(values: npt.ArrayLike) -> Floats:
    """Shares (..., k) from shares or counts; a row of zeros has none: NaN. Raises `UsageError` for anything else.

    Weighted counts are neither: divide them by their sum first, so that nothing is mistaken for them. Shares are not
    held to [0, 1], because a bootstrap replicate of corrected shares may stray.

    >>> shares_of([3, 5, 2]).tolist(), shares_of([0.3, 0.5, 0.2]).tolist()
    ([0.3, 0.5, 0.2], [0.3, 0.5, 0.2])
    """
    given = np.asarray(values, dtype=np.float64)
    total = given.sum(axis=-1, keepdims=True)
    known = total[np.isfinite(total) & (total != 0.0)]
    if (np.abs(known - 1.0) > _ROUNDING).any():
        if not are_counts(given):
            odd = float(known[np.abs(known - 1.0).argmax()])
            raise UsageError(f"values sum to {odd:.6g}; give shares that sum to 1, or counts of posts")
        with np.errstate(invalid="ignore", divide="ignore"):
            made: Floats = given / total
        return made
    return np.where(total == 0.0, np.nan, given)


def pick_form(unbiased: bool | None, allowed: bool) -> bool:
    """Whether to compute an unbiased form: as asked, and where nothing was asked if the input allows it.

    >>> pick_form(None, allowed=True), pick_form(False, allowed=True), pick_form(None, allowed=False)
    (True, False, False)
    """
    return allowed if unbiased is None else unbiased
