"""What is hidden stays hidden: an attacker who knows the totals and can solve linear systems learns no small cell."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog

from discourse.errors import PrivacyError, SchemaError
from discourse.report.composition import composition
from discourse.report.guard import MIN_AUTHORS, require_no_person, shown, suppress
from discourse.schema import SERIES

TABLES = 1_000
NEAR = 2


def attacked(
    posts: Sequence[int], hidden: Sequence[bool], lines: Sequence[Collection[int]]
) -> dict[int, tuple[float, float]]:
    """The least and greatest value of each hidden cell that agree with the shown cells and the totals of `lines`.

    Written apart from the package: every cell is an unknown, shown ones are fixed, and a program bounds the rest.
    """
    used = [line for line in lines if any(hidden[i] for i in line)]
    matrix = np.array([[float(i in line) for i in range(len(posts))] for line in used])
    sums = np.array([float(sum(posts[i] for i in line)) for line in used])
    bounds = [(1, None) if hidden[i] else (posts[i], posts[i]) for i in range(len(posts))]
    found = {}
    for cell in (i for i in range(len(posts)) if hidden[i] and any(i in line for line in used)):
        ends = []
        for sign in (1, -1):
            aim = np.zeros(len(posts))
            aim[cell] = sign
            solved = linprog(aim, A_eq=matrix, b_eq=sums, bounds=bounds, method="highs")
            assert solved.status == 0
            ends.append(sign * solved.fun)
        found[cell] = (ends[0], ends[1])
    return found


def recovered(posts: Sequence[int], hidden: Sequence[bool], lines: Sequence[Collection[int]]) -> int:
    """How many hidden cells the attacker tells to within 2: the middle of the bounds is that near to the truth."""
    told = 0
    for low, high in attacked(posts, hidden, lines).values():
        told += high - low <= 2 * NEAR
    return told


def random_table(dice: np.random.Generator) -> pl.DataFrame:
    """Three or four windows by two to four sides, some cells empty, some small."""
    windows, sides = int(dice.integers(3, 5)), int(dice.integers(2, 5))
    rows = []
    for window in range(windows):
        for side in range(sides):
            if dice.random() < 0.1:
                continue
            authors = int(dice.integers(1, 10) if dice.random() < 0.2 else dice.integers(10, 60))
            posts = authors + int(dice.integers(0, 3) if dice.random() < 0.5 else dice.integers(0, 4 * authors))
            rows.append({"window": f"w{window}", "side": f"s{side}", "posts": posts, "n_authors": authors})
    return pl.DataFrame(rows, schema={"window": pl.String, "side": pl.String, "posts": pl.Int64, "n_authors": pl.Int64})


KINDS: tuple[tuple[Collection[str], ...], ...] = ((("side",), ()), (("window",), ("side",), ()), ((),))


def lines_of(table: pl.DataFrame, totals: Sequence[Collection[str]], small: Sequence[bool]) -> list[set[int]]:
    """The cells of each total that is published: of two cells or more, not all of them small."""
    made = []
    for kept in totals:
        names = sorted(kept)
        keys = table.select(names).rows() if names else [()] * table.height
        for key in set(keys):
            line = {i for i, one in enumerate(keys) if one == key}
            if len(line) > 1 and not all(small[i] for i in line):
                made.append(line)
    return made


def test_an_attacker_recovers_no_cell_of_a_thousand_tables_but_many_where_nothing_more_is_withheld() -> None:
    dice = np.random.default_rng(20)
    naive = guarded = tables = withheld = cells = 0
    while tables < TABLES:
        table = random_table(dice)
        small = [authors < MIN_AUTHORS for authors in table["n_authors"]]
        if not any(small) or all(small):
            continue
        totals = KINDS[tables % len(KINDS)]
        tables += 1
        lines = lines_of(table, totals, small)
        made = suppress(table, ["window", "side"], totals=totals)
        hidden = made["withheld"].to_list()
        assert all(is_hidden for is_hidden, is_small in zip(hidden, small, strict=True) if is_small)
        assert made["posts"].is_null().to_list() == hidden == made["n_authors"].is_null().to_list()
        posts = table["posts"].to_list()
        if tables % 10 == 0:
            naive += recovered(posts, small, lines)
        if not all(hidden):
            guarded += recovered(posts, hidden, lines)
        withheld += sum(hidden)
        cells += len(hidden)
    assert naive > 50, "an attacker who cannot even open the unprotected tables proves nothing"
    assert guarded == 0
    assert withheld < 0.7 * cells, "to hide everything is no art"


def test_the_attacker_sees_through_a_plain_subtraction() -> None:
    posts, lines = [90, 12, 40], [{0, 1, 2}]
    assert attacked(posts, [False, True, False], lines) == {1: (12.0, 12.0)}
    assert recovered(posts, [False, True, False], lines) == 1
    assert recovered(posts, [False, True, True], lines) == 0


def square(*posts: int) -> pl.DataFrame:
    """Three by three cells, each with as many authors as posts."""
    names = [(f"w{i}", f"s{j}") for i in range(3) for j in range(3)]
    rows = [{"window": w, "side": s, "posts": n, "n_authors": n} for (w, s), n in zip(names, posts, strict=True)]
    return pl.DataFrame(rows)


def test_one_small_cell_of_a_square_takes_the_three_others_of_the_cheapest_rectangle() -> None:
    table = square(4, 20, 90, 30, 25, 80, 70, 60, 50)
    made = suppress(table, ["window", "side"], totals=[("window",), ("side",)])
    assert made["posts"].to_list() == [None, None, 90, None, None, 80, 70, 60, 50]


def test_two_small_cells_that_share_a_little_sum_are_not_enough() -> None:
    rows = {"side": ["a", "b", "c", "d"], "posts": [2, 1, 30, 40], "n_authors": [2, 1, 30, 40]}
    made = suppress(pl.DataFrame(rows), ["side"], totals=[()])
    assert made["posts"].to_list() == [None, None, None, 40]


def test_nothing_small_nothing_hidden_and_no_total_nothing_more() -> None:
    table = square(*range(10, 19))
    assert suppress(table, ["window", "side"], totals=[("side",), ()]).drop("withheld").equals(table)
    small = square(9, *range(10, 18))
    assert suppress(small, ["window", "side"], totals=[])["withheld"].to_list() == [True] + [False] * 8


def test_the_order_of_rows_is_of_no_account_and_guarding_twice_is_guarding_once() -> None:
    table = square(4, 20, 90, 30, 25, 80, 70, 60, 5)
    totals = (("window",), ("side",), ())
    made = suppress(table, ["window", "side"], totals=totals)
    for seed in range(5):
        mixed = table.sample(fraction=1.0, shuffle=True, seed=seed)
        assert suppress(mixed, ["window", "side"], totals=totals).sort("window", "side").equals(made)
    assert suppress(made.drop("withheld"), ["window", "side"], totals=totals).equals(made)


def test_what_is_no_table_of_cells_is_refused() -> None:
    table = square(*range(10, 19))
    with pytest.raises(SchemaError, match=r"^the cells have no column 'lang'; they need lang, posts, n_authors$"):
        suppress(table, ["lang"], totals=[()])
    with pytest.raises(SchemaError, match=r"^the cells have two rows of one side; add them up first$"):
        suppress(table, ["side"], totals=[()])
    assert suppress(table.clear(), ["window", "side"], totals=[()]).is_empty()


def series(*cells: tuple[str, str, int, int]) -> pl.DataFrame:
    """Series rows of (window, side, posts, authors) under two measures, and the pair of sides of each window."""
    moment = {"start": "2025-01-06T00:00:00Z", "end": "2025-01-13T00:00:00Z"}
    rows: list[dict[str, Any]] = []
    for window, side, posts, authors in cells:
        for measure in ("Prevalence('both')", "NetTone()"):
            rows.append({"window": window, "side": side, "measure": measure, "n_posts": posts, "n_authors": authors})
    both = {window: [c for c in cells if c[0] == window and c[1] != "unknown"] for window, *_ in cells}
    for window, parts in both.items():
        if len(parts) == 2:
            rows.append({
                "window": window, "side": "pakistan|afghanistan", "measure": "Polarization('net-tone-gap')",
                "n_posts": sum(c[2] for c in parts), "n_authors": sum(c[3] for c in parts),
                "n_eff": float(min(c[3] for c in parts)),
            })  # fmt: skip
    whole = [
        {"n_eff": float(r["n_authors"]), **r, **moment, "method": "cc", "weight": "author", "estimate": 0.5}
        for r in rows
    ]
    made = pl.DataFrame(whole).with_columns(pl.col("start", "end").str.to_datetime(time_zone="UTC"))
    return SERIES.frame(made.with_columns(flags=pl.lit("")))


def counts(table: pl.DataFrame, measure: str) -> dict[tuple[str, str], int | None]:
    rows = table.filter(pl.col("measure") == measure).select("window", "side", "n_posts").rows()
    return {(window, side): n for window, side, n in rows}


CELLS = (
    ("w1", "pakistan", 300, 200), ("w1", "afghanistan", 12, 7), ("w2", "pakistan", 200, 150),
    ("w2", "afghanistan", 180, 90), ("w3", "pakistan", 250, 150), ("w3", "afghanistan", 170, 80),
)  # fmt: skip


def test_a_series_hides_the_counts_that_give_a_small_window_away_but_not_their_estimates() -> None:
    made = shown(series(*CELLS))
    for measure in ("Prevalence('both')", "NetTone()"):
        assert counts(made, measure) == {
            ("w1", "pakistan"): 300, ("w1", "afghanistan"): None, ("w2", "pakistan"): 200, ("w2", "afghanistan"): 180,
            ("w3", "pakistan"): 250, ("w3", "afghanistan"): None,
        }  # fmt: skip
    pair = counts(made, "Polarization('net-tone-gap')")
    assert pair == {("w1", "pakistan|afghanistan"): None, ("w2", "pakistan|afghanistan"): 380,
                    ("w3", "pakistan|afghanistan"): None}  # fmt: skip
    third = made.filter(pl.col("window") == "w3", pl.col("side") != "pakistan")
    assert third["estimate"].to_list() == [0.5] * 3
    assert third.select("n_authors", "n_eff", "n_gold").null_count().row(0) == (3, 3, 3)
    assert third["flags"].to_list() == [""] * 3
    assert shown(made).equals(made)
    assert shown(made.filter(pl.col("side") == "pakistan|afghanistan")).equals(
        made.filter(pl.col("side") == "pakistan|afghanistan")
    )


def test_a_series_of_large_windows_stays_as_it_is() -> None:
    table = series(*(cell for cell in CELLS if cell[3] > 9))
    assert shown(table).equals(table)


def placed(window: str, side: str, authors: int, langs: str = "en") -> list[dict[str, str]]:
    return [
        {"window": window, "side": side, "lang": lang, "author_id": f"x:{side}{a}"}
        for a in range(authors)
        for lang in langs.split()
    ]


def test_series_and_composition_of_the_same_posts_hide_the_same_windows() -> None:
    cells = [("w1", "a", 4), ("w2", "a", 30), ("w3", "a", 20), ("w1", "b", 40), ("w2", "b", 50), ("w3", "b", 60)]
    made = composition(pl.DataFrame([row for cell in cells for row in placed(*cell)]))
    table = shown(series(*((window, side, n, n) for window, side, n in cells)))
    by_series = {cell for cell, n in counts(table, "NetTone()").items() if n is None}
    by_composition = {(row["window"], row["side"]) for row in made.iter_rows(named=True) if row["posts"] is None}
    assert by_series == by_composition == {("w1", "a"), ("w3", "a")}


@pytest.mark.parametrize("name", ["coder_a", "coder_b", "value_anna", " Value_Bilal"])
def test_what_single_coders_said_is_not_published(name: str) -> None:
    with pytest.raises(PrivacyError, match="about single persons"):
        require_no_person(pl.DataFrame({name: ["x"]}), "the table")
    assert require_no_person(pl.DataFrame({"value": [1], "values": [2]}), "the table").height == 1
