"""The small study after a full run, made once for all processes of a test run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import ROOT, TinyDemo

_PATIENCE = 300.0


def study_that_ran(tiny: TinyDemo, factory: pytest.TempPathFactory) -> Path:
    """The folder in which `discourse run demo/study.toml --json` was typed: out/demo, figures/demo, and said.json.

    The first process that asks makes it, others wait for it. It is not to be changed: copy it.
    """
    base = factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "ready-study"
    said = place / "said.json"
    try:
        place.mkdir()
    except FileExistsError:
        end = time.monotonic() + _PATIENCE
        while not said.exists() and time.monotonic() < end:
            time.sleep(0.2)
        return place
    lay_out(tiny, place)
    code = "from discourse.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "demo/study.toml", "--json"], cwd=place, capture_output=True, text=True,
        check=False, env={**os.environ, "MPLBACKEND": "Agg"}, timeout=_PATIENCE,
    )  # fmt: skip
    aside = place / "aside.json"
    aside.write_text(json.dumps({"code": done.returncode, "out": done.stdout, "err": done.stderr}), "utf-8")
    os.replace(aside, said)
    return place


def lay_out(tiny: TinyDemo, place: Path) -> Path:
    """The files of the demonstration study around the small corpus, by month and with few replicates."""
    shutil.copytree(tiny.folder, place / "demo")
    for name in ("codebook.toml", "events.csv"):
        shutil.copy(ROOT / "corpora" / name, place / name)
    text = (ROOT / "corpora/demo/study.toml").read_text("utf-8")
    for old, new in (('every = "1w"', 'every = "1mo"'), ("replicates = 400", "replicates = 20"),
                     ("shuffles = 200", "shuffles = 5"), ("folds = 5", "folds = 2"), ("curve = true", "curve = false"),
                     ('gold_within = "window"', 'gold_within = "all"')):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (place / "demo/study.toml").write_text(text, "utf-8")
    return place / "demo/study.toml"
