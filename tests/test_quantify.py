from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from discourse.errors import SchemaError, UsageError
from discourse.estimators.quantify import (
    acc,
    acc_se,
    cc,
    condition_number,
    confusion_rates,
    inverse_rates,
    pacc,
    pcc,
    rogan_gladen,
    sld,
)
from discourse.poisson import poisson_weights

Floats = npt.NDArray[np.float64]

# QuaPy 0.2.3, ACC.solve_adjustment(solver="exact-raise").
TRUE_BY_PREDICTED = [[80, 8, 12], [6, 70, 24], [30, 20, 250]]
PREDICTED_SHARES = [0.24, 0.16, 0.6]
ADJUSTED = [0.20817062180835083, 0.14298588164614, 0.6488434965455091]
# QuaPy 0.2.3, EMQ.EM; fixed point verified with 20,000 iterations.
POSTERIORS = [
    [0.7, 0.1, 0.2], [0.55, 0.05, 0.4], [0.2, 0.3, 0.5], [0.1, 0.65, 0.25], [0.05, 0.8, 0.15], [0.15, 0.15, 0.7],
    [0.3, 0.1, 0.6], [0.08, 0.12, 0.8], [0.6, 0.25, 0.15], [0.25, 0.5, 0.25], [0.05, 0.05, 0.9], [0.33, 0.33, 0.34],
]  # fmt: skip
TRAINED = [0.2, 0.2, 0.6]
CONVERGED = [0.49340758633820186, 0.4499684288880961, 0.056623984773702084]


def test_adjusted_count_of_a_known_case() -> None:
    confusion = np.array(TRUE_BY_PREDICTED).T
    np.testing.assert_allclose(acc(PREDICTED_SHARES, confusion), ADJUSTED, atol=1e-9, rtol=0)
    np.testing.assert_allclose(acc(PREDICTED_SHARES, confusion, fit="simplex"), ADJUSTED, atol=1e-9, rtol=0)
    np.testing.assert_allclose(acc([2400, 1600, 6000], confusion), ADJUSTED, atol=1e-9, rtol=0)
    np.testing.assert_allclose(cc([240, 160, 600]), PREDICTED_SHARES, atol=1e-12)


def test_rogan_gladen_of_a_known_case() -> None:
    assert float(rogan_gladen(0.3, 0.85, 0.9)) == pytest.approx(0.2666666666666666, abs=1e-12)
    assert rogan_gladen([0.05, 0.95], 0.85, 0.9).tolist() == [0.0, 1.0]
    assert np.isnan(rogan_gladen(0.3, 0.4, 0.6))


def test_em_shares_of_a_known_case() -> None:
    np.testing.assert_allclose(sld(POSTERIORS, TRAINED), CONVERGED, atol=1e-8, rtol=0)
    np.testing.assert_allclose(
        pcc(POSTERIORS), [0.27999999999999997, 0.2833333333333334, 0.4366666666666667], atol=1e-12
    )


def test_plain_em_steps_stop_where_quapy_stops() -> None:
    """QuaPy stops after more than 10 steps once the mean move is under 1e-4, 0.005 short of the fixed point."""
    path = [np.array(TRAINED), *(sld(POSTERIORS, TRAINED, steps=step) for step in range(1, 60))]
    stop = next(s for s in range(11, 60) if np.abs(path[s] - path[s - 1]).mean() < 1e-4)
    np.testing.assert_allclose(
        path[stop], [0.4927755734279255, 0.4494125602445523, 0.057811866327522284], atol=1e-9, rtol=0
    )
    np.testing.assert_allclose(sld(POSTERIORS, TRAINED, steps=20_000), CONVERGED, atol=1e-8, rtol=0)
    assert sld(POSTERIORS, TRAINED, steps=0).tolist() == TRAINED


SHARES = st.integers(2, 4).flatmap(lambda k: st.lists(st.integers(1, 30), min_size=k, max_size=k))


def rates_of(rng: np.random.Generator, j: int, k: int) -> Floats:
    """Counts (j, k) with most of each true class on the diagonal."""
    return (40.0 * np.eye(j, k) + rng.integers(0, 12, (j, k))).astype(float)


@settings(deadline=None, max_examples=80)
@given(SHARES, st.integers(0, 1), st.sampled_from([None, "project", "simplex"]), st.integers(0, 2**32 - 1))
def test_acc_inverts_the_confusion_exactly(shares: list[int], more: int, fit: str | None, seed: int) -> None:
    p = np.array(shares) / sum(shares)
    confusion = rates_of(np.random.default_rng(seed), len(p) + more, len(p))
    q = confusion / confusion.sum(axis=0) @ p
    np.testing.assert_allclose(acc(q, confusion, fit=fit), p, atol=1e-10)
    np.testing.assert_allclose(pacc(q, confusion, fit=fit), p, atol=1e-10)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 4), st.integers(0, 1), st.integers(0, 2**32 - 1))
