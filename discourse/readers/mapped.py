"""Any table of one's own: CSV, JSON lines or Parquet, with a mapping that says which column holds what.

Nothing is guessed: every cell of a CSV is a string, an id that a spreadsheet has rounded is set aside, and a
time without a zone is refused unless the mapping names the zone. What a table lacks, the mapping must say: ids that
are to be made, an author or a time that stands for all rows.
"""

from __future__ import annotations

import re
import tomllib
from base64 import b32encode
from collections import abc
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from discourse.corpus.mentions import hide_people
from discourse.corpus.privacy import Key
from discourse.errors import BadInput, MissingData, UsageError
from discourse.readers.records import MAX_TEXT, Draft, Row, to_row
from discourse.readers.values import Reason, parse_time, unescape
from discourse.schema import KINDS

__all__ = ["CONSTANTS", "COUNTS", "FIELDS", "REQUIRED", "Mapping", "look_up"]

REQUIRED = ("id", "author", "created_at", "text")
COUNTS = ("likes", "replies", "reposts", "quotes")
FIELDS = (*REQUIRED, "kind", "handle", "parent", "lang", "country", "location", "community", *COUNTS)
CONSTANTS = {
    "author": "unknown", "created_at": "2019-02-26T00:00:00Z", "kind": "original", "lang": "ur", "country": "PK",
    "community": "a forum",
}  # fmt: skip
"""The fields that may be the same for all rows, each with an example."""
_KEYS = ("platform", "timezone", "time_format", "made_ids", "unescape", "fields", "constants", "kinds")
_OPEN = Key.made_up("row ids")  # protects nobody: what it makes is cut out again
_PSEUDONYM = re.compile(r"(@|u/)[a-z2-7]{26}")
_PLATFORM = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_LOCAL_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?", re.ASCII)


