"""Can the label be told without reading the post? Probes that see only where it stands, its hashtags, or its mentions.

If a platform, an hour or a hashtag tells the frame about as well as the classifier does, the classifier may have learnt
the source and not the stance, and its scores will not hold elsewhere.

Letters of shapes: n labelled posts, k frames.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import regex
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from discourse.corpus.posts import Corpus
from discourse.errors import DiscourseWarning
from discourse.framing.classifier import FramingClassifier
from discourse.judging.baselines import Guess, fitted_guess, majority_guess, out_of_fold
from discourse.judging.curve import rare_pole
from discourse.judging.evaluate import checked_splits
from discourse.judging.intervals import interval_of
from discourse.judging.splits import Split, labelled_posts
from discourse.judging.values import MIN_AUTHORS, Judged, Part, ends, matrices
from discourse.schema import FRAMES
from discourse.text.noise import HASHTAG, MENTION, URL

__all__ = ["Confounds", "confound_probe"]

ENOUGH: Final = 0.5
"""A probe with this share of the classifier's skill is warned of."""
PROBES: Final = ("metadata", "hashtags", "mentions")
_MASKED: Final = "classifier without hashtags"
_NONE: Final = "(none)"
_COLUMNS: Final[dict[str, Any]] = {
    "probe": pl.String, "posts": pl.Int64, "macro_f1": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "gain": pl.Float64, "gain_low": pl.Float64, "gain_high": pl.Float64, "rare_ap": pl.Float64, "rare_low": pl.Float64,
    "rare_high": pl.Float64, "skill": pl.Float64, "skill_low": pl.Float64, "skill_high": pl.Float64,
    "share": pl.Float64, "flagged": pl.Boolean,
}  # fmt: skip

