"""The words of a chunk as the language identifier reads them, for chunks whose words are seen at a glance.

Twin of `discourse.text.letters.chunk_words`: a word of plain letters (with apostrophes, vowel signs or ZWNJ), a
mention, a hashtag, a link, or nothing with letters. All other chunks are named as hard, and that function reads them.
"""

# ruff: noqa: PLR0917, SIM110
from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from discourse.kernels.chunks import SPACE
from discourse.kernels.compiled import compiled, inlined
from discourse.kernels.utf8 import code_point, width

__all__ = ["ARABIC", "DIGIT", "HARD", "LATIN", "LETTER", "NO_WORD", "PUNCTUATION", "SIGN", "SPACE", "WORD", "Found",
           "read_chunks"]  # fmt: skip

# Bits of a character's class, beside SPACE.
PUNCTUATION: Final = 2
LATIN: Final = 4
ARABIC: Final = 8
SIGN: Final = 16
LETTER: Final = 32
WORD: Final = 64
DIGIT: Final = 128

NO_WORD: Final = -1
HARD: Final = -2

_ZWNJ: Final = 0x200C
_APOSTROPHE: Final = 0x27
_QUOTE: Final = 0x2019
_LINK: Final = np.array([ord(letter) for letter in "http"], np.int32)
_SHORT_LINK: Final = np.array([ord(letter) for letter in "t.co/"], np.int32)
_WWW: Final = np.array([ord(letter) for letter in "www"], np.int32)
_RT: Final = np.array([ord(letter) for letter in "rt"], np.int32)
_RT_LARGE: Final = np.array([ord(letter) for letter in "RT"], np.int32)
_VIA: Final = np.array([ord(letter) for letter in "via"], np.int32)

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


class Found(NamedTuple):
    """w words: word i has the letters from `ends[i]` up to `ends[i + 1]`, script 0 (Latin) or 1, in chunk `of[i]`."""

    letters: Ints
    ends: Longs
    scripts: Ints
    of: Ints
    hard: Ints
    """Chunks that are left to the plain path."""


@compiled
def read_chunks(content: Bytes, places: Longs, classes: Bytes, names: Ints, longest: int) -> Found:
    """The words of chunks that stand at `places` (d, 2) of `content`.

    `names` (k, longest) are words that count as none, filled up with zeros; a word of more than `longest` letters is
    none either.
    """
    most = widest = 0
    for number in range(len(places)):
        size = places[number, 1] - places[number, 0]
        most += min(size, longest)
        widest = max(widest, size)
    letters = np.empty(most, np.int32)
    ends = np.zeros(len(places) + 1, np.int64)
    scripts = np.empty(len(places), np.int32)
    of = np.empty(len(places), np.int32)
    hard = np.empty(len(places), np.int32)
    codes = np.empty(widest, np.int32)
    n_words = n_hard = 0
    for number in range(len(places)):
        count = _decoded(content, places[number, 0], places[number, 1], codes)
        script, first, last = _kind(codes, count, classes)
        if script == HARD:
            hard[n_hard] = number
            n_hard += 1
        elif script != NO_WORD:
            size = _plain(codes, first, last, classes, letters[ends[n_words] :], longest)
            if size > 0 and not _is_name(letters[ends[n_words] : ends[n_words] + size], names):
                scripts[n_words], of[n_words] = script, number
                ends[n_words + 1] = ends[n_words] + size
                n_words += 1
    return Found(letters[: ends[n_words]], ends[: n_words + 1], scripts[:n_words], of[:n_words], hard[:n_hard])


@inlined
def _decoded(content: Bytes, at: int, end: int, codes: Ints) -> int:
    count = 0
    while at < end:
        codes[count] = code_point(content, at)
        count += 1
        at += width(content[at])
    return count


@inlined
def _class(code: int, classes: Bytes) -> int:
    return classes[code] if code < len(classes) else LETTER


@inlined
def _kind(codes: Ints, count: int, classes: Bytes) -> tuple[int, int, int]:
    """The script of the one word of a chunk and where it stands, or NO_WORD, or HARD."""
    first, last = 0, count
    while first < last and _class(codes[first], classes) & PUNCTUATION:
        first += 1
    while first < last and _class(codes[last - 1], classes) & PUNCTUATION:
        last -= 1
    if first == last:
        return NO_WORD, 0, 0
    every, some = 0xFF, 0
    apostrophes = joints = 0
    for at in range(first, last):
        kind = _class(codes[at], classes)
        some |= kind
        if codes[at] == _ZWNJ:
            joints += 1
        elif codes[at] in (_APOSTROPHE, _QUOTE):
            apostrophes += 1
        else:
            every &= kind | (ARABIC if kind & SIGN else 0)
    if every & LATIN and not joints:
        if apostrophes == 0:
            return (NO_WORD if _is_repost(codes, first, last) else 0), first, last
        return (0 if _is_joined(codes, first, last) else HARD), first, last
    if every & ARABIC and not apostrophes and _class(codes[first], classes) & ARABIC:
        return 1, first, last
    if not some & LETTER or _is_name_or_tag(codes, first, last, classes) or _is_link(codes, first, last, count):
        return NO_WORD, 0, 0
    return HARD, 0, 0


