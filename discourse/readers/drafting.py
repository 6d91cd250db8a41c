"""`draft_mapping`: a first mapping for a table that no format knows, to be read and corrected by a person.

Columns are proposed by their names and checked against the first rows. No cell is ever shown. What nobody but the
person can know is written as "?", with which the mapping does not run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from discourse.errors import BadInput
from discourse.readers.containers import first_records
from discourse.readers.files import first_bytes, open_chunks
from discourse.readers.mapped import CONSTANTS, COUNTS, FIELDS, REQUIRED, Mapping, look_up
from discourse.readers.sheets import sheet_rows
from discourse.readers.tables import csv_rows
from discourse.readers.values import parse_time
from discourse.schema import KINDS

__all__ = ["draft_mapping"]

_ROWS = 50
_DEPTH = 3
_NAMES = {
    "id": "id tweet_id status_id post_id comment_id message_id msg_id id_str tweet_id_str item_id",
    "author": "author_id user_id author_user_id user_id_str author_channel_id channel_id from_id from_user_id "
    "account_id sender_id member_id author user username screen_name user_screen_name author_username author_name "
    "handle sender from member",
    "created_at": "created_at created created_time created_date timestamp date_time published_at publish_date "
    "posted_at post_date post_created post_created_date tweet_created_at date time posted when created_utc",
    "text": "full_text text tweet_text post_text status_text comment_text message_text text_original tweet body "
    "message content raw_content comment post status caption",
    "kind": "kind post_type tweet_type type",
    "handle": "screen_name username handle author_username author_handle user_screen_name user_username",
    "parent": "in_reply_to_status_id in_reply_to_status_id_str in_reply_to_id in_reply_to_tweet_id reply_to_id "
    "reply_to_status_id reply_to_sid replied_to_id parent_id",
    "lang": "lang language tweet_lang lang_declared",
    "country": "country_code country place_country_code",
    "location": "user_location author_location location",
    "community": "subreddit community",
    "likes": "likes like_count likes_count favorite_count favourite_count favorites favourites num_likes",
    "replies": "replies reply_count replies_count num_comments comment_count comments_count comments",
    "reposts": "reposts repost_count retweets retweet_count retweets_count share_count shares",
    "quotes": "quotes quote_count quotes_count",
}
_SHOWN_NAMES = frozenset(
    {
        "author", "user", "username", "screenname", "userscreenname", "authorusername", "authorname", "handle",
        "sender", "from", "member",
    }
)  # fmt: skip
_PLATFORMS = {"tweet": "x", "statusid": "x", "replytosid": "x", "subreddit": "reddit", "videoid": "youtube"}
_NUMBERED = ("%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d/%m/%y", "%m/%d/%y")
_DAYS = (
    *(day.replace("/", separator) for day in _NUMBERED for separator in "/-."),
    *("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y"),
)
_CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S.%f")
_ZONES = ("", " %z", "%z", " UTC")
_FORMATS = tuple(
    f"{day}{gap}{clock}{zone}" for day in _DAYS for gap in (" ", ", ") for clock in _CLOCKS for zone in _ZONES
)
_ROUNDED = re.compile(r"[+-]?\d+(?:\.\d*)?[eE][+-]?\d+|\d{11,15}0{3,}|\d+\.\d+", re.ASCII)
_DATA_LIKE = re.compile(r"@|://|\d{6}|\d{4}-\d\d-\d\d|\d[:/]\d\d|[\x00-\x1f\x7f\ud800-\udfff]")
_DATE_OR_LINK = re.compile(r"https?://|<a |\d{4}-\d\d-\d\d")
_LONGEST_NAME = 64
_LANGUAGE = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,34}", re.ASCII)
_ZONE_END = re.compile(r"\s?(?:[+-]\d\d:?\d\d|UTC)$", re.ASCII)
_COUNT = re.compile(r"\d{1,18}", re.ASCII)
_ASK = '"?"'


class _Column(NamedTuple):
    name: str
    values: list[Any]


class _Choice(NamedTuple):
    column: str
    why: str
    sure: bool


def draft_mapping(path: str | Path) -> str:
    """A mapping in TOML for a CSV, XLSX, JSON lines or Parquet file, with a comment on each choice.

    `# ?` stands where a choice is unsure, "?" where something must be filled in. A required field without a column
    is named in a comment and left out. Raises `BadInput` when the file is none of those, has no row or no header,
    and as the readers of tables do.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_text("tweet_id,user_id,date,text\\n9001,42,2025-05-07 10:00,peace\\n")
    ...     print(draft_mapping(Path(folder, "a.csv")))
    # Drafted from the first 1 rows of "a.csv". Check every line; "?" must be filled in.
    platform = "x"  # ? guessed from the names of the columns
    timezone = "?"  # ? the times have no zone; write for instance "Asia/Karachi"
    <BLANKLINE>
    [fields]
    # named like an id; all 1 values differ
    id = "tweet_id"
    # named like the id of an account
    author = "user_id"
    # named like a time; ISO 8601 without a zone
    created_at = "date"
    # named like a text; the longest on average
    text = "text"
    <BLANKLINE>
    """
    name = Path(path).name
    columns = _columns(Path(path))
    count = max((len(column.values) for column in columns), default=0)
    if count == 0:
        raise BadInput(f"{name!r} has no row to draft a mapping from; name a file with posts")
    chosen = _chosen(columns)
    if not chosen:
        raise BadInput(
            f"{name!r} has no column whose name is known, or its first line is no header; "
            "name its columns id, author, created_at and text"
        )
    moments = _values(columns, chosen["created_at"].column) if "created_at" in chosen else []
    lines = [f'# Drafted from the first {count} rows of {_quoted(name)}. Check every line; "?" must be filled in.']
    lines += _head_lines(columns, chosen, _times(moments) if moments else _Times("no time to look at", None, None))
    for field in FIELDS:
        if field in chosen:
            choice = chosen[field]
            unsure = "" if choice.sure else "  # ?"
            lines += [f"# {choice.why}", f"{field} = {_quoted(choice.column)}{unsure}"]
    lacking = [field for field in REQUIRED if field not in chosen]
    if lacking:
        lines.append(f"# ? required, and no column has such a name: {', '.join(lacking)}")
        lines += _instead(lacking)
    lines += _unused(columns, chosen)
    return "\n".join(lines) + "\n"


def _columns(path: Path) -> list[_Column]:
    """The columns of the first rows; none is shown whose name looks like a cell."""
    start = first_bytes(path, 4)
    if start == b"PAR1":
        names, rows = _parquet(path)
    elif start in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        names, rows = _table(sheet_rows(path))
    elif (mark := next(open_chunks(path)).lstrip()[:1]) == b"[":
        raise BadInput(f"{path.name!r} is a JSON array; a mapping reads JSON lines, one object a line")
    elif mark == b"{":
        rows = [_flat(record) for record in first_records(path, _ROWS)]
        names = list(dict.fromkeys(name for row in rows for name in row))
        return [_Column(name, [look_up(row, name) for row in rows]) for name in names if not _is_data(name)]
    else:
        names, rows = _table(csv_rows(path, lambda header: sum(_plain(name) in _KNOWN for name in header)))
    if any(map(_is_data, names)):
        return [_Column("", [None])]  # no header: its names are cells
    return [_Column(name, [row.get(name) for row in rows]) for name in dict.fromkeys(names) if name]


def _table(rows: Iterator[tuple[int, Any, Any]]) -> tuple[list[str], list[dict[str, Any]]]:
    whole = list(islice((row for _, row, _ in rows if isinstance(row, dict)), _ROWS))
    if isinstance(rows, Generator):
        rows.close()
    return list(whole[0]) if whole else [], whole


def _parquet(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    try:
        frame = pl.scan_parquet(path).head(_ROWS).collect()
    except (pl.exceptions.PolarsError, OSError):
        raise BadInput(f"{path.name!r} cannot be read as Parquet; fetch it again, or write it anew") from None
    return frame.columns, list(frame.iter_rows(named=True))


def _flat(record: dict[str, Any], before: str = "", depth: int = _DEPTH) -> dict[str, Any]:
    """The values of nested objects under names with dots; lists have no name of their own."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict) and depth > 1:
            flat |= _flat(value, f"{before}{name}.", depth - 1)
        elif not isinstance(value, dict | list):
            flat[before + name] = value
    return flat


