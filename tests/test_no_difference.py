"""Tests of no difference: their size with heavy-tailed authors, their power, exactness, and what they refuse."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from discourse.errors import SchemaError, UsageError
from discourse.indices.no_difference import (
    STATISTICS,
    permutation_test,
    replicate_covariance,
    wald_of_replicates,
    wald_test,
)
from discourse.indices.within import net_tone

Array = np.ndarray
P, Q = np.array([0.25, 0.5, 0.25]), np.array([0.25, 0.35, 0.40])


def authors(rng: np.random.Generator, p: Array, n: int, tail: float = 1.1) -> Array:
    """Counts (n, 3) of authors with heavy-tailed numbers of posts who lean their own way around p."""
    posts = np.minimum(np.ceil(rng.pareto(tail, n)), 3000).astype(int)
    own = rng.dirichlet(p * 7 / 3, n)
    return np.array([rng.multinomial(max(1, m), q) for m, q in zip(posts, own, strict=True)], dtype=float)


def replicates(rng: np.random.Generator, each: Array, b: int = 200) -> Array:
    weights = np.vstack([np.ones(len(each)), rng.poisson(1.0, (b, len(each)))])
    summed = weights @ each
    made: Array = summed / summed.sum(axis=1, keepdims=True)
    return made


def effective(each: Array) -> float:
    posts = each.sum(axis=1)
    return float(posts.sum() ** 2 / (posts**2).sum())


def wald_p(rng: np.random.Generator, weight: str, sizes: tuple[int, int], q: Array = P) -> tuple[float, float]:
    sides = [authors(rng, x, n) for x, n in zip((P, q), sizes, strict=True)]
    if weight == "author":
        sides = [side / side.sum(axis=1, keepdims=True) for side in sides]
    first, second = (replicates(rng, side) for side in sides)
    n_eff = min(map(effective, sides))
    return wald_of_replicates(first, second, n_eff=n_eff).p, wald_of_replicates(first, second).p


@pytest.mark.parametrize(
    ("weight", "sizes", "low", "high"),
    [("author", (30, 30), 0.02, 0.08), ("author", (60, 200), 0.03, 0.08), ("post", (200, 200), 0.01, 0.08)],
)
def test_the_wald_test_rejects_as_often_as_it_says(
    weight: str, sizes: tuple[int, int], low: float, high: float
) -> None:
    rng = np.random.default_rng([1, *sizes])
    p = np.array([wald_p(rng, weight, sizes) for _ in range(500)])
    assert low <= float((p[:, 0] < 0.05).mean()) <= high
    if weight == "post":
        # Without the effective number of authors a handful of loud accounts decide.
        assert float((p[:, 1] < 0.05).mean()) > 0.09


def test_the_wald_test_finds_a_difference() -> None:
    rng = np.random.default_rng(2)
    p = np.array([wald_p(rng, "author", (150, 150), Q)[0] for _ in range(100)])
    assert float((p < 0.05).mean()) > 0.8


def test_the_wald_statistic_is_the_textbook_one() -> None:
    n, m = 400, 300
    p, q = np.array([0.3, 0.5, 0.2]), np.array([0.24, 0.5, 0.26])
    cov = [(np.diag(x) - np.outer(x, x)) / size for x, size in ((p, n), (q, m))]
    made = wald_test(p, q, *cov)
    d, c = (p - q)[:2], (cov[0] + cov[1])[:2, :2]
    expected = float(d @ np.linalg.solve(c, d))
    assert made.statistic == pytest.approx(expected, rel=1e-9)
    assert made.held_against == "chi squared(2)"
    assert made.p == pytest.approx(stats.chi2.sf(expected, 2), rel=1e-9)
    few = wald_test(p, q, *cov, n_eff=31, replicates=400)
    assert few.held_against == "F(2, 29)"
    assert few.p == pytest.approx(stats.f.sf(expected * 29 / (30 * 2), 2, 29), rel=1e-9)
    assert few.p > made.p
    assert wald_test(p, q, *cov, n_eff=4000, replicates=31).p == few.p


def test_a_share_that_does_not_vary_takes_no_degree_of_freedom() -> None:
    p, q = np.array([0.4, 0.6, 0.0]), np.array([0.5, 0.5, 0.0])
    cov = [(np.diag(x) - np.outer(x, x)) / 100 for x in (p, q)]
    made = wald_test(p, q, *cov)
    assert made.held_against == "chi squared(1)"
    z = 0.1 / math.sqrt(0.24 / 100 + 0.25 / 100)
    assert made.p == pytest.approx(2 * stats.norm.sf(z), rel=1e-9)
    still = np.zeros((3, 3))
    assert wald_test(p, q, still, still).p == 0.0
    assert math.isnan(wald_test(p, p, still, still).p)
    assert math.isnan(wald_test([np.nan] * 3, q, *cov).p)
    # Two effective authors cannot tell two directions.
    three = [(np.diag(x) - np.outer(x, x)) / 9 for x in (P, Q)]
    assert math.isnan(wald_test(P, Q, *three, n_eff=2).p)


def test_replicates_with_gaps_are_left_out() -> None:
    rng = np.random.default_rng(5)
    first, second = rng.dirichlet([3, 5, 2], 50), rng.dirichlet([3, 5, 2], 50)
    holes = first.copy()
    holes[[4, 9]] = np.nan
    kept = np.delete(np.arange(50), [4, 9])
    assert wald_of_replicates(holes, second) == wald_of_replicates(first[kept], second[kept])
    assert math.isnan(wald_of_replicates(first[:3], second[:3]).p)
    np.testing.assert_allclose(replicate_covariance(first), np.cov(first.T), atol=1e-15)
    np.testing.assert_allclose(replicate_covariance(holes), np.cov(first[kept].T), atol=1e-15)
    assert np.isnan(replicate_covariance(first[:1])).all()
    assert replicate_covariance(np.stack([first, second])).shape == (2, 3, 3)


def test_a_permutation_test_converges_to_all_permutations() -> None:
    values = np.array([[3, 0, 0], [1, 2, 0], [0, 2, 2], [0, 1, 4], [0, 0, 1], [5, 5, 1], [0, 4, 0]])
    sides = np.array(list("aaabbbb"))
    at = values / values.sum(axis=1, keepdims=True)

    def apart(first: set[int]) -> float:
        p = at[sorted(first)].mean(axis=0)
        q = at[sorted(set(range(7)) - first)].mean(axis=0)
        return float((p[0] - q[0]) ** 2 + (p[2] - q[2]) ** 2)

    every = [apart(set(some)) for some in itertools.combinations(range(7), 3)]
    observed = apart({0, 1, 2})
    exact = np.mean([value >= observed - 1e-12 for value in every])
    made = permutation_test(values, sides, seed=1, permutations=20_000)
    assert made.statistic == pytest.approx(observed, abs=1e-12)
    assert made.p == pytest.approx(exact, abs=0.012)
    assert made.held_against == "20000 permutations"


@pytest.mark.parametrize("weight", ["author", "post"])
def test_the_permutation_test_has_its_size(weight: str) -> None:
    rng = np.random.default_rng([3, len(weight)])
    p = []
    for i in range(400):
        values = np.vstack([authors(rng, P, 20), authors(rng, P, 45)])
        sides = ["one"] * 20 + ["two"] * 45
        p.append(permutation_test(values, sides, seed=i, permutations=99, weight=weight).p)
    assert 0.025 <= float((np.array(p) <= 0.05).mean()) <= 0.08
    assert 0.40 <= float((np.array(p) <= 0.5).mean()) <= 0.60


@pytest.mark.parametrize("statistic", sorted(STATISTICS))
def test_every_statistic_finds_a_difference_and_knows_no_order(statistic: str) -> None:
    rng = np.random.default_rng(4)
    values = np.vstack([authors(rng, P, 80), authors(rng, np.array([0.1, 0.3, 0.6]), 80)])
    sides = np.array(["one"] * 80 + ["two"] * 80)
    made = permutation_test(values, sides, statistic, seed=1, permutations=199)
    assert made.p == 0.005
    mixed = rng.permutation(160)
    assert permutation_test(values[mixed], sides[mixed], statistic, seed=1, permutations=199) == made
    pooled = [values[sides == side].sum(axis=0) / values[sides == side].sum() for side in ("one", "two")]
    by_post = permutation_test(values, sides, statistic, seed=1, permutations=9, weight="post")
    assert by_post.statistic == pytest.approx(float(STATISTICS[statistic](*pooled)), abs=1e-12)
    assert by_post.statistic != pytest.approx(made.statistic, rel=1e-3)


def test_a_statistic_of_ones_own_and_four_frames() -> None:
    rng = np.random.default_rng(6)
    frames = np.vstack([rng.multinomial(5, [0.6, 0.1, 0.1, 0.2], 40), rng.multinomial(5, [0.1, 0.6, 0.1, 0.2], 40)])
    sides = [0] * 40 + [1] * 40
    named = permutation_test(frames, sides, "net-tone-gap", seed=2, permutations=99)
    own = permutation_test(frames, sides, lambda p, q: np.abs(net_tone(p) - net_tone(q)), seed=2, permutations=99)
    assert named == own
    assert named.p == 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wald_test([1, 0], [0, 1, 0], np.eye(3), np.eye(3)),
         "shares have shapes (2,) and (3,) and their covariance (3, 3); "
         "give (k,), (k,) and (k, k), one window at a time"),
        (lambda: wald_of_replicates(np.ones((2, 5, 3)), np.ones((2, 5, 3))),
         "replicates have shape (2, 5, 3); give (1 + b, k), one window at a time"),
        (lambda: permutation_test([[1, 0, 0]] * 3, ["a", "b", "c"], seed=1),
         "values have shape (3, 3) and there are 3 authors on 3 sides; give one row an author and two sides"),
        (lambda: permutation_test([[1, 0, 0]] * 3, ["a", "b"], seed=1),
         "values have shape (3, 3) and there are 2 authors on 2 sides; give one row an author and two sides"),
        (lambda: permutation_test([[1, 0, 0], [0, 0, 0]], ["a", "b"], seed=1),
         "1 of 2 authors have no posts; leave them out"),
        (lambda: permutation_test([[1, 0, 0]] * 2, ["a", "b"], seed=1, permutations=0),
         "permutations is 0; give 99 or more"),
    ],
)  # fmt: skip
def test_what_cannot_be_tested_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    assert str(caught.value) == message


def test_an_unknown_statistic_or_weight_is_told_the_options() -> None:
    with pytest.raises(SchemaError, match=r"^statistic is 'cramer'; it must be"):
        permutation_test([[1, 0, 0]] * 2, ["a", "b"], "cramer", seed=1)
    with pytest.raises(SchemaError, match=r"^weight is 'posts'; it must be 'author' or 'post'"):
        permutation_test([[1, 0, 0]] * 2, ["a", "b"], seed=1, weight="posts")
