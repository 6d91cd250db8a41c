"""How much of a linear score each word and each pair of words of a text bears, exactly.

A score is a sum over hashed groups: of letters inside words, of words, of pairs of words in a row. A group that stands
c times in a text has the value (1 + ln c) idf / length; each of the c times bears the c-th part. So a word bears its
letter groups and its own bucket, a pair its bucket, and what all of them bear adds up to the score, less intercept and
the columns beside the words.

Letters of shapes: n texts, u units (words or pairs), o occurrences of a unit in a text, k classes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from discourse.framing.features import BITS, Counted, count
from discourse.framing.linear import Linear
from discourse.text.chunks import Memo
from discourse.text.letters import SKELETON
from discourse.text.tokens import WORDS

__all__ = ["MASKS", "Bearing", "Tokens", "Units", "in_order"]

MASKS: Final = ("<url>", "<user>")
_TOKEN = re.compile(rf"{WORDS}|[^\w\s]")
_MASK = re.compile(r"<(?:url|user)>")
# What a mask can leave of names and addresses, and words that are a pseudonym or a run of words without a space.
_ADDRESS = re.compile(r"[@＠]|://|www\.|(?<!\w)u/|\w\.(?:com|net|org|info|me|pk|af|in|ir|tv|ly)\b")
_NO_WORD = re.compile(r"[a-z2-7]{26}|.{31,}")

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of n texts one after the other, as the classifier cuts them.

    `forms` are the distinct tokens as written, `folded` what the classifier takes them for; `form` says which form
    each token is, `text` which text it stands in. `masked` tokens are part of `<url>` or `<user>`; `plain` ones are
    words with a letter that are no part of a name or an address, so that they may be shown.

    >>> made = Tokens.of(["<user> peace, a@b"])
    >>> [made.forms[one] for one in made.form], made.masked.tolist()
    (['<', 'user', '>', 'peace', ',', 'a', '@', 'b'], [True, True, True, False, False, False, False, False])
    >>> made.plain.tolist()
    [False, False, False, True, False, False, False, False]
    """

    forms: tuple[str, ...]
    folded: tuple[str, ...]
    form: Codes
    text: Codes
    masked: npt.NDArray[np.bool_]
    plain: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Tokens:
        """Cut n texts, as `features.texts_of` gives them, into tokens."""
        index: dict[str, int] = {}
        memo: Memo[list[tuple[int, bool, bool]]] = Memo(lambda chunk: _cut(chunk, index))
        held: list[tuple[int, bool, bool]] = []
        ends = [0]
        for text in texts:
            for chunk in text.split():
                held += memo[chunk]
            ends.append(len(held))
        made = np.array(held, np.int64).reshape(-1, 3)
        forms = tuple(index)
        where = np.repeat(np.arange(len(texts)), np.diff(ends))
        return cls(forms, tuple(form.translate(SKELETON) for form in forms), made[:, 0], where,
                   made[:, 1].astype(bool), made[:, 2].astype(bool))  # fmt: skip

    def pairs(self) -> Codes:
        """The places of the tokens that another of the same text follows."""
        return np.flatnonzero(self.text[:-1] == self.text[1:])


def _cut(chunk: str, index: dict[str, int]) -> list[tuple[int, bool, bool]]:
    """The tokens of a chunk: number, part of a mask, may be shown."""
    masks = [found.span() for found in _MASK.finditer(chunk)]
    private = _ADDRESS.search(chunk) is not None
    made = []
    for found in _TOKEN.finditer(chunk):
        masked = any(first <= found.start() < last for first, last in masks)
        word = found[0]
        plain = not masked and not private and not _NO_WORD.fullmatch(word) and any(map(str.isalpha, word))
        made.append((index.setdefault(word, len(index)), masked, plain))
    return made


