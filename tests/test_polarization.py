"""Measures of polarization as values that a series takes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.indices.between import (
    cramer2,
    energy_distance,
    jsd,
    net_tone_gap,
    total_variation,
    wasserstein1,
)
from discourse.indices.polarization import BETWEEN, WITHIN, NetTone, Polarization
from discourse.indices.within import (
    agreement_A,
    balance,
    esteban_ray,
    net_tone,
    pole_index,
    pole_share,
    variance,
)

Array = np.ndarray
P, Q = np.array([0.25, 0.5, 0.25]), np.array([0.35, 0.45, 0.20])


def clustered(rng: np.random.Generator, p: Array, authors: int) -> Array:
    """Mean shares of heavy-tailed authors around p, with 100 Poisson replicates; (101, 3)."""
    posts = np.ceil(rng.pareto(1.5, authors)).astype(int)
    own = rng.dirichlet(p * 7 / 3, authors)
    each = np.array([rng.multinomial(max(1, m), q) for m, q in zip(posts, own, strict=True)])
    weights = np.vstack([np.ones(authors), rng.poisson(1.0, (100, authors))])
    summed = weights @ (each / each.sum(axis=1, keepdims=True))
    made: Array = summed / summed.sum(axis=1, keepdims=True)
    return made


@pytest.fixture(scope="module")
def samples() -> tuple[Array, Array]:
    rng = np.random.default_rng(11)
    pairs = [(clustered(rng, P, 60), clustered(rng, Q, 60)) for _ in range(500)]
    return np.stack([a for a, _ in pairs]), np.stack([b for _, b in pairs])


@pytest.mark.parametrize(
    "measure",
    [
        Polarization("esteban-ray"), Polarization("esteban-ray", 1.3), Polarization("variance"),
        Polarization("cramer2"), Polarization("jsd"), Polarization("net-tone-gap"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_taken_off_is_the_bias(measure: Polarization, samples: tuple[Array, Array]) -> None:
    given, known = (samples, (P, Q)) if measure.between else (samples[:1], (P,))
    true = float(measure.of(*known))
    plain = measure.of(*(x[:, 0] for x in given))
    estimate, low, high = measure.interval(*given)
    np.testing.assert_allclose(estimate, plain - measure.correct(*given), atol=1e-12)
    error = float(estimate.std()) / math.sqrt(len(estimate))
    assert abs(float(estimate.mean()) - true) < 3.5 * error
    if measure.kind in ("cramer-squared", "jsd"):
        assert float(plain.mean()) - true > 5 * error
    held = float(((low <= true) & (true <= high)).mean())
    assert 0.90 <= held <= 1.0
    if measure.kind not in ("cramer-squared", "jsd"):
        assert held <= 0.98


@pytest.mark.parametrize("measure", [Polarization("esteban-ray"), Polarization("variance")], ids=repr)
def test_percentiles_are_moved_by_twice_the_bias(measure: Polarization) -> None:
    shares = clustered(np.random.default_rng(12), P, 12)
    estimate, low, high = measure.interval(shares, level=0.9)
    values, bias = measure.of(shares), float(measure.correct(shares))
    assert abs(bias) > 0.002
    np.testing.assert_allclose([low, high], np.quantile(values[1:], [0.05, 0.95]) - 2 * bias, atol=1e-12)
    assert float(estimate) == pytest.approx(float(values[0]) - bias, abs=1e-12)


@pytest.mark.parametrize("kind", ["energy", "wasserstein", "agreement", "pole-index"])
def test_the_other_kinds_have_an_interval_too(kind: str, samples: tuple[Array, Array]) -> None:
    measure = Polarization(kind)
    given = samples if measure.between else samples[:1]
    estimate, low, high = measure.interval(*given)
    assert (low <= high).all()
    plain = measure.of(*(x[:, 0] for x in given))
    np.testing.assert_allclose(estimate, plain - measure.correct(*given), atol=1e-12)
    assert bool(measure.correct(*given).any()) == (kind == "energy")
    if kind == "energy":
        squared = Polarization("cramer2").interval(*given)
        np.testing.assert_allclose(estimate**2, 2 * np.maximum(squared[0], 0), atol=1e-12)
        np.testing.assert_allclose(high**2, 2 * np.maximum(squared[2], 0), atol=1e-12)


def test_net_tone_has_the_same_interface(samples: tuple[Array, Array]) -> None:
    estimate, low, high = NetTone().interval(samples[0])
    np.testing.assert_array_equal(estimate, net_tone(samples[0][:, 0]))
    assert not NetTone().correct(samples[0]).any()
    assert not NetTone().between
    assert 0.90 <= float(((low <= 0.0) & (high >= 0.0)).mean()) <= 0.98


@pytest.mark.parametrize("kind", [*WITHIN, *BETWEEN])
def test_a_window_without_posts_has_no_number_and_leaves_the_others_alone(
    kind: str, samples: tuple[Array, Array]
) -> None:
    measure = Polarization(kind)
    first, second = (x[:4].copy() for x in samples)
    whole = [0, 1, 3]
    alone = measure.interval(first[whole], second[whole] if measure.between else None)
    for x in (first, second):
        x[2] = np.nan
        x[3, 7] = np.nan  # a replicate that drew no author
    made = measure.interval(first, second if measure.between else None)
    for with_holes, without in zip(made, alone, strict=True):
        assert np.isnan(with_holes).tolist() == [False, False, True, False]
        np.testing.assert_allclose(with_holes[:2], without[:2], atol=1e-12)
        assert with_holes[3] == pytest.approx(without[2], abs=0.02)


def test_a_replicate_that_strays_below_zero_does_not_break_a_measure() -> None:
    strayed = np.array([[0.5, 0.3, 0.2], [-0.01, 0.71, 0.3], [0.4, 0.4, 0.2]])
    for kind in (*WITHIN, *BETWEEN):
        measure = Polarization(kind, 1.3) if kind == "esteban-ray" else Polarization(kind)
        given = (strayed, strayed[::-1]) if measure.between else (strayed,)
        assert np.isfinite(measure.of(*given)).all()


@pytest.mark.parametrize("kind", [*WITHIN, *BETWEEN])
def test_a_measure_is_a_small_value(kind: str) -> None:
    measure = Polarization(kind)
    assert repr(measure) == f"Polarization('{kind}')"
    assert measure.between is (kind in BETWEEN)
    assert measure == Polarization(kind)
    assert len({measure, Polarization(kind)}) == 1
    low, high = measure.bounds
    corners = [measure.of(a, b) if measure.between else measure.of(a) for a in np.eye(3) for b in np.eye(3)]
    corners += [] if measure.between else [measure.of([0.5, 0.0, 0.5])]
    assert min(map(float, corners)) == low
    assert max(map(float, corners)) == pytest.approx(high, abs=1e-12)


def test_an_alias_and_an_alpha_are_the_same_value_or_another() -> None:
    assert Polarization("cramer2") == Polarization("cramer-squared")
    assert Polarization("esteban-ray", 1.3) != Polarization("esteban-ray")
    assert repr(Polarization("esteban-ray", 1.3)) == "Polarization('esteban-ray', alpha=1.3)"
    with pytest.raises(UsageError, match=r"^alpha is for 'esteban-ray' and the kind is 'jsd'; leave alpha out$"):
        Polarization("jsd", alpha=1.3)


def test_an_unknown_measure_is_told_the_options() -> None:
    options = ", ".join(repr(kind) for kind in (*WITHIN, *BETWEEN[:-1])) + f" or {BETWEEN[-1]!r}"
    with pytest.raises(SchemaError) as caught:
        Polarization("esteban_ray")
    assert str(caught.value) == f"polarization is 'esteban_ray'; it must be {options}. Did you mean 'esteban-ray'?"


def test_a_measure_wants_as_many_sides_as_it_compares() -> None:
    with pytest.raises(UsageError, match=r"^Polarization\('jsd'\) takes the shares of two sides; got 1$"):
        Polarization("jsd").of([0.3, 0.5, 0.2])
    with pytest.raises(UsageError, match=r"^Polarization\('variance'\) takes the shares of one side; got 2$"):
        Polarization("variance").of([0.3, 0.5, 0.2], [0.3, 0.5, 0.2])


@pytest.mark.parametrize("kind", [*WITHIN, *BETWEEN])
def test_only_a_gap_can_be_read_against_zero(kind: str) -> None:
    measure = Polarization(kind)
    if kind == "net-tone-gap":
        assert measure.excludes_zero([0.1, -0.3, -0.1], [0.3, -0.1, 0.1]).tolist() == [True, True, False]
        return
    way = "use wald_of_replicates or permutation_test" if measure.between else "compare windows with each other"
    with pytest.raises(MeaningError) as caught:
        measure.excludes_zero(0.1, 0.3)
    assert str(caught.value) == (
        f"{measure!r} is never below 0 and no resample reaches 0, so its interval cannot test that there is none; {way}"
    )


def test_nothing_is_changed_in_place_and_shapes_are_kept() -> None:
    p = np.stack([P, Q]).reshape(2, 1, 3)
    before = p.copy()
    for f in (esteban_ray, agreement_A, pole_index, variance, net_tone, pole_share, balance):
        assert f(p).shape == (2, 1)
    for g in (cramer2, jsd, wasserstein1, total_variation, energy_distance, net_tone_gap):
        assert g(p, Q).shape == (2, 1)
    np.testing.assert_array_equal(p, before)
    assert np.isnan(esteban_ray([[0.3, 0.5, 0.2], [np.nan, 0.5, 0.5]])).tolist() == [False, True]


def test_a_consensus_has_no_bias() -> None:
    agreed = np.tile([1.0, 0.0, 0.0], (5, 1))
    assert float(Polarization("esteban-ray").correct(agreed)) == 0.0
    assert float(Polarization("jsd").correct(agreed, agreed)) == 0.0
