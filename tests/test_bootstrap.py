from __future__ import annotations

import math
import statistics
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import UsageError
from discourse.estimators.bootstrap import percentile_interval, replicate_variance
from discourse.poisson import hash_keys, keyed_weights, poisson_weights

MASK = 2**64 - 1


def slow_weight(author: str, seed: int, b: int) -> int:
    """One weight in plain whole numbers, written from the specification."""
    key = blake2b(author.encode("utf-8"), digest_size=8, key=seed.to_bytes(8, "little")).digest()
    z = (int.from_bytes(key, "little") + (b + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    z ^= z >> 31
    u = (z >> 11) * 2.0**-53
    k, term, cdf = 0, math.exp(-1.0), math.exp(-1.0)
    while u >= cdf and k < 20:
        k += 1
        term /= k
        cdf += term
    return k


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=6),
    st.integers(0, MASK),
    st.integers(1, 12),
)
def test_weights_follow_the_specification(authors: list[str], seed: int, replicates: int) -> None:
    made = poisson_weights(authors, replicates, seed)
    assert made.tolist() == [[slow_weight(a, seed, b) for b in range(replicates)] for a in authors]


def test_a_million_weights_are_those_of_the_distribution() -> None:
    """A weight is looked up by its first bits: none may differ from the one that all 53 bits give."""
    ids = [f"x:{i}" for i in range(1_000)]
    steps = [sum(math.exp(-1.0) / math.factorial(k) for k in range(n + 1)) for n in range(21)]
    keys = hash_keys(ids, 5)
    z = keys[:, None] + np.arange(1, 1_001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    uniform = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
    assert np.array_equal(poisson_weights(ids, 1_000, 5), (uniform[..., None] >= np.array(steps)).sum(axis=-1))
    assert np.array_equal(keyed_weights(keys, 700, 1_000), poisson_weights(ids, 1_000, 5)[:, 700:])


def test_a_weight_depends_on_author_seed_and_replicate_alone() -> None:
    many = poisson_weights(["x:1", "x:2", "x:3"], 50, seed=4)
    assert np.array_equal(poisson_weights(["x:3", "x:1"], 50, seed=4), many[[2, 0]])
    assert np.array_equal(poisson_weights(["x:1", "x:2", "x:3"], 20, seed=4), many[:, :20])
    assert np.array_equal(poisson_weights(["x:2", "x:2"], 50, seed=4)[0], many[1])
    assert not np.array_equal(poisson_weights(["x:1", "x:2", "x:3"], 50, seed=5), many)


def test_weights_are_poisson_one_and_uncorrelated() -> None:
    w = poisson_weights([f"x:{i}" for i in range(2000)], 100, seed=11)
    n = w.size
    for k in range(6):
        p = math.exp(-1.0) / math.factorial(k)
        assert abs((w == k).mean() - p) < 4.5 * math.sqrt(p * (1 - p) / n)
    across_replicates = np.corrcoef(w[:, :-1].ravel(), w[:, 1:].ravel())[0, 1]
    across_authors = np.corrcoef(w[:-1].ravel(), w[1:].ravel())[0, 1]
    assert abs(across_replicates) < 4.5 / math.sqrt(n)
    assert abs(across_authors) < 4.5 / math.sqrt(n)


def test_no_authors_have_no_weights() -> None:
    assert poisson_weights([], 7, seed=0).shape == (0, 7)


@pytest.mark.parametrize("replicates", [0, -3])
def test_a_bootstrap_needs_a_replicate(replicates: int) -> None:
    with pytest.raises(UsageError) as caught:
        poisson_weights(["x:1"], replicates, seed=0)
    assert str(caught.value) == f"replicates is {replicates}; a bootstrap needs at least 1 (400 is the default)"


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_outside_eight_bytes_is_refused(seed: int) -> None:
    with pytest.raises(UsageError) as caught:
        hash_keys(["x:1"], seed)
    assert str(caught.value) == f"seed is {seed}; it must be a whole number from 0 to 2**64 - 1"


def test_the_largest_seed_is_taken() -> None:
    expected = blake2b(b"x:1", digest_size=8, key=b"\xff" * 8).digest()
    assert int(hash_keys(["x:1"], MASK)[0]) == int.from_bytes(expected, "little")


def test_percentiles_by_hand_with_holes() -> None:
    # 1, 2, 3, 4, 5 after the holes are left out: 10 % lies at 1 + 0.1 x 4.
    rows = np.array([[5.0, np.nan, 3.0, 1.0, 4.0, np.nan, 2.0], [np.nan, 7.0, *[np.nan] * 5], [np.nan] * 7])
    low, high = percentile_interval(rows, level=0.8)
    np.testing.assert_allclose(low, [1.4, np.nan, np.nan], rtol=1e-12)
    np.testing.assert_allclose(high, [4.6, np.nan, np.nan], rtol=1e-12)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, -0.1, math.nan])
def test_a_level_is_a_fraction(level: float) -> None:
    with pytest.raises(UsageError, match=r"level is .*; it must lie between 0 and 1, like 0\.95$"):
        percentile_interval(np.arange(5.0), level)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.none(), st.floats(-1e3, 1e3)), min_size=1, max_size=12))
def test_replicate_variance_is_the_sample_variance(values: list[float | None]) -> None:
    known = [value for value in values if value is not None]
    made = float(replicate_variance(np.array([math.nan if value is None else value for value in values])))
    if len(known) < 2:
        assert math.isnan(made)
    else:
        assert made == pytest.approx(statistics.variance(known), rel=1e-9, abs=1e-9)
