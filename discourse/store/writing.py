"""How a corpus changes: new parts are worked out from the newest manifest, then committed, or worked out again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from discourse.corpus.privacy import Key
from discourse.corpus.settle import ITEM, NAMING, OBSERVED, Tombstones, join_records, split_deleted, with_gone
from discourse.errors import BadInput, PrivacyError
from discourse.readers.account import NOTICES, Tally
from discourse.store import disk
from discourse.store.manifest import Manifest, Part, commit, generations, latest
from discourse.store.scrubbing import scrubbed
from discourse.store.segments import BUCKET, DATA, PartWriter, read_part, rows_of
from discourse.store.spool import Spool

__all__ = [
    "Change",
    "TakenIn",
    "bury",
    "change_corpus",
    "check_key",
    "count_notices",
    "prepare",
    "scrub",
    "spread",
    "take_in",
    "tombstones_of",
    "write_graves",
]

GRAVES = {"subject": pl.String(), "what": pl.String()}
_TRIES = 1000


@dataclass
class Change:
    """What one attempt at a change has written so far, to be committed or thrown away."""

    folder: Path
    staging: Path
    before: Manifest
    parts: list[Part] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    _writers: list[PartWriter] = field(default_factory=list)

    def write(self, kind: str, frames: Iterable[pl.DataFrame]) -> tuple[Part, ...]:
        """Write frames as new parts of one kind: each in a thread of its own, while the next is worked out.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as place:
        ...     Change(Path(place), Path(place), Manifest()).write("quarantine", [])
        ()
        """
        writer = PartWriter(self.folder, self.staging, kind)
        self._writers.append(writer)
        with ThreadPoolExecutor(1) as thread:
            at_work: Future[None] | None = None
            for frame in frames:
                if at_work is not None:
                    at_work.result()
                at_work = thread.submit(writer.add, frame)
            if at_work is not None:
                at_work.result()
        made = writer.close()
        self.parts += made
        return made

    def drop(self, part: Part) -> None:
        """Leave a part out of the next manifest.

        >>> change = Change(Path("corpus"), Path("corpus"), Manifest())
        >>> change.drop(Part("a.parquet", "posts", "00", 1, 1))
        >>> change.gone
        {'a.parquet'}
        """
        self.gone.add(part.name)

    def discard(self) -> None:
        """Remove all that was written."""
        for writer in self._writers:
            writer.discard()

    def next_parts(self) -> tuple[Part, ...]:
        """The parts of the next manifest.

        >>> Change(Path("corpus"), Path("corpus"), Manifest()).next_parts()
        ()
        """
        kept = [part for part in (*self.before.parts, *self.parts) if part.name not in self.gone]
        return tuple(sorted(kept, key=lambda part: (part.kind, part.low, part.name)))


def change_corpus(
    folder: Path, staging: Path, key: Key | None, attempt: Callable[[Change], Manifest | None]
) -> Manifest:
    """Let `attempt` work out the next manifest from the newest, and commit it; again when another writer was first.

    `attempt` returns None when there is nothing to change. Raises `PrivacyError` when the corpus was made with
    another key; without one, nothing that is written may hang on it.
    """
    for _ in range(_TRIES):
        before = latest(folder)
        if key is not None:
            check_key(before, key)
        change = Change(folder, staging, before)
        try:
            following = attempt(change)
            if following is not None:
                aside = prepare(folder, staging, following)
        except BaseException as error:
            change.discard()
            if isinstance(error, BadInput) and latest(folder).generation != before.generation:
                continue  # what it read was cleared away by a newer generation
            raise
        if following is None:
            change.discard()
            return before
        if commit(folder, aside, following):
            _clear(folder, change, following)
            return following
        change.discard()
    raise BadInput("other writers were faster a thousand times; try again when fewer write to the corpus")


def check_key(manifest: Manifest, key: Key) -> None:
    """Raises `PrivacyError` when a corpus was made with another key.

    >>> check_key(Manifest(), Key.made_up("demo"))
    """
    if manifest.key not in ("", key.fingerprint):
        raise PrivacyError(
            "the corpus was made with another key, so its pseudonyms would not match; set DISCOURSE_KEY_FILE to "
            "the key it was made with"
        )


def prepare(folder: Path, staging: Path, manifest: Manifest) -> Path:
    """Flush the names of new parts, and write a manifest aside, to be committed."""
    aside = staging / f"manifest-{manifest.generation}.json"
    with disk.taking("a manifest"):
        disk.sync_folder(folder / DATA)
        disk.remove(aside)
        disk.write_bytes(aside, manifest.to_bytes())
    return aside


def _clear(folder: Path, change: Change, manifest: Manifest) -> None:
    """Remove parts that were dropped because they hold what was deleted, and the manifests that name them."""
    if not change.gone:
        return
    for path in generations(folder):
        if int(path.stem) < manifest.generation:
            disk.remove(path)
    for name in sorted(change.gone):
        disk.remove(folder / DATA / name)


def tombstones_of(folder: Path, manifest: Manifest) -> Tombstones:
    """All that must never be live in a corpus.

    >>> tombstones_of(Path("corpus"), Manifest())
    Tombstones(subjects=frozenset(), seen=frozenset())
    """
    frames = [read_part(folder, part) for part in manifest.of("tombstones")]
    told = pl.concat([pl.DataFrame(schema=GRAVES), *frames])
    by_what = {what: frozenset(told.filter(what=what)["subject"].to_list()) for what in ("grave", "seen")}
    return Tombstones(by_what["grave"], by_what["seen"])


def count_notices(frames: list[pl.DataFrame], before: Tombstones, tallies: dict[str, Tally]) -> frozenset[str]:
    """The subjects of notices that were not known; each notice is counted as accepted and deleted, or repeated.

    >>> count_notices([], Tombstones(), {})
    frozenset()
    """
    new: set[str] = set()
    told = pl.concat([pl.DataFrame(schema=NOTICES), *frames]).sort("source_file", "source_line", maintain_order=True)
    for file, subject in told.select("source_file", "subject").iter_rows():
        repeated = subject in new or subject in before.subjects
        tallies[file].count("duplicate" if repeated else "deleted")
        new |= {subject} - before.subjects
    return frozenset(new)


def take_in(change: Change, spool: Spool, notices: list[pl.DataFrame], key: Key, tallies: dict[str, Tally]) -> TakenIn:
    """Write what new rows and notices of deletion add to a corpus, and count in `tallies` what each of them is.

    Gives where the rows stand that contradict a stored or earlier one without being an edit; these are set aside
    too. What was stored and is kept out from now on is written anew without it.
    """
    before = tombstones_of(change.folder, change.before)
    told = count_notices(notices, before, tallies)
    graves = spread(change, Tombstones(before.subjects | told, before.seen), key, spool)
    rivals = _merge(change, spool, graves, before.seen, key=key, tallies=tallies)
    if told or graves.seen != before.seen:
        bury(change, graves, key)
    write_graves(change, told, graves.seen - before.seen)
    return TakenIn(told, graves, rivals)


def scrub(change: Change, graves: Tombstones, key: Key) -> None:
    """Write what was set aside anew without the bytes of what a tombstone keeps out."""
    for part in change.before.of("quarantine"):
        rows = read_part(change.folder, part)
        clean = scrubbed(rows, graves, key)
        if not clean["raw"].equals(rows["raw"]):
            change.drop(part)
            change.write("quarantine", [clean])


def spread(change: Change, graves: Tombstones, key: Key, spool: Spool | None = None) -> Tombstones:
    """The tombstones with those of all posts, new and stored, that they keep out: a post that goes may take others
    with it that stand in other files. Stored posts are looked through only if anything is new.
    """
    before = tombstones_of(change.folder, change.before)
    while any(graves):
        wide = graves
        for _, _, rows in spool.parts() if spool else ():
            wide = with_gone(rows, wide, key)
        if wide != before:
            for part in change.before.of("posts"):
                wide = with_gone(read_part(change.folder, part, NAMING), wide, key)
        if wide == graves:
            break
        graves = wide
    return graves


def _merge(
    change: Change, spool: Spool, graves: Tombstones, known: frozenset[str], *, key: Key, tallies: dict[str, Tally]
) -> pl.DataFrame:
    seen: set[str] = set()
    rivals: list[pl.DataFrame] = []

    def added() -> Iterable[pl.DataFrame]:
        for low, high, rows in spool.parts():
            standing, gone = split_deleted(rows, graves, key)
            _count_gone(gone, known, seen, tallies)
            stored, _ = split_deleted(_stored(change, low, high, standing["post_id"]), graves, key)
            joined, outcomes = join_records(stored, standing)
            for file, outcome, number in outcomes.group_by("source_file", "outcome").len().iter_rows():
                tallies[file].count(outcome, number)
            rivals.append(outcomes.filter(pl.col("outcome") == "conflicting_duplicate"))
            if not stored.height and joined.height == standing.height:
                yield standing  # each text of a post came once
                continue
            new = joined.join(stored, on=list(OBSERVED), how="anti", nulls_equal=True)
            yield new.join(standing.select("post_id", BUCKET).unique("post_id"), on="post_id", how="left")

    change.write("posts", added())
    late = pl.concat([_NONE, *(frame.select("source_file", "source_line", reason="outcome") for frame in rivals)])
    change.write("quarantine", [_as_aside(late)])
    return late


class TakenIn(NamedTuple):
    """What `take_in` met besides rows to store: new notices, all tombstones since, and rows that contradict others."""

    told: frozenset[str]
    graves: Tombstones
    rivals: pl.DataFrame


def write_graves(change: Change, subjects: Iterable[str], seen: Iterable[str]) -> None:
    """Write new tombstones, and which posts came in spite of one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     write_graves(Change(Path(place), Path(place), Manifest()), [], [])
    """
    rows = [(one, "grave") for one in sorted(subjects)] + [(one, "seen") for one in sorted(seen)]
    change.write("tombstones", [pl.DataFrame(rows, schema=GRAVES, orient="row")])


_NONE = pl.DataFrame(schema={"source_file": pl.String(), "source_line": pl.Int64(), "reason": pl.String()})


def _as_aside(late: pl.DataFrame) -> pl.DataFrame:
    empty = pl.lit(None, dtype=pl.String)
    return late.sort("source_file", "source_line").with_columns(
        empty.alias("how"), pl.lit(None, dtype=pl.Binary).alias("raw")
    )


def _stored(change: Change, low: int, high: int, ids: pl.Series) -> pl.DataFrame:
    """The stored rows of some posts: ids are looked through first, so that few rows are unpacked for few posts."""
    wanted = ids.unique()
    known = rows_of(change.folder, change.before, low, high, ["post_id"])
    buckets = known.filter(pl.col("post_id").is_in(wanted.implode()))["bucket"]
    if not buckets.len():
        return pl.DataFrame(schema=OBSERVED)
    first, last = int(buckets.min()), int(buckets.max())  # type: ignore[arg-type]
    found = rows_of(change.folder, change.before, first, last)
    return found.filter(pl.col("post_id").is_in(wanted.implode())).select(list(OBSERVED))


def _count_gone(gone: pl.DataFrame, before: frozenset[str], seen: set[str], tallies: dict[str, Tally]) -> None:
    for file, grave in gone.sort("source_file", "source_line", ITEM).select("source_file", "grave").iter_rows():
        known = grave in before or grave in seen
        tallies[file].count("duplicate" if known else "deleted")
        seen.add(grave)


def bury(change: Change, graves: Tombstones, key: Key) -> frozenset[str]:
    """Write every stored part anew that holds a row which a tombstone keeps out, or that names such a post.

    Returns the keyed hashes of the posts that went.
    """
    found: set[str] = set()
    for part in change.before.of("posts"):
        rows = read_part(change.folder, part)
        standing, gone = split_deleted(rows, graves, key)
        if gone.height or not standing["parent_id"].equals(rows["parent_id"]):
            found |= set(gone["grave"].to_list())
            change.drop(part)
            change.write("posts", [standing])
    return frozenset(found)
