"""How often an event study finds what is there and what is not: the tables of docs/events.md.

    python benchmarks/events.py [events|smoothing|changes] [--repetitions 400] [--seed 0]

Events: daily counts of 120 days with an event on day 90: posts a day vary twofold and more (negative binomial of index
2), the share follows a trend, days of the week and a latent AR(1) process. Every cell counts how many of the true nulls
are rejected at 0.05, and how many changes of 0.5 on the logit scale are found. Takes about ten minutes on one core.

Smoothing: 26 windows of 60 posts, a tenth of them empty, around curves of several kinds: how often the interval holds
the curve, and its error beside that of the raw points. Changes: in how many series without any change of level a change
point is found.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
from scipy import stats
from scipy.special import expit

from discourse.errors import MeaningError
from discourse.impact.change_points import pelt
from discourse.impact.daily import daily
from discourse.impact.event_checks import bend_test, event_path
from discourse.impact.interrupted import fit_daily, interrupted_design
from discourse.impact.smoothing import smooth
from discourse.simulate.days import EVENT, World, daily_counts

CHANGE = 0.5
WINDOWS = 26
POSTS = (2, 6, 30, 200)
LATENT = ((0.0, 0.0), (0.0, 0.35), (0.6, 0.35), (0.85, 0.5))


def looked_at(cell: World, repetition: int, seed: int) -> Iterator[tuple[str, float]]:
    """What one pair of series, without and with a change, adds to the cell."""
    for change in (0.0, CHANGE):
        rng = np.random.default_rng([seed, repetition, cell.posts, int(100 * cell.phi), int(100 * cell.sd)])
        series = daily(daily_counts(cell, change, rng))
        design, names = interrupted_design(series.t, EVENT, weekly=True)
        try:
            fit = fit_daily(series, design, names)
        except MeaningError:
            yield "no fit", 1.0
            continue
        effect = fit.effect("level")
        found = float(effect.p < 0.05)
        if change:
            yield "power", found
        else:
            yield "size", found
            yield "as specified", float(2.0 * stats.t.sf(abs(effect.estimate / effect.se), effect.df) < 0.05)
            for model in ("binomial", "quasibinomial", "ols_hac"):
                yield model, float(fit_daily(series, design, names, model=model).effect("level").p < 0.05)
            bend = bend_test(series, EVENT, width=7, design=design, names=names)
            flat = daily(daily_counts(cell, 0.0, rng, trend=0.0, wave=0.0))
            _, pretrend = event_path(flat, EVENT, width=7, span=(4, 4), rest=np.ones((len(flat.t), 1)))
            yield "bend", float(bend is not None and bend.p < 0.05)
            yield "pretrend", float(pretrend is not None and pretrend.p < 0.05)
        yield "error", effect.estimate - change
        yield "covered", float(effect.low < change < effect.high)


def events(repetitions: int, seed: int) -> None:
    """Print size, power and coverage by cell."""
    shown = (
        "size",
        "as specified",
        "binomial",
        "quasibinomial",
        "ols_hac",
        "pretrend",
        "bend",
        "power",
        "covered",
        "error",
    )
    head("posts a day", "phi", "sd", *shown, "no fit", "ms")
    for posts in POSTS:
        for phi, sd in LATENT:
            cell = World(posts, phi, sd)
            got: dict[str, list[float]] = {}
            begun = time.process_time()
            for repetition in range(repetitions):
                for name, value in looked_at(cell, repetition, seed):
                    got.setdefault(name, []).append(value)
            spent = 1000.0 * (time.process_time() - begun) / repetitions
            values = [
                f"{np.mean(got[name]):+.3f}" if name == "error" else f"{np.mean(got[name]):.3f}" for name in shown
            ]
            row(posts, phi, sd, *values, int(sum(got.get("no fit", []))), f"{spent:.0f}")


def smoothing(repetitions: int, seed: int) -> None:
    """Print coverage and errors by curve and level."""
    t = np.arange(WINDOWS)
    head("curve", "level", "held", "held in empty windows", "width", "raw width", "error", "raw error")
    for kind in ("local_level", "ou"):
        for curve in ("flat", "walk, 0.05 a window", "walk, 0.2 a window", "wave", "step"):
            got: dict[str, list[float]] = {}
            for repetition in range(repetitions):
                rng = np.random.default_rng([seed, repetition, 7])
                moves = rng.normal(0.0, 0.2 if "0.2" in curve else 0.05, WINDOWS)
                truth = expit(
                    {
                        "flat": np.full(WINDOWS, -0.5),
                        "step": np.where(t < WINDOWS // 2, -0.8, 0.0),
                        "wave": -0.5 + 0.5 * np.sin(2.0 * np.pi * t / 20.0),
                    }.get(curve, -0.5 + np.cumsum(moves))
                )
                n = rng.poisson(60, WINDOWS) + 2
                share = np.where(rng.random(WINDOWS) < 0.1, np.nan, rng.binomial(n, truth) / n)
                made = smooth(share, share * (1.0 - share) / n, n_eff=n, kind=kind)
                inside = (made.low < truth) & (truth < made.high)
                for name, values in (
                    ("held", inside), ("held in empty windows", inside[np.isnan(share)]),
                    ("width", made.high - made.low), ("raw width", made.raw_high - made.raw_low),
                    ("error", np.square(made.smooth - truth)), ("raw error", np.square(made.raw - truth)),
                ):  # fmt: skip
                    got.setdefault(name, []).extend(values[np.isfinite(values)])
            means = {name: float(np.mean(values)) for name, values in got.items()}
            row(curve, kind, *(f"{np.sqrt(mean) if 'error' in name else mean:.3f}" for name, mean in means.items()))


def changes(repetitions: int, seed: int) -> None:
    """Print how many series without a change of level show one."""
    head("posts a day", "phi", "sd", "default penalty", "with quiet days 0 to 89")
    for posts in POSTS:
        for phi, sd in LATENT:
            cell, found = World(posts, phi, sd), []
            for repetition in range(repetitions):
                rng = np.random.default_rng([seed, repetition, posts, int(100 * phi), int(100 * sd)])
                y, n = daily_counts(cell, 0.0, rng, trend=0.0, wave=0.0)
                calm = pelt(y, n, quiet=(0, EVENT))
                found.append((bool(pelt(y, n).changes), any(day >= EVENT for day in calm.changes)))
            row(posts, phi, sd, *(f"{share:.3f}" for share in np.mean(found, axis=0)))


def head(*names: str) -> None:
    """The head of a table."""
    row(*names)
    print("|---" * len(names) + "|")


def row(*values: object) -> None:
    """One row of a table."""
    print("| " + " | ".join(str(value) for value in values) + " |", flush=True)


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", nargs="?", default="events", choices=("events", "smoothing", "changes"))
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    {"events": events, "smoothing": smoothing, "changes": changes}[asked.table](asked.repetitions, asked.seed)


if __name__ == "__main__":
    main()
