"""How a command talks: results on standard output, as lines or as JSON; what is going on, on standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

__all__ = ["AS_JSON", "Status", "tell"]

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")


def tell(as_json: bool, found: dict[str, Any], lines: list[str]) -> None:
    """Print a result as JSON or as lines.

    >>> tell(False, {"posts": 2}, ["2 posts"])
    2 posts
    """
    click.echo(json.dumps(found, ensure_ascii=False, indent=1, default=str) if as_json else "\n".join(lines))


class Status:
    """One line on standard error that says what is going on; nothing where nobody is watching.

    >>> Status().clear()
    """

    def __init__(self) -> None:
        self.watched = sys.stderr.isatty()

    def show(self, what: str, count: int) -> None:
        """A stage with a count (0 at its start), or, with a count below 0, a warning to be kept."""
        if count < 0:
            self.clear()
            click.echo(f"note: {what}", err=True)
        elif self.watched:
            click.echo(f"\r\033[K{what}{f' {count:,}' if count else ''} …", err=True, nl=False)

    def clear(self) -> None:
        """Take the line away."""
        if self.watched:
            click.echo("\r\033[K", err=True, nl=False)
