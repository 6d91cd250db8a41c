"""The classifier: probabilities that are ones, gold that stays unseen, order that does not matter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from discourse.corpus.mentions import hide_people
from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.corpus.texts import with_text
from discourse.errors import MeaningError, SchemaError, SmallSampleWarning, UsageError
from discourse.framing.classifier import Framed, FramingClassifier
from discourse.framing.features import count, texts_of
from discourse.framing.linear import softmax
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
    two = FramingClassifier(seed=1, least=1, beside=()).fit(TEXTS[:4], VALUES[:4])
    assert np.allclose(two.predict_proba(TEXTS[:4]).sum(axis=1), 1.0)
    assert two.predict(TEXTS[:4]).tolist() == VALUES[:4]


def test_the_rare_frame_is_learnt_because_frames_weigh_the_same() -> None:
    texts = [f"quiet day in town {at}" for at in range(40)] + ["quiet day of martyrs"] * 2
    values = ["neither"] * 40 + ["nationalist"] * 2
    model = FramingClassifier(seed=1, beside=()).fit(texts, values)
    assert model.predict(["quiet day of martyrs"]).tolist() == ["nationalist"]


def test_it_keeps_scikit_learns_conventions() -> None:
    texts = [f"{text} {word}" for text in TEXTS for word in ("a", "b", "c", "d")]
    values = [value for value in VALUES for _ in range(4)]
    model = FramingClassifier(seed=1, least=1)
    fresh = clone(model)
    assert fresh.get_params() == model.get_params() == {
        "seed": 1, "c": 3.0, "least": 1, "beside": ("bank", "lexicon", "script"), "names": "public", "latent": 0,
        "calibration": "temperature", "abstain_below": 0.0,
    }  # fmt: skip
    assert not hasattr(fresh, "classes_")
    grid = {"c": [0.5, 5.0], "beside": [(), ("bank", "lexicon")], "latent": [0, 2]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(texts, values)
    assert search.best_params_["c"] in (0.5, 5.0)
    assert len(search.cv_results_["mean_test_score"]) == 8
    assert cross_val_score(model, texts, values, cv=2, scoring="f1_macro").min() > 0.9
    assert fresh.set_params(c=0.5, names="mask").get_params()["names"] == "mask"
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
    def name(texts: list[str] = TEXTS, values: list[str] = VALUES, **settings: Any) -> str:
        return FramingClassifier(**{"seed": 1, "least": 1, **settings}).fit(texts, values).model_id

    assert small.model_id.startswith("linear@")
    assert name() == small.model_id
    assert name(TEXTS[::-1], VALUES[::-1]) == small.model_id
    others = {name(seed=2), name(c=2.0), name(values=VALUES[::-1]), name([*TEXTS[:4], "snow"]), name(beside=()),
              name(latent=2), name(names="mask")}  # fmt: skip
    assert len(others | {small.model_id}) == 8


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
        ({"latent": -1}, "latent is -1; it must be from 0 to 1000, like 100"),
        ({"names": "none"}, "names is 'none'; it must be 'public' or 'mask'"),
        ({"calibration": "platt"}, "calibration is 'platt'; it must be 'temperature' or 'isotonic'"),
        (
            {"beside": ("bank", "age")},
            "beside holds 'age'; it takes a tuple of 'bank', 'lexicon', 'script', 'language', or ()",
        ),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        FramingClassifier(**{"seed": 1, **wrong}).fit(TEXTS, VALUES)
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


# The same text, raw and in a corpus

SPOKEN = [
    "we want peace with our neighbours @demo_one", "هم سب كو امن چاهيے @demo_two https://example.org/a?b=1",
    "ye jang hamari nahi hai #Stop_War", "موږ سوله غواړو، جګړه نه", "این جنگ راه‌حل نیست، صلح می‌خواهیم",
    "our soil, our honour @demo_one", "دشمن کو سبق سکھائیں گے", "خپله خاوره به ساتو", "rain in Lahore ١٢", "", "12 😀",
    "please do not stop the talks, ہم سب امن چاہتے ہیں بھائی", "كتاب مُحَمَّد ۀ ئ",
]  # fmt: skip
SPOKEN_FRAMES = ["conciliatory"] * 5 + ["nationalist"] * 3 + ["neither"] * 3 + ["conciliatory", "neither"]


def corpus_of(texts: list[str], key: Key | None = None) -> Corpus:
    """A corpus as it is read: handles are pseudonyms where there is a key."""
    written = [hide_people(key, "x", text) if key else text for text in texts]
    return with_text(Corpus(POSTS.frame([
        {"post_id": f"x:{i:03}", "platform": "x", "author_id": f"x:{i}", "created_at": datetime(2025, 1, 1, tzinfo=UTC),
         "kind": "original", "text": text} for i, text in enumerate(written)
    ])))  # fmt: skip


@pytest.mark.parametrize(
    "settings", [{}, {"latent": 3, "names": "mask"}, {"beside": ("bank", "lexicon", "script", "language")}]
)
def test_a_raw_text_and_a_post_of_a_corpus_are_told_alike_to_the_bit(settings: dict[str, Any]) -> None:
    model = FramingClassifier(seed=1, least=1, **settings).fit(SPOKEN, SPOKEN_FRAMES)
    raw = model.predict_proba(SPOKEN)
    for corpus in (corpus_of(SPOKEN), corpus_of(SPOKEN, Key.made_up("demo"))):
        assert (model.predict_proba(corpus) == raw).all()
        assert (model.predict_proba(corpus.posts) == raw).all()
        ids = corpus.posts["post_id"].to_list()
        labels = TrainingLabels(pl.DataFrame({"post_id": ids, "value": SPOKEN_FRAMES}))
        again = FramingClassifier(seed=1, least=1, **settings).fit(corpus, labels)
        assert (again.predict_proba(SPOKEN) == raw).all()
        assert again.model_id == model.model_id


# Names

ADDRESSED = [f"@demo_party number {at} is read" for at in range(12)] + [f"@demo_self number {at} is read"
                                                                       for at in range(9)]  # fmt: skip
PARTIES = ["a"] * 12 + ["b"] * 9


def test_a_name_that_many_texts_mention_tells_the_class_and_one_of_few_does_not() -> None:
    model = FramingClassifier(seed=1).fit(ADDRESSED, PARTIES)
    assert sum(name.startswith("name:") for name in model.dense_names) == 1
    p = model.predict_proba(["@demo_party", "@DEMO_PARTY", "@demo_self", "@nobody_at_all"])
    assert (p[0] == p[1]).all()
    assert p[0, 0] > p[2, 0] + 0.2
    assert (p[2] == p[3]).all()
    masking = FramingClassifier(seed=1, names="mask").fit(ADDRESSED, PARTIES)
    q = masking.predict_proba(["@demo_party", "@demo_self"])
    assert (q[0] == q[1]).all()
    assert not any(name.startswith("name:") for name in masking.dense_names)


def test_what_one_author_repeats_is_no_public_name() -> None:
    corpus = corpus_of(ADDRESSED, Key.made_up("demo"))
    ids = corpus.posts["post_id"].to_list()
    labels = TrainingLabels(pl.DataFrame({"post_id": ids, "value": ["both"] * 12 + ["neither"] * 9}))
    model = FramingClassifier(seed=1).fit(corpus, labels)
    assert sum(name.startswith("name:") for name in model.dense_names) == 1
    alone = corpus.replace_posts(corpus.posts.with_columns(author_id=pl.lit("x:one")), "one", "one author")
    again = FramingClassifier(seed=1).fit(alone, labels)
    assert not any(name.startswith("name:") for name in again.dense_names)


def test_names_of_another_key_are_unknown_names() -> None:
    """A classifier trained on pseudonyms knows them in a corpus of the same key, and nowhere else."""
    own, other = Key.made_up("demo"), Key.made_up("other")
    corpus = corpus_of(ADDRESSED, own)
    model = FramingClassifier(seed=1).fit(corpus.posts.drop("author_id"), PARTIES)
    asked = ["@demo_party"]
    known, strange, raw = (model.predict_proba(x) for x in (corpus_of(asked, own), corpus_of(asked, other), asked))
    assert known[0, 0] > strange[0, 0] + 0.2
    assert (strange == raw).all()
    assert (raw == model.predict_proba(["@nobody_at_all"])).all()


# Dense columns, for those who explain


def test_scores_are_words_and_named_columns(tiny_model: FramingClassifier, tiny_measured: Corpus) -> None:
    texts = texts_of(tiny_measured)[:40]
    dense = tiny_model.dense(texts)
    names = tiny_model.dense_names
    assert dense.shape == (40, len(names)) == (40, tiny_model.linear_.dense.shape[1])
    assert len(set(names)) == len(names)
    assert names[:6] == (*(f"bank:{frame}" for frame in FRAMES), "lexicon:nationalist", "lexicon:conciliatory")
    linear = tiny_model.linear_
    scores = linear.weighting.of(count(texts)) @ linear.weights.T + dense @ linear.dense.T + linear.intercept
    made = softmax(scores / linear.temperature)
    assert np.allclose(made, tiny_model.predict_proba(tiny_measured)[:40], atol=1e-12)


def test_columns_of_an_untrained_classifier_are_not_there() -> None:
    with pytest.raises(NotFittedError, match="call fit first"):
        _ = FramingClassifier(seed=1).dense_names
    with pytest.raises(NotFittedError, match="call fit first"):
        FramingClassifier(seed=1).dense(["a"])


# Posts without labels


def synonyms(n: int, seed: int) -> list[str]:
    """Texts about one of two topics, each with words of its own that keep company with one another."""
    draw = np.random.default_rng(seed)
    sea, hill = "wave ship salt harbour sail tide", "rock goat snow path peak cliff"
    words = {"sea": sea.split(), "hill": hill.split()}
    return [" ".join(draw.choice(words[str(draw.choice(["sea", "hill"]))], 3, replace=False)) for _ in range(n)]


def test_posts_without_labels_teach_words_that_no_label_has() -> None:
    """Labels know two words of six; what stands beside them in texts without labels tells the other four."""
    texts, values = ["wave ship", "ship wave", "rock goat", "goat rock"] * 3, ["sea", "sea", "hill", "hill"] * 3
    asked = ["tide harbour sail", "peak cliff snow"]
    plain = FramingClassifier(seed=1, beside=()).fit(texts, values)
    helped = FramingClassifier(seed=1, beside=(), latent=4).fit(texts, values, unlabelled=synonyms(300, 5))
    assert helped.predict(asked).tolist() == ["sea", "hill"]
    at = [helped.classes_.tolist().index(name) for name in ("sea", "hill")]
    sure, unsure = (model.predict_proba(asked)[[0, 1], at] for model in (helped, plain))
    assert (sure > unsure + 0.1).all()
    assert helped.dense_names == tuple(f"latent:{i:02d}" for i in range(4))


def test_posts_without_labels_come_in_any_order_and_any_shape() -> None:
    texts, values = ["wave ship", "rock goat"] * 3, ["sea", "hill"] * 3
    others = synonyms(120, 5)
    made = FramingClassifier(seed=1, beside=(), latent=3).fit(texts, values, unlabelled=others)
    for same in (others[::-1], [*others, *others[:50]], corpus_of(others), corpus_of(others).posts, pl.Series(others)):
        again = FramingClassifier(seed=1, beside=(), latent=3).fit(texts, values, unlabelled=same)
        assert again.model_id == made.model_id
        assert again.beside_.latent is not None
        assert made.beside_.latent is not None
        assert again.beside_.latent.basis.tobytes() == made.beside_.latent.basis.tobytes()
    with pytest.raises(UsageError, match=r"^posts without labels teach latent directions alone; set latent, like"):
        FramingClassifier(seed=1).fit(texts, values, unlabelled=others)
    with pytest.raises(MeaningError, match=r"^100 latent directions cannot be learnt from 2 distinct texts"):
        FramingClassifier(seed=1, latent=100).fit(texts, values)


# Calibration on a later slice


def drifting(n: int, right: float, seed: int) -> tuple[list[str], list[str]]:
    """Texts whose word says the class, right as often as is said."""
    draw = np.random.default_rng(seed)
    values = draw.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    said = np.where(draw.random(n) < right, values, draw.choice(["a", "b", "c"], n))
    return [f"w{draw.integers(30)} {one}{one}{draw.integers(4)} w{draw.integers(30)}" for one in said], values.tolist()


def gap(model: FramingClassifier, texts: list[str], values: list[str]) -> float:
    """How much surer the classifier is than it is right."""
    p = model.predict_proba(texts)
    return float(p.max(axis=1).mean() - (model.classes_[p.argmax(axis=1)] == np.array(values)).mean())


@pytest.mark.parametrize("kind", ["temperature", "isotonic"])
def test_a_later_slice_sets_right_what_drift_made_too_sure(kind: str) -> None:
    model = FramingClassifier(seed=1, beside=(), calibration=kind).fit(*drifting(1500, 0.95, 1))
    later, test = drifting(1200, 0.5, 2), drifting(3000, 0.5, 3)
    before, state = gap(model, *test), (model.linear_, model.isotonic_, model.model_id)
    made = model.calibrate(*later)
    assert before > 0.2
    assert abs(gap(made, *test)) < 0.05
    assert (model.linear_, model.isotonic_, model.model_id) == state
    assert gap(model, *test) == before
    assert made is not model
    assert made.model_id.startswith("linear@")
    assert made.model_id != model.model_id
    p = made.predict_proba([*test[0], "", "nothing known"])
    assert np.isfinite(p).all()
    assert (p > 0).all()
    assert np.allclose(p.sum(axis=1), 1.0, atol=1e-12)
    mixed = made.get_params()
    again = model.calibrate(later[0][::-1], later[1][::-1])
    assert again.model_id == made.model_id
    assert (again.predict_proba(test[0]) == made.predict_proba(test[0])).all()
    assert mixed == model.get_params()


def test_few_posts_to_calibrate_on_are_said_to_be_few() -> None:
    model = FramingClassifier(seed=1, beside=()).fit(*drifting(300, 0.9, 1))
    with pytest.warns(SmallSampleWarning, match="^temperature calibration rests on 99 posts; it asks for 100 or more$"):
        model.calibrate(*drifting(99, 0.9, 2))
    isotonic = model.set_params(calibration="isotonic")
    with pytest.warns(
        SmallSampleWarning, match="^isotonic calibration rests on 999 posts; it asks for 1,000 or more; "
    ):
        made = isotonic.calibrate(*drifting(999, 0.9, 2))
    assert made.isotonic_ is not None
    with pytest.warns(SmallSampleWarning, match="isotonic calibration rests on 5 posts") as caught:
        few = isotonic.calibrate(["aa1", "bb1", "aa2", "aa0", "bb0"], ["a", "b", "a", "b", "b"])
    assert caught[0].filename == __file__
    p = few.predict_proba(drifting(200, 0.9, 3)[0])
    assert np.isfinite(p).all()
    assert np.allclose(p.sum(axis=1), 1.0)


def test_a_slice_that_cannot_calibrate_is_refused(tiny_model: FramingClassifier) -> None:
    model = FramingClassifier(seed=1, least=1).fit(TEXTS[:4], VALUES[:4])
    with pytest.raises(MeaningError) as caught:
        model.calibrate(TEXTS, VALUES)
    assert str(caught.value) == (
        "the labels hold neither, which this classifier has not learnt; it tells conciliatory, nationalist"
    )
    with pytest.raises(MeaningError, match="there are no posts to calibrate on"):
        model.calibrate([], [])
    gold = GoldLabels(pl.DataFrame({"post_id": ["x:1"], "value": ["both"], "inclusion_p": [0.5]}))
    with pytest.raises(MeaningError, match="gold labels measure the classifier and must stay unseen"):
        model.calibrate(Corpus(POSTS.empty()), gold)  # type: ignore[arg-type]
    with pytest.raises(NotFittedError, match="call fit first"):
        FramingClassifier(seed=1).calibrate(TEXTS, VALUES)


def test_a_classifier_is_calibrated_on_labels_of_a_corpus(
    tiny_model: FramingClassifier, tiny_measured: Corpus, tiny_labels: Labels
) -> None:
    made = tiny_model.calibrate(tiny_measured, tiny_labels.training)
    assert made.predict(tiny_measured).table["model"].unique().to_list() == [made.model_id]
    ids = tiny_labels.training.frame.join(tiny_measured.posts, on="post_id", how="inner").sort("post_id")
    other = tiny_model.calibrate(ids["text"].to_list(), ids["value"].to_list())
    assert other.linear_.temperature == made.linear_.temperature
