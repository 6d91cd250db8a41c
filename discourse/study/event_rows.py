"""What each event did to each measure and side: one row with everything a reader needs to believe it or not.

Beside it the path through the windows around the event, and the event among dates without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit

from discourse.errors import MeaningError
from discourse.impact.contrasts import window_contrast
from discourse.impact.conversion import PARTS, conversion, expected_values
from discourse.impact.effects import Effect, benjamini_hochberg, holm, single
from discourse.impact.event_checks import around, torn
from discourse.impact.events import EventPlan, EventStudy, event_study
from discourse.indices.polarization import NetTone, Polarization
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import Measure
from discourse.schema import FRAMES
from discourse.study.corrected_days import Days, Line, line_of

__all__ = [
    "CONVERSION",
    "EFFECTS",
    "PATHS",
    "PLACEBOS",
    "EventTables",
    "Happening",
    "conversion_rows",
    "effect_rows",
    "event_tables",
    "happenings",
    "measure_of",
    "split",
]

_RESULT: Final = (
    "estimate", "low", "high", "p", "p_holm", "p_bh", "slope", "slope_low", "slope_high", "change", "change_low",
    "change_high", "mean_change", "mean_change_low", "mean_change_high", "mean_before", "mean_after", "contrast",
    "contrast_low", "contrast_high", "p_pretrend", "p_bend", "p_placebo",
)  # fmt: skip
EFFECTS: Final = {
    "event": pl.String, "start": pl.Date, "title": pl.String, "measure": pl.String, "side": pl.String,
    "model": pl.String, **dict.fromkeys(_RESULT, pl.Float64), "days_before": pl.Int64, "days_after": pl.Int64,
    "n_authors": pl.Int64, "n_gold": pl.Int64, "n_tests": pl.Int64, "flags": pl.String, "said": pl.String,
}  # fmt: skip
"""Columns of effects.csv; see docs/events.md."""
CONVERSION: Final = {
    "event": pl.String, "title": pl.String, "measure": pl.String, "side": pl.String, "before": pl.String,
    "after": pl.String, "first": pl.Float64, "second": pl.Float64, "part": pl.String, "estimate": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "stayers": pl.Int64, "arrivers": pl.Int64, "leavers": pl.Int64,
    "n_authors": pl.Int64, "flags": pl.String, "said": pl.String,
}  # fmt: skip
"""Columns of conversion.csv: a row a part of a change; see docs/sensitivity.md."""
_WHICH: Final = {
    "event": pl.String, "start": pl.Date, "title": pl.String, "measure": pl.String, "side": pl.String,
}  # fmt: skip
PATHS: Final = {
    **_WHICH, "window": pl.Int64, "first": pl.Int64, "last": pl.Int64, "days": pl.Int64,
    **dict.fromkeys(("estimate", "low", "high"), pl.Float64), "part": pl.String, "n_authors": pl.Int64,
    "flags": pl.String, "said": pl.String,
}  # fmt: skip
"""Columns of paths.csv: a row a window around an event; `first` and `last` are its days, counted from the event."""
PLACEBOS: Final = {
    **_WHICH, "day": pl.Date, "half_width": pl.Int64, "ratio": pl.Float64, "n_authors": pl.Int64, "flags": pl.String,
    "said": pl.String,
}  # fmt: skip
"""Columns of placebos.csv: a row a date without an event, and one with `day` = `start` for the event itself."""

_MODEL = "binomial_ar1"
_FEW_AUTHORS = 30
_TENS = 10
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Happening:
    """An event of a study, or several of one day: its ids and titles joined by " + "."""

    event: str
    start: date
    title: str


@dataclass(frozen=True, eq=False)
class EventTables:
    """Three tables of the same studies: a row each, the windows around each event, and dates without an event."""

    effects: pl.DataFrame
    paths: pl.DataFrame
    placebos: pl.DataFrame


def happenings(events: pl.DataFrame) -> tuple[Happening, ...]:
    """The events of an events table in order of time; those of one day are one, as no series tells them apart.

    >>> table = pl.DataFrame({"event_id": ["a", "b"], "start": [date(2025, 1, 6)] * 2, "title": ["A", "B"]})
    >>> happenings(table)
    (Happening(event='a + b', start=datetime.date(2025, 1, 6), title='A + B'),)
    """
    by_day = events.sort("start", "event_id").group_by("start", maintain_order=True).agg("event_id", "title")
    return tuple(Happening(" + ".join(ids), day, " + ".join(titles)) for day, ids, titles in by_day.iter_rows())


def measure_of(name: str) -> Measure:
    """A measure by its name in the study file.

    >>> measure_of("nationalist"), measure_of("net-tone-gap")
    (Prevalence('nationalist'), Polarization('net-tone-gap'))
    """
    if name in FRAMES:
        return Prevalence(name)
    return NetTone() if name == "net-tone" else Polarization(name)


def split(days: Days, at: date, plan: EventPlan) -> tuple[Bools, Bools]:
    """The windows before an event and from it on that a plan looks at, both (T,), of one stretch each."""
    t = np.array([date.fromisoformat(window).toordinal() for window in days.windows])
    t0 = at.toordinal()
    kept = around(t, t0, plan.anticipation, plan.drop) & ~torn(t, t0, days.step)
    before = kept & (t < t0) & (t >= t0 - (plan.before or t0))
    after = kept & (t >= t0) & (t < t0 + (plan.after or len(t) * days.step + 1))
    if before.any():
        before &= days.stretch == days.stretch[before][-1]
    if after.any():
        after &= days.stretch == days.stretch[after][0]
    return before, after


def between_neighbours(plan: EventPlan, at: date, days: Sequence[date]) -> EventPlan:
    """The plan with no more days than lie between the events before and after.

    >>> one, two = date(2025, 1, 6), date(2025, 1, 16)
    >>> between_neighbours(EventPlan(before=56, after=28), one, [one, two]).after
    10
    """
    before = [(at - other).days for other in days if other < at]
    after = [(other - at).days for other in days if other > at]
    return replace(
        plan, before=min([*before, plan.before or 10_000]), after=min([*after, plan.after or 10_000])
    )  # fmt: skip


def effect_rows(
    days: Days, pairs: Sequence[tuple[str, str]], happened: Sequence[Happening], plan: EventPlan, *, placebo: bool
) -> pl.DataFrame:
    """A row an event, measure and side (`pairs`), p values adjusted over all of them together; without words yet.

    An event that no model can be made of keeps its row: numbers are null, and `said` tells why.
    """
    return event_tables(days, pairs, happened, plan, placebo=placebo).effects


def event_tables(
    days: Days, pairs: Sequence[tuple[str, str]], happened: Sequence[Happening], plan: EventPlan, *, placebo: bool
) -> EventTables:
    """The table of `effect_rows`, and beside each of its rows the path around the event and the dates without one.

    A path is on the scale of the model (log odds of a share), against the last window before the event. Its windows
    from the event on have wider intervals than the model gives them: what the days of a stretch have in common moves
    them all against the days before. `n_authors` is the smaller number of authors, of a window and of the one it is
    held against, or of the days before and after a date. There it is in tens: neighbouring dates share most of their
    days, and the difference of two numbers would tell of few people.
    """
    rows: list[dict[str, Any]] = []
    paths: list[dict[str, Any]] = []
    placebos: list[dict[str, Any]] = []
    for name, side in pairs:
        line = line_of(days, measure_of(name), name, side)
        series = None if not line.known.any() else line.daily()
        writers = _writers(days, side)
        for one in happened:
            own = between_neighbours(plan, one.start, [other.start for other in happened])
            which = {"event": one.event, "start": one.start, "title": one.title, "measure": repr(measure_of(name)),
                     "side": side}  # fmt: skip
            base: dict[str, Any] = {**which, "model": _MODEL}
            before, after = split(days, one.start, own)
            base |= {"days_before": int((before & line.known).sum()), "days_after": int((after & line.known).sum())}
            if before.any() and after.any():
                base |= {"n_authors": min(days.authors(part, side) for part in (before, after))}
            try:
                if series is None:
                    raise MeaningError("no day of the series has posts")
                made = event_study(series, one.start, _MODEL, placebo=placebo, plan=own)
            except MeaningError as error:
                rows.append({**base, "flags": "too_few_days", "said": str(error)})
                continue
            rows.append({**base, **_numbers(made, line, days, (before, after))})
            apart = line.shift_variance(int(days.stretch[before][0]), int(days.stretch[after][0]))
            paths += [{**which, **row} for row in _path_rows(made, apart, writers)]
            placebos += [{**which, **row} for row in _placebo_rows(made, one.start, writers)]
    table = pl.DataFrame(rows, schema=EFFECTS, orient="row")
    p = table["p"].cast(pl.Float64).to_numpy()
    adjusted = table.with_columns(
        p_holm=pl.Series(holm(p), dtype=pl.Float64).fill_nan(None),
        p_bh=pl.Series(benjamini_hochberg(p), dtype=pl.Float64).fill_nan(None),
        n_tests=pl.lit(int(np.isfinite(p).sum()), pl.Int64),
    )
    return EventTables(adjusted, pl.DataFrame(paths, schema=PATHS, orient="row"),
                       pl.DataFrame(placebos, schema=PLACEBOS, orient="row"))  # fmt: skip


def _path_rows(made: EventStudy, apart: float, writers: Callable[[date, date], int]) -> Iterator[dict[str, Any]]:
    """The windows around an event; `apart` is the variance that the days from the event on share."""
    start = date.fromordinal(made.t0)
    level = made.level
    # The t quantile of the level's interval, for windows of the same days and the same latent process.
    quantile = (level.high - level.estimate) * abs(level.t / level.estimate) if level.estimate else 1.96

    def authors(row: Mapping[str, Any]) -> int:
        return writers(start + timedelta(days=row["first"]), start + timedelta(days=row["last"]))

    reference = [authors(row) for row in made.path.iter_rows(named=True) if row["part"] == "reference"]
    for row in made.path.iter_rows(named=True):
        extra = quantile**2 * apart if row["window"] >= 0 else 0.0
        low, high = row["estimate"] - row["low"], row["high"] - row["estimate"]
        yield {**row, "low": row["estimate"] - float(np.hypot(low, extra**0.5)),
               "high": row["estimate"] + float(np.hypot(high, extra**0.5)),
               "n_authors": min(authors(row), *reference), "flags": row["part"]}  # fmt: skip


def _placebo_rows(made: EventStudy, start: date, writers: Callable[[date, date], int]) -> Iterator[dict[str, Any]]:
    """The event's |estimate / standard error|, and that of each date before it that can be compared."""
    found = made.placebo
    if found is None:
        return
    half = timedelta(days=found.half_width)
    for day, ratio in [(start.toordinal(), found.ratio), *zip(found.days.tolist(), found.ratios.tolist(), strict=True)]:
        at = date.fromordinal(day)
        authors = min(writers(at - half, at - timedelta(days=1)), writers(at, at + half - timedelta(days=1)))
        authors = authors if authors < _TENS else authors // _TENS * _TENS
        yield {"day": at, "half_width": found.half_width, "ratio": float(ratio), "n_authors": authors, "flags": ""}


