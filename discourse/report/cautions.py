"""What a reader must know before using a number, in sentences: guards, what was decided before looking, hypotheses.

Guards of windows are counted, not listed: twenty windows without gold are one sentence. Nothing is computed here but
counts of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import polars as pl

from discourse.report.rows import side_name

__all__ = ["caution_sentences", "decision_sentences", "no_gap_claimed"]

_OF_WINDOWS: Final = {
    "no_gold": "no gold label of their own; nothing there corrects the classifier",
    "n_eff_below_30": "fewer than 30 effective authors; no number of labels mends that, so join windows",
    "near_singular": "too little to tell the classes apart that the method has to tell apart",
}


def caution_sentences(guards: pl.DataFrame) -> tuple[str, ...]:
    """Sentences of a table of guards (`discourse.guards`): of the method, of each side, then of windows, counted.

    >>> rows = {"side": ["pakistan"] * 2, "window": ["2025-01-06", "2025-01-13"], "flag": ["no_gold"] * 2,
    ...     "labels": [97, 385], "said": ["", ""]}
    >>> caution_sentences(pl.DataFrame(rows))
    ('2 windows of Pakistan have no gold label of their own; nothing there corrects the classifier (97 to 385 random
    labels in each would give plus or minus 5 points).',)
    """
    whole = guards.filter(pl.col("window").is_null())
    said = [
        text if side is None or side_name(side) in text else f"{side_name(side)}: {text}"
        for side, text in whole.select("side", "said").iter_rows()
    ]
    by = guards.filter(pl.col("window").is_not_null()).group_by("flag", "side", maintain_order=True)
    counted = by.agg(n=pl.len(), least=pl.col("labels").min(), most=pl.col("labels").max())
    for flag, side, n, least, most in counted.iter_rows():
        windows = "1 window" if n == 1 else f"{n} windows"
        verb = "has" if n == 1 else "have"
        count = f"{least}" if least == most else f"{least} to {most}"
        what = _OF_WINDOWS.get(flag, flag)
        labels = "" if least is None else f" ({count} random labels in each would give plus or minus 5 points)"
        if n == 1:
            what, labels = what.replace("of their own", "of its own"), labels.replace(" in each", "")
        said.append(f"{windows} of {side_name(side)} {verb} {what}{labels}.")
    return tuple(said)


def no_gap_claimed(reasons: Sequence[str]) -> str:
    """The sentence that stands where a gap between the sides would: none is claimed, and why. "" without reasons.

    >>> no_gap_claimed(["Few posts were coded.", "Most sides are unknown."])
    'No difference between the sides is claimed. Few posts were coded. Most sides are unknown. The numbers stand in the
    tables, for those who can say more about how the posts were collected.'
    """
    if not reasons:
        return ""
    return (
        f"No difference between the sides is claimed. {' '.join(reasons)} The numbers stand in the tables, for those "
        "who can say more about how the posts were collected."
    )


def decision_sentences(
    compared: pl.DataFrame, frozen: datetime | None, digest: str, *, looked: bool
) -> tuple[str, ...]:
    """What was decided before anybody could look at a series, and what after: sentences of the table of decisions.

    `frozen` is the instant of the last freeze (None where there is none), `digest` its hash, `looked` whether there
    was a series by then.

    >>> table = pl.DataFrame({"decision": ["measure.every", "seed"], "decided": ["changed since", "before"]})
    >>> decision_sentences(table, datetime(2025, 1, 1), "ab" * 32, looked=False)[1]
    'Decided before anybody could look at a series: seed.'
    """
    if frozen is None:
        return (
            "Nothing was frozen before the series were made (discourse freeze): read all of this as exploration, "
            "whatever its intervals say.",
        )
    first = f"Decisions were last frozen on {frozen:%Y-%m-%d} (SHA-256 {digest[:16]}…)"
    said = [f"{first}{', after a series had been made' if looked else ''}."]
    for decided, what in (
        ("before", "Decided before anybody could look at a series"), ("after", "Decided after a series was there"),
        ("changed since", "Changed since they were frozen"), ("never frozen", "Never frozen"),
    ):  # fmt: skip
        names = compared.filter(decided=decided)["decision"].to_list()
        if names:
            said.append(f"{what}: {', '.join(names)}.")
    return tuple(said)
