"""Baselines: what they say by hand, trained on the training part alone, and put together in the order of posts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from judging_world import made
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer

from discourse.framing.classifier import FramingClassifier
from discourse.framing.lexicon import lexicon_frames
from discourse.judging.baselines import (
    MODELS,
    RECALIBRATED,
    Guess,
    everyone,
    fitted_guess,
    lexicon_guess,
    majority_guess,
    model_guess,
    out_of_fold,
    plain_model,
)
from discourse.judging.scores import fit_temperature, nll, tempered
from discourse.judging.splits import Split, labelled_posts
from discourse.schema import FRAMES

NOTHING = np.array([], dtype=np.int64)


class Told:
    """A classifier that has the classes and probabilities it is given."""

    def __init__(self, classes: list[str] | None = None, shares: list[list[float]] | None = None) -> None:
        self.classes, self.shares = classes, shares

    def get_params(self, deep: bool = True) -> dict[str, object]:
        return {"classes": self.classes, "shares": self.shares}

    def fit(self, posts: pl.DataFrame, values: list[str]) -> Told:
        self.classes_ = np.array(self.classes)
        self.trained_ = posts["post_id"].to_list()
        return self

    def predict_proba(self, posts: pl.DataFrame) -> np.ndarray:
        return np.array(self.shares)[: len(posts)]

    def predict(self, posts: pl.DataFrame) -> np.ndarray:
        best = np.array(self.classes)[self.predict_proba(posts).argmax(axis=1)]
        return np.where(self.predict_proba(posts).max(axis=1) < 0.5, "abstain", best)


def test_a_guess_is_in_the_order_of_the_codebook_whatever_the_classes_are() -> None:
    shares = [[0.7, 0.3], [0.2, 0.8], [0.45, 0.55]]
    fitted = Told(["neither", "conciliatory"], shares).fit(pl.DataFrame({"post_id": []}), [])
    guess = model_guess(fitted, pl.DataFrame({"post_id": ["1", "2", "3"]}))
    assert guess.names().to_list() == ["neither", "conciliatory", "conciliatory"]
    assert guess.probabilities.tolist() == [[0, 0.3, 0, 0.7], [0, 0.8, 0, 0.2], [0, 0.55, 0, 0.45]]
    unsure = Told(["neither", "both"], [[0.4, 0.4]]).fit(pl.DataFrame({"post_id": []}), [])
    assert model_guess(unsure, pl.DataFrame({"post_id": ["1"]})).names().to_list() == ["abstain"]


def test_guesses_are_joined_and_cut() -> None:
    one, other = Guess(np.array([0, 1]), np.eye(4)[:2]), Guess(np.array([4]), np.eye(4)[3:], ranks=False)
    whole = Guess.joined([one, other])
    assert whole.names().to_list() == ["nationalist", "conciliatory", "abstain"]
    assert not whole.ranks
    assert Guess.joined([one, one]).ranks
    assert whole.at(np.array([True, False, True])).probabilities.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]
    assert not whole.at([0]).ranks


def test_the_majority_is_counted_and_equals_go_by_the_alphabet() -> None:
    guess = majority_guess(["neither", "both", "neither", "both", "nationalist"], 2)
    assert guess.names().to_list() == ["both", "both"]
    assert guess.probabilities.tolist() == [[0.2, 0.0, 0.4, 0.4]] * 2
    assert not guess.ranks


def test_training_on_one_frame_can_say_nothing_else() -> None:
    guess = fitted_guess(
        Told(["both"], [[1.0]]), pl.DataFrame({"post_id": ["1"]}), ["both"], pl.DataFrame({"a": [1, 2]})
    )
    assert guess.names().to_list() == ["both", "both"]
    assert guess.probabilities.tolist() == [[0, 0, 1, 0]] * 2


def test_the_lexicon_gives_frames_and_no_probabilities() -> None:
    posts = pl.DataFrame({"text_norm": ["we want peace talks", "revenge for our soil", "tea"], "lang": ["en"] * 3})
    guess = lexicon_guess(posts)
    assert guess.names().equals(lexicon_frames(posts["text_norm"], posts["lang"]))
    assert guess.probabilities.shape == (3, 0)


def test_plain_tfidf_keeps_urdu_words_whole_where_scikit_learn_breaks_them() -> None:
    text = "اُردو می\u200cخواهیم ښه د"
    vocabulary = plain_model().fit([text, "soil"], ["both", "neither"]).named_steps["features"].transformer_list[0][1]
    words = {word for word in vocabulary.get_feature_names_out() if " " not in word}
    assert {"اُردو", "می\u200cخواهیم", "د"} <= words
    assert "اُردو" not in TfidfVectorizer().fit([text]).get_feature_names_out()


def test_everyone_is_trained_on_the_training_part_alone_and_recalibrated_on_the_part_between() -> None:
    corpus, labels = made(120, seed=3, clarity=0.8)
    posts = labelled_posts(corpus, labels)
    model = FramingClassifier(seed=1, beside=())
    split = Split(np.arange(60), np.arange(60, 90), np.arange(90, 120))
    said = everyone(model, posts, split)
    assert list(said) == [*MODELS, RECALIBRATED]
    direct = FramingClassifier(seed=1, beside=()).fit(posts[:60], posts["value"][:60].to_list())
    expected = model_guess(direct, posts[90:])
    assert np.allclose(said["classifier"].probabilities, expected.probabilities)
    assert said["classifier"].predicted.tolist() == expected.predicted.tolist()
    assert said["majority"].names().to_list() == majority_guess(posts["value"][:60].to_list(), 30).names().to_list()
    assert said["lexicon"].names().equals(lexicon_guess(posts[90:]).names())
    between = model_guess(direct, posts[60:90]).probabilities
    truth = np.array([FRAMES.index(value) for value in posts["value"][60:90]])
    at = fit_temperature(np.log(np.maximum(between, 1e-6)), truth)
    assert np.allclose(said[RECALIBRATED].probabilities, tempered(expected.probabilities, at))
    assert nll(tempered(between, at), truth) <= nll(between, truth) + 1e-9
    assert list(everyone(model, posts, Split(np.arange(60), NOTHING, np.arange(60, 120)))) == list(MODELS)


def test_a_temperature_from_the_part_between_mends_an_overconfident_model() -> None:
    rng = np.random.default_rng(8)
    logits = rng.normal(0, 1.5, (600, 4))
    truth = (softmax(logits, axis=1).cumsum(axis=1) > rng.random(600)[:, None]).argmax(axis=1)
    posts = pl.DataFrame({"post_id": [str(i) for i in range(600)], "value": np.array(FRAMES)[truth].tolist(),
                          "text_norm": ["a b"] * 600, "lang": ["en"] * 600})  # fmt: skip
    hot = Told(list(FRAMES), softmax(3 * logits[400:], axis=1).tolist())
    posts = pl.concat([posts[:200], posts[400:], posts[200:400]])
    # The first 200 train; the tested and the part between are told in this order.
    hot.shares = softmax(3 * np.vstack([logits[400:], logits[200:400]]), axis=1).tolist()
    split = Split(np.arange(200), np.arange(400, 600), np.arange(200, 400))
    said = everyone(hot, posts, split)
    tested = truth[400:]
    before, after = (nll(said[name].probabilities, tested) for name in ("classifier", RECALIBRATED))
    assert after < before - 0.2
    ideal = nll(softmax(logits[400:], axis=1), tested)
    assert after == pytest.approx(ideal, abs=0.03)


def test_out_of_fold_puts_what_is_said_in_the_order_of_posts_and_tells_progress() -> None:
    splits = [Split(NOTHING, NOTHING, np.array([4, 0])), Split(NOTHING, NOTHING, np.array([3, 1]))]
    told: list[int] = []
    places, said = out_of_fold(
        lambda split: {"m": Guess(split.test % 4, np.eye(4)[split.test % 4])}, splits, told.append
    )
    assert places.tolist() == [0, 1, 3, 4]
    assert said["m"].predicted.tolist() == [0, 1, 3, 0]
    assert said["m"].probabilities.argmax(axis=1).tolist() == [0, 1, 3, 0]
    assert told == [1, 1]