def _writers(days: Days, side: str) -> Callable[[date, date], int]:
    """How many authors wrote in the windows that begin from one day to another; of two sides the smaller number."""
    begin = np.array([date.fromisoformat(window).toordinal() for window in days.windows])
    place = {window: i for i, window in enumerate(days.windows)}
    wrote = []
    for one in side.split("|"):
        own = days.posts.filter(pl.col("side") == one, pl.col("window").is_in(days.windows))
        own = own.select("author_id", "window").unique()
        codes = own["author_id"].rank("dense").to_numpy().astype(np.int64)
        wrote.append((own["window"].replace_strict(place, return_dtype=pl.Int64).to_numpy(), codes))

    def count(first: date, last: date) -> int:
        inside = (begin >= first.toordinal()) & (begin <= last.toordinal())
        return min(int(np.count_nonzero(np.bincount(codes[inside[at]]))) for at, codes in wrote)

    return count


def conversion_rows(
    days: Days, pairs: Sequence[tuple[str, str]], cuts: Sequence[tuple[Happening | None, Bools, Bools]], seed: int
) -> pl.DataFrame:
    """The change of each side between the two parts of each cut, taken apart into who came, who left and who changed.

    `pairs` are measures and sides; a gap between sides is of neither's authors and is left out. A row a part; a cut
    with nobody on one part keeps one row that says so.
    """
    rows: list[dict[str, Any]] = []
    for name, side in pairs:
        if "|" in side:
            continue
        for happened, before, after in cuts:
            base = {"event": happened.event if happened else "", "title": happened.title if happened else "",
                    "measure": repr(measure_of(name)), "side": side, "before": _span(days, before),
                    "after": _span(days, after)}  # fmt: skip
            rows += [{**base, **part} for part in _parts(days, name, side, (before, after), seed)]
    return pl.DataFrame(rows, schema=CONVERSION, orient="row")


