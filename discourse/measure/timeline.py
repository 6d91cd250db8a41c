"""Measures over time: one row a window, measure and side, with interval, baseline and what it rests on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import GoldWarning, MeaningError, SchemaError, UsageError
from discourse.measure.guarding import guard_table
from discourse.measure.methods import METHODS, NAIVE, SCORES_OF
from discourse.measure.prevalence import Shares, prevalence
from discourse.measure.shuffle import shuffled_shares
from discourse.measure.tallies import Design, Tallies, tally
from discourse.measure.windows import Calendar, place_in_windows, windows_of
from discourse.schema import SERIES, UNKNOWN, as_polars, one_of

__all__ = [
    "MIN_N_EFF", "Measure", "Plan", "design_of", "grid_of", "guards", "observe", "over_time", "period_of", "series_of",
]  # fmt: skip

MIN_N_EFF = 30.0
Floats = npt.NDArray[np.float64]
Interval = tuple[Floats, Floats, Floats]


class Measure(Protocol):
    """What a series asks of a measure: `Prevalence`, `NetTone`, `Polarization`, or any small frozen value like them.

    Shares stand as (..., 1 + b, k), the estimate in row 0; a measure `between` two sides takes those of both.
    """

    @property
    def between(self) -> bool:
        """Whether it compares two sides."""

    @property
    def shuffled(self) -> bool:
        """Whether it is shown beside its value when sides are shuffled among authors."""

    @property
    def of(self) -> Callable[..., Floats]:
        """The plug-in number of shares (..., k), of both sides if it is between them."""

    @property
    def correct(self) -> Callable[..., Floats]:
        """The bias that is to be taken off the plug-in number."""

    @property
    def interval(self) -> Callable[..., Interval]:
        """The corrected number, its lower and its upper bound, with the keyword `level`."""


@dataclass(frozen=True)
class Plan:
    """How a series is made. Everything here is written into the manifest.

    `sides` are the two that are compared; `unknown` is always measured beside them. `begin` and `end` (UTC) are
    the period the posts were collected for; without them it is that of the first and last post.

    >>> Plan(every="1d", weight="post").sides
    ('pakistan', 'afghanistan')
    """

    every: str = "1w"
    sides: tuple[str, str] = ("pakistan", "afghanistan")
    zones: Mapping[str, str] = field(default_factory=lambda: {"pakistan": "Asia/Karachi", "afghanistan": "Asia/Kabul"})
    weight: str = "author"
    method: str = "poststrat"
    gold_within: str = "window"
    begin: datetime | None = None
    end: datetime | None = None
    replicates: int = 400
    shuffles: int = 200
    level: float = 0.95
    force: bool = False


def observe(posts: Any, framings: Any, gold: Any = None) -> pl.DataFrame:
    """Posts, their predicted class and their gold label side by side: n rows, one a framing.

    `posts` needs post_id, author_id, created_at, side, copy_id for the weight of unique texts, and lang and platform
    for series of groups; `framings` post_id, predicted (of one model), and p_<frame> for methods that use
    probabilities; `gold` post_id, value, inclusion_p. Every framing must have its post and every gold label its
    framing, else `MeaningError`: a label that falls out of the join is a row lost.

    >>> from datetime import datetime, timezone
    >>> posts = pl.DataFrame({"post_id": ["x:1"], "author_id": ["x:a"], "side": ["pakistan"],
    ...     "created_at": [datetime(2025, 1, 6, tzinfo=timezone.utc)]})
    >>> gold = pl.DataFrame({"post_id": ["x:1"], "value": ["neither"], "inclusion_p": [0.5]})
    >>> framings = pl.DataFrame({"post_id": ["x:1"], "predicted": ["both"]})
    >>> observe(posts, framings, gold).select("predicted", "value").row(0)
    ('both', 'neither')
    """
    left = as_polars(framings)
    if "model" in left.columns and left["model"].n_unique() > 1:
        raise MeaningError(
            f"the framings are of {left['model'].n_unique()} models; a series never splices them: filter to one"
        )
    left = left.select("post_id", "predicted", *[name for name in left.columns if name.startswith("p_")])
    if left["post_id"].is_duplicated().any():
        raise MeaningError("the framings hold a post more than once; filter them to one model")
    right = as_polars(posts)
    copies = pl.col("copy_id") if "copy_id" in right.columns else pl.lit(None, pl.String).alias("copy_id")
    groups = [name for name in ("lang", "platform") if name in right.columns]
    right = right.select("post_id", "author_id", "created_at", pl.col("side").fill_null(UNKNOWN), copies, *groups)
    if right["post_id"].is_duplicated().any():
        raise MeaningError("the posts hold a post more than once; drop the copies of a row first")
    made = left.join(right, on="post_id", how="left", validate="1:1", maintain_order="left")
    lost = made["author_id"].null_count()
    if lost:
        raise MeaningError(f"{lost} of {made.height} framings belong to no post of this corpus; predict on this corpus")
    if gold is None:
        return made.with_columns(value=pl.lit(None, pl.String), inclusion_p=pl.lit(None, pl.Float64)).sort("post_id")
    given = as_polars(gold)
    absent = [name for name in ("post_id", "value", "inclusion_p") if name not in given.columns]
    if absent:
        raise SchemaError(f"the gold has no column {absent[0]!r}; it needs post_id, value and inclusion_p")
    labels = given.select("post_id", "value", "inclusion_p")
    if labels["post_id"].is_duplicated().any():
        raise MeaningError("the gold holds a post more than once; settle it to one label a post first")
    strays = labels.join(made, on="post_id", how="anti").height
    if strays:
        raise MeaningError(
            f"{strays} of {labels.height} gold labels belong to posts that were not classified; "
            "the gold must be drawn from the measured population (see [population] in the study file)"
        )
    return made.join(labels, on="post_id", how="left", validate="1:1", maintain_order="left").sort("post_id")


def over_time(measures: Measure | Sequence[Measure], observed: pl.DataFrame, *, plan: Plan, seed: int) -> pl.DataFrame:
    """The series of one or more measures: rows of the series table, sorted by its key.

    `observed` comes from `observe`. Shares and indices within a side are given for both sides and for
    `unknown`; measures between sides carry the side "first|second". Cells with an effective sample size under
    30 authors keep their row and counts, their numbers are withheld (flag `withheld`) unless `plan.force`;
    windows without posts keep their row (flag `empty`); flags `partial`, `gold_borrowed`, `no_gold` and those of
    whole sides and of the method (`guards`) say what else to know. Baselines are the mean and the 2.5 and 97.5
    percentiles over shuffles of the sides among authors.

    Two authors of one side, one post each, in a week of their own; predictions counted as they are:

    >>> from datetime import datetime, timezone
    >>> from discourse import Prevalence
    >>> observed = pl.DataFrame({"author_id": ["x:a", "x:b"], "side": ["pakistan"] * 2, "value": [None, None],
    ...     "created_at": [datetime(2025, 1, day, tzinfo=timezone.utc) for day in (6, 14)],
    ...     "predicted": ["nationalist", "neither"], "inclusion_p": [None, None]})
    >>> made = over_time(Prevalence("nationalist"), observed, plan=Plan(method="cc", force=True), seed=7)
    >>> made.filter(side="pakistan").select("window", "estimate", "n_posts").rows()
    [('2025-01-06', 1.0, 1), ('2025-01-13', 0.0, 1)]
    """
    inside, grid = _placed(observed, plan)
    tallies = tally(inside, design_of(plan, grid, seed))
    return series_of(
        measures, tallies, grid, plan=plan,
        shuffled=lambda shares: shuffled_shares(inside, tallies.design, shares, plan.sides, plan.shuffles),
    )  # fmt: skip


def series_of(
    measures: Measure | Sequence[Measure],
    tallies: Tallies,
    grid: pl.DataFrame,
    *,
    plan: Plan,
    shuffled: Callable[[Shares], Floats],
) -> pl.DataFrame:
    """`over_time` from the tallies of the posts, made under `design_of`, and the windows that `grid_of` gives.

    `shuffled` is asked for the shares of shuffled sides (`shuffle.shuffled_shares`) where a measure has a baseline.
    """
    wanted = tuple(measures) if isinstance(measures, Sequence) else (measures,)
    shares = prevalence(tallies, method=plan.method, gold_within=plan.gold_within)
    if plan.method not in NAIVE and not tallies.n_gold.any():
        raise MeaningError(
            f"the method is {plan.method!r} and there is not one gold label; code a random sample "
            "(a share without its error correction is not a share), or ask for method='cc' and say so"
        )
    shuffles = shuffled(shares) if any(measure.shuffled for measure in wanted) else None
    cells = _Cells(plan, tallies, shares, shuffles, grid, _flags_of(_guards_of(shares, tallies, grid, plan, {})))
    rows = [row for measure in wanted for row in cells.rows(measure)]
    made = SERIES.frame(pl.DataFrame(rows, schema=dict(SERIES.columns), orient="row")).sort(SERIES.key)
    for message in _borrowing(made):
        warnings.warn(message, GoldWarning, stacklevel=3)
    return made


def grid_of(plan: Plan, begin: datetime, end: datetime) -> pl.DataFrame:
    """All windows of a plan from `begin` up to `end` on both sides and for `unknown`: `windows.windows_of`.

    >>> from datetime import timezone
    >>> day = datetime(2025, 1, 6, tzinfo=timezone.utc)
    >>> grid_of(Plan(every="1d", zones={}), day, day + timedelta(days=1))["window"].unique().to_list()
    ['2025-01-06']
    """
    return windows_of(Calendar(plan.every, plan.zones), (*plan.sides, UNKNOWN), begin, end)


def design_of(plan: Plan, grid: pl.DataFrame, seed: int) -> Design:
    """What the posts of a plan are counted by, in the windows of a grid.

    >>> from datetime import timezone
    >>> day = datetime(2025, 1, 6, tzinfo=timezone.utc)
    >>> design_of(Plan(every="1d"), grid_of(Plan(every="1d"), day, day + timedelta(hours=1)), seed=7).cells
    3
    """
    names = tuple(grid.filter(pl.col("side") == plan.sides[0])["window"])
    kept = SCORES_OF[one_of(plan.method, METHODS, "method")]
    return Design(names, (*plan.sides, UNKNOWN), plan.weight, plan.replicates, seed, kept)


def guards(observed: pl.DataFrame, *, plan: Plan, events: pl.DataFrame | None = None) -> pl.DataFrame:
    """What a reader must be told about a series before using it, and how many labels would mend it.

    `observed` and `plan` as in `over_time`; `events` (the events table) asks whether gold of one side of an event
    speaks for the other. Columns: side and window that a guard speaks of (null for all), its flag (`no_gold`,
    `n_eff_below_30`, `near_singular`, `classifier_adds_nothing`, `prior_shift_assumed`, `gold_pooled_over_event`), the
    labels that would mend it (null where labels do not), and one sentence.

    >>> from datetime import datetime, timezone
    >>> observed = pl.DataFrame({"author_id": ["x:a"], "side": ["pakistan"], "value": ["neither"],
    ...     "created_at": [datetime(2025, 1, 6, 12, tzinfo=timezone.utc)],
    ...     "predicted": ["neither"], "inclusion_p": [1.0]})
    >>> guards(observed, plan=Plan()).select("side", "flag", "labels").rows()
    [('pakistan', 'n_eff_below_30', None)]
    """
    # Guards read counts alone, not their replicates.
    plan = replace(plan, replicates=1)
    inside, grid = _placed(observed, plan)
    tallies = tally(inside, design_of(plan, grid, 0))
    shares = prevalence(tallies, method=plan.method, gold_within=plan.gold_within)
    dates: dict[str, date] = {} if events is None else dict(events.select("event_id", "start").iter_rows())
    return _guards_of(shares, tallies, grid, plan, dates)


def _flags_of(found: pl.DataFrame) -> dict[str, list[str]]:
    """Flags of whole sides by side; those of the method under each of them. Cells carry their own already."""
    by_side: dict[str, list[str]] = {}
    for side, flag in found.filter(pl.col("window").is_null()).select("side", "flag").iter_rows():
        by_side.setdefault(side or "", []).append(flag)
    return by_side


def _placed(observed: pl.DataFrame, plan: Plan) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The posts of a plan in their windows, and all of its windows."""
    if observed.is_empty():
        raise MeaningError("there are no posts to measure; check the population and the period of the study")
    sides = (*plan.sides, UNKNOWN)
    begin, end = period_of(observed, plan)
    grid = grid_of(plan, begin, end)
    inside = place_in_windows(observed, Calendar(plan.every, plan.zones))
    names = tuple(grid.filter(pl.col("side") == sides[0])["window"])
    early_or_late = ~pl.col("created_at").is_between(begin, end, closed="left")
    outside = inside.filter(~pl.col("window").is_in(names) | ~pl.col("side").is_in(sides) | early_or_late)
    if outside.height:
        raise UsageError(
            f"{outside.height} of {inside.height} posts lie outside the period or sides of the plan; "
            "drop them first (Corpus.keep) or widen the period"
        )
    return inside, grid