@dataclass(frozen=True, eq=False)
class Units:
    """The buckets of u units in the two blocks of the classifier's features, each u x 2^19."""

    letters: csr_array
    words: csr_array

    @classmethod
    def of_words(cls, words: Sequence[str]) -> Units:
        """Of single words: their letter groups and their own bucket.

        >>> Units.of_words(["no"]).words.sum(), Units.of_words(["no"]).letters.sum()
        (np.float64(1.0), np.float64(6.0))
        """
        letters, own = (_wide(block) for block in count(words))
        return cls(letters, own)

    @classmethod
    def of_pairs(cls, pairs: Sequence[tuple[str, str]]) -> Units:
        """Of pairs of words in a row, without what the two words bear alone.

        >>> made = Units.of_pairs([("no", "war")])
        >>> made.words.sum(), made.letters.nnz
        (np.float64(1.0), 0)
        """
        names = sorted({word for pair in pairs for word in pair})
        place = {word: at for at, word in enumerate(names)}
        alone = Units.of_words(names).words
        both = _wide(count([f"{first} {second}" for first, second in pairs])[1])
        for at in (0, 1):
            both = both - alone[[place[pair[at]] for pair in pairs]]
        both.eliminate_zeros()
        return cls(csr_array(both.shape), csr_array(both))

    def and_then(self, others: Units) -> Units:
        """These units and then others."""
        return Units(
            vstack([self.letters, others.letters], format="csr"), vstack([self.words, others.words], format="csr")
        )


def in_order(counted: Counted) -> Counted:
    """Counts in double precision, each bucket of a text once and in ascending order; shares nothing with `counted`."""
    return _wide(counted[0]), _wide(counted[1])


def _wide(block: csr_array) -> csr_array:
    made = csr_array(block, dtype=np.float64, copy=True)
    made.sum_duplicates()
    return made


@dataclass(frozen=True, eq=False)
class Bearing:
    """What a bucket bears in each class: tables (2^19 x k) and squares of idf (2^19) of the two blocks of a model."""

    tables: tuple[Floats, Floats]
    squares: tuple[Floats, Floats]

    @classmethod
    def of(cls, linear: Linear) -> Bearing:
        """The tables of a linear model."""
        weighting, first = linear.weighting, len(linear.weighting.columns[0])
        tables, squares = [], []
        for columns, idf, own in zip(
            weighting.columns, weighting.idf, (linear.weights[:, :first], linear.weights[:, first:]), strict=True
        ):
            table, square = np.zeros((1 << BITS, len(linear.classes))), np.zeros(1 << BITS)
            table[columns], square[columns] = (own * idf).T, idf**2
            tables.append(table)
            squares.append(square)
        return cls((tables[0], tables[1]), (squares[0], squares[1]))

    def contributions(self, counted: Counted, units: Units, text: Codes, unit: Codes) -> Floats:
        """What one time of `unit` bears in `text`, for o occurrences, o x k; counts of the texts are `in_order`.

        >>> from discourse.framing.linear import Recipe, fit_linear
        >>> counted = count(["peace talks now", "defend our soil", "talks and peace", "our soil, our honour"])
        >>> model = fit_linear(counted, ["a", "b", "a", "b"], np.zeros((4, 0)), Recipe(3.0, 1, 7))
        >>> at = np.array([0, 0]), np.array([0, 1])
        >>> made = Bearing.of(model).contributions(in_order(counted), Units.of_words(["peace", "talks"]), *at)
        >>> made.shape, bool((made[:, 0] > made[:, 1]).all())
        ((2, 2), True)
        """
        total = np.zeros((len(text), self.tables[0].shape[1]))
        for block, table, squares, own in zip(
            counted, self.tables, self.squares, (units.letters, units.words), strict=True
        ):
            values = csr_array(((1 + np.log(block.data)) ** 2, block.indices, block.indptr), block.shape)
            lengths = np.sqrt(values @ squares)
            where, bucket, times = _opened(own, unit)
            counts = _counts_at(block, text[where], bucket)
            shared = times * (1 + np.log(counts)) / counts / np.where(lengths > 0, lengths, 1.0)[text[where]]
            for at in range(total.shape[1]):
                total[:, at] += np.bincount(where, shared * table[bucket, at], len(text))
        return total


def _opened(own: csr_array, unit: Codes) -> tuple[Codes, Codes, Floats]:
    """The entries of the rows `unit`: which of the o rows each is of, its bucket, how often the unit holds it."""
    sizes = np.diff(own.indptr)[unit]
    where = np.repeat(np.arange(len(unit)), sizes)
    starts = np.cumsum(sizes) - sizes
    entry = np.arange(len(where)) - starts[where] + own.indptr[unit][where]
    return where, own.indices[entry].astype(np.int64), own.data[entry]


def _counts_at(block: csr_array, text: Codes, bucket: Codes) -> Floats:
    """The counts of buckets in texts that hold them."""
    row = np.repeat(np.arange(block.shape[0], dtype=np.int64), np.diff(block.indptr))
    held = (row << BITS) + block.indices
    found: Floats = block.data[np.searchsorted(held, (text << BITS) + bucket)]
    return found
