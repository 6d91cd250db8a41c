"""Where coders differ: who says what instead of what, which posts to decide together, and the decisions.

Disagreement is kept as data: adjudicated values are added beside the coders' own, which stay; shares of coders serve
as soft labels. Letters of shapes: u units (posts), c coders, k values of a variable.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl

from discourse.errors import MeaningError, SchemaError
from discourse.labels.labels import ADJUDICATED, Labels
from discourse.labels.ratings import MISSING, Floats, Ratings, ratings_of
from discourse.labels.sums import level_weights
from discourse.schema import LABELS, as_polars, one_of

__all__ = ["DECIDED", "SOFT", "adjudicate", "coder_confusion", "disagreements", "vote_shares"]

SOFT = {"post_id": pl.String, "value": pl.String, "probability": pl.Float64}
_CONFUSION = {
    "coder_a": pl.String,
    "coder_b": pl.String,
    "value_a": pl.String,
    "value_b": pl.String,
    "n": pl.Int64,
}
DECIDED = "adjudicated"


def coder_confusion(labels: Labels, variable: str = "frame", *, adjudicated: bool = False) -> pl.DataFrame:
    """How often one coder gave one value where another gave another: a table of all pairs of coders and values.

    Columns: coder_a, coder_b (coder_a before coder_b in the alphabet), value_a, value_b (in the order of the
    codebook), n (posts that both coded; a pair of values that never met has 0). Coders without a common post have no
    rows. With `adjudicated` the agreed values count as one coder more: it shows what each coder gets wrong.
    Raises `MeaningError` when fewer than two coders worked on their own.

    >>> from discourse.labels.labels import SAMPLE
    >>> rows = [{"post_id": f"x:{i}", "coder": c, "variable": "frame", "value": v}
    ...         for c, values in (("a", "NCN"), ("b", "NCC")) for i, v in enumerate(values)]
    >>> labels = Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": f"x:{i}"} for i in range(3)]))
    >>> coder_confusion(labels).select("value_a", "value_b", "n").rows()
    [('C', 'C', 1), ('C', 'N', 0), ('N', 'C', 1), ('N', 'N', 1)]
    """
    given = ratings_of(labels, variable, adjudicated=adjudicated)
    k = len(given.values)
    rows = []
    for one, other in combinations(range(len(given.coders)), 2):
        pair = given.codes[:, [one, other]]
        pair = pair[(pair != MISSING).all(axis=1)]
        counts = np.bincount(pair[:, 0] * k + pair[:, 1], minlength=k * k).reshape(k, k)
        if len(pair):
            rows += [
                (given.coders[one], given.coders[other], value, instead, int(counts[a, b]))
                for a, value in enumerate(given.values)
                for b, instead in enumerate(given.values)
            ]
    return pl.DataFrame(rows, schema=_CONFUSION, orient="row")


def disagreements(labels: Labels, variable: str = "frame") -> pl.DataFrame:
    """The posts on which coders differ and nobody has decided yet, most contested first: a sheet to decide on.

    Columns: post_id, n_coders (who coded it), contested (mean distance of two codes, 0 to 1: at the nominal level
    the share of pairs that differ, else 1 minus the agreement weight of the level), and one column
    `value_<coder>` for each coder, null where there is none. Posts as contested as each other are in ascending order
    of post_id. Raises `MeaningError` when fewer than two coders worked on their own.

    >>> from discourse.labels.labels import SAMPLE
    >>> rows = [{"post_id": f"x:{i}", "coder": c, "variable": "frame", "value": v}
    ...         for c, values in (("a", "NCN"), ("b", "NCC")) for i, v in enumerate(values)]
    >>> labels = Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": f"x:{i}"} for i in range(3)]))
    >>> disagreements(labels).rows()
    [('x:2', 2, 1.0, 'N', 'C')]
    """
    given = ratings_of(labels, variable)
    words = np.array([*given.values, None], dtype=object)
    columns = {f"value_{coder}": words[given.codes[:, place]] for place, coder in enumerate(given.coders)}
    table = pl.DataFrame(
        {
            "post_id": list(given.units),
            "n_coders": (given.codes != MISSING).sum(axis=1),
            "contested": _contested(given),
            **columns,
        },
        schema={
            "post_id": pl.String,
            "n_coders": pl.Int64,
            "contested": pl.Float64,
            **dict.fromkeys(columns, pl.String),
        },
    )
    settled = labels.latest(variable).filter(pl.col("coder").is_in(ADJUDICATED))
    open_ = table.filter(pl.col("contested") > 0).join(settled, on="post_id", how="anti")
    return open_.sort("contested", "n_coders", "post_id", descending=[True, True, False])


def adjudicate(labels: Labels, decisions: pl.DataFrame, variable: str = "frame") -> Labels:
    """The labels with decisions added, as rows of the coder "adjudicated"; the coders' own values stay.

    `decisions` has post_id and value, one row a post; a column round is kept, others (the columns of
    `disagreements`) are not read. Nothing given is changed. Raises `SchemaError` for a missing column, a row
    without a value, a variable or value that the codebook does not have, a post in two rows or outside the sample, and
    `MeaningError` for a post that was decided before.

    >>> from discourse.labels.labels import SAMPLE
    >>> rows = [{"post_id": "x:1", "coder": c, "variable": "frame", "value": v} for c, v in ("aN", "bC")]
    >>> labels = Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": "x:1"}]))
    >>> adjudicate(labels, pl.DataFrame({"post_id": ["x:1"], "value": ["N"]})).decided().rows()
    [('x:1', 'N')]
    """
    given = _checked(labels, as_polars(decisions), variable)
    identity = labels.codebook.identity if labels.codebook is not None else None
    added = given.with_columns(
        coder=pl.lit(DECIDED), variable=pl.lit(variable), codebook=pl.lit(identity, dtype=pl.String)
    )
    return replace(labels, table=pl.concat([labels.table, LABELS.frame(added)]))


def vote_shares(labels: Labels, variable: str = "frame") -> pl.DataFrame:
    """Soft labels without a model: for each coded post the share of coders who gave each value.

    Columns: post_id, value (all values of the codebook, in its order), probability (0 to 1, a post's sum to 1). The
    table has the shape of `CoderModel.soft_labels`. Raises `MeaningError` when fewer than two coders worked
    on their own.

    >>> from discourse.labels.labels import SAMPLE
    >>> rows = [{"post_id": "x:1", "coder": c, "variable": "frame", "value": v} for c, v in ("aN", "bC", "cC", "dC")]
    >>> vote_shares(Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": "x:1"}]))).rows()
    [('x:1', 'C', 0.75), ('x:1', 'N', 0.25)]
    """
    given = ratings_of(labels, variable)
    counts = (given.codes[:, :, None] == np.arange(len(given.values))).sum(axis=1)
    return soft_table(given.units, given.values, counts / counts.sum(axis=1, keepdims=True))


def soft_table(units: tuple[str, ...], values: tuple[str, ...], probability: Floats) -> pl.DataFrame:
    """Probabilities of shape (u, k) as a table: post_id, value, probability, k rows a post.

    >>> soft_table(("x:1",), ("C", "N"), np.array([[0.25, 0.75]])).rows()
    [('x:1', 'C', 0.25), ('x:1', 'N', 0.75)]
    """
    columns = {
        "post_id": np.repeat(np.array(units, dtype=object), len(values)),
        "value": np.tile(np.array(values, dtype=object), len(units)),
        "probability": probability.ravel(),
    }
    return pl.DataFrame(columns, schema=SOFT)


def _contested(given: Ratings) -> Floats:
    """Mean distance of two codes of a unit, shape (u,); 0 where there are fewer than two."""
    apart = 1.0 - level_weights(given.level, given.points)
    counts = (given.codes[:, :, None] == np.arange(len(given.values))).sum(axis=1).astype(np.float64)
    size = counts.sum(axis=1)
    # The distance of a value to itself is 0, so ordered pairs of coders are all pairs of different values.
    distance: Floats = ((counts @ apart) * counts).sum(axis=1) / np.maximum(size * (size - 1), 1)
    return distance


def _checked(labels: Labels, decisions: pl.DataFrame, variable: str) -> pl.DataFrame:
    """The decisions in the columns post_id, value and, if there, round; raises when one cannot be added."""
    for column in ("post_id", "value"):
        if column not in decisions.columns:
            raise SchemaError(f"the decisions have no column {column!r}; they need post_id and value, one row a post")
    names = ["post_id", "value", *(name for name in ("round",) if name in decisions.columns)]
    given = decisions.select(pl.col(name).cast(pl.String) for name in names)
    open_ = given.filter(pl.any_horizontal(pl.col("post_id", "value").is_null())).height
    if open_:
        raise SchemaError(f"{open_} decisions have no post_id or no value; leave out what is not decided yet")
    if labels.codebook is None:
        one_of(variable, labels.table["variable"].unique().sort(), "variable")
    else:
        for value in given["value"].unique().sort():
            one_of(value, labels.codebook.values(variable), f"a decision on {variable}")
    twice = given.filter(pl.col("post_id").is_duplicated())["post_id"].n_unique()
    if twice:
        raise SchemaError(f"{twice} posts are decided in more than one row; give one decision for each post")
    outside = given.join(labels.sample, on="post_id", how="anti").height
    if outside:
        raise SchemaError(f"{outside} decided posts are not in the sample; decide on posts that coders were given")
    before = labels.latest(variable).filter(pl.col("coder").is_in(ADJUDICATED))
    again = given.join(before, on="post_id", how="semi").height
    if again:
        raise MeaningError(
            f"{again} posts have an agreed or adjudicated {variable!r} already; leave them out, a post is decided once"
        )
    return given
