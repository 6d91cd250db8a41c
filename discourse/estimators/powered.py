"""Predictions of all posts and gold of a few: prediction-powered shares (PPI, PPI++) and the design-based DSL.

Letters of shapes: n gold posts, N posts, k classes. Predictions f may be scores or 0 and 1; y is 0, 1 or, with several
coders, a mean between. Nothing is assumed about the predictions, only about how gold was drawn. `Moments` hold the
additive sums, with any leading axes (...): `ppi_of`, `ppi_plus_of` and `dsl_of` make all replicates of a bootstrap in
one call. `ppi`, `ppi_plus` and `dsl` take the posts themselves and give the published standard error and normal
interval; with authors, influences are summed by author first, and the interval is that of t with a - 1 degrees, a the
authors with gold.

Sources: Angelopoulos, Bates, Fannjiang, Jordan and Zrnic (2023), *Prediction-Powered Inference*, Science 382;
Angelopoulos, Duchi and Zrnic (2023), *PPI++: Efficient Prediction-Powered Inference*; Egami, Hinck, Stewart and Wei
(2023), *Using Imperfect Surrogates for Downstream Inference: Design-based Supervised Learning* (DSL); Robins, Rotnitzky
and Zhao (1994) for the augmented weighting behind it; Hajek (1971) for ratios of weighted sums.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from discourse.errors import MeaningError, UsageError
from discourse.estimators.estimate import Estimate, assumes_of, from_se
from discourse.estimators.proportions import cluster_se, kish_n_eff

__all__ = ["Moments", "dsl", "dsl_of", "ppi", "ppi_lambda", "ppi_of", "ppi_plus", "ppi_plus_of"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Additive weighted sums: over gold posts their weight, y, f, f^2 and f y; over all posts their weight, f and f^2.

    Shapes: `gold` and `posts` (...), the others (..., k). Weights of gold are 1 / chance times the weight of the post.
    Sums of disjoint partitions merge by `+`.
    """

    gold: Floats
    y: Floats
    gold_f: Floats
    gold_ff: Floats
    gold_fy: Floats
    posts: Floats
    f: Floats
    ff: Floats

    def __add__(self, other: Moments) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        return Moments(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @classmethod
    def of_posts(
        cls,
        y: npt.ArrayLike,
        f: npt.ArrayLike,
        f_posts: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        weights_posts: npt.ArrayLike | None = None,
    ) -> Moments:
        """From y and f of gold posts, (n, k), and f of posts, (N, k).

        Weights (..., n) and (..., N) may carry replicates in front; without them every post weighs 1.

        >>> Moments.of_posts([[1.0], [0.0]], [[0.5], [0.5]], [[0.2], [0.4], [0.3]]).gold_fy.tolist()
        [0.5]
        """
        a, b, c = (np.asarray(one, dtype=np.float64) for one in (y, f, f_posts))
        w = np.ones(len(b)) if weights is None else np.asarray(weights, dtype=np.float64)
        v = np.ones(len(c)) if weights_posts is None else np.asarray(weights_posts, dtype=np.float64)
        return cls(w.sum(axis=-1), w @ a, w @ b, w @ b**2, w @ (a * b), v.sum(axis=-1), v @ c, v @ c**2)

    @classmethod
    def of_counts(cls, counts: npt.ArrayLike, gold: npt.ArrayLike) -> Moments:
        """For predicted classes as predictions: from `counts` (..., j predicted) and `gold` (..., j predicted, k true).

        Predicted classes after the first k (abstentions) predict no frame, 0 for each.

        >>> Moments.of_counts([6, 4], [[3, 1], [0, 2]]).gold_fy.tolist()
        [3.0, 2.0]
        """
        n, table = np.asarray(counts, dtype=np.float64), np.asarray(gold, dtype=np.float64)
        k = table.shape[-1]
        predicted, hits = table.sum(axis=-1)[..., :k], np.diagonal(table, axis1=-2, axis2=-1)
        whole = table.sum(axis=(-1, -2))
        return cls(whole, table.sum(axis=-2), predicted, predicted, hits, n.sum(axis=-1), n[..., :k], n[..., :k])


def ppi_of(moments: Moments, lam: npt.ArrayLike = 1.0) -> Floats:
    """Prediction-powered shares lam mean(f) + mean over gold of (y - lam f), shape (..., k); lam (...) or a number.

    Means over gold are ratios of weighted sums (Hajek). With lam = 0 the gold alone speaks.

    >>> ppi_of(Moments.of_counts([70, 30], [[30, 5], [5, 10]])).round(4).tolist()     # .7 + (35 - 35) / 50
    [0.7, 0.3]
    """
    m, factor = moments, np.asarray(lam, dtype=np.float64)[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = factor * m.f / m.posts[..., None] + (m.y - factor * m.gold_f) / m.gold[..., None]
    return made


def ppi_lambda(moments: Moments, *, nested: bool = True) -> Floats:
    """The weight (...) of the predictions that makes PPI's variance least, cut at 0 and 1; one for all k classes.

    `nested`: the posts hold the gold posts too, as in a corpus of which some are coded; then lam = C / V, with C the
    covariance of y and f among gold and V the variance of f among posts, both summed over classes. Else gold and posts
    are two samples and lam = C / ((1 + n / N) V), V of both samples together (divisor n + N - 1): there, weights must
    sum to n and to N. 0 where f does not vary.

    >>> float(ppi_lambda(Moments.of_counts([50, 50], [[20, 5], [5, 20]])).round(4))     # (.4 - .25) / .25
    0.6
    """
    m = moments
    n, big = m.gold[..., None], m.posts[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        together = (m.gold_fy / n - m.gold_f * m.y / n**2).sum(axis=-1)
        if nested:
            alone = (m.ff / big - (m.f / big) ** 2).sum(axis=-1)
        else:
            both = n + big
            alone = (m.gold_ff + m.ff - (m.gold_f + m.f) ** 2 / both).sum(axis=-1) / (both[..., 0] - 1.0)
            alone = alone * (1.0 + m.gold / m.posts)
        made: Floats = np.where(alone > 0, np.clip(together / alone, 0.0, 1.0), 0.0)
    return np.where(np.isfinite(together), made, np.nan)


def ppi_plus_of(moments: Moments, *, nested: bool = True) -> Floats:
    """PPI++ shares (..., k): `ppi_of` with the weight that `ppi_lambda` finds.

    >>> ppi_plus_of(Moments.of_counts([70, 30], [[30, 5], [5, 10]])).round(4).tolist()
    [0.7, 0.3]
    """
    return ppi_of(moments, ppi_lambda(moments, nested=nested))


def dsl_of(moments: Moments) -> Floats:
    """DSL shares (..., k) with fixed predictions: (sum f + sum of (y - f) / chance) / posts.

    Unlike `ppi_of`, corrections are divided by the posts, not by the gold's weights (Horvitz and Thompson).

    >>> dsl_of(Moments(*map(np.array, (9.0, [5.0], [3.0], [3.0], [2.0], 10.0, [4.0], [4.0])))).tolist()
    [0.6]
    """
    m = moments
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = (m.f + m.y - m.gold_f) / m.posts[..., None]
    return made


def ppi(
    y: npt.ArrayLike,
    f: npt.ArrayLike,
    f_posts: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    weights_posts: npt.ArrayLike | None = None,
    authors: tuple[Any, Any] | None = None,
    lam: float = 1.0,
    level: float = 0.95,
) -> Estimate:
    """Prediction-powered share from gold y and f, (n,) or (n, k), and f of posts without labels, (N,) or (N, k).

    se^2 = lam^2 V(f) / N + V(y - lam f) / n, variances with divisors N and n, of ratios where there are weights.
    `authors` of the gold and of the other posts make both parts covary; a post that is in both, as when f_posts are
    all posts and `weights` are 1 / chance, needs this, if only with post ids as authors. Raises `UsageError` for
    shapes that do not fit and `MeaningError` when there is no gold.

    >>> ppi([1, 0, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0, 0, 0, 1, 0])         # .375 + 1/4
    ppi 0.625 [0.084, 1.166], assumes random_gold
    """
    one = _Two.of(y, f, f_posts, weights, weights_posts)
    return one.estimate(float(lam), "ppi", authors, level)


def ppi_plus(
    y: npt.ArrayLike,
    f: npt.ArrayLike,
    f_posts: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    weights_posts: npt.ArrayLike | None = None,
    authors: tuple[Any, Any] | None = None,
    nested: bool = False,
    level: float = 0.95,
) -> Estimate:
    """PPI++: `ppi` with the weight of the predictions tuned by `ppi_lambda`; one for all k classes.

    `nested` says that f_posts are all posts, the gold ones among them; authors (or post ids) are then needed.

    lam = .125 / (1.5 x 8/33) = .34375, and 1/2 + lam / 8:

    >>> float(ppi_plus([1, 0, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0, 0, 0, 1, 0]).value.round(6))
    0.542969
    """
    one = _Two.of(y, f, f_posts, weights, weights_posts)
    if nested and authors is None:
        raise UsageError("nested posts hold the gold posts too; give authors, or post ids as authors, to tell which")
    return one.estimate(float(ppi_lambda(one.moments(), nested=nested)), "ppi++", authors, level)


def dsl(
    g: npt.ArrayLike,
    labelled: npt.ArrayLike,
    y: npt.ArrayLike,
    pi: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    author: Any = None,
    hajek: bool = False,
    level: float = 0.95,
) -> Estimate:
    """Design-based share of N posts: the mean of g + (labelled / pi) (y - g).

    `g` predictions (N,) or (N, k), fixed or cross-fitted (`discourse.estimators.crossfit`); `labelled` (N,) 1 where
    there is gold; `y` like g, read only there; `pi` (N,) the chance with which a post was to be labelled, known for
    all; `weights` (N,) of posts, such as 1 / posts of the author. `hajek` divides the corrections by the sum of their
    weights. The standard error is that of the influences, divisor N; with `author` of their sums by author.
    Raises `MeaningError` for a labelled post without a chance in (0, 1], `UsageError` for shapes that do not fit.

    >>> dsl([1.0, 0.0, 0.0, 1.0], [1, 0, 1, 0], [1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5])   # mean of 1, 0, 2, 1
    dsl 1.000 [0.307, 1.693], assumes known_inclusion_probabilities
    """
    f, drawn = np.asarray(g, dtype=np.float64), np.asarray(labelled, dtype=np.float64) > 0
    known, chance = np.asarray(y, dtype=np.float64), np.asarray(pi, dtype=np.float64)
    v = np.ones(len(f)) if weights is None else np.asarray(weights, dtype=np.float64)
    if known.shape != f.shape or not drawn.shape == chance.shape == v.shape == f.shape[:1]:
        raise UsageError(
            f"g has the shape {f.shape} and y {known.shape}, labelled {drawn.shape}, pi {chance.shape} and weights "
            f"{v.shape}; g and y must be alike, the others have one number a post"
        )
    if not ((chance[drawn] > 0) & (chance[drawn] <= 1)).all():
        raise MeaningError("every labelled post needs its chance of being labelled, above 0 and at most 1")
    w = np.where(drawn, v / np.where(drawn, chance, 1.0), 0.0)
    column = (slice(None), *[None] * (f.ndim - 1))
    off = np.where(drawn[column], known - f, 0.0)
    total = v.sum()
    mean, shift = (v @ f) / total, (w @ off) / (w.sum() if hajek else total)
    if hajek:
        psi = v[column] * (f - mean) / total + w[column] * (off - shift) / w.sum()
    else:
        psi = (v[column] * f + w[column] * off - v[column] * (mean + shift)) / total
    return _Rows(v, drawn, author).estimate(mean + shift, psi, "dsl", assumes_of("dsl"), level)


@dataclass(frozen=True, eq=False)
class _Two:
    """Gold posts and posts as two samples: y, f and weights w, f of posts and weights v, weights summing to n and N."""

    y: Floats
    f: Floats
    w: Floats
    f_posts: Floats
    v: Floats

    @classmethod
    def of(cls, y: Any, f: Any, f_posts: Any, weights: Any, weights_posts: Any) -> _Two:
        a, b, c = (np.asarray(one, dtype=np.float64) for one in (y, f, f_posts))
        w = np.ones(len(b)) if weights is None else np.asarray(weights, dtype=np.float64)
        v = np.ones(len(c)) if weights_posts is None else np.asarray(weights_posts, dtype=np.float64)
        if a.shape != b.shape or b.shape[1:] != c.shape[1:] or w.shape != b.shape[:1] or v.shape != c.shape[:1]:
            raise UsageError(
                f"y has the shape {a.shape}, f {b.shape}, f_posts {c.shape}, weights {w.shape} and {v.shape}; "
                "y and f must be alike, f_posts have the same classes, and weights one number a post"
            )
        if not len(a) or not len(c) or min(w.sum(), v.sum()) <= 0:
            raise MeaningError("there are no gold posts, or no posts, or all weigh 0; a share needs both")
        return cls(a, b, w * (len(b) / w.sum()), c, v * (len(c) / v.sum()))

    def moments(self) -> Moments:
        y, f, f_posts = (one.reshape(len(one), -1) for one in (self.y, self.f, self.f_posts))
        return Moments.of_posts(y, f, f_posts, self.w, self.v)

    def estimate(self, lam: float, method: str, authors: tuple[Any, Any] | None, level: float) -> Estimate:
        column = (slice(None), *[None] * (self.f.ndim - 1))
        n, big = len(self.f), len(self.f_posts)
        off = self.y - lam * self.f
        mean, shift = self.v @ self.f_posts / big, self.w @ off / n
        psi_gold = self.w[column] * (off - shift) / n
        psi_posts = lam * self.v[column] * (self.f_posts - mean) / big
        author = None if authors is None else np.concatenate([np.asarray(one) for one in authors])
        rows = _Rows(np.concatenate([np.zeros(n), self.v]), np.arange(n + big) < n, author)
        words = assumes_of(method, weighted=bool(np.ptp(self.w) > 1e-9))
        return rows.estimate(lam * mean + shift, np.concatenate([psi_gold, psi_posts]), method, words, level)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Whose influences are summed: weights of posts (n,), whether a row is gold (n,), authors (n,) or None."""

    weights: Floats
    gold: npt.NDArray[np.bool_]
    author: Any

    def estimate(self, value: Floats, psi: Floats, method: str, words: frozenset[str], level: float) -> Estimate:
        mass, df = self.weights, None
        if self.author is not None:
            place = np.unique(np.asarray(self.author), return_inverse=True)[1]
            mass, df = np.bincount(place, self.weights).astype(np.float64), float(len(np.unique(place[self.gold])) - 1)
        se = cluster_se(psi, self.author, small_sample=False)
        return from_se(value, se, method=method, df=df, level=level, assumes=words, n_gold=int(self.gold.sum()),
                       n_eff=float(kish_n_eff(mass)))  # fmt: skip
