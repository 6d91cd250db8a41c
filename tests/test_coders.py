"""Coders one by one: who confuses what, what is left to decide, and Dawid and Skene's model against known truth."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import DiscourseWarning, MeaningError, SchemaError, SmallSampleWarning, UsageError
from discourse.labels.codebook import Codebook, Value, Variable
from discourse.labels.coders import CoderModel, dawid_skene
from discourse.labels.disagreement import SOFT, adjudicate, coder_confusion, disagreements, vote_shares
from discourse.labels.labels import SAMPLE, Labels
from discourse.schema import LABELS

# Dawid and Skene (1979), table 1: 45 patients, codes of observer 1 (three times) and of observers 2 to 5.
PATIENTS = [
    "1111111", "3334334", "1122122", "2223121", "2223222", "2223322", "1222111", "3333433", "2222223",
    "2322223", "4444444", "2223343", "1111111", "2223212", "1211111", "1112111", "1111111", "1111111",
    "2222221", "2221322", "2222222", "2222221", "2223222", "2212222", "1111111", "1111111", "2322222",
    "1111111", "1111111", "1121121", "1111111", "3333233", "1111111", "2222222", "2223232", "4334343",
    "2212232", "2323233", "3333432", "1111111", "1111111", "1212111", "2322222", "1211111", "2222222",
]  # fmt: skip


def patients() -> np.ndarray:
    """How often each observer gave each value to each patient, shape (45, 5, 4)."""
    counts = np.zeros((45, 5, 4))
    for patient, codes in enumerate(PATIENTS):
        for place, value in enumerate(codes):
            counts[patient, max(0, place - 2), int(value) - 1] += 1
    return counts


def labels(columns: dict[str, list[Any]], level: str = "nominal", values: tuple[str, ...] = ()) -> Labels:
    """Labels of the variable frame, one column of values a coder; None is missing."""
    units = max(len(column) for column in columns.values())
    rows = [
        {"post_id": f"x:{unit:04}", "coder": coder, "variable": "frame", "value": str(value)}
        for coder, column in columns.items()
        for unit, value in enumerate(column)
        if value is not None
    ]
    book = None
    if values:
        book = Codebook("b", 2, (Variable("frame", level, tuple(Value(value, value) for value in values)),))
    return Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": f"x:{unit:04}"} for unit in range(units)]), book)


def quietly(*args: Any, **options: Any) -> CoderModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiscourseWarning)
        return dawid_skene(*args, **options)


# Confusion.


def test_the_confusion_of_each_pair_of_coders() -> None:
    given_ = labels({"b": ["N", "C", "N", None], "a": ["N", "N", "N", "C"], "c": [None, None, None, "C"]})
    made = coder_confusion(given_)
    assert made.columns == ["coder_a", "coder_b", "value_a", "value_b", "n"]
    assert made.rows() == [
        ("a", "b", "C", "C", 0), ("a", "b", "C", "N", 0), ("a", "b", "N", "C", 1), ("a", "b", "N", "N", 2),
        ("a", "c", "C", "C", 1), ("a", "c", "C", "N", 0), ("a", "c", "N", "C", 0), ("a", "c", "N", "N", 0),
    ]  # fmt: skip
    ordered = coder_confusion(labels({"a": ["N"], "b": ["C"]}, values=("N", "B", "C")))
    assert ordered["value_b"].to_list() == ["N", "B", "C"] * 3
    assert ordered.filter(pl.col("n") > 0).rows() == [("a", "b", "N", "C", 1)]


def test_the_confusion_with_what_was_decided() -> None:
    given_ = labels({"a": ["N", "C"], "b": ["N", "N"], "adjudicated": [None, "C"]})
    assert coder_confusion(given_)["coder_b"].unique().to_list() == ["b"]
    made = coder_confusion(given_, adjudicated=True).filter(pl.col("n") > 0)
    assert made.rows() == [
        ("a", "adjudicated", "C", "C", 1), ("a", "b", "C", "N", 1), ("a", "b", "N", "N", 1),
        ("adjudicated", "b", "C", "N", 1),
    ]  # fmt: skip
    with pytest.raises(MeaningError, match="were agreed upon"):
        coder_confusion(labels({"a": ["N"], "adjudicated": ["N"]}), adjudicated=True)


# Disagreements and decisions.


def test_the_most_contested_posts_come_first() -> None:
    given_ = labels({
        "a": ["N", "N", "N", "N", "N", None],
        "b": ["N", "C", "C", "N", "C", "N"],
        "c": ["N", None, "B", "C", None, None],
    })  # fmt: skip
    made = disagreements(given_)
    assert made.columns == ["post_id", "n_coders", "contested", "value_a", "value_b", "value_c"]
    # All three differ; two of two; two of two; one of three (2 of 3 pairs).
    assert made.rows() == [
        ("x:0002", 3, 1.0, "N", "C", "B"), ("x:0001", 2, 1.0, "N", "C", None), ("x:0004", 2, 1.0, "N", "C", None),
        ("x:0003", 3, pytest.approx(2 / 3), "N", "N", "C"),
    ]  # fmt: skip
    shuffled = Labels(given_.table.reverse(), given_.sample.reverse())
    assert disagreements(shuffled).equals(made)


def test_on_an_ordinal_scale_the_ends_are_furthest_apart() -> None:
    columns = {"a": ["low", "low", "mid"], "b": ["mid", "high", "high"]}
    made = disagreements(labels(columns, "ordinal", ("low", "mid", "high")))
    assert made["post_id"].to_list() == ["x:0001", "x:0000", "x:0002"]
    assert made["contested"].to_list() == pytest.approx([1.0, 1 / 3, 1 / 3])


def test_what_is_decided_leaves_the_sheet_and_counts_as_decided() -> None:
    given_ = labels({"a": ["N", "N", "C"], "b": ["C", "N", "N"]}, values=("N", "C", "B"))
    before = given_.table.clone()
    sheet = disagreements(given_).with_columns(value=pl.Series(["B", "C"]))
    made = adjudicate(given_, sheet)
    assert given_.table.equals(before)
    assert made.decided().rows() == [("x:0000", "B"), ("x:0001", "N"), ("x:0002", "C")]
    assert disagreements(made).is_empty()
    added = made.table.filter(coder="adjudicated")
    assert added.select("post_id", "variable", "value", "round", "codebook").rows() == [
        ("x:0000", "frame", "B", None, "b@2"), ("x:0002", "frame", "C", None, "b@2"),
    ]  # fmt: skip
    assert made.table.filter(pl.col("coder") != "adjudicated").equals(before)
    assert (made.sample.equals(given_.sample), made.codebook) == (True, given_.codebook)
    one = adjudicate(given_, sheet.head(1).with_columns(round=pl.lit("2")))
    assert one.table.filter(coder="adjudicated")["round"].to_list() == ["2"]
    assert adjudicate(one, sheet.tail(1)).decided().equals(made.decided())
    assert adjudicate(given_, sheet.clear()).table.equals(before)
    bare = adjudicate(Labels(given_.table, given_.sample), sheet)
    assert bare.decided().equals(made.decided())
    assert bare.table.filter(coder="adjudicated")["codebook"].to_list() == [None, None]


def test_decisions_that_cannot_be_are_refused() -> None:
    given_ = labels({"a": ["N", "N"], "b": ["C", "C"]}, values=("N", "C"))

    def decided(*rows: tuple[str | None, str | None]) -> pl.DataFrame:
        return pl.DataFrame(list(rows), schema={"post_id": pl.String, "value": pl.String}, orient="row")

    with pytest.raises(SchemaError, match=r"a decision on frame is 'n'; it must be 'N' or 'C'"):
        adjudicate(given_, decided(("x:0000", "n")))
    with pytest.raises(SchemaError, match="1 decided posts are not in the sample"):
        adjudicate(given_, decided(("x:0000", "N"), ("x:9", "N")))
    with pytest.raises(SchemaError, match="1 posts are decided in more than one row"):
        adjudicate(given_, decided(("x:0000", "N"), ("x:0000", "N")))
    with pytest.raises(SchemaError, match="2 decisions have no post_id or no value"):
        adjudicate(given_, decided(("x:0000", None), (None, "N")))
    with pytest.raises(SchemaError, match="the decisions have no column 'value'"):
        adjudicate(given_, decided(("x:0000", "N")).drop("value"))
    with pytest.raises(SchemaError, match="variable is 'fame'; it must be 'frame'"):
        adjudicate(given_, decided(("x:0000", "N")), "fame")
    with pytest.raises(SchemaError, match="variable is 'fame'; it must be 'frame'"):
        adjudicate(labels({"a": ["N"], "b": ["C"]}), decided(("x:0000", "N")), "fame")
    once = adjudicate(given_, decided(("x:0000", "N")))
    with pytest.raises(MeaningError, match="1 posts have an agreed or adjudicated 'frame' already"):
        adjudicate(once, decided(("x:0000", "C"), ("x:0001", "C")))
    agreed = labels({"a": ["N"], "b": ["C"], "agreed": ["C"]})
    with pytest.raises(MeaningError, match="1 posts have an agreed"):
        adjudicate(agreed, decided(("x:0000", "C")))


def test_shares_of_coders_are_soft_labels() -> None:
    made = vote_shares(labels({"a": ["N", None], "b": ["C", "N"], "c": ["N", None]}, values=("N", "B", "C")))
    assert dict(made.schema) == SOFT
    assert made["value"].to_list() == ["N", "B", "C"] * 2
    assert made["probability"].to_list() == pytest.approx([2 / 3, 0, 1 / 3, 1, 0, 0])


# Dawid and Skene.


def test_the_published_estimates_of_dawid_and_skene() -> None:
    made = dawid_skene(patients(), smoothing=0, tol=1e-10)
    assert made.prevalence.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    assert made.confusion[0].round(2).tolist() == [
        [0.89, 0.11, 0.00, 0.00], [0.07, 0.88, 0.05, 0.00], [0.00, 0.34, 0.66, 0.00], [0.00, 0.00, 0.56, 0.44],
    ]  # fmt: skip
    assert (made.converged, made.values, made.coders) == (True, ("0", "1", "2", "3"), ("0", "1", "2", "3", "4"))


def by_loops(counts: np.ndarray, steps: int, smoothing: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equations 2.3, 2.4 and 2.5 as they are printed, unit by unit; for the posterior after so many steps."""
    u, c, k = counts.shape
    t = np.array([counts[i].sum(axis=0) / counts[i].sum() for i in range(u)])
    for _ in range(steps):
        p = (t.sum(axis=0) + smoothing) / (u + k * smoothing)
        pi = np.zeros((c, k, k))
        for coder in range(c):
            for j in range(k):
                row = [sum(t[i, j] * counts[i, coder, said] for i in range(u)) + smoothing for said in range(k)]
                pi[coder, j] = np.array(row) / sum(row)
        for i in range(u):
            chance = [p[j] * np.prod([pi[x, j] ** counts[i, x] for x in range(c)]) for j in range(k)]
            t[i] = np.array(chance) / sum(chance)
    return t, p, pi


