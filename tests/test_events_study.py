"""Event studies: what is planted is found, what is not is not, and what would mislead is said."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.special import expit, logit

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.estimators.estimate import from_replicates
from discourse.impact.daily import daily
from discourse.impact.event_checks import Placebo, around, bend_test, event_path, placebo_dates, torn
from discourse.impact.events import EventPlan, EventStudy, event_study, window_contrast
from discourse.impact.interrupted import MODELS, fit_daily, interrupted_design
from discourse.impact.several_events import event_studies, pooled_effect
from discourse.schema import EVENTS

Y = [1, 9, 0, 12, 3, 14, 2, 6, 10, 1, 20, 6, 15, 22, 4, 18, 7, 25, 13, 3]
N = [20, 28, 15, 30, 22, 35, 25, 18, 27, 21, 30, 26, 24, 33, 22, 29, 25, 31, 28, 20]


def counts(eta: Any, seed: Any, posts: int = 100) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = rng.poisson(posts, len(eta)) + 1
    return rng.binomial(n, expit(eta)), n


T = np.arange(120)
FLAT, STEP = np.full(120, -0.8), -0.8 + 0.7 * (T >= 90)


@pytest.fixture(scope="module")
def step() -> EventStudy:
    return event_study(counts(STEP, 1), 90)


def test_the_reference_case_comes_out_of_the_study_too() -> None:
    made = event_study((Y, N), 10)
    np.testing.assert_allclose(made.beta, [-0.9215530095, 0.0540481314, 0.9038235183, -0.0742271255], atol=1e-6)
    np.testing.assert_allclose(made.se, [0.4421866303, 0.0740541555, 0.5731312680, 0.0962465286], atol=1e-6)
    assert made.phi == pytest.approx(-0.6415245843, abs=1e-5)
    assert made.sigma2 == pytest.approx(0.6917938147, abs=1e-5)
    assert made.fit.names == ("intercept", "trend", "level", "slope")
    assert made.flags == ("few_days_after", "no_placebo")
    hac = event_study((Y, N), 10, model="ols_hac", placebo=False)
    assert hac.df.tolist() == [16.0] * 4


def test_a_step_is_found_on_both_scales(step: EventStudy) -> None:
    assert step.level.low < 0.7 < step.level.high
    assert step.p < 0.001
    jump = expit(-0.1) - expit(-0.8)
    assert step.level_share.low < jump < step.level_share.high
    assert step.mean_share.low < jump < step.mean_share.high
    assert step.slope is not None
    assert step.slope.low < 0 < step.slope.high
    assert (step.interval, step.n_days, step.empty_days) == (step.level.interval, 120, 0)
    assert step.fit.names[4:] == tuple(f"week_{wave}_{k}" for k in (1, 2, 3) for wave in ("cos", "sin"))
    assert step.flags == ()
    words = repr(step)
    for part in ("event at 90", "binomial_ar1", "level, share", "a day", "any change", "straight line", "placebo"):
        assert part in words


def test_the_mean_effect_holds_the_slope() -> None:
    # Nothing at once, then 0.03 a day: after 30 days the share has moved, its level at t0 has not.
    made = event_study(counts(-0.8 + 0.03 * np.maximum(T - 90, 0), 3, 400), 90, placebo=False)
    after = expit(-0.8 + 0.03 * np.arange(30)) - expit(-0.8)
    assert made.level_share.low < 0 < made.level_share.high
    assert made.mean_share.low < after.mean() < made.mean_share.high
    assert made.mean_share.p < 0.001
    assert made.slope is not None
    assert made.slope.low < 0.03 < made.slope.high
    assert event_study(counts(FLAT, 3), 90, placebo=False, plan=EventPlan(slope=False)).slope is None


@pytest.mark.parametrize("model", MODELS)
def test_every_model_finds_the_step_and_says_its_name(model: str) -> None:
    made = event_study(counts(STEP, 5), 90, model, placebo=False)
    assert made.fit.model == model
    assert abs(made.level_share.estimate - (expit(-0.1) - expit(-0.8))) < 3 * made.level_share.se
    assert made.level.p < 0.001


def test_the_days_of_the_week_are_in_long_daily_series_alone() -> None:
    def columns(days: int, step: int = 1, weekly: bool | None = None) -> int:
        t = step * np.arange(days)
        y, n = counts(np.full(days, -0.5), 2)
        made = event_study((t, y, n), step * (days // 2), placebo=False, plan=EventPlan(weekly=weekly))
        return len(made.fit.names)

    assert (columns(56), columns(55), columns(56, 7)) == (10, 4, 4)
    assert (columns(56, weekly=False), columns(30, weekly=True)) == (4, 10)
    with pytest.raises(UsageError, match="windows of 7 days"):
        columns(60, 7, True)


def test_a_weekly_wave_is_no_event() -> None:
    # The event falls on the crest of a strong wave; without days of the week it would pass for a step.
    eta = -0.8 + 0.6 * np.cos(2 * np.pi * (T[:63] - 60) / 7)
    made = event_study(counts(eta, 4, 500), 60, placebo=False, plan=EventPlan(slope=False))
    bare = event_study(counts(eta, 4, 500), 60, "binomial", placebo=False, plan=EventPlan(slope=False, weekly=False))
    assert made.level.p > 0.05
    assert bare.level.p < 0.01


def test_dates_and_estimates() -> None:
    first = date(2025, 1, 6)
    days = [first + timedelta(days=int(i)) for i in T]
    y, n = counts(STEP, 1)
    made = event_study({"date": days, "y": y, "n": n}, "2025-04-06", placebo=False)
    assert made.t0 == (first + timedelta(days=90)).toordinal()
    assert made.level.estimate == pytest.approx(event_study((y, n), 90, placebo=False).level.estimate, abs=1e-6)
    share = y / n
    general = event_study({"share": share, "variance": share * (1 - share) / n}, 90, placebo=False)
    assert general.fit.model == "gaussian_ar1"
    assert general.level.estimate == pytest.approx(made.level.estimate, abs=0.1)
    tone = event_study({"value": 3.0 + 2.0 * (T >= 90) + 0.1 * np.sin(T**2), "variance": np.full(120, 0.01)}, 90)
    assert tone.level.estimate == pytest.approx(2.0, abs=0.15)
    assert tone.level_share.estimate == pytest.approx(tone.level.estimate, abs=1e-9)


def test_days_around_the_event_can_be_left_out() -> None:
    # Talk runs ahead by 3 days: with them in the time before, the step looks smaller.
    y, n = counts(-0.8 + 0.9 * (T >= 87), 8, 800)
    plain, ahead = (event_study((y, n), 90, placebo=False, plan=EventPlan(anticipation=a)) for a in (0, 3))
    assert (ahead.n_days, plain.n_days) == (117, 120)
    assert ahead.level.estimate > plain.level.estimate + 0.1
    assert ahead.level.low < 0.9 < ahead.level.high
    dropped = event_study((y, n), 90, placebo=False, plan=EventPlan(drop=1))
    assert dropped.n_days == 117
    near = event_study((y, n), 90, placebo=False, plan=EventPlan(before=40, after=20))
    assert near.n_days == 60
    assert around(np.arange(5), 2, 1, 0).tolist() == [True, False, True, True, True]
    assert around(np.arange(5), 2, 0, 0).all()


def test_the_week_an_event_falls_into_belongs_to_neither_side() -> None:
    t = 7 * np.arange(40)
    y, n = counts(-0.8 + 0.7 * (t >= 210), 3)
    inside = event_study((t, y, n), 206, placebo=False)
    assert "event_window_dropped" in inside.flags
    assert inside.n_days == 39
    on_the_day = event_study((t, y, n), 203, placebo=False)
    assert "event_window_dropped" not in on_the_day.flags
    assert torn(t, 206, 7).sum() == 1
    assert not torn(np.arange(9), 4, 1).any()


def test_empty_days_are_told_and_say_nothing() -> None:
    y, n = counts(STEP, 1)
    n[[5, 40, 100]] = y[[5, 40, 100]] = 0
    made = event_study((y, n), 90, placebo=False)
    assert (made.n_days, made.empty_days) == (117, 3)
    kept = n > 0
    other = event_study((T[kept], y[kept], n[kept]), 90, placebo=False)
    assert made.level == other.level


def test_too_few_days_on_a_side_are_refused() -> None:
    with pytest.raises(MeaningError, match="118 days with posts before the event and 2 from it on"):
        event_study(counts(FLAT, 1), 118)
    with pytest.raises(SchemaError, match="binomial_ar1"):
        event_study(counts(FLAT, 1), 90, "arima")
    for bad in ({"drop": -1}, {"leads": 0}, {"before": 0}):
        with pytest.raises(UsageError, match="it must be"):
            EventPlan(**bad)  # type: ignore[arg-type]


def test_a_control_takes_away_what_both_share() -> None:
    rng = np.random.default_rng(12)
    swing = np.cumsum(rng.normal(0, 0.12, 120))
    y, n = counts(-0.8 + swing + 0.5 * (T >= 90), 13, 600)
    other = counts(-0.3 + swing, 14, 2000)
    alone, held = event_study((y, n), 90, placebo=False), event_study((y, n), 90, control=other, placebo=False)
    assert held.fit.names[-1] == "control"
    assert held.fit.effect("control").low > 0.7
    assert held.level.se < 0.7 * alone.level.se
    assert held.level.low < 0.5 < held.level.high
    values = logit((other[0] + 0.5) / (other[1] + 1.0))
    assert event_study((y, n), 90, control=values, placebo=False).level == held.level
    order = rng.permutation(120)
    mixed = event_study((T[order], y[order], n[order]), 90, control=values[order], placebo=False)
    assert mixed.level.estimate == pytest.approx(held.level.estimate, abs=1e-6)
    short = event_study((y, n), 90, control=(T[5:], *(one[5:] for one in other)), placebo=False)
    assert "days_without_control" in short.flags
    assert short.n_days == 115
    with pytest.raises(UsageError, match="119 values and the series 120 rows"):
        event_study((y, n), 90, control=values[1:])


def test_the_path_around_the_event(step: EventStudy) -> None:
    path = step.path
    assert path["window"].to_list() == list(range(-5, 5))
    assert path["part"].to_list() == ["earlier", "", "", "", "reference", "", "", "", "", "later"]
    assert path["days"].sum() == 120
    assert (path["first"][0], path["last"][4], path["first"][5]) == (-90, -1, 0)
    before, after = path.filter(pl.col("window") < 0), path.filter(pl.col("window").is_between(0, 3))
    assert (before["low"] <= 0).all()
    assert (before["high"] >= 0).all()
    assert (after["low"] > 0.2).all()
    assert path.row(4, named=True)["estimate"] == 0.0
    assert step.pretrend is not None
    assert step.pretrend.df1 == 5, "four levels and the slope of the earlier days"
    assert step.pretrend.p > 0.01


def test_what_moves_before_the_event_is_seen() -> None:
    straight = event_study(counts(-1.5 + 0.015 * T, 6, 300), 90, placebo=False)
    bent = event_study(counts(-0.8 + 0.8 * np.sin(np.pi * T / 60) * (T < 90), 6, 300), 90, placebo=False)
    assert straight.pretrend is not None and straight.bend is not None  # noqa: PT018
    assert bent.bend is not None
    assert straight.pretrend.p < 0.001, "a trend is a change before the event"
    assert straight.bend.p > 0.05, "but a straight one, which the study continues"
    assert straight.level.p > 0.05
    assert bent.bend.p < 0.01


def test_tests_of_the_time_before_are_kept_from_short_series() -> None:
    made = event_study(counts(FLAT[:30], 3), 6, placebo=False)
    assert made.bend is None
    assert "no_pretrend_test" in made.flags
    series = daily(counts(FLAT, 3))
    design, names = interrupted_design(series.t, 20)
    assert bend_test(series, 20, width=7, design=design, names=names) is None
    assert bend_test(series, 21, width=7, design=interrupted_design(series.t, 21)[0], names=names).df1 == 2
    path, test = event_path(series.keep(series.t < 50), 90, width=7, span=(4, 4), rest=np.ones((50, 1)))
    assert path.is_empty()
    assert test is None


def test_the_joint_test_is_right_in_size_where_nothing_happens() -> None:
    # 120 flat series: 5 % would reject by chance (6); over 14 or none at all would be one in 1000.
    p = []
    for seed in range(120):
        series = daily(counts(FLAT, [seed, 5], 50))
        rest = interrupted_design(series.t, 90, slope=False)[0][:, :1]
        _, test = event_path(series, 90, width=7, span=(4, 4), rest=rest, model="quasibinomial")
        assert test is not None
        p.append(test.p)
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert sum(one < 0.05 for one in p) <= 14


def test_the_joint_test_is_the_wald_test() -> None:
    series = daily(counts(STEP, 5))
    design, names = interrupted_design(series.t, 90)
    fit = fit_daily(series, design, names, model="quasibinomial")
    rows = np.array([[0, 0, 1, 0], [0, 0, 1, 1]])
    joint = fit.joint(rows)
    b = rows @ fit.beta
    f = b @ np.linalg.inv(rows @ fit.cov @ rows.T) @ b / 2
    assert joint.f == pytest.approx(f)
    assert (joint.df1, joint.df2) == (2.0, 116.0)
    assert joint.p == pytest.approx(stats.f.sf(f, 2, 116))


def test_placebo_dates_rank_the_event(step: EventStudy) -> None:
    placebo = step.placebo
    assert placebo is not None
    # 30 days on each side: the dates from 30 to 60 have them all before day 90.
    assert placebo.half_width == 30
    assert placebo.days.tolist() == list(range(30, 61))
    assert placebo.as_large == 0
    assert placebo.p == pytest.approx(1 / 32)
    assert Placebo(1.0, np.array([1.0, 0.5, 2.0]), np.arange(3), 7).p == 3 / 4
    flat = [event_study(counts(FLAT, [seed, 3]), 90).placebo for seed in range(12)]
    assert 0.2 < np.mean([one.p for one in flat if one is not None]) < 0.8


def test_placebo_dates_stay_off_the_event_and_its_plan() -> None:
    series = daily(counts(STEP, 1))
    fit = event_study(series, 90, placebo=False).fit
    made = placebo_dates(series, 90, fit, half_width=10, out=(3, 1))
    assert made is not None
    assert (made.days.min(), made.days.max()) == (10, 77)
    assert placebo_dates(series, 90, fit, half_width=6) is None
    near = event_study(series, 90, plan=EventPlan(before=45, after=15)).placebo
    assert near is not None
    assert near.days.min() == 45 + near.half_width


def test_several_events_know_how_many_there_were() -> None:
    t = np.arange(240)
    y, n = counts(-0.8 + 0.7 * (t >= 60) - 0.7 * (t >= 120), 31, 150)
    made = event_studies((y, n), {"late": 180, "up": 60, "down": 120, "last": 238}, placebo=False)
    table = made.table
    assert table["event"].to_list() == ["up", "down", "late", "last"]
    assert table["flags"][3] == "too_few_days"
    assert table["p_holm"][3] is None
    assert table["estimate"][0] > 0.4
    assert table["estimate"][1] < -0.4
    p = table["p"][:3].to_numpy()
    np.testing.assert_allclose(table["p_bh"][:3], stats.false_discovery_control(p))
    assert table["p_holm"][2] == pytest.approx(p[2])
    assert made["up"].n_days == 120, "from the beginning to the next event"
    assert made["down"].n_days == 120
    assert made.pooled is not None
    assert made.pooled.differ is not None
    assert made.pooled.differ.p < 0.001, "one went up, one went down"
    with pytest.raises(UsageError, match="no events"):
        event_studies((y, n), {})


def test_the_events_table_of_a_dated_series() -> None:
    first = date(2025, 1, 1)
    days = [first + timedelta(days=int(i)) for i in T]
    y, n = counts(STEP, 1)
    events = EVENTS.frame([
        {"event_id": "b", "start": days[90], "type": "closure", "title": "closed"},
        {"event_id": "a", "start": days[40], "type": "talks", "title": "met"},
    ])  # fmt: skip
    made = event_studies({"date": days, "y": y, "n": n}, events, placebo=False)
    assert made.table["event"].to_list() == ["a", "b"]
    assert made.table["day"].to_list() == [days[40].toordinal(), days[90].toordinal()]
    assert made.table["when"].to_list() == ["2025-02-10", "2025-04-01"]
    assert made["b"].level.p < 0.001 < made["a"].level.p
    assert repr(made["b"]).startswith("event at 2025-04-01, model binomial_ar1")


def test_the_pooled_effect_uses_every_day_once_and_holds_the_truth() -> None:
    t = np.arange(240)
    at = {"a": 30, "b": 90, "c": 150, "d": 210}
    held, error, differ = [], [], []
    for seed in range(60):
        y, n = counts(-0.8 + 0.3 * sum((t >= day).astype(float) for day in at.values()), [seed, 9], 60)
        made = pooled_effect((y, n), at, "quasibinomial")
        assert made is not None
        assert made.differ is not None
        assert made.fit.n_days == 240
        held.append(made.level.low < 0.3 < made.level.high)
        error.append(made.level.estimate - 0.3)
        differ.append(made.differ.p)
    assert np.mean(held) >= 0.85
    assert abs(np.mean(error)) < 3 * np.std(error) / np.sqrt(60)
    assert np.mean(np.array(differ) < 0.05) < 0.2
    made = pooled_effect((y, n), at)
    assert made is not None
    assert made.events == ("a", "b", "c", "d")
    single = event_study((y, n), 30, placebo=False, plan=EventPlan(after=60))
    assert made.level.se < 0.75 * single.level.se
    assert pooled_effect((y, n), {"a": 30}) is None
    with pytest.raises(UsageError, match="on one day"):
        pooled_effect((y, n), {"a": 30, "b": 30})


def test_the_pooled_effect_keeps_to_the_plan() -> None:
    y, n = counts(np.full(240, -0.5), 3)
    made = pooled_effect((y, n), {"a": 60, "b": 180}, plan=EventPlan(before=20, after=10, drop=1, slope=False))
    assert made is not None
    assert made.fit.n_days == 2 * (30 - 3)
    assert "slope" not in made.fit.names


def test_a_window_contrast_is_the_difference_of_its_replicates() -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(0, 0.05, 401)
    shared[0] = 0
    pre, post = 0.3 + shared, 0.42 + shared + np.r_[0, rng.normal(0, 0.01, 400)]
    made = window_contrast(pre, post, gold=(300, 250))
    assert float(made.value) == pytest.approx(0.12)
    np.testing.assert_allclose(made.replicates, (post - pre)[1:])
    assert [float(made.low), float(made.high)] == pytest.approx(np.quantile((post - pre)[1:], [0.025, 0.975]).tolist())
    assert float(made.se) == pytest.approx(np.std((post - pre)[1:], ddof=1))
    assert (made.n_gold, made.assumes, made.flags) == (250, {"random_gold"}, ())
    assert window_contrast(pre=pre, post=post, gold=(300, 250)).value == made.value


def test_a_window_contrast_says_what_its_gold_is_worth() -> None:
    pre, post = [0.3, 0.2, 0.4, 0.3], [0.4, 0.3, 0.5, 0.4]
    assert window_contrast(pre, post, gold=(300, 199)).flags == ("gold_under_200",)
    for gold in (None, (300, 0)):
        none = window_contrast(pre, post, gold=gold)
        assert none.flags == ("no_gold",)
        assert none.assumes == {"errors_stable_over_time"}
    assert window_contrast(pre, post, method="cc").assumes == {"classifier_errors_cancel"}
    told = [from_replicates(one, method="poststrat", seed=1, n_gold=many) for one, many in ((pre, 500), (post, 220))]
    assert window_contrast(*told).n_gold == 220
    assert window_contrast(*told).flags == ()


def test_a_window_contrast_of_a_series_adds_counts_up() -> None:
    rng = np.random.default_rng(3)
    n = rng.integers(1, 50, (20, 11)).astype(float)
    y = np.floor(n * rng.random((20, 11)))
    made = window_contrast((y, n), pre=(0, 8), post=(12, 20), gold=(300, 300))
    expected = y[12:].sum(axis=0) / n[12:].sum(axis=0) - y[:8].sum(axis=0) / n[:8].sum(axis=0)
    assert float(made.value) == pytest.approx(expected[0])
    np.testing.assert_allclose(made.replicates, expected[1:])
    shares = window_contrast(y / n, pre=(0, 1), post=(19, 20))
    assert float(shares.value) == pytest.approx((y / n)[19, 0] - (y / n)[0, 0])
    estimate = window_contrast(from_replicates(y / n, method="poststrat", seed=1), pre=(0, 2), post=(5, 9))
    assert float(estimate.value) == pytest.approx((y / n)[5:9, 0].mean() - (y / n)[:2, 0].mean())


@pytest.mark.parametrize(
    ("args", "given", "words"),
    [
        (([0.3, 0.3],), {"pre": (0, 1)}, "give two windows"),
        (([0.3, 0.2, 0.1], [0.3, 0.2]), {}, "shapes"),
        (([0.3], [0.4]), {}, "shapes"),
        ((np.ones((5, 4)),), {"pre": (0, 2), "post": (4, 6)}, r"post is \(4, 6\)"),
        ((np.ones((5, 4)),), {"pre": (2, 2), "post": (4, 5)}, r"pre is \(2, 2\)"),
        ((np.ones(5),), {"pre": (0, 2), "post": (3, 5)}, "days, 1 [+] replicates"),
    ],
)  # fmt: skip
def test_windows_that_cannot_be_compared(args: Any, given: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        window_contrast(*args, **given)


def test_coverage_of_the_window_contrast_under_classifier_error() -> None:
    # Authors' Poisson bootstrap of shares that 300 authors in each window hold, a true rise of 0.1.
    rng = np.random.default_rng(11)
    held = []
    for _ in range(200):
        weights = np.hstack([np.ones((300, 1)), rng.poisson(1.0, (300, 200))])
        own = rng.beta(0.6, 1.4, 300)
        pre, post = rng.random(300) < own, rng.random(300) < np.minimum(own + 0.1 * (own < 0.9), 1)
        truth = 0.1 * stats.beta(0.6, 1.4).cdf(0.9)
        shares = [(one @ weights) / weights.sum(axis=0) for one in (pre, post)]
        made = window_contrast(*shares, gold=(300, 300))
        held.append(float(made.low) < truth < float(made.high))
    assert 0.90 <= np.mean(held) <= 0.99
