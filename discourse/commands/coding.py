"""Commands for the work of coders: pages and tasks out, codes back, agreement, decisions, settled labels."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from discourse.commands.console import AS_JSON, tell
from discourse.errors import DiscourseWarning, MeaningError, MissingData, UsageError

if TYPE_CHECKING:
    import polars as pl

    from discourse.labels.codebook import Codebook
    from discourse.labels.labels import Labels

__all__ = ["COMMANDS"]

_PATH = click.Path(path_type=Path)
_LANGUAGES = click.Choice(["en", "ur", "ps", "fa"])
_FORMATS = click.Choice(["label-studio", "doccano", "argilla", "prodigy", "inception", "csv", "xlsx"])
_CODEBOOK = click.option("--codebook", type=_PATH, required=True, help="Codebook, a TOML file.")
_SAMPLE = click.option("--sample", type=_PATH, required=True, help="Sample that the coders were given.")
_SEED = click.option("--seed", type=click.IntRange(min=0), required=True, help="The same seed gives the same pages.")
_LANG = click.option("--lang", type=_LANGUAGES, default="en", show_default=True, help="Language of the page.")
_LABELS_OUT = click.option("--out", type=_PATH, required=True, help="CSV of labels to write, as a study reads it.")
_DRAWN = "sample.csv"


@click.command()
@click.argument("sample", type=_PATH, metavar="SAMPLE.csv")
@_CODEBOOK
@click.option("--coders", required=True, metavar="NAME,NAME", help="Names of the coders, with commas between them.")
@_LANG
@_SEED
@click.option("--out", type=_PATH, required=True, help="Folder for the pages and their key.")
@AS_JSON
def sheets(sample: Path, codebook: Path, out: Path, *, as_json: bool, **given: Any) -> None:
    """Write a coding page for each coder: one HTML file that needs no network.

    Hand out the pages, which hold texts of real people, and nothing else: the key in the folder stays with you.
    """
    from discourse.sampling.files import read_sample, write_sample
    from discourse.sheets.sheets import write_sheets

    drawn, names = read_sample(sample), [name.strip() for name in given["coders"].split(",") if name.strip()]
    pages = write_sheets(drawn, _book(codebook), out, coders=names, seed=given["seed"], language=given["lang"])
    write_sample(drawn, out / _DRAWN, text=False)
    found = {"pages": [str(page) for page in pages], "posts": drawn.height, "key": str(out / "key.csv")}
    tell(as_json, found, [
        *(f"{page}: {drawn.height} posts, for its coder alone" for page in pages),
        f"put the files that come back into {out} and type: discourse collect {out} --codebook {codebook} --out FILE",
    ])  # fmt: skip


@click.command()
@click.argument("folder", type=_PATH, metavar="FOLDER")
@_CODEBOOK
@_LABELS_OUT
@click.option("--notes", type=_PATH, help="CSV for notes and undecided posts. Notes may speak of people.")
@AS_JSON
def collect(folder: Path, codebook: Path, out: Path, notes: Path | None, *, as_json: bool) -> None:
    """Make labels of the files that coders saved, with the chances of the sample.

    FOLDER is the one that `discourse sheets` wrote, with the saved .json files in it.
    """
    from discourse.sampling.files import read_sample
    from discourse.sheets.saved import KEY_FILE
    from discourse.sheets.sheets import read_notes, read_sheets

    book, key, saved = _book(codebook), folder / KEY_FILE, _saved(folder)
    labels = read_sheets(saved, key, book, read_sample(folder / _DRAWN))
    noted = read_notes(saved, key, book)
    if notes is not None:
        _write_private(noted, notes)
    lines = [
        f"{coder}: {posts} of {len(labels)} posts" + (f", {doubts} could not be decided" if doubts else "")
        for coder, posts, doubts in _done(labels, noted)
    ]
    _write(labels, out, as_json=as_json, lines=lines)


@click.command()
@click.argument("labels", type=_PATH, metavar="LABELS.csv")
@_CODEBOOK
@click.option("--by", help="Column that tells groups apart: stratum, role, or with --sample also lang.")
@click.option("--sample", type=_PATH, help="Sample that knows the language of each post.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the intervals.")
@click.option(
    "--replicates", type=click.IntRange(min=1), default=1000, show_default=True, help="Size of the bootstrap."
)
@AS_JSON
def agree(labels: Path, codebook: Path, by: str | None, sample: Path | None, *, as_json: bool, **given: Any) -> None:
    """Say how far coders agree on each variable, with intervals over posts, and warn of what looks wrong.

    Values that were decided together are left out. Exit code 6 when nothing was coded by two coders.
    """
    from discourse.labels.agreement import agreement_table
    from discourse.labels.labels import read_labels
    from discourse.labels.ratings import coded_by_two

    read = read_labels(labels, _book(codebook))
    variables = coded_by_two(read)
    if not variables:
        raise MeaningError("no variable was coded by two coders on their own; agreement needs two or more")
    groups = None if by is None else _groups(read, by, sample)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DiscourseWarning)
        tables = [agreement_table(read, name, by=groups, **given) for name in variables]
    told = sorted({str(one.message) for one in caught if issubclass(one.category, DiscourseWarning)})
    rows = [row for table in tables for row in table.fill_nan(None).to_dicts()]
    for message in told:
        click.echo(f"note: {message}", err=True)
    tell(as_json, {"agreement": rows, "warnings": told}, [_agreed(row) for row in rows])


@click.command()
@click.argument("labels", type=_PATH, metavar="LABELS.csv")
@_CODEBOOK
@_SAMPLE
@_LANG
@_SEED
@click.option("--out", type=_PATH, required=True, help="Folder for the page and its key.")
@AS_JSON
def adjudicate(labels: Path, codebook: Path, sample: Path, out: Path, *, as_json: bool, **given: Any) -> None:
    """Write a page with the posts on which coders differ, and what each of them said, without names.

    Exit code 2 when there is nothing to decide.
    """
    from discourse.labels.labels import read_labels
    from discourse.sampling.files import read_ids, read_sample
    from discourse.sheets.decisions import write_decision_sheet

    read, drawn = read_labels(labels, _book(codebook)), read_sample(sample)
    page = write_decision_sheet(read, drawn, out, seed=given["seed"], language=given["lang"])
    posts = len(read_ids(out / "key.csv"))
    tell(as_json, {"page": str(page), "posts": posts}, [
        f"{page}: {posts} posts to decide",
        f"put the file that comes back into {out} and type: discourse settle {out} --labels {labels} --codebook "
        f"{codebook} --out FILE",
    ])  # fmt: skip


@click.command()
@click.argument("folder", type=_PATH, metavar="FOLDER")
@click.option("--labels", type=_PATH, required=True, help="Labels that the page was made of.")
@_CODEBOOK
@_LABELS_OUT
@AS_JSON
def settle(folder: Path, labels: Path, codebook: Path, out: Path, *, as_json: bool) -> None:
    """Add decisions to labels: what the coders said stays, and a study takes the decision where there is one.

    FOLDER is the one that `discourse adjudicate` wrote, with the saved .json file in it. Exit code 6 for posts that
    were decided before.
    """
    from discourse.labels.labels import read_labels
    from discourse.sheets.decisions import read_decisions
    from discourse.sheets.saved import KEY_FILE

    before = read_labels(labels, _book(codebook))
    after = read_decisions(_saved(folder), folder / KEY_FILE, before)
    added = after.table.height - before.table.height
    _write(after, out, as_json=as_json, lines=[f"{added} decisions were added"], decisions=added)


@click.command("export-tasks")
@click.argument("sample", type=_PATH, metavar="SAMPLE.csv")
@_CODEBOOK
@click.option("--format", "form", type=_FORMATS, required=True, help="Tool to write for.")
@_LANG
@click.option("--out", type=_PATH, required=True, help="File to write; for INCEpTION a folder.")
@AS_JSON
def export_tasks(sample: Path, codebook: Path, form: str, lang: str, out: Path, *, as_json: bool) -> None:
    """Write the posts of a sample for another tool, with the questions of the codebook.

    The files hold texts of real people and the platform's ids of their posts.
    """
    from discourse.sampling.files import read_sample
    from discourse.sheets.interchange import export_tasks as write

    made = write(read_sample(sample), _book(codebook).in_language(lang), out, format=form)
    tell(as_json, {"files": [str(file) for file in made]}, [str(file) for file in made[:3]] + (
        [f"and {len(made) - 3} files more"] if len(made) > 3 else []))  # fmt: skip


@click.command("import-labels")
@click.argument("files", type=_PATH, nargs=-1, required=True, metavar="FILE...")
@_CODEBOOK
@_SAMPLE
@click.option("--format", "form", type=_FORMATS, required=True, help="Tool that wrote the files.")
@click.option("--coder", multiple=True, metavar="NAME", help="Who coded: a name a file, or TOOLS-NAME=NAME each.")
@_LABELS_OUT
@AS_JSON
def import_labels(files: tuple[Path, ...], codebook: Path, sample: Path, out: Path, **given: Any) -> None:
    """Make labels of what another tool exported, with the chances of the sample.

    Exit code 7 when the tool names coders by e-mail addresses and no names are given for them.
    """
    import polars as pl

    from discourse.labels.labels import Labels
    from discourse.sampling.files import read_sample
    from discourse.sheets.interchange import import_labels as read

    book, drawn = _book(codebook), read_sample(sample)
    names = _names(given["coder"], len(files))
    parts = [read(file, book, drawn, format=given["form"], coder=name) for file, name in zip(files, names, strict=True)]
    labels = Labels(pl.concat(part.table for part in parts), parts[0].sample, book)
    _write(labels, out, as_json=given["as_json"], lines=[])


def _book(path: Path) -> Codebook:
    from discourse.labels.codebook import Codebook

    return Codebook.from_toml(path)


def _saved(folder: Path) -> list[Path]:
    """The files that pages saved into a folder."""
    found = sorted(file for file in folder.glob("*.json") if file.is_file())
    if not found:
        raise MissingData(
            f"there is no saved file in {str(folder)!r}; put the .json files that came back beside their key.csv"
        )
    return found


def _done(labels: Labels, noted: pl.DataFrame) -> list[tuple[str, int, int]]:
    """Of each coder how many posts have a value, and how many could not be decided."""
    import polars as pl

    coded = labels.table.group_by("coder").agg(pl.col("post_id").n_unique().alias("posts"))
    doubts = noted.filter("cannot_decide").group_by("coder").len("doubts")
    both = coded.join(doubts, on="coder", how="full", coalesce=True).fill_null(0).sort("coder")
    return [(str(coder), int(posts), int(open_)) for coder, posts, open_ in both.rows()]


def _write(labels: Labels, path: Path, *, as_json: bool, lines: list[str], **more: Any) -> None:
    """Write labels and say what they are; never over labels that would be lost."""
    from discourse.labels.writing import write_labels

    _refuse_to_lose(labels, path)
    write_labels(labels, path)
    decided = {name: labels.decided(name).height for name in sorted(labels.table["variable"].unique())}
    found = {"labels": str(path), "posts": len(labels), "rows": labels.table.height, "decided": decided, **more}
    settled = [f"{name}: {count} of {len(labels)} posts are decided" for name, count in decided.items()]
    tell(as_json, found, [*lines, *settled, str(path)])


def _refuse_to_lose(labels: Labels, path: Path) -> None:
    from discourse.errors import DiscourseError
    from discourse.labels.labels import read_labels

    if not path.exists() or labels.codebook is None:
        return
    try:
        old = read_labels(path, labels.codebook).table
    except DiscourseError:
        raise UsageError(f"{path.name!r} is there and holds no labels of this codebook; give another --out") from None
    lost = old.join(labels.table, on=[*old.columns], how="anti", nulls_equal=True).height
    if lost:
        raise UsageError(f"{path.name!r} is there and holds {lost} labels that would be lost; give another --out")


def _groups(labels: Labels, by: str, sample: Path | None) -> pl.DataFrame:
    """The group of each post, by a column of the sample."""
    from discourse.sampling.files import read_sample

    frame = labels.sample if sample is None else read_sample(sample).drop("text")
    columns = [name for name in frame.columns if name not in {"post_id", "inclusion_p"}]
    if by not in columns:
        hint = "" if sample is not None else "; for the language give --sample, too"
        raise UsageError(f"--by is {by!r}; it can be {', '.join(columns)}{hint}")
    return frame.select("post_id", by)


def _agreed(row: dict[str, Any]) -> str:
    where = row["variable"] if row["group"] == "all" else f"{row['variable']} {row['group']}"
    what = row["statistic"] if row["class"] == "all" else f"{row['statistic']} of {row['class']}"
    if row["estimate"] is None:
        said = "not defined"
    else:
        said = f"{row['estimate']:7.3f}"
        if row["low"] is not None:
            said += f" ({row['low']:.3f} to {row['high']:.3f})"
    return f"{where:24} {what:28} {said}  {row['n_units']} posts, {row['n_coders']} coders"


def _names(given: tuple[str, ...], files: int) -> list[Any]:
    """For each file the name of its coder, the map from the tool's names, or None."""
    if not given:
        return [None] * files
    mapped = [one.partition("=") for one in given]
    if all(sign for _, sign, _ in mapped):
        return [{old: new for old, _, new in mapped}] * files
    if any(sign for _, sign, _ in mapped) or len(given) != files:
        raise UsageError(
            f"--coder is given {len(given)} times for {files} files; give a name for each file, or TOOLS-NAME=NAME "
            "for each coder"
        )
    return list(given)


def _write_private(frame: pl.DataFrame, path: Path) -> None:
    from discourse.whole import write_whole

    write_whole(path, frame.write_csv().encode("utf-8"), private=True)


COMMANDS: tuple[click.Command, ...] = (sheets, collect, agree, adjudicate, settle, export_tasks, import_labels)
