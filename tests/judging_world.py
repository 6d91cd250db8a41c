"""Made-up labelled corpora of a known make-up, for the tests of judging: words without meaning, frames by cues."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from scipy.special import softmax

from discourse.corpus.posts import Corpus
from discourse.judging.baselines import Guess
from discourse.schema import FRAMES, POSTS

START = datetime(2025, 5, 1, tzinfo=UTC)
SYLLABLES = ("ba", "do", "ki", "lu", "mo", "na", "pe", "ri", "sa", "tu", "ve", "zo")
CUES = {
    "nationalist": ("fortress", "banner", "trench"), "conciliatory": ("handshake", "bridge", "truce"),
    "both": ("scales", "hinge", "mirror"), "neither": ("weather", "recipe", "cricket"),
}  # fmt: skip


def word(rng: np.random.Generator) -> str:
    return "".join(rng.choice(SYLLABLES, size=3))


def made(
    n: int, *, seed: int, authors: int | None = None, clarity: float = 0.9, shares: Any = None, **columns: Any
) -> tuple[Corpus, pl.DataFrame]:
    """A corpus of n posts and their labels: a post holds a cue of its frame with chance `clarity`, else of any frame.

    `columns` maps a column of posts to a function of (generator, frame, place) that gives its value.
    """
    rng = np.random.default_rng(seed)
    frames = rng.choice(FRAMES, size=n, p=shares if shares is not None else np.full(4, 0.25))
    rows = []
    for at, frame in enumerate(frames):
        cue = rng.choice(CUES[frame if rng.random() < clarity else rng.choice(FRAMES)])
        words = [word(rng) for _ in range(9)]
        words.insert(int(rng.integers(0, 9)), str(cue))
        text = " ".join(words)
        row: dict[str, Any] = {
            "post_id": f"x:{at:05}", "platform": "x", "author_id": f"a{at % (authors or n):05}", "text": text,
            "created_at": START + timedelta(hours=int(rng.integers(0, 2400))), "kind": "original", "lang": "en",
            "side": ("A", "B")[at % 2],
        }  # fmt: skip
        row |= {name: of(rng, str(frame), at) for name, of in columns.items()}
        rows.append(row | {"text_norm": row["text"].casefold()})
    posts = POSTS.frame(rows)
    return Corpus(posts), posts.select("post_id").with_columns(value=pl.Series(frames.tolist(), dtype=pl.String))


def guessed(
    authors: int, seed: int, *, shares: Any = (0.7, 0.06, 0.02, 0.22), heat: float = 1.0, second: float = 0.9
) -> tuple[pl.DataFrame, Guess, Guess]:
    """Posts of authors with heavy tails and leanings of their own, and two classifiers' guesses, the second worse.

    Errors of one author are alike, too. The logits of the first are divided by `heat`: at 1 it is nearly calibrated.
    """
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(authors), np.minimum(rng.zipf(2.2, authors), 12))
    lean = softmax(np.log(shares) + rng.normal(0, 1, (authors, 4))[place], axis=1)
    truth = (lean.cumsum(axis=1) > rng.random(len(place))[:, None]).argmax(axis=1)
    logits = np.log(shares) + 1.8 * np.eye(4)[truth] + rng.normal(0, 1, (len(place), 4))
    logits += rng.normal(0, 0.7, (authors, 4))[place]
    posts = pl.DataFrame({
        "author_id": np.char.add("a", place.astype(str)).tolist(), "value": np.array(FRAMES)[truth].tolist(),
    })  # fmt: skip
    one = softmax(logits / heat, axis=1)
    other = softmax(logits / heat + rng.normal(0, second, logits.shape), axis=1)
    return posts, Guess(one.argmax(axis=1), one), Guess(other.argmax(axis=1), other)
