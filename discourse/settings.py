"""TOML files that people write by hand: read whole, and no key that is not known gets through unnoticed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from discourse.errors import BadInput, MissingData, SchemaError, UsageError
from discourse.schema import one_of

__all__ = ["only_keys", "read_toml", "table_list", "word", "word_list"]


def read_toml(path: str | Path, what: str) -> dict[str, Any]:
    """The tables of a TOML file. `what` names the file in errors, as in "codebook".

    Raises `MissingData` when there is no such file, `BadInput` when it is not TOML in UTF-8.

    >>> read_toml("no-such.toml", "codebook")
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no codebook 'no-such.toml'; give the path of a TOML file
    """
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (FileNotFoundError, IsADirectoryError):
        raise MissingData(f"there is no {what} {str(path)!r}; give the path of a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"the {what} {Path(path).name!r} is not TOML: {error}") from None


def only_keys(table: Any, allowed: Iterable[str], where: str) -> Mapping[str, Any]:
    """The table again, if every key of it is allowed.

    Raises `UsageError` naming the key and the nearest one that is allowed, or when `table` is no table.

    >>> only_keys({"level": "nominal"}, ("name", "level"), "variable 'frame'")
    {'level': 'nominal'}
    >>> only_keys({"levle": "nominal"}, ("name", "level"), "frame")
    Traceback (most recent call last):
    discourse.errors.UsageError: a key of frame is 'levle'; it must be 'name' or 'level'. Did you mean 'level'?
    """
    if not isinstance(table, Mapping):
        raise UsageError(f"{where} is {type(table).__name__}; it must be a table of keys and values")
    options = tuple(allowed)
    for key in table:
        try:
            one_of(key, options, f"a key of {where}")
        except SchemaError as error:
            raise UsageError(str(error)) from None
    return table


def word(table: Mapping[str, Any], key: str, where: str) -> str:
    """The string under `key`; raises `UsageError` when it is absent, empty or not a string.

    >>> word({"side": "pakistan"}, "side", "rule 1")
    'pakistan'
    """
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        got = f"has {key} = {value!r}" if key in table else f"has no {key!r}"
        raise UsageError(f'{where} {got}; write {key} = "..."')
    return value


def word_list(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    """The list of strings under `key`, empty when there is none; raises `UsageError` for anything else.

    >>> word_list({"files": ["pk_*.jsonl"]}, "files", "rule 1")
    ('pk_*.jsonl',)
    """
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise UsageError(f'{key} of {where} must be a list of words; write {key} = ["...", "..."]')
    return tuple(value)


def table_list(table: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    """The tables under `[[key]]`, at least one; raises `UsageError` when there is none.

    >>> table_list({"rule": [{"basis": "country"}]}, "rule", "the sides file")
    [{'basis': 'country'}]
    """
    value = table.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(item, Mapping) for item in value):
        raise UsageError(f"{where} has no [[{key}]]; it needs at least one")
    return value
