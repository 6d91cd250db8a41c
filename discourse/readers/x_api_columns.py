"""Flattened tweets of the X API v2 as columns: what `x_api.drafts` and `records.to_row` make of the plain ones.

A tweet is plain when it refers to one other at most, was not edited, and all its fields are of the usual types.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.readers.columnar import (
    ABSENT,
    ARRAY,
    BOOLEAN,
    INTEGER,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Fields,
    Found,
    Pseudonyms,
)
from discourse.readers.hiding import hidden_texts
from discourse.readers.records import MAX_FIELD, MAX_TEXT
from discourse.readers.values import EARLIEST, LATEST, parse_time

__all__ = ["FIELDS", "PLATFORM", "columns"]

PLATFORM: Final = "x"
_NONE = ABSENT | NULL
_ANY = _NONE | TEXT | INTEGER | NUMBER | BOOLEAN | OBJECT | ARRAY
_REFERENCE = "referenced_tweets.[]"
FIELDS: Final = Fields(
    {
        **dict.fromkeys(("id", "author_id", "created_at", "text"), TEXT),
        **dict.fromkeys(("data", "errors", "delete", "meta"), ABSENT),  # a page, or a notice
        "lang": TEXT | _NONE,
        **dict.fromkeys(("public_metrics", "author", "note_tweet", "geo", "__twarc"), OBJECT | _NONE),
        "referenced_tweets": ARRAY | _NONE,
        "edit_history_tweet_ids": ARRAY | _NONE,
        **{f"public_metrics.{name}_count": INTEGER | _NONE for name in ("like", "reply", "retweet", "quote")},
        "author.username": TEXT | _NONE,
        "author.location": TEXT | _NONE,
        "note_tweet.text": TEXT | _NONE,
        "geo.country_code": TEXT | _NONE,
        "__twarc.retrieved_at": TEXT | _NONE,
        _REFERENCE: OBJECT | ABSENT,
        f"{_REFERENCE}.type": TEXT | _NONE,
        f"{_REFERENCE}.id": TEXT | _NONE,
        f"{_REFERENCE}.text": TEXT | _NONE,
        f"{_REFERENCE}.note_tweet": OBJECT | _NONE,
        f"{_REFERENCE}.note_tweet.text": TEXT | _NONE,
    }
)
_KINDS: Final = {"retweeted": "repost", "quoted": "quote", "replied_to": "reply"}
_LANGUAGE: Final = r"^[A-Za-z][A-Za-z0-9 _-]{0,34}$"
_EPOCH: Final = 1_288_834_974_657_000  # of the times in ids, in microseconds
_CLOCK_ERROR: Final = 599_000_000  # a second less than what is refused, as that is told from fractions
_FIRST, _LAST = 29_700_859_247, 1_577_836_800_000  # the first id that holds its time; the first time that says nothing
_EARLIEST, _LATEST = (int(day.timestamp()) * 1_000_000 for day in (EARLIEST, LATEST))
_MOMENT: Final = pl.Datetime("us", "UTC")
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Spans = npt.NDArray[np.int32]


def columns(found: Found, names: Pseudonyms) -> pl.DataFrame:
    """The rows of plain lines, with `sure`: whether the record-by-record way would give the same."""
    kind = found.words(f"{_REFERENCE}.type").replace_strict(_KINDS, default=None, return_dtype=pl.String)
    refers = kind.is_not_null().to_numpy()
    repost = (kind == "repost").fill_null(value=False).to_numpy()
    native, parent, made = found.ids("id"), found.ids(f"{_REFERENCE}.id"), found.moments("created_at")
    named = found.is_a(f"{_REFERENCE}.id", TEXT)
    author, handle = found.ids("author_id"), found.words("author.username")
    spans = _text_spans(found, repost)
    words = {name: found.words(path) for name, path in (("lang_declared", "lang"), ("country", "geo.country_code"))}
    words["location"] = found.words("author.location")
    raw = pl.DataFrame({"handle": handle, **words})
    fits = raw.select(
        pl.col("lang_declared").str.contains(_LANGUAGE).fill_null(value=True)
        & pl.all_horizontal(
            pl.col("handle", "country", "location").str.len_chars().is_between(1, MAX_FIELD).fill_null(value=True)
        )
        & (pl.col("handle") != "@").fill_null(value=True)
    ).to_series()
    sure = fits.to_numpy() & _in_time(native, made) & (spans[2] - spans[1] <= MAX_TEXT)
    sure &= (native > 0) & (author > 0) & ~(refers & named & (parent == 0))
    handle = handle.set(pl.Series(~sure), None)
    ids = pl.DataFrame({"native": native, "parent": pl.Series(parent), "made": made, "refers": refers & named})
    rows = ids.select(
        (pl.lit("x:") + pl.col("native").cast(pl.String)).alias("post_id"),
        pl.lit("x").alias("platform"),
        pl.col("made").cast(_MOMENT).alias("created_at"),
        pl.when("refers").then(pl.lit("x:") + pl.col("parent").cast(pl.String)).alias("parent_id"),
    )
    counts = {
        name: found.whole(f"public_metrics.{field}_count").set(pl.Series(repost), None)  # they are the original's
        for name, field in (("likes", "like"), ("replies", "reply"), ("reposts", "retweet"), ("quotes", "quote"))
    }
    return rows.with_columns(
        pl.Series("author_id", names.of_accounts(author)),
        pl.Series("text", hidden_texts(found, spans, names)),
        pl.Series("kind", kind.fill_null("original")),
        pl.Series("handle_id", names.of_handles(handle)),
        *(series.alias(name) for name, series in {**words, **counts}.items()),
        pl.when(words["country"].is_not_null()).then(pl.lit("geo")).alias("country_basis"),
        pl.Series("collected_at", _fetched(found.words("__twarc.retrieved_at"))),
        *(pl.lit(None, pl.String).alias(name) for name in ("version_of", "community")),
        pl.lit(None, _MOMENT).alias("edited_at"),
        pl.Series("sure", sure),
    )


def _text_spans(found: Found, repost: Flags) -> Spans:
    """Where the whole text of each tweet lies: of a repost that of its original, of a long one its note."""
    spans = found.spans("text").copy()
    for path, where in (
        ("note_tweet.text", True),
        (f"{_REFERENCE}.text", repost),
        (f"{_REFERENCE}.note_tweet.text", repost),
    ):
        np.copyto(spans, found.spans(path), where=where & found.is_a(path, TEXT))
    return spans


def _in_time(native: Places, made: Places) -> Flags:
    """Whether a post was made in a year that a platform had posts in, and when its id says, if that says anything."""
    told = native >> 22
    silent = (native < _FIRST) | (told >= _LAST)
    near = np.abs(told * 1000 + _EPOCH - made) <= _CLOCK_ERROR
    flags: Flags = (made >= _EARLIEST) & (made < _LATEST) & (silent | near)
    return flags


def _fetched(words: pl.Series) -> pl.Series:
    """When each was fetched; each moment is read once, and what is none is null."""
    known = words.drop_nulls().unique()
    read = [moment if not isinstance(moment := parse_time(word), str) else None for word in known]
    return words.replace_strict(known, pl.Series(read, dtype=_MOMENT), default=None, return_dtype=_MOMENT)
