"""Sampling: chances are what is recorded, samples know no order, and what is chosen by judgement is no gold."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from discourse.corpus.copies import distinct_texts
from discourse.corpus.posts import Corpus, Step
from discourse.errors import DiscourseError, MeaningError, SchemaError, UsageError
from discourse.labels.labels import SAMPLE, GoldLabels, TrainingLabels
from discourse.sampling.active import Candidates, choose, unit_rows
from discourse.sampling.allocation import allocate, spread
from discourse.sampling.drawing import ONE, capped_chances, keyed, smallest, systematic
from discourse.sampling.merging import merge_samples
from discourse.sampling.sampling import DESIGNS, DRAWN, draw_sample, inclusion_chances
from discourse.sampling.units import units_of
from discourse.schema import FRAMINGS, POSTS
from discourse.sheets.sheets import write_sheets

SEEDS = 320
POSTS_, N = 240, 48


def world(count: int = POSTS_, seed: int = 3) -> pl.DataFrame:
    """Posts of three sides with a rare frame, its predicted probability (calibrated) and its truth."""
    rng = np.random.default_rng(seed)
    p = rng.beta(0.4, 2.5, count)
    return pl.DataFrame(
        {
            "post_id": [f"x:{i}" for i in range(count)],
            "text": [f"text {i}" for i in range(count)],
            "lang": rng.choice(["en", "ps"], count),
            "side": np.repeat(np.array(["one", "two", None]), [count // 2, count // 3, count // 6]),
            "p_rare": p,
            "p_other": 1 - p,
            "rare": (rng.random(count) < p).astype(np.int64),
        }
    )  # fmt: skip


WORLD = world()
ALL: dict[str, dict[str, Any]] = {
    "simple": {"design": "simple"},
    "proportional": {"design": "stratified", "strata": "side"},
    "equal": {"design": "stratified", "strata": ("side", "lang"), "allocation": "equal"},
    "neyman": {"design": "stratified", "strata": "side", "allocation": "neyman", "target": "rare"},
    "rare-pole": {"design": "rare-pole", "target": "rare"},
    "rare-pole in strata": {"design": "rare-pole", "target": "rare", "strata": "side", "allocation": "equal"},
    "active": {"design": "active", "target": "rare", "random_share": 0.5},
}
KNOWN = [name for name in ALL if name != "active"]


@cache
def draws(name: str, n: int = N) -> list[pl.DataFrame]:
    return [draw_sample(WORLD, n, seed=seed, **ALL[name]) for seed in range(SEEDS)]


def mixed(frame: pl.DataFrame, seed: int = 5) -> pl.DataFrame:
    return frame.sample(fraction=1.0, shuffle=True, seed=seed)


def shares(samples: list[pl.DataFrame]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Horvitz-Thompson totals of posts and of the rare frame, and Hajek shares, one a sample."""
    together = pl.concat(one.with_columns(pl.lit(place).alias("place")) for place, one in enumerate(samples))
    weight = 1 / pl.col("inclusion_p")
    sums = (
        together.join(WORLD.select("post_id", "rare"), on="post_id")
        .group_by("place")
        .agg(weight.sum().alias("posts"), (pl.col("rare") * weight).sum().alias("rare"))
        .sort("place")
    )
    sizes, totals = sums["posts"].to_numpy(), sums["rare"].to_numpy()
    return sizes, totals, totals / sizes


def near(values: np.ndarray, truth: float, errors: float = 3.0) -> bool:
    """Whether the mean is the truth within so many standard errors."""
    return bool(abs(values.mean() - truth) <= errors * values.std(ddof=1) / np.sqrt(len(values)) + 1e-9)


# The statistics


@pytest.mark.parametrize("name", KNOWN)
def test_weights_and_shares_are_unbiased(name: str) -> None:
    sizes, totals, hajek = shares(draws(name))
    assert near(sizes, POSTS_)
    if not name.startswith("rare-pole"):
        np.testing.assert_allclose(sizes, POSTS_, rtol=1e-12)
    assert near(totals, WORLD["rare"].sum())
    assert near(hajek, WORLD["rare"].mean())


def test_without_weights_the_enriched_sample_would_be_wrong() -> None:
    raw = np.array([WORLD.join(one, on="post_id", how="semi")["rare"].mean() for one in draws("rare-pole")])
    assert not near(raw, WORLD["rare"].mean(), errors=20)


