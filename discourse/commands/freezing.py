"""The command that freezes a study's decisions before anybody looks."""

from __future__ import annotations

from pathlib import Path

import click

from discourse.commands.console import AS_JSON, tell
from discourse.commands.studies import STUDY

__all__ = ["freeze"]


@click.command()
@STUDY
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the corpus; also DISCOURSE_DATA.")
@click.option("--work", type=click.Path(path_type=Path), default=Path("out"), show_default=True,
              help="Folder of private tables: a series there means that somebody could have looked.")  # fmt: skip
@AS_JSON
def freeze(study: Path, data: Path | None, work: Path, *, as_json: bool) -> None:
    """Freeze hypotheses, windows, measures and exclusions to a hash, in frozen.json beside the study file.

    The report then says what was decided before anybody looked at a series, and what after. Deposit the hash where its
    date is witnessed.
    """
    from discourse.study.config import Study
    from discourse.study.frozen import freeze as frozen

    settings = Study.from_toml(study, data=data)
    looked = (work / settings.name / "series.csv").exists()
    made = frozen(settings, settings.frozen, looked=looked)
    when = "after a series was made here" if looked else "before any series was made here"
    tell(as_json, made.to_dict(), [
        f"{len(made.decisions)} decisions frozen at {made.at:%Y-%m-%d %H:%M} UTC, {when}",
        f"SHA-256 {made.hash}",
    ])  # fmt: skip
