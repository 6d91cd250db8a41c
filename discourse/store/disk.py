"""The few ways in which the store touches the disk. Each is one step that a crash may fall before or after.

A file is written aside, flushed to the disk and then moved to its name; a manifest is linked to its name, which fails
if another writer was first. The order between two files is never left to the file system.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from discourse.errors import BadInput, MissingData

__all__ = ["fsync", "hash_of", "is_full", "link", "remove", "rename", "sync_folder", "taking", "write_bytes"]

_CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def taking(name: str) -> Iterator[None]:
    """Turn what the disk refuses into one sentence about `name`.

    >>> with taking("a.parquet"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    discourse.errors.BadInput: the disk is full: 'a.parquet' could not be written; the corpus is as it was. Make room
    and give the same command again
    """
    try:
        yield
    except FileNotFoundError:
        raise MissingData(
            f"{name!r} is not there; the corpus was changed meanwhile or damaged: discourse verify"
        ) from None
    except OSError as error:
        if error.errno in _FULL:
            said = f"the disk is full: {name!r} could not be written; the corpus is as it was. Make room"
        else:
            why = os.strerror(error.errno) if error.errno else "the disk does not say why"
            said = f"{name!r} could not be written ({why}); the corpus is as it was. Mend that"
        raise BadInput(f"{said} and give the same command again") from None


def is_full(error: BaseException) -> bool:
    """Whether an error of `taking` says that the disk is full: no fault of the file that was read meanwhile.

    >>> is_full(BadInput("'a.csv' is empty"))
    False
    """
    return isinstance(error.__context__, OSError) and error.__context__.errno in _FULL


def write_bytes(path: Path, data: bytes) -> None:
    """Write a small file and flush it to the disk.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(Path(folder) / "a", b"peace")
    ...     hash_of(Path(folder) / "a")[:8]
    'c2e10c20'
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def fsync(path: Path) -> None:
    """Flush a file that a library wrote to the disk.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     fsync(Path(file.name))
    """
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename(source: Path, target: Path) -> None:
    """Move a finished file to its name.

    >>> rename(Path("no-such-file"), Path("other"))
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no-such-file' -> 'other'
    """
    os.replace(source, target)


def link(source: Path, target: Path) -> bool:
    """Give a finished file a second name; False if that name is taken, by whomever.

    On a network disk the answer may be lost and the link made: then the file has two names, and it is ours.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(Path(folder) / "a", b"")
    ...     link(Path(folder) / "a", Path(folder) / "b"), link(Path(folder) / "a", Path(folder) / "b")
    (True, True)
    """
    try:
        os.link(source, target)
    except FileExistsError:
        return os.path.samefile(source, target)
    return True


def sync_folder(path: Path) -> None:
    """Flush the names in a folder to the disk.

    >>> sync_folder(Path("."))
    """
    if os.name == "nt":
        return  # a folder cannot be opened there, and its names are written through
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file that may be gone already.

    >>> remove(Path("no-such-file"))
    """
    path.unlink(missing_ok=True)


def hash_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex.

    >>> hash_of(Path("no-such-file"))
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no-such-file'
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
