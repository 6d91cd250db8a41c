"""Honest evaluation: out of fold, authors and repeated texts never on both sides of a split, with intervals."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold

from discourse.corpus.links import linked_groups
from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SmallSampleWarning, UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.framing.features import model_text
from discourse.framing.lexicon import lexicon_frames
from discourse.schema import FRAMES, as_polars

__all__ = ["Evaluation", "confusion_scores", "evaluate"]

Floats = npt.NDArray[np.float64]
_LEVEL = 0.95


@dataclass(frozen=True)
class Evaluation:
    """Scores of the classifier and two baselines on posts that none of them was trained on.

    `scores` has one row per model, group, metric and class: estimate, low, high (percentile bootstrap over
    authors), n (posts). `confusion` counts true x predicted of the classifier. `predictions` holds the
    out-of-fold prediction of every labelled post.

    >>> scores = pl.DataFrame({"model": ["classifier"], "group": ["all"], "metric": ["macro_f1"], "class": ["all"],
    ...                        "estimate": [0.71], "low": [0.65], "high": [0.76], "n": [600]})
    >>> Evaluation(scores, pl.DataFrame(), pl.DataFrame({"post_id": ["x:1"]}))
    Evaluation, macro-F1 over 1 labelled posts, out of fold:
      classifier: 0.710 (0.650 to 0.760)
    """

    scores: pl.DataFrame
    confusion: pl.DataFrame
    predictions: pl.DataFrame

    def __repr__(self) -> str:
        macro = self.scores.filter((pl.col("metric") == "macro_f1") & (pl.col("group") == "all"))
        lines = [
            f"  {row['model']}: {row['estimate']:.3f}"
            + ("" if row["low"] is None else f" ({row['low']:.3f} to {row['high']:.3f})")
            for row in macro.to_dicts()
        ]
        return "\n".join([f"Evaluation, macro-F1 over {self.predictions.height} labelled posts, out of fold:", *lines])


def evaluate(
    model: FramingClassifier,
    corpus: Corpus,
    labels: pl.DataFrame,
    *,
    seed: int,
    folds: int = 5,
    replicates: int = 1000,
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Cross-validate the recipe of `model` on labelled posts of a corpus.

    `labels` has post_id and value. In every fold a fresh copy of the model is trained on the others; posts that
    share an author or a repeated text are always in one fold. Baselines: the majority frame of the training
    folds, and the lexicon. Raises `UsageError` for fewer than 2 folds, `MeaningError` when a label belongs to no
    post or a post has two, and when there are fewer groups than folds; warns `SmallSampleWarning` of a frame
    found in fewer groups than folds.

    >>> from datetime import datetime, timezone
    >>> from discourse.schema import POSTS
    >>> texts = ["we want peace talks", "defend our soil"] * 4
    >>> posts = POSTS.frame([{"post_id": f"x:{i}", "platform": "x", "author_id": f"a{i}", "text": text, "kind": "reply",
    ...                       "text_norm": text, "created_at": datetime(2025, 1, 1, tzinfo=timezone.utc)}
    ...                      for i, text in enumerate(texts)])
    >>> labels = pl.DataFrame({"post_id": [f"x:{i}" for i in range(8)], "value": ["conciliatory", "nationalist"] * 4})
    >>> found = evaluate(FramingClassifier(seed=7), Corpus(posts), labels, seed=7, folds=2, replicates=20)
    >>> (found.predictions["classifier"] == found.predictions["value"]).all()
    True
    """
    if folds < 2:
        raise UsageError(f"folds is {folds}; it must be 2 or more, like 5")
    labels = as_polars(labels).select("post_id", "value")
    if labels["post_id"].is_duplicated().any():
        raise MeaningError("the labels hold a post more than once; settle them to one label a post first")
    joined = labels.join(corpus.posts, on="post_id", how="inner", validate="1:1").sort("post_id")
    if joined.height < labels.height:
        raise MeaningError(f"{labels.height - joined.height} of {labels.height} labelled posts are not in this corpus")
    groups = linked_groups(joined)
    if groups.n_unique() < folds:
        raise MeaningError(f"{groups.n_unique()} groups of authors cannot make {folds} folds; label more authors")
    predicted = _out_of_fold(model, joined, groups, folds=folds, seed=seed, progress=progress)
    predictions = joined.select("post_id", "author_id", "lang", "side", "value").with_columns(**predicted)
    scores = _scores(predictions, tuple(predicted), seed, replicates)
    confusion = _confusion(predictions, "classifier")
    return Evaluation(scores, confusion, predictions)


def confusion_scores(matrix: Floats) -> dict[str, Floats]:
    """Metrics of confusion matrices (..., k true, k predicted), k frames in codebook order.

    precision, recall and f1 have shape (..., k), macro_f1 and accuracy (...,). A frame that occurs neither as
    truth nor as prediction is left out of the macro average; one that occurs only on one side has F1 0.

    >>> made = confusion_scores(np.diag([3.0, 1.0, 0.0, 4.0]))
    >>> float(made["macro_f1"]), float(made["accuracy"])
    (1.0, 1.0)
    """
    hit = np.diagonal(matrix, axis1=-2, axis2=-1)
    true, predicted = matrix.sum(axis=-1), matrix.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(predicted > 0, hit / predicted, np.nan)
        recall = np.where(true > 0, hit / true, np.nan)
        f1 = np.where(true + predicted > 0, 2.0 * hit / (true + predicted), np.nan)
        present = np.isfinite(f1)
        macro = np.where(present, f1, 0.0).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)
        total = matrix.sum(axis=(-2, -1))
        accuracy = np.where(total > 0, hit.sum(axis=-1) / total, np.nan)
    return {"precision": precision, "recall": recall, "f1": f1, "macro_f1": macro, "accuracy": accuracy}


