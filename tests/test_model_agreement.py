"""The classifier as a coder: alphas are those of the coefficient itself, coders have no names, abstentions no value."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from discourse.errors import DiscourseWarning, MeaningError
from discourse.judging.agree import model_agreement
from discourse.judging.evaluate import Evaluation
from discourse.labels.agreement import krippendorff_alpha
from discourse.labels.labels import SAMPLE, Labels
from discourse.schema import ABSTAIN, FRAMES, LABELS

N = 120


def noisy(truth: np.ndarray, error: float, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    other = rng.integers(0, 4, len(truth))
    return [FRAMES[at] for at in np.where(rng.random(len(truth)) < error, other, truth)]


TRUTH = np.random.default_rng(1).integers(0, 4, N)
ZOE, AMIN, MODEL = noisy(TRUTH, 0.1, 2), noisy(TRUTH, 0.3, 3), noisy(TRUTH, 0.4, 4)


def labels(coders: dict[str, list[str]], sample: int = N) -> Labels:
    rows = [
        {"post_id": f"x:{at:03}", "coder": coder, "variable": "frame", "value": value}
        for coder, values in coders.items()
        for at, value in enumerate(values)
    ]
    return Labels(LABELS.frame(rows), SAMPLE.frame([{"post_id": f"x:{at:03}"} for at in range(sample)]))


def judged(said: list[str]) -> Evaluation:
    posts = pl.DataFrame({"post_id": [f"x:{at:03}" for at in range(len(said))], "classifier": said})
    return Evaluation(pl.DataFrame(), pl.DataFrame(), posts)


def quietly(*args: Any, **options: Any) -> pl.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiscourseWarning)
        return model_agreement(*args, **options)


def alpha(*columns: Sequence[str | None]) -> float:
    return float(krippendorff_alpha(np.array(columns, dtype=object).T))


def test_each_row_is_the_alpha_of_its_columns() -> None:
    agreed = [one if one == other else None for one, other in zip(ZOE, AMIN, strict=True)]
    table = quietly(judged(MODEL), labels({"zoe": ZOE, "amin": AMIN}), seed=1, replicates=50)
    assert table.columns == ["between", "group", "n_units", "percent", "alpha", "low", "high"]
    rows = {row["between"]: row for row in table.iter_rows(named=True)}
    expected = {
        "classifier and settled labels": alpha(agreed, MODEL), "coders": alpha(ZOE, AMIN),
        "coders and classifier": alpha(ZOE, AMIN, MODEL), "classifier and coder 1": alpha(AMIN, MODEL),
        "classifier and coder 2": alpha(ZOE, MODEL),
    }  # fmt: skip
    assert list(rows) == list(expected)
    for between, value in expected.items():
        assert rows[between]["alpha"] == pytest.approx(value)
        assert rows[between]["low"] < value < rows[between]["high"]
    assert rows["classifier and settled labels"]["n_units"] == sum(one is not None for one in agreed)
    assert rows["classifier and coder 2"]["alpha"] > rows["classifier and coder 1"]["alpha"]
    shown = str(table.rows())
    assert "zoe" not in shown
    assert "amin" not in shown


def test_an_abstention_is_no_value() -> None:
    half = [ABSTAIN if at % 2 else value for at, value in enumerate(MODEL)]
    table = quietly(judged(half), labels({"a": ZOE}), seed=1, replicates=50)
    assert table["between"].to_list() == ["classifier and settled labels", "classifier and coder 1"]
    assert table["n_units"].to_list() == [N / 2, N / 2]
    assert table["alpha"][0] == pytest.approx(alpha(ZOE[::2], MODEL[::2]))


def test_only_tested_posts_count_and_agreed_values_are_the_settled_ones() -> None:
    given = labels({"adjudicated": AMIN, "a": ZOE})
    table = quietly(judged(MODEL[:60]), given, seed=1, replicates=50)
    rows = {row["between"]: row for row in table.iter_rows(named=True)}
    assert rows["classifier and settled labels"]["alpha"] == pytest.approx(alpha(AMIN[:60], MODEL[:60]))
    assert rows["classifier and coder 1"]["alpha"] == pytest.approx(alpha(ZOE[:60], MODEL[:60]))
    assert len(rows) == 2
    only = quietly(judged(MODEL), labels({"adjudicated": AMIN}), seed=1, replicates=50)
    assert only["between"].to_list() == ["classifier and settled labels"]


def test_a_coder_of_the_classifiers_name_is_not_taken_for_it() -> None:
    table = quietly(judged(MODEL), labels({"classifier": ZOE, "settled labels": AMIN}), seed=1, replicates=50)
    rows = {row["between"]: row["alpha"] for row in table.iter_rows(named=True)}
    assert rows["coders"] == pytest.approx(alpha(ZOE, AMIN))
    assert rows["coders and classifier"] == pytest.approx(alpha(ZOE, AMIN, MODEL))


def test_groups_have_rows_of_their_own() -> None:
    by = pl.DataFrame({"post_id": [f"x:{at:03}" for at in range(N)], "lang": ["en", "ur"] * (N // 2)})
    table = quietly(judged(MODEL), labels({"a": ZOE}), seed=1, replicates=50, by=by)
    rows = {(row["between"], row["group"]): row["alpha"] for row in table.iter_rows(named=True)}
    assert rows["classifier and coder 1", "ur"] == pytest.approx(alpha(ZOE[1::2], MODEL[1::2]))
    assert len(rows) == 6


def test_without_a_settled_label_there_is_nothing_to_compare() -> None:
    with pytest.raises(MeaningError, match=r"^no tested post has a settled label; give the labels"):
        model_agreement(judged(MODEL), labels({}), seed=1)
