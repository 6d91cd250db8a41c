"""VADER's sentiment of English posts, to the last digit, without its cost.

Hutto and Gilbert 2014 (ICWSM): a lexicon of words and emoticons with a valence, and rules for capitals, boosters,
negation, idioms, "but" and punctuation. The lexicon and the word lists are those of the installed `vaderSentiment`;
the rules are stated here once more, because what the package does a token and a rule at a time (it lower-cases the
whole post for every rule) is looked up here per distinct token, and what it does in the square of the emoji or of the
words takes linear time. Equality with the package is the test.

The last digit of a sum depends on Python: from 3.12 on `sum()` of floats is compensated, in the package and here alike.
"""

from __future__ import annotations

import heapq
import math
import re
import string
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import compress
from operator import itemgetter
from typing import Any, Final, NamedTuple

from discourse.text.chunks import MAX_CHARACTERS, Memo

__all__ = ["MAX_EMOJI", "compounds"]

MAX_EMOJI: Final = 64

_NEGATION: Final = -0.74
_CAPITALS: Final = 0.733
_EXCLAMATION: Final = 0.292
_QUESTION: Final = 0.18
_DISTANCE: Final = (1.0, 0.95, 0.9)
_ALPHA: Final = 15
_ACTING: Final = frozenset({"no", "this", "doubt", "least", "kind"})
_NAMED: Final = _ACTING | {"or", "nor", "never", "so", "without", "at", "very", "but", "of"}
_LOWER, _IS_HIT, _IS_UPPER, _ACTS = map(itemgetter, range(4))  # fields of _Token


class _Token(NamedTuple):
    """What the rules ask of one token between white space."""

    lower: str
    hit: bool  # has a valence of its own: in the lexicon and no booster
    upper: bool
    acts: bool  # may change a lexicon word up to three places on, or (by an idiom) its own; most words do not
    known: bool = False  # in the lexicon
    listed: float = 0.0
    booster: float | None = None
    negates: bool = False
    opens: bool = False  # the first word of an idiom or a two-word booster


@dataclass(frozen=True)
class _Rules:
    """The word lists of the installed package, and a token (in small letters, in capitals) for each of their words."""

    emoji: dict[str, str]
    boosters: dict[str, float]
    idioms: dict[str, float]
    tokens: dict[str, tuple[_Token, _Token]]
    emoji_class: re.Pattern[str]

    def token(self, chunk: str) -> _Token:
        stripped = chunk.strip(string.punctuation)
        word = chunk if len(stripped) <= 2 else stripped
        lower = word.lower()
        cases = self.tokens.get(lower) or (_NOT if "n't" in lower else _PLAIN)
        return cases[word.isupper()]


# Every word that no rule and no list names is the same to the rules.
_PLAIN: Final = (_Token("", False, False, False), _Token("", False, True, False))
_NOT: Final = (_Token("", False, False, True, negates=True), _Token("", False, True, True, negates=True))


def compounds(texts: Sequence[str | None]) -> list[float | None]:
    """VADER's compound score in [-1, 1] of each of n English texts; None stays None.

    Reads 10,000 characters and 64 emoji a text. Give the texts as written: capitals and punctuation count.

    >>> compounds(["VADER is smart, handsome, and funny.", None])
    [0.8316, None]
    """
    rules = _rules()
    memo: Memo[_Token] = Memo(rules.token)
    return [None if text is None else _compound(_with_words_for_emoji(text[:MAX_CHARACTERS]), memo) for text in texts]


def _with_words_for_emoji(text: str) -> str:
    """Each emoji as its description, a word or more; those past the first 64 are left out."""
    if text.isascii():
        return text
    rules = _rules()
    left = MAX_EMOJI

    def described(found: re.Match[str]) -> str:
        nonlocal left
        left -= 1
        return "" if left < 0 else " " + rules.emoji[found[0]]

    return rules.emoji_class.sub(described, text)


