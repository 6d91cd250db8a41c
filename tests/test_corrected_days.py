"""Corrected days: the right gold for the right day, and an error that days share is not averaged away."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discourse.indices.polarization import Polarization
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import Plan, over_time
from discourse.schema import FRAMES
from discourse.simulate.observed import SyntheticSide, simulate_observed
from discourse.study.corrected_days import Days, Line, corrected_days, line_of, stretches

BEGIN = datetime(2024, 12, 2, tzinfo=UTC)
SHARE = Prevalence("nationalist")
PLAN = Plan(every="1d", zones={}, replicates=60, shuffles=1, force=True)
pytestmark = pytest.mark.filterwarnings("ignore::discourse.errors.DiscourseWarning")


@pytest.fixture(scope="module")
def observed() -> pl.DataFrame:
    side = SyntheticSide(60, np.tile([0.3, 0.15, 0.05, 0.5], (4, 1)))
    made = simulate_observed({"pakistan": side, "afghanistan": side}, gold_per_cell=30, seed=3)
    return made.with_columns(copy_id=pl.lit(None, pl.String))


@pytest.fixture(scope="module")
def days(observed: pl.DataFrame) -> Days:
    return corrected_days(observed, PLAN, 5, [date(2024, 12, 16)])


def by_hand(posts: pl.DataFrame, day: date, gold: pl.DataFrame) -> float:
    """The share on one day: each author of the day counts once, gold weighs 1 / chance and its author's day."""
    own = posts.with_columns(day=pl.col("created_at").dt.date())
    own = own.with_columns(w=1.0 / pl.len().over("author_id", "day"))
    coded = own.join(gold.select("post_id"), on="post_id", how="semi")
    coded = coded.with_columns(g=pl.col("w") / pl.col("inclusion_p"))

    def weight(of: pl.DataFrame, column: str) -> float:
        return float(of[column].to_numpy().sum())

    total = 0.0
    here = own.filter(pl.col("day") == day)
    for predicted in FRAMES:
        part = weight(here.filter(pl.col("predicted") == predicted), "w") / weight(here, "w")
        class_ = coded.filter(pl.col("predicted") == predicted)
        if part:
            total += part * weight(class_.filter(pl.col("value") == "nationalist"), "g") / weight(class_, "g")
    return total


@pytest.mark.parametrize("day", [date(2024, 12, 5), date(2024, 12, 15), date(2024, 12, 16), date(2024, 12, 24)])
def test_a_day_is_corrected_by_the_gold_of_its_own_side_of_the_event(
    observed: pl.DataFrame, days: Days, day: date
) -> None:
    posts = observed.filter(pl.col("side") == "pakistan")
    late = pl.col("created_at") >= datetime(2024, 12, 16, tzinfo=UTC)
    gold = posts.filter(pl.col("value").is_not_null(), late if day >= date(2024, 12, 16) else ~late)
    at = days.windows.index(day.isoformat())
    assert days.values[0, at, 0, 0] == pytest.approx(by_hand(posts, day, gold), abs=1e-8)


def test_without_events_a_window_is_what_the_series_says(observed: pl.DataFrame) -> None:
    weekly = Plan(every="1w", zones={}, replicates=60, shuffles=1)
    series = over_time([SHARE], observed, plan=weekly, seed=5).filter(pl.col("side") == "pakistan").sort("start")
    made = corrected_days(observed, weekly, 5)
    assert list(made.windows) == series["window"].to_list()
    assert made.values[0, :, 0, 0] == pytest.approx(series["estimate"].to_numpy(), abs=1e-12)
    assert made.n_gold[:, 0].tolist() == series["n_gold"].to_list()
    assert made.n_eff[:, 0] == pytest.approx(series["n_eff"].to_numpy())


def test_gold_that_the_plan_pools_stays_pooled(observed: pl.DataFrame) -> None:
    pooled = Plan(every="1d", zones={}, replicates=10, shuffles=1, gold_within="side")
    made = corrected_days(observed, pooled, 5, [date(2024, 12, 16)])
    assert made.n_gold[:, 0].tolist() == [120, 120]
    assert np.array_equal(made.rates[0, 0, 0], made.rates[0, 1, 0])
    alone = corrected_days(observed, PLAN, 5, [date(2024, 12, 16)])
    assert alone.n_gold[:, 0].tolist() == [60, 60]


def test_rows_may_come_in_any_order(observed: pl.DataFrame, days: Days) -> None:
    again = corrected_days(observed.sample(fraction=1.0, shuffle=True, seed=2), PLAN, 5, [date(2024, 12, 16)])
    assert np.array_equal(days.values, again.values, equal_nan=True)


def test_authors_are_different_people_and_of_two_sides_the_fewer(days: Days) -> None:
    which = np.array([window < "2024-12-16" for window in days.windows])
    inside = days.posts.filter(pl.col("window") < "2024-12-16")
    per_side = {side: inside.filter(pl.col("side") == side)["author_id"].n_unique() for side in days.sides[:2]}
    assert days.authors(which, "pakistan") == per_side["pakistan"]
    assert days.authors(which, "pakistan|afghanistan") == min(per_side.values())


