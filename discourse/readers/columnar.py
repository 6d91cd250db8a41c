"""JSON lines read as columns: many lines at once where they are plain, the others one by one, with the same result.

The record-by-record way (`containers.json_reads`, a format's `drafts`, `records.to_row`) says what a line comes to.
This one is for speed only. A line is read here when it surely comes to one post: `line_kernels` finds its fields, a
format's `columns` checks them, and whatever either is not sure of is handed, in its place, to the other way.

It needs numba (`pip install 'discourse[speed]'`); files of few megabytes are not worth loading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.corpus.settle import ITEM
from discourse.errors import UsageError
from discourse.readers.account import Account
from discourse.readers.containers import Drafts, are_lines, line_reads
from discourse.readers.files import MAX_LINE, open_chunks, physical_lines

__all__ = [
    "ABSENT", "ARRAY", "BOOLEAN", "INTEGER", "NULL", "NUMBER", "OBJECT", "TEXT", "ColumnFormat", "Fields", "Found",
    "Pseudonyms", "as_strings", "compiled_loops", "loops", "take_lines",
]  # fmt: skip

ABSENT, NULL, TEXT, INTEGER, NUMBER, BOOLEAN, OBJECT, ARRAY = 1, 2, 4 | 8, 16, 32, 64, 128, 256
_STRING, _ESCAPED = 2, 3  # the bits of `TEXT`
ELEMENT: Final = "[]"
FROM_BYTES: Final = 16 << 20  # a file that is worth loading numba
BATCH: Final = 8 << 20
_LONGEST: Final = 8 << 20  # bytes without the end of a line that are worth waiting for
_NAMES: Final = 200_000  # pseudonyms that are held

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Spans = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]


class Fields:
    """The fields that a format asks for: paths with dots, `[]` for the only element of an array, and what each may be.

    A path that is missing in a line is `ABSENT`; a line in which a field is of another kind is not plain.

    >>> asked = Fields({"id": TEXT, "author": OBJECT | ABSENT, "author.name": TEXT | NULL | ABSENT})
    >>> asked.number["author.name"]
    3
    """

    def __init__(self, kinds: Mapping[str, int]) -> None:
        order = [""]
        for node in order:  # breadth first, so that the fields of one object have neighbouring numbers
            order += [path for path in kinds if path.rpartition(".")[0] == node and path != node]
        self.number = {path: number for number, path in enumerate(order)}
        letters = [b"" if (name := path.rpartition(".")[2]) == ELEMENT else name.encode() for path in order]
        ends = np.cumsum([len(word) for word in letters])
        firsts = [[number for path, number in self.number.items() if number and path.rpartition(".")[0] == node]
                  for node in order]  # fmt: skip
        self.letters = np.frombuffer(b"".join(letters) + b"\0", np.uint8)
        self.asked = np.array(
            [
                (
                    end - len(word), end,
                    inside[0] if inside else 0, inside[-1] + 1 if inside else 0,
                    kinds.get(path, OBJECT), sum({1 << len(letters[number]) for number in inside}),
                )
                for path, word, end, inside in zip(order, letters, ends, firsts, strict=True)
            ],
            np.int64,
        )  # fmt: skip


class Found(NamedTuple):
    """The plain lines of a batch: where their fields lie in its bytes.

    `all_spans` holds kind, start and end, of shape (3, fields, lines). A kind is the number of
    a bit of `TEXT` and so on.
    """

    data: Bytes
    fields: Fields
    all_spans: Spans

    def spans(self, path: str) -> Spans:
        """Kinds, starts and ends of one field, of shape (3, lines)."""
        spans: Spans = self.all_spans[:, self.fields.number[path]]
        return spans

    def is_a(self, path: str, kind: int) -> Flags:
        """Whether a field is of a kind, `TEXT` for instance, in each line."""
        flags: Flags = (kind >> self.spans(path)[0] & 1).astype(np.bool_)
        return flags

    def words(self, path: str) -> pl.Series:
        """The strings of a field, null where there is none."""
        spans = self.spans(path)
        return self.strings(spans)[0] if spans[0].any() else pl.Series([None] * spans.shape[1], dtype=pl.String)

    def strings(self, spans: Spans) -> tuple[pl.Series, Bytes, Places]:
        """The strings that some spans hold, and the same as bytes and offsets."""
        there = (spans[0] == _STRING) | (spans[0] == _ESCAPED)
        out = np.empty(int((spans[2] - spans[1])[there].sum()), np.uint8)
        offsets = np.empty(len(there) + 1, np.int64)
        compiled_loops().copy_strings(self.data, spans, offsets, out)
        return as_strings(out, offsets, there), out, offsets

    def whole(self, path: str) -> pl.Series:
        """The whole numbers of a field, null where there is none."""
        spans = self.spans(path)
        numbers = np.zeros(spans.shape[1], np.int64)
        compiled_loops().read_integers(self.data, spans, numbers)
        return pl.Series(numbers).set(pl.Series(~self.is_a(path, INTEGER)), None)

    def ids(self, path: str) -> Places:
        """The numbers that a field's strings of digits write; 0 where it is none, or an id that X cannot have."""
        numbers = np.empty(self.all_spans.shape[2], np.int64)
        compiled_loops().read_ids(self.data, self.spans(path), numbers)
        return numbers

    def moments(self, path: str) -> Places:
        """Microseconds since 1970 of a field's moments in UTC, -1 where it is none in the plain form."""
        moments = np.empty(self.all_spans.shape[2], np.int64)
        compiled_loops().read_times(self.data, self.spans(path), moments)
        return moments