def test_the_steps_are_those_of_the_printed_equations() -> None:
    counts = patients()
    counts[3, 2] = counts[7, 0] = 0  # missing codes
    for steps, smoothing in ((1, 0.01), (4, 0.01), (4, 0.5)):
        made = dawid_skene(counts, smoothing=smoothing, max_iter=steps)
        posterior, prevalence, confusion = by_loops(counts, steps, smoothing)
        np.testing.assert_allclose(made.posterior, posterior, atol=1e-10)
        np.testing.assert_allclose(made.prevalence, prevalence, atol=1e-10)
        np.testing.assert_allclose(made.confusion, confusion, atol=1e-10)
        assert (len(made.path), made.converged) == (steps, False)


def test_the_path_is_the_log_likelihood_with_the_prior() -> None:
    counts = patients()
    for smoothing in (0.0, 0.2):
        made = dawid_skene(counts, smoothing=smoothing, tol=1e-12)
        chance = made.prevalence[None, :] * np.prod(
            made.confusion[None].transpose(0, 2, 1, 3) ** counts[:, None], axis=(2, 3)
        )
        prior = smoothing * (np.log(made.prevalence).sum() + np.log(made.confusion).sum()) if smoothing else 0
        assert made.path[-1] == pytest.approx(np.log(chance.sum(axis=1)).sum() + prior, abs=1e-8)
        np.testing.assert_allclose(made.posterior, chance / chance.sum(axis=1, keepdims=True), atol=1e-10)


