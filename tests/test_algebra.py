"""The laws that the measurement core obeys, one test a law, through the public names and on plain arrays.

What each function gives on known cases, and its own edges, stands in the tests of its module.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations, product
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import discourse as ds
from discourse.measure.methods import METHODS
from discourse.schema import FRAMES

Floats = npt.NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)
COLUMNS = {"author_id": pl.String, "window": pl.String, "side": pl.String, "predicted": pl.String, "value": pl.String,
           "inclusion_p": pl.Float64}  # fmt: skip
LABELS = [(None, None), ("nationalist", 0.5), ("neither", 1 / 7)]
POSTS = st.lists(
    st.tuples(st.sampled_from(["ann", "bob", "علی", "@d"]), st.sampled_from(["w1", "w2"]), st.sampled_from(["a", "b"]),
              st.sampled_from(FRAMES), st.sampled_from(LABELS)).map(lambda row: (*row[:4], *row[4])),
    max_size=30,
)  # fmt: skip


def tallied(rows: list[Any]) -> ds.Tallies:
    table = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    return ds.tally(table, ds.Design(("w1", "w2"), ("a", "b"), replicates=6, seed=2))


@settings(deadline=None, max_examples=30)
@given(POSTS, st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_tallies_merge_in_any_order_and_partition_to_the_bit(rows: list[Any], home: list[int]) -> None:
    """Replicates too: an author draws the same weights wherever their posts lie."""
    where = dict(zip(("ann", "bob", "علی", "@d"), home, strict=True))
    whole = tallied(rows)
    a, b, c = (tallied([row for row in rows if where[row[0]] == part]) for part in range(3))
    assert a + b == b + a
    assert (a + b) + c == a + (b + c) == whole
    nothing = ds.Tallies.empty(whole.design)
    assert whole + nothing == nothing + whole == whole
    for made in (a + b + c, ds.total([c, a, b], whole.design)):
        for method in ("cc", "poststrat"):
            one, other = (ds.prevalence(each, method=method).values for each in (made, whole))
            assert one.tobytes() == other.tobytes()


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.integers(2, 4), st.integers(2, 4), st.integers(10, 60))
def test_poststrat_is_dsl_with_a_saturated_prediction(seed: int, j: int, k: int, n: int) -> None:
    """Predict each post by the weighted rate of its predicted class, and nothing is left to correct."""
    rng = np.random.default_rng(seed)
    said = np.concatenate([np.arange(j), rng.integers(0, j, n)])
    labelled = np.concatenate([np.ones(j, dtype=bool), rng.random(n) < 0.4])
    chance = rng.choice([0.2, 0.5, 1.0], len(said))
    true = rng.integers(0, k, len(said))
    gold = np.zeros((j, k))
    np.add.at(gold, (said[labelled], true[labelled]), 1.0 / chance[labelled])
    rates = gold / gold.sum(axis=1, keepdims=True)
    y = np.where(labelled[:, None], np.eye(k)[true], 0.0)
    wanted = ds.poststrat(np.bincount(said, minlength=j).tolist(), gold.tolist())
    for hajek in (False, True):
        made = ds.dsl(rates[said].tolist(), labelled.tolist(), y.tolist(), chance.tolist(), hajek=hajek)
        np.testing.assert_allclose(made.value, wanted, atol=1e-12, rtol=0)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=6).filter(lambda n: sum(n) > 1),
    st.lists(st.integers(-9, 9), min_size=6, max_size=6, unique=True),
)
def test_esteban_ray_without_identification_is_the_gini_mean_difference(n: list[int], points: list[int]) -> None:
    """The mean distance of two posts drawn with replacement."""
    at = sorted(points[: len(n)])
    x = np.repeat(at, n)
    gini = float(np.abs(x[:, None] - x[None, :]).mean())
    assert float(ds.esteban_ray(n, alpha=0.0, at=at, normalised=False)) == pytest.approx(gini, abs=1e-12)
    shares = (np.array(n) / sum(n)).tolist()
    assert float(ds.esteban_ray(shares, alpha=0.0, at=at)) == pytest.approx(gini * 2 / (at[-1] - at[0]), abs=1e-12)


def peeled(counts: tuple[int, ...]) -> Fraction:
    """Van der Eijk's layers taken off one by one, in exact fractions."""
    n, k, made = list(counts), len(counts), Fraction(0)
    while any(n):
        layer = [int(one > 0) for one in n]
        height, size = min(one for one in n if one), sum(layer)
        triples = [(layer[a], layer[b], layer[c]) for a in range(k) for b in range(a + 1, k) for c in range(b + 1, k)]
        tu, tdu = sum(one in {(1, 1, 0), (0, 1, 1)} for one in triples), triples.count((1, 0, 1))
        u = Fraction((k - 2) * tu - (k - 1) * tdu, (k - 2) * (tu + tdu)) if tu + tdu else Fraction(0)
        score = Fraction(1) if size == 1 else u * (1 - Fraction(size - 1, k - 1))
        made += score * height * size / sum(counts)
        n = [one - height if one else 0 for one in n]
    return made


