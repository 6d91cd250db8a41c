"""Whether a candidate may replace the incumbent: not worse by more than a margin anywhere, nor harder to correct.

Both predict the same held-out posts. Differences are taken replicate by replicate of one bootstrap over authors, so
what the two have in common cancels and posts of one author count as what they are. A candidate passes when the lower
95 % bound of its gain in macro-F1 is above minus the margin, over all posts and in every side and language with enough
authors, and when neither its counting bias nor the condition of its error correction is larger beyond noise. All of
this must hold, so a candidate that is truly worse somewhere passes with a chance of at most 5 %.

A difference that cannot be told from a loss refuses as well: the sentence says so, and how many labels would tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import binom

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.errors import MeaningError, UsageError
from discourse.estimators.rates import normalised
from discourse.labels.labels import GoldLabels
from discourse.poisson import poisson_weights
from discourse.registry.decision import Check, Comparison, Decision, ShareOfBoth
from discourse.registry.folder import add_decision, current, entry
from discourse.registry.loading import Registered
from discourse.registry.seen import seen_in_training
from discourse.schema import ABSTAIN, FRAMES, as_polars

__all__ = ["FRAME_AUTHORS", "GROUP_AUTHORS", "compare", "compare_predictions", "promote"]

GROUP_AUTHORS: Final = 30
"""A side or language with fewer authors of held-out posts decides nothing."""
GROUP_MARGIN: Final = 2.5
"""How many times the margin a side or language may lose: its interval is wider, and there are seven of them."""
FRAME_AUTHORS: Final = 10
"""A frame that fewer authors of a group carry is left out of the group's macro-F1."""
_LEVEL: Final = 0.95
_ROUND: Final = 5
_PREDICTED: Final = (*FRAMES, ABSTAIN)

Floats = npt.NDArray[np.float64]


def compare(
    incumbent: Registered,
    candidate: Registered,
    corpus: Corpus,
    labels: GoldLabels | pl.DataFrame,
    *,
    key: Key,
    seed: int,
    margin: float = 0.02,
    replicates: int = 2000,
) -> Comparison:
    """Two registered models on held-out labelled posts of a corpus.

    `labels` has post_id and value, and inclusion_p where posts were drawn with different chances: they are weighted by
    its inverse. `key` is that of the corpus; with it the cards tell whether a post, its author or its text was trained
    on. Raises `MeaningError` when one was (leave them out with `unseen`), when a card cannot tell, when a label belongs
    to no post or a post has two, and when fewer than 30 authors are left.

    >>> compare(None, None, None, pl.DataFrame({"post_id": ["x:1"] * 2}), key=Key.made_up("demo"), seed=7)
    Traceback (most recent call last):
    discourse.errors.MeaningError: the labels hold a post more than once; settle them to one label a post first
    """
    held = as_polars(labels.frame if isinstance(labels, GoldLabels) else labels)
    if held["post_id"].is_duplicated().any():
        raise MeaningError("the labels hold a post more than once; settle them to one label a post first")
    joined = held.join(corpus.posts, on="post_id", how="inner", validate="1:1").sort("post_id")
    if joined.height < held.height:
        raise MeaningError(f"{held.height - joined.height} of {held.height} labelled posts are not in this corpus")
    for one in (incumbent, candidate):
        seen = int(seen_in_training(corpus, joined, one.card, key).sum())
        if seen:
            raise MeaningError(
                f"{one.card.name} {one.card.version} saw {seen} of {joined.height} held-out posts, their authors or "
                "their texts in training; leave them out with unseen(corpus, labels, cards, key)"
            )
    posts = Corpus(joined.select(corpus.posts.columns))
    table = joined.select("author_id", "lang", "side", "value").with_columns(
        weight=_design_weights(joined),
        incumbent=incumbent.model.predict(posts).table["predicted"],
        candidate=candidate.model.predict(posts).table["predicted"],
    )
    who = (incumbent.card.model_sha256, candidate.card.model_sha256)
    return compare_predictions(table, who=who, seed=seed, margin=margin, replicates=replicates)


def _design_weights(joined: pl.DataFrame) -> pl.Series:
    if "inclusion_p" not in joined.columns or joined["inclusion_p"].null_count() == joined.height:
        return pl.Series([1.0] * joined.height, dtype=pl.Float64)
    chance = joined["inclusion_p"]
    if not chance.is_between(0, 1, closed="right").fill_null(value=False).all():
        raise MeaningError("some labelled posts have an inclusion_p and others none in (0, 1]; give all of them one")
    weight = 1.0 / chance
    return weight / weight.mean()


