"""The figures that a study may have, in their order, and the last two stages: its figures, and its report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from discourse.errors import UsageError
from discourse.measure.groups import BY
from discourse.report.manifest import environment
from discourse.schema import FRAMES
from discourse.study.aside import ASIDE
from discourse.study.draw_effects import draw_effects, draw_event, draw_smooth, events_to_show
from discourse.study.effects import TABLES
from discourse.study.figure_groups import draw_coverage, draw_slices, draw_waves, has_groups, read_slices
from discourse.study.figure_judging import (
    draw_agreement,
    draw_calibration,
    draw_learning_curve,
    draw_words,
    has_words,
)
from discourse.study.figure_kinds import PAPER, Drawn, FigureSpec, Unit, captions_name, figure_unit
from discourse.study.figure_series import (
    draw_composition,
    draw_confusion,
    draw_correction,
    draw_polarization,
    draw_shares,
    draw_truth,
)
from discourse.study.frozen import decisions
from discourse.study.ledger import Stage
from discourse.study.page import write_page
from discourse.study.stages import Desk

__all__ = ["FIGURES", "PAGE_FILES", "draw_units", "figures_of", "page_files", "recorded", "report_units"]

_MOST_EVENTS: Final = 12
_POLES: Final = ("nationalist", "conciliatory")
_DISTANCES: Final = {"polarization-within": "esteban-ray", "net-tone-gap": "net-tone-gap", "distance": "cramer-squared"}
PAGE_FILES: Final = ("report.html", "series.csv", "manifest.json", *TABLES, *ASIDE)
"""What the stage `report` writes beside the figures of every study."""


def _has_event(desk: Desk, place: int) -> bool:
    return len(events_to_show(desk)) > place


def _draw_event(desk: Desk, place: int) -> Drawn:
    return draw_event(desk, *events_to_show(desk)[place])


def _smoothed(desk: Desk, frame: str) -> bool:
    return desk.study.effects.smooth and frame in desk.study.effects.measures


FIGURES: Final = (
    *(FigureSpec(f"shares-{frame}", partial(draw_shares, frame=frame), tables=("series.csv",), files=("events",))
      for frame in _POLES),
    *(FigureSpec(name, partial(draw_polarization, kind=kind), tables=("series.csv",), files=("events",))
      for name, kind in _DISTANCES.items()),
    *(FigureSpec(f"correction-{frame}", partial(draw_correction, frame=frame), tables=("series.csv",),
                 files=("events",))
      for frame in _POLES),
    *(FigureSpec(f"shares-{frame}-by-{by}", partial(draw_slices, frame=frame, by=by),
                 tables=("slices.csv", "series.csv"), files=("events",), wanted=partial(has_groups, by=by))
      for by in BY for frame in _POLES),
    FigureSpec("effects", draw_effects, tables=("effects.csv",), wanted=lambda desk: desk.study.events is not None),
    *(FigureSpec(f"event-{place + 1}", partial(_draw_event, place=place),
                 tables=("paths.csv", "placebos.csv", "effects.csv"), settings=("hypotheses", "effects.measures"),
                 wanted=partial(_has_event, place=place))
      for place in range(_MOST_EVENTS)),
    *(FigureSpec(f"smooth-{frame}", partial(draw_smooth, frame=frame), tables=("smooth.csv", "series.csv"),
                 files=("events",), wanted=partial(_smoothed, frame=frame))
      for frame in FRAMES),
    FigureSpec("composition", draw_composition, tables=("corpus",), files=("sides",), settings=("measure.every",),
               rooms=("corpus", "measure")),
    FigureSpec("coverage", draw_coverage, tables=("coverage.csv",)),
    FigureSpec("waves", draw_waves, tables=("waves.csv",), files=("events",)),
    FigureSpec("agreement", draw_agreement, tables=("agreement.csv",)),
    FigureSpec("confusion", draw_confusion, tables=("confusion.csv",)),
    FigureSpec("calibration", draw_calibration, tables=("calibration.csv",)),
    FigureSpec("learning-curve", draw_learning_curve, tables=("curve.csv",), wanted=lambda desk: desk.study.curve),
    *(FigureSpec(f"words-{frame}", partial(draw_words, frame=frame), tables=("words.csv",),
                 wanted=partial(has_words, frame=frame))
      for frame in _POLES),
    *(FigureSpec(f"truth-{frame}", partial(draw_truth, frame=frame), tables=("series.csv",), files=("truth",),
                 settings=("measure.every",), wanted=lambda desk: desk.study.truth is not None, rooms=("simulate",))
      for frame in _POLES),
)  # fmt: skip
"""Every figure that a study may have, in the order of the page."""


def figures_of(desk: Desk, only: Sequence[str] = ()) -> tuple[FigureSpec, ...]:
    """The figures of a study, once its private tables are made; with `only`, those of these names.

    Raises `UsageError` for a name that is none of its figures.
    """
    wanted = tuple(spec for spec in FIGURES if spec.wanted(desk))
    names = [spec.name for spec in wanted]
    for name in only:
        if name not in names:
            raise UsageError(f"the study has no figure {name!r}; its figures are {', '.join(names)}")
    return tuple(spec for spec in wanted if not only or spec.name in only)


def draw_units(desk: Desk, published: Path, *, style: str = PAPER, only: Sequence[str] = ()) -> tuple[Unit, ...]:
    """The stage `draw`, a unit for each figure and one that gathers what is said of them.

    With `only` there is no such unit: the words of the others stay as they are.
    """
    units = tuple(figure_unit(spec, desk, published, style) for spec in figures_of(desk, only))
    words = tuple(stage.outputs[-1] for stage, _ in units)
    gathered = desk.path(captions_name(style))

    def gather(_: Desk) -> None:
        said = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in words}
        gathered.write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")

    name = "draw" if style == PAPER else f"draw ({style})"
    return units if only else (*units, (Stage(name, words, (gathered,), {}, ("study",)), gather))


def report_units(desk: Desk, published: Path) -> tuple[Unit, ...]:
    """The stage `report`: the page, with its tables and the record of what was read, used and written."""
    figures = figures_of(desk)
    names = tuple(spec.name for spec in figures)
    drawn = tuple(path for spec in figures for path in spec.outputs(published))
    private = ("read", "corpus", "scored", "labels.json", "model.safetensors", captions_name())
    tables = (*sorted(desk.work.glob("*.csv")), *(desk.path(name) for name in private))
    frozen = (desk.study.frozen,) if desk.study.frozen.exists() else ()
    given, settings = recorded(desk)
    decided = {"notes": desk.study.notes, "decisions": decisions(desk.study)}
    stage = Stage("report", (*tables, *drawn, *given, *frozen), tuple(published / name for name in page_files(desk)),
                  {**settings, **decided}, ("page", "report", "sheets", "simulate", "study", "cli.py"))  # fmt: skip
    return ((stage, lambda one: write_page(one, published, names)),)


def page_files(desk: Desk) -> tuple[str, ...]:
    """What the stage `report` writes beside the figures of this study."""
    sliced = desk.path("slices.csv").exists() and read_slices(desk).height > 0
    return (*PAGE_FILES, *(("slices.csv",) if sliced else ()))


def recorded(desk: Desk) -> tuple[tuple[Path, ...], dict[str, Any]]:
    """The files of a study and the settings that the record of its run names."""
    s = desk.study
    optional = tuple(path for path in (s.events, s.truth) if path is not None)
    settings = {
        "name": s.name, "title": s.title, "made_up": s.corpus.made_up, "seed": s.seed, "c": s.c, "folds": s.folds,
        "measure": asdict(s.measure), "effects": asdict(s.effects), "population": asdict(s.population),
        "format": s.corpus.format, "environment": environment(),
    }  # fmt: skip
    return (*s.corpus.inputs, s.labels.file, s.labels.codebook, s.sides, *optional), settings
