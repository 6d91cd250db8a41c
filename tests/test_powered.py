from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from discourse.errors import MeaningError, UsageError
from discourse.estimators.powered import Moments, dsl, dsl_of, ppi, ppi_lambda, ppi_of, ppi_plus, ppi_plus_of
from discourse.estimators.stratified import gold_only, poststrat
from discourse.poisson import poisson_weights

Floats = npt.NDArray[np.float64]

# ppi-python 0.2.3, ppi_mean_pointestimate and ppi_mean_ci; variances with divisor n.
Y = [1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0]
F = [1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0]
OTHERS = [
    1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0,
    0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1,
]  # fmt: skip
# Formula of the R package dsl 0.1.0 (537664a), intercept only, fixed predictions.
G = [1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 1]
LABELLED = [1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0]
GOLD = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0]
CHANCE = np.tile([0.5, 0.25], 10)


def test_prediction_powered_share_of_a_known_case() -> None:
    made = ppi(Y, F, OTHERS, lam=0.0)
    assert float(made.value) == pytest.approx(0.35, abs=1e-9)
    assert float(made.se) == pytest.approx(0.1066536450385077, abs=1e-9)
    assert (float(made.low), float(made.high)) == pytest.approx((0.14096269690460586, 0.5590373030953941), abs=1e-9)
    assert (made.method, made.assumed, made.n_gold) == ("ppi", "random_gold", 20)


def test_tuned_prediction_powered_share_of_a_known_case() -> None:
    columns = [np.array(one, dtype=float)[:, None] for one in (Y, F, OTHERS)]
    moments = Moments.of_posts(*columns)
    assert float(ppi_lambda(moments, nested=False)) == pytest.approx(0.40290000000000004, abs=1e-9)
    assert ppi_plus_of(moments, nested=False) == pytest.approx([0.36343], abs=1e-9)
    made = ppi_plus(Y, F, OTHERS)
    assert float(made.value) == pytest.approx(0.36343, abs=1e-9)
    assert float(made.se) == pytest.approx(0.09340264738396514, abs=1e-9)
    assert (float(made.low), float(made.high)) == pytest.approx((0.180364175066734, 0.546495824933266), abs=1e-9)


def test_design_based_share_of_a_known_case() -> None:
    made = dsl(G, LABELLED, GOLD, CHANCE)
    assert float(made.value) == pytest.approx(0.65, abs=1e-12)
    assert float(made.se) == pytest.approx(0.3022829800038368, abs=1e-12)
    assert (made.assumed, made.n_gold, made.n_eff) == ("known_inclusion_probabilities", 8, 20.0)
    # The R package scales the chances so that their mean is the labelled fraction.
    rescaled = dsl(G, LABELLED, GOLD, CHANCE * np.mean(LABELLED) / CHANCE.mean())
    assert float(rescaled.value) == pytest.approx(0.6375, abs=1e-12)
    assert float(rescaled.se) == pytest.approx(0.28199900265781086, abs=1e-12)


def test_unlabelled_rows_of_y_are_not_read() -> None:
    hidden = np.where(np.array(LABELLED) > 0, GOLD, np.nan)
    assert float(dsl(G, LABELLED, hidden, CHANCE).value) == pytest.approx(0.65, abs=1e-12)
    chance = np.where(np.array(LABELLED) > 0, CHANCE, 0.0)
    assert float(dsl(G, LABELLED, GOLD, chance).se) == pytest.approx(0.3022829800038368, abs=1e-12)


def drawn(seed: int, n: int = 60, k: int = 3, j: int = 4) -> tuple[Floats, Floats, Floats, npt.NDArray[np.bool_]]:
    """Predicted classes, truth (one-hot), chances, and which posts are gold: two of each predicted class at least."""
    rng = np.random.default_rng(seed)
    predicted, true, pi = rng.integers(0, j, n), np.eye(k)[rng.integers(0, k, n)], rng.uniform(0.2, 1.0, n)
    labelled = rng.random(n) < pi
    predicted[: 2 * j] = np.repeat(np.arange(j), 2)
    labelled[: 2 * j] = True
    return np.eye(j)[predicted], true, pi, labelled


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_dsl_with_predictions_saturated_in_the_predicted_class_is_poststrat(seed: int) -> None:
    """With weighted rates of each class as predictions the corrections cancel, divided in either way."""
    h, y, pi, labelled = drawn(seed)
    w = labelled / pi
    rates = (w[:, None] * h).T @ y / (w @ h)[:, None]
    expected = poststrat(h.sum(axis=0), (w[:, None] * h).T @ y)
    for hajek in (False, True):
        made = dsl(h @ rates, labelled, y, pi, hajek=hajek)
        np.testing.assert_allclose(made.value, expected, atol=1e-12)
    equal = dsl(h @ (h[labelled].T @ y[labelled] / h[labelled].sum(axis=0)[:, None]), labelled, y, np.full(60, 0.5))
    np.testing.assert_allclose(equal.value, poststrat(h.sum(axis=0), h[labelled].T @ y[labelled]), atol=1e-12)


