"""`verify` names what is wrong with a corpus; `gc` removes what is no part of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from discourse.errors import BadInput
from discourse.store import disk
from discourse.store.manifest import FOLDER, Manifest, Part, generations, latest, read_manifest
from discourse.store.reading import open_manifest
from discourse.store.segments import BUCKET, DATA
from discourse.store.staging import STAGING, leftovers, writers

__all__ = ["Cleared", "Problem", "Verified", "gc", "verify"]

_PROGRESS = "verify.json"
_EVERY = 20
_RECENT = 24 * 3600


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the file, what is wrong with it, and what to do.

    >>> Problem("a.parquet", "is gone", "restore it from a copy").file
    'a.parquet'
    """

    file: str
    what: str
    todo: str


@dataclass(frozen=True)
class Verified:
    """What `verify` found. The corpus is sound when `problems` is empty; `leftovers` are files that are no part of it.

    >>> Verified(1, 2, 0, (), ("old.parquet",)).leftovers
    ('old.parquet',)
    """

    generation: int
    files: int
    rows: int
    problems: tuple[Problem, ...]
    leftovers: tuple[str, ...]


def verify(folder: str | Path, deep: bool = True) -> Verified:
    """Compare every file of a corpus with what its manifest says, and say what is wrong.

    Sizes and SHA-256 of all files, the hash of each manifest, the sums of each file's account; with `deep` also that
    each part can be read, with the rows and buckets that it should have. Interrupted, it goes on where it stopped.
    Raises `MissingData` where there is no corpus.

    >>> verify("no-such-corpus")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus in 'no-such-corpus'; make one with
    discourse import FILE… --corpus no-such-corpus
    """
    place = Path(folder)
    problems = [*_manifest_problems(place)]
    manifest = Manifest()
    with suppress(BadInput):
        manifest = open_manifest(place)
    problems += _account_problems(manifest)
    done = _progress(place)
    for number, part in enumerate(manifest.parts, start=1):
        mark = _mark(place, part, deep)
        if mark is not None and done.get(part.name) == mark:
            continue
        problem = _part_problem(place, part, deep)
        if problem is not None:
            problems.append(problem)
            continue
        done[part.name] = mark
        if number % _EVERY == 0:
            _note(place, done)
    with suppress(OSError):
        disk.remove(place / _PROGRESS)
    rows = sum(part.rows for part in manifest.of("posts"))
    return Verified(manifest.generation, len(manifest.parts), rows, tuple(problems), tuple(_strays(place, manifest)))


def _manifest_problems(place: Path) -> Iterator[Problem]:
    numbers = [int(path.stem) for path in generations(place)]
    for path in generations(place):
        try:
            found = read_manifest(path)
        except BadInput as error:
            yield Problem(path.name, "is damaged or of a newer version", str(error))
            continue
        except FileNotFoundError:
            continue
        if found.generation != int(path.stem):
            yield Problem(path.name, f"holds generation {found.generation}", "restore it from a copy")
    if numbers and numbers != list(range(numbers[0], numbers[-1] + 1)):
        yield Problem(FOLDER, "has gaps in its numbers", "restore the manifests that are missing from a copy")


def _account_problems(manifest: Manifest) -> Iterator[Problem]:
    for one in manifest.inputs:
        if one.accepted + one.duplicates + one.quarantined != one.read:
            yield Problem(one.file, "accepted, duplicates and quarantined are not what was read", "import it anew")


def _part_problem(place: Path, part: Part, deep: bool) -> Problem | None:
    todo = "restore it from a copy, or import the files anew into a new corpus"
    path = place / DATA / part.name
    try:
        size = path.stat().st_size
        if size != part.bytes:
            return Problem(part.name, f"has {size} bytes instead of {part.bytes}", todo)
        if disk.hash_of(path) != part.sha256:
            return Problem(part.name, "has been changed: its SHA-256 is another", todo)
        if deep and (what := _inside(path, part)) is not None:
            return Problem(part.name, what, todo)
    except FileNotFoundError:
        return Problem(part.name, "is gone", todo)
    except (OSError, pa.ArrowException):
        return Problem(part.name, "cannot be read", todo)
    return None


