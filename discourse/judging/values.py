"""Every metric of one model in one group, in all replicates: what tables, curves and probes make their rows of.

Hits, misses and false alarms of a frame each get about half a count more in every replicate (a draw of Gamma(1/2), in
units of the posts an author has; Jeffreys' prior): without it, a rare frame that was never hit would have an interval
from 0 to 0. Seven eighths of it are the same draw for all models and one eighth is a model's own, so that paired
differences stay paired; in simulations this share keeps their promise best. Estimates are not touched, and the
majority, which says one frame whatever comes, gets none.

Letters of shapes: n posts, k frames, b replicates. Source: Brown, Cai and DasGupta (2001), *Interval Estimation for a
Binomial Proportion* (Jeffreys' prior); Rubin (1981), *The Bayesian Bootstrap*.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.judging.baselines import Guess
from discourse.judging.intervals import Draws, Interval, error_interval, interval_of, logit_interval
from discourse.judging.scores import (
    aurc,
    average_precision,
    brier,
    calibration_excess,
    frame_counts,
    frame_scores,
    macro,
    nll,
)
from discourse.schema import FRAMES

__all__ = ["MIN_AUTHORS", "Judged", "Part", "Values", "ends", "matrices"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Values = dict[tuple[str, str], Floats]

_SHARED, _OWN = 7 / 16, 1 / 16
MIN_AUTHORS: Final = 10
"""A group of fewer authors gets no number; a frame that fewer wrote gets no interval of its average precision."""
_PLACE: Final = {frame: at for at, frame in enumerate(FRAMES)}


@dataclass(frozen=True, eq=False)
class Part:
    """The posts of one group: `at` (n flags), their `truth`, the `place` of their authors among all.

    >>> part = Part(np.array([True, False]), np.array([2]), np.array([0]))
    >>> part.authors, part.writers.tolist(), part.averaged.tolist()
    (1, [0, 0, 1, 0], [False, False, True, False])
    """

    at: Flags
    truth: Codes
    place: Codes

    @cached_property
    def authors(self) -> int:
        """How many authors the posts have."""
        return len(np.unique(self.place))

    @cached_property
    def writers(self) -> Codes:
        """By how many authors each frame was written, k."""
        return np.array([len(np.unique(self.place[self.truth == frame])) for frame in range(len(FRAMES))])

    @cached_property
    def posts_an_author(self) -> Floats:
        """Posts of each frame for each of its authors, then of all, k + 1; 1 where there are none."""
        posts = np.append(np.bincount(self.truth, minlength=len(FRAMES)), len(self.truth))
        made: Floats = np.maximum(posts, 1.0) / np.maximum(np.append(self.writers, self.authors), 1)
        return made

    @cached_property
    def averaged(self) -> Flags:
        """The frames that the macro averages are over: those that were written here, k flags."""
        flags: Flags = self.writers > 0
        return flags

    @cached_property
    def common(self) -> Flags:
        """The frames that 10 authors or more wrote here, k flags."""
        flags: Flags = self.writers >= MIN_AUTHORS
        return flags


@dataclass(frozen=True, eq=False)
class Judged:
    """n tested posts by their true frames, with the draws of their authors and the seed of the half counts.

    >>> posts = pl.DataFrame({"author_id": ["a", "b"], "value": ["both", "neither"]})
    >>> tested = Judged.of(posts, seed=7, replicates=9)
    >>> guess = Guess(np.array([2, 2]), np.zeros((2, 0)))
    >>> values = tested.values("classifier", guess, tested.part())
    >>> values["accuracy", "all"].shape, float(values["macro_f1", "all"][0].round(3))
    ((10,), 0.333)
    """

    truth: Codes
    draws: Draws
    seed: int

    @classmethod
    def of(cls, posts: pl.DataFrame, *, seed: int, replicates: int) -> Judged:
        """From a table with author_id and value."""
        truth = posts["value"].replace_strict(_PLACE, return_dtype=pl.Int64).to_numpy()
        return cls(truth, Draws.of(posts["author_id"], replicates=replicates, seed=seed), seed)

    def part(self, at: Flags | None = None) -> Part:
        """The posts flagged in `at` (n), or all."""
        chosen = np.ones(len(self.truth), dtype=bool) if at is None else at
        return Part(chosen, self.truth[chosen], self.draws.place[chosen])

    def values(self, model: str, guess: Guess, part: Part) -> Values:
        """Each metric of a model's guess of all n posts in one part, by metric and class ("all" or a frame), (1 + b,).

        Metrics: macro_f1, macro_f1_common (over frames that 10 authors wrote), accuracy, coverage; precision, recall
        and f1 of frames; where there are probabilities, nll, brier, aurc, average_precision (of frames, and their
        mean) and ece, which has the errors of 15 bins, (1 + b, 15). A model that ranks no post has the share of a
        frame as its average precision.
        """
        own = guess.at(part.at)
        matrix = self.draws.values(lambda weights: matrices(part.truth, own.predicted, weights), part.at)
        noise = self._half_counts(model) * part.posts_an_author[:, None] * own.ranks
        counts = frame_counts(matrix) + noise[:, :-1]
        scored = frame_scores(counts)
        # A frame that was never predicted has no precision, whatever the half counts say.
        scored["precision"][:, matrix[0, :, : len(FRAMES)].sum(axis=0) == 0] = np.nan
        scored["recall"][:, ~part.averaged] = np.nan
        total = matrix.sum(axis=(1, 2))
        hits = np.trace(matrix[..., : len(FRAMES)], axis1=1, axis2=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            made: Values = {
                ("macro_f1", "all"): macro(scored["f1"], part.averaged),
                ("macro_f1_common", "all"): macro(scored["f1"], part.common),
                ("accuracy", "all"): (hits + noise[:, -1, 0]) / (total + noise[:, -1, :2].sum(axis=1)),
                ("coverage", "all"): np.where(total > 0, matrix[..., : len(FRAMES)].sum(axis=(1, 2)) / total, np.nan),
            }
        if own.probabilities.shape[1]:
            made |= self._probable(own, part)
        for metric, value in scored.items():
            made |= {(metric, frame): value[:, at] for frame, at in _PLACE.items()}
        return made

    def _probable(self, own: Guess, part: Part) -> Values:
        shares, truth = own.probabilities, part.truth
        wrong = shares.argmax(axis=1) != truth
        ranking = shares if own.ranks else np.zeros_like(shares)
        confidence = ranking.max(axis=1, initial=0.0)
        by_frame = [(ranking[:, at], truth == at) for at in range(len(FRAMES))]

        def everything(weights: Floats) -> Floats:
            flat = [nll(shares, truth, weights), brier(shares, truth, weights), aurc(confidence, wrong, weights)]
            flat += [average_precision(score, hit, weights) for score, hit in by_frame]
            return np.column_stack([*flat, calibration_excess(shares, truth, weights)])

        table = self.draws.values(everything, part.at)
        precisions = table[:, 3 : 3 + len(FRAMES)]
        made: Values = {(metric, "all"): table[:, at] for at, metric in enumerate(("nll", "brier", "aurc"))}
        made["ece", "all"] = table[:, 3 + len(FRAMES) :]
        made["average_precision", "all"] = macro(precisions, part.averaged)
        return made | {("average_precision", frame): precisions[:, at] for frame, at in _PLACE.items()}

    def _half_counts(self, model: str) -> Floats:
        """What replicates get more: (1 + b, k + 1, 3), the last row for accuracy; none in the first replicate."""
        shape = (len(self.draws.counts), len(FRAMES) + 1, 3)
        shared, own = (
            np.random.default_rng([self.seed, key]).gamma(about, size=shape)
            for key, about in ((0, _SHARED), (crc32(model.encode()), _OWN))
        )
        made: Floats = shared + own
        made[0] = 0.0
        return made


def matrices(truth: Codes, predicted: Codes, weights: Floats) -> Floats:
    """Confusion matrices under weights (.., n): (.., k, k + 1), the last column for posts that were abstained on.

    >>> matrices(np.array([3]), np.array([4]), np.array([[2.0]]))[0, 3].tolist()
    [0.0, 0.0, 0.0, 0.0, 2.0]
    """
    k = len(FRAMES)
    cells = np.zeros((len(truth), k * (k + 1)))
    cells[np.arange(len(truth)), truth * (k + 1) + predicted] = 1.0
    made: Floats = (weights @ cells).reshape(-1, k, k + 1)
    return made


def ends(metric: str, values: Floats) -> Interval:
    """Estimate, low and high of a metric of `Judged.values`, by the interval that suits it.

    >>> ends("accuracy", np.array([0.5, 0.4, 0.6]))[0]
    0.5
    """
    if metric == "ece":
        return error_interval(values)
    return logit_interval(values) if metric == "average_precision" else interval_of(values)
