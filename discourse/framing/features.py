"""What the classifier sees of a post: letter groups, words and pairs of words of its normal form, hashed and weighted.

Words keep Arabic-script marks and the zero-width non-joiner; letter groups inside word boundaries carry what spelling
variants share, which is what Roman Urdu and informal Pashto need. Links and names are masked. Hashes are kept, never
words: a stored model holds nothing of its training posts.
"""

from __future__ import annotations

import re
import unicodedata
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
from discourse.text.chunks import MAX_CHARACTERS, Memo, strings
from discourse.text.hashing import bucket, letter_groups, pair_hashes, word_hashes
from discourse.text.language import identify
from discourse.text.letters import SKELETON
from discourse.text.noise import MENTION, URL, mask
from discourse.text.normal_form import normal_forms
from discourse.text.tokens import WORDS

__all__ = [
    "BITS", "Counted", "Reading", "Text", "Weighting", "count", "fits", "folded", "languages", "model_text", "read",
    "table_of", "texts_of",
]  # fmt: skip

BITS: Final = 19
SIZES: Final = (2, 3, 4, 5)
_LETTERS, _WORD, _PAIR = 3, 5, 6  # salts
_TOKEN = re.compile(rf"{WORDS}|[^\w\s]")
_MENTION = regex.compile(MENTION)
_URL = regex.compile(URL, regex.IGNORECASE)
_MASKED: Final = ("@", "＠", "http", "www.", "t.co", "twitter.com")  # one of these is in all that is masked
# Marks that the normal form of some languages leaves out, and letters that it folds beside those of the skeleton. Madda
# and hamza (0653 to 0655) first join the letter before them, as NFC has it, and go where they cannot.
_SIGNS: Final = (
    (0x0610, 0x061A), (0x064B, 0x0652), (0x0656, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06DC), (0x06DF, 0x06E8),
    (0x06EA, 0x06ED), (0x0898, 0x089F), (0x08CA, 0x08E1), (0x08E3, 0x08FF),
)  # fmt: skip
_FOLD: Final = {**SKELETON, **{code: None for a, b in _SIGNS for code in range(a, b + 1)}, ord("ٱ"): "ا", 0x200D: None}
_MARKS = re.compile("[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in _SIGNS) + "]+")
_HAMZA = re.compile("[\u0653-\u0655]+")
_NON_JOINERS = re.compile(r"(?<=\u200c)\u200c+|^\u200c+|\u200c+$")

Counted = tuple[csr_array, csr_array]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]


class Text(str):
    """A text as the classifier reads it, a plain string in all else, with what its letters no longer say.

    `names` are hashes of the accounts it mentions, 48 bits each, in order of place: of pseudonyms where a corpus
    replaced the handles. `lang` is its language, None where it is still to be detected from `source`, the raw text.

    >>> text = Text.of("<user> peace", (5,), lang="en")
    >>> text == "<user> peace", text.lang, text.names
    (True, 'en', (5,))
    """

    __slots__ = ("lang", "names", "source")
    names: tuple[int, ...]
    lang: str | None
    source: str | None

    @classmethod
    def of(cls, text: str, names: tuple[int, ...] = (), *, lang: str | None = None, source: str | None = None) -> Text:
        """A text with the hashes of its names, and its language or what that is to be detected from."""
        made = cls(text)
        made.names, made.lang, made.source = names, lang, source
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _text, (str(self), self.names, self.lang, self.source)


def _text(text: str, names: tuple[int, ...], lang: str | None, source: str | None) -> Text:
    return Text.of(text, names, lang=lang, source=source)