@dataclass(frozen=True)
class Mapping:
    """Which column (or JSON key, with dots for nested ones) of a file holds which field of a post.

    `fields` pairs the names of `FIELDS` with columns; `constants` holds fields of `CONSTANTS` that are the same for
    all rows. Each of id, author, created_at and text must be in one of the two; with `made_ids` the id is made of
    time and text instead. `timezone` is the IANA name for times without a zone, `time_format` a list of strptime
    formats; without it, times are ISO 8601. `kinds` pairs what the kind column holds with `schema.KINDS`; without it,
    the column holds these. `unescape` undoes X's three HTML escapes in the text, once.
    Raises `UsageError` when a name is unknown, a field is missing or said twice, or a value is none that a post has.

    >>> columns = Mapping("x", {"id": "tweet", "author": "user", "created_at": "when", "text": "body"})
    >>> row = {"tweet": "9001", "user": "42", "when": "2025-05-07T10:00:00Z", "body": "peace"}
    >>> columns.draft(row).text
    'peace'
    """

    platform: str
    fields: abc.Mapping[str, str]
    timezone: str | None = None
    time_format: tuple[str, ...] = ()
    constants: abc.Mapping[str, str] = field(default_factory=dict, kw_only=True)
    kinds: abc.Mapping[str, str] = field(default_factory=dict, kw_only=True)
    made_ids: bool = field(default=False, kw_only=True)
    unescape: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.platform, str) or not _PLATFORM.fullmatch(self.platform):
            raise UsageError(f'platform is {self.platform!r} in the mapping; write a short word, like platform = "x"')
        for name in ("made_ids", "unescape"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(
                    f"{name} is {getattr(self, name)!r} in the mapping; write {name} = true, or leave it out"
                )
        self._check_fields()
        self._check_constants()
        self._check_kinds()
        if self.timezone is not None:
            _zone(self.timezone)
        if isinstance(self.time_format, str) or not all(isinstance(item, str) for item in self.time_format):
            raise UsageError('time_format must be a list of strptime formats, like time_format = ["%d/%m/%Y %H:%M"]')
        object.__setattr__(self, "time_format", tuple(self.time_format))
        object.__setattr__(self, "constants", dict(self.constants))  # plain, to be kept as JSON
        object.__setattr__(self, "kinds", dict(self.kinds))

    def _check_fields(self) -> None:
        if not isinstance(self.fields, abc.Mapping):
            raise UsageError("the mapping has no [fields]; write one with " + _example(REQUIRED))
        for name, column in self.fields.items():
            if name not in FIELDS:
                above = f"; write {name} above [fields]" if name in _KEYS else _hint(name, FIELDS)
                raise UsageError(f"{name!r} is no field of a post; [fields] takes {', '.join(FIELDS)}{above}")
            if not isinstance(column, str) or not column:
                raise UsageError(f"[fields] {name} must name a column in quotes, got {column!r}")
        if not isinstance(self.constants, abc.Mapping):
            raise UsageError("constants must be a table; write [constants] and a line like " + _like("author"))
        if self.made_ids and "id" in self.fields:
            raise UsageError("the mapping has made_ids and an id in [fields]; leave one of the two out")
        if self.made_ids and self.platform == "x":
            raise UsageError('ids of platform "x" are numbers and cannot be made; write platform = "x-table"')
        made = {"id"} if self.made_ids else set()
        missing = [name for name in REQUIRED if name not in {*self.fields, *self.constants, *made}]
        if missing:
            raise UsageError(
                f"the mapping lacks {', '.join(missing)}; add to [fields]: {_example(missing)}{_or(missing)}"
            )

    def _check_constants(self) -> None:
        for name, value in self.constants.items():
            if name not in CONSTANTS:
                raise UsageError(
                    f"{name!r} cannot be the same for all rows; [constants] takes {', '.join(CONSTANTS)}"
                    f"{_hint(name, CONSTANTS)}"
                )
            if name in self.fields:
                raise UsageError(f"{name} is in [fields] and in [constants]; leave one of the two out")
            row: dict[str, Any] = {"id": "1", "author": "1", "created_at": CONSTANTS["created_at"], "text": ""}
            made = to_row(Draft(self.platform, **{**row, name: value}), _OPEN, "", 0)
            if not isinstance(value, str) or not value or not isinstance(made, Row):
                raise UsageError(
                    f"[constants] {name} is nothing that a post may hold; write for instance {_like(name)}"
                )

    def _check_kinds(self) -> None:
        if not isinstance(self.kinds, abc.Mapping):
            raise UsageError('kinds must be a table; write [kinds] and lines like TRUE = "repost"')
        if self.kinds and "kind" not in self.fields:
            raise UsageError("[kinds] needs the column it is about; add to [fields]: " + _example(["kind"]))
        for value, kind in self.kinds.items():
            if not isinstance(value, str) or kind not in KINDS:
                raise UsageError(f"[kinds] {value!r} is {kind!r}; it must be one of {', '.join(KINDS)}")

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
            constants=given.get("constants", {}),
            kinds=given.get("kinds", {}),
            made_ids=given.get("made_ids", False),
            unescape=given.get("unescape", False),
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

    def draft(self, record: abc.Mapping[str, Any], seen: dict[int, int] | None = None) -> Draft | Reason:
        """The draft of a row (all strings) or of a JSON or Parquet record, or the reason why it is none.

        `seen` is one dict for a whole file: it counts the rows of one time and text, whose made ids must differ.
        A repost has no counts, they are the original's.

        >>> columns = Mapping("x", {"id": "i", "author": "a", "created_at": "c", "text": "t"}, "Asia/Karachi")
        >>> columns.draft({"i": "9001", "a": "42", "c": "2025-05-07 10:00:00", "t": "peace"}).created_at
        '2025-05-07T10:00:00+05:00'
        """
        found: dict[str, Any] = {name: look_up(record, column) for name, column in self.fields.items()}
        found |= self.constants
        if "created_at" in self.fields:
            found["created_at"] = self.moment(found["created_at"])
        found["kind"] = self._kind(found.get("kind"))
        if self.unescape:
            found["text"] = unescape(found["text"])
        if self.made_ids:
            found["id"] = _row_id(self.platform, found["created_at"], found["text"], {} if seen is None else seen)
        for name in ("created_at", "kind", "id"):
            if isinstance(found[name], Reason):
                return Reason(found[name])
        for name in COUNTS:
            found[name] = None if found["kind"] == "repost" else _number(found.get(name))
        return Draft(platform=self.platform, **found)

    def _kind(self, value: Any) -> Any:
        if not self.kinds:
            return value or "original"
        if isinstance(value, bool):  # Parquet and sheets have no spelling of their own
            return next(
                (kind for name, kind in self.kinds.items() if name.lower() == str(value).lower()), Reason.BAD_VALUE
            )
        written = "" if value is None else str(value) if isinstance(value, str | int) else None
        return Reason.BAD_VALUE if written is None else self.kinds.get(written, Reason.BAD_VALUE)

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


def _row_id(platform: str, when: Any, text: Any, seen: dict[int, int]) -> str | Reason:
    """An id of the time, the text and how often the two were read before; or the reason why the row is no post.

    It is not made of the author, nor of handles in the text: whoever tried names would find the one that fits.
    """
    moment = when if isinstance(when, Reason) else parse_time(when)
    if isinstance(moment, Reason):
        return moment
    if not isinstance(text, str):
        return Reason.MISSING_TEXT if text is None else Reason.WRONG_TYPE
    if len(text) > MAX_TEXT:
        return Reason.TEXT_TOO_LONG
    nameless = _PSEUDONYM.sub(r"\1", hide_people(_OPEN, platform, text))
    content = f"{moment.isoformat()}\x1f{nameless}".encode("utf-8", "surrogatepass")
    digest = blake2b(content, digest_size=16, person=b"discourse-row")
    place = int.from_bytes(digest.digest()[:8])
    seen[place] = seen.get(place, 0) + 1
    digest.update(b"\x1f%d" % seen[place])
    return f"row-{b32encode(digest.digest()).decode().rstrip('=').lower()}"


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


def _like(name: str) -> str:
    return f'{name} = "{CONSTANTS[name]}"'


def _or(missing: abc.Collection[str]) -> str:
    """What else can stand in the place of a column that the table does not have."""
    ways = ["made_ids = true above it"] if "id" in missing else []
    same = [_like(name) for name in missing if name in CONSTANTS]
    ways += [f"under [constants] {', '.join(same)}"] if same else []
    return f"; where the table has none, write {' and '.join(ways)}" if ways else ""
