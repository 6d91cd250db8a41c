"""Model files from elsewhere: told apart by their content, whatever their name, and opened only where that is safe.

| content | what happens |
|---|---|
| safetensors of this package | read here: arrays and settings, no code |
| skops | refused, unless asked for: then read and used in a limited process (`registry.limited`) |
| pickle, joblib, numpy objects, torch | refused, always: to open one is to run it |
| anything else | refused |
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from discourse.errors import BadInput, MissingData
from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import load_model
from discourse.registry.limited import run_limited
from discourse.registry.skops_file import describe_skops, predict_skops

__all__ = ["ForeignModel", "kind_of_file", "load_foreign"]

_HEAD: Final = 1 << 16
_MAX_BYTES: Final = 512 * 2**20
_WAY_OUT: Final = (
    "ask its sender for the training labels and train here, or for a file made with skops.io.dump and open that with "
    "allow_skops=True"
)
_UNPACKERS: Final[tuple[tuple[bytes, Callable[[], Any]], ...]] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(31)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
    (b"\x5d\x00\x00", lzma.LZMADecompressor),
    (b"x\x01", zlib.decompressobj),
    (b"x\x9c", zlib.decompressobj),
    (b"x\xda", zlib.decompressobj),
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ForeignModel:
    """A model that never enters this process: each prediction is made by a limited one, from the same bytes.

    >>> ForeignModel(Path("a.skops"), "0" * 64, ("both", "neither")).model_id
    'skops@0000000000000000'
    """

    path: Path
    sha256: str
    names: tuple[str, ...]

    @property
    def model_id(self) -> str:
        """The first half of the file's SHA-256 names the model."""
        return f"skops@{self.sha256[:16]}"

    @property
    def classes_(self) -> npt.NDArray[np.str_]:
        """The classes, in the order of the columns of `predict_proba`."""
        return np.array(self.names)

    def predict_proba(self, texts: Iterable[str]) -> Floats:
        """Probabilities of n raw texts, n x k, rows sum to 1. Raises `BadInput` when the file fails or has changed."""
        given = [str(text) for text in texts]
        if not given:
            return np.zeros((0, len(self.names)))
        made = _limited(self.path, predict_skops, self.sha256, given)
        probabilities: Floats = made["probabilities"]
        return probabilities

    def predict(self, texts: Iterable[str]) -> npt.NDArray[np.str_]:
        """The likeliest class of n raw texts."""
        made = self.predict_proba(texts)
        return self.classes_[made.argmax(axis=1)] if len(made) else np.empty(0, dtype=self.classes_.dtype)


def load_foreign(path: str | Path, *, allow_skops: bool = False) -> FramingClassifier | ForeignModel:
    """A model from a file of unknown origin.

    This package's own files are read as `load_model` reads them. A skops file is opened with `allow_skops` alone, in
    a process with a gigabyte of memory and ten seconds of the processor, and stays there. Pickles are refused under
    any name and any option. Raises `MissingData` when there is no file, `BadInput` for everything else that is refused.

    >>> load_foreign("no-such.skops")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no model file 'no-such.skops'; give the path of one
    """
    file = Path(path)
    kind = kind_of_file(file)
    if kind == "safetensors":
        return load_model(file)
    if kind == "zip" and allow_skops:
        told = _limited(file, describe_skops)
        return ForeignModel(file, str(told["sha256"]), tuple(told["classes"]))
    raise BadInput(f"{file.name} {_REFUSALS[kind]}")


_REFUSALS: Final = {
    "pickle": f"holds a pickle, and to open one is to run what its sender wrote; {_WAY_OUT}",
    "joblib": f"is a joblib file, which is a pickle, and to open one is to run what its sender wrote; {_WAY_OUT}",
    "numpy objects": f"is an array of objects, which is a pickle; {_WAY_OUT}",
    "numpy": "is a bare array and no model; a model of this package is one safetensors file",
    "zip": (
        "is an archive: a skops file is opened with allow_skops=True, in a limited process; archives of torch or "
        "numpy hold pickles and are not opened"
    ),
    "unknown": "is no model file that this package knows; a model of its own is one safetensors file",
    "too large": "is larger than 512 MiB, which no model that is opened here is",
}


def kind_of_file(path: str | Path) -> str:
    """What a file is by its first bytes: safetensors, pickle, joblib, numpy, numpy objects, zip, too large or unknown.

    Nothing of it is run or unpacked, except the first bytes of a compressed file, to see a pickle within.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "model.safetensors"
    ...     _ = file.write_bytes(bytes([0x80, 4, 0x95]) + b"........joblib.numpy_pickle")
    ...     kind_of_file(file)
    'joblib'
    """
    file = Path(path)
    if not file.is_file():
        raise MissingData(f"there is no model file {file.name!r}; give the path of one")
    if file.stat().st_size > _MAX_BYTES:
        return "too large"
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
        stream.seek(-min(1, file.stat().st_size), 2)
        last = stream.read(1)
    return _kind(head, last)


def _kind(head: bytes, last: bytes) -> str:
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _MAX_BYTES:
        return "safetensors"
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip"
    if head[:6] == b"\x93NUMPY":
        return "numpy objects" if b"'O'" in head[:256] or b"|O" in head[:256] else "numpy"
    # Protocols 2 to 5 begin with their number, older ones with an opcode; all end with a stop.
    new, old = head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"), head[:1] in b"c(]}lpI"
    if new or (head and old and last == b"."):
        return "joblib" if b"joblib" in head or b"numpy_pickle" in head else "pickle"
    for magic, maker in _UNPACKERS:
        if head.startswith(magic):
            inner = _unpacked(maker(), head)
            return "joblib" if _kind(inner, b".") in ("pickle", "joblib") else "unknown"
    return "unknown"


def _unpacked(unpacker: Any, head: bytes) -> bytes:
    """The first bytes inside a compressed file; none where it is damaged."""
    try:
        made: bytes = unpacker.decompress(head, 4096)
    except (zlib.error, OSError, ValueError, EOFError, lzma.LZMAError):
        return b""
    return made


def _limited(file: Path, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
    try:
        return run_limited(function, str(file.resolve()), *args)
    except BadInput as error:
        raise BadInput(f"{file.name} {error}") from None
