"""Files that go to coders and come back: read alone, from a folder or from a zip."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

import msgspec

from discourse.errors import BadInput, MissingData

__all__ = ["as_json", "json_bytes", "read_file", "read_files"]

_MOST = 1 << 30
_Shape = TypeVar("_Shape")


def read_file(path: str | Path, what: str) -> bytes:
    """The bytes of a file; `what` names it in the `MissingData` that is raised when there is none.

    >>> read_file("no-such.json", "sheet")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no sheet 'no-such.json'; give the path of the file that came back
    """
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise MissingData(f"there is no {what} {str(path)!r}; give the path of the file that came back") from None
    except OSError as error:
        raise BadInput(f"cannot read {Path(path).name!r}: {error.strerror}; it must be readable by you") from error


def read_files(path: str | Path, what: str, ending: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The name and bytes of a file, or of each file with that ending in a folder or a zip, by name.

    Raises `MissingData` when nothing is there, `BadInput` when a folder or zip holds no such file, and when a zip is
    damaged, locked, or unpacks to over 1 GiB.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.json").write_bytes(b"{}")
    ...     list(read_files(folder, "export", ".json"))
    [(PurePosixPath('a.json'), b'{}')]
    """
    place = Path(path)
    if place.is_dir():
        found = sorted(file for file in place.rglob(f"*{ending}") if file.is_file() and not file.name.startswith("."))
        _some(found, place, ending)
        for file in found:
            yield PurePosixPath(file.relative_to(place).as_posix()), read_file(file, what)
    elif place.suffix.lower() == ".zip":
        read_file(place, what)
        yield from _unzipped(place, ending)
    else:
        yield PurePosixPath(place.name), read_file(place, what)


def _some(found: Sequence[object], place: Path, ending: str) -> None:
    if not found:
        raise BadInput(f"{place.name!r} holds no file that ends in {ending}; choose that format for the export")


def _unzipped(place: Path, ending: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    try:
        with zipfile.ZipFile(place) as packed:
            members = sorted((m for m in packed.infolist() if m.filename.endswith(ending)), key=lambda m: m.filename)
            _some(members, place, ending)
            if sum(member.file_size for member in members) > _MOST:
                raise BadInput(f"{place.name!r} unpacks to over 1 GiB, as no export of labels does; unpack it yourself")
            for member in members:
                yield PurePosixPath(member.filename), packed.read(member)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{place.name!r} cannot be read as a zip without a password; fetch it again") from None


def as_json(content: bytes, shape: type[_Shape], name: str, what: str) -> _Shape:
    """The content as JSON of that shape; raises `BadInput` saying where it is of another.

    >>> as_json(b'{"a": "one"}', dict[str, int], "a.json", "Label Studio export")
    Traceback (most recent call last):
    discourse.errors.BadInput: 'a.json' is no Label Studio export: Expected `int`, got `str` - at `$[...]`; export it
    again
    """
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{name!r} is no {what}: {error}; export it again") from None


def json_bytes(data: object, *, ascii_only: bool = False) -> bytes:
    """Data as JSON with an end of line, a line for each key, the same bytes each time.

    >>> json_bytes({"text": "امن"}, ascii_only=True)
    b'{\\n  "text": "\\\\u0627\\\\u0645\\\\u0646"\\n}\\n'
    """
    return (json.dumps(data, ensure_ascii=ascii_only, indent=2) + "\n").encode("utf-8")