@pytest.mark.parametrize("name", KNOWN)
def test_posts_are_drawn_as_often_as_it_is_written(name: str) -> None:
    chances = inclusion_chances(WORLD, N, **ALL[name])
    assert chances["inclusion_p"].sum() == pytest.approx(N, abs=1e-9)
    together = pl.concat(draws(name))
    counts = together.group_by("post_id").agg(pl.len(), pl.col("inclusion_p").n_unique().alias("different"))
    assert counts["different"].unique().to_list() == [1]
    drawn = together.select("post_id", "inclusion_p", "stratum").unique()
    assert drawn.join(chances, on=["post_id", "inclusion_p", "stratum"], how="anti").height == 0
    joined = chances.join(counts, on="post_id", how="left").with_columns(pl.col("len").fill_null(0))
    p, count = joined["inclusion_p"].to_numpy(), joined["len"].to_numpy()
    certain = p == 1
    assert (count[certain] == SEEDS).all()
    z = (count - SEEDS * p)[~certain] / np.sqrt(SEEDS * p * (1 - p))[~certain]
    assert np.abs(z).max() < 4.2
    # Not above what chance gives: fixed samples spread a little less than independent ones.
    assert 0.7 < (z**2).mean() < 1.3


def test_systematic_sampling_is_exact_also_where_chances_are_capped() -> None:
    whole = capped_chances(np.array([9.0, 4.0, 2.0, 1.0, 1.0, 1.0, 0.5, 0.5]), 4)
    assert whole.sum() == 4 * ONE
    np.testing.assert_allclose(whole[:2] / ONE, 1.0)
    np.testing.assert_allclose(whole[2:] / ONE, np.array([4, 2, 2, 2, 1, 1]) / 6, rtol=1e-9)
    names, counts = [f"x:{i}" for i in range(8)], np.zeros(8)
    for seed in range(6000):
        taken = systematic(whole, keyed(names, seed), int(keyed(["all"], seed, "start")[0]))
        assert len(taken) == len(set(taken.tolist())) == 4
        counts[taken] += 1
    p = whole / ONE
    assert (np.abs(counts / 6000 - p) <= 4 * np.sqrt(p * (1 - p) / 6000)).all()


@pytest.mark.parametrize("n", [1_000, 100_000])
def test_chances_of_many_posts_add_up_to_the_last_part(n: int) -> None:
    sizes = np.random.default_rng(n).random(300_000) + 0.01
    whole = capped_chances(sizes, n)  # their rounded sum alone would be off by hundreds of parts
    assert whole.sum() == n * ONE
    np.testing.assert_allclose(whole / ONE, sizes / sizes.sum() * n, rtol=1e-6)
    taken = systematic(whole, keyed(map(str, range(300_000)), 7), 5 << 60)
    assert len(taken) == n


def test_all_pairs_of_a_simple_sample_are_equally_likely() -> None:
    names, pairs = [f"x:{i}" for i in range(7)], np.zeros((7, 7))
    for seed in range(4000):
        taken = smallest(keyed(names, seed), 3)
        pairs[np.ix_(taken, taken)] += 1
    expected = 3 * 2 / (7 * 6)
    off = pairs[~np.eye(7, dtype=bool)] / 4000
    assert np.abs(off - expected).max() < 4.2 * np.sqrt(expected * (1 - expected) / 4000)


def test_neyman_beats_proportional_where_spreads_are_known() -> None:
    names = [f"x:{i:03d}" for i in range(400)]
    posts = pl.DataFrame({"post_id": names, "text": names, "half": np.repeat(["a", "b"], [80, 320]),
                          "p_rare": np.repeat([0.5, 0.025], [80, 320])})  # fmt: skip
    rare = np.concatenate([np.tile([0, 1], 40), np.arange(320) % 40 == 0]).astype(float)
    spreads, exact = {}, {}
    for allocation, counts in {"proportional": [12, 48], "neyman": [27, 33]}.items():  # 80 x 0.5 to 320 x 0.156: 4 to 5
        made = [draw_sample(posts, 60, seed=seed, design="stratified", strata="half", allocation=allocation)
                for seed in range(320)]  # fmt: skip
        assert made[0].group_by("stratum").len().sort("stratum")["len"].to_list() == counts
        drawn = [one["post_id"].str.slice(2).cast(pl.Int64).to_numpy() for one in made]
        estimates = np.array([(rare[at] / one["inclusion_p"]).sum() / 400 for at, one in zip(drawn, made, strict=True)])
        assert near(estimates, rare.mean())
        # The variance of a stratified share (Cochran 1977, 5.6).
        n, size, s2 = np.array(counts), np.array([80, 320]), np.array([0.25 * 80 / 79, 0.024375 * 320 / 319])
        exact[allocation] = ((size / 400) ** 2 * s2 / n * (1 - n / size)).sum()
        spreads[allocation] = np.var(estimates)
        assert spreads[allocation] == pytest.approx(exact[allocation], rel=0.25)
    assert exact["neyman"] < 0.7 * exact["proportional"]
    assert spreads["neyman"] < 0.85 * spreads["proportional"]


