"""Composition against conversion: did the same authors change, or do other authors speak?

The change of an author-weighted mean between two windows is taken apart, exactly, into what authors of both windows did
(conversion), what those who came and those who left did (composition), and, where authors do not weigh the same in
both, how the stayers' weights moved (loudness).

With W the weight of a group in a window and m its mean; S stayers, A arriving, L leaving; a = W_A / (W_S + W_A) in the
second window, l = W_L / (W_S + W_L) in the first:

    M_2 - M_1 = (m_S2 - m_S1) + a (m_A - m_S2) - l (m_L - m_S1)

and m_S2 - m_S1 = sum_i (p_i1 + p_i2) / 2 (x_i2 - x_i1) + sum_i (x_i1 + x_i2) / 2 (p_i2 - p_i1), with p_i the stayers'
shares of their weight. Letters of shapes: n rows, a authors, b replicates. Sources: Kitagawa (1955), *Components of a
Difference Between Two Rates*; Demszky et al. (2019) for the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from discourse.errors import MeaningError, UsageError
from discourse.estimators.bootstrap import percentile_interval
from discourse.poisson import poisson_weights

__all__ = ["PARTS", "Conversion", "Part", "conversion", "expected_values", "taken_apart"]

Floats = npt.NDArray[np.float64]
PARTS = ("total", "conversion", "loudness", "arriving", "leaving", "composition")
_CHUNK = 10_000


@dataclass(frozen=True)
class Part:
    """One part of a change with its interval.

    >>> Part("conversion", 0.1, 0.02, 0.18)
    conversion +0.100 [+0.020, +0.180]
    """

    name: str
    estimate: float
    low: float
    high: float

    def __repr__(self) -> str:
        return f"{self.name} {self.estimate:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


@dataclass(frozen=True, eq=False)
class Conversion:
    """A change taken apart: total = conversion + loudness + arriving + leaving; composition = arriving + leaving.

    `first` and `second` are the means of the two windows; `stayers`, `arrivers`, `leavers` numbers of authors;
    `replicates` (6, b) those of the parts in the order of `PARTS`. Flags: `no_stayers` (nobody is in both windows: the
    change is all composition, and arriving and leaving cannot be told apart), `few_stayers` (under 30).
    """

    total: Part
    conversion: Part
    loudness: Part
    arriving: Part
    leaving: Part
    composition: Part
    first: float
    second: float
    stayers: int
    arrivers: int
    leavers: int
    replicates: Floats = field(repr=False)
    flags: tuple[str, ...] = ()

    def __repr__(self) -> str:
        head = f"{self.first:.3f} to {self.second:.3f}; {self.stayers} authors stayed, {self.arrivers} came, "
        parts = "\n".join(f"  {getattr(self, name)!r}" for name in PARTS)
        return f"{head}{self.leavers} left\n{parts}" + (f"\n  flags {' '.join(self.flags)}" if self.flags else "")


def conversion(
    author: Sequence[str],
    window: Sequence[str],
    value: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    between: tuple[str, str],
    seed: int,
    replicates: int = 400,
    level: float = 0.95,
) -> Conversion:
    """The change of the mean `value` from one window to another, taken apart.

    One row an author and window (n,): `value` the author's mean there, say the share of nationalist posts or an
    expected value under the classifier's errors (`expected_values`); `weight` by default 1, so that every author counts
    once. `value` may be (n, 1 + b), column 0 the estimate and the others replicates of the correction; then
    `replicates` must be b. `between` names the windows; rows of others are left out. Intervals are percentile intervals
    of the Poisson bootstrap over authors, an author drawn as often in one window as in the other.

    Raises `MeaningError` for an author twice in a window, a value that is no number or a window without authors,
    `UsageError` for arrays that do not fit.

    >>> made = conversion(["x:a", "x:b", "x:a", "x:c"], ["w1", "w1", "w2", "w2"], [0.0, 0.4, 0.2, 1.0],
    ...     between=("w1", "w2"), seed=7)
    >>> round(made.conversion.estimate, 3), round(made.arriving.estimate, 3), round(made.leaving.estimate, 3)
    (0.2, 0.4, -0.2)
    """
    authors, values, weights = _panel(author, window, value, weight, between)
    if values[0].shape[1] not in (1, replicates + 1):
        raise UsageError(
            f"value has {values[0].shape[1]} columns; it needs 1, or 1 + {replicates} for as many replicates"
        )
    here = [one > 0 for one in weights]
    stays = here[0] & here[1]
    counts = [int(one.sum()) for one in (stays, here[1] & ~stays, here[0] & ~stays)]
    sums = np.zeros((10, replicates + 1))
    for begin in range(0, len(authors), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        drawn = poisson_weights(authors[part], replicates, seed)
        by = np.hstack([np.ones((len(drawn), 1)), drawn.astype(np.float64)])
        sums += _sums(by, [one[part] for one in values], [one[part] for one in weights])
    whole = _parts(sums)
    low, high = percentile_interval(whole[:, 1:], level)
    low, high = (np.where(np.isfinite(whole[:, 0]), one, np.nan) for one in (low, high))
    parts = {name: Part(name, *(float(one[i]) for one in (whole[:, 0], low, high))) for i, name in enumerate(PARTS)}
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = (sums[1] + sums[7]) / (sums[0] + sums[6]), (sums[3] + sums[9]) / (sums[2] + sums[8])
    flags = ("no_stayers",) if not counts[0] else ("few_stayers",) if counts[0] < 30 else ()
    stayers, arrivers, leavers = counts
    return Conversion(**parts, first=float(first[0]), second=float(second[0]), stayers=stayers, arrivers=arrivers,
                      leavers=leavers, replicates=whole[:, 1:], flags=flags)  # fmt: skip


def taken_apart(sums: Sequence[Any]) -> dict[str, Any]:
    """The parts of a change from ten sums, in whatever arithmetic they come: floats, arrays, exact rationals.

    With w1, w2 an author's weights in the two windows and x1, x2 the values; over the stayers: w1, w1 x1, w2, w2 x2,
    w1 x2, w2 x1; over the leavers: w1, w1 x1; over the arrivers: w2, w2 x2. Without stayers all but the total and the
    composition are NaN.

    >>> from fractions import Fraction as F
    >>> parts = taken_apart([F(1), F(0), F(1), F(1, 5), F(1, 5), F(0), F(1), F(2, 5), F(1), F(1)])
    >>> parts["total"] == parts["conversion"] + parts["loudness"] + parts["arriving"] + parts["leaving"] == F(2, 5)
    True
    """
    w1, s11, w2, s22, s12, s21, wl, sl, wa, sa = sums
    total = _ratio(s22 + sa, w2 + wa) - _ratio(s11 + sl, w1 + wl)
    stay1, stay2, cross1, cross2 = _ratio(s11, w1), _ratio(s22, w2), _ratio(s12, w1), _ratio(s21, w2)
    made = {
        "total": total,
        "conversion": (cross1 - stay1 + stay2 - cross2) / 2,
        "loudness": (cross2 + stay2 - stay1 - cross1) / 2,
        "arriving": _ratio(sa - wa * stay2, w2 + wa),
        "leaving": _ratio(wl * stay1 - sl, w1 + wl),
    }
    together = made["arriving"] + made["leaving"]
    return made | {"composition": np.where(np.asarray(w1 * w2 == 0), total, together)[()]}


def expected_values(predicted: npt.ArrayLike, rates: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
    """An author's expected value under the classifier's errors: sum_j (share predicted j) sum_k p(k | j) score_k.

    `predicted` (n, j) are posts an author and window by predicted class; `rates` (j, k), or (1 + b, j, k) with
    replicates, what those classes really are in that window (post-stratification); `scores` (k,) what is averaged, say
    1 for one frame and 0 for the others, or -1, 0, 1. The result is (n,) or (n, 1 + b); NaN for a row without posts.
    Rows of windows with rates of their own are made one window at a time.

    >>> expected_values([[3, 1]], [[0.9, 0.1], [0.2, 0.8]], [1.0, 0.0]).round(3).tolist()    # 0.75 x 0.9 + 0.25 x 0.2
    [0.725]
    """
    posts, p, worth = (np.asarray(one, dtype=np.float64) for one in (predicted, rates, scores))
    if posts.ndim != 2 or p.ndim not in (2, 3) or p.shape[-2:] != (posts.shape[1], len(worth)):
        raise UsageError(
            f"predicted, rates and scores have the shapes {posts.shape}, {p.shape} and {worth.shape}; "
            "they must be (n, j), (j, k) or (1 + b, j, k), and (k,)"
        )
    total = posts.sum(axis=1, keepdims=True)
    share = np.divide(posts, total, out=np.full(posts.shape, np.nan), where=total > 0)
    return np.asarray(share @ (p @ worth).T, dtype=np.float64)


def _ratio(top: Any, bottom: Any) -> Any:
    """top / bottom, NaN where bottom is 0; also of rationals."""
    a, b = np.asarray(top), np.asarray(bottom)
    exact = object in (a.dtype, b.dtype)
    a, b = np.broadcast_arrays(a, b)
    made = np.full(a.shape, np.nan, dtype=object if exact else np.float64)
    some = np.asarray(b != 0, dtype=bool)
    made[some] = a[some] / b[some]
    return made[()]


def _parts(sums: Floats) -> Floats:
    made = taken_apart(list(sums))
    return np.stack([np.asarray(made[name], dtype=np.float64) for name in PARTS])


def _sums(by: Floats, values: list[Floats], weights: list[Floats]) -> Floats:
    """The ten sums (10, 1 + b) of some authors under the bootstrap's weights `by` (a, 1 + b)."""
    w1, w2 = weights
    stays = (w1 > 0) & (w2 > 0)
    # An author without a row in a window has the weight 0 there; the value is then nothing and must not spread.
    x1, x2 = (np.where((w > 0)[:, None], x, 0.0) for w, x in zip(weights, values, strict=True))
    one = np.ones((len(w1), 1))

    def total(weight: Floats, who: npt.NDArray[np.bool_], x: Floats) -> Floats:
        return np.asarray(((weight * who)[:, None] * x * by).sum(axis=0), dtype=np.float64)

    terms = [(w1, stays, one), (w1, stays, x1), (w2, stays, one), (w2, stays, x2), (w1, stays, x2), (w2, stays, x1),
             (w1, ~stays, one), (w1, ~stays, x1), (w2, ~stays, one), (w2, ~stays, x2)]  # fmt: skip
    return np.stack([total(*term) for term in terms])


