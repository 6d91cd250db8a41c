"""A new study is whole or not there, explains itself, and the tutorial leads from a clone to a figure."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from test_coding_commands import filled

from conftest import ROOT, TinyDemo
from discourse.cli import cli
from discourse.errors import BadInput, DiscourseError, MissingData, UsageError
from discourse.events import read_events
from discourse.labels.codebook import Codebook
from discourse.simulate.practice import Practice, write_practice
from discourse.study import laying_out
from discourse.study.config import Study
from discourse.study.laying_out import lay_out, next_commands

TUTORIAL = ROOT / "docs" / "tutorial.md"
# What the walk below does not type: what makes the environment, and what runs to the page, which `test_cli` does.
NOT_TYPED = (
    "git clone <address of this repository> discourse", "cd discourse", "python3 -m venv .venv",
    ". .venv/bin/activate", "pip install .", "discourse run corpora/demo/study.toml",
    "discourse run border/study.toml",
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("practice")
    write_practice(folder, seed=7, sizes=Practice(posts=300, authors=60, coded=40))
    return folder


def ready(folder: Path) -> Path:
    """The study file of a new study, once there is something under the names that are left to the user."""
    (folder / "posts" / "posts.jsonl").write_text("{}")
    (folder / "labels.csv").write_text("post_id")
    return folder / "study.toml"


def test_a_new_study_is_valid_once_its_posts_and_labels_are_there(here: Path) -> None:
    made = lay_out("border")
    assert made.files == (".gitignore", "README.md", "codebook.toml", "events.csv", "posts/README.md", "sides.toml",
                          "study.toml")  # fmt: skip
    with pytest.raises(MissingData, match=r"'posts.jsonl' is not in border/posts; Put your export into border/posts"):
        Study.from_toml("border/study.toml")
    (here / "border/posts/posts.jsonl").write_text("{}")
    with pytest.raises(MissingData, match=r"'labels.csv' is not in border; .*code a sample first: discourse sample"):
        Study.from_toml("border/study.toml")
    study = Study.from_toml(ready(here / "border"))
    assert (study.name, study.title, study.corpus.made_up, study.labels.training_share) == (
        "border", "border", False, 0.5
    )  # fmt: skip
    assert study.events is not None
    assert read_events(study.events).is_empty()
    assert Codebook.from_toml(here / "border/codebook.toml").identity


def test_every_key_of_a_study_file_is_named_and_explained(here: Path) -> None:
    lay_out("border")
    text = (here / "border/study.toml").read_text("utf-8")
    named = set(re.findall(r"^(?:# )?([a-z_]+) = ", text, re.MULTILINE))
    page = (ROOT / "docs/study-file.md").read_text("utf-8")
    table = page.split("| section | key | meaning |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (`\[+[a-z]+\]+`)? ?\| ([^|]*) \|", table, re.MULTILINE)
    section, known = "", set()
    for head, keys in rows:
        section = head.strip("`[]") or section
        if section in ("study", "corpus", "sides", "population", "labels", "classifier", "measure", "events"):
            known |= set(re.findall(r"`(\w+)`", keys))
    assert known - named == {"root", "store"}  # the place of the data is the folder; a store comes later
    for line in text.split("[effects]")[0].splitlines():
        if re.match(r"(?:# )?(name|seed|every|format|mapping|near_copies|file|kinds|c|folds|replicates) = ", line):
            assert "#" in line.lstrip("# "), line


def test_the_codebook_of_a_new_study_is_the_shipped_one() -> None:
    assert (laying_out.TEMPLATES / "codebook.toml").read_bytes() == (ROOT / "corpora/codebook.toml").read_bytes()


def test_what_lies_in_a_new_study_of_people_is_kept_out_of_a_repository(here: Path) -> None:
    lay_out("border")
    lines = (here / "border/.gitignore").read_text("utf-8").splitlines()
    for name in ("posts/*", "!posts/README.md", "labels*.csv", "sample*.csv", "coding/", "out/", "*.key"):
        assert name in lines
    if os.name == "posix":
        assert (here / "border/posts").stat().st_mode & 0o077 == 0


def test_a_known_export_is_named_where_it_lies_with_its_format_and_days(tiny: TinyDemo, here: Path) -> None:
    made = lay_out("border", exports=(str(tiny.folder / "posts.jsonl.zst"),), title='He said "peace" \\ $name')
    assert (made.formats, made.unsure) == (("x_api",), False)
    assert (made.first, made.last) == ("2024-12-01", "2025-03-31")
    (here / "border/labels.csv").write_text("post_id")
    study = Study.from_toml("border/study.toml")
    assert [file.resolve() for file in study.corpus.files] == [(tiny.folder / "posts.jsonl.zst").resolve()]
    assert (study.corpus.format, study.corpus.mapping) == ("x_api", None)
    assert study.title == 'He said "peace" \\ $name'
    assert not list((here / "border/posts").glob("*.zst"))


def test_a_table_of_no_format_gets_a_draft(practice: Path, here: Path) -> None:
    made = lay_out("border", exports=(f"{practice}/posts.csv",))
    assert (made.formats, made.first, made.unsure) == ((), None, True)
    draft = (here / "border/columns.toml").read_text("utf-8")
    assert tomllib.loads(draft)["fields"]["author"] == "member_id"
    assert tomllib.loads((here / "border/study.toml").read_text("utf-8"))["corpus"]["mapping"] == "columns.toml"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("there", UsageError, "'there' is there already, and nothing is written over; choose another name"),
        ("a b", UsageError, "'a b' cannot name a study; use letters, digits"),
        ("file/new", UsageError, "cannot make 'file/new': .*; choose a folder you may write to"),
    ],
)
def test_what_cannot_be_a_new_study_is_refused_and_leaves_nothing(
    here: Path, name: str, kind: type[DiscourseError], words: str
) -> None:
    (here / "there").mkdir()
    (here / "file").write_text("")
    with pytest.raises(kind, match=words):
        lay_out(name)
    assert sorted(one.name for one in here.iterdir()) == ["file", "there"]


def test_a_failure_half_way_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    templates = here / "templates"
    shutil.copytree(laying_out.TEMPLATES, templates)
    (templates / "posts-README.md").unlink()  # the last that is written
    monkeypatch.setattr(laying_out, "TEMPLATES", templates)
    for name in ("border", "deep/deeper/border"):
        with pytest.raises(UsageError, match=f"cannot make '{name}'"):
            lay_out(name)
    assert [one.name for one in here.iterdir()] == ["templates"]


def test_exports_that_cannot_be_read_are_named_and_nothing_is_made(practice: Path, here: Path) -> None:
    (here / "page.html").write_text("<html></html>")
    (here / "empty.csv").write_text("")
    (here / "odd.csv").write_text("a,b\n1,2\n")
    shutil.copy(practice / "posts.csv", here / "posts.csv")
    (here / "x.jsonl").write_text(
        '{"id": "9001", "author_id": "42", "created_at": "2025-05-07T10:00:00Z", "text": "peace"}\n'
    )
    before = sorted(one.name for one in here.iterdir())
    for exports, kind, words in (
        (("none.csv",), MissingData, "there is no file 'none.csv'"),
        (("page.html",), BadInput, "'page.html' .*"),
        (("empty.csv",), BadInput, "'empty.csv' .*"),
        (("odd.csv",), BadInput, "'odd.csv' has no column whose name is known"),
        (("posts.csv", "x.jsonl"), BadInput, "'posts.csv' is in no format that is known"),
    ):
        with pytest.raises(kind, match=words):
            lay_out("border", exports=exports)
    assert sorted(one.name for one in here.iterdir()) == before


def test_the_next_commands_can_be_typed() -> None:
    for folder in (Path("border"), Path("my studies/border")):
        for line in next_commands(folder):
            words = shlex.split(line)
            assert words[0] == "discourse"
            command = cli.commands[words[1]]
            context = command.make_context(words[1], words[2:] if words[1] == "collect" else [*words[2:]][1:],
                                           resilient_parsing=True)  # fmt: skip
            assert context.params
            assert any(f"{folder.as_posix()}/" in word for word in words)


def test_the_commands_say_what_was_made_and_what_comes_next(here: Path) -> None:
    words = ["simulate", "made", "--seed", "7", "--table", "--posts", "100", "--authors", "20"]
    written = json.loads(CliRunner().invoke(cli, [*words, "--json"]).output)["written"]
    assert len((here / "made/posts.csv").read_text("utf-8").splitlines()) == written + 1
    with pytest.raises(UsageError, match=r"'labels\.csv' and 'posts\.csv' do not have the same columns; name tables"):
        lay_out("deep/a", exports=("made/*.csv",))
    told = json.loads(CliRunner().invoke(cli, ["new", "deep/a", "--from", "made/posts.csv", "--json"]).output)
    assert told["next"] == next_commands(Path("deep/a"))
    assert set(told["files"]) >= {"columns.toml", "study.toml"}
    shown = CliRunner().invoke(cli, ["new", "b", "--from", "made/posts.csv"]).output
    assert 'open b/columns.toml, check it, fill in every "?"' in shown
    assert all(line in shown for line in next_commands(Path("b")))
    corpus = tomllib.loads((here / "deep/a/study.toml").read_text("utf-8"))["corpus"]
    assert corpus["files"] == ["../../made/posts.csv"]
    assert "put your export into c/posts" in CliRunner().invoke(cli, ["new", "c"]).output


def test_a_practice_table_is_the_same_for_a_seed_and_its_labels_name_its_posts(practice: Path, tmp_path: Path) -> None:
    import polars as pl

    write_practice(tmp_path / "again", seed=7, sizes=Practice(posts=300, authors=60, coded=40))
    write_practice(tmp_path / "other", seed=8, sizes=Practice(posts=300, authors=60, coded=40))
    for name in ("posts.csv", "labels.csv"):
        assert (practice / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
        assert (practice / name).read_bytes() != (tmp_path / "other" / name).read_bytes()
    posts = pl.read_csv(practice / "posts.csv", infer_schema=False)
    labels = pl.read_csv(practice / "labels.csv")
    assert posts["msg_id"].n_unique() == posts.height
    assert set(labels["post_id"]) <= {f"forum:{one}" for one in posts["msg_id"]}
    assert labels["post_id"].n_unique() == 40
    assert labels["inclusion_p"].to_list() == pytest.approx([40 / posts.height] * labels.height, abs=1e-8)
    with pytest.raises(UsageError, match=r"'posts\.csv' is in 'again' already; name a new folder"):
        write_practice(tmp_path / "again", seed=7)
    with pytest.raises(UsageError, match="too small"):
        write_practice(tmp_path / "tiny", seed=7, sizes=Practice(posts=99))


def blocks(markdown: str) -> list[tuple[str, str]]:
    return re.findall(r"^```(sh|toml)\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)


def typed(line: str) -> Result:
    """A command of the tutorial, in this process."""
    words = shlex.split(line)
    if words[0] == "cp":
        shutil.copy(words[1], words[2])
        return Result(CliRunner(), b"", b"", b"", None, 0, None)
    assert words[0] == "discourse", line
    return CliRunner().invoke(cli, words[1:])


def written(block: str) -> None:
    """A file that the tutorial has the reader write, or the keys of one that it has them change."""
    head, _, body = block.partition("\n")
    place = Path(head.removeprefix("# in ").removeprefix("# "))
    if not head.startswith("# in "):
        place.write_text(body, "utf-8")
        return
    text = place.read_text("utf-8")
    for line in body.splitlines():
        key = line.partition(" = ")[0]
        text, count = re.subn(rf"^(# )?{key} = .*$", line, text, flags=re.MULTILINE)
        assert count == 1, key
    place.write_text(text, "utf-8")


def smaller(study: Path) -> None:
    """Fewer replicates and folds: the tutorial walks the same way, in less time."""
    text = study.read_text("utf-8")
    for old, new in (
        ("replicates = 400", "replicates = 20"),
        ("shuffles = 200", "shuffles = 5"),
        ("folds = 5", "folds = 2"),
    ):
        assert old in text
        text = text.replace(old, new)
    study.write_text(text, "utf-8")


@pytest.mark.filterwarnings("ignore")
def test_the_tutorial_leads_to_a_figure(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    said: dict[str, str] = {}
    for kind, block in blocks(TUTORIAL.read_text("utf-8")):
        if kind == "toml":
            written(block)
            continue
        for line in block.splitlines():
            if line in NOT_TYPED:
                continue
            if line.startswith("discourse collect"):
                for coder in ("anna", "bilal"):
                    filled(here / f"border/coding/{coder}.html", lambda *_: {"values": {"frame": "neither"}})
            if line == "discourse simulate practice --seed 7 --table":
                write_practice("practice", seed=7, sizes=Practice(posts=900, authors=200, coded=240))
                continue
            done = typed(line)
            assert done.exit_code == 0, (line, done.output[-600:], done.exception)
            said[line] = done.output
            if line.startswith("discourse new"):
                smaller(here / "border/study.toml")
    assert set(NOT_TYPED) <= {line for _, block in blocks(TUTORIAL.read_text("utf-8")) for line in block.splitlines()}
    for name in ("shares-nationalist.png", "shares-nationalist.csv"):
        assert (here / "figures/border" / name).stat().st_size > 100
    shown = said["discourse measure border/study.toml"]
    months = [line for line in shown.splitlines() if re.match(r"20\d\d-\d\d +(pakistan|afghanistan) ", line)]
    months = [line for line in months if " empty " not in line]  # half an hour by which the clocks differ
    assert [line.split()[0] for line in months] == 2 * ["2024-12", "2025-01", "2025-02", "2025-03"]
    assert not any("partial" in line for line in months), shown
    assert len(re.findall(r" nationalist 0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)", "\n".join(months))) >= 4, shown
