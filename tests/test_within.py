"""Indices within a side, and what may be handed in as shares or counts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import BimodalityWarning, UsageError
from discourse.indices.between import (
    cramer2,
    cramer_squared,
    cramer_squared_unbiased,
    jsd,
    net_tone_gap,
    total_variation,
    wasserstein1,
)
from discourse.indices.line import positions
from discourse.indices.polarization import NetTone, Polarization
from discourse.indices.within import (
    agreement_A,
    balance,
    bimodality_coefficient,
    esteban_ray,
    esteban_ray_bias,
    esteban_ray_unbiased,
    net_tone,
    pole_index,
    pole_share,
    variance,
)
from discourse.schema import FRAMES

Array = np.ndarray


def shares(k: int) -> st.SearchStrategy[Array]:
    whole = st.lists(st.integers(0, 50), min_size=k, max_size=k).filter(any)
    return whole.map(lambda counts: np.array(counts) / sum(counts))


def outcomes(n: int, p: tuple[Fraction, ...]) -> Iterator[tuple[Array, Fraction]]:
    """Every outcome of a multinomial sample of n and its chance."""
    for counts in itertools.product(range(n + 1), repeat=len(p)):
        if sum(counts) == n:
            ways = Fraction(math.factorial(n), math.prod(math.factorial(c) for c in counts))
            yield np.array(counts), ways * math.prod(x**c for x, c in zip(p, counts, strict=True))


def exact(value: Array) -> Fraction:
    """The fraction with a small denominator that a number stands for."""
    made = Fraction(float(value)).limit_denominator(100_000)
    assert abs(float(made) - float(value)) < 1e-12
    return made


def truth(*twentieths: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(x, 20) for x in twentieths)


TRUTHS = [truth(5, 10, 5), truth(4, 7, 9), truth(14, 6, 0), truth(20, 0, 0), truth(10, 0, 10)]


def floats(p: tuple[Fraction, ...]) -> Array:
    return np.array([float(x) for x in p])


def raw_esteban_ray(p: tuple[Fraction, ...]) -> Fraction:
    return sum((p[i] ** 2 * p[j] * abs(i - j) for i in range(3) for j in range(3)), Fraction(0))


@pytest.mark.parametrize("n", [3, 4, 6])
@pytest.mark.parametrize("p", TRUTHS)
def test_esteban_ray_is_unbiased_over_all_samples(n: int, p: tuple[Fraction, ...]) -> None:
    expected = sum(chance * exact(esteban_ray_unbiased(counts)) for counts, chance in outcomes(n, p))
    assert expected == 2 * raw_esteban_ray(p)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (4, 5)])
@pytest.mark.parametrize(("p", "q"), list(itertools.combinations_with_replacement(TRUTHS[:4], 2)))
def test_cramer_is_unbiased_over_all_pairs_of_samples(
    n: int, m: int, p: tuple[Fraction, ...], q: tuple[Fraction, ...]
) -> None:
    expected = sum(
        a * b * exact(cramer_squared_unbiased(x, y)) for (x, a) in outcomes(n, p) for (y, b) in outcomes(m, q)
    )
    assert expected == (p[0] - q[0]) ** 2 + (p[2] - q[2]) ** 2


@pytest.mark.parametrize("p", TRUTHS)
def test_variance_is_unbiased_over_all_samples(p: tuple[Fraction, ...]) -> None:
    expected = sum(chance * exact(variance(counts)) for counts, chance in outcomes(4, p))
    assert expected == p[0] + p[2] - (p[2] - p[0]) ** 2


def test_the_plain_forms_are_not_unbiased() -> None:
    p = TRUTHS[1]
    plain = float(sum(chance * exact(esteban_ray(counts / 4)) for counts, chance in outcomes(4, p)))
    assert abs(plain - float(esteban_ray(floats(p)))) > 0.005
    apart = [float(a * b) * float(cramer_squared(x / 4, y / 4)) for x, a in outcomes(4, p) for y, b in outcomes(4, p)]
    assert sum(apart) > 0.1


def test_counts_take_the_unbiased_form_and_shares_the_plain_one() -> None:
    counts, other = np.array([3, 5, 2]), np.array([4, 7, 9])
    plain, plain_other = counts / 10, other / 20
    assert float(esteban_ray(counts)) == float(esteban_ray_unbiased(counts)) != float(esteban_ray(plain))
    assert float(esteban_ray(counts, unbiased=False)) == pytest.approx(float(esteban_ray(plain)), abs=1e-15)
    assert float(esteban_ray(counts, 1.3)) == pytest.approx(float(esteban_ray(plain, 1.3)), abs=1e-15)
    assert float(cramer2(counts, other)) == float(cramer_squared_unbiased(counts, other))
    assert float(cramer2(counts, other, False)) == pytest.approx(float(cramer_squared(plain, plain_other)), abs=1e-15)
    # One post is a share of 1 as well; it has no unbiased form of its own.
    assert float(esteban_ray([1, 0, 0])) == 0.0
    assert math.isnan(float(esteban_ray([1, 0, 0], unbiased=True)))
    assert float(cramer2([1, 0, 0], [0, 0, 1])) == 2.0


NEEDS = " needs counts of posts, whole numbers like [3, 5, 2], and got shares or weights"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: esteban_ray([0.3, 0.5, 0.2], unbiased=True),
         "the unbiased Esteban-Ray index" + NEEDS),
        (lambda: cramer2([3, 5, 2], [0.3, 0.5, 0.2], unbiased=True),
         "the unbiased Cramer distance" + NEEDS),
        (lambda: variance([0.3, 0.5, 0.2], unbiased=True),
         "the unbiased variance" + NEEDS),
        (lambda: jsd([0.3, 0.7], [0.2, 0.8], bias="miller-madow"),
         "the Miller-Madow correction" + NEEDS),
        (lambda: bimodality_coefficient([0.3, 0.5, 0.2]),
         "the bimodality coefficient" + NEEDS),
        (lambda: esteban_ray([3, -1, 2], unbiased=True),
         "the unbiased Esteban-Ray index" + NEEDS),
        (lambda: esteban_ray([3, 5, 2], 1.3, unbiased=True),
         "only alpha = 1 has an unbiased form, and alpha is 1.3; leave unbiased out"),
        (lambda: esteban_ray([0.3, 0.5, 0.1]), "values sum to 0.9; give shares that sum to 1, or counts of posts"),
        (lambda: net_tone([2.5, 1.5, 3.0]), "values sum to 7; give shares that sum to 1, or counts of posts"),
        (lambda: net_tone([0.5, 0.5]), "the last axis holds 2 values; give three positions (conciliatory, neither, "
         "nationalist), the four frames, or the points they stand at as at=(...)"),
        (lambda: wasserstein1([1, 2, 3], [1, 2, 3], at=(0, 1)),
         "the last axis holds 3 values and at= 2 points; they must be as many"),
        (lambda: esteban_ray([0.5, 0.5], at=(1, 0)),
         "the points are [1.0, 0.0]; give two or more that rise, like at=(-1, 0, 1)"),
        (lambda: total_variation([1, 0], [1, 0, 0]),
         "the two sides hold 2 and 3 classes; they must hold the same"),
        (lambda: jsd([1, 0], [1, 0], base=1), "base is 1; give 2 for bits or math.e for nats"),
        (lambda: jsd([1, 0], [1, 0], bias="mm"), "bias is 'mm'; it must be 'miller-madow', 'auto' or None"),
        (lambda: agreement_A([4]), "agreement needs two ordered classes or more, and got 1"),
        (lambda: agreement_A([4, -1]), "agreement needs counts or shares, and one of them is below 0"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::discourse.errors.BimodalityWarning")
def test_what_makes_no_sense_is_refused_in_one_sentence(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize("alpha", [-0.1, 1.7, math.nan])
def test_alpha_outside_the_axioms_is_refused(alpha: float) -> None:
    for make in (lambda: esteban_ray([0.5, 0.0, 0.5], alpha), lambda: Polarization("esteban-ray", alpha)):
        with pytest.raises(UsageError) as caught:
            make()
        assert str(caught.value) == f"alpha is {alpha}; Esteban and Ray's axioms allow 0 to 1.6"


def test_too_few_posts_have_no_unbiased_value() -> None:
    assert np.isnan(esteban_ray_unbiased([[1, 0, 1], [1, 1, 1], [0, 0, 0]])).tolist() == [True, False, True]
    assert np.isnan(cramer_squared_unbiased([[1, 0, 0], [0, 0, 0]], [3, 2, 1])).all()
    assert np.isfinite(cramer_squared_unbiased([1, 1, 0], [0, 1, 1]))
    assert np.isnan(variance([[0, 0, 0], [1, 0, 0], [2, 0, 1]])).tolist() == [True, True, False]
    with pytest.warns(BimodalityWarning):
        made = bimodality_coefficient([[1, 1, 1], [0, 9, 0], [1, 2, 1]])
    assert np.isnan(made).tolist() == [True, True, False]
    assert math.isnan(float(balance([0.0, 1.0, 0.0])))
    assert math.isnan(float(agreement_A([0, 0, 0])))


ALPHA = st.floats(0.0, 1.6)


@settings(deadline=None, max_examples=100)
@given(shares(3), ALPHA)
def test_esteban_ray_bounds_and_mirror(p: Array, alpha: float) -> None:
    value = float(esteban_ray(p, alpha))
    assert -1e-12 <= value <= 1.0 + 1e-12
    assert float(esteban_ray(p[::-1], alpha)) == pytest.approx(value, abs=1e-12)
    consensus = bool((p == 1.0).any())
    assert (value < 1e-12) == consensus


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 1.6])
def test_esteban_ray_at_the_ends(alpha: float) -> None:
    assert float(esteban_ray([0.5, 0.0, 0.5], alpha)) == pytest.approx(1.0, abs=1e-12)
    for at in range(3):
        assert float(esteban_ray(np.eye(3)[at], alpha)) == 0.0


@settings(deadline=None, max_examples=60)
@given(shares(5), st.lists(st.integers(-20, 20), min_size=5, max_size=5, unique=True))
def test_alpha_zero_is_the_gini_mean_difference(p: Array, points: list[int]) -> None:
    at = sorted(points)
    gini = sum(p[i] * p[j] * abs(at[i] - at[j]) for i in range(5) for j in range(5))
    assert float(esteban_ray(p, 0.0, at=at, normalised=False)) == pytest.approx(gini, abs=1e-9)
    assert float(esteban_ray(p, 0.0, at=at)) == pytest.approx(gini / (0.5 * (at[-1] - at[0])), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 30), min_size=4, max_size=4).filter(lambda n: sum(n) > 3), ALPHA)
def test_four_values_are_the_frames_and_pool_to_positions(counts: list[int], alpha: float) -> None:
    pooled = positions(np.array(counts))
    for unbiased in (None, False):
        whole = esteban_ray(counts, alpha, unbiased), esteban_ray(pooled, alpha, unbiased)
        assert float(whole[0]) == float(whole[1])
    assert float(pole_index(counts)) == float(pole_index(pooled))
    assert float(variance(counts)) == float(variance(pooled))
    assert float(cramer2(counts, [1, 2, 3, 4])) == float(cramer2(pooled, positions(np.array([1, 2, 3, 4]))))
    # At points of their own nothing is pooled, and the order is that of the points.
    ordered = esteban_ray(counts, alpha, False, (0, 1, 2, 3))
    assert float(ordered) == pytest.approx(float(esteban_ray(counts[::-1], alpha, False, (0, 1, 2, 3))), abs=1e-12)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.3, 1.6])
@pytest.mark.parametrize("p", [(0.3, 0.5, 0.2), (0.1, 0.2, 0.7)])
def test_bias_is_half_the_trace_of_the_second_derivative(alpha: float, p: tuple[float, ...]) -> None:
    # Along steps that keep the sum at 1, where the second difference is one of the index itself.
    at, h = np.array(p), 1e-4
    steps = np.array([[1.0, -0.4, -0.6], [0.2, 0.5, -0.7]])
    second = sum(
        float(esteban_ray(at + h * s, alpha) - 2 * esteban_ray(at, alpha) + esteban_ray(at - h * s, alpha)) / h**2
        for s in steps
    )
    made = float(esteban_ray_bias(at, steps.T @ steps, alpha=alpha))
    assert made == pytest.approx(second / 2, rel=2e-5, abs=1e-6)


@pytest.mark.parametrize("p", TRUTHS[:3])
def test_bias_is_exact_up_to_a_term_in_one_over_n_squared(p: tuple[Fraction, ...]) -> None:
    # The index is a cubic: beyond the second-order term there is only the third central moment, exactly c / n^2.
    left, at = [], floats(p)
    for n in (4, 6, 12):
        plain = sum(float(chance) * float(esteban_ray(counts / n)) for counts, chance in outcomes(n, p))
        covariance = (np.diag(at) - np.outer(at, at)) / n
        left.append((plain - float(esteban_ray(at)) - float(esteban_ray_bias(at, covariance))) * n**2)
    np.testing.assert_allclose(left, left[0], atol=1e-10)


def test_bias_takes_many_cells_at_once_and_empty_classes() -> None:
    p = np.stack([floats(x) for x in TRUTHS])
    covariance = np.stack([(np.diag(x) - np.outer(x, x)) / n for x, n in zip(p, (10, 20, 30, 40, 50), strict=True)])
    for alpha in (0.0, 0.5, 1.0, 1.3):
        one_by_one = [float(esteban_ray_bias(x, c, alpha=alpha)) for x, c in zip(p, covariance, strict=True)]
        np.testing.assert_allclose(esteban_ray_bias(p, covariance, alpha=alpha), one_by_one, atol=1e-15)
        assert np.isfinite(one_by_one).all()
        assert one_by_one[3] == pytest.approx(0.0, abs=1e-15)


def closed_form(n: tuple[int, ...]) -> Fraction:
    """A of three classes: what is left above the smallest is a pair, apart or adjacent, and a single class."""
    left = [x - min(n) for x in n]
    low, middle, high = sorted(left)
    assert low == 0
    c = Fraction(-1) if left[1] == 0 else Fraction(1, 2)
    return (2 * middle * c + (high - middle)) / Fraction(sum(n))


def peeled(n: list[int]) -> Fraction:
    """Van der Eijk's algorithm as he gives it: take the smallest off all classes that are not empty, and again."""
    k, total, left, found = len(n), sum(n), list(n), Fraction(0)
    while any(left):
        depth = min(x for x in left if x)
        layer = [int(x > 0) for x in left]
        triples = [tuple(layer[i] for i in at) for at in itertools.combinations(range(k), 3)]
        tu, tdu = triples.count((1, 1, 0)) + triples.count((0, 1, 1)), triples.count((1, 0, 1))
        size = sum(layer)
        u = Fraction((k - 2) * tu - (k - 1) * tdu, (k - 2) * (tu + tdu)) if tu + tdu else Fraction(0)
        score = Fraction(1) if size == 1 else u * (1 - Fraction(size - 1, k - 1))
        found += Fraction(depth * size, total) * score
        left = [x - depth if x else 0 for x in left]
    return found


