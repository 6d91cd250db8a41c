"""Weights of an encoder in a folder on this machine: looked at before any library reads them.

Nothing is ever fetched, and nothing in the folder may run: weights are safetensors files, pickles are refused by name
and by content, and so is code that comes with a model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from discourse.errors import BadInput, MissingData, UsageError

__all__ = ["checked_folder", "extra"]

_PICKLED_NAMES: Final = frozenset(
    {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".msgpack", ".h5", ".npy", ".npz"}
)
_CODE: Final = frozenset({".py", ".pyc", ".so", ".pyd"})
_BEGINNINGS: Final = (*(bytes([0x80, protocol]) for protocol in range(2, 6)), b"PK\x03\x04")
_OWN: Final = {"type": "sentence_transformers.", "activation_function": "torch.nn."}


def checked_folder(folder: str | Path) -> Path:
    """The folder of an encoder, when all in it may be read.

    Raises `MissingData` when there is no such folder, `BadInput` when it holds no safetensors file, a pickle, code, or
    a description that names classes of other libraries.

    >>> checked_folder("no-such-folder")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no folder 'no-such-folder'; name a folder on this machine that holds an \
encoder's safetensors weights (nothing is fetched)
    """
    place = Path(folder)
    if not place.is_dir():
        raise MissingData(
            f"there is no folder {place.name!r}; name a folder on this machine that holds an encoder's safetensors "
            "weights (nothing is fetched)"
        )
    files = sorted(file for file in place.rglob("*") if file.is_file())
    for file in files:
        if file.suffix.lower() in _PICKLED_NAMES | _CODE or _pickled(file):
            raise BadInput(
                f"{file.name} in the folder {place.name!r} can run code when it is read; keep safetensors weights and "
                "their settings there, nothing else"
            )
    if not any(file.suffix == ".safetensors" for file in files):
        raise BadInput(f"the folder {place.name!r} holds no safetensors weights; save the encoder as safetensors first")
    for file in files:
        if file.suffix == ".json" and file.name != "tokenizer.json":
            for key, value in _named(_parsed(file)):
                if not value.startswith(_OWN[key]):
                    raise BadInput(f"{file.name} in the folder {place.name!r} asks for the class {value[:60]!r}")
    return place


def extra(module: str, install: str) -> Any:
    """A library that is not always installed; raises `UsageError` with what to type when it is not.

    >>> extra("no_such_library", "embeddings")
    Traceback (most recent call last):
    discourse.errors.UsageError: this encoder needs no_such_library, which is not installed; type \
pip install 'discourse[embeddings]'
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise UsageError(
            f"this encoder needs {module}, which is not installed; type pip install 'discourse[{install}]'"
        ) from error


def _pickled(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4).startswith(_BEGINNINGS)


def _parsed(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file.name} is no JSON file") from error


def _named(held: Any) -> Iterator[tuple[str, str]]:
    """Classes that a description names: modules of an encoder, activations; `auto_map` names code of a model's own."""
    waiting = [held]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            for key, value in one.items():
                if key == "auto_map":
                    raise BadInput("the encoder brings code of its own (auto_map); only known architectures are read")
                if key in _OWN and isinstance(value, str) and "." in value:
                    yield key, value
                elif isinstance(value, dict | list):
                    waiting.append(value)
        elif isinstance(one, list):
            waiting += one
