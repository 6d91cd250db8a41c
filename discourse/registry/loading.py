"""A registered model is loaded only when its files are what its card says and it gives what its card says it gave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from discourse.errors import BadInput, DiscourseError, MeaningError
from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import load_model
from discourse.registry.card import Card
from discourse.registry.facts import code_hashes, environment
from discourse.registry.folder import CARD, HISTORY, MODEL, STAGING, entry, history, names, versions
from discourse.registry.probes import TOLERANCE
from discourse.store import disk

__all__ = ["Fault", "Registered", "Sound", "load_registered", "open_registered", "verify_registry"]

_INSIDE: Final = {MODEL, CARD}


@dataclass(frozen=True)
class Registered:
    """A loaded version with its card.

    >>> from discourse.registry.loading import open_registered
    >>> open_registered("no-such-registry", "framing")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no model 'framing' in no-such-registry; register one with
    discourse train STUDY.toml --register framing
    """

    card: Card
    model: FramingClassifier

    def __repr__(self) -> str:
        return f"Registered({self.card.name} {self.card.version}: {self.card.model_id})"


def load_registered(folder: str | Path, name: str, version: str | None = None) -> FramingClassifier:
    """The model of a version, or of the current one.

    Raises as `open_registered` does.

    >>> load_registered("no-such-registry", "framing")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no model 'framing' in no-such-registry; register one with
    discourse train STUDY.toml --register framing
    """
    return open_registered(folder, name, version).model


def open_registered(folder: str | Path, name: str, version: str | None = None) -> Registered:
    """A version, or the current one, with its card; every file is compared with its hash and the probes are asked.

    Raises `MissingData` when it is not there, `BadInput` when a file was changed, and `MeaningError` when the model
    gives other probabilities here than where it was registered, saying what differs between the two places.

    >>> import tempfile
    >>> from discourse.registry.facts import Facts
    >>> from discourse.registry.folder import register
    >>> model = FramingClassifier(seed=7, least=1).fit(["peace talks", "our soil"], ["conciliatory", "nationalist"])
    >>> with tempfile.TemporaryDirectory() as models:
    ...     made = register(model, models, "framing", Facts(training=None, codebook="framing 2"))
    ...     open_registered(models, "framing", "v1").model.predict(["peace"]).tolist()
    ['conciliatory']
    """
    found = entry(folder, name, version)
    card, file = found.card, found.path / MODEL
    who = f"{name} {card.version}"
    if not file.is_file():
        raise BadInput(f"the model of {who} is gone; restore {MODEL} from a copy")
    if disk.hash_of(file) != card.model_sha256:
        raise BadInput(f"the model of {who} is not the one its card was written for; restore {MODEL} from a copy")
    model = load_model(file)
    if model.model_id != card.model_id or tuple(str(one) for one in model.classes_) != card.classes:
        raise BadInput(f"the card of {who} is of another model; restore both files from a copy")
    _ask(model, card)
    return Registered(card, model)


def _ask(model: FramingClassifier, card: Card) -> None:
    """Compare the probabilities of the probe texts with those on the card."""
    if not card.probes:
        return
    made = model.predict_proba([probe.text for probe in card.probes])
    gap = np.abs(made - np.array([probe.probabilities for probe in card.probes])).max(axis=1)
    worst = int(gap.argmax())
    if not gap[worst] < TOLERANCE:
        raise MeaningError(
            f"{card.name} {card.version} gives other probabilities here than where it was registered: "
            f"{int((~(gap < TOLERANCE)).sum())} of {len(gap)} probe texts differ, by up to {gap[worst]:.2g} "
            f"({card.probes[worst].language}); {_differences(card)}; use that environment, or train again here"
        )


def _differences(card: Card) -> str:
    """What of the environment and the code is not as it was, in words."""
    here, now = environment(), code_hashes()
    found = [f"{what} was {was}, is {here.get(what, 'absent')}" for what, was in sorted(card.environment.items())
             if here.get(what) != was]  # fmt: skip
    found += [f"the code of {room} was changed" for room in ("framing", "text") if now[room] != card.code.get(room)]
    return ", ".join(found) or "the environment and the code are the same, so the machine computes otherwise"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a registry: where, and what.

    >>> Fault("framing/v1", "has no card").where
    'framing/v1'
    """

    where: str
    what: str


@dataclass(frozen=True)
class Sound:
    """What `verify_registry` found: a registry is sound when there are no faults. Leftovers are parts of nothing.

    >>> Sound(1, 2, (), ()).faults
    ()
    """

    models: int
    versions: int
    faults: tuple[Fault, ...]
    leftovers: tuple[str, ...]


def verify_registry(folder: str | Path) -> Sound:
    """Open every version of every model, read every history, and say what is wrong; nothing is changed.

    >>> verify_registry("no-such-registry")
    Sound(models=0, versions=0, faults=(), leftovers=())
    """
    place = Path(folder)
    known = names(place)
    faults = [fault for name in known for fault in _faults(place, name)]
    leftovers = [one for name in known for one in _leftovers(place, name)]
    strays = [one.name for one in sorted(place.iterdir()) if one.name not in known] if place.is_dir() else []
    count = sum(len(versions(place, name)) for name in known)
    return Sound(len(known), count, tuple(faults), (*leftovers, *strays))


def _faults(place: Path, name: str) -> Iterator[Fault]:
    for version in versions(place, name):
        try:
            open_registered(place, name, version)
        except DiscourseError as error:
            yield Fault(f"{name}/{version}", str(error))
    try:
        decisions = history(place, name)
    except DiscourseError as error:
        yield Fault(f"{name}/{HISTORY}", str(error))
        return
    known = versions(place, name)
    for one in decisions:
        where = f"{name}/{HISTORY}/{one.number:08}.json"
        if one.version not in known:
            yield Fault(where, f"{one.version} was made current and is gone; restore it from a copy")
            continue
        try:
            found = entry(place, name, one.version)
        except DiscourseError:
            continue  # named above
        if found.hashes != (one.model_sha256, one.card_sha256):
            yield Fault(where, f"{one.version} is not the version that was made current; restore it from a copy")


def _leftovers(place: Path, name: str) -> Iterator[str]:
    """What a crash left in staging, and files that no version and no history has."""
    for one in sorted((place / name).iterdir()):
        if one.name == STAGING:
            yield from (f"{name}/{STAGING}/{left.name}" for left in sorted(one.iterdir()))
        elif one.name in versions(place, name):
            yield from (f"{name}/{one.name}/{left.name}" for left in sorted(one.iterdir()) if left.name not in _INSIDE)
        elif one.name != HISTORY:
            yield f"{name}/{one.name}"
