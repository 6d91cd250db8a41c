"""A series in each group of posts, by language or platform: each group is measured as a study of its own.

A group is corrected by its own coded posts alone, so groups with few of them have wide intervals, and a group without
any is not corrected: its numbers are withheld (flag `no_gold`), not borrowed from another language.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from discourse.errors import GoldWarning, SchemaError
from discourse.measure.methods import NAIVE
from discourse.measure.timeline import Measure, Plan, over_time, period_of
from discourse.schema import SERIES, one_of

__all__ = ["BY", "GROUPS", "over_groups"]

BY: Final = {"lang": "und", "platform": "unknown"}
"""What posts can be grouped by, and the name of the group of those of which it is not known."""
GROUPS: Final = {"by": pl.String, "group": pl.String, **SERIES.columns}
_VALUES: Final = ("estimate", "low", "high", "baseline", "baseline_low", "baseline_high")


def over_groups(
    measures: Measure | Sequence[Measure], observed: pl.DataFrame, *, by: str, plan: Plan, seed: int
) -> pl.DataFrame:
    """The series of `over_time` in each group, with `by` and `group` before its columns.

    `observed` comes from `observe` and has the column `by`, "lang" or "platform". All groups have the windows of the
    whole period. Every group keeps its rows, however small. Raises as `over_time`; what it warns of windows without
    gold stands in the flags, and is not said again for each group.

    >>> from datetime import datetime, timezone
    >>> from discourse import Prevalence
    >>> observed = pl.DataFrame({"author_id": ["x:a", "x:b"], "side": ["pakistan"] * 2, "value": [None, None],
    ...     "created_at": [datetime(2025, 1, 6, tzinfo=timezone.utc)] * 2, "lang": ["ur", "ps"],
    ...     "predicted": ["nationalist", "neither"], "inclusion_p": [None, None]})
    >>> plan = Plan(method="cc", force=True)
    >>> made = over_groups(Prevalence("nationalist"), observed, by="lang", plan=plan, seed=7)
    >>> made.filter(side="pakistan").select("group", "estimate").rows()
    [('ps', 0.0), ('ur', 1.0)]
    """
    one_of(by, BY, "by")
    if by not in observed.columns:
        raise SchemaError(f"the observed posts have no column {by!r}; give observe posts that have it")
    named = observed.with_columns(pl.col(by).fill_null(BY[by]))
    if named.height:
        begin, end = period_of(named, plan)
        plan = replace(plan, begin=begin, end=end)
    parts = []
    for group in named[by].unique().sort():
        rows = _one(measures, named.filter(pl.col(by) == group), plan, seed)
        parts.append(rows.select(pl.lit(by).alias("by"), pl.lit(group).alias("group"), pl.all()))
    return pl.concat(parts) if parts else pl.DataFrame(schema=GROUPS)


def _one(measures: Measure | Sequence[Measure], own: pl.DataFrame, plan: Plan, seed: int) -> pl.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GoldWarning)
        if plan.method in NAIVE or own["value"].count():
            return over_time(measures, own, plan=plan, seed=seed)
        counted = over_time(measures, own, plan=replace(plan, method="cc", replicates=1, shuffles=1), seed=seed)
    empty = pl.col("flags").str.split(" ").list.contains("empty")
    return counted.with_columns(
        *(pl.lit(None, SERIES.columns[name]).alias(name) for name in _VALUES),
        pl.lit(plan.method).alias("method"), pl.lit("").alias("assumes"),
        pl.when(empty).then(pl.col("flags").str.replace(r" ?naive", ""))
        .otherwise(pl.col("flags").str.replace(r"naive", "no_gold")).alias("flags"),
    )  # fmt: skip
