"""Damaged and hostile files, each with the right answer beside it; the tool that writes them lies elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from discourse.corpus.privacy import Key
from discourse.store.importing import import_posts
from discourse.store.reading import digest_of, read_corpus

TOOL = Path(__file__).resolve().parents[2] / "shared/tools/make_bad_inputs.py"
KEY = Key.made_up("bad inputs")
pytestmark = [
    pytest.mark.skipif(not TOOL.is_file(), reason="needs ../shared/tools/make_bad_inputs.py, which is not here"),
    pytest.mark.skipif(sys.platform == "win32", reason="limits of memory need POSIX"),
]
# Mentions are stored as pseudonyms, and X's three escapes are undone: such a text does not come back as it was.
_CHANGED = ("@", "&")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    subprocess.run([sys.executable, str(TOOL), str(folder), "--big"], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def manifest(made: Path) -> dict[str, Any]:
    return dict(json.loads((made / "manifest.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def found(made: Path, manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What became of each file; those that try to exhaust the machine in a process of their own."""
    cases = manifest["cases"]
    heavy = [one["file"] for one in cases if any(word in one["file"] for word in ("deep_", "bomb", "200mb", "300k"))]
    light = [one["file"] for one in cases if one["file"] not in heavy]
    told: dict[str, dict[str, Any]] = {}
    script = Path(__file__).with_name("importing_all.py")
    for files in [light, *([one] for one in heavy)]:
        done = subprocess.run(
            [sys.executable, str(script), str(made / "corpus"), *(str(made / one) for one in files)],
            capture_output=True, text=True, check=False, env={**os.environ, "POLARS_MAX_THREADS": "2"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-1000:]
        told |= {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}
    return {one["file"]: told[str(made / one["file"])] for one in cases}


def wrong(case: dict[str, Any], got: dict[str, Any]) -> str | None:
    """What is not as the case wants it; other answers that it allows are right too."""
    allowed = {case["outcome"], *(outcome for outcome, _ in case["any_of"])}
    outcome = "refuse" if got["refused"] else "quarantine" if got["quarantined"] else "accept"
    if outcome not in allowed:
        return f"{outcome} instead of {sorted(allowed)}"
    if outcome == "refuse":
        return "something was kept" if got["accepted"] or got["duplicates"] or got["stored"] else None
    if got["read"] != got["accepted"] + got["duplicates"] + len(got["quarantined"]):
        return "rows are missing"
    return wrong_rows(case, got) if outcome == case["outcome"] else None


def wrong_rows(case: dict[str, Any], got: dict[str, Any]) -> str | None:
    counts = (got["read"], got["accepted"], got["duplicates"])
    lines = [one["line"] for one in got["quarantined"]]
    if counts != (case["read"], case["accepted"], case["duplicates"]):
        return f"read, accepted, duplicates are {counts}"
    if lines != [one["line"] for one in case["quarantine"]]:
        return f"lines {lines} were set aside"
    stored = dict(zip(got["stored"]["ids"], got["stored"]["texts"], strict=True)) if got["stored"] else {}
    if {f"x:{one}" for one in case.get("live_ids", case["accepted_ids"])} != stored.keys():
        return "other posts are live"
    for native, text in case["texts"].items():
        unchanged = not any(sign in text for sign in _CHANGED)
        if f"x:{native}" in stored and unchanged and stored[f"x:{native}"] != text:
            return "a text was changed"
    return None


def test_every_file_that_must_be_handled_right_is(
    manifest: dict[str, Any], found: dict[str, dict[str, Any]], made: Path
) -> None:
    must = [case for case in manifest["cases"] if case["level"] == "must"]
    assert len(must) >= 183
    assert {case["file"]: said for case in must if (said := wrong(case, found[case["file"]]))} == {}
    should = [case for case in manifest["cases"] if case["level"] == "should"]
    assert len(should) >= 12
    missed = {case["file"]: said for case in should if (said := wrong(case, found[case["file"]]))}
    assert len(missed) <= 1, missed


def test_a_refusal_says_why_in_a_sentence_without_a_word_of_the_file(
    manifest: dict[str, Any], found: dict[str, dict[str, Any]]
) -> None:
    for case in manifest["cases"]:
        said = found[case["file"]]["refused"]
        if said:
            assert Path(case["file"]).name in said
            assert "سلام" not in said
            assert ";" in said, said  # what is wrong; what to do


def test_no_file_takes_more_memory_than_it_may(manifest: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    for case in manifest["cases"]:
        assert found[case["file"]]["mb"] < case["limits"]["max_rss_mb"], case["file"]


def test_nothing_is_made_beside_the_corpus(found: dict[str, dict[str, Any]]) -> None:
    assert {tuple(one["made"]) for one in found.values()} == {("data", "manifests", "staging")}


def test_the_sequences(manifest: dict[str, Any], made: Path, tmp_path: Path) -> None:
    assert len(manifest["sequences"]) == 5
    for number, sequence in enumerate(manifest["sequences"]):
        corpus = tmp_path / str(number)
        before = None
        for place, step in enumerate(sequence["steps"]):
            done = import_posts(made / step, corpus, key=KEY)
            (one,) = done.inputs
            said = sequence["name"]
            assert one.accepted == sequence["accepted"][place], said
            if "duplicates" in sequence:
                assert one.duplicates == sequence["duplicates"][place], said
            if "quarantined" in sequence:
                assert one.quarantined == sequence["quarantined"][place], said
            if done.refused:
                assert digest_of(corpus) == before, said
            before = digest_of(corpus)
        live = read_corpus(corpus).posts["post_id"].to_list()
        assert len(live) == sequence["live"], said
        assert not {f"x:{native}" for native in sequence.get("never_live", [])} & set(live)
