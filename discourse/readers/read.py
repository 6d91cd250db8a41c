"""`read_posts`: files of any known format to a corpus."""

from __future__ import annotations

import glob
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key, default_key_path
from discourse.errors import BadInput, MissingData, QuarantineWarning, SchemaError, UsageError
from discourse.readers import (
    bluesky,
    crowdtangle,
    facebook,
    fourcat,
    mastodon,
    meta_library,
    reddit,
    rtweet,
    telegram,
    tiktok,
    twarc_csv,
    twitter_r,
    twitter_v1,
    whatsapp,
    x_api,
    x_api_columns,
    x_archive,
    youtube,
    youtube_tools,
    yt_dlp,
    zeeschuimer,
)
from discourse.readers.account import Account, settled
from discourse.readers.columnar import ColumnFormat, take_lines
from discourse.readers.containers import first_records, json_reads
from discourse.readers.files import first_bytes, open_chunks, open_lines
from discourse.readers.formats import Options, Read
from discourse.readers.mapped import Mapping
from discourse.readers.sheets import sheet_drafts
from discourse.readers.tables import DELIMITERS, column_reads, csv_drafts, header_of, jsonl_drafts, parquet_drafts
from discourse.schema import one_of

__all__ = ["FORMATS", "Way", "find_files", "format_of", "mapping_of", "read_posts", "take_file"]

# JSON records, tables with a header of their own, files of their own kind: see `formats`. Told in this order: one
# that wraps another's records stands before it.
_RECORDS: dict[str, Any] = {
    "zeeschuimer": zeeschuimer, "fourcat": fourcat, "x_api": x_api, "rtweet": rtweet, "twitter_v1": twitter_v1,
    "reddit": reddit, "youtube": youtube, "yt_dlp": yt_dlp, "facebook": facebook, "meta_library": meta_library,
    "bluesky": bluesky, "mastodon": mastodon, "tiktok": tiktok,
}  # fmt: skip
_COLUMNS: dict[str, Any] = {
    "fourcat": fourcat, "crowdtangle": crowdtangle, "meta_library": meta_library, "youtube_tools": youtube_tools,
    "twitter_r": twitter_r, "twarc_csv": twarc_csv,
}  # fmt: skip
_FILES: dict[str, Any] = {"telegram": telegram, "x_archive": x_archive, "whatsapp": whatsapp}
_IN_COLUMNS: dict[str, ColumnFormat] = {"x_api": x_api_columns}  # read many lines at once where that is the same
_TABLES: dict[str, Callable[[Path, Mapping], Iterator[Read]]] = {
    "csv": csv_drafts,
    "jsonl": jsonl_drafts,
    "parquet": parquet_drafts,
    "xlsx": sheet_drafts,
}
_KNOWN = tuple(dict.fromkeys((*_RECORDS, *_COLUMNS, *_FILES)))
FORMATS = (*_KNOWN, *_TABLES)
_HEAD = 4096
_EVERY = 10_000


def read_posts(
    paths: str | Path | Sequence[str | Path],
    *,
    key: Key | None = None,
    format: str | None = None,  # noqa: A002
    mapping: str | Path | Mapping | None = None,
    options: Options | None = None,
    progress: Callable[[int], None] | None = None,
) -> Corpus:
    """The posts of one or more files, given by path or pattern, with an account of every row.

    The format of each file is told from its content, one of `FORMATS` (docs/formats has a card of each); `format`
    names it instead. With a `mapping` (a `Mapping`, or a TOML file of one) any CSV, XLSX, JSON lines or Parquet file
    can be read. `options` say what the content cannot: a time zone, the order of day and month. Author ids
    become pseudonyms under `key`; without one, the key of `privacy.default_key_path()` is
    used, and made if there is none yet.
    `progress` is called with the number of rows read so far. The result depends neither on the order of the
    files nor on how they are packed.

    Raises `MissingData` when a path or pattern finds nothing, `BadInput` when a file cannot be read as what
    it should be (nothing is kept then), `UsageError` for an impossible option, `PrivacyError` for a key file
    that is not safe; warns `QuarantineWarning` once when rows were set aside.

    >>> import json, tempfile
    >>> tweet = {"id": "9001", "author_id": "42", "created_at": "2025-05-07T10:00:00Z", "text": "peace"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "page.jsonl").write_text(json.dumps({"data": [tweet], "meta": {}}))
    ...     corpus = read_posts(f"{folder}/*.jsonl", key=Key.made_up("demo"))
    >>> corpus.posts["post_id"].to_list(), corpus.files.rows()
    (['x:9001'], [('page.jsonl', 'x_api', 1, 1, 0, 0, 0, 0)])
    """
    columns = mapping_of(mapping, format)
    files = find_files(paths)
    rows: list[pl.DataFrame] = []
    aside: list[pl.DataFrame] = []
    notices: list[pl.DataFrame] = []
    key = Key.from_file(default_key_path(), create=True) if key is None else key
    account = Account(key, rows.append, lambda frame: aside.append(frame.drop("raw")), notices.append)
    for label, path in files.items():
        way = Way(format_of(path, format, columns), columns, options or Options())
        take_file(account, label, path, way, progress)
    corpus = settled(account.tallies, rows, aside, notices, key)
    _warn(corpus)
    return corpus


