"""Classified posts without text and with known truth: what coverage of the truth is measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import UsageError
from discourse.schema import FRAMES

__all__ = ["CONFUSION", "SyntheticSide", "simulate_observed"]

# p(predicted | true) in the order of schema.FRAMES: a classifier that is right three times in four and leans
# towards the common frame.
CONFUSION = np.array([
    [0.80, 0.02, 0.06, 0.12],
    [0.12, 0.62, 0.08, 0.18],
    [0.30, 0.15, 0.45, 0.10],
    [0.20, 0.06, 0.02, 0.72],
])  # fmt: skip


@dataclass(frozen=True)
class SyntheticSide:
    """One side: a authors, and the true shares of the k frames in each of t weeks, shape (t, k)."""

    authors: int
    shares: npt.NDArray[np.float64]


def simulate_observed(
    sides: Mapping[str, SyntheticSide],
    *,
    gold_per_cell: int,
    seed: int,
    confusion: npt.NDArray[np.float64] = CONFUSION,
    tail: float = 1.5,
    loyalty: float = 0.3,
    begin: datetime = datetime(2024, 12, 2, tzinfo=UTC),
) -> pl.DataFrame:
    """Posts of heavy-tailed authors over weeks, classified with error, with random gold in every week and side.

    An author's number of posts a week is Pareto-distributed with index `tail`; `loyalty` in [0, 1) is the
    intra-author correlation of frames (Dirichlet propensities around the side's share). Returns the columns of
    `discourse.measure.timeline.observe` plus `true`, the frame that gold would show.

    >>> flat = SyntheticSide(authors=40, shares=np.tile([0.3, 0.1, 0.1, 0.5], (2, 1)))
    >>> made = simulate_observed({"pakistan": flat, "afghanistan": flat}, gold_per_cell=10, seed=1)
    >>> made["value"].count()
    40
    """
    if not 0.0 <= loyalty < 1.0:
        raise UsageError(f"loyalty is {loyalty}; it must lie in [0, 1)")
    rng = np.random.default_rng(seed)
    frames = [
        _side_posts(name, side, begin, rng=rng, confusion=confusion, tail=tail, loyalty=loyalty)
        for name, side in sides.items()
    ]
    posts = pl.concat(frames).with_row_index("row")
    drawn, probability = np.zeros(posts.height, dtype=bool), np.zeros(posts.height)
    for rows in posts.group_by("side", "week", maintain_order=True).agg("row")["row"]:
        at = rows.to_numpy()
        n = min(gold_per_cell, len(at))
        drawn[rng.choice(at, size=n, replace=False)] = True
        probability[at] = n / len(at)
    return posts.with_columns(
        post_id=pl.format("sim:{}", "row"),
        value=pl.when(pl.Series(drawn)).then("true"),
        inclusion_p=pl.when(pl.Series(drawn)).then(pl.Series(probability)),
    ).select("post_id", "author_id", "created_at", "side", "predicted", "value", "inclusion_p", "true")


def _side_posts(
    name: str,
    side: SyntheticSide,
    begin: datetime,
    *,
    rng: np.random.Generator,
    confusion: npt.NDArray[np.float64],
    tail: float,
    loyalty: float,
) -> pl.DataFrame:
    weeks, k = side.shares.shape
    activity = rng.pareto(tail, side.authors) + 0.3
    spread = np.inf if loyalty == 0.0 else (1.0 - loyalty) / loyalty
    leaning = rng.random(side.authors)  # one draw an author: propensities move with the side, not at random
    rows: dict[str, list[npt.NDArray[np.int64]]] = {"author": [], "week": [], "true": []}
    for week in range(weeks):
        posts = rng.poisson(activity)
        author = np.repeat(np.arange(side.authors), posts)
        own = _propensities(side.shares[week], spread, leaning)
        true = (rng.random(len(author))[:, None] > np.cumsum(own, axis=1)[author]).sum(axis=1).clip(0, k - 1)
        for key, values in (("author", author), ("week", np.full(len(author), week)), ("true", true)):
            rows[key].append(values)
    author, week_of, true = (np.concatenate(rows[key]) for key in ("author", "week", "true"))
    predicted = (rng.random(len(true))[:, None] > np.cumsum(confusion, axis=1)[true]).sum(axis=1).clip(0, k - 1)
    second = rng.integers(0, 7 * 86_400, len(true))
    when = [begin + timedelta(weeks=int(w), seconds=int(s)) for w, s in zip(week_of, second, strict=True)]
    words = np.array(FRAMES)
    return pl.DataFrame({
        "author_id": [f"sim:{name}-{a}" for a in author],
        "created_at": pl.Series(when, dtype=pl.Datetime("us", "UTC")),
        "side": name,
        "week": week_of,
        "true": words[true],
        "predicted": words[predicted],
    })  # fmt: skip


def _propensities(
    shares: npt.NDArray[np.float64], spread: float, leaning: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Author propensities (a, k) whose mean is `shares`: a loyal part that always takes one frame, and the rest."""
    if np.isinf(spread):
        return np.tile(shares, (len(leaning), 1))
    loyal = np.eye(len(shares))[(leaning[:, None] > np.cumsum(shares)).sum(axis=1).clip(0, len(shares) - 1)]
    rho = 1.0 / (1.0 + spread)
    made: npt.NDArray[np.float64] = rho**0.5 * loyal + (1.0 - rho**0.5) * shares
    return made