def test_agreement_of_three_classes_has_a_closed_form_for_all_counts_up_to_twelve() -> None:
    every = [n for n in itertools.product(range(13), repeat=3) if any(n)]
    expected = [float(closed_form(n)) for n in every]
    np.testing.assert_allclose(agreement_A(np.array(every)), expected, atol=1e-12)
    np.testing.assert_allclose(agreement_A(np.array(every) / np.array(every).sum(1)[:, None]), expected, atol=1e-12)
    assert all(closed_form(n) == peeled(list(n)) for n in every[::7])


@settings(deadline=None, max_examples=150)
@given(st.integers(2, 7).flatmap(lambda k: st.lists(st.integers(0, 9), min_size=k, max_size=k).filter(any)))
def test_agreement_is_that_of_the_peeled_layers(counts: list[int]) -> None:
    made = float(agreement_A(counts))
    assert made == pytest.approx(float(peeled(counts)), abs=1e-12)
    assert float(agreement_A(counts[::-1])) == pytest.approx(made, abs=1e-12)
    # Shares of thirds and sevenths leave remainders in floats; they must not make layers.
    assert float(agreement_A(np.array(counts) / sum(counts))) == pytest.approx(made, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(shares(3))
def test_the_poles_add_up(p: Array) -> None:
    tone, share = float(net_tone(p)), float(pole_share(p))
    assert float(variance(p)) == pytest.approx(share - tone**2, abs=1e-12)
    assert float(pole_index(p)) == pytest.approx(2 * min(p[0], p[2]), abs=1e-12)
    if share > 0:
        assert float(balance(p)) * share == pytest.approx(float(pole_index(p)), abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(shares(4), shares(4))
def test_net_tone_and_gap(p: Array, q: Array) -> None:
    nationalist, conciliatory = FRAMES.index("nationalist"), FRAMES.index("conciliatory")
    tone = p[nationalist] - p[conciliatory]
    assert float(net_tone(p)) == pytest.approx(tone, abs=1e-12)
    gap = float(net_tone_gap(p, q))
    assert gap == pytest.approx(tone - q[nationalist] + q[conciliatory], abs=1e-12)
    assert float(net_tone_gap(q, p)) == -gap
    swapped = p.copy()
    swapped[[nationalist, conciliatory]] = p[[conciliatory, nationalist]]
    assert float(net_tone(swapped)) == pytest.approx(-tone, abs=1e-12)
    assert float(esteban_ray(positions(swapped))) == pytest.approx(float(esteban_ray(positions(p))), abs=1e-12)


def test_the_ends_of_net_tone() -> None:
    frames = np.eye(4)
    by_name = dict(zip(FRAMES, (float(x) for x in net_tone(frames)), strict=True))
    assert by_name == {"nationalist": 1.0, "conciliatory": -1.0, "both": 0.0, "neither": 0.0}
    assert NetTone().of(frames).tolist() == list(by_name.values())
    assert NetTone().bounds == (-1.0, 1.0)
    assert float(net_tone_gap(frames[0], frames[1])) == 2.0


def test_positions_add_up_to_one_and_pool_the_middle() -> None:
    named = {"nationalist": 0.1, "conciliatory": 0.2, "both": 0.3, "neither": 0.4}
    made = positions(np.array([[named[frame] for frame in FRAMES]] * 2))
    np.testing.assert_allclose(made, [[0.2, 0.7, 0.1]] * 2, atol=1e-15)
