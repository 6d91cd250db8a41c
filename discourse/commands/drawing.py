"""Commands for what coders get: draw a sample, plan what an interval costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from discourse.commands.console import AS_JSON, Status, tell
from discourse.commands.studies import run_until
from discourse.commands.study_file import StudyFile
from discourse.errors import MeaningError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from discourse.commands.population import Drawable

__all__ = ["COMMANDS"]

_PATH = click.Path(path_type=Path)
_OPTIONAL_STUDY = click.argument("study", type=StudyFile(), metavar="[STUDY.toml]", required=False)
_DATA = click.option("--data", type=_PATH, help="Folder of the study's corpus; also DISCOURSE_DATA.")
_WORK = click.option("--work", type=_PATH, default=Path("out"), show_default=True, help="Folder for private tables.")
_COLUMNS = ("lang", "predicted", "side", "window")
_SHOWN = 40


@click.command()
@_OPTIONAL_STUDY
@click.option("--corpus", type=_PATH, help="Folder of a corpus, instead of a study.")
@click.option("--n", type=click.IntRange(min=1), required=True, help="How many posts.")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="The same seed draws the same posts.")
@click.option("--by", help="Strata: side, window, lang, predicted, with commas between them.")
@click.option(
    "--allocation", type=click.Choice(["proportional", "equal", "neyman"]), help="How strata share the posts."
)
@click.option("--rare", multiple=True, metavar="FRAME", help="Draw more of what is predicted to be this frame.")
@click.option("--active", is_flag=True, help="Draw what teaches most, and a random fifth for gold.")
@click.option("--role", type=click.Choice(["training", "gold"]), help="What the labels will be for.")
@click.option("--model", type=_PATH, help="Stored model whose predictions the design needs.")
@click.option("--without", multiple=True, type=_PATH, help="CSV of posts that are not drawn again; may be repeated.")
@click.option("--out", type=_PATH, required=True, help="CSV to write. It holds texts: only you can read it.")
@click.option("--sides", type=_PATH, help="With --corpus: file that decides sides.")
@click.option("--every", default="1w", show_default=True, help="With --corpus: length of a window.")
@_DATA
@_WORK
@AS_JSON
def sample(study: Path | None, corpus: Path | None, *, as_json: bool, **given: Any) -> None:
    """Draw posts for coders from what a study measures, or from a corpus, with the chance of each.

    Labels need not be there yet. The file keeps the chances, without which a label is no gold: it is not written over.
    Exit code 2 for a design that cannot be drawn.
    """
    from discourse.sampling.files import read_ids, write_sample
    from discourse.sampling.sampling import draw_sample

    status = Status()
    try:
        drawable = _drawable(study, corpus, given, status)
        for file in given["without"]:
            drawable = drawable.without(read_ids(file))
        drawn = draw_sample(
            drawable.posts(), given["n"], seed=given["seed"], role=given["role"], **_design(drawable, given)
        )
    finally:
        status.clear()
    path = write_sample(drawn, given["out"])
    strata, total = _strata(drawn), len(drawable.corpus)
    found = {"sample": str(path), "drawn": drawn.height, "of": total, "strata": strata}
    tell(as_json, found, [*_lines(strata), f"{drawn.height} of {total} posts: {path}"])


@click.command()
@_OPTIONAL_STUDY
@click.option("--width", type=float, required=True, help="Width of the interval that is wished for, like 0.1.")
@click.option("--share", type=float, help="Expected share of the frame, instead of a study.")
@click.option("--after", type=float, help="Expected share after an event: plan the difference to --share.")
@click.option("--target", multiple=True, metavar="FRAME", help="With a study: the frame, or frames, of interest.")
@click.option("--design", type=click.Choice(["neyman", "proportional", "random"]), default="neyman", show_default=True,
              help="How gold is drawn: within predicted classes, or at random.")  # fmt: skip
@click.option("--population", type=click.IntRange(min=1), help="With --share: posts in the window and side.")
@click.option("--deff", type=float, default=1.0, show_default=True, help="Design effect of authors.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Confidence of the interval.")
@click.option("--per-cell", type=click.IntRange(min=0), help="Least labels a window and side; 200 with --after.")
@_DATA
@_WORK
@click.option("--figures", type=_PATH, default=Path("figures"), show_default=True, help="Folder of what is published.")
@AS_JSON
def plan(study: Path | None, *, as_json: bool, **given: Any) -> None:
    """Say how many gold labels an interval of a wished-for width costs, before anyone codes.

    With --share for one window and side; with a study that has labels already for each of its windows and sides, by
    what its classifier confuses. Exit code 6 when no number of labels reaches the width.
    """
    if (study is None) == (given["share"] is None):
        raise UsageError("plan from one thing: give a study with --target, or --share with the expected share")
    options = {name: given[name] for name in ("design", "deff", "level")}
    if given["per_cell"] is not None:
        options["per_cell"] = given["per_cell"]
    rows = _of_share(given, options) if study is None else _of_study(study, given, options)
    planned = sum(row["n"] or 0 for row in rows)
    tell(as_json, {"labels": planned, "cells": rows}, [*_costs(rows), f"{planned} labels in all"])


def _drawable(study: Path | None, corpus: Path | None, given: dict[str, Any], status: Status) -> Drawable:
    from discourse.commands.population import of_corpus, of_study

    if study is not None and corpus is None:
        if given["sides"] is not None:
            raise UsageError("a study names its own sides; leave out --sides")
        return of_study(study, data=given["data"], work=given["work"], progress=status.show)
    if study is None and corpus is not None:
        return of_corpus(corpus, sides=given["sides"], every=given["every"], progress=status.show)
    raise UsageError("say what to draw from: give a study file, or --corpus FOLDER, and not both")


def _design(drawable: Drawable, given: dict[str, Any]) -> dict[str, Any]:
    """The design of the draw and its options, as `draw_sample` takes them."""
    by = tuple(name.strip() for name in (given["by"] or "").split(",") if name.strip())
    for name in by:
        if name not in _COLUMNS:
            raise UsageError(f"--by names {name!r}; it can name {', '.join(_COLUMNS)}")
    rare, active = given["rare"], given["active"]
    if active and (by or given["allocation"]):
        raise UsageError("--active chooses without strata; leave out --by and --allocation")
    if given["allocation"] and not by:
        raise UsageError("--allocation shares the posts among strata; name them, as in --by side,window")
    needs = bool(rare) or active or "predicted" in by or given["allocation"] == "neyman"
    if needs and given["model"] is None:
        raise UsageError("this design needs predictions; give --model FILE, such as out/NAME/model.safetensors")
    made: dict[str, Any] = {"design": "active" if active else "rare-pole" if rare else "stratified" if by else "simple"}
    made |= {"strata": by, "target": rare}
    if given["allocation"]:
        made["allocation"] = given["allocation"]
    if needs:
        made["scores"] = drawable.scores(given["model"])
    if active:
        from discourse.framing.features import count, texts_of

        made["features"] = count(texts_of(drawable.corpus))[1]
    return made


def _strata(drawn: pl.DataFrame) -> list[dict[str, Any]]:
    import polars as pl

    chance = pl.col("inclusion_p")
    counted = drawn.group_by("stratum", "role").agg(
        pl.len().alias("n"), chance.min().alias("least_chance"), chance.max().alias("greatest_chance")
    )
    return counted.sort("stratum", "role").to_dicts()


def _lines(strata: list[dict[str, Any]]) -> list[str]:
    lines = []
    for one in strata[:_SHOWN]:
        low, high = one["least_chance"], one["greatest_chance"]
        chance = "chance not known" if low is None else f"chance {low:.3g}" + ("" if low == high else f" to {high:.3g}")
        lines.append(f"{one['stratum']:40} {one['n']:6}  {chance}" + (f"  {one['role']}" if one["role"] else ""))
    left = len(strata) - len(lines)
    return [*lines, f"and {left} strata more (--json lists all)"] if left else lines


def _of_share(given: dict[str, Any], options: dict[str, Any]) -> list[dict[str, Any]]:
    from discourse.sampling.budget import plan_contrast, plan_labels

    options |= {"population": given["population"]}
    if given["after"] is None:
        return plan_labels(given["share"], given["width"], **options).to_dicts()
    return plan_contrast(given["share"], given["after"], given["width"], **options).to_dicts()


def _of_study(study: Path, given: dict[str, Any], options: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each window, side and predicted class; n is null where not even all posts reach the width."""
    import polars as pl

    from discourse.commands.population import of_study
    from discourse.sampling.budget import plan_labels, predicted_rates
    from discourse.schema import FRAMINGS
    from discourse.store.saved import read_table

    if not given["target"] or given["after"] is not None or given["population"] is not None:
        raise UsageError("with a study, give --target FRAME and neither --after nor --population")
    done, status = run_until(study, given["data"], given["work"], given["figures"], "frame"), Status()
    try:
        posts = of_study(study, data=given["data"], work=given["work"], progress=status.show).posts()
    finally:
        status.clear()
    predicted = read_table(done.work / "framings.parquet", FRAMINGS).select("post_id", "predicted")
    cells = ("window", "side")
    measured = posts.select("post_id", *cells).join(predicted, on="post_id", how="inner", validate="1:1")
    confusion = pl.read_csv(done.work / "confusion.csv")
    rates = predicted_rates(confusion, given["target"], measured, by=cells)
    rows: list[dict[str, Any]] = []
    for part in rates.partition_by(*cells, maintain_order=True):
        try:
            rows += plan_labels(part, given["width"], **options).to_dicts()
        except MeaningError:
            out_of_reach = {"n": None, "width": None}
            rows += [{**row, **out_of_reach} for row in part.select(*cells, "stratum").to_dicts()]
    if all(row["n"] is None for row in rows):
        raise MeaningError(
            f"in no window and side do all its posts give an interval {given['width']} wide; ask for a wider one, or "
            "make longer windows"
        )
    return rows


def _costs(rows: list[dict[str, Any]]) -> list[str]:
    lines = []
    for row in rows:
        cell = " ".join(str(row[name]) for name in ("window", "side", "stratum") if name in row)
        cost = "out of reach" if row["n"] is None else f"{row['n']:6}  width {row['width']:.4f}"
        lines.append(f"{cell:40} {cost}")
    return lines


COMMANDS: tuple[click.Command, ...] = (sample, plan)
