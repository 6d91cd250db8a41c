"""Language partisanship: bias of three estimators on a known truth, speed, and a flat year of political blogs.

    python benchmarks/partisanship.py --blogs ../shared/data/us_poliblog2008

The truth: two sides whose 400 words follow Zipf's law, tilted by normal numbers of size delta; each author has habits
of their own (Dirichlet, concentration 200) and writes 1 + Poisson(20) words. The table stands in docs/partisanship.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import polars as pl
from scipy import sparse, stats

from discourse.indices.partisanship import leave_out_partisanship, partisanship, plug_in_partisanship
from discourse.indices.penalised import penalised_partisanship

TOKENS = 400


def spoken(rng: np.random.Generator, a_side: int, delta: float) -> tuple[np.ndarray, np.ndarray, float]:
    base, lean = 1.0 / np.arange(1, TOKENS + 1), rng.normal(size=TOKENS) * delta
    rates = [base * np.exp(sign * lean) for sign in (-1, 1)]
    rates = [q / q.sum() for q in rates]
    rho = rates[1] / (rates[0] + rates[1])
    counts = [rng.multinomial(1 + rng.poisson(20), rng.dirichlet(q * 200)) for q in rates for _ in range(a_side)]
    return np.array(counts), np.repeat([0, 1], a_side), float(rates[1] @ rho + rates[0] @ (1 - rho)) / 2


def bias(repetitions: int) -> None:
    print("| delta | authors a side | true | leave-out | null mean | plug-in | penalised | sd leave-out |")
    print("|---|---|---|---|---|---|---|---|")
    for delta in (0.0, 0.3):
        for a_side in (10, 30, 100, 300):
            rows = []
            for seed in range(repetitions):
                rng = np.random.default_rng([seed, a_side, round(delta * 10)])
                counts, side, true = spoken(rng, a_side, delta)
                made = leave_out_partisanship(counts, side), leave_out_partisanship(counts, rng.permutation(side))
                rows.append(
                    (true, *made, plug_in_partisanship(counts, side), penalised_partisanship(counts, side).value)
                )
            mean = np.mean(rows, axis=0)
            said = " | ".join(f"{value:.4f}" for value in mean)
            print(
                f"| {delta} | {a_side} | {said} | {np.std([row[1] - row[0] for row in rows], ddof=1):.4f} |", flush=True
            )


def speed() -> None:
    rng = np.random.default_rng(1)
    authors, tokens, pairs = 100_000, 50_000, 1_400_000
    at = (rng.integers(0, authors, pairs), np.minimum(rng.zipf(1.3, pairs), tokens) - 1)
    matrix = sparse.csr_array((np.ones(pairs), at), shape=(authors, tokens))
    side = rng.random(authors) < 0.4
    begun = time.perf_counter()
    leave_out_partisanship(matrix, side)
    print(f"\n{authors:,} authors, {matrix.nnz:,} pairs: {time.perf_counter() - begun:.2f} s")


def blogs(folder: Path, permutations: int) -> None:
    meta = pl.read_csv(folder / "meta.csv", columns=["doc", "rating", "day"])
    counts = pl.read_csv(folder / "counts.csv")
    date = pl.date(2008, 1, 1) + pl.duration(days=pl.col("day") - 1)
    table = counts.join(
        meta.with_columns(month=date.dt.strftime("%Y-%m"), week=date.dt.strftime("%j").cast(pl.Int64) // 7), on="doc"
    )
    for window in ("month", "week"):
        given = table.select(
            pl.col(window).cast(pl.String).str.zfill(2).alias("window"),
            author_id=pl.format("d:{}", "doc"), side="rating", token="term", n="count",
        )  # fmt: skip
        made = partisanship(given, sides=("Conservative", "Liberal"), seed=1, permutations=permutations, rarefactions=3)
        shown = made.drop_nulls("value")
        trend = stats.linregress(np.arange(shown.height), shown["excess"].to_numpy())
        value, null = shown["value"].to_numpy(), shown["null_mean"].to_numpy()
        print(f"{window}: {shown.height} of {made.height} windows, {shown['authors_a_side'][0]} speakers a side, "
              f"value {value.min():.3f} to {value.max():.3f}, null mean {null.min():.3f} to {null.max():.3f}, "
              f"slope a window {trend.slope:+.5f} (p = {trend.pvalue:.2f})", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--permutations", type=int, default=40)
    parser.add_argument("--blogs", type=Path)
    asked = parser.parse_args()
    bias(asked.repetitions)
    speed()
    if asked.blogs is not None:
        blogs(asked.blogs, asked.permutations)


if __name__ == "__main__":
    main()
