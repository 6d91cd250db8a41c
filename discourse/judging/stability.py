"""Does the classifier err as before? Only gold labels of both windows can say so.

Errors: what coders say of the posts of one predicted class, P(true | predicted), and what the classifier says of the
posts of one true class, P(predicted | true), compared between the windows. Calibration: the temperature that fresh gold
asks for, negative log-likelihood and calibration error. A gold post weighs what it weighs among all posts of its window
(with author weight 1 / the author's posts) over its chance of having been drawn.

Letters of shapes: n posts with gold, k classes, b replicates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import softmax

from discourse.errors import MeaningError, SchemaError
from discourse.judging.intervals import LEVEL, interval_of
from discourse.judging.pair import Pair, Window
from discourse.judging.scores import FLOOR, ece, nll
from discourse.judging.shift import Finding, absent, composition_finding, finding_row
from discourse.judging.tables import MIN_AUTHORS
from discourse.judging.wald import LEAST_N_EFF, Means, wald
from discourse.labels.labels import GoldLabels, Labels, TrainingLabels
from discourse.schema import as_polars

__all__ = [
    "CALIBRATION", "ERRORS", "FACTOR", "WIDTH", "Gold", "calibration_findings", "error_findings", "needed",
    "read_gold", "temperature_factors",
]  # fmt: skip

ERRORS: Final[dict[str, Any]] = {
    "rate": pl.String, "class": pl.String, "reference": pl.Float64, "current": pl.Float64, "difference": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "n_reference": pl.Int64, "n_current": pl.Int64,
}  # fmt: skip
CALIBRATION: Final[dict[str, Any]] = {
    "metric": pl.String, "reference": pl.Float64, "current": pl.Float64, "difference": pl.Float64, "low": pl.Float64,
    "high": pl.Float64,
}  # fmt: skip
WIDTH: Final = 0.2
"""The width of the interval of an error rate from which a window counts as checked: plus or minus 10 points."""
FACTOR: Final = "temperature factor"
_HOTTEST: Final = 20.0
_GRID: Final = 481
_RARE: Final = 5  # outcomes of fewer gold posts in both windows are taken together

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Gold:
    """The n posts of one window that have gold: place of the author, what was predicted and what is true, weights.

    `shares` (n, k) are the probabilities of `Pair.classes`.
    """

    place: Codes
    predicted: Sequence[str]
    true: Sequence[str]
    post_ids: Sequence[str]
    weight: Floats
    shares: Floats

    def __len__(self) -> int:
        return len(self.place)


def read_gold(pair: Pair, gold: Any) -> tuple[tuple[Gold, Gold], int]:
    """The gold of each window, and how many labels are of posts in neither; without a chance all weigh alike.

    `gold` is `GoldLabels`, `Labels` (of which the gold is taken), or a table with post_id, value and perhaps
    inclusion_p. Raises `MeaningError` for training labels and for a post with two labels, `SchemaError` when a table or
    a window has no post_id.
    """
    if isinstance(gold, TrainingLabels):
        raise MeaningError(
            "these are training labels: a classifier errs less on what it has learnt from; give gold labels"
        )
    if isinstance(gold, Labels):
        gold = gold.gold
    table = gold.frame if isinstance(gold, GoldLabels) else as_polars(gold)
    for column in ("post_id", "value"):
        if column not in table.columns:
            raise SchemaError(f"the gold has no column {column!r}, only {', '.join(table.columns)}; give it")
    if "inclusion_p" not in table.columns:
        table = table.with_columns(inclusion_p=pl.lit(1.0))
    table = table.select("post_id", "value", pl.col("inclusion_p").cast(pl.Float64)).drop_nulls("value")
    if table["post_id"].is_duplicated().any():
        raise MeaningError("the gold holds a post more than once; settle it to one label a post first")
    chance = table["inclusion_p"].fill_nan(None)
    if not chance.is_between(0, 1, closed="right").fill_null(False).all():
        raise MeaningError(
            "inclusion_p of the gold must be above 0 and at most 1; leave the column out if all are alike"
        )
    if any(window.posts["post_id"].null_count() for window in pair.windows):
        raise SchemaError("a window has posts without post_id; gold is matched by it")
    one, other = (_gold(window, table) for window in pair.windows)
    return (one, other), table.height - len(one) - len(other)


def needed(gold: Gold, predicted: str, posts: int) -> tuple[int, int]:
    """How many gold posts of a predicted class a window has, and how many it needs for its rate within 10 points.

    The need is that of `sampling.budget.plan_labels` for an interval of width 0.2 at the rate seen, p = (hits + 0.5) /
    (n + 1), 0.5 where there is none: (2 z / 0.2)^2 p (1 - p). At least so many as make 30 effective authors at the
    ratio of posts to them that was seen (1 where there is none), and at most all `posts` of the class.
    """
    at = [place for place, said in enumerate(gold.predicted) if said == predicted]
    rate = (sum(gold.true[one] == predicted for one in at) + 0.5) / (len(at) + 1)
    need = math.ceil((2 * NormalDist().inv_cdf((1 + LEVEL) / 2) / WIDTH) ** 2 * rate * (1 - rate))
    least = LEAST_N_EFF
    if at:
        total = np.bincount(gold.place[at], gold.weight[at])
        least *= len(at) * (total**2).sum() / total.sum() ** 2
    return len(at), min(max(need, math.ceil(least - 1e-9)), posts)


def error_findings(pair: Pair, golds: tuple[Gold, Gold]) -> tuple[list[Finding], list[Row]]:
    """Tests of P(true | predicted) and P(predicted | true) by class, and the rows of the errors behind them."""
    findings, rows = [], []
    for name, given, other in (("precision", "predicted", "true"), ("recall", "true", "predicted")):
        classes = sorted({one for gold in golds for one in getattr(gold, given)})
        for one in classes:
            at = [np.array([said == one for said in getattr(gold, given)], dtype=bool) for gold in golds]
            few = any(len(set(gold.place[own].tolist())) < MIN_AUTHORS for gold, own in zip(golds, at, strict=True))
            test = f"{name} of {one}"
            if few:
                findings.append(
                    Finding(
                        {
                            "family": "errors",
                            "test": test,
                            "note": f"gold of fewer than {MIN_AUTHORS} authors in a window: not tested",
                        }
                    )
                )
                continue
            told = [np.array(getattr(gold, other), dtype=object)[own] for gold, own in zip(golds, at, strict=True)]
            codes, k = _outcomes(told)
            means = [pair.draws.shares(gold.place[own], gold.weight[own], code, k)
                     for gold, own, code in zip(golds, at, codes, strict=True)]  # fmt: skip
            row = composition_finding("errors", test, (means[0], means[1]), wald(means[0], means[1], composition=True))
            findings.append(Finding(row))
            right = [pair.draws.means(gold.place[own], gold.weight[own], (said == one)[:, None].astype(np.float64))
                     for gold, own, said in zip(golds, at, told, strict=True)]  # fmt: skip
            rows.append({"rate": name, "class": one, **_compared(_drawn(right[0]), _drawn(right[1])),
                         "n_reference": right[0].posts, "n_current": right[1].posts})  # fmt: skip
    return findings, rows


def calibration_findings(
    pair: Pair, golds: tuple[Gold, Gold], temperature: float | None
) -> tuple[list[Finding], list[Row]]:
    """The test of the temperature, and the rows: nll, ece, factor of the temperature, temperature to be set.

    The test compares the mean derivative of the log-likelihood by the inverse temperature, which is 0 where the
    probabilities are as sharp as the truth allows: above 0 they are too flat, below 0 too sharp. Where the reference
    has too little gold, that of the current window is compared with 0. `temperature` is the model's own, if known.
    """
    one, other = (_calibrated(pair, gold) for gold in golds)
    if other is None:
        why = f"gold of {MIN_AUTHORS} or more authors" if pair.classes else "probabilities"
        return [absent("calibration", "temperature", why)], []
    factor = float(other.values[FACTOR][0]) / (float(one.values[FACTOR][0]) if one else 1.0)
    pairs = (one.slope if one else _zero(other.slope), other.slope)
    row = finding_row("calibration", "temperature", (f"ratio of the {FACTOR}s" if one else FACTOR, factor),
                      wald(*pairs, composition=False), pairs)  # fmt: skip
    if temperature is not None:
        for part in filter(None, (one, other)):
            part.values["temperature to be set"] = part.values[FACTOR] * temperature
    before = one.values if one else {}
    rows = [{"metric": name, **_compared(before.get(name), after)} for name, after in other.values.items()]
    return [Finding(row)], rows


@dataclass(frozen=True, eq=False)
class _Calibrated:
    """Calibration in one window: values in the sample and in b replicates, (1 + b,), and the slope that is tested."""

    values: dict[str, Floats]
    slope: Means


def _calibrated(pair: Pair, gold: Gold) -> _Calibrated | None:
    known = np.array([true in pair.classes for true in gold.true], dtype=bool)
    if len(set(gold.place[known].tolist())) < MIN_AUTHORS:
        return None
    truth = np.array([pair.classes.index(true) for true, yes in zip(gold.true, known, strict=True) if yes])
    shares, place, weight = gold.shares[known], gold.place[known], gold.weight[known]
    drawn = np.vstack([np.ones(len(place)), pair.draws.drawn[place].T]) * weight
    logits = np.log(np.maximum(shares, FLOOR))
    slope = logits[np.arange(len(truth)), truth] - (shares * logits).sum(axis=1)
    values = {
        "nll": nll(shares, truth, drawn), "ece": ece(shares, truth, drawn),
        FACTOR: temperature_factors(logits, truth, drawn),
    }  # fmt: skip
    return _Calibrated(values, pair.draws.means(place, weight, slope[:, None]))


def temperature_factors(logits: Floats, truth: Codes, weights: Floats) -> Floats:
    """The factor, for each of b sets of weights (b, n), by which a temperature must change to fit n labels best; (b,).

    The root of the derivative of the weighted log-likelihood by the inverse of the factor, which falls: it is found on
    a grid from 1/20 to 20, between two points of which the derivative is taken as a line; cut at the ends.

    >>> logits = np.log(np.array([[0.9, 0.1]] * 4))
    >>> temperature_factors(logits, np.array([0, 0, 0, 1]), np.ones((1, 4))).round(3).tolist()  # right in 3 of 4
    [2.0]
    """
    grid = np.exp(np.linspace(-np.log(_HOTTEST), np.log(_HOTTEST), _GRID))
    own = logits[np.arange(len(truth)), truth]
    slopes = np.stack([own - (softmax(sharp * logits, axis=1) * logits).sum(axis=1) for sharp in grid], axis=1)
    falls = weights @ slopes
    at = np.clip((falls > 0).sum(axis=1), 1, _GRID - 1)
    row = np.arange(len(falls))
    high, low = falls[row, at - 1], falls[row, at]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.clip(np.where(high != low, high / (high - low), 0.5), 0.0, 1.0)
    made: Floats = 1.0 / (grid[at - 1] + part * (grid[at] - grid[at - 1]))
    return np.where(weights.sum(axis=1) > 0, made, np.nan)


def _zero(like: Means) -> Means:
    """What is known to be 0."""
    return Means(np.zeros_like(like.estimate), np.zeros_like(like.replicates), np.inf, 0, 0)


def _gold(window: Window, table: pl.DataFrame) -> Gold:
    posts = window.posts.with_row_index("at").join(table, on="post_id", how="inner", validate="1:1").sort("at")
    at = posts["at"].to_numpy()
    predicted, true, post_ids = (tuple(posts[column]) for column in ("predicted", "value", "post_id"))
    weight = window.weight[at] / posts["inclusion_p"].to_numpy()
    return Gold(window.place[at], predicted, true, post_ids, weight, window.shares[at])


def _outcomes(told: Sequence[npt.NDArray[Any]]) -> tuple[list[Codes], int]:
    """Numbers of the outcomes in both windows; those of fewer than 5 posts have one number together."""
    every, counts = np.unique(np.concatenate(told).astype(str), return_counts=True)
    kept = [str(name) for name in every[counts >= _RARE]]
    number = {name: at for at, name in enumerate(kept)}
    return [np.array([number.get(name, len(kept)) for name in one], np.int64) for one in told], len(kept) + 1


def _compared(before: Floats | None, after: Floats) -> Row:
    """A number in both windows and the interval of its difference, from values (1 + b,) of sample and replicates."""
    if before is None:
        return {"reference": None, "current": float(after[0]), "difference": None, "low": None, "high": None}
    difference, low, high = interval_of(after - before)
    return {"reference": float(before[0]), "current": float(after[0]), "difference": difference, "low": low,
            "high": high}  # fmt: skip


def _drawn(means: Means) -> Floats:
    return np.append(means.estimate, means.replicates)
