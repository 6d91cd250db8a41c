"""Sums under bootstrap weights: two kernels and a slow loop give the same bits."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import SchemaError, UsageError
from discourse.measure import spread as module
from discourse.measure.spread import CAPACITY, author_keys
from discourse.poisson import hash_keys, poisson_weights

NAMES = ["alice", "علی", "x:1", ""]
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 2**40)), max_size=20)
Run = Callable[..., np.ndarray]


def spread(
    names: list[str], at: tuple[np.ndarray, ...], slots: int, *, replicates: int, seed: int, kernel: str | None = None
) -> np.ndarray:
    """Sums from zero."""
    empty = np.zeros((slots, 1 + replicates), np.int64)
    return module.spread(hash_keys(names, seed), (at[0], at[1], at[2]), empty, kernel=kernel)


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
    """Most weights are equal, as those of authors with one post are; 220 replicates are more than a tile."""
    pytest.importorskip("numba", reason="needs numba: pip install 'discourse[speed]'")
    rng = np.random.default_rng(1)
    names = [f"x:{at}" for at in range(20_000)]
    weight = np.where(rng.random(120_000) < 0.7, 2**32, rng.integers(0, 2**32, 120_000))
    at = rng.integers(0, 20_000, 120_000), rng.integers(0, 300, 120_000), weight
    compiled, plain = (spread(names, at, 300, replicates=220, seed=2, kernel=one) for one in ("numba", "scipy"))
    assert np.array_equal(compiled, plain)
    assert np.array_equal(spread(names, at, 300, replicates=220, seed=2), plain)
    weights = poisson_weights(names, 220, 2)
    for slot in range(0, 300, 50):
        here = at[1] == slot
        assert plain[slot, 0] == weight[here].sum()
        assert np.array_equal(plain[slot, 1:], weight[here] @ weights[at[0][here]])


@pytest.mark.parametrize("pairs", [3, 17_000])
def test_authors_and_blocks_that_add_nothing_change_nothing(kernel: str, pairs: int) -> None:
    names = [f"x:{at}" for at in range(16_900)]
    author = 16_897 + np.arange(pairs) % 3
    made = spread(names, (author, author - 16_897, author - 16_890), 4, replicates=6, seed=1, kernel=kernel)
    times = np.bincount(author - 16_897, minlength=3) * np.arange(7, 10)
    expected = times[:, None] * np.insert(poisson_weights(names[-3:], 6, 1), 0, 1, axis=1)
    assert made.tolist() == [*expected.tolist(), [0] * 7]


def test_sums_are_added_to_what_is_there_and_the_rest_stays_as_it_was(kernel: str) -> None:
    out, at, keys = np.full((5, 4), 10, np.int64), arrays([(2, 1, 3), (0, 4, 1)]), hash_keys(NAMES, 6)
    copies = [array.copy() for array in (keys, *at)]
    made = module.spread(keys, at, out, kernel=kernel)
    assert made is out
    assert (made - 10).tolist() == slow([(2, 1, 3), (0, 4, 1)], 3, 6)
    assert all(np.array_equal(one, copy) for one, copy in zip((keys, *at), copies, strict=True))


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
LONG = st.integers(120, 260).map(lambda size: "z" * size)  # a block of the hash is 128 bytes


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXT | LONG, max_size=6), st.integers(0, 2**64 - 1))
def test_the_compiled_hash_is_that_of_the_standard_library(texts: list[str], seed: int) -> None:
    fused = pytest.importorskip("discourse.measure.fused", reason="needs numba: pip install 'discourse[speed]'")
    made = fused.hash_texts(pl.Series(texts, dtype=pl.String), seed)
    assert made.tolist() == hash_keys(texts, seed).tolist()


def test_whole_and_further_blocks_are_hashed_too() -> None:
    fused = pytest.importorskip("discourse.measure.fused", reason="needs numba: pip install 'discourse[speed]'")
    texts = ["", *("a" * size for size in (1, 7, 8, 127, 128, 129, 255, 256, 257)), "", "علی" * 50]
    assert fused.hash_texts(pl.Series(texts), 3).tolist() == hash_keys(texts, 3).tolist()
    with pytest.raises(UsageError, match=r"^seed is -1; it must be a whole number"):
        fused.hash_texts(pl.Series(texts), -1)


@pytest.mark.parametrize("n", [0, 3, 10_001])
def test_keys_of_authors_are_those_of_their_ids(n: int) -> None:
    ids = [f"x:{at}" for at in range(n)]
    assert np.array_equal(author_keys(pl.Series(ids, dtype=pl.String), 4), hash_keys(ids, 4))


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
