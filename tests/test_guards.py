from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import SchemaError, UsageError
from discourse.estimators.guards import (
    CONDITION,
    GAIN,
    MIN_N_EFF,
    Guard,
    classifier_adds_nothing,
    gold_missing,
    labels_needed,
    near_singular,
    pooled_over_event,
    prior_shift_assumed,
    raised,
    small_sample,
)
from discourse.estimators.quantify import acc, condition_number
from discourse.estimators.stratified import gold_only, poststrat
from discourse.sampling.budget import plan_labels, predicted_width


@settings(deadline=None, max_examples=12)
@given(
    st.lists(st.tuples(st.floats(0.02, 0.98), st.floats(0.05, 1.0)), min_size=1, max_size=5),
    st.floats(0.02, 0.2), st.floats(1.0, 3.0), st.sampled_from([0.9, 0.95]),
)  # fmt: skip
def test_labels_needed_are_those_of_the_planner(
    cells: list[tuple[float, float]], half: float, deff: float, level: float
) -> None:
    import polars as pl

    rates, sizes = (np.array(column) for column in zip(*cells, strict=True))
    shares = sizes / sizes.sum()
    made = labels_needed(half, rates, shares, deff=deff, level=level)
    rows = {"stratum": [f"c{i}" for i in range(len(rates))], "rate": rates, "weight": shares}
    planned = plan_labels(pl.DataFrame(rows), 2 * half, design="random", deff=deff, level=level)["n"].sum()
    assert max(made, 2) == planned
    # And by the width that the planner predicts: enough, and not one too many.

    def width(n: int) -> float:
        table = predicted_width(pl.DataFrame(rows), n, design="random", deff=deff, level=level)
        return float(table["width"][0])

    assert width(made) <= 2 * half + 1e-9
    assert made <= 2 or width(made - 1) > 2 * half - 1e-9


def test_labels_needed_by_hand() -> None:
    # 1.96^2 p (1 - p) / h^2
    assert [labels_needed(h) for h in (0.05, 0.10)] == [385, 97]
    assert labels_needed(0.05, 0.2) == 246
    assert labels_needed(0.05, 0.2, deff=2.0) == 492
    assert labels_needed(0.05, 0.0) == 1
    assert labels_needed(0.1, 0.5, level=0.5) == 12  # .6745^2 / 4 / .01 = 11.4


@pytest.mark.parametrize(
    ("half", "rates", "shares", "rest", "said"),
    [
        (0.0, 0.5, 1.0, (1.0, 0.95), "half_width is 0.0, level 0.95 and deff 1.0; half_width and level must lie betw"),
        (5.0, 0.5, 1.0, (1.0, 0.95), "half_width is 5.0, level"),
        (0.05, 0.5, 1.0, (0.0, 0.95), "half_width is 0.05, level 0.95 and deff 0.0"),
        (0.05, 0.5, 1.0, (1.0, 95.0), "half_width is 0.05, level 95.0"),
        (0.05, 1.5, 1.0, (1.0, 0.95), "rates must lie from 0 to 1, and shares must not be below 0 and must sum to 1$"),
        (0.05, [0.5, 0.5], [0.5, 0.6], (1.0, 0.95), "rates must lie from 0 to 1"),
        (0.05, [0.5, 0.5], [1.5, -0.5], (1.0, 0.95), "rates must lie from 0 to 1"),
    ],
)
def test_numbers_out_of_range_are_refused(
    half: float, rates: object, shares: object, rest: tuple[float, float], said: str
) -> None:
    with pytest.raises(UsageError, match=f"^{said}"):
        labels_needed(half, rates, shares, deff=rest[0], level=rest[1])  # type: ignore[arg-type]


def test_no_gold() -> None:
    assert gold_missing(1, "x") is None
    guard = gold_missing(0, "the week of 2025-01-06 of pakistan")
    assert guard == Guard(
        "no_gold",
        "There is no gold label in the week of 2025-01-06 of pakistan, so nothing there corrects the classifier; "
        "385 random labels would give plus or minus 5 points, 97 plus or minus 10.",
        385,
    )
    helped = gold_missing(0, "x", [0.8, 0.05], [0.2, 0.8], deff=1.5)
    assert helped is not None
    assert helped.labels == labels_needed(0.05, [0.8, 0.05], [0.2, 0.8], deff=1.5)
    assert f", {labels_needed(0.10, [0.8, 0.05], [0.2, 0.8], deff=1.5)} plus or minus 10." in helped.sentence


