"""Agreement, scores and learning curves for people: names in the place of codes, intervals beside estimates."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from discourse.notebook.table import ShownTable, with_interval
from discourse.report.guard import MIN_AUTHORS
from discourse.report.rows import language_name, side_name
from discourse.schema import FRAMES, as_polars

__all__ = ["agreement_tables", "coefficient_tables", "curve_tables", "score_tables"]

_ALPHA: Final = (
    "Alpha is 1 where coders always agree and 0 where they agree as chance would. By custom 0.80 carries firm "
    "conclusions and 0.67 tentative ones; what matters is the lower end of the interval."
)
_STATISTICS: Final = {
    "percent": "agreeing pairs, %",
    "alpha": "Krippendorff's alpha",
    "ac1": "Gwet's AC1",
    "ac2": "Gwet's AC2",
    "fleiss_kappa": "Fleiss' kappa",
    "cohen_kappa": "Cohen's kappa",
    "positive": "agreement that it is this value",
    "negative": "agreement that it is not",
}
_FEW: Final = "withheld"


def agreement_tables(table: Any) -> list[ShownTable]:
    """A table of `agreement`: one for each variable, a row a group."""
    frame = as_polars(table)
    head = ("group", "posts with two codes", "coders", "agreeing pairs", "Krippendorff's alpha")
    made = []
    for (variable,), own in frame.group_by(["variable"], maintain_order=True):
        rows = tuple(_agreed(row) for row in own.to_dicts())
        made.append(
            ShownTable(f"How far coders agree on {variable} (95 % intervals over posts)", head, rows, (_ALPHA,))
        )
    return made


def _agreed(row: dict[str, Any]) -> tuple[str, ...]:
    if row["n_units"] < MIN_AUTHORS:
        return (_group(row["group"]), f"fewer than {MIN_AUTHORS}", _FEW, _FEW, _FEW)
    alpha = with_interval(row["alpha"], row["low"], row["high"])
    percent = with_interval(row["percent"], None, None, digits=0)
    share = percent if percent == "not defined" else f"{percent} %"
    return (_group(row["group"]), f"{row['n_units']:,}", str(row["n_coders"]), share, alpha)


def coefficient_tables(table: Any) -> list[ShownTable]:
    """A table of `agreement_table`: one for each variable and group, a row a coefficient of a value."""
    frame = as_polars(table)
    made = []
    for (variable, group), own in frame.group_by(["variable", "group"], maintain_order=True):
        where = "" if group == "all" else f", {_group(str(group))}"
        few = bool((own["n_units"] < MIN_AUTHORS).any())
        rows = tuple(
            ("all values" if row["class"] == "all" else row["class"],
             _STATISTICS.get(row["statistic"], row["statistic"]), _FEW if few else _coefficient(row))
            for row in own.to_dicts()
        )  # fmt: skip
        caption = f"How far coders agree on {variable}{where} (95 % intervals over posts)"
        made.append(ShownTable(caption, ("value", "coefficient", "estimate"), rows, (_ALPHA,)))
    return made


def _coefficient(row: dict[str, Any]) -> str:
    digits = 1 if row["statistic"] == "percent" else 3
    return with_interval(row["estimate"], row["low"], row["high"], digits=digits)


def score_tables(table: Any) -> list[ShownTable]:
    """The scores of an evaluation: models beside one another on all posts, then the classifier in each group."""
    frame = as_polars(table)
    whole = frame.filter(pl.col("group") == "all")
    classes = [frame_ for frame_ in FRAMES if frame_ in set(whole.filter(metric="f1")["class"])]
    columns = [("macro-F1", "macro_f1", "all"), *((f"F1 {one}", "f1", one) for one in classes)]
    known = {(row["model"], row["metric"], row["class"]): row for row in whole.to_dicts()}
    models = list(dict.fromkeys(row["model"] for row in whole.filter(metric="macro_f1").to_dicts()))
    rows = tuple(
        (model, *(_score(known.get((model, metric, one)), " - " in model) for _, metric, one in columns))
        for model in models
    )
    tested = int(whole["n"].max() or 0)  # type: ignore[arg-type]
    caption = f"Scores on {tested:,} posts that no model was trained on (95 % intervals over authors)"
    note = (
        "F1 is 1 for a classifier without errors; macro-F1 is the mean over the frames, so that a rare one counts as "
        "much as a frequent one. A row with a minus is the difference of two models on the same posts."
    )
    made = [ShownTable(caption, ("model", *(name for name, *_ in columns)), rows, (note,))]
    groups = frame.filter(pl.col("group") != "all", model="classifier", metric="macro_f1").to_dicts()
    if groups:
        cells = tuple(
            (_group(row["group"]), *((_FEW, _FEW) if row["n"] is None else (f"{row['n']:,}", _score(row, False))))
            for row in groups
        )
        note = f"Groups of fewer than {MIN_AUTHORS} authors are withheld."
        made.append(ShownTable("The classifier in each group", ("group", "posts", "macro-F1"), cells, (note,)))
    return made


def _score(row: dict[str, Any] | None, sign: bool) -> str:
    return "" if row is None else with_interval(row["estimate"], row["low"], row["high"], sign=sign)


def curve_tables(table: Any) -> list[ShownTable]:
    """A learning curve: a row a size, what it bought over the size before, and how the rarer pole fares."""
    frame = as_polars(table)
    rows = tuple(
        (f"{row['n']:,}", f"{row['authors']:,}", with_interval(row["macro_f1"], row["low"], row["high"]),
         "" if row["gain"] is None else with_interval(row["gain"], row["gain_low"], row["gain_high"], sign=True),
         with_interval(row["rare_ap"], row["rare_low"], row["rare_high"]))
        for row in frame.to_dicts()
    )  # fmt: skip
    rare, tested = frame["rare"][0], int(frame["tested"][0])
    head = ("trained on", "by authors", "macro-F1", "gain over the row before", f"average precision of {rare}")
    caption = f"What more labels bought, always tested on the same {tested:,} posts (95 % intervals over authors)"
    note = "Read the gain, which is paired, and not whether the intervals of macro-F1 overlap."
    return [ShownTable(caption, head, rows, (note,))]


def _group(group: str) -> str:
    """A group as people name it.

    >>> _group("lang=ur"), _group("side=pakistan"), _group("all")
    ('language: Urdu', 'side: Pakistan', 'all')
    """
    kind, _, value = group.partition("=")
    if kind == "lang" and value:
        return f"language: {language_name(value)}"
    if kind == "side" and value:
        return f"side: {side_name(value).removeprefix('side ')}"
    return f"{kind}: {value}" if value else group
