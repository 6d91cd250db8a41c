"""Regressions of a series without a latent process: binomial, quasi-binomial, beta-binomial, least squares.

They stand beside the default of `discourse.impact.interrupted` for comparison: all take the days as independent, or
mend that only in long series (HAC). Letters of shapes: T days, p columns.

Sources: McCullagh and Nelder (1989), *Generalized Linear Models*; Firth (1993) for separated data; Newey and West
(1987) for HAC; Crowder (1978) for the beta-binomial.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize
from scipy.special import betaln, digamma, expit, gammaln, xlogy

from discourse.errors import MeaningError, UsageError
from discourse.impact.effects import Fit

__all__ = [
    "beta_binomial",
    "binomial",
    "checked",
    "irls",
    "least_squares",
    "newey_west",
    "pseudo_counts",
    "quasibinomial",
]

Floats = npt.NDArray[np.float64]
_MOST_ETA = 15.0  # a share of 3 in 10 million: nearer to 0 no daily count can tell
_MOST_LOG_S = 12.0


def binomial(
    y: npt.ArrayLike, n: npt.ArrayLike, design: npt.ArrayLike, *, lags: int | None = None, t: Any = None
) -> Fit:
    """Binomial GLM with logit link of y of n posts (T,) on a design (T, p); normal reference.

    Takes every post as independent given its day: rejects far too often when days differ for any other reason. With
    `lags`, standard errors are HAC (see `newey_west`), over the days `t`. Days with n = 0 are left out. Where 0 and 1
    are separated by the design, the estimates are Firth's and the flag `separated` says so.

    >>> fit = binomial([1, 3], [4, 4], [[1.0, 0.0], [1.0, 1.0]])
    >>> fit.beta.round(4).tolist(), fit.se.round(4).tolist()         # log(1/3); log(9); sqrt(4/3), sqrt(8/3)
    ([-1.0986, 2.1972], [1.1547, 1.633])
    """
    y_, n_, x, days = checked(y, n, design, t)
    beta, cov, separated = irls(y_, n_, x)
    if lags is not None:
        cov = _sandwich(cov, np.asarray(x * (y_ - n_ * expit(x @ beta))[:, None], dtype=np.float64), days, lags)
    mu = expit(np.clip(x @ beta, -_MOST_ETA, _MOST_ETA))
    loglik = float((xlogy(y_, mu) + xlogy(n_ - y_, 1.0 - mu) - _log_beta(y_, n_)).sum())
    name = "binomial" if lags is None else "binomial_hac"
    return _fit(name, beta, cov, np.inf, days=len(y_), criterion=loglik, flags=("separated",) * separated)


def quasibinomial(y: npt.ArrayLike, n: npt.ArrayLike, design: npt.ArrayLike) -> Fit:
    """Binomial GLM whose variances are multiplied by the dispersion, Pearson's chi-square over its degrees of freedom.

    The dispersion weighs every day by its n; t reference with T - p degrees of freedom.

    >>> fit = quasibinomial([1, 3, 0, 4], [4, 4, 4, 4], np.ones((4, 1)))
    >>> round(fit.dispersion, 4), round(float(fit.se[0]), 4)       # residuals -1, 1, -2, 2: 10 / 3; x 1 / 4
    (3.3333, 0.9129)
    """
    y_, n_, x, _ = checked(y, n, design)
    if len(y_) <= x.shape[1]:
        raise MeaningError(f"{len(y_)} days with posts leave nothing to judge {x.shape[1]} columns by; use more days")
    beta, cov, separated = irls(y_, n_, x)
    mu = expit(x @ beta)
    df = len(y_) - x.shape[1]
    dispersion = float(((y_ - n_ * mu) ** 2 / (n_ * mu * (1.0 - mu))).sum() / df)
    flags = ("separated",) * separated
    return _fit("quasibinomial", beta, cov * dispersion, df, days=len(y_), dispersion=dispersion, flags=flags)


def beta_binomial(y: npt.ArrayLike, n: npt.ArrayLike, design: npt.ArrayLike) -> Fit:
    """Beta-binomial regression by maximum likelihood: a = mu s, b = (1 - mu) s, rho = 1 / (1 + s).

    Right when days differ independently of each other. `dispersion` is rho; t reference with T - p - 1 degrees of
    freedom. When the days differ less than chance, s runs away: it stops at exp(12), with the flag `no_overdispersion`.

    >>> fit = beta_binomial([0, 4, 0, 4, 2], [4, 4, 4, 4, 4], np.ones((5, 1)))
    >>> abs(round(float(fit.beta[0]), 4)), fit.dispersion > 0.5
    (0.0, True)
    """
    y_, n_, x, _ = checked(y, n, design)
    start, cov, separated = irls(y_, n_, x)
    if separated:
        y_, n_ = pseudo_counts(y_, n_, x, start, cov)
    scale = np.abs(x).max(axis=0)

    def value(at: Floats) -> tuple[float, Floats]:
        mu = expit(np.clip((x / scale) @ at[:-1], -_MOST_ETA, _MOST_ETA))
        s = np.exp(at[-1])
        a, b = mu * s, (1.0 - mu) * s
        loglik = (betaln(y_ + a, n_ - y_ + b) - betaln(a, b) - _log_beta(y_, n_)).sum()
        by_a = digamma(y_ + a) - digamma(a) - digamma(n_ + s) + digamma(s)
        by_b = digamma(n_ - y_ + b) - digamma(b) - digamma(n_ + s) + digamma(s)
        by_eta = (by_a - by_b) * s * mu * (1.0 - mu)
        return -float(loglik), -np.append((x / scale).T @ by_eta, (by_a * a + by_b * b).sum())

    limits = [(None, None)] * x.shape[1] + [(-6.0, _MOST_LOG_S)]
    options = {"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9}
    tries = [
        optimize.minimize(
            value, np.append(start * scale, log_s), jac=True, method="L-BFGS-B", bounds=limits, options=options
        )
        for log_s in (1.0, 4.0)
    ]
    best = min(tries, key=lambda one: float(one.fun)).x
    none = bool(best[-1] > _MOST_LOG_S - 1e-3)
    information = _jacobian(lambda at: value(at)[1], best)
    free = slice(None, -1) if none else slice(None)
    cov = np.linalg.inv(information[free, free])[: len(scale), : len(scale)] / np.outer(scale, scale)
    flags = ("separated",) * separated + ("no_overdispersion",) * none
    return _fit(
        "beta_binomial", best[:-1] / scale, cov, max(len(y_) - x.shape[1] - 1, 1), days=len(y_),
        dispersion=float(1.0 / (1.0 + np.exp(best[-1]))), criterion=-value(best)[0], flags=flags,
    )  # fmt: skip


def least_squares(
    value: npt.ArrayLike, design: npt.ArrayLike, *, weights: npt.ArrayLike | None = None, lags: int | None = None,
    t: Any = None,
) -> Fit:  # fmt: skip
    """Least squares of a share or any value (T,) on a design (T, p), with HAC standard errors when `lags` is given.

    `weights` (T,), say posts a day, make it weighted. Without `lags` the errors are taken as independent and even. t
    reference with T - p degrees of freedom. HAC wants a long series: at 120 days it rejects a true null in 9 to 20 of
    100 cases.

    >>> fit = least_squares([1.0, 2.0, 6.0], np.ones((3, 1)))
    >>> fit.beta.tolist(), fit.se.round(4).tolist()             # residuals -2, -1, 3: sqrt(14 / 2 / 3)
    ([3.0], [1.5275])
    """
    y, x = np.asarray(value, dtype=np.float64), _design(design)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    days = np.arange(len(y)) if t is None else np.asarray(t, dtype=np.int64)
    if not len(y) == len(x) == len(w) == len(days):
        raise UsageError(f"value, design, weights and t have {len(y)}, {len(x)}, {len(w)} and {len(days)} rows")
    if len(y) <= x.shape[1]:
        raise MeaningError(f"{len(y)} days leave nothing to judge {x.shape[1]} columns by; use more days")
    bread = np.asarray(np.linalg.inv(x.T @ (w[:, None] * x)), dtype=np.float64)
    beta = bread @ (x.T @ (w * y))
    rest: Floats = y - x @ beta
    df = len(y) - x.shape[1]
    if lags is None:
        cov = bread * float(w @ rest**2) / df
    else:
        cov = _sandwich(bread, np.asarray(x * (w * rest)[:, None], dtype=np.float64), days, lags)
    return _fit("ols" if lags is None else "ols_hac", beta, cov, df, days=len(y), link="identity")


def newey_west(scores: Floats, t: npt.NDArray[np.int64], lags: int) -> Floats:
    """Long-run covariance (p, p) of scores (T, p) with Bartlett weights 1 - d / (lags + 1) at d days' distance.

    The distance is that of the calendar: a missing day adds nothing, but does not bring its neighbours closer.

    >>> newey_west(np.array([[1.0], [2.0]]), np.array([0, 1]), 1).tolist()      # 1 + 4 + 2 (1/2) 2
    [[7.0]]
    """
    if lags < 0:
        raise UsageError(f"lags is {lags}; it must be 0 or more")
    grid = np.zeros((int(t.max() - t.min()) + 1, scores.shape[1]))
    grid[t - t.min()] = scores
    made = grid.T @ grid
    for lag in range(1, min(lags, len(grid) - 1) + 1):
        across = grid[lag:].T @ grid[:-lag]
        made += (1.0 - lag / (lags + 1.0)) * (across + across.T)
    return made


def irls(y: Floats, n: Floats, design: Floats) -> tuple[Floats, Floats, bool]:
    """Binomial estimates (p,), their covariance (p, p), and whether Firth's penalty was needed.

    Plain maximum likelihood where it is finite. It is not where the design separates days with none from days with all:
    then every day is given h more posts, half of them of the kind, with h its leverage.
    """
    scale = np.abs(design).max(axis=0)
    x = design / scale
    plain = _iterate(y, n, x, firth=False)
    beta, cov = plain if plain is not None else _firth(y, n, x)
    return beta / scale, cov / np.outer(scale, scale), plain is None


def pseudo_counts(y: Floats, n: Floats, x: Floats, beta: Floats, cov: Floats) -> tuple[Floats, Floats]:
    """Counts of days with Firth's posts added: h a day, half of them of the kind, with h the leverage at `beta`.

    >>> one = np.ones((2, 1))
    >>> pseudo_counts(np.zeros(2), np.full(2, 4.0), one, *irls(np.zeros(2), np.full(2, 4.0), one)[:2])
    (array([0.25, 0.25]), array([4.5, 4.5]))
    """
    mu = expit(np.clip(x @ beta, -_MOST_ETA, _MOST_ETA))
    extra: Floats = n * mu * (1.0 - mu) * np.einsum("ti,ij,tj->t", x, cov, x)
    return y + 0.5 * extra, n + extra


def _firth(y: Floats, n: Floats, x: Floats) -> tuple[Floats, Floats]:
    made = _iterate(y, n, x, firth=True)
    if made is None:
        raise MeaningError("the series holds too little to fit the model at all; use fewer columns or more days")
    return made


def _iterate(y: Floats, n: Floats, x: Floats, *, firth: bool) -> tuple[Floats, Floats] | None:
    """Newton's steps to the (penalised) maximum; None when the estimates run away."""
    overall = (y.sum() + 0.5) / (n.sum() + 1.0)
    beta = np.linalg.lstsq(x, np.full(len(y), np.log(overall / (1.0 - overall))), rcond=None)[0]
    for _ in range(200):
        mu = expit(x @ beta)
        weight = n * mu * (1.0 - mu)
        try:
            cov = np.linalg.inv(x.T @ (weight[:, None] * x))
        except np.linalg.LinAlgError:
            return None
        extra = weight * np.einsum("ti,ij,tj->t", x, cov, x) if firth else np.zeros(len(y))
        step = cov @ (x.T @ (y + 0.5 * extra - (n + extra) * mu))
        largest = float(np.abs(x @ step).max())
        beta = beta + step * min(1.0, 2.0 / max(largest, 1e-300))
        if not firth and float(np.abs(x @ beta).max()) > _MOST_ETA:
            return None
        if largest < 1e-10:
            return beta, cov
    return (beta, cov) if largest < 1e-6 else None


