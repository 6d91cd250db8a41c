"""The language identifier's classes of characters and its weights, as arrays for compiled loops; and what they read.

The loops give the numbers of `language_evidence.read`, which stays the rule: chunks whose words are not seen at a
glance are read by `letters.chunk_words` here as there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import accumulate
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import regex

from discourse.kernels import words as kinds
from discourse.kernels.chunks import numbered
from discourse.kernels.compiled import batches, in_threads
from discourse.kernels.language import COUNTS, WITHOUT, Limits, Weights, score_words, sum_rows
from discourse.kernels.packed import Packed, packed
from discourse.kernels.words import read_chunks
from discourse.text.chunks import MAX_CHARACTERS
from discourse.text.language_evidence import (
    BY_WORD,
    MIXED_SHARE,
    MIXED_WORDS,
    OWN,
    SCRIPTS,
    SWITCH,
    Chunks,
    Evidence,
    Rows,
    read,
)
from discourse.text.language_model import SCALE, Model
from discourse.text.letters import (
    ARABIC,
    BUCKETS,
    LATIN,
    LONGEST_WORD,
    NAMES,
    ONE_WORD,
    OTHER,
    PUNCTUATION,
    SIGNS,
    SKELETON,
    chunk_words,
    script_of,
)

__all__ = ["each_batch"]

_CLASSES: Final = 0x20000
_MOST: Final = 1 << 21
_LIMITS: Final = Limits(MIXED_WORDS, MIXED_SHARE, SCALE / 2, SWITCH * SCALE)

Answer = TypeVar("Answer")
Whole = TypeVar("Whole", np.int32, np.int64)
Numbers = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
Words = tuple[Ints, Numbers, Ints, Ints]


def each_batch(
    texts: Sequence[str | None], model: Model, work: Callable[[Evidence], Answer], threads: int | None = None
) -> list[Answer]:
    """What `work` makes of the evidence of n texts, batch by batch in their order, in threads.

    >>> from discourse.text.language_model import shipped
    >>> each_batch(["peace, امن", None], shipped(), lambda evidence: evidence.counts.tolist())
    [[[1, 1, 5, 3, 0], [0, 0, 0, 0, 0]]]
    """
    column, weights = packed(texts), _weights(model)
    whole = bool(column.broken)

    def answer(first: int, last: int) -> Answer:
        if whole and any(first <= at < last for at in column.broken):
            return work(read(texts[first:last], model))
        return work(_evidence(column, (first, last), model, weights))

    return in_threads(answer, batches(column.offsets, _MOST), threads)


def _evidence(column: Packed, rows: tuple[int, int], model: Model, weights: tuple[Weights, Weights]) -> Evidence:
    at, ends, places = numbered(column.content, column.offsets, rows, MAX_CHARACTERS, _classes())
    found = read_chunks(column.content, places, _classes(), _names(), LONGEST_WORD)
    counts = np.zeros((len(places), COUNTS), np.int64)
    scores = _zeros(len(places), weights[0], np.int32), _zeros(len(places), weights[1], np.int32)
    hard = _hard_words(column, places, found.hard, counts)
    for script in range(len(SCRIPTS)):
        for listed in (found[:4], hard):
            score_words(listed, script, weights[script], counts, scores[script])
    n = len(ends) - 1
    latin, arabic = _zeros(n, weights[0], np.int64), _zeros(n, weights[1], np.int64)
    counted, perhaps = np.zeros((n, COUNTS), np.int64), np.zeros(n, np.bool_)
    own = len(model.families[LATIN].names)
    main = ((own, own + len(OWN[LATIN])), (0, len(OWN[ARABIC])))
    sum_rows(at, ends, counts, scores, main, _LIMITS, (counted, latin, arabic, perhaps))
    by_family = {LATIN: scores[0][:, :own], BY_WORD[LATIN]: scores[0][:, own:], ARABIC: scores[1]}
    chunks, totals = Chunks(by_family, counts), {LATIN: latin[:, :own], ARABIC: arabic}
    return Evidence(chunks, Rows(at.astype(np.int64), ends), counted, perhaps, totals)


def _zeros(rows: int, weights: Weights, kind: type[Whole]) -> npt.NDArray[Whole]:
    return np.zeros((rows, weights.rows.shape[1]), kind)


def _hard_words(column: Packed, places: Numbers, hard: Ints, counts: Numbers) -> Words:
    """The words of chunks that the loops did not read; letters of other scripts are counted here."""
    listed: list[str] = []
    scripts: list[int] = []
    of: list[int] = []
    for number, (first, last) in zip(hard.tolist(), places[hard].tolist(), strict=True):
        for word, script in chunk_words(column.content[first:last].tobytes().decode()):
            if script == OTHER:
                counts[number, 4] += len(word)
            else:
                listed.append(word)
                # A word whose first letter was no letter of its script but a sign has no skeleton.
                scripts.append(SCRIPTS.index(script) + WITHOUT * (script != script_of(word)))
                of.append(number)
    letters = np.frombuffer("".join(listed).encode("utf-32-le"), np.int32)
    ends = np.array([0, *accumulate(map(len, listed))], np.int64)
    return letters, ends, np.array(scripts, np.int32), np.array(of, np.int32)


@cache
def _classes() -> npt.NDArray[np.uint8]:
    """What each character is to the loops: bits of `discourse.kernels.words`."""
    chars = "".join(map(chr, range(_CLASSES)))
    made = np.zeros(_CLASSES, np.uint8)
    of_words = ONE_WORD.pattern
    for bit, pattern in (
        (kinds.LATIN, f"(?={of_words})[a-zA-Z]"),
        (kinds.ARABIC, f"(?={of_words})[^a-zA-Z]"),
        (kinds.SIGN, rf"(?={SIGNS.pattern})[\p{{M}}\u0640]"),
        (kinds.LETTER, r"\p{L}"),
        (kinds.WORD, r"\w"),
        (kinds.DIGIT, r"\d"),
        (kinds.PUNCTUATION, f"[{regex.escape(PUNCTUATION)}]"),
    ):
        for found in regex.finditer(pattern, chars):
            made[found.start()] |= bit
    for code, char in enumerate(chars):
        if char.isspace():
            made[code] |= kinds.SPACE
    return made


@cache
def _names() -> Ints:
    names = sorted(NAMES)
    made = np.zeros((len(names), LONGEST_WORD), np.int32)
    for row, name in enumerate(names):
        made[row, : len(name)] = [ord(letter) for letter in name]
    return made


@lru_cache(maxsize=2)
def _weights(model: Model) -> tuple[Weights, Weights]:
    """The weights of Latin script, whole posts and word by word side by side, and those of Arabic script."""
    skeleton = np.zeros(max(SKELETON) + 1, np.int32)
    for variant, letter in SKELETON.items():
        skeleton[variant] = ord(letter)
    latin = np.hstack([model.families[LATIN].weights, model.families[BY_WORD[LATIN]].weights])
    return _compact(latin, np.empty(0, np.int32)), _compact(model.families[ARABIC].weights, skeleton)


def _compact(weights: npt.NDArray[np.int32], skeleton: Ints) -> Weights:
    used = weights.any(axis=1)
    row_of = np.where(used, np.cumsum(used) - 1, -1).astype(np.int32)
    return Weights(row_of, weights[used].astype(np.int16), skeleton, BUCKETS.bit_length() - 1)
