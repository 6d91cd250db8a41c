"""The lexicon baseline: words and phrases of each frame in five languages, counted.

Used as a baseline to beat and for explanations, never for a reported share.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import polars as pl
import regex

from discourse.schema import LANGUAGES
from discourse.text.normalize import normalize

__all__ = ["lexicon_frames", "lexicon_terms"]

_POLES = ("nationalist", "conciliatory")


@cache
def lexicon_terms(lang: str) -> dict[str, tuple[str, ...]]:
    """Terms of both poles in one language, in normal form; empty for a language without a lexicon.

    >>> "ceasefire" in lexicon_terms("en")["conciliatory"]
    True
    """
    book = tomllib.loads((files("discourse.framing") / "lexicon.toml").read_text(encoding="utf-8"))
    terms = book.get(lang, {})
    return {pole: tuple(sorted({normalize(term, lang) for term in terms.get(pole, ())})) for pole in _POLES}


@cache
def _pattern(lang: str, pole: str) -> regex.Pattern[str]:
    terms = sorted(lexicon_terms(lang)[pole], key=len, reverse=True)
    joined = "|".join(regex.escape(term) for term in terms)
    return regex.compile(rf"(?<![\w#])#?(?:{joined})(?!\w)" if joined else r"(?!)")


def lexicon_frames(texts: pl.Series, langs: pl.Series) -> pl.Series:
    """The frame the lexicon gives each of n texts in normal form.

    Both poles found: the one with more hits, `both` when equal; none found: `neither`. A post whose language
    has no lexicon is searched with the terms of all languages.

    >>> lexicon_frames(pl.Series(["we want dialogue and peace talks"]), pl.Series(["en"])).to_list()
    ['conciliatory']
    """
    return pl.Series([_frame(text, lang) for text, lang in zip(texts, langs, strict=True)], dtype=pl.String)


def _frame(text: str, lang: str | None) -> str:
    known = (
        [lang]
        if lang and any(lexicon_terms(lang).values())
        else [one for one in LANGUAGES if any(lexicon_terms(one).values())]
    )
    hits = {pole: sum(len(_pattern(one, pole).findall(text)) for one in known) for pole in _POLES}
    if not any(hits.values()):
        return "neither"
    if hits["nationalist"] == hits["conciliatory"]:
        return "both"
    return max(_POLES, key=lambda pole: hits[pole])
