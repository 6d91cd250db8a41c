"""Scores against scikit-learn, hand arithmetic and published reference values, plain and weighted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
)

from discourse.errors import MeaningError, UsageError
from discourse.judging.scores import (
    FLOOR,
    TemperatureScaling,
    aurc,
    average_precision,
    brier,
    calibration_excess,
    confusion_scores,
    ece,
    fit_temperature,
    frame_counts,
    frame_scores,
    macro,
    nll,
    risks,
    tempered,
)
from discourse.schema import FRAMES

PAIRS = st.lists(st.tuples(st.sampled_from(FRAMES), st.sampled_from(FRAMES)), min_size=1, max_size=40)


def matrix_of(pairs: list[tuple[str, str]]) -> np.ndarray:
    matrix = np.zeros((4, 4))
    for t, p in pairs:
        matrix[FRAMES.index(t), FRAMES.index(p)] += 1
    return matrix


@settings(deadline=None, max_examples=100)
@given(PAIRS)
def test_confusion_scores_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    true, predicted = zip(*pairs, strict=True)
    made = confusion_scores(matrix_of(pairs))
    present = [frame for frame in FRAMES if frame in true or frame in predicted]
    expected = f1_score(true, predicted, labels=present, average="macro", zero_division=0)
    assert float(made["macro_f1"]) == pytest.approx(expected)
    assert float(made["accuracy"]) == pytest.approx(accuracy_score(true, predicted))
    assert float(made["coverage"]) == 1.0
    p, r, f, _ = precision_recall_fscore_support(true, predicted, labels=FRAMES, zero_division=np.nan)
    assert np.allclose(made["precision"], p, equal_nan=True)
    assert np.allclose(made["recall"], r, equal_nan=True)
    for i, frame in enumerate(FRAMES):
        if frame in present:
            assert made["f1"][i] == pytest.approx(np.nan_to_num(f[i]))
        else:
            assert np.isnan(made["f1"][i])


@settings(deadline=None, max_examples=50)
@given(PAIRS)
def test_the_macro_average_over_given_frames_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    true, predicted = zip(*pairs, strict=True)
    written = np.array([frame in true for frame in FRAMES])
    made = float(confusion_scores(matrix_of(pairs), written)["macro_f1"])
    if written.sum() < 2:
        assert np.isnan(made)
    else:
        named = [frame for frame in FRAMES if frame in true]
        assert made == pytest.approx(f1_score(true, predicted, labels=named, average="macro", zero_division=0))


def test_abstentions_are_missed_but_are_no_false_alarms() -> None:
    """Six true, three hit, one taken for another, two abstained on: the columns are k + 1."""
    matrix = np.zeros((4, 5))
    matrix[0] = [3, 1, 0, 0, 2]
    matrix[1] = [0, 4, 0, 0, 0]
    made = confusion_scores(matrix)
    assert made["recall"][:2].tolist() == [0.5, 1.0]
    assert made["precision"][:2].tolist() == [1.0, 0.8]
    assert float(made["accuracy"]) == 0.7
    assert float(made["coverage"]) == 0.8
    assert made["f1"][0] == pytest.approx(2 * 3 / (2 * 3 + 3))
    assert frame_counts(matrix)[:2].tolist() == [[3.0, 3.0, 0.0], [4.0, 0.0, 1.0]]


def test_scores_of_many_matrices_are_those_of_each() -> None:
    stack = np.random.default_rng(1).integers(0, 5, (3, 7, 4, 5)).astype(float)
    made = confusion_scores(stack, np.array([True, False, True, True]))
    assert made["macro_f1"].shape == (3, 7)
    assert made["recall"].shape == (3, 7, 4)
    for i in range(3):
        one = confusion_scores(stack[i, 2], np.array([True, False, True, True]))
        for name, value in made.items():
            assert np.allclose(value[i, 2], one[name], equal_nan=True)


def test_an_empty_matrix_has_no_scores() -> None:
    made = confusion_scores(np.zeros((4, 4)))
    assert np.isnan(made["accuracy"])
    assert np.isnan(made["coverage"])
    assert np.isnan(made["f1"]).all()
    assert np.isnan(frame_scores(np.zeros((4, 3)))["precision"]).all()
    assert np.isnan(macro(np.ones((3, 4)), np.array([True, False, False, False]))).all()


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_average_precision_is_that_of_scikit_learn_with_ties_and_weights(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 30))
    scores = np.array(data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))) / 5.0
    positive = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), dtype=float)
    made = average_precision(scores, positive, np.vstack([np.ones(n), weights]))
    for value, weight in zip(made, (np.ones(n), weights), strict=True):
        if (weight * positive).sum() == 0:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(average_precision_score(positive, scores, sample_weight=weight))


def test_average_precision_does_not_know_the_order_of_rows_and_of_nothing_is_nothing() -> None:
    rng = np.random.default_rng(2)
    scores, positive = rng.integers(0, 4, 40) / 4.0, rng.random(40) < 0.4
    mixed = rng.permutation(40)
    assert average_precision(scores, positive) == pytest.approx(average_precision(scores[mixed], positive[mixed]))
    assert average_precision(np.zeros(40), positive) == pytest.approx(positive.mean())
    assert np.isnan(average_precision(np.zeros(0), np.zeros(0, dtype=bool)))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**31), st.integers(1, 40))
def test_likelihood_and_squared_error_are_those_of_scikit_learn_and_of_the_formula(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    shares, truth = rng.dirichlet(np.ones(4), n), rng.integers(0, 4, n)
    weights = rng.integers(0, 3, n).astype(float) + 1e-9
    likely, squared = nll(shares, truth, weights[None]), brier(shares, truth, weights[None])
    expected = log_loss(truth, np.maximum(shares, FLOOR), labels=range(4), sample_weight=weights)
    assert likely[0] == pytest.approx(expected, rel=1e-4)
    losses = [sum((shares[i, k] - (truth[i] == k)) ** 2 for k in range(4)) for i in range(n)]
    assert squared[0] == pytest.approx(np.average(losses, weights=weights))


def test_an_impossible_frame_costs_the_floor() -> None:
    shares = np.array([[0.0, 1.0]])
    assert nll(shares, np.array([0])) == pytest.approx(-np.log(FLOOR))
    assert nll(shares, np.array([1])) == 0.0
    assert brier(shares, np.array([0])) == 2.0


def test_the_calibration_error_by_hand() -> None:
    """Ten posts of confidence 0.8 (bin 12 of 15), five right; ten of 0.6, all right: (0.3 x 10 + 0.4 x 10) / 20."""
    shares = np.vstack([np.tile([0.8, 0.2], (10, 1)), np.tile([0.4, 0.6], (10, 1))])
    truth = np.array([0] * 5 + [1] * 5 + [1] * 10)
    assert ece(shares, truth) == pytest.approx(0.35)
    assert ece(shares, truth, bins=1) == pytest.approx(abs(0.75 - 0.7))
    excess = calibration_excess(shares, truth)
    assert excess[11] == pytest.approx(-0.15)
    assert excess[8] == pytest.approx(0.2)
    weights = np.append(np.ones(10), np.zeros(10))
    assert ece(shares, truth, weights[None])[0] == pytest.approx(0.3)
    with pytest.raises(UsageError, match=r"^bins is 0; it must be 1 or more, like 15$"):
        ece(shares, truth, bins=0)


def test_the_upper_end_of_a_bin_is_inside_and_the_lower_outside() -> None:
    shares = np.array([[0.5, 0.5], [0.5 + 1e-9, 0.5 - 1e-9]])
    assert np.flatnonzero(calibration_excess(shares, np.array([0, 0]), bins=2)).tolist() == [0, 1]


def test_a_calibrated_model_has_a_small_error_and_a_hot_one_a_large() -> None:
    rng = np.random.default_rng(4)
    shares = rng.dirichlet(np.full(4, 0.7), 40_000)
    truth = (shares.cumsum(axis=1) > rng.random(40_000)[:, None]).argmax(axis=1)
    assert ece(shares, truth) < 0.012
    assert ece(tempered(shares, 0.4), truth) > 0.1


def test_the_area_under_the_risk_coverage_curve_by_hand_with_ties_and_weights() -> None:
    sure, wrong = np.array([0.9, 0.7, 0.7, 0.5]), np.array([False, True, False, True])
    assert aurc(sure, wrong) == pytest.approx((0 + 1 / 3 + 1 / 3 + 2 / 4) / 4)
    assert aurc(sure[::-1], wrong[::-1]) == pytest.approx((0 + 1 / 3 + 1 / 3 + 2 / 4) / 4)
    weights = np.array([[2.0, 1.0, 0.0, 1.0]])
    assert aurc(sure, wrong, weights)[0] == pytest.approx((2 * 0 + 1 * (1 / 3) + 1 * (2 / 4)) / 4)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(2, 20))
def test_whole_weights_are_repeated_posts(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    shares, truth = rng.dirichlet(np.ones(4), n).round(1), rng.integers(0, 4, n)
    counts = rng.integers(0, 4, n)
    counts[0] += 1
    again = np.repeat(np.arange(n), counts)
    wrong = shares.argmax(axis=1) != truth
    for of in (nll, brier, ece):
        assert of(shares, truth, counts[None].astype(float))[0] == pytest.approx(of(shares[again], truth[again]))
    weighted = aurc(shares.max(axis=1), wrong, counts[None].astype(float))[0]
    assert weighted == pytest.approx(aurc(shares.max(axis=1)[again], wrong[again]))


def test_the_temperature_is_where_the_likelihood_is_best_and_keeps_the_most_likely_frame() -> None:
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 2, (300, 4))
    truth = (softmax(logits / 1.7, axis=1).cumsum(axis=1) > rng.random(300)[:, None]).argmax(axis=1)
    best = fit_temperature(logits, truth)
    assert 1.2 < best < 2.4
    at = {t: nll(softmax(logits / t, axis=1), truth) for t in (best, best * 1.01, best / 1.01)}
    assert min(at, key=lambda t: at[t]) == best
    shares = softmax(logits, axis=1)
    assert np.allclose(tempered(shares, best), softmax(logits / best, axis=1), atol=1e-4)
    assert (tempered(shares, best).argmax(axis=1) == shares.argmax(axis=1)).all()
    assert np.allclose(tempered(shares, best).sum(axis=1), 1.0)


def test_the_temperature_of_logits_that_are_always_right_or_tell_nothing_is_cut() -> None:
    sure = np.array([[2.0, 0.0]] * 3)
    assert fit_temperature(sure, np.array([0, 0, 0])) == pytest.approx(1e-3)
    assert fit_temperature(sure, np.array([1, 1, 1])) == pytest.approx(1e3)
    with pytest.raises(MeaningError, match=r"^a temperature is fitted on posts with labels; there are none"):
        fit_temperature(np.zeros((0, 4)), np.zeros(0, dtype=np.int64))


# scikit-learn 1.9.1 and the root of the score equation, on twelve posts.
LOGITS = [
    [2.0, 0.1, -0.5],
    [1.2, 0.9, 0.1],
    [0.3, 1.8, -0.2],
    [-0.4, 2.2, 0.6],
    [0.5, 0.2, 1.9],
    [1.5, -0.3, 1.4],
    [0.2, 0.1, 0.8],
    [2.5, 0.4, 0.1],
    [0.1, 1.1, 0.9],
    [-0.2, 0.3, 2.4],
    [1.1, 1.0, 0.2],
    [0.6, 0.5, 0.4],
]
TRUE = [0, 1, 1, 1, 2, 2, 2, 0, 2, 2, 0, 0]
RISKS = [0, 0, 0, 0, 0, 0, 0, 0.125, 0.2222222222222222, 0.3, 0.2727272727272727, 0.25]


def test_calibration_and_selection_of_a_known_case_from_plain_lists() -> None:
    shares, scaled = softmax(LOGITS, axis=1).tolist(), TemperatureScaling().fit(LOGITS, TRUE)
    wrong = [max(row) != row[true] for row, true in zip(shares, TRUE, strict=True)]
    sure = [max(row) for row in shares]
    made = {
        float(scaled): 0.31908244066605235, float(nll(shares, TRUE)): 0.5736057224493994,
        float(nll(scaled.predict_proba(LOGITS), TRUE)): 0.4096298603774966,
        float(brier(shares, TRUE)): 0.31807945912593183, float(ece(shares, TRUE)): 0.20882341199768029,
        float(ece(shares, TRUE, bins=10)): 0.190484376528416, float(aurc(sure, wrong)): 0.09749579124579123,
    }  # fmt: skip
    for value, wanted in made.items():
        assert value == pytest.approx(wanted, abs=1e-8)
    assert risks(sure, wrong).tolist() == pytest.approx(RISKS)
    assert risks(sure, wrong).mean() == pytest.approx(float(aurc(sure, wrong)))
    assert risks([0.5, 0.5, 0.9], [True, False, False]).tolist() == pytest.approx([0, 1 / 3, 1 / 3])


def test_a_scaling_is_a_value_that_keeps_its_order_and_says_what_it_is() -> None:
    plain = TemperatureScaling()
    hot = plain.fit(np.array(LOGITS) * 3.0, TRUE)
    assert float(plain) == 1.0
    assert float(hot) == pytest.approx(3.0 * 0.31908244066605235, abs=1e-8)
    assert (hot.predict_proba(LOGITS).argmax(axis=1) == np.argmax(LOGITS, axis=1)).all()
    assert np.allclose(plain.predict_proba(LOGITS), softmax(LOGITS, axis=1))
    with pytest.raises(UsageError, match=r"^the temperature is 0.0; it must be above 0$"):
        TemperatureScaling(0.0)


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ([0, 1], "probabilities have the shape (1, 2) and truth (2,); give a row of k probabilities a post"),
        ([2], "truth holds numbers from 2 to 2; with 2 frames give 0 to 1"),
        ([-1], "truth holds numbers from -1 to -1; with 2 frames give 0 to 1"),
    ],
)
def test_truth_that_does_not_fit_is_refused(truth: list[int], message: str) -> None:
    for of in (nll, brier, ece, fit_temperature):
        with pytest.raises(UsageError) as caught:
            of([[0.5, 0.5]], truth)  # type: ignore[operator]
        assert str(caught.value).startswith(message)
