"""The posts that a command may draw from: those that a study measures, or those of a corpus; with window and scores."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from discourse.corpus.copies import with_copies
from discourse.corpus.population import Population
from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key, default_key_path
from discourse.corpus.sides import Sides
from discourse.corpus.texts import with_text
from discourse.framing.store import load_model
from discourse.measure.windows import Calendar, place_in_windows
from discourse.schema import UNKNOWN
from discourse.store.saved import load_corpus
from discourse.study.config import Study
from discourse.study.ledger import Ledger
from discourse.study.stages import Desk, stages_of

__all__ = ["Drawable", "of_corpus", "of_study", "prepared"]

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Drawable:
    """Posts that can be drawn, and how windows and sides are told apart: `every` and the zones of the sides."""

    corpus: Corpus
    every: str
    zones: Mapping[str, str]

    def without(self, ids: pl.Series) -> Drawable:
        """The same without posts that are spoken for, such as those of an earlier sample."""
        rest = self.corpus.keep(
            ~pl.col("post_id").is_in(ids.implode()), "drawn before", "posts of an earlier sample are not drawn again"
        )
        return replace(self, corpus=rest)

    def posts(self) -> pl.DataFrame:
        """The posts, each with its window; one without a side is of the side "unknown"."""
        sided = self.corpus.posts.with_columns(pl.col("side").fill_null(UNKNOWN))
        return place_in_windows(sided, Calendar(self.every, self.zones))

    def scores(self, model: Path) -> pl.DataFrame:
        """What a stored model says of each post: post_id, p_<frame>, predicted."""
        table: pl.DataFrame = load_model(model).predict(self.corpus).table
        return table


class _Unlabelled(Study):
    """A study whose labels are still to be coded: its labels and what is drawn beside them need not be there."""

    def check_files(self) -> None:
        there = replace(self.labels, file=self.sides, codebook=self.sides)
        Study.check_files(replace(self, labels=there, events=None, truth=None))


def prepared(path: Path, *, data: Path | None, work: Path, progress: Progress) -> Desk:
    """A study at work after its first two stages, which run if they are not up to date; labels need not be there."""
    study = _Unlabelled.from_toml(path, data=data)
    made_up = study.corpus.made_up
    key = Key.made_up(study.name) if made_up else Key.from_file(default_key_path(), create=True)
    folder = work / study.name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chmod(folder, 0o700)
    desk, ledger = Desk(study, key, folder, progress), Ledger(folder / "ledger.json")
    for name in ("read", "prepare"):
        stage, run = stages_of(desk)[name]
        if not ledger.is_done(stage):
            progress(name, 0)
            run(desk)
            ledger.record(stage)
    return desk


def of_study(path: Path, *, data: Path | None, work: Path, progress: Progress) -> Drawable:
    """What a study measures, from its first two stages; labels need not be there yet."""
    desk = prepared(path, data=data, work=work, progress=progress)
    study = desk.study
    zones = Sides.from_toml(study.sides).timezones
    return Drawable(load_corpus(desk.path("measured")), study.measure.every, dict(zones))


def of_corpus(folder: Path, *, sides: Path | None, every: str, progress: Progress) -> Drawable:
    """The posts of a corpus on disk that are no reposts, with language and copies, and with sides if a file says them.

    Pseudonyms of accounts in the sides file are made with the researcher's own key.
    """
    corpus, zones = load_corpus(folder), {}
    if sides is not None:
        rules = Sides.from_toml(sides).bind(Key.from_file(default_key_path(), create=True))
        corpus, zones = corpus.with_sides(rules), dict(rules.timezones)
    progress("prepare", 0)
    return Drawable(Population().of(with_copies(with_text(corpus))), every, zones)
