"""The fitted numbers of the language identifier and the scores of words under them.

A word's score in a language is a sum of whole numbers, one for each of its letter groups; a post's is the sum over its
words. Whole numbers, so that no order, partition or number of threads changes an answer.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from discourse.text.letters import BUCKETS, groups

__all__ = ["PURE", "SCALE", "Family", "Model", "load", "save", "shipped"]

SCALE: Final = 256.0
"""Scores are log odds times this, rounded."""

PURE: Final = "latin-pure"
"""The family that tells languages of Latin script word by word."""

_SMALL: Final = 20_000  # 10,000 letters are in at most 100,000 groups and words

Scores = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Family:
    """The languages of one script: a weight for each bucket and language, and one for each language."""

    names: tuple[str, ...]
    weights: npt.NDArray[np.int32]
    offset: Scores

    def score(self, words: Sequence[str]) -> Scores:
        """Scores of n plain words in k languages, n x k, in log odds times `SCALE`."""
        return self.score_groups(groups(words))

    def score_groups(self, counted: csr_array) -> Scores:
        """`score` of words whose groups are counted already."""
        summed: Scores = counted @ self.weights
        return summed.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Model:
    """One family a script. A model is equal to itself alone."""

    families: dict[str, Family]

    @cached_property
    def is_small(self) -> bool:
        """Whether no chunk of 10,000 characters can have a score beyond 31 bits, as the compiled loops need it."""
        return all(int(np.abs(family.weights).max()) <= _SMALL for family in self.families.values())


def save(model: Model) -> bytes:
    """The model as the bytes of an `.npz` file of plain arrays."""
    arrays: dict[str, npt.NDArray[np.int16] | Scores | npt.NDArray[np.uint8]] = {}
    for script, family in model.families.items():
        rows = np.flatnonzero(family.weights.any(axis=1))
        arrays[f"{script}.rows"] = rows.astype(np.int64)
        arrays[f"{script}.weights"] = family.weights[rows].astype(np.int16)
        arrays[f"{script}.offset"] = family.offset
        arrays[f"{script}.names"] = np.frombuffer(json.dumps(family.names).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def load(content: bytes) -> Model:
    """The model from what `save` made."""
    families = {}
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        for script in sorted({name.split(".")[0] for name in arrays.files}):
            names = tuple(json.loads(arrays[f"{script}.names"].tobytes()))
            weights = np.zeros((BUCKETS, len(names)), np.int32)
            weights[arrays[f"{script}.rows"]] = arrays[f"{script}.weights"]
            families[script] = Family(names, weights, arrays[f"{script}.offset"])
    return Model(families)


@cache
def shipped() -> Model:
    """The model that comes with the package; its card is `docs/language.md`."""
    return load((resources.files("discourse.text") / "language.npz").read_bytes())