PREVALENCE = np.array([0.45, 0.30, 0.15, 0.10])


def simulated(units: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth (u), confusion (c, k, k) and codes (u, c) of five coders, good and bad, who left out 30 % of the units."""
    rng = np.random.default_rng(seed)
    right = [0.92, 0.85, 0.80, 0.70, 0.60]
    confusion = np.zeros((5, 4, 4))
    for coder, chance in enumerate(right):
        for value in range(4):
            wrong = rng.dirichlet([2.0] * 3) * (1 - chance)
            confusion[coder, value] = np.insert(wrong, value, chance)
    truth = rng.choice(4, units, p=PREVALENCE)
    said = np.array([[rng.choice(4, p=confusion[c, t]) for c in range(5)] for t in truth]).astype(float)
    said[rng.random(said.shape) < 0.3] = np.nan
    return truth, confusion, said


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_known_coders_are_found_again(seed: int) -> None:
    truth, confusion, said = simulated(3000, seed)
    made = dawid_skene(said, values=[0.0, 1.0, 2.0, 3.0])
    assert made.converged
    assert np.abs(made.prevalence - PREVALENCE).max() < 0.02
    true_accuracy = np.diagonal(confusion, axis1=1, axis2=2) @ PREVALENCE
    assert np.abs(made.accuracy["accuracy"].to_numpy() - true_accuracy).max() < 0.03
    assert np.diff(made.path).min() > -1e-9
    # The model beats the majority, and its probabilities say how often it is right.
    votes = (said[:, :, None] == np.arange(4)).sum(axis=1)
    coded = votes.sum(axis=1) > 0
    best = made.posterior.argmax(axis=1)
    assert (best == truth)[coded].mean() > (votes.argmax(axis=1) == truth)[coded].mean() + 0.01
    assert made.posterior.max(axis=1)[coded].mean() == pytest.approx((best == truth)[coded].mean(), abs=0.02)


CODES = st.lists(st.lists(st.sampled_from(["N", "C", "B", None]), min_size=3, max_size=3), min_size=3, max_size=15)


def coded(cells: list[list[Any]]) -> bool:
    return any(cell is not None for row in cells for cell in row)


@settings(deadline=None, max_examples=60)
@given(CODES.filter(coded), st.sampled_from([0.0, 0.01, 1.0]))
def test_the_log_likelihood_never_falls_and_rows_sum_to_one(cells: list[list[Any]], smoothing: float) -> None:
    made = dawid_skene(cells, values=["N", "C", "B", "never"], smoothing=smoothing, max_iter=60)
    assert np.diff(made.path).min(initial=0.0) > -1e-8
    np.testing.assert_allclose(made.posterior.sum(axis=1), 1, atol=1e-9)
    assert made.prevalence.sum() == pytest.approx(1)
    assert made.posterior[:, 3].max() == made.prevalence[3] == 0
    assert np.isnan(made.confusion[:, 3]).all()
    seen = ~np.isnan(made.confusion).all(axis=2)
    np.testing.assert_allclose(made.confusion[seen].sum(axis=1), 1, atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(CODES.filter(coded), st.permutations(range(3)), st.randoms(use_true_random=False))
def test_new_names_permute_the_result_and_order_says_nothing(cells: list[list[Any]], turn: Any, chance: Any) -> None:
    names = ["N", "C", "B"]
    made = dawid_skene(cells, values=names, max_iter=12, tol=0)
    # The same codes with the values listed in another order.
    listed = dawid_skene(cells, values=[names[place] for place in turn], max_iter=12, tol=0)
    np.testing.assert_allclose(listed.posterior, made.posterior[:, turn], atol=1e-6)
    np.testing.assert_allclose(listed.prevalence, made.prevalence[list(turn)], atol=1e-6)
    np.testing.assert_allclose(listed.confusion, made.confusion[:, turn][:, :, turn], atol=1e-6)
    # Values, units and coders under other names or in another order.
    renamed = [[cell and names[turn[names.index(cell)]] for cell in row] for row in cells]
    np.testing.assert_allclose(
        dawid_skene(renamed, values=names, max_iter=12, tol=0).posterior[:, turn], made.posterior, atol=1e-6
    )
    rows, columns = chance.sample(range(len(cells)), len(cells)), chance.sample(range(3), 3)
    moved = dawid_skene([[cells[row][c] for c in columns] for row in rows], values=names, max_iter=12, tol=0)
    np.testing.assert_allclose(moved.posterior, made.posterior[rows], atol=1e-6)
    np.testing.assert_allclose(moved.confusion, made.confusion[columns], atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=40))
def test_perfect_coders_leave_no_doubt(truth: list[int]) -> None:
    made = dawid_skene([[value] * 3 for value in truth], values=[0, 1, 2, 3])
    np.testing.assert_allclose(made.posterior, np.eye(4)[truth], atol=1e-3)
    plain = dawid_skene([[value] * 3 for value in truth], values=[0, 1, 2, 3], smoothing=0)
    np.testing.assert_allclose(plain.posterior, np.eye(4)[truth], atol=1e-12)
    np.testing.assert_allclose(plain.accuracy["accuracy"], 1.0, atol=1e-12)
    np.testing.assert_allclose(plain.prevalence, np.bincount(truth, minlength=4) / len(truth), atol=1e-12)


def test_labels_give_names_and_the_values_of_the_codebook() -> None:
    columns = {"b": list("NCNNC"), "a": list("NCNCC"), "c": ["N", "C", "N", None, None]}
    given_ = labels({**columns, "adjudicated": list("CCCCC")}, values=("N", "B", "C"))
    made = dawid_skene(given_)
    assert (made.coders, made.values) == (("a", "b", "c"), ("N", "B", "C"))
    assert made.units == tuple(f"x:{i:04}" for i in range(5))
    cells = [list(row) for row in zip(*(columns[name] for name in "abc"), strict=True)]
    np.testing.assert_array_equal(made.posterior, dawid_skene(cells, values=["N", "B", "C"]).posterior)
    shuffled = Labels(given_.table.reverse(), given_.sample.reverse(), given_.codebook)
    np.testing.assert_array_equal(dawid_skene(shuffled).posterior, made.posterior)
    soft = made.soft_labels
    assert dict(soft.schema) == SOFT
    assert soft.select("post_id", "value").rows()[:4] == [
        ("x:0000", "N"), ("x:0000", "B"), ("x:0000", "C"), ("x:0001", "N"),
    ]  # fmt: skip
    assert soft["probability"].to_list() == made.posterior.ravel().tolist()
    assert made.accuracy.columns == ["coder", "accuracy"]
    assert made.confusions.filter(coder="b", value="N", said="C")["probability"][0] == made.confusion[1, 0, 2]
    assert made.confusions.height == 27
    bare = Labels(given_.table, given_.sample)
    assert dawid_skene(bare).values == ("C", "N")
    np.testing.assert_allclose(dawid_skene(bare, values=["N", "B", "C"]).posterior, made.posterior, atol=1e-12)
    with pytest.raises(UsageError, match="values are those of the codebook"):
        dawid_skene(given_, values=["N", "C"])
    with pytest.raises(MeaningError, match="were agreed upon"):
        dawid_skene(labels({"a": list("NNC"), "adjudicated": list("NNC")}))


def test_a_unit_without_a_code_has_the_prevalence() -> None:
    cells = [list("NNN"), list("CCN"), list("CCC"), [None] * 3]
    made = dawid_skene(cells)
    np.testing.assert_array_equal(made.posterior[3], made.prevalence)
    np.testing.assert_allclose(made.prevalence, dawid_skene(cells[:3]).prevalence, atol=1e-12)


def test_of_a_coder_who_said_nothing_nothing_is_known() -> None:
    cells = [["N", "N", "N", None], ["C", "C", "C", None], ["N", "N", "N", None]]
    made = dawid_skene(cells, smoothing=0, tol=0)
    assert made.converged
    assert made.confusion[3].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert made.accuracy["accuracy"].to_list() == [1.0, 1.0, 1.0, 0.5]


def test_two_coders_are_too_few_to_tell() -> None:
    with pytest.warns(SmallSampleWarning, match="2 coders cannot show which of them errs") as told:
        made = dawid_skene([["N", "N"], ["N", "C"], ["C", "C"]])
    assert told[0].filename == __file__
    # Nothing but the start speaks for either.
    np.testing.assert_allclose(made.posterior[1], 0.5, atol=1e-6)


def test_the_result_cannot_be_written_to() -> None:
    counts = patients()
    before = counts.copy()
    made = dawid_skene(counts)
    np.testing.assert_array_equal(counts, before)
    for name in ("posterior", "prevalence", "confusion"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(made, name)[0] = 0
    with pytest.raises(AttributeError):
        made.converged = False  # type: ignore[misc]
    assert repr(made) == "CoderModel(45 units, 5 coders, 4 values; converged)"
    assert repr(dawid_skene(counts, max_iter=2)) == "CoderModel(45 units, 5 coders, 4 values; not converged)"


def test_what_the_model_refuses() -> None:
    cells = [list("NNN"), list("CCN")]
    for options in ({"smoothing": -0.1}, {"tol": -1.0}, {"max_iter": 0}, {"smoothing": math.nan}):
        with pytest.raises(UsageError, match=f"{next(iter(options))} (is )?{next(iter(options.values()))}"):
            dawid_skene(cells, **options)
    with pytest.raises(SchemaError, match="the array has no code"):
        quietly([[None, None, None]])
    with pytest.raises(SchemaError, match="has 1 dimensions; it must be units x coders"):
        dawid_skene([1, 2, 3])
    with pytest.raises(SchemaError, match="a value is 'C'; it must be 'N'"):
        dawid_skene(cells, values=["N"])
    with pytest.raises(SchemaError, match="counts are of 4 values, with 2 named"):
        dawid_skene(patients(), values=["a", "b"])
    with pytest.raises(SchemaError, match="none may be negative"):
        dawid_skene(-patients())
