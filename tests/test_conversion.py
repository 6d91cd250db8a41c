"""A change taken apart: exact in rationals, honest in its intervals."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import MeaningError, UsageError
from discourse.impact.conversion import PARTS, Conversion, conversion, expected_values, taken_apart
from discourse.poisson import poisson_weights

PARTS_OF = ("conversion", "loudness", "arriving", "leaving")
Panel = list[tuple[str, str, Fraction, Fraction]]


def sums_of(panel: Panel) -> list[Fraction]:
    """The ten sums, author by author."""
    first = {name: (x, w) for name, window, x, w in panel if window == "1"}
    second = {name: (x, w) for name, window, x, w in panel if window == "2"}
    both = [(first[name], second[name]) for name in sorted(first.keys() & second.keys())]
    gone = [first[name] for name in first.keys() - second.keys()]
    come = [second[name] for name in second.keys() - first.keys()]
    zero = Fraction(0)
    return [
        sum((w1 for (_, w1), _ in both), zero), sum((w1 * x1 for (x1, w1), _ in both), zero),
        sum((w2 for _, (_, w2) in both), zero), sum((w2 * x2 for _, (x2, w2) in both), zero),
        sum((w1 * x2 for (_, w1), (x2, _) in both), zero), sum((w2 * x1 for (x1, _), (_, w2) in both), zero),
        sum((w for _, w in gone), zero), sum((w * x for x, w in gone), zero),
        sum((w for _, w in come), zero), sum((w * x for x, w in come), zero),
    ]  # fmt: skip


def mean_of(panel: Panel, window: str) -> Fraction:
    rows = [(x, w) for _, at, x, w in panel if at == window]
    return sum((x * w for x, w in rows), Fraction(0)) / sum((w for _, w in rows), Fraction(0))


def of(panel: Panel, seed: int = 5) -> Conversion:
    names, windows, values, weights = zip(*panel, strict=True)
    return conversion(
        names, windows, [float(x) for x in values], [float(w) for w in weights], between=("1", "2"), seed=seed,
        replicates=20,
    )  # fmt: skip


fractions = st.fractions(min_value=-1, max_value=1, max_denominator=9)
weights = st.fractions(min_value=Fraction(1, 9), max_value=5, max_denominator=9)
panels = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("12"), fractions, weights),
    min_size=3, max_size=16, unique_by=lambda row: row[:2],
).filter(lambda rows: {row[1] for row in rows} == {"1", "2"})  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(panels)
def test_the_parts_sum_exactly(panel: Panel) -> None:
    parts = taken_apart(sums_of(panel))
    total = mean_of(panel, "2") - mean_of(panel, "1")
    assert parts["total"] == total
    stay = {row[0] for row in panel if row[1] == "1"} & {row[0] for row in panel if row[1] == "2"}
    if stay:
        assert isinstance(parts["conversion"], Fraction)
        assert sum(parts[name] for name in PARTS_OF) == total
        assert parts["arriving"] + parts["leaving"] == parts["composition"]
    else:
        assert parts["composition"] == total
        assert all(np.isnan(parts[name]) for name in PARTS_OF)


@settings(max_examples=40, deadline=None)
@given(panels)
def test_the_estimate_is_the_exact_one(panel: Panel) -> None:
    made, parts = of(panel), taken_apart(sums_of(panel))
    for name in PARTS:
        assert getattr(made, name).estimate == pytest.approx(float(parts[name]), abs=1e-12, nan_ok=True)
    assert made.first == pytest.approx(float(mean_of(panel, "1")))
    assert made.second == pytest.approx(float(mean_of(panel, "2")))


def test_each_part_is_what_its_name_says() -> None:
    one = Fraction(1)
    stay = [
        ("a", "1", Fraction(0), one),
        ("b", "1", Fraction(1), one),
        ("a", "2", Fraction(1, 2), one),
        ("b", "2", Fraction(1), one),
    ]
    only = taken_apart(sums_of(stay))
    assert [only[name] for name in PARTS_OF] == [Fraction(1, 4), 0, 0, 0]
    # A newcomer at 1 beside stayers at 3/4: a third of the weight, 1/4 above them.
    come = taken_apart(sums_of([*stay, ("c", "2", Fraction(1), one)]))
    assert [come[name] for name in PARTS_OF] == [Fraction(1, 4), 0, Fraction(1, 12), 0]
    # Who leaves stood at 0, 1/2 under the stayers, with a third of the weight: the mean rises.
    gone = taken_apart(sums_of([*stay, ("d", "1", Fraction(0), one)]))
    assert [gone[name] for name in PARTS_OF] == [Fraction(1, 4), 0, 0, Fraction(1, 6)]
    # Nobody changes, but the one at 1 speaks three times as much: from 1/2 to 3/4 by loudness alone.
    loud = taken_apart(sums_of([
        ("a", "1", Fraction(0), one), ("b", "1", one, one), ("a", "2", Fraction(0), one), ("b", "2", one, Fraction(3))
    ]))  # fmt: skip
    assert [loud[name] for name in PARTS_OF] == [0, Fraction(1, 4), 0, 0]


def test_replicates_are_the_authors_own_poisson_weights() -> None:
    panel = [
        ("a", "1", 0.2),
        ("b", "1", 0.8),
        ("c", "1", 0.5),
        ("a", "2", 0.4),
        ("b", "2", 0.9),
        ("d", "2", 0.1),
        ("z", "3", 9.0),
    ]
    names, windows, values = zip(*panel, strict=True)
    made = conversion(names, windows, values, between=("1", "2"), seed=7, replicates=50)
    drawn = dict(zip("abcd", poisson_weights(list("abcd"), 50, 7), strict=True))
    for b in range(50):
        rows: Panel = [
            (name, window, Fraction(x), Fraction(int(drawn[name][b])))
            for name, window, x in panel if window != "3" and drawn[name][b] > 0
        ]  # fmt: skip
        if not {"1", "2"} <= {row[1] for row in rows} or not any(drawn[name][b] for name in "ab"):
            continue
        parts = taken_apart(sums_of(rows))
        got = dict(zip(PARTS, made.replicates[:, b], strict=True))
        for name in PARTS:
            assert got[name] == pytest.approx(float(parts[name]), abs=1e-12)
    assert (made.stayers, made.arrivers, made.leavers) == (2, 1, 1)
    assert made.flags == ("few_stayers",)


def test_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    panel = [
        (f"x:{i}", w, Fraction(int(rng.integers(9)), 9), Fraction(1))
        for i in range(60)
        for w in "12"
        if rng.random() < 0.7
    ]
    one, other = of(panel), of(panel[::-1])
    np.testing.assert_array_equal(one.replicates, other.replicates)
    assert one.conversion == other.conversion
    assert of(panel, seed=6).conversion.low != one.conversion.low


def test_nobody_in_both_windows_is_all_composition() -> None:
    made = of([("a", "1", Fraction(0), Fraction(1)), ("b", "2", Fraction(1), Fraction(1))])
    assert made.total.estimate == made.composition.estimate == 1.0
    assert np.isnan(made.conversion.estimate)
    assert np.isnan(made.conversion.low)
    assert made.flags == ("no_stayers",)
    assert "no_stayers" in repr(made)


def test_a_row_of_no_weight_is_no_presence() -> None:
    none, one = Fraction(0), Fraction(1)
    panel = [("a", "1", none, one), ("b", "1", one, none), ("a", "2", one, one), ("b", "2", one, one)]
    made = of(panel)
    assert (made.stayers, made.arrivers, made.leavers) == (1, 1, 0)
    assert made.first == 0.0


def test_intervals_hold_what_was_planted() -> None:
    # Stayers rise by 0.10; those who come stand 0.2 above the stayers, those who leave 0.1 below them.
    held: dict[str, list[bool]] = {name: [] for name in PARTS if name != "loudness"}
    truth = {"conversion": 0.10, "arriving": 0.4 * 0.2, "leaving": 0.4 * 0.1, "composition": 0.12, "total": 0.22}
    for seed in range(150):
        rng = np.random.default_rng([seed, 3])
        rows = []
        for i in range(240):
            kind = "stay" if rng.random() < 0.6 / 1.4 else "come" if rng.random() < 0.5 else "gone"
            base = rng.beta(1.2, 2.8)  # a mean of 0.3
            if kind != "come":
                rows.append((f"x:{i}", "1", base + (-0.1 if kind == "gone" else 0.0)))
            if kind != "gone":
                rows.append((f"x:{i}", "2", base + (0.3 if kind == "come" else 0.10 + rng.normal(0, 0.2))))
        names, windows, values = zip(*rows, strict=True)
        made = conversion(names, windows, values, between=("1", "2"), seed=seed, replicates=200)
        for name, inside in held.items():
            part = getattr(made, name)
            inside.append(part.low < truth[name] < part.high)
        assert made.loudness.estimate == pytest.approx(0.0, abs=1e-12)
    for name, inside in held.items():
        assert np.mean(inside) > 0.88, name


def test_expected_values_take_the_classifiers_errors_out() -> None:
    # One in five of either kind is called the other: author shares of 0.2 and 0.8 are 0 and 1 in truth.
    rates = np.array([[0.8, 0.2], [0.2, 0.8]])
    assert expected_values([[1, 0], [0, 4], [1, 1]], rates, [1, 0]).tolist() == pytest.approx([0.8, 0.2, 0.5])
    many = np.stack([rates, np.eye(2)])
    made = expected_values([[1, 0], [1, 3]], many, [1, -1])
    assert made.shape == (2, 2)
    assert made[1].tolist() == pytest.approx([0.25 * 0.6 - 0.75 * 0.6, -0.5])
    assert np.isnan(expected_values([[0, 0]], rates, [1, 0])[0])
    with pytest.raises(UsageError, match="shapes"):
        expected_values([[1, 0, 0]], rates, [1, 0])


def test_replicates_of_the_correction_go_with_those_of_the_authors() -> None:
    rng = np.random.default_rng(3)
    names, windows = [f"x:{i}" for i in range(40)] * 2, ["1"] * 40 + ["2"] * 40
    values = rng.random(80)
    shift = rng.normal(0, 0.3, 60)
    wide = np.concatenate(
        [values[:, None], values[:, None] + np.where(np.array(windows) == "2", 1, 0)[:, None] * shift], axis=1
    )
    plain = conversion(names, windows, values, between=("1", "2"), seed=1, replicates=60)
    made = conversion(names, windows, wide, between=("1", "2"), seed=1, replicates=60)
    assert made.conversion.estimate == plain.conversion.estimate
    np.testing.assert_allclose(made.replicates[1] - plain.replicates[1], shift, atol=1e-12)
    with pytest.raises(UsageError, match="needs 1, or 1"):
        conversion(names, windows, wide, between=("1", "2"), seed=1, replicates=50)


@pytest.mark.parametrize(
    ("rows", "value", "between", "kind", "words"),
    [
        (("aa", "11"), [1, 1], ("1", "2"), MeaningError, "more than once in the window '1'"),
        (("ab", "11"), [1, 1], ("1", "2"), MeaningError, "no author has a row in the window '2'"),
        (("ab", "12"), [1, float("nan")], ("1", "2"), MeaningError, "is no number"),
        (("ab", "12"), [1, 1], ("1", "1"), UsageError, "two windows"),
        (("ab", "12"), [1], ("1", "2"), UsageError, "2, 2, 1 and 2 rows"),
    ],
)
def test_what_cannot_be_taken_apart(rows: Any, value: Any, between: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words):
        conversion(rows[0], rows[1], value, between=between, seed=1)


def test_many_authors_in_pieces_give_what_few_pieces_give(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = [(f"x:{i}", w, Fraction(i % 7, 7), Fraction(1)) for i in range(50) for w in "12"]
    one = of(panel)
    monkeypatch.setattr("discourse.impact.conversion._CHUNK", 7)
    np.testing.assert_allclose(of(panel).replicates, one.replicates, atol=1e-12)
