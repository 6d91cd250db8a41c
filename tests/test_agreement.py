"""Krippendorff's alpha against published values, and its interval."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from discourse.errors import MeaningError, SchemaError, SmallSampleWarning, UsageError
from discourse.labels.agreement import agreement, krippendorff_alpha
from discourse.labels.codebook import Codebook, Value, Variable
from discourse.labels.labels import SAMPLE, Labels, read_wide_labels
from discourse.schema import LABELS

SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SHIPPED = Path(__file__).resolve().parents[1] / "corpora" / "codebook.toml"
_ = None
# Krippendorff (2011), section D: four observers, twelve units; values to ten digits by krippendorff 0.9.0.
FOUR_CODERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]
PUBLISHED = {
    "nominal": 0.743421052631579,
    "ordinal": 0.8153875037548814,
    "interval": 0.8491071428571428,
    "ratio": 0.7974027747116121,
}
# Krippendorff (2011), example A: two observers, ten units, .095.
BINARY = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]


def turned(rows: list[list[Any]]) -> list[list[Any]]:
    return [list(unit) for unit in zip(*rows, strict=True)]


def labels(columns: dict[str, list[Any]], level: str = "nominal", values: tuple[str, ...] = ()) -> Labels:
    """Labels of the variable frame, one column of values a coder; None is missing."""
    units = max(len(column) for column in columns.values())
    rows = [
        {"post_id": f"x:{unit:03}", "coder": coder, "variable": "frame", "value": str(value)}
        for coder, column in columns.items()
        for unit, value in enumerate(column)
        if value is not None
    ]
    book = None
    if values:
        book = Codebook("b", 1, (Variable("frame", level, tuple(Value(value, value) for value in values)),))
    sample = SAMPLE.frame([{"post_id": f"x:{unit:03}"} for unit in range(units)])
    return Labels(LABELS.frame(rows), sample, book)


@pytest.mark.parametrize(("level", "expected"), PUBLISHED.items())
def test_the_four_coders_of_krippendorff(level: str, expected: float) -> None:
    assert krippendorff_alpha(turned(FOUR_CODERS), level) == pytest.approx(expected, abs=1e-10)
    floats = np.array([[np.nan if v is None else v for v in row] for row in FOUR_CODERS]).T
    assert krippendorff_alpha(floats, level) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("level", "rounded"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_the_printed_digits(level: str, rounded: float) -> None:
    assert round(krippendorff_alpha(turned(FOUR_CODERS), level), 3) == rounded


def test_only_the_order_counts_on_an_ordinal_scale_and_only_differences_on_an_interval_scale() -> None:
    spread = {1: -5.5, 2: 1e-3, 3: 7, 4: 100, 5: 1e6, _: _}
    ordinal = [[spread[value] for value in row] for row in FOUR_CODERS]
    assert krippendorff_alpha(turned(ordinal), "ordinal") == pytest.approx(PUBLISHED["ordinal"], abs=1e-10)
    interval = [[value and 1000 - 250 * value for value in row] for row in FOUR_CODERS]
    assert krippendorff_alpha(turned(interval), "interval") == pytest.approx(PUBLISHED["interval"], abs=1e-10)


def test_the_binary_example_and_words_instead_of_numbers() -> None:
    assert krippendorff_alpha(turned(BINARY)) == pytest.approx(0.09523809523809534, abs=1e-10)
    words = [["no" if value == 0 else "yes" for value in row] for row in BINARY]
    assert krippendorff_alpha(turned(words)) == pytest.approx(0.09523809523809534, abs=1e-10)


def test_a_table_by_hand() -> None:
    # Units aa ab bb: o = [[2, 1], [1, 2]], n = (3, 3); alpha = 1 - (6 - 1) * 2 / (2 * 9) = 4/9.
    assert krippendorff_alpha([["a", "a"], ["a", "b"], ["b", "b"]]) == pytest.approx(4 / 9)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_without_two_values_alpha_is_not_defined(level: str) -> None:
    for cells in ([[1, 1], [1, 1]], [[1, None], [None, 2]], np.empty((0, 2)), [[None, None]]):
        with pytest.warns(SmallSampleWarning, match="alpha is not defined"):
            assert math.isnan(krippendorff_alpha(cells, level))


def test_zero_and_zero_are_no_distance_apart_on_a_ratio_scale() -> None:
    # Units 00 02 22 with d(0, 2) = 1: as in the table by hand.
    assert krippendorff_alpha([[0, 0], [0, 2], [2, 2]], "ratio") == pytest.approx(4 / 9)


def test_what_is_no_reliability_data_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"level is 'ordinary'; .* Did you mean 'ordinal'"):
        krippendorff_alpha(turned(BINARY), "ordinary")
    with pytest.raises(SchemaError, match="has 1 dimensions; it must be units x coders"):
        krippendorff_alpha([1, 2, 3])
    with pytest.raises(SchemaError, match="level is 'ordinal', which needs numbers"):
        krippendorff_alpha([["low", "high"], ["low", "low"]], "ordinal")


CELLS = st.lists(st.lists(st.sampled_from([0, 1, None]), min_size=3, max_size=3), min_size=2, max_size=12)


@settings(deadline=None, max_examples=100)
@given(CELLS, st.randoms(use_true_random=False))
def test_two_values_make_all_distances_alike_and_order_says_nothing(cells: list[list[Any]], chance: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        alpha = krippendorff_alpha(cells)
        assume(not math.isnan(alpha))
        for level in ("interval", "ordinal", "ratio"):
            assert krippendorff_alpha(cells, level) == pytest.approx(alpha, abs=1e-12)
        order = chance.sample(range(3), 3)
        moved = [[unit[place] for place in order] for unit in chance.sample(cells, len(cells))]
        assert krippendorff_alpha(moved) == pytest.approx(alpha, abs=1e-12)
        assert krippendorff_alpha([*cells, [1, None, None]]) == pytest.approx(alpha, abs=1e-12)
        assert alpha <= 1


@pytest.mark.parametrize(("level", "expected"), PUBLISHED.items())
def test_the_table_gives_the_published_alpha_at_the_level_of_the_codebook(level: str, expected: float) -> None:
    columns = dict(zip("abcd", FOUR_CODERS, strict=True))
    row = agreement(labels(columns, level, ("1", "2", "3", "4", "5")), seed=1, replicates=50).row(0, named=True)
    assert row["alpha"] == pytest.approx(expected, abs=1e-10)
    assert (row["variable"], row["group"], row["n_units"], row["n_coders"]) == ("frame", "all", 11, 4)
    # The diagonal of the published coincidence matrix over its 40 values.
    assert row["percent"] == pytest.approx(100 * (7 + 10 + 8 + 4 + 3) / 40, abs=1e-9)


def test_the_order_of_an_ordinal_variable_is_that_of_the_codebook() -> None:
    columns = {"a": ["mid", "mid", "high", "low"], "b": ["high", "mid", "high", "low"]}
    given_ = labels(columns, "ordinal", ("low", "mid", "high"))
    numbers = krippendorff_alpha([[1, 2], [1, 1], [2, 2], [0, 0]], "ordinal")
    assert agreement(given_, seed=1, replicates=5)["alpha"][0] == pytest.approx(numbers, abs=1e-12)
    alphabetical = krippendorff_alpha([[2, 0], [2, 2], [0, 0], [1, 1]], "ordinal")
    assert abs(numbers - alphabetical) > 0.01


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_the_interval_is_that_of_resampled_units(level: str) -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 60)
    cells = np.where(rng.random((60, 3)) < 0.7, truth[:, None], rng.integers(0, 3, (60, 3))) + 1
    columns = {name: [int(v) for v in cells[:, place]] for place, name in enumerate("abc")}
    row = agreement(labels(columns, level, ("1", "2", "3")), seed=5, replicates=4000).row(0, named=True)
    draws = [krippendorff_alpha(cells[rng.integers(0, 60, 60)], level) for _ in range(1500)]
    low, high = np.percentile(draws, [2.5, 97.5])
    assert row["low"] == pytest.approx(low, abs=0.012)
    assert row["high"] == pytest.approx(high, abs=0.012)
    assert row["low"] < row["alpha"] < row["high"]


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    given_ = labels({"a": list("NNCCBNNC"), "b": list("NCCCBNNN")})
    one = agreement(given_, seed=1, replicates=100)
    shuffled = Labels(given_.table.reverse(), given_.sample.reverse())
    assert one.equals(agreement(shuffled, seed=1, replicates=100))
    assert one["alpha"][0] == agreement(given_, seed=2, replicates=100)["alpha"][0]
    wide = labels({"a": list("NNCCBNNC") * 9, "b": list("NCCCBNNN") * 9})
    assert agreement(wide, seed=1)["low"][0] != agreement(wide, seed=2)["low"][0]


def test_groups_are_counted_each_for_itself() -> None:
    given_ = labels({"a": list("NNCCNC"), "b": list("NCCCCN")})
    by = pl.DataFrame({"post_id": [f"x:{i:03}" for i in range(5)], "side": ["k", "k", "k", "i", "i"]})
    table = agreement(given_, seed=1, replicates=50, by=by.vstack(by.clear()))
    assert table["group"].to_list() == ["all", "i", "k", "unknown"]
    assert table["n_units"].to_list() == [6, 2, 3, 1]
    assert table["alpha"][2] == pytest.approx(4 / 9)
    alone = labels({"a": list("NNC"), "b": list("NCC")})
    assert table.row(2)[4:] == agreement(alone, seed=1, replicates=50).row(0)[4:]


def test_a_group_without_alpha_is_there_with_a_warning() -> None:
    given_ = labels({"a": list("NNC"), "b": list("NCC")})
    by = pl.DataFrame({"post_id": ["x:000", "x:001", "x:002"], "side": ["p", "q", "q"]})
    with pytest.warns(SmallSampleWarning, match="alpha of frame is not defined in group 'p'"):
        table = agreement(given_, seed=1, replicates=20, by=by)
    row = table.row(1, named=True)
    assert (row["n_units"], row["percent"]) == (1, 100.0)
    assert all(math.isnan(row[name]) for name in ("alpha", "low", "high"))


def test_groups_need_one_row_a_post_and_one_column() -> None:
    given_ = labels({"a": list("NNC"), "b": list("NCC")})
    with pytest.raises(SchemaError, match="must have post_id and one column with the group"):
        agreement(given_, seed=1, by=pl.DataFrame({"post_id": ["x:000"]}))
    with pytest.raises(SchemaError, match="names a post more than once"):
        agreement(given_, seed=1, by=pl.DataFrame({"post_id": ["x:000"] * 2, "side": ["a", "b"]}))


@pytest.mark.parametrize("coder", ["agreed", "adjudicated"])
def test_what_was_agreed_upon_is_left_out_and_alone_refused(coder: str) -> None:
    plain = agreement(labels({"a": list("NNC"), "b": list("NCC")}), seed=1, replicates=20)
    with_it = agreement(labels({"a": list("NNC"), "b": list("NCC"), coder: list("NNC")}), seed=1, replicates=20)
    assert with_it.equals(plain)
    with pytest.raises(MeaningError, match="the values of 'frame' were agreed upon"):
        agreement(labels({"a": list("NNC"), coder: list("NNC")}), seed=1)
    with pytest.raises(MeaningError, match="'frame' was coded by 1 coders; agreement needs two or more"):
        agreement(labels({"a": list("NNC")}), seed=1)


def test_coders_who_never_differ_are_pointed_out() -> None:
    with pytest.warns(SmallSampleWarning, match="two coders gave the same value to each of 3 posts"):
        agreement(labels({"a": list("NNC"), "b": list("NCC"), "c": list("NCC")}), seed=1, replicates=20)


def test_a_coder_who_did_less_is_no_copy() -> None:
    # A warning would be an error here: b equals a wherever b coded, but coded less.
    made = agreement(labels({"a": list("NNC"), "b": ["N", "N", None], "c": list("NCC")}), seed=1, replicates=20)
    # Pairs that agree: 3 of 3, 1 of 3, 1 of 1, each post weighted by its coders: (3 + 1 + 2) of (3 + 3 + 2).
    assert made.select("n_units", "n_coders", "percent").row(0) == (3, 3, pytest.approx(75.0))


def test_a_bootstrap_needs_replicates() -> None:
    with pytest.raises(UsageError, match="replicates is 0"):
        agreement(labels({"a": list("NNC"), "b": list("NCC")}), seed=1, replicates=0)


def test_the_coders_of_the_hashtag_campaign_agree_as_published() -> None:
    path = SHARED / "gold" / "get-out-2021.csv"
    if not path.exists():
        pytest.skip("needs ../shared (the coded half of the hashtag campaign)")
    book = Codebook.from_toml(SHIPPED)
    pairs = {"coder_a": "frame", "coder_b": "frame", "hostility_a": "hostility", "hostility_b": "hostility"}
    read = read_wide_labels(path, book, id_column="status_id", platform="x", coders=pairs, agreed="frame")
    frame = agreement(read, seed=7, replicates=200).row(0, named=True)
    hostility = agreement(read, "hostility", seed=7, replicates=200).row(0, named=True)
    # The card gives .944 and .936 for all 950 posts; this is a part of them.
    assert 0.90 < frame["alpha"] < 0.98
    assert 0.89 < hostility["alpha"] < 0.98
    assert (frame["n_units"], frame["n_coders"]) == (434, 2)
    assert frame["low"] < frame["alpha"] < frame["high"]
