"""A real cluster of two worker processes, one of which is killed in the middle."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import TinyDemo
from discourse.corpus.privacy import Key
from discourse.corpus.sides import Sides
from discourse.engine.backend import Engine
from discourse.engine.scoring import score_corpus
from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import save_model
from discourse.store.importing import import_posts

WORK = Path(__file__).with_name("cluster_work.py")


def digest(folder: Path) -> dict[str, str]:
    """Every file of a folder by its name, with the hash of its bytes."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def plan(tiny: TinyDemo, tiny_model: FramingClassifier, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("cluster")
    import_posts(tiny.folder / "posts.jsonl.zst", place / "corpus", key=tiny.key)
    save_model(tiny_model, place / "model.safetensors")
    return {"corpus": str(place / "corpus"), "sides": str(tiny.folder / "sides.toml"), "posts_each": 50,
            "model": str(place / "model.safetensors")}  # fmt: skip


def in_this_process(plan: dict[str, Any], to: Path) -> dict[str, str]:
    """The files of the scores that one thread makes."""
    sides, key = Sides.from_toml(plan["sides"]), Key.made_up("tiny")
    score_corpus(plan["corpus"], to, sides=sides, model=plan["model"], engine=Engine("serial"), key=key,
                 posts_each=plan["posts_each"])  # fmt: skip
    return digest(to)


def run(what: str, plan: dict[str, Any], to: Path) -> subprocess.CompletedProcess[str]:
    file = to.with_suffix(".json")
    file.write_text(json.dumps({**plan, "to": str(to)}))
    return subprocess.run([sys.executable, WORK, what, file], capture_output=True, text=True, check=False, timeout=120)


def test_two_workers_one_of_them_killed_give_the_bytes_of_one_thread(plan: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    want = in_this_process(plan, tmp_path / "serial")
    ran = run("cluster", plan, tmp_path / "dask")
    assert ran.returncode == 0, ran.stderr[-2000:]
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["processes"] == 2
    assert said["killed"]
    assert said["parts"] == said["worked"] > 8
    assert digest(tmp_path / "dask") == want
    assert said["order"] == [abs(n) for n in range(-9, 9)]
    assert said["refused"] == "three is refused"


def test_a_run_that_is_killed_goes_on_with_what_is_missing(plan: dict[str, Any], tmp_path: Path) -> None:
    want = in_this_process(plan, tmp_path / "serial")
    to = tmp_path / "killed"
    assert run("killed", plan, to).returncode == -9
    assert not (to / "scores.json").exists()
    finished = {path.name: path.stat().st_mtime_ns for path in (to / "done").glob("0*.json")}
    assert 3 <= len(finished) < len(list((tmp_path / "serial/done").iterdir()))
    sides, key = Sides.from_toml(plan["sides"]), Key.made_up("tiny")
    done = score_corpus(plan["corpus"], to, sides=sides, model=plan["model"], engine=Engine("serial"), key=key,
                        posts_each=plan["posts_each"])  # fmt: skip
    assert (done.found, done.worked) == (len(finished), len(done.scores.parts) - len(finished))
    assert finished.items() <= {path.name: path.stat().st_mtime_ns for path in (to / "done").iterdir()}.items()
    assert digest(to) == want
