"""The framing classifier: a regularised logistic regression that trains in seconds and always runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.framing.features import feature_union, model_text
from discourse.labels.labels import GoldLabels, TrainingLabels
from discourse.schema import FRAMES, FRAMINGS, one_of

__all__ = ["Framed", "FramingClassifier"]


@dataclass(frozen=True)
class Framed:
    """A corpus and its framings by one model: one row a post, probabilities in codebook order.

    `posts` and `table` stand in the same order.

    >>> from discourse.schema import POSTS
    >>> Framed(Corpus(POSTS.empty()), FRAMINGS.empty()).posts.height
    0
    """

    corpus: Corpus
    table: pl.DataFrame

    @property
    def posts(self) -> pl.DataFrame:
        """The posts that were classified."""
        return self.corpus.posts

    def __repr__(self) -> str:
        counts = self.table["predicted"].value_counts(sort=True)
        parts = ", ".join(f"{row['predicted']} {row['count']}" for row in counts.iter_rows(named=True))
        return (
            f"Framed({self.table.height} posts as predicted: {parts or 'none'}; correct with gold before you publish)"
        )


@dataclass
class FramingClassifier:
    """Word and character n-gram logistic regression over the four frames.

    `c` is the inverse regularisation strength; classes are weighted by the inverse of their frequency, so that
    the rare pole is learnt. `seed` goes to the solver. The estimator behind it is `pipeline`, a plain
    scikit-learn pipeline over texts. Raises `UsageError` for a `c` that is not above 0.

    >>> FramingClassifier(seed=7)
    FramingClassifier(seed=7, c=1.0, max_iter=2000)
    """

    seed: int
    c: float = 1.0
    max_iter: int = 2000

    def __post_init__(self) -> None:
        if not 0.0 < self.c < np.inf:
            raise UsageError(f"c is {self.c}; it must be above 0, like 1.0")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"seed is {self.seed}; it must be a whole number from 0 to 2**32 - 1")
        self.pipeline: Pipeline | None = None
        self.model_id = ""

    def fit(self, corpus: Corpus, labels: TrainingLabels) -> FramingClassifier:
        """Train on the training labels of a corpus; returns itself.

        Raises `MeaningError` for gold labels (they must stay unseen) and for labels of fewer than two frames,
        `SchemaError` for labels of posts that the corpus does not hold.
        """
        if isinstance(labels, GoldLabels) or not isinstance(labels, TrainingLabels):
            raise MeaningError("fit takes training labels; gold labels measure the classifier and must stay unseen")
        joined = labels.frame.join(corpus.posts, on="post_id", how="inner", validate="1:1").sort("post_id")
        if joined.height < labels.frame.height:
            raise SchemaError(
                f"{labels.frame.height - joined.height} of {labels.frame.height} training labels belong to no post "
                "of this corpus; read the corpus the labels were drawn from"
            )
        return self.fit_texts(model_text(joined), joined["value"])

    def fit_texts(self, texts: pl.Series, values: pl.Series) -> FramingClassifier:
        """Train on n texts (normal form, masked) and their frames; returns itself."""
        for value in values.unique().sort():
            one_of(value, FRAMES, "a training label")
        if values.n_unique() < 2:
            raise MeaningError(
                f"the training labels hold {values.n_unique()} frame; at least 2 are needed to tell apart"
            )
        model = LogisticRegression(
            C=self.c, class_weight="balanced", max_iter=self.max_iter, solver="lbfgs", random_state=self.seed
        )
        pipeline = Pipeline([("features", feature_union()), ("model", model)])
        try:
            self.pipeline = pipeline.fit(texts.to_list(), values.to_list())
        except ValueError as error:
            if not str(error).startswith("empty vocabulary"):
                raise
            raise MeaningError("the training texts hold no words; a classifier cannot learn from them") from None
        self.model_id = f"ngram-logistic@{_digest(texts, values, repr(self))}"
        return self

    def probabilities(self, texts: pl.Series) -> npt.NDArray[np.float64]:
        """Class probabilities of n texts, shape (n, 4) in the order of schema.FRAMES; a frame never seen has 0."""
        if self.pipeline is None:
            raise NotFittedError("this FramingClassifier is not trained; call fit first")
        out = np.zeros((len(texts), len(FRAMES)))
        if not len(texts):
            return out
        distinct = texts.unique(maintain_order=True)
        made = self.pipeline.predict_proba(distinct.to_list())
        place = texts.replace_strict(distinct, np.arange(len(distinct)), return_dtype=pl.Int64).to_numpy()
        for i, frame in enumerate(self.pipeline.classes_):
            out[:, FRAMES.index(frame)] = made[place, i]
        return out

    def predict(self, corpus: Corpus) -> Framed:
        """Classify every post of a corpus."""
        p = self.probabilities(model_text(corpus.posts))
        columns: dict[str, Any] = {f"p_{frame}": p[:, i] for i, frame in enumerate(FRAMES)}
        words = np.array(FRAMES)
        table = pl.DataFrame(
            {
                "post_id": corpus.posts["post_id"],
                "model": self.model_id,
                **columns,
                "predicted": words[p.argmax(axis=1)] if len(p) else [],
            },
            schema=dict(FRAMINGS.columns),
        )
        return Framed(corpus, FRAMINGS.require(table))

    def clone(self) -> FramingClassifier:
        """An untrained classifier with the same settings."""
        return replace(self)


def _digest(texts: pl.Series, values: pl.Series, settings: str) -> str:
    """Eight hex digits that name the training set and settings, whatever order the rows came in."""
    rows = sorted(f"{value}\x1f{text}" for text, value in zip(texts, values, strict=True))
    return blake2b("\x1e".join([settings, *rows]).encode(), digest_size=4).hexdigest()
