"""The tokens of many texts at once, and how often each letter group, word and pair of words stands in them.

Chunks are folded in one string and read in one: a distinct chunk is worked out once, a distinct word cut into letter
groups once. Counts are kept by hash, never by word.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from discourse.text.chunks import changed, parts
from discourse.text.hashing import bucket, letter_groups, pair_hashes, word_hashes
from discourse.text.letters import SKELETON
from discourse.text.tokens import WORDS

__all__ = ["BITS", "MARKS", "SIZES", "Counted", "Reading", "count", "folded", "read"]

BITS: Final = 19
SIZES: Final = (2, 3, 4, 5)
_LETTERS, _WORD, _PAIR = 3, 5, 6  # salts
_END: Final = "\n"
_TOKEN = re.compile(rf"{WORDS}|[^\w\s]|{_END}")
# Marks that the normal form of some languages leaves out, and letters that it folds beside those of the skeleton. Madda
# and hamza (0653 to 0655) first join the letter before them, as NFC has it, and go where they cannot.
_SIGNS: Final = (
    (0x0610, 0x061A), (0x064B, 0x0652), (0x0656, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06DC), (0x06DF, 0x06E8),
    (0x06EA, 0x06ED), (0x0898, 0x089F), (0x08CA, 0x08E1), (0x08E3, 0x08FF),
)  # fmt: skip
_FOLD: Final = {**SKELETON, **{code: None for a, b in _SIGNS for code in range(a, b + 1)}, ord("ٱ"): "ا", 0x200D: None}
MARKS: Final = re.compile("[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in _SIGNS) + "]+")
"""The marks of `_SIGNS`, which no normal form needs."""

_HAMZA = re.compile("[\u0653-\u0655]+")
_GOING: Final = "\u0653-\u0655\u200c" + "".join(chr(code) for code, letter in _FOLD.items() if letter is None)
_APART = re.compile(rf"(?m)^[^\n{_GOING}]*+[{_GOING}].*$")
_NON_JOINERS = re.compile(r"(?<=\u200c)\u200c+|^\u200c+|\u200c+$")

Counted = tuple[csr_array, csr_array]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Reading:
    """The tokens of n texts: text i has those from `ends[i]` up to `ends[i + 1]` of `at`, which name one of `words`."""

    at: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int64]
    words: list[str]

    def __len__(self) -> int:
        return len(self.ends) - 1

    @cached_property
    def hashes(self) -> Hashes:
        """The 64-bit hash of each token."""
        return word_hashes(self.words)[self.at] if len(self.at) else np.empty(0, np.uint64)

    @cached_property
    def rows(self) -> npt.NDArray[np.int64]:
        """Which text each token stands in."""
        return np.repeat(np.arange(len(self)), np.diff(self.ends))

    @cached_property
    def held(self) -> csr_array:
        """How often each of `words` stands in each of the n texts."""
        return _counts(self.rows, self.at, (len(self), len(self.words)))

    def in_order(self) -> Reading:
        """The same tokens with `words` in ascending order, so that sums over a text's words round in one way.

        >>> read(["no war", "war"]).in_order().words == read(["war", "no war"]).in_order().words
        True
        """
        order = sorted(range(len(self.words)), key=self.words.__getitem__)
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return Reading(place[self.at], self.ends, [self.words[at] for at in order])

    def count(self) -> Counted:
        """What `count` gives of these texts."""
        return _letters_of(self), _words_and_pairs(self)

    def sums(self, table: Any) -> Any:
        """For each text the sum of a table's rows over its tokens; the table has a row for each of `words`."""
        return self.held @ table


def read(texts: Sequence[str]) -> Reading:
    """The tokens of n texts as `texts_of` gives them: words, and each sign that is none.

    >>> found = read(["no war, no", ""])
    >>> [found.words[at] for at in found.at], found.ends.tolist()
    (['no', 'war', ',', 'no'], [0, 4, 4])
    """
    words: dict[str, int] = {_END: 0}
    made = [_read(some, words) for some in parts(texts)]
    at = np.concatenate([np.empty(0, np.int32), *(tokens for tokens, _ in made)])
    sizes = np.concatenate([np.empty(0, np.int64), *(sizes for _, sizes in made)])
    return Reading(at, np.concatenate([[0], np.cumsum(sizes)]), list(words)[1:])


