"""What has been done: a stage runs again only when its inputs, settings or code have changed.

A stage is a function from files to files. Its fingerprint is made of the content of its inputs, its settings,
the source of the rooms it uses and the versions of the packages under it; the ledger keeps it with the hashes of what
the stage wrote. Each figure is a stage of its own here, named "draw/NAME", so that the ledger says which of them a
change touches.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from discourse.report.manifest import versions

__all__ = ["Ledger", "Stage", "content_hash", "source_hash"]


@dataclass(frozen=True)
class Stage:
    """One stage: its inputs and outputs (files or folders), its settings, and the rooms of the package it uses."""

    name: str
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    rooms: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """What the outputs depend on, as one hash."""
        parts = {
            "inputs": [[path.name, content_hash(path)] for path in self.inputs],
            "settings": json.dumps(self.settings, sort_keys=True, default=str),
            "code": source_hash(("errors.py", "schema.py", "settings.py", *self.rooms)),
            "versions": _versions(),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Ledger:
    """The fingerprints of finished stages, in one small file that is replaced whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.entries: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            self.entries = {}
        if not isinstance(self.entries, dict):
            self.entries = {}

    def is_done(self, stage: Stage) -> bool:
        """Whether it has run with these inputs, settings and code, and what it wrote is still there, unchanged."""
        entry = self.entries.get(stage.name)
        if not isinstance(entry, dict) or not all(path.exists() for path in stage.outputs):
            return False
        hashes = [content_hash(path) for path in stage.outputs]
        return bool(entry.get("fingerprint") == stage.fingerprint() and entry.get("outputs") == hashes)

    def record(self, stage: Stage) -> None:
        """Write down that the stage is done."""
        hashes = [content_hash(path) for path in stage.outputs]
        self.entries[stage.name] = {"fingerprint": stage.fingerprint(), "outputs": hashes}
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        aside.write_text(json.dumps(self.entries, indent=1, sort_keys=True), encoding="utf-8")
        os.replace(aside, self.path)


def content_hash(path: Path) -> str:
    """SHA-256 of a file, or of a folder's file names and contents."""
    if path.is_dir():
        inside = sorted(one for one in path.rglob("*") if one.is_file())
        listed = [f"{one.relative_to(path).as_posix()} {content_hash(one)}" for one in inside]
        return hashlib.sha256("\n".join(listed).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **versions()}


@cache
def source_hash(rooms: tuple[str, ...]) -> str:
    """SHA-256 over the package's own source files in the named rooms (folders or files)."""
    root = Path(str(files("discourse")))
    found: set[Path] = set()
    for room in rooms:
        place = root / room
        found |= {place} if place.is_file() else {one for one in place.rglob("*") if one.suffix in _SOURCE}
    listed = [f"{one.relative_to(root).as_posix()} {content_hash(one)}" for one in sorted(found)]
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()


_SOURCE = (".py", ".toml", ".j2", ".json", ".npz", ".safetensors", ".ttf", ".css", ".js")
