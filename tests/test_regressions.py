"""Regressions without a latent process, against the reference file, statsmodels and arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from discourse.errors import MeaningError, UsageError
from discourse.impact.effects import Fit, benjamini_hochberg, holm
from discourse.impact.interrupted import interrupted_design
from discourse.impact.regressions import beta_binomial, binomial, least_squares, newey_west, quasibinomial

Y1 = np.array([3, 5, 2, 6, 4, 7, 5, 3, 6, 4, 12, 10, 9, 14, 8, 11, 9, 13, 10, 7])
Y2 = np.array([1, 9, 0, 12, 3, 14, 2, 6, 10, 1, 20, 6, 15, 22, 4, 18, 7, 25, 13, 3])
N = np.array([20, 28, 15, 30, 22, 35, 25, 18, 27, 21, 30, 26, 24, 33, 22, 29, 25, 31, 28, 20])
X, _ = interrupted_design(np.arange(20), 10)


def near(got: Any, expected: Any, tol: float) -> None:
    np.testing.assert_allclose(got, expected, atol=tol, rtol=0)


def test_its_ols_hac() -> None:
    # statsmodels 0.15.0, Newey-West with Bartlett weights, L = 3, no small-sample factor.
    iid, hac, wls = (
        least_squares(Y1 / N, X),
        least_squares(Y1 / N, X, lags=3),
        least_squares(Y1 / N, X, weights=N, lags=3),
    )
    near(iid.beta, [0.2107984607984607, 0.00517993790721056, 0.1868295820724783, -0.008801676030212612], 1e-8)
    near(iid.se, [0.016228641189059485, 0.002615482349014453, 0.02140864569528894, 0.0036988506101236817], 1e-8)
    near(hac.beta, iid.beta, 1e-15)
    near(hac.se, [0.006639517028592374, 0.001013186857101402, 0.007450476472679903, 0.0016546524143253982], 1e-8)
    near(wls.beta, [0.21365061117447892, 0.004923973666957027, 0.18564595621965607, -0.00833219801838275], 1e-8)
    near(wls.se, [0.006748203536473399, 0.0010654687137076821, 0.007547103959490005, 0.0018280328035156545], 1e-8)
    assert hac.df.tolist() == [16.0] * 4


def test_its_binomial_glm() -> None:
    # statsmodels 0.15.0; HAC errors with L = 3.
    plain, hac = binomial(Y1, N, X), binomial(Y1, N, X, lags=3)
    near(plain.beta, [-1.2963245618350494, 0.03248581971772567, 0.8881871674853132, -0.04689277924049675], 1e-7)
    near(plain.se, [0.35841206861385116, 0.05984641113909392, 0.4261172789948492, 0.07444096054033499], 1e-7)
    near(hac.se, [0.04398725950551032, 0.007333411528974701, 0.04392478076304469, 0.009888003898944894], 1e-7)
    mu = 1 / (1 + np.exp(-X @ plain.beta))
    near(((Y1 - N * mu) ** 2 / (N * mu * (1 - mu))).sum(), 1.1791372710402352, 1e-7)
    saturated = float(stats.binom.logpmf(Y1, N, Y1 / N).sum())
    near(2 * (saturated - plain.criterion), 1.1899336605059032, 1e-7)


def test_its_quasibinomial() -> None:
    # statsmodels 0.15.0 with the share as response and var_weights = n, scale "X2".
    plain, quasi = binomial(Y2, N, X), quasibinomial(Y2, N, X)
    near(quasi.beta, [-1.03333354487312, 0.021323125861771486, 1.2479134955390456, -0.07359924048311758], 1e-7)
    near(plain.se, [0.32977769187376793, 0.05447772210557219, 0.399771699885361, 0.06956839148265084], 1e-7)
    near(quasi.dispersion, 5.18863884259047, 1e-7)
    near(quasi.se, [0.751186882102794, 0.12409253633872751, 0.9106233204663464, 0.15846694418239385], 1e-7)
    # What a fit that forgets the posts a day gives must not come out.
    assert abs(quasi.dispersion - 0.2106) > 1


def test_its_beta_binomial() -> None:
    made = beta_binomial(Y2, N, X)
    near(made.beta, [-1.0202866055541373, 0.04560268340345859, 1.1785124039206882, -0.10642347357215287], 1e-4)
    near(made.dispersion, 0.13705050308028469, 1e-4)
    near(np.log(1 / made.dispersion - 1), 1.8400066754786915, 1e-3)
    near(made.criterion, -57.22822970844886, 1e-4)
    near(binomial(Y2, N, X).criterion, -77.43509403260849, 1e-4)
    a = 1 / made.dispersion - 1
    mu = 1 / (1 + np.exp(-X @ made.beta))
    near(made.criterion, stats.betabinom.logpmf(Y2, N, mu * a, (1 - mu) * a).sum(), 1e-8)


def test_statsmodels_agrees_on_another_series() -> None:
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(9)
    n = rng.poisson(12, 60) + 1
    y = rng.binomial(n, rng.beta(3, 5, 60))
    x, _ = interrupted_design(np.arange(60), 41, weekly=True)
    share = sm.GLM(y / n, x, family=sm.families.Binomial(), var_weights=n)
    plain, quasi = share.fit(), share.fit(scale="X2")
    counts = sm.GLM(np.stack([y, n - y], axis=1), x, family=sm.families.Binomial())
    hac = counts.fit(cov_type="HAC", cov_kwds={"maxlags": 5})
    for made, other in (
        (binomial(y, n, x), plain), (quasibinomial(y, n, x), quasi), (binomial(y, n, x, lags=5), hac),
        (least_squares(y / n, x), sm.OLS(y / n, x).fit()),
        (least_squares(y / n, x, lags=4), sm.OLS(y / n, x).fit(cov_type="HAC", cov_kwds={"maxlags": 4})),
    ):  # fmt: skip
        near(made.beta, other.params, 1e-8)
        near(made.se, other.bse, 1e-7)


def test_hac_counts_days_of_the_calendar() -> None:
    scores = np.array([[1.0], [2.0], [4.0]])
    # Days 0, 1, 3: neighbours at 1 and 2 days. L = 2: weights 2/3 and 1/3; 1 and 3 are at a distance of 3.
    assert newey_west(scores, np.array([0, 1, 3]), 2)[0, 0] == pytest.approx(
        1 + 4 + 16 + 2 * (2 / 3) * 2 + 2 * (1 / 3) * 8
    )
    assert newey_west(scores, np.array([0, 1, 2]), 0)[0, 0] == 21.0
    assert newey_west(scores, np.array([5, 6, 7]), 99).shape == (1, 1)
    with pytest.raises(UsageError, match="lags is -1"):
        newey_west(scores, np.arange(3), -1)


@pytest.mark.parametrize("fit", [binomial, quasibinomial, beta_binomial])
def test_days_without_posts_say_nothing(fit: Any) -> None:
    gone = N.copy()
    gone[[0, 7, 12]] = 0
    with_zeros = fit(np.minimum(Y2, gone), gone, X)
    without = fit(Y2[gone > 0], N[gone > 0], X[gone > 0])
    near(with_zeros.beta, without.beta, 1e-9)
    near(with_zeros.se, without.se, 1e-9)
    assert with_zeros.n_days == 17


@pytest.mark.parametrize("fit", [binomial, quasibinomial, beta_binomial])
@pytest.mark.parametrize(
    "y", [np.zeros(20), N, np.where(np.arange(20) < 10, 0, Y1)], ids=["none", "all", "none before"]
)
def test_separated_days_give_finite_estimates_and_a_flag(fit: Any, y: Any) -> None:
    made = fit(y, N, X)
    assert "separated" in made.flags
    assert np.isfinite(made.beta).all()
    assert np.isfinite(made.se).all()
    assert np.abs(X @ made.beta).max() < 15
    assert "separated" not in fit(Y1, N, X).flags


def test_firth_of_one_share_is_half_a_post_of_each_kind() -> None:
    # One column: the leverages sum to 1, so 0 of 9 becomes 0.5 of 10.
    made = binomial([0, 0, 0], [3, 3, 3], np.ones((3, 1)))
    near(made.beta, [np.log(0.5 / 9.5)], 1e-8)


def test_beta_binomial_without_overdispersion_is_binomial() -> None:
    n = np.full(40, 10)
    y = np.tile([3, 4], 20)
    made, plain = beta_binomial(y, n, np.ones((40, 1))), binomial(y, n, np.ones((40, 1)))
    assert "no_overdispersion" in made.flags
    near(made.beta, plain.beta, 1e-4)
    near(made.se, plain.se, 1e-3)
    assert "no_overdispersion" not in beta_binomial(Y2, N, X).flags


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.001, 1000))
def test_units_of_a_column_change_nothing_but_its_coefficient(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    n = rng.poisson(15, 30) + 1
    y = rng.binomial(n, 0.4)
    x, _ = interrupted_design(np.arange(30), 20)
    for fit in (binomial, quasibinomial, beta_binomial):
        one, other = fit(y, n, x), fit(y, n, x * [1.0, scale, 1.0, 1.0])
        near(other.beta * [1, scale, 1, 1], one.beta, 1e-4)
        near(other.se * [1, scale, 1, 1], one.se, 1e-4)


def test_bad_designs_and_counts() -> None:
    with pytest.raises(MeaningError, match="tell the columns"):
        binomial(Y1, N, np.ones((20, 2)))
    with pytest.raises(UsageError, match="shape"):
        binomial(Y1, N, np.ones(20))
    with pytest.raises(UsageError, match="20, 20, 19"):
        binomial(Y1, N, X[:19])
    with pytest.raises(MeaningError, match="above n"):
        quasibinomial(N + 1, N, X)
    with pytest.raises(MeaningError, match="no day"):
        binomial(np.zeros(20), np.zeros(20), X)
    with pytest.raises(MeaningError, match="nothing to judge"):
        least_squares([1.0, 2.0], np.array([[1.0, 0.0], [1.0, 1.0]]))


def test_intervals_and_p_values_follow_from_the_full_covariance() -> None:
    fit = Fit(
        "m", ("a", "b"), np.array([1.0, -2.0]), np.diag([0.25, 1.0]), np.diag([0.36, 1.0]), np.array([10.0, 10.0])
    )
    assert fit.se.tolist() == [0.5, 1.0]
    near(fit.t, [1 / 0.6, -2.0], 1e-12)
    near(fit.p, 2 * stats.t.sf([1 / 0.6, 2.0], 10), 1e-12)
    near(fit.interval[1][0], 1.0 + 2.2281388519649385 * 0.6, 1e-9)
    both = fit.contrast([1.0, 1.0])
    near([both.estimate, both.se, both.t], [-1.0, np.sqrt(1.25), -1.0 / np.sqrt(1.36)], 1e-12)
    joint = fit.joint(np.eye(2))
    near(joint.f, (1 / 0.36 + 4) / 2, 1e-12)
    near(fit.joint([[1.0, 0.0]]).p, fit.effect("a").p, 1e-12)
    with pytest.raises(UsageError, match="no column 'c'"):
        fit.effect("c")


def test_adjusted_p_values() -> None:
    # By hand: 4 x 0.01, 3 x 0.02, 2 x 0.03, 0.05, none under the one before; 0.05, 4/3 x 0.03, 2 x 0.02, 4 x 0.01.
    p = [0.03, 0.01, 0.05, 0.02]
    near(holm(p), [0.06, 0.04, 0.06, 0.06], 1e-12)
    near(benjamini_hochberg(p), [0.04, 0.04, 0.05, 0.04], 1e-12)
    near(holm([0.6, np.nan, 0.7]), [1.0, np.nan, 1.0], 1e-12)
    with pytest.raises(UsageError, match="between 0 and 1"):
        holm([1.5])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_false_discovery_is_that_of_scipy(p: list[float]) -> None:
    near(benjamini_hochberg(p), stats.false_discovery_control(p), 1e-12)


def test_holm_is_that_of_statsmodels() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    rng = np.random.default_rng(2)
    for size in (1, 2, 5, 30):
        p = np.round(rng.random(size) ** 2, 2)
        near(holm(p), multitest.multipletests(p, method="holm")[1], 1e-12)
