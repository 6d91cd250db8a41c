"""The page of a coding sheet: one HTML file that asks for nothing from outside and runs one script, its own."""

from __future__ import annotations

import base64
import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import jinja2

from discourse.errors import SchemaError, UsageError
from discourse.labels.codebook import Codebook, Example, Value, Variable
from discourse.schema import LANGUAGES, one_of
from discourse.sheets.saved import DECISIONS

__all__ = ["Page", "book_in", "page_languages", "shown_language"]

RIGHT_TO_LEFT = ("ur", "ps", "fa")
_SPOKEN = tuple(lang for lang in LANGUAGES if lang not in {"mixed", "other", "und"})
_SAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
_FONTS = {"@NASKH@": "naskh.woff2", "@NASTALIQ@": "nastaliq.woff2"}


def page_languages() -> tuple[str, ...]:
    """The languages a page can speak to its coder in.

    >>> page_languages()
    ('en', 'ur', 'ps', 'fa')
    """
    return tuple(_words())


def shown_language(lang: str | None) -> str:
    """The language of a post as a page tells it to the browser: "" where it is none that people write in.

    >>> shown_language("ur"), shown_language("mixed"), shown_language(None)
    ('ur', '', '')
    """
    return lang if lang in _SPOKEN else ""


def book_in(codebook: Codebook, language: str) -> dict[str, Any]:
    """The codebook as a coder of that language reads it: names, keys, rules and examples, as plain data.

    A value has its own digit as key if all values of its variable are one digit, else its place, 1 to 9.
    Raises `UsageError` when there is nothing to code, or no page in that language.

    >>> book = Codebook("b", 1, (Variable("hostility", "ordinal", (Value("0", "none"), Value("1", "some"))),))
    >>> [value["key"] for value in book_in(book, "en")["variables"][0]["values"]]
    ['0', '1']
    """
    try:
        one_of(language, page_languages(), "language of a sheet")
    except SchemaError as error:
        raise UsageError(str(error)) from None
    if not codebook.variables or not all(variable.values for variable in codebook.variables):
        raise UsageError(f"the codebook {codebook.identity!r} has no variable, or one without values; add [[variable]]")
    told, codebook = language if language in codebook.instructions else "en", codebook.in_language(language)
    return {
        "identity": codebook.identity,
        "unit": codebook.unit,
        "instructions": codebook.instructions.get(told, "").strip(),
        "instructions_language": told,
        "hard_cases": [
            {"name": case.name, "rule": case.rule,
             "examples": [_example(example, codebook, language, example.codes) for example in case.examples]}
            for case in codebook.hard_cases
        ],
        "variables": [_variable(variable, codebook, language) for variable in codebook.variables],
    }  # fmt: skip


def _variable(variable: Variable, codebook: Codebook, language: str) -> dict[str, Any]:
    values = [value.value for value in variable.values]
    digits = all(len(value) == 1 and value in "0123456789" for value in values)
    keys = values if digits else [str(place) if place < 10 else None for place in range(1, len(values) + 1)]
    return {
        "name": variable.name,
        "label": variable.name_in(language),
        "question": variable.question,
        "values": [
            {**_value(value, variable, codebook, language), "key": key}
            for value, key in zip(variable.values, keys, strict=True)
        ],
    }


def _value(value: Value, variable: Variable, codebook: Codebook, language: str) -> dict[str, Any]:
    return {
        "value": value.value,
        "label": value.name_in(language),
        "definition": value.definition,
        "include": list(value.include),
        "exclude": list(value.exclude),
        "examples": [
            _example(example, codebook, language, [variable.name] if example.kind == "negative" else ())
            for example in value.examples
        ],
    }


def _example(example: Example, codebook: Codebook, language: str, told: Sequence[str] | Mapping[str, str]) -> Any:
    """An example with the codes it is to be told with: those of the variables in `told` for which it has any."""
    coded = []
    for variable in codebook.variables:
        if variable.name in told and variable.name in example.codes:
            names = {value.value: value.name_in(language) for value in variable.values}
            coded.append(f"{variable.name_in(language)}: {names[example.codes[variable.name]]}")
    return {"lang": example.lang, "text": example.text, "kind": example.kind, "why": example.why, "coded": coded}


@dataclass(frozen=True, eq=False)
class Page:
    """A page: its kind (`SHEET` or `DECISIONS`), whose it is, the codebook of `book_in`, its items, its language.

    An item has item, text and lang ("" if not known); one to be decided has also said: for each variable that is open
    a list of letters, each with the value that it stands for.

    >>> from discourse.sheets.saved import SHEET
    >>> book = book_in(Codebook("b", 1, (Variable("frame", "nominal", (Value("a", "<i>"),)),)), "en")
    >>> page = Page(SHEET, "anna", book, [{"item": "k3", "text": "</script>", "lang": ""}], "en")
    >>> "&lt;i&gt;" in page.render(), r"\\u003c/script\\u003e" in page.render()
    (True, True)
    """

    kind: str
    coder: str
    book: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]
    language: str

    @property
    def digest(self) -> str:
        """What the page is known by: 32 hexadecimal digits that change with anything that it shows.

        >>> Page(DECISIONS, "a", {}, [], "en").digest == Page(DECISIONS, "b", {}, [], "en").digest
        False
        """
        shown = json.dumps([self.coder, self.book, self.items, self.language], ensure_ascii=True, sort_keys=True)
        return hashlib.blake2b(shown.encode(), digest_size=16, person=b"discourse-sheet").hexdigest()

    def render(self) -> str:
        """The page as text."""
        words, style, script = _words()[self.language], _style(), _text("sheet.js")
        mirrored = self.language in RIGHT_TO_LEFT
        return _template().render(
            language=self.language,
            direction="rtl" if mirrored else "ltr",
            forth="←" if mirrored else "→",
            back="→" if mirrored else "←",
            deciding=self.kind == DECISIONS,
            coder=self.coder,
            book=self.book,
            words=words,
            total=len(self.items),
            style=style,
            style_hash=_source(style),
            script=script,
            script_hash=_source(script),
            data=json.dumps({**self._data(), "words": words}, ensure_ascii=False).translate(_SAFE),
        )

    def _data(self) -> dict[str, Any]:
        """What the script of the page needs to know."""
        return {
            "format": self.kind,
            "digest": self.digest,
            "codebook": self.book["identity"],
            "coder": self.coder,
            "language": self.language,
            "variables": [
                {"name": variable["name"], "label": variable["label"],
                 "values": [value["value"] for value in variable["values"]],
                 "labels": [value["label"] for value in variable["values"]],
                 "keys": [value["key"] for value in variable["values"]]}
                for variable in self.book["variables"]
            ],
            "items": self.items,
        }  # fmt: skip


def _source(text: str) -> str:
    """The name by which the page's policy lets one inline style or script through."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads(_text("sheet_words.toml"))


@cache
def _style() -> str:
    style = _text("sheet.css")
    for mark, name in _FONTS.items():
        font = resources.files("discourse.sheets").joinpath("fonts", name).read_bytes()
        style = style.replace(mark, base64.b64encode(font).decode("ascii"))
    return style


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_text("sheet.html.j2"))


def _text(name: str) -> str:
    return resources.files("discourse.sheets").joinpath(name).read_text(encoding="utf-8")
