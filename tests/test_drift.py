"""Drift between two windows: what is found, what is advised, and that nobody can be told from it."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from sklearn.metrics import roc_auc_score

from conftest import ROOT
from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.judging.advice import ALARM, MISSING, RULES, advise, missing_labels, state_of_errors
from discourse.judging.drift import FAMILIES, Drift, drift
from discourse.judging.pair import OTHERS, Pair, nameable, script_of
from discourse.judging.scores import fit_temperature
from discourse.judging.shift import MIXES, TESTS, auc
from discourse.judging.stability import CALIBRATION, ERRORS, Gold, needed, temperature_factors
from discourse.labels.labels import GoldLabels, Labels, TrainingLabels
from discourse.sampling.budget import plan_labels
from discourse.schema import FRAMES
from discourse.simulate.observed import CONFUSION, SyntheticSide, simulate_observed

CALM = (0.30, 0.12, 0.08, 0.50)
SHIFTED = (0.50, 0.12, 0.08, 0.30)


def window(
    name: str,
    seed: int,
    *,
    shares: tuple[float, ...] = CALM,
    authors: int = 200,
    gold: int = 0,
    confusion: npt.NDArray[np.float64] = CONFUSION,
    sure: float = 1.0,
    tail: float = 1.5,
) -> pl.DataFrame:
    """One week of one side, with the posterior of what was predicted as probabilities, raised to `sure`."""
    side = SyntheticSide(authors, np.array([shares]))
    made = simulate_observed({"a": side}, gold_per_cell=gold, seed=seed, confusion=confusion, tail=tail, loyalty=0.5)
    posterior = (np.array(CALM)[:, None] * CONFUSION).T / (np.array(CALM) @ CONFUSION)[:, None]
    rng = np.random.default_rng([seed, 1])
    of = made["predicted"].replace_strict(FRAMES, range(4), return_dtype=pl.Int64).to_numpy()
    p = np.array([rng.dirichlet(12 * row + 0.3) for row in posterior[of]]) ** sure
    p[np.arange(len(p)), of] = p.max(axis=1) + 1e-6
    p /= p.sum(axis=1, keepdims=True)
    return made.with_columns(
        pl.col("author_id") + name, post_id=pl.format(f"{name}:{{}}", pl.int_range(pl.len())),
        lang=pl.when(pl.col("author_id").str.contains("[123]$")).then(pl.lit("ps")).otherwise(pl.lit("ur")),
        platform=pl.lit("x"), **{f"p_{frame}": p[:, at] for at, frame in enumerate(FRAMES)},
    )  # fmt: skip


def gold_of(*windows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(one.select("post_id", "value", "inclusion_p").drop_nulls() for one in windows)


def row_of(found: Drift, name: str) -> dict[str, Any]:
    return found.tests.row(by_predicate=pl.col("test") == name, named=True)


def write(posts: pl.DataFrame, seed: int, new: float = 0.0) -> pl.DataFrame:
    """Six words a post by Zipf's law, a third of them the author's own; `new` posts have a word that is new."""
    rng = np.random.default_rng([seed, 2])
    zipf = np.cumsum((1 / np.arange(1, 401)) / (1 / np.arange(1, 401)).sum())
    texts = []
    for author in posts["author_id"]:
        words = [f"w{at}" for at in np.searchsorted(zipf, rng.random(4))]
        words += [f"w{hash_of(author) % 397 + int(at)}" for at in rng.integers(0, 3, 2)]
        texts.append(" ".join([*words, *(["khabar"] if rng.random() < new else [])]))
    return posts.with_columns(text_norm=pl.Series(texts))


def hash_of(author: str) -> int:
    return sum(ord(c) * 31**at for at, c in enumerate(author))


@cache
def calm() -> Drift:
    one, other = window("r", 1, gold=500, authors=300), window("c", 2, gold=500, authors=300)
    return drift(one, other, gold=gold_of(one, other), seed=7)


# What is found.


def test_nothing_changed_is_kept_and_the_tables_have_their_columns() -> None:
    found = calm()
    assert found.alarms.is_empty()
    assert found.advice.action == "keep"
    for table, columns in ((found.tests, TESTS), (found.mixes, MIXES), (found.errors, ERRORS),
                           (found.calibration, CALIBRATION), (found.missing, MISSING)):  # fmt: skip
        assert dict(table.schema) == columns
    assert set(found.tests["family"]) == set(FAMILIES)
    assert found.tests.filter(test="predicted")["n_reference"].item() == window("r", 1, authors=300).height


def test_what_went_in_is_accounted_for() -> None:
    one, other = window("r", 1, gold=30), window("c", 2, gold=30)
    gold = pl.concat([gold_of(one, other), pl.DataFrame({"post_id": ["z:1"], "value": ["both"], "inclusion_p": [0.5]})])
    found = drift(one, other, gold=gold, seed=7, weight="post")
    said = {(name, what): value for name, what, value in found.inputs.iter_rows()}
    assert said["reference", "posts"] == one.height
    assert said["current", "authors"] == other["author_id"].n_unique()
    assert said["gold", "labels of posts in neither window"] == 1
    assert said["gold, current", "have"] == 30
    assert said["alarm", "adjusted p below"] == ALARM
    assert said["scores", "least adjusted p"] == found.tests.filter(family="scores")["p_holm"].min()
    assert found.weight == "post"


def test_shares_and_differences_are_means_over_authors() -> None:
    one, other = window("r", 1), window("c", 2)
    found = drift(one, other, seed=7)
    for posts, column in ((one, "reference"), (other, "current")):
        by_author = posts.group_by("author_id").agg((pl.col("predicted") == "both").mean().alias("share"))
        row = found.mixes.filter(what="predicted", value="both")
        assert row[column].item() == pytest.approx(by_author["share"].mean())
    by_post = drift(one, other, seed=7, weight="post").mixes.filter(what="predicted", value="both")
    assert by_post["current"].item() == pytest.approx((other["predicted"] == "both").mean())
    both = found.mixes.filter(what="predicted", value="both").row(0, named=True)
    assert both["difference"] == pytest.approx(both["current"] - both["reference"])
    assert both["low"] < both["difference"] < both["high"]
    assert found.mixes.filter(what="predicted")["current"].sum() == pytest.approx(1.0)


def test_posts_counted_as_independent_raise_false_alarms_where_these_tests_do_not() -> None:
    """60 worlds of other, loyal authors and no change, no texts: nominal .01 a family, three families here."""
    sounded, independent = 0, 0
    for seed in range(60):
        one, other = window("r", 1000 + seed, tail=1.2), window("c", 5000 + seed, tail=1.2)
        found = drift(one, other, seed=seed, replicates=200)
        sounded += found.alarms.height > 0
        counts = [[int((posts["predicted"] == frame).sum()) for frame in FRAMES] for posts in (one, other)]
        independent += chi2_contingency(counts).pvalue < 0.01
    assert sounded <= 3
    assert independent > 15


def test_a_shift_of_known_size_is_found() -> None:
    """20 points of the posts from neither to nationalist, 800 authors a window: nearly always."""
    found = []
    for seed in range(8):
        one, other = window("r", 100 + seed, authors=800), window("c", 200 + seed, authors=800, shares=SHIFTED)
        found.append(drift(one, other, seed=seed, replicates=200))
    assert sum(row_of(one, "predicted")["alarm"] for one in found) >= 6
    assert {one.advice.action for one in found if one.alarms.height} == {"label"}
    sizes = [row_of(one, "predicted")["size"] for one in found]
    assert 0.03 < float(np.mean(sizes)) < 0.15
    assert all(row_of(one, "predicted")["psi"] > row_of(one, "predicted")["psi_null"] for one in found[:3])


def test_another_mix_of_languages_scripts_and_platforms_is_found() -> None:
    one = write(window("r", 1), 1).with_columns(pl.col("lang").str.replace("ps", "fa"))
    other = write(window("c", 2), 2).with_columns(
        platform=pl.when(pl.col("author_id").str.contains("[0-4]c$")).then(pl.lit("telegram")).otherwise(pl.lit("x")),
        text_norm=pl.when(pl.col("author_id").str.contains("[0-4]c$")).then(pl.lit("امن")).otherwise("text_norm"),
    )
    found = drift(one, other, seed=7)
    assert {"language", "platform", "script", "words", "domain classifier"} <= set(found.alarms["test"])
    assert found.mixes.filter(what="script", value="arabic")["current"].item() > 0.3
    assert row_of(found, "domain classifier")["size"] > 0.6


def test_new_words_are_found_and_the_words_are_not_in_the_tables() -> None:
    one, other = write(window("r", 1, authors=400), 1), write(window("c", 2, authors=400), 2, new=0.5)
    found = drift(one, other, seed=7)
    assert {"new words", "words", "domain classifier"} <= set(found.alarms["test"])
    row = found.mixes.filter(what="new words").row(0, named=True)
    assert 0.05 < row["difference"] < 0.12, "one word in about seven, of half of the posts"
    same = drift(one, write(window("c", 2, authors=400), 2), seed=7)
    assert same.alarms.filter(pl.col("test").is_in(["new words", "words", "domain classifier"])).is_empty()


def test_errors_that_changed_ask_for_training_again() -> None:
    """Of what is neither, 40 points more look nationalist: its precision falls."""
    worse = CONFUSION.copy()
    worse[3] = [0.60, 0.06, 0.02, 0.32]
    one, other = window("r", 1, gold=600, authors=400), window("c", 2, gold=600, authors=400, confusion=worse)
    found = drift(one, other, gold=gold_of(one, other), seed=7)
    assert "precision of nationalist" in set(found.alarms["test"])
    assert (found.advice.action, found.advice.rule) == ("retrain", 1)
    row = found.errors.filter(rate="precision", **{"class": "nationalist"}).row(0, named=True)
    coded = gold_of(one).join(one.with_columns(m=pl.len().over("author_id")), on="post_id")
    coded = coded.filter(predicted="nationalist").with_columns(w=1 / (pl.col("inclusion_p") * pl.col("m")))
    wanted = np.average((coded["value"] == "nationalist").to_numpy(), weights=coded["w"].to_numpy())
    assert row["reference"] == pytest.approx(wanted)
    assert row["n_reference"] == coded.height
    assert row["high"] < 0


def test_probabilities_that_are_too_sure_ask_for_a_new_temperature() -> None:
    one = window("r", 1, gold=2000, authors=700)
    other = window("c", 2, gold=2000, authors=700, sure=2.5)
    found = drift(one, other, gold=gold_of(one, other), seed=7)
    assert found.alarms.filter(family="calibration")["test"].to_list() == ["temperature"]
    assert found.advice.action == "recalibrate"
    rows = {row["metric"]: row for row in found.calibration.iter_rows(named=True)}
    assert rows["temperature factor"]["current"] > 1.5 * rows["temperature factor"]["reference"]
    assert rows["nll"]["low"] > 0
    assert rows["ece"]["difference"] > 0
    assert "temperature to be set" not in rows


def test_calibration_needs_no_gold_of_the_reference() -> None:
    one, other = window("r", 1, authors=300), window("c", 2, authors=300, gold=400, sure=3.0)
    found = drift(one, other, gold=gold_of(other), seed=7)
    assert row_of(found, "temperature")["alarm"]
    assert row_of(found, "temperature")["n_reference"] == 0
    assert found.calibration["reference"].null_count() == found.calibration.height
    assert found.advice.action == "label"


# What is advised.


def test_a_rule_fits_always_and_each_is_the_first_for_some_state() -> None:
    reached = set()
    for errors, sounded in product(("changed", "unknown", "stable"), product((False, True), repeat=4)):
        made = advise(errors, dict(zip(FAMILIES, sounded, strict=True)))
        rule = RULES[made.rule - 1]
        assert (made.action, made.reason) == (rule.action, rule.reason)
        reached.add(made.rule)
        if errors == "changed":
            assert made.action == "retrain"
        if errors != "changed":
            assert made.action != "retrain", "input alone never asks for training again"
        if errors == "unknown" and any(sounded[i] for i in (0, 1, 3)):
            assert made.action == "label"
    assert reached == set(range(1, len(RULES) + 1))


def test_the_rules_are_written_down_as_they_stand() -> None:
    text = (ROOT / "docs/drift.md").read_text("utf-8")
    for number, rule in enumerate(RULES, start=1):
        alarms = ", ".join(rule.alarms) or "any or none"
        assert f"| {number} | {rule.errors} | {alarms} | {rule.action} |" in text
    assert f"below {ALARM}" in text


def test_errors_are_stable_only_with_enough_gold_of_every_class() -> None:
    short = pl.DataFrame([{"more": 0}, {"more": 1}])
    assert state_of_errors(False, short, 4) == "unknown"
    assert state_of_errors(True, short, 4) == "changed"
    assert state_of_errors(False, short.filter(more=0), 4) == "stable"
    assert state_of_errors(False, short.clear(), 0) == "unknown", "no class that can be named: nothing was looked at"


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (5, 10), (90, 100), (30, 30), (1, 40)])
def test_the_need_is_that_of_the_planner(hits: int, n: int) -> None:
    true = ["both"] * hits + ["neither"] * (n - hits)
    gold = Gold(np.arange(n), ("both",) * n, true, [str(at) for at in range(n)], np.ones(n), np.zeros((n, 0)))
    have, need = needed(gold, "both", 10_000)
    planned = int(plan_labels((hits + 0.5) / (n + 1), 0.2)["n"].item())
    assert (have, need) == (n, max(planned, 30))
    assert needed(gold, "both", 12)[1] == 12


def test_gold_of_few_heavy_authors_needs_more() -> None:
    """40 posts, 20 of them by one author: 40^2 / (20^2 + 20) = 3.81 effective authors; 30 need 40 * 30 / 3.81 = 315."""
    place = np.array([0] * 20 + list(range(1, 21)))
    gold = Gold(place, ("both",) * 40, ("both",) * 40, [str(at) for at in range(40)], np.ones(40), np.zeros((40, 0)))
    assert needed(gold, "both", 10_000) == (40, 315)


def test_missing_labels_are_told_by_class_and_language() -> None:
    one, other = window("r", 1, authors=400), window("c", 2, authors=400)
    found = drift(one, other, seed=7)
    assert found.missing["have"].to_list() == [0] * found.missing.height
    by = found.missing.group_by("window", "predicted").agg(pl.col("more").sum())
    for name, predicted, more in by.iter_rows():
        posts = (one if name == "reference" else other).filter(predicted=predicted).height
        assert more == min(posts, 97), "1.96^2 / 0.1^2 / 4 is 96.04"
    large = found.missing.filter(window="current", predicted="neither").sort("lang")
    share = float(other.filter(predicted="neither").select((pl.col("lang") == "ps").mean()).item())
    assert large["lang"].to_list() == ["ps", "ur"]
    assert large["more"][0] == pytest.approx(97 * share, abs=1)
    coded = drift(one, other, gold=other.select("post_id", value="true"), seed=7).missing
    assert coded.filter(window="current")["more"].sum() == 0
    assert (
        coded.filter(window="reference")["more"].to_list() == found.missing.filter(window="reference")["more"].to_list()
    )


def test_classes_and_languages_of_few_authors_are_not_named() -> None:
    who = pl.col("author_id").rank("dense")
    one, other = (
        window(name, seed).with_columns(
            lang=pl.when(who <= 9).then(pl.lit("secret")).otherwise("lang"),
            predicted=pl.when(who.is_between(10, 18)).then(pl.lit("abstain")).otherwise("predicted"),
        )
        for name, seed in (("r", 1), ("c", 2))
    )
    found = drift(one, other, gold=one.select("post_id", value="true"), seed=7)
    said = repr(found) + "".join(table.write_csv() for table in tables(found))
    assert "secret" not in said
    assert "abstain" not in found.missing["predicted"].to_list()
    assert "abstain" not in found.mixes["value"].to_list()


# Privacy.


def tables(found: Drift) -> tuple[pl.DataFrame, ...]:
    return (found.tests, found.mixes, found.errors, found.calibration, found.missing, found.inputs)


def test_no_id_and_no_text_is_in_it() -> None:
    one, other = write(window("r", 1, gold=60), 1), write(window("c", 2, gold=60), 2)
    found = drift(one, other, gold=gold_of(one, other), seed=7)
    said = repr(found) + "".join(table.write_csv() for table in tables(found))
    for posts in (one, other):
        for author, post, text in posts.select("author_id", "post_id", "text_norm").head(50).iter_rows():
            assert author not in said
            assert post not in said
            assert text not in said


def test_the_rarest_named_joins_the_rest_where_that_would_tell_a_few() -> None:
    """3 authors write Pashto: alone they would be the total less the named, so Urdu (10) goes with them."""
    posts = pl.DataFrame({"author_id": [str(at) for at in range(25)], "v": ["en"] * 12 + ["ur"] * 10 + ["ps"] * 3})
    assert nameable([posts], "v") == ({"en": "en", "ur": OTHERS, "ps": OTHERS}, ["en", OTHERS])
    enough = pl.concat([posts, pl.DataFrame({"author_id": [str(at) for at in range(30, 37)], "v": ["fa"] * 7})])
    assert nameable([enough], "v")[1] == ["en", "ur", OTHERS]
    gone = posts.filter(v="en")
    assert nameable([enough, gone], "v")[1] == ["en", "ur", OTHERS], "none in a window tells of nobody"


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abcdef"), st.booleans()), min_size=1, max_size=150))
@settings(max_examples=80, deadline=None)
def test_named_values_and_their_rest_have_ten_authors_or_none(rows: list[tuple[int, str, bool]]) -> None:
    every = pl.DataFrame({"author_id": [str(one) for one, _, _ in rows], "v": [value for _, value, _ in rows],
                          "late": [late for _, _, late in rows]})  # fmt: skip
    windows = [every.filter(~pl.col("late")), every.filter("late")]
    names, order = nameable(windows, "v")
    assert set(names) == set(every["v"])
    assert set(names.values()) == set(order)
    shown = [name for name in order if name != OTHERS]
    for posts in windows:
        for name in order if shown else []:
            held = posts.filter(pl.col("v").replace_strict(names) == name)["author_id"].n_unique()
            assert held == 0 or held >= 10


# Parts.


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=4, max_size=40))
@settings(max_examples=80, deadline=None)
def test_auc_is_that_of_scikit_learn_with_ties_and_weights(rows: list[tuple[int, bool, int]]) -> None:
    scores = np.array([one for one, _, _ in rows], dtype=float)
    positive = np.array([one for _, one, _ in rows])
    weights = np.array([one for _, _, one in rows], dtype=float)
    made = auc(scores, positive, np.stack([weights, np.ones(len(rows))]))
    for found, weight in zip(made, (weights, np.ones(len(rows))), strict=True):
        if weight[positive].sum() and weight[~positive].sum():
            assert found == pytest.approx(roc_auc_score(positive, scores, sample_weight=weight))
        else:
            assert np.isnan(found)


@given(st.integers(0, 10_000), st.integers(20, 80))
@settings(max_examples=25, deadline=None)
def test_temperature_factors_are_those_of_one_fit_at_a_time(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (n, 3))
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    truth = np.array([rng.choice(3, p=np.exp(row) ** 0.7 / (np.exp(row) ** 0.7).sum()) for row in logits])
    drawn = rng.poisson(1, n)
    made = temperature_factors(logits, truth, np.stack([np.ones(n), drawn]).astype(float))
    again = np.repeat(np.arange(n), drawn)
    wanted = np.clip([fit_temperature(logits, truth), fit_temperature(logits[again], truth[again])], 1 / 20, 20)
    np.testing.assert_allclose(made, wanted, rtol=2e-3)


def test_scripts_are_told_by_most_letters() -> None:
    texts = pl.DataFrame({"text": ["peace امن", "امن ہے ok", "123 !", "", None]})
    assert texts.select(script_of(pl.col("text")))["text"].to_list() == ["latin", "arabic", "none", "none", None]


# What goes in.


def test_order_of_rows_and_the_same_seed_make_no_difference_and_nothing_is_changed() -> None:
    one, other = write(window("r", 1, gold=80), 1), write(window("c", 2, gold=80), 2)
    gold = gold_of(one, other)
    before = [table.clone() for table in (one, other, gold)]
    made = drift(one, other, gold=gold, seed=7)
    mixed = [table.sample(fraction=1.0, shuffle=True, seed=3) for table in (one, other, gold)]
    for a, b in zip(tables(made), tables(drift(mixed[0], mixed[1], gold=mixed[2], seed=7)), strict=True):
        assert a.equals(b)
    assert all(a.equals(b) for a, b in zip(before, (one, other, gold), strict=True))
    assert not made.tests.equals(drift(one, other, gold=gold, seed=8).tests)


def test_a_corpus_is_classified_and_framed_ones_are_taken_as_they_are(
    tiny_model: FramingClassifier, tiny_measured: Corpus, tiny_labels: Labels
) -> None:
    middle = tiny_measured.posts["created_at"].sort()[len(tiny_measured) // 2]
    early = tiny_measured.keep(pl.col("created_at") < middle, "early", "first half")
    late = tiny_measured.keep(pl.col("created_at") >= middle, "late", "second half")
    found = drift(early, late, model=tiny_model, gold=tiny_labels, seed=7)
    framed = drift(tiny_model.predict(early), tiny_model.predict(late), gold=tiny_labels.gold, seed=7)
    assert found.tests.equals(framed.tests)
    assert found.tests.filter(family="population")["p"].count() >= 4
    setting = found.calibration.filter(metric="temperature to be set").row(0, named=True)
    factor = found.calibration.filter(metric="temperature factor").row(0, named=True)
    assert setting["current"] == pytest.approx(factor["current"] * tiny_model.linear_.temperature)
    assert framed.calibration.filter(metric="temperature to be set").is_empty()
    with pytest.raises(UsageError, match="the current window is a corpus without framings; give model="):
        drift(tiny_model.predict(early), late, seed=7)
    with pytest.raises(MeaningError, match="posts are in both windows"):
        drift(early, tiny_measured, model=tiny_model, seed=7)
    other = window("c", 2).with_columns(model=pl.lit("linear@other"))
    with pytest.raises(MeaningError, match=r"classified by linear@\w+, linear@other"):
        drift(tiny_model.predict(early), other, seed=7)


def test_columns_that_are_not_there_are_said_in_the_notes() -> None:
    bare = [window(name, seed).select("author_id", "predicted") for name, seed in (("r", 1), ("c", 2))]
    found = drift(*bare, seed=7)
    notes = dict(found.tests.select("test", "note").iter_rows())
    assert notes["language"] == "the windows have no lang: not tested"
    assert notes["words"] == "the windows have no text_norm: not tested"
    assert notes["confidence"] == "the windows have no probabilities: not tested"
    assert found.tests.filter(pl.col("p").is_not_null())["test"].to_list() == ["predicted"]
    assert "not tested: language, script" in repr(found)
    assert found.missing["lang"].unique().to_list() == ["unknown"]


def test_few_authors_are_described_and_not_tested_and_fewer_not_at_all() -> None:
    small = [window(name, seed, authors=29).group_by("author_id").head(1) for name, seed in (("r", 1), ("c", 2))]
    found = drift(*small, seed=7)
    assert found.tests["p"].null_count() == found.tests.height
    assert "fewer than 30 effective authors in a window: not tested" in found.tests["note"].to_list()
    few = window("c", 2).filter(pl.col("author_id").rank("dense") <= 9)
    with pytest.raises(MeaningError, match="the current window has 9 authors; fewer than 10 are not compared"):
        drift(window("r", 1), few, seed=7)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda posts: posts.drop("predicted"), SchemaError, "the current window has no column 'predicted'"),
        (lambda posts: posts.drop("author_id"), SchemaError, "the current window has no column 'author_id'"),
        (lambda posts: posts.with_columns(author_id=pl.lit(None, pl.String)), SchemaError, "window have no author_id"),
        (lambda posts: posts.drop("p_both"), SchemaError, "probabilities of different classes"),
        (lambda posts: posts.with_columns(p_both=pl.lit(1.5)), SchemaError, "p_both holds values outside 0 to 1"),
        (lambda posts: posts.clear(), MeaningError, "the current window has 0 authors"),
    ],
)  # fmt: skip
def test_windows_that_cannot_be_compared_are_named(change: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        drift(window("r", 1), change(window("c", 2)), seed=7)


def test_gold_that_cannot_serve_is_refused() -> None:
    one, other = window("r", 1, gold=20), window("c", 2, gold=20)
    gold = gold_of(one, other)
    wrong: tuple[tuple[Any, type[Exception], str], ...] = (
        (TrainingLabels(gold), MeaningError, "training labels"),
        (gold.drop("value"), SchemaError, "the gold has no column 'value'"),
        (pl.concat([gold, gold.head(1)]), MeaningError, "a post more than once"),
        (gold.with_columns(inclusion_p=pl.lit(0.0)), MeaningError, "inclusion_p of the gold must be above 0"),
    )
    for given_gold, error, said in wrong:
        with pytest.raises(error, match=said):
            drift(one, other, gold=given_gold, seed=7)
    with pytest.raises(SchemaError, match="without post_id"):
        drift(one.drop("post_id"), other, gold=gold, seed=7)
    assert drift(one, other, gold=GoldLabels(gold), seed=7).tests.equals(drift(one, other, gold=gold, seed=7).tests)


def test_settings_out_of_range_are_refused() -> None:
    one, other = window("r", 1), window("c", 2)
    with pytest.raises(UsageError, match="replicates is 1"):
        drift(one, other, seed=7, replicates=1)
    with pytest.raises(UsageError, match="seed is -1"):
        drift(one, other, seed=-1)
    with pytest.raises(SchemaError, match="weight is 'authors'"):
        drift(one, other, seed=7, weight="authors")


def test_the_pair_stands_in_one_order() -> None:
    one, other = window("r", 1), window("c", 2)
    pair = Pair.of(one, other, model=None, weight="author", seed=7, replicates=4)
    assert pair.authors == tuple(sorted({*one["author_id"], *other["author_id"]}))
    assert pair.reference.weight.sum() == pytest.approx(one["author_id"].n_unique())
    assert missing_labels(pair, None)[1] == 4
