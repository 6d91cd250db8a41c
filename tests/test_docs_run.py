"""Documentation that does not run is wrong: notebooks are committed empty and executed here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DOCS = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
LINES = 40
EXPECTED = ("01_read", "02_classify", "03_polarization_over_time")


def code_of(notebook: dict[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


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
    return found


def python_blocks(markdown: str) -> list[str]:
    """Python blocks of a page that are no doctests (those of the README pytest runs)."""
    blocks = re.findall(r"^```python\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if ">>>" not in block]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a notebook sees of the repository."""
    place = tmp_path_factory.mktemp("repository")
    for name in ("corpora", "notebooks"):
        shutil.copytree(ROOT / name, place / name)
    return place


def test_there_are_notebooks_and_pages() -> None:
    found = [file.stem for file in NOTEBOOKS]
    assert [name for name in EXPECTED if name not in found] == []
    assert len(DOCS) > 1


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_committed_empty_and_short(file: Path) -> None:
    import nbformat

    notebook = json.loads(file.read_text("utf-8"))
    nbformat.validate(notebook)
    assert faults(notebook) == []


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_executes(file: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = execute(repository / "notebooks" / file.name, monkeypatch)
    code = [cell for cell in done["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert any("image/png" in output.get("data", {}) or "text/plain" in output.get("data", {})
               for output in code[-1]["outputs"])  # it ends with something to look at  # fmt: skip


def execute(file: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import nbformat
        from nbclient import NotebookClient

        monkeypatch.setenv("MPLBACKEND", "Agg")
        notebook = nbformat.read(file, as_version=4)
        client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(file.parent)}})
        client.execute()
    return dict(notebook)


def test_a_notebook_that_fails_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient.exceptions import CellExecutionError
    from nbformat import v4

    file = tmp_path / "bad.ipynb"
    file.write_text(json.dumps(v4.new_notebook(cells=[v4.new_code_cell("1 / 0")])), "utf-8")
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute(file, monkeypatch)


def test_what_makes_a_notebook_unfit_is_caught() -> None:
    def made(source: str, outputs: list[Any] | None = None, count: int | None = None) -> dict[str, Any]:
        cell = {"cell_type": "code", "source": source, "outputs": outputs or [], "execution_count": count}
        return {"cells": [cell, {"cell_type": "markdown", "source": "def "}]}

    assert faults(made("\n\n".join(["x = 1"] * 40))) == []
    assert faults(made("\n".join(["x = 1"] * 41))) == ["has 41 lines of code"]
    assert faults(made("x", outputs=[{}])) == ["has outputs"]
    assert faults(made("x", count=1)) == ["has execution counts"]
    assert faults(made("def f():\n    pass")) == ["defines what belongs in the package"]
    assert faults({"cells": []}) == ["has no code"]


@pytest.mark.parametrize("file", DOCS, ids=lambda file: file.name)
def test_python_blocks_of_a_page_execute(file: Path, repository: Path) -> None:
    blocks = python_blocks(file.read_text("utf-8"))
    if blocks:
        run_blocks(blocks, repository)


def run_blocks(blocks: list[str], folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-800:]


def test_a_block_that_fails_is_caught(tmp_path: Path) -> None:
    blocks = python_blocks("a\n```python\n1 / 0\n```\n```toml\nb\n```\n```python\n>>> 1\n2\n```\n")
    assert blocks == ["1 / 0\n"]
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_blocks(blocks, tmp_path)
