"""Rows that were set aside are read again, from their own bytes, by the readers of today."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from discourse.corpus.privacy import Key, default_key_path
from discourse.corpus.settle import Tombstones
from discourse.errors import DiscourseError
from discourse.readers.account import Account, Tally
from discourse.readers.read import Way, take_file
from discourse.store import disk
from discourse.store.manifest import Input, Manifest
from discourse.store.reading import open_manifest
from discourse.store.scrubbing import scrubbed
from discourse.store.segments import read_part
from discourse.store.spool import Spool
from discourse.store.staging import staging
from discourse.store.writing import Change, change_corpus, take_in

__all__ = ["Requeued", "requeue"]


@dataclass(frozen=True)
class Requeued:
    """How many rows were tried again, how many left the quarantine, and how many of these were new posts.

    >>> Requeued(3, 1, 1, 2).left
    1
    """

    tried: int
    left: int
    accepted: int
    generation: int


_Source = tuple[str, str, bytes]
"""A record that was set aside: its file, how it was read, its bytes. A page with two bad items was set aside twice."""


@dataclass
class _Again:
    """What came of reading records again: those that are in order now, and what they gave."""

    spool: Spool
    key: Key
    path: Path
    tried: int = 0
    mended: set[_Source] = field(default_factory=set)
    notices: list[pl.DataFrame] = field(default_factory=list)


def requeue(folder: str | Path, *, key: Key | None = None) -> Requeued:
    """Read all rows that were set aside and whose bytes were kept again, and take up those that are now in order.

    Their bytes leave the quarantine and the account of their file is put right: accepted, duplicates and quarantined
    still add up to what was read. Raises as `import_posts` does.

    >>> requeue("no-such-corpus")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no corpus in 'no-such-corpus'; make one with
    discourse import FILE… --corpus no-such-corpus
    """
    place = Path(folder)
    open_manifest(place)
    secret = Key.from_file(default_key_path()) if key is None else key
    done: dict[str, int] = {}
    with staging(place) as mine:

        def attempt(change: Change) -> Manifest | None:
            again = _read_again(place, change.before, mine / f"again-{change.before.generation}", secret)
            tallies = {file: Tally("") for file, _, _ in again.mended}
            took = take_in(change, again.spool, again.notices, secret, tallies)
            left = _rewrite(change, again, took.graves if took.told else Tombstones())
            made = sum(one.accepted for one in tallies.values())
            done.update(tried=again.tried, left=sum(left.values()), accepted=made)
            if not change.parts and not change.gone:
                return None
            inputs = tuple(_righted(one, left, tallies) for one in change.before.inputs)
            return change.before.following(parts=change.next_parts(), inputs=inputs)

        manifest = change_corpus(place, mine, secret, attempt)
    return Requeued(done["tried"], done["left"], done["accepted"], manifest.generation)


def _read_again(place: Path, manifest: Manifest, mine: Path, key: Key) -> _Again:
    with disk.taking("a row that was set aside"):
        mine.mkdir(mode=0o700)
    again = _Again(Spool(mine), key, mine / "one")
    lines: dict[_Source, list[int]] = {}
    for part in manifest.of("quarantine"):
        rows = read_part(place, part).filter(pl.col("raw").is_not_null())
        for file, line, how, raw in rows.select("source_file", "source_line", "how", "raw").iter_rows():
            lines.setdefault((file, how, raw), []).append(line)
    for source, places in sorted(lines.items()):
        again.tried += len(places)
        _read_one(again, source, places)
    return again


def _read_one(again: _Again, source: _Source, places: list[int]) -> None:
    """Read one record's own little file; its rows keep the file and line from which they first came."""
    file, how, raw = source
    said = json.loads(how)
    aside: list[pl.DataFrame] = []
    rows: list[pl.DataFrame] = []
    notices: list[pl.DataFrame] = []
    account = Account(again.key, rows.append, aside.append, notices.append)
    with disk.taking("a row that was set aside"):
        disk.remove(again.path)
        disk.write_bytes(again.path, raw)
    try:
        take_file(account, file, again.path, _way(said))
    except DiscourseError:
        return
    if aside:
        return  # all of it stays where it is until all of it can be read
    again.mended.add(source)
    again.notices += notices
    # Items of one document are set aside each with all of its bytes, and keep their places in it.
    whole = len(set(places)) > 1 and max(places) <= account.tallies[file].read
    line = pl.col("source_line") if whole else pl.lit(min(places), dtype=pl.Int64)
    for frame in rows:
        again.spool.take(frame.with_columns(line.alias("source_line")))


def _way(how: dict[str, Any]) -> Way:
    """How a record's own little file is read: rows of Parquet were kept as JSON, those of a spreadsheet as CSV."""
    form = how.pop("format")
    return Way.of({"parquet": "jsonl", "xlsx": "csv"}.get(form, form), how)


def _rewrite(change: Change, again: _Again, graves: Tombstones) -> Counter[str]:
    """Write the quarantine without what has left it; of each file, how many of its rows these are."""
    left: Counter[str] = Counter()
    for part in change.before.of("quarantine"):
        rows = read_part(change.folder, part)
        sources = zip(rows["source_file"], rows["how"], rows["raw"], strict=True)
        kept = [raw is None or (file, how, raw) not in again.mended for file, how, raw in sources]
        stay = scrubbed(rows.filter(pl.Series(kept, dtype=pl.Boolean)), graves, again.key)
        if not stay.equals(rows):
            left.update(file for file, keep in zip(rows["source_file"], kept, strict=True) if not keep)
            change.drop(part)
            change.write("quarantine", [stay])
    return left


def _righted(one: Input, left: Counter[str], tallies: dict[str, Tally]) -> Input:
    """The account of a file after some of its rows came out of quarantine: new posts, and else duplicates.

    One that contradicts another record is set aside again, as it would have been at first. A row that left may hold
    posts that were taken long ago, beside it on a page; these are duplicates of themselves and were counted then.
    Of two files with one name the first takes what it can, the second the rest.
    """
    moved = min(left[one.file], one.quarantined)
    if not moved:
        return one
    left[one.file] -= moved
    tally = tallies[one.file]
    rivals = min(tally.quarantined, moved)
    accepted = min(tally.accepted, moved - rivals)
    edits, deleted = min(tally.edits, accepted), min(tally.deleted, accepted)
    for name, number in {"quarantined": rivals, "accepted": accepted, "edits": edits, "deleted": deleted}.items():
        setattr(tally, name, getattr(tally, name) - number)
    return replace(
        one,
        quarantined=one.quarantined - moved + rivals,
        accepted=one.accepted + accepted,
        duplicates=one.duplicates + moved - accepted - rivals,
        edits=one.edits + edits,
        deleted=one.deleted + deleted,
    )