def compare_predictions(
    table: pl.DataFrame,
    *,
    who: tuple[str, str] = ("", ""),
    seed: int,
    margin: float = 0.02,
    replicates: int = 2000,
) -> Comparison:
    """The comparison from predictions side by side: n rows, one a held-out post.

    `table` has author_id, lang, side, value (the true frame), weight, incumbent and candidate (predicted frames or
    `abstain`); `who` names the two models by the SHA-256 of their files.

    Forty authors with one post each; the candidate knows one frame better:

    >>> table = pl.DataFrame({"author_id": [f"a{i}" for i in range(40)], "value": ["both", "neither"] * 20,
    ...                       "incumbent": ["neither"] * 40, "candidate": ["both", "neither"] * 20})
    >>> table = table.with_columns(lang=pl.lit("en"), side=pl.lit(None, pl.String), weight=1.0)
    >>> made = compare_predictions(table, seed=7, replicates=200)
    >>> made.verdict, [round(one.difference, 2) for one in made.checks if one.what == "macro_f1"]
    ('promote', [0.67, 0.67])
    """
    if not 0.0 <= margin < 1.0:
        raise UsageError(f"margin is {margin}; it must be from 0 to below 1, like 0.02")
    if replicates < 200:
        raise UsageError(f"replicates is {replicates}; a bound needs at least 200 (2000 is the default)")
    table = table.sort("author_id", "value", "incumbent", "candidate", "lang", "side", "weight")
    whole = _Pair.of(table, replicates, seed)
    if whole.authors < GROUP_AUTHORS or len(whole.frames) < 2:
        raise MeaningError(
            f"the held-out posts are of {whole.authors} authors and have {len(whole.frames)} frames that "
            f"{FRAME_AUTHORS} authors carry; a comparison needs {GROUP_AUTHORS} authors and 2 such frames: label more"
        )
    checks = [whole.macro_f1("all", margin)]
    for column in ("side", "lang"):
        for value in table[column].drop_nulls().unique().sort():
            part = _Pair.of(table.filter(pl.col(column) == value), replicates, seed)
            if part.authors >= FRAME_AUTHORS and len(part.frames) >= 1:
                checks.append(part.macro_f1(f"{column}={value}", margin * GROUP_MARGIN))
    checks += whole.correction()
    right = [table[name] == table["value"] for name in ("incumbent", "candidate")]
    only = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    return Comparison(
        incumbent=who[0], candidate=who[1], margin=float(margin), level=_LEVEL, replicates=replicates, seed=seed,
        posts=_rounded(table.height), authors=_rounded(whole.authors), left_out=0, only_incumbent_right=only[0],
        only_candidate_right=only[1], mcnemar_p=_mid_p(*only), checks=tuple(checks),
    )  # fmt: skip


