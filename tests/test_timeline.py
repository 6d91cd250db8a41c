from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from discourse.errors import GoldWarning, MeaningError, SchemaError, UsageError
from discourse.indices.polarization import (
    NetTone,
    Polarization,
    cramer_squared,
    esteban_ray,
    esteban_ray_bias,
    net_tone,
    positions,
)
from discourse.measure.prevalence import Prevalence, prevalence
from discourse.measure.tallies import Design, tally
from discourse.measure.timeline import MIN_N_EFF, Plan, observe, over_time
from discourse.measure.windows import Calendar, place_in_windows
from discourse.schema import FRAMES, SERIES
from discourse.simulate.observed import SyntheticSide, simulate_observed

WITHIN = (Prevalence("nationalist"), NetTone(), Polarization("esteban-ray"))
BETWEEN = (Polarization("net-tone-gap"), Polarization("cramer-squared"))
SIDES = ("pakistan", "afghanistan", "unknown")
BEGIN = datetime(2024, 12, 2, tzinfo=UTC)
NUMBERS = ["estimate", "low", "high", "baseline", "baseline_low", "baseline_high"]


def plan(**options: object) -> Plan:
    return Plan(**{"zones": {}, "replicates": 100, "shuffles": 20, **options})  # type: ignore[arg-type]


def posts(authors: int = 120, weeks: int = 3, gold: int = 60, seed: int = 1) -> pl.DataFrame:
    first = SyntheticSide(authors, np.tile([0.5, 0.1, 0.1, 0.3], (weeks, 1)))
    second = SyntheticSide(authors, np.tile([0.2, 0.3, 0.1, 0.4], (weeks, 1)))
    return simulate_observed({"pakistan": first, "afghanistan": second}, gold_per_cell=gold, seed=seed)


def row(series: pl.DataFrame, measure: object, side: str, window: str) -> dict[str, object]:
    at = (pl.col("measure") == repr(measure)) & (pl.col("side") == side) & (pl.col("window") == window)
    return series.filter(at).row(0, named=True)


def test_every_window_side_and_measure_has_its_row() -> None:
    observed = posts()
    series = over_time([*WITHIN, *BETWEEN], observed, plan=plan(), seed=1)
    windows = ["2024-12-02", "2024-12-09", "2024-12-16"]
    expected = {(repr(m), side, w) for m in WITHIN for side in SIDES for w in windows}
    expected |= {(repr(m), "pakistan|afghanistan", w) for m in BETWEEN for w in windows}
    assert set(series.select("measure", "side", "window").rows()) == expected
    assert series.height == len(expected)
    assert series.equals(SERIES.require(series).sort(SERIES.key))
    sums = series.group_by("measure").agg(pl.col("n_posts", "n_gold").sum())
    assert set(sums["n_posts"]) == {observed.height}
    assert set(sums["n_gold"]) == {2 * 3 * 60}
    assert series.filter(pl.col("side") == "unknown")["flags"].str.contains("empty").all()


