"""A corpus: the posts, the rows that were set aside, the files they came from and every step since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from discourse.errors import SchemaError
from discourse.schema import POSTS, QUARANTINE, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FILES", "AssignsSides", "Corpus", "Step"]

FILES = Table(
    "files",
    {
        "file": pl.String,
        "format": pl.String,
        "read": pl.Int64,
        "accepted": pl.Int64,
        "duplicates": pl.Int64,
        "quarantined": pl.Int64,
        "edits": pl.Int64,
        "deleted": pl.Int64,
    },
    required=frozenset({"file", "format", "read", "accepted", "duplicates", "quarantined", "edits", "deleted"}),
    key=("file",),
)
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done to the posts: its name, how many there were before and after, and why.

    >>> Step("keep", before=10, after=8, reason="before the study began")
    Step(step='keep', before=10, after=8, reason='before the study began')
    """

    step: str
    before: int
    after: int
    reason: str


class AssignsSides(Protocol):
    """Anything that can say which country each post of a corpus speaks from."""

    def assign(self, corpus: Corpus, /) -> Corpus:
        """The corpus with `side` and `side_basis` filled in."""
        ...


@dataclass(frozen=True, repr=False, eq=False)
class Corpus:
    """Posts with an account of where each came from and what was left out.

    `posts` has the columns of `schema.POSTS` and is sorted by `post_id`, whatever order it was given in;
    `quarantine` has those of `schema.QUARANTINE`; `files` has one row a file, and in each row accepted,
    duplicates and quarantined add up to read. Raises `SchemaError` when any of this does not hold.

    >>> from datetime import datetime, timezone
    >>> row = {"platform": "x", "author_id": "x:a", "created_at": datetime(2025, 5, 7, tzinfo=timezone.utc),
    ...        "text": "peace", "kind": "original"}
    >>> corpus = Corpus(POSTS.frame([{"post_id": "x:2", **row}, {"post_id": "x:1", **row}]))
    >>> corpus.posts["post_id"].to_list()
    ['x:1', 'x:2']
    >>> corpus.keep(pl.col("post_id") != "x:2", "keep", "an example").history
    (Step(step='keep', before=2, after=1, reason='an example'),)
    """

    posts: pl.DataFrame
    quarantine: pl.DataFrame = field(default_factory=QUARANTINE.empty)
    files: pl.DataFrame = field(default_factory=FILES.empty)
    history: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "posts", POSTS.frame(self.posts).sort("post_id"))
        aside = QUARANTINE.frame(self.quarantine).sort("source_file", "source_line", "reason", "outcome")
        object.__setattr__(self, "quarantine", aside)
        object.__setattr__(self, "files", FILES.frame(self.files).sort("file"))
        object.__setattr__(self, "history", tuple(self.history))
        parts = pl.col("accepted") + pl.col("duplicates") + pl.col("quarantined")
        for row in self.files.filter(parts != pl.col("read")).head(1).iter_rows(named=True):
            raise SchemaError(
                f"the rows of {row['file']!r} do not add up: {row['accepted']} accepted, {row['duplicates']} duplicates"
                f", {row['quarantined']} quarantined must make the {row['read']} that were read"
            )

    def __len__(self) -> int:
        return self.posts.height

    def __repr__(self) -> str:
        authors = self.posts["author_id"].n_unique()
        lines = [f"Corpus: {self.posts.height} posts by {authors} authors, {self.quarantine.height} rows set aside"]
        for name, column in (
            ("side", pl.col("side")),
            ("language", pl.col("lang")),
            ("month", pl.col("created_at").dt.strftime("%Y-%m")),
        ):
            counts = self.posts.group_by(column.fill_null("not set").alias("value")).len().sort("value")
            lines.append(f"  {name}: {_listed(counts.rows())}")
        lines += [f"  {step.step}: {step.before} -> {step.after} ({step.reason})" for step in self.history]
        return "\n".join(lines)

    def keep(self, mask_expr: pl.Expr, step: str, reason: str) -> Corpus:
        """The corpus with the posts for which `mask_expr` is true (not false, not null), and the step noted.

        Raises `SchemaError` when the expression does not give true or false for each post.

        >>> empty = Corpus(POSTS.empty())
        >>> len(empty.keep(pl.col("kind") == "original", "originals", "reposts are counted apart"))
        0
        """
        try:
            posts = self.posts.filter(mask_expr)
        except pl.exceptions.PolarsError:
            raise SchemaError(
                f"the condition of step {step!r} must give true or false for each post, from the columns of the "
                "posts table; write for instance pl.col('kind') == 'original'"
            ) from None
        return self._after(posts, step, reason)

    def replace_posts(self, posts: pl.DataFrame, step: str, reason: str) -> Corpus:
        """The corpus with other posts in the place of its own, and the step noted.

        Raises `SchemaError` when `posts` is not a posts table.

        >>> Corpus(POSTS.empty()).replace_posts(POSTS.empty(), "none", "an example").history[0].after
        0
        """
        return self._after(posts, step, reason)

    def with_sides(self, sides: AssignsSides) -> Corpus:
        """The corpus with the side of each post, as `sides.assign` says.

        >>> class Unchanged:
        ...     def assign(self, corpus: Corpus, /) -> Corpus:
        ...         return corpus
        >>> len(Corpus(POSTS.empty()).with_sides(Unchanged()))
        0
        """
        return sides.assign(self)

    def to_pandas(self) -> pd.DataFrame:
        """The posts as a pandas frame: ids and words as strings, `created_at` in UTC.

        >>> Corpus(POSTS.empty()).to_pandas().shape
        (0, 29)
        """
        return self.posts.to_pandas()

    def _after(self, posts: pl.DataFrame, step: str, reason: str) -> Corpus:
        done = Step(step, self.posts.height, posts.height, reason)
        return replace(self, posts=posts, history=(*self.history, done))


def _listed(counts: Sequence[tuple[Any, ...]]) -> str:
    shown = ", ".join(f"{value} {count}" for value, count in counts[:_SHOWN])
    more = len(counts) - _SHOWN
    return f"{shown or 'none'}{f' and {more} more' if more > 0 else ''}"
