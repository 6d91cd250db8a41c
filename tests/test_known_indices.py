"""Values from outside for indices, distances, partisanship and networks, kept as literals."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import stats

from discourse.errors import BimodalityWarning
from discourse.indices.affective import AffectivePolarization, affective_gap, affective_log_odds
from discourse.indices.between import cramer2, energy_distance, jsd, total_variation, wasserstein1
from discourse.indices.dip import dip, dip_p_value
from discourse.indices.partisanship import leave_out_partisanship, plug_in_partisanship
from discourse.indices.polarization import Polarization
from discourse.indices.within import (
    agreement_A,
    balance,
    bimodality_coefficient,
    esteban_ray,
    net_tone,
    pole_index,
    pole_share,
    variance,
)
from discourse.networks.network import assortativity, ei_index, modularity, rwc

# R package agrmt 1.42.12 in exact rationals; the first vector is the example of its manual.
AGREEMENT = [
    ([30, 40, 210, 130, 530, 50, 10], 0.6113333333333333),
    ([300, 500, 200], 0.3),
    ([450, 100, 450], -0.7),
    ([1, 0, 1], -1.0),
    ([1, 1, 1], 0.0),
    ([1, 1, 0], 0.5),
]


@pytest.mark.parametrize(("counts", "expected"), AGREEMENT)
def test_agreement(counts: list[int], expected: float) -> None:
    assert float(agreement_A(counts)) == pytest.approx(expected, abs=1e-12)
    fractions: Any = [Fraction(count, sum(counts)) for count in counts]
    assert float(agreement_A(fractions)) == pytest.approx(expected, abs=1e-12)
    assert float(agreement_A(np.array(counts) / sum(counts))) == pytest.approx(expected, abs=1e-12)
    if len(counts) == 3:
        shares = np.array(counts) / sum(counts)
        assert float(Polarization("agreement").of(shares)) == pytest.approx((1 - expected) / 2, abs=1e-12)


THIRD = (1 / 3, 1 / 3, 1 / 3)


# Formula of polarisation.ER of the R package acid 1.1: shares, alpha, raw, normalised.
@pytest.mark.parametrize(
    ("shares", "alpha", "raw", "normalised"),
    [
        ((0.3, 0.5, 0.2), 0.0, 0.74, 0.74),
        ((0.3, 0.5, 0.2), 1.0, 0.24999999999999994, 0.4999999999999999),
        ((0.3, 0.5, 0.2), 1.3, 0.18512550896102176, 0.4558324722499923),
        ((0.5, 0.0, 0.5), 1.3, 0.4061261981781178, 1.0),
        (THIRD, 1.6, 0.15326869865830708, 0.46462381136777214),
        ((0.95, 0.0, 0.05), 1.6, 0.08830195645765643, 0.26768147651629937),
    ],
)
def test_esteban_ray_raw_and_normalised(shares: tuple[float, ...], alpha: float, raw: float, normalised: float) -> None:
    assert float(esteban_ray(shares, alpha)) == pytest.approx(normalised, abs=1e-12)
    assert float(esteban_ray(shares, alpha, False, normalised=False)) == pytest.approx(raw, abs=1e-12)
    assert float(Polarization("esteban-ray", alpha).of(shares)) == pytest.approx(normalised, abs=1e-12)


def test_esteban_ray_of_counts() -> None:
    # Exact algebra: sum of n_i (n_i - 1) n_j |x_i - x_j| over n (n - 1) (n - 2).
    raw = 0.24444444444444444
    assert float(esteban_ray([3, 5, 2], unbiased=True, normalised=False)) == pytest.approx(
        0.24444444444444444, abs=1e-12
    )
    assert float(esteban_ray([3, 5, 2], unbiased=False, normalised=False)) == pytest.approx(0.25, abs=1e-12)
    assert float(esteban_ray([3, 5, 2])) == pytest.approx(2 * raw, abs=1e-12)


# scipy 1.17.1: bimodality coefficient, variance with n, variance with n - 1.
@pytest.mark.parametrize(
    ("counts", "coefficient", "plain", "unbiased"),
    [
        ([300, 500, 200], 0.49743478908933286, 0.49, 0.4904904904904906),
        ([450, 100, 450], 0.8955062955062951, 0.9, 0.9009009009009009),
        ([100, 800, 100], 0.19900139900139904, 0.2, 0.2002002002002002),
        ([3, 5, 2], 0.28497937748499313, 0.49, 0.5444444444444445),
        ([9500, 0, 500], 0.9997833857976935, 0.19, 0.19001900190019005),
    ],
)
def test_bimodality_and_variance(counts: list[int], coefficient: float, plain: float, unbiased: float) -> None:
    with pytest.warns(BimodalityWarning, match=r"^the bimodality coefficient does not measure polarization"):
        made = float(bimodality_coefficient(counts))
    assert made == pytest.approx(coefficient, abs=1e-8)
    x = np.repeat([-1.0, 0.0, 1.0], counts)
    n = len(x)
    skew, excess = stats.skew(x, bias=False), stats.kurtosis(x, bias=False)
    assert made == pytest.approx((skew**2 + 1) / (excess + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))), abs=1e-10)
    assert float(variance(counts, unbiased=False)) == pytest.approx(plain, abs=1e-12)
    assert float(variance(counts)) == pytest.approx(unbiased, abs=1e-12)
    assert float(variance(np.array(counts) / n)) == pytest.approx(plain, abs=1e-12)


def test_distances_between_two_sides() -> None:
    p, q = (0.3, 0.5, 0.2), (0.2, 0.35, 0.45)
    assert float(jsd(p, q)) == pytest.approx(0.05244999586552523, abs=1e-10)
    assert float(jsd(p, q, base=math.e)) == pytest.approx(0.03635556675456961, abs=1e-10)
    # scipy's jensenshannon is the root of it, in nats.
    assert math.sqrt(float(jsd(p, q, base=math.e))) == pytest.approx(0.19067135798165807, abs=1e-10)
    assert float(jsd(p, q)) != pytest.approx(0.19067135798165807, abs=1e-3)
    assert float(wasserstein1(p, q)) == pytest.approx(0.35, abs=1e-10)
    assert float(total_variation(p, q)) == pytest.approx(0.25, abs=1e-10)
    assert float(energy_distance(p, q)) == pytest.approx(0.38078865529319544, abs=1e-10)
    assert float(cramer2(p, q)) == pytest.approx(0.0725, abs=1e-10)


def test_poles() -> None:
    # Arithmetic; for poles at -1 and 1 Morales et al. (2015) have mu = 1 - |0.2 - 0.3| / 0.5, which is the balance.
    shares = [0.3, 0.5, 0.2]
    made = [float(f(shares)) for f in (pole_share, balance, pole_index, net_tone)]
    np.testing.assert_allclose(made, [0.5, 0.8, 0.4, -0.1], atol=1e-12)


def test_affective_polarization() -> None:
    assert float(affective_gap(140, 400, 45, 300)) == pytest.approx(0.2, abs=1e-12)
    value, error = affective_log_odds(140, 400, 45, 300)
    assert float(value) == pytest.approx(1.1155618469818829, abs=1e-12)
    assert float(error) == pytest.approx(0.1926987333603524, abs=1e-12)
    cells = [140, 260, 45, 255]
    assert float(AffectivePolarization().of(cells)) == pytest.approx(0.2, abs=1e-12)
    assert float(AffectivePolarization("log-odds").of(cells)) == pytest.approx(1.1155618469818829, abs=1e-12)


def test_dip_of_a_continuous_sample() -> None:
    # diptest 0.12.0; its p-value is from a table of its own.
    x = [0.11, 0.19, 0.21, 0.24, 0.29, 0.31, 0.71, 0.74, 0.78, 0.79, 0.83, 0.91]
    with pytest.warns(BimodalityWarning):
        made = dip(x)
    assert made == pytest.approx(0.16666666666666663, abs=1e-9)
    assert dip_p_value(made, len(x)) == pytest.approx(0.0013419388322711834, abs=1e-3)


def test_the_trap_of_a_dip_of_three_classes() -> None:
    # One peak, and yet a dip that no uniform sample of 1,000 has: why classes are refused.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BimodalityWarning)
        made = dip([-1, 0, 1], [200, 600, 200], force=True)
    assert made == pytest.approx(0.1, abs=1e-9)
    assert dip_p_value(made, 1000) == 0.0


# Demszky et al. (2019) with its leave-out mended: in the published code the first author of a side is never left out.
LEAVE_OUT = [
    ([[2, 1, 0, 3], [0, 4, 1, 1], [1, 1, 1, 0]], [[0, 1, 5, 1], [1, 0, 2, 2], [0, 0, 3, 1]],
     0.6027054814557102, 0.6560012435588471, 0.6594045303722724, 0.6295236827543133),
    ([[1, 1, 1], [2, 1, 0], [0, 2, 2]], [[1, 1, 1], [2, 1, 0], [0, 2, 2]],
     0.43030958584147766, 0.5, 0.5, 0.43110390412948807),
]  # fmt: skip


@pytest.mark.parametrize("case", LEAVE_OUT)
def test_partisanship(case: tuple[Any, ...]) -> None:
    one, two, leave_out, averaged, pooled, bad = case
    counts, group = [*one, *two], ["D"] * 3 + ["R"] * 3
    made = leave_out_partisanship(counts, group)
    assert made == pytest.approx(leave_out, abs=1e-10)
    assert abs(made - bad) > 5e-4
    assert plug_in_partisanship(counts, group, pooled=False) == pytest.approx(averaged, abs=1e-10)
    assert plug_in_partisanship(counts, group) == pytest.approx(pooled, abs=1e-10)


# Zachary's karate club as networkx 3.6.1 has it, without weights.
KARATE = [
    (0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (0, 7), (0, 8), (0, 10), (0, 11), (0, 12), (0, 13), (0, 17),
    (0, 19), (0, 21), (0, 31), (1, 2), (1, 3), (1, 7), (1, 13), (1, 17), (1, 19), (1, 21), (1, 30), (2, 3), (2, 7),
    (2, 8), (2, 9), (2, 13), (2, 27), (2, 28), (2, 32), (3, 7), (3, 12), (3, 13), (4, 6), (4, 10), (5, 6), (5, 10),
    (5, 16), (6, 16), (8, 30), (8, 32), (8, 33), (9, 33), (13, 33), (14, 32), (14, 33), (15, 32), (15, 33), (18, 32),
    (18, 33), (19, 33), (20, 32), (20, 33), (22, 32), (22, 33), (23, 25), (23, 27), (23, 29), (23, 32), (23, 33),
    (24, 25), (24, 27), (24, 31), (25, 31), (26, 29), (26, 33), (27, 33), (28, 31), (28, 33), (29, 32), (29, 33),
    (30, 32), (30, 33), (31, 32), (31, 33), (32, 33),
]  # fmt: skip
OF_THE_INSTRUCTOR = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21}


def test_a_known_network() -> None:
    sides = ["instructor" if node in OF_THE_INSTRUCTOR else "officer" for node in range(34)]
    ends = [(a in OF_THE_INSTRUCTOR, b in OF_THE_INSTRUCTOR) for a, b in KARATE]
    matrix = [[ends.count((True, True)), 11], [0, ends.count((False, False))]]
    assert sum(a == b for a, b in ends) == 67
    for given in ((KARATE, sides), (matrix, None)):
        assert ei_index(*given) == pytest.approx(-0.717948717948718, abs=1e-9)
        assert assortativity(*given) == pytest.approx(0.717530864197531, abs=1e-9)
        assert modularity(*given) == pytest.approx(0.3582347140039448, abs=1e-9)
    for k, expected in ((1, 0.6076343791502677), (2, 0.6794719954427016), (3, 0.754227874238616)):
        assert rwc(KARATE, sides, k) == pytest.approx(expected, abs=1e-9)
