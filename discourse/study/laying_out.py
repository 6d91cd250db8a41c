"""`lay_out`: a folder for a new study, with every setting explained; whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template
from uuid import uuid4

from discourse.errors import BadInput, UsageError

__all__ = ["LaidOut", "lay_out", "next_commands"]

TEMPLATES = Path(__file__).resolve().parents[1] / "data" / "new"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_FILES = {
    **{name: name for name in ("study.toml", "sides.toml", "codebook.toml", "events.csv")},
    "gitignore.txt": ".gitignore", "README.md": "README.md", "posts-README.md": "posts/README.md",
}  # fmt: skip
_FILLED = ("study.toml", "README.md")
_RANGE_BELOW = 100 * 2**20
_PLACEHOLDER = "posts/posts.jsonl"


@dataclass(frozen=True)
class LaidOut:
    """A new study: its folder, the files in it (relative to it), and what was learnt from the exports.

    `unsure` says that a mapping was drafted which a person must complete.
    """

    folder: Path
    files: tuple[str, ...]
    formats: tuple[str, ...] = ()
    first: str | None = None
    last: str | None = None
    unsure: bool = False


@dataclass(frozen=True)
class _Seen:
    """What exports show: their format, the mapping that they need, the first and last day."""

    formats: tuple[str, ...] = ()
    mapping: str | None = None
    first: str | None = None
    last: str | None = None


def lay_out(folder: str | Path, *, exports: tuple[str, ...] = (), title: str | None = None) -> LaidOut:
    """Make `folder` with a study file that explains itself, rules of sides, codebook, events and a place for exports.

    With `exports` (paths or patterns) the study names these files where they lie: nothing is copied. Their format is
    told from their content, and the period where that is quick; for a table that no format knows a mapping is drafted
    as columns.toml. The folder appears whole or not at all.
    Raises `UsageError` when there is something of that name, the name is none for a study, or tables differ in their
    columns, `MissingData` for an export that is not there, `BadInput` for one that cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     made = lay_out(Path(place) / "border")
    ...     (made.folder / "posts").is_dir()
    True
    >>> made.files[:4]
    ('.gitignore', 'README.md', 'codebook.toml', 'events.csv')
    """
    place = Path(folder)
    name = place.resolve().name
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a study; use letters, digits, '-', '_' and '.', like border-2025")
    if os.path.lexists(place):
        raise UsageError(f"{str(place)!r} is there already, and nothing is written over; choose another name")
    files = _exports(exports)
    seen = _look(files)
    aside = place.with_name(f".{name}.{uuid4().hex}.tmp")
    made_for_it = [one for one in place.parents if not one.exists()]
    try:
        aside.mkdir(parents=True)
        _fill(aside, place, title or name, files, seen)
        os.rename(aside, place)
    except OSError as error:
        reason = error.strerror or "the system refused"
        raise UsageError(f"cannot make {str(place)!r}: {reason}; choose a folder you may write to") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if not place.exists():
            for one in made_for_it:
                with suppress(OSError):
                    one.rmdir()
    written = tuple(sorted(one.relative_to(place).as_posix() for one in place.rglob("*") if one.is_file()))
    return LaidOut(place, written, seen.formats, seen.first, seen.last, seen.mapping is not None)


def next_commands(folder: Path) -> list[str]:
    """The commands that lead from a new study whose posts are in place to its report, in order.

    >>> next_commands(Path("border"))[-1]
    'discourse run border/study.toml'
    """

    def at(name: str) -> str:
        return shlex.quote((folder / name).as_posix())

    book = f"--codebook {at('codebook.toml')}"
    return [
        f"discourse sample {at('study.toml')} --n 400 --seed 1 --out {at('sample.csv')}",
        f"discourse sheets {at('sample.csv')} {book} --coders anna,bilal --seed 1 --out {at('coding')}",
        f"discourse collect {at('coding')} {book} --out {at('labels.csv')}",
        f"discourse agree {at('labels.csv')} {book}",
        f"discourse run {at('study.toml')}",
    ]


def _exports(patterns: tuple[str, ...]) -> tuple[Path, ...]:
    if not patterns:
        return ()
    from discourse.readers.read import find_files

    return tuple(find_files(patterns).values())


def _look(files: tuple[Path, ...]) -> _Seen:
    """What the exports show. A table that no format knows gets a mapping; it must then be the only kind of file."""
    if not files:
        return _Seen()
    from discourse.readers.drafting import draft_mapping
    from discourse.readers.read import format_of

    formats: dict[str, Path] = {}
    refused: list[BadInput] = []
    for file in files:
        try:
            formats.setdefault(format_of(file, None, None), file)
        except BadInput as error:
            refused.append(error)
    if not refused:
        return _Seen(tuple(formats), None, *_days(files))
    if formats:
        raise refused[0]
    drafts = [draft_mapping(file) for file in files]
    fields = [tomllib.loads(draft).get("fields") for draft in drafts]
    for file, found in zip(files, fields, strict=True):
        if found != fields[0]:
            raise UsageError(
                f"{files[0].name!r} and {file.name!r} do not have the same columns; name tables of one kind with --from"
            )
    return _Seen((), drafts[0])


def _days(files: tuple[Path, ...]) -> tuple[str | None, str | None]:
    """The first and last day of the posts, where the exports are small enough to be read at once."""
    if sum(file.stat().st_size for file in files) > _RANGE_BELOW:
        return None, None
    import warnings

    from discourse.corpus.privacy import Key
    from discourse.readers.read import read_posts

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        times = read_posts(list(files), key=Key.made_up("only to see the days")).posts["created_at"]
    first, last = times.min(), times.max()
    return (None, None) if first is None else (str(first)[:10], str(last)[:10])


def _fill(aside: Path, place: Path, title: str, files: tuple[Path, ...], seen: _Seen) -> None:
    values = _values(place, title, files, seen)
    (aside / "posts").mkdir(mode=0o700)
    for source, target in _FILES.items():
        text = (TEMPLATES / source).read_text("utf-8")
        if source in _FILLED:
            text = Template(text).substitute(values)
        (aside / target).write_text(text, encoding="utf-8", newline="\n")
    if seen.mapping is not None:
        (aside / "columns.toml").write_text(seen.mapping, encoding="utf-8", newline="\n")


def _values(place: Path, title: str, files: tuple[Path, ...], seen: _Seen) -> dict[str, str]:
    """What the templates leave open. Keys of TOML are whole lines."""
    names = [_relative(file, place) for file in files] or [_PLACEHOLDER]
    where = (
        f"Put your export into {place.as_posix()}/posts and write its name under files in [corpus] of the study file."
    )
    period = [
        "# begin = 2024-12-01T00:00:00+05:00  # the period of collection, with its zone;",
        "# end = 2025-04-01T00:00:00+04:30    # left out: from the first post to the last",
    ]
    if seen.first is not None:
        period.append(f"# the posts lie between {seen.first} and {seen.last} (UTC)")
    return {
        "name": place.resolve().name,
        "title": _quoted(title),
        "heading": " ".join(title.split()),
        "folder": place.as_posix(),
        "where": f"where = {_quoted(where)}",
        "files": f"files = [{', '.join(map(_quoted, names))}]",
        "format": f'format = "{seen.formats[0]}"' if len(seen.formats) == 1 else '# format = "x_api"',
        "mapping": f'{"" if seen.mapping else "# "}mapping = "columns.toml"',
        "period": "\n".join(period),
        "commands": "\n".join(next_commands(place)),
    }


def _quoted(text: str) -> str:
    """A string as TOML writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _relative(file: Path, folder: Path) -> str:
    """A path from the study's folder, with forward slashes; the whole path where there is none."""
    try:
        return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return file.resolve().as_posix()