@dataclass(frozen=True)
class _Pair:
    """Confusion counts (1 + b replicates, k true, k + 1 predicted) of both models on one group of posts."""

    incumbent: Floats
    candidate: Floats
    frames: tuple[int, ...]  # those that enough authors carry
    posts: int
    authors: int

    @classmethod
    def of(cls, table: pl.DataFrame, replicates: int, seed: int) -> _Pair:
        authors = table["author_id"].unique().sort()
        weights = np.ones((len(authors), 1 + replicates))
        weights[:, 1:] = poisson_weights(authors.to_list(), replicates, seed)
        made = [_counts(table, name, authors, weights) for name in ("incumbent", "candidate")]
        carried = dict(table.group_by("value").agg(pl.col("author_id").n_unique()).rows())
        frames = tuple(i for i, frame in enumerate(FRAMES) if carried.get(frame, 0) >= FRAME_AUTHORS)
        return cls(made[0], made[1], frames, table.height, len(authors))

    def macro_f1(self, group: str, margin: float) -> Check:
        """The gain in macro-F1 over the frames that enough authors carry."""
        old, new = (_macro_f1(one, self.frames) for one in (self.incumbent, self.candidate))
        judged = self.authors >= GROUP_AUTHORS and len(self.frames) >= 2
        low, high = _bounds(new - old, 1.0 - _LEVEL)
        passed = bool(low > -margin)
        said = _about_f1(group, (new - old)[0], (low, high), margin, self.posts)
        if not judged:
            said = f"macro-F1 of {group} decides nothing: {GROUP_AUTHORS} authors and 2 frames are needed"
        return self._check("macro_f1", group, (old, new), (low, high), (judged, passed, said))

    def correction(self) -> list[Check]:
        """The counting bias of each frame and the condition of the error correction, none larger beyond noise."""
        tail = (1.0 - _LEVEL) / (len(self.frames) + 1)
        made = []
        for frame in self.frames:
            old, new = (np.abs(_counting_bias(one)[:, frame]) for one in (self.incumbent, self.candidate))
            low, high = _bounds(new - old, tail)
            said = (
                f"the counting bias of {FRAMES[frame]} {'grows' if low > 0 else 'does not grow beyond noise'}: "
                f"{old[0]:.3f} to {new[0]:.3f} (difference {low:+.3f} to {high:+.3f})"
            )
            result = (True, bool(low <= 0), said)
            made.append(self._check(f"cc_bias {FRAMES[frame]}", "all", (old, new), (low, high), result))
        old, new = (_condition(one, self.frames) for one in (self.incumbent, self.candidate))
        low, high = _bounds(np.log(new) - np.log(old), tail)
        said = (
            f"the condition number of the error correction {'grows' if low > 0 else 'does not grow beyond noise'}: "
            f"{old[0]:.2f} to {new[0]:.2f} (factor {np.exp(low):.2f} to {np.exp(high):.2f})"
        )
        bounds = _bounds(new - old, tail)
        return [*made, self._check("condition", "all", (old, new), bounds, (True, bool(low <= 0), said))]

    def _check(
        self,
        what: str,
        group: str,
        values: tuple[Floats, Floats],
        bounds: tuple[float, float],
        result: tuple[bool, bool, str],
    ) -> Check:
        old, new = float(values[0][0]), float(values[1][0])
        return Check(
            what=what, group=group, incumbent=old, candidate=new, difference=new - old, low=bounds[0], high=bounds[1],
            posts=_rounded(self.posts), authors=_rounded(self.authors), judged=result[0], passed=result[1],
            said=result[2],
        )  # fmt: skip


def _counts(table: pl.DataFrame, model: str, authors: pl.Series, weights: Floats) -> Floats:
    """Weighted counts of true x predicted in each replicate: (1 + b, k, k + 1)."""
    k, m = len(FRAMES), len(_PREDICTED)
    true = table["value"].replace_strict(list(FRAMES), list(range(k)), return_dtype=pl.Int64).to_numpy()
    made = table[model].replace_strict(list(_PREDICTED), list(range(m)), return_dtype=pl.Int64).to_numpy()
    who = table["author_id"].replace_strict(authors, np.arange(len(authors)), return_dtype=pl.Int64).to_numpy()
    place = who * (k * m) + true * m + made
    cells = np.bincount(place, weights=table["weight"].to_numpy(), minlength=len(authors) * k * m)
    counted: Floats = (weights.T @ cells.reshape(len(authors), k * m)).reshape(-1, k, m)
    return counted


