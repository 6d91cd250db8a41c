"""A linear model of hashed texts: one logistic regression a class against the rest, on groups scaled by what they tell.

A group's weight in a class is scaled by the square root of its absolute log ratio: how much more often the class has
it than the rest (Wang and Manning 2012 multiply by the ratio itself, which few labels estimate badly). Classes count
alike, whatever their share (balanced weights), so that a rare pole is learnt; one temperature, fitted out of fold,
makes scores probabilities (Guo et al. 2017).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack

from discourse.errors import BadInput
from discourse.framing.features import Counted, Weighed, Weighting, fits, scored

__all__ = ["Linear", "Recipe", "deal", "fit_linear", "fit_temperature", "fit_with_scores", "places", "softmax"]

SMOOTHING: Final = 0.3
FOLDS: Final = 3
MANY: Final = 3_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """How a model is fitted: inverse regularisation strength, least posts a group stands in, seed of the folds."""

    c: float
    least: int
    seed: int


@dataclass(frozen=True, eq=False)
class Linear:
    """A fitted model of k classes: weights of the groups and of e dense columns beside them, intercepts, temperature.

    `weights` is k x size, `dense` k x e, `intercept` has k.
    """

    classes: tuple[str, ...]
    weighting: Weighting
    weights: Floats
    dense: Floats
    intercept: Floats
    temperature: float

    def scores(self, counted: Counted, dense: Floats) -> Floats:
        """Scores of n texts in the k classes, n x k: the larger, the more the class; not calibrated."""
        made = scored(counted, self._weighed)
        # Column by column: a matrix product may round otherwise with other threads or other texts beside it.
        beside = np.zeros_like(made)
        for column, own in zip(dense.T, self.dense.T, strict=True):
            beside += column[:, None] * own
        return made + beside + self.intercept

    @cached_property
    def _weighed(self) -> tuple[Weighed, Weighed]:
        return self.weighting.weighed(self.weights)

    def probabilities(self, counted: Counted, dense: Floats) -> Floats:
        """Probabilities of n texts, n x k; rows sum to 1."""
        return softmax(self.scores(counted, dense) / self.temperature)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All numbers of the model by name, for a file."""
        return {
            "letters.columns": self.weighting.columns[0], "letters.idf": self.weighting.idf[0],
            "words.columns": self.weighting.columns[1], "words.idf": self.weighting.idf[1],
            "weights": self.weights, "dense": self.dense, "intercept": self.intercept,
            "temperature": np.array([self.temperature]),
        }  # fmt: skip

    @classmethod
    def of(cls, classes: Sequence[str], arrays: Mapping[str, npt.NDArray[Any]]) -> Linear:
        """The model of `arrays`; raises `BadInput` when their types, shapes or numbers do not fit one another."""
        k, made = len(classes), dict(arrays)
        names = {
            "letters.columns", "letters.idf", "words.columns", "words.idf", "weights", "dense", "intercept",
            "temperature",
        }  # fmt: skip
        if made.keys() != names or k < 2 or len(set(classes)) != k:
            raise BadInput("this is no linear model of this package: its arrays or classes are others")
        columns, idf = ((made[f"letters.{name}"], made[f"words.{name}"]) for name in ("columns", "idf"))
        size = fits(columns, idf)
        for name in ("weights", "dense", "intercept", "temperature"):
            if made[name].dtype != np.float64 or not np.isfinite(made[name]).all():
                raise BadInput(f"array {name} of the model is not made of finite float64 numbers")
        shapes = made["weights"].shape == (k, size) and made["intercept"].shape == (k,)
        if not shapes or made["dense"].ndim != 2 or len(made["dense"]) != k or made["temperature"].shape != (1,):
            raise BadInput("the arrays of the model do not fit one another in their sizes")
        if made["temperature"][0] <= 0:
            raise BadInput("the temperature of the model is not above 0")
        return cls(
            tuple(classes),
            Weighting(columns, idf),
            made["weights"],
            made["dense"],
            made["intercept"],
            float(made["temperature"][0]),
        )


def fit_linear(counted: Counted, values: Sequence[str], dense: Floats, recipe: Recipe) -> Linear:
    """The model of n counted texts with their classes and e dense columns (n x e, e may be 0); needs two classes.

    >>> from discourse.framing.features import count
    >>> counted = count(["peace talks now", "defend our soil", "talks and peace", "our soil, our honour"])
    >>> made = fit_linear(counted, ["a", "b", "a", "b"], np.zeros((4, 0)), Recipe(3.0, 1, 7))
    >>> made.probabilities(count(["peace now"]), np.zeros((1, 0))).argmax()
    np.int64(0)
    """
    return fit_with_scores(counted, values, dense, recipe)[0]


