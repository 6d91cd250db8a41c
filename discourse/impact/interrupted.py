"""Interrupted time series: a level and a slope before and after a day, in a series whose days hang together.

The default is a binomial model with a latent AR(1) process, fitted by penalised quasi-likelihood: linearise the counts
around the current mean, estimate variance and correlation of the process by restricted likelihood, then the
coefficients by generalised least squares; repeat. A binomial model without it takes whatever makes days differ for
evidence, and rejects half and more of the true nulls in long-running talk.

Letters of shapes: T days, p columns. Sources: Breslow and Clayton (1993), *Approximate Inference in Generalized Linear
Mixed Models*; Bernal, Cummins and Gasparrini (2017) for the design; see `discourse.impact.latent` for the rest.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from discourse.errors import MeaningError, UsageError
from discourse.impact.daily import Daily
from discourse.impact.effects import Effect, Fit, single
from discourse.impact.latent import Working, find_variances, penalty, restricted, uncertain
from discourse.impact.regressions import (
    beta_binomial,
    binomial,
    checked,
    irls,
    least_squares,
    pseudo_counts,
    quasibinomial,
)
from discourse.schema import one_of

__all__ = [
    "MODELS", "binomial_ar1", "fit_daily", "gaussian_ar1", "hac_lags", "interrupted_design", "level_ratio",
    "share_effect", "working_response",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
MODELS = ("binomial_ar1", "beta_binomial", "quasibinomial", "ols_hac", "binomial")
_MOST_ETA = 15.0
_WEEK, _HARMONICS = 7, 3


def interrupted_design(
    t: npt.ArrayLike, t0: int, *, slope: bool = True, weekly: bool = False, control: npt.ArrayLike | None = None
) -> tuple[Floats, tuple[str, ...]]:
    """The design (T, p) and its names: 1, t - t0, 1(t >= t0), and as asked (t - t0)+, days of the week, a control.

    Days of the week are three sines and cosines, which sum to 0 over a week and hold the same as six indicators; a
    control series (T,) is taken off its mean before t0.

    >>> design, names = interrupted_design([8, 9, 10, 11], 10)
    >>> names, design[3].tolist()
    (('intercept', 'trend', 'level', 'slope'), [1.0, 1.0, 1.0, 1.0])
    """
    day = np.asarray(t, dtype=np.float64)
    since = day - t0
    columns = {"intercept": np.ones(len(day)), "trend": since, "level": (since >= 0).astype(np.float64)}
    if slope:
        columns["slope"] = np.maximum(since, 0.0)
    if weekly:
        for k in range(1, _HARMONICS + 1):
            columns[f"week_cos_{k}"] = np.cos(2.0 * np.pi * k * day / _WEEK)
            columns[f"week_sin_{k}"] = np.sin(2.0 * np.pi * k * day / _WEEK)
    if control is not None:
        values = np.asarray(control, dtype=np.float64)
        columns["control"] = values - values[since < 0].mean()
    return np.stack(list(columns.values()), axis=1), tuple(columns)


def working_response(y: npt.ArrayLike, n: npt.ArrayLike, eta: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Counts linearised around eta (T,): z = eta + (y - n mu) / W with variance v = 1 / W, W = n mu (1 - mu).

    >>> z, v = working_response([3], [4], [0.0])
    >>> z.tolist(), v.tolist()
    ([1.0], [1.0])
    """
    at = np.clip(np.asarray(eta, dtype=np.float64), -_MOST_ETA, _MOST_ETA)
    mu = expit(at)
    size = np.asarray(n, dtype=np.float64)
    weight = size * mu * (1.0 - mu)
    return at + (np.asarray(y, dtype=np.float64) - size * mu) / weight, 1.0 / weight


