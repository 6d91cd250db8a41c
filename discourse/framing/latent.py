"""What posts without labels teach: scores of texts on the main directions of a corpus's words.

Latent semantic analysis (Deerwester et al. 1990): the truncated singular value decomposition of the weighted counts of
texts that nobody has coded, found by randomised projection (Halko, Martinsson and Tropp 2011, as scikit-learn does it).
Words that keep the same company come near each other, so that a word of few labels borrows from those it stands with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from discourse.errors import BadInput, MeaningError
from discourse.framing.features import Counted, Weighting, count, fits, folded

__all__ = ["Latent", "fit_latent"]

LEAST: Final = 5
FEW: Final = 1_000
MOST_COLUMNS: Final = 60_000
_ROUNDS: Final = 4

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Latent:
    """The weighting of the texts it was learnt on and a basis of size x K directions, in single precision."""

    weighting: Weighting
    basis: npt.NDArray[np.float32]

    def of(self, counted: Counted) -> Floats:
        """Scores of n counted texts on the K directions, n x K; each row has length 1, or 0 where no word is known."""
        made: Floats = self.weighting.of(counted) @ self.basis.astype(np.float64)
        lengths = np.sqrt((made**2).sum(axis=1, keepdims=True))
        return made / np.where(lengths > 0, lengths, 1.0)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All numbers by name, for a file."""
        return {
            "latent.letters.columns": self.weighting.columns[0], "latent.letters.idf": self.weighting.idf[0],
            "latent.words.columns": self.weighting.columns[1], "latent.words.idf": self.weighting.idf[1],
            "latent.basis": self.basis,
        }  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], k: int) -> Latent:
        """The K directions of `arrays`; raises `BadInput` when they do not fit one another."""
        try:
            columns = (arrays["latent.letters.columns"], arrays["latent.words.columns"])
            idf = (arrays["latent.letters.idf"], arrays["latent.words.idf"])
            basis = arrays["latent.basis"]
        except KeyError as error:
            raise BadInput(f"the model lacks the array {error}") from None
        size = fits(columns, idf)
        if basis.dtype != np.float32 or basis.shape != (size, k) or not np.isfinite(basis).all():
            raise BadInput("the latent directions of the model do not fit its columns, or are no finite numbers")
        return cls(Weighting(columns, idf), basis)


def fit_latent(texts: Sequence[str], k: int, *, seed: int) -> Latent:
    """K directions of n texts as `texts_of` gives them; the same in whatever order they come, a repeated one once.

    Groups of letters and words that fewer than 5 texts hold are left out (2 where there are fewer than 1,000 texts),
    and all but the 60,000 commonest. Raises `MeaningError` when the texts are too few for K directions.

    >>> made = fit_latent([f"{a} {b}" for a in ("peace", "war") for b in ("now", "here", "soon")], 2, seed=7)
    >>> made.of(count(["peace", "war"])).shape
    (2, 2)
    """
    distinct = sorted({folded(text) for text in texts if text.strip()})
    counted = count(distinct)
    weighting = Weighting.fit(counted, _least(counted, LEAST if len(distinct) >= FEW else 2))
    if k >= min(len(distinct), weighting.size):
        raise MeaningError(
            f"{k} latent directions cannot be learnt from {len(distinct)} distinct texts with {weighting.size} groups "
            "that return; give more texts without labels, or a smaller latent"
        )
    made = weighting.of(counted)
    made = csr_array((made.data, made.indices.astype(np.int32), made.indptr.astype(np.int32)), made.shape)
    from sklearn.utils.extmath import randomized_svd  # only to train: it takes long to load

    _, _, directions = randomized_svd(made, k, n_iter=_ROUNDS, random_state=seed)
    return Latent(weighting, np.ascontiguousarray(directions.T, dtype=np.float32))


def _least(counted: Counted, least: int) -> int:
    """The least number of texts, from `least` on, that leaves no more than 60,000 groups."""
    held = np.concatenate([np.bincount(block.indices, minlength=1) for block in counted])
    while np.count_nonzero(held >= least) > MOST_COLUMNS:
        least += 1
    return least
