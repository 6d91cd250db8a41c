"""A made-up table to practise on: posts in a CSV that no format knows, and what made-up coders say of some of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from discourse.errors import UsageError
from discourse.simulate.demo import Coders, Demo
from discourse.simulate.people import ZONES, Author, Post, people, written_posts
from discourse.whole import write_whole

__all__ = ["PLATFORM", "Practice", "write_practice"]

PLATFORM = "forum"
_COUNTRY = {"pakistan": "PK", "afghanistan": "AF"}


@dataclass(frozen=True)
class Practice:
    """Sizes of the table: about so many posts of so many authors, and how many of the posts were coded."""

    posts: int = 2_400
    authors: int = 400
    coded: int = 800


def write_practice(directory: str | Path, *, seed: int, sizes: Practice | None = None) -> int:
    """Write posts.csv and labels.csv into a folder; returns the number of posts.

    The posts have a row each: msg_id, member_id, posted (on the clock of Karachi, without saying so), message, kind,
    home (free text), country_code, likes. The labels are those of two made-up coders, of one random sample, and name
    posts by the platform "forum". Nobody wrote these posts. The same seed gives the same bytes. Raises
    `UsageError` for fewer than 100 posts, 20 authors, or a file that is there already.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_practice(folder, seed=7, sizes=Practice(posts=100, authors=20, coded=10))
    ...     head = (Path(folder) / "posts.csv").read_text("utf-8").splitlines()[0]
    >>> head
    'msg_id,member_id,posted,message,kind,home,country_code,likes'
    """
    out, sizes = Path(directory), sizes or Practice()
    if sizes.posts < 100 or sizes.authors < 20:
        raise UsageError(f"{sizes.posts} posts of {sizes.authors} authors is too small; ask for 100 and 20 or more")
    for name in ("posts.csv", "labels.csv"):
        if (out / name).exists():
            raise UsageError(f"{name!r} is in {out.name!r} already; name a new folder")
    demo = Demo()
    rng = np.random.default_rng(seed)
    posts = written_posts(people(sizes.authors, rng), sizes.posts, demo.loyalty, rng)
    zone = ZoneInfo(ZONES["pakistan"])
    table = pl.DataFrame({
        "msg_id": [str(number) for number in range(1, len(posts) + 1)],
        "member_id": [post.author.user_id for post in posts],
        "posted": [f"{post.at.astimezone(zone):%Y-%m-%d %H:%M:%S}" for post in posts],
        "message": [post.text for post in posts],
        "kind": [post.kind for post in posts],
        "home": [post.author.location for post in posts],
        "country_code": [_country(post.author) for post in posts],
        "likes": rng.poisson(5.0, len(posts)),
    })  # fmt: skip
    for name, frame in (("posts.csv", table), ("labels.csv", _labels(posts, sizes.coded, demo.coder_error, rng))):
        write_whole(out / name, frame.write_csv(line_terminator="\n").encode())
    return len(posts)


def _labels(posts: list[Post], coded: int, error: float, rng: np.random.Generator) -> pl.DataFrame:
    """One random sample of all posts; who is to train and who to measure is left to the study."""
    frame = pl.DataFrame({
        "post_id": [f"{PLATFORM}:{number}" for number in range(1, len(posts) + 1)],
        "true": [post.frame for post in posts],
        "side": ["all"] * len(posts),
        "week": ["posts"] * len(posts),
    })  # fmt: skip
    n = min(coded, len(posts))
    drawn = rng.choice(len(posts), size=n, replace=False)
    made = Coders(error, rng).code(frame, drawn, n / len(posts), "gold")
    return made.with_columns(role=pl.lit(None, dtype=pl.String))


def _country(author: Author) -> str:
    return _COUNTRY[author.side] if author.known_by in ("geo", "list") else ""
