"""The gate: its numbers by hand and by others' code, what it lets through, and how often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest, norm
from sklearn.metrics import confusion_matrix, f1_score

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.errors import MeaningError, UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.labels.labels import GoldLabels, TrainingLabels
from discourse.registry.card import sealed
from discourse.registry.decision import Comparison
from discourse.registry.facts import Facts, training_facts
from discourse.registry.folder import history, register
from discourse.registry.loading import Registered, open_registered
from discourse.registry.promotion import GROUP_MARGIN, compare, compare_predictions, promote
from discourse.registry.words import comparison_lines
from discourse.schema import ABSTAIN, FRAMES, POSTS

KEY = Key.made_up("tests")
SIDES = {"pakistan": ("ur", "en"), "afghanistan": ("ps", "fa")}


def world(n: int, right: tuple[float, float], seed: int, alike: float = 0.95) -> pl.DataFrame:
    """n held-out posts of authors with one to eight posts; two models that are right with given chances.

    A post is hard for both by the share `alike`; authors lean to frames, and are hard as a whole.
    """
    rng = np.random.default_rng([seed, n])
    sizes = np.minimum(rng.zipf(2.2, size=n), 8)
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), n)) + 1]
    author = np.repeat(np.arange(len(sizes)), sizes)[:n]
    side = rng.choice(list(SIDES), len(sizes))
    lang = np.array([SIDES[one][rng.integers(2)] for one in side])
    lean = rng.dirichlet(np.array([0.35, 0.2, 0.1, 0.35]) * 6.0, size=len(sizes))
    true = np.array([rng.choice(4, p=lean[who]) for who in author])
    hard, of_author = rng.normal(size=n), rng.normal(size=len(sizes))[author]
    wrong = (true + rng.integers(1, 4, n)) % 4
    table: dict[str, Any] = {
        "author_id": [f"x:{who}" for who in author], "lang": lang[author], "side": side[author],
        "value": np.array(FRAMES)[true],
    }  # fmt: skip
    for name, chance in zip(("incumbent", "candidate"), right, strict=True):
        z = np.sqrt(alike) * hard + np.sqrt(1.0 - alike) * rng.normal(size=n)
        z = np.sqrt(0.9) * z + np.sqrt(0.1) * of_author
        table[name] = np.array(FRAMES)[np.where(norm.cdf(z) < chance, true, wrong)]
    return pl.DataFrame(table).with_columns(weight=pl.lit(1.0))


def check(made: Comparison, what: str, group: str = "all") -> Any:
    (found,) = [one for one in made.checks if (one.what, one.group) == (what, group)]
    return found


@pytest.fixture(scope="module")
def some() -> tuple[pl.DataFrame, Comparison]:
    table = world(700, (0.7, 0.75), seed=1)
    return table, compare_predictions(table, seed=7, replicates=400)


def test_macro_f1_is_that_of_scikit_learn(some: tuple[pl.DataFrame, Comparison]) -> None:
    table, made = some
    for group, part in (("all", table), ("side=pakistan", table.filter(side="pakistan")),
                        ("lang=ps", table.filter(lang="ps"))):  # fmt: skip
        authors = dict(part.group_by("value").agg(pl.col("author_id").n_unique()).rows())
        frames = [frame for frame in FRAMES if authors.get(frame, 0) >= 10]
        found = check(made, "macro_f1", group)
        for name in ("incumbent", "candidate"):
            wanted = f1_score(part["value"], part[name], labels=frames, average="macro")
            assert getattr(found, name) == pytest.approx(wanted, abs=1e-12)
        assert found.difference == pytest.approx(found.candidate - found.incumbent)
        assert found.low < found.difference < found.high
        assert abs(found.posts - part.height) <= 2
        assert abs(found.authors - part["author_id"].n_unique()) <= 2


def test_the_counting_bias_and_the_condition_are_as_by_hand(some: tuple[pl.DataFrame, Comparison]) -> None:
    table, made = some
    for frame in FRAMES:
        found = check(made, f"cc_bias {frame}")
        for name in ("incumbent", "candidate"):
            shares = [np.mean(table[column].to_numpy() == frame) for column in (name, "value")]
            by_hand = abs(shares[0] - shares[1])
            assert getattr(found, name) == pytest.approx(by_hand, abs=1e-12)
    for name in ("incumbent", "candidate"):
        counted = confusion_matrix(table["value"], table[name], labels=[*FRAMES, ABSTAIN])[:4] + 0.5
        singular = np.linalg.svd(counted / counted.sum(axis=1, keepdims=True), compute_uv=False)
        assert getattr(check(made, "condition"), name) == pytest.approx(singular[0] / singular[-1], rel=1e-9)


def test_every_side_and_language_is_checked_and_then_the_correction(some: tuple[pl.DataFrame, Comparison]) -> None:
    assert [(one.what, one.group) for one in some[1].checks] == [
        ("macro_f1", "all"), ("macro_f1", "side=afghanistan"), ("macro_f1", "side=pakistan"), ("macro_f1", "lang=en"),
        ("macro_f1", "lang=fa"), ("macro_f1", "lang=ps"), ("macro_f1", "lang=ur"),
        *((f"cc_bias {frame}", "all") for frame in FRAMES), ("condition", "all"),
    ]  # fmt: skip


def test_the_comparison_knows_no_order_and_obeys_its_seed(some: tuple[pl.DataFrame, Comparison]) -> None:
    table, made = some
    before = table.clone()
    mixed = compare_predictions(table.sample(fraction=1.0, shuffle=True, seed=2), seed=7, replicates=400)
    assert sealed(mixed) == sealed(made)
    assert table.equals(before)
    other = compare_predictions(table, seed=8, replicates=400)
    assert [one.difference for one in other.checks] == [one.difference for one in made.checks]
    assert check(other, "macro_f1").low != check(made, "macro_f1").low


def test_the_interval_is_that_of_repeated_samples() -> None:
    """The bootstrap's standard error against the spread of the gain over many worlds."""
    gains, spreads = [], []
    for seed in range(60):
        found = check(compare_predictions(world(400, (0.7, 0.72), seed), seed=seed, replicates=200), "macro_f1")
        gains.append(found.difference)
        spreads.append((found.high - found.low) / (2 * 1.645))
    assert np.mean(spreads) == pytest.approx(np.std(gains), rel=0.25)


