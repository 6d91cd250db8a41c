from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from crashing import KEY

from discourse.store.checking import gc, verify
from discourse.store.forgetting import forget
from discourse.store.importing import import_posts
from discourse.store.joining import join_parts
from discourse.store.manifest import latest
from discourse.store.reading import digest_of, read_corpus
from discourse.store.requeue import requeue

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="kills need signals and forks"),
    pytest.mark.filterwarnings("ignore::discourse.errors.QuarantineWarning"),
]
DRIVER = Path(__file__).with_name("crashing.py")


def tweet(number: int, text: str = "peace", **more: object) -> str:
    fixed = {"author_id": str(number % 7 + 1), "created_at": "2025-05-07T10:00:00Z"}
    return json.dumps({"id": str(9000 + number), "text": f"{text} {number}", **fixed, **more})


def written(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def drive(folder: Path, *plans: dict[str, Any]) -> list[dict[str, Any]]:
    (folder / "plan.json").write_text(json.dumps(plans))
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(folder / "plan.json")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files; a corpus with the first and something set aside that a reader of today can read."""
    folder = tmp_path_factory.mktemp("crash")
    written(folder / "one.jsonl", *(tweet(number) for number in range(30)), '{"id"')
    notice = json.dumps({"delete": {"status": {"id": "9003", "id_str": "9003", "user_id_str": "4"}}})
    written(folder / "two.jsonl", *(tweet(number) for number in range(20, 60)), notice, '{"half')
    import_posts(folder / "one.jsonl", folder / "base", key=KEY)
    (folder / "base/data/left.parquet").write_bytes(b"left by a crash")
    (folder / "base/staging/crashed").mkdir()
    (folder / "base/staging/crashed/half.tmp").write_bytes(b"half")
    return folder


def plan(made: Path, operation: str, given: list[str], **more: Any) -> dict[str, Any]:
    base = {"operation": operation, "given": given, "base": str(made / "base"), "place": str(made / f"at-{operation}")}
    return {**base, "kind": "kill", **more}


def uninterrupted(made: Path, operation: str, given: list[str], base: bool = True) -> str:
    corpus = made / "whole"
    shutil.rmtree(corpus, ignore_errors=True)
    if base:
        shutil.copytree(made / "base", corpus)
    work: dict[str, Any] = {
        "import": lambda: import_posts(given, corpus, key=KEY),
        "forget": lambda: forget(corpus, posts=given, key=KEY),
        "requeue": lambda: requeue(corpus, key=KEY),
        "gc": lambda: gc(corpus),
    }
    work[operation]()
    return digest_of(corpus)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (one, kind)
        for kind in ("kill", "full")
        for one in ("new", "import", "forget", "gc")
        if (one, kind) != ("gc", "full")
    ],
)
def test_whatever_step_fails_the_corpus_is_sound_and_the_same_again_ends_the_same(
    made: Path, operation: str, kind: str, tmp_path: Path
) -> None:
    given = {"new": [str(made / "one.jsonl")], "import": [str(made / "two.jsonl")], "forget": ["x:9005"], "gc": []}
    name = "import" if operation == "new" else operation
    base = operation != "new"
    before, after = digest_of(made / "base"), uninterrupted(made, name, given[operation], base=base)
    one = plan(made, name, given[operation], kind=kind, place=str(tmp_path / "corpus"))
    if not base:
        one["base"] = None
    (found,) = drive(tmp_path, one)
    tried = found["tried"]
    assert len(tried) >= {"new": 10, "import": 15, "forget": 10, "gc": 1}[operation]
    for attempt in tried:
        code, then, last = attempt["code"], attempt["then"], attempt["last"]
        assert code == (-9 if kind == "kill" else 4), attempt
        if then is not None:
            assert then["problems"] == [], attempt
            assert then["digest"] in {before, after}, attempt
        assert last["problems"] == [], attempt
        assert last["digest"] == after, attempt
        assert last["leftovers"] == 0, attempt


@pytest.mark.parametrize("kind", ["kill", "full"])
def test_parts_that_are_joined_are_sound_whatever_step_fails(tmp_path: Path, kind: str) -> None:
    base = tmp_path / "base"
    for number in range(16):
        lines = [tweet(number), tweet(number + 1), *(["{"] if number == 3 else [])]
        import_posts(written(tmp_path / f"{number}.jsonl", *lines), base, key=KEY)
    digest, posts = digest_of(base), read_corpus(base).posts
    one = {"operation": "join", "given": [], "base": str(base), "place": str(tmp_path / "at"), "kind": kind}
    (found,) = drive(tmp_path, one)
    assert len(found["tried"]) >= 8
    for attempt in found["tried"]:
        for state in (attempt["then"], attempt["last"]):
            assert (state["digest"], state["problems"], state["rows"]) == (digest, [], 17), attempt
        assert attempt["last"]["leftovers"] == 0
    assert join_parts(base) == 16
    assert [part.kind for part in latest(base).parts] == ["posts", "quarantine"]
    assert (digest_of(base), verify(base).problems, join_parts(base)) == (digest, (), 0)
    assert read_corpus(base).posts.equals(posts)


def test_kills_at_random_times(made: Path, tmp_path: Path) -> None:
    one = plan(made, "import", [str(made / "two.jsonl")], kind="random", kills=60, seed=7, place=str(tmp_path / "c"))
    (found,) = drive(tmp_path, one)
    assert found["killed"] > 20
    assert found["wrong"] == 0
    assert found["last"]["digest"] == uninterrupted(made, "import", [str(made / "two.jsonl")])


@pytest.mark.parametrize("kills", [0, 6])
def test_four_writers_at_once_lose_and_double_nothing(tmp_path: Path, kills: int) -> None:
    shares: list[list[str]] = []
    for writer in range(4):
        files = []
        for number in range(8):
            start = 100 * number + 50 * (writer % 2)  # half of the rows are another writer's too
            name = tmp_path / f"{writer}-{number}.jsonl"
            files.append(written(name, *(tweet(one) for one in range(start, start + 100))))
        shares.append(files)
    work = {"kind": "writers", "given": shares, "place": str(tmp_path / "c"), "kills": kills, "seed": kills}
    (found,) = drive(tmp_path, work)
    assert found["failed"] == 0
    assert found["kills"] >= min(kills, 1)
    import_posts([file for files in shares for file in files], tmp_path / "alone", key=KEY)
    assert found["last"]["problems"] == []
    assert found["last"]["rows"] == 850
    assert found["last"]["digest"] == digest_of(tmp_path / "alone")


def test_the_driver_does_harm(made: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "corpus"
    shutil.copytree(made / "base", damaged)
    (damaged / "data" / latest(damaged).parts[0].name).unlink()
    assert [one.what for one in verify(damaged).problems] == ["is gone"]
    assert len(read_corpus(made / "base")) == 30
