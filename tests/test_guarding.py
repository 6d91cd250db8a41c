"""Guards of a series: which side, window and method each speaks of, from made-up posts whose counts are known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from discourse.estimators.guards import labels_needed
from discourse.measure.guarding import GUARDS
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import Plan, guards, over_time
from discourse.schema import EVENTS

MONDAY = datetime(2025, 1, 6, 12, tzinfo=UTC)
PLAN = Plan(gold_within="side", replicates=20, shuffles=2)
FRAMES = ("nationalist", "neither")


def posts(side: str, week: int, pairs: dict[tuple[str, str | None], int]) -> list[dict[str, Any]]:
    """So many posts of each predicted and coded class (None: not coded), each by an author of its own."""
    rows = [
        {"side": side, "created_at": MONDAY + timedelta(weeks=week), "predicted": predicted, "value": value}
        for (predicted, value), n in pairs.items() for _ in range(n)
    ]  # fmt: skip
    return [{**row, "author_id": f"x:{side}-{week}-{i}"} for i, row in enumerate(rows)]


def table(*parts: list[dict[str, Any]]) -> pl.DataFrame:
    made = pl.DataFrame([row for part in parts for row in part])
    return made.with_columns(inclusion_p=pl.when(pl.col("value").is_not_null()).then(0.5))


def coded(right: int, wrong: int, more: int = 60) -> dict[tuple[str, str | None], int]:
    """Both classes predicted equally often, `right` and `wrong` of each coded, `more` of each not coded."""
    yes, no = FRAMES
    return {(yes, yes): right, (yes, no): wrong, (no, no): right, (no, yes): wrong, (yes, None): more, (no, None): more}


def events(**starts: date) -> pl.DataFrame:
    return EVENTS.frame([
        {"event_id": name, "start": day, "end": day, "type": "airstrike", "title": name} for name, day in starts.items()
    ])  # fmt: skip


def said(found: pl.DataFrame, flag: str) -> list[tuple[str | None, str | None]]:
    return found.filter(flag=flag).select("side", "window").rows()


def test_a_classifier_that_adds_nothing_is_named_on_its_side_alone() -> None:
    observed = table(posts("pakistan", 0, coded(27, 3)), posts("afghanistan", 0, coded(15, 15)))
    found = guards(observed, plan=PLAN)
    assert dict(found.schema) == GUARDS
    assert said(found, "classifier_adds_nothing") == [("afghanistan", None)]
    series = over_time(Prevalence("nationalist"), observed, plan=PLAN, seed=1)
    flags = dict(series.filter(pl.col("side") != "unknown").select("side", "flags").rows())
    assert "classifier_adds_nothing" in flags["afghanistan"].split()
    assert "classifier_adds_nothing" not in flags["pakistan"].split()


def test_what_a_side_or_a_class_is_worth_is_judged_over_all_its_windows() -> None:
    # In each week alone the classifier says one thing; over both weeks it tells them apart.
    yes, no = FRAMES
    observed = table(
        posts("pakistan", 0, {(yes, yes): 20, (yes, None): 20}), posts("pakistan", 1, {(no, no): 20, (no, None): 20})
    )
    assert said(guards(observed, plan=PLAN), "classifier_adds_nothing") == []


def test_a_window_without_gold_says_how_many_labels_its_side_needs() -> None:
    observed = table(posts("pakistan", 0, coded(27, 3)), posts("pakistan", 1, {(name, None): 50 for name in FRAMES}))
    found = guards(observed, plan=PLAN).filter(flag="no_gold")
    assert found.select("side", "window").rows() == [("pakistan", "2025-01-13")]
    # Half of the posts are predicted so, nine in ten of them rightly.
    assert found["labels"].to_list() == [labels_needed(0.05, [0.9, 0.1], [0.5, 0.5])]
    few = guards(table(posts("pakistan", 0, coded(5, 1)), posts("pakistan", 1, {(FRAMES[0], None): 50})), plan=PLAN)
    assert few.filter(flag="no_gold")["labels"].to_list() == [385]  # 12 labels give no rates to plan with
    assert said(guards(observed, plan=Plan(method="cc", replicates=2)), "no_gold") == []


def test_gold_on_one_side_of_an_event_is_named_with_the_event() -> None:
    bare: dict[tuple[str, str | None], int] = {(name, None): 50 for name in FRAMES}
    before = table(
        posts("pakistan", 0, coded(27, 3)), posts("pakistan", 1, bare), posts("afghanistan", 0, coded(27, 3))
    )
    both = table(posts("pakistan", 0, coded(27, 3)), posts("pakistan", 1, coded(27, 3)))
    strike = events(strike=date(2025, 1, 13))
    window = Plan(gold_within="window", replicates=2)
    found = guards(before, plan=window, events=strike)
    assert said(found, "gold_pooled_over_event") == [("pakistan", None), ("afghanistan", None)]
    assert found.filter(flag="gold_pooled_over_event")["said"][0].startswith(
        "strike: The gold labels of this side lie "
    )
    assert said(guards(both, plan=window, events=strike), "gold_pooled_over_event") == []
    assert said(guards(both, plan=PLAN, events=strike), "gold_pooled_over_event") == [("pakistan", None)]
    assert said(guards(both, plan=PLAN), "gold_pooled_over_event") == []
    # An event before the first window, or after the last, has nothing on its other side.
    assert said(guards(both, plan=PLAN, events=events(a=date(2025, 1, 6), b=date(2025, 1, 14))),
                "gold_pooled_over_event") == []  # fmt: skip


@pytest.mark.parametrize(("method", "there"), [("acc", True), ("poststrat", False)])
def test_what_a_method_assumes_is_said_once_and_stands_in_every_row(method: str, there: bool) -> None:
    observed = table(posts("pakistan", 0, coded(16, 14)), posts("afghanistan", 0, coded(27, 3)))
    plan = Plan(method=method, gold_within="side", replicates=20, shuffles=2)
    found = guards(observed, plan=plan)
    assert said(found, "prior_shift_assumed") == [(None, None)] * there
    # 16 and 14 of 30: the condition number is 1 / (16/30 - 14/30) = 15; for 27 and 3 it is 1.25.
    whole = table(*(posts("pakistan", 0, {(FRAMES[i], FRAMES[j]): n for (i, j), n in cells.items()}) for cells in (
        {(0, 0): 16, (0, 1): 14, (1, 1): 16, (1, 0): 14},)))  # fmt: skip
    assert not said(guards(whole, plan=Plan(replicates=2)), "near_singular")
    series = over_time(Prevalence("nationalist"), observed, plan=plan, seed=1).filter(pl.col("side") != "unknown")
    assert all(("prior_shift_assumed" in flags.split()) == there for flags in series["flags"])


def test_few_authors_are_told_whatever_the_method() -> None:
    observed = table(posts("pakistan", 0, coded(10, 1, more=0)), posts("afghanistan", 0, coded(27, 3)))
    for plan in (PLAN, Plan(method="cc", replicates=2)):
        assert said(guards(observed, plan=plan), "n_eff_below_30") == [("pakistan", "2025-01-06")]
