from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from discourse.errors import MeaningError, UsageError
from discourse.estimators.crossfit import cross_fit, dsl_cross_fitted
from discourse.estimators.powered import dsl

Floats = npt.NDArray[np.float64]


def world(seed: int, authors: int = 200) -> tuple[Floats, npt.NDArray[np.bool_], Floats, Floats, npt.NDArray[np.int64]]:
    """Scores, labelled, truth (one-hot of 2), chances and authors; the true share of the first class is 0.3."""
    rng = np.random.default_rng(seed)
    m = rng.integers(1, 7, authors)
    author = np.repeat(np.arange(authors), m)
    true = (rng.random(len(author)) >= rng.beta(0.9, 2.1, authors)[author]).astype(int)
    score = 1.0 - true + 0.6 * rng.standard_normal(len(author))
    pi = np.clip(0.2 + 0.3 * score, 0.08, 0.8)
    return score[:, None], rng.random(len(author)) < pi, np.eye(2)[true], pi, author


def test_a_post_is_predicted_without_the_gold_of_its_author() -> None:
    """When the labels of one author change, predictions of that author's posts do not."""
    x, labelled, y, pi, author = world(1)
    before = cross_fit(x, labelled, y, pi, seed=5, author=author)
    chosen = author[np.flatnonzero(labelled)[0]]
    other = y.copy()
    other[author == chosen] = 1.0 - other[author == chosen]
    after = cross_fit(x, labelled, other, pi, seed=5, author=author)
    np.testing.assert_array_equal(before[author == chosen], after[author == chosen])
    assert (before != after).any(axis=1).mean() > 0.5
    hidden = np.where(labelled[:, None], y, np.nan)
    np.testing.assert_array_equal(cross_fit(x, labelled, hidden, pi, seed=5, author=author), before)


def test_predictions_are_weighted_least_squares_of_the_other_folds() -> None:
    x, labelled, y, pi, author = world(2)
    made = cross_fit(x, labelled, y, pi, seed=5, author=author, folds=3)
    np.testing.assert_allclose(made.sum(axis=1), 1.0, atol=1e-9)
    columns = np.column_stack([np.ones(len(x)), x])
    fold_of_first = np.isclose(made[:, 0], columns @ np.linalg.lstsq(columns, made[:, 0], rcond=None)[0])
    assert not fold_of_first.all()  # three lines, not one
    slopes = {round(float(s), 9) for s in np.unique(np.round(_slopes(x[:, 0], made[:, 0], author), 9))}
    assert len(slopes) == 3


def _slopes(x: Floats, g: Floats, author: npt.NDArray[np.int64]) -> Floats:
    """The slope of the line that the posts of an author lie on, of authors with two posts or more."""
    found = []
    for one in np.unique(author):
        rows = np.flatnonzero(author == one)
        if len(rows) > 1 and abs(x[rows[0]] - x[rows[1]]) > 0.05:
            found.append((g[rows[0]] - g[rows[1]]) / (x[rows[0]] - x[rows[1]]))
    return np.round(np.array(found), 7)


def test_least_squares_by_numpy() -> None:
    """Two folds of four authors: whoever is in one is predicted from the labels of the other."""
    rng = np.random.default_rng(3)
    x, y, pi = rng.random((8, 1)), rng.random(8), rng.uniform(0.3, 1.0, 8)
    made = cross_fit(x, np.ones(8), y, pi, seed=9, folds=2)
    columns = np.column_stack([np.ones(8), x])
    ways = 0
    for mask in range(1, 255):
        first = np.array([bool(mask >> i & 1) for i in range(8)])
        if first.sum() != 4:
            continue
        expected = np.empty(8)
        for here in (first, ~first):
            root = 1 / np.sqrt(pi[~here])
            line = np.linalg.lstsq(columns[~here] * root[:, None], y[~here] * root, rcond=None)[0]
            expected[here] = columns[here] @ line
        ways += np.allclose(made, expected, atol=1e-5)
    assert ways == 2  # one split, seen from both sides


