"""The command line: one sentence and an exit code for what is wrong; a study run twice does nothing the second time."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from ready_study import study_that_ran

from conftest import TinyDemo
from discourse import cli as module
from discourse.errors import DiscourseWarning, PrivacyError

STAGES = ["read", "prepare", "label", "train", "judge", "frame", "measure", "effects", "describe", "draw", "report"]


def typed(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What a person would type, in a process of its own."""
    code = "from discourse.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, "MPLBACKEND": "Agg"}, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def study(tiny: TinyDemo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study after its first run, measured by month with few replicates."""
    place = tmp_path_factory.mktemp("cli") / "study"
    shutil.copytree(study_that_ran(tiny, tmp_path_factory), place)
    return place


def failed(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one sentence on standard error of a command that failed as it should."""
    assert done.returncode == code, done.stderr[-600:]
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("discourse: ")]
    assert len(lines) == 1
    return lines[0].removeprefix("discourse: ")


def test_a_wrong_setting_ends_in_2(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = study / "demo" / "bad.toml"
    bad.write_text((study / "demo/study.toml").read_text("utf-8").replace('"1mo"', '"1y"'), "utf-8")
    assert ended(("run", str(bad)), monkeypatch) == 2
    assert capsys.readouterr().err.startswith("discourse: every in [measure] is '1y'; it must be ")


def test_a_missing_file_ends_in_3_and_json_says_it_too(study: Path) -> None:
    done = typed("run", "none.toml", "--json", cwd=study)
    sentence = failed(done, 3)
    assert sentence == "there is no study file 'none.toml'; give the path of a TOML file"
    assert json.loads(done.stdout) == {"error": sentence, "kind": "MissingData", "exit_code": 3}


def test_a_missing_corpus_says_where_to_get_it(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(("run", str(study / "demo/study.toml"), "--data", str(tmp_path)), monkeypatch) == 3
    assert "Make it with `discourse simulate corpora/demo`." in capsys.readouterr().err


def test_a_file_that_cannot_be_read_ends_in_4(study: Path) -> None:
    (study / "broken.toml").write_text("[study", "utf-8")
    assert failed(typed("run", "broken.toml", cwd=study), 4).startswith("the study file 'broken.toml' is not TOML: ")


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("run",), "Missing argument 'STUDY.toml'."),
        (("frobnicate",), "No such command 'frobnicate'."),
        (("run", "a.toml", "--colour"), "No such option"),
        (("simulate", "x", "--seed", "-1"), "Invalid value for '--seed'"),
        (("simulate", "x"), "Missing option '--seed'"),
        (("import", "a.jsonl"), "say which corpus: give --corpus FOLDER"),
    ],
)
def test_a_typing_mistake_ends_in_2(
    words: tuple[str, ...], start: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(words, monkeypatch) == 2
    assert capsys.readouterr().err.startswith(f"discourse: {start}")


def ended(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> object:
    """The exit code of `main` in this process, with the warning filters put back after it."""
    import warnings

    monkeypatch.setattr(sys, "argv", ["discourse", *words])
    shown = warnings.showwarning
    with warnings.catch_warnings():
        try:
            module.main()
        except SystemExit as stop:
            return stop.code
        finally:
            warnings.showwarning = shown
    return 0


def test_without_a_command_the_help_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended((), monkeypatch) == 2
    assert capsys.readouterr().err.startswith("Usage: ")


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (KeyboardInterrupt(), 130, "interrupted; what was finished is kept, the same command goes on from there"),
        (PermissionError(13, "Permission denied", "x"), 1,
         "Permission denied: x; check that its folder is there and that you may write to it"),
        (OSError(28, "No space left on device"), 1, "No space left on device: a file"),
    ],
)  # fmt: skip
def test_what_the_machine_refuses_ends_in_one_sentence(
    error: BaseException, code: int, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: object) -> None:
        raise error

    monkeypatch.setattr(module, "cli", refuse)
    assert ended(("run",), monkeypatch) == code
    assert capsys.readouterr().err.splitlines()[-1] == f"discourse: {sentence}"


def test_a_warning_of_the_package_becomes_a_note(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import warnings

    def warn(**_: object) -> None:
        warnings.warn("thin", DiscourseWarning, stacklevel=1)
        warnings.warn("of a library", FutureWarning, stacklevel=1)

    monkeypatch.setattr(module, "cli", warn)
    assert ended(("run",), monkeypatch) == 0
    assert capsys.readouterr().err == "note: thin\n"


@pytest.mark.parametrize("name", sorted(module.cli.commands))
def test_every_command_has_help_and_speaks_json(name: str) -> None:
    command = module.cli.commands[name]
    assert command.help
    for words in [[name, one] for one in command.commands] if isinstance(command, click.Group) else [[name]]:
        shown = CliRunner().invoke(module.cli, [*words, "--help"])
        assert shown.exit_code == 0
        assert "--json" in shown.output


def test_files_are_imported_and_accounted_for(study: Path) -> None:
    words = ("import", "demo/posts.jsonl.zst", "--corpus", "imported", "--json")
    done = typed(*words, cwd=study)
    assert done.returncode == 0, done.stderr[-500:]
    row = json.loads(done.stdout)["files"][0]
    assert row["accepted"] + row["duplicates"] + len(row["quarantined"]) == row["read"] > 900
    assert (row["file"], row["format"], row["refused"]) == ("posts.jsonl.zst", "x_api", None)
    again = json.loads(typed(*words, cwd=study).stdout)["files"][0]
    assert (again["accepted"], again["duplicates"]) == (0, row["accepted"] + row["duplicates"])
    assert typed("verify", "--corpus", "imported", cwd=study).returncode == 0


def test_a_study_of_a_corpus_on_disk_has_the_posts_of_one_that_reads_the_files(
    study: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import polars as pl

    from discourse.study.run import run_study

    text = (study / "demo/study.toml").read_text("utf-8").replace("made_up = true", "made_up = false")
    (study / "demo/exports.toml").write_text(text, "utf-8")
    files = 'files = ["posts.jsonl.zst"]'
    assert files in text
    (study / "demo/stored.toml").write_text(text.replace(files, 'store = "my-corpus"'), "utf-8")
    typed("import", "demo/posts.jsonl.zst", "--corpus", "demo/my-corpus", cwd=study)
    made = []
    for name in ("exports", "stored"):
        done = run_study(study / f"demo/{name}.toml", work=tmp_path / name, until="prepare")
        made.append(pl.read_parquet(done.work / "measured/posts.parquet"))
        again = run_study(study / f"demo/{name}.toml", work=tmp_path / name, until="prepare")
        assert again.ran == ()
    assert made[0].equals(made[1])
    assert made[0].height > 500
    monkeypatch.setenv("DISCOURSE_KEY_FILE", str(tmp_path / "other.key"))
    with pytest.raises(PrivacyError, match="imported with another key"):
        run_study(study / "demo/stored.toml", work=tmp_path / "other", until="prepare")


def test_a_refused_file_ends_in_4_and_changes_nothing(study: Path) -> None:
    (study / "page.html").write_text("<html></html>")
    done = typed("import", "page.html", "demo/posts.jsonl.zst", "--corpus", "refused", "--json", cwd=study)
    assert done.returncode == 4
    first, second = json.loads(done.stdout)["files"]
    assert "is a web page" in first["refused"]
    assert (second["refused"], second["accepted"]) == (None, 0)
    assert typed("verify", "--corpus", "refused", cwd=study).returncode == 3


def test_what_was_asked_to_be_forgotten_is_gone_and_stays_so(study: Path) -> None:
    row = {"id": "9001", "author_id": "42", "created_at": "2025-05-07T10:00:00Z", "text": "peace"}
    (study / "two.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, "id": "9002"}))
    (study / "gone.txt").write_text("9001\n")
    for words in (("import", "two.jsonl"), ("forget", "--ids", "gone.txt"), ("import", "two.jsonl"), ("digest",)):
        assert typed(*words, "--corpus", "two", cwd=study).returncode == 0
    data = b"".join(one.read_bytes() for one in (study / "two").rglob("*") if one.is_file())
    assert b"9001" not in data
    assert json.loads(typed("verify", "--corpus", "two", "--json", cwd=study).stdout)["rows"] == 1


def test_simulate_writes_a_corpus(tmp_path: Path) -> None:
    words = ["simulate", str(tmp_path / "made"), "--seed", "3", "--posts", "100", "--authors", "30", "--json"]
    shown = CliRunner().invoke(module.cli, words)
    assert shown.exit_code == 0
    assert set(json.loads(shown.output)) == {"written", "reposts", "duplicates", "quarantined"}
    assert (tmp_path / "made" / "labels.csv").is_file()


@pytest.fixture(scope="module")
def first(study: Path) -> subprocess.CompletedProcess[str]:
    said = json.loads((study / "said.json").read_text("utf-8"))
    return subprocess.CompletedProcess([], said["code"], said["out"], said["err"])


def test_a_study_runs_from_exports_to_report(first: subprocess.CompletedProcess[str], study: Path) -> None:
    assert first.returncode == 0, first.stderr[-1500:]
    found = json.loads(first.stdout)
    assert found["ran"] == STAGES
    assert found["up_to_date"] == []
    for name in ("report.html", "manifest.json"):
        assert (study / "figures" / "demo" / name).is_file()
    assert (study / "out" / "demo").stat().st_mode & 0o077 == 0


def test_the_second_run_does_nothing_and_changes_no_byte(first: subprocess.CompletedProcess[str], study: Path) -> None:
    def contents() -> dict[str, bytes]:
        places = (study / "out", study / "figures")
        return {str(one): one.read_bytes() for place in places for one in place.rglob("*") if one.is_file()}

    before = contents()
    done = typed("run", "demo/study.toml", cwd=study)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.startswith(f"nothing to do; up to date: {', '.join(STAGES)}\n")
    assert contents() == before


def test_what_may_be_published_names_no_author_and_no_post(
    first: subprocess.CompletedProcess[str], study: Path
) -> None:
    from discourse.store.saved import load_corpus

    posts = load_corpus(study / "out/demo/corpus").posts
    ids = set(posts["author_id"]) | set(posts["post_id"])
    for file in (study / "figures").rglob("*"):
        if file.is_file() and file.suffix not in {".png", ".pdf"}:
            text = file.read_text("utf-8")
            assert not {one for one in ids if one in text}, file.name
            assert not re.search(r"made_up_\d{4}|\b99\d{8}\b", text), file.name


@pytest.mark.parametrize("command", ["train", "evaluate", "measure", "figures", "report"])
def test_each_command_shows_its_part(
    first: subprocess.CompletedProcess[str], study: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study)
    shown = CliRunner().invoke(module.cli, [command, "demo/study.toml"])
    assert shown.exit_code == 0, shown.output
    expected = {"train": "linear@", "evaluate": "macro-F1", "measure": "nationalist", "figures": ".svg",
                "report": "report.html"}  # fmt: skip
    assert expected[command] in shown.output
