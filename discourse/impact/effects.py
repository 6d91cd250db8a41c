"""What a model of a series found: coefficients with intervals, single effects, joint tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import stats

from discourse.errors import UsageError

__all__ = ["Effect", "Fit", "JointTest", "benjamini_hochberg", "holm", "single"]

Floats = npt.NDArray[np.float64]
_MOST_DF = 200.0


@dataclass(frozen=True)
class Effect:
    """One effect: estimate, standard error, degrees of freedom, t, two-sided p, interval.

    `se` is that of the model; t, p and the interval also hold what the estimation of its variances adds (see
    `Fit.full_cov`), so t may be a little smaller than estimate / se.

    >>> Effect("level", 0.5, 0.2, 30.0, 2.5, 0.0181, 0.09154, 0.90846)
    level 0.500 [0.092, 0.908], p = 0.018
    """

    name: str
    estimate: float
    se: float
    df: float
    t: float
    p: float
    low: float
    high: float

    def __repr__(self) -> str:
        p = f"p = {self.p:.3f}" if self.p >= 0.001 else "p < 0.001"
        return f"{self.name} {self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}], {p}"

    @property
    def interval(self) -> tuple[float, float]:
        """The interval as a pair."""
        return self.low, self.high


@dataclass(frozen=True)
class JointTest:
    """An F test that several contrasts are 0 together: F, its two degrees of freedom, p.

    >>> JointTest(1.0, 3.0, 60.0, 0.399)
    F(3, 60.0) = 1.00, p = 0.399
    """

    f: float
    df1: float
    df2: float
    p: float

    def __repr__(self) -> str:
        return f"F({self.df1:g}, {self.df2:.1f}) = {self.f:.2f}, p = {self.p:.3f}"


@dataclass(frozen=True, eq=False)
class Fit:
    """A model of a series: p coefficients and what is known about them.

    `cov` (p, p) is the covariance of the model, `se` its roots; `full_cov` adds what the estimation of the variances
    adds, and t, p and intervals rest on it. `df` (p,) are degrees of freedom (infinite for a normal reference),
    `sigma2` and `phi` variance and correlation of the latent process, `dispersion` the quasi-binomial dispersion or the
    beta-binomial correlation rho, `criterion` what was minimised or the log-likelihood; NaN where a model has none.
    `n_days` are the days with posts, `empty_days` those without, between the first and the last.
    """

    model: str
    names: tuple[str, ...]
    beta: Floats
    cov: Floats
    full_cov: Floats
    df: Floats
    link: str = "logit"
    sigma2: float = float("nan")
    phi: float = float("nan")
    dispersion: float = float("nan")
    criterion: float = float("nan")
    n_days: int = 0
    empty_days: int = 0
    iterations: int = 0
    level: float = 0.95
    flags: tuple[str, ...] = ()
    cov_slopes: Floats | None = field(default=None, repr=False)
    theta_cov: Floats | None = field(default=None, repr=False)

    @property
    def se(self) -> Floats:
        """Standard errors of the model (p,)."""
        made: Floats = np.sqrt(np.diagonal(self.cov))
        return made

    @property
    def t(self) -> Floats:
        """beta over its full standard error (p,)."""
        made: Floats = self.beta / np.sqrt(np.diagonal(self.full_cov))
        return made

    @property
    def p(self) -> Floats:
        """Two-sided p values (p,)."""
        return np.asarray(2.0 * stats.t.sf(np.abs(self.t), self.df), dtype=np.float64)

    @property
    def interval(self) -> tuple[Floats, Floats]:
        """Lower and upper bounds (p,)."""
        reach = stats.t.ppf(0.5 + self.level / 2.0, self.df) * np.sqrt(np.diagonal(self.full_cov))
        return self.beta - reach, self.beta + reach

    def effect(self, name: str) -> Effect:
        """The effect of one column of the design. Raises `UsageError` for a name that is none."""
        if name not in self.names:
            raise UsageError(f"the model has no column {name!r}; it has {', '.join(self.names)}")
        return self.contrast(np.eye(len(self.names))[self.names.index(name)], name)

    def contrast(self, weights: npt.ArrayLike, name: str = "contrast") -> Effect:
        """The effect sum_j weights_j beta_j."""
        c = np.asarray(weights, dtype=np.float64)
        variance, full = float(c @ self.cov @ c), float(c @ self.full_cov @ c)
        return single(name, float(c @ self.beta), (variance, full), self._df(c, variance), self.level)

    def joint(self, contrasts: npt.ArrayLike) -> JointTest:
        """The test that all rows of `contrasts` (q, p) give 0; denominator by Fai and Cornelius (1996)."""
        rows = np.atleast_2d(np.asarray(contrasts, dtype=np.float64))
        size, axes = np.linalg.eigh(rows @ self.cov @ rows.T)
        apart = axes.T @ rows
        q = len(rows)
        values = rows @ self.beta
        f = float(values @ np.linalg.solve(rows @ self.full_cov @ rows.T, values)) / q
        dfs = np.array([self._df(one, float(variance)) for one, variance in zip(apart, size, strict=True)])
        df2 = float(dfs[0])
        if q > 1 and self.cov_slopes is not None:
            mean = float((dfs / (dfs - 2.0)).sum())
            df2 = min(2.0 * mean / (mean - q), _MOST_DF) if mean > q else _MOST_DF
        p = float(stats.f.sf(f, q, df2)) if np.isfinite(df2) else float(stats.chi2.sf(f * q, q))
        return JointTest(f, float(q), df2, p)

    def _df(self, c: Floats, variance: float) -> float:
        """Satterthwaite's degrees of freedom of a contrast, from 4 to 200; without a latent process those of beta."""
        if self.cov_slopes is None or self.theta_cov is None:
            return float(self.df[0])
        slope = np.einsum("i,kij,j->k", c, self.cov_slopes, c)
        return float(np.clip(2.0 * variance**2 / max(float(slope @ self.theta_cov @ slope), 1e-300), 4.0, _MOST_DF))


