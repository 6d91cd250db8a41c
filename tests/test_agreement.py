"""Coefficients of agreement against published values and other packages; their intervals, tables and warnings."""

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

from discourse.errors import DiscourseWarning, MeaningError, SchemaError, SmallSampleWarning, UsageError
from discourse.labels.agreement import agreement, agreement_table, krippendorff_alpha
from discourse.labels.codebook import Codebook, Value, Variable
from discourse.labels.coefficients import cohen_kappa, fleiss_kappa, gwet_ac1, gwet_ac2, percent_agreement
from discourse.labels.labels import SAMPLE, Labels, read_wide_labels
from discourse.labels.ratings import read_array
from discourse.labels.resampling import bootstrap_sums, jackknife_error, left_out_sums, percentiles
from discourse.labels.sums import Sums, agreement_weights, alphas, unit_sums
from discourse.poisson import poisson_weights
from discourse.schema import LABELS

SHARED = Path(os.environ.get("DISCOURSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SHIPPED = Path(__file__).resolve().parents[1] / "corpora" / "codebook-1.toml"
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
    with pytest.warns(SmallSampleWarning, match="alpha of frame is not defined in group 'p'") as told:
        table = agreement(given_, seed=1, replicates=20, by=by)
    assert told[0].filename == __file__
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
    wide = labels({"a": list("NNC") * 20, "b": list("NCC") * 20})
    assert math.isfinite(agreement(wide, seed=1, replicates=1)["low"][0])


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


# Krippendorff (2011), section D: the coincidences; jackknife errors over the 11 pairable units (krippendorff 0.9.0).
COINCIDENCES = [[7, 4 / 3, 1 / 3, 1 / 3, 0], [4 / 3, 10, 4 / 3, 1 / 3, 0], [1 / 3, 4 / 3, 8, 1 / 3, 0],
                [1 / 3, 1 / 3, 1 / 3, 4, 0], [0, 0, 0, 0, 3]]  # fmt: skip
JACKKNIFE = {"nominal": 0.14632665220070623, "ordinal": 0.14803134222636008, "interval": 0.14083983138127626}
# R package irrCAC 1.0 of K. L. Gwet, vignette "overview", and Gwet (2014), pages 55 and 56, on the same four coders.
GWET_FOUR = {"ac1": 0.7754441, "ac2 quadratic": 0.9140007, "fleiss": 0.7611693}
# The tests of the Python port irrCAC 0.4 print three digits.
GWET_WEIGHTED = {"identity": 0.775, "linear": 0.859, "ordinal": 0.899, "quadratic": 0.914, "ratio": 0.857}
# irrCAC: the table cont3x3abstractors of two coders.
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
# irrCAC: distrib.6raters, after Fleiss (1971): how many of 6 psychiatrists gave each of 5 diagnoses to 15 patients.
SIX_RATERS = [
    "00060", "03003", "01401", "00006", "03030", "20400", "00402", "20310", "20040", "00006", "10050", "11040",
    "03300", "10050", "02031",
]  # fmt: skip


def from_table(counts: list[list[int]]) -> list[list[int]]:
    """Units of two coders from a table of their values."""
    return [[a, b] for a, row in enumerate(counts) for b, n in enumerate(row) for _ in range(n)]


def total(cells: Any, level: str = "nominal") -> Sums:
    codes, values = read_array(cells, level)
    return Sums.of(unit_sums(codes, len(values)).sum(axis=0), len(values))


def quietly(function: Any, *args: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiscourseWarning)
        return function(*args, **options)


def test_the_coincidences_and_jackknife_errors_of_the_four_coders() -> None:
    np.testing.assert_allclose(total(turned(FOUR_CODERS)).together, COINCIDENCES, atol=1e-10)
    for level, expected in JACKKNIFE.items():
        codes, values = read_array(turned(FOUR_CODERS), level)
        sums = left_out_sums(unit_sums(codes[(codes >= 0).sum(axis=1) >= 2], len(values)))
        left_out = alphas(Sums.of(sums, len(values)).together, level, np.array(values, dtype=float))
        assert left_out.shape == (11,)
        assert jackknife_error(left_out) == pytest.approx(expected, abs=1e-10)


def test_the_published_coefficients_of_gwet() -> None:
    cells = turned(FOUR_CODERS)
    assert gwet_ac1(cells) == pytest.approx(GWET_FOUR["ac1"], abs=5e-8)
    assert gwet_ac2(cells, "interval") == pytest.approx(GWET_FOUR["ac2 quadratic"], abs=5e-8)
    assert fleiss_kappa(cells) == pytest.approx(GWET_FOUR["fleiss"], abs=5e-8)
    for weights, expected in GWET_WEIGHTED.items():
        assert round(gwet_ac2(cells, weights=weights), 3) == expected
    for level, weights in (("nominal", "identity"), ("ordinal", "ordinal"), ("interval", "quadratic"), ("ratio",) * 2):
        assert gwet_ac2(cells, level) == gwet_ac2(cells, weights=weights)
    patients = [[value for value, n in enumerate(row) for _ in range(int(n))] for row in SIX_RATERS]
    assert gwet_ac1(patients) == pytest.approx(0.4448007, abs=5e-8)
    assert fleiss_kappa(patients) == pytest.approx(0.4139265, abs=5e-8)
    assert krippendorff_alpha(patients) == pytest.approx(0.4204384, abs=5e-8)


def test_the_published_coefficients_of_two_coders() -> None:
    units = from_table(ABSTRACTORS)
    assert cohen_kappa(units) == pytest.approx(0.7964094, abs=5e-8)
    assert gwet_ac1(units) == pytest.approx(0.8493305, abs=5e-8)
    assert krippendorff_alpha(units) == pytest.approx(0.7972585, abs=5e-8)
    assert fleiss_kappa(units) == pytest.approx(0.7962397, abs=5e-8)  # of two coders it is Scott's pi
    assert percent_agreement(units) == pytest.approx(89.0, abs=1e-12)
    # Cohen (1960), table 1: p_o = .70, p_e = .41, kappa = .492.
    assert cohen_kappa(from_table([[88, 14, 18], [10, 40, 10], [2, 6, 12]])) == pytest.approx(0.29 / 0.59, abs=1e-12)
    # Gwet (2008): nearly all agree, on one value; p_e of AC1 is 2 * .028 * .972, of kappa .9453.
    rare = from_table([[118, 5], [2, 0]])
    assert gwet_ac1(rare) == pytest.approx((118 / 125 - 2 * 0.028 * 0.972) / (1 - 2 * 0.028 * 0.972), abs=1e-12)
    assert round(cohen_kappa(rare), 4) == -0.0234


def test_agreement_weights_are_those_of_gwet() -> None:
    three = np.arange(1.0, 4.0)
    off = {"identity": 0.0, "linear": 0.5, "quadratic": 0.75, "ordinal": 2 / 3}
    for name, near in off.items():
        expected = [[1, near, 0], [near, 1, near], [0, near, 1]]
        np.testing.assert_allclose(agreement_weights(name, three), expected, atol=1e-12)
    # ratio: ((1 - 2) / 3)^2 = 1/9 and ((2 - 3) / 5)^2 = 1/25 over ((1 - 3) / 4)^2 = 1/4.
    ratio = [[1, 5 / 9, 0], [5 / 9, 1, 21 / 25], [0, 21 / 25, 1]]
    np.testing.assert_allclose(agreement_weights("ratio", three), ratio, atol=1e-12)
    np.testing.assert_allclose(agreement_weights("linear", np.array([0.0, 1.0, 10.0]))[0], [1, 0.9, 0], atol=1e-12)
    np.testing.assert_allclose(agreement_weights("linear", np.array([10.0, 0.0, 1.0]))[1], [0, 1, 0.9], atol=1e-12)
    with pytest.raises(SchemaError, match=r"weights is 'squared'; it must be 'identity'"):
        agreement_weights("squared", three)
    np.testing.assert_allclose(agreement_weights("ratio", np.array([0.0, 1.0, 3.0]))[1], [0, 1, 0.75], atol=1e-12)
    cells = turned(FOUR_CODERS)
    steps = np.abs(np.arange(5)[:, None] - np.arange(5)) / 4  # one's own weights: here those of "linear"
    assert gwet_ac2(cells, weights=1 - steps) == pytest.approx(gwet_ac2(cells, weights="linear"), abs=1e-12)
    with pytest.raises(SchemaError, match="a ratio scale begins at 0, and a value is -1"):
        agreement_weights("ratio", np.array([-1.0, 2.0]))


def test_missing_codes_of_the_coefficients_by_hand() -> None:
    cells = [["N", "N"], ["N", "C"], ["C", "C"], ["C", None], [None, None]]
    # p_a = 2/3; shares of C over four units (0 + 1/2 + 1 + 1) / 4 = 5/8, so p_e of AC1 = 2 * 5/8 * 3/8.
    assert gwet_ac1(cells) == pytest.approx((2 / 3 - 15 / 32) / (17 / 32), abs=1e-12)
    assert fleiss_kappa(cells) == pytest.approx((2 / 3 - 34 / 64) / (30 / 64), abs=1e-12)
    # Kappa sees the three units of both: N N, N C, C C with p_e = 2/3 * 1/3 + 1/3 * 2/3.
    assert cohen_kappa(cells) == pytest.approx((2 / 3 - 4 / 9) / (5 / 9), abs=1e-12)
    assert percent_agreement(cells) == pytest.approx(200 / 3, abs=1e-10)
    # Three coders: pairs of a unit of three count 1/2, so 2 of 3 pairs weigh 3 as in alpha: (2 + 3) / (2 + 3 + 0).
    assert percent_agreement([["N", "N", None], ["C", "C", "C"]]) == 100.0
    assert percent_agreement([["N", "C", None], ["C", "C", "C"]]) == pytest.approx(60.0)


def test_values_that_nobody_chose_count_in_ac1_and_nowhere_else() -> None:
    cells = [["N", "N"], ["N", "C"], ["C", "C"]]
    # p_e = (1/2 * 1/2 * 2) / (k - 1)
    for k, chance in ((2, 1 / 2), (3, 1 / 4), (5, 1 / 8)):
        values = ["C", "N", "x", "y", "z"][:k]
        assert gwet_ac1(cells, values=values) == pytest.approx((2 / 3 - chance) / (1 - chance), abs=1e-12)
        assert cohen_kappa(cells, values=values) == pytest.approx(cohen_kappa(cells), abs=1e-12)
    words = [["low", "low"], ["low", "mid"], ["high", "high"]]
    assert gwet_ac2(words, values=["low", "mid", "high"]) == pytest.approx(
        gwet_ac2([[1, 1], [1, 2], [3, 3]]), abs=1e-12
    )


def test_what_is_not_defined_is_nan_with_a_warning() -> None:
    for function in (gwet_ac1, gwet_ac2, cohen_kappa, fleiss_kappa, percent_agreement):
        with pytest.warns(SmallSampleWarning, match="is not defined: no unit with two") as told:
            assert math.isnan(function([[1, None], [None, 2]]))
        assert told[0].filename == __file__
    for function in (gwet_ac1, gwet_ac2, cohen_kappa, fleiss_kappa):
        with pytest.warns(SmallSampleWarning, match="is not defined"):
            assert math.isnan(function([[1, 1], [1, 1]]))
    # With a second value to choose AC1 is defined, and kappa is not.
    assert gwet_ac1([[1, 1], [1, 1]], values=[1, 2]) == 1.0
    assert percent_agreement([[1, 1], [1, 1]]) == 100.0


def test_what_the_coefficients_refuse() -> None:
    with pytest.raises(SchemaError, match="a value is 'x'; it must be 'N' or 'C'"):
        gwet_ac1([["N", "x"]], values=["N", "C"])
    with pytest.raises(SchemaError, match="a value is 1, of another type than in values"):
        gwet_ac1([[1, 2]], values=["1", "2"])
    with pytest.raises(SchemaError, match="values name one value more than once"):
        gwet_ac1([["N", "C"]], values=["N", "C", "N"])
    with pytest.raises(SchemaError, match="Cohen's kappa is of 2 coders, got 3"):
        cohen_kappa([[1, 2, 3]])
    with pytest.raises(SchemaError, match="level is 'ordinal', which needs numbers"):
        gwet_ac2([["low", "high"]])
    with pytest.raises(SchemaError, match="which needs numbers"):
        gwet_ac2([["low", "high"]], "nominal", weights="linear")
    with pytest.raises(SchemaError, match=r"weights have the shape \(3, 3\); with 2 values it must be \(2, 2\)"):
        gwet_ac2([[1, 2]], weights=np.eye(3))
    for wrong in ([[1, 0.5], [0.4, 1]], [[0.9, 0], [0, 1]], [[1, -0.1], [-0.1, 1]], [[1, 1.1], [1.1, 1]]):
        with pytest.raises(SchemaError, match="weights must be symmetric"):
            gwet_ac2([[1, 2]], weights=wrong)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.sampled_from([1, 2, 3, 5, None]), min_size=3, max_size=3), min_size=2, max_size=12))
