"""Effects in words: nothing is claimed that an interval, a test or a guard speaks against, and nobody is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from discourse.corpus.posts import FILES
from discourse.page.effects import EffectTables, broken_down, choices, effect_sentences, effect_tables
from discourse.page.page import ReportContent, ReportFigure, render_report
from discourse.report.effects_words import (
    conversion_said,
    doubts,
    effect_said,
    guarded_conversion,
    guarded_effects,
    in_points,
    quantity,
    summary,
    told,
    untold_said,
)
from discourse.study.effect_tables import CHANGES, SENSITIVITY
from discourse.study.event_rows import CONVERSION, EFFECTS

NONE = "No effect can be told from these data"
ROW: dict[str, Any] = {
    **dict.fromkeys(EFFECTS), "event": "e", "start": date(2025, 2, 3), "title": "The border closed",
    "measure": "Prevalence('nationalist')", "side": "pakistan", "estimate": 0.9, "low": 0.5, "high": 1.3,
    "p": 0.0004, "p_holm": 0.002, "p_bh": 0.001, "change": 0.2, "change_low": 0.1, "change_high": 0.304,
    "p_pretrend": 0.4, "p_bend": 0.6, "p_placebo": 0.04, "n_authors": 40, "n_gold": 90, "n_tests": 5, "flags": "",
}  # fmt: skip


def test_an_effect_that_stands_is_claimed_with_its_interval_and_tests() -> None:
    assert told(ROW)
    assert effect_said(ROW) == (
        "After “The border closed” (3 February 2025) the nationalist share among posts from Pakistan changed by "
        "+20 points (interval +10 to +30), against the line that the days before continue. Adjusted for 5 tests, "
        "p = 0.002; against placebo dates, p = 0.04."
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"low": -0.01}, "the interval holds 0"),
        ({"low": 0.0}, "the interval holds 0"),
        ({"change_low": -0.4, "change_high": 0.0}, "the interval holds 0"),
        ({"p_holm": 0.05}, "it does not stand out among 5 tests"),
        ({"p_pretrend": 0.049}, "it moved already before the event (test of the days before, p = 0.05)"),
        ({"p_bend": 0.0004}, "the days before follow no straight line that could be continued (p < 0.001)"),
        ({"flags": "no_gold"}, "no coded post speaks for the days on one side of it"),
        (
            {"flags": "few_days_after gold_pooled_over_event"},
            "coded posts are pooled over it, which makes a true change look smaller",
        ),
        ({"flags": "classifier_adds_nothing"}, "the classifier adds nothing to the coded posts"),
        ({"flags": "prior_shift_assumed"}, "the correction assumes that only the mix of frames changed"),
        ({"flags": "near_singular"}, "the classifier confuses the frames too much to be corrected"),
        ({"flags": "n_eff_below_30"}, "fewer than 30 authors wrote on one side of it"),
        ({"flags": "no_pretrend_test"}, "too few days lie before it to see whether it moved already"),
        ({"flags": "separated"}, "the days on one side of it are all of one kind"),
        ({"flags": "not_converged"}, "the model did not settle"),
    ],
)
def test_an_effect_that_anything_speaks_against_is_not_claimed(change: dict[str, Any], why: str) -> None:
    row = {**ROW, **change}
    assert doubts(row) == [why]
    assert not told(row)
    assert f"{NONE}: {why}." in effect_said(row)
    assert f": {why})." in untold_said([row])


@pytest.mark.parametrize("change", [{"p_holm": 0.049}, {"p_pretrend": 0.05, "p_bend": 0.05}, {"low": 0.001},
                                    {"p_pretrend": None, "p_bend": None},
                                    {"flags": "gold_borrowed gold_under_200 few_days_after"}])  # fmt: skip
def test_what_speaks_against_nothing_takes_no_claim_away(change: dict[str, Any]) -> None:
    assert told({**ROW, **change})
    assert NONE not in effect_said({**ROW, **change})


def test_a_row_without_an_estimate_tells_why() -> None:
    row = {**ROW, "estimate": None, "said": "the series has 2 days with posts before the event"}
    assert not told(row)
    assert effect_said(row) == (
        "After “The border closed” (3 February 2025) nothing can be said of the nationalist share among posts from "
        "Pakistan: the series has 2 days with posts before the event."
    )
    assert effect_said({**row, "said": None}).endswith("nothing could be estimated.")


def test_a_gap_is_told_in_its_own_units() -> None:
    row = {**ROW, "measure": "Polarization('net-tone-gap')", "side": "pakistan|afghanistan", "change": -0.412}
    assert "the net tone of Pakistan minus that of Afghanistan changed by −0.41 (interval +0.10 to +0.30)" in (
        effect_said(row)
    )
    assert quantity("NetTone()", "pakistan") == "the net tone of posts from Pakistan"


@pytest.mark.parametrize(
    ("value", "said"), [(0.005, "+0"), (-0.004, "+0"), (0.126, "+13"), (-0.5, "−50"), (None, "unknown")]
)
def test_points_have_a_sign(value: float | None, said: str) -> None:
    assert in_points(value, "Prevalence('both')") == said


def test_nine_authors_are_not_told() -> None:
    table = pl.DataFrame([{**ROW, "said": "A claim.", "n_authors": n} for n in (9, 10)], schema=EFFECTS)
    made = guarded_effects(table)
    few, many = made.iter_rows(named=True)
    numbers = [name for name, kind in EFFECTS.items() if kind.is_numeric() and name != "n_tests"]
    assert not any(few[name] is not None for name in numbers)
    assert (few["flags"], few["said"]) == ("withheld", "Withheld: fewer than 10 authors stand behind it.")
    assert many == table.row(1, named=True)
    assert guarded_effects(made).equals(made)
    assert "(withheld)" in untold_said([few])


PART: dict[str, Any] = {
    **dict.fromkeys(CONVERSION), "event": "e", "title": "T", "measure": "Prevalence('both')", "side": "pakistan",
    "estimate": 0.1, "low": 0.0, "high": 0.2, "first": 0.3, "second": 0.4, "n_authors": 50, "flags": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [((10, 10, 10), False), ((9, 20, 20), True), ((20, 9, 20), True), ((20, 20, 1), True), ((0, 20, 20), False)],
)
def test_parts_that_few_authors_make_are_withheld_with_all_counts(counts: tuple[int, int, int], hidden: bool) -> None:
    rows = [{**PART, "part": part, **dict(zip(("stayers", "arrivers", "leavers"), counts, strict=True))}
            for part in ("total", "conversion", "composition")]  # fmt: skip
    made = guarded_conversion(pl.DataFrame(rows, schema=CONVERSION))
    assert made["estimate"].is_null().to_list() == [False, hidden, hidden]
    assert (made["stayers"].null_count() == 3) == hidden
    assert (made["arrivers"].null_count() == 3) == hidden
    assert (made["leavers"].null_count() == 3) == hidden


def test_a_change_of_nine_authors_is_withheld_whole() -> None:
    row = {**PART, "part": "total", "stayers": 4, "arrivers": 5, "leavers": 0, "n_authors": 4}
    made = guarded_conversion(pl.DataFrame([row], schema=CONVERSION))
    assert made.select("estimate", "first", "second", "stayers").row(0) == (None, None, None, None)


def test_every_part_of_a_change_has_its_words() -> None:
    said = {part: conversion_said({**PART, "part": part}) or "" for part in
            ("total", "conversion", "loudness", "arriving", "leaving", "composition")}  # fmt: skip
    assert all(
        one.startswith("The both share among posts from Pakistan changed by +10 points") for one in said.values()
    )
    assert len(set(said.values())) == 6
    assert conversion_said({**PART, "part": None, "estimate": None, "said": "nobody wrote"}) == "Nobody wrote."


def tables(*rows: dict[str, Any]) -> EffectTables:
    effects = pl.DataFrame(list(rows), schema=EFFECTS)
    effects = effects.with_columns(
        said=pl.Series([effect_said(row) for row in effects.iter_rows(named=True)], dtype=pl.String)
    )
    runs = [
        {"run": "headline: each author once", "measure": "m", "side": "a", "change": 0.0, "flags": ""},
        {"run": "b", "measure": "m", "side": "a", "change": 0.1, "flags": "outside sign_changed"},
        {"run": "b", "measure": "m", "side": "a", "change": -0.3, "flags": ""},
        {"run": "b", "measure": "m", "side": "a", "change": None, "flags": "missing"},
        {"run": "breakdown", "measure": "m", "side": "a", "window": "first to last", "headline": 0.3, "estimate": 0.4,
         "breakdown": 1 / 7, "change": 0.1, "said": "It would need many."},
        {"run": "breakdown", "measure": "m", "side": "a", "window": "across e", "headline": 0.3, "estimate": 0.4,
         "breakdown": 1 / 7, "change": 0.1, "said": "Across."},
    ]  # fmt: skip
    changes = [
        {"measure": "m", "side": "a", "window": "2025-01-06", "exploratory": True, "flags": "exploratory"},
        {"measure": "m", "side": "b", "exploratory": True, "flags": "exploratory", "said": "3 days are too few"},
    ]  # fmt: skip
    return EffectTables(effects, pl.DataFrame(runs, schema=SENSITIVITY), pl.DataFrame(changes, schema=CHANGES),
                        pl.DataFrame([{**PART, "part": "total"}], schema=CONVERSION))  # fmt: skip


def test_the_page_says_first_what_can_be_told() -> None:
    weak = {**ROW, "side": "afghanistan", "low": -1.0}
    later = {**ROW, "event": "f", "title": "Talks", "estimate": None}
    said = effect_sentences(tables(weak, ROW, later))
    assert said[0] == ("2 effects were estimated; 1 can be told from chance and from what went before. "
                       "1 could not be estimated or is withheld.")  # fmt: skip
    assert said[1] == effect_said(ROW)
    assert said[2] == untold_said([weak])
    assert said[3] == untold_said([later])
    assert said[4:] == (
        "It would need many.",
        "1 change of level was found by looking at the series (exploratory: that tests nothing, and proves no effect).",
        "3 days are too few.",
    )


def test_a_study_without_events_says_it_once() -> None:
    row = {**dict.fromkeys(EFFECTS), "event": "", "measure": "Prevalence('both')", "flags": "no_event",
           "said": "the study names no event"}  # fmt: skip
    said = effect_sentences(tables({**row, "side": "pakistan"}, {**row, "side": "afghanistan"}))
    assert said[0] == "The study names no event."
    assert said[1] == "It would need many."
    shown = dict(effect_tables(tables({**row, "side": "pakistan"})))
    assert shown["Effects of events on the day they began"].is_empty()


def test_tables_of_the_page_are_small_and_print_no_p_of_zero() -> None:
    shown = dict(effect_tables(tables({**ROW, "p_holm": 0.0002})))
    effects = shown["Effects of events on the day they began"]
    assert effects.select("event", "p_holm", "n_gold").row(0) == ("3 February 2025", "<0.001", 90)
    assert choices(tables(ROW).sensitivity).rows() == [("b", "m", "a", 2, 1, 1, -0.3)]
    assert broken_down(tables(ROW).sensitivity)["period"].to_list() == ["first to last", "across e"]


def test_the_page_has_its_place_for_them_after_the_figures_and_keeps_words_words() -> None:
    hostile = {**ROW, "title": "<script>x</script>"}
    content = ReportContent("T", False, ("Answer.",), FILES.empty(), (), effects=tables(hostile),
                            figures=(ReportFigure("F", "F", "F", b"<svg/>"),))  # fmt: skip
    page = render_report(content)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    marks = ["Answer.", 'id="h-figures"', 'id="h-effects"', "1 effect was estimated",
             "The headline against other choices", 'href="effects.csv"', 'id="h-methods"']  # fmt: skip
    places = [page.index(mark) for mark in marks]
    assert places == sorted(places)
    assert 'id="h-effects"' not in render_report(replace(content, effects=None))


def test_a_summary_counts_what_it_says() -> None:
    assert summary(pl.DataFrame([ROW], schema=EFFECTS)).startswith("1 effect was estimated; 1 can be told")
    none = summary(pl.DataFrame([{**ROW, "low": -1.0}], schema=EFFECTS))
    assert none == "1 effect was estimated; none can be told from chance and from what went before."
