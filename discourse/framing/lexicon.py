"""The lexicon baseline: words and phrases of each frame in five languages, found and counted.

A baseline to beat, and an aid to sampling and explanation; never used for a reported share. The terms, what they mean
and the rule of the codebook that each is evidence for stand in `lexicon.toml`.

A term is found as whole words, with or without a # before it. Where several fit at one place the longest counts, and
words are counted once: "never forgive" is a term of one pole and holds no "forgive" of the other.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl
import regex

from discourse.errors import SchemaError
from discourse.schema import LANGUAGES
from discourse.text.normal_form import normal_form

__all__ = ["Entry", "lexicon_entries", "lexicon_frames", "lexicon_hits", "lexicon_terms"]

_POLES = ("nationalist", "conciliatory")
_HITS = {"row": pl.Int64, "term": pl.String, "pole": pl.String, "rule": pl.String, "count": pl.Int64}


@dataclass(frozen=True)
class Entry:
    """One term of the lexicon, in normal form.

    `pole` is nationalist or conciliatory, `gloss` its meaning in English ("" where an English term needs none), `rule`
    a name in the table [rules] of `lexicon.toml`.

    >>> Entry("سوله", "conciliatory", "peace", "end-war").rule
    'end-war'
    """

    term: str
    pole: str
    gloss: str
    rule: str


@cache
def _book() -> dict[str, Any]:
    return tomllib.loads((files("discourse.framing") / "lexicon.toml").read_text(encoding="utf-8"))


@cache
def lexicon_entries(lang: str) -> tuple[Entry, ...]:
    """The entries of one language, nationalist first, by rule; empty for a language without a lexicon.

    For explanation and sampling, never for a reported share.

    >>> [entry.gloss for entry in lexicon_entries("fa") if entry.term == "صلح پایدار"]
    ['lasting peace']
    >>> lexicon_entries("other")
    ()
    """
    poles = _book().get(lang, {})
    return tuple(
        Entry(normal_form(given["term"], lang), pole, given.get("gloss", ""), given["rule"])
        for pole in _POLES
        for given in poles.get(pole, ())
    )


@cache
def lexicon_terms(lang: str) -> dict[str, tuple[str, ...]]:
    """Terms of both poles in one language, in normal form and sorted; empty for a language without a lexicon.

    >>> "ceasefire" in lexicon_terms("en")["conciliatory"]
    True
    """
    entries = lexicon_entries(lang)
    return {pole: tuple(sorted({entry.term for entry in entries if entry.pole == pole})) for pole in _POLES}


def lexicon_frames(texts: pl.Series, langs: pl.Series) -> pl.Series:
    """The frame the lexicon gives each of n texts in normal form: a baseline, never used for a reported share.

    Both poles found: the one with more hits, `both` when equal; none found, or a null text: `neither`. A post whose
    language has no lexicon is searched with the terms of all languages. Raises `SchemaError` for columns of different
    length.

    >>> lexicon_frames(pl.Series(["we want dialogue and peace talks"]), pl.Series(["en"])).to_list()
    ['conciliatory']
    """
    return pl.Series([_frame(found) for found in _found(texts, langs)], dtype=pl.String)


def lexicon_hits(texts: pl.Series, langs: pl.Series) -> pl.DataFrame:
    """The terms found in n texts in normal form, for sampling and explanation; never used for a reported share.

    Columns `row` (which of the n, from 0), `term`, `pole`, `rule` and `count` (how often it stands in the text): one
    row per text and term found, by text and then by first place in it. A null text has none. Languages without a
    lexicon as in `lexicon_frames`. Raises `SchemaError` for columns of different length.

    >>> lexicon_hits(pl.Series(["revenge, then peace? no, revenge", None]), pl.Series(["en", "en"])).rows()
    [(0, 'revenge', 'nationalist', 'revenge', 2), (0, 'peace', 'conciliatory', 'end-war', 1)]
    """
    rows = [
        (row, entry.term, entry.pole, entry.rule, count)
        for row, found in enumerate(_found(texts, langs))
        for entry, count in found.items()
    ]
    return pl.DataFrame(rows, schema=_HITS, orient="row")


def _found(texts: pl.Series, langs: pl.Series) -> Iterator[Counter[Entry]]:
    """What is found in each text, in the order of first places."""
    if len(texts) != len(langs):
        raise SchemaError(f"texts has {len(texts)} rows and langs has {len(langs)}; give one language for each text")
    for text, lang in zip(texts, langs, strict=True):
        pattern, entries = _matcher(lang if lang and lexicon_entries(lang) else None)
        yield Counter(entries[match[1]] for match in pattern.finditer(text or ""))


@cache
def _matcher(lang: str | None) -> tuple[regex.Pattern[str], dict[str, Entry]]:
    """One alternation of the terms of both poles, longest first, and the entry of each term; None: all languages.

    A term that several languages share is the entry of the first of them.
    """
    entries: dict[str, Entry] = {}
    for one in LANGUAGES if lang is None else (lang,):
        for entry in lexicon_entries(one):
            entries.setdefault(entry.term, entry)
    longest_first = sorted(entries, key=len, reverse=True)
    joined = "|".join(regex.escape(term) for term in longest_first)
    return regex.compile(rf"(?<![\w#])#?({joined})(?!\w)"), entries


def _frame(found: Counter[Entry]) -> str:
    hits = {pole: sum(count for entry, count in found.items() if entry.pole == pole) for pole in _POLES}
    if not any(hits.values()):
        return "neither"
    if hits["nationalist"] == hits["conciliatory"]:
        return "both"
    return max(_POLES, key=lambda pole: hits[pole])
