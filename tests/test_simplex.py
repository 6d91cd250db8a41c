from __future__ import annotations

from itertools import combinations, product
from math import comb

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import UsageError
from discourse.estimators.quantify import pcc, sld
from discourse.estimators.simplex import simplex_cells, simplex_histogram, simplex_points, simplex_projection

Floats = npt.NDArray[np.float64]
VECTORS = st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=5)


def nearest(values: list[float]) -> Floats:
    """The projection by trying which coordinates are above 0."""
    x, best, error = np.array(values), np.array([]), np.inf
    for size in range(1, len(x) + 1):
        for support in combinations(range(len(x)), size):
            p = np.zeros(len(x))
            p[list(support)] = x[list(support)] + (1.0 - x[list(support)].sum()) / size
            off = float(np.square(p - x).sum())
            if (p >= 0).all() and off < error:
                best, error = p, off
    return best


@settings(deadline=None, max_examples=150)
@given(VECTORS)
def test_the_projection_is_the_nearest_point(values: list[float]) -> None:
    made = simplex_projection(values)
    assert (made >= 0).all()
    assert made.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(made, nearest(values), atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(VECTORS, st.randoms())
def test_the_projection_knows_no_order_and_no_constant(values: list[float], random: object) -> None:
    order = list(range(len(values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    x = np.array(values)
    np.testing.assert_allclose(simplex_projection(x[order]), simplex_projection(x)[order], atol=1e-12)
    np.testing.assert_allclose(simplex_projection(x + 5.0), simplex_projection(x), atol=1e-12)
    np.testing.assert_allclose(simplex_projection(simplex_projection(x)), simplex_projection(x), atol=1e-12)


def test_the_projection_of_many_and_of_none() -> None:
    rows = np.random.default_rng(1).normal(size=(2, 5, 4))
    made = simplex_projection(rows)
    for at in product(range(2), range(5)):
        np.testing.assert_allclose(made[at], nearest(list(rows[at])), atol=1e-12)
    assert np.isnan(simplex_projection([[0.2, np.nan], [2.0, 0.0]])).tolist() == [[True, True], [False, False]]
    assert simplex_projection([[7.0], [-7.0]]).tolist() == [[1.0], [1.0]]
    with pytest.raises(UsageError, match=r"^values have the shape \(0,\); the last axis must hold one number a class$"):
        simplex_projection([])


@pytest.mark.parametrize(("k", "steps"), [(1, 3), (2, 1), (2, 7), (3, 4), (4, 5), (5, 3)])
def test_points_are_all_whole_steps_in_order(k: int, steps: int) -> None:
    expected = [row for row in product(range(steps + 1), repeat=k) if sum(row) == steps]
    points = simplex_points(k, steps)
    np.testing.assert_array_equal(np.rint(points * steps), sorted(expected))
    assert len(points) == comb(steps + k - 1, k - 1)
    np.testing.assert_array_equal(simplex_cells(points, steps), np.arange(len(points)))


@settings(deadline=None, max_examples=80)
@given(st.integers(2, 5), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_cell_is_the_nearest_point(k: int, steps: int, seed: int) -> None:
    f = np.random.default_rng(seed).dirichlet(np.full(k, 0.6), 20)
    points = simplex_points(k, steps)
    away = np.square(f[:, None, :] - points[None]).sum(axis=-1)
    cells = simplex_cells(f, steps)
    np.testing.assert_allclose(away[np.arange(20), cells], away.min(axis=1), atol=1e-12)


@pytest.mark.parametrize("given_", [[[0.5, 0.6]], [[-0.1, 1.1]]])
def test_posteriors_lie_on_the_simplex(given_: list[list[float]]) -> None:
    with pytest.raises(UsageError, match=r"^posteriors must not be below 0 and must sum to 1 over the last axis$"):
        simplex_cells(given_, 4)


@pytest.mark.parametrize(("k", "steps"), [(0, 3), (3, 0), (9, 90)])
def test_an_impossible_grid_is_refused(k: int, steps: int) -> None:
    with pytest.raises(UsageError, match=rf"^a grid of {k} classes in {steps} steps is not possible; take 1 class"):
        simplex_points(k, steps)


def test_a_histogram_adds_over_partitions_and_keeps_replicates() -> None:
    rng = np.random.default_rng(2)
    f, w = rng.dirichlet([1.0, 2.0, 0.5], 300), rng.poisson(1.0, (300, 4)).astype(float)
    whole = simplex_histogram(f, w, steps=6)
    parts = [simplex_histogram(f[rows], w[rows], steps=6) for rows in (slice(0, 77), slice(77, 300))]
    for i in range(2):
        np.testing.assert_allclose(parts[0][i] + parts[1][i], whole[i], atol=1e-12)
    np.testing.assert_allclose(whole[0].sum(axis=0), w.sum(axis=0))
    np.testing.assert_allclose(whole[1].sum(axis=0), w[:, 0] @ f)
    cells = simplex_cells(f, 6)
    np.testing.assert_allclose(whole[0][cells[0]], w[cells == cells[0]].sum(axis=0))
    with pytest.raises(UsageError, match=r"^there are 300 posteriors and 5 weights; each posterior needs its own$"):
        simplex_histogram(f, np.ones(5))


def test_sums_over_the_grid_stand_for_the_posts() -> None:
    """Mean scores of the cells: `pcc` is exact, `sld` within a thousandth (calibrated scores, twenty steps)."""
    rng = np.random.default_rng(4)
    means, prior, shares = np.array([[1.4, 0.0], [-0.5, 1.4], [-0.3, -0.45]]), [0.25, 0.2, 0.55], [0.45, 0.1, 0.45]
    x = means[rng.choice(3, 20_000, p=shares)] + rng.standard_normal((20_000, 2))
    z = np.exp(x @ means.T - 0.5 * np.square(means).sum(axis=1)) * prior
    f = z / z.sum(axis=1, keepdims=True)
    weight, total = simplex_histogram(f, steps=20)
    there = weight > 0
    cells = total[there] / weight[there, None]
    np.testing.assert_allclose(pcc(cells, weight[there]), pcc(f), atol=1e-12)
    np.testing.assert_allclose(sld(cells, prior, weight[there]), sld(f, prior), atol=1.5e-3)
    assert np.abs(sld(simplex_points(3, 20), prior, weight) - sld(f, prior)).max() > 1e-3  # the bare grid is coarser