def _panel(
    author: Sequence[str], window: Sequence[str], value: npt.ArrayLike, weight: npt.ArrayLike | None,
    between: tuple[str, str],
) -> tuple[list[str], list[Floats], list[Floats]]:  # fmt: skip
    """Authors of either window in order, and their values (a, 1 or 1 + b) and weights (a,) in both."""
    names, places = [str(one) for one in author], [str(one) for one in window]
    given = np.asarray(value, dtype=np.float64)
    given = given[:, None] if given.ndim == 1 else given
    worth = np.ones(len(names)) if weight is None else np.asarray(weight, dtype=np.float64)
    if given.ndim != 2 or not len(names) == len(places) == len(given) == len(worth):
        raise UsageError(
            f"author, window, value and weight have {len(names)}, {len(places)}, {len(given)} and {len(worth)} rows; "
            "give one of each an author and window"
        )
    if len(set(between)) < 2:
        raise UsageError(f"between is {between}; it must name two windows")
    rows = [[i for i, place in enumerate(places) if place == str(one)] for one in between]
    for one, at in zip(between, rows, strict=True):
        if not at or not worth[at].sum() > 0:
            raise MeaningError(f"no author has a row in the window {one!r}")
        if len({names[i] for i in at}) < len(at):
            raise MeaningError(f"an author stands more than once in the window {one!r}; make it one row with the mean")
        if not (np.isfinite(given[at]).all() and np.isfinite(worth[at]).all()) or (worth[at] < 0).any():
            raise MeaningError(f"a value or weight in the window {one!r} is no number, or a weight is under 0")
    authors = sorted({names[i] for at in rows for i in at})
    place_of = {name: i for i, name in enumerate(authors)}
    values = [np.zeros((len(authors), given.shape[1])) for _ in between]
    weights = [np.zeros(len(authors)) for _ in between]
    for x, w, at in zip(values, weights, rows, strict=True):
        to = [place_of[names[i]] for i in at]
        x[to], w[to] = given[at], worth[at]
    return authors, values, weights
