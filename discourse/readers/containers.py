"""JSON records in whatever a file wraps them: one a line, one array, or one document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import ijson
import msgspec

from discourse.errors import BadInput
from discourse.readers.files import open_chunks, open_lines
from discourse.readers.formats import Read
from discourse.readers.records import Item
from discourse.readers.values import Reason, decode_object

__all__ = ["ChunkFile", "Drafts", "are_lines", "first_records", "json_reads", "line_reads"]

Drafts = Callable[[dict[str, Any]], Iterable[Item]]
Record = tuple[int, dict[str, Any] | Reason, tuple[bytes, ...]]
MAX_DOCUMENT = 256 << 20
_SNIFFED = 20


def first_records(path: Path, count: int = _SNIFFED) -> list[dict[str, Any]]:
    """Up to `count` JSON objects from the beginning of a file; none where it is no JSON.

    Raises as `files.open_chunks` does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.json").write_text('[{"id": 1}, {"id": 2}]')
    ...     first_records(Path(folder) / "a.json")
    [{'id': 1}, {'id': 2}]
    """
    try:
        return [record for _, record, _ in islice(_records(path), count) if isinstance(record, dict)]
    except _NotJson:
        return []


def json_reads(path: Path, drafts: Drafts) -> Iterator[Read]:
    """What a format's `drafts` makes of each JSON object of a file.

    On lines, `line` is the line; in an array, the element's place; in one document, the item's own place.
    Raises `BadInput` when a file is neither, and as `files.open_chunks` does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.jsonl").write_text('{"a": 1}\\n{"a"\\n')
    ...     reads = list(json_reads(Path(folder) / "a.jsonl", lambda record: [Reason.NOT_A_POST]))
    >>> [(read.line, read.item.value) for read in reads]
    [(1, 'not_a_post'), (2, 'invalid_json')]
    """
    try:
        for number, record, raw in _records(path):
            yield from _items(number, record, raw, drafts)
    except _NotJson:
        raise BadInput(f"{path.name!r} is neither JSON lines nor one JSON document; export it again") from None


def line_reads(number: int, line: bytes | None, drafts: Drafts) -> Iterator[Read]:
    """What a format makes of one line, with or without its end; None stands for one that is too long.

    >>> [read.item.value for read in line_reads(1, b"[1]", lambda record: [])], list(line_reads(2, b" ", list))
    (['not_an_object'], [])
    """
    if line is None:
        yield Read(number, Reason.RECORD_TOO_LARGE)
    elif line.strip():
        bare = line.rstrip(b"\r\n")
        yield from _items(number, decode_object(bare), (bare,), drafts)


def _items(number: int, record: dict[str, Any] | Reason, raw: tuple[bytes, ...], drafts: Drafts) -> Iterator[Read]:
    if isinstance(record, Reason):
        yield Read(number, record, raw)
        return
    for place, item in enumerate(drafts(record), start=1):
        yield Read(number or place, item, raw)


def are_lines(path: Path) -> bool:
    """Whether a file is JSON lines, most of the first of them objects; no document and no array.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.jsonl").write_text('{"a": 1}')
    ...     _ = (Path(folder) / "b.json").write_text('[{"a": 1}]')
    ...     are_lines(Path(folder) / "a.jsonl"), are_lines(Path(folder) / "b.json")
    (True, False)
    """
    start = next(open_chunks(path), b"").lstrip()[:1]
    lines = [line for _, line in islice(open_lines(path), _SNIFFED)]
    return start == b"{" and _many_objects(lines)


def _many_objects(lines: list[bytes | None]) -> bool:
    return sum(isinstance(decode_object(line), dict) for line in lines) * 2 >= len(lines)


class _NotJson(Exception):
    pass


def _records(path: Path) -> Iterator[Record]:
    """The objects with their line or place; the one object of a document has place 0."""
    start = next(open_chunks(path), b"").lstrip()[:1]
    if start == b"[":
        yield from _elements(path)
    elif start == b"{" and (document := _document(path)) is not None:
        yield document
    else:
        for number, line in open_lines(path):
            yield number, decode_object(line), () if line is None else (line,)


def _document(path: Path) -> Record | None:
    """The one object that is the whole file; None where the file is lines of objects, some of them marred."""
    lines = [line for _, line in islice(open_lines(path), _SNIFFED)]
    objects = sum(isinstance(decode_object(line), dict) for line in lines)
    if objects * 2 >= len(lines):
        return None
    data = bytearray()
    for chunk in open_chunks(path):
        data += chunk
        if len(data) > MAX_DOCUMENT:
            if objects:
                return None
            raise BadInput(f"{path.name!r} is one JSON document of over {MAX_DOCUMENT >> 20} MiB; export it in parts")
    record = decode_object(bytes(data))
    if isinstance(record, dict):
        return 0, record, (bytes(data),)
    if not objects and (lines[0] or b"").rstrip().endswith((b"{", b"[", b",")):
        raise _NotJson
    return None


def _elements(path: Path) -> Iterator[Record]:
    """The elements of one array, one at a time; only whole numbers keep their digits, as they must in ids."""
    try:
        for number, value in enumerate(ijson.items(ChunkFile(open_chunks(path)), "item", use_float=True), start=1):
            raw = msgspec.json.encode(value)
            yield number, value if isinstance(value, dict) else Reason.NOT_AN_OBJECT, (raw,)
    except (ijson.JSONError, UnicodeDecodeError, ValueError, RecursionError):
        raise BadInput(f"{path.name!r} is a JSON array that is damaged or cut short; export it again") from None


class ChunkFile:
    """Pieces of bytes as the file object that a streaming parser reads from.

    >>> file = ChunkFile(iter([b"abc", b"de"]))
    >>> file.read(2), file.read(2), file.read(2), file.read(2)
    (b'ab', b'c', b'de', b'')
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""

    def read(self, size: int = 65536) -> bytes:
        """At most `size` bytes, none at the end.

        >>> ChunkFile(iter([])).read()
        b''
        """
        while not self._held:
            following = next(self._chunks, None)
            if following is None:
                return b""
            self._held = following
        part, self._held = self._held[:size], self._held[size:]
        return part
