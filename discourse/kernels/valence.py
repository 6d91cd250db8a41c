"""VADER's rules over bytes: the compiled twin of `discourse.text.valence`, rule by rule and number by number.

A text is first written out (in small letters, emoji as their words), then cut into tokens, each token looked up in one
table of all listed words. Word 0 stands for every word that no list names, and for "no word"; word 1 for one that only
has "n't" in it. A text with a character whose small letter is not simple is left to the plain path.
"""

# ruff: noqa: PLR0917
from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from discourse.kernels.compiled import compiled, inlined
from discourse.kernels.utf8 import code_point, width
from discourse.kernels.valence_rules import CAPITALS, FIRST_NAMED, NAMED, Words, raised, ruled

__all__ = ["CLASSES", "EMOJI", "LOWER", "ODD", "PUNCTUATION", "SPACE", "UPPER", "Listed", "Tables", "scores"]

SPACE: Final = 1
LOWER: Final = 2
UPPER: Final = 3
PUNCTUATION: Final = 4
ODD: Final = 5
"""A character that the plain path must see."""
EMOJI: Final = 6
"""The class of the first emoji; the next one has the next number."""
CLASSES: Final = 0x20000
"""Characters below this number have a class; all beyond have none."""

_FNV_START: Final = np.uint64(0xCBF29CE484222325)
_FNV_PRIME: Final = np.uint64(0x100000001B3)
_BUT: Final = FIRST_NAMED + NAMED.index("but")
_NOT: Final = 1
_QUESTION: Final = 0.18
_EXCLAMATION: Final = 0.292
_ALPHA: Final = 15.0

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


class Listed(NamedTuple):
    """The spelling of the words that have a number."""

    slots: Ints  # hash to word, -1 where free; a power of two
    spelling: Bytes  # the words, end to end
    spelling_at: Ints


class Tables(NamedTuple):
    """The lists of the rules as arrays; `discourse.text.valence_tables` makes them."""

    classes: npt.NDArray[np.uint16]  # (CLASSES,)
    emoji: Bytes  # the words of all emoji in small letters, end to end
    emoji_kinds: Bytes  # the class of each of their bytes
    emoji_at: Ints
    listed: Listed
    words: Words


class Scratch(NamedTuple):
    """What one thread writes on while it works at one text after the other."""

    text: Bytes  # in small letters
    kinds: Bytes  # the class of the character that starts at a byte
    ids: Ints
    upper: npt.NDArray[np.bool_]
    hits: Ints
    values: Floats


@compiled
def scores(
    content: Bytes,
    offsets: npt.NDArray[np.int64],
    rows: tuple[int, int],
    tables: Tables,
    limits: tuple[int, int, bool],
    out: Floats,
) -> None:
    """Write the compound score of the texts from `rows[0]` up to `rows[1]`, not yet rounded, to their places in `out`.

    NaN stands for what the plain path must do. `limits` are the characters and the emoji that are read of a text, and
    whether the sum of valences is compensated (Python 3.12 and later) or not.
    """
    characters, emoji, compensated = limits
    most = 0
    for row in range(rows[0], rows[1]):
        most = max(most, min(offsets[row + 1] - offsets[row], 4 * characters))
    longest = 0
    for at in range(len(tables.emoji_at) - 1):
        longest = max(longest, tables.emoji_at[at + 1] - tables.emoji_at[at])
    room = most + emoji * (longest + 1) + 1
    places = room // 2 + 1
    scratch = Scratch(
        np.empty(room, np.uint8),
        np.empty(room, np.uint8),
        np.empty(places, np.int32),
        np.empty(places, np.bool_),
        np.empty(places, np.int32),
        np.empty(places, np.float64),
    )
    for row in range(rows[0], rows[1]):
        text = content[offsets[row] : offsets[row + 1]]
        end = _written_out(text, tables, characters, emoji, scratch.text, scratch.kinds)
        out[row] = math.nan if end < 0 else _compound(end, tables, compensated, scratch)


@inlined
def _written_out(content: Bytes, tables: Tables, characters: int, emoji: int, text: Bytes, kinds: Bytes) -> int:
    """The text in small letters, with words for emoji, and the class of each byte: how many, or -1 if one is odd."""
    classes, words, word_kinds, words_at = tables.classes, tables.emoji, tables.emoji_kinds, tables.emoji_at
    at, to, end = 0, 0, len(content)
    while at < end and characters > 0:
        characters -= 1
        first = content[at]
        if first < 0x80:
            kind = classes[first]
            text[to] = first + 32 if kind == UPPER else first
            kinds[to] = kind
            at, to = at + 1, to + 1
            continue
        size = width(first)
        code = code_point(content, at)
        kind = classes[code] if code < CLASSES else 0
        if kind == ODD:
            return -1
        if kind < EMOJI:
            for place in range(size):
                text[to + place] = content[at + place]
                kinds[to + place] = 0
            kinds[to] = kind
            to += size if kind != SPACE else 1
        elif emoji > 0:
            emoji -= 1
            kinds[to] = SPACE
            to += 1
            for place in range(words_at[kind - EMOJI], words_at[kind - EMOJI + 1]):
                text[to], kinds[to] = words[place], word_kinds[place]
                to += 1
        at += size
    return to


