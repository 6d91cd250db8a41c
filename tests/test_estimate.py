from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.estimators.estimate import (
    ASSUMES,
    ASSUMPTIONS,
    Estimate,
    assumes_of,
    difference,
    from_replicates,
    from_se,
)

METHODS = ("gold", "poststrat", "ppi", "ppi++", "dsl", "acc", "pacc", "sld", "cc", "pcc")


def test_what_each_method_assumes() -> None:
    assert set(ASSUMES) == set(METHODS)
    assert {method: "+".join(sorted(assumes_of(method))) for method in METHODS} == {
        "gold": "random_gold",
        "poststrat": "random_gold",
        "ppi": "random_gold",
        "ppi++": "random_gold",
        "dsl": "known_inclusion_probabilities",
        "acc": "prior_shift",
        "pacc": "prior_shift",
        "sld": "calibrated_scores+prior_shift",
        "cc": "classifier_errors_cancel",
        "pcc": "classifier_errors_cancel",
    }
    for method in ("gold", "poststrat", "ppi", "ppi++", "dsl"):
        assert assumes_of(method, weighted=True) == {"known_inclusion_probabilities"}
    assert assumes_of("acc", weighted=True) == {"prior_shift"}
    with pytest.raises(SchemaError, match=r"^method is 'ppi\+'; it must be .* Did you mean 'ppi(\+\+)?'\?$"):
        assumes_of("ppi+")


def made(**changed: object) -> Estimate:
    given_ = {"value": 0.3, "se": 0.1, "low": 0.1, "high": 0.5, "method": "gold", "assumes": {"random_gold"}}
    return Estimate(**{**given_, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["acc", "pacc", "sld", "cc", "pcc"])
def test_an_interval_says_what_it_assumes_or_is_not_made(method: str) -> None:
    word = "prior_shift" if method in ("acc", "pacc", "sld") else "classifier_errors_cancel"
    for words in ((), ("random_gold",), ("calibrated_scores",)):
        with pytest.raises(MeaningError) as caught:
            made(method=method, assumes=words)
        assert str(caught.value) == (
            f"an interval of {method!r} is true only if {ASSUMPTIONS[word]}; say so with assumes={{{word!r}}}"
        )
    with pytest.raises(MeaningError):
        made(method=f"gold - {method}")
    with pytest.raises(MeaningError):
        made(method=method, value=[0.3, 0.4], se=[0.1, 0.1], low=[math.nan, 0.1], high=[math.nan, 0.5])
    assert made(method=method, assumes=(), low=math.nan, high=math.nan).value == 0.3
    assert made(method=method, assumes=[word]).assumes == {word}


def test_unknown_words_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"^assumes is 'random-gold'; it must be .* Did you mean 'random_gold'\?$"):
        made(assumes={"random-gold"})
    assert made(assumes="prior_shift").assumes == {"prior_shift"}


def test_shapes_must_fit() -> None:
    with pytest.raises(UsageError, match=r"^low has the shape \(\); it must be that of the value, \(2,\)$"):
        made(value=[0.1, 0.2], se=[0.1, 0.1])
    with pytest.raises(UsageError, match=r"^replicates have the shape \(3, 4\); they must be \(\.\.\., b\) with"):
        made(replicates=np.zeros((3, 4)))
    with pytest.raises(UsageError, match=r"^replicates have the shape \(\); they must be"):
        made(replicates=1.0)


def test_an_estimate_is_frozen_and_keeps_its_own_numbers() -> None:
    values = np.array([0.2, 0.3])
    one = made(value=values, se=values, low=values, high=values, replicates=np.tile(values[:, None], 3))
    values[:] = 9.0
    assert one.value.tolist() == [0.2, 0.3]
    with pytest.raises(ValueError, match="read-only"):
        one.value[0] = 1.0
    with pytest.raises(FrozenInstanceError):
        one.value = 1.0  # type: ignore[misc]
    assert np.asarray(one).tolist() == [0.2, 0.3]
    assert float(made()) == 0.3
    assert replace(one, method="poststrat").value.tolist() == [0.2, 0.3]


def test_one_line_says_it_all() -> None:
    assert repr(made(flags=("thin", "near_singular"))) == (
        "gold 0.300 [0.100, 0.500], assumes random_gold, flags thin near_singular"
    )
    naive = made(method="pcc", assumes={"classifier_errors_cancel"}, replicates=np.arange(500.0))
    assert repr(naive) == (
        "pcc 0.300 [0.100, 0.500] (warning: the interval leaves out the classifier's error), "
        "assumes classifier_errors_cancel"
    )
    many = made(**{name: np.full((2, 4), 0.25) for name in ("value", "se", "low", "high")})
    assert repr(many).count("0.250 [0.250, 0.250]") == 6
    assert repr(many).endswith(" and 2 more, assumes random_gold")
    assert made(assumes=()).assumed == ""
    assert repr(made(assumes=())).endswith("assumes nothing")
    assert "\n" not in repr(naive) + repr(many)


def test_a_notebook_shows_a_table_and_the_meaning_of_words() -> None:
    one = made(method="cc", assumes={"classifier_errors_cancel"}, flags=("<b>",), value=[0.3, 0.7], se=[0.1, 0.1],
               low=[0.1, 0.5], high=[0.5, 0.9], level=0.9)  # fmt: skip
    html = one._repr_html_()
    assert "<th>90 % interval</th>" in html
    assert "<td>0.300</td><td>0.100 to 0.500</td><td>0.100</td>" in html
    assert html.count("<tr>") == 3
    assert "<li>flag &lt;b&gt;</li>" in html
    assert "<b>" not in html
    assert "as many posts into a frame by mistake as it misses" in html
    assert "warning: the interval leaves out the classifier&#x27;s error" in html
    assert "warning" not in made()._repr_html_()


