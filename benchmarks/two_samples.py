"""False alarms and hits of two-sample tests on scores of posts, with posts and with authors as the unit.

    python benchmarks/two_samples.py --repetitions 400

Two windows of 100 authors each, 1 to 40 posts an author after a Pareto law of exponent 1.1; an author's posts lie
around a level of their own (normal, sd 1 between authors, 0.5 within). The table of docs/drift.md.
"""

from __future__ import annotations

import argparse

import numpy as np

from discourse.judging.two_samples import domain_auc, ks, mmd

AUTHORS = 100


def window(rng: np.random.Generator, name: str, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the posts of one window, and their authors."""
    author = np.repeat(np.arange(AUTHORS), np.minimum(1 + rng.pareto(1.1, AUTHORS).astype(int), 40))
    scores = rng.normal(level, 1.0, AUTHORS)[author] + rng.normal(0.0, 0.5, len(author))
    return scores, np.array([f"{name}{one}" for one in author])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=400)
    asked = parser.parse_args()
    print("| shift of the mean | KS, posts | KS, authors | MMD, posts | MMD, authors | domain classifier |")
    print("|---|---|---|---|---|---|")
    for shift in (0.0, 0.5, 1.0):
        alarms = np.zeros(5)
        for trial in range(asked.repetitions):
            rng = np.random.default_rng([1, trial, int(10 * shift)])
            (x, a), (y, b) = window(rng, "x", 0.0), window(rng, "y", shift)
            made = [
                ks(x, y).p, ks(x, y, (a, b), permutations=99, seed=trial).p,
                mmd(x, y, permutations=99, seed=trial).p, mmd(x, y, (a, b), permutations=99, seed=trial).p,
                domain_auc(x, y, (a, b), seed=trial, replicates=200).p,
            ]  # fmt: skip
            alarms += [p is not None and p <= 0.05 for p in made]
        print(f"| {shift} | " + " | ".join(f"{one:.2f}" for one in alarms / asked.repetitions) + " |", flush=True)


if __name__ == "__main__":
    main()
