"""A trained classifier on disk: arrays in a safetensors file, settings in its header, the same bytes every time.

The file holds numbers and a few words of settings, no vocabulary and nothing of the training posts. It is rebuilt by
this package's own code, so reading one can neither run code nor depend on the version of a library that wrote it.
Pickle and joblib files are refused by their content, whatever they are called.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from discourse.errors import BadInput, MissingData, UsageError
from discourse.framing.beside import Beside, kinds_of
from discourse.framing.calibration import Isotonic
from discourse.framing.linear import Linear
from discourse.framing.scorer import LinearFramer, Scorer
from discourse.whole import write_whole

if TYPE_CHECKING:
    from discourse.framing.classifier import FramingClassifier

__all__ = ["load_model", "load_scorer", "save_model"]

Model = TypeVar("Model", bound=LinearFramer)

_FAMILY: Final = "discourse-framing-"
_FORMAT: Final = f"{_FAMILY}3"
_MAX_BYTES: Final = 512 * 2**20
_MAX_HEADER: Final = 2**20
_SETTINGS: Final = {
    "seed": int, "c": float, "least": int, "beside": list, "names": str, "latent": int, "calibration": str,
    "abstain_below": float,
}  # fmt: skip


def save_model(model: FramingClassifier, path: str | Path) -> None:
    """Write a trained classifier to `path`; the same model gives the same bytes.

    Raises `NotFittedError` for a classifier that is not trained, `UsageError` for one whose settings were changed
    since.

    >>> import tempfile
    >>> from discourse.framing.classifier import FramingClassifier
    >>> texts = ["peace talks now", "defend our soil", "talk peace", "our soil"]
    >>> model = FramingClassifier(seed=7, least=1).fit(texts, ["conciliatory", "nationalist"] * 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/model.safetensors")
    ...     again = load_model(f"{folder}/model.safetensors")
    >>> bool((again.predict_proba(texts) == model.predict_proba(texts)).all())
    True
    """
    if not hasattr(model, "linear_"):
        from sklearn.exceptions import NotFittedError

        raise NotFittedError("this FramingClassifier is not trained; call fit before save_model")
    directions = 0 if model.beside_.latent is None else model.beside_.latent.basis.shape[1]
    if (kinds_of(model.beside), model.latent) != (model.beside_.kinds, directions):
        raise UsageError("the settings of this FramingClassifier were changed after it was trained; call fit again")
    card = {
        "format": _FORMAT, "model_id": model.model_id, "classes": list(model.linear_.classes),
        "settings": {name: kind(getattr(model, name)) for name, kind in _SETTINGS.items()},
    }  # fmt: skip
    isotonic = {} if model.isotonic_ is None else model.isotonic_.arrays()
    arrays = {**model.linear_.arrays(), **model.beside_.arrays(), **isotonic}
    write_whole(path, save(arrays, metadata={"card": _sealed(card, arrays)}))


def load_model(path: str | Path) -> FramingClassifier:
    """Read a classifier written by `save_model`; its probabilities are those of the one that was saved.

    Raises `MissingData` when there is no file and `BadInput` when it is not a model of this format, its arrays do
    not fit one another, or a number in it is not finite.

    >>> load_model("no-such.safetensors")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no model at no-such.safetensors; train one with `discourse train STUDY.toml`
    """
    from discourse.framing.classifier import FramingClassifier

    return _load(path, FramingClassifier)


def load_scorer(path: str | Path) -> Scorer:
    """The classifier of `load_model` to predict alone, without loading scikit-learn. Raises what `load_model` raises.

    >>> load_scorer("no-such.safetensors")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no model at no-such.safetensors; train one with `discourse train STUDY.toml`
    """
    return _load(path, Scorer)


def _load(path: str | Path, kind: type[Model]) -> Model:
    """The classifier of a file."""
    file = Path(path)
    if not file.is_file():
        raise MissingData(f"there is no model at {path}; train one with `discourse train STUDY.toml`")
    if file.stat().st_size > _MAX_BYTES:
        raise BadInput(f"{file.name} is larger than 512 MiB, which no model of this package is")
    content = file.read_bytes()
    try:
        card = _card(content)
        arrays = load(content)
        digest = card.pop("digest")
        if _digest(card, arrays) != digest:
            raise ValueError("damaged")
        return _rebuilt(card, arrays, kind)
    except BadInput as error:
        raise BadInput(f"{file.name}: {error}") from None
    except (SafetensorError, KeyError, ValueError, TypeError, OverflowError, RecursionError, UsageError) as error:
        raise BadInput(f"{file.name} is not a model written by this package ({type(error).__name__})") from error


def _sealed(card: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """The card with its checksum, as it is written. One entry of metadata: their order is not fixed in this format."""
    return json.dumps({**card, "digest": _digest(card, arrays)}, sort_keys=True)


def _digest(card: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """A checksum of all that makes the model."""
    made = blake2b(json.dumps(card, sort_keys=True).encode(), digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        made.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        made.update(array.tobytes())
    return made.hexdigest()


def _card(content: bytes) -> dict[str, Any]:
    """The settings and the checksum in the header, which is looked at before any array is."""
    if len(content) < 8:
        raise ValueError("too short")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(_MAX_HEADER, len(content) - 8):
        raise ValueError("no header")
    card = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["card"])
    if not isinstance(card, dict) or not str(card["format"]).startswith(_FAMILY):
        raise ValueError("unknown format")
    if card["format"] != _FORMAT:
        named = str(card["format"])[:40]
        raise BadInput(f"it is a model of the format {named!r}, this version reads {_FORMAT!r}; train it again")
    return card


def _rebuilt(card: dict[str, Any], arrays: dict[str, npt.NDArray[Any]], kind: type[Model]) -> Model:
    settings = card["settings"]
    if settings.keys() != _SETTINGS.keys() or any(
        type(settings[name]) is not wanted for name, wanted in _SETTINGS.items()
    ):
        raise ValueError("settings")
    beside, classes = settings["beside"], card["classes"]
    for listed in (beside, classes):
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            raise ValueError("no list of words")
    model = kind(**{**settings, "beside": tuple(beside)})
    model.check()
    if classes != sorted(classes):
        raise ValueError("classes")
    parts: dict[str, dict[str, npt.NDArray[Any]]] = {"beside": {}, "latent": {}, "isotonic": {}, "": {}}
    for name, array in arrays.items():
        first = name.partition(".")[0]
        parts[first if first in parts else ""][name] = array
    model.linear_ = Linear.of(classes, parts[""])
    model.beside_ = Beside.from_arrays({**parts["beside"], **parts["latent"]}, beside, model.latent)
    model.isotonic_ = Isotonic.from_arrays(parts["isotonic"], len(classes)) if parts["isotonic"] else None
    wanted = set(model.beside_.arrays()) | (set() if model.isotonic_ is None else set(model.isotonic_.arrays()))
    if wanted != {name for part in ("beside", "latent", "isotonic") for name in parts[part]}:
        raise BadInput("the model holds arrays that belong to none of its settings")
    if model.linear_.dense.shape[1] != len(model.beside_.names):
        raise BadInput("the dense weights of the model do not fit its dense columns")
    if model.names == "mask" and len(model.beside_.public):
        raise BadInput("the model masks names and holds some")
    model.classes_ = np.array(classes)
    model.model_id = str(card["model_id"])
    return model
