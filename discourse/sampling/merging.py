"""Two samples of the same posts made one: the chance of a post to be in either.

Source: independent draws as in dual-frame sampling, Bankier (1986), *Estimators Based on Several Stratified Samples
with Applications to Multiple Frame Surveys*.
"""

from __future__ import annotations

import polars as pl

from discourse.errors import MeaningError
from discourse.sampling.sampling import DRAWN
from discourse.schema import Table, as_polars

__all__ = ["merge_samples"]

_CHANCES = Table(
    "chances",
    {"post_id": pl.String, "inclusion_p": pl.Float64},
    required=frozenset({"post_id", "inclusion_p"}),
    key=("post_id",),
)
_SAME = 1e-9


def merge_samples(
    a: pl.DataFrame,
    b: pl.DataFrame,
    *,
    chances_a: pl.DataFrame | None = None,
    chances_b: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One sample of two that were drawn independently (with different seeds), in the columns of `draw_sample`.

    inclusion_p is the chance to be in either, 1 - (1 - p_a)(1 - p_b). A post that only one draw took had a chance in
    the other too: `chances_a` and `chances_b` (`inclusion_chances`) hold it, and a post that they lack could not have
    been drawn there. A post's stratum is that of its draw; of both, joined by " + ".
    Raises `MeaningError` when a chance is not known, when chances are those of another draw, or when the two
    samples have different roles.

    >>> from discourse.sampling.sampling import draw_sample, inclusion_chances
    >>> posts = pl.DataFrame({"post_id": [f"x:{i}" for i in range(8)], "text": ["a"] * 8})
    >>> first, second = draw_sample(posts, 4, seed=1), draw_sample(posts, 2, seed=2)
    >>> chances = {"chances_a": inclusion_chances(posts, 4), "chances_b": inclusion_chances(posts, 2)}
    >>> merge_samples(first, second, **chances)["inclusion_p"].unique().to_list()
    [0.625]
    """
    one, other = _known(a, "first"), _known(b, "second")
    roles = sorted({role or "none" for part in (one, other) for role in part["role"]})
    if len(roles) > 1:
        raise MeaningError(
            f"the samples have the roles {' and '.join(roles)}; a post has one role: merge samples of the same role"
        )
    both = one.join(other, on="post_id", how="full", coalesce=True, suffix="_b", validate="1:1")
    chance_a = _looked_up(both, "inclusion_p", chances_a, "chances_a")
    chance_b = _looked_up(both, "inclusion_p_b", chances_b, "chances_b")
    strata = pl.when(pl.col("stratum").is_null() | pl.col("stratum_b").is_null())
    made = both.with_columns(
        (1.0 - (1.0 - chance_a) * (1.0 - chance_b)).alias("inclusion_p"),
        strata.then(pl.coalesce("stratum", "stratum_b"))
        .otherwise(pl.concat_str("stratum", "stratum_b", separator=" + "))
        .alias("stratum"),
        *(pl.coalesce(name, f"{name}_b").alias(name) for name in ("role", "text", "lang")),
    )
    return DRAWN.frame(made).sort("post_id")


def _known(sample: pl.DataFrame, which: str) -> pl.DataFrame:
    frame = DRAWN.frame(sample)
    chance = frame["inclusion_p"].fill_nan(None)
    wrong = int((~chance.is_between(0, 1, closed="right")).fill_null(True).sum())
    if wrong:
        raise MeaningError(
            f"{wrong} of {frame.height} posts of the {which} sample have no known chance of being drawn; leave them "
            "out: they can teach a classifier, and be no gold"
        )
    return frame


def _looked_up(both: pl.DataFrame, column: str, chances: pl.DataFrame | None, name: str) -> pl.Series:
    """The chance of each post under one draw, whether it was taken there or not."""
    drawn = both[column]
    if chances is None:
        lost = drawn.null_count()
        if lost:
            raise MeaningError(
                f"{lost} posts that one draw did not take had a chance in it that is not known; type "
                f"{name}=inclusion_chances(posts, n, ...) with the arguments of that draw"
            )
        return drawn
    known = _CHANCES.frame(as_polars(chances))
    found = both.select("post_id").join(known, on="post_id", how="left", validate="1:1", maintain_order="left")
    looked = found["inclusion_p"]
    off = ((looked - drawn).abs() > _SAME).fill_null(False) | (drawn.is_not_null() & looked.is_null())
    if off.any():
        raise MeaningError(
            f"{name} holds other chances than the sample for {off.sum()} posts; give those of the same draw"
        )
    return looked.fill_null(0.0)
