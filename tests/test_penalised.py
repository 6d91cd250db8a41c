"""The penalised estimator against a general optimiser, and what it does with covariates and nonsense."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from discourse.errors import UsageError
from discourse.indices.penalised import penalised_partisanship

Array = np.ndarray
PSI = 1e-5


def loss(at: Array, data: tuple[Array, Array, Array, Array], penalty: float) -> float:
    """The objective of one token, from the paper: at = (alpha, phi, gamma...)."""
    c, m, x, second = data
    eta = at[0] + x @ at[2:] + at[1] * second
    return float((m * np.exp(eta) - c * eta).sum() + PSI * (abs(at[0]) + np.abs(at[2:]).sum()) + penalty * abs(at[1]))


def counts_of(rng: np.random.Generator, n: int, tokens: int = 6) -> tuple[Array, Array, Array]:
    """Counts, side and a 0/1 covariate that moves the words and goes with the side."""
    second = np.arange(n) % 2
    topic = (rng.random(n) < np.where(second == 1, 0.8, 0.2)).astype(float)
    lean, pull = np.linspace(-0.8, 0.8, tokens), np.linspace(1.0, -1.0, tokens) ** 3
    rates = np.exp(-1.0 + np.outer(second, lean) + np.outer(topic, pull))
    return rng.poisson(rates * 4), second, topic[:, None]


@pytest.mark.parametrize("with_covariates", [False, True])
def test_the_fit_minimises_the_objective_and_bic_chooses(with_covariates: bool) -> None:
    counts, second, topic = counts_of(np.random.default_rng(1), 40)
    x = topic if with_covariates else np.zeros((40, 0))
    made = penalised_partisanship(counts, second, covariates=x if with_covariates else None)
    m = counts.sum(axis=1).astype(float)
    for j in range(counts.shape[1]):
        c, penalty = counts[:, j].astype(float), float(made.penalty[j])
        start = np.r_[-2.0, 0.0, np.zeros(x.shape[1])]
        options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20_000, "maxfev": 20_000}
        best = minimize(loss, start, ((c, m, x, second), penalty), method="Nelder-Mead", options=options)
        assert made.phi[j] == pytest.approx(best.x[1], abs=2e-5)
        # BIC: the chosen model beats the one without phi, or phi is 0.
        none = minimize(loss, start, ((c, m, x, second), 1e9), method="Nelder-Mead", options=options)
        gain = 2 * (loss(none.x * [1, 0, *[1] * x.shape[1]], (c, m, x, second), 0) - loss(best.x, (c, m, x, second), 0))
        if made.phi[j] != 0:
            assert gain > np.log(40) - 1e-6
    assert made.selected == int((made.phi != 0).sum())


def test_a_covariate_that_explains_the_words_takes_the_partisanship_away() -> None:
    rng = np.random.default_rng(2)
    second = np.arange(400) % 2
    topic = (rng.random(400) < np.where(second == 1, 0.9, 0.1)).astype(float)
    counts = rng.poisson(np.exp(np.outer(topic, np.linspace(-1, 1, 8))) * 3)
    raw = penalised_partisanship(counts, second)
    held = penalised_partisanship(counts, second, covariates=topic[:, None])
    assert raw.value > 0.53
    assert held.value == pytest.approx(0.5, abs=0.01)
    assert held.selected < raw.selected


def test_side_and_rows_are_symmetric_and_tokens_of_one_are_no_tokens() -> None:
    counts, second, topic = counts_of(np.random.default_rng(3), 30)
    counts = np.column_stack([counts, np.eye(30, dtype=int)[:, 0] * 50])
    made = penalised_partisanship(counts, second, covariates=topic)
    assert np.isnan(made.phi).tolist() == [False] * 6 + [True]
    other = penalised_partisanship(counts, 1 - second, covariates=topic)
    np.testing.assert_allclose(other.phi, -made.phi, atol=1e-4)
    assert other.value == pytest.approx(made.value, abs=1e-5)
    twice, who = np.vstack([counts // 2, counts - counts // 2]), np.tile(np.arange(30), 2)
    by_rows = penalised_partisanship(twice, np.tile(second, 2), who, covariates=np.vstack([topic, topic]))
    np.testing.assert_allclose(by_rows.phi, made.phi, atol=1e-12)


@pytest.mark.parametrize(
    ("covariates", "author", "message"),
    [
        (np.zeros((3, 1)), None, "covariates have shape (3, 1); give 4 rows of finite numbers"),
        (np.zeros(4), None, "covariates have shape (4,); give 4 rows of finite numbers"),
        (np.array([[0.0], [1.0], [0.0], [np.nan]]), None,
         "covariates have shape (4, 1); give 4 rows of finite numbers"),
        (np.array([[0.0], [1.0], [0.0], [0.0]]), ["x", "x", "y", "y"],
         "covariates change within an author; give every author one row of values"),
    ],
)  # fmt: skip
def test_covariates_must_belong_to_authors(covariates: Array, author: list[str] | None, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        penalised_partisanship(np.ones((4, 3)), ["a", "a", "b", "b"], author, covariates=covariates)
    assert str(caught.value) == message


def test_covariates_as_fine_as_authors_and_sides_without_words_are_refused() -> None:
    many = np.arange(1002.0)[:, None]
    with pytest.raises(UsageError, match=r"^the covariates take 1002 values on the two sides; bin them"):
        penalised_partisanship(np.ones((1002, 2)), np.arange(1002) % 2, covariates=many)
    with pytest.raises(UsageError, match=r"^one side has no author with a token that another author uses"):
        penalised_partisanship([[1, 0], [1, 0], [0, 1]], ["a", "a", "b"])