class Way(NamedTuple):
    """How a file is read: in which format, under which mapping, with what a person said of it.

    >>> Way("x_api").said()
    {}
    """

    format: str
    mapping: Mapping | None = None
    options: Options = Options()

    def said(self) -> dict[str, Any]:
        """All but the format as plain values, to read a part of the file again in the same way (`Way.of`).

        >>> Way("whatsapp", options=Options(date_order="dmy")).said()
        {'date_order': 'dmy'}
        """
        said = {name: value for name, value in asdict(self.options).items() if value}
        if self.mapping is not None:
            said["mapping"] = {**asdict(self.mapping), "fields": dict(self.mapping.fields)}
        return said

    @classmethod
    def of(cls, form: str, said: dict[str, Any]) -> Way:
        """The way that was said.

        >>> Way.of("whatsapp", {"date_order": "dmy"}).options.date_order
        'dmy'
        """
        columns = said.get("mapping")
        options = Options(**{name: value for name, value in said.items() if name != "mapping"})
        return cls(form, None if columns is None else Mapping(**columns), options)


def take_file(
    account: Account, label: str, path: Path, way: Way, progress: Callable[[int], None] | None = None
) -> None:
    """Take every record of one file into an account. Raises `BadInput` when it is not in the format.

    >>> import tempfile
    >>> held = []
    >>> account = Account(Key.made_up("demo"), held.append, held.append, held.append)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.jsonl").write_text("[1]\\n")
    ...     take_file(account, "a.jsonl", Path(folder) / "a.jsonl", Way("x_api"))
    >>> account.tallies["a.jsonl"].quarantined
    1
    """
    before = sum(tally.read for tally in account.tallies.values())
    account.open_file(label, way.format, way.said())
    tally = account.tallies[label]

    def report() -> None:
        if progress is not None:
            progress(before + tally.read)

    columns = _IN_COLUMNS.get(way.format) if way.mapping is None else None
    if columns is None or not take_lines(account, path, _RECORDS[way.format].drafts, columns, report):
        for read in _reads(path, way):
            account.take(read)
            if tally.read % _EVERY == 0:
                report()
    account.close_file()
    report()


def mapping_of(mapping: str | Path | Mapping | None, format: str | None) -> Mapping | None:  # noqa: A002
    """The mapping itself or that of a file. Raises `UsageError` when it and the format do not go together.

    >>> mapping_of(None, "x_api") is None
    True
    """
    if format is not None:
        try:
            one_of(format, FORMATS, "format")
        except SchemaError as error:
            raise UsageError(str(error)) from None
    if mapping is None:
        if format in _TABLES:
            raise UsageError(f"format {format!r} needs a mapping; type mapping='columns.toml', see {_HOW}")
        return None
    if format in _KNOWN:
        raise UsageError(f"format {format!r} takes no mapping; leave one of the two out")
    return mapping if isinstance(mapping, Mapping) else Mapping.from_toml(mapping)


_HOW = 'a file with platform = "x" and [fields] id, author, created_at, text'


def find_files(paths: str | Path | Sequence[str | Path]) -> dict[str, Path]:
    """The files that paths and patterns name, by the name under which each is accounted for.

    Raises `MissingData` when one names nothing, `UsageError` when one is a folder.

    >>> find_files("no-such-file.jsonl")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no file 'no-such-file.jsonl' where it was looked for; check the path
    """
    return _labelled(_found(paths))


