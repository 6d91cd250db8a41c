"""The baseline of every polarization measure: its value when sides are shuffled among authors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from discourse.errors import UsageError
from discourse.measure.prevalence import Shares, classify_and_count, post_stratified
from discourse.measure.tallies import PREDICTED, Design, encode
from discourse.schema import FRAMES

__all__ = ["shuffled_shares"]

Floats = npt.NDArray[np.float64]


def shuffled_shares(
    observed: pl.DataFrame, design: Design, shares: Shares, sides: tuple[str, str], shuffles: int
) -> Floats:
    """Shares of the k frames per window for two made-up sides, in r shuffles; shape (r, t, 2, k).

    Authors keep their posts, gold labels and windows; which of the two sides an author stands on is drawn
    anew, with as many authors on each side as there are. The estimator is that of `shares`, without replicates;
    a predicted class without gold in a shuffled cell takes the rates of all gold together. Raises `UsageError`
    for less than one shuffle.
    """
    if shuffles < 1:
        raise UsageError(f"shuffles is {shuffles}; a baseline needs at least 1 (200 is the default)")
    encoded = encode(observed, design)
    everything = _all_gold(encoded)
    rows = encoded.filter(pl.col("side").is_in(sides))
    t, j, k = len(design.windows), len(PREDICTED), len(FRAMES)
    units = rows.select("unit", "side").unique().sort("unit", "side")
    if units.is_empty():
        return np.full((shuffles, t, 2, k), np.nan)
    rows = rows.join(units.with_row_index("place"), on=["unit", "side"], how="left", validate="m:1")
    window = rows["cell"].to_numpy() // len(design.sides)
    pred, true, unit = (rows[c].to_numpy() for c in ("pred", "true", "place"))
    coded = true >= 0
    counts = _by_unit(rows["w"].to_numpy(), unit, window * j + pred, units.height, t * j)
    gold = _by_unit(
        rows["w_gold"].to_numpy()[coded], unit[coded], ((window * j + pred) * k + true)[coded], units.height, t * j * k
    )

    is_first = (units["side"] == sides[0]).to_numpy()
    rng = np.random.default_rng([design.seed, len(units)])
    draws = np.stack([rng.permutation(is_first) for _ in range(shuffles)]).astype(np.float64)
    made = np.empty((shuffles, t, 2, k))
    for s, chosen in enumerate((draws, 1.0 - draws)):
        n = (counts.T @ chosen.T).T.reshape(shuffles, t, j)
        g = (gold.T @ chosen.T).T.reshape(shuffles, t, j, k)
        made[:, :, s] = _estimate(n, g, everything, shares)
    return made


def _estimate(counts: Floats, gold: Floats, everything: Floats, shares: Shares) -> Floats:
    if shares.method == "cc":
        return classify_and_count(counts)
    if shares.gold_within == "side":
        gold = np.broadcast_to(gold.sum(axis=1, keepdims=True), gold.shape)
    if shares.gold_within == "all":
        gold = np.broadcast_to(everything, gold.shape)
    pooled = np.where(everything.sum(axis=-1, keepdims=True) > 0, everything, everything.sum(axis=0))
    has_gold = gold.sum(axis=-1, keepdims=True) > 0
    return post_stratified(counts, np.where(has_gold, gold, pooled))


def _all_gold(encoded: pl.DataFrame) -> Floats:
    """Weighted gold of all windows and sides together by predicted and true class; shape (j, k)."""
    j, k = len(PREDICTED), len(FRAMES)
    coded = encoded.filter(pl.col("true") >= 0)
    slot = (coded["pred"] * k + coded["true"]).to_numpy()
    total = np.bincount(slot, weights=coded["w_gold"].to_numpy(), minlength=j * k)
    return total.astype(np.float64).reshape(j, k)


def _by_unit(
    weight: npt.NDArray[np.int64], unit: npt.NDArray[np.int64], slot: npt.NDArray[np.int64], units: int, slots: int
) -> sparse.csr_array:
    made = sparse.csr_array((weight.astype(np.float64), (unit, slot)), shape=(units, slots))
    made.sum_duplicates()
    return made
