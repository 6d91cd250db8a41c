from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import SchemaError
from discourse.estimators.quantify import cc
from discourse.estimators.stratified import poststrat
from discourse.measure.prevalence import Prevalence, prevalence
from discourse.measure.tallies import PREDICTED, SCALE, Design, Tallies, tally
from discourse.schema import FRAMES

NATIONALIST, CONCILIATORY, BOTH, NEITHER, ABSTAIN = range(5)
GOLD_ROW = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any)


def test_the_order_of_classes() -> None:
    assert PREDICTED == ("nationalist", "conciliatory", "both", "neither", "abstain")


def given_tallies(counts: np.ndarray, gold: np.ndarray, replicates: int = 3) -> Tallies:
    """Tallies of whole posts, (t, s, j) and (t, s, j, k), the same in every replicate."""
    t, s = counts.shape[:2]
    design = Design(tuple(f"w{i}" for i in range(t)), tuple(f"s{i}" for i in range(s)), "post", replicates)
    posts = counts.sum(axis=-1).reshape(-1).astype(np.int64)
    return replace(
        Tallies.empty(design),
        counts=np.repeat(counts.reshape(t * s, 5, 1), 1 + replicates, axis=-1).astype(np.int64) * SCALE,
        gold=np.repeat(gold.reshape(t * s, 5, 4, 1), 1 + replicates, axis=-1).astype(np.int64) * SCALE,
        n_posts=posts,
        n_authors=posts,
        sum_sizes=posts,
        sum_squares=posts,
        n_gold=gold.sum(axis=-1).reshape(t * s, 5).astype(np.int64),
    )


def slow_poststrat(counts: list[float], gold: list[list[float]]) -> list[float]:
    made = [0.0] * len(gold[0])
    for j, n in enumerate(counts):
        for k in range(len(made)):
            if n:
                made[k] += n / sum(counts) * gold[j][k] / sum(gold[j])
    return made


@settings(deadline=None, max_examples=80)
@given(st.lists(st.integers(0, 90), min_size=5, max_size=5).filter(any), st.lists(GOLD_ROW, min_size=5, max_size=5))
def test_post_stratified_is_the_slow_loop(counts: list[int], gold: list[list[int]]) -> None:
    expected = slow_poststrat([float(n) for n in counts], [[float(x) for x in row] for row in gold])
    assert sum(expected) == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(poststrat(np.array(counts, float), np.array(gold, float)), expected, atol=1e-12)
    whole = prevalence(given_tallies(np.array(counts).reshape(1, 1, 5), np.array(gold).reshape(1, 1, 5, 4)))
    for replicate in range(4):
        np.testing.assert_allclose(whole.values[0, 0, :, replicate], expected, atol=1e-9)
    assert not whole.borrowed.any()


@settings(deadline=None, max_examples=40)
@given(GOLD_ROW, st.integers(1, 99), st.integers(0, 4))
def test_a_constant_classifier_leaves_the_plain_gold_share(row: list[int], n: int, j: int) -> None:
    counts, gold = np.zeros((1, 1, 5), int), np.zeros((1, 1, 5, 4), int)
    counts[..., j], gold[..., j, :] = n, row
    made = prevalence(given_tallies(counts, gold)).values[0, 0, :, 0]
    np.testing.assert_allclose(made, np.array(row) / sum(row), atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 90), min_size=4, max_size=4).filter(any))
def test_a_perfect_classifier_makes_both_methods_one(counts: list[int]) -> None:
    gold = np.zeros((1, 1, 5, 4), int)
    gold[0, 0, :4] = 7 * np.eye(4, dtype=int)
    made = given_tallies(np.array([*counts, 0]).reshape(1, 1, 5), gold)
    corrected, counted = prevalence(made), prevalence(made, method="cc")
    np.testing.assert_allclose(corrected.values, counted.values, atol=1e-9)
    np.testing.assert_allclose(counted.values[0, 0, :, 0], np.array(counts) / sum(counts), atol=1e-12)


