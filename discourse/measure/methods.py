"""Every method of prevalence as one function of sums: of a cell, of a bootstrap replicate, of a shuffle.

`Sums` hold what `Tallies` count, with any leading axes (...), so that cells, replicates and shuffles are one call. What
each method assumes stands in `estimate.ASSUMES`; formulas and sources stand with them in `stratified`, `quantify` and
`powered`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from discourse.errors import MeaningError
from discourse.estimators.powered import Moments, dsl_of, ppi_of, ppi_plus_of
from discourse.estimators.quantify import acc, cc, pacc, sld
from discourse.estimators.rates import normalised
from discourse.estimators.stratified import gold_only, poststrat
from discourse.measure.tallies import Tallies
from discourse.schema import FRAMES, one_of

__all__ = ["METHODS", "NAIVE", "SCORES_OF", "Sums", "by_true_class", "shares_of"]

METHODS: Final = ("poststrat", "dsl", "ppi", "ppi++", "acc", "pacc", "sld", "cc", "pcc", "gold")
SCORES_OF: Final = {
    "poststrat": "none", "acc": "none", "cc": "none", "gold": "none",
    "dsl": "sums", "ppi": "sums", "ppi++": "sums", "pacc": "sums", "pcc": "sums", "sld": "grid",
}  # fmt: skip
"""What a method needs of the classifier's probabilities: `Design.scores`."""

NAIVE: Final = ("cc", "pcc")
"""Methods that leave the classifier's error out of their intervals."""

_OF_TRUE_CLASS: Final = ("acc", "pacc")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums with leading axes (...): posts by predicted class `counts` (..., j), gold `gold` (..., j, k).

    `soft` and `soft_square` (..., k) and `soft_gold` (..., k score, k true) where probabilities were kept, `grid`
    (..., g) where their histogram was; `posteriors` (g, k) are the mean probabilities of its rows.
    """

    counts: Floats
    gold: Floats
    soft: Floats | None = None
    soft_square: Floats | None = None
    soft_gold: Floats | None = None
    grid: Floats | None = None
    posteriors: Floats | None = None

    @classmethod
    def of(cls, tallies: Tallies) -> Sums:
        """The sums of tallies with shape (1 + b, t, s, ...)."""
        t, s = len(tallies.design.windows), len(tallies.design.sides)

        def lead(name: str) -> Floats | None:
            array = getattr(tallies, name)
            if not array.size:
                return None
            made: Floats = np.moveaxis(array.reshape(t, s, *array.shape[1:]).astype(np.float64), -1, 0)
            return made

        counts, gold = lead("counts"), lead("gold")
        if counts is None or gold is None:
            raise MeaningError("these tallies have no cells")
        posteriors = None
        if tallies.grid.size:
            weight = tallies.grid[..., 0].sum(axis=0).astype(np.float64)
            total = tallies.grid_soft.sum(axis=0).astype(np.float64)
            posteriors = normalised(np.where(weight[:, None] > 0, total, 1.0))
        return cls(counts, gold, lead("soft"), lead("soft_square"), lead("soft_gold"), lead("grid"), posteriors)

    def moments(self) -> Moments:
        """What prediction-powered methods read, with probabilities as predictions."""
        if self.soft is None or self.soft_square is None or self.soft_gold is None:
            raise MeaningError("these tallies kept no probabilities; tally with scores='sums'")
        fy = np.diagonal(self.soft_gold, axis1=-2, axis2=-1)
        f = self.soft_gold.sum(axis=-1)
        whole = self.gold.sum(axis=(-1, -2))
        # The squares of gold are read by the form for two separate samples alone, which these are not.
        return Moments(whole, self.gold.sum(axis=-2), f, f, fy, self.counts.sum(axis=-1), self.soft, self.soft_square)


def shares_of(method: str, sums: Sums, train_prior: Floats | None = None) -> Floats:
    """Shares (..., k) of the frames by a method; NaN where its sums do not give them (no posts, no gold).

    `train_prior` (k,) are the shares of the frames among the posts that taught the classifier, which `sld` wants.
    Raises `SchemaError` for an unknown method, `MeaningError` when the tallies kept no probabilities it needs.

    >>> made = Sums(np.array([80.0, 0, 0, 20, 0]), np.vstack([np.diag([8.0, 0, 0, 9]), np.zeros(4)]))
    >>> shares_of("poststrat", made).tolist(), shares_of("gold", made).round(2).tolist()
    ([0.8, 0.0, 0.0, 0.2], [0.47, 0.0, 0.0, 0.53])
    """
    one_of(method, METHODS, "method")
    if method == "sld":
        return _sld(sums, train_prior)
    plain = {"cc": _cc, "gold": _gold, "poststrat": _poststrat, "acc": _acc, "pacc": _pacc}.get(method)
    return plain(sums) if plain else _from_moments(method, sums.moments())


def _cc(sums: Sums) -> Floats:
    return cc(sums.counts, len(FRAMES))


def _gold(sums: Sums) -> Floats:
    return np.where(sums.counts.sum(axis=-1, keepdims=True) > 0, gold_only(sums.gold), np.nan)


def _poststrat(sums: Sums) -> Floats:
    return poststrat(sums.counts, sums.gold)


def _acc(sums: Sums) -> Floats:
    return _known_columns(sums.counts, sums.gold)


def _pacc(sums: Sums) -> Floats:
    soft_gold = sums.soft_gold
    return _known_columns(sums.moments().f, np.zeros(0) if soft_gold is None else soft_gold)


def _sld(sums: Sums, train_prior: Floats | None) -> Floats:
    if sums.grid is None or sums.posteriors is None:
        raise MeaningError("these tallies kept no histogram of probabilities; tally with scores='grid'")
    if train_prior is None:
        raise MeaningError("sld needs train_prior, the shares of the frames among the training labels")
    some = sums.grid.sum(axis=-1) > 0
    made = np.full((*some.shape, len(FRAMES)), np.nan)
    made[some] = sld(sums.posteriors, train_prior, sums.grid[some])
    return made


def _from_moments(method: str, moments: Moments) -> Floats:
    if method == "pcc":
        return normalised(moments.f)
    made = {"ppi": ppi_of, "ppi++": ppi_plus_of, "dsl": dsl_of}[method](moments)
    return np.where(((moments.gold > 0) & (moments.posts > 0))[..., None], made, np.nan)


def by_true_class(method: str) -> bool:
    """Whether a method asks gold how posts of a true class are predicted, and not the other way round."""
    return method in _OF_TRUE_CLASS


def _known_columns(q: Floats, table: Floats) -> Floats:
    """`acc` over the true classes that have gold; one that nobody ever coded has share 0. NaN without posts."""
    q, table = q + np.zeros(table.shape[:-1]), table + np.zeros((*q.shape, table.shape[-1]))
    made = np.full((*q.shape[:-1], table.shape[-1]), np.nan)
    coded = table.sum(axis=-2) > 0
    some = (q.sum(axis=-1) > 0) & coded.any(axis=-1)
    for pattern in np.unique(coded[some].reshape(-1, coded.shape[-1]), axis=0):
        here = some & (coded == pattern).all(axis=-1)
        part = np.zeros((int(here.sum()), len(pattern)))
        fit = acc if table.shape[-2] > table.shape[-1] else pacc
        part[:, pattern] = fit(q[here], table[here][:, :, pattern])
        made[here] = part
    return made
