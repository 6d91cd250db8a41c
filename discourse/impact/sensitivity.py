"""What would have to be false for a result to go away: bots, one-sided campaigns, the choices of a study.

None of this estimates how many posts are inauthentic. It says how many there would have to be. Reading rules stand in
`docs/sensitivity.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.estimators.bootstrap import percentile_interval
from discourse.schema import SERIES, as_polars, one_of

__all__ = ["FRACTIONS", "bots", "breakdown", "sensitivity_table", "three_series"]

Floats = npt.NDArray[np.float64]
FRACTIONS = (0.0, 0.05, 0.10, 0.20)
_CELL = ("measure", "side", "window")
_NUMBERS = ("estimate", "low", "high")


def bots(
    s: Any,
    f: Sequence[float] = FRACTIONS,
    *,
    of: str = "all",
    replicates: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> pl.DataFrame:
    """Bounds of a share among authentic posts, if a fraction f of all posts is inauthentic and one-sided.

    If all of them are of the kind that is counted, the authentic share is (s - f) / (1 - f), the lower bound; if none
    is, it is s / (1 - f), the upper. Both stay in 0 to 1: a share of 0.03 cannot hold 5 % of bots. With `of="pole"`, f
    is a fraction not of all posts but of those of one pole: of the kind that is counted, s (1 - f) / (1 - f s) is the
    lower bound; of the others, s / (1 - f (1 - s)) is the upper. `s` is one share, or shares (T,). With `replicates`
    (T, b), or (b,) for one share, `low_interval` and `high_interval` are the lower end of the interval of the lower
    bound and the upper end of that of the upper.

    Columns: row (0 to T - 1), f, share, low, high, and with replicates low_interval, high_interval. Raises `UsageError`
    for a fraction outside [0, 1) or a share outside 0 to 1.

    >>> bots(0.4, f=[0, 0.2]).rows()
    [(0, 0.0, 0.4, 0.4, 0.4), (0, 0.2, 0.4, 0.25, 0.5)]
    """
    shares = np.atleast_1d(np.asarray(s, dtype=np.float64))
    fractions = np.asarray(f, dtype=np.float64).reshape(-1)
    if shares.ndim != 1 or ((shares < 0.0) | (shares > 1.0)).any():
        raise UsageError("s must be a share from 0 to 1, or several of them in one row")
    if not ((fractions >= 0.0) & (fractions < 1.0)).all():
        raise UsageError(f"the fractions are {list(f)}; each must be from 0 to under 1, like 0.05")
    one_of(of, ("all", "pole"), "of")
    low, high = _bounds(shares[:, None], fractions, of)
    rows, parts = len(shares), len(fractions)
    columns: dict[str, Any] = {
        "row": np.repeat(np.arange(rows), parts), "f": np.tile(fractions, rows), "share": np.repeat(shares, parts),
        "low": low.ravel(), "high": high.ravel(),
    }  # fmt: skip
    if replicates is not None:
        drawn = np.asarray(replicates, dtype=np.float64).reshape(rows, -1)
        lows, highs = _bounds(drawn[:, None, :], fractions[:, None], of)
        columns["low_interval"] = percentile_interval(lows, level)[0].ravel()
        columns["high_interval"] = percentile_interval(highs, level)[1].ravel()
    return pl.DataFrame(columns)


def breakdown(p0: npt.ArrayLike, p1: npt.ArrayLike) -> Any:
    """The fraction of inauthentic, one-sided posts that would by itself move a share from p0 to p1.

    (p1 - p0) / (1 - p0) for a rise: so many of the posts behind p1 would have to be bots of the kind that is counted.
    For a fall it is bots of another kind, (p0 - p1) / p0. Numbers or arrays; NaN stays NaN. Raises `UsageError` outside
    0 to 1.

    >>> round(breakdown(0.30, 0.40), 4)
    0.1429
    """
    first, second = np.broadcast_arrays(np.asarray(p0, dtype=np.float64), np.asarray(p1, dtype=np.float64))
    if ((first < 0.0) | (first > 1.0) | (second < 0.0) | (second > 1.0)).any():
        raise UsageError(f"p0 is {p0!r} and p1 is {p1!r}; both must be shares from 0 to 1")
    room = np.where(second > first, 1.0 - first, first)
    # Without a move there is nothing to explain, whatever room there is.
    made = np.where(second == first, 0.0, np.abs(second - first) / np.where(room > 0.0, room, 1.0))
    made = np.where(np.isnan(first) | np.isnan(second), np.nan, made)
    return float(made) if made.ndim == 0 else made


def sensitivity_table(runs: Mapping[str, Any], headline: str | None = None) -> pl.DataFrame:
    """The same measures under other choices, beside the headline run: one row a run, measure, side and window.

    `runs` maps names, say "threshold 0.8" or "by month", to series tables; `headline` names the one that the others are
    held against (by default the first). Every measure and side of every run must come from one method and one weight.
    A run with other windows is read at the headline's: the mean over its windows that reach into the headline's window,
    by the time they share, of estimate and of both bounds (as if their errors went together, which never narrows an
    interval); such rows say `other_windows`.

    Columns: run, measure, side, window, estimate, low, high, headline, change (estimate minus headline), flags.
    `sign_changed`: estimate and headline lie on different sides of 0. `direction_changed`: from its first to its last
    window in common the run rises where the headline falls, or falls where it rises. `outside`: the headline's estimate
    lies outside the run's interval, or the run's outside the headline's. `missing`: the run has no number there;
    `not_in_headline`: the headline has none.

    >>> from discourse.schema import SERIES
    >>> from datetime import datetime, timezone
    >>> week = {"window": "2025-01-06", "start": datetime(2025, 1, 6, tzinfo=timezone.utc),
    ...     "end": datetime(2025, 1, 13, tzinfo=timezone.utc), "side": "a|b", "measure": "gap", "method": "poststrat",
    ...     "weight": "author", "n_posts": 9, "low": -0.1, "high": 0.3}
    >>> one, two = (SERIES.frame([week | {"estimate": value}]) for value in (0.1, -0.05))
    >>> sensitivity_table({"all": one, "no copies": two}).select("run", "estimate", "flags").rows()
    [('all', 0.1, ''), ('no copies', -0.05, 'sign_changed')]
    """
    if not runs:
        raise UsageError("there are no runs; give series tables by name, the headline first")
    first = headline if headline is not None else next(iter(runs))
    if first not in runs:
        raise UsageError(f"the headline is {first!r}; it must be one of the runs: {', '.join(map(repr, runs))}")
    tables = {name: _checked(name, table) for name, table in runs.items()}
    main = tables[first]
    parts = [
        _beside(name, _at_windows_of(main, tables[name]), main)
        for name in (first, *(one for one in tables if one != first))
    ]
    return pl.concat(parts)


def three_series(posts: Any, authors: Any, unique_texts: Any) -> pl.DataFrame:
    """All posts, authors and unique texts beside each other: one row a measure, side and window of the series tables.

    `breakdown` is the fraction of inauthentic, one-sided posts that would by itself turn the share among unique texts
    into that among all posts; it is empty for measures that are no share (names other than "Prevalence(...)"). A gap
    between the three is no proof of a campaign: people who post much may think otherwise.

    Columns: measure, side, window, then estimate, low, high of each, as in `posts`, `posts_low`, `posts_high`, and
    breakdown. A row that a table lacks stays, with empty numbers.

    >>> from discourse.schema import SERIES
    >>> three_series(*[SERIES.empty()] * 3).columns[-2:]
    ['unique_texts_high', 'breakdown']
    """
    tables = {"posts": posts, "authors": authors, "unique_texts": unique_texts}
    made: pl.DataFrame | None = None
    for name, table in tables.items():
        part = _checked(name, table).select(
            *_CELL, *(pl.col(one).alias(name if one == "estimate" else f"{name}_{one}") for one in _NUMBERS)
        )
        made = part if made is None else made.join(part, on=_CELL, how="full", coalesce=True, validate="1:1")
    if made is None:
        raise UsageError("there are no series to compare")
    made = made.sort(_CELL)
    share = made["measure"].str.starts_with("Prevalence(").to_numpy()
    from_, to = (made[name].to_numpy().astype(np.float64) for name in ("unique_texts", "posts"))
    both = [np.where(share, np.clip(one, 0.0, 1.0), np.nan) for one in (from_, to)]
    return made.with_columns(breakdown=pl.Series(breakdown(*both), dtype=pl.Float64).fill_nan(None))


def _bounds(s: Floats, f: Floats, of: str) -> tuple[Floats, Floats]:
    low, high = np.maximum(s - f, 0.0) / (1.0 - f), np.minimum(s / (1.0 - f), 1.0)
    if of == "pole":
        low, high = s * (1.0 - f) / (1.0 - f * s), s / (1.0 - f * (1.0 - s))
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def _checked(name: str, table: Any) -> pl.DataFrame:
    """The columns of a run that are compared. Raises `MeaningError` where a cell stands more than once."""
    try:
        frame = SERIES.frame(as_polars(table))
    except SchemaError as error:
        raise SchemaError(f"run {name!r}: {error}") from None
    kept = frame.select(*_CELL, "start", "end", *_NUMBERS)
    if kept.select(_CELL).is_duplicated().any():
        raise MeaningError(
            f"run {name!r} holds a measure of a side and window twice; filter it to one method and weight"
        )
    return kept.sort(_CELL)


def _at_windows_of(main: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """A run at the headline's windows: its own where they are the same, else means by shared time; the rest as is."""
    exact = [*_CELL, "start", "end"]
    open_main = main.join(other, on=exact, how="anti").select(exact)
    open_other = other.join(main, on=exact, how="anti")
    pairs = open_main.join(
        open_other.rename({"window": "own", "start": "from", "end": "to"}), on=("measure", "side"), how="inner"
    )
    shared = (pl.min_horizontal("end", "to") - pl.max_horizontal("start", "from")).dt.total_microseconds()
    pairs = pairs.with_columns(weight=shared.cast(pl.Float64)).filter(pl.col("weight") > 0)
    reached = pairs.select("measure", "side", pl.col("own").alias("window")).unique()
    means = (
        pairs.filter(pl.all_horizontal(pl.col(_NUMBERS).is_not_null()))
        .group_by(exact, maintain_order=True)
        .agg((pl.col(one) * pl.col("weight")).sum() / pl.col("weight").sum() for one in _NUMBERS)
    )
    rest = other.join(open_other.join(reached, on=_CELL, how="semi"), on=_CELL, how="anti")
    return pl.concat([means.with_columns(other_windows=pl.lit(True)), rest.with_columns(other_windows=pl.lit(False))])


