"""The default model of an interrupted series: reference values, a dense oracle, known truth, and hard days."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from scipy.special import expit

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.impact.daily import daily, logit_gap
from discourse.impact.interrupted import (
    binomial_ar1,
    fit_daily,
    gaussian_ar1,
    interrupted_design,
    level_ratio,
    share_effect,
    working_response,
)
from discourse.impact.latent import Working, find_variances, gls_ar1, penalty, restricted, uncertain
from discourse.impact.regressions import binomial

Y = np.array([1, 9, 0, 12, 3, 14, 2, 6, 10, 1, 20, 6, 15, 22, 4, 18, 7, 25, 13, 3])
N = np.array([20, 28, 15, 30, 22, 35, 25, 18, 27, 21, 30, 26, 24, 33, 22, 29, 25, 31, 28, 20])
X, NAMES = interrupted_design(np.arange(20), 10)
# s2, phi, criterion, beta, se: one step from the binomial fit (own formula, checked with statsmodels 0.15.0 GLS).
FIXED = [
    (0.05, 0.5, 31.20895973651791, [-1.07069834846911, 0.021193365361070117, 1.360787509655353, -0.09368343843744822],
     [0.39542316536042693, 0.06419888685479049, 0.4705881494587924, 0.08685905889066352]),
    (0.8, 0.0, 14.302224509877808, [-1.043579841615881, 0.04037013164103984, 1.235009531234682, -0.10682035114690996],
     [0.696046179853223, 0.1129105159991509, 0.9014668192341383, 0.1560738297824465]),
    (0.5, -0.4, 12.493528702696896, [-0.9528409424351222, 0.049047043920378876, 0.9842314322964872,
      -0.08025251265384847],
     [0.47479981740037325, 0.07816591855448667, 0.617153065979252, 0.10327715035513521]),
]  # fmt: skip
Z0 = [-2.2457622828510604, -0.6872112323965172, -2.503934827976394, -0.26135211373812084, -1.7233941591563458]
V0 = [0.2882932101760292, 0.20352412882997395, 0.3755445848390511, 0.18564379713553873, 0.25032190896941847]


def near(got: Any, expected: Any, tol: float) -> None:
    np.testing.assert_allclose(got, expected, atol=tol, rtol=0)


def latent(rng: np.random.Generator, days: int, phi: float, sd: float) -> np.ndarray:
    u = rng.normal(0, sd, days)
    for i in range(1, days):
        u[i] = phi * u[i - 1] + np.sqrt(1 - phi**2) * u[i]
    return u


@pytest.mark.parametrize("case", FIXED, ids=lambda case: f"s2={case[0]}, phi={case[1]}")
def test_its_pql_ar1_fixed(case: Any) -> None:
    s2, phi, criterion, beta, se = case
    z, v = working_response(Y, N, X @ binomial(Y, N, X).beta)
    near(z[:5], Z0, 1e-8)
    near(z[-1], -1.4202436978089152, 1e-8)
    near(v[:3], V0[:3], 1e-8)
    near(v[4], V0[4], 1e-8)
    got = gls_ar1(z, v, X, np.arange(20), sigma2=s2, phi=phi)
    for one, other in zip(got, (criterion, beta, se), strict=True):
        near(one, other, 1e-8)


def test_its_pql_ar1_converged() -> None:
    made = binomial_ar1(Y, N, X)
    near(made.beta, [-0.9215530095097251, 0.05404813144720677, 0.9038235183236281, -0.07422712549437502], 1e-6)
    near(made.se, [0.44218663029430344, 0.0740541555388539, 0.573131268009846, 0.09624652861580132], 1e-6)
    df = np.array([27.46681575450348, 29.911260410120676, 22.042133274371558, 24.654486774921022])
    near(made.df / df, np.ones(4), 1e-4)
    near([made.sigma2, made.phi, made.criterion], [0.6917938147303615, -0.6415245842550092, 12.15158626744973], 1e-5)
    assert (made.n_days, made.flags) == (20, ())


def dense(theta: Any, at: Working, t: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The criterion, beta and its covariance the slow way."""
    s2, phi = np.exp(theta[0]), np.tanh(theta[1])
    distance = np.abs(t[:, None] - t[None, :])
    v = s2 * np.sign(phi) ** distance * np.abs(phi) ** distance + np.diag(at.v)
    inverse = np.linalg.inv(v)
    information = at.design.T @ inverse @ at.design
    beta = np.linalg.solve(information, at.design.T @ inverse @ at.z)
    rest = at.z - at.design @ beta
    value = 0.5 * (np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1] + rest @ inverse @ rest)
    return float(value), beta, np.linalg.inv(information)


