"""Documentation that does not run is wrong: the Python of its pages is executed (notebooks: `test_notebooks`)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])


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


def test_there_are_pages() -> None:
    assert len(DOCS) > 1


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
