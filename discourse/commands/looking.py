"""The command `look`: what can be said of a study's posts before anybody has coded one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from discourse.commands.console import Status, tell
from discourse.commands.studies import for_study

if TYPE_CHECKING:
    import polars as pl

__all__ = ["look"]

_FIGURES = ("composition", "coverage", "waves")


@click.command()
@for_study()
def look(study: Path, data: Path | None, work: Path, figures: Path, *, as_json: bool) -> None:
    """Look at the posts of a study before there are labels: who posted when, in which language, on what evidence.

    Draws composition, coverage of the sides and copy waves. Shares of frames need labels: without a coded sample the
    classifier's errors are not known, and nothing corrects them.
    """
    from discourse.commands.population import prepared
    from discourse.plots.save import save_figure
    from discourse.store.saved import load_corpus
    from discourse.study.describe import count_posts
    from discourse.study.draw import FIGURES

    status = Status()
    try:
        desk = prepared(study, data=data, work=work, progress=status.show)
        status.show("look", 0)
        count_posts(desk)
        events = desk.study.events
        if events is not None and not events.is_file():  # like the labels, they may come later
            desk = replace(desk, study=replace(desk.study, events=None))
        published = figures / desk.study.name
        published.mkdir(parents=True, exist_ok=True)
        made: list[Path] = []
        for spec in FIGURES:
            if spec.name in _FIGURES:
                drawn = spec.draw(desk)
                words = {"title": drawn.title, "description": drawn.caption}
                made += save_figure(drawn.axes, published / spec.name, drawn.table, **words)
    finally:
        status.clear()
    sides = _sides(load_corpus(desk.path("corpus")).posts)
    tell(as_json, {"sides": sides, "figures": [str(path) for path in made]}, [
        *(f"{name:12} {posts:>9} posts by {authors} authors" for name, posts, authors in sides),
        *map(str, made),
        "shares need labels: code a sample next (discourse sample, discourse sheets), then discourse run",
    ])  # fmt: skip


def _sides(posts: pl.DataFrame) -> list[tuple[str, str, str]]:
    """Sides with their posts and authors, those of small sides withheld."""
    import polars as pl

    from discourse.report.guard import suppress

    counted = posts.group_by("side").agg(posts=pl.len().cast(pl.Int64), n_authors=pl.col("author_id").n_unique())
    told = suppress(counted.sort("side"), ("side",), totals=((),))
    return [
        (str(side), "withheld" if n is None else f"{n:,}", "few" if people is None else f"{people:,}")
        for side, n, people in told.select("side", "posts", "n_authors").iter_rows()
    ]
