"""Sentences of guards, freezes and comparisons: nothing that was said is lost, and windows are counted right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from discourse.measure.guarding import GUARDS
from discourse.report.cautions import caution_sentences, decision_sentences, no_gap_claimed


def guards(*rows: tuple[str | None, str | None, str, int | None, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=GUARDS, orient="row")


def test_windows_are_counted_by_side_and_flag() -> None:
    made = caution_sentences(guards(
        ("pakistan", "a", "no_gold", 80, "x"), ("pakistan", "a", "n_eff_below_30", None, "x"),
        ("afghanistan", "a", "no_gold", 80, "x"), ("pakistan", "b", "no_gold", 90, "x"),
    ))  # fmt: skip
    assert len(made) == 3
    assert made[0].startswith("2 windows of Pakistan have no gold label of their own")
    assert "(80 to 90 random labels in each" in made[0]
    assert made[1] == (
        "1 window of Pakistan has fewer than 30 effective authors; no number of labels mends that, so join windows."
    )
    assert made[2].startswith("1 window of Afghanistan has no gold label of its own")
    assert "(80 random labels would give" in made[2]


def test_what_is_said_of_a_method_or_a_side_stands_whole() -> None:
    made = caution_sentences(guards(
        (None, None, "prior_shift_assumed", 385, "acc is right only if."),
        ("pakistan", None, "classifier_adds_nothing", 300, "The predictions take nothing."),
        ("afghanistan", None, "gold_pooled_over_event", 97, "Gold of Afghanistan lies before."),
    ))  # fmt: skip
    assert made == (
        "acc is right only if.", "Pakistan: The predictions take nothing.", "Gold of Afghanistan lies before.",
    )  # fmt: skip
    assert caution_sentences(guards()) == ()


def test_no_gap_is_claimed_only_with_reasons() -> None:
    assert no_gap_claimed(()) == ""
    assert no_gap_claimed(["A.", "B."]).startswith("No difference between the sides is claimed. A. B. The numbers")


def test_every_decision_stands_in_one_sentence() -> None:
    rows: dict[str, Any] = {"a": "before", "b": "after", "c": "changed since", "d": "never frozen", "e": "before"}
    table = pl.DataFrame({"decision": list(rows), "decided": list(rows.values())})
    made = decision_sentences(table, datetime(2025, 1, 2, tzinfo=UTC), "0123456789abcdef" * 4, looked=False)
    assert made == (
        "Decisions were last frozen on 2025-01-02 (SHA-256 0123456789abcdef…).",
        "Decided before anybody could look at a series: a, e.", "Decided after a series was there: b.",
        "Changed since they were frozen: c.", "Never frozen: d.",
    )  # fmt: skip
    late = decision_sentences(table.head(1), datetime(2025, 1, 2, tzinfo=UTC), "0" * 64, looked=True)
    assert (
        late[0] == "Decisions were last frozen on 2025-01-02 (SHA-256 0000000000000000…), after a series had been made."
    )
    assert len(late) == 2
    assert "exploration" in decision_sentences(table, None, "", looked=False)[0]
