"""Intervals over authors: the draws, the ends, and how often they hold a truth that is known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from judging_world import guessed
from scipy.special import expit, logit
from scipy.stats import beta, binom, norm

from discourse.errors import UsageError
from discourse.judging.baselines import majority_guess
from discourse.judging.intervals import (
    Draws,
    effective_posts,
    error_interval,
    interval_of,
    logit_interval,
    selective_bound,
)
from discourse.judging.scores import average_precision, brier, calibration_excess, ece, macro, nll
from discourse.judging.tables import score_tables
from discourse.schema import FRAMES

AUTHORS = pl.Series(["b", "a", "b", "c", "a", "b"])


def test_a_replicate_draws_as_many_authors_as_there_are_and_the_first_is_the_sample() -> None:
    draws = Draws.of(AUTHORS, replicates=200, seed=3)
    assert draws.counts.shape == (201, 3)
    assert (draws.counts.sum(axis=1) == 3).all()
    assert (draws.counts[0] == 1).all()
    assert draws.place.tolist() == [1, 0, 1, 2, 0, 1]
    assert abs(draws.counts[1:].mean() - 1.0) < 1e-12
    assert 0.5 < draws.counts[1:, 0].var() < 0.85  # multinomial of 3: 1 - 1/3


def test_draws_hang_on_seed_and_authors_not_on_the_order_of_rows() -> None:
    one, mixed = Draws.of(AUTHORS, replicates=5, seed=3), Draws.of(AUTHORS.reverse(), replicates=5, seed=3)
    assert (one.counts == mixed.counts).all()
    assert mixed.place.tolist() == one.place.tolist()[::-1]
    assert (one.counts != Draws.of(AUTHORS, replicates=5, seed=4).counts).any()
    with pytest.raises(UsageError, match=r"^replicates is 0; an interval needs at least 1 \(1000 is the default\)$"):
        Draws.of(AUTHORS, replicates=0, seed=3)


def test_weights_come_in_parts_that_add_up_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = Draws.of(AUTHORS, replicates=10, seed=3)
    whole = draws.values(lambda weights: weights)
    assert (whole == draws.counts[:, draws.place]).all()
    monkeypatch.setattr("discourse.judging.intervals._CELLS", 7)
    assert max(len(part) for part in draws.weights()) == 1
    assert (draws.values(lambda weights: weights) == whole).all()
    some = np.array([True, False, False, True, False, False])
    assert (draws.values(lambda weights: weights, some) == whole[:, some]).all()


def test_percentiles_leave_out_what_is_not_defined_and_hold_the_estimate() -> None:
    drawn = np.append(np.nan, np.arange(1.0, 1001.0))
    drawn[0] = 500.0
    assert interval_of(drawn) == pytest.approx((500.0, 25.975, 975.025))
    assert interval_of(np.append(-3.0, drawn[1:]))[1] == -3.0
    assert interval_of(np.append(3000.0, drawn[1:]))[2] == 3000.0
    half = np.append(1.0, [np.nan] * 50 + [1.0] * 50)
    assert interval_of(half) == (1.0, None, None)
    assert interval_of(half[np.r_[0, 2:101]])[1] == 1.0
    assert interval_of(np.append(np.nan, np.ones(9))) == (None, None, None)


def test_the_logit_interval_by_hand() -> None:
    drawn = np.array([0.8, 0.7, 0.9, 0.8])
    spread = logit(drawn[1:]).std()
    estimate, low, high = logit_interval(drawn)
    assert estimate == 0.8
    assert low == pytest.approx(expit(logit(0.8) - norm.ppf(0.975) * spread))
    assert high == pytest.approx(expit(logit(0.8) + norm.ppf(0.975) * spread))
    assert (logit_interval(np.array([1.0, 1.0, 0.5]))[1] or 1.0) < 1.0
    assert logit_interval(np.array([0.3, 0.3, 0.3])) == (0.3, None, None)


def test_the_interval_of_the_calibration_error_by_hand() -> None:
    rng = np.random.default_rng(1)
    excess = np.vstack([[0.1, -0.05], rng.normal([0.1, -0.05], 0.02, (400, 2))])
    totals = np.abs(excess[1:]).sum(axis=1)
    noise = np.sqrt(2 / np.pi) * excess[1:].std(axis=0).sum()
    estimate, low, high = error_interval(excess)
    assert estimate == pytest.approx(0.15)
    assert low == pytest.approx(0.15 - noise - (totals.mean() - np.percentile(totals, 2.5)))
    assert high == pytest.approx(0.15 + np.percentile(totals, 97.5) - totals.mean())


@pytest.mark.parametrize(("wrong", "n", "delta"), [(0, 10, 0.05), (3, 40, 0.05), (17, 200, 0.00625), (39, 40, 0.1)])
def test_the_bound_is_where_so_few_errors_would_have_that_chance(wrong: int, n: int, delta: float) -> None:
    bound = selective_bound(wrong, n, delta)
    assert binom.cdf(wrong, n, bound) == pytest.approx(delta)
    assert bound == pytest.approx(beta.ppf(1 - delta, wrong + 1, n - wrong))


def test_the_bound_of_nothing_or_of_all_wrong_is_one() -> None:
    assert selective_bound(0, 0, 0.05) == 1.0
    assert selective_bound(5, 5, 0.05) == 1.0


def test_alike_posts_of_one_author_are_worth_less() -> None:
    alone = np.arange(40)
    wrong = np.arange(40) % 4 == 0
    assert effective_posts(wrong, alone) == pytest.approx(40.0)
    blocks = np.repeat(np.arange(10), 4)
    alike = np.repeat(np.arange(10) % 2 == 0, 4)
    assert effective_posts(alike, blocks) == pytest.approx(9 * 40 / 39, rel=0.05)  # about the 10 authors
    assert effective_posts(np.zeros(40, dtype=bool), blocks) == pytest.approx(10.0)
    assert effective_posts(np.zeros(6, dtype=bool), np.array([0, 0, 0, 0, 0, 1])) == pytest.approx(36 / 26)
    assert effective_posts(wrong, np.zeros(40, dtype=np.int64)) == 1.0
    assert effective_posts(np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)) == 0.0
    unlike = np.tile([True, False, False, False], 10)  # every author has one wrong: less spread than chance
    assert effective_posts(unlike, blocks) == 40.0


TRIALS = 100


def truth_of(heat: float, shares: tuple[float, ...]) -> dict[tuple[str, str, str], float]:
    """The scores in a population of 40,000 authors: what intervals of small samples should hold."""
    posts, *both = guessed(40_000, 99, shares=shares, heat=heat)
    true = posts["value"].replace_strict(dict(zip(FRAMES, range(4), strict=True)), return_dtype=pl.Int64).to_numpy()
    made: dict[tuple[str, str, str], float] = {}
    for model, guess in zip(("classifier", "plain"), both, strict=True):
        hit = np.array([[((true == i) & (guess.predicted == i)).sum(), (true == i).sum(), (guess.predicted == i).sum()]
                        for i in range(4)])  # fmt: skip
        f1 = 2 * hit[:, 0] / (hit[:, 1] + hit[:, 2])
        made |= {(model, "f1", frame): f1[i] for i, frame in enumerate(FRAMES)}
        made |= {(model, "recall", frame): hit[i, 0] / hit[i, 1] for i, frame in enumerate(FRAMES)}
        made |= {(model, "precision", frame): hit[i, 0] / hit[i, 2] for i, frame in enumerate(FRAMES)}
        made[model, "macro_f1", "all"] = float(macro(f1, np.ones(4, dtype=bool)))
        made[model, "accuracy", "all"] = float((true == guess.predicted).mean())
        for metric, of in (("nll", nll), ("brier", brier), ("ece", ece)):
            made[model, metric, "all"] = float(of(guess.probabilities, true))
        for i, frame in enumerate(FRAMES):
            made[model, "average_precision", frame] = float(average_precision(guess.probabilities[:, i], true == i))
    key, share = ("macro_f1", "all"), float((true == 0).mean())
    made["classifier - plain", *key] = made["classifier", *key] - made["plain", *key]
    made["majority", *key] = 2 * share / (share + 1) / 4
    made["classifier - majority", *key] = made["classifier", *key] - made["majority", *key]
    return made


@pytest.mark.parametrize(
    ("shares", "heat"),
    [((0.70, 0.06, 0.02, 0.22), 1.0), ((0.4, 0.2, 0.15, 0.25), 0.4)],
    ids=["rare poles, calibrated", "even, overconfident"],
)
def test_intervals_hold_the_truth_as_often_as_they_promise(shares: tuple[float, ...], heat: float) -> None:
    """95 % is promised, and kept on average; with 100 trials chance takes one of forty scores to 88 %."""
    truth = truth_of(heat, shares)
    held: dict[tuple[str, str, str], list[bool]] = {key: [] for key in truth}
    for trial in range(TRIALS):
        posts, one, other = guessed(150, trial, shares=shares, heat=heat)
        bare = posts.with_columns(
            lang=pl.lit(None, pl.String), side=pl.lit(None, pl.String), platform=pl.lit(None, pl.String)
        )
        most = majority_guess(["nationalist"], posts.height)
        guesses = {"classifier": one, "plain": other, "majority": most}
        scores, _ = score_tables(bare, guesses, seed=trial, replicates=200)
        for row in scores.filter(pl.col("low").is_not_null()).iter_rows(named=True):
            key = row["model"], row["metric"], row["class"]
            if key in truth:
                held[key].append(row["low"] <= truth[key] <= row["high"])
    shares_held = {key: np.mean(one) for key, one in held.items() if len(one) >= TRIALS / 2}
    assert len(shares_held) > 30
    assert min(shares_held.values()) >= 0.87, sorted(shares_held.items(), key=lambda pair: pair[1])[:3]
    assert shares_held["classifier", "ece", "all"] >= 0.95
    assert 0.92 <= np.mean(list(shares_held.values())) <= 0.99


def test_the_signed_errors_of_bins_add_up_to_the_error() -> None:
    posts, one, _ = guessed(50, 1)
    true = posts["value"].replace_strict(dict(zip(FRAMES, range(4), strict=True)), return_dtype=pl.Int64).to_numpy()
    excess = calibration_excess(one.probabilities, true)
    assert np.abs(excess).sum() == pytest.approx(ece(one.probabilities, true))
    assert excess.sum() == pytest.approx((one.predicted == true).mean() - one.probabilities.max(axis=1).mean())