def binomial_ar1(y: npt.ArrayLike, n: npt.ArrayLike, design: npt.ArrayLike, t: Any = None) -> Fit:
    """Binomial regression of y of n posts (T,) on a design (T, p) with a latent AR(1) process over the days `t`.

    The specification of the default model, see `docs/events.md`. `se` and `df` (Satterthwaite) are as specified there;
    t, p and intervals also hold the uncertainty about variance and correlation (`Fit.full_cov`). Days with n = 0 are
    absent and keep their distance. Flags: `separated` (Firth's pseudo-counts were needed), `not_converged`.

    >>> rng = np.random.default_rng(1)
    >>> design, _ = interrupted_design(np.arange(60), 40)
    >>> fit = binomial_ar1(rng.binomial(50, np.where(design[:, 2] > 0, 0.5, 0.3)), np.full(60, 50), design)
    >>> bool(fit.interval[0][2] < np.log(0.5 / 0.5 / (0.3 / 0.7)) < fit.interval[1][2])
    True
    """
    y_, n_, x, days = checked(y, n, design, t)
    gap = _gaps(days)
    start, cov, separated = irls(y_, n_, x)
    if not separated:
        fit = _quasi_likelihood(y_, n_, x, gap, start)
        if np.abs(x @ fit.beta).max() <= _MOST_ETA:
            return fit
    fit = _quasi_likelihood(*pseudo_counts(y_, n_, x, start, cov), x, gap, start)
    return replace(fit, flags=("separated", *fit.flags))


def gaussian_ar1(z: npt.ArrayLike, v: npt.ArrayLike, design: npt.ArrayLike, t: Any = None) -> Fit:
    """The general form: estimates z (T,) with known variances v on a design (T, p), with a latent AR(1) process.

    For corrected shares z = logit(p) and v is the bootstrap variance of z; for two sides z_A - z_B with the variances
    added and twice the covariance taken off.

    >>> rng = np.random.default_rng(1)
    >>> fit = gaussian_ar1(1.0 + rng.normal(0, 0.1, 50), np.full(50, 0.01), np.ones((50, 1)))
    >>> bool(abs(fit.beta[0] - 1.0) < 4 * fit.se[0])
    True
    """
    value, variance = np.asarray(z, dtype=np.float64), np.asarray(v, dtype=np.float64)
    if value.shape != variance.shape or not (variance > 0).all() or not np.isfinite(value).all():
        raise UsageError("z and v must be numbers of one shape, the variances above 0")
    _, _, x, days = checked(np.zeros(len(value)), np.ones(len(value)), design, t)
    at = Working(value, variance, x, _gaps(days))
    return _fit(at, find_variances(at), "gaussian_ar1", 1, ())


def fit_daily(
    series: Daily, design: Floats, names: tuple[str, ...], *, model: str = "binomial_ar1", lags: int | None = None,
    level: float = 0.95,
) -> Fit:  # fmt: skip
    """A model of a daily series on a design (T, p) with named columns.

    Estimates with variances know the models "binomial_ar1" (the general form) and "ols_hac". Raises `UsageError` for
    another.
    """
    one_of(model, MODELS, "model")
    if series.n is None and model not in ("binomial_ar1", "ols_hac"):
        raise UsageError(f"the model {model!r} counts posts and this series holds estimates; use 'binomial_ar1'")
    steps = (series.t - series.t[0]) // series.step
    if model == "ols_hac":
        lag = hac_lags(len(series.t)) if lags is None else lags
        fit = least_squares(series.shares, design, lags=lag, t=steps)
    elif series.y is None or series.n is None:
        if series.z is None or series.v is None:
            raise UsageError("this series holds neither counts nor estimates; make it with daily()")
        fit = replace(gaussian_ar1(series.z, series.v, design, steps), link=series.link)
    elif model == "binomial_ar1":
        fit = binomial_ar1(series.y, series.n, design, steps)
    elif model == "binomial":
        fit = binomial(series.y, series.n, design, lags=lags, t=steps)
    else:
        fit = {"beta_binomial": beta_binomial, "quasibinomial": quasibinomial}[model](series.y, series.n, design)
    return replace(fit, names=names, empty_days=series.empty, level=level)


