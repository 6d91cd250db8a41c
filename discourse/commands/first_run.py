"""Commands for the first hour: what is installed, a new study, completion in the shell; what a slip meant."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import get_completion_class

from discourse.commands.console import AS_JSON, tell
from discourse.commands.study_file import StudyFile, study_files
from discourse.errors import MissingData

if TYPE_CHECKING:
    from discourse.study.checkup import Checkup
    from discourse.study.laying_out import LaidOut

__all__ = ["COMMANDS", "Commands", "with_what_to_type"]

_SHELLS = {
    "bash": "mkdir -p ~/.local/share/bash-completion/completions && discourse completion bash > "
    "~/.local/share/bash-completion/completions/discourse",
    "zsh": "mkdir -p ~/.zfunc && discourse completion zsh > ~/.zfunc/_discourse   # with fpath+=~/.zfunc before "
    "compinit in ~/.zshrc",
    "fish": "discourse completion fish > ~/.config/fish/completions/discourse.fish",
}
_VARIABLE = "_DISCOURSE_COMPLETE"


class Commands(click.Group):
    """A group of commands that says which one a wrong word is nearest to.

    >>> Commands("discourse", commands=[click.Command("run")]).meant("rnu")
    "Type 'discourse run'"
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it; the error names what was probably meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            if self.get_command(ctx, args[0]) is not None or args[0].startswith("-"):
                raise
            raise click.UsageError(f"No such command {args[0]!r}. {self.meant(args[0])}.", ctx) from None

    def meant(self, word: str) -> str:
        """What to type instead of a word that is no command."""
        if word.endswith(".toml"):
            return f"For a study, type 'discourse run {word}'"
        near = get_close_matches(word.casefold(), self.commands, n=1, cutoff=0.65)
        if near:
            return f"Type 'discourse {near[0]}'"
        return "Type 'discourse --help' for the commands there are"


def with_what_to_type(error: click.ClickException) -> str:
    """The sentence of an error of the command line, with what to type where it does not say so itself.

    >>> with_what_to_type(click.UsageError("Missing option '--seed'.", click.Context(Commands("discourse"))))
    "Missing option '--seed'. Type 'discourse --help' to see what it takes."
    """
    said, context = error.format_message(), getattr(error, "ctx", None)
    if context is None or "Did you mean" in said or "ype 'discourse" in said:
        return said
    command = " ".join(["discourse", *context.command_path.split()[1:]])
    if isinstance(error, click.MissingParameter) and error.param and isinstance(error.param.type, StudyFile):
        here = study_files(Path())
        if here:
            return f"{said} Type '{command} {here[0]}'."
    return f"{said} Type '{command} --help' to see what it takes."


@click.command()
@click.option("--load", is_flag=True, help="Load every core library too: some seconds, and finds a broken one.")
@AS_JSON
def doctor(*, load: bool, as_json: bool) -> None:
    """Say what is installed, what is missing and what it would give, and what to type.

    Nothing is installed, no key is read or made. Exit code 0 when all that is needed is there, else 3.
    """
    from dataclasses import asdict

    from discourse.study.checkup import check_up

    found = check_up(load=load)
    told = {**asdict(found), "problems": [{"what": what, "type": line} for what, line in found.problems]}
    tell(as_json, told, _doctor_lines(found))
    if found.problems:
        raise click.exceptions.Exit(MissingData.exit_code)


def _doctor_lines(found: Checkup) -> list[str]:
    from discourse.study.checkup import EXTRAS

    core = [one for one in found.libraries if one.extra is None]
    lines = [f"Python {found.python}, discourse {found.package or 'not installed'}", "", "libraries"]
    lines += [f"  {'-' if one.problem else '+'} {one.name} {one.problem or one.version}" for one in core]
    lines += ["", "extras (none is needed)"]
    for name, there in found.extras.items():
        lines.append(f"  {'+' if there else '-'} {name:13} {EXTRAS[name]}")
        if not there:
            needs = " ".join(f'"{one.name}{one.wanted}"' for one in found.libraries if one.extra == name)
            lines.append(f"      to have it: pip install {needs}")
    memory = "not known" if found.memory is None else f"{found.memory / 2**30:.1f} GB"
    fonts = "there" if all(found.fonts.values()) else "missing"
    lines += [
        "",
        f"font for Arabic letters  {fonts}",
        f"key of the pseudonyms    {found.key_path}: {found.key}",
        f"private tables           {Path('out')}{os.sep}NAME below this folder, or --work",
        f"figures and report       {Path('figures')}{os.sep}NAME below this folder, or --figures",
        f"this folder              {'can be written to' if found.writable else 'CANNOT be written to'}",
        f"cores, memory            {found.cores}, {memory}",
        "",
    ]
    if not found.problems:
        return [*lines, "all that is needed is there; next: discourse new NAME"]
    lines += [part for what, line in found.problems for part in (f"PROBLEM: {what}", f"  type: {line}")]
    return lines


@click.command()
@click.argument("folder", metavar="NAME", type=click.Path(path_type=Path))
@click.option("--from", "exports", multiple=True, metavar="EXPORT",
              help="An export, or a pattern: the study names it where it lies. May be repeated.")  # fmt: skip
@click.option("--title", help="Title of the report; left out: the name.")
@AS_JSON
def new(folder: Path, *, exports: tuple[str, ...], title: str | None, as_json: bool) -> None:
    """Lay out a folder for a new study, with every setting explained.

    Nothing is written over, and nothing is left behind when it fails. With --from the format is told from the content;
    for a table that no format knows, columns.toml is drafted for you to check.
    """
    from discourse.study.laying_out import lay_out, next_commands

    made = lay_out(folder, exports=exports, title=title)
    told: dict[str, Any] = {
        "folder": str(made.folder), "files": list(made.files), "formats": list(made.formats),
        "first": made.first, "last": made.last, "next": next_commands(made.folder),
    }  # fmt: skip
    tell(as_json, told, _new_lines(made, next_commands(made.folder), bool(exports)))


def _new_lines(made: LaidOut, following: list[str], given: bool) -> list[str]:
    at = made.folder.as_posix()
    lines = [f"{at}: {', '.join(made.files)}"]
    if made.formats:
        days = f", posts from {made.first} to {made.last}" if made.first else ""
        lines.append(f"the exports are {' and '.join(made.formats)}{days}")
    if made.unsure:
        lines.append(f'the table is in no format that is known: open {at}/columns.toml, check it, fill in every "?"')
    elif not given:
        lines.append(f"put your export into {at}/posts and write its name under files in {at}/study.toml")
    return [*lines, f"read {at}/README.md; then, one after the other:", *(f"  {line}" for line in following)]


@click.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@AS_JSON
@click.pass_context
def completion(ctx: click.Context, shell: str, *, as_json: bool) -> None:
    """Print the script that lets SHELL complete commands, options and study files.

    How to install it is said on standard error, so that the script can be sent into a file.
    """
    kind = get_completion_class(shell)
    if kind is None:  # every shell of the list is one that click knows
        raise click.UsageError(f"no completion for {shell!r}; choose bash, zsh or fish")
    script = kind(ctx.find_root().command, {}, "discourse", _VARIABLE).source()
    tell(as_json, {"shell": shell, "script": script, "install": _SHELLS[shell]}, [script])
    click.echo(f"to install: {_SHELLS[shell]}", err=True)


COMMANDS: tuple[click.Command, ...] = (doctor, new, completion)
