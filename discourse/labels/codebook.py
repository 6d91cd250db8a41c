"""The codebook: which variables coders code, which values each has, and what the values mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from discourse.corpus.posts import html_table
from discourse.errors import SchemaError, UsageError
from discourse.labels.entries import EXAMPLE_KINDS, LEVELS, Example, HardCase, Value, Variable, Words
from discourse.schema import LANGUAGES, one_of
from discourse.settings import only_keys, read_toml, table_list, word, word_list

__all__ = ["EXAMPLE_KINDS", "LEVELS", "Codebook", "Example", "HardCase", "Value", "Variable", "Words"]

_WRITTEN = tuple(lang for lang in LANGUAGES if lang not in {"mixed", "other", "und"})
_TRANSLATED = tuple(lang for lang in _WRITTEN if lang != "en")
_NAMES: Final = {"en": "English", "ur": "Urdu", "ur-Latn": "Roman Urdu", "ps": "Pashto", "fa": "Dari"}
_RIGHT_TO_LEFT: Final = frozenset({"ur", "ps", "fa"})
_POINTED = re.compile(r"[1-9][0-9]*\.[0-9]+")


@dataclass(frozen=True, repr=False)
class Codebook:
    """The codebook of a study. Values keep their order: it is the order of every table and figure.

    `version` is a whole number, or words like "2.1" where only the wording is newer than in 2. `instructions` maps a
    language to what coders are told in it, `units` to what `unit` says in it (any mappings); `changes` says what is
    new since the version before.

    >>> book = Codebook("framing", 1, (Variable("frame", "nominal", (Value("a", "A"), Value("b", "B"))),))
    >>> book
    Codebook(framing@1: frame nominal a/b)
    >>> book.values("frame"), book.level("frame")
    (('a', 'b'), 'nominal')
    """

    id: str
    version: int | str
    variables: tuple[Variable, ...]
    unit: str = ""
    hard_cases: tuple[HardCase, ...] = ()
    instructions: Mapping[str, str] = field(default_factory=Words)
    changes: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=Words)

    def __post_init__(self) -> None:
        for name in ("instructions", "units"):
            object.__setattr__(self, name, Words(getattr(self, name)))

    def __repr__(self) -> str:
        listed = (f"{v.name} {v.level} {'/'.join(value.value for value in v.values)}" for v in self.variables)
        return f"Codebook({self.identity}: {', '.join(listed)})"

    def _repr_html_(self) -> str:
        return "".join(_table_of(self, variable) for variable in self.variables) or html_table(
            f"Codebook {self.identity}", ("variable",), []
        )

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
        data = only_keys(read_toml(path, "codebook"), _KEYS, "the codebook")
        variables = tuple(_variable(table) for table in table_list(data, "variable", "the codebook"))
        _all_different([variable.name for variable in variables], "variables of the codebook")
        book = cls(
            id=word(data, "id", "the codebook"),
            version=_version(data.get("version")),
            variables=variables,
            unit=word(data, "unit", "the codebook"),
            hard_cases=_hard_cases(data),
            instructions=_words(data, "instructions", "the codebook", _WRITTEN),
            changes=word_list(data, "changes", "the codebook"),
            units=_words(data, "units", "the codebook", _TRANSLATED),
        )
        _check_codes(book)
        return book

    def in_language(self, lang: str) -> Codebook:
        """The codebook as a coder of a language reads it; values, codes, names and its identity stay.

        What is not translated stays in English, and so do the instructions if that language has none.

        >>> asked = Variable("frame", "nominal", (), "What does it do?", questions={"ur": "یہ کیا کرتی ہے؟"})
        >>> Codebook("b", 1, (asked,)).in_language("ur").variables[0].question
        'یہ کیا کرتی ہے؟'
        """
        return replace(
            self,
            unit=self.units.get(lang, self.unit),
            variables=tuple(variable.in_language(lang) for variable in self.variables),
            hard_cases=tuple(case.in_language(lang) for case in self.hard_cases),
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


_KEYS = ("id", "version", "unit", "units", "changes", "instructions", "hard_cases", "variable")


def _version(given: Any) -> int | str:
    if isinstance(given, str) and _POINTED.fullmatch(given):
        return given
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise UsageError(
            f"version of the codebook is {given!r}; it must be a whole number from 1, or in quotes one with a point, "
            'like "2.1"'
        )
    return given


def _variable(table: Mapping[str, Any]) -> Variable:
    name = word(table, "name", "a [[variable]] of the codebook")
    where = f"variable {name!r}"
    only_keys(table, ("name", "names", "level", "question", "questions", "value"), where)
    level = _allowed(word(table, "level", where), LEVELS, f"level of {where}")
    values = tuple(_value(item, name) for item in table_list(table, "value", where))
    _all_different([value.value for value in values], f"values of {where}")
    if level in {"interval", "ratio"}:
        for value in values:
            _number(value.value, where, level)
    question = word(table, "question", where) if "question" in table else ""
    names, questions = _words(table, "names", where, _WRITTEN), _words(table, "questions", where, _TRANSLATED)
    return Variable(name, level, values, question, names, questions)


def _value(table: Mapping[str, Any], variable: str) -> Value:
    value = word(table, "value", f"a [[variable.value]] of {variable!r}")
    where = f"value {value!r} of {variable!r}"
    only_keys(table, ("value", "names", *_TOLD, *(f"{key}s" for key in _TOLD), "example"), where)
    examples = table_list(table, "example", where) if "example" in table else []
    return Value(
        value,
        word(table, "definition", where),
        word_list(table, "include", where),
        word_list(table, "exclude", where),
        tuple(_example(item, f"an example of {where}") for item in examples),
        _words(table, "names", where, _WRITTEN),
        _words(table, "definitions", where, _TRANSLATED),
        _lists(table, "include", where),
        _lists(table, "exclude", where),
    )


_TOLD = ("definition", "include", "exclude")


def _lists(table: Mapping[str, Any], key: str, where: str) -> Words[tuple[str, ...]]:
    """The rules under `key` in other languages: as many in each as there are in English."""
    found = only_keys(table.get(f"{key}s", {}), _TRANSLATED, f"{key}s of {where}")
    made = Words({lang: word_list(found, lang, f"{key}s of {where}") for lang in found})
    english = word_list(table, key, where)
    for lang, rules in made.items():
        if len(rules) != len(english):
            raise UsageError(
                f"{key}s of {where} has {len(rules)} rules in {lang!r} and {key} has {len(english)}; translate each"
            )
    return made


def _example(table: Mapping[str, Any], where: str) -> Example:
    only_keys(table, ("lang", "text", "kind", "why", "whys", "codes"), where)
    codes = table.get("codes", {})
    return Example(
        _allowed(word(table, "lang", where), LANGUAGES, f"lang of {where}"),
        word(table, "text", where),
        _allowed(word(table, "kind", where), EXAMPLE_KINDS, f"kind of {where}"),
        word(table, "why", where),
        _words(table, "codes", where, codes if isinstance(codes, Mapping) else ()),
        _words(table, "whys", where, _TRANSLATED),
    )


def _hard_cases(data: Mapping[str, Any]) -> tuple[HardCase, ...]:
    given = data.get("hard_cases", [])
    if not isinstance(given, list):
        raise UsageError("hard_cases of the codebook is no list; write [[hard_cases]] with name, rule and anchors")
    cases = tuple(_hard_case(item) for item in given)
    _all_different([case.name for case in cases if case.name], "hard_cases of the codebook")
    return cases


def _hard_case(item: Any) -> HardCase:
    if isinstance(item, str):  # as in the first version of the file: a rule and nothing else
        return HardCase("", word({"rule": item}, "rule", "a hard case of the codebook"))
    keys = ("name", "names", "rule", "rules", "anchors")
    name = word(only_keys(item, keys, "a hard case of the codebook"), "name", "a hard case")
    where = f"hard case {name!r}"
    anchors = table_list(item, "anchors", where) if "anchors" in item else []
    # An anchor stands under no value: it is borderline unless it says something else.
    examples = tuple(_example({"kind": "borderline", **anchor}, f"an anchor of {where}") for anchor in anchors)
    names, rules = (_words(item, key, where, _TRANSLATED) for key in ("names", "rules"))
    return HardCase(name, word(item, "rule", where), examples, names, rules)


def _words(table: Mapping[str, Any], key: str, where: str, allowed: Iterable[str]) -> Words[str]:
    """The words under each key of a table; none when it is not there."""
    found = only_keys(table.get(key, {}), allowed, f"{key} of {where}")
    return Words({name: word(found, name, f"{key} of {where}") for name in found})


def _check_codes(book: Codebook) -> None:
    """Nothing, if codes of examples are values that the codebook has and agree with where the example stands."""
    names = tuple(variable.name for variable in book.variables)
    placed = [(f"an anchor of hard case {case.name!r}", example, "", "") for case in book.hard_cases
              for example in case.examples]  # fmt: skip
    placed += [(f"an example of value {value.value!r} of {variable.name!r}", example, variable.name, value.value)
               for variable in book.variables for value in variable.values for example in value.examples]  # fmt: skip
    for where, example, name, value in placed:
        for coded, code in only_keys(example.codes, names, f"codes of {where}").items():
            _allowed(code, book.values(coded), f"{coded} in codes of {where}")
        if name in example.codes and (example.codes[name] == value) == (example.kind == "negative"):
            raise UsageError(
                f"codes of {where} say {example.codes[name]!r} and its kind is {example.kind!r}; only a negative "
                "example belongs to another value"
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


def _table_of(book: Codebook, variable: Variable) -> str:
    """One variable for a notebook: a row a value, a column a language that it is defined in."""
    spoken = {"en", *(lang for value in variable.values for lang in (*value.names, *value.definitions))}
    langs = [lang for lang in _WRITTEN if lang in spoken]
    rows = [(value.value, *(_told(value, lang) for lang in langs)) for value in variable.values]
    asked = [_said(lang, variable.in_language(lang).question) for lang in langs if lang in ("en", *variable.questions)]
    heads = ("value", *(_NAMES[lang] for lang in langs))
    return html_table(f"Codebook {book.identity}: {variable.name} ({variable.level})", heads, rows, asked)


def _told(value: Value, lang: str) -> Markup:
    name = Markup("<b>{}</b> ").format(value.names[lang]) if lang in value.names else Markup("")
    meant = value.definition if lang == "en" else value.definitions.get(lang, "")
    return _said(lang, name + meant) if name or meant else Markup("")


def _said(lang: str, words: str) -> Markup:
    """Words in a language and in its direction, whatever stands around them."""
    return Markup("<div lang='{}' dir='{}'>{}</div>").format(lang, "rtl" if lang in _RIGHT_TO_LEFT else "ltr", words)
