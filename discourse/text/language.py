"""Which of the project's languages a post is written in, with an honest "do not know".

Links, mentions, hashtags and emoji are taken out; the script of most letters decides the family. Within the Arabic
script Urdu, Pashto, Persian (Dari) and Arabic compete, within the Latin script English, Roman Urdu and five others.
A word's probability in a language mixes two models: how often the word stands in the package's own word lists and
sentences (`data/*.txt`, all invented), and an interpolated Witten-Bell model of its letters given up to three letters
before. Letters that one language alone has (Pashto ښ, Urdu ٹ) weigh through the second, function words through the
first. The log probabilities add up over words and become probabilities by a softmax.

- `ur-Latn` includes Hindi in Latin letters: words do not tell them apart. `fa` is Dari and Iranian Persian.
- Arabic, Turkish, Indonesian, Spanish, German, French and every other script are `other`. A language the package has
  never seen (Sindhi, Somali) comes out as the nearest one, often with a low confidence.
- A post in two languages gets the one with more evidence.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Final

import polars as pl
import regex

from discourse.errors import SchemaError
from discourse.text.normalize import HASHTAG, MAX_CHARACTERS, MENTION, URL, normalize

__all__ = ["CONFIDENCE_FLOOR", "identify", "identify_one"]

CONFIDENCE_FLOOR: Final = 0.6
"""Below this probability of the best language a post is `und`."""

_MIN_LETTERS: Final = 2
_ORDER: Final = 4
_WORD_SHARE: Final = 0.6
_LIST_COUNT: Final = 3
_TEMPERATURE: Final = 3.0
_ALPHABET: Final = 300.0
# What reaches a study of this conflict: the languages of the package far more often than others. Log odds.
_PRIOR: Final = {"other-ar": -1.0, **dict.fromkeys(("other-tr", "other-id", "other-es", "other-de", "other-fr"), -3.0)}
_ARABIC: Final = ("ur", "ps", "fa", "other-ar")
_LATIN: Final = ("en", "ur-Latn", "other-tr", "other-id", "other-es", "other-de", "other-fr")

_NOISE = regex.compile(rf"(?i:{URL})|{MENTION}|{HASHTAG}|(?i:\brt\b)|&(?:amp|lt|gt|quot|#\d+);|<(?:url|user)>")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}\u200c'’]*+")
_STRETCH = regex.compile(r"(.)\1{2,}+")
_ARABIC_LETTER = regex.compile(r"(?=\p{Arabic})\p{L}")
_LATIN_LETTER = regex.compile(r"(?=\p{Latin})\p{L}")
_LETTER = regex.compile(r"\p{L}")
_MARK = regex.compile(r"[\u064B-\u0652\u0670\u200c'’]+")


def identify(texts: pl.Series) -> pl.DataFrame:
    """`lang` (a value of `schema.LANGUAGES`) and `lang_confidence` (0..1) for each text, in order.

    A null text is `und` with confidence 0. Each distinct text is worked out once. Raises `SchemaError` if the column
    does not hold strings.

    >>> identify(pl.Series(["we want peace with our neighbours", "ہم امن چاہتے ہیں", "#peace"]))["lang"].to_list()
    ['en', 'ur', 'und']
    """
    if texts.dtype not in (pl.String, pl.Null):
        raise SchemaError(f"texts is a column of {texts.dtype}; it must hold strings")
    given = texts.to_list()
    known = {text: identify_one(text) for text in dict.fromkeys(given) if text is not None}
    found = [("und", 0.0) if text is None else known[text] for text in given]
    return pl.DataFrame(
        {"lang": [lang for lang, _ in found], "lang_confidence": [share for _, share in found]},
        schema={"lang": pl.String, "lang_confidence": pl.Float64},
    )


def identify_one(text: str) -> tuple[str, float]:
    """The language of one text and the probability the model gives it.

    Fewer than two letters left: `("und", 0.0)`. A best language under `CONFIDENCE_FLOOR`: `und` with that language's
    probability. A script other than Latin and Arabic: `("other", 1.0)`. Reads 10,000 characters.

    >>> identify_one("موږ سوله غواړو")[0], identify_one("ye jang hamari nahi hai")[0], identify_one("12 :)")
    ('ps', 'ur-Latn', ('und', 0.0))
    """
    bare = _NOISE.sub(" ", text[:MAX_CHARACTERS].replace("\u0640", ""))
    letters = len(_LETTER.findall(bare))
    if letters < _MIN_LETTERS:
        return "und", 0.0
    arabic, latin = len(_ARABIC_LETTER.findall(bare)), len(_LATIN_LETTER.findall(bare))
    if letters - arabic - latin > max(arabic, latin):
        return "other", 1.0
    family = _ARABIC if arabic >= latin else _LATIN
    shares = _softmax(_evidence(bare, family))
    by_lang: dict[str, float] = {}
    for name, share in zip(family, shares, strict=True):
        lang = "other" if name.startswith("other") else name
        by_lang[lang] = by_lang.get(lang, 0.0) + share
    lang, share = max(by_lang.items(), key=lambda item: item[1])
    share = min(1.0, share)
    return (lang, share) if share >= CONFIDENCE_FLOOR else ("und", share)


def _words(text: str) -> list[str]:
    return [_STRETCH.sub(r"\1\1", _MARK.sub("", word)) for word in _WORD.findall(normalize(text, "und"))]


def _evidence(bare: str, family: tuple[str, ...]) -> list[float]:
    """Log probability of the text's words of the family's script, by language; each distinct word counts once."""
    wanted = _ARABIC_LETTER if family is _ARABIC else _LATIN_LETTER
    total = [0.0] * len(family)
    for word in dict.fromkeys(_words(bare)):
        if wanted.match(word):
            total = [have + more for have, more in zip(total, _word_scores(word[:40], family), strict=True)]
    return [value / _TEMPERATURE + _PRIOR.get(name, 0.0) for name, value in zip(family, total, strict=True)]


def _softmax(values: list[float]) -> list[float]:
    top = max(values)
    weights = [math.exp(value - top) for value in values]
    return [weight / sum(weights) for weight in weights]


@dataclass(frozen=True)
class _Model:
    """Counts of one language: words, and each letter after each context of 0 to 3 letters."""

    words: dict[str, int]
    n_words: int
    after: dict[str, dict[str, int]]
    n_after: dict[str, int]

    def score(self, word: str) -> float:
        """Log probability of one word."""
        letters = 1.0
        padded = f" {word} "
        for end in range(1, len(padded)):
            letters *= self._letter(padded[max(0, end - _ORDER + 1) : end], padded[end])
        listed = self.words.get(word, 0) / self.n_words
        return math.log(_WORD_SHARE * listed + (1 - _WORD_SHARE) * letters)

    def _letter(self, context: str, letter: str) -> float:
        """Witten and Bell 1991, method C: longer contexts count in proportion to what was seen after them."""
        probability = 1.0 / _ALPHABET
        for start in range(len(context), -1, -1):
            follow = self.after.get(context[start:])
            if follow is None:
                break
            seen, kinds = self.n_after[context[start:]], len(follow)
            probability = (follow.get(letter, 0) + kinds * probability) / (seen + kinds)
        return probability


@cache
def _model(name: str) -> _Model:
    words: Counter[str] = Counter()
    for kind, count in (("sentences", 1), ("words", _LIST_COUNT)):
        for line in _read(f"{kind}_{name}.txt"):
            for word in _words(line):
                words[word] += count
    after: dict[str, Counter[str]] = {}
    for word, count in words.items():
        padded = f" {word} "
        for end in range(1, len(padded)):
            for start in range(max(0, end - _ORDER + 1), end + 1):
                after.setdefault(padded[start:end], Counter())[padded[end]] += count
    return _Model(
        words=dict(words),
        n_words=sum(words.values()),
        after={context: dict(follow) for context, follow in after.items()},
        n_after={context: sum(follow.values()) for context, follow in after.items()},
    )


def _read(name: str) -> list[str]:
    file = resources.files("discourse.text") / "data" / name
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


@lru_cache(maxsize=100_000)
def _word_scores(word: str, family: tuple[str, ...]) -> tuple[float, ...]:
    return tuple(_model(name).score(word) for name in family)
