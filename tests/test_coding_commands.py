"""From posts to settled labels by the command line, as a person would type it, and what each command refuses."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import stat
from pathlib import Path
from typing import Any

import click
import polars as pl
import pytest
from click.testing import CliRunner
from test_cli import typed

from conftest import ROOT, TinyDemo
from discourse.cli import cli
from discourse.errors import MeaningError, MissingData, PrivacyError, SchemaError, UsageError
from discourse.labels.codebook import Codebook
from discourse.labels.labels import ADJUDICATED, ROLES, read_labels
from discourse.sampling.allocation import ALLOCATIONS
from discourse.sampling.budget import GOLD_DESIGNS
from discourse.sampling.files import read_sample
from discourse.schema import FRAMES
from discourse.sheets.interchange import FORMATS
from discourse.sheets.sheet_page import page_languages
from discourse.simulate.export import native_ids
from discourse.simulate.people import Post
from discourse.store.saved import load_corpus

DRAWN = 160
BOOK = Codebook.from_toml(ROOT / "corpora" / "codebook.toml")


@pytest.fixture(scope="module")
def place(tiny: TinyDemo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study before anybody coded: its labels are not there."""
    folder = tmp_path_factory.mktemp("coding")
    shutil.copytree(tiny.folder, folder / "demo")
    (folder / "demo" / "labels.csv").unlink()
    for name in ("codebook.toml", "events.csv"):
        shutil.copy(ROOT / "corpora" / name, folder / name)
    text = (ROOT / "corpora/demo/study.toml").read_text("utf-8")
    for old, new in (('every = "1w"', 'every = "1mo"'), ("replicates = 400", "replicates = 30"),
                     ("shuffles = 200", "shuffles = 10"), ("folds = 5", "folds = 2"),
                     ('layout = "long"', 'layout = "long"\ntraining_share = 0.5'),
                     ('file = "labels.csv"', 'file = "../settled.csv"'),
                     ('gold_within = "window"', 'gold_within = "all"')):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (folder / "demo" / "study.toml").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def truth(written: list[Post]) -> dict[str, str]:
    """The frame that whoever wrote a post meant."""
    ids = [f"x:{native}" for native in native_ids(written)]
    return dict(zip(ids, (post.frame for post in written), strict=True))


def done(place: Path, *words: object) -> dict[str, Any]:
    """What a command says as JSON, typed in a process of its own."""
    made = typed(*words, "--json", cwd=place)
    assert made.returncode == 0, made.stderr[-800:]
    found: dict[str, Any] = json.loads(made.stdout)
    return found


def ran(*words: object) -> str:
    """What a command prints, run in this process; its error is raised."""
    shown = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False, standalone_mode=False)
    return shown.output


def said_by(*words: object) -> dict[str, Any]:
    """What a command says as JSON, run in this process."""
    found: dict[str, Any] = json.loads(ran(*words, "--json"))
    return found