def _beside(name: str, run: pl.DataFrame, main: pl.DataFrame) -> pl.DataFrame:
    """The rows of one run beside the headline's."""
    known = main.select(
        *_CELL, pl.col("start").alias("since"), pl.col("estimate").alias("headline"),
        pl.col("low").alias("main_low"), pl.col("high").alias("main_high"),
    )  # fmt: skip
    both = run.join(known, on=_CELL, how="full", coalesce=True, validate="1:1")
    both = both.with_columns(
        start=pl.coalesce("start", "since"), other_windows=pl.col("other_windows").fill_null(False)
    )
    both = both.sort("measure", "side", "start", "window")
    common = pl.when(pl.col("estimate").is_not_null() & pl.col("headline").is_not_null())
    moved = {
        one: (common.then(pl.col(one)).drop_nulls().last() - common.then(pl.col(one)).drop_nulls().first())
        .over("measure", "side") for one in ("estimate", "headline")
    }  # fmt: skip
    flags = {
        "sign_changed": pl.col("estimate").sign() * pl.col("headline").sign() == -1,
        "direction_changed": moved["estimate"].sign() * moved["headline"].sign() == -1,
        "outside": ~pl.col("headline").is_between("low", "high")
        | ~pl.col("estimate").is_between("main_low", "main_high"),
        "missing": pl.col("estimate").is_null(),
        "not_in_headline": pl.col("headline").is_null(),
        "other_windows": pl.col("other_windows"),
    }
    words = [pl.when(on.fill_null(False)).then(pl.lit(word)) for word, on in flags.items()]
    return both.select(
        pl.lit(name).alias("run"), *_CELL, *_NUMBERS, "headline",
        (pl.col("estimate") - pl.col("headline")).alias("change"),
        pl.concat_str(words, separator=" ", ignore_nulls=True).alias("flags"),
    )  # fmt: skip
