"""Evaluation: groups stay on one side, scores are those of scikit-learn, intervals hold the estimate."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

from discourse.corpus.links import linked_groups
from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SmallSampleWarning, UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.judging import evaluate as module
from discourse.judging.evaluate import Evaluation, confusion_scores, evaluate
from discourse.labels.labels import Labels
from discourse.schema import FRAMES

MODEL = FramingClassifier(seed=7)


@pytest.fixture(scope="module")
def labels(tiny_labels: Labels) -> pl.DataFrame:
    """A third of the labels: enough to judge, quick to learn."""
    return tiny_labels.decided()[::3]


@pytest.fixture(scope="module")
def found(tiny_measured: Corpus, labels: pl.DataFrame) -> Evaluation:
    return quiet(MODEL, tiny_measured, labels, seed=7, folds=2, replicates=200)


def quiet(*args: object, **options: object) -> Evaluation:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        return evaluate(*args, **options)  # type: ignore[arg-type]


def score(found: Evaluation, model: str, metric: str, name: str = "all", group: str = "all") -> dict[str, float]:
    rows = found.scores.filter(
        (pl.col("model") == model)
        & (pl.col("metric") == metric)
        & (pl.col("class") == name)
        & (pl.col("group") == group)
    )
    return dict(rows.row(0, named=True)) if rows.height == 1 else {}


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(FRAMES), st.sampled_from(FRAMES)), min_size=1, max_size=40))
def test_confusion_scores_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    true, predicted = zip(*pairs, strict=True)
    matrix = np.zeros((4, 4))
    for t, p in pairs:
        matrix[FRAMES.index(t), FRAMES.index(p)] += 1
    made = confusion_scores(matrix)
    present = [frame for frame in FRAMES if frame in true or frame in predicted]
    expected = f1_score(true, predicted, labels=present, average="macro", zero_division=0)
    assert float(made["macro_f1"]) == pytest.approx(expected)
    assert float(made["accuracy"]) == pytest.approx(accuracy_score(true, predicted))
    p, r, f, _ = precision_recall_fscore_support(true, predicted, labels=FRAMES, zero_division=np.nan)
    assert np.allclose(made["precision"], p, equal_nan=True)
    assert np.allclose(made["recall"], r, equal_nan=True)
    for i, frame in enumerate(FRAMES):
        if frame in present:
            assert made["f1"][i] == pytest.approx(np.nan_to_num(f[i]))
        else:
            assert np.isnan(made["f1"][i])


def test_scores_of_many_matrices_are_those_of_each() -> None:
    stack = np.random.default_rng(1).integers(0, 5, (3, 7, 4, 4)).astype(float)
    made = confusion_scores(stack)
    assert made["macro_f1"].shape == (3, 7)
    assert made["recall"].shape == (3, 7, 4)
    for i in range(3):
        assert made["macro_f1"][i, 2] == pytest.approx(float(confusion_scores(stack[i, 2])["macro_f1"]))


def test_an_empty_matrix_has_no_accuracy() -> None:
    made = confusion_scores(np.zeros((4, 4)))
    assert np.isnan(made["accuracy"])
    assert np.isnan(made["f1"]).all()


class Spy(FramingClassifier):
    """Notes which posts each fold was trained on and which it was asked about."""

    seen: list[tuple[list[str], list[str]]] = []  # noqa: RUF012

    def fit(self, X: pl.DataFrame, y: list[str]) -> Spy:  # type: ignore[override]
        assert len(X) == len(y)
        self.trained_ = X["post_id"].to_list()
        return self

    def predict(self, X: pl.DataFrame) -> np.ndarray:
        Spy.seen.append((self.trained_, X["post_id"].to_list()))
        return np.full(len(X), "nationalist")


def test_groups_never_straddle_folds(tiny_measured: Corpus, labels: pl.DataFrame) -> None:
    Spy.seen = []
    quiet(Spy(seed=1), tiny_measured, labels, seed=7, folds=4, replicates=2)
    posts = tiny_measured.posts.join(labels, on="post_id", how="semi")
    group = dict(zip(posts["post_id"], linked_groups(posts), strict=True))
    author = dict(posts.select("post_id", "author_id").iter_rows())
    copy = dict(posts.select("post_id", "copy_id").iter_rows())
    assert len(Spy.seen) == 4
    for train, test in Spy.seen:
        for key in (group, author):
            assert not {key[one] for one in train} & {key[one] for one in test}
        assert not ({copy[one] for one in train} & {copy[one] for one in test}) - {None}
        assert sorted([*train, *test]) == sorted(labels["post_id"])
    assert sorted(one for _, test in Spy.seen for one in test) == sorted(labels["post_id"])
    assert len(set(group.values())) < len(group)


def test_predictions_are_out_of_fold_and_cover_every_label(found: Evaluation, labels: pl.DataFrame) -> None:
    assert found.predictions.select("post_id", "value").equals(labels.sort("post_id"))
    for model in ("classifier", "lexicon", "majority"):
        assert found.predictions[model].null_count() == 0
        assert set(found.predictions[model]) <= set(FRAMES)
    assert found.predictions["majority"].unique().to_list() == [labels["value"].value_counts(sort=True)["value"][0]]


def test_estimates_are_those_of_the_predictions(found: Evaluation) -> None:
    for model in ("classifier", "lexicon", "majority"):
        true, predicted = found.predictions["value"].to_list(), found.predictions[model].to_list()
        present = sorted({*true, *predicted})
        expected = f1_score(true, predicted, labels=present, average="macro", zero_division=0)
        assert score(found, model, "macro_f1")["estimate"] == pytest.approx(expected)
        p, r, _, _ = precision_recall_fscore_support(true, predicted, labels=FRAMES, zero_division=np.nan)
        for i, frame in enumerate(FRAMES):
            assert score(found, model, "recall", frame)["estimate"] == pytest.approx(r[i])
            if np.isnan(p[i]):
                assert score(found, model, "precision", frame)["estimate"] is None
            else:
                assert score(found, model, "precision", frame)["estimate"] == pytest.approx(p[i])
    gain = score(found, "classifier - majority", "macro_f1")["estimate"]
    both = [score(found, name, "macro_f1")["estimate"] for name in ("classifier", "majority")]
    assert gain == pytest.approx(both[0] - both[1])


def test_groups_are_languages_and_sides_and_their_own_posts(found: Evaluation) -> None:
    posts = found.predictions
    expected = {"all", *(f"lang={v}" for v in posts["lang"].unique()), *(f"side={v}" for v in posts["side"].unique())}
    assert set(found.scores["group"]) == expected
    for side in posts["side"].unique():
        mine = posts.filter(pl.col("side") == side)
        row = score(found, "classifier", "accuracy", group=f"side={side}")
        assert row["n"] == mine.height
        assert row["estimate"] == pytest.approx((mine["classifier"] == mine["value"]).mean())


def test_intervals_hold_the_estimate_and_are_no_points(found: Evaluation) -> None:
    rows = found.scores.filter(pl.col("estimate").is_not_null() & pl.col("low").is_not_null())
    assert (rows["low"] <= rows["high"]).all()
    whole = rows.filter((pl.col("group") == "all") & (pl.col("model") == "classifier"))
    assert (whole["low"] <= whole["estimate"]).all()
    assert (whole["estimate"] <= whole["high"]).all()
    macro = score(found, "classifier", "accuracy")
    assert 0.02 < macro["high"] - macro["low"] < 0.5


def test_the_bootstrap_draws_authors_not_posts(tiny_measured: Corpus, labels: pl.DataFrame) -> None:
    """One author with all the posts of the sample: nothing can vary but whether they are there."""
    posts = tiny_measured.posts.join(labels, on="post_id").select("post_id", "author_id", "lang", "side", "value")
    predictions = posts.with_columns(classifier="value", lexicon="value", majority=pl.lit("neither"))
    one = predictions.with_columns(author_id=pl.lit("a"))
    scores = module._scores(one, ("classifier", "majority"), 7, 50)
    accuracy = scores.filter((pl.col("metric") == "accuracy") & (pl.col("group") == "all")).to_dicts()[-1]
    assert accuracy["low"] == accuracy["estimate"] == accuracy["high"]


def test_the_confusion_counts_every_post_once(found: Evaluation) -> None:
    counts = found.confusion
    assert counts.select("true", "predicted").rows() == [(t, p) for t in FRAMES for p in FRAMES]
    for t, p, n in counts.iter_rows():
        assert n == found.predictions.filter((pl.col("value") == t) & (pl.col("classifier") == p)).height


def test_seed_and_order(tiny_measured: Corpus, labels: pl.DataFrame, found: Evaluation) -> None:
    mixed = labels.sample(fraction=1.0, shuffle=True, seed=2)
    again = quiet(MODEL, tiny_measured, mixed, seed=7, folds=2, replicates=200)
    assert again.scores.equals(found.scores)
    assert again.predictions.equals(found.predictions)
    other = quiet(MODEL, tiny_measured, labels.to_pandas(), seed=8, folds=2, replicates=50)
    assert not other.scores.equals(found.scores)
    assert not hasattr(MODEL, "linear_")


def test_progress_is_told_once_a_fold(tiny_measured: Corpus, labels: pl.DataFrame) -> None:
    told: list[int] = []
    quiet(Spy(seed=1), tiny_measured, labels, seed=7, folds=2, replicates=2, progress=told.append)
    assert len(told) == 2


def cases(tiny: Corpus, labels: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, int, type[Exception], str]]:
    n = labels.height
    stranger = pl.DataFrame({"post_id": ["x:1"], "value": ["both"]})
    yield pl.concat([labels, stranger]), 3, MeaningError, f"1 of {n + 1} labelled posts are not in this corpus"
    yield (
        pl.concat([labels, labels[:1]]),
        3,
        MeaningError,
        ("the labels hold a post more than once; settle them to one label a post first"),
    )
    yield labels[:1], 3, MeaningError, "1 groups of authors cannot make 3 folds; label more authors"
    yield labels[:0], 3, MeaningError, "0 groups of authors cannot make 3 folds; label more authors"
    yield labels, 1, UsageError, "folds is 1; it must be 2 or more, like 5"


@pytest.mark.parametrize("case", range(5))
def test_what_cannot_be_judged_is_said(tiny_measured: Corpus, labels: pl.DataFrame, case: int) -> None:
    given_labels, folds, kind, sentence = list(cases(tiny_measured, labels))[case]
    with pytest.raises(kind) as caught:
        evaluate(MODEL, tiny_measured, given_labels, seed=7, folds=folds)
    assert str(caught.value) == sentence


def test_a_frame_of_few_authors_is_warned_of_though_it_has_many_posts(
    tiny_measured: Corpus, labels: pl.DataFrame
) -> None:
    posts = tiny_measured.posts.join(labels, on="post_id")
    groups = linked_groups(posts)
    largest = groups.value_counts(sort=True)["group"][0]
    made = posts.select("post_id", value=pl.when(groups == largest).then(pl.lit("both")).otherwise(
        pl.when(pl.col("value") == "both").then(pl.lit("neither")).otherwise("value")))  # fmt: skip
    assert (made["value"] == "both").sum() >= 3
    with pytest.warns(SmallSampleWarning) as caught:
        evaluate(Spy(seed=1), tiny_measured, made, seed=7, folds=3, replicates=2)
    assert [str(one.message) for one in caught] == [
        "both: labelled in fewer groups of authors than the 3 folds; their scores rest on almost nothing"
    ]


def test_it_prints_without_an_interval_too(found: Evaluation) -> None:
    lines = repr(found).splitlines()
    assert lines[0] == f"Evaluation, macro-F1 over {found.predictions.height} labelled posts, out of fold:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "classifier", "lexicon", "majority", "classifier - lexicon", "classifier - majority",
    ]  # fmt: skip
    bare = found.scores.with_columns(low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64))
    assert "(" not in repr(Evaluation(bare, found.confusion, found.predictions))
