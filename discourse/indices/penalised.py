"""Language partisanship by a penalised model: the other estimator, for when covariates must be held constant.

Word j of author i is Poisson with mean m_i exp(alpha_j + x_i gamma_j + phi_j r_i), r_i = 1 on the second side, m_i the
author's words, which makes each word a model of its own. The estimate minimises

    sum_i [m_ij - c_ij log m_ij] + psi (|alpha_j| + |gamma_j|_1) + lambda_j |phi_j|,    m_ij the mean,

with psi = 1e-5 to keep empty cells finite, and lambda_j by BIC along a path. Without covariates the path has a closed
form, and BIC comes down to asking of each word whether its two rates differ by more than chance: what passes is hardly
shrunk, what does not is 0. Words are counted as independent, so with authors who repeat themselves too many pass; the
leave-out estimator does not make that assumption and is the default of this package.

Source: Gentzkow, Shapiro and Taddy (2019), *Measuring Group Differences in High-Dimensional Choices*, Econometrica 87;
Taddy (2015), *Distributed Multinomial Regression*, Annals of Applied Statistics 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from discourse.errors import UsageError
from discourse.indices.partisanship import Use, author_counts

__all__ = ["Penalised", "penalised_partisanship"]

PSI = 1e-5
_PATH = np.geomspace(1.0, 1e-3, 50)
_CELLS = 500
_ROUNDS = 200
_STEP = 1.0  # no gamma moves further in one Newton step
_STILL = 1e-8

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Penalised:
    """A fitted model: the partisanship, and for each token (j,) its log ratio of rates and chosen penalty.

    `phi` is log rate of the second side minus that of the first, 0 for tokens that tell nothing; NaN for tokens that
    fewer than two authors used. `selected` counts the tokens with a phi.
    """

    value: float
    phi: Floats
    penalty: Floats
    selected: int


@dataclass(frozen=True, eq=False)
class _Cells:
    """Authors pooled by covariates and side, which is all the likelihood knows of them."""

    counts: Floats  # (j, c) uses of each token
    words: Floats  # (c,) words in all
    x: Floats  # (c, p) covariates
    second: Bools  # (c,)
    authors: Floats  # (c,)


def penalised_partisanship(
    counts: Any, group: npt.ArrayLike, author: npt.ArrayLike | None = None, *, covariates: npt.ArrayLike | None = None
) -> Penalised:
    """Penalised partisanship of counts (rows x tokens); `group` and `author` as in `leave_out_partisanship`.

    `covariates` (rows, p) must be constant within an author and take at most 500 distinct rows: categories or binned
    numbers. The value is the mean over authors of the partisanship at their covariates.

    Raises `UsageError` for covariates of another shape, that change within an author, or with too many values.

    >>> one, two = [[30, 10, 20]] * 4, [[10, 30, 20]] * 4
    >>> made = penalised_partisanship([*one, *two], ["a"] * 4 + ["b"] * 4)
    >>> round(made.value, 3), made.phi.round(2).tolist()
    (0.583, [-1.1, 1.1, 0.0])
    """
    matrix, is_first = author_counts(counts, group, author)
    use = Use.of(matrix)
    sides = is_first[use.authors]
    if min(sides.sum(), (~sides).sum()) < 1:
        raise UsageError("one side has no author with a token that another author uses; give more text")
    x = _of_authors(covariates, author, len(np.asarray(group)))[use.authors]
    seen, kept = np.unique(use.token), np.full(use.tokens, -1)
    kept[seen] = np.arange(len(seen))
    cells = _pooled(use, kept, sides, x)
    phi, penalty, eta = _fit(cells)
    value = _partisanship(eta, phi, cells)
    all_phi, all_penalty = np.full(use.tokens, np.nan), np.full(use.tokens, np.nan)
    all_phi[seen], all_penalty[seen] = phi, penalty
    return Penalised(value, all_phi, all_penalty, int((phi != 0).sum()))


def _of_authors(covariates: npt.ArrayLike | None, author: npt.ArrayLike | None, rows: int) -> Floats:
    """Covariates of authors (a, p) in sorted order, from those of rows."""
    who = np.arange(rows) if author is None else np.unique(np.asarray(author), return_inverse=True)[1]
    if covariates is None:
        return np.zeros((int(who.max()) + 1, 0))
    given = np.asarray(covariates, dtype=np.float64)
    if given.ndim != 2 or len(given) != rows or not np.isfinite(given).all():
        raise UsageError(f"covariates have shape {given.shape}; give {rows} rows of finite numbers")
    first = np.unique(who, return_index=True)[1]
    if (given != given[first][who]).any():
        raise UsageError("covariates change within an author; give every author one row of values")
    return given[first]


def _pooled(use: Use, kept: npt.NDArray[np.int64], is_first: Bools, x: Floats) -> _Cells:
    rows = np.column_stack([x, ~is_first])
    kinds, cell = np.unique(rows, axis=0, return_inverse=True)
    if len(kinds) > _CELLS:
        raise UsageError(f"the covariates take {len(kinds)} values on the two sides; bin them to {_CELLS} at most")
    shape = (int(kept.max()) + 1, len(kinds))
    counts = sparse.csr_array((use.count, (kept[use.token], cell.ravel()[use.author])), shape=shape).toarray()
    words = np.bincount(cell.ravel(), weights=use.total, minlength=len(kinds)).astype(np.float64)
    authors = np.bincount(cell.ravel(), minlength=len(kinds)).astype(np.float64)
    return _Cells(counts, words, kinds[:, :-1], kinds[:, -1] > 0, authors)


def _fit(cells: _Cells) -> tuple[Floats, Floats, Floats]:
    """Phi (j,), penalty (j,) and log rates (j, c) of the penalties that BIC chooses."""
    none = np.full(len(cells.counts), np.inf)
    gamma = np.zeros((len(cells.counts), cells.x.shape[1]))
    phi, eta, gamma = _minimised(cells, none, gamma)
    pull = np.exp(eta[:, cells.second]) @ cells.words[cells.second] - cells.counts[:, cells.second].sum(axis=1)
    best = (2.0 * _loss(cells, eta), phi, np.zeros_like(none), eta)
    for share in _PATH[1:]:
        penalty = np.abs(pull) * share
        phi, eta, gamma = _minimised(cells, penalty, gamma)
        score = 2.0 * _loss(cells, eta) + (phi != 0) * np.log(cells.authors.sum())
        better = score < best[0] - 1e-12
        best = (
            np.where(better, score, best[0]),
            np.where(better, phi, best[1]),
            np.where(better, penalty, best[2]),
            np.where(better[:, None], eta, best[3]),
        )
    chosen = np.where(best[1] != 0, best[2], np.abs(pull))
    return best[1], chosen, best[3]


def _minimised(cells: _Cells, penalty: Floats, gamma: Floats) -> tuple[Floats, Floats, Floats]:
    """Phi, log rates and gamma that minimise the penalised loss, starting from a gamma."""
    gamma = gamma.copy()
    alpha, phi = _intercepts(cells, penalty, gamma)
    for _ in range(_ROUNDS if gamma.shape[1] else 0):
        before = gamma.copy()
        for p in range(gamma.shape[1]):
            mean = np.exp(_eta(cells, alpha, phi, gamma)) * cells.words
            slope = (mean - cells.counts) @ cells.x[:, p]
            curve = np.maximum(mean @ cells.x[:, p] ** 2, 1e-12)
            moved = gamma[:, p] - slope / curve
            moved = np.sign(moved) * np.maximum(np.abs(moved) - PSI / curve, 0.0)
            gamma[:, p] += np.clip(moved - gamma[:, p], -_STEP, _STEP)
            alpha, phi = _intercepts(cells, penalty, gamma)
        if np.abs(gamma - before).max() < _STILL:
            break
    return phi, _eta(cells, alpha, phi, gamma), gamma


def _intercepts(cells: _Cells, penalty: Floats, gamma: Floats) -> tuple[Floats, Floats]:
    """Alpha and phi given gamma, in closed form: totals of a side move towards each other by the penalty."""
    scale = np.exp(gamma @ cells.x.T) * cells.words
    base, other = scale[:, ~cells.second].sum(axis=1), scale[:, cells.second].sum(axis=1)
    mine, theirs = cells.counts[:, ~cells.second].sum(axis=1), cells.counts[:, cells.second].sum(axis=1)
    # Log rates are negative, so the penalty on alpha adds psi to the total.
    even = np.log((mine + theirs + PSI) / (base + other))
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.log((theirs - penalty) / other) - np.log((mine + penalty + PSI) / base)
        down = np.log((theirs + penalty) / other) - np.log((mine - penalty + PSI) / base)
        rises, falls = np.nan_to_num(up, nan=-1.0) > 0, np.nan_to_num(down, nan=1.0) < 0
        alpha = np.where(rises, np.log((mine + penalty + PSI) / base), even)
        alpha = np.where(falls, np.log((mine - penalty + PSI) / base), alpha)
    return alpha, np.where(rises, up, np.where(falls, down, 0.0))


def _eta(cells: _Cells, alpha: Floats, phi: Floats, gamma: Floats) -> Floats:
    made: Floats = alpha[:, None] + gamma @ cells.x.T + phi[:, None] * cells.second
    return made


def _loss(cells: _Cells, eta: Floats) -> Floats:
    made: Floats = np.exp(eta) @ cells.words - (cells.counts * eta).sum(axis=1)
    return made


def _partisanship(eta: Floats, phi: Floats, cells: _Cells) -> float:
    """Mean over authors of the partisanship at their covariates, the rates of both sides predicted there."""
    values = []
    for c in range(len(cells.words)):
        first = np.exp(eta[:, c] - phi * cells.second[c])
        second = first * np.exp(phi)
        first, second = first / first.sum(), second / second.sum()
        rho = second / (first + second)
        values.append((first @ (1.0 - rho) + second @ rho) / 2.0)
    return float(np.average(values, weights=cells.authors))
