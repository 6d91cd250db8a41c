"""The made-up conflict: shares that are shares, around the dates of real events."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from discourse.errors import UsageError
from discourse.events import read_events
from discourse.schema import FRAMES
from discourse.simulate.conflict import PERIOD, SHOCKS, SIDES, Shock, daily_truth, windowed_truth

EVENTS = Path(__file__).resolve().parents[1] / "corpora" / "events.csv"
MADE = Shock("made", date(2025, 1, 10), date(2025, 1, 12), (1.0, 2.0), (0.0, 0.0), 1.0, 4.0)


def share(side: str, day: date, frame: str) -> float:
    found = daily_truth().filter((pl.col("side") == side) & (pl.col("day") == day) & (pl.col("frame") == frame))
    return float(found["share"].item())


def test_shares_and_volume_sum_to_one() -> None:
    truth = daily_truth()
    days = (PERIOD[1] - PERIOD[0]).days + 1
    assert days == 31 + 31 + 28 + 31
    assert truth.height == 2 * days * 4
    sums = truth.group_by("side", "day").agg(pl.col("share").sum(), pl.col("volume").n_unique())
    assert np.allclose(sums["share"].to_numpy(), 1.0, atol=1e-12)
    assert (sums["volume"] == 1).all()
    volume = truth.filter(pl.col("frame") == "both").group_by("side").agg(pl.col("volume").sum())
    assert np.allclose(volume["volume"].to_numpy(), 1.0, atol=1e-12)
    assert truth["share"].min() > 0
    assert set(truth["frame"]) == set(FRAMES)
    assert truth["day"].min() == PERIOD[0]
    assert truth["day"].max() == PERIOD[1]


def test_before_the_first_event_the_shares_are_the_quiet_ones() -> None:
    quiet = {"pakistan": (0.30, 0.17, 0.08, 0.45), "afghanistan": (0.33, 0.15, 0.08, 0.44)}
    for side, shares in quiet.items():
        for frame, expected in zip(FRAMES, shares, strict=True):
            assert share(side, date(2024, 12, 23), frame) == pytest.approx(expected)


def test_the_day_of_the_strike_is_what_the_odds_say() -> None:
    # By hand, Afghanistan on 24 December: odds 0.33 e^1.3, 0.15 e^-0.5, 0.08, 0.44.
    odds = np.array([0.33 * np.exp(1.3), 0.15 * np.exp(-0.5), 0.08, 0.44])
    for frame, expected in zip(FRAMES, odds / odds.sum(), strict=True):
        assert share("afghanistan", date(2024, 12, 24), frame) == pytest.approx(expected)


def test_a_shock_is_full_while_it_lasts_and_halves_after() -> None:
    days = {date(2025, 1, 9): 0.0, date(2025, 1, 10): 1.0, date(2025, 1, 12): 1.0, date(2025, 1, 16): 0.5,
            date(2025, 1, 20): 0.25}  # fmt: skip
    assert {day: MADE.strength(day) for day in days} == days


def test_events_of_the_made_up_conflict_are_in_the_event_list() -> None:
    events = {row["event_id"]: row for row in read_events(EVENTS).to_dicts()}
    assert len({shock.event_id for shock in SHOCKS}) == len(SHOCKS) == 5
    for shock in SHOCKS:
        assert shock.start == events[shock.event_id]["start"]
        assert shock.start <= shock.end <= (events[shock.event_id]["end"] or shock.start) + timedelta(days=1)
        assert PERIOD[0] <= shock.start <= shock.end <= PERIOD[1]


@pytest.mark.parametrize("every", ["1d", "1w", "1mo"])
def test_the_windowed_truth_is_the_weighted_mean_of_the_days(every: str) -> None:
    truth = daily_truth()
    made = windowed_truth(truth, every)
    assert made.columns == ["window", "side", "frame", "share"]
    sums = made.group_by("window", "side").agg(pl.col("share").sum())
    assert np.allclose(sums["share"].to_numpy(), 1.0, atol=1e-12)
    for side in SIDES:
        for row in made.filter((pl.col("side") == side) & (pl.col("frame") == "conciliatory")).to_dicts():
            days = [
                (day["share"], day["volume"])
                for day in truth.filter((pl.col("side") == side) & (pl.col("frame") == "conciliatory")).to_dicts()
                if label(day["day"], every) == row["window"]
            ]
            shares, volume = np.array(days).T
            assert row["share"] == pytest.approx((shares * volume).sum() / volume.sum(), abs=1e-12)


def label(day: date, every: str) -> str:
    monday = day - timedelta(days=day.weekday())
    return {"1d": day.isoformat(), "1w": monday.isoformat(), "1mo": day.isoformat()[:7]}[every]


def test_a_window_the_truth_cannot_give_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        windowed_truth(daily_truth(), "6h")
    assert str(caught.value) == "every is '6h'; the truth is known per '1d', '1w' or '1mo'"


def test_the_order_of_the_days_does_not_matter() -> None:
    truth = daily_truth()
    mixed = truth.sample(fraction=1.0, shuffle=True, seed=1)
    one, other = windowed_truth(truth, "1w"), windowed_truth(mixed, "1w")
    assert one.drop("share").equals(other.drop("share"))
    assert np.allclose(one["share"], other["share"], atol=1e-14)
