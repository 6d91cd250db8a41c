"""Tests of two windows against scipy and arithmetic by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from discourse.errors import UsageError
from discourse.judging import wald as module
from discourse.judging.wald import AuthorWeights, Means, above, holm, moved, psi, psi_null, rao_scott, wald
from discourse.poisson import poisson_weights

Floats = npt.NDArray[np.float64]


def means(estimate: list[float], replicates: Floats, n_eff: float = 100.0) -> Means:
    return Means(np.array(estimate), replicates, n_eff, int(n_eff), int(n_eff))


def drawn(authors: int, seed: int = 0, replicates: int = 400) -> AuthorWeights:
    return AuthorWeights.of([f"a{i}" for i in range(authors)], replicates, seed)


def shares(draws: AuthorWeights, place: npt.NDArray[np.int64], category: npt.NDArray[np.int64], k: int) -> Means:
    return draws.shares(place, np.ones(len(place)), category, k)


# Stability index.


def test_psi_of_the_reference_values() -> None:
    assert psi([0.3, 0.2, 0.5], [0.42, 0.18, 0.4]) == pytest.approx(0.06479823383912305, abs=1e-12)


def test_psi_at_the_edges() -> None:
    assert psi([0.2, 0.8], [0.2, 0.8]) == 0.0
    assert psi([30, 20, 50], [84, 36, 80]) == pytest.approx(0.06479823383912305, abs=1e-12)  # counts
    assert psi([0.0, 1.0], [0.0, 1.0]) == 0.0
    assert psi([0.0, 1.0], [0.5, 0.5]) == float("inf")
    by_hand = (0.5 - 0.01) * np.log(0.5 / 0.01) + (0.5 - 1.0) * np.log(0.5)
    assert psi([0.0, 1.0], [0.5, 0.5], floor=0.01) == pytest.approx(by_hand)
    with pytest.raises(UsageError, match="2 and 3 shares"):
        psi([0.5, 0.5], [0.3, 0.3, 0.4])


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6).flatmap(
    lambda one: st.tuples(st.just(one), st.lists(st.floats(0.01, 1.0), min_size=len(one), max_size=len(one)))
))  # fmt: skip
def test_psi_is_the_sum_of_both_divergences(pair: tuple[list[float], list[float]]) -> None:
    e, a = (np.array(one) / sum(one) for one in pair)
    assert psi(e, a) == pytest.approx(stats.entropy(e, a) + stats.entropy(a, e), abs=1e-9)
    assert psi(e, a) == pytest.approx(psi(a, e), abs=1e-12)
    assert psi(e, a) >= -1e-15


# Weights and means.


def test_means_and_replicates_are_weighted_by_hand() -> None:
    draws = drawn(3, seed=5, replicates=20)
    place, weight = np.array([0, 0, 2]), np.array([0.5, 0.5, 1.0])
    made = draws.means(place, weight, np.array([[1.0], [0.0], [3.0]]))
    assert made.estimate.tolist() == [(0.5 + 3.0) / 2.0]
    w = poisson_weights(["a0", "a1", "a2"], 20, 5)
    with np.errstate(invalid="ignore"):
        wanted = (0.5 * w[0] + 3.0 * w[2]) / (w[0] + w[2])
    np.testing.assert_allclose(made.replicates[0], wanted)
    assert np.isnan(wanted).any(), "a replicate without any author is among the twenty"
    assert (made.authors, made.posts, made.n_eff) == (2, 3, 2.0)
    same = draws.shares(place, weight, np.array([1, 0, 1]), 2)
    assert same.estimate.tolist() == [0.25, 0.75]


def test_kish_counts_heavy_authors_less() -> None:
    made = drawn(3).means(np.array([0, 0, 0, 1, 2]), np.ones(5), np.zeros((5, 1)))
    assert made.n_eff == pytest.approx(25 / 11)


def test_weights_in_blocks_are_those_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    place, values = np.arange(50) % 7, np.random.default_rng(0).random((50, 2))
    whole = drawn(7).means(place, np.ones(50), values)
    monkeypatch.setattr(module, "_ROWS", 3)
    parts = drawn(7).means(place, np.ones(50), values)
    np.testing.assert_allclose(parts.replicates, whole.replicates)


# Wald.


def test_one_difference_is_a_t_test() -> None:
    rng = np.random.default_rng(1)
    one, other = means([0.2], rng.normal(0.2, 0.03, (1, 300)), 80), means([0.31], rng.normal(0.31, 0.04, (1, 300)), 50)
    spread = (other.replicates - one.replicates).std(ddof=1)
    made = wald(one, other, composition=False)
    assert made.statistic == pytest.approx((0.11 / spread) ** 2)
    assert (made.df1, made.df2) == (1.0, 49.0)
    assert made.p == pytest.approx(2 * stats.t.sf(0.11 / spread, 49))


def test_two_differences_are_hotellings_test_with_a_matrix_by_hand() -> None:
    rng = np.random.default_rng(2)
    replicates = rng.multivariate_normal([0, 0], [[4e-4, 1e-4], [1e-4, 9e-4]], 500).T
    one, other = means([0.0, 0.0], np.zeros((2, 500)), 60), means([0.05, -0.04], replicates, 70)
    v = np.cov(replicates)
    inverse = np.array([[v[1, 1], -v[0, 1]], [-v[0, 1], v[0, 0]]]) / (v[0, 0] * v[1, 1] - v[0, 1] ** 2)
    d = np.array([0.05, -0.04])
    made = wald(one, other, composition=False)
    assert made.statistic == pytest.approx(d @ inverse @ d)
    assert (made.df1, made.df2) == (2.0, 58.0)
    assert made.p == pytest.approx(stats.f.sf(d @ inverse @ d * 58 / (59 * 2), 2, 58))


def test_with_many_authors_and_replicates_it_is_chi_squared() -> None:
    rng = np.random.default_rng(3)
    one, other = (means([0.0, 0.0], rng.normal(0, 0.01, (2, 40_000)), 1e6) for _ in range(2))
    other = means([0.03, 0.02], other.replicates, 1e6)
    made = wald(one, other, composition=False)
    assert made.statistic is not None
    assert made.p == pytest.approx(stats.chi2.sf(made.statistic, 2), rel=0.01)


def test_replicates_limit_the_degrees_of_freedom_too() -> None:
    rng = np.random.default_rng(4)
    one, other = (means([0.1], rng.normal(0.1, 0.01, (1, 40)), 1000) for _ in range(2))
    assert wald(one, other, composition=False).df2 == 39.0


@pytest.mark.parametrize(("n_eff", "tested"), [(29.9, False), (30.0, True)])
def test_few_effective_authors_are_not_tested(n_eff: float, tested: bool) -> None:
    rng = np.random.default_rng(5)
    one, other = (means([0.1, 0.9], rng.normal(0.5, 0.01, (2, 400)), size) for size in (200.0, n_eff))
    for made in (wald(one, other, composition=False), rao_scott(one, other), above(other, 0.05)):
        assert (made.p is not None) is tested


def test_which_category_is_left_out_makes_no_difference() -> None:
    rng = np.random.default_rng(6)
    draws = drawn(300)
    category = rng.integers(0, 4, 300)
    found = []
    for order in ([0, 1, 2, 3], [3, 2, 0, 1]):
        named = np.array(order)[category]
        one, other = (shares(draws, np.arange(300)[part], named[part], 4) for part in (slice(150), slice(150, 300)))
        found.append(wald(one, other, composition=True))
    assert found[0].p == pytest.approx(found[1].p, rel=1e-6)
    assert found[0].df1 == 3.0


def test_certain_shares_that_differ_are_found_and_equal_ones_cannot_be_tested() -> None:
    draws = drawn(100)
    place = np.arange(50)
    all_right = shares(draws, place, np.zeros(50, np.int64), 2)
    all_wrong = shares(draws, place + 50, np.ones(50, np.int64), 2)
    made = wald(all_right, all_wrong, composition=True)
    assert made.p is not None
    assert made.p < 1e-6
    assert wald(all_right, all_right, composition=True).p is None


def test_a_share_of_one_is_not_certain() -> None:
    """50 of 50 against 46 of 50: Fisher's exact test says .117, a Wald test of the sample variances says .04."""
    draws = drawn(100)
    one = shares(draws, np.arange(50), np.zeros(50, np.int64), 2)
    other = shares(draws, np.arange(50) + 50, (np.arange(50) < 4).astype(np.int64), 2)
    made = wald(one, other, composition=True)
    assert made.p is not None
    assert 0.04 < made.p < stats.fisher_exact([[50, 0], [46, 4]]).pvalue


