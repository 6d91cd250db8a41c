"""What the language identifier reads: the words of a post by script, and the letter groups of a word as numbers.

Links, mentions, hashtags and emoji are left out: a campaign's tag is no evidence of the language a person writes.
A word is described by its letter groups of 1 to 4 letters, by the whole of it and, in Arabic script, by the same of its
skeleton, in which the letters that one keyboard offers for another's are one (Pashto as typed with an Urdu keyboard).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import regex
from scipy.sparse import csr_array

from discourse.text.hashing import bucket, letter_groups, word_hashes
from discourse.text.noise import HASHTAG, MENTION, URL

__all__ = [
    "ARABIC",
    "BUCKETS",
    "LATIN",
    "LONGEST_WORD",
    "NAMES",
    "ONE_WORD",
    "OTHER",
    "PUNCTUATION",
    "SIGNS",
    "SKELETON",
    "chunk_words",
    "groups",
    "plain",
    "plain_words",
    "script_of",
    "without_noise",
    "words",
]

LATIN: Final = "latin"
ARABIC: Final = "arabic"
OTHER: Final = "other"
BUCKETS: Final = 1 << 17
_LISTED: Final = """
pakistan afghanistan afganistan india iran kabul kandahar herat jalalabad nangarhar islamabad lahore karachi peshawar
quetta rawalpindi swat waziristan balochistan punjab sindh kashmir delhi durand torkham chaman america usa nato biden
trump imran khan nawaz sharif bajwa ghani karzai modi taliban
افغانستان پاکستان پاكستان ایران ايران کابل كابل هرات پنجاب بلوچستان طالبان ناتو امریکا امريكا
"""
NAMES: Final = frozenset(_LISTED.split())
"""Names that are spelled alike in several of the languages: what a post is about, no evidence of how it is written."""

LONGEST_WORD: Final = 20
_NOISE = regex.compile(
    rf"(?i:{URL})|{MENTION}|{HASHTAG}|&(?:[a-zA-Z]++|#\d++);|<(?:url|user)>|(?<![\w'’])(?:RT|rt|via)(?![\w'’])"
)
_WORD = regex.compile(
    r"(?=\p{Latin})\p{L}(?:(?=\p{Latin})\p{L}|\p{M})*+(?:['’](?=\p{Latin})\p{L}(?:(?=\p{Latin})\p{L}|\p{M})*+)*+"
    r"|(?=\p{Arabic})\p{L}(?:(?=\p{Arabic})\p{L}|[\p{M}\u200c\u0640])*+"
    r"|\p{L}[\p{L}\p{M}]*+"
)
PUNCTUATION: Final = ".,!?:;()'\"،؛؟۔…*-“”‘’"
_RETWEETS: Final = frozenset({"RT", "rt", "via"})
ONE_WORD = re.compile(r"[a-zA-Z]+|[\u0621-\u063a\u0641-\u064a\u066e\u066f\u0671-\u06d3]+")
_ONE_NAME = re.compile(r"[@#][A-Za-z_][A-Za-z0-9_]*[.,!?:…]*|https://t\.co/[A-Za-z0-9]+")
SIGNS = regex.compile(r"[\u0610-\u061a\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06ed\u0640]+")
_PRESENTATION = regex.compile(r"[\ufb50-\ufdf9\ufdfc-\ufdff\ufe70-\ufefe]")
_STRETCHED = re.compile(r"(.)\1\1+")
_VARIANTS: Final = {
    "ی": "يىےۓېۍئ",
    "گ": "ګ",
    "ک": "كڪ",
    "ه": "ہھەةۀۂۃ",
    "ٹ": "ټ",
    "ڈ": "ډ",
    "ڑ": "ړ",
    "ن": "ڼں",
    "ش": "ښ",
}
SKELETON: Final = {ord(variant): letter for letter, others in _VARIANTS.items() for variant in others}
_SIZES: Final = (1, 2, 3, 4)
_BITS: Final = 17

Numbers = npt.NDArray[np.int32]


def without_noise(text: str) -> str:
    """The text with a space for each character of its links, mentions, hashtags and entities: places stay the same."""
    return _NOISE.sub(lambda found: " " * len(found[0]), text)


def script_of(word: str) -> str:
    """`latin`, `arabic` or `other`, by the first letter of a word.

    >>> [script_of(word) for word in ("peace", "امن", "мир")]
    ['latin', 'arabic', 'other']
    """
    first = word[0]
    if first.isascii() or "\u00c0" <= first <= "\u024f" or "\u1e00" <= first <= "\u1eff":
        return LATIN
    if "\u0600" <= first <= "\u08ff" or "\ufb50" <= first <= "\ufdff" or "\ufe70" <= first <= "\ufeff":
        return ARABIC
    return OTHER


def words(chunk: str) -> list[tuple[str, int, int]]:
    """The words of a chunk with their places in it: each of one script, noise left out.

    >>> words("امن!peace @some_one"), words("https://example.org/x")
    ([('امن', 0, 3), ('peace', 4, 9)], [])
    """
    if not chunk.isalpha():
        chunk = without_noise(chunk)
    return [(found[0], found.start(), found.end()) for found in _WORD.finditer(chunk)]


def chunk_words(chunk: str) -> list[tuple[str, str]]:
    """The words of a chunk as the identifier reads them, with their scripts, without names that all languages share.

    What most chunks are is seen at a glance.

    >>> chunk_words("PEACE,"), chunk_words("@some_one"), chunk_words("امن!peace")
    ([('peace', 'latin')], [], [('امن', 'arabic'), ('peace', 'latin')])
    """
    core = chunk.strip(PUNCTUATION)
    if ONE_WORD.fullmatch(core):
        word = "" if core in _RETWEETS else plain(core)
        return [(word, LATIN if core.isascii() else ARABIC)] if word and word not in NAMES else []
    if _ONE_NAME.fullmatch(chunk):
        return []
    found = [(plain(word), script_of(word)) for word, _, _ in words(chunk)]
    return [(word, script) for word, script in found if word and word not in NAMES]


def plain_words(text: str, script: str) -> list[str]:
    """The words of a text in one script, as the identifier reads them.

    >>> plain_words("AMAN chahiye, امن", LATIN)
    ['aman', 'chahiye']
    """
    return [word for chunk in text.split() for word, kind in chunk_words(chunk) if kind == script]


def plain(word: str) -> str:
    """A word as the identifier reads it: small letters, no vowel signs, a stretched letter once.

    More than 20 letters are several words without spaces, most often a hashtag that lost its sign: "" stands for them.

    >>> plain("NAHIIIII"), plain("مُحَبَّت")
    ('nahi', 'محبت')
    """
    if word.isascii():
        word = word.lower()
    elif not ONE_WORD.fullmatch(word):
        if _PRESENTATION.search(word):
            word = unicodedata.normalize("NFKC", word).replace(" ", "")
        word = unicodedata.normalize("NFC", SIGNS.sub("", word)).replace("’", "'").replace("İ", "i").lower()
    if _STRETCHED.search(word):
        word = _STRETCHED.sub(r"\1", word)
    return word if len(word) <= LONGEST_WORD else ""


def groups(words: Sequence[str]) -> csr_array:
    """How often each of n words has a letter group of each bucket: n x `BUCKETS`, whole numbers.

    Words as `plain` gives them, none empty. Two groups may share a bucket.
    """
    skeletons = [word.translate(SKELETON) if script_of(word) == ARABIC else "" for word in words]
    parts = [*_groups(words, 1), *_groups(skeletons, 2), (np.empty(0, np.int32), np.empty(0, np.int32))]
    buckets, owners = zip(*parts, strict=True)
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(words)))])
    return csr_array((np.ones(len(owner), np.int32), np.concatenate(buckets)[order], ends), (len(words), BUCKETS))


def _groups(words: Sequence[str], salt: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Buckets of the groups of each size, then of the whole words, with the words they belong to."""
    yield from letter_groups(words, _SIZES, salt, _BITS)
    kept = [at for at, word in enumerate(words) if word]
    if kept:
        whole = word_hashes([f" {words[at]} " for at in kept])
        yield bucket(whole, salt * 16, _BITS), np.array(kept, np.int32)
