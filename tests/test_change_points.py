"""Change points: exact against the whole of all segmentations, honest about what they are."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.impact.change_points import COSTS, ChangePoints, dispersion, pelt, segment_cost

SIGNAL = [0.3, 0.31, 0.29, 0.32, 0.3, 0.28, 0.31, 0.3, 0.45, 0.47, 0.44, 0.46, 0.48, 0.45, 0.46, 0.44, 0.33, 0.31, 0.34,
          0.32, 0.33, 0.32]  # fmt: skip


def test_pelt_l2() -> None:
    # ruptures 1.1.10 with jump=1; its default jump=5 gives 10, 15, 22, which must not come out.
    made = pelt(SIGNAL, cost="l2", pen=0.01, min_size=2)
    assert made == [8, 16, 22]
    assert list(made) != [10, 15, 22]
    assert made.changes == (8, 16)
    assert made.levels == pytest.approx((np.mean(SIGNAL[:8]), np.mean(SIGNAL[8:16]), np.mean(SIGNAL[16:])))
    assert made.cost == pytest.approx(sum(np.var(part) * len(part) for part in (SIGNAL[:8], SIGNAL[8:16], SIGNAL[16:])))


def worst(y: np.ndarray, n: np.ndarray, cost: str, pen: float, min_size: int) -> float:
    """The least cost by dynamic programming over every beginning of the last segment."""
    days = len(y)
    best = np.full(days + 1, np.inf)
    best[0] = -pen
    for end in range(min_size, days + 1):
        for begin in range(end - min_size + 1):
            if np.isfinite(best[begin]):
                best[end] = min(best[end], best[begin] + segment_cost(y[begin:end], n[begin:end], cost) + pen)
    return float(best[days])


def reached(made: ChangePoints, y: np.ndarray, n: np.ndarray, cost: str, pen: float) -> float:
    begins = (0, *made.ends[:-1])
    total = sum(segment_cost(y[a:b], n[a:b], cost) for a, b in zip(begins, made.ends, strict=True))
    return total + pen * len(made.changes)


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 100_000), days=st.integers(2, 36), min_size=st.integers(1, 5), cost=st.sampled_from(COSTS),
    drawn=st.tuples(st.sampled_from([0.0, 0.3, 1.5, 6.0]), st.sampled_from([0.7, 4.0, 40.0])),
)  # fmt: skip
def test_pelt_is_the_exact_dynamic_programme(
    seed: int, days: int, min_size: int, cost: str, drawn: tuple[float, float]
) -> None:
    pen, posts = drawn
    rng = np.random.default_rng(seed)
    n = rng.poisson(posts, days)
    y = rng.binomial(n, np.repeat(rng.random(12), 3)[:days])
    made = pelt(y, n, cost=cost, pen=pen, min_size=min_size)
    best = worst(y, n, cost, pen, min_size) if days >= min_size else segment_cost(y, n, cost)
    assert reached(made, y, n, cost, pen) == pytest.approx(best, abs=1e-8)
    assert made.ends[-1] == days
    assert all(b - a >= min_size for a, b in zip((0, *made.ends[:-1]), made.ends, strict=True)) or days < 2 * min_size


def test_every_segmentation_of_a_short_series_costs_as_much_or_more() -> None:
    rng = np.random.default_rng(4)
    n = rng.poisson(9, 9)
    y = rng.binomial(n, [0.1] * 4 + [0.8] * 5)
    made = pelt(y, n, pen=3.0)
    costs = [
        sum(segment_cost(y[a:b], n[a:b]) for a, b in zip((0, *cut), (*cut, 9), strict=True)) + 3.0 * len(cut)
        for many in range(4) for cut in combinations(range(2, 8), many)
        if all(b - a >= 2 for a, b in zip((0, *cut), (*cut, 9), strict=True))
    ]  # fmt: skip
    assert reached(made, y, n, "binomial", 3.0) == pytest.approx(min(costs))


def test_costs_are_likelihoods_and_squares() -> None:
    y, n = np.array([2, 0, 5]), np.array([4, 0, 6])
    share = 7 / 10
    whole = -2 * (7 * np.log(share) + 3 * np.log(1 - share))
    assert segment_cost(y, n) == pytest.approx(whole)
    constant = stats.binom.logpmf(y, n, share).sum() - (whole / -2)
    assert constant == pytest.approx(sum(np.log([6, 1, 6])))  # the binomial coefficients, the same for any share
    assert segment_cost([0, 0], [3, 9]) == segment_cost([3, 9], [3, 9]) == 0.0
    assert segment_cost([0], [0]) == 0.0
    assert segment_cost([1e9 + 1, 1e9 + 3], cost="l2") == pytest.approx(2.0)
    assert segment_cost(y, n, "l2") == pytest.approx(np.var([0.5, 5 / 6]) * 2)


def test_days_without_posts_neither_make_nor_move_a_change() -> None:
    y, n = np.repeat([3, 3, 16, 16], 10), np.full(40, 20)
    assert pelt(y, n) == [20, 40]
    y[12:16] = n[12:16] = 0
    assert pelt(y, n) == [20, 40]
    y[18:22] = n[18:22] = 0
    made = pelt(y, n)
    assert len(made.changes) == 1
    assert 18 <= made.changes[0] <= 22
    assert made.levels == pytest.approx((0.15, 0.8))


def test_the_default_penalty_is_the_dispersion_times_2_log_t() -> None:
    rng = np.random.default_rng(6)
    n = np.full(200, 50)
    plain, wild = rng.binomial(n, 0.3), rng.binomial(n, rng.beta(3, 7, 200))
    for y in (plain, wild):
        made = pelt(y, n)
        assert made.penalty == pytest.approx(dispersion(y, n) * 2 * np.log(200))
        assert made.dispersion == dispersion(y, n)
    assert 1.0 <= dispersion(plain, n) < 1.3
    # Beta(3, 7): an intra-day correlation of 1/11, so a dispersion of 1 + 49 / 11.
    assert dispersion(wild, n) == pytest.approx(1 + 49 / 11, rel=0.25)
    stepped = rng.binomial(n, np.repeat([0.2, 0.6], 100))
    assert dispersion(stepped, n) < 1.5, "a level that changes once is no dispersion"
    values = rng.normal(5, 2, 400)
    assert dispersion(values, cost="l2") == pytest.approx(4.0, rel=0.2)
    assert dispersion([0, 1], [0, 3]) == 1.0
    assert dispersion([1.0], cost="l2") == 0.0


def test_false_alarms_are_rare_where_days_are_independent() -> None:
    found = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        n = rng.poisson(30, 120)
        found.append(len(pelt(rng.binomial(n, 0.35), n).changes) > 0)
    assert np.mean(found) < 0.15


def test_quiet_days_raise_the_penalty_until_nothing_is_found_in_them() -> None:
    rng = np.random.default_rng(9)
    u = rng.normal(0, 0.5, 200)
    for i in range(1, 200):
        u[i] = 0.9 * u[i - 1] + np.sqrt(1 - 0.81) * u[i]
    n = np.full(200, 200)
    y = rng.binomial(n, expit(-0.5 + u + 2.0 * (np.arange(200) >= 150)))
    loud, calm = pelt(y, n), pelt(y, n, quiet=(0, 150))
    assert any(day < 150 for day in loud.changes)
    assert len(pelt(y[:150], n[:150], pen=calm.penalty).changes) == 0
    assert len(pelt(y[:150], n[:150], pen=0.97 * calm.penalty).changes) > 0
    assert any(abs(day - 150) <= 2 for day in calm.changes)
    assert len(calm.changes) < len(loud.changes)
    # Where quiet days ask for less than the default, the default stands.
    flat = rng.binomial(n, 0.4)
    assert pelt(flat, n, quiet=(0, 20)).penalty >= dispersion(flat, n) * 2 * np.log(200)


def test_what_was_found_says_that_it_was_found_by_looking() -> None:
    made = pelt(SIGNAL, cost="l2", pen=0.01)
    none = pelt([1, 2, 1, 2], [4] * 4)
    assert made.exploratory is none.exploratory is True
    for one in (made, none):
        assert "exploratory: found by looking, no test of anything" in repr(one)
    assert repr(none).startswith("no change points (binomial")
    with pytest.raises(TypeError):
        ChangePoints((1,), (0.5,), 0.0, 0.0, 1.0, "l2", exploratory=False)  # type: ignore[call-arg]


def test_it_is_a_sequence_of_ends() -> None:
    made = pelt(SIGNAL, cost="l2", pen=0.01)
    assert (len(made), made[0], made[-1], made[:2], 16 in made) == (3, 8, 22, (8, 16), True)
    assert made == (8, 16, 22)
    assert made == np.array([8, 16, 22])
    assert made != [8, 16]
    assert made != "8, 16, 22"
    assert len({made, pelt(SIGNAL, cost="l2", pen=0.01)}) == 1


@pytest.mark.parametrize("y", [[0.5] * 9, [1 / 3] * 50, [1e8 + 0.1] * 20])
def test_a_constant_series_has_no_change(y: Any) -> None:
    assert pelt(y, cost="l2").changes == ()


def test_short_series_are_one_segment() -> None:
    assert pelt([1, 9], [9, 9], pen=0.0, min_size=2) == [2]
    assert pelt([1, 9], [9, 9], pen=0.0, min_size=1) == [1, 2]
    assert pelt([1], [9], min_size=3) == [1]


@pytest.mark.parametrize(
    ("args", "given", "kind", "words"),
    [
        (([1, 2],), {}, UsageError, "needs the posts"),
        (([1, 2], [1, 1]), {}, MeaningError, "above n"),
        (([1, 2], [3]), {}, UsageError, "shapes"),
        (([], []), {}, UsageError, "shapes"),
        (([1.0, float("nan")],), {"cost": "l2"}, MeaningError, "no number"),
        (([1, 2], [3, 3]), {"pen": -1.0}, UsageError, "0 or more"),
        (([1, 2], [3, 3]), {"pen": float("nan")}, UsageError, "0 or more"),
        (([1, 2], [3, 3]), {"pen": "aic"}, SchemaError, "'bic'"),
        (([1, 2], [3, 3]), {"cost": "l1"}, SchemaError, "'l2'"),
        (([1, 2], [3, 3]), {"min_size": 0}, UsageError, "at least 1 day"),
        (([1, 2], [3, 3]), {"pen": 1.0, "quiet": (0, 2)}, UsageError, "a penalty was given"),
        (([1] * 9, [3] * 9), {"quiet": (0, 3)}, UsageError, "4 or more apart"),
        (([1] * 9, [3] * 9), {"quiet": (4, 10)}, UsageError, "quiet is"),
    ],
)
def test_what_cannot_be_segmented(args: Any, given: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        pelt(*args, **given)
