"""Registering and promoting while processes are killed, or are many: a registry is sound at every moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from registering import FACTS, NAME, WHEN

from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import load_model, save_model
from discourse.registry.folder import register
from discourse.registry.promotion import promote

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills need signals and forks")
DRIVER = Path(__file__).with_name("registering.py")
TEXTS = ["defend our soil", "revenge now", "peace talks now", "we want dialogue", "rain", "امن چاہیے"]
VALUES = ["nationalist", "nationalist", "conciliatory", "conciliatory", "neither", "conciliatory"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twelve models, each in a file."""
    place = tmp_path_factory.mktemp("models")
    for number in range(12):
        model = FramingClassifier(seed=3, c=1.0 + number, least=1).fit(TEXTS, VALUES)
        save_model(model, place / f"{number}.safetensors")
    return [place / f"{number}.safetensors" for number in range(12)]


@pytest.fixture
def models(files: list[Path], tmp_path: Path) -> Path:
    """A registry with v1, current, and v2."""
    place = tmp_path / "models"
    for file in files[:2]:
        register(load_model(file), place, NAME, FACTS, created=WHEN)
    promote(place, NAME, "v1", None, at=WHEN)
    return place


def drive(folder: Path, *plans: dict[str, Any]) -> list[dict[str, Any]]:
    (folder / "plan.json").write_text(json.dumps(plans))
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(folder / "plan.json")], capture_output=True, text=True, check=False,
        env={**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("operation", ["register", "promote"])
def test_a_registry_is_sound_whatever_step_a_kill_falls_on(
    operation: str, models: Path, files: list[Path], tmp_path: Path
) -> None:
    given = str(files[4]) if operation == "register" else "v2"
    plan = {"kind": "steps", "operation": operation, "given": given, "base": str(models), "place": str(tmp_path / "at")}
    (found,) = drive(tmp_path, plan)
    before = {"register": ["v1", "v2"], "promote": ["v1"]}[operation]
    after = {"register": ["v1", "v2", "v3"], "promote": ["v1", "v2"]}[operation]
    counted = {"register": "versions", "promote": "decided"}[operation]
    seen = set()
    assert len(found["tried"]) >= {"register": 8, "promote": 5}[operation]
    for attempt in found["tried"]:
        assert attempt["code"] == -9, attempt
        then, last = attempt["then"], attempt["last"]
        assert then["faults"] == [], attempt
        assert then[counted] in (before, after), attempt
        assert len(then["leftovers"]) <= 1, attempt
        assert attempt["again"] == (6 if operation == "promote" and then[counted] == after else 0), attempt
        assert (last["faults"], last[counted]) == ([], after), attempt
        seen.add(len(then[counted]))
    assert seen == {len(before), len(after)}


@pytest.mark.parametrize("kills", [0, 5])
def test_processes_that_register_at_once_lose_and_double_nothing(kills: int, files: list[Path], tmp_path: Path) -> None:
    place = tmp_path / "models"
    (place / NAME).mkdir(parents=True)
    shares = [[str(one) for one in files[start : start + 6]] for start in (0, 3, 6)]  # three are two writers' each
    work = {"kind": "writers", "operation": "register", "given": shares, "place": str(place), "kills": kills, "seed": 7}
    (found,) = drive(tmp_path, work)
    assert found["codes"] == [0, 0, 0]
    assert found["kills"] == kills
    last = found["last"]
    assert last["faults"] == []
    assert last["versions"] == [f"v{number}" for number in range(1, 13)]
    assert sorted(last["models"]) == sorted(load_model(one).model_id for one in files)


def test_of_processes_that_promote_at_once_one_is_first_and_the_others_are_told(
    models: Path, files: list[Path], tmp_path: Path
) -> None:
    for file in files[2:5]:
        register(load_model(file), models, NAME, FACTS)
    given = [["v2"], ["v3"], ["v4"], ["v5"]]
    work = {"kind": "writers", "operation": "promote", "given": given, "place": str(models), "kills": 0, "seed": 7}
    (found,) = drive(tmp_path, work)
    assert set(found["codes"]) <= {0, 6}
    decided = found["last"]["decided"]
    assert decided[0] == "v1"
    assert len(decided) == 1 + found["codes"].count(0) >= 2
    assert len(set(decided)) == len(decided)
    assert found["last"]["faults"] == []
