"""A latent AR(1) process under noise of known variance: estimates, restricted likelihood, degrees of freedom.

z_t = X_t beta + u_t + e_t with var(e_t) = v_t known, var(u_t) = s2, corr(u_t, u_s) = phi^|t - s| in calendar steps, so
V = S + D with D = diag(v). The inverse Q of S has three diagonals whatever days are missing, and
V^-1 A = D^-1 (D^-1 + Q)^-1 Q A, so that everything takes time in proportion to T. Several values of the variance
parameters theta = (log s2, atanh phi) are worked out in one call, as one long system of three diagonals.

Letters of shapes: T days, p columns, m values of theta. Sources: Patterson and Thompson (1971) for the restricted
likelihood; Satterthwaite (1946) and Fai and Cornelius (1996) for degrees of freedom; Kackar and Harville (1984) for the
variance that the estimation of theta adds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dpttrf, dpttrs

from discourse.errors import MeaningError

__all__ = ["Restricted", "Uncertain", "Working", "find_variances", "gls_ar1", "penalty", "restricted", "uncertain"]

Floats = npt.NDArray[np.float64]

_LOW, _HIGH = np.array([-14.0, -4.0]), np.array([8.0, 4.0])
_STENCIL = np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)], dtype=np.float64)
_STARTS = np.array([(a, b) for a in (-9.0, -5.0, -3.5, -2.0, -1.0, 0.5, 2.0) for b in (-1.2, -0.5, 0.0, 0.5, 1.0, 1.6)])
_STEPS = np.array([1.0, 0.5, 0.25, 0.1, 0.03, 0.01])
_FINE, _WIDE = 1e-3, 0.1


@dataclass(frozen=True, eq=False)
class Working:
    """Estimates `z` (T,) with variances `v` (T,), the `design` (T, p), and the steps between days, `gap` (T - 1,)."""

    z: Floats
    v: Floats
    design: Floats
    gap: Floats


@dataclass(frozen=True, eq=False)
class Restricted:
    """At m values of theta: the negative restricted log-likelihood (m,), beta (m, p) and its covariance (m, p, p)."""

    criterion: Floats
    beta: Floats
    cov: Floats


@dataclass(frozen=True, eq=False)
class Uncertain:
    """What is not known about theta and what that does to beta.

    `theta_cov` (2, 2) is the inverse Hessian of the penalised criterion, `cov_slopes` (2, p, p) the derivatives of the
    covariance of beta by theta, `added` (p, p) the covariance to add because theta is estimated: twice Kackar and
    Harville's term, once for the estimate and once for the covariance, which is too small by as much.
    """

    theta_cov: Floats
    cov_slopes: Floats
    added: Floats


def penalty(theta: Floats) -> Floats:
    """0.125 atanh(phi)^2 + 0.0005 (log s2 + 3)^2 of theta (..., 2): keeps phi off 1 where the data say little."""
    made: Floats = 0.125 * theta[..., 1] ** 2 + 0.0005 * (theta[..., 0] + 3.0) ** 2
    return made


def gls_ar1(
    z: npt.ArrayLike, v: npt.ArrayLike, design: npt.ArrayLike, t: npt.ArrayLike, *, sigma2: float, phi: float
) -> tuple[float, Floats, Floats]:
    """Criterion (without penalty), beta (p,) and standard errors (p,) at a given variance and correlation.

    The criterion is 1/2 log|V| + 1/2 log|X'V^-1 X| + 1/2 r'V^-1 r, without its constant. `t` are whole numbers.

    >>> criterion, beta, se = gls_ar1([1.0, 3.0], [0.5, 0.5], [[1.0], [1.0]], [0, 1], sigma2=0.5, phi=0.0)
    >>> round(criterion, 6), beta.round(6).tolist(), se.round(6).tolist()      # 1/2 log 2 + 1/2 (1 + 1)
    (1.346574, [2.0], [0.707107])
    """
    given = (np.asarray(one, dtype=np.float64) for one in (z, v, design, np.diff(np.asarray(t, dtype=np.float64))))
    made = restricted(np.array([[np.log(sigma2), np.arctanh(phi)]]), Working(*given))
    return float(made.criterion[0]), made.beta[0], np.sqrt(np.diagonal(made.cov[0]))


def restricted(theta: Floats, at: Working) -> Restricted:
    """The restricted likelihood and the estimates at theta (m, 2)."""
    p = at.design.shape[1]
    scale = np.abs(at.design).max(axis=0)
    both = np.concatenate([at.design / scale, at.z[:, None]], axis=1).T
    main, beside, log_s = _precision(theta, at.gap)
    pivots, solved = _solve(main + 1.0 / at.v, beside, _times(main, beside, both))
    cross = solved.transpose(1, 0, 2) @ (both / at.v).T
    cross = 0.5 * (cross + cross.transpose(0, 2, 1))
    try:
        root = np.linalg.cholesky(cross[:, :p, :p])
    except np.linalg.LinAlgError:
        raise MeaningError("the days of the series cannot tell the columns of the design apart; use fewer") from None
    inverse = np.linalg.inv(cross[:, :p, :p])
    beta = np.einsum("mij,mj->mi", inverse, cross[:, :p, p])
    rest = cross[:, p, p] - np.einsum("mi,mi->m", beta, cross[:, :p, p])
    log_v = np.log(at.v).sum() + np.log(pivots).sum(axis=1) + log_s
    log_x = 2.0 * (np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1) + np.log(scale).sum())
    return Restricted(0.5 * (log_v + log_x + rest), beta / scale, inverse / np.outer(scale, scale))


def find_variances(at: Working, start: Floats | None = None) -> Floats:
    """The theta (2,) that minimises criterion + penalty: Newton's method from `start`, else from the best of a grid."""

    def value(theta: Floats) -> Floats:
        made: Floats = restricted(theta, at).criterion + penalty(theta)
        return made

    theta = _STARTS[int(value(_STARTS).argmin())] if start is None else start
    for _ in range(60):
        around = value(np.clip(theta + _FINE * _STENCIL, _LOW - 1.0, _HIGH + 1.0))
        slope, bend = _derivatives(around, _FINE)
        size, axes = np.linalg.eigh(bend)
        move = -axes @ ((axes.T @ slope) / np.maximum(np.abs(size), 1e-3))
        move *= min(1.0, 1.5 / max(float(np.abs(move).max()), 1e-300))
        tries = np.clip(theta + _STEPS[:, None] * move, _LOW, _HIGH)
        found = value(tries)
        best = int(found.argmin())
        if found[best] >= around[0]:
            break
        moved, theta = float(np.abs(tries[best] - theta).max()), tries[best]
        if moved < 1e-7:
            break
    made: Floats = theta
    return made


