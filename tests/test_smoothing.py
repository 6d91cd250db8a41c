"""Smoothing over time: intervals that hold the curve, raw points beside it, no certainty that is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.impact.smoothing import LEVELS, Smoothed, _conditional, common_variance, smooth


def noisy(curve: Any, posts: int, seed: Any, missing: float = 0.0) -> tuple[Any, Any, Any]:
    """Shares, variances and sizes around a curve on the logit scale."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(posts, len(curve)) + 2
    share = rng.binomial(n, expit(np.asarray(curve))) / n
    variance = share * (1 - share) / n
    gone = rng.random(len(curve)) < missing
    share[gone] = variance[gone] = np.nan
    return share, variance, n


def whole(z: Any, v: Any, t: Any, sd: float, keep: float) -> tuple[Any, Any, float]:
    """Mean, variance and restricted log-likelihood of the level, the slow way: a Gaussian process with a flat mean."""
    t = np.asarray(t, dtype=float)
    distance = np.abs(t[:, None] - t[None, :])
    if keep < 1:
        cov = sd**2 / (1 - keep**2) * keep**distance
    else:
        cov = -0.5 * sd**2 * distance  # the generalised covariance of a random walk: right under a free mean
    seen = np.isfinite(z)
    noise = cov[np.ix_(seen, seen)] + np.diag(v[seen])
    one = np.ones(int(seen.sum()))
    inverse = np.linalg.inv(noise)
    info = one @ inverse @ one
    mean = one @ inverse @ z[seen] / info
    across = cov[:, seen]
    level = mean + across @ inverse @ (z[seen] - mean)
    slack = 1 - across @ inverse @ one
    variance = np.diag(cov) - np.einsum("ij,jk,ik->i", across, inverse, across) + slack**2 / info
    rest = z[seen] - mean
    likelihood = -0.5 * (np.linalg.slogdet(noise)[1] + np.log(abs(info)) + rest @ inverse @ rest)
    return level, variance, float(likelihood)


@pytest.mark.parametrize("keep", [1.0, 0.8, 0.3])
def test_three_diagonals_give_what_the_whole_matrix_gives(keep: float) -> None:
    rng = np.random.default_rng(2)
    t = np.cumsum(rng.integers(1, 4, 12))
    z, v = rng.normal(0, 1, 12), rng.uniform(0.05, 0.5, 12)
    z[[3, 7]] = np.nan
    weight = np.where(np.isfinite(z), 1 / v, 0.0)
    made = [_conditional(np.nan_to_num(z), weight, np.diff(t).astype(float), sd, keep) for sd in (0.2, 0.9)]
    slow = [whole(z, v, t, sd, keep) for sd in (0.2, 0.9)]
    for one, other in zip(made, slow, strict=True):
        np.testing.assert_allclose(one[0], other[0], atol=1e-8)
        np.testing.assert_allclose(one[1], other[1], atol=1e-8)
    if keep < 1:
        assert made[1][2] - made[0][2] == pytest.approx(slow[1][2] - slow[0][2], abs=1e-8)


def test_the_walks_likelihood_is_that_of_its_differences() -> None:
    # Two windows: z2 - z1 ~ N(0, sd^2 + v1 + v2), nothing else is known of the level.
    z, v = np.array([0.3, 1.0]), np.array([0.2, 0.1])
    values = [_conditional(z, 1 / v, np.ones(1), sd, 1.0)[2] for sd in (0.3, 0.8)]
    expected = [-0.5 * (np.log(sd**2 + 0.3) + 0.49 / (sd**2 + 0.3)) for sd in (0.3, 0.8)]
    assert values[1] - values[0] == pytest.approx(expected[1] - expected[0], abs=1e-12)


@pytest.mark.parametrize("kind", LEVELS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), days=st.integers(3, 40))
def test_without_noise_the_curve_is_the_points(kind: str, seed: int, days: int) -> None:
    share = np.random.default_rng(seed).uniform(0.1, 0.9, days)
    made = smooth(share, np.full(days, 1e-10), kind=kind)
    np.testing.assert_allclose(made.smooth, share, atol=1e-4)
    assert (made.high - made.low).max() < 1e-3


@pytest.mark.parametrize("kind", LEVELS)
def test_the_raw_points_stand_beside_the_curve(kind: str) -> None:
    share, variance, n = noisy(np.full(20, -0.5), 40, 1, missing=0.2)
    made = smooth(share, variance, n_eff=n, kind=kind)
    np.testing.assert_array_equal(made.raw, share)
    known = np.isfinite(share)
    reach = 1.959963984540054 * np.sqrt(variance[known])
    np.testing.assert_allclose(made.raw_high[known], np.minimum(share[known] + reach, 1))
    np.testing.assert_allclose(made.raw_low[known], np.maximum(share[known] - reach, 0))
    assert np.isnan(made.raw_low[~known]).all()
    assert ((made.low > 0) & (made.low < made.smooth) & (made.smooth < made.high) & (made.high < 1)).all()
    assert np.mean(made.high - made.low) < np.mean((made.raw_high - made.raw_low)[known])
    assert made.flags == ("empty",)
    table = made.table()
    assert table["raw"].null_count() == int((~known).sum())
    assert table["smooth"].null_count() == 0


