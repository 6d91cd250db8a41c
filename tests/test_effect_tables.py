"""Other choices, bots, change points and smoothing as tables: never silent, nothing shown that the series withholds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from discourse.impact.sensitivity import bots
from discourse.impact.smoothing import smooth
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import Plan, over_time
from discourse.report.guard import shown
from discourse.simulate.observed import SyntheticSide, simulate_observed
from discourse.study.corrected_days import corrected_days
from discourse.study.effect_tables import (
    CHANGES,
    SENSITIVITY,
    SMOOTH,
    change_rows,
    moved_by_bots,
    other_choices,
    smooth_rows,
)
from discourse.study.event_rows import EFFECTS, Happening

WEEKLY = Plan(every="1w", zones={}, replicates=60, shuffles=1)
PAIRS = (("nationalist", "pakistan"), ("net-tone-gap", "pakistan|afghanistan"))
MIDDLE = Happening("middle", date(2025, 1, 6), "Middle")
pytestmark = pytest.mark.filterwarnings("ignore::discourse.errors.DiscourseWarning")


@pytest.fixture(scope="module")
def observed() -> pl.DataFrame:
    shares = np.vstack([np.tile([0.2, 0.2, 0.1, 0.5], (5, 1)), np.tile([0.6, 0.1, 0.05, 0.25], (5, 1))])
    side = SyntheticSide(100, shares)
    made = simulate_observed({"pakistan": side, "afghanistan": side}, gold_per_cell=40, seed=4)
    return made.with_columns(copy_id=pl.lit(None, pl.String))


@pytest.fixture(scope="module")
def series(observed: pl.DataFrame) -> pl.DataFrame:
    measures = [Prevalence("nationalist")]
    plans = [replace(WEEKLY, weight=weight, method=method) for weight in ("author", "post")
             for method in ("poststrat", "cc")]  # fmt: skip
    return pl.concat([over_time(measures, observed, plan=plan, seed=1) for plan in plans])


def test_the_headline_stands_beside_every_other_choice(series: pl.DataFrame, observed: pl.DataFrame) -> None:
    made = other_choices(series, observed, WEEKLY, 1, ["nationalist"])
    assert dict(made.schema) == SENSITIVITY
    assert list(dict.fromkeys(made["run"])) == [
        "headline: each author once", "every post once", "not corrected for the classifier's errors",
        "gold pooled over a side's windows", "gold pooled over all", "windows of a month",
    ]  # fmt: skip
    week = pl.col("window") == "2025-01-06"
    own = {run: made.filter(week, pl.col("run") == run, pl.col("side") == "pakistan").row(0, named=True)
           for run in dict.fromkeys(made["run"])}  # fmt: skip
    for run, (weight, method) in {"headline: each author once": ("author", "poststrat"),
                                  "every post once": ("post", "poststrat"),
                                  "not corrected for the classifier's errors": ("author", "cc")}.items():  # fmt: skip
        row = series.filter(week, side="pakistan", weight=weight, method=method).row(0, named=True)
        assert own[run]["estimate"] == pytest.approx(row["estimate"])
    pooled = over_time([Prevalence("nationalist")], observed, plan=replace(WEEKLY, gold_within="side"), seed=1)
    assert own["gold pooled over a side's windows"]["estimate"] == pytest.approx(
        pooled.filter(week, side="pakistan")["estimate"][0]
    )
    assert own["windows of a month"]["flags"].split()[-1] == "other_windows"


def test_thresholds_and_rules_of_sides_are_choices_too(series: pl.DataFrame, observed: pl.DataFrame) -> None:
    number = pl.col("author_id").rank("dense")
    sure = pl.when(number % 3 == 0).then(0.6).when(number % 3 == 1).then(0.8).otherwise(0.4)
    rule = pl.when(number % 2 == 0).then(pl.lit("location")).otherwise(pl.lit("author"))
    posts = observed.with_columns(p_nationalist=sure, p_neither=1.0 - sure, side_basis=rule)
    made = other_choices(series, posts, WEEKLY, 1, ["nationalist"])
    runs = list(dict.fromkeys(made["run"]))
    assert runs[-4:] == ["abstention below 0.5", "abstention below 0.7", "sides without the rule author",
                         "sides without the rule location"]  # fmt: skip
    unsure = observed.with_columns(predicted=pl.when(number % 3 != 1).then(pl.lit("abstain")).otherwise("predicted"))
    placed = observed.with_columns(side=pl.when(number % 2 == 0).then(pl.lit("unknown")).otherwise("side"))
    week = {"window": "2025-01-06", "side": "pakistan"}
    for run, other in (("abstention below 0.7", unsure), ("sides without the rule location", placed)):
        expected = over_time([Prevalence("nationalist")], other, plan=WEEKLY, seed=1).filter(**week)["estimate"][0]
        assert made.filter(run=run, **week)["estimate"][0] == pytest.approx(expected)
    # Nobody's highest probability is below one half, as 0.4 leaves 0.6 for the other frame.
    same = made.filter(run="abstention below 0.5", **week).row(0, named=True)
    assert same["change"] == pytest.approx(0.0)
    one_rule = other_choices(series, posts.with_columns(side_basis=pl.lit("author")), WEEKLY, 1, ["nationalist"])
    assert not one_rule["run"].str.contains("rule").any()


def test_what_the_series_withholds_is_in_no_run(observed: pl.DataFrame) -> None:
    nine = observed.filter(pl.col("side") == "pakistan", pl.col("created_at") < datetime(2024, 12, 9, tzinfo=UTC))
    kept = nine.filter(pl.col("author_id").is_in(nine["author_id"].unique().sort()[:9].to_list()))
    posts = pl.concat([observed.filter(~pl.col("post_id").is_in(nine["post_id"].to_list())), kept])
    plan = replace(WEEKLY, force=True)
    series = over_time([Prevalence("nationalist")], posts, plan=plan, seed=1)
    first = (pl.col("window") == "2024-12-02") & (pl.col("side") == "pakistan")
    assert series.filter(first)["estimate"].null_count() == 0
    made = other_choices(series, posts, plan, 1, ["nationalist"]).filter(first, pl.col("run") != "windows of a month")
    assert made["estimate"].null_count() == made["headline"].null_count() == made.height > 3
    assert moved_by_bots(shown(series), [0.1], pl.DataFrame(schema=EFFECTS)).filter(first).is_empty()


def test_bots_move_the_ends_of_the_interval(series: pl.DataFrame) -> None:
    head = shown(series).filter(method="poststrat", weight="author", side="pakistan")
    made = moved_by_bots(head, [0.0, 0.2], pl.DataFrame(schema=EFFECTS))
    row, cell = head.row(7, named=True), pl.col("window") == head["window"][7]
    assert row["low"] > 0.2
    none, fifth = (made.filter(cell, run=f"{f} % of posts inauthentic").row(0, named=True) for f in (0, 20))
    assert (none["low"], none["high"]) == pytest.approx((row["low"], row["high"]))
    assert (fifth["low"], fifth["high"]) == pytest.approx(((row["low"] - 0.2) / 0.8, row["high"] / 0.8))
    # Ends of the bounds are bounds of the ends: the same as bounding every replicate.
    draws = np.random.default_rng(1).beta(20, 30, 500)
    both = bots(0.4, [0.2], replicates=draws).row(0, named=True)
    low, high = np.quantile(draws, [0.025, 0.975])
    assert both["low_interval"] == pytest.approx((low - 0.2) / 0.8)
    assert both["high_interval"] == pytest.approx(high / 0.8)


def test_breakdown_is_told_from_first_to_last_and_across_events(series: pl.DataFrame) -> None:
    head = shown(series).filter(method="poststrat", weight="author", side="pakistan")
    effect = {"event": "e", "measure": "Prevalence('nationalist')", "side": "pakistan", "mean_before": 0.3,
              "mean_after": 0.4, "n_authors": 10, "contrast_low": -0.01, "contrast_high": 0.21}  # fmt: skip
    few, sure = {**effect, "event": "few", "n_authors": 9}, {**effect, "event": "sure", "contrast_low": 0.01}
    effects = pl.DataFrame([effect, few, sure], schema=EFFECTS)
    made = moved_by_bots(head, [], effects).filter(run="breakdown")
    assert made["window"].to_list() == ["2024-12-09 to 2025-01-27", "across e", "across sure"]  # whole weeks
    assert made["flags"].to_list() == ["", "maybe_no_change", ""]
    assert made["said"].str.ends_with("The intervals allow that it is no change at all.").to_list() == [
        False, True, False,
    ]  # fmt: skip
    assert made["breakdown"][1] == pytest.approx(1 / 7)
    first, last = head["estimate"][1], head["estimate"][-2]
    assert made["breakdown"][0] == pytest.approx((last - first) / (1 - first))
    assert "would need 14 % of the posts" in made["said"][1]


def test_a_step_is_found_and_marked_as_exploratory(observed: pl.DataFrame) -> None:
    days = corrected_days(observed, replace(WEEKLY, every="1d"), 1, [])
    made = change_rows(days, PAIRS, [MIDDLE])
    assert dict(made.schema) == CHANGES
    assert made["exploratory"].all()
    share = made.filter(side="pakistan")
    nearest = min(abs((date.fromisoformat(day) - MIDDLE.start).days) for day in share["window"])
    assert nearest <= 4
    assert share["level_before"][0] < 0.35 < share["level_after"][-1]
    assert all(day >= "2025-01-02" for day in share["window"])  # days before the first event are quiet
    gap = made.filter(side="pakistan|afghanistan")
    assert gap["window"].null_count() == gap.height == 1
    assert gap["said"][0] == (
        "no change of the net tone of Pakistan minus that of Afghanistan was found that is worth its penalty"
    )


def test_two_weeks_are_too_few_to_look_for_changes(observed: pl.DataFrame) -> None:
    part = observed.filter(pl.col("created_at") < datetime(2024, 12, 15, tzinfo=UTC))
    made = change_rows(corrected_days(part, replace(WEEKLY, every="1d"), 1, []), PAIRS, [])
    assert made["flags"].to_list() == ["exploratory too_few_days"] * 2
    assert made["said"][0] == (
        "13 days with posts are too few to look for changes of the nationalist share among posts from Pakistan; "
        "it needs 14"
    )


def test_the_curve_is_that_of_smooth_and_keeps_the_raw_points(series: pl.DataFrame, observed: pl.DataFrame) -> None:
    days = corrected_days(observed, WEEKLY, 1)
    made = smooth_rows(days, PAIRS, pooled=False)
    assert dict(made.schema) == SMOOTH
    assert set(made["side"]) == {"pakistan"}
    head = series.filter(method="poststrat", weight="author", side="pakistan").sort("start")
    assert made["raw"].to_numpy() == pytest.approx(head["estimate"].to_numpy())
    variance = days.values[1:, :, 0, 0].var(axis=0, ddof=1)
    curve = smooth(head["estimate"].to_numpy(), variance, n_eff=head["n_eff"].to_numpy())
    assert made["smooth"].to_numpy() == pytest.approx(curve.smooth, rel=1e-6)
    assert made["low"].to_numpy() == pytest.approx(curve.low, rel=1e-6)


def test_gold_that_all_windows_share_widens_the_curve(observed: pl.DataFrame) -> None:
    days = corrected_days(observed, replace(WEEKLY, gold_within="side"), 1)
    width = {pooled: (pl.col("high") - pl.col("low")) for pooled in (True, False)}
    wide, narrow = (smooth_rows(days, PAIRS, pooled=pooled).select(width[pooled]).mean().item()
                    for pooled in (True, False))  # fmt: skip
    assert wide > narrow


def test_windows_that_the_series_withholds_have_no_raw_point(observed: pl.DataFrame) -> None:
    few = observed.filter(
        (pl.col("created_at") >= datetime(2024, 12, 9, tzinfo=UTC)) | pl.col("author_id").str.ends_with("1")
    )
    made = smooth_rows(corrected_days(few, WEEKLY, 1), PAIRS, pooled=False)
    first = made.row(0, named=True)
    assert (first["raw"], first["flags"]) == (None, "filled")
    assert first["high"] - first["low"] > made["high"][1] - made["low"][1]


def test_one_window_cannot_be_smoothed_and_says_so(observed: pl.DataFrame) -> None:
    part = observed.filter(pl.col("created_at") < datetime(2024, 12, 9, tzinfo=UTC))
    made = smooth_rows(corrected_days(part, WEEKLY, 1), PAIRS, pooled=False)
    assert made.select("flags", "said").rows() == [
        ("too_few_windows", "1 windows hold a share; smoothing needs 2 or more")
    ]
