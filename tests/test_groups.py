"""A series in each language and on each platform: each group is a study of its own, and none is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from discourse.errors import SchemaError
from discourse.indices.polarization import NetTone
from discourse.measure.groups import GROUPS, over_groups
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import Plan, observe, over_time
from discourse.schema import SERIES
from discourse.simulate.observed import CONFUSION, SyntheticSide, simulate_observed

SHARES = {"ur": [0.30, 0.17, 0.08, 0.45], "ps": [0.55, 0.05, 0.10, 0.30]}
PLAN = Plan(every="1w", zones={}, replicates=60)
NATIONALIST = Prevalence("nationalist")
# In Urdu the classifier is good; in Pashto it calls half of what is nationalist neither.
WORSE = np.array([[0.45, 0.02, 0.03, 0.50], *CONFUSION[1:]])


def world(lang: str, seed: int, gold: int = 25, authors: int = 150) -> pl.DataFrame:
    side = SyntheticSide(authors, np.tile(SHARES[lang], (2, 1)))
    made = simulate_observed(
        {"pakistan": side, "afghanistan": side}, gold_per_cell=gold, seed=seed,
        confusion=WORSE if lang == "ps" else CONFUSION,
    )  # fmt: skip
    renamed = [pl.format(lang + "-{}", name).alias(name) for name in ("post_id", "author_id")]
    return made.with_columns(*renamed, lang=pl.lit(lang), platform=pl.lit("x"))


@pytest.fixture(scope="module")
def both() -> pl.DataFrame:
    return pl.concat([world("ur", 1), world("ps", 2)]).sort("post_id")


def test_a_group_is_what_over_time_gives_for_its_posts_alone(both: pl.DataFrame) -> None:
    made = over_groups([NATIONALIST, NetTone()], both, by="lang", plan=PLAN, seed=7)
    assert dict(made.schema) == GROUPS
    assert made["by"].unique().to_list() == ["lang"]
    first, last = both.select(first=pl.col("created_at").min(), last=pl.col("created_at").max()).row(0)
    whole = replace(PLAN, begin=first, end=last + timedelta(microseconds=1))
    for lang in SHARES:
        alone = over_time([NATIONALIST, NetTone()], both.filter(lang=lang), plan=whole, seed=7)
        assert made.filter(group=lang).select(list(SERIES.columns)).equals(alone)


def test_no_post_is_lost_between_the_groups_and_the_order_of_rows_means_nothing(both: pl.DataFrame) -> None:
    given = both.with_columns(lang=pl.when(pl.col("post_id").str.ends_with("3")).then(None).otherwise("lang"))
    made = over_groups(NATIONALIST, given, by="lang", plan=PLAN, seed=7)
    whole = over_time(NATIONALIST, given, plan=PLAN, seed=7).select("window", "side", "n_posts", "n_gold")
    summed = made.group_by("window", "side").agg(pl.col("n_posts", "n_gold").sum()).sort("side", "window")
    assert summed.equals(whole.sort("side", "window"))
    assert made["group"].unique().sort().to_list() == ["ps", "und", "ur"]
    assert over_groups(NATIONALIST, given.reverse(), by="lang", plan=PLAN, seed=7).equals(made)


def test_a_group_without_gold_keeps_its_rows_and_borrows_nothing(both: pl.DataFrame) -> None:
    ungold = pl.when(pl.col("lang") != "ps")
    given = both.with_columns(ungold.then(name).alias(name) for name in ("value", "inclusion_p"))
    longer = replace(PLAN, end=datetime(2024, 12, 23, tzinfo=UTC))
    made = over_groups(NATIONALIST, given, by="lang", plan=longer, seed=7)
    pashto = made.filter(pl.col("group") == "ps", pl.col("n_posts") > 0)
    assert pashto.select("estimate", "low", "high").null_count().row(0) == (pashto.height,) * 3
    assert pashto["flags"].str.split(" ").list.contains("no_gold").all()
    assert pashto["method"].unique().to_list() == ["poststrat"]
    assert not made["flags"].str.contains("naive").any()
    empty = made.filter(group="ps", n_posts=0)
    assert empty.height
    assert not empty["flags"].str.contains("no_gold").any()
    counted = over_groups(NATIONALIST, given, by="lang", plan=replace(longer, method="cc"), seed=7)
    assert pashto["n_posts"].equals(counted.filter(pl.col("group") == "ps", pl.col("n_posts") > 0)["n_posts"])
    assert counted.filter(group="ps", side="pakistan")["estimate"].count() == 2


def test_observe_keeps_what_groups_are_made_by() -> None:
    posts = pl.DataFrame({"post_id": ["x:1"], "author_id": ["a"], "side": ["pakistan"], "lang": ["ur"],
                          "created_at": [None], "platform": ["x"]})  # fmt: skip
    framings = pl.DataFrame({"post_id": ["x:1"], "predicted": ["both"]})
    assert observe(posts, framings).select("lang", "platform").row(0) == ("ur", "x")
    assert "lang" not in observe(posts.drop("lang"), framings).columns


def test_what_posts_cannot_be_grouped_by_is_said(both: pl.DataFrame) -> None:
    with pytest.raises(SchemaError, match="by is 'country'; it must be 'lang' or 'platform'"):
        over_groups(NATIONALIST, both, by="country", plan=PLAN, seed=7)
    with pytest.raises(SchemaError, match="no column 'lang'; give observe posts that have it"):
        over_groups(NATIONALIST, both.drop("lang"), by="lang", plan=PLAN, seed=7)
    assert over_groups(NATIONALIST, both.head(0), by="lang", plan=PLAN, seed=7).columns == list(GROUPS)


def test_intervals_hold_the_truth_of_each_language_where_pooling_it_would_not() -> None:
    """Languages differ in their truth and in how the classifier errs; 40 worlds, 160 intervals a language."""
    held = dict.fromkeys((*SHARES, "naive ps"), 0)
    for seed in range(40):
        given = pl.concat([world(lang, 100 + 2 * seed + i, gold=15, authors=90) for i, lang in enumerate(SHARES)])
        made = over_groups(NATIONALIST, given, by="lang", plan=PLAN, seed=seed).filter(pl.col("estimate").is_not_null())
        naive = over_groups(NATIONALIST, given, by="lang", plan=replace(PLAN, method="cc"), seed=seed)
        for lang in SHARES:
            inside = pl.lit(SHARES[lang][0]).is_between(pl.col("low"), pl.col("high"))
            held[lang] += made.filter(inside, group=lang).height
        held["naive ps"] += naive.filter(inside, group="ps").height
    assert 0.90 <= held["ur"] / 160 <= 1.0
    assert 0.90 <= held["ps"] / 160 <= 1.0
    assert held["naive ps"] / 160 < 0.3
