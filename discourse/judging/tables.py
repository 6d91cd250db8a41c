"""The table of scores: every model, group, metric and frame, with an interval over authors.

Letters of shapes: n tested posts, k frames, b replicates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.judging.baselines import BASELINES, RECALIBRATED, Guess
from discourse.judging.intervals import Interval, interval_of
from discourse.judging.values import MIN_AUTHORS, Judged, Part, Values, ends
from discourse.schema import ABSTAIN, FRAMES

__all__ = ["GROUPED", "MIN_AUTHORS", "SCORES", "confusion_table", "score_tables"]

GROUPED: Final = ("lang", "side", "platform")
SCORES: Final[dict[str, Any]] = {
    "model": pl.String, "group": pl.String, "metric": pl.String, "class": pl.String, "estimate": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "n": pl.Int64,
}  # fmt: skip
GROUPS: Final[dict[str, Any]] = {
    "group": pl.String, "n": pl.Int64, "n_authors": pl.Int64, "averaged": pl.String, "common": pl.String,
    "withheld": pl.Boolean,
}  # fmt: skip
_PROBABLE: Final = ("nll", "brier", "ece")
_COMPARED: Final = (
    *((metric, "all") for metric in ("macro_f1", "macro_f1_common")),
    *(("average_precision", name) for name in ("all", *FRAMES)),
)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def score_tables(
    posts: pl.DataFrame, guesses: Mapping[str, Guess], *, seed: int, replicates: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores of n tested posts (author_id, value, and columns to group by), and the groups they were made in.

    The first table has the columns of `SCORES`. Groups: "all", and each language, side and platform. Metrics over all
    frames: macro_f1 (over the frames that have truth in the group, if there are two), macro_f1_common (over those that
    10 authors or more wrote), accuracy, coverage (share not abstained), and, of probabilities, average_precision (mean
    over the frames with truth), nll, brier, ece, aurc; for each frame: precision, recall, f1, average_precision. Rows
    "classifier - baseline" hold paired differences.

    A group of fewer than 10 authors has rows without numbers. An average precision that rests on a frame which fewer
    than 10 authors wrote has no interval. The second table has a row a group: n, n_authors, averaged and common (the
    frames of its two macro averages; all null where there are few authors) and withheld.

    >>> posts = pl.DataFrame({"author_id": ["a", "b"], "value": ["both", "neither"], "lang": ["en", "ps"],
    ...                       "side": ["A", "A"], "platform": ["x", "x"]})
    >>> scores, groups = score_tables(posts, {"classifier": Guess(np.array([2, 3]), np.zeros((2, 0)))}, seed=7,
    ...                               replicates=9)
    >>> scores.select("group", "metric", "estimate", "n").row(0), groups["withheld"].to_list()
    (('all', 'macro_f1', 1.0, 2), [False, True, True, True, True])
    """
    tested = Judged.of(posts, seed=seed, replicates=replicates)
    rows: list[tuple[Any, ...]] = []
    groups: list[tuple[Any, ...]] = []
    for group, at in _groups(posts).items():
        part = tested.part(at)
        few = group != "all" and part.authors < MIN_AUTHORS
        counts = (None, None) if few else (len(part.truth), part.authors)
        named = (None, None) if few else (_named(part.averaged), _named(part.common))
        groups.append((group, *counts, *named, few))
        values = {name: tested.values(name, guess, part) for name, guess in guesses.items()}
        rows += [
            (model, group, *key, *((None, None, None) if few else made), counts[0])
            for model, key, made in _measured(part, values)
        ]
    return pl.DataFrame(rows, schema=SCORES, orient="row"), pl.DataFrame(groups, schema=GROUPS, orient="row")


def confusion_table(truth: pl.Series, predicted: pl.Series) -> pl.DataFrame:
    """Posts of each true and predicted frame: true, predicted, n, in codebook order; "abstain" if anything was.

    >>> confusion_table(pl.Series(["both"]), pl.Series(["neither"])).filter(pl.col("n") > 0).rows()
    [('both', 'neither', 1)]
    """
    named = [*FRAMES, *([ABSTAIN] if (predicted == ABSTAIN).any() else [])]
    grid = pl.DataFrame({"true": FRAMES}).join(pl.DataFrame({"predicted": named}), how="cross")
    counts = pl.DataFrame({"true": truth, "predicted": predicted}).group_by("true", "predicted").len("n")
    return grid.join(counts, on=["true", "predicted"], how="left", maintain_order="left").with_columns(
        pl.col("n").fill_null(0).cast(pl.Int64)
    )


def _named(flags: Flags) -> str:
    return ", ".join(frame for frame, yes in zip(FRAMES, flags, strict=True) if yes)


def _groups(posts: pl.DataFrame) -> dict[str, Flags]:
    flags = {"all": np.ones(posts.height, dtype=bool)}
    for column in GROUPED:
        for value in posts[column].drop_nulls().unique().sort():
            flags[f"{column}={value}"] = (posts[column] == value).fill_null(value=False).to_numpy()
    return flags


def _measured(part: Part, values: Mapping[str, Values]) -> Iterator[tuple[str, tuple[str, str], Interval]]:
    """Model, metric and class, and the interval: of each model, then of each difference."""
    for model, metrics in values.items():
        for key, drawn in metrics.items():
            if model != RECALIBRATED or key[0] in _PROBABLE:
                yield model, key, _thin(part, key, ends(key[0], drawn))
    for baseline in BASELINES:
        mine, theirs = values.get("classifier", {}), values.get(baseline, {})
        for key in (key for key in _COMPARED if key in mine and key in theirs):
            yield f"classifier - {baseline}", key, _thin(part, key, interval_of(mine[key] - theirs[key]))


def _thin(part: Part, key: tuple[str, str], made: Interval) -> Interval:
    """The interval, unless it is of an average precision that rests on a frame few authors wrote."""
    metric, frame = key
    if metric != "average_precision":
        return made
    by = part.writers[part.averaged] if frame == "all" else part.writers[[FRAMES.index(frame)]]
    return made if (by >= MIN_AUTHORS).all() else (made[0], None, None)
