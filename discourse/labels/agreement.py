"""How far coders agree on a variable: coefficients with intervals over posts, for all posts, groups and values.

Intervals: a Poisson bootstrap keyed by post id, percentiles; below 50 posts Student's t with the jackknife error.
In simulations both hold a known alpha in about 95 of 100 samples; see `tests/test_agreement.py`.

Letters of shapes: u units (posts), c coders, k values of a variable, b replicates.

Source: Krippendorff (2011), *Computing Krippendorff's Alpha-Reliability*; Hayes and Krippendorff (2007),
*Answering the Call for a Standard Reliability Measure for Coding Data*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from warnings import warn

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import DiscourseWarning, SchemaError, SmallSampleWarning, UsageError
from discourse.labels.coefficients import krippendorff_alpha
from discourse.labels.labels import Labels
from discourse.labels.ratings import MISSING, Codes, Floats, Ratings, ratings_of
from discourse.labels.resampling import FEW, bootstrap_sums, left_out_sums, percentiles, t_interval
from discourse.labels.sums import (
    Sums,
    against_rest,
    alphas,
    cohen_kappas,
    fleiss_kappas,
    gwet,
    level_weights,
    negatives,
    percents,
    positives,
    unit_sums,
)
from discourse.schema import UNKNOWN

__all__ = ["agreement", "agreement_table", "krippendorff_alpha"]

ALL = "all"
_CHANCE, _SEEN = 0.01, 10
_CARRIERS = 10  # with fewer posts an interval of one value holds its truth too seldom (72 % with 3, 88 % with 6)
_COLUMNS = {
    "variable": pl.String,
    "group": pl.String,
    "n_units": pl.Int64,
    "n_coders": pl.Int64,
    "percent": pl.Float64,
    "alpha": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}
_LONG = {
    "variable": pl.String,
    "group": pl.String,
    "class": pl.String,
    "statistic": pl.String,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n_units": pl.Int64,
    "n_coders": pl.Int64,
}


@dataclass(frozen=True)
class _Statistic:
    """A coefficient by name: of which value, from which sums, in which range, and which units move it."""

    name: str
    value: str
    of: Callable[[Sums], Floats]
    lowest: float = -1.0
    highest: float = 1.0
    single: bool = False  # units with one code count, too
    place: int | None = None  # of the value among the values, if it is of one


def agreement(
    labels: Labels,
    variable: str = "frame",
    *,
    seed: int,
    replicates: int = 1000,
    by: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Agreement on one variable over all posts and, with `by` (post_id and a group), in each group.

    Columns: variable, group ("all" first), n_units (posts with two or more values), n_coders, percent (share
    of agreeing pairs of values, 0 to 100), alpha, low, high (95 % interval over posts: percentiles of a Poisson
    bootstrap keyed by post id, the ordinal metric found anew in each replicate; below 50 posts jackknife and
    Student's t, cut at -1 and 1). The level and the order of the values are the codebook's; without one the
    variable is nominal. Values that were agreed upon are left out.

    Raises `MeaningError` when fewer than two coders worked on their own. Warns with `SmallSampleWarning` when
    alpha is not defined, and when two coders' columns are the same, in all or in one group only; with
    `DiscourseWarning` when a coder gave one post two values in one round.

    >>> from discourse.labels.labels import SAMPLE
    >>> from discourse.schema import LABELS
    >>> rows = [{"post_id": f"x:{i}", "coder": c, "variable": "frame", "value": v}
    ...         for c, values in (("a", "NCNN"), ("b", "NCNC")) for i, v in enumerate(values)]
    >>> labels = Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": f"x:{i}"} for i in range(4)]))
    >>> agreement(labels, seed=7, replicates=20).select("n_units", "n_coders", "percent").row(0)
    (4, 2, 75.0)
    """
    given, groups = _prepared(labels, variable, replicates, by)
    percent, alpha = _overall(given)[:2]
    rows = []
    for name, part in groups:
        share, low_high = _measured(part, [percent, alpha], seed, replicates)
        estimate, low, high = low_high
        if math.isnan(estimate):
            warn(f"alpha of {variable} is not defined in group {name!r}", SmallSampleWarning, stacklevel=2)
        rows.append((variable, name, *_sizes(part), share[0], estimate, low, high))
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")


