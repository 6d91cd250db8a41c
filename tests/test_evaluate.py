"""Evaluation: nothing leaks, every labelled post is tested once, scores are those of the predictions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from judging_world import CUES, START, made, word
from sklearn.metrics import f1_score

from discourse.corpus.links import linked_groups
from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SchemaError, SmallSampleWarning, UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.judging.baselines import MODELS, Guess
from discourse.judging.evaluate import Evaluation, checked_splits, evaluate
from discourse.judging.splits import labelled_posts
from discourse.judging.tables import score_tables
from discourse.labels.labels import Labels
from discourse.schema import ABSTAIN, FRAMES, POSTS

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


class Spy(FramingClassifier):
    """Notes which posts each fold was trained on and which it was asked about; always says one thing."""

    seen: list[tuple[list[str], list[str]]] = []  # noqa: RUF012

    def fit(self, X: pl.DataFrame, y: list[str]) -> Spy:  # type: ignore[override]
        assert len(X) == len(y)
        self.trained_ = X["post_id"].to_list()
        self.classes_ = np.array(sorted(FRAMES))
        return self

    def predict(self, X: Any) -> np.ndarray:
        Spy.seen.append((self.trained_, X["post_id"].to_list()))
        return np.full(len(X), "nationalist")

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.full((len(X), 4), 0.25)


class Shy(Spy):
    """Abstains on half of the posts."""

    def predict(self, X: Any) -> np.ndarray:
        said = super().predict(X)
        return np.where(np.arange(len(X)) % 2 == 0, said, ABSTAIN)


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


def test_repeated_texts_stay_together_though_nobody_looked_for_copies() -> None:
    """Ten texts by forty authors, no copy_id: a model that learns texts by heart must not shine."""
    rng = np.random.default_rng(3)
    texts = [" ".join(word(rng) for _ in range(12)) for _ in range(10)]
    rows = [{"post_id": f"x:{i:02}", "platform": "x", "author_id": f"a{i:02}", "text": texts[i % 10], "kind": "reply",
             "text_norm": texts[i % 10], "lang": "en", "created_at": START} for i in range(40)]  # fmt: skip
    posts = pl.DataFrame(rows)
    labels = posts.select("post_id").with_columns(value=pl.Series([FRAMES[i % 10 % 2] for i in range(40)]))
    Spy.seen = []
    quiet(Spy(seed=1), Corpus(POSTS.frame(posts)), labels, seed=7, folds=4, replicates=2)
    text = dict(posts.select("post_id", "text").iter_rows())
    assert len(Spy.seen) == 4
    for train, test in Spy.seen:
        assert not {text[one] for one in train} & {text[one] for one in test}


def test_predictions_are_out_of_fold_and_cover_every_label(found: Evaluation, labels: pl.DataFrame) -> None:
    assert found.predictions.select("post_id", "value").equals(labels.sort("post_id"))
    for model in MODELS:
        assert found.predictions[model].null_count() == 0
        assert set(found.predictions[model]) <= set(FRAMES)
    assert found.predictions["majority"].unique().to_list() == [labels["value"].value_counts(sort=True)["value"][0]]
    assert found.predictions["fold"].unique().sort().to_list() == [1, 2]
    for start, model in (("p", "classifier"), ("plain", "plain")):
        shares = found.predictions.select(f"{start}_{frame}" for frame in FRAMES).to_numpy()
        assert np.allclose(shares.sum(axis=1), 1.0)
        assert np.array(FRAMES)[shares.argmax(axis=1)].tolist() == found.predictions[model].to_list()


def test_scores_and_confusion_are_those_of_the_predictions(found: Evaluation) -> None:
    for model in MODELS:
        true, predicted = found.predictions["value"].to_list(), found.predictions[model].to_list()
        expected = f1_score(true, predicted, labels=sorted(set(true)), average="macro", zero_division=0)
        assert score(found, model, "macro_f1")["estimate"] == pytest.approx(expected)
    for t, p, n in found.confusion.iter_rows():
        assert n == found.predictions.filter((pl.col("value") == t) & (pl.col("classifier") == p)).height
    assert found.confusion.select("true", "predicted").rows() == [(t, p) for t in FRAMES for p in FRAMES]


def test_groups_are_languages_sides_platforms_and_their_own_posts(found: Evaluation) -> None:
    posts = found.predictions
    expected = {"all", *(f"{name}={v}" for name in ("lang", "side", "platform") for v in posts[name].unique())}
    assert set(found.scores["group"]) == expected == set(found.groups["group"])
    for side in posts["side"].unique():
        mine = posts.filter(pl.col("side") == side)
        row = score(found, "classifier", "accuracy", group=f"side={side}")
        if mine["author_id"].n_unique() < 10:
            assert row["estimate"] is None
        else:
            assert row["n"] == mine.height
            assert row["estimate"] == pytest.approx((mine["classifier"] == mine["value"]).mean())


def test_intervals_hold_the_estimate_and_are_no_points(found: Evaluation) -> None:
    rows = found.scores.filter(pl.col("estimate").is_not_null() & pl.col("low").is_not_null())
    assert rows.height > 100
    assert (rows["low"] <= rows["estimate"]).all()
    assert (rows["estimate"] <= rows["high"]).all()
    macro = score(found, "classifier", "accuracy")
    assert 0.02 < macro["high"] - macro["low"] < 0.5


def test_an_abstention_is_a_class_of_its_own(tiny_measured: Corpus, labels: pl.DataFrame) -> None:
    shy = quiet(Shy(seed=1), tiny_measured, labels, seed=7, folds=2, replicates=20)
    abstained = int((shy.predictions["classifier"] == ABSTAIN).sum())
    assert abs(abstained - labels.height / 2) <= 1
    assert shy.confusion.height == 20
    assert shy.confusion["n"].sum() == labels.height
    assert shy.confusion.filter(pl.col("predicted") == ABSTAIN)["n"].sum() == abstained
    assert score(shy, "classifier", "coverage")["estimate"] == pytest.approx(1 - abstained / labels.height)
    hits = int(((shy.predictions["classifier"] == "nationalist") & (shy.predictions["value"] == "nationalist")).sum())
    assert score(shy, "classifier", "accuracy")["estimate"] == pytest.approx(hits / labels.height)


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
    assert told == [1, 1]


def test_forward_in_time_every_model_is_of_the_past(tiny_measured: Corpus, labels: pl.DataFrame) -> None:
    Spy.seen = []
    forward = quiet(Spy(seed=1), tiny_measured, labels, seed=7, folds=2, replicates=20, scheme="forward")
    when = dict(tiny_measured.posts.select("post_id", "created_at").iter_rows())
    author = dict(tiny_measured.posts.select("post_id", "author_id").iter_rows())
    posts = labelled_posts(tiny_measured, labels)
    splits, notes = checked_splits(posts, seed=7, folds=2, scheme="forward")
    assert len(Spy.seen) == 2
    for (train, asked), split in zip(Spy.seen, splits, strict=True):
        test, between = asked[: len(split.test)], asked[len(split.test) :]
        assert max(when[one] for one in train) < min(when[one] for one in between)
        assert max(when[one] for one in between) < min(when[one] for one in test)
        assert not {author[one] for one in train} & {author[one] for one in asked}
        assert not {author[one] for one in between} & {author[one] for one in test}
    tested = [one for _, asked in Spy.seen for one in asked]
    assert set(forward.predictions["post_id"]) < set(tested)
    assert forward.predictions.height == sum(len(split.test) for split in splits)
    assert max(when[one] for one in labels["post_id"]) == max(when[one] for one in forward.predictions["post_id"])
    assert forward.notes == notes
    assert notes[0] == (
        f"part 1: trained on {len(splits[0].train)}, calibrated on {len(splits[0].calibrate)}, tested on "
        f"{len(splits[0].test)}; {splits[0].dropped} earlier posts dropped, whose author or text comes again later"
    )
    assert notes[0] in repr(forward)
    assert "forward in time:" in repr(forward)
    recalibrated = forward.scores.filter(pl.col("model") == "classifier, recalibrated")
    assert set(recalibrated["metric"]) == {"nll", "brier", "ece"}


def test_a_stance_that_changes_its_words_is_seen_forward_in_time_and_not_in_folds() -> None:
    """From June on nationalists speak as peacemakers did: folds that mix the months do not see it."""
    corpus, labels = made(240, seed=5, clarity=1.0, shares=[0.5, 0.5, 0, 0])
    posts = corpus.posts.join(labels, on="post_id")
    middle = sorted(posts["created_at"].to_list())[posts.height // 2] - timedelta(days=10)
    swap = dict(
        zip(CUES["nationalist"] + CUES["conciliatory"], CUES["conciliatory"] + CUES["nationalist"], strict=True)
    )
    late = pl.col("created_at") > middle
    changed = pl.col("text_norm").str.split(" ").list.eval(pl.element().replace(swap)).list.join(" ")
    turned = corpus.posts.with_columns(text_norm=pl.when(late).then(changed).otherwise("text_norm"))
    model = FramingClassifier(seed=1, beside=())
    scores = {}
    for scheme in ("groups", "forward"):
        for name, world in (("same", corpus), ("turned", Corpus(turned))):
            found = quiet(model, world, labels, seed=1, folds=2, replicates=2, scheme=scheme)
            scores[scheme, name] = score(found, "classifier", "accuracy")["estimate"]
    assert scores["forward", "same"] > 0.85
    assert scores["forward", "turned"] < scores["groups", "turned"] - 0.1


def cases(tiny: Corpus, labels: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, dict[str, object], type[Exception], str]]:
    n = labels.height
    stranger = pl.DataFrame({"post_id": ["x:1"], "value": ["both"]})
    yield pl.concat([labels, stranger]), {}, MeaningError, f"1 of {n + 1} labelled posts are not in this corpus"
    yield (
        pl.concat([labels, labels[:1]]),
        {},
        MeaningError,
        "the labels hold a post more than once; settle them to one label a post first",
    )
    yield labels[:1], {}, MeaningError, "1 groups of authors cannot make 3 folds; label more authors"
    yield labels[:0], {}, MeaningError, "0 groups of authors cannot make 3 folds; label more authors"
    yield labels, {"folds": 1}, UsageError, "folds is 1; it must be 2 or more, like 5"
    yield labels, {"folds": 1, "scheme": "forward"}, UsageError, "folds is 1; it must be 2 or more, like 5"
    yield labels, {"scheme": "random"}, UsageError, "scheme is 'random'; it must be 'groups' or 'forward'"
    yield labels, {"seed": -1}, UsageError, "seed is -1; it must be a whole number from 0 to 2**32 - 1"
    angry = labels.with_columns(value=pl.lit("angry"))
    yield angry, {}, SchemaError, ("a label is 'angry'; it must be 'nationalist', 'conciliatory', 'both' or 'neither'")


@pytest.mark.parametrize("case", range(9))
def test_what_cannot_be_judged_is_said(tiny_measured: Corpus, labels: pl.DataFrame, case: int) -> None:
    given_labels, options, kind, sentence = list(cases(tiny_measured, labels))[case]
    with pytest.raises(kind) as caught:
        evaluate(MODEL, tiny_measured, given_labels, **{"seed": 7, "folds": 3, **options})  # type: ignore[arg-type]
    assert str(caught.value) == sentence


def test_a_frame_of_few_authors_is_warned_of_though_it_has_many_posts(
    tiny_measured: Corpus, labels: pl.DataFrame
) -> None:
    posts = tiny_measured.posts.join(labels, on="post_id")
    groups = linked_groups(posts)
    largest = groups.value_counts(sort=True)["group"][0]
    changed = posts.select("post_id", value=pl.when(groups == largest).then(pl.lit("both")).otherwise(
        pl.when(pl.col("value") == "both").then(pl.lit("neither")).otherwise("value")))  # fmt: skip
    assert (changed["value"] == "both").sum() >= 3
    with pytest.warns(SmallSampleWarning) as caught:
        evaluate(Spy(seed=1), tiny_measured, changed, seed=7, folds=3, replicates=2)
    assert [str(one.message) for one in caught] == [
        "both: labelled in fewer groups of authors than the 3 folds; their scores rest on almost nothing"
    ]


NAMES = [*MODELS, *(f"classifier - {name}" for name in MODELS[1:])]


def test_it_prints_without_an_interval_too(found: Evaluation) -> None:
    lines = repr(found).splitlines()
    assert lines[0] == f"Evaluation, macro-F1 over {found.predictions.height} labelled posts, out of fold:"
    assert [line.split(":")[0].strip() for line in lines[1:8]] == NAMES
    bare = found.scores.with_columns(low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64))
    assert "(" not in repr(Evaluation(bare, found.confusion, found.predictions))


def test_what_is_shown_names_no_post_and_no_author(found: Evaluation) -> None:
    for shown in (repr(found), found._repr_html_()):
        for name in ("post_id", "author_id"):
            assert not any(one in shown for one in found.predictions[name])
        assert all(name in shown for name in NAMES)


def test_rare_frames_absent_frames_and_small_groups_are_said() -> None:
    n = 60
    value = ["nationalist", "neither"] * 26 + ["both"] * 8
    posts = pl.DataFrame({
        "author_id": [f"a{i}" for i in range(n)], "value": value, "lang": ["ps"] * 5 + ["en"] * (n - 5),
        "side": ["<A>"] * n, "platform": ["x"] * n,
    })  # fmt: skip
    said = np.array([FRAMES.index(one) for one in value])
    scores, groups = score_tables(posts, {"classifier": Guess(said, np.eye(4)[said])}, seed=1, replicates=9)
    shown = Evaluation(scores, pl.DataFrame(), posts, groups)
    lines = repr(shown).splitlines()
    assert lines[1].startswith("  classifier: 1.000 (")
    assert lines[2] == "macro-F1 without both, which fewer than 10 authors wrote:"
    assert lines[3].startswith("  classifier: 1.000 (")
    assert lines[4] == "no labelled post is conciliatory; the averages are without it"
    assert lines[5] == "withheld (fewer than 10 authors): lang=ps"
    html = shown._repr_html_()
    assert html.count("<th scope='col'>") == 7
    assert "macro-F1 without both" in html
    assert "not defined" in html
    assert html.count("<tr>") == 2
