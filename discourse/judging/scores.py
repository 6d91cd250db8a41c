"""How good predictions are: numbers on weighted posts, for many sets of weights at once.

Letters of shapes: n posts, k frames, b sets of weights (the first of them usually ones, the others a bootstrap).
Whatever takes weights of shape (b, n) gives a value for each set, shape (b,); without weights every post counts once.

Sources: Guo, Pleiss, Sun and Weinberger (2017), *On Calibration of Modern Neural Networks* (temperature, expected
calibration error); Brier (1950), *Verification of Forecasts*; Geifman, Uziel and El-Yaniv (2019), *Bias-Reduced
Uncertainty Estimation for Deep Neural Classifiers* (area under the risk-coverage curve).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import logsumexp, softmax

from discourse.errors import MeaningError, UsageError

__all__ = [
    "BINS", "FLOOR", "aurc", "average_precision", "brier", "calibration_excess", "confusion_scores", "ece",
    "fit_temperature", "frame_counts", "frame_scores", "macro", "nll", "tempered",
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


def average_precision(scores: Floats, positive: Flags, weights: Floats | None = None) -> Floats:
    """Average precision of ranking n posts by `scores`, shape (b,), 0 to 1; NaN where no positive post has weight.

    The sum over thresholds of (gain in recall) x (precision), posts of one score taken together, as
    `sklearn.metrics.average_precision_score`. A ranking that knows nothing gets the share of positives.

    >>> average_precision(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False])).round(4).tolist()
    [0.8333]
    """
    order, ends = _descending(scores)
    at = _weights(weights, len(scores))[:, order]
    seen = at.cumsum(axis=1)[:, ends]
    hits = (at * positive[order]).cumsum(axis=1)[:, ends]
    total = hits[:, -1] if len(ends) else np.zeros(len(at))
    gain = np.diff(hits, axis=1, prepend=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(seen > 0, hits / seen, 0.0)
        made: Floats = np.where(total > 0, (gain * precision).sum(axis=1) / total, np.nan)
    return made


def nll(probabilities: Floats, truth: Codes, weights: Floats | None = None) -> Floats:
    """Mean negative log-likelihood, in nats, of the true frames under probabilities (n, k); shape (b,), from 0.

    Probabilities below `FLOOR` count as `FLOOR`.

    >>> nll(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 0])).round(4).tolist()
    [0.3466]
    """
    given = probabilities[np.arange(len(truth)), truth]
    return _mean(-np.log(np.maximum(given, FLOOR)), weights)


def brier(probabilities: Floats, truth: Codes, weights: Floats | None = None) -> Floats:
    """Mean over posts of the squared distance of the k probabilities from the truth, summed over frames; 0 to 2.

    >>> brier(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 0])).tolist()
    [0.25]
    """
    hit = np.arange(probabilities.shape[1]) == truth[:, None]
    return _mean(((probabilities - hit) ** 2).sum(axis=1), weights)


def ece(probabilities: Floats, truth: Codes, weights: Floats | None = None, bins: int = BINS) -> Floats:
    """Expected calibration error of the most likely frame, shape (b,), 0 to 1: how far confidence is from accuracy.

    Posts are put into `bins` bins of equal width by the probability of their most likely frame (the lower end of a
    bin is outside, the upper inside); the distance of mean confidence and accuracy is averaged over bins by their
    posts. It is never below 0, so that few posts make a perfectly calibrated model look worse than it is. Raises
    `UsageError` for fewer than one bin.

    >>> ece(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 0])).tolist()  # one of one right at 0.5
    [0.25]
    """
    made: Floats = np.abs(calibration_excess(probabilities, truth, weights, bins)).sum(axis=1)
    return made


def calibration_excess(probabilities: Floats, truth: Codes, weights: Floats | None = None, bins: int = BINS) -> Floats:
    """Accuracy less confidence in each bin of `ece` times the bin's share of posts, (b, bins); above 0: too timid.

    >>> calibration_excess(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 0]), bins=2).tolist()
    [[0.25, 0.0]]
    """
    if bins < 1:
        raise UsageError(f"bins is {bins}; it must be 1 or more, like {BINS}")
    confidence = probabilities.max(axis=1, initial=0.0)
    right = probabilities.argmax(axis=1) == truth
    bin_of = np.searchsorted(np.linspace(0.0, 1.0, bins + 1)[1:-1], confidence, side="left")
    excess = np.zeros((len(truth), bins))
    excess[np.arange(len(truth)), bin_of] = right - confidence
    at = _weights(weights, len(truth))
    return _over(at @ excess, at.sum(axis=1, keepdims=True))


def aurc(confidence: Floats, wrong: Flags, weights: Floats | None = None) -> Floats:
    """Area under the risk-coverage curve, shape (b,), 0 to 1: the mean risk if one keeps the surest 1, 2, ... n posts.

    Posts of one confidence are kept together, so that the order of rows does not matter.

    >>> aurc(np.array([0.9, 0.8, 0.7]), np.array([False, True, False])).round(4).tolist()  # (0 + 1/2 + 1/3) / 3
    [0.2778]
    """
    order, ends = _descending(confidence)
    at = _weights(weights, len(confidence))[:, order]
    kept = at.cumsum(axis=1)[:, ends]
    lost = (at * wrong[order]).cumsum(axis=1)[:, ends]
    share = np.diff(kept, axis=1, prepend=0.0)
    return _over((share * _over(lost, np.maximum(kept, 1e-300))).sum(axis=1), at.sum(axis=1))


def fit_temperature(logits: Floats, truth: Codes) -> float:
    """The temperature T > 0 at which softmax(logits / T) makes the true frames of n posts most likely.

    The likelihood is concave in 1 / T, so the root of its derivative is the only one; a T below 0.001 or above 1000
    (logits that are always right, or tell nothing) is cut there. The most likely frame never changes. Raises
    `MeaningError` for no posts.

    >>> round(fit_temperature(np.log(np.array([[0.9, 0.1]] * 4)), np.array([0, 0, 0, 1])), 4)  # right in 3 of 4
    2.0
    """
    if not len(truth):
        raise MeaningError("a temperature is fitted on posts with labels; there are none in the calibration part")
    own = logits[np.arange(len(truth)), truth]

    def slope(sharpness: float) -> float:
        expected = (softmax(sharpness * logits, axis=1) * logits).sum(axis=1)
        return float((expected - own).sum())

    least, most = 1.0 / _HOTTEST, _HOTTEST
    if slope(least) >= 0.0:
        return _HOTTEST
    if slope(most) <= 0.0:
        return 1.0 / _HOTTEST
    return 1.0 / float(brentq(slope, least, most, xtol=1e-14, rtol=1e-14))


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """Probabilities (n, k) at another temperature: their logarithms divided by it, rows sum to 1 again.

    >>> tempered(np.array([[0.9, 0.1]]), 2.0).round(4).tolist()
    [[0.75, 0.25]]
    """
    logits = np.log(np.maximum(probabilities, FLOOR)) / temperature
    made: Floats = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    return made


def _descending(scores: Floats) -> tuple[Codes, Codes]:
    """The order from the highest score down, and the last place of each score in it."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0.0, np.ones(min(len(scores), 1), dtype=bool)))
    return order, ends


def _weights(weights: Floats | None, n: int) -> Floats:
    return np.ones((1, n)) if weights is None else weights


def _mean(losses: Floats, weights: Floats | None) -> Floats:
    at = _weights(weights, len(losses))
    return _over(at @ losses, at.sum(axis=1))


def _over(sums: Floats, weights: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = np.where(weights > 0, sums / weights, np.nan)
    return made