def test_alpha_is_that_of_the_package_krippendorff(cells: list[list[Any]]) -> None:
    oracle = pytest.importorskip("krippendorff", reason="needs the package krippendorff, an oracle of the tests only")
    data = np.array([[np.nan if v is None else v for v in row] for row in cells], dtype=float)
    pairs = data[(~np.isnan(data)).sum(axis=1) >= 2]
    assume(len(np.unique(pairs[~np.isnan(pairs)])) > 1)
    for level in PUBLISHED:
        expected = oracle.alpha(reliability_data=data.T, level_of_measurement=level)
        assert krippendorff_alpha(data, level, rows="units") == pytest.approx(expected, abs=1e-10)


@settings(deadline=None, max_examples=40)
@given(CELLS)
def test_alpha_and_kappa_are_those_of_nltk_where_missing_codes_are_left_out(cells: list[list[Any]]) -> None:
    from nltk.metrics.agreement import AnnotationTask

    triples = [(c, u, v) for u, row in enumerate(cells) for c, v in enumerate(row) if v is not None]
    pairable = {u for u, row in enumerate(cells) if sum(v is not None for v in row) > 1}
    assume(len({v for _, u, v in triples if u in pairable}) > 1)
    assert krippendorff_alpha(cells, rows="units") == pytest.approx(AnnotationTask(triples).alpha(), abs=1e-10)
    full = [(row[0], row[1]) for row in cells if row[0] is not None and row[1] is not None]
    assume(len({v for pair in full for v in pair}) > 1)
    task = AnnotationTask([(c, u, v) for u, pair in enumerate(full) for c, v in enumerate(pair)])
    assert cohen_kappa([row[:2] for row in cells]) == pytest.approx(task.kappa(), abs=1e-10)
    assert fleiss_kappa(full) == pytest.approx(task.pi(), abs=1e-10)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30))
