"""Every changed byte of a corpus is found, and nothing else is."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from discourse.corpus.privacy import Key
from discourse.errors import BadInput
from discourse.store import checking
from discourse.store.checking import gc, verify
from discourse.store.forgetting import forget
from discourse.store.importing import import_posts
from discourse.store.manifest import latest
from discourse.store.reading import digest_of, read_corpus

pytestmark = pytest.mark.filterwarnings("ignore::discourse.errors.QuarantineWarning")
KEY = Key.made_up("verify")
FLIPS, CUTS = 50, 20  # of each kind of file
KINDS = ("posts", "quarantine", "tombstones", "manifest")


def tweet(number: int, text: str = "peace") -> str:
    fixed = {"author_id": str(number % 7 + 1), "created_at": "2025-05-07T10:00:00Z"}
    return json.dumps({"id": str(9000 + number), "text": f"{text} {number}", **fixed})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    for name in ("one", "two"):
        start = {"one": 0, "two": 500}[name]
        lines = [*(tweet(start + number) for number in range(500)), '{"half', "[1]"]
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
        import_posts(folder / f"{name}.jsonl", folder / "c", key=KEY)
    forget(folder / "c", posts=["x:1", "x:2"], key=KEY)
    return folder / "c"


@pytest.fixture
def corpus(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "c"))


def files_of(corpus: Path, kind: str) -> list[Path]:
    if kind == "manifest":
        return [corpus / "manifests" / f"{latest(corpus).generation:08}.json"]
    return [corpus / "data" / part.name for part in latest(corpus).of(kind)]


def flipped(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :]


def cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def refused(work: Callable[[], object]) -> bool:
    try:
        work()
    except BadInput as error:
        return "damaged" in str(error)
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit_and_every_cut_is_found_and_refused(corpus: Path, kind: str) -> None:
    dice = random.Random(f"verify {kind}")
    assert verify(corpus).problems == ()
    sound = digest_of(corpus)
    missed = []
    for number in range(FLIPS + CUTS):
        path = dice.choice(files_of(corpus, kind))
        plain = path.read_bytes()
        path.write_bytes((flipped if number < FLIPS else cut)(plain, dice))
        found = [one.file for one in verify(corpus, deep=number % 2 == 0).problems]
        whole = all(refused(work) for work in (lambda: read_corpus(corpus), lambda: digest_of(corpus)))
        path.write_bytes(plain)
        if path.name not in found or not whole:
            missed.append((number, path.name, found, whole))
    assert missed == []
    assert digest_of(corpus) == sound
    assert verify(corpus).problems == ()


@pytest.mark.parametrize("kind", ["posts", "quarantine", "tombstones"])
def test_without_the_check_of_hashes_no_other_error_comes_out(corpus: Path, kind: str) -> None:
    dice = random.Random(f"unchecked {kind}")
    path = files_of(corpus, kind)[0]
    plain = path.read_bytes()
    for _ in range(FLIPS):
        path.write_bytes(flipped(plain, dice))
        rows = -1
        with suppress(BadInput):
            rows = len(read_corpus(corpus, check=False))
        assert rows <= 1000


def test_work_on_a_damaged_part_changes_nothing(corpus: Path) -> None:
    """A part that were read short and written anew would lose its rows for good."""
    for kind, posts in {"posts": "x:9001", "quarantine": "x:half"}.items():
        path = files_of(corpus, kind)[0]
        plain = path.read_bytes()
        path.write_bytes(flipped(plain, random.Random(kind)))
        generation = latest(corpus).generation
        with pytest.raises(BadInput, match=r" of the corpus is damaged or gone; type discourse verify"):
            forget(corpus, posts=[posts], key=KEY)
        assert latest(corpus).generation == generation
        path.write_bytes(plain)
        assert verify(corpus).problems == ()


@pytest.mark.parametrize("kind", ["posts", "quarantine", "tombstones"])
def test_a_file_that_is_gone_is_named(corpus: Path, kind: str) -> None:
    path = files_of(corpus, kind)[0]
    path.unlink()
    (problem,) = verify(corpus).problems
    assert (problem.file, problem.what) == (path.name, "is gone")
    assert "copy" in problem.todo
    with pytest.raises(BadInput):
        read_corpus(corpus)


def test_a_manifest_that_is_gone_between_others_is_named(corpus: Path, tmp_path: Path) -> None:
    for number in (2000, 2001):
        (tmp_path / "more.jsonl").write_text(tweet(number))
        import_posts(tmp_path / "more.jsonl", corpus, key=KEY)
    manifests = sorted((corpus / "manifests").iterdir())
    assert len(manifests) == 3
    manifests[1].unlink()
    assert [one.what for one in verify(corpus).problems] == ["has gaps in its numbers"]
    shutil.copy(manifests[0], manifests[1])
    assert [one.what for one in verify(corpus).problems] == ["holds generation 3"]


@pytest.mark.parametrize("extra", ["data/more.parquet", "data/folder/more.parquet", "data/.hidden"])
def test_a_file_that_is_no_part_is_listed_cleared_and_never_read(corpus: Path, extra: str) -> None:
    before = digest_of(corpus)
    (corpus / extra).parent.mkdir(exist_ok=True)
    shutil.copy(files_of(corpus, "posts")[0], corpus / extra)
    found = verify(corpus)
    assert found.problems == ()
    assert found.leftovers == ("/".join(extra.split("/")[:2]),)
    assert (digest_of(corpus), len(read_corpus(corpus))) == (before, 1000)
    cleared = gc(corpus)
    assert extra in cleared.removed
    assert verify(corpus).leftovers == ()
    assert digest_of(corpus) == before


class Interrupted(Exception):
    pass


def interrupted(corpus: Path, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verify that ends after some parts, noting each."""
    plain, count = checking._part_problem, [0]

    def one(*given: object) -> object:
        count[0] += 1
        if count[0] > after:
            raise Interrupted
        return plain(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(checking, "_EVERY", 1)
        patch.setattr(checking, "_part_problem", one)
        with pytest.raises(Interrupted):
            verify(corpus)
    assert (corpus / "verify.json").exists()


def test_an_interrupted_verify_goes_on_and_misses_nothing(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = latest(corpus).parts
    interrupted(corpus, 2, monkeypatch)
    asked = []
    plain = checking._part_problem
    with monkeypatch.context() as patch:
        patch.setattr(checking, "_part_problem", lambda *given: (asked.append(given[1].name), plain(*given))[1])
        assert verify(corpus).problems == ()
    assert asked == [part.name for part in parts[2:]]
    assert not (corpus / "verify.json").exists()


@pytest.mark.parametrize("number", range(5))
def test_what_was_not_checked_before_or_was_touched_since_is_checked(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    parts = latest(corpus).parts
    interrupted(corpus, 2, monkeypatch)
    path = corpus / "data" / parts[number].name
    path.write_bytes(flipped(path.read_bytes(), random.Random(number)))
    os.utime(path, ns=(1, 1))
    assert [one.file for one in verify(corpus).problems] == [path.name]


def test_a_note_of_long_ago_is_not_trusted(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(corpus, 4, monkeypatch)
    path = corpus / "data" / latest(corpus).parts[0].name
    then = path.stat()
    path.write_bytes(flipped(path.read_bytes(), random.Random(1)))
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))  # a disk that forgets does not say when
    long_ago = time.time() - 30 * 24 * 3600
    os.utime(corpus / "verify.json", (long_ago, long_ago))
    assert [one.file for one in verify(corpus).problems] == [path.name]


@pytest.mark.parametrize("note", ["{", "[]", "null", "[" * 100_000, "stale"])
def test_a_note_that_is_wrong_is_not_trusted(corpus: Path, note: str) -> None:
    part = latest(corpus).parts[0]
    path = corpus / "data" / part.name
    path.write_bytes(flipped(path.read_bytes(), random.Random(2)))
    stale = {one.name: one.sha256[::-1] for one in latest(corpus).parts} | {"other.parquet": part.sha256}
    (corpus / "verify.json").write_text(json.dumps(stale) if note == "stale" else note)
    assert [one.file for one in verify(corpus).problems] == [path.name]


def test_a_quick_look_is_no_deep_one(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(checking, "_inside", lambda path, part: asked.append(part.name))
    interrupted_quick = {part.name: checking._mark(corpus, part, deep=False) for part in latest(corpus).parts}
    (corpus / "verify.json").write_text(json.dumps(interrupted_quick))
    verify(corpus)
    assert len(asked) == len(latest(corpus).parts)


def test_what_another_writer_commits_while_gc_looks_is_not_cleared_away(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that has written its parts when gc lists them, and commits and ends before gc asks who is at work."""
    (tmp_path / "late.jsonl").write_text(tweet(2000))
    import_posts(tmp_path / "late.jsonl", corpus, key=KEY)
    manifest = corpus / "manifests" / f"{latest(corpus).generation:08}.json"
    manifest.rename(tmp_path / "not yet")
    assert len(read_corpus(corpus)) == 1000
    plain = checking.writers

    def commits_first(place: Path) -> list[Path]:
        shutil.copy(tmp_path / "not yet", manifest)
        return plain(place)

    monkeypatch.setattr(checking, "writers", commits_first)
    gc(corpus)
    assert verify(corpus).problems == ()
    assert len(read_corpus(corpus)) == 1001
