"""The framing classifier: linear, calibrated, trained in seconds on a laptop, over texts or a corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.framing.bank import bank_scores
from discourse.framing.features import count, texts_of
from discourse.framing.linear import Linear, Recipe, fit_linear
from discourse.labels.labels import GoldLabels, TrainingLabels
from discourse.schema import ABSTAIN, FRAMES, FRAMINGS, one_of

__all__ = ["BANK_SCALE", "Framed", "FramingClassifier"]

BANK_SCALE = 0.3
"""The spread that the scores of the bank are brought to, beside a post's words (of length 1)."""

Posts = Corpus | pl.DataFrame | Iterable[str | None]
Floats = npt.NDArray[np.float64]


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


class FramingClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A linear classifier of posts, with scikit-learn's interface and one for a corpus.

    `fit(X, y)` takes raw texts (or a posts table) with their classes, or a corpus with its training labels;
    `predict(X)` gives the classes of texts, or the framings of a corpus (`Framed`). It works in `Pipeline`, `clone`
    and `GridSearchCV`, and for other labels than frames too.

    `seed` deals out the folds of the calibration; `c` is the inverse regularisation strength; a letter group or word
    that fewer than `least` training posts hold is left out; `bank` adds the scores of the constructed bank; a post
    whose best
    class is less likely than `abstain_below` is `abstain`. See `framing.linear` for the method.

    >>> texts = ["we want peace talks", "let us talk, no more war", "defend our soil", "our soil, our honour"]
    >>> model = FramingClassifier(seed=7, least=1).fit(texts, ["conciliatory"] * 2 + ["nationalist"] * 2)
    >>> model.predict(["peace talks now", "honour and soil"]).tolist()
    ['conciliatory', 'nationalist']
    >>> model.classes_.tolist(), model.predict_proba(["peace"]).shape
    (['conciliatory', 'nationalist'], (1, 2))
    """

    def __init__(
        self, *, seed: int, c: float = 3.0, least: int = 2, bank: bool = True, abstain_below: float = 0.0
    ) -> None:
        self.seed = seed
        self.c = c
        self.least = least
        self.bank = bank
        self.abstain_below = abstain_below

    def fit(self, X: Posts, y: TrainingLabels | Sequence[str]) -> FramingClassifier:
        """Train on n texts and their classes, or on the training labels of a corpus; returns itself.

        Raises `MeaningError` for gold labels (they must stay unseen), for labels of fewer than two classes and for
        texts without words, `SchemaError` for labels of posts that the corpus does not hold or of another number than
        the texts, `UsageError` for settings out of range.
        """
        self.check()
        if isinstance(y, GoldLabels):
            raise MeaningError("fit takes training labels; gold labels measure the classifier and must stay unseen")
        given: Any = y
        if isinstance(X, Corpus):
            X, given = _labelled(X, y)
        texts, values = texts_of(X), [str(value) for value in given]
        if len(texts) != len(values):
            raise SchemaError(f"there are {len(texts)} texts and {len(values)} labels; give one label for each text")
        if len(set(values)) < 2:
            raise MeaningError(
                f"the training labels hold {len(set(values))} frame; at least 2 are needed to tell apart"
            )
        if not any(text.strip() for text in texts):
            raise MeaningError("the training texts hold no words; a classifier cannot learn from them")
        order = sorted(range(len(texts)), key=lambda at: (texts[at], values[at]))
        texts, values = [texts[at] for at in order], [values[at] for at in order]
        counted = count(texts)
        scores = bank_scores(counted) if self.bank else np.zeros((len(texts), 0))
        self.bank_center_, self.bank_spread_ = np.zeros(len(FRAMES)), np.ones(len(FRAMES))
        if self.bank:
            self.bank_center_, self.bank_spread_ = scores.mean(axis=0), np.maximum(scores.std(axis=0), 1e-6)
        self.linear_ = fit_linear(counted, values, self._scaled(scores), Recipe(self.c, self.least, self.seed))
        self.classes_ = np.array(self.linear_.classes)
        self.model_id = f"linear@{_digest(texts, values, repr(sorted(self.get_params().items())))}"
        return self

    def predict_proba(self, X: Posts) -> Floats:
        """Calibrated probabilities of n texts or posts, n x k in the order of `classes_`; rows sum to 1."""
        linear = self._fitted()
        texts = texts_of(X)
        distinct = list(dict.fromkeys(texts))
        place = {text: at for at, text in enumerate(distinct)}
        counted = count(distinct)
        made = linear.probabilities(counted, self._dense(counted)) if distinct else np.zeros((0, len(linear.classes)))
        return made[[place[text] for text in texts]]

    def predict(self, X: Posts) -> Any:
        """The class of each of n texts (an array), or the framings of a corpus; `abstain` below the threshold."""
        if isinstance(X, Corpus):
            return self._framed(X)
        shares = self.predict_proba(X)
        words = self.classes_.astype(object)
        best = words[shares.argmax(axis=1)] if len(shares) else np.empty(0, object)
        return np.where(shares.max(axis=1, initial=0.0) < self.abstain_below, ABSTAIN, best).astype(str)

    def probabilities(self, posts: Corpus) -> Floats:
        """Probabilities of the four frames, n x 4 in the order of `schema.FRAMES`; a frame never seen has 0.

        Raises `MeaningError` for a classifier that was trained on other classes than frames.
        """
        self._fitted()
        strange = sorted(set(self.classes_) - set(FRAMES))
        if strange:
            raise MeaningError(f"this classifier tells {', '.join(strange)}; framings need one trained on frames")
        out = np.zeros((len(posts), len(FRAMES)))
        out[:, [FRAMES.index(str(name)) for name in self.classes_]] = self.predict_proba(posts)
        return out

    def _framed(self, corpus: Corpus) -> Framed:
        p = self.probabilities(corpus)
        columns: dict[str, Any] = {f"p_{frame}": p[:, i] for i, frame in enumerate(FRAMES)}
        best = np.array([*FRAMES, ABSTAIN], dtype=object)
        below = p.max(axis=1, initial=0.0) < self.abstain_below
        at = np.where(below, len(FRAMES), p.argmax(axis=1))
        table = pl.DataFrame(
            {
                "post_id": corpus.posts["post_id"],
                "model": self.model_id,
                **columns,
                "predicted": best[at],
            },
            schema=dict(FRAMINGS.columns),
        )
        return Framed(corpus, FRAMINGS.require(table))

    def _dense(self, counted: Any) -> Floats:
        """The columns beside the words: the scores of the bank, centred and scaled as in training."""
        n = counted[0].shape[0]
        return self._scaled(bank_scores(counted)) if self.bank and n else np.zeros((n, len(FRAMES) if self.bank else 0))

    def _scaled(self, scores: Floats) -> Floats:
        if not self.bank:
            return scores
        made: Floats = BANK_SCALE * (scores - self.bank_center_) / self.bank_spread_
        return made

    def _fitted(self) -> Linear:
        linear: Linear | None = getattr(self, "linear_", None)
        if linear is None:
            raise NotFittedError("this FramingClassifier is not trained; call fit first")
        return linear

    def check(self) -> None:
        """Raise `UsageError` for a setting out of range.

        >>> FramingClassifier(seed=7).check()
        """
        if not 0.0 < self.c < np.inf:
            raise UsageError(f"c is {self.c}; it must be above 0, like 3.0")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"seed is {self.seed}; it must be a whole number from 0 to 2**32 - 1")
        if self.least < 1:
            raise UsageError(f"least is {self.least}; it must be 1 or more, like 2")
        if not 0.0 <= self.abstain_below < 1.0:
            raise UsageError(f"abstain_below is {self.abstain_below}; it must be from 0 to below 1, like 0.5")


def _labelled(corpus: Corpus, labels: Any) -> tuple[pl.DataFrame, list[str]]:
    """The labelled posts of a corpus and their frames."""
    if not isinstance(labels, TrainingLabels):
        raise MeaningError("fit takes training labels; gold labels measure the classifier and must stay unseen")
    joined = labels.frame.join(corpus.posts, on="post_id", how="inner", validate="1:1").sort("post_id")
    if joined.height < labels.frame.height:
        raise SchemaError(
            f"{labels.frame.height - joined.height} of {labels.frame.height} training labels belong to no post "
            "of this corpus; read the corpus the labels were drawn from"
        )
    for value in joined["value"].unique().sort():
        one_of(value, FRAMES, "a training label")
    return joined, joined["value"].to_list()


def _digest(texts: Sequence[str], values: Sequence[str], settings: str) -> str:
    """Eight hex digits that name the training set and settings, whatever order the rows came in."""
    rows = sorted(f"{value}\x1f{text}" for text, value in zip(texts, values, strict=True))
    return blake2b("\x1e".join([settings, *rows]).encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
