"""The part of the page about events: sentences first, then tables small enough to be read; the rest is in the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from discourse.report.effects_words import summary, told, untold_said
from discourse.report.rows import day_name

__all__ = ["COLUMNS", "EffectTables", "effect_sentences", "effect_tables"]

COLUMNS = {
    "event": "Event", "change": "Change", "change_low": "Low", "change_high": "High", "p_holm": "p, adjusted",
    "p_pretrend": "p, days before", "p_placebo": "p, placebo dates", "run": "Choice", "windows": "Windows compared",
    "outside": "Outside the interval", "sign_changed": "Sign changed", "largest": "Largest change", "part": "Part",
    "level_before": "Level before", "level_after": "Level after", "breakdown": "Breakdown fraction",
    "period": "From, to", "said": "Note",
}  # fmt: skip
"""Column heads of the tables below, by name."""


@dataclass(frozen=True)
class EffectTables:
    """The tables of the stage `effects`, small cells withheld. An empty table was not asked for."""

    effects: pl.DataFrame
    sensitivity: pl.DataFrame
    changes: pl.DataFrame
    conversion: pl.DataFrame


def effect_sentences(tables: EffectTables) -> tuple[str, ...]:
    """What the page says of events, in the order in which it should be read.

    How many effects can be told, and each of these; event by event of which none can be told, and why; what inauthentic
    posts would have to be; the change points, which test nothing.
    """
    rows = tables.effects.to_dicts()
    head = [summary(tables.effects)] if any(row["start"] is not None for row in rows) else []
    said = [row["said"] for row in rows if row["said"] and (told(row) or row["start"] is None)]
    for event in dict.fromkeys(row["event"] for row in rows):
        own = [row for row in rows if row["event"] == event and row["start"] is not None and not told(row)]
        said += [untold_said(own)] if own else []
    broken = tables.sensitivity.filter(pl.col("run") == "breakdown", ~pl.col("window").str.starts_with("across "))
    said += [one for one in broken["said"] if one]
    return (*head, *dict.fromkeys(said), *_changes_said(tables.changes))


def effect_tables(tables: EffectTables) -> tuple[tuple[str, pl.DataFrame], ...]:
    """Titles and tables of the page, each with the columns a reader needs."""
    dated = [day_name(day) if day is not None else "" for day in tables.effects["start"]]
    effects = tables.effects.filter(pl.col("start").is_not_null()) if tables.effects.height else tables.effects
    days = pl.Series("event", [day for day in dated if day], dtype=pl.String)
    numbers = ["change", "change_low", "change_high", "p_holm", "p_pretrend", "p_placebo", "n_authors", "n_gold"]
    tests = [pl.col(name).map_elements(_p, return_dtype=pl.String) for name in numbers if name.startswith("p_")]
    changed = effects.select(days, "measure", "side", *numbers, "flags").with_columns(tests)
    parts = tables.conversion.filter(pl.col("part").is_in(["total", "conversion", "composition"]))
    parts = parts.with_columns(period=pl.format("{} | {}", "before", "after"))
    found = tables.changes.filter(pl.col("window").is_not_null())
    return (
        ("Effects of events on the day they began", changed),
        ("The headline against other choices: how many windows move", choices(tables.sensitivity)),
        ("Which fraction of one-sided, inauthentic posts would by itself make a change",
         broken_down(tables.sensitivity)),
        ("Who changed: authors who wrote before and after (conversion), and those who came or left (composition)",
         parts.select("period", "measure", "side", "part", "estimate", "low", "high", "flags")),
        ("Change points (exploratory: found by looking, no test of anything)",
         found.select("window", "measure", "side", "level_before", "level_after", "n_authors", "flags")),
    )  # fmt: skip


def choices(sensitivity: pl.DataFrame) -> pl.DataFrame:
    """Of each run, measure and side: windows compared, how many leave the interval or change sign, the largest change.

    >>> rows = pl.DataFrame({"run": ["headline", "b"], "measure": ["m", "m"], "side": ["a", "a"], "change": [0.0, -0.2],
    ...     "flags": ["", "outside"]})
    >>> choices(rows).rows()
    [('b', 'm', 'a', 1, 1, 0, -0.2)]
    """
    flags = pl.col("flags").fill_null("").str.split(" ")
    runs = sensitivity.filter(
        ~pl.col("run").str.starts_with("headline"), pl.col("run") != "breakdown", pl.col("change").is_not_null()
    )
    return runs.group_by("run", "measure", "side", maintain_order=True).agg(
        windows=pl.len().cast(pl.Int64),
        outside=flags.list.contains("outside").sum().cast(pl.Int64),
        sign_changed=flags.list.contains("sign_changed").sum().cast(pl.Int64),
        largest=pl.col("change").sort_by(pl.col("change").abs()).last(),
    )


def broken_down(sensitivity: pl.DataFrame) -> pl.DataFrame:
    """The breakdown fractions, from where to where."""
    rows = sensitivity.filter(pl.col("run") == "breakdown")
    return rows.select(pl.col("window").alias("period"), "measure", "side", pl.col("headline").alias("level_before"),
                       pl.col("estimate").alias("level_after"), "breakdown")  # fmt: skip


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _changes_said(changes: pl.DataFrame) -> Sequence[str]:
    """One sentence about all change points, and what the rows without any say."""
    found = changes.filter(pl.col("window").is_not_null())
    rest = [f"{one[:1].upper()}{one[1:]}." for one in dict.fromkeys(changes["said"]) if one and not one.endswith(".")]
    if found.is_empty():
        return rest
    many = "1 change of level was" if found.height == 1 else f"{found.height} changes of level were"
    return [f"{many} found by looking at the series (exploratory: that tests nothing, and proves no effect).", *rest]
