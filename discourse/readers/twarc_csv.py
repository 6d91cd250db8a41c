"""X API v2 as a table: the CSV of twarc-csv, or any CSV with the names of the API's fields.

twarc-csv writes a line break as the two characters `\\n`; other tools write it as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from discourse.readers.records import Draft
from discourse.readers.values import Reason, unescape

__all__ = ["ID_COLUMN", "has_columns", "row_draft"]

ID_COLUMN = "id"
_NEEDED = frozenset({"id", "author_id", "created_at", "text"})
_TWARC = frozenset({"__twarc.retrieved_at", "conversation_id"})
_KINDS = (("retweeted", "repost"), ("quoted", "quote"), ("replied_to", "reply"))
_REFERENCES = "referenced_tweets"
_NONE = frozenset({"", "NA", "nan", "NaN", "None", "null", "[]", "{}"})
_COUNT = re.compile(r"(\d{1,19})(?:\.0)?", re.ASCII)
_ID_LIST = re.compile(r"[\[\]\s\"',\d]+", re.ASCII)
_ITEM = re.compile(r"[{<][^{}<>\]]*")  # one reference, as JSON, as Python prints it or as tweepy does
_TYPE = re.compile(r"\btype\W{1,4}(retweeted|quoted|replied_to)\b", re.ASCII)
_NUMBER = re.compile(r"\bid\W{1,4}(\d+)(?![\w.])", re.ASCII)
_RETWEET = re.compile(r"RT @\w{1,20}: ", re.ASCII)


def has_columns(columns: Collection[str]) -> bool:
    """Whether a header has the four names of the API v2 without which a row is no tweet.

    >>> has_columns(["id", "author_id", "created_at", "text", "lang"]), has_columns(["id", "text"])
    (True, False)
    """
    return _NEEDED.issubset(columns)


def row_draft(row: Mapping[str, str]) -> Draft | Reason:
    r"""The post of a row. A retweet has no counts: twarc-csv puts the original's there, with its text.

    A row whose references cannot be read is `bad_value`: it could be a retweet.

    >>> row = {"id": "9001", "author_id": "42", "created_at": "2025-05-07T10:00:00Z", "text": r"peace\n&amp; bread",
    ...        "conversation_id": "9001", "public_metrics.like_count": "3"}
    >>> draft = row_draft(row)
    >>> draft.text, draft.likes, draft.replies
    ('peace\n& bread', 3, None)
    >>> row_draft({**row, "referenced_tweets.retweeted.id": "9000"}).likes is None
    True
    """
    relation = _relation(row)
    if isinstance(relation, Reason):
        return relation
    kind, parent = relation
    counts: Mapping[str, str] = {} if kind == "repost" else row
    return Draft(
        platform="x",
        id=row.get("id"),
        author=row.get("author_id"),
        created_at=row.get("created_at"),
        text=_text(row, kind),
        kind=kind,
        handle=row.get("author.username"),
        parent=parent,
        lang=row.get("lang"),
        country=row.get("geo.country_code"),
        location=row.get("author.location"),
        likes=_count(counts, "like_count"),
        replies=_count(counts, "reply_count"),
        reposts=_count(counts, "retweet_count"),
        quotes=_count(counts, "quote_count"),
        collected_at=row.get("__twarc.retrieved_at"),
        version_of=_first_version(row.get("edit_history_tweet_ids", "")),
    )


def _text(row: Mapping[str, str], kind: str) -> Any:
    """The whole text; of a retweet the one that twarc-csv took from the original, as its own note is a cut one."""
    text = (kind != "repost" and row.get("note_tweet.text")) or row.get("text") or None
    if text is not None and not _TWARC.isdisjoint(row):
        text = text.replace("\\n", "\n")
    return unescape(text)


def _count(row: Mapping[str, str], name: str) -> Any:
    """A count from its own column, else from a column that holds all of them; pandas writes 3 as 3.0."""
    cell = row.get(f"public_metrics.{name}")
    if cell is None:
        held = re.search(rf"[\"']{name}[\"']\s*:\s*(\d{{1,19}})(?![\d.eE])", row.get("public_metrics", ""), re.ASCII)
        return None if held is None else int(held[1])
    if cell in _NONE:
        return None
    whole = _COUNT.fullmatch(cell)
    return cell if whole is None else int(whole[1])


def _first_version(cell: str) -> str | None:
    ids = re.findall(r"\d+", cell) if _ID_LIST.fullmatch(cell) else []
    return ids[0] if len(ids) > 1 else None


def _relation(row: Mapping[str, str]) -> tuple[str, str | None] | Reason:
    """The kind of a tweet and the id it refers to; a quote within a reply is a quote."""
    references = {name: row.get(f"{_REFERENCES}.{name}.id", "") for name, _ in _KINDS}
    cell = row.get(_REFERENCES, "")
    if cell not in _NONE:
        listed = _listed(cell)
        if not listed:
            return Reason.BAD_VALUE
        references |= listed
    for name, kind in _KINDS:
        if references[name] not in _NONE:
            return kind, references[name]
    told = any(column.startswith(_REFERENCES) for column in row)
    return ("repost" if not told and _RETWEET.match(row.get("text", "")) else "original"), None


def _listed(cell: str) -> dict[str, str]:
    found = {}
    for item in _ITEM.findall(cell):
        name, number = _TYPE.search(item), _NUMBER.search(item)
        if name is not None and number is not None:
            found[name[1]] = number[1]
    return found