def test_the_numbers_are_those_of_the_pieces() -> None:
    observed = posts()
    series = over_time([*WITHIN, *BETWEEN], observed, plan=plan(), seed=3)
    inside = place_in_windows(observed, Calendar("1w", {}))
    windows = tuple(inside["window"].unique().sort())
    shares = prevalence(tally(inside, Design(windows, SIDES, "author", 100, 3)))
    for t, window in enumerate(windows):
        p, q = shares.values[t, 0, :, 0], shares.values[t, 1, :, 0]
        assert row(series, WITHIN[0], "afghanistan", window)["estimate"] == pytest.approx(q[0], abs=1e-12)
        assert row(series, WITHIN[1], "pakistan", window)["estimate"] == pytest.approx(p[0] - p[1], abs=1e-12)
        gap = row(series, BETWEEN[0], "pakistan|afghanistan", window)
        assert gap["estimate"] == pytest.approx(float(net_tone(p) - net_tone(q)), abs=1e-12)
        tones = net_tone(np.moveaxis(shares.values[t, :2], 1, -1))[:, 1:]
        low, high = np.quantile(tones[0] - tones[1], [0.025, 0.975])
        assert (gap["low"], gap["high"]) == pytest.approx((low, high), abs=1e-12)
        # Both indices lose their noise, which the replicates show; a replicate of the index carries it twice.
        index = row(series, WITHIN[2], "pakistan", window)
        at = positions(shares.values[t, 0].T)
        bias = float(esteban_ray_bias(at[0], np.cov(at[1:].T)))
        low, high = np.quantile(esteban_ray(at[1:]), [0.025, 0.975]) - 2 * bias
        expected = (float(esteban_ray(at[0])) - bias, low, high)
        assert (index["estimate"], index["low"], index["high"]) == pytest.approx(expected, abs=1e-12)
        distance = row(series, BETWEEN[1], "pakistan|afghanistan", window)["estimate"]
        cdf = np.cumsum(positions(np.moveaxis(shares.values[t, :2], 1, -1)), axis=-1)[..., :2]
        noise = (cdf[0, 1:] - cdf[1, 1:]).var(axis=0, ddof=1).sum()
        plain = float(cramer_squared(positions(p), positions(q)))
        assert distance == pytest.approx(plain - noise, abs=1e-12)


def test_one_measure_and_a_list_of_one_are_the_same() -> None:
    observed = posts()
    alone = over_time(NetTone(), observed, plan=plan(), seed=1)
    assert alone.equals(over_time([NetTone()], observed, plan=plan(), seed=1))
    assert alone["baseline"].null_count() == alone.height


def test_row_order_and_repetition_change_nothing() -> None:
    observed = posts()
    once = over_time([*WITHIN, *BETWEEN], observed, plan=plan(), seed=1)
    copy = observed.clone()
    shuffled = observed.sample(fraction=1.0, shuffle=True, seed=9)
    assert over_time([*WITHIN, *BETWEEN], shuffled, plan=plan(), seed=1).equals(once)
    assert over_time([*WITHIN, *BETWEEN], observed, plan=plan(), seed=1).equals(once)
    assert observed.equals(copy)


def test_the_seed_moves_the_interval_but_not_the_estimate() -> None:
    observed = posts()
    one, two = (over_time(WITHIN[:2], observed, plan=plan(), seed=seed) for seed in (1, 2))
    counts = ["estimate", "n_posts", "n_authors", "n_eff", "n_gold", "flags"]
    assert one.select(counts).equals(two.select(counts))
    shown = pl.col("estimate").is_not_null()
    assert (one.filter(shown)["low"] != two.filter(shown)["low"]).all()


def few_and_many() -> pl.DataFrame:
    """Authors of one post each, all coded: 30 a side and week, but 29 and 31 in the second and none in the third."""
    rows = []
    for week, authors in ((0, (30, 30)), (1, (29, 31)), (3, (30, 30))):
        for side, n in zip(SIDES, authors, strict=False):
            for i in range(n):
                frame = FRAMES[i % 4]
                rows.append((f"{week}{side}{i}", f"x:{side}{i}", BEGIN + timedelta(weeks=week, hours=i), side, frame))
    made = pl.DataFrame(rows, schema=["post_id", "author_id", "created_at", "side", "predicted"], orient="row")
    return made.with_columns(pl.col("created_at").cast(pl.Datetime("us", "UTC")), value="predicted", inclusion_p=1.0)


