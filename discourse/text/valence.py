"""VADER's sentiment of English posts, to the last digit, without its cost.

Hutto and Gilbert 2014 (ICWSM): a lexicon of words and emoticons with a valence, and rules for capitals, boosters,
negation, idioms, "but" and punctuation. The lexicon and the word lists are those of the installed `vaderSentiment`;
the rules are stated here once more, because what the package does a token and a rule at a time (it lower-cases the
whole post for every rule) is looked up here per distinct token, and what it does in the square of the emoji or of the
words takes linear time. Equality with the package is the test.

The last digit of a sum depends on Python: from 3.12 on `sum()` of floats is compensated, in the package and here alike.
Scores follow the running Python; `compensated` asks for one of the two rules by name.

With numba installed long columns are scored over their bytes (`discourse.kernels.valence`), with the same digits.
"""

from __future__ import annotations

import heapq
import math
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import compress
from operator import itemgetter
from typing import Final

import numpy as np
import numpy.typing as npt

from discourse.kernels.compiled import batches, in_threads, wanted
from discourse.kernels.packed import packed
from discourse.text.chunks import MAX_CHARACTERS, Memo
from discourse.text.valence_lists import Token, rules

__all__ = ["COMPENSATED", "MAX_EMOJI", "compounds"]

MAX_EMOJI: Final = 64
COMPENSATED: Final = sys.version_info >= (3, 12)
"""Whether the running Python compensates the sum of floats, and `vaderSentiment`'s scores with it."""

_NEGATION: Final = -0.74
_CAPITALS: Final = 0.733
_EXCLAMATION: Final = 0.292
_QUESTION: Final = 0.18
_DISTANCE: Final = (1.0, 0.95, 0.9)
_ALPHA: Final = 15
_LOWER, _IS_HIT, _IS_UPPER, _ACTS = map(itemgetter, range(4))  # fields of Token


def compounds(
    texts: Sequence[str | None], compensated: bool = COMPENSATED, threads: int | None = None
) -> list[float | None]:
    """VADER's compound score in [-1, 1] of each of n English texts; None stays None.

    Reads 10,000 characters and 64 emoji a text. Give the texts as written: capitals and punctuation count. The sum of
    valences is `compensated` as from Python 3.12 on, or not as before; without it as in the running Python. `threads`
    is the number of threads of the compiled loops, without it one a processor; it changes no score.

    >>> compounds(["VADER is smart, handsome, and funny.", None])
    [0.8316, None]
    """
    if wanted(len(texts)):
        return _by_kernel(texts, compensated, threads)
    return _by_chunks(texts, compensated)


def _by_chunks(texts: Iterable[str | None], compensated: bool) -> list[float | None]:
    memo: Memo[Token] = Memo(rules().token)
    return [
        None if text is None else _compound(_with_words_for_emoji(text[:MAX_CHARACTERS]), memo, compensated)
        for text in texts
    ]


def _by_kernel(texts: Sequence[str | None], compensated: bool, threads: int | None) -> list[float | None]:
    from discourse.kernels.valence import scores
    from discourse.text.valence_tables import tables

    column, lists, limits = packed(texts), tables(), (MAX_CHARACTERS, MAX_EMOJI, compensated)
    raw = np.empty(len(texts))
    in_threads(
        lambda first, last: scores(column.content, column.offsets, (first, last), lists, limits, raw),
        batches(column.offsets),
        threads,
    )
    made: list[float | None] = _rounded(raw).tolist()
    left = sorted({*np.flatnonzero(np.isnan(raw)).tolist(), *column.broken})
    for at, score in zip(left, _by_chunks([texts[at] for at in left], compensated), strict=True):
        made[at] = score
    if None in texts:
        made = [None if text is None else score for text, score in zip(texts, made, strict=True)]
    return made