def _read(texts: Sequence[str], words: dict[str, int]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """The tokens of n texts, one after the other, and how many each has; `words`, which begin with `_END`, grow."""
    split = [text.split() for text in texts]
    number = {chunk: at for at, chunk in enumerate(dict.fromkeys(chain.from_iterable(split)))}
    folded = changed(number, _fold_letters, _APART, _folded).values()
    found = _TOKEN.findall(_END.join([*folded, ""]))
    places = np.array([words.setdefault(word, len(words)) for word in found], np.int32)
    ends = np.flatnonzero(places == 0) - np.arange(len(folded))  # in tokens, without the ends of lines
    places = places[places > 0] - 1
    starts = np.concatenate([[0], ends])[:-1]

    of_text = np.array([len(chunks) for chunks in split], np.int64)
    chunk = np.fromiter(map(number.__getitem__, chain.from_iterable(split)), np.int32, int(of_text.sum()))
    size = (ends - starts)[chunk]
    last = np.concatenate([[0], np.cumsum(size)])
    at = places[np.arange(last[-1]) + np.repeat(starts[chunk] - last[:-1], size)]
    return at, np.diff(last[np.concatenate([[0], np.cumsum(of_text)])])


@cache
def _letters() -> npt.NDArray[np.uint32]:
    """What each code point folds to; those that go stay."""
    made = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    for code, letter in _FOLD.items():
        made[code] = code if letter is None else ord(letter)
    return made


def _fold_letters(column: str) -> str:
    """Lines in which nothing goes, folded."""
    if column.isascii():
        return column
    codes = np.frombuffer(column.encode("utf-32-le", "surrogatepass"), np.uint32)
    return _letters()[codes].tobytes().decode("utf-32-le", "surrogatepass")


def folded(text: str) -> str:
    """A text with one letter for all that keyboards offer for it: the same for its normal forms in any language.

    >>> folded("كيا") == folded("کیا")
    True
    """
    return text if text.isascii() else " ".join(filter(None, map(_folded, text.split())))


def _folded(chunk: str) -> str:
    if chunk.isascii():
        return chunk
    made = chunk.translate(_FOLD)
    if len(made) < len(chunk) or _HAMZA.search(made):
        made = _HAMZA.sub("", unicodedata.normalize("NFC", made))
    return _NON_JOINERS.sub("", made) if "\u200c" in made else made


def count(texts: Sequence[str]) -> Counted:
    """Counts of letter groups (2 to 5 letters inside words) and of words and pairs of words, each n x 2^19.

    Each distinct word is cut into groups once; a post's groups are the sum over its words. Letters that one keyboard
    offers for another's count as one.

    >>> [block.shape for block in count(["peace now"])], int(count(["peace now"])[1].sum())
    ([(1, 524288), (1, 524288)], 3)
    """
    return read(texts).count()


def _letters_of(reading: Reading) -> csr_array:
    """Counts of letter groups of n texts, n x 2^19."""
    nothing = (np.empty(0, np.int32), np.empty(0, np.int32))
    parts = zip(*letter_groups(reading.words, SIZES, _LETTERS, BITS), nothing, strict=True)
    buckets, owners = map(np.concatenate, parts)
    # Sums are made over the buckets there are, which fits a processor's cache, as 2^19 of them does not.
    there = np.zeros(1 << BITS, np.bool_)
    there[buckets] = True
    columns = np.flatnonzero(there).astype(np.int32)
    place = np.empty(1 << BITS, np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    made = reading.sums(_counts(owners, place[buckets], (len(reading.words), len(columns))))
    return csr_array((made.data, columns.take(made.indices, mode="clip"), made.indptr), (len(reading), 1 << BITS))


def _words_and_pairs(reading: Reading) -> csr_array:
    """Counts of words and of pairs of words of n texts, n x 2^19."""
    hashes, row = reading.hashes, reading.rows
    together = row[:-1] == row[1:]
    pairs = pair_hashes(hashes[:-1], hashes[1:])[together]
    rows = np.concatenate([row, row[:-1][together]])
    columns = np.concatenate([bucket(hashes, _WORD, BITS), bucket(pairs, _PAIR, BITS)])
    return _counts(rows, columns, (len(reading), 1 << BITS))


def _counts(rows: npt.NDArray[Any], columns: npt.NDArray[np.int32], shape: tuple[int, int]) -> csr_array:
    """How often each place of a matrix is named, the columns of a row in ascending order."""
    bits = shape[1].bit_length()
    named = np.sort((rows.astype(np.int64) << bits) | columns)
    fresh = np.ones(len(named), np.bool_)
    np.not_equal(named[1:], named[:-1], out=fresh[1:])
    first = np.flatnonzero(fresh)
    times = np.diff(first, append=len(named)).astype(np.float32)
    named = named[first]
    ends = np.searchsorted(named, np.arange(shape[0] + 1) << bits)
    number = np.int32 if len(named) < 2**31 else np.int64
    return csr_array((times, (named & ((1 << bits) - 1)).astype(number), ends.astype(number)), shape)
