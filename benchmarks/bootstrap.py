"""Tallies with 400 bootstrap replicates in one streaming pass, beside numpy by rows: the table of docs/methods.md.

    python benchmarks/bootstrap.py [--posts 10000000] [--part 250000]

Made-up posts of 730 days and two sides, a dozen an author, come part by part with whole authors in each. Every line
runs in a process of its own. The peers do what a notebook does for each replicate: draw a Poisson weight for each post
(a bootstrap of posts, which gives false intervals) or for each author and hand it to the posts, then sum by day, side
and class. They code the strings and weigh authors
as the tallies do, count neither gold nor authors, run on one part and a fortieth of the replicates, and their time is
multiplied up.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl

from discourse.measure.tallies import PREDICTED, Design, tally, tally_parts

DAYS = tuple((date(2024, 1, 1) + timedelta(days=day)).isoformat() for day in range(730))
SIDES = ("pakistan", "afghanistan")
REPLICATES = 400
POSTS_AN_AUTHOR = 12
GOLD = 1_000  # one post in so many is coded
WORDS = {
    "numba": "tallies, with numba",
    "scipy": "tallies, without numba",
    "post": "numpy, a weight a post",
    "author": "numpy, a weight an author",
}
DESIGN = Design(DAYS, SIDES, weight="author", replicates=REPLICATES, seed=7)


def parts(posts: int, part: int) -> Iterator[pl.DataFrame]:
    """Posts, a part at a time: authors of one side, heavy and light ones, over two years."""
    for number, start in enumerate(range(0, posts, part)):
        n = min(part, posts - start)
        rng = np.random.default_rng(number)
        authors = max(n // POSTS_AN_AUTHOR, 1)
        author = np.sort(rng.integers(0, authors, n))
        coded = rng.random(n) < 1 / GOLD
        yield pl.DataFrame({
            "author_id": pl.Series(author).cast(pl.String) + f"-{number}",
            "window": pl.Series(DAYS).gather(rng.integers(0, len(DAYS), n)),
            "side": pl.Series(SIDES).gather(author % 2),
            "predicted": pl.Series(PREDICTED).gather(rng.integers(0, 5, n)),
            "value": pl.select(pl.when(pl.Series(coded)).then(pl.lit("neither"))).to_series(),
            "inclusion_p": np.where(coded, 1 / GOLD, np.nan),
        }).with_columns(pl.col("inclusion_p").fill_nan(None))  # fmt: skip


def ours(posts: int, part: int, kernel: str) -> float:
    """Seconds to tally all posts, from strings to sums; making them is not counted."""
    made_in = 0.0

    def handed() -> Iterator[pl.DataFrame]:
        nonlocal made_in
        frames = parts(posts, part)
        while True:
            start = time.perf_counter()
            frame = next(frames, None)
            made_in += time.perf_counter() - start
            if frame is None:
                return
            yield frame

    if kernel == "scipy":
        sys.modules["discourse.measure.fused"] = None  # type: ignore[assignment]  # as if numba were absent
    tally(next(parts(part, part)), DESIGN)  # imports, and what numba compiled at an earlier time
    start = time.perf_counter()
    everything = tally_parts(handed(), DESIGN)
    spent = time.perf_counter() - start - made_in
    if everything.n_posts.sum() != posts:
        raise SystemExit("rows were lost")
    return spent


def by_rows(posts: int, part: int, kind: str) -> float:
    """Seconds that numpy takes for all replicates, from `REPLICATES // 40` of them on one part.

    Codes and author weights are made once and counted as such; only drawing and adding up is done for each replicate.
    """
    frame = next(parts(min(posts, part), part))
    start = time.perf_counter()
    author = _codes(frame["author_id"])
    cell = _codes(frame["window"]) * len(SIDES) + _codes(frame["side"])
    slot = cell * len(PREDICTED) + _codes(frame["predicted"])
    _, pair, times = np.unique(author * DESIGN.cells + cell, return_inverse=True, return_counts=True)
    weight = 1.0 / times[pair]
    once = time.perf_counter() - start
    rng = np.random.default_rng(0)
    tried = REPLICATES // 40
    start = time.perf_counter()
    for _ in range(tried):
        drawn = rng.poisson(1.0, len(slot)) if kind == "post" else rng.poisson(1.0, author.max() + 1)[author]
        np.bincount(slot, drawn * weight)
    each = (time.perf_counter() - start) / tried
    return (once + each * REPLICATES) * (posts / frame.height)


def _codes(column: pl.Series) -> np.ndarray:
    return column.rank("dense").to_numpy().astype(np.int64) - 1


def main() -> None:
    """Run every line in its own process and print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--posts", type=int, default=10_000_000)
    ask.add_argument("--part", type=int, default=250_000)
    ask.add_argument("--only", choices=list(WORDS))
    given = ask.parse_args()
    if given.only:
        run = by_rows if given.only in ("post", "author") else ours
        spent = run(given.posts, given.part, given.only)
        print(json.dumps([spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
        return
    sizes = sorted({given.posts // 10, 3 * given.posts // 10, given.posts})
    lines = [("numba", posts) for posts in sizes] + [(name, given.posts) for name in ("scipy", "post", "author")]
    said: dict[tuple[str, int], tuple[float, float]] = {}
    for name, posts in lines:
        asked = [sys.executable, __file__, "--posts", str(posts), "--part", str(given.part), "--only", name]
        said[name, posts] = tuple(json.loads(subprocess.run(asked, check=True, capture_output=True).stdout))
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| what | posts | seconds | peak MB | times numpy by posts | by authors |\n|---|---|---|---|---|---|")
    for (name, posts), (spent, peak) in said.items():
        ratio = [said[peer, given.posts][0] * posts / given.posts / spent for peer in ("post", "author")]
        print(f"| {WORDS[name]} | {posts:,} | {spent:.1f} | {peak:.0f} | {ratio[0]:.1f} | {ratio[1]:.1f} |")


if __name__ == "__main__":
    main()
