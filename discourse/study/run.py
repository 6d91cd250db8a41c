"""Run a study: stage after stage, each only when something it depends on has changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from discourse.corpus.privacy import Key, default_key_path
from discourse.errors import UsageError
from discourse.study.config import Study
from discourse.study.draw import draw_stages
from discourse.study.effects import effect_stage
from discourse.study.ledger import Ledger, Stage
from discourse.study.stages import STAGES, Desk, stages_of

__all__ = ["Outcome", "desk_of", "run_study"]


@dataclass(frozen=True)
class Outcome:
    """Which stages ran and which were up to date, and where the private tables and the published files lie."""

    ran: tuple[str, ...]
    skipped: tuple[str, ...]
    work: Path
    figures: Path


def run_study(
    path: str | Path,
    *,
    data: str | Path | None = None,
    work: str | Path = "out",
    figures: str | Path = "figures",
    until: str = "report",
    progress: Callable[[str, int], None] | None = None,
) -> Outcome:
    """Run a study file up to the stage `until`.

    Tables with texts and pseudonyms go to `work`/name, readable by their owner alone; figures, the CSV behind
    each, the report and the manifest to `figures`/name. `progress` is called with a stage (or a warning) and a
    count. Raises the errors of `Study.from_toml` and of the stages.
    """
    if until not in STAGES:
        raise UsageError(f"until is {until!r}; it must be one of {', '.join(STAGES)}")
    desk = desk_of(path, data=data, work=work, progress=progress)
    folder, published = desk.work, Path(figures) / desk.study.name
    stages: dict[str, tuple[Stage, Callable[[Desk], None]]] = {
        **stages_of(desk), "effects": effect_stage(desk), **draw_stages(desk, published)
    }  # fmt: skip
    ledger = Ledger(folder / "ledger.json")
    ran: list[str] = []
    skipped: list[str] = []
    for name in STAGES[: STAGES.index(until) + 1]:
        stage, run = stages[name]
        if ledger.is_done(stage):
            skipped.append(name)
            continue
        desk.progress(name, 0)
        run(desk)
        ledger.record(stage)
        ran.append(name)
    return Outcome(tuple(ran), tuple(skipped), folder, published)


def desk_of(
    path: str | Path,
    *,
    data: str | Path | None = None,
    work: str | Path = "out",
    progress: Callable[[str, int], None] | None = None,
) -> Desk:
    """A study file at work: its settings, its key and its private folder, made if need be.

    Raises the errors of `Study.from_toml`.
    """
    study = Study.from_toml(path, data=data)
    folder = Path(work) / study.name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chmod(folder, 0o700)
    return Desk(study, _key(study), folder, progress or _silent)


def _key(study: Study) -> Key:
    """The key of the pseudonyms: a published one where no person wrote the posts, else the researcher's own."""
    if study.corpus.made_up:
        return Key.made_up(study.name)
    return Key.from_file(default_key_path(), create=True)


def _silent(_: str, __: int) -> None:
    return None
