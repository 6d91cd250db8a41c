"""Prevalence: the share of each frame, corrected for classifier error by gold labels.

The default, post-stratification (double sampling), asks the gold labels what the posts of each predicted
class really are and weighs those answers by how many posts were predicted so. It assumes that the gold posts
were drawn at random, with known inclusion probabilities, from the posts they speak for; it assumes nothing
about the classifier. Nine other methods stand beside it (`methods`), each with what it assumes.

Source: Tenenbein (1970), *A Double Sampling Scheme for Estimating from Binomial Data with
Misclassifications*; Cochran (1977), *Sampling Techniques*, ch. 12; the others in docs/prevalence.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from discourse.errors import MeaningError
from discourse.estimators.bootstrap import percentile_interval
from discourse.estimators.estimate import Estimate, assumes_of, from_replicates
from discourse.estimators.rates import GOLD_WITHIN, gold_rates
from discourse.estimators.stratified import poststrat
from discourse.measure.methods import METHODS, NAIVE, Sums, by_true_class, shares_of
from discourse.measure.tallies import Design, Tallies
from discourse.schema import FRAMES, one_of

__all__ = ["GOLD_WITHIN", "METHODS", "Prevalence", "Shares", "prevalence"]

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
    def between(self) -> bool:
        """Whether it compares two sides."""
        return False

    @property
    def shuffled(self) -> bool:
        """Whether it is shown beside its value when sides are shuffled among authors."""
        return False

    @property
    def bounds(self) -> tuple[float, float]:
        """The values it can take."""
        return 0.0, 1.0

    def of(self, shares: Floats) -> Floats:
        """The frame's share out of shares with k frames on the last axis; shape (...,)."""
        picked: Floats = shares[..., FRAMES.index(self.frame)]
        return picked

    def correct(self, shares: Floats) -> Floats:
        """The bias to be taken off shares (..., 1 + b, k): none."""
        return np.zeros(shares.shape[:-2])

    def interval(self, shares: Floats, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
        """Estimate and percentile bounds, from shares (..., 1 + b, k) with the estimate in row 0.

        An interval always holds its estimate: where no gold label has the frame, the estimate is 0 and every replicate,
        which holds a pseudo-label, lies above it.
        """
        values = self.of(shares)
        low, high = percentile_interval(values[..., 1:], level)
        # Widened gold rates may carry a replicate beyond what a share can be.
        low, high = np.clip(low, *self.bounds), np.clip(high, *self.bounds)
        return values[..., 0], np.minimum(low, values[..., 0]), np.maximum(high, values[..., 0])


@dataclass(frozen=True)
class Shares:
    """Shares of k frames per cell with their replicates.

    `values` has shape (t windows, s sides, k frames, 1 + b replicates), column 0 the estimate; NaN where a cell
    has no posts, or no gold that its method can use. `borrowed` (t, s) tells where a cell without gold of its own for
    a class took it from other windows or sides; `n_gold` (t, s) counts the gold labels the estimate rests on, `n_eff`
    (t, s) the authors that its posts weigh as.
    """

    values: Floats
    borrowed: npt.NDArray[np.bool_]
    n_gold: npt.NDArray[np.int64]
    n_eff: Floats
    method: str
    gold_within: str
    design: Design

    @property
    def assumes(self) -> str:
        """What has to be true for the interval to be true: words of `estimate.ASSUMPTIONS`."""
        words = set(assumes_of(self.method))
        if self.method not in NAIVE:
            words |= {
                "window": set(), "side": {"errors_stable_over_time"}, "all": {"errors_stable_over_time_and_sides"}
            }[self.gold_within]  # fmt: skip
        # What gold must be comes first, as a reader asks it first.
        return "+".join(sorted(words, key=lambda word: (word != "random_gold", word)))

    def cell(self, window: str, side: str) -> Estimate:
        """The estimate of one window and side: k frames in codebook order, with interval and replicates.

        Raises `MeaningError` for a window or side outside the design, and for fewer than two replicates.
        """
        if window not in self.design.windows or side not in self.design.sides:
            raise MeaningError(
                f"there is no window {window!r} of side {side!r} in these shares; "
                f"windows run from {self.design.windows[0]!r} to {self.design.windows[-1]!r}"
            )
        at = self.design.windows.index(window), self.design.sides.index(side)
        made = from_replicates(
            self.values[at], method=self.method, seed=self.design.seed, weight=self.design.weight,
            assumes=self.assumes.split("+"), n_gold=int(self.n_gold[at]), n_eff=float(self.n_eff[at]),
        )  # fmt: skip
        return made.flagged("gold_borrowed") if self.borrowed[at] else made


def prevalence(
    tallies: Tallies, *, method: str = "poststrat", gold_within: str = "window", train_prior: Floats | None = None
) -> Shares:
    """Shares of the four frames in every cell of the tallies.

    `gold_within` says which gold labels speak for a cell: those of its own window and side ("window"), of its
    side in all windows ("side"), or all of them ("all"). The first is unbiased whatever the classifier does;
    the others assume that its errors do not change over time, which a strong event breaks. Where the scope has no gold
    for a class (`poststrat`: predicted class, `acc` and `pacc`: true class) or for the whole cell (`ppi`, `ppi++`,
    `dsl`), the next wider scope speaks for it, and the cell is flagged as `borrowed`; `gold` never borrows.

    `train_prior` are the shares of the frames among the training labels, which `sld` starts from; without it the mix of
    all gold. Raises `SchemaError` for an unknown method or scope, `MeaningError` for a method that needs probabilities
    which the tallies did not keep (`Design.scores`).

    Two posts predicted nationalist, of which the coded one is neither, and one predicted neither, which is:

    >>> import polars as pl
    >>> from discourse.measure.tallies import tally
    >>> posts = pl.DataFrame({"author_id": ["x:a", "x:b", "x:c"], "window": ["w"] * 3, "side": ["pakistan"] * 3,
    ...     "predicted": ["nationalist", "nationalist", "neither"], "value": ["neither", None, "neither"],
    ...     "inclusion_p": [0.5, None, 1.0]})
    >>> counted = tally(posts, Design(("w",), ("pakistan",), replicates=9))
    >>> prevalence(counted).values[0, 0, :, 0].tolist(), prevalence(counted, method="cc").values[0, 0, 0, 0].round(2)
    ([0.0, 0.0, 0.0, 1.0], np.float64(0.67))
    """
    one_of(method, METHODS, "method")
    one_of(gold_within, GOLD_WITHIN, "gold_within")
    t, s = len(tallies.design.windows), len(tallies.design.sides)
    sums = Sums.of(tallies)
    scope = _Scope(sums, tallies.n_gold.reshape(t, s, -1), gold_within)
    borrowed, n_gold = np.zeros((t, s), dtype=bool), scope.n_gold.sum(axis=-1)
    if method in NAIVE:
        values, n_gold = shares_of(method, sums), np.zeros((t, s), dtype=np.int64)
    elif method == "poststrat":
        rates = gold_rates(np.moveaxis(sums.gold, 0, -1), gold_within, tallies.design.seed)
        values = poststrat(sums.counts, rates)
        borrowed = ((scope.n_gold == 0) & (sums.counts[0] > 0)).any(axis=-1)
    else:
        scoped, borrowed = scope.sums(method)
        values = shares_of(method, scoped, scope.mix() if train_prior is None else train_prior)
    return Shares(
        np.moveaxis(values, 0, -1), borrowed & (sums.counts[0].sum(axis=-1) > 0), n_gold,
        tallies.n_eff().reshape(t, s), method, gold_within, tallies.design,
    )  # fmt: skip


class _Scope:
    """The gold that speaks for each cell: that of its scope or, where it is silent, of the next wider one."""

    def __init__(self, given: Sums, n_gold: npt.NDArray[np.int64], within: str) -> None:
        self.given = given
        self.within = within
        self.n_gold: npt.NDArray[np.int64] = _pool(n_gold, within, 0).astype(np.int64)
        """Gold labels of the scope by predicted class, (t, s, j)."""

    def mix(self) -> Floats:
        """The shares of the frames among all gold, (k,), none of them 0."""
        total = self.given.gold[0].sum(axis=(0, 1, 2)) + 1e-9
        made: Floats = total / total.sum()
        return made

    def sums(self, method: str) -> tuple[Sums, npt.NDArray[np.bool_]]:
        """The sums with gold pooled and borrowed as the method needs, and the cells that borrowed, (t, s)."""
        gold, soft = self.given.gold, self.given.soft_gold
        known = gold.sum(axis=-2)
        if not by_true_class(method):
            known = known.sum(axis=-1, keepdims=True)
        has = _pool(known, self.within, 1) > 0
        silent = ~has[0].all(axis=-1)
        gold_taken = _pool(gold, self.within, 1)
        soft_taken = None if soft is None else _pool(soft, self.within, 1)
        if method in ("gold", "sld"):  # the one never borrows, the other reads no gold of the cell
            return replace(self.given, gold=gold_taken), np.zeros_like(silent)
        for scope in GOLD_WITHIN[GOLD_WITHIN.index(self.within) + 1 :]:
            gold_taken = np.where(has[..., None, :], gold_taken, _pool(gold, scope, 1))
            if soft is not None and soft_taken is not None:
                soft_taken = np.where(has[..., None, :], soft_taken, _pool(soft, scope, 1))
            has = has | (_pool(known, scope, 1) > 0)
        return replace(self.given, gold=gold_taken, soft_gold=soft_taken), silent


def _pool(array: npt.NDArray[Any], scope: str, first: int) -> Floats:
    """Sums over the windows, or windows and sides, of an array (..., t, s, ...) whose windows stand on axis `first`."""
    axes = {"window": (), "side": (first,), "all": (first, first + 1)}[scope]
    made: Floats = np.broadcast_to(array.sum(axis=axes, keepdims=True), array.shape) if axes else array
    return made
