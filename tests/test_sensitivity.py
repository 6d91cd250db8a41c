"""What would have to be false for a result to go away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.impact.sensitivity import FRACTIONS, bots, breakdown, sensitivity_table, three_series
from discourse.schema import SERIES

BEGIN = datetime(2025, 1, 6, tzinfo=UTC)


def series(
    rows: Sequence[tuple[str, str, int, float | None]], days: int = 7, half: float = 0.1, **more: Any
) -> pl.DataFrame:
    """Rows (measure, side, number of the window, estimate) of windows of so many days; the interval is +- half."""
    return SERIES.frame([
        {
            "window": f"{BEGIN + timedelta(days=days * k):%Y-%m-%d}", "start": BEGIN + timedelta(days=days * k),
            "end": BEGIN + timedelta(days=days * (k + 1)), "side": side, "measure": measure, "method": "poststrat",
            "weight": "author", "estimate": value, "low": None if value is None else value - half,
            "high": None if value is None else value + half, "n_posts": 9,
        } | more
        for measure, side, k, value in rows
    ] or SERIES.empty())  # fmt: skip


def test_breakdown_of_the_specification() -> None:
    # The share of one-sided posts that moves 0.30 to 0.40: 0.1 / 0.7.
    assert breakdown(0.30, 0.40) == pytest.approx(1 / 7, abs=1e-15)
    assert breakdown(0.40, 0.30) == pytest.approx(0.25)
    assert breakdown(0.3, 0.3) == breakdown(0.0, 0.0) == breakdown(1.0, 1.0) == 0.0
    assert (breakdown(0.2, 1.0), breakdown(0.2, 0.0)) == (1.0, 1.0)
    made = breakdown([0.3, np.nan, 0.5], 0.4)
    assert made[[0, 2]] == pytest.approx([1 / 7, 0.2])
    assert np.isnan(made[1])
    for bad in ((-0.1, 0.2), (0.2, 1.1)):
        with pytest.raises(UsageError, match="shares from 0 to 1"):
            breakdown(*bad)


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 400), part=st.floats(0, 1), fake=st.integers(0, 400))
def test_so_many_fakes_make_exactly_that_move(n: int, part: float, fake: int) -> None:
    kind = int(part * n)
    before, after = Fraction(kind, n), Fraction(kind + fake, n + fake)
    expected = 0.0 if before == after else fake / (n + fake)
    assert breakdown(float(before), float(after)) == pytest.approx(expected, abs=1e-9)
    fallen = Fraction(kind, n + fake)
    expected = 0.0 if before == fallen else fake / (n + fake)
    assert breakdown(float(before), float(fallen)) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 300), part=st.floats(0, 1), fake=st.integers(0, 60), share=st.floats(0, 1))
def test_whatever_the_bots_post_the_truth_lies_within_the_bounds(n: int, part: float, fake: int, share: float) -> None:
    kind, fake_kind = int(part * n), int(share * fake)
    made = bots((kind + fake_kind) / (n + fake), f=[fake / (n + fake)])
    assert made["low"][0] - 1e-12 <= kind / n <= made["high"][0] + 1e-12


def test_a_fraction_of_one_pole() -> None:
    # 40 of 100: without a quarter of the 40 it is 30 of 90, without a quarter of the 60 it is 40 of 85.
    made = bots([0.4, 0.0, 1.0], f=[0.25], of="pole")
    assert made["low"].to_list() == pytest.approx([30 / 90, 0.0, 1.0])
    assert made["high"].to_list() == pytest.approx([40 / 85, 0.0, 1.0])
    with pytest.raises(SchemaError, match="'all' or 'pole'"):
        bots(0.4, of="both")


def test_the_bounds_are_reached() -> None:
    made = bots(0.4)
    assert made["f"].to_list() == list(FRACTIONS) == [0, 0.05, 0.1, 0.2]
    assert made["low"].to_list() == pytest.approx([0.4, 0.35 / 0.95, 0.3 / 0.9, 0.25])
    assert made["high"].to_list() == pytest.approx([0.4, 0.4 / 0.95, 0.4 / 0.9, 0.5])
    edge = bots([0.03, 0.97], f=[0.1])
    assert edge.select("row", "low", "high").rows() == [
        (0, 0.0, pytest.approx(0.03 / 0.9)), (1, pytest.approx(0.87 / 0.9), 1.0),
    ]  # fmt: skip
    # Pulled back by its own breakdown, 0.40 is 0.30 again.
    assert bots(0.4, f=[breakdown(0.3, 0.4)])["low"][0] == pytest.approx(0.3)


def test_intervals_of_the_bounds_come_from_their_replicates() -> None:
    rng = np.random.default_rng(2)
    drawn = np.clip(rng.normal([[0.4], [0.1]], 0.05, (2, 500)), 0, 1)
    made = bots([0.4, 0.1], f=[0.0, 0.2], replicates=drawn)
    assert made["low_interval"][0] == pytest.approx(np.quantile(drawn[0], 0.025))
    assert made["high_interval"][0] == pytest.approx(np.quantile(drawn[0], 0.975))
    assert made["low_interval"][1] == pytest.approx(np.quantile((drawn[0] - 0.2) / 0.8, 0.025))
    assert made["high_interval"][3] == pytest.approx(np.quantile(drawn[1] / 0.8, 0.975))
    assert made["low_interval"][3] == 0.0
    assert bots(0.4, replicates=drawn[0])["low_interval"][0] == made["low_interval"][0]


@pytest.mark.parametrize(
    ("s", "f"), [(0.4, [1.0]), (0.4, [-0.1]), (1.2, [0.1]), ([[0.4]], [0.1]), (0.4, [float("nan")])]
)
def test_impossible_fractions_and_shares(s: Any, f: Any) -> None:
    with pytest.raises(UsageError):
        bots(s, f=f)


GAP = [("gap", "a|b", 0, 0.1), ("gap", "a|b", 1, 0.2), ("gap", "a|b", 2, 0.4)]


def test_runs_beside_the_headline() -> None:
    other = [("gap", "a|b", 0, 0.15), ("gap", "a|b", 1, -0.05), ("gap", "a|b", 2, 0.38)]
    made = sensitivity_table({"all": series(GAP), "strict": series(other)})
    assert made["run"].to_list() == ["all"] * 3 + ["strict"] * 3
    assert made["change"].to_list() == pytest.approx([0, 0, 0, 0.05, -0.25, -0.02])
    assert made["headline"].to_list() == pytest.approx([0.1, 0.2, 0.4] * 2)
    assert made["flags"].to_list() == ["", "", "", "", "sign_changed outside", ""]
    assert made["low"].to_list()[3] == pytest.approx(0.05)


def test_a_run_that_falls_where_the_headline_rises_is_told_in_each_window() -> None:
    falls = [("gap", "a|b", 0, 0.18), ("gap", "a|b", 1, 0.25), ("gap", "a|b", 2, 0.14)]
    made = sensitivity_table({"all": series(GAP, half=1.0), "other": series(falls, half=1.0)})
    assert made["flags"].to_list() == [""] * 3 + ["direction_changed"] * 3
    # Only windows that both have count: without the last, both rise.
    made = sensitivity_table({"all": series(GAP[:2], half=1.0), "other": series(falls, half=1.0)})
    assert made["flags"].to_list() == ["", "", "", "", "not_in_headline"]


def test_no_row_is_lost_whoever_lacks_it() -> None:
    one = series([("gap", "a|b", 0, 0.1), ("gap", "a|b", 1, None), ("tone", "a", 0, 0.3)])
    two = series([("gap", "a|b", 0, 0.1), ("gap", "a|b", 1, 0.2), ("tone", "b", 0, 0.3)])
    made = sensitivity_table({"one": one, "two": two}).filter(run="two")
    assert made.select("measure", "side", "window", "flags").rows() == [
        ("gap", "a|b", "2025-01-06", ""), ("gap", "a|b", "2025-01-13", "not_in_headline"),
        ("tone", "a", "2025-01-06", "missing"), ("tone", "b", "2025-01-06", "not_in_headline"),
    ]  # fmt: skip
    alone = sensitivity_table({"one": one}).filter(window="2025-01-13")
    assert alone["flags"].to_list() == ["missing not_in_headline"]


def test_the_headline_may_be_named_and_comes_first() -> None:
    made = sensitivity_table({"a": series(GAP), "b": series(GAP)}, headline="b")
    assert made["run"].unique(maintain_order=True).to_list() == ["b", "a"]
    with pytest.raises(UsageError, match="one of the runs: 'a'"):
        sensitivity_table({"a": series(GAP)}, headline="c")
    with pytest.raises(UsageError, match="no runs"):
        sensitivity_table({})


def test_shorter_windows_are_averaged_by_the_time_they_share() -> None:
    # Four-day windows in a week: of the second, three days lie in the first week.
    days = [("gap", "a|b", k, value) for k, value in enumerate([0.1, 0.5, 0.3, 0.7])]
    made = sensitivity_table({"weeks": series(GAP[:2], half=2.0), "four days": series(days, days=4, half=2.0)})
    rows = made.filter(run="four days")
    assert rows["window"].to_list() == ["2025-01-06", "2025-01-13"]
    assert rows["estimate"].to_list() == pytest.approx([(4 * 0.1 + 3 * 0.5) / 7, (1 * 0.5 + 4 * 0.3 + 2 * 0.7) / 7])
    assert (rows["high"] - rows["low"]).to_list() == pytest.approx([4.0, 4.0])
    assert rows["flags"].to_list() == ["other_windows"] * 2


def test_longer_windows_stand_for_each_of_theirs_and_the_rest_stays() -> None:
    months = [("gap", "a|b", 0, 0.3), ("gap", "a|b", 1, 0.6)]
    made = sensitivity_table({"weeks": series(GAP, half=2.0), "months": series(months, days=28, half=2.0)}).filter(
        run="months"
    )
    assert made["estimate"].to_list() == pytest.approx([0.3, 0.3, 0.3, 0.6])
    assert made["flags"].to_list() == ["other_windows"] * 3 + ["not_in_headline"]
    # A window without a number is not averaged in.
    holes = [("gap", "a|b", 0, None), ("gap", "a|b", 1, 0.5)]
    made = sensitivity_table({"weeks": series(GAP[:1], half=2.0), "x": series(holes, days=4)}).filter(run="x")
    assert made["estimate"].to_list() == [0.5]


def test_runs_hold_each_cell_once() -> None:
    twice = pl.concat([series(GAP), series(GAP, weight="post")])
    with pytest.raises(MeaningError, match="run 'x' holds a measure of a side and window twice"):
        sensitivity_table({"x": twice})
    with pytest.raises(SchemaError, match="run 'x': the series table has rows"):
        sensitivity_table({"x": pl.concat([series(GAP), series(GAP)])})


def test_order_of_rows_and_inputs_are_left_alone() -> None:
    one, two = series(GAP), series([("gap", "a|b", k, 0.3) for k in (2, 0, 1)])
    before = two.clone()
    made = sensitivity_table({"one": one, "two": two})
    assert two.equals(before)
    assert made.equals(sensitivity_table({"one": one.reverse(), "two": two.sort("start")}))


def test_three_series_with_the_breakdown_between_them() -> None:
    name = "Prevalence('nationalist')"
    posts, authors, texts = (
        series([(name, "a", 0, value), ("NetTone()", "a", 0, value)]) for value in (0.4, 0.36, 0.3)
    )
    made = three_series(posts, authors, texts)
    share = made.filter(measure=name).row(0, named=True)
    assert (share["posts"], share["authors"], share["unique_texts"]) == (0.4, 0.36, 0.3)
    assert share["authors_high"] == pytest.approx(0.46)
    assert share["breakdown"] == pytest.approx(1 / 7)
    assert made.filter(measure="NetTone()")["breakdown"].to_list() == [None]
    lacking = three_series(posts, authors.clear(), texts)
    assert lacking.height == 2
    assert lacking["authors"].null_count() == 2
