"""What must go goes: posts and authors whose deletion was asked for, in every file, and for good."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discourse.corpus.privacy import Key, default_key_path, handle_pseudonym, post_name, pseudonym, tombstone
from discourse.corpus.settle import Tombstones
from discourse.errors import BadInput, UsageError
from discourse.readers.files import open_lines
from discourse.readers.values import decode_object
from discourse.store.checking import gc
from discourse.store.manifest import Manifest
from discourse.store.reading import open_manifest
from discourse.store.scrubbing import holds_one_of, without_raw
from discourse.store.segments import read_part
from discourse.store.staging import staging
from discourse.store.writing import Change, bury, change_corpus, spread, tombstones_of, write_graves

__all__ = ["Forgotten", "compliance_ids", "forget", "ids_in"]

_NAMED = re.compile(r"(?!did:)[a-z][a-z0-9_-]*:(?!//)")
_WITHDRAWN = ("deleted", "protected", "suspended", "deactivated")


@dataclass(frozen=True)
class Forgotten:
    """What `forget` did: how many of the subjects were new, posts that went, and every file that was written anew.

    >>> Forgotten(1, 2, 0, ("a.parquet",), 3).posts
    2
    """

    subjects: int
    posts: int
    set_aside: int
    rewritten: tuple[str, ...]
    generation: int


def forget(
    folder: str | Path, *, posts: Sequence[str] = (), authors: Sequence[str] = (), key: Key | None = None
) -> Forgotten:
    """Take posts and authors, by the platform's own ids, out of a corpus, now and in any later import.

    Each is written "platform:id" ("x:9001"), an author also "platform:@handle". Every stored file that holds a row of
    theirs, another version of it or a repost of theirs, is written anew, and the old one and the manifests that name
    it are removed; so are the bytes, in which the id stands, of rows that were set aside, and what a crash left
    behind (unless another writer is at work; then `gc` removes it later). Replies to such a post stand. Only keyed
    hashes of the ids are kept.

    Raises `UsageError` when an id is not written so, `MissingData` where there is no corpus, `PrivacyError` when it
    was made with another key.

    >>> forget("no-such-corpus", posts=["9001"])
    Traceback (most recent call last):
    discourse.errors.UsageError: an id must be written with its platform, like x:9001; the first of 1 is not
    """
    place = Path(folder)
    split_posts, split_authors = _split(posts), _split(authors)
    if not split_posts and not split_authors:
        raise UsageError("nobody and nothing was named; give ids of posts or authors")
    open_manifest(place)
    secret = Key.from_file(default_key_path()) if key is None else key
    subjects = frozenset(_subjects(split_posts, split_authors, secret))
    natives = [native.removeprefix("@") for _, native in (*split_posts, *split_authors)]
    done: dict[str, Any] = {}

    def attempt(change: Change) -> Manifest | None:
        before = tombstones_of(place, change.before)
        new = subjects - before.subjects
        graves = spread(change, Tombstones(before.subjects | subjects, before.seen), secret)
        gone = bury(change, graves, secret)
        aside = _purge_aside(change, natives)
        done.update(new=len(new), posts=len(gone), aside=aside, gone=tuple(sorted(change.gone)))
        if not new and not change.gone:
            return None
        write_graves(change, new, graves.seen - before.seen)
        return change.before.following(parts=change.next_parts(), key=secret.fingerprint)

    with staging(place) as mine:
        manifest = change_corpus(place, mine, secret, attempt)
    gc(place)  # what a crash left behind may hold their posts too
    return Forgotten(done["new"], done["posts"], done["aside"], done["gone"], manifest.generation)


def _split(names: Iterable[str]) -> list[tuple[str, str]]:
    pairs = [name.strip().partition(":") for name in names]
    for number, (platform, colon, native) in enumerate(pairs, start=1):
        if not platform or not colon or not native.strip() or not platform.isidentifier():
            which = {1: "first"}.get(number, f"{number}th")
            raise UsageError(
                f"an id must be written with its platform, like x:9001; the {which} of {len(pairs)} is not"
            )
    return [(platform, native.strip()) for platform, _, native in pairs]


def _subjects(posts: Iterable[tuple[str, str]], authors: Iterable[tuple[str, str]], key: Key) -> Iterable[str]:
    for platform, native in posts:
        yield tombstone(key, post_name(key, platform, native))
    for platform, native in authors:
        if native.startswith("@"):
            yield handle_pseudonym(key, platform, native)
        yield pseudonym(key, platform, native)


def _purge_aside(change: Change, natives: list[str]) -> int:
    """Write parts of what was set aside anew without the bytes in which one of the ids stands."""
    gone = 0
    for part in change.before.of("quarantine"):
        rows = read_part(change.folder, part)
        held = [raw is not None and holds_one_of(raw, natives) for raw in rows["raw"]]
        if any(held):
            gone += sum(held)
            change.drop(part)
            change.write("quarantine", [without_raw(rows, held)])
    return gone


def ids_in(path: str | Path, platform: str) -> list[str]:
    """The ids in a file, one a line, with the platform before those that have none. Lines with # are left out.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = (Path(place) / "gone.txt").write_text("# asked for in May\\n9001\\nyoutube:Ugdemo\\n")
    ...     ids_in(Path(place) / "gone.txt", "x")
    ['x:9001', 'youtube:Ugdemo']
    """
    lines = [(line or b"").decode("utf-8", "replace").strip() for _, line in open_lines(Path(path))]
    return [line if _NAMED.match(line) else f"{platform}:{line}" for line in lines if line and line[0] != "#"]


def compliance_ids(path: str | Path, platform: str = "x") -> list[str]:
    """The ids that a platform's compliance file says are no longer public, one JSON object a line.

    Those of X's batch compliance have id, action ("delete") and reason. Raises `BadInput` when a line is none.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = (Path(place) / "job.jsonl").write_text('{"id": "9001", "action": "delete", "reason": "deleted"}')
    ...     compliance_ids(Path(place) / "job.jsonl")
    ['x:9001']
    """
    found = []
    for number, line in open_lines(Path(path)):
        record = decode_object(line)
        native = record.get("id") if isinstance(record, dict) else None
        if not isinstance(record, dict) or not isinstance(native, str | int) or isinstance(native, bool) or not native:
            raise BadInput(
                f"line {number} of {Path(path).name!r} is no entry of a compliance file; each line must be an object "
                "with id, action and reason"
            )
        if record.get("action") == "delete" or record.get("reason") in _WITHDRAWN:
            found.append(f"{platform}:{native}")
    return found
