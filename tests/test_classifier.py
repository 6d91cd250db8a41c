"""The classifier: probabilities that are ones, gold that stays unseen, order that does not matter."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.framing.classifier import Framed, FramingClassifier
from discourse.labels.labels import GoldLabels, Labels, TrainingLabels
from discourse.schema import ABSTAIN, FRAMES, FRAMINGS, POSTS

TEXTS = ["defend our soil", "revenge on the enemy", "peace talks now", "we want dialogue", "rain today"]
VALUES = ["nationalist", "nationalist", "conciliatory", "conciliatory", "neither"]


@pytest.fixture(scope="module")
def small() -> FramingClassifier:
    return FramingClassifier(seed=1, least=1).fit(TEXTS, VALUES)


def test_probabilities_sum_to_one_and_stand_in_the_order_of_the_classes(small: FramingClassifier) -> None:
    p = small.predict_proba(["defend peace", "", "nothing known", "defend peace", None])
    assert p.shape == (5, 3)
    assert np.allclose(p.sum(axis=1), 1.0, atol=1e-12)
    assert (p > 0).all()
    assert (p[0] == p[3]).all()
    assert (p[1] == p[4]).all()
    assert small.classes_.tolist() == ["conciliatory", "nationalist", "neither"]
    assert small.predict(TEXTS).tolist() == VALUES
    assert small.predict_proba([]).shape == (0, 3)
    assert small.predict([]).shape == (0,)


def test_two_classes_are_enough() -> None:
    two = FramingClassifier(seed=1, least=1, bank=False).fit(TEXTS[:4], VALUES[:4])
    assert np.allclose(two.predict_proba(TEXTS[:4]).sum(axis=1), 1.0)
    assert two.predict(TEXTS[:4]).tolist() == VALUES[:4]


def test_the_rare_frame_is_learnt_because_frames_weigh_the_same() -> None:
    texts = [f"quiet day in town {at}" for at in range(40)] + ["quiet day of martyrs"] * 2
    values = ["neither"] * 40 + ["nationalist"] * 2
    model = FramingClassifier(seed=1, bank=False).fit(texts, values)
    assert model.predict(["quiet day of martyrs"]).tolist() == ["nationalist"]


def test_it_keeps_scikit_learns_conventions() -> None:
    texts = [f"{text} {word}" for text in TEXTS for word in ("a", "b", "c", "d")]
    values = [value for value in VALUES for _ in range(4)]
    model = FramingClassifier(seed=1, least=1)
    fresh = clone(model)
    assert fresh.get_params() == model.get_params() == {
        "seed": 1, "c": 3.0, "least": 1, "bank": True, "abstain_below": 0.0
    }  # fmt: skip
    assert not hasattr(fresh, "classes_")
    search = GridSearchCV(model, {"c": [0.5, 5.0]}, cv=2).fit(texts, values)
    assert search.best_params_["c"] in (0.5, 5.0)
    pipeline = make_pipeline(FunctionTransformer(lambda rows: [row.upper() for row in rows]), model)
    assert pipeline.fit(texts, values).predict(TEXTS).tolist() == VALUES
    assert model.fit(texts, values).score(TEXTS, VALUES) == 1.0


def test_other_labels_than_frames_and_any_column() -> None:
    model = FramingClassifier(seed=1, least=1).fit(np.array(TEXTS), pl.Series(["1", "1", "0", "0", "2"]))
    assert model.predict(pl.Series(TEXTS)).tolist() == ["1", "1", "0", "0", "2"]
    with pytest.raises(MeaningError, match="this classifier tells 0, 1, 2; framings need one trained on frames"):
        model.predict(Corpus(POSTS.empty()))


def test_posts_below_the_threshold_are_abstained_from(tiny_measured: Corpus, tiny_labels: Labels) -> None:
    model = FramingClassifier(seed=7, abstain_below=0.9).fit(tiny_measured, tiny_labels.training)
    table = model.predict(tiny_measured).table
    low = table.select(pl.max_horizontal(f"p_{frame}" for frame in FRAMES)).to_series() < 0.9
    assert 0 < low.sum() < len(low)
    assert ((table["predicted"] == ABSTAIN) == low).all()
    texts = tiny_measured.posts["text"].to_list()[:50]
    assert ((model.predict(texts) == ABSTAIN) == (model.predict_proba(texts).max(axis=1) < 0.9)).all()


def test_probabilities_are_calibrated_on_new_posts(tiny_model: FramingClassifier, tiny_measured: Corpus,
                                                   tiny_labels: Labels) -> None:  # fmt: skip
    joined = tiny_model.predict(tiny_measured).table.join(tiny_labels.gold.frame, on="post_id")
    sure = joined.select(pl.max_horizontal(f"p_{frame}" for frame in FRAMES)).to_series().mean()
    right = (joined["predicted"] == joined["value"]).mean()
    assert abs(sure - right) < 0.1


def test_predict_gives_a_framings_table_in_the_order_of_the_posts(
    tiny_model: FramingClassifier, tiny_measured: Corpus
) -> None:
    framed = tiny_model.predict(tiny_measured)
    table = framed.table
    assert FRAMINGS.require(table).equals(table)
    assert table["post_id"].equals(framed.posts["post_id"])
    p = table.select(f"p_{frame}" for frame in FRAMES).to_numpy()
    assert np.allclose(p.sum(axis=1), 1.0)
    assert [FRAMES[i] for i in p.argmax(axis=1)] == table["predicted"].to_list()
    assert table["model"].unique().to_list() == [tiny_model.model_id]


def test_it_learns_something_of_the_small_corpus(
    tiny_model: FramingClassifier, tiny_measured: Corpus, tiny_labels: Labels
) -> None:
    predicted = tiny_model.predict(tiny_measured).table.join(tiny_labels.gold.frame, on="post_id")
    right = (predicted["predicted"] == predicted["value"]).mean()
    majority = predicted["value"].value_counts()["count"].max() / predicted.height
    assert right > majority + 0.1


def test_the_order_of_labels_does_not_matter(
    tiny_model: FramingClassifier, tiny_measured: Corpus, tiny_labels: Labels
) -> None:
    mixed = tiny_labels.training.frame.sample(fraction=1.0, shuffle=True, seed=1)
    again = FramingClassifier(seed=7).fit(tiny_measured, TrainingLabels(mixed))
    assert again.model_id == tiny_model.model_id
    assert again.predict(tiny_measured).table.equals(tiny_model.predict(tiny_measured).table)


def test_the_id_names_training_set_and_settings(small: FramingClassifier) -> None:
    def name(texts: list[str] = TEXTS, values: list[str] = VALUES, **settings: float) -> str:
        return FramingClassifier(**{"seed": 1, "least": 1, **settings}).fit(texts, values).model_id  # type: ignore[arg-type]

    assert small.model_id.startswith("linear@")
    assert name() == small.model_id
    assert name(TEXTS[::-1], VALUES[::-1]) == small.model_id
    others = {name(seed=2), name(c=2.0), name(values=VALUES[::-1]), name([*TEXTS[:4], "snow"]), name(bank=False)}
    assert len(others | {small.model_id}) == 6


def test_gold_is_refused() -> None:
    gold = GoldLabels(pl.DataFrame({"post_id": ["x:1"], "value": ["both"], "inclusion_p": [0.5]}))
    for labels in (gold, gold.frame):
        with pytest.raises(MeaningError) as caught:
            FramingClassifier(seed=1).fit(Corpus(POSTS.empty()), labels)  # type: ignore[arg-type]
        assert str(caught.value) == (
            "fit takes training labels; gold labels measure the classifier and must stay unseen"
        )


def test_labels_of_other_posts_are_counted(tiny_measured: Corpus) -> None:
    first = tiny_measured.posts["post_id"][0]
    labels = TrainingLabels(pl.DataFrame({"post_id": [first, "x:1", "x:2"], "value": ["both", "neither", "both"]}))
    with pytest.raises(SchemaError) as caught:
        FramingClassifier(seed=1).fit(tiny_measured, labels)
    assert str(caught.value) == (
        "2 of 3 training labels belong to no post of this corpus; read the corpus the labels were drawn from"
    )


@pytest.mark.parametrize(("values", "count"), [(["both", "both"], 1), ([], 0)])
def test_fewer_than_two_frames_are_refused(values: list[str], count: int) -> None:
    with pytest.raises(MeaningError) as caught:
        FramingClassifier(seed=1).fit(["a b"] * len(values), values)
    assert str(caught.value) == f"the training labels hold {count} frame; at least 2 are needed to tell apart"


def test_texts_without_words_and_unknown_frames_are_refused(tiny_measured: Corpus) -> None:
    with pytest.raises(MeaningError, match=r"^the training texts hold no words; a classifier cannot learn from them$"):
        FramingClassifier(seed=1).fit(["", " "], ["both", "neither"])
    ids = tiny_measured.posts["post_id"][:2].to_list()
    labels = TrainingLabels(pl.DataFrame({"post_id": ids, "value": ["hostile", "neither"]}))
    with pytest.raises(SchemaError, match=r"^a training label is 'hostile'; it must be 'nationalist', "):
        FramingClassifier(seed=1).fit(tiny_measured, labels)
    with pytest.raises(SchemaError, match="there are 5 texts and 4 labels; give one label for each text"):
        FramingClassifier(seed=1).fit(TEXTS, VALUES[:4])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"c": 0.0}, "c is 0.0; it must be above 0, like 3.0"),
        ({"c": float("nan")}, "c is nan; it must be above 0, like 3.0"),
        ({"c": float("inf")}, "c is inf; it must be above 0, like 3.0"),
        ({"seed": -1}, "seed is -1; it must be a whole number from 0 to 2**32 - 1"),
        ({"seed": 2**32}, "seed is 4294967296; it must be a whole number from 0 to 2**32 - 1"),
        ({"least": 0}, "least is 0; it must be 1 or more, like 2"),
        ({"abstain_below": 1.0}, "abstain_below is 1.0; it must be from 0 to below 1, like 0.5"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        FramingClassifier(**{"seed": 1, **wrong}).fit(TEXTS, VALUES)  # type: ignore[arg-type]
    assert str(caught.value) == said


def test_an_untrained_classifier_says_so() -> None:
    with pytest.raises(NotFittedError, match=r"call fit first"):
        FramingClassifier(seed=1).predict(TEXTS)


def test_no_posts_give_no_framings(small: FramingClassifier) -> None:
    framed = small.predict(Corpus(POSTS.empty()))
    assert framed.table.schema == FRAMINGS.empty().schema
    assert framed.table.height == 0
    assert repr(framed) == "Framed(0 posts as predicted: none; correct with gold before you publish)"


def test_framed_prints_counts_and_no_text(tiny_model: FramingClassifier, tiny_measured: Corpus) -> None:
    framed = tiny_model.predict(tiny_measured)
    assert isinstance(framed, Framed)
    assert repr(framed).startswith(f"Framed({len(tiny_measured)} posts as predicted: ")
    assert not any(text in repr(framed) for text in tiny_measured.posts["text"])
