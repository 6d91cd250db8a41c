"""Near copies: long texts that say the same in other spacing, punctuation, spelling, or with a credit line.

MinHash proposes pairs (`rensa`); the exact Jaccard coefficient of their letter shingles and a comparison word by
word decide. So a pair is never wrong by chance, and the result hangs on the texts alone, never on their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import islice
from math import ceil, log

import numpy as np
import regex
from rensa import RMinHash, RMinHashLSH

__all__ = ["MIN_LETTERS", "leaders", "letters", "resembles"]

MIN_LETTERS = 40
SHINGLE = 5
_PERMUTATIONS = 256
_SEED = 42
_BATCH = 2_000
_LOST = 0.001
# Of the texts that stand already, the most alike by their sketches are verified; a sketch errs by less than 0.12.
_VERIFIED = 5
_ERROR = 0.12
_MOST_CHANGED = 40
# Like texts stand near one another in the order of code points, so few are looked at again and again.
_REMEMBERED = 4_096
_ALIKE = 0.75
_NOT_LETTERS = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
# Inside a word: ZWNJ and apostrophes. A number with a slash counts the posts of a thread.
_INSIDE = regex.compile(r"[\u200c'’]")
_DIGIT = regex.compile(r"\d")
_THREAD = regex.compile(r"(?<!\d)\(?\d{1,2}\s*/\s*\d{0,2}\)?(?!\d)")
_NEGATIONS = frozenset(
    word
    for words in (
        "no not never nor none neither nothing nobody without cannot cant dont doesnt didnt isnt arent wasnt werent",
        "wont wouldnt shouldnt couldnt hasnt havent hadnt aint",
        "nahi nahin nahii nhi nahe nai na mat bina",
        "نہیں نہ مت بغیر بنا",
        "نه مه نشته نشي هېڅ هیڅ هيڅ پرته",
        "نيست نیست نیستند نیستیم بدون هیچ هرگز",
        "لا لم لن ليس غير غیر",
    )
    for word in words.split()
)
_NEGATING = ("un", "in", "il", "im", "ir", "non", "dis", "anti", "ن", "نا", "نه", "مه", "بی", "بې", "بے", "غیر")


def letters(text: str) -> str:
    """The letters, marks and digits of a text, run together.

    Pashto and Dari writers set spaces as they like, so words are no safe unit of comparison.

    >>> letters("open the border!")
    'opentheborder'
    """
    return _NOT_LETTERS.sub("", text)


def leaders(texts: Iterable[str], near: float) -> dict[str, str]:
    """The text that stands for each text: the least, in the order of code points, of those that it resembles.

    A text that resembles none before it stands for itself, and only such texts stand for others. So no chain
    grows: each text resembles the one that stands for it. Compared are the 5 most alike by their sketches. Texts
    under 40 letters stand for themselves. `near` is the least Jaccard coefficient, from 0.5 to 1.

    >>> long = "open the border at torkham so that families can go home"
    >>> leaders([long, long + "!"], 0.9)[long + "!"] == long
    True
    """
    rows, bands = _shape(near)
    index = RMinHashLSH(near, rows * bands, bands)
    given = sorted(set(texts))
    sketches = np.empty((len(given), rows * bands), dtype=np.uint32)
    standing: list[str] = []
    found: dict[str, str] = {}
    for text, sketch in _sketches(given, rows * bands):
        if sketch is None:
            found[text] = text
            continue
        own = np.array(sketch.digest(), dtype=np.uint32)
        places = np.array(index.query(sketch), dtype=np.int64)
        alike = (sketches[places] == own).mean(axis=1)
        best = places[np.lexsort((places, -alike))][: min(_VERIFIED, int((alike >= near - _ERROR).sum()))]
        place = next((i for i in sorted(best.tolist()) if resembles(standing[i], text, near)), None)
        if place is None:
            index.insert(len(standing), sketch)
            sketches[len(standing)] = own
            standing.append(text)
            found[text] = text
        else:
            found[text] = standing[place]
    return found


def resembles(one: str, other: str, near: float) -> bool:
    """Whether two texts share their 5-letter shingles to the degree `near` and say the same, word by word.

    Words may be joined, split or misspelt, and one text may have words more than the other. Not so when one
    word stands in place of another (a side, a number), when words stand in another order, or when one text has
    a "not" (English, Urdu, Roman Urdu, Pashto, Dari) more than the other.

    >>> one = "we say it again: pakistan should open the border at torkham so that all families can go home"
    >>> resembles(one, one.replace(" at ", "at ") + " #peace", 0.8)
    True
    >>> resembles(one, one.replace("should", "should not"), 0.8)
    False
    """
    left, right = _shingles(one), _shingles(other)
    shared = len(left & right)
    return shared >= near * (len(left) + len(right) - shared) and _same_words(one, other)


def _sketches(texts: Sequence[str], permutations: int) -> Iterator[tuple[str, RMinHash | None]]:
    """Each text with its MinHash, in batches; None for a short one."""
    given = iter(texts)
    while batch := list(islice(given, _BATCH)):
        long = [text for text in batch if len(letters(text)) >= MIN_LETTERS]
        made = dict(zip(long, RMinHash.from_token_sets(map(_shingles, long), permutations, _SEED), strict=True))
        yield from ((text, made.get(text)) for text in batch)


@lru_cache(maxsize=_REMEMBERED)
def _shingles(text: str) -> frozenset[bytes]:
    # Four bytes a letter, so that a lone surrogate is a letter like others.
    run = letters(text).encode("utf-32-le", "surrogatepass")
    return frozenset(run[i : i + 4 * SHINGLE] for i in range(0, max(1, len(run) - 4 * SHINGLE + 1), 4))


def _shape(near: float) -> tuple[int, int]:
    """Rows a band and bands: the most rows, so the fewest pairs to verify, that find 99.9 % of the pairs at `near`."""
    for rows in range(16, 0, -1):
        bands = 1 if near == 1 else ceil(log(_LOST) / log(1 - near**rows))
        if rows * bands <= _PERMUTATIONS:
            return rows, bands
    return 1, _PERMUTATIONS


def _same_words(one: str, other: str) -> bool:
    first, second = _words(one), _words(other)
    counts, others = Counter(first), Counter(second)
    changed = {word for word in counts.keys() | others.keys() if counts[word] != others[word]}
    if [word for word in first if word not in changed] != [word for word in second if word not in changed]:
        return False
    left, right = list(counts - others), list(others - counts)
    if max(len(left), len(right)) > _MOST_CHANGED or not _NEGATIONS.isdisjoint((*left, *right)):
        return False
    if any(_negated(word, other) for word in left for other in right):
        return False
    moved = [[word for word in words if word in changed] for words in (first, second)]
    return all(_respelt(w, right, moved[1]) for w in left) or all(_respelt(w, left, moved[0]) for w in right)


@lru_cache(maxsize=_REMEMBERED)
def _words(text: str) -> tuple[str, ...]:
    """The words, without what counts posts: "1/3", and a word with a digit at the very beginning or end."""
    words = _NOT_LETTERS.sub(" ", _INSIDE.sub("", _THREAD.sub(" ", text))).split()
    ends = [i for i in (0, len(words) - 1) if words and _DIGIT.search(words[i])]
    return tuple(word for i, word in enumerate(words) if i not in ends)


def _negated(word: str, other: str) -> bool:
    """Whether one word is the other with a syllable of negation before it."""
    return any(other == prefix + word or word == prefix + other for prefix in _NEGATING)


def _respelt(word: str, others: Sequence[str], moved: Sequence[str]) -> bool:
    """Whether a word is found again among the words of the other text: joined, split or misspelt.

    The word itself elsewhere in the other text is no proof: two sides that changed places are both there.
    """
    if word in "".join(other for other in moved if other != word):
        return True
    return any(SequenceMatcher(None, word, other, False).ratio() > _ALIKE for other in others)
