"""Single values of a record: why a row is set aside, what time a string means, what object a line holds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

__all__ = ["EARLIEST", "LATEST", "Reason", "decode_object", "from_epoch", "parse_time", "unescape"]

MAX_DEPTH = 64
EARLIEST = datetime(2006, 1, 1, tzinfo=UTC)
LATEST = datetime(2101, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"-?\d{1,12}(?:\.\d{1,9})?", re.ASCII)
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
    TIMESTAMP_CONTRADICTS_ID = "timestamp_contradicts_id"
    TIMESTAMP_TOO_COARSE = "timestamp_too_coarse"
    TOO_FEW_FIELDS = "too_few_fields"
    TOO_MANY_FIELDS = "too_many_fields"
    BAD_QUOTES = "bad_quotes"
    CONFLICTING_DUPLICATE = "conflicting_duplicate"


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
    return moment if EARLIEST <= moment < LATEST else Reason.TIMESTAMP_OUT_OF_RANGE


def from_epoch(value: Any) -> str | Reason:
    """Seconds since 1970 (a number, or a string of one) as ISO 8601 in UTC, in the form of `parse_time`.

    >>> from_epoch(1746612000), from_epoch("1746612000.5"), from_epoch("soon")
    ('2025-05-07T10:00:00+00:00', '2025-05-07T10:00:00.500000+00:00', <Reason.BAD_TIMESTAMP: 'bad_timestamp'>)
    """
    if isinstance(value, str) and _SECONDS.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Reason.BAD_TIMESTAMP
    try:
        return datetime.fromtimestamp(value, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return Reason.TIMESTAMP_OUT_OF_RANGE


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
    if not isinstance(value, dict):
        return Reason.NOT_AN_OBJECT
    return Reason.NESTING_TOO_DEEP if _deeper(value, line) else value


def _deeper(value: Any, line: bytes) -> bool:
    """Whether containers lie more than `MAX_DEPTH` deep in one another; few brackets cannot."""
    if line.count(b"{") + line.count(b"[") <= MAX_DEPTH:
        return False
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def unescape(text: Any) -> Any:
    """A text with X's three escapes undone, exactly once; anything that is not a string as it is.

    >>> unescape("a &amp;lt; b &gt; c")
    'a &lt; b > c'
    """
    return _ESCAPED.sub(lambda match: _PLAIN[match[1]], text) if isinstance(text, str) and "&" in text else text