def _numbers(made: EventStudy, line: Line, days: Days, parts: tuple[Bools, Bools]) -> dict[str, Any]:
    """The numbers of one study, every interval holding what the days of a stretch have in common."""
    at = [int(days.stretch[part][0]) for part in parts]
    level = _wider(made.level, line.shift_variance(at[0], at[1]))
    slopes, later = (1.0, 1.0), (1.0, 1.0)
    if line.share:
        eta = made.fit.beta[made.fit.names.index("intercept")]
        slopes = _steepness(eta), _steepness(eta + made.level.estimate)
        mean = float(np.clip(line.mean[at[1]], 0.01, 0.99))
        later = _binomial(mean - made.mean_share.estimate), _binomial(mean)
    change = _wider(made.level_share, line.shift_variance(at[0], at[1], slopes))
    mean_change = _wider(made.mean_share, line.shift_variance(at[0], at[1], later))
    gold = [int(days.n_gold[stretch, list(days.at(line.side))].min()) for stretch in at]
    measure = measure_of(line.name)
    pooled = [measure.of(*(days.pooled(part, s) for s in days.at(line.side))) for part in parts]
    contrast = window_contrast(pooled[0], pooled[1], gold=(gold[0], gold[1]))
    borrowed = any(bool(days.borrowed[stretch, list(days.at(line.side))].any()) for stretch in at)
    few = min(days.authors(part, line.side) for part in parts) < _FEW_AUTHORS
    flags = [*made.flags, *contrast.flags, *["gold_borrowed"] * borrowed, *["n_eff_below_30"] * few]
    slope = made.slope
    return {
        "estimate": level.estimate, "low": level.low, "high": level.high, "p": level.p,
        "slope": slope.estimate if slope else None, "slope_low": slope.low if slope else None,
        "slope_high": slope.high if slope else None,
        "change": change.estimate, "change_low": change.low, "change_high": change.high,
        "mean_change": mean_change.estimate, "mean_change_low": mean_change.low, "mean_change_high": mean_change.high,
        "mean_before": float(pooled[0][0]), "mean_after": float(pooled[1][0]),
        "contrast": float(contrast.value), "contrast_low": float(contrast.low), "contrast_high": float(contrast.high),
        "p_pretrend": made.pretrend.p if made.pretrend else None, "p_bend": made.bend.p if made.bend else None,
        "p_placebo": made.placebo.p if made.placebo else None, "n_gold": min(gold),
        "flags": " ".join(dict.fromkeys(flags)),
    }  # fmt: skip