def as_strings(data: Bytes, offsets: Places, there: Flags | None = None) -> pl.Series:
    """Strings that lie behind each other in `data`, null where they are not `there`. Their bytes must be UTF-8."""
    valid = None if there is None else pa.py_buffer(np.packbits(there, bitorder="little"))
    array = pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data), valid)
    return pl.Series(array)


class Pseudonyms:
    """The pseudonyms of one platform's accounts and handles under a key: each is worked out once while it is held.

    >>> from discourse.corpus.privacy import Key, pseudonym
    >>> key = Key.made_up("demo")
    >>> Pseudonyms(key, "x").of_accounts(np.array([42, 0])).to_list() == [pseudonym(key, "x", "42"), None]
    True
    """

    def __init__(self, key: Key, platform: str) -> None:
        self.key, self.platform = key, platform
        self._accounts: dict[str, str] = {}
        self._handles: dict[str, str] = {}

    def of_accounts(self, ids: Places) -> pl.Series:
        """The pseudonyms of accounts by their ids, which are whole numbers; null for 0."""
        distinct, places = np.unique(ids, return_inverse=True)
        made = self._made([str(number) for number in distinct], self._accounts, pseudonym)
        return made.set(pl.Series(distinct == 0), None).gather(places)

    def of_handles(self, handles: pl.Series) -> pl.Series:
        """The pseudonyms of handles, none of them empty; null where there is none."""
        wanted = handles.drop_nulls().unique()
        made = self._made(wanted.to_list(), self._handles, handle_pseudonym)
        return handles.replace_strict(wanted, made, default=None, return_dtype=pl.String)

    def _made(self, natives: list[str], held: dict[str, str], make: Callable[[Key, str, str], str]) -> pl.Series:
        if len(held) > _NAMES:
            held.clear()
        for name in set(natives).difference(held):
            held[name] = make(self.key, self.platform, name)
        return pl.Series(list(map(held.__getitem__, natives)), dtype=pl.String)


class ColumnFormat(Protocol):
    """A format that can be read as columns: its platform, what it asks for, and what it makes of it."""

    PLATFORM: str
    FIELDS: Fields

    def columns(self, found: Found, names: Pseudonyms, /) -> pl.DataFrame:
        """One row a line with the columns of `Row` but those of the source, and `sure`: whether it is so."""
        ...


def take_lines(account: Account, path: Path, drafts: Drafts, form: ColumnFormat, progress: Callable[[], None]) -> bool:
    """Take the lines of a file into an account, as `json_reads` would. False, with nothing taken, if that is to do it.

    That is so where the file is small, is no JSON lines, or numba is not there. `progress` is called now and then.

    >>> from discourse.readers import x_api, x_api_columns
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.jsonl").write_text('{"id": "9001"}\\n')
    ...     take_lines(None, Path(folder, "a.jsonl"), x_api.drafts, x_api_columns, print)
    False
    """
    if path.stat().st_size < FROM_BYTES or not are_lines(path) or _hostile(path) or loops() is None:
        return False
    names = Pseudonyms(account.key, form.PLATFORM)
    number = 0
    chunks = open_chunks(path)
    for batch, cut in _batches(chunks):
        if cut:
            number += _take_batch(account, batch, np.frombuffer(batch, np.uint8, cut), number, (drafts, form, names))
        else:  # the last line, or one that is too long to wait for, and all that is behind it
            for place, line in physical_lines(chain([batch], chunks)):
                for read in line_reads(number + place, line, drafts):
                    account.take(read)
        progress()
    return True


def _hostile(path: Path) -> bool:
    """Whether a file holds a stretch without an end of line that no export has: it is not worth the memory of numba."""
    since = 0
    for chunk in open_chunks(path):
        first = chunk.find(b"\n")
        if since + (len(chunk) if first < 0 else first) >= _LONGEST:
            return True
        since = since + len(chunk) if first < 0 else len(chunk) - chunk.rfind(b"\n") - 1
    return False


