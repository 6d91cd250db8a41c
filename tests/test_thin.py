"""Tables of groups and bins as they may be shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.measure.groups import GROUPS
from discourse.report.guard import shown
from discourse.report.thin import shown_confusion, shown_groups, shown_reliability
from discourse.schema import SERIES

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)
COUNTS = ("n_posts", "n_authors", "n_eff", "n_gold")


def cells(authors: dict[tuple[str, str, str], int]) -> pl.DataFrame:
    """A row for each group, window and side, by so many authors of two posts each."""
    return pl.DataFrame(
        [{"by": "lang", "group": group, "window": window, "side": side, "start": MONDAY, "flags": "",
          "end": MONDAY + timedelta(days=7), "measure": "Prevalence('both')", "method": "poststrat", "weight": "author",
          "estimate": 0.5, "low": 0.4, "high": 0.6, "n_posts": 2 * n, "n_authors": n, "n_eff": float(n), "n_gold": 3}
         for (group, window, side), n in authors.items()],
        schema=GROUPS,
    )  # fmt: skip


def whole(table: pl.DataFrame) -> pl.DataFrame:
    """The series of all groups: nobody writes in two of them."""
    counts = [pl.col(name).sum() for name in COUNTS]
    rest = pl.exclude("by", "group", "window", "side", *COUNTS).first()
    return table.group_by("window", "side", maintain_order=True).agg(rest, *counts).select(list(SERIES.columns))


def test_a_small_group_hides_the_counts_of_its_window_and_side_and_no_others() -> None:
    table = cells({
        ("ur", "w1", "a"): 40, ("ps", "w1", "a"): 9, ("ur", "w1", "b"): 40, ("ps", "w1", "b"): 10,
        ("ur", "w2", "a"): 40, ("ps", "w2", "a"): 0,
    })  # fmt: skip
    made = shown_groups(table, whole(table))
    told = {(row["group"], row["window"], row["side"]): row for row in made.to_dicts()}
    assert [told["ur", "w1", "a"][name] for name in COUNTS] == [None] * 4
    assert (told["ur", "w1", "a"]["estimate"], told["ur", "w1", "a"]["flags"]) == (0.5, "")
    assert (told["ps", "w1", "a"]["estimate"], told["ps", "w1", "a"]["flags"]) == (None, "withheld")
    assert (told["ps", "w1", "b"]["n_posts"], told["ps", "w1", "b"]["estimate"]) == (20, 0.5)
    assert (told["ur", "w2", "a"]["n_posts"], told["ps", "w2", "a"]["n_posts"]) == (80, 0)


def test_counts_that_the_series_withholds_are_not_told_by_the_groups() -> None:
    """Side b of the first window is small, so the series hides side a's counts beside it; its groups hide theirs."""
    table = cells({("ur", w, side): n for (w, side), n in {("w1", "a"): 50, ("w1", "b"): 8, ("w2", "a"): 60,
                                                          ("w2", "b"): 70}.items()})  # fmt: skip
    series = shown(whole(table))
    hidden = set(series.filter(pl.col("n_posts").is_null()).select("window", "side").rows())
    assert hidden > {("w1", "b")}
    made = shown_groups(table, whole(table))
    assert set(made.filter(pl.col("n_posts").is_null()).select("window", "side").rows()) == hidden
    assert made.filter(pl.col("estimate").is_null()).select("window", "side").rows() == [("w1", "b")]


@settings(max_examples=25)
@given(st.lists(st.sampled_from([0, 0, 1, 9, 10, 30]), min_size=12, max_size=12))
def test_a_window_and_side_shows_all_counts_or_none_and_showing_twice_changes_nothing(
    sizes: list[int],
) -> None:
    keys = [(group, window, side) for group in ("ur", "ps", "fa") for window in ("w1", "w2") for side in ("a", "b")]
    table = cells(dict(zip(keys, sizes, strict=True)))
    series = whole(table)
    made = shown_groups(table, series)
    assert made.select("by", "group", "window", "side").equals(table.select("by", "group", "window", "side"))
    assert made.filter(pl.col("n_authors").is_between(1, 9)).is_empty()
    assert all(part["n_posts"].null_count() in (0, 3) for _, part in made.group_by("window", "side"))
    assert made["estimate"].is_null().equals(table["n_authors"].is_between(1, 9))
    assert shown_groups(made, shown(series)).equals(made)


def test_an_empty_table_stays_empty() -> None:
    assert shown_groups(pl.DataFrame(schema=GROUPS), SERIES.empty()).is_empty()


def test_small_bins_and_one_more_beside_a_lone_one_are_withheld() -> None:
    table = pl.DataFrame({
        "frame": ["both"] * 3 + ["neither"] * 2, "bin_low": [0.0, 0.5, 0.9, 0.0, 0.9],
        "bin_high": [0.1, 0.6, 1.0, 0.1, 1.0], "predicted": [0.05, 0.55, 0.95, 0.05, 0.95],
        "observed": [0.1, 0.5, 0.9, 0.0, 1.0], "low": [0.0] * 5,
        "high": [1.0] * 5, "n": [80, 4, 30, 60, 54], "n_authors": [70, 4, 25, 50, 40],
    })  # fmt: skip
    made = shown_reliability(table)
    assert made.columns == table.columns
    assert made.filter(frame="both")["n"].to_list() == [80, None, None]
    assert made.filter(frame="both")["observed"].to_list() == [0.1, None, None]
    assert made.filter(frame="neither")["n"].to_list() == [60, 54]


def test_confusion_cells_of_nine_authors_are_withheld_and_no_row_tells_them() -> None:
    table = pl.DataFrame({
        "true": ["both"] * 3 + ["neither"] * 3, "predicted": ["both", "neither", "abstain"] * 2,
        "n": [40, 9, 12, 5, 80, 7], "n_authors": [30, 9, 11, 5, 60, 7],
    })  # fmt: skip
    made = shown_confusion(table)
    assert made["n"].to_list() == [40, None, None, None, 80, None]
    assert made["n_authors"].to_list() == [30, None, None, None, 60, None]
    assert made["row"].to_list() == [61, 61, 61, 92, 92, 92]
