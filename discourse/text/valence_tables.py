"""The lists of VADER as the arrays that its compiled loops read."""

from __future__ import annotations

import string
from functools import cache

import numpy as np
import numpy.typing as npt

from discourse.kernels.valence import CLASSES, EMOJI, LOWER, ODD, PUNCTUATION, SPACE, UPPER, Listed, Tables
from discourse.kernels.valence_rules import FIRST_NAMED, NAMED, NONE, Words
from discourse.text.valence_lists import Rules, rules

__all__ = ["tables"]

_SLOTS = 1 << 15


@cache
def tables() -> Tables:
    """The lists of the installed package; they are made once.

    >>> tables().words.hit.shape == tables().words.listed.shape
    True
    """
    given = rules()
    listed = {word: cases[0] for word, cases in given.tokens.items() if word not in NAMED and word == word.lower()}
    spelled = ["", "", *NAMED, *listed]
    emoji, emoji_at = _end_to_end([words.lower() for words in given.emoji.values()])
    kinds = b"".join(_kinds(words) for words in given.emoji.values())
    spelling, spelling_at = _end_to_end(spelled)
    return Tables(
        _classes(given.emoji),
        emoji,
        np.frombuffer(kinds, np.uint8),
        emoji_at,
        Listed(_slots(spelled), spelling, spelling_at),
        _words(given, spelled),
    )


def _classes(emoji: dict[str, str]) -> npt.NDArray[np.uint16]:
    """What each character below `CLASSES` is to the loops; one that an emoji's words make odd is odd itself."""
    classes = np.zeros(CLASSES, np.uint16)
    for code, char in enumerate(map(chr, range(CLASSES))):
        if not char.isalnum() or char.islower() or char.isupper() or char.istitle() or char.lower() != char:
            classes[code] = _class(char)
    for number, (char, words) in enumerate(emoji.items()):
        odd = any(_class(letter) == ODD for letter in words)
        classes[ord(char)] = ODD if odd else EMOJI + number
    return classes


def _class(char: str) -> int:
    if char.isspace():
        return SPACE
    if char in string.punctuation:
        return PUNCTUATION
    if char.isascii() and char.isupper():
        return UPPER
    if char.lower() != char or char.isupper() or char.istitle():
        return ODD
    return LOWER if char.islower() else 0


def _kinds(words: str) -> bytes:
    """The class of each byte of an emoji's words: that of a character at its first byte, 0 at the others."""
    return b"".join(bytes([_class(letter)]).ljust(len(letter.encode()), b"\0") for letter in words)


def _end_to_end(texts: list[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return np.frombuffer(b"".join(encoded), np.uint8), ends


def _slots(spelled: list[str]) -> npt.NDArray[np.int32]:
    """Where the loops find a word by its FNV-1a hash (Fowler, Noll and Vo 1991), or in the slots after that."""
    slots = np.full(_SLOTS, -1, np.int32)
    for number in range(FIRST_NAMED, len(spelled)):
        hashed = 0xCBF29CE484222325
        for byte in spelled[number].encode():
            hashed = (hashed ^ byte) * 0x100000001B3 % 2**64
        slot = (hashed ^ hashed >> 32) % _SLOTS
        while slots[slot] >= 0:
            slot = (slot + 1) % _SLOTS
        slots[slot] = number
    return slots


def _words(given: Rules, spelled: list[str]) -> Words:
    tokens = [given.token(""), given.token("n't"), *(given.tokens[word][0] for word in spelled[FIRST_NAMED:])]
    number = {word: at for at, word in enumerate(spelled)}
    phrases, idiom, value = [], [], []
    for is_idiom, listed in ((True, given.idioms), (False, given.boosters)):
        for phrase, valence in listed.items():
            words = phrase.split()
            if len(words) > 1:
                phrases.append(([number[word] for word in words] + [NONE])[:3])
                idiom.append(is_idiom)
                value.append(float(valence))
    asked = [[getattr(token, name) for token in tokens] for name in ("hit", "acts", "known", "negates", "opens")]
    hit, acts, known, negates, opens = map(np.array, asked)
    return Words(
        hit,
        acts,
        known,
        negates,
        opens,
        np.array([token.booster is not None for token in tokens]),
        np.array([token.listed for token in tokens]),
        np.array([token.booster or 0.0 for token in tokens]),
        np.array(phrases, np.int32),
        np.array(idiom),
        np.array(value),
    )