def test_abstentions_stay_in_the_denominator() -> None:
    counts, gold = np.zeros((1, 1, 5), int), np.zeros((1, 1, 5, 4), int)
    counts[0, 0, [NATIONALIST, ABSTAIN]] = 30, 10
    gold[0, 0, NATIONALIST, NATIONALIST] = 5
    gold[0, 0, ABSTAIN] = [1, 0, 0, 3]
    made = given_tallies(counts, gold)
    np.testing.assert_allclose(prevalence(made).values[0, 0, :, 0], [0.75 + 0.25 / 4, 0, 0, 0.75 / 4], atol=1e-12)
    assert prevalence(made, method="cc").values[0, 0, :, 0].tolist() == [1.0, 0.0, 0.0, 0.0]


def fallback_case() -> Tallies:
    """Two windows, two sides; every cell has one post in each of five predicted classes."""
    gold = np.zeros((2, 2, 5, 4), int)
    gold[0, 0, NATIONALIST] = [4, 0, 0, 0]  # window 0, side 0
    gold[1, 0, NATIONALIST] = [0, 2, 0, 0]  # window 1, side 0
    gold[0, 1, NATIONALIST] = [0, 0, 6, 0]  # window 0, side 1
    gold[0, 0, CONCILIATORY] = [1, 3, 0, 0]  # side 0 alone, in window 0 alone
    gold[1, 1, NEITHER] = [0, 0, 0, 4]  # side 1 alone, in window 1 alone
    return given_tallies(np.ones((2, 2, 5), int), gold)


ALL_GOLD = np.array([5.0, 5.0, 6.0, 4.0]) / 20.0
NAT = {
    "window": {
        (0, 0): [1, 0, 0, 0],
        (1, 0): [0, 1, 0, 0],
        (0, 1): [0, 0, 1, 0],
        (1, 1): [0, 0, 1, 0],  # from its side, not from all
    },
    "side": {
        (0, 0): [4 / 6, 2 / 6, 0, 0],
        (1, 0): [4 / 6, 2 / 6, 0, 0],
        (0, 1): [0, 0, 1, 0],
        (1, 1): [0, 0, 1, 0],
    },
    "all": {at: [4 / 12, 2 / 12, 6 / 12, 0] for at in [(0, 0), (1, 0), (0, 1), (1, 1)]},
}


@pytest.mark.parametrize("within", ["window", "side", "all"])
def test_rates_are_borrowed_from_the_side_then_from_all_then_from_the_mix(within: str) -> None:
    made = prevalence(fallback_case(), gold_within=within)
    conciliatory, neither = np.array([0.25, 0.75, 0, 0]), np.array([0, 0, 0, 1.0])
    for (t, s), nationalist in NAT[within].items():
        # Nobody ever coded a post predicted `both` or abstained: they take the mix of all gold.
        expected = (np.array(nationalist) + conciliatory + neither + 2 * ALL_GOLD) / 5
        for replicate in range(4):
            np.testing.assert_allclose(made.values[t, s, :, replicate], expected, atol=1e-9)
    assert made.borrowed.all()
    expected_n = {"window": [[8, 6], [2, 4]], "side": [[10, 10], [10, 10]], "all": [[20, 20], [20, 20]]}
    assert made.n_gold.tolist() == expected_n[within]
    assert made.gold_within == within


def test_borrowing_is_flagged_only_where_posts_need_it() -> None:
    counts, gold = np.zeros((2, 2, 5), int), np.zeros((2, 2, 5, 4), int)
    counts[..., NATIONALIST] = 9
    counts[1, 0, NEITHER] = 1
    gold[:, :, NATIONALIST, NATIONALIST] = 1
    gold[1, 1, NATIONALIST] = 0
    made = given_tallies(counts, gold)
    assert prevalence(made).borrowed.tolist() == [[False, False], [True, True]]
    assert prevalence(made, gold_within="side").borrowed.tolist() == [[False, False], [True, False]]
    assert prevalence(made, gold_within="all").borrowed.tolist() == [[False, False], [True, False]]
    assert not prevalence(made, method="cc").borrowed.any()


def test_cells_without_posts_and_samples_without_gold_have_no_share() -> None:
    counts, gold = np.zeros((2, 1, 5), int), np.zeros((2, 1, 5, 4), int)
    counts[0, 0, NEITHER] = 3
    assert np.isnan(prevalence(given_tallies(counts, gold)).values).all()
    gold[0, 0, NEITHER, NEITHER] = 1
    made = prevalence(given_tallies(counts, gold))
    assert made.values[0, 0, :, 0].tolist() == [0, 0, 0, 1]
    assert np.isnan(made.values[1]).all()
    assert not made.borrowed.any()


