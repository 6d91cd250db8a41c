"""The one place where the raw fields of a record become a row of the posts table, or a reason why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from discourse.corpus.mentions import hide_people
from discourse.corpus.privacy import Key, handle_pseudonym, post_name, pseudonym
from discourse.readers.values import Reason, parse_time
from discourse.schema import KINDS

__all__ = ["MAX_INTEGER", "MAX_TEXT", "Draft", "Item", "Row", "Withdrawal", "to_row"]

MAX_TEXT = 100_000
MAX_FIELD = 500
MAX_INTEGER = 2**63 - 1
_SNOWFLAKE_EPOCH, _CLOCK_ERROR = 1_288_834_974_657, 600_000  # milliseconds
_FIRST_SNOWFLAKE = 29_700_859_247  # 4 November 2010
_NO_SNOWFLAKE = 1_577_836_800_000  # made after 2060: no real id
_FLOATED = re.compile(r"[+-]?\d+(?:\.\d*)?[eE][+-]?\d+|[+-]?\d+\.\d*", re.ASCII)
_NUMERIC_ID = re.compile(r"[1-9]\d*", re.ASCII)
_NATIVE_ID = re.compile(r"[!-~]{1,256}", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,34}", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """The raw fields of one post as a reader found them, of whatever type; nothing is checked yet.

    `id`, `author` and `parent` are the platform's own ids, `kind` is one of `schema.KINDS`. `country` is a code
    or name that the platform gives, `country_basis` says what it is the country of: "geo" (where the post was
    written), "account" (registered), "page_admins", "community". `community` is a public forum (a subreddit).
    `edited_at` is when the text was last changed, `collected_at` when the record was fetched, both in the
    forms of `parse_time`; `version_of` is the id of the first version where an edit makes a new id. It has no
    `repr` that shows its fields: they are a person's.

    >>> Draft(platform="x", id="9001", author="42", created_at="2025-05-07T10:00:00Z", text="peace").kind
    'original'
    """

    platform: str
    id: Any
    author: Any
    created_at: Any
    text: Any
    kind: Any = "original"
    handle: Any = None
    parent: Any = None
    lang: Any = None
    country: Any = None
    location: Any = None
    likes: Any = None
    replies: Any = None
    reposts: Any = None
    quotes: Any = None
    edited_at: Any = None
    collected_at: Any = None
    version_of: Any = None
    community: Any = None
    country_basis: Any = "geo"


class Withdrawal(NamedTuple):
    """A platform's notice that a post, or with `of="author"` an account, was deleted or hidden.

    It is a row that is accepted and no post; what it names is never live, in whatever order the two come.

    >>> Withdrawal("x", "9001").of
    'post'
    """

    platform: str
    id: Any
    of: str = "post"


class Row(NamedTuple):
    """A row of the posts table, in the columns that a reader can fill."""

    post_id: str
    platform: str
    author_id: str
    created_at: datetime
    text: str
    kind: str
    parent_id: str | None
    lang_declared: str | None
    country: str | None
    location: str | None
    handle_id: str | None
    likes: int | None
    replies: int | None
    reposts: int | None
    quotes: int | None
    edited_at: datetime | None
    collected_at: datetime | None
    version_of: str | None
    community: str | None
    country_basis: str | None
    source_file: str
    source_line: int


class _Rejected(Exception):
    def __init__(self, reason: Reason) -> None:
        self.reason = reason


Item = Draft | Reason | Withdrawal
"""What a reader makes of a record: a post, a reason why it is none, or the withdrawal of one."""


def to_row(draft: Draft, key: Key, file: str, line: int) -> Row | Reason:
    """The row of a draft with pseudonyms in place of ids, or the first reason why it cannot be one.

    `post_id` and `parent_id` are the platform's name, a colon and its id. Counts that are absent stay null.

    >>> key = Key.made_up("demo")
    >>> row = to_row(Draft("x", "9001", "42", "2025-05-07T10:00:00+05:00", "peace"), key, "a.jsonl", 1)
    >>> row.post_id, str(row.created_at), "42" in row.author_id, row.likes
    ('x:9001', '2025-05-07 05:00:00+00:00', False, None)
    >>> to_row(Draft("x", 9.001e18, "42", "2025-05-07T10:00:00Z", "peace"), key, "a.jsonl", 1)
    <Reason.ID_PRECISION_LOST: 'id_precision_lost'>
    """
    try:
        return _checked(draft, key, file, line)
    except _Rejected as rejected:
        return rejected.reason


def _checked(draft: Draft, key: Key, file: str, line: int) -> Row:
    platform = draft.platform
    native = _post_id(draft.id, platform)
    if native is None:
        raise _Rejected(Reason.MISSING_ID)
    author = _author(draft.author)
    when = parse_time(draft.created_at)
    if isinstance(when, Reason):
        raise _Rejected(when)
    parent = _post_id(draft.parent, platform)
    handle, country = _words(draft.handle), _words(draft.country)
    first = _post_id(draft.version_of, platform)
    if platform == "x" and _contradicts(native, when):
        raise _Rejected(Reason.TIMESTAMP_CONTRADICTS_ID)
    if draft.kind not in KINDS:
        raise _Rejected(Reason.BAD_VALUE)
    return Row(
        post_id=post_name(key, platform, native),
        platform=platform,
        author_id=pseudonym(key, platform, author),
        created_at=when,
        text=hide_people(key, platform, _text(draft.text)),
        kind=draft.kind,
        parent_id=None if parent is None else post_name(key, platform, parent),
        lang_declared=_language(draft.lang),
        country=country,
        location=_words(draft.location),
        handle_id=handle_pseudonym(key, platform, handle) if handle and handle != "@" else None,
        likes=_count(draft.likes),
        replies=_count(draft.replies),
        reposts=_count(draft.reposts),
        quotes=_count(draft.quotes),
        edited_at=_moment(draft.edited_at),
        collected_at=_moment(draft.collected_at),
        version_of=None if first is None or first == native else post_name(key, platform, first),
        community=_words(draft.community),
        country_basis=None if country is None else draft.country_basis,
        source_file=file,
        source_line=line,
    )


def _exact(value: Any) -> str | None:
    """An id as the string it was, None when there is none; refuses what a float or a spreadsheet has touched."""
    if value is None or value == "":
        return None
    if isinstance(value, float):
        raise _Rejected(Reason.ID_PRECISION_LOST)
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MAX_INTEGER:
            raise _Rejected(Reason.ID_OUT_OF_RANGE)
        return str(value)
    if not isinstance(value, str):
        raise _Rejected(Reason.BAD_ID)
    if _FLOATED.fullmatch(value):
        raise _Rejected(Reason.ID_PRECISION_LOST)
    return value


def _post_id(value: Any, platform: str) -> str | None:
    native = _exact(value)
    if native is None:
        return None
    if platform != "x":
        if not _NATIVE_ID.fullmatch(native):
            raise _Rejected(Reason.BAD_ID)
        return native
    if native == "0" or (_NUMERIC_ID.fullmatch(native) and (len(native) > 19 or int(native) > MAX_INTEGER)):
        raise _Rejected(Reason.ID_OUT_OF_RANGE)
    if not _NUMERIC_ID.fullmatch(native):
        raise _Rejected(Reason.BAD_ID)
    return native


def _contradicts(native: str, when: datetime) -> bool:
    """Whether an id of X, which holds its own time, was made more than ten minutes away from `when`.

    Ids before November 2010 hold no time; those of an impossible future (as made-up corpora have) say nothing.
    """
    made = int(native) >> 22
    return (
        int(native) >= _FIRST_SNOWFLAKE
        and made < _NO_SNOWFLAKE
        and (abs(made + _SNOWFLAKE_EPOCH - when.timestamp() * 1000) > _CLOCK_ERROR)
    )


def _author(value: Any) -> str:
    native = _exact(value)
    if native is None:
        raise _Rejected(Reason.MISSING_AUTHOR)
    if len(native) > MAX_FIELD or not native.isprintable() or native.strip() != native:
        raise _Rejected(Reason.BAD_ID)
    return native


def _text(value: Any) -> str:
    if value is None:
        raise _Rejected(Reason.MISSING_TEXT)
    if not isinstance(value, str):
        raise _Rejected(Reason.WRONG_TYPE)
    if len(value) > MAX_TEXT:
        raise _Rejected(Reason.TEXT_TOO_LONG)
    if "\0" in value:
        raise _Rejected(Reason.NUL_CHARACTER)
    return value


def _words(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _Rejected(Reason.WRONG_TYPE)
    if len(value) > MAX_FIELD or "\0" in value:
        raise _Rejected(Reason.BAD_VALUE)
    return value


def _language(value: Any) -> str | None:
    words = _words(value)
    if words is not None and not _LANGUAGE.fullmatch(words):
        raise _Rejected(Reason.BAD_VALUE)
    return words


def _moment(value: Any) -> datetime | None:
    """When a text was edited or fetched, as evidence only: what cannot be read is null, the row stays."""
    when = None if value is None else parse_time(value)
    return when if isinstance(when, datetime) else None


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INTEGER:
        raise _Rejected(Reason.WRONG_TYPE)
    return value
