"""Ten methods of prevalence over tallies: what they share, what each recovers, and what each must refuse."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from discourse.errors import MeaningError, SchemaError
from discourse.measure.methods import METHODS, NAIVE, SCORES_OF, Sums, shares_of
from discourse.measure.prevalence import Prevalence, Shares, prevalence
from discourse.measure.shuffle import shuffled_shares
from discourse.measure.tallies import Design, Tallies, tally
from discourse.measure.timeline import Plan, over_time
from discourse.schema import ABSTAIN, FRAMES

WINDOWS, SIDES = ("w1", "w2"), ("pakistan", "afghanistan", "unknown")
K = len(FRAMES)
TRUTH = {"w1": np.array([0.5, 0.1, 0.1, 0.3]), "w2": np.array([0.2, 0.3, 0.1, 0.4])}
TRAIN = np.array([0.35, 0.2, 0.1, 0.35])
MEANS = 1.6 * np.eye(K)


def scores(rng: np.random.Generator, true: np.ndarray) -> np.ndarray:
    """Posteriors of a classifier that is calibrated for the mix `TRAIN`: four Gaussians, known exactly."""
    x = MEANS[true] + rng.normal(size=(len(true), K))
    log = np.log(TRAIN) - 0.5 * ((x[:, None, :] - MEANS) ** 2).sum(axis=2)
    raised = np.exp(log - log.max(axis=1, keepdims=True))
    made: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return made


def world(seed: int, posts: int = 6000, gold: float = 0.1, abstain: float = 0.0) -> pl.DataFrame:
    """Posts of two windows on one side whose frames change by prior shift, a tenth of them coded at random."""
    rng = np.random.default_rng(seed)
    frames = []
    for window, shares in TRUTH.items():
        true = rng.choice(K, size=posts, p=shares)
        p = scores(rng, true)
        predicted = np.array(FRAMES, dtype=object)[p.argmax(axis=1)]
        predicted[p.max(axis=1) < abstain] = ABSTAIN
        coded = rng.random(posts) < gold
        frames.append(pl.DataFrame({
            "author_id": [f"x:{window}{at}" for at in range(posts)], "window": window, "side": "pakistan",
            "predicted": predicted.tolist(), "true": [FRAMES[at] for at in true],
            **{f"p_{frame}": p[:, i] for i, frame in enumerate(FRAMES)},
        }).with_columns(value=pl.when(pl.Series(coded)).then("true"), inclusion_p=pl.lit(gold)))  # fmt: skip
    return pl.concat(frames)


def design(method: str, replicates: int = 2, weight: str = "post") -> Design:
    return Design(WINDOWS, SIDES, weight=weight, replicates=replicates, seed=3, scores=SCORES_OF[method])


def shares(method: str, observed: pl.DataFrame, **more: object) -> Shares:
    return prevalence(tally(observed, design(method)), method=method, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
def test_a_perfect_sure_classifier_and_full_gold_leave_every_method_the_truth(method: str) -> None:
    rows = world(1, posts=400, gold=1.0).with_columns(predicted="true", value="true")
    rows = rows.with_columns(**{f"p_{frame}": (pl.col("true") == frame).cast(pl.Float64) for frame in FRAMES})
    made = shares(method, rows)
    for at, window in enumerate(WINDOWS):
        part = rows.filter(window=window)["true"]
        exact = [(part == frame).mean() for frame in FRAMES]
        np.testing.assert_allclose(made.values[at, 0, :, 0], exact, atol=1e-7)
    assert np.isnan(made.values[:, 1:]).all()


@pytest.mark.parametrize("method", METHODS)
def test_under_prior_shift_all_but_the_naive_recover_the_truth(method: str) -> None:
    errors = []
    for seed in range(8):
        made = shares(method, world(seed), train_prior=TRAIN)
        errors.append([made.values[at, 0, :, 0] - TRUTH[window] for at, window in enumerate(WINDOWS)])
    mean, error = np.mean(errors, axis=0), np.std(errors, axis=0, ddof=1) / np.sqrt(8)
    if method in NAIVE:
        assert abs(mean).max() > 0.04
        return
    assert abs(mean).max() < 0.025
    # Three times the standard error over eight worlds, and the grid of tenths of `sld`.
    assert (abs(mean) < 3.5 * error + 0.004).all()


@pytest.mark.parametrize("method", ["poststrat", "acc"])
def test_abstentions_are_a_class_of_their_own(method: str) -> None:
    errors = []
    for seed in range(8):
        rows = world(seed, abstain=0.5)
        assert (rows["predicted"] == ABSTAIN).mean() > 0.03  # type: ignore[operator]
        errors.append(shares(method, rows).values[0, 0, :, 0] - TRUTH["w1"])
    assert abs(np.mean(errors, axis=0)).max() < 0.025


def test_dsl_with_gold_for_all_is_the_truth_whatever_the_predictions() -> None:
    rows = world(2, posts=500, gold=1.0).with_columns(value="true")
    exact = [(rows.filter(window="w1")["true"] == frame).mean() for frame in FRAMES]
    for method in ("dsl", "ppi", "ppi++", "gold", "poststrat"):
        np.testing.assert_allclose(shares(method, rows).values[0, 0, :, 0], exact, atol=1e-7)


def test_unequal_chances_are_undone() -> None:
    """Posts the classifier is unsure of are coded four times as often, with their chances on record."""
    errors: dict[str, list[np.ndarray]] = {"dsl": [], "ppi": [], "ppi++": [], "gold": [], "poststrat": [], "plain": []}
    for seed in range(20):
        rows = world(seed, posts=2500)
        best = rows.select(pl.max_horizontal(f"p_{frame}" for frame in FRAMES)).to_series()
        chance = pl.select(pl.when(best < 0.7).then(0.4).otherwise(0.1)).to_series()
        drawn = pl.Series(np.random.default_rng([seed, 1]).random(rows.height)) < chance
        rows = rows.with_columns(value=pl.when(drawn).then("true"), inclusion_p=chance)
        for method, found in errors.items():
            given = rows.with_columns(inclusion_p=pl.lit(0.1)) if method == "plain" else rows
            made = shares("ppi" if method == "plain" else method, given).values[0, 0, :, 0]
            found.append(made - TRUTH["w1"])
    for method, found in errors.items():
        mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
        assert (abs(mean) > 5 * error).any() if method == "plain" else (abs(mean) < 4 * error).all(), method


def silent(frame: str | None = None) -> pl.DataFrame:
    """No gold in the second window, or none of one frame there."""
    rows = world(4)
    here = pl.col("window") == "w2"
    gone = here if frame is None else here & (pl.col("value") == frame)
    return rows.with_columns(value=pl.when(~gone).then("value"))


@pytest.mark.parametrize("method", [one for one in METHODS if one not in (*NAIVE, "gold")])
def test_a_window_without_gold_borrows_and_is_flagged(method: str) -> None:
    made = shares(method, silent(), train_prior=TRAIN)
    if method == "sld":
        assert not made.borrowed.any()  # it reads no gold once it has the training mix
        return
    assert made.borrowed[:, 0].tolist() == [False, True]
    assert np.isfinite(made.values[1, 0]).all()
    assert made.n_gold[1, 0] == 0
    assert not made.borrowed[:, 1:].any()


def test_gold_alone_never_borrows() -> None:
    made = shares("gold", silent())
    assert np.isnan(made.values[1, 0]).all()
    assert not made.borrowed.any()


@pytest.mark.parametrize("method", ["acc", "pacc"])
def test_a_true_class_without_gold_borrows_its_own_column_alone(method: str) -> None:
    whole, part = (shares(method, rows).values[1, 0, :, 0] for rows in (world(4), silent("both")))
    np.testing.assert_allclose(part, whole, atol=0.05)
    assert shares(method, silent("both")).borrowed[:, 0].tolist() == [False, True]


@pytest.mark.parametrize("within", ["side", "all"])
@pytest.mark.parametrize("method", ["ppi", "acc"])
def test_a_wider_scope_pools_the_gold(method: str, within: str) -> None:
    rows = world(5)
    made = shares(method, rows, gold_within=within)
    assert made.n_gold[0, 0] == made.n_gold[1, 0] == rows["value"].count()
    assert "errors_stable_over_time" in made.assumes
    assert not made.borrowed.any()
    if method == "ppi":  # one correction for both windows: their difference is the naive one
        naive = shares("pcc", rows).values[:, 0, :, 0]
        np.testing.assert_allclose(np.diff(made.values[:, 0, :, 0], axis=0), np.diff(naive, axis=0), atol=1e-9)


def test_a_class_that_nobody_coded_has_no_share_by_acc() -> None:
    rows = world(6).filter(pl.col("true") != "both")
    made = shares("acc", rows).values[0, 0, :, 0]
    assert made[FRAMES.index("both")] == 0.0
    assert made.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("method", METHODS)
def test_cells_merge_and_replicates_are_those_of_the_parts(method: str) -> None:
    rows = world(7, posts=300)
    asked = design(method, replicates=5)
    whole = tally(rows, asked)
    parts = tally(rows.filter(window="w1"), asked) + tally(rows.filter(window="w2"), asked)
    one, two = (prevalence(made, method=method, train_prior=TRAIN).values for made in (whole, parts))
    assert np.array_equal(one, two, equal_nan=True)
    assert np.nanstd(one[0, 0, :, 1:]) > 0


@pytest.mark.parametrize("method", METHODS)
def test_the_mean_over_shuffles_is_near_the_share_of_all(method: str) -> None:
    rows = world(8, posts=400, gold=0.5).filter(window="w1")
    rows = rows.with_columns(side=pl.Series(["pakistan", "afghanistan"] * 200))
    asked = design(method)
    of = prevalence(tally(rows, asked), method=method)
    made = shuffled_shares(rows, asked, of, ("pakistan", "afghanistan"), 60)
    together = prevalence(tally(rows.with_columns(side=pl.lit("pakistan")), asked), method=method).values[0, 0, :, 0]
    np.testing.assert_allclose(made[:, 0].mean(axis=(0, 1)), together, atol=0.02)
    assert np.isnan(made[:, 1]).all()
    assert made[:, 0, 0].std(axis=0).max() > 0.005


def test_sums_that_were_not_kept_are_asked_for() -> None:
    bare = tally(world(9, posts=50), design("cc"))
    with pytest.raises(MeaningError, match=r"^these tallies kept no probabilities; tally with scores='sums'$"):
        prevalence(bare, method="ppi")
    with pytest.raises(MeaningError, match=r"^these tallies kept no histogram of probabilities; tally with"):
        prevalence(bare, method="sld")
    with pytest.raises(MeaningError, match=r"^sld needs train_prior"):
        shares_of("sld", Sums.of(tally(world(9, posts=50), design("sld"))))
    with pytest.raises(SchemaError, match=r"^method is 'pp'; it must be 'poststrat', 'dsl'.*Did you mean 'ppi'\?$"):
        shares_of("pp", Sums.of(bare))


def test_a_cell_is_an_estimate_with_what_it_assumes() -> None:
    made = shares("acc", silent("both"))
    one = made.cell("w2", "pakistan")
    assert one.value.tolist() == made.values[1, 0, :, 0].tolist()
    assert one.replicates.shape == (4, 2)
    assert one.assumes == {"prior_shift"}
    assert one.flags == ("gold_borrowed",)
    assert one.n_gold == made.n_gold[1, 0] == silent("both").filter(window="w2")["value"].count()
    with pytest.raises(MeaningError, match=r"^there is no window 'w3' of side 'pakistan' in these shares"):
        made.cell("w3", "pakistan")


@pytest.mark.parametrize("method", METHODS)
def test_a_series_can_be_made_by_every_method(method: str) -> None:
    rows = world(10, posts=200, gold=0.4)
    at = pl.when(pl.col("window") == "w1").then(pl.datetime(2025, 1, 6, time_zone="UTC")).otherwise(
        pl.datetime(2025, 1, 13, time_zone="UTC"))  # fmt: skip
    plan = Plan(zones={}, method=method, replicates=40, shuffles=5, weight="post")
    series = over_time(Prevalence("nationalist"), rows.with_columns(created_at=at).drop("window"), plan=plan, seed=1)
    mine = series.filter(side="pakistan").sort("window")
    assert mine["estimate"].null_count() == 0
    assert (mine["low"] < mine["estimate"]).all()
    assert (mine["estimate"] < mine["high"]).all()
    assert mine["method"].unique().to_list() == [method]
    assert mine["flags"].str.contains("naive").to_list() == [method in NAIVE] * 2
    assert ((mine["n_gold"] > 0) == (method not in NAIVE)).all()


def test_empty_tallies_have_no_shares() -> None:
    for method in METHODS:
        made = prevalence(Tallies.empty(design(method)), method=method)
        assert np.isnan(made.values).all(), method
