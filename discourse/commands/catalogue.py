"""Commands for the catalogue of public corpora: list, fetch, verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from discourse.commands.console import AS_JSON, tell
from discourse.errors import BadInput

if TYPE_CHECKING:
    from discourse.corpus.catalogue import Card

__all__ = ["corpora"]


@click.group()
def corpora() -> None:
    """Public corpora by name: list them, fetch their files, verify a copy."""


@corpora.command("list")
@AS_JSON
def list_(*, as_json: bool) -> None:
    """List the corpora of the catalogue with their rows, format and licence."""
    from discourse.corpus.catalogue import catalogue

    cards = catalogue()
    tell(as_json, {"corpora": [_plain(one) for one in cards]}, [line for one in cards for line in _lines(one)])


@corpora.command()
@click.argument("name")
@click.option("--to", "folder", type=click.Path(path_type=Path), required=True, help="Folder; NAME is made in it.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Folder with a copy of NAME, for the network.")
@AS_JSON
def fetch(name: str, folder: Path, source: Path | None, *, as_json: bool) -> None:
    """Fetch the files of a corpus and check each. What is there and sound is not fetched again."""
    from discourse.corpus.catalogue import card
    from discourse.corpus.catalogue import fetch as load

    places = load(name, folder, source=source)
    one = card(name)
    found = {
        "name": name, "licence": one.licence, "format": one.format, "mapping": one.mapping,
        "files": [str(path) for path in places],
    }  # fmt: skip
    tell(as_json, found, [*map(str, places), f"licence: {one.licence}", _way(one)])


@corpora.command()
@click.argument("name")
@click.option("--in", "folder", type=click.Path(path_type=Path), required=True, help="Folder that holds NAME.")
@AS_JSON
def verify(name: str, folder: Path, *, as_json: bool) -> None:
    """Compare a copy of a corpus with its card. Exit code 4 when a file is missing, cut or changed."""
    from discourse.corpus.catalogue import card
    from discourse.corpus.catalogue import verify as check

    problems = check(name, folder)
    count = len(card(name).files)
    found = {
        "name": name, "files": count,
        "problems": [{"file": one.file, "what": one.what, "todo": one.todo} for one in problems],
    }  # fmt: skip
    said = "sound" if not problems else f"{len(problems)} not as the card says"
    tell(as_json, found, [*(f"{one.file} {one.what}: {one.todo}" for one in problems), f"{count} files: {said}"])
    if problems:
        raise click.exceptions.Exit(BadInput.exit_code)


def _plain(one: Card) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(one), "mapping": None if one.mapping is None else str(one.mapping)}


def _lines(one: Card) -> list[str]:
    rows = f"{one.rows.records:,} records"
    return [
        f"{one.name}: {one.title}",
        f"  {', '.join(one.countries)}; {one.period}; {', '.join(one.languages)}; {rows}",
        f"  licence: {one.licence}",
        f"  {_way(one)}",
    ]


def _way(one: Card) -> str:
    """How the corpus is imported, and what comes of it."""
    if one.format == "none":
        return "no posts: it cannot be imported, see its card"
    how = {"mapping": f"import with --mapping {one.mapping}", "told": "import as it is"}
    said = how.get(one.format, f"import with --format {one.format}")
    if one.rows.accepted is None:
        return said
    return f"{said}: {one.rows.accepted:,} posts, {one.rows.quarantined:,} set aside"
