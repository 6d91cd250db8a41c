"""The account of every row: accepted, duplicate or set aside. What was read is never more than these three."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from discourse.corpus.posts import FILES, Corpus, Step
from discourse.corpus.privacy import Key
from discourse.readers.records import Draft, Item, Reason, Row, Withdrawal, to_row
from discourse.schema import POSTS, QUARANTINE

__all__ = ["Account", "settle"]

Aside = tuple[str, int, str, str]


@dataclass
class Account:
    """Takes the records of all files one by one and closes as a corpus.

    The corpus is the same whatever order the files come in: rows are settled by file name and line.

    >>> account = Account(Key.made_up("demo"))
    >>> account.open_file("a.jsonl", "rtweet")
    >>> account.take(Draft("x", "9001", "42", "2025-05-07T10:00:00Z", "peace"), "a.jsonl", 1)
    >>> account.take(Reason.INVALID_JSON, "a.jsonl", 2)
    >>> account.close().files.rows()
    [('a.jsonl', 'rtweet', 2, 1, 0, 1)]
    """

    key: Key = field(repr=False)
    read: Counter[str] = field(default_factory=Counter, repr=False)
    formats: dict[str, str] = field(default_factory=dict, repr=False)
    _rows: list[Row] = field(default_factory=list, repr=False)
    _aside: list[Aside] = field(default_factory=list, repr=False)
    _withdrawn: set[str] = field(default_factory=set, repr=False)

    def open_file(self, file: str, format: str) -> None:  # noqa: A002
        """Note a file and its format, so that one without a single row is still accounted for.

        >>> account = Account(Key.made_up("demo"))
        >>> account.open_file("empty.csv", "csv")
        >>> account.close().files.rows()
        [('empty.csv', 'csv', 0, 0, 0, 0)]
        """
        self.formats[file] = format

    def take(self, item: Item, file: str, line: int) -> None:
        """Count one record: a draft is checked and becomes a row, a reason is noted.

        A withdrawal is noted too, and keeps the post it names, and reposts of it, out of the corpus, in
        whatever file and order they come.

        >>> account = Account(Key.made_up("demo"))
        >>> account.take(Reason.API_ERROR, "a.jsonl", 1)
        >>> account.read["a.jsonl"]
        1
        """
        self.read[file] += 1
        if isinstance(item, Withdrawal):
            self._withdrawn.add(f"{item.platform}:{item.id}")
            item = Reason.NOT_A_POST
        outcome = to_row(item, self.key, file, line) if isinstance(item, Draft) else item
        if isinstance(outcome, Row):
            self._rows.append(outcome)
        else:
            self._aside.append((file, line, outcome.value, "quarantined"))

    def count(self, reason: Reason, file: str) -> int:
        """How many rows of a file were set aside for a reason so far.

        >>> Account(Key.made_up("demo")).count(Reason.INVALID_UTF8, "a.jsonl")
        0
        """
        return sum(1 for aside in self._aside if aside[0] == file and aside[2] == reason)

    def close(self) -> Corpus:
        """The corpus of all that was taken, duplicates settled, with one step in its history.

        >>> Account(Key.made_up("demo")).close().history
        (Step(step='read', before=0, after=0, reason='0 files: 0 duplicates, 0 set aside'),)
        """
        live = [row for row in self._rows if not self._is_withdrawn(row)]
        gone = [
            (row.source_file, row.source_line, Reason.DELETED.value, "quarantined")
            for row in self._rows
            if self._is_withdrawn(row)
        ]
        kept, late = settle(live)
        aside = self._aside + gone + late
        accepted = Counter(row.source_file for row in kept)
        outcomes = Counter((file, outcome) for file, _, _, outcome in aside)
        files = [
            (
                file,
                self.formats.get(file, "unknown"),
                self.read[file],
                accepted[file],
                outcomes[file, "duplicate"],
                outcomes[file, "quarantined"],
            )
            for file in sorted({*self.formats, *self.read})
        ]
        duplicates = sum(count for (_, outcome), count in outcomes.items() if outcome == "duplicate")
        files_read = "1 file" if len(files) == 1 else f"{len(files)} files"
        reason = f"{files_read}: {duplicates} duplicates, {len(aside) - duplicates} set aside"
        step = Step("read", self.read.total(), len(kept), reason)
        return Corpus(
            posts=_posts(kept),
            quarantine=pl.DataFrame(aside, schema=dict(QUARANTINE.columns), orient="row"),
            files=pl.DataFrame(files, schema=dict(FILES.columns), orient="row"),
            history=(step,),
        )

    def _is_withdrawn(self, row: Row) -> bool:
        return row.post_id in self._withdrawn or (row.kind == "repost" and row.parent_id in self._withdrawn)


def settle(rows: list[Row]) -> tuple[list[Row], list[Aside]]:
    """Rows with one post each, and the others as duplicates or conflicts.

    Of the rows with one `post_id` the first by file name and line is kept. A later one with the same text
    and author is a duplicate and can only raise the counts of the first; one that differs is quarantined.

    >>> def row(text, likes, line):
    ...     draft = Draft("x", "9001", "42", "2025-05-07T10:00:00Z", text, likes=likes)
    ...     return to_row(draft, Key.made_up("demo"), "a.jsonl", line)
    >>> kept, aside = settle([row("war", 9, 3), row("peace", 1, 1), row("peace", 4, 2)])
    >>> kept[0].text, kept[0].likes, [(line, reason) for _, line, reason, _ in aside]
    ('peace', 4, [(2, 'duplicate'), (3, 'conflicting_duplicate')])
    """
    kept: dict[str, Row] = {}
    aside: list[Aside] = []
    for row in sorted(rows, key=lambda row: (row.source_file, row.source_line)):
        first = kept.setdefault(row.post_id, row)
        if first is row:
            continue
        if (first.text, first.author_id) != (row.text, row.author_id):
            aside.append((row.source_file, row.source_line, Reason.CONFLICTING_DUPLICATE.value, "quarantined"))
            continue
        kept[row.post_id] = _with_larger_counts(first, row)
        aside.append((row.source_file, row.source_line, Reason.DUPLICATE.value, "duplicate"))
    return list(kept.values()), aside


def _with_larger_counts(first: Row, other: Row) -> Row:
    return first._replace(
        likes=_larger(first.likes, other.likes),
        replies=_larger(first.replies, other.replies),
        reposts=_larger(first.reposts, other.reposts),
        quotes=_larger(first.quotes, other.quotes),
    )


def _larger(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _posts(rows: list[Row]) -> pl.DataFrame:
    columns = zip(*rows, strict=True) if rows else ((),) * len(Row._fields)
    series = [
        pl.Series(name, values, dtype=POSTS.columns[name]) for name, values in zip(Row._fields, columns, strict=True)
    ]
    return POSTS.frame(pl.DataFrame(series))
