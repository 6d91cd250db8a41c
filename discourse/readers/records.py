"""The one place where the raw fields of a record become a row of the posts table, or a reason why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from discourse.corpus.privacy import Key, handle_pseudonym, pseudonym
from discourse.schema import KINDS

__all__ = [
    "MAX_TEXT",
    "Draft",
    "Item",
    "Reason",
    "Row",
    "Withdrawal",
    "decode_object",
    "parse_time",
    "to_row",
    "unescape",
]

MAX_TEXT = 100_000
MAX_FIELD = 500
MAX_INTEGER = 2**63 - 1
_EARLIEST = datetime(2006, 1, 1, tzinfo=UTC)
_LATEST = datetime(2101, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)", re.ASCII
)
_V1 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d\d) "
    r"((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d) ([+-](?:[01]\d|2[0-3])[0-5]\d) (\d{4})",
    re.ASCII,
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FLOATED = re.compile(r"[+-]?\d+(?:\.\d*)?[eE][+-]?\d+|[+-]?\d+\.\d*", re.ASCII)
_NUMERIC_ID = re.compile(r"[1-9]\d*", re.ASCII)
_NATIVE_ID = re.compile(r"[!-~]{1,256}", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,34}", re.ASCII)
_ESCAPED = re.compile(r"&(amp|lt|gt);")
_PLAIN = {"amp": "&", "lt": "<", "gt": ">"}


class Reason(StrEnum):
    """Why a row was set aside. The words stand in the quarantine table and in warnings.

    >>> Reason.MISSING_ID == "missing_id"
    True
    """

    INVALID_JSON = "invalid_json"
    INVALID_UTF8 = "invalid_utf8"
    NESTING_TOO_DEEP = "nesting_too_deep"
    NOT_AN_OBJECT = "not_an_object"
    RECORD_TOO_LARGE = "record_too_large"
    API_ERROR = "api_error"
    PRIVATE_CHAT = "private_chat"
    NOT_PUBLIC = "not_public"
    NOT_A_POST = "not_a_post"
    REMOVED = "removed"
    DELETED = "deleted"
    MISSING_ID = "missing_id"
    BAD_ID = "bad_id"
    ID_PRECISION_LOST = "id_precision_lost"
    ID_OUT_OF_RANGE = "id_out_of_range"
    MISSING_AUTHOR = "missing_author"
    MISSING_TEXT = "missing_text"
    TEXT_TOO_LONG = "text_too_long"
    NUL_CHARACTER = "nul_character"
    WRONG_TYPE = "wrong_type"
    BAD_VALUE = "bad_value"
    BAD_TIMESTAMP = "bad_timestamp"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    TOO_FEW_FIELDS = "too_few_fields"
    TOO_MANY_FIELDS = "too_many_fields"
    BAD_QUOTES = "bad_quotes"
    CONFLICTING_DUPLICATE = "conflicting_duplicate"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """The raw fields of one post as a reader found them, of whatever type; nothing is checked yet.

    `id`, `author` and `parent` are the platform's own ids, `kind` is one of `schema.KINDS`. It has no `repr`
    that shows its fields: they are a person's.

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


class Withdrawal(NamedTuple):
    """A platform's notice that a post was deleted. It is a row read, no post; the post it names is not taken.

    >>> Withdrawal("x", "9001").platform
    'x'
    """

    platform: str
    id: Any


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
    handle = _words(draft.handle)
    if draft.kind not in KINDS:
        raise _Rejected(Reason.BAD_VALUE)
    return Row(
        post_id=f"{platform}:{native}",
        platform=platform,
        author_id=pseudonym(key, platform, author),
        created_at=when,
        text=_text(draft.text),
        kind=draft.kind,
        parent_id=None if parent is None else f"{platform}:{parent}",
        lang_declared=_language(draft.lang),
        country=_words(draft.country),
        location=_words(draft.location),
        handle_id=handle_pseudonym(key, platform, handle) if handle and handle != "@" else None,
        likes=_count(draft.likes),
        replies=_count(draft.replies),
        reposts=_count(draft.reposts),
        quotes=_count(draft.quotes),
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


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INTEGER:
        raise _Rejected(Reason.WRONG_TYPE)
    return value


def parse_time(value: Any) -> datetime | Reason:
    """A moment in UTC from ISO 8601 with a zone, or from the format of X's version 1; else the reason.

    Moments before 2006 or after 2100 are out of range: no platform had posts, or the clock was wrong.

    >>> str(parse_time("Wed Oct 10 20:19:24 +0000 2018")), parse_time("2018-10-10 20:19:24")
    ('2018-10-10 20:19:24+00:00', <Reason.BAD_TIMESTAMP: 'bad_timestamp'>)
    """
    if not isinstance(value, str):
        return Reason.BAD_TIMESTAMP
    iso, day = value, ""
    if old := _V1.fullmatch(value):
        day, month, date, clock, zone, year = old.groups()
        iso = f"{year}-{_MONTHS.index(month) + 1:02}-{date}T{clock}{zone}"
    elif not _ISO.fullmatch(value):
        return Reason.BAD_TIMESTAMP
    try:
        local = datetime.fromisoformat(iso)
    except ValueError:
        return Reason.BAD_TIMESTAMP
    if day and _DAYS[local.weekday()] != day:
        return Reason.BAD_TIMESTAMP
    try:
        moment = local.astimezone(UTC)
    except OverflowError:
        return Reason.TIMESTAMP_OUT_OF_RANGE
    return moment if _EARLIEST <= moment < _LATEST else Reason.TIMESTAMP_OUT_OF_RANGE


def decode_object(line: bytes | None) -> dict[str, Any] | Reason:
    """The JSON object on a line, or the reason why there is none.

    >>> decode_object(b'{"id": "9001"}'), decode_object(b"[1]"), decode_object(b'{"id"'), decode_object(None)
    ({'id': '9001'}, <Reason.NOT_AN_OBJECT: 'not_an_object'>, <Reason.INVALID_JSON: 'invalid_json'>,
     <Reason.RECORD_TOO_LARGE: 'record_too_large'>)
    """
    if line is None:
        return Reason.RECORD_TOO_LARGE
    try:
        value = msgspec.json.decode(line)
    except UnicodeDecodeError:
        return Reason.INVALID_UTF8
    except msgspec.DecodeError:
        return Reason.INVALID_JSON
    except RecursionError:
        return Reason.NESTING_TOO_DEEP
    return value if isinstance(value, dict) else Reason.NOT_AN_OBJECT


def unescape(text: Any) -> Any:
    """A text with X's three escapes undone, exactly once; anything that is not a string as it is.

    >>> unescape("a &amp;lt; b &gt; c")
    'a &lt; b > c'
    """
    return _ESCAPED.sub(lambda match: _PLAIN[match[1]], text) if isinstance(text, str) and "&" in text else text
