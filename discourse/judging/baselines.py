"""What a classifier must beat, judged on the same posts: the majority, the lexicon, and plain tf-idf.

Letters of shapes: n posts, k frames in the order of `schema.FRAMES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline

from discourse.framing.features import model_text, texts_of
from discourse.framing.lexicon import lexicon_frames
from discourse.judging.scores import FLOOR, fit_temperature, tempered
from discourse.judging.splits import Split
from discourse.schema import ABSTAIN, FRAMES
from discourse.text.tokens import WORDS

__all__ = [
    "BASELINES", "MODELS", "RECALIBRATED", "Guess", "everyone", "fitted_guess", "lexicon_guess", "majority_guess",
    "model_guess", "out_of_fold", "plain_model",
]  # fmt: skip

BASELINES: Final = ("plain", "lexicon", "majority")
MODELS: Final = ("classifier", *BASELINES)
RECALIBRATED: Final = "classifier, recalibrated"

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
_PLACE: Final = {name: at for at, name in enumerate((*FRAMES, ABSTAIN))}


@dataclass(frozen=True, eq=False)
class Guess:
    """What one model says of n posts: places of frames (k for abstain), and probabilities (n, k), or (n, 0) if none.

    `ranks`: whether the probabilities tell one post from another (those of the majority do not).

    >>> Guess(np.array([0, 4]), np.zeros((2, 0))).names().to_list()
    ['nationalist', 'abstain']
    """

    predicted: Codes
    probabilities: Floats
    ranks: bool = True

    def names(self) -> pl.Series:
        """The predictions in words, n strings.

        >>> Guess(np.array([3]), np.zeros((1, 0))).names().to_list()
        ['neither']
        """
        return pl.Series([(*FRAMES, ABSTAIN)[at] for at in self.predicted.tolist()], dtype=pl.String)

    def at(self, place: Any) -> Guess:
        """What it says of some of the posts: `place` is a slice, places or flags.

        >>> Guess(np.array([3, 0]), np.zeros((2, 0))).at([1]).predicted.tolist()
        [0]
        """
        return Guess(self.predicted[place], self.probabilities[place], self.ranks)

    @classmethod
    def joined(cls, parts: Sequence[Guess]) -> Guess:
        """What it says of the posts of all parts, one after the other; raises `ValueError` for none.

        >>> Guess.joined([Guess(np.array([at]), np.zeros((1, 0))) for at in (3, 0)]).predicted.tolist()
        [3, 0]
        """
        return cls(
            np.concatenate([part.predicted for part in parts]),
            np.concatenate([part.probabilities for part in parts]),
            all(part.ranks for part in parts),
        )


def plain_model() -> Pipeline:
    """Untuned tf-idf of words, pairs of words and letter groups, and a balanced logistic regression, on n texts.

    Words are found by a pattern that keeps Arabic-script marks and joiners: scikit-learn's own breaks Urdu words.

    >>> model = plain_model().fit(["let us talk", "peace talks", "our soil", "defend the soil"], ["b", "b", "a", "a"])
    >>> model.predict(["talk of peace", "this soil"]).tolist()
    ['b', 'a']
    """
    seen = FeatureUnion([
        ("word", TfidfVectorizer(token_pattern=WORDS, ngram_range=(1, 2))),
        ("char", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5))),
    ])  # fmt: skip
    learner = LogisticRegression(class_weight="balanced", solver="newton-cg", max_iter=1000)
    return Pipeline([("features", seen), ("logistic", learner)])


def fitted_guess(model: Any, train: Any, values: Sequence[str], test: Any) -> Guess:
    """What a fresh copy of `model`, trained on `train` and their values, says of `test` (posts or texts).

    Trained on posts of one frame only, it can say nothing else.

    >>> fitted_guess(plain_model(), ["our soil", "soil"], ["nationalist"] * 2, ["peace"]).names().to_list()
    ['nationalist']
    """
    if len(set(values)) == 1:
        return majority_guess(values, len(test))
    return model_guess(clone(model).fit(train, list(values)), test)


def model_guess(fitted: Any, test: Any) -> Guess:
    """What a trained model says of `test`: its `predict`, and its `predict_proba` in the order of `schema.FRAMES`.

    >>> model = plain_model().fit(["let us talk", "our soil"], ["conciliatory", "nationalist"])
    >>> model_guess(model, ["soil"]).probabilities.round().tolist()
    [[1.0, 0.0, 0.0, 0.0]]
    """
    predicted = np.array([_PLACE[str(name)] for name in fitted.predict(test)], dtype=np.int64)
    shares = np.zeros((len(test), len(FRAMES)))
    shares[:, [_PLACE[str(name)] for name in fitted.classes_]] = fitted.predict_proba(test)
    return Guess(predicted, shares)


def lexicon_guess(posts: pl.DataFrame) -> Guess:
    """What the lexicon says of n posts: a frame, no probabilities.

    >>> posts = pl.DataFrame({"text_norm": ["we want peace talks"], "lang": ["en"]})
    >>> lexicon_guess(posts).names().to_list()
    ['conciliatory']
    """
    named = lexicon_frames(model_text(posts), posts["lang"])
    return Guess(named.replace_strict(_PLACE, return_dtype=pl.Int64).to_numpy(), np.zeros((posts.height, 0)))


def majority_guess(values: Sequence[str], n: int) -> Guess:
    """The most frequent of some values (of equals, the first in the alphabet) for each of n posts, and their shares.

    >>> majority_guess(["both", "neither", "both"], 1).probabilities.round(3).tolist()
    [[0.0, 0.0, 0.667, 0.333]]
    """
    counts = pl.Series("value", list(values)).value_counts().sort("count", "value", descending=[True, False])
    shares = np.zeros(len(FRAMES))
    shares[[_PLACE[name] for name in counts["value"]]] = counts["count"].to_numpy() / len(values)
    return Guess(np.full(n, _PLACE[counts["value"][0]]), np.tile(shares, (n, 1)), ranks=False)


def everyone(model: Any, posts: pl.DataFrame, split: Split) -> dict[str, Guess]:
    """What the classifier and its baselines, trained on the training part of a split, say of its tested part.

    `posts` have `value`, `text_norm` and `lang`. Where the split has a part to calibrate on, "classifier,
    recalibrated" gives the classifier's probabilities at the temperature fitted there.

    >>> from discourse.framing.classifier import FramingClassifier
    >>> posts = pl.DataFrame({"text_norm": ["peace talks", "our soil"] * 2, "lang": ["en"] * 4,
    ...                       "value": ["conciliatory", "nationalist"] * 2})
    >>> split = Split(np.array([0, 1]), np.array([], dtype=np.int64), np.array([2, 3]))
    >>> said = everyone(FramingClassifier(seed=7, least=1), posts, split)
    >>> said["classifier"].names().to_list(), list(said)
    (['conciliatory', 'nationalist'], ['classifier', 'plain', 'lexicon', 'majority'])
    """
    train, test = posts[split.train], posts[split.test]
    known, n = train["value"].to_list(), test.height
    later = fitted_guess(model, train, known, pl.concat([test, posts[split.calibrate]]))
    made = {
        "classifier": later.at(slice(n)),
        "plain": fitted_guess(plain_model(), texts_of(train), known, texts_of(test)),
        "lexicon": lexicon_guess(test),
        "majority": majority_guess(known, n),
    }
    if len(split.calibrate):
        truth = np.array([_PLACE[value] for value in posts[split.calibrate]["value"]])
        at = fit_temperature(np.log(np.maximum(later.probabilities[n:], FLOOR)), truth)
        made[RECALIBRATED] = Guess(later.predicted[:n], tempered(later.probabilities[:n], at))
    return made


def out_of_fold(
    say: Callable[[Split], Mapping[str, Guess]], splits: Sequence[Split], progress: Callable[[int], None] | None = None
) -> tuple[Codes, dict[str, Guess]]:
    """The places of the tested posts, in ascending order, and what each model says of them, from what `say` says.

    `progress` is called with 1 after each split.

    >>> nothing = np.array([], dtype=np.int64)
    >>> splits = [Split(np.array([at]), nothing, np.array([3 - at])) for at in (1, 2)]
    >>> places, said = out_of_fold(lambda split: {"a": Guess(split.test, np.zeros((1, 0)))}, splits)
    >>> places.tolist(), said["a"].predicted.tolist()
    ([1, 2], [1, 2])
    """
    parts: dict[str, list[Guess]] = {}
    for split in splits:
        for name, guess in say(split).items():
            parts.setdefault(name, []).append(guess)
        if progress:
            progress(1)
    tested = np.concatenate([split.test for split in splits])
    order = np.argsort(tested, kind="stable")
    return tested[order], {name: Guess.joined(made).at(order) for name, made in parts.items()}
