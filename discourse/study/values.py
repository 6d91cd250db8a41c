"""What a value of the study file must be, and the one sentence that says so when it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from discourse.errors import SchemaError, UsageError
from discourse.schema import one_of
from discourse.settings import only_keys

__all__ = ["built", "moment", "one_word", "section", "whole_number"]

_T = TypeVar("_T")


def section(book: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A section that a study must have. Raises `UsageError` when it is absent."""
    if not isinstance(book.get(name), Mapping):
        raise UsageError(f"the study file has no [{name}] section; see docs/study-file.md for what belongs there")
    found: Mapping[str, Any] = book[name]
    return found


def built(kind: type[_T], table: Any, where: str) -> _T:
    """A frozen value from a table whose keys are its fields; lists become tuples. Raises `UsageError`."""
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    only_keys(table, known, where)
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    for key, value in given.items():
        default = known[key].default
        if default is not MISSING and default is not None and not _fits(value, default):
            raise UsageError(f"{key} in {where} is {value!r}; it must be {_kind(default)}, like {_toml(default)}")
    return kind(**given)


def one_word(value: Any, allowed: tuple[str, ...], what: str) -> str:
    """`schema.one_of` for something a person typed into a study file."""
    try:
        return one_of(value, allowed, what)
    except SchemaError as error:
        raise UsageError(str(error)) from None


def whole_number(table: Mapping[str, Any], key: str, where: str) -> int:
    """A whole number from 0 to 2**32 - 1 under `key`. Raises `UsageError` for anything else."""
    value = table.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**32:
        raise UsageError(f"{key} in {where} is {value!r}; it must be a whole number from 0 to 2**32 - 1, like 2024")
    return value


def moment(value: Any) -> datetime:
    """An instant with its zone, or the beginning of a day in UTC. Raises `UsageError` for anything else."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise UsageError(f"a time in [measure] is {value!r}; write it with its zone, like 2024-12-01T00:00:00+05:00")


def _fits(value: Any, default: Any) -> bool:
    """Whether a value is of the kind of the default; true is no number, and a whole number is a number."""
    if isinstance(value, bool) or isinstance(default, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, (int, float) if isinstance(default, float) else type(default))


def _kind(default: Any) -> str:
    return {bool: "true or false", int: "a whole number", str: "a word", tuple: "a list"}.get(type(default), "a number")


def _toml(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return str(list(default)) if isinstance(default, tuple) else repr(default)
