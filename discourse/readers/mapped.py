"""Any table of one's own: CSV, JSON lines or Parquet, with a mapping that says which column holds what.

Nothing is guessed: every cell of a CSV is a string, an id that a spreadsheet has rounded is set aside, and a
time without a zone is refused unless the mapping names the zone.
"""

from __future__ import annotations

import re
import tomllib
from collections import abc
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from discourse.errors import BadInput, MissingData, UsageError
from discourse.readers.records import Draft, Reason

__all__ = ["COUNTS", "FIELDS", "REQUIRED", "Mapping"]

REQUIRED = ("id", "author", "created_at", "text")
COUNTS = ("likes", "replies", "reposts", "quotes")
FIELDS = (*REQUIRED, "kind", "handle", "parent", "lang", "country", "location", *COUNTS)
_KEYS = ("platform", "timezone", "time_format", "fields")
_PLATFORM = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_LOCAL_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?", re.ASCII)


@dataclass(frozen=True)
class Mapping:
    """Which column (or JSON key, with dots for nested ones) of a file holds which field of a post.

    `fields` pairs the names of `FIELDS` with columns; id, author, created_at and text must be there.
    `timezone` is the IANA name for times without a zone, `time_format` a list of strptime formats; without
    it, times are ISO 8601. Raises `UsageError` when a name is unknown or a field is missing.

    >>> columns = Mapping("x", {"id": "tweet", "author": "user", "created_at": "when", "text": "body"})
    >>> row = {"tweet": "9001", "user": "42", "when": "2025-05-07T10:00:00Z", "body": "peace"}
    >>> columns.draft(row).text
    'peace'
    """

    platform: str
    fields: abc.Mapping[str, str]
    timezone: str | None = None
    time_format: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.platform, str) or not _PLATFORM.fullmatch(self.platform):
            raise UsageError(f'platform is {self.platform!r} in the mapping; write a short word, like platform = "x"')
        if not isinstance(self.fields, abc.Mapping):
            raise UsageError("the mapping has no [fields]; write one with " + _example(REQUIRED))
        for name, column in self.fields.items():
            if name not in FIELDS:
                raise UsageError(
                    f"{name!r} is no field of a post; [fields] takes {', '.join(FIELDS)}{_hint(name, FIELDS)}"
                )
            if not isinstance(column, str) or not column:
                raise UsageError(f"[fields] {name} must name a column in quotes, got {column!r}")
        missing = [name for name in REQUIRED if name not in self.fields]
        if missing:
            raise UsageError(f"the mapping lacks {', '.join(missing)}; add to [fields]: {_example(missing)}")
        if self.timezone is not None:
            _zone(self.timezone)
        if isinstance(self.time_format, str) or not all(isinstance(item, str) for item in self.time_format):
            raise UsageError('time_format must be a list of strptime formats, like time_format = ["%d/%m/%Y %H:%M"]')
        object.__setattr__(self, "time_format", tuple(self.time_format))

    @classmethod
    def from_toml(cls, path: str | Path) -> Mapping:
        """The mapping in a TOML file. Raises `MissingData`, `BadInput` or `UsageError`.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "columns.toml"
        ...     _ = file.write_text('[fields]\\nid="a"\\nauthor="b"\\ncreated_at="c"\\ntext="d"\\n')
        ...     Mapping.from_toml(file).platform
        Traceback (most recent call last):
        discourse.errors.UsageError: the mapping lacks platform; write for instance platform = "x"
        """
        place = Path(path)
        try:
            given = tomllib.loads(place.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise MissingData(f"there is no mapping {place.name!r}; check the path") from None
        except OSError as error:
            raise BadInput(f"the mapping {place.name!r} cannot be read ({error.strerror}); name a TOML file") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            raise BadInput(f"the mapping {place.name!r} is not TOML; write [fields] and {_example(REQUIRED)}") from None
        for name in given:
            if name not in _KEYS:
                raise UsageError(f"the mapping has {name!r}; it takes {', '.join(_KEYS)}{_hint(name, _KEYS)}")
        if "platform" not in given:
            raise UsageError('the mapping lacks platform; write for instance platform = "x"')
        return cls(
            platform=given["platform"],
            fields=given.get("fields", {}),
            timezone=given.get("timezone"),
            time_format=given.get("time_format", ()),
        )

    def require_columns(self, columns: abc.Collection[str], file: str, names: abc.Iterable[str] = FIELDS) -> None:
        """Raise `BadInput` when a column that the mapping names is not among those of the file.

        >>> fields = {"id": "id", "author": "user", "created_at": "when", "text": "txt"}
        >>> Mapping("x", fields).require_columns(["id", "user", "when", "text"], "a.csv")
        Traceback (most recent call last):
        discourse.errors.BadInput: 'a.csv' has no column 'txt' (the mapping's text);
        it has id, user, when, text. Did you mean 'text'?
        """
        for name in names:
            column = self.fields.get(name)
            if column is not None and column not in columns:
                shown = ", ".join(list(columns)[:20]) or "none"
                raise BadInput(
                    f"{file!r} has no column {column!r} (the mapping's {name}); it has {shown}{_hint(column, columns)}"
                )

    def draft(self, record: abc.Mapping[str, Any]) -> Draft | Reason:
        """The draft of a row (all strings) or of a JSON or Parquet record, or the reason why its time is bad.

        >>> columns = Mapping("x", {"id": "i", "author": "a", "created_at": "c", "text": "t"}, "Asia/Karachi")
        >>> columns.draft({"i": "9001", "a": "42", "c": "2025-05-07 10:00:00", "t": "peace"}).created_at
        '2025-05-07T10:00:00+05:00'
        """
        found = {name: look_up(record, column) for name, column in self.fields.items()}
        when = self.moment(found["created_at"])
        if isinstance(when, Reason):
            return when
        found["created_at"] = when
        if not found.get("kind"):
            found["kind"] = "original"
        for name in COUNTS:
            found[name] = _number(found.get(name))
        return Draft(platform=self.platform, **found)

    def moment(self, value: Any) -> str | Reason:
        """A time as ISO 8601 with its zone, or the reason why it has none.

        A local time that the clocks of the zone skipped or showed twice is refused, and so is one that two
        of the formats read differently.

        >>> fields = {"id": "i", "author": "a", "created_at": "c", "text": "t"}
        >>> Mapping("x", fields, "Asia/Kabul", ("%d/%m/%Y %H:%M",)).moment("07/05/2025 10:00")
        '2025-05-07T10:00:00+04:30'
        >>> Mapping("x", fields, "Asia/Karachi").moment("2009-10-31 23:30:00")
        <Reason.BAD_TIMESTAMP: 'bad_timestamp'>
        """
        if isinstance(value, datetime):
            readings = {value}
        elif not isinstance(value, str) or not value.isascii():
            return Reason.BAD_TIMESTAMP
        elif self.time_format:
            readings = {moment for format_ in self.time_format if (moment := _read(value, format_)) is not None}
        elif self.timezone is not None and _LOCAL_ISO.fullmatch(value):
            readings = {moment for moment in [_read_iso(value)] if moment is not None}
        else:
            return value
        if len(readings) != 1:
            return Reason.BAD_TIMESTAMP
        return self._with_zone(readings.pop())

    def _with_zone(self, moment: datetime) -> str | Reason:
        if moment.tzinfo is not None:
            return moment.isoformat()
        if self.timezone is None:
            return Reason.BAD_TIMESTAMP
        try:
            local = moment.replace(tzinfo=_zone(self.timezone), fold=0)
            if local.utcoffset() != local.replace(fold=1).utcoffset():
                return Reason.BAD_TIMESTAMP
        except OverflowError:
            return Reason.TIMESTAMP_OUT_OF_RANGE
        return local.isoformat()


def look_up(record: abc.Mapping[str, Any], column: str) -> Any:
    """What a record holds under a name; where there is no such name, dots lead into nested objects.

    >>> look_up({"user": {"id": "42"}}, "user.id"), look_up({"user.id": "7"}, "user.id"), look_up({}, "user.id")
    ('42', '7', None)
    """
    if column in record:
        return record[column]
    value: Any = record
    for part in column.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _number(value: Any) -> Any:
    """A count that a CSV gives as a string; what is no whole number stays as it is and is refused later."""
    if value == "":
        return None
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError, TypeError, AttributeError):
        raise UsageError(f"timezone is {name!r}; write an IANA name like 'Asia/Karachi' or 'Asia/Kabul'") from None


def _read(value: str, format_: str) -> datetime | None:
    try:
        return datetime.strptime(value, format_)
    except ValueError:
        return None


def _read_iso(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _hint(name: str, options: abc.Iterable[str]) -> str:
    close = get_close_matches(name, list(options), n=1)
    return f". Did you mean {close[0]!r}?" if close else ""


def _example(names: abc.Iterable[str]) -> str:
    return ", ".join(f'{name} = "…"' for name in names)
