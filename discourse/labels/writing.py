"""Labels as the file that a study reads: one row for each post, coder and variable, with the chances of the sample."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from discourse.labels.labels import Labels
from discourse.whole import write_whole

__all__ = ["NOBODY", "write_labels"]

NOBODY = "nobody"
_COLUMNS = ("post_id", "coder", "variable", "value", "round", "inclusion_p", "stratum", "role")


def write_labels(labels: Labels, path: str | Path) -> Path:
    """Write labels as CSV in the long layout, readable by their owner alone; `read_labels` gives them back.

    A post of the sample that nobody coded has a row of the coder "nobody" without a value, so that the sample stays
    whole. Rows are in ascending order. Raises `UsageError` for a folder that cannot be written to.

    >>> import tempfile
    >>> from discourse.labels.codebook import Codebook, Value, Variable
    >>> from discourse.labels.labels import SAMPLE, read_labels
    >>> from discourse.schema import LABELS
    >>> book = Codebook("b", 1, (Variable("frame", "nominal", (Value("N", "one"), Value("C", "other"))),))
    >>> sample = SAMPLE.frame([{"post_id": "x:1", "inclusion_p": 0.1}, {"post_id": "x:2", "inclusion_p": 0.1}])
    >>> table = LABELS.frame([{"post_id": "x:1", "coder": "anna", "variable": "frame", "value": "N"}])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_labels(write_labels(Labels(table, sample, book), Path(folder) / "labels.csv"), book)
    Labels(2 posts, 1 coders, 1 undecided; frame: N 1)
    """
    names = [] if labels.codebook is None else [variable.name for variable in labels.codebook.variables]
    coded = [*labels.table["variable"].unique().sort(), "frame"]
    open_ = labels.sample.join(labels.table, on="post_id", how="anti").select(
        "post_id", pl.lit(NOBODY).alias("coder"), pl.lit([*names, *coded][0]).alias("variable")
    )
    rows = pl.concat([labels.table.drop("codebook"), open_], how="diagonal")
    whole = rows.join(labels.sample, on="post_id", how="left", validate="m:1").select(_COLUMNS)
    content = whole.sort((*_COLUMNS[:3], "round"), nulls_last=False).write_csv().encode("utf-8")
    return write_whole(path, content, private=True)
