"""The registry on disk: versions that are never overwritten, and a history whose last line says which one is current.

    models/framing/v1/model.safetensors, card.json
    models/framing/v2/…
    models/framing/history/00000001.json

Versions are numbered: a number is short to type and says what came first; what a version *is*, its card says by hash.
A version is written aside and renamed into place in one step, which fails where the number is taken; a decision is
linked to the next number of the history, which fails likewise. Whoever comes second works it out again. There is no
lock, and no pointer beside the history that could say something else.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from discourse.errors import BadInput, DiscourseError, MeaningError, MissingData, UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import save_model
from discourse.registry.card import CARD_FORMAT, Card, Probe, read_sealed, sealed
from discourse.registry.decision import Decision
from discourse.registry.facts import Facts, code_hashes, environment
from discourse.registry.probes import probe_texts
from discourse.store import disk

__all__ = [
    "Entry", "add_decision", "check_name", "current", "entries", "entry", "history", "names", "read_decision",
    "register", "versions",
]  # fmt: skip

MODEL: Final = "model.safetensors"
CARD: Final = "card.json"
HISTORY: Final = "history"
STAGING: Final = "staging"
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_VERSION: Final = re.compile(r"v([1-9]\d{0,8})")
_DEVICES: Final = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
_STALE: Final = 24 * 3600
_TRIES: Final = 1000


@dataclass(frozen=True)
class Entry:
    """One version of a model: its card, where it lies, and whether it is current. `new` when it was just registered."""

    card: Card
    path: Path
    card_sha256: str
    current: bool = False
    new: bool = False

    @property
    def version(self) -> str:
        """The version's number, like v1."""
        return self.card.version

    @property
    def hashes(self) -> tuple[str, str]:
        """The SHA-256 of the model and of the card."""
        return self.card.model_sha256, self.card_sha256

    def __repr__(self) -> str:
        now = ", current" if self.current else ""
        return f"Entry({self.card.name} {self.card.version}: {self.card.model_id}, {self.card.created}{now})"


def register(
    model: FramingClassifier, folder: str | Path, name: str, facts: Facts, *, created: datetime | None = None
) -> Entry:
    """Write a trained model with its card as the next version of `name`; it becomes current by a decision alone.

    A model that is there already, byte for byte, is not written again: its entry is returned as it stands. `created` is
    now unless it is given. Raises `UsageError` for a name that no folder should have, `BadInput` when the disk refuses.

    >>> import tempfile
    >>> model = FramingClassifier(seed=7, least=1).fit(["peace talks", "our soil"], ["conciliatory", "nationalist"])
    >>> facts = Facts(training=None, codebook="framing 2")
    >>> with tempfile.TemporaryDirectory() as models:
    ...     made = [register(model, models, "framing", facts) for _ in range(2)]
    >>> [(one.version, one.new, one.current) for one in made]
    [('v1', True, False), ('v1', False, False)]
    """
    place = _named(Path(folder), name)
    with _aside(place) as mine, _writing(name):
        save_model(model, mine / MODEL)
        os.chmod(mine / MODEL, 0o600)
        disk.fsync(mine / MODEL)
        digest = disk.hash_of(mine / MODEL)
        for _ in range(_TRIES):
            known = versions(folder, name)
            for version in known:
                found = entry(folder, name, version)
                if found.card.model_sha256 == digest:
                    return found
            # Numbered from the versions looked at: one that came meanwhile takes this number, and is looked at next.
            version = f"v{_last_number(known, history(folder, name)) + 1}"
            card = _card(model, mine / MODEL, (name, version), facts, created or datetime.now(UTC))
            data = sealed(card)
            disk.remove(mine / CARD)
            disk.write_bytes(mine / CARD, data)
            disk.sync_folder(mine)
            if _moved(mine, place / version):
                disk.sync_folder(place)
                return Entry(card, place / version, sha256(data).hexdigest(), new=True)
    raise BadInput(f"others registered {name!r} faster a thousand times; try again when fewer do")


