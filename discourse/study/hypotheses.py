"""What a study expects: hypotheses written down before anybody looks, and what the data say of each.

A hypothesis names a measure, a side, an event and a direction, so that an effect of the study answers it without any
further choice. Three answers are possible: the interval lies on the expected side of 0 ("as expected"), on the other
("against it"), or holds 0 or is not known ("not told"): no evidence for an effect is no evidence that there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from discourse.errors import UsageError
from discourse.impact.effects import holm
from discourse.settings import only_keys, word
from discourse.study.values import one_word

__all__ = ["ANSWERS", "DIRECTIONS", "Hypothesis", "answered", "hypotheses_of"]

_LEVEL: Final = 0.05
DIRECTIONS: Final = ("up", "down", "any")
_KEYS: Final = ("id", "says", "measure", "side", "event", "direction")
ANSWERS: Final = {
    "id": pl.String, "says": pl.String, "event": pl.String, "measure": pl.String, "side": pl.String,
    "direction": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "p_holm": pl.Float64,
    "answer": pl.String, "why": pl.String,
}  # fmt: skip


Doubts = Callable[[Mapping[str, Any]], Sequence[str]]


@dataclass(frozen=True)
class Hypothesis:
    """That a measure of a side goes up, down, or any way with an event; `measure` as in [effects].

    >>> Hypothesis("H1", "It hardens.", "nationalist", "pakistan", "strikes", "up").direction
    'up'
    """

    id: str
    says: str
    measure: str
    side: str
    event: str
    direction: str

    def answer(self, low: float | None, high: float | None, p: float | None) -> str:
        """What an interval of the change and its adjusted p say: "as expected", "against it" or "not told".

        >>> one = Hypothesis("H1", "It hardens.", "net-tone", "pakistan", "strikes", "up")
        >>> one.answer(0.1, 0.2, 0.01), one.answer(-0.2, -0.1, 0.01), one.answer(0.1, 0.2, 0.06), one.answer(-1, 1, 0.9)
        ('as expected', 'against it', 'not told', 'not told')
        """
        if low is None or high is None or p is None or not p < _LEVEL or not (low > 0 or high < 0):
            return "not told"
        found = "up" if low > 0 else "down"
        return "as expected" if self.direction in (found, "any") else "against it"


def hypotheses_of(tables: Any, measures: Iterable[str]) -> tuple[Hypothesis, ...]:
    """The `[[hypotheses]]` of a study file; `measures` are those of its [effects].

    Raises `UsageError` for a key that is missing or unknown, another measure or direction, or an id twice.

    >>> hypotheses_of([{"id": "H1"}], ["net-tone"])
    Traceback (most recent call last):
    discourse.errors.UsageError: hypothesis 'H1' has no 'says'; write says = "..."
    """
    if not isinstance(tables, list):
        raise UsageError("[hypotheses] is one table; each hypothesis needs its own [[hypotheses]]")
    made: list[Hypothesis] = []
    for at, table in enumerate(tables, start=1):
        name = table.get("id") if isinstance(table, Mapping) else None
        where = f"hypothesis {name!r}" if isinstance(name, str) else f"hypothesis {at}"
        only_keys(table, _KEYS, where)
        one = Hypothesis(**{key: word(table, key, where) for key in _KEYS})
        for value, allowed, what in (
            (one.measure, measures, "measure"), (one.direction, DIRECTIONS, "direction"),
        ):  # fmt: skip
            one_word(value, tuple(allowed), f"{what} of {where}")
        if any(one.id == other.id for other in made):
            raise UsageError(f"two hypotheses are named {one.id!r}; give each an id of its own")
        made.append(one)
    return tuple(made)


def answered(
    hypotheses: Sequence[Hypothesis], effects: pl.DataFrame, names: Mapping[str, str], doubts: Doubts
) -> pl.DataFrame:
    """What the effects of a study say of its hypotheses: one row each, columns of `ANSWERS`.

    `effects` are the rows of effects.csv, `names` the measure there by its name in [effects]; `doubts` says of a row
    why no effect can be told from it (the days before, guards, an interval that holds 0), and any doubt makes the
    answer "not told". p is adjusted by Holm over the hypotheses, not over all that was looked at: they were named
    beforehand. A hypothesis without its row is "not told".

    >>> one = Hypothesis("H1", "It hardens.", "net-tone", "pakistan", "strikes", "up")
    >>> row = {"event": ["strikes"], "measure": ["NetTone()"], "side": ["pakistan"], "p": [0.01]}
    >>> found = pl.DataFrame({**row, "change": [0.2], "change_low": [0.1], "change_high": [0.3]})
    >>> made = answered([one, one], found, {"net-tone": "NetTone()"}, lambda row: [])
    >>> made["answer"].to_list(), made["p_holm"].to_list()
    (['as expected', 'as expected'], [0.02, 0.02])
    """
    rows: list[dict[str, Any]] = []
    for one in hypotheses:
        own = effects.filter(event=one.event, measure=names.get(one.measure, one.measure), side=one.side)
        rows.append(own.row(0, named=True) if own.height else {})
    given = [row.get("p") for row in rows]
    adjusted = holm([np.nan if p is None else p for p in given])
    made = []
    for one, row, p in zip(hypotheses, rows, adjusted.tolist(), strict=True):
        low, high = row.get("change_low"), row.get("change_high")
        known = low is not None and high is not None and not np.isnan(p)
        why = doubts({**row, "p_holm": p, "n_tests": len(rows)}) if known else ["it could not be estimated"]
        said = (one.id, one.says, one.event, one.measure, one.side, one.direction)
        answer = "not told" if why else one.answer(low, high, p)
        made.append((*said, row.get("change"), low, high, None if np.isnan(p) else p, answer, "; ".join(why)))
    return pl.DataFrame(made, schema=ANSWERS, orient="row")
