"""Two samples as arrays: scipy and slow loops as oracles, deals of authors, and false alarms counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from discourse.errors import MeaningError, UsageError
from discourse.judging.two_samples import TwoSamples, domain_auc, error_stability, ks, mmd

Floats = npt.NDArray[np.float64]
X = [0.12, 0.25, 0.31, 0.44, 0.52, 0.58, 0.63, 0.71, 0.85, 0.93]
Y = [0.22, 0.35, 0.48, 0.55, 0.61, 0.69, 0.74, 0.88, 0.91, 0.97, 0.99]
VALUES = st.lists(st.integers(0, 6), min_size=1, max_size=12)


def test_a_known_case() -> None:
    # scipy 1.17.1 and scikit-learn 1.9.1 with gamma = 8.
    made = ks(X, Y)
    assert float(made) == pytest.approx(0.2636363636363636, abs=1e-12)
    assert made.p == pytest.approx(0.73705474092471, abs=1e-12)
    assert float(mmd(X, Y, sigma=0.25)) == pytest.approx(-0.02818881081126201, abs=1e-12)
    assert float(mmd(X, Y, sigma=0.25, unbiased=False)) == pytest.approx(0.06317189448088212, abs=1e-12)
    assert made.unit == "value"
    assert made.n == (10, 11)


@given(VALUES, VALUES)
def test_the_largest_gap_is_that_of_the_definition_with_ties(x: list[int], y: list[int]) -> None:
    gaps = [abs(np.mean([one <= at for one in x]) - np.mean([one <= at for one in y])) for at in range(7)]
    assert float(ks(x, y)) == pytest.approx(max(gaps), abs=1e-12)
    assert 0.0 < (ks(x, y).p or 0.0) <= 1.0


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(2, 6), st.booleans())
def test_the_discrepancy_is_that_of_a_slow_loop(seed: int, n: int, m: int, unbiased: bool) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))

    def mean(a: Floats, b: Floats, same: bool) -> float:
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (same and unbiased and i == j)]
        return float(np.mean([np.exp(-((a[i] - b[j]) ** 2).sum() / (2 * 0.7**2)) for i, j in pairs]))

    wanted = mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)
    assert float(mmd(x, y, sigma=0.7, unbiased=unbiased)) == pytest.approx(wanted, abs=1e-10)


def test_the_width_is_the_median_distance_of_all_pairs() -> None:
    x, y = [0.0, 1.0], [3.0]  # distances 1, 2, 3
    assert float(mmd(x, y, unbiased=False)) == pytest.approx(float(mmd(x, y, sigma=2.0, unbiased=False)), abs=1e-12)
    assert float(mmd([1.0, 1.0], [1.0, 1.0])) == 0.0


def test_deals_of_values_give_the_exact_chance() -> None:
    assert ks(X, Y, seed=1, permutations=4_999).p == pytest.approx(0.73705474092471, abs=0.02)
    told = mmd([0.0, 0.1, 0.2, 0.3], [5.0, 5.1, 5.2, 5.3], seed=1, permutations=1_999)
    assert told.p == pytest.approx(2 / 70, abs=0.012)  # this deal of eight values and its mirror image
    assert mmd(X, Y).p is None


def test_authors_are_dealt_whole_and_those_of_both_samples_swap_their_parts() -> None:
    # Two authors, ten posts each: one deal of two is as far apart, however many posts there are.
    one, other = np.zeros(10), np.ones(10)
    names = (["a"] * 10, ["b"] * 10)
    assert ks(one, other, names, seed=1, permutations=99).p == 1.0
    assert (ks(one, other).p or 1.0) < 1e-4
    # Twenty people who all moved: a deal that is as far apart needs all coins alike, 2 of 2 ** 20.
    people = [f"p{i}" for i in range(20)]
    assert ks(np.zeros(20), np.ones(20), (people, people), seed=1, permutations=499).p == 1 / 500
    # And twenty who did not, be they as different from one another as may be.
    apart = np.arange(20.0)
    assert ks(apart, apart, (people, people), seed=1, permutations=99).p == 1.0


def window(rng: np.random.Generator, name: str) -> tuple[Floats, list[str]]:
    """Posts of 40 authors, some of whom post much, each with a level of their own."""
    many = np.minimum(1 + rng.pareto(1.1, 40).astype(int), 40)
    author = np.repeat(np.arange(40), many)
    values = rng.normal(0.0, 1.0, 40)[author] + rng.normal(0.0, 0.5, len(author))
    return values, [f"{name}{i}" for i in author]


def test_with_authors_false_alarms_are_as_rare_as_they_should_be_and_with_posts_they_are_not() -> None:
    alarms = np.zeros(4)
    for trial in range(60):
        rng = np.random.default_rng(trial)
        (x, a), (y, b) = window(rng, "x"), window(rng, "y")
        with_authors = [one(x, y, (a, b), permutations=19, seed=trial).p for one in (ks, mmd)]
        without = [ks(x, y).p, mmd(x, y, permutations=19, seed=trial).p]
        alarms += [p is not None and p <= 0.05 for p in (*with_authors, *without)]
    assert (alarms[:2] <= 10).all()  # 3 are expected, 10 or fewer in 99.9 of 100
    assert (alarms[2:] >= 24).all()


def test_features_that_tell_the_samples_apart_are_found_and_others_are_not() -> None:
    rng = np.random.default_rng(3)
    names = ([f"a{i % 90}" for i in range(300)], [f"b{i % 90}" for i in range(300)])
    x, y = rng.normal(0, 1, (300, 3)), rng.normal([1.5, 0, 0], 1, (300, 3))
    apart, alike = domain_auc(x, y, names, seed=1), domain_auc(x, rng.normal(0, 1, (300, 3)), names, seed=1)
    # Two normal distributions 1.5 apart: the area is Phi(1.5 / sqrt 2) = 0.856.
    assert apart.value == pytest.approx(stats.norm.cdf(1.5 / np.sqrt(2)), abs=0.05)
    assert apart.p is not None
    assert apart.p < 1e-6
    assert alike.value == pytest.approx(0.5, abs=0.1)
    assert alike.p is not None
    assert alike.p > 0.01
    # An author who is recognised by a mark of their own is nobody that the other half knows.
    marks = np.eye(180)
    own = domain_auc(marks[np.arange(300) % 90], marks[90 + np.arange(300) % 90], names, seed=1)
    assert own.value == 0.5
    few = domain_auc(x[:40], y[:40], ([f"a{i}" for i in range(40)], [f"b{i}" for i in range(40)]), seed=1)
    assert few.p is None


def test_the_order_of_rows_says_nothing() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(0, 1, 60), rng.normal(0.3, 1, 80)
    a, b = (np.array([f"{name}{i % 20}" for i in range(n)]) for name, n in (("x", 60), ("y", 80)))
    p, q = rng.permutation(60), rng.permutation(80)
    for of in (ks, mmd):
        assert of(x, y, seed=3, permutations=49) == of(x[p], y[q], seed=3, permutations=49)
        first, again = (of(*two, seed=3, permutations=49) for two in ((x, y, (a, b)), (x[p], y[q], (a[p], b[q]))))
        assert first.value == pytest.approx(again.value, abs=1e-12)
        assert first.p == again.p
    assert domain_auc(x, y, seed=3).value == pytest.approx(domain_auc(x[p], y[q], seed=3).value, abs=1e-9)


def labelled(rng: np.random.Generator, n: int, right: float) -> tuple[list[str], list[str]]:
    said = rng.choice(["war", "peace"], n)
    other = np.where(said == "war", "peace", "war")
    return said.tolist(), np.where(rng.random(n) < right, said, other).tolist()


def test_errors_that_change_are_found_and_those_that_do_not_are_not() -> None:
    rng = np.random.default_rng(2)
    before, after, worse = labelled(rng, 300, 0.9), labelled(rng, 300, 0.9), labelled(rng, 300, 0.6)
    same, changed = error_stability(before, after, seed=1), error_stability(before, worse, seed=1)
    assert changed["rate"].to_list() == ["precision", "precision", "recall", "recall"]
    assert changed["class"].to_list() == ["peace", "war"] * 2
    assert (changed["p_holm"] < 0.01).all()
    assert (same["p_holm"] > 0.05).all()
    said, true = (np.array(one) for one in before)
    now, known = (np.array(one) for one in worse)
    by_hand = abs((true[said == "war"] == "war").mean() - (known[now == "war"] == "war").mean())
    row = changed.filter(rate="precision").row(1, named=True)
    assert row["moved"] == pytest.approx(by_hand)
    assert (row["n_reference"], row["n_current"]) == ((said == "war").sum(), (now == "war").sum())


def test_gold_of_few_authors_is_not_tested_and_chances_weigh() -> None:
    rng = np.random.default_rng(2)
    before, worse = labelled(rng, 300, 0.9), labelled(rng, 300, 0.6)
    names = [f"a{i % 20}" for i in range(300)]
    few = error_stability(before, worse, (names, names), seed=1)
    assert few["p"].null_count() == few.height
    said = ["war"] * 4
    weighed = error_stability((said, ["war", "war", "war", "peace"]), (said, ["war"] * 4),
                              weights=([1.0, 1.0, 1.0, 3.0], [1.0] * 4), seed=1)  # fmt: skip
    assert weighed.filter(rate="precision")["moved"].to_list() == [0.5]
    # A class that one window lacks has nothing to be held against.
    gone = error_stability((said, said), (["peace"] * 4, ["peace"] * 4), seed=1)
    assert gone["moved"].null_count() == gone["p"].null_count() == gone.height == 4


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ks([], [1.0]), MeaningError, "the samples hold 0 and 1 values; both need some"),
        (lambda: ks([[1.0]], [1.0]), UsageError, "the samples have the shapes (1, 1) and (1,); give one row"),
        (lambda: ks([1.0], [2.0], (["a"], ["b"])), UsageError, "authors are dealt to the samples anew at random; give"),
        (lambda: ks([1.0], [2.0], (["a"], []), seed=1), UsageError, "the samples hold 1 and 1 values; give the author"),
        (lambda: ks([1.0], [2.0], seed=1, permutations=0), UsageError, "permutations is 0; give 99 or more"),
        (lambda: mmd([1.0], [[1.0, 2.0]]), UsageError, "the samples have 1 and 2 features; give the same of both"),
        (lambda: mmd([1.0], [2.0], sigma=0.0), UsageError, "sigma is 0.0; it must be above 0"),
        (lambda: mmd([np.nan], [2.0]), UsageError, "a sample has the shape (1,); give numbers"),
        (lambda: mmd(np.zeros(5_000), [2.0]), UsageError, "there are 5,001 values; mmd compares at most 5,000"),
        (lambda: domain_auc([1.0], [2.0], seed=1), MeaningError, "one half of the authors has posts of one sample"),
        (lambda: error_stability((["a"], []), (["a"], ["a"]), seed=1), UsageError, "predicted has the shape (1,) and"),
        (lambda: error_stability(([], []), (["a"], ["a"]), seed=1), MeaningError, "the samples hold 0 and 1 values"),
        (lambda: error_stability((["a"], ["a"]), (["a"], ["a"]), weights=([1.0], [0.0]), seed=1), UsageError,
         "weights hold 2 numbers for 2 posts; give one above 0 for each"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_what_stands_in_a_row() -> None:
    assert repr(TwoSamples("MMD^2", 0.1, None, "value", (2, 3))) == "MMD^2 0.100, no p (2 and 3 values, by value)"
    assert "p below 0.001" in repr(TwoSamples("KS", 0.5, 0.0004, "value", (2, 3)))
