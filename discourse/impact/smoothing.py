"""Pooled smoothing over time: what the windows say together, beside what each says alone.

The logit of the share is a level that moves from window to window, seen through the noise that the corrected variances
tell. The smoothed curve never stands instead of the raw points: the result holds both.

Two levels are known: a random walk ("local_level"), and an Ornstein-Uhlenbeck process around a mean ("ou"), which is
the Gaussian process with the Matern kernel of index 1/2. How much the level moves is not fixed at one estimate: all
values count, by their restricted likelihood under an even prior on the standard deviation, so that a few windows do not
pass for certain.

Letters of shapes: T windows, m values of the parameters. Sources: Durbin and Koopman (2012), *Time Series Analysis by
State Space Methods*; Rasmussen and Williams (2006), *Gaussian Processes for Machine Learning*; Gelman (2006) on priors
for variances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.linalg.lapack import dpttrf, dpttrs
from scipy.special import expit, logit
from scipy.stats import norm

from discourse.errors import MeaningError, UsageError
from discourse.impact.daily import logit_with_variance
from discourse.schema import one_of

__all__ = ["LEVELS", "Smoothed", "common_variance", "smooth"]

Floats = npt.NDArray[np.float64]
LEVELS = ("local_level", "ou")
_SD = (1e-3, 3.0)  # of the move from one window to the next, in log odds
_HALF_LIVES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # windows in which a deviation of "ou" loses half of itself
_GRID, _PEAK = 61, 18.0
_ROUNDS, _MOST_ETA = 30, 15.0


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Raw points and smoothed curve of T windows, on the share scale, all arrays (T,).

    `raw`, `raw_low`, `raw_high` are the shares as given with their own intervals (NaN in an empty window); `smooth`,
    `low`, `high` the curve, in empty windows too. `step_sd` is the standard deviation of the level's move from a window
    to the next in log odds (posterior mean), `kind` the level. Flags: `empty` (windows filled in), `few_windows` (under
    5 with a share).
    """

    t: Floats
    raw: Floats
    raw_low: Floats
    raw_high: Floats
    smooth: Floats
    low: Floats
    high: Floats
    step_sd: float
    kind: str
    level: float
    flags: tuple[str, ...] = ()

    def table(self) -> pl.DataFrame:
        """Both, side by side: t, raw, raw_low, raw_high, smooth, low, high.

        >>> smooth([0.3, 0.4], [0.001, 0.001]).table().columns
        ['t', 'raw', 'raw_low', 'raw_high', 'smooth', 'low', 'high']
        """
        names = ("t", "raw", "raw_low", "raw_high", "smooth", "low", "high")
        return pl.DataFrame({name: getattr(self, name) for name in names}).fill_nan(None)

    def __repr__(self) -> str:
        flags = f", flags {' '.join(self.flags)}" if self.flags else ""
        return f"{len(self.t)} windows, raw and smoothed ({self.kind}, step {self.step_sd:.3f} log odds){flags}"


def smooth(
    share: npt.ArrayLike,
    variance: npt.ArrayLike,
    *,
    t: Any = None,
    n_eff: npt.ArrayLike | None = None,
    kind: str = "local_level",
    common: float = 0.0,
    level: float = 0.95,
) -> Smoothed:
    """Smooth shares (T,) with their variances (T,); NaN marks a window without a share.

    `t` (T,) are the times of the windows in rising order (default 0, 1, ...); `n_eff` helps where a share is 0 or 1
    (see `logit_with_variance`). `common` is the part of the variance on the logit scale that all windows share, as when
    one pool of gold labels corrects them all: it does not average out, is taken off each window's noise and put back
    onto every interval (`common_variance` measures it).

    Raises `MeaningError` without two windows that hold a share, `UsageError` for arrays that do not fit.

    >>> made = smooth([0.30, float("nan"), 0.34], [0.0004, float("nan"), 0.0004])
    >>> bool(0.30 < made.smooth[1] < 0.34), bool(made.high[1] - made.low[1] > made.high[0] - made.low[0])
    (True, True)
    """
    one_of(kind, LEVELS, "kind")
    if not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}; it must lie between 0 and 1, like 0.95")
    p, var, times = _windows(share, variance, t)
    known = np.isfinite(p) & np.isfinite(var)
    if int(known.sum()) < 2:
        raise MeaningError(f"{int(known.sum())} windows hold a share; smoothing needs 2 or more")
    size = None if n_eff is None else np.broadcast_to(np.asarray(n_eff, dtype=np.float64), p.shape)[known]
    z, v = logit_with_variance(p[known], var[known], size)
    if common < 0.0 or not (v > common).all():
        raise UsageError(f"common is {common:g}; it must be from 0 to under the least variance, {v.min():.3g}")
    mean, spread, step = _settled(known, p[known], (z, v), common, times, kind)
    reach = float(norm.ppf(0.5 + level / 2.0))
    wide = reach * np.sqrt(spread + common)
    raw = np.where(known, p, np.nan)
    own = reach * np.sqrt(np.where(known, var, np.nan))
    flags = ("empty",) * bool((~known).any()) + ("few_windows",) * bool(known.sum() < 5)
    return Smoothed(times, raw, np.clip(raw - own, 0.0, 1.0), np.clip(raw + own, 0.0, 1.0), expit(mean),
                    expit(mean - wide), expit(mean + wide), step, kind, level, flags)  # fmt: skip


