"""The ledger: a stage runs again exactly when something it depends on has changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from discourse.study import ledger as module
from discourse.study.ledger import Ledger, Stage, content_hash, source_hash


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    (tmp_path / "in.txt").write_text("in")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("a")
    (tmp_path / "out.txt").write_text("out")
    return Stage("made", (tmp_path / "in.txt", tmp_path / "folder"), (tmp_path / "out.txt",), {"seed": 1}, ("text",))


@pytest.fixture
def ledger(tmp_path: Path, stage: Stage) -> Ledger:
    made = Ledger(tmp_path / "ledger.json")
    assert not made.is_done(stage)
    made.record(stage)
    return made


def test_what_was_recorded_is_done_and_stays_so(ledger: Ledger, stage: Stage) -> None:
    assert ledger.is_done(stage)
    assert Ledger(ledger.path).is_done(stage)
    assert [file.name for file in ledger.path.parent.glob(".*")] == []


CHANGES: dict[str, Any] = {
    "content of an input": lambda stage: stage.inputs[0].write_text("other"),
    "a file of an input folder": lambda stage: (stage.inputs[1] / "a.txt").write_text("b"),
    "a file more in an input folder": lambda stage: (stage.inputs[1] / "b.txt").write_text("a"),
    "a name in an input folder": lambda stage: (stage.inputs[1] / "a.txt").rename(stage.inputs[1] / "b.txt"),
    "an output": lambda stage: stage.outputs[0].write_text("mended by hand"),
    "an output gone": lambda stage: stage.outputs[0].unlink(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_on_disk_runs_the_stage_again(ledger: Ledger, stage: Stage, what: str) -> None:
    CHANGES[what](stage)
    assert not ledger.is_done(stage)


def test_a_change_of_settings_or_rooms_or_name_runs_it_again(ledger: Ledger, stage: Stage) -> None:
    for other in (replace(stage, settings={"seed": 2}), replace(stage, settings={}), replace(stage, name="other"),
                  replace(stage, rooms=("corpus",)), replace(stage, inputs=stage.inputs[::-1])):  # fmt: skip
        assert not ledger.is_done(other)
    assert ledger.is_done(replace(stage, settings=dict(stage.settings)))


def test_an_input_under_another_name_runs_it_again(ledger: Ledger, stage: Stage) -> None:
    """Posts carry the name of their file, so the name is part of what a stage depends on."""
    renamed = stage.inputs[0].rename(stage.inputs[0].with_name("other.txt"))
    assert not ledger.is_done(replace(stage, inputs=(renamed, stage.inputs[1])))


def test_a_change_of_code_runs_exactly_the_stages_that_use_it(
    ledger: Ledger, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(stage, name="other", rooms=("corpus",))
    ledger.record(other)
    real = module.source_hash
    monkeypatch.setattr(module, "source_hash", lambda rooms: "changed" if "text" in rooms else real(rooms))
    assert not ledger.is_done(stage)
    assert ledger.is_done(other)


def test_every_stage_depends_on_the_ground_floor(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(module, "source_hash", lambda rooms: asked.append(rooms) or "")
    stage.fingerprint()
    assert asked == [("errors.py", "schema.py", "settings.py", "text")]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"made": 5}', b'{"made": {}}', b"\xff", b"null"])
def test_a_damaged_ledger_means_that_nothing_is_done(tmp_path: Path, stage: Stage, content: bytes) -> None:
    (tmp_path / "ledger.json").write_bytes(content)
    ledger = Ledger(tmp_path / "ledger.json")
    assert not ledger.is_done(stage)
    ledger.record(stage)
    assert Ledger(tmp_path / "ledger.json").is_done(stage)


def test_recording_keeps_what_others_did(ledger: Ledger, stage: Stage) -> None:
    again = Ledger(ledger.path)
    again.record(replace(stage, name="second"))
    assert set(json.loads(ledger.path.read_text())) == {"made", "second"}


def test_content_hash_is_sha256_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"made up")
    assert content_hash(tmp_path / "a") == hashlib.sha256(b"made up").hexdigest()


def test_a_folder_hash_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    for folder, order in (("one", "ab"), ("two", "ba")):
        (tmp_path / folder / "deep").mkdir(parents=True)
        for name in order:
            (tmp_path / folder / "deep" / name).write_text(name)
    assert content_hash(tmp_path / "one") == content_hash(tmp_path / "two")
    (tmp_path / "two" / "deep" / "a").rename(tmp_path / "two" / "a")
    assert content_hash(tmp_path / "one") != content_hash(tmp_path / "two")


def test_source_hash_sees_code_and_data_of_a_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "room").mkdir()
    monkeypatch.setattr(module, "files", lambda _: tmp_path)
    seen = set()
    for name in ("a.py", "words.toml", "page.j2", "a.json", "model.npz", "model.safetensors"):
        (tmp_path / "room" / name).write_text(name)
        source_hash.cache_clear()
        seen.add(source_hash(("room",)))
    assert len(seen) == 6
    (tmp_path / "room" / "a.pyc").write_text("compiled")
    (tmp_path / "other.py").write_text("another room")
    source_hash.cache_clear()
    assert source_hash(("room",)) in seen
    source_hash.cache_clear()
