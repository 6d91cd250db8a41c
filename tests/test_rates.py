from __future__ import annotations

import numpy as np
import pytest

from discourse.estimators.rates import gold_rates, normalised


def gold_of(labels: np.ndarray, replicates: int = 400, seed: int = 3) -> np.ndarray:
    """Gold counts (t, s, j, k, 1 + b) of independent authors with one label each, with Poisson replicates."""
    rng = np.random.default_rng(seed)
    replicated = rng.poisson(labels[..., None].repeat(replicates, axis=-1)).astype(float)
    return np.concatenate([labels[..., None].astype(float), replicated], axis=-1)


def test_the_estimate_is_the_plain_ratio() -> None:
    labels = np.array([[[[6, 2, 0, 0], [0, 0, 0, 5]]], [[[1, 1, 1, 1], [0, 3, 0, 1]]]])  # t=2, s=1, j=2, k=4
    rates = gold_rates(gold_of(labels), "window", seed=1)
    assert rates.shape == (401, 2, 1, 2, 4)
    assert rates[0, 0, 0].tolist() == [[0.75, 0.25, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    assert rates[0, 1, 0].tolist() == [[0.25, 0.25, 0.25, 0.25], [0.0, 0.75, 0.0, 0.25]]
    np.testing.assert_allclose(rates.sum(axis=-1), 1.0, atol=1e-9)


def test_a_class_without_gold_borrows_from_its_side_then_from_all_then_from_the_mix() -> None:
    labels = np.zeros((2, 2, 3, 4), dtype=int)
    labels[0, 0, 0] = [0, 0, 0, 4]  # window 0, side 0, class 0
    labels[1, 0, 0] = [9, 0, 0, 3]
    labels[0, 1, 1] = [0, 1, 0, 0]  # class 1 only on side 1; class 2 nowhere
    rates = gold_rates(gold_of(labels), "window", seed=1)[0]
    assert rates[0, 0, 0].tolist() == [0.0, 0.0, 0.0, 1.0]  # its own
    assert rates[1, 1, 0].tolist() == pytest.approx([9 / 16, 0.0, 0.0, 7 / 16])  # side 1 has none: all
    assert rates[1, 1, 1].tolist() == [0.0, 1.0, 0.0, 0.0]  # its side, the other window
    assert rates[0, 0, 2].tolist() == pytest.approx([9 / 17, 1 / 17, 0.0, 7 / 17])  # the mix of all labels


def test_ten_labels_of_one_kind_are_not_certainty() -> None:
    labels = np.zeros((1, 1, 1, 4), dtype=int)
    labels[0, 0, 0, 3] = 10
    replicates = gold_rates(gold_of(labels, replicates=4000), "window", seed=1)[1:, 0, 0, 0, 3]
    assert replicates.std() > 0.01  # plain resampling has none
    # One pseudo-label beside ten, from a prior that is near the labels: the mean stays above 10 / 11.
    assert 10 / 11 < replicates.mean() < 1.0


@pytest.mark.parametrize("n", [4, 8, 30, 200])
def test_spread_of_replicates_is_that_of_a_sampled_proportion(n: int) -> None:
    labels = np.zeros((1, 1, 1, 4), dtype=int)
    labels[0, 0, 0] = [n // 2, 0, 0, n // 2]
    replicates = gold_rates(gold_of(labels, replicates=20_000), "window", seed=1)[1:, 0, 0, 0, 0]
    unbiased = np.sqrt(0.25 / (n - 1))
    assert replicates.std() == pytest.approx(unbiased, rel=0.25 if n < 10 else 0.06)
    assert replicates.mean() == pytest.approx(0.5, abs=0.02)


def test_wider_scopes_pool_the_gold() -> None:
    labels = np.zeros((2, 2, 1, 4), dtype=int)
    labels[0, 0, 0], labels[1, 0, 0], labels[0, 1, 0] = [4, 0, 0, 0], [0, 4, 0, 0], [0, 0, 8, 0]
    side = gold_rates(gold_of(labels), "side", seed=1)[0]
    everything = gold_rates(gold_of(labels), "all", seed=1)[0]
    assert side[0, 0, 0].tolist() == side[1, 0, 0].tolist() == [0.5, 0.5, 0.0, 0.0]
    assert everything[1, 1, 0].tolist() == [0.25, 0.25, 0.5, 0.0]


def test_the_seed_moves_replicates_and_nothing_else() -> None:
    labels = np.zeros((1, 1, 1, 4), dtype=int)
    labels[0, 0, 0] = [3, 0, 0, 2]
    gold = gold_of(labels)
    before = gold.copy()
    one, again, other = (gold_rates(gold, "window", seed) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one[0] == other[0]).all()
    assert (one[1:] != other[1:]).any()
    assert (gold == before).all()


def test_normalised_leaves_empty_rows_open() -> None:
    made = normalised(np.array([[1.0, 3.0], [0.0, 0.0]]))
    assert made[0].tolist() == [0.25, 0.75]
    assert np.isnan(made[1]).all()