def single(name: str, estimate: float, variances: tuple[float, float], df: float, level: float) -> Effect:
    """An effect from its estimate, its two variances (of the model, and full) and its degrees of freedom."""
    se, full = np.sqrt(np.maximum(variances, 0.0))
    t = estimate / full if full > 0 else float("nan")
    reach = float(stats.t.ppf(0.5 + level / 2.0, df)) * full
    return Effect(name, estimate, float(se), df, float(t), float(2.0 * stats.t.sf(abs(t), df)),
                  float(estimate - reach), float(estimate + reach))  # fmt: skip


def holm(p: npt.ArrayLike) -> Floats:
    """Holm's adjusted p values (m,): the chance of even one false finding stays under the level.

    >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    given, order, known = _sorted(p)
    m = len(order)
    stepped = np.maximum.accumulate(given[order] * (m - np.arange(m)))
    return _back(given, order, known, np.minimum(stepped, 1.0))


def benjamini_hochberg(p: npt.ArrayLike) -> Floats:
    """Benjamini and Hochberg's adjusted p values (m,): the share of false findings stays under the level.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.04, 0.04]
    """
    given, order, known = _sorted(p)
    m = len(order)
    stepped = np.minimum.accumulate((given[order] * m / (np.arange(m) + 1.0))[::-1])[::-1]
    return _back(given, order, known, np.minimum(stepped, 1.0))


def _sorted(p: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """p values, the order of those that are numbers, and which they are."""
    given = np.asarray(p, dtype=np.float64)
    known = np.isfinite(given)
    if (given[known] < 0.0).any() or (given[known] > 1.0).any():
        raise UsageError("p values must lie between 0 and 1")
    where = np.flatnonzero(known)
    return given, where[np.argsort(given[where], kind="stable")], known


def _back(given: Floats, order: npt.NDArray[np.intp], known: npt.NDArray[np.bool_], stepped: Floats) -> Floats:
    made = np.full(given.shape, np.nan)
    made[order] = stepped
    made[~known] = np.nan
    return made