def _card(model: FramingClassifier, file: Path, who: tuple[str, str], facts: Facts, created: datetime) -> Card:
    texts = probe_texts()
    made = model.predict_proba([text for _, text in texts]).tolist()
    params: dict[str, Any] = {key: _plain(value) for key, value in model.get_params(deep=False).items()}
    return Card(
        format=CARD_FORMAT, name=who[0], version=who[1], model_id=model.model_id, model_sha256=disk.hash_of(file),
        model_bytes=file.stat().st_size, created=_time(created), classes=tuple(str(one) for one in model.classes_),
        settings=params, seed=params.get("seed"), training=facts.training, codebook=facts.codebook,
        code=code_hashes(), environment=environment(), evaluated=facts.evaluated, scores=facts.scores,
        behaviour=facts.behaviour, intended_use=facts.intended_use, limits=facts.limits,
        probes=tuple(Probe(language=language, text=text, probabilities=tuple(p))
                     for (language, text), p in zip(texts, made, strict=True)),
    )  # fmt: skip


def _plain(value: Any) -> bool | int | float | str | None:
    """A setting as a card keeps it; of a path only the last name, so that no card tells a home directory."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    return Path(text).name if isinstance(value, Path) or "/" in text or "\\" in text else text


def _moved(mine: Path, target: Path) -> bool:
    """Move a finished version to its number; False when that is taken."""
    try:
        disk.rename(mine, target)
    except OSError:
        if target.exists():
            return False
        raise
    return True


def names(folder: str | Path) -> list[str]:
    """The names of the models in a registry, sorted; none where there is no registry.

    >>> names("no-such-registry")
    []
    """
    place = Path(folder)
    inside = place.iterdir() if place.is_dir() else []
    return sorted(one.name for one in inside if one.is_dir() and _NAME.fullmatch(one.name) and _is_ours(one))


def versions(folder: str | Path, name: str) -> list[str]:
    """The versions of a model, oldest first.

    >>> versions("no-such-registry", "framing")
    []
    """
    place = _named(Path(folder), name)
    found = [one.name for one in place.iterdir() if _VERSION.fullmatch(one.name)] if place.is_dir() else []
    return sorted(found, key=_number)


def entry(folder: str | Path, name: str, version: str | None = None) -> Entry:
    """One version of a model, or the current one; its card is read and its hash compared.

    Raises `MissingData` when there is no such version, or none is current, and `BadInput` when the card is damaged.

    >>> entry("no-such-registry", "framing")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no model 'framing' in no-such-registry; register one with
    discourse train STUDY.toml --register framing
    """
    place = _named(Path(folder), name)
    known = versions(folder, name)
    if not known:
        raise MissingData(
            f"there is no model {name!r} in {place.parent.name}; register one with "
            f"discourse train STUDY.toml --register {name}"
        )
    chosen = current(folder, name)
    if version is None and chosen is None:
        raise MissingData(f"no version of {name!r} is current; name one of {', '.join(known)}, or promote one")
    wanted = version or (chosen.version if chosen else "")
    if wanted not in known:
        raise MissingData(f"{name!r} has no version {wanted!r}; it has {', '.join(known)}")
    with suppress(OSError):
        data = (place / wanted / CARD).read_bytes()
        card = read_sealed(data, Card, f"{name}/{wanted}/{CARD}")
        if (card.name, card.version) != (name, wanted):
            raise BadInput(f"the card of {name} {wanted} is that of {card.name} {card.version}; restore it from a copy")
        made = Entry(
            card, place / wanted, sha256(data).hexdigest(), current=chosen is not None and chosen.version == wanted
        )
        if chosen is not None and made.current and made.hashes != (chosen.model_sha256, chosen.card_sha256):
            raise BadInput(f"{name} {wanted} is not the version that was made current; restore its card from a copy")
        return made
    raise BadInput(f"{name} {wanted} has no card that can be read; restore it from a copy")


def entries(folder: str | Path) -> list[Entry]:
    """All versions of all models, by name and age. Raises `BadInput` when a card is damaged.

    >>> entries("no-such-registry")
    []
    """
    return [entry(folder, name, version) for name in names(folder) for version in versions(folder, name)]


def history(folder: str | Path, name: str) -> list[Decision]:
    """The decisions about a model, oldest first. Raises `BadInput` when one is damaged, out of order or missing.

    >>> history("no-such-registry", "framing")
    []
    """
    made: list[Decision] = []
    before = ""
    for number, file in enumerate(_decisions(Path(folder), name), start=1):
        data = file.read_bytes()
        one = read_decision(data, f"{name}/{HISTORY}/{file.name}")
        if (one.number, int(file.stem), one.previous) != (number, number, before):
            raise BadInput(f"the history of {name!r} is broken at {file.name}; restore what is missing from a copy")
        before = sha256(data).hexdigest()
        made.append(one)
    return made


def read_decision(data: bytes, name: str) -> Decision:
    """A decision from its bytes. Raises `BadInput` when it is damaged.

    >>> read_decision(b"", "00000001.json")
    Traceback (most recent call last):
    discourse.errors.BadInput: '00000001.json' is damaged or was changed by hand; restore it from a copy
    """
    return read_sealed(data, Decision, name)


def current(folder: str | Path, name: str) -> Decision | None:
    """The decision that stands: which version is current, since when and why; None when there was none yet.

    >>> current("no-such-registry", "framing") is None
    True
    """
    made = history(folder, name)
    return made[-1] if made else None


def add_decision(folder: str | Path, name: str, decision: Decision, *, incumbent: str | None) -> Decision:
    """Make a decision the last of the history, if `incumbent` is still current; returns it with its number.

    Raises `MeaningError` when another version became current meanwhile: what was compared is not what would go.
    """
    place = _named(Path(folder), name) / HISTORY
    for _ in range(_TRIES):
        made = history(folder, name)
        now = made[-1].version if made else None
        if now != incumbent:
            raise MeaningError(
                f"{now or 'nothing'} is current in {name!r} by now, not {incumbent or 'nothing'}; compare again"
            )
        files = _decisions(Path(folder), name)
        numbered = _numbered(decision, len(made) + 1, sha256(files[-1].read_bytes()).hexdigest() if files else "")
        with _aside(place.parent) as mine, _writing(name):
            place.mkdir(exist_ok=True)
            disk.write_bytes(mine / CARD, sealed(numbered))
            if disk.link(mine / CARD, place / f"{numbered.number:08}.json"):
                disk.sync_folder(place)
                disk.sync_folder(place.parent)
                return numbered
    raise BadInput(f"others decided about {name!r} a thousand times meanwhile; try again when fewer do")


def _numbered(decision: Decision, number: int, previous: str) -> Decision:
    import msgspec

    return msgspec.structs.replace(decision, number=number, previous=previous)


def _decisions(folder: Path, name: str) -> list[Path]:
    place = _named(folder, name) / HISTORY
    found = [one for one in place.glob("*.json") if one.stem.isdigit()] if place.is_dir() else []
    return sorted(found, key=lambda one: int(one.stem))


def _last_number(known: list[str], decisions: list[Decision]) -> int:
    """The highest number that a version has or, by the history, had."""
    return max((_number(one) for one in [*known, *(made.version for made in decisions)]), default=0)


def _number(version: str) -> int:
    return int(version[1:])


def _time(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise UsageError("a time of the registry needs its zone, like datetime(2025, 1, 6, tzinfo=UTC)")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_name(name: str) -> None:
    """Raise `UsageError` for a name that no folder should have.

    >>> check_name("framing")
    """
    if not _NAME.fullmatch(name) or name in _DEVICES:
        raise UsageError(
            f"the name of a model is {name!r}; it names a folder: write small letters, digits, '-' or '_', "
            "and begin with a letter, like framing"
        )


def _named(folder: Path, name: str) -> Path:
    check_name(name)
    return folder / name


def _is_ours(place: Path) -> bool:
    """Whether a folder holds versions, a history, or what a crash left before the first version."""
    inside = [one.name for one in place.iterdir()]
    return any(_VERSION.fullmatch(one) or one in (HISTORY, STAGING) for one in inside)


@contextmanager
def _aside(place: Path) -> Iterator[Path]:
    """A folder of one's own beside the versions; it goes at the end, and what a crash left goes after a day."""
    with _writing(place.name):
        staging = place / STAGING
        staging.mkdir(parents=True, exist_ok=True)
        for one in staging.iterdir():
            with suppress(OSError):
                if time.time() - one.stat().st_mtime > _STALE:
                    shutil.rmtree(one, ignore_errors=True)
        mine = staging / uuid4().hex
        mine.mkdir()
    try:
        yield mine
    finally:
        shutil.rmtree(mine, ignore_errors=True)


@contextmanager
def _writing(name: str) -> Iterator[None]:
    """Turn what the disk refuses into one sentence."""
    try:
        yield
    except DiscourseError:
        raise
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else "the disk does not say why"
        raise BadInput(f"the model {name!r} could not be written ({why}); the registry is as it was") from error
