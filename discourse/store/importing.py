"""Files into a corpus on disk: all of them, or none when one is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl

from discourse.corpus.privacy import Key, default_key_path
from discourse.errors import BadInput, DiscourseError
from discourse.readers.account import Account, Tally
from discourse.readers.formats import Options
from discourse.readers.mapped import Mapping
from discourse.readers.read import Way, find_files, format_of, mapping_of, take_file
from discourse.store import disk
from discourse.store.manifest import Input, Manifest, latest
from discourse.store.scrubbing import scrubbed
from discourse.store.spool import AsideSpool, Spool
from discourse.store.staging import staging
from discourse.store.writing import Change, change_corpus, check_key, scrub, take_in

__all__ = ["Imported", "import_posts"]


@dataclass(frozen=True)
class Imported:
    """What an import did: the account of each file, why files were refused, and the corpus's generation since.

    `quarantined` has source_file, source_line and reason of each row that was set aside. When a file was refused,
    nothing was taken of any, and `generation` is as it was.
    """

    inputs: tuple[Input, ...]
    refused: dict[str, DiscourseError]
    quarantined: pl.DataFrame
    generation: int

    def to_json(self) -> dict[str, Any]:
        """The account as plain values: one entry a file."""
        aside: dict[str, list[dict[str, Any]]] = {one.file: [] for one in self.inputs}
        for file, line, reason in self.quarantined.sort("source_file", "source_line", maintain_order=True).iter_rows():
            aside[file].append({"line": line, "reason": reason})
        return {
            "files": [
                {
                    "file": one.file,
                    "format": one.format or None,
                    "read": one.read,
                    "accepted": one.accepted,
                    "duplicates": one.duplicates,
                    "quarantined": aside[one.file],
                    "edits": one.edits,
                    "deleted": one.deleted,
                    "refused": str(self.refused[one.file]) if one.file in self.refused else None,
                }
                for one in self.inputs
            ],
            "generation": self.generation,
        }


@dataclass
class _Taken:
    """What was read of some files: rows in a spool, the rest in memory or as files in the staging folder."""

    spool: Spool
    aside: AsideSpool
    notices: list[pl.DataFrame]
    tallies: dict[str, Tally]
    hashes: dict[str, str]
    said: dict[str, str]
    refused: dict[str, DiscourseError]


def import_posts(
    paths: str | Path | Sequence[str | Path],
    folder: str | Path,
    *,
    key: Key | None = None,
    format: str | None = None,  # noqa: A002
    mapping: str | Path | Mapping | None = None,
    options: Options | None = None,
    jobs: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Imported:
    """Import files, given by path or pattern, into the corpus in a folder, which is made if it is not there.

    A row is accepted, a duplicate, or set aside with its reason and bytes; the three add up to what was read.
    Importing a file again changes nothing. `jobs` files are read at the same time; neither that nor the order of
    files changes the corpus. When a file cannot be read as what it should be, all are refused and the corpus is as
    it was: see `Imported.refused`.

    Raises `MissingData` when a path finds nothing, `UsageError` for an impossible option, `PrivacyError` when the
    corpus was made with another key, `BadInput` when the disk is full.

    >>> import tempfile
    >>> row = '{"id": "9001", "author_id": "42", "created_at": "2025-05-07T10:00:00Z", "text": "peace"}'
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = (Path(place) / "a.jsonl").write_text(row)
    ...     done = import_posts(f"{place}/a.jsonl", f"{place}/corpus", key=Key.made_up("demo"))
    >>> done.inputs[0].accepted, done.generation
    (1, 1)
    """
    place, columns = Path(folder), mapping_of(mapping, format)
    files = find_files(paths)
    secret = Key.from_file(default_key_path(), create=True) if key is None else key
    check_key(latest(place), secret)
    work = _Work(secret, format, columns, options or Options())
    with staging(place) as mine:
        taken = _read_all(work, files, mine, jobs, progress)
        if taken.refused:
            inputs = tuple(_input(file, taken, {}) for file in files)
            return Imported(inputs, taken.refused, _listed([]), latest(place).generation)
        return _commit(place, mine, secret, taken)


@dataclass(frozen=True)
class _Work:
    key: Key
    format: str | None
    mapping: Mapping | None
    options: Options

    def way(self, path: Path) -> Way:
        return Way(format_of(path, self.format, self.mapping), self.mapping, self.options)


def _read_all(
    work: _Work, files: dict[str, Path], mine: Path, jobs: int, progress: Callable[[int], None] | None
) -> _Taken:
    shares = _shares(files, jobs)
    if len(shares) == 1:
        return _read_share(work, shares[0], mine, progress)
    whole = _Taken(Spool(mine), AsideSpool(mine), [], {}, {}, {}, {})
    with ProcessPoolExecutor(len(shares), get_context("spawn")) as pool:
        places = [mine / f"share-{number}" for number in range(len(shares))]
        for part in pool.map(_read_apart, [work] * len(shares), shares, places):
            whole.spool.join(part.spool)
            whole.aside.join(part.aside)
            whole.notices += part.notices
            whole.tallies |= part.tallies
            whole.hashes |= part.hashes
            whole.said |= part.said
            whole.refused |= part.refused
    return whole


def _shares(files: dict[str, Path], jobs: int) -> list[dict[str, Path]]:
    """Files dealt to processes, the largest first, each to the one that has least."""
    shares: list[dict[str, Path]] = [{} for _ in range(max(1, min(jobs, len(files))))]
    load = [0] * len(shares)
    for label in sorted(files, key=lambda label: (-files[label].stat().st_size, label)):
        lightest = load.index(min(load))
        shares[lightest][label] = files[label]
        load[lightest] += files[label].stat().st_size
    return shares


def _read_apart(work: _Work, files: dict[str, Path], place: Path) -> _Taken:
    with disk.taking("a part of what was read"):
        place.mkdir(mode=0o700)
    taken = _read_share(work, files, place, None)
    taken.spool.spill()
    return replace(taken, spool=Spool(place))


def _read_share(work: _Work, files: dict[str, Path], place: Path, progress: Callable[[int], None] | None) -> _Taken:
    taken = _Taken(Spool(place), AsideSpool(place), [], {}, {}, {}, {})
    account = Account(work.key, taken.spool.take, taken.aside.take, taken.notices.append, taken.tallies)
    for label, path in sorted(files.items()):
        try:
            before = _state(path)
            taken.hashes[label] = disk.hash_of(path)
            way = work.way(path)
            taken.said[label] = json.dumps(way.said(), ensure_ascii=False, sort_keys=True)
            take_file(account, label, path, way, progress)
            if _state(path) != before:
                raise BadInput(f"{label!r} was changed while it was read; import it when it is finished")
        except DiscourseError as error:
            if disk.is_full(error):
                raise
            taken.refused[label] = error
            account.drop_file()
        except OSError as error:
            taken.refused[label] = BadInput(f"{label!r} cannot be read ({error.strerror}); check it and the disk")
            account.drop_file()
    return taken


def _state(path: Path) -> tuple[int, int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ino


def _commit(place: Path, mine: Path, key: Key, taken: _Taken) -> Imported:
    outcome: dict[str, Any] = {}

    def attempt(change: Change) -> Manifest | None:
        tallies = {file: replace(tally) for file, tally in taken.tallies.items()}
        known = {(one.file, one.sha256, one.format, one.how) for one in change.before.inputs}
        fresh = [file for file in tallies if _identity(file, taken) not in known]
        told, graves, rivals = take_in(change, taken.spool, taken.notices, key, tallies)
        if told:
            scrub(change, graves, key)
        aside = (frame.filter(pl.col("source_file").is_in(fresh)) for frame in taken.aside.frames())
        change.write("quarantine", (scrubbed(frame, graves, key) for frame in aside))
        inputs = tuple(_input(file, taken, tallies) for file in sorted(tallies))
        outcome.update(inputs=inputs, aside=_listed([taken.aside.listed, rivals]))
        new = [one for one in inputs if one.file in fresh]
        if not change.parts and not change.gone and not new:
            return None
        merged = sorted((*change.before.inputs, *new), key=lambda one: (one.file, one.sha256))
        return change.before.following(key=key.fingerprint, parts=change.next_parts(), inputs=tuple(merged))

    manifest = change_corpus(place, mine, key, attempt)
    return Imported(outcome["inputs"], {}, outcome["aside"], manifest.generation)


def _input(file: str, taken: _Taken, tallies: dict[str, Tally]) -> Input:
    """The account of a file; of one that was refused, or was read beside one, nothing counts as taken."""
    read = taken.tallies.get(file, Tally(""))
    tally = tallies.get(file)
    digest = taken.hashes.get(file, "")
    if tally is None:
        return Input(file, digest, read.format, read=read.read)
    return Input(
        file, digest, tally.format, tally.read, tally.accepted, tally.duplicates, tally.quarantined, tally.edits,
        tally.deleted, taken.said[file],
    )  # fmt: skip


def _identity(file: str, taken: _Taken) -> tuple[str, str, str, str]:
    """What makes a file one that was imported: the same bytes under that name, read in the same way."""
    return file, taken.hashes[file], taken.tallies[file].format, taken.said[file]


def _listed(frames: list[pl.DataFrame]) -> pl.DataFrame:
    columns = {"source_file": pl.String(), "source_line": pl.Int64(), "reason": pl.String()}
    return pl.concat([pl.DataFrame(schema=columns), *(frame.select(list(columns)) for frame in frames)])
