"""Run a study: stage after stage, each only when something it depends on has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from discourse.corpus.privacy import Key, default_key_path
from discourse.errors import UsageError
from discourse.plots.style import STYLES
from discourse.schema import one_of
from discourse.study.config import Study
from discourse.study.describe import describe_stage
from discourse.study.draw import draw_units, report_units
from discourse.study.effects import effect_stage
from discourse.study.figure_crate import crate_unit
from discourse.study.figure_kinds import PAPER, Unit
from discourse.study.ledger import Ledger
from discourse.study.stages import STAGES, Desk, Progress, stages_of

__all__ = ["Outcome", "desk_of", "draw_study", "key_of", "published_folder", "run_study", "styled_units", "units_of"]


@dataclass(frozen=True)
class Outcome:
    """Which stages ran and which were up to date, and where the private tables and the published files lie.

    `drawn` are the figures that were drawn, `kept` those that stayed as they were.
    """

    ran: tuple[str, ...]
    skipped: tuple[str, ...]
    work: Path
    figures: Path
    drawn: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def run_study(
    path: str | Path,
    *,
    data: str | Path | None = None,
    work: str | Path = "out",
    figures: str | Path = "figures",
    until: str = "report",
    progress: Progress | None = None,
) -> Outcome:
    """Run a study file up to the stage `until`.

    Tables with texts and pseudonyms go to `work`/name, readable by their owner alone; figures, the CSV behind
    each, the report and the manifest to `figures`/name. `progress` is called with a stage (or a warning) and a
    count. Raises the errors of `Study.from_toml` and of the stages.
    """
    if until not in STAGES:
        raise UsageError(f"until is {until!r}; it must be one of {', '.join(STAGES)}")
    desk = desk_of(path, data=data, work=work, progress=progress)
    published = published_folder(desk.study.name, figures)
    return _run(desk, published, {name: partial(units_of, desk, name, published) for name in _up_to(until)})


def draw_study(
    path: str | Path,
    *,
    data: str | Path | None = None,
    work: str | Path = "out",
    figures: str | Path = "figures",
    style: str = PAPER,
    only: Sequence[str] = (),
    progress: Progress | None = None,
) -> Outcome:
    """Run a study file up to its figures, in the style "paper", "slides" or "thesis"; with `only`, just these.

    Figures on paper go to `figures`/name, others with metadata of their own to `figures`/name-style; there is no page.
    Raises the errors of `run_study`, `SchemaError` for another style and `UsageError` for a figure that is not there.
    """
    one_of(style, STYLES, "style")
    desk = desk_of(path, data=data, work=work, progress=progress)
    published = published_folder(desk.study.name, figures, style)
    plan = {name: partial(units_of, desk, name, published) for name in STAGES[: STAGES.index("draw")]}
    return _run(desk, published, {**plan, "draw": partial(styled_units, desk, published, style, only)})


def published_folder(name: str, figures: str | Path, style: str = PAPER) -> Path:
    """Where the figures of a study lie.

    >>> published_folder("demo", "figures").as_posix(), published_folder("demo", "figures", "slides").as_posix()
    ('figures/demo', 'figures/demo-slides')
    """
    return Path(figures) / (name if style == PAPER else f"{name}-{style}")


def units_of(desk: Desk, name: str, published: Path) -> tuple[Unit, ...]:
    """The parts of a stage, each with its own line in the ledger; ask once the stages before it are done."""
    if name == "draw":
        return draw_units(desk, published)
    if name == "report":
        return (*report_units(desk, published), crate_unit(desk, published))
    own = {"effects": effect_stage, "describe": describe_stage}
    return (own[name](desk) if name in own else stages_of(desk)[name],)


def styled_units(desk: Desk, published: Path, style: str, only: Sequence[str]) -> tuple[Unit, ...]:
    """The figures in a style, and their metadata where all are drawn and no page has any."""
    units = draw_units(desk, published, style=style, only=only)
    return units if only or style == PAPER else (*units, crate_unit(desk, published, style=style))


def _up_to(until: str) -> tuple[str, ...]:
    return STAGES[: STAGES.index(until) + 1]


def _run(desk: Desk, published: Path, plan: Mapping[str, Callable[[], tuple[Unit, ...]]]) -> Outcome:
    ledger = Ledger(desk.path("ledger.json"))
    stages: dict[bool, list[str]] = {True: [], False: []}
    figures: dict[bool, list[str]] = {True: [], False: []}
    for name, units in plan.items():
        any_ran = False
        for stage, run in units():
            stale = not ledger.is_done(stage)
            if stage.name.startswith("draw/"):
                figures[stale].append(stage.outputs[0].stem)
            if stale:
                desk.progress(stage.name, 0)
                run(desk)
                ledger.record(stage)
                any_ran = True
        stages[any_ran].append(name)
    ran, skipped = stages[True], stages[False]
    return Outcome(tuple(ran), tuple(skipped), desk.work, published, tuple(figures[True]), tuple(figures[False]))


def desk_of(
    path: str | Path,
    *,
    data: str | Path | None = None,
    work: str | Path = "out",
    progress: Progress | None = None,
) -> Desk:
    """A study file at work: its settings, its key and its private folder, made if need be.

    Raises the errors of `Study.from_toml`.
    """
    study = Study.from_toml(path, data=data)
    folder = Path(work) / study.name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chmod(folder, 0o700)
    return Desk(study, key_of(study), folder, progress or _silent)


def key_of(study: Study) -> Key:
    """The key of the pseudonyms: a published one where no person wrote the posts, else the researcher's own."""
    if study.corpus.made_up:
        return Key.made_up(study.name)
    return Key.from_file(default_key_path(), create=True)


def _silent(_: str, __: int) -> None:
    return None