def _out_of_fold(
    model: FramingClassifier,
    joined: pl.DataFrame,
    groups: pl.Series,
    *,
    folds: int,
    seed: int,
    progress: Callable[[int], None] | None,
) -> dict[str, pl.Series]:
    values = joined["value"]
    by_class, majority = np.empty(len(values), dtype=object), np.empty(len(values), dtype=object)
    split = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A frame with fewer posts than folds is said below, in this package's own words.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = list(split.split(np.zeros(len(values)), values.to_numpy(), groups.to_numpy()))
    spread = pl.DataFrame({"value": values, "group": groups}).group_by("value").agg(pl.col("group").n_unique())
    rare = spread.filter(pl.col("group") < folds)["value"].sort().to_list()
    if rare:
        warnings.warn(
            f"{', '.join(rare)}: labelled in fewer groups of authors than the {folds} folds; "
            "their scores rest on almost nothing",
            SmallSampleWarning,
            stacklevel=3,
        )
    for train, test in parts:
        fresh = clone(model).fit(joined[train], values[train].to_list())
        by_class[test] = fresh.predict(joined[test])
        majority[test] = values[train].value_counts().sort("count", "value", descending=[True, False])["value"][0]
        if progress:
            progress(1)
    lexicon = lexicon_frames(model_text(joined), joined["lang"])
    return {
        "classifier": pl.Series(by_class.tolist(), dtype=pl.String),
        "lexicon": lexicon,
        "majority": pl.Series(majority.tolist(), dtype=pl.String),
    }


def _scores(predictions: pl.DataFrame, models: tuple[str, ...], seed: int, replicates: int) -> pl.DataFrame:
    authors = predictions["author_id"].unique().sort()
    # Multinomial weights: every replicate draws as many authors as there are.
    draw = np.random.default_rng([seed, len(authors)]).multinomial(
        len(authors), np.full(len(authors), 1.0 / len(authors)), size=replicates
    )
    weights = np.vstack([np.ones(len(authors)), draw])
    place = predictions["author_id"].replace_strict(authors, np.arange(len(authors)), return_dtype=pl.Int64)
    groups: dict[str, pl.Series] = {"all": pl.repeat(True, predictions.height, eager=True)}
    for column in ("lang", "side"):
        for value in predictions[column].drop_nulls().unique().sort():
            groups[f"{column}={value}"] = (predictions[column] == value).fill_null(value=False)
    rows = []
    for group, chosen in groups.items():
        at = chosen.to_numpy()
        part = predictions.filter(chosen)
        matrices = {name: _matrices(part, name, weights[:, place.to_numpy()[at]]) for name in models}
        scored = {name: confusion_scores(matrix) for name, matrix in matrices.items()}
        rows += _rows(group, part.height, scored)
    return pl.DataFrame(rows, orient="row", schema={
        "model": pl.String, "group": pl.String, "metric": pl.String, "class": pl.String, "estimate": pl.Float64,
        "low": pl.Float64, "high": pl.Float64, "n": pl.Int64,
    })  # fmt: skip


def _rows(group: str, n: int, scored: Mapping[str, Mapping[str, Floats]]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []

    def add(model: str, metric: str, name: str, values: Floats) -> None:
        known = values[1:][np.isfinite(values[1:])]
        low, high = np.quantile(known, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]) if len(known) > 1 else (None, None)
        estimate = float(values[0]) if np.isfinite(values[0]) else None
        rows.append({"model": model, "group": group, "metric": metric, "class": name, "estimate": estimate,
                     "low": low, "high": high, "n": n})  # fmt: skip

    for model, metrics in scored.items():
        for metric in ("macro_f1", "accuracy"):
            add(model, metric, "all", metrics[metric])
        for metric in ("precision", "recall", "f1"):
            for i, frame in enumerate(FRAMES):
                add(model, metric, frame, metrics[metric][:, i])
    for baseline in scored:
        if baseline != "classifier":
            gain = scored["classifier"]["macro_f1"] - scored[baseline]["macro_f1"]
            add(f"classifier - {baseline}", "macro_f1", "all", gain)
    return rows


def _matrices(part: pl.DataFrame, model: str, weights: Floats) -> Floats:
    """Confusion matrices under each replicate's weights: (1 + b, k, k) from weights (1 + b, n)."""
    k = len(FRAMES)
    index = {frame: i for i, frame in enumerate(FRAMES)}
    true = part["value"].replace_strict(index, return_dtype=pl.Int64).to_numpy()
    predicted = part[model].replace_strict(index, return_dtype=pl.Int64).to_numpy()
    cells = np.zeros((part.height, k * k))
    cells[np.arange(part.height), true * k + predicted] = 1.0
    made: Floats = (weights @ cells).reshape(-1, k, k)
    return made


def _confusion(predictions: pl.DataFrame, model: str) -> pl.DataFrame:
    grid = pl.DataFrame({"true": FRAMES}).join(pl.DataFrame({"predicted": FRAMES}), how="cross")
    counts = predictions.group_by(pl.col("value").alias("true"), pl.col(model).alias("predicted")).len("n")
    return grid.join(counts, on=["true", "predicted"], how="left", maintain_order="left").with_columns(
        pl.col("n").fill_null(0).cast(pl.Int64)
    )
