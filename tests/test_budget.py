"""The label budget: the width that is promised is the width that simulated labels give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from discourse.errors import DiscourseError, MeaningError, SchemaError, UsageError
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import Plan, observe, over_time
from discourse.sampling.budget import (
    GOLD_DESIGNS,
    GOLD_PER_CELL,
    author_deff,
    plan_contrast,
    plan_labels,
    predicted_rates,
    predicted_width,
)
from discourse.sampling.sampling import draw_sample
from discourse.schema import FRAMES

Z = 1.959964
W, P = np.array([0.6, 0.3, 0.1]), np.array([0.05, 0.5, 0.9])
HELPED = pl.DataFrame({"stratum": ["a", "b", "c"], "weight": W, "rate": P})
RUNS = 1500


def labelled(
    rng: np.random.Generator, n: np.ndarray, design: str, posts: int | None = None, p: np.ndarray = P
) -> tuple[float, float]:
    """One post-stratified estimate of simulated labels and the standard deviation it reports."""
    share = W if posts is None else rng.multinomial(posts, W) / posts
    counts = rng.multinomial(int(np.sum(n)), share) if design == "random" else np.asarray(n)
    hits = rng.binomial(counts, p)
    rate = np.where(counts > 0, hits / np.maximum(counts, 1), hits.sum() / counts.sum())
    smooth = (hits + 0.5) / (counts + 1)
    estimate = (share * rate).sum()
    variance = (share**2 * smooth * (1 - smooth) / np.maximum(counts - 1, 1)).sum()
    if posts is not None:
        variance += (share * (rate - estimate) ** 2).sum() / posts
    return float(estimate), float(np.sqrt(variance))


@pytest.mark.parametrize("posts", [None, 1200])
@pytest.mark.parametrize("design", GOLD_DESIGNS)
def test_the_promised_width_is_the_simulated_one(design: str, posts: int | None) -> None:
    plan = plan_labels(HELPED, 0.1, design=design, population=posts)
    width = plan["width"][0]
    rng = np.random.default_rng(5)
    made = np.array([labelled(rng, plan["n"].to_numpy(), design, posts) for _ in range(RUNS)])
    truth = (W * P).sum()
    assert 0.099 < width <= 0.1
    assert made[:, 0].mean() == pytest.approx(truth, abs=0.002)
    assert 2 * Z * made[:, 0].std() == pytest.approx(width, rel=0.1)
    assert 2 * Z * made[:, 1].mean() == pytest.approx(width, rel=0.1)
    assert (np.abs(made[:, 0] - truth) < Z * made[:, 1]).mean() == pytest.approx(0.95, abs=0.02)


def test_simple_random_gold_and_what_a_classifier_saves() -> None:
    plan = plan_labels(0.2, 0.1)
    assert plan.rows() == [("all", 246, pytest.approx(2 * Z * 0.4 / np.sqrt(246), rel=1e-6))]
    rng = np.random.default_rng(1)
    estimates = rng.binomial(246, 0.2, 4000) / 246
    assert 2 * Z * estimates.std() == pytest.approx(plan["width"][0], rel=0.1)
    share = float((W * P).sum())
    totals = {design: plan_labels(HELPED, 0.1, design=design)["n"].sum() for design in GOLD_DESIGNS}
    assert totals["neyman"] < totals["proportional"] <= totals["random"] < plan_labels(share, 0.1)["n"].sum()
    # By hand: (sum W S)^2 / V and sum W S^2 / V, V = (width / 2 z)^2.
    s, v = np.sqrt(P * (1 - P)), (0.1 / (2 * Z)) ** 2
    assert totals["neyman"] == pytest.approx((W * s).sum() ** 2 / v, abs=1.5)
    assert totals["proportional"] == pytest.approx((W * s * s).sum() / v, abs=1.5)


def test_widths_by_hand() -> None:
    s2, between = P * (1 - P), (W * (P - (W * P).sum()) ** 2).sum()
    exact = (W * s2).sum() / 20 + ((1 - W) * s2).sum() / 400
    for posts, more in ((None, 0.0), (900, between / 900)):
        width = predicted_width(HELPED, 20, design="random", population=posts, deff=1.5, level=0.9)["width"][0]
        assert width == pytest.approx(2 * 1.6448536 * np.sqrt(1.5 * (exact + more)), rel=1e-6)
        drawn = predicted_width(HELPED, 40, design="proportional", population=posts)
        assert drawn["n"].to_list() == [24, 12, 4]
        assert drawn["width"][0] == pytest.approx(2 * Z * np.sqrt((W**2 * s2 / [24, 12, 4]).sum() + more), rel=1e-6)
    counted = HELPED.with_columns(posts=pl.Series([540, 270, 90]))
    made, same = predicted_width(counted, 40), predicted_width(HELPED, 40, population=900)
    assert made["n"].to_list() == same["n"].to_list()
    assert made["width"][0] == pytest.approx(same["width"][0], rel=1e-12)


@pytest.mark.parametrize("design", GOLD_DESIGNS)
def test_it_is_the_least_number_that_does(design: str) -> None:
    for width in (0.05, 0.1, 0.17):
        plan = plan_labels(HELPED, width, design=design, deff=1.3)
        n = int(plan["n"].sum())
        at = predicted_width(HELPED, n, design=design, deff=1.3)
        assert at.equals(plan)
        assert plan["width"][0] <= width < predicted_width(HELPED, n - 1, design=design, deff=1.3)["width"][0]


def test_cells_are_planned_each_for_itself() -> None:
    cells = pl.concat([HELPED.with_columns(window=pl.lit("w1"), side=pl.lit("one")),
                       HELPED.with_columns(pl.col("rate") * 0.5, window=pl.lit("w2"), side=pl.lit("one"))])  # fmt: skip
    plan = plan_labels(cells, 0.1)
    assert plan.columns == ["window", "side", "stratum", "n", "width"]
    for window, part in (("w1", HELPED), ("w2", HELPED.with_columns(pl.col("rate") * 0.5))):
        assert plan.filter(pl.col("window") == window).select("stratum", "n", "width").equals(plan_labels(part, 0.1))
    assert plan_labels(cells.sample(fraction=1.0, shuffle=True, seed=3), 0.1).equals(plan)
    assert plan_labels(cells, 0.1, per_cell=200).group_by("window").agg(pl.col("n").sum())["n"].to_list() == [200, 200]


def test_authors_of_one_mind_make_labels_worth_less() -> None:
    rng, icc, each, p = np.random.default_rng(2), 0.3, 4, 0.2
    deff = author_deff([each] * 100, icc)
    assert deff == pytest.approx(1.9)
    plan = plan_labels(p, 0.1, deff=deff)
    authors = int(plan["n"].sum()) // each
    a = p * (1 - icc) / icc
    minds = rng.beta(a, a * (1 - p) / p, size=(4000, authors))
    estimates = rng.binomial(each, minds).sum(axis=1) / (authors * each)
    assert 2 * Z * estimates.std() == pytest.approx(plan["width"][0], rel=0.1)
    # A tenth of their posts coded at random: an author is rarely met twice.
    sizes = rng.integers(1, 40, 400)
    owner = np.repeat(np.arange(400), sizes)
    one = []
    for _ in range(2000):
        mind = rng.beta(a, a * (1 - p) / p, 400)
        coded = owner[rng.random(len(owner)) < 0.1]
        one.append((rng.random(len(coded)) < mind[coded]).mean())
    n = round(0.1 * len(owner))
    width = predicted_width(p, n, deff=author_deff(sizes, icc, coded=0.1))["width"][0]
    assert 2 * Z * np.std(one) == pytest.approx(width, rel=0.1)


@pytest.mark.parametrize("design", GOLD_DESIGNS)
def test_a_contrast_of_two_windows(design: str) -> None:
    later = HELPED.with_columns(rate=pl.Series([0.15, 0.6, 0.95]))
    q = later["rate"].to_numpy()
    plan = plan_contrast(HELPED, later, 0.1, design=design, per_cell=0)
    n = {window: part["n"].to_numpy() for (window,), part in plan.group_by("window")}
    rng = np.random.default_rng(9)
    jumps = [labelled(rng, n["after"], design, p=q)[0] - labelled(rng, n["before"], design)[0]
             for _ in range(RUNS)]  # fmt: skip
    assert np.mean(jumps) == pytest.approx((W * (q - P)).sum(), abs=0.003)
    assert 2 * Z * np.std(jumps) == pytest.approx(plan["width"][0], rel=0.1)
    assert 0.099 < plan["width"][0] <= 0.1
    each = [predicted_width(rates, int(n[window].sum()), design=design)["width"][0]
            for rates, window in ((HELPED, "before"), (later, "after"))]  # fmt: skip
    assert plan["width"][0] == pytest.approx(np.hypot(*each), rel=0.02)


def test_a_contrast_has_200_labels_a_window_and_side_unless_told() -> None:
    sides = pl.concat([HELPED.with_columns(side=pl.lit(side)) for side in ("one", "two")])
    plan = plan_contrast(sides.with_columns(window=pl.lit("w1")), sides.with_columns(window=pl.lit("w2")), 0.5)
    assert plan.columns == ["window", "side", "stratum", "n", "width"]
    totals = plan.group_by("window", "side").agg(pl.col("n").sum())
    assert totals.height == 4
    assert totals["n"].unique().to_list() == [GOLD_PER_CELL] == [200]
    assert set(plan["window"]) == {"w1", "w2"}
    few = plan_contrast(HELPED, HELPED, 0.5, population=150, design="random")
    assert few["n"].to_list() == [150, 150]  # all there are


def test_rates_from_a_confusion_and_the_posts() -> None:
    rows = [("x", "x", 30), ("y", "x", 9), ("x", "y", 4), ("y", "y", 55), ("z", "z", 0)]
    confusion = pl.DataFrame(rows, schema=["true", "predicted", "n"], orient="row")
    made = predicted_rates(confusion, "x")
    assert made.columns == ["stratum", "rate", "weight"]
    assert made.rows() == [("x", 30.5 / 40, pytest.approx(39 / 98)), ("y", 4.5 / 60, pytest.approx(59 / 98))]
    posts = pl.DataFrame({"side": ["b", None, "b", "b"], "predicted": ["x", "x", "z", "x"]})
    counted = predicted_rates(confusion, "x", posts, by=("side",))
    assert counted.rows() == [("b", "x", 30.5 / 40, 2), ("b", "z", 34.5 / 99, 1), ("unknown", "x", 30.5 / 40, 1)]
    assert predicted_rates(confusion, ["x", "y"])["rate"].to_list() == [39.5 / 40, 59.5 / 60]
    assert predicted_width(counted.head(2), 3)["n"].to_list() == [2, 1]
    with pytest.raises(SchemaError, match=r"^target is 'w'; it must be 'x', 'y' or 'z'"):
        predicted_rates(confusion, "w")
    with pytest.raises(SchemaError, match=r"^there is no column 'n' in the confusion, only true, predicted; give it$"):
        predicted_rates(confusion.drop("n"), "x")


def truth(posts: int, seed: int) -> pl.DataFrame:
    """Posts of as many authors in one week with predicted and true frames; p_ columns are the true rates."""
    rng = np.random.default_rng(seed)
    predicted = np.repeat([0, 1, 3], (W * posts).astype(int))
    rates = np.zeros((4, 4))
    rates[[0, 1, 3]] = [[0.05, 0.2, 0.05, 0.7], [0.5, 0.3, 0.1, 0.1], [0.02] * 4]
    rates[3] = [0.9, 0.02, 0.03, 0.05]
    true = [rng.choice(4, p=rates[j]) for j in predicted]
    day = datetime(2025, 5, 5, 12, tzinfo=UTC)
    return pl.DataFrame(
        {
            "post_id": [f"x:{i}" for i in range(len(true))],
            "author_id": [f"x:a{i}" for i in range(len(true))],
            "text": ["t"] * len(true),
            "side": "pakistan",
            "created_at": [day + timedelta(minutes=i % 60) for i in range(len(true))],
            "predicted": [FRAMES[j] for j in predicted],
            "value": [FRAMES[j] for j in true],
            **{f"p_{frame}": rates[predicted, k] for k, frame in enumerate(FRAMES)},
        }
    )


def test_a_plan_a_draw_and_a_measure_agree() -> None:
    rates = pl.DataFrame({"stratum": ["nationalist", "conciliatory", "neither"], "posts": [1800, 900, 300],
                          "rate": [0.05, 0.5, 0.9]})  # fmt: skip
    plan = plan_labels(rates, 0.1)
    n = int(plan["n"].sum())
    widths = []
    for seed in range(6):
        posts = truth(3000, seed)
        sample = draw_sample(posts, n, seed=seed, design="stratified", strata="predicted", allocation="neyman",
                             target="nationalist", role="gold")  # fmt: skip
        counts = sample.group_by("stratum").len("n").sort("stratum")
        assert counts.select("stratum", pl.col("n").cast(pl.Int64)).equals(plan.select("stratum", "n"))
        gold = sample.join(posts.select("post_id", "value"), on="post_id").select("post_id", "value", "inclusion_p")
        series = over_time(Prevalence("nationalist"), observe(posts, posts, gold), plan=Plan(weight="post"), seed=seed)
        row = series.filter(pl.col("side") == "pakistan").row(0, named=True)
        widths.append(row["high"] - row["low"])
    assert np.mean(widths) == pytest.approx(plan["width"][0], rel=0.1)


@pytest.mark.parametrize(
    ("rates", "width", "changed", "kind", "sentence"),
    [
        (0.2, 0.0, {}, UsageError, "^width is 0.0; it must be above 0 and at most 2, like 0.1 for plus or minus 5"),
        (0.2, 0.1, {"level": 1.0}, UsageError, "^level is 1.0; it must lie between 0 and 1, like 0.95"),
        (0.2, 0.1, {"deff": 0.0}, UsageError, "^deff is 0.0; it must be above 0"),
        (0.2, 0.1, {"design": "optimal"}, SchemaError, "^design is 'optimal'; it must be 'neyman', 'proportional' or"),
        (0.2, 0.1, {"population": 0}, UsageError, "^population is 0; it must be the number of posts"),
        (0.2, 0.1, {"population": 100}, MeaningError,
            "^the width is 0.1 and 100 labels in all give 0.1568; ask for a wider interval, or join windows$"),
        (0.5, 0.001, {}, MeaningError, "^the width is 0.001 and 100000 labels in all give 0.0062"),
        (1.2, 0.1, {}, SchemaError, "^the rates hold values outside 0 to 1"),
        (HELPED.drop("rate"), 0.1, {}, SchemaError, "^there is no column 'rate' in the rates, only"),
        (HELPED.drop("weight"), 0.1, {}, SchemaError, "^there is no column 'weight' in the rates"),
        (HELPED.with_columns(weight=pl.lit(0.5)), 0.1, {}, SchemaError, "^the weights of a cell add up to 1.5"),
        (HELPED.with_columns(weight=pl.Series([1.5, -0.5, 0.0])), 0.1, {}, SchemaError, "^weight of the rates holds"),
        (HELPED.with_columns(posts=pl.lit(0)), 0.1, {}, SchemaError, "^a cell of the rates holds no posts"),
        (pl.concat([HELPED, HELPED]), 0.1, {}, SchemaError, "^the rates need each predicted class once in each cell"),
        (HELPED.head(0), 0.1, {}, SchemaError, "^the rates need each predicted class once in each cell, and at least"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_named(
    rates: Any, width: float, changed: dict[str, Any], kind: type[DiscourseError], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence):
        plan_labels(rates, width, **changed)


def test_windows_that_do_not_match_are_refused() -> None:
    one = HELPED.with_columns(side=pl.lit("one"))
    with pytest.raises(UsageError, match=r"^the windows have the cells one and two; give both the same, each once$"):
        plan_contrast(one, one.with_columns(side=pl.lit("two")), 0.1)
    both = pl.concat([HELPED.with_columns(window=pl.lit(w)) for w in ("w1", "w2")])
    with pytest.raises(DiscourseError, match=r"^after holds the windows w1, w2; give the rates of one"):
        plan_contrast(HELPED, both, 0.1)


def test_an_impossible_design_effect_is_refused() -> None:
    for sizes in ([], [0, 2]):
        with pytest.raises(UsageError, match=r"^posts_per_author must hold a number of posts"):
            author_deff(sizes, 0.3)
    with pytest.raises(UsageError, match=r"^icc is 1\.2 and coded is 1\.0; icc must be from 0 to 1"):
        author_deff([1, 2], 1.2)