def checked(
    y: npt.ArrayLike, n: npt.ArrayLike, design: npt.ArrayLike, t: Any = None
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.int64]]:
    """Counts and design of the days with posts."""
    y_, n_, x = np.asarray(y, dtype=np.float64), np.asarray(n, dtype=np.float64), _design(design)
    days = np.arange(len(y_)) if t is None else np.asarray(t, dtype=np.int64)
    if not len(y_) == len(n_) == len(x) == len(days):
        raise UsageError(f"y, n, design and t have {len(y_)}, {len(n_)}, {len(x)} and {len(days)} rows; give one a day")
    if (y_ < 0).any() or (y_ > n_).any() or not np.isfinite(n_).all():
        raise MeaningError("on some day y is under 0 or above n; y counts those of the n posts that are of the kind")
    posted = n_ > 0
    if not posted.any():
        raise MeaningError("no day of the series has posts")
    return y_[posted], n_[posted], x[posted], days[posted]


def _design(design: npt.ArrayLike) -> Floats:
    x = np.asarray(design, dtype=np.float64)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise UsageError(f"the design has the shape {x.shape}; it must be (days, columns) and hold numbers alone")
    if np.linalg.matrix_rank(x / np.maximum(np.abs(x).max(axis=0), 1e-300)) < x.shape[1]:
        raise MeaningError("the days of the series cannot tell the columns of the design apart; use fewer columns")
    return x


def _log_beta(y: Floats, n: Floats) -> Floats:
    """Minus the log of the binomial coefficient, also of weighted counts."""
    return np.asarray(gammaln(y + 1.0) + gammaln(n - y + 1.0) - gammaln(n + 1.0), dtype=np.float64)


def _sandwich(bread: Floats, scores: Floats, days: npt.NDArray[np.int64], lags: int) -> Floats:
    made: Floats = bread @ newey_west(scores, days, lags) @ bread
    return made


def _jacobian(slope: Any, at: Floats) -> Floats:
    """The symmetric Jacobian (q, q) of a gradient, by central differences."""
    steps = 1e-5 * np.maximum(np.abs(at), 1.0)
    rows = [(slope(at + one) - slope(at - one)) / (2.0 * step) for one, step in zip(np.diag(steps), steps, strict=True)]
    made = np.stack(rows)
    return np.asarray(0.5 * (made + made.T), dtype=np.float64)


def _fit(model: str, beta: Floats, cov: Floats, df: float, *, days: int, **more: Any) -> Fit:
    names = tuple(f"x{i}" for i in range(len(beta)))
    return Fit(model, names, beta, cov, cov, np.full(len(beta), float(df)), n_days=days, **more)
