"""Who posted when, in which language, told by which evidence, and what was copied: counts that show no small group."""

from __future__ import annotations

import polars as pl

from discourse.report.guard import MIN_AUTHORS, suppress
from discourse.schema import UNKNOWN

__all__ = ["composition", "evidence_over_time", "waves_over_time"]

_PLACE = ["window", "side"]
_OTHER = "other"


def composition(placed: pl.DataFrame) -> pl.DataFrame:
    """Posts and authors per window, side and language, from posts with window, side, lang and author_id.

    Languages that fewer than ten authors of a cell write in are put together as `other`; if that group has
    fewer than ten authors too, the next smallest language joins it. A side of fewer than ten authors in a window
    keeps its row with `posts` and `n_authors` null, and so do as many other windows and sides as it takes that no
    hidden count follows from the posts of a side or of all (`guard.suppress`).

    >>> one = {"window": "2025-01-06", "side": "pakistan", "lang": "ur", "author_id": "x:a"}
    >>> composition(pl.DataFrame([one])).row(0, named=True)["posts"] is None
    True
    """
    return _composed(placed.with_columns(pl.col("lang").fill_null("und")), "lang")


def evidence_over_time(placed: pl.DataFrame) -> pl.DataFrame:
    """Posts and authors per window, side and the evidence for the side (`basis`), guarded as in `composition`.

    `placed` has window, side, side_basis and author_id; posts of unknown side have the basis "none".

    >>> one = {"window": "2025-01-06", "side": "pakistan", "side_basis": "geotag", "author_id": "x:a"}
    >>> evidence_over_time(pl.DataFrame([one] * 3)).rows()
    [('2025-01-06', 'pakistan', 'other', None, None)]
    """
    return _composed(placed.with_columns(basis=pl.col("side_basis").fill_null("none")), "basis")


def waves_over_time(placed: pl.DataFrame, waves: pl.DataFrame) -> pl.DataFrame:
    """How much of each window was copied in waves: waves, their posts and authors, and all posts.

    `placed` has window, copy_id, created_at, author_id and kind; `waves` is that of `coordinated_copies`. Reposts
    count nowhere. A wave counts in each window that it has a post in. Counts of waves by fewer than ten authors, and
    the posts of a window by fewer than ten, are null; a window without waves has 0.

    >>> from datetime import datetime
    >>> at = datetime(2025, 1, 6)
    >>> posts = pl.DataFrame({"window": ["w"] * 12, "copy_id": ["c"] * 12, "created_at": [at] * 12,
    ...                       "kind": ["reply"] * 12, "author_id": [f"x:{i}" for i in range(12)]})
    >>> wave = pl.DataFrame({"copy_id": ["c"], "posts": [12], "authors": [12], "first": [at], "last": [at]})
    >>> waves_over_time(posts, wave).rows()
    [('w', 1, 12, 12, 12)]
    """
    own = placed.filter(pl.col("kind") != "repost")
    numbered = waves.with_row_index("wave").select("wave", "copy_id", "first", "last")
    inside = own.join(numbered, on="copy_id", how="inner").filter(
        pl.col("created_at").is_between(pl.col("first"), pl.col("last"))
    )
    counted = inside.group_by("window").agg(
        waves=pl.col("wave").n_unique().cast(pl.Int64), posts=pl.len().cast(pl.Int64),
        n_authors=pl.col("author_id").n_unique().cast(pl.Int64),
    )  # fmt: skip
    everyone = pl.col("author_id").n_unique()
    totals = own.group_by("window").agg(
        all_posts=pl.when(everyone >= MIN_AUTHORS).then(pl.len().cast(pl.Int64))
    )  # fmt: skip
    joined = totals.join(counted, on="window", how="left", validate="1:1").sort("window")
    none = pl.col("n_authors").is_null()
    few = (pl.col("n_authors") < MIN_AUTHORS).fill_null(value=False) | pl.col("all_posts").is_null()
    told = [
        pl.when(few).then(None).when(none).then(0).otherwise(name).alias(name)
        for name in ("waves", "posts", "n_authors")
    ]
    return joined.select("window", *told, "all_posts")


def _composed(placed: pl.DataFrame, part: str) -> pl.DataFrame:
    """Posts and authors by window, side and `part`, small parts together as "other", small cells withheld."""
    cell = [*_PLACE, part]
    posts = placed.with_columns(pl.col("side").fill_null(UNKNOWN))
    authors = pl.col("author_id").n_unique().over(cell)
    grouped = posts.with_columns(pl.when(authors < MIN_AUTHORS).then(pl.lit(_OTHER)).otherwise(part).alias(part))
    counts = _counted(grouped, cell)
    # A hidden group "other" would be the posts of the side less the parts shown: let it grow instead.
    while (joins := _joining(counts, part)).height:
        smallest = pl.struct(cell).is_in(joins.select(pl.struct(cell)).to_series().implode())
        grouped = grouped.with_columns(pl.when(smallest).then(pl.lit(_OTHER)).otherwise(part).alias(part))
        counts = _counted(grouped, cell)
    # By the rule that hides counts of a series, so that neither table tells what the other hides.
    told = suppress(_counted(posts, _PLACE), _PLACE, totals=(("side",), ())).select(*_PLACE, "withheld")
    return (
        counts.join(told, on=_PLACE, how="left", validate="m:1", maintain_order="left")
        .with_columns(pl.when(~pl.col("withheld")).then(pl.col("posts", "n_authors")))
        .drop("withheld")
    )


def _counted(posts: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    counted = {"posts": pl.len().cast(pl.Int64), "n_authors": pl.col("author_id").n_unique().cast(pl.Int64)}
    return posts.group_by(by).agg(**counted).sort(by)


def _joining(counts: pl.DataFrame, part: str) -> pl.DataFrame:
    """The smallest part beside each group "other" of fewer than ten authors."""
    small = counts.filter(pl.col(part) == _OTHER, pl.col("n_authors") < MIN_AUTHORS)
    beside = counts.filter(pl.col(part) != _OTHER).join(small, on=_PLACE, how="semi")
    return beside.sort("n_authors", part).unique(_PLACE, keep="first", maintain_order=True)
