"""All ten methods in worlds whose shares are known: what shifts break, and what gold of the side itself repairs.

A post falls into one of seven cells; the classifier sees the cell. Posts, labels and Poisson replicates are therefore
tables of counts, and 400 repetitions with all their replicates are one call of each function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from discourse.estimators.estimate import Estimate, difference, from_replicates
from discourse.estimators.powered import Moments, dsl_of, ppi_of, ppi_plus_of
from discourse.estimators.quantify import acc, cc, pacc, pcc, sld
from discourse.estimators.stratified import gold_only, poststrat

Floats = npt.NDArray[np.float64]

REPETITIONS, REPLICATES, POSTS, GOLD = 400, 200, 8_000, 200
TRAINED = np.array([0.25, 0.20, 0.55])
# p(cell | true): nationalist, conciliatory, neither.
LOOKS = np.array([
    [0.42, 0.25, 0.02, 0.05, 0.05, 0.13, 0.08],
    [0.03, 0.06, 0.40, 0.25, 0.05, 0.13, 0.08],
    [0.04, 0.10, 0.02, 0.09, 0.45, 0.20, 0.10],
]).T  # fmt: skip
SCORES = LOOKS * TRAINED / (LOOKS * TRAINED).sum(axis=1, keepdims=True)
HARD = np.eye(3)[SCORES.argmax(axis=1)]
TALK = {"A": [0.30, 0.22, 0.05, 0.08, 0.08, 0.20, 0.07], "B": [0.05, 0.06, 0.30, 0.22, 0.10, 0.17, 0.10]}
MIX = {"A": [0.45, 0.10, 0.45], "B": [0.15, 0.30, 0.55]}
OF_THE_SIDE = ("gold", "poststrat", "ppi", "ppi++", "dsl")
FROM_TRAINING = ("acc", "pacc", "sld")


def joint(shift: str, side: str) -> Floats:
    """p(cell, true) of a side, (7, 3)."""
    if shift == "covariate":
        return np.asarray(SCORES * np.array(TALK[side])[:, None])
    looks = LOOKS.copy()
    if shift == "concept" and side == "B":
        looks[:, 0] = 0.5 * LOOKS[:, 0] + 0.5 * LOOKS[:, 2]  # nationalist posts of B look half like the others
    return np.asarray(looks * np.array(MIX[side]))


def drawn(p: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Counts of n posts, and their Poisson replicates: (repetitions, 1 + b, *shape of p)."""
    sample = rng.multinomial(n, p.ravel() / p.sum(), REPETITIONS)
    again = rng.poisson(sample[:, None], (REPETITIONS, REPLICATES, p.size))
    both = np.concatenate([sample[:, None], again], axis=1).astype(np.float64)
    return both.reshape(REPETITIONS, -1, *p.shape)


def by_class(table: Floats, x: Floats) -> Floats:
    """Sums of x (7, j) by true class, from counts (..., 7, 3): (..., j, 3)."""
    return np.asarray(np.einsum("...ck,cj->...jk", table, x))


def shares(posts: Floats, gold: Floats, source: Floats) -> dict[str, Floats]:
    """Shares (..., 3) by every method, from counts by cell (..., 7) and by cell and true class (..., 7, 3)."""
    counts, means = posts @ HARD, posts @ SCORES
    labels, n, big = gold.sum(axis=-2), gold.sum(axis=(-1, -2)), posts.sum(axis=-1)
    cells = gold.sum(axis=-1)
    fy = np.einsum("...ck,ck->...k", gold, SCORES)
    soft = Moments(n, labels, cells @ SCORES, cells @ SCORES**2, fy, big, means, posts @ SCORES**2)
    per_label = POSTS / GOLD
    known = Moments(n * per_label, labels * per_label, soft.gold_f * per_label, soft.gold_ff, fy, big, means, soft.ff)
    return {
        "gold": gold_only(by_class(gold, HARD)),
        "poststrat": poststrat(counts, by_class(gold, HARD)),
        "ppi": ppi_of(soft),
        "ppi++": ppi_plus_of(soft),
        "dsl": dsl_of(known),
        "acc": acc(counts, by_class(source, HARD)),
        "pacc": pacc(means, by_class(source, SCORES)),
        "sld": sld(SCORES, TRAINED, posts),
        "cc": cc(counts),
        "pcc": pcc(SCORES, posts),
    }


