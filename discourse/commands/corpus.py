"""Commands for a corpus on disk: import, forget, verify, gc, digest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from discourse.commands.console import AS_JSON, Status, tell
from discourse.errors import BadInput, UsageError

if TYPE_CHECKING:
    from discourse.store.importing import Imported

__all__ = ["COMMANDS", "import_"]

_CORPUS = click.option("--corpus", type=click.Path(path_type=Path), help="Folder of the corpus.")
_NEEDED = click.option("--corpus", type=click.Path(path_type=Path), required=True, help="Folder of the corpus.")


@click.command("import")
@click.argument("files", nargs=-1, metavar="FILE...")
@_CORPUS
@click.option("--format", "form", help="Format of the files, if it is not to be told from their content.")
@click.option("--mapping", type=click.Path(path_type=Path), help="TOML file that names the columns of any other table.")
@click.option("--timezone", help="Zone of times that carry none, like Asia/Karachi.")
@click.option("--date-order", type=click.Choice(["dmy", "mdy", "ymd"]), help="Order of day and month, if both may be.")
@click.option("--allow-private", is_flag=True, help="Take chats that are not public: those who wrote them consented.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Files read at the same time.")
@click.option("--requeue", "again", is_flag=True, help="Read what was set aside again, with the readers of today.")
@click.option(
    "--draft-mapping", "draft", is_flag=True, help="Propose a mapping for one table; print it, import nothing."
)
@AS_JSON
def import_(files: tuple[str, ...], corpus: Path | None, **given: Any) -> None:
    """Import exports into a corpus and account for every row.

    Importing a file again changes nothing. When a file is refused, nothing is imported of any, and the exit code is 4
    (5 to 7 where its reason has a code of its own).
    """
    if given["draft"]:
        _draft(files)
    elif corpus is None:
        raise UsageError("say which corpus: give --corpus FOLDER; a new folder makes a new corpus")
    elif given["again"]:
        _requeue(files, corpus, as_json=given["as_json"])
    elif not files:
        raise UsageError("no file was named; give paths or patterns, like 'exports/*.jsonl'")
    else:
        _import(files, corpus, given)


def _draft(files: tuple[str, ...]) -> None:
    from discourse.readers.drafting import draft_mapping

    if len(files) != 1:
        raise UsageError(f"a mapping is drafted from one file, got {len(files)}")
    click.echo(draft_mapping(Path(files[0])), nl=False)


def _requeue(files: tuple[str, ...], corpus: Path, *, as_json: bool) -> None:
    from discourse.store.requeue import requeue

    if files:
        raise UsageError("--requeue reads what the corpus has set aside; name no files with it")
    done = requeue(corpus)
    found = {"tried": done.tried, "left": done.left, "accepted": done.accepted, "generation": done.generation}
    tell(as_json, found, [f"tried {done.tried} rows again: {done.left} are in order now, {done.accepted} new posts"])


def _import(files: tuple[str, ...], corpus: Path, given: dict[str, Any]) -> None:
    from discourse.readers.formats import Options
    from discourse.store.importing import import_posts

    options = Options(given["timezone"], given["date_order"], given["allow_private"])
    status = Status()
    try:
        done = import_posts(
            list(files), corpus, format=given["form"], mapping=given["mapping"], options=options, jobs=given["jobs"],
            progress=lambda count: status.show("reading", count),
        )  # fmt: skip
    finally:
        status.clear()
    tell(given["as_json"], done.to_json(), _lines(done))
    if done.refused:
        sentence = "; ".join(str(error) for error in done.refused.values())
        codes = {error.exit_code for error in done.refused.values()}
        error = BadInput(f"nothing was imported: {sentence}")
        error.exit_code = codes.pop() if len(codes) == 1 else BadInput.exit_code
        click.echo(f"discourse: {error}", err=True)
        raise click.exceptions.Exit(error.exit_code)


def _lines(done: Imported) -> list[str]:
    lines = []
    for one in done.inputs:
        if one.file in done.refused:
            lines.append(f"{one.file}: refused")
        elif done.refused:
            lines.append(f"{one.file}: read {one.read}, not imported")
        else:
            lines.append(
                f"{one.file} ({one.format}): read {one.read} = accepted {one.accepted} + duplicates {one.duplicates}"
                f" + quarantined {one.quarantined}"
                + (f"; {one.edits} later versions" if one.edits else "")
                + (f"; {one.deleted} deleted" if one.deleted else "")
            )
    reasons = Counter(done.quarantined["reason"].to_list())
    lines += [f"  set aside, {reason}: {count}" for reason, count in sorted(reasons.items())]
    return [*lines, f"the corpus is at generation {done.generation}"]


@click.command()
@_NEEDED
@click.option("--ids", type=click.Path(path_type=Path), help="File of post ids, one a line.")
@click.option("--authors", type=click.Path(path_type=Path), help="File of author ids or @handles, one a line.")
@click.option("--compliance", type=click.Path(path_type=Path), help="A platform's compliance file, JSON lines.")
@click.option("--of", type=click.Choice(["posts", "authors"]), default="posts", show_default=True,
              help="What the compliance file lists.")  # fmt: skip
@click.option("--platform", default="x", show_default=True, help="Platform of ids that are written without one.")
@AS_JSON
def forget(corpus: Path, *, as_json: bool, **given: Any) -> None:
    """Take posts and authors out of a corpus for good; later imports do not bring them back.

    Only keyed hashes of the ids are kept. Lists every file that was written anew. Studies that were run on the corpus
    hold copies in their private folder: run them again.
    """
    from discourse.store import forgetting

    posts = forgetting.ids_in(given["ids"], given["platform"]) if given["ids"] else []
    authors = forgetting.ids_in(given["authors"], given["platform"]) if given["authors"] else []
    if given["compliance"]:
        told = forgetting.compliance_ids(given["compliance"], given["platform"])
        posts, authors = (posts + told, authors) if given["of"] == "posts" else (posts, authors + told)
    done = forgetting.forget(corpus, posts=posts, authors=authors)
    found = {
        "subjects": done.subjects, "posts": done.posts, "set_aside": done.set_aside, "rewritten": done.rewritten,
        "generation": done.generation,
    }  # fmt: skip
    tell(as_json, found, [
        f"{done.subjects} new subjects: {done.posts} posts are gone, and the bytes of {done.set_aside} rows set aside",
        *(f"  written anew: data/{name}" for name in done.rewritten),
        "run studies of this corpus again: their private folders hold copies",
    ])  # fmt: skip


@click.command()
@_NEEDED
@click.option("--quick", is_flag=True, help="Compare sizes and hashes only, do not read the rows.")
@AS_JSON
def verify(corpus: Path, *, quick: bool, as_json: bool) -> None:
    """Compare every file of a corpus with its manifest and say what is wrong. Exit code 4 when anything is."""
    from discourse.store.checking import verify as check

    done = check(corpus, deep=not quick)
    problems = [{"file": one.file, "what": one.what, "todo": one.todo} for one in done.problems]
    found = {
        "generation": done.generation, "files": done.files, "rows": done.rows, "problems": problems,
        "leftovers": done.leftovers,
    }  # fmt: skip
    said = "sound" if not problems else f"{len(problems)} things are wrong"
    tell(as_json, found, [
        *(f"{one.file} {one.what}: {one.todo}" for one in done.problems),
        *(f"{name} is no part of the corpus; discourse gc removes it" for name in done.leftovers),
        f"generation {done.generation}, {done.files} files, {done.rows} stored rows: {said}",
    ])  # fmt: skip
    if problems:
        raise click.exceptions.Exit(BadInput.exit_code)


@click.command()
@_NEEDED
@AS_JSON
def gc(corpus: Path, *, as_json: bool) -> None:
    """Write many small parts together; remove what a crash left behind and what only older generations named."""
    from discourse.store.checking import gc as clear
    from discourse.store.joining import join_parts

    joined = join_parts(corpus)
    done = clear(corpus)
    found = {"joined": joined, "removed": done.removed, "bytes": done.bytes, "writers": done.writers}
    waits = [f"{done.writers} writers are at work: other files were left for later"] if done.writers else []
    tell(
        as_json,
        found,
        [f"joined {joined} small parts; removed {len(done.removed)} files, {done.bytes:,} bytes", *waits],
    )


@click.command()
@_NEEDED
@AS_JSON
def digest(corpus: Path, *, as_json: bool) -> None:
    """Print one hash for all that a corpus holds, the same in whatever order it was imported."""
    from discourse.store.reading import digest_of

    found = digest_of(corpus)
    tell(as_json, {"digest": found}, [found])


COMMANDS: tuple[click.Command, ...] = (import_, forget, verify, gc, digest)
