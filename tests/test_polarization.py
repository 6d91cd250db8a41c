from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from discourse.errors import SchemaError, UsageError
from discourse.measure.polarization import (
    NetTone,
    Polarization,
    cramer_squared,
    cramer_squared_unbiased,
    esteban_ray,
    esteban_ray_bias,
    esteban_ray_unbiased,
    net_tone,
    net_tone_gap,
    positions,
)
from discourse.schema import FRAMES

Array = np.ndarray


def shares(k: int) -> st.SearchStrategy[Array]:
    whole = st.lists(st.integers(0, 50), min_size=k, max_size=k).filter(any)
    return whole.map(lambda counts: np.array(counts) / sum(counts))


def outcomes(n: int, p: Array) -> Iterator[tuple[Array, float]]:
    """Every outcome of a multinomial sample of n and its chance."""
    for counts in itertools.product(range(n + 1), repeat=len(p)):
        if sum(counts) == n:
            ways = math.factorial(n) / math.prod(math.factorial(c) for c in counts)
            yield np.array(counts), ways * math.prod(float(x) ** c for x, c in zip(p, counts, strict=True))


TRUTHS = [
    np.array(p) for p in ([0.25, 0.5, 0.25], [0.2, 0.35, 0.45], [0.7, 0.3, 0.0], [1.0, 0.0, 0.0], [0.5, 0.0, 0.5])
]


@pytest.mark.parametrize("n", [3, 4, 5])
@pytest.mark.parametrize("p", TRUTHS)
def test_esteban_ray_unbiased_over_all_samples(n: int, p: Array) -> None:
    expected = sum(chance * float(esteban_ray_unbiased(counts)) for counts, chance in outcomes(n, p))
    assert expected == pytest.approx(float(esteban_ray(p)), abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (4, 5)])
@pytest.mark.parametrize(("p", "q"), list(itertools.combinations_with_replacement(TRUTHS[:4], 2)))
def test_cramer_squared_unbiased_over_all_pairs_of_samples(n: int, m: int, p: Array, q: Array) -> None:
    expected = sum(
        a * b * float(cramer_squared_unbiased(x, y)) for (x, a) in outcomes(n, p) for (y, b) in outcomes(m, q)
    )
    assert expected == pytest.approx(float(cramer_squared(p, q)), abs=1e-12)


def test_the_plain_forms_are_not_unbiased() -> None:
    p = TRUTHS[1]
    plain = sum(chance * float(esteban_ray(counts / 4)) for counts, chance in outcomes(4, p))
    assert abs(plain - float(esteban_ray(p))) > 0.005
    apart = sum(a * b * float(cramer_squared(x / 4, y / 4)) for (x, a) in outcomes(4, p) for (y, b) in outcomes(4, p))
    assert apart > 0.1


@pytest.mark.parametrize("p", TRUTHS[:3])
def test_bias_is_exact_up_to_a_term_in_one_over_n_squared(p: Array) -> None:
    # The index is a cubic: beyond the second-order term there is only the third central moment, exactly c / n^2.
    left = []
    for n in (4, 6, 12):
        plain = sum(chance * float(esteban_ray(counts / n)) for counts, chance in outcomes(n, p))
        covariance = (np.diag(p) - np.outer(p, p)) / n
        left.append((plain - float(esteban_ray(p)) - float(esteban_ray_bias(p, covariance))) * n**2)
    np.testing.assert_allclose(left, left[0], atol=1e-10)


@settings(deadline=None, max_examples=60)
@given(shares(3), st.lists(st.floats(-1, 1), min_size=9, max_size=9))
def test_bias_is_half_the_trace_of_the_second_derivative(p: Array, entries: list[float]) -> None:
    root = np.array(entries).reshape(3, 3)
    covariance = root @ root.T
    # Second differences of a cubic along each column of the root are exact for any step.
    steps = [esteban_ray(p + col) - 2 * esteban_ray(p) + esteban_ray(p - col) for col in root.T]
    assert float(esteban_ray_bias(p, covariance)) == pytest.approx(0.5 * float(sum(steps)), abs=1e-9)


def test_bias_takes_many_cells_at_once() -> None:
    p = np.stack(TRUTHS[:3])
    covariance = np.stack([(np.diag(x) - np.outer(x, x)) / n for x, n in zip(p, (10, 20, 30), strict=True)])
    one_by_one = [float(esteban_ray_bias(x, c)) for x, c in zip(p, covariance, strict=True)]
    np.testing.assert_allclose(esteban_ray_bias(p, covariance), one_by_one, atol=1e-15)


ALPHA = st.floats(0.0, 1.6)