@pytest.mark.parametrize(
    ("n_gold", "event", "pooled", "said"),
    [
        ([50, 50, 50, 50], 2, True, "are pooled over the event, which"),
        ([50, 0, 0, 50], 2, True, "are pooled over the event, which"),
        ([50, 50, 0, 0], 2, False, "lie before the event alone and speak for the time after it too, which"),
        ([50, 50, 0, 0], 2, True, "lie before the event alone and speak for the time after it too, which"),
        ([0, 0, 0, 9], 2, False, "lie after the event alone and speak for the time before it too, which"),
        ([50, 0, 0, 50], 2, False, None),
        ([50, 50, 50, 50], 0, True, None),
        ([50, 50, 50, 50], 4, True, None),
        ([0, 0, 0, 0], 2, True, None),
    ],
)
def test_gold_pooled_over_an_event(n_gold: list[int], event: int, pooled: bool, said: str | None) -> None:
    guard = pooled_over_event(n_gold, event, pooled=pooled)
    if said is None:
        assert guard is None
        return
    assert guard is not None
    assert guard.flag == "gold_pooled_over_event"
    assert guard.sentence == (
        f"The gold labels of this side {said} is worse than no correction: a true jump shrinks, because what a "
        "predicted class holds changes with the event; code 97 random labels in each window that is compared (plus or "
        "minus 10 points)."
    )
    assert guard.labels == 97


@pytest.mark.parametrize("event", [-1, 5])
def test_an_event_lies_among_the_windows(event: int) -> None:
    with pytest.raises(
        UsageError, match=rf"^n_gold has the shape \(4,\) and event is {event}; give the labels of each"
    ):
        pooled_over_event([1, 1, 1, 1], event, pooled=True)


def test_pooled_gold_is_worse_than_none() -> None:
    """The claim of the sentence, without sampling: a jump of 0.20 at an event, one classifier for both windows."""
    m = np.array([[0.75, 0.15], [0.25, 0.85]])
    before, after = np.array([0.25, 0.75]), np.array([0.45, 0.55])
    counts = [m @ before, m @ after]
    gold = [m * before, m * after]
    jump = {
        "counted": counts[1][0] - counts[0][0],
        "pooled": poststrat(counts[1], gold[0] + gold[1])[0] - poststrat(counts[0], gold[0] + gold[1])[0],
        "before alone": poststrat(counts[1], gold[0])[0] - poststrat(counts[0], gold[0])[0],
        "own": poststrat(counts[1], gold[1])[0] - poststrat(counts[0], gold[0])[0],
    }
    assert jump["own"] == pytest.approx(0.20)
    assert jump["pooled"] < jump["counted"] - 0.02 < 0.12
    assert jump["before alone"] < jump["counted"] - 0.02


def test_near_singular_confusion() -> None:
    assert near_singular([50, 50], [[80, 10], [20, 90]]) is None
    weak = [[52, 48], [48, 52]]
    guard = near_singular([5_000, 5_000], weak)
    assert guard is not None
    assert guard.flag == "near_singular"
    # By hand: (p^2 + (1-p)^2) .52 .48 / 100 / .04^2 with p = 1/2, scaled to (.05 / 1.96)^2.
    assert guard.labels == pytest.approx(200 * 0.5 * 0.2496 / 100 / 0.0016 * (1.959964 / 0.05) ** 2, rel=1e-3)
    assert "condition number 25.0, above 10" in guard.sentence
    assert f"{guard.labels:,} labels would give plus or minus 5 points." in guard.sentence
    assert near_singular([5, 5], weak, threshold=30.0) is None
    edge = float(condition_number(weak))
    assert near_singular([5, 5], weak, threshold=edge) is None
    assert CONDITION == 10.0
    wider = near_singular([5_000, 5_000], weak, half_width=0.1)
    assert wider is not None
    assert wider.labels == pytest.approx((guard.labels or 0) / 4, abs=1)
    assert "plus or minus 10 points." in wider.sentence


