"""Series of scores in parts and shards are those of all posts at once, bit for bit."""

from __future__ import annotations

import tempfile
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.engine.backend import Engine
from discourse.engine.measuring import Measured, Selection, measure_scores
from discourse.engine.scored import Scores, finish_part, write_scores
from discourse.errors import BadInput, GoldWarning, MeaningError, SchemaError, UsageError
from discourse.indices.polarization import NetTone, Polarization
from discourse.measure.means import MEANS, Sums, means_of, sum_parts
from discourse.measure.prevalence import Prevalence
from discourse.measure.shards import columns_of, deal_out, read_shard
from discourse.measure.tallies import Design
from discourse.measure.timeline import Measure, Plan, observe, over_time
from discourse.measure.windows import Calendar, place_in_windows
from discourse.poisson import poisson_weights
from discourse.schema import FRAMES

MEASURES: tuple[Measure, ...] = (Prevalence("nationalist"), NetTone(), Polarization("cramer-squared"))
BEGIN = datetime(2025, 1, 6, tzinfo=UTC)
PLAN = Plan(every="1d", zones={"pakistan": "Asia/Karachi"}, gold_within="all", replicates=20, shuffles=9, force=True)


def population(posts: int, authors: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scored posts of heavy and light authors over five days with copies, and gold for some of them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(4), posts)
    who = np.minimum(rng.pareto(0.8, posts).astype(int), authors - 1)
    frame = pl.DataFrame({
        "post_id": [f"x:{n:05}" for n in range(posts)],
        "author_id": [f"x:a{n}" for n in who],
        "created_at": [BEGIN + timedelta(seconds=int(s)) for s in rng.integers(0, 5 * 86_400, posts)],
        "side": np.array(["pakistan", "afghanistan", "unknown"])[(who * 7 + rng.integers(0, 9, posts) // 8) % 3],
        "lang": rng.choice(["en", "ur"], posts), "platform": ["x"] * posts,
        "kind": rng.choice(["original", "reply", "repost"], posts, p=[0.7, 0.2, 0.1]),
        "sentiment": np.round(rng.uniform(-1, 1, posts), 4),
        **{f"p_{name}": p[:, i] for i, name in enumerate(FRAMES)},
        "predicted": np.array(FRAMES)[p.argmax(axis=1)],
        "copy_id": [f"{n:016x}" if n < 30 else None for n in rng.integers(0, 60, posts)],
    }).with_columns(
        pl.when(pl.col("lang") == "en").then("sentiment"), pl.col("created_at").cast(pl.Datetime("us", "UTC"))
    )  # fmt: skip
    own = frame.filter(pl.col("kind") != "repost").sample(min(60, posts // 3), seed=seed)
    gold = own.select("post_id", value=pl.Series(rng.choice(FRAMES, own.height)), inclusion_p=pl.lit(0.37))
    return frame, gold


def written(folder: Path, frame: pl.DataFrame, of: np.ndarray) -> Path:
    """The posts as a folder of scores, post i in part `of[i]`."""
    parts = [finish_part(folder, frame.filter(pl.Series(of == n)), "ff", n, n) for n in range(int(of.max()) + 1)]
    write_scores(folder, Scores("linear@00", tuple(parts)))
    return folder


def at_once(frame: pl.DataFrame, gold: pl.DataFrame, plan: Plan, kinds: tuple[str, ...]) -> pl.DataFrame:
    kept = frame.filter(pl.col("kind").is_in(list(kinds)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GoldWarning)
        return over_time(MEASURES, observe(kept, kept, gold), plan=plan, seed=7)


def in_parts(folder: Path, gold: pl.DataFrame, plan: Plan, engine: Engine, shard: int) -> Measured:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GoldWarning)
        return measure_scores(folder, MEASURES, plan=plan, seed=7, gold=gold, engine=engine, posts_a_shard=shard)


@pytest.mark.parametrize("method", ["poststrat", "cc", "pacc", "sld"])
@pytest.mark.parametrize("weight", ["author", "post", "unique_text"])
def test_parts_and_shards_give_the_series_of_all_posts_at_once(tmp_path: Path, weight: str, method: str) -> None:
    frame, gold = population(700, 60, seed=1)
    plan = Plan(**{**PLAN.__dict__, "weight": weight, "method": method})
    folder = written(tmp_path, frame, np.arange(700) * 13 % 5)
    made = in_parts(folder, gold, plan, Engine("threads", 3), 90)
    assert made.series.equals(at_once(frame, gold, plan, Selection().kinds))
    assert made.series["baseline"].drop_nulls().len() > 0
    reposts = frame.filter(kind="repost").height
    assert (made.posts, made.left_out) == (
        700 - reposts, {"other kinds": reposts, "trained on": 0, "outside the period": 0}
    )  # fmt: skip
    assert not list(tmp_path.glob(".spill-*"))


@settings(max_examples=12, deadline=None)
@given(
    posts=st.integers(30, 120),
    authors=st.integers(2, 40),
    seed=st.integers(0, 99),
    parts=st.integers(1, 6),
    shard=st.integers(5, 200),
    weight=st.sampled_from(["author", "post", "unique_text"]),
    engine=st.sampled_from([Engine("serial"), Engine("threads", 2)]),
)
def test_any_parts_any_shards_any_order(  # noqa: PLR0917
    posts: int, authors: int, seed: int, parts: int, shard: int, weight: str, engine: Engine
) -> None:
    frame, gold = population(posts, authors, seed)
    plan = Plan(**{**PLAN.__dict__, "weight": weight})
    mixed = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    of = np.random.default_rng(seed).integers(0, parts, posts)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        made = in_parts(written(Path(one), mixed, of), gold, plan, engine, shard)
        whole = in_parts(written(Path(other), frame, np.zeros(posts, int)), gold, plan, Engine("serial"), 10**6)
    assert made.series.equals(at_once(frame, gold, plan, Selection().kinds))
    assert made.means.equals(whole.means)
    assert made.means.height == (0 if weight == "unique_text" else made.series["window"].n_unique() * 3)


def test_what_is_left_out_is_counted_and_the_rest_is_measured(tmp_path: Path) -> None:
    frame, gold = population(400, 50, seed=3)
    plan = Plan(**{**PLAN.__dict__, "begin": BEGIN + timedelta(days=1), "end": BEGIN + timedelta(days=3)})
    seen = frozenset(frame["post_id"].sample(50, seed=1))
    chosen = Selection(kinds=("original",), without=seen)
    inside = frame.filter(
        pl.col("created_at").is_between(plan.begin, plan.end, closed="left"), pl.col("kind") == "original",
        ~pl.col("post_id").is_in(list(seen)),
    )  # fmt: skip
    gold = gold.join(inside, on="post_id", how="semi")
    folder = written(tmp_path, frame, np.arange(400) % 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GoldWarning)
        made = measure_scores(folder, MEASURES, plan=plan, seed=7, gold=gold, selection=chosen, engine=Engine("serial"))
    assert made.series.equals(at_once(inside, gold, plan, ("original",)))
    others = frame.filter(pl.col("kind") != "original").height
    trained = frame.filter(pl.col("kind") == "original", pl.col("post_id").is_in(list(seen))).height
    assert made.left_out == {
        "other kinds": others, "trained on": trained, "outside the period": 400 - others - trained - inside.height
    }  # fmt: skip


def test_errors_are_one_sentence(tmp_path: Path) -> None:
    frame, gold = population(90, 20, seed=3)
    folder = written(tmp_path / "scores", frame, np.arange(90) % 2)
    strange = gold.with_columns(pl.lit("x:none").alias("post_id")).head(1)
    with pytest.raises(MeaningError, match=r"^1 of \d+ gold labels belong to posts that are not measured; the gold"):
        in_parts(folder, pl.concat([gold, strange]), PLAN, Engine("serial"), 90)
    with pytest.raises(MeaningError, match=r"^the gold holds a post more than once"):
        in_parts(folder, pl.concat([gold, gold.head(1)]), PLAN, Engine("serial"), 90)
    with pytest.raises(SchemaError, match=r"^the gold has no column 'inclusion_p'"):
        in_parts(folder, gold.drop("inclusion_p"), PLAN, Engine("serial"), 90)
    with pytest.raises(UsageError, match=r"on sides that the plan does not compare; name its two sides$"):
        in_parts(folder, gold, Plan(sides=("india", "pakistan")), Engine("serial"), 90)
    late = Plan(begin=datetime(2030, 1, 1, tzinfo=UTC), end=datetime(2031, 1, 1, tzinfo=UTC))
    with pytest.raises(MeaningError, match=r"^there are no posts to measure"):
        in_parts(folder, gold, late, Engine("serial"), 90)
    with pytest.raises(SchemaError, match=r"^kind is 'tweet'; it must be"):
        Selection(kinds=("tweet",))
    with pytest.raises(BadInput, match=r"^the spill file 'none.arrow' is damaged or gone; give the command again$"):
        read_shard([tmp_path / "none.arrow"], 0)
    assert not list((tmp_path / "scores").glob(".spill-*"))


@pytest.mark.parametrize(("weight", "by"), [("author", "author_id"), ("post", "author_id"), ("unique_text", "window")])
def test_shards_hold_whole_authors_or_windows_and_every_post_once(tmp_path: Path, weight: str, by: str) -> None:
    frame, _ = population(500, 60, seed=5)
    plan = Plan(every="1d", weight=weight)
    observed = observe(frame, frame).with_columns(frame["sentiment"])
    half = pl.Series(np.arange(500) % 2 == 0)
    for name, some in (("a", observed.filter(half)), ("b", observed.filter(~half))):
        deal_out(some, plan, 4, tmp_path / name)
    shards = [read_shard([tmp_path / "a", tmp_path / "b"], number) for number in range(4)]
    want = place_in_windows(observed, Calendar(plan.every, plan.zones)).select(columns_of(plan))
    order = list(want.columns)
    assert pl.concat(shards).sort(order).equals(want.sort(order))
    held = [set(shard[by]) for shard in shards]
    assert sum(map(len, held)) == want[by].n_unique()
    assert sum(bool(one) for one in held) > 1


def test_means_are_those_of_a_plain_bootstrap_by_post_and_by_author() -> None:
    frame, _ = population(300, 40, seed=2)
    placed = place_in_windows(frame, Calendar("1d", {})).drop_nulls("sentiment")
    windows, sides = tuple(placed["window"].unique().sort()), ("pakistan", "afghanistan", "unknown")
    ids = placed["author_id"].unique().sort()
    drawn = dict(zip(ids, poisson_weights(ids.to_list(), 50, seed=7), strict=True))
    for weight in ("post", "author"):
        made = means_of(sum_parts([frame_of(placed)], Design(windows, sides, weight, 50, 7)), force=True)
        for row in made.iter_rows(named=True):
            cell = placed.filter(window=row["window"], side=row["side"])
            values, who = cell["sentiment"].to_numpy(), cell["author_id"].to_list()
            own = np.array([who.count(one) for one in who])
            base = np.ones(len(who)) if weight == "post" else 1.0 / own
            times = np.array([drawn[one] for one in who]).T * base
            with np.errstate(invalid="ignore"):
                replicates = (times @ values) / times.sum(axis=1)
            replicates = replicates[np.isfinite(replicates)]
            want = [base @ values / base.sum(), *np.quantile(replicates, [0.025, 0.975])]
            np.testing.assert_allclose([row["mean"], row["low"], row["high"]], want, atol=1e-12 if own.max() < 2 or
                                       weight == "post" else 1e-8)  # fmt: skip
            assert (row["n_posts"], row["n_authors"]) == (len(who), len(set(who)))


def frame_of(placed: pl.DataFrame) -> pl.DataFrame:
    return placed.select("author_id", "window", "side", "sentiment")


def test_sums_of_sentiment_add_up_and_small_cells_are_withheld() -> None:
    frame, _ = population(300, 40, seed=2)
    placed = place_in_windows(frame, Calendar("1mo", {}))
    design = Design(("2025-01", "2025-02"), ("pakistan", "afghanistan", "unknown"), "author", 5, 1)
    early = pl.col("author_id").str.ends_with("1")
    parts = [sum_parts([placed.filter(one)], design) for one in (early, ~early)]
    whole = means_of(sum_parts([placed], design))
    assert means_of(parts[1] + parts[0]).equals(whole)
    assert MEANS.require(whole).height == 6
    shown = whole["n_eff"] >= 30
    assert whole.filter(~shown)["mean"].null_count() == (~shown).sum() >= 3  # those without posts are among them
    assert whole.filter(window="2025-02")["n_posts"].to_list() == [0, 0, 0]
    assert means_of(Sums.empty(design), force=True)["mean"].null_count() == 6
    with pytest.raises(UsageError, match=r"^mean sentiment goes by author or by post, got 'unique_text'"):
        sum_parts([], Design(("w",), ("pakistan",), "unique_text"))
    with pytest.raises(SchemaError, match=r"^a sentiment lies outside -1 to 1"):
        sum_parts([placed.with_columns(sentiment=pl.lit(1.5))], design)
    with pytest.raises(SchemaError, match=r"^posts have a window or side outside the design's"):
        sum_parts([placed], Design(("w",), ("pakistan",)))
    with pytest.raises(MeaningError, match=r"^these sums were made under different designs"):
        _ = parts[0] + Sums.empty(Design(("w",), ("pakistan",)))