@pytest.mark.parametrize("weight", ["author", "post"])
def test_cells_under_thirty_authors_are_withheld_unless_forced(weight: str) -> None:
    assert MIN_N_EFF == 30.0
    series = over_time([*WITHIN, *BETWEEN], few_and_many(), plan=plan(weight=weight), seed=1)
    forced = over_time([*WITHIN, *BETWEEN], few_and_many(), plan=plan(weight=weight, force=True), seed=1)
    for measure, side in [(m, "pakistan") for m in WITHIN] + [(m, "pakistan|afghanistan") for m in BETWEEN]:
        thin, enough = (row(series, measure, side, window) for window in ("2024-12-09", "2024-12-02"))
        assert thin["flags"] == "withheld"
        assert [thin[name] for name in NUMBERS] == [None] * 6
        assert thin["n_eff"] == pytest.approx(29.0)
        assert thin["n_posts"] == thin["n_authors"] == (60 if "|" in side else 29)
        assert enough["estimate"] is not None
        assert "withheld" not in str(enough["flags"])
        shown = row(forced, measure, side, "2024-12-09")
        assert shown["flags"] == "forced"
        assert shown["estimate"] is not None
        assert row(forced, measure, side, "2024-12-02") == enough


def test_windows_without_posts_keep_their_row() -> None:
    for measure, side in [(m, "pakistan") for m in WITHIN] + [(m, "pakistan|afghanistan") for m in BETWEEN]:
        series = over_time(measure, few_and_many(), plan=plan(force=True), seed=1)
        assert series["window"].n_unique() == 4
        empty = row(series, measure, side, "2024-12-16")
        assert empty["flags"] == "empty"
        assert [empty[name] for name in NUMBERS] == [None] * 6
        assert (empty["n_posts"], empty["n_authors"], empty["n_eff"], empty["n_gold"]) == (0, 0, 0.0, 0)


def test_a_pair_is_empty_when_one_side_is() -> None:
    observed = few_and_many().filter(
        (pl.col("side") == "pakistan") | (pl.col("created_at") > BEGIN + timedelta(weeks=1))
    )
    gap = row(over_time(BETWEEN[0], observed, plan=plan(), seed=1), BETWEEN[0], "pakistan|afghanistan", "2024-12-02")
    assert gap["flags"] == "empty"
    assert gap["n_posts"] == 30
    assert gap["estimate"] is None


def test_the_first_and_last_window_say_that_they_are_partial() -> None:
    flags = over_time(WITHIN[0], posts(), plan=plan(), seed=1).filter(pl.col("side") == "pakistan")["flags"].to_list()
    assert ["partial" in one for one in flags] == [True, False, True]
    whole = plan(begin=BEGIN, end=BEGIN + timedelta(weeks=4))
    series = over_time(WITHIN[0], posts(), plan=whole, seed=1).filter(pl.col("side") == "pakistan")
    assert series["flags"].to_list() == ["", "", "", "empty"]
    assert series["start"].to_list() == [BEGIN + timedelta(weeks=i) for i in range(4)]
    assert series["end"].to_list() == [BEGIN + timedelta(weeks=i + 1) for i in range(4)]


def test_posts_outside_the_plan_are_not_dropped_in_silence() -> None:
    observed = posts()
    late = observed.filter(pl.col("created_at") >= BEGIN + timedelta(weeks=2)).height
    with pytest.raises(UsageError) as caught:
        over_time(NetTone(), observed, plan=plan(begin=BEGIN, end=BEGIN + timedelta(weeks=2)), seed=1)
    assert str(caught.value) == (
        f"{late} of {observed.height} posts lie outside the period or sides of the plan; "
        "drop them first (Corpus.keep) or widen the period"
    )
    strange = observed.with_columns(side=pl.col("side").replace("pakistan", "iran"))
    with pytest.raises(UsageError, match=r"posts lie outside the period or sides of the plan"):
        over_time(NetTone(), strange, plan=plan(), seed=1)


