"""The manifest: what a run read, used and wrote, by content hash, so that it can be made again and compared.

It holds no time of day, no host, no user and no path: two runs of one study give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import date
from importlib import metadata
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from discourse.errors import MissingData, UsageError
from discourse.whole import write_whole

__all__ = ["PACKAGES", "environment", "file_facts", "manifest", "source_hash", "versions", "write_manifest"]

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "polars",
    "pyarrow",
    "matplotlib",
    "seaborn",
    "nltk",
    "vaderSentiment",
)
_BLOCK = 1 << 20


def manifest(
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    *,
    parameters: Mapping[str, Any],
    model: str,
    seed: int,
    code: str,
) -> dict[str, Any]:
    """A record of one run, ready for JSON.

    `inputs` and `outputs` map what a file is ("posts", "figure of shares") to where it lies; only its name,
    size and SHA-256 are kept. `model` is the id of the classifier, `code` what the caller knows of the code's
    version (a commit, or ""). `parameters` may hold numbers, words, dates, dataclasses and nestings of them; of
    a path in it only the name is kept. Raises `MissingData` for a file that is not there and `UsageError` for
    a parameter that JSON has no word for.

    >>> made = manifest({}, {}, parameters={"every": "1w"}, model="m1", seed=7, code="")
    >>> made["seed"], made["parameters"], made["inputs"]
    (7, {'every': '1w'}, {})
    """
    return {
        "code": code,
        "inputs": {role: file_facts(role, path) for role, path in inputs.items()},
        "model": model,
        "outputs": {role: file_facts(role, path) for role, path in outputs.items()},
        "package": environment()["package"],
        "parameters": {str(name): _value(value, str(name)) for name, value in parameters.items()},
        "python": platform.python_version(),
        "seed": seed,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """The versions of the packages that move a number or a line.

    >>> sorted(versions()) == sorted(PACKAGES)
    True
    """
    return {name: _version(name) for name in PACKAGES}


def environment() -> dict[str, Any]:
    """What a run needs besides its files: this package by version and source, Python, and other packages.

    >>> list(environment())
    ['package', 'python', 'versions']
    """
    return {
        "package": {"name": "discourse", "source_sha256": source_hash(), "version": _version("discourse")},
        "python": platform.python_version(),
        "versions": versions(),
    }


def file_facts(role: str, path: Path) -> dict[str, Any]:
    """Name, size in bytes and SHA-256 of a file; `role` says what it is. Raises `MissingData` when it is not there.

    >>> file_facts("posts", Path("no-such.csv"))
    Traceback (most recent call last):
    discourse.errors.MissingData: the file 'no-such.csv' (posts) is not there or cannot be read; make it first
    """
    path = Path(path)
    try:
        return {"bytes": path.stat().st_size, "name": path.name, "sha256": _sha256(path)}
    except OSError:
        raise MissingData(f"the file {path.name!r} ({role}) is not there or cannot be read; make it first") from None


def write_manifest(path: str | Path, record: Mapping[str, Any]) -> Path:
    """Write a record from `manifest` as JSON with sorted keys; returns the path.

    Raises `UsageError` when it cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_manifest(Path(folder) / "manifest.json", {"seed": 7}).read_text())
    {
      "seed": 7
    }
    """
    text = json.dumps(record, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return write_whole(path, f"{text}\n".encode())


def source_hash() -> str:
    """SHA-256 over the package's own files, by name and content.

    >>> len(source_hash())
    64
    """
    root = Path(__file__).resolve().parents[1]
    whole = hashlib.sha256()
    for path in sorted(root.rglob("*"), key=lambda p: p.relative_to(root).as_posix()):
        name = path.relative_to(root)
        if (
            path.is_file()
            and path.suffix != ".pyc"
            and not any(part.startswith((".", "__pycache__")) for part in name.parts)
        ):
            whole.update(f"{name.as_posix()}\0{_sha256(path)}\n".encode())
    return whole.hexdigest()


def _sha256(path: Path) -> str:
    whole = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            whole.update(block)
    return whole.hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _value(value: Any, name: str) -> Any:
    """A parameter as JSON has it; of paths only the name."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, str | PurePath | date):
        return value.isoformat() if isinstance(value, date) else _without_folders(value)
    if is_dataclass(value) and not isinstance(value, type):
        return _value(asdict(value), name)
    if isinstance(value, Mapping):
        return {str(key): _value(part, f"{name}.{key}") for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        parts = [_value(part, name) for part in value]
        return sorted(parts, key=repr) if isinstance(value, set | frozenset) else parts
    raise UsageError(f"parameter {name!r} is {type(value).__name__}; give a finite number, a word, a date or a list")


def _without_folders(value: str | PurePath) -> str:
    if isinstance(value, PurePath):
        return value.name
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(value).is_absolute():
            return kind(value).name
    return value