def test_acc_does_not_know_the_order_of_classes(k: int, more: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    confusion, q = rates_of(rng, k + more, k), rng.dirichlet(np.ones(k + more) * 0.7)
    order = rng.permutation(k)
    predicted = np.append(order, np.arange(k, k + more))
    made = acc(q[predicted], confusion[np.ix_(predicted, order)])
    np.testing.assert_allclose(made, acc(q, confusion)[order], atol=1e-9)
    assert made.sum() == pytest.approx(1.0)
    assert (made >= 0).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 4), st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_least_squares_on_the_simplex_is_that_of_an_optimiser(k: int, more: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    confusion, q = rates_of(rng, k + more, k), rng.dirichlet(np.ones(k + more) * 0.4)
    m = confusion / confusion.sum(axis=0)
    made = acc(q, confusion, fit="simplex")
    other = minimize(
        lambda p: np.square(m @ p - q).sum(), np.full(k, 1 / k), jac=lambda p: 2 * m.T @ (m @ p - q), method="SLSQP",
        bounds=[(0, 1)] * k, constraints={"type": "eq", "fun": lambda p: p.sum() - 1, "jac": lambda p: np.ones(k)},
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    assert np.square(m @ made - q).sum() <= other.fun + 1e-10
    # The gradient on the simplex: no share can grow at the cost of one that is above 0.
    slope = 2 * m.T @ (m @ made - q)
    assert slope[made > 1e-9].max() <= slope.min() + 1e-8


def test_outside_the_simplex_the_two_fits_differ_as_said() -> None:
    confusion = np.array([[70.0, 20.0, 5.0], [20.0, 60.0, 15.0], [10.0, 20.0, 80.0]])
    q = np.array([0.02, 0.08, 0.9])
    m = confusion / confusion.sum(axis=0)
    solved = np.linalg.solve(m, q)
    assert (solved < 0).tolist() == [True, True, False]
    np.testing.assert_allclose(acc(q, confusion), [0.0, 0.0, 1.0], atol=1e-12)
    # One share below 0: the two others lose half of it each.
    solved = np.linalg.solve(m, [0.05, 0.45, 0.5])
    assert (solved < 0).tolist() == [True, False, False]
    by_hand = [0.0, solved[1] + solved[0] / 2, solved[2] + solved[0] / 2]
    np.testing.assert_allclose(acc([0.05, 0.45, 0.5], confusion), by_hand, atol=1e-12)
    projected, fitted = acc([0.05, 0.45, 0.5], confusion), acc([0.05, 0.45, 0.5], confusion, fit="simplex")
    assert np.abs(projected - fitted).max() > 1e-3
    off = [np.square(m @ p - [0.05, 0.45, 0.5]).sum() for p in (projected, fitted)]
    assert off[1] < off[0]
    # With abstentions the better fit is the one that is taken unless it is told otherwise.
    wider, q = np.vstack([confusion, [9.0, 4.0, 7.0]]), np.array([0.05, 0.4, 0.45, 0.1])
    np.testing.assert_array_equal(acc(q, wider), acc(q, wider, fit="simplex"))
    assert np.abs(acc(q, wider) - acc(q, wider, fit="project")).max() > 1e-3


@settings(deadline=None, max_examples=40)
@given(st.floats(0.0, 1.0), st.integers(51, 99), st.integers(51, 99))
def test_two_classes_are_rogan_and_gladen(q: float, sensitivity: int, specificity: int) -> None:
    confusion = [[sensitivity, 100 - specificity], [100 - sensitivity, specificity]]
    expected = float(rogan_gladen(q, sensitivity / 100, specificity / 100))
    for fit in ("project", "simplex"):
        np.testing.assert_allclose(acc([q, 1 - q], confusion, fit=fit), [expected, 1 - expected], atol=1e-9)


def test_acc_of_replicates_is_acc_of_each() -> None:
    rng = np.random.default_rng(5)
    q, confusion = rng.dirichlet(np.ones(4) * 0.5, (7, 2)), rng.integers(1, 30, (7, 2, 4, 3)).astype(float)
    made = acc(q, confusion)
    assert made.shape == (7, 2, 3)
    for at in itertools.product(range(7), range(2)):
        np.testing.assert_allclose(made[at], acc(q[at], confusion[at]), atol=1e-12)
    np.testing.assert_allclose(acc(q, confusion[0, 0])[3, 1], acc(q[3, 1], confusion[0, 0]), atol=1e-12)


def test_acc_says_nothing_where_there_is_nothing_to_say() -> None:
    good = [[8.0, 1.0], [2.0, 9.0]]
    alike, missing = [[5.0, 5.0], [5.0, 5.0]], [[8.0, 0.0], [2.0, 0.0]]
    made = acc([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.0, 0.0]], [good, alike, missing, good])
    assert np.isnan(made).tolist() == [[False] * 2, [True] * 2, [True] * 2, [True] * 2]


@pytest.mark.parametrize(("q", "confusion"), [([0.5, 0.5], np.ones((3, 2))), ([0.5, 0.5], np.ones((2, 3)))])
def test_shapes_that_do_not_fit_are_refused(q: list[float], confusion: Floats) -> None:
    j, k = confusion.shape
    with pytest.raises(
        UsageError, match=rf"^there are 2 predicted shares and a confusion of {j} predicted by {k} true"
    ):
        acc(q, confusion)


def test_an_unknown_fit_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"^fit is 'clip'; it must be 'project' or 'simplex'$"):
        acc([0.5, 0.5], np.eye(2), fit="clip")