def test_the_rare_pole_is_found_more_often() -> None:
    found = {name: [WORLD.join(one, on="post_id", how="semi")["rare"].sum() for one in draws(name)] for name in KNOWN}
    assert np.mean(found["rare-pole"]) > 1.8 * np.mean(found["simple"])
    assert all(rare > simple for rare, simple in zip(found["rare-pole"][:40], found["simple"][:40], strict=True))


def test_every_post_keeps_its_floor() -> None:
    for floor in (0.01, 0.25, 1.0):
        chances = inclusion_chances(WORLD, N, design="rare-pole", target="rare", floor=floor)["inclusion_p"]
        assert chances.min() >= floor * N / POSTS_ - 1e-9
        assert chances.max() <= 1
    assert chances.max() == pytest.approx(N / POSTS_, abs=1e-9)
    silent = WORLD.with_columns(p_rare=pl.lit(0.0))
    even = inclusion_chances(silent, N, design="rare-pole", target="rare")["inclusion_p"]
    assert even.unique().to_list() == [N / POSTS_]


# Active learning


def test_an_active_sample_keeps_its_random_part() -> None:
    for seed, sample in enumerate(draws("active")[:10]):
        random = sample.filter(pl.col("stratum") == "random")
        chosen = sample.filter(pl.col("stratum") != "random")
        assert (random.height, chosen.height) == (24, 24)
        assert random["inclusion_p"].unique().to_list() == [24 / (POSTS_ - 24)]
        assert random["role"].unique().to_list() == ["gold"]
        assert chosen["inclusion_p"].null_count() == 24
        assert chosen["role"].unique().to_list() == ["training"]
        other = draw_sample(WORLD, N, seed=seed, role="training", **ALL["active"])
        assert other["role"].unique().to_list() == ["training"]
    assert draw_sample(WORLD, 11, seed=1, design="active")["inclusion_p"].count() == 3  # 0.2 of 11, rounded up


def test_the_random_part_speaks_for_all_that_is_not_trained_on() -> None:
    samples = draws("active")
    chosen = samples[0].filter(pl.col("role") == "training")
    assert all(one.filter(pl.col("role") == "training").equals(chosen) for one in samples)
    rest = WORLD.join(chosen, on="post_id", how="anti")
    sizes, totals, _ = shares([one.filter(pl.col("role") == "gold") for one in samples])
    np.testing.assert_allclose(sizes, rest.height)
    assert near(totals, rest["rare"].sum())
    counts = pl.concat(samples).filter(pl.col("role") == "gold").group_by("post_id").len()
    p = 24 / rest.height
    assert counts.height == rest.height
    assert np.abs(counts["len"].to_numpy() - SEEDS * p).max() < 4.2 * np.sqrt(SEEDS * p * (1 - p))


def test_where_doubts_are_equal_the_random_part_stays_random() -> None:
    flat = WORLD.with_columns(p_rare=pl.when(pl.int_range(pl.len()) < 120).then(0.5).otherwise(1.0), p_other=0.0)
    half = [
        draw_sample(flat, 60, seed=seed, design="active", random_share=0.5)
        .filter(pl.col("stratum") == "random")["post_id"].is_in(flat["post_id"][:120].implode()).mean()
        for seed in range(120)
    ]  # fmt: skip
    assert near(np.array(half), 90 / 210)


def test_what_is_chosen_is_doubtful_near_the_pole_or_unlike_the_rest() -> None:
    p = np.concatenate([[0.5, 0.45, 0.55], [0.99, 0.98], np.full(35, 0.05)])
    rows = np.zeros((40, 3))
    rows[:, 0] = 1.0
    rows[30:35] = [0, 5.0, 0]  # the neighbours of x:30
    rows[35:38] = [0, 0, 2.0]  # a corner of its own
    posts = pl.DataFrame({"post_id": [f"x:{i:02d}" for i in range(40)], "text": ["t"] * 40, "p_rare": p, "p_b": 1 - p})

    def chosen(n: int, **options: Any) -> dict[str, set[str]]:
        made = draw_sample(posts, n, seed=4, design="active", random_share=0.5, **options)
        groups = made.filter(pl.col("role") == "training").group_by("stratum").agg("post_id")
        return {name: set(ids) for name, ids in groups.rows()}

    assert chosen(6) == {"active uncertainty": {"x:00", "x:01", "x:02"}}
    assert chosen(8, target="rare") == {
        "active uncertainty": {"x:00", "x:02"},
        "active rare": {"x:03", "x:04"},
    } or chosen(8, target="rare") == {"active uncertainty": {"x:00", "x:01"}, "active rare": {"x:03", "x:04"}}
    for features in (rows, csr_array(rows)):
        made = chosen(12, features=features, examples=["x:30"])
        assert made["active rare"] <= {f"x:{i}" for i in range(31, 35)}
        assert made["active diversity"] & {"x:35", "x:36", "x:37"}
    spread_out = draw_sample(posts.drop("p_rare", "p_b"), 6, seed=4, design="active", random_share=0.5, features=rows)
    picked = spread_out.filter(pl.col("stratum") == "active diversity")["post_id"]
    assert {tuple(np.sign(rows[int(name[2:])])) for name in picked} == {(1, 0, 0), (0, 1, 0), (0, 0, 1)}
    everything = draw_sample(posts, 39, seed=4, design="active", features=rows, examples=["x:30"])
    assert set(posts["post_id"]) - set(everything["post_id"]) == {"x:30"}