Floats = npt.NDArray[np.float64]
_PATTERNS: Final = {
    "hashtags": regex.compile(HASHTAG),
    "mentions": regex.compile(MENTION),
    "links": regex.compile(URL, regex.IGNORECASE),
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Confounds:
    """How well the frame is told without reading, one row a probe in `table`, beside the classifier and the majority.

    Columns: probe, posts (that have a hashtag or mention), macro_f1 with low and high, gain over the majority with its
    interval, rare_ap (average precision of the `rare` pole; its share of posts is what knowing nothing gives), skill
    (macro-F1 less what the same predictions would get if they were dealt out blindly) with its interval, share (of
    the classifier's skill) and flagged.

    >>> Confounds(pl.DataFrame(schema=_COLUMNS), "conciliatory").flagged
    ()
    """

    table: pl.DataFrame
    rare: str

    @property
    def flagged(self) -> tuple[str, ...]:
        """The probes that tell the frame at least half as well as the classifier does."""
        return tuple(self.table.filter("flagged")["probe"])

    def __repr__(self) -> str:
        lines = [
            f"  {row['probe']}: macro-F1 {row['macro_f1']:.3f}, skill {row['skill']:.3f}"
            + ("" if row["share"] is None else f", {row['share']:.0%} of the classifier's")
            + (" - flagged" if row["flagged"] else "")
            for row in self.table.to_dicts()
        ]
        return "\n".join(["Confounds, what tells the frame out of fold:", *lines])


def confound_probe(
    model: FramingClassifier,
    corpus: Corpus,
    labels: pl.DataFrame,
    *,
    seed: int,
    folds: int = 5,
    replicates: int = 1000,
    progress: Callable[[int], None] | None = None,
) -> Confounds:
    """Whether the frame of labelled posts can be told, in the folds of `evaluate`, by what is not the text.

    Three probes (balanced logistic regressions): "metadata" sees platform, side, kind, length, number of links and
    hour (UTC); "hashtags" only the hashtags; "mentions" only whom the post mentions. "classifier without hashtags" is
    the recipe of `model` trained and tested on texts whose hashtags are taken out.

    A probe is flagged, and warned of (`DiscourseWarning`), when its skill is above 0 beyond chance (the low end of its
    95 % interval over authors) and at least half of the classifier's. Raises and warns as `evaluate` does; `progress`
    is called with 1 a fold.

    >>> from datetime import datetime, timezone
    >>> from discourse.schema import POSTS
    >>> texts = ["peace talks for Kabul", "peace and bread", "talks, not war", "we want peace", "defend our soil",
    ...          "our soil, our honour", "the soil of martyrs", "soil and honour"]
    >>> posts = POSTS.frame([{"post_id": f"x:{i}", "platform": "x", "author_id": f"a{i}", "text": text, "kind": "reply",
    ...                       "text_norm": text, "created_at": datetime(2025, 1, 1, tzinfo=timezone.utc)}
    ...                      for i, text in enumerate(texts)])
    >>> values = ["conciliatory"] * 4 + ["nationalist"] * 4
    >>> labels = pl.DataFrame({"post_id": [f"x:{i}" for i in range(8)], "value": values})
    >>> model = FramingClassifier(seed=7, least=1)
    >>> confound_probe(model, Corpus(posts), labels, seed=7, folds=2, replicates=9).flagged
    ()
    """
    posts = labelled_posts(corpus, labels)
    splits, _ = checked_splits(posts, seed=seed, folds=folds)
    seen = {name: _seen(posts, name) for name in PROBES}
    _, said = out_of_fold(partial(_everything, model, posts, seen), splits, progress)
    judged = Judged.of(posts, seed=seed, replicates=replicates)
    part, rare = judged.part(), rare_pole(posts["value"])
    skills = {name: _skill(judged, guess, part) for name, guess in said.items()}
    values = {name: judged.values(name, guess, part) for name, guess in said.items()}
    best, rows = float(skills["classifier"][0]), []
    for name, skill in skills.items():
        macro = values[name]["macro_f1", "all"]
        precision = ends("average_precision", values[name]["average_precision", rare])
        if part.writers[FRAMES.index(rare)] < MIN_AUTHORS:
            precision = (precision[0], None, None)
        known, share = interval_of(skill), float(skill[0]) / best if best > 0 else None
        flagged = name in PROBES and known[1] is not None and known[1] > 0 and skill[0] >= ENOUGH * best
        gain = interval_of(macro - values["majority"]["macro_f1", "all"])
        have = sum(bool(tags) for tags in seen[name]) if name in ("hashtags", "mentions") else posts.height
        rows.append((name, have, *interval_of(macro), *gain, *precision, *known, share, flagged))
    found = Confounds(pl.DataFrame(rows, schema=_COLUMNS, orient="row"), rare)
    for name in found.flagged:
        warnings.warn(_warning(name, skills[name][0], best), DiscourseWarning, stacklevel=2)
    return found


def _warning(name: str, skill: float, best: float) -> str:
    than = f"{skill / best:.0%} of the classifier's skill" if best > 0 else "more skill than the classifier"
    return (
        f"{name} alone tell the frame with {than}: the classifier may have learnt the source and not the stance; "
        "label posts of each frame from the same sources"
    )


def _everything(model: Any, posts: pl.DataFrame, seen: dict[str, Any], split: Split) -> dict[str, Guess]:
    known = posts[split.train]["value"].to_list()
    bare = posts.with_columns(
        pl.Series("text_norm", [_PATTERNS["hashtags"].sub(" ", text or "") for text in posts["text_norm"]])
    )
    made = {
        "classifier": fitted_guess(model, posts[split.train], known, posts[split.test]),
        _MASKED: fitted_guess(model, bare[split.train], known, bare[split.test]),
    }
    for name in PROBES:
        train, test = ([seen[name][at] for at in place] for place in (split.train, split.test))
        made[name] = fitted_guess(_probe(name), train, known, test)
    return made | {"majority": majority_guess(known, len(split.test))}


def _probe(name: str) -> Pipeline:
    reader: Any = CountVectorizer(analyzer=_or_none, binary=True)
    if name == "metadata":
        reader = OneHotEncoder(handle_unknown="ignore")
    return Pipeline([
        ("seen", reader), ("logistic", LogisticRegression(class_weight="balanced", solver="newton-cg", max_iter=1000)),
    ])  # fmt: skip


def _seen(posts: pl.DataFrame, name: str) -> list[list[str]]:
    """What a probe sees of n posts: values of fixed columns, or the hashtags or mentions in small letters."""
    if name != "metadata":
        return [sorted({tag.casefold() for tag in _PATTERNS[name].findall(text)}) for text in posts["text"]]
    links = [len(_PATTERNS["links"].findall(text)) for text in posts["text"]]
    rows = posts.select("platform", "side", "kind", "text", hour=pl.col("created_at").dt.hour() // 3).rows()
    return [
        [str(platform), str(side), str(kind), str(int(2 * np.log2(1 + len(text)))), str(min(links[at], 2)), str(hour)]
        for at, (platform, side, kind, text, hour) in enumerate(rows)
    ]


def _or_none(tags: Sequence[str]) -> list[str]:
    """The hashtags or mentions of a post, or a word for having none."""
    return list(tags) or [_NONE]


def _skill(judged: Judged, guess: Guess, part: Part) -> Floats:
    """Macro-F1 less that of the same predictions dealt out blindly, in all replicates (1 + b,).

    A blind dealer who says a frame with share p hits one of share t with chance t p: F1 of 2 t p / (t + p).
    """

    def of(weights: Floats) -> Floats:
        matrix = matrices(part.truth, guess.predicted, weights)
        total = np.maximum(matrix.sum(axis=(1, 2)), 1e-300)[:, None]
        hit = np.diagonal(matrix, axis1=1, axis2=2) / total
        true, said = matrix.sum(axis=2) / total, matrix[..., : len(FRAMES)].sum(axis=1) / total
        both = np.maximum(true + said, 1e-300)
        made: Floats = (2 * (hit - true * said) / both)[:, part.averaged].mean(axis=1)
        return made

    return judged.draws.values(of)