def _inside(path: Path, part: Part) -> str | None:
    rows = 0
    last = part.low
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for number in range(file.num_row_groups):
            table: Any = file.read_row_group(number)
            rows += table.num_rows
            if part.kind == "posts":
                buckets = table.column(BUCKET).to_numpy()
                if buckets[0] < last or (buckets[1:] < buckets[:-1]).any() or buckets[-1] > part.high:
                    return "holds rows that belong elsewhere"
                last = int(buckets[-1])
    return None if rows == part.rows else f"holds {rows} rows instead of {part.rows}"


def _mark(place: Path, part: Part, deep: bool) -> str | None:
    """What tells that a part is the one that was checked, as deeply: a file that was touched since has another time."""
    try:
        return f"{part.sha256} {(place / DATA / part.name).stat().st_mtime_ns} {'deep' if deep else 'quick'}"
    except OSError:
        return None


def _progress(place: Path) -> dict[str, Any]:
    """What was checked before an interruption, if that is not long ago: a disk may have forgotten since."""
    try:
        if abs(time.time() - (place / _PROGRESS).stat().st_mtime) > _RECENT:
            return {}
        done = json.loads((place / _PROGRESS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return done if isinstance(done, dict) else {}


def _note(place: Path, done: dict[str, Any]) -> None:
    """Keep how far this got; where the corpus can only be read, nothing is kept."""
    with suppress(OSError):
        aside = place / f".{_PROGRESS}"
        disk.remove(aside)
        disk.write_bytes(aside, json.dumps(done).encode())
        disk.rename(aside, place / _PROGRESS)


def _strays(place: Path, manifest: Manifest) -> Iterator[str]:
    named = {part.name for part in manifest.parts}
    if (place / DATA).is_dir():
        yield from sorted(f"{DATA}/{path.name}" for path in (place / DATA).iterdir() if path.name not in named)
    yield from (f"{STAGING}/{path.name}" for path in leftovers(place))


@dataclass(frozen=True)
class Cleared:
    """What `gc` removed, and how many writers were at work, in which case unnamed data files were left alone.

    >>> Cleared(("data/a.parquet",), 10, 0).bytes
    10
    """

    removed: tuple[str, ...]
    bytes: int
    writers: int


def gc(folder: str | Path) -> Cleared:
    """Remove what a crash left behind and what only older generations named. What stands is not touched.

    Raises `MissingData` where there is no corpus, `BadInput` when its newest manifest is damaged.

    >>> gc("no-such-corpus")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus in 'no-such-corpus'; make one with
    discourse import FILE… --corpus no-such-corpus
    """
    place = Path(folder)
    open_manifest(place)
    # In this order: a file made later is not listed, and a writer that is done since has committed what it made.
    listed = sorted((place / DATA).iterdir()) if (place / DATA).is_dir() else []
    working = writers(place)
    manifest = latest(place)
    named = {part.name for part in manifest.parts}
    folders = leftovers(place)
    going = [file for path in folders for file in sorted(path.rglob("*"), reverse=True)]
    if not working:
        strays = [path for path in listed if path.name not in named]
        going += [file for path in strays if path.is_dir() for file in sorted(path.rglob("*"), reverse=True)]
        going += strays
        going += [path for path in generations(place) if int(path.stem) < manifest.generation]
    size = 0
    for path in going:
        with suppress(FileNotFoundError):
            size += path.stat().st_size if path.is_file() else 0
            path.rmdir() if path.is_dir() else disk.remove(path)
    for path in folders:
        with suppress(FileNotFoundError):
            path.rmdir()
    names = [path.relative_to(place).as_posix() for path in [*going, *folders]]
    return Cleared(tuple(names), size, len(working))