def test_dsl_with_ratios_is_ppi_of_all_posts() -> None:
    """Divided by the sum of the weights, the design-based share is the prediction-powered one; else it is not."""
    h, y, pi, labelled = drawn(12, j=3)
    w = 1 / pi[labelled]
    ids = np.arange(60)
    expected = ppi(y[labelled], h[labelled], h, weights=w, authors=(ids[labelled], ids))
    made = dsl(h, labelled, y, pi, hajek=True)
    np.testing.assert_allclose(made.value, h.mean(axis=0) + w @ (y - h)[labelled] / w.sum(), atol=1e-12)
    np.testing.assert_allclose(made.value, expected.value, atol=1e-12)
    np.testing.assert_allclose(made.se, expected.se, atol=1e-12)
    by_posts = dsl(h, labelled, y, pi)
    np.testing.assert_allclose(by_posts.value, h.mean(axis=0) + w @ (y - h)[labelled] / 60, atol=1e-12)
    assert np.abs(by_posts.value - made.value).max() > 1e-3


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_ppi_is_a_line_from_gold_alone_to_the_mean_of_corrected_predictions(seed: int, lam: float) -> None:
    h, y, pi, labelled = drawn(seed, j=3)
    w = labelled[labelled] / pi[labelled]
    moments = Moments.of_posts(y[labelled], h[labelled], h, w)
    gold = (w @ y[labelled]) / w.sum()
    np.testing.assert_allclose(ppi_of(moments, 0.0), gold, atol=1e-12)
    np.testing.assert_allclose(ppi_of(moments, 0.0), gold_only((w[:, None] * h[labelled]).T @ y[labelled]), atol=1e-12)
    whole = h.mean(axis=0) + (w @ (y - h)[labelled]) / w.sum()
    np.testing.assert_allclose(ppi_of(moments), whole, atol=1e-12)
    np.testing.assert_allclose(ppi_of(moments, lam), (1 - lam) * gold + lam * whole, atol=1e-12)
    for nested in (True, False):
        assert 0.0 <= float(ppi_lambda(moments, nested=nested)) <= 1.0
        assert ppi_plus_of(moments, nested=nested).sum() == pytest.approx(1.0)


def test_lambda_is_cut_at_both_ends_and_is_0_where_predictions_do_not_vary() -> None:
    contrary = Moments.of_counts([50, 50], [[2, 18], [18, 2]])
    same = Moments.of_posts(*(np.array(one, dtype=float)[:, None] for one in ([4, 0, 4, 0], [1, 0, 1, 0], [1, 0])))
    flat = Moments.of_counts([100, 0], [[20, 20], [0, 0]])
    for nested in (True, False):
        assert [float(ppi_lambda(one, nested=nested)) for one in (contrary, same, flat)] == [0.0, 1.0, 0.0]
    np.testing.assert_allclose(ppi_plus_of(contrary), [0.5, 0.5])


