"""What each of the ten methods makes of a known share when the world shifts: the tables of docs/prevalence.md.

    python benchmarks/prevalence.py --repetitions 400 --seed 7

Two sides of 20,000 posts, three frames that a classifier tells apart by two numbers (accuracy 0.75 where it was
trained). "prior": only the shares of the frames differ from where it was trained. "covariate": what is talked about
differs, and so does how posts of one frame look. "concept": as "prior", and on side B nationalist posts look more like
the others. Methods that need no gold of the sides (acc, pacc, sld) get n labels from where the classifier was trained,
the others n / 2 random posts of each side. Scores are overconfident (temperature 1/2); "sld calibrated" and dsl fit the
temperature to the labels from training. All replicates of a Poisson bootstrap are one call of each function.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from discourse.estimators.bootstrap import percentile_interval
from discourse.estimators.linearised import linearised
from discourse.estimators.powered import Moments, dsl_of, ppi_of, ppi_plus_of
from discourse.estimators.quantify import acc, cc, confusion_rates, pacc, pcc, sld
from discourse.estimators.rates import gold_rates
from discourse.estimators.simplex import simplex_cells
from discourse.estimators.stratified import gold_only, poststrat

Floats = npt.NDArray[np.float64]

POSTS = 20_000
STEPS = 20
TEMPERATURE = 0.5
TRAINED = np.array([0.25, 0.20, 0.55])
MEANS = np.array([[1.4, 0.0], [-0.5, 1.4], [-0.3, -0.45]])
PRIORS = {"A": np.array([0.45, 0.10, 0.45]), "B": np.array([0.15, 0.30, 0.55])}
TALK = {"A": (np.array([1.0, -0.6]), 0.8), "B": (np.array([-0.5, 0.8]), 0.8)}
SHIFTS = ("prior", "covariate", "concept")
_T = np.exp(np.linspace(np.log(0.5), np.log(8.0), 41))


def posterior(x: Floats) -> Floats:
    """What a classifier without error in its scores says where it was trained, (..., 2) to (..., 3)."""
    z = x @ MEANS.T - 0.5 * (MEANS**2).sum(axis=1) + np.log(TRAINED)
    z = np.exp(z - z.max(axis=-1, keepdims=True))
    made: Floats = z / z.sum(axis=-1, keepdims=True)
    return made


def tempered(f: Floats, temperature: npt.ArrayLike) -> Floats:
    """Scores (..., 3) with their logarithms divided by a temperature (...)."""
    z = np.log(np.maximum(f, 1e-30)) / np.asarray(temperature, dtype=np.float64)[..., None]
    z = np.exp(z - z.max(axis=-1, keepdims=True))
    made: Floats = z / z.sum(axis=-1, keepdims=True)
    return made


def draw(shift: str, side: str, n: int, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Raw scores (n, 3) and true classes (n,) of a side; side "" is where the classifier was trained."""
    if shift == "covariate" and side:
        middle, spread = TALK[side]
        x = middle + spread * rng.standard_normal((n, 2))
        f = posterior(x)
        y = (rng.random((n, 1)) > np.cumsum(f, axis=1)).sum(axis=1)
        return tempered(f, TEMPERATURE), np.minimum(y, 2)
    y = rng.choice(3, n, p=PRIORS[side] if side else TRAINED)
    means = MEANS.copy()
    if shift == "concept" and side == "B":
        means[0] = 0.55 * MEANS[0] + 0.45 * MEANS[2]
    return tempered(posterior(means[y] + rng.standard_normal((n, 2))), TEMPERATURE), y


def truth(shift: str, side: str) -> Floats:
    """The true shares (3,) of a side, for talk by a fine grid of the normal distribution."""
    if shift != "covariate":
        return PRIORS[side]
    middle, spread = TALK[side]
    at = np.linspace(-6.0, 6.0, 601)
    weight = np.exp(-0.5 * (at[:, None] ** 2 + at[None, :] ** 2)).ravel()
    x = middle + spread * np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1).reshape(-1, 2)
    made: Floats = weight @ posterior(x) / weight.sum()
    return made


