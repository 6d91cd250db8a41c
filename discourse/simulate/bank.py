"""The bank of invented posts: skeletons per language, frame, side and topic, and how one becomes a text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import regex

from discourse.errors import BadInput
from discourse.schema import FRAMES, one_of

__all__ = ["BANK_LANGUAGES", "TOPICS", "Skeleton", "bank", "render", "variants"]

BANK_LANGUAGES = ("en", "ur", "ur-Latn", "ps", "fa")
TOPICS = ("general", "strike", "closure", "talks", "refugees", "trade", "daily")
SIDES = ("pakistan", "afghanistan", "any")
_CHOICE = regex.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Skeleton:
    """One invented post with its choices still open."""

    lang: str
    frame: str
    side: str
    topic: str
    text: str
    slots: Mapping[str, tuple[str, ...]]

    def __repr__(self) -> str:
        return f"Skeleton({self.lang}, {self.frame}, {self.side}, {self.topic})"


@cache
def bank(lang: str) -> tuple[Skeleton, ...]:
    """All skeletons of one language, in the order of the file.

    >>> {one.frame for one in bank("en")} == set(FRAMES)
    True
    """
    one_of(lang, BANK_LANGUAGES, "lang")
    book = tomllib.loads((files("discourse.simulate") / "bank" / f"{lang}.toml").read_text(encoding="utf-8"))
    slots = {name: tuple(values) for name, values in book["slots"].items()}
    made = []
    for post in book["post"]:
        one_of(post["frame"], FRAMES, f"a frame in the {lang} bank")
        one_of(post["side"], SIDES, f"a side in the {lang} bank")
        one_of(post["topic"], TOPICS, f"a topic in the {lang} bank")
        made.append(Skeleton(lang, post["frame"], post["side"], post["topic"], post["text"], slots))
    return tuple(made)


def variants(skeleton: Skeleton) -> int:
    """How many ways the choices of a skeleton can fall."""
    total = 1
    for match in _CHOICE.finditer(skeleton.text):
        total *= len(_options(skeleton, match.group(1)))
    return total


def render(skeleton: Skeleton, rng: np.random.Generator) -> str:
    """One text of a skeleton, every choice drawn with equal chance; white space collapsed.

    >>> made = Skeleton("en", "neither", "any", "daily", "rain in {=place} {again|}", {"place": ("Quetta",)})
    >>> sorted({render(made, np.random.default_rng(i)) for i in range(20)})
    ['rain in Quetta', 'rain in Quetta again']
    """

    def choose(match: regex.Match[str]) -> str:
        options = _options(skeleton, match.group(1))
        return options[int(rng.integers(len(options)))]

    return " ".join(_CHOICE.sub(choose, skeleton.text).split())


def _options(skeleton: Skeleton, inner: str) -> tuple[str, ...]:
    if not inner.startswith("="):
        return tuple(inner.split("|"))
    name = inner.removeprefix("=")
    if name not in skeleton.slots:
        raise BadInput(f"a post of the {skeleton.lang} bank draws from a slot {name!r} that the bank does not have")
    return skeleton.slots[name]
