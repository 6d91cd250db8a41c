"""`read_posts`: files of any known format to a corpus."""

from __future__ import annotations

import glob
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key, default_key_path
from discourse.errors import BadInput, MissingData, QuarantineWarning, SchemaError, UsageError
from discourse.readers import reddit, rtweet, telegram, twitter_v1, x_api, youtube
from discourse.readers.account import Account
from discourse.readers.files import first_bytes, open_chunks, open_lines
from discourse.readers.mapped import Mapping
from discourse.readers.records import Draft, Item, Reason, decode_object
from discourse.readers.tables import csv_drafts, jsonl_drafts, parquet_drafts
from discourse.schema import one_of

__all__ = ["FORMATS", "read_posts"]

# One JSON record a line, and one JSON document a file.
_EXPORTS: dict[str, ModuleType] = {"x_api": x_api, "rtweet": rtweet, "twitter_v1": twitter_v1, "reddit": reddit}
_DOCUMENTS: dict[str, ModuleType] = {"telegram": telegram, "youtube": youtube}
_TABLES: dict[str, Callable[[Path, Mapping], Iterator[tuple[int, Draft | Reason]]]] = {
    "csv": csv_drafts,
    "jsonl": jsonl_drafts,
    "parquet": parquet_drafts,
}
FORMATS = (*_EXPORTS, *_DOCUMENTS, *_TABLES)
_HEAD = 4096
_SNIFFED = 20
_EVERY = 10_000


def read_posts(
    paths: str | Path | Sequence[str | Path],
    *,
    key: Key | None = None,
    format: str | None = None,  # noqa: A002
    mapping: str | Path | Mapping | None = None,
    progress: Callable[[int], None] | None = None,
) -> Corpus:
    """The posts of one or more files, given by path or pattern, with an account of every row.

    The format of each file is told from its first records: pages or flattened tweets of the X API v2
    (`x_api`), rtweet's columns (`rtweet`), tweets of the API v1.1 (`twitter_v1`), Reddit dumps (`reddit`), a
    Telegram Desktop export (`telegram`), YouTube Data API pages (`youtube`); `format` names it instead. With a
    `mapping` (a `Mapping`, or a TOML file of one) any CSV, JSON lines or Parquet file can be read. Author ids
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
    (['x:9001'], [('page.jsonl', 'x_api', 1, 1, 0, 0)])
    """
    columns = _mapping(mapping, format)
    files = _labelled(_found(paths))
    account = Account(Key.from_file(default_key_path(), create=True) if key is None else key)
    for label, path in files.items():
        name = _format_of(path, format, columns)
        account.open_file(label, name)
        for line, item in _records(path, name, columns):
            account.take(item, label, line)
            if progress is not None and account.read.total() % _EVERY == 0:
                progress(account.read.total())
        if account.count(Reason.INVALID_UTF8, label) * 2 > account.read[label]:
            raise BadInput(f"most of {label!r} is not UTF-8; save it as UTF-8 and read it again")
    if progress is not None:
        progress(account.read.total())
    corpus = account.close()
    _warn(corpus)
    return corpus


def _mapping(mapping: str | Path | Mapping | None, format: str | None) -> Mapping | None:  # noqa: A002
    if format is not None:
        try:
            one_of(format, FORMATS, "format")
        except SchemaError as error:
            raise UsageError(str(error)) from None
    if mapping is None:
        if format in _TABLES:
            raise UsageError(f"format {format!r} needs a mapping; type mapping='columns.toml', see {_HOW}")
        return None
    if format in _EXPORTS:
        raise UsageError(f"format {format!r} takes no mapping; leave one of the two out")
    return mapping if isinstance(mapping, Mapping) else Mapping.from_toml(mapping)


_HOW = 'a file with platform = "x" and [fields] id, author, created_at, text'


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


def _format_of(path: Path, format: str | None, mapping: Mapping | None) -> str:  # noqa: A002
    if format is not None:
        return format
    parquet = first_bytes(path, 4) == b"PAR1"
    if mapping is not None:
        return "parquet" if parquet else _table_format(path)
    start = b""
    if not parquet:
        head = next(open_chunks(path), b"")[:_HEAD]
        for name, module in _DOCUMENTS.items():
            if module.looks_like(head):
                return name
        for _, line in islice(open_lines(path), _SNIFFED):
            start = start or (line or b"").lstrip()[:1]
            record = decode_object(line)
            for name, module in _EXPORTS.items():
                if not isinstance(record, Reason) and module.looks_like(record):
                    return name
    guess = {b"<": "a web page", b"[": "one JSON array (write one object a line: jq -c '.[]')"}.get(start, "")
    raise BadInput(
        f"{path.name!r} is {guess or 'in no format that is known'}; known are {', '.join((*_EXPORTS, *_DOCUMENTS))} "
        f"(name one with format=…), and any CSV, JSON lines or Parquet with mapping='columns.toml', {_HOW}"
    )


def _table_format(path: Path) -> str:
    first = next((line or b"" for _, line in open_lines(path)), b"")
    return "jsonl" if first.lstrip().startswith(b"{") else "csv"


def _records(path: Path, name: str, mapping: Mapping | None) -> Iterator[tuple[int, Item]]:
    if mapping is not None:
        yield from _TABLES[name](path, mapping)
        return
    if name in _DOCUMENTS:
        yield from _DOCUMENTS[name].documents(path)
        return
    module: Any = _EXPORTS[name]
    for number, line in open_lines(path):
        record = decode_object(line)
        if isinstance(record, Reason):
            yield number, record
        else:
            for item in module.drafts(record):
                yield number, item


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
