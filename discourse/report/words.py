"""Figures in words: captions and alternative texts.

Every sentence is made from the numbers of the series. None of them says why something changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from discourse.errors import MeaningError
from discourse.measure.timeline import MIN_N_EFF
from discourse.report.guard import MIN_AUTHORS, shown
from discourse.report.rows import (
    frame_of,
    headline,
    language_name,
    measure_name,
    number,
    ordered_sides,
    side_name,
    step_name,
    title_of,
    window_name,
)
from discourse.schema import FRAMES, UNKNOWN, as_polars

__all__ = [
    "METHODS",
    "alt_of",
    "alt_text",
    "caption",
    "caption_of",
    "counted",
    "describe_composition",
    "describe_confusion",
    "describe_truth",
    "left_out",
]

METHODS = {
    "poststrat": "corrected for the classifier's errors with coded posts (post-stratified double sampling)",
    "cc": "counted as the classifier sorted them, not corrected for its errors",
}
_ASSUMES = {
    "random_gold": "the coded posts were drawn at random within each window and side",
    "random_gold+errors_stable_over_time": (
        "the coded posts were drawn at random on each side and the classifier errs alike in all windows"
    ),
    "random_gold+errors_stable_over_time_and_sides": (
        "the coded posts were drawn at random and the classifier errs alike in all windows and on both sides"
    ),
    "classifier_errors_cancel": "the classifier's errors cancel out, which nothing here checks",
}


def caption(series: Any, measure: str | None = None, *, sides: Sequence[str] | None = None, level: float = 0.95) -> str:
    """What a figure of a series shows and rests on: posts, authors, gold labels, method, weight, assumptions.

    `series` and `measure` as in `plot_shares` and `plot_polarization`; without `measure` the series must hold
    just one. Counts are of the windows that are shown. `level` is that of the intervals. Raises as those do,
    and `MeaningError` when `measure` is needed.

    >>> from datetime import datetime, timezone
    >>> row = {"window": "2025-01-06", "start": datetime(2025, 1, 6, tzinfo=timezone.utc), "side": "pakistan",
    ...        "end": datetime(2025, 1, 13, tzinfo=timezone.utc), "measure": "NetTone()", "method": "cc",
    ...        "weight": "post", "estimate": 0.25, "n_posts": 80, "n_authors": 40, "assumes": "random_gold"}
    >>> print(caption(pl.DataFrame([row])))
    Net tone of each side: nationalist minus conciliatory share. Bands are 95 % intervals. The windows shown rest
    on 80 posts by 40 authors per week, and on no coded post. Frames are counted as the classifier sorted them, not
    corrected for its errors; every post counts once. It assumes that the coded posts were drawn at random within
    each window and side.
    """
    return caption_of(headline(series, _only(series, measure), sides=sides), level=level)


def caption_of(rows: pl.DataFrame, *, level: float = 0.95, titled: bool = True) -> str:
    """The caption of rows that were chosen and guarded already, as by `headline`; `titled`, what they are first."""
    step = step_name(rows)
    first = rows.row(0, named=True)
    drawn = rows.filter(pl.col("estimate").is_not_null())
    weight = counted(first["weight"], step)
    assumes = _ASSUMES.get(first["assumes"] or "", first["assumes"])
    parts = [
        f"{title_of(first['measure'], first['side'], step)}." if titled else "",
        f"Bands are {100 * level:g} % intervals.",
        _support(drawn, step) if drawn.height else "No window can be shown.",
        f"Frames are {METHODS.get(first['method'], first['method'])}; {weight}.",
        f"It assumes that {assumes}." if assumes else "",
        _baseline_words(rows),
        left_out(rows),
        "Hollow markers are windows that the period covers only in part." if _flagged(drawn, "partial").height else "",
        "Some windows borrow the error rates of others." if _flagged(drawn, "gold_borrowed").height else "",
    ]
    return " ".join(part for part in parts if part)


def alt_text(series: Any, measure: str | None = None, *, sides: Sequence[str] | None = None) -> str:
    """The trend of each side in words: first, last and highest window with their values; arguments as `caption`.

    >>> from datetime import datetime, timezone
    >>> row = {"window": "2025-01-06", "start": datetime(2025, 1, 6, tzinfo=timezone.utc), "side": "pakistan",
    ...        "end": datetime(2025, 1, 13, tzinfo=timezone.utc), "measure": "NetTone()", "method": "cc",
    ...        "weight": "post", "estimate": 0.25, "n_posts": 80, "n_authors": 40}
    >>> print(alt_text(pl.DataFrame([row])))
    Line chart. Net tone of each side: nationalist minus conciliatory share. Pakistan: 0.25 in the week of
    6 January 2025, the only window shown.
    """
    return alt_of(headline(series, _only(series, measure), sides=sides))


def alt_of(rows: pl.DataFrame) -> str:
    """The alternative text of rows that were chosen and guarded already, as `headline` gives them."""
    step = step_name(rows)
    name: str = rows["measure"][0]
    parts = [f"Line chart. {title_of(name, rows['side'][0], step)}."]
    parts += [_trend(rows.filter(pl.col("side") == side), name, step) for side in ordered_sides(rows["side"])]
    parts.append(left_out(rows))
    return " ".join(part for part in parts if part)


def counted(weight: str | None, step: str) -> str:
    """What counts once under a weight, in windows of the length `step`.

    >>> counted("unique_text", "week")
    'each distinct text counts once per week'
    """
    if weight == "author":
        return f"each author counts once per {step}"
    return f"each distinct text counts once per {step}" if weight == "unique_text" else "every post counts once"


def describe_composition(counts: Any) -> tuple[str, str]:
    """Caption and alternative text of `plot_composition`, from the same table.

    >>> table = {"window": ["2025-01", "2025-02"], "side": ["a", "a"], "lang": ["ur", "en"], "posts": [3, 1]}
    >>> describe_composition(pl.DataFrame(table))[0]
    'Posts in each window by side, and the share of each language: 4 posts in 2 windows.'
    """
    table = as_polars(counts).with_columns(pl.col("side").fill_null(UNKNOWN), pl.col("lang").fill_null("und"))
    total, windows = int(table["posts"].sum()), table["window"].n_unique()
    text = (
        f"Posts in each window by side, and the share of each language: {_count(total, 'post')} "
        f"in {_count(windows, 'window')}."
    )
    hidden = table["posts"].null_count()
    if hidden:
        text += f" {_count(hidden, 'count')} of fewer than {MIN_AUTHORS} authors left out."
    parts = []
    for side in ordered_sides(table["side"]):
        own = table.filter(pl.col("side") == side)
        n = int(own["posts"].sum())
        by = own.group_by("lang").agg(pl.col("posts").sum()).sort("posts", "lang", descending=[True, False])
        langs = ", ".join(f"{language_name(lang)} {100 * posts / n:.0f} %" for lang, posts in by.head(3).iter_rows())
        parts.append(f"{side_name(side)}: {_count(n, 'post')}, most in {langs}." if n else f"{side_name(side)}: none.")
    return text, f"Stacked bars. {text} {' '.join(parts)}"


def describe_confusion(confusion: Any) -> tuple[str, str]:
    """Caption and alternative text of `plot_confusion`, from the same table.

    >>> describe_confusion(pl.DataFrame({"true": ["both"], "predicted": ["both"], "n": [4]}))[1]
    'Table of colours. Rows are what the coders said, columns what the classifier said, over 4 coded posts;
    percentages are of the row. Classified as coded: both 4 of 4.'
    """
    table = as_polars(confusion)
    if "row" not in table.columns:
        table = table.with_columns(row=pl.col("n").sum().over("true"))
    totals = dict(table.select("true", "row").iter_rows())
    text = (
        "Rows are what the coders said, columns what the classifier said, over "
        f"{_count(sum(totals.values()), 'coded post')}; percentages are of the row."
    )
    if table["n"].null_count():
        text += f" Cells of fewer than {MIN_AUTHORS} authors, and those that would tell one, are withheld."
    right = []
    for frame in FRAMES:
        hit = table.filter(true=frame, predicted=frame).drop_nulls("n")
        if totals.get(frame) and hit.height:
            right.append(f"{frame} {hit['n'][0]} of {totals[frame]}")
    return text, f"Table of colours. {text} Classified as coded: {', '.join(right) or 'none'}."


def describe_truth(series: Any, truth: Any, frame: str) -> tuple[str, str]:
    """Caption and alternative text of `plot_truth`: how many intervals hold the truth; arguments as there."""
    known = as_polars(truth).filter(pl.col("frame") == frame_of(measure_name(frame)))
    said = []
    for method, name in (("poststrat", "corrected estimate"), ("cc", "naive count")):
        rows = headline(series, frame, method=method).join(known, on=["window", "side"], how="inner")
        rows = rows.drop_nulls(["low", "high", "share"])
        inside = rows.filter(pl.col("share").is_between(pl.col("low"), pl.col("high"))).height
        said.append(f"the interval of the {name} holds the truth in {inside} of {_count(rows.height, 'window')}")
    text = f"Known and measured share of {frame_of(measure_name(frame))} posts: {said[0]}; {said[1]} (both sides)."
    return text, f"Line chart. {text}"


def _trend(rows: pl.DataFrame, measure: str, step: str) -> str:
    name = "" if "|" in rows["side"][0] else f"{side_name(rows['side'][0])}: "
    drawn = rows.filter(pl.col("estimate").is_not_null())
    if drawn.is_empty():
        return f"{name}no window can be shown."
    said = [(number(row["estimate"], measure), window_name(row["window"], step)) for row in drawn.iter_rows(named=True)]
    if drawn.height == 1:
        return f"{name}{said[0][0]} in {said[0][1]}, the only window shown."
    top = int(drawn["estimate"].arg_max() or 0)
    made = (
        f"{name}{said[0][0]} in {said[0][1]}, {said[-1][0]} in {said[-1][1]}, highest {said[top][0]} in {said[top][1]}."
    )
    return made[:1].upper() + made[1:]


def _support(drawn: pl.DataFrame, step: str) -> str:
    told = drawn.filter(pl.col("n_posts").is_not_null(), pl.col("n_authors").is_not_null())
    if told.is_empty():
        return "How many posts the windows rest on is withheld."
    which = "windows shown" if told.height == drawn.height else f"{told.height} windows whose counts are shown"
    least, most = int(str(told["n_authors"].min())), int(str(told["n_authors"].max()))
    authors = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    each = step if told["side"].n_unique() == 1 else f"{step} and side"
    posts = f"{told['n_posts'].sum():,} posts by {authors} authors per {each}"
    return f"The {which} rest on {posts}, and on {_gold(told)}."


def _gold(drawn: pl.DataFrame) -> str:
    """Coded posts behind the rows; labels that serve several windows or sides are counted once."""
    by_side = drawn.group_by("side").agg(sum=pl.col("n_gold").sum(), max=pl.col("n_gold").max())
    assumes = drawn["assumes"][0] or ""
    if assumes.endswith("over_time_and_sides"):
        n = by_side["max"].max()
    else:
        n = by_side["max" if assumes.endswith("over_time") else "sum"].sum()
    return _count(int(str(n or 0)), "coded post") if n else "no coded post"


def _baseline_words(rows: pl.DataFrame) -> str:
    if not rows["baseline"].count():
        return ""
    return (
        "The grey line and band are the mean and the middle 95 % of the values when sides are shuffled among authors."
    )


def left_out(rows: pl.DataFrame) -> str:
    """How many of the rows have no value, and why; "" where all have one."""
    withheld = _flagged(rows, "withheld").filter(pl.col("estimate").is_null())
    small = withheld.filter(pl.col("n_authors").is_null()).height
    empty = _flagged(rows, "empty").height
    said = []
    if withheld.height:
        are = "is" if withheld.height == 1 else "are"
        limit = MIN_AUTHORS if small == withheld.height and _flagged(rows, "forced").height else int(MIN_N_EFF)
        authors = "authors" if rows["weight"][0] == "author" else "effective authors"
        stand = f"fewer than {limit} {authors} stand behind {'it' if withheld.height == 1 else 'them'}"
        said.append(f"{withheld.height} of {rows.height} values {are} withheld because {stand}")
    if empty:
        said.append(f"{empty} of {rows.height} {'has' if empty == 1 else 'have'} no posts")
    return f"{' and '.join(said)}." if said else ""


def _flagged(rows: pl.DataFrame, flag: str) -> pl.DataFrame:
    return rows.filter(_has(flag))


def _has(flag: str) -> pl.Expr:
    return pl.col("flags").fill_null("").str.split(" ").list.contains(flag)


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _only(series: Any, measure: str | None) -> str:
    if measure is not None:
        return measure
    names = shown(series)["measure"].unique().sort().to_list()
    if len(names) != 1:
        raise MeaningError(f"the series holds {len(names)} measures; name one of them, as in measure='nationalist'")
    return str(names[0])