def _rounded(raw: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`round(x, 4)` of each: where the fifth place is so near to a half that a product might mislead, by `round`."""
    shifted = raw * 10_000
    made = np.rint(shifted) / 10_000
    for at in np.flatnonzero(np.abs(np.abs(shifted - np.trunc(shifted)) - 0.5) < 1e-6).tolist():
        made[at] = round(float(raw[at]), 4)
    return made


def _with_words_for_emoji(text: str) -> str:
    """Each emoji as its description, a word or more; those past the first 64 are left out."""
    if text.isascii():
        return text
    lists = rules()
    left = MAX_EMOJI

    def described(found: re.Match[str]) -> str:
        nonlocal left
        left -= 1
        return "" if left < 0 else " " + lists.emoji[found[0]]

    return lists.emoji_class.sub(described, text)


def _compound(text: str, memo: Memo[Token], compensated: bool) -> float:
    words = list(map(memo.__getitem__, text.split()))
    hits = list(compress(range(len(words)), map(_IS_HIT, words)))
    if not hits:
        return 0.0
    capitals = 0 < sum(map(_IS_UPPER, words)) < len(words)
    values = {at: _valence(words, at, capitals) for at in hits}
    lowers = list(map(_LOWER, words))
    if "but" in lowers:
        _weigh_around_but(values, lowers.index("but"))
    total = _added(values.values(), compensated)
    if total > 0:
        total += _punctuation(text)
    elif total < 0:
        total -= _punctuation(text)
    return round(max(-1.0, min(1.0, total / math.sqrt(total * total + _ALPHA))), 4)


def _valence(words: list[Token], at: int, capitals: bool) -> float:
    """The valence of the lexicon word at a place, after what stands around it."""
    word = words[at]
    before = words[max(at - 3, 0) : at][::-1]  # nearest first
    if not (word.acts or any(map(_ACTS, before))):
        valence = word.listed
        if word.upper and capitals:
            valence += _CAPITALS if valence > 0 else -_CAPITALS
        return valence
    after = words[at + 1 : at + 3]
    if word.lower == "kind" and after and after[0].lower == "of":
        return 0.0
    return _ruled(word, before, after, capitals)


def _ruled(word: Token, before: list[Token], after: list[Token], capitals: bool) -> float:
    """All the rules for a lexicon word with the three words before it, nearest first, and the two after it."""
    valence = word.listed
    lowers = [other.lower for other in before] + [""] * (3 - len(before))
    if word.lower == "no" and after and after[0].known:
        valence = 0.0
    if "no" in lowers[:2] or (lowers[2] == "no" and lowers[0] in ("or", "nor")):
        valence = word.listed * _NEGATION
    if word.upper and capitals:
        valence += _CAPITALS if valence > 0 else -_CAPITALS
    for back, other in enumerate(before):
        if other.known:
            continue
        if other.booster is not None:
            valence += _boost(other, valence, capitals) * _DISTANCE[back]
        valence = _negated(valence, other, lowers, back)
        if back == 2 and (word.opens or any(near.opens for near in before)):
            valence = _idiom(valence, word, lowers, after)
    if lowers[0] == "least" and not before[0].known and lowers[1] not in ("at", "very"):
        valence *= _NEGATION
    return valence


def _boost(other: Token, valence: float, capitals: bool) -> float:
    scalar = other.booster or 0.0
    if valence < 0:
        scalar *= -1
    if other.upper and capitals:
        scalar += _CAPITALS if valence > 0 else -_CAPITALS
    return scalar


def _negated(valence: float, other: Token, before: list[str], back: int) -> float:
    """The rule for one of the words before; `back` is its place in `before`, nearest first."""
    if back == 1:
        if before[1] == "never" and before[0] in ("so", "this"):
            return valence * 1.25
        if before[1] == "without" and before[0] == "doubt":
            return valence
    elif back == 2:
        if (before[2] == "never" and before[1] in ("so", "this")) or before[0] in ("so", "this"):
            return valence * 1.25
        if before[2] == "without" and "doubt" in before[:2]:
            return valence
    return valence * _NEGATION if other.negates else valence


def _idiom(valence: float, word: Token, before: list[str], after: list[Token]) -> float:
    """Phrases around the lexicon word whose valence is not that of their words; two-word boosters before it."""
    lists = rules()
    one, two, three = before
    earlier = (f"{three} {two} {one}", f"{three} {two}", f"{two} {one}")
    for phrase in (f"{one} {word.lower}", f"{two} {one} {word.lower}", earlier[2], earlier[0], earlier[1]):
        if phrase in lists.idioms:
            valence = lists.idioms[phrase]
            break
    phrase = word.lower
    for other in after:
        phrase = f"{phrase} {other.lower}"
        valence = lists.idioms.get(phrase, valence)
    for phrase in earlier:
        valence += lists.boosters.get(phrase, 0.0)
    return valence


def _weigh_around_but(values: dict[int, float], at_but: int) -> None:
    """Halve what stands before "but", raise by half what stands after, as the package does it.

    The package looks each value up by its first equal, so that of two equal values it may change the first one twice.
    That is kept: published scores hold it.
    """
    places: dict[float, list[int]] = {}
    for at, value in values.items():
        places.setdefault(value, []).append(at)
    for at in list(values):
        same = places[values[at]]
        first = same[0]
        if first == at_but:
            continue
        heapq.heappop(same)
        values[first] *= 0.5 if first < at_but else 1.5
        heapq.heappush(places.setdefault(values[first], []), first)


def _added(values: Iterable[float], compensated: bool) -> float:
    """Their sum by one of the two rules (Neumaier 1974, Rundungsfehleranalyse): by `sum` itself if it is its rule."""
    if compensated == COMPENSATED:
        return float(sum(values))
    total = lost = 0.0
    for value in values:
        more = total + value
        if compensated:
            lost += (total - more) + value if abs(total) >= abs(value) else (value - more) + total
        total = more
    return total + lost


def _punctuation(text: str) -> float:
    asked = text.count("?")
    questions = 0.0 if asked <= 1 else asked * _QUESTION if asked <= 3 else 0.96
    return min(text.count("!"), 4) * _EXCLAMATION + questions
