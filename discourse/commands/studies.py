"""What the commands for a study share: their options, running its stages, and saying what ran."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from discourse.commands.console import AS_JSON, Status
from discourse.commands.study_file import StudyFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from discourse.study.run import Outcome
    from discourse.study.stages import Desk

__all__ = ["STUDY", "desk_for", "for_study", "outcome", "ran", "run_until"]

STUDY = click.argument("study", type=StudyFile(), metavar="STUDY.toml")
_DATA = click.option("--data", type=click.Path(path_type=Path), help="Folder of the corpus; also DISCOURSE_DATA.")
_WORK = click.option("--work", type=click.Path(path_type=Path), default=Path("out"), show_default=True,
                     help="Folder for private tables: texts and pseudonyms, never to be shared.")  # fmt: skip
_FIGURES = click.option("--figures", type=click.Path(path_type=Path), default=Path("figures"), show_default=True,
                        help="Folder for what may be published: figures, tables, report, manifest.")  # fmt: skip


def for_study(*, published: bool = True) -> Callable[[Any], Any]:
    """Give a command the options of a study; without `published`, those of its private folder alone.

    >>> [one.name for one in click.command()(for_study(published=False)(lambda **_: None)).params]
    ['study', 'data', 'work', 'as_json']
    """

    def given(function: Any) -> Any:
        for option in (AS_JSON, *([_FIGURES] if published else []), _WORK, _DATA, STUDY):
            function = option(function)
        return function

    return given


def run_until(study: Path, data: Path | None, work: Path, figures: Path, until: str) -> Outcome:
    """Run a study up to a stage, with one line that says what is going on."""
    from discourse.study.run import run_study

    status = Status()
    try:
        return run_study(study, data=data, work=work, figures=figures, until=until, progress=status.show)
    finally:
        status.clear()


def desk_for(study: Path, data: Path | None, work: Path, status: Status) -> Desk:
    """A study at work, for a command that is no stage."""
    from discourse.study.run import desk_of

    return desk_of(study, data=data, work=work, progress=status.show)


def outcome(done: Outcome) -> dict[str, Any]:
    """What a run did, for JSON."""
    return {
        "ran": list(done.ran),
        "up_to_date": list(done.skipped),
        "work": str(done.work),
        "figures": str(done.figures),
    }


def ran(done: Outcome) -> str:
    """What a run did, in a line."""
    said = f"ran {', '.join(done.ran)}" if done.ran else "nothing to do"
    return f"{said}; up to date: {', '.join(done.skipped)}" if done.skipped else said
