"""Has the population changed, or what the classifier says of it? Neither says whether the classifier errs more.

Population: the mix of languages, scripts and platforms; the words (shares of 64 hashed bins of words); the share of
words that half of the reference's authors did not use, among the other half; how well a classifier of words tells the
windows apart. Scores: predicted classes, mean probabilities, how sure the classifier is.

Letters of shapes: n posts, a authors, k categories.

Sources: Lopez-Paz and Oquab (2017), *Revisiting Classifier Two-Sample Tests* (domain classifier); Hanley and McNeil
(1982), *The Meaning and Use of the Area under a Receiver Operating Characteristic Curve*.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_array, csr_array, vstack
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from discourse.judging.intervals import interval_of
from discourse.judging.pair import OTHERS, Pair, Window, nameable
from discourse.judging.wald import (
    LEAST_N_EFF,
    Means,
    Verdict,
    above,
    moved,
    psi,
    psi_null,
    rao_scott,
    wald,
)
from discourse.poisson import hash_keys
from discourse.schema import UNKNOWN
from discourse.text.chunks import Memo
from discourse.text.hashing import bucket, word_hashes
from discourse.text.tokens import WORDS

__all__ = [
    "MIXES", "TESTS", "Finding", "absent", "auc", "composition_finding", "finding_row", "mix_rows", "shift_findings",
]  # fmt: skip

MIXES: Final[dict[str, Any]] = {
    "what": pl.String, "value": pl.String, "reference": pl.Float64, "current": pl.Float64, "difference": pl.Float64,
    "low": pl.Float64, "high": pl.Float64,
}  # fmt: skip
TESTS: Final[dict[str, Any]] = {
    "family": pl.String, "test": pl.String, "effect": pl.String, "size": pl.Float64, "psi": pl.Float64,
    "psi_null": pl.Float64, "statistic": pl.Float64, "df1": pl.Float64, "df2": pl.Float64, "p": pl.Float64,
    "p_holm": pl.Float64, "alarm": pl.Boolean, "n_reference": pl.Int64, "n_current": pl.Int64,
    "authors_reference": pl.Int64, "authors_current": pl.Int64, "note": pl.String,
}  # fmt: skip
BINS: Final = 10
WORD_BITS: Final = 6
MOST_POSTS: Final = 4_000  # of a window, for the domain classifier
_SALT: Final = 11
_WORD = re.compile(WORDS)
_MASKED: Final = frozenset({"<url>", "<user>"})

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Row = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One row of the tests, and the rows of the mixes behind it."""

    row: Row
    mixes: tuple[Row, ...] = ()


def shift_findings(pair: Pair, seed: int) -> list[Finding]:
    """All tests of the population and of the scores, in a fixed order; one without its column says so in its note."""
    found = [_mix(pair, "population", name) for name in ("lang", "script", "platform")]
    found += _words(pair, seed)
    found += [_mix(pair, "scores", "predicted"), _probability(pair), _sureness(pair)]
    return found


def composition_finding(family: str, test: str, pair: tuple[Means, Means], verdict: Verdict) -> Row:
    """A row of the tests for shares in two windows: how much moved, stability index, its mean under no change."""
    floor = 0.5 / max(min(one.n_eff for one in pair), 0.5)
    index = psi(pair[0].estimate, pair[1].estimate, floor)
    return finding_row(family, test, ("share that moved", moved(*pair)), verdict, pair) | {
        "psi": index, "psi_null": psi_null(*pair),
    }  # fmt: skip


def mix_rows(what: str, names: Sequence[str], pair: tuple[Means, Means]) -> list[Row]:
    """The means of both windows by name, and the interval of their differences."""
    rows = []
    for at, name in enumerate(names):
        one, other = pair[0].estimate[at], pair[1].estimate[at]
        drawn = pair[1].replicates[at] - pair[0].replicates[at]
        difference, low, high = interval_of(np.append(other - one, drawn))
        rows.append({"what": what, "value": name, "reference": float(one), "current": float(other),
                     "difference": difference, "low": low, "high": high})  # fmt: skip
    return rows


