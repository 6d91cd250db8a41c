"""Tables of scores: estimates are those of scikit-learn, groups their own posts, small groups without a number."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from judging_world import guessed
from sklearn.metrics import average_precision_score, f1_score, precision_recall_fscore_support

from discourse.judging.baselines import Guess, majority_guess
from discourse.judging.intervals import interval_of
from discourse.judging.scores import aurc, brier, ece, nll
from discourse.judging.tables import SCORES, confusion_table, score_tables
from discourse.judging.values import Judged, ends, matrices
from discourse.schema import ABSTAIN, FRAMES

SHARES = (0.45, 0.2, 0.15, 0.2)


@pytest.fixture(scope="module")
def world() -> tuple[pl.DataFrame, dict[str, Guess]]:
    posts, one, other = guessed(160, 4, shares=SHARES)
    author = posts["author_id"].str.tail(-1).cast(pl.Int64)
    posts = posts.with_columns(
        lang=pl.when(author < 6).then(pl.lit("ps")).when(author % 2 == 0).then(pl.lit("en")).otherwise(pl.lit("ur")),
        side=pl.when(author % 3 == 0).then(None).otherwise(pl.lit("A")), platform=pl.lit("x"),
    )  # fmt: skip
    unsure = one.probabilities.max(axis=1) < 0.5
    abstaining = Guess(np.where(unsure, 4, one.predicted), one.probabilities)
    lexicon = Guess(other.predicted, np.zeros((posts.height, 0)))
    majority = majority_guess(["nationalist"] * 3 + ["neither"], posts.height)
    return posts, {"classifier": abstaining, "plain": other, "lexicon": lexicon, "majority": majority}


@pytest.fixture(scope="module")
def made(world: tuple[pl.DataFrame, dict[str, Guess]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    return score_tables(*world, seed=5, replicates=150)


def score(scores: pl.DataFrame, model: str, metric: str, name: str = "all", group: str = "all") -> dict[str, float]:
    rows = scores.filter(
        (pl.col("model") == model)
        & (pl.col("metric") == metric)
        & (pl.col("class") == name)
        & (pl.col("group") == group)
    )
    assert rows.height == 1, (model, metric, name, group)
    return dict(rows.row(0, named=True))


def test_estimates_are_those_of_scikit_learn_in_every_group(
    world: tuple[pl.DataFrame, dict[str, Guess]], made: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    posts, guesses = world
    scores, _ = made
    parts = {"all": np.ones(posts.height, dtype=bool), "lang=en": (posts["lang"] == "en").to_numpy(),
             "side=A": (posts["side"] == "A").fill_null(value=False).to_numpy()}  # fmt: skip
    for group, at in parts.items():
        true = posts.filter(at)["value"].to_list()
        for model, guess in guesses.items():
            said = guess.at(at).names().to_list()
            p, r, f, _ = precision_recall_fscore_support(true, said, labels=FRAMES, zero_division=np.nan)
            for i, frame in enumerate(FRAMES):
                for metric, expected in (("precision", p[i]), ("recall", r[i]), ("f1", np.nan_to_num(f[i]))):
                    found = score(scores, model, metric, frame, group)["estimate"]
                    assert (found is None) == bool(np.isnan(expected)), (model, metric, frame)
                    assert found is None or found == pytest.approx(expected)
            expected = f1_score(true, said, labels=FRAMES, average="macro", zero_division=0)
            assert score(scores, model, "macro_f1", group=group)["estimate"] == pytest.approx(expected)
            hits = np.mean([a == b for a, b in zip(true, said, strict=True)])
            assert score(scores, model, "accuracy", group=group)["estimate"] == pytest.approx(hits)
            kept = np.mean([one != ABSTAIN for one in said])
            assert score(scores, model, "coverage", group=group)["estimate"] == pytest.approx(kept)
            assert score(scores, model, "macro_f1", group=group)["n"] == at.sum()
    assert score(scores, "classifier", "coverage")["estimate"] < 1.0


def test_scores_of_probabilities_ignore_that_a_model_abstains(
    world: tuple[pl.DataFrame, dict[str, Guess]], made: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    posts, guesses = world
    scores, _ = made
    true = posts["value"].replace_strict(dict(zip(FRAMES, range(4), strict=True)), return_dtype=pl.Int64).to_numpy()
    for model in ("classifier", "plain", "majority"):
        shares = guesses[model].probabilities
        for metric, of in (("nll", nll), ("brier", brier), ("ece", ece)):
            assert score(scores, model, metric)["estimate"] == pytest.approx(of(shares, true))
    shares = guesses["classifier"].probabilities
    expected = aurc(shares.max(axis=1), shares.argmax(axis=1) != true)
    assert score(scores, "classifier", "aurc")["estimate"] == pytest.approx(expected)
    by_frame = [average_precision_score(true == i, shares[:, i]) for i in range(4)]
    for i, frame in enumerate(FRAMES):
        assert score(scores, "classifier", "average_precision", frame)["estimate"] == pytest.approx(by_frame[i])
        share = (true == i).mean()
        assert score(scores, "majority", "average_precision", frame)["estimate"] == pytest.approx(share)
    assert score(scores, "classifier", "average_precision")["estimate"] == pytest.approx(np.mean(by_frame))
    assert score(scores, "majority", "aurc")["estimate"] == pytest.approx((true != 0).mean())
    assert (
        scores.filter((pl.col("model") == "lexicon") & pl.col("metric").is_in(["nll", "average_precision"])).height == 0
    )


def test_differences_are_of_estimates_and_paired(made: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    scores, _ = made
    for baseline in ("plain", "lexicon", "majority"):
        gain = score(scores, f"classifier - {baseline}", "macro_f1")
        both = [score(scores, name, "macro_f1") for name in ("classifier", baseline)]
        assert gain["estimate"] == pytest.approx(both[0]["estimate"] - both[1]["estimate"])
    gain = score(scores, "classifier - plain", "average_precision", "nationalist")
    both = [score(scores, name, "average_precision", "nationalist") for name in ("classifier", "plain")]
    assert gain["estimate"] == pytest.approx(both[0]["estimate"] - both[1]["estimate"])
    unpaired = np.hypot(both[0]["high"] - both[0]["low"], both[1]["high"] - both[1]["low"])
    assert gain["high"] - gain["low"] < 0.8 * unpaired


def test_two_equal_models_differ_by_nothing_much(world: tuple[pl.DataFrame, dict[str, Guess]]) -> None:
    posts, guesses = world
    scores, _ = score_tables(posts, {"classifier": guesses["plain"], "plain": guesses["plain"]}, seed=1, replicates=200)
    gain = score(scores, "classifier - plain", "macro_f1")
    assert gain["estimate"] == 0.0
    assert gain["low"] <= 0.0 <= gain["high"]
    assert gain["high"] - gain["low"] < 0.03
    assert score(scores, "classifier - plain", "average_precision")["high"] == 0.0


def test_groups_are_languages_sides_and_platforms_and_a_small_one_has_no_number(
    world: tuple[pl.DataFrame, dict[str, Guess]], made: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    posts, _ = world
    scores, groups = made
    assert dict(scores.schema) == SCORES
    assert groups["group"].to_list() == ["all", "lang=en", "lang=ps", "lang=ur", "side=A", "platform=x"]
    assert set(scores["group"]) == set(groups["group"])
    small = scores.filter(pl.col("group") == "lang=ps")
    assert small.height > 50
    assert small.select(pl.col("estimate", "low", "high", "n").is_null().all()).row(0) == (True,) * 4
    row = groups.filter(pl.col("group") == "lang=ps").row(0, named=True)
    assert row == {"group": "lang=ps", "n": None, "n_authors": None, "averaged": None, "common": None, "withheld": True}
    row = groups.filter(pl.col("group") == "lang=en").row(0, named=True)
    own = posts.filter(pl.col("lang") == "en")
    assert (row["n"], row["n_authors"], row["withheld"]) == (own.height, own["author_id"].n_unique(), False)


@pytest.mark.parametrize(("authors", "withheld"), [(9, True), (10, False)])
def test_ten_authors_make_a_group(authors: int, withheld: bool) -> None:
    posts = pl.DataFrame({
        "author_id": [f"a{i}" for i in range(30)], "value": ["both", "neither"] * 15, "platform": ["x"] * 30,
        "lang": ["en"] * authors + ["ur"] * (30 - authors), "side": [None] * 30,
    }, schema_overrides={"side": pl.String})  # fmt: skip
    _, groups = score_tables(posts, {"classifier": majority_guess(["both"], 30)}, seed=1, replicates=9)
    assert groups.filter(pl.col("group") == "lang=en")["withheld"].to_list() == [withheld]
    assert groups["withheld"][0] is False


def test_the_macro_average_is_over_the_frames_that_are_there_and_says_so() -> None:
    """A group without conciliatory posts: a false alarm must not count as a frame of its own."""
    n = 40
    posts = pl.DataFrame({
        "author_id": [f"a{i}" for i in range(2 * n)], "value": ["both", "neither"] * (n // 2) + ["conciliatory"] * n,
        "lang": ["en"] * n + ["ur"] * n, "side": ["A"] * 2 * n, "platform": ["x"] * 2 * n,
    })  # fmt: skip
    said = np.array([2, 3] * (n // 2) + [1] * n)
    said[0] = 1
    scores, groups = score_tables(posts, {"classifier": Guess(said, np.eye(4)[said])}, seed=1, replicates=50)
    assert groups["averaged"].to_list()[:3] == ["conciliatory, both, neither", "both, neither", "conciliatory"]
    expected = (2 * 19 / (2 * 19 + 1) + 1.0) / 2
    assert score(scores, "classifier", "macro_f1", group="lang=en")["estimate"] == pytest.approx(expected)
    assert score(scores, "classifier", "recall", "conciliatory", "lang=en")["estimate"] is None
    assert score(scores, "classifier", "average_precision", "conciliatory", "lang=en")["estimate"] is None
    assert score(scores, "classifier", "precision", "conciliatory", "lang=en")["estimate"] == 0.0
    assert score(scores, "classifier", "macro_f1", group="lang=ur")["estimate"] is None


def test_a_frame_of_few_authors_is_in_one_average_and_not_in_the_other() -> None:
    n = 60
    value = ["nationalist", "neither"] * 25 + ["both"] * 9 + ["conciliatory"]
    posts = pl.DataFrame({"author_id": [f"a{i}" for i in range(n)], "value": value, "lang": ["en"] * n,
                          "side": ["A"] * n, "platform": ["x"] * n})  # fmt: skip
    said = np.array([FRAMES.index(one) for one in value])
    said[50:] = 3
    guess = Guess(said, np.eye(4)[said] * 0.6 + 0.1)
    scores, groups = score_tables(posts, {"classifier": guess}, seed=1, replicates=200)
    whole = groups.row(0, named=True)
    assert (whole["averaged"], whole["common"]) == (", ".join(FRAMES), "nationalist, neither")
    neither = 2 * 25 / (2 * 25 + 10)
    assert score(scores, "classifier", "macro_f1")["estimate"] == pytest.approx((1 + 0 + 0 + neither) / 4)
    assert score(scores, "classifier", "macro_f1_common")["estimate"] == pytest.approx((1 + neither) / 2)
    missed = score(scores, "classifier", "recall", "both")
    assert missed["estimate"] == missed["low"] == 0.0
    assert 0.1 < missed["high"] < 0.45  # Jeffreys: 0.25 for none of nine
    assert score(scores, "classifier", "average_precision", "both")["low"] is None
    assert score(scores, "classifier", "average_precision", "nationalist")["estimate"] is not None
    assert score(scores, "classifier", "average_precision")["low"] is None


def test_the_half_counts_do_not_touch_estimates_and_hang_on_seed_and_model() -> None:
    posts, one, _ = guessed(40, 1, shares=SHARES)
    judged = Judged.of(posts, seed=3, replicates=50)
    part = judged.part()
    first, same, other = (judged.values(name, one, part)["f1", "both"] for name in ("a", "a", "b"))
    assert first[0] == other[0]
    assert (first == same).all()
    assert (first[1:] != other[1:]).any()
    assert np.corrcoef(first[1:], other[1:])[0, 1] > 0.9
    assert (Judged.of(posts, seed=4, replicates=50).values("a", one, part)["f1", "both"][1:] != first[1:]).any()


def test_the_bootstrap_draws_authors_not_posts() -> None:
    """Posts by one author each are less alike than the same posts by few authors."""
    posts, one, _ = guessed(60, 2, shares=SHARES)
    few = posts.with_columns(author_id=pl.format("b{}", pl.int_range(pl.len()) // 20))
    many = posts.with_columns(author_id=pl.format("b{}", pl.int_range(pl.len())))
    spread = []
    for given in (few, many):
        judged = Judged.of(given, seed=3, replicates=300)
        _, low, high = ends("nll", judged.values("a", one, judged.part())["nll", "all"])
        assert low is not None
        assert high is not None
        spread.append(high - low)
    assert len(set(few["author_id"])) < 10
    assert spread[0] != pytest.approx(spread[1], rel=0.02)
    alone = posts.with_columns(author_id=pl.lit("a"))
    judged = Judged.of(alone, seed=3, replicates=30)
    drawn = judged.values("a", one, judged.part())["nll", "all"]
    assert interval_of(drawn) == pytest.approx((drawn[0],) * 3)


def test_matrices_count_weights() -> None:
    truth, said = np.array([0, 0, 3]), np.array([0, 4, 1])
    made = matrices(truth, said, np.array([[1.0, 1.0, 1.0], [0.0, 2.0, 3.0]]))
    assert made.shape == (2, 4, 5)
    assert [made[0, 0, 0], made[0, 0, 4], made[0, 3, 1], made[0].sum()] == [1, 1, 1, 3]
    assert [made[1, 0, 0], made[1, 0, 4], made[1, 3, 1], made[1].sum()] == [0, 2, 3, 5]


def test_the_confusion_counts_every_post_once_and_abstain_is_a_column_if_it_occurs() -> None:
    true, said = pl.Series(["both", "both", "neither"]), pl.Series(["both", "neither", "neither"])
    table = confusion_table(true, said)
    assert table.select("true", "predicted").rows() == [(t, p) for t in FRAMES for p in FRAMES]
    assert table.filter(pl.col("n") > 0).rows() == [
        ("both", "both", 1),
        ("both", "neither", 1),
        ("neither", "neither", 1),
    ]
    table = confusion_table(true, pl.Series(["both", ABSTAIN, ABSTAIN]))
    assert table.height == 20
    assert table.filter(pl.col("predicted") == ABSTAIN).select("true", "n").rows() == [
        ("nationalist", 0), ("conciliatory", 0), ("both", 1), ("neither", 1),
    ]  # fmt: skip
