"""The commands for registered models on a small made-up study; what changes something is a process of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from conftest import ROOT, TinyDemo
from discourse.cli import main
from discourse.registry.folder import history
from discourse.registry.loading import load_registered
from discourse.schema import FRAMES

NAME = "framing"


def typed(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    code = "from discourse.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, "MPLBACKEND": "Agg"}, timeout=300,
    )  # fmt: skip


def called(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same within this process."""
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(cwd)
    code: Any = 0
    try:
        with (
            warnings.catch_warnings(),
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "argv", ["discourse", *map(str, words)])
            patch.setattr(warnings, "showwarning", warnings.showwarning)
            main()
    except SystemExit as stop:
        code = stop.code
    finally:
        os.chdir(before)
    return subprocess.CompletedProcess([], code, out.getvalue(), err.getvalue())


def told(*words: object, cwd: Path, code: int = 0, alone: bool = False) -> Any:
    """What a command prints as JSON, in a process of its own if `alone`."""
    done = (typed if alone else called)(*words, "--json", cwd=cwd)
    assert done.returncode == code, done.stderr[-800:]
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def study(tiny: TinyDemo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose labels file has a third of its training labels yet."""
    place = tmp_path_factory.mktemp("registry")
    shutil.copytree(tiny.folder, place / "demo")
    shutil.copy(ROOT / "corpora/codebook.toml", place / "codebook.toml")
    shutil.copy(ROOT / "corpora/events.csv", place / "events.csv")
    text = (ROOT / "corpora/demo/study.toml").read_text("utf-8")
    assert "folds = 5" in text
    (place / "demo/study.toml").write_text(text.replace("folds = 5", "folds = 2"), "utf-8")
    return place


def labels(study: Path, part: int) -> None:
    """Every training label, or one in `part`; the gold is always whole."""
    whole = study / "labels.whole.csv"
    if not whole.exists():
        shutil.copy(study / "demo/labels.csv", whole)
    table = pl.read_csv(whole, infer_schema_length=0)
    posts = table.filter(role="training")["post_id"].unique().sort().gather_every(part)
    table.filter((pl.col("role") != "training") | pl.col("post_id").is_in(posts.implode())).write_csv(
        study / "demo/labels.csv"
    )


@pytest.fixture(scope="module")
def first(study: Path) -> Any:
    """What train --register says."""
    labels(study, 3)
    return told("train", "demo/study.toml", "--register", NAME, cwd=study, alone=True)


@pytest.fixture(scope="module")
def second(first: Any, study: Path) -> Any:
    """What retrain says when the labels have become more."""
    labels(study, 1)
    return told("retrain", "demo/study.toml", "--name", NAME, cwd=study, alone=True)


def test_training_registers_the_first_version_and_makes_it_current(first: Any, study: Path) -> None:
    assert (first["name"], first["version"], first["new"]) == (NAME, "v1", True)
    assert first["ran"][-2:] == ["train", "judge"]
    assert history(study / "models", NAME)[0].decision == "first"
    assert load_registered(study / "models", NAME, "v1").model_id == first["model"]


def test_retraining_registers_a_candidate_and_says_what_to_do(second: Any, study: Path) -> None:
    assert (second["version"], second["new"]) == ("v2", True)
    assert second["verdict"] in ("promote", "keep")
    found = second["comparison"]
    assert found["margin"] == 0.02
    assert found["posts"] >= 30
    assert len(second["reasons"]) >= 1
    listed = told("models", "list", cwd=study)["models"]
    assert [(one["version"], one["current"]) for one in listed] == [("v1", True), ("v2", False)]
    assert all(0.2 < one["macro_f1"] <= 1.0 for one in listed)


def test_retraining_on_the_same_labels_adds_nothing(second: Any, study: Path) -> None:
    again = told("retrain", "demo/study.toml", "--name", NAME, cwd=study)
    assert (again["version"], again["new"]) == ("v2", False)
    assert again["comparison"] == second["comparison"]


def test_comparing_says_the_same_and_changes_nothing(second: Any, study: Path) -> None:
    before = {str(one): one.read_bytes() for one in (study / "models").rglob("*") if one.is_file()}
    found = told("compare", "demo/study.toml", NAME, cwd=study)
    assert (found["incumbent"], found["candidate"]) == ("v1", "v2")
    assert found["comparison"] == second["comparison"]
    done = called("compare", "demo/study.toml", NAME, "--incumbent", "v2", "--candidate", "v1", cwd=study)
    assert done.returncode == 0
    assert done.stdout.startswith("framing: v1 in place of v2?\n")
    assert {str(one): one.read_bytes() for one in (study / "models").rglob("*") if one.is_file()} == before


@pytest.fixture(scope="module")
def third(second: Any, study: Path) -> tuple[int, Any]:
    """What promote says, with its exit code: as the comparison of retrain would have it."""
    code = {"promote": 0, "keep": 6}[second["verdict"]]
    return code, told("promote", "demo/study.toml", NAME, cwd=study, code=code, alone=True)


def test_a_promotion_is_what_the_comparison_allows(third: tuple[int, Any], second: Any, study: Path) -> None:
    code, found = third
    made = history(study / "models", NAME)
    if code:
        assert found["kind"] == "MeaningError"
        assert all(one in found["error"] for one in second["reasons"])
        assert len(made) == 1
    else:
        assert (found["decision"], found["version"], found["incumbent"]) == ("promoted", "v2", "v1")
        assert made[-1].version == "v2"


def test_an_override_needs_a_reason_and_leaves_an_overlap(third: tuple[int, Any], study: Path) -> None:
    now = history(study / "models", NAME)[-1].version
    other = {"v1": "v2", "v2": "v1"}[now]
    words = ("promote", "demo/study.toml", NAME, "--candidate", other, "--margin", "0")
    refused = typed(*words, cwd=study)
    assert refused.returncode == 6
    (sentence,) = [line for line in refused.stderr.splitlines() if line.startswith("discourse: ")]
    assert sentence.startswith(f"discourse: {other} of 'framing' does not replace {now}: ")
    assert sentence.endswith("an override needs a written reason (--reason), which the history keeps")
    assert history(study / "models", NAME)[-1].version == now
    made = told(*words, "--reason", "to try it", "--overlap-from", "2025-01-01", cwd=study)
    assert (made["decision"], made["reason"]) == ("override", "to try it")
    last = history(study / "models", NAME)[-1]
    assert (last.version, last.decision, last.reason) == (other, "override", "to try it")
    assert {one.frame for one in last.overlap} == set(FRAMES)
    file = study / made["overlap"]
    assert file.parent == study / "out/demo"
    shares = pl.read_csv(file)
    assert shares.filter(group="all")["incumbent"].sum() == pytest.approx(1.0)
    framings = pl.read_parquet(file.with_suffix(".parquet"))
    assert framings["model"].n_unique() == 2
    posts = pl.read_parquet(study / "out/demo/measured/posts.parquet").filter(
        pl.col("post_id").is_in(framings["post_id"].unique().implode())
    )
    assert posts["created_at"].min() >= pl.Series(["2025-01-01"]).str.to_datetime(time_zone="UTC").item()
    trained = pl.read_csv(study / "labels.whole.csv", infer_schema_length=0).filter(role="training")["post_id"]
    assert not set(trained) & set(framings["post_id"])


def test_a_card_is_shown_and_says_which_version_is_current(third: tuple[int, Any], study: Path) -> None:
    shown = called("models", "show", NAME, "v1", cwd=study)
    assert shown.returncode == 0
    parts = ("framing v1: ", "made-up posts: it knows nothing", "out of fold on 2 folds", "link (invariance): ",
             "v1 first: ")  # fmt: skip
    for part in parts:
        assert part in shown.stdout
    found = told("models", "show", NAME, cwd=study)
    assert found["current"] is True
    assert found["card"]["version"] == found["history"][-1]["version"]


def test_what_is_registered_names_no_author_and_no_post(third: tuple[int, Any], study: Path) -> None:
    posts = pl.read_parquet(study / "out/demo/measured/posts.parquet")
    ids = {one.partition(":")[2] for one in (*posts["author_id"], *posts["post_id"])}
    files = [one for one in (study / "models").rglob("*.json") if one.is_file()]
    assert len(files) >= 3
    for file in files:
        text = file.read_text("utf-8")
        assert not {one for one in ids if one in text}, file.name
        assert not {one for one in posts["text_norm"].drop_nulls() if len(one) > 12 and one in text}, file.name


def test_verify_ends_in_0_where_all_is_sound_and_in_4_where_not(third: tuple[int, Any], study: Path) -> None:
    found = told("models", "verify", cwd=study)
    assert (found["models"], found["versions"], found["faults"]) == (1, 2, [])
    shutil.copytree(study / "models", study / "broken")
    file = study / f"broken/{NAME}/v1/model.safetensors"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    found = told("models", "verify", "--models", "broken", cwd=study, code=4)
    assert found["faults"][0]["where"] == f"{NAME}/v1"
    assert "1 things are wrong" in called("models", "verify", "--models", "broken", cwd=study).stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("compare", "demo/study.toml", "none"), 3, "there is no model 'none' in models; register one with "),
        (("compare", "demo/study.toml", NAME, "--candidate", "v9"), 3, "'framing' has no version 'v9'; it has v1, v2"),
        (("models", "show", "none"), 3, "there is no model 'none'"),
        (("train", "demo/study.toml", "--register", "No Name"), 2, "the name of a model is 'No Name'"),
        (("retrain", "demo/study.toml"), 2, "Missing option '--name'."),
        (("promote", "demo/study.toml", NAME, "--margin", "2"), 2, "Invalid value for '--margin'"),
        (("compare", "none.toml", NAME), 3, "there is no study file 'none.toml'"),
    ],
)
def test_what_is_wrong_ends_in_its_code_and_one_sentence(
    words: tuple[str, ...], code: int, said: str, third: tuple[int, Any], study: Path
) -> None:
    found = told(*words, cwd=study, code=code)
    assert found["error"].startswith(said)
    assert found["exit_code"] == code


def test_an_empty_registry_is_empty(tmp_path: Path) -> None:
    assert told("models", "list", cwd=tmp_path) == {"models": []}
    assert called("models", "list", cwd=tmp_path).stdout == "there is no model in models\n"
    assert told("models", "verify", cwd=tmp_path)["versions"] == 0
