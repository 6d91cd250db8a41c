"""Shares as points of the simplex: the nearest one, a fixed grid of them, and a histogram of posteriors on that grid.

Letters of shapes: n posts, k classes, g cells of the grid, b replicates. A histogram is additive over partitions, so
that methods which need every posterior (`sld`, `pcc`) can work from sums.

Sources: Duchi, Shalev-Shwartz, Singer and Chandra (2008), *Efficient Projections onto the l1-Ball for Learning in High
Dimensions*, figure 1; nearest grid point: Conway and Sloane (1999), *Sphere Packings, Lattices and Groups*, chapter 20.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError

__all__ = ["simplex_cells", "simplex_histogram", "simplex_points", "simplex_projection"]

Floats = npt.NDArray[np.float64]
_MOST_CELLS = 1_000_000


def simplex_projection(values: npt.ArrayLike) -> Floats:
    """The nearest point of the simplex, (..., k) to (..., k): not below 0, sum 1; exact, NaN where a value is NaN.

    Subtracts one number from all values and cuts at 0; that number follows from the sorted values.

    >>> simplex_projection([0.7, 0.5, -0.2]).round(6).tolist()
    [0.6, 0.4, 0.0]
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise UsageError(f"values have the shape {x.shape}; the last axis must hold one number a class")
    falling = -np.sort(-x, axis=-1)
    excess = (np.cumsum(falling, axis=-1) - 1.0) / np.arange(1, x.shape[-1] + 1)
    kept = np.maximum((falling > excess).sum(axis=-1, keepdims=True), 1)
    return np.where(np.isnan(x).any(axis=-1, keepdims=True), np.nan,
                    np.maximum(x - np.take_along_axis(excess, kept - 1, axis=-1), 0.0))  # fmt: skip


def simplex_points(k: int, steps: int) -> Floats:
    """All points of the simplex with coordinates in whole `steps`-ths, in lexicographic order; shape (g, k).

    g = C(steps + k - 1, k - 1): 231 for 3 classes in steps of 0.05, 1,771 for 4.

    >>> simplex_points(2, 2).tolist()
    [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    """
    return np.array(_compositions(*_checked(k, steps)), dtype=np.float64) / steps


def simplex_cells(posteriors: npt.ArrayLike, steps: int) -> npt.NDArray[np.int64]:
    """The row of `simplex_points` nearest to each posterior, (..., k) to (...); of equals, the first class rounds up.

    >>> simplex_cells([[0.52, 0.48], [0.1, 0.9]], 2).tolist()
    [1, 0]
    """
    f = np.asarray(posteriors, dtype=np.float64)
    k, steps = _checked(f.shape[-1] if f.ndim else 0, steps)
    if not ((f >= 0).all() and np.allclose(f.sum(axis=-1), 1.0, atol=1e-6)):
        raise UsageError("posteriors must not be below 0 and must sum to 1 over the last axis")
    scaled = f * steps
    whole = np.floor(scaled + 1e-9)
    left = (steps - whole.sum(axis=-1, keepdims=True)).astype(np.int64)
    rank = np.argsort(np.argsort(-(scaled - whole), axis=-1, kind="stable"), axis=-1, kind="stable")
    parts = (whole + (rank < left)).astype(np.int64)
    table = np.array([[comb(r + m - 1, m - 1) if m else 0 for m in range(k + 1)] for r in range(steps + 1)])
    cell = np.zeros(parts.shape[:-1], dtype=np.int64)
    rest = np.full(parts.shape[:-1], steps, dtype=np.int64)
    # Points whose next coordinate is smaller come first: a sum of binomials that telescopes.
    for at in range(k - 1):
        cell += table[rest, k - at] - table[rest - parts[..., at], k - at]
        rest -= parts[..., at]
    return cell


def simplex_histogram(
    posteriors: npt.ArrayLike, weights: npt.ArrayLike | None = None, *, steps: int = 20
) -> tuple[Floats, Floats]:
    """Sums of weights and of weighted posteriors in each cell of the grid: shapes (g, ...) and (g, k).

    `posteriors` (n, k); `weights` (n,), or (n, b) with replicates, whose first column then weighs the posteriors. Both
    sums are additive over partitions. posterior sums / weight sums are the mean posteriors of the cells: with these in
    place of the grid's points `sld` and `pcc` lose next to nothing.

    >>> weight, total = simplex_histogram([[0.52, 0.48], [0.44, 0.56]], steps=2)
    >>> weight.tolist(), (total[1] / weight[1]).round(2).tolist()
    ([0.0, 2.0, 0.0], [0.48, 0.52])
    """
    f = np.asarray(posteriors, dtype=np.float64)
    w = np.ones(len(f)) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape[:1] != f.shape[:1]:
        raise UsageError(f"there are {len(f)} posteriors and {len(w)} weights; each posterior needs its own")
    cells = simplex_cells(f, steps)
    g = comb(steps + f.shape[-1] - 1, f.shape[-1] - 1)
    weight, total = np.zeros((g, *w.shape[1:])), np.zeros((g, f.shape[-1]))
    np.add.at(weight, cells, w)
    np.add.at(total, cells, f * w.reshape(len(f), -1)[:, :1])
    return weight, total


@cache
def _compositions(k: int, steps: int) -> tuple[tuple[int, ...], ...]:
    made = []
    for bars in combinations(range(steps + k - 1), k - 1):
        edges = (-1, *bars, steps + k - 1)
        made.append(tuple(edges[i + 1] - edges[i] - 1 for i in range(k)))
    return tuple(made)


def _checked(k: int, steps: int) -> tuple[int, int]:
    if k < 1 or steps < 1 or comb(steps + k - 1, k - 1) > _MOST_CELLS:
        raise UsageError(
            f"a grid of {k} classes in {steps} steps is not possible; take 1 class or more, 1 step or more, "
            f"and at most {_MOST_CELLS:,} cells"
        )
    return k, steps
