"""Do the intervals hold the truth as often as they say? Simulated posts with known shares, fixed seeds.

The bounds are those a correct method meets with room for the noise of some hundred intervals.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import polars as pl
import pytest

from discourse.errors import GoldWarning
from discourse.indices.polarization import NetTone, Polarization, esteban_ray, net_tone_gap, positions
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import Measure, Plan, over_time
from discourse.simulate.observed import CONFUSION, SyntheticSide, simulate_observed

PAKISTAN = np.array([
    [0.30, 0.17, 0.08, 0.45], [0.45, 0.12, 0.08, 0.35], [0.55, 0.08, 0.07, 0.30], [0.40, 0.15, 0.10, 0.35],
    [0.30, 0.20, 0.08, 0.42],
])  # fmt: skip
AFGHANISTAN = np.array([
    [0.33, 0.15, 0.08, 0.44], [0.50, 0.08, 0.06, 0.36], [0.42, 0.12, 0.08, 0.38], [0.35, 0.18, 0.10, 0.37],
    [0.28, 0.25, 0.10, 0.37],
])  # fmt: skip
TRUE = {"pakistan": PAKISTAN, "afghanistan": AFGHANISTAN}
NATIONALIST, CONCILIATORY = Prevalence("nationalist"), Prevalence("conciliatory")
ESTEBAN_RAY, GAP = Polarization("esteban-ray"), Polarization("net-tone-gap")


def truths(measure: Measure) -> dict[str, np.ndarray]:
    if measure == GAP:
        return {"pakistan|afghanistan": net_tone_gap(PAKISTAN, AFGHANISTAN)}
    if isinstance(measure, Prevalence | NetTone):
        return {side: measure.of(shares) for side, shares in TRUE.items()}
    return {side: esteban_ray(positions(shares)) for side, shares in TRUE.items()}


def same(observed: pl.DataFrame) -> pl.DataFrame:
    return observed


def simulated(
    plan: Plan,
    measures: tuple[Measure, ...],
    runs: int,
    *,
    authors: int = 300,
    tail: float = 1.5,
    confusion: np.ndarray = CONFUSION,
    change: Callable[[pl.DataFrame], pl.DataFrame] = same,
) -> pl.DataFrame:
    """Shown cells of many runs: measure, window number, truth, estimate, covered."""
    sides = {side: SyntheticSide(authors, shares) for side, shares in TRUE.items()}
    found = []
    for seed in range(runs):
        posts = simulate_observed(sides, gold_per_cell=100, seed=seed, tail=tail, confusion=confusion)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GoldWarning)
            series = over_time(measures, change(posts), plan=plan, seed=seed)
        for measure in measures:
            for side, truth in truths(measure).items():
                rows = series.filter((pl.col("measure") == repr(measure)) & (pl.col("side") == side)).sort("window")
                assert rows.height == len(truth)
                found.append(rows.with_columns(truth=pl.Series(truth), week=pl.int_range(pl.len())))
    return pl.concat(found).drop_nulls("estimate")


def coverage(cells: pl.DataFrame, measure: Measure, least: int = 300) -> float:
    own = cells.filter(pl.col("measure") == repr(measure))
    assert own.height >= least
    return float((own["low"].le(own["truth"]) & own["truth"].le(own["high"])).mean())  # type: ignore[arg-type]


def plan(**options: object) -> Plan:
    return Plan(**{"zones": {}, "replicates": 200, "shuffles": 1, **options})  # type: ignore[arg-type]


@cache
def default_cells() -> pl.DataFrame:
    return simulated(plan(), (NATIONALIST, CONCILIATORY, ESTEBAN_RAY, GAP), runs=80)


@pytest.mark.parametrize("measure", [NATIONALIST, CONCILIATORY], ids=repr)
def test_corrected_shares_hold_the_truth_as_often_as_they_say(measure: Measure) -> None:
    assert 0.90 <= coverage(default_cells(), measure) <= 0.98


@pytest.mark.parametrize("measure", [ESTEBAN_RAY, GAP], ids=repr)
def test_polarization_holds_the_truth_as_often_as_it_says(measure: Measure) -> None:
    assert 0.90 <= coverage(default_cells(), measure) <= 0.99


@pytest.mark.parametrize("measure", [NATIONALIST, CONCILIATORY, ESTEBAN_RAY, GAP], ids=repr)
def test_corrected_estimates_are_unbiased(measure: Measure) -> None:
    own = default_cells().filter(pl.col("measure") == repr(measure))
    off = (own["estimate"] - own["truth"]).to_numpy()
    # Cells of one run share their authors: count runs, not cells.
    error = off.reshape(80, -1).mean(axis=1).std(ddof=1) / np.sqrt(80)
    assert abs(off.mean()) < 3.5 * error


def test_classify_and_count_does_not_hold_the_truth() -> None:
    counted = simulated(plan(method="cc"), (NATIONALIST,), runs=30)
    assert coverage(counted, NATIONALIST) < 0.85
    assert (counted["estimate"] - counted["truth"]).mean() > 0.03  # type: ignore[operator]


@pytest.mark.parametrize("tail", [1.5, 1.2])
def test_post_weighted_intervals_hold_in_the_cells_that_are_shown(tail: float) -> None:
    cells = simulated(plan(weight="post"), (NATIONALIST, CONCILIATORY), runs=55, tail=tail, authors=600)
    assert (cells["n_eff"] >= 30).all()
    assert coverage(cells, NATIONALIST, 250) >= 0.85
    assert coverage(cells, CONCILIATORY, 250) >= 0.85


def test_gold_pooled_over_an_event_flattens_it() -> None:
    peak = (pl.col("week") == 2) & (pl.col("side") == "pakistan")
    off = {}
    for within in ("window", "side"):
        cells = simulated(plan(gold_within=within), (NATIONALIST,), runs=30)
        off[within] = float((cells.filter(peak)["estimate"] - cells.filter(peak)["truth"]).mean())  # type: ignore[arg-type]
    assert off["side"] < -0.04
    assert abs(off["window"]) < 0.03


def test_posts_are_not_independent_of_their_author() -> None:
    options = {"runs": 40, "confusion": np.eye(4)}
    counted = plan(weight="post", method="cc")
    by_author = simulated(counted, (NATIONALIST,), **options)  # type: ignore[arg-type]
    by_post = simulated(
        counted,
        (NATIONALIST,),
        change=lambda posts: posts.with_columns(author_id="post_id"),
        **options,  # type: ignore[arg-type]
    )
    assert coverage(by_author, NATIONALIST, 150) > 0.85
    assert coverage(by_post, NATIONALIST) < 0.6
