"""A model of coders: the true values nobody saw, how often each occurs, and what each coder makes of it.

Dawid and Skene's model: a post has one true value, drawn with the prevalence; a coder who sees a post of value j
says l with the chance that stands in row j of the coder's confusion matrix, whatever other coders say. Where some
posts are hard for all coders alike this is not so, and accuracies come out too high.

Letters of shapes: u units (posts), c coders, k values of a variable.

Source: Dawid and Skene (1979), *Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm*,
Applied Statistics 28(1), equations 2.3 to 2.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from warnings import warn

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import SchemaError, SmallSampleWarning, UsageError
from discourse.labels.disagreement import soft_table
from discourse.labels.labels import Labels
from discourse.labels.ratings import Floats, ratings_of, read_array

__all__ = ["CoderModel", "dawid_skene"]

_TINY = 1e-300
_ENOUGH = 3


@dataclass(frozen=True, repr=False, eq=False)
class CoderModel:
    """What `dawid_skene` found. Arrays cannot be written to.

    `posterior` (u, k): the probability of each value for each unit, rows sum to 1. `prevalence` (k): the share of
    each value. `confusion` (c, k, k): for each coder, in row j what is said of units whose value is j; rows sum to
    1, and are NaN for a value that nobody gave. `path`: the log-likelihood before each step, with the prior
    (`smoothing`) in it; it never falls. `converged`: whether the last step gained less than the tolerance.

    >>> made = dawid_skene([["N", "N", "N"], ["C", "C", "N"], ["C", "C", "C"]])
    >>> made
    CoderModel(3 units, 3 coders, 2 values; converged)
    """

    units: tuple[str, ...]
    coders: tuple[str, ...]
    values: tuple[str, ...]
    posterior: Floats
    prevalence: Floats
    confusion: Floats
    path: tuple[float, ...]
    converged: bool

    def __post_init__(self) -> None:
        for name in ("posterior", "prevalence", "confusion"):
            own = np.array(getattr(self, name), dtype=np.float64)
            own.flags.writeable = False
            object.__setattr__(self, name, own)

    def __repr__(self) -> str:
        sizes = f"{len(self.units)} units, {len(self.coders)} coders, {len(self.values)} values"
        return f"CoderModel({sizes}; {'converged' if self.converged else 'not converged'})"

    @property
    def soft_labels(self) -> pl.DataFrame:
        """The posterior as a table: post_id, value, probability (0 to 1, those of a post sum to 1).

        >>> dawid_skene([["N", "N", "N"], ["C", "C", "C"]]).soft_labels["probability"].round(2).to_list()
        [0.0, 1.0, 1.0, 0.0]
        """
        return soft_table(self.units, self.values, self.posterior)

    @property
    def accuracy(self) -> pl.DataFrame:
        """How often each coder is right, 0 to 1: columns coder, accuracy = sum over j of prevalence_j confusion_jj.

        >>> dawid_skene([["N", "N", "N"], ["C", "C", "C"]]).accuracy["accuracy"].round(1).to_list()
        [1.0, 1.0, 1.0]
        """
        right = np.diagonal(self.confusion, axis1=1, axis2=2) * self.prevalence
        return pl.DataFrame(
            {"coder": list(self.coders), "accuracy": np.nansum(right, axis=1)},
            schema={"coder": pl.String, "accuracy": pl.Float64},
        )

    @property
    def confusions(self) -> pl.DataFrame:
        """The confusion matrices as a table: coder, value (the true one), said, probability (0 to 1).

        >>> dawid_skene([["N", "N", "N"], ["C", "C", "C"]]).confusions.select("value", "said").rows()[:3]
        [('C', 'C'), ('C', 'N'), ('N', 'C')]
        """
        rows = [
            (coder, value, said, float(self.confusion[i, j, m]))
            for i, coder in enumerate(self.coders)
            for j, value in enumerate(self.values)
            for m, said in enumerate(self.values)
        ]
        schema = {"coder": pl.String, "value": pl.String, "said": pl.String, "probability": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")


def dawid_skene(
    given: Labels | npt.ArrayLike,
    *,
    variable: str = "frame",
    values: Sequence[Any] | None = None,
    smoothing: float = 0.01,
    max_iter: int = 1000,
    tol: float = 1e-6,
) -> CoderModel:
    """Coders' confusion matrices, prevalence and the probability of each value for each post, by EM.

    `given` is labels, of which the coders' own values of `variable` are taken, or an array of units x coders, or
    of counts (u, c, k) where coders coded a unit more than once; units and coders of an array are named by their
    places. None and NaN are missing; a unit without a code gets the prevalence. `values` are all values, in order;
    for labels with a codebook they are the codebook's. A value that nobody gave has the probability 0.

    It starts from the share of coders who gave each value, draws nothing and stops when a step gains less than `tol`
    (natural logarithm) or after `max_iter` steps. `smoothing` is the prior: that many made-up posts of each value,
    and codes in each cell of each confusion matrix (Dirichlet, 1 + smoothing); 0 is maximum likelihood.

    Warns with `SmallSampleWarning` below three coders, who cannot show which of them errs. Raises `UsageError`
    for a negative smoothing or tolerance, no step, or values beside a codebook, `SchemaError` for an array of
    another shape or without a code, and for labels what `agreement` raises.

    Two coders are right throughout, c errs on the third post:

    >>> made = dawid_skene([list("NNN"), list("CCC"), list("NNC"), list("CCC"), list("NNN")])
    >>> made.posterior.round(2)[2].tolist(), made.confusion.round(2)[2].tolist()  # c says C of one N in three
    ([0.0, 1.0], [[1.0, 0.0], [0.33, 0.67]])
    """
    if not smoothing >= 0 or not tol >= 0 or max_iter < 1:
        raise UsageError(
            f"smoothing is {smoothing}, tol {tol}, max_iter {max_iter}; smoothing and tol must be 0 or more, max_iter 1"
        )
    units, coders, words, counts = _read(given, variable, values)
    u, c, k = counts.shape
    used = np.flatnonzero(counts.sum(axis=(0, 1)) > 0)
    coded = counts.sum(axis=(1, 2)) > 0
    if not used.size:
        raise SchemaError("the array has no code; a model of coders needs some")
    if c < _ENOUGH:
        warn(
            f"{c} coders cannot show which of them errs; the model needs 3 or more, and rests on its start",
            SmallSampleWarning,
            stacklevel=2,
        )
    shares, confusion, prevalence, path, converged = _em(counts[coded][:, :, used], smoothing, max_iter, tol)
    posterior, whole = np.zeros((u, k)), np.full((c, k, k), np.nan)
    posterior[np.ix_(~coded, used)] = prevalence
    posterior[np.ix_(coded, used)] = shares
    whole[:, used, :] = 0.0
    whole[np.ix_(np.arange(c), used, used)] = confusion
    every = np.zeros(k)
    every[used] = prevalence
    return CoderModel(units, coders, words, posterior, every, whole, tuple(path), converged)


def _read(
    given: Labels | npt.ArrayLike, variable: str, values: Sequence[Any] | None
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], Floats]:
    """Names of units, coders and values, and how often each coder gave each value to each unit (u, c, k)."""
    if isinstance(given, Labels):
        own = ratings_of(given, variable)
        codes, words = own.codes, own.values
        if values is not None and given.codebook is not None:
            raise UsageError("values are those of the codebook; leave them out, or give labels without a codebook")
        if values is not None:
            codes, words = read_array(np.array([*own.values, None], dtype=object)[own.codes], "nominal", values)
        return own.units, own.coders, words, (codes[:, :, None] == np.arange(len(words))).astype(np.float64)
    cells = np.asarray(given, dtype=object)
    if cells.ndim == 3:
        counts = cells.astype(np.float64)
        words = tuple(str(word) for word in (range(counts.shape[2]) if values is None else values))
        if len(words) != counts.shape[2] or not (counts >= 0).all():
            raise SchemaError(f"counts are of {counts.shape[2]} values, with {len(words)} named; none may be negative")
    else:
        codes, listed = read_array(cells, "nominal", values)
        words = tuple(str(word) for word in listed)
        counts = (codes[:, :, None] == np.arange(len(words))).astype(np.float64)
    names = [tuple(str(place) for place in range(size)) for size in counts.shape[:2]]
    return names[0], names[1], words, counts


def _em(
    counts: Floats, smoothing: float, max_iter: int, tol: float
) -> tuple[Floats, Floats, Floats, list[float], bool]:
    """Posterior (u, k), confusion (c, k, k), prevalence (k), the path, and whether it converged; all units coded."""
    u, c, k = counts.shape
    flat = counts.reshape(u, c * k)
    posterior = counts.sum(axis=1) / counts.sum(axis=(1, 2))[:, None]
    path: list[float] = []
    while True:
        prevalence = (posterior.sum(axis=0) + smoothing) / (u + k * smoothing)
        said = (posterior.T @ flat).reshape(k, c, k).transpose(1, 0, 2) + smoothing
        total = said.sum(axis=2, keepdims=True)
        confusion = np.divide(said, total, out=np.full(said.shape, 1.0 / k), where=total > 0)
        log_prevalence, log_confusion = np.log(np.maximum(prevalence, _TINY)), np.log(np.maximum(confusion, _TINY))
        joint = log_prevalence + flat @ log_confusion.transpose(0, 2, 1).reshape(c * k, k)
        top = joint.max(axis=1, keepdims=True)
        log_unit = top[:, 0] + np.log(np.exp(joint - top).sum(axis=1))
        posterior = np.exp(joint - log_unit[:, None])
        prior = smoothing * (log_prevalence.sum() + log_confusion.sum()) if smoothing else 0.0
        path.append(float(log_unit.sum() + prior))
        converged = len(path) > 1 and path[-1] - path[-2] <= tol
        if converged or len(path) >= max_iter:
            return posterior, confusion, prevalence, path, converged
