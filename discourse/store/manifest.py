"""What a corpus consists of at one moment: a numbered file that names every other file with its hash.

The manifest with the highest number is the corpus. A file that it does not name is no part of it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from discourse.errors import BadInput, MissingData
from discourse.store import disk

__all__ = ["Input", "Manifest", "Part", "commit", "generations", "latest", "read_manifest"]

LAYOUT = 1
FOLDER = "manifests"


@dataclass(frozen=True, slots=True)
class Part:
    """One stored file. `kind` is posts, quarantine or tombstones; `low` and `high` bound the buckets of posts.

    >>> Part("a.parquet", "posts", "00", 10, 1).rows
    1
    """

    name: str
    kind: str
    sha256: str
    bytes: int
    rows: int
    low: int = 0
    high: int = 65535


@dataclass(frozen=True, slots=True)
class Input:
    """One file that was imported, by the hash of its bytes, with the account of its rows and `how` it was read.

    >>> Input("a.csv", "00", "csv", read=1, accepted=1).read
    1
    """

    file: str
    sha256: str
    format: str
    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    edits: int = 0
    deleted: int = 0
    how: str = "{}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files of a corpus, what was imported, and the fingerprint of the key of its pseudonyms.

    >>> Manifest().generation
    0
    """

    generation: int = 0
    key: str = ""
    parts: tuple[Part, ...] = ()
    inputs: tuple[Input, ...] = ()

    def of(self, kind: str) -> tuple[Part, ...]:
        """The parts of one kind.

        >>> Manifest().of("posts")
        ()
        """
        return tuple(part for part in self.parts if part.kind == kind)

    def following(self, **changes: Any) -> Manifest:
        """The manifest of the next generation with some changes.

        >>> Manifest().following(key="ab").generation
        1
        """
        return replace(self, generation=self.generation + 1, **changes)

    def to_bytes(self) -> bytes:
        """The manifest as JSON with its own hash.

        >>> b"sha256" in Manifest().to_bytes()
        True
        """
        body = {"layout": LAYOUT, **asdict(self)}
        return json.dumps({"manifest": body, "sha256": _hash(body)}, ensure_ascii=False, indent=1).encode()


def _hash(body: Any) -> str:
    plain = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def generations(folder: Path) -> list[Path]:
    """The manifests of a corpus in the order of their numbers; none where there is no corpus.

    >>> generations(Path("no-such-corpus"))
    []
    """
    found = (folder / FOLDER).glob("*.json") if (folder / FOLDER).is_dir() else []
    return sorted((path for path in found if path.stem.isdigit()), key=lambda path: int(path.stem))


def latest(folder: Path) -> Manifest:
    """The newest manifest, an empty one where there is none yet. Raises `BadInput` when it is damaged.

    >>> latest(Path("no-such-corpus")).generation
    0
    """
    for _ in range(3):
        found = generations(folder)
        if not found:
            return Manifest()
        try:
            return read_manifest(found[-1])
        except FileNotFoundError:
            continue  # cleared away meanwhile, so there is a newer one
    raise MissingData("the manifests of the corpus are being changed all the time; try again")


def read_manifest(path: Path) -> Manifest:
    """One manifest. Raises `BadInput` when a byte of it was changed or it is of a newer layout.

    >>> read_manifest(Path("no-such-manifest.json"))
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no-such-manifest.json'
    """
    data = path.read_bytes()
    try:
        whole = json.loads(data)
        body = whole["manifest"]
        hashed, exact = whole["sha256"] == _hash(body), data == _as_written(whole)
        layout = body.pop("layout")
        sound = hashed and (exact or layout > LAYOUT)
        if sound and layout <= LAYOUT:
            parts = tuple(Part(**part) for part in body.pop("parts"))
            inputs = tuple(Input(**one) for one in body.pop("inputs"))
            return Manifest(**body, parts=parts, inputs=inputs)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sound = False
    if sound:
        raise BadInput(f"the corpus was written by a newer discourse (layout {layout}); install that version")
    raise BadInput(
        f"the manifest {path.name!r} is damaged; type discourse verify, and restore the file from a copy"
    ) from None


def _as_written(whole: Any) -> bytes:
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def commit(folder: Path, aside: Path, manifest: Manifest) -> bool:
    """Make a manifest, written `aside`, the newest; False when another writer took its number first.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     (Path(place) / FOLDER).mkdir()
    ...     one, other = Path(place) / "one", Path(place) / "other"
    ...     disk.write_bytes(one, b"")
    ...     disk.write_bytes(other, b"")
    ...     commit(Path(place), one, Manifest(1)), commit(Path(place), other, Manifest(1))
    (True, False)
    """
    with disk.taking("a manifest"):
        done = disk.link(aside, folder / FOLDER / f"{manifest.generation:08}.json")
        if done:
            disk.sync_folder(folder / FOLDER)
    disk.remove(aside)
    return done