def test_post_stratified_has_no_answer_for_a_class_without_gold() -> None:
    assert np.isnan(poststrat(np.array([1.0, 1.0]), np.array([[1.0, 1.0], [0.0, 0.0]]))).all()
    assert poststrat(np.array([1.0, 0.0]), np.array([[1.0, 1.0], [0.0, 0.0]])).tolist() == [0.5, 0.5]
    assert np.isnan(poststrat(np.zeros(2), np.ones((2, 2)))).all()


def test_classify_and_count_of_abstentions_alone_is_unknown() -> None:
    assert np.isnan(cc(np.array([0.0, 0, 0, 0, 4]), 4)).all()


Coded = tuple[str, str, str | None, float | None]


def posts(rows: list[Coded]) -> pl.DataFrame:
    schema = {"author_id": pl.String, "predicted": pl.String, "value": pl.String, "inclusion_p": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(window=pl.lit("w"), side=pl.lit("s"))


def estimate(rows: list[Coded], weight: str) -> list[float]:
    made = tally(posts(rows), Design(("w",), ("s",), weight=weight, replicates=2, seed=0))
    return [float(x) for x in prevalence(made).values[0, 0, :, 0]]


def test_unequal_chances_by_hand() -> None:
    rows: list[Coded] = [
        ("x:a", "neither", "nationalist", 0.5),  # stands for 2
        ("x:b", "neither", "neither", 0.25),  # stands for 4
        ("x:c", "neither", None, None),
        ("x:d", "both", "both", 0.1),  # another class: its weight must not leak into the first
    ]
    # 3 of 4 posts are predicted neither, of which 2 / 6 are nationalist; the rest is both.
    assert estimate(rows, "post") == pytest.approx([0.75 / 3, 0, 0.25, 0.75 * 2 / 3], abs=1e-9)


def test_author_weights_and_chances_by_hand() -> None:
    rows: list[Coded] = [
        ("x:a", "neither", "nationalist", 0.5),  # half a post, stands for 1
        ("x:a", "both", None, None),
        ("x:b", "neither", "neither", 0.25),  # stands for 4
        ("x:c", "both", "both", 1.0),
    ]
    # Of three authors 1.5 are predicted neither and 1.5 both.
    assert estimate(rows, "author") == pytest.approx([0.5 / 5, 0, 0.5, 0.5 * 4 / 5], abs=1e-9)


def test_weighted_gold_is_unbiased_where_unweighted_gold_is_not() -> None:
    rng = np.random.default_rng(5)
    n, draws = 1000, 300
    true = rng.choice(4, size=n, p=[0.3, 0.2, 0.1, 0.4])
    predicted = np.where(rng.random(n) < 0.7, true, rng.choice(4, size=n))
    chance = np.where((true == NATIONALIST) == (rng.random(n) < 0.8), 0.4, 0.15)  # coders were shown the loud ones
    words = np.array(FRAMES)
    base = posts([(f"x:{i}", str(words[j]), None, None) for i, j in enumerate(predicted)])
    base = base.with_columns(all_values=pl.Series(words[true]), p=pl.Series(chance))
    design = Design(("w",), ("s",), weight="post", replicates=1, seed=0)
    weighted, plain = [], []
    for _ in range(draws):
        drawn = pl.Series(rng.random(n) < chance)
        coded = base.with_columns(value=pl.when(drawn).then("all_values"))
        for made, p in ((weighted, pl.col("p")), (plain, pl.lit(1.0))):
            shares = prevalence(tally(coded.with_columns(inclusion_p=p), design))
            made.append(shares.values[0, 0, NATIONALIST, 0])
    truth = (true == NATIONALIST).mean()
    error = np.std(weighted, ddof=1) / math.sqrt(draws)
    assert abs(np.mean(weighted) - truth) < 3 * error
    assert abs(np.mean(plain) - truth) > 10 * error


def scarce(n: int, nationalist: int) -> Tallies:
    """One cell with n coded posts of as many authors, all predicted neither, and one with as many of each frame."""
    words = ["nationalist"] * nationalist + ["neither"] * (n - nationalist)
    here = posts([(f"x:{i}", "neither", word, 1.0) for i, word in enumerate(words)])
    there = posts([(f"x:t{i}", "neither", FRAMES[i % 4], 1.0) for i in range(40)])
    both = pl.concat([here, there.with_columns(window=pl.lit("v"))])
    return tally(both, Design(("w", "v"), ("s",), weight="post", replicates=3000, seed=1))


@pytest.mark.parametrize(("n", "nationalist"), [(8, 3), (15, 6), (40, 12)])
def test_replicates_of_scarce_gold_are_as_wide_as_its_variance(n: int, nationalist: int) -> None:
    made = prevalence(scarce(n, nationalist)).values[0, 0]
    p = nationalist / n
    assert made[NATIONALIST, 0] == pytest.approx(p, abs=1e-12)
    np.testing.assert_allclose(made.sum(axis=0), 1.0, atol=1e-9)
    # The unbiased variance of a share of n labels is p (1 - p) / (n - 1); one draw of it has 3000 replicates.
    assert 0.85 < made[NATIONALIST, 1:].var() / (p * (1 - p) / (n - 1)) < 1.3


def test_ten_labels_of_one_kind_are_no_certainty() -> None:
    made = prevalence(scarce(10, 10)).values[0, 0, NATIONALIST]
    assert made[0] == 1.0
    assert np.quantile(made[1:], 0.025) < 0.9
    assert np.array_equal(made, prevalence(scarce(10, 10)).values[0, 0, NATIONALIST])


def test_one_replicate_is_enough_for_an_estimate() -> None:
    made = prevalence(tally(posts([("x:a", "both", "both", 1.0)]), Design(("w",), ("s",), replicates=1)))
    assert made.values[0, 0, :, 0].tolist() == [0, 0, 1, 0]


def test_what_each_estimate_assumes() -> None:
    made = fallback_case()
    assert prevalence(made).assumes == "random_gold"
    assert prevalence(made, gold_within="side").assumes == "random_gold+errors_stable_over_time"
    assert prevalence(made, gold_within="all").assumes == "random_gold+errors_stable_over_time_and_sides"
    assert prevalence(made, method="cc", gold_within="side").assumes == "classifier_errors_cancel"
    assert not prevalence(made, method="cc").n_gold.any()


def test_unknown_options_are_told_the_known_ones() -> None:
    with pytest.raises(SchemaError) as caught:
        prevalence(fallback_case(), method="accc")
    assert str(caught.value).startswith("method is 'accc'; it must be 'poststrat', 'dsl', 'ppi', 'ppi++', 'acc', ")
    with pytest.raises(SchemaError) as caught:
        prevalence(fallback_case(), gold_within="windows")
    assert str(caught.value) == (
        "gold_within is 'windows'; it must be 'window', 'side' or 'all'. Did you mean 'window'?"
    )
    with pytest.raises(SchemaError, match=r"^frame is 'abstain'; it must be 'nationalist', "):
        Prevalence("abstain")


@pytest.mark.parametrize("frame", FRAMES)
def test_a_measure_is_a_small_value(frame: str) -> None:
    measure = Prevalence(frame)
    assert repr(measure) == f"Prevalence('{frame}')"
    assert measure == Prevalence(frame)
    assert measure.bounds == (0.0, 1.0)
    assert measure.of(np.arange(8.0).reshape(2, 4)).tolist() == [FRAMES.index(frame), 4.0 + FRAMES.index(frame)]


def test_an_interval_holds_its_estimate_even_where_no_gold_label_has_the_frame() -> None:
    # Estimate 0, replicates above it; a middle estimate; no estimate at all.
    shares = np.zeros((3, 5, 4))
    shares[0, 1:, 0] = [0.1, 0.2, 0.3, 0.4]
    shares[1, :, 0] = [0.25, 0.1, 0.2, 0.3, 0.4]
    shares[2] = np.nan
    estimate, low, high = Prevalence("nationalist").interval(shares)
    assert (estimate[0], low[0]) == (0.0, 0.0)
    assert high[0] == pytest.approx(0.3925)  # 97.5 % of four replicates from 0.1 to 0.4
    assert (low[1], high[1]) == (pytest.approx(0.1075), pytest.approx(0.3925))
    assert np.isnan([estimate[2], low[2], high[2]]).all()
