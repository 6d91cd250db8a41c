"""Which country a free-text place names: whole words against a list of names, in Latin and Arabic script.

A place that names no country, more than one, or a third one besides, is nobody's: None. So is a wish
("Republic of Balochistan") and an origin elsewhere ("Afghan in Germany"): the question is where somebody is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from discourse.errors import UsageError
from discourse.settings import only_keys, read_toml, word_list

__all__ = ["Gazetteer", "place_words"]

_ELSEWHERE = ""
_MAX_CHARACTERS = 500
_FOLDS = str.maketrans(
    {
        **dict.fromkeys("يىېۍے", "ی"),
        **dict.fromkeys("كڪ", "ک"),
        **dict.fromkeys("ہھەةۃ", "ه"),
        "ګ": "گ",
        "ٱ": "ا",
        "ں": "ن",
        "ı": "i",
        "ـ": None,
        **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡᴢ", "abcdefghijklmnoprstuvwz", strict=True)),
        # White letters on black, which NFKD leaves as they are.
        **{chr(start + place): chr(ord("a") + place) for start in (0x1F150, 0x1F170) for place in range(26)},
    }
)
# Two letters of a country, or the black flag with the letters of a part of one (England, Scotland, Texas).
_FLAG = "(?:[\U0001f1e6-\U0001f1ff]{2}|\U0001f3f4[\U000e0061-\U000e007a]+)"
_GLUED, _LONGEST_GLUED = 5, 60  # letters of a name that is found inside a longer word, and of that word
_WORD = re.compile(rf"{_FLAG}|[a-z]+|[\u0621-\u06d3]+|[^\W\d_a-z\u0600-\u06ff]+")


def place_words(place: str) -> tuple[str, ...]:
    """The words of a place name in folded form, flags as words of their own; digits and signs separate.

    Folded are case, accents, compatibility forms, harakat and the letters that Urdu, Pashto and Dari
    keyboards write differently. Only the first 500 characters count.

    >>> place_words("Kābul/AFGHANISTAN 🇦🇫")
    ('kabul', 'afghanistan', '🇦🇫')
    >>> place_words("ننګرهار") == place_words("ننگرھار")
    True
    """
    apart = unicodedata.normalize("NFKD", place[:_MAX_CHARACTERS].casefold())
    letters = "".join(letter for letter in apart if unicodedata.category(letter) != "Mn")
    return tuple(_WORD.findall(letters.casefold().translate(_FOLDS)))


@dataclass(frozen=True, repr=False)
class Gazetteer:
    """Place names of several sides, with the names that are ambiguous and those that lie elsewhere.

    `names` maps a folded name (a tuple of words) to its side, or to "" for a place elsewhere.

    >>> Gazetteer.builtin().side_of("Mazar-i-Sharif, Afghanistan")
    'afghanistan'
    >>> Gazetteer.builtin().side_of("Kabul / Berlin") is None
    True
    """

    names: Mapping[tuple[str, ...], str]
    ambiguous: frozenset[tuple[str, ...]] = frozenset()
    longest: int = field(init=False, default=1)
    glued: Mapping[str, str | None] = field(init=False, default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "longest", max(map(len, (*self.names, *self.ambiguous)), default=1))
        glued: dict[str, str | None] = {}
        for words in (*self.names, *self.ambiguous):
            solid, side = "".join(words), self.names.get(words)
            if len(solid) >= _GLUED:
                # Two names that are one word when glued, on two sides, decide nothing.
                glued[solid] = side if glued.get(solid, side) == side else None
        object.__setattr__(self, "glued", glued)

    def __repr__(self) -> str:
        counts = ", ".join(f"{side} {sum(v == side for v in self.names.values())}" for side in self.sides)
        return f"Gazetteer({counts} names)"

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides it has names of, sorted.

        >>> Gazetteer.builtin().sides
        ('afghanistan', 'pakistan')
        """
        return tuple(sorted(set(self.names.values()) - {_ELSEWHERE}))

    @classmethod
    def from_toml(cls, path: str | Path) -> Gazetteer:
        """A gazetteer from a file with `[names.<side>]`, `[ambiguous]` and `[elsewhere]`, each with lists of names.

        Raises `UsageError` for a key that is not known, a name without letters, or a name in two lists.

        >>> Gazetteer.from_toml("no-such.toml")
        Traceback (most recent call last):
        discourse.errors.MissingData: there is no gazetteer 'no-such.toml'; give the path of a TOML file
        """
        data = only_keys(read_toml(path, "gazetteer"), ("names", "ambiguous", "elsewhere"), "the gazetteer")
        by_side = data.get("names")
        if not isinstance(by_side, Mapping) or not by_side:
            raise UsageError("the gazetteer has no [names.<side>]; it needs one table of names for each side")
        names: dict[tuple[str, ...], str] = {}
        for side, groups in by_side.items():
            _add(names, _listed(groups, f"[names.{side}]"), side)
        _add(names, _listed(data.get("elsewhere", {}), "[elsewhere]"), _ELSEWHERE)
        ambiguous = {place_words(name): name for name in _listed(data.get("ambiguous", {}), "[ambiguous]")}
        for words, name in ambiguous.items():
            if words in names:
                raise UsageError(f"the gazetteer has {name!r} as ambiguous and as a name; keep one of the two")
        return cls(names, frozenset(ambiguous))

    @classmethod
    def builtin(cls) -> Gazetteer:
        """The gazetteer of the package: countries, provinces, cities of Afghanistan and Pakistan.

        >>> Gazetteer.builtin().side_of("لاہور")
        'pakistan'
        """
        return _builtin()

    def side_of(self, place: str | None) -> str | None:
        """The side that a place names, None when it names none, several, or another country as well.

        The longest name wins where names overlap ("Azad Kashmir" over the ambiguous "Kashmir"). A word that is
        no name is looked at as names written without a space ("KarachiPakistan").

        >>> [Gazetteer.builtin().side_of(p) for p in ("Hyderabad", "Hyderabad, Sindh", "Pakhtunkhwa", None)]
        [None, 'pakistan', None, None]
        >>> [Gazetteer.builtin().side_of(p) for p in ("KarachiPakistan", "KabulBerlin", "Pakistanphobia")]
        ['pakistan', None, None]
        """
        found = {side for side in self._named(place_words(place or "")) if side is not None}
        return found.pop() if len(found) == 1 and _ELSEWHERE not in found else None

    def _named(self, words: tuple[str, ...]) -> Iterable[str | None]:
        start = 0
        while start < len(words):
            for length in range(min(self.longest, len(words) - start), 0, -1):
                name = words[start : start + length]
                if name in self.names or name in self.ambiguous:
                    yield self.names.get(name)
                    break
            else:
                length = 1
                if re.fullmatch(_FLAG, words[start]):
                    yield _ELSEWHERE
                yield from self._unglued(words[start])
            start += length

    def _unglued(self, word: str) -> tuple[str | None, ...]:
        """What the names say of which a word consists to its last letter, nothing when it does not."""
        if word in self.glued:
            return (self.glued[word],)
        if len(word) <= _LONGEST_GLUED:
            for cut in range(_GLUED, len(word) - _GLUED + 1):
                rest = self._unglued(word[cut:]) if word[:cut] in self.glued else ()
                if rest:
                    return self.glued[word[:cut]], *rest
        return ()


@cache
def _builtin() -> Gazetteer:
    with as_file(files("discourse.corpus") / "gazetteer.toml") as path:
        return Gazetteer.from_toml(path)


def _listed(groups: object, where: str) -> list[str]:
    if not isinstance(groups, Mapping):
        raise UsageError(f'{where} of the gazetteer must be a table of lists; write cities = ["...", "..."]')
    return [name for group in groups for name in word_list(groups, group, where)]


def _add(names: dict[tuple[str, ...], str], given: Iterable[str], side: str) -> None:
    for name in given:
        words = place_words(name)
        if not words:
            raise UsageError(f"the gazetteer has the name {name!r}, which holds no letter; take it out")
        if names.setdefault(words, side) != side:
            raise UsageError(f"the gazetteer has {name!r} for two sides; keep it in one, or in [ambiguous]")