def test_common_authors_keep_their_covariance() -> None:
    """The same loyal people in both windows: the difference varies less than that of other people."""
    draws = drawn(400)
    place, loyal = np.arange(200), (np.arange(200) % 2).astype(np.int64)
    one = shares(draws, place, loyal, 2)
    same, others = shares(draws, place, loyal, 2), shares(draws, place + 200, loyal, 2)
    assert (same.replicates - one.replicates).std() == 0.0
    assert (others.replicates - one.replicates)[0].std() == pytest.approx(np.sqrt(2 * 0.25 / 200), rel=0.15)


# Rao and Scott.


def test_of_one_post_an_author_it_is_pearsons_chi_squared() -> None:
    rng = np.random.default_rng(7)
    draws, k = drawn(1200), 6
    category = np.concatenate([rng.integers(0, k, 600), rng.choice(k, 600, p=[0.2, 0.14, 0.165, 0.165, 0.165, 0.165])])
    one, other = (shares(draws, np.arange(1200)[part], category[part], k) for part in (slice(600), slice(600, 1200)))
    made = rao_scott(one, other)
    table = np.stack([np.bincount(category[part], minlength=k) for part in (slice(600), slice(600, 1200))])
    pearson = stats.chi2_contingency(table)
    assert made.statistic is not None
    assert made.statistic * 600 * 600 / 1200 == pytest.approx(pearson.statistic)
    assert made.df1 == pytest.approx(k - 1, rel=0.1)
    assert 0.001 < pearson.pvalue < 0.5
    assert made.p == pytest.approx(pearson.pvalue, rel=0.3)
    assert psi_null(one, other) == pytest.approx((k - 1) * (1 / 600 + 1 / 600), rel=0.15)


