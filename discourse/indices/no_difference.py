"""Tests of "the two sides do not differ", which the interval of a distance cannot answer.

A distance is above 0 for two samples of one distribution, and no resample of them reaches 0. The Wald test asks the
shares instead, with their covariance over author replicates; the permutation test deals the authors to the sides anew.
Both take the author as the unit. Letters of shapes: k shares, a authors, b replicates.

Source: Hotelling (1931), *The generalization of Student's ratio*; Phipson and Smyth (2010), *Permutation p-values
should never be zero*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from discourse.errors import UsageError
from discourse.indices.between import (
    cramer_squared,
    energy_distance,
    jsd,
    net_tone_gap,
    total_variation,
    wasserstein1,
)
from discourse.indices.line import on_line
from discourse.schema import one_of

__all__ = ["STATISTICS", "NoDifference", "permutation_test", "replicate_covariance", "wald_of_replicates", "wald_test"]

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats, Floats], Floats]

_RANK = 1e-10  # an eigenvalue below this part of the largest is a direction in which nothing varies
_AT_ONCE = 20_000_000
_TIE = 1e-12

STATISTICS: dict[str, Statistic] = {
    "cramer-squared": cramer_squared,
    "energy": energy_distance,
    "wasserstein": wasserstein1,
    "total-variation": total_variation,
    "jsd": lambda p, q: jsd(p, q, bias=None),
    "net-tone-gap": lambda p, q: np.abs(net_tone_gap(p, q)),
}


@dataclass(frozen=True)
class NoDifference:
    """The answer of a test that two sides do not differ: its statistic, its p-value and what it was held against.

    `held_against` says the law, like "F(2, 28)", or the number of permutations.

    >>> NoDifference("permutation", 0.2, 0.5, "999 permutations").p
    0.5
    """

    test: str
    statistic: float
    p: float
    held_against: str


def wald_test(
    p: npt.ArrayLike,
    q: npt.ArrayLike,
    cov_p: npt.ArrayLike,
    cov_q: npt.ArrayLike,
    *,
    n_eff: float | None = None,
    replicates: int | None = None,
) -> NoDifference:
    """Wald test that shares p and q (k,) are equal, given their covariances (k, k); the sides are independent.

    The statistic d' C^- d, d = p - q, C = cov_p + cov_q, has as many degrees of freedom as directions in which C
    varies, at most k - 1. It is held against chi squared, or, when `n_eff` or `replicates` is given, against
    Hotelling's law with min(n_eff, replicates) - 1 degrees of freedom: a covariance that rests on few authors or few
    replicates is itself uncertain. `n_eff` is the effective number of authors of the smaller side. A difference in a
    direction that does not vary at all gives p = 0; no variation and no difference gives NaN.

    With heavy-tailed authors a nominal 0.05 rejects 0.04 to 0.06 with author weights, and with post weights, where
    n_eff is small, 0.01 to 0.07; without `n_eff` up to 0.20 (`benchmarks/no_difference.py`).

    >>> made = wald_test([0.3, 0.5, 0.2], [0.2, 0.4, 0.4], np.eye(3) / 100, np.eye(3) / 100)
    >>> round(made.statistic, 6), made.held_against
    (3.0, 'chi squared(3)')
    >>> round(made.p, 4)
    0.3916
    """
    one, two = (np.asarray(x, dtype=np.float64) for x in (p, q))
    spread = np.asarray(cov_p, dtype=np.float64) + np.asarray(cov_q, dtype=np.float64)
    k = one.shape[-1] if one.ndim else 0
    if one.shape != (k,) or two.shape != (k,) or spread.shape != (k, k):
        raise UsageError(
            f"shares have shapes {one.shape} and {two.shape} and their covariance {spread.shape}; "
            "give (k,), (k,) and (k, k), one window at a time"
        )
    given = [x for x in (n_eff, replicates) if x is not None]
    return _wald(one - two, spread, min(given) - 1.0 if given else None)


def wald_of_replicates(first: npt.ArrayLike, second: npt.ArrayLike, *, n_eff: float | None = None) -> NoDifference:
    """`wald_test` of shares with their bootstrap replicates (1 + b, k), the estimate in row 0.

    The covariance is that of the replicates of the difference, so that whatever the two sides share stays in. Rows
    with NaN are left out; fewer than three whole replicates give NaN.

    >>> rng = np.random.default_rng(1)
    >>> first, second = rng.dirichlet([30, 50, 20], 401), rng.dirichlet([20, 35, 45], 401)
    >>> wald_of_replicates(first, second, n_eff=100).p < 0.05
    True
    """
    gap = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    if gap.ndim != 2:
        raise UsageError(f"replicates have shape {gap.shape}; give (1 + b, k), one window at a time")
    whole = int(np.isfinite(gap[1:]).all(axis=-1).sum())
    if whole < 3 or not np.isfinite(gap[0]).all():
        return NoDifference("wald", float("nan"), float("nan"), f"{whole} replicates")
    df = min(whole, np.inf if n_eff is None else n_eff) - 1.0
    return _wald(gap[0], replicate_covariance(gap[1:]), df)


def permutation_test(
    values: npt.ArrayLike,
    sides: npt.ArrayLike,
    statistic: str | Statistic = "cramer-squared",
    *,
    seed: int,
    permutations: int = 999,
    weight: str = "author",
) -> NoDifference:
    """Exact test that authors of both sides are drawn from one population: p = (1 + #{null >= observed}) / (1 + m).

    `values` (a, k) are each author's counts or shares at three positions or of four frames, `sides` (a,) one of two
    labels each. A side's shares are the mean of its authors' (`weight="author"`) or of their posts (`"post"`, counts).
    `statistic` names a distance of `STATISTICS` or takes two arrays of shares (m, 3) to m numbers, large when the sides
    differ. Authors are dealt to the sides anew `permutations` times; the order of rows does not matter.

    >>> nationalist, neither = [0, 0, 1], [0, 1, 0]
    >>> values = [nationalist] * 20 + [neither] * 20
    >>> permutation_test(values, ["a"] * 20 + ["b"] * 20, seed=1).p
    0.001
    >>> permutation_test(values, ["a", "b"] * 20, seed=1).p
    1.0
    """
    one_of(weight, ("author", "post"), "weight")
    if permutations < 1:
        raise UsageError(f"permutations is {permutations}; give 99 or more")
    of = STATISTICS[one_of(statistic, STATISTICS, "statistic")] if isinstance(statistic, str) else statistic
    at = on_line(values)
    names, side = np.unique(np.asarray(sides), return_inverse=True)
    if len(names) != 2 or at.shape != (len(side), 3):
        raise UsageError(
            f"values have shape {at.shape} and there are {len(side)} authors on {len(names)} sides; "
            "give one row an author and two sides"
        )
    total = at.sum(axis=-1)
    if not (total > 0).all():
        raise UsageError(f"{int((~(total > 0)).sum())} of {len(at)} authors have no posts; leave them out")
    at = at if weight == "post" else at / total[:, None]
    order = np.lexsort((side, *at.T))
    at, is_first = at[order], (side == 0)[order]
    rng = np.random.default_rng(seed)
    observed = float(_of_labels(is_first[None], at, of)[0])
    step = max(1, _AT_ONCE // len(at))
    reached = 0
    for start in range(0, permutations, step):
        labels = rng.permuted(np.tile(is_first, (min(step, permutations - start), 1)), axis=1)
        reached += int((_of_labels(labels, at, of) >= observed - _TIE).sum())
    return NoDifference("permutation", observed, (1 + reached) / (1 + permutations), f"{permutations} permutations")


def replicate_covariance(replicates: Floats) -> Floats:
    """Covariance (..., k, k) over replicates (..., b, k), divisor n - 1; replicates with NaN are left out.

    Fewer than two whole replicates give NaN.

    >>> replicate_covariance(np.array([[0.0, 1.0], [2.0, 3.0], [np.nan, 0.0]])).tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """
    whole = np.isfinite(replicates).all(axis=-1, keepdims=True)
    n = whole.sum(axis=-2).astype(np.float64)
    mean = np.where(whole, replicates, 0.0).sum(axis=-2) / np.maximum(n, 1.0)
    centred = np.where(whole, replicates - mean[..., None, :], 0.0)
    total = np.einsum("...bi,...bj->...ij", centred, centred)
    made: Floats = np.where(n[..., None] >= 2, total / np.maximum(n - 1.0, 1.0)[..., None], np.nan)
    return made


def _wald(gap: Floats, spread: Floats, df: float | None) -> NoDifference:
    if not (np.isfinite(gap).all() and np.isfinite(spread).all()):
        return NoDifference("wald", float("nan"), float("nan"), "nothing")
    size, axes = np.linalg.eigh(spread)
    varies = size > _RANK * max(float(size[-1]), 0.0)
    varies &= size > 0
    r = int(varies.sum())
    still = float(np.abs(axes[:, ~varies].T @ gap).max(initial=0.0))
    if r == 0 or still > 1e-9:
        differs = still > 1e-9
        return NoDifference("wald", np.inf if differs else float("nan"), 0.0 if differs else float("nan"), "nothing")
    statistic = float((np.square(axes[:, varies].T @ gap) / size[varies]).sum())
    if df is None:
        return NoDifference("wald", statistic, float(stats.chi2.sf(statistic, r)), f"chi squared({r})")
    below = df - r + 1.0
    p = float(stats.f.sf(statistic * below / (df * r), r, below)) if below > 0 else float("nan")
    return NoDifference("wald", statistic, p, f"F({r}, {below:.4g})")


def _of_labels(labels: npt.NDArray[np.bool_], at: Floats, of: Statistic) -> Floats:
    """The statistic of each row of labels (m, a)."""
    first = labels.astype(np.float64) @ at
    second = at.sum(axis=0) - first
    return of(first / first.sum(axis=-1, keepdims=True), second / second.sum(axis=-1, keepdims=True))
