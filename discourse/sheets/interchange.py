"""Posts to code for the tools that people code in, and their answers as labels. Nothing is lost on the way.

| format | what is written | what is read |
|---|---|---|
| label-studio | tasks (JSON) and labelling configuration (XML) | JSON or JSON-MIN export |
| doccano | documents (JSONL) and labels (JSON) | JSONL export, or the zip of them, a file a coder |
| argilla | records and settings (JSON, version 2) | what `records.to_json` wrote |
| prodigy | tasks of the choice interface (JSONL) | `db-out` |
| inception | documents in a folder (UIMA CAS JSON 0.4.0) and the layer | documents or project in that format |
| csv, xlsx | a table, one row a post and one column a variable | the table, filled in |

Unlike a coding sheet, these files carry the ids of the posts: they go into tools that the study runs itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from discourse.errors import SchemaError, UsageError
from discourse.labels.codebook import Codebook
from discourse.labels.labels import Labels
from discourse.schema import one_of
from discourse.sheets import inception, spreadsheets, tools
from discourse.sheets.answers import Answer, Names, as_labels, posts_to_code, with_names
from discourse.whole import write_whole

__all__ = ["FORMATS", "export_tasks", "import_labels"]

_Writer = Callable[[pl.DataFrame, Codebook, Path], dict[Path, bytes]]
_Reader = Callable[[Path, Codebook], Iterator[Answer]]
FORMATS: dict[str, tuple[_Writer, _Reader]] = {
    "label-studio": (tools.label_studio_files, tools.label_studio_answers),
    "doccano": (tools.doccano_files, tools.doccano_answers),
    "argilla": (tools.argilla_files, tools.argilla_answers),
    "prodigy": (tools.prodigy_files, tools.prodigy_answers),
    "inception": (inception.inception_files, inception.inception_answers),
    "csv": (spreadsheets.csv_files, spreadsheets.csv_answers),
    "xlsx": (spreadsheets.xlsx_files, spreadsheets.xlsx_answers),
}


def export_tasks(sample: pl.DataFrame, codebook: Codebook, path: str | Path, *, format: str) -> list[Path]:  # noqa: A002
    """Write the posts of a sample for a tool; returns the paths of the files, the tasks first.

    `sample` has post_id, text and, if known, lang; nothing else of it is written. The posts come in an order that
    says nothing, and the same sample gives the same bytes. Raises `UsageError` for a format that is not known and
    for a file that is there and holds something else, `SchemaError` for a sample that cannot be handed out.

    >>> import tempfile
    >>> from discourse.labels.codebook import Value, Variable
    >>> book = Codebook("b", 1, (Variable("frame", "nominal", (Value("a", "one"), Value("b", "other"))),))
    >>> posts = pl.DataFrame({"post_id": ["x:1"], "text": ["Talk, please."], "lang": ["en"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [made.name for made in export_tasks(posts, book, Path(folder) / "tasks.json", format="label-studio")]
    ['tasks.json', 'tasks.xml']
    """
    write, _ = _of(format)
    made = write(posts_to_code(sample), codebook, Path(path))
    for file, content in made.items():
        if file.exists() and (file.is_dir() or file.read_bytes() != content):
            raise UsageError(f"{file.name!r} is there and holds something else, perhaps answers; give another path")
    return [write_whole(file, content) for file, content in made.items()]


def import_labels(
    path: str | Path,
    codebook: Codebook,
    sample: pl.DataFrame,
    *,
    format: str,  # noqa: A002
    coder: Names = None,
) -> Labels:
    """The labels in what a tool exported; `sample` is what the tasks were written from.

    `coder` is the name of the one who coded, or maps the tool's names to those of the study, as in {"1": "anna"};
    without it the tool's stay. Posts without an answer stay in the sample.
    Raises `MissingData`, `BadInput` for what is no such export, `UsageError` when nobody says who coded,
    `PrivacyError` when it is said by e-mail addresses, and `SchemaError` for a variable, value or post that is not
    known, and for two answers of one coder to one question.

    >>> import tempfile
    >>> from discourse.labels.codebook import Value, Variable
    >>> book = Codebook("b", 1, (Variable("frame", "nominal", (Value("a", "one"), Value("b", "other"))),))
    >>> posts = pl.DataFrame({"post_id": ["x:1", "x:2"], "inclusion_p": [0.5, 0.5]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "coded.csv"
    ...     _ = file.write_text("post_id,frame\\nx:1,b\\nx:2,\\n", encoding="utf-8")
    ...     import_labels(file, book, posts, format="csv", coder="anna")
    Labels(2 posts, 1 coders, 1 undecided; frame: b 1)
    """
    _, read = _of(format)
    return as_labels(with_names(read(Path(path), codebook), coder), codebook, sample)


def _of(format: str) -> tuple[_Writer, _Reader]:  # noqa: A002
    try:
        return FORMATS[one_of(format, FORMATS, "format")]
    except SchemaError as error:
        raise UsageError(str(error)) from None
