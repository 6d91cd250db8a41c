from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import UsageError
from discourse.estimators.stratified import gold_only, gold_se, poststrat, poststrat_se, variance_gain

# Tenenbein (1970); Cochran (1977), section 12.2, in closed form.
COUNTS = [2400, 1600, 6000]
GOLD = np.array([[40, 3, 18], [2, 31, 14], [6, 12, 124]]).T  # true by predicted, turned round
SHARES = [0.2796655518394649, 0.17167224080267557, 0.5486622073578595]


def test_post_stratified_shares_of_a_known_case() -> None:
    np.testing.assert_allclose(poststrat(COUNTS, GOLD), SHARES, atol=1e-12, rtol=0)
    assert poststrat_se(COUNTS, GOLD, smooth=False)[0] == pytest.approx(0.021252645772914996, abs=1e-12)
    assert poststrat_se(COUNTS, GOLD)[0] == pytest.approx(0.021447746532520164, abs=1e-12)


TABLES = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@settings(deadline=None, max_examples=60)
@given(TABLES, st.integers(1, 4), st.integers(1, 5))
def test_poststrat_is_the_slow_sum(rng: np.random.Generator, k: int, j: int) -> None:
    counts, gold = rng.integers(0, 50, j), rng.integers(0, 9, (j, k))
    gold[:, 0] += 1
    counts[0] += 1
    expected = [
        sum(float(counts[i] * gold[i, c] / gold[i].sum()) for i in range(j)) / float(counts.sum()) for c in range(k)
    ]
    np.testing.assert_allclose(poststrat(counts, gold), expected, atol=1e-12)
    np.testing.assert_allclose(poststrat(counts * 7.5, gold * 0.25), expected, atol=1e-12)
    assert poststrat(counts, gold).sum() == pytest.approx(1.0)


def test_classes_without_posts_or_without_gold() -> None:
    made = poststrat([[4, 0], [4, 1], [0, 0]], [[[3, 1], [0, 0]]] * 3)
    assert made[0].tolist() == [0.75, 0.25]
    assert np.isnan(made[1:]).all()
    se = poststrat_se([[4, 0], [4, 1]], [[[3, 1], [0, 0]]] * 2)
    assert np.isfinite(se[0]).all()
    assert np.isnan(se[1]).all()
    assert np.isnan(poststrat_se([4, 4], [[1, 0], [2, 2]], smooth=False)).all()
    assert np.isfinite(poststrat_se([4, 4], [[1, 0], [2, 2]])).all()


def test_replicates_in_front() -> None:
    rng = np.random.default_rng(1)
    counts, gold = rng.integers(1, 50, (5, 2, 4)), rng.integers(1, 9, (5, 2, 4, 3))
    for made, one in ((poststrat(counts, gold), poststrat), (poststrat_se(counts, gold), poststrat_se),
                      (variance_gain(counts, gold), variance_gain)):  # fmt: skip
        assert made.shape == (5, 2, 3)
        for at in itertools.product(range(5), range(2)):
            np.testing.assert_allclose(made[at], one(counts[at], gold[at]), atol=1e-12)


def test_effective_numbers_take_the_place_of_counts() -> None:
    plain = poststrat_se(COUNTS, GOLD, smooth=False)
    scaled = poststrat_se(
        np.array(COUNTS) * 0.5, GOLD * 8.0, smooth=False, labels=GOLD.sum(axis=1), posts=float(sum(COUNTS))
    )
    np.testing.assert_allclose(scaled, plain, atol=1e-12)
    fewer = poststrat_se(COUNTS, GOLD, smooth=False, labels=GOLD.sum(axis=1) / 4, posts=sum(COUNTS) / 4)
    assert (fewer > 1.9 * plain).all()


def test_gold_alone_by_hand() -> None:
    assert gold_only(GOLD).round(12).tolist() == [round(x / 250, 12) for x in (61, 47, 142)]
    np.testing.assert_allclose(gold_se(GOLD)[0], np.sqrt(61 / 250 * 189 / 250 / 249), atol=1e-12)
    assert np.isnan(gold_se([[1, 0], [0, 0]])).all()


