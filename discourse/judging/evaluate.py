"""Honest evaluation: out of fold, authors and repeated texts never on both sides of a split, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import polars as pl

from discourse.corpus.posts import Corpus, html_table
from discourse.errors import UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.judging.baselines import MODELS, Guess, everyone, out_of_fold
from discourse.judging.splits import Split, check_split, forward_splits, group_folds, labelled_posts
from discourse.judging.tables import MIN_AUTHORS, confusion_table, score_tables
from discourse.schema import FRAMES

__all__ = ["SCHEMES", "Evaluation", "checked_splits", "evaluate"]

SCHEMES: Final = ("groups", "forward")
_POSTS: Final = ("post_id", "author_id", "platform", "lang", "side", "value")
_HOW: Final = {"groups": "out of fold", "forward": "forward in time"}


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Scores of the classifier and its baselines on posts that none of them was trained on.

    `scores` has one row per model, group, metric and class: estimate, low, high (95 %, over authors), n (posts);
    what they mean is in docs/judging.md. `confusion` counts true x predicted of the classifier. `predictions` holds
    every tested post with its label, its fold, what each model said, and the probabilities of the classifier
    (p_nationalist ...) and of the plain baseline (plain_nationalist ...): private, since it names posts and authors.
    `groups` says which frames the macro averages of a group are over, and which groups are withheld. `notes` say
    what was left out.

    >>> scores = pl.DataFrame({"model": ["classifier"], "group": ["all"], "metric": ["macro_f1"], "class": ["all"],
    ...                        "estimate": [0.71], "low": [0.65], "high": [0.76], "n": [600]})
    >>> Evaluation(scores, pl.DataFrame(), pl.DataFrame({"post_id": ["x:1"]}))
    Evaluation, macro-F1 over 1 labelled posts, out of fold:
      classifier: 0.710 (0.650 to 0.760)
    """

    scores: pl.DataFrame
    confusion: pl.DataFrame
    predictions: pl.DataFrame
    groups: pl.DataFrame = field(default_factory=pl.DataFrame)
    scheme: str = "groups"
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        lines = [f"Evaluation, macro-F1 over {self._tested}:"]
        lines += [f"  {model}: {words}" for model, words in self._rows("macro_f1", "all")]
        if self._rare:
            lines += [f"macro-F1 without {self._rare}, which fewer than {MIN_AUTHORS} authors wrote:"]
            lines += [f"  {model}: {words}" for model, words in self._rows("macro_f1_common", "all")]
        return "\n".join([*lines, *self._said])

    def _repr_html_(self) -> str:
        columns = [("macro-F1", "macro_f1", "all"), *((f"F1 {frame}", "f1", frame) for frame in FRAMES)]
        if self._rare:
            columns.insert(1, (f"macro-F1 without {self._rare}", "macro_f1_common", "all"))
        found = [dict(self._rows(metric, frame)) for _, metric, frame in columns]
        head = ("model", *(name for name, *_ in columns))
        rows = [(model, *(one.get(model, "") for one in found)) for model in found[0]]
        return html_table(f"Evaluation over {self._tested}; 95 % intervals over authors", head, rows, self._said)

    @property
    def _tested(self) -> str:
        return f"{self.predictions.height} labelled posts, {_HOW[self.scheme]}"

    @property
    def _rare(self) -> str:
        """Frames that too few authors wrote for a steady macro average; "" if none, or if none would be left."""
        whole = self.groups.filter(pl.col("group") == "all").to_dicts() if self.groups.height else []
        averaged, common = (
            set((whole[0][name] or "").split(", ")) if whole else set() for name in ("averaged", "common")
        )
        return ", ".join(frame for frame in FRAMES if frame in averaged - common) if len(common) > 1 else ""

    @property
    def _said(self) -> list[str]:
        """Frames without truth, groups that are withheld, and the notes; no post, no author."""
        if self.groups.is_empty():
            return list(self.notes)
        few = self.groups.filter("withheld")["group"].to_list()
        averaged = self.groups.filter(pl.col("group") == "all")["averaged"][0]
        absent = ", ".join(frame for frame in FRAMES if frame not in averaged.split(", "))
        return [
            *([f"no labelled post is {absent}; the averages are without it"] if absent else []),
            *([f"withheld (fewer than {MIN_AUTHORS} authors): {', '.join(few)}"] if few else []),
            *self.notes,
        ]

    def _rows(self, metric: str, frame: str) -> list[tuple[str, str]]:
        rows = self.scores.filter(
            (pl.col("metric") == metric) & (pl.col("group") == "all") & (pl.col("class") == frame)
        )
        return [(row["model"], _words(row)) for row in rows.to_dicts()]