def test_kappa_and_positive_agreement_are_those_of_scikit_learn(cells: list[tuple[int, int]]) -> None:
    from sklearn.metrics import cohen_kappa_score, f1_score

    a, b = (list(column) for column in zip(*cells, strict=True))
    assume(len({*a, *b}) > 1)
    seen = range(max(*a, *b) + 1)
    for weights in (None, "linear", "quadratic"):
        expected = cohen_kappa_score(a, b, weights=weights, labels=list(seen))
        made = cohen_kappa(cells, level="interval", values=list(seen), weights=weights or "identity")
        assert made == pytest.approx(expected, abs=1e-10)
    table = quietly(agreement_table, labels({"a": a, "b": b}), seed=1, replicates=2)
    found = dict(table.filter(statistic="positive").select("class", "estimate").rows())
    for value in {*a, *b}:
        assert found[str(value)] == pytest.approx(f1_score(a, b, labels=[value], average=None)[0], abs=1e-10)


@settings(deadline=None, max_examples=60)
@given(CELLS, st.randoms(use_true_random=False))
def test_no_coefficient_knows_the_order_of_units_or_coders(cells: list[list[Any]], chance: Any) -> None:
    order = chance.sample(range(3), 3)
    moved = [[unit[place] for place in order] for unit in chance.sample(cells, len(cells))]
    for function in (gwet_ac1, gwet_ac2, fleiss_kappa, percent_agreement):
        one, other = quietly(function, cells), quietly(function, moved)
        assert one == pytest.approx(other, abs=1e-12, nan_ok=True)
        assert math.isnan(one) or one <= (100 if function is percent_agreement else 1)
        assert one == pytest.approx(quietly(function, [*cells, [None] * 3]), abs=1e-12, nan_ok=True)
    pair = [row[:2] for row in cells]
    turned_pair = [row[::-1] for row in pair]
    assert quietly(cohen_kappa, pair) == pytest.approx(quietly(cohen_kappa, turned_pair), abs=1e-12, nan_ok=True)


