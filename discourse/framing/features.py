"""What the classifier sees of a post: letter groups, words and pairs of words of its normal form, hashed and weighted.

Words keep Arabic-script marks and the zero-width non-joiner; letter groups inside word boundaries carry what spelling
variants share, which is what Roman Urdu and informal Pashto need. Links and names are masked: neither may carry the
decision. Hashes are kept, never words: a stored model holds nothing of its training posts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_array, diags_array, hstack

from discourse.corpus.posts import Corpus
from discourse.errors import SchemaError
from discourse.text.chunks import Memo, strings
from discourse.text.hashing import bucket, letter_groups, pair_hashes, word_hashes
from discourse.text.letters import SKELETON
from discourse.text.noise import mask
from discourse.text.normal_form import normal_forms
from discourse.text.tokens import WORDS

__all__ = ["BITS", "Weighting", "count", "model_text", "texts_of"]

BITS: Final = 19
SIZES: Final = (2, 3, 4, 5)
_LETTERS, _WORD, _PAIR = 3, 5, 6  # salts
_TOKEN = re.compile(rf"{WORDS}|[^\w\s]")

Floats = npt.NDArray[np.float64]


def texts_of(posts: pl.DataFrame | Corpus | Iterable[str | None]) -> list[str]:
    """The n texts the classifier reads of posts (their normal form) or of raw texts (which are brought to it).

    Links become `<url>`, mentions `<user>`, underscores of hashtags spaces; a missing text is "". Raises `SchemaError`
    for a table without `text_norm`, and for what are no strings.

    >>> texts_of(["Read https://example.org @some_one #Stop_War"])
    ['read <url> <user> #stop war']
    """
    if isinstance(posts, Corpus):
        posts = posts.posts
    if isinstance(posts, pl.DataFrame):
        return [_masked(text) for text in model_text(posts)]
    given = strings(posts)
    return [_masked(text) for text in normal_forms(given, ["und"] * len(given))]


def model_text(posts: pl.DataFrame) -> pl.Series:
    """The normal form of n posts; null becomes "".

    Raises `SchemaError` when the table has no `text_norm`: the text layer has not run.
    """
    if "text_norm" not in posts.columns or posts["text_norm"].null_count() == posts.height > 0:
        raise SchemaError("the posts have no text_norm; run discourse.with_text(corpus) first")
    return posts["text_norm"].fill_null("").alias("model_text")


def _masked(text: str | None) -> str:
    return mask(text or "").replace("_", " ")


def count(texts: Sequence[str]) -> tuple[csr_array, csr_array]:
    """Counts of letter groups (2 to 5 letters inside words) and of words and pairs of words, each n x 2^19.

    Each distinct word is cut into groups once; a post's groups are the sum over its words. Letters that one keyboard
    offers for another's count as one, so that a text means the same whether its language was known or not.
    """
    index: dict[str, int] = {}
    memo: Memo[list[int]] = Memo(lambda chunk: [index.setdefault(word, len(index)) for word in _TOKEN.findall(chunk)])
    held: list[int] = []
    ends = [0]
    for text in texts:
        for chunk in text.split():
            held += memo[chunk]
        ends.append(len(held))
    at, cuts = np.array(held, np.int32), np.array(ends, np.int64)
    listed = [word.translate(SKELETON) for word in index]
    words = csr_array((np.ones(len(at), np.float32), at.copy(), cuts.copy()), (len(texts), len(listed)))
    words.sum_duplicates()
    return words @ _groups_of(listed), _words_and_pairs(at, cuts, listed)


def _groups_of(words: Sequence[str]) -> csr_array:
    nothing = (np.empty(0, np.int32), np.empty(0, np.int32))
    buckets, owners = zip(*letter_groups(words, SIZES, _LETTERS, BITS), nothing, strict=True)
    places = (np.concatenate(owners), np.concatenate(buckets))
    return csr_array((np.ones(len(places[0]), np.float32), places), (len(words), 1 << BITS))


def _words_and_pairs(at: npt.NDArray[np.int32], cuts: npt.NDArray[np.int64], words: Sequence[str]) -> csr_array:
    hashes = word_hashes(words)[at] if len(at) else np.empty(0, np.uint64)
    row = np.repeat(np.arange(len(cuts) - 1), np.diff(cuts))
    together = row[:-1] == row[1:]
    pairs = pair_hashes(hashes[:-1], hashes[1:])[together]
    rows = np.concatenate([row, row[:-1][together]])
    columns = np.concatenate([bucket(hashes, _WORD, BITS), bucket(pairs, _PAIR, BITS)])
    return csr_array((np.ones(len(rows), np.float32), (rows, columns)), (len(cuts) - 1, 1 << BITS))


@dataclass(frozen=True, eq=False)
class Weighting:
    """Sublinear tf-idf of counted groups: which buckets count, and their inverse document frequency.

    A value is (1 + ln tf) (ln((1 + n) / (1 + df)) + 1), and each of the two blocks of a post has length 1 (Salton and
    Buckley 1988, as scikit-learn does it).

    >>> texts = ["we want peace", "we want war", "peace now"]
    >>> made = Weighting.fit(count(texts), least=1).of(count(texts))
    >>> made.shape[0], np.round((made**2).sum(axis=1), 6).tolist()
    (3, [2.0, 2.0, 2.0])
    """

    columns: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]
    idf: tuple[Floats, Floats]

    @classmethod
    def fit(cls, counted: tuple[csr_array, csr_array], least: int) -> Weighting:
        """From the counts of n training texts; a bucket that fewer than `least` texts hold is left out."""
        columns, idf = [], []
        for block in counted:
            found = np.bincount(block.indices, minlength=block.shape[1])
            kept = np.flatnonzero(found >= least).astype(np.int32)
            columns.append(kept)
            idf.append(np.log((1 + block.shape[0]) / (1 + found[kept])) + 1)
        return cls((columns[0], columns[1]), (idf[0], idf[1]))

    @property
    def size(self) -> int:
        """How many buckets count, in both blocks."""
        return len(self.columns[0]) + len(self.columns[1])

    def of(self, counted: tuple[csr_array, csr_array]) -> csr_array:
        """The weighted counts of n texts, n x `size`."""
        made = []
        for block, columns, idf in zip(counted, self.columns, self.idf, strict=True):
            kept = csr_array(block[:, columns])
            values = csr_array((_sublinear(kept.data) * idf[kept.indices], kept.indices, kept.indptr), kept.shape)
            made.append(diags_array(1 / self._lengths(values)) @ values)
        joined: csr_array = hstack(made, format="csr")
        return joined

    def scores(self, counted: tuple[csr_array, csr_array], weights: Floats) -> Floats:
        """`of(counted) @ weights.T` of n texts and k rows of weights, n x k, without making the weighted counts."""
        first = len(self.columns[0])
        total = np.zeros((counted[0].shape[0], len(weights)))
        for block, columns, idf, own in zip(
            counted, self.columns, self.idf, (weights[:, :first], weights[:, first:]), strict=True
        ):
            table = np.zeros((block.shape[1], len(weights)))
            table[columns] = (own * idf).T
            squares = np.zeros(block.shape[1])
            squares[columns] = idf**2
            values = csr_array((_sublinear(block.data), block.indices, block.indptr), block.shape)
            lengths = np.sqrt(csr_array((values.data**2, block.indices, block.indptr), block.shape) @ squares)
            total += (values @ table) / np.where(lengths > 0, lengths, 1.0)[:, None]
        return total

    @staticmethod
    def _lengths(values: csr_array) -> Floats:
        lengths: Floats = np.sqrt(np.asarray(values.multiply(values).sum(axis=1)).ravel())
        return np.where(lengths > 0, lengths, 1.0)


def _sublinear(counts: npt.NDArray[np.float32]) -> Floats:
    return 1 + np.log(counts.astype(np.float64))