def agreement_table(
    labels: Labels,
    variable: str = "frame",
    *,
    seed: int,
    replicates: int = 1000,
    by: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Every coefficient of one variable, one a row, over all posts and, with `by`, in each group.

    Columns: variable, group ("all" first), class ("all", or the value that is set against the rest), statistic,
    estimate, low, high (95 %, as in `agreement`), n_units (posts with two or more values), n_coders. The rows of
    a group, in this order:

    | class | statistic | what | range |
    |---|---|---|---|
    | all | percent | agreeing pairs of values | 0 to 100 |
    | all | alpha | Krippendorff's, at the level of the variable | -1 to 1 |
    | all | ac1 | Gwet's, nominal, with all values of the codebook | -1 to 1 |
    | all | ac2 | Gwet's, weighted for the level; no row if nominal | -1 to 1 |
    | all | fleiss_kappa | nominal | -1 to 1 |
    | all | cohen_kappa | nominal; only if there are two coders | -1 to 1 |
    | a value | alpha | of this value against the rest | -1 to 1 |
    | a value | positive | another coder gives it, too, when one did; of two coders the F1 | 0 to 1 |
    | a value | negative | another coder does not, either, when one did not | 0 to 1 |

    Values have rows at the nominal and the ordinal level; their intervals are NaN unless 10 posts got the value
    and 10 another one. What is not defined is NaN: `agreement` warns of it. An interval without width says that
    no pair differed in the sample, not that none would. Raises and warns otherwise as `agreement` does.

    >>> from discourse.labels.labels import SAMPLE
    >>> from discourse.schema import LABELS
    >>> rows = [{"post_id": f"x:{i}", "coder": c, "variable": "frame", "value": v}
    ...         for c, values in (("a", "NCNN"), ("b", "NCNC")) for i, v in enumerate(values)]
    >>> labels = Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": f"x:{i}"} for i in range(4)]))
    >>> table = agreement_table(labels, seed=7, replicates=20)
    >>> table.filter(statistic="positive").select("class", "estimate").rows()  # 2 of 3, 4 of 5
    [('C', 0.6666666666666666), ('N', 0.8)]
    """
    given, groups = _prepared(labels, variable, replicates, by)
    statistics = [*_overall(given), *_of_values(given)]
    rows = [
        (variable, name, one.value, one.name, *numbers, *_sizes(part))
        for name, part in groups
        for one, numbers in zip(statistics, _measured(part, statistics, seed, replicates), strict=True)
    ]
    return pl.DataFrame(rows, schema=_LONG, orient="row")


def _prepared(
    labels: Labels, variable: str, replicates: int, by: pl.DataFrame | None
) -> tuple[Ratings, list[tuple[str, Ratings]]]:
    """The ratings, and the groups with theirs, "all" first; warns of what looks like a fault of the table."""
    if replicates < 1:
        raise UsageError(f"replicates is {replicates}; a bootstrap needs at least 1 (1000 is the default)")
    given = ratings_of(labels, variable)
    inside = _groups(given.units, by)
    for text, kind in (*_repeats(labels.table, variable), *_twins(given.codes, inside)):
        warn(text, kind, stacklevel=3)
    parts = [
        (name, replace(given, units=tuple(np.array(given.units, dtype=object)[chosen]), codes=given.codes[chosen]))
        for name, chosen in inside
    ]
    return given, [(ALL, given), *parts]


def _overall(given: Ratings) -> list[_Statistic]:
    level, points = given.level, given.points
    identity, graded = level_weights("nominal", points), level_weights(level, points)
    made = [
        _Statistic("percent", ALL, percents, 0, 100),
        _Statistic("alpha", ALL, lambda sums: alphas(sums.together, level, points)),
        _Statistic("ac1", ALL, lambda sums: gwet(sums, identity), single=True),
    ]
    if level != "nominal":
        made.append(_Statistic("ac2", ALL, lambda sums: gwet(sums, graded), single=True))
    made.append(_Statistic("fleiss_kappa", ALL, fleiss_kappas, single=True))
    if len(given.coders) == 2:
        made.append(_Statistic("cohen_kappa", ALL, lambda sums: cohen_kappas(sums.table, identity)))
    return made


def _of_values(given: Ratings) -> Iterator[_Statistic]:
    if given.level in {"nominal", "ordinal"}:
        for place, value in enumerate(given.values):
            yield _Statistic("alpha", value, partial(_alpha_of, value=place), place=place)
            yield _Statistic("positive", value, partial(positives, value=place), 0, place=place)
            yield _Statistic("negative", value, partial(negatives, value=place), 0, place=place)


def _alpha_of(sums: Sums, value: int) -> Floats:
    return alphas(against_rest(sums.together, value), "nominal", np.arange(2.0))


def _sizes(part: Ratings) -> tuple[int, int]:
    pairs = part.codes[part.pairable]
    return len(pairs), int((pairs != MISSING).any(axis=0).sum())


def _measured(
    part: Ratings, statistics: Sequence[_Statistic], seed: int, replicates: int
) -> list[tuple[float, float, float]]:
    """Estimate, low and high of each statistic."""
    k = len(part.values)
    counted = {False: part.codes[part.pairable], True: part.codes[(part.codes != MISSING).any(axis=1)]}
    left_out = {
        single: Sums.of(left_out_sums(unit_sums(codes, k)), k) for single, codes in counted.items() if len(codes) < FEW
    }
    total, drawn = Sums.count(part.codes, k), None
    if len(left_out) < len(counted):
        sums = bootstrap_sums(part.units, lambda at: unit_sums(part.codes[at], k), replicates=replicates, seed=seed)
        drawn = Sums.of(sums, k)
    made = []
    for one in statistics:
        estimate = float(one.of(total))
        if one.place is not None and _carriers(counted[False], one.place) < _CARRIERS:
            ends = (math.nan, math.nan)
        elif drawn is None or one.single in left_out:
            ends = t_interval(estimate, one.of(left_out[one.single]))
        else:
            ends = percentiles(one.of(drawn))
        low, high = (float(end) for end in np.clip(ends, one.lowest, one.highest))
        made.append((estimate, low, high))
    return made


def _carriers(codes: Codes, place: int) -> int:
    """How many units got the value, or how many got another one: the fewer."""
    given = codes == place
    return min(int(given.any(axis=1).sum()), int(((codes != MISSING) & ~given).any(axis=1).sum()))


def _repeats(table: pl.DataFrame, variable: str) -> Iterator[tuple[str, type[Warning]]]:
    """A warning when one coder gave one post different values in what is one round, however it is written."""
    bare = pl.col("round").str.strip_chars()
    rounds = pl.coalesce(bare.cast(pl.Float64, strict=False).cast(pl.String), bare)
    rows = table.filter(pl.col("variable") == variable).group_by("post_id", "coder", rounds.alias("round"))
    twice = rows.agg(pl.col("value").n_unique().alias("different")).filter(pl.col("different") > 1).height
    if twice:
        yield (
            f"{twice} posts have two values of {variable!r} by one coder in one round, and the last one counts; "
            "make sure that no sheet was read twice",
            DiscourseWarning,
        )


def _twins(codes: Codes, groups: Sequence[tuple[str, npt.NDArray[np.bool_]]]) -> Iterator[tuple[str, type[Warning]]]:
    """Warnings when two coders' columns are the same: everywhere, or in a group where they differ elsewhere.

    In a group of n posts chance must be below 1 in 100, at the rate at which they differ outside of it.
    """
    for one, other in combinations(range(codes.shape[1]), 2):
        same = codes[:, one] == codes[:, other]
        if same.all():
            yield (
                f"two coders gave the same value to each of {len(codes)} posts; make sure that one is no copy of the "
                "other",
                SmallSampleWarning,
            )
            continue
        both = (codes[:, [one, other]] != MISSING).all(axis=1)
        for name, chosen in groups:
            n, outside = int((both & chosen).sum()), both & ~chosen
            differ = float((~same[outside]).mean()) if outside.any() else 0.0
            if n >= _SEEN and same[chosen].all() and (1 - differ) ** n < _CHANCE:
                yield (
                    f"two coders gave the same value to each of {n} posts of group {name!r}, but differ on "
                    f"{differ:.0%} of the others; make sure that one is no copy of the other",
                    SmallSampleWarning,
                )


def _groups(units: Sequence[str], by: pl.DataFrame | None) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """Each group with the units that are in it; units without a group are in "unknown"."""
    if by is None:
        return []
    names = [name for name in by.columns if name != "post_id"]
    if len(names) != 1 or "post_id" not in by.columns:
        raise SchemaError(f"by has the columns {by.columns}; it must have post_id and one column with the group")
    if by["post_id"].is_duplicated().any():
        raise SchemaError("by names a post more than once; it must have one group for each post")
    group_of = dict(by.select("post_id", pl.col(names[0]).cast(pl.String).fill_null(UNKNOWN)).rows())
    given = np.array([group_of.get(unit, UNKNOWN) for unit in units], dtype=object)
    return [(group, given == group) for group in sorted(set(given))]
