from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from discourse.estimators.mixture import Odds, _above_zero, most_likely
from discourse.estimators.quantify import sld

Floats = npt.NDArray[np.float64]
PRIOR = np.array([0.25, 0.2, 0.55])


@settings(deadline=None, max_examples=80)
@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_the_quadratic_under_its_bounds_is_that_of_nnls(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(3, k + 2, k))
    matrix = np.einsum("cik,cij->ckj", root, root)
    q, pull = rng.dirichlet(np.full(k, 0.5), 3), rng.normal(size=(3, k)) * 3.0
    made = _above_zero(matrix, pull, q)
    for one in range(3):
        # |R x - t|^2 with R'R = matrix and R't = matrix q + pull.
        upper = np.linalg.cholesky(matrix[one]).T
        target = np.linalg.solve(upper.T, matrix[one] @ q[one] + pull[one])
        np.testing.assert_allclose(made[one], nnls(upper, target)[0], atol=1e-7)


def small_class(rng: np.random.Generator, sharpened: bool) -> Floats:
    """Posteriors of 3,000 posts, one class of which is nearly or wholly absent."""
    means = rng.normal(size=(3, 2)) * rng.choice([0.3, 1.0, 2.0])
    shares = np.array([10.0 ** -rng.uniform(1, 5), 0.5, 0.5])
    x = means[rng.choice(3, 3_000, p=shares / shares.sum())] + rng.standard_normal((3_000, 2))
    z = x @ means.T - 0.5 * np.square(means).sum(axis=1)
    f = np.exp(z) * PRIOR
    f = f**2 if sharpened else f
    return np.asarray(f / f.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("sharpened", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_every_replicate_reaches_the_top_also_where_a_class_all_but_vanishes(seed: int, sharpened: bool) -> None:
    """Known by its gradient: the likelihood lies within (greatest gain - 1) of its top."""
    rng = np.random.default_rng([30, seed])
    f = small_class(rng, sharpened)
    w = np.vstack([np.ones(len(f)), rng.poisson(1.0, (30, len(f)))])
    made = sld(f, PRIOR, w)
    assert np.isfinite(made).all()
    assert (made >= 0).all()
    np.testing.assert_allclose(made.sum(axis=1), 1.0, atol=1e-10)
    gain = np.stack(
        [(row / row.sum()) @ ((f / PRIOR) / ((f / PRIOR) @ q)[:, None]) for row, q in zip(w, made, strict=True)]
    )
    assert gain.max() <= 1.0 + 2e-10
    assert np.abs(made * (gain - 1.0)).max() <= 1e-11


def test_a_class_comes_back_from_0() -> None:
    """The first step may throw a class out that the top does hold."""
    rng = np.random.default_rng(2)
    f = small_class(rng, True)
    odds, w = Odds.of(f, PRIOR, ()), np.full((1, len(f)), 1.0 / len(f))
    inside = most_likely(odds, w, PRIOR[None], 1e-12)
    for start in ([1e-9, 0.5, 0.5 - 1e-9], [0.98, 0.01, 0.01], [0.01, 0.01, 0.98]):
        np.testing.assert_allclose(most_likely(odds, w, np.array([start]), 1e-12), inside, atol=1e-9)


def test_a_class_that_one_post_alone_needs_is_not_thrown_out() -> None:
    """One post that only the first class explains, 999 that it explains badly: the top is 1 / q = 1000 (1 - c)."""
    f = np.array([[1.0, 0.0], *[[0.3, 0.7]] * 999])
    made = sld(f, [0.5, 0.5])
    c = 0.3 / 0.7
    np.testing.assert_allclose(made, [1 / (1000 * (1 - c)), 1 - 1 / (1000 * (1 - c))], atol=1e-11)


def test_problems_side_by_side_are_those_one_by_one() -> None:
    rng = np.random.default_rng(3)
    f = rng.dirichlet([1.0, 0.5, 2.0], (4, 50))
    w = rng.dirichlet(np.ones(50), 4)
    together = most_likely(Odds.of(f, PRIOR, (4,)), w, np.tile(PRIOR, (4, 1)), 1e-12)
    for i in range(4):
        alone = most_likely(Odds.of(f[i], PRIOR, ()), w[i : i + 1], PRIOR[None], 1e-12)
        np.testing.assert_allclose(together[i], alone[0], atol=1e-11)
    shared = most_likely(Odds.of(f[0], PRIOR, (4,)), w, np.tile(PRIOR, (4, 1)), 1e-12)
    np.testing.assert_allclose(shared[0], together[0], atol=1e-11)
    holes = w.copy()
    holes[2] = np.nan
    with_hole = most_likely(Odds.of(f, PRIOR, (4,)), holes, np.tile(PRIOR, (4, 1)), 1e-12)
    assert np.isnan(with_hole).all(axis=1).tolist() == [False, False, True, False]
    np.testing.assert_allclose(with_hole[3], together[3], atol=1e-12)


def test_what_cannot_be_reached_is_no_number() -> None:
    """A tolerance below rounding is never met: no shares rather than nearly right ones."""
    rng = np.random.default_rng(4)
    f = rng.dirichlet([1.0, 1.0, 1.0], 500)
    made = most_likely(Odds.of(f, PRIOR, ()), np.full((1, 500), 1 / 500), PRIOR[None], -1e-9)
    assert np.isnan(made).all()
