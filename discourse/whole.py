"""Files that are written whole or not at all: what was there stays until what is new is safe on the disk."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from discourse.errors import UsageError

__all__ = ["write_whole"]


def write_whole(path: str | Path, content: bytes, *, private: bool = False) -> Path:
    """Write a file whole or not at all, with the folders it needs; returns its path.

    With `private` only its owner may read it. Raises `UsageError` when that is impossible.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "new" / "a.txt", b"peace").read_bytes()
    b'peace'
    """
    path = Path(path)
    aside = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        reason = error.strerror or "the system refused"
        raise UsageError(f"cannot write {path.name!r}: {reason}; choose a folder you may write to") from error
    return path