@pytest.mark.parametrize(
    ("curve", "sd"), [("walk", 0.05), ("walk", 0.2), ("wave", 0.0), ("step", 0.0), ("flat", 0.0)]
)  # fmt: skip
def test_intervals_hold_the_curve_in_full_and_in_empty_windows(curve: str, sd: float) -> None:
    # 40 series of 26 windows, a tenth of them empty. Errors go together along a curve: some 150 independent windows.
    held, filled, better = [], [], []
    for seed in range(40):
        rng = np.random.default_rng([seed, 41])
        t = np.arange(26)
        truth = {
            "walk": -0.5 + np.cumsum(rng.normal(0, sd, 26)) if sd else t * 0.0, "flat": np.full(26, -0.5),
            "wave": -0.5 + 0.5 * np.sin(2 * np.pi * t / 20), "step": np.where(t < 13, -0.8, 0.0),
        }[curve]  # fmt: skip
        share, variance, n = noisy(truth, 60, [seed, 42], missing=0.1)
        made = smooth(share, variance, n_eff=n)
        inside = (made.low < expit(truth)) & (expit(truth) < made.high)
        held.append(inside.mean())
        filled += inside[np.isnan(share)].tolist()
        better.append(np.nanmean((made.raw - expit(truth)) ** 2) - np.mean((made.smooth - expit(truth)) ** 2))
    assert np.mean(held) > 0.91
    assert np.mean(filled) > 0.88
    assert np.mean(better) > 0


def test_shares_at_0_pull_no_curve_to_0() -> None:
    # 2 % of 30 posts: half the windows have none. A curve through shares weighted by their own variances would sink.
    truth = np.full(40, logit(0.02))
    errors = []
    for seed in range(20):
        share, variance, n = noisy(truth, 30, [seed, 3])
        errors.append(np.mean(smooth(share, variance, n_eff=n).smooth) - 0.02)
    assert abs(np.mean(errors)) < 0.004


def test_empty_windows_are_wider_the_longer_the_gap() -> None:
    share, variance, _ = noisy(0.3 * np.sin(np.arange(30)), 200, 5)
    share[12:21] = np.nan
    width = np.subtract(*(getattr(smooth(share, variance), name) for name in ("high", "low")))
    assert width[16] > width[13] > width[10]
    assert width[16] > 1.3 * width[10]


def test_distance_in_time_counts() -> None:
    share, variance = np.array([0.3, 0.5, 0.3, 0.5]), np.full(4, 0.002)
    near, far = smooth(share, variance, t=[0, 1, 2, 3]), smooth(share, variance, t=[0, 1, 10, 11])
    assert abs(far.smooth[1] - far.smooth[2]) > abs(near.smooth[1] - near.smooth[2])
    assert smooth(share, variance, t=[0, 7, 14, 21]).smooth == pytest.approx(near.smooth, abs=1e-9)


def test_errors_that_all_windows_share_do_not_average_out() -> None:
    held = {0.0: [], 0.04: []}  # type: dict[float, list[float]]
    for seed in range(40):
        rng = np.random.default_rng([seed, 8])
        z = -0.4 + rng.normal(0, 0.2) + rng.normal(0, 0.2, 30)
        share = expit(z)
        variance = 0.08 * (share * (1 - share)) ** 2
        for common, inside in held.items():
            made = smooth(share, variance, common=common)
            inside.append(float(np.mean((made.low < expit(-0.4)) & (expit(-0.4) < made.high))))
    assert np.mean(held[0.0]) < 0.75
    assert 0.90 < np.mean(held[0.04]) <= 1.0


def test_the_common_variance_is_measured_from_replicates() -> None:
    rng = np.random.default_rng(4)
    z = -0.3 + rng.normal(0, 0.2, 4000) + rng.normal(0, 0.1, (12, 4000))
    assert common_variance(expit(z)) == pytest.approx(0.04, rel=0.1)
    assert common_variance(expit(rng.normal(0, 0.1, (12, 4000)))) < 0.001
    assert common_variance(np.vstack([expit(z), np.full((1, 4000), np.nan)])) == common_variance(expit(z))
    with pytest.raises(UsageError, match="windows, replicates"):
        common_variance(z[0])
    with pytest.raises(MeaningError, match="1 windows hold"):
        common_variance(np.vstack([expit(z[:1]), np.full((1, 4000), np.nan)]))


def test_how_much_the_level_moves_is_found() -> None:
    steps = {
        sd: np.median([
            smooth(*noisy(np.cumsum(np.random.default_rng([s, 1]).normal(0, sd, 80)), 400, [s, 2])[:2]).step_sd
            for s in range(8)
        ])
        for sd in (0.05, 0.3)
    }  # fmt: skip
    assert steps[0.05] == pytest.approx(0.05, rel=0.5)
    assert steps[0.3] == pytest.approx(0.3, rel=0.25)


def test_few_windows_are_told() -> None:
    made = smooth([0.2, 0.5, 0.4], [0.001] * 3)
    assert made.flags == ("few_windows",)
    assert isinstance(made, Smoothed)
    assert "few_windows" in repr(made)
    assert "raw and smoothed" in repr(made)


@pytest.mark.parametrize(
    ("share", "given", "kind", "words"),
    [
        ([0.2, float("nan")], {}, MeaningError, "1 windows hold a share"),
        ([0.2, 0.3], {"t": [1, 1]}, UsageError, "must rise"),
        ([0.2, 0.3], {"t": [1]}, UsageError, "shapes"),
        ([0.2, 3.0], {}, MeaningError, "only shares"),
        ([0.2, 0.3], {"common": 5.0}, UsageError, "least variance"),
        ([0.2, 0.3], {"common": -0.1}, UsageError, "least variance"),
        ([0.2, 0.3], {"kind": "spline"}, SchemaError, "'ou'"),
        ([0.2, 0.3], {"level": 95}, UsageError, "like 0.95"),
    ],
)
def test_what_cannot_be_smoothed(share: Any, given: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        smooth(share, [0.001] * 2, **given)
