"""What may leave the machine: no person, no small cell, no text that changes its surroundings."""

from __future__ import annotations

import unicodedata
from typing import Any

import polars as pl

from discourse.errors import PrivacyError
from discourse.report.disclosure import MIN_AUTHORS, suppress
from discourse.schema import as_polars

__all__ = ["MIN_AUTHORS", "plain", "require_no_person", "shown", "suppress", "visible"]

PERSONAL = (
    "post_id",
    "author_id",
    "handle_id",
    "parent_id",
    "copy_id",
    "text",
    "text_norm",
    "location",
    "coder",
    "coder_a",
    "coder_b",
    "source_line",
)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SPACES = frozenset("\t\n\r\x0b\x0c\x85\u2028\u2029")
_COUNTS = ("n_posts", "n_authors", "n_eff", "n_gold")
_NUMBERS = ("estimate", "low", "high", "baseline", "baseline_low", "baseline_high", *_COUNTS)


def plain(text: str) -> str:
    r"""Text that matplotlib draws as it stands: no mathematics, no hidden legend entry, no control character.

    `$` is escaped, a leading `_` is set off by a space, line breaks and tabs become spaces, other control
    characters, bidi controls and lone surrogates the replacement character.

    >>> plain("_price in $")
    ' _price in \\$'
    """
    made = "".join(" " if c in _SPACES else "\ufffd" if _is_control(c) else c for c in text)
    guarded = f" {made}" if made.startswith("_") else made
    return guarded.replace("$", r"\$")


def visible(text: str) -> str:
    r"""Text for a page: control characters and bidi controls as signs that can be seen, surrogates replaced.

    >>> visible("a\x1bb\u202ec")
    'a␛b[U+202E]c'
    """
    return "".join(_sign(c) if _is_control(c) else c for c in text)


def shown(table: Any) -> pl.DataFrame:
    """A series without the numbers of windows in which fewer than 10 authors wrote.

    Their estimates, intervals and counts become null and `flags` gets the word "withheld"; the rows stay. A row
    between two sides counts as small when its `n_eff`, that of the thinner side, is below 10. Where a hidden count
    would follow from the totals of a side or of all posts, the counts (not the estimates) of further windows
    become null too (`suppress`); give the whole series, not a part of it. A table without `n_authors` comes back
    as it is; one that was guarded already does not change.

    >>> rows = {"side": ["a", "a"], "n_posts": [90, 90], "n_authors": [9, 10], "estimate": [0.5, 0.5]}
    >>> shown(pl.DataFrame(rows))["estimate"].to_list()
    [None, 0.5]
    """
    frame = as_polars(table)
    if "n_authors" not in frame.columns:
        return frame
    authors = pl.coalesce(pl.col(c) for c in ("n_authors", "n_posts") if c in frame.columns)
    small = (authors > 0) & (authors < MIN_AUTHORS)
    if {"side", "n_eff"} <= set(frame.columns):
        small |= pl.col("side").str.contains("|", literal=True) & (authors > 0) & (pl.col("n_eff") < MIN_AUTHORS)
    small = small.fill_null(value=False)
    hidden = [pl.when(~small).then(c).alias(c) for c in _NUMBERS if c in frame.columns]
    if "flags" in frame.columns:
        flags = pl.col("flags").fill_null("")
        said = flags.str.split(" ").list.contains("withheld")
        marked = pl.when(said).then(flags).otherwise((flags + " withheld").str.strip_chars())
        hidden.append(pl.when(small).then(marked).otherwise(pl.col("flags")).alias("flags"))
    further = _further(frame, small)
    guarded = frame.with_columns(hidden)
    if further.is_empty():
        return guarded
    named = [pl.struct("window", pl.col("side").str.split("|").list.get(i, null_on_oob=True)) for i in (0, 1)]
    told = further.select(pl.struct("window", "side")).to_series().implode()
    also = pl.any_horizontal(name.is_in(told) for name in named)
    return guarded.with_columns(pl.when(~also).then(c).alias(c) for c in _COUNTS if c in frame.columns)


def _further(frame: pl.DataFrame, small: pl.Expr) -> pl.DataFrame:
    """Windows and sides whose counts would give away a hidden one by subtraction from a side's or all posts' total."""
    none = pl.DataFrame(schema={"window": pl.String, "side": pl.String})
    if not {"window", "side", "n_posts"} <= set(frame.columns) or frame["n_posts"].null_count():
        return none
    own = frame.with_columns(_small=small).filter(~pl.col("side").str.contains("|", literal=True))
    cells = own.group_by("window", "side").agg(
        pl.col("n_posts").max(), pl.col("n_authors").min(), pl.col("_small").any()
    )  # fmt: skip
    if not cells["_small"].any():
        return none
    cells = cells.select("window", "side", "n_posts", "n_authors")
    guarded = suppress(cells, ("window", "side"), totals=(("side",), ()), values=("n_posts",))
    return guarded.filter(pl.col("withheld")).select("window", "side").sort("window", "side")


def require_no_person(table: pl.DataFrame, what: str) -> pl.DataFrame:
    """The table, if none of its columns holds ids, texts or coders; `what` names it in the error.

    Raises `PrivacyError`.

    >>> require_no_person(pl.DataFrame({"author_id": ["x:a"]}), "the figure's table")
    Traceback (most recent call last):
    discourse.errors.PrivacyError: the figure's table has the column 'author_id', which is about single persons;
    aggregate it before it is published
    """
    for name in table.columns:
        bare = name.strip().lower()
        if bare in PERSONAL or bare.startswith("value_"):  # value_<coder>: what one coder said
            raise PrivacyError(
                f"{what} has the column {name!r}, which is about single persons; aggregate it before it is published"
            )
    return table


def _is_control(c: str) -> bool:
    return c in _BIDI or unicodedata.category(c) in {"Cc", "Cs"} or c in "\u2028\u2029"


def _sign(c: str) -> str:
    if c in _BIDI:
        return f"[U+{ord(c):04X}]"
    if ord(c) < 0x20:
        return chr(0x2400 + ord(c))
    return "\u2421" if c == "\x7f" else "\ufffd"