@settings(deadline=None, max_examples=100)
@given(shares(3), ALPHA)
def test_esteban_ray_bounds_and_mirror(p: Array, alpha: float) -> None:
    value = float(esteban_ray(p, alpha))
    assert -1e-12 <= value <= 1.0 + 1e-12
    assert float(esteban_ray(p[::-1], alpha)) == pytest.approx(value, abs=1e-12)
    consensus = bool((p == 1.0).any())
    assert (value < 1e-12) == consensus


@settings(deadline=None, max_examples=40)
@given(ALPHA)
def test_esteban_ray_is_one_for_two_halves_and_nothing_at_consensus(alpha: float) -> None:
    assert float(esteban_ray([0.5, 0.0, 0.5], alpha)) == pytest.approx(1.0, abs=1e-12)
    for at in range(3):
        assert float(esteban_ray(np.eye(3)[at], alpha)) == 0.0


@settings(deadline=None, max_examples=60)
@given(shares(5), st.lists(st.floats(-3, 3), min_size=5, max_size=5, unique=True).map(sorted))
def test_alpha_zero_is_the_gini_mean_difference(p: Array, at: list[float]) -> None:
    assume(at[-1] - at[0] > 0.01)
    gini = sum(p[i] * p[j] * abs(at[i] - at[j]) for i in range(5) for j in range(5))
    half_apart = 0.5 * (at[-1] - at[0])
    assert float(esteban_ray(p, 0.0, at)) == pytest.approx(gini / half_apart, abs=1e-9)


def test_esteban_ray_keeps_the_leading_axes() -> None:
    p = np.stack(TRUTHS[:4]).reshape(2, 2, 3)
    assert esteban_ray(p).shape == (2, 2)
    assert float(esteban_ray(p)[1, 0]) == float(esteban_ray(TRUTHS[2]))


@pytest.mark.parametrize("alpha", [-0.1, 1.7, math.nan])
def test_alpha_outside_the_axioms_is_refused(alpha: float) -> None:
    with pytest.raises(UsageError) as caught:
        esteban_ray([0.5, 0.0, 0.5], alpha)
    assert str(caught.value) == f"alpha is {alpha}; Esteban and Ray's axioms allow 0 to 1.6"


def test_too_few_posts_have_no_unbiased_value() -> None:
    made = esteban_ray_unbiased([[1, 0, 1], [1, 1, 1], [0, 0, 0]])
    assert np.isnan(made).tolist() == [True, False, True]
    assert np.isnan(cramer_squared_unbiased([[1, 0, 0], [0, 0, 0]], [3, 2, 1])).all()
    assert np.isfinite(cramer_squared_unbiased([1, 1, 0], [0, 1, 1]))


@settings(deadline=None, max_examples=60)
@given(shares(3), shares(3))
def test_cramer_is_a_squared_distance(p: Array, q: Array) -> None:
    by_hand = (p[0] - q[0]) ** 2 + (p[0] + p[1] - q[0] - q[1]) ** 2
    assert float(cramer_squared(p, q)) == pytest.approx(by_hand, abs=1e-12)
    assert float(cramer_squared(q, p)) == pytest.approx(by_hand, abs=1e-12)
    assert float(cramer_squared(p[::-1], q[::-1])) == pytest.approx(by_hand, abs=1e-9)
    assert float(cramer_squared(p, p)) == 0.0


def test_cramer_of_opposite_poles_is_two() -> None:
    assert float(cramer_squared([1, 0, 0], [0, 0, 1])) == 2.0
    assert float(cramer_squared([1, 0, 0], [0, 1, 0])) == 1.0


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


@pytest.mark.parametrize(
    ("kind", "between"), [("esteban-ray", False), ("net-tone-gap", True), ("cramer-squared", True)]
)
def test_a_measure_is_a_small_value(kind: str, between: bool) -> None:
    measure = Polarization(kind)
    assert repr(measure) == f"Polarization('{kind}')"
    assert measure.between is between
    assert measure == Polarization(kind)
    assert len({measure, Polarization(kind)}) == 1


def test_an_unknown_measure_is_told_the_options() -> None:
    with pytest.raises(SchemaError) as caught:
        Polarization("esteban_ray")
    assert str(caught.value) == (
        "polarization is 'esteban_ray'; it must be 'esteban-ray', 'net-tone-gap' or 'cramer-squared'. "
        "Did you mean 'esteban-ray'?"
    )
    with pytest.raises(SchemaError) as caught:
        Polarization("x")
    assert str(caught.value) == "polarization is 'x'; it must be 'esteban-ray', 'net-tone-gap' or 'cramer-squared'"