@dataclass(frozen=True)
class Side:
    """Posts of a side by cell (grid cell of the scores and predicted class): where each lies, and what a cell holds."""

    true: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int64]
    posts: Floats
    scores: Floats
    predicted: Floats
    at_two: Floats

    @classmethod
    def of(cls, scores: Floats, true: npt.NDArray[np.int64]) -> Side:
        predicted, at_two = scores.argmax(axis=1), tempered(scores, 2.0)
        found, cell, size = np.unique(
            simplex_cells(at_two, STEPS) * 3 + predicted, return_inverse=True, return_counts=True
        )
        means = [summed(x, cell, len(found)) / size[:, None] for x in (scores, at_two)]
        return cls(true, cell, size.astype(np.float64), means[0], np.eye(3)[found % 3], means[1])

    def calibrated(self, temperature: Floats) -> Floats:
        """Mean scores (..., c, 3) of the cells at a temperature (...), from those at temperature 2."""
        return tempered(self.at_two, np.asarray(temperature)[..., None] / 2.0)


def summed(x: Floats, at: npt.NDArray[np.int64], n: int) -> Floats:
    made = np.zeros((n, x.shape[1]))
    np.add.at(made, at, x)
    return made


def grouped(group: npt.NDArray[np.int64], b: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], Floats]:
    """The groups that occur, and their sizes with replicates (1 + b, groups): a Poisson(m) is m Poisson(1) weights."""
    found, size = np.unique(group, return_counts=True)
    return found, np.vstack([size, rng.poisson(size, (b, len(found)))])


def temperatures(f: Floats, y: npt.NDArray[np.int64], w: Floats) -> Floats:
    """The temperature (1 + b,) of least loss in each replicate: the best of a grid, and the parabola through it."""
    loss = np.stack([-np.log(tempered(f, t)[np.arange(len(y)), y]) for t in _T], axis=1)
    total = w @ loss
    at = np.clip(total.argmin(axis=1), 1, len(_T) - 2)
    rows = np.arange(len(w))
    left, middle, right = (total[rows, at + step] for step in (-1, 0, 1))
    bend = left - 2.0 * middle + right
    move = np.where(bend > 0, 0.5 * (left - right) / np.where(bend > 0, bend, 1.0), 0.0)
    made: Floats = np.exp(np.log(_T[at]) + np.clip(move, -1.0, 1.0) * np.log(_T[1] / _T[0]))
    return made


@dataclass(frozen=True)
class Source:
    """Labels from where the classifier was trained: confusion and score sums (1 + b, 3, 3), temperature (1 + b,)."""

    confusion: Floats
    score_sums: Floats
    temperature: Floats

    @classmethod
    def of(cls, n: int, b: int, rng: np.random.Generator) -> Source:
        f, y = draw("prior", "", n, rng)
        w = np.vstack([np.ones(n), rng.poisson(1.0, (b, n))])
        hard, true = np.eye(3)[f.argmax(axis=1)], np.eye(3)[y]
        tables = [(w @ (x[:, :, None] * true[:, None, :]).reshape(n, 9)).reshape(-1, 3, 3) for x in (hard, f)]
        return cls(tables[0], tables[1], temperatures(f, y, w))