def made_up(units: int, seed: int, coders: int = 3, right: float = 0.8) -> dict[str, list[Any]]:
    """Codes N, C, B of coders who see the truth with a chance and else draw from the same shares."""
    rng = np.random.default_rng(seed)
    shares = (0.5, 0.3, 0.2)
    truth = rng.choice(3, units, p=shares)
    said = np.where(rng.random((units, coders)) < right, truth[:, None], rng.choice(3, (units, coders), p=shares))
    return {name: ["NCB"[v] for v in said[:, place]] for place, name in enumerate("abcdef"[:coders])}


def test_the_long_table_holds_every_coefficient() -> None:
    columns = made_up(80, 4)
    columns["a"][3] = columns["b"][5] = columns["c"][5] = None
    given_ = labels(columns, "ordinal", ("C", "B", "N", "never"))
    table = agreement_table(given_, seed=7, replicates=200)
    assert table.columns == [
        "variable", "group", "class", "statistic", "estimate", "low", "high", "n_units", "n_coders",
    ]  # fmt: skip
    overall = ["percent", "alpha", "ac1", "ac2", "fleiss_kappa"]
    of_value = ["alpha", "positive", "negative"]
    assert table.select("class", "statistic").rows() == [
        *(("all", name) for name in overall),
        *((value, name) for value in ("C", "B", "N", "never") for name in of_value),
    ]
    assert table.select("variable", "group", "n_units", "n_coders").unique().rows() == [("frame", "all", 79, 3)]
    cells = list(zip(*(columns[name] for name in "abc"), strict=True))
    values = ["C", "B", "N", "never"]
    numbers = [[v and values.index(v) for v in row] for row in cells]
    expected = {
        "percent": percent_agreement(cells),
        "alpha": krippendorff_alpha(numbers, "ordinal"),
        "ac1": gwet_ac1(cells, values=values),
        "ac2": gwet_ac2(cells, values=values),
        "fleiss_kappa": fleiss_kappa(cells),
    }
    found = {(row["class"], row["statistic"]): row for row in table.iter_rows(named=True)}
    for name, value in expected.items():
        assert found["all", name]["estimate"] == pytest.approx(value, abs=1e-12)
        assert found["all", name]["low"] < value < found["all", name]["high"]
    for value in "CBN":
        binary = [[v and int(v == value) for v in row] for row in cells]
        assert found[value, "alpha"]["estimate"] == pytest.approx(krippendorff_alpha(binary), abs=1e-12)
        assert found[value, "alpha"]["low"] < found[value, "alpha"]["estimate"] < found[value, "alpha"]["high"]
    assert all(math.isnan(found["never", name]["estimate"]) for name in ("alpha", "positive"))
    assert (found["never", "negative"]["estimate"], math.isnan(found["never", "negative"]["low"])) == (1.0, True)
    brief = agreement(given_, seed=7, replicates=200).row(0, named=True)
    assert (brief["alpha"], brief["low"], brief["high"]) == tuple(
        found["all", "alpha"][n] for n in ("estimate", "low", "high")
    )


