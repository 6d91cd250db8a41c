from __future__ import annotations

import getpass
import hashlib
import json
import socket
from datetime import date
from pathlib import Path, PureWindowsPath

import pytest

import discourse
from discourse.errors import MissingData, UsageError
from discourse.measure.timeline import Plan
from discourse.report.manifest import manifest, source_hash, write_manifest


def record(folder: Path, **parameters):
    folder.mkdir(exist_ok=True)
    (folder / "posts.jsonl").write_bytes(b"peace\n")
    (folder / "a.svg").write_bytes(b"<svg/>")
    return manifest(
        {"posts": folder / "posts.jsonl"}, {"figure": folder / "a.svg"},
        parameters=parameters, model="m-1", seed=7, code="abc",
    )  # fmt: skip


def test_files_are_known_by_name_size_and_hash(tmp_path):
    made = record(tmp_path)
    assert made["inputs"] == {
        "posts": {"bytes": 6, "name": "posts.jsonl", "sha256": hashlib.sha256(b"peace\n").hexdigest()}
    }
    assert made["outputs"]["figure"]["sha256"] == hashlib.sha256(b"<svg/>").hexdigest()
    assert (made["seed"], made["model"], made["code"]) == (7, "m-1", "abc")


def test_two_runs_in_two_places_give_the_same_bytes(tmp_path):
    texts = []
    for name in ("one", "two"):
        made = record(tmp_path / name, plan=Plan(), data=tmp_path / name / "posts", root=str(tmp_path / name / "x.csv"))
        texts.append(write_manifest(tmp_path / f"{name}.json", made).read_bytes())
    assert texts[0] == texts[1]


def test_nothing_of_the_machine_is_in_it(tmp_path):
    text = json.dumps(record(tmp_path, where=tmp_path / "x", win=PureWindowsPath(r"C:\Users\someone\p.csv"),
                             posix="/home/someone/q.csv", dos=r"C:\Users\someone\r.csv"))  # fmt: skip
    for secret in (str(tmp_path), socket.gethostname(), f"/{getpass.getuser()}", "someone"):
        assert secret not in text
    for name in ("p.csv", "q.csv", "r.csv"):
        assert name in text


def test_versions_of_everything_that_moves_a_number(tmp_path):
    made = record(tmp_path)
    assert set(made["versions"]) == {
        "numpy", "scipy", "scikit-learn", "polars", "pyarrow", "matplotlib", "seaborn", "nltk", "vaderSentiment",
    }  # fmt: skip
    assert all(version[0].isdigit() for version in made["versions"].values())
    assert made["package"]["version"] == "0.1.0"


def test_the_source_hash_sees_every_file_of_the_package(monkeypatch, tmp_path):
    package = tmp_path / "discourse"
    (package / "report").mkdir(parents=True)
    (package / "report" / "manifest.py").write_text("x = 1")
    monkeypatch.setattr("discourse.report.manifest.__file__", str(package / "report" / "manifest.py"))
    hashes = [source_hash()]
    (package / "report" / "report.html.j2").write_text("page")
    hashes.append(source_hash())
    (package / "report" / "manifest.py").write_text("x = 2")
    hashes.append(source_hash())
    (package / "report" / "manifest.py").rename(package / "report" / "other.py")
    hashes.append(source_hash())
    assert len(set(hashes)) == 4
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert source_hash() == hashes[-1]
    assert discourse.__file__


def test_keys_are_sorted_and_values_survive(tmp_path):
    made = record(tmp_path, zeta=0.1, alpha=(date(2025, 1, 1), None, True), names={"b", "a"})
    text = write_manifest(tmp_path / "m.json", made).read_text(encoding="utf-8")
    assert list(json.loads(text)) == sorted(made)
    assert json.loads(text)["parameters"] == {"zeta": 0.1, "alpha": ["2025-01-01", None, True], "names": ["a", "b"]}


def test_what_is_not_there_or_has_no_word_is_said(tmp_path):
    with pytest.raises(MissingData, match=r"'gone\.csv' \(labels\)") as caught:
        manifest({"labels": tmp_path / "gone.csv"}, {}, parameters={}, model="", seed=1, code="")
    assert str(tmp_path) not in str(caught.value)
    for value in (float("nan"), float("inf"), object(), b"x"):
        with pytest.raises(UsageError, match=r"parameter 'odd\.one'"):
            record(tmp_path, odd={"one": value})