def uncertain(theta: Floats, at: Working) -> Uncertain:
    """What is not known about theta (2,); derivatives by central differences of 0.1."""
    places = theta + _WIDE * np.concatenate([_STENCIL, 2.0 * _STENCIL[1:5]])
    made = restricted(places, at)
    f = made.criterion + penalty(places)
    mixed = f[5] - f[6] - f[7] + f[8]
    hessian = np.array([[f[9] - 2.0 * f[0] + f[10], mixed], [mixed, f[11] - 2.0 * f[0] + f[12]]]) / (4.0 * _WIDE**2)
    size, axes = np.linalg.eigh(hessian)
    theta_cov = (axes / np.maximum(size, 1e-4)) @ axes.T
    slopes = np.stack([made.cov[1] - made.cov[2], made.cov[3] - made.cov[4]]) / (2.0 * _WIDE)
    return Uncertain(theta_cov, slopes, _added(theta, at, theta_cov))


def _added(theta: Floats, at: Working, theta_cov: Floats) -> Floats:
    """2 C [sum_ij w_ij (Q_ij - P_i C P_j)] C with P_i = -X'V^-1 V_i V^-1 X, Q_ij = X'V^-1 V_i V^-1 V_j V^-1 X."""
    scale = np.abs(at.design).max(axis=0)
    x = at.design / scale

    def weigh(columns: Floats) -> Floats:
        main, beside, _ = _precision(theta[None], at.gap)
        made: Floats = _solve(main + 1.0 / at.v, beside, _times(main, beside, columns.T))[1][:, 0].T / at.v[:, None]
        return made

    def spread(where: Floats, columns: Floats) -> Floats:
        main, beside, _ = _precision(where[None], at.gap)
        made: Floats = _solve(main, beside, columns.T[:, None])[1][:, 0].T
        return made

    vx = weigh(x)
    cov = np.linalg.inv(x.T @ vx)
    nudge = np.array([0.0, _FINE])
    by_theta = (spread(theta, vx), (spread(theta + nudge, vx) - spread(theta - nudge, vx)) / (2.0 * _FINE))
    weighed = [weigh(one) for one in by_theta]
    p = [-(vx.T @ one) for one in by_theta]
    total = np.zeros_like(cov)
    for i in range(2):
        for j in range(2):
            total += theta_cov[i, j] * (by_theta[i].T @ weighed[j] - p[i] @ cov @ p[j])
    made: Floats = cov @ (total + total.T) @ cov / np.outer(scale, scale)
    return made


