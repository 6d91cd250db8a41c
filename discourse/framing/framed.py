"""What every classifier of posts does alike: labels in, framings out, abstention below a threshold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.framing.calibration import KINDS, Isotonic, fit_isotonic, warn_of_few
from discourse.framing.features import Text, folded, texts_of
from discourse.framing.linear import fit_temperature, places, softmax
from discourse.labels.labels import GoldLabels, TrainingLabels
from discourse.schema import ABSTAIN, FRAMES, FRAMINGS, one_of

__all__ = ["Framed", "Framer", "Posts", "digest_of", "in_order", "labelled", "learnable"]

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


class Framer:
    """A classifier of posts, from its scores on: probabilities, classes, abstention, framings of a corpus.

    It does without scikit-learn, which takes long to load. What inherits from it has the settings `seed`,
    `calibration` and `abstain_below`, sets `classes_`, `isotonic_` and `model_id` in `fit`, and says how it scores
    texts and where its temperature is.
    """

    seed: int
    calibration: str
    abstain_below: float
    classes_: npt.NDArray[Any]
    isotonic_: Isotonic | None
    model_id: str

    def _scores(self, texts: Sequence[Text]) -> Floats:
        """Scores of n texts, n x k; raises `NotFittedError` before `fit`."""
        raise NotImplementedError

    def _temperature(self) -> float:
        """What scores are divided by; raises `NotFittedError` before `fit`."""
        raise NotImplementedError

    def _at_temperature(self, temperature: float) -> None:
        """Take another temperature, in a copy that shares all else with the classifier it was made from."""
        raise NotImplementedError

    def _public(self) -> frozenset[int]:
        """Names that the classifier knows."""
        return frozenset()

    def predict_proba(self, X: Posts) -> Floats:
        """Calibrated probabilities of n texts or posts, n x k in the order of `classes_`; rows sum to 1."""
        temperature = self._temperature()
        texts = texts_of(X)
        first: dict[Any, int] = {}
        distinct: list[Text] = []
        place = []
        for text in texts:
            at = first.setdefault((str(text), text.lang, text.source, text.names), len(first))
            place.append(at)
            if at == len(distinct):
                distinct.append(text)
        if not distinct:
            return np.zeros((0, len(self.classes_)))
        made = softmax(self._scores(distinct) / temperature)
        return (made if self.isotonic_ is None else self.isotonic_.of(made))[place]

    def calibrate(self, X: Posts, y: TrainingLabels | Sequence[str]) -> Self:
        """This classifier with probabilities fitted anew on n posts that came after its training posts.

        Scores stay: what changes is the temperature, or the isotonic lines where `calibration` is "isotonic". Gives a
        new classifier with another `model_id` and leaves this one as it is. The posts must not have been in training,
        or it will be too sure of itself. Warns `SmallSampleWarning` for fewer than 100 posts (temperature) or 1,000
        (isotonic). Raises `MeaningError` for gold labels, for classes it has not learnt and for no posts at all,
        `SchemaError` for labels of posts that the corpus does not hold.
        """
        temperature = self._temperature()
        posts, values = labelled(X, y)
        texts, values = in_order(texts_of(posts), values, self._public())
        classes = [str(name) for name in self.classes_]
        strange = sorted(set(values) - set(classes))
        if strange:
            raise MeaningError(
                f"the labels hold {', '.join(strange)}, which this classifier has not learnt; "
                f"it tells {', '.join(classes)}"
            )
        if not texts:
            raise MeaningError("there are no posts to calibrate on; give labelled posts that came after training")
        warn_of_few(self.calibration, len(values), stacklevel=2)
        scores, place = self._scores(texts), places(values, classes)
        made = copy(self)
        if self.calibration == "isotonic":
            made.isotonic_ = fit_isotonic(softmax(scores / temperature), place)
        else:
            made.isotonic_ = None
            made._at_temperature(fit_temperature(scores, place))
        kind = self.model_id.partition("@")[0]
        made.model_id = f"{kind}@{digest_of(texts, values, f'{self.model_id} {self.calibration}')}"
        return made

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
        shares = self.predict_proba(posts)
        strange = sorted(set(self.classes_) - set(FRAMES))
        if strange:
            raise MeaningError(f"this classifier tells {', '.join(strange)}; framings need one trained on frames")
        out = np.zeros((len(posts), len(FRAMES)))
        out[:, [FRAMES.index(str(name)) for name in self.classes_]] = shares
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

    def _calibrated(self, held_out: Floats, values: Sequence[str], temperature: float) -> Isotonic | None:
        """Isotonic lines from scores that texts got without being seen; those whose scores are all 0 are left out."""
        if self.calibration != "isotonic":
            return None
        known = held_out.any(axis=1)
        warn_of_few("isotonic", int(known.sum()), stacklevel=3)
        return fit_isotonic(softmax(held_out[known] / temperature), places(values, sorted(set(values)))[known])

    def _check_common(self) -> None:
        """Raise `UsageError` for a seed, a threshold or a calibration that is none."""
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"seed is {self.seed}; it must be a whole number from 0 to 2**32 - 1")
        if not 0.0 <= self.abstain_below < 1.0:
            raise UsageError(f"abstain_below is {self.abstain_below}; it must be from 0 to below 1, like 0.5")
        if self.calibration not in KINDS:
            raise UsageError(f"calibration is {self.calibration!r}; it must be {' or '.join(map(repr, KINDS))}")


def labelled(X: Posts, y: TrainingLabels | Sequence[str]) -> tuple[Posts, list[str]]:
    """Posts or texts and the class of each: of a corpus the labelled posts.

    Raises `MeaningError` for gold labels (they must stay unseen), `SchemaError` for labels of posts that the corpus
    does not hold, of unknown frames, or of another number than the texts.

    >>> labelled(["peace"], ["conciliatory"])
    (['peace'], ['conciliatory'])
    """
    if isinstance(y, GoldLabels) or (isinstance(X, Corpus) and not isinstance(y, TrainingLabels)):
        raise MeaningError("fit takes training labels; gold labels measure the classifier and must stay unseen")
    if not isinstance(X, Corpus):
        texts = X if isinstance(X, pl.DataFrame) else list(X)
        values = [str(value) for value in y]  # type: ignore[union-attr]
        if len(texts) != len(values):
            raise SchemaError(f"there are {len(texts)} texts and {len(values)} labels; give one label for each text")
        return texts, values
    labels: Any = y
    joined = labels.frame.join(X.posts, on="post_id", how="inner", validate="1:1").sort("post_id")
    if joined.height < labels.frame.height:
        raise SchemaError(
            f"{labels.frame.height - joined.height} of {labels.frame.height} training labels belong to no post "
            "of this corpus; read the corpus the labels were drawn from"
        )
    for value in joined["value"].unique().sort():
        one_of(value, FRAMES, "a training label")
    return joined, joined["value"].to_list()


def learnable(texts: Sequence[str], values: Sequence[str]) -> None:
    """Raise `MeaningError` for labels of fewer than two classes and for texts without words.

    >>> learnable(["peace", "soil"], ["conciliatory", "nationalist"])
    """
    if len(set(values)) < 2:
        raise MeaningError(f"the training labels hold {len(set(values))} frame; at least 2 are needed to tell apart")
    if not any(text.strip() for text in texts):
        raise MeaningError("the training texts hold no words; a classifier cannot learn from them")


def in_order(
    texts: Sequence[Text], values: Sequence[str], public: Collection[int] = ()
) -> tuple[list[Text], list[str]]:
    """Texts and their classes in one order, however they came. Names that are not public tell no texts apart.

    >>> in_order(texts_of(["war", "peace"]), ["nationalist", "conciliatory"])
    (['peace', 'war'], ['conciliatory', 'nationalist'])
    """

    def key(at: int) -> tuple[Any, ...]:
        text = texts[at]
        return folded(text), tuple(name for name in text.names if name in public), values[at], text

    order = sorted(range(len(texts)), key=key)
    return [texts[at] for at in order], [values[at] for at in order]


def digest_of(texts: Sequence[str], values: Sequence[str], settings: str) -> str:
    """Eight hex digits that name labelled texts and settings, whatever order the rows came in.

    >>> digest_of(["a", "b"], ["x", "y"], "") == digest_of(["b", "a"], ["y", "x"], "")
    True
    """
    rows = sorted(f"{value}\x1f{folded(text)}" for text, value in zip(texts, values, strict=True))
    return blake2b("\x1e".join([settings, *rows]).encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
