"""The classifier as one more coder: how far it agrees with people, by the measure in which people agree with people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from discourse.errors import MeaningError
from discourse.judging.evaluate import Evaluation
from discourse.labels.agreement import agreement
from discourse.labels.labels import ADJUDICATED, SAMPLE, Labels
from discourse.schema import ABSTAIN, LABELS

__all__ = ["model_agreement"]

_MODEL, _SETTLED = "classifier", "settled labels"
_COLUMNS: Final = ("between", "group", "n_units", "percent", "alpha", "low", "high")


def model_agreement(
    evaluation: Evaluation,
    labels: Labels,
    *,
    seed: int,
    replicates: int = 1000,
    by: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Krippendorff's alpha of the classifier with people, on posts it was not trained on, and of people with people.

    One row a pair or set: "classifier and settled labels", "coders" (without the classifier), "coders and classifier"
    (it as one more coder) and "classifier and coder 1", 2 ... (coders in the order of their names); with `by` (post_id
    and a group) in each group, too. Columns: between, group, n_units (posts with two values or more), percent, alpha,
    low, high (as in `labels.agreement`: 95 %, over posts). Posts on which the classifier abstained have no value of
    it. Rows of coders are there if they coded on their own; those of single coders are not for publishing.

    Raises `MeaningError` when no tested post has a settled label; warns as `agreement` does.

    >>> said = ["both", "neither", "both", "neither"]
    >>> tested = pl.DataFrame({"post_id": [f"x:{i}" for i in range(4)], "classifier": ["both", "neither"] * 2})
    >>> rows = [{"post_id": f"x:{i}", "coder": "a", "variable": "frame", "value": v} for i, v in enumerate(said)]
    >>> labels = Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": f"x:{i}"} for i in range(4)]))
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # two columns that are the same are warned of
    ...     table = model_agreement(Evaluation(pl.DataFrame(), pl.DataFrame(), tested), labels, seed=7, replicates=9)
    >>> table.select("between", "n_units", "alpha").rows()[0]
    ('classifier and settled labels', 4, 1.0)
    """
    tested = evaluation.predictions.select("post_id", "classifier")
    said = labels.latest("frame").join(tested, on="post_id", how="semi")
    settled = labels.decided("frame").join(tested, on="post_id", how="semi")
    if settled.is_empty():
        raise MeaningError("no tested post has a settled label; give the labels that the evaluation was made with")
    own = said.filter(~pl.col("coder").is_in(ADJUDICATED))
    model = _column(tested.filter(pl.col("classifier") != ABSTAIN), "classifier", _MODEL)
    parts = []
    for between, table in _sets(own, _column(settled, "value", _SETTLED), model):
        made = Labels(table, SAMPLE.frame(table.select("post_id").unique()), labels.codebook)
        found = agreement(made, "frame", seed=seed, replicates=replicates, by=by)
        parts.append(found.with_columns(pl.lit(between).alias("between")).select(_COLUMNS))
    return pl.concat(parts)


def _sets(own: pl.DataFrame, settled: pl.DataFrame, model: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """What is compared, and the labels of it; a coder's name never is what the model is called."""
    named = sorted(set(own["coder"]))
    coders = LABELS.frame(
        own.with_columns(pl.lit("frame").alias("variable"), pl.format("coder {}", "coder").alias("coder"))
    )
    yield f"{_MODEL} and {_SETTLED}", pl.concat([model, settled])
    if len(named) > 1:
        yield "coders", coders
        yield f"coders and {_MODEL}", pl.concat([coders, model])
    for at, name in enumerate(named, 1):
        yield f"{_MODEL} and coder {at}", pl.concat([coders.filter(pl.col("coder") == f"coder {name}"), model])


def _column(posts: pl.DataFrame, value: str, coder: str) -> pl.DataFrame:
    made: dict[str, Any] = {"post_id": posts["post_id"], "value": posts[value]}
    return LABELS.frame(pl.DataFrame(made).with_columns(coder=pl.lit(coder), variable=pl.lit("frame")))
