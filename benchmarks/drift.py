"""False alarms and power of the drift tests: the tables of docs/drift.md.

    python benchmarks/drift.py --replications 400 --authors 200

Heavy-tailed authors (posts Pareto-distributed, index 1.4) who keep to a language, lean to a frame and have words of
their own; a classifier that errs in a quarter of the posts; two windows that are alike but for the named change. In
"same authors" everyone writes in both windows, in "other authors" nobody does: there, posts counted as independent
find a change most of the time.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import chi2_contingency

from discourse.judging.drift import FAMILIES, drift
from discourse.judging.wald import psi
from discourse.schema import FRAMES
from discourse.simulate.observed import CONFUSION

LANGS = ("en", "ur", "ps", "fa")
SHARES = np.array([0.30, 0.12, 0.08, 0.50])
VOCABULARY = 2_000
LOYAL = 0.7
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """What differs between the windows, and how much gold there is; the defaults differ in nothing.

    `frame` moves so much of the posts from neither to nationalist, `lang` so many authors from English to Dari, `word`
    is the share of posts of the current window with one of ten new words, `error` moves so much of what is predicted
    nationalist to other true frames, `heat` is the temperature that the current probabilities lack.
    """

    authors: int = 200
    same: bool = False
    frame: float = 0.0
    lang: float = 0.0
    word: float = 0.0
    error: float = 0.0
    heat: float = 1.0
    gold: int = 0
    texts: bool = True


def windows(world: World, rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Reference, current and gold (post_id, value, inclusion_p), `gold` labels a predicted class and window."""
    people = world.authors if world.same else 2 * world.authors
    activity, leaning = 1.5 * rng.pareto(1.4, people) + 0.5, rng.random(people)
    tongue, own_words = rng.random(people), rng.integers(0, VOCABULARY, (people, 10))
    made, coded = [], []
    for late in (False, True):
        who = np.arange(people) if world.same else np.arange(world.authors) + late * world.authors
        author = np.repeat(who, rng.poisson(activity[who]))
        moved = np.array([world.frame, 0.0, 0.0, -world.frame]) * late
        posts = _posts(author, SHARES + moved, leaning, late=late, world=world, rng=rng)
        spoken = np.cumsum(np.array([0.4, 0.3, 0.2, 0.1]) + np.array([-1, 0, 0, 1]) * world.lang * late)
        lang = np.array(LANGS)[np.searchsorted(spoken, tongue[author]).clip(0, 3)]
        posts = posts.with_columns(
            lang=pl.Series(lang), post_id=pl.format("{}:{}", pl.lit(int(late)), pl.int_range(pl.len()))
        )
        if world.texts:
            texts = _texts(author, own_words, world.word * late, rng)
            posts = posts.with_columns(text_norm=pl.Series(texts))
        if world.gold:
            coded += list(_coded(posts, world.gold, rng))
        made.append(posts.drop("true"))
    gold = pl.concat(coded) if coded else pl.DataFrame(schema={"post_id": pl.String, "value": pl.String})
    return made[0], made[1], gold


def _posts(
    author: npt.NDArray[np.int64],
    shares: Floats,
    leaning: Floats,
    *,
    late: bool,
    world: World,
    rng: np.random.Generator,
) -> pl.DataFrame:
    loyal = np.eye(4)[np.searchsorted(np.cumsum(shares), leaning).clip(0, 3)]
    own = LOYAL * loyal + (1 - LOYAL) * shares
    true = _draw(own[author], rng)
    confusion = CONFUSION.copy()
    if late:  # more of the conciliatory and of neither look nationalist
        confusion[1] += world.error * np.array([1, -1, 0, 0])
        confusion[3] += world.error * np.array([1, 0, 0, -1])
    predicted = _draw(confusion[true], rng)
    posterior = (SHARES[:, None] * CONFUSION).T / (SHARES @ CONFUSION)[:, None]
    logits = np.log(posterior[predicted]) + rng.normal(0, 0.5, (len(author), 4))
    logits[np.arange(len(author)), predicted] = logits.max(axis=1) + 0.01
    p = np.exp(logits * (world.heat if late else 1.0))
    p /= p.sum(axis=1, keepdims=True)
    names = np.array(FRAMES)
    return pl.DataFrame({
        "author_id": [f"sim:{one}" for one in author], "platform": "x", "predicted": names[predicted],
        "true": names[true], **{f"p_{frame}": p[:, at] for at, frame in enumerate(FRAMES)},
    })  # fmt: skip


