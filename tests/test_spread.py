"""Sums under bootstrap weights: two kernels and a slow loop give the same bits."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import SchemaError
from discourse.measure import spread as module
from discourse.measure.spread import CAPACITY, spread
from discourse.poisson import poisson_weights

NAMES = ["alice", "علی", "x:1", ""]
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 2**40)), max_size=20)
Run = Callable[..., np.ndarray]


def slow(pairs: list[tuple[int, int, int]], replicates: int, seed: int) -> list[list[int]]:
    made = [[0] * (1 + replicates) for _ in range(5)]
    weights = poisson_weights(NAMES, replicates, seed).tolist()
    for author, slot, weight in pairs:
        for column, times in enumerate([1, *weights[author]]):
            made[slot][column] += weight * times
    return made


def arrays(pairs: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    columns = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
    return columns[0], columns[1], columns[2]


@pytest.fixture(params=["numba", "scipy"])
def kernel(request: pytest.FixtureRequest) -> str:
    if request.param == "numba":
        pytest.importorskip("numba", reason="needs numba: pip install 'discourse[speed]'")
    return str(request.param)


@settings(deadline=None, max_examples=40)
@given(PAIRS, st.integers(1, 7), st.integers(0, 2**64 - 1))
def test_scipy_sums_are_those_of_a_slow_loop(pairs: list[tuple[int, int, int]], replicates: int, seed: int) -> None:
    made = spread(NAMES, arrays(pairs), 5, replicates=replicates, seed=seed, kernel="scipy")
    assert made.tolist() == slow(pairs, replicates, seed)


def test_both_kernels_give_the_slow_loop(kernel: str) -> None:
    rng = np.random.default_rng(3)
    pairs = list(
        zip(
            rng.integers(0, 4, 60).tolist(),
            rng.integers(0, 5, 60).tolist(),
            rng.integers(0, 2**45, 60).tolist(),
            strict=True,
        )
    )
    assert spread(NAMES, arrays(pairs), 5, replicates=230, seed=9, kernel=kernel).tolist() == slow(pairs, 230, 9)


def test_many_authors_over_many_blocks_and_tiles_give_the_same_bits_with_both_kernels() -> None:
    pytest.importorskip("numba", reason="needs numba: pip install 'discourse[speed]'")
    rng = np.random.default_rng(1)
    names = [f"x:{at}" for at in range(20_000)]
    at = rng.integers(0, 20_000, 120_000), rng.integers(0, 300, 120_000), rng.integers(0, 2**32, 120_000)
    compiled, plain = (spread(names, at, 300, replicates=150, seed=2, kernel=one) for one in ("numba", "scipy"))
    assert np.array_equal(compiled, plain)
    assert np.array_equal(spread(names, at, 300, replicates=150, seed=2), plain)
    expected = np.zeros((300, 150), np.int64)
    weights = poisson_weights(names, 150, 2)
    for slot in range(0, 300, 50):
        here = at[1] == slot
        expected[slot] = at[2][here] @ weights[at[0][here]]
        assert np.array_equal(plain[slot, 1:], expected[slot])


def test_weights_of_the_largest_sum_do_not_wrap(kernel: str) -> None:
    pairs = [(author, 0, CAPACITY // 4) for author in range(4)]
    made = spread(NAMES, arrays(pairs), 5, replicates=200, seed=0, kernel=kernel)
    assert made.tolist() == slow(pairs, 200, 0)
    assert (made >= 0).all()


def test_no_pairs_and_no_authors_sum_to_zero(kernel: str) -> None:
    nothing = arrays([])
    assert not spread(NAMES, nothing, 5, replicates=3, seed=0, kernel=kernel).any()
    assert spread([], nothing, 2, replicates=3, seed=0, kernel=kernel).tolist() == [[0] * 4] * 2


def test_without_numba_the_sums_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "discourse.measure.fused", None)
    module._fused.cache_clear()
    pairs = [(0, 1, 5), (3, 1, 7), (1, 4, 1)]
    try:
        assert spread(NAMES, arrays(pairs), 5, replicates=4, seed=1, kernel="numba").tolist() == slow(pairs, 4, 1)
    finally:
        module._fused.cache_clear()


def test_an_unknown_kernel_is_named() -> None:
    with pytest.raises(SchemaError, match=r"^kernel is 'cuda'; it must be 'numba' or 'scipy'"):
        spread(NAMES, arrays([]), 5, replicates=3, seed=0, kernel="cuda")