def common_variance(replicates: npt.ArrayLike) -> float:
    """The mean covariance between windows of the logits of replicates (T, b): what smoothing cannot average out.

    At least 0 and under the least variance of a window. Replicates at or beyond 0 and 1 are moved inside by half a
    thousandth.

    >>> together = np.array([[0.3, 0.4, 0.5], [0.3, 0.4, 0.5]])
    >>> apart = np.array([[0.3, 0.4, 0.5], [0.5, 0.3, 0.4]])
    >>> common_variance(together) > 0.15, common_variance(apart)
    (True, 0.0)
    """
    given = np.asarray(replicates, dtype=np.float64)
    if given.ndim != 2 or min(given.shape) < 2:
        raise UsageError(
            f"replicates have the shape {given.shape}; they must be (windows, replicates), 2 or more of each"
        )
    whole = given[np.isfinite(given).all(axis=1)]
    if len(whole) < 2:
        raise MeaningError(f"{len(whole)} windows hold all their replicates; a covariance needs 2 or more")
    cov = np.cov(logit(np.clip(whole, 5e-4, 1.0 - 5e-4)))
    between = float(cov[~np.eye(len(cov), dtype=bool)].mean())
    return float(np.clip(between, 0.0, 0.99 * np.diagonal(cov).min()))


