"""The learning curve: nested cuts of whole groups, always tested on all, rising where there is something to learn."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import polars as pl
import pytest
from judging_world import made

from discourse.errors import UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.judging import curve
from discourse.judging.curve import learning_curve, rare_pole
from discourse.judging.evaluate import checked_splits, evaluate
from discourse.judging.splits import groups_by, labelled_posts
from discourse.schema import FRAMES

MODEL = FramingClassifier(seed=1, beside=())


class Memo(FramingClassifier):
    """Notes what it was trained on; says what most of it was."""

    seen: list[list[str]] = []  # noqa: RUF012

    def fit(self, X: pl.DataFrame, y: list[str]) -> Memo:  # type: ignore[override]
        Memo.seen.append(X["post_id"].to_list())
        self.classes_ = np.array(sorted(FRAMES))
        self.most_ = max(sorted(set(y)), key=y.count)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.full(len(X), self.most_)

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.tile((self.classes_ == self.most_).astype(float), (len(X), 1))


def test_cuts_are_nested_whole_groups_of_the_training_part_and_hang_on_the_seed() -> None:
    corpus, labels = made(240, seed=2, authors=80)
    posts = labelled_posts(corpus, labels)
    groups, author = groups_by(posts).to_numpy(), posts["author_id"].to_list()
    (split, *_), _ = checked_splits(posts, seed=3, folds=4)
    order = curve._order(posts, 3)
    cuts = [curve._cut(split, order, groups, size) for size in (10, 40, 100, 500)]
    assert sorted(order) == list(range(240))
    for size, cut in zip((10, 40, 100), cuts, strict=False):
        assert size <= len(cut.train) < size + 4
        inside = set(cut.train.tolist())
        assert inside <= set(split.train.tolist())
        assert not {author[at] for at in inside} & {author[at] for at in set(split.train.tolist()) - inside}
        assert cut.test.tolist() == split.test.tolist()
    assert cuts[3] is split
    for small, large in itertools.pairwise(cuts):
        assert set(small.train.tolist()) < set(large.train.tolist())
    assert (curve._order(posts, 3) == order).all()
    assert (curve._order(posts, 4) != order).any()
    mixed = posts.sample(fraction=1.0, shuffle=True, seed=1)
    names = posts["post_id"].to_list()
    assert [mixed["post_id"][int(at)] for at in curve._order(mixed, 3)] == [names[at] for at in order]


def test_the_last_row_is_the_evaluation_itself() -> None:
    corpus, labels = made(160, seed=2, clarity=0.8)
    table = learning_curve(MODEL, corpus, labels, seed=3, folds=2, replicates=20)
    whole = evaluate(MODEL, corpus, labels, seed=3, folds=2, replicates=20).scores.filter(
        (pl.col("model") == "classifier") & (pl.col("group") == "all")
    )
    known = {(row["metric"], row["class"]): row["estimate"] for row in whole.iter_rows(named=True)}
    last = table.row(-1, named=True)
    assert last["n"] == 80
    assert last["macro_f1"] == pytest.approx(known["macro_f1", "all"])
    assert last["rare_ap"] == pytest.approx(known["average_precision", last["rare"]])
    assert table["n"].to_list() == [20, 40, 80]
    assert table["tested"].to_list() == [160] * 3
    assert table["authors"].to_list() == [20, 40, 80]
    assert table["gain"][0] is None
    assert table["gain"][2] == pytest.approx(table["macro_f1"][2] - table["macro_f1"][1])


def test_it_rises_where_there_is_something_to_learn_and_not_where_there_is_nothing() -> None:
    kept = {}
    for name, clarity in (("clear", 0.95), ("noise", 0.0)):
        corpus, labels = made(400, seed=4, clarity=clarity)
        kept[name] = learning_curve(MODEL, corpus, labels, seed=1, sizes=[16, 64, 199], folds=2, replicates=100)
    clear, noise = kept["clear"], kept["noise"]
    assert clear["macro_f1"].is_sorted()
    assert clear["rare_ap"][2] > clear["rare_ap"][0] + 0.2
    assert clear["macro_f1"][2] > 0.85
    assert clear["macro_f1"][2] - clear["macro_f1"][0] > 0.25
    assert clear["gain_low"][1] > 0.0
    assert noise["macro_f1"][2] < 0.35
    assert noise["gain_low"][2] < 0.0 < noise["gain_high"][2]
    assert (clear["low"] <= clear["macro_f1"]).all()
    assert (clear["macro_f1"] <= clear["high"]).all()
    assert (clear["rare_low"] <= clear["rare_ap"]).all()


def test_it_does_not_know_the_order_of_rows_and_tells_progress() -> None:
    corpus, labels = made(60, seed=5)
    told: list[int] = []
    one = learning_curve(
        Memo(seed=1), corpus, labels, seed=1, sizes=[8, 20], folds=3, replicates=9, progress=told.append
    )
    Memo.seen = []
    mixed = labels.sample(fraction=1.0, shuffle=True, seed=1)
    other = learning_curve(Memo(seed=1), corpus, mixed, seed=1, sizes=[8, 20], folds=3, replicates=9)
    assert one.equals(other)
    assert told == [1] * 6
    assert [len(ids) for ids in Memo.seen] == [8] * 3 + [20] * 3
    for small, large in zip(Memo.seen[:3], Memo.seen[3:], strict=True):
        assert set(small) < set(large)


def test_a_cut_of_one_frame_says_that_frame() -> None:
    corpus, labels = made(60, seed=5)
    table = learning_curve(MODEL, corpus, labels, seed=1, sizes=[1], folds=2, replicates=9)
    assert table["n"].to_list() == [1]
    assert 0.0 < table["macro_f1"][0] < 0.3


@pytest.mark.parametrize("sizes", [[], [0], [20, 10], [10, 10]])
def test_sizes_that_make_no_curve_are_said(sizes: list[int]) -> None:
    corpus, labels = made(40, seed=5)
    with pytest.raises(UsageError) as caught:
        learning_curve(MODEL, corpus, labels, seed=1, sizes=sizes, folds=2)
    assert str(caught.value) == f"sizes are {sizes}; they must be whole numbers from 1 that go up, like 50, 100, 200"


def test_the_rare_pole_is_the_rarer_one_that_is_there() -> None:
    assert rare_pole(pl.Series(["nationalist", "conciliatory", "conciliatory"])) == "nationalist"
    assert rare_pole(pl.Series(["nationalist", "both"])) == "nationalist"
    assert rare_pole(pl.Series(["nationalist", "conciliatory"])) == "conciliatory"
    few = pl.Series(["both", "neither"])
    assert rare_pole(few) in FRAMES