def data(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="sheet">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    given: dict[str, Any] = json.loads(found[1])
    return given


def filled(page: Path, answer: Any) -> Path:
    """The file that the page would save, each post answered by its id and what the page asks of it."""
    sheet = data(page)
    with (page.parent / "key.csv").open(encoding="utf-8", newline="") as file:
        posts = {row["item"]: row["post_id"] for row in csv.DictReader(file) if row["sheet"] == sheet["digest"]}
    answers = [
        {"item": item["item"], "cannot_decide": False, "note": "", **answer(posts[item["item"]], item)}
        for item in sheet["items"]
    ]
    whole = {"format": sheet["format"], "sheet": sheet["digest"], "codebook": sheet["codebook"],
             "coder": sheet["coder"], "answers": answers}  # fmt: skip
    path = page.parent / f"{sheet['coder']}-{sheet['digest'][:8]}.json"
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def sample(place: Path) -> dict[str, Any]:
    return done(
        place, "sample", "demo/study.toml", "--n", DRAWN, "--seed", 7, "--by", "side, lang", "--allocation", "equal",
        "--out", "sample.csv",
    )  # fmt: skip


def test_a_sample_is_drawn_before_there_are_labels(place: Path, sample: dict[str, Any]) -> None:
    drawn = read_sample(place / "sample.csv")
    measured = load_corpus(place / "out/demo/measured").posts
    assert (sample["drawn"], sample["of"]) == (drawn.height, measured.height) == (DRAWN, measured.height)
    assert stat.S_IMODE((place / "sample.csv").stat().st_mode) == 0o600
    assert stat.S_IMODE((place / "out" / "demo").stat().st_mode) == 0o700
    # Every post has its known chance, and the chances speak for all that is measured, in each stratum.
    sizes = measured.group_by(pl.format("{} | {}", "side", "lang").alias("stratum")).len("size")
    spoken = drawn.group_by("stratum").agg((1 / pl.col("inclusion_p")).sum().alias("size"))
    both = sizes.join(spoken, on="stratum", how="full", validate="1:1")
    assert both.null_count().sum_horizontal().item() == 0
    assert both["size_right"].to_list() == pytest.approx(both["size"].to_list(), abs=1e-9)
    joined = drawn.join(measured, on="post_id", how="inner", validate="1:1")
    assert joined.height == DRAWN
    assert joined["text"].equals(joined["text_right"])
    assert joined["stratum"].equals(joined.select(pl.format("{} | {}", "side", "lang")).to_series())
    listed = {row["stratum"]: row["n"] for row in sample["strata"]}
    assert listed == dict(drawn.group_by("stratum").len().iter_rows())


@pytest.fixture(scope="module")
def settled(place: Path, sample: dict[str, Any], truth: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Two coders code the sample, each errs on some posts; what they differ on is decided as it was meant."""
    said: dict[str, dict[str, Any]] = {}
    said["sheets"] = done(
        place, "sheets", "sample.csv", "--codebook", "codebook.toml", "--coders", "anna,bilal", "--lang", "ur",
        "--seed", 7, "--out", "pages",
    )  # fmt: skip
    for at, page in enumerate(sorted((place / "pages").glob("*.html"))):

        def answer(post: str, _: dict[str, Any], every: int = 7 + at) -> dict[str, Any]:
            number = int(post[-6:])
            if number % 41 == 0 and every == 7:
                return {"values": {}, "cannot_decide": True, "note": "a language that I do not know"}
            frame = truth[post] if number % every else FRAMES[number % len(FRAMES)]
            return {"values": {"frame": frame, "hostility": str(number % 3)}}

        filled(page, answer)
    said["collect"] = done(
        place, "collect", "pages", "--codebook", "codebook.toml", "--out", "labels.csv", "--notes", "notes.csv"
    )
    said["agree"] = done(place, "agree", "labels.csv", "--codebook", "codebook.toml", "--replicates", 50)
    said["adjudicate"] = done(
        place, "adjudicate", "labels.csv", "--codebook", "codebook.toml", "--sample", "sample.csv", "--seed", 7,
        "--lang", "ps", "--out", "decide",
    )  # fmt: skip
    filled(place / "decide" / "decisions.html", lambda post, _: {"values": {"frame": truth[post]}})
    said["settle"] = done(
        place, "settle", "decide", "--labels", "labels.csv", "--codebook", "codebook.toml", "--out", "settled.csv"
    )
    return said


def test_labels_come_back_with_the_chances_of_the_sample(
    place: Path, settled: dict[str, dict[str, Any]], truth: dict[str, str]
) -> None:
    drawn = read_sample(place / "sample.csv")
    labels = read_labels(place / "labels.csv", BOOK)
    chances = ["post_id", "inclusion_p", "stratum", "role"]
    assert labels.sample.select(chances).equals(drawn.select(chances))
    doubts = {post for post in drawn["post_id"] if int(post[-6:]) % 41 == 0}
    assert doubts
    rows = {(row["post_id"], row["coder"]): row["value"] for row in labels.latest("frame").iter_rows(named=True)}
    assert {post for post, coder in rows if coder == "bilal"} == set(drawn["post_id"])
    assert {post for post, coder in rows if coder == "anna"} == set(drawn["post_id"]) - doubts
    for (post, coder), value in rows.items():
        if int(post[-6:]) % {"anna": 7, "bilal": 8}[coder]:
            assert value == truth[post]
    assert labels.table.filter(variable="hostility").height == 2 * DRAWN - len(doubts)
    notes = pl.read_csv(place / "notes.csv", infer_schema=False)
    assert notes.rows() == [(post, "anna", "true", "a language that I do not know") for post in sorted(doubts)]
    for name in ("labels.csv", "notes.csv", "settled.csv", "pages/key.csv", "pages/sample.csv", "pages/anna.html"):
        assert stat.S_IMODE((place / name).stat().st_mode) == 0o600, name
    assert drawn["text"][0] not in (place / "pages/sample.csv").read_text("utf-8")


def test_what_coders_differ_on_is_decided_and_nothing_else(
    place: Path, settled: dict[str, dict[str, Any]], truth: dict[str, str]
) -> None:
    before, after = (read_labels(place / name, BOOK) for name in ("labels.csv", "settled.csv"))
    frames = before.latest("frame").group_by("post_id").agg(pl.col("value").n_unique().alias("different"))
    open_ = set(frames.filter(pl.col("different") > 1)["post_id"])
    added = after.table.filter(pl.col("coder").is_in(ADJUDICATED))
    assert set(added["post_id"]) == open_ != set()
    assert (settled["adjudicate"]["posts"], settled["settle"]["decisions"]) == (len(open_), len(open_))
    assert dict(added.select("post_id", "value").iter_rows()) == {post: truth[post] for post in open_}
    assert after.table.filter(~pl.col("coder").is_in(ADJUDICATED)).equals(before.table)
    assert after.sample.equals(before.sample)
    assert settled["settle"]["decided"]["frame"] == DRAWN == after.decided().height
    assert settled["collect"]["decided"]["frame"] == DRAWN - len(open_)
    assert data(place / "decide" / "decisions.html")["language"] == "ps"


def test_agreement_is_that_of_the_coders_alone(place: Path, settled: dict[str, dict[str, Any]]) -> None:
    from discourse.labels.agreement import agreement_table

    table = agreement_table(read_labels(place / "labels.csv", BOOK), seed=0, replicates=50)
    rows = [row for row in settled["agree"]["agreement"] if row["variable"] == "frame"]
    assert rows == table.fill_nan(None).to_dicts()
    assert {row["variable"] for row in settled["agree"]["agreement"]} == {"frame", "hostility"}
    assert settled["agree"]["warnings"] == []
    words = ("agree", place / "settled.csv", "--codebook", place / "codebook.toml", "--replicates", 50, "--json")
    assert json.loads(ran(*words)) == settled["agree"]


def test_a_study_runs_on_the_settled_labels(
    place: Path, settled: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = done(place, "measure", "demo/study.toml")
    assert made["up_to_date"] == ["read", "prepare"]  # what the sample was drawn from is what is measured
    shares = [row for row in made["series"] if row["measure"] == "Prevalence('nationalist')" and row["estimate"]]
    assert shares
    assert all(row["low"] <= row["estimate"] <= row["high"] for row in shares)
    said = json.loads((place / "out/demo/labels.json").read_text("utf-8"))
    assert (said["codebook"], said["undecided"]) == ("framing@2.1", 0)
    assert said["training"] + said["gold"] == said["coded"] > 100
    # Now that there are labels and a model, a plan knows what the classifier confuses.
    monkeypatch.chdir(place)
    cells = said_by("plan", "demo/study.toml", "--target", "conciliatory", "--width", 0.3)
    assert {"window", "side", "stratum", "n", "width"} == set(cells["cells"][0])
    assert cells["labels"] == sum(row["n"] or 0 for row in cells["cells"])
    assert all(row["width"] <= 0.3 for row in cells["cells"] if row["n"] is not None)
    more = said_by(
        "sample", "demo/study.toml", "--n", 40, "--seed", 8, "--rare", "conciliatory", "--model",
        "out/demo/model.safetensors", "--without", "sample.csv", "--role", "gold", "--out", "more.csv",
    )  # fmt: skip
    drawn = read_sample(place / "more.csv")
    assert (more["drawn"], more["of"]) == (40, load_corpus(place / "out/demo/measured").posts.height - DRAWN)
    assert not set(drawn["post_id"]) & set(read_sample(place / "sample.csv")["post_id"])
    assert drawn["inclusion_p"].n_unique() > 10
    assert set(drawn["role"]) == {"gold"}
    learnt = said_by(
        "sample", "demo/study.toml", "--n", 40, "--seed", 8, "--active", "--rare", "conciliatory", "--model",
        "out/demo/model.safetensors", "--out", "active.csv",
    )  # fmt: skip
    found = {row["stratum"]: (row["n"], row["role"], row["least_chance"]) for row in learnt["strata"]}
    assert {"active uncertainty", "active rare", "active diversity", "random"} == set(found)
    assert found["random"] == (8, "gold", pytest.approx(8 / (learnt["of"] - 32)))
    assert found["active rare"][1:] == ("training", None)


# What is refused, and what each command says.


@pytest.fixture(scope="module")
def corpus(place: Path) -> Path:
    made = typed("import", "demo/posts.jsonl.zst", "--corpus", "stored", cwd=place)
    assert made.returncode == 0, made.stderr[-500:]
    return place / "stored"


def test_a_sample_of_a_corpus_on_disk(place: Path, corpus: Path, tmp_path: Path) -> None:
    words = ("sample", "--corpus", corpus, "--n", 30, "--seed", 7, "--out")
    assert f"30 of {load_corpus(place / 'out/demo/measured').posts.height} posts" in ran(*words, tmp_path / "a.csv")
    assert read_sample(tmp_path / "a.csv")["inclusion_p"].n_unique() == 1
    ran(*words, tmp_path / "b.csv", "--sides", place / "demo/sides.toml", "--by", "side,window", "--every", "1mo")
    strata = set(read_sample(tmp_path / "b.csv")["stratum"])
    assert {stratum.split(" | ")[0] for stratum in strata} >= {"pakistan", "unknown"}
    assert "unknown | 2025-01" in strata
    before = (tmp_path / "a.csv").read_bytes()
    with pytest.raises(
        UsageError, match=r"^'a\.csv' is there and holds something else; a sample that was drawn is not"
    ):
        ran("sample", "--corpus", corpus, "--n", 30, "--seed", 8, "--out", tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), r"^say what to draw from: give a study file, or --corpus FOLDER, and not both$"),
        (("demo/study.toml", "--corpus", "x"), r"^say what to draw from: "),
        (("demo/study.toml", "--sides", "x"), r"^a study names its own sides; leave out --sides$"),
        (("demo/study.toml", "--by", "sides"), r"^--by names 'sides'; it can name lang, predicted, side, window$"),
        (("demo/study.toml", "--allocation", "equal"), r"^--allocation shares the posts among strata; name them"),
        (("demo/study.toml", "--active", "--by", "side"), r"^--active chooses without strata; leave out --by"),
        (("demo/study.toml", "--by", "predicted"), r"^this design needs predictions; give --model FILE, such as out/"),
        (("demo/study.toml", "--rare", "both"), r"^this design needs predictions; give --model"),
        (("demo/study.toml", "--active"), r"^this design needs predictions; give --model"),
        (
            ("demo/study.toml", "--by", "side", "--allocation", "neyman"),
            r"^this design needs predictions; give --model",
        ),
    ],
)
def test_a_draw_that_cannot_be_is_named(
    place: Path, sample: dict[str, Any], words: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    with pytest.raises(UsageError, match=sentence):
        ran("sample", *words, "--n", 5, "--seed", 1, "--out", "never.csv")
    assert not (place / "never.csv").exists()


def test_what_else_a_study_needs_must_be_there(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    words = ("sample", "demo/study.toml", "--n", 5, "--seed", 1, "--out", tmp_path / "never.csv", "--work", tmp_path)
    with pytest.raises(MissingData, match=r"Make it with `discourse simulate corpora/demo`"):
        ran(*words, "--data", tmp_path)
    text = (place / "demo/study.toml").read_text("utf-8")
    (place / "demo/other.toml").write_text(text.replace('file = "sides.toml"', 'file = "side.toml"'), "utf-8")
    with pytest.raises(MissingData, match=r"^the sides file 'side\.toml' is not in "):
        ran("sample", "demo/other.toml", *words[2:])
    assert not (tmp_path / "never.csv").exists()


def test_a_plan_of_expected_shares(tmp_path: Path) -> None:
    study = tmp_path / "x.toml"
    study.touch()
    # 4 z^2 p (1 - p) / w^2 = 15.366 * 0.16 / 0.01 = 245.9; with all of 1,000 posts fewer.
    assert "246 labels in all" in ran("plan", "--share", 0.2, "--width", 0.1)
    found = json.loads(ran("plan", "--share", 0.2, "--width", 0.1, "--deff", 2, "--json"))
    assert (found["labels"], [row["stratum"] for row in found["cells"]]) == (492, ["all"])
    found = json.loads(ran("plan", "--share", 0.2, "--after", 0.4, "--width", 0.2, "--json"))
    assert [(row["window"], row["n"]) for row in found["cells"]] == [("before", 200), ("after", 200)]
    found = json.loads(ran("plan", "--share", 0.2, "--after", 0.4, "--width", 0.3, "--per-cell", 0, "--json"))
    assert found["labels"] < 200
    with pytest.raises(MeaningError, match=r"^the width is 0\.001 and .* labels in all give"):
        ran("plan", "--share", 0.5, "--width", 0.001)
    with pytest.raises(MeaningError, match=r"^the width is 0\.1 and 50 labels"):
        ran("plan", "--share", 0.5, "--width", 0.1, "--population", 50)
    wrong: list[tuple[object, ...]] = [("--width", 0.1), (study, "--share", 0.2, "--width", 0.1)]
    for words in wrong:
        with pytest.raises(UsageError, match=r"^plan from one thing: give a study with --target, or --share"):
            ran("plan", *words)
    wrong = [(), ("--target", "both", "--after", 0.2), ("--target", "both", "--population", 9)]
    for words in wrong:
        with pytest.raises(
            UsageError, match=r"^with a study, give --target FRAME and neither --after nor --population"
        ):
            ran("plan", study, "--width", 0.1, *words)


CSV = """post_id,text,lang,inclusion_p,stratum,role
x:1,peace,en,0.5,a,gold
x:2,war,ur,0.5,b,gold
x:3,rain,ur,0.5,b,gold
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "sample.csv").write_text(CSV, "utf-8")
    shutil.copy(ROOT / "corpora" / "codebook.toml", tmp_path / "book.toml")
    return tmp_path


def test_another_tool_gets_the_posts_and_its_answers_become_labels(small: Path) -> None:
    given = ("--codebook", small / "book.toml", "--format")
    ran("export-tasks", small / "sample.csv", *given, "csv", "--out", small / "tasks.csv")
    ran("export-tasks", small / "sample.csv", *given, "label-studio", "--lang", "fa", "--out", small / "tasks.json")
    assert BOOK.in_language("fa").variables[0].question in (small / "tasks.xml").read_text("utf-8")
    table = pl.read_csv(small / "tasks.csv", infer_schema=False)
    assert "inclusion_p" not in table.columns
    for coder, frames in (("anna", ["both", "neither", "neither"]), ("bilal", ["both", "both", None])):
        filled_ = table.with_columns(pl.Series("frame", frames, dtype=pl.String))
        (small / f"{coder}.csv").write_text(filled_.write_csv(), "utf-8")
    both = (small / "anna.csv", small / "bilal.csv")
    words = ("import-labels", *both, *given, "csv", "--sample", small / "sample.csv", "--out", small / "labels.csv")
    said = ran(*words, "--coder", "anna", "--coder", "bilal")
    assert "frame: 2 of 3 posts are decided" in said  # x:1 by both, x:3 by anna alone
    labels = read_labels(small / "labels.csv", BOOK)
    assert labels.table.select("post_id", "coder", "value").rows() == [
        ("x:1", "anna", "both"), ("x:1", "bilal", "both"), ("x:2", "anna", "neither"), ("x:2", "bilal", "both"),
        ("x:3", "anna", "neither"),
    ]  # fmt: skip
    assert labels.sample["inclusion_p"].to_list() == [0.5] * 3
    with pytest.raises(UsageError, match=r"^--coder is given 1 times for 2 files; give a name for each file, or TOOLS"):
        ran(*words, "--coder", "anna")
    with pytest.raises(UsageError, match="the file does not say who coded"):
        ran(*words)


def test_names_of_a_tool_become_names_of_the_study(small: Path) -> None:
    tasks = [
        {"data": {"post_id": "x:1"}, "annotations": [
            {"completed_by": {"id": by, "email": "a@example.org"}, "result": [
                {"type": "choices", "from_name": "frame", "value": {"choices": [frame]}}]}
            for by, frame in ((1, "both"), (2, "neither"))]}
    ]  # fmt: skip
    (small / "back.json").write_text(json.dumps(tasks), "utf-8")
    words = ("import-labels", small / "back.json", "--codebook", small / "book.toml", "--sample", small / "sample.csv",
             "--format", "label-studio", "--out", small / "labels.csv")  # fmt: skip
    ran(*words, "--coder", "1=anna", "--coder", "2=bilal")
    assert read_labels(small / "labels.csv", BOOK).latest("frame").rows() == [
        ("x:1", "anna", "both"), ("x:1", "bilal", "neither"),
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"^1 coders of the file have no name"):
        ran(*words, "--coder", "1=anna")
    with pytest.raises(UsageError, match=r"^--coder is given 2 times for 1 files"):
        ran(*words, "--coder", "1=anna", "--coder", "bilal")
    row = {"post_id": "x:1", "variable": "frame", "accept": ["both"], "answer": "accept", "_annotator_id": "a@b.org"}
    (small / "back.jsonl").write_text(json.dumps(row), "utf-8")
    with pytest.raises(PrivacyError, match="names coders by e-mail addresses"):
        ran("import-labels", small / "back.jsonl", *words[2:6], "--format", "prodigy", "--out", small / "p.csv")


def coded(folder: Path, **coders: str) -> Path:
    """labels.csv with the frames of x:1, x:2, x:3 by each coder, a letter a post."""
    letters = {"N": "nationalist", "C": "conciliatory", "B": "both", "E": "neither"}
    lines = [f"x:{at},{coder},frame,{letters[one]},1,0.5,{'abb'[at - 1]},gold"
             for coder, said in coders.items() for at, one in enumerate(said, 1)]  # fmt: skip
    path = folder / "labels.csv"
    path.write_text("post_id,coder,variable,value,round,inclusion_p,stratum,role\n" + "\n".join(lines) + "\n", "utf-8")
    return path


def test_agreement_in_groups_and_what_looks_wrong(small: Path) -> None:
    words = ("agree", coded(small, anna="NCE", bilal="NCE"), "--codebook", small / "book.toml", "--replicates", 20)
    shown = CliRunner().invoke(cli, [str(word) for word in (*words, "--json")])
    assert shown.exit_code == 0
    found = json.loads(shown.stdout)
    assert found["warnings"] == [
        "two coders gave the same value to each of 3 posts; make sure that one is no copy of the other"
    ]
    assert shown.stderr.startswith("note: two coders gave the same value")
    said = ran(*words, "--by", "stratum")
    assert re.search(r"^frame a +percent +100\.000.*  1 posts, 2 coders$", said, re.MULTILINE)
    assert re.search(r"^frame b +alpha +1\.000 ", said, re.MULTILINE)
    assert re.search(r"^frame +positive of both +not defined  3 posts", said, re.MULTILINE)
    assert re.search(r"^frame ur +percent ", ran(*words, "--by", "lang", "--sample", small / "sample.csv"), re.M)
    with pytest.raises(UsageError, match=r"^--by is 'lang'; it can be stratum, role; for the language give --sample"):
        ran(*words, "--by", "lang")
    with pytest.raises(UsageError, match=r"^--by is 'text'; it can be stratum, role, lang$"):
        ran(*words, "--by", "text", "--sample", small / "sample.csv")
    with pytest.raises(MeaningError, match=r"^no variable was coded by two coders on their own"):
        ran("agree", coded(small, anna="NCE", adjudicated="NCE"), *words[2:])


def test_pages_need_what_they_came_with(small: Path) -> None:
    pages = ("sheets", small / "sample.csv", "--codebook", small / "book.toml", "--coders", " anna , bilal",
             "--seed", 7, "--out", small / "pages")  # fmt: skip
    ran(*pages)
    ran(*pages)  # the same again is the same
    assert {file.name for file in (small / "pages").iterdir()} == {"anna.html", "bilal.html", "key.csv", "sample.csv"}
    back = ("collect", small / "pages", "--codebook", small / "book.toml", "--out", small / "labels.csv")
    with pytest.raises(MissingData, match=r"^there is no saved file in .*; put the \.json files that came back beside"):
        ran(*back)
    frames = {"x:1": "both", "x:2": "neither"}
    saved = filled(
        small / "pages" / "anna.html",
        lambda post, _: {"values": {"frame": frames[post]} if post in frames else {}},
    )
    assert "anna: 2 of 3 posts\n" in ran(*back)
    first = read_labels(small / "labels.csv", BOOK)
    assert (len(first), first.undecided) == (3, 1)
    frames["x:3"] = "neither"
    filled(saved.parent / "anna.html", lambda post, _: {"values": {"frame": frames[post]}})
    ran(*back)  # what is more may be added
    frames["x:1"] = "neither"
    filled(saved.parent / "anna.html", lambda post, _: {"values": {"frame": frames[post]}})
    with pytest.raises(
        UsageError, match=r"^'labels\.csv' is there and holds 1 labels that would be lost; give another"
    ):
        ran(*back)
    assert dict(read_labels(small / "labels.csv", BOOK).decided().iter_rows())["x:1"] == "both"
    (small / "labels.csv").write_text("something else\n", "utf-8")
    with pytest.raises(UsageError, match=r"^'labels\.csv' is there and holds no labels of this codebook; give another"):
        ran(*back)


def test_a_decision_is_made_once(small: Path) -> None:
    labels, book = coded(small, anna="NCE", bilal="NCB"), ("--codebook", small / "book.toml")
    words = ("adjudicate", labels, *book, "--sample", small / "sample.csv", "--seed", 7, "--out", small / "decide")
    assert "1 posts to decide" in ran(*words)
    page = small / "decide" / "decisions.html"
    assert "anna" not in page.read_text("utf-8")
    filled(page, lambda _, item: {"values": dict.fromkeys(item["said"], "both")})
    settle = ("settle", small / "decide", "--labels", labels, *book, "--out")
    assert "1 decisions were added\n" in ran(*settle, labels)  # into the same file: nothing in it is lost
    assert dict(read_labels(labels, BOOK).decided().iter_rows())["x:3"] == "both"
    with pytest.raises(MeaningError, match=r"^1 posts have an agreed or adjudicated 'frame' already"):
        ran(*settle, small / "twice.csv")
    with pytest.raises(UsageError, match=r"^the coders differ on no post that is still open"):
        ran(*words[:-1], small / "again")
    shutil.copy(small / "sample.csv", small / "decide" / "sample.csv")
    with pytest.raises(SchemaError, match="of another kind; read it with read_decisions"):
        ran("collect", small / "decide", *book, "--out", small / "other.csv")


NAMES = ("sample", "plan", "sheets", "collect", "agree", "adjudicate", "settle", "export-tasks", "import-labels")


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_a_word_of_help(name: str) -> None:
    for parameter in cli.commands[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_what_the_page_tells_to_type_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my-study").mkdir()
    (tmp_path / "my-study" / "study.toml").touch()
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "docs" / "coding.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    lines = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert {words[1] for words in lines} == {*NAMES, "run"}
    for program, name, *words in lines:
        assert program == "discourse"
        cli.commands[name].make_context(name, words)


def test_what_can_be_chosen_is_what_there_is() -> None:
    def choices(command: str, option: str) -> list[str]:
        (kind,) = [one.type for one in cli.commands[command].params if one.name == option]
        assert isinstance(kind, click.Choice)
        return [str(choice) for choice in kind.choices]

    for command in ("export-tasks", "import-labels"):
        assert choices(command, "form") == list(FORMATS)
    for command in ("sheets", "adjudicate", "export-tasks"):
        assert choices(command, "lang") == list(page_languages())
    assert choices("sample", "allocation") == list(ALLOCATIONS)
    assert choices("sample", "role") == list(ROLES)
    assert choices("plan", "design") == list(GOLD_DESIGNS)
