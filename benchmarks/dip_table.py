"""The table of `discourse.indices.dip_table`: quantiles of sqrt(n) x dip of n uniform values.

    python benchmarks/dip_table.py

One seed a size, so a size can be made again alone. About ten minutes.
"""

from __future__ import annotations

import argparse

import numpy as np

from discourse.indices.dip import dip_of

CHANCES = (0.99, 0.95, 0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.002, 0.001, 0.0005)
DRAWS = {4: 150_000, 6: 150_000, 8: 150_000, 10: 150_000, 14: 150_000, 20: 150_000, 35: 150_000, 60: 120_000,
         100: 120_000, 200: 60_000, 500: 30_000, 1000: 30_000, 2000: 20_000}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="share of the draws, to try it out")
    asked = parser.parse_args()
    for n, draws in DRAWS.items():
        rng = np.random.default_rng([1985, n])
        mass = np.full(n, 1.0 / n)
        dips = np.array([dip_of(np.sort(rng.random(n)), mass) for _ in range(int(draws * asked.share))])
        values = np.quantile(dips * np.sqrt(n), [1.0 - chance for chance in CHANCES])
        print(f"    ({', '.join(f'{value:.4f}' for value in values)}),", flush=True)


if __name__ == "__main__":
    main()