@inlined
def _compound(end: int, tables: Tables, compensated: bool, scratch: Scratch) -> float:
    """The score of the text that is written out in `scratch`, before it is rounded."""
    text, kinds, ids, upper, hits, values = scratch
    words, listed = tables.words, tables.listed
    count = n_hits = n_upper = at = 0
    at_but = -1
    while at < end:
        if kinds[at] == SPACE:
            at += 1
            continue
        ids[count], upper[count], at = _token(text, kinds, at, end, listed)
        n_upper += upper[count]
        if words.hit[ids[count]]:
            hits[n_hits] = count
            n_hits += 1
        if ids[count] == _BUT and at_but < 0:
            at_but = count
        count += 1
    if n_hits == 0:
        return 0.0
    capitals = 0 < n_upper < count
    for number in range(n_hits):
        place = hits[number]
        plain = not words.acts[ids[place]]
        for back in range(1, min(3, place) + 1):
            plain = plain and not words.acts[ids[place - back]]
        if plain:
            values[number] = raised(words.listed[ids[place]], CAPITALS if upper[place] and capitals else 0.0)
        else:
            values[number] = ruled(words, ids, upper, place, count, capitals)
    if at_but >= 0:
        _weigh_around_but(values, hits, n_hits, at_but)
    total = _added(values, n_hits, compensated)
    if total != 0:
        total = raised(total, _punctuation(text, kinds, end))
    return max(-1.0, min(1.0, total / math.sqrt(total * total + _ALPHA)))


@inlined
def _token(text: Bytes, kinds: Bytes, at: int, end: int, listed: Listed) -> tuple[int, bool, int]:
    """The number of the listed word that starts at a byte, whether it is in capitals, and where its token ends.

    Its spelling is hashed on the way, from the first character that is no punctuation up to the last one.
    """
    first, start, stop = at, -1, at
    has_upper = has_lower = has_not = False
    letters = letters_before = letters_within = 0
    running = hashed = _FNV_START
    while at < end and kinds[at] != SPACE:
        kind, byte = kinds[at], text[at]
        has_upper |= kind == UPPER
        has_lower |= kind == LOWER
        has_not |= byte == 0x74 and at > first + 1 and text[at - 1] == 0x27 and text[at - 2] == 0x6E  # n't
        if start < 0 and kind != PUNCTUATION:
            start, letters_before = at, letters
        if start >= 0:
            running = (running ^ np.uint64(byte)) * _FNV_PRIME
        letters += (byte & 0xC0) != 0x80
        at += 1
        if kind != PUNCTUATION:
            stop, letters_within, hashed = at, letters, running
    if letters_within - letters_before <= 2:  # a smiley, most often
        start, stop, hashed = first, at, _FNV_START
        for place in range(first, at):
            hashed = (hashed ^ np.uint64(text[place])) * _FNV_PRIME
    found = _listed(text, start, stop, hashed, listed)
    return _NOT if found == 0 and has_not else found, has_upper and not has_lower, at


@inlined
def _listed(text: Bytes, start: int, stop: int, hashed: np.uint64, listed: Listed) -> int:
    mask = np.uint64(len(listed.slots) - 1)
    slot = (hashed ^ (hashed >> np.uint64(32))) & mask
    while listed.slots[slot] >= 0:
        word = listed.slots[slot]
        begin = listed.spelling_at[word]
        same = listed.spelling_at[word + 1] - begin == stop - start
        at = 0
        while same and at < stop - start:
            same = text[start + at] == listed.spelling[begin + at]
            at += 1
        if same:
            return int(word)
        slot = (slot + np.uint64(1)) & mask
    return 0


@inlined
def _weigh_around_but(values: Floats, hits: Ints, n_hits: int, at_but: int) -> None:
    """Each value is looked up by its first equal, as the package does it (see the plain path)."""
    for number in range(n_hits):
        value = values[number]
        first = 0
        while values[first] != value:
            first += 1
        if hits[first] != at_but:
            values[first] *= 0.5 if hits[first] < at_but else 1.5


@inlined
def _added(values: Floats, count: int, compensated: bool) -> float:
    """The sum as Python up to 3.11 has it, or compensated (Neumaier 1974) as from 3.12 on."""
    total = lost = 0.0
    for number in range(count):
        value = values[number]
        more = total + value
        if compensated:
            lost += (total - more) + value if abs(total) >= abs(value) else (value - more) + total
        total = more
    return total + lost


@inlined
def _punctuation(text: Bytes, kinds: Bytes, end: int) -> float:
    asked = called = 0
    for at in range(end):
        asked += text[at] == 0x3F and kinds[at] == PUNCTUATION
        called += text[at] == 0x21 and kinds[at] == PUNCTUATION
    questions = 0.0 if asked <= 1 else asked * _QUESTION if asked <= 3 else 0.96
    return min(called, 4) * _EXCLAMATION + questions