def closed(counts: tuple[int, ...]) -> Fraction:
    """A of three classes: what is left when the smallest is taken off all, and where the gap is."""
    low, middle, high = (Fraction(one - min(counts)) for one in sorted(counts))
    assert low == 0
    gap = -1 if counts[1] == min(counts) else Fraction(1, 2)
    return (2 * middle * gap + (high - middle)) / sum(counts)


def test_agreement_in_closed_form_is_that_of_the_layers_for_all_counts_to_twelve() -> None:
    every = [counts for counts in product(range(13), repeat=3) if any(counts)]
    exact = [closed(counts) for counts in every]
    assert exact == [peeled(counts) for counts in every]
    np.testing.assert_allclose(ds.agreement_A(every), [float(one) for one in exact], atol=1e-12, rtol=0)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.integers(2, 6))
def test_the_squared_energy_distance_is_twice_the_squared_cramer_distance(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.ones(k), 2).tolist()
    at = np.cumsum(rng.integers(1, 5, k)).tolist()
    energy = float(ds.energy_distance(p, q, at))
    assert energy**2 == pytest.approx(2.0 * float(ds.cramer2(p, q, unbiased=False, at=at)), abs=1e-12)
    assert energy == pytest.approx(stats.energy_distance(at, at, p, q), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.integers(3, 12), st.integers(2, 4))
def test_of_two_values_the_nominal_and_the_interval_alpha_are_one(seed: int, units: int, coders: int) -> None:
    rng = np.random.default_rng(seed)
    cells = np.where(rng.random((units, coders)) < 0.2, np.nan, rng.integers(0, 2, (units, coders)) * 3.0 + 1.0)
    cells[:2, :2] = [[1.0, 4.0], [4.0, 4.0]]  # so that alpha is defined
    nominal = ds.krippendorff_alpha(cells.tolist(), "nominal", rows="units")
    assert ds.krippendorff_alpha(cells.tolist(), "interval", rows="units") == pytest.approx(nominal, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.integers(1, 30), st.integers(2, 5), st.sampled_from([0.01, 1.0, 50.0]))
def test_a_temperature_keeps_the_most_likely_frame(seed: int, n: int, k: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, spread, (n, k)).tolist()
    made = ds.TemperatureScaling().fit(logits, rng.integers(0, k, n).tolist()).predict_proba(logits)
    np.testing.assert_allclose(made.sum(axis=1), 1.0, atol=1e-12)
    assert (made[np.arange(n), np.argmax(logits, axis=1)] == made.max(axis=1)).all()


def cost_of(y: Floats, n: Floats) -> float:
    """Minus twice the log likelihood of a stretch with one share, without what no share changes."""
    k, m = float(y.sum()), float(n.sum())
    return -2.0 * sum(a * np.log(a / m) for a in (k, m - k) if a > 0)


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(4, 24), st.integers(1, 4), st.sampled_from([0.5, 3.0, 9.0]))
def test_pelt_is_the_exact_dynamic_programme(seed: int, days: int, least: int, pen: float) -> None:
    rng = np.random.default_rng(seed)
    n = rng.poisson(rng.choice([1.0, 15.0]), days).astype(float)
    y = rng.binomial(n.astype(int), np.repeat(rng.random(8), 3)[:days]).astype(float)
    best = np.full(days + 1, np.inf)
    best[0] = -pen
    for end in range(least, days + 1):
        best[end] = min(best[a] + cost_of(y[a:end], n[a:end]) + pen for a in range(end - least + 1))
    made = ds.pelt(y.tolist(), n.tolist(), cost="binomial", pen=pen, min_size=least)
    begins = (0, *made.changes)
    reached = sum(cost_of(y[a:b], n[a:b]) for a, b in zip(begins, made.ends, strict=True)) + pen * len(made.changes)
    assert reached == pytest.approx(best[days], abs=1e-8)
    assert made.ends[-1] == days


