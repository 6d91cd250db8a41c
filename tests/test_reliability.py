"""Reliability diagrams: probabilities against what was coded."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.calibration import calibration_curve

from discourse.errors import SchemaError, UsageError
from discourse.estimators.proportions import wilson
from discourse.judging.reliability import RELIABILITY, reliability
from discourse.schema import FRAMES


def predictions(p: np.ndarray, value: list[str], author: list[str]) -> pl.DataFrame:
    shares = {f"p_{frame}": p[:, i] for i, frame in enumerate(FRAMES)}
    return pl.DataFrame({"author_id": author, "value": value, **shares})


def drawn(n: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """n probability vectors and frames drawn from them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([0.8, 0.4, 0.3, 0.9], n)
    at = (rng.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1).clip(0, 3)
    return p, [FRAMES[i] for i in at]


def test_bins_agree_with_scikit_learn() -> None:
    p, value = drawn(500, 3)
    made = reliability(predictions(p, value, [str(i) for i in range(500)]), bins=8)
    assert dict(made.schema) == RELIABILITY
    for i, frame in enumerate(FRAMES):
        observed, predicted = calibration_curve(np.array(value) == frame, p[:, i], n_bins=8)
        own = made.filter(frame=frame)
        np.testing.assert_allclose(own["observed"].to_numpy(), observed)
        np.testing.assert_allclose(own["predicted"].to_numpy(), predicted)
        assert own["n"].sum() == 500
        assert own["bin_low"].is_sorted()


def test_one_post_an_author_is_wilsons_interval_and_many_posts_an_author_widen_it() -> None:
    p = np.tile([0.65, 0.05, 0.1, 0.2], (40, 1))
    value = ["nationalist"] * 20 + ["neither"] * 20
    alone = (
        reliability(predictions(p, value, [str(i) for i in range(40)])).filter(frame="nationalist").row(0, named=True)
    )
    # CR1 makes the effective number of independent posts a little smaller: n (a - 1) / a.
    low, high = wilson(39 / 2, 39)
    assert (alone["low"], alone["high"]) == pytest.approx((float(low), float(high)))
    # Ten authors of four posts each, all of one mind: ten independent votes, or nine with the small-sample factor.
    few = (
        reliability(predictions(p, value, [str(i // 4) for i in range(40)]))
        .filter(frame="nationalist")
        .row(0, named=True)
    )
    low, high = wilson(4.5, 9)
    assert (few["low"], few["high"]) == pytest.approx((float(low), float(high)))
    assert (few["n"], few["n_authors"]) == (40, 10)


def test_ends_of_bins_belong_to_the_bin_that_begins_there_and_one_to_the_last() -> None:
    p = np.array([[0.5, 0.0, 0.0, 0.5], [1.0, 0.0, 0.0, 0.0]])
    made = reliability(predictions(p, ["neither", "nationalist"], ["a", "b"]), bins=2).filter(frame="nationalist")
    assert made.select("bin_low", "bin_high", "n").rows() == [(0.5, 1.0, 2)]


def test_intervals_of_a_calibrated_model_hold_what_was_predicted_and_of_an_overconfident_one_do_not() -> None:
    """200 worlds of 300 posts: about 95 % of bins hold the mean probability, which is the truth there."""
    held = total = sharp = 0
    for seed in range(200):
        p, value = drawn(300, 1000 + seed)
        author = [str(i) for i in range(300)]
        made = reliability(predictions(p, value, author), bins=5).filter(pl.col("n") >= 20)
        inside = pl.col("predicted").is_between(pl.col("low"), pl.col("high"))
        held, total = held + made.filter(inside).height, total + made.height
        bold = p**3 / (p**3).sum(axis=1, keepdims=True)
        worse = reliability(predictions(bold, value, author), bins=5).filter(pl.col("n") >= 20)
        sharp += worse.filter(~inside).height
    assert 0.92 <= held / total <= 0.98
    assert sharp > 0.3 * total


def test_what_is_missing_is_said_and_the_order_means_nothing() -> None:
    p, value = drawn(50, 5)
    given = predictions(p, value, [str(i % 20) for i in range(50)])
    before = given.clone()
    assert reliability(given.reverse()).equals(reliability(given))
    assert given.equals(before)
    with pytest.raises(UsageError, match="bins is 1"):
        reliability(given, bins=1)
    with pytest.raises(SchemaError, match="no column 'p_both'"):
        reliability(given.drop("p_both"))
    assert reliability(given.head(0)).is_empty()
