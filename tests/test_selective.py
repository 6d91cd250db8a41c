"""Risk and coverage: numbers by hand, and bounds that hold the risk of a known classifier."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from judging_world import guessed
from scipy.stats import beta

from discourse.errors import MeaningError, UsageError
from discourse.judging.evaluate import Evaluation
from discourse.judging.intervals import selective_bound
from discourse.judging.scores import aurc
from discourse.judging.selective import THRESHOLDS, risk_coverage
from discourse.schema import FRAMES


def evaluation(sure: list[float], right: list[bool], authors: list[str]) -> Evaluation:
    """Posts whose most likely frame is `both`, with the probability given; the rest goes to `neither`."""
    posts = pl.DataFrame({
        "author_id": authors, "value": ["both" if one else "neither" for one in right],
        "p_nationalist": [0.0] * len(sure), "p_conciliatory": [0.0] * len(sure), "p_both": sure,
        "p_neither": [1 - one for one in sure],
    })  # fmt: skip
    return Evaluation(pl.DataFrame(), pl.DataFrame(), posts)


def test_the_table_by_hand() -> None:
    """Forty posts by as many authors: twenty at 0.9 with one wrong, twenty at 0.6 with eight wrong."""
    given = evaluation(
        [0.9] * 20 + [0.6] * 20, [False] + [True] * 19 + [False] * 8 + [True] * 12, [f"a{i}" for i in range(40)]
    )
    found = risk_coverage(given, thresholds=[0.0, 0.9, 0.95], delta=0.06)
    rows = found.table.rows(named=True)
    assert [row["n"] for row in rows] == [40, 20, 0]
    assert [row["coverage"] for row in rows] == [1.0, 0.5, 0.0]
    assert [row["risk"] for row in rows] == [9 / 40, 1 / 20, None]
    for row, wrong in zip(rows, (9, 1), strict=False):
        bound = beta.ppf(1 - 0.06 / 3, wrong + 1, row["n"] - wrong)
        assert row["upper"] == pytest.approx(bound)
        assert row["upper_posts"] == pytest.approx(bound)
    assert rows[2]["upper"] is None
    assert found.aurc == pytest.approx((20 * (1 / 20) + 20 * (9 / 40)) / 40)
    assert found.lowest(rows[1]["upper"] + 1e-9) == 0.9
    assert found.lowest(0.5) == 0.0
    assert found.lowest(0.01) is None
    assert repr(found).splitlines()[1:] == [
        f"  0.00: keeps 100%, wrong 0.225 (at most {rows[0]['upper']:.3f})",
        f"  0.90: keeps 50%, wrong 0.050 (at most {rows[1]['upper']:.3f})",
        "  0.95: keeps 0%, too few authors",
    ]


@pytest.mark.parametrize(("authors", "known"), [(9, False), (10, True)])
def test_nine_authors_have_no_risk_of_their_own(authors: int, known: bool) -> None:
    names = [f"a{i % authors}" for i in range(40)]
    row = risk_coverage(evaluation([0.9] * 40, [True] * 40, names), thresholds=[0.5]).table.row(0, named=True)
    assert (row["risk"] is not None) == known
    assert row["n"] == 40


def test_posts_of_one_author_widen_the_bound() -> None:
    alike = [i // 10 % 4 != 0 for i in range(400)]
    many = evaluation([0.9] * 400, alike, [f"a{i}" for i in range(400)])
    few = evaluation([0.9] * 400, alike, [f"a{i // 10}" for i in range(400)])
    one, other = (risk_coverage(given, thresholds=[0.0]).table.row(0, named=True) for given in (many, few))
    assert one["upper"] == pytest.approx(one["upper_posts"])
    assert other["upper_posts"] == one["upper_posts"]
    assert other["upper"] > other["upper_posts"] + 0.05


def test_the_threshold_is_met_by_what_is_at_it_and_the_default_ones_go_up() -> None:
    given = evaluation([0.5] * 20 + [0.7] * 20, [True] * 40, [f"a{i}" for i in range(40)])
    table = risk_coverage(given).table
    assert table["threshold"].to_list() == list(THRESHOLDS)
    assert dict(table.select("threshold", "n").iter_rows())[0.5] == 40
    assert dict(table.select("threshold", "n").iter_rows())[0.6] == 20
    assert table["coverage"].is_sorted(descending=True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"thresholds": [0.5, 0.4]}, "thresholds are [0.5, 0.4]; they must go up from 0 to 1, like 0.0, 0.5, 0.9"),
        ({"thresholds": [0.5, 0.5]}, "thresholds are [0.5, 0.5]; they must go up from 0 to 1, like 0.0, 0.5, 0.9"),
        ({"thresholds": [1.5]}, "thresholds are [1.5]; they must go up from 0 to 1, like 0.0, 0.5, 0.9"),
        ({"thresholds": []}, "thresholds are []; they must go up from 0 to 1, like 0.0, 0.5, 0.9"),
        ({"delta": 0.0}, "delta is 0.0; it must be between 0 and 1, like 0.05"),
    ],
)
def test_what_makes_no_table_is_said(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        risk_coverage(evaluation([0.5], [True], ["a"]), **options)  # type: ignore[arg-type]
    assert str(caught.value) == sentence
    with pytest.raises(MeaningError, match=r"^the evaluation holds no tested post"):
        risk_coverage(evaluation([], [], []))


def test_the_bounds_hold_the_risk_at_all_thresholds_at_once() -> None:
    """95 % is promised; the bound for independent posts keeps it less often where authors are alike."""
    shares = (0.4, 0.2, 0.15, 0.25)

    def tested(posts: pl.DataFrame, probabilities: np.ndarray) -> Evaluation:
        named = {f"p_{frame}": probabilities[:, i] for i, frame in enumerate(FRAMES)}
        return Evaluation(pl.DataFrame(), pl.DataFrame(), posts.with_columns(**named))

    posts, whole, _ = guessed(40_000, 99, shares=shares)
    sure, true = whole.probabilities.max(axis=1), posts["value"].to_numpy()
    wrong = np.array(FRAMES, dtype=object)[whole.predicted] != true
    risk = {threshold: wrong[sure >= threshold].mean() for threshold in THRESHOLDS}
    held, naive = [], []
    for trial in range(200):
        posts, one, _ = guessed(120, trial, shares=shares)
        rows = (
            risk_coverage(tested(posts, one.probabilities)).table.filter(pl.col("upper").is_not_null()).rows(named=True)
        )
        held.append(all(row["upper"] >= risk[row["threshold"]] for row in rows))
        naive.append(all(row["upper_posts"] >= risk[row["threshold"]] for row in rows))
    assert np.mean(held) >= 0.93
    assert np.mean(naive) <= np.mean(held)
    made = aurc(sure, wrong)
    assert risk_coverage(tested(posts, one.probabilities)).aurc == pytest.approx(made, abs=0.1)


def test_arrays_give_what_an_evaluation_gives() -> None:
    sure = [0.9] * 20 + [0.6] * 20
    right = [False] + [True] * 19 + [False] * 8 + [True] * 12
    names = [f"a{i % 15}" for i in range(40)]
    whole = risk_coverage(evaluation(sure, right, names), thresholds=[0.0, 0.7])
    shares = [[one, 1 - one] for one in sure]
    made = risk_coverage(shares, [0 if one else 1 for one in right], names, thresholds=[0.0, 0.7])
    assert made.table.equals(whole.table)
    assert float(made) == made.aurc == whole.aurc
    assert made.risks.tolist() == pytest.approx([1 / 20] * 20 + [9 / 40] * 20)
    alone = risk_coverage(shares, [0 if one else 1 for one in right], thresholds=[0.0])
    assert alone.table["upper"][0] == pytest.approx(beta.ppf(0.95, 10, 31))
    with pytest.raises(UsageError, match=r"^probabilities alone tell no risk; give the true frames too"):
        risk_coverage(shares)
    with pytest.raises(UsageError, match=r"^author has the shape \(1,\); it must name one for each of 40 posts$"):
        risk_coverage(shares, [0] * 40, ["a"])


def test_bounds_of_several_thresholds_hold_together() -> None:
    made = selective_bound([0, 3, 10], [10, 10, 10], delta=0.1, thresholds=4)
    assert made.tolist() == pytest.approx([beta.ppf(1 - 0.1 / 4, 1, 10), beta.ppf(1 - 0.1 / 4, 4, 7), 1.0])
    for delta, thresholds in ((0.0, 1), (1.0, 1), (0.05, 0)):
        with pytest.raises(
            UsageError, match=r"^delta is .* and thresholds \d; give a delta from 0 to 1 and 1 or more$"
        ):
            selective_bound(1, 2, delta, thresholds)
    with pytest.raises(UsageError, match=r"^wrong must lie between 0 and n"):
        selective_bound(3, 2)