def _precision(theta: Floats, gap: Floats) -> tuple[Floats, Floats, Floats]:
    """Q of an AR(1) process: main diagonal (m, T), the one beside it (m, T) with 0 at the end, and log|S| (m,)."""
    m, days = len(theta), len(gap) + 1
    phi = np.tanh(theta[:, 1:])
    size = np.abs(phi) ** gap
    rho = np.where((phi < 0.0) & (gap % 2.0 == 1.0), -size, size)
    left = -np.expm1(2.0 * gap * np.log(np.maximum(np.abs(phi), 1e-300)))
    main, beside = np.ones((m, days)), np.zeros((m, days))
    main[:, :-1] += rho**2 / left
    main[:, 1:] += rho**2 / left
    beside[:, :-1] = -rho / left
    variance = np.exp(theta[:, :1])
    return main / variance, beside / variance, days * theta[:, 0] + np.log(left).sum(axis=1)


def _times(main: Floats, beside: Floats, rows: Floats) -> Floats:
    """Three-diagonal matrices (m, T, T) times c vectors (c, T): (c, m, T)."""
    made = main * rows[:, None]
    made[..., :-1] += beside[:, :-1] * rows[:, None, 1:]
    made[..., 1:] += beside[:, :-1] * rows[:, None, :-1]
    return np.asarray(made, dtype=np.float64)


def _solve(main: Floats, beside: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Pivots (m, T) and solutions (c, m, T) of m three-diagonal systems with c right sides, stacked into one."""
    c, m, days = right.shape
    pivots, lower, failed = dpttrf(main.ravel(), beside.ravel()[:-1])
    if not failed:
        solved, failed = dpttrs(pivots, lower, right.reshape(c, m * days).T)
    if failed:
        raise MeaningError("the variances of the series are too far apart to be weighed against each other")
    return pivots.reshape(m, days), np.asarray(solved.T, dtype=np.float64).reshape(c, m, days)


def _derivatives(around: Floats, step: float) -> tuple[Floats, Floats]:
    """Gradient (2,) and Hessian (2, 2) from the values on the stencil."""
    slope = np.array([around[1] - around[2], around[3] - around[4]]) / (2.0 * step)
    mixed = (around[5] - around[6] - around[7] + around[8]) / 4.0
    bend = np.array([
        [around[1] - 2.0 * around[0] + around[2], mixed], [mixed, around[3] - 2.0 * around[0] + around[4]]
    ]) / step**2  # fmt: skip
    return slope, bend