def test_ten_surest_posts_stand_for_the_rare_pole() -> None:
    # Post i of twelve lies along axis i and is less surely rare the greater i is; then u beside the tenth and v at the
    # eleventh, and posts that lie elsewhere. Ten are the pole: they and u come first.
    axes = np.eye(24)
    rows = np.vstack([axes[:12], 0.9 * axes[9] + 0.1 * axes[22], axes[10], axes[12:]])
    rare = np.array([*np.linspace(0.95, 0.4, 12), *[0.05] * 14])
    candidates = Candidates(np.arange(26, dtype=np.uint64), None, rare, unit_rows(rows, 26))
    assert choose(candidates, 22, seed=7)["rare"].tolist() == [*range(10), 12]


def test_what_is_far_from_all_that_was_picked_is_picked_more_often() -> None:
    # The doubtful post is picked first. Squared distances of the others from it: 0.4 and 2.
    rows = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    chances = np.array([[0.5, 0.5], [1.0, 0.0], [1.0, 0.0]])
    candidates = Candidates(np.arange(3, dtype=np.uint64), chances, None, rows)
    found = [choose(candidates, 2, seed=seed) for seed in range(600)]
    assert {tuple(one["uncertainty"].tolist()) for one in found} == {(0,)}
    far = sum(one["diversity"].tolist() == [2] for one in found) / 600
    assert abs(far - 2 / 2.4) < 4 * np.sqrt(2 / 2.4 * 0.4 / 2.4 / 600)


def test_what_teaches_is_never_gold_whatever_the_rest_is_for() -> None:
    drawn = draw_sample(WORLD, 20, seed=3, design="active", target="rare", role="training", random_share=0.5)
    assert set(drawn["role"]) == {"training"}
    drawn = draw_sample(WORLD, 20, seed=3, design="active", target="rare", role="gold", random_share=0.5)
    chosen = drawn.filter(pl.col("inclusion_p").is_null())
    assert set(chosen["role"]) == {"training"}
    assert dict(drawn.group_by("role").len().iter_rows()) == {"training": 10, "gold": 10}


def test_the_chance_of_a_target_of_several_classes_is_their_sum() -> None:
    posts = pl.DataFrame({"post_id": ["x:1", "x:2"], "text": ["a", "b"], "p_a": [0.3, 0.7], "p_b": [0.4, 0.7],
                          "p_c": [0.3, 0.0]})  # fmt: skip
    assert units_of(posts).chance_of(["a", "b"]).tolist() == pytest.approx([0.7, 1.0])
    assert units_of(posts).chance_of(["c"]).tolist() == [0.3, 0.0]


def test_systematic_draws_begin_in_each_stratum_elsewhere() -> None:
    # Two strata of two posts, one drawn of each with a chance of one half: is it the first in the order of its keys?
    posts = pl.DataFrame({"post_id": list("abcd"), "text": list("abcd"), "side": ["k", "k", "l", "l"],
                          "p_rare": [0.5] * 4, "p_other": [0.5] * 4})  # fmt: skip
    options: dict[str, Any] = {"design": "rare-pole", "target": "rare", "strata": "side", "min_per_stratum": 1}
    alike, seeds = 0, 400
    for seed in range(seeds):
        drawn = set(draw_sample(posts, 2, seed=seed, **options)["post_id"])
        keys = dict(zip("abcd", keyed("abcd", seed).tolist(), strict=True))
        first = [min(pair, key=keys.__getitem__) in drawn for pair in ("ab", "cd")]
        alike += first[0] == first[1]
    assert abs(alike / seeds - 0.5) < 4 * np.sqrt(0.25 / seeds)


def test_features_of_equal_rows_or_none_still_fill_the_sample() -> None:
    for rows in (np.zeros((POSTS_, 2)), np.ones((POSTS_, 2))):
        made = draw_sample(WORLD.drop("p_rare", "p_other"), 20, seed=1, design="active", features=rows)
        assert made.height == 20


def test_active_labels_are_no_gold() -> None:
    sample = draws("active")[0]
    labels = sample.select("post_id", pl.lit("neither").alias("value"), "inclusion_p")
    with pytest.raises(MeaningError, match=r"^gold labels need known inclusion probabilities .*; 24 of 48 have none"):
        GoldLabels(labels)
    assert len(TrainingLabels(labels)) == 48
    known = labels.join(sample.filter(pl.col("role") == "gold"), on="post_id", how="semi")
    assert len(GoldLabels(known)) == 24


