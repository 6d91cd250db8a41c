"""Additive tallies: what every share is computed from, with the bootstrap as one more axis.

A tally counts posts by cell (window x side) and predicted class, and gold labels by cell, predicted and true
class; on request also the classifier's probabilities. Counts are whole numbers: a weight of one post is `SCALE`
(2**32), so that author weights (1/m for an author with m posts in the cell), weights of unique texts (1/c for a
text with c copies in the cell) and inclusion weights (1/p) add up exactly, in any order.

Tallies of disjoint partitions merge by `+`. A partition must hold all posts of a cell that share a weight: all of an
author's, all copies of a text. So it does when it holds whole cells, or, for author weights, whole authors. With post
weights alone any partition gives the same counts; `n_authors` and `n_eff` want whole authors with any weight.

Source of the design: Tenenbein (1970) double sampling; author weights as in a ratio of cluster means.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import BadInput, DiscourseError, MeaningError, MissingData, SchemaError, UsageError
from discourse.estimators.simplex import simplex_cells, simplex_points
from discourse.measure.spread import CAPACITY, author_keys, spread
from discourse.schema import ABSTAIN, FRAMES, WEIGHTS, one_of

__all__ = ["PREDICTED", "SCALE", "SCORES", "STEPS", "Design", "Tallies", "encode", "tally", "tally_parts", "total"]

SCALE = 2**32
PREDICTED = (*FRAMES, ABSTAIN)
_FORMAT = "discourse-tallies-1"
SCORES = ("none", "sums", "grid")
STEPS = 10
"""Into how many parts `scores="grid"` cuts a probability; see `discourse.estimators.simplex`."""

_CELLS = len(simplex_points(len(FRAMES), STEPS))
_WHOLE = ("grid_soft", "n_posts", "n_authors", "sum_sizes", "sum_squares", "n_gold")  # arrays without replicates
_RAREST = 1e-9  # an inclusion probability below this does not fit into whole numbers
_FULL = "the sum of these tallies does not fit into 64 bits ({}); use shorter windows"
_P = tuple(f"p_{frame}" for frame in FRAMES)

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """What a tally counts by: t windows, s sides, the weight of a post, b replicates and their seed.

    `scores` says what is kept of the classifier's probabilities: nothing ("none"), their weighted sums ("sums"), or
    also how many posts have which probabilities, in steps of a tenth ("grid").

    >>> Design(("2025-01-06", "2025-01-13"), ("pakistan", "afghanistan")).cells
    4
    """

    windows: tuple[str, ...]
    sides: tuple[str, ...]
    weight: str = "author"
    replicates: int = 400
    seed: int = 0
    scores: str = "none"

    def __post_init__(self) -> None:
        one_of(self.weight, WEIGHTS, "weight")
        one_of(self.scores, SCORES, "scores")
        if self.replicates < 1:
            raise UsageError(f"replicates is {self.replicates}; a bootstrap needs at least 1 (400 is the default)")
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

    Arrays with a replicate axis last (column 0 is the sample itself, column i is replicate i), in units of 1/SCALE
    post; k frames, j predicted classes:

    | name | shape | what |
    |---|---|---|
    | `counts` | cells, j | posts |
    | `gold` | cells, j, k | gold labels over inclusion probability, by predicted and true class |
    | `soft` | cells, k | probabilities of all posts |
    | `soft_square` | cells, k | their squares |
    | `soft_gold` | cells, k, k | probabilities of the gold posts by frame and true class |
    | `grid` | cells, 286 | posts by their probabilities in tenths, the rows of `simplex_points(4, 10)` |

    Arrays that the design does not ask for have no cells. Without replicates: `grid_soft` (cells, 286, k), the
    probabilities of the posts of each row of the grid; `n_posts`, `n_authors`, `sum_sizes` and `sum_squares` (cells,)
    of the sizes of the bootstrap's units, `n_gold` (cells, j).

    >>> nothing = Tallies.empty(Design(("w1",), ("pakistan",), replicates=3))
    >>> nothing.counts.shape, (nothing + nothing) == nothing
    ((1, 5, 4), True)
    """

    design: Design
    counts: Counts
    gold: Counts
    soft: Counts
    soft_square: Counts
    soft_gold: Counts
    grid: Counts
    grid_soft: Counts
    n_posts: Counts
    n_authors: Counts
    sum_sizes: Counts
    sum_squares: Counts
    n_gold: Counts

    def __add__(self, other: Tallies) -> Tallies:
        if not isinstance(other, Tallies):
            return NotImplemented
        if self.design != other.design:
            raise MeaningError("these tallies were made under different designs; tally both with the same one")
        return total((self, other), self.design)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tallies) or self.design != other.design:
            return False
        others = other.arrays()
        return all(np.array_equal(array, others[name]) for name, array in self.arrays().items())

    __hash__ = None  # type: ignore[assignment]

    def arrays(self) -> dict[str, Counts]:
        """All arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "design"}

    def to_parquet(self, path: str | Path) -> None:
        """Write the tallies into one file, the same bytes every time; `from_parquet` reads it back.

        >>> import tempfile
        >>> made = Tallies.empty(Design(("w1",), ("pakistan",), replicates=2))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made.to_parquet(f"{folder}/tallies.parquet")
        ...     Tallies.from_parquet(f"{folder}/tallies.parquet") == made
        True
        """
        frames = []
        for name, array in self.arrays().items():
            flat = _rows(name, array)
            at = np.flatnonzero(flat.any(axis=1))
            frames.append(pl.DataFrame(
                {"array": [name] * len(at), "slot": at, "values": flat[at].tolist()},
                schema={"array": pl.String, "slot": pl.Int64, "values": pl.List(pl.Int64)},
            ))  # fmt: skip
        design = json.dumps({"format": _FORMAT, **asdict(self.design)}, sort_keys=True)
        pl.concat(frames).write_parquet(path, metadata={"design": design}, statistics=False)

    @classmethod
    def from_parquet(cls, path: str | Path) -> Tallies:
        """Read what `to_parquet` wrote. Raises `MissingData` without a file, `BadInput` for another."""
        file = Path(path)
        if not file.is_file():
            raise MissingData(f"there are no tallies at {path}; write them with Tallies.to_parquet")
        try:
            said = json.loads(pl.read_parquet_metadata(file)["design"])
            if said.pop("format") != _FORMAT:
                raise ValueError("format")
            empty = cls.empty(Design(**{**said, "windows": tuple(said["windows"]), "sides": tuple(said["sides"])}))
            arrays = empty.arrays()
            for name, slot, values in pl.read_parquet(file).iter_rows():
                arrays[name].reshape(-1, len(values))[slot] = values
        except (pl.exceptions.PolarsError, KeyError, ValueError, TypeError, IndexError, DiscourseError) as error:
            raise BadInput(f"{file.name} holds no tallies of this package ({type(error).__name__})") from error
        return empty

    @classmethod
    def empty(cls, design: Design) -> Tallies:
        """The tallies of no posts: what every sum starts from."""
        b, k, j, cells = 1 + design.replicates, len(FRAMES), len(PREDICTED), design.cells
        soft, grid = (cells if design.scores in wanted else 0 for wanted in (("sums", "grid"), ("grid",)))
        shapes = {
            "counts": (cells, j, b), "gold": (cells, j, k, b), "soft": (soft, k, b), "soft_square": (soft, k, b),
            "soft_gold": (soft, k, k, b), "grid": (grid, _CELLS, b), "grid_soft": (grid, _CELLS, k),
            "n_posts": (cells,), "n_authors": (cells,), "sum_sizes": (cells,), "sum_squares": (cells,),
            "n_gold": (cells, j),
        }  # fmt: skip
        return cls(design, **{name: np.zeros(shape, np.int64) for name, shape in shapes.items()})

    def n_eff(self) -> Floats:
        """Kish's effective sample size per cell, (sum of sizes)^2 / sum of squares; 0 where a cell is empty.

        The units are authors; an author's size is their posts (post weight), one (author weight) or the texts that
        they were first to post (unique texts). Source: Kish (1965), *Survey Sampling*.
        """
        return self.sum_sizes.astype(np.float64) ** 2 / np.maximum(self.sum_squares, 1)


def encode(observed: pl.DataFrame, design: Design) -> pl.DataFrame:
    """Cells, classes and whole-number weights of n posts, one row a post.

    Needs the columns author_id, window, side, predicted, value (true class, null where there is no gold)
    and inclusion_p; for unique texts also post_id, created_at and copy_id. Adds cell, pred, true (-1 without gold),
    unit (the author whom the bootstrap draws: with unique texts the first to post it in the cell), item (what the
    weight counts once in a cell: the post, its author, its text) and w, w_gold (in units of 1/SCALE).
    """
    coded, ids, _ = _encode(observed, design)
    return coded.with_columns(unit=ids.gather(coded["at"])).drop("at")


def _encode(observed: pl.DataFrame, design: Design) -> tuple[pl.DataFrame, pl.Series, pl.DataFrame]:
    """The posts with all of `encode` but the unit, whose place among the ids (second) is at.

    Third: cell and size (posts) for every author of every cell.
    """
    observed = observed.with_columns(pl.col("value").cast(pl.String), pl.col("inclusion_p").cast(pl.Float64))
    gold = observed.filter(pl.col("value").is_not_null())
    for value in gold["value"].unique().sort():
        one_of(value, FRAMES, "a gold label")
    p = gold["inclusion_p"]
    if gold.height and (p.null_count() or not p.is_between(_RAREST, 1.0, closed="right").all()):
        raise MeaningError(f"every gold label needs its inclusion probability, above {_RAREST:g} and at most 1")
    code = {
        column: pl.col(column).cast(pl.String).cast(pl.Enum(names), strict=False).to_physical().cast(pl.Int64)
        for column, names in (
            ("window", design.windows), ("side", design.sides), ("predicted", PREDICTED), ("value", FRAMES)
        )
    }  # fmt: skip
    places = observed.select(**code)
    for column, names in (("window", design.windows), ("side", design.sides), ("predicted", PREDICTED)):
        if strange := places[column].null_count():
            raise SchemaError(f"{strange} posts have a {column} outside the design's {len(names)}")
    ids = observed["author_id"].unique(maintain_order=True)
    place = pl.DataFrame({"author_id": ids, "at": np.arange(len(ids), dtype=np.int64)})
    author = observed.select("author_id").join(place, on="author_id", how="left", maintain_order="left", validate="m:1")
    coded = observed.with_columns(
        cell=places["window"] * len(design.sides) + places["side"],
        pred=places["predicted"],
        true=places["value"].fill_null(-1),
        at=author["at"],
    )
    key = coded["at"].to_numpy() * design.cells + coded["cell"].to_numpy()
    pairs, posts, times = np.unique(key, return_inverse=True, return_counts=True)
    coded = _weighted(coded, design.weight, pl.Series(times[posts])).with_columns(
        w_gold=pl.when(pl.col("true") >= 0)
        .then((pl.col("w") / pl.col("inclusion_p")).round())
        .otherwise(0.0)
        .cast(pl.Int64),
        w=pl.col("w").round().cast(pl.Int64),
    )
    return coded, ids, pl.DataFrame({"cell": pairs % design.cells, "size": times})


def _weighted(coded: pl.DataFrame, weight: str, times: pl.Series) -> pl.DataFrame:
    """With item, w before it is rounded, and at: the place of the unit; `times` are the author's posts in the cell."""
    if weight == "post":
        return coded.with_columns(item=pl.int_range(pl.len()), w=pl.lit(float(SCALE)))
    if weight == "author":
        return coded.with_columns(item="author_id", w=float(SCALE) / times)
    absent = [name for name in ("post_id", "created_at", "copy_id") if name not in coded.columns]
    if absent:
        raise SchemaError(
            f"unique texts need a column {absent[0]!r}; make the table with observe() from posts with copies"
        )
    text = pl.coalesce("copy_id", "post_id")
    first = pl.col("at").sort_by("created_at", "post_id").first().over("cell", text)
    return coded.with_columns(at=first, item=text, w=float(SCALE) / pl.len().over("cell", text))


