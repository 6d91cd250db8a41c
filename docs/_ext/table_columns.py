"""The directive `tables`: columns of the five tables as `discourse.schema` has them, so that no page repeats them."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from discourse import schema

__all__ = ["setup"]

_TABLES = ("POSTS", "LABELS", "FRAMINGS", "SERIES", "EVENTS", "QUARANTINE")


def _allowed(table: schema.Table, column: str) -> str:
    """The values that a column may hold, where they are listed."""
    return ", ".join(f"`{value}`" for value in table.values.get(column, ()))


def _kind(kind: Any) -> str:
    """The name of a polars type without its details."""
    return str(kind).partition("(")[0]


class Columns(SphinxDirective):
    """One section a table: column, type, and the values that are allowed where they are listed."""

    def run(self) -> list[nodes.Node]:
        """A heading and a table for each."""
        lines: list[str] = []
        for name in _TABLES:
            table = getattr(schema, name)
            key = ", ".join(f"`{one}`" for one in table.key)
            lines += [f"## {table.name}", "", f"One row for each {key}." if key else "", ""]
            lines += ["| column | type | may be empty | values |", "|---|---|---|---|"]
            lines += [
                f"| `{one}` | {_kind(kind)} | {'' if one in table.required else 'yes'} | {_allowed(table, one)} |"
                for one, kind in table.columns.items()
            ]
            lines.append("")
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("tables", Columns)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