def _is_data(name: str) -> bool:
    return len(name) > _LONGEST_NAME or bool(_DATA_LIKE.search(name))


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


_BY_NAME = {field: [_plain(name) for name in names.split()] for field, names in _NAMES.items()}
_KNOWN = frozenset(name for names in _BY_NAME.values() for name in names)


def _values(columns: list[_Column], name: str) -> list[Any]:
    return next(
        [value for value in column.values if value not in (None, "")] for column in columns if column.name == name
    )


def _chosen(columns: list[_Column]) -> dict[str, _Choice]:
    """For each field the first column with a fitting name whose values fit too, else the first by its name."""
    chosen: dict[str, _Choice] = {}
    for field in FIELDS:
        taken = {choice.column for name, choice in chosen.items() if not (field == "handle" and name == "author")}
        named = [
            column.name
            for known in _BY_NAME[field]
            for column in columns
            if _plain(column.name) == known and column.name not in taken
        ]
        choices = [_judged(field, name, columns) for name in named]
        fitting = [choice for choice in choices if choice.sure]
        if fitting or (choices and (field in REQUIRED or field == "handle")):
            chosen[field] = (fitting or choices)[0]
    return chosen


def _judged(field: str, name: str, columns: list[_Column]) -> _Choice:
    values = _values(columns, name)
    if not values:
        return _Choice(name, f"{_LIKE[field]}, but empty in these rows", False)
    problem = _problem(field, name, values, columns)
    detail = {"id": f"; all {len(values)} values differ", "text": "; the longest on average"}.get(field, "")
    if field == "created_at":
        detail = f"; {_times(values).how}"
    return _Choice(name, f"{_LIKE[field]}{problem or detail}", not problem)