def estimates(side: Side, source: Source, n: int, b: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Shares (1 + b, 3) of a side by every method, with n labels drawn from it at random."""
    coded = rng.choice(len(side.true), n, replace=False)
    cells = len(side.posts)
    group, w = grouped(side.cell[coded] * 3 + side.true[coded], b, rng)
    cell, true = group // 3, np.eye(3)[group % 3]
    hard, f = side.predicted[cell], side.scores[cell]
    gold = (w @ (hard[:, :, None] * true[:, None, :]).reshape(-1, 9)).reshape(-1, 3, 3)
    # Coded posts are posts: both carry the same weights.
    others = side.posts - np.bincount(side.cell[coded], minlength=cells)
    posts = np.vstack([others, rng.poisson(others, (b, cells))]) + w @ np.eye(cells)[cell]
    counts, means = posts @ side.predicted, pcc(side.scores, posts)
    g = side.calibrated(source.temperature[0])
    soft, firm = Moments.of_posts(true, f, side.scores, w, posts), Moments.of_counts(counts, gold)
    return {
        "cc": cc(counts),
        "pcc": means,
        "acc": acc(counts, source.confusion),
        "pacc": pacc(means, source.score_sums),
        "sld raw": sld(side.scores, TRAINED, posts),
        "sld calibrated": sld(side.calibrated(source.temperature), TRAINED, posts),
        "gold": gold_only(gold),
        "ppi hard": ppi_of(firm),
        "ppi soft": ppi_of(soft),
        "ppi++ hard": ppi_plus_of(firm),
        "ppi++ soft": ppi_plus_of(soft),
        "dsl": dsl_of(Moments.of_posts(true, g[cell], g, w * (len(side.true) / n), posts)),
        "poststrat": poststrat(counts, honest(gold, int(rng.integers(2**31)))),
    }


def honest(gold: Floats, seed: int) -> Floats:
    """Rates (1 + b, 3, 3) whose replicates do not take a few labels of one kind for certainty."""
    return gold_rates(np.moveaxis(gold, 0, -1)[None, None], "window", seed)[:, 0, 0]


def spread(values: Floats, n: int) -> Floats:
    """Replicates of n resampled labels are too narrow by sqrt((n - 1) / n): Rao and Wu (1988)."""
    made = values.copy()
    made[1:] = values[:1] + np.sqrt(n / (n - 1.0)) * (values[1:] - values[:1])
    return made


def repetitions(shift: str, asked: argparse.Namespace) -> Iterator[tuple[int, str, float, float, Floats, Floats]]:
    """n, method, errors of A's share and of A - B, and both intervals (2,), of every repetition."""
    known = {side: truth(shift, side)[0] for side in PRIORS}
    for repetition in range(asked.repetitions):
        rng = np.random.default_rng([asked.seed, SHIFTS.index(shift), repetition])
        sides = {side: Side.of(*draw(shift, side, POSTS, rng)) for side in PRIORS}
        for n in asked.gold:
            source = Source.of(n, asked.replicates, rng)
            made = {name: estimates(side, source, n // 2, asked.replicates, rng) for name, side in sides.items()}
            for method in made["A"]:
                a, b = (made[side][method][:, 0] for side in PRIORS)
                if method in ("gold", "ppi hard", "ppi soft", "ppi++ hard", "ppi++ soft", "dsl"):
                    a, b = spread(a, n // 2), spread(b, n // 2)
                yield (
                    n, method, a[0] - known["A"], a[0] - b[0] - (known["A"] - known["B"]),
                    np.array(percentile_interval(a[1:])) - known["A"],
                    np.array(percentile_interval(a[1:] - b[1:])) - (known["A"] - known["B"]),
                )  # fmt: skip


def table(shift: str, asked: argparse.Namespace) -> str:
    """Bias and coverage by method and number of labels, as markdown."""
    found: dict[tuple[str, int], list[tuple[float, float, bool, bool, float]]] = defaultdict(list)
    for n, method, share, gap, around, around_gap in repetitions(shift, asked):
        inside = [bool(low <= 0.0 <= high) for low, high in (around, around_gap)]
        found[method, n].append((share, gap, inside[0], inside[1], around_gap[1] - around_gap[0]))
    sizes = asked.gold
    head = ["method", *(f"{what} n={n}" for what in ("bias A", "holds A", "bias A-B", "holds A-B") for n in sizes),
            f"RMSE A-B n={sizes[len(sizes) // 2]}", f"width A-B n={sizes[len(sizes) // 2]}"]  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for method in dict.fromkeys(name for name, _ in found):
        each = {n: np.array(found[method, n], dtype=np.float64) for n in sizes}
        row = [f"{each[n][:, 0].mean():+.3f}" for n in sizes] + [f"{each[n][:, 2].mean():.2f}" for n in sizes]
        row += [f"{each[n][:, 1].mean():+.3f}" for n in sizes] + [f"{each[n][:, 3].mean():.2f}" for n in sizes]
        middle = each[sizes[len(sizes) // 2]]
        row += [f"{np.sqrt((middle[:, 1] ** 2).mean()):.3f}", f"{middle[:, 4].mean():.3f}"]
        lines.append(f"| {method} | {' | '.join(row)} |")
    return "\n".join(lines)


def chances(side: tuple[Floats, Floats], n: int, rng: np.random.Generator) -> dict[str, Floats]:
    """The chance of each post to be coded, n on average, under four ways to choose posts."""
    f, x = side
    predicted = f.argmax(axis=1)
    raw = {
        "random": np.ones(len(f)),
        "uncertain": 1.02 - tempered(f, 2.0).max(axis=1),
        "equal by class": 1.0 / np.bincount(predicted, minlength=3)[predicted],
        "keyword": np.where(x + 0.5 * rng.standard_normal(len(x)) > 1.2, 4.0, 1.0),
    }
    return {name: np.minimum(n * one / one.sum(), 1.0) for name, one in raw.items()}


def selection_table(asked: argparse.Namespace, n: int = 500) -> str:
    """Bias and coverage of A's share in the prior world when gold is chosen in four ways, with chances and without."""
    found: dict[tuple[str, bool, str], list[tuple[float, bool]]] = defaultdict(list)
    for repetition in range(asked.repetitions):
        rng = np.random.default_rng([asked.seed, 100, repetition])
        y = rng.choice(3, POSTS, p=PRIORS["A"])
        x = MEANS[y] + rng.standard_normal((POSTS, 2))
        f, true = tempered(posterior(x), TEMPERATURE), np.eye(3)[y]
        for name, pi in chances((f, x[:, 0]), n, rng).items():
            coded = rng.random(POSTS) < pi
            for weighted in (True, False):
                w = np.where(coded, 1.0 / pi if weighted else POSTS / coded.sum(), 0.0)
                for method in ("gold", "ppi", "dsl", "poststrat"):
                    made = linearised(method, f, true, np.ones(POSTS), w)[0]
                    off = float(made.value) - PRIORS["A"][0]
                    held = bool(made.low <= PRIORS["A"][0] <= made.high)
                    found[method, weighted, name].append((off, held))
    names = list(dict.fromkeys(name for _, _, name in found))
    lines = [f"| method | {' | '.join(f'{name}: bias, holds' for name in names)} |", "|" + "---|" * (len(names) + 1)]
    for method, weighted in dict.fromkeys((method, weighted) for method, weighted, _ in found):
        each = [np.array(found[method, weighted, name], dtype=np.float64).mean(axis=0) for name in names]
        row = " | ".join(f"{bias:+.3f}, {held:.2f}" for bias, held in each)
        lines.append(f"| {method}{'' if weighted else ', chances forgotten'} | {row} |")
    return "\n".join(lines)


def event_table(asked: argparse.Namespace, n: int = 400) -> str:
    """Bias and spread of a jump of 0.20 at an event, by where the n gold labels of a side lie; hard predictions."""
    before, after = np.array([0.25, 0.20, 0.55]), np.array([0.45, 0.10, 0.45])
    rng = np.random.default_rng([asked.seed, 200])
    f, y = draw("prior", "", 400_000, rng)
    stable = confusion_rates(np.eye(3)[f.argmax(axis=1)].T @ np.eye(3)[y])
    drifting = stable.copy()
    drifting[:, 0] = 0.75 * stable[:, 0] + 0.25 * stable[:, 2]
    lines = ["| classifier | method | gold | bias of the jump | RMSE |", "|---|---|---|---|---|"]
    for name, late in (("same errors", stable), ("errors change", drifting)):
        joints = [stable * before, late * after]
        counts = [rng.multinomial(POSTS, joint.sum(axis=1), asked.repetitions) for joint in joints]
        gold = [rng.multinomial(n // 2, joint.ravel(), asked.repetitions).reshape(-1, 3, 3) for joint in joints]
        placed = {
            "in each window": gold,
            "pooled": [gold[0] + gold[1]] * 2,
            "before the event alone": [rng.multinomial(n, joints[0].ravel(), asked.repetitions).reshape(-1, 3, 3)] * 2,
        }
        for where, tables in placed.items():
            made = {
                "poststrat": [poststrat(c, g) for c, g in zip(counts, tables, strict=True)],
                "ppi": [ppi_of(Moments.of_counts(c, g)) for c, g in zip(counts, tables, strict=True)],
                "acc": [acc(c, g) for c, g in zip(counts, tables, strict=True)],
            }
            if where == "pooled":
                made["cc"] = [cc(c) for c in counts]
            for method, (first, second) in made.items():
                off = second[:, 0] - first[:, 0] - 0.20
                given = "none" if method == "cc" else where
                lines.append(f"| {name} | {method} | {given} | {off.mean():+.3f} | {np.sqrt((off**2).mean()):.3f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--gold", type=int, nargs="+", default=[100, 500, 2000])
    parser.add_argument("--shifts", nargs="*", choices=SHIFTS, default=list(SHIFTS))
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    for shift in asked.shifts:
        began = time.perf_counter()
        known = {side: truth(shift, side)[0] for side in PRIORS}
        made = table(shift, asked)
        print(
            f"**{shift} shift**: A {known['A']:.3f}, A - B {known['A'] - known['B']:.3f}; {asked.repetitions} "
            f"repetitions, seed {asked.seed}, {time.perf_counter() - began:.0f} s\n\n{made}\n",
            flush=True,
        )
    print(f"**how gold is chosen**: 500 labels, prior shift, side A; seed {asked.seed}\n\n{selection_table(asked)}\n")
    print(f"**where gold lies**: 400 labels, a jump of 0.20; seed {asked.seed}\n\n{event_table(asked)}\n")


if __name__ == "__main__":
    main()
