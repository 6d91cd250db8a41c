"""Do probabilities mean what they say? Of posts given a probability of a frame, how many were coded so.

Letters of shapes: n posts, k frames, m bins.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import SchemaError, UsageError
from discourse.estimators.proportions import ratio_se, wilson
from discourse.schema import FRAMES, as_polars

__all__ = ["RELIABILITY", "reliability"]

RELIABILITY: Final[dict[str, Any]] = {
    "frame": pl.String, "bin_low": pl.Float64, "bin_high": pl.Float64, "predicted": pl.Float64, "observed": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "n": pl.Int64, "n_authors": pl.Int64,
}  # fmt: skip
Floats = npt.NDArray[np.float64]


def reliability(predictions: Any, *, bins: int = 10) -> pl.DataFrame:
    """Predicted and observed shares of each frame in m bins of equal width, one row a frame and bin that has posts.

    `predictions` is that of an `Evaluation`: author_id, value and p_<frame> of posts the model was not trained on.
    `predicted` is the mean probability in the bin, `observed` the share coded as the frame, with Wilson's 95 %
    interval on an effective number of posts: n over the design effect of authors (the ratio's cluster-robust variance
    over that of independent posts, at least 1). A bin holds its lower bound, the last one both. Raises `UsageError` for
    fewer than 2 bins, `SchemaError` for a missing column.

    Source: DeGroot and Fienberg (1983), *The Comparison and Evaluation of Forecasters* (reliability diagram); Kish
    (1965) for the design effect.

    >>> rows = {"author_id": list("abcd"), "value": ["both", "neither"] * 2, "p_nationalist": [0.0] * 4,
    ...         "p_conciliatory": [0.0] * 4, "p_both": [0.75] * 4, "p_neither": [0.25] * 4}
    >>> made = reliability(pl.DataFrame(rows), bins=2).filter(frame="both")
    >>> made.select("bin_low", "predicted", "observed", "n").row(0)
    (0.5, 0.75, 0.5, 4)
    """
    if bins < 2:
        raise UsageError(f"bins is {bins}; it must be 2 or more, like 10")
    table = as_polars(predictions)
    wanted = ("author_id", "value", *(f"p_{frame}" for frame in FRAMES))
    for name in wanted:
        if name not in table.columns:
            raise SchemaError(f"the predictions have no column {name!r}; give Evaluation.predictions")
    author = table["author_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    rows = []
    for frame in FRAMES:
        p = table[f"p_{frame}"].to_numpy().astype(np.float64)
        coded = (table["value"] == frame).to_numpy()
        place = np.minimum((p * bins).astype(np.int64), bins - 1)
        for at in np.unique(place):
            inside = place == at
            rows.append((frame, at / bins, (at + 1) / bins, float(np.sort(p[inside]).mean()),
                         *_observed(coded[inside], author[inside])))  # fmt: skip
    return pl.DataFrame(rows, schema=RELIABILITY, orient="row")


def _observed(coded: npt.NDArray[np.bool_], author: npt.NDArray[np.int64]) -> tuple[float, float, float, int, int]:
    """Share, interval, posts and authors of one bin."""
    _, who = np.unique(author, return_inverse=True)
    hits, posts = np.bincount(who, coded).astype(np.float64), np.bincount(who).astype(np.float64)
    n, share = int(posts.sum()), float(hits.sum() / posts.sum())
    alone = share * (1.0 - share) / n
    effect = float(ratio_se(hits, posts)) ** 2 / alone if alone > 0 and len(posts) > 1 else 1.0
    size = n / max(effect, 1.0)
    low, high = wilson(share * size, size)
    return share, float(low), float(high), n, len(posts)