def test_two_coders_have_a_kappa_and_numbers_have_no_rows_of_values() -> None:
    columns = made_up(60, 4, coders=2)
    table = agreement_table(labels(columns), seed=7, replicates=50)
    cells = list(zip(columns["a"], columns["b"], strict=True))
    assert table.filter(statistic="cohen_kappa")["estimate"].item() == pytest.approx(cohen_kappa(cells), abs=1e-12)
    assert table.filter(statistic="ac2").is_empty()
    numbers = {name: [{"N": 0, "C": 1, "B": 5}[v] for v in column] for name, column in columns.items()}
    table = agreement_table(labels(numbers, "interval", ("0", "1", "5")), seed=7, replicates=50)
    assert table["class"].unique().to_list() == ["all"]
    spread = [[{"N": 0, "C": 1, "B": 5}[v] for v in row] for row in cells]
    assert table.filter(statistic="ac2")["estimate"].item() == pytest.approx(gwet_ac2(spread, "interval"), abs=1e-12)


def test_specific_agreement_by_hand() -> None:
    # Two coders: 3 N N, 2 N C, 1 C C. N: 2 * 3 / 8, C: 2 / 4. Three coders, one unit N N C: pairs of N 2 of 4.
    table = agreement_table(labels({"a": list("NNNNNC"), "b": list("NNNCCC")}), seed=1, replicates=5)
    found = {(c, s): e for c, s, e in table.select("class", "statistic", "estimate").rows()}
    assert (found["N", "positive"], found["C", "negative"]) == (0.75, 0.75)
    assert (found["C", "positive"], found["N", "negative"]) == (0.5, 0.5)
    table = quietly(agreement_table, labels({"a": ["N"], "b": ["N"], "c": ["C"]}), seed=1, replicates=5)
    assert table.filter(statistic="positive").select("class", "estimate").rows() == [("C", 0.0), ("N", 0.5)]


