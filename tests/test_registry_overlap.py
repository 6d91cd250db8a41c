"""The overlap of two models: counts by hand, intervals over authors, and no series of two models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.labels.labels import Labels
from discourse.measure.timeline import observe
from discourse.registry.overlap import overlap
from discourse.schema import FRAMES, FRAMINGS, POSTS

WHEN = datetime(2025, 1, 6, tzinfo=UTC)


def corpus_of(count: int, authors: int) -> Corpus:
    return Corpus(POSTS.frame([
        {"post_id": f"x:9{number:05}", "platform": "x", "author_id": f"x:a{number % authors}", "kind": "original",
         "created_at": WHEN + timedelta(hours=number), "text": "t", "text_norm": "t",
         "side": ("pakistan", None)[number % authors < 5]}
        for number in range(count)
    ]))  # fmt: skip


def oracle(name: str, frames: dict[str, str], otherwise: str) -> Any:
    """A model that frames posts by their ids: no classifier is needed to count what two of them say."""

    def predict(corpus: Corpus) -> Any:
        ids = corpus.posts["post_id"]
        said = [frames.get(one, otherwise) for one in ids]
        table = FRAMINGS.frame(pl.DataFrame({"post_id": ids, "model": name, "predicted": said}))
        return SimpleNamespace(table=table)

    return SimpleNamespace(model_id=name, predict=predict)


def test_shares_and_what_is_alike_are_as_by_hand() -> None:
    """Of 40 posts one model calls the first 10 nationalist, the other posts 5 to 19; all others are neither."""
    corpus = corpus_of(40, 40)
    old = oracle("a@1", {f"x:9{number:05}": "nationalist" for number in range(10)}, "neither")
    new = oracle("a@2", {f"x:9{number:05}": "nationalist" for number in range(5, 20)}, "neither")
    made = overlap(old, new, corpus, seed=7, replicates=400)
    row = made.table.filter(group="all", frame="nationalist").row(0, named=True)
    assert (row["incumbent"], row["candidate"], row["difference"]) == (0.25, 0.375, 0.125)
    assert row["alike"] == 5 / 20
    assert (row["posts"], row["authors"]) == (40, 40)
    assert made.table.filter(group="all", frame="both")["alike"].item() == 1.0
    # Paired: per post the difference is -1, 0 or 1, with variance (5 + 10) / 40 - 1 / 64.
    spread = 1.96 * np.sqrt((15 / 40 - 1 / 64) / 40)
    assert row["high"] - row["low"] == pytest.approx(2 * spread, rel=0.15)
    assert row["low"] < 0.125 < row["high"]


def test_groups_of_few_authors_have_no_row() -> None:
    corpus = corpus_of(60, 20)  # five authors have no side
    made = overlap(oracle("a@1", {}, "both"), oracle("a@2", {}, "neither"), corpus, seed=7, replicates=50)
    assert made.table["group"].unique().sort().to_list() == ["all", "side=pakistan"]
    assert made.table.height == 2 * len(FRAMES)


def test_abstentions_are_left_out_of_shares() -> None:
    corpus = corpus_of(40, 40)
    some = oracle("a@1", {f"x:9{number:05}": "abstain" for number in range(20)}, "both")
    made = overlap(some, oracle("a@2", {}, "both"), corpus, seed=7, replicates=50)
    row = made.table.filter(group="all", frame="both").row(0, named=True)
    assert (row["incumbent"], row["candidate"], row["alike"]) == (1.0, 1.0, 0.5)


def test_only_the_window_is_framed_and_its_end_is_left_out() -> None:
    corpus = corpus_of(48, 48)
    old, new = oracle("a@1", {}, "both"), oracle("a@2", {}, "both")
    window = (WHEN + timedelta(hours=5), WHEN + timedelta(hours=30))
    made = overlap(old, new, corpus, window, seed=7, replicates=50)
    assert made.framings.height == 2 * 25
    assert overlap(old, new, corpus, (None, window[0]), seed=7, replicates=50).framings.height == 2 * 5
    assert overlap(old, new, corpus, (window[1], None), seed=7, replicates=50).framings.height == 2 * 18


def test_the_order_of_posts_changes_nothing_and_the_seed_the_interval(tiny_corpus: Corpus) -> None:
    old, new = (
        oracle("a@1", {}, "both"),
        oracle("a@2", dict.fromkeys(tiny_corpus.posts["post_id"][::3], "both"), "neither"),
    )
    before = tiny_corpus.posts.clone()
    made = overlap(old, new, tiny_corpus, seed=7, replicates=50)
    mixed = overlap(
        old, new, Corpus(tiny_corpus.posts.sample(fraction=1.0, shuffle=True, seed=1)), seed=7, replicates=50
    )
    assert made.shares == mixed.shares
    assert made.framings.equals(mixed.framings)
    assert tiny_corpus.posts.equals(before)
    other = overlap(old, new, tiny_corpus, seed=8, replicates=50)
    assert other.table["difference"].equals(made.table["difference"])
    assert not other.table["low"].equals(made.table["low"])


@pytest.mark.parametrize(
    ("window", "error", "said"),
    [
        ((WHEN, WHEN), UsageError, "the overlap ends before it begins"),
        ((datetime(2025, 1, 6), None), UsageError, "needs its zone"),
        ((WHEN + timedelta(days=99), None), MeaningError, "no post lies in the overlap; widen its window"),
    ],
)
def test_a_window_that_is_none_is_refused(window: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        overlap(oracle("a@1", {}, "both"), oracle("a@2", {}, "both"), corpus_of(20, 20), window, seed=7)


def test_one_model_has_no_overlap_with_itself() -> None:
    with pytest.raises(MeaningError, match=r"^both models are a@1; an overlap needs two$"):
        overlap(oracle("a@1", {}, "both"), oracle("a@1", {}, "both"), corpus_of(20, 20), seed=7)


@pytest.fixture(scope="module")
def two(tiny_measured: Corpus, tiny_labels: Labels, tiny_model: FramingClassifier) -> tuple[Any, Corpus]:
    other = FramingClassifier(seed=8, c=0.3).fit(tiny_measured, tiny_labels.training)
    return overlap(tiny_model, other, tiny_measured, seed=7, replicates=50), tiny_measured


def test_a_series_of_both_models_is_refused_and_of_one_is_not(two: tuple[Any, Corpus]) -> None:
    made, corpus = two
    first, _ = made.framings["model"].unique().sort()
    half = corpus.posts["post_id"].sort()[: len(corpus) // 2]
    of_first = pl.col("post_id").is_in(half.implode())
    spliced = made.framings.filter(of_first == (pl.col("model") == first))
    assert spliced.height == len(corpus)
    assert not spliced["post_id"].is_duplicated().any()
    for framings in (spliced, made.framings):
        with pytest.raises(MeaningError, match=r"framings are of 2 models; a series never splices them"):
            observe(corpus.posts, framings)
    assert observe(corpus.posts, made.framings.filter(model=first)).height == len(corpus)


def test_shares_are_those_of_the_framings(two: tuple[Any, Corpus], tiny_model: FramingClassifier) -> None:
    made, corpus = two
    assert made.framings.height == 2 * len(corpus)
    is_old = pl.col("model") == tiny_model.model_id
    for side in ("pakistan", "afghanistan"):
        ids = corpus.posts.filter(side=side)["post_id"]
        part = made.framings.filter(pl.col("post_id").is_in(ids.implode()))
        for frame in FRAMES:
            shown = made.table.filter(group=f"side={side}", frame=frame).row(0, named=True)
            for column, of in (("incumbent", is_old), ("candidate", ~is_old)):
                assert shown[column] == pytest.approx((part.filter(of)["predicted"] == frame).mean(), abs=1e-12)
