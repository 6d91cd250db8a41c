"""Which of the project's languages a post is written in, where it changes, and an honest "do not know".

Links, mentions, hashtags and emoji are taken out; the script of most letters decides the family. Within the Arabic
script Urdu, Pashto, Persian and seven others compete, within the Latin script English, Roman Urdu and eighteen others;
the weights of letter groups and words come from `language_model`, and what they were fitted on stands in
`docs/language.md`.

| answer | what it is |
|---|---|
| `en` `ur` `ur-Latn` `ps` `fa` | the five; Hindi in Latin letters is `ur-Latn`, Dari and Iranian Persian are `fa` |
| `mixed` | two languages with at least four words in a row each, and a quarter of the words |
| `other` | Arabic, Turkish, Indonesian and 22 others that are known, and every other script |
| `und` | fewer than two letters, or no language as likely as `CONFIDENCE_FLOOR` |

Answers depend on the text alone: not on the column, its order, its partition or the number of threads.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from discourse.text.chunks import MAX_CHARACTERS, Memo
from discourse.text.language_model import PURE, SCALE, Family, Model, shipped
from discourse.text.letters import ARABIC, LATIN, OTHER, chunk_words, groups, without_noise, words

__all__ = ["CONFIDENCE_FLOOR", "NOTHING", "Found", "Span", "identify", "spans"]

CONFIDENCE_FLOOR: Final = 0.5
"""Below this probability of the best language a post is `und`."""

MIXED_WORDS: Final = 4
MIXED_SHARE: Final = 0.25
SWITCH: Final = 5.0
"""What a change of language inside a post costs, in log odds."""

_MIN_LETTERS: Final = 2
_FEW: Final = 8
_BATCH: Final = 8_192
_SCRIPTS: Final = (LATIN, ARABIC)
_PLACE: Final = {LATIN: 0, ARABIC: 1, OTHER: 2}
_BY_WORD: Final = {LATIN: PURE, ARABIC: ARABIC}
_MERGED: Final = {LATIN: ("en", "ur-Latn", "other"), ARABIC: ("ur", "ps", "fa", "other")}
_LANGS: Final = ("en", "ur-Latn", "ur", "ps", "fa", "other")
_RARE: Final = -2.0

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Found(NamedTuple):
    """The language of one text and the probability the model gives it; `main` is the one language with most
    evidence."""

    lang: str
    confidence: float
    main: str


class Span(NamedTuple):
    """A run of words in one language: from the start of its first word to the end of its last."""

    start: int
    end: int
    lang: str
    words: int


NOTHING: Final = Found("und", 0.0, "und")
_FOREIGN: Final = Found("other", 1.0, "other")


def identify(texts: Sequence[str | None], model: Model | None = None) -> list[Found]:
    """Language and confidence in [0, 1] of each of n texts, in order; None is `und` with confidence 0.

    Reads 10,000 characters a text. Confidence is rounded to four places.

    >>> [found.lang for found in identify(["we want peace with our neighbours", "ہم امن چاہتے ہیں", "#peace"])]
    ['en', 'ur', 'und']
    >>> [found.lang for found in identify(["موږ سوله غواړو", "ye jang hamari nahi hai", "این جنگ راه حل نیست"])]
    ['ps', 'ur-Latn', 'fa']
    """
    model = model or shipped()
    out: list[Found] = []
    for start in range(0, len(texts), _BATCH):
        out += _batch(texts[start : start + _BATCH], model)
    return out


def spans(text: str, model: Model | None = None) -> list[Span]:
    """The runs of one language in a text, in order of their place; other scripts and noise stand in none.

    The most likely sequence of languages over the words of a script, where each change costs `SWITCH`.

    >>> [(span.lang, span.words) for span in spans("please do not stop the talks, ہم سب امن چاہتے ہیں")]
    [('en', 6), ('ur', 5)]
    """
    model = model or shipped()
    found: list[tuple[int, int, str]] = []
    placed = _placed_words(text)
    for script in _SCRIPTS:
        own = [(word, first, last) for word, kind, first, last in placed if kind == script]
        if own:
            scores = model.families[_BY_WORD[script]].score([word for word, _, _ in own])
            path = _paths(_merged(scores, script), np.array([0, len(own)])).tolist()
            found += [(first, last, _MERGED[script][at]) for (_, first, last), at in zip(own, path, strict=True)]
    runs = [list(run) for _, run in itertools.groupby(sorted(found), key=lambda word: word[2])]
    return [Span(run[0][0], run[-1][1], run[0][2], len(run)) for run in runs]


def _placed_words(text: str) -> list[tuple[str, str, int, int]]:
    """Plain words of a text with their script and place."""
    found = []
    for word, first, last in words(without_noise(text[:MAX_CHARACTERS])):
        for bare, script in chunk_words(word):
            found.append((bare, script, first, last))
    return found


def _merged(scores: Numbers, script: str) -> Numbers:
    """Scores of words in the project's languages and, as one, the best of the others."""
    main = len(_MERGED[script]) - 1
    others = scores[:, main:].max(axis=1, keepdims=True) + int(_RARE * SCALE)
    return np.hstack([scores[:, :main], others])


