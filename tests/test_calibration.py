"""Isotonic calibration: scikit-learn's lines, probabilities that are ones, and nothing lost where a class is absent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from discourse.framing.calibration import Isotonic, fit_isotonic
from discourse.framing.linear import softmax

Floats = np.ndarray


def drawn(n: int, seed: int, sharpness: float) -> tuple[Floats, Floats]:
    """True shares of three classes and classes drawn from them; the shares as someone says them who is too sure."""
    draw = np.random.default_rng(seed)
    scores = draw.normal(size=(n, 3)) * 1.5
    place = np.array([draw.choice(3, p=row) for row in softmax(scores)])
    return softmax(scores * sharpness), place


def test_each_line_is_scikit_learns() -> None:
    shares, place = drawn(2000, 1, 2.0)
    made = fit_isotonic(shares, place)
    asked = np.random.default_rng(2).dirichlet(np.ones(3), 500)
    ones = np.column_stack([
        IsotonicRegression(out_of_bounds="clip").fit(shares[:, k], place == k).predict(asked[:, k]) for k in range(3)
    ])  # fmt: skip
    wanted = ones / ones.sum(axis=1, keepdims=True)
    assert np.allclose(made.of(asked), wanted, atol=1e-4)


def test_who_was_too_sure_is_right_afterwards() -> None:
    made = fit_isotonic(*drawn(4000, 1, 2.5))
    shares, place = drawn(8000, 2, 2.5)
    after = made.of(shares)

    def gaps(said: Floats) -> list[float]:
        """Mean gap between what is said and what is true, in tenths of what is said, over all classes."""
        flat, true = said.ravel(), (place[:, None] == np.arange(3)).ravel()
        cell = np.minimum((flat * 10).astype(int), 9)
        return [abs(flat[cell == c].mean() - true[cell == c].mean()) for c in range(10) if (cell == c).sum() > 100]

    assert max(gaps(shares)) > 0.15
    assert max(gaps(after)) < 0.06
    hit = np.arange(len(place)), place
    assert np.log(after[hit]).mean() > np.log(shares[hit]).mean() + 0.05


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(2, 5))
def test_rows_are_probabilities_whatever_is_given(seed: int, n: int, k: int) -> None:
    draw = np.random.default_rng(seed)
    shares, place = draw.dirichlet(np.full(k, 0.3), n), draw.integers(0, k, n)
    made = fit_isotonic(shares, place)
    asked = np.vstack([draw.dirichlet(np.full(k, 0.1), 50), np.eye(k), np.full((1, k), 1 / k)])
    after = made.of(asked)
    assert np.isfinite(after).all()
    assert (after >= 0).all()
    assert np.allclose(after.sum(axis=1), 1, atol=1e-12)
    again = Isotonic.from_arrays(made.arrays(), k)
    assert (again.of(asked) == after).all()


def test_a_more_likely_class_never_becomes_less_likely() -> None:
    """Along a line of probabilities of two classes the calibrated one rises, everywhere."""
    draw = np.random.default_rng(3)
    share = np.sort(draw.random(600))
    made = fit_isotonic(np.column_stack([share, 1 - share]), (draw.random(600) > share**3).astype(np.int64))
    line = np.linspace(0, 1, 2001)
    after = made.of(np.column_stack([line, 1 - line]))[:, 0]
    assert (np.diff(after) > 0).all()


def test_a_class_without_posts_keeps_its_probability() -> None:
    shares, place = drawn(3000, 1, 1.0)
    kept = place != 2
    made = fit_isotonic(shares[kept], place[kept])
    assert len(made.x[2]) == len(made.y[2]) == 0
    assert len(made.x[0]) > 1
    assert made.of(np.array([[0.05, 0.05, 0.9]]))[0, 2] > 0.5
    alone = fit_isotonic(shares[:5], np.zeros(5, np.int64))
    assert alone.of(shares) == pytest.approx(shares)


def test_no_texts_give_no_rows() -> None:
    made = fit_isotonic(*drawn(50, 1, 1.0))
    assert made.of(np.zeros((0, 3))).shape == (0, 3)
