"""Commands for a corpus of any size: score its posts partition by partition, and measure the scores."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from discourse.commands.console import AS_JSON, Status, tell
from discourse.errors import MissingData, UsageError

if TYPE_CHECKING:
    import polars as pl

    from discourse.engine.backend import Engine
    from discourse.measure.timeline import Measure

__all__ = ["COMMANDS", "measure_scores", "score"]

_PATH = click.Path(path_type=Path)
_ENGINE = click.option("--engine", "engine_file", type=_PATH, help="TOML file with [engine]: where the work is done.")
_WORKERS = click.option("--workers", type=click.IntRange(min=1), show_default="one a core", help="Processes at work.")
_SIDES = click.option("--sides", type=_PATH, required=True, help="File of the sides, as a study names it.")


@click.command()
@click.argument("scores", type=_PATH)
@click.option("--corpus", type=_PATH, required=True, help="Folder of the corpus, as discourse import made it.")
@_SIDES
@click.option("--model", type=_PATH, required=True, help="File of the trained model.")
@click.option("--made-up", metavar="NAME", help="The corpus holds made-up posts of this study, with its published key.")
@_ENGINE
@_WORKERS
@AS_JSON
def score(
    scores: Path, corpus: Path, sides: Path, model: Path, made_up: str | None, *, as_json: bool, **given: Any
) -> None:
    """Score every post of a corpus, partition by partition, into the folder SCORES.

    Sides, language, sentiment, frames and copies of each post; no text. A run that breaks off is gone on with by the
    same command, and neither engine nor workers change a byte.
    """
    engine = _engine(**given)
    from discourse.corpus.privacy import Key, default_key_path
    from discourse.corpus.sides import Sides
    from discourse.engine.scoring import score_corpus

    key = Key.made_up(made_up) if made_up else Key.from_file(default_key_path())
    status = Status()
    try:
        done = score_corpus(
            corpus, scores, sides=Sides.from_toml(sides), model=model, key=key, engine=engine,
            progress=lambda posts: status.show("scoring", posts),
        )  # fmt: skip
    finally:
        status.clear()
    made = done.scores
    found = {"posts": made.rows, "parts": len(made.parts), "worked": done.worked, "found": done.found,
             "model": made.model, "bytes": sum(part.bytes for part in made.parts)}  # fmt: skip
    tell(as_json, found, [
        f"{made.rows} posts scored by {made.model} in {len(made.parts)} parts: {done.worked} new, {done.found} were "
        "there",
        f"{scores} (pseudonyms: never share it)",
    ])  # fmt: skip


@click.command("measure-scores")
@click.argument("scores", type=_PATH)
@_SIDES
@click.option("--out", type=_PATH, required=True, help="Folder for series.parquet and sentiment.parquet.")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="The same seed gives the same intervals.")
@click.option("--gold", type=_PATH, help="CSV of gold labels: post_id, value, inclusion_p.")
@click.option("--trained", type=_PATH, help="CSV of posts that the model was trained on: post_id.")
@click.option("--every", default="1w", show_default=True, help="Length of a window: 1h, 6h, 1d, 1w or 1mo.")
@click.option("--method", default="poststrat", show_default=True, help="How shares are corrected by gold; cc: not.")
@click.option("--weight", default="author", show_default=True, help="What counts once: author, post or unique_text.")
@click.option("--gold-within", default="window", show_default=True, help="Whose gold speaks: window, side, all.")
@click.option("--replicates", type=click.IntRange(min=1), default=400, show_default=True, help="Of the bootstrap.")
@click.option("--begin", type=click.DateTime(), help="First moment of the period, UTC.")
@click.option("--end", type=click.DateTime(), help="First moment after the period, UTC.")
@_ENGINE
@_WORKERS
@AS_JSON
def measure_scores(scores: Path, sides: Path, out: Path, *, seed: int, as_json: bool, **given: Any) -> None:
    """Measure shares, polarization and mean sentiment over time from scores, with the memory of one shard.

    The numbers are those of a study on the same posts. Cells of few authors are withheld.
    """
    engine = _engine(given.pop("engine_file"), given.pop("workers"))
    import warnings

    from discourse.corpus.sides import Sides
    from discourse.engine.measuring import Selection, measure_scores
    from discourse.errors import GoldWarning
    from discourse.indices.polarization import NetTone, Polarization
    from discourse.measure.prevalence import Prevalence
    from discourse.measure.timeline import Plan
    from discourse.schema import FRAMES
    from discourse.whole import write_whole

    known = Sides.from_toml(sides)
    if len(known.sides) < 2:
        raise UsageError("the sides file names one side; two are compared")
    gold, trained = given.pop("gold"), given.pop("trained")
    begin, end = (_utc(given.pop(name)) for name in ("begin", "end"))
    plan = Plan(sides=(known.sides[0], known.sides[1]), zones=dict(known.timezones), begin=begin, end=end, **given)
    measures: tuple[Measure, ...] = (*(Prevalence(frame) for frame in FRAMES), NetTone(),
                *(Polarization(name) for name in ("esteban-ray", "net-tone-gap", "cramer-squared")))  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GoldWarning)
        made = measure_scores(
            scores, measures, plan=plan, seed=seed, gold=None if gold is None else _table(gold), engine=engine,
            selection=Selection(without=frozenset() if trained is None else frozenset(_table(trained)["post_id"])),
        )  # fmt: skip
    for message in sorted({str(one.message) for one in caught if issubclass(one.category, GoldWarning)}):
        click.echo(f"note: {message}", err=True)
    for name, frame in (("series", made.series), ("sentiment", made.means)):
        sink = BytesIO()
        frame.write_parquet(sink, statistics=False)
        write_whole(out / f"{name}.parquet", sink.getvalue())
    left = {reason: count for reason, count in made.left_out.items() if count}
    said = ", ".join(f"{count} {reason}" for reason, count in left.items()) or "none"
    tell(as_json, {"posts": made.posts, "left_out": made.left_out, "rows": made.series.height}, [
        f"{made.posts} posts measured; left out: {said}", str(out / "series.parquet"), str(out / "sentiment.parquet"),
    ])  # fmt: skip


def _engine(engine_file: Path | None, workers: int | None) -> Engine:
    """The engine that was asked for."""
    from discourse.engine.backend import Engine

    if engine_file is not None and workers is not None:
        raise UsageError("--engine and --workers exclude each other; write workers = ... in the engine file")
    return Engine(workers=workers) if engine_file is None else Engine.from_toml(engine_file)


def _table(path: Path) -> pl.DataFrame:
    """A CSV whose ids stay words."""
    import polars as pl

    if not path.is_file():
        raise MissingData(f"there is no file {str(path)!r}; give the path of a CSV")
    frame = pl.read_csv(path, infer_schema=False)
    if "post_id" not in frame.columns:
        raise UsageError(f"{path.name} has no column post_id; write one row a post")
    return frame.with_columns(pl.col("^inclusion_p$").cast(pl.Float64))


def _utc(moment: Any) -> Any:
    """A time of the command line as one with a zone."""
    from datetime import UTC

    return None if moment is None else moment.replace(tzinfo=UTC)


COMMANDS: tuple[click.Command, ...] = (score, measure_scores)