def _paths(scores: Numbers, ends: Numbers) -> Numbers:
    """Viterbi 1967: the sequence of states with the highest sum of scores, where each change costs `SWITCH`.

    `scores` are those of the words of n texts, one text after the other, in k states; text i has the rows from
    `ends[i]` up to `ends[i + 1]`. Gives a state a row. Many texts go forward together, longest first; a few go one by
    one, since a step of many costs as much as ten steps of one.
    """
    if len(ends) <= _FEW:
        listed = scores.tolist()
        cuts = itertools.pairwise(ends.tolist())
        return np.array([state for start, end in cuts for state in _path(listed[start:end])], np.int64)
    price = int(SWITCH * SCALE)
    sizes = np.diff(ends)
    order = np.argsort(-sizes, kind="stable")
    firsts = ends[:-1][order]
    active = np.searchsorted(-sizes[order], -np.arange(sizes.max()), side="left").tolist()  # texts with a word there
    total = scores.copy()  # of the best path up to each word that ends in each state
    for place in range(1, len(active)):
        rows = firsts[: active[place]] + place
        before = total[rows - 1]
        total[rows] += np.maximum(before, before.max(axis=1, keepdims=True) - price)
    top: Numbers = total.argmax(axis=1)
    entry = np.take_along_axis(total, top[:, None], axis=1) - price
    came = np.where(total >= entry, np.arange(scores.shape[1]), top[:, None])  # where the path was, by where it goes on
    path = top.copy()  # right for the last word of each text
    for place in range(len(active) - 1, 0, -1):
        rows = firsts[: active[place]] + place
        path[rows - 1] = came[rows - 1, path[rows]]
    return path


def _path(rows: list[list[int]]) -> list[int]:
    """`_paths` of one text."""
    price = int(SWITCH * SCALE)
    totals: list[list[int]] = []
    before = [0] * len(rows[0]) if rows else []
    for row in rows:
        entry = max(before) - price
        before = [max(have, entry) + more for have, more in zip(before, row, strict=True)]
        totals.append(before)
    path: list[int] = []
    for total in reversed(totals):
        best = max(total)
        if not path or total[path[-1]] < best - price:
            path.append(total.index(best))
        else:
            path.append(path[-1])
    return path[::-1]