@dataclass(frozen=True)
class Found:
    """Of a method: the error of A's share and of A - B, and how often their intervals hold the truth."""

    share: float
    gap: float
    share_held: float
    gap_held: float


def judged(made: Estimate, truth: float) -> tuple[float, float]:
    return float((made.value - truth).mean()), float(((made.low <= truth) & (truth <= made.high)).mean())


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Found]:
    made: dict[tuple[str, str], Found] = {}
    for number, shift in enumerate(("prior", "covariate", "concept")):
        rng = np.random.default_rng([20, number])
        source = drawn(LOOKS * TRAINED, 2 * GOLD, rng)
        sides, truth = {}, {}
        for side in ("A", "B"):
            p = joint(shift, side)
            gold = drawn(p, GOLD, rng)
            posts = drawn(p.sum(axis=1), POSTS - GOLD, rng) + gold.sum(axis=-1)
            sides[side] = shares(posts, gold, source)
            truth[side] = float(p.sum(axis=0)[0])
        for method in sides["A"]:
            a, b = (from_replicates(sides[side][method][..., 0], method=method, seed=20) for side in ("A", "B"))
            one, gap = judged(a, truth["A"]), judged(difference(a, b), truth["A"] - truth["B"])
            made[shift, method] = Found(one[0], gap[0], one[1], gap[1])
    return made


@pytest.mark.parametrize("method", OF_THE_SIDE)
@pytest.mark.parametrize("shift", ["prior", "covariate", "concept"])
def test_gold_of_the_side_is_right_whatever_shifts(
    shift: str, method: str, found: dict[tuple[str, str], Found]
) -> None:
    made = found[shift, method]
    assert abs(made.share) < 0.006
    assert abs(made.gap) < 0.006
    assert 0.92 <= made.share_held <= 0.98
    assert 0.92 <= made.gap_held <= 0.98


@pytest.mark.parametrize("method", FROM_TRAINING)
def test_labels_from_training_are_right_under_prior_shift_alone(
    method: str, found: dict[tuple[str, str], Found]
) -> None:
    made = found["prior", method]
    assert abs(made.share) < 0.006
    assert abs(made.gap) < 0.006
    assert 0.92 <= made.share_held <= 0.98
    assert 0.92 <= made.gap_held <= 0.98
    for shift in ("covariate", "concept"):
        assert found[shift, method].gap > 0.04
        assert found[shift, method].gap_held < 0.6


@pytest.mark.parametrize("method", ["cc", "pcc"])
def test_counting_is_wrong_and_sure_of_it(method: str, found: dict[tuple[str, str], Found]) -> None:
    for shift in ("prior", "concept"):
        made = found[shift, method]
        assert made.share < -0.03
        assert made.gap < -0.03
        assert made.share_held < 0.05
        assert made.gap_held < 0.05
    # Scores that are right where the classifier was trained stay right when only the talk changes.
    assert abs(found["covariate", "pcc"].share) < 0.004


def test_errors_are_those_of_endless_samples(found: dict[tuple[str, str], Found]) -> None:
    """The same functions on the probabilities themselves give the bias without sampling."""
    for shift in ("prior", "covariate", "concept"):
        p = {side: joint(shift, side) for side in ("A", "B")}
        limit = {side: shares(one.sum(axis=1), one * GOLD / POSTS, LOOKS * TRAINED) for side, one in p.items()}
        for method in limit["A"]:
            bias = {side: limit[side][method][0] - p[side].sum(axis=0)[0] for side in p}
            if method in OF_THE_SIDE:
                assert bias["A"] == pytest.approx(0.0, abs=1e-12)
            assert found[shift, method].share == pytest.approx(bias["A"], abs=0.012)
            assert found[shift, method].gap == pytest.approx(bias["A"] - bias["B"], abs=0.02)
