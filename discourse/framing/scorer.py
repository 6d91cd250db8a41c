"""A trained linear classifier that scores posts: what `classifier.FramingClassifier` does but learn.

It needs no scikit-learn, whose loading takes longer than scoring many thousand posts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from discourse.errors import UsageError
from discourse.framing.beside import Beside, kinds_of
from discourse.framing.features import Text, read
from discourse.framing.framed import Framer
from discourse.framing.linear import Linear

__all__ = ["NAMES", "LinearFramer", "Scorer"]

NAMES: Final = ("public", "mask")
MOST_LATENT: Final = 1_000

Floats = npt.NDArray[np.float64]


class LinearFramer(Framer):
    """Scores of a linear model on words and dense columns, `linear_` and `beside_`; see `FramingClassifier`."""

    linear_: Linear
    beside_: Beside
    c: float
    least: int
    beside: tuple[str, ...]
    names: str
    latent: int

    @property
    def dense_names(self) -> tuple[str, ...]:
        """The names of the e columns beside the words, in the order of `dense` and of `linear_.dense`.

        >>> from discourse.framing.classifier import FramingClassifier
        >>> model = FramingClassifier(seed=7, least=1, beside=("lexicon",)).fit(["peace", "soil"], ["a", "b"])
        >>> model.dense_names
        ('lexicon:nationalist', 'lexicon:conciliatory')
        """
        self._fitted()
        return self.beside_.names

    def dense(self, texts: Sequence[str]) -> Floats:
        """The columns beside the words of n texts as `features.texts_of` gives them, n x e, as `linear_` reads them.

        A plain string in their place has the language that is detected and mentions nobody.

        >>> from discourse.framing.classifier import FramingClassifier
        >>> from discourse.framing.features import texts_of
        >>> model = FramingClassifier(seed=7, least=1).fit(["peace", "soil"], ["conciliatory", "nationalist"])
        >>> model.dense(texts_of(["peace talks"])).shape
        (1, 9)
        """
        self._fitted()
        return self.beside_.of(texts)

    def check(self) -> None:
        """Raise `UsageError` for a setting out of range.

        >>> Scorer(seed=7).check()
        """
        self._check_common()
        if not 0.0 < self.c < np.inf:
            raise UsageError(f"c is {self.c}; it must be above 0, like 3.0")
        if self.least < 1:
            raise UsageError(f"least is {self.least}; it must be 1 or more, like 2")
        if not 0 <= self.latent <= MOST_LATENT:
            raise UsageError(f"latent is {self.latent}; it must be from 0 to {MOST_LATENT}, like 100")
        kinds_of(self.beside)
        if self.names not in NAMES:
            raise UsageError(f"names is {self.names!r}; it must be {' or '.join(map(repr, NAMES))}")

    def _scores(self, texts: Sequence[Text]) -> Floats:
        reading = read(texts).in_order()
        counted = reading.count()
        return self._fitted().scores(counted, self.beside_.of(texts, reading, counted))

    def _temperature(self) -> float:
        return self._fitted().temperature

    def _at_temperature(self, temperature: float) -> None:
        self.linear_ = replace(self.linear_, temperature=temperature)

    def _public(self) -> frozenset[int]:
        return frozenset(self.beside_.public.tolist())

    def _fitted(self) -> Linear:
        linear: Linear | None = getattr(self, "linear_", None)
        if linear is None:
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("this FramingClassifier is not trained; call fit first")
        return linear


class Scorer(LinearFramer):
    """A classifier as `store.load_scorer` reads it from a file, with the settings it was trained with."""

    def __init__(
        self,
        *,
        seed: int,
        c: float = 3.0,
        least: int = 2,
        beside: tuple[str, ...] = ("bank", "lexicon", "script"),
        names: str = "public",
        latent: int = 0,
        calibration: str = "temperature",
        abstain_below: float = 0.0,
    ) -> None:
        self.seed = seed
        self.c = c
        self.least = least
        self.beside = beside
        self.names = names
        self.latent = latent
        self.calibration = calibration
        self.abstain_below = abstain_below
