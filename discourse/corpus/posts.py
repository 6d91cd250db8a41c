"""A corpus: the posts, the rows that were set aside, the files they came from and every step since."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl
from markupsafe import Markup, escape

from discourse.errors import SchemaError
from discourse.schema import POSTS, QUARANTINE, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FILES", "AssignsSides", "Corpus", "Step", "html_table"]

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
_SHOWN: Final = 12
_MIN_AUTHORS: Final = 10
_SHOWN_OF: Final = {"side": pl.col("side"), "language": pl.col("lang"), "platform": pl.col("platform")}
# Two classes, for notebooks align cells to the right by two; no colour, for their themes choose them.
_STYLE: Final = Markup(
    "<style>.discourse-table{overflow-x:auto;margin-bottom:1em} .discourse-table>div{max-width:60em} "
    "div.discourse-table.discourse-table caption{caption-side:top;text-align:start;padding-bottom:.5em} "
    "div.discourse-table.discourse-table table :is(th,td){text-align:start;vertical-align:top}</style>"
)


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
        lines = [self._title]
        if self._shows:
            for name, column in {**_SHOWN_OF, "month": pl.col("created_at").dt.strftime("%Y-%m")}.items():
                cells, hidden = _told(self.posts, column)
                said = [f"{value} {posts}" for value, posts, _ in cells[:_SHOWN]]
                said += [f"{len(cells) - _SHOWN} more"] if len(cells) > _SHOWN else []
                said += [f"{hidden} of few authors withheld"] if hidden else []
                lines.append(f"  {name}: {', '.join(said) or 'none'}")
            for step in self.history:
                why = f" ({_uncounted(step)})" if _uncounted(step) else ""
                lines.append(f"  {step.step}: {step.before} -> {step.after}{why}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if not self._shows:
            return html_table(self._title, ("nothing to show",), [])
        cells = [(name, *row) for name, column in _SHOWN_OF.items() for row in _rows(self.posts, column)]
        counts = html_table(self._title, ("by", "value", "posts", "authors"), cells)
        steps = [(step.step, f"{step.before:,}", f"{step.after:,}", _uncounted(step)) for step in self.history]
        if not steps:
            return counts
        return counts + html_table("What was done to the posts", ("step", "before", "after", "reason"), steps)

    @property
    def _shows(self) -> bool:
        """Whether there are so many authors, or none, that something may be told of them."""
        return self.posts.is_empty() or self.posts["author_id"].n_unique() >= _MIN_AUTHORS

    @property
    def _title(self) -> str:
        if not self._shows:
            return f"Corpus: posts by fewer than {_MIN_AUTHORS} authors, which are not told"
        months = self.posts["created_at"].dt.strftime("%Y-%m").sort()
        period = f", {months[0]} to {months[-1]}" if len(months) else ""
        authors = self.posts["author_id"].n_unique()
        said = f"{self.posts.height:,} posts by {authors:,} authors{period}"
        return f"Corpus: {said}; {self.quarantine.height:,} rows set aside"

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


def html_table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[str | None]], notes: Sequence[str] = ()
) -> str:
    """A table for a notebook: words escaped (unless they are `Markup`), colours left to the theme, `notes` below.

    The first cell of a row is its heading. None is an empty cell.

    >>> html = html_table("Posts", ("side", "posts"), [("<a>", "3")])
    >>> html[html.index("<tbody>") : html.index("</tbody>")]
    "<tbody><tr><th scope='row'>&lt;a&gt;</th><td>3</td></tr>"
    """
    heads = Markup("").join(Markup("<th scope='col'>{}</th>").format(name) for name in head)
    body = Markup("").join(
        Markup("<tr><th scope='row'>{}</th>{}</tr>").format(
            first or "", Markup("").join(Markup("<td>{}</td>").format(cell or "") for cell in cells)
        )
        for first, *cells in rows
    )
    said = Markup("").join(Markup("<div>{}</div>").format(note) for note in notes)
    made = Markup(
        "<div class='discourse-table'>{}<table><caption>{}</caption><thead><tr>{}</tr></thead>"
        "<tbody>{}</tbody></table>{}</div>"
    )
    return str(made.format(_STYLE, escape(caption), heads, body, said))


def _rows(posts: pl.DataFrame, column: pl.Expr) -> Iterator[tuple[str, str, str]]:
    """Values with their posts and authors for a table; those of few authors in one row, without numbers."""
    cells, hidden = _told(posts, column)
    yield from ((value, f"{n:,}", f"{authors:,}") for value, n, authors in cells)
    if hidden:
        yield f"{hidden} more", "withheld: few authors", "withheld"


def _told(posts: pl.DataFrame, column: pl.Expr) -> tuple[list[tuple[str, int, int]], int]:
    """Values with their posts and authors, and how many values are withheld.

    Withheld are those of fewer than 10 authors, and then the smallest of the others until what is withheld, which
    follows from the total, is of 2 values and 10 authors or more.
    """
    named = posts.select(column.fill_null("not set").alias("value"), "author_id")
    cells = named.group_by("value").agg(posts=pl.len(), authors=pl.col("author_id").n_unique())
    cells = cells.sort("authors", "posts", "value")
    hidden = int((cells["authors"] < _MIN_AUTHORS).sum())
    while 0 < hidden < cells.height:
        together = named.filter(pl.col("value").is_in(cells["value"][:hidden].implode()))["author_id"].n_unique()
        if hidden > 1 and together >= _MIN_AUTHORS:
            break
        hidden += 1
    return cells[hidden:].sort("value").rows(), hidden


def _uncounted(step: Step) -> str:
    """The reason of a step, unless it counts something: it may count the posts of few authors."""
    return "" if re.search(r"\d", step.reason) else step.reason