_LIKE = {
    "id": "named like an id",
    "author": "named like the id of an account",
    "created_at": "named like a time",
    "text": "named like a text",
} | {field: f"named like {field}" for field in FIELDS[len(REQUIRED) :]}


def _problem(field: str, name: str, values: list[Any], columns: list[_Column]) -> str:
    """What speaks against a column, in words that follow its description; nothing when nothing does."""
    written = [str(value) for value in values]
    if field in ("id", "author", "parent") and any(map(_ROUNDED.fullmatch, written)):
        return "; but some are rounded, as spreadsheets do: their digits are gone, export again"
    if field == "id" and len(set(written)) < len(written):
        return "; but values repeat"
    if field == "author" and _plain(name.rpartition(".")[2]) in _SHOWN_NAMES:
        return "; but a name, which can change: an account id is better where there is one"
    if field == "text" and _length(written) < max(_length(_strings(column)) for column in columns):
        return "; but another column is longer on average"
    if field == "created_at":
        times = _times(values)
        return f"; but {times.how}" if times.format == _ASK or times.format in _DAYS else ""
    return _optional_problem(field, written)


def _optional_problem(field: str, written: list[str]) -> str:
    if field in COUNTS and not all(map(_COUNT.fullmatch, written)):
        return "; but not all are whole numbers"
    if field == "kind" and not set(written) <= set(KINDS):
        return f"; but not all are of {', '.join(KINDS)}"
    if field == "lang" and not all(map(_LANGUAGE.fullmatch, written)):
        return "; but not all are languages"
    return ""


def _strings(column: _Column) -> list[str]:
    return [value for value in column.values if isinstance(value, str) and value and not _DATE_OR_LINK.match(value)]


def _length(values: list[str]) -> float:
    return sum(map(len, values)) / len(values) if values else 0.0


class _Times(NamedTuple):
    """What the times are, in words; the zone and the format that the mapping needs, as TOML."""

    how: str
    zone: str | None
    format: str | None


