"""The change of a corrected share between two windows, straight from its replicates: no model of time at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError
from discourse.estimators.bootstrap import percentile_interval, replicate_variance
from discourse.estimators.estimate import Estimate

__all__ = ["window_contrast"]

Floats = npt.NDArray[np.float64]
_ENOUGH_GOLD = 200


def window_contrast(
    *values: Any,
    pre: Any = None,
    post: Any = None,
    gold: tuple[int, int] | None = None,
    level: float = 0.95,
    method: str = "poststrat",
    assumes: Any = None,
) -> Estimate:
    """The share after an event minus the share before it, with a percentile interval over replicates.

    `window_contrast(pre, post)`: two arrays (1 + b,), the share in each window in column 0 and its bootstrap
    replicates, of the same authors' weights in the same order; or two `Estimate`s. `window_contrast(series, pre=(a, b),
    post=(c, d))`: additive counts (y, n), each (T, 1 + b), whose rows from a to b - 1 and from c to d - 1 are added up;
    or shares (T, 1 + b), or an `Estimate` of T shares, of which the plain mean is taken.

    `gold` are the numbers of gold labels in the two windows. Labels of one window say nothing about the classifier's
    errors in the other: correcting both with the same labels shrinks a true change by half and more. Flags: `no_gold`
    (a window without any, or their number not told), `gold_under_200`. `assumes` is by default `random_gold` (in each
    window), without gold `errors_stable_over_time`.

    >>> window_contrast([0.30, 0.28, 0.32, 0.30], [0.40, 0.39, 0.43, 0.38], gold=(400, 400))
    poststrat 0.100 [0.082, 0.110], assumes random_gold
    """
    before, after, told = _windows(values, pre, post)
    if before.shape != after.shape or before.shape[-1] < 3:
        raise UsageError(
            f"the windows have the shapes {before.shape} and {after.shape}; "
            "both must be (1 + b,) with the same 2 replicates or more"
        )
    gold = gold or told
    labels = min(gold) if gold is not None else 0
    flags = ("no_gold",) if labels == 0 else ("gold_under_200",) if labels < _ENOUGH_GOLD else ()
    change = after - before
    low, high = percentile_interval(change[..., 1:], level)
    known = np.isfinite(change[..., 0])
    naive = method in ("cc", "pcc")
    usual = "classifier_errors_cancel" if naive else "random_gold" if labels else "errors_stable_over_time"
    return Estimate(
        change[..., 0], np.sqrt(replicate_variance(change[..., 1:])),
        np.where(known, low, np.nan), np.where(known, high, np.nan), change[..., 1:],
        {usual} if assumes is None else assumes, labels, flags=flags, method=method, level=level,
    )  # fmt: skip


def _windows(values: tuple[Any, ...], pre: Any, post: Any) -> tuple[Floats, Floats, tuple[int, int] | None]:
    """Replicates of both windows, and how many gold labels they rest on if they say so."""
    if len(values) == 2 and pre is None and post is None:
        pre, post = values
    elif len(values) == 1 and pre is not None and post is not None:
        return _summed(values[0], pre, "pre"), _summed(values[0], post, "post"), None
    elif values or pre is None or post is None:
        raise UsageError("give two windows, window_contrast(pre, post), or a series with pre=(a, b) and post=(c, d)")
    told = None
    if isinstance(pre, Estimate) and isinstance(post, Estimate):
        told = int(np.min(pre.n_gold)), int(np.min(post.n_gold))
    return _replicates(pre), _replicates(post), told


def _replicates(window: Any) -> Floats:
    if isinstance(window, Estimate):
        if window.replicates is None:
            raise UsageError("an estimate without replicates has no interval of a change; make it by a bootstrap")
        return np.concatenate([window.value[..., None], window.replicates], axis=-1)
    return np.asarray(window, dtype=np.float64)


def _summed(series: Any, rows: Any, name: str) -> Floats:
    """The share of the rows from a to b - 1, of counts (y, n) or of shares."""
    begin, end = (int(one) for one in rows)
    series = _replicates(series) if isinstance(series, Estimate) else series
    pair = isinstance(series, tuple | list) and len(series) == 2 and np.ndim(series[0]) == 2
    arrays = [np.asarray(one, dtype=np.float64) for one in (series if pair else [series])]
    length = len(arrays[0])
    if not 0 <= begin < end <= length:
        raise UsageError(f"{name} is ({begin}, {end}); it must be two of the {length} rows, the first included: a < b")
    if any(one.ndim != 2 or one.shape != arrays[0].shape for one in arrays):
        raise UsageError("a series must be (y, n), or shares, each of the shape (days, 1 + replicates)")
    if len(arrays) == 1:
        return np.asarray(arrays[0][begin:end].mean(axis=0), dtype=np.float64)
    y, n = (one[begin:end].sum(axis=0) for one in arrays)
    made: Floats = np.divide(y, n, out=np.full(len(n), np.nan), where=n > 0)
    return made
