"""The classifier: probabilities that are ones, gold that stays unseen, order that does not matter."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.framing.classifier import Framed, FramingClassifier
from discourse.labels.labels import GoldLabels, Labels, TrainingLabels
from discourse.schema import FRAMES, FRAMINGS, POSTS

TEXTS = pl.Series(["defend our soil", "revenge on the enemy", "peace talks now", "we want dialogue", "rain today"])
VALUES = pl.Series(["nationalist", "nationalist", "conciliatory", "conciliatory", "neither"])


@pytest.fixture(scope="module")
def small() -> FramingClassifier:
    return FramingClassifier(seed=1).fit_texts(TEXTS, VALUES)


def test_probabilities_sum_to_one_and_an_absent_frame_has_none(small: FramingClassifier) -> None:
    p = small.probabilities(pl.Series(["defend peace", "", "nothing known", "defend peace"]))
    assert p.shape == (4, 4)
    assert np.allclose(p.sum(axis=1), 1.0, atol=1e-12)
    assert (p[:, FRAMES.index("both")] == 0.0).all()
    assert (np.delete(p, FRAMES.index("both"), axis=1) > 0).all()
    assert (p[0] == p[3]).all()


def test_columns_stand_in_the_order_of_the_codebook(small: FramingClassifier) -> None:
    p = small.probabilities(TEXTS)
    assert [FRAMES[i] for i in p.argmax(axis=1)] == VALUES.to_list()


def test_two_frames_are_enough() -> None:
    two = FramingClassifier(seed=1).fit_texts(TEXTS[:4], VALUES[:4])
    p = two.probabilities(TEXTS[:4])
    assert np.allclose(p.sum(axis=1), 1.0)
    assert [FRAMES[i] for i in p.argmax(axis=1)] == VALUES[:4].to_list()


def test_the_rare_frame_is_learnt_because_frames_weigh_the_same() -> None:
    texts = pl.Series(["quiet day in town"] * 40 + ["quiet day of martyrs"])
    values = pl.Series(["neither"] * 40 + ["nationalist"])
    p = FramingClassifier(seed=1).fit_texts(texts, values).probabilities(pl.Series(["quiet day of martyrs"]))
    assert FRAMES[int(p.argmax())] == "nationalist"


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
    def name(texts: pl.Series = TEXTS, values: pl.Series = VALUES, **settings: float) -> str:
        return FramingClassifier(**{"seed": 1, **settings}).fit_texts(texts, values).model_id  # type: ignore[arg-type]

    assert small.model_id.startswith("ngram-logistic@")
    assert name() == small.model_id
    assert name(TEXTS.reverse(), VALUES.reverse()) == small.model_id
    others = {name(seed=2), name(c=2.0), name(values=VALUES.reverse()), name(texts=TEXTS + "!"), name(max_iter=100)}
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
        FramingClassifier(seed=1).fit_texts(
            pl.Series(["a b"] * len(values), dtype=pl.String), pl.Series(values, dtype=pl.String)
        )
    assert str(caught.value) == f"the training labels hold {count} frame; at least 2 are needed to tell apart"


def test_texts_without_words_and_unknown_frames_are_refused() -> None:
    with pytest.raises(MeaningError, match=r"^the training texts hold no words; a classifier cannot learn from them$"):
        FramingClassifier(seed=1).fit_texts(pl.Series(["", " "]), pl.Series(["both", "neither"]))
    with pytest.raises(SchemaError, match=r"^a training label is 'hostile'; it must be 'nationalist', "):
        FramingClassifier(seed=1).fit_texts(TEXTS[:2], pl.Series(["hostile", "neither"]))


@pytest.mark.parametrize("c", [0.0, -1.0, float("inf"), float("nan")])
def test_an_impossible_strength_is_refused(c: float) -> None:
    with pytest.raises(UsageError) as caught:
        FramingClassifier(seed=1, c=c)
    assert str(caught.value) == f"c is {c}; it must be above 0, like 1.0"


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_the_solver_cannot_take_is_refused(seed: int) -> None:
    with pytest.raises(UsageError) as caught:
        FramingClassifier(seed=seed)
    assert str(caught.value) == f"seed is {seed}; it must be a whole number from 0 to 2**32 - 1"


def test_an_untrained_classifier_says_so(small: FramingClassifier) -> None:
    for untrained in (FramingClassifier(seed=1), small.clone()):
        with pytest.raises(NotFittedError, match=r"call fit first"):
            untrained.probabilities(TEXTS)
    assert small.clone() == small
    assert small.pipeline is not None


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
