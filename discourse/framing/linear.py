"""A linear model of hashed texts: one logistic regression a class against the rest, on groups scaled by what they tell.

A group's weight in a class is scaled by the square root of its absolute log ratio: how much more often the class has
it than the rest (Wang and Manning 2012 multiply by the ratio itself, which few labels estimate badly). Classes count
alike, whatever their share (balanced weights), so that a rare pole is learnt; one temperature, fitted out of fold,
makes scores probabilities (Guo et al. 2017).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from discourse.errors import BadInput
from discourse.framing.features import BITS, Weighting

__all__ = ["Linear", "Recipe", "fit_linear", "softmax"]

SMOOTHING: Final = 0.3
FOLDS: Final = 3
MANY: Final = 3_000

Floats = npt.NDArray[np.float64]
Counted = tuple[csr_array, csr_array]


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
        return self.weighting.scores(counted, self.weights) + dense @ self.dense.T + self.intercept

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
            "letters.columns",
            "letters.idf",
            "words.columns",
            "words.idf",
            "weights",
            "dense",
            "intercept",
            "temperature",
        }
        if made.keys() != names or k < 2 or len(set(classes)) != k:
            raise BadInput("this is no linear model of this package: its arrays or classes are others")
        for name, array in made.items():
            wanted = np.int32 if name.endswith("columns") else np.float64
            if array.dtype != wanted or not np.isfinite(array).all():
                raise BadInput(f"array {name} of the model is not made of finite {np.dtype(wanted).name} numbers")
        size = [made[f"{block}.columns"] for block in ("letters", "words")]
        fit = all(
            column.ndim == 1
            and (not len(column) or (column[0] >= 0 and column[-1] < 1 << BITS and (np.diff(column) > 0).all()))
            for column in size
        ) and all(made[f"{block}.idf"].shape == made[f"{block}.columns"].shape for block in ("letters", "words"))
        if not fit or made["weights"].shape != (k, sum(map(len, size))) or made["intercept"].shape != (k,):
            raise BadInput("the arrays of the model do not fit one another in their sizes")
        if (
            made["dense"].ndim != 2
            or len(made["dense"]) != k
            or made["temperature"].shape != (1,)
            or made["temperature"][0] <= 0
        ):
            raise BadInput("the arrays of the model do not fit one another in their sizes")
        weighting = Weighting((size[0], size[1]), (made["letters.idf"], made["words.idf"]))
        return cls(
            tuple(classes), weighting, made["weights"], made["dense"], made["intercept"], float(made["temperature"][0])
        )


def fit_linear(counted: Counted, values: Sequence[str], dense: Floats, recipe: Recipe) -> Linear:
    """The model of n counted texts with their classes and e dense columns (n x e, e may be 0); needs two classes.

    >>> from discourse.framing.features import count
    >>> counted = count(["peace talks now", "defend our soil", "talks and peace", "our soil, our honour"])
    >>> made = fit_linear(counted, ["a", "b", "a", "b"], np.zeros((4, 0)), Recipe(3.0, 1, 7))
    >>> made.probabilities(count(["peace now"]), np.zeros((1, 0))).argmax()
    np.int64(0)
    """
    given = np.array(values, dtype=object)
    classes = sorted(set(values))
    held_out = _out_of_fold(counted, given, dense, classes, recipe)
    model = _fit(counted, given, dense, classes, recipe)
    place = np.array([classes.index(value) for value in given])
    return Linear(
        model.classes, model.weighting, model.weights, model.dense, model.intercept, _temperature(held_out, place)
    )


def _fit(counted: Counted, values: npt.NDArray[Any], dense: Floats, classes: Sequence[str], recipe: Recipe) -> Linear:
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
    # A thousand texts tell one temperature well enough: of many texts a part is held out once.
    folds = FOLDS if len(values) < MANY else 5
    split = StratifiedKFold(folds, shuffle=True, random_state=recipe.seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = list(split.split(np.zeros(len(values)), values.astype(str)))
    for train, test in parts if len(values) < MANY else parts[:1]:
        seen = tuple(csr_array(block[train]) for block in counted)
        model = _fit((seen[0], seen[1]), values[train], dense[train], classes, recipe)
        unseen = tuple(csr_array(block[test]) for block in counted)
        scores[test] = model.scores((unseen[0], unseen[1]), dense[test])
    return scores


def _temperature(scores: Floats, place: npt.NDArray[np.int64]) -> float:
    """The temperature of least negative log likelihood of the classes at `place`; 1 where nothing was held out."""
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