def some_series(seed: int, days: int = 25) -> tuple[Working, np.ndarray]:
    rng = np.random.default_rng(seed)
    t = np.cumsum(rng.integers(1, 5, days))
    design, _ = interrupted_design(t, int(t[days // 2]))
    v = rng.uniform(0.05, 0.6, days)
    return Working(rng.normal(0, 1, days), v, design, np.diff(t).astype(float)), t


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), log_s2=st.floats(-8, 2), z=st.floats(-2.5, 2.5))
def test_three_diagonals_give_what_the_whole_matrix_gives(seed: int, log_s2: float, z: float) -> None:
    at, t = some_series(seed)
    theta = np.array([log_s2, z])
    value, beta, cov = dense(theta, at, t)
    made = restricted(np.array([[0.0, 0.0], theta]), at)
    near(made.criterion[1], value, 1e-7)
    np.testing.assert_allclose(made.beta[1], beta, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(made.cov[1], cov, rtol=1e-6, atol=1e-9)


def test_the_penalty_is_the_one_specified() -> None:
    near(penalty(np.array([[-3.0, 0.0], [-1.0, 2.0]])), [0.0, 0.125 * 4 + 0.0005 * 4], 1e-15)


@pytest.mark.parametrize("seed", range(6))
def test_the_variances_are_the_least_of_all(seed: int) -> None:
    at, t = some_series(seed, 40)
    found = find_variances(at)

    def value(theta: Any) -> float:
        return dense(theta, at, t)[0] + float(penalty(np.asarray(theta)))

    best = min(
        optimize.minimize(value, [a, b], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12}).fun
        for a in (-5, -1, 1) for b in (-1, 0, 1)
    )  # fmt: skip
    assert value(found) <= best + 1e-7


@pytest.mark.parametrize("theta", [(-0.5, 0.9), (0.3, -0.4), (-2.0, 0.0)])
def test_what_the_unknown_variances_add_is_kackar_and_harvilles_term_twice(theta: Any) -> None:
    at, t = some_series(5)
    point = np.array(theta)
    made = uncertain(point, at)
    distance = np.abs(t[:, None] - t[None, :]).astype(float)

    def v_of(one: np.ndarray) -> np.ndarray:
        phi = np.tanh(one[1])
        return np.asarray(np.exp(one[0]) * np.sign(phi) ** distance * np.abs(phi) ** distance + np.diag(at.v))

    steps = np.eye(2) * 1e-5
    slopes = [(v_of(point + one) - v_of(point - one)) / 2e-5 for one in steps]
    inverse = np.linalg.inv(v_of(point + 1e-12))
    cov = np.linalg.inv(at.design.T @ inverse @ at.design)
    total = np.zeros((4, 4))
    for i in range(2):
        for j in range(2):
            left = at.design.T @ inverse @ slopes[i] @ inverse
            q = left @ slopes[j] @ inverse @ at.design
            total += made.theta_cov[i, j] * (
                q - left @ at.design @ cov @ at.design.T @ inverse @ slopes[j] @ inverse @ at.design
            )
    np.testing.assert_allclose(made.added, 2 * cov @ total @ cov, rtol=2e-3, atol=1e-6)
    assert np.linalg.eigvalsh(made.added).min() > -1e-9


def test_degrees_of_freedom_stay_between_4_and_200() -> None:
    rng = np.random.default_rng(2)
    few = gaussian_ar1(rng.normal(0, 1, 7), np.full(7, 0.001), np.ones((7, 1)))
    many = gaussian_ar1(rng.normal(0, 0.1, 300), np.full(300, 0.01), np.ones((300, 1)))
    assert 4.0 <= few.df[0] < 20
    assert many.df[0] == 200.0


def test_missing_days_keep_their_distance() -> None:
    rng = np.random.default_rng(4)
    t = np.arange(90)
    x, _ = interrupted_design(t, 60)
    n = rng.poisson(40, 90)
    y = rng.binomial(n, expit(-0.5 + latent(rng, 90, 0.8, 0.6)))
    n[(gone := rng.random(90) < 0.3)] = 0
    y[gone] = 0
    with_zeros, without = binomial_ar1(y, n, x), binomial_ar1(y[~gone], n[~gone], x[~gone], t[~gone])
    for name in ("beta", "se", "df", "phi", "sigma2"):
        near(getattr(with_zeros, name), getattr(without, name), 1e-9)
    squeezed = binomial_ar1(y[~gone], n[~gone], x[~gone])
    assert abs(squeezed.phi - without.phi) > 0.01
    # In the calendar's own steps, days 0, 7, 14 are neighbours.
    weeks = fit_daily(daily((7 * t[~gone], y[~gone], n[~gone])), x[~gone], NAMES)
    near(weeks.phi, without.phi, 1e-9)
    near(weeks.beta, without.beta, 1e-9)


def test_where_counts_are_large_the_general_form_gives_the_same() -> None:
    rng = np.random.default_rng(6)
    x, names = interrupted_design(np.arange(80), 50)
    n = rng.integers(4_000, 6_000, 80)
    y = rng.binomial(n, expit(-0.4 + 0.5 * x[:, 2] + latent(rng, 80, 0.6, 0.3)))
    p = y / n
    counts, general = (
        fit_daily(daily((y, n)), x, names),
        fit_daily(daily({"share": p, "variance": p * (1 - p) / n}), x, names),
    )
    near(general.beta, counts.beta, 0.03)
    near(general.se / counts.se, np.ones(4), 0.05)


def test_a_design_effect_widens_what_the_days_alone_explain() -> None:
    n = np.full(60, 100)
    y = np.tile([30, 30, 31], 20)
    x, names = interrupted_design(np.arange(60), 40)
    one, four = (fit_daily(daily((y, n), deff=deff), x, names, model="binomial") for deff in (1, 4))
    near(four.se / one.se, np.full(4, 2.0), 1e-6)
    default = [fit_daily(daily((y, n), deff=deff), x, names).se[2] for deff in (1, 4)]
    assert 1.8 < default[1] / default[0] < 2.2


def test_intervals_hold_the_truth_and_naive_ones_do_not() -> None:
    # 80 series of 120 days, correlation 0.6: the default near 0.95 (its standard error is 0.024), the naive far away.
    x, names = interrupted_design(np.arange(120), 90, weekly=True)
    held, naive, error = [], [], []
    for seed in range(80):
        rng = np.random.default_rng([seed, 77])
        n = rng.poisson(200 * rng.gamma(2, 0.5, 120)) + 1
        y = rng.binomial(n, expit(-0.7 + 0.4 * x[:, 2] + latent(rng, 120, 0.6, 0.35)))
        level = fit_daily(daily((y, n)), x, names).effect("level")
        held.append(level.low < 0.4 < level.high)
        error.append(level.estimate - 0.4)
        plain = fit_daily(daily((y, n)), x, names, model="binomial").effect("level")
        naive.append(plain.low < 0.4 < plain.high)
    assert 0.87 <= np.mean(held) <= 1.0
    assert np.mean(naive) < 0.6
    assert abs(np.mean(error)) < 3 * np.std(error) / np.sqrt(80)


def test_the_gap_of_two_sides_whose_errors_hang_together() -> None:
    # Both sides carry one noise: their gap is known far better than either side.
    rng = np.random.default_rng(8)
    x, names = interrupted_design(np.arange(60), 40)
    shared = rng.normal(0, 0.04, (60, 201))
    a, b = (0.4 + shared + rng.normal(0, 0.004, (60, 201)) for _ in range(2))
    a[40:] += 0.1
    level = fit_daily(logit_gap(a, b), x, names).effect("level")
    alone = fit_daily(daily({"share": a[:, 0], "variance": a[:, 1:].var(axis=1)}), x, names).effect("level")
    assert level.low < np.log(0.5 / 0.5) - np.log(0.4 / 0.6) < level.high
    assert level.se < 0.35 * alone.se


@pytest.mark.parametrize(
    ("y", "n", "separated"),
    [
        (np.zeros(30), np.full(30, 5), True), (np.full(30, 5), np.full(30, 5), True),
        (np.where(np.arange(30) < 20, 0, 3), np.full(30, 5), True), (np.arange(30) % 2, np.ones(30), False),
        (np.r_[np.zeros(29), 1], np.full(30, 4), True),
        (np.full(30, 300_000) + np.arange(30) % 3, np.full(30, 1_000_000), False),
    ],
    ids=["none", "all", "none before", "one post a day", "one post in all", "a million a day"],
)  # fmt: skip
def test_hard_days_give_numbers(y: Any, n: Any, separated: bool) -> None:
    x, names = interrupted_design(np.arange(30), 20)
    made = fit_daily(daily((y, n)), x, names)
    assert np.isfinite(made.beta).all()
    assert (made.se > 0).all()
    assert np.isfinite(made.p).all()
    assert np.abs(x @ made.beta).max() < 15
    assert made.flags == ("separated",) * separated


@pytest.mark.parametrize("days", [10, 1500])
def test_short_and_long_series(days: int) -> None:
    rng = np.random.default_rng(days)
    x, names = interrupted_design(np.arange(days), days // 2, weekly=days > 100)
    n = rng.poisson(60, days)
    made = fit_daily(daily((rng.binomial(n, expit(latent(rng, days, 0.7, 0.4))), n)), x, names)
    assert made.flags == ()
    if days == 1500:
        near([made.phi, np.sqrt(made.sigma2)], [0.7, 0.4], 0.06)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.integers(-800_000, 800_000))
def test_the_count_of_days_may_begin_anywhere(seed: int, shift: int) -> None:
    rng = np.random.default_rng(seed)
    n = rng.poisson(20, 40)
    y = rng.binomial(n, expit(latent(rng, 40, 0.5, 0.5)))
    one = fit_daily(daily((y, n)), X20, NAMES)
    x, _ = interrupted_design(np.arange(40) + shift, 20 + shift)
    other = fit_daily(daily((np.arange(40) + shift, y, n)), x, NAMES)
    near(other.beta, one.beta, 1e-6)
    near(other.se, one.se, 1e-6)


X20, _ = interrupted_design(np.arange(40), 20)


def test_days_of_the_week_as_waves_hold_what_indicators_hold() -> None:
    t = np.arange(35)
    x, names = interrupted_design(t, 20, weekly=True)
    assert names[4:] == ("week_cos_1", "week_sin_1", "week_cos_2", "week_sin_2", "week_cos_3", "week_sin_3")
    waves, indicators = x[:, 4:], (t[:, None] % 7 == np.arange(7)).astype(float)
    near(waves[:7].sum(axis=0), np.zeros(6), 1e-12)
    both = np.concatenate([np.ones((35, 1)), waves], axis=1)
    assert np.linalg.matrix_rank(both) == 7
    assert np.linalg.matrix_rank(np.concatenate([both, indicators], axis=1)) == 7


def test_the_design_and_its_control() -> None:
    x, names = interrupted_design([0, 1, 2, 3], 2, slope=False, control=[1.0, 3.0, 5.0, 9.0])
    assert names == ("intercept", "trend", "level", "control")
    assert x.tolist() == [[1, -2, 0, -1], [1, -1, 0, 1], [1, 0, 1, 3], [1, 1, 1, 7]]
    x, names = interrupted_design([1, 2, 4], 2)
    assert x[:, 3].tolist() == [0, 0, 2]


def test_the_effect_on_the_share_by_the_delta_method() -> None:
    fit = binomial_ar1(Y, N, X)
    with_event, without = X[10:], X[10:] * [1, 1, 0, 0]
    made = share_effect(fit, with_event, without, "mean")

    def mean(beta: np.ndarray) -> float:
        return float((expit(with_event @ beta) - expit(without @ beta)).mean())

    slope = np.array([(mean(fit.beta + one) - mean(fit.beta - one)) / 2e-6 for one in np.eye(4) * 1e-6])
    near(made.estimate, mean(fit.beta), 1e-12)
    near(made.se, np.sqrt(slope @ fit.cov @ slope), 1e-7)
    near(made.t, made.estimate / np.sqrt(slope @ fit.full_cov @ slope), 1e-6)
    assert made.high - made.estimate == pytest.approx(made.estimate - made.low)
    plain = fit_daily(daily((Y, N)), X, NAMES, model="ols_hac")
    near(share_effect(plain, X[10:11], X[10:11] * [1, 1, 0, 0], "level").estimate, plain.beta[2], 1e-12)


def test_the_effect_on_a_share_ends_at_1() -> None:
    x, _ = interrupted_design(np.arange(8), 4, slope=False)
    fit = binomial_ar1([0, 0, 0, 1, 2, 2, 2, 2], [2] * 8, x)
    made = share_effect(fit, x[4:], x[4:] * [1, 1, 0], "level")
    assert made.high <= 1.0
    assert made.low >= -1.0


def test_a_ratio_at_the_models_own_variances_is_the_models_own() -> None:
    series = daily((Y, N))
    for model in ("binomial_ar1", "quasibinomial", "beta_binomial", "binomial", "ols_hac"):
        fit = fit_daily(series, X, NAMES, model=model)
        near(level_ratio(series, X, NAMES, fit), abs(fit.beta[2]) / fit.se[2], 1e-3)
    general = daily({"z": [0.1, 0.3, 0.2, 0.9, 1.0, 1.2, 0.8, 1.1], "v": [0.1] * 8})
    x, names = interrupted_design(np.arange(8), 3)
    fit = fit_daily(general, x, names)
    near(level_ratio(general, x, names, fit), abs(fit.beta[2]) / fit.se[2], 1e-9)


def test_models_and_series_that_do_not_fit() -> None:
    estimates = daily({"z": [0.1, 0.2, 0.3, 0.4], "v": [1.0] * 4})
    x, names = np.ones((4, 1)), ("intercept",)
    with pytest.raises(UsageError, match="counts posts"):
        fit_daily(estimates, x, names, model="quasibinomial")
    with pytest.raises(SchemaError, match="Did you mean 'binomial_ar1'"):
        fit_daily(estimates, x, names, model="binomial_ar2")
    with pytest.raises(UsageError, match="variances above 0"):
        gaussian_ar1([1.0, 2.0], [1.0, 0.0], np.ones((2, 1)))
    with pytest.raises(UsageError, match="must rise"):
        binomial_ar1(Y, N, X, np.zeros(20, dtype=int))
    with pytest.raises(MeaningError, match="tell the columns"):
        binomial_ar1(Y[:10], N[:10], X[:10])