# Merging


def test_two_samples_become_one_with_the_chance_of_either() -> None:
    chances = {"chances_a": inclusion_chances(WORLD, N), "chances_b": inclusion_chances(WORLD, N, **ALL["rare-pole"])}
    one, other = draws("simple"), draws("rare-pole")[1:]  # never two of one seed
    merged = [merge_samples(a, b, **chances) for a, b in zip(one, other, strict=False)]
    sizes, totals, _ = shares(merged)
    assert len(merged) >= 300
    assert near(sizes, POSTS_)
    assert near(totals, WORLD["rare"].sum())
    p = dict(chances["chances_b"].select("post_id", "inclusion_p").rows())
    for row in pl.concat(merged[:3]).iter_rows(named=True):
        assert row["inclusion_p"] == pytest.approx(1 - (1 - N / POSTS_) * (1 - p[row["post_id"]]), abs=1e-12)
    a, b, made = one[0], other[0], merged[0]
    assert set(made["post_id"]) == {*a["post_id"], *b["post_id"]}
    assert made.filter(pl.col("stratum") == "all + all").height == a.join(b, on="post_id").height > 0
    assert made.columns == list(DRAWN.columns)
    swapped = merge_samples(b, a, chances_a=chances["chances_b"], chances_b=chances["chances_a"])
    assert swapped.equals(made)
    assert merge_samples(mixed(a), mixed(b), **chances).equals(made)
    gold = [part.with_columns(role=pl.lit("gold")) for part in (a, b)]
    assert merge_samples(*gold, **chances)["role"].unique().to_list() == ["gold"]


def test_posts_outside_the_second_population_keep_their_chance() -> None:
    part = WORLD.filter(pl.col("side") == "two")
    a, b = draw_sample(WORLD, 40, seed=1), draw_sample(part, 20, seed=2)
    made = merge_samples(a, b, chances_a=inclusion_chances(WORLD, 40), chances_b=inclusion_chances(part, 20))
    inside = made["post_id"].is_in(part["post_id"].implode())
    np.testing.assert_allclose(made.filter(~inside)["inclusion_p"], 40 / POSTS_)
    np.testing.assert_allclose(made.filter(inside)["inclusion_p"], 1 - (1 - 40 / POSTS_) * (1 - 20 / 80))


def test_a_merge_that_cannot_be_right_is_refused() -> None:
    a, b = draw_sample(WORLD, 40, seed=1), draw_sample(WORLD, 20, seed=2)
    of_a, of_b = inclusion_chances(WORLD, 40), inclusion_chances(WORLD, 20)
    lost = len(set(b["post_id"]) - set(a["post_id"]))
    with pytest.raises(MeaningError, match=f"^{lost} posts that one draw did not take .* type chances_a=inclusion_"):
        merge_samples(a, b, chances_b=of_b)
    with pytest.raises(MeaningError, match="type chances_b=inclusion_chances"):
        merge_samples(a, b, chances_a=of_a)
    with pytest.raises(MeaningError, match=r"^chances_a holds other chances than the sample for 40 posts"):
        merge_samples(a, b, chances_a=of_b, chances_b=of_b)
    with pytest.raises(MeaningError, match=r"^chances_b holds other chances than the sample for 20 posts"):
        merge_samples(a, b, chances_a=of_a, chances_b=of_b.head(0))
    with pytest.raises(MeaningError, match=r"^24 of 48 posts of the second sample have no known chance"):
        merge_samples(a, draws("active")[0])
    with pytest.raises(MeaningError, match=r"^1 of 40 posts of the first sample have no known chance"):
        merge_samples(a.with_columns(inclusion_p=pl.when(pl.int_range(40) > 0).then("inclusion_p")), b)
    gold = b.with_columns(role=pl.lit("gold"))
    with pytest.raises(MeaningError, match=r"^the samples have the roles gold and none; a post has one role"):
        merge_samples(a, gold, chances_a=of_a, chances_b=of_b)
    assert merge_samples(a, a)["inclusion_p"].to_list() == pytest.approx([1 - (1 - 40 / POSTS_) ** 2] * 40)


# Conventions


def options(name: str, frame: pl.DataFrame = WORLD) -> dict[str, Any]:
    if name != "active":
        return ALL[name]
    rows = np.stack([np.sin(np.arange(frame.height)), np.cos(np.arange(frame.height)), np.ones(frame.height)], axis=1)
    place = frame["post_id"].str.slice(2).cast(pl.Int64).to_numpy()
    return {**ALL[name], "features": rows[place], "examples": ["x:7", "x:70"]}


