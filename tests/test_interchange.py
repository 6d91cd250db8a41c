"""Posts to annotation tools and back: each tool's answers are put in as its own export has them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.dom import minidom

import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discourse.errors import BadInput, DiscourseError, MissingData, PrivacyError, SchemaError, UsageError
from discourse.labels.codebook import Codebook, Value, Variable
from discourse.readers.sheets import sheet_rows
from discourse.sheets.files import read_files
from discourse.sheets.inception import LAYER, LAYER_FILE
from discourse.sheets.interchange import FORMATS, export_tasks, import_labels
from discourse.sheets.spreadsheets import disarmed, restored

FRAME = Variable("frame", "nominal", tuple(Value(v, f"means <{v}> & more") for v in ("nationalist", "both", "neither")))
HEAT = Variable("hostility", "ordinal", tuple(Value(v, v) for v in "012"), 'How "hostile" is it?')
BOOK = Codebook("framing", 4, (FRAME, HEAT), "One post.")
TEXTS = (
    "می‌خواهم بمانم، نیم‌فاصله و \u200d",
    "👩‍👩‍👧 flags 🇵🇰🇦🇫 and \U0010fffd",
    "one\ntwo\r\nthree\rfour\ttab",
    'he said "no", then \'yes\'; done',
    "\u202eturned\u202c \u2067isolated\u2069 \u200e\u200f \ufeff",
    "=HYPERLINK(\"http://x.example\")",
    "+1", "-1", "@someone hello", "'=already", "＝wide", "\t=tabbed", "  led and trailed  ",
    "</script><b>&amp;</b> <![CDATA[x]]>",
    "\x07bell \x0b \uffff _x000D_ _x005F_ \u2028 \x85",
    "100% #N/A", "TRUE", "12345678901234567890",
)  # fmt: skip
IDS = [f"x:9000000000000000{n:03}" for n in range(len(TEXTS))]
LANGS = ["fa", "en", None, "ur", "ps", "mixed"] * 3
SAMPLE = pl.DataFrame({"post_id": IDS, "text": TEXTS, "lang": LANGS}).with_columns(
    inclusion_p=pl.lit(0.123456), stratum=pl.lit("rare-stratum"), role=pl.lit("gold"), author_id=pl.lit("a9f3-author")
)
ENDINGS = {
    "label-studio": "json",
    "doccano": "jsonl",
    "argilla": "json",
    "prodigy": "jsonl",
    "csv": "csv",
    "xlsx": "xlsx",
}
CODES = {post: {"frame": FRAME.values[n % 3].value, "hostility": str(n % 3)} for n, post in enumerate(IDS[:-1])}


def exported(folder: Path, tool: str, sample: pl.DataFrame = SAMPLE, book: Codebook = BOOK) -> Path:
    path = folder / f"tasks.{ENDINGS[tool]}" if tool in ENDINGS else folder / "tasks"
    made = export_tasks(sample, book, path, format=tool)
    assert all(file.is_file() for file in made)
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8", newline="\n")
    return path


def write_json(path: Path, data: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


# How each tool holds a text, and how it gives answers of two coders back: post -> variable -> value for each.

Codes = dict[str, dict[str, str]]


def label_studio_texts(path: Path) -> dict[str, str]:
    return {task["data"]["post_id"]: task["data"]["text"] for task in json.loads(path.read_bytes())}


def label_studio_answers(path: Path, coders: dict[str, Codes]) -> Path:
    tasks = json.loads(path.read_bytes())
    for number, task in enumerate(tasks, 1):
        task |= {"id": number, "file_upload": "a.json", "drafts": [], "predictions": [7], "meta": {}, "project": 1}
        task["annotations"] = [
            {
                "id": 10 * number + place,
                "completed_by": {"id": int(coder), "email": "someone@example.org", "first_name": "S"},
                "was_cancelled": False,
                "ground_truth": False,
                "created_at": "2026-01-01T00:00:00Z",
                "lead_time": 2.5,
                "result": [
                    {"id": f"r{place}", "type": "choices", "from_name": variable, "to_name": "text", "origin": "manual",
                     "value": {"choices": [value]}}
                    for variable, value in codes.get(task["data"]["post_id"], {}).items()
                ],
            }
            for place, (coder, codes) in enumerate(coders.items())
        ]  # fmt: skip
    return write_json(path.with_name("project-1.json"), tasks)


def doccano_texts(path: Path) -> dict[str, str]:
    return {row["post_id"]: row["text"] for row in lines(path)}


def doccano_answers(path: Path, coders: dict[str, Codes]) -> Path:
    packed = path.with_name("export.zip")
    with zipfile.ZipFile(packed, "w") as out:
        for coder, codes in coders.items():
            rows = [
                {
                    "id": number,
                    **row,
                    "label": [f"{k}:{v}" for k, v in codes.get(row["post_id"], {}).items()],
                    "Comments": [],
                }
                for number, row in enumerate(lines(path), 1)
            ]
            out.write(write_lines(path.with_name("one.jsonl"), rows), f"{coder}.jsonl")
    return packed


def argilla_texts(path: Path) -> dict[str, str]:
    return {row["metadata"]["post_id"]: row["fields"]["text"] for row in json.loads(path.read_bytes())}


def argilla_answers(path: Path, coders: dict[str, Codes]) -> Path:
    records = json.loads(path.read_bytes())
    for record in records:
        record |= {"status": "completed", "_server_id": "5f0c"}
        for variable in ("frame", "hostility"):
            said = [{"value": codes[record["id"]][variable], "user_id": coder} for coder, codes in coders.items()
                    if record["id"] in codes]  # fmt: skip
            if said:
                record["responses"][variable] = said
    return write_json(path.with_name("records-back.json"), records)


def prodigy_texts(path: Path) -> dict[str, str]:
    return {row["post_id"]: row["text"] for row in lines(path)}


def prodigy_answers(path: Path, coders: dict[str, Codes]) -> Path:
    given = []
    for coder, codes in coders.items():
        for task in lines(path):
            value = codes.get(task["post_id"], {}).get(task["variable"])
            given.append(
                {**task, "_input_hash": 1, "_task_hash": -2, "_view_id": "choice", "accept": [value] if value else [],
                 "answer": "accept" if value else "ignore", "_timestamp": 1760000000,
                 "_annotator_id": f"framing-{coder}", "_session_id": f"framing-{coder}"}
            )  # fmt: skip
    return write_lines(path.with_name("db-out.jsonl"), given)


def inception_texts(path: Path) -> dict[str, str]:
    made = {}
    for file in path.glob("post-*.json"):
        sofa, _, codes = json.loads(file.read_bytes())["%FEATURE_STRUCTURES"]
        made[codes["post_id"]] = sofa["sofaString"]
    return made


def inception_answers(path: Path, coders: dict[str, Codes]) -> Path:
    project = path.with_name("project")
    for file in path.glob("post-*.json"):
        for coder, codes in coders.items():
            cas = json.loads(file.read_bytes())
            kept = cas["%FEATURE_STRUCTURES"][2]
            kept |= codes.get(kept["post_id"], {})
            write_json(project / "annotation" / file.name / f"{coder}.json", cas)
        write_json(project / "annotation" / file.name / "INITIAL_CAS.json", json.loads(file.read_bytes()))
    write_json(project / "exportedproject.json", {"name": "a project", "mode": "annotation"})
    return project


def csv_texts(path: Path) -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
    return {restored(row["post_id"]): restored(row["text"]) for row in rows}


def csv_answers(path: Path, coders: dict[str, Codes]) -> Path:
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    filled = [
        {**row, **codes.get(row["post_id"], {}), "coder": coder, "note": "a note"}
        for coder, codes in coders.items()
        for row in rows
    ]
    back = path.with_name("back.csv")
    with back.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.DictWriter(file, list(filled[0]), delimiter=";")
        out.writeheader()
        out.writerows(filled)
    return back


def xlsx_texts(path: Path) -> dict[str, str]:
    return {row["post_id"]: row["text"] for _, row, _ in sheet_rows(path) if isinstance(row, dict)}


def xlsx_answers(path: Path, coders: dict[str, Codes]) -> Path:
    book = openpyxl.load_workbook(path)
    sheet = book["posts"]
    header = [cell.value for cell in sheet[1]]
    posts = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    sheet.cell(1, len(header) + 1, "coder")
    for row, (coder, post) in enumerate(((coder, post) for coder in coders for post in posts), 2):
        for place, value in enumerate([*post, coder], 1):
            sheet.cell(row, place).value = value
        for variable, value in coders[coder].get(post[0], {}).items():
            # a spreadsheet makes a number of what looks like one
            sheet.cell(row, header.index(variable) + 1).value = int(value) if value.isdigit() else value
    back = path.with_name("back.xlsx")
    book.save(back)
    return back


TOOLS: dict[str, tuple[Callable[[Path], dict[str, str]], Callable[[Path, dict[str, Codes]], Path]]] = {
    "label-studio": (label_studio_texts, label_studio_answers),
    "doccano": (doccano_texts, doccano_answers),
    "argilla": (argilla_texts, argilla_answers),
    "prodigy": (prodigy_texts, prodigy_answers),
    "inception": (inception_texts, inception_answers),
    "csv": (csv_texts, csv_answers),
    "xlsx": (xlsx_texts, xlsx_answers),
}


def test_every_format_is_tried_here() -> None:
    assert list(TOOLS) == list(FORMATS)


@pytest.mark.parametrize("tool", TOOLS)
def test_texts_and_ids_go_out_whole(tmp_path: Path, tool: str) -> None:
    assert TOOLS[tool][0](exported(tmp_path, tool)) == dict(zip(IDS, TEXTS, strict=True))


@pytest.mark.parametrize("tool", TOOLS)
def test_answers_of_two_coders_come_back_whole(tmp_path: Path, tool: str) -> None:
    others = {post: {"frame": "neither", "hostility": "1"} for post in IDS[1:]}
    back = TOOLS[tool][1](exported(tmp_path, tool), {"1": CODES, "2": others})
    labels = import_labels(back, BOOK, SAMPLE, format=tool, coder={"1": "anna", "2": "bilal"})
    told = {
        (post, coder, variable, value, "1", "framing@4")
        for coder, codes in (("anna", CODES), ("bilal", others))
        for post, values in codes.items()
        for variable, value in values.items()
    }
    assert set(labels.table.rows()) == told
    assert (
        labels.sample.select("post_id", "inclusion_p", "stratum", "role")
        .sort("post_id")
        .equals(SAMPLE.select("post_id", "inclusion_p", "stratum", "role").sort("post_id"))
    )
    again = import_labels(back, BOOK, SAMPLE.sample(fraction=1.0, shuffle=True, seed=3), format=tool)
    assert again.table["coder"].unique().sort().to_list() == ["1", "2"]
    assert again.table.drop("coder").sort(pl.all()).equals(labels.table.drop("coder").sort(pl.all()))


@pytest.mark.parametrize("tool", TOOLS)
def test_one_coder_is_named_by_hand(tmp_path: Path, tool: str) -> None:
    back = TOOLS[tool][1](exported(tmp_path, tool), {"1": CODES})
    labels = import_labels(back, BOOK, SAMPLE, format=tool, coder="anna")
    assert labels.table["coder"].unique().to_list() == ["anna"]
    assert labels.undecided == 1  # the last post was left open


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_written_says_nothing_else_and_is_the_same_in_any_order(tmp_path: Path, tool: str) -> None:
    before = SAMPLE.clone()
    folders = [tmp_path / name for name in ("one", "two")]
    exported(folders[0], tool)
    exported(folders[1], tool, SAMPLE.sample(fraction=1.0, shuffle=True, seed=3))
    exported(folders[1], tool)  # again over the same
    one, two = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders)
    assert one == two
    assert SAMPLE.equals(before)
    for content in one.values():
        inside = content
        if content[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                inside = b"".join(packed.read(name) for name in packed.namelist())
        for secret in (b"rare-stratum", b"0.123456", b"gold", b"a9f3-author"):
            assert secret not in inside
    order = list(TOOLS[tool][0](folders[0] / ("tasks." + ENDINGS[tool]))) if tool in ENDINGS else []
    assert order != IDS


@pytest.mark.parametrize("tool", TOOLS)
def test_a_file_with_answers_is_not_written_over(tmp_path: Path, tool: str) -> None:
    path = exported(tmp_path, tool)
    touched = path / "post-0001.json" if path.is_dir() else path
    touched.write_bytes(touched.read_bytes() + b"\n")
    before = touched.read_bytes()
    with pytest.raises(UsageError, match=r"is there and holds something else, perhaps answers; give another path$"):
        exported(tmp_path, tool)
    assert touched.read_bytes() == before


@pytest.mark.parametrize("tool", TOOLS)
def test_a_value_post_or_variable_that_is_not_known_is_refused(tmp_path: Path, tool: str) -> None:
    path, answer = exported(tmp_path, tool), TOOLS[tool][1]
    with pytest.raises(SchemaError, match="naturalist"):
        import_labels(
            answer(path, {"1": {IDS[0]: {"frame": "naturalist", "hostility": "0"}}}), BOOK, SAMPLE, format=tool
        )
    good = answer(path, {"1": CODES})
    with pytest.raises(SchemaError, match=r"^the post in .* is not in the sample; give the sample that was handed"):
        import_labels(good, BOOK, SAMPLE[1:], format=tool)
    other = Codebook("framing", 4, (Variable("frame", "nominal", (Value("neither", "n"),)),))
    with pytest.raises(SchemaError):
        import_labels(good, other, SAMPLE, format=tool)


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_no_export_is_refused(tmp_path: Path, tool: str) -> None:
    path = tmp_path / f"a.{ENDINGS.get(tool, 'json')}"
    with pytest.raises(MissingData, match=r"^there is no "):
        import_labels(path, BOOK, SAMPLE, format=tool)
    for content in (b"\xff\xfe\x00", b'{"a": 1}', b"[[]]", b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises((BadInput, SchemaError), match=r"a\.\w+'?"):
            import_labels(path, BOOK, SAMPLE, format=tool)
    packed = tmp_path / "a.zip"
    packed.write_bytes(b"PK\x03\x04damaged")
    if tool in {"doccano", "inception"}:
        with pytest.raises(BadInput, match=r"^'a\.zip' cannot be read as a zip without a password; fetch it again$"):
            import_labels(packed, BOOK, SAMPLE, format=tool)


def test_a_format_that_is_not_known_is_named() -> None:
    said = "^format is 'doccanno'; it must be 'label-studio', .* Did you mean 'doccano'\\?$"
    with pytest.raises(UsageError, match=said):
        export_tasks(SAMPLE, BOOK, "a.jsonl", format="doccanno")
    with pytest.raises(UsageError, match=said):
        import_labels("a.jsonl", BOOK, SAMPLE, format="doccanno")


def test_coders_need_names_that_are_no_addresses(tmp_path: Path) -> None:
    path = exported(tmp_path, "csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))

    def coded(*coders: str) -> Path:
        back = tmp_path / "back.csv"
        with back.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerows([["post_id", "frame", "coder"], *([rows[0]["post_id"], "both", coder] for coder in coders)])
        return back

    cases: list[tuple[tuple[str, ...], Any, type[DiscourseError], str]] = [
        (("",), None, UsageError, "^the file does not say who coded; give a name, as in coder='anna'$"),
        (("a@x.example",), None, PrivacyError, "^the file names coders by e-mail addresses; map each to a name"),
        (("1", "2"), "anna", UsageError, "^the file holds answers of 2 coders and one name was given; map each"),
        (("1", "2"), {"1": "anna"}, UsageError, "^1 coders of the file have no name in coder={...}; map each of 2$"),
    ]
    for coders, name, kind, sentence in cases:
        with pytest.raises(kind, match=sentence.replace("{...}", r"\{\.\.\.\}")):
            import_labels(coded(*coders), BOOK, SAMPLE, format="csv", coder=name)
    labels = import_labels(coded("a@x.example"), BOOK, SAMPLE, format="csv", coder={"a@x.example": "anna"})
    assert labels.table["coder"].to_list() == ["anna"]
    assert import_labels(coded("1", "1"), BOOK, SAMPLE, format="csv").table.height == 1


def test_two_answers_of_one_coder_to_one_question_are_refused(tmp_path: Path) -> None:
    back = tmp_path / "a.csv"
    back.write_text(f"post_id,frame\n{IDS[0]},both\n{IDS[0]},neither\n", encoding="utf-8")
    said = (
        r"^coder 'a' chose frame 'both' in row 2 of 'a\.csv' and 'neither' in row 3 of 'a\.csv' for one post; keep one"
    )
    with pytest.raises(SchemaError, match=said):
        import_labels(back, BOOK, SAMPLE, format="csv", coder="a")


# Label Studio.


def test_the_labelling_configuration_is_xml_with_every_value(tmp_path: Path) -> None:
    text = exported(tmp_path, "label-studio").with_suffix(".xml").read_text("utf-8")
    config = minidom.parseString(text)
    (shown,) = config.getElementsByTagName("Text")
    assert dict(shown.attributes.items()) == {"name": "text", "value": "$text"}
    choices = config.getElementsByTagName("Choices")
    assert [one.getAttribute("name") for one in choices] == ["frame", "hostility"]
    assert {one.getAttribute("toName") for one in choices} == {"text"}
    assert {one.getAttribute("choice") for one in choices} == {"single-radio"}
    values = [one.getAttribute("value") for one in choices[0].getElementsByTagName("Choice")]
    assert values == ["nationalist", "both", "neither"]
    assert choices[0].getElementsByTagName("Choice")[0].getAttribute("hint") == "means <nationalist> & more"
    assert "unicode-bidi: plaintext" in text


def test_skipped_tasks_and_other_controls_are_no_labels(tmp_path: Path) -> None:
    result = {"type": "choices", "from_name": "frame", "to_name": "text", "value": {"choices": ["both"]}}
    typed = {"type": "textarea", "from_name": "remark", "to_name": "text", "value": {"text": ["x"]}}
    tasks = [
        {"data": {"post_id": IDS[0]}, "annotations": [
            {"completed_by": 1, "was_cancelled": True, "result": [result]},
            {"completed_by": 2, "result": [result, typed]},
            {"completed_by": 3, "result": []},
        ]},
        {"data": {"post_id": IDS[1]}, "annotations": []},
    ]  # fmt: skip
    labels = import_labels(write_json(tmp_path / "a.json", tasks), BOOK, SAMPLE, format="label-studio")
    assert labels.table.select("post_id", "coder", "value").rows() == [(IDS[0], "2", "both")]


def test_the_flat_export_of_label_studio_is_read_too(tmp_path: Path) -> None:
    flat = [{"id": 1, "post_id": IDS[0], "text": "t", "frame": "both", "hostility": {"choices": ["2"]}, "annotator": 5,
             "annotation_id": 9, "lead_time": 2.0}]  # fmt: skip
    labels = import_labels(write_json(tmp_path / "a.json", flat), BOOK, SAMPLE, format="label-studio")
    told = [(IDS[0], "5", "frame", "both"), (IDS[0], "5", "hostility", "2")]
    assert labels.table.select("post_id", "coder", "variable", "value").rows() == told


@pytest.mark.parametrize(
    ("data", "result", "kind", "sentence"),
    [
        (
            {"post_id": 9000000000000000001},
            [],
            BadInput,
            "^task 1 of 'a.json' has no post_id as text; import the tasks",
        ),
        ({}, [], BadInput, "^task 1 of 'a.json' has no post_id as text"),
        (
            {"post_id": IDS[0]},
            [("frame", ["both", "neither"])],
            SchemaError,
            "has 2 values of 'frame'; a post has one, choose it in the tool",
        ),
        (
            {"post_id": IDS[0]},
            [("frame", ["both"]), ("frame", ["neither"])],
            SchemaError,
            "has two answers for one variable",
        ),
        ({"post_id": IDS[0]}, [("farme", ["both"])], SchemaError, "^the variable in task 1 of 'a.json' is 'farme'"),
    ],
)
def test_a_fault_in_a_label_studio_export_is_named(
    tmp_path: Path, data: Any, result: list[Any], kind: type[DiscourseError], sentence: str
) -> None:
    made = [{"type": "choices", "from_name": name, "value": {"choices": values}} for name, values in result]
    tasks = [{"data": data, "annotations": [{"completed_by": 1, "result": made}]}]
    with pytest.raises(kind, match=sentence):
        import_labels(write_json(tmp_path / "a.json", tasks), BOOK, SAMPLE, format="label-studio")


# The other tools.


def test_doccano_knows_its_labels_and_a_shared_file_has_no_coder(tmp_path: Path) -> None:
    path = exported(tmp_path, "doccano")
    labels = json.loads(path.with_suffix(".labels.json").read_bytes())
    assert [one["text"] for one in labels] == [
        "frame:nationalist", "frame:both", "frame:neither", "hostility:0", "hostility:1", "hostility:2"
    ]  # fmt: skip
    assert [one["suffix_key"] for one in labels] == list("123456")
    rows = [{**row, "label": ["frame:both"]} for row in lines(path)[:1]]
    shared = write_lines(tmp_path / "all.jsonl", rows)
    with pytest.raises(UsageError, match=r"^the file does not say who coded"):
        import_labels(shared, BOOK, SAMPLE, format="doccano")
    assert import_labels(shared, BOOK, SAMPLE, format="doccano", coder="anna").table.height == 1
    alone = write_lines(tmp_path / "bilal.jsonl", rows)
    assert import_labels(alone, BOOK, SAMPLE, format="doccano").table["coder"].to_list() == ["bilal"]
    one = Codebook("b", 1, (FRAME,))
    assert (
        json.loads(exported(tmp_path / "one", "doccano", book=one).with_suffix(".labels.json").read_bytes())[1]["text"]
        == "both"
    )


def test_argilla_files_are_ascii_and_settings_hold_the_questions(tmp_path: Path) -> None:
    path = exported(tmp_path, "argilla")
    beside = path.with_suffix(".settings.json")
    assert path.read_bytes().isascii()
    assert beside.read_bytes().isascii()
    settings = json.loads(beside.read_bytes())
    assert [question["name"] for question in settings["questions"]] == ["frame", "hostility"]
    assert settings["questions"][0]["settings"]["type"] == "label_selection"
    assert [one["value"] for one in settings["questions"][1]["settings"]["options"]] == ["0", "1", "2"]
    record = json.loads(path.read_bytes())[0]
    record["responses"] = {"frame": [{"value": None, "user_id": "u"}, {"value": "both", "user_id": "v"}]}
    back = write_json(tmp_path / "back.json", [record])
    assert import_labels(back, BOOK, SAMPLE, format="argilla").table["coder"].to_list() == ["v"]


def test_prodigy_asks_one_question_a_task_and_takes_no_skipped_answer(tmp_path: Path) -> None:
    tasks = lines(exported(tmp_path, "prodigy"))
    assert len(tasks) == 2 * len(IDS)
    assert tasks[0]["options"] == [{"id": v, "text": v} for v in ("nationalist", "both", "neither")]
    shared = {"_annotator_id": "set-1-anna"}
    given = [
        {**tasks[0], **shared, "accept": ["both"], "answer": "accept"},
        {**tasks[1], **shared, "accept": [], "answer": "accept"},
        {**tasks[2], **shared, "accept": ["both"], "answer": "ignore"},
        {**tasks[3], **shared, "accept": ["both"], "answer": "reject"},
    ]
    labels = import_labels(write_lines(tmp_path / "a.jsonl", given), BOOK, SAMPLE, format="prodigy")
    assert labels.table.select("coder", "value").rows() == [("anna", "both")]
    nameless = [{**given[0], "_annotator_id": None, "_session_id": "2026-01-02_10-11-12"}]
    with pytest.raises(UsageError, match=r"^the file does not say who coded"):
        import_labels(write_lines(tmp_path / "b.jsonl", nameless), BOOK, SAMPLE, format="prodigy")
    two = [{**given[0], "accept": ["both", "neither"]}]
    with pytest.raises(SchemaError, match=r"^line 1 of c\.jsonl has 2 values of 'frame'; a post has one"):
        import_labels(write_lines(tmp_path / "c.jsonl", two), BOOK, SAMPLE, format="prodigy")


def test_inception_documents_hold_offsets_in_utf_16_and_a_layer_with_tags(tmp_path: Path) -> None:
    path = exported(tmp_path, "inception")
    for file in path.glob("post-*.json"):
        cas = json.loads(file.read_bytes())
        sofa, document, codes = cas["%FEATURE_STRUCTURES"]
        assert document["end"] == len(sofa["sofaString"].encode("utf-16-le")) // 2
        assert set(cas["%TYPES"][LAYER]) == {"%NAME", "%SUPER_TYPE", "post_id", "frame", "hostility"}
        assert codes["%TYPE"] == LAYER
        assert cas["%VIEWS"]["_InitialView"]["%MEMBERS"] == [2, 3]
    ((layer),) = json.loads((path / LAYER_FILE).read_bytes())
    assert layer["type"] == "document-metadata"
    frame = layer["features"][0]
    assert [tag["tag_name"] for tag in frame["tag_set"]["tags"]] == ["nationalist", "both", "neither"]
    with pytest.raises(
        UsageError, match=r"^INCEpTION cannot have a feature 'a b'; use letters, digits and _ in its name$"
    ):
        exported(tmp_path / "b", "inception", book=Codebook("b", 1, (Variable("a b", "nominal", FRAME.values),)))


def test_what_the_curator_chose_is_adjudicated_and_a_lost_id_is_named(tmp_path: Path) -> None:
    path = exported(tmp_path, "inception")
    file = next(iter(sorted(path.glob("post-*.json"))))
    cas = json.loads(file.read_bytes())
    cas["%FEATURE_STRUCTURES"][2]["frame"] = "both"
    folder = tmp_path / "export"
    write_json(folder / "curation" / file.name / "CURATION_USER.json", cas)
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w") as out:
        for one in folder.rglob("*.json"):
            out.write(one, one.relative_to(folder))
    for place in (folder, packed):
        assert import_labels(place, BOOK, SAMPLE, format="inception").table["coder"].to_list() == ["adjudicated"]
    single = write_json(tmp_path / "one.json", cas)
    assert import_labels(single, BOOK, SAMPLE, format="inception", coder="anna").table.height == 1
    empty = write_json(tmp_path / "plain" / "annotation" / "a" / "anna.json", {"%FEATURE_STRUCTURES": []})
    with pytest.raises(
        BadInput, match=r"^'plain' has no document with the layer .*; import layer\.json into the project"
    ):
        import_labels(empty.parents[2], BOOK, SAMPLE, format="inception")
    del cas["%FEATURE_STRUCTURES"][2]["post_id"]
    with pytest.raises(
        BadInput, match=r"^document 'one\.json' has 0 post_ids in its layer webanno\.custom\.Codes; keep"
    ):
        import_labels(write_json(single, cas), BOOK, SAMPLE, format="inception", coder="anna")


@pytest.mark.parametrize(
    ("tool", "name"), [("csv", "note"), ("xlsx", "text"), ("label-studio", "text"), ("inception", "begin")]
)
def test_a_variable_must_not_have_a_name_the_tool_needs(tmp_path: Path, tool: str, name: str) -> None:
    with pytest.raises(UsageError, match=f"needs the name {name!r} itself; give the variable another name$"):
        exported(tmp_path, tool, book=Codebook("b", 1, (Variable(name, "nominal", FRAME.values),)))


# Spreadsheets.


@given(st.text(st.sampled_from("'=+-@＝ \t\r\nax"), max_size=6))
def test_a_cell_is_disarmed_and_restored(text: str) -> None:
    cell = disarmed(text)
    assert restored(cell) == text
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "＝", "\t", "\r", "\n"))


def test_no_cell_of_a_csv_begins_like_a_formula(tmp_path: Path) -> None:
    content = exported(tmp_path, "csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfpost_id,lang,text,frame,hostility,note\r\n")
    cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) for cell in row]
    assert not [cell for cell in cells if cell.strip()[:1] in tuple("=+-@＝") or cell[:1] in tuple("\t\r\n")]


def test_no_cell_of_a_workbook_is_a_formula_and_values_are_offered(tmp_path: Path) -> None:
    path = exported(tmp_path, "xlsx")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["posts", "codebook"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.number_format for cell in cells} == {"@"}
    assert "=HYPERLINK" in "".join(str(cell.value) for cell in cells)
    with zipfile.ZipFile(path) as packed:
        assert b"<f>" not in packed.read("xl/worksheets/sheet1.xml")
    offered = book["posts"].data_validations.dataValidation
    assert [(str(one.sqref), one.formula1) for one in offered] == [
        ("D2:D19", "codebook!$B$2:$B$4"), ("E2:E19", "codebook!$B$5:$B$7")
    ]  # fmt: skip
    assert [book["codebook"].cell(row, 2).value for row in range(2, 8)] == ["nationalist", "both", "neither", *"012"]


def test_a_post_longer_than_a_cell_is_refused_not_cut(tmp_path: Path) -> None:
    for text, fits in (("a" * 32767, True), ("a" * 32768, False), ("😀" * 16384, False)):
        long = pl.DataFrame({"post_id": ["x:1"], "text": [text]})
        if fits:
            assert xlsx_texts(exported(tmp_path, "xlsx", long)) == {"x:1": text}
            continue
        with pytest.raises(SchemaError, match=r"characters, more than a cell holds; choose another format$"):
            exported(tmp_path / "b", "xlsx", long)


@pytest.mark.parametrize(
    ("content", "kind", "sentence"),
    [
        (
            "post_id,frame\nx:9.0E+18,both\n",
            SchemaError,
            "^the id in row 2 of the label file was turned into a decimal",
        ),
        ("post_id,frame\n,both\n", SchemaError, "^row 2 of the label file has no post_id"),
        (
            "post_id,farme\nx:1,both\n",
            SchemaError,
            r"^'a\.csv' has the columns post_id, farme; it needs, each once, post_id ",
        ),
        ("id,frame\nx:1,both\n", SchemaError, r"^'a\.csv' has the columns id, frame; it needs"),
        (
            "post_id,frame,frame\nx:1,both,both\n",
            SchemaError,
            r"^'a\.csv' has the columns post_id, frame, frame; it needs",
        ),
        ("post_id,frame\nx:1,both,x\n", BadInput, r"^'a\.csv' has rows with more or fewer cells than its header"),
        ('post_id,frame\nx:1,"both\n', BadInput, r"^'a\.csv' cannot be read as CSV in UTF-8; save it again as"),
        ("", SchemaError, r"^'a\.csv' has the columns none; it needs"),
    ],
)
def test_a_fault_in_a_table_is_named(tmp_path: Path, content: str, kind: type[DiscourseError], sentence: str) -> None:
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    with pytest.raises(kind, match=sentence):
        import_labels(tmp_path / "a.csv", BOOK, SAMPLE, format="csv", coder="a")


@pytest.mark.parametrize("cut", [",", ";", "\t"])
def test_a_table_may_come_back_as_a_spreadsheet_writes_it(tmp_path: Path, cut: str) -> None:
    rows = [["", "post_id", "hostility", "frame"], ["", IDS[0], " 2 ", "both"], ["", "", "", ""], ["x", IDS[1], "", ""]]
    (tmp_path / "a.csv").write_bytes(("\r\n".join(cut.join(row) for row in rows) + "\r\n").encode("utf-8-sig"))
    labels = import_labels(tmp_path / "a.csv", BOOK, SAMPLE, format="csv", coder="a")
    assert labels.table.select("variable", "value").rows() == [("frame", "both"), ("hostility", "2")]


def test_an_id_that_a_workbook_made_a_number_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["post_id", "frame"], [9000000000000000001, "both"]):
        book.worksheets[0].append(row)
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(SchemaError, match=r"^the id in row 2 of the label file was turned into a decimal number"):
        import_labels(tmp_path / "a.xlsx", BOOK, SAMPLE, format="xlsx", coder="a")


def test_a_zip_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("anna.jsonl", b" " * 100_000)
    monkeypatch.setattr("discourse.sheets.files._MOST", 99_999)
    with pytest.raises(BadInput, match=r"^'a\.zip' unpacks to over 1 GiB"):
        list(read_files(packed, "export", ".jsonl"))
    for empty in (packed, tmp_path):
        with pytest.raises(BadInput, match=r"holds no file that ends in \.csv; choose that format for the export$"):
            list(read_files(empty, "export", ".csv"))
