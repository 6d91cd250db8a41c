"""What the classifier sees of a post: letter groups, words and pairs of words of its normal form, hashed and weighted.

Words keep Arabic-script marks and the zero-width non-joiner; letter groups inside word boundaries carry what spelling
variants share, which is what Roman Urdu and informal Pashto need. Links and names are masked. Hashes are kept, never
words: a stored model holds nothing of its training posts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import regex
from scipy.sparse import csr_array, diags_array, hstack

from discourse.corpus.posts import Corpus
from discourse.errors import BadInput, SchemaError
from discourse.text.chunks import Memo, strings
from discourse.text.hashing import bucket, letter_groups, pair_hashes, word_hashes
from discourse.text.language import identify
from discourse.text.letters import SKELETON
from discourse.text.noise import MENTION, URL, mask
from discourse.text.normal_form import normal_forms
from discourse.text.tokens import WORDS

__all__ = ["BITS", "Reading", "Text", "Weighting", "count", "fits", "model_text", "read", "table_of", "texts_of"]

BITS: Final = 19
SIZES: Final = (2, 3, 4, 5)
_LETTERS, _WORD, _PAIR = 3, 5, 6  # salts
_TOKEN = re.compile(rf"{WORDS}|[^\w\s]")
_MENTION = regex.compile(MENTION)
_URL = regex.compile(URL, regex.IGNORECASE)

Counted = tuple[csr_array, csr_array]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]


class Text(str):
    """A text as the classifier reads it, a plain string in all else, with what its letters no longer say.

    `lang` is its language and `names` are hashes of the accounts it mentions, 48 bits each, in order of place: of
    pseudonyms where a corpus replaced the handles. No handle is kept.

    >>> text = Text.of("<user> peace", "en", (5,))
    >>> text == "<user> peace", text.lang, text.names
    (True, 'en', (5,))
    """

    __slots__ = ("lang", "names")
    lang: str
    names: tuple[int, ...]

    @classmethod
    def of(cls, text: str, lang: str, names: tuple[int, ...] = ()) -> Text:
        """A text with its language and the hashes of its names."""
        made = cls(text)
        made.lang, made.names = lang, names
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Text.of, (str(self), self.lang, self.names)


def texts_of(posts: pl.DataFrame | Corpus | Iterable[str | None]) -> list[Text]:
    """The n texts the classifier reads of posts (their normal form) or of raw texts (which are brought to it).

    Links become `<url>`, mentions `<user>`, underscores of hashtags spaces; a missing text is "". A raw text becomes
    what `with_text` makes of it, so that it reads the same in a corpus. The language is the table's `lang`, detected
    where it has none. Raises `SchemaError` for a table without `text_norm`, and for what are no strings.

    >>> texts_of(["Read https://example.org @some_one #Stop_War"])
    ['read <url> <user> #stop war']
    """
    table = table_of(posts)
    given: list[str | None]
    if table is not None:
        given = list(model_text(table))
        langs = table["lang"].to_list() if "lang" in table.columns else [None] * len(given)
        missing = [at for at, lang in enumerate(langs) if lang is None]
        for at, one in zip(missing, identify([given[at] for at in missing]), strict=True):
            langs[at] = one.lang
    else:
        asked = strings(posts)  # type: ignore[arg-type]
        distinct = list(dict.fromkeys(asked))
        found = identify(distinct)
        forms = normal_forms(distinct, [one.main for one in found])
        made = {text: (form, one.lang) for text, form, one in zip(distinct, forms, found, strict=True)}
        given, langs = [made[text][0] for text in asked], [made[text][1] for text in asked]
    memo: Memo[int] = Memo(_name)
    return [_masked(text or "", lang, memo) for text, lang in zip(given, langs, strict=True)]


def table_of(posts: Any) -> pl.DataFrame | None:
    """The posts table of a corpus or of itself; None for raw texts.

    >>> table_of(["peace"]) is None
    True
    """
    if isinstance(posts, Corpus):
        return posts.posts
    return posts if isinstance(posts, pl.DataFrame) else None


def model_text(posts: pl.DataFrame) -> pl.Series:
    """The normal form of n posts; null becomes "".

    Raises `SchemaError` when the table has no `text_norm`: the text layer has not run.
    """
    if "text_norm" not in posts.columns or posts["text_norm"].null_count() == posts.height > 0:
        raise SchemaError("the posts have no text_norm; run discourse.with_text(corpus) first")
    return posts["text_norm"].fill_null("").alias("model_text")


def _masked(text: str, lang: str, memo: Memo[int]) -> Text:
    masked = mask(text)
    names: tuple[int, ...] = ()
    if "<user>" in masked:
        names = tuple(memo[name] for name in _MENTION.findall(_URL.sub(" ", text)))
    return Text.of(masked.replace("_", " "), lang, names)


def _name(mention: str) -> int:
    bare = mention[1:].casefold().encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(bare, digest_size=6, person=b"discourse-name").digest())


@dataclass(frozen=True)
class Reading:
    """The tokens of n texts: text i has those from `ends[i]` up to `ends[i + 1]` of `at`, which name one of `words`.

    Letters that one keyboard offers for another's are one in `words`, so that several tokens may be spelled alike.
    """

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

    def count(self) -> Counted:
        """What `count` gives of these texts."""
        words = csr_array(
            (np.ones(len(self.at), np.float32), self.at.copy(), self.ends.copy()), (len(self), len(self.words))
        )
        words.sum_duplicates()
        return words @ _groups_of(self.words), _words_and_pairs(self)


def read(texts: Sequence[str]) -> Reading:
    """The tokens of n texts as `texts_of` gives them: words, and each sign that is none.

    >>> found = read(["no war, no", ""])
    >>> [found.words[at] for at in found.at], found.ends.tolist()
    (['no', 'war', ',', 'no'], [0, 4, 4])
    """
    index: dict[str, int] = {}
    memo: Memo[list[int]] = Memo(lambda chunk: [index.setdefault(word, len(index)) for word in _TOKEN.findall(chunk)])
    held: list[int] = []
    ends = [0]
    for text in texts:
        for chunk in text.split():
            held += memo[chunk]
        ends.append(len(held))
    return Reading(np.array(held, np.int32), np.array(ends, np.int64), [word.translate(SKELETON) for word in index])


def count(texts: Sequence[str]) -> Counted:
    """Counts of letter groups (2 to 5 letters inside words) and of words and pairs of words, each n x 2^19.

    Each distinct word is cut into groups once; a post's groups are the sum over its words. Letters that one keyboard
    offers for another's count as one.

    >>> [block.shape for block in count(["peace now"])], int(count(["peace now"])[1].sum())
    ([(1, 524288), (1, 524288)], 3)
    """
    return read(texts).count()


def _groups_of(words: Sequence[str]) -> csr_array:
    nothing = (np.empty(0, np.int32), np.empty(0, np.int32))
    buckets, owners = zip(*letter_groups(words, SIZES, _LETTERS, BITS), nothing, strict=True)
    places = (np.concatenate(owners), np.concatenate(buckets))
    return csr_array((np.ones(len(places[0]), np.float32), places), (len(words), 1 << BITS))


def _words_and_pairs(reading: Reading) -> csr_array:
    hashes, row = reading.hashes, reading.rows
    together = row[:-1] == row[1:]
    pairs = pair_hashes(hashes[:-1], hashes[1:])[together]
    rows = np.concatenate([row, row[:-1][together]])
    columns = np.concatenate([bucket(hashes, _WORD, BITS), bucket(pairs, _PAIR, BITS)])
    return csr_array((np.ones(len(rows), np.float32), (rows, columns)), (len(reading), 1 << BITS))


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
    def fit(cls, counted: Counted, least: int) -> Weighting:
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

    def of(self, counted: Counted) -> csr_array:
        """The weighted counts of n texts, n x `size`."""
        made = []
        for block, columns, idf in zip(counted, self.columns, self.idf, strict=True):
            kept = csr_array(block[:, columns])
            values = csr_array((_sublinear(kept.data) * idf[kept.indices], kept.indices, kept.indptr), kept.shape)
            made.append(diags_array(1 / self._lengths(values)) @ values)
        joined: csr_array = hstack(made, format="csr")
        return joined

    def scores(self, counted: Counted, weights: Floats) -> Floats:
        """`of(counted) @ weights.T` of n texts and k rows of weights, n x k, without making the weighted counts."""
        total = np.zeros((counted[0].shape[0], len(weights)))
        start = 0
        for block, columns, idf in zip(counted, self.columns, self.idf, strict=True):
            own = weights[:, start : start + len(columns)]
            start += len(columns)
            # Most buckets of a text are of no column: dropped first, all that follows fits a processor's cache.
            place = np.full(block.shape[1], -1, np.int32)
            place[columns] = np.arange(len(columns), dtype=np.int32)
            at = place[block.indices]
            known = at >= 0
            at = at[known]
            ends = np.concatenate([[0], np.cumsum(known)])[block.indptr]
            data = _sublinear(block.data[known]) * idf[at]
            shape = (block.shape[0], len(columns))
            lengths = np.sqrt(csr_array((data**2, at, ends), shape).sum(axis=1))
            made = csr_array((data, at, ends), shape) @ own.T
            total += made / np.where(lengths > 0, lengths, 1.0)[:, None]
        return total

    @staticmethod
    def _lengths(values: csr_array) -> Floats:
        lengths: Floats = np.sqrt(np.asarray(values.multiply(values).sum(axis=1)).ravel())
        return np.where(lengths > 0, lengths, 1.0)


def fits(columns: Sequence[npt.NDArray[Any]], idf: Sequence[npt.NDArray[Any]]) -> int:
    """How many buckets count; raises `BadInput` when columns and idf, read from a file, are none of a `Weighting`.

    >>> fits([np.array([3, 9], np.int32)], [np.array([1.0, 1.5])])
    2
    """
    for column, values in zip(columns, idf, strict=True):
        right = column.dtype == np.int32 and values.dtype == np.float64 and column.ndim == 1
        if not right or values.shape != column.shape or not np.isfinite(values).all():
            raise BadInput("the columns of the model do not fit their idf, or are not made of finite numbers")
        if len(column) and (column[0] < 0 or column[-1] >= 1 << BITS or (np.diff(column) <= 0).any()):
            raise BadInput("the columns of the model are out of range or order")
    return sum(map(len, columns))


def _sublinear(counts: npt.NDArray[np.float32]) -> Floats:
    return 1 + np.log(counts.astype(np.float64))