@pytest.mark.parametrize("name", ALL)
def test_a_sample_knows_no_order_and_obeys_its_seed(name: str) -> None:
    before = WORLD.clone()
    made = draw_sample(WORLD, N, seed=7, **options(name))
    assert WORLD.equals(before)
    for seed in range(4):
        moved = mixed(WORLD, seed)
        assert draw_sample(moved, N, seed=7, **options(name, moved)).equals(made)
    scores = mixed(WORLD.select("post_id", "p_rare", "p_other"))
    assert draw_sample(WORLD.drop("p_rare", "p_other"), N, seed=7, scores=scores, **options(name)).equals(made)
    assert made.height == N == made["post_id"].n_unique()
    assert made["post_id"].is_sorted()
    assert made.columns == ["post_id", "inclusion_p", "stratum", "role", "text", "lang"]
    assert SAMPLE.frame(made).height == N
    assert made.select("post_id", "text", "lang").join(WORLD, on=["post_id", "text", "lang"], how="anti").height == 0
    others = [draw_sample(WORLD, N, seed=seed, **options(name)) for seed in (0, 8, 2**64 - 1)]
    assert len({tuple(one["post_id"]) for one in (made, *others)}) == 4


def test_a_simple_sample_is_the_posts_of_the_smallest_hashes() -> None:
    key = (7).to_bytes(8, "little")
    digests = {name: blake2b(name.encode(), digest_size=8, key=key, person=b"draw-sample").digest()
               for name in WORLD["post_id"]}  # fmt: skip
    wanted = sorted(digests, key=lambda name: int.from_bytes(digests[name], "little"))
    small, large = (draw_sample(WORLD, n, seed=7)["post_id"].to_list() for n in (10, 30))
    assert small == sorted(wanted[:10])
    assert set(small) < set(large) == set(wanted[:30])


@pytest.mark.parametrize("name", ALL)
def test_all_posts_can_be_drawn_and_one_too(name: str) -> None:
    everything = draw_sample(WORLD, POSTS_, seed=1, **ALL[name])
    assert everything["post_id"].to_list() == sorted(WORLD["post_id"])
    assert everything["inclusion_p"].drop_nulls().unique().to_list() == [1.0]
    if name in ("simple", "rare-pole", "active"):
        assert draw_sample(WORLD, 1, seed=1, **ALL[name]).height == 1


def test_a_corpus_is_drawn_from_and_the_sheets_take_it(tmp_path: Any) -> None:
    when = datetime(2025, 5, 7, tzinfo=UTC)
    rows = [{"post_id": f"x:{i}", "platform": "x", "author_id": f"x:a{i}", "created_at": when, "text": f"peace {i}",
             "kind": "original", "lang": "en", "side": "pakistan"} for i in range(20)]  # fmt: skip
    corpus = Corpus(POSTS.frame(rows))
    framings = [{"post_id": f"x:{i}", "model": "m", "predicted": "both" if i % 4 else "neither"} for i in range(20)]
    scores = FRAMINGS.frame(framings).with_columns(
        pl.lit(0.25).alias(name) for name in FRAMINGS.columns if name[:2] == "p_"
    )
    sample = draw_sample(
        corpus, 8, seed=7, design="stratified", strata=("side", "predicted"), scores=scores, role="gold"
    )
    assert sample.group_by("stratum").len().sort("stratum").rows() == [
        ("pakistan | both", 6),
        ("pakistan | neither", 2),
    ]
    assert draw_sample(corpus.posts.to_pandas(), 8, seed=7).equals(draw_sample(corpus, 8, seed=7))
    from discourse.labels.codebook import Codebook, Value, Variable

    book = Codebook("framing", 1, (Variable("frame", "nominal", (Value("both", "one and the other"),)),))
    pages = write_sheets(sample, book, tmp_path, coders=("a", "b"), seed=7)
    assert len(pages) == 2


def test_one_post_stands_for_its_copies() -> None:
    times = [datetime(2025, 5, day, tzinfo=UTC) for day in (9, 7, 7, 8, 1, 2)]
    rows = [{"post_id": f"x:{i}", "platform": "x", "author_id": "x:a", "created_at": time, "text": "t", "copy_id": copy,
             "kind": "original"} for i, (time, copy) in enumerate(zip(times, "aaabNN", strict=True))]  # fmt: skip
    posts = POSTS.frame(rows).with_columns(pl.col("copy_id").replace("N", None))
    made = draw_sample(mixed(posts), 4, seed=7, one_per_copy=True)
    assert made["post_id"].to_list() == ["x:1", "x:3", "x:4", "x:5"]
    assert made["inclusion_p"].unique().to_list() == [1.0]
    corpus = Corpus(posts, history=(Step("copies", 6, 6, "looked for"),))
    assert made["post_id"].to_list() == distinct_texts(corpus).posts["post_id"].to_list()
    with pytest.raises(UsageError, match=r"^n is 5 and there are 4 distinct texts to draw from; ask for at most 4$"):
        draw_sample(posts, 5, seed=7, one_per_copy=True)
    with pytest.raises(UsageError, match=r"^the posts have no copy_id; type with_copies\(corpus\) first"):
        draw_sample(posts.drop("copy_id"), 4, seed=7, one_per_copy=True)
    rows_of = np.eye(6)
    known = draw_sample(posts, 3, seed=7, design="active", one_per_copy=True, features=rows_of, examples=["x:0"])
    assert known["post_id"].to_list() == ["x:3", "x:4", "x:5"]
    with pytest.raises(UsageError, match=r"^n is 4 and there are 3 distinct texts"):  # x:1 is coded with its copy
        draw_sample(posts, 4, seed=7, design="active", one_per_copy=True, features=rows_of, examples=["x:0"])