@pytest.mark.parametrize(("carriers", "shown"), [(9, False), (10, True)])
def test_a_value_needs_ten_posts_for_an_interval(carriers: int, shown: bool) -> None:
    rare = ["N"] * carriers + ["C"] * (100 - carriers)
    other, idle = ["C", *rare[1:]], ["C", *[None] * 99]
    alone = [None] * 5  # five posts more that one coder saw: they pair with nothing
    columns = {"a": [*rare, *"NNNNN"], "b": [*other, *alone], "c": [*idle, *alone]}
    table = agreement_table(labels(columns), seed=1, replicates=50)
    for value in "NC":
        for name in ("alpha", "positive", "negative"):
            row = table.filter(pl.col("class") == value, statistic=name).row(0, named=True)
            assert not math.isnan(row["estimate"])
            assert math.isnan(row["low"]) == math.isnan(row["high"]) == (not shown)


def test_sums_of_many_units_are_those_of_all_at_once() -> None:
    names = [f"x:{place}" for place in range(5000)]
    added = np.random.default_rng(1).integers(0, 9, (5000, 3)).astype(float)
    made = bootstrap_sums(names, lambda part: added[part], replicates=20, seed=4)
    np.testing.assert_array_equal(made, poisson_weights(names, 20, 4).T @ added)
    assert bootstrap_sums([], lambda part: added[:0][part], replicates=20, seed=4).tolist() == [[0.0] * 3] * 20


def test_the_jackknife_needs_two_units() -> None:
    assert math.isnan(jackknife_error(np.array([1.0])))
    assert jackknife_error(np.array([1.0, 3.0])) == pytest.approx(1.0)
    assert math.isnan(jackknife_error(np.array([1.0, np.nan])))


def test_a_group_has_the_same_interval_alone_and_beside_others() -> None:
    columns = made_up(160, 9)
    given_ = labels(columns)
    by = pl.DataFrame({"post_id": [f"x:{i:03}" for i in range(160)], "side": ["k"] * 60 + ["i"] * 100})
    beside = agreement(given_, seed=3, replicates=100, by=by).filter(group="k")
    alone = agreement(labels({name: column[:60] for name, column in columns.items()}), seed=3, replicates=100)
    assert beside.row(0)[2:] == alone.row(0)[2:]
    others = agreement_table(given_, seed=3, replicates=100, by=by.reverse())
    assert others["group"].unique(maintain_order=True).to_list() == ["all", "i", "k"]
    assert others.filter(group="k", statistic="alpha")["low"][0] == alone["low"][0]


@pytest.mark.parametrize(("units", "drawn"), [(49, False), (50, True)])
def test_below_fifty_posts_nothing_is_drawn(units: int, drawn: bool) -> None:
    columns = made_up(units, 2)
    columns["a"] += ["N", "C"]  # posts with one code: no pair, so they count for AC1, AC2 and Fleiss' kappa only
    columns["b"] += [None, None]
    columns["c"] += [None, None]
    given_ = labels(columns, "ordinal", ("C", "B", "N"))
    one, other = (agreement_table(given_, seed=seed, replicates=60) for seed in (1, 2))
    assert one["n_units"][0] == units
    both = one.join(other, on=["class", "statistic"], validate="1:1").filter(pl.col("low").is_not_nan())
    moved = {(row["class"], row["statistic"]): row["low"] != row["low_right"] for row in both.iter_rows(named=True)}
    always = {("all", "ac1"), ("all", "ac2"), ("all", "fleiss_kappa")}
    assert all(moved[key] for key in always)
    assert {moved[key] for key in moved if key not in always} == {drawn}


