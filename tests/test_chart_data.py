"""What the charts of the page are drawn from: the numbers of the CSV files, guarded, and nothing else."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from test_plots import MONDAY, row

from discourse.page.assets import as_json
from discourse.page.chart_data import CHARTS, REPLACED, chart_data, charts_of
from discourse.page.chart_table import chart_grid, coverage_grid
from discourse.report.guard import shown
from discourse.report.thin import shown_groups
from discourse.schema import EVENTS, SERIES

SIDES = ("pakistan", "afghanistan", "unknown")
SHARES = {"Prevalence('nationalist')": 0.30, "Prevalence('conciliatory')": 0.20}
GAP = "Polarization('net-tone-gap')"
WEEKS = 6
TRUTH = pl.DataFrame(
    [(f"{MONDAY + timedelta(weeks=w):%Y-%m-%d}", side, "nationalist", 0.35 + 0.02 * w)
     for w in range(WEEKS) for side in SIDES[:2]],
    schema=["window", "side", "frame", "share"], orient="row",
)  # fmt: skip
_DAYS = ((date(2025, 1, 14), None, "The border closed", "https://news.example/a?b=1&c=2"),
         (date(2025, 1, 17), date(2025, 1, 30), "<Talks>", "javascript:alert(1)"),
         (date(2026, 1, 1), None, "Long after", "a newspaper"))  # fmt: skip
EVENTS_TABLE = EVENTS.frame(
    pl.DataFrame([{"event_id": f"e{i}", "start": a, "end": b, "type": "closure", "place": "Torkham", "title": title,
                   "source": source} for i, (a, b, title, source) in enumerate(_DAYS)],
                 schema_overrides={"end": pl.Date})
)  # fmt: skip


def cell(week: int, side: str, measure: str, *, method: str, weight: str, base: float) -> dict[str, Any]:
    shift = 0.02 * SIDES.index(side.split("|", maxsplit=1)[0]) + (0.05 if method == "cc" else 0.0)
    value = base + shift + {"author": 0.0, "post": 0.011, "unique_text": 0.023}[weight] + 0.0301 * week
    made = row(
        week,
        side,
        measure=measure,
        method=method,
        weight=weight,
        estimate=value,
        low=value - 0.06,
        high=value + 0.07,
        assumes="random_gold" if method == "poststrat" else "classifier_errors_cancel",
    )
    if week == 2:
        made |= {"estimate": None, "low": None, "high": None, "flags": "withheld"}
    return made | ({"flags": "partial"} if week == WEEKS - 1 else {})


def sample() -> tuple[pl.DataFrame, pl.DataFrame]:
    """A series and its slices: a withheld week, a partial one, a small cell, and a language with few authors."""
    rows, parts = [], []
    for method in ("poststrat", "cc"):
        for week in range(WEEKS):
            for weight in ("author", "post", "unique_text"):
                rows += [
                    cell(week, s, m, method=method, weight=weight, base=b) for m, b in SHARES.items() for s in SIDES
                ]
                gap = cell(week, "pakistan|afghanistan", GAP, method=method, weight=weight, base=-0.2)
                rows.append(gap | {"baseline": 0.01, "baseline_low": -0.1, "baseline_high": 0.12})
            for group, n in (("ur", 60 + week), ("ps", 9 if week == 1 else 25)):
                made = [
                    cell(week, s, m, method=method, weight="author", base=b + 0.1)
                    for m, b in SHARES.items()
                    for s in SIDES
                ]
                parts += [{"by": "lang", "group": group, **one, "n_authors": n, "n_posts": 2 * n} for one in made]
            parts += [{"by": "platform", "group": "x", **one} for one in made]
    series = SERIES.frame(rows)
    schema = {"by": pl.String, "group": pl.String, **SERIES.columns}
    return series, pl.DataFrame([{name: one.get(name) for name in schema} for one in parts], schema=schema)


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    series, slices = sample()
    return chart_data(series, slices, events=EVENTS_TABLE, truth=TRUTH)


def places(data: dict[str, Any], name: str) -> dict[str, int]:
    return {one[0]: i for i, one in enumerate(data[name])}


def test_every_view_holds_the_rows_of_the_tables_and_no_other(data):
    series, slices = sample()
    published = [shown(series).with_columns(by=pl.lit(""), group=pl.lit("")),
                 shown_groups(slices, series).filter(by="lang").select(*SERIES.columns, "by", "group")]  # fmt: skip
    wanted: dict[str, list[list[Any]]] = {}
    windows, sides = places(data, "windows"), places(data, "sides")
    measures = {one["name"]: i for i, one in enumerate(data["measures"])}
    groups = {tuple(one[:2]): i for i, one in enumerate(data["groups"])}
    for one in pl.concat(published, how="vertical_relaxed").iter_rows(named=True):
        key = f"{measures[one['measure']]}.{places(data, 'methods')[one['method']]}." \
              f"{places(data, 'weights')[one['weight']]}.{groups[one['by'], one['group']]}"  # fmt: skip
        numbers = [one[name] for name in ("estimate", "low", "high", "baseline", "baseline_low", "baseline_high")]
        rounded = [None if value is None else round(value, 6) for value in numbers]
        counts = [one["n_posts"], one["n_authors"], one["n_gold"]]
        wanted.setdefault(key, []).append([windows[one["window"]], sides[one["side"]], *rounded, *counts])
    assert {key: sorted(row[:-1] for row in view["rows"]) for key, view in data["views"].items()} == {
        key: sorted(rows, key=lambda r: (r[0], r[1])) for key, rows in wanted.items()
    }
    assert len(wanted) == 3 * 2 * 3 + 2 * 2 * 2  # measures, methods, weights; shares, methods, languages


def test_a_small_cell_and_what_would_tell_it_is_in_no_byte(data):
    named = places(data, "windows")["2025-01-13"]
    pashto = next(i for i, one in enumerate(data["groups"]) if one[1] == "ps")
    urdu = next(i for i, one in enumerate(data["groups"]) if one[1] == "ur")
    small = [row for row in data["views"][f"0.0.0.{pashto}"]["rows"] if row[0] == named]
    assert [row[2:11] for row in small] == [[None] * 9] * 3
    beside = [row for row in data["views"][f"0.0.0.{urdu}"]["rows"] if row[0] == named]
    assert all(row[2] is not None and row[8:11] == [None] * 3 for row in beside)
    assert "withheld" in data["views"][f"0.0.0.{pashto}"]["caption"]


def test_only_groups_that_differ_can_be_switched_to(data):
    assert data["groups"] == [["", "", "All posts"], ["lang", "ur", "Urdu"], ["lang", "ps", "Pashto"]]
    series, slices = sample()
    gone = slices.with_columns(
        pl.when(pl.col("group") != "ps").then("estimate").alias("estimate"), pl.col("flags").fill_null("")
    )
    assert [one[1] for one in chart_data(series, gone)["groups"]] == ["", "ur"]
    assert chart_data(series, pl.DataFrame())["groups"] == [["", "", "All posts"]]


def test_groups_are_named_in_the_caption(data):
    assert data["views"]["0.0.0.1"]["caption"].startswith("Only posts in Urdu. ")
    assert not data["views"]["0.0.0.0"]["caption"].startswith("Only")
    assert "not corrected for its errors" in data["views"]["0.1.0.0"]["caption"]
    assert "every post counts once" in data["views"]["0.0.1.0"]["caption"]
    assert "each distinct text counts once per week" in data["views"]["0.0.2.0"]["caption"]


def test_events_of_the_period_are_numbered_and_cut_to_it(data):
    assert [(one["n"], one["title"], one["long"]) for one in data["events"]] == [
        (1, "The border closed", False), (2, "<Talks>", True)]  # fmt: skip
    day = 24 * 60
    assert data["events"][0]["t0"] - data["windows"][1][2] == day  # Tuesday after the second Monday
    assert data["events"][1]["t1"] - data["events"][1]["t0"] == 14 * day


def test_coverage_counts_intervals_that_hold_the_truth(data):
    # Pakistan, corrected, by author: 0.30 + 0.0301 w against 0.35 + 0.02 w, within -0.06 and +0.07: all but week 2.
    assert data["coverage"]["0.0"]["held"][0] == [0, 10, 10]
    # Uncorrected, Afghanistan: 0.37 + 0.0301 w - 0.06 lies above 0.35 + 0.02 w from week 4 on (0.4304 > 0.43).
    assert data["coverage"]["0.0"]["held"][1] == [1, 8, 10]
    assert data["coverage"]["0.0"]["said"] == (
        "The intervals hold the truth for 10 of 10 values of the corrected estimate and for 8 of 10 values of the "
        "count that is not corrected. Intervals that keep their promise hold about 10 of 10."
    )
    assert set(data["coverage"]) == {"0.0", "0.1", "0.2"}
    assert coverage_grid(data).rows[0] == ("Share of nationalist posts", "Each author once", "10 of 10 (100\u00a0%)",
                                           "8 of 10 (80\u00a0%)")  # fmt: skip


def test_charts_are_those_that_were_measured_and_stand_for_their_figures(data):
    assert [one["id"] for one in charts_of(data)] == [
        "shares-nationalist",
        "shares-conciliatory",
        "net-tone-gap",
        "truth",
    ]
    assert set(CHARTS) < set(REPLACED)
    series, _ = sample()
    other = chart_data(series.filter(measure="Prevalence('conciliatory')"))
    assert [one["id"] for one in charts_of(other)] == ["shares-conciliatory"]
    assert other["truth"] == other["coverage"] == {}
    odd = series.filter(measure=GAP).with_columns(measure=pl.lit("Mine()"))
    assert [(one["id"], one["title"]) for one in charts_of(chart_data(odd))] == [("measure", "Mine()")]


def test_the_table_prints_the_rows_of_the_chart(data):
    grid = chart_grid(data, 0, "T", truth=True)
    assert grid.head == ("Window (week)", "Side", "Estimate", "Low", "High", "Known truth", "Posts", "Authors",
                         "Coded posts", "Notes")  # fmt: skip
    rows = {row[:2]: row[2:] for row in grid.rows}
    assert rows["2025-01-06", "Pakistan"] == ("30.0\u00a0%", "24.0\u00a0%", "37.0\u00a0%", "35.0\u00a0%", "100", "40",
                                              "20", "")  # fmt: skip
    assert rows["2025-01-20", "Pakistan"][:4] == ("withheld", "–", "–", "39.0\u00a0%")
    assert rows["2025-02-10", "Pakistan"][-1] == "covered in part"
    assert rows["2025-01-06", "side unknown"][3] == "–"
    gap = chart_grid(data, 2, "T")
    assert gap.rows[0][1:7] == ("−0.200", "−0.260", "−0.130", "0.010", "−0.100", "0.120")
    assert [len(grid.rows), len(gap.rows)] == [18, 6]


def test_json_cannot_leave_its_element(data):
    hostile = chart_data(sample()[0], events=EVENTS_TABLE.with_columns(title=pl.lit("</script><!--\u2028&amp;")))
    text = str(as_json(hostile))
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == hostile


def test_row_order_changes_nothing(data):
    series, slices = sample()
    again = chart_data(series.reverse(), slices.reverse(), events=EVENTS_TABLE.reverse(), truth=TRUTH.reverse())
    assert again == data
    assert json.dumps(again) == json.dumps(data)


@pytest.mark.parametrize(("most", "groups", "weights", "methods"),
                         [(400, 3, 3, 2), (300, 1, 3, 2), (100, 1, 1, 2), (50, 1, 1, 1)])  # fmt: skip
def test_what_can_be_switched_to_gives_way_to_the_room_there_is(monkeypatch, most, groups, weights, methods):
    series, slices = sample()  # 252 rows by weight and method, and 144 in two languages
    monkeypatch.setattr("discourse.page.chart_data.MOST", most)
    made = chart_data(series, slices, truth=TRUTH)
    assert [len(made[name]) for name in ("groups", "weights", "methods")] == [groups, weights, methods]
    assert made["weights"][0][0] == "author"
    assert made["methods"][0][0] == "poststrat"
    assert sum(len(view["rows"]) for view in made["views"].values()) <= most


def test_a_long_table_is_cut_in_the_page_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr("discourse.page.chart_table.MOST", 4)
    series, _ = sample()
    assert len(chart_grid(chart_data(series), 0, "T").rows) == 4
