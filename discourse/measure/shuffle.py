"""The baseline of every polarization measure: its value when sides are shuffled among authors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

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

__all__ = ["shuffled_parts", "shuffled_shares"]

_P = tuple(f"p_{frame}" for frame in FRAMES)

_UNITS: Final = 32_768  # authors whose draws are unpacked at a time

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def shuffled_shares(
    observed: pl.DataFrame, design: Design, shares: Shares, sides: tuple[str, str], shuffles: int
) -> Floats:
    """Shares of the k frames per window for two made-up sides, in r shuffles; shape (r, t, 2, k).

    Authors keep their posts, gold labels and windows; which of the two sides an author stands on is drawn
    anew, with as many authors on each side as there are. The estimator is that of `shares`, without replicates; a class
    (or, for methods that do not go by class, a cell) without gold in a shuffled cell takes all gold together. Raises
    `UsageError` for less than one shuffle.
    """
    coded = encode(observed, design)
    return shuffled_parts(lambda: [coded], design, shares, sides, shuffles)


def shuffled_parts(
    parts: Callable[[], Iterable[pl.DataFrame]],
    design: Design,
    shares: Shares,
    sides: tuple[str, str],
    shuffles: int,
) -> Floats:
    """`shuffled_shares` of posts that come a part at a time, with the memory of one part and some bytes an author.

    `parts` is called twice and gives what `tallies.encode` makes of the parts, which are those that may be tallied
    apart. Sums are whole numbers, so neither their borders nor their order changes a bit.
    """
    if shuffles < 1:
        raise UsageError(f"shuffles is {shuffles}; a baseline needs at least 1 (200 is the default)")
    t, k = len(design.windows), len(FRAMES)
    units = _units(parts(), sides)
    if units.is_empty():
        return np.full((shuffles, t, 2, k), np.nan)
    draws = _draws((units["side"] == sides[0]).to_numpy(), shuffles, design.seed)
    units = units.with_columns(place=pl.int_range(pl.len()))
    whole: dict[str, Counts] = {}
    both: dict[str, Counts] = {}
    first: dict[str, Counts] = {}
    for part in parts():
        rows = part.with_columns(window_at=pl.col("cell") // len(design.sides))
        _gather(whole, _tables(rows, t, shares.method))
        rows = rows.filter(pl.col("side").is_in(sides))
        rows = rows.join(units, on=["unit", "side"], how="left", validate="m:1")
        _gather(both, _tables(rows, t, shares.method))
        _gather(first, _drawn(rows, draws, (t, shuffles), shares.method))
    everything = {name: table.sum(axis=0).astype(np.float64) for name, table in whole.items()}
    made = np.empty((shuffles, t, 2, k))
    for s in (0, 1):
        own = {name: (table if s == 0 else both[name] - table).astype(np.float64) for name, table in first.items()}
        made[:, :, s] = _estimate(own, everything, shares)
    return made


def _units(parts: Iterable[pl.DataFrame], sides: tuple[str, str]) -> pl.DataFrame:
    """Everyone who stands on one of the two sides, once a side, in one order."""
    found = [part.filter(pl.col("side").is_in(sides)).select("unit", "side").unique() for part in parts]
    empty = pl.DataFrame(schema={"unit": pl.String, "side": pl.String})
    return pl.concat([empty, *found]).unique().sort("unit", "side")


def _draws(is_first: npt.NDArray[np.bool_], shuffles: int, seed: int) -> npt.NDArray[np.uint8]:
    """Which of n units are on the first side in each of r shuffles, eight shuffles a byte: n x r / 8."""
    rng = np.random.default_rng([seed, len(is_first)])
    packed = np.zeros((len(is_first), -(-shuffles // 8)), np.uint8)
    for r in range(shuffles):
        packed[:, r >> 3] |= rng.permutation(is_first).astype(np.uint8) << np.uint8(r & 7)
    return packed


def _drawn(rows: pl.DataFrame, draws: npt.NDArray[np.uint8], size: tuple[int, int], method: str) -> dict[str, Counts]:
    """Sums over the units that stand on the first side in each shuffle: arrays (r, t, ...)."""
    t, shuffles = size
    places, unit = np.unique(rows["place"].to_numpy(), return_inverse=True)
    made = {}
    for name, (weight, slot, at, shape) in _pieces(rows, method).items():
        slots = t * int(np.prod(shape))
        table = sparse.csr_array((weight, (unit[at], slot)), shape=(len(places), slots))
        sums = np.zeros((slots, shuffles), np.int64)
        for begin in range(0, len(places), _UNITS):
            block = slice(begin, begin + _UNITS)
            chosen = np.unpackbits(draws[places[block]], axis=1, count=shuffles, bitorder="little")
            sums += table[block].T @ chosen.astype(np.int64)
        made[name] = sums.T.reshape(shuffles, t, *shape)
    return made


def _gather(sums: dict[str, Counts], more: Mapping[str, Counts]) -> None:
    """Add sums to those there are, in place."""
    for name, table in more.items():
        sums[name] = sums[name] + table if name in sums else table


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


def _tables(rows: pl.DataFrame, t: int, method: str) -> dict[str, Counts]:
    """The sums of all rows, (t, ...)."""
    made = {}
    for name, (weight, slot, _, shape) in _pieces(rows, method).items():
        table = np.zeros(t * int(np.prod(shape)), np.int64)
        np.add.at(table, slot, weight)
        made[name] = table.reshape(t, *shape)
    return made


def _pieces(rows: pl.DataFrame, method: str) -> dict[str, tuple[Counts, Any, Any, tuple[int, ...]]]:
    """By name of a sum: weights, their slots (window first), the rows they belong to, and the shape of a window."""
    j, k, kept = len(PREDICTED), len(FRAMES), SCORES_OF[method]
    window, pred, true = (rows[name].to_numpy() for name in ("window_at", "pred", "true"))
    w, w_gold = (rows[name].to_numpy() for name in ("w", "w_gold"))
    coded, every = np.flatnonzero(true >= 0), np.arange(rows.height)
    made: dict[str, tuple[Counts, Any, Any, tuple[int, ...]]] = {
        "counts": (w, window * j + pred, every, (j,)),
        "gold": (w_gold[coded], ((window * j + pred) * k + true)[coded], coded, (j, k)),
    }
    if kept == "none":
        return made
    p = rows.select(_P).to_numpy()
    of_frame = window[:, None] * k + np.arange(k)
    again = np.repeat(every, k)
    made["soft"] = (_whole(w, p).ravel(), of_frame.ravel(), again, (k,))
    made["soft_square"] = (_whole(w, p**2).ravel(), of_frame.ravel(), again, (k,))
    by_score = of_frame[coded] * k + true[coded][:, None]
    made["soft_gold"] = (_whole(w_gold, p)[coded].ravel(), by_score.ravel(), np.repeat(coded, k), (k, k))
    if kept == "grid":
        cells = len(simplex_points(k, STEPS))
        near = window * cells + simplex_cells(p, STEPS)
        made["grid"] = (w, near, every, (cells,))
        made["grid_soft"] = (_whole(w, p).ravel(), (near[:, None] * k + np.arange(k)).ravel(), again, (cells, k))
    return made


def _whole(weight: Counts, p: Floats) -> Counts:
    """Weights (n,) times numbers from 0 to 1 (n, k), rounded as in the tallies."""
    return np.round(weight[:, None] * p).astype(np.int64)
