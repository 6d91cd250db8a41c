"""Who posted when and in which language, as counts that show no small group."""

from __future__ import annotations

import polars as pl

from discourse.report.guard import MIN_AUTHORS

__all__ = ["composition"]

_CELL = ["window", "side", "lang"]


def composition(placed: pl.DataFrame) -> pl.DataFrame:
    """Posts and authors per window, side and language, from posts with window, side, lang and author_id.

    Languages that fewer than ten authors of a cell write in are put together as `other`; if that group has
    fewer than ten authors too, its row stays with `posts` and `n_authors` null.

    >>> one = {"window": "2025-01-06", "side": "pakistan", "lang": "ur", "author_id": "x:a"}
    >>> composition(pl.DataFrame([one])).row(0, named=True)["posts"] is None
    True
    """
    posts = placed.with_columns(pl.col("side").fill_null("unknown"), pl.col("lang").fill_null("und"))
    authors = pl.col("author_id").n_unique().over(_CELL)
    grouped = posts.with_columns(lang=pl.when(authors < MIN_AUTHORS).then(pl.lit("other")).otherwise("lang"))
    counts = grouped.group_by(_CELL).agg(
        posts=pl.len().cast(pl.Int64), n_authors=pl.col("author_id").n_unique().cast(pl.Int64)
    )
    enough = pl.col("n_authors") >= MIN_AUTHORS
    return counts.with_columns(pl.when(enough).then(pl.col("posts", "n_authors"))).sort(_CELL)