def test_one_class_is_gold_alone() -> None:
    """A classifier that says the same of all posts: the same share, and the within part is the gold's variance."""
    table = np.array([[12.0, 18.0]])
    np.testing.assert_allclose(poststrat([500], table), gold_only(table))
    np.testing.assert_allclose(poststrat_se([500], table, smooth=False), gold_se(table), atol=1e-12)
    np.testing.assert_allclose(variance_gain([500], table), [0.0, 0.0], atol=1e-12)


def test_gain_by_hand() -> None:
    """Ten labels: classes of 6 and 4 with 5 and 1 hits, W = .7 and .3."""
    within = [5 / 6 * 1 / 6 * 6 / 5, 1 / 4 * 3 / 4 * 4 / 3]
    overall = 0.6 * 0.4 * 10 / 9
    expected = 1 - (0.7 * within[0] + 0.3 * within[1] + (0.3 * within[0] + 0.7 * within[1]) / 10) / overall
    np.testing.assert_allclose(variance_gain([70, 30], [[5, 1], [1, 3]]), expected, atol=1e-12)
    # One label in a class says nothing of its spread: that of all labels stands in.
    six, seven = 5 / 6 * 1 / 6 * 6 / 5, 5 / 7 * 2 / 7 * 7 / 6
    expected = 1 - (0.7 * six + 0.3 * seven + (0.3 * six + 0.7 * seven) / 7) / seven
    np.testing.assert_allclose(variance_gain([70, 30], [[5, 1], [0, 1]]), expected, atol=1e-12)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^counts have the shape \(2,\) and gold \(3, 3\); they must be \(\.\.\., j"):
        poststrat([1, 2], GOLD)


def test_standard_errors_and_gain_are_those_of_samples() -> None:
    """4,000 samples of 5,000 posts and 200 of them coded, from one joint distribution of predicted and true class."""
    rng = np.random.default_rng(4)
    joint = np.array([[0.20, 0.03, 0.05], [0.02, 0.12, 0.04], [0.04, 0.06, 0.34], [0.03, 0.03, 0.04]])
    gold = rng.multinomial(200, joint.ravel(), 4_000).reshape(-1, 4, 3)
    others = rng.multinomial(4_800, joint.sum(axis=1), 4_000)
    counts = others + gold.sum(axis=2)
    made, alone = poststrat(counts, gold), gold_only(gold)
    truth = joint.sum(axis=0)
    np.testing.assert_allclose(made.mean(axis=0), truth, atol=4 * 0.03 / np.sqrt(4_000))
    for se in (poststrat_se(counts, gold), poststrat_se(counts, gold, smooth=False)):
        np.testing.assert_allclose(np.sqrt(np.square(se).mean(axis=0)), made.std(axis=0), rtol=0.05)
        held = np.abs(made - truth) <= 1.96 * se
        assert ((held.mean(axis=0) > 0.93) & (held.mean(axis=0) < 0.965)).all()
    np.testing.assert_allclose(np.sqrt(np.square(gold_se(gold)).mean(axis=0)), alone.std(axis=0), rtol=0.05)
    # The gain is meant for many posts: what N = 5,000 leaves of the variance between classes is taken off first.
    between = np.einsum("j,jk->k", joint.sum(axis=1), np.square(joint / joint.sum(axis=1)[:, None] - truth)) / 5_000
    expected = 1 - (made.var(axis=0) - between) / alone.var(axis=0)
    np.testing.assert_allclose(variance_gain(counts, gold).mean(axis=0), expected, atol=0.04)


def test_smoothing_keeps_few_labels_of_one_kind_uncertain() -> None:
    few = [[3, 0], [0, 3]]
    assert poststrat_se([500, 500], few, smooth=False).max() < 0.02
    assert poststrat_se([500, 500], few).min() > 0.1
