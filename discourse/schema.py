"""The five tables: posts, labels, framings, series, events. Columns, types, allowed values.

A `Table` is a frozen value. Every module takes and returns polars frames with these columns; a notebook may
hand in a pandas frame wherever a table is read (`as_polars`).

>>> from discourse.schema import POSTS
>>> list(POSTS.columns)[:4]
['post_id', 'platform', 'author_id', 'created_at']
>>> POSTS.empty().height
0
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import polars as pl

from discourse.errors import SchemaError

__all__ = [
    "ABSTAIN",
    "EVENTS",
    "FRAMES",
    "FRAMINGS",
    "KINDS",
    "LABELS",
    "LANGUAGES",
    "POSTS",
    "QUARANTINE",
    "SERIES",
    "UNKNOWN",
    "WEIGHTS",
    "Table",
    "as_polars",
    "one_of",
]

UNKNOWN = "unknown"
ABSTAIN = "abstain"
FRAMES = ("nationalist", "conciliatory", "both", "neither")
KINDS = ("original", "reply", "quote", "repost")
LANGUAGES = ("en", "ur", "ur-Latn", "ps", "fa", "mixed", "other", "und")
WEIGHTS = ("author", "post", "unique_text")

_UTC = pl.Datetime("us", "UTC")


def one_of(value: str, allowed: Iterable[str], what: str) -> str:
    """Return `value` if it is allowed, else say what would be.

    >>> one_of("author", WEIGHTS, "weight")
    'author'
    >>> one_of("authors", WEIGHTS, "weight")
    Traceback (most recent call last):
    discourse.errors.SchemaError: weight is 'authors'; it must be 'author', 'post' or 'unique_text'. Did you mean
    'author'?
    """
    options = [str(option) for option in allowed]
    if value in options:
        return value
    quoted = [repr(option) for option in options]
    listed = " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else "".join(quoted)
    close = get_close_matches(str(value), options, n=1)
    hint = f". Did you mean {close[0]!r}?" if close else ""
    raise SchemaError(f"{what} is {value!r}; it must be {listed}{hint}")


def as_polars(frame: Any) -> pl.DataFrame:
    """A polars frame from a polars or pandas frame (a lazy frame is collected).

    >>> import pandas as pd
    >>> as_polars(pd.DataFrame({"post_id": ["x:1"]})).columns
    ['post_id']
    """
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if type(frame).__module__.split(".")[0] == "pandas":
        return pl.from_pandas(frame)
    raise SchemaError(f"a table must be a polars or pandas frame, got {type(frame).__name__}")


@dataclass(frozen=True)
class Table:
    """One of the five tables.

    `columns` maps a name to its polars type, `required` names those that may not be null, `values` lists what
    a column may hold, `key` names the columns that together identify a row and give its place in a sort.
    """

    name: str
    columns: Mapping[str, Any]
    required: frozenset[str] = frozenset()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    key: tuple[str, ...] = ()

    def empty(self) -> pl.DataFrame:
        """A frame of this table without rows."""
        return pl.DataFrame(schema=dict(self.columns))

    def frame(self, data: Any) -> pl.DataFrame:
        """A frame in this table's columns and order; columns that are absent come in as null."""
        given = as_polars(data) if not isinstance(data, list) else pl.DataFrame(data, schema_overrides=self.columns)
        missing = [
            pl.lit(None, dtype=dtype).alias(name) for name, dtype in self.columns.items() if name not in given.columns
        ]
        return self.require(given.with_columns(missing).select(list(self.columns)))

    def require(self, data: Any) -> pl.DataFrame:
        """Check a frame against the table: columns, types, nulls, allowed values, unique key. Returns it, cast.

        Raises `SchemaError` naming the first thing that is wrong.
        """
        frame = as_polars(data)
        for name, dtype in self.columns.items():
            if name not in frame.columns:
                close = get_close_matches(name, frame.columns, n=1)
                hint = f"; it has {close[0]!r}" if close else ""
                raise SchemaError(f"the {self.name} table has no column {name!r}{hint}")
            if frame.schema[name] != dtype:
                frame = self._cast(frame, name, dtype)
            if name in self.required and frame[name].null_count():
                raise SchemaError(
                    f"the {self.name} table has {frame[name].null_count()} rows without {name!r}; every row needs one"
                )
        for name, allowed in self.values.items():
            for value in frame[name].drop_nulls().unique().sort():
                one_of(value, allowed, f"{name} in the {self.name} table")
        if self.key and frame.height and frame.select(self.key).is_duplicated().any():
            raise SchemaError(
                f"the {self.name} table has rows that share one {' + '.join(self.key)}; it must be unique"
            )
        return frame

    def _cast(self, frame: pl.DataFrame, name: str, dtype: Any) -> pl.DataFrame:
        was = frame.schema[name]
        if dtype == pl.String and was.is_float():
            raise SchemaError(f"column {name!r} of the {self.name} table holds floats; ids and words must be strings")
        try:
            return frame.with_columns(pl.col(name).cast(dtype))
        except pl.exceptions.PolarsError as error:
            raise SchemaError(f"column {name!r} of the {self.name} table is {was}, it must be {dtype}") from error