def _compound(text: str, memo: Memo[_Token]) -> float:
    words = list(map(memo.__getitem__, text.split()))
    hits = list(compress(range(len(words)), map(_IS_HIT, words)))
    if not hits:
        return 0.0
    capitals = 0 < sum(map(_IS_UPPER, words)) < len(words)
    values = {at: _valence(words, at, capitals) for at in hits}
    lowers = list(map(_LOWER, words))
    if "but" in lowers:
        _weigh_around_but(values, lowers.index("but"))
    total = float(sum(values.values()))
    if total > 0:
        total += _punctuation(text)
    elif total < 0:
        total -= _punctuation(text)
    return round(max(-1.0, min(1.0, total / math.sqrt(total * total + _ALPHA))), 4)


def _valence(words: list[_Token], at: int, capitals: bool) -> float:
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


def _ruled(word: _Token, before: list[_Token], after: list[_Token], capitals: bool) -> float:
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


def _boost(other: _Token, valence: float, capitals: bool) -> float:
    scalar = other.booster or 0.0
    if valence < 0:
        scalar *= -1
    if other.upper and capitals:
        scalar += _CAPITALS if valence > 0 else -_CAPITALS
    return scalar


def _negated(valence: float, other: _Token, before: list[str], back: int) -> float:
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


def _idiom(valence: float, word: _Token, before: list[str], after: list[_Token]) -> float:
    """Phrases around the lexicon word whose valence is not that of their words; two-word boosters before it."""
    rules = _rules()
    one, two, three = before
    earlier = (f"{three} {two} {one}", f"{three} {two}", f"{two} {one}")
    for phrase in (f"{one} {word.lower}", f"{two} {one} {word.lower}", earlier[2], earlier[0], earlier[1]):
        if phrase in rules.idioms:
            valence = rules.idioms[phrase]
            break
    phrase = word.lower
    for other in after:
        phrase = f"{phrase} {other.lower}"
        valence = rules.idioms.get(phrase, valence)
    for phrase in earlier:
        valence += rules.boosters.get(phrase, 0.0)
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


def _punctuation(text: str) -> float:
    asked = text.count("?")
    questions = 0.0 if asked <= 1 else asked * _QUESTION if asked <= 3 else 0.96
    return min(text.count("!"), 4) * _EXCLAMATION + questions


@cache
def _rules() -> _Rules:
    published = _package()
    emoji = {char: words for char, words in _rows("emoji_utf8_lexicon.txt") if len(char) == 1}
    boosters: dict[str, float] = published.BOOSTER_DICT
    idioms: dict[str, float] = published.SPECIAL_CASES
    return _Rules(
        emoji, boosters, idioms, _listed_tokens(boosters, idioms, frozenset(published.NEGATE)),
        re.compile(_ranges(sorted(map(ord, emoji)))),
    )  # fmt: skip


def _listed_tokens(
    boosters: dict[str, float], idioms: dict[str, float], negations: frozenset[str]
) -> dict[str, tuple[_Token, _Token]]:
    lexicon = {word: float(measure) for word, measure in _rows("vader_lexicon.txt")}
    phrases = [phrase.split() for phrase in (*boosters, *idioms) if " " in phrase]
    opening = {words[0] for words in phrases}
    named = {word for words in phrases for word in words} | negations | boosters.keys() | lexicon.keys() | _NAMED
    made = {}
    for word in named:
        known, booster = word in lexicon, boosters.get(word)
        negates = word in negations or "n't" in word
        acts = negates or word in opening or booster is not None or word in _ACTING
        small, large = (
            _Token(word, known and booster is None, upper, acts, known, lexicon.get(word, 0.0), booster, negates,
                   word in opening)
            for upper in (False, True)
        )  # fmt: skip
        made[word] = (small, large)
    return made


def _rows(name: str) -> list[list[str]]:
    text = (resources.files("vaderSentiment") / name).read_text(encoding="utf-8")
    return [line.strip().split("\t")[:2] for line in text.rstrip("\n").split("\n") if line]


def _ranges(codes: list[int]) -> str:
    """A character class of sorted code points, in ranges: a long list of single ones is slow to search."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in runs) + "]"


def _package() -> Any:
    with warnings.catch_warnings():
        # vaderSentiment opens its lexicon with codecs.open, which newer Pythons deprecate.
        warnings.simplefilter("ignore", DeprecationWarning)
        from vaderSentiment import vaderSentiment

        return vaderSentiment
