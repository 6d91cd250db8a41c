"""A trained classifier on disk: arrays and plain JSON in a zip, no pickle, the same bytes every time.

The file holds numbers and words only. It is rebuilt into scikit-learn estimators by this package's own code, so
reading one can neither run code nor depend on the scikit-learn version that wrote it. Models that come from
strangers still deserve care: sizes are checked before anything is allocated.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from discourse.errors import BadInput, MissingData
from discourse.framing.classifier import FramingClassifier
from discourse.framing.features import feature_union
from discourse.schema import FRAMES

__all__ = ["load_model", "save_model"]

_FORMAT = "discourse-framing-1"
_BLOCKS = ("word", "char")
_MAX_BYTES = 512 * 2**20
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, ValueError, TypeError, AttributeError, OverflowError,
    MemoryError, RuntimeError,
)  # fmt: skip


def save_model(model: FramingClassifier, path: str | Path) -> None:
    """Write a trained classifier to `path`; the same model gives the same bytes.

    >>> import tempfile, polars as pl
    >>> texts, frames = pl.Series(["peace talks now", "defend our soil"]), pl.Series(["conciliatory", "nationalist"])
    >>> model = FramingClassifier(seed=7).fit_texts(texts, frames)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.zip")
    ...     again = load_model(f"{folder}/model.zip")
    >>> bool((again.probabilities(texts) == model.probabilities(texts)).all())
    True
    """
    if model.pipeline is None:
        raise NotFittedError("this FramingClassifier is not trained; call fit before save_model")
    union, logistic = model.pipeline.named_steps["features"], model.pipeline.named_steps["model"]
    card: dict[str, Any] = {
        "format": _FORMAT, "model_id": model.model_id, "classes": [str(c) for c in logistic.classes_],
        "settings": {"seed": model.seed, "c": model.c, "max_iter": model.max_iter}, "vocabulary": {},
    }  # fmt: skip
    arrays = {"coef": logistic.coef_, "intercept": logistic.intercept_}
    for name in _BLOCKS:
        block: TfidfVectorizer = union.named_transformers[name]
        card["vocabulary"][name] = sorted(block.vocabulary_, key=block.vocabulary_.__getitem__)
        arrays[f"idf_{name}"] = block.idf_
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, "model.json", json.dumps(card, ensure_ascii=False, sort_keys=True).encode())
        for name, array in sorted(arrays.items()):
            buffer = io.BytesIO()
            np.save(buffer, np.ascontiguousarray(array, dtype="<f8"), allow_pickle=False)
            _put(archive, f"{name}.npy", buffer.getvalue())


def load_model(path: str | Path) -> FramingClassifier:
    """Read a classifier written by `save_model`; its probabilities are those of the one that was saved.

    Raises `MissingData` when there is no file and `BadInput` when it is not a model of this format, its arrays do
    not fit its words, or a number in it is not finite.

    >>> load_model("no-such.zip")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no model at no-such.zip; train one with `discourse train STUDY.toml`
    """
    if not Path(path).is_file():
        raise MissingData(f"there is no model at {path}; train one with `discourse train STUDY.toml`")
    try:
        card, arrays = _read(Path(path))
        return _rebuild(card, arrays)
    except _DAMAGE as error:
        raise BadInput(f"{Path(path).name} is not a model written by this package ({type(error).__name__})") from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.float64]]]:
    members = {"model.json", "coef.npy", "intercept.npy", *(f"idf_{name}.npy" for name in _BLOCKS)}
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        if {info.filename for info in infos} != members or len(infos) != len(members):
            raise ValueError("unexpected members")
        if sum(info.file_size for info in infos) > _MAX_BYTES:
            raise ValueError("larger than 512 MiB")
        card = json.loads(archive.read("model.json"))
        arrays = {
            name.removesuffix(".npy"): np.load(io.BytesIO(archive.read(name)), allow_pickle=False, max_header_size=4096)
            for name in sorted(members - {"model.json"})
        }
    if card["format"] != _FORMAT:
        raise ValueError("unknown format")
    if not all(array.dtype == np.dtype("<f8") and np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("numbers that are not finite")
    return card, arrays


def _rebuild(card: dict[str, Any], arrays: dict[str, npt.NDArray[np.float64]]) -> FramingClassifier:
    settings = card["settings"]
    model = FramingClassifier(seed=int(settings["seed"]), c=float(settings["c"]), max_iter=int(settings["max_iter"]))
    if not (math.isfinite(model.c) and model.max_iter > 0):
        raise ValueError("settings")
    classes = [str(name) for name in card["classes"]]
    width = sum(len(card["vocabulary"][name]) for name in _BLOCKS)
    rows = 1 if len(classes) == 2 else len(classes)
    if not set(classes) <= set(FRAMES) or sorted(set(classes)) != classes or len(classes) < 2:
        raise ValueError("classes")
    if arrays["coef"].shape != (rows, width) or arrays["intercept"].shape != (rows,):
        raise ValueError("shapes")
    union = feature_union()
    for name, block in union.transformer_list:
        words, idf = [str(word) for word in card["vocabulary"][name]], arrays[f"idf_{name}"]
        if len(set(words)) != len(words) or idf.shape != (len(words),):
            raise ValueError("vocabulary")
        block.set_params(vocabulary={word: i for i, word in enumerate(words)})
        block.fit([""])
        block.idf_ = idf
    logistic = LogisticRegression(
        C=model.c, class_weight="balanced", max_iter=model.max_iter, solver="lbfgs", random_state=model.seed
    )
    logistic.classes_ = np.array(classes)
    logistic.coef_, logistic.intercept_ = arrays["coef"], arrays["intercept"]
    logistic.n_features_in_ = width
    model.pipeline = Pipeline([("features", union), ("model", logistic)])
    model.model_id = str(card["model_id"])
    return model


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data)
