"""What a batch of texts says about its languages: words, letters and scores of each text, and of its distinct chunks.

This is the plain path; `language_tables` makes the same numbers with compiled loops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from discourse.text.chunks import MAX_CHARACTERS, Memo
from discourse.text.language_model import PURE, SCALE, Model
from discourse.text.letters import ARABIC, LATIN, OTHER, chunk_words, groups

__all__ = ["BY_WORD", "MIXED_SHARE", "MIXED_WORDS", "OWN", "SCRIPTS", "SWITCH", "Chunks", "Evidence", "Rows", "read"]

MIXED_WORDS: Final = 4
MIXED_SHARE: Final = 0.25
SWITCH: Final = 5.0
"""What a change of language inside a post costs, in log odds."""
SCRIPTS: Final = (LATIN, ARABIC)
BY_WORD: Final = {LATIN: PURE, ARABIC: ARABIC}
"""The family that tells languages of a script word by word."""
OWN: Final = {LATIN: ("en", "ur-Latn"), ARABIC: ("ur", "ps", "fa")}
"""The project's languages of a script, first among those of its families."""

_PLACE: Final = {LATIN: 0, ARABIC: 1, OTHER: 2}

Numbers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Chunks:
    """The distinct chunks of a batch: scores of their words in each script, words and letters of each script."""

    scores: Mapping[str, Numbers | npt.NDArray[np.int32]]
    counts: Numbers  # chunks x (Latin words, Arabic words, Latin letters, Arabic letters, other letters)


@dataclass(frozen=True)
class Rows:
    """Which chunks n texts hold: text i has those from `ends[i]` up to `ends[i + 1]` of `at`."""

    at: Numbers
    ends: Numbers

    def keep(self, chosen: Numbers) -> Rows:
        """Those of some texts, in ascending order."""
        sizes = np.diff(self.ends)
        wanted = np.zeros(len(sizes), np.bool_)
        wanted[chosen] = True
        return Rows(self.at[np.repeat(wanted, sizes)], np.concatenate([[0], np.cumsum(sizes[chosen])]))

    def sums(self, table: Numbers | npt.NDArray[np.int32]) -> Numbers:
        """For each text the sum of a table's rows over its chunks."""
        from scipy.sparse import csr_array

        held = csr_array((np.ones(len(self.at), np.int64), self.at, self.ends), (len(self.ends) - 1, len(table)))
        summed: Numbers = held @ table
        return summed


@dataclass(frozen=True)
class Evidence:
    """What n texts are judged by: `counts` (n, 5) as those of chunks, and which are worth a search for two languages.

    `totals` are the sums of scores by script where they are made already.
    """

    chunks: Chunks
    rows: Rows
    counts: Numbers
    perhaps_mixed: Bools
    totals: dict[str, Numbers] | None = None

    def sums(self, script: str, places: Numbers) -> Numbers:
        """The scores of some texts in the languages of a script."""
        if self.totals is not None:
            return self.totals[script][places]
        return self.rows.keep(places).sums(self.chunks.scores[script])

    def part(self, places: Numbers) -> tuple[Chunks, Rows]:
        """The chunks of some texts alone."""
        kept = self.rows.keep(places)
        used, at = np.unique(kept.at, return_inverse=True)
        scores = {name: table[used].astype(np.int64) for name, table in self.chunks.scores.items()}
        return Chunks(scores, self.chunks.counts[used]), Rows(at, kept.ends)


def read(texts: Sequence[str | None], model: Model) -> Evidence:
    """The evidence of n texts, of which 10,000 characters each are read.

    >>> from discourse.text.language_model import shipped
    >>> read(["peace, امن", None], shipped()).counts.tolist()
    [[1, 1, 5, 3, 0], [0, 0, 0, 0, 0]]
    """
    reader = _Reader()
    number = reader.numbers.__getitem__
    held: list[int] = []
    ends = [0]
    for text in texts:
        if text is not None:
            held += map(number, text[:MAX_CHARACTERS].split())
        ends.append(len(held))
    rows = Rows(np.array(held, np.int64), np.array(ends, np.int64))
    chunks = reader.chunks(model)
    counts = rows.sums(chunks.counts)
    return Evidence(chunks, rows, counts, _perhaps_mixed(counts, chunks, rows))


class _Reader:
    """Gives each distinct chunk with words a number; the number 0 is for chunks without any."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.of: list[int] = []  # the chunk of each word
        self.last = 0
        self.numbers: Memo[int] = Memo(self._read)

    def _read(self, chunk: str) -> int:
        found = chunk_words(chunk)
        if not found:
            return 0
        self.last += 1
        for word, script in found:
            self.words.append(word)
            self.scripts.append(script)
            self.of.append(self.last)
        return self.last

    def chunks(self, model: Model) -> Chunks:
        n = self.last + 1
        of, words = np.array(self.of, np.int64), np.array(self.words, object)
        place = np.array([_PLACE[script] for script in self.scripts], np.int64)
        letters = np.bincount(of * 3 + place, np.array([*map(len, self.words)]), 3 * n).astype(np.int64).reshape(n, 3)
        counts = [np.bincount(of[place == which], minlength=n) for which in range(2)]
        scores = {}
        for which, script in enumerate(SCRIPTS):
            chunk_of = of[place == which]
            distinct, inverse = _distinct(words[place == which].tolist())
            firsts = np.flatnonzero(np.diff(chunk_of, prepend=-1))
            counted = groups(distinct)
            for name in {script, BY_WORD[script]}:
                family = model.families[name]
                scores[name] = np.zeros((n, len(family.names)), np.int64)
                if distinct:
                    summed = np.add.reduceat(family.score_groups(counted)[inverse], firsts, axis=0)
                    scores[name][chunk_of[firsts]] = summed
        return Chunks(scores, np.column_stack([*counts, letters]))


def _distinct(listed: list[str]) -> tuple[list[str], Numbers]:
    index: dict[str, int] = {}
    inverse = [index.setdefault(word, len(index)) for word in listed]
    return list(index), np.array(inverse, np.int64)


def _perhaps_mixed(counts: Numbers, chunks: Chunks, rows: Rows) -> Bools:
    """Texts worth a search: words enough in both scripts, or enough of one that speak against its best language."""
    perhaps: Bools = counts[:, :2].min(axis=1) >= MIXED_WORDS
    for which, script in enumerate(SCRIPTS):
        places = np.flatnonzero(counts[:, which] >= 2 * MIXED_WORDS)
        if not len(places):
            continue
        own = rows.keep(places)
        scores = chunks.scores[BY_WORD[script]][:, : len(OWN[script])]
        best = own.sums(scores).argmax(axis=1)
        lost = (scores.max(axis=1)[:, None] - scores)[own.at, np.repeat(best, np.diff(own.ends))]
        firsts = own.ends[:-1]
        against = np.add.reduceat(lost > SCALE / 2, firsts, dtype=np.int64)
        evidence = np.add.reduceat(lost, firsts)
        enough = (against >= MIXED_WORDS) & (evidence >= SWITCH * SCALE)
        perhaps[places[enough & (against >= MIXED_SHARE * counts[places, which] - 1)]] = True
    return perhaps