def evaluate(
    model: FramingClassifier,
    corpus: Corpus,
    labels: pl.DataFrame,
    *,
    seed: int,
    folds: int = 5,
    replicates: int = 1000,
    scheme: str = "groups",
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Judge the recipe of `model` on labelled posts of a corpus, beside plain tf-idf, the lexicon and the majority.

    `labels` has post_id and value. Fresh copies of the model and the baselines are trained for every split, which is
    checked for leaks. With `scheme` "groups" every post is tested once in `folds` folds; posts that share an author
    or a text (copies, near copies) are always in one fold. With "forward" the later half of the posts is tested in
    `folds` parts, each by a model of the posts before it (`forward_splits`). `progress` is called with 1 a split.

    Raises `UsageError` for fewer than 2 folds or an unknown scheme, `MeaningError` when a label belongs to no post or
    a post has two, when there are fewer groups than folds, and when a split leaks, `SchemaError` for labels that are
    no frames; warns `SmallSampleWarning` of a frame found in fewer groups than folds.

    >>> from datetime import datetime, timezone
    >>> from discourse.schema import POSTS
    >>> texts = ["peace talks for Kabul", "peace and bread", "talks, not war", "we want peace", "defend our soil",
    ...          "our soil, our honour", "the soil of martyrs", "soil and honour"]
    >>> posts = POSTS.frame([{"post_id": f"x:{i}", "platform": "x", "author_id": f"a{i}", "text": text, "kind": "reply",
    ...                       "text_norm": text, "created_at": datetime(2025, 1, 1, tzinfo=timezone.utc)}
    ...                      for i, text in enumerate(texts)])
    >>> values = ["conciliatory"] * 4 + ["nationalist"] * 4
    >>> labels = pl.DataFrame({"post_id": [f"x:{i}" for i in range(8)], "value": values})
    >>> found = evaluate(FramingClassifier(seed=7, least=1), Corpus(posts), labels, seed=7, folds=2, replicates=20)
    >>> found.predictions.height, found.predictions["classifier"].null_count()
    (8, 0)
    """
    posts = labelled_posts(corpus, labels)
    splits, notes = checked_splits(posts, seed=seed, folds=folds, scheme=scheme)
    tested, guesses = out_of_fold(partial(everyone, model, posts), splits, progress)
    judged = posts[tested]
    scores, groups = score_tables(judged, guesses, seed=seed, replicates=replicates)
    predictions = judged.select(_POSTS).with_columns(_fold(splits, posts.height)[tested], **_columns(guesses))
    confusion = confusion_table(judged["value"], guesses["classifier"].names())
    return Evaluation(scores, confusion, predictions, groups, scheme, notes)


def checked_splits(
    posts: pl.DataFrame, *, seed: int, folds: int, scheme: str = "groups"
) -> tuple[list[Split], tuple[str, ...]]:
    """Splits of labelled posts by a scheme, each checked for leaks, and what is to be said of posts left out.

    Raises as `evaluate` does.

    >>> checked_splits(pl.DataFrame(), seed=7, folds=2, scheme="random")
    Traceback (most recent call last):
    discourse.errors.UsageError: scheme is 'random'; it must be 'groups' or 'forward'
    """
    if scheme not in SCHEMES:
        raise UsageError(f"scheme is {scheme!r}; it must be 'groups' or 'forward'")
    if not 0 <= seed < 2**32:
        raise UsageError(f"seed is {seed}; it must be a whole number from 0 to 2**32 - 1")
    forward = scheme == "forward"
    if forward and folds < 2:
        raise UsageError(f"folds is {folds}; it must be 2 or more, like 5")
    splits = forward_splits(posts, folds=folds) if forward else group_folds(posts, seed=seed, folds=folds)
    for split in splits:
        check_split(posts[split.train], posts[split.test], forward=forward)
        check_split(posts[split.train], posts[split.calibrate], forward=forward)
        check_split(posts[split.calibrate], posts[split.test], forward=forward)
    return splits, tuple(_note(at, split) for at, split in enumerate(splits, 1)) if forward else ()


def _note(at: int, split: Split) -> str:
    return (
        f"part {at}: trained on {len(split.train)}, calibrated on {len(split.calibrate)}, tested on {len(split.test)}; "
        f"{split.dropped} earlier posts dropped, whose author or text comes again later"
    )


def _fold(splits: Sequence[Split], n: int) -> pl.Series:
    fold = np.zeros(n, dtype=np.int64)
    for at, split in enumerate(splits, 1):
        fold[split.test] = at
    return pl.Series("fold", fold)


def _columns(guesses: dict[str, Guess]) -> dict[str, Any]:
    shares = {"p": guesses["classifier"].probabilities, "plain": guesses["plain"].probabilities}
    return {name: guesses[name].names() for name in MODELS} | {
        f"{start}_{frame}": made[:, i] for start, made in shares.items() for i, frame in enumerate(FRAMES)
    }


def _words(row: dict[str, Any]) -> str:
    if row["estimate"] is None:
        return "not defined"
    ends = "" if row["low"] is None else f" ({row['low']:.3f} to {row['high']:.3f})"
    return f"{row['estimate']:.3f}{ends}"
