"""A writer's own folder beside the data: what is in it is not part of the corpus yet.

Its name says which process on which machine made it, so that what a crash left behind can be told from what a
living writer still needs. There is no lock, and so none that a crash could leave.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from discourse.errors import UsageError
from discourse.store import disk
from discourse.store.manifest import FOLDER as MANIFESTS
from discourse.store.manifest import generations
from discourse.store.segments import DATA

__all__ = ["STAGING", "leftovers", "staging", "writers"]

STAGING = "staging"
_PARTS = 4


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A new folder for one writer's unfinished files, made with the corpus itself if need be; it goes at the end.

    Raises `UsageError` when the place is taken by something that is no corpus.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place, staging(Path(place) / "corpus") as mine:
    ...     writers(Path(place) / "corpus") == [mine]
    True
    """
    _make(folder)
    with disk.taking(f"the folder {folder.name}"):
        mine = folder / STAGING / f"{_host()}~{os.getpid()}~{_born(os.getpid())}~{secrets.token_hex(4)}"
        mine.mkdir(mode=0o700)
    try:
        yield mine
    finally:
        shutil.rmtree(mine, ignore_errors=True)


def _make(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder.name!r} is a file; name a folder for the corpus")
    if folder.is_dir() and not _is_ours(folder):
        raise UsageError(f"the folder {folder.name!r} holds other things; name a new one for the corpus")
    with disk.taking(f"the folder {folder.name}"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in (DATA, STAGING, MANIFESTS):
            (folder / name).mkdir(exist_ok=True, mode=0o700)


def _is_ours(folder: Path) -> bool:
    """Whether a folder is a corpus, empty, or one that a crash left before its first generation.

    A folder of a project may well have a folder `data`, with files that are not to be cleared away.
    """
    if generations(folder):
        return True
    inside = {path.name for path in folder.iterdir()}
    begun = (folder / MANIFESTS).is_dir()
    held = [folder / name for name in (DATA, STAGING, MANIFESTS) if (folder / name).is_dir()]
    return inside <= {DATA, STAGING, MANIFESTS} and (begun or not any(any(place.iterdir()) for place in held))


def writers(folder: Path) -> list[Path]:
    """The staging folders of writers that live, or that run on another machine and so may live.

    >>> writers(Path("no-such-corpus"))
    []
    """
    return [path for path in _all(folder) if _lives(path.name)]


def leftovers(folder: Path) -> list[Path]:
    """The staging folders of writers that are gone.

    >>> leftovers(Path("no-such-corpus"))
    []
    """
    return [path for path in _all(folder) if not _lives(path.name)]


def _all(folder: Path) -> list[Path]:
    return sorted((folder / STAGING).iterdir()) if (folder / STAGING).is_dir() else []


def _lives(name: str) -> bool:
    parts = name.split("~")
    if len(parts) != _PARTS or not parts[1].isdigit():
        return False
    if parts[0] != _host():
        return True
    return _born(int(parts[1])) == parts[2] != ""


def _host() -> str:
    return "".join(letter for letter in socket.gethostname() if letter.isalnum() or letter in "-.") or "here"


def _born(process: int) -> str:
    """When a process of this machine began, "" if there is none: a number alone may be given to another later."""
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return "" if words[0] == "Z" else words[19]
    except (OSError, IndexError):
        pass
    if Path("/proc/self").exists():
        return ""
    try:
        os.kill(process, 0)
    except OSError:
        return ""
    return "alive"
