"""Which posts teach a classifier most: those it doubts, those near the rare pole, those unlike the ones picked so far.

Source: Lewis and Gale (1994), *A Sequential Algorithm for Training Text Classifiers* (least confidence); Arthur and
Vassilvitskii (2007), *k-means++: The Advantages of Careful Seeding*.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, issparse

from discourse.errors import SchemaError
from discourse.sampling.allocation import Floats, Whole
from discourse.sampling.drawing import Keys, keyed

__all__ = ["Candidates", "choose", "unit_rows"]

_POLE = 10  # posts most surely of the rare pole that stand for it when no examples are given


@dataclass(frozen=True)
class Candidates:
    """What is known of n posts, in the order of post_id: `keys` (n,) break ties.

    `chances` (n, k) are predicted probabilities, `rare` (n,) that of the rare pole, `rows` (n, d) features of length
    1 or 0 (each None when not known); `known` (n,) marks posts of the rare pole that are coded already.
    """

    keys: Keys
    chances: Floats | None = None
    rare: Floats | None = None
    rows: Any = None
    known: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def criteria(self) -> tuple[str, ...]:
        """The criteria that can be applied, in the order in which they choose."""
        near = self.rare is not None or (self.rows is not None and bool(self.known.any()))
        given = {"uncertainty": self.chances is not None, "rare": near, "diversity": self.rows is not None}
        return tuple(name for name, there in given.items() if there)


def choose(candidates: Candidates, n: int, *, seed: int) -> dict[str, Whole]:
    """The places of `n` posts by the criterion that chose each; the criteria share `n` evenly.

    uncertainty: the greatest 1 - max p. rare: the highest cosine to any post of the rare pole; these are the known
    ones, else the ten that are predicted most surely; without features, the highest predicted probability.
    diversity: k-means++ steps, each post with a chance in proportion to its squared distance from the nearest post
    picked so far. Known posts are never chosen.

    >>> doubts = Candidates(np.arange(3, dtype=np.uint64), np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]))
    >>> choose(doubts, 1, seed=7)["uncertainty"].tolist()
    [1]
    """
    free = ~candidates.known if len(candidates.known) else np.ones(len(candidates.keys), dtype=bool)
    criteria = candidates.criteria()
    picked: dict[str, Whole] = {}
    for at, criterion in enumerate(criteria):
        count = n // len(criteria) + (at < n % len(criteria))
        if criterion == "diversity":
            before = np.concatenate([np.zeros(0, dtype=np.int64), *picked.values()])
            chosen = _spread_out(candidates, free, before, count, seed)
        else:
            worth = _doubt(candidates.chances) if criterion == "uncertainty" else _closeness(candidates)
            chosen = _highest(worth, candidates.keys, free, count)
        free = free.copy()
        free[chosen] = False
        picked[criterion] = chosen
    return picked


def unit_rows(features: Any, n: int) -> Any:
    """Feature rows (n, d), dense or sparse, brought to length 1; rows of zeros stay. Raises `SchemaError` for others.

    >>> unit_rows(np.array([[3.0, 0.0], [0.0, 0.0]]), 2).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    rows: Any = csr_array(features, dtype=np.float64) if issparse(features) else np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[0] != n:
        raise SchemaError(f"features have the shape {rows.shape}; they need one row for each of the {n} posts given")
    values = rows.data if issparse(rows) else rows
    if not np.isfinite(values).all():
        raise SchemaError("features hold values that are no numbers; fill them before a sample is drawn")
    length = np.sqrt((rows * rows).sum(axis=1))
    scale = np.divide(1.0, length, out=np.zeros(n), where=length > 0)
    return csr_array(rows.multiply(scale[:, None])) if issparse(rows) else rows * scale[:, None]


def _doubt(chances: Any) -> Floats:
    both = np.hstack([chances, 1.0 - chances]) if chances.shape[1] == 1 else chances
    made: Floats = 1.0 - both.max(axis=1)
    return made


def _closeness(candidates: Candidates) -> Floats:
    rows, rare = candidates.rows, candidates.rare
    if rows is None and rare is not None:
        return rare
    if candidates.known.any() or rare is None:
        pole = np.flatnonzero(candidates.known)
    else:
        pole = _highest(rare, candidates.keys, np.ones(len(rare), dtype=bool), _POLE)
    closest = np.full(rows.shape[0], -np.inf)
    for place in pole:
        closest = np.maximum(closest, _cosines(rows, int(place)))
    return closest


def _highest(worth: Floats, keys: Keys, free: npt.NDArray[np.bool_], n: int) -> Whole:
    order = np.lexsort((keys, -worth))
    return np.sort(order[free[order]][:n]).astype(np.int64)


def _spread_out(candidates: Candidates, free: npt.NDArray[np.bool_], before: Whole, n: int, seed: int) -> Whole:
    """`n` more places by k-means++ steps; where nothing is at a distance any more, the smallest keys."""
    rows = candidates.rows
    is_row = np.asarray((rows * rows).sum(axis=1)) > 0
    nearest = np.where(is_row, 2.0, 0.0)
    for place in before:
        nearest = np.minimum(nearest, 2.0 - 2.0 * _cosines(rows, int(place)))
    steps = keyed((str(step) for step in range(n)), seed, "spread") / 2.0**64
    open_, chosen = free.copy(), []
    for step in steps:
        ends = np.cumsum(np.where(open_ & (nearest > 1e-9), nearest, 0.0))
        if ends[-1] > 0:
            place = int(np.searchsorted(ends, step * ends[-1], side="right"))
            nearest = np.minimum(nearest, 2.0 - 2.0 * _cosines(rows, place))
        else:
            place = int(_highest(np.zeros(len(open_)), candidates.keys, open_, 1)[0])
        open_[place] = False
        chosen.append(place)
    return np.sort(np.array(chosen, dtype=np.int64))


def _cosines(rows: Any, place: int) -> Floats:
    one = rows[[place]].toarray()[0] if issparse(rows) else rows[place]
    made: Floats = np.asarray(rows @ one)
    return made
