"""The demonstration corpus: invented posts of both sides, coders' labels, and the truth beside them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.errors import UsageError
from discourse.schema import FRAMES
from discourse.simulate.conflict import PERIOD, daily_truth
from discourse.simulate.export import Dirt, export_pages, native_ids
from discourse.simulate.people import ZONES, Post, people, written_posts

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["Coders", "Demo", "write_demo"]

_TRAINING_UNTIL = PERIOD[0] + timedelta(weeks=4)


@dataclass(frozen=True)
class Demo:
    """Sizes of the demonstration corpus.

    `gold_a_week` posts are coded per week and side for measuring, `gold_unknown` per week where the side cannot
    be seen; `training` posts of the first four weeks are coded for training. Each coder errs on one post in
    25; where the two differ they settle on the right frame.
    """

    posts: int = 11_300
    authors: int = 1_500
    loyalty: float = 0.15
    gold_a_week: int = 70
    gold_unknown: int = 30
    training: int = 600
    coder_error: float = 0.04


def write_demo(directory: str | Path, *, seed: int, demo: Demo | None = None) -> Dirt:
    """Write posts.jsonl.zst, labels.csv, truth.csv and a list of accounts per side; returns the dirt put in.

    The same seed gives the same content. Raises `UsageError` when the sizes cannot be met.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     dirt = write_demo(folder, seed=7, demo=Demo(posts=60, authors=20))
    >>> sorted(dirt)
    ['duplicates', 'quarantined', 'reposts', 'written']
    """
    demo = demo or Demo()
    if demo.posts < 1 or demo.authors < 20:
        raise UsageError(
            f"{demo.posts} posts of {demo.authors} authors is too small; ask for 1 post and 20 authors or more"
        )
    if seed < 0:
        raise UsageError(f"seed is {seed}; it must be a whole number from 0, like 2024")
    rng = np.random.default_rng(seed)
    authors = people(demo.authors, rng)
    posts = written_posts(authors, demo.posts, demo.loyalty, rng)
    if not any(_week(post) < _TRAINING_UNTIL for post in posts):
        raise UsageError(f"asked for {demo.posts} posts, none fell into the first four weeks; ask for 100 or more")
    pages, dirt = export_pages(posts, rng)
    labels = _labels(posts, native_ids(posts), demo, rng)
    out = Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    (out / "posts.jsonl.zst").write_bytes(zstd.compress(pages, level=19))
    _write(labels, out / "labels.csv")
    _write(daily_truth().with_columns(pl.col("share").round(6), pl.col("volume").round(8)), out / "truth.csv")
    listed = {side: [a.user_id for a in authors if a.known_by == "list" and a.side == side] for side in ZONES}
    for side, ids in listed.items():
        (out / f"accounts-{side}.txt").write_text("".join(f"x:{one}\n" for one in ids), encoding="utf-8")
    return dirt


def _labels(posts: list[Post], ids: list[str], demo: Demo, rng: np.random.Generator) -> pl.DataFrame:
    frame = pl.DataFrame({
        "post_id": [f"x:{native}" for native in ids],
        "true": [post.frame for post in posts],
        "side": [post.author.visible_side for post in posts],
        "week": [_week(post) for post in posts],
    }).with_row_index("row")  # fmt: skip
    early = frame.filter(pl.col("week") < _TRAINING_UNTIL)["row"].to_numpy()
    training = rng.choice(early, size=min(demo.training, len(early)), replace=False)
    coders = Coders(demo.coder_error, rng)
    parts = [coders.code(frame, training, len(training) / len(early), "training")]
    rest = frame.filter(~pl.col("row").is_in(training.tolist()))
    for (side, _), cell in rest.sort("side", "week").group_by("side", "week", maintain_order=True):
        at = cell["row"].to_numpy()
        n = min(demo.gold_unknown if side == "unknown" else demo.gold_a_week, len(at))
        drawn = rng.choice(at, size=n, replace=False)
        # Posts coded for training are no part of what the gold speaks for; the study leaves them out too.
        parts.append(coders.code(frame, drawn, n / len(at), "gold"))
    return pl.concat(parts).sort("role", "post_id", "coder")


@dataclass(frozen=True)
class Coders:
    """Two coders who err, and who settle on the right frame where they differ."""

    error: float
    rng: np.random.Generator

    def code(self, frame: pl.DataFrame, rows: npt.NDArray[np.int64], chance: float, role: str) -> pl.DataFrame:
        """Labels of the posts at `rows` of a table of post_id, true, side and week, each drawn with the same chance.

        One row a post and coder, and one more where they differ.

        >>> posts = {"post_id": ["x:1"], "true": ["neither"], "side": ["pakistan"], "week": [date(2024, 12, 2)]}
        >>> coders = Coders(0.0, np.random.default_rng(7))
        >>> coders.code(pl.DataFrame(posts), np.array([0]), 0.5, "gold").select("coder", "value").rows()
        [('coder_a', 'neither'), ('coder_b', 'neither')]
        """
        drawn = frame[np.sort(rows).tolist()]
        true = drawn["true"].to_list()
        votes = {coder: [self._vote(one) for one in true] for coder in ("coder_a", "coder_b")}
        differ = [a != b for a, b in zip(votes["coder_a"], votes["coder_b"], strict=True)]
        base = drawn.select("post_id", pl.format("{}/{}", "side", "week").alias("stratum")).with_columns(
            inclusion_p=pl.lit(round(chance, 8)), role=pl.lit(role), variable=pl.lit("frame"), round=pl.lit("1")
        )
        agreed = base.with_columns(coder=pl.lit("agreed"), value=pl.Series(true), round=pl.lit("2"))
        parts = [base.with_columns(coder=pl.lit(coder), value=pl.Series(values)) for coder, values in votes.items()]
        columns = ["post_id", "coder", "variable", "value", "round", "inclusion_p", "stratum", "role"]
        made: pl.DataFrame = pl.concat([part.select(columns) for part in (*parts, agreed.filter(pl.Series(differ)))])
        return made

    def _vote(self, true: str) -> str:
        if self.rng.random() >= self.error:
            return true
        return str(self.rng.choice([frame for frame in FRAMES if frame != true]))


def _week(post: Post) -> date:
    """Monday of the post's week on the calendar of its visible side."""
    zone = ZONES.get(post.author.visible_side, "UTC")
    local = post.at.astimezone(ZoneInfo(zone)).date()
    return local - timedelta(days=local.weekday())


def _write(frame: pl.DataFrame, path: Path) -> None:
    path.write_text(frame.write_csv(line_terminator="\n"), encoding="utf-8")