def test_categories_that_neither_window_has_change_nothing() -> None:
    rng = np.random.default_rng(8)
    draws = drawn(200)
    category = rng.integers(0, 3, 200)
    parts = (slice(100), slice(100, 200))
    three, five = ([shares(draws, np.arange(200)[part], category[part], k) for part in parts] for k in (3, 5))
    assert rao_scott(*three) == rao_scott(*five)
    assert psi_null(*three) == psi_null(*five)
    assert moved(*three) == pytest.approx(moved(*five))


def test_moved_is_the_share_that_changed_place() -> None:
    nothing = np.zeros((3, 2))
    assert moved(means([0.5, 0.3, 0.2], nothing), means([0.4, 0.25, 0.35], nothing)) == pytest.approx(0.15)


# One-sided, and families.


def test_above_is_one_sided_t() -> None:
    rng = np.random.default_rng(9)
    value = means([0.56], rng.normal(0.56, 0.03, (1, 400)), 60)
    t = 0.06 / value.replicates.std(ddof=1)
    made = above(value, 0.5)
    assert made.p == pytest.approx(stats.t.sf(t, 59))
    assert made.statistic == pytest.approx(t**2)
    assert above(means([0.44], value.replicates, 60), 0.5).p == pytest.approx(stats.t.cdf(t, 59))


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=8))
@settings(max_examples=100)
def test_holm_is_monotone_and_never_below_p_nor_above_bonferroni(ps: list[float | None]) -> None:
    made = holm(ps)
    tests = sum(p is not None for p in ps)
    for p, adjusted in zip(ps, made, strict=True):
        assert (p is None) == (adjusted is None)
        if p is not None and adjusted is not None:
            assert p <= adjusted <= min(1.0, tests * p) + 1e-12
    known = sorted((p, q) for p, q in zip(ps, made, strict=True) if p is not None and q is not None)
    assert [q for _, q in known] == sorted(q for _, q in known)


def test_holm_by_hand() -> None:
    """Sorted .01, .03, .04: 3 x .01, 2 x .03, and .04 is raised to the one before it."""
    assert holm([0.04, 0.01, None, 0.03]) == pytest.approx([0.06, 0.03, None, 0.06])


def test_false_alarms_with_heavy_tailed_authors_whose_posts_are_alike() -> None:
    """400 worlds of 120 authors a window, Pareto posts, each author with one class: nominal .05 and .01.

    3 standard errors above nominal are .083 and .025. Posts taken as independent reject most of the time.
    """
    rng = np.random.default_rng(10)
    rejected, independent = [], []
    draws = drawn(240, replicates=200)
    for _ in range(400):
        posts = rng.poisson(4 * rng.pareto(1.3, 240)) + 1
        category = (rng.random(240) < 0.4).astype(np.int64)
        place, even = np.repeat(np.arange(240), posts), np.repeat(1.0 / posts, posts)
        early = place < 120
        one, other = (draws.shares(place[at], even[at], category[place[at]], 2) for at in (early, ~early))
        rejected.append(wald(one, other, composition=True).p)
        table = [np.bincount(category[place[at]], minlength=2) for at in (early, ~early)]
        independent.append(stats.chi2_contingency(table).pvalue)
    p = np.array(rejected, dtype=float)
    assert (p < 0.05).mean() < 0.083
    assert (p < 0.01).mean() < 0.025
    assert (p < 0.5).mean() > 0.4, "nor does it never reject"
    assert (np.array(independent) < 0.01).mean() > 0.5
