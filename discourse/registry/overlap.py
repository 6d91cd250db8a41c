"""When a model changes, a stretch of posts is framed by both, so that a step in a series is not taken for news.

A series comes from one model. The overlap says what the change alone does to each share; corrected shares move less,
since gold labels correct the one as they correct the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, UsageError
from discourse.estimators.bootstrap import percentile_interval
from discourse.estimators.rates import normalised
from discourse.framing.classifier import FramingClassifier
from discourse.poisson import poisson_weights
from discourse.registry.decision import ShareOfBoth
from discourse.schema import FRAMES, FRAMINGS, UNKNOWN

__all__ = ["Overlap", "overlap"]

MIN_AUTHORS: Final = 10
_ROUND: Final = 5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Overlap:
    """Framings of one stretch of posts by two models, and what the change does to each share.

    `framings` holds every post twice, with the model in its column. `shares` has a row a group (all, and each side)
    and frame: the share as predicted by both, the difference with its interval over authors, and how far they give the
    frame to the same posts. Groups of fewer than ten authors have no row.

    >>> Overlap(FRAMINGS.empty(), ()).table.height
    0
    """

    framings: pl.DataFrame
    shares: tuple[ShareOfBoth, ...]

    @property
    def table(self) -> pl.DataFrame:
        """The shares as a frame: group, frame, incumbent, candidate, difference, low, high, alike, posts, authors."""
        columns = {name: pl.Float64 if kind == "float" else pl.Int64 if kind == "int" else pl.String
                   for name, kind in ShareOfBoth.__annotations__.items()}  # fmt: skip
        return pl.DataFrame([{name: getattr(one, name) for name in columns} for one in self.shares], schema=columns)


def overlap(
    incumbent: FramingClassifier,
    candidate: FramingClassifier,
    corpus: Corpus,
    window: tuple[datetime | None, datetime | None] = (None, None),
    *,
    seed: int,
    replicates: int = 400,
) -> Overlap:
    """Both models on the posts of a corpus from `window[0]` up to `window[1]` (UTC; None: no bound).

    Raises `UsageError` for a window without zone or that ends before it begins, `MeaningError` when it holds no posts
    or the two models are one.

    >>> from datetime import UTC
    >>> overlap(None, None, None, (datetime(2025, 2, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)), seed=7)
    Traceback (most recent call last):
    discourse.errors.UsageError: the overlap ends before it begins; give its beginning first
    """
    begin, end = window
    if any(one is not None and one.tzinfo is None for one in window):
        raise UsageError("a bound of the overlap needs its zone, like datetime(2025, 1, 6, tzinfo=UTC)")
    if begin is not None and end is not None and begin >= end:
        raise UsageError("the overlap ends before it begins; give its beginning first")
    if incumbent.model_id == candidate.model_id:
        raise MeaningError(f"both models are {incumbent.model_id}; an overlap needs two")
    at = pl.col("created_at")
    inside = (pl.lit(value=True) if begin is None else at >= begin) & (pl.lit(value=True) if end is None else at < end)
    posts = corpus.posts.filter(inside).sort("post_id")
    if posts.is_empty():
        raise MeaningError("no post lies in the overlap; widen its window")
    part = Corpus(posts)
    old, new = incumbent.predict(part).table, candidate.predict(part).table
    table = posts.select("author_id", pl.col("side").fill_null(UNKNOWN)).with_columns(
        incumbent=old["predicted"], candidate=new["predicted"]
    )
    framings = FRAMINGS.require(pl.concat([old, new])).sort(FRAMINGS.key)
    return Overlap(framings, tuple(_rows(table, seed, replicates)))


def _rows(table: pl.DataFrame, seed: int, replicates: int) -> Iterator[ShareOfBoth]:
    groups = {"all": table}
    groups |= {f"side={side}": table.filter(side=side) for side in table["side"].unique().sort()}
    for group, part in groups.items():
        authors = part["author_id"].unique().sort()
        if len(authors) < MIN_AUTHORS:
            continue
        weights = np.ones((len(authors), 1 + replicates))
        weights[:, 1:] = poisson_weights(authors.to_list(), replicates, seed)
        old, new = (_shares(part, name, authors, weights) for name in ("incumbent", "candidate"))
        for i, frame in enumerate(FRAMES):
            given = [(part[name] == frame).to_numpy() for name in ("incumbent", "candidate")]
            either = int((given[0] | given[1]).sum())
            low, high = percentile_interval(new[1:, i] - old[1:, i])
            yield ShareOfBoth(
                group=group, frame=frame, incumbent=float(old[0, i]), candidate=float(new[0, i]),
                difference=float(new[0, i] - old[0, i]), low=float(low), high=float(high),
                alike=float((given[0] & given[1]).sum() / either) if either else 1.0,
                posts=_ROUND * round(part.height / _ROUND), authors=_ROUND * round(len(authors) / _ROUND),
            )  # fmt: skip


def _shares(table: pl.DataFrame, model: str, authors: pl.Series, weights: Floats) -> Floats:
    """Shares of the frames as predicted, abstentions left out: (1 + b, k)."""
    made = [_by_author(table, (table[model] == name).to_numpy(), authors) for name in FRAMES]
    return normalised(weights.T @ np.column_stack(made))


def _by_author(table: pl.DataFrame, values: npt.NDArray[np.generic], authors: pl.Series) -> Floats:
    """Sums of n values by author."""
    at = table["author_id"].replace_strict(authors, np.arange(len(authors)), return_dtype=pl.Int64).to_numpy()
    return np.bincount(at, weights=values.astype(np.float64), minlength=len(authors)).astype(np.float64)
