"""The first hour: what is installed is told truly, completion is quick, a slip ends in what to type."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from test_cli import ended
from test_imports_flow_one_way import HEAVY

from conftest import ROOT
from discourse.cli import cli
from discourse.commands.study_file import StudyFile, study_files
from discourse.errors import MissingData, UsageError
from discourse.study.checkup import EXTRAS, LIBRARIES, check_up, fits


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def doctor(*words: str, path: Path | None = None, before: str = "") -> subprocess.CompletedProcess[str]:
    """`discourse doctor` in a process of its own; modules it loaded are the last line of standard error."""
    code = (
        f"import sys; sys.argv = ['discourse', 'doctor', *{list(words)!r}]\n{before}\n"
        "from discourse.cli import main\ntry:\n    main()\n"
        "finally:\n    print('loaded', *sys.modules, file=sys.stderr)"
    )
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [path, ROOT] if path else [ROOT]))}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=given)


def installed(folder: Path, *needs: str) -> Path:
    """A folder on the path whose metadata says that the package needs just these libraries."""
    place = folder / "discourse-0.9.dist-info"
    place.mkdir()
    lines = ["Metadata-Version: 2.1", "Name: discourse", "Version: 0.9", *(f"Requires-Dist: {need}" for need in needs)]
    (place / "METADATA").write_text("\n".join(lines) + "\n")
    return folder


def library(folder: Path, name: str, version: str, source: str | None) -> None:
    """A library in a folder on the path, or only the record of one whose files are gone."""
    (folder / f"{name}-{version}.dist-info").mkdir()
    (folder / f"{name}-{version}.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    if source is not None:
        (folder / f"{name}.py").write_text(source)


def test_a_sound_environment_is_told_with_its_versions_and_loads_nothing() -> None:
    done = doctor("--json")
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["problems"] == []
    told = {one["name"]: one["version"] for one in found["libraries"] if one["extra"] is None}
    assert len(told) > 20
    for name in ("polars", "numpy", "scikit-learn", "matplotlib"):
        assert told[name] == metadata.version(name)
    assert set(done.stderr.split()) & set(HEAVY) == set()
    assert "loaded" in done.stderr.split()


def test_what_the_extras_are_is_what_the_package_declares() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    names = {extra: tuple(re.split(r"[<>=]", need)[0] for need in needs) for extra, needs in declared.items()}
    assert {extra: names[extra] for extra in names if extra not in ("dev", "docs")} == LIBRARIES
    assert list(EXTRAS) == list(LIBRARIES)
    page = (ROOT / "docs/first-run.md").read_text("utf-8")
    assert all(f"| `{extra}` |" in page for extra in EXTRAS)


def test_each_fault_of_a_library_is_named_with_what_to_type(tmp_path: Path) -> None:
    place = installed(
        tmp_path, "nosuchlibrary>=1.5", "oldlibrary<9,>=2.0", "gonelibrary", "Broken_Library>=1", "finelibrary>=1",
        "numba>=999; extra == 'speed'", "nosuchextra>=1; extra == 'dev'", "oldpython>=1; python_version < '3.4'",
    )  # fmt: skip
    library(place, "oldlibrary", "1.9.9", "")
    library(place, "gonelibrary", "3.0", None)
    library(place, "broken_library", "1.0", "raise RuntimeError('half of it is missing')")
    library(place, "finelibrary", "1.0", "")
    quick = json.loads((done := doctor("--json", path=place)).stdout)
    assert done.returncode == 3
    said = {one["what"]: one["type"] for one in quick["problems"]}
    expected = {
        "nosuchlibrary is not installed": 'pip install --force-reinstall "nosuchlibrary>=1.5"',
        "oldlibrary is 1.9.9, wanted is <9,>=2.0": 'pip install --force-reinstall "oldlibrary<9,>=2.0"',
        "gonelibrary is listed as installed, and its files are gone": 'pip install --force-reinstall "gonelibrary"',
    }
    with contextlib.suppress(metadata.PackageNotFoundError):
        expected[f"numba is {metadata.version('numba')}, wanted is >=999"] = (
            'pip install --force-reinstall "numba>=999"'
        )
    assert said == expected
    assert quick["extras"]["speed"] is False
    lines = (done := doctor("--load", path=place)).stdout.splitlines()
    assert done.returncode == 3
    assert "PROBLEM: broken-library is 1.0 and cannot be loaded (RuntimeError: half of it is missing)" in lines, (
        done.stdout
    )
    assert "  + finelibrary 1.0" in lines
    assert "  - nosuchlibrary is not installed" in lines
    assert any(line.startswith("  - speed ") for line in lines)
    assert '      to have it: pip install "numba>=999"' in lines


def test_a_core_library_that_is_hidden_is_told_without_a_crash() -> None:
    done = doctor(before="sys.modules['polars'] = None\nsys.modules['sklearn'] = None")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("PROBLEM")]
    assert [line.split()[1] for line in told] == ["polars", "scikit-learn"]


def test_the_key_is_looked_at_and_never_read_or_made(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = here / "keys" / "my.key"
    monkeypatch.setenv("DISCOURSE_KEY_FILE", str(file))
    assert check_up().key == "made on first use"
    assert not file.parent.exists()
    file.parent.mkdir()
    secret = b"0123456789abcdefghijklmnopqrstuv"
    file.write_bytes(secret)
    file.chmod(0o600)
    found = check_up()
    assert (found.key, found.problems) == ("there", ())
    assert secret.decode() not in repr(found)
    if os.name == "posix":
        file.chmod(0o644)
        found = check_up()
        assert found.problems == ((f"the key file {file} can be read by others", f"chmod 600 {file}"),)
    file.write_bytes(secret[:-1])
    file.chmod(0o600)
    assert check_up().key == "is no key"
    (here / "plain").write_text("")
    monkeypatch.setenv("DISCOURSE_KEY_FILE", str(here / "plain" / "my.key"))
    told, todo = check_up().problems[0]
    assert told.startswith(f"the key file {here}/plain/my.key cannot be ")
    assert todo == "export DISCOURSE_KEY_FILE=a-place-of-your-own.key"


def test_a_folder_that_cannot_be_written_to_is_a_problem(here: Path) -> None:
    (here / "file").write_text("")
    assert check_up(here).writable
    found = check_up(here / "file")
    assert [what for what, _ in found.problems] == ["this folder cannot be written to"]
    assert sorted(one.name for one in here.iterdir()) == ["file"]


def test_cores_and_memory_are_those_of_the_machine() -> None:
    found = check_up()
    assert 1 <= found.cores <= (os.cpu_count() or 1)
    assert found.memory is None or 2**27 < found.memory < 2**50


numbers = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@given(numbers, st.sampled_from([">=", "<=", "<", ">", "==", "!="]), numbers, numbers)
def test_bounds_are_kept_as_the_packaging_library_keeps_them(have: str, sign: str, bound: str, low: str) -> None:
    assert fits(have, f"{sign}{bound}") == SpecifierSet(f"{sign}{bound}").contains(have)
    assert fits(have, f"<{bound},>={low}") == SpecifierSet(f"<{bound},>={low}").contains(have)


def completed(words: str, cwd: Path) -> tuple[list[str], set[str]]:
    """What bash is offered after words, the last of them half typed, and the modules that were loaded for it."""
    code = (
        "import sys; sys.argv = ['discourse']\nfrom discourse.cli import main\ntry:\n    main()\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)"
    )
    env = {**os.environ, "_DISCOURSE_COMPLETE": "bash_complete", "COMP_WORDS": f"discourse {words}",
           "COMP_CWORD": str(len(words.split(" ")))}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env={**env, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return done.stdout.split(), set(done.stderr.split())


def test_completion_knows_commands_options_choices_and_study_files_and_loads_nothing(here: Path) -> None:
    (here / "border").mkdir()
    for name in ("study.toml", "sides.toml", "codebook.toml"):
        (here / "border" / name).write_text("")
    for words, expected in (
        ("do", ["plain,doctor"]), ("run bo", ["plain,border/study.toml"]),
        ("sample border/", ["plain,border/study.toml"]), ("run --fig", ["plain,--figures"]),
        ("completion z", ["plain,zsh"]), ("run none", ["file,none"]),
    ):  # fmt: skip
        offered, loaded = completed(words, here)
        assert offered == expected, words
        assert "click" in loaded
        assert loaded & set(HEAVY) == set(), words


def test_the_script_works_in_bash(here: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    (here / "border").mkdir()
    (here / "border/study.toml").write_text("")
    (here / "discourse").write_text(f"#!{sys.executable}\nfrom discourse.cli import main\nmain()\n")
    (here / "discourse").chmod(0o755)
    script = CliRunner().invoke(cli, ["completion", "bash"]).stdout
    (here / "completion.bash").write_text(script)
    line = ". ./completion.bash; COMP_WORDS=(./discourse run bo); COMP_CWORD=2; _discourse_completion ./discourse; "
    done = subprocess.run(
        [bash, "-c", line + 'echo "${COMPREPLY[@]}"'], cwd=here, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.split() == ["border/study.toml"], done.stderr


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "COMPREPLY"), ("zsh", "#compdef discourse"), ("fish", "complete ")]
)
def test_every_shell_has_a_script_and_a_line_that_installs_it(shell: str, word: str) -> None:
    done = CliRunner().invoke(cli, ["completion", shell])
    assert done.exit_code == 0
    assert word in done.stdout
    assert f"_DISCOURSE_COMPLETE={shell}_complete" in done.stdout
    assert done.stderr.startswith("to install: ")
    assert f"discourse completion {shell} > ~/" in done.stderr
    told = json.loads(CliRunner().invoke(cli, ["completion", shell, "--json"]).stdout)
    assert told["script"] == done.stdout.rstrip("\n") or told["script"] == done.stdout[:-1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rnu", "a.toml"), "No such command 'rnu'. Type 'discourse run'."),
        (("Doctor",), "No such command 'Doctor'. Type 'discourse doctor'."),
        (("figure", "a.toml"), "No such command 'figure'. Type 'discourse figures'."),
        (("border/study.toml",), "No such command 'border/study.toml'. For a study, type 'discourse run "
                                 "border/study.toml'."),
        (("frobnicate",), "No such command 'frobnicate'. Type 'discourse --help' for the commands there are."),
        (("run", "a.toml", "--figurse", "x"), "No such option '--figurse'. Did you mean '--figures'?"),
        (("run", "border"), "'border' is a folder, wanted is a study file; type border/study.toml"),
        (("run", "none"), "there is no study file 'none'; give the path of a TOML file"),
        (("run", "study.toml"), "there is no study file 'study.toml'; did you mean border/study.toml?"),
        (("run", "border.toml"), "there is no study file 'border.toml'; did you mean border/study.toml?"),
        (("run", "posts.csv"), "'posts.csv' is no study file, which is one in TOML; to make a study of an export, "
                               "type: discourse new NAME --from posts.csv"),
        (("run", "empty"), "'empty' is a folder, wanted is a study file; make a study with discourse new NAME"),
    ],
)  # fmt: skip
def test_a_slip_ends_in_what_to_type(
    here: Path, words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "border").mkdir()
    (here / "empty").mkdir()
    (here / "border/study.toml").write_text("")
    (here / "posts.csv").write_text("")
    assert ended(words, monkeypatch) == (3 if "there is no" in said else 2)
    assert capsys.readouterr().err == f"discourse: {said}\n"


def test_study_files_are_found_by_what_they_may_be(here: Path) -> None:
    for name in ("a/study.toml", "z.toml", "a/codebook.toml", "a/sides.toml", ".hidden/study.toml", "a/b/study.toml",
                 "a/b/other.toml", "codebook-1.toml"):  # fmt: skip
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text("")
    assert study_files(Path()) == ["a/study.toml", "a/b/study.toml", "z.toml"]
    assert study_files(here / "none") == []
    assert StudyFile().convert("z.toml", None, None) == Path("z.toml")
    with pytest.raises(UsageError, match=r"type a/study\.toml"):
        StudyFile().convert("a", None, None)
    with pytest.raises(MissingData, match=r"'b/other\.toml'; give the path"):
        StudyFile().convert("b/other.toml", None, None)
