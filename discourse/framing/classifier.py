"""The framing classifier: linear, calibrated, trained in seconds on a laptop, over texts or a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import NotFittedError

from discourse.errors import UsageError
from discourse.framing.beside import Beside, fit_beside, kinds_of, public_names
from discourse.framing.features import Text, folded, read, table_of, texts_of
from discourse.framing.framed import Framed, Framer, Posts, digest_of, in_order, labelled, learnable
from discourse.framing.latent import fit_latent
from discourse.framing.linear import Linear, Recipe, fit_with_scores
from discourse.labels.labels import TrainingLabels

__all__ = ["Framed", "FramingClassifier"]

NAMES: Final = ("public", "mask")
MOST_LATENT: Final = 1_000

Floats = npt.NDArray[np.float64]


class FramingClassifier(Framer):
    """A linear classifier of posts, with scikit-learn's interface and one for a corpus.

    `fit(X, y)` takes raw texts (or a posts table) with their classes, or a corpus with its training labels;
    `predict(X)` gives the classes of texts, or the framings of a corpus (`Framed`). It works in `Pipeline`, `clone`
    and `GridSearchCV`, and for other labels than frames too.

    | setting | what it does |
    |---|---|
    | `seed` | deals out the folds of the calibration, and begins the search for latent directions |
    | `c` | inverse regularisation strength |
    | `least` | a letter group or word that fewer training posts hold is left out |
    | `beside` | columns beside the words: any of `bank` (the constructed bank), `lexicon`, `script`, `language` |
    | `names` | `public`: an account that at least 10 authors mention is a column; `mask`: none is |
    | `latent` | how many directions of posts without labels are columns; 0 for none |
    | `calibration` | `temperature`, or `isotonic` for 1,000 training posts and more |
    | `abstain_below` | a post whose best class is less likely is `abstain` |

    See `framing.linear` for the method and `framing.beside` for the columns; once trained, `linear_` holds the weights.

    >>> texts = ["we want peace talks", "let us talk, no more war", "defend our soil", "our soil, our honour"]
    >>> model = FramingClassifier(seed=7, least=1).fit(texts, ["conciliatory"] * 2 + ["nationalist"] * 2)
    >>> model.predict(["peace talks now", "honour and soil"]).tolist()
    ['conciliatory', 'nationalist']
    >>> model.classes_.tolist(), model.predict_proba(["peace"]).shape
    (['conciliatory', 'nationalist'], (1, 2))
    """

    linear_: Linear
    beside_: Beside

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

    def fit(self, X: Posts, y: TrainingLabels | Sequence[str], unlabelled: Posts | None = None) -> FramingClassifier:
        """Train on n texts and their classes, or on the training labels of a corpus; returns itself.

        `unlabelled` are texts or posts without labels that the `latent` directions are learnt on, beside those of `X`.

        Raises `MeaningError` for gold labels (they must stay unseen), for labels of fewer than two classes and for
        texts without words, `SchemaError` for labels of posts that the corpus does not hold or of another number than
        the texts, `UsageError` for settings out of range and for `unlabelled` where nothing is learnt from it.
        """
        self.check()
        if unlabelled is not None and not self.latent:
            raise UsageError("posts without labels teach latent directions alone; set latent, like latent=100")
        posts, values = labelled(X, y)
        texts, table = texts_of(posts), table_of(posts)
        learnable(texts, values)
        authors = table["author_id"].to_list() if table is not None and "author_id" in table.columns else None
        public = public_names(texts, authors) if self.names == "public" else np.empty(0, np.int64)
        texts, values = in_order(texts, values, frozenset(public.tolist()))
        others = [] if unlabelled is None else texts_of(unlabelled)
        latent = fit_latent([*texts, *others], self.latent, seed=self.seed) if self.latent else None
        reading = read(texts)
        counted = reading.count()
        self.beside_ = fit_beside(self.beside, texts, public, latent, counted)
        dense = self.beside_.of(texts, reading, counted)
        self.linear_, held_out = fit_with_scores(counted, values, dense, Recipe(self.c, self.least, self.seed))
        self.isotonic_ = self._calibrated(held_out, values, self.linear_.temperature)
        self.classes_ = np.array(self.linear_.classes)
        settings = repr([sorted(self.get_params().items()), public.tolist(), sorted({folded(text) for text in others})])
        self.model_id = f"linear@{digest_of(texts, values, settings)}"
        return self

    @property
    def dense_names(self) -> tuple[str, ...]:
        """The names of the e columns beside the words, in the order of `dense` and of `linear_.dense`.

        >>> model = FramingClassifier(seed=7, least=1, beside=("lexicon",)).fit(["peace", "soil"], ["a", "b"])
        >>> model.dense_names
        ('lexicon:nationalist', 'lexicon:conciliatory')
        """
        self._fitted()
        return self.beside_.names

    def dense(self, texts: Sequence[str]) -> Floats:
        """The columns beside the words of n texts as `features.texts_of` gives them, n x e, as `linear_` reads them.

        A plain string in their place has the language that is detected and mentions nobody.

        >>> model = FramingClassifier(seed=7, least=1).fit(["peace", "soil"], ["conciliatory", "nationalist"])
        >>> model.dense(texts_of(["peace talks"])).shape
        (1, 9)
        """
        self._fitted()
        return self.beside_.of(texts)

    def check(self) -> None:
        """Raise `UsageError` for a setting out of range.

        >>> FramingClassifier(seed=7).check()
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
        reading = read(texts)
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
            raise NotFittedError("this FramingClassifier is not trained; call fit first")
        return linear