def level_ratio(series: Daily, design: Floats, names: tuple[str, ...], like: Fit, lags: int | None = None) -> float:
    """|estimate / se| of the column "level", by the model of another fit of the same kind of series.

    With a latent process, its variance and correlation are those of `like`, so that many stretches of one series are
    compared by one measure and quickly.
    """
    at = names.index("level")
    if like.cov_slopes is None:
        model = "ols_hac" if like.model.startswith("ols") else like.model.removesuffix("_hac")
        fit = fit_daily(series, design, names, model=model, lags=lags)
        return float(abs(fit.beta[at]) / fit.se[at])
    theta = np.array([[np.log(like.sigma2), np.arctanh(like.phi)]])
    gap = _gaps((series.t - series.t[0]) // series.step)
    if series.y is None or series.n is None:
        if series.z is None or series.v is None:
            raise UsageError("this series holds neither counts nor estimates; make it with daily()")
        made = restricted(theta, Working(series.z, series.v, design, gap))
    else:
        beta, _, separated = irls(*checked(series.y, series.n, design)[:3])
        if separated:
            raise MeaningError("posts of a kind stand on one side of the day alone")
        for _ in range(50):
            z, v = working_response(series.y, series.n, design @ beta)
            made = restricted(theta, Working(z, v, design, gap))
            moved, beta = float(np.abs(made.beta[0] - beta).max()), made.beta[0]
            if moved < 1e-6:
                break
    return float(abs(made.beta[0, at]) / np.sqrt(made.cov[0, at, at]))


def hac_lags(days: int) -> int:
    """Lags of the HAC standard errors by default: 4 (T / 100)^(2/9), rounded up (Newey and West 1994).

    >>> hac_lags(20), hac_lags(120)
    (3, 5)
    """
    return math.ceil(4.0 * math.pow(days / 100.0, 2.0 / 9.0))


def share_effect(fit: Fit, with_event: Floats, without: Floats, name: str) -> Effect:
    """The effect on the scale of the share: mean over rows of expit(x beta) with the event minus without.

    `with_event` and `without` are rows (m, p) of the design; interval by the delta method, kept inside -1 to 1. For a
    model of values as they are, the difference of the values.
    """
    if fit.link == "identity":
        return fit.contrast((with_event - without).mean(axis=0), name)
    p1, p0 = expit(with_event @ fit.beta), expit(without @ fit.beta)
    slope = ((p1 * (1.0 - p1))[:, None] * with_event - (p0 * (1.0 - p0))[:, None] * without).mean(axis=0)
    by_delta = fit.contrast(slope, name)
    variances = float(slope @ fit.cov @ slope), float(slope @ fit.full_cov @ slope)
    made = single(name, float((p1 - p0).mean()), variances, by_delta.df, fit.level)
    return replace(made, low=max(made.low, -1.0), high=min(made.high, 1.0))


def _quasi_likelihood(y: Floats, n: Floats, x: Floats, gap: Floats, start: Floats) -> Fit:
    """Penalised quasi-likelihood from `start`, looked at again from a grid once it has settled."""
    beta, rounds, settled = start, 0, False
    at = Working(*working_response(y, n, x @ beta), x, gap)
    theta = find_variances(at)
    for again in range(2):
        for _ in range(100):
            rounds += 1
            at = Working(*working_response(y, n, x @ beta), x, gap)
            theta = find_variances(at, theta)
            found = restricted(theta[None], at).beta[0]
            moved = float(np.abs(found - beta).max())
            beta = found if rounds <= 30 else 0.5 * (beta + found)
            settled = moved < 1e-7
            if settled or not np.isfinite(moved):
                break
        best = find_variances(at)
        if again or _value(best, at) > _value(theta, at) - 1e-6:
            break
        theta = best
    return _fit(at, theta, "binomial_ar1", rounds, () if settled else ("not_converged",))


def _value(theta: Floats, at: Working) -> float:
    return float(restricted(theta[None], at).criterion[0] + penalty(theta))


def _fit(at: Working, theta: Floats, model: str, rounds: int, flags: tuple[str, ...]) -> Fit:
    made = restricted(theta[None], at)
    unknown = uncertain(theta, at)
    cov = made.cov[0]
    fit = Fit(
        model, tuple(f"x{i}" for i in range(len(cov))), made.beta[0], cov, cov + unknown.added, np.zeros(len(cov)),
        sigma2=float(np.exp(theta[0])), phi=float(np.tanh(theta[1])),
        criterion=float(made.criterion[0] + penalty(theta)), n_days=len(at.z), iterations=rounds, flags=flags,
        cov_slopes=unknown.cov_slopes, theta_cov=unknown.theta_cov,
    )  # fmt: skip
    return replace(fit, df=np.array([fit.contrast(one).df for one in np.eye(len(cov))]))


def _gaps(days: npt.NDArray[np.int64]) -> Floats:
    gap = np.diff(days)
    if (gap <= 0).any():
        raise UsageError("the days must rise, each once; sort the series and add up days that stand twice")
    return gap.astype(np.float64)