def test_gold_that_is_missing_in_a_window_is_borrowed_aloud() -> None:
    second = pl.col("created_at").is_between(BEGIN + timedelta(weeks=1), BEGIN + timedelta(weeks=2), closed="left")
    gone = second & (pl.col("side") == "pakistan")
    observed = posts().with_columns(pl.when(~gone).then(pl.col(name)).alias(name) for name in ("value", "inclusion_p"))
    with pytest.warns(GoldWarning) as caught:
        series = over_time(WITHIN[0], observed, plan=plan(), seed=1)
    assert [str(one.message) for one in caught] == [
        "Prevalence('nationalist') for pakistan: 1 of 3 windows have no gold label of their own and borrow from others"
    ]
    assert caught[0].filename == __file__
    assert row(series, WITHIN[0], "pakistan", "2024-12-09")["flags"] == "no_gold gold_borrowed"
    assert row(series, WITHIN[0], "pakistan", "2024-12-09")["estimate"] is not None
    assert "no_gold" not in str(row(series, WITHIN[0], "pakistan", "2024-12-02")["flags"])
    assert "no_gold" not in str(row(series, WITHIN[0], "afghanistan", "2024-12-09")["flags"])


def test_gold_of_all_is_counted_once_for_a_pair() -> None:
    series = over_time(BETWEEN[0], posts(), plan=plan(gold_within="all"), seed=1)
    assert series["n_gold"].to_list() == [360] * 3
    assert set(series["assumes"]) == {"random_gold+errors_stable_over_time_and_sides"}


def test_classify_and_count_needs_no_gold_and_is_flagged() -> None:
    bare = posts().with_columns(value=pl.lit(None, pl.String), inclusion_p=pl.lit(None, pl.Float64))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        series = over_time([*WITHIN, *BETWEEN], bare, plan=plan(method="cc"), seed=1)
    assert series["flags"].str.contains("naive").all()
    assert set(series["method"]) == {"cc"}
    assert set(series["assumes"]) == {"classifier_errors_cancel"}
    assert series["n_gold"].sum() == 0
    predicted = posts().filter((pl.col("side") == "pakistan") & (pl.col("created_at") < BEGIN + timedelta(weeks=1)))
    by_author = predicted.group_by("author_id").agg((pl.col("predicted") == "nationalist").mean())
    estimate = row(series, WITHIN[0], "pakistan", "2024-12-02")["estimate"]
    assert estimate == pytest.approx(by_author["predicted"].mean(), abs=1e-8)


def test_a_share_without_gold_is_refused() -> None:
    bare = posts().with_columns(value=pl.lit(None, pl.String), inclusion_p=pl.lit(None, pl.Float64))
    with pytest.raises(MeaningError) as caught:
        over_time(NetTone(), bare, plan=plan(), seed=1)
    assert str(caught.value) == (
        "the method is 'poststrat' and there is not one gold label; code a random sample "
        "(a share without its error correction is not a share), or ask for method='cc' and say so"
    )