@dataclass(frozen=True)
class _Chunks:
    """The distinct chunks of a batch: scores of their words in each script, words and letters of each script."""

    scores: dict[str, Numbers]
    counts: Numbers  # chunks x (Latin words, Arabic words, Latin letters, Arabic letters, other letters)


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

    def chunks(self, model: Model) -> _Chunks:
        n = self.last + 1
        of, words = np.array(self.of, np.int64), np.array(self.words, object)
        place = np.array([_PLACE[script] for script in self.scripts], np.int64)
        letters = np.bincount(of * 3 + place, np.array([*map(len, self.words)]), 3 * n).astype(np.int64).reshape(n, 3)
        counts = [np.bincount(of[place == which], minlength=n) for which in range(2)]
        scores = {}
        for which, script in enumerate(_SCRIPTS):
            chunk_of = of[place == which]
            distinct, inverse = _distinct(words[place == which].tolist())
            firsts = np.flatnonzero(np.diff(chunk_of, prepend=-1))
            counted = groups(distinct)
            for name in {script, _BY_WORD[script]}:
                family = model.families[name]
                scores[name] = np.zeros((n, len(family.names)), np.int64)
                if distinct:
                    summed = np.add.reduceat(family.score_groups(counted)[inverse], firsts, axis=0)
                    scores[name][chunk_of[firsts]] = summed
        return _Chunks(scores, np.column_stack([*counts, letters]))


def _distinct(listed: list[str]) -> tuple[list[str], Numbers]:
    index: dict[str, int] = {}
    inverse = [index.setdefault(word, len(index)) for word in listed]
    return list(index), np.array(inverse, np.int64)


@dataclass(frozen=True)
class _Rows:
    """Which chunks n texts hold: text i has those from `ends[i]` up to `ends[i + 1]` of `at`."""

    at: Numbers
    ends: Numbers

    def keep(self, chosen: Numbers) -> _Rows:
        sizes = np.diff(self.ends)
        wanted = np.zeros(len(sizes), np.bool_)
        wanted[chosen] = True
        return _Rows(self.at[np.repeat(wanted, sizes)], np.concatenate([[0], np.cumsum(sizes[chosen])]))

    def sums(self, table: Numbers) -> Numbers:
        """For each text the sum of a table's rows over its chunks."""
        from scipy.sparse import csr_array

        held = csr_array((np.ones(len(self.at), np.int64), self.at, self.ends), (len(self.ends) - 1, len(table)))
        summed: Numbers = held @ table
        return summed


def _batch(texts: Sequence[str | None], model: Model) -> list[Found]:
    reader = _Reader()
    number = reader.numbers.__getitem__
    held: list[int] = []
    ends = [0]
    for text in texts:
        if text is not None:
            held += map(number, text[:MAX_CHARACTERS].split())
        ends.append(len(held))
    rows = _Rows(np.array(held, np.int64), np.array(ends, np.int64))
    chunks = reader.chunks(model)
    counts = rows.sums(chunks.counts)
    n_latin, n_arabic, n_other = counts[:, 2], counts[:, 3], counts[:, 4]
    readable = counts[:, 2:].sum(axis=1) >= _MIN_LETTERS
    foreign = readable & (n_other > np.maximum(n_latin, n_arabic))
    known = readable & ~foreign
    arabic = n_arabic >= n_latin
    out = [_FOREIGN if other else NOTHING for other in foreign.tolist()]
    for script, chosen in ((LATIN, known & ~arabic), (ARABIC, known & arabic)):
        places = np.flatnonzero(chosen)
        if len(places):
            langs, shares = _decided(rows.keep(places).sums(chunks.scores[script]), model.families[script])
            for place, lang, share in zip(places.tolist(), langs, shares.tolist(), strict=True):
                sure = lang if share >= CONFIDENCE_FLOOR else "und"
                out[place] = Found(sure, share, sure)
    perhaps = np.flatnonzero(known & _perhaps_mixed(counts, chunks, rows))
    if len(perhaps):
        for place, found in zip(perhaps.tolist(), _mixed(chunks, rows.keep(perhaps), model), strict=True):
            if found.confidence >= CONFIDENCE_FLOOR:
                out[place] = found
    return out


