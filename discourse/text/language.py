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
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from discourse.kernels.compiled import wanted
from discourse.text.chunks import MAX_CHARACTERS
from discourse.text.language_evidence import (
    BY_WORD,
    MIXED_SHARE,
    MIXED_WORDS,
    OWN,
    SCRIPTS,
    SWITCH,
    Chunks,
    Evidence,
    Rows,
    read,
)
from discourse.text.language_model import SCALE, Family, Model, shipped
from discourse.text.letters import ARABIC, LATIN, chunk_words, without_noise, words

__all__ = ["CONFIDENCE_FLOOR", "NOTHING", "Found", "Identified", "Span", "identify", "identify_columns", "spans"]

CONFIDENCE_FLOOR: Final = 0.5
"""Below this probability of the best language a post is `und`."""

_MIN_LETTERS: Final = 2
_FEW: Final = 8
_BATCH: Final = 8_192
_MERGED: Final = {script: (*own, "other") for script, own in OWN.items()}
_LANGS: Final = (*OWN[LATIN], *OWN[ARABIC], "other")
_ANSWERS: Final = (*_LANGS, "mixed", "und")
_OTHER, _MIXED, _UND = range(len(_LANGS) - 1, len(_ANSWERS))
_RARE: Final = -2.0

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_Answers = tuple[Numbers, Floats, Numbers]  # places in _ANSWERS, probability, places of the main language


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


class Identified(NamedTuple):
    """`Found` of n texts, by column."""

    langs: list[str]
    confidence: Floats
    mains: list[str]


NOTHING: Final = Found("und", 0.0, "und")


def identify(texts: Sequence[str | None], model: Model | None = None) -> list[Found]:
    """Language and confidence in [0, 1] of each of n texts, in order; None is `und` with confidence 0.

    Reads 10,000 characters a text. Confidence is rounded to four places.

    >>> [found.lang for found in identify(["we want peace with our neighbours", "ہم امن چاہتے ہیں", "#peace"])]
    ['en', 'ur', 'und']
    >>> [found.lang for found in identify(["موږ سوله غواړو", "ye jang hamari nahi hai", "این جنگ راه حل نیست"])]
    ['ps', 'ur-Latn', 'fa']
    """
    langs, confidence, mains = identify_columns(texts, model)
    return list(map(Found, langs, confidence.tolist(), mains))


def identify_columns(texts: Sequence[str | None], model: Model | None = None, threads: int | None = None) -> Identified:
    """What `identify` gives, as three columns.

    `threads` is the number of threads of the compiled loops, which serve for many texts where numba is installed;
    without it one a processor. It changes no answer.

    >>> identify_columns(["we want peace", None]).mains
    ['en', 'und']
    """
    model = model or shipped()
    answers: list[_Answers] = []
    if wanted(len(texts)) and model.is_small:
        from discourse.text.language_tables import each_batch

        answers += each_batch(texts, model, lambda evidence: _answers(evidence, model), threads)
    else:
        for start in range(0, len(texts), _BATCH):
            answers.append(_answers(read(texts[start : start + _BATCH], model), model))
    if not answers:
        return Identified([], np.empty(0), [])
    langs, confidence, mains = (np.concatenate(column) for column in zip(*answers, strict=True))
    named = np.array(_ANSWERS, object)
    return Identified(named[langs].tolist(), confidence, named[mains].tolist())


def spans(text: str, model: Model | None = None) -> list[Span]:
    """The runs of one language in a text, in order of their place; other scripts and noise stand in none.

    The most likely sequence of languages over the words of a script, where each change costs `SWITCH`.

    >>> [(span.lang, span.words) for span in spans("please do not stop the talks, ہم سب امن چاہتے ہیں")]
    [('en', 6), ('ur', 5)]
    """
    model = model or shipped()
    found: list[tuple[int, int, str]] = []
    placed = _placed_words(text)
    for script in SCRIPTS:
        own = [(word, first, last) for word, kind, first, last in placed if kind == script]
        if own:
            scores = model.families[BY_WORD[script]].score([word for word, _, _ in own])
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


