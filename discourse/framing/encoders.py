"""Classifiers on pretrained encoders: the default's interface, weights from a folder on this machine.

| kind | what it reads | what is trained | needs |
|---|---|---|---|
| `static` | a model2vec folder | a logistic head on frozen vectors | `discourse[embeddings]` |
| `sentence` | a sentence-transformers folder | a logistic head on frozen vectors | `discourse[embeddings]` |
| `transformer` | a transformers folder | the whole network, for a few epochs | `discourse[transformers]` |

Nothing is fetched, no code that comes with a model runs, and weights are safetensors files (`framing.weights`). Texts
are those the default reads: links and names masked.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from discourse.errors import BadInput, UsageError
from discourse.framing.features import Text, texts_of
from discourse.framing.framed import Framer, Posts, digest_of, in_order, labelled, learnable
from discourse.framing.linear import deal, fit_temperature, places
from discourse.framing.weights import checked_folder, extra
from discourse.labels.labels import TrainingLabels

__all__ = ["EncoderClassifier"]

_KINDS: Final = ("static", "sentence", "transformer")
_BATCH: Final = 16
_LONGEST: Final = 128
_HELD_OUT: Final = 30

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Head:
    """A logistic regression of k classes on d-dimensional vectors that are centred and brought to length about 1."""

    center: Floats
    spread: Floats
    weights: Floats
    intercept: Floats

    def scores(self, vectors: Floats) -> Floats:
        """Scores of n vectors, n x k."""
        made: Floats = (vectors - self.center) / self.spread @ self.weights.T + self.intercept
        return made

    @classmethod
    def fit(cls, vectors: Floats, place: npt.NDArray[np.int64], k: int, *, c: float) -> Head:
        """On n vectors whose classes stand at `place`, classes counting alike; one that is absent is never likely."""
        center = vectors.mean(axis=0)
        spread = np.maximum(vectors.std(axis=0), 1e-6) * np.sqrt(vectors.shape[1])
        model = LogisticRegression(C=c, class_weight="balanced", max_iter=1000)
        model.fit((vectors - center) / spread, place)
        weights, intercept = np.zeros((k, vectors.shape[1])), np.full(k, -10.0)
        if len(model.classes_) == 2:
            # The library keeps one row for two classes: half of it for one, half against it for the other.
            weights[model.classes_] = np.vstack([-model.coef_, model.coef_]) / 2
            intercept[model.classes_] = np.concatenate([-model.intercept_, model.intercept_]) / 2
        else:
            weights[model.classes_], intercept[model.classes_] = model.coef_, model.intercept_
        return cls(center, spread, weights, intercept)


class EncoderClassifier(Framer, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of posts on an encoder, with the interface of `FramingClassifier`.

    `kind` is `static`, `sentence` or `transformer`, `folder` holds its weights. `c` is the inverse regularisation
    strength of the head on frozen vectors; `epochs` and `rate` (the learning rate) are those of a fine-tune.
    `calibration` and `abstain_below` as in `FramingClassifier`; `seed` deals out the folds of the calibration, begins a
    fine-tune's new layer and shuffles its posts. The same posts give the same classifier on one machine; scores of one
    text in another company may differ by rounding.

    >>> EncoderClassifier(seed=7, kind="static", folder="no-such-folder").fit(["peace", "soil"], ["a", "b"])
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no folder 'no-such-folder'; name a folder on this machine that holds an \
encoder's safetensors weights (nothing is fetched)
    """

    def __init__(
        self,
        *,
        seed: int,
        kind: str,
        folder: str | Path,
        c: float = 3.0,
        epochs: int = 3,
        rate: float = 5e-5,
        calibration: str = "temperature",
        abstain_below: float = 0.0,
    ) -> None:
        self.seed = seed
        self.kind = kind
        self.folder = folder
        self.c = c
        self.epochs = epochs
        self.rate = rate
        self.calibration = calibration
        self.abstain_below = abstain_below

    def fit(self, X: Posts, y: TrainingLabels | Sequence[str]) -> EncoderClassifier:
        """Train on n texts and their classes, or on the training labels of a corpus; returns itself.

        Raises as `FramingClassifier.fit` does, `MissingData` and `BadInput` for a folder without weights that can be
        read (`framing.weights.checked_folder`), and `UsageError` where the library is not installed.
        """
        self.check()
        posts, values = labelled(X, y)
        texts, values = in_order(texts_of(posts), values)
        learnable(texts, values)
        folder = checked_folder(self.folder)
        classes = sorted(set(values))
        place = places(values, classes)
        with _unheard():
            train: _Training
            if self.kind == "transformer":
                train = _fine_tuned(folder, texts, place, len(classes), self)
            else:
                encode = _LOADERS[self.kind](folder)
                train = _on_frozen(encode, encode(texts), place, len(classes), self.c)
            held_out = np.zeros((len(texts), len(classes)))
            if len(texts) >= _HELD_OUT:
                parts = deal(values, self.seed)
                for part, test in parts[:1] if self.kind == "transformer" else parts:
                    held_out[test] = train(part)([texts[at] for at in test])
            self.score_ = train(np.arange(len(texts)))
        self.temperature_ = fit_temperature(held_out, place)
        self.classes_ = np.array(classes)
        self.isotonic_ = self._calibrated(held_out, values, self.temperature_)
        settings = [(name, value) for name, value in sorted(self.get_params().items()) if name != "folder"]
        self.model_id = f"{self.kind}@{digest_of(texts, values, repr([folder.name, settings]))}"
        return self

    def check(self) -> None:
        """Raise `UsageError` for a setting out of range.

        >>> EncoderClassifier(seed=7, kind="static", folder="models/small").check()
        """
        self._check_common()
        if self.kind not in _KINDS:
            raise UsageError(f"kind is {self.kind!r}; it must be {', '.join(map(repr, _KINDS[:-1]))} or {_KINDS[-1]!r}")
        if not 0.0 < self.c < np.inf:
            raise UsageError(f"c is {self.c}; it must be above 0, like 3.0")
        if self.epochs < 1:
            raise UsageError(f"epochs is {self.epochs}; it must be 1 or more, like 3")
        if not 0.0 < self.rate < 1.0:
            raise UsageError(f"rate is {self.rate}; it must be above 0 and below 1, like 5e-5")

    def _scores(self, texts: Sequence[Text]) -> Floats:
        self._temperature()
        with _unheard():
            return self.score_(texts)

    def _temperature(self) -> float:
        temperature: float | None = getattr(self, "temperature_", None)
        if temperature is None:
            raise NotFittedError("this EncoderClassifier is not trained; call fit first")
        return temperature

    def _at_temperature(self, temperature: float) -> None:
        self.temperature_ = temperature


