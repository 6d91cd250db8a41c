"""Experiments with known truth: how often intervals hold it, how far estimates are off, how often tests are wrong.

Each gives rows of one table: experiment, setting, method, quantity, repetitions, coverage of nominal 95 % intervals,
bias, root mean squared error, mean width. A repetition in which a method has no answer counts as not held. Windows are
the repetitions: they share no authors, and one tally makes them all. `discourse validate` writes the table that
docs/validation.md prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import MeaningError, UsageError
from discourse.estimators.bootstrap import percentile_interval
from discourse.impact.daily import Daily, daily
from discourse.impact.interrupted import fit_daily, interrupted_design
from discourse.indices.polarization import Polarization
from discourse.measure.methods import SCORES_OF
from discourse.measure.prevalence import prevalence
from discourse.measure.tallies import Design, tally
from discourse.schema import FRAMES
from discourse.simulate.days import EVENT, World, daily_counts
from discourse.simulate.observed import SyntheticSide, simulate_observed
from discourse.simulate.shifts import SHIFTS, TRAINING_MIX, Shifted, shifted_posts, true_shares

__all__ = ["COLUMNS", "EXPERIMENTS", "as_markdown", "validate"]

COLUMNS = {
    "experiment": pl.String, "setting": pl.String, "method": pl.String, "quantity": pl.String,
    "repetitions": pl.Int64, "coverage": pl.Float64, "bias": pl.Float64, "rmse": pl.Float64, "width": pl.Float64,
}  # fmt: skip

_SIDES = ("pakistan", "afghanistan")
_GOLD = (100, 500, 2000)
_POSTS = 4_000
_AT_ONCE = 25
_AUTHORS = (60, 200, 1_000)
_METHODS = ("poststrat", "dsl", "ppi", "ppi++", "gold", "acc", "pacc", "cc", "pcc")
_VOLUMES = (30, 100, 300, 1_000, 3_000, 10_000)
_POSTS_A_DAY = (2, 6, 30, 200)
_LATENT = ((0.0, 0.0), (0.6, 0.35), (0.85, 0.5))  # correlation from day to day, standard deviation in logits
_MIXES = (np.array([0.35, 0.20, 0.05, 0.40]), np.array([0.25, 0.25, 0.05, 0.45]))
_NATIONALIST = FRAMES.index("nationalist")

Floats = npt.NDArray[np.float64]
Progress = Callable[[str], None]
Found = dict[tuple[str, str], list["_Found"]]


def validate(
    repetitions: int, *, seed: int, experiments: tuple[str, ...] = (), progress: Progress | None = None
) -> pl.DataFrame:
    """The table of the named experiments, by default of all, each with that many repetitions a setting.

    Raises `UsageError` for fewer than two repetitions or an unknown experiment.

    >>> made = validate(4, seed=7, experiments=("volume",))
    >>> made.columns == list(COLUMNS), made["repetitions"].unique().to_list()
    (True, [4])
    """
    if repetitions < 2:
        raise UsageError(f"repetitions is {repetitions}; a share of intervals needs 2 or more, like 400")
    unknown = [name for name in experiments if name not in EXPERIMENTS]
    if unknown:
        raise UsageError(f"there is no experiment {unknown[0]!r}; there are {', '.join(EXPERIMENTS)}")
    rows: list[dict[str, Any]] = []
    for name in experiments or EXPERIMENTS:
        for row in EXPERIMENTS[name](repetitions, seed, progress or (lambda _: None)):
            rows.append({"experiment": name, **row})
    return pl.DataFrame(rows, schema=COLUMNS)


def as_markdown(table: pl.DataFrame) -> str:
    """The tables that docs/validation.md prints: one an experiment, a row for each setting and quantity.

    A cell is how often the interval of a method held the truth, then its bias and its mean width in brackets.

    >>> row = {"experiment": "volume", "setting": "30 posts", "method": "plug-in", "quantity": "esteban-ray"}
    >>> print(as_markdown(pl.DataFrame([{**row, "repetitions": 4, "coverage": 0.5, "bias": 0.01, "rmse": 0.1,
    ...     "width": 0.2}])))
    ### volume, 4 repetitions a setting
    <BLANKLINE>
    | setting | quantity | plug-in |
    |---|---|---|
    | 30 posts | esteban-ray | 0.500 (+0.0100, 0.200) |
    <BLANKLINE>
    """
    lines = []
    for part in table.partition_by("experiment", maintain_order=True):
        methods = part["method"].unique(maintain_order=True).to_list()
        lines += [f"### {part['experiment'][0]}, {part['repetitions'][0]:,} repetitions a setting", "",
                  f"| setting | quantity | {' | '.join(methods)} |", "|---" * (2 + len(methods)) + "|"]  # fmt: skip
        for own in part.partition_by("setting", "quantity", maintain_order=True):
            cells = {
                row["method"]: f"{row['coverage']:.3f} ({row['bias']:+.4f}, {row['width']:.3f})"
                for row in own.iter_rows(named=True)
            }
            named = [own["setting"][0], own["quantity"][0], *(cells.get(name, "") for name in methods)]
            lines.append(f"| {' | '.join(named)} |")
        lines.append("")
    return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class _Found:
    """Estimates (r,) with bounds against a truth."""

    truth: float
    estimate: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, truth: float, values: Floats) -> _Found:
        """From values (r, 1 + b), the estimate in column 0."""
        low, high = percentile_interval(values[:, 1:])
        return cls(truth, values[:, 0], low, high)

    def row(self, setting: str, method: str, quantity: str) -> dict[str, Any]:
        off = self.estimate - self.truth
        return {
            "setting": setting, "method": method, "quantity": quantity, "repetitions": len(off),
            "coverage": float(((self.low <= self.truth) & (self.truth <= self.high)).mean()),
            "bias": float(np.nanmean(off)), "rmse": float(np.sqrt(np.nanmean(off**2))),
            "width": float(np.nanmean(self.high - self.low)),
        }  # fmt: skip


def _together(parts: list[_Found]) -> _Found:
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("estimate", "low", "high")}
    return _Found(parts[0].truth, **joined)


def _shift(repetitions: int, seed: int, progress: Progress) -> Iterator[dict[str, Any]]:
    """Every method under prior, covariate and concept shift; gold drawn at random in each window and side."""
    for shift in SHIFTS:
        truth = true_shares(shift)[:, _NATIONALIST]
        for gold in _GOLD:
            world = Shifted(shift, _POSTS, gold)
            found: Found = {}
            for start in range(0, repetitions, _AT_ONCE):
                progress(f"{shift} shift, {gold} gold labels: {start} of {repetitions}")
                windows = min(_AT_ONCE, repetitions - start)
                _shares_of_all_methods(shifted_posts(world, windows, seed + start), truth, found)
            for (method, quantity), parts in found.items():
                yield _together(parts).row(f"{shift} shift, {gold} gold labels", method, quantity)


def _shares_of_all_methods(observed: pl.DataFrame, truth: Floats, found: Found) -> None:
    names = tuple(observed["window"].unique().sort())
    tallied = {}
    for method in _METHODS:
        kept = SCORES_OF[method]
        if kept not in tallied:
            tallied[kept] = tally(observed, Design(names, _SIDES, "author", 400, 1, kept))
        values = prevalence(tallied[kept], method=method, train_prior=TRAINING_MIX).values[:, :, _NATIONALIST]
        gap = _Found.of(float(truth[0] - truth[1]), values[:, 0] - values[:, 1])
        found.setdefault((method, "share"), []).append(_Found.of(float(truth[0]), values[:, 0]))
        found.setdefault((method, "difference"), []).append(gap)


def _heavy(repetitions: int, seed: int, progress: Progress) -> Iterator[dict[str, Any]]:
    """Authors with Pareto-distributed posts who keep to their frames, 70 gold labels a window and side."""
    for authors in _AUTHORS:
        found: Found = {}
        for start in range(0, repetitions, _AT_ONCE):
            progress(f"heavy-tailed posting, {authors} authors: {start} of {repetitions}")
            frames = []
            for window in range(start, min(start + _AT_ONCE, repetitions)):
                drawn = {name: SyntheticSide(authors, mix[None]) for name, mix in zip(_SIDES, _MIXES, strict=True)}
                made = simulate_observed(drawn, gold_per_cell=70, seed=seed + 7 * window)
                apart = pl.format("{}-{}", pl.lit(window), "author_id")
                frames.append(made.with_columns(author_id=apart, window=pl.lit(f"{window:05}")))
            observed = pl.concat(frames)
            names = tuple(observed["window"].unique().sort())
            for weight in ("author", "post"):
                tallied = tally(observed, Design(names, _SIDES, weight, 400, 1))
                for method in ("poststrat", "cc"):
                    values = prevalence(tallied, method=method).values[:, :, _NATIONALIST]
                    truth = [float(mix[_NATIONALIST]) for mix in _MIXES]
                    key = f"{method}, {weight} weight"
                    found.setdefault((key, "share"), []).append(_Found.of(truth[0], values[:, 0]))
                    gap = _Found.of(truth[0] - truth[1], values[:, 0] - values[:, 1])
                    found.setdefault((key, "difference"), []).append(gap)
        for (method, quantity), parts in found.items():
            yield _together(parts).row(f"heavy-tailed posting, {authors} authors a side", method, quantity)


def _volume(repetitions: int, seed: int, progress: Progress) -> Iterator[dict[str, Any]]:
    """Indices of polarization where only the volume changes: a post an author, a classifier without error."""
    measures = (Polarization("esteban-ray"), Polarization("net-tone-gap"), Polarization("cramer-squared"))
    for posts in _VOLUMES:
        found: dict[str, list[_Found]] = {}
        naive: dict[str, list[_Found]] = {}
        for start in range(0, repetitions, 200):
            progress(f"{posts} posts a window and side: {start} of {repetitions}")
            windows = min(200, repetitions - start)
            shares = _plain_shares(posts, windows, np.random.default_rng([seed, posts, start]))
            for measure in measures:
                second = shares[1] if measure.between else None
                truth = float(measure.of(_MIXES[0], _MIXES[1] if measure.between else None))
                estimate, low, high = measure.interval(shares[0], second)
                found.setdefault(measure.kind, []).append(_Found(truth, estimate, low, high))
                naive.setdefault(measure.kind, []).append(_Found.of(truth, measure.of(shares[0], second)))
        for kind, parts in found.items():
            yield _together(parts).row(f"{posts} posts a window and side", "corrected", kind)
        for kind, parts in naive.items():
            yield _together(parts).row(f"{posts} posts a window and side", "plug-in", kind)


def _plain_shares(posts: int, windows: int, rng: np.random.Generator) -> list[Floats]:
    """Shares (windows, 1 + b, 4) of both sides with Poisson replicates: of single posts these are Poisson counts."""
    made = []
    for mix in _MIXES:
        counts = rng.multinomial(posts, mix, size=windows)
        # The Poisson(1) weights of n posts of one frame sum to a Poisson(n).
        drawn = rng.poisson(counts[:, None, :], size=(windows, 400, len(FRAMES)))
        with_point = np.concatenate([counts[:, None, :], drawn], axis=1).astype(np.float64)
        made.append(with_point / np.maximum(with_point.sum(axis=2, keepdims=True), 1.0))
    return made


def _events(repetitions: int, seed: int, progress: Progress) -> Iterator[dict[str, Any]]:
    """Event studies where nothing happens, by posts a day and autocorrelation: a test is wrong where 0 is not held."""
    for posts in _POSTS_A_DAY:
        for phi, sd in _LATENT:
            world = World(posts, phi, sd)
            progress(f"{posts} posts a day, autocorrelation {phi}")
            found: dict[str, list[tuple[float, float, float]]] = {}
            for repetition in range(repetitions):
                rng = np.random.default_rng([seed, repetition, posts, int(100 * phi)])
                series = daily(daily_counts(world, 0.0, rng))
                design, names = interrupted_design(series.t, EVENT, weekly=True)
                for model in ("binomial_ar1", "binomial"):
                    found.setdefault(model, []).append(_level(series, design, names, model))
            for model, rows in found.items():
                estimate, low, high = np.array(rows).T
                made = _Found(0.0, estimate, low, high)
                yield made.row(f"{posts} posts a day, autocorrelation {phi}", model, "level change, logits")


def _level(series: Daily, design: Floats, names: tuple[str, ...], model: str) -> tuple[float, float, float]:
    try:
        effect = fit_daily(series, design, names, model=model).effect("level")
    except MeaningError:
        return np.nan, np.nan, np.nan
    return effect.estimate, effect.low, effect.high


EXPERIMENTS: dict[str, Callable[[int, int, Progress], Iterator[dict[str, Any]]]] = {
    "shift": _shift,
    "posting": _heavy,
    "volume": _volume,
    "events": _events,
}
