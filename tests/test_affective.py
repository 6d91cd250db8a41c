"""Affective polarization: its forms, its correction, its interval on a known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import SchemaError, UsageError
from discourse.indices.affective import CELLS, FORMS, AffectivePolarization, affective_gap, affective_log_odds

Array = np.ndarray
TRUE = np.array([0.15, 0.35, 0.06, 0.24, 0.20])  # the last cell is about neither side


@settings(deadline=None, max_examples=80)
@given(st.lists(st.integers(1, 500), min_size=4, max_size=4))
def test_the_forms_agree_with_each_other(cells: list[int]) -> None:
    a, b, c, d = cells
    given_counts = (a, a + b, c, c + d)
    gap = float(affective_gap(*given_counts))
    value, error = affective_log_odds(*given_counts)
    assert float(value) == pytest.approx(math.log(a * d / (b * c)), abs=1e-9)
    assert float(error) == pytest.approx(math.sqrt(1 / a + 1 / b + 1 / c + 1 / d), abs=1e-9)
    assert gap * float(value) >= -1e-12  # both say the same direction
    swapped = affective_log_odds(c, c + d, a, a + b)
    assert float(swapped[0]) == pytest.approx(-float(value), abs=1e-12)
    for form, known in (("gap", gap), ("log-odds", float(value))):
        assert float(AffectivePolarization(form).of(np.array(cells) / 7)) == pytest.approx(known, abs=1e-9)


def test_an_empty_cell_gets_half_a_post_and_an_empty_group_no_value() -> None:
    value, error = affective_log_odds([0, 3, 0], [10, 10, 0], [2, 2, 2], [10, 10, 10])
    assert float(value[0]) == pytest.approx(math.log(0.5 / 10.5) - math.log(2.5 / 8.5), abs=1e-12)
    assert float(value[1]) == pytest.approx(math.log(3 / 7) - math.log(2 / 8), abs=1e-12)
    assert float(error[0]) == pytest.approx(math.sqrt(1 / 0.5 + 1 / 10.5 + 1 / 2.5 + 1 / 8.5), abs=1e-12)
    assert math.isnan(value[2])
    assert math.isnan(error[2])
    assert math.isnan(affective_gap(0, 0, 1, 2))
    assert math.isnan(AffectivePolarization("log-odds").of([0.0, 0.5, 0.2, 0.3]))
    assert math.isnan(AffectivePolarization().of([0.0, 0.0, 0.2, 0.3]))


def replicated(rng: np.random.Generator, authors: int, b: int = 100) -> Array:
    """Shares of the four cells (1 + b, 4) from authors of a few posts each, with Poisson replicates."""
    posts = rng.integers(1, 6, authors)
    own = rng.dirichlet(TRUE * 4, authors)
    each = np.array([rng.multinomial(m, q) for m, q in zip(posts, own, strict=True)])
    weights = np.vstack([np.ones(authors), rng.poisson(1.0, (b, authors))])
    summed = weights @ (each / posts[:, None])
    made: Array = summed[:, :4] / summed.sum(axis=1, keepdims=True)
    return made


@pytest.mark.parametrize("form", FORMS)
def test_the_correction_and_the_interval_on_a_known_truth(form: str) -> None:
    measure, rng = AffectivePolarization(form), np.random.default_rng(8)
    given_cells = np.stack([replicated(rng, 70) for _ in range(500)])
    true = float(measure.of(TRUE[:4]))
    estimate, low, high = measure.interval(given_cells)
    plain = measure.of(given_cells[:, 0])
    error = float(estimate.std()) / math.sqrt(len(estimate))
    assert abs(float(estimate.mean()) - true) < 3.5 * error
    if form == "log-odds":
        assert abs(float(plain.mean()) - true) > abs(float(estimate.mean()) - true)
    assert 0.90 <= float(((low <= true) & (true <= high)).mean()) <= 0.98


@pytest.mark.parametrize("form", FORMS)
def test_the_correction_is_half_the_trace_of_the_second_derivative(form: str) -> None:
    measure, h = AffectivePolarization(form), 1e-4
    steps = np.random.default_rng(1).normal(size=(6, 4)) * 0.01
    p = TRUE[:4]
    second = sum(float(measure.of(p + h * s) - 2 * measure.of(p) + measure.of(p - h * s)) / h**2 for s in steps)
    # Replicates whose covariance is exactly steps' steps: each step forth and back.
    n = 2 * len(steps)
    replicates = p + np.vstack([steps, -steps]) * math.sqrt((n - 1) / 2)
    made = float(measure.correct(np.vstack([p, replicates])))
    assert made == pytest.approx(second / 2, rel=1e-4)


def test_it_is_a_small_value_and_refuses_what_it_cannot_take() -> None:
    assert repr(AffectivePolarization("log-odds")) == "AffectivePolarization('log-odds')"
    assert not AffectivePolarization().between
    assert AffectivePolarization().bounds == (-1.0, 1.0)
    assert AffectivePolarization("log-odds").bounds == (-math.inf, math.inf)
    with pytest.raises(SchemaError, match=r"^form is 'odds'; it must be 'gap' or 'log-odds'"):
        AffectivePolarization("odds")
    with pytest.raises(UsageError) as caught:
        AffectivePolarization().of([0.5, 0.5])
    assert str(caught.value) == f"cells have shape (2,); the last axis must hold {', '.join(CELLS)}"
    with pytest.raises(UsageError) as caught:
        affective_gap(5, 4, 1, 2)
    assert str(caught.value) == (
        "there are more hostile posts about the out-group than posts about it; give hostile, n"
    )
