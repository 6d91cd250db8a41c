"""Two folders of published files, byte for byte: which differ, which are missing, which are too many.

What is said of a difference names files, lines and columns, and never what stands there.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

__all__ = ["DIFFERS", "EXTRA", "MISSING", "Difference", "differences"]

DIFFERS: Final = "differs"
MISSING: Final = "missing"
EXTRA: Final = "extra"
_KINDS: Final = {".svg": "figure", ".png": "figure", ".pdf": "figure", ".csv": "table"}
_AT_MOST: Final = 4


@dataclass(frozen=True)
class Difference:
    """One file that is not as it was made again.

    `kind` is "figure", "table" or "text", `state` one of "differs", "missing" (made again, and not there) and "extra"
    (there, and not made again); `where` tells the first place of a difference, "" where there is none to tell.

    >>> print(Difference("series.csv", "table", "differs", "from line 3, in low"))
    series.csv (table) differs from line 3, in low
    """

    file: str
    kind: str
    state: str
    where: str = ""

    def __str__(self) -> str:
        """One sentence without its full stop."""
        said = {
            DIFFERS: f"differs {self.where}".rstrip(),
            MISSING: "is missing: the study makes it, and it is not there",
            EXTRA: "is extra: the study does not make it; move it elsewhere",
        }[self.state]
        return f"{self.file} ({self.kind}) {said}"


def differences(there: Path, made: Path, among: Collection[str] | None = None) -> tuple[Difference, ...]:
    """What differs between a folder and the same folder made again, by name; with `among`, of these files alone.

    Files whose names begin with a dot are those of a desktop or an editor, and are left out.

    >>> differences(Path("no-such-folder"), Path("no-such-folder"))
    ()
    """
    one, other = _files(there), _files(made)
    found = []
    for name in sorted(one | other):
        if among is not None and name not in among:
            continue
        kind = _KINDS.get(Path(name).suffix.lower(), "text")
        if name not in other:
            found.append(Difference(name, kind, EXTRA))
        elif name not in one:
            found.append(Difference(name, kind, MISSING))
        else:
            before, again = (there / name).read_bytes(), (made / name).read_bytes()
            if before != again:
                found.append(Difference(name, kind, DIFFERS, _where(Path(name).suffix.lower(), before, again)))
    return tuple(found)


def _files(folder: Path) -> set[str]:
    inside = (one.relative_to(folder) for one in folder.rglob("*") if one.is_file())
    return {one.as_posix() for one in inside if not any(part.startswith(".") for part in one.parts)}


def _where(suffix: str, before: bytes, again: bytes) -> str:
    if suffix in {".png", ".pdf"}:
        return ""
    if suffix == ".json" and (parts := _parts(before, again)):
        more = f" and {len(parts) - _AT_MOST} more" if len(parts) > _AT_MOST else ""
        return f"in {', '.join(parts[:_AT_MOST])}{more}"
    lines = enumerate(zip_longest(before.splitlines(), again.splitlines()), 1)
    line, (old, new) = next(((at, pair) for at, pair in lines if pair[0] != pair[1]), (0, (None, None)))
    if not line:
        return "in how its lines end"
    if suffix != ".csv":
        return f"from line {line}"
    return f"from line {line}{_columns(again, old, new, line)}"


def _columns(again: bytes, old: bytes | None, new: bytes | None, line: int) -> str:
    """Which columns differ in a line of a table; names come from the table as it was made again."""
    if old is None or new is None:
        return ": it has " + ("more" if new is None else "fewer") + " lines than the study makes"
    if line == 1:
        return ", the names of its columns"
    names, (was, now) = _cells(again.splitlines()[0]), (_cells(old), _cells(new))
    if not len(was) == len(now) == len(names):
        return ""
    return ", in " + ", ".join(name for name, a, b in zip(names, was, now, strict=True) if a != b)


def _cells(line: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(line.decode("utf-8", errors="replace"))), [])


def _parts(before: bytes, again: bytes) -> list[str]:
    """The keys, as made again, under which two JSON files differ; of a crate, the ids of its entities."""
    try:
        one, other = _keyed(json.loads(before)), _keyed(json.loads(again))
    except ValueError:
        return []
    return [".".join(name) for name, value in _leaves(other) if _at(one, name) != value]


def _keyed(value: Any) -> Any:
    """A crate's list of entities as a mapping by id; anything else as it is."""
    graph = value.get("@graph") if isinstance(value, dict) else None
    if not isinstance(graph, list):
        return value
    return {str(entity.get("@id")): entity for entity in graph if isinstance(entity, dict)}


def _leaves(value: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value and len(before) < 2:
        for key, part in value.items():
            yield from _leaves(part, (*before, str(key)))
    else:
        yield before, value


def _at(value: Any, name: tuple[str, ...]) -> Any:
    for key in name:
        value = value.get(key) if isinstance(value, dict) else None
    return value
