"""The most likely shares of a mixture whose parts are known: what `sld` looks for, in a dozen steps, not thousands.

The likelihood of n posts, sum of w log(q . r), is concave in the shares q, and so is that minus sum q, which has its
top where the shares sum to 1 by itself. Each step solves its quadratic under q >= 0 exactly and goes as far as the
likelihood rises; many problems (replicates of a bootstrap) go side by side. Letters of shapes: c problems, n posts, k
classes.

Source: Kim, Carbonetto, Stephens and Anitescu (2020), *A Fast Algorithm for Maximum Likelihood Estimation of Mixture
Proportions Using Sequential Quadratic Programming*.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

__all__ = ["Odds", "most_likely"]

Floats = npt.NDArray[np.float64]
_MOST_STEPS = 500
_MOST_HALVINGS = 40


@dataclass(frozen=True, eq=False)
class Odds:
    """How likely each of n posts is under each of k classes, in c problems.

    `r` (c, n, k), or (1, n, k) where all problems share it, are likelihoods up to a factor of each post; `pairs` are
    the products r r' of each post.
    """

    r: Floats
    pairs: Floats

    @classmethod
    def of(cls, f: Floats, prior: Floats, front: tuple[int, ...]) -> Odds:
        """From posteriors (..., n, k) and priors (..., k), of as many problems as `front` has places.

        >>> Odds.of(np.array([[0.8, 0.2]]), np.array([0.5, 0.5]), (3,)).r.tolist()
        [[[1.0, 0.25]]]
        """
        r = f / prior[..., None, :]
        # A likelihood may be scaled post by post: 1 is the largest.
        r = r / np.maximum(r.max(axis=-1, keepdims=True), 1e-300)
        shared = r.size == f.shape[-2] * f.shape[-1]
        r = (r if shared else np.broadcast_to(r, (*front, *f.shape[-2:]))).reshape(-1, *f.shape[-2:])
        return cls(r, (r[..., :, None] * r[..., None, :]).reshape(*r.shape[:-1], -1))

    def at(self, rows: npt.NDArray[np.int64]) -> Odds:
        """Those of some problems, in their order."""
        return self if len(self.r) in (1, len(rows)) else Odds(self.r[rows], self.pairs[rows])

    def mixed(self, q: Floats) -> Floats:
        """q . r of every post, (c, k) to (c, n)."""
        r = self.r
        made = q @ r[0].T if len(r) == 1 else np.matmul(r, q[..., None])[..., 0]
        return np.asarray(np.maximum(made, 1e-300), dtype=np.float64)

    def gain(self, w: Floats, q: Floats) -> tuple[Floats, Floats]:
        """Gradient (c, k) of sum w log(q . r), and minus its Hessian (c, k, k)."""
        mixed, k = self.mixed(q), q.shape[-1]
        u = w / mixed
        if len(self.r) == 1:
            return u @ self.r[0], ((u / mixed) @ self.pairs[0]).reshape(-1, k, k)
        sums = np.matmul((u / mixed)[:, None, :], self.pairs)
        return np.matmul(u[:, None, :], self.r)[:, 0], sums.reshape(-1, k, k)


def most_likely(odds: Odds, w: Floats, start: Floats, tol: float) -> Floats:
    """The shares (c, k) with the greatest sum of w log(q . r).

    `w` (c, n) sum to 1 in each problem, `start` (c, k) are shares above 0.
    Reached when no plain step, q times the gradient, moves a share by more than `tol`, and no gradient exceeds 1 by
    more than 100 `tol`: the likelihood then lies at most that far below its top. NaN where it is not reached in 500
    steps, or where weights are no numbers.

    >>> odds = Odds.of(np.array([[0.8, 0.2], [0.3, 0.7]]), np.array([0.5, 0.5]), ())
    >>> most_likely(odds, np.array([[0.5, 0.5]]), np.array([[0.5, 0.5]]), 1e-12).round(6).tolist()
    [[0.708333, 0.291667]]
    """
    q, made = start.copy(), np.full_like(start, np.nan)
    rest = np.flatnonzero(np.isfinite(w).all(axis=-1))
    for _ in range(_MOST_STEPS):
        if not len(rest):
            break
        part, now = odds.at(rest), q[rest]
        gain, hessian = part.gain(w[rest], now)
        done = (np.abs(now * (gain - 1.0)).max(axis=-1) <= tol) & (gain.max(axis=-1) <= 1.0 + 100.0 * tol)
        made[rest[done]] = now[done]
        q[rest] = _step(part, w[rest], now, gain, hessian)
        rest = rest[~done]
    return made


def _step(odds: Odds, w: Floats, q: Floats, gain: Floats, hessian: Floats) -> Floats:
    """Towards the top of the quadratic that fits the likelihood at q, as far as the likelihood rises."""
    ridge = 1e-13 * np.trace(hessian, axis1=-2, axis2=-1)[..., None, None] * np.eye(q.shape[-1])
    best = _above_zero(hessian + ridge, gain - 1.0, q)
    made, rest, start = q * gain, np.arange(len(q)), (w * np.log(odds.mixed(q))).sum(axis=-1)
    for halving in range(_MOST_HALVINGS):
        trial = q[rest] + 0.5**halving * (best[rest] - q[rest])
        total = trial.sum(axis=-1, keepdims=True)
        trial = np.where(total > 0, trial / np.where(total > 0, total, 1.0), q[rest])
        climbed = (w[rest] * np.log(odds.at(rest).mixed(trial))).sum(axis=-1)
        # Near the top both are equal to rounding.
        good = (climbed >= start[rest] - 1e-14) & (total[..., 0] > 0)
        made[rest[good]] = trial[good]
        rest = rest[~good]
        if not len(rest):
            break
    return made


def _above_zero(matrix: Floats, pull: Floats, q: Floats) -> Floats:
    """The x (c, k) at or above 0 with the least d' matrix d / 2 - pull . d, d = x - q: the best of the faces."""
    k = pull.shape[-1]
    made = q + np.linalg.solve(matrix, pull[..., None])[..., 0]
    rows = np.flatnonzero((made < 0.0).any(axis=-1))
    m, g, at = matrix[rows], pull[rows], q[rows]
    best = np.zeros_like(at)
    least = 0.5 * np.einsum("ci,cij,cj->c", at, m, at) + (g * at).sum(axis=-1)
    for size in range(1, k if len(rows) else 0):
        for support in combinations(range(k), size):
            on = np.isin(np.arange(k), support)
            held = np.where(on, 0.0, -at)
            rest = g - np.einsum("cij,cj->ci", m, held)
            move = held.copy()
            move[:, on] = np.linalg.solve(m[:, on][:, :, on], rest[:, on, None])[..., 0]
            value = 0.5 * np.einsum("ci,cij,cj->c", move, m, move) - (g * move).sum(axis=-1)
            x = np.where(on, at + move, 0.0)
            better = (x >= 0).all(axis=-1) & (value < least)
            best[better], least[better] = x[better], value[better]
    made[rows] = best
    return made
