"""Additive tallies: what every share is computed from, with the bootstrap as one more axis.

A tally counts posts by cell (window x side) and predicted class, and gold labels by cell, predicted and true
class. Counts are whole numbers: a weight of one post is `SCALE` (2**32), so that author weights (1/m for an
author with m posts in the cell) and inclusion weights (1/p) add up exactly, in any order. Tallies of disjoint
partitions merge by `+`; with author weights, a partition must hold all posts an author has in a cell, and so it
must with any weight for `n_authors` and `n_eff` to be right.

Source of the design: Tenenbein (1970) double sampling; author weights as in a ratio of cluster means.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.poisson import poisson_weights
from discourse.schema import ABSTAIN, FRAMES, WEIGHTS, one_of

__all__ = ["PREDICTED", "SCALE", "Design", "Tallies", "encode", "tally"]

SCALE = 2**32
PREDICTED = (*FRAMES, ABSTAIN)
_CAPACITY = 2**62
_RAREST = 1e-9  # an inclusion probability below this does not fit into whole numbers

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Design:
    """What a tally counts by: t windows, s sides, the weight of a post, b replicates and their seed."""

    windows: tuple[str, ...]
    sides: tuple[str, ...]
    weight: str = "author"
    replicates: int = 400
    seed: int = 0

    def __post_init__(self) -> None:
        one_of(self.weight, WEIGHTS, "weight")
        for name in ("windows", "sides"):
            if len(set(getattr(self, name))) != len(getattr(self, name)) or not getattr(self, name):
                raise UsageError(f"{name} is {getattr(self, name)}; it must name at least one, each once")

    @property
    def cells(self) -> int:
        """Number of cells, windows x sides; cell = window x s + side."""
        return len(self.windows) * len(self.sides)


@dataclass(frozen=True, eq=False)
class Tallies:
    """Counts of one or more partitions under one design.

    Shapes: `counts` (cells, predicted, 1 + b), `gold` (cells, predicted, true, 1 + b), where column 0 is the
    sample itself and column i is replicate i; `n_posts`, `n_authors`, `sum_squares` (cells,); `n_gold`
    (cells, predicted). `counts` and `gold` are in units of 1/SCALE post.
    """

    design: Design
    counts: Counts
    gold: Counts
    n_posts: Counts
    n_authors: Counts
    sum_squares: Counts
    n_gold: Counts

    def __add__(self, other: Tallies) -> Tallies:
        if not isinstance(other, Tallies):
            return NotImplemented
        if self.design != other.design:
            raise MeaningError("these tallies were made under different designs; tally both with the same one")
        names = [field.name for field in fields(self) if field.name != "design"]
        return Tallies(self.design, *(getattr(self, name) + getattr(other, name) for name in names))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tallies) or self.design != other.design:
            return False
        names = [field.name for field in fields(self) if field.name != "design"]
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)

    __hash__ = None  # type: ignore[assignment]

    def n_eff(self) -> npt.NDArray[np.float64]:
        """Kish's effective sample size per cell, authors as clusters; 0 where a cell is empty.

        Post weight: (sum m)^2 / sum m^2 over authors. Author weight: every author counts once, so it is
        the number of authors. Source: Kish (1965), *Survey Sampling*.
        """
        if self.design.weight == "author":
            return self.n_authors.astype(np.float64)
        return self.n_posts.astype(np.float64) ** 2 / np.maximum(self.sum_squares, 1)


def encode(observed: pl.DataFrame, design: Design) -> pl.DataFrame:
    """Cells, classes and whole-number weights of n posts, one row a post.

    Needs the columns author_id, window, side, predicted, value (true class, null where there is no gold)
    and inclusion_p. Adds cell, pred, true (-1 without gold), m (posts of the author in the cell), w and
    w_gold (in units of 1/SCALE).
    """
    for column, allowed in (("window", design.windows), ("side", design.sides), ("predicted", PREDICTED)):
        strange = observed.filter(~pl.col(column).is_in(list(allowed)) | pl.col(column).is_null())
        if strange.height:
            raise SchemaError(f"{strange.height} posts have a {column} outside the design's {len(allowed)}")
    observed = observed.with_columns(pl.col("value").cast(pl.String), pl.col("inclusion_p").cast(pl.Float64))
    gold = observed.filter(pl.col("value").is_not_null())
    for value in gold["value"].unique().sort():
        one_of(value, FRAMES, "a gold label")
    p = gold["inclusion_p"]
    if gold.height and (p.null_count() or not p.is_between(_RAREST, 1.0, closed="right").all()):
        raise MeaningError(f"every gold label needs its inclusion probability, above {_RAREST:g} and at most 1")
    place = {column: {name: i for i, name in enumerate(names)} for column, names in (
        ("window", design.windows), ("side", design.sides), ("predicted", PREDICTED), ("value", FRAMES)
    )}  # fmt: skip
    code = {
        column: pl.col(column).replace_strict(names, default=-1, return_dtype=pl.Int64)
        for column, names in place.items()
    }
    m = pl.len().over("author_id", "window", "side").cast(pl.Int64)
    unit = (SCALE / pl.col("m")) if design.weight == "author" else pl.lit(float(SCALE))
    return observed.with_columns(
        cell=code["window"] * len(design.sides) + code["side"],
        pred=code["predicted"],
        true=code["value"],
        m=m,
    ).with_columns(
        w=unit.round().cast(pl.Int64),
        w_gold=pl.when(pl.col("true") >= 0).then((unit / pl.col("inclusion_p")).round()).otherwise(0.0).cast(pl.Int64),
    )


def tally(observed: pl.DataFrame, design: Design) -> Tallies:
    """Tally n posts under a design.

    `observed` holds one row a post with author_id, window, side, predicted, value, inclusion_p (the last two
    null where the post has no gold label). Raises `SchemaError` for a window, side or class outside the
    design and `MeaningError` for gold without a known inclusion probability.

    >>> posts = pl.DataFrame({
    ...     "author_id": ["x:a", "x:a", "x:b"], "window": ["w1"] * 3, "side": ["pakistan"] * 3,
    ...     "predicted": ["nationalist", "neither", "neither"], "value": [None, "neither", None],
    ...     "inclusion_p": [None, 0.5, None]})
    >>> made = tally(posts, Design(("w1",), ("pakistan",), weight="author", replicates=2))
    >>> (made.counts[0, :, 0] / SCALE).tolist()          # author a counts half a post each, b one
    [0.5, 0.0, 0.0, 1.5, 0.0]
    >>> int(made.n_posts[0]), float(made.n_eff()[0])
    (3, 2.0)
    """
    rows = encode(observed, design)
    authors = rows["author_id"].unique().sort()
    index = pl.DataFrame({"author_id": authors, "author": np.arange(len(authors))})
    rows = rows.join(index, on="author_id", how="left", maintain_order="left", validate="m:1")
    author = rows["author"].to_numpy()
    weights = poisson_weights(authors.to_list(), design.replicates, design.seed)
    with_point = np.hstack([np.ones((len(authors), 1), dtype=np.int64), weights])

    classes, values = len(PREDICTED), len(FRAMES)
    cell, pred = rows["cell"].to_numpy(), rows["pred"].to_numpy()
    counts = _spread(rows["w"].to_numpy(), cell * classes + pred, author, design.cells * classes, with_point)
    coded = rows["true"].to_numpy() >= 0
    slot = ((cell * classes + pred) * values + rows["true"].to_numpy())[coded]
    w_gold = rows["w_gold"].to_numpy()[coded]
    gold = _spread(w_gold, slot, author[coded], design.cells * classes * values, with_point)

    per_author = rows.group_by("cell", "author").len()
    posts_by_author = per_author["len"].to_numpy().astype(np.int64)
    at = per_author["cell"].to_numpy()
    return Tallies(
        design,
        counts.reshape(design.cells, classes, -1),
        gold.reshape(design.cells, classes, values, -1),
        n_posts=_sum_at(at, posts_by_author, design.cells),
        n_authors=_sum_at(at, np.ones_like(posts_by_author), design.cells),
        sum_squares=_sum_at(at, posts_by_author**2, design.cells),
        n_gold=_sum_at(
            (cell * classes + pred)[coded], np.ones(int(coded.sum()), np.int64), design.cells * classes
        ).reshape(design.cells, classes),
    )


def _spread(weight: Counts, slot: Counts, author: Counts, slots: int, by_replicate: Counts) -> Counts:
    """Sum of weight x replicate weight per slot, exact: (slots x authors) @ (authors x replicates)."""
    if weight.sum(dtype=np.float64) * max(int(by_replicate.max(initial=1)), 1) > _CAPACITY:
        raise UsageError("this partition is too large to tally in whole numbers; split it and add the tallies")
    shape = (slots, by_replicate.shape[0])
    made: Counts = sparse.csr_array((weight, (slot, author)), shape=shape, dtype=np.int64) @ by_replicate
    return made


def _sum_at(slot: Counts, value: Counts, slots: int) -> Counts:
    total = np.zeros(slots, dtype=np.int64)
    np.add.at(total, slot, value)
    return total