def test_condition_number_is_that_of_numpy() -> None:
    rng = np.random.default_rng(6)
    tables = rng.integers(1, 40, (20, 4, 3)).astype(float)
    expected = [np.linalg.cond(table / table.sum(axis=0)) for table in tables]
    np.testing.assert_allclose(condition_number(tables), expected, rtol=1e-9)
    assert float(condition_number(np.eye(3))) == pytest.approx(1.0)
    assert float(condition_number([[1.0, 1.0], [1.0, 1.0]])) > 1e12
    assert np.isnan(condition_number([[1.0, 0.0], [1.0, 0.0]]))


def test_inverse_rates_turn_changes_round() -> None:
    rng = np.random.default_rng(7)
    for more in (0, 1):
        m = confusion_rates(rates_of(rng, 3 + more, 3))
        change = rng.normal(size=3)
        change -= change.mean()
        np.testing.assert_allclose(inverse_rates(m) @ (m @ change), change, atol=1e-12)


def test_acc_se_is_the_spread_of_samples() -> None:
    """Counts and confusion drawn anew 4,000 times around one truth, square and with abstentions."""
    rng = np.random.default_rng(8)
    p = np.array([0.3, 0.2, 0.5])
    for j in (3, 4):
        m = np.array([[0.7, 0.1, 0.1], [0.1, 0.6, 0.1], [0.1, 0.2, 0.7], [0.1, 0.1, 0.1]])[:j]
        m = m / m.sum(axis=0)
        counts = rng.multinomial(2_000, m @ p, 4_000)
        confusion = np.stack(
            [rng.multinomial(n, column, 4_000) for n, column in zip((150, 120, 300), m.T, strict=True)], -1
        )
        made = acc(counts, confusion, fit="simplex")
        expected = acc_se(2_000 * (m @ p), 1.0 * np.array([150, 120, 300]) * m)
        np.testing.assert_allclose(made.std(axis=0), expected, rtol=0.06)
        np.testing.assert_allclose(made.mean(axis=0), p, atol=4 * expected.max() / np.sqrt(4_000) + 0.003)


def test_acc_se_of_a_test_by_hand() -> None:
    # var p = (q(1-q)/N + p^2 se(1-se)/n1 + (1-p)^2 sp(1-sp)/n0) / (se+sp-1)^2
    p = (0.3 - 0.1) / 0.7
    expected = np.sqrt((0.21 / 100 + p**2 * 0.16 / 50 + (1 - p) ** 2 * 0.09 / 200) / 0.49)
    made = acc_se([[30, 70], [0, 0]], [[40, 20], [10, 180]])
    np.testing.assert_allclose(made[0], expected, rtol=1e-9)
    assert np.isnan(made[1]).all()


def climbed(q: Floats, f: Floats, prior: Floats, w: npt.NDArray[np.floating]) -> float:
    return float((w * np.log((f / prior) @ q)).sum() / w.sum())


