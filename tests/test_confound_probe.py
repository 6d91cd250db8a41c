"""The probe of confounds: a label that hangs on the source is caught by name, a clean one seldom."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
from judging_world import CUES, made
from sklearn.metrics import f1_score

from discourse.corpus.posts import Corpus
from discourse.errors import DiscourseWarning
from discourse.framing.classifier import FramingClassifier
from discourse.judging import probes
from discourse.judging.baselines import Guess
from discourse.judging.probes import Confounds, confound_probe
from discourse.judging.splits import group_folds, labelled_posts
from discourse.judging.values import Judged
from discourse.schema import FRAMES

MODEL = FramingClassifier(seed=1, beside=())
ROWS = ["classifier", "classifier without hashtags", "metadata", "hashtags", "mentions", "majority"]


class Reader(FramingClassifier):
    """Knows the cue words without learning, so that simulations are quick."""

    def fit(self, X: pl.DataFrame, y: list[str]) -> Reader:  # type: ignore[override]
        self.classes_ = np.array(FRAMES)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        found = [[sum(cue in text for cue in CUES[frame]) for frame in FRAMES] for text in X["text_norm"]]
        made: np.ndarray = np.array(found) + 0.1
        return np.asarray(made / made.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> np.ndarray:
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


def quietly(*args: Any, **options: Any) -> Confounds:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiscourseWarning)
        return confound_probe(*args, **options)


def row(found: Confounds, probe: str) -> dict[str, Any]:
    return found.table.filter(pl.col("probe") == probe).row(0, named=True)


def platform_of(rng: np.random.Generator, frame: str, at: int) -> str:
    return {"nationalist": "youtube", "conciliatory": "x"}.get(frame, "telegram") if rng.random() < 0.9 else "x"


def tagged(corpus: Corpus, labels: pl.DataFrame, tag: Any) -> Corpus:
    """The corpus with a word put after each text by frame and place."""
    value = dict(labels.iter_rows())
    texts = [
        f"{text} {tag(value[name], at)}"
        for at, (name, text) in enumerate(corpus.posts.select("post_id", "text").rows())
    ]
    return Corpus(corpus.posts.with_columns(text=pl.Series(texts), text_norm=pl.Series(texts)))


def test_a_label_that_is_the_platform_is_flagged_and_warned_of() -> None:
    corpus, labels = made(240, seed=1, clarity=0.75, platform=platform_of)
    with pytest.warns(DiscourseWarning) as caught:
        found = confound_probe(MODEL, corpus, labels, seed=1, folds=3, replicates=200)
    assert found.flagged == ("metadata",)
    share = row(found, "metadata")["share"]
    assert share > 0.5
    assert [str(one.message) for one in caught] == [
        f"metadata alone tell the frame with {share:.0%} of the classifier's skill: the classifier may have learnt the "
        "source and not the stance; label posts of each frame from the same sources"
    ]
    assert found.table["probe"].to_list() == ROWS
    assert "metadata: macro-F1" in repr(found)
    assert repr(found).count("flagged") == 1


@pytest.mark.parametrize("kind", ["hashtags", "mentions"])
def test_a_label_that_is_a_hashtag_or_a_mention_is_flagged(kind: str) -> None:
    corpus, labels = made(240, seed=2, clarity=0.75)
    sign = "#" if kind == "hashtags" else "@"
    leaky = tagged(corpus, labels, lambda frame, at: f"{sign}{frame.upper() if at % 9 else 'other'}" if at % 4 else "")
    found = quietly(MODEL, leaky, labels, seed=1, folds=3, replicates=200)
    assert kind in found.flagged
    assert row(found, kind)["posts"] == 180
    other = "mentions" if kind == "hashtags" else "hashtags"
    assert row(found, other)["posts"] == 0
    assert row(found, other)["skill"] == pytest.approx(0.0, abs=0.05)
    assert other not in found.flagged


def test_without_hashtags_the_classifier_loses_what_it_had_of_them() -> None:
    corpus, labels = made(240, seed=3, clarity=0.3)
    leaky = tagged(corpus, labels, lambda frame, _: f"#{frame}")
    found = quietly(MODEL, leaky, labels, seed=1, folds=3, replicates=50)
    clean = quietly(MODEL, corpus, labels, seed=1, folds=3, replicates=50)
    assert row(found, "classifier")["macro_f1"] > 0.9
    assert row(found, "classifier without hashtags")["macro_f1"] == pytest.approx(
        row(clean, "classifier")["macro_f1"], abs=0.06
    )
    assert row(clean, "classifier without hashtags")["macro_f1"] == pytest.approx(row(clean, "classifier")["macro_f1"])


def test_a_clean_corpus_is_seldom_flagged_and_a_confounded_one_nearly_always() -> None:
    """A probe is above 0 by chance in 2.5 % of clean corpora, and seldom has half of a classifier's skill, too."""
    false, true = 0, 0
    sources, kinds = ("x", "youtube", "telegram"), ("reply", "quote")
    for trial in range(40):
        mixed = {"platform": lambda rng, *_: str(rng.choice(sources)), "kind": lambda rng, *_: str(rng.choice(kinds))}
        corpus, labels = made(150, seed=trial, clarity=0.8, authors=100, shares=[0.6, 0.1, 0.1, 0.2], **mixed)
        rng = np.random.default_rng(1000 + trial)  # not the seed that dealt the frames
        tags = [f"#t{rng.integers(0, 12)} @u{rng.integers(0, 12)}" for _ in range(150)]
        clean = tagged(corpus, labels, lambda _, at, tags=tags: tags[at])
        false += bool(quietly(Reader(seed=1), clean, labels, seed=1, folds=3, replicates=100).flagged)
        if trial < 10:
            value = dict(labels.iter_rows())
            leaky = Corpus(clean.posts.with_columns(
                platform=pl.Series([platform_of(rng, value[name], 0) for name in clean.posts["post_id"]])
            ))  # fmt: skip
            true += "metadata" in quietly(Reader(seed=1), leaky, labels, seed=1, folds=3, replicates=100).flagged
    assert false <= 1
    assert true >= 9


