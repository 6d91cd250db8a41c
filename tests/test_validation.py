"""Experiments with known truth: what they must find of good and of naive methods, and that they find it again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from discourse.errors import SchemaError, UsageError
from discourse.schema import FRAMES
from discourse.simulate import validation as module
from discourse.simulate.days import EVENT, World, daily_counts
from discourse.simulate.shifts import SHIFTS, TRAINING_MIX, Shifted, posteriors, shifted_posts, true_shares
from discourse.simulate.validation import COLUMNS, validate


@pytest.mark.parametrize("shift", SHIFTS)
def test_the_true_shares_are_those_of_very_many_posts(shift: str) -> None:
    made = shifted_posts(Shifted(shift, posts=20_000, gold=100), windows=1, seed=5)
    for at, side in enumerate(("pakistan", "afghanistan")):
        part = made.filter(side=side)["true"]
        found = np.array([(part == frame).mean() for frame in FRAMES])
        # Four standard errors of a share of 20,000 posts.
        assert (abs(found - true_shares(shift)[at]) < 4 * np.sqrt(0.25 / 20_000)).all()


def test_gold_is_a_random_half_on_each_side_with_its_chance_on_record() -> None:
    made = shifted_posts(Shifted("prior", posts=200, gold=60), windows=3, seed=1)
    coded = made.filter(pl.col("value").is_not_null())
    assert coded.group_by("window", "side").len()["len"].to_list() == [30] * 6
    assert (coded["value"] == coded["true"]).all()
    assert made["inclusion_p"].unique().to_list() == [30 / 200]
    assert made.select(pl.struct("window", "author_id").n_unique()).item() == made["author_id"].n_unique()


def test_only_what_the_shift_names_changes() -> None:
    """Prior: how posts of a frame look stays; covariate: what a post with these features is stays."""
    prior = shifted_posts(Shifted("prior", posts=20_000, gold=10), windows=1, seed=2)
    looks = prior.group_by("side", "true").agg(pl.col("p_nationalist").mean()).pivot("side", index="true")
    assert abs(looks["pakistan"] - looks["afghanistan"]).max() < 0.03  # type: ignore[operator]
    concept = shifted_posts(Shifted("concept", posts=20_000, gold=10), windows=1, seed=2)
    looks = concept.group_by("side", "true").agg(pl.col("p_nationalist").mean()).pivot("side", index="true")
    assert abs(looks["pakistan"] - looks["afghanistan"]).max() > 0.1  # type: ignore[operator]


def test_the_classifier_gives_probabilities_and_does_not_know_the_shift() -> None:
    p = posteriors(np.random.default_rng(1).normal(size=(50, 2)))
    assert p.sum(axis=1) == pytest.approx(np.ones(50))
    assert (p > 0).all()
    assert TRAINING_MIX.sum() == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_posts_and_another_others() -> None:
    one, same, other = (shifted_posts(Shifted("concept", 50, 20), 2, seed) for seed in (3, 3, 4))
    assert one.equals(same)
    assert not one.equals(other)


def test_a_world_that_cannot_be_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"^shift is 'priors'; it must be 'prior', 'covariate' or 'concept'"):
        Shifted("priors", 100, 10)
    with pytest.raises(UsageError, match=r"^gold is 300; it must be from 2 to 200, twice the posts of a side$"):
        Shifted("prior", 100, 300)


def row(table: pl.DataFrame, setting: str, method: str, quantity: str) -> dict[str, float]:
    return table.filter(pl.col("setting").str.starts_with(setting), method=method, quantity=quantity).row(0, named=True)


def test_corrected_intervals_hold_the_truth_under_every_shift_and_naive_ones_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_GOLD", (300,))
    monkeypatch.setattr(module, "_POSTS", 700)
    table = validate(60, seed=3, experiments=("shift",))
    assert table.columns == list(COLUMNS)
    for shift in SHIFTS:
        for quantity in ("share", "difference"):
            good = row(table, shift, "poststrat", quantity)
            assert 0.86 <= good["coverage"] <= 1.0  # three standard errors below 0.95 with 60 repetitions: 0.87
            assert abs(good["bias"]) < 0.015
    assert row(table, "prior", "cc", "share")["coverage"] < 0.3
    assert row(table, "covariate", "cc", "difference")["coverage"] < 0.5
    # Turning a confusion matrix round costs width, even where its gold lies in the window itself.
    wide, narrow = (row(table, "concept", method, "difference")["width"] for method in ("acc", "poststrat"))
    assert wide > 1.5 * narrow
    assert row(table, "prior", "acc", "share")["coverage"] > 0.85


def test_indices_do_not_move_with_the_volume_and_plug_in_ones_do() -> None:
    table = validate(1_000, seed=5, experiments=("volume",))
    assert table["repetitions"].unique().to_list() == [1_000]
    for posts in (30, 1_000):
        for kind in ("esteban-ray", "net-tone-gap", "cramer-squared"):
            made = row(table, f"{posts} posts", "corrected", kind)
            assert abs(made["bias"]) < 0.005 + 3 * made["rmse"] / np.sqrt(1_000)
    assert row(table, "30 posts", "plug-in", "cramer-squared")["bias"] > 0.02
    assert row(table, "10000 posts", "plug-in", "cramer-squared")["bias"] < 0.001


def test_heavy_posting_is_told_by_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AUTHORS", (60,))
    table = validate(40, seed=2, experiments=("posting",))
    made = row(table, "heavy", "poststrat, author weight", "share")
    assert made["coverage"] > 0.85
    assert set(table["method"]) == {
        f"{method}, {weight} weight" for method in ("poststrat", "cc") for weight in ("author", "post")
    }


def test_a_latent_process_fools_the_test_that_knows_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POSTS_A_DAY", (200,))
    monkeypatch.setattr(module, "_LATENT", ((0.0, 0.0), (0.85, 0.5)))
    table = validate(80, seed=4, experiments=("events",))
    for setting in ("200 posts a day, autocorrelation 0.0", "200 posts a day, autocorrelation 0.85"):
        made = row(table, setting, "binomial_ar1", "level change, logits")
        assert made["coverage"] > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 80)
        assert abs(made["bias"]) < 4 * made["rmse"] / np.sqrt(80)
    assert row(table, "200 posts a day, autocorrelation 0.0", "binomial", "level change, logits")["coverage"] > 0.87
    assert row(table, "200 posts a day, autocorrelation 0.85", "binomial", "level change, logits")["coverage"] < 0.4


def test_daily_counts_have_the_correlation_and_the_change_they_are_given() -> None:
    rng = np.random.default_rng(6)
    made = [daily_counts(World(20_000, 0.6, 0.35), 0.5, rng, trend=0.0, wave=0.0) for _ in range(150)]
    logits = np.array([np.log(y / (n - y)) for y, n in made])
    before, after = logits[:, :EVENT], logits[:, EVENT:]
    # 150 series of means with standard errors near 0.35 sqrt(4 / 30) / sqrt(150) = 0.01
    assert after.mean() - before.mean() == pytest.approx(0.5, abs=0.05)
    assert before.mean() == pytest.approx(-0.7, abs=0.04)
    assert logits[:, EVENT:].std(axis=0).mean() == pytest.approx(0.35, abs=0.03)
    pairs = np.corrcoef(before[:, :-1].ravel(), before[:, 1:].ravel())[0, 1]
    assert pairs == pytest.approx(0.6, abs=0.04)
    trend = np.mean([y / n for y, n in (daily_counts(World(5_000, 0.0, 0.0), 0.0, rng) for _ in range(20))], axis=0)
    # Whole weeks of the wave cancel: 84 days apart, 84 times 0.003 on the logit scale.
    early, late = (np.log(part / (1 - part)).mean() for part in (trend[0:28], trend[84:112]))
    assert late - early == pytest.approx(84 * 0.003, abs=0.02)


def test_a_wrong_request_is_answered() -> None:
    with pytest.raises(UsageError, match=r"^repetitions is 1; a share of intervals needs 2 or more, like 400$"):
        validate(1, seed=1)
    with pytest.raises(UsageError, match=r"^there is no experiment 'shifts'; there are shift, posting, volume, events"):
        validate(2, seed=1, experiments=("shifts",))


def test_the_command_prints_the_table_and_writes_it(tmp_path: Path) -> None:
    asked = [
        sys.executable,
        "-c",
        "from discourse.cli import main; main()",
        "validate",
        "--seed",
        "7",
        "--repetitions",
        "3",
        "--experiment",
        "volume",
    ]
    done = subprocess.run(
        [*asked, "--json", "--out", str(tmp_path / "a.csv")], capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)["table"]
    assert [one["repetitions"] for one in said] == [3] * len(said)
    assert pl.read_csv(tmp_path / "a.csv").height == len(said) > 0
    subprocess.run([*asked, "--out", str(tmp_path / "a.md")], capture_output=True, check=True)
    rows = [line for line in (tmp_path / "a.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    first = said[0]
    assert len(rows) == 1 + len({(one["setting"], one["quantity"]) for one in said})
    assert rows[1].startswith(
        f"| {first['setting']} | {first['quantity']} | {first['coverage']:.3f} ({first['bias']:+.4f}"
    )