def test_nothing_to_measure_is_said() -> None:
    with pytest.raises(MeaningError) as caught:
        over_time(NetTone(), posts().clear(), plan=plan(), seed=1)
    assert str(caught.value) == "there are no posts to measure; check the population and the period of the study"


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"weight": "person"}, SchemaError, "weight is 'person'"),
        ({"method": "accc"}, SchemaError, "method is 'accc'"),
        ({"gold_within": "week"}, SchemaError, "gold_within is 'week'"),
        ({"every": "1y"}, SchemaError, "every is '1y'"),
        ({"zones": {"pakistan": "PKT"}}, UsageError, "the time zone of pakistan is 'PKT'"),
        ({"level": 95}, UsageError, "level is 95"),
        ({"shuffles": 0}, UsageError, "shuffles is 0"),
        ({"replicates": 0}, UsageError, "replicates is 0"),
        ({"begin": datetime(2024, 12, 2)}, MeaningError, "the period runs from"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(options: dict[str, object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match="^" + text):
        over_time(BETWEEN[0], posts(), plan=plan(**options), seed=1)


def test_intervals_stay_within_what_a_measure_can_be() -> None:
    observed = posts(authors=60, gold=12)
    frames = [Prevalence(frame) for frame in FRAMES]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GoldWarning)
        series = over_time([*frames, NetTone()], observed, plan=plan(force=True), seed=1).drop_nulls("estimate")
    shares = series.filter(pl.col("measure") != "NetTone()")
    assert shares.height >= 20
    assert shares["low"].min() >= 0.0  # type: ignore[operator]
    assert shares["high"].max() <= 1.0  # type: ignore[operator]
    assert (shares["low"] <= shares["high"]).all()


def test_a_wider_level_gives_a_wider_interval() -> None:
    observed = posts()
    width = {}
    for level in (0.5, 0.95):
        series = over_time([*WITHIN, *BETWEEN], observed, plan=plan(level=level), seed=1).drop_nulls("estimate")
        width[level] = (series["high"] - series["low"]).to_numpy()
    assert (width[0.5] < width[0.95]).all()


def test_the_baseline_is_what_one_distribution_would_give() -> None:
    flat = SyntheticSide(250, np.tile([0.4, 0.2, 0.1, 0.3], (6, 1)))
    observed = simulate_observed({"pakistan": flat, "afghanistan": flat}, gold_per_cell=100, seed=4, loyalty=0.0)
    series = over_time([*BETWEEN, WITHIN[2]], observed, plan=plan(shuffles=150, replicates=200), seed=4)
    gap = series.filter(pl.col("measure") == repr(BETWEEN[0]))
    half = (gap["baseline_high"] - gap["baseline_low"]) / 2
    assert (gap["baseline"].abs() < 0.25 * half).all()
    assert (gap["baseline_low"] < 0).all()
    assert (gap["baseline_high"] > 0).all()
    distance = series.filter(pl.col("measure") == repr(BETWEEN[1]))
    assert abs(distance["estimate"].mean()) < 0.01  # type: ignore[arg-type]
    assert abs(distance["baseline"].mean()) < 0.01  # type: ignore[arg-type]
    held = distance["estimate"].is_between(distance["baseline_low"], distance["baseline_high"])
    assert held.sum() >= 5
    within = series.filter((pl.col("measure") == repr(WITHIN[2])) & (pl.col("side") != "unknown"))
    assert abs((within["estimate"] - within["baseline"]).mean()) < 0.03  # type: ignore[arg-type]


def test_two_distributions_stand_out_from_the_baseline() -> None:
    observed = posts(authors=250, gold=100)
    series = over_time(BETWEEN, observed, plan=plan(shuffles=60), seed=4)
    assert (series["estimate"] > series["baseline_high"]).all()
    truth = 0.4 - (-0.1)
    gap = series.filter(pl.col("measure") == repr(BETWEEN[0]))
    assert abs(gap["estimate"].mean() - truth) < 0.15  # type: ignore[operator]


POSTS = pl.DataFrame({
    "post_id": ["x:2", "x:1", "x:3"],
    "author_id": ["x:a", "x:b", "x:c"],
    "created_at": [BEGIN] * 3,
    "side": ["pakistan", None, "afghanistan"],
    "text": ["one", "two", "three"],
})  # fmt: skip
FRAMINGS = pl.DataFrame({"post_id": ["x:3", "x:2", "x:1"], "predicted": ["both", "neither", "nationalist"]})
GOLD = pl.DataFrame({"post_id": ["x:1"], "value": ["neither"], "inclusion_p": [0.25]})


def test_observe_puts_posts_framings_and_gold_side_by_side() -> None:
    made = observe(POSTS, FRAMINGS, GOLD)
    assert made.columns == [
        "post_id",
        "predicted",
        "author_id",
        "created_at",
        "side",
        "copy_id",
        "value",
        "inclusion_p",
    ]
    assert made.select("post_id", "predicted", "author_id", "side", "value", "inclusion_p").rows() == [
        ("x:1", "nationalist", "x:b", "unknown", "neither", 0.25),
        ("x:2", "neither", "x:a", "pakistan", None, None),
        ("x:3", "both", "x:c", "afghanistan", None, None),
    ]
    bare = observe(POSTS.to_pandas(), FRAMINGS.to_pandas())
    assert bare.columns == made.columns
    assert bare["value"].null_count() == bare["inclusion_p"].null_count() == 3
    assert bare.schema["inclusion_p"] == pl.Float64


def test_observe_keeps_copies_and_probabilities() -> None:
    scored = FRAMINGS.with_columns(p_both=pl.Series([0.9, 0.1, 0.2]), model=pl.lit("a@1"))
    made = observe(POSTS.with_columns(copy_id=pl.Series(["x:1", None, "x:3"])), scored)
    assert made.select("post_id", "copy_id", "p_both").rows() == [
        ("x:1", None, 0.2), ("x:2", "x:1", 0.1), ("x:3", "x:3", 0.9),
    ]  # fmt: skip


def test_a_series_is_of_one_model() -> None:
    spliced = FRAMINGS.with_columns(model=pl.Series(["a@1", "a@1", "a@2"]))
    with pytest.raises(MeaningError) as caught:
        observe(POSTS, spliced)
    assert str(caught.value) == "the framings are of 2 models; a series never splices them: filter to one"


def test_observe_measures_the_classified_posts() -> None:
    assert observe(POSTS, FRAMINGS.head(2))["post_id"].to_list() == ["x:2", "x:3"]


@pytest.mark.parametrize(
    ("posts_", "framings", "gold", "text"),
    [
        (POSTS.head(1), FRAMINGS, None, "2 of 3 framings belong to no post of this corpus; predict on this corpus"),
        (
            POSTS,
            pl.concat([FRAMINGS, FRAMINGS.head(1)]),
            None,
            "the framings hold a post more than once; filter them to one model",
        ),
        (
            pl.concat([POSTS, POSTS.head(1)]),
            FRAMINGS,
            None,
            "the posts hold a post more than once; drop the copies of a row first",
        ),
        (
            POSTS,
            FRAMINGS,
            pl.concat([GOLD, GOLD]),
            "the gold holds a post more than once; settle it to one label a post first",
        ),
        (
            POSTS,
            FRAMINGS.head(2),
            GOLD,
            "1 of 1 gold labels belong to posts that were not classified; "
            "the gold must be drawn from the measured population (see [population] in the study file)",
        ),
    ],
)
def test_observe_loses_no_row(posts_: pl.DataFrame, framings: pl.DataFrame, gold: pl.DataFrame, text: str) -> None:
    with pytest.raises(MeaningError) as caught:
        observe(posts_, framings, gold)
    assert str(caught.value) == text


def test_local_days_of_each_side_share_a_row_label() -> None:
    # 19:15 UTC is the next day in Karachi, still the same in Kabul.
    rows = [
        (f"{side}{i}", f"x:{side}{i}", datetime(2025, 1, 5, 19, 15, tzinfo=UTC), side)
        for side in SIDES[:2]
        for i in range(30)
    ]
    observed = pl.DataFrame(rows, schema=["post_id", "author_id", "created_at", "side"], orient="row").with_columns(
        pl.col("created_at").cast(pl.Datetime("us", "UTC")),
        predicted=pl.lit("both"),
        value=pl.lit("both"),
        inclusion_p=1.0,
    )
    series = over_time(Prevalence("both"), observed, plan=Plan(every="1d", replicates=10), seed=1)
    found = {(r["side"], r["window"]): (r["n_posts"], r["estimate"]) for r in series.iter_rows(named=True)}
    assert found["pakistan", "2025-01-06"] == found["afghanistan", "2025-01-05"] == (30, 1.0)
    assert found["pakistan", "2025-01-05"] == found["afghanistan", "2025-01-06"] == (0, None)
    start = row(series, Prevalence("both"), "afghanistan", "2025-01-05")["start"]
    assert start == datetime(2025, 1, 4, 19, 30, tzinfo=UTC)
