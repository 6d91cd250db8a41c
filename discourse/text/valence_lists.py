"""The word lists of the installed `vaderSentiment`, and what VADER's rules ask of one token."""

from __future__ import annotations

import re
import string
import warnings
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, NamedTuple

__all__ = ["Rules", "Token", "rules"]

_ACTING: Final = frozenset({"no", "this", "doubt", "least", "kind"})
_NAMED: Final = _ACTING | {"or", "nor", "never", "so", "without", "at", "very", "but", "of"}


class Token(NamedTuple):
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
class Rules:
    """The word lists of the installed package, and a token (in small letters, in capitals) for each of their words."""

    emoji: dict[str, str]
    boosters: dict[str, float]
    idioms: dict[str, float]
    tokens: dict[str, tuple[Token, Token]]
    emoji_class: re.Pattern[str]

    def token(self, chunk: str) -> Token:
        """What the rules ask of a chunk: punctuation around more than two characters does not count."""
        stripped = chunk.strip(string.punctuation)
        word = chunk if len(stripped) <= 2 else stripped
        lower = word.lower()
        cases = self.tokens.get(lower) or (_NOT if "n't" in lower else _PLAIN)
        return cases[word.isupper()]


# Every word that no rule and no list names is the same to the rules.
_PLAIN: Final = (Token("", False, False, False), Token("", False, True, False))
_NOT: Final = (Token("", False, False, True, negates=True), Token("", False, True, True, negates=True))


@cache
def rules() -> Rules:
    """The lists of the installed package; they are read once.

    >>> rules().token("(GOOD!)").listed, rules().token("isn't").negates
    (1.9, True)
    """
    published = _package()
    emoji = {char: words for char, words in _rows("emoji_utf8_lexicon.txt") if len(char) == 1}
    boosters: dict[str, float] = published.BOOSTER_DICT
    idioms: dict[str, float] = published.SPECIAL_CASES
    return Rules(
        emoji, boosters, idioms, _listed_tokens(boosters, idioms, frozenset(published.NEGATE)),
        re.compile(_ranges(sorted(map(ord, emoji)))),
    )  # fmt: skip


def _listed_tokens(
    boosters: dict[str, float], idioms: dict[str, float], negations: frozenset[str]
) -> dict[str, tuple[Token, Token]]:
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
            Token(word, known and booster is None, upper, acts, known, lexicon.get(word, 0.0), booster, negates,
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
