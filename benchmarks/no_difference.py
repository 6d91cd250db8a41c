"""How often tests of "the two sides do not differ" reject when they do not: the numbers of docs/polarization.md.

    python benchmarks/no_difference.py --repetitions 600

Heavy-tailed authors (Pareto, two tails), each leaning their own way (Dirichlet, intra-author correlation 0.3).
"""

from __future__ import annotations

import argparse

import numpy as np

from discourse.indices.no_difference import permutation_test, wald_of_replicates

SHARES = np.array([0.25, 0.5, 0.25])


def authors(rng: np.random.Generator, n: int, tail: float) -> np.ndarray:
    posts = np.clip(np.ceil(rng.pareto(tail, n)), 1, 5000).astype(int)
    own = rng.dirichlet(SHARES * 7 / 3, n)
    return np.array([rng.multinomial(m, q) for m, q in zip(posts, own, strict=True)], dtype=float)


def replicates(rng: np.random.Generator, each: np.ndarray) -> np.ndarray:
    weights = np.vstack([np.ones(len(each)), rng.poisson(1.0, (400, len(each)))])
    summed = weights @ each
    made: np.ndarray = summed / summed.sum(axis=1, keepdims=True)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=600)
    asked = parser.parse_args()
    print("| tail | authors | weight | median n_eff | Wald | Wald without n_eff | permutation |")
    print("|---|---|---|---|---|---|---|")
    for tail in (1.1, 1.5):
        for sizes in ((30, 30), (30, 200), (100, 100), (500, 500)):
            for weight in ("author", "post"):
                rng = np.random.default_rng([round(10 * tail), *sizes])
                p, effective = [], []
                for i in range(asked.repetitions):
                    sides = [authors(rng, n, tail) for n in sizes]
                    labels = np.repeat([0, 1], sizes)
                    dealt = permutation_test(np.vstack(sides), labels, seed=i, permutations=99, weight=weight).p
                    if weight == "author":
                        sides = [side / side.sum(axis=1, keepdims=True) for side in sides]
                    n_eff = min(float(s.sum() ** 2 / (s.sum(axis=1) ** 2).sum()) for s in sides)
                    first, second = (replicates(rng, side) for side in sides)
                    p.append((wald_of_replicates(first, second, n_eff=n_eff).p,
                              wald_of_replicates(first, second).p, dealt))  # fmt: skip
                    effective.append(n_eff)
                said = " | ".join(f"{share:.3f}" for share in (np.array(p) <= 0.05).mean(axis=0))
                print(
                    f"| {tail} | {sizes[0]} + {sizes[1]} | {weight} | {np.median(effective):.0f} | {said} |", flush=True
                )


if __name__ == "__main__":
    main()
