"""Splits that let nothing through: by author, by copy, by both, forward in time; and a check for any split.

Letters of shapes: n labelled posts.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.model_selection import StratifiedGroupKFold

from discourse.corpus.copies import copy_key
from discourse.corpus.links import linked_groups
from discourse.corpus.near import MIN_LETTERS, leaders
from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SchemaError, SmallSampleWarning, UsageError
from discourse.framing.features import model_text
from discourse.schema import FRAMES, as_polars, one_of
from discourse.text.noise import content

__all__ = ["BY", "Split", "check_split", "forward_splits", "group_folds", "groups_by", "labelled_posts", "near_ids"]

BY: Final = ("author", "copy", "both")
NEAR: Final = 0.9
"""Texts of 40 letters or more that share this part of their 5-letter shingles count as copies of one another."""
_KEYS: Final = {"author_id": "author", "copy_id": "copied text", "near_id": "nearly copied text"}

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """One split of n posts by their places: what is trained on, what is calibrated on (may be empty), what is tested.

    `dropped` counts the posts of the earlier parts that were left out since their author or text comes again later.

    >>> Split(np.array([0, 1]), np.array([], dtype=np.int64), np.array([2]))
    Split(2 to train on, 0 to calibrate on, 1 to test, 0 dropped)
    """

    train: Places
    calibrate: Places
    test: Places
    dropped: int = 0

    def __repr__(self) -> str:
        return (
            f"Split({len(self.train)} to train on, {len(self.calibrate)} to calibrate on, {len(self.test)} to test, "
            f"{self.dropped} dropped)"
        )


def labelled_posts(corpus: Corpus, labels: Any) -> pl.DataFrame:
    """The posts that have a label, by post_id, with the label as `value` and, as `near_id`, the text they nearly copy.

    `labels` has post_id and value. Raises `MeaningError` when a label belongs to no post or a post has two,
    `SchemaError` for a value that is no frame and for posts without a normal form.

    >>> from discourse.schema import POSTS
    >>> labelled_posts(Corpus(POSTS.empty()), pl.DataFrame(schema={"post_id": pl.String, "value": pl.String})).height
    0
    """
    given = as_polars(labels).select("post_id", "value")
    if given["post_id"].is_duplicated().any():
        raise MeaningError("the labels hold a post more than once; settle them to one label a post first")
    for value in given["value"].unique().sort():
        one_of(value, FRAMES, "a label")
    joined = given.join(corpus.posts, on="post_id", how="inner", validate="1:1").sort("post_id")
    if joined.height < given.height:
        raise MeaningError(f"{given.height - joined.height} of {given.height} labelled posts are not in this corpus")
    return joined.with_columns(near_ids(model_text(joined)))


def near_ids(texts: pl.Series) -> pl.Series:
    """For each of n texts in normal form, a name that it shares with those it copies, in full or nearly; null: none.

    The rule of `with_copies`, among these texts alone.

    >>> near_ids(pl.Series(["open the border for the sick", "open the border for the sick #now", "no"])).n_unique()
    2
    """
    distinct = texts.fill_null("").unique().to_list()
    own = {text: " ".join(content(text).split()) for text in distinct}
    standing = leaders([words for words in own.values() if len(words) >= MIN_LETTERS], NEAR)
    keys = {text: copy_key(standing.get(own[text], text)) for text in distinct}
    return texts.fill_null("").replace_strict(keys, default=None, return_dtype=pl.String).alias("near_id")


def groups_by(posts: pl.DataFrame, by: str = "both") -> pl.Series:
    """A group number for each of n posts that must stay together: by "author", by "copy", or by "both" in chains.

    Copies are those of `copy_id` and, if there is that column, of `near_id`. The order of rows has no effect.
    Raises `SchemaError` for another word.

    >>> posts = pl.DataFrame({"author_id": ["a", "b", "b"], "copy_id": ["t", "t", None]})
    >>> [groups_by(posts, by).to_list() for by in BY]
    [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    """
    one_of(by, BY, "by")
    own = pl.format("post {}", pl.int_range(pl.len())) if "post_id" not in posts.columns else pl.col("post_id")
    made = posts.select(pl.col("author_id") if by != "copy" else own.alias("author_id"), "copy_id", near=_near(posts))
    if by == "author":
        made = made.with_columns(pl.lit(None, pl.String).alias("copy_id"), pl.lit(None, pl.String).alias("near"))
    first = linked_groups(made)
    return linked_groups(pl.DataFrame({"author_id": first, "copy_id": made["near"]}))


def group_folds(posts: pl.DataFrame, *, seed: int, folds: int, by: str = "both") -> list[Split]:
    """Folds of n posts with their `value`: every post is tested once, groups stay together, frames are spread evenly.

    Raises `UsageError` for fewer than 2 folds and `MeaningError` when there are fewer groups than folds, or fewer posts
    of every frame; warns `SmallSampleWarning` of a frame found in fewer groups than folds.

    >>> posts = pl.DataFrame({"author_id": list("abcd"), "copy_id": [None] * 4, "value": ["both", "neither"] * 2},
    ...                      schema_overrides={"copy_id": pl.String})
    >>> sorted(place for split in group_folds(posts, seed=7, folds=2) for place in split.test.tolist())
    [0, 1, 2, 3]
    """
    if folds < 2:
        raise UsageError(f"folds is {folds}; it must be 2 or more, like 5")
    groups, values = groups_by(posts, by), posts["value"]
    if groups.n_unique() < folds:
        raise MeaningError(f"{groups.n_unique()} groups of authors cannot make {folds} folds; label more authors")
    most = int(values.value_counts()["count"].max() or 0)  # type: ignore[arg-type]
    if most < folds:
        raise MeaningError(f"no frame has more than {most} posts, too few for {folds} folds; label more posts")
    spread = pl.DataFrame({"value": values, "group": groups}).group_by("value").agg(pl.col("group").n_unique())
    rare = spread.filter(pl.col("group") < folds)["value"].sort().to_list()
    if rare:
        warnings.warn(
            f"{', '.join(rare)}: labelled in fewer groups of authors than the {folds} folds; "
            "their scores rest on almost nothing",
            SmallSampleWarning,
            stacklevel=3,
        )
    split = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A frame with fewer posts than folds is said above, in this package's own words.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = list(split.split(np.zeros(len(values)), values.to_numpy(), groups.to_numpy()))
    return [Split(train, np.array([], dtype=np.int64), test) for train, test in parts]


def forward_splits(posts: pl.DataFrame, *, folds: int = 3, first: float = 0.5, calibrate: float = 0.2) -> list[Split]:
    """Splits forward in time of n posts: trained on the past, calibrated on what followed, tested on what came then.

    The posts after the earliest `first` share are cut by `created_at` into `folds` parts of about equal size; each is
    tested once. Of the posts before it the latest `calibrate` share is calibrated on and the rest trained on; posts
    of one instant are never parted. Posts of a calibration part whose author or text (copies and near copies) comes
    again in the tested part are dropped, and so are training posts whose author or text comes again in either.

    Raises `UsageError` for fewer than 1 fold or shares that are not between 0 and 1, and `MeaningError` when a part
    is left empty, because the posts are too few or always by the same authors.

    >>> from datetime import datetime, timedelta, timezone
    >>> start = datetime(2025, 5, 1, tzinfo=timezone.utc)
    >>> posts = pl.DataFrame({"author_id": [f"a{i % 9}" for i in range(10)], "copy_id": [None] * 10,
    ...                       "created_at": [start + timedelta(days=i) for i in range(10)]},
    ...                      schema_overrides={"copy_id": pl.String})
    >>> forward_splits(posts, folds=1)  # author a0 wrote the first and the last post
    [Split(3 to train on, 1 to calibrate on, 5 to test, 1 dropped)]
    """
    if folds < 1:
        raise UsageError(f"folds is {folds}; it must be 1 or more, like 3")
    for name, share in (("first", first), ("calibrate", calibrate)):
        if not 0 < share < 1:
            raise UsageError(f"{name} is {share}; it must be between 0 and 1, like 0.5")
    time = posts["created_at"].to_physical().to_numpy()
    ordered = np.sort(time)
    cuts = [ordered[min(int(at), len(ordered) - 1)] for at in np.linspace(first * len(ordered), len(ordered), folds + 1)
            ] if len(ordered) else []  # fmt: skip
    made = []
    for at in range(folds if cuts else 0):
        last = at == folds - 1
        test = np.flatnonzero((time >= cuts[at]) & ((time < cuts[at + 1]) | last))
        before = np.sort(time[time < cuts[at]])
        turn = before[min(int((1 - calibrate) * len(before)), len(before) - 1)] if len(before) else cuts[at]
        middle = np.flatnonzero((time >= turn) & (time < cuts[at]))
        early = np.flatnonzero(time < turn)
        kept = _without_shared(posts, middle, test)
        train = _without_shared(posts, early, np.concatenate([kept, test]))
        made.append(Split(train, kept, test, len(middle) + len(early) - len(kept) - len(train)))
    empty = sum(not (len(one.train) and len(one.calibrate) and len(one.test)) for one in made)
    if empty or not made:
        raise MeaningError(
            f"{empty or folds} of {folds} splits forward in time have an empty part, once authors and texts that come "
            "again later are dropped; use fewer folds, or split by groups"
        )
    return made


def check_split(train: pl.DataFrame, test: pl.DataFrame, *, forward: bool = False) -> None:
    """Raise `MeaningError` when a split leaks, naming the first leak: post, author, copied or nearly copied text, time.

    `train` and `test` have post_id, author_id, text_norm and, if copies were looked for, copy_id (and created_at for
    `forward`, which wants every training post to be older than every tested one). Texts are compared as
    `with_copies` does, those of both parts together. Raises `SchemaError` for a missing column.

    >>> posts = pl.DataFrame({"post_id": ["x:1", "x:2", "x:3"], "author_id": ["a", "b", "a"],
    ...                       "text_norm": ["peace", "war", "tea"]})
    >>> check_split(posts[:1], posts[1:2])
    >>> check_split(posts[:2], posts[2:])
    Traceback (most recent call last):
    discourse.errors.MeaningError: the split leaks: 1 author is in training and in the tested part; make it with
    group_folds or forward_splits
    """
    wanted = ["post_id", "author_id", "text_norm", *(["created_at"] if forward else [])]
    for name in wanted:
        for part in (train, test):
            if name not in part.columns:
                raise SchemaError(f"the posts of a split have no column {name!r}; they need {', '.join(wanted)}")
    for said in _leaks(train, test, forward=forward):
        raise MeaningError(f"the split leaks: {said}; make it with group_folds or forward_splits")


def _leaks(train: pl.DataFrame, test: pl.DataFrame, *, forward: bool) -> Iterator[str]:
    twice = train.join(test, on="post_id", how="semi").height
    if twice:
        yield f"{_count(twice, 'post')} in training and in the tested part"
    both = pl.concat([part.select("text_norm", *_present(part)) for part in (train, test)], how="diagonal")
    if "near_id" not in both.columns:
        both = both.with_columns(near_ids(both["text_norm"]))
    for name, what in _KEYS.items():
        if name in both.columns:
            shared = set(both[name][: train.height].drop_nulls()) & set(both[name][train.height :].drop_nulls())
            if shared:
                yield f"{_count(len(shared), what)} in training and in the tested part"
    if forward and train.height and test.height:
        late = int((train["created_at"] >= test["created_at"].min()).sum())
        if late:
            yield f"{late} training post{' is' if late == 1 else 's are'} not older than the oldest tested one"


def _present(part: pl.DataFrame) -> list[str]:
    return [name for name in _KEYS if name in part.columns]


def _count(n: int, what: str) -> str:
    return f"{n} {what}{' is' if n == 1 else 's are'}"


def _near(posts: pl.DataFrame) -> pl.Expr:
    return pl.col("near_id") if "near_id" in posts.columns else pl.lit(None, pl.String)


def _without_shared(posts: pl.DataFrame, early: Places, late: Places) -> Places:
    """The places of `early` whose author and texts do not come again in `late`."""
    kept = np.ones(len(early), dtype=bool)
    for name in _present(posts):
        again = posts[name].gather(late).drop_nulls().unique()
        kept &= ~posts[name].gather(early).is_in(again.implode()).fill_null(value=False).to_numpy()
    made: Places = early[kept]
    return made
