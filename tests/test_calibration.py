"""Isotonic calibration: scikit-learn's lines, probabilities that are ones, and nothing lost where a class is absent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from discourse.errors import MeaningError, UsageError
from discourse.framing.calibration import Isotonic, Platt, fit_isotonic, isotonic, platt
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


# scikit-learn 1.9.1, to five digits.
SCORES, OUTCOMES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [0, 0, 1, 0, 1, 1, 0, 1, 1]


def test_one_class_of_a_known_case() -> None:
    assert isotonic(SCORES, OUTCOMES).tolist() == pytest.approx([0, 0, 1 / 2, 1 / 2, 2 / 3, 2 / 3, 2 / 3, 1, 1])
    line = platt(SCORES, OUTCOMES)
    assert (line.a, line.b) == pytest.approx((-3.0351059411124037, 1.2857867909276026), abs=1e-5)
    assert line.of([0.25, 0.75]).tolist() == pytest.approx([0.37121445629411975, 0.7291950955029677], abs=1e-5)


def fitted(line: Platt, score: Floats, y: Floats) -> float:
    """The log likelihood that Platt's line maximises, by its definition."""
    ones, zeros = (y == 1).sum(), (y == 0).sum()
    wanted = np.where(y == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    p = 1 / (1 + np.exp(line.a * score + line.b))
    return float((wanted * np.log(p) + (1 - wanted) * np.log(1 - p)).sum())


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.sampled_from([0.01, 1.0, 1000.0]))
def test_no_other_line_is_likelier(seed: int, n: int, scale: float) -> None:
    draw = np.random.default_rng(seed)
    score = draw.normal(5.0, 1.0, n) * scale
    y = (draw.random(n) < 0.5).astype(int)
    line = platt(score, y)
    best = fitted(line, score, y)
    for a, b in ((0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01)):
        assert fitted(Platt(line.a + a / scale, line.b + b), score, y) <= best + 1e-9
    assert np.array_equal(isotonic(score, y), IsotonicRegression().fit(score, y).predict(score))


def test_scores_without_error_or_without_a_word_have_a_line_too() -> None:
    sharp = platt([0.0, 1.0, 2.0, 3.0], [0, 0, 1, 1])
    assert -5 < sharp.a < 0
    assert platt([2.0, 2.0], [1, 1]).of([0.0, 9.0]).tolist() == pytest.approx([3 / 4, 3 / 4])
    for one in (platt, isotonic):
        with pytest.raises(UsageError, match=r"^score has the shape \(2,\) and y \(2,\); give a number and a 0 or 1"):
            one([0.5, 0.6], [0, 2])
        with pytest.raises(UsageError, match=r"^score has the shape \(1,\) and y \(2,\)"):
            one([0.5], [0, 1])
        with pytest.raises(MeaningError, match=r"^a calibration is fitted on posts with labels; there are none$"):
            one([], [])
