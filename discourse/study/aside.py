"""What the page says beside the numbers: cautions, what was decided before looking, and what was expected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from discourse.measure.guarding import GUARDS
from discourse.plots.save import csv_bytes
from discourse.report.cautions import caution_sentences, decision_sentences, no_gap_claimed
from discourse.report.effects_words import doubts
from discourse.study.event_rows import measure_of
from discourse.study.frozen import compared, decisions, read_freezes
from discourse.study.hypotheses import answered
from discourse.study.stages import Desk
from discourse.whole import write_whole

__all__ = ["ASIDE", "Aside"]

ASIDE = ("guards.csv", "decisions.csv", "hypotheses.csv")


@dataclass(frozen=True, eq=False)
class Aside:
    """Sentences and tables for the page and for the folder of what may be published."""

    guards: pl.DataFrame
    decisions: pl.DataFrame
    hypotheses: pl.DataFrame
    cautions: tuple[str, ...]
    decided: tuple[str, ...]
    no_gap: str

    @classmethod
    def of(cls, desk: Desk, effects: Path) -> Aside:
        """From the tables of the stages and the published effects of a study.

        Raises `BadInput` when the file of freezes was changed by hand.
        """
        guards = pl.read_csv(desk.path("guards.csv"), schema=GUARDS)
        reasons = pl.read_csv(desk.path("reasons.csv"), schema_overrides={"said": pl.String})["said"].to_list()
        freezes = read_freezes(desk.study.frozen)
        last = freezes[-1] if freezes else None
        table = compared(freezes, decisions(desk.study))
        said = decision_sentences(table, last.at if last else None, last.hash if last else "",
                                  looked=bool(last and last.looked))  # fmt: skip
        names = {name: repr(measure_of(name)) for name in desk.study.effects.measures}
        found = pl.read_csv(effects, infer_schema_length=None)
        return cls(
            # How many authors a window weighs as is told of none: few of them are few people.
            guards.with_columns(said=pl.when(pl.col("window").is_null()).then("said")),
            table, answered(desk.study.hypotheses, found, names, doubts), caution_sentences(guards), said,
            no_gap_claimed(reasons),
        )  # fmt: skip

    def publish(self, folder: Path) -> dict[str, Path]:
        """Write the tables; their paths by name, for the manifest."""
        tables = (self.guards, self.decisions, self.hypotheses)
        return {
            name.removesuffix(".csv"): write_whole(folder / name, csv_bytes(table))
            for name, table in zip(ASIDE, tables, strict=True)
        }
