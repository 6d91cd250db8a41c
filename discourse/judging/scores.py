"""How good predictions are: numbers on weighted posts, for many sets of weights at once.

Letters of shapes: n posts, k frames, b sets of weights (the first of them usually ones, the others a bootstrap).
Whatever takes weights (b, n) gives a value for each set, shape (b,). Without weights every post counts once, and the
value is one number, as with weights (n,). Lists do as well as arrays.

Sources: Guo, Pleiss, Sun and Weinberger (2017), *On Calibration of Modern Neural Networks* (temperature, expected
calibration error); Brier (1950), *Verification of Forecasts*; Geifman, Uziel and El-Yaniv (2019), *Bias-Reduced
Uncertainty Estimation for Deep Neural Classifiers* (area under the risk-coverage curve).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import logsumexp, softmax

from discourse.errors import MeaningError, UsageError

__all__ = [
    "BINS", "FLOOR", "TemperatureScaling", "aurc", "average_precision", "brier", "calibration_excess", "classified",
    "confusion_scores", "ece", "fit_temperature", "frame_counts", "frame_scores", "macro", "nll", "risks", "tempered",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BINS: Final = 15
"""Bins of the calibration error: of equal width, from 0 to 1, each without its lower and with its upper end."""
FLOOR: Final = 1e-6
"""The least probability in `nll`: a frame held for impossible costs 13.8, not infinity."""
_HOTTEST: Final = 1e3


def confusion_scores(matrix: Floats, averaged: Flags | None = None) -> dict[str, Floats]:
    """Metrics of confusion matrices (..., k true, k predicted), k frames in codebook order.

    A column more, (..., k, k + 1), counts the posts on which the classifier abstained: they are missed by recall and
    by accuracy and lower `coverage`. precision, recall and f1 have shape (..., k), macro_f1, accuracy and coverage
    (...,). The macro average is over the frames flagged in `averaged` (k). Without it, a frame that occurs neither as
    truth nor as prediction is left out, and one that occurs only on one side has F1 0, as in scikit-learn.

    >>> made = confusion_scores(np.diag([3.0, 1.0, 0.0, 4.0]))
    >>> float(made["macro_f1"]), float(made["accuracy"]), float(made["coverage"])
    (1.0, 1.0, 1.0)
    """
    counts = frame_counts(matrix)
    made = frame_scores(counts)
    total = matrix.sum(axis=(-2, -1))
    made["accuracy"] = _over(counts[..., 0].sum(axis=-1), total)
    made["coverage"] = _over((counts[..., 0] + counts[..., 2]).sum(axis=-1), total)
    if averaged is not None:
        return made | {"macro_f1": macro(made["f1"], averaged)}
    present = np.isfinite(made["f1"])
    return made | {"macro_f1": np.where(present, made["f1"], 0.0).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)}


def frame_counts(matrix: Floats) -> Floats:
    """Hits, misses and false alarms of each frame, (..., k, 3), from confusion matrices as in `confusion_scores`.

    >>> frame_counts(np.array([[3.0, 1.0], [2.0, 0.0]])).tolist()
    [[3.0, 1.0, 2.0], [0.0, 2.0, 1.0]]
    """
    k = matrix.shape[-2]
    hit = np.diagonal(matrix, axis1=-2, axis2=-1)
    return np.stack([hit, matrix.sum(axis=-1) - hit, matrix[..., :k].sum(axis=-2) - hit], axis=-1)


def frame_scores(counts: Floats) -> dict[str, Floats]:
    """Precision, recall and F1 of hits, misses and false alarms (..., k, 3), each (..., k); NaN for 0 of 0.

    >>> {name: value.tolist() for name, value in frame_scores(np.array([[3.0, 1.0, 3.0]])).items()}
    {'precision': [0.5], 'recall': [0.75], 'f1': [0.6]}
    """
    hits, misses, alarms = counts[..., 0], counts[..., 1], counts[..., 2]
    return {
        "precision": _over(hits, hits + alarms),
        "recall": _over(hits, hits + misses),
        "f1": _over(2.0 * hits, 2.0 * hits + misses + alarms),
    }


def macro(values: Floats, averaged: Flags) -> Floats:
    """The mean over the frames flagged in `averaged` (k) of values (..., k); NaN for fewer than two frames.

    >>> macro(np.array([0.2, 0.9, 0.4]), np.array([True, False, True])).round(3).tolist()
    0.3
    """
    if averaged.sum() < 2:
        return np.full(values.shape[:-1], np.nan)
    made: Floats = values[..., averaged].mean(axis=-1)
    return made


def average_precision(scores: npt.ArrayLike, positive: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Average precision of ranking n posts by `scores`, 0 to 1; NaN where no positive post has weight.

    The sum over thresholds of (gain in recall) x (precision), posts of one score taken together, as
    `sklearn.metrics.average_precision_score`. A ranking that knows nothing gets the share of positives.

    >>> round(float(average_precision([0.9, 0.8, 0.7, 0.6], [True, False, True, False])), 4)
    0.8333
    """
    order, ends = _descending(scores)
    at = _weights(weights, len(order))[..., order]
    seen = at.cumsum(axis=-1)[..., ends]
    hits = (at * np.asarray(positive, dtype=bool)[order]).cumsum(axis=-1)[..., ends]
    total = hits[..., -1] if len(ends) else np.zeros(at.shape[:-1])
    gain = np.diff(hits, axis=-1, prepend=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(seen > 0, hits / seen, 0.0)
        made: Floats = np.where(total > 0, (gain * precision).sum(axis=-1) / total, np.nan)
    return made


def nll(probabilities: npt.ArrayLike, truth: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Mean negative log-likelihood, in nats, from 0, of true frames (n,), numbered from 0, under probabilities (n, k).

    Probabilities below `FLOOR` count as `FLOOR`.

    >>> round(float(nll([[0.5, 0.5], [1.0, 0.0]], [0, 0])), 4)
    0.3466
    """
    shares, true = classified(probabilities, truth)
    return _mean(-np.log(np.maximum(shares[np.arange(len(true)), true], FLOOR)), weights)


def brier(probabilities: npt.ArrayLike, truth: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Mean over posts of the squared distance of the k probabilities from the truth, summed over frames; 0 to 2.

    Probabilities (n, k) and true frames (n,), numbered from 0.

    >>> float(brier([[0.5, 0.5], [1.0, 0.0]], [0, 0]))
    0.25
    """
    shares, true = classified(probabilities, truth)
    hit = np.arange(shares.shape[1]) == true[:, None]
    return _mean(((shares - hit) ** 2).sum(axis=1), weights)


def ece(
    probabilities: npt.ArrayLike, truth: npt.ArrayLike, weights: npt.ArrayLike | None = None, bins: int = BINS
) -> Floats:
    """Expected calibration error of the most likely frame, 0 to 1: how far confidence is from accuracy.

    Posts are put into `bins` bins of equal width by the probability of their most likely frame (the lower end of a
    bin is outside, the upper inside); the distance of mean confidence and accuracy is averaged over bins by their
    posts. It is never below 0, so that few posts make a perfectly calibrated model look worse than it is. Raises
    `UsageError` for fewer than one bin.

    >>> float(ece([[0.5, 0.5], [1.0, 0.0]], [0, 0]))  # one of one right at 0.5
    0.25
    """
    made: Floats = np.abs(calibration_excess(probabilities, truth, weights, bins)).sum(axis=-1)
    return made


def calibration_excess(
    probabilities: npt.ArrayLike, truth: npt.ArrayLike, weights: npt.ArrayLike | None = None, bins: int = BINS
) -> Floats:
    """Accuracy less confidence in each bin of `ece` times the bin's share of posts, (..., bins); above 0: too timid.

    >>> calibration_excess([[0.5, 0.5], [1.0, 0.0]], [0, 0], bins=2).tolist()
    [0.25, 0.0]
    """
    if bins < 1:
        raise UsageError(f"bins is {bins}; it must be 1 or more, like {BINS}")
    shares, true = classified(probabilities, truth)
    confidence = shares.max(axis=1, initial=0.0)
    right = shares.argmax(axis=1) == true
    bin_of = np.searchsorted(np.linspace(0.0, 1.0, bins + 1)[1:-1], confidence, side="left")
    excess = np.zeros((len(true), bins))
    excess[np.arange(len(true)), bin_of] = right - confidence
    at = _weights(weights, len(true))
    return _over(at @ excess, at.sum(axis=-1, keepdims=True))


def aurc(confidence: npt.ArrayLike, wrong: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Area under the risk-coverage curve, 0 to 1: the mean risk if one keeps the surest 1, 2, ... n posts.

    Posts of one confidence are kept together, so that the order of rows does not matter.

    >>> round(float(aurc([0.9, 0.8, 0.7], [False, True, False])), 4)  # (0 + 1/2 + 1/3) / 3
    0.2778
    """
    order, ends = _descending(confidence)
    at = _weights(weights, len(order))[..., order]
    kept = at.cumsum(axis=-1)[..., ends]
    lost = (at * np.asarray(wrong, dtype=bool)[order]).cumsum(axis=-1)[..., ends]
    share = np.diff(kept, axis=-1, prepend=0.0)
    return _over((share * _over(lost, np.maximum(kept, 1e-300))).sum(axis=-1), at.sum(axis=-1))


def risks(confidence: npt.ArrayLike, wrong: npt.ArrayLike) -> Floats:
    """Share of wrong posts among the surest 1, 2, ... n, shape (n,); posts of one confidence are kept together.

    >>> risks([0.7, 0.9, 0.8], [False, False, True]).round(4).tolist()
    [0.0, 0.5, 0.3333]
    """
    order, ends = _descending(confidence)
    lost = np.asarray(wrong, dtype=np.float64)[order].cumsum()[ends] / (ends + 1.0)
    made: Floats = np.repeat(lost, np.diff(ends, prepend=-1))
    return made


def classified(probabilities: npt.ArrayLike, truth: npt.ArrayLike) -> tuple[Floats, Codes]:
    """Probabilities (n, k) and true frames (n,) as arrays; raises `UsageError` where they do not fit.

    >>> classified([[0.5, 0.5]], [1])[1].tolist()
    [1]
    """
    shares, true = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    if shares.ndim != 2 or true.shape != shares.shape[:1]:
        raise UsageError(
            f"probabilities have the shape {shares.shape} and truth {true.shape}; "
            "give a row of k probabilities a post, and the number of its true frame, from 0"
        )
    if len(true) and not 0 <= true.min() <= true.max() < shares.shape[1]:
        raise UsageError(
            f"truth holds numbers from {true.min()} to {true.max()}; with {shares.shape[1]} frames give 0 to "
            f"{shares.shape[1] - 1}"
        )
    return shares, true


def fit_temperature(logits: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """The temperature T > 0 at which softmax(logits / T) makes the true frames of n posts most likely.

    The likelihood is concave in 1 / T, so the root of its derivative is the only one; a T below 0.001 or above 1000
    (logits that are always right, or tell nothing) is cut there. The most likely frame never changes. Raises
    `MeaningError` for no posts.

    >>> round(fit_temperature(np.log([[0.9, 0.1]] * 4), [0, 0, 0, 1]), 4)  # right in 3 of 4
    2.0
    """
    scores, true = classified(logits, truth)
    if not len(true):
        raise MeaningError("a temperature is fitted on posts with labels; there are none in the calibration part")
    own = scores[np.arange(len(true)), true]

    def slope(sharpness: float) -> float:
        expected = (softmax(sharpness * scores, axis=1) * scores).sum(axis=1)
        return float((expected - own).sum())

    least, most = 1.0 / _HOTTEST, _HOTTEST
    if slope(least) >= 0.0:
        return _HOTTEST
    if slope(most) <= 0.0:
        return 1.0 / _HOTTEST
    return 1.0 / float(brentq(slope, least, most, xtol=1e-14, rtol=1e-14))


@dataclass(frozen=True)
class TemperatureScaling:
    """Scores to probabilities by softmax(logits / temperature): one number, found on labels by `fit`.

    The most likely frame never changes, so counts of predicted frames do not either; mean probabilities do. Fit it on
    posts later than those the classifier learnt from, and look at each language. `fit` gives a new value, the old one
    stays. Raises `MeaningError` for no posts, `UsageError` for a temperature that is not above 0.

    >>> logits = np.log([[0.9, 0.1]] * 4)
    >>> made = TemperatureScaling().fit(logits, [0, 0, 0, 1])       # right in 3 of 4
    >>> made
    TemperatureScaling(temperature=2)
    >>> made.predict_proba([[2.0, 0.0]]).round(4).tolist()          # 1 / (1 + 1 / e)
    [[0.7311, 0.2689]]
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature > 0.0:
            raise UsageError(f"the temperature is {self.temperature}; it must be above 0")

    def __float__(self) -> float:
        return self.temperature

    def __repr__(self) -> str:
        return f"TemperatureScaling(temperature={self.temperature:.6g})"

    def fit(self, logits: npt.ArrayLike, truth: npt.ArrayLike) -> TemperatureScaling:
        """The scaling that makes the true frames (n,), numbered from 0, of logits (n, k) most likely."""
        return TemperatureScaling(fit_temperature(logits, truth))

    def predict_proba(self, logits: npt.ArrayLike) -> Floats:
        """Probabilities (n, k) of logits (n, k)."""
        made: Floats = softmax(np.asarray(logits, dtype=np.float64) / self.temperature, axis=-1)
        return made


def tempered(probabilities: npt.ArrayLike, temperature: float) -> Floats:
    """Probabilities (n, k) at another temperature: their logarithms divided by it, rows sum to 1 again.

    >>> tempered([[0.9, 0.1]], 2.0).round(4).tolist()
    [[0.75, 0.25]]
    """
    logits = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), FLOOR)) / temperature
    made: Floats = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    return made


def _descending(scores: npt.ArrayLike) -> tuple[Codes, Codes]:
    """The order from the highest score down, and the last place of each score in it."""
    given = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-given, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(given[order]) != 0.0, np.ones(min(len(given), 1), dtype=bool)))
    return order, ends


def _weights(weights: npt.ArrayLike | None, n: int) -> Floats:
    return np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)


def _mean(losses: Floats, weights: npt.ArrayLike | None) -> Floats:
    at = _weights(weights, len(losses))
    return _over(at @ losses, at.sum(axis=-1))


def _over(sums: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = np.where(np.asarray(weights) > 0, np.divide(sums, weights), np.nan)
    return made
