"""A drawn sample on disk: what coders get, and with what chance each post was drawn, which cannot be made again."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from discourse.errors import BadInput, MissingData, SchemaError, UsageError
from discourse.labels.cells import check_ids
from discourse.labels.labels import SAMPLE
from discourse.schema import Table, as_polars
from discourse.whole import write_whole

__all__ = ["read_ids", "read_sample", "write_sample"]

_WRITTEN = Table(
    "sample",
    {**SAMPLE.columns, "text": pl.String, "lang": pl.String},
    required=frozenset({"post_id"}),
    values=SAMPLE.values,
    key=("post_id",),
)


def write_sample(sample: pl.DataFrame, path: str | Path, *, text: bool = True) -> Path:
    """Write a sample as CSV that its owner alone can read; returns its path. `read_sample` gives it back.

    With `text` false the texts stay out, which is enough to read coded sheets. Raises `SchemaError` for what is no
    sample, and `UsageError` when the file is there and holds another one: its chances would be lost.

    >>> import tempfile
    >>> sample = pl.DataFrame({"post_id": ["x:1"], "inclusion_p": [0.1], "text": ["امن"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = write_sample(sample, Path(folder) / "sample.csv")
    ...     read_sample(made).select("post_id", "inclusion_p", "text").rows()
    [('x:1', 0.1, 'امن')]
    """
    frame = _WRITTEN.frame(as_polars(sample))
    content = (frame if text else frame.drop("text")).write_csv(quote_style="non_numeric").encode("utf-8")
    place = Path(path)
    if place.exists() and (place.is_dir() or place.read_bytes() != content):
        raise UsageError(
            f"{place.name!r} is there and holds something else; a sample that was drawn is not written over, give "
            "another path"
        )
    return write_whole(place, content, private=True)


def read_sample(path: str | Path) -> pl.DataFrame:
    """A sample from a CSV with post_id and, if there, inclusion_p, stratum, role, text and lang, in this order.

    Other columns are not read. Raises `MissingData`, `BadInput` for what is no CSV in UTF-8, `SchemaError` for a post
    in two rows, an id that has lost digits, or a chance that is no number.

    >>> read_sample("no-such.csv")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no sample 'no-such.csv'; give the CSV that discourse sample wrote
    """
    cells = _cells(path, "sample", "give the CSV that discourse sample wrote")
    check_ids(cells.with_row_index("row", offset=2), "post_id")
    if "inclusion_p" in cells.columns:
        number = pl.col("inclusion_p").cast(pl.Float64, strict=False)
        wrong = cells.filter(number.is_null() & pl.col("inclusion_p").is_not_null()).height
        if wrong:
            raise SchemaError(f"inclusion_p of {wrong} posts of the sample is not a number; give the file as it was")
        cells = cells.with_columns(number)
    return _WRITTEN.frame(cells)


def read_ids(path: str | Path) -> pl.Series:
    """The post_id column of a CSV, such as a sample or a label file, each id once. Raises as `read_sample` does.

    >>> read_ids("no-such.csv")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no file of posts 'no-such.csv'; give a CSV with the column post_id
    """
    cells = _cells(path, "file of posts", "give a CSV with the column post_id")
    check_ids(cells.with_row_index("row", offset=2), "post_id")
    return cells["post_id"].drop_nulls().unique().sort()


def _cells(path: str | Path, what: str, todo: str) -> pl.DataFrame:
    """The cells as strings, empty ones null."""
    if not Path(path).is_file():
        raise MissingData(f"there is no {what} {str(path)!r}; {todo}")
    try:
        cells = pl.read_csv(path, infer_schema=False, glob=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        raise BadInput(f"the {what} {Path(path).name!r} cannot be read as CSV in UTF-8 with a header; {todo}") from None
    if "post_id" not in cells.columns:
        raise SchemaError(f"the {what} {Path(path).name!r} has no column 'post_id'; {todo}")
    return cells