def test_posts_of_one_author_do_not_count_as_many(some: tuple[pl.DataFrame, Comparison]) -> None:
    table = some[0]
    apart = compare_predictions(
        table.with_columns(author_id=pl.format("x:{}", pl.int_range(pl.len()))), seed=7, replicates=400
    )
    # Each author's posts once more, word for word: no more is known than before.
    twice = pl.concat([table, table])
    again = compare_predictions(twice, seed=7, replicates=400)
    width = check(some[1], "macro_f1").high - check(some[1], "macro_f1").low
    assert check(again, "macro_f1").high - check(again, "macro_f1").low == pytest.approx(width, rel=1e-6)
    as_strangers = twice.with_columns(author_id=pl.format("x:{}", pl.int_range(pl.len())))
    narrow = check(compare_predictions(as_strangers, seed=7, replicates=400), "macro_f1")
    assert narrow.high - narrow.low < 0.8 * (check(apart, "macro_f1").high - check(apart, "macro_f1").low)


def test_an_identical_candidate_passes_whatever_the_numbers() -> None:
    table = world(300, (0.6, 0.6), seed=3).with_columns(candidate=pl.col("incumbent"))
    made = compare_predictions(table, seed=7, margin=0.001, replicates=200)
    assert made.verdict == "promote"
    assert {one.difference for one in made.checks} == {0.0}
    assert (made.only_incumbent_right, made.only_candidate_right, made.mcnemar_p) == (0, 0, 1.0)


