"""Tallies with 400 bootstrap replicates in one streaming pass, beside numpy by rows: the table of docs/methods.md.

    python benchmarks/bootstrap.py [--posts 10000000] [--part 250000]

Made-up posts of 730 days and two sides, a dozen an author, come part by part with whole authors in each. Every line
runs in a process of its own. The peers do what a notebook does for each replicate: draw a Poisson weight for each post
(a bootstrap of posts, which gives false intervals) or for each author and hand it to the posts, then sum by day, side
and class. They run on a part of the posts and replicates, and their time is multiplied up.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl

from discourse.measure.tallies import PREDICTED, Design, Tallies, tally, total

DAYS = tuple((date(2024, 1, 1) + timedelta(days=day)).isoformat() for day in range(730))
SIDES = ("pakistan", "afghanistan")
REPLICATES = 400
POSTS_AN_AUTHOR = 12
GOLD = 1_000  # one post in so many is coded
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


def ours(posts: int, part: int) -> float:
    """Seconds to tally all posts; making them is not counted."""
    spent = 0.0

    def tallied() -> Iterator[Tallies]:
        nonlocal spent
        for frame in parts(posts, part):
            start = time.perf_counter()
            made = tally(frame, DESIGN)
            spent += time.perf_counter() - start
            yield made

    start = time.perf_counter()
    everything = total(tallied(), DESIGN)
    spent = min(spent, time.perf_counter() - start)
    if everything.n_posts.sum() != posts:
        raise SystemExit("rows were lost")
    return spent


def by_rows(posts: int, part: int, kind: str) -> float:
    """Seconds that numpy takes for all replicates, from `REPLICATES // 40` of them on one part."""
    frame = next(parts(min(posts, 4 * part), 4 * part))
    slot = _codes(frame["window"]) * 10 + _codes(frame["side"]) * 5
    slot = slot + _codes(frame["predicted"])
    author = _codes(frame["author_id"])
    weight = 1.0 / np.bincount(author)[author]
    rng = np.random.default_rng(0)
    tried = REPLICATES // 40
    start = time.perf_counter()
    for _ in range(tried):
        drawn = rng.poisson(1.0, len(slot)) if kind == "post" else rng.poisson(1.0, author.max() + 1)[author]
        np.bincount(slot, drawn * weight)
    return (time.perf_counter() - start) * (REPLICATES / tried) * (posts / frame.height)


def _codes(column: pl.Series) -> np.ndarray:
    return column.rank("dense").to_numpy().astype(np.int64) - 1


def main() -> None:
    """Run every line in its own process and print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--posts", type=int, default=10_000_000)
    ask.add_argument("--part", type=int, default=250_000)
    ask.add_argument("--only", choices=["ours", "post", "author"])
    given = ask.parse_args()
    if given.only:
        spent = ours(given.posts, given.part) if given.only == "ours" else by_rows(given.posts, given.part, given.only)
        print(json.dumps([spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
        return
    lines = {"ours": [given.posts // 10, given.posts], "post": [given.posts], "author": [given.posts]}
    said: dict[tuple[str, int], tuple[float, float]] = {}
    for name, sizes in lines.items():
        for posts in sizes:
            asked = [sys.executable, __file__, "--posts", str(posts), "--part", str(given.part), "--only", name]
            said[name, posts] = tuple(json.loads(subprocess.run(asked, check=True, capture_output=True).stdout))
    print("| what | posts | seconds | peak MB | times numpy by posts | by authors |\n|---|---|---|---|---|---|")
    words = {"ours": "tallies", "post": "numpy, a weight a post", "author": "numpy, a weight an author"}
    for (name, posts), (spent, peak) in said.items():
        ratio = [said[peer, given.posts][0] * posts / given.posts / spent for peer in ("post", "author")]
        print(f"| {words[name]} | {posts:,} | {spent:.1f} | {peak:.0f} | {ratio[0]:.1f} | {ratio[1]:.1f} |")


if __name__ == "__main__":
    main()
