"""The public functions of the text layer: a sequence of texts in, as many answers out, in the same order.

Each works out a distinct text once, reads at most 10,000 characters of it, keeps no state between calls and gives the
same answer for a text whatever stands beside it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import polars as pl

from discourse.errors import LanguageWarning, SchemaError
from discourse.schema import LANGUAGES, one_of
from discourse.text.chunks import strings
from discourse.text.language import identify, identify_columns
from discourse.text.language import spans as spans_of
from discourse.text.normal_form import folds_letters, normal_forms
from discourse.text.tokens import tokens
from discourse.text.valence import compounds

__all__ = ["coverage", "detect_language", "english_only", "language_spans", "normalize", "sentiment", "tokenize"]

Answer = TypeVar("Answer")
Language = str | Iterable[str | None] | None


def normalize(texts: Iterable[str | None], lang: Language = None) -> list[str | None]:
    """The normal form of n texts: one spelling for one word of a language; None stays None.

    `lang` is one language of `schema.LANGUAGES` for all, or one for each (None counts as `und`); left out, each text's
    is detected, and a mixed text is folded as the language with most evidence asks. Idempotent; the table of letters
    stands in `docs/text.md`. Raises `SchemaError` for what are no strings, another number of languages, and unknown
    languages.

    >>> normalize(["كيا حال هے آپ كا", "Peace  NOW"])
    ['کیا حال ہے آپ کا', 'peace now']
    >>> normalize(["كيا"], lang="ur")
    ['کیا']
    """
    given = strings(texts)
    if lang is not None:
        return _distinct_pairs(given, _languages(lang, len(given)), normal_forms)
    return _distinct(given, _settled)


def _settled(texts: list[str]) -> list[str | None]:
    """Normal forms by detected language, until one more round would change nothing.

    Only where letters were folded or joined may the identifier see other words than before; only there it looks again.
    """
    made: list[str | None] = list(texts)
    again = list(range(len(texts)))
    for _ in range(3):
        given = [made[at] or "" for at in again]
        langs = [found.main for found in identify(given)]
        for at, form in zip(again, normal_forms(given, langs), strict=True):
            made[at] = form
        again = [at for at, text, lang in zip(again, given, langs, strict=True) if folds_letters(text, lang)]
    return made


def tokenize(texts: Iterable[str | None], hashtags: str = "whole") -> list[list[str]]:
    """The tokens of n texts: words, hashtags, mentions, links, emoji, numbers and punctuation, as written; None has
    none.

    `hashtags` is "whole", "split" or "both" (see `hashtag_words`). Raises `SchemaError` for what are no strings.

    >>> tokenize(["don't go، نوجوان! #GetOut"], hashtags="split")
    [["don't", 'go', '،', 'نوجوان', '!', 'Get', 'Out']]
    """
    return tokens(strings(texts), hashtags)


def detect_language(texts: Iterable[str | None]) -> pl.DataFrame:
    """The language of n texts and how sure that is: a table of n rows with `lang` and `confidence`, in the same order.

    `lang` is en, ur, ur-Latn (Roman Urdu), ps, fa (Dari and Iranian Persian), mixed, other or und; `confidence` in [0,
    1] is the probability that it is right, 0 where there is nothing to read (None, links, hashtags and emoji alone).
    What it was fitted on, its confusion table and its calibration stand in `docs/language.md`. Raises `SchemaError`
    for what are no strings.

    >>> detect_language(["we want peace", "ye jang hamari nahi hai", "موږ سوله غواړو", None]).rows()[3]
    ('und', 0.0)
    """
    given = strings(texts)
    distinct = list(dict.fromkeys(given))
    at = dict(zip(distinct, range(len(distinct)), strict=True))
    places = np.fromiter(map(at.__getitem__, given), np.int64, len(given))
    langs, confidence, _ = identify_columns(distinct)
    return pl.DataFrame(
        {"lang": pl.Series(langs, dtype=pl.String)[places], "confidence": confidence[places]},
        schema={"lang": pl.String, "confidence": pl.Float64},
    )


def language_spans(texts: Iterable[str | None]) -> pl.DataFrame:
    """Where n texts are in which language: a row for each run of words in one, with its place in the raw text.

    Columns `text` (which of the n, from 0), `start` and `end` (in code points; the run is `texts[text][start:end]`),
    `lang` and `words`. A text without words has no row. Raises `SchemaError` for what are no strings.

    >>> language_spans(["no more war please, ہمیں امن چاہیے"]).rows()
    [(0, 0, 18, 'en', 4), (0, 20, 34, 'ur', 3)]
    """
    rows = [(at, *span) for at, text in enumerate(strings(texts)) if text is not None for span in spans_of(text)]
    schema = {"text": pl.Int64, "start": pl.Int64, "end": pl.Int64, "lang": pl.String, "words": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def sentiment(texts: Iterable[str | None], lang: Language = None) -> list[float | None]:
    """VADER's compound score in [-1, 1] of each English text of n, None for all others.

    Exactly `vaderSentiment`'s score, on at most 10,000 characters and 64 emoji a text. VADER knows English words only,
    and calls any Urdu, Pashto or Persian post exactly neutral; no model for these languages is good enough to ship
    (`docs/text.md`), so their score is None and a `LanguageWarning` says how many there were. `lang` as in
    `normalize`. Sentiment is not framing. Raises `SchemaError` for what are no strings and another number of
    languages. Hutto and Gilbert 2014, ICWSM.

    >>> sentiment(["VADER is smart, handsome, and funny."])
    [0.8316]
    """
    given = strings(texts)
    langs = detect_language(given)["lang"].to_list() if lang is None else _languages(lang, len(given))
    left_out: dict[str, int] = {}
    for text, one in zip(given, langs, strict=True):
        if text is not None and one != "en":
            left_out[one] = left_out.get(one, 0) + 1
    if left_out:
        listed = ", ".join(f"{one} {count}" for one, count in sorted(left_out.items()))
        warnings.warn(
            f"{sum(left_out.values())} of {len(given)} texts have no sentiment, VADER knows English only: {listed}",
            LanguageWarning,
            stacklevel=2,
        )
    return english_only(given, langs)


def english_only(texts: Sequence[str | None], langs: Sequence[str | None]) -> list[float | None]:
    """`sentiment` without the warning, for a step that reports its coverage itself."""
    return _distinct([text if one == "en" else None for text, one in zip(texts, langs, strict=True)], compounds)


def coverage(langs: pl.Series, scores: pl.Series) -> pl.DataFrame:
    """Per language: `posts`, `scored` (a score that is not null) and `share` scored in [0, 1]; sorted by language.

    A null language is a row of its own, last. Raises `SchemaError` for columns of different length.

    >>> coverage(pl.Series(["en", "ur", "en"]), pl.Series([0.1, None, 0.0])).rows()
    [('en', 2, 2, 1.0), ('ur', 1, 0, 0.0)]
    """
    if len(langs) != len(scores):
        raise SchemaError(f"langs has {len(langs)} rows and scores has {len(scores)}; give columns of one length")
    table = pl.DataFrame({"lang": langs.cast(pl.String), "scored": scores.is_not_null()})
    return (
        table.group_by("lang")
        .agg(posts=pl.len().cast(pl.Int64), scored=pl.col("scored").sum().cast(pl.Int64))
        .with_columns(share=pl.col("scored") / pl.col("posts"))
        .sort("lang", nulls_last=True)
    )


def _languages(lang: str | Iterable[str | None], n: int) -> list[str]:
    if isinstance(lang, str):
        return [one_of(lang, LANGUAGES, "lang")] * n
    langs = ["und" if one is None else one for one in strings(lang, "langs")]
    if len(langs) != n:
        raise SchemaError(f"texts has {n} rows and lang has {len(langs)}; give one language for each text")
    for one in set(langs):
        one_of(one, LANGUAGES, "lang")
    return langs


def _distinct(texts: Sequence[str | None], work: Callable[[list[str]], Sequence[Answer]]) -> list[Answer | None]:
    """What `work` makes of each text, each distinct one given to it once; None for None."""
    distinct = list(dict.fromkeys(text for text in texts if text is not None))
    answers = dict(zip(distinct, work(distinct), strict=True))
    return [None if text is None else answers[text] for text in texts]


def _distinct_pairs(
    texts: Sequence[str | None], langs: Sequence[str], work: Callable[[list[str], list[str]], Sequence[Answer]]
) -> list[Answer | None]:
    pairs = list(dict.fromkeys((text, lang) for text, lang in zip(texts, langs, strict=True) if text is not None))
    answers = dict(zip(pairs, work([text for text, _ in pairs], [lang for _, lang in pairs]), strict=True))
    return [None if text is None else answers[text, lang] for text, lang in zip(texts, langs, strict=True)]
