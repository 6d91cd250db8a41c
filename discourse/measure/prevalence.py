"""Prevalence: the share of each frame, corrected for classifier error by gold labels.

The default, post-stratification (double sampling), asks the gold labels what the posts of each predicted
class really are and weighs those answers by how many posts were predicted so. It assumes that the gold posts
were drawn at random, with known inclusion probabilities, from the posts they speak for; it assumes nothing
about the classifier.

Source: Tenenbein (1970), *A Double Sampling Scheme for Estimating from Binomial Data with
Misclassifications*; Cochran (1977), *Sampling Techniques*, ch. 12.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from discourse.measure.rates import GOLD_WITHIN, gold_rates, normalised
from discourse.measure.tallies import PREDICTED, Tallies
from discourse.schema import FRAMES, one_of

__all__ = ["GOLD_WITHIN", "METHODS", "Prevalence", "Shares", "classify_and_count", "post_stratified", "prevalence"]

METHODS = ("poststrat", "cc")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Prevalence:
    """The share of one frame, from 0 to 1. Frames exclude each other: `both` is not counted again in its parts.

    >>> Prevalence("nationalist")
    Prevalence('nationalist')
    """

    frame: str

    def __post_init__(self) -> None:
        one_of(self.frame, FRAMES, "frame")

    def __repr__(self) -> str:
        return f"Prevalence({self.frame!r})"

    @property
    def bounds(self) -> tuple[float, float]:
        """The values it can take."""
        return 0.0, 1.0

    def of(self, shares: Floats) -> Floats:
        """The frame's share out of shares with k frames on the last axis; shape (...,)."""
        picked: Floats = shares[..., FRAMES.index(self.frame)]
        return picked


@dataclass(frozen=True)
class Shares:
    """Shares of k frames per cell with their replicates.

    `values` has shape (t windows, s sides, k frames, 1 + b replicates), column 0 the estimate; NaN where a cell
    has no posts. `borrowed` (t, s) tells where a predicted class without gold borrowed it from other windows
    or sides; `n_gold` (t, s) counts the gold labels the estimate rests on.
    """

    values: Floats
    borrowed: npt.NDArray[np.bool_]
    n_gold: npt.NDArray[np.int64]
    method: str
    gold_within: str

    @property
    def assumes(self) -> str:
        """What has to be true for the interval to be true."""
        if self.method == "cc":
            return "classifier_errors_cancel"
        return {
            "window": "random_gold",
            "side": "random_gold+errors_stable_over_time",
            "all": "random_gold+errors_stable_over_time_and_sides",
        }[self.gold_within]


def post_stratified(counts: Floats, gold: Floats) -> Floats:
    """Post-stratified shares sum_j W_j p(true = k | predicted = j).

    `counts` (..., j predicted) and `gold` (..., j predicted, k true) are weighted counts; the result (..., k)
    sums to 1. A predicted class that has posts but no gold gives NaN; so do cells without posts.

    >>> post_stratified(np.array([80.0, 20.0]), np.array([[8.0, 2.0], [1.0, 9.0]])).round(2).tolist()
    [0.66, 0.34]
    """
    share = normalised(counts)
    rate = normalised(gold)
    rate = np.where((share == 0)[..., None], 0.0, rate)
    made: Floats = np.einsum("...j,...jk->...k", share, rate)
    return made


def classify_and_count(counts: Floats) -> Floats:
    """Shares of the predicted classes as they are, (..., j predicted) to (..., k frames); abstentions are left out.

    >>> classify_and_count(np.array([3.0, 1.0, 0.0, 4.0, 2.0])).tolist()
    [0.375, 0.125, 0.0, 0.5]
    """
    return normalised(counts[..., : len(FRAMES)])


def prevalence(tallies: Tallies, *, method: str = "poststrat", gold_within: str = "window") -> Shares:
    """Shares of the four frames in every cell of the tallies.

    `gold_within` says which gold labels speak for a cell: those of its own window and side ("window"), of its
    side in all windows ("side"), or all of them ("all"). The first is unbiased whatever the classifier does;
    the others assume that its errors do not change over time, which a strong event breaks. A predicted class
    that has posts in a cell but no gold there borrows the rates of its side, then of everything, and the cell
    is flagged as `borrowed`.
    """
    one_of(method, METHODS, "method")
    one_of(gold_within, GOLD_WITHIN, "gold_within")
    t, s, j, k = len(tallies.design.windows), len(tallies.design.sides), len(PREDICTED), len(FRAMES)
    counts = tallies.counts.reshape(t, s, j, -1).astype(np.float64)
    gold = tallies.gold.reshape(t, s, j, k, -1).astype(np.float64)
    n_gold = tallies.n_gold.reshape(t, s, j)
    by_rep = np.moveaxis(counts, -1, 0)
    if method == "cc":
        values = np.moveaxis(classify_and_count(by_rep), 0, -1)
        none = np.zeros((t, s), dtype=bool)
        return Shares(values, none, np.zeros((t, s), dtype=np.int64), method, gold_within)
    own = {"window": n_gold, "side": n_gold.sum(axis=0)[None], "all": n_gold.sum(axis=(0, 1))[None, None]}[gold_within]
    own = np.broadcast_to(own, n_gold.shape)
    rates = gold_rates(gold, gold_within, tallies.design.seed)
    values = np.moveaxis(post_stratified(by_rep, rates), 0, -1)
    borrowed = ((own == 0) & (counts[..., 0] > 0)).any(axis=2)
    return Shares(values, borrowed, own.sum(axis=2), method, gold_within)
