"""The answer of the page: it claims no more than the intervals bear out."""

from __future__ import annotations

import pytest
from test_plots import gone, polar, row, table

from discourse.page.answer import Sentence, answered

SIDES = "pakistan|afghanistan"


def said(*rows, no_gap=""):
    return [one.text for one in answered(table(*rows), no_gap)]


@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        (
            {"estimate": 0.5, "low": 0.371, "high": 0.6},
            "rose from 30 % (25 to 37) in the first week to 50 % (37 to 60)",
        ),
        (
            {"estimate": 0.1, "low": 0.05, "high": 0.249},
            "fell from 30 % (25 to 37) in the first week to 10 % (5 to 25)",
        ),
    ],
)
def test_a_change_is_claimed_where_the_intervals_lie_apart(last, verdict):
    (text, *_) = said(row(0), row(1, **last))
    assert verdict in text
    assert "no change" not in text


@pytest.mark.parametrize("ends", [(0.37, 0.6), (0.0, 0.25), (0.3, 0.31)])
def test_no_change_is_claimed_where_they_touch_or_overlap(ends):
    (text, *_) = said(row(0), row(1, estimate=sum(ends) / 2, low=ends[0], high=ends[1]))
    assert text.startswith("Between 6 January 2025 and 19 January 2025 no change can be told in the nationalist share")
    assert text.endswith("in the last: the intervals overlap.")
    for word in ("rose", "fell", "highest"):
        assert word not in text


def test_without_an_interval_nothing_is_said_of_a_change_but_that_none_can_be_told():
    (text, *_) = said(row(0, low=None, high=None), row(1))
    assert "no change can be told" in text
    assert "overlap" not in text


def test_a_height_in_between_is_told_with_its_interval_and_no_lasting_change():
    rows = (row(0), row(1, estimate=0.6, low=0.5, high=0.7), row(2, estimate=0.31, low=0.26, high=0.38))
    (text, *_) = said(*rows)
    assert text == (
        "Between 6 January 2025 and 26 January 2025 the nationalist share among posts from Pakistan was highest in the "
        "week of 13 January 2025, at 60 % (50 to 70), against 30 % (25 to 37) in the first week; these intervals do "
        "not overlap. From the first week to the last, 31 % (26 to 38), no change can be told."
    )
    assert "A highest week is picked after looking, so a part of its height is chance." in said(*rows)
    lower = (rows[0], row(1, estimate=0.36, low=0.3, high=0.4), rows[2])
    assert not any("highest" in one for one in said(*lower))


def test_a_gap_is_told_by_the_windows_whose_interval_leaves_out_nothing():
    ends = [(-0.1, 0.2), (0.0, 0.2), (0.01, 0.2), (-0.3, -0.01)]
    gap = [polar(w, SIDES, "net-tone-gap", estimate=sum(e) / 2, low=e[0], high=e[1]) for w, e in enumerate(ends)]
    (text, *_) = said(*gap)
    assert "the gap between the sides (net tone of Pakistan minus that of Afghanistan, −2 to 2)" in text
    assert "A difference can be told (the interval leaves out 0) in 2 of 4 weeks; chance alone would show one" in text
    assert "in none of 1 weeks" not in text
    none = said(*gap[:2])[0]
    assert "in none of 2 weeks" in none


def test_where_no_gap_is_to_be_claimed_its_numbers_are_not_told():
    gap = [polar(w, SIDES, "net-tone-gap") for w in (0, 1)]
    sentences = answered(table(*gap, row(0), row(1)), "No difference is claimed.")
    assert Sentence("No difference is claimed.", "net-tone-gap", warns=True) in sentences
    assert not any("net tone of" in one.text for one in sentences)


def test_each_sentence_knows_its_measure_and_the_poles_come_before_the_gap():
    rows = [row(w, measure=f"Prevalence('{frame}')") for frame in ("neither", "conciliatory", "nationalist")
            for w in (0, 1)]  # fmt: skip
    gap = [polar(w, SIDES, "net-tone-gap") for w in (0, 1)]
    assert [one.measure for one in answered(table(*rows, *gap))] == ["nationalist", "conciliatory", "net-tone-gap", ""]
    assert [one.measure for one in answered(table(*rows[:2]))] == ["neither", ""]


def test_hours_have_no_plural_of_their_own():
    gap = [polar(w, SIDES, "net-tone-gap") for w in (0, 1)]
    for number, one in enumerate(gap):
        one["start"] = one["start"].replace(day=6, hour=6 * number)
        one["end"] = one["start"].replace(hour=6 * number + 6)
        one["window"] = f"{one['start']:%Y-%m-%dT%H:%M}"
    assert "of 2 windows;" in said(*gap)[0]


def test_withheld_windows_are_owned_up_to():
    assert (
        said(row(0), row(1), gone(2))[-1] == "1 of 3 values is withheld because fewer than 30 authors stand behind it."
    )
