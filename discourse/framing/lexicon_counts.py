"""The terms of the lexicon as numbers beside a post's words: which poles it says.

The terms of all languages are looked up as hashed runs of tokens, a hundred times faster than one by one. They stand
for what `lexicon_hits` finds: a run inside a longer term does not count for itself, since the longer term takes back
what its parts say. Where two terms overlap without one holding the other, both count.
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
_LOW: Final = np.uint64(2**16 - 1)

Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]
Term = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Terms:
    """Terms of one length: their hashes in ascending order, what each adds to the two poles, and which low bits any
    of them has."""

    hashes: Hashes
    worth: Floats
    seen: npt.NDArray[np.bool_]


def lexicon_counts(reading: Reading) -> Floats:
    """How often terms of the two poles, of all languages, stand in n texts, n x 2 in the order of `POLES`.

    >>> lexicon_counts(read(["revenge, then peace? no, revenge", "rain"])).tolist()
    [[2.0, 1.0], [0.0, 0.0]]
    """
    total = np.zeros((len(reading), len(POLES)))
    hashes, rows = reading.hashes, reading.rows
    runs = hashes
    for size in range(1, min(max(_table()), len(hashes)) + 1):
        if size > 1:
            # A run of one token more; it is none where its last stands in another text than its first.
            runs = pair_hashes(runs[: len(hashes) - size + 1], hashes[size - 1 :])
        terms = _table().get(size)
        if terms is None:
            continue
        perhaps = np.flatnonzero(terms.seen[(runs & _LOW).astype(np.int64)])
        perhaps = perhaps[rows[perhaps] == rows[perhaps + size - 1]]
        at = np.minimum(np.searchsorted(terms.hashes, runs[perhaps]), len(terms.hashes) - 1)
        hit = terms.hashes[at] == runs[perhaps]
        for pole in range(len(POLES)):
            total[:, pole] += np.bincount(rows[perhaps[hit]], terms.worth[at[hit], pole], len(reading))
    # Terms that overlap in part may take back more than there is.
    made: Floats = np.maximum(total, 0.0)
    return made


def lexicon_said(reading: Reading) -> Floats:
    """How surely n texts say each pole: h / (1 + h) of h terms found, n x 2, from 0 to below 1.

    The first term tells most, whatever the length of the text: three terms do not say it three times.

    >>> lexicon_said(read(["peace for all of us"])).tolist()
    [[0.0, 0.5]]
    """
    hits = lexicon_counts(reading)
    return hits / (1.0 + hits)


@cache
def _table() -> dict[int, _Terms]:
    """The terms of all languages by their length in tokens; one that several share is that of the first of them."""
    said: dict[Term, Floats] = {}
    for one in LANGUAGES:
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
    seen = np.zeros(int(_LOW) + 1, np.bool_)
    seen[(hashes & _LOW).astype(np.int64)] = True
    return _Terms(hashes[order], np.array([worth[terms[at]] for at in order]), seen)
