"""What would be lost if the classifier spoke only when it is sure: risk and coverage at thresholds, with bounds.

Letters of shapes: n tested posts. Sources: El-Yaniv and Wiener (2010), *On the Foundations of Noise-Free Selective
Classification*; Geifman and El-Yaniv (2017), *Selective Classification for Deep Neural Networks* (bounds).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import MeaningError, UsageError
from discourse.judging.evaluate import Evaluation
from discourse.judging.intervals import effective_posts, selective_bound
from discourse.judging.scores import aurc, classified, risks
from discourse.judging.values import MIN_AUTHORS
from discourse.schema import FRAMES

__all__ = ["THRESHOLDS", "RiskCoverage", "risk_coverage"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

THRESHOLDS: Final = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_COLUMNS: Final[dict[str, Any]] = {
    "threshold": pl.Float64, "coverage": pl.Float64, "risk": pl.Float64, "upper": pl.Float64,
    "upper_posts": pl.Float64, "n": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class RiskCoverage:
    """Risk and coverage of the classifier at thresholds of its most likely frame's probability.

    `table` has one row a threshold: coverage (share of posts at or above it), risk (share of these that are wrong),
    upper (a bound that risk keeps under at all thresholds at once with chance 1 - `delta`; posts of one author count
    as alike as they are), upper_posts (the same bound if posts were independent) and n (posts kept). risk and bounds
    are null for posts of fewer than 10 authors. `risks` (n,) is the share of wrong ones among the surest 1, 2, ... n,
    `aurc` their mean, the area under the risk-coverage curve, 0 to 1; as a number the value is this.

    >>> RiskCoverage(pl.DataFrame(schema=_COLUMNS), 0.1, 0.05).lowest(0.2) is None
    True
    """

    table: pl.DataFrame
    aurc: float
    delta: float
    risks: Floats = field(default_factory=lambda: np.empty(0))

    def __float__(self) -> float:
        return self.aurc

    def __repr__(self) -> str:
        lines = [
            f"  {row['threshold']:.2f}: keeps {row['coverage']:.0%}, "
            + ("too few authors" if row["risk"] is None else f"wrong {row['risk']:.3f} (at most {row['upper']:.3f})")
            for row in self.table.to_dicts()
        ]
        return "\n".join([f"RiskCoverage, area under the curve {self.aurc:.3f}; by threshold:", *lines])

    def lowest(self, risk: float) -> float | None:
        """The lowest threshold at which risk is at most `risk` with chance 1 - `delta`; None if there is none.

        >>> table = pl.DataFrame({"threshold": [0.0, 0.5], "upper": [0.4, 0.2]})
        >>> RiskCoverage(table, 0.1, 0.05).lowest(0.25)
        0.5
        """
        fit = self.table.filter(pl.col("upper") <= risk)["threshold"]
        return None if fit.is_empty() else float(fit.to_list()[0])


def risk_coverage(
    given: Evaluation | npt.ArrayLike,
    truth: npt.ArrayLike | None = None,
    author: Any = None,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    delta: float = 0.05,
) -> RiskCoverage:
    """Risk and coverage of a classifier at fixed thresholds, whatever its own `abstain_below` is.

    `given` is an evaluation; or probabilities (n, k) with the true frames `truth` (n,), numbered from 0, and if
    wanted the `author` of each post (without it each post is one author's). The bound is `selective_bound` of all
    thresholds together, with n and wrong divided by the design effect of authors (Korn and Graubard). Thresholds must
    be chosen before one looks at the table. Raises `UsageError` for thresholds outside 0 to 1 or out of order, a delta
    outside 0 to 1 or arrays that do not fit, and `MeaningError` when nothing was tested.

    >>> found = risk_coverage([[0.9, 0.1]] * 20, [0] * 20, thresholds=[0.5])
    >>> found.table.select("coverage", "risk", pl.col("upper").round(4)).row(0)  # 1 - 0.05 ** (1 / 20)
    (1.0, 0.0, 0.1391)
    >>> risk_coverage([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], [0, 1, 1]).risks.round(4).tolist()
    [0.0, 0.0, 0.3333]
    """
    levels = list(thresholds)
    if not levels or levels != sorted(set(levels)) or not all(0 <= one <= 1 for one in levels):
        raise UsageError(f"thresholds are {levels}; they must go up from 0 to 1, like 0.0, 0.5, 0.9")
    if not 0 < delta < 1:
        raise UsageError(f"delta is {delta}; it must be between 0 and 1, like 0.05")
    sure, wrong, place = _of_evaluation(given) if isinstance(given, Evaluation) else _of_arrays(given, truth, author)
    if not len(wrong):
        raise MeaningError("the evaluation holds no tested post; there is no risk to tell")
    rows = []
    for level in levels:
        kept = sure >= level
        n, lost, authors = int(kept.sum()), int(wrong[kept].sum()), len(np.unique(place[kept]))
        made: tuple[float | None, ...] = (None, None, None)
        if authors >= MIN_AUTHORS:
            worth = effective_posts(wrong[kept], place[kept])
            bounds = (selective_bound(k, m, delta, len(levels)) for k, m in ((lost / n * worth, worth), (lost, n)))
            made = (lost / n, *bounds)
        rows.append((level, n / len(wrong), *made, n))
    table = pl.DataFrame(rows, schema=_COLUMNS, orient="row")
    return RiskCoverage(table, float(aurc(sure, wrong)), delta, risks(sure, wrong))


def _of_evaluation(given: Evaluation) -> tuple[Floats, Flags, Codes]:
    """Confidence, whether wrong, and place of the author, of the n tested posts."""
    posts = given.predictions
    if posts.is_empty():
        return np.empty(0), np.empty(0, dtype=bool), np.empty(0, dtype=np.int64)
    shares = posts.select(f"p_{frame}" for frame in FRAMES).to_numpy()
    wrong = posts["value"].to_numpy() != np.array(FRAMES, dtype=object)[shares.argmax(axis=1)]
    return shares.max(axis=1), wrong, posts["author_id"].rank("dense").to_numpy().astype(np.int64)


def _of_arrays(probabilities: npt.ArrayLike, truth: npt.ArrayLike | None, author: Any) -> tuple[Floats, Flags, Codes]:
    if truth is None:
        raise UsageError("probabilities alone tell no risk; give the true frames too: risk_coverage(shares, truth)")
    shares, true = classified(probabilities, truth)
    names = np.arange(len(true)) if author is None else np.asarray(author)
    if names.shape != true.shape:
        raise UsageError(f"author has the shape {names.shape}; it must name one for each of {len(true)} posts")
    return shares.max(axis=1, initial=0.0), shares.argmax(axis=1) != true, np.unique(names, return_inverse=True)[1]