def test_the_margin_is_what_may_be_lost() -> None:
    """With an identical candidate nothing may be lost at margin 0: the bound must lie above it."""
    table = world(300, (0.6, 0.6), seed=3).with_columns(candidate=pl.col("incumbent"))
    made = compare_predictions(table, seed=7, margin=0.0, replicates=200)
    assert made.verdict == "keep"
    assert all("a fall cannot be ruled out" in one for one in made.reasons)


def test_a_group_may_lose_two_and_a_half_margins() -> None:
    table = world(2500, (0.7, 0.7), seed=4)
    low = check(compare_predictions(table, seed=7, replicates=200), "macro_f1", "lang=ps").low
    assert low < 0
    for margin, passed in ((-low / GROUP_MARGIN * 1.01, True), (-low / GROUP_MARGIN * 0.99, False)):
        made = compare_predictions(table, seed=7, margin=margin, replicates=200)
        assert check(made, "macro_f1", "lang=ps").passed is passed


def test_a_candidate_that_fails_one_language_is_refused_though_better_over_all() -> None:
    table = world(3000, (0.7, 0.85), seed=5)
    fourth = pl.int_range(pl.len()) % 4 == 0
    spoilt = pl.when(pl.col("lang") != "fa").then("candidate").when(fourth).then(pl.lit("both")).otherwise("incumbent")
    made = compare_predictions(table.with_columns(candidate=spoilt), seed=7, replicates=200)
    assert check(made, "macro_f1").passed
    assert made.verdict == "keep"
    assert [one.group for one in made.failed if one.what == "macro_f1"] == ["lang=fa"]
    assert "macro-F1 of lang=fa changes by -" in made.reasons[0]
    assert made.reasons[0].endswith("it falls")


def test_a_candidate_that_is_harder_to_correct_is_refused_though_its_f1_rises() -> None:
    """The incumbent's errors cancel out; the candidate's, fewer, all go to one frame."""
    n, rng = 4000, np.random.default_rng(6)
    true = rng.integers(0, 2, n)
    both_wrong, one_wrong = rng.random(n) < 0.2, (rng.random(n) < 0.36) & (true == 1)
    names = np.array(["nationalist", "neither"])
    table = pl.DataFrame({
        "author_id": [f"x:{i}" for i in range(n)], "lang": "en", "side": "pakistan", "value": names[true],
        "incumbent": names[np.where(both_wrong, 1 - true, true)],
        "candidate": names[np.where(one_wrong, 0, true)], "weight": 1.0,
    })  # fmt: skip
    made = compare_predictions(table, seed=7, replicates=400)
    assert all(one.passed for one in made.checks if one.what == "macro_f1")
    assert {one.what for one in made.failed} >= {"cc_bias nationalist", "cc_bias neither"}
    assert made.verdict == "keep"
    assert "the counting bias of nationalist grows: 0.00" in made.reasons[0]


def test_a_worse_conditioned_candidate_is_refused() -> None:
    """Symmetric errors, so that counts stay unbiased, but more of them: the correction divides by less."""
    n, rng = 3000, np.random.default_rng(8)
    true = rng.integers(0, 2, n)
    names = np.array(["nationalist", "neither"])
    table = pl.DataFrame({
        "author_id": [f"x:{i}" for i in range(n)], "lang": "en", "side": "pakistan", "value": names[true],
        "incumbent": names[np.where(rng.random(n) < 0.10, 1 - true, true)],
        "candidate": names[np.where(rng.random(n) < 0.25, 1 - true, true)], "weight": 1.0,
    })  # fmt: skip
    made = compare_predictions(table, seed=7, margin=0.9, replicates=400)
    assert {one.what for one in made.failed} == {"condition"}
    found = check(made, "condition")
    assert found.incumbent == pytest.approx(1 / 0.8, rel=0.1)  # P has singular values 1 and 1 - 2e
    assert found.candidate == pytest.approx(1 / 0.5, rel=0.1)


