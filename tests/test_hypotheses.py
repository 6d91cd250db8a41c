"""Hypotheses of a study: what can be written, and what an interval says of them."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from discourse.errors import UsageError
from discourse.study.hypotheses import ANSWERS, Hypothesis, answered, hypotheses_of

WRITTEN = {
    "id": "H1", "says": "It hardens.", "measure": "net-tone", "side": "pakistan", "event": "strikes",
    "direction": "up",
}  # fmt: skip
MEASURES = ("net-tone", "nationalist")
NAMES = {"net-tone": "NetTone()", "nationalist": "Prevalence('nationalist')"}


def nothing(_: Any) -> list[str]:
    """No doubt."""
    return []


@pytest.mark.parametrize(
    ("direction", "answers"),
    [
        ("up", ["as expected", "against it", "not told", "not told", "not told"]),
        ("down", ["against it", "as expected", "not told", "not told", "not told"]),
        ("any", ["as expected", "as expected", "not told", "not told", "not told"]),
    ],
)
def test_an_interval_answers_only_when_it_leaves_out_0(direction: str, answers: list[str]) -> None:
    one = Hypothesis(**{**WRITTEN, "direction": direction})
    nan = float("nan")
    pairs = ((0.1, 0.2), (-0.2, -0.1), (-0.1, 0.1), (0.0, 0.1), (nan, nan))
    assert [one.answer(*pair, 0.01) for pair in pairs] == answers
    assert {one.answer(0.1, 0.2, p) for p in (0.05, 0.5, nan, None)} == {"not told"}


def test_each_hypothesis_gets_the_effect_of_its_own_event_measure_and_side() -> None:
    first, second = Hypothesis(**WRITTEN), Hypothesis(**{**WRITTEN, "id": "H2", "side": "afghanistan"})
    third = Hypothesis(**{**WRITTEN, "id": "H3", "event": "talks"})
    effects = pl.DataFrame({
        "event": ["strikes", "strikes", "ceasefire"], "measure": ["NetTone()"] * 3,
        "side": ["afghanistan", "pakistan", "pakistan"], "change": [-0.3, 0.2, 0.9], "change_low": [-0.4, -0.1, 0.8],
        "change_high": [-0.2, 0.5, 1.0], "p": [0.01, 0.2, 0.001],
    })  # fmt: skip
    made = answered([first, second, third], effects, NAMES, nothing)
    assert dict(made.schema) == ANSWERS
    assert made.select("id", "estimate", "answer").rows() == [
        ("H1", 0.2, "not told"), ("H2", -0.3, "against it"), ("H3", None, "not told"),
    ]  # fmt: skip
    # Two hypotheses have a p value: the smaller counts twice, whatever else was looked at.
    assert made["p_holm"].to_list() == [pytest.approx(0.2), pytest.approx(0.02), None]


def test_a_doubt_makes_an_answer_not_told_and_is_said() -> None:
    row = {"event": ["strikes"], "measure": ["NetTone()"], "side": ["pakistan"], "p": [0.01], "change": [0.2],
           "change_low": [0.1], "change_high": [0.3]}  # fmt: skip
    seen: list[dict[str, Any]] = []

    def moved_before(one: Any) -> list[str]:
        seen.append(dict(one))
        return ["it moved already"]

    made = answered([Hypothesis(**WRITTEN)] * 2, pl.DataFrame(row), NAMES, moved_before)
    assert made.select("answer", "why").rows() == [("not told", "it moved already")] * 2
    # Doubts hear of the p value among the hypotheses.
    assert [(one["p_holm"], one["n_tests"]) for one in seen] == [(pytest.approx(0.02), 2)] * 2


def test_several_hypotheses_cost_what_holm_says() -> None:
    row = {"measure": ["NetTone()"], "side": ["pakistan"], "change": [0.2], "change_low": [0.1], "change_high": [0.3]}
    effects = pl.concat([pl.DataFrame({**row, "event": [name], "p": [0.03]}) for name in ("strikes", "talks")])
    one, other = Hypothesis(**WRITTEN), Hypothesis(**{**WRITTEN, "id": "H2", "event": "talks"})
    assert answered([one], effects, NAMES, nothing)["answer"].to_list() == ["as expected"]
    assert answered([one, other], effects, NAMES, nothing)["answer"].to_list() == ["not told", "not told"]
    assert answered([], effects, NAMES, nothing).height == 0


def test_hypotheses_are_read_in_their_order() -> None:
    made = hypotheses_of([WRITTEN, {**WRITTEN, "id": "H0", "side": "afghanistan"}], MEASURES)
    assert [one.id for one in made] == ["H1", "H0"]
    assert made[0] == Hypothesis(**WRITTEN)
    assert hypotheses_of([], MEASURES) == ()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"direction": "upwards"}, r"^direction of hypothesis 'H1' is 'upwards'; it must be 'up', 'down' or 'any'"),
        ({"measure": "nettone"}, r"^measure of hypothesis 'H1' is 'nettone'; it must be 'net-tone' or 'nationalist'"),
        ({"event": ""}, r"^hypothesis 'H1' has event = ''; write event = \"...\""),
        ({"when": "2025"}, r"^a key of hypothesis 'H1' is 'when'; it must be"),
        ({"id": 1}, r"^hypothesis 1 has id = 1; write id"),
    ],
)
def test_what_cannot_be_a_hypothesis_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        hypotheses_of([{**WRITTEN, **changed}], MEASURES)


def test_a_hypothesis_has_one_id() -> None:
    with pytest.raises(UsageError, match=r"^two hypotheses are named 'H1'; give each an id of its own$"):
        hypotheses_of([WRITTEN, WRITTEN], MEASURES)
    with pytest.raises(UsageError, match=r"^\[hypotheses\] is one table; each hypothesis needs its own"):
        hypotheses_of(WRITTEN, MEASURES)
