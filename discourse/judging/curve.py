"""The learning curve: what more labels bought so far, and whether more are worth their price.

Letters of shapes: n labelled posts, s sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.corpus.posts import Corpus
from discourse.errors import UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.judging.baselines import Guess, fitted_guess, out_of_fold
from discourse.judging.evaluate import checked_splits
from discourse.judging.intervals import Interval, interval_of
from discourse.judging.splits import Split, groups_by, labelled_posts
from discourse.judging.values import MIN_AUTHORS, Judged, Part, Values, ends
from discourse.schema import FRAMES

__all__ = ["learning_curve", "rare_pole"]

POLES: Final = ("nationalist", "conciliatory")
_SHARES: Final = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
_LEAST: Final = 20
_COLUMNS: Final[dict[str, Any]] = {
    "n": pl.Int64, "authors": pl.Int64, "macro_f1": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "gain": pl.Float64, "gain_low": pl.Float64, "gain_high": pl.Float64,
    "rare": pl.String, "rare_ap": pl.Float64, "rare_low": pl.Float64, "rare_high": pl.Float64, "tested": pl.Int64,
}  # fmt: skip

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def learning_curve(
    model: FramingClassifier,
    corpus: Corpus,
    labels: pl.DataFrame,
    *,
    seed: int,
    sizes: Sequence[int] | None = None,
    folds: int = 5,
    replicates: int = 1000,
    progress: Callable[[int], None] | None = None,
) -> pl.DataFrame:
    """Scores of the recipe of `model` when it is trained on fewer labels, out of fold, always on all labelled posts.

    In each fold of `evaluate` the training posts are cut to about each of `sizes`, whole groups of authors and copies
    at a time; each cut holds the smaller ones. By default the sizes are 1/16, 1/8, 1/4, 1/2 of the training posts of a
    fold (those of 20 or more) and all of them. One row a size: n and authors (means over folds of the posts trained
    on and their authors), macro_f1 with low and high, gain (over the row before, paired) with its own, rare (the
    rarer of the two poles), rare_ap (its average precision) with rare_low and rare_high (null where fewer than 10
    authors wrote it), tested (posts). All rows are tested on the same posts, so read the gain, not whether intervals
    of macro_f1 overlap.

    A cut with one frame only says that frame. `progress` is called with 1 a fold and size. Raises
    `UsageError` for sizes below 1 or out of order, and otherwise as `evaluate` does.

    >>> from datetime import datetime, timezone
    >>> from discourse.schema import POSTS
    >>> texts = ["peace talks for Kabul", "peace and bread", "talks, not war", "we want peace", "defend our soil",
    ...          "our soil, our honour", "the soil of martyrs", "soil and honour"]
    >>> posts = POSTS.frame([{"post_id": f"x:{i}", "platform": "x", "author_id": f"a{i}", "text": text, "kind": "reply",
    ...                       "text_norm": text, "created_at": datetime(2025, 1, 1, tzinfo=timezone.utc)}
    ...                      for i, text in enumerate(texts)])
    >>> values = ["conciliatory"] * 4 + ["nationalist"] * 4
    >>> labels = pl.DataFrame({"post_id": [f"x:{i}" for i in range(8)], "value": values})
    >>> model = FramingClassifier(seed=7, least=1)
    >>> curve = learning_curve(model, Corpus(posts), labels, seed=7, sizes=[1, 4], folds=2, replicates=9)
    >>> curve["n"].to_list(), curve["tested"].to_list(), curve["rare"][0]
    ([1, 4], [8, 8], 'conciliatory')
    """
    posts = labelled_posts(corpus, labels)
    splits, _ = checked_splits(posts, seed=seed, folds=folds)
    given = _sizes(sizes, min(len(split.train) for split in splits))
    order, groups = _order(posts, seed), groups_by(posts).to_numpy()
    judged = Judged.of(posts, seed=seed, replicates=replicates)
    part, rare, rows = judged.part(), rare_pole(posts["value"]), []
    before: Floats | None = None
    for size in given:
        cuts = [_cut(split, order, groups, size) for split in splits]
        _, said = out_of_fold(partial(_classifier, model, posts), cuts, progress)
        values = judged.values(f"classifier of {size}", said["classifier"], part)
        authors = np.mean([posts["author_id"].gather(cut.train).n_unique() for cut in cuts])
        trained = np.mean([len(cut.train) for cut in cuts])
        macro = values["macro_f1", "all"]
        gain: Interval = (None, None, None) if before is None else interval_of(macro - before)
        rows.append(
            (round(trained), round(authors), *interval_of(macro), *gain, *_rare(values, part, rare), posts.height)
        )
        before = macro
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")


def rare_pole(values: pl.Series) -> str:
    """The rarer of nationalist and conciliatory among n labels; of equals, or if only one is there, that which is.

    >>> rare_pole(pl.Series(["nationalist", "nationalist", "conciliatory", "both"]))
    'conciliatory'
    """
    counts = {pole: int((values == pole).sum()) for pole in POLES}
    return min(POLES, key=lambda pole: (counts[pole] == 0, counts[pole], pole))


def _classifier(model: Any, posts: pl.DataFrame, split: Split) -> dict[str, Guess]:
    train = posts[split.train]
    return {"classifier": fitted_guess(model, train, train["value"].to_list(), posts[split.test])}


def _sizes(sizes: Sequence[int] | None, most: int) -> list[int]:
    if sizes is None:
        return [*(size for share in _SHARES[:-1] if (size := round(share * most)) >= _LEAST), most]
    given = list(sizes)
    if not given or given != sorted(set(given)) or given[0] < 1:
        raise UsageError(f"sizes are {given}; they must be whole numbers from 1 that go up, like 50, 100, 200")
    return given


def _order(posts: pl.DataFrame, seed: int) -> Codes:
    """The places of n posts in an order of their groups that hangs on the seed and the ids alone."""
    groups = groups_by(posts)
    first = posts.select(first=pl.col("post_id").min().over(groups))["first"]
    key = (seed % 2**64).to_bytes(8, "little")
    rank = {
        name: blake2b(name.encode(), digest_size=8, key=key, person=b"discourse-curve").digest() for name in set(first)
    }
    return np.array(sorted(range(posts.height), key=lambda at: (rank[first[at]], posts["post_id"][at])), dtype=np.int64)


def _cut(split: Split, order: Codes, groups: Codes, size: int) -> Split:
    """The split with about `size` training posts: whole groups in their order, until it is reached."""
    inside = order[np.isin(order, split.train)]
    if size >= len(inside):
        return split
    last = groups[inside[size - 1]]
    end = int(np.flatnonzero(groups[inside] == last)[-1]) + 1
    return Split(np.sort(inside[:end]), split.calibrate, split.test)


def _rare(values: Values, part: Part, rare: str) -> tuple[Any, ...]:
    precision = ends("average_precision", values["average_precision", rare])
    return (rare, *(precision if part.writers[FRAMES.index(rare)] >= MIN_AUTHORS else (precision[0], None, None)))
