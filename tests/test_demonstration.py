"""The demonstration study: its corrected intervals hold the known truth, naive counting does not."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from discourse.corpus.privacy import Key
from discourse.schema import FRAMES
from discourse.simulate.conflict import windowed_truth
from discourse.store.saved import load_corpus
from discourse.study.config import Study
from discourse.study.frozen import compared, decisions, read_freezes
from discourse.study.stages import Desk, stages_of

ROOT = Path(__file__).resolve().parents[1]
TEXT = {"window": pl.String, "flags": pl.String}

pytestmark = pytest.mark.filterwarnings("ignore::discourse.errors.DiscourseWarning")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    study = Study.from_toml(ROOT / "corpora" / "demo" / "study.toml")
    made = Desk(study, Key.made_up(study.name), tmp_path_factory.mktemp("demo"), lambda *_: None)
    for name, (_, run) in stages_of(made).items():
        if name != "judge":  # nothing later needs it
            run(made)
    return made


@pytest.fixture(scope="module")
def series(desk: Desk) -> pl.DataFrame:
    return pl.read_csv(desk.path("series.csv"), schema_overrides=TEXT, infer_schema_length=None)


def hits(series: pl.DataFrame, study: Study) -> pl.DataFrame:
    assert study.truth is not None
    truth = windowed_truth(pl.read_csv(study.truth, try_parse_dates=True), "1w")
    truth = truth.with_columns(measure=pl.format("Prevalence('{}')", "frame"))
    shown = series.join(truth, on=["window", "side", "measure"]).filter(pl.col("estimate").is_not_null())
    return shown.with_columns(hit=pl.col("share").is_between(pl.col("low"), pl.col("high")))


def test_every_row_is_accounted_for(desk: Desk) -> None:
    corpus = load_corpus(desk.path("read"))
    # What the generator put in: 11,318 posts and 964 reposts, 48 rows twice, 14 that cannot be read.
    assert corpus.files.select("read", "accepted", "duplicates", "quarantined").rows() == [
        (11_318 + 964 + 48 + 14, 11_318 + 964, 48, 14)
    ]
    assert corpus.quarantine.height == 48 + 14


def test_corrected_intervals_hold_the_truth_and_naive_ones_do_not(desk: Desk, series: pl.DataFrame) -> None:
    found = hits(series, desk.study)
    share = {key: part["hit"].mean() for key, part in found.group_by("method", "weight")}
    cells = found.filter(method="poststrat", weight="author")
    assert cells.height == 18 * 2 * len(FRAMES)  # 19 weeks, the first withheld on both sides
    assert 0.90 <= share["poststrat", "author"] <= 0.98
    assert 0.90 <= share["poststrat", "post"] <= 0.98
    assert share["cc", "author"] < share["poststrat", "author"] - 0.05
    assert share["cc", "post"] < share["poststrat", "post"] - 0.05
    counted = found.filter(method="cc", weight="author", frame="nationalist")["hit"].mean()
    assert counted < 0.85  # one week in five is missed, as the README says


def test_corrected_shares_are_nearer_the_truth_on_average(desk: Desk, series: pl.DataFrame) -> None:
    found = hits(series, desk.study).filter(weight="author").with_columns(error=pl.col("estimate") - pl.col("share"))
    bias = {key: part["error"].mean() for key, part in found.group_by("method", "frame")}
    for frame in ("nationalist", "conciliatory"):
        assert abs(bias["poststrat", frame]) < 0.015
    # The classifier's errors happen to cancel for the conciliatory frame; nobody could know without gold.
    assert abs(bias["cc", "nationalist"]) > max(0.01, abs(bias["poststrat", "nationalist"]))


def test_first_and_last_week_are_marked_and_thin_ones_withheld(series: pl.DataFrame) -> None:
    weeks = series.filter(pl.col("measure") == "Prevalence('nationalist')", pl.col("side") == "pakistan")
    weeks = weeks.filter(method="poststrat", weight="author").sort("window")
    # 1 December 2024 is a Sunday, 31 March 2025 a Monday: one day of the week each.
    partial = [window for window, flags in weeks.select("window", "flags").iter_rows() if "partial" in (flags or "")]
    assert partial == ["2024-11-25", "2025-03-31"]
    first = weeks.row(0, named=True)
    assert first["n_authors"] < 30
    assert first["estimate"] is None
    assert "withheld" in first["flags"]


def test_what_was_expected_was_frozen_before_looking_and_is_answered_by_the_truth(desk: Desk) -> None:
    freezes = read_freezes(desk.study.frozen)
    assert not freezes[0].looked
    assert set(compared(freezes, decisions(desk.study))["decided"]) == {"before"}
    answers = pl.read_csv(ROOT / "figures" / "demo" / "hypotheses.csv")
    assert answers.select("id", "answer").rows() == [("H1", "as expected"), ("H2", "not told")]
    # The strikes move Afghanistan's true nationalist share from under a third to about two thirds within days.
    assert desk.study.truth is not None
    truth = pl.read_csv(desk.study.truth, try_parse_dates=True).filter(side="afghanistan", frame="nationalist")
    at = pl.date(2024, 12, 24)
    before, after = (truth.filter(rows)["share"].mean() for rows in (
        pl.col("day").is_between(at - pl.duration(days=14), at, closed="left"),
        pl.col("day").is_between(at, at + pl.duration(days=3))))  # fmt: skip
    low, high = answers.select("low", "high").row(0)
    assert low < after - before < high  # type: ignore[operator]


def test_no_gap_is_withheld_where_sides_are_known_and_coded(desk: Desk) -> None:
    assert pl.read_csv(desk.path("reasons.csv")).height == 0
    found = pl.read_csv(desk.path("guards.csv"))
    assert set(found["flag"]) == {"n_eff_below_30"}


def test_published_series_is_what_the_code_makes(series: pl.DataFrame) -> None:
    published = pl.read_csv(ROOT / "figures" / "demo" / "series.csv", schema_overrides=TEXT, infer_schema_length=None)
    key = ["measure", "method", "weight", "side", "window"]
    both = published.join(series, on=key, how="full", suffix="_now")
    assert both.height == published.height == series.height
    shown = both.filter(pl.col("estimate").is_not_null())
    assert shown.height > 500
    for column in ("estimate", "low", "high", "baseline"):
        assert (shown[column] - shown[f"{column}_now"]).abs().max() < 1e-6
