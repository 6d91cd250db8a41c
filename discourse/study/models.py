"""A study and the registry: its classifier with its card, compared and promoted on the study's own gold labels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl

from discourse.errors import MeaningError, MissingData
from discourse.framing.store import load_model
from discourse.judging.behaviour import behaviour
from discourse.labels.labels import Labels
from discourse.registry.decision import Comparison, Decision, ShareOfBoth
from discourse.registry.facts import LIMITS, Facts, pass_rates, scores_of, training_facts
from discourse.registry.folder import Entry, current, entry, register, versions
from discourse.registry.loading import Registered, open_registered
from discourse.registry.overlap import overlap
from discourse.registry.promotion import compare, promote
from discourse.registry.seen import unseen
from discourse.schema import FRAMINGS
from discourse.store.saved import load_corpus, write_table
from discourse.study.stages import Desk, labels_of

__all__ = ["Pair", "compare_versions", "pair_of", "promote_version", "register_study"]

_MADE_UP = "Trained on made-up posts: it knows nothing of real ones."


@dataclass(frozen=True)
class Pair:
    """The version that is current and the one that would replace it."""

    incumbent: Registered
    candidate: Registered


def register_study(desk: Desk, models: Path, name: str) -> Entry:
    """The study's trained and judged classifier as the next version of `name`; current at once if it is the first.

    Raises `MissingData` when the stages up to `judge` have not run.
    """
    for file in ("model.safetensors", "scores.csv"):
        if not desk.path(file).is_file():
            raise MissingData(f"the study has no {file} yet; discourse evaluate STUDY.toml makes it")
    labels, measured = labels_of(desk), load_corpus(desk.path("measured"))
    labelled = labels.decided().join(measured.posts, on="post_id", how="inner")
    model = load_model(desk.path("model.safetensors"))
    desk.progress("behaviour", 0)
    made = register(model, models, name, Facts(
        training=training_facts(measured, labels.training, desk.key),
        codebook=_codebook(labels),
        evaluated=f"out of fold on {desk.study.folds} folds; no author and no repeated text on both sides of a fold",
        scores=scores_of(pl.read_csv(desk.path("scores.csv")), labelled),
        behaviour=pass_rates(behaviour(model).table),
        limits=(_MADE_UP, *LIMITS) if desk.study.corpus.made_up else LIMITS,
    ))  # fmt: skip
    if current(models, name) is None:
        promote(models, name, made.version, None)
    return made


def _codebook(labels: Labels) -> str:
    return labels.codebook.identity if labels.codebook is not None else "not said"


def pair_of(models: Path, name: str, candidate: str | None = None, incumbent: str | None = None) -> Pair:
    """Two versions, opened: the current one and the newest, unless others are named.

    Raises `MeaningError` when both are one version.
    """
    old = entry(models, name, incumbent).version
    new = candidate or versions(models, name)[-1]
    if new == old:
        raise MeaningError(
            f"{new} of {name!r} is the {'one' if candidate else 'newest'} that is current; "
            f"discourse retrain STUDY.toml --name {name} makes a candidate"
        )
    return Pair(open_registered(models, name, old), open_registered(models, name, new))


def compare_versions(desk: Desk, pair: Pair, margin: float = 0.02) -> Comparison:
    """Two versions on the gold labels of the study that neither has seen.

    Raises as `compare` does.
    """
    measured = load_corpus(desk.path("measured"))
    gold = labels_of(desk).gold.frame.join(measured.posts, on="post_id", how="semi")
    held, left_out = unseen(measured, gold, (pair.incumbent.card, pair.candidate.card), desk.key)
    desk.progress("compare", held.height)
    made = compare(pair.incumbent, pair.candidate, measured, held, key=desk.key, seed=desk.study.seed, margin=margin)
    return msgspec.structs.replace(made, left_out=left_out)


def promote_version(
    desk: Desk,
    models: Path,
    pair: Pair,
    *,
    margin: float = 0.02,
    reason: str | None = None,
    window: tuple[datetime | None, datetime | None] = (None, None),
) -> tuple[Decision, Path]:
    """Compare, frame the overlap by both, and make the candidate current; the decision and the file of the shares.

    The framings of the overlap go to the private folder. Raises `MeaningError`, with the numbers, when the candidate
    does not pass and no reason is written; then nothing is changed.
    """
    card = pair.candidate.card
    comparison = compare_versions(desk, pair, margin)
    shares: tuple[ShareOfBoth, ...] = ()
    file = desk.path(f"overlap-{card.name}-{pair.incumbent.card.version}-{card.version}.csv")
    if comparison.verdict == "promote" or (reason or "").strip():
        measured = load_corpus(desk.path("measured"))
        fresh, _ = unseen(
            measured, measured.posts.select("post_id"), (pair.incumbent.card, pair.candidate.card), desk.key
        )
        rest = measured.keep(
            pl.col("post_id").is_in(fresh["post_id"].implode()), "overlap", "neither model has seen them in training"
        )
        both = overlap(pair.incumbent.model, pair.candidate.model, rest, window, seed=desk.study.seed)
        write_table(FRAMINGS.require(both.framings), file.with_suffix(".parquet"))
        both.table.write_csv(file)
        shares = both.shares
    made = promote(models, card.name, card.version, comparison, reason=reason, overlap=shares)
    return made, file