def auc(scores: Floats, positive: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    """Area under the ROC curve of n scores under b sets of weights (b, n), shape (b,); ties count one half.

    NaN where one of the two groups has no weight.

    >>> auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]), np.ones((1, 4))).tolist()
    [0.75]
    """
    _, level = np.unique(scores, return_inverse=True)
    cells = csr_array(
        (np.ones(len(level)), (np.arange(len(level)), level)), (len(level), int(level.max(initial=0)) + 1)
    )
    above_all, below_all = (weights * positive) @ cells, (weights * ~positive) @ cells
    lower = np.cumsum(below_all, axis=1) - below_all / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = (above_all * lower).sum(axis=1) / (above_all.sum(axis=1) * below_all.sum(axis=1))
    return made


def finding_row(
    family: str, test: str, effect: tuple[str, float | None], verdict: Verdict, pair: tuple[Means, Means]
) -> Row:
    """A row of the tests: what was compared, name and size of the effect, the verdict, and why there is none."""
    small = "" if verdict.p is not None else (
        f"fewer than {LEAST_N_EFF:.0f} effective authors in a window: not tested"
        if min(one.n_eff for one in pair) < LEAST_N_EFF else "nothing varies: not tested"
    )  # fmt: skip
    return {
        "family": family, "test": test, "effect": effect[0], "size": effect[1], "statistic": verdict.statistic,
        "df1": verdict.df1, "df2": verdict.df2, "p": verdict.p, "n_reference": pair[0].posts,
        "n_current": pair[1].posts, "authors_reference": pair[0].authors, "authors_current": pair[1].authors,
        "note": small,
    }  # fmt: skip


def absent(family: str, test: str, what: str) -> Finding:
    """The finding of a test that lacks what it needs."""
    return Finding({"family": family, "test": test, "note": f"the windows have no {what}: not tested"})


def _mix(pair: Pair, family: str, column: str) -> Finding:
    """Shares of the values of one column."""
    test = {"lang": "language"}.get(column, column)
    if any(window.posts[column].null_count() == len(window.posts) for window in pair.windows):
        return absent(family, test, "text_norm" if column == "script" else column)
    names, order = nameable([window.posts for window in pair.windows], column)
    codes = [
        window.posts[column].fill_null(UNKNOWN).replace_strict(
            {value: order.index(name) for value, name in names.items()}, return_dtype=pl.Int64
        ).to_numpy()
        for window in pair.windows
    ]  # fmt: skip
    means = _shares(pair, codes, len(order))
    note = "" if len(order) > 1 else "one value that can be named: not tested"
    made = composition_finding(family, test, means, wald(*means, composition=True))
    made["note"] = note or made["note"]
    return Finding(made, tuple(mix_rows(test, order, means)) if order != [OTHERS] else ())


def _probability(pair: Pair) -> Finding:
    """Mean probabilities of the classes."""
    if len(pair.classes) < 2:
        return absent("scores", "mean probability", "probabilities")
    one, other = (pair.draws.means(window.place, window.weight, window.shares) for window in pair.windows)
    # They sum to 1: all but the last tell everything.
    verdict = wald(_without_last(one), _without_last(other), composition=False)
    largest = float(np.abs(other.estimate - one.estimate).max())
    row = finding_row("scores", "mean probability", ("largest change", largest), verdict, (one, other))
    return Finding(row, tuple(mix_rows("mean probability", pair.classes, (one, other))))


def _sureness(pair: Pair) -> Finding:
    """The probability of the most likely class, in bins that each hold a tenth of the reference's posts."""
    if len(pair.classes) < 2:
        return absent("scores", "confidence", "probabilities")
    sure = [window.shares.max(axis=1) for window in pair.windows]
    edges = np.unique(np.quantile(sure[0], np.arange(1, BINS) / BINS))
    codes = [np.searchsorted(edges, one, side="left") for one in sure]
    means = _shares(pair, codes, len(edges) + 1)
    average = [pair.draws.means(window.place, window.weight, one[:, None])
               for window, one in zip(pair.windows, sure, strict=True)]  # fmt: skip
    row = composition_finding("scores", "confidence", means, rao_scott(*means))
    return Finding(row, tuple(mix_rows("mean confidence", ["most likely class"], (average[0], average[1]))))


def _shares(pair: Pair, codes: Sequence[Codes], k: int) -> tuple[Means, Means]:
    one, other = (
        pair.draws.shares(window.place, window.weight, code, k)
        for window, code in zip(pair.windows, codes, strict=True)
    )
    return one, other


def _without_last(means: Means) -> Means:
    return Means(means.estimate[:-1], means.replicates[:-1], means.n_eff, means.authors, means.posts)


def _words(pair: Pair, seed: int) -> list[Finding]:
    if any(window.posts["text"].null_count() == len(window.posts) for window in pair.windows):
        return [absent("population", test, "text_norm") for test in ("words", "new words", "domain classifier")]
    index: dict[str, int] = {}
    memo: Memo[list[int]] = Memo(lambda chunk: [index.setdefault(word, len(index)) for word in _found(chunk)])
    held = [_held(window, memo) for window in pair.windows]
    bins = bucket(word_hashes(list(index)), _SALT, WORD_BITS).astype(np.int64)
    means = [
        pair.draws.shares(window.place[post], window.weight_of(post, pair.weight), bins[word], 1 << WORD_BITS)
        for window, (post, word) in zip(pair.windows, held, strict=True)
    ]
    words = composition_finding("population", "words", (means[0], means[1]), rao_scott(means[0], means[1]))
    return [Finding(words), _new_words(pair, held, len(index), seed), _domain(pair, held, len(index), seed)]


def _found(chunk: str) -> list[str]:
    return [] if chunk in _MASKED else _WORD.findall(chunk)


def _held(window: Window, memo: Memo[list[int]]) -> tuple[Codes, Codes]:
    """The words of a window: which post each stands in, and its number."""
    words: list[int] = []
    ends = [0]
    for text in window.posts["text"]:
        for chunk in (text or "").split():
            words += memo[chunk]
        ends.append(len(words))
    return np.repeat(np.arange(len(ends) - 1), np.diff(ends)), np.array(words, np.int64)


def _new_words(pair: Pair, held: Sequence[tuple[Codes, Codes]], size: int, seed: int) -> Finding:
    """Words outside the vocabulary of one half of the reference's authors, as the other half of all authors writes."""
    learns = _dealt(pair.authors, "vocabulary", seed) % np.uint64(2) == 0
    known = np.zeros(size, dtype=bool)
    known[held[0][1][learns[pair.reference.place[held[0][0]]]]] = True
    made = []
    for window, (post, word) in zip(pair.windows, held, strict=True):
        kept = ~learns[window.place[post]]
        at, new = post[kept], ~known[word[kept]]
        weight = window.weight_of(at, pair.weight)
        made.append(pair.draws.means(window.place[at], weight, new[:, None].astype(np.float64)))
    pairs = (made[0], made[1])
    change = float(made[1].estimate[0] - made[0].estimate[0])
    row = finding_row(
        "population", "new words", ("change of the share", change), wald(*pairs, composition=False), pairs
    )
    row |= {"n_reference": None, "n_current": None}
    return Finding(row, tuple(mix_rows("new words", ["outside the reference's vocabulary"], pairs)))


def _dealt(authors: Sequence[str], what: str, seed: int) -> npt.NDArray[np.uint64]:
    """A number for each author that hangs on the author, the purpose and the seed alone."""
    return hash_keys([f"{what}\x1f{author}" for author in authors], seed)


def _domain(pair: Pair, held: Sequence[tuple[Codes, Codes]], size: int, seed: int) -> Finding:
    """How well words tell which window a post is from, learnt from half of the authors and tested on the other half.

    One half only is tested: were both tested in turn, their areas would hang on one another in a way that no
    resampling of authors shows, and the test would sound the alarm too often.
    """
    kept = [_sampled(window, seed) for window in pair.windows]
    place = np.concatenate([window.place[at] for window, at in zip(pair.windows, kept, strict=True)])
    late = np.repeat([False, True], [len(at) for at in kept])
    weight = np.concatenate([window.weight_of(at, pair.weight) for window, at in zip(pair.windows, kept, strict=True)])
    counted = [_counted(one, len(window.posts), size)[at]
               for window, one, at in zip(pair.windows, held, kept, strict=True)]  # fmt: skip
    words = _narrow(normalize(vstack(counted, format="csr").log1p()))
    learns = (_dealt(pair.authors, "domain", seed) % np.uint64(2) == 0)[place]
    if any(len(set(late[part])) < 2 for part in (learns, ~learns)):
        return absent("population", "domain classifier", "posts of both windows in each half of the authors")
    model = LogisticRegression(solver="liblinear", class_weight="balanced", random_state=0)
    model.fit(words[learns], late[learns], sample_weight=weight[learns] / weight[learns].mean())
    place, weight, late = place[~learns], weight[~learns], late[~learns]
    drawn = np.vstack([np.ones(len(place)), pair.draws.drawn[place].T]) * weight
    areas = auc(model.decision_function(words[~learns]), late, drawn)
    one, other = (
        pair.draws.shares(place[at], weight[at], np.zeros(int(at.sum()), np.int64), 1) for at in (~late, late)
    )
    value = Means(areas[:1], areas[None, 1:], min(one.n_eff, other.n_eff), len(set(place)), len(place))
    effect = ("area under the curve", float(areas[0]))
    return Finding(finding_row("population", "domain classifier", effect, above(value, 0.5), (one, other)))


def _counted(held: tuple[Codes, Codes], posts: int, size: int) -> csr_array:
    """How often each of `size` words stands in each post."""
    made: csr_array = coo_array((np.ones(len(held[0])), held), (posts, size)).tocsr()
    return made


def _narrow(made: csr_array) -> csr_array:
    """With 32-bit indices, as scikit-learn wants them."""
    return csr_array((made.data, made.indices.astype(np.int32), made.indptr.astype(np.int32)), made.shape)


def _sampled(window: Window, seed: int) -> Codes:
    """At most 4,000 posts of a window, drawn by the hash of author and text."""
    if len(window.posts) <= MOST_POSTS:
        return np.arange(len(window.posts))
    keyed = window.posts.select(pl.concat_str("author_id", pl.col("text").fill_null(""), separator="\x1f"))
    keys = hash_keys(keyed.to_series().to_list(), seed)
    return np.sort(np.argsort(keys, kind="stable")[:MOST_POSTS])
