"""Records that a test writes out, taken into an account file by file."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.readers.account import Account, settled
from discourse.readers.formats import Read
from discourse.readers.records import Item

Taken = tuple[Item, str, int]


def take_all(key: Key, taken: Iterable[Taken], form: str = "unknown") -> Corpus:
    """The corpus of records given as item, file and line; a file's records come in the order given."""
    rows: list[pl.DataFrame] = []
    aside: list[pl.DataFrame] = []
    notices: list[pl.DataFrame] = []
    account = Account(key, rows.append, aside.append, notices.append)
    files: dict[str, list[Read]] = {}
    for item, file, line in taken:
        files.setdefault(file, []).append(Read(line, item))
    for file, reads in files.items():
        account.open_file(file, form)
        for read in reads:
            account.take(read)
        account.close_file()
    return settled(account.tallies, rows, aside, notices, key)
