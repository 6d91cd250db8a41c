"""The account of every row: accepted, duplicate or set aside. What was read is never more than these three."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from discourse.corpus.posts import FILES, Corpus, Step
from discourse.corpus.privacy import Key, post_name, pseudonym, tombstone
from discourse.corpus.settle import (
    ITEM,
    OBSERVED,
    Tombstones,
    as_live,
    join_records,
    split_deleted,
    without_rivals,
)
from discourse.errors import BadInput
from discourse.readers.formats import Read
from discourse.readers.records import Draft, Row, Withdrawal, to_row
from discourse.readers.values import Reason
from discourse.schema import POSTS, QUARANTINE

__all__ = ["ASIDE", "Account", "Tally", "settled"]

ASIDE: dict[str, pl.DataType] = {
    "source_file": pl.String(),
    "source_line": pl.Int64(),
    "reason": pl.String(),
    "how": pl.String(),
    "raw": pl.Binary(),
}
NOTICES: dict[str, pl.DataType] = {"source_file": pl.String(), "source_line": pl.Int64(), "subject": pl.String()}
_TOKEN = re.compile(rb"(access_token(?:=|%3D|\\u003d))[\w%|.\-]+")  # pages of an API hold the collector's own
_BATCH = 20_000
_BATCH_BYTES = 32 << 20
_UNDECODABLE = "most of {file!r} is not UTF-8; save it as UTF-8 and read it again"
Sink = Callable[[pl.DataFrame], None]


@dataclass
class Tally:
    """How many rows of a file were read, and what became of them; the three parts add up to `read`.

    `edits` (later versions of a post) and `deleted` (notices of deletion, and what they keep out) are part of
    `accepted`: the posts that stand are `accepted - edits - deleted`.

    >>> Tally("csv", read=3, accepted=2, duplicates=1).row("a.csv")
    ('a.csv', 'csv', 3, 2, 1, 0, 0, 0)
    """

    format: str
    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    edits: int = 0
    deleted: int = 0

    def row(self, file: str) -> tuple[str, str, int, int, int, int, int, int]:
        """The row of the files table.

        >>> Tally("csv").row("a.csv")[:2]
        ('a.csv', 'csv')
        """
        return (
            file, self.format, self.read, self.accepted, self.duplicates, self.quarantined, self.edits, self.deleted,
        )  # fmt: skip

    def count(self, outcome: str, number: int = 1) -> None:
        """Add a number of rows that came to one outcome of `join_records`, or to "deleted".

        >>> tally = Tally("csv")
        >>> tally.count("edit")
        >>> tally.accepted, tally.edits
        (1, 1)
        """
        if outcome == "duplicate":
            self.duplicates += number
        elif outcome == Reason.CONFLICTING_DUPLICATE:
            self.quarantined += number
        else:
            self.accepted += number
            self.edits += number * (outcome == "edit")
            self.deleted += number * (outcome == "deleted")


@dataclass
class Account:
    """Takes the records of files one by one and hands them on in batches that fit in memory.

    `rows` is given frames with the columns of `settle.OBSERVED` and `item`; `aside` what was set aside, with
    its bytes (`ASIDE`); `notices` deletions (`NOTICES`). Each record is counted as it is taken; what is a
    duplicate is known later.

    >>> held = []
    >>> account = Account(Key.made_up("demo"), held.append, held.append, held.append)
    >>> account.open_file("a.jsonl", "rtweet")
    >>> account.take(Read(1, Draft("x", "9001", "42", "2025-05-07T10:00:00Z", "peace")))
    >>> account.take(Read(2, Reason.INVALID_JSON, (b"{",)))
    >>> account.close_file()
    >>> account.tallies["a.jsonl"].read, [frame.height for frame in held]
    (2, [1, 1])
    """

    key: Key = field(repr=False)
    rows: Sink = field(repr=False)
    aside: Sink = field(repr=False)
    notices: Sink = field(repr=False)
    tallies: dict[str, Tally] = field(default_factory=dict)
    _file: str = ""
    _how: str = ""
    _undecodable: int = 0
    _held: list[tuple[object, ...]] = field(default_factory=list, repr=False)
    _aside: list[tuple[object, ...]] = field(default_factory=list, repr=False)
    _notices: list[tuple[object, ...]] = field(default_factory=list, repr=False)
    _bytes: int = 0

    def open_file(self, file: str, format: str, how: dict[str, object] | None = None) -> None:  # noqa: A002
        """Begin a file; `how` is what else was said about reading it, kept with what is set aside.

        >>> account = Account(Key.made_up("demo"), print, print, print)
        >>> account.open_file("empty.csv", "csv")
        >>> account.tallies["empty.csv"].read
        0
        """
        self.tallies[file] = Tally(format)
        self._file, self._undecodable = file, 0
        self._how = json.dumps({"format": format, **(how or {})}, sort_keys=True)

    @property
    def read(self) -> int:
        """How many records of the open file were read so far."""
        return self.tallies[self._file].read

    def take_rows(self, rows: pl.DataFrame) -> None:
        """Count posts of the open file that were read as columns: those of `Row` but the file, and `ITEM`.

        >>> account = Account(Key.made_up("demo"), print, print, print)
        >>> account.open_file("a.jsonl", "x_api")
        >>> account.take_rows(pl.DataFrame(schema={**OBSERVED, ITEM: pl.Int64}))
        >>> account.read
        0
        """
        self.tallies[self._file].read += rows.height
        if rows.height:
            named = rows.with_columns(pl.lit(self._file).alias("source_file"))
            self.rows(named.select(*_AS_READ, pl.col(ITEM)))

    def take(self, read: Read, item: int | None = None) -> None:
        """Count one record of the open file: a draft is checked and becomes a row, a reason is noted.

        `item` is the record's number in the file where not all before it were counted yet.

        >>> account = Account(Key.made_up("demo"), print, print, print)
        >>> account.open_file("a.jsonl", "x_api")
        >>> account.take(Read(1, Reason.API_ERROR))
        >>> account.tallies["a.jsonl"].quarantined
        1
        """
        tally = self.tallies[self._file]
        tally.read += 1
        if isinstance(read.item, Withdrawal):
            self._withdraw(read.line, read.item)
            return
        outcome = to_row(read.item, self.key, self._file, read.line) if isinstance(read.item, Draft) else read.item
        if isinstance(outcome, Row):
            self._held.append((*outcome, tally.read if item is None else item))
            self._bytes += len(outcome.text)
        else:
            tally.quarantined += 1
            self._undecodable += outcome is Reason.INVALID_UTF8
            raw = _TOKEN.sub(rb"\1-", b"".join(read.raw))
            self._aside.append((self._file, read.line, outcome.value, self._how, raw or None))
            self._bytes += len(raw)
        if len(self._held) + len(self._aside) >= _BATCH or self._bytes >= _BATCH_BYTES:
            self._flush()

    def close_file(self) -> None:
        """Hand on what is held. Raises `BadInput` when more than half of the file was not UTF-8.

        >>> Account(Key.made_up("demo"), print, print, print).close_file()
        """
        self._flush()
        if self._file and self._undecodable * 2 > self.tallies[self._file].read:
            raise BadInput(_UNDECODABLE.format(file=self._file))

    def drop_file(self) -> None:
        """Forget what is held of a file that is refused.

        >>> Account(Key.made_up("demo"), print, print, print).drop_file()
        """
        for held in (self._held, self._aside, self._notices):
            held.clear()
        self._bytes = 0

    def _withdraw(self, line: int, notice: Withdrawal) -> None:
        if not isinstance(notice.id, str | int) or isinstance(notice.id, bool) or notice.id == "":
            self.tallies[self._file].quarantined += 1
            self._aside.append((self._file, line, Reason.BAD_ID.value, self._how, None))
            return
        native = str(notice.id)
        subject = (
            pseudonym(self.key, notice.platform, native)
            if notice.of == "author"
            else tombstone(self.key, post_name(self.key, notice.platform, native))
        )
        self._notices.append((self._file, line, subject))

    def _flush(self) -> None:
        for sink, held, schema in (
            (self.rows, self._held, {**_AS_READ, ITEM: pl.Int64()}),
            (self.aside, self._aside, ASIDE),
            (self.notices, self._notices, NOTICES),
        ):
            if held:
                columns = zip(*held, strict=True)
                series = [
                    pl.Series(name, values, dtype=dtype)
                    for (name, dtype), values in zip(schema.items(), columns, strict=True)
                ]
                sink(pl.DataFrame(series))
                held.clear()
        self._bytes = 0


_AS_READ = {name: OBSERVED[name] for name in Row._fields}


def settled(
    tallies: dict[str, Tally],
    rows: list[pl.DataFrame],
    aside: list[pl.DataFrame],
    notices: list[pl.DataFrame],
    key: Key,
) -> Corpus:
    """The corpus of all that was read, duplicates settled, with one step in its history.

    >>> settled({}, [], [], [], Key.made_up("demo")).history
    (Step(step='read', before=0, after=0, reason='0 files: 0 duplicates, 0 set aside'),)
    """
    taken = pl.concat(
        [pl.DataFrame(schema={**OBSERVED, ITEM: pl.Int64}), *(one.select(*OBSERVED, ITEM) for one in rows)]
    )
    told = pl.concat([pl.DataFrame(schema=NOTICES), *notices])
    graves = Tombstones(frozenset(told["subject"].to_list()))
    standing, gone = split_deleted(taken, graves, key)
    joined, outcomes = join_records(pl.DataFrame(schema=OBSERVED), standing)
    repeats = pl.concat([_once(told, "subject"), _once(gone.sort("source_file", "source_line", ITEM), "grave")])
    outcomes = pl.concat([outcomes.drop(ITEM), repeats])
    for file, outcome, number in outcomes.group_by("source_file", "outcome").len().iter_rows():
        tallies[file].count(outcome, number)
    standing = as_live(joined)
    replaced = pl.col("post_id").is_in(list(without_rivals(standing)))
    live = standing.filter(~replaced)
    for file, number in standing.filter(replaced).group_by("source_file").len().iter_rows():
        tallies[file].edits += number
    return _corpus(tallies, live, aside, outcomes)


def _once(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """What each of some rows counts as: the first of each is "deleted", the others are duplicates."""
    first = pl.when(pl.col(name).is_first_distinct()).then(pl.lit("deleted")).otherwise(pl.lit("duplicate"))
    return rows.select("source_file", "source_line", first.alias("outcome"))


def _corpus(tallies: dict[str, Tally], live: pl.DataFrame, aside: list[pl.DataFrame], outcomes: pl.DataFrame) -> Corpus:
    late = outcomes.filter(pl.col("outcome").is_in(["duplicate", Reason.CONFLICTING_DUPLICATE.value]))
    repeated = pl.col("outcome") == "duplicate"
    quarantine = pl.concat([
        pl.DataFrame(schema=dict(QUARANTINE.columns)),
        *(one.select("source_file", "source_line", "reason", pl.lit("quarantined").alias("outcome")) for one in aside),
        late.select(
            "source_file", "source_line", pl.col("outcome").alias("reason"),
            pl.when(repeated).then(pl.lit("duplicate")).otherwise(pl.lit("quarantined")).alias("outcome"),
        ),
    ])  # fmt: skip
    duplicates = sum(tally.duplicates for tally in tallies.values())
    set_aside = sum(tally.quarantined for tally in tallies.values())
    files_read = "1 file" if len(tallies) == 1 else f"{len(tallies)} files"
    reason = f"{files_read}: {duplicates} duplicates, {set_aside} set aside"
    return Corpus(
        posts=POSTS.frame(live),
        quarantine=quarantine,
        files=pl.DataFrame(
            [tallies[file].row(file) for file in sorted(tallies)], schema=dict(FILES.columns), orient="row"
        ),
        history=(Step("read", sum(tally.read for tally in tallies.values()), live.height, reason),),
    )