def test_the_skill_by_hand_and_blind_guesses_have_none() -> None:
    posts = pl.DataFrame({"author_id": [f"a{i}" for i in range(40)], "value": ["both"] * 30 + ["neither"] * 10})
    judged = Judged.of(posts, seed=1, replicates=400)
    said = np.array([2] * 20 + [3] * 10 + [2] * 5 + [3] * 5)
    guess = Guess(said, np.zeros((40, 0)))
    plain = f1_score(posts["value"].to_list(), guess.names().to_list(), average="macro")
    blind = [2 * t * p / (t + p) for t, p in ((30 / 40, 25 / 40), (10 / 40, 15 / 40))]
    assert probes._skill(judged, guess, judged.part())[0] == pytest.approx(plain - np.mean(blind))
    whole = Guess(np.full(40, 2), np.zeros((40, 0)))
    assert probes._skill(judged, whole, judged.part()) == pytest.approx(np.zeros(401), abs=1e-12)
    rng = np.random.default_rng(1)
    many = pl.DataFrame(
        {"author_id": [f"a{i}" for i in range(4000)], "value": rng.choice(FRAMES, 4000, p=[0.8, 0.1, 0.05, 0.05])}
    )
    judged = Judged.of(many, seed=1, replicates=1)
    dealt = Guess(rng.choice(4, 4000, p=[0.25] * 4), np.zeros((4000, 0)))
    assert probes._skill(judged, dealt, judged.part())[0] == pytest.approx(0.0, abs=0.02)


def test_what_probes_see() -> None:
    corpus, labels = made(3, seed=1)
    texts = [
        "#Peace now #PEACE @One https://a.org",
        "no tags",
        "#جنگ_بند www.b.org http://c.org http://d.org @two @One",
    ]
    posts = labelled_posts(
        Corpus(corpus.posts.with_columns(text=pl.Series(texts), platform=pl.Series(["x", "y", "x"]))), labels
    )
    assert probes._seen(posts, "hashtags") == [["#peace"], [], ["#جنگ_بند"]]
    assert probes._seen(posts, "mentions") == [["@one"], [], ["@one", "@two"]]
    metadata = probes._seen(posts, "metadata")
    assert [one[0] for one in metadata] == ["x", "y", "x"]
    assert [one[4] for one in metadata] == ["1", "0", "2"]
    assert [one[5] for one in metadata] == [str(at.hour // 3) for at in posts["created_at"]]
    assert len({one[3] for one in metadata}) > 1
    assert probes._or_none([]) == ["(none)"]


def test_the_rows_are_out_of_fold_and_beside_the_majority() -> None:
    corpus, labels = made(90, seed=6, clarity=0.9, shares=[0.6, 0.1, 0.1, 0.2])
    found = quietly(Reader(seed=1), corpus, labels, seed=2, folds=3, replicates=100)
    posts = labelled_posts(corpus, labels)
    majority = np.empty(90, dtype=object)
    for split in group_folds(posts, seed=2, folds=3):
        majority[split.test] = posts["value"].gather(split.train).value_counts(sort=True)["value"][0]
    base = f1_score(posts["value"].to_list(), majority.tolist(), labels=FRAMES, average="macro", zero_division=0)
    assert row(found, "majority")["macro_f1"] == pytest.approx(base)
    assert row(found, "majority")["gain"] == 0.0
    one = row(found, "classifier")
    assert one["gain"] == pytest.approx(one["macro_f1"] - base)
    assert one["gain_low"] < one["gain"] < one["gain_high"]
    assert one["share"] == 1.0
    assert not one["flagged"]
    rare = int((posts["value"] == found.rare).sum()) / posts.height
    assert row(found, "majority")["rare_ap"] == pytest.approx(rare)
    assert one["rare_ap"] > rare + 0.3