# Allocation


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from([0.0, 0.1, 0.5, 3.0])), min_size=1, max_size=6), st.data()
)
def test_an_allocation_adds_up_within_its_bounds(strata: list[tuple[int, float]], data: st.DataObject) -> None:
    sizes = np.array([size for size, _ in strata])
    least = data.draw(st.integers(1, 4))
    n = data.draw(st.integers(int(np.minimum(sizes, least).sum()), int(sizes.sum())))
    made = allocate(sizes * np.array([weight for _, weight in strata]), sizes, n, at_least=least)
    assert made.sum() == n
    assert (made <= sizes).all()
    assert (made >= np.minimum(sizes, least)).all()


@settings(deadline=None, max_examples=40)
@given(st.tuples(*[st.integers(1, 60)] * 3), st.integers(1, 2))
def test_an_allocation_is_the_best_of_all(weights: tuple[int, ...], least: int) -> None:
    sizes, w = np.array([6, 9, 4]), np.array(weights, dtype=float)
    every = np.array(list(itertools.product(*(range(least, size + 1) for size in sizes))))
    worth = (w**2 / every).sum(axis=1)
    for n in range(3 * least, 20):
        best = worth[every.sum(axis=1) == n].min()
        assert (w**2 / allocate(w, sizes, n, at_least=least)).sum() == pytest.approx(best, rel=1e-12)


def test_allocations_by_hand() -> None:
    sizes = np.array([600, 300, 100])
    assert allocate(sizes * 1.0, sizes, 100).tolist() == [60, 30, 10]
    assert allocate(np.ones(3), sizes, 99).tolist() == [33, 33, 33]
    assert allocate(np.ones(3), sizes, 700).tolist() == [300, 300, 100]
    assert allocate(sizes * np.array([0.1, 0.2, 0.6]), sizes, 90).tolist() == [30, 30, 30]
    assert allocate(np.zeros(3), sizes, 100).tolist() == [60, 30, 10]
    assert allocate(np.array([1.0, 0.0, 0.0]), np.array([5, 3, 1]), 8).tolist() == [5, 2, 1]
    assert spread(np.array([[0.2, 0.8], [0.4, 0.6]])) == pytest.approx(np.sqrt(0.21 + 0.21))


def test_small_strata_keep_their_least() -> None:
    posts = WORLD.with_columns(
        rank=pl.when(pl.int_range(pl.len()) < 1).then(0).otherwise(pl.int_range(pl.len()) % 5 + 1)
    )
    made = draw_sample(posts, 20, seed=7, design="stratified", strata="rank", allocation="neyman", target="rare",
                       min_per_stratum=3)  # fmt: skip
    counts = dict(made.group_by("stratum").len().rows())
    assert counts.pop("0") == 1
    assert min(counts.values()) >= 3
    lone = WORLD.with_columns(rank=pl.int_range(pl.len()) < 5)
    for least in (1, 2, 4):
        made = draw_sample(lone, 12, seed=7, design="stratified", strata="rank", min_per_stratum=least)
        assert made.filter(pl.col("stratum") == "true").height == least
    missing = draw_sample(WORLD, 20, seed=7, design="stratified", strata="side")
    assert sorted(missing["stratum"].unique()) == ["one", "two", "unknown"]


# Errors


def drawing(**changed: Any) -> Callable[[], pl.DataFrame]:
    posts, n = changed.pop("posts", WORLD), changed.pop("n", N)
    return lambda: draw_sample(posts, n, **{"seed": 7, **changed})


PLAIN = WORLD.drop("p_rare", "p_other")
SCORES = WORLD.select("post_id", "p_rare")


