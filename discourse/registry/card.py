"""The card of a registered model: what it is, what it learnt from, how good it was, and where it must not be used.

A card holds counts, digests and numbers, no id, no handle and no text of a post. It is JSON with its own hash, so a
changed byte is found when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Final, TypeVar

import msgspec
import numpy as np

from discourse.errors import BadInput, UsageError

__all__ = [
    "CARD_FORMAT", "Card", "Cell", "PassRate", "Plain", "Probe", "Score", "Training", "read_sealed", "sealed",
]  # fmt: skip

CARD_FORMAT: Final = "discourse-card-1"
_HEX: Final = re.compile(r"[0-9a-f]{8,128}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_VERSION: Final = re.compile(r"v[1-9]\d{0,8}")
_DIGEST_BYTES: Final = 8


class Plain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is read strictly: known fields of known types.

    >>> Plain() == Plain()
    True
    """


class Cell(Plain, frozen=True):
    """Training posts of one frame, language or side (`of`), to the nearest five; None where they are withheld.

    >>> Cell(of="language", value="ps", posts=None, authors=None).posts is None
    True
    """

    of: str
    value: str
    posts: int | None
    authors: int | None


class Training(Plain, frozen=True):
    """What a model was trained on, as digests under the key whose fingerprint is `key`.

    `labels` and `texts` are one digest each of all labels and all normal forms, in no order. `post_marks`,
    `author_marks` and `text_marks` are sorted marks of 8 bytes, one a post, author and text: whoever holds the key
    can ask whether a post was trained on, and nobody else can. `posts` is the number of posts to the nearest
    five.

    >>> Training(key="00000000", labels="0" * 32, texts="0" * 32, posts=0, cells=(), post_marks=b"", author_marks=b"",
    ...          text_marks=b"").posts
    0
    """

    key: str
    labels: str
    texts: str
    posts: int | None
    cells: tuple[Cell, ...]
    post_marks: bytes
    author_marks: bytes
    text_marks: bytes

    def __post_init__(self) -> None:
        _must(_HEX.fullmatch(self.key) and _HEX.fullmatch(self.labels) and _HEX.fullmatch(self.texts), "digests in hex")
        for marks in (self.post_marks, self.author_marks, self.text_marks):
            held = [marks[at : at + _DIGEST_BYTES] for at in range(0, len(marks), _DIGEST_BYTES)]
            whole = len(marks) % _DIGEST_BYTES == 0
            _must(whole and held == sorted(set(held)), f"sorted marks of {_DIGEST_BYTES} bytes")


class Score(Plain, frozen=True):
    """One row of the evaluation; numbers are None where they are withheld or cannot be worked out.

    >>> Score(model="classifier", group="all", metric="macro_f1", of="all", estimate=0.7, low=0.6, high=0.8, n=600).n
    600
    """

    model: str
    group: str
    metric: str
    of: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int


class PassRate(Plain, frozen=True):
    """How many of a behavioural test's cases a model passed.

    >>> PassRate(test="negation", language="en", passed=9, cases=10).cases
    10
    """

    test: str
    language: str
    passed: int
    cases: int

    def __post_init__(self) -> None:
        _must(0 <= self.passed <= self.cases, "no more passed cases than cases")


class Probe(Plain, frozen=True):
    """A made-up text and the probabilities that the model gave for it, in the order of the classes.

    >>> Probe(language="en", text="peace", probabilities=(0.5, 0.5)).text
    'peace'
    """

    language: str
    text: str
    probabilities: tuple[float, ...]


class Card(Plain, frozen=True):
    """Everything about one version of a model; see docs/models.md for the fields in plain words."""

    format: str
    name: str
    version: str
    model_id: str
    model_sha256: str
    model_bytes: int
    created: str
    classes: tuple[str, ...]
    settings: dict[str, bool | int | float | str | None]
    seed: int | None
    training: Training | None
    codebook: str
    code: dict[str, str]
    environment: dict[str, str]
    evaluated: str
    scores: tuple[Score, ...]
    behaviour: tuple[PassRate, ...]
    intended_use: str
    limits: tuple[str, ...]
    probes: tuple[Probe, ...]

    def __post_init__(self) -> None:
        _must(self.format == CARD_FORMAT, f"the format {CARD_FORMAT}")
        _must(_NAME.fullmatch(self.name), "a name of small letters, digits, - and _")
        _must(_VERSION.fullmatch(self.version), "a version like v1")
        _must(_HEX.fullmatch(self.model_sha256), "the hash of the model in hex")
        _must(_TIME.fullmatch(self.created), "a time like 2025-01-06T00:00:00Z")
        _must(self.model_bytes > 0, "the size of the model")
        _must(len(self.classes) > 1 and len(set(self.classes)) == len(self.classes), "two classes or more")
        _must(self.intended_use.strip() and self.limits, "an intended use and limits")
        for probe in self.probes:
            p = np.array(probe.probabilities)
            sound = len(p) == len(self.classes) and np.isfinite(p).all() and (p >= 0).all()
            _must(sound and abs(float(p.sum()) - 1.0) < 1e-6, "a probability a class for each probe text")


def _must(holds: object, wanted: str) -> None:
    if not holds:
        raise ValueError(f"it needs {wanted}")


Sealed = TypeVar("Sealed", bound=msgspec.Struct)


def sealed(what: msgspec.Struct) -> bytes:
    """A value as indented JSON with the SHA-256 of its plain form; the same value gives the same bytes.

    Raises `UsageError` when a field is of another type than it should be.

    >>> seal = sealed(PassRate(test="negation", language="en", passed=9, cases=10))
    >>> read_sealed(seal, PassRate, "card.json").passed
    9
    """
    try:
        checked = msgspec.json.decode(msgspec.json.encode(what), type=type(what))
    except msgspec.ValidationError as error:
        raise UsageError(f"a {type(what).__name__.lower()} cannot be written: {_plainly(error)}") from None
    plain = msgspec.json.encode(checked, order="sorted")
    body = b'{"sha256":"' + sha256(plain).hexdigest().encode() + b'","body":' + plain + b"}"
    return msgspec.json.format(body, indent=1) + b"\n"


def read_sealed(data: bytes, kind: Callable[..., Sealed], name: str) -> Sealed:
    """The value in the bytes of `sealed`. Raises `BadInput` when a byte was changed or a field is not as it must be.

    >>> read_sealed(b"{}", PassRate, "card.json")
    Traceback (most recent call last):
    discourse.errors.BadInput: 'card.json' is damaged or was changed by hand; restore it from a copy
    """
    try:
        whole = msgspec.json.decode(data)
        body = msgspec.json.encode(whole["body"], order="sorted")
        made: Sealed = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"{name!r} is not as this package writes it: {_plainly(error)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, RecursionError):
        made = None  # type: ignore[assignment]
    if made is None or sealed(made) != data:
        raise BadInput(f"{name!r} is damaged or was changed by hand; restore it from a copy")
    return made


def _plainly(error: Exception) -> str:
    """What msgspec found, without line ends."""
    return " ".join(str(error).split())