def _windows(share: npt.ArrayLike, variance: npt.ArrayLike, t: Any) -> tuple[Floats, Floats, Floats]:
    p, var = np.asarray(share, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    times = np.arange(len(p), dtype=np.float64) if t is None else np.asarray(t, dtype=np.float64)
    if p.ndim != 1 or not p.shape == var.shape == times.shape:
        raise UsageError(
            f"share, variance and t have the shapes {p.shape}, {var.shape} and {times.shape}; give one each"
        )
    if (np.diff(times) <= 0.0).any():
        raise UsageError("the times of the windows must rise, each once; sort the series first")
    if (var < 0.0).any() or ((p < -0.5) | (p > 1.5)).any():
        raise MeaningError("a share lies far outside 0 to 1 or a variance is under 0; only shares can be smoothed")
    return p, var, times


def _settled(
    known: npt.NDArray[np.bool_], p: Floats, first: tuple[Floats, Floats], common: float, *where: Any
) -> tuple[Floats, Floats, float]:
    """The posterior with each share linearised around the curve itself, as in penalised quasi-likelihood.

    The variance at a share that came out low by chance is too small, or on the logit scale too large; that at the curve
    is neither. What a window weighs, share (1 - share) / variance, stays as it was given.
    """
    times, kind = where
    gap = np.diff(times) / np.median(np.diff(times))
    z, v = first
    middle = expit(z)
    worth = 1.0 / (v * middle * (1.0 - middle))
    seen, weight, last = np.zeros(len(known)), np.zeros(len(known)), z
    span: tuple[float, float] | None = None
    for _ in range(_ROUNDS):
        seen[known], weight[known] = z, 1.0 / np.maximum(v - common, 0.01 * v)
        mean, spread, step, span = _posterior((seen, weight, gap), kind, span)
        eta = np.clip(mean[known], -_MOST_ETA, _MOST_ETA)
        if float(np.abs(eta - last).max()) < 1e-6:
            break
        mu = expit(eta)
        last, z, v = eta, eta + (p - mu) / (mu * (1.0 - mu)), 1.0 / (worth * mu * (1.0 - mu))
    return mean, spread, step


def _posterior(
    given: tuple[Floats, Floats, Floats], kind: str, span: tuple[float, float] | None
) -> tuple[Floats, Floats, float, tuple[float, float]]:
    """Mean (T,) and variance (T,) of the level over all values of the parameters, and the mean standard deviation.

    `given` are logits, weights and steps; `span` is where the logarithm of the standard deviation is likely to lie, if
    that is known, else it is looked for on the whole range first. The span that was found comes last.
    """
    low, high = span or (float(np.log(_SD[0])), float(np.log(_SD[1])))
    keeps = np.array([1.0]) if kind == "local_level" else np.array([2.0 ** (-1.0 / half) for half in _HALF_LIVES])
    for _ in range(1 if span else 2):
        logs = np.linspace(low, high, _GRID)
        sd, keep = (one.ravel() for one in np.meshgrid(np.exp(logs), keeps, indexing="ij"))
        parts = [_conditional(*given, s, k) for s, k in zip(sd, keep, strict=True)]
        # Even on the standard deviation: each step of the logarithm counts for as much as it is long.
        worth = np.array([part[2] for part in parts]) + np.log(sd)
        likely = np.flatnonzero(worth.reshape(_GRID, -1).max(axis=1) > worth.max() - _PEAK)
        # A step beyond either end, so that a peak that moves is still inside.
        wide = logs[1] - logs[0]
        low, high = max(logs[likely[0]] - wide, np.log(_SD[0])), min(logs[likely[-1]] + wide, np.log(_SD[1]))
    share = np.exp(worth - worth.max())
    share /= share.sum()
    means, variances = (np.array([part[i] for part in parts]) for i in (0, 1))
    mean = share @ means
    return mean, share @ (variances + (means - mean) ** 2), float(share @ sd), (float(low), float(high))


def _conditional(z: Floats, weight: Floats, gap: Floats, sd: float, keep: float) -> tuple[Floats, Floats, float]:
    """Mean and variance of the level at one standard deviation of its moves, and the restricted log-likelihood.

    `keep` is what a deviation keeps of itself from window to window; 1 is the random walk. With the precision Q of the
    level and the weights W of the windows, the posterior precision is Q + W, three-diagonal: means by one solution,
    variances from the pivots of both directions.
    """
    walks = keep == 1.0
    if walks:
        between = 1.0 / (sd**2 * gap)
        main = np.concatenate([between, [0.0]]) + np.concatenate([[0.0], between])
        beside, log_q = -between, float(np.log(between).sum())
    else:
        rho = keep**gap
        variance, left = sd**2 / (1.0 - keep**2), 1.0 - rho**2
        main = np.ones(len(z)) / variance
        main[:-1] += rho**2 / left / variance
        main[1:] += rho**2 / left / variance
        beside, log_q = -rho / left / variance, float(-len(z) * np.log(variance) - np.log(left).sum())
    posterior = main + weight
    pivots, lower, failed = dpttrf(posterior, beside)
    back, _, failed_back = dpttrf(posterior[::-1].copy(), beside[::-1].copy())
    if failed or failed_back:
        raise MeaningError("the variances of the windows are too far apart to be weighed against each other")
    pulled = weight * z
    solved, _ = dpttrs(pivots, lower, np.stack([pulled, weight], axis=1))
    mean, variance = solved[:, 0], 1.0 / (pivots + back[::-1] - posterior)
    log_likelihood = 0.5 * (log_q - float(np.log(pivots).sum()) - float(pulled @ z - pulled @ mean))
    if not walks:
        # An unknown mean with an even prior: the level is mean + deviation, and the deviation is what Q is about.
        drawn = 1.0 - solved[:, 1]
        information = float(weight @ drawn)
        centre = float(weight @ (z - mean)) / information
        log_likelihood += 0.5 * (float(weight @ (z - mean)) * centre - np.log(information))
        mean = mean + centre * drawn
        variance = variance + drawn**2 / information
    return mean, variance, log_likelihood
