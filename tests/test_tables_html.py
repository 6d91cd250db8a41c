"""What `show` makes of a table: names, intervals and notes in words, nothing of few authors, the same every time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from parsed_page import page

from discourse.errors import PrivacyError, SchemaError, UsageError
from discourse.impact.events import EventPlan, EventStudy, event_study
from discourse.notebook.figure import ShownFigure
from discourse.notebook.show import show
from discourse.notebook.table import Shown, ShownTable, with_interval

WEEK = datetime(2025, 1, 6, tzinfo=UTC)


def row(side: str = "pakistan", week: int = 0, **other: Any) -> dict[str, Any]:
    start = WEEK + timedelta(weeks=week)
    return {"window": f"{start:%Y-%m-%d}", "start": start, "end": start + timedelta(weeks=1), "side": side,
            "measure": "Prevalence('both')", "method": "poststrat", "weight": "author", "estimate": 0.31, "low": 0.27,
            "high": 0.36, "n_posts": 80, "n_authors": 40, "n_eff": 38.0, "n_gold": 50, "assumes": "random_gold",
            "flags": "", **other}  # fmt: skip


def series(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), infer_schema_length=None)


# Series


def test_a_series_has_sides_in_columns_windows_in_rows_and_notes_in_words() -> None:
    made = series(
        row("unknown", flags="gold_borrowed"), row(), row("afghanistan", flags="partial"),
        row(week=1, estimate=None, low=None, high=None, flags="withheld"),
        row("afghanistan", week=1, n_posts=0, n_authors=0, estimate=None, flags="empty"),
        row("unknown", week=1, flags="forced"),
    )  # fmt: skip
    seen = page(show(made))
    assert seen.tables == [[
        ["week of", "Pakistan", "Afghanistan", "side unknown", "notes"],
        ["6 January 2025", "31 % (27 to 36)", "31 % (27 to 36)", "31 % (27 to 36)",
         "Afghanistan: covered in part; side unknown: error rates borrowed from other windows"],
        ["13 January 2025", "withheld", "no posts", "31 % (27 to 36)*", ""],
    ]]  # fmt: skip
    caption = seen.captions[0]
    assert "corrected for the classifier's errors" in caption
    assert "each author counts once per week" in caption
    assert "It assumes that the coded posts were drawn at random." in seen.text
    assert "* Posts that weigh as fewer than 30 authors" in seen.text
    assert "Withheld: " in seen.text
    for flag in ("gold_borrowed", "forced", "empty", "partial"):
        assert flag not in seen.text


def test_a_note_that_holds_of_all_sides_names_none_and_naive_is_said() -> None:
    seen = page(
        show(series(row(flags="partial naive", method="cc"), row("afghanistan", flags="partial naive", method="cc")))
    )
    assert seen.tables[0][1][-1] == "covered in part"
    assert "NOT corrected" in seen.captions[0]
    assert "naive" not in seen.text


def test_a_flag_of_a_whole_side_is_a_note_below_the_table() -> None:
    seen = page(show(series(row(flags="classifier_adds_nothing some_new_flag"), row("afghanistan"))))
    assert seen.tables[0][1][-1] == ""
    assert "Pakistan: the classifier adds nothing to the coded posts of this side." in seen.text
    assert "Pakistan: some new flag." in seen.text
    assert "Afghanistan: " not in seen.text


def test_measures_and_methods_have_tables_of_their_own_shares_first() -> None:
    gap = {"measure": "Polarization('net-tone-gap')", "estimate": -0.12, "low": -0.2, "high": -0.04, "baseline": 0.01,
           "baseline_low": -0.1, "baseline_high": 0.1}  # fmt: skip
    seen = page(show(series(row("pakistan|afghanistan", **gap), row(), row(method="cc", estimate=0.5))))
    assert [table[1][1] for table in seen.tables] == [
        "50 % (27 to 36)", "31 % (27 to 36)",
        "\u22120.12 (\u22120.20 to \u22120.04); by chance 0.01 (\u22120.10 to 0.10)",
    ]  # fmt: skip
    assert seen.tables[2][0] == ["week of", "Pakistan and Afghanistan", "notes"]
    assert seen.text.count("shuffled among authors") == 1


def test_a_cell_of_nine_authors_is_never_shown_and_ten_are() -> None:
    seen = page(show(series(row(n_authors=9, n_posts=77), row("afghanistan", n_authors=10))))
    assert seen.tables[0][1][1:3] == ["withheld", "31 % (27 to 36)"]
    assert "Each number" not in seen.text  # from ten, too, the nine would follow


def test_of_a_long_series_the_first_and_the_last_windows_are_shown() -> None:
    made = show(series(*(row(week=n) for n in range(9))), most=5)
    rows = page(made).tables[0][1:]
    assert [cells[0] for cells in rows] == [
        "6 January 2025", "13 January 2025", "20 January 2025", "\u2026 4 more", "24 February 2025", "3 March 2025",
    ]  # fmt: skip
    assert len(page(show(series(*(row(week=n) for n in range(9))), most=9)).tables[0]) == 10
    with pytest.raises(UsageError) as caught:
        show(series(row()), most=1)
    assert str(caught.value) == "most is 1; it must be 2 or more, like 40"


def test_the_order_of_rows_changes_nothing_and_the_table_stays() -> None:
    made = series(row(), row("afghanistan"), row(week=1), row("afghanistan", week=1))
    before = made.clone()
    assert show(made)._repr_html_() == show(made.reverse())._repr_html_()  # type: ignore[union-attr]
    assert made.equals(before)


def test_guards_say_what_would_mend_them_and_not_how_thin_a_window_is() -> None:
    table = pl.DataFrame({
        "side": ["pakistan", "pakistan", None], "window": ["a", "b", None],
        "flag": ["n_eff_below_30", "n_eff_below_30", "prior_shift_assumed"], "labels": [None, None, 385],
        "said": ["weigh as 3.2 authors", "weigh as 4.1 authors", "only the mix changed"],
    })  # fmt: skip
    seen = page(show(table))
    assert [cells[:3] for cells in seen.tables[0][1:]] == [["Pakistan", "2", "labels do not mend it"],
                                                          ["all", "all", "385 labels"]]  # fmt: skip
    assert "3.2" not in seen.text
    assert "only the mix changed" in seen.text
    assert "Nothing speaks against" in page(show(table.clear())).text


# Agreement, scores, curves, files, evidence


def test_agreement_is_shown_in_percent_with_its_interval_and_few_posts_are_not() -> None:
    table = pl.DataFrame({
        "variable": ["frame"] * 4, "group": ["all", "lang=ur", "few", "none"], "n_units": [3636, 10, 9, 20],
        "n_coders": [2] * 4, "percent": [91.69, 50.0, 50.0, 0.0], "alpha": [0.878, 0.5, 0.5, float("nan")],
        "low": [0.866, -0.2, 0.1, float("nan")], "high": [0.89, 0.9, 0.9, float("nan")],
    })  # fmt: skip
    seen = page(show(table))
    assert seen.tables[0][1:] == [
        ["all", "3,636", "2", "92 %", "0.878 (0.866 to 0.890)"],
        ["language: Urdu", "10", "2", "50 %", "0.500 (\u22120.200 to 0.900)"],
        ["few", "fewer than 10", "withheld", "withheld", "withheld"], ["none", "20", "2", "0 %", "not defined"],
    ]  # fmt: skip
    assert seen.captions == ["How far coders agree on frame (95 % intervals over posts)"]


def test_coefficients_have_names() -> None:
    table = pl.DataFrame({
        "variable": ["frame"] * 3, "group": ["all", "all", "lang=ps"], "class": ["all", "both", "all"],
        "statistic": ["percent", "positive", "ac1"], "estimate": [91.69, 0.7, 0.8], "low": [90.0, 0.6, 0.7],
        "high": [93.0, 0.8, 0.9], "n_units": [100, 100, 9], "n_coders": [2, 2, 2],
    })  # fmt: skip
    seen = page(show(table))
    assert seen.captions[1] == "How far coders agree on frame, language: Pashto (95 % intervals over posts)"
    assert seen.tables[0][1:] == [["all values", "agreeing pairs, %", "91.7 (90.0 to 93.0)"],
                                  ["both", "agreement that it is this value", "0.700 (0.600 to 0.800)"]]  # fmt: skip
    assert seen.tables[1][1:] == [["all values", "Gwet's AC1", "withheld"]]


def test_scores_stand_beside_those_of_simple_models_and_small_groups_are_withheld() -> None:
    rows = [("classifier", "all", "macro_f1", "all", 0.85, 600), ("classifier", "all", "f1", "both", 0.7, 600),
            ("classifier - plain", "all", "macro_f1", "all", -0.136, 600),
            ("plain", "all", "macro_f1", "all", 0.7, 600), ("classifier", "lang=ps", "macro_f1", "all", 0.6, 80),
            ("classifier", "side=unknown", "macro_f1", "all", None, None),
            ("plain", "lang=ps", "macro_f1", "all", 0.1, 80)]  # fmt: skip
    table = pl.DataFrame(rows, schema=["model", "group", "metric", "class", "estimate", "n"], orient="row")
    seen = page(show(table.with_columns(low=pl.col("estimate") - 0.1, high=pl.col("estimate") + 0.1)))
    assert seen.tables[0] == [
        ["model", "macro-F1", "F1 both"], ["classifier", "0.850 (0.750 to 0.950)", "0.700 (0.600 to 0.800)"],
        ["classifier - plain", "\u22120.136 (\u22120.236 to \u22120.036)", ""], ["plain", "0.700 (0.600 to 0.800)", ""],
    ]  # fmt: skip
    assert seen.tables[1][1:] == [["language: Pashto", "80", "0.600 (0.500 to 0.700)"],
                                  ["side: unknown", "withheld", "withheld"]]  # fmt: skip
    assert "600 posts" in seen.captions[0]


def test_a_learning_curve_shows_gains_with_their_sign() -> None:
    table = pl.DataFrame({
        "n": [51, 400], "authors": [31, 239], "macro_f1": [0.7, 0.85], "low": [0.65, 0.81], "high": [0.73, 0.88],
        "gain": [None, 0.15], "gain_low": [None, 0.1], "gain_high": [None, 0.2], "rare": ["conciliatory"] * 2,
        "rare_ap": [0.61, 0.89], "rare_low": [None, 0.8], "rare_high": [None, 0.93], "tested": [600, 600],
    })  # fmt: skip
    seen = page(show(table))
    assert seen.tables[0][1:] == [["51", "31", "0.700 (0.650 to 0.730)", "", "0.610"],
                                  ["400", "239", "0.850 (0.810 to 0.880)", "+0.150 (+0.100 to +0.200)",
                                   "0.890 (0.800 to 0.930)"]]  # fmt: skip
    assert seen.tables[0][0][-1] == "average precision of conciliatory"


def test_the_account_of_files_adds_up_and_has_a_total() -> None:
    table = pl.DataFrame({
        "file": ["a<b>", "c"], "format": ["x_api", "csv"], "read": [1200, 10], "accepted": [1100, 8],
        "duplicates": [60, 1], "quarantined": [40, 1], "edits": [0, 0], "deleted": [0, 0],
    })  # fmt: skip
    assert page(show(table)).tables[0][1:] == [["a<b>", "x_api", "1,200", "1,100", "60", "40"],
                                              ["c", "csv", "10", "8", "1", "1"],
                                              ["all files", "", "1,210", "1,108", "61", "41"]]  # fmt: skip
    assert len(page(show(table.head(1))).tables[0]) == 2


def test_evidence_for_sides_withholds_a_list_of_few_accounts_and_one_more() -> None:
    table = pl.DataFrame({
        "side": ["a", "a", "a", "unknown"], "basis": ["author", "country", "location", "none"],
        "posts": [52, 480, 3900, 2342], "authors": [5, 60, 500, 244], "conflicts": [0, 1, 2, 0],
    })  # fmt: skip
    rows = page(show(table)).tables[0][1:]
    assert rows[0] == ["A", "a list of accounts", "withheld", "withheld"]
    assert sum(cells[2] == "withheld" for cells in rows) >= 2
    assert ["A", "a named place", "3,900", "500"] in rows
    assert "52" not in [cell for cells in rows for cell in cells]


# Effects


def studied(change: float, drift: float = 0.0) -> EventStudy:
    rng = np.random.default_rng(11)
    t = np.arange(120)
    p = np.where(t < 90, 0.3, 0.3 + change) + drift * np.minimum(np.maximum(t - 60, 0), 29) / 29
    n = np.full(120, 300)
    return event_study((rng.binomial(n, p), n), 90, plan=EventPlan(before=60, after=30))


def test_an_event_study_says_whether_an_effect_can_be_told() -> None:
    seen = page(show(studied(0.2)))
    assert seen.captions == ["What changed on day 90 (90 days with posts; intervals in brackets)"]
    found = {cells[0]: cells[1] for cells in seen.tables[0]}
    points, low, high = (int(number) for number in re.findall(r"\+(\d+)", found["change on the day"]))
    assert low < points < high
    assert low < 20 < high
    assert "A change can be told." in seen.text


def test_an_event_study_without_an_effect_says_so_and_why() -> None:
    seen = page(show(studied(0.0)))
    assert "No effect can be told from these data: the interval holds 0" in seen.text
    assert "A change can be told." not in seen.text
    moving = studied(0.2, drift=-0.25)
    assert moving.pretrend is not None
    assert moving.pretrend.p < 0.05
    assert "it moved already before the event" in page(show(moving)).text


def test_a_table_of_effects_is_read_row_by_row_and_few_authors_are_withheld() -> None:
    one = {"event": "e", "start": WEEK.date(), "title": "The <border> closed", "measure": "Prevalence('both')",
           "side": "pakistan", "estimate": 0.9, "low": 0.5, "high": 1.3, "change": 0.2, "change_low": 0.1,
           "change_high": 0.3, "p_holm": 0.0004, "p_pretrend": 0.4, "p_bend": 0.5, "p_placebo": 0.02, "n_tests": 3,
           "n_authors": 40, "flags": "", "said": "x"}  # fmt: skip
    table = pl.DataFrame([one, {**one, "change_low": -0.1, "low": -0.3}, {**one, "n_authors": 9}])
    rows = page(show(table)).tables[0][1:]
    assert rows[0] == ["The <border> closed", "the both share among posts from Pakistan", "+20 points (+10 to +30)",
                       "p < 0.001", "an effect can be told"]  # fmt: skip
    assert rows[1][-1] == "cannot be told: the interval holds 0"
    assert rows[2][2:4] == ["not estimated", ""]
    assert "fewer than 10 authors" in rows[2][-1]


# Everything


def test_another_table_is_refused_and_so_is_one_of_persons() -> None:
    with pytest.raises(SchemaError) as caught:
        show(pl.DataFrame({"a": [1], "b": [2]}))
    assert str(caught.value) == (
        "show was given a table with the columns a, b; it knows series, guards, agreement, scores, learning curves, "
        "effects, files and the evidence for sides: look at the table itself instead"
    )
    with pytest.raises(PrivacyError, match="the table that is shown has the column 'author_id'"):
        show(series({**row(), "author_id": "x:a"}))


def test_a_figure_shows_itself_with_its_title_and_the_same_bytes() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.suptitle("Shares\nover time")
    axes = figure.add_subplot()
    made, again = show(axes), show(figure)
    assert isinstance(made, ShownFigure)
    assert made == again
    png, metadata = made._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert b"matplotlib" not in png.lower()
    assert metadata == {"alt": "Shares over time"}
    assert repr(made) == "Figure: Shares over time"
    assert repr(show(Figure())) == "Figure"


def test_text_is_aligned_and_html_escaped() -> None:
    made = Shown((ShownTable("c", ("a", "bbb"), (("<x>", "1"), ("y", "22")), ("n",)), ShownTable("d", ("e",), ())))
    assert repr(made) == "c\n  a    bbb\n  <x>  1\n  y    22\nn\n\nd\n  e"
    assert page(made).tables == [[["a", "bbb"], ["<x>", "1"], ["y", "22"]], [["e"]]]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((0.5, None, None), "0.500"), ((0.5, 0.4, None), "0.500"), ((0.5, float("nan"), 0.6), "0.500"),
        ((None, 0.4, 0.6), "not defined"), ((float("nan"), 0.4, 0.6), "not defined"),
        ((-0.5, -0.6, -0.4), "\u22120.500 (\u22120.600 to \u22120.400)"), ((0.0, 0.0, 0.0), "0.000 (0.000 to 0.000)"),
    ],
)  # fmt: skip
def test_an_estimate_with_its_interval(given: tuple[float | None, ...], said: str) -> None:
    assert with_interval(*given) == said
