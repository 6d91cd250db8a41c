from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from discourse.errors import SchemaError, UsageError
from discourse.estimators.proportions import (
    INTERVALS,
    agresti_coull,
    author_share,
    clopper_pearson,
    cluster_se,
    jeffreys,
    kish_n_eff,
    proportion_interval,
    ratio_estimate,
    ratio_se,
    wilson,
)

# statsmodels 0.15.0, proportion_confint(7, 40).
SEVEN_OF_FORTY = {
    "wilson": (0.0874541374603592, 0.3194999033178772),
    "jeffreys": (0.08185393408002503, 0.3131723126140819),
    "beta": (0.07338272935208517, 0.32779013336158586),
    "agresti_coull": (0.08430825715148234, 0.32264578362675406),
}
POSTS = [4, 4, 12, 1, 9, 2]
NATIONALIST = [3, 0, 10, 1, 2, 1]


@pytest.mark.parametrize("method", SEVEN_OF_FORTY)
def test_seven_of_forty(method: str) -> None:
    low, high = proportion_interval(7, 40, method)
    assert (float(low), float(high)) == pytest.approx(SEVEN_OF_FORTY[method], abs=1e-9)


def test_the_names_of_the_intervals() -> None:
    assert {
        "wilson": wilson, "jeffreys": jeffreys, "beta": clopper_pearson, "agresti_coull": agresti_coull,
    } == INTERVALS  # fmt: skip
    with pytest.raises(SchemaError, match=r"^method is 'wald'; it must be 'wilson', 'jeffreys', 'beta' or"):
        proportion_interval(1, 2, "wald")


COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None, max_examples=80)
@given(COUNTS, st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_wilson_and_clopper_pearson_are_those_of_scipy(of: tuple[int, int], level: float) -> None:
    test = stats.binomtest(*of)
    for made, name in ((wilson, "wilson"), (clopper_pearson, "exact")):
        expected = test.proportion_ci(level, method=name)
        np.testing.assert_allclose(made(*of, level), (expected.low, expected.high), atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(COUNTS, st.sampled_from([0.5, 0.9, 0.95]))
def test_jeffreys_leaves_equal_tails_of_its_posterior(of: tuple[int, int], level: float) -> None:
    x, n = of
    low, high = jeffreys(x, n, level)
    posterior = stats.beta(x + 0.5, n - x + 0.5)
    assert posterior.cdf(float(low)) == pytest.approx((1 - level) / 2, abs=1e-9)
    assert posterior.sf(float(high)) == pytest.approx((1 - level) / 2, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(COUNTS)
def test_wilson_ends_where_the_score_test_turns(of: tuple[int, int]) -> None:
    """The bounds are the shares p for which (x/n - p)^2 = z^2 p (1 - p) / n."""
    x, n = of
    z = stats.norm.ppf(0.975)
    for bound in wilson(x, n):
        p = float(bound)
        assert (x / n - p) ** 2 == pytest.approx(z**2 * p * (1 - p) / n, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(COUNTS, st.sampled_from(list(INTERVALS)))
def test_intervals_mirror_failures(of: tuple[int, int], method: str) -> None:
    x, n = of
    low, high = proportion_interval(x, n, method)
    other_low, other_high = proportion_interval(n - x, n, method)
    np.testing.assert_allclose([1 - high, 1 - low], [other_low, other_high], atol=1e-9)
    assert 0 <= low < high <= 1
    if method != "jeffreys" or 0 < x < n:
        assert low - 1e-12 <= x / n <= high + 1e-12


@pytest.mark.parametrize("method", INTERVALS)
def test_edges_and_arrays(method: str) -> None:
    low, high = proportion_interval(np.array([[0, 20], [3.5, 0]]), np.array([[20, 20], [7.25, 0]]), method)
    assert low.shape == high.shape == (2, 2)
    if method != "jeffreys":
        assert low[0, 0] == 0.0
        assert high[0, 1] == 1.0
    assert 0 < high[0, 0] < 0.25
    assert low[1, 0] < 3.5 / 7.25 < high[1, 0]
    assert math.isnan(low[1, 1])
    assert math.isnan(high[1, 1])


def test_zero_of_twenty_by_hand() -> None:
    # Exact: 1 - .025^(1/20); Wilson: z^2 / (n + z^2).
    assert float(clopper_pearson(0, 20)[1]) == pytest.approx(1 - 0.025 ** (1 / 20), abs=1e-12)
    z2 = stats.norm.ppf(0.975) ** 2
    assert float(wilson(0, 20)[1]) == pytest.approx(z2 / (20 + z2), abs=1e-12)


@pytest.mark.parametrize(("x", "n"), [(-1, 5), (6, 5), ([1, 9], [5, 5])])
def test_more_successes_than_posts_are_refused(x: object, n: object) -> None:
    with pytest.raises(UsageError, match=r"^x must lie between 0 and n: so many of n posts$"):
        wilson(x, n)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_is_a_fraction(level: float) -> None:
    with pytest.raises(UsageError, match=r"^level is .*; it must lie between 0 and 1, like 0\.95$"):
        agresti_coull(1, 2, level)


def exact_coverage(method: str, n: int, p: float) -> float:
    x = np.arange(n + 1)
    low, high = proportion_interval(x, np.full(n + 1, n), method)
    return float(stats.binom.pmf(x, n, p)[(low <= p) & (p <= high)].sum())


def test_coverage_summed_over_all_outcomes() -> None:
    """Brown, Cai and DasGupta (2001): Wilson and Jeffreys lie about 0.95 on average, the exact one never under it."""
    grid = np.linspace(0.02, 0.98, 97)
    covered = {method: np.array([exact_coverage(method, 50, p) for p in grid]) for method in INTERVALS}
    assert covered["beta"].min() >= 0.95
    assert 0.96 < covered["beta"].mean() < 0.985
    for method in ("wilson", "jeffreys"):
        assert covered[method].mean() == pytest.approx(0.95, abs=0.006)
    assert 0.95 < covered["agresti_coull"].mean() < 0.965


def test_share_and_standard_errors_of_clustered_posts() -> None:
    """Closed form; CR0 checked against the cluster covariance of statsmodels."""
    assert float(ratio_se(NATIONALIST, POSTS, small_sample=False)) == pytest.approx(0.16050718981839548, abs=1e-12)
    assert float(ratio_se(NATIONALIST, POSTS)) == pytest.approx(0.17582681701059746, abs=1e-12)
    assert float(author_share(NATIONALIST, POSTS)) == pytest.approx(0.5509259259259259, abs=1e-12)
    assert float(kish_n_eff(POSTS)) == pytest.approx(3.9083969465648853, abs=1e-12)
    made = ratio_estimate(NATIONALIST, POSTS)
    assert float(made.value) == pytest.approx(0.53125, abs=1e-12)
    reach = stats.t.ppf(0.975, 5) * 0.17582681701059746
    assert (float(made.low), float(made.high)) == pytest.approx((0.53125 - reach, 0.53125 + reach), abs=1e-12)
    assert (made.n_eff, made.assumed, made.weight) == (
        pytest.approx(3.9083969465648853), "classifier_errors_cancel", "post",
    )  # fmt: skip


def test_posts_of_their_own_authors_are_independent() -> None:
    # se_iid of the same case: sqrt(p (1 - p) / n) with 17 of 32.
    successes = [1] * 17 + [0] * 15
    made = float(ratio_se(successes, [1] * 32, small_sample=False))
    assert made == pytest.approx(0.08821554523934542, abs=1e-12)
    assert float(ratio_se(successes, [1] * 32)) == pytest.approx(made * math.sqrt(32 / 31), abs=1e-12)


AUTHORS = st.lists(
    st.integers(1, 9).flatmap(lambda m: st.tuples(st.integers(0, m), st.just(m))), min_size=2, max_size=8
)


@settings(deadline=None, max_examples=60)
@given(AUTHORS)
def test_ratio_se_is_that_of_fractions(authors: list[tuple[int, int]]) -> None:
    total = sum(m for _, m in authors)
    p = Fraction(sum(s for s, _ in authors), total)
    squares = sum((s - p * m) ** 2 for s, m in authors)
    s, m = zip(*authors, strict=True)
    a = len(authors)
    expected = math.sqrt(squares) / total
    assert float(ratio_se(s, m, small_sample=False)) == pytest.approx(expected, abs=1e-12)
    assert float(ratio_se(s, m)) == pytest.approx(expected * math.sqrt(a / (a - 1)), abs=1e-12)
    # An author without posts changes nothing, and leading axes stand side by side.
    both = ratio_se([[*s, 0], [*s, 0]], [[*m, 0], [*m, 0]])
    np.testing.assert_allclose(both, float(ratio_se(s, m)), atol=1e-12)
    assert float(author_share([*s, 0], [*m, 0])) == pytest.approx(sum(x / y for x, y in authors) / a)


def test_one_author_has_no_standard_error() -> None:
    assert math.isnan(float(ratio_se([3], [4])))
    assert float(ratio_se([3], [4], small_sample=False)) == 0.0
    assert math.isnan(float(author_share([0], [0])))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=9).filter(lambda w: sum(w) > 1e-3))
def test_kish_lies_between_one_and_the_number_of_weights(weights: list[float]) -> None:
    made = float(kish_n_eff(weights))
    assert 1.0 - 1e-9 <= made <= len(weights) + 1e-9
    assert float(kish_n_eff([7.0 * w for w in weights])) == pytest.approx(made)
    assert float(kish_n_eff([3.0] * len(weights))) == pytest.approx(len(weights))


def test_kish_of_nothing() -> None:
    assert kish_n_eff([[0.0, 0.0], [1.0, 1.0]]).tolist() == [0.0, 2.0]


def test_cluster_se_sums_within_authors_first() -> None:
    psi = np.array([[1.0, -1.0], [2.0, 0.0], [-4.0, 2.0]])
    np.testing.assert_allclose(cluster_se(psi), np.sqrt([21.0, 5.0]))
    np.testing.assert_allclose(cluster_se(psi, ["x", "x", "y"], small_sample=False), np.sqrt([25.0, 5.0]))
    np.testing.assert_allclose(cluster_se(psi, ["x", "x", "y"]), np.sqrt([50.0, 10.0]))
    np.testing.assert_allclose(cluster_se(psi[::-1], ["y", "x", "x"]), np.sqrt([50.0, 10.0]))
    assert np.isnan(cluster_se(psi, ["x"] * 3)).all()
    with pytest.raises(UsageError, match=r"^author has the shape \(2,\); it must name one for each of 3 posts$"):
        cluster_se(psi, ["x", "y"])


def test_heavy_authors_break_the_plain_interval_and_not_the_clustered_one() -> None:
    """Authors of 1 to 30 posts who lean to one frame: the truth is 0.3."""
    rng = np.random.default_rng(3)
    held = {"clustered": 0, "plain": 0, "authors": 0}
    repetitions, a = 600, 150
    t = stats.t.ppf(0.975, a - 1)
    for _ in range(repetitions):
        m = np.minimum(1 + rng.pareto(1.8, a).astype(int), 30)
        s = rng.binomial(m, rng.beta(0.7, 1.633333, a))
        p, se = s.sum() / m.sum(), float(ratio_se(s, m))
        held["clustered"] += abs(p - 0.3) <= t * se
        low, high = wilson(s.sum(), m.sum())
        held["plain"] += bool(low <= 0.3 <= high)
        each = s / m
        held["authors"] += abs(each.mean() - 0.3) <= t * each.std(ddof=1) / math.sqrt(a)
    assert 0.92 <= held["clustered"] / repetitions <= 0.975
    assert 0.93 <= held["authors"] / repetitions <= 0.97
    assert held["plain"] / repetitions < 0.90