def _macro_f1(counts: Floats, frames: tuple[int, ...]) -> Floats:
    """Mean F1 of some frames in each replicate; a frame that a replicate does not hold is left out of it.

    Both models share the truth, so they share the frames; an abstention is a miss and nobody's prediction.
    """
    true, predicted = counts.sum(axis=2), counts.sum(axis=1)
    hit = np.diagonal(counts[:, :, : len(FRAMES)], axis1=1, axis2=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(true > 0, 2.0 * hit / (true + predicted[:, : len(FRAMES)]), np.nan)[:, list(frames)]
    known = np.isfinite(f1)
    made: Floats = np.where(known, f1, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known.any(axis=1), made, np.nan)


def _counting_bias(counts: Floats) -> Floats:
    """Share of each frame as predicted (abstentions left out) minus its true share, (1 + b, k)."""
    predicted, true = counts.sum(axis=1)[:, : len(FRAMES)], counts.sum(axis=2)
    made: Floats = normalised(predicted) - normalised(true)
    return made


def _condition(counts: Floats, frames: tuple[int, ...]) -> Floats:
    """Condition number of P(predicted | true) over some frames in each replicate.

    Half a count is added to every cell, so that a cell of nothing does not make it infinite.
    """
    rows = counts[:, list(frames), :] + 0.5
    made: Floats = np.linalg.cond(normalised(rows))
    return made


def _bounds(replicates: Floats, tail: float) -> tuple[float, float]:
    """Lower and upper bounds with `tail` beyond each, from replicates 1 to b (column 0 is the sample)."""
    known = replicates[1:][np.isfinite(replicates[1:])]
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return float(low), float(high)


def _about_f1(group: str, gain: float, bounds: tuple[float, float], margin: float, posts: int) -> str:
    low, high = bounds
    start = f"macro-F1 of {group} changes by {gain:+.3f} ({low:+.3f} to {high:+.3f}; margin {margin:.3f})"
    if low > -margin:
        return f"{start}: not worse"
    if high < 0:
        return f"{start}: it falls"
    half = max(gain - low, 1e-9)
    if margin <= 0:
        return f"{start}: a fall cannot be ruled out"
    needed = int(np.ceil(posts * (half / margin) ** 2 / 100.0) * 100)
    return f"{start}: a fall cannot be ruled out; about {needed:,} held-out labels would tell models that are equal"


def _mid_p(one: int, other: int) -> float:
    """McNemar's mid-p value of two counts of discordant posts.

    Source: Fagerland, Lydersen and Laake (2013), *The McNemar Test for Binary Matched-Pairs Data*.
    """
    n, least = one + other, min(one, other)
    if n == 0:
        return 1.0
    return float(min(1.0, 2.0 * binom.cdf(least, n, 0.5)) - binom.pmf(least, n, 0.5))


def _rounded(count: int) -> int:
    return _ROUND * round(count / _ROUND)


def promote(
    folder: str | Path,
    name: str,
    version: str,
    comparison: Comparison | None,
    *,
    reason: str | None = None,
    overlap: tuple[ShareOfBoth, ...] = (),
    at: datetime | None = None,
) -> Decision:
    """Make a version current, if the comparison with the one that is current allows it; returns the decision.

    The first version of a name needs no comparison. Against the comparison a written `reason` is needed, and the
    history keeps it with the numbers. Raises `MeaningError` when the comparison says keep and no reason is given, when
    it is missing or of other models, and when the version is current already.

    >>> import tempfile
    >>> from discourse import FramingClassifier
    >>> from discourse.registry.facts import Facts
    >>> from discourse.registry.folder import register
    >>> model = FramingClassifier(seed=7, least=1).fit(["peace talks", "our soil"], ["conciliatory", "nationalist"])
    >>> with tempfile.TemporaryDirectory() as models:
    ...     made = register(model, models, "framing", Facts(training=None, codebook="framing 2"))
    ...     promote(models, "framing", "v1", None).decision
    'first'
    """
    found, now = entry(folder, name, version), current(folder, name)
    said = (reason or "").strip()
    decision: Literal["first", "promoted", "override"] = "first"
    if now is not None:
        if now.version == version:
            raise MeaningError(f"{version} of {name!r} is current already, since {now.at}")
        _check_same(comparison, (now.model_sha256, found.card.model_sha256), f"{version} of {name!r}", now.version)
        allowed = comparison is not None and comparison.verdict == "promote"
        decision = "promoted" if allowed else "override"
        if not allowed and not said:
            numbers = "; ".join(comparison.reasons) if comparison is not None else "there is no comparison"
            raise MeaningError(
                f"{version} of {name!r} does not replace {now.version}: {numbers}; an override needs a written reason "
                "(--reason), which the history keeps"
            )
    elif not said:
        said = "the first model of this name"
    moment = (at or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = Decision(
        number=0, at=moment, version=version, model_sha256=found.card.model_sha256, card_sha256=found.card_sha256,
        decision=decision, reason=said or _in_short(comparison),
        incumbent=None if now is None else now.version, comparison=comparison, overlap=overlap, previous="",
    )  # fmt: skip
    return add_decision(folder, name, made, incumbent=None if now is None else now.version)


def _in_short(comparison: Comparison | None) -> str:
    """The reason of a promotion that the comparison allows: its first check, and how many others passed."""
    judged = [one for one in comparison.checks if one.judged] if comparison is not None else []
    return f"{judged[0].said}; {len(judged) - 1} other checks passed" if judged else ""


def _check_same(comparison: Comparison | None, wanted: tuple[str, str], what: str, incumbent: str) -> None:
    if comparison is not None and (comparison.incumbent, comparison.candidate) != wanted:
        raise MeaningError(f"the comparison is not of {what} with {incumbent}, which is current; compare again")
