"""A skops file read without skops: seven kinds of node, a short list of classes, and nothing else.

Runs in the limited process of `run_limited`. skops itself is not asked: loading it alone takes a gigabyte of address
space, and its audit passes files that crash, hang or fill the memory. What is read here is checked before anything is
built: names and sizes of the members, every node, every class, every setting that could run long or touch the disk,
every number.
"""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from discourse.errors import BadInput

__all__ = ["describe_skops", "predict_skops"]

_PROTOCOL: Final = 2
_BYTES: Final = 128 * 2**20
_MEMBERS: Final = 4096
_DEPTH: Final = 40
_SCHEMA: Final = "schema.json"
_MEMBER: Final = re.compile(r"[0-9A-Za-z-]{1,64}\.npy", re.ASCII)
_TEXT: Final = "sklearn.feature_extraction.text"
_BARE: Final = "sklearn.calibration._CalibratedClassifier"  # the one that keeps no version
_CLASSES: Final = {
    f"{_TEXT}.CountVectorizer", f"{_TEXT}.TfidfVectorizer", f"{_TEXT}.HashingVectorizer", f"{_TEXT}.TfidfTransformer",
    "sklearn.pipeline.Pipeline", "sklearn.pipeline.FeatureUnion", "sklearn.preprocessing._data.Normalizer",
    "sklearn.linear_model._logistic.LogisticRegression", "sklearn.svm._classes.LinearSVC",
    "sklearn.naive_bayes.MultinomialNB", "sklearn.naive_bayes.ComplementNB",
    "sklearn.calibration.CalibratedClassifierCV", "sklearn.calibration._SigmoidCalibration", _BARE,
}  # fmt: skip
_TYPES: Final = {
    "builtins.str": str, "numpy.str_": np.str_, "numpy.float64": np.float64, "numpy.float32": np.float32,
    "numpy.int64": np.int64, "numpy.int32": np.int32,
}  # fmt: skip
_PATTERNS: Final = (
    None, r"(?u)\b\w\w+\b", r"(?u)\b\w+\b", r"\b\w\w+\b", r"\b\w+\b", r"\w+", r"\S+",
    r"[\w\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u200c]+",
)  # fmt: skip
_SETTINGS: Final[dict[str, tuple[Any, ...]]] = {
    "token_pattern": _PATTERNS, "preprocessor": (None,), "tokenizer": (None,), "memory": (None,), "n_jobs": (None, 1),
    "input": ("content",), "analyzer": ("word", "char", "char_wb"), "strip_accents": (None, "ascii", "unicode"),
    "encoding": ("utf-8",), "decode_error": ("strict", "ignore", "replace"),
}  # fmt: skip
_LONGEST_GROUP: Final = 10
_MOST_FEATURES: Final = 2**22

Node = Mapping[str, Any]
Floats = npt.NDArray[np.float64]


def describe_skops(path: str) -> dict[str, Any]:
    """The classes of the model in a skops file, and the SHA-256 of the file that was read.

    Raises `BadInput` for everything that is no plain pipeline of text features and a linear or Bayes classifier.

    >>> describe_skops("no-such.skops")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no-such.skops'
    """
    data = Path(path).read_bytes()
    return {"sha256": sha256(data).hexdigest(), "classes": _classes(_model(data))}


