"""What a reader of a format is given and what it gives: one `Read` for each record of a file.

Three kinds of format, told apart by what their module defines:

- JSON records, on lines, in one array or as one document: `looks_like(record)`, `drafts(record)`;
- tables with a known header, CSV or XLSX: `has_columns(columns)`, `row_draft(row)`;
- files of their own kind: `looks_like_file(head)`, `reads(path, options)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from discourse.readers.records import Item

__all__ = ["Options", "Read"]


class Read(NamedTuple):
    """One record of a file: where it begins, what it is, and the bytes it came from.

    `line` is the line or place in the file, from 1. `raw`, joined, is the smallest file of the same format
    that holds the record, so that a reader that was mended can take it up again.

    >>> from discourse.readers.values import Reason
    >>> b"".join(Read(3, Reason.TOO_FEW_FIELDS, (b"id,text\\n", b"9001\\n")).raw)
    b'id,text\\n9001\\n'
    """

    line: int
    item: Item
    raw: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What the content of a file cannot tell and a person must.

    `timezone` is the IANA name for times that carry no zone, `date_order` one of "dmy", "mdy", "ymd";
    `allow_private` takes posts of chats that are not public, which needs the consent of those who wrote them.

    >>> Options(timezone="Asia/Karachi").allow_private
    False
    """

    timezone: str | None = None
    date_order: str | None = None
    allow_private: bool = False
