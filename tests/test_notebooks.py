"""Notebooks are source: committed empty, short, in pairs, and executed here with wrong and with right answers."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import sys
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
NAMES = ("01_read_a_corpus", "02_code_and_agree", "03_train_and_judge", "04_measure_over_time", "05_an_event_study",
         "06_retrain_and_compare", "07_your_own_data")  # fmt: skip
LINES = 40
MADE_UP = "No person wrote these posts"


def _study(day: str) -> str:
    return f"ds.event_study(pakistani, {day!r}, plan=around)"


def _import(into: str) -> str:
    return f"ds.import_posts(place / 'posts.csv', place / {into!r}, mapping=mapping, key=key)"


# Of each exercise a wrong answer and a right one, in the order of the notebook. The right ones come from elsewhere:
# what README.md of the corpus counts, what the codebook says, the truth that was put in, or another way to compute it.
ANSWERS: dict[str, list[tuple[str, str]]] = {
    "01_read_a_corpus": [
        ("48", "48 + 14"),
        ("1.0", "round((measured.posts['lang'] == 'en').mean(), 2)"),  # VADER reads English and nothing else
        ("whole", "whole.keep(pl.col('kind') == 'original', 'originals', 'as Population does')"),
    ],
    "02_code_and_agree": [
        ("['neither', 'both', 'conciliatory', 'nationalist']", "['conciliatory', 'nationalist', 'both', 'neither']"),
        ("'neither'", "'both'"),
        ("True", "False"),
    ],
    "03_train_and_judge": [
        ("0.85", "(lambda one: one['classifier'] - one['plain'])(dict(judged.scores.filter("
                 "metric='macro_f1', group='all').select('model', 'estimate').rows()))"),
        ("'neither'", "'both'"),
        ("False", "True"),
    ],
    "04_measure_over_time": [
        ("19", "sum(one['low'] is not None and one['low'] * one['high'] > 0 for one in corrected.filter("
               "pl.col('side').str.contains('|', literal=True)).to_dicts())"),
        ("0.95", "sum(one['low'] <= one['share'] <= one['high'] for one in known.filter(method='cc').to_dicts())"
                 " / known.filter(method='cc').height"),
        ("ds.Plan(every='1mo', method='cc')", "ds.Plan(every='1mo')"),
    ],
    "05_an_event_study": [
        ("15", "5"),
        ("True", "False"),
        (_study("2025-02-25"), _study("2025-01-25")),
    ],
    "06_retrain_and_compare": [
        ("-3", "3"),
        ("comparison", "ds.compare(poor, new, corpus, held, key=key, seed=7, replicates=200)"),
    ],
    "07_your_own_data": [
        (_import("another"), _import("corpus")),
        ("0.5", "round(1 - measured.posts['side'].is_in(['pakistan', 'afghanistan']).mean(), 2)"),
        ("ds.Plan(every='1mo', gold_within='side')", "ds.Plan(every='1w', gold_within='side')"),
    ],
}  # fmt: skip


def code_of(notebook: dict[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def tags_of(cell: dict[str, Any]) -> list[str]:
    found: list[str] = cell["metadata"].get("tags", [])
    return found


def faults(notebook: dict[str, Any]) -> list[str]:
    """Why a notebook must not be committed as it is."""
    found = []
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if any(cell["outputs"] for cell in cells):
        found.append("has outputs")
    if any(cell["execution_count"] is not None for cell in cells):
        found.append("has execution counts")
    lines = sum(1 for code in code_of(notebook) for line in code.splitlines() if line.strip())
    if lines > LINES:
        found.append(f"has {lines} lines of code")
    if not cells:
        found.append("has no code")
    for code in code_of(notebook):
        if re.search(r"^\s*(def|class) ", code, re.MULTILINE):
            found.append("defines what belongs in the package")
    if notebook.get("metadata", {}).get("kernelspec", {}).get("name") != "python3":
        found.append("names no kernel that everybody has")
    return found


def read(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((FOLDER / f"{name}.ipynb").read_text("utf-8"))
    return made


def files_of(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.rglob("*")) if file.is_file()}  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a notebook sees of the repository."""
    place = tmp_path_factory.mktemp("repository")
    for name in ("corpora", "notebooks"):
        shutil.copytree(ROOT / name, place / name)
    return place