def test_lambda_makes_the_variance_least() -> None:
    """No other weight gives a smaller standard error, in both layouts."""
    rng = np.random.default_rng(2)
    f = rng.random((400, 3))
    f /= f.sum(axis=1, keepdims=True)
    y = np.eye(3)[(rng.random((400, 1)) > np.cumsum(f, axis=1)).sum(axis=1)]
    ids = np.arange(400)
    nested = [
        (lam, np.square(ppi(y[:80], f[:80], f, authors=(ids[:80], ids), lam=lam).se).sum())
        for lam in np.linspace(0, 1, 101)
    ]
    tuned = float(ppi_lambda(Moments.of_posts(y[:80], f[:80], f)))
    assert min(nested, key=lambda one: one[1])[0] == pytest.approx(tuned, abs=0.08)
    apart = [(lam, np.square(ppi(y[:80], f[:80], f[80:], lam=lam).se).sum()) for lam in np.linspace(0, 1, 101)]
    tuned = float(ppi_lambda(Moments.of_posts(y[:80], f[:80], f[80:]), nested=False))
    assert min(apart, key=lambda one: one[1])[0] == pytest.approx(tuned, abs=0.08)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_moments_of_counts_are_those_of_posts_and_add_up(seed: int) -> None:
    h, y, pi, labelled = drawn(seed)
    w = labelled[labelled] / pi[labelled]
    from_posts = Moments.of_posts(y[labelled], h[labelled, :3], h[:, :3], w)
    from_counts = Moments.of_counts(h.sum(axis=0), (w[:, None] * h[labelled]).T @ y[labelled])
    half = np.arange(60) < 23
    halves = [
        Moments.of_posts(y[labelled & at], h[labelled & at, :3], h[at, :3], 1 / pi[labelled & at])
        for at in (half, ~half)
    ]
    for name in ("gold", "y", "gold_f", "gold_ff", "gold_fy", "posts", "f", "ff"):
        np.testing.assert_allclose(getattr(from_counts, name), getattr(from_posts, name), atol=1e-12)
        np.testing.assert_allclose(getattr(halves[0] + halves[1], name), getattr(from_posts, name), atol=1e-12)


def test_a_bootstrap_is_one_call() -> None:
    h, y, pi, labelled = drawn(3)
    v = np.vstack([np.ones(60), poisson_weights([f"x:{i}" for i in range(60)], 5, seed=3).T])
    w = v[:, labelled] / pi[labelled]
    many = Moments.of_posts(y[labelled], h[labelled, :3], h[:, :3], w, v)
    for b in range(6):
        one = Moments.of_posts(y[labelled], h[labelled, :3], h[:, :3], w[b], v[b])
        np.testing.assert_allclose(ppi_of(many)[b], ppi_of(one), atol=1e-12)
        np.testing.assert_allclose(ppi_plus_of(many)[b], ppi_plus_of(one), atol=1e-12)
        rows = np.repeat(np.arange(60), v[b].astype(int))
        by_post = dsl(h[rows, :3], labelled[rows], y[rows], pi[rows]).value
        np.testing.assert_allclose(dsl_of(many)[b], by_post, atol=1e-12)


def test_weights_count_posts_and_only_their_proportions_matter_to_ppi() -> None:
    twice = np.repeat(np.arange(20), 2)
    doubled = ppi(np.array(Y)[twice], np.array(F)[twice], OTHERS)
    weighted = ppi(Y, F, OTHERS, weights=np.full(20, 9.0))
    np.testing.assert_allclose(weighted.value, doubled.value, atol=1e-12)
    assert float(weighted.se) == pytest.approx(float(ppi(Y, F, OTHERS).se), abs=1e-12)
    uneven = np.where(np.arange(20) < 5, 3.0, 1.0)
    made = ppi(Y, F, OTHERS, weights=uneven)
    again = np.repeat(np.arange(20), uneven.astype(int))
    np.testing.assert_allclose(made.value, ppi(np.array(Y)[again], np.array(F)[again], OTHERS).value, atol=1e-12)
    # Ratio of weighted sums: sum w^2 e^2 / (sum w)^2 around the weighted mean.
    off = np.array(Y) - np.array(F)
    e = uneven * (off - np.average(off, weights=uneven))
    expected = math.sqrt(np.var(OTHERS) / 60 + (e**2).sum() / uneven.sum() ** 2)
    assert float(made.se) == pytest.approx(expected, abs=1e-12)
    assert (made.assumed, weighted.assumed) == ("known_inclusion_probabilities", "random_gold")


