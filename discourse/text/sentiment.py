"""The sentiment of English posts, by VADER's rules, and how much of a corpus that covers.

VADER knows English words only: it calls any Urdu, Pashto or Persian post exactly neutral without an error. So every
other language scores null here, and `coverage` says how many posts that leaves out. Sentiment is not framing.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any, Final

import polars as pl

from discourse.errors import SchemaError
from discourse.text.normalize import MAX_CHARACTERS

__all__ = ["MAX_EMOJI", "coverage", "sentiment"]

MAX_EMOJI: Final = 64


def sentiment(texts: pl.Series, langs: pl.Series) -> pl.Series:
    """VADER's compound score in [-1, 1] for each English text; null for every other language and for null texts.

    Equal to `vaderSentiment`'s own score, on at most 10,000 characters and 64 emoji a text (its cost is quadratic in
    emoji). Give it the text as written: capitals and punctuation count. Hutto and Gilbert 2014, ICWSM. Raises
    `SchemaError` for columns of different length or of another type than strings.

    >>> sentiment(pl.Series(["VADER is smart, handsome, and funny.", "امن"]), pl.Series(["en", "ur"])).to_list()
    [0.8316, None]
    """
    _same_length("texts", texts, "langs", langs)
    if texts.dtype not in (pl.String, pl.Null):
        raise SchemaError(f"texts is a column of {texts.dtype}; it must hold strings")
    known: dict[str, float] = {}
    out: list[float | None] = []
    for text, lang in zip(texts.to_list(), langs.to_list(), strict=True):
        if text is None or lang != "en":
            out.append(None)
            continue
        if text not in known:
            known[text] = _compound(text)
        out.append(known[text])
    return pl.Series("sentiment", out, dtype=pl.Float64)


def coverage(langs: pl.Series, scores: pl.Series) -> pl.DataFrame:
    """Per language: `posts`, `scored` (a score that is not null) and `share` scored in [0, 1]; sorted by language.

    A null language is a row of its own, last. Raises `SchemaError` for columns of different length.

    >>> coverage(pl.Series(["en", "ur", "en"]), pl.Series([0.1, None, 0.0])).rows()
    [('en', 2, 2, 1.0), ('ur', 1, 0, 0.0)]
    """
    _same_length("langs", langs, "scores", scores)
    table = pl.DataFrame({"lang": langs.cast(pl.String), "scored": scores.is_not_null()})
    return (
        table.group_by("lang")
        .agg(posts=pl.len().cast(pl.Int64), scored=pl.col("scored").sum().cast(pl.Int64))
        .with_columns(share=pl.col("scored") / pl.col("posts"))
        .sort("lang", nulls_last=True)
    )


def _same_length(first: str, left: pl.Series, second: str, right: pl.Series) -> None:
    if len(left) != len(right):
        raise SchemaError(f"{first} has {len(left)} rows and {second} has {len(right)}; give columns of one length")


@cache
def _analyzer() -> Any:
    with warnings.catch_warnings():
        # vaderSentiment opens its lexicon with codecs.open, which newer Pythons deprecate.
        warnings.simplefilter("ignore", DeprecationWarning)
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        return SentimentIntensityAnalyzer()


def _compound(text: str) -> float:
    analyzer = _analyzer()
    kept: list[str] = []
    emoji = 0
    for char in text[:MAX_CHARACTERS]:
        if char in analyzer.emojis:
            emoji += 1
            if emoji > MAX_EMOJI:
                continue
        kept.append(char)
    return float(analyzer.polarity_scores("".join(kept))["compound"])