@inlined
def _starts(codes: Ints, first: int, last: int, word: Ints) -> bool:
    if last - first < len(word):
        return False
    for at in range(len(word)):
        if codes[first + at] != word[at]:
            return False
    return True


@inlined
def _starts_any_case(codes: Ints, first: int, last: int, word: Ints) -> bool:
    """`_starts` for letters of either case."""
    if last - first < len(word):
        return False
    for at in range(len(word)):
        if (codes[first + at] | 0x20) != word[at]:
            return False
    return True


@inlined
def _is_repost(codes: Ints, first: int, last: int) -> bool:
    if last - first == 2:
        return _starts(codes, first, last, _RT) or _starts(codes, first, last, _RT_LARGE)
    return last - first == 3 and _starts(codes, first, last, _VIA)


@inlined
def _is_joined(codes: Ints, first: int, last: int) -> bool:
    """Whether Latin letters with apostrophes are one word: each apostrophe between letters, and nothing of a link."""
    for at in range(first, last):
        if codes[at] in (_APOSTROPHE, _QUOTE):
            if at + 1 == last or codes[at + 1] in (_APOSTROPHE, _QUOTE):
                return False
        elif _starts_any_case(codes, at, last, _LINK) or _starts_any_case(codes, at, last, _WWW):
            return False
    return True


@inlined
def _is_name_or_tag(codes: Ints, first: int, last: int, classes: Bytes) -> bool:
    """Whether it is a mention or a hashtag from its first character to its last."""
    sign = codes[first]
    if sign not in (0x40, 0x23) or last - first < 2:
        return False
    named = bool(sign == 0x40)
    for at in range(first + 1, last):
        kind = _class(codes[at], classes)
        if not kind & WORD and codes[at] != _ZWNJ:
            return False
        named = named or bool(kind & WORD and not kind & DIGIT)
    return named


@inlined
def _is_link(codes: Ints, first: int, last: int, count: int) -> bool:
    """Whether it is a link up to its last character, as nearly all links are that people share."""
    if not _starts(codes, first, last, _LINK):
        return False
    at = first + len(_LINK)
    at += at < last and codes[at] == 0x73  # s
    if last - at < 4 or codes[at] != 0x3A or codes[at + 1] != 0x2F or codes[at + 2] != 0x2F:
        return False
    at += 3
    short = _starts_any_case(codes, at, last, _SHORT_LINK)
    for place in range(at + len(_SHORT_LINK) if short else at, last):
        if short and not _is_letter_or_figure(codes[place]):
            return False
    for place in range(count):
        if codes[place] in (0x22, 0x3C, 0x3E):  # " < > end a link
            return False
    end = codes[last - 1]
    return _is_letter_or_figure(end) or (not short and end in (0x2F, 0x3D, 0x5F))


@inlined
def _is_letter_or_figure(code: int) -> bool:
    return 0x30 <= code <= 0x39 or 0x41 <= code <= 0x5A or 0x61 <= code <= 0x7A


@inlined
def _plain(codes: Ints, first: int, last: int, classes: Bytes, out: Ints, longest: int) -> int:
    """The word in small letters, without signs, a letter that stands thrice or more once: how many, 0 if too many."""
    size = run = 0
    before = np.int32(-1)
    for at in range(first, last):
        code = codes[at]
        if code < len(classes) and classes[code] & SIGN:
            continue
        if 0x41 <= code <= 0x5A:
            code += 0x20
        elif code == _QUOTE:
            code = np.int32(_APOSTROPHE)
        run = run + 1 if code == before else 1
        before = code
        if run == 3:
            size -= 1
        elif run < 3:
            if size > longest:
                return 0
            if size < len(out):
                out[size] = code
            size += 1
    return size if size <= longest else 0


@inlined
def _is_name(word: Ints, names: Ints) -> bool:
    for row in range(len(names)):
        if len(word) <= names.shape[1] and names[row, 0] == word[0]:
            same = len(word) == names.shape[1] or names[row, len(word)] == 0
            at = 1
            while same and at < len(word):
                same = names[row, at] == word[at]
                at += 1
            if same:
                return True
    return False