def test_parts_of_an_array_of_estimates() -> None:
    values = np.linspace(0.1, 0.6, 6).reshape(2, 3)
    one = made(value=values, se=values, low=values, high=values, replicates=values[..., None] + np.arange(4.0),
               n_gold=np.arange(6).reshape(2, 3), n_eff=50.0)  # fmt: skip
    part = one[1, 2]
    assert float(part.value) == pytest.approx(0.6)
    assert (part.n_gold, part.n_eff) == (5, 50.0)
    assert part.replicates.tolist() == pytest.approx([0.6, 1.6, 2.6, 3.6])
    assert one[0].value.shape == (3,)
    assert one[0].replicates.shape == (3, 4)


def test_intervals_from_replicates_by_hand() -> None:
    # Replicates 0..100 in hundredths: percentiles 2.5 and 97.5; a hole is left out.
    one = from_replicates(
        [0.5, *np.arange(101) / 100, math.nan], method="poststrat", seed=3, weight="author", n_gold=12
    )
    assert (float(one.low), float(one.high)) == pytest.approx((0.025, 0.975))
    assert float(one.se) == pytest.approx(np.std(np.arange(101) / 100, ddof=1))
    assert (one.seed, one.weight, one.n_gold, one.level, one.assumed) == (3, "author", 12, 0.95, "random_gold")
    assert one.replicates.shape == (102,)
    empty = from_replicates([[math.nan, 0.1, 0.2, 0.3], [0.2, math.nan, math.nan, math.nan]], method="gold", seed=3)
    assert np.isnan(empty.low).all()
    assert np.isnan(empty.high).all()
    with pytest.raises(UsageError, match=r"^values have the shape \(2,\); they must be \(\.\.\., 1 \+ b\) with 2"):
        from_replicates([0.1, 0.2], method="gold", seed=1)


def test_intervals_from_standard_errors_by_hand() -> None:
    one = from_se(0.35, 0.1, method="gold", df=9.0, level=0.9)
    assert float(one.high) == pytest.approx(0.35 + 0.1 * stats.t.ppf(0.95, 9))
    assert float(from_se(0.35, 0.1, method="gold").low) == pytest.approx(0.35 - 1.959963984540054 * 0.1)
    assert from_se([0.1], [0.1], method="sld").assumed == "calibrated_scores+prior_shift"
    with pytest.raises(UsageError, match=r"^level is 95; it must lie between 0 and 1, like 0\.95$"):
        from_se(0.3, 0.1, method="gold", level=95)


def of(values: np.ndarray, **changed: object) -> Estimate:
    return replace(from_replicates(values, method="gold", seed=7), **changed)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(-1.0, 1.0))
def test_a_difference_keeps_what_both_share(seed: int, shared: float) -> None:
    rng = np.random.default_rng(seed)
    common, a, b = rng.normal(size=(3, 41))
    one, other = of(0.5 + shared * common + a), of(0.2 + shared * common + b)
    gap = difference(one, other)
    np.testing.assert_allclose(gap.replicates, (a - b)[1:] + 0.3, atol=1e-12)
    assert float(gap.se) == pytest.approx(np.std((a - b)[1:], ddof=1))
    assert float(gap.value) == pytest.approx(0.3 + (a - b)[0])
    low, high = np.quantile((a - b)[1:] + 0.3, [0.025, 0.975])
    assert (float(gap.low), float(gap.high)) == pytest.approx((low, high))
    back = difference(other, one)
    assert float(back.low) == pytest.approx(-float(gap.high))


def test_a_difference_carries_words_flags_and_the_smaller_numbers() -> None:
    values = np.array([0.5, 0.4, 0.6])
    one = of(values, flags=("thin", "partial"), n_gold=10, n_eff=40.0, assumes={"random_gold"})
    other = of(values, flags=("thin",), n_gold=30, n_eff=35.0, assumes={"prior_shift"}, method="acc")
    gap = difference(one, other)
    assert gap.flags == ("thin", "partial")
    assert (gap.n_gold, gap.n_eff, gap.method, gap.assumed) == (10, 35.0, "gold - acc", "prior_shift+random_gold")
    assert difference(one, one).method == "gold"
    back = difference(other, one)
    assert (back.n_gold, back.n_eff, back.flags) == (10, 35.0, ("thin", "partial"))
    hole = difference(one, of(np.array([math.nan, 0.4, 0.6])))
    assert np.isnan([hole.value, hole.low, hole.high]).all()


VALUES = np.array([0.5, 0.4, 0.6, 0.5])


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (of(VALUES, seed=8), "the seed of the estimates is 7 and 8"),
        (of(VALUES[:3]), "the number of replicates of the estimates is 3 and 2"),
        (of(VALUES, level=0.9), "the level of the estimates is 0.95 and 0.9"),
        (of(VALUES, weight="author"), "the weight of the estimates is post and author"),
        (of(np.tile(VALUES, (2, 1))), r"the shape of the estimates is \(\) and \(2,\)"),
    ],
)
def test_estimates_of_different_bootstraps_are_not_subtracted(other: Estimate, said: str) -> None:
    with pytest.raises(MeaningError, match=rf"^{said}; make both by one bootstrap$"):
        difference(of(VALUES), other)


def test_estimates_without_replicates_are_not_subtracted() -> None:
    for pair in ((of(VALUES), from_se(0.3, 0.1, method="gold")), (from_se(0.3, 0.1, method="gold"), of(VALUES))):
        with pytest.raises(MeaningError, match=r"^an estimate without replicates has no covariance with another; make"):
            difference(*pair)
