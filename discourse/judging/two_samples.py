"""Two samples of anything as plain arrays: how far apart they are, and whether authors dealt anew would be as far.

What `drift` does for windows of classified posts, on arrays. A test that takes posts as independent sounds the alarm
over nothing, because people go on talking as they do; so whoever has authors gives them: those of one sample only are
dealt to the samples anew, those of both swap their two parts by a coin. Change of what goes in says nothing about
change of the errors: `error_stability` asks for gold of both samples.

Letters of shapes: n and m values of the first and the second sample, d features.

Sources: Gretton, Borgwardt, Rasch, Schoelkopf and Smola (2012), *A Kernel Two-Sample Test* (unbiased form, median
heuristic); Hodges (1958), *The Significance Probability of the Smirnov Two-Sample Test*; Lopez-Paz and Oquab (2017),
*Revisiting Classifier Two-Sample Tests*.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.spatial.distance import cdist, pdist
from scipy.stats import ks_2samp
from sklearn.linear_model import LogisticRegression

from discourse.errors import MeaningError, UsageError
from discourse.judging.shift import auc
from discourse.judging.wald import AuthorWeights, Means, above, holm, moved, wald
from discourse.poisson import hash_keys

__all__ = ["TwoSamples", "domain_auc", "error_stability", "ks", "mmd"]

MOST: Final = 5_000
"""The most values that `mmd` compares with one another: 200 MB."""
_BLOCK: Final = 64
_DIGITS: Final = 9
_STABILITY: Final[dict[str, Any]] = {
    "rate": pl.String, "class": pl.String, "moved": pl.Float64, "statistic": pl.Float64, "df1": pl.Float64,
    "df2": pl.Float64, "p": pl.Float64, "p_holm": pl.Float64, "n_reference": pl.Int64, "n_current": pl.Int64,
}  # fmt: skip

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Pair = tuple[Any, Any]


@dataclass(frozen=True)
class TwoSamples:
    """A statistic of two samples: its value (which it is as a number), p where nothing differs, and what p counts.

    `p` is None where none was asked for or none can be had. `unit` is "value" (each value is independent of all
    others) or "author".

    >>> made = TwoSamples("KS", 0.25, 0.04, "author", (80, 90))
    >>> made, float(made)
    (KS 0.250, p = 0.040 (80 and 90 values, by author), 0.25)
    """

    statistic: str
    value: float
    p: float | None
    unit: str
    n: tuple[int, int]

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        told = "no p" if self.p is None else f"p = {self.p:.3f}" if self.p >= 0.001 else "p below 0.001"
        return f"{self.statistic} {self.value:.3f}, {told} ({self.n[0]} and {self.n[1]} values, by {self.unit})"


def ks(
    x: npt.ArrayLike, y: npt.ArrayLike, author: Pair | None = None, *, permutations: int = 999, seed: int | None = None
) -> TwoSamples:
    """Kolmogorov and Smirnov's largest gap of the two distribution functions of x (n,) and y (m,), 0 to 1.

    Without a seed p is the exact one for independent values without ties (with ties it is too large). With `author`,
    the authors of x and those of y, it is that of `permutations` deals of authors, p = (1 + #{as large or larger}) /
    (1 + permutations), and wants a seed. Raises `UsageError` for arrays that do not fit, `MeaningError` for an empty
    sample.

    >>> made = ks([0.1, 0.2, 0.3, 0.4], [0.35, 0.5, 0.6, 0.7])
    >>> float(made), round(made.p, 6)                                # 16 of the 70 ways to deal eight values
    (0.75, 0.228571)
    """
    if np.ndim(x) != 1 or np.ndim(y) != 1:
        raise UsageError(f"the samples have the shapes {np.shape(x)} and {np.shape(y)}; give one row of numbers each")
    first, second = _two(x, y, author)
    names = _names(author, len(first), len(second))
    pooled = np.concatenate([first, second])[:, 0]
    order = np.argsort(pooled, kind="stable")
    last = np.append(np.diff(pooled[order]) != 0.0, True)

    def gaps(late: Floats) -> Floats:
        there = late[:, order]
        with np.errstate(invalid="ignore", divide="ignore"):
            after = there.cumsum(axis=1) / there.sum(axis=1, keepdims=True)
            before = (1.0 - there).cumsum(axis=1) / (1.0 - there).sum(axis=1, keepdims=True)
        made: Floats = np.abs(after - before)[:, last].max(axis=1)
        return made

    late = np.repeat([0.0, 1.0], [len(first), len(second)])
    value = float(gaps(late[None])[0])
    if seed is None:
        _needs_seed(author)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # where the exact chance overflows scipy takes the limit
            p = float(ks_2samp(first[:, 0], second[:, 0], method="exact").pvalue)
    else:
        p = _chance(gaps, (names, late), permutations, seed)
    return TwoSamples("KS", value, p, "value" if author is None else "author", (len(first), len(second)))


def mmd(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    author: Pair | None = None,
    *,
    sigma: float | None = None,
    unbiased: bool = True,
    permutations: int = 199,
    seed: int | None = None,
) -> TwoSamples:
    """Squared maximum mean discrepancy of x (n,) or (n, d) and y (m,) or (m, d) with the kernel exp(-r^2 / 2 sigma^2).

    `sigma` is by default the median distance of two values of both samples together. The unbiased form may be below 0,
    and is 0 on average where nothing differs; the biased one keeps each value's likeness to itself. With a seed, p is
    that of `permutations` deals of authors (of values without `author`), as in `ks`; without one there is none. At most
    5,000 values in all: draw some of them. Raises as `ks`.

    Kernel values 1 within a sample, exp(-1/2) across: 1 + 1 - 2 exp(-1/2).

    >>> round(float(mmd([0.0, 0.0], [1.0, 1.0], sigma=1.0)), 6)
    0.786939
    """
    first, second = _two(x, y, author)
    if sigma is not None and not sigma > 0.0:
        raise UsageError(f"sigma is {sigma}; it must be above 0")
    names = _names(author, len(first), len(second))
    if len(names) > MOST:
        raise UsageError(f"there are {len(names):,} values; mmd compares at most {MOST:,} with one another: draw some")
    pooled = np.concatenate([first, second])
    wide = float(np.median(pdist(pooled))) if sigma is None else sigma
    likeness = np.exp(-cdist(pooled, pooled, "sqeuclidean") / (2.0 * (wide or 1.0) ** 2))
    own = 1.0 if unbiased else 0.0

    def discrepancies(late: Floats) -> Floats:
        parts = []
        for part in (1.0 - late, late):
            size = part.sum(axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                parts.append((((part @ likeness) * part).sum(axis=1) - own * size) / (size * (size - own)))
        across = (((1.0 - late) @ likeness) * late).sum(axis=1) / ((1.0 - late).sum(axis=1) * late.sum(axis=1))
        made: Floats = parts[0] + parts[1] - 2.0 * across
        return made

    late = np.repeat([0.0, 1.0], [len(first), len(second)])
    value = float(discrepancies(late[None])[0])
    if seed is None:
        _needs_seed(author)
    p = None if seed is None else _chance(discrepancies, (names, late), permutations, seed)
    return TwoSamples("MMD^2", value, p, "value" if author is None else "author", (len(first), len(second)))


def domain_auc(
    x: npt.ArrayLike, y: npt.ArrayLike, author: Pair | None = None, *, seed: int, replicates: int = 400
) -> TwoSamples:
    """How well features tell which sample a post is from: area under the ROC curve, 1/2 where nothing differs.

    x (n, d) and y (m, d). A logistic regression learns from half of the authors (by their hash) and is tested on the
    other half, so nobody is recognised; an author counts once in each sample. p is one-sided against 1/2, from author
    replicates; None below 30 tested authors in a sample. Without `author` every row is an author. Raises
    `MeaningError` when a half of the authors lacks one of the samples.

    >>> rng = np.random.default_rng(1)
    >>> made = domain_auc(rng.normal(0, 1, (200, 2)), rng.normal(2, 1, (200, 2)), seed=7)
    >>> bool(made.value > 0.9), made.p < 0.001, made.unit
    (True, True, 'value')
    """
    first, second = _two(x, y, author)
    names = _names(author, len(first), len(second))
    people, place = np.unique(names, return_inverse=True)
    late = np.repeat([False, True], [len(first), len(second)])
    pooled = np.concatenate([first, second])
    learns = (hash_keys([f"domain\x1f{one}" for one in people], seed) % np.uint64(2) == 0)[place]
    if any(len(set(late[part])) < 2 for part in (learns, ~learns)):
        raise MeaningError("one half of the authors has posts of one sample only; give more authors of both")
    weight = (
        1.0
        / np.array([np.bincount(place[late == one], minlength=len(people))[place] for one in (False, True)])[
            late.astype(int), np.arange(len(late))
        ]
    )
    spread = pooled[learns].std(axis=0)
    scaled = (pooled - pooled[learns].mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    model = LogisticRegression(class_weight="balanced", max_iter=1000)
    model.fit(scaled[learns], late[learns], sample_weight=weight[learns])
    place, weight, late = place[~learns], weight[~learns], late[~learns]
    draws = AuthorWeights.of([str(one) for one in people], replicates, seed).drawn[place].T
    scores = np.round(model.decision_function(scaled[~learns]), _DIGITS)  # what is alike stays alike
    areas = auc(scores, late, np.vstack([np.ones(len(place)), draws]) * weight)
    tested = [len(set(place[late == one].tolist())) for one in (False, True)]
    verdict = above(Means(areas[:1], areas[None, 1:], float(min(tested)), len(set(place.tolist())), len(place)), 0.5)
    unit = "value" if author is None else "author"
    return TwoSamples("domain AUC", float(areas[0]), verdict.p, unit, (len(first), len(second)))


def error_stability(
    reference: Pair,
    current: Pair,
    author: Pair | None = None,
    *,
    weights: Pair | None = None,
    seed: int,
    replicates: int = 400,
) -> pl.DataFrame:
    """Whether a classifier errs as before: gold of two windows, each a pair (predicted, true) of arrays (n,) and (m,).

    One row for each predicted class (rate "precision": what is true of the posts it calls so) and each true class
    ("recall": what it calls them): how much of the mix moved (0 to 1), Wald statistic with authors as the unit, degrees
    of freedom, p, p adjusted for all rows (Holm), and the gold posts behind it. Fewer than 30 effective authors in a
    window: no p. `weights` of the posts are 1 / chance of having been drawn. Raises `UsageError` for arrays that do not
    fit, `MeaningError` for a window without gold.

    >>> before = (["war"] * 80 + ["peace"] * 80, ["war"] * 70 + ["peace"] * 90)
    >>> after = (["war"] * 80 + ["peace"] * 80, ["war"] * 30 + ["peace"] * 130)
    >>> error_stability(before, after, seed=7).filter(rate="precision").select("class", pl.col("moved").round(3)).rows()
    [('peace', 0.0), ('war', 0.5)]
    """
    windows = [tuple(np.asarray(one).astype(str) for one in window) for window in (reference, current)]
    for said, true in windows:
        if said.ndim != 1 or said.shape != true.shape:
            raise UsageError(f"predicted has the shape {said.shape} and true {true.shape}; give one of each a post")
    sizes = [len(said) for said, _ in windows]
    names = _names(author, *sizes)
    people, place = np.unique(names, return_inverse=True)
    weight = np.ones(len(names)) if weights is None else np.concatenate([np.asarray(w, np.float64) for w in weights])
    if weight.shape != place.shape or not (weight > 0.0).all():
        raise UsageError(f"weights hold {len(weight)} numbers for {len(place)} posts; give one above 0 for each")
    late = np.repeat([False, True], sizes)
    predicted, true = (np.concatenate([window[at] for window in windows]) for at in (0, 1))
    draws = AuthorWeights.of([str(one) for one in people], replicates, seed)
    rows = []
    for rate, given, told in (("precision", predicted, true), ("recall", true, predicted)):
        for name in np.unique(given):
            outcomes, code = np.unique(told[given == name], return_inverse=True)
            at = [(given == name) & (late == one) for one in (False, True)]
            pair = [
                draws.shares(place[own], weight[own], code[late[given == name] == one], len(outcomes))
                for own, one in zip(at, (False, True), strict=True)
            ]
            verdict = wald(pair[0], pair[1], composition=True)
            share = moved(*pair) if all(one.posts for one in pair) else None
            rows.append({"rate": rate, "class": str(name), "moved": share, **vars(verdict),
                         "n_reference": pair[0].posts, "n_current": pair[1].posts})  # fmt: skip
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = p
    return pl.DataFrame(rows, schema=_STABILITY)


def _two(x: npt.ArrayLike, y: npt.ArrayLike, author: Pair | None) -> tuple[Floats, Floats]:
    """Both samples as rows of features; without authors in the order of their values, so no other order matters."""
    made = []
    for sample in (x, y):
        rows = np.asarray(sample, dtype=np.float64)
        if rows.ndim not in (1, 2) or not np.isfinite(rows).all():
            raise UsageError(f"a sample has the shape {rows.shape}; give numbers, (n,) or (n, features)")
        rows = rows.reshape(len(rows), -1) if rows.size else rows.reshape(0, 1)
        made.append(rows[np.lexsort(rows.T)] if author is None and len(rows) else rows)
    if made[0].shape[1] != made[1].shape[1]:
        raise UsageError(f"the samples have {made[0].shape[1]} and {made[1].shape[1]} features; give the same of both")
    return made[0], made[1]


def _names(author: Pair | None, n: int, m: int) -> npt.NDArray[Any]:
    """Who each of the n + m values is of; without authors each is of its own."""
    if not n or not m:
        raise MeaningError(f"the samples hold {n} and {m} values; both need some")
    if author is None:
        return np.array([f"{i:09d}" for i in range(n + m)])
    made = [np.asarray(one).astype(str) for one in author]
    if len(made) != 2 or [one.shape for one in made] != [(n,), (m,)]:
        raise UsageError(f"the samples hold {n} and {m} values; give the author of each: author=(of_first, of_second)")
    return np.concatenate(made)


def _needs_seed(author: Pair | None) -> None:
    if author is not None:
        raise UsageError("authors are dealt to the samples anew at random; give a seed, like seed=1")


def _chance(
    of: Callable[[Floats], Floats], samples: tuple[npt.NDArray[Any], Floats], permutations: int, seed: int
) -> float:
    """p of a statistic among those of authors dealt anew; `of` takes which values are of the second sample, (b, n + m).

    `samples` are the authors of all values and which of these are of the second sample.
    """
    names, late = samples
    value = float(of(late[None])[0])
    if permutations < 1:
        raise UsageError(f"permutations is {permutations}; give 99 or more")
    people, place = np.unique(names, return_inverse=True)
    rng = np.random.default_rng([seed, len(people)])
    seen = np.stack([np.bincount(place, late == one, len(people)) > 0 for one in (0.0, 1.0)])
    both, second = np.asarray(seen.all(axis=0), dtype=bool), ~seen[0]
    single = np.flatnonzero(~both)
    as_large = 0
    for start in range(0, permutations, _BLOCK):
        size = min(_BLOCK, permutations - start)
        dealt = np.zeros((size, len(people)), dtype=bool)
        dealt[:, single] = rng.permuted(np.broadcast_to(second[single], (size, len(single))), axis=1)
        # An author of both swaps the two parts or does not; one of a single sample is where the deal puts them.
        dealt[:, both] = rng.random((size, int(both.sum()))) < 0.5
        swapped = np.where(both[place], dealt[:, place] != (late == 1.0), dealt[:, place])
        as_large += int((of(swapped.astype(np.float64)) >= value - 1e-12).sum())
    return (1 + as_large) / (1 + permutations)
