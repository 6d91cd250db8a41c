"""Mean sentiment of each side in each window, with the author bootstrap of the shares.

VADER's compound has four decimals, so sums of it are whole numbers and exact in any order and any partition, as counts
are. Sentiment is not framing, and only English posts have one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.measure.spread import CAPACITY, author_keys, spread
from discourse.measure.tallies import SCALE, Design
from discourse.schema import Table

__all__ = ["MEANS", "Sums", "means_of", "sum_parts"]

MEANS = Table(
    "means",
    {
        "window": pl.String, "side": pl.String, "weight": pl.String, "mean": pl.Float64, "low": pl.Float64,
        "high": pl.Float64, "n_posts": pl.Int64, "n_authors": pl.Int64, "n_eff": pl.Float64,
    },
    required=frozenset({"window", "side", "weight", "n_posts", "n_authors"}),
    key=("side", "window"),
)  # fmt: skip

_STEPS: Final = 10_000  # a compound is a multiple of 1 / _STEPS
_WEIGHTS: Final = ("author", "post")

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums of posts that have a sentiment, under every replicate; those of disjoint authors merge by `+`.

    `sums` has the shape (cells, 2, 1 + b): what the posts weigh, and that times (compound + 1) * 10,000 for posts or
    (mean + 1) * SCALE for authors. `n_posts`, `n_authors` and `squares` (of the sizes of authors) have (cells,).
    """

    design: Design
    sums: Counts
    n_posts: Counts
    n_authors: Counts
    squares: Counts

    @classmethod
    def empty(cls, design: Design) -> Sums:
        """The sums of no posts."""
        zeros = [np.zeros(design.cells, np.int64) for _ in range(3)]
        return cls(design, np.zeros((design.cells, 2, 1 + design.replicates), np.int64), *zeros)

    def __add__(self, other: Sums) -> Sums:
        if self.design != other.design:
            raise MeaningError("these sums were made under different designs; make both with the same one")
        pairs = ((getattr(one, name) for one in (self, other)) for name in ("sums", "n_posts", "n_authors", "squares"))
        return Sums(self.design, *(first + second for first, second in pairs))


def sum_parts(parts: Iterable[pl.DataFrame], design: Design) -> Sums:
    """The sums of posts that come a part at a time; a part holds whole authors.

    Needs author_id, window, side and sentiment, of which null is left out. Raises `UsageError` for the weight of unique
    texts, `SchemaError` for a sentiment outside [-1, 1] and for cells outside the design.

    >>> posts = pl.DataFrame({"author_id": ["x:a", "x:a", "x:b"], "window": ["w1"] * 3, "side": ["pakistan"] * 3,
    ...     "sentiment": [0.5, -0.5, 0.8]})
    >>> made = sum_parts([posts], Design(("w1",), ("pakistan",), weight="author", replicates=2))
    >>> means_of(made, force=True)["mean"].round(9).to_list()          # author a has 0, b has 0.8
    [0.4]
    """
    if design.weight not in _WEIGHTS:
        raise UsageError(f"mean sentiment goes by author or by post, got {design.weight!r}; choose one of the two")
    made = Sums.empty(design)
    for part in parts:
        _add(made, part.filter(pl.col("sentiment").is_not_null()))
    return made


def means_of(sums: Sums, *, level: float = 0.95, force: bool = False, least: float = 30.0) -> pl.DataFrame:
    """Means and percentile intervals, rows of `MEANS`: one a side and window, also where there are no posts.

    Numbers of cells with an effective sample size under `least` authors are withheld (null) unless `force`.
    """
    design, n, s = sums.design, sums.sums[:, 0].astype(np.float64), sums.sums[:, 1].astype(np.float64)
    unit = float(SCALE) if design.weight == "author" else float(_STEPS)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = s / (n * unit) - 1.0
    size = sums.n_posts if design.weight == "post" else sums.n_authors
    n_eff = size.astype(np.float64) ** 2 / np.maximum(sums.squares, 1)
    tail = (1 - level) / 2
    rows: list[dict[str, Any]] = []
    for cell in range(design.cells):
        window, side = divmod(cell, len(design.sides))
        known = values[cell, 1:][np.isfinite(values[cell, 1:])]
        shown = sums.n_posts[cell] > 0 and (force or n_eff[cell] >= least)
        low, high = np.quantile(known, [tail, 1 - tail]) if shown and len(known) else (None, None)
        rows.append({
            "window": design.windows[window], "side": design.sides[side], "weight": design.weight,
            "mean": float(values[cell, 0]) if shown else None, "low": low, "high": high,
            "n_posts": int(sums.n_posts[cell]), "n_authors": int(sums.n_authors[cell]), "n_eff": float(n_eff[cell]),
        })  # fmt: skip
    return MEANS.frame(pl.DataFrame(rows, schema=dict(MEANS.columns), orient="row")).sort(MEANS.key)


def _add(made: Sums, posts: pl.DataFrame) -> None:
    """Add posts to sums in place."""
    design = made.design
    code = [
        pl.col(name).cast(pl.Enum(names), strict=False).to_physical().cast(pl.Int64).alias(name)
        for name, names in (("window", design.windows), ("side", design.sides))
    ]
    if not posts["sentiment"].is_between(-1.0, 1.0).all():
        raise SchemaError("a sentiment lies outside -1 to 1; give VADER's compound")
    cells = posts.select("author_id", *code, steps=(pl.col("sentiment") * _STEPS).round().cast(pl.Int64) + _STEPS)
    if cells["window"].null_count() or cells["side"].null_count():
        raise SchemaError("posts have a window or side outside the design's; drop them first")
    cell = pl.col("window") * len(design.sides) + pl.col("side")
    pairs = cells.group_by("author_id", cell=cell).agg(n=pl.len().cast(pl.Int64), steps=pl.col("steps").sum())
    ids = pairs["author_id"].unique(maintain_order=True)
    at = pairs.select("author_id").join(
        pl.DataFrame({"author_id": ids, "at": np.arange(len(ids), dtype=np.int64)}), on="author_id", how="left",
        maintain_order="left",
    )["at"].to_numpy()  # fmt: skip
    slot, n, steps = (pairs[name].to_numpy() for name in ("cell", "n", "steps"))
    weight = n
    if design.weight == "author":
        weight, steps = np.ones_like(n), np.round(steps / n * (SCALE / _STEPS)).astype(np.int64)
    if float(steps.sum(dtype=np.float64)) + float(made.sums[:, 1, 0].max(initial=0)) > CAPACITY:
        raise UsageError("the sum of these sentiments does not fit into 64 bits; use shorter windows")
    keys = author_keys(ids, design.seed)
    out = made.sums.reshape(2 * design.cells, -1)
    spread(keys, (at, 2 * slot, weight), out)
    spread(keys, (at, 2 * slot + 1, steps), out)
    np.add.at(made.n_posts, slot, n)
    np.add.at(made.n_authors, slot, 1)
    np.add.at(made.squares, slot, n * n if design.weight == "post" else 1)