def _found(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Each file once, whatever patterns found it."""
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise UsageError("no file was named; give a path or a pattern like 'exports/*.jsonl'")
    places: set[Path] = set()
    for item in given:
        text = os.path.expanduser(item)
        matches = [text] if os.path.exists(text) or not glob.has_magic(text) else glob.glob(text, recursive=True)
        if not matches or not all(os.path.exists(match) for match in matches):
            raise MissingData(f"there is no file {Path(text).name!r} where it was looked for; check the path")
        for match in matches:
            if os.path.isdir(match):
                name = Path(match).name
                raise UsageError(f"{name!r} is a folder; name its files, for instance '{name}/*.jsonl'")
            places.add(Path(match).absolute())
    files: dict[Path, Path] = {}
    for place in sorted(places):
        files.setdefault(place.resolve(), place)
    return list(files.values())


def _labelled(files: Sequence[Path]) -> dict[str, Path]:
    """Files by name, in the order of their names; those that share one, by what tells their folders apart."""
    shared = Counter(path.name for path in files)
    labels: dict[str, Path] = {}
    for path in files:
        label = path.name
        if shared[label] > 1:
            same = [other.parent for other in files if other.name == label]
            label = path.relative_to(os.path.commonpath(same)).as_posix()
        labels[label] = path
    return dict(sorted(labels.items()))


def format_of(path: Path, format: str | None, mapping: Mapping | None) -> str:  # noqa: A002
    """The format that was named, else the one that the content shows. Raises `BadInput` when it shows none.

    >>> format_of(Path("a.jsonl"), "x_api", None)
    'x_api'
    """
    if format is not None:
        return format
    start = first_bytes(path, _HEAD)
    if mapping is not None:
        return _packed(start) or _table_format(path)
    found = _told(path, start)
    if found is not None:
        return found
    guess = {"parquet": "a Parquet file", "xlsx": "a zip archive (unpack it) or an XLSX"}.get(_packed(start) or "")
    if guess is None and next(open_chunks(path), b"").lstrip().startswith(b"<"):
        guess = "a web page"
    raise BadInput(
        f"{path.name!r} is {guess or 'in no format that is known'}; known are {', '.join(_KNOWN)} (name one with "
        f"format=…), and any CSV, XLSX, JSON lines or Parquet with mapping='columns.toml', {_HOW}; for a first one "
        "type: discourse import FILE --draft-mapping > columns.toml"
    )


def _packed(start: bytes) -> str | None:
    """The table format that is not text, by the first bytes of the file."""
    return {b"PAR1": "parquet", b"PK\x03\x04": "xlsx"}.get(start[:4])


def _told(path: Path, start: bytes) -> str | None:
    """The format that the content shows, None where it shows none."""
    if _packed(start) is not None:
        return next((name for name, module in _FILES.items() if module.looks_like_file(start)), None)
    head = next(open_chunks(path), b"")[:_HEAD]
    for name, module in _FILES.items():
        if module.looks_like_file(head):
            return name
    for record in first_records(path):
        for name, module in _RECORDS.items():
            if module.looks_like(record):
                return name
    for delimiter in DELIMITERS:
        header = header_of(path, delimiter)
        for name, module in _COLUMNS.items():
            if module.has_columns(header):
                return name
    return None


def _table_format(path: Path) -> str:
    first = next((line or b"" for _, line in open_lines(path)), b"")
    return "jsonl" if first.lstrip().startswith(b"{") else "csv"


def _reads(path: Path, way: Way) -> Iterator[Read]:
    """The records of a file in a named format, those of a table under its mapping."""
    name = way.format
    if way.mapping is not None:
        yield from _TABLES[name](path, way.mapping)
    elif name in _FILES:
        yield from _FILES[name].reads(path, way.options)
    elif name in _COLUMNS and not (name in _RECORDS and first_records(path, 1)):
        module = _COLUMNS[name]
        yield from column_reads(path, module.has_columns, module.row_draft, module.ID_COLUMN)
    else:
        yield from json_reads(path, _RECORDS[name].drafts)


def _warn(corpus: Corpus) -> None:
    reasons = Counter(corpus.quarantine.filter(corpus.quarantine["outcome"] == "quarantined")["reason"].to_list())
    if not reasons:
        return
    listed = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items(), key=lambda x: (-x[1], x[0])))
    names = corpus.files["file"].to_list()
    where = repr(names[0]) if len(names) == 1 else f"{len(names)} files"
    warnings.warn(
        f"{reasons.total()} of {corpus.files['read'].sum()} rows of {where} were set aside: {listed}; "
        "see corpus.quarantine",
        QuarantineWarning,
        stacklevel=3,
    )