def test_the_interval_of_few_posts_is_the_jackknife() -> None:
    cells = turned(FOUR_CODERS)
    columns = dict(zip("abcd", FOUR_CODERS, strict=True))
    row = agreement(labels(columns, "nominal", ("1", "2", "3", "4", "5")), seed=1).row(0, named=True)
    # Student's t with 10 degrees of freedom: 2.228138852.
    assert row["low"] == pytest.approx(krippendorff_alpha(cells) - 2.2281388519649385 * JACKKNIFE["nominal"], abs=1e-9)
    assert row["high"] == 1.0
    # Student's t reaches beyond what a coefficient can be: it is cut there.
    three = {"a": list("NNC"), "b": list("NCC")}
    table = agreement_table(labels(three), seed=1)
    found = {row["statistic"]: (row["low"], row["high"]) for row in table.head(4).iter_rows(named=True)}
    assert found["alpha"] == found["ac1"] == found["fleiss_kappa"] == (-1.0, 1.0)
    assert found["percent"] == (0.0, 100.0)
    apart = {"a": [*"NNNNN", *"CCCCC", "N"], "b": [*"CCCCC", *"NNNNN", "N"]}
    low = agreement_table(labels(apart), seed=1).filter(pl.col("class") == "N", statistic="positive")["low"][0]
    assert low == 0.0
    mirrored = {name: ["NC"[v == "N"] for v in column] for name, column in apart.items()}
    low = agreement_table(labels(mirrored), seed=1).filter(pl.col("class") == "N", statistic="negative")["low"][0]
    assert low == 0.0
    # Where one post carries the second value, leaving it out leaves nothing to measure: no interval.
    lone = quietly(agreement, labels({"a": list("NNNC"), "b": list("NNNN")}), seed=1).row(0, named=True)
    assert lone["alpha"] == pytest.approx(0.0)
    assert math.isnan(lone["low"])


def test_percentiles_need_most_replicates() -> None:
    assert all(math.isnan(end) for end in percentiles(np.array([1.0, 2.0, np.nan, np.nan])))
    assert percentiles(np.array([1.0, 1.0, 1.0, np.nan])) == (1.0, 1.0)


def test_coders_who_never_differ_in_one_group_are_pointed_out() -> None:
    rng = np.random.default_rng(1)
    a = ["NC"[v] for v in rng.integers(0, 2, 60)]
    b = [*a[:30], *("NC"[v] for v in rng.integers(0, 2, 30))]
    by = pl.DataFrame({"post_id": [f"x:{i:03}" for i in range(60)], "set": ["1"] * 30 + ["2"] * 30})
    with pytest.warns(SmallSampleWarning, match=r"to each of 30 posts of group '1', but differ on \d\d% of the others"):
        agreement(labels({"a": a, "b": b}), seed=1, replicates=20, by=by)
    few = by.with_columns(set=pl.Series(["1"] * 9 + ["2"] * 51))
    agreement(labels({"a": a, "b": b}), seed=1, replicates=20, by=few)
    one_group = by.with_columns(set=pl.lit("1"))
    agreement(labels({"a": a, "b": b}), seed=1, replicates=20, by=one_group)
    # Who did less in the other group is no copy.
    with pytest.warns(SmallSampleWarning) as told:
        agreement(labels({"a": a, "b": [*a[:30], *[None] * 30]}), seed=1, replicates=20, by=by)
    assert [str(one.message) for one in told] == ["alpha of frame is not defined in group '2'"]
    # Coders who hardly differ anywhere: a group without a difference is no surprise.
    close = [*a[:59], "N" if a[59] == "C" else "C"]
    agreement(labels({"a": a, "b": close}), seed=1, replicates=20, by=by)


@pytest.mark.parametrize(("same", "warned"), [(9, False), (10, True)])
def test_ten_posts_of_a_group_can_give_a_copy_away(same: int, warned: bool) -> None:
    a = ["NC"[place % 2] for place in range(30)]
    b = [v if place < same else "CN"[place % 2] for place, v in enumerate(a)]
    by = pl.DataFrame({"post_id": [f"x:{i:03}" for i in range(30)], "set": ["1"] * same + ["2"] * (30 - same)})
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        agreement(labels({"a": a, "b": b}), seed=1, replicates=20, by=by)
    found = [one for one in told if "posts of group '1', but differ on 100% of the others" in str(one.message)]
    assert [one.filename for one in found] == [__file__] * warned


