"""Who posted when and in which language, as counts that show no small group."""

from __future__ import annotations

import polars as pl

from discourse.report.guard import MIN_AUTHORS, suppress

__all__ = ["composition"]

_CELL = ["window", "side", "lang"]
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
    posts = placed.with_columns(pl.col("side").fill_null("unknown"), pl.col("lang").fill_null("und"))
    authors = pl.col("author_id").n_unique().over(_CELL)
    grouped = posts.with_columns(lang=pl.when(authors < MIN_AUTHORS).then(pl.lit(_OTHER)).otherwise("lang"))
    counts = _counted(grouped, _CELL)
    # A hidden group "other" would be the posts of the side less the languages shown: let it grow instead.
    while (joins := _joining(counts)).height:
        smallest = pl.struct(_CELL).is_in(joins.select(pl.struct(_CELL)).to_series().implode())
        grouped = grouped.with_columns(lang=pl.when(smallest).then(pl.lit(_OTHER)).otherwise("lang"))
        counts = _counted(grouped, _CELL)
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


def _joining(counts: pl.DataFrame) -> pl.DataFrame:
    """The smallest language beside each group "other" of fewer than ten authors."""
    small = counts.filter(pl.col("lang") == _OTHER, pl.col("n_authors") < MIN_AUTHORS)
    beside = counts.filter(pl.col("lang") != _OTHER).join(small, on=["window", "side"], how="semi")
    return beside.sort("n_authors", "lang").unique(["window", "side"], keep="first", maintain_order=True)
