"""The stage `describe`: by which evidence sides are told, what was copied in waves, and the words of each frame."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl

from discourse.corpus.copies import coordinated_copies
from discourse.corpus.sides import Sides
from discourse.framing.explain import explain_corpus
from discourse.framing.store import load_model
from discourse.measure.windows import Calendar, place_in_windows, windows_of
from discourse.report.composition import evidence_over_time, waves_over_time
from discourse.schema import UNKNOWN
from discourse.store.saved import load_corpus
from discourse.study.ledger import Stage
from discourse.study.stages import Desk

__all__ = ["DESCRIBED", "count_posts", "describe", "describe_stage"]

DESCRIBED = ("coverage.csv", "waves.csv", "words.csv")
_WAVE: dict[str, Any] = {"within": "1h", "authors": 5}
_TOP = 12


def describe_stage(desk: Desk) -> tuple[Stage, Callable[[Desk], None]]:
    """The stage between `effects` and `draw`."""
    s, at = desk.study, desk.path
    inputs = (at("corpus"), at("scored"), at("model.safetensors"), s.sides)
    settings = {"every": s.measure.every, "wave": _WAVE, "top": _TOP}
    rooms = ("corpus", "framing", "report", "text", "study")
    return Stage("describe", inputs, tuple(at(name) for name in DESCRIBED), settings, rooms), describe


def describe(desk: Desk) -> None:
    """Posts and model to counts and words, small groups withheld."""
    count_posts(desk)
    model = load_model(desk.path("model.safetensors"))
    explain_corpus(model, load_corpus(desk.path("scored")), top=_TOP).write_csv(desk.path("words.csv"))


def count_posts(desk: Desk) -> None:
    """Posts to counts of evidence and of waves: what can be said of a corpus before anybody has coded a post."""
    corpus, sides = load_corpus(desk.path("corpus")), Sides.from_toml(desk.study.sides)
    calendar = Calendar(desk.study.measure.every, dict(sides.timezones))
    placed = place_in_windows(corpus.posts, calendar)
    spans = _spans(placed, calendar, (*sides.sides, UNKNOWN))
    evidence_over_time(placed).join(spans, on="window", how="left", maintain_order="left").write_csv(
        desk.path("coverage.csv"), datetime_format="%+"
    )
    waves = waves_over_time(placed, coordinated_copies(corpus, **_WAVE))
    waves.join(spans, on="window", how="left", maintain_order="left").write_csv(
        desk.path("waves.csv"), datetime_format="%+"
    )


def _spans(placed: pl.DataFrame, calendar: Calendar, sides: tuple[str, ...]) -> pl.DataFrame:
    """Begin and end of each window (UTC), from the first side's begin to the last side's end."""
    first, last = placed.select(first=pl.col("created_at").min(), last=pl.col("created_at").max()).row(0)
    grid = windows_of(calendar, sides, first, last + timedelta(microseconds=1))
    return grid.group_by("window").agg(pl.col("start").min(), pl.col("end").max())