POSTS = Table(
    "posts",
    {
        "post_id": pl.String,
        "platform": pl.String,
        "author_id": pl.String,
        "created_at": _UTC,
        "side": pl.String,
        "side_basis": pl.String,
        "lang": pl.String,
        "lang_confidence": pl.Float64,
        "text": pl.String,
        "text_norm": pl.String,
        "sentiment": pl.Float64,
        "kind": pl.String,
        "parent_id": pl.String,
        "copy_id": pl.String,
        "lang_declared": pl.String,
        "country": pl.String,
        "location": pl.String,
        "handle_id": pl.String,
        "likes": pl.Int64,
        "replies": pl.Int64,
        "reposts": pl.Int64,
        "quotes": pl.Int64,
        "edited_at": _UTC,
        "collected_at": _UTC,
        "version_of": pl.String,
        "community": pl.String,
        "country_basis": pl.String,
        "source_file": pl.String,
        "source_line": pl.Int64,
    },
    required=frozenset({"post_id", "platform", "author_id", "created_at", "text", "kind"}),
    values={"kind": KINDS, "lang": LANGUAGES},
    key=("post_id",),
)

QUARANTINE = Table(
    "quarantine",
    {"source_file": pl.String, "source_line": pl.Int64, "reason": pl.String, "outcome": pl.String},
    required=frozenset({"source_file", "source_line", "reason", "outcome"}),
    values={"outcome": ("duplicate", "quarantined")},
)

LABELS = Table(
    "labels",
    {
        "post_id": pl.String,
        "coder": pl.String,
        "variable": pl.String,
        "value": pl.String,
        "round": pl.String,
        "codebook": pl.String,
    },
    required=frozenset({"post_id", "coder", "variable", "value"}),
    key=("post_id", "coder", "variable", "round"),
)

FRAMINGS = Table(
    "framings",
    {
        "post_id": pl.String,
        "model": pl.String,
        **{f"p_{frame}": pl.Float64 for frame in FRAMES},
        "predicted": pl.String,
    },
    required=frozenset({"post_id", "model", "predicted"}),
    values={"predicted": (*FRAMES, ABSTAIN)},
    key=("post_id", "model"),
)

SERIES = Table(
    "series",
    {
        "window": pl.String,
        "start": _UTC,
        "end": _UTC,
        "side": pl.String,
        "measure": pl.String,
        "method": pl.String,
        "weight": pl.String,
        "estimate": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "baseline": pl.Float64,
        "baseline_low": pl.Float64,
        "baseline_high": pl.Float64,
        "n_posts": pl.Int64,
        "n_authors": pl.Int64,
        "n_eff": pl.Float64,
        "n_gold": pl.Int64,
        "assumes": pl.String,
        "flags": pl.String,
    },
    required=frozenset({"window", "start", "end", "side", "measure", "method", "weight", "n_posts"}),
    key=("measure", "method", "weight", "side", "window"),
)

EVENTS = Table(
    "events",
    {
        "event_id": pl.String,
        "start": pl.Date,
        "end": pl.Date,
        "type": pl.String,
        "place": pl.String,
        "title": pl.String,
        "source": pl.String,
    },
    required=frozenset({"event_id", "start", "type", "title"}),
    key=("event_id",),
)
