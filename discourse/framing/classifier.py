"""The framing classifier: linear, calibrated, trained in seconds on a laptop, over texts or a corpus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from discourse.errors import UsageError
from discourse.framing.beside import fit_beside, public_names
from discourse.framing.features import folded, read, table_of, texts_of
from discourse.framing.framed import Framed, Posts, digest_of, in_order, labelled, learnable
from discourse.framing.latent import fit_latent
from discourse.framing.linear import Recipe, fit_with_scores
from discourse.framing.scorer import LinearFramer
from discourse.labels.labels import TrainingLabels

__all__ = ["Framed", "FramingClassifier"]

Floats = npt.NDArray[np.float64]


class FramingClassifier(LinearFramer, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
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