@pytest.mark.parametrize(
    ("table", "why"),
    [([[5, 5], [5, 5]], "two true classes are predicted alike"), ([[8, 0], [2, 0]], "a true class has no gold label")],
)
def test_a_confusion_that_cannot_be_turned_round(table: list[list[int]], why: str) -> None:
    guard = near_singular([5, 5], table)
    assert guard is not None
    assert guard.labels is None
    assert f"({why}), so acc has no answer here; use poststrat" in guard.sentence
    assert np.isnan(acc([5, 5], table)).all()


def test_the_promised_labels_bring_the_promised_width() -> None:
    """Confusion counts of so many labels, drawn anew: 95 % of adjusted shares lie within plus or minus 5 points."""
    rng = np.random.default_rng(3)
    m = np.array([[0.57, 0.47], [0.43, 0.53]])
    guard = near_singular([520, 480], 200 * m)
    assert guard is not None
    assert guard.labels is not None
    half = guard.labels // 2
    confusion = np.stack([rng.multinomial(half, column, 4_000) for column in m.T], axis=-1)
    made = acc([0.52, 0.48], confusion)[:, 0]
    assert (np.abs(made - 0.5) <= 0.05).mean() == pytest.approx(0.95, abs=0.02)


def test_a_classifier_that_adds_nothing() -> None:
    assert classifier_adds_nothing([500, 500], [[45, 5], [5, 45]]) is None
    guard = classifier_adds_nothing([500, 500], [[20, 30], [20, 30]])
    assert guard is not None
    assert guard.flag == "classifier_adds_nothing"
    assert 'use method="gold"' in guard.sentence
    assert guard.labels == 369  # 1.96^2 x .4 x .6 / .0025
    three = classifier_adds_nothing([500, 500], [[5, 15, 30], [5, 15, 30]])
    assert three is not None
    assert three.labels == 369  # the frame with 60 % needs most: 139, 323, 369
    # It is enough that one frame gains.
    assert classifier_adds_nothing([500, 500], [[25, 20, 5], [5, 20, 25]]) is None
    assert classifier_adds_nothing([500, 500], [[5, 0], [0, 0]]) is None  # nothing is known of a class
    assert GAIN == 0.02


def test_where_the_guard_speaks_gold_alone_is_as_certain() -> None:
    """Predictions that are noise: post-stratified shares spread no less than those of gold, and the guard says so."""
    rng = np.random.default_rng(6)
    joint = np.outer([0.3, 0.3, 0.4], [0.35, 0.65])
    gold = rng.multinomial(150, joint.ravel(), 3_000).reshape(-1, 3, 2)
    counts = rng.multinomial(20_000, joint.sum(axis=1), 3_000)
    assert poststrat(counts, gold)[:, 0].std() >= 0.99 * gold_only(gold)[:, 0].std()
    said = [classifier_adds_nothing(n, table) is not None for n, table in zip(counts[:300], gold[:300], strict=True)]
    assert np.mean(said) > 0.9


def test_prior_shift() -> None:
    for method in ("acc", "pacc", "sld"):
        guard = prior_shift_assumed(method)
        assert guard is not None
        assert guard.sentence.startswith(f"{method} is right only if posts of a frame look as they did where")
        assert (guard.flag, guard.labels) == ("prior_shift_assumed", 385)
        assert "; 385 random labels of this window and side would do without it." in guard.sentence
    for method in ("gold", "poststrat", "ppi", "ppi++", "dsl", "cc", "pcc"):
        assert prior_shift_assumed(method) is None
    with pytest.raises(SchemaError, match=r"^method is 'em'; it must be"):
        prior_shift_assumed("em")


def test_a_small_sample() -> None:
    assert small_sample(MIN_N_EFF, "x") is None
    assert small_sample(8.0, "x", at_least=8.0) is None
    guard = small_sample(29.99, "this window")
    assert guard == Guard(
        "n_eff_below_30",
        "The posts of this window weigh as 29.9 authors, fewer than 30, so its interval is not to be trusted; no "
        "number of labels mends that: join windows until they weigh as 30.",
    )
    unknown = small_sample(float("nan"), "x")
    assert unknown is not None
    assert unknown.sentence.startswith("The posts of x weigh as an unknown number of authors, so its interval")


def test_guards_are_listed_once_and_said_in_a_line() -> None:
    one, other = Guard("a", "One."), Guard("b", "Two.", 3)
    assert raised([None, one, other, Guard("a", "Again.", 9)]) == (one, other)
    assert raised([]) == ()
    assert str(other) == "b: Two."
