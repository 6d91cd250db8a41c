"""How often intervals hold a known truth: the table of docs/methods.md.

    python benchmarks/intervals.py --replications 100

Two sides, six weeks, shares that move from week to week, heavy-tailed authors who lean to one frame, a classifier
that errs in a quarter of the posts, gold drawn at random in every week and side.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict

import numpy as np
import polars as pl

from discourse.errors import DiscourseWarning
from discourse.indices.polarization import NetTone, Polarization, cramer_squared, esteban_ray, net_tone, positions
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import Plan, over_time
from discourse.simulate.observed import SyntheticSide, simulate_observed

WEEKS = 6
MEASURES = (Prevalence("nationalist"), Prevalence("conciliatory"), Prevalence("both"), NetTone(),
            Polarization("esteban-ray"), Polarization("net-tone-gap"), Polarization("cramer-squared"))  # fmt: skip


def shares(nationalist: tuple[float, float], conciliatory: tuple[float, float]) -> np.ndarray:
    one, two = np.linspace(*nationalist, WEEKS), np.linspace(*conciliatory, WEEKS)
    both = np.full(WEEKS, 0.07)
    return np.stack([one, two, both, 1.0 - one - two - both], axis=1)


def truth_of(measure: object, sides: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    a, b = sides.values()
    if isinstance(measure, Prevalence | NetTone):
        return {side: measure.of(p) for side, p in sides.items()}
    kind = measure.kind  # type: ignore[attr-defined]
    if kind == "esteban-ray":
        return {side: esteban_ray(positions(p)) for side, p in sides.items()}
    gap = net_tone(a) - net_tone(b) if kind == "net-tone-gap" else cramer_squared(positions(a), positions(b))
    return {"|".join(sides): gap}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=100)
    parser.add_argument("--authors", type=int, default=200, help="authors a side")
    parser.add_argument("--gold", type=int, default=70, help="gold labels a week and side")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", DiscourseWarning)
    sides = {"pakistan": shares((0.25, 0.55), (0.20, 0.07)), "afghanistan": shares((0.45, 0.30), (0.10, 0.20))}
    held: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    error: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for seed in range(asked.replications):
        drawn = {side: SyntheticSide(asked.authors, p) for side, p in sides.items()}
        observed = simulate_observed(drawn, gold_per_cell=asked.gold, seed=seed)
        for method, weight in (("poststrat", "author"), ("poststrat", "post"), ("cc", "author")):
            plan = Plan(zones={}, weight=weight, method=method, replicates=400, shuffles=1)
            series = over_time(MEASURES, observed, plan=plan, seed=seed)
            for measure in MEASURES:
                for side, known in truth_of(measure, sides).items():
                    rows = series.filter(measure=repr(measure), side=side).sort("window")
                    rows = rows.with_columns(truth=pl.Series(known)).drop_nulls("estimate")
                    key = (repr(measure), method, weight)
                    held[key] += rows["truth"].is_between(rows["low"], rows["high"]).to_list()
                    error[key] += (rows["estimate"] - rows["truth"]).to_list()
    print(
        f"{asked.replications} replications, {asked.authors} authors a side, {asked.gold} gold labels a week and side"
    )
    print("| measure | method | weight | windows | interval holds the truth | mean error |\n|---|---|---|---|---|---|")
    for key, hits in held.items():
        row = (*key, f"{len(hits):,}", f"{np.mean(hits):.3f}", f"{np.mean(error[key]):+.4f}")
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
