"""The label budget: how many gold labels a wished-for interval costs, before anyone codes.

The share p = sum_j W_j p_j of a frame, over predicted classes j (W_j the share of posts predicted j, p_j the part of
them that really has the frame), is estimated with these variances, each times the design effect of authors:

- gold drawn in each predicted class (neyman, proportional): sum_j W_j^2 p_j (1 - p_j) / n_j;
- gold drawn at random, then post-stratified: sum_j W_j p_j (1 - p_j) / n + sum_j (1 - W_j) p_j (1 - p_j) / n^2;
- for N posts that are themselves a sample of what might have been said, plus sum_j W_j (p_j - p)^2 / N.

One class with W = 1 is simple random gold without a classifier. Gold must lie in the window and side it speaks for:
pooled over an event it shrinks the jump that is looked for. Simulations of a jump of 0.20 at one event found 200 gold
labels a window and side (before, event, after; two sides: 1,200) enough for its contrast: that is the default there.

Source: Cochran (1977), *Sampling Techniques*, chapters 5, 5A and 12; Tenenbein (1970), *A Double Sampling Scheme for
Estimating from Binomial Data with Misclassifications*; design effect: Kish (1965), *Survey Sampling*, chapters 5 and 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.sampling.allocation import Floats, Whole, allocate
from discourse.schema import UNKNOWN, as_polars, one_of

__all__ = [
    "GOLD_DESIGNS",
    "GOLD_PER_CELL",
    "author_deff",
    "plan_contrast",
    "plan_labels",
    "predicted_rates",
    "predicted_width",
]

GOLD_DESIGNS = ("neyman", "proportional", "random")
GOLD_PER_CELL = 200
_MOST = 100_000
_NO_LIMIT = 10**9
_OWN = ("stratum", "weight", "posts", "rate")


def plan_labels(
    rates: float | pl.DataFrame,
    width: float,
    *,
    design: str = "neyman",
    population: int | None = None,
    deff: float = 1.0,
    level: float = 0.95,
    per_cell: int = 0,
) -> pl.DataFrame:
    """The least gold labels with which each cell's interval is at most `width` wide: cell columns, stratum, n, width.

    `rates` is a share (simple random gold, no classifier) or a table with a row for each cell and predicted class:
    stratum, rate p_j, weight W_j or posts (`predicted_rates` makes it); every other column, such as window and side,
    tells cells apart. `design` draws within predicted classes ("neyman", "proportional"; at least 2 each) or at
    random ("random", one row "all" a cell). `population` is N a cell, default the sum of posts; without either the
    posts at hand are what is spoken of. `deff` multiplies variances (`author_deff`), `per_cell` is the least number of
    labels a cell. The width returned is the predicted one of the cell, 2 z sd.
    Raises `SchemaError` for a table that is not such, `UsageError` for numbers out of range, `MeaningError` when no
    number of labels reaches the width.

    >>> plan_labels(0.2, 0.1).with_columns(pl.col("width").round(4)).rows()
    [('all', 246, 0.1)]
    >>> helped = pl.DataFrame({"stratum": ["conciliatory", "rest"], "weight": [0.2, 0.8], "rate": [0.8, 0.05]})
    >>> plan_labels(helped, 0.1).select("stratum", "n").rows()
    [('conciliatory', 31), ('rest', 69)]
    """
    cells, goal = _cells(rates, design, population), _goal(width, deff, level)
    return pl.concat(_rows((cell,), _planned((cell,), goal, per_cell), goal) for cell in cells)


def plan_contrast(
    before: float | pl.DataFrame,
    after: float | pl.DataFrame,
    width: float,
    *,
    design: str = "neyman",
    population: int | None = None,
    deff: float = 1.0,
    level: float = 0.95,
    per_cell: int = GOLD_PER_CELL,
) -> pl.DataFrame:
    """The least gold labels with which the difference of two windows has an interval at most `width` wide.

    `before` and `after` are as in `plan_labels`, each of one window; sides and other cells are matched. At least
    `per_cell` labels (200) a window and side, or all its posts. Columns: window ("before", "after" where the tables
    name none), cell columns, stratum, n, width (of the difference). The windows count as independent: authors who
    post in both make the true interval narrower. Raises as `plan_labels`, and `UsageError` when cells do not match.

    >>> plan_contrast(0.2, 0.4, 0.2).with_columns(pl.col("width").round(4)).rows()
    [('before', 'all', 200, 0.1753), ('after', 'all', 200, 0.1753)]
    """
    goal = _goal(width, deff, level)
    given = [_table(rates) for rates in (before, after)]
    windows = [_window(frame, name) for frame, name in zip(given, ("before", "after"), strict=True)]
    sides = [_cells(frame, design, population, "window") for frame in given]
    keys = [[cell.key for cell in cells] for cells in sides]
    if keys[0] != keys[1] or len(set(keys[0])) < len(keys[0]):
        raise UsageError(
            f"the windows have the cells {_listed(keys[0])} and {_listed(keys[1])}; give both the same, each once"
        )
    pairs = zip(*sides, strict=True)
    return pl.concat(_rows(pair, _planned(pair, goal, per_cell), goal, windows) for pair in pairs)


def predicted_width(
    rates: float | pl.DataFrame,
    n: int,
    *,
    design: str = "neyman",
    population: int | None = None,
    deff: float = 1.0,
    level: float = 0.95,
) -> pl.DataFrame:
    """The width that `n` gold labels in each cell buy: cell columns, stratum, n, width; arguments as in `plan_labels`.

    >>> predicted_width(0.5, 200)["width"].round(4).to_list()
    [0.1386]
    """
    goal = _goal(1.0, deff, level)
    cells = _cells(rates, design, population)
    return pl.concat(_rows((cell,), allocate(cell.weights, cell.sizes, n), goal) for cell in cells)


def predicted_rates(
    confusion: pl.DataFrame,
    target: str | Sequence[str],
    posts: pl.DataFrame | None = None,
    *,
    by: Sequence[str] = (),
) -> pl.DataFrame:
    """What a classifier's classes hold of the `target` frames: stratum (predicted class), rate, and posts or weight.

    `confusion` has true, predicted and n, out of fold or from gold. The rate is (hits + 0.5) / (n + 1), so that few
    labels do not count as certainty; a class without labels has that of all. `posts` has predicted and the columns
    `by`, such as window and side: then there is a row for each cell and class, with its number of posts; without it,
    weight is the share of the class in the confusion. Rates of other windows than those planned for are guesses.
    Raises `SchemaError` when a column is missing.

    >>> confusion = pl.DataFrame({"true": ["a", "b"], "predicted": ["a", "a"], "n": [3, 1]})
    >>> predicted_rates(confusion, "a").rows()
    [('a', 0.7, 1.0)]
    """
    wanted = [target] if isinstance(target, str) else list(target)
    _require(confusion, ("true", "predicted", "n"), "confusion")
    frames = sorted({*confusion["true"], *confusion["predicted"]})
    for name in wanted:
        one_of(name, frames, "target")
    hits = pl.col("n").filter(pl.col("true").is_in(wanted)).sum()
    rate = ((hits + 0.5) / (pl.col("n").sum() + 1.0)).alias("rate")
    found = confusion.group_by(pl.col("predicted").alias("stratum")).agg(rate, pl.col("n").sum())
    if posts is None:
        coded = found.filter(pl.col("n") > 0)
        weight = (pl.col("n") / pl.col("n").sum()).alias("weight")
        return coded.select("stratum", "rate", weight).sort("stratum")
    _require(posts, ("predicted", *by), "posts")
    overall = float(confusion.select(rate).item())
    known = found.filter(pl.col("n") > 0).select("stratum", "rate")
    counts = posts.group_by(*(pl.col(name).fill_null(UNKNOWN) for name in by), pl.col("predicted").alias("stratum"))
    joined = counts.len("posts").join(known, on="stratum", how="left", validate="m:1")
    typed = joined.with_columns(pl.col("rate").fill_null(overall), pl.col("posts").cast(pl.Int64))
    return typed.select(*by, "stratum", "rate", "posts").sort(*by, "stratum")


def author_deff(posts_per_author: Sequence[int] | Any, icc: float, *, coded: float = 1.0) -> float:
    """Kish's design effect of authors whose posts are alike: 1 + (m - 1) icc, m the mean number seen from a post.

    `posts_per_author` are whole numbers, m = sum of squares / sum; `icc`, from 0 to 1, is the correlation of two posts
    of an author; with a share `coded` of the posts at random, m - 1 shrinks by it: few labels meet an author twice.

    >>> author_deff([1, 1, 2, 6], 0.3), author_deff([1, 1, 2, 6], 0.3, coded=0.1)
    (1.96, 1.096)
    """
    sizes = np.asarray(posts_per_author, dtype=np.float64)
    if sizes.size == 0 or not (sizes >= 1).all():
        raise UsageError("posts_per_author must hold a number of posts, 1 or more, for each author")
    if not 0 <= icc <= 1 or not 0 < coded <= 1:
        raise UsageError(f"icc is {icc} and coded is {coded}; icc must be from 0 to 1, coded above 0 and up to 1")
    return float(round(1.0 + coded * ((sizes**2).sum() / sizes.sum() - 1.0) * icc, 12))


@dataclass(frozen=True, eq=False)
class _Cell:
    """One window and side: `key` names it, `w` (j,) and `p` (j,) are shares and rates of predicted classes."""

    key: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    w: Floats
    p: Floats
    posts: int | None
    design: str

    @property
    def strata(self) -> tuple[str, ...]:
        return ("all",) if self.design == "random" else self.names

    @property
    def weights(self) -> Floats:
        """What labels are allocated by, one a stratum."""
        within = self.p * (1.0 - self.p)
        if self.design == "random":
            return np.array([np.sqrt((self.w * within).sum())])
        made: Floats = self.w * (np.sqrt(within) if self.design == "neyman" else 1.0)
        return made

    @property
    def sizes(self) -> Whole:
        """How many posts each stratum holds, without end where the number is not known."""
        if self.posts is None:
            return np.full(len(self.strata), _NO_LIMIT, dtype=np.int64)
        if self.design == "random":
            return np.array([self.posts], dtype=np.int64)
        return np.maximum(np.rint(self.w * self.posts), 1).astype(np.int64)

    def variance(self, counts: Whole) -> float:
        """The variance of the share with so many labels a stratum, without design effect."""
        within = self.p * (1.0 - self.p)
        between = 0.0
        if self.posts is not None:
            between = float((self.w * (self.p - (self.w * self.p).sum()) ** 2).sum()) / self.posts
        if self.design == "random":
            n = float(counts[0])
            return float((self.w * within).sum() / n + ((1.0 - self.w) * within).sum() / n**2) + between
        return float((self.w**2 * within / counts).sum()) + between


@dataclass(frozen=True)
class _Goal:
    """The width that is wished for and what makes a width of a variance."""

    width: float
    deff: float
    z: float

    def of(self, cells: Sequence[_Cell], counts: Whole) -> float:
        """The width of the sum or difference over the cells, whose strata stand end to end in `counts`."""
        ends = np.cumsum([len(cell.strata) for cell in cells])[:-1]
        parts = zip(cells, np.split(counts, ends), strict=True)
        return 2.0 * self.z * float(np.sqrt(self.deff * sum(cell.variance(part) for cell, part in parts)))


def _goal(width: float, deff: float, level: float) -> _Goal:
    if not 0 < width <= 2:
        raise UsageError(f"width is {width}; it must be above 0 and at most 2, like 0.1 for plus or minus 5 points")
    if not 0 < level < 1:
        raise UsageError(f"level is {level}; it must lie between 0 and 1, like 0.95")
    if not 0 < deff < float("inf"):
        raise UsageError(f"deff is {deff}; it must be above 0: 1 when the posts of an author are not alike")
    return _Goal(width, deff, NormalDist().inv_cdf(0.5 + level / 2.0))


def _planned(cells: Sequence[_Cell], goal: _Goal, per_cell: int) -> Whole:
    """The fewest labels that reach the goal, by halving; the strata of the cells stand end to end."""
    floors = []
    for cell in cells:
        least = int(np.minimum(cell.sizes, 2).sum())
        floors.append(allocate(cell.weights, cell.sizes, max(least, min(per_cell, int(cell.sizes.sum())))))
    weights = np.concatenate([cell.weights for cell in cells])
    sizes, floor = np.concatenate([cell.sizes for cell in cells]), np.concatenate(floors)

    def reached(n: int) -> bool:
        return goal.of(cells, allocate(weights, sizes, n, at_least=floor)) <= goal.width

    low, high = int(floor.sum()), max(min(int(sizes.sum()), _MOST), int(floor.sum()))
    if not reached(high):
        best = goal.of(cells, allocate(weights, sizes, high, at_least=floor))
        raise MeaningError(
            f"the width is {goal.width} and {high} labels in {_listed([cell.key for cell in cells])} give {best:.4f}; "
            "ask for a wider interval, or join windows"
        )
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    return allocate(weights, sizes, low, at_least=floor)


def _rows(cells: Sequence[_Cell], counts: Whole, goal: _Goal, windows: Sequence[str] = ()) -> pl.DataFrame:
    width, rows, at = goal.of(cells, counts), [], 0
    for place, cell in enumerate(cells):
        head = {"window": windows[place]} if windows else {}
        for name in cell.strata:
            rows.append({**head, **dict(cell.key), "stratum": name, "n": int(counts[at]), "width": width})
            at += 1
    return pl.DataFrame(rows)


def _cells(rates: float | pl.DataFrame, design: str, population: int | None, without: str = "") -> list[_Cell]:
    one_of(design, GOLD_DESIGNS, "design")
    if population is not None and population < 1:
        raise UsageError(f"population is {population}; it must be the number of posts in a window and side, or None")
    frame = _table(rates)
    _require(frame, ("stratum", "rate"), "rates")
    weight = "posts" if "posts" in frame.columns else "weight"
    _require(frame, (weight,), "rates")
    keys = [name for name in frame.columns if name not in (*_OWN, without)]
    if frame.is_empty() or frame.select(*keys, "stratum").is_duplicated().any():
        raise SchemaError("the rates need each predicted class once in each cell, and at least one row")
    if not frame["rate"].fill_nan(None).is_between(0, 1).fill_null(False).all():
        raise SchemaError("the rates hold values outside 0 to 1; a rate is the part of a class that has the frame")
    if not (frame[weight].fill_null(-1) >= 0).all():
        raise SchemaError(f"{weight} of the rates holds values below 0 or none; give the size of each class")
    frame = frame.with_columns(pl.col(name).cast(pl.String).fill_null(UNKNOWN) for name in (*keys, "stratum"))
    parts = frame.sort(*keys, "stratum").partition_by(keys, maintain_order=True) if keys else [frame.sort("stratum")]
    return [_cell(part.filter(pl.col(weight) > 0), keys, weight, population, design) for part in parts]


def _cell(part: pl.DataFrame, keys: Sequence[str], weight: str, population: int | None, design: str) -> _Cell:
    size = part[weight].cast(pl.Float64).to_numpy()
    total = float(size.sum())
    if weight == "weight" and abs(total - 1.0) > 1e-6:
        raise SchemaError(f"the weights of a cell add up to {total:.6g}; they must make 1, or give posts")
    if total <= 0:
        raise SchemaError("a cell of the rates holds no posts; leave it out")
    posts = population if population is not None or weight == "weight" else round(total)
    key = tuple((name, str(part[name][0])) for name in keys)
    return _Cell(key, tuple(part["stratum"]), size / total, part["rate"].cast(pl.Float64).to_numpy(), posts, design)


def _table(rates: float | pl.DataFrame) -> pl.DataFrame:
    """Rates as a table: a share alone is that of one class that holds every post."""
    if isinstance(rates, int | float):
        return pl.DataFrame({"stratum": ["all"], "rate": [float(rates)], "weight": [1.0]})
    return as_polars(rates)


def _window(rates: pl.DataFrame, name: str) -> str:
    if "window" not in rates.columns:
        return name
    windows = rates["window"].unique().sort().to_list()
    if len(windows) != 1:
        raise UsageError(f"{name} holds the windows {', '.join(map(str, windows))}; give the rates of one")
    return str(windows[0])


def _require(frame: pl.DataFrame, columns: Sequence[str], what: str) -> None:
    for name in columns:
        if name not in frame.columns:
            raise SchemaError(f"there is no column {name!r} in the {what}, only {', '.join(frame.columns)}; give it")


def _listed(keys: Sequence[tuple[tuple[str, str], ...]]) -> str:
    return ", ".join(dict.fromkeys(" ".join(value for _, value in key) or "all" for key in keys)) or "none"
