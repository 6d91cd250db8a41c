"""What to do about drift: one table of rules, and how many labels of which posts are missing.

Letters of shapes: k classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from discourse.judging.pair import OTHERS, Pair, Window, nameable
from discourse.judging.stability import Gold, needed
from discourse.judging.tables import MIN_AUTHORS

__all__ = ["ALARM", "MISSING", "RULES", "Advice", "Rule", "advise", "missing_labels", "state_of_errors"]

ALARM: Final = 0.01
"""A test sounds the alarm when its p-value, adjusted for all tests of its family, is below this."""
MISSING: Final[dict[str, Any]] = {
    "window": pl.String, "predicted": pl.String, "lang": pl.String, "have": pl.Int64, "need": pl.Int64,
    "more": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """One rule: of the state of the errors and the families that sound the alarm, to an action and its reason.

    `errors` is changed, unknown or stable; `alarms` names the families of which one must sound the alarm, or is empty
    if none need to.
    """

    errors: str
    alarms: tuple[str, ...]
    action: str
    reason: str


RULES: Final = (
    Rule("changed", (), "retrain", "the classifier errs otherwise than before, as gold of both windows shows"),
    Rule("unknown", ("population", "scores", "calibration"), "label",
         "something has changed, and gold does not suffice to say whether the classifier still errs as before"),
    Rule("stable", ("calibration",), "recalibrate",
         "the classifier errs as before, but its probabilities are no longer as sure as they should be"),
    Rule("stable", ("population", "scores"), "keep",
         "the posts have changed and the classifier errs as before; correct its shares with gold of this window"),
    Rule("unknown", (), "keep",
         "nothing that can be seen without gold has changed; whether the classifier errs more is not known"),
    Rule("stable", (), "keep", "nothing has changed that these tests can see"),
)  # fmt: skip
"""Looked through from the top; the first that fits is taken. One fits always."""


@dataclass(frozen=True)
class Advice:
    """Which rule fits (from 1), its action (keep, recalibrate, label, retrain) and its reason."""

    rule: int
    action: str
    reason: str


def advise(errors: str, alarms: Mapping[str, bool]) -> Advice:
    """The first rule that fits the state of the errors and the families that sound the alarm.

    >>> advise("unknown", {"population": True}).action, advise("stable", {}).rule
    ('label', 6)
    """
    for number, rule in enumerate(RULES, start=1):
        if rule.errors == errors and (not rule.alarms or any(alarms.get(family) for family in rule.alarms)):
            return Advice(number, rule.action, rule.reason)
    raise AssertionError(f"no rule for errors {errors!r}")  # pragma: no cover


def state_of_errors(alarm: bool, missing: pl.DataFrame, classes: int) -> str:
    """`changed` on an alarm, `stable` when gold of every one of the classes suffices in both windows, else `unknown`.

    >>> state_of_errors(False, pl.DataFrame(schema=MISSING), 4)
    'stable'
    """
    if alarm:
        return "changed"
    return "stable" if classes and not missing["more"].sum() else "unknown"


def missing_labels(pair: Pair, golds: tuple[Gold, Gold] | None) -> tuple[pl.DataFrame, int]:
    """How many gold labels each window lacks, by predicted class and language, and how many classes were looked at.

    What a class lacks is divided among its languages by their uncoded posts. Classes and languages of fewer than 10
    authors are not named; such languages are `others` together, and `all` stands where no language can be named.
    """
    _, classes = nameable([window.posts for window in pair.windows], "predicted")
    classes = [name for name in classes if name != OTHERS]
    rows: list[dict[str, Any]] = []
    for at, window in enumerate(pair.windows):
        for name in classes:
            rows += _class_rows(("reference", "current")[at], window, name, golds[at] if golds else None)
    return pl.DataFrame(rows, schema=MISSING), len(classes)


def _class_rows(label: str, window: Window, name: str, gold: Gold | None) -> list[dict[str, Any]]:
    own = window.posts.filter(pl.col("predicted") == name)
    if own["author_id"].n_unique() < MIN_AUTHORS:
        return []
    langs, order = nameable([own], "lang")
    named = own.select(pl.col("lang").fill_null("unknown").replace_strict(langs), "post_id")
    posts = [int((named["lang"] == lang).sum()) for lang in order]
    have = [0] * len(order)
    coded, need = 0, 0
    if gold is None:
        nothing = Gold(np.zeros(0, np.int64), (), (), (), np.zeros(0), np.zeros((0, 0)))
        _, need = needed(nothing, name, own.height)
    else:
        coded, need = needed(gold, name, own.height)
        counts = named.filter(pl.col("post_id").is_in(list(gold.post_ids)))["lang"].value_counts()
        by = dict(counts.iter_rows())
        have = [int(by.get(lang, 0)) for lang in order]
    more = _divided(max(need - coded, 0), [one - of for one, of in zip(posts, have, strict=True)])
    shown = ["all"] if order == [OTHERS] else order
    return [{"window": label, "predicted": name, "lang": lang, "have": of, "need": of + add, "more": add}
            for lang, of, add in zip(shown, have, more, strict=True)]  # fmt: skip


def _divided(n: int, sizes: Sequence[int]) -> list[int]:
    """n in whole parts in the proportion of sizes, the largest remainders first, of equals the first.

    >>> _divided(5, [30, 30, 10])
    [2, 2, 1]
    """
    total = sum(sizes)
    if not n or not total:
        return [0] * len(sizes)
    exact = [n * size / total for size in sizes]
    whole = [int(one) for one in exact]
    order = sorted(range(len(sizes)), key=lambda at: (whole[at] - exact[at], at))
    for at in order[: n - sum(whole)]:
        whole[at] += 1
    return whole
