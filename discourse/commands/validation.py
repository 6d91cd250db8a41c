"""The command that runs the experiments with known truth."""

from __future__ import annotations

from pathlib import Path

import click

from discourse.commands.console import AS_JSON, Status, tell

__all__ = ["validate"]


@click.command()
@click.option("--repetitions", type=click.IntRange(min=2), default=400, show_default=True, help="Of each setting.")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="The same seed gives the same table.")
@click.option("--experiment", "experiments", multiple=True, help="shift, posting, volume or events; again for more.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the table here, too: .csv or .md.")
@AS_JSON
def validate(repetitions: int, seed: int, experiments: tuple[str, ...], out: Path | None, *, as_json: bool) -> None:
    """Measure made-up posts with known truth: how often intervals hold it, and how far estimates are off.

    All experiments with 400 repetitions take about half an hour on one core.
    """
    from discourse.simulate.validation import as_markdown
    from discourse.simulate.validation import validate as run
    from discourse.whole import write_whole

    status = Status()
    try:
        table = run(repetitions, seed=seed, experiments=experiments, progress=lambda said: status.show(said, 0))
    finally:
        status.clear()
    if out is not None:
        text = as_markdown(table) if out.suffix == ".md" else table.write_csv(float_precision=4)
        write_whole(out, text.encode("utf-8"))
    lines = [
        f"{row['setting']:42} {row['method']:24} {row['quantity']:15} holds {row['coverage']:.3f}  "
        f"bias {row['bias']:+.4f}  width {row['width']:.3f}"
        for row in table.to_dicts()
    ]
    tell(as_json, {"table": table.to_dicts()}, lines)
