"""A figure of a study as a value: what it is made from, when a study has it, and the function that draws it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from discourse.errors import MeaningError
from discourse.plots.effects import plot_nothing
from discourse.plots.save import save_figure
from discourse.plots.style import STYLES, style
from discourse.schema import one_of
from discourse.study.ledger import Stage
from discourse.study.stages import Desk

__all__ = ["ENDINGS", "PAPER", "Drawn", "FigureSpec", "Unit", "captions_name", "drawn_or_why", "figure_unit"]

ENDINGS: Final = ("svg", "png", "pdf", "csv")
"""The files of each figure, named for it."""
PAPER: Final = "paper"
"""The style of the page and of everything for which none is asked."""
_ROOMS: Final = ("plots", "report", "study", "events.py")

Unit = tuple[Stage, Callable[[Desk], None]]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure as it was drawn, the rows behind it, and what is said of it."""

    axes: Any
    table: pl.DataFrame
    title: str
    caption: str
    alt: str


def drawn_or_why(
    title: str, table: pl.DataFrame, plot: Callable[[], Any], describe: Callable[[], tuple[str, str]]
) -> Drawn:
    """A figure with its caption and alternative text; where nothing may be shown, the sentence that says why.

    `table` must be one that may be shown either way.
    """
    try:
        return Drawn(plot(), table, title, *describe())
    except MeaningError as error:
        said = str(error)
        why = f"{said[:1].upper()}{said[1:]}."
        return Drawn(plot_nothing(why), table, title, why, why)


def _always(_: Desk) -> bool:
    return True


@dataclass(frozen=True)
class FigureSpec:
    """A figure that a study may have.

    `tables` are files or folders of the private folder, `files` are among "events", "truth" and "sides" of the study,
    `settings` are names in the study like "measure.every": exactly what `draw` looks at, since the figure is drawn
    again when one of them has changed, and not otherwise. `wanted` may look at the settings and the private tables.
    `rooms` are those whose code `draw` uses, besides those of every figure.

    >>> FigureSpec("empty", lambda desk: None, tables=("series.csv",)).name
    'empty'
    """

    name: str
    draw: Callable[[Desk], Drawn]
    tables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    wanted: Callable[[Desk], bool] = _always
    rooms: tuple[str, ...] = ()

    def inputs(self, desk: Desk) -> tuple[Path, ...]:
        """The private tables and the files of the study that the figure is made from."""
        named = tuple(path for name in self.files if (path := getattr(desk.study, name)) is not None)
        return (*(desk.path(name) for name in self.tables), *named)

    def outputs(self, published: Path) -> tuple[Path, ...]:
        """The files of the figure in the folder `published`."""
        return tuple(published / f"{self.name}.{ending}" for ending in ENDINGS)


def captions_name(chosen: str = PAPER) -> str:
    """The private file with the titles, captions and alternative texts of a style.

    >>> captions_name(), captions_name("slides")
    ('captions.json', 'captions-slides.json')
    """
    return "captions.json" if chosen == PAPER else f"captions-{chosen}.json"


def figure_unit(spec: FigureSpec, desk: Desk, published: Path, chosen: str = PAPER) -> Unit:
    """The part of the stage `draw` that draws one figure in one style, with a line of its own in the ledger.

    It writes the figure's files into `published` and its words to the private folder. Raises `SchemaError` for an
    unknown style.
    """
    one_of(chosen, STYLES, "style")
    words = desk.path(captions_name(chosen).removesuffix(".json")) / f"{spec.name}.json"
    settings = {name: _setting(desk.study, name) for name in spec.settings}
    name = f"draw/{spec.name}" if chosen == PAPER else f"draw/{spec.name} ({chosen})"

    def run(one: Desk) -> None:
        with style(chosen):
            drawn = spec.draw(one)
            save_figure(drawn.axes, published / spec.name, drawn.table, title=drawn.title, description=drawn.caption)
        words.parent.mkdir(exist_ok=True, mode=0o700)
        said = (drawn.title, drawn.caption, drawn.alt)
        words.write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")

    stage = Stage(name, spec.inputs(desk), (*spec.outputs(published), words), {**settings, "style": chosen},
                  (*_ROOMS, *spec.rooms))  # fmt: skip
    return stage, run


def _setting(study: Any, name: str) -> Any:
    value = study
    for part in name.split("."):
        value = getattr(value, part)
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
