"""The study file as an argument of a command: found, completed in the shell, and what was probably meant when not."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from discourse.errors import MissingData, UsageError

__all__ = ["StudyFile", "study_files"]

_DEEP = ("*.toml", "*/*.toml", "*/*/study.toml")
_OTHER = frozenset({"codebook.toml", "sides.toml", "columns.toml", "pyproject.toml"})
_MOST = 200


class StudyFile(click.Path):
    """The path of a study file. A folder, a file that is no TOML, or no file at all ends in what to type.

    >>> StudyFile().convert("corpora", None, None)
    Traceback (most recent call last):
    discourse.errors.UsageError: 'corpora' is a folder, wanted is a study file; type corpora/demo/study.toml
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, if a study can lie there; else `UsageError` or `MissingData` with the nearest thing to type."""
        path = Path(str(super().convert(value, param, ctx)))
        if path.is_dir():
            inside = study_files(path)
            todo = f"type {inside[0]}" if inside else "make a study with discourse new NAME"
            raise UsageError(f"{str(path)!r} is a folder, wanted is a study file; {todo}")
        if path.is_file() and path.suffix != ".toml":
            raise UsageError(
                f"{path.name!r} is no study file, which is one in TOML; to make a study of an export, type: "
                f"discourse new NAME --from {shlex.quote(path.as_posix())}"
            )
        if not path.exists():
            raise MissingData(f"there is no study file {str(path)!r}; {_instead(path)}")
        return path

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Study files that begin like what was typed; any file where there is none."""
        folder = Path(os.path.dirname(incomplete) or ".")
        found = [name for name in study_files(folder) if name.startswith(incomplete)]
        return [CompletionItem(name) for name in found] or [CompletionItem(incomplete, type="file")]


def study_files(folder: Path) -> list[str]:
    """TOML files that may be studies, in a folder and its folders, as they would be typed; the plainest first.

    >>> study_files(Path("corpora"))[0]
    'corpora/demo/study.toml'
    """
    found = [one for pattern in _DEEP for one in folder.glob(pattern)][:_MOST]
    kept = {one.as_posix() for one in found if one.name not in _OTHER and not one.name.startswith("codebook")
            and not any(part.startswith(".") and part != ".." for part in one.parts)}  # fmt: skip
    return sorted(kept, key=lambda name: (not name.endswith("study.toml"), name.count("/"), name))


def _instead(path: Path) -> str:
    """What to type instead of a study file that is not there."""
    near = path.parent if path.parent.is_dir() else Path()
    same = [name for name in study_files(near) if Path(name).name == path.name or Path(name).parent.name == path.stem]
    if same:
        return f"did you mean {same[0]}?"
    return "give the path of a TOML file"