def _answers(evidence: Evidence, model: Model) -> _Answers:
    """The language of each text of a batch, its probability, and its main language."""
    counts = evidence.counts
    n_latin, n_arabic, n_other = counts[:, 2], counts[:, 3], counts[:, 4]
    readable = counts[:, 2:].sum(axis=1) >= _MIN_LETTERS
    foreign = readable & (n_other > np.maximum(n_latin, n_arabic))
    known = readable & ~foreign
    arabic = n_arabic >= n_latin
    langs = np.where(foreign, _OTHER, _UND)
    confidence = np.where(foreign, 1.0, 0.0)
    for script, chosen in ((LATIN, known & ~arabic), (ARABIC, known & arabic)):
        places = np.flatnonzero(chosen)
        if len(places):
            best, confidence[places] = _decided(evidence.sums(script, places), model.families[script])
            of_script = np.array([_LANGS.index(lang) for lang in _MERGED[script]])
            langs[places] = np.where(confidence[places] >= CONFIDENCE_FLOOR, of_script[best], _UND)
    mains = langs.copy()
    perhaps = np.flatnonzero(known & evidence.perhaps_mixed)
    if len(perhaps):
        share, main = _mixed(*evidence.part(perhaps), model)
        sure = share >= CONFIDENCE_FLOOR
        langs[perhaps[sure]], confidence[perhaps[sure]], mains[perhaps[sure]] = _MIXED, share[sure], main[sure]
    return langs, confidence, mains


def _mixed(chunks: Chunks, rows: Rows, model: Model) -> tuple[Floats, Numbers]:
    """For each text how sure it is that two languages have runs and words enough in it (else 0), and its main language.

    The main language is the one in Arabic script with most words, if there is one: the others ask for no folds.
    """
    n = len(rows.ends) - 1
    text_of = np.repeat(np.arange(n), np.diff(rows.ends))
    n_words = {lang: np.zeros(n, np.int64) for lang in _LANGS}
    longest = {lang: np.zeros(n, np.int64) for lang in _LANGS}
    of_lang: dict[str, tuple[Numbers, Numbers]] = {}
    for which, script in enumerate(SCRIPTS):
        own = chunks.counts[rows.at, which] > 0
        if not own.any():
            continue
        text, at = text_of[own], rows.at[own]
        sizes = chunks.counts[at, which]
        ends = np.concatenate([[0], np.cumsum(np.bincount(text, minlength=n))])
        path = _paths(_merged(chunks.scores[BY_WORD[script]][at], script), ends)
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
    for script in SCRIPTS:
        family = model.families[BY_WORD[script]]
        for lang in _MERGED[script][:-1]:
            if (both & enough[lang]).any():
                text, at = of_lang[lang]
                ends = np.concatenate([[0], np.cumsum(np.bincount(text, minlength=n))])
                sums = Rows(at, ends).sums(chunks.scores[BY_WORD[script]])
                share = np.where(both & enough[lang], np.minimum(share, _decided(sums, family)[1]), share)
    weight = np.array(
        [n_words[lang] * (enough[lang] * (1 + MAX_CHARACTERS * (lang in _MERGED[ARABIC]))) for lang in _LANGS[:-1]]
    )
    return share, weight.argmax(axis=0)


def _decided(sums: Numbers, family: Family) -> tuple[Numbers, Floats]:
    """The best language of each row, as its place among the project's own and then `other`; and its probability."""
    logits = (sums + family.offset) / SCALE
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    main = sum(not name.startswith("other") for name in family.names)
    merged = np.hstack([shares[:, :main], shares[:, main:].sum(axis=1, keepdims=True)])
    best: Numbers = merged.argmax(axis=1)
    return best, np.round(merged[np.arange(len(best)), best], 4)