@settings(deadline=None, max_examples=80)
@given(st.integers(2, 5), st.integers(6, 40), st.sampled_from([0.2, 1.0, 20.0]), st.integers(0, 2**32 - 1))
def test_sld_satisfies_its_equation(k: int, n: int, spread: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    f, prior, w = rng.dirichlet(np.full(k, spread), n), rng.dirichlet(np.full(k, 3.0)), rng.integers(1, 5, n) * 1.0
    prior = (prior + 0.02) / (1 + 0.02 * k)
    q = sld(f, prior, w)
    assert np.isfinite(q).all()
    posterior = q / prior * f
    again = w @ (posterior / posterior.sum(axis=1, keepdims=True)) / w.sum()
    np.testing.assert_allclose(again, q, atol=1e-10)
    assert q.sum() == pytest.approx(1.0, abs=1e-9)
    # And it is the top, not just a place where nothing moves: a class at 0 must not promise a gain.
    assert climbed(q, f, prior, w) >= climbed(sld(f, prior, w, steps=300), f, prior, w) - 1e-12
    order = rng.permutation(k)
    np.testing.assert_allclose(sld(f[:, order], prior[order], w), q[order], atol=1e-7)


def test_sld_counts_a_weight_as_so_many_posts_and_takes_replicates_in_one_call() -> None:
    rng = np.random.default_rng(9)
    f, prior = rng.dirichlet([1.0, 0.8, 2.0], 40), np.array([0.3, 0.3, 0.4])
    w = np.vstack([np.ones(40), poisson_weights([f"x:{i}" for i in range(40)], 6, seed=3).T])
    made = sld(f, prior, w)
    assert made.shape == (7, 3)
    for row, weights in zip(made, w, strict=True):
        np.testing.assert_allclose(row, sld(np.repeat(f, weights.astype(int), axis=0), prior), atol=1e-10)
    scores = np.stack([f, f[::-1] ** 1.5 / (f[::-1] ** 1.5).sum(axis=1, keepdims=True)])
    both = sld(scores[:, None], prior, w)
    assert both.shape == (2, 7, 3)
    np.testing.assert_allclose(both[0], made, atol=1e-10)
    np.testing.assert_allclose(both[1, 2], sld(scores[1], prior, w[2]), atol=1e-10)
    priors = sld(f, np.stack([prior, [0.5, 0.25, 0.25]]))
    np.testing.assert_allclose(priors[1], sld(f, [0.5, 0.25, 0.25]), atol=1e-10)


def test_sld_where_all_speaks_for_one_class_and_where_nothing_weighs() -> None:
    np.testing.assert_allclose(sld([[0.9, 0.1], [0.8, 0.2]], [0.5, 0.5]), [1.0, 0.0], atol=1e-11)
    np.testing.assert_allclose(sld([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [0.5, 0.5]), [1 / 3, 2 / 3], atol=1e-12)
    assert np.isnan(sld(POSTERIORS, TRAINED, np.zeros(12))).all()


@pytest.mark.parametrize("prior", [[0.5, 0.5], [0.0, 0.5, 0.5], [0.2, -0.1, 0.9]])
def test_a_prior_without_a_share_for_each_class_is_refused(prior: list[float]) -> None:
    with pytest.raises(UsageError, match=r"it must hold a share above 0 for each of 3 classes$"):
        sld(POSTERIORS, prior)


def test_scores_and_weights_must_fit() -> None:
    with pytest.raises(UsageError, match=r"^posteriors have the shape \(2,\); they must be \(n, k\)"):
        pcc([0.5, 0.5])
    with pytest.raises(UsageError, match=r"shape \(12, 3\) and weights \(2,\); each posterior needs its weight$"):
        pcc(POSTERIORS, [1.0, 1.0])
    with pytest.raises(UsageError, match=r"^k is 4; there are counts of 3 predicted classes$"):
        cc([1.0, 2.0, 3.0], k=4)


def test_pcc_and_cc_of_replicates() -> None:
    made = pcc([[0.9, 0.1], [0.2, 0.8]], [[1.0, 1.0], [3.0, 1.0], [0.0, 0.0]])
    np.testing.assert_allclose(made, [[0.55, 0.45], [0.725, 0.275], [np.nan, np.nan]], atol=1e-12)
    np.testing.assert_allclose(cc([[1, 1, 2], [0, 0, 5]], k=2), [[0.5, 0.5], [np.nan, np.nan]])
    assert cc([1, 1, 2]).tolist() == [0.25, 0.25, 0.5]


def test_poisson_replicates_of_a_share() -> None:
    """Specification of the hash-keyed bootstrap: nationalist and other posts of six authors, b = 0..7, seed 0."""
    posts = {"alice": [3, 1], "bob": [0, 4], "carol": [10, 2], "dan": [1, 0], "eve": [2, 7], "@user_003": [1, 1]}
    sums = poisson_weights(list(posts), 8, seed=0).T @ np.array(list(posts.values()))
    assert sums[:, 0].tolist() == [5, 4, 20, 11, 16, 13, 6, 16]
    assert sums.sum(axis=1).tolist() == [18, 5, 40, 18, 27, 20, 10, 44]
    expected = [0.2777777777777778, 0.8, 0.5, 0.6111111111111112, 0.5925925925925926, 0.65, 0.6, 0.36363636363636365]
    np.testing.assert_allclose(cc(sums)[:, 0], expected, atol=1e-12)


def test_inputs_are_left_as_they_were() -> None:
    confusion, q, f = np.array(TRUE_BY_PREDICTED) * 1.0, np.array([0.9, 0.05, 0.05]), np.array(POSTERIORS)
    before = confusion.copy(), q.copy(), f.copy()
    acc(q, confusion)
    acc(q, confusion, fit="simplex")
    sld(f, TRAINED)
    for made, kept in zip((confusion, q, f), before, strict=True):
        np.testing.assert_array_equal(made, kept)
