"""Daily counts with an event of known size: posts a day that vary twofold, a trend, days of the week, a latent process.

The test worlds of event studies: `docs/events.md` and the experiment `events` of `discourse validate` stand on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

__all__ = ["DAYS", "EVENT", "World", "daily_counts"]

DAYS = 120
EVENT = 90
"""The day of the event, counted from 0."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """Mean posts a day; correlation from day to day (`phi`) and standard deviation, in logits, of the latent process.

    >>> World(30, 0.6, 0.35).posts
    30
    """

    posts: int
    phi: float
    sd: float


def daily_counts(
    world: World, change: float, rng: np.random.Generator, *, trend: float = 0.003, wave: float = 0.15
) -> tuple[Floats, Floats]:
    """y and n (120,) of one series: posts of the kind that is counted, and all posts, of each day.

    n is negative binomial of index 2. On the logit scale the share starts at -0.7, moves by `trend` a day, by a weekly
    wave of that amplitude, by `change` from day 90 on, and by a stationary AR(1) process.

    >>> y, n = daily_counts(World(200, 0.0, 0.0), 0.0, np.random.default_rng(1), trend=0.0, wave=0.0)
    >>> bool(abs(y.sum() / n.sum() - 1 / (1 + np.exp(0.7))) < 0.01)
    True
    """
    t = np.arange(DAYS)
    n = rng.poisson(world.posts * rng.gamma(2.0, 0.5, DAYS))
    u = np.empty(DAYS)
    u[0] = rng.normal(0.0, world.sd)
    for i in t[1:]:
        u[i] = world.phi * u[i - 1] + rng.normal(0.0, world.sd * np.sqrt(1.0 - world.phi**2))
    eta = -0.7 + trend * (t - EVENT) + wave * np.sin(2.0 * np.pi * t / 7.0) + change * (t >= EVENT) + u
    return rng.binomial(n, expit(eta)).astype(np.float64), n.astype(np.float64)
