"""The terms of the lexicon as numbers beside a post's words: which poles it says.

The terms are looked up as hashed runs of tokens, a hundred times faster than one by one, and stand for what
`lexicon_hits` finds: a run inside a longer term does not count for itself, since the longer term takes back what its
parts say. Where two terms overlap without one holding the other, both count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from discourse.framing.features import Reading, read
from discourse.framing.lexicon import lexicon_terms
from discourse.schema import LANGUAGES
from discourse.text.hashing import pair_hashes, word_hashes

__all__ = ["POLES", "lexicon_counts", "lexicon_said"]

POLES: Final = ("nationalist", "conciliatory")
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]
Term = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Terms:
    """Terms of one length: their hashes in ascending order, and what each adds to the two poles."""

    hashes: Hashes
    worth: Floats


def lexicon_counts(reading: Reading, langs: Sequence[str]) -> Floats:
    """How often terms of the two poles stand in n texts of these languages, n x 2 in the order of `POLES`.

    A text whose language has no lexicon is searched with the terms of all languages.

    >>> lexicon_counts(read(["revenge, then peace? no, revenge", "rain"]), ["en", "en"]).tolist()
    [[2.0, 1.0], [0.0, 0.0]]
    """
    known = {lang: at for at, lang in enumerate(one for one in LANGUAGES if any(lexicon_terms(one).values()))}
    lang_of = np.array([known.get(lang, len(known)) for lang in langs], np.int64)
    total = np.zeros((len(reading), len(POLES)))
    for lang, at in [*known.items(), (None, len(known))]:
        asked = lang_of == at
        if asked.any():
            inside = asked[reading.rows]
            total += _counts(reading.hashes[inside], reading.rows[inside], _table(lang), len(reading))
    # Terms that overlap in part may take back more than there is.
    made: Floats = np.maximum(total, 0.0)
    return made


def lexicon_said(reading: Reading, langs: Sequence[str]) -> Floats:
    """How surely n texts say each pole: h / (1 + h) of h terms found, n x 2, from 0 to below 1.

    The first term tells most, whatever the length of the text: three terms do not say it three times.

    >>> lexicon_said(read(["peace for all of us"]), ["en"]).tolist()
    [[0.0, 0.5]]
    """
    hits = lexicon_counts(reading, langs)
    return hits / (1.0 + hits)


def _counts(hashes: Hashes, rows: npt.NDArray[np.int64], table: Mapping[int, _Terms], n: int) -> Floats:
    """What the runs of tokens that are terms add up to, n x 2: of runs of 1, 2, 3 tokens and so on."""
    total = np.zeros((n, len(POLES)))
    runs, row = hashes, rows
    for size in range(1, min(max(table, default=0), len(hashes)) + 1):
        if size > 1:
            # A run of one token more, where its last stands in the same text as its first.
            same = rows[: len(rows) - size + 1] == rows[size - 1 :]
            runs = pair_hashes(runs[: len(same)], hashes[size - 1 :])
            found, row = runs[same], rows[: len(same)][same]
        else:
            found = runs
        terms = table.get(size)
        if terms is not None and len(found):
            at = np.minimum(np.searchsorted(terms.hashes, found), len(terms.hashes) - 1)
            hit = terms.hashes[at] == found
            np.add.at(total, row[hit], terms.worth[at[hit]])
    return total


@cache
def _table(lang: str | None) -> dict[int, _Terms]:
    """The terms of a language, or of all for None, by their length in tokens."""
    said: dict[Term, Floats] = {}
    for one in LANGUAGES if lang is None else (lang,):
        for at, pole in enumerate(POLES):
            terms = lexicon_terms(one)[pole]
            reading = read(terms)
            for first, last in zip(reading.ends[:-1], reading.ends[1:], strict=True):
                term = tuple(reading.words[word] for word in reading.at[first:last])
                said.setdefault(term, np.eye(len(POLES))[at])
    worth: dict[Term, Floats] = {}
    for term in sorted(said, key=lambda one: (len(one), one)):
        parts = [term[i : i + size] for size in range(1, len(term)) for i in range(len(term) - size + 1)]
        worth[term] = said[term] - sum((worth[part] for part in parts if part in worth), np.zeros(len(POLES)))
    return {size: _listed([term for term in worth if len(term) == size], worth) for size in {*map(len, worth)}}


def _listed(terms: Sequence[Term], worth: Mapping[Term, Floats]) -> _Terms:
    hashes = word_hashes([term[0] for term in terms])
    for place in range(1, len(terms[0])):
        hashes = pair_hashes(hashes, word_hashes([term[place] for term in terms]))
    order = np.argsort(hashes)
    return _Terms(hashes[order], np.array([worth[terms[at]] for at in order]))
