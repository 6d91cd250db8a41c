"""The baseline of every polarization measure: its value when sides are shuffled among authors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from discourse.errors import UsageError
from discourse.estimators.rates import normalised
from discourse.estimators.simplex import simplex_cells, simplex_points
from discourse.measure.methods import SCORES_OF, Sums, shares_of
from discourse.measure.prevalence import Shares
from discourse.measure.tallies import PREDICTED, STEPS, Design, encode
from discourse.schema import FRAMES

__all__ = ["shuffled_shares"]

_P = tuple(f"p_{frame}" for frame in FRAMES)

Floats = npt.NDArray[np.float64]


def shuffled_shares(
    observed: pl.DataFrame, design: Design, shares: Shares, sides: tuple[str, str], shuffles: int
) -> Floats:
    """Shares of the k frames per window for two made-up sides, in r shuffles; shape (r, t, 2, k).

    Authors keep their posts, gold labels and windows; which of the two sides an author stands on is drawn
    anew, with as many authors on each side as there are. The estimator is that of `shares`, without replicates; a class
    (or, for methods that do not go by class, a cell) without gold in a shuffled cell takes all gold together. Raises
    `UsageError` for less than one shuffle.
    """
    if shuffles < 1:
        raise UsageError(f"shuffles is {shuffles}; a baseline needs at least 1 (200 is the default)")
    t, k = len(design.windows), len(FRAMES)
    encoded = encode(observed, design).with_columns(window_at=pl.col("cell") // len(design.sides))
    everything = {name: table.sum(axis=0) for name, table in _tables(encoded, t, shares.method).items()}
    rows = encoded.filter(pl.col("side").is_in(sides))
    units = rows.select("unit", "side").unique().sort("unit", "side")
    if units.is_empty():
        return np.full((shuffles, t, 2, k), np.nan)
    rows = rows.join(units.with_row_index("place"), on=["unit", "side"], how="left", validate="m:1")
    tables = _Tables.of(rows, t, shares.method)

    is_first = (units["side"] == sides[0]).to_numpy()
    rng = np.random.default_rng([design.seed, len(units)])
    draws = np.stack([rng.permutation(is_first) for _ in range(shuffles)]).astype(np.float64)
    made = np.empty((shuffles, t, 2, k))
    for s, chosen in enumerate((draws, 1.0 - draws)):
        made[:, :, s] = _estimate(tables.of_units(chosen), everything, shares)
    return made


def _estimate(given: Mapping[str, Floats], everything: Mapping[str, Floats], shares: Shares) -> Floats:
    """Shares (r, t, k) of shuffled cells: their gold pooled as in `shares` and, where it is silent, that of all."""
    taken, has = dict(given), _speaks(_pooled(given["gold"], everything["gold"], shares.gold_within), shares.method)
    for name in ("gold", "soft_gold"):
        if name in given:
            whole = everything[name]
            own = _pooled(given[name], whole, shares.gold_within)
            # A predicted class that nobody ever coded takes the mix of all gold.
            rest = np.where(whole.sum(axis=-1, keepdims=True) > 0, whole, whole.sum(axis=0))
            taken[name] = np.where(has, own, rest if shares.method == "poststrat" else whole)
    posteriors = None
    if "grid" in given:
        total = everything["grid_soft"]
        del taken["grid_soft"]
        posteriors = normalised(np.where(total.sum(axis=-1, keepdims=True) > 0, total, 1.0))
    mix = everything["gold"].sum(axis=0) + 1e-9
    return shares_of(shares.method, Sums(**taken, posteriors=posteriors), normalised(mix))


def _speaks(gold: Floats, method: str) -> npt.NDArray[np.bool_]:
    """Where gold (r, t, j, k) speaks: for a predicted class, a true class, or (methods without classes) the cell."""
    axis = {"poststrat": -1, "acc": -2, "pacc": -2}.get(method, (-1, -2))
    made: npt.NDArray[np.bool_] = gold.sum(axis=axis, keepdims=True) > 0
    return made


def _pooled(own: Floats, whole: Floats, within: str) -> Floats:
    """Gold (r, t, j, k) of the scope: the cell, its side in all windows, or everything."""
    if within == "side":
        return np.broadcast_to(own.sum(axis=1, keepdims=True), own.shape)
    return np.broadcast_to(whole, own.shape) if within == "all" else own


@dataclass(frozen=True, eq=False)
class _Tables:
    """What every unit adds to each window, one sparse table a kind of sum, (units, t x ...)."""

    by_unit: Mapping[str, sparse.csr_array]
    shapes: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, rows: pl.DataFrame, t: int, method: str) -> _Tables:
        units, by_unit, shapes = int(rows["place"].max() or 0) + 1, {}, {}  # type: ignore[arg-type]
        for name, (weight, slot, at, shape) in _pieces(rows, method).items():
            size = t * int(np.prod(shape))
            where = (rows["place"].to_numpy()[at], slot)
            by_unit[name] = sparse.csr_array((weight, where), shape=(units, size))
            by_unit[name].sum_duplicates()
            shapes[name] = (t, *shape)
        return cls(by_unit, shapes)

    def of_units(self, chosen: Floats) -> dict[str, Floats]:
        """Sums over chosen units in r draws, `chosen` (r, units): arrays (r, t, ...)."""
        return {
            name: np.asarray((table.T @ chosen.T).T).reshape(len(chosen), *self.shapes[name])
            for name, table in self.by_unit.items()
        }


def _tables(rows: pl.DataFrame, t: int, method: str) -> dict[str, Floats]:
    """The sums of all rows, (t, ...)."""
    return {
        name: np.bincount(slot, weight, t * int(np.prod(shape))).astype(np.float64).reshape(t, *shape)
        for name, (weight, slot, _, shape) in _pieces(rows, method).items()
    }


def _pieces(rows: pl.DataFrame, method: str) -> dict[str, tuple[Floats, Any, Any, tuple[int, ...]]]:
    """By name of a sum: weights, their slots (window first), the rows they belong to, and the shape of a window."""
    j, k, kept = len(PREDICTED), len(FRAMES), SCORES_OF[method]
    window, pred, true = (rows[name].to_numpy() for name in ("window_at", "pred", "true"))
    w, w_gold = (rows[name].to_numpy().astype(np.float64) for name in ("w", "w_gold"))
    coded, every = np.flatnonzero(true >= 0), np.arange(rows.height)
    made: dict[str, tuple[Floats, Any, Any, tuple[int, ...]]] = {
        "counts": (w, window * j + pred, every, (j,)),
        "gold": (w_gold[coded], ((window * j + pred) * k + true)[coded], coded, (j, k)),
    }
    if kept == "none":
        return made
    p = rows.select(_P).to_numpy()
    of_frame = window[:, None] * k + np.arange(k)
    again = np.repeat(every, k)
    made["soft"] = ((w[:, None] * p).ravel(), of_frame.ravel(), again, (k,))
    made["soft_square"] = ((w[:, None] * p**2).ravel(), of_frame.ravel(), again, (k,))
    by_score = of_frame[coded] * k + true[coded][:, None]
    made["soft_gold"] = ((w_gold[:, None] * p)[coded].ravel(), by_score.ravel(), np.repeat(coded, k), (k, k))
    if kept == "grid":
        cells = len(simplex_points(k, STEPS))
        near = window * cells + simplex_cells(p, STEPS)
        made["grid"] = (w, near, every, (cells,))
        made["grid_soft"] = ((w[:, None] * p).ravel(), (near[:, None] * k + np.arange(k)).ravel(), again, (cells, k))
    return made
