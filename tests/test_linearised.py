from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.estimators.estimate import ASSUMES
from discourse.estimators.linearised import influence, linearised
from discourse.estimators.powered import Moments, dsl, ppi_lambda, ppi_of
from discourse.estimators.proportions import ratio_estimate, ratio_se
from discourse.estimators.quantify import acc, acc_se, cc, pacc, pcc, sld
from discourse.estimators.stratified import gold_only, gold_se, poststrat, poststrat_se

Floats = npt.NDArray[np.float64]
METHODS = tuple(ASSUMES)
PRIOR = np.array([0.3, 0.25, 0.45])


def posts(seed: int, n: int = 90, j: int = 3) -> tuple[Floats, Floats, Floats, Floats]:
    """Scores that say something, truth, weights of posts and of gold (0 for half of them)."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, n)
    scores = rng.dirichlet(np.ones(j), n) + 1.2 * np.eye(3, j)[true] * rng.random((n, 1))
    v = rng.uniform(0.3, 2.0, n)
    w = np.where(np.arange(n) % 2 == 0, v * rng.uniform(1.0, 4.0, n), 0.0)
    return scores / scores.sum(axis=1, keepdims=True), np.eye(3)[true], v, w


def share_of(method: str, f: Floats, y: Floats, weights: tuple[Floats, Floats], lam: float) -> Floats:
    """The shares as a function of weighted sums, by the functions that take sums."""
    v, w = weights
    h = np.eye(f.shape[1])[f.argmax(axis=1)]
    hard, soft = (w[:, None] * h).T @ y, (w[:, None] * f).T @ y
    of: dict[str, Callable[[], Floats]] = {
        "gold": lambda: gold_only(hard),
        "poststrat": lambda: poststrat(v @ h, hard),
        "ppi": lambda: ppi_of(Moments.of_posts(y, f[:, :3], f[:, :3], w, v)),
        "ppi++": lambda: ppi_of(Moments.of_posts(y, f[:, :3], f[:, :3], w, v), lam),
        "dsl": lambda: (v @ f[:, :3] + w @ (y - f[:, :3])) / v.sum(),
        "acc": lambda: acc(v @ h, hard),
        "pacc": lambda: pacc(v @ f, soft),
        "sld": lambda: sld(f[:, :3] / f[:, :3].sum(axis=1, keepdims=True), PRIOR, v),
        "cc": lambda: cc(v @ h, 3),
        "pcc": lambda: pcc(f, v)[:3],
    }
    return of[method]()


def prior_of(method: str) -> Floats | None:
    return PRIOR if method == "sld" else None


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_an_influence_is_the_slope_in_the_weight_of_a_post(method: str, seed: int) -> None:
    f, y, v, w = posts(seed)
    lam = float(ppi_lambda(Moments.of_posts(y, f, f, w, v)))
    value, psi = influence(method, f, y, v, w, prior=prior_of(method))
    np.testing.assert_allclose(value, share_of(method, f, y, (v, w), lam), atol=1e-10)
    np.testing.assert_allclose(psi.sum(axis=0), 0.0, atol=1e-9)
    if method in ("acc", "pacc", "sld") and value.min() < 0.01:
        return  # at the edge of the simplex a share has no slope
    step = 1e-5
    for at in (0, 1, 7, 40):
        more = np.where(np.arange(len(v)) == at, 1.0 + step, 1.0)
        less = np.where(np.arange(len(v)) == at, 1.0 - step, 1.0)
        high, low = (share_of(method, f, y, (v * by, w * by), lam) for by in (more, less))
        np.testing.assert_allclose(psi[at], (high - low) / (2 * step), atol=1e-7)


@pytest.mark.parametrize("method", ["gold", "poststrat", "ppi", "dsl", "cc", "pcc"])
def test_abstentions_are_a_predicted_class(method: str) -> None:
    f, y, v, w = posts(5, j=4)
    value, psi = influence(method, f, y, v, w)
    step = 1e-5
    for at in range(6):
        by = np.where(np.arange(len(v)) == at, 1.0 + step, 1.0)
        slope = (share_of(method, f, y, (v * by, w * by), 1.0) - share_of(method, f, y, (v, w), 1.0)) / step
        np.testing.assert_allclose(psi[at], slope, atol=1e-4 * max(1.0, np.abs(psi).max()))
    assert value.shape == (3,)


def test_acc_with_abstentions_has_the_standard_error_of_its_counts() -> None:
    """Posts that are exactly as the counts say: 900 posts, and 600 labels from elsewhere."""
    confusion = np.array([[130, 15, 20], [20, 120, 25], [30, 45, 135], [20, 20, 20]])
    q = (confusion / confusion.sum(axis=0) @ [0.3, 0.2, 0.5] * 900).round().astype(int)
    predicted = np.concatenate([np.repeat(np.arange(4), q), np.repeat(np.arange(4), confusion.sum(axis=1))])
    true = np.concatenate([np.zeros(q.sum(), int), *(np.repeat(np.arange(3), row) for row in confusion)])
    here = np.arange(len(true)) < q.sum()
    made = linearised("acc", np.eye(4)[predicted], np.eye(3)[true], here * 1.0, ~here * 1.0)
    np.testing.assert_allclose(made.value, acc(q, confusion), atol=1e-9)
    np.testing.assert_allclose(made.se / math.sqrt(600 / 599), acc_se(q, confusion), rtol=1e-3)
    assert (made.assumed, made.n_gold) == ("prior_shift", 600)


def test_standard_errors_of_posts_as_units_are_those_of_the_closed_forms() -> None:
    rng = np.random.default_rng(6)
    h, y = np.eye(3)[rng.integers(0, 3, 4_000)], np.eye(3)[rng.integers(0, 3, 4_000)]
    coded = np.arange(4_000) < 500
    w = np.where(coded, 8.0, 0.0)
    table, factor = (coded[:, None] * h).T @ y, math.sqrt(500 / 499)
    made = linearised("poststrat", h, y, np.ones(4_000), w)
    # Conditional on the gold of each class in one, not in the other, and each class has a divisor of its own.
    np.testing.assert_allclose(made.se / factor, poststrat_se(h.sum(axis=0), table, smooth=False), rtol=0.01)
    np.testing.assert_allclose(linearised("gold", h, y, np.ones(4_000), w).se, gold_se(table), rtol=1e-9)
    reach = stats.t.ppf(0.975, 499)
    np.testing.assert_allclose(made.high - made.value, reach * made.se, rtol=1e-9)
    designed = dsl(h, coded, y, np.full(4_000, 0.125))
    np.testing.assert_allclose(linearised("dsl", h, y, np.ones(4_000), w).se, designed.se * factor, rtol=1e-9)


def test_counting_with_authors_is_the_ratio_of_their_sums() -> None:
    successes, m = [3, 0, 10, 1, 2, 1], [4, 4, 12, 1, 9, 2]
    author = np.repeat(np.arange(6), m)
    predicted = np.concatenate([np.arange(n) >= s for s, n in zip(successes, m, strict=True)]).astype(int)
    h = np.eye(2)[predicted]
    made = linearised("cc", h, np.zeros((32, 2)), np.ones(32), np.zeros(32), author=author)[0]
    expected = ratio_estimate(successes, m)
    for name in ("value", "se", "low", "high"):
        assert float(getattr(made, name)) == pytest.approx(float(getattr(expected, name)), abs=1e-12)
    assert made.n_eff == pytest.approx(3.9083969465648853)
    # A classifier that is right, all posts coded: gold of authors is the same sum.
    gold = linearised("gold", h, h, np.ones(32), np.ones(32), author=[f"x:{one}" for one in author])[0]
    assert float(gold.se) == pytest.approx(float(ratio_se(successes, m)), abs=1e-12)


def test_words_follow_the_chances_of_gold() -> None:
    f, y, v, w = posts(7)
    even = np.where(w > 0, 3.0 * v, 0.0)
    assert linearised("poststrat", f, y, v, even).assumed == "random_gold"
    assert linearised("poststrat", f, y, v, w).assumed == "known_inclusion_probabilities"
    assert linearised("pacc", f, y, v, w).assumed == "prior_shift"
    assert linearised("pcc", f, y, v, w).naive


def test_what_does_not_fit_is_refused() -> None:
    f, y, v, w = posts(8)
    with pytest.raises(UsageError, match=r"^scores have the shape \(90, 2\), y \(90, 3\), .* with j at least k$"):
        influence("cc", f[:, :2], y, v, w)
    with pytest.raises(UsageError, match=r"^scores have the shape \(90, 3\), y \(89, 3\)"):
        influence("cc", f, y[1:], v, w)
    with pytest.raises(UsageError, match=r"^prior is missing; sld needs one, and sld alone$"):
        influence("sld", f, y, v, w)
    with pytest.raises(UsageError, match=r"^prior is given; sld needs one, and sld alone$"):
        influence("acc", f, y, v, w, prior=PRIOR)
    with pytest.raises(SchemaError, match=r"^method is 'em'; it must be"):
        influence("em", f, y, v, w)
    with pytest.raises(MeaningError, match=r"^there are labels or posts of 1 authors; a standard error needs 2"):
        linearised("gold", f, y, v, w, author=np.zeros(90))


CHECKED = tuple((method, True) for method in ("gold", "ppi", "dsl", "poststrat"))
FORGOTTEN = tuple((method, False) for method in ("gold", "ppi", "poststrat"))


def selections(f: Floats, x: Floats, rng: np.random.Generator) -> dict[str, Floats]:
    """Chances of being coded, 300 of 3,000 on average: alike, by uncertainty, and by what a keyword would find."""
    raw = {
        "random": np.ones(len(f)),
        "uncertain": 1.02 - f.max(axis=1),
        "keyword": np.where(x + 0.3 * rng.standard_normal(len(x)) > 0.9, 5.0, 1.0),
    }
    return {name: np.minimum(0.1 * one / one.mean(), 1.0) for name, one in raw.items()}


@pytest.fixture(scope="module")
def under_selection() -> dict[tuple[str, str, bool], npt.NDArray[np.float64]]:
    """Error, and whether the interval holds the truth, of each method with and without the chances: 400 means."""
    rng = np.random.default_rng(12)
    found: dict[tuple[str, str, bool], list[tuple[float, float]]] = {}
    for _ in range(400):
        true = rng.choice(3, 3_000, p=[0.3, 0.2, 0.5])
        x = rng.standard_normal(3_000) + 1.3 * (true == 0)
        z = np.stack(
            [1.2 * x, 1.6 * (true == 1) + rng.standard_normal(3_000), 0.4 + 0.6 * rng.standard_normal(3_000)], 1
        )
        f = np.exp(2.0 * z) / np.exp(2.0 * z).sum(axis=1, keepdims=True)  # surer than it should be
        y = np.eye(3)[true]
        for name, pi in selections(f, x, rng).items():
            coded = rng.random(3_000) < pi
            for method, weighted in CHECKED if name == "random" else (*CHECKED, *FORGOTTEN):
                w = np.where(coded, 1.0 / pi if weighted else 3_000 / coded.sum(), 0.0)
                made = linearised(method, f, y, np.ones(3_000), w)[0]
                row = float(made.value) - 0.3, float(made.low <= 0.3 <= made.high)
                found.setdefault((method, name, weighted), []).append(row)
    return {key: np.array(rows).mean(axis=0) for key, rows in found.items()}


@pytest.mark.parametrize("method", ["gold", "ppi", "dsl", "poststrat"])
@pytest.mark.parametrize("selection", ["random", "uncertain", "keyword"])
def test_known_chances_make_every_selection_right(
    method: str, selection: str, under_selection: dict[tuple[str, str, bool], Floats]
) -> None:
    bias, held = under_selection[method, selection, True]
    assert abs(bias) < 0.006
    assert 0.92 <= held <= 0.98


def test_forgotten_chances_make_most_selections_wrong(
    under_selection: dict[tuple[str, str, bool], npt.NDArray[np.float64]],
) -> None:
    wrong = (("gold", "uncertain"), ("gold", "keyword"), ("ppi", "keyword"), ("poststrat", "uncertain"),
             ("poststrat", "keyword"))  # fmt: skip
    for method, selection in wrong:
        bias, held = under_selection[method, selection, False]
        assert abs(bias) > 0.03
        assert held < 0.8