def test_the_order_of_rows_and_the_seed() -> None:
    x, labelled, y, pi, author = world(4)
    order = np.random.default_rng(0).permutation(len(x))
    made = cross_fit(x, labelled, y, pi, seed=5, author=author)
    again = cross_fit(x[order], labelled[order], y[order], pi[order], seed=5, author=author[order])
    np.testing.assert_allclose(again, made[order], atol=1e-9)
    assert np.abs(cross_fit(x, labelled, y, pi, seed=6, author=author) - made).max() > 1e-6


def test_the_median_over_splits() -> None:
    x, labelled, y, pi, author = world(5)
    one = dsl_cross_fitted(x, labelled, y, pi, seed=3, author=author, splits=1)
    assert one.method == "dsl"
    assert one.assumed == "known_inclusion_probabilities"
    assert one.n_gold == labelled.sum()
    many = dsl_cross_fitted(x, labelled, y, pi, seed=3, author=author, splits=7)
    assert many.value.sum() == pytest.approx(1.0, abs=1e-6)
    singles = [
        dsl(cross_fit(x, labelled, y, pi, seed=3 * 1_000_003 + s, author=author), labelled, y, pi, author=author)
        for s in range(7)
    ]
    values = np.stack([single.value for single in singles])
    np.testing.assert_allclose(many.value, np.median(values, axis=0), atol=1e-12)
    spread = np.median([single.se**2 + (single.value - many.value) ** 2 for single in singles], axis=0)
    np.testing.assert_allclose(many.se, np.sqrt(spread), atol=1e-12)
    df = len(np.unique(author[labelled])) - 1
    np.testing.assert_allclose(many.high - many.value, stats.t.ppf(0.975, df) * many.se, rtol=1e-9)


def test_intervals_hold_the_truth_and_are_narrower_than_those_of_gold() -> None:
    held, widths, repetitions = 0, [], 250
    for seed in range(repetitions):
        x, labelled, y, pi, author = world(seed)
        made = dsl_cross_fitted(x, labelled, y, pi, seed=1, author=author, splits=2)[0]
        alone = dsl(np.full(len(y), y[labelled, 0].mean()), labelled, y[:, 0], pi, author=author)
        held += bool(made.low <= 0.3 <= made.high)
        widths.append((float(made.se), float(alone.se)))
    assert 0.92 <= held / repetitions <= 0.98
    mean = np.array(widths).mean(axis=0)
    assert mean[0] < 0.95 * mean[1]


def test_what_cannot_be_split_is_refused() -> None:
    x, labelled, y, pi, author = world(6)
    few = labelled & (author < 3)
    with pytest.raises(
        MeaningError, match=r"^there is gold of [123] authors for 5 folds; take 2 folds or more, each with"
    ):
        cross_fit(x, few, y, pi, seed=1, author=author)
    with pytest.raises(MeaningError, match=r"for 1 folds; take 2 folds or more"):
        cross_fit(x, labelled, y, pi, seed=1, author=author, folds=1)
    with pytest.raises(UsageError, match=r"^x has the shape \(\d+,\) and there are \d+ y"):
        cross_fit(x[:, 0], labelled, y, pi, seed=1)
    with pytest.raises(UsageError, match=r"^splits is 0; the folds must be dealt once or more$"):
        dsl_cross_fitted(x, labelled, y, pi, seed=1, splits=0)


def test_what_a_leak_would_look_like() -> None:
    """Predictions that saw each label hide their own error; those of other folds show it."""
    rng = np.random.default_rng(8)
    x, y = rng.standard_normal((60, 25)), rng.integers(0, 2, 60).astype(float)
    apart = cross_fit(x, np.ones(60), y, np.ones(60), seed=2)
    columns = np.column_stack([np.ones(60), x])
    leaking = columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
    assert np.square(y - leaking).mean() < 0.2 < np.square(y - apart).mean()
    assert math.isfinite(float(dsl_cross_fitted(x, np.ones(60), y, np.ones(60), seed=2).se))
