"""What the charts of the page are drawn from, as plain data: it goes into the page as JSON and into its tables.

Nothing here is computed but counts of windows whose interval holds a known truth; all numbers are those of the CSV
files beside the page, rounded to six decimals, after the guards for small cells.

A view is one measure by one method, one weight and one group of posts; its key is the place of each in its list, like
"0.0.1.0". Its rows are lists: window, side (both as places), estimate, low, high, baseline, its low and high, posts,
authors, coded posts, flags (the place in `flags`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import polars as pl

from discourse.report.guard import shown
from discourse.report.rows import (
    NAMES,
    day_name,
    first_moment,
    frame_of,
    is_share,
    language_name,
    ordered_sides,
    side_name,
    step_name,
    title_of,
    window_name,
)
from discourse.report.thin import shown_groups
from discourse.report.words import alt_of, caption_of
from discourse.schema import FRAMES, SERIES, UNKNOWN, as_polars

__all__ = ["CHARTS", "REPLACED", "chart_data", "charts_of"]

Plain = dict[str, Any]
CHARTS: Final = {"shares-nationalist": "nationalist", "shares-conciliatory": "conciliatory",
                 "net-tone-gap": "net-tone-gap", "distance": "cramer-squared",
                 "polarization-within": "esteban-ray"}  # fmt: skip
"""Charts of the page and the measure that each shows at first."""
MOST: Final = 16_000
"""Rows that all views of a page may have together: about 1.2 MB of it."""
REPLACED: Final = (*CHARTS, "truth-nationalist", "truth-conciliatory")
"""Figures that a chart stands for, so that the page needs no picture of them."""
_METHODS: Final = {"poststrat": "Corrected", "cc": "Not corrected"}
_WEIGHTS: Final = {"author": "Each author once", "post": "Every post once", "unique_text": "Each text once"}
_HEADINGS: Final = {
    "net-tone": "Net tone of each side",
    "net-tone-gap": "Gap between the sides",
    "cramer-squared": "Distance between the sides",
    "esteban-ray": "Polarization within each side",
}
_PLATFORMS: Final = {"x": "X (Twitter)", "reddit": "Reddit", "telegram": "Telegram", "whatsapp": "WhatsApp",
                     "youtube": "YouTube", "facebook": "Facebook", "instagram": "Instagram", "bluesky": "Bluesky",
                     "mastodon": "Mastodon", "tiktok": "TikTok", "unknown": "platform not known"}  # fmt: skip
_FRAMES: Final = {"both": "Share of posts with both frames", "neither": "Share of posts with neither"}
_FLAGS: Final = {
    "partial": "covered in part", "withheld": "withheld", "gold_borrowed": "error rates of other windows",
    "empty": "no posts", "no_gold": "no coded posts", "forced": "shown on request", "naive": "",
}  # fmt: skip
_VALUES: Final = ("estimate", "low", "high", "baseline", "baseline_low", "baseline_high")
_COUNTS: Final = ("n_posts", "n_authors", "n_gold")
_ORIGIN: Final = datetime(1970, 1, 1)


def chart_data(series: Any, slices: Any = None, *, events: Any = None, truth: Any = None) -> Plain:
    """Everything that can be switched to, ready for JSON; {} for a series without rows.

    `series` and `events` have the columns of those tables; `slices` those of a series after `by` and `group`; `truth`
    has window, side, frame and share. Small cells are withheld here.

    >>> chart_data(SERIES.empty())
    {}
    """
    raw = SERIES.frame(as_polars(series))
    if raw.is_empty():
        return {}
    whole = shown(raw).with_columns(by=pl.lit(""), group=pl.lit(""))
    table = _fitting(pl.concat([whole, _parts(slices, raw).select(whole.columns)], how="vertical_relaxed"))
    whole = table.filter(by="")
    step = step_name(whole)
    data: Plain = {
        "step": step,
        "windows": _windows(table, step),
        "sides": [[side, side_name(side)] for side in _sides(table)],
        "measures": [_measure(name, whole, step) for name in _in_order(whole["measure"], NAMES.values())],
        "methods": [[name, _METHODS.get(name, name)] for name in _in_order(whole["method"], _METHODS)],
        "weights": [[name, _WEIGHTS.get(name, name)] for name in _in_order(whole["weight"], _WEIGHTS)],
        "groups": _groups(table),
        "flags": sorted({_said(one) for one in table["flags"]}),
    }
    data["views"] = _views(table, data)
    data["events"] = _events(events, data["windows"])
    data["truth"], data["coverage"] = _truth(truth, data)
    return data


def _fitting(table: pl.DataFrame) -> pl.DataFrame:
    """As many switches as the page has room for: first the groups go, then all weights but one, then all methods."""
    ways = [table, table.filter(by="")]
    for name, order in (("weight", _WEIGHTS), ("method", _METHODS)):
        ways.append(ways[-1].filter(pl.col(name) == _in_order(table[name], order)[0]))
    return next((one for one in ways if one.height <= MOST), ways[-1])


def _parts(slices: Any, series: pl.DataFrame) -> pl.DataFrame:
    """The groups that can be switched to: of a kind that has more than one, and not withheld altogether."""
    none = SERIES.empty().with_columns(by=pl.lit(""), group=pl.lit(""))
    if slices is None or as_polars(slices).is_empty():
        return none
    typed = as_polars(slices).with_columns(pl.col(name).cast(dtype) for name, dtype in SERIES.columns.items())
    parts = shown_groups(typed, series).join(series.select("measure").unique(), on="measure", how="semi")
    kept = (pl.col("group").n_unique().over("by") > 1) & (pl.col("estimate").count().over("by", "group") > 0)
    return parts.filter(kept)


def charts_of(data: Plain) -> list[Plain]:
    """The charts of the page in their order: `id`, `measure` (its place), `truth` (whether it is on), `title`.

    >>> charts_of({})
    []
    """
    if not data:
        return []
    names = [one["name"] for one in data["measures"]]
    made: list[Plain] = [
        {"id": key, "measure": names.index(NAMES[short]), "truth": False, "title": _heading(NAMES[short])}
        for key, short in CHARTS.items()
        if NAMES[short] in names
    ] or [{"id": "measure", "measure": 0, "truth": False, "title": _heading(names[0])}]
    known = [int(key) for key in data["truth"]]
    if known:
        made.append({"id": "truth", "measure": known[0], "truth": True, "title": "Estimate against known truth"})
    return made


def _heading(name: str) -> str:
    if is_share(name):
        return _FRAMES.get(frame_of(name), f"Share of {frame_of(name)} posts")
    short = next((key for key, value in NAMES.items() if value == name), name)
    return _HEADINGS.get(short, name)


def _measure(name: str, table: pl.DataFrame, step: str) -> Plain:
    rows = table.filter(measure=name)
    return {
        "name": name,
        "heading": _heading(name),
        "title": title_of(name, rows["side"][0], step),
        "share": is_share(name),
        "between": rows["side"].str.contains("|", literal=True).any(),
        "baseline": rows["baseline"].count() > 0,
    }


def _in_order(values: pl.Series, order: Any) -> list[str]:
    there = set(values)
    return [*(name for name in order if name in there), *sorted(there - set(order))]


def _sides(table: pl.DataFrame) -> list[str]:
    alone = table.filter(~pl.col("side").str.contains("|", literal=True))["side"]
    return [*ordered_sides(alone), *sorted(set(table["side"]) - set(alone))]


def _windows(table: pl.DataFrame, step: str) -> list[list[Any]]:
    """Label, name, and begin and end in minutes of the local time of the label, since 1970."""
    first = table.group_by("window").agg(pl.col("start").min(), length=(pl.col("end") - pl.col("start")).median())
    made = []
    for window, start, length in first.iter_rows():
        begin = first_moment(window) or start.replace(tzinfo=None)
        since = _minutes(begin)
        made.append([window, window_name(window, step), since, since + round(length / timedelta(minutes=1))])
    return sorted(made, key=lambda one: (one[2], one[0]))


def _minutes(at: datetime) -> int:
    return int((at - _ORIGIN) // timedelta(minutes=1))


def _groups(table: pl.DataFrame) -> list[list[str]]:
    """By, group and name: all posts first, then the languages, then the platforms, the fullest first."""
    posts = table.filter(pl.col("by") != "").group_by("by", "group").agg(pl.col("n_posts").sum())
    rows = sorted(posts.iter_rows(), key=lambda row: (row[0], -(row[2] or 0), row[1]))
    return [["", "", "All posts"], *([by, group, _group_name(by, group)] for by, group, _ in rows)]


def _group_name(by: str, group: str) -> str:
    return language_name(group) if by == "lang" else _PLATFORMS.get(group, group)


def _views(table: pl.DataFrame, data: Plain) -> Plain:
    listed = ("methods", "weights", "windows", "sides")
    place = {name: {one[0]: i for i, one in enumerate(data[name])} for name in listed}
    measures = {one["name"]: i for i, one in enumerate(data["measures"])}
    groups = {(by, group): i for i, (by, group, _) in enumerate(data["groups"])}
    flags = {said: i for i, said in enumerate(data["flags"])}
    made: Plain = {}
    keys = ["measure", "method", "weight", "by", "group"]
    for own in table.partition_by(keys, maintain_order=True):
        measure, method, weight, by, group = own.select(keys).row(0)
        key = f"{measures[measure]}.{place['methods'][method]}.{place['weights'][weight]}.{groups[by, group]}"
        rows = []
        for row in own.iter_rows(named=True):
            rows.append([
                place["windows"][row["window"]], place["sides"][row["side"]],
                *(None if row[name] is None else round(row[name], 6) + 0.0 for name in _VALUES),
                *(row[name] for name in _COUNTS), flags[_said(row["flags"])],
            ])  # fmt: skip
        told = own.sort(pl.col("side").replace_strict(place["sides"], return_dtype=pl.Int64), "start", "window")
        made[key] = {"rows": sorted(rows, key=lambda one: (one[0], one[1])),
                     "caption": _named(caption_of(told, titled=False), data["groups"][groups[by, group]]),
                     "alt": alt_of(told)}  # fmt: skip
    return dict(sorted(made.items()))


def _named(text: str, group: Sequence[str]) -> str:
    kind = {"lang": "in", "platform": "from"}.get(group[0])
    return f"Only posts {kind} {group[2]}. {text}" if kind else text


def _said(flags: str | None) -> str:
    words = [_FLAGS.get(word, word.replace("_", " ")) for word in (flags or "").split()]
    return "; ".join(word for word in words if word)


def _events(events: Any, windows: Sequence[Sequence[Any]]) -> list[Plain]:
    """The events of the period in order of time, numbered from 1."""
    if events is None or not windows:
        return []
    begin, end = windows[0][2], windows[-1][3]
    made: list[Plain] = []
    for row in as_polars(events).sort("start", "event_id").iter_rows(named=True):
        first, last = (_minutes(datetime.combine(day, datetime.min.time())) for day in _days(row))
        if first < end and last >= begin:
            made.append(
                {
                    "n": len(made) + 1,
                    "t0": max(first, begin),
                    "t1": min(last + 24 * 60, end),
                    "long": last > first,
                    "day": day_name(row["start"]),
                    "title": row["title"] or "",
                }
            )
    return made


def _days(row: Mapping[str, Any]) -> tuple[date, date]:
    return row["start"], row["end"] or row["start"]


def _truth(truth: Any, data: Plain) -> tuple[Plain, Plain]:
    """Known shares by measure, side and window; and how many intervals of each view hold them, in a sentence."""
    known: Plain = {}
    if truth is None:
        return known, {}
    labels = {one[0]: i for i, one in enumerate(data["windows"])}
    names = {one["name"]: i for i, one in enumerate(data["measures"])}
    sides = {one[0]: i for i, one in enumerate(data["sides"])}
    for side, window, frame, share in (
        as_polars(truth).select("side", "window", "frame", "share").sort(pl.all()).iter_rows()
    ):
        if frame in FRAMES and NAMES[frame] in names and side in sides and side != UNKNOWN and window in labels:
            of = known.setdefault(str(names[NAMES[frame]]), {})
            of.setdefault(str(sides[side]), {})[str(labels[window])] = round(share, 6)
    known = {key: known[key] for key in sorted(known, key=int)}
    return known, {
        f"{measure}.{weight}": _coverage(data, known[measure], measure, weight)
        for measure in known
        for weight in range(len(data["weights"]))
    }


def _coverage(data: Plain, known: Plain, measure: str, weight: int) -> Plain:
    """In words, and by method: its place, how many intervals hold the truth, and of how many."""
    said: list[str] = []
    held_by: list[list[int]] = []
    for i, (name, _) in enumerate(data["methods"]):
        view = data["views"].get(f"{measure}.{i}.{weight}.0", {"rows": []})
        held = [
            low <= known[str(side)][str(window)] <= high
            for window, side, _, low, high, *_ in view["rows"]
            if low is not None and high is not None and str(window) in known.get(str(side), {})
        ]
        what = {"poststrat": "corrected estimate", "cc": "count that is not corrected"}.get(name, name)
        if held:
            held_by.append([i, sum(held), len(held)])
            said.append(f"{sum(held)} of {len(held)} values of the {what}")
    if not said:
        return {"said": "", "held": []}
    most = f"Intervals that keep their promise hold about {0.95 * held_by[0][2]:.0f} of {held_by[0][2]}."
    return {"said": f"The intervals hold the truth for {' and for '.join(said)}. {most}", "held": held_by}
