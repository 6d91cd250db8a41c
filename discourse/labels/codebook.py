"""The codebook: which variables coders code, which values each has, and what the values mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discourse.errors import SchemaError, UsageError
from discourse.schema import LANGUAGES, one_of
from discourse.settings import only_keys, read_toml, table_list, word, word_list

__all__ = ["EXAMPLE_KINDS", "LEVELS", "Codebook", "Example", "Value", "Variable"]

LEVELS = ("nominal", "ordinal", "interval", "ratio")
EXAMPLE_KINDS = ("positive", "borderline", "negative")


@dataclass(frozen=True, slots=True)
class Example:
    """A made-up post: its language, whether it is a plain, a borderline or a negative case, and why.

    >>> Example("en", "Talk, please.", "positive", "asks for talks").kind
    'positive'
    """

    lang: str
    text: str
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Value:
    """One value a coder can choose, with what belongs to it and what does not.

    >>> Value("neither", "takes no stance").include
    ()
    """

    value: str
    definition: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Variable:
    """One thing to code: its level of measurement and its values, in ascending order if the level has one.

    >>> Variable("hostility", "ordinal", (Value("0", "none"), Value("1", "some"))).level
    'ordinal'
    """

    name: str
    level: str
    values: tuple[Value, ...]
    question: str = ""


@dataclass(frozen=True, repr=False)
class Codebook:
    """The codebook of a study. Values keep their order: it is the order of every table and figure.

    >>> book = Codebook("framing", 1, (Variable("frame", "nominal", (Value("a", "A"), Value("b", "B"))),))
    >>> book
    Codebook(framing@1: frame nominal a/b)
    >>> book.values("frame"), book.level("frame")
    (('a', 'b'), 'nominal')
    """

    id: str
    version: int
    variables: tuple[Variable, ...]
    unit: str = ""
    hard_cases: tuple[str, ...] = ()

    def __repr__(self) -> str:
        listed = (f"{v.name} {v.level} {'/'.join(value.value for value in v.values)}" for v in self.variables)
        return f"Codebook({self.identity}: {', '.join(listed)})"

    @property
    def identity(self) -> str:
        """Name and version in one word, as written beside each label.

        >>> Codebook("framing", 2, ()).identity
        'framing@2'
        """
        return f"{self.id}@{self.version}"

    @classmethod
    def from_toml(cls, path: str | Path) -> Codebook:
        """The codebook that a TOML file holds.

        Raises `MissingData` when there is no file, `BadInput` when it is not TOML, and `UsageError` naming
        the key, with the nearest one that is known, when it says something impossible.

        >>> Codebook.from_toml("no-such.toml")
        Traceback (most recent call last):
        discourse.errors.MissingData: there is no codebook 'no-such.toml'; give the path of a TOML file
        """
        keys = ("id", "version", "unit", "hard_cases", "variable")
        data = only_keys(read_toml(path, "codebook"), keys, "the codebook")
        version = data.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise UsageError(f"version of the codebook is {version!r}; it must be a whole number from 1")
        variables = tuple(_variable(table) for table in table_list(data, "variable", "the codebook"))
        _all_different([variable.name for variable in variables], "variables of the codebook")
        return cls(
            id=word(data, "id", "the codebook"),
            version=version,
            variables=variables,
            unit=word(data, "unit", "the codebook"),
            hard_cases=word_list(data, "hard_cases", "the codebook"),
        )

    def variable(self, name: str) -> Variable:
        """The variable of that name; raises `SchemaError` naming those there are.

        >>> Codebook("framing", 1, (Variable("frame", "nominal", ()),)).variable("fame")
        Traceback (most recent call last):
        discourse.errors.SchemaError: variable is 'fame'; it must be 'frame'. Did you mean 'frame'?
        """
        one_of(name, [variable.name for variable in self.variables], "variable")
        return next(variable for variable in self.variables if variable.name == name)

    def values(self, variable: str) -> tuple[str, ...]:
        """The values of a variable, in codebook order.

        >>> Codebook("b", 1, (Variable("hostility", "ordinal", (Value("0", "none"),)),)).values("hostility")
        ('0',)
        """
        return tuple(value.value for value in self.variable(variable).values)

    def level(self, variable: str) -> str:
        """The level of measurement of a variable: one of `LEVELS`.

        >>> Codebook("b", 1, (Variable("hostility", "ordinal", ()),)).level("hostility")
        'ordinal'
        """
        return self.variable(variable).level


def _variable(table: Mapping[str, Any]) -> Variable:
    name = word(table, "name", "a [[variable]] of the codebook")
    where = f"variable {name!r}"
    only_keys(table, ("name", "level", "question", "value"), where)
    level = _allowed(word(table, "level", where), LEVELS, f"level of {where}")
    values = tuple(_value(item, name) for item in table_list(table, "value", where))
    _all_different([value.value for value in values], f"values of {where}")
    if level in {"interval", "ratio"}:
        for value in values:
            _number(value.value, where, level)
    question = word(table, "question", where) if "question" in table else ""
    return Variable(name, level, values, question)


def _value(table: Mapping[str, Any], variable: str) -> Value:
    value = word(table, "value", f"a [[variable.value]] of {variable!r}")
    where = f"value {value!r} of {variable!r}"
    only_keys(table, ("value", "definition", "include", "exclude", "example"), where)
    examples = table_list(table, "example", where) if "example" in table else []
    return Value(
        value,
        word(table, "definition", where),
        word_list(table, "include", where),
        word_list(table, "exclude", where),
        tuple(_example(item, f"an example of {where}") for item in examples),
    )


def _example(table: Mapping[str, Any], where: str) -> Example:
    only_keys(table, ("lang", "text", "kind", "why"), where)
    return Example(
        _allowed(word(table, "lang", where), LANGUAGES, f"lang of {where}"),
        word(table, "text", where),
        _allowed(word(table, "kind", where), EXAMPLE_KINDS, f"kind of {where}"),
        word(table, "why", where),
    )


def _allowed(value: str, options: tuple[str, ...], what: str) -> str:
    try:
        return one_of(value, options, what)
    except SchemaError as error:
        raise UsageError(str(error)) from None


def _number(value: str, where: str, level: str) -> None:
    try:
        float(value)
    except ValueError:
        raise UsageError(f"{where} is {level} and has the value {value!r}; its values must be numbers") from None


def _all_different(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{what} name {name!r} more than once; each must be there once")
