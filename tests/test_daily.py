"""What a model of a series is given: counts or estimates by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.estimators.estimate import Estimate
from discourse.impact.daily import daily, days_of, logit_gap, logit_with_variance
from discourse.schema import SERIES

Y, N = [3, 0, 2, 5], [10, 0, 8, 9]


@pytest.mark.parametrize(
    "series",
    [
        (Y, N), ([0, 1, 2, 3], Y, N), np.array([Y, N]), {"n": N, "y": Y}, {"day": [0, 1, 2, 3], "y": Y, "n": N},
        pl.DataFrame({"y": Y, "n": N}), pd.DataFrame({"y": Y, "n": N, "other": 1}),
        ([3, 1, 0, 2], [5, 0, 3, 2], [9, 0, 10, 8]),
    ],
    ids=str,
)  # fmt: skip
def test_one_series_in_many_forms(series: Any) -> None:
    made = daily(series)
    assert made.y is not None
    assert made.n is not None
    assert (made.t.tolist(), made.y.tolist(), made.n.tolist()) == ([0, 2, 3], [3, 2, 5], [10, 8, 9])
    assert (made.empty, made.step, made.dated, made.link) == (1, 1, False, "logit")
    assert made.shares.tolist() == [0.3, 0.25, 5 / 9]


def test_absent_days_are_empty_like_days_of_none() -> None:
    assert daily(([0, 2, 3], [3, 2, 5], [10, 8, 9])).empty == 1
    assert daily(([0, 9], [1, 1], [2, 2])).empty == 0, "two windows of nine days each, none between"
    assert daily(([0, 1, 9], [1, 1, 1], [2, 2, 2])).empty == 7


@pytest.mark.parametrize("deff", [4.0, [4.0, 1.0, 2.0, 3.0]], ids=["one", "by day"])
def test_the_design_effect_takes_posts_away_but_no_share(deff: Any) -> None:
    plain, made = daily((Y, N)), daily((Y, N), deff=deff)
    assert made.n is not None
    np.testing.assert_allclose(made.shares, plain.shares, rtol=1e-15)
    assert made.n.tolist() == [
        10 / 4.0,
        8 / (2.0 if isinstance(deff, list) else 4.0),
        9 / (3.0 if isinstance(deff, list) else 4.0),
    ]


def test_dates_of_every_kind_are_one_calendar() -> None:
    days = [date(2025, 1, 6), date(2025, 1, 8)]
    for given_days in (
        days, [str(day) for day in days], np.array(days, dtype="datetime64[D]"), pl.Series(days),
        [datetime(2025, 1, 6, 12, tzinfo=UTC), datetime(2025, 1, 8, 1, tzinfo=UTC)], pd.to_datetime(pd.Series(days)),
    ):  # fmt: skip
        made = daily({"date": given_days, "y": [1, 2], "n": [4, 4]})
        assert made.dated
        assert made.t.tolist() == [day.toordinal() for day in days]
        assert made.at("2025-01-07") == made.at(date(2025, 1, 7)) == made.t[0] + 1
        with pytest.raises(UsageError, match="a date like"):
            made.at(7)
    with pytest.raises(UsageError, match="a whole number"):
        daily((Y, N)).at("2025-01-07")


def weekly_series(measure: str, estimates: list[float | None]) -> pl.DataFrame:
    begin = datetime(2025, 1, 6, tzinfo=UTC)
    return SERIES.frame([
        {
            "window": f"{begin + timedelta(weeks=i):%Y-%m-%d}", "start": begin + timedelta(weeks=i),
            "end": begin + timedelta(weeks=i + 1), "side": "pakistan", "measure": measure, "method": "poststrat",
            "weight": "author", "estimate": value, "low": None if value is None else value - 0.0979982,
            "high": None if value is None else value + 0.0979982, "n_posts": 9, "n_eff": 40.0,
        }
        for i, value in enumerate(estimates)
    ])  # fmt: skip


def test_rows_of_the_series_table() -> None:
    # Half an interval of 1.959964 x 0.05: a variance of 0.0025, on the logit scale 0.0025 / (p (1 - p))^2.
    made = daily(weekly_series("Prevalence('nationalist')", [0.5, None, 0.2]))
    assert (made.step, made.empty, made.link) == (7, 1, "logit")
    assert made.v == pytest.approx([0.0025 / 0.0625, 0.0025 / 0.0256], rel=1e-6)
    assert made.shares == pytest.approx([0.5, 0.2])
    tone = daily(weekly_series("NetTone()", [-0.5, 0.2]))
    assert tone.link == "identity"
    assert tone.z is not None
    assert tone.z.tolist() == [-0.5, 0.2]
    both = pl.concat([weekly_series("NetTone()", [0.1]), weekly_series("Prevalence('both')", [0.1])])
    with pytest.raises(MeaningError, match="more than one measure"):
        daily(both)


def test_estimates_with_variances() -> None:
    made = daily({"share": [0.5, float("nan")], "variance": [0.01, 0.01]})
    assert made.t.tolist() == [0]
    assert made.v == pytest.approx([0.16])
    assert daily({"value": [-3.0, 7.0], "variance": [1.0, 2.0]}).link == "identity"
    raw = daily({"z": [1.0, 2.0], "v": [0.1, 0.2], "t": [4, 6]})
    assert raw.z is not None
    assert raw.v is not None
    assert (raw.z.tolist(), raw.v.tolist(), raw.step) == ([1.0, 2.0], [0.1, 0.2], 2)
    estimate = Estimate([0.5, 0.4], [0.1, 0.1], [0.3, 0.2], [0.7, 0.6])
    assert daily(estimate).v == pytest.approx([0.16, 0.01 / 0.24**2])


@pytest.mark.parametrize(
    ("series", "kind", "words"),
    [
        (([1, 2], [1, 1]), MeaningError, "above n"),
        (([-1, 1], [1, 1]), MeaningError, "under 0"),
        (([1, float("nan")], [1, 1]), MeaningError, "has no count"),
        (([0, 0], [0, 0]), MeaningError, "no day of the series has posts"),
        (([3, 3], [1, 1], [1, 1]), MeaningError, "more than once"),
        (([0.5, 1], [1, 1], [1, 1]), UsageError, "whole numbers or dates"),
        (([1, 1], [1, 1, 1]), UsageError, "2 days"),
        ({"t": [1], "y": [1, 1], "n": [1, 1]}, UsageError, "1 days and 2 values"),
        ({"share": [0.5], "n": [4]}, SchemaError, "it needs y and n"),
        ({"share": [2.0], "variance": [0.1]}, MeaningError, "far outside"),
        ({"z": [2.0], "v": [0.0]}, MeaningError, "0 or less"),
        (np.arange(4), UsageError, "shape"),
        ("y", UsageError, "must be"),
        ({"date": ["2025-13-01"], "y": [1], "n": [1]}, UsageError, "no date"),
    ],
)
def test_what_cannot_be_a_series(series: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        daily(series)


def test_a_design_effect_is_for_counts_and_above_0() -> None:
    with pytest.raises(UsageError, match="above 0"):
        daily((Y, N), deff=[1, 1, 0, 1])
    with pytest.raises(UsageError, match="for counts"):
        daily({"z": [1.0], "v": [1.0]}, deff=2.0)
    with pytest.raises(UsageError, match="made already"):
        daily(daily((Y, N)), deff=2.0)


def test_days_of_keeps_the_rows_as_they_came() -> None:
    assert days_of(([5, 3, 4], [0, 1, 0], [0, 2, 0])).tolist() == [5, 3, 4]


@settings(max_examples=60, deadline=None)
@given(p=st.floats(0.02, 0.98), n=st.integers(60, 5000))
def test_inside_the_scale_the_logit_is_the_plain_one(p: float, n: int) -> None:
    variance = p * (1 - p) / n
    if min(p, 1 - p) < 0.5 / (n + 1) + 1e-9:
        return
    z, v = logit_with_variance([p], [variance])
    assert z[0] == pytest.approx(np.log(p / (1 - p)), abs=1e-12)
    assert v[0] == pytest.approx(1 / (n * p * (1 - p)), rel=1e-9)


@pytest.mark.parametrize("share", [0.0, -0.02, 0.001])
def test_a_share_at_the_edge_gets_a_finite_logit_and_a_wide_variance(share: float) -> None:
    # With n = 49 the edge is 0.5 / 50 = 0.01; the variance there is at least 0.01 x 0.99 / 49 over (0.0099)^2.
    z, v = logit_with_variance([share, 1 - share], [0.0, 0.0], n_eff=49)
    assert z[0] == pytest.approx(np.log(0.01 / 0.99))
    assert z[1] == pytest.approx(-z[0])
    assert v[0] == pytest.approx(1 / (49 * 0.0099))
    # Without n_eff the other days tell: 0.25 / 0.0025 = 100.
    z, v = logit_with_variance([share, 0.5], [0.0, 0.0025])
    edge = 0.5 / 101
    assert z[0] == pytest.approx(np.log(edge / (1 - edge)))
    assert v[0] == pytest.approx(1 / (100 * edge * (1 - edge)))


def test_the_gap_of_two_sides_keeps_their_covariance() -> None:
    rng = np.random.default_rng(3)
    shared, own = rng.normal(0, 0.02, (3, 400)), rng.normal(0, 0.01, (2, 3, 400))
    point = np.array([[0.3, 0.4, 0.5], [0.5, 0.4, 0.2]])
    a, b = (np.concatenate([p[:, None], p[:, None] + shared + e], axis=1) for p, e in zip(point, own, strict=True))
    made = logit_gap(a, b, t=[1, 2, 5])
    scale = point * (1 - point)
    expected = [
        np.var(a[i, 1:], ddof=1) / scale[0, i] ** 2 + np.var(b[i, 1:], ddof=1) / scale[1, i] ** 2
        - 2 * np.cov(a[i, 1:], b[i, 1:])[0, 1] / scale[0, i] / scale[1, i]
        for i in range(3)
    ]  # fmt: skip
    assert made.v == pytest.approx(expected, rel=1e-9)
    assert made.z == pytest.approx(np.log(point[0] / (1 - point[0])) - np.log(point[1] / (1 - point[1])))
    assert made.t.tolist() == [1, 2, 5]
    a[1] = np.nan
    assert logit_gap(a, b, t=[1, 2, 5]).t.tolist() == [1, 5]
    with pytest.raises(UsageError, match="shapes"):
        logit_gap(a, b[:2])