@given(st.lists(st.integers(0, 40), max_size=4, unique=True), st.sampled_from([1, 7]))
def test_no_stretch_reaches_over_an_event(starts: list[int], step: int) -> None:
    first = date(2025, 1, 6)
    windows = [(first + timedelta(days=step * i)).isoformat() for i in range(40 // step)]
    events = [first + timedelta(days=one) for one in starts]
    made = stretches(windows, events, step)
    for one, other in zip(range(len(windows)), range(1, len(windows)), strict=False):
        begin, end = date.fromisoformat(windows[one]), date.fromisoformat(windows[other]) + timedelta(days=step)
        split = any(begin < event < end for event in events)
        assert (made[one] != made[other]) == split


def test_what_days_share_is_told_from_their_own_noise() -> None:
    """Replicates made with a shift of a stretch of variance 4e-4 and noise of a day of variance 9e-4 / authors x 10."""
    rng = np.random.default_rng(1)
    t, b = 30, 4000
    stretch = np.repeat([0, 1], t // 2)
    shift = rng.normal(0.0, 0.02, (b, 2))
    noise = rng.normal(0.0, 0.03, (b, t))
    values = np.vstack([np.full((1, t), 0.5), 0.5 + shift[:, stretch] + noise])
    line = line_of(_days(values, stretch), SHARE, "nationalist", "pakistan")
    # logit scale at a half: 16 times the variance
    assert np.diagonal(line.common) == pytest.approx([16 * 4e-4] * 2, rel=0.1)
    assert abs(line.common[0, 1]) < 16 * 4e-5
    assert line.variance == pytest.approx(np.full(t, 9e-4), rel=0.05)
    assert line.shift_variance(0, 1) == pytest.approx(2 * 16 * 4e-4, rel=0.1)
    y, n = line.counts()
    assert y / n == pytest.approx(np.full(t, 0.5))
    assert n == pytest.approx(np.full(t, 0.25 / 9e-4), rel=0.05)


def test_a_shift_of_both_stretches_together_moves_no_effect() -> None:
    rng = np.random.default_rng(2)
    stretch = np.repeat([0, 1], 10)
    shift = rng.normal(0.0, 0.02, (3000, 1))
    values = np.vstack([np.full((1, 20), 0.5), 0.5 + shift + rng.normal(0.0, 0.01, (3000, 20))])
    line = line_of(_days(values, stretch), SHARE, "nationalist", "pakistan")
    assert line.shift_variance(0, 1) < 0.03 * line.common[0, 0]


def test_a_gap_is_read_as_it_is_and_its_noise_is_that_of_both_sides(days: Days) -> None:
    line = line_of(days, Polarization("net-tone-gap"), "net-tone-gap", "pakistan|afghanistan")
    p, q = days.values[0, :, 0], days.values[0, :, 1]
    assert line.values[0] == pytest.approx(p[:, 0] - p[:, 1] - q[:, 0] + q[:, 1], nan_ok=True)
    known = line.known
    assert line.inverse[known] == pytest.approx((1.0 / days.n_eff[:, 0] + 1.0 / days.n_eff[:, 1])[known])
    series = line.daily()
    assert series.link == "identity"
    assert series.v == pytest.approx(line.variance[known])


def test_a_day_without_posts_says_nothing(observed: pl.DataFrame) -> None:
    gone = observed.filter(pl.col("created_at").dt.date() != date(2024, 12, 10))
    line = line_of(corrected_days(gone, PLAN, 5, [date(2024, 12, 16)]), SHARE, "nationalist", "pakistan")
    at = line.windows.index("2024-12-10")
    assert not line.known[at]
    assert (line.counts()[1] > 0).tolist() == line.known.tolist()
    assert date(2024, 12, 10).toordinal() not in line.daily().t


def _days(values: np.ndarray, stretch: np.ndarray) -> Days:
    """Days of one side whose nationalist share is `values` (1 + b, T), of one effective author each."""
    b, t = values.shape
    shares = np.zeros((b, t, 1, 4))
    shares[..., 0, 0] = values
    windows = tuple((date(2025, 1, 6) + timedelta(days=i)).isoformat() for i in range(t))
    none = np.zeros((2, 1), dtype=np.int64)
    return Days(windows, ("pakistan",), 1, stretch, shares, np.zeros((b, t, 1, 5)), np.zeros((b, 2, 1, 5, 4)), none,
                none.astype(bool), np.ones((t, 1)), pl.DataFrame())  # fmt: skip


def test_a_line_is_a_value(days: Days) -> None:
    line = line_of(days, SHARE, "nationalist", "pakistan")
    before = line.values.copy()
    assert isinstance(line, Line)
    line.daily()
    assert np.array_equal(line.values, before, equal_nan=True)
