"""The crate of a study's figures: the record of its run and the metadata beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from discourse.corpus.sides import Sides
from discourse.framing.store import load_model
from discourse.report.crate import CRATE, CrateFigure, CrateStudy, crate, write_crate
from discourse.report.manifest import manifest
from discourse.study.draw import figures_of, page_files, recorded
from discourse.study.figure_kinds import PAPER, FigureSpec, Unit, captions_name
from discourse.study.ledger import Stage
from discourse.study.stages import Desk, read_series

__all__ = ["crate_unit", "run_record"]

_MADE_UP: Final = "Figures and tables of a study of posts that no person wrote."
_REAL: Final = "Figures and tables of a study of posts; no post, account or cell of few authors is in them."
_NO_LICENSE: Final = "The authors of the study have chosen no licence; ask them."


def run_record(desk: Desk, outputs: dict[str, Path] | None = None, *, style: str = PAPER) -> dict[str, Any]:
    """What a run of the study read, used and wrote, as `manifest` has it; `outputs` are files by what they are."""
    study = desk.study
    posts = {f"posts {i + 1}": path for i, path in enumerate(study.corpus.inputs)}
    optional = {name: path for name in ("events", "truth") if (path := getattr(study, name)) is not None}
    parameters = {"name": study.name, "population": study.population, "measure": study.measure,
                  "effects": study.effects, "c": study.c, "folds": study.folds,
                  "format": study.corpus.format or "sniffed", "style": style}  # fmt: skip
    named = {"labels": study.labels.file, "codebook": study.labels.codebook, "sides": study.sides}
    return manifest(
        {**posts, **named, **optional}, outputs or {}, parameters=parameters,
        model=load_model(desk.path("model.safetensors")).model_id, seed=study.seed, code="",
    )  # fmt: skip


def crate_unit(desk: Desk, published: Path, *, style: str = PAPER) -> Unit:
    """The part of a run that writes the metadata beside the figures, and beside the page in the style of the page."""
    figures, files = figures_of(desk), page_files(desk) if style == PAPER else ()
    made = (*(path for spec in figures for path in spec.outputs(published)), *(published / name for name in files))
    private = tuple(desk.path(name) for name in ("series.csv", "model.safetensors", captions_name(style)))
    given, settings = recorded(desk)
    stage = Stage("crate" if style == PAPER else f"crate ({style})", (*made, *private, *given), (published / CRATE,),
                  {**settings, "style": style}, ("report", "study"))  # fmt: skip
    return stage, lambda one: _write(one, published, files, figures, style)


def _write(desk: Desk, published: Path, files: Sequence[str], figures: Sequence[FigureSpec], style: str) -> None:
    study = desk.study
    begin, end = _period(desk)
    said = json.loads(desk.path(captions_name(style)).read_text(encoding="utf-8"))
    told = [
        CrateFigure(spec.name, title, caption, alt, tuple(path.name for path in spec.outputs(published)), spec.tables,
                    tuple(name for name in spec.files if getattr(study, name) is not None))
        for spec in figures for title, caption, alt in [said[spec.name]]
    ]  # fmt: skip
    about = CrateStudy(
        study.title, _MADE_UP if study.corpus.made_up else _REAL, begin, end,
        "BSD-3-Clause" if study.corpus.made_up else _NO_LICENSE,
    )  # fmt: skip
    write_crate(published, crate(run_record(desk, style=style), about, published, files, told))


def _period(desk: Desk) -> tuple[date, date]:
    """First and last day that the study's period, else its windows, cover on the clocks of both sides."""
    settings = desk.study.measure
    first, last = read_series(desk).select(pl.col("start").min(), pl.col("end").max()).row(0)
    book = Sides.from_toml(desk.study.sides)
    zones = [ZoneInfo(book.timezone(side)) for side in book.sides[:2]]
    # What ends at midnight ends with the day before.
    begin, end = settings.begin or first, (settings.end or last) - timedelta(microseconds=1)
    return max(begin.astimezone(zone).date() for zone in zones), min(end.astimezone(zone).date() for zone in zones)
