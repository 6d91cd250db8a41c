"""What would be lost if the classifier spoke only when it is sure: risk and coverage at thresholds, with bounds.

Letters of shapes: n tested posts. Sources: El-Yaniv and Wiener (2010), *On the Foundations of Noise-Free Selective
Classification*; Geifman and El-Yaniv (2017), *Selective Classification for Deep Neural Networks* (bounds).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from discourse.errors import MeaningError, UsageError
from discourse.judging.evaluate import Evaluation
from discourse.judging.intervals import effective_posts, risk_bound
from discourse.judging.scores import aurc
from discourse.judging.values import MIN_AUTHORS
from discourse.schema import FRAMES

__all__ = ["THRESHOLDS", "RiskCoverage", "risk_coverage"]

THRESHOLDS: Final = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_COLUMNS: Final[dict[str, Any]] = {
    "threshold": pl.Float64, "coverage": pl.Float64, "risk": pl.Float64, "upper": pl.Float64,
    "upper_posts": pl.Float64, "n": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class RiskCoverage:
    """Risk and coverage of the classifier at thresholds of its most likely frame's probability.

    `table` has one row a threshold: coverage (share of posts at or above it), risk (share of these that are wrong),
    upper (a bound that risk keeps under at all thresholds at once with chance 1 - `delta`; posts of one author count
    as alike as they are), upper_posts (the same bound if posts were independent) and n (posts kept). risk and bounds
    are null for posts of fewer than 10 authors. `aurc` is the area under the risk-coverage curve, 0 to 1.

    >>> RiskCoverage(pl.DataFrame(schema=_COLUMNS), 0.1, 0.05).lowest(0.2) is None
    True
    """

    table: pl.DataFrame
    aurc: float
    delta: float

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
    evaluation: Evaluation, *, thresholds: Sequence[float] = THRESHOLDS, delta: float = 0.05
) -> RiskCoverage:
    """Risk and coverage of an evaluated classifier at fixed thresholds, whatever its own `abstain_below` is.

    The bound is the 1 - delta / t quantile of Beta(wrong + 1, n - wrong) for t thresholds (Clopper and Pearson, and
    Bonferroni), with n and wrong divided by the design effect of authors (Korn and Graubard). Thresholds must be
    chosen before one looks at the table. Raises `UsageError` for thresholds outside 0 to 1 or out of order or a delta
    outside 0 to 1, and `MeaningError` when nothing was tested.

    >>> predictions = pl.DataFrame({"author_id": [f"a{i}" for i in range(20)], "value": ["both"] * 20,
    ...                             "p_nationalist": [0.0] * 20, "p_conciliatory": [0.0] * 20,
    ...                             "p_both": [0.9] * 20, "p_neither": [0.1] * 20})
    >>> found = risk_coverage(Evaluation(pl.DataFrame(), pl.DataFrame(), predictions), thresholds=[0.5])
    >>> found.table.select("coverage", "risk", pl.col("upper").round(4)).row(0)  # 1 - 0.05 ** (1 / 20)
    (1.0, 0.0, 0.1391)
    """
    given = list(thresholds)
    if not given or given != sorted(set(given)) or not all(0 <= one <= 1 for one in given):
        raise UsageError(f"thresholds are {given}; they must go up from 0 to 1, like 0.0, 0.5, 0.9")
    if not 0 < delta < 1:
        raise UsageError(f"delta is {delta}; it must be between 0 and 1, like 0.05")
    posts = evaluation.predictions
    if posts.is_empty():
        raise MeaningError("the evaluation holds no tested post; there is no risk to tell")
    shares = posts.select(f"p_{frame}" for frame in FRAMES).to_numpy()
    sure, best = shares.max(axis=1), shares.argmax(axis=1)
    wrong = posts["value"].to_numpy() != np.array(FRAMES, dtype=object)[best]
    place = posts["author_id"].rank("dense").to_numpy()
    rows = []
    for threshold in given:
        kept = sure >= threshold
        n, lost, authors = int(kept.sum()), int(wrong[kept].sum()), len(np.unique(place[kept]))
        made: tuple[float | None, ...] = (None, None, None)
        if authors >= MIN_AUTHORS:
            worth, chance = effective_posts(wrong[kept], place[kept]), delta / len(given)
            made = (lost / n, risk_bound(lost / n * worth, worth, chance), risk_bound(lost, n, chance))
        rows.append((threshold, n / len(wrong), *made, n))
    return RiskCoverage(pl.DataFrame(rows, schema=_COLUMNS, orient="row"), float(aurc(sure, wrong)[0]), delta)
