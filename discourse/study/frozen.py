"""Decide before you look: a study's hypotheses, windows, measures and exclusions, frozen to a hash.

`decisions` lists everything in a study file that a researcher could turn until a result appears; `freeze` writes it to
a file of its own with a SHA-256 hash over it and over the freeze before. `compared` then says of each decision whether
it stands as it was frozen before anybody could look at a series. The file only grows: a change is a second freeze, and
both stay readable. The hash is worth what its date is worth, so deposit it where a date is witnessed (a registry, a
preprint).

Source of the idea: Nosek, Ebersole, DeHaven and Mellor (2018), *The preregistration revolution*, PNAS 115(11).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import polars as pl

from discourse.errors import BadInput, MeaningError
from discourse.whole import write_whole

__all__ = ["Freeze", "compared", "decisions", "freeze", "read_freezes"]

_FORMAT: Final = "discourse-frozen-1"
_KEYS: Final = {"at", "looked", "previous", "decisions", "hash"}
COMPARED: Final = {"decision": pl.String, "frozen": pl.String, "now": pl.String, "decided": pl.String}

BEFORE: Final = "before"
AFTER: Final = "after"
CHANGED: Final = "changed since"
NEVER: Final = "never frozen"


@dataclass(frozen=True)
class Freeze:
    """Decisions as they stood at an instant (UTC). `looked` tells whether there was a series of the study by then.

    `previous` is the hash of the freeze before it, "" for the first; `hash` covers that, the instant, `looked` and the
    decisions, so that nothing in a chain can be changed without changing what follows.

    >>> one = Freeze(datetime(2025, 1, 1, tzinfo=UTC), looked=False, decisions={"measure.every": '"1w"'})
    >>> len(one.hash), one.hash == Freeze(one.at, looked=True, decisions=one.decisions).hash
    (64, False)
    """

    at: datetime
    looked: bool
    decisions: Mapping[str, str]
    previous: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 in 64 hexadecimal digits."""
        return sha256(json.dumps(self._said(), sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()

    def _said(self) -> dict[str, Any]:
        return {
            "at": self.at.astimezone(UTC).isoformat(timespec="seconds"), "looked": self.looked,
            "previous": self.previous, "decisions": dict(self.decisions),
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self._said(), "hash": self.hash}


def decisions(study: Any) -> dict[str, str]:
    """What a study decides, by name, each value as canonical JSON; files count by the SHA-256 of what is in them.

    `study` is a `discourse.Study`. Not in it: where files lie, titles and notes, the corpus and the labels, which may
    come later.
    """
    made: dict[str, Any] = {
        "seed": study.seed,
        "near_copies": study.corpus.near_copies,
        "training_share": study.labels.training_share,
        **{f"population.{key}": value for key, value in asdict(study.population).items()},
        **{f"classifier.{key}": getattr(study, key) for key in ("c", "folds")},
        **{f"measure.{key}": value for key, value in asdict(study.measure).items()},
        **{f"effects.{key}": value for key, value in asdict(study.effects).items()},
        **{f"hypotheses.{one.id}": asdict(one) for one in study.hypotheses},
    }
    files = {"sides": study.sides, "codebook": study.labels.codebook, "events": study.events}
    made |= {f"{name}.sha256": None if path is None else _digest(path) for name, path in files.items()}
    return {name: _canonical(value) for name, value in sorted(made.items())}


def freeze(study: Any, path: str | Path, *, looked: bool, now: datetime | None = None) -> Freeze:
    """Add a freeze of a study's decisions to the file at `path`, made if need be, and return it.

    Raises `MeaningError` when nothing has changed since the last freeze, `BadInput` when the file is damaged.
    """
    before = read_freezes(path)
    made = Freeze(
        (now or datetime.now(UTC)).replace(microsecond=0), looked, decisions(study), before[-1].hash if before else ""
    )
    if before and before[-1].decisions == made.decisions:
        raise MeaningError(
            f"nothing has changed since the freeze of {before[-1].at:%Y-%m-%d %H:%M} UTC; there is nothing to freeze"
        )
    content = {"format": _FORMAT, "freezes": [one.to_dict() for one in (*before, made)]}
    write_whole(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
    return made


def read_freezes(path: str | Path) -> tuple[Freeze, ...]:
    """The freezes of a study in order of time; none where there is no file.

    Raises `BadInput` for a file that `freeze` did not write, or in which something was changed since.

    >>> read_freezes("no-such.json")
    ()
    """
    file = Path(path)
    if not file.exists():
        return ()
    try:
        content = json.loads(file.read_text("utf-8"))
        known = content["format"] == _FORMAT and all(set(one) == _KEYS for one in content["freezes"])
        made = tuple(
            Freeze(datetime.fromisoformat(one["at"]), one["looked"], one["decisions"], one["previous"])
            for one in content["freezes"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise _damaged(file, "it is not what discourse freeze writes") from None
    if not known:
        raise _damaged(file, "it is not what discourse freeze writes")
    previous = ""
    for one, told in zip(made, content["freezes"], strict=True):
        if one.hash != told["hash"] or one.previous != previous:
            raise _damaged(file, f"the freeze of {told['at']} was changed by hand")
        previous = one.hash
    return made


def compared(freezes: Sequence[Freeze], now: Mapping[str, str]) -> pl.DataFrame:
    """Of each decision: the value last frozen, the value now, and when the one that holds was decided.

    Columns: decision, frozen, now (canonical JSON; null where there is none) and decided: "before" anybody could look
    at a series, "after", "changed since" the last freeze, "never frozen".

    >>> first = Freeze(datetime(2025, 1, 1, tzinfo=UTC), looked=False, decisions={"every": '"1w"', "seed": "7"})
    >>> compared([first], {"every": '"1d"', "seed": "7"}).select("decision", "decided").rows()
    [('every', 'changed since'), ('seed', 'before')]
    """
    last = freezes[-1].decisions if freezes else {}
    rows = []
    for name in sorted({*last, *now}):
        if not any(name in one.decisions for one in freezes):
            decided = NEVER
        elif last.get(name) != now.get(name):
            decided = CHANGED
        else:
            decided = BEFORE if _held_since_before(freezes, name, now[name]) else AFTER
        rows.append((name, last.get(name), now.get(name), decided))
    return pl.DataFrame(rows, schema=COMPARED, orient="row")


def _held_since_before(freezes: Sequence[Freeze], name: str, value: str) -> bool:
    """Whether a value stands in the last freezes without a break, back to one that was made before looking."""
    for one in reversed(freezes):
        if one.decisions.get(name) != value:
            return False
        if not one.looked:
            return True
    return False


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _damaged(file: Path, why: str) -> BadInput:
    return BadInput(f"the file of freezes {file.name!r} cannot be trusted: {why}; take it back from version control")
