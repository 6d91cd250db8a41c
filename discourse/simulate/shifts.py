"""Worlds with known truth in which a classifier meets posts unlike those it was trained on: the shifts of a conflict.

Posts have two hidden features, normal around the place of their frame, one unit wide. The classifier has the places a
little wrong, as one does that learnt them from a few labels (it is right about three times in four). Under

- `prior` shift only the shares of the frames change, and differ between the sides;
- `covariate` shift the features move, and what a post with these features is stays as it was;
- `concept` shift posts of the second side are worded otherwise: their features lie nearer to the others'.

Authors write one post and now and then more, all of a side alike. A window is a repetition: windows share no authors.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import UsageError
from discourse.schema import FRAMES, one_of

__all__ = ["SHIFTS", "TRAINING_MIX", "Shifted", "posteriors", "shifted_posts", "true_shares"]

SHIFTS = ("prior", "covariate", "concept")
TRAINING_MIX = np.array([0.35, 0.15, 0.10, 0.40])
"""Shares of the frames in the posts that taught the classifier."""

_PLACES = np.array([[2.0, 0.0], [-1.6, 0.9], [0.4, 2.2], [0.0, -0.6]])
_LEARNT = np.array([[1.5, -0.6], [-1.0, 0.3], [0.9, 1.6], [-0.3, 0.1]])
_MIXES = (np.array([0.30, 0.25, 0.10, 0.35]), np.array([0.50, 0.08, 0.07, 0.35]))
_MOVED = (np.array([0.35, -0.25]), np.array([-0.45, 0.30]))
_NEARER = 0.6
_SIDES = ("pakistan", "afghanistan")
_MANY = 1_000_000
_BEGIN = datetime(2024, 12, 2, tzinfo=UTC)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shifted:
    """One world: its shift, posts a window and side, and gold labels a window, half of them on each side.

    >>> Shifted("prior", posts=4000, gold=500).gold
    500
    """

    shift: str
    posts: int
    gold: int

    def __post_init__(self) -> None:
        one_of(self.shift, SHIFTS, "shift")
        if not 2 <= self.gold <= 2 * self.posts:
            raise UsageError(f"gold is {self.gold}; it must be from 2 to {2 * self.posts}, twice the posts of a side")


def posteriors(features: Floats) -> Floats:
    """What the classifier gives posts (n, 2): probabilities of the frames (n, 4) for the training mix.

    >>> posteriors(np.array([[2.0, 0.0]])).argmax()
    np.int64(0)
    """
    return _bayes(features, _LEARNT)


def _bayes(features: Floats, places: Floats) -> Floats:
    log = np.log(TRAINING_MIX) - 0.5 * ((features[:, None, :] - places) ** 2).sum(axis=2)
    raised = np.exp(log - log.max(axis=1, keepdims=True))
    made: Floats = raised / raised.sum(axis=1, keepdims=True)
    return made


@cache
def true_shares(shift: str) -> Floats:
    """The true shares of the frames on both sides, (2, 4); under covariate shift from a million draws.

    >>> true_shares("prior").sum(axis=1).round(6).tolist()
    [1.0, 1.0]
    """
    if one_of(shift, SHIFTS, "shift") != "covariate":
        return np.stack(_MIXES)
    made = []
    for side in range(2):
        total, rng = np.zeros(len(FRAMES)), np.random.default_rng([20_241_201, side])
        for _ in range(_MANY // 100_000):
            total += _bayes(_features("covariate", side, 100_000, rng)[0], _PLACES).sum(axis=0)
        made.append(total / _MANY)
    return np.stack(made)


def shifted_posts(world: Shifted, windows: int, seed: int) -> pl.DataFrame:
    """Posts of both sides in `windows` windows, one a repetition: columns as `measure.timeline.observe` gives them.

    With `window` beside, the number of the repetition. Gold is drawn at random in every window and side.

    >>> made = shifted_posts(Shifted("prior", posts=30, gold=20), windows=2, seed=1)
    >>> made.height, made["value"].count()
    (120, 40)
    """
    frames = []
    for window in range(windows):
        for at, side in enumerate(_SIDES):
            rng = np.random.default_rng([seed, window, at])
            frames.append(_posts(world, at, rng).with_columns(window=pl.lit(f"{window:05}"), side=pl.lit(side)))
    when = pl.lit(_BEGIN) + pl.duration(weeks=pl.col("window").cast(pl.Int64), hours=12)
    unique = pl.format("sim:{}-{}-{}", "window", "side", "author")
    return pl.concat(frames).with_columns(
        author_id=unique,
        post_id=pl.format("sim:{}-{}-{}", "window", "side", pl.int_range(pl.len())),
        copy_id=pl.lit(None, pl.String),
        created_at=when.dt.cast_time_unit("us"),
    ).drop("author")  # fmt: skip


def _posts(world: Shifted, side: int, rng: np.random.Generator) -> pl.DataFrame:
    features, true = _features(world.shift, side, world.posts, rng)
    p = posteriors(features)
    words = np.array(FRAMES)
    n = world.gold // 2
    drawn = np.zeros(world.posts, dtype=bool)
    drawn[rng.choice(world.posts, size=n, replace=False)] = True
    # Most authors write once, every fourth or so more often.
    author = np.sort(rng.integers(0, max(int(world.posts / 1.3), 1), world.posts))
    return pl.DataFrame({
        "author": author, "predicted": words[p.argmax(axis=1)], **{f"p_{f}": p[:, i] for i, f in enumerate(FRAMES)},
        "true": words[true],
    }).with_columns(
        value=pl.when(pl.Series(drawn)).then("true"), inclusion_p=pl.lit(n / world.posts),
    )  # fmt: skip


def _features(shift: str, side: int, n: int, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Features (n, 2) and true frames (n,) of posts of a side."""
    if shift == "covariate":
        first = rng.choice(len(FRAMES), size=n, p=TRAINING_MIX)
        features = _PLACES[first] + _MOVED[side] + rng.normal(size=(n, 2))
        p = _bayes(features, _PLACES)
        true = (rng.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1).clip(0, len(FRAMES) - 1)
        return features, true
    true = rng.choice(len(FRAMES), size=n, p=_MIXES[side])
    places = _PLACES * (_NEARER if shift == "concept" and side == 1 else 1.0)
    return places[true] + rng.normal(size=(n, 2)), true
