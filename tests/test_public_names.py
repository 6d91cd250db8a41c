"""One list of public names: the stub, `__all__` and the README agree, and each name has an example that runs."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import discourse

ROOT = Path(__file__).resolve().parents[1]
# Shown at work in the README and the notebooks, where their figures and folders are to be seen.
SHOWN_ELSEWHERE = {"plot_truth", "run_study"}


def stub_names(source: str) -> list[str]:
    """The names a stub hands out, in its order."""
    return [alias.asname or alias.name for node in ast.parse(source).body if isinstance(node, ast.ImportFrom)
            for alias in node.names]  # fmt: skip


def listed_names(readme: str) -> list[str]:
    """Names in backticks in the first column of the table under "## Public names"."""
    section = re.search(r"^## Public names$(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    if section is None:
        return []
    cells = [line.split("|")[1] for line in section[1].splitlines() if line.startswith("|")]
    return [name for cell in cells for name in re.findall(r"`(\w+)(?:\([^`]*\))?`", cell)]


def without_example(named: dict[str, object]) -> list[str]:
    return [name for name, thing in named.items() if ">>>" not in (inspect.getdoc(thing) or "")]


STUB = stub_names((ROOT / "discourse/__init__.pyi").read_text("utf-8"))


def test_all_is_the_stub_without_repetition() -> None:
    assert sorted(discourse.__all__) == sorted(STUB)
    assert len(set(STUB)) == len(STUB) > 40
    assert sorted(dir(discourse)) == sorted(discourse.__all__)


def test_the_readme_lists_the_public_names() -> None:
    listed = listed_names((ROOT / "README.md").read_text("utf-8"))
    assert listed, 'README.md has no section "## Public names" with a table of `name` in its first column'
    assert sorted(listed) == sorted(STUB)


def test_the_parsers_bite() -> None:
    readme = "# a\n## Public names\n\n| name | what |\n|---|---|\n| `one` | not `this` |\n| `two(x)`, `three` | b |\n"
    assert listed_names(readme + "## Next\n| `four` | c |\n") == ["one", "two", "three"]
    assert listed_names("# a\n| `one` | b |\n") == []
    assert stub_names("from .a import b as b\nfrom .c import d as e") == ["b", "e"]


@pytest.mark.parametrize("name", STUB)
def test_a_public_name_is_what_its_module_defines(name: str) -> None:
    thing = getattr(discourse, name)
    assert thing.__name__ == name
    assert thing.__module__.startswith("discourse.")
    assert name in __import__(thing.__module__, fromlist=["__all__"]).__all__


@pytest.mark.parametrize("name", STUB)
def test_a_public_name_has_a_docstring_with_an_example(name: str) -> None:
    thing = getattr(discourse, name)
    assert thing.__doc__
    assert not thing.__doc__.startswith(f"{name}("), "a dataclass without a docstring of its own"
    if name not in SHOWN_ELSEWHERE:
        assert without_example({name: thing}) == []


def test_the_exceptions_are_few_and_needed() -> None:
    assert len(SHOWN_ELSEWHERE) <= 7
    assert without_example({name: getattr(discourse, name) for name in SHOWN_ELSEWHERE}) == list(SHOWN_ELSEWHERE)


def test_a_missing_example_is_caught() -> None:
    def bare() -> None:
        """Nothing to run."""

    def shown() -> None:
        """Something.

        >>> 1
        1
        """

    assert without_example({"bare": bare, "shown": shown, "none": lambda: None}) == ["bare", "none"]