def test_abstaining_is_no_way_to_pass() -> None:
    table = world(1500, (0.7, 0.7), seed=9)
    unsure = pl.when(pl.col("candidate") != pl.col("value")).then(pl.lit(ABSTAIN)).otherwise("candidate")
    coward = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit(ABSTAIN)).otherwise("candidate")
    assert compare_predictions(table.with_columns(candidate=coward), seed=7, replicates=200).verdict == "keep"
    # To abstain where it was wrong anyway costs no recall and gains precision.
    made = compare_predictions(table.with_columns(candidate=unsure), seed=7, replicates=200)
    assert check(made, "macro_f1").candidate > check(made, "macro_f1").incumbent


def test_weights_make_the_sample_the_population() -> None:
    """Posts drawn with chance 1/2 count twice: the same as each of them standing there twice."""
    table = world(500, (0.7, 0.75), seed=10)
    half = table.with_columns(weight=pl.when(side="pakistan").then(2.0).otherwise(1.0))
    twice = pl.concat([table, table.filter(side="pakistan")])
    one, other = (compare_predictions(made, seed=7, replicates=200) for made in (half, twice))
    for what in ("macro_f1", "cc_bias both"):
        for field in ("incumbent", "candidate", "low", "high"):
            assert getattr(check(one, what), field) == pytest.approx(getattr(check(other, what), field), abs=1e-12)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (3, 3), (1, 9), (9, 1), (0, 5), (12, 30)])
def test_mcnemar_is_the_exact_test_less_half_of_what_was_seen(b: int, c: int) -> None:
    rows = [("both", "both", "neither")] * b + [("both", "neither", "both")] * c + [("neither",) * 3] * 60
    table = pl.DataFrame(rows, schema=["value", "incumbent", "candidate"], orient="row").with_columns(
        author_id=pl.format("x:{}", pl.int_range(pl.len())), lang=pl.lit("en"), side=pl.lit("p"), weight=1.0
    )
    table = pl.concat([table, table.head(1).with_columns(value=pl.lit("both"), incumbent=pl.lit("both"),
                       candidate=pl.lit("both"), author_id=pl.lit("y"))] * 1 + [
        table.tail(1).with_columns(value=pl.lit("both"), incumbent=pl.lit("both"), candidate=pl.lit("both"),
                                   author_id=pl.lit(f"y:{i}")) for i in range(12)])  # fmt: skip
    made = compare_predictions(table, seed=7, replicates=200)
    assert (made.only_incumbent_right, made.only_candidate_right) == (b, c)
    if b + c:
        exact = binomtest(min(b, c), b + c).pvalue
        seen = float(binomtest(min(b, c), b + c, alternative="less").pvalue)
        less = float(binomtest(min(b, c) - 1, b + c, alternative="less").pvalue) if min(b, c) else 0.0
        wanted = exact - (seen - less)
        assert made.mcnemar_p == pytest.approx(wanted, abs=1e-12)
    else:
        assert made.mcnemar_p == 1.0


def test_small_groups_decide_nothing_and_the_smallest_are_not_named() -> None:
    table = world(900, (0.7, 0.72), seed=11)
    few = table.filter(lang="ps")["author_id"].unique().sort()
    for count, row, judged in ((9, False, False), (20, True, False), (35, True, True)):
        kept = table.filter((pl.col("lang") != "ps") | pl.col("author_id").is_in(few[:count].implode()))
        made = compare_predictions(kept, seed=7, replicates=200)
        found = [one for one in made.checks if one.group == "lang=ps"]
        assert bool(found) is row
        assert [one.judged for one in found] == [judged] * row
    small = compare_predictions(table.filter(pl.col("author_id").is_in(few[:29].implode()) | (pl.col("lang") != "ps")),
                                seed=7, replicates=200)  # fmt: skip
    assert "lang=ps" not in {one.group for one in small.failed}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (world(30, (0.7, 0.7), 12), "a comparison needs 30 authors and 2 such frames: label more"),
        (world(900, (0.7, 0.7), 12).with_columns(value=pl.lit("both")), "have 1 frames that 10 authors carry"),
    ],
)
def test_too_few_held_out_posts_decide_nothing(table: pl.DataFrame, said: str) -> None:
    with pytest.raises(MeaningError, match=said):
        compare_predictions(table, seed=7, replicates=200)


