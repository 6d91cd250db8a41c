"""Labels follow copies: a frame is coded from the text alone, so it holds for the post that stands for the text."""

from __future__ import annotations

import polars as pl

from discourse.errors import MeaningError
from discourse.labels.labels import Labels

__all__ = ["to_representatives"]


def to_representatives(labels: Labels, everything: pl.DataFrame, measured: pl.DataFrame) -> tuple[Labels, str]:
    """Labels moved to the measured post of the same text, and a sentence that says how many moved.

    `everything` and `measured` are posts with post_id and copy_id: all that were read, and those that are
    measured. A label whose own post is measured stays. When several labelled posts stand for one text, the
    measured post's own labels win, else those of the first post id; the others are counted. Raises
    `MeaningError` when a label belongs to no post, or to a text that is not measured at all.
    """
    place = everything.select("post_id", "copy_id")
    stands = measured.drop_nulls("copy_id").sort("post_id").unique("copy_id", keep="first", maintain_order=True)
    moved = (
        labels.sample.join(place, on="post_id", how="left", validate="1:1")
        .join(stands.select("copy_id", target="post_id"), on="copy_id", how="left", validate="m:1")
        .with_columns(
            stays=pl.col("post_id").is_in(measured["post_id"].implode()),
            known=pl.col("post_id").is_in(everything["post_id"].implode()),
        )
        .with_columns(target=pl.when("stays").then("post_id").otherwise("target"))
    )
    strangers = moved.filter(~pl.col("known")).height
    if strangers:
        raise MeaningError(
            f"{strangers} of {moved.height} labelled posts are not in the corpus; read the corpus they were drawn from"
        )
    outside = moved.filter(pl.col("target").is_null()).height
    if outside:
        raise MeaningError(
            f"{outside} of {moved.height} labelled posts are outside the measured population; "
            "widen [population] in the study file to what the labels were drawn from"
        )
    chosen = moved.sort("stays", "post_id", descending=[True, False]).unique(
        "target", keep="first", maintain_order=True
    )
    renamed = chosen.select("post_id", "target")
    sample = labels.sample.join(renamed, on="post_id", how="inner", validate="1:1")
    table = labels.table.join(renamed, on="post_id", how="inner", validate="m:1")
    said = (
        f"{chosen.filter(~pl.col('stays')).height} labels moved to the earliest copy of their text, "
        f"{moved.height - chosen.height} left aside as second labels of one text"
    )
    made = Labels(
        table.with_columns(post_id="target").drop("target"),
        sample.with_columns(post_id="target").drop("target"),
        labels.codebook,
    )
    return made, said