def _draw(p: Floats, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    drawn: npt.NDArray[np.int64] = (rng.random(len(p))[:, None] > np.cumsum(p, axis=1)).sum(axis=1).clip(0, 3)
    return drawn


def _texts(
    author: npt.NDArray[np.int64], own_words: npt.NDArray[np.int64], new: float, rng: np.random.Generator
) -> list[str]:
    """Eight words a post: one in four of the author's own ten, the others by Zipf's law."""
    zipf = 1.0 / np.arange(1, VOCABULARY + 1)
    words = np.searchsorted(np.cumsum(zipf / zipf.sum()), rng.random((len(author), 8))).clip(0, VOCABULARY - 1)
    own = own_words[author[:, None], rng.integers(0, 10, (len(author), 8))]
    words = np.where(rng.random(words.shape) < 0.25, own, words)
    words[:, 0] = np.where(rng.random(len(author)) < new, VOCABULARY + rng.integers(0, 10, len(author)), words[:, 0])
    return [" ".join(f"w{word}" for word in line) for line in words]


def _coded(posts: pl.DataFrame, n: int, rng: np.random.Generator) -> Iterator[pl.DataFrame]:
    for part in posts.partition_by("predicted"):
        at = rng.permutation(part.height)[:n]
        yield part[np.sort(at)].select(
            "post_id", pl.col("true").alias("value"), inclusion_p=pl.lit(len(at) / part.height)
        )


def measured(world: World, replications: int) -> dict[str, list[Any]]:
    """p, adjusted p and alarms of each test, alarms of each family and of any, the rule, over independent worlds."""
    out: dict[str, list[Any]] = defaultdict(list)
    for seed in range(replications):
        reference, current, gold = windows(world, np.random.default_rng([20_250_601, seed]))
        found = drift(reference, current, gold=gold if world.gold else None, seed=seed)
        for row in found.tests.iter_rows(named=True):
            if row["p"] is not None:
                out[f"p {row['test']}"].append(row["p"])
                out[f"alarm {row['test']}"].append(row["alarm"])
        for family in FAMILIES:
            out[f"family {family}"].append(found.alarms.filter(family=family).height > 0)
        out["any"].append(found.alarms.height > 0)
        out["action"].append(found.advice.action)
        for name in ("predicted", "words"):
            row = found.tests.row(by_predicate=pl.col("test") == name, named=True)
            if row["psi"] is not None:
                out[f"psi {name}"].append((row["psi"], row["psi_null"]))
        counts = [[int((posts["predicted"] == frame).sum()) for frame in FRAMES] for posts in (reference, current)]
        out["posts"].append(float(chi2_contingency(np.array(counts)).pvalue))
        out["psi of posts"].append(psi(*(np.array(one) / sum(one) for one in counts), floor=1e-4))
    return out


def rate(values: list[Any], below: float | None = None) -> str:
    return f"{np.mean(values if below is None else np.array(values) < below):.3f}" if values else "-"


def print_null(replications: int, authors: int, gold: int) -> None:
    print("| authors | in both windows | test | p < .05 | p < .01 | alarm |\n|---|---|---|---|---|---|")
    for same in (True, False):
        who = f"| {authors} | {'same' if same else 'other'}"
        made = measured(World(authors=authors, same=same, gold=gold), replications)
        print(f"{who} | posts as independent (chi2, not in the package) | {rate(made['posts'], 0.05)} | "
              f"{rate(made['posts'], 0.01)} | |")  # fmt: skip
        for key in [key for key in made if key.startswith("p ")]:
            name = key.removeprefix("p ")
            print(
                f"{who} | {name} | {rate(made[key], 0.05)} | {rate(made[key], 0.01)} | {rate(made[f'alarm {name}'])} |"
            )
        for key in (*(f"family {family}" for family in FAMILIES), "any"):
            print(f"{who} | {key} | | | {rate(made[key])} |")
        for name in ("predicted", "words"):
            index, null = np.array(made[f"psi {name}"]).mean(axis=0)
            print(f"{who} | PSI of {name}: mean {index:.4f}, said under no change {null:.4f} | | | |")
        print(f"{who} | PSI of posts > 0.1: {np.mean(np.array(made['psi of posts']) > 0.1):.3f} | | | |", flush=True)


def print_power(replications: int, authors: int) -> None:
    base = World(authors=authors, same=False)
    bare = replace(base, texts=False)
    worlds = {
        **{f"{100 * by:.0f} points from neither to nationalist": (replace(bare, frame=by), "predicted")
           for by in (0.05, 0.10, 0.20, 0.30)},
        **{f"{100 * by:.0f} points from English to Dari": (replace(bare, lang=by), "language")
           for by in (0.1, 0.2, 0.3)},
        **{f"new words in {100 * by:.0f} % of posts": (replace(base, word=by), "new words") for by in (0.2, 0.4, 0.6)},
    }  # fmt: skip
    for gold in (100, 200):
        for by in (0.15, 0.25):
            worlds[f"{100 * by:.0f} points more look nationalist, {gold} gold a class"] = (
                replace(bare, error=by, gold=gold), "precision of nationalist")  # fmt: skip
        worlds[f"probabilities 1.5 times too sharp, {gold} gold a class"] = (
            replace(bare, heat=1.5, gold=gold),
            "temperature",
        )
    print("| authors | change | test | alarm | its family | most frequent advice |\n|---|---|---|---|---|---|")
    for name, (world, test) in worlds.items():
        made = measured(world, replications)
        family = next(f for f, tests in _TESTS.items() if test in tests)
        actions, counts = np.unique(made["action"], return_counts=True)
        often = f"{actions[counts.argmax()]} {counts.max() / replications:.2f}"
        alarms = made[f"alarm {test}"]
        print(
            f"| {authors} | {name} | {test} | {rate(alarms)} | {rate(made[f'family {family}'])} | {often} |", flush=True
        )


_TESTS = {
    "population": ("language", "new words"), "scores": ("predicted",), "errors": ("precision of nationalist",),
    "calibration": ("temperature",),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=400)
    parser.add_argument("--authors", type=int, default=200)
    parser.add_argument(
        "--gold", type=int, default=100, help="gold labels a predicted class and window, under no change"
    )
    parser.add_argument("--only", choices=("null", "power"))
    asked = parser.parse_args()
    if asked.only != "power":
        print_null(asked.replications, asked.authors, asked.gold)
    if asked.only != "null":
        print_power(asked.replications, asked.authors)


if __name__ == "__main__":
    main()