def _wider(effect: Effect, extra: float) -> Effect:
    """The effect with a further variance in its test and its interval."""
    full = effect.estimate / effect.t if effect.t else effect.se
    return single(effect.name, effect.estimate, (effect.se**2 + extra, full**2 + extra), effect.df, 0.95)


def _steepness(eta: float) -> float:
    return _binomial(float(expit(eta)))


def _binomial(p: float) -> float:
    inside = min(max(p, 0.01), 0.99)
    return inside * (1.0 - inside)


def _span(days: Days, part: Bools) -> str:
    inside = [window for window, on in zip(days.windows, part, strict=True) if on]
    return inside[0] if len(inside) == 1 else f"{inside[0]} to {inside[-1]}" if inside else ""


def _parts(days: Days, name: str, side: str, parts: tuple[Bools, Bools], seed: int) -> Iterator[Mapping[str, Any]]:
    """The rows of one change: total, conversion, loudness, arriving, leaving, composition."""
    place = days.sides.index(side)
    scores = np.array([1.0 if frame == name else 0.0 for frame in FRAMES])
    if name == "net-tone":
        scores = np.array([{"nationalist": 1.0, "conciliatory": -1.0}.get(frame, 0.0) for frame in FRAMES])
    authors: list[str] = []
    labels: list[str] = []
    values = []
    for label, part in zip(("before", "after"), parts, strict=True):
        names = [window for window, on in zip(days.windows, part, strict=True) if on]
        inside = days.posts.filter(pl.col("side") == side, pl.col("window").is_in(names))
        if inside.is_empty():
            yield {"flags": "empty", "said": f"nobody wrote on this side {label} the change, so nothing is taken apart"}
            return
        own = inside.group_by("author_id").agg(
            (pl.col("predicted") == one).sum().alias(one) for one in (*FRAMES, "abstain")
        ).sort("author_id")  # fmt: skip
        authors += own["author_id"].to_list()
        labels += [label] * own.height
        stretch = int(days.stretch[part][0])
        values.append(expected_values(own.drop("author_id").to_numpy(), days.rates[:, stretch, place], scores))
    made = conversion(authors, labels, np.concatenate(values), between=("before", "after"), seed=seed,
                      replicates=values[0].shape[1] - 1)  # fmt: skip
    borrowed = any(bool(days.borrowed[days.stretch[part][0], place]) for part in parts)
    common = {"first": made.first, "second": made.second, "stayers": made.stayers, "arrivers": made.arrivers,
              "leavers": made.leavers, "n_authors": made.stayers + min(made.arrivers, made.leavers),
              "flags": " ".join([*made.flags, *["gold_borrowed"] * borrowed])}  # fmt: skip
    for one in PARTS:
        part_ = getattr(made, one)
        numbers = {key: getattr(part_, key) if np.isfinite(getattr(part_, key)) else None
                   for key in ("estimate", "low", "high")}  # fmt: skip
        told = "nobody wrote in both, so who came and who left cannot be told apart" if made.stayers == 0 else None
        yield {**common, "part": one, **numbers, "said": told}