def tally(observed: pl.DataFrame, design: Design) -> Tallies:
    """Tally n posts under a design.

    `observed` holds one row a post with author_id, window, side, predicted, value, inclusion_p (the last two
    null where the post has no gold label); p_<frame> when the design keeps scores, post_id, created_at and copy_id
    when it weighs unique texts. Raises `SchemaError` for a window, side or class outside the design and for
    probabilities that are missing, `MeaningError` for gold without a known inclusion probability.

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
    return tally_parts([observed], design)


def tally_parts(parts: Iterable[pl.DataFrame], design: Design) -> Tallies:
    """Tally posts that come a part at a time, with the memory of one part and one tally: `total` of their tallies.

    The parts are those that may be tallied apart (see the head of this module). Raises what `tally` raises, and
    `UsageError` when a sum does not fit into 64 bits.

    >>> tally_parts([], Design(("w1",), ("pakistan",))).n_posts.tolist()
    [0]
    """
    made = Tallies.empty(design)
    for observed in parts:
        _add(made, observed)
    return made


def _add(made: Tallies, observed: pl.DataFrame) -> None:
    """Add posts to tallies in place."""
    design, j, k = made.design, len(PREDICTED), len(FRAMES)
    rows, ids, pairs = _encode(observed, design)
    keys = author_keys(ids, design.seed)
    coded = rows.filter(pl.col("true") >= 0)

    def put(name: str, of: pl.DataFrame, slot: pl.Expr, weight: pl.Expr) -> None:
        at, slots, weights = (column.to_numpy() for column in of.select("at", slot=slot, weight=weight))
        if weights.sum(dtype=np.float64) > CAPACITY:
            raise UsageError("this partition is too large to tally in whole numbers; split it and add the tallies")
        sums = spread(keys, (at, slots, weights), _rows(name, getattr(made, name)))
        if sums[slots, 0].max(initial=0) > CAPACITY:
            raise UsageError(_FULL.format(name))

    by_pred = pl.col("cell") * j + pl.col("pred")
    put("counts", rows, by_pred, pl.col("w"))
    put("gold", coded, by_pred * k + pl.col("true"), pl.col("w_gold"))
    if design.scores != "none":
        _add_scores(made, rows, coded, put)
    sizes = pairs
    if design.weight == "unique_text":
        sizes = rows.group_by("cell", "at").agg(size=pl.col("item").n_unique().cast(pl.Int64))
    size = 1 if design.weight == "author" else sizes["size"]
    _add_at(made.n_posts, rows["cell"], 1)
    _add_at(made.n_authors, pairs["cell"], 1)
    _add_at(made.sum_sizes, sizes["cell"], size)
    _add_at(made.sum_squares, sizes["cell"], size**2)
    _add_at(made.n_gold, coded["cell"] * j + coded["pred"], 1)


def total(parts: Iterable[Tallies], design: Design) -> Tallies:
    """The sum of any number of tallies of one design, with the memory of one; none of them is changed.

    Raises `MeaningError` for tallies of another design and `UsageError` when a sum does not fit into 64 bits.

    >>> asked = Design(("w1",), ("pakistan",), replicates=2)
    >>> total([], asked) == Tallies.empty(asked)
    True
    """
    made = Tallies.empty(design)
    sums = {name: _rows(name, array) for name, array in made.arrays().items()}
    for part in parts:
        if part.design != design:
            raise MeaningError("these tallies were made under different designs; tally both with the same one")
        for name, array in part.arrays().items():
            added = _rows(name, array)
            at = np.flatnonzero(added[:, 0])  # a slot without weight has none in any replicate
            sums[name][at] += added[at]
            if sums[name][at, 0].max(initial=0) > CAPACITY:
                raise UsageError(_FULL.format(name))
    return made


def _rows(name: str, array: Counts) -> Counts:
    """The array with a slot a row: replicates in columns, or the one number."""
    return array.reshape(-1, 1 if name in _WHOLE else array.shape[-1])


def _add_scores(made: Tallies, rows: pl.DataFrame, coded: pl.DataFrame, put: Any) -> None:
    """Add the probabilities that the design asks for."""
    k = len(FRAMES)
    absent = [name for name in _P if name not in rows.columns or rows[name].null_count()]
    if absent:
        raise SchemaError(
            f"the posts have no {absent[0]}; this method needs the probability of every frame for each post"
        )
    for i, name in enumerate(_P):
        slot = pl.col("cell") * k + i
        put("soft", rows, slot, _times("w", pl.col(name)))
        put("soft_square", rows, slot, _times("w", pl.col(name) ** 2))
        put("soft_gold", coded, slot * k + pl.col("true"), _times("w_gold", pl.col(name)))
    if made.design.scores == "grid":
        near = pl.Series("near", simplex_cells(rows.select(_P).to_numpy(), STEPS))
        rows = rows.with_columns(near=pl.col("cell") * _CELLS + near)
        put("grid", rows, pl.col("near"), pl.col("w"))
        for i, name in enumerate(_P):
            _add_at(made.grid_soft, rows["near"] * k + i, rows.select(_times("w", pl.col(name))).to_series())


def _times(weight: str, p: pl.Expr) -> pl.Expr:
    return (pl.col(weight) * p).round().cast(pl.Int64)


def _add_at(out: Counts, slot: pl.Series, value: pl.Series | int) -> None:
    """Add the values at places of the flattened array."""
    flat = out.reshape(-1)
    if isinstance(value, int):
        flat += value * np.bincount(slot.to_numpy(), minlength=len(flat))
    else:
        np.add.at(flat, slot.to_numpy(), value.to_numpy())
