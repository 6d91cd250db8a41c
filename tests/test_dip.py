"""Hartigan's dip against its definition as a linear programme, and its warning."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from discourse.errors import BimodalityWarning, DiscourseWarning, MeaningError, UsageError
from discourse.indices.dip import MIN_DISTINCT, dip, dip_of, dip_p_value
from discourse.indices.dip_table import CHANCES, QUANTILES, SIZES

Array = np.ndarray


def quietly(*args: object, **options: object) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BimodalityWarning)
        return dip(*args, **options)  # type: ignore[arg-type]


def nearest_with_peak(x: Array, mass: Array, peak: int) -> float:
    """Distance to the nearest distribution function that is convex up to x[peak] and concave from there on."""
    upper = np.cumsum(mass)
    lower = upper - mass
    left, right = peak + 1, len(x) - peak  # values up to the peak from the left, and from the peak on
    n = left + right
    rows, bounds = [], []

    def at_most(bound: float, **terms: float) -> None:
        row = np.zeros(n + 1)
        for place, factor in terms.items():
            row[int(place[1:])] = factor
        rows.append(row)
        bounds.append(bound)

    for i in range(left):  # left of the peak the value at a point is held against both sides of its jump
        at_most(lower[i], **{f"v{i}": 1.0, f"v{n}": -1.0})
        at_most(-(upper[i] if i < peak else lower[i]), **{f"v{i}": -1.0, f"v{n}": -1.0})
    for j in range(right):
        at_most(upper[peak] if j == 0 else lower[peak + j], **{f"v{left + j}": 1.0, f"v{n}": -1.0})
        at_most(-upper[peak + j], **{f"v{left + j}": -1.0, f"v{n}": -1.0})
    for i in range(n - 1):
        at_most(0.0, **{f"v{i}": 1.0, f"v{i + 1}": -1.0})
    for start, length, first, sign in ((0, left, 0, 1.0), (left, right, peak, -1.0)):
        for i in range(1, length - 1):
            before = 1.0 / (x[first + i] - x[first + i - 1])
            after = 1.0 / (x[first + i + 1] - x[first + i])
            v = start + i
            at_most(0.0, **{f"v{v}": sign * (before + after), f"v{v - 1}": -sign * before, f"v{v + 1}": -sign * after})
    cost = np.r_[np.zeros(n), 1.0]
    solved = linprog(cost, A_ub=np.array(rows), b_ub=bounds, bounds=[(0, 1)] * n + [(0, None)])
    return float(solved.fun)


@pytest.mark.parametrize("seed", range(12))
def test_the_dip_is_the_distance_to_the_nearest_single_peak(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 11))
    x = np.sort(rng.random(n))
    mass = np.full(n, 1 / n) if seed % 2 else rng.dirichlet(np.ones(n))
    expected = min(nearest_with_peak(x, mass, peak) for peak in range(n))
    assert dip_of(x, mass) == pytest.approx(expected, abs=1e-8)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 1000), min_size=10, max_size=60, unique=True), st.integers(1, 9), st.booleans())
def test_the_dip_knows_neither_scale_nor_order_nor_direction(values: list[int], scale: int, flip: bool) -> None:
    x = np.array(values, dtype=np.float64)
    made = quietly(x)
    assert 1 / (2 * len(x)) - 1e-12 <= made <= 0.25
    assert quietly(np.sort(x)[::-1] * scale - 3) == pytest.approx(made, abs=1e-9)
    assert quietly(-x if flip else x + 7) == pytest.approx(made, abs=1e-9)
    assert quietly(x, np.full(len(x), 3)) == pytest.approx(made, abs=1e-9)
    assert quietly(np.repeat(x, 2)) == pytest.approx(made, abs=1e-9)


def test_two_far_peaks_have_the_largest_dip() -> None:
    x = np.r_[np.arange(50) / 1e6, 1 + np.arange(50) / 1e6]
    assert quietly(x) == pytest.approx(0.25, abs=0.006)
    assert quietly(np.arange(100.0)) == pytest.approx(1 / 200, abs=1e-12)


def test_it_warns_and_refuses_classes() -> None:
    assert issubclass(BimodalityWarning, DiscourseWarning)
    with pytest.warns(BimodalityWarning, match=r"^the dip looks for a second peak in a continuous score"):
        dip(np.arange(float(MIN_DISTINCT)))
    with pytest.raises(MeaningError) as caught:
        quietly(np.arange(MIN_DISTINCT - 1.0))
    assert str(caught.value) == (
        "there are 9 distinct values, so these look like classes, whose dip means nothing; "
        "give a continuous score with at least 10, or force=True"
    )
    assert quietly(np.arange(9.0), force=True) == pytest.approx(1 / 18, abs=1e-12)
    # Values that nobody holds are no values.
    with pytest.raises(MeaningError, match=r"^there are 2 distinct values"):
        quietly(np.arange(12), [5, *[0] * 10, 5])


@pytest.mark.parametrize(
    ("x", "counts"),
    [([[1.0]], None), ([1.0, 2.0], [1]), ([1.0, np.nan], None), ([1.0], [-1]), ([1.0], [0]), ([], None)],
)
def test_what_has_no_dip_is_refused(x: list[float], counts: list[int] | None) -> None:
    with pytest.raises(UsageError):
        quietly(x, counts)


@pytest.mark.parametrize("n", [8, 45, 300])
def test_the_p_value_of_one_flat_peak_is_uniform(n: int) -> None:
    rng = np.random.default_rng(n)
    mass = np.full(n, 1 / n)
    p = np.array([dip_p_value(dip_of(np.sort(rng.random(n)), mass), n) for _ in range(600)])
    for level in (0.05, 0.25, 0.5):
        assert abs(float((p <= level).mean()) - level) < 4 * np.sqrt(level * (1 - level) / 600) + 0.01


def test_the_table_rises_and_the_p_value_falls() -> None:
    assert (np.diff(QUANTILES, axis=1) >= 0).all()
    assert np.shape(QUANTILES) == (len(SIZES), len(CHANCES))
    assert (np.diff(CHANCES) < 0).all()
    p = [dip_p_value(d, 70) for d in np.linspace(0, 0.25, 200)]
    assert (np.diff(p) <= 0).all()
    assert (p[0], p[-1]) == (1.0, 0.0)
    assert dip_p_value(QUANTILES[8][7] / 10, 100) == pytest.approx(0.05, abs=1e-12)
    # Beyond the table sqrt(n) x dip has settled.
    assert dip_p_value(0.5402 / 1000, 10**6) == pytest.approx(0.05, abs=1e-3)
    with pytest.raises(UsageError, match=r"^there are 3 values; the dip test needs at least 4$"):
        dip_p_value(0.1, 3)


def test_three_classes_with_one_peak_reject_one_peak() -> None:
    rng = np.random.default_rng(3)
    rejected = []
    for counts in rng.multinomial(30, [0.25, 0.5, 0.25], 200):
        held = counts > 0
        rejected.append(dip_p_value(dip_of(np.flatnonzero(held).astype(float), counts[held] / 30), 30) < 0.05)
    assert np.mean(rejected) > 0.95
