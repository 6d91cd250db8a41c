"""What the classifier sees of a post: letter groups, words and pairs of words of its normal form, hashed and weighted.

Words keep Arabic-script marks and the zero-width non-joiner; letter groups inside word boundaries carry what spelling
variants share, which is what Roman Urdu and informal Pashto need. Links and names are masked. Hashes are kept, never
words: a stored model holds nothing of its training posts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import regex
from scipy.sparse import csr_array, diags_array, hstack

from discourse.corpus.posts import Corpus
from discourse.errors import BadInput, SchemaError
from discourse.framing.reading import BITS, MARKS, SIZES, Counted, Reading, count, folded, read
from discourse.text.chunks import MAX_CHARACTERS, Memo, strings
from discourse.text.language import identify
from discourse.text.noise import MENTION, URL, mask
from discourse.text.normal_form import normal_forms

__all__ = [
    "BITS", "SIZES", "Counted", "Reading", "Text", "Weighed", "Weighting", "count", "fits", "folded", "languages",
    "model_text", "read", "scored", "table_of", "texts_of",
]  # fmt: skip

_AT_ONCE: Final = 2**18
_MENTION = regex.compile(MENTION)
_URL = regex.compile(URL, regex.IGNORECASE)

Floats = npt.NDArray[np.float64]


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
        return _text(text, names, lang, source)

    def __reduce__(self) -> tuple[Any, ...]:
        return _text, (str(self), self.names, self.lang, self.source)


def _text(text: str, names: tuple[int, ...], lang: str | None, source: str | None) -> Text:
    made = Text(text)
    made.names, made.lang, made.source = names, lang, source
    return made


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
        forms = model_text(table).to_list()
        return [_masked(form, form.lower(), memo, lang, form) for form, lang in zip(forms, langs, strict=True)]
    given = [text or "" for text in strings(posts)]  # type: ignore[arg-type]
    made = normal_forms(given, ["und"] * len(given))
    return [_masked(form or "", form or "", memo, None, text) for form, text in zip(made, given, strict=True)]


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


def _masked(text: str, lower: str, memo: Memo[int], lang: str | None, source: str) -> Text:
    """The text of a normal form, `lower` in lower case."""
    names: tuple[int, ...] = ()
    # One of these is in all that is masked.
    if "@" in lower or "＠" in lower or "http" in lower or "www." in lower or "t.co" in lower or "twitter.com" in lower:
        text = MARKS.sub("", text)
        masked = mask(text)
        if "<user>" in masked:
            names = tuple(memo[name] for name in _MENTION.findall(_URL.sub(" ", text)))
        text = masked
    return _text(text[:MAX_CHARACTERS].replace("_", " "), names, lang, source)


def _name(mention: str) -> int:
    bare = folded(mention[1:]).casefold().encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(bare, digest_size=6, person=b"discourse-name").digest())


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
        return scored(counted, self.weighed(weights))

    def weighed(self, weights: Floats) -> tuple[Weighed, Weighed]:
        """What `scored` takes for k rows of weights: what each bucket of the two blocks is worth."""
        start, made = 0, []
        for columns, idf in zip(self.columns, self.idf, strict=True):
            own = weights[:, start : start + len(columns)].T
            start += len(columns)
            # Buckets of no column share a last one of no weight.
            place = np.full(1 << BITS, len(columns), np.int32)
            place[columns] = np.arange(len(columns), dtype=np.int32)
            worth = np.ascontiguousarray(np.vstack([own, np.zeros(len(weights))]))
            made.append(Weighed(place, np.append(idf, 0.0), worth))
        return made[0], made[1]

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


@dataclass(frozen=True, eq=False)
class Weighed:
    """A block of buckets with k weights each: bucket b has the idf and the weights (a row of k) at `place[b]`."""

    place: npt.NDArray[np.int32]
    idf: Floats
    weights: Floats


def scored(counted: Counted, blocks: tuple[Weighed, Weighed]) -> Floats:
    """Sums of the weights of n texts by their sublinear tf-idf, each block of length 1, n x k.

    >>> counted = count(["no war", ""])
    >>> scored(counted, Weighting.fit(counted, least=1).weighed(np.zeros((3, 20)))).shape
    (2, 3)
    """
    total = np.zeros((counted[0].shape[0], blocks[0].weights.shape[1]))
    for block, weighed in zip(counted, blocks, strict=True):
        first, last = 0, len(block.indptr) - 1
        while first < last:
            # As many rows as hold so many values, one at least: they too fit the cache.
            end = int(np.searchsorted(block.indptr, block.indptr[first] + _AT_ONCE, side="right")) - 1
            rows = slice(first, max(end, first + 1))
            total[rows] += _scored(block, rows, weighed)
            first = rows.stop
    return total


def _scored(block: csr_array, rows: slice, weighed: Weighed) -> Floats:
    ends = block.indptr[rows.start : rows.stop + 1]
    inside = slice(ends[0], ends[-1])
    # Every place is one of idf's: to clip them costs less than to check them.
    at = weighed.place.take(block.indices[inside], mode="clip")
    data = _sublinear(block.data[inside]) * weighed.idf.take(at, mode="clip")
    ends, shape = ends - ends[0], (rows.stop - rows.start, len(weighed.idf))
    lengths = np.sqrt(csr_array((data**2, at, ends), shape).sum(axis=1))
    made = csr_array((data, at, ends), shape) @ weighed.weights
    scores: Floats = made / np.where(lengths > 0, lengths, 1.0)[:, None]
    return scores


def _sublinear(counts: npt.NDArray[np.float32]) -> Floats:
    """1 + ln of each count, all whole and above 0."""
    of_count = np.ones(int(counts.max(initial=0)) + 1)
    of_count[1:] += np.log(np.arange(1, len(of_count)))
    made: Floats = of_count.take(counts.astype(np.int32), mode="clip")
    return made
