"""The units of a draw: posts, or distinct texts, in the order of post_id, with what a design needs to know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.corpus.posts import Corpus
from discourse.errors import SchemaError, UsageError
from discourse.sampling.active import unit_rows
from discourse.sampling.allocation import Floats, Whole
from discourse.schema import UNKNOWN, Table, as_polars, one_of

__all__ = ["CODED", "Units", "units_of"]

CODED = Table(
    "posts to draw from",
    {"post_id": pl.String, "text": pl.String, "lang": pl.String},
    required=frozenset({"post_id", "text"}),
    key=("post_id",),
)
_CHANCE = "p_"
_ROW, _KNOWN = "_row", "_known"


@dataclass(frozen=True, eq=False)
class Units:
    """n units, one a row of `frame`, sorted by post_id.

    `chances` (n, k) are the predicted probabilities of `classes`, with k = 0 when there are none; `rows` (n, d) are
    features of length 1, or None; `known` (n,) marks posts that are coded already.
    """

    frame: pl.DataFrame
    chances: Floats
    classes: tuple[str, ...]
    rows: Any
    known: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return self.frame.height

    def chance_of(self, target: Sequence[str]) -> Floats:
        """The predicted probability of any of the `target` classes, shape (n,).

        Raises `UsageError` without probabilities, `SchemaError` for a class that has none.
        """
        if not self.classes:
            raise UsageError(
                "there are no predicted probabilities; give scores=framed.table, or posts with columns like "
                "'p_conciliatory'"
            )
        places = [self.classes.index(one_of(name, self.classes, "target")) for name in target]
        made: Floats = np.minimum(self.chances[:, places].sum(axis=1), 1.0)
        return made

    def strata(self, columns: Sequence[str]) -> tuple[list[str], list[Whole]]:
        """The h strata that the columns make, sorted by name, and the places of the units of each.

        A stratum is named by its values in the order of the columns; a missing value reads "unknown".
        """
        for name in columns:
            one_of(name, self.frame.columns, "stratum column")
        if not columns:
            return ["all"], [np.arange(len(self), dtype=np.int64)]
        words = [pl.col(name).cast(pl.String).fill_null(UNKNOWN) for name in columns]
        named = self.frame.select(pl.concat_str(words, separator=" | ").alias("stratum")).with_row_index("place")
        groups = named.group_by("stratum").agg(pl.col("place").sort()).sort("stratum")
        return groups["stratum"].to_list(), [np.array(places, dtype=np.int64) for places in groups["place"]]


def units_of(
    posts: Any,
    scores: Any = None,
    *,
    features: Any = None,
    examples: Sequence[str] = (),
    one_per_copy: bool = False,
) -> Units:
    """The units that can be drawn from `posts`, a corpus or a table with post_id and text.

    `scores` has a row for each post: post_id, columns p_<class> and, if there, predicted; other columns are not read.
    Without it, such columns of `posts` serve. Row i of `features` belongs to row i of `posts`. With `one_per_copy`
    the earliest post of each copy_id stands for its copies.
    Raises `SchemaError` for posts twice or without text and for scores that are missing, twice or outside 0 to 1,
    `UsageError` when copies were not looked for.

    >>> posts = pl.DataFrame({"post_id": ["x:2", "x:1"], "text": ["peace", "war"], "p_war": [0.1, 0.9]})
    >>> units_of(posts).chance_of(["war"]).tolist()
    [0.9, 0.1]
    """
    frame = posts.posts if isinstance(posts, Corpus) else as_polars(posts)
    for name in ("post_id", "text"):
        if name not in frame.columns:
            raise SchemaError(f"the posts have no column {name!r}; a sample needs post_id and text")
    basic = CODED.frame(frame)
    frame = frame.with_columns(basic.get_columns()).with_columns(
        pl.int_range(pl.len()).alias(_ROW), pl.col("post_id").is_in(list(examples)).alias(_KNOWN)
    )
    lost = len(set(examples)) - int(frame[_KNOWN].sum())
    if lost:
        raise SchemaError(f"{lost} of the examples are not among the posts; give posts that hold them all")
    if scores is not None:
        frame = _with_scores(frame, as_polars(scores))
    if one_per_copy:
        frame = _distinct(frame)
    frame = frame.sort("post_id")
    names = tuple(name for name in frame.columns if name.startswith(_CHANCE) and frame.schema[name].is_numeric())
    places, known = frame[_ROW].to_numpy(), frame[_KNOWN].to_numpy()
    rows = None if features is None else unit_rows(features, basic.height)[places]
    classes = tuple(name.removeprefix(_CHANCE) for name in names)
    return Units(frame.drop(_ROW, _KNOWN), _checked(frame, names), classes, rows, known)


def _with_scores(frame: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    names = [name for name in scores.columns if name.startswith(_CHANCE) or name == "predicted"]
    if "post_id" not in scores.columns or not names:
        raise SchemaError(
            f"the scores have the columns {', '.join(scores.columns)}; they need post_id and probabilities like "
            "'p_conciliatory'; give framed.table"
        )
    if scores["post_id"].is_duplicated().any():
        raise SchemaError("the scores hold a post more than once; filter them to one model")
    missing = frame.join(scores, on="post_id", how="anti").height
    if missing:
        raise SchemaError(f"{missing} of {frame.height} posts have no scores; predict on the posts you draw from")
    old = [name for name in frame.columns if name.startswith(_CHANCE) or name == "predicted"]
    return frame.drop(old).join(
        scores.select("post_id", *names), on="post_id", how="left", validate="1:1", maintain_order="left"
    )


def _distinct(frame: pl.DataFrame) -> pl.DataFrame:
    if "copy_id" not in frame.columns or (frame.height and frame["copy_id"].is_null().all()):
        raise UsageError("the posts have no copy_id; type with_copies(corpus) first, or one_per_copy=False")
    order = ["created_at", "post_id"] if "created_at" in frame.columns else ["post_id"]
    first = pl.col("post_id").sort_by(order).first().over("copy_id")
    alone = pl.col("copy_id").is_null()
    known = pl.when(alone).then(pl.col(_KNOWN)).otherwise(pl.col(_KNOWN).any().over("copy_id"))
    return frame.with_columns(known.alias(_KNOWN)).filter(alone | (pl.col("post_id") == first))


def _checked(frame: pl.DataFrame, names: Sequence[str]) -> Floats:
    values: Floats = (
        frame.select(pl.col(name).cast(pl.Float64) for name in names).to_numpy().reshape(frame.height, len(names))
    )
    wrong = (~((values >= 0) & (values <= 1))).sum(axis=0)
    for name, count in zip(names, wrong.tolist(), strict=True):
        if count:
            raise SchemaError(
                f"{name} of {count} posts is not a probability; predict again, each value must be from 0 to 1"
            )
    return values
