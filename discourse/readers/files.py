"""Bytes of a file as lines: plain, gzip or Zstandard, told apart by their first bytes, never by the name.

Lines end at LF, CRLF or CR and nowhere else: `str.splitlines` would also cut a post at U+2028 or U+0085.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from discourse.errors import BadInput, MissingData

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["MAX_LINE", "first_bytes", "open_chunks", "open_lines", "physical_lines"]

MAX_LINE = 16 << 20
_CHUNK = 1 << 20
_RATIO, _RATIO_FROM = 200, 64 << 20
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
_OTHERS = {b"PK\x03\x04": "a zip archive", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"Rar!": "a rar archive"}


class _Decoder(Protocol):
    """What zlib and Zstandard have in common: bounded output, and a flag when the stream has ended."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _GzipMember:
    """One member of a gzip file, in the manner of the Zstandard decompressor."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data.lstrip(b"\0")

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self.needs_input = not self._inner.unconsumed_tail and len(out) < max_length
        return out


def _zstd_frame() -> _Decoder:
    frame: _Decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 31})
    return frame


def open_lines(path: str | Path, max_line: int = MAX_LINE) -> Iterator[tuple[int, bytes | None]]:
    r"""The lines of a text file with their numbers from 1, without their ends; blank lines are left out.

    A line of more than `max_line` bytes comes as None and is never held whole. A UTF-8 byte-order mark is
    dropped. Raises `MissingData` when there is no such file, `BadInput` when it is empty, UTF-16, in an
    unknown compression, cut short, damaged, or expands more than 200 times beyond 64 MiB.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.jsonl").write_bytes(b"one\r\n\r\ntwo\rthree")
    ...     list(open_lines(Path(folder) / "a.jsonl"))
    [(1, b'one'), (3, b'two'), (4, b'three')]
    """
    for number, line in physical_lines(open_chunks(path), max_line):
        if line is None:
            yield number, None
        elif line.strip():
            yield number, line.rstrip(b"\r\n")


def physical_lines(chunks: Iterable[bytes], max_line: int = MAX_LINE) -> Iterator[tuple[int, bytes | None]]:
    r"""All lines of a stream of bytes, numbered from 1, with their ends; one over `max_line` bytes is None.

    >>> list(physical_lines([b"a\r", b"\nb", b"\n"]))
    [(1, b'a\r\n'), (2, b'b\n')]
    """
    number, held, overlong = 0, b"", False
    for chunk in chunks:
        lines = (held + chunk).splitlines(keepends=True)
        held = b"" if not lines or lines[-1].endswith(b"\n") else lines.pop()
        for line in lines:
            number += 1
            yield number, None if overlong or len(line.rstrip(b"\r\n")) > max_line else line
            overlong = False
        if len(held) > max_line + 1:
            held, overlong = held[-1:], True
    if held:
        yield number + 1, None if overlong or len(held.rstrip(b"\r\n")) > max_line else held


def open_chunks(path: str | Path) -> Iterator[bytes]:
    """The text of a file in pieces, unpacked, without its byte-order mark. Raises as `open_lines` does.

    >>> import gzip, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_bytes(gzip.compress(b"id,text"))
    ...     b"".join(open_chunks(Path(folder) / "a.csv"))
    b'id,text'
    """
    place = Path(path)
    head, chunks = _head(_unpacked(place))
    if not head:
        raise BadInput(f"{place.name!r} is empty; export it again or leave it out")
    if head.startswith(_UTF16_BOMS):
        raise BadInput(f"{place.name!r} is UTF-16; save it as UTF-8 (in a spreadsheet: CSV UTF-8)")
    yield head.removeprefix(_UTF8_BOM)
    yield from chunks


def first_bytes(path: str | Path, count: int = 8) -> bytes:
    """The first bytes of a file as they lie on the disk. Raises `MissingData` or `BadInput`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.parquet").write_bytes(b"PAR1 and more")
    ...     first_bytes(Path(folder) / "a.parquet", 4)
    b'PAR1'
    """
    return next(_raw(Path(path), count), b"")


def _raw(path: Path, size: int = _CHUNK) -> Iterator[bytes]:
    if not path.exists():
        raise MissingData(f"there is no file {path.name!r} in the folder that was named; check the path")
    if not path.is_file():
        raise BadInput(f"{path.name!r} is not a file; name the files in it, for instance '{path.name}/*.jsonl'")
    try:
        with path.open("rb") as file:
            while chunk := file.read(size):
                yield chunk
    except OSError as error:
        raise BadInput(f"{path.name!r} cannot be read ({error.strerror}); check its permissions and the disk") from None


def _head(chunks: Iterator[bytes], count: int = 6) -> tuple[bytes, Iterator[bytes]]:
    """At least `count` bytes if there are so many, and the rest."""
    head = b""
    while len(head) < count and (chunk := next(chunks, b"")):
        head += chunk
    return head, chunks


def _unpacked(path: Path) -> Iterator[bytes]:
    head, rest = _head(_raw(path))
    if head.startswith(_GZIP):
        return _inflated(path.name, head, rest, gzip=True)
    if head.startswith(_ZSTD) or (head[1:4] == _ZSTD_SKIPPABLE and 0x50 <= head[0] <= 0x5F):
        return _inflated(path.name, head, rest, gzip=False)
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            raise BadInput(f"{path.name!r} is {kind}; unpack it, or pack it as .gz or .zst")
    return _chain(head, rest)


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


def _inflated(name: str, head: bytes, rest: Iterator[bytes], *, gzip: bool) -> Iterator[bytes]:
    """The unpacked bytes of all frames or members, at most a mebibyte at a time.

    A stream that stops before its end mark is an error even where the last line happens to be whole.
    """
    taken = made = 0
    decoder: _Decoder | None = None
    try:
        for data in _chain(head, rest):
            taken += len(data)
            pending = data
            while pending or (decoder is not None and not decoder.needs_input):
                if decoder is None:
                    decoder = _GzipMember() if gzip else _zstd_frame()
                out = decoder.decompress(pending, _CHUNK)
                pending = b""
                made += len(out)
                if made > _RATIO_FROM and made > _RATIO * taken:
                    raise BadInput(
                        f"{name!r} unpacks to more than {_RATIO} times its size, as no export does; "
                        "unpack it yourself if you trust it"
                    )
                if out:
                    yield out
                if decoder.eof:
                    pending, decoder = decoder.unused_data, None
    except (zlib.error, zstd.ZstdError):
        raise BadInput(f"{name!r} is damaged: its compressed data do not unpack; fetch it again") from None
    if decoder is not None:
        raise BadInput(f"{name!r} is cut short: its compressed data end too early; fetch it again")
