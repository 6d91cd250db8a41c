"""Tables other than the series, as they may be shown: no small group, and none that follows from the others."""

from __future__ import annotations

import polars as pl

from discourse.report.guard import MIN_AUTHORS, shown, suppress

__all__ = ["shown_confusion", "shown_groups", "shown_reliability"]

_COUNTS = ("n_posts", "n_authors", "n_eff", "n_gold")
_VALUES = ("estimate", "low", "high", "baseline", "baseline_low", "baseline_high")
_PLACE = ("window", "side")


def shown_groups(table: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """A table of `over_groups` with the numbers of small cells withheld, and all counts that would tell them.

    The posts of the groups of a window and side add up to those in `series`, the series of all groups together. So
    where one group has 1 to 9 authors, or the series withholds its counts (`guard.shown`), no group of that window and
    side shows counts. Shares of 10 authors and more stay: a share tells no count.

    >>> from datetime import datetime
    >>> at = {"window": "w", "start": datetime(2025, 1, 6), "end": datetime(2025, 1, 13), "side": "a", "flags": "",
    ...       "measure": "Prevalence('both')", "method": "cc", "weight": "author"}
    >>> whole = pl.DataFrame([{**at, "n_posts": 94, "n_authors": 62, "n_eff": 62.0, "estimate": 0.5}])
    >>> groups = pl.DataFrame([
    ...     {"by": "lang", "group": "ur", **at, "n_posts": 90, "n_authors": 60, "n_eff": 60.0, "estimate": 0.5},
    ...     {"by": "lang", "group": "ps", **at, "n_posts": 4, "n_authors": 3, "n_eff": 3.0, "estimate": 0.2}])
    >>> shown_groups(groups, whole).select("n_posts", "estimate", "flags").rows()
    [(None, 0.5, ''), (None, None, 'withheld')]
    """
    kept = (
        shown(series).filter(pl.col("n_posts").is_not_null()).select(*_PLACE).unique().with_columns(_told=pl.lit(True))
    )
    authors = pl.coalesce(pl.col("n_authors"), pl.lit(1))  # a count that is gone was small, or beside a small one
    small = (authors > 0) & (authors < MIN_AUTHORS)
    marked = table.join(kept, on=_PLACE, how="left", maintain_order="left").with_columns(
        _small=small & pl.col("n_authors").is_not_null(),
        _hide=small.any().over("by", *_PLACE) | pl.col("_told").is_null(),
    )  # fmt: skip
    said = pl.col("flags").fill_null("")
    new = pl.col("_small") & ~said.str.split(" ").list.contains("withheld")
    return marked.with_columns(
        *(pl.when(~pl.col("_small")).then(name).alias(name) for name in _VALUES if name in table.columns),
        *(pl.when(~pl.col("_hide")).then(name).alias(name) for name in _COUNTS if name in table.columns),
        pl.when(new).then((said + " withheld").str.strip_chars()).otherwise("flags").alias("flags"),
    ).drop("_told", "_small", "_hide")


def shown_confusion(table: pl.DataFrame) -> pl.DataFrame:
    """A confusion table without the counts of cells of fewer than 10 authors, and with the posts of each row (`row`).

    `table` has true, predicted, n and n_authors. The posts of a row are known, so further cells go where a hidden count
    would follow; cells without posts stay.

    >>> rows = {"true": ["both"] * 3, "predicted": ["both", "neither", "abstain"], "n": [30, 4, 0],
    ...         "n_authors": [20, 4, 0]}
    >>> shown_confusion(pl.DataFrame(rows)).select("n", "row").rows()
    [(None, 34), (None, 34), (0, 34)]
    """
    whole = table.with_columns(row=pl.col("n").sum().over("true"))
    told = suppress(whole, ("true", "predicted"), totals=(("true",), ()), values=("n",))
    return told.drop("withheld")


def shown_reliability(table: pl.DataFrame) -> pl.DataFrame:
    """A table of `reliability` without the numbers of bins of fewer than 10 authors; the rows stay.

    The bins of a frame add up to all coded posts, which is known: further bins go where a hidden count would follow.

    >>> rows = {"frame": ["both"] * 2, "bin_low": [0.0, 0.5], "predicted": [0.1, 0.7], "observed": [0.2, 0.6],
    ...         "low": [0.1, 0.2], "high": [0.3, 0.9], "n": [50, 4], "n_authors": [40, 4]}
    >>> shown_reliability(pl.DataFrame(rows))["n"].to_list()
    [None, None]
    """
    told = suppress(table, ("frame", "bin_low"), totals=(("frame",),), values=("n",))
    hidden = [pl.when(~pl.col("withheld")).then(name).alias(name) for name in ("predicted", "observed", "low", "high")]
    return told.with_columns(hidden).drop("withheld")
