from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from discourse.errors import UsageError
from discourse.schema import FRAMES
from discourse.simulate.observed import CONFUSION, SyntheticSide, simulate_observed

BEGIN = datetime(2024, 12, 2, tzinfo=UTC)
SHARES = np.array([[0.4, 0.1, 0.2, 0.3], [0.1, 0.5, 0.1, 0.3]])


def made(authors: int = 400, gold: int = 50, seed: int = 1, **options: float) -> pl.DataFrame:
    side, other = SyntheticSide(authors, SHARES), SyntheticSide(authors // 2, SHARES[::-1])
    return simulate_observed({"pakistan": side, "afghanistan": other}, gold_per_cell=gold, seed=seed, **options)  # type: ignore[arg-type]


def week() -> pl.Expr:
    return ((pl.col("created_at") - BEGIN).dt.total_seconds() // (7 * 86_400)).alias("week")


def test_the_columns_are_those_of_observe_and_the_truth() -> None:
    posts = made()
    assert posts.columns == [
        "post_id", "author_id", "created_at", "side", "predicted", "value", "inclusion_p", "true",
    ]  # fmt: skip
    assert posts["post_id"].is_unique().all()
    assert posts.schema["created_at"] == pl.Datetime("us", "UTC")
    assert posts["created_at"].min() >= BEGIN
    assert posts["created_at"].max() < BEGIN + timedelta(weeks=2)
    assert set(posts["predicted"]) | set(posts["true"]) == set(FRAMES)
    assert posts.select("author_id", "side").unique()["author_id"].is_unique().all()


@pytest.mark.parametrize("gold", [1, 50, 10_000])
def test_gold_is_the_truth_of_a_known_fraction_of_every_cell(gold: int) -> None:
    posts = made(gold=gold)
    cells = posts.group_by("side", week()).agg(
        n=pl.len(), coded=pl.col("value").count(), chances=pl.col("inclusion_p").unique().drop_nulls()
    )
    assert cells.height == 4
    for n, coded, chances in cells.select("n", "coded", "chances").rows():
        assert coded == min(gold, n)
        assert chances == [coded / n]
    coded = posts.drop_nulls("value")
    assert (coded["value"] == coded["true"]).all()
    assert posts["inclusion_p"].is_null().equals(posts["value"].is_null())


@pytest.mark.parametrize("loyalty", [0.0, 0.3])
def test_true_shares_and_errors_are_those_asked_for(loyalty: float) -> None:
    posts = made(authors=6000, loyalty=loyalty)
    by_author = posts.filter(pl.col("side") == "pakistan").group_by("author_id", week())
    shares = by_author.agg(*((pl.col("true") == frame).mean().alias(frame) for frame in FRAMES)).sort("week")
    for w in (0, 1):
        rows = shares.filter(pl.col("week") == w).select(FRAMES).to_numpy()
        error = rows.std(axis=0) / np.sqrt(len(rows))
        assert (abs(rows.mean(axis=0) - SHARES[w]) < 4 * error).all()
    for true, rates in zip(FRAMES, CONFUSION, strict=True):
        predicted = posts.filter(pl.col("true") == true)["predicted"]
        for frame, rate in zip(FRAMES, rates, strict=True):
            error = np.sqrt(rate * (1 - rate) / len(predicted))
            assert abs((predicted == frame).mean() - rate) < 4 * error


@pytest.mark.parametrize("loyalty", [0.0, 0.3, 0.7])
def test_loyalty_is_the_correlation_of_two_posts_of_an_author(loyalty: float) -> None:
    posts = made(authors=8000, loyalty=loyalty).filter((pl.col("side") == "pakistan") & (week() == 0))
    pairs = posts.group_by("author_id").agg(
        first=(pl.col("true") == "nationalist").first(),
        last=(pl.col("true") == "nationalist").last(),
        n=pl.len(),
    )
    pairs = pairs.filter(pl.col("n") >= 2)
    correlation = np.corrcoef(pairs["first"].to_numpy(), pairs["last"].to_numpy())[0, 1]
    assert abs(correlation - loyalty) < 4 / np.sqrt(pairs.height)


def test_posting_has_a_heavy_tail_that_the_index_sets() -> None:
    def top(tail: float) -> float:
        counts = made(authors=3000, tail=tail).group_by("author_id").len()["len"].sort(descending=True)
        return float(counts[:30].sum() / counts.sum())

    assert top(1.1) > 1.5 * top(3.0)


def test_the_seed_decides() -> None:
    assert made(seed=1).equals(made(seed=1))
    assert not made(seed=1).equals(made(seed=2))


@pytest.mark.parametrize("loyalty", [1.0, -0.1, float("nan")])
def test_loyalty_outside_its_range_is_refused(loyalty: float) -> None:
    with pytest.raises(UsageError) as caught:
        made(loyalty=loyalty)
    assert str(caught.value) == f"loyalty is {loyalty}; it must lie in [0, 1)"
