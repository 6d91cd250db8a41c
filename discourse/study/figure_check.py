"""What a study has published, made again somewhere else and compared byte for byte."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from discourse.errors import MissingData
from discourse.plots.style import STYLES
from discourse.schema import one_of
from discourse.study.config import Study
from discourse.study.figure_compare import Difference, differences
from discourse.study.figure_kinds import PAPER
from discourse.study.ledger import Ledger
from discourse.study.run import key_of, published_folder, styled_units, units_of
from discourse.study.stages import STAGES, Desk, Progress

__all__ = ["Checked", "check_study"]


@dataclass(frozen=True)
class Checked:
    """What came of a comparison: the files compared, what differs, and the stages that had to run again for it."""

    figures: Path
    compared: int
    differences: tuple[Difference, ...]
    again: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether every file is as the study makes it."""
        return not self.differences


def check_study(
    path: str | Path,
    *,
    data: str | Path | None = None,
    work: str | Path = "out",
    figures: str | Path = "figures",
    style: str = PAPER,
    only: Sequence[str] = (),
    progress: Progress | None = None,
) -> Checked:
    """Make everything that a study publishes again, in a temporary folder, and compare it with what lies there.

    Private tables of `work`/name are used where the ledger says that they are up to date; a stage that is not, runs
    again. Neither `work` nor `figures` is written to. With `only`, figures of these names are compared alone. Raises
    `MissingData` when nothing is published yet, and the errors of `run_study`.
    """
    one_of(style, STYLES, "style")
    study = Study.from_toml(path, data=data)
    there = published_folder(study.name, figures, style)
    if not there.is_dir():
        raise MissingData(f"there are no figures in {there.name!r} yet; make them with discourse figures STUDY.toml")
    private = Path(work) / study.name
    # Beside the private tables, where there are any: they must not lie about elsewhere, even for a minute.
    with tempfile.TemporaryDirectory(prefix=".check-", dir=private if private.is_dir() else None) as folder:
        desk = Desk(study, key_of(study), Path(folder) / study.name, progress or _silent)
        desk.work.mkdir(mode=0o700)
        made = Path(folder) / "made"
        again = _tables(desk, private)
        for unit in "draw", "report":
            styled = style != PAPER or only
            if styled and unit == "report":
                continue
            for stage, run in styled_units(desk, made, style, only) if styled else units_of(desk, unit, made):
                desk.progress(stage.name, 0)
                run(desk)
        among = {one.name for one in made.iterdir()} if only else None
        found = differences(there, made, among)
        compared = len({one.name for one in made.iterdir()} | {one.file for one in found})
    return Checked(there, compared, found, again)


def _tables(desk: Desk, private: Path) -> tuple[str, ...]:
    """Lend the desk every private table that is up to date, and make the others; the stages that ran."""
    kept, again = Ledger(private / "ledger.json"), []
    for name in STAGES[: STAGES.index("draw")]:
        for stage, run in units_of(desk, name, desk.work):
            for output in stage.outputs:
                if (private / output.name).exists():
                    output.symlink_to((private / output.name).resolve())
            if kept.is_done(replace(stage)):
                continue
            for output in stage.outputs:
                output.unlink(missing_ok=True)
            desk.progress(stage.name, 0)
            run(desk)
            again.append(name)
    return tuple(again)


def _silent(_: str, __: int) -> None:
    return None