@pytest.mark.parametrize(("bad", "said"), [({"margin": -0.1}, "margin is -0.1"), ({"margin": 1.0}, "margin is 1.0"),
                                           ({"replicates": 199}, "a bound needs at least 200")])  # fmt: skip
def test_impossible_settings_are_refused(bad: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        compare_predictions(world(300, (0.7, 0.7), 12), seed=7, **bad)


def verdicts(n: int, right: tuple[float, float], worlds: int) -> float:
    """Share of worlds in which the candidate is let through."""
    made = [compare_predictions(world(n, right, seed), seed=seed, replicates=200).verdict for seed in range(worlds)]
    return made.count("promote") / worlds


def test_a_clearly_worse_candidate_is_refused_and_a_better_one_promoted() -> None:
    """Two margins worse in accuracy, which is about as much in macro-F1 here; and two better."""
    assert verdicts(1500, (0.70, 0.66), worlds=20) == 0.0
    assert verdicts(1500, (0.70, 0.75), worlds=10) >= 0.9
    assert verdicts(3000, (0.70, 0.70), worlds=10) >= 0.7  # equal ones pass once there are labels to tell


# Whole models, cards and posts.

WHEN = datetime(2025, 1, 6, tzinfo=UTC)
WORDS = {"nationalist": ("soil", "honour", "border"), "conciliatory": ("peace", "talks", "bread"),
         "neither": ("rain", "cricket", "onions"), "both": ("peace soil", "talks honour", "bread border")}  # fmt: skip


def posts_of(count: int, start: int, seed: int) -> tuple[Corpus, pl.DataFrame]:
    """Posts whose words tell the frame, one an author, and their frames."""
    rng = np.random.default_rng([seed, start])
    rows, values = [], []
    for number in range(start, start + count):
        frame = str(rng.choice(FRAMES))
        text = f"{rng.choice(WORDS[frame])} {rng.choice(WORDS[frame])} number {number}"
        rows.append({"post_id": f"x:9{number:05}", "platform": "x", "author_id": f"x:a{number}", "created_at": WHEN +
                     timedelta(days=number % 20), "kind": "original", "text": text, "text_norm": text, "lang": "en",
                     "side": str(rng.choice(["pakistan", "afghanistan"]))})  # fmt: skip
        values.append(frame)
    return Corpus(POSTS.frame(rows)), pl.DataFrame({"post_id": [row["post_id"] for row in rows], "value": values})


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """v1 learnt from 12 posts, v2 from 150; 300 other posts are held out."""
    place = tmp_path_factory.mktemp("gate") / "models"
    everything, values = posts_of(450, 0, seed=1)
    for count in (12, 150):
        training = TrainingLabels(values.head(count))
        model = FramingClassifier(seed=3, least=1).fit(everything, training)
        register(model, place, "framing", Facts(training_facts(everything, training, KEY), "framing 2"), created=WHEN)
    promote(place, "framing", "v1", None)
    made = {version: open_registered(place, "framing", version) for version in ("v1", "v2")}
    return {"place": place, "corpus": everything, "held": values.tail(300), "values": values, **made}


def test_a_better_model_is_promoted_and_the_way_back_refused(pair: dict[str, Any]) -> None:
    forth = compare(pair["v1"], pair["v2"], pair["corpus"], pair["held"], key=KEY, seed=7, replicates=400)
    back = compare(pair["v2"], pair["v1"], pair["corpus"], pair["held"], key=KEY, seed=7, replicates=400)
    assert (forth.verdict, back.verdict) == ("promote", "keep")
    assert (forth.incumbent, forth.candidate) == (back.candidate, back.incumbent)
    assert check(forth, "macro_f1").difference == pytest.approx(-check(back, "macro_f1").difference)
    made = promote(pair["place"], "framing", "v2", forth)
    assert (made.decision, made.incumbent) == ("promoted", "v1")
    assert made.reason.startswith("macro-F1 of all changes by +")
    with pytest.raises(MeaningError) as caught:
        promote(pair["place"], "framing", "v1", back)
    assert str(caught.value).startswith("v1 of 'framing' does not replace v2: macro-F1 of all changes by -")
    assert [one.version for one in history(pair["place"], "framing")] == ["v1", "v2"]
    lines = comparison_lines(back)
    assert lines[0] == "keep, on about 300 held-out posts of 300 authors"
    assert lines[1].startswith("- macro-F1 of all changes by -")


def test_the_order_of_posts_and_labels_changes_nothing(pair: dict[str, Any]) -> None:
    def made(corpus: Corpus, held: pl.DataFrame) -> bytes:
        return sealed(compare(pair["v1"], pair["v2"], corpus, held, key=KEY, seed=7, replicates=200))

    mixed = Corpus(pair["corpus"].posts.sample(fraction=1.0, shuffle=True, seed=1))
    assert made(mixed, pair["held"].reverse()) == made(pair["corpus"], pair["held"])


def test_gold_labels_are_weighted_by_their_chances(pair: dict[str, Any]) -> None:
    held = pair["held"]
    same = GoldLabels(held.with_columns(inclusion_p=pl.lit(0.2)))
    plain = compare(pair["v1"], pair["v2"], pair["corpus"], held, key=KEY, seed=7, replicates=200)
    assert sealed(compare(pair["v1"], pair["v2"], pair["corpus"], same, key=KEY, seed=7, replicates=200)) == sealed(
        plain
    )
    chance = pl.when(value="both").then(0.9).otherwise(0.3)
    drawn = GoldLabels(held.with_columns(inclusion_p=chance))
    other = compare(pair["v1"], pair["v2"], pair["corpus"], drawn, key=KEY, seed=7, replicates=200)
    assert check(other, "macro_f1").incumbent != check(plain, "macro_f1").incumbent
    some = held.with_columns(inclusion_p=pl.when(value="both").then(0.9))
    with pytest.raises(MeaningError, match="and others none in"):
        compare(pair["v1"], pair["v2"], pair["corpus"], some, key=KEY, seed=7, replicates=200)


@pytest.mark.parametrize(
    ("first", "forth", "said"), [(11, True, "v1 saw 1 of 439"), (140, True, "v2 saw 10 of 310"),
                                 (140, False, "v2 saw 10 of 310")]
)  # fmt: skip
def test_held_out_posts_that_were_trained_on_are_refused(
    pair: dict[str, Any], first: int, forth: bool, said: str
) -> None:
    old, new = (pair["v1"], pair["v2"]) if forth else (pair["v2"], pair["v1"])
    with pytest.raises(MeaningError, match=rf"^framing {said} held-out posts, their authors or their texts in"):
        compare(old, new, pair["corpus"], pair["values"][first:], key=KEY, seed=7, replicates=200)


def test_labels_that_do_not_fit_are_refused(pair: dict[str, Any]) -> None:
    held = pair["held"]
    few = Corpus(pair["corpus"].posts.head(400))
    for corpus, labels, said in ((few, held, "50 of 300 labelled posts are not in this corpus"),
                                 (pair["corpus"], pl.concat([held, held]), "hold a post more than once")):  # fmt: skip
        with pytest.raises(MeaningError, match=said):
            compare(pair["v1"], pair["v2"], corpus, labels, key=KEY, seed=7, replicates=200)


def test_a_model_of_unknown_training_is_not_compared(pair: dict[str, Any], tmp_path: Path) -> None:
    register(pair["v1"].model, tmp_path, "framing", Facts(None, "framing 2"))
    unknown = open_registered(tmp_path, "framing", "v1")
    assert isinstance(unknown, Registered)
    with pytest.raises(MeaningError, match="the card of framing v1 does not say what it was trained on"):
        compare(unknown, pair["v2"], pair["corpus"], pair["held"], key=KEY, seed=7, replicates=200)
