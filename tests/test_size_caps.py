"""The tail is what rots: no long file, no long function, no long signature."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "discourse"
FILES = sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi")])
LINES, FUNCTION, PARAMETERS = 400, 60, 8


def too_big(name: str, source: str) -> Iterator[str]:
    """What in a file is over the caps; a docstring does not count, nor do self and cls."""
    lines = len(source.splitlines())
    if lines > LINES:
        yield f"{name} has {lines} lines"
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0]
        docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(node, clean=False) is not None else 0
        length = node.end_lineno - node.lineno + 1 - docstring
        if length > FUNCTION:
            yield f"{name}: {node.name} has {length} lines"
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        names = [one.arg for one in given if one is not None]
        count = len(names[1:] if names[:1] in (["self"], ["cls"]) else names)
        if count > PARAMETERS:
            yield f"{name}: {node.name} takes {count} parameters"


def test_the_scan_sees_the_package() -> None:
    assert len(FILES) > 60
    assert PACKAGE / "cli.py" in FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_nothing_is_over_the_caps(file: Path) -> None:
    assert list(too_big(file.name, file.read_text("utf-8"))) == []


def body(lines: int, head: str = "def f():") -> str:
    return "\n".join([head, *["    pass"] * (lines - 1)])


def test_a_long_file_is_caught_at_401_lines() -> None:
    assert list(too_big("a", "\n" * 400)) == []
    assert list(too_big("a", "\n" * 401)) == ["a has 401 lines"]


@pytest.mark.parametrize("head", ["def f():", "async def f():"])
def test_a_long_function_is_caught_at_61_lines_wherever_it_hides(head: str) -> None:
    assert list(too_big("a", body(60, head))) == []
    assert list(too_big("a", body(61, head))) == ["a: f has 61 lines"]
    nested = "class A:\n    def g(self):\n        " + body(61, head).replace("\n", "\n        ")
    assert list(too_big("a", nested)) == ["a: g has 62 lines", "a: f has 61 lines"]


def test_a_docstring_does_not_count() -> None:
    docstring = '    """One.\n' + "\n" * 80 + '    """'
    assert list(too_big("a", f"def f():\n{docstring}\n" + "    pass\n" * 59)) == []
    assert list(too_big("a", f"def f():\n{docstring}\n" + "    pass\n" * 60)) == ["a: f has 61 lines"]


def test_a_long_signature_is_caught_at_9_parameters_of_any_kind() -> None:
    assert list(too_big("a", "def f(a, b, /, c, d, *e, f, g, **h): pass")) == []
    assert list(too_big("a", "def f(a, b, /, c, d, *e, f, g, h, **i): pass")) == ["a: f takes 9 parameters"]
    assert list(too_big("a", "class A:\n    def f(self, a, b, c, d, e, f, g, h): pass")) == []
    assert list(too_big("a", "class A:\n    def f(cls, a, b, c, d, e, f, g, h, i): pass")) == [
        "a: f takes 9 parameters"
    ]
