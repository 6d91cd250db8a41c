"""Tasks for annotation tools and answers from their exports: Label Studio, doccano, Argilla, Prodigy.

Field names are those the tools document. A coder sees the post; its id goes along as data that the tool carries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from discourse.errors import BadInput, SchemaError, UsageError
from discourse.labels.codebook import Codebook
from discourse.sheets.answers import Answer
from discourse.sheets.files import as_json, json_bytes, read_file, read_files

__all__ = [
    "argilla_answers",
    "argilla_files",
    "doccano_answers",
    "doccano_files",
    "label_studio_answers",
    "label_studio_files",
    "prodigy_answers",
    "prodigy_files",
    "refuse_reserved",
]

_STYLE = ".post { unicode-bidi: plaintext; text-align: start; white-space: pre-wrap; font-size: 1.2em; }"
_COLOURS = ("#1f5a99", "#8a4b00", "#2f6b2f", "#7a2f6b", "#5a5a5a")
_NO_COLOUR = "#ffffff"
_SESSION = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
_NOBODY = ("all", "unknown")


class _Row(msgspec.Struct):
    """A line of a doccano export."""

    post_id: str
    label: list[str] = []


class _Response(msgspec.Struct):
    value: str | None = None
    user_id: str | None = None


class _Record(msgspec.Struct):
    """A record of an Argilla export."""

    id: str | None = None
    metadata: dict[str, Any] = {}
    responses: dict[str, list[_Response]] = {}


class _Task(msgspec.Struct):
    """A line of a Prodigy export."""

    post_id: str
    variable: str
    accept: list[str] = []
    answer: str = "ignore"
    annotator: str | None = msgspec.field(default=None, name="_annotator_id")
    session: str | None = msgspec.field(default=None, name="_session_id")


def refuse_reserved(codebook: Codebook, names: Sequence[str], what: str) -> None:
    """Nothing, unless a variable has a name that `what` needs for something else: then raises `UsageError`.

    >>> refuse_reserved(Codebook("framing", 1, ()), ("post_id", "text"), "a Label Studio task")
    """
    for variable in codebook.variables:
        if variable.name in names:
            raise UsageError(f"{what} needs the name {variable.name!r} itself; give the variable another name")


def label_studio_files(posts: pl.DataFrame, codebook: Codebook, path: Path) -> dict[Path, bytes]:
    """The tasks to import, and beside them the labelling configuration of the project (`.xml`).

    >>> posts = pl.DataFrame({"post_id": ["x:1"], "text": ["peace"], "lang": ["en"]})
    >>> [file.name for file in label_studio_files(posts, Codebook("framing", 1, ()), Path("tasks.json"))]
    ['tasks.json', 'tasks.xml']
    """
    refuse_reserved(codebook, ("post_id", "text", "lang", "id", "annotator"), "a Label Studio task")
    lines = [
        "<View>",
        f"  <Style>{_STYLE}</Style>",
        '  <View className="post"><Text name="text" value="$text"/></View>',
    ]
    for variable in codebook.variables:
        lines.append(f"  <Header value={_quoted(variable.question or variable.name)}/>")
        lines.append(f'  <Choices name={_quoted(variable.name)} toName="text" choice="single-radio" showInline="true">')
        lines += [f"    <Choice value={_quoted(one.value)} hint={_quoted(one.definition)}/>" for one in variable.values]
        lines.append("  </Choices>")
    config = "\n".join([*lines, "</View>", ""])
    tasks = [{"data": _known(post)} for post in posts.to_dicts()]
    return {path: json_bytes(tasks), path.with_suffix(".xml"): config.encode("utf-8")}


def label_studio_answers(path: Path, codebook: Codebook) -> Iterator[Answer]:
    """The answers in a JSON or JSON-MIN export; a coder is the number of the user. Skipped tasks hold no answer.

    Raises `BadInput` for what is neither, `SchemaError` for two choices of one variable.

    >>> next(label_studio_answers(Path("no-such.json"), Codebook("framing", 1, ())))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no Label Studio export 'no-such.json'; give the path of the file that came
    back
    """
    what = "Label Studio export"
    for number, task in enumerate(as_json(read_file(path, what), list[dict[str, Any]], path.name, what), 1):
        place = f"task {number} of {path.name!r}"
        data = task["data"] if isinstance(task.get("data"), dict) else task
        post_id = data.get("post_id")
        if not isinstance(post_id, str):
            raise BadInput(f"{place} has no post_id as text; import the tasks that export_tasks wrote, whole")
        if data is task:
            flat = {one.name: task[one.name] for one in codebook.variables if one.name in task}
            yield from _chosen(post_id, _user(task.get("annotator")), flat, place)
            continue
        for annotation in _dicts(task.get("annotations")):
            if not annotation.get("was_cancelled"):
                results = [one for one in _dicts(annotation.get("result")) if one.get("type") == "choices"]
                chosen = {str(one.get("from_name")): one.get("value") for one in results}
                if len(chosen) < len(results):
                    raise SchemaError(f"{place} has two answers for one variable in one annotation; delete one")
                yield from _chosen(post_id, _user(annotation.get("completed_by")), chosen, place)


def doccano_files(posts: pl.DataFrame, codebook: Codebook, path: Path) -> dict[Path, bytes]:
    """The documents to import as JSONL, and beside them the labels of the project (`.labels.json`).

    With one variable a label is its value, else "variable:value", all in one list, as doccano has one.

    >>> posts = pl.DataFrame({"post_id": ["x:1"], "text": ["peace"], "lang": ["en"]})
    >>> doccano_files(posts, Codebook("framing", 1, ()), Path("tasks.jsonl"))[Path("tasks.jsonl")]
    b'{"post_id": "x:1", "text": "peace", "lang": "en", "label": []}\\n'
    """
    colours = {one.name: _COLOURS[place % len(_COLOURS)] for place, one in enumerate(codebook.variables)}
    labels = [
        {"text": label, "prefix_key": None, "suffix_key": str(place) if place < 10 else None,
         "background_color": colours[variable], "text_color": _NO_COLOUR}
        for place, (label, (variable, _)) in enumerate(_doccano_labels(codebook).items(), 1)
    ]  # fmt: skip
    rows = [{**_known(post), "label": []} for post in posts.to_dicts()]
    return {path: _lines(rows), path.with_suffix(".labels.json"): json_bytes(labels)}


def doccano_answers(path: Path, codebook: Codebook) -> Iterator[Answer]:
    """The answers in a JSONL export, or in the zip of them: a coder is the name of the file.

    Raises `BadInput` for another shape, `SchemaError` for a label the project was not given.

    >>> next(doccano_answers(Path("no-such.jsonl"), Codebook("framing", 1, ())))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no doccano export 'no-such.jsonl'; give the path of the file that came back
    """
    what, labels = "doccano export", _doccano_labels(codebook)
    for name, content in read_files(path, what, ".jsonl"):
        coder = "" if name.stem in _NOBODY else name.stem
        for place, line in _numbered(content, name.name):
            row = as_json(line, _Row, place, what)
            for label in row.label:
                if label not in labels:
                    raise SchemaError(f"the label {label!r} in {place} is not of the codebook; use {', '.join(labels)}")
                yield Answer(row.post_id, coder, *labels[label], place)


def argilla_files(posts: pl.DataFrame, codebook: Codebook, path: Path) -> dict[Path, bytes]:
    """The records for `Dataset.records.from_json`, and beside them the `Settings` (`.settings.json`), both ASCII.

    >>> posts = pl.DataFrame({"post_id": ["x:1"], "text": ["peace"], "lang": ["en"]})
    >>> [file.name for file in argilla_files(posts, Codebook("framing", 1, ()), Path("records.json"))]
    ['records.json', 'records.settings.json']
    """
    records = [
        {"id": post["post_id"], "fields": {"text": post["text"]},
         "metadata": {name: value for name, value in _known(post).items() if name != "text"},
         "suggestions": {}, "responses": {}, "vectors": {}, "status": "pending"}
        for post in posts.to_dicts()
    ]  # fmt: skip
    questions = [
        {"name": one.name, "title": one.name, "description": one.question or None, "required": True,
         "settings": {"type": "label_selection", "options": [
             {"value": value.value, "text": value.value, "description": value.definition} for value in one.values]}}
        for one in codebook.variables
    ]  # fmt: skip
    settings = {
        "guidelines": codebook.instructions.get("en") or codebook.unit or None,
        "questions": questions,
        "fields": [{"name": "text", "title": "text", "required": True,
                    "settings": {"type": "text", "use_markdown": False}}],
        "vectors": [],
        "metadata": [{"name": name, "title": name, "settings": {"type": "terms"}, "visible_for_annotators": False}
                     for name in ("post_id", "lang")],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }  # fmt: skip
    beside = path.with_suffix(".settings.json")
    return {path: json_bytes(records, ascii_only=True), beside: json_bytes(settings, ascii_only=True)}


def argilla_answers(path: Path, codebook: Codebook) -> Iterator[Answer]:
    """The answers in what `Dataset.records.to_json` wrote; a coder is the id of the user.

    Raises `BadInput` for another shape.

    >>> next(argilla_answers(Path("no-such.json"), Codebook("framing", 1, ())))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no Argilla export 'no-such.json'; give the path of the file that came back
    """
    what = "Argilla export"
    for number, record in enumerate(as_json(read_file(path, what), list[_Record], path.name, what), 1):
        place = f"record {number} of {path.name!r}"
        post_id = record.metadata.get("post_id", record.id)
        if not isinstance(post_id, str):
            raise BadInput(f"{place} has no post_id as text; load the records that export_tasks wrote, whole")
        for variable, responses in record.responses.items():
            for response in responses:
                yield from _chosen(post_id, response.user_id or "", {variable: response.value}, place)


def prodigy_files(posts: pl.DataFrame, codebook: Codebook, path: Path) -> dict[Path, bytes]:
    """The tasks for the choice interface as JSONL: all posts for one variable, then all for the next.

    >>> posts = pl.DataFrame({"post_id": ["x:1"], "text": ["peace"], "lang": ["en"]})
    >>> prodigy_files(posts, Codebook("framing", 1, ()), Path("tasks.jsonl"))[Path("tasks.jsonl")]
    b''
    """
    tasks = [
        {**_known(post), "variable": one.name, "meta": {"question": one.question or one.name},
         "options": [{"id": value.value, "text": value.value} for value in one.values]}
        for one in codebook.variables
        for post in posts.to_dicts()
    ]  # fmt: skip
    return {path: _lines(tasks)}


def prodigy_answers(path: Path, codebook: Codebook) -> Iterator[Answer]:
    """The answers in a `db-out` file; a coder is what follows the last "-" in the name of the annotator or session.

    A task that was ignored or rejected, or accepted without an option, holds no answer.
    Raises `BadInput` for another shape, `SchemaError` for two options of one variable.

    >>> next(prodigy_answers(Path("no-such.jsonl"), Codebook("framing", 1, ())))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no Prodigy export 'no-such.jsonl'; give the path of the file that came back
    """
    what = "Prodigy export"
    for place, line in _numbered(read_file(path, what), path.name):
        task = as_json(line, _Task, place, what)
        named = task.annotator or task.session or ""
        coder = "" if _SESSION.search(named) else named.rpartition("-")[2]
        if task.answer == "accept":
            yield from _chosen(task.post_id, coder, {task.variable: task.accept}, place)


def _known(post: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in post.items() if value is not None}


def _quoted(text: str) -> str:
    return f'"{escape(" ".join(text.split()))}"'


def _lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")


def _numbered(content: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            yield f"line {number} of {name}", line


def _dicts(given: Any) -> list[dict[str, Any]]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _user(given: Any) -> str:
    """What Label Studio calls a coder: a number, or a record with one and with what must not be kept."""
    found = given.get("id") if isinstance(given, dict) else given
    return "" if found is None else str(found)


def _chosen(post_id: str, coder: str, chosen: Mapping[str, Any], place: str) -> Iterator[Answer]:
    """An answer for each variable that has one: a word, a list of one, or the choices of Label Studio."""
    for variable, given in chosen.items():
        listed = given.get("choices") if isinstance(given, dict) else given
        values = listed if isinstance(listed, list) else [listed] if listed not in (None, "") else []
        if len(values) > 1:
            raise SchemaError(
                f"{place} has {len(values)} values of {variable!r}; a post has one, choose it in the tool"
            )
        for value in values:
            yield Answer(post_id, coder, variable, str(value), place)


def _doccano_labels(codebook: Codebook) -> dict[str, tuple[str, str]]:
    """Each label that doccano shows, with its variable and value."""
    alone = len(codebook.variables) == 1
    return {
        (value.value if alone else f"{variable.name}:{value.value}"): (variable.name, value.value)
        for variable in codebook.variables
        for value in variable.values
    }
