"""A series for people: a row a window, a column a side, notes in words in the place of flags."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from discourse.measure.timeline import MIN_N_EFF
from discourse.notebook.table import ShownTable
from discourse.report.guard import MIN_AUTHORS, shown
from discourse.report.rows import (
    day_name,
    first_moment,
    in_words,
    measure_name,
    ordered_sides,
    side_name,
    step_name,
    title_of,
    window_name,
)
from discourse.schema import FRAMES, SERIES, as_polars

__all__ = ["guard_tables", "series_tables"]

_METHODS: Final = {
    "poststrat": "corrected for the classifier's errors with coded posts (post-stratified double sampling)",
    "dsl": "corrected with coded posts (design-based supervised learning)",
    "ppi": "corrected with coded posts (prediction-powered inference)",
    "ppi++": "corrected with coded posts (prediction-powered inference, tuned)",
    "acc": "corrected with the classifier's error rates (adjusted count)",
    "pacc": "corrected with the classifier's error rates (probabilistic adjusted count)",
    "sld": "corrected with the classifier's probabilities (expectation maximisation)",
    "cc": "counted as the classifier sorted them, NOT corrected for its errors",
    "pcc": "summed over the classifier's probabilities, NOT corrected for its errors",
    "gold": "of the coded posts alone",
}
_WEIGHTS: Final = {
    "author": "each author counts once per {}",
    "post": "every post counts once",
    "unique_text": "every distinct text counts once",
}
_ASSUMES: Final = {
    "random_gold": "the coded posts were drawn at random",
    "errors_stable_over_time": "the classifier errs alike at all times",
    "errors_stable_over_time_and_sides": "the classifier errs alike at all times and on both sides",
    "classifier_errors_cancel": "the classifier's errors cancel out, which nothing here checks",
    "prior_shift": "only the mix of frames changed, not how each is written",
}
_OF_A_WINDOW: Final = {
    "partial": "covered in part",
    "no_gold": "no coded post of its own",
    "gold_borrowed": "error rates borrowed from other windows",
}
_OF_A_SIDE: Final = {
    "classifier_adds_nothing": "the classifier adds nothing to the coded posts of this side",
    "prior_shift_assumed": "the correction assumes that only the mix of frames changed",
    "gold_pooled_over_event": "coded posts are pooled over an event, which makes a true change look smaller",
    "near_singular": "the classifier confuses the frames too much to be corrected",
}
_SHARES: Final = tuple(measure_name(frame) for frame in FRAMES)
_THIN: Final = (
    f"The posts of these windows weigh as fewer than {MIN_N_EFF:.0f} authors: join windows until they weigh as more."
)
_SAID_ELSEWHERE: Final = frozenset({"empty", "withheld", "naive", "forced", "n_eff_below_30"})


def series_tables(series: Any, most: int) -> list[ShownTable]:
    """A table for each measure, method and weight of a series; of more than `most` windows the first and the last."""
    table = shown(SERIES.frame(as_polars(series)))
    kinds = table.select("measure", "method", "weight").unique().rows()
    kinds.sort(key=lambda kind: (_SHARES.index(kind[0]) if kind[0] in _SHARES else len(_SHARES), kind))
    return [
        _table(table.filter(measure=measure, method=method, weight=weight), most) for measure, method, weight in kinds
    ]


def guard_tables(guards: Any) -> list[ShownTable]:
    """What `guards` says, a row a side and kind: in how many windows, and how many labels would mend it."""
    table = as_polars(guards).with_columns(pl.col("side").fill_null(""))
    rows = []
    for (side, flag), own in table.group_by(["side", "flag"], maintain_order=True):
        windows = own["window"].drop_nulls().len()
        labels = max(own["labels"].drop_nulls().to_list(), default=None)
        # The sentence of a thin window says how thin it is, which may be below what is ever shown.
        said = _THIN if flag == "n_eff_below_30" else own["said"][0]
        said += f" ({windows - 1} more windows are like it.)" if windows > 1 and said != _THIN else ""
        mend = "labels do not mend it" if labels is None else f"{labels:,} labels"
        rows.append((side_name(str(side)) if side else "all", str(windows or "all"), mend, said))
    head = ("side", "windows", "what would mend it", "what to know")
    none = () if rows else ("Nothing speaks against reading this series.",)
    return [ShownTable("What must be known before a number of this series is used", head, tuple(rows), none)]


def _table(rows: pl.DataFrame, most: int) -> ShownTable:
    first, step = rows.row(0, named=True), step_name(rows)
    sides = ordered_sides(rows["side"])
    windows = rows["window"].unique().sort().to_list()
    cells = {(row["window"], row["side"]): row for row in rows.to_dicts()}
    made = [_row(window, sides, cells, step) for window in windows]
    if len(made) > most:
        begin, end = most - most // 2, most // 2
        between = (f"\u2026 {len(made) - most} more", *("\u2026" for _ in sides), "")
        made = [*made[:begin], between, *made[len(made) - end :]]
    title = title_of(first["measure"], first["side"], step)
    weight = _WEIGHTS.get(first["weight"], first["weight"]).format(step)
    head = (f"{step} of" if step == "week" else step, *(side_name(side) for side in sides), "notes")
    caption = f"{title}. Shares of frames are {_METHODS.get(first['method'], first['method'])}; {weight}."
    return ShownTable(caption, head, tuple(made), tuple(_notes(rows, sides)))


def _row(window: str, sides: list[str], cells: dict[tuple[str, str], dict[str, Any]], step: str) -> tuple[str, ...]:
    own = [(side, cells.get((window, side))) for side in sides]
    begin = first_moment(window) if step in {"week", "day"} else None
    name = window_name(window, step) if begin is None else day_name(begin)
    said: dict[str, list[str]] = {}
    for side, row in own:
        for flag in _flags(row):
            if flag in _OF_A_WINDOW:
                said.setdefault(_OF_A_WINDOW[flag], []).append(side_name(side))
    there = [side for side, row in own if row is not None and row["n_posts"] != 0]
    notes = [
        words if len(named) >= len(there) else f"{', '.join(named)}: {words}" for words, named in said.items() if named
    ]
    return (name, *(_cell(row) for _, row in own), "; ".join(notes))


def _cell(row: dict[str, Any] | None) -> str:
    if row is None or row["n_posts"] == 0:
        return "no posts"
    if row["estimate"] is None:
        return "withheld"
    said = in_words(row, row["measure"]) + ("*" if "forced" in _flags(row) else "")
    if row["baseline"] is None:
        return said
    chance = {"estimate": row["baseline"], "low": row["baseline_low"], "high": row["baseline_high"]}
    return f"{said}; by chance {in_words(chance, row['measure'])}"


def _notes(rows: pl.DataFrame, sides: list[str]) -> list[str]:
    drawn = rows.filter(pl.col("estimate").is_not_null())
    assumed = (rows["assumes"][0] or "").split("+")
    known = [_ASSUMES.get(one, one.replace("_", " ")) for one in assumed if one]
    authors = drawn["n_authors"].drop_nulls()
    made = ["The ends of intervals stand in brackets."]
    if drawn.filter(pl.col("flags").fill_null("").str.contains("forced", literal=True)).height:
        made.append(f"* Posts that weigh as fewer than {MIN_N_EFF:.0f} authors: an interval that is not to be trusted.")
    if drawn["baseline"].is_not_null().any():
        made.append("\u201cBy chance\u201d is what comes out when the sides are shuffled among authors.")
    if len(authors):
        least, most = int(authors.min()), int(authors.max())  # type: ignore[arg-type]
        made.append(f"Each number rests on {f'{least:,} to {most:,}' if least < most else f'{most:,}'} authors.")
    if known:
        made.append(f"It assumes that {', and that '.join(known)}.")
    if rows.filter(pl.col("estimate").is_null(), pl.col("n_posts").fill_null(1) > 0).height:
        made.append(
            f"Withheld: posts that weigh as fewer than {MIN_N_EFF:.0f} authors, which give no interval to be trusted; "
            f"nothing of fewer than {MIN_AUTHORS} authors is ever shown."
        )
    for side in sides:
        flags = {flag for row in rows.filter(side=side).to_dicts() for flag in _flags(row)}
        for flag in sorted(flags - set(_OF_A_WINDOW) - _SAID_ELSEWHERE):
            made.append(f"{side_name(side)}: {_OF_A_SIDE.get(flag, flag.replace('_', ' '))}.")
    return made


def _flags(row: dict[str, Any] | None) -> list[str]:
    return [] if row is None else (row["flags"] or "").split()