@pytest.mark.parametrize(
    ("changed", "kind", "sentence"),
    [
        ({"seed": -1}, UsageError, r"^seed is -1; it must be a whole number from 0 to 2\*\*64 - 1$"),
        ({"seed": 2**64}, UsageError, "^seed is 1844"),
        ({"n": 0}, UsageError, "^n is 0; it must be a whole number from 1, like 200$"),
        ({"n": 2.5}, UsageError, r"^n is 2\.5; it must be a whole number"),
        ({"n": 241}, UsageError, "^n is 241 and there are 240 posts to draw from; ask for at most 240$"),
        ({"posts": WORLD.head(0)}, UsageError, "^n is 48 and there are 0 posts"),
        ({"design": "stratifed"}, SchemaError, "^design is 'stratifed'; .* Did you mean 'stratified'"),
        ({"role": "golden"}, SchemaError, "^role is 'golden'; it must be 'training' or 'gold'"),
        ({"design": "stratified"}, UsageError, "^the design 'stratified' needs strata; type for instance strata="),
        ({"design": "rare-pole"}, UsageError, "^the design 'rare-pole' needs the rare frame; .* target='conc"),
        ({"strata": "side"}, UsageError, "^the design 'simple' has no option 'strata'; leave it out, or type design="
            "'stratified' or 'rare-pole'$"),
        ({"floor": 0.5}, UsageError, "^the design 'simple' has no option 'floor'; .* design='rare-pole'$"),
        ({"features": np.ones((240, 2))}, UsageError, "^the design 'simple' has no option 'features'"),
        ({"min_per_strata": 3}, UsageError, "^there is no option 'min_per_strata'; .* Did you mean 'min_per_stratum'"),
        ({"design": "stratified", "strata": "sid"}, SchemaError, "^stratum column is 'sid'; .* Did you mean 'side'"),
        ({"design": "stratified", "strata": "side", "allocation": "optimal"}, SchemaError, "^allocation is 'optimal'"),
        ({"design": "stratified", "strata": "side", "min_per_stratum": 0}, UsageError, "^min_per_stratum is 0; it"),
        ({"design": "stratified", "strata": "side", "min_per_stratum": 1.5}, UsageError, r"^min_per_stratum is 1\.5"),
        ({"design": "stratified", "strata": "side", "n": 5}, UsageError,
            "^n is 5, too few for 2 posts in each of 3 strata; ask for at least 6, or make fewer strata$"),
        ({"design": "rare-pole", "target": "rare", "floor": 0}, UsageError, "^floor is 0; it must be from 0.01 to 1"),
        ({"design": "rare-pole", "target": "rara"}, SchemaError, "^target is 'rara'; .* Did you mean 'rare'"),
        ({"design": "rare-pole", "target": "rare", "posts": PLAIN}, UsageError, "^there are no predicted prob"),
        ({"design": "stratified", "strata": "side", "allocation": "neyman", "posts": PLAIN}, UsageError,
            "^there are no predicted probabilities; give scores=framed.table"),
        ({"design": "active", "random_share": 0.19}, UsageError, "^random_share is 0.19; it must be from 0.2 to"),
        ({"design": "active", "posts": PLAIN}, UsageError, "^the design 'active' has nothing to choose by; give"),
        ({"design": "active", "features": np.ones((3, 2))}, SchemaError, r"^features have the shape \(3, 2\); .* 240"),
        ({"design": "active", "features": np.full((240, 2), np.nan)}, SchemaError, "^features hold values that are no"),
        ({"design": "active", "examples": ["x:1", "y:1"]}, SchemaError, "^1 of the examples are not among the posts"),
        ({"design": "active", "examples": ["x:1"], "n": 240}, UsageError, "^n is 240 and there are 239 posts"),
        ({"posts": WORLD.drop("text")}, SchemaError, "^the posts have no column 'text'; a sample needs"),
        ({"posts": pl.concat([WORLD, WORLD])}, SchemaError, "rows that share one post_id"),
        ({"scores": SCORES.head(200)}, SchemaError, "^40 of 240 posts have no scores; predict on the posts"),
        ({"scores": pl.concat([SCORES, SCORES])}, SchemaError, "^the scores hold a post more than once; filter"),
        ({"scores": SCORES.rename({"p_rare": "rare"})}, SchemaError, "^the scores have the columns post_id, rare"),
        ({"scores": SCORES.with_columns(pl.col("p_rare") * 2)}, SchemaError, "^p_rare of .* posts is not a prob"),
        ({"scores": SCORES.with_columns(p_rare=pl.lit(None, pl.Float64))}, SchemaError, "^p_rare of 240 posts is not"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_named(changed: dict[str, Any], kind: type[DiscourseError], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        drawing(**changed)()


def test_options_that_say_nothing_are_passed_over() -> None:
    plain = draw_sample(WORLD, N, seed=7)
    same: dict[str, Any] = {"strata": (), "allocation": "proportional", "target": None, "features": None}
    assert draw_sample(WORLD, N, seed=7, design="simple", **same).equals(plain)
    assert set(DESIGNS) == {"simple", "stratified", "rare-pole", "active"}


def test_active_posts_have_no_chances_to_list() -> None:
    with pytest.raises(
        MeaningError, match=r"^most posts of an active sample have no known chance; type design='rare-p"
    ):
        inclusion_chances(WORLD, N, design="active")
