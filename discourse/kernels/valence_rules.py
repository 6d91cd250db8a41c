"""The rules of VADER for one lexicon word and the words around it, on the numbers of words.

Twins of the functions of the same names in `discourse.text.valence`, where the rules are explained.
"""

# ruff: noqa: PLR0917
from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from discourse.kernels.compiled import inlined

__all__ = ["CAPITALS", "FIRST_NAMED", "NAMED", "NONE", "Words", "raised", "ruled"]

CAPITALS: Final = 0.733
NAMED: Final = (
    "no", "or", "nor", "never", "so", "this", "without", "doubt", "at", "very", "least", "but", "kind", "of",
)  # fmt: skip
"""The words that rules name, in the order of their numbers."""
FIRST_NAMED: Final = 2
NONE: Final = -1
"""Stands for the third word of a phrase of two."""

_NO, _OR, _NOR, _NEVER, _SO, _THIS, _WITHOUT, _DOUBT, _AT, _VERY, _LEAST, _BUT, _KIND, _OF = range(
    FIRST_NAMED, FIRST_NAMED + len(NAMED)
)
_NEGATION: Final = -0.74
_DISTANCE: Final = (1.0, 0.95, 0.9)

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


class Words(NamedTuple):
    """What the rules ask of w listed words (shape (w,) each), and the phrases of two and three words."""

    hit: Bools
    acts: Bools
    known: Bools
    negates: Bools
    opens: Bools
    boosts: Bools
    listed: Floats
    booster: Floats
    phrases: Ints  # (k, 3)
    phrase_is_idiom: Bools
    phrase_value: Floats


@inlined
def raised(value: float, by: float) -> float:
    """A value further from zero."""
    return value + by if value > 0 else value - by


@inlined
def ruled(words: Words, ids: Ints, upper: Bools, place: int, count: int, capitals: bool) -> float:
    """The valence of the lexicon word at a place of `count` words, after all rules for the three words before it."""
    word = ids[place]
    before = min(place, 3)
    one = ids[place - 1] if before > 0 else 0
    two = ids[place - 2] if before > 1 else 0
    three = ids[place - 3] if before > 2 else 0
    after = ids[place + 1] if place + 1 < count else 0
    if word == _KIND and after == _OF:
        return 0.0
    valence = words.listed[word]
    if word == _NO and words.known[after]:
        valence = 0.0
    if _NO in (one, two) or (three == _NO and one in (_OR, _NOR)):
        valence = words.listed[word] * _NEGATION
    if upper[place] and capitals:
        valence = raised(valence, CAPITALS)
    for back in range(before):
        other = ids[place - 1 - back]
        if words.known[other]:
            continue
        if words.boosts[other]:
            shout = upper[place - 1 - back] and capitals
            valence += _boost(words.booster[other], valence, shout) * _DISTANCE[back]
        valence = _negated(valence, words.negates[other], (one, two, three), back)
        if back == 2 and (words.opens[word] or words.opens[one] or words.opens[two] or words.opens[three]):
            second = ids[place + 2] if place + 2 < count else 0
            valence = _idiom(valence, words, (three, two, one, word, after, second), count - 1 - place)
    if one == _LEAST and not words.known[one] and two not in (_AT, _VERY):
        valence *= _NEGATION
    return float(valence)


@inlined
def _boost(scalar: float, valence: float, shout: bool) -> float:
    if valence < 0:
        scalar *= -1
    return scalar + (CAPITALS if valence > 0 else -CAPITALS) if shout else scalar


@inlined
def _negated(valence: float, negates: bool, before: tuple[int, int, int], back: int) -> float:
    one, two, three = before
    if back == 1:
        if two == _NEVER and one in (_SO, _THIS):
            return valence * 1.25
        if two == _WITHOUT and one == _DOUBT:
            return valence
    elif back == 2:
        if (three == _NEVER and two in (_SO, _THIS)) or one in (_SO, _THIS):
            return valence * 1.25
        if three == _WITHOUT and _DOUBT in (one, two):
            return valence
    return valence * _NEGATION if negates else valence


@inlined
def _idiom(valence: float, words: Words, around: tuple[int, int, int, int, int, int], left: int) -> float:
    three, two, one, word, after, second = around
    phrase = _phrase(words, one, word, NONE, True)
    if phrase < 0:
        phrase = _phrase(words, two, one, word, True)
    if phrase < 0:
        phrase = _phrase(words, two, one, NONE, True)
    if phrase < 0:
        phrase = _phrase(words, three, two, one, True)
    if phrase < 0:
        phrase = _phrase(words, three, two, NONE, True)
    if phrase >= 0:
        valence = words.phrase_value[phrase]
    if left >= 1:
        phrase = _phrase(words, word, after, NONE, True)
        valence = words.phrase_value[phrase] if phrase >= 0 else valence
    if left >= 2:
        phrase = _phrase(words, word, after, second, True)
        valence = words.phrase_value[phrase] if phrase >= 0 else valence
    for phrase in (
        _phrase(words, three, two, one, False),
        _phrase(words, three, two, NONE, False),
        _phrase(words, two, one, NONE, False),
    ):
        if phrase >= 0:
            valence += words.phrase_value[phrase]
    return valence


@inlined
def _phrase(words: Words, first: int, second: int, third: int, idiom: bool) -> int:
    """The place of a phrase among the idioms or the boosters of two words and more, -1 if it is none."""
    for at in range(len(words.phrases)):
        phrase = words.phrases[at]
        if words.phrase_is_idiom[at] == idiom and phrase[0] == first and phrase[1] == second and phrase[2] == third:
            return at
    return -1
