"""Values from outside, kept as literals: published formulas, other packages, closed forms."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import energy_distance

from discourse.estimators.stratified import poststrat
from discourse.indices.polarization import cramer_squared, esteban_ray, esteban_ray_unbiased, net_tone, positions
from discourse.measure.prevalence import prevalence
from discourse.measure.tallies import SCALE, Design, Tallies, tally
from discourse.poisson import hash_keys, poisson_weights
from discourse.schema import FRAMES

# Specification of the hash-keyed Poisson bootstrap, computed with hashlib alone: key, seed 0, seed 7.
WEIGHTS = {
    "alice": (
        13638701962541011799,
        [0, 1, 1, 0, 0, 0, 1, 3, 1, 1, 0, 0, 1, 0, 2, 2],
        [0, 0, 1, 1, 2, 0, 4, 0, 1, 0, 0, 0, 0, 3, 0, 0],
    ),
    "@user_003": (
        8865203466843811442,
        [2, 0, 2, 1, 2, 1, 3, 0, 0, 1, 2, 4, 2, 0, 1, 2],
        [0, 1, 1, 0, 1, 2, 1, 1, 1, 2, 1, 2, 0, 3, 0, 1],
    ),
    "علی": (
        7732046038623216805,
        [2, 1, 0, 1, 0, 1, 1, 3, 0, 1, 2, 0, 0, 1, 0, 0],
        [1, 3, 0, 2, 0, 0, 1, 1, 2, 1, 1, 1, 0, 0, 3, 0],
    ),
    "": (
        4331143152044847043,
        [0, 0, 1, 1, 0, 2, 0, 0, 1, 3, 1, 1, 3, 4, 2, 0],
        [0, 2, 1, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 2, 1],
    ),
}


@pytest.mark.parametrize("author", list(WEIGHTS))
def test_poisson_weights(author: str) -> None:
    key, seed_0, seed_7 = WEIGHTS[author]
    assert int(hash_keys([author], 0)[0]) == key
    assert poisson_weights([author], 16, 0)[0].tolist() == seed_0
    assert poisson_weights([author], 16, 7)[0].tolist() == seed_7


def one_cell(authors: dict[str, tuple[int, int]], weight: str, replicates: int) -> Tallies:
    """Tally of one cell: per author so many nationalist and so many other posts, as predicted."""
    rows = [
        (author, frame)
        for author, counts in authors.items()
        for frame, count in zip(("nationalist", "neither"), counts, strict=True)
        for _ in range(count)
    ]
    posts = pl.DataFrame(rows, schema=["author_id", "predicted"], orient="row").with_columns(
        window=pl.lit("w"), side=pl.lit("s"), value=pl.lit(None, pl.String), inclusion_p=pl.lit(None, pl.Float64)
    )
    return tally(posts, Design(("w",), ("s",), weight=weight, replicates=replicates, seed=0))


def test_poisson_bootstrap_replicates() -> None:
    authors = {"alice": (3, 1), "bob": (0, 4), "carol": (10, 2), "dan": (1, 0), "eve": (2, 7), "@user_003": (1, 1)}
    made = one_cell(authors, "post", 8)
    counts = made.counts[0] / SCALE
    nationalist = counts[FRAMES.index("nationalist")]
    assert (nationalist[0], counts[:, 0].sum()) == (17, 32)
    assert nationalist[1:].tolist() == [5, 4, 20, 11, 16, 13, 6, 16]
    assert counts[:, 1:].sum(axis=0).tolist() == [18, 5, 40, 18, 27, 20, 10, 44]
    shares = prevalence(made, method="cc").values[0, 0, FRAMES.index("nationalist")]
    expected = [0.53125, 0.2777777777777778, 0.8, 0.5, 0.6111111111111112, 0.5925925925925926, 0.65, 0.6]
    np.testing.assert_allclose(shares, [*expected, 0.36363636363636365], atol=1e-12, rtol=0)


def test_shares_and_effective_size_of_clustered_posts() -> None:
    # Closed form; six authors with 4, 4, 12, 1, 9, 2 posts, of which 3, 0, 10, 1, 2, 1 nationalist.
    authors = {"a": (3, 1), "b": (0, 4), "c": (10, 2), "d": (1, 0), "e": (2, 7), "f": (1, 1)}
    by_post, by_author = one_cell(authors, "post", 1), one_cell(authors, "author", 1)
    k = FRAMES.index("nationalist")
    assert prevalence(by_post, method="cc").values[0, 0, k, 0] == pytest.approx(0.53125, abs=1e-12)
    # Author weights are kept in 2**-32 of a post, so here only to nine digits.
    assert prevalence(by_author, method="cc").values[0, 0, k, 0] == pytest.approx(0.5509259259259259, abs=1e-9)
    assert by_post.n_eff()[0] == pytest.approx(3.9083969465648853, abs=1e-12)
    assert by_author.n_eff()[0] == 6.0


THIRD = (1 / 3, 1 / 3, 1 / 3)
# Formula of polarisation.ER of the R package acid 1.1: shares at -1, 0, 1; alpha; raw; normalised.
ESTEBAN_RAY = [
    ((0.3, 0.5, 0.2), 0.0, 0.74, 0.74),
    ((0.3, 0.5, 0.2), 1.0, 0.24999999999999994, 0.4999999999999999),
    ((0.3, 0.5, 0.2), 1.3, 0.18512550896102176, 0.4558324722499923),
    ((0.5, 0.0, 0.5), 0.0, 1.0, 1.0),
    ((0.5, 0.0, 0.5), 1.0, 0.5, 1.0),
    ((0.5, 0.0, 0.5), 1.3, 0.4061261981781178, 1.0),
    ((0.5, 0.0, 0.5), 1.6, 0.32987697769322355, 1.0),
    (THIRD, 0.0, 0.8888888888888888, 0.8888888888888888),
    (THIRD, 1.0, 0.2962962962962963, 0.5925925925925926),
    (THIRD, 1.3, 0.21310313876292278, 0.5247214775084776),
    (THIRD, 1.6, 0.15326869865830708, 0.46462381136777214),
    ((0.25, 0.5, 0.25), 0.0, 0.75, 0.75),
    ((0.25, 0.5, 0.25), 1.0, 0.25, 0.5),
    ((0.25, 0.5, 0.25), 1.6, 0.13687865462931365, 0.4149384888466118),
    ((0.95, 0.0, 0.05), 0.0, 0.19, 0.19),
    ((0.95, 0.0, 0.05), 1.0, 0.095, 0.19),
    ((0.95, 0.0, 0.05), 1.3, 0.09080554463883644, 0.22358947796569179),
    ((0.95, 0.0, 0.05), 1.6, 0.08830195645765643, 0.26768147651629937),
]


@pytest.mark.parametrize(("shares", "alpha", "raw", "normalised"), ESTEBAN_RAY)
def test_esteban_ray(shares: tuple[float, ...], alpha: float, raw: float, normalised: float) -> None:
    made = float(esteban_ray(shares, alpha))
    assert made == pytest.approx(normalised, abs=1e-12)
    assert made * 2.0 * 0.5 ** (2.0 + alpha) * 2.0 == pytest.approx(raw, abs=1e-12)


def test_esteban_ray_unbiased() -> None:
    # The reference is the raw sum; half and half has the raw value 0.5, so the normalised one is twice as large.
    assert float(esteban_ray_unbiased([3, 5, 2])) == pytest.approx(2 * 0.24444444444444444, abs=1e-12)
    assert float(esteban_ray([0.3, 0.5, 0.2])) == pytest.approx(2 * 0.24999999999999994, abs=1e-12)


def test_net_tone_of_the_poles() -> None:
    shares = dict.fromkeys(FRAMES, 0.0) | {"nationalist": 0.2, "neither": 0.5, "conciliatory": 0.3}
    assert float(net_tone(list(shares.values()))) == pytest.approx(-0.1, abs=1e-12)
    assert positions(np.array(list(shares.values()))).tolist() == [0.3, 0.5, 0.2]


def test_cramer_squared_and_energy_distance() -> None:
    p, q = (0.3, 0.5, 0.2), (0.2, 0.35, 0.45)
    made = float(cramer_squared(p, q))
    assert made == pytest.approx(0.0725, abs=1e-10)
    assert math.sqrt(2.0 * made) == pytest.approx(0.38078865529319544, abs=1e-10)
    assert math.sqrt(2.0 * made) == pytest.approx(energy_distance((-1, 0, 1), (-1, 0, 1), p, q), abs=1e-10)


def test_post_stratified_share() -> None:
    # Tenenbein (1970); Cochran (1977), section 12, in closed form.
    true_by_predicted = np.array([[40.0, 3.0, 18.0], [2.0, 31.0, 14.0], [6.0, 12.0, 124.0]])
    made = poststrat(np.array([2400.0, 1600.0, 6000.0]), true_by_predicted.T)
    expected = [0.2796655518394649, 0.17167224080267557, 0.5486622073578595]
    np.testing.assert_allclose(made, expected, atol=1e-12, rtol=0)
