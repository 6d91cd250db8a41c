"""`discourse figures`: make the figures of a study, in a style, or check that they are what the study makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from discourse.commands.console import Status, tell
from discourse.commands.studies import for_study, outcome, ran, run_until

__all__ = ["figures"]

_DRAWN = {".svg", ".png", ".pdf", ".csv"}
_STYLES = ("paper", "slides", "thesis")


@click.command()
@for_study()
@click.option("--check", is_flag=True, help="Make everything again elsewhere and compare it byte for byte; "
              "exit code 1 and a list when a file differs.")  # fmt: skip
@click.option("--style", type=click.Choice(_STYLES), default="paper", show_default=True,
              help="Sizes for paper, slides or a thesis; the last two go to folders of their own.")  # fmt: skip
@click.option("--only", metavar="NAME", multiple=True, help="Just this figure; may be given again.")
@click.pass_context
def figures(
    context: click.Context, /, study: Path, data: Path | None, work: Path, figures: Path, *, as_json: bool, **given: Any
) -> None:
    """Make what a study publishes: figures, the rows behind each, the page and the manifest.

    A figure is drawn again when something it is made from has changed. Nothing is written with --check.
    """
    style, only = given["style"], given["only"]
    if given["check"]:
        places = {"data": data, "work": work, "figures": figures}
        context.exit(_check(study, {**places, "style": style, "only": only}, as_json))
    if style == "paper" and not only:
        done = run_until(study, data, work, figures, "report")
    else:
        from discourse.study.run import draw_study

        status = Status()
        try:
            done = draw_study(study, data=data, work=work, figures=figures, style=style, only=only,
                              progress=status.show)  # fmt: skip
        finally:
            status.clear()
    made = sorted(one.name for one in done.figures.iterdir() if one.suffix in _DRAWN)
    found = {**outcome(done), "drawn": list(done.drawn), "kept": list(done.kept), "files": made}
    lines = [f"{what} {', '.join(names)}" for what, names in (("drew", done.drawn), ("kept", done.kept)) if names]
    tell(as_json, found, [ran(done), *lines, *(str(done.figures / name) for name in made)])


def _check(study: Path, asked: dict[str, Any], as_json: bool) -> int:
    """Compare, say what differs, and give the exit code."""
    from discourse.study.figure_check import check_study

    status = Status()
    try:
        found = check_study(study, **asked, progress=status.show)
    finally:
        status.clear()
    listed = [{"file": one.file, "kind": one.kind, "state": one.state, "where": one.where, "said": f"{one}."}
              for one in found.differences]  # fmt: skip
    source = f"made again first: {', '.join(found.again)}" if found.again else "from the private tables as they are"
    count = len(found.differences)
    verdict = f"{count} of {found.compared} files differ" if count else f"all {found.compared} files are equal"
    tell(
        as_json,
        {"equal": found.equal, "compared": found.compared, "made_again": list(found.again),
         "figures": str(found.figures), "differences": listed},
        [*(f"{one}." for one in found.differences), f"{verdict}; {source}"],
    )  # fmt: skip
    return 0 if found.equal else 1