@given(st.permutations(range(3)), st.lists(st.integers(0, 30), min_size=3, max_size=3).filter(lambda n: sum(n) > 3))
def test_headlines_know_left_from_right_only_by_sign(order: list[int], n: list[int]) -> None:
    """Mirrored sides: the net tone changes its sign, polarization and distance do not change at all."""
    mirrored = n[::-1]
    assert float(ds.net_tone(mirrored)) == pytest.approx(-float(ds.net_tone(n)), abs=1e-12)
    assert float(ds.esteban_ray(mirrored)) == pytest.approx(float(ds.esteban_ray(n)), abs=1e-12)
    other = [n[i] for i in order]
    assert float(ds.cramer2(mirrored, other[::-1])) == pytest.approx(float(ds.cramer2(n, other)), abs=1e-12)
    assert float(ds.cramer2(other, n)) == pytest.approx(float(ds.cramer2(n, other)), abs=1e-12)


NAMED = {
    "agreement_A": ([3, 5, 2],), "esteban_ray": ([3, 5, 2],), "pole_index": ([3, 5, 2],), "net_tone": ([3, 5, 2],),
    "cramer2": ([3, 5, 2], [5, 4, 1]), "jsd": ([3, 5, 2], [5, 4, 1]), "wasserstein1": ([3, 5, 2], [5, 4, 1]),
    "energy_distance": ([3, 5, 2], [5, 4, 1]), "affective_gap": (7, 20, 3, 20), "ei_index": ([[35, 11], [0, 32]],),
    "assortativity": ([[35, 11], [0, 32]],), "rwc": ([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)], list("aabb"), 1),
    "leave_out_partisanship": ([[2, 1], [1, 1], [1, 3], [2, 2]], list("aabb")),
    "krippendorff_alpha": ([[1, 1], [1, 2], [2, 2]], "ordinal"), "ece": ([[0.6, 0.4], [0.3, 0.7]], [0, 0]),
    "brier": ([[0.6, 0.4], [0.3, 0.7]], [0, 0]), "risk_coverage": ([[0.6, 0.4], [0.3, 0.7]], [0, 0]),
    "selective_bound": (3, 40), "psi": ([0.3, 0.7], [0.4, 0.6]), "ks": ([1.0, 2.0], [1.5, 3.0]),
    "mmd": ([1.0, 2.0], [1.5, 3.0]), "breakdown": (0.3, 0.4), "kish_n_eff": ([4, 4, 1],),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_lists_tuples_and_arrays_give_one_and_the_same_number(name: str) -> None:
    def held(value: Any, as_: Any) -> Any:
        return as_(value) if isinstance(value, list) else value

    function = getattr(ds, name)
    made = [float(function(*(held(one, as_) for one in NAMED[name]))) for as_ in (list, tuple, np.array)]
    assert np.isfinite(made[0])
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize("name", ["agreement_A", "esteban_ray", "pole_index", "net_tone", "variance"])
def test_replicates_and_windows_may_stand_in_front(name: str) -> None:
    """An array (..., k) gives what each of its rows gives."""
    function = getattr(ds, name)
    rows = np.array(list(permutations((4, 9, 2)))).reshape(2, 3, 3)
    made = function(rows)
    assert made.shape == (2, 3)
    for i, j in product(range(2), range(3)):
        assert float(made[i, j]) == pytest.approx(float(function(rows[i, j].tolist())), abs=1e-12)


# What a notebook types: the names of the field, and three that this house calls otherwise.
FIELD = """
    prevalence difference esteban_ray agreement_A pole_index net_tone cramer2 jsd wasserstein1 energy_distance
    affective_gap leave_out_partisanship ei_index assortativity rwc event_study window_contrast pelt krippendorff_alpha
    TemperatureScaling ece brier risk_coverage selective_bound psi ks mmd domain_auc error_stability bots breakdown
    draw_sample Tallies compare
"""


def test_the_names_of_the_field_are_on_the_face() -> None:
    assert set(FIELD.split()) <= set(ds.__all__)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_prevalence_is_there_for_arrays_too(method: str) -> None:
    named = {"ppi++": "ppi_plus", "gold": "cc"}.get(method, method)  # gold alone: counts of gold are counts
    assert named in ds.__all__
