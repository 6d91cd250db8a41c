"""Rows about events: intervals that hold the truth, p values that know how many there are, parts that sum exactly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import false_discovery_control

from discourse.impact.events import EventPlan, event_study
from discourse.measure.timeline import Plan
from discourse.simulate.observed import CONFUSION, SyntheticSide, simulate_observed
from discourse.study.corrected_days import Days, corrected_days, line_of
from discourse.study.event_rows import (
    CONVERSION,
    EFFECTS,
    PATHS,
    PLACEBOS,
    EventTables,
    Happening,
    between_neighbours,
    conversion_rows,
    effect_rows,
    event_tables,
    happenings,
    measure_of,
    split,
)

BEGIN = datetime(2024, 12, 2, tzinfo=UTC)
CLOSED = Happening("closed", date(2025, 2, 3), "The border closed")
QUIET = np.array([0.30, 0.15, 0.05, 0.50])
LOUD = np.array([0.45, 0.12, 0.05, 0.38])
# A classifier that errs otherwise after the event: counting what it says would make up an effect.
LATER = np.array([[0.6, 0.1, 0.1, 0.2], [0.3, 0.5, 0.05, 0.15], [0.3, 0.15, 0.45, 0.1], [0.35, 0.05, 0.02, 0.58]])
PLAN = Plan(every="1d", zones={}, replicates=100, shuffles=1)
LOOK = EventPlan(before=56, after=28)
PAIRS = (("nationalist", "pakistan"), ("nationalist", "afghanistan"), ("net-tone-gap", "pakistan|afghanistan"))
pytestmark = pytest.mark.filterwarnings("ignore::discourse.errors.DiscourseWarning")


def world(seed: int, *, authors: int = 120, weeks: tuple[int, int] = (9, 5)) -> pl.DataFrame:
    """Pakistan's share rises by 15 points at the event, Afghanistan's stays; the classifier changes on both sides."""
    parts = []
    for k, (shares, confusion) in enumerate(((QUIET, CONFUSION), (LOUD, LATER))):
        sides = {"pakistan": SyntheticSide(authors, np.tile(shares, (weeks[k], 1))),
                 "afghanistan": SyntheticSide(authors, np.tile(QUIET, (weeks[k], 1)))}  # fmt: skip
        at = BEGIN + timedelta(weeks=k * weeks[0])
        parts.append(simulate_observed(sides, gold_per_cell=40, seed=2 * seed + k, confusion=confusion, begin=at))
    posts = pl.concat(parts)
    return posts.with_columns(post_id=pl.format("sim:{}", pl.int_range(pl.len())), copy_id=pl.lit(None, pl.String))


@pytest.fixture(scope="module")
def days() -> Days:
    return corrected_days(world(1), PLAN, 1, [CLOSED.start])


@pytest.fixture(scope="module")
def studies(days: Days) -> EventTables:
    return event_tables(days, PAIRS, [CLOSED], LOOK, placebo=True)


@pytest.fixture(scope="module")
def found(studies: EventTables) -> pl.DataFrame:
    return studies.effects


def test_intervals_hold_the_truth_when_the_classifier_changes_with_the_event() -> None:
    truth = {"pakistan": 0.15, "afghanistan": 0.0, "pakistan|afghanistan": 0.18}
    held: list[bool] = []
    contrasts: list[bool] = []
    naive: list[bool] = []
    changes: list[float] = []
    paths: list[bool] = []
    log_odds = {"pakistan": np.log(0.45 / 0.55) - np.log(0.30 / 0.70), "afghanistan": 0.0, "pakistan|afghanistan": 0.18}
    for seed in range(10):
        posts = world(100 + seed)
        studies = event_tables(corrected_days(posts, PLAN, seed, [CLOSED.start]), PAIRS, [CLOSED], LOOK, placebo=False)
        made = studies.effects
        for row in studies.paths.filter(pl.col("part") != "reference").iter_rows(named=True):
            paths.append(row["low"] <= (log_odds[row["side"]] if row["window"] >= 0 else 0.0) <= row["high"])
        for row in made.iter_rows(named=True):
            held.append(row["change_low"] <= truth[row["side"]] <= row["change_high"])
            contrasts.append(row["contrast_low"] <= truth[row["side"]] <= row["contrast_high"])
        changes.append(made["change"][0])
        daily = posts.filter(pl.col("side") == "afghanistan").group_by(day=pl.col("created_at").dt.date()).agg(
            y=(pl.col("predicted") == "nationalist").sum(), n=pl.len()).sort("day")  # fmt: skip
        counted = event_study({"t": daily["day"].to_list(), "y": daily["y"], "n": daily["n"]}, CLOSED.start, plan=LOOK,
                              placebo=False)  # fmt: skip
        naive.append(counted.level_share.low <= 0.0 <= counted.level_share.high)
    assert len(held) == 30
    assert len(paths) == 240  # four windows before the one held against, four from the event on
    assert np.mean(paths) > 0.9  # those of a side share what they are held against
    # 0.95 each: fewer than 26 of 30 happens once in two hundred such tests.
    assert sum(held) >= 26
    assert sum(contrasts) >= 26
    assert sum(naive) <= 8  # counting makes an effect out of the classifier's change
    assert abs(np.mean(changes) - 0.15) < 0.05


def test_an_interval_holds_more_than_the_days_own_noise(days: Days, found: pl.DataFrame) -> None:
    line = line_of(days, measure_of("nationalist"), "nationalist", "pakistan")
    alone = event_study(line.daily(), CLOSED.start, plan=between_neighbours(LOOK, CLOSED.start, [CLOSED.start]))
    row = found.row(0, named=True)
    assert row["estimate"] == pytest.approx(alone.level.estimate)
    reach = (alone.level.high - alone.level.low) / 2
    extra = line.shift_variance(0, 1)
    quantile = reach / (alone.level.estimate / alone.level.t)
    expected = np.sqrt(reach**2 + quantile**2 * extra)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(expected, rel=1e-6)
    assert extra > 0
    assert row["p"] > alone.level.p
    assert row["slope"] == pytest.approx(alone.slope.estimate if alone.slope else np.nan)
    assert (row["p_pretrend"], row["p_bend"]) == (
        alone.pretrend.p if alone.pretrend else None, alone.bend.p if alone.bend else None
    )  # fmt: skip


def test_a_path_is_that_of_its_study_with_what_the_days_of_a_stretch_have_in_common(
    days: Days, studies: EventTables
) -> None:  # fmt: skip
    assert dict(studies.paths.schema) == PATHS
    line = line_of(days, measure_of("nationalist"), "nationalist", "pakistan")
    alone = event_study(line.daily(), CLOSED.start, plan=between_neighbours(LOOK, CLOSED.start, [CLOSED.start]))
    own = studies.paths.filter(pl.col("side") == "pakistan", pl.col("measure") == "Prevalence('nationalist')")
    assert own["window"].to_list() == [-5, -4, -3, -2, -1, 0, 1, 2, 3]
    placed = ("first", "last", "days", "part")
    assert own.select(placed).rows() == alone.path.select(placed).rows()
    assert own["estimate"].to_list() == pytest.approx(alone.path["estimate"].to_list())
    quantile = (alone.level.high - alone.level.estimate) / (alone.level.estimate / alone.level.t)
    extra = quantile**2 * line.shift_variance(0, 1)
    for row, bare in zip(own.iter_rows(named=True), alone.path.iter_rows(named=True), strict=True):
        wide = ((bare["high"] - bare["estimate"]) ** 2 + (extra if row["window"] >= 0 else 0.0)) ** 0.5
        assert row["high"] - row["estimate"] == pytest.approx(wide)
        assert row["estimate"] - row["low"] == pytest.approx(wide)
    assert extra > 0.0


def test_a_window_counts_the_authors_of_its_days_and_of_the_one_it_is_held_against(
    days: Days, studies: EventTables
) -> None:  # fmt: skip
    def wrote(side: str, first: int, last: int) -> int:
        inside = [f"{CLOSED.start + timedelta(days=day)}" for day in range(first, last + 1)]
        return days.posts.filter(pl.col("side") == side, pl.col("window").is_in(inside))["author_id"].n_unique()

    for row in studies.paths.iter_rows(named=True):
        sides = row["side"].split("|")
        assert row["n_authors"] == min(
            min(wrote(side, row["first"], row["last"]), wrote(side, -7, -1)) for side in sides
        )  # fmt: skip


def test_dates_without_an_event_are_those_of_the_study_and_the_event_stands_among_them(
    days: Days, studies: EventTables
) -> None:  # fmt: skip
    assert dict(studies.placebos.schema) == PLACEBOS
    line = line_of(days, measure_of("nationalist"), "nationalist", "pakistan")
    alone = event_study(line.daily(), CLOSED.start, plan=between_neighbours(LOOK, CLOSED.start, [CLOSED.start])).placebo
    assert alone is not None
    own = studies.placebos.filter(pl.col("side") == "pakistan", pl.col("measure") == "Prevalence('nationalist')")
    event, dates = own.filter(pl.col("day") == pl.col("start")), own.filter(pl.col("day") != pl.col("start"))
    assert event["ratio"].to_list() == [pytest.approx(alone.ratio)]
    assert [day.toordinal() for day in dates["day"]] == alone.days.tolist()
    assert dates["ratio"].to_list() == pytest.approx(alone.ratios.tolist())
    assert own["half_width"].unique().to_list() == [alone.half_width]
    rank = (1 + (dates["ratio"] >= event["ratio"][0]).sum()) / (1 + dates.height)
    assert studies.effects["p_placebo"][0] == pytest.approx(rank)
    one = dates.row(0, named=True)
    half = timedelta(days=one["half_width"])
    counts = [
        days.posts.filter(pl.col("side") == "pakistan", pl.col("window") >= f"{begin}", pl.col("window") < f"{end}")[
            "author_id"].n_unique()
        for begin, end in ((one["day"] - half, one["day"]), (one["day"], one["day"] + half))
    ]  # fmt: skip
    assert one["n_authors"] == min(counts) // 10 * 10
    assert min(counts) % 10, "the number was rounded"


def test_few_authors_of_a_date_are_told_as_they_are_so_that_they_can_be_withheld() -> None:
    few = corrected_days(world(3, authors=7), PLAN, 1, [CLOSED.start])
    made = event_tables(few, PAIRS[:1], [CLOSED], LOOK, placebo=True)
    assert set(made.placebos["n_authors"]) <= set(range(1, 10))
    assert made.placebos.height > 1
    assert made.paths["n_authors"].is_between(1, 9).all()


def test_a_row_tells_what_it_rests_on(days: Days, found: pl.DataFrame) -> None:
    assert dict(found.schema) == EFFECTS
    assert found.select("event", "measure", "side").rows() == [
        ("closed", "Prevalence('nationalist')", "pakistan"), ("closed", "Prevalence('nationalist')", "afghanistan"),
        ("closed", "Polarization('net-tone-gap')", "pakistan|afghanistan"),
    ]  # fmt: skip
    row = found.row(0, named=True)
    assert (row["days_before"], row["days_after"]) == (56, 28)
    before = days.posts.filter(pl.col("side") == "pakistan", pl.col("window") < "2025-02-03",
                               pl.col("window") >= "2024-12-09")  # fmt: skip
    after = days.posts.filter(pl.col("side") == "pakistan", pl.col("window") >= "2025-02-03",
                              pl.col("window") < "2025-03-03")  # fmt: skip
    assert row["n_authors"] == min(part["author_id"].n_unique() for part in (before, after))
    assert row["n_gold"] == 200  # five weeks after, nine before
    assert row["contrast"] == pytest.approx(row["mean_after"] - row["mean_before"])
    assert row["p_placebo"] is not None


def test_p_values_are_adjusted_over_everything_that_is_tested(days: Days) -> None:
    events = [Happening("a", date(2024, 12, 30), "A"), CLOSED, Happening("late", date(2025, 3, 9), "Late")]
    cut = corrected_days(world(1), PLAN, 1, [one.start for one in events])
    made = effect_rows(cut, PAIRS, events, LOOK, placebo=False)
    assert made.height == 9
    short = made.filter(pl.col("event") == "late")
    assert short["estimate"].null_count() == 3
    assert short["flags"].unique().to_list() == ["too_few_days"]
    assert all("each side needs 3 or more" in said for said in short["said"])
    p = made["p"].drop_nulls().to_numpy()
    assert made["n_tests"].unique().to_list() == [len(p)] == [6]
    assert made["p_bh"].drop_nulls().to_numpy() == pytest.approx(false_discovery_control(p))
    # Holm: at each step the smallest p left, times how many are left, never under the step before.
    worst, holm = 0.0, {}
    for left, one in zip(range(6, 0, -1), sorted(p), strict=True):
        worst = max(worst, min(left * one, 1.0))
        holm[one] = worst
    assert made["p_holm"].drop_nulls().to_list() == pytest.approx([holm[one] for one in p])


def test_no_event_is_looked_at_past_the_next(days: Days) -> None:
    one, two = date(2025, 1, 6), date(2025, 1, 20)
    cut = corrected_days(world(1), PLAN, 1, [one, two])
    before, after = split(cut, one, between_neighbours(LOOK, one, [one, two]))
    windows = np.array(cut.windows)
    assert (windows[before][0], windows[before][-1]) == ("2024-12-02", "2025-01-05")
    assert (windows[after][0], windows[after][-1]) == ("2025-01-06", "2025-01-19")
    before, _ = split(cut, two, between_neighbours(LOOK, two, [one, two]))
    assert windows[before].tolist() == windows[35:49].tolist()


def test_a_week_that_an_event_cuts_belongs_to_neither_side() -> None:
    weekly = Plan(every="1w", zones={}, replicates=10, shuffles=1)
    thursday = date(2025, 2, 6)
    cut = corrected_days(world(1), weekly, 1, [thursday])
    before, after = split(cut, thursday, LOOK)
    windows = np.array(cut.windows)
    assert windows[before][-1] == "2025-01-27"
    assert windows[after][0] == "2025-02-10"


def test_events_of_one_day_are_one() -> None:
    table = pl.DataFrame({"event_id": ["b", "c", "a"], "title": ["B", "C", "A"],
                          "start": [date(2025, 1, 6), date(2025, 1, 2), date(2025, 1, 6)]})  # fmt: skip
    assert [(one.event, one.title) for one in happenings(table)] == [("c", "C"), ("a + b", "A + B")]


def test_conversion_sums_exactly_and_rests_on_the_gold_of_its_own_side(days: Days) -> None:
    before, after = split(days, CLOSED.start, between_neighbours(LOOK, CLOSED.start, [CLOSED.start]))
    made = conversion_rows(days, PAIRS, [(CLOSED, before, after)], 1)
    assert dict(made.schema) == CONVERSION
    assert set(made["side"]) == {"pakistan", "afghanistan"}  # a gap is of neither side's authors
    for part in made.partition_by("measure", "side"):
        value = dict(part.select("part", "estimate").iter_rows())
        row = part.row(0, named=True)
        assert value["total"] == pytest.approx(
            value["conversion"] + value["loudness"] + value["arriving"] + value["leaving"], abs=1e-12
        )
        assert value["composition"] == pytest.approx(value["arriving"] + value["leaving"], abs=1e-12)
        assert value["total"] == pytest.approx(row["second"] - row["first"], abs=1e-12)
        assert row["stayers"] + row["leavers"] == days.authors(before, row["side"])
        assert row["stayers"] + row["arrivers"] == days.authors(after, row["side"])
    # Each author's posts, weighed by what their predicted classes are on that side of the event.
    own = days.posts.filter(pl.col("side") == "pakistan", pl.col("window") >= "2025-02-03",
                            pl.col("window") < "2025-03-03")  # fmt: skip
    rate = dict(zip(("nationalist", "conciliatory", "both", "neither", "abstain"), days.rates[0, 1, 0, :, 0],
                    strict=True))  # fmt: skip
    by_author = (
        own.with_columns(x=pl.col("predicted").replace_strict(rate)).group_by("author_id").agg(pl.col("x").mean())
    )
    assert made["second"][0] == pytest.approx(by_author["x"].mean())


def test_a_change_that_nobody_is_behind_says_so(days: Days) -> None:
    before, after = split(days, CLOSED.start, LOOK)
    made = conversion_rows(days, (("net-tone", "unknown"),), [(None, before, after)], 1)
    assert made.select("part", "estimate", "flags").rows() == [(None, None, "empty")]
    assert made["said"][0] == "nobody wrote on this side before the change, so nothing is taken apart"
