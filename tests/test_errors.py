"""Error kinds: one root, one exit code each, one sentence."""

from __future__ import annotations

import inspect

import pytest

from discourse import errors
from discourse.errors import DiscourseError, DiscourseWarning, MissingData

CODES = {"UsageError": 2, "MissingData": 3, "BadInput": 4, "SchemaError": 5, "MeaningError": 6, "PrivacyError": 7}
CLASSES = {name: thing for name, thing in vars(errors).items() if inspect.isclass(thing)}


def test_every_class_is_public_and_nothing_else_is() -> None:
    assert sorted(CLASSES) == sorted(errors.__all__)


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_a_kind_has_its_code_and_the_builtin_it_refines(name: str, code: int) -> None:
    kind = CLASSES[name]
    assert kind.exit_code == code
    assert issubclass(kind, DiscourseError)
    assert issubclass(kind, FileNotFoundError if name == "MissingData" else ValueError)
    assert str(kind("one sentence")) == "one sentence"


def test_the_codes_differ_and_the_docstring_lists_them() -> None:
    kinds = [one for one in CLASSES.values() if issubclass(one, DiscourseError)]
    assert len({one.exit_code for one in kinds}) == len(kinds) == len(CODES) + 1
    for name, code in CODES.items():
        assert f"| `{name}` | {code} |" in (errors.__doc__ or "")


def test_warnings_are_classes_of_one_root() -> None:
    found = [one for one in CLASSES.values() if issubclass(one, Warning)]
    assert len(found) == 6
    assert all(issubclass(one, DiscourseWarning) for one in found)
    assert issubclass(DiscourseWarning, UserWarning)


def test_missing_data_prints_its_sentence_not_an_errno() -> None:
    assert str(MissingData()) == ""
    assert str(MissingData("there is no file", "x")) == "there is no file"
