"""From scored parts and gold labels to series, with the memory of one shard: the numbers of `timeline.over_time`.

Two passes over the scores. The first deals the posts of each part out by author; the second counts one shard after the
other, and the counts add up. Where a measure has a baseline, the shards are read once more for the shuffles.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import polars as pl

from discourse.engine.backend import Engine
from discourse.engine.scored import ScoredPart, Scores, read_part, read_scores
from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.measure.means import MEANS, Sums, means_of, sum_parts
from discourse.measure.prevalence import Shares
from discourse.measure.shards import POSTS_A_SHARD, columns_of, deal_out, read_shard
from discourse.measure.shuffle import shuffled_parts
from discourse.measure.tallies import Design, Tallies, encode, tally_parts, total
from discourse.measure.timeline import Floats, Measure, Plan, design_of, grid_of, observe, series_of
from discourse.schema import KINDS, SERIES, UNKNOWN, as_polars, one_of

__all__ = ["Measured", "Selection", "measure_scores"]

_TASKS: Final = 16  # into so many pieces the counting is cut, whoever works on it


@dataclass(frozen=True)
class Selection:
    """Which scored posts are measured: kinds of post, and all but those the model was trained on (`without`, ids).

    >>> Selection().kinds
    ('original', 'reply', 'quote')
    """

    kinds: tuple[str, ...] = ("original", "reply", "quote")
    without: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for kind in self.kinds:
            one_of(kind, KINDS, "kind")


@dataclass(frozen=True, eq=False)
class Measured:
    """The series, mean sentiment of each side in each window, and how many posts were left out, by reason."""

    series: pl.DataFrame
    means: pl.DataFrame
    posts: int
    left_out: dict[str, int]


@dataclass(frozen=True)
class _Deal:
    """One part to be dealt out."""

    folder: str
    part: ScoredPart
    plan: Plan
    selection: Selection
    gold: pl.DataFrame | None
    shards: int
    path: str


@dataclass(frozen=True)
class _Dealt:
    """What a part held: posts inside, the first and last of them, gold labels found, posts left out."""

    posts: int
    first: datetime | None
    last: datetime | None
    gold: int
    left_out: dict[str, int]


@dataclass(frozen=True)
class _Count:
    """Shards to be counted."""

    paths: tuple[str, ...]
    shards: range
    design: Design


def measure_scores(
    folder: str | Path,
    measures: Measure | Sequence[Measure],
    *,
    plan: Plan,
    seed: int,
    gold: pl.DataFrame | None = None,
    selection: Selection | None = None,
    engine: Engine | None = None,
    posts_a_shard: int = POSTS_A_SHARD,
) -> Measured:
    """The series of a folder of scores: exactly those of `over_time`, however the posts lie in parts and shards.

    `gold` has post_id, value and inclusion_p, as `over_time` asks for; each of its posts must be among those measured.
    Posts outside the plan's period are left out, as are those that the `selection` leaves out; all are counted. Mean
    sentiment goes by author or post as the plan's weight says, and is empty for the weight of unique texts.

    Raises `MeaningError` without posts and for gold of posts that are not measured, `UsageError` for posts on a side
    that the plan does not know, and what `over_time` raises.

    >>> measure_scores("no-such-folder", (), plan=Plan(), seed=7)
    Traceback (most recent call last):
    discourse.errors.MissingData: there are no scores in 'no-such-folder'; make them with discourse score
    """
    place, scores = Path(folder).resolve(), read_scores(folder)
    work, chosen = engine or Engine(), selection or Selection()
    shards = max(1, -(-scores.rows // posts_a_shard))
    spill = Path(mkdtemp(prefix=".spill-", dir=place))
    try:
        deals = _deals(place, scores, (plan, chosen, _checked(gold)), shards, spill)
        dealt = list(work.map(_deal, deals))
        design, grid = _design(dealt, plan, seed, 0 if gold is None else gold.height)
        paths = tuple(deal.path for deal in deals)
        tallies, sums = _counted(paths, shards, design, work)

        def shuffled(shares: Shares) -> Floats:
            return shuffled_parts(lambda: _encoded(paths, shards, design), design, shares, plan.sides, plan.shuffles)

        series = series_of(measures, tallies, grid, plan=plan, shuffled=shuffled) if measures else SERIES.empty()
    finally:
        shutil.rmtree(spill, ignore_errors=True)
    means = MEANS.empty() if sums is None else means_of(sums, level=plan.level, force=plan.force)
    left_out = {reason: sum(one.left_out[reason] for one in dealt) for reason in dealt[0].left_out}
    return Measured(series, means, sum(one.posts for one in dealt), left_out)


def _checked(gold: pl.DataFrame | None) -> pl.DataFrame | None:
    """The gold labels, each post once."""
    if gold is None:
        return None
    given = as_polars(gold)
    absent = [name for name in ("post_id", "value", "inclusion_p") if name not in given.columns]
    if absent:
        raise SchemaError(f"the gold has no column {absent[0]!r}; it needs post_id, value and inclusion_p")
    if given["post_id"].is_duplicated().any():
        raise MeaningError("the gold holds a post more than once; settle it to one label a post first")
    return given.select("post_id", "value", "inclusion_p")


def _deals(
    place: Path, scores: Scores, asked: tuple[Plan, Selection, pl.DataFrame | None], shards: int, spill: Path
) -> list[_Deal]:
    plan, selection, gold = asked
    return [
        _Deal(str(place), part, plan, selection, gold, shards, str(spill / f"{number:06}.arrow"))
        for number, part in enumerate(scores.parts)
    ]


def _deal(deal: _Deal) -> _Dealt:
    """Deal one part out; returns what it held."""
    needed = {*columns_of(deal.plan), "post_id", "created_at", "kind"} - {"window", "value", "inclusion_p"}
    rows = read_part(deal.folder, deal.part, sorted({*needed, "copy_id", "predicted"}))
    at, begin, end = pl.col("created_at"), deal.plan.begin, deal.plan.end
    early_or_late = (pl.lit(False) if begin is None else at < begin) | (pl.lit(False) if end is None else at >= end)
    left_out, kept = {}, rows
    for reason, wrong in (
        ("other kinds", ~pl.col("kind").is_in(list(deal.selection.kinds))),
        ("trained on", pl.col("post_id").is_in(list(deal.selection.without))),
        ("outside the period", early_or_late),
    ):
        rest = kept.filter(~wrong)
        left_out[reason], kept = kept.height - rest.height, rest
    strange = kept.filter(~pl.col("side").is_in([*deal.plan.sides, UNKNOWN])).height
    if strange:
        raise UsageError(f"{strange} posts of a part are on sides that the plan does not compare; name its two sides")
    gold = None if deal.gold is None else deal.gold.join(kept, on="post_id", how="semi")
    observed = observe(kept, kept, gold).join(kept.select("post_id", "sentiment"), on="post_id", maintain_order="left")
    deal_out(observed, deal.plan, deal.shards, deal.path)
    first, last = kept["created_at"].min(), kept["created_at"].max()
    times = [one if isinstance(one, datetime) else None for one in (first, last)]
    return _Dealt(kept.height, times[0], times[1], 0 if gold is None else gold.height, left_out)


def _design(dealt: Sequence[_Dealt], plan: Plan, seed: int, gold: int) -> tuple[Design, pl.DataFrame]:
    """What the posts are counted by, and the windows of the period."""
    firsts = [one.first for one in dealt if one.first is not None]
    lasts = [one.last for one in dealt if one.last is not None]
    if not firsts:
        raise MeaningError("there are no posts to measure; check the population and the period of the study")
    found = sum(one.gold for one in dealt)
    if found < gold:
        raise MeaningError(
            f"{gold - found} of {gold} gold labels belong to posts that are not measured; the gold must be drawn from "
            "the measured population"
        )
    begin = plan.begin or min(firsts)
    end = plan.end or max(lasts) + timedelta(microseconds=1)
    grid = grid_of(plan, begin, end)
    return design_of(plan, grid, seed), grid


def _counted(paths: tuple[str, ...], shards: int, design: Design, work: Engine) -> tuple[Tallies, Sums | None]:
    """The tallies of all shards, and their sums of sentiment."""
    step = -(-shards // _TASKS)
    tasks = [_Count(paths, range(low, min(low + step, shards)), design) for low in range(0, shards, step)]
    sums = []

    def counted() -> Iterator[Tallies]:
        for tallies, more in work.map(_count, tasks):
            sums.append(more)
            yield tallies

    made = total(counted(), design)
    known = [one for one in sums if one is not None]
    return made, reduce(add, known) if known else None


def _count(task: _Count) -> tuple[Tallies, Sums | None]:
    tallies = tally_parts((read_shard(task.paths, shard) for shard in task.shards), task.design)
    if task.design.weight == "unique_text":
        return tallies, None
    return tallies, sum_parts((read_shard(task.paths, shard) for shard in task.shards), task.design)


def _encoded(paths: Sequence[str], shards: int, design: Design) -> Iterator[pl.DataFrame]:
    for shard in range(shards):
        yield encode(read_shard(paths, shard), design)
