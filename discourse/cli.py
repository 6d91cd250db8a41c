"""The command line: arguments to a study, an error's kind to an exit code.

Nothing heavy is imported before a command runs, so that `discourse --help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import click

from discourse.commands.catalogue import corpora
from discourse.commands.coding import COMMANDS as CODING
from discourse.commands.console import AS_JSON, tell
from discourse.commands.corpus import COMMANDS
from discourse.commands.drawing import COMMANDS as DRAWING
from discourse.commands.figures import figures
from discourse.commands.first_run import COMMANDS as FIRST_RUN
from discourse.commands.first_run import Commands, with_what_to_type
from discourse.commands.freezing import freeze
from discourse.commands.looking import look
from discourse.commands.models import COMMANDS as REGISTRY
from discourse.commands.models import MODELS, register_trained, registered_lines
from discourse.commands.scoring import COMMANDS as SCORING
from discourse.commands.studies import for_study, outcome, ran, run_until
from discourse.commands.validation import validate
from discourse.errors import DiscourseError, DiscourseWarning, UsageError

__all__ = ["cli", "main"]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="discourse")
def cli() -> None:
    """Framing and polarization in the public talk of two countries, with honest intervals.

    A study is one TOML file. `discourse run STUDY.toml` does everything that is not up to date; the other
    commands stop after their own part. Exit codes: 0 done, 1 `figures --check` found a difference (or the disk
    failed), 2 an impossible setting, 3 a missing file, 4 a file that cannot be read, 5 a wrong table, 6 a statistic
    that would be wrong, 7 a danger to a person.
    """


@cli.command()
@for_study()
def run(study: Path, data: Path | None, work: Path, figures: Path, *, as_json: bool) -> None:
    """Run a study from its exports to its report."""
    done = run_until(study, data, work, figures, "report")
    tell(as_json, outcome(done), [
        ran(done),
        f"figures  {done.figures}",
        f"report   {done.figures / 'report.html'}",
        f"private  {done.work} (texts and pseudonyms: never share it)",
    ])  # fmt: skip


@cli.command()
@for_study()
@click.option("--register", metavar="NAME", help="Judge it too, and keep it with its card in the registry.")
@MODELS
def train(study: Path, data: Path | None, work: Path, figures: Path, *, as_json: bool, **given: Any) -> None:
    """Train the classifier of a study on its training labels.

    With --register it becomes the next version of a model in the registry; the first one is current.
    """
    from discourse.framing.store import load_model
    from discourse.registry.folder import check_name

    name = given["register"]
    if name is not None:
        check_name(name)
    done = run_until(study, data, work, figures, "judge" if name else "train")
    model = load_model(done.work / "model.safetensors")
    found = {**outcome(done), "model": model.model_id}
    lines = [ran(done), f"{model.model_id}  {done.work / 'model.safetensors'}"]
    if name:
        made = register_trained(study, data, work, given["models"], name)
        found |= {"name": name, "version": made.version, "new": made.new, "models": str(given["models"])}
        lines += registered_lines(made)
    tell(as_json, found, lines)


@cli.command()
@for_study()
def evaluate(study: Path, data: Path | None, work: Path, figures: Path, *, as_json: bool) -> None:
    """Judge the classifier out of fold, beside the majority and lexicon baselines."""
    import polars as pl

    done = run_until(study, data, work, figures, "judge")
    scores = pl.read_csv(done.work / "scores.csv")
    macro = scores.filter((pl.col("metric") == "macro_f1") & (pl.col("group") == "all")).to_dicts()
    lines = [f"{row['model']:24} macro-F1 {_interval(row)}" for row in macro]
    tell(as_json, {**outcome(done), "scores": scores.to_dicts()}, [ran(done), *lines])


@cli.command()
@for_study()
def measure(study: Path, data: Path | None, work: Path, figures: Path, *, as_json: bool) -> None:
    """Measure shares and polarization over time, corrected by gold labels."""
    import polars as pl

    done = run_until(study, data, work, figures, "measure")
    series = pl.read_csv(done.work / "series.csv", schema_overrides={"window": pl.String})
    head = series.filter(
        (pl.col("measure") == "Prevalence('nationalist')")
        & (pl.col("method") == "poststrat")
        & (pl.col("weight") == "author")
    )
    lines = [
        f"{row['window']:17} {row['side']:12} nationalist {_interval(row)} {row['flags'] or ''}"
        for row in head.to_dicts()
    ]
    tell(as_json, {**outcome(done), "series": series.to_dicts()}, [ran(done), *lines])


@cli.command()
@for_study()
def report(study: Path, data: Path | None, work: Path, figures: Path, *, as_json: bool) -> None:
    """Write the report of a study: one HTML file that needs nothing else."""
    done = run_until(study, data, work, figures, "report")
    tell(as_json, outcome(done), [ran(done), str(done.figures / "report.html")])


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(min=0), required=True, help="The same seed gives the same posts.")
@click.option(
    "--posts", type=click.IntRange(min=1), show_default="11300, with --table 2400", help="About how many posts."
)
@click.option("--authors", type=click.IntRange(min=20), show_default="1500, with --table 400", help="How many authors.")
@click.option("--table", is_flag=True, help="A small CSV in no known format instead, with labels: to practise on.")
@AS_JSON
def simulate(folder: Path, seed: int, *, table: bool, as_json: bool, **given: int | None) -> None:
    """Write a corpus of made-up posts with known truth into FOLDER."""
    sizes = {name: size for name, size in given.items() if size is not None}
    if table:
        from discourse.simulate.practice import Practice, write_practice

        written = write_practice(folder, seed=seed, sizes=Practice(**sizes))
        tell(as_json, {"written": written}, [f"{folder}: posts.csv with {written} made-up posts, labels.csv"])
        return
    from discourse.simulate.demo import Demo, write_demo

    dirt = write_demo(folder, seed=seed, demo=Demo(**sizes))
    tell(as_json, dict(dirt), [f"{folder}: " + ", ".join(f"{name} {count}" for name, count in dirt.items())])


for _command in (
    *FIRST_RUN, *COMMANDS, *REGISTRY, corpora, *DRAWING, *CODING, *SCORING, figures, freeze, look, validate,
):  # fmt: skip
    cli.add_command(_command)


def main() -> None:
    """Run the command line; every error of the package ends in one sentence and its exit code."""
    warnings.showwarning = _note  # this process is the command line and nothing else
    warnings.simplefilter("ignore")
    warnings.simplefilter("default", DiscourseWarning)
    try:
        sys.exit(cli(standalone_mode=False) or 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _fail("interrupted; what was finished is kept, the same command goes on from there", "Interrupted", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _fail(with_what_to_type(error), "UsageError", UsageError.exit_code)
    except DiscourseError as error:
        _fail(str(error), type(error).__name__, error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place = os.path.relpath(error.filename) if error.filename else "a file"
        _fail(f"{error.strerror or error}: {place}{_mend(error)}", "OSError", 1)


def _interval(row: dict[str, Any]) -> str:
    if row["estimate"] is None:
        return "withheld"
    if row["low"] is None:
        return f"{row['estimate']:.3f}"
    return f"{row['estimate']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def _mend(error: OSError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError):
        return "; check that its folder is there and that you may write to it"
    return ""


def _note(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"note: {message}", err=True)


def _fail(sentence: str, kind: str, code: int) -> None:
    if "--json" in sys.argv[1:]:
        click.echo(json.dumps({"error": sentence, "kind": kind, "exit_code": code}, ensure_ascii=False))
    click.echo(f"discourse: {sentence}", err=True)
    sys.exit(code)