def fit_with_scores(counted: Counted, values: Sequence[str], dense: Floats, recipe: Recipe) -> tuple[Linear, Floats]:
    """`fit_linear`, and the scores (n x k) of the texts by models that have not seen them.

    Rows of texts that no model left out are 0: all where there are fewer than 30, four in five where 3,000 or more.
    """
    given = np.array(values, dtype=object)
    classes = sorted(set(values))
    held_out = _out_of_fold(counted, given, dense, classes, recipe)
    model = _fit(counted, given, dense, classes, recipe)
    return replace(model, temperature=fit_temperature(held_out, places(values, classes))), held_out


def places(values: Sequence[str], classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Where the class of each of n texts stands among the classes.

    >>> places(["b", "a"], ["a", "b"]).tolist()
    [1, 0]
    """
    index = {name: at for at, name in enumerate(classes)}
    return np.array([index[value] for value in values], np.int64)


def _fit(counted: Counted, values: npt.NDArray[Any], dense: Floats, classes: Sequence[str], recipe: Recipe) -> Linear:
    from sklearn.linear_model import LogisticRegression  # only to train: it takes long to load

    weighting = Weighting.fit(counted, recipe.least)
    made = weighting.of(counted)
    weights = np.zeros((len(classes), weighting.size))
    beside = np.zeros((len(classes), dense.shape[1]))
    intercept = np.full(len(classes), -10.0)  # of a class that this part of the labels does not have
    for at, name in enumerate(classes):
        own = values == name
        if not own.any() or own.all():
            continue
        tells = np.sqrt(np.abs(_log_ratio(made, own)))
        scaled = csr_array((made.data * tells[made.indices], made.indices, made.indptr), made.shape)
        model = LogisticRegression(
            C=recipe.c, class_weight="balanced", solver="liblinear", dual=True, tol=1e-3, random_state=recipe.seed,
            max_iter=1000,
        )  # fmt: skip
        model.fit(_narrow(hstack([scaled, csr_array(dense)], format="csr")), own)
        weights[at] = model.coef_[0, : weighting.size] * tells
        beside[at] = model.coef_[0, weighting.size :]
        intercept[at] = model.intercept_[0]
    return Linear(tuple(classes), weighting, weights, beside, intercept, 1.0)


def _narrow(made: csr_array) -> csr_array:
    """With 32-bit indices, as scikit-learn wants them."""
    return csr_array((made.data, made.indices.astype(np.int32), made.indptr.astype(np.int32)), made.shape)


def _log_ratio(made: csr_array, own: npt.NDArray[np.bool_]) -> Floats:
    """ln of how much more of a class's weight a group has than of the others', smoothed."""
    inside = np.asarray(made.T @ own.astype(np.float64)) + SMOOTHING
    outside = np.asarray(made.T @ (~own).astype(np.float64)) + SMOOTHING
    ratio: Floats = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
    return ratio


def _out_of_fold(
    counted: Counted, values: npt.NDArray[Any], dense: Floats, classes: Sequence[str], recipe: Recipe
) -> Floats:
    """Scores of each text by a model that has not seen it; all zero where there are too few texts to hold any out."""
    scores = np.zeros((len(values), len(classes)))
    if len(values) < 10 * FOLDS:
        return scores
    for train, test in deal(values.tolist(), recipe.seed):
        seen = tuple(csr_array(block[train]) for block in counted)
        model = _fit((seen[0], seen[1]), values[train], dense[train], classes, recipe)
        unseen = tuple(csr_array(block[test]) for block in counted)
        scores[test] = model.scores((unseen[0], unseen[1]), dense[test])
    return scores


def deal(values: Sequence[str], seed: int) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Training and held-out parts of n texts with these classes: three of a third, or one of a fifth from 3,000 on.

    A thousand texts tell one temperature well enough, so that of many a part is held out once.

    >>> [len(test) for _, test in deal(["a", "b"] * 15, seed=7)]
    [10, 10, 10]
    """
    from sklearn.model_selection import StratifiedKFold

    folds = FOLDS if len(values) < MANY else 5
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        split = StratifiedKFold(folds, shuffle=True, random_state=seed)
        parts = list(split.split(np.zeros(len(values)), np.array(values, dtype=str)))
    return parts if len(values) < MANY else parts[:1]


def fit_temperature(scores: Floats, place: npt.NDArray[np.int64]) -> float:
    """The temperature of least negative log likelihood of the classes at `place`, from e^-4 to e^4.

    Rows of scores that are all 0 were not held out and do not count; without any other it is 1.

    >>> fit_temperature(np.zeros((2, 3)), np.array([0, 1]))
    1.0
    """
    from scipy.optimize import minimize_scalar

    held_out = scores.any(axis=1)
    if not held_out.any():
        return 1.0
    scores, place = scores[held_out], place[held_out]

    def loss(log_temperature: float) -> float:
        shares = softmax(scores / np.exp(log_temperature))[np.arange(len(place)), place]
        return float(-np.log(np.maximum(shares, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded").x))


def softmax(scores: Floats) -> Floats:
    """Rows of scores to rows that sum to 1.

    >>> softmax(np.zeros((1, 4))).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares
