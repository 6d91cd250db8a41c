from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import matplotlib
import numpy as np
import polars as pl
import pytest
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from discourse.errors import MeaningError, SchemaError
from discourse.page.answer import answer_sentences
from discourse.plots.marks import curve, mark_of
from discourse.plots.series import plot_composition, plot_confusion, plot_polarization, plot_shares, plot_truth
from discourse.report.guard import plain, shown, visible
from discourse.report.words import alt_text, caption, describe_confusion, describe_truth
from discourse.schema import EVENTS, SERIES

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)
SHARE = "Prevalence('nationalist')"


def row(week: int, side: str = "pakistan", **changes: Any) -> dict[str, Any]:
    start = MONDAY + timedelta(weeks=week)
    return {
        "window": f"{start:%Y-%m-%d}", "start": start, "end": start + timedelta(weeks=1), "side": side,
        "measure": SHARE, "method": "poststrat", "weight": "author", "estimate": 0.3 + 0.1 * week,
        "low": 0.25 + 0.1 * week, "high": 0.37 + 0.1 * week, "n_posts": 100 + week, "n_authors": 40 + week,
        "n_eff": 40.0, "n_gold": 20, "assumes": "random_gold", "flags": "", **changes,
    }  # fmt: skip


def gone(week: int, side: str = "pakistan", flags: str = "withheld", **changes: Any) -> dict[str, Any]:
    return row(week, side, estimate=None, low=None, high=None, flags=flags, **changes)


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    return SERIES.frame(list(rows))


def lines(ax: Axes, label: str) -> list[Any]:
    return [line for line in ax.lines if line.get_label() == label]


def middle(week: int) -> float:
    return float(mdates.date2num(MONDAY + timedelta(weeks=week, days=3.5)))


def band(ax: Axes, label: str = "_band") -> set[tuple[float, float]]:
    (made,) = [c for c in ax.collections if c.get_label() == label]
    return {(round(float(x), 6), round(float(y), 6)) for path in made.get_paths() for x, y in path.vertices}


def test_a_withheld_window_breaks_the_line_and_is_not_bridged():
    series = table(row(0), row(1), gone(2), row(3), row(4))
    (line,) = lines(plot_shares(series), "Pakistan")
    assert np.asarray(line.get_xdata()).tolist() == [middle(week) for week in range(5)]
    np.testing.assert_allclose(line.get_ydata(), [0.3, 0.4, np.nan, 0.6, 0.7])


def test_a_window_that_is_not_in_the_table_breaks_the_line_too():
    (line,) = lines(plot_shares(table(row(0), row(2))), "Pakistan")
    y = np.asarray(line.get_ydata())
    assert np.isnan(y[1])
    np.testing.assert_allclose(y[[0, 2]], [0.3, 0.5])


def test_an_hour_lost_to_the_clocks_is_no_hole():
    first, second = row(0), row(1)
    second["start"] += timedelta(hours=1)
    assert len(curve(table(first, second)).x) == 2


def test_the_band_is_low_and_high_and_nothing_else():
    ax = plot_shares(table(row(0), row(1), gone(2), row(3), row(4)))
    wanted = {(round(middle(w), 6), round(b + 0.1 * w, 6)) for w in (0, 1, 3, 4) for b in (0.25, 0.37)}
    assert band(ax) == wanted


def test_a_lone_window_still_shows_its_interval():
    ax = plot_shares(table(gone(0), row(1), gone(2)))
    (alone,) = [c for c in ax.collections if c.get_label() == "_alone"]
    np.testing.assert_allclose(alone.get_segments()[0], [[middle(1), 0.35], [middle(1), 0.47]])


def test_partial_windows_have_hollow_markers():
    ax = plot_shares(table(row(0, flags="partial"), row(1)))
    (hollow,), (full,) = lines(ax, "_partial"), lines(ax, "_whole")
    assert np.asarray(hollow.get_xdata()).tolist() == [middle(0)]
    assert hollow.get_markerfacecolor() == "white"
    assert np.asarray(full.get_xdata()).tolist() == [middle(1)]
    assert full.get_markerfacecolor() != "white"


def test_cells_under_ten_authors_are_not_drawn_even_when_forced():
    series = table(row(0), row(1, n_authors=9, n_eff=9.0, flags="forced"), row(2))
    ax = plot_shares(series)
    assert np.isnan(np.asarray(lines(ax, "Pakistan")[0].get_ydata())[1])
    volume = ax.figure.axes[1]
    assert [float(bar.get_height()) for bar in volume.patches] == [102.0]  # 100 would tell the hidden count


def test_sides_have_their_own_colour_marker_and_style_in_any_company():
    ax = plot_shares(table(row(0, "unknown"), row(0, "afghanistan"), row(0), row(1)))
    looks = {
        name: (line.get_color(), line.get_linestyle())
        for name in ("Pakistan", "Afghanistan", "side unknown")
        for line in lines(ax, name)
    }
    assert len({colour for colour, _ in looks.values()}) == len({style for _, style in looks.values()}) == 3
    assert len({mark_of(side).marker for side in ("pakistan", "afghanistan", "unknown")}) == 3
    alone = plot_shares(table(row(0, "afghanistan"), row(1, "afghanistan")))
    assert lines(alone, "Afghanistan")[0].get_color() == looks["Afghanistan"][0]
    assert len({mark_of(side, ("a", "b")).marker for side in ("a", "b")}) == 2


def test_shares_prefer_the_corrected_and_author_weighted_rows():
    rows = [row(0), row(0, method="cc", estimate=0.9), row(0, weight="post", estimate=0.8)]
    ax = plot_shares(table(*rows))
    assert np.asarray(lines(ax, "Pakistan")[0].get_ydata()).tolist() == [0.3]
    assert "not corrected" not in ax.figure.get_suptitle()
    assert "not corrected" in plot_shares(table(row(0, method="cc"))).figure.get_suptitle()


def test_share_axis_begins_at_zero_and_holds_the_interval():
    low, high = plot_shares(table(row(0), row(1))).get_ylim()
    assert low == 0.0
    assert 0.47 < high <= 1.0


def test_events_stand_at_their_dates_with_a_style_for_each_type():
    day = MONDAY.date()
    events = EVENTS.frame(pl.DataFrame({
        "event_id": ["a", "b", "c", "far"], "start": [day, day + timedelta(3), day + timedelta(5), date(2020, 1, 1)],
        "end": [None, None, day + timedelta(6), None], "type": ["escalation", "deescalation", "closure", "closure"],
        "title": ["Strikes", "Talks", "Gate shut", "Long ago"],
    }))  # fmt: skip
    ax = plot_shares(table(row(0), row(1)), events=events)
    begin = float(mdates.date2num(MONDAY))
    found = lines(ax, "_event")
    assert [float(line.get_xdata()[0]) for line in found] == [begin, begin + 3, begin + 5]
    assert len({str(line._dash_pattern) for line in found}) == 3
    assert [text.get_text() for text in ax.texts] == ["Strikes", "Talks", "Gate shut"]
    (span,) = [patch for patch in ax.patches if patch.get_x() > begin + 4]
    assert (span.get_x(), span.get_width()) == (begin + 5, 2.0)


def test_hostile_titles_are_drawn_as_they_stand():
    events = EVENTS.frame(pl.DataFrame({
        "event_id": ["a"], "start": [MONDAY.date()], "type": ["_$x$"], "title": [r"$\foo{$ \x00"],
    }))  # fmt: skip
    plot_shares(table(row(0), row(1)), events=events).figure.draw_without_rendering()
    assert plain(r"$\foo{$") == r"\$\foo{\$"
    assert not plain("_nolegend_").startswith("_")
    assert plain("a\ud800b\x00c\u202ed\ne") == "a\ufffdb\ufffdc\ufffdd e"
    assert plain("نیم\u200cفاصله") == "نیم\u200cفاصله"
    assert visible("a\nb\x9b") == "a\u240ab\ufffd"


def test_arabic_script_is_shaped_and_ordered_by_matplotlib():
    word = "پاکستان"
    font = FontProperties(family=["DejaVu Sans"])
    drawn, reversed_word = (TextPath((0, 0), text, prop=font).vertices for text in (word, word[::-1]))
    one_by_one = sum(TextPath((0, 0), letter, prop=font).get_extents().width for letter in word)
    assert drawn.shape != reversed_word.shape or not np.allclose(drawn, reversed_word)
    # Joined letters are narrower than the same letters standing alone.
    assert TextPath((0, 0), word, prop=font).get_extents().width < one_by_one
    # The first letter, peh, stands at the right: its three dots hang lowest there.
    lowest = drawn[drawn[:, 1].argmin(), 0]
    assert lowest > drawn[:, 0].mean()


def polar(week: int, side: str, measure: str, **changes: Any) -> dict[str, Any]:
    base = {"baseline": 0.1, "baseline_low": 0.05 - 0.01 * week, "baseline_high": 0.15}
    return row(week, side, measure=f"Polarization('{measure}')", **{**base, **changes})


def test_the_shuffled_baseline_is_in_the_panel_of_the_estimate():
    series = table(*(polar(w, "pakistan|afghanistan", "net-tone-gap") for w in range(3)))
    ax = plot_polarization(series, "net-tone-gap")
    assert ax.figure.get_suptitle() == "How far apart: net tone of Pakistan minus Afghanistan"
    assert len(ax.figure.axes) == 1
    assert np.asarray(lines(ax, "_baseline")[0].get_ydata()).tolist() == [0.1] * 3
    wanted = {(round(middle(w), 6), y) for w in range(3) for y in (round(0.05 - 0.01 * w, 6), 0.15)}
    assert band(ax, "_baseline_band") == wanted
    assert np.asarray(lines(ax, "_zero")[0].get_ydata()).tolist() == [0.0, 0.0]


def test_within_side_measures_have_a_panel_a_side_with_one_scale():
    sides = ("afghanistan", "pakistan", "unknown")
    rows = [polar(w, s, "esteban-ray", estimate=0.1 * w + 0.2 * i) for w in (0, 1) for i, s in enumerate(sides[:2])]
    hidden = [gone(w, "unknown", measure="Polarization('esteban-ray')") for w in (0, 1)]
    panels = plot_polarization(table(*rows, *hidden), "esteban-ray").figure.axes
    assert [ax.texts[-1].get_text() for ax in panels] == ["Pakistan", "Afghanistan"]
    assert panels[0].get_ylim() == panels[1].get_ylim()


def test_truth_naive_and_corrected_are_three_lines():
    rows = [row(w, method=m, estimate=e, low=e - 0.05, high=e + 0.05)
            for w in (0, 1) for m, e in (("cc", 0.5), ("poststrat", 0.3))]  # fmt: skip
    truth = pl.DataFrame({"window": ["2025-01-06", "2025-01-13"], "side": "pakistan", "frame": "nationalist",
                          "share": [0.31, 0.36]})  # fmt: skip
    ax = plot_truth(table(*rows), truth, "nationalist")
    drawn = {line.get_label(): np.asarray(line.get_ydata()).tolist() for line in ax.lines}
    assert drawn["truth"] == [0.31, 0.36]
    assert drawn["counted as classified (naive)"] == [0.5, 0.5]
    assert drawn["corrected with gold labels"] == [0.3, 0.3]
    # 0.31 lies in 0.25 to 0.35, 0.36 does not; neither lies in 0.45 to 0.55.
    text = describe_truth(table(*rows), truth, "nationalist")[0]
    assert "corrected estimate holds the truth in 1 of 2 windows" in text
    assert "naive count holds the truth in 0 of 2 windows" in text
    with pytest.raises(MeaningError, match="no share of 'both'"):
        plot_truth(table(*(dict(r, measure="Prevalence('both')") for r in rows)), truth, "both")


def test_composition_stacks_to_the_totals():
    counts = pl.DataFrame({
        "window": ["w1", "w1", "w2", "w2"], "side": ["pakistan", "afghanistan", "pakistan", None],
        "lang": ["ur", "ps", "en", None], "posts": [30, 20, 10, 5],
    })  # fmt: skip
    ax = plot_composition(counts)
    heights = np.array([float(bar.get_height()) for bar in ax.patches]).reshape(3, 2)
    assert heights.tolist() == [[30, 10], [20, 0], [0, 5]]
    assert [float(bar.get_y()) for bar in ax.patches][2] == 30.0
    shares: dict[float, float] = {}
    for bar in ax.figure.axes[1].patches:
        shares[bar.get_y()] = shares.get(bar.get_y(), 0.0) + bar.get_width()
    assert list(shares.values()) == pytest.approx([1.0, 1.0, 1.0])


def test_confusion_rows_are_normalised_and_counts_written():
    predicted = ["nationalist", "both", "abstain"]
    true = ["nationalist", "nationalist", "both"]
    confusion = pl.DataFrame({"true": true, "predicted": predicted, "n": [3, 1, 2]})
    ax = plot_confusion(confusion)
    values = np.asarray(ax.collections[0].get_array()).reshape(4, 5)
    assert values[0].tolist() == [0.75, 0.0, 0.25, 0.0, 0.0]
    assert values[2].tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]
    assert values[1].sum() == 0.0
    assert ax.texts[0].get_text() == "3\n75\u00a0%"
    with pytest.raises(SchemaError, match="twice"):
        plot_confusion(pl.concat([confusion, confusion]))


def test_no_figure_changes_the_style_of_the_session():
    before = dict(matplotlib.rcParams)
    plot_shares(table(row(0)))
    assert dict(matplotlib.rcParams) == before


def test_what_is_not_there_is_said():
    with pytest.raises(SchemaError, match="measure is"):
        plot_shares(table(row(0)), "both")
    with pytest.raises(SchemaError, match="Did you mean 'pakistan'"):
        plot_shares(table(row(0)), sides=["pakistn"])
    with pytest.raises(MeaningError, match="no rows"):
        plot_shares(SERIES.empty())


def test_caption_counts_only_what_is_shown():
    text = caption(table(row(0), row(1), gone(2), gone(3, flags="empty", n_posts=0, n_authors=0)), "nationalist")
    assert "201 posts by 40 to 41 authors per week, and on 40 coded posts" in text
    assert "1 of 4 values is withheld because fewer than 30 authors" in text
    assert "1 of 4 has no posts" in text
    assert "each author counts once per week" in text


@pytest.mark.parametrize(("assumes", "gold"), [
    ("random_gold", 80), ("random_gold+errors_stable_over_time", 40),
    ("random_gold+errors_stable_over_time_and_sides", 20),
])  # fmt: skip
def test_gold_that_serves_many_windows_is_counted_once(assumes: str, gold: int):
    rows = [row(w, s, assumes=assumes) for w in (0, 1) for s in ("pakistan", "afghanistan")]
    assert f"and on {gold} coded posts" in caption(table(*rows), "nationalist")


def test_alt_text_names_first_last_and_highest():
    text = alt_text(table(row(0), row(1, estimate=0.52), gone(2), row(3, estimate=0.44)), "nationalist")
    assert (
        "Pakistan: 30 % in the week of 6 January 2025, 44 % in the week of 27 January 2025, "
        "highest 52 % in the week of 13 January 2025."
    ) in text


def test_the_answer_names_dates_values_and_intervals():
    rows = [row(w, s) for w in (0, 1, 2) for s in ("pakistan", "afghanistan", "unknown")]
    sentences = answer_sentences(table(*rows))
    assert sentences[0] == (
        "Between 6 January 2025 and 26 January 2025 the nationalist share among posts from Pakistan rose from "
        "30 % (25 to 37) in the first week to 50 % (45 to 57) in the last."
    )
    assert sentences[1] == sentences[0].replace("Pakistan", "Afghanistan")
    assert 2 <= len(sentences) <= 4


def test_the_answer_prefers_whole_windows_and_owns_up_to_gaps():
    rows = [row(0, flags="partial"), row(1), row(2), gone(3), row(4, flags="partial")]
    sentences = answer_sentences(table(*rows))
    assert "Between 13 January 2025 and 26 January 2025" in sentences[0]
    assert sentences[-1] == "1 of 5 values is withheld because fewer than 30 authors stand behind it."
    nothing = answer_sentences(table(gone(0), gone(1)))
    assert nothing[0] == "The nationalist share among posts from Pakistan cannot be shown for any window."
    only = answer_sentences(table(row(0), gone(1)))
    assert "was 30 % (25 to 37) in the week of 6 January 2025, the only window" in only[0]


def test_the_last_day_is_local():
    rows = [row(w) for w in (0, 1)]
    for made in rows:  # Karachi: the local week begins at 19:00 UTC on Sunday
        made["start"] -= timedelta(hours=5)
        made["end"] -= timedelta(hours=5)
    assert "Between 6 January 2025 and 19 January 2025" in answer_sentences(table(*rows))[0]


def test_no_sentence_says_why():
    rows = [row(w, s) for w in (0, 1) for s in ("pakistan", "afghanistan")]
    gap = [polar(w, "pakistan|afghanistan", "net-tone-gap") for w in (0, 1)]
    series = table(*rows, *gap, gone(2))
    said = " ".join([*answer_sentences(series), caption(series, "nationalist"), alt_text(series, "net-tone-gap")])
    for word in ("led to", "caused", "due to", "effect", "after the", "result"):
        assert word not in said


def test_shown_judges_a_pair_of_sides_by_the_thinner():
    pair = polar(0, "pakistan|afghanistan", "net-tone-gap", n_authors=59, n_eff=9.0, flags="forced")
    made = shown(table(pair, row(0, n_authors=10)))
    assert made.sort("side")["estimate"].to_list() == [0.3, None]
    assert made.filter(pl.col("estimate").is_null())["flags"].to_list() == ["forced withheld"]
    assert made.filter(pl.col("estimate").is_null())["n_posts"].to_list() == [None]


def test_withheld_cells_of_a_confusion_say_so_and_shares_are_of_the_whole_row():
    pairs = [("both", "both", 30, 50), ("both", "neither", None, 50), ("both", "nationalist", None, 50)]
    confusion = pl.DataFrame(pairs, schema=["true", "predicted", "n", "row"], orient="row")
    ax = plot_confusion(confusion)
    said = [text.get_text() for text in ax.texts]
    assert said.count("withheld") == 2
    assert "30\n60\u00a0%" in said
    text, alt = describe_confusion(confusion)
    assert "over 50 coded posts" in text
    assert "fewer than 10 authors" in text
    assert alt.endswith("Classified as coded: both 30 of 50.")