def with_answers(notebook: dict[str, Any], answers: list[tuple[str, str]]) -> dict[str, Any]:
    """The notebook; after each check the same of a wrong and of a right answer, and then the answer taken back."""
    made, cells, pairs, asked = copy.deepcopy(notebook), [], iter(answers), ""
    for number, cell in enumerate(made["cells"]):
        cells.append({**cell, "source": "".join(cell["source"])})
        if "exercise" in tags_of(cell):
            asked = "".join(cell["source"])
        if "check" in tags_of(cell):
            name, check = asked.split(" =")[0], "".join(cell["source"])
            for kind, answer in zip(("wrong", "right"), next(pairs), strict=True):
                cells.append({
                    "cell_type": "code", "id": f"{kind}-{number}", "outputs": [], "execution_count": None,
                    "metadata": {"tags": ["raises-exception", kind]}, "source": f"{name} = {answer}\n{check}",
                })  # fmt: skip
            cells.append({"cell_type": "code", "id": f"back-{number}", "outputs": [], "execution_count": None,
                          "metadata": {"tags": ["back"]}, "source": asked})  # fmt: skip
    made["cells"] = cells
    return made


def execute(notebook: dict[str, Any], folder: Path) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import nbformat
        from nbclient import NotebookClient

        given = nbformat.from_dict(notebook)
        NotebookClient(given, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return dict(given)


def printed(cell: dict[str, Any]) -> str:
    return "".join(one["text"] for one in cell["outputs"] if one["output_type"] == "stream" and one["name"] == "stdout")


def test_the_seven_notebooks_are_there_in_pairs() -> None:
    assert sorted(file.name for file in FOLDER.iterdir() if file.is_file()) == sorted(
        f"{name}.{kind}" for name in NAMES for kind in ("ipynb", "py")
    )
    assert list(ANSWERS) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_empty_short_and_says_that_it_is_made_up(name: str) -> None:
    import nbformat

    notebook = read(name)
    nbformat.validate(notebook)
    assert faults(notebook) == []
    assert MADE_UP in "".join(notebook["cells"][0]["source"])


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_holds_the_same_cells(name: str) -> None:
    import jupytext

    notebook, script = (jupytext.read(FOLDER / f"{name}.{kind}") for kind in ("ipynb", "py"))
    cells = [[(cell.cell_type, cell.source, tags_of(cell)) for cell in one.cells] for one in (notebook, script)]
    assert cells[0] == cells[1]
    assert script.metadata["kernelspec"] == notebook.metadata["kernelspec"]


@pytest.mark.parametrize("name", NAMES)
def test_each_exercise_has_an_empty_answer_and_a_check(name: str) -> None:
    cells = [cell for cell in read(name)["cells"] if cell["cell_type"] == "code"]
    exercises = [at for at, cell in enumerate(cells) if "exercise" in tags_of(cell)]
    assert 2 <= len(exercises) <= 4
    assert len(ANSWERS[name]) == len(exercises)
    for at in exercises:
        assert re.fullmatch(r"\w+ = None", "".join(cells[at]["source"]))
        assert "check" in tags_of(cells[at + 1])
    assert sum("check" in tags_of(cell) for cell in cells) == len(exercises)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_executes_and_its_checks_tell_wrong_from_right(name: str, repository: Path) -> None:
    before = files_of(repository)
    done = execute(with_answers(read(name), ANSWERS[name]), repository / "notebooks")
    cells = [cell for cell in done["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for kind, said in (("check", "not yet"), ("right", "right")):
        answers = [printed(cell) for cell in cells if kind in tags_of(cell)]
        assert len(answers) == len(ANSWERS[name])
        assert all(one.startswith(said) for one in answers), answers
    wrong = [one for cell in cells if "wrong" in tags_of(cell) for one in cell["outputs"]]
    assert [one.get("ename") for one in wrong] == ["AssertionError"] * len(ANSWERS[name])
    assert all(len(one["evalue"]) > 25 for one in wrong)  # the error says where to look
    own = [cell for cell in cells if not {"wrong", "right", "back"} & set(tags_of(cell))]
    assert any("text/html" in one.get("data", {}) for cell in own for one in cell["outputs"])
    for cell in own:
        _fit_to_be_seen(cell)
        drawn = [one["metadata"]["image/png"]["alt"] for one in cell["outputs"] if "image/png" in one.get("data", {})]
        assert len(drawn) == cell["source"].count("ds.plot_")
        assert all(len(title) > 20 for title in drawn)
    assert files_of(repository) == before


def _fit_to_be_seen(cell: dict[str, Any]) -> None:
    """No error, no warning but the one that notebook 1 is about, no line for each step, no text or id of a post."""
    for one in cell["outputs"]:
        assert one["output_type"] != "error"
        if one["output_type"] == "stream" and one["name"] == "stderr":
            assert "QuarantineWarning" in one["text"]
        data = one.get("data", {})
        for words in (data.get("text/plain", ""), data.get("text/html", ""), one.get("text", "")):
            assert not re.search(r"\b(x|forum):\d", words)
            assert not re.search(r"\bx:[0-9a-f]{12}", words)
    progress = [one for one in cell["outputs"] if one["output_type"] == "display_data" and len(one["data"]) == 1]
    assert len(progress) <= 1
    if progress:
        assert re.fullmatch(
            r"(reading posts|importing|judging|curve): [\d,]+( of \d+)?", progress[0]["data"]["text/plain"]
        )
        of = progress[0]["data"]["text/plain"].split(": ")[1].split(" of ")
        assert len(of) == 1 or of[0] == of[1]


def test_a_notebook_that_fails_or_writes_is_caught(tmp_path: Path) -> None:
    from nbclient.exceptions import CellExecutionError
    from nbformat import v4

    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute(v4.new_notebook(cells=[v4.new_code_cell("1 / 0")]), tmp_path)
    before = files_of(tmp_path)
    execute(v4.new_notebook(cells=[v4.new_code_cell("open('a.txt', 'w').close()")]), tmp_path)
    assert files_of(tmp_path) != before


def test_what_makes_a_notebook_unfit_is_caught() -> None:
    def made(source: str, outputs: list[Any] | None = None, count: int | None = None) -> dict[str, Any]:
        cell = {"cell_type": "code", "source": source, "outputs": outputs or [], "execution_count": count}
        kernel = {"kernelspec": {"name": "python3"}}
        return {"cells": [cell, {"cell_type": "markdown", "source": "def "}], "metadata": kernel}

    assert faults(made("\n\n".join(["x = 1"] * 40))) == []
    assert faults(made("\n".join(["x = 1"] * 41))) == ["has 41 lines of code"]
    assert faults(made("x", outputs=[{}])) == ["has outputs"]
    assert faults(made("x", count=1)) == ["has execution counts"]
    assert faults(made("def f():\n    pass")) == ["defines what belongs in the package"]
    assert faults({"cells": []}) == ["has no code", "names no kernel that everybody has"]


def test_a_check_that_lets_everything_pass_would_be_seen() -> None:
    cells = [
        {"cell_type": "code", "metadata": {"tags": ["exercise"]}, "source": "x = None"},
        {"cell_type": "code", "metadata": {"tags": ["check"]}, "source": "assert x is None or x == 2, 'no'\nprint(x)"},
    ]
    made = with_answers({"cells": cells}, [("1", "2")])["cells"]
    assert [cell["source"].splitlines()[0] for cell in made] == ["x = None", cells[1]["source"].splitlines()[0],
                                                                "x = 1", "x = 2", "x = None"]  # fmt: skip
    with pytest.raises(AssertionError, match="no"):
        exec(made[2]["source"])
    exec(made[3]["source"])


NOTEBOOK_PROGRESS = """
from discourse.notebook.progress import Progress
with Progress("judging", of=500) as progress:
    for _ in range(500):
        progress(1)
"""


def test_progress_leaves_one_line_in_a_notebook(tmp_path: Path) -> None:
    from nbformat import v4

    done = execute(v4.new_notebook(cells=[v4.new_code_cell(NOTEBOOK_PROGRESS)]), tmp_path)
    outputs = done["cells"][0]["outputs"]
    assert [(one["output_type"], one["data"]) for one in outputs] == [
        ("display_data", {"text/plain": "judging: 500 of 500"})
    ]


def test_progress_is_silent_in_a_pipe() -> None:
    done = subprocess.run([sys.executable, "-c", NOTEBOOK_PROGRESS], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_progress_writes_over_one_line_in_a_terminal() -> None:
    import os
    import pty

    theirs, ours = pty.openpty()
    code = NOTEBOOK_PROGRESS.replace("500", "3") + "\nimport sys\nassert 'IPython' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], stderr=ours, check=True)
    os.close(ours)
    said = os.read(theirs, 10_000).decode()
    os.close(theirs)
    lines = ["judging", *(f"judging: {done} of 3" for done in (1, 2, 3))]
    assert said == "".join(f"\r\033[K{line}" for line in lines) + "\r\n"