def _times(values: list[Any]) -> _Times:
    """How times are written, told with the mapping itself: what it cannot read is not proposed."""
    if all(isinstance(value, datetime) for value in values):
        zoned = all(value.tzinfo is not None for value in values)
        return _Times("times with a zone", None, None) if zoned else _Times("times without a zone", _ASK, None)
    if all(isinstance(parse_time(value), datetime) for value in values):
        return _Times("times with a zone", None, None)
    if _reads(values, ()):
        return _Times("ISO 8601 without a zone", _ASK, None)
    fitting = [format_ for format_ in _alike(values[0]) if _reads(values, (format_,))]
    if not fitting:
        return _Times("no form of time that is known", _ASK, _ASK)
    if len({tuple(_moments(values, format_)) for format_ in fitting}) > 1:
        return _Times("the day and the month cannot be told apart in these rows", _ASK, _ASK)
    format_ = fitting[0]
    coarse = (
        "dates without a time, which will count as midnight" if format_ in _DAYS else "times in a form of their own"
    )
    zone = None if "%z" in format_ else '"UTC"' if format_.endswith("UTC") else _ASK
    return _Times(coarse if zone is None else f"{coarse}, without a zone" if zone == _ASK else coarse, zone, format_)


def _alike(value: Any) -> list[str]:
    """The forms with the same signs between the digits: to try them all takes seconds."""
    signs = {re.sub(r"[^\W_]", "", text) for text in (str(value), _ZONE_END.sub("", str(value)))}
    return [format_ for format_ in (*_FORMATS, *_DAYS) if re.sub(r"%\w| ?%z| ?UTC|%", "", format_) in signs]


def _reads(values: list[Any], formats: tuple[str, ...]) -> bool:
    return all(isinstance(parse_time(moment), datetime) for moment in _moments(values, *formats))


def _moments(values: list[Any], *formats: str) -> Iterator[Any]:
    mapping = Mapping("draft", {field: field for field in REQUIRED}, "UTC", formats)
    return (mapping.moment(value) for value in values)


def _head_lines(columns: list[_Column], chosen: dict[str, _Choice], times: _Times) -> list[str]:
    """Platform, zone and form of the times."""
    lines = [f'platform = {_ASK}  # ? a short word, like "x"']
    names = " ".join(_plain(column.name) for column in columns)
    guess = next((platform for part, platform in _PLATFORMS.items() if part in names), None)
    ids = _values(columns, chosen["id"].column) if "id" in chosen else []
    if guess is not None and ids and (guess != "x" or all(str(value).isdigit() for value in ids)):
        lines = [f"platform = {_quoted(guess)}  # ? guessed from the names of the columns"]
    if times.zone == _ASK:
        lines.append(f'timezone = {_ASK}  # ? the times have no zone; write for instance "Asia/Karachi"')
    elif times.zone is not None:
        lines.append(f"timezone = {times.zone}")
    if times.format == _ASK:
        lines.append(f'time_format = {_ASK}  # ? {times.how}; write for instance ["%d/%m/%Y %H:%M"]')
    elif times.format is not None:
        lines.append(f"time_format = [{_quoted(times.format)}]")
    return [*lines, "", "[fields]"]


def _instead(lacking: list[str]) -> list[str]:
    """How to go on without a column, for a person to decide."""
    lines = ["# ? if the table has no ids, write above [fields]: made_ids = true"] if "id" in lacking else []
    same = [f'{name} = "{CONSTANTS[name]}"' for name in lacking if name in CONSTANTS]
    return [*lines, f"# ? if the table has none, write under [constants]: {', '.join(same)}"] if same else lines


def _unused(columns: list[_Column], chosen: dict[str, _Choice]) -> list[str]:
    used = {choice.column for choice in chosen.values()}
    left = [_quoted(column.name) for column in columns if column.name not in used]
    return [f"# not used: {', '.join(left)}"] if left else []


def _quoted(name: str) -> str:
    """A string as TOML writes it."""
    written = json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
    return written.encode("utf-8", "replace").decode()
