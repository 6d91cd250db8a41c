"""What may leave the machine: no person, no small cell, no text that changes its surroundings."""

from __future__ import annotations

import unicodedata
from typing import Any

import polars as pl

from discourse.errors import PrivacyError
from discourse.schema import as_polars

__all__ = ["MIN_AUTHORS", "plain", "require_no_person", "shown", "visible"]

MIN_AUTHORS = 10
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
    "source_line",
)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SPACES = frozenset("\t\n\r\x0b\x0c\x85\u2028\u2029")
_NUMBERS = (
    "estimate",
    "low",
    "high",
    "baseline",
    "baseline_low",
    "baseline_high",
    "n_posts",
    "n_authors",
    "n_eff",
    "n_gold",
)


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
    between two sides counts as small when its `n_eff`, that of the thinner side, is below 10. A table without
    `n_authors` comes back as it is.

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
    return frame.with_columns(hidden)


def require_no_person(table: pl.DataFrame, what: str) -> pl.DataFrame:
    """The table, if none of its columns holds ids, texts or coders; `what` names it in the error.

    Raises `PrivacyError`.

    >>> require_no_person(pl.DataFrame({"author_id": ["x:a"]}), "the figure's table")
    Traceback (most recent call last):
    discourse.errors.PrivacyError: the figure's table has the column 'author_id', which is about single persons;
    aggregate it before it is published
    """
    for name in table.columns:
        if name.strip().lower() in PERSONAL:
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
