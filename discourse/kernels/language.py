"""Scores of words and of texts under the language identifier's whole-number weights.

Twin of `discourse.text.letters.groups`, `language_model.Family.score` and the sums over a text in
`discourse.text.language`: the same groups of letters, the same hash, the same numbers.
"""

# ruff: noqa: PLR0917
from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from discourse.kernels.compiled import compiled, inlined

__all__ = ["COUNTS", "WITHOUT", "Limits", "Weights", "score_words", "sum_rows"]

COUNTS: Final = 5
"""Columns of counts: Latin words, Arabic words, Latin letters, Arabic letters, other letters."""

WITHOUT: Final = 2

_PRIME: Final = np.uint64(1_099_511_628_211)
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_SPACE: Final = 32
_GROUPS: Final = 4  # letters of the longest group

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int16]
Bools = npt.NDArray[np.bool_]


class Weights(NamedTuple):
    """The weights of one script: those of bucket b are row `row_of[b]` of `rows` (r, k), and all 0 where it is -1."""

    row_of: Ints
    rows: Shorts
    skeleton: Ints
    """The letter that counts for each in the second set of groups (0: itself); empty if there is no second set."""
    bits: int


class Limits(NamedTuple):
    """When a text is worth a search for two languages: `discourse.text.language` says what the numbers mean."""

    words: int
    share: float
    against: float
    evidence: float


@compiled
def score_words(
    words: tuple[Ints, Longs, Ints, Ints], script: int, weights: Weights, counts: Longs, scores: Ints
) -> None:
    """Add words of one script to the counts (d, COUNTS) and scores (d, k) of their chunks.

    `words` are the first four fields of `kernels.words.Found`; a script from `WITHOUT` on is that script without the
    second set of groups.
    """
    letters, ends, scripts, of = words
    row_of, rows, skeleton, bits = weights
    width = rows.shape[1]
    padded = np.empty(max(2, np.max(ends[1:] - ends[:-1]) + 2 if len(of) else 2), np.int32)
    sums = np.empty(width, np.int32)
    for number in range(len(of)):
        if scripts[number] & 1 != script:
            continue
        size = ends[number + 1] - ends[number]
        counts[of[number], script] += 1
        counts[of[number], 2 + script] += size
        padded[0] = padded[size + 1] = _SPACE
        for at in range(size):
            padded[at + 1] = letters[ends[number] + at]
        sums[:] = 0
        _add_groups(padded, size + 2, np.uint64(16), np.uint64(64 - bits), row_of, rows, sums)
        if len(skeleton) and scripts[number] < WITHOUT:
            for at in range(1, size + 1):
                code = padded[at]
                if code < len(skeleton) and skeleton[code] > 0:
                    padded[at] = skeleton[code]
            _add_groups(padded, size + 2, np.uint64(32), np.uint64(64 - bits), row_of, rows, sums)
        for column in range(width):
            scores[of[number], column] += sums[column]


@inlined
def _add_groups(
    padded: Ints, size: int, salt: np.uint64, shift: np.uint64, row_of: Ints, rows: Shorts, sums: Ints
) -> None:
    """Add the weights of all groups of 1 to 4 letters of a word with a space at both ends, and of the whole."""
    power = np.uint64(1)
    whole = np.uint64(0)
    for at in range(size):
        whole += np.uint64(padded[at]) * power
        power *= _PRIME
        group = np.uint64(0)
        for letters in range(1, min(_GROUPS, size - at) + 1):
            group = group * _PRIME + np.uint64(padded[at + letters - 1])
            _add(row_of[_bucket(group + salt + np.uint64(letters), shift)], rows, sums)
    _add(row_of[_bucket(whole + salt, shift)], rows, sums)


@inlined
def _bucket(salted: np.uint64, shift: np.uint64) -> np.uint64:
    """`discourse.text.hashing.bucket` of one hash and its salt."""
    mixed = salted * _MIX
    mixed ^= mixed >> np.uint64(29)
    return (mixed * _MIX) >> shift


@inlined
def _add(row: int, rows: Shorts, sums: Ints) -> None:
    if row >= 0:
        for column in range(len(sums)):
            sums[column] += rows[row, column]


@compiled
def sum_rows(
    at: Ints, ends: Longs, counts: Longs, scores: tuple[Ints, Ints], main: tuple[tuple[int, int], tuple[int, int]],
    limits: Limits, out: tuple[Longs, Longs, Longs, Bools],
) -> None:  # fmt: skip
    """For each text the sums of its chunks' counts and scores (Latin, Arabic), and whether it is worth a search for two
    languages.

    Text i has the chunks from `ends[i]` up to `ends[i + 1]` of `at`. `main` says for each script which columns of its
    scores tell the project's own languages word by word: from which up to which.
    """
    counted, latin, arabic, perhaps = out
    of_latin, of_arabic = scores
    for row in range(len(ends) - 1):
        first, last = ends[row], ends[row + 1]
        for place in range(first, last):
            for column in range(COUNTS):
                counted[row, column] += counts[at[place], column]
        words = counted[row, 0], counted[row, 1]
        perhaps[row] = min(words) >= limits.words
        if words[0] > 0:
            _sum(at, first, last, of_latin, latin, row)
            if words[0] >= 2 * limits.words:
                perhaps[row] |= _is_torn(at, (first, last), of_latin, latin, row, main[0], words[0], limits)
        if words[1] > 0:
            _sum(at, first, last, of_arabic, arabic, row)
            if words[1] >= 2 * limits.words:
                perhaps[row] |= _is_torn(at, (first, last), of_arabic, arabic, row, main[1], words[1], limits)


@inlined
def _sum(at: Ints, first: int, last: int, scores: Ints, totals: Longs, row: int) -> None:
    for place in range(first, last):
        chunk = at[place]
        for column in range(scores.shape[1]):
            totals[row, column] += scores[chunk, column]


@inlined
def _is_torn(
    at: Ints, places: tuple[int, int], scores: Ints, totals: Longs, row: int, main: tuple[int, int], words: int,
    limits: Limits,
) -> bool:  # fmt: skip
    """Whether enough chunks of a text speak against its best language."""
    first, last = main
    best = first
    for column in range(first + 1, last):
        if totals[row, column] > totals[row, best]:
            best = column
    against = evidence = 0
    for place in range(places[0], places[1]):
        chunk = at[place]
        most = scores[chunk, first]
        for column in range(first + 1, last):
            most = max(most, scores[chunk, column])
        lost = most - scores[chunk, best]
        evidence += lost
        against += lost > limits.against
    return against >= limits.words and evidence >= limits.evidence and against >= limits.share * words - 1
