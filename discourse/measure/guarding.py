"""The guards of a series: what a reader must be told about its cells, sides and method before using a number.

`discourse.estimators.guards` says each thing of plain numbers; here the numbers are read from tallies. Cells (a window
of a side) are looked at for gold and for authors; sides, over all their windows, for a classifier that adds nothing and
for gold pooled over an event; the method for what it assumes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.estimators.guards import (
    Guard,
    classifier_adds_nothing,
    gold_missing,
    near_singular,
    pooled_over_event,
    prior_shift_assumed,
    small_sample,
)
from discourse.measure.methods import NAIVE
from discourse.measure.prevalence import Shares
from discourse.measure.tallies import SCALE, Tallies

__all__ = ["GUARDS", "Guarded", "guard_table"]

GUARDS: Final = {
    "side": pl.String, "window": pl.String, "flag": pl.String, "labels": pl.Int64, "said": pl.String,
}  # fmt: skip
"""Columns of the table of guards; `window` is null where a guard speaks of a side, `side` too where of the method."""

_ENOUGH: Final = 30
"""Gold labels of a side from which rates are taken for the plans of labels; with fewer the worst case stands."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Guarded:
    """A guard with the side and window it speaks of; None for all of them."""

    guard: Guard
    side: str | None = None
    window: str | None = None


def guard_table(
    shares: Shares, tallies: Tallies, starts: npt.NDArray[np.object_], events: dict[str, datetime] | None = None
) -> pl.DataFrame:
    """All guards that have something to say, with the columns of `GUARDS`: the method first, then side by side.

    `starts` (t, s) are the times at which windows begin, `events` those of events by their id, both by the clock of the
    side (without a zone). `labels` are those which would mend it, null where labels do not.

    >>> from discourse.measure.prevalence import prevalence
    >>> from discourse.measure.tallies import Design, tally
    >>> posts = pl.DataFrame({"author_id": ["x:a"], "window": ["w"], "side": ["pakistan"], "predicted": ["neither"],
    ...     "value": [None], "inclusion_p": [None]}, schema_overrides={"value": pl.String, "inclusion_p": pl.Float64})
    >>> counted = tally(posts, Design(("w",), ("pakistan",), replicates=2))
    >>> starts = np.array([[datetime(2025, 1, 6)]])
    >>> guard_table(prevalence(counted), counted, starts).select("side", "window", "flag", "labels").rows()
    [('pakistan', 'w', 'no_gold', 385), ('pakistan', 'w', 'n_eff_below_30', None)]
    """
    found = list(_guards(shares, tallies, starts, events or {}))
    rows = [(one.side, one.window, one.guard.flag, one.guard.labels, one.guard.sentence) for one in found]
    return pl.DataFrame(rows, schema=GUARDS, orient="row")


def _guards(
    shares: Shares, tallies: Tallies, starts: npt.NDArray[np.object_], events: dict[str, datetime]
) -> Iterator[Guarded]:
    corrected = shares.method not in NAIVE
    if (assumed := prior_shift_assumed(shares.method)) is not None:
        yield Guarded(assumed)
    for s, side in enumerate(tallies.design.sides):
        at = _Side.of(tallies, s)
        if not at.counts.any():
            continue
        rates, parts = at.worst()
        if corrected and (nothing := classifier_adds_nothing(at.counts.sum(axis=0), at.gold.sum(axis=0))):
            yield Guarded(nothing, side)
        pooled = shares.gold_within != "window"
        for event, moment in events.items() if corrected else ():
            first = int(sum(start < moment for start in starts[:, s]))
            if over := pooled_over_event(at.n_gold, first, pooled=pooled, rates=rates, shares=parts):
                yield Guarded(Guard(over.flag, f"{event}: {over.sentence}", over.labels), side)
        for t, window in enumerate(tallies.design.windows):
            if not at.counts[t].any():
                continue
            where = f"the window {window} of {side}"
            cell = (
                gold_missing(int(at.n_gold[t]), where, rates, parts) if corrected else None,
                near_singular(at.counts[t], at.gold[t]) if shares.method in ("acc", "pacc") else None,
                small_sample(float(shares.n_eff[t, s]), where),
            )
            yield from (Guarded(guard, side, window) for guard in cell if guard is not None)


@dataclass(frozen=True, eq=False)
class _Side:
    """Weighted posts `counts` (t, j) and gold `gold` (t, j, k) of a side; gold sums to `n_gold` (t,) in each window."""

    counts: Floats
    gold: Floats
    n_gold: npt.NDArray[np.int64]

    @classmethod
    def of(cls, tallies: Tallies, side: int) -> _Side:
        t, s = len(tallies.design.windows), len(tallies.design.sides)

        def own(array: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
            return array.reshape(t, s, *array.shape[1:])[:, side]

        counts = own(tallies.counts)[..., 0] / SCALE
        gold = own(tallies.gold)[..., 0] / SCALE
        n_gold = own(tallies.n_gold).sum(axis=-1)
        whole = gold.sum(axis=(1, 2))
        return cls(counts, gold * (n_gold / np.where(whole > 0, whole, 1.0))[:, None, None], n_gold)

    def worst(self) -> tuple[Floats, Floats]:
        """Rates (j,) of the frame that is hardest to know and the parts (j,) of the predicted classes."""
        counts, gold = self.counts.sum(axis=0), self.gold.sum(axis=0)
        seen = gold.sum(axis=1)
        if seen.sum() < _ENOUGH:
            return np.array([0.5]), np.array([1.0])
        parts = counts / counts.sum()
        unseen = np.where(parts > 0, 0.5, 0.0)[:, None]
        rates = np.where(seen[:, None] > 0, gold / np.where(seen > 0, seen, 1.0)[:, None], unseen)
        hardest = int((parts[:, None] * rates * (1.0 - rates)).sum(axis=0).argmax())
        return rates[:, hardest], parts