_Scoring = Callable[[Sequence[str]], Floats]
_Training = Callable[[npt.NDArray[np.int64]], _Scoring]


def _on_frozen(encode: _Scoring, vectors: Floats, place: npt.NDArray[np.int64], k: int, c: float) -> _Training:
    """How a head is trained on some of the texts, and what it then says of others."""

    def train(part: npt.NDArray[np.int64]) -> _Scoring:
        head = Head.fit(vectors[part], place[part], k, c=c)
        return lambda texts: head.scores(encode(texts))

    return train


def _static(folder: Path) -> _Scoring:
    model = _loaded(lambda: extra("model2vec", "embeddings").StaticModel.from_pretrained(folder), folder)

    def encode(texts: Sequence[str]) -> Floats:
        made = model.encode([str(text) for text in texts], show_progress_bar=False, use_multiprocessing=False)
        return np.asarray(made, np.float64)

    return encode


def _sentence(folder: Path) -> _Scoring:
    library = extra("sentence_transformers", "embeddings")
    model = _loaded(
        lambda: library.SentenceTransformer(
            str(folder), device="cpu", local_files_only=True, trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        ), folder,
    )  # fmt: skip

    def encode(texts: Sequence[str]) -> Floats:
        made = model.encode([str(text) for text in texts], batch_size=_BATCH, show_progress_bar=False)
        return np.asarray(made, np.float64)

    return encode


_LOADERS: Final = {"static": _static, "sentence": _sentence}


def _fine_tuned(
    folder: Path, texts: Sequence[str], place: npt.NDArray[np.int64], k: int, given: EncoderClassifier
) -> _Training:
    """How a network is fine-tuned on some of the texts: AdamW, rate falling to 0, classes counting alike."""
    torch, library = extra("torch", "transformers"), extra("transformers", "transformers")
    safe = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = _loaded(lambda: library.AutoTokenizer.from_pretrained(folder, **safe), folder)

    def cut(some: Sequence[str]) -> Any:
        listed = [str(text) for text in some]
        return tokenizer(listed, padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt")

    def train(part: npt.NDArray[np.int64]) -> _Scoring:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(given.seed)
            model = _loaded(
                lambda: library.AutoModelForSequenceClassification.from_pretrained(
                    folder, num_labels=k, use_safetensors=True, **safe
                ), folder,
            )  # fmt: skip
            counts = np.bincount(place[part], minlength=k)
            weight = torch.tensor(len(part) / (k * np.maximum(counts, 1)), dtype=torch.float32)
            loss = torch.nn.CrossEntropyLoss(weight=weight)
            steps = given.epochs * -(-len(part) // _BATCH)
            optimizer = torch.optim.AdamW(model.parameters(), lr=given.rate)
            falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1.0 - step / steps))
            shuffled = np.random.default_rng(given.seed)
            model.train()
            for _ in range(given.epochs):
                order = shuffled.permutation(part)
                for start in range(0, len(order), _BATCH):
                    batch = order[start : start + _BATCH]
                    optimizer.zero_grad()
                    scores = model(**cut([texts[at] for at in batch])).logits
                    loss(scores, torch.from_numpy(place[batch])).backward()
                    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    falling.step()
            model.eval()

        def scoring(some: Sequence[str]) -> Floats:
            with torch.no_grad():
                parts = [
                    model(**cut(some[start : start + _BATCH])).logits.numpy() for start in range(0, len(some), _BATCH)
                ]
            return np.concatenate(parts).astype(np.float64)

        return scoring

    return train


def _loaded(load: Callable[[], Any], folder: Path) -> Any:
    """What a library reads from a folder; any failure of it becomes one sentence."""
    try:
        return load()
    except UsageError:
        raise
    except Exception as error:
        raise BadInput(
            f"the folder {folder.name!r} is none that this kind of encoder can read ({type(error).__name__})"
        ) from error


@contextmanager
def _unheard() -> Iterator[None]:
    """Without the remarks and progress bars of these libraries; what this package has to say is said outside."""
    libraries = [logging.getLogger(name) for name in ("transformers", "sentence_transformers", "model2vec")]
    levels = [one.level for one in libraries]
    bars = None
    if find_spec("transformers") is not None:
        shown = import_module("transformers.utils.logging")
        bars = shown if shown.is_progress_bar_enabled() else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if bars is not None:
                bars.disable_progress_bar()
            for one in libraries:
                one.setLevel(logging.ERROR)
            yield
        finally:
            for one, level in zip(libraries, levels, strict=True):
                one.setLevel(level)
            if bars is not None:
                bars.enable_progress_bar()
