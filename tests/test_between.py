"""Distances between two sides, and the bias of all indices in small samples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from discourse.indices.between import (
    cramer2,
    cramer_squared,
    energy_distance,
    jsd,
    jsd_bias,
    total_variation,
    wasserstein1,
)
from discourse.indices.within import (
    agreement_A,
    bimodality_coefficient,
    esteban_ray,
    pole_index,
    variance,
)

Array = np.ndarray


def shares(k: int) -> st.SearchStrategy[Array]:
    whole = st.lists(st.integers(0, 50), min_size=k, max_size=k).filter(any)
    return whole.map(lambda counts: np.array(counts) / sum(counts))


@settings(deadline=None, max_examples=60)
@given(shares(3), shares(3))
def test_cramer_is_a_squared_distance(p: Array, q: Array) -> None:
    by_hand = (p[0] - q[0]) ** 2 + (p[0] + p[1] - q[0] - q[1]) ** 2
    assert float(cramer_squared(p, q)) == pytest.approx(by_hand, abs=1e-12)
    assert float(cramer_squared(q, p)) == pytest.approx(by_hand, abs=1e-12)
    assert float(cramer_squared(p[::-1], q[::-1])) == pytest.approx(by_hand, abs=1e-9)
    assert float(cramer_squared(p, p)) == 0.0
    assert float(energy_distance(p, q)) ** 2 == pytest.approx(2 * by_hand, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(shares(4), shares(4), st.lists(st.integers(-20, 20), min_size=4, max_size=4, unique=True))
def test_distances_at_points_are_those_of_the_definition(p: Array, q: Array, points: list[int]) -> None:
    at = sorted(points)
    pairs = [(i, j, abs(at[i] - at[j])) for i in range(4) for j in range(4)]
    energy = sum((2 * p[i] * q[j] - p[i] * p[j] - q[i] * q[j]) * d for i, j, d in pairs)
    assert 2 * float(cramer2(p, q, at=at)) == pytest.approx(energy, abs=1e-9)
    assert float(energy_distance(p, q, at)) ** 2 == pytest.approx(energy, abs=1e-9)
    assert float(wasserstein1(p, q, at)) == pytest.approx(wasserstein_distance(at, at, p, q), abs=1e-9)
    events = [some for r in range(5) for some in itertools.combinations(range(4), r)]
    widest = max(abs(sum(p[i] - q[i] for i in some)) for some in events)
    assert float(total_variation(p, q)) == pytest.approx(widest, abs=1e-9)
    for base in (2.0, math.e):
        assert float(jsd(p, q, base)) == pytest.approx(jensenshannon(p, q, base) ** 2, abs=1e-9)


def test_the_ends_of_the_distances() -> None:
    opposite = [1, 0, 0], [0, 0, 1]
    assert [float(f(*opposite)) for f in (cramer2, wasserstein1, energy_distance)] == [2.0, 2.0, 2.0]
    assert [float(f(*opposite)) for f in (total_variation, jsd)] == [1.0, 1.0]
    assert float(cramer2([1, 0, 0], [0, 1, 0])) == 1.0


def test_the_corrected_divergence_is_the_formula_of_miller_and_madow() -> None:
    n, m = np.array([7, 0, 3, 10]), np.array([2, 5, 0, 23])
    p, q = n / n.sum(), m / m.sum()
    of_p, of_q = -(3 - 1) / (2 * 20), -(3 - 1) / (2 * 30)
    of_middle = -sum((p * (1 - p) / 20 + q * (1 - q) / 30) / (4 * (p + q) / 2)) / 2
    expected = float(jsd(p, q)) - (of_middle - (of_p + of_q) / 2) / math.log(2)
    assert float(jsd(n, m)) == float(jsd(n, m, bias="miller-madow")) == pytest.approx(expected, abs=1e-12)
    assert float(jsd(n, m, bias=None)) == pytest.approx(float(jsd(p, q)), abs=1e-12)


def test_the_bias_of_the_divergence_is_half_the_trace_of_its_second_derivative() -> None:
    p, q, h = np.array([0.3, 0.5, 0.2]), np.array([0.2, 0.35, 0.45]), 1e-4
    steps = np.array([[1.0, -0.4, -0.6, 0.3, -0.5, 0.2], [0.2, 0.5, -0.7, -0.1, 0.9, -0.8]])

    def at(x: Array) -> float:
        return float(jsd(p + x[:3], q + x[3:], math.e))

    second = sum((at(h * s) - 2 * at(0 * s) + at(-h * s)) / h**2 for s in steps)
    cov = steps.T @ steps
    made = float(jsd_bias(p, q, np.diag(cov)[:3], np.diag(cov)[3:], np.diag(cov[:3, 3:])))
    assert made == pytest.approx(second / 2, rel=1e-4)


P, Q = np.array([0.25, 0.5, 0.25]), np.array([0.35, 0.45, 0.20])
SAME: dict[str, Callable[[Array, Array], Array]] = {
    "jsd": lambda a, b: jsd(a, b, bias=None),
    "jsd corrected": jsd,
    "wasserstein": wasserstein1,
    "cramer": lambda a, b: cramer2(a, b, unbiased=False),
    "cramer unbiased": cramer2,
}
ONE: dict[str, Callable[[Array], Array]] = {
    "esteban-ray 1.3": lambda a: esteban_ray(a, 1.3),
    "esteban-ray": lambda a: esteban_ray(a, unbiased=False),
    "esteban-ray unbiased": esteban_ray,
    "agreement": agreement_A,
    "variance": lambda a: variance(a, unbiased=False),
    "variance unbiased": variance,
    "pole index": pole_index,
}
BIASES = [
    ("esteban-ray 1.3", 10, 0.4531 + 0.0146), ("esteban-ray", 10, 0.5 - 0.0053), ("esteban-ray unbiased", 10, 0.5),
    ("agreement", 10, 0.25 + 0.1172), ("agreement", 100, 0.25 + 0.0270), ("variance", 10, 0.5 - 0.05),
    ("variance unbiased", 10, 0.5), ("pole index", 10, 0.5 - 0.1757), ("pole index", 100, 0.5 - 0.0554),
    ("jsd", 10, 0.0860), ("jsd", 100, 0.0073), ("jsd corrected", 10, 0.0180), ("jsd corrected", 30, 0.0011),
    ("wasserstein", 10, 0.3017), ("wasserstein", 1000, 0.0310), ("cramer", 10, 0.0748), ("cramer unbiased", 10, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "n", "mean"), BIASES)
def test_the_bias_table(name: str, n: int, mean: float) -> None:
    rng = np.random.default_rng([7, n])
    first, second = rng.multinomial(n, P, 20_000), rng.multinomial(n, P, 20_000)
    values = SAME[name](first, second) if name in SAME else ONE[name](first)
    # Both means come from 20,000 samples; the table has four digits.
    error = values.std() / math.sqrt(20_000)
    assert abs(float(values.mean()) - mean) < 4.5 * error + 5e-5


@pytest.mark.filterwarnings("ignore::discourse.errors.BimodalityWarning")
def test_the_bimodality_coefficient_prefers_one_large_pole_to_two() -> None:
    rng = np.random.default_rng(1)
    assert float(bimodality_coefficient(rng.multinomial(100, P, 5_000)).mean()) == pytest.approx(0.4763, abs=0.003)
    lopsided, balanced = bimodality_coefficient([[90, 5, 5], [45, 10, 45]])
    assert lopsided > balanced
    assert float(esteban_ray([90, 5, 5])) < float(esteban_ray([45, 10, 45]))