def predict_skops(path: str, digest: str, texts: list[str]) -> dict[str, Any]:
    """Probabilities of n texts, n x k, by the model in a skops file with the SHA-256 `digest`.

    Raises `BadInput` when the file is another one by now, or what comes out are no probabilities.

    >>> predict_skops("no-such.skops", "", [])
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no-such.skops'
    """
    data = Path(path).read_bytes()
    if sha256(data).hexdigest() != digest:
        raise BadInput("is another file than the one that was opened; open it again")
    model = _model(data)
    k = len(_classes(model))
    if not texts:
        return {"probabilities": np.zeros((0, k))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = np.asarray(model.predict_proba(texts), dtype=np.float64)
    fits = made.shape == (len(texts), k) and np.isfinite(made).all() and (made >= 0).all()
    if not fits or (np.abs(made.sum(axis=1) - 1.0) > 1e-6).any():
        raise BadInput("gives numbers that are no probabilities")
    return {"probabilities": made}


def _model(data: bytes) -> Any:
    """The estimator in the bytes of a skops file."""
    members = _members(data)
    schema = _schema(members.pop(_SCHEMA, b""))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _Builder(members, only_check=True).build(schema, 0)
        made = _Builder(members).build(schema, 0)
    if not hasattr(made, "predict_proba"):
        raise BadInput("holds no classifier that gives probabilities")
    return made


def _classes(model: Any) -> list[str]:
    names = np.asarray(model.classes_).tolist()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise BadInput("has classes that are not distinct words")
    if len(names) < 2:
        raise BadInput("tells fewer than two classes apart")
    return names


def _members(data: bytes) -> dict[str, bytes]:
    """The files in the archive, after their names and declared sizes have been looked at."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            listed = archive.infolist()
            names = [one.filename for one in listed]
            if len(names) > _MEMBERS or len(set(names)) < len(names):
                raise BadInput("is an archive with too many members or two of one name")
            for name in names:
                if name != _SCHEMA and not _MEMBER.fullmatch(name):
                    raise BadInput(f"is an archive with a member that is no array ({_kind_of(name)})")
            if sum(one.file_size for one in listed) > _BYTES:
                raise BadInput(f"unpacks to more than {_BYTES // 2**20} MiB, which no linear model needs")
            return {one.filename: archive.read(one) for one in listed}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput("is a damaged archive") from None


def _kind_of(name: str) -> str:
    """A word for a member's name that cannot carry anything out of the file."""
    if name.startswith(("/", "\\")) or ".." in name or ":" in name:
        return "a path that leads out of it"
    known = {"npz": "a sparse matrix", "pkl": "a pickle", "pickle": "a pickle", "bin": "bytes", "joblib": "a pickle"}
    return known.get(name.rpartition(".")[2].lower(), "unknown")


def _schema(data: bytes) -> Node:
    def once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        listed = list(pairs)
        made = dict(listed)
        if len(made) < len(listed):
            raise ValueError("a key twice")
        return made

    def none(word: str) -> Any:
        raise ValueError(word)

    try:
        schema = json.loads(data, object_pairs_hook=once, parse_constant=none)
    except RecursionError:
        raise BadInput("is nested deeper than any model is") from None
    except (ValueError, UnicodeDecodeError):
        raise BadInput("is an archive without a sound schema.json: no skops file") from None
    protocol = schema.get("protocol") if isinstance(schema, dict) else None
    if type(protocol) is not int or protocol != _PROTOCOL:
        raise BadInput(f"is not of skops protocol {_PROTOCOL}; save it with skops 0.16")
    return cast(Node, schema)


class _Builder:
    """Builds an object from nodes, or, with `only_check`, looks at all of them and makes and imports none."""

    def __init__(self, members: Mapping[str, bytes], *, only_check: bool = False) -> None:
        self.members = members
        self.only_check = only_check

    def build(self, node: Any, depth: int) -> Any:
        if depth > _DEPTH:
            raise BadInput("is nested deeper than any model is")
        if not isinstance(node, dict):
            raise BadInput("has a node that is none")
        loader, name = node.get("__loader__"), f"{node.get('__module__')}.{node.get('__class__')}"
        makers = {"ObjectNode": self._object, "DictNode": self._dict, "ListNode": self._list, "TupleNode": self._list,
                  "JsonNode": self._scalar, "NdArrayNode": self._array, "TypeNode": self._type}  # fmt: skip
        if loader not in makers:
            raise BadInput("holds a function, a method, a tree, a random generator or another part that may do harm")
        return makers[loader](node, name, depth + 1)

    def _object(self, node: Node, name: str, depth: int) -> Any:
        if name not in _CLASSES:
            raise BadInput("holds an object that is no plain text feature and no linear or Bayes classifier")
        attributes = self.build(node.get("content"), depth)
        if not isinstance(attributes, dict):
            raise BadInput("has an object without attributes")
        self._check(name, attributes)
        if self.only_check:
            return None
        module, _, short = name.rpartition(".")
        kind = getattr(import_module(module), short)  # one of the list above
        made = kind.__new__(kind)
        if hasattr(made, "__setstate__"):
            made.__setstate__(attributes)
        else:
            made.__dict__.update(attributes)
        return made

    def _check(self, name: str, attributes: dict[str, Any]) -> None:
        """Refuse settings that could run long, read files or start processes, and columns that do not exist."""
        here = metadata.version("scikit-learn")
        written = attributes.get("_sklearn_version", here if name == _BARE else "")
        if str(written).split(".")[:2] != here.split(".")[:2]:
            raise BadInput(f"was saved with another scikit-learn than {here}; its numbers may differ")
        for setting, allowed in _SETTINGS.items():
            if setting in attributes and not any(_same(attributes[setting], one) for one in allowed):
                raise BadInput(f"has a setting {setting} that is not allowed; {_ALLOWED.get(setting, 'leave it out')}")
        if type(attributes.get("random_state")) not in (type(None), int):
            raise BadInput("holds a random generator; give a whole number as random_state")
        span = attributes.get("ngram_range", (1, 1))
        if not (isinstance(span, tuple) and len(span) == 2 and all(type(one) is int for one in span)
                and 1 <= span[0] <= span[1] <= _LONGEST_GROUP):  # fmt: skip
            raise BadInput(f"has an ngram_range outside 1 to {_LONGEST_GROUP}")
        most = attributes.get("n_features", 1)
        if type(most) is not int or not 1 <= most <= _MOST_FEATURES:
            raise BadInput(f"has more than {_MOST_FEATURES} hashed features")
        words = attributes.get("vocabulary_")
        if words is not None and (
            not isinstance(words, dict)
            or any(type(at) is not int for at in words.values())
            or sorted(words.values()) != list(range(len(words)))
        ):
            raise BadInput("has a vocabulary whose columns are not numbered from 0 without a gap")

    def _dict(self, node: Node, name: str, depth: int) -> Any:
        content, kinds = node.get("content"), self.build(node.get("key_types"), depth)
        if name != "builtins.dict" or not isinstance(content, dict) or not isinstance(kinds, list):
            raise BadInput("has a mapping that is none")
        if len(kinds) != len(content) or any(kind not in (str, np.str_) for kind in kinds):
            raise BadInput("has a mapping whose keys are no words")
        return {kind(key): self.build(value, depth) for kind, (key, value) in zip(kinds, content.items(), strict=True)}

    def _list(self, node: Node, name: str, depth: int) -> Any:
        kinds = {"builtins.list": list, "builtins.tuple": tuple}
        content = node.get("content")
        if name not in kinds or not isinstance(content, list):
            raise BadInput("has a list that is none")
        return kinds[name](self.build(one, depth) for one in content)

    def _scalar(self, node: Node, name: str, depth: int) -> Any:
        try:
            made = json.loads(str(node.get("content")))
        except (ValueError, RecursionError):
            raise BadInput("has a value that is none") from None
        finite = not isinstance(made, float) or np.isfinite(made)
        if not isinstance(made, str | int | float | None) or not finite:
            raise BadInput("has a value that is no word and no finite number")
        return made

    def _type(self, node: Node, name: str, depth: int) -> Any:
        if name not in _TYPES:
            raise BadInput("names a type that is no word and no number")
        return _TYPES[name]

    def _array(self, node: Node, name: str, depth: int) -> Any:
        if node.get("type") == "json" and name == "numpy.ndarray" and isinstance(node.get("content"), list):
            items = [self.build(one, depth) for one in node["content"]]
            if not all(isinstance(one, str) for one in items):
                raise BadInput("has an array of objects that are no words")
            return np.array(items, dtype=object)
        file = node.get("file")
        if node.get("type") != "numpy" or not isinstance(file, str) or file not in self.members:
            raise BadInput("has an array that is not in the archive")
        made = _numbers(self.members[file])
        if name == "numpy.ndarray":
            return made
        if name not in _TYPES or made.ndim:
            raise BadInput("names a type that is no word and no number")
        return _TYPES[name](made)


_ALLOWED: Final = {
    "token_pattern": "a pattern can run for ever; use scikit-learn's own or \\w+",
    "n_jobs": "use 1",
    "preprocessor": "it must be None",
    "tokenizer": "it must be None",
}


def _same(value: Any, allowed: Any) -> bool:
    return type(value) is type(allowed) and bool(value == allowed)


def _numbers(data: bytes) -> npt.NDArray[Any]:
    """An array of numbers or words from the bytes of a .npy file; its size is checked before any of it is made."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, kind = read(stream, max_header_size=4096)
        if kind.hasobject or kind.kind not in "biufU":
            raise BadInput("has an array of objects, which is a pickle")
        if int(np.prod([int(one) for one in shape], dtype=object)) * kind.itemsize != len(data) - stream.tell():
            raise BadInput("has an array whose size is not what it says")
        stream.seek(0)
        made: npt.NDArray[Any] = np.load(stream, allow_pickle=False, max_header_size=4096)
    except (ValueError, KeyError, EOFError, SyntaxError, TypeError, OverflowError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput("has an array that cannot be read") from None
    if made.dtype.kind == "f" and not np.isfinite(made).all():
        raise BadInput("has a number that is not finite")
    return made