def _batches(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    """Many bytes together, and up to where they are whole lines; 0 where none ends in them, at last or in too many."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= BATCH:
            data = b"".join(held)
            cut = data.rfind(b"\n") + 1
            if cut or size >= _LONGEST:
                yield data, cut
                held = [data[cut:]] if cut else []
                size = sum(map(len, held))
    data = b"".join(held)
    cut = data.rfind(b"\n") + 1
    if cut:
        yield data, cut
    if cut < len(data):
        yield data[cut:], 0


def _take_batch(
    account: Account, batch: bytes, data: Bytes, before: int, how: tuple[Drafts, ColumnFormat, Pseudonyms]
) -> int:
    """Take the whole lines of a batch, its `data`; `before` lines went before them. Returns how many they are."""
    drafts, form, names = how
    places = _lines(batch, data)
    lines, found = _plain(data, places, form.FIELDS)
    rows = form.columns(found, names)
    sure = rows["sure"].to_numpy()
    counts = np.zeros(places.shape[1], np.int64)
    counts[lines[sure]] = 1
    first = account.read + 1
    earlier = first + np.cumsum(counts) - counts
    others = 0
    for line in np.flatnonzero(counts == 0):
        of_line = 0
        raw = batch[places[0, line] : places[1, line]].rstrip(b"\r\n")
        for read in line_reads(before + int(line) + 1, raw if len(raw) <= MAX_LINE else None, drafts):
            account.take(read, int(earlier[line]) + others)
            others += 1
            of_line += 1
        counts[line] = of_line
    items = (first + np.cumsum(counts) - counts)[lines[sure]]
    source = [pl.Series("source_line", lines[sure] + before + 1), pl.Series(ITEM, items)]
    account.take_rows(rows.filter("sure").with_columns(source))
    return len(counts)


def _lines(batch: bytes, data: Bytes) -> Places:
    """Where the lines of a batch begin and end, of shape (2, lines). They are those of `files.physical_lines`."""
    cut = len(data)
    if batch.find(b"\r", 0, cut) >= 0 and batch.count(b"\r", 0, cut) != batch.count(b"\r\n", 0, cut):
        sizes = np.array([len(line) for line in batch[:cut].splitlines(keepends=True)], np.int64)
        ends = np.cumsum(sizes)
        return np.stack([ends - sizes, ends])
    breaks = [-1]
    while (place := batch.find(b"\n", breaks[-1] + 1, cut)) >= 0:
        breaks.append(place)
    ends = np.array(breaks)
    return np.stack([ends[:-1] + 1, ends[1:]])


def _plain(data: Bytes, lines: Places, fields: Fields) -> tuple[Places, Found]:
    """The numbers of the lines that are plain, and what was found in them."""
    spans = np.zeros((3, len(fields.asked), lines.shape[1]), np.int32)
    plain = np.empty(lines.shape[1], np.bool_)
    room = np.empty(compiled_loops().depth, np.int64)
    compiled_loops().scan_lines(data, lines, fields.letters, fields.asked, spans, plain, room)
    plain &= lines[1] - lines[0] <= MAX_LINE
    if not _is_utf8(data):
        plain &= [_is_utf8(data[start:end]) for start, end in lines.T]
    return np.flatnonzero(plain), Found(data, fields, spans if plain.all() else spans[:, :, plain])


def _is_utf8(data: Bytes) -> bool:
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


class Loops(NamedTuple):
    """The compiled loops, and how deep a line may be nested for them."""

    depth: int
    scan_lines: Callable[..., None]
    copy_strings: Callable[..., None]
    read_integers: Callable[..., None]
    read_ids: Callable[..., None]
    read_times: Callable[..., None]
    find_handles: Callable[..., int]
    put_codes: Callable[..., None]


@cache
def loops() -> Loops | None:
    """The compiled loops, None where numba is not installed or may not keep what it compiled.

    >>> loops() is loops()
    True
    """
    try:
        from discourse.readers.line_kernels import DEPTH, scan_lines
        from discourse.readers.people_kernels import find_handles, put_codes
        from discourse.readers.value_kernels import copy_strings, read_ids, read_integers, read_times
    except (ImportError, RuntimeError):
        return None
    return Loops(DEPTH, scan_lines, copy_strings, read_integers, read_ids, read_times, find_handles, put_codes)


def compiled_loops() -> Loops:
    """The compiled loops. Raises `UsageError` where there are none; `take_lines` asks before.

    >>> loops() is None or compiled_loops() is loops()
    True
    """
    made = loops()
    if made is None:
        raise UsageError("reading as columns needs numba; type pip install 'discourse[speed]'")
    return made
