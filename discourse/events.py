"""The events table: dated incidents, each with its source, chosen before looking at any series."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from discourse.errors import BadInput, MissingData, SchemaError
from discourse.schema import EVENTS

__all__ = ["read_events"]


def read_events(path: str | Path) -> pl.DataFrame:
    """Events from a CSV with the columns of `schema.EVENTS`, in order of time.

    Dates are written as 2024-12-24; an empty end means one day. Raises `MissingData` without a file, `BadInput`
    for a file that is no CSV, a date that is none or an event that ends before it begins, `SchemaError` for a
    missing column.

    >>> read_events("no-such.csv")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no events file 'no-such.csv'; give the path of a CSV file
    """
    if not Path(path).is_file():
        raise MissingData(f"there is no events file {str(path)!r}; give the path of a CSV file")
    try:
        raw = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError:
        raise BadInput(
            f"the events file {Path(path).name!r} cannot be read as a CSV in UTF-8 with one line of column names"
        ) from None
    missing = [name for name in EVENTS.columns if name not in raw.columns]
    if missing:
        raise SchemaError(f"the events file has no column {missing[0]!r}; it needs {', '.join(EVENTS.columns)}")
    try:
        dated = raw.with_columns(pl.col("start", "end").str.to_date("%Y-%m-%d"))
    except pl.exceptions.InvalidOperationError:
        raise BadInput("a start or end in the events file is not a date; write it as 2024-12-24") from None
    events = EVENTS.frame(dated).sort("start", "event_id")
    backwards = events.filter(pl.col("end") < pl.col("start"))
    if backwards.height:
        raise BadInput(f"event {backwards['event_id'][0]!r} ends before it begins; mend the events file")
    return events