def test_one_round_written_in_two_ways_is_pointed_out() -> None:
    rows = [
        {"post_id": f"x:{i}", "coder": c, "variable": "frame", "value": v, "round": "1"}
        for c, column in (("a", "NNC"), ("b", "NCC"))
        for i, v in enumerate(column)
    ]
    again = {"post_id": "x:0", "coder": "a", "variable": "frame", "value": "C"}
    sample = SAMPLE.frame([{"post_id": f"x:{i}"} for i in range(3)])
    for written in ("1.0", "01", " 1"):
        given_ = Labels(LABELS.frame([*rows, {**again, "round": written}]), sample)
        with pytest.warns(DiscourseWarning, match=r"1 posts have two values of 'frame' by one coder in one round"):
            agreement(given_, seed=1, replicates=5)
    # Another round, another variable or the same value again are no fault.
    fine_ones = ({"round": "2"}, {"round": "pilot"}, {"round": "01", "variable": "heat"}, {"round": "01", "value": "N"})
    for fine in fine_ones:
        agreement(Labels(LABELS.frame([*rows, {**again, **fine}]), sample), seed=1, replicates=5)
    with pytest.raises(SchemaError, match="rows that share one post_id"):
        Labels(LABELS.frame([*rows, {**again, "round": "1"}]), sample)


@pytest.mark.parametrize("units", [30, 100])
def test_the_interval_holds_a_known_alpha_in_about_95_of_100_samples(units: int) -> None:
    # Coders who see the truth with chance q and else draw from the same shares have alpha q^2.
    right, repetitions = 0.734, 300
    held = 0
    for repetition in range(repetitions):
        given_ = labels(made_up(units, 1000 + repetition, right=right))
        row = quietly(agreement, given_, seed=repetition, replicates=200).row(0, named=True)
        held += row["low"] <= right**2 <= row["high"]
    assert 0.90 <= held / repetitions <= 0.99


def test_an_array_has_the_interval_that_its_labels_have() -> None:
    rng = np.random.default_rng(5)
    codes = {name: rng.choice(["N", "C"], 60, p=[0.8, 0.2]).tolist() for name in "ab"}
    codes["b"] = [a if rng.random() < 0.7 else b for a, b in zip(codes["a"], codes["b"], strict=True)]
    given = labels(codes)
    row = agreement(given, seed=3, replicates=200).row(0, named=True)
    units = given.table.filter(coder="a")["post_id"].to_list()
    made = krippendorff_alpha(turned(list(codes.values())), ci="bootstrap", units=units, replicates=200, seed=3)
    assert (made.value, made.low, made.high) == pytest.approx((row["alpha"], row["low"], row["high"]), abs=1e-12)
    assert float(made) == made.value
    mixed = rng.permutation(60)
    cells = [turned(list(codes.values()))[i] for i in mixed]
    again = krippendorff_alpha(cells, ci="bootstrap", units=[units[i] for i in mixed], replicates=200, seed=3)
    assert (again.low, again.high, again.se) == pytest.approx((made.low, made.high, made.se), abs=1e-12)
    assert repr(made).endswith("(bootstrap over 60 units)")


def test_rows_may_be_coders_and_a_wide_array_is_asked_what_it_is() -> None:
    for level, expected in PUBLISHED.items():
        assert krippendorff_alpha(FOUR_CODERS, level, rows="coders") == pytest.approx(expected, abs=1e-10)
        with pytest.warns(DiscourseWarning, match=r"^the array has 4 units and 12 coders; if its rows are coders say"):
            wrong = krippendorff_alpha(FOUR_CODERS, level)
        assert wrong == krippendorff_alpha(FOUR_CODERS, level, rows="units")
        assert abs(wrong - expected) > 0.1
    made = krippendorff_alpha(FOUR_CODERS, rows="coders", ci="jackknife")
    reach = 2.2281388519649385 * JACKKNIFE["nominal"]
    assert (made.low, made.high) == pytest.approx((PUBLISHED["nominal"] - reach, 1.0), abs=1e-9)
    assert (made.se, made.n_units) == (pytest.approx(JACKKNIFE["nominal"], abs=1e-10), 11)


def test_an_interval_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^a bootstrap draws units; give a seed, like seed=1$"):
        krippendorff_alpha(turned(BINARY), ci="bootstrap")
    with pytest.raises(UsageError, match=r"^units names 9 units and the array has 10; give each its own id$"):
        krippendorff_alpha(turned(BINARY), ci="bootstrap", seed=1, units=[*range(9), 0])
    with pytest.raises(SchemaError, match=r"^ci is 'boot'; it must be 'bootstrap' or 'jackknife'"):
        krippendorff_alpha(turned(BINARY), ci="boot")
    with pytest.raises(SchemaError, match=r"^rows is 'coder'; it must be 'units' or 'coders'"):
        krippendorff_alpha(turned(BINARY), rows="coder")