def texts_of(posts: pl.DataFrame | Corpus | Iterable[str | None]) -> list[Text]:
    """The n texts the classifier reads of posts (their normal form) or of raw texts (which are brought to one).

    Links become `<url>`, mentions `<user>`, underscores of hashtags spaces; a missing text is "". What is counted of a
    raw text (`read`) is what is counted of it in a corpus. Raises `SchemaError` for a table without `text_norm`, and
    for what are no strings.

    >>> texts_of(["Read https://example.org @some_one #Stop_War"])
    ['read <url> <user> #stop war']
    """
    memo: Memo[int] = Memo(_name)
    table = table_of(posts)
    if table is not None:
        langs = table["lang"].to_list() if "lang" in table.columns else [None] * table.height
        return [_masked(text, memo, lang, text) for text, lang in zip(model_text(table), langs, strict=True)]
    given = strings(posts)  # type: ignore[arg-type]
    forms = normal_forms(given, ["und"] * len(given))
    return [_masked(form or "", memo, None, text or "") for form, text in zip(forms, given, strict=True)]


def languages(texts: Sequence[str]) -> list[str]:
    """The language of each of n texts: the one it has, else detected from what it was made of, or from its letters.

    >>> languages(texts_of(["we want peace", "امن چاہیے"]))
    ['en', 'ur']
    """
    langs = [getattr(text, "lang", None) for text in texts]
    missing = [at for at, lang in enumerate(langs) if lang is None]
    asked = [texts[at] if (source := getattr(texts[at], "source", None)) is None else source for at in missing]
    for at, found in zip(missing, identify(asked), strict=True):
        langs[at] = found.lang
    return [lang or "und" for lang in langs]


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


def _masked(text: str, memo: Memo[int], lang: str | None, source: str) -> Text:
    names: tuple[int, ...] = ()
    lower = text.lower()
    if any(sign in lower for sign in _MASKED):
        text = _MARKS.sub("", text)
        masked = mask(text)
        if "<user>" in masked:
            names = tuple(memo[name] for name in _MENTION.findall(_URL.sub(" ", text)))
        text = masked
    return Text.of(text[:MAX_CHARACTERS].replace("_", " "), names, lang=lang, source=source)


def _name(mention: str) -> int:
    bare = _folded(mention[1:]).casefold().encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(bare, digest_size=6, person=b"discourse-name").digest())


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

    def count(self) -> Counted:
        """What `count` gives of these texts."""
        return self.sums(_groups_of(self.words)), _words_and_pairs(self)

    def sums(self, table: Any) -> Any:
        """For each text the sum of a table's rows over its tokens; the table has a row for each of `words`."""
        ends = self.ends.astype(np.int32 if len(self.at) < 2**31 else np.int64)
        held = csr_array((np.ones(len(self.at), np.float32), self.at.copy(), ends), (len(self), len(self.words)))
        held.sum_duplicates()
        return held @ table


def read(texts: Sequence[str]) -> Reading:
    """The tokens of n texts as `texts_of` gives them: words, and each sign that is none.

    >>> found = read(["no war, no", ""])
    >>> [found.words[at] for at in found.at], found.ends.tolist()
    (['no', 'war', ',', 'no'], [0, 4, 4])
    """
    index: dict[str, int] = {}
    memo: Memo[list[int]] = Memo(
        lambda chunk: [index.setdefault(word, len(index)) for word in _TOKEN.findall(_folded(chunk))]
    )
    held: list[int] = []
    ends = [0]
    for text in texts:
        for chunk in text.split():
            held += memo[chunk]
        ends.append(len(held))
    return Reading(np.array(held, np.int32), np.array(ends, np.int64), list(index))


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
            # Buckets of no column share a last one of no weight: all that follows fits a processor's cache.
            place = np.full(block.shape[1], len(columns), np.int32)
            place[columns] = np.arange(len(columns), dtype=np.int32)
            at = place[block.indices]
            shape = (block.shape[0], len(columns) + 1)
            data = _sublinear(block.data) * np.append(idf, 0.0)[at]
            lengths = np.sqrt(csr_array((data**2, at, block.indptr), shape).sum(axis=1))
            made = csr_array((data, at, block.indptr), shape) @ np.vstack([own.T, np.zeros(len(weights))])
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
    made = np.ones(len(counts))
    several = np.flatnonzero(counts > 1)
    made[several] += np.log(counts[several].astype(np.float64))
    return made