def test_authors_are_the_units() -> None:
    """Every post said twice by its author: as many posts, no more knowledge."""
    rng = np.random.default_rng(5)
    y, f, others = rng.integers(0, 2, 30), rng.random(30), rng.random(90)
    plain = ppi(y, f, others)
    twice, twice_others = np.repeat(np.arange(30), 2), np.repeat(np.arange(90), 2)
    doubled = ppi(y[twice], f[twice], others[twice_others], authors=(twice, 100 + twice_others))
    assert float(doubled.se) == pytest.approx(float(plain.se), abs=1e-12)
    reach = stats.t.ppf(0.975, 29) * float(plain.se)
    assert float(doubled.high - doubled.value) == pytest.approx(reach, abs=1e-12)
    assert doubled.n_eff == pytest.approx(90)
    chance, labelled = np.full(90, 0.4), np.arange(90) < 30
    known = np.where(labelled, np.append(y, np.zeros(60)), 0.0)
    once = dsl(others, labelled, known, chance)
    said = dsl(
        others[twice_others], labelled[twice_others], known[twice_others], chance[twice_others], author=twice_others
    )
    assert float(said.se) == pytest.approx(float(once.se), abs=1e-12)
    assert float(said.value) == pytest.approx(float(once.value), abs=1e-12)


def test_author_weights_of_posts() -> None:
    """An author with m posts who weighs each 1 / m counts once: all posts coded, so the mean of author means."""
    author = np.array([0, 0, 0, 1, 2, 2])
    y = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    weights = 1.0 / np.bincount(author)[author]
    made = dsl(np.full(6, 0.3), np.ones(6), y, np.ones(6), weights=weights, author=author)
    assert float(made.value) == pytest.approx((2 / 3 + 1 + 0) / 3, abs=1e-12)
    means = np.array([2 / 3, 1.0, 0.0])
    assert float(made.se) == pytest.approx(math.sqrt(np.square(means - means.mean()).sum()) / 3, abs=1e-12)
    assert made.n_eff == pytest.approx(3.0)


@pytest.mark.parametrize("chance", [0.0, -0.5, 1.5, math.nan])
def test_a_label_without_a_chance_is_refused(chance: float) -> None:
    pi = CHANCE.copy()
    pi[0] = chance
    with pytest.raises(
        MeaningError, match=r"^every labelled post needs its chance of being labelled, above 0 and at most 1$"
    ):
        dsl(G, LABELLED, GOLD, pi)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^g has the shape \(20,\) and y \(19,\), labelled \(20,\)"):
        dsl(G, LABELLED, GOLD[1:], CHANCE)
    with pytest.raises(UsageError, match=r"^y has the shape \(20,\), f \(19,\), f_posts \(60,\)"):
        ppi(Y, F[1:], OTHERS)
    with pytest.raises(UsageError, match=r"^y has the shape .* weights \(3,\) and \(60,\)"):
        ppi_plus(Y, F, OTHERS, weights=[1.0, 1.0, 1.0])
    with pytest.raises(UsageError, match=r"^nested posts hold the gold posts too; give authors, or post ids"):
        ppi_plus(Y, F, OTHERS, nested=True)
    with pytest.raises(MeaningError, match=r"^there are no gold posts, or no posts, or all weigh 0"):
        ppi([], [], OTHERS)
    with pytest.raises(MeaningError, match=r"^there are no gold posts, or no posts, or all weigh 0"):
        ppi(Y, F, OTHERS, weights=np.zeros(20))


def test_intervals_hold_the_truth_when_gold_is_part_of_the_posts() -> None:
    """All posts of authors who lean to one frame, a third of the authors coded: nested PPI++ and DSL, with authors."""
    rng = np.random.default_rng(11)
    held, repetitions = {"ppi++": 0, "dsl": 0, "posts as units": 0}, 500
    for _ in range(repetitions):
        m = rng.integers(1, 9, 240)
        author = np.repeat(np.arange(240), m)
        y = (rng.random(len(author)) < rng.beta(0.6, 1.4, 240)[author]).astype(float)
        f = np.clip(0.25 + 0.5 * y + 0.25 * rng.standard_normal(len(author)), 0, 1)
        coded = (rng.random(240) < 1 / 3)[author]
        nested = ppi_plus(y[coded], f[coded], f, authors=(author[coded], author), nested=True)
        designed = dsl(f, coded, y, np.full(len(author), 1 / 3), author=author)
        plain = dsl(f, coded, y, np.full(len(author), 1 / 3))
        for name, made in (("ppi++", nested), ("dsl", designed), ("posts as units", plain)):
            held[name] += bool(made.low <= 0.3 <= made.high)
    assert 0.92 <= held["ppi++"] / repetitions <= 0.98
    assert 0.92 <= held["dsl"] / repetitions <= 0.98
    assert held["posts as units"] / repetitions < 0.9
