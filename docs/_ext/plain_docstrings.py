"""Docstrings of this house are plain paragraphs; this makes of them what Sphinx reads.

A word in single backticks is code. A star, a bar or an underscore is itself and no markup. A line that stands further
in than its paragraph belongs to it. A table with bars is a table. Examples (`>>>`) are left alone: pytest runs them as
they stand.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

__all__ = ["prepared", "setup"]

_CODE = re.compile(r"(``.+?``|`[^`]+`)")
_MARKUP = re.compile(r"([\\*|_])")
_ROW = re.compile(r"^\s*\|.*\|\s*$")
_ALIAS = re.compile(r"TypeAliasForwardRef\('([^']+)'\)")
_LIST = re.compile(r"^(\s*)([-*]|\d+\.) ")


def _marked(line: str) -> str:
    """A line of prose with its code as literals and everything else as it reads."""
    pieces = _CODE.split(line)
    for at, piece in enumerate(pieces):
        if at % 2:
            after = pieces[at + 1][:1]
            pieces[at] = f"``{piece.strip('`')}``" + ("\\ " if after.isalnum() else "")
        else:
            pieces[at] = _MARKUP.sub(r"\\\1", piece)
    return "".join(pieces)


def _table(rows: list[str]) -> list[str]:
    """Rows with bars, the second one of dashes, as a list table."""
    cells = [[cell.strip() for cell in row.strip().strip("|").split(" | ")] for row in (rows[0], *rows[2:])]
    made = ["", ".. list-table::", "   :header-rows: 1", ""]
    for row in cells:
        made += [f"   {'* -' if at == 0 else '  -'} {_marked(cell)}" for at, cell in enumerate(row)]
    return [*made, ""]


def prepared(lines: list[str]) -> list[str]:
    """The lines of a docstring as reStructuredText."""
    made: list[str] = []
    example, table = False, list[str]()
    for line in [*lines, ""]:
        if _ROW.match(line) and not example:
            table.append(line)
            continue
        if table:
            made += _table(table)
            table = []
        if line.lstrip().startswith(">>>") and not example:
            example = True
            if made and made[-1].strip():
                made.append("")
        elif not line.strip():
            example = False
        listed = _LIST.match(line)
        if example or not line.strip():
            made.append(line)
        elif listed:
            made.append(listed[0] + _marked(line[listed.end() :]))
        else:
            made.append(_marked(line))
    return made[:-1]


def _prepare(*given: Any) -> None:
    lines = given[-1]  # after app, what, name, object, options
    lines[:] = prepared(lines)


def _signed(*given: Any) -> tuple[str | None, str | None]:
    """A signature in which an alias is its name, without overloads: the docstring says in words what they say."""
    if given[1] == "function":
        source = ModuleAnalyzer.for_module(given[3].__module__)
        source.analyze()
        source.overloads.clear()
    plain = [_ALIAS.sub(r"\1", one) if one else one for one in given[-2:]]
    return plain[0], plain[1]


def setup(app: Sphinx) -> dict[str, Any]:
    """Hear of every docstring before anything else does."""
    app.connect("autodoc-process-docstring", _prepare, priority=100)
    app.connect("autodoc-process-signature", _signed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