def _perhaps_mixed(counts: Numbers, chunks: _Chunks, rows: _Rows) -> npt.NDArray[np.bool_]:
    """Texts worth a search: words enough in both scripts, or enough of one that speak against its best language."""
    perhaps: npt.NDArray[np.bool_] = counts[:, :2].min(axis=1) >= MIXED_WORDS
    for which, script in enumerate(_SCRIPTS):
        places = np.flatnonzero(counts[:, which] >= 2 * MIXED_WORDS)
        if not len(places):
            continue
        own = rows.keep(places)
        scores = chunks.scores[_BY_WORD[script]][:, : len(_MERGED[script]) - 1]
        best = own.sums(scores).argmax(axis=1)
        lost = (scores.max(axis=1)[:, None] - scores)[own.at, np.repeat(best, np.diff(own.ends))]
        firsts = own.ends[:-1]
        against = np.add.reduceat(lost > SCALE / 2, firsts, dtype=np.int64)
        evidence = np.add.reduceat(lost, firsts)
        enough = (against >= MIXED_WORDS) & (evidence >= SWITCH * SCALE)
        perhaps[places[enough & (against >= MIXED_SHARE * counts[places, which] - 1)]] = True
    return perhaps


def _mixed(chunks: _Chunks, rows: _Rows, model: Model) -> list[Found]:
    """For each text how sure it is that two languages have runs and words enough in it; 0 if they have not.

    Its main language is the one in Arabic script with most words, if there is one: the others ask for no folds.
    """
    n = len(rows.ends) - 1
    text_of = np.repeat(np.arange(n), np.diff(rows.ends))
    n_words = {lang: np.zeros(n, np.int64) for lang in _LANGS}
    longest = {lang: np.zeros(n, np.int64) for lang in _LANGS}
    of_lang: dict[str, tuple[Numbers, Numbers]] = {}
    for which, script in enumerate(_SCRIPTS):
        own = chunks.counts[rows.at, which] > 0
        if not own.any():
            continue
        text, at = text_of[own], rows.at[own]
        sizes = chunks.counts[at, which]
        ends = np.concatenate([[0], np.cumsum(np.bincount(text, minlength=n))])
        path = _paths(_merged(chunks.scores[_BY_WORD[script]][at], script), ends)
        cuts = np.flatnonzero((np.diff(path, prepend=-1) != 0) | (np.diff(text, prepend=-1) != 0))
        runs = np.add.reduceat(sizes, cuts)
        for state, lang in enumerate(_MERGED[script]):
            mine = path[cuts] == state
            np.add.at(n_words[lang], text[cuts][mine], runs[mine])
            np.maximum.at(longest[lang], text[cuts][mine], runs[mine])
            of_lang[lang] = (text[path == state], at[path == state])
    total = np.sum([*n_words.values()], axis=0)
    enough = {lang: (longest[lang] >= MIXED_WORDS) & (n_words[lang] >= MIXED_SHARE * total) for lang in _LANGS[:-1]}
    both = np.sum([*enough.values()], axis=0) >= 2
    share = np.where(both, 1.0, 0.0)
    for script in _SCRIPTS:
        family = model.families[_BY_WORD[script]]
        for lang in _MERGED[script][:-1]:
            if (both & enough[lang]).any():
                text, at = of_lang[lang]
                ends = np.concatenate([[0], np.cumsum(np.bincount(text, minlength=n))])
                sums = _Rows(at, ends).sums(chunks.scores[_BY_WORD[script]])
                share = np.where(both & enough[lang], np.minimum(share, _decided(sums, family)[1]), share)
    weight = np.array(
        [n_words[lang] * (enough[lang] * (1 + MAX_CHARACTERS * (lang in _MERGED[ARABIC]))) for lang in _LANGS[:-1]]
    )
    main = [_LANGS[at] for at in weight.argmax(axis=0).tolist()]
    return [Found("mixed", sure, lang) for sure, lang in zip(share.tolist(), main, strict=True)]


def _decided(sums: Numbers, family: Family) -> tuple[list[str], Floats]:
    """The best language of each row and its probability."""
    logits = (sums + family.offset) / SCALE
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    main = [name for name in family.names if not name.startswith("other")]
    merged = np.hstack([shares[:, : len(main)], shares[:, len(main) :].sum(axis=1, keepdims=True)])
    best = merged.argmax(axis=1)
    named = [*main, "other"]
    return [named[at] for at in best.tolist()], np.round(merged[np.arange(len(best)), best], 4)