def _guards_of(
    shares: Shares, tallies: Tallies, grid: pl.DataFrame, plan: Plan, events: Mapping[str, date]
) -> pl.DataFrame:
    """The table of guards; an event begins with its day, by the clock of each side."""
    starts, calendar = [], Calendar(plan.every, plan.zones)
    for side in tallies.design.sides:
        own = grid.filter(pl.col("side") == side)["start"]
        starts.append(own.dt.convert_time_zone(calendar.zone(side)).dt.replace_time_zone(None).to_list())
    moments = {name: datetime(day.year, day.month, day.day) for name, day in events.items()}
    return guard_table(shares, tallies, np.array(starts, dtype=object).T, moments)


def period_of(observed: pl.DataFrame, plan: Plan) -> tuple[datetime, datetime]:
    """Begin and end (exclusive) of what is measured: the plan's, else from the first to the last post.

    >>> period_of(pl.DataFrame({"created_at": [datetime(2025, 1, 6)]}), Plan())[1]
    datetime.datetime(2025, 1, 6, 0, 0, 0, 1)
    """
    first, last = observed["created_at"].min(), observed["created_at"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        raise MeaningError("the posts carry no times")
    return plan.begin or first, plan.end or last + timedelta(microseconds=1)


@dataclass(frozen=True)
class _Cells:
    """Shares of every window and side, ready to be read off by any measure."""

    plan: Plan
    tallies: Tallies
    shares: Shares
    shuffles: Floats | None  # (r shuffles, t windows, 2 sides, k frames)
    grid: pl.DataFrame
    guarded: Mapping[str, Sequence[str]]

    @property
    def sides(self) -> tuple[str, ...]:
        return self.tallies.design.sides

    def rows(self, measure: Measure) -> list[dict[str, Any]]:
        if measure.between:
            return self._of(measure, (0, 1))
        return [row for s in range(len(self.sides)) for row in self._of(measure, (s,))]

    def _of(self, measure: Measure, at: tuple[int, ...]) -> list[dict[str, Any]]:
        values = [np.moveaxis(self.shares.values[:, s], 1, -1) for s in at]  # (t, 1 + b, k) each
        estimate, low, high = measure.interval(*values, level=self.plan.level)
        shuffled = None
        if measure.shuffled and self.shuffles is not None and max(at) < self.shuffles.shape[2]:
            shuffled = measure.of(*(self.shuffles[:, :, s] for s in at)) - measure.correct(*values)
        return self._table(repr(measure), at, estimate, (low, high), shuffled)

    def _table(
        self, name: str, at: tuple[int, ...], estimate: Floats, interval: tuple[Floats, Floats], shuffled: Floats | None
    ) -> list[dict[str, Any]]:
        label = "|".join(self.sides[s] for s in at)
        t = len(self.tallies.design.windows)
        shape = (t, len(self.sides))
        n_posts, n_authors, n_eff = (
            np.asarray(v).reshape(shape)[:, list(at)]
            for v in (self.tallies.n_posts, self.tallies.n_authors, self.tallies.n_eff())
        )
        n_gold, borrowed = (
            self.shares.n_gold[:, list(at)],
            np.logical_or.reduce(self.shares.borrowed[:, list(at)], axis=1),
        )
        # With "all", both sides rest on the same labels: count them once.
        gold_of = n_gold.max(axis=1) if self.shares.gold_within == "all" else n_gold.sum(axis=1)
        base, base_low, base_high = _baseline(shuffled, t)
        grid = [self.grid.filter(pl.col("side") == self.sides[s]) for s in at]
        of_sides = [flag for side in ("", *(self.sides[s] for s in at)) for flag in self.guarded.get(side, ())]
        partial = np.logical_or.reduce([g["partial"].to_numpy() for g in grid])
        rows = []
        for i, window in enumerate(self.tallies.design.windows):
            empty = bool((n_posts[i] == 0).any())
            thin = not empty and float(n_eff[i].min()) < MIN_N_EFF
            show = not empty and (not thin or self.plan.force)
            flags = {
                "empty": empty,
                "partial": bool(partial[i]),
                "withheld": thin and not self.plan.force,
                "forced": thin and self.plan.force,
                "no_gold": self.shares.method not in NAIVE and bool((n_gold[i] == 0).any()) and not empty,
                "gold_borrowed": bool(borrowed[i]) and not empty,
                "naive": self.shares.method in NAIVE,
                **dict.fromkeys(of_sides, not empty),
            }
            rows.append({
                "window": window,
                "start": min(g["start"][i] for g in grid),
                "end": max(g["end"][i] for g in grid),
                "side": label, "measure": name, "method": self.shares.method, "weight": self.tallies.design.weight,
                **{key: _number(value[i], show) for key, value in (
                    ("estimate", estimate), ("low", interval[0]), ("high", interval[1]),
                    ("baseline", base), ("baseline_low", base_low), ("baseline_high", base_high))},
                "n_posts": int(n_posts[i].sum()), "n_authors": int(n_authors[i].sum()),
                "n_eff": float(n_eff[i].min()), "n_gold": int(gold_of[i]),
                "assumes": self.shares.assumes, "flags": " ".join(key for key, on in flags.items() if on),
            })  # fmt: skip
        return rows


def _borrowing(series: pl.DataFrame) -> list[str]:
    """A sentence for each measure and side with windows that have no gold of their own."""
    by = series.group_by("measure", "side", maintain_order=True).agg(
        without=pl.col("flags").str.contains("no_gold", literal=True).sum(), windows=pl.len()
    )
    return [
        f"{name} for {side}: {without} of {windows} windows have no gold label of their own and borrow from others"
        for name, side, without, windows in by.rows()
        if without
    ]


def _baseline(shuffled: Floats | None, t: int) -> tuple[Floats, Floats, Floats]:
    none = np.full(t, np.nan)
    if shuffled is None:
        return none, none, none
    known = np.isfinite(shuffled).any(axis=0)
    filled = np.where(known, shuffled, 0.0)
    low, high = np.nanquantile(filled, [0.025, 0.975], axis=0)
    mean = np.nanmean(filled, axis=0)
    return np.where(known, mean, np.nan), np.where(known, low, np.nan), np.where(known, high, np.nan)


def _number(value: float, show: bool) -> float | None:
    return float(value) if show and np.isfinite(value) else None
