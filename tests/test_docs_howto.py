"""What the how-to pages tell to type runs, all of it, in a copy of the repository with a small demonstration."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from discourse.simulate.demo import Demo, write_demo

ROOT = Path(__file__).resolve().parents[1]
HOW_TO = sorted((ROOT / "docs" / "howto").glob("*.md"))
SMALL = Demo(posts=600, authors=100, gold_a_week=6, gold_unknown=4, training=120)


@dataclass(frozen=True)
class Block:
    """One block of a how-to page: a file that it shows, commands or Python."""

    kind: str
    text: str
    says: str  # a path for a file, the reason why commands are not run


def blocks(markdown: str) -> list[Block]:
    """Blocks in order. A comment before one names the file that it is, or says why it is not run."""
    found = []
    pattern = r"(?:^<!-- (file|not run): (.+?) -->\n)?^```(\w+)\n(.*?)^```"
    for mark, says, kind, text in re.findall(pattern, markdown, re.MULTILINE | re.DOTALL):
        if mark == "file":
            found.append(Block("file", text, says))
        elif kind in {"bash", "python"}:
            found.append(Block("left" if mark else kind, text, says))
    return found


RUNNER = """
import contextlib, io, json, shlex, sys, traceback, warnings
from pathlib import Path
from discourse.cli import main

def typed(line):
    words = shlex.split(line, comments=True)
    assert words[0] == "discourse", line
    sys.argv = words
    try:
        main()
    except SystemExit as stop:
        assert not stop.code, f"{line}: exit code {stop.code}"

def page(blocks):
    names = {}
    for kind, text, says in blocks:
        if kind == "file":
            Path(says).write_text(text, "utf-8")
        elif kind == "python":
            exec(text, names)
        elif kind == "bash":
            for line in text.splitlines():
                typed(line)

warnings.simplefilter("ignore")
failed = {}
for name, blocks in json.load(sys.stdin).items():
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            page(blocks)
    except BaseException:
        failed[name] = said.getvalue()[-800:] + traceback.format_exc()[-800:]
print(json.dumps(failed))
"""


def run_pages(pages: dict[str, list[Block]], folder: Path) -> dict[str, str]:
    """What failed, by page: all blocks of all pages, one after another, in one process of its own."""
    given = {name: [(one.kind, one.text, one.says) for one in found] for name, found in pages.items()}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER], input=json.dumps(given), cwd=folder, capture_output=True, text=True,
        env={**os.environ, "MPLBACKEND": "Agg"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    made: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return made


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The how-to pages, typed in a copy of the repository whose demonstration is small."""
    place = tmp_path_factory.mktemp("howto")
    shutil.copytree(ROOT / "corpora", place / "corpora")
    write_demo(place / "corpora" / "demo", seed=7, demo=SMALL)
    study = place / "corpora" / "demo" / "study.toml"
    text = study.read_text("utf-8")
    smaller = {"replicates = 400": "replicates = 20", "shuffles = 200": "shuffles = 4",
               "folds = 5\ncurve = true": "folds = 2",
               'every = "1w"': 'every = "1mo"',
               "before = 56": 'before = 56\nplacebo = false\nsmooth = false\nchange_points = false\nbots = [0.1]\n'
                              'events = ["2024-12-24-barmal"]'}  # fmt: skip
    for old, new in smaller.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    study.write_text(text, "utf-8")
    return run_pages({page.name: blocks(page.read_text("utf-8")) for page in HOW_TO}, place)


@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.name)
def test_what_a_page_tells_to_type_runs(page: Path, ran: dict[str, str]) -> None:
    assert page.name not in ran, ran[page.name]


def test_most_of_what_the_pages_tell_to_type_is_run() -> None:
    every = [one for page in HOW_TO for one in blocks(page.read_text("utf-8"))]
    commands = [line for one in every if one.kind == "bash" for line in one.text.splitlines()]
    assert len(commands) >= 25
    assert len({line.split()[1] for line in commands}) >= 15
    left = [one for one in every if one.kind == "left"]
    assert len(left) <= 7
    assert all(len(one.says) > 30 for one in left)
    fences = sum(page.read_text("utf-8").count("\n```bash\n") for page in HOW_TO)
    assert fences == sum(one.kind in {"bash", "left"} and "python3" not in one.says for one in every)


def test_a_page_that_fails_is_caught(tmp_path: Path) -> None:
    text = "```bash\ndiscourse plan --share 0.2 --width 0.1  # well\n{}\n```\n"
    pages = {
        "good": blocks(text.format("discourse plan --share 0.3 --width 0.1")),
        "refused": blocks(text.format("discourse plan --share 2 --width 0.1")),
        "missing": blocks(text.format("discourse train no-such.toml")),
        "python": blocks("```python\nassert 1 == 2\n```\n"),
        "other": blocks(text.format("rm -r corpora")),
        "left": blocks("<!-- not run: because it is an example -->\n```bash\nrm -r corpora\n```\n"),
    }
    assert sorted(run_pages(pages, tmp_path)) == ["missing", "other", "python", "refused"]
