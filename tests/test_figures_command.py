"""`discourse figures`: the same bytes anywhere, the dependent figures alone drawn again, every change by hand found."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from ready_study import study_that_ran
from rocrate.rocrate import ROCrate

from conftest import TinyDemo
from discourse.cli import cli
from discourse.errors import MissingData, SchemaError, UsageError
from discourse.study.draw import FIGURES, PAGE_FILES, draw_units, figures_of
from discourse.study.figure_check import check_study
from discourse.study.figure_kinds import ENDINGS
from discourse.study.ledger import Ledger
from discourse.study.run import desk_of, draw_study
from discourse.study.stages import STAGES, Desk

pytestmark = pytest.mark.filterwarnings("ignore::discourse.errors.DiscourseWarning")

OF_SERIES = {"shares-nationalist", "shares-conciliatory", "correction-nationalist", "correction-conciliatory",
             "polarization-within", "net-tone-gap", "distance"}  # fmt: skip
SLICES = {"shares-nationalist-by-lang", "shares-conciliatory-by-lang"}
SMOOTH = {"smooth-nationalist"}
TRUTH = {"truth-nationalist", "truth-conciliatory"}
WITH_EVENT_LINES = OF_SERIES | SLICES | SMOOTH | {"waves"}
WORDS = {"words-nationalist", "words-conciliatory"}
EVERY = WITH_EVENT_LINES | TRUTH | WORDS | {"effects", "event-1", "event-2", "composition", "coverage", "agreement",
                                            "confusion", "calibration"}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A study that was run: its file, and the place of its folders."""

    file: Path
    place: Path

    @property
    def published(self) -> Path:
        return self.place / "figures/demo"

    @property
    def private(self) -> Path:
        return self.place / "out/demo"

    def desk(self) -> Desk:
        return desk_of(self.file, work=self.place / "out")

    def stale(self) -> set[str]:
        """The figures that would be drawn again."""
        desk, ledger = self.desk(), Ledger(self.private / "ledger.json")
        units = draw_units(desk, self.published)
        return {stage.name.removeprefix("draw/") for stage, _ in units if not ledger.is_done(stage)}


@pytest.fixture(scope="session")
def first(tiny: TinyDemo, tmp_path_factory: pytest.TempPathFactory) -> Made:
    place = study_that_ran(tiny, tmp_path_factory)
    said = json.loads((place / "said.json").read_text("utf-8"))
    assert said["code"] == 0, said["err"][-1500:]
    return Made(place / "demo/study.toml", place)


@pytest.fixture
def made(first: Made, tmp_path: Path) -> Made:
    """The study that was run, to be changed: a copy of everything, at another place."""
    shutil.copytree(first.place, tmp_path / "copy", copy_function=shutil.copy2)
    return Made(tmp_path / "copy/demo/study.toml", tmp_path / "copy")


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {one.name: (one.read_bytes(), one.stat().st_mtime_ns) for one in folder.iterdir()}


def typed(made: Made, *words: str) -> tuple[int, str]:
    places = ("--work", str(made.place / "out"), "--figures", str(made.place / "figures"))
    done = CliRunner().invoke(cli, ["figures", str(made.file), *places, *words], standalone_mode=False)
    assert done.exception is None, done.exception
    return done.return_value or 0, done.output


def test_a_run_publishes_what_it_says_and_nothing_else(first: Made) -> None:
    names = {spec.name for spec in figures_of(first.desk())}
    assert names == EVERY
    assert names < {spec.name for spec in FIGURES}
    wanted = {f"{name}.{ending}" for name in names for ending in ENDINGS} | {*PAGE_FILES, "slices.csv"}
    assert {one.name for one in first.published.iterdir()} == wanted | {"ro-crate-metadata.json"}


def test_made_again_from_scratch_in_another_place_and_process_every_byte_is_the_same(
    first: Made, tmp_path: Path
) -> None:
    """Another folder, hash seed, time zone, language and number of threads."""
    shutil.copytree(first.place / "demo", tmp_path / "demo")
    for name in ("codebook.toml", "events.csv"):
        shutil.copy(first.place / name, tmp_path / name)
    other = {"PYTHONHASHSEED": "12345", "TZ": "Asia/Kabul", "LC_ALL": "C", "POLARS_MAX_THREADS": "1"}
    code = "from discourse.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "figures", "demo/study.toml", "--figures", str(first.place / "figures"), "--check",
         "--json"], cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, **other}, timeout=300,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["differences"] == []
    assert (done.returncode, found["equal"]) == (0, True)
    assert found["compared"] == len(list(first.published.iterdir()))
    assert found["made_again"] == list(STAGES[: STAGES.index("draw")])
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "figures").exists()


def test_the_crate_of_a_run_tells_of_every_file_and_of_no_private_hash(first: Made) -> None:
    made = json.loads((first.published / "ro-crate-metadata.json").read_text("utf-8"))
    graph = {entity["@id"]: entity for entity in made["@graph"]}
    files = {one.name for one in first.published.iterdir()} - {"ro-crate-metadata.json"}
    assert {part["@id"] for part in graph["./"]["hasPart"]} == files
    for name in files:
        assert graph[name]["sha256"] == hashlib.sha256((first.published / name).read_bytes()).hexdigest()
    drawn = graph["#draw/truth-nationalist"]
    assert [one["@id"] for one in drawn["object"]] == ["#table/series.csv", "#input/truth"]
    assert {one["@id"] for one in drawn["result"]} == {f"truth-nationalist.{ending}" for ending in ENDINGS}
    assert graph["#input/events"]["sha256"] == hashlib.sha256((first.place / "events.csv").read_bytes()).hexdigest()
    assert graph["#parameter/seed"]["value"] == 2024
    # The period of the study file, from its first to its last day.
    assert (graph["./"]["datePublished"], graph["./"]["temporalCoverage"]) == ("2025-03-31", "2024-12-01/2025-03-31")
    text = json.dumps(made)
    for table in ("series.csv", "confusion.csv"):
        assert hashlib.sha256((first.private / table).read_bytes()).hexdigest() not in text.replace(
            graph.get(table, {}).get("sha256", "-"), ""
        )
    assert str(first.place) not in text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crate = ROCrate(first.published)
    assert {one.id for one in crate.data_entities} == files
    assert str(crate.version) == "1.3"


def test_changed_events_touch_the_figures_with_event_lines_and_no_other(made: Made) -> None:
    assert made.stale() == set()
    events = made.place / "events.csv"
    events.write_text(events.read_text("utf-8").replace(",escalation,", ",deescalation,", 1), "utf-8")
    # What the events did is told by the stage before, in a table of its own.
    assert made.stale() == WITH_EVENT_LINES


def test_changed_truth_draws_its_figures_again_and_leaves_every_other_file(made: Made) -> None:
    before = contents(made.published)
    truth = made.place / "demo/truth.csv"
    assert "0.3" in truth.read_text("utf-8")
    truth.write_text(truth.read_text("utf-8").replace("0.3", "0.9"), "utf-8")
    again = draw_study(made.file, work=made.place / "out", figures=made.place / "figures")
    assert set(again.drawn) == TRUTH
    assert set(again.drawn) | set(again.kept) == EVERY
    after = contents(made.published)
    own = {f"{name}.{ending}" for name in TRUTH for ending in ENDINGS}
    assert {name for name in before if before[name] != after[name]} == own
    assert all(before[name][0] != after[name][0] for name in own if name.endswith((".svg", ".csv")))
    entries = json.loads((again.work / "ledger.json").read_text("utf-8"))
    assert {f"draw/{name}" for name in TRUTH} < set(entries)


@pytest.mark.parametrize(
    ("table", "dependent"),
    [
        ("series.csv", OF_SERIES | SLICES | SMOOTH | TRUTH),
        ("slices.csv", SLICES),
        ("smooth.csv", SMOOTH),
        ("effects.csv", {"effects", "event-1", "event-2"}),
        ("placebos.csv", {"event-1", "event-2"}),
        ("confusion.csv", {"confusion"}),
        ("calibration.csv", {"calibration"}),
        ("agreement.csv", {"agreement"}),
        ("coverage.csv", {"coverage"}),
        ("waves.csv", {"waves"}),
        ("words.csv", WORDS),
        ("corpus/posts.parquet", {"composition"}),
        ("labels.json", set()),
    ],
)
def test_a_changed_private_table_touches_its_figures_alone(made: Made, table: str, dependent: set[str]) -> None:
    with open(made.private / table, "ab") as file:
        file.write(b"\n")
    assert made.stale() == dependent


def test_a_figure_depends_on_the_settings_it_names_and_on_its_style(made: Made) -> None:
    text = made.file.read_text("utf-8")
    made.file.write_text(text.replace('every = "1mo"', 'every = "1w"'), "utf-8")
    assert made.stale() == {"composition", *TRUTH}
    made.file.write_text(text.replace("replicates = 20", "replicates = 30").replace("Demonstration:", "Demo:"), "utf-8")
    assert made.stale() == set()
    desk, ledger = made.desk(), Ledger(made.private / "ledger.json")
    assert not any(ledger.is_done(stage) for stage, _ in draw_units(desk, made.published, style="slides"))


def test_a_label_changed_by_hand_is_found_named_and_mended(made: Made) -> None:
    svg, table = made.published / "confusion.svg", made.published / "confusion.csv"
    lines = svg.read_text("utf-8").splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if "<path" in line)
    lines[at] = lines[at].replace("<path", '<path class="secret words"')
    svg.write_text("".join(lines), "utf-8")
    rows = table.read_text("utf-8").splitlines()
    rows[2] = rows[2].rsplit(",", 1)[0] + ",9999"
    table.write_text("\n".join(rows) + "\n", "utf-8")
    (made.published / "confusion.png").unlink()
    before = contents(made.published)
    code, said = typed(made, "--check", "--only", "confusion")
    assert code == 1
    assert said.splitlines() == [
        "confusion.csv (table) differs from line 3, in row.",
        "confusion.png (figure) is missing: the study makes it, and it is not there.",
        f"confusion.svg (figure) differs from line {at + 1}.",
        f"3 of {len(ENDINGS)} files differ; from the private tables as they are",
    ]
    assert "secret" not in said
    assert "9999" not in said
    assert contents(made.published) == before
    code, said = typed(made, "--only", "confusion", "--json")
    assert (code, json.loads(said)["drawn"], json.loads(said)["kept"]) == (0, ["confusion"], [])
    assert contents(made.published).keys() == before.keys() | {"confusion.png"}
    assert "secret" not in svg.read_text("utf-8")


def test_a_check_writes_nothing_and_a_stale_table_is_made_again_for_it(made: Made) -> None:
    with open(made.private / "waves.csv", "ab") as file:
        file.write(b"\n")
    before = {str(one): one.read_bytes() for one in made.place.rglob("*") if one.is_file()}
    found = check_study(made.file, work=made.place / "out", figures=made.place / "figures", only=("confusion",))
    assert found.equal
    assert (found.again, found.compared) == (("describe",), len(ENDINGS))
    assert {str(one): one.read_bytes() for one in made.place.rglob("*") if one.is_file()} == before
    assert [one.name for one in made.private.iterdir() if one.name.startswith(".")] == []


def test_slides_have_a_folder_of_their_own(made: Made) -> None:
    before = contents(made.published)
    places = {"work": made.place / "out", "figures": made.place / "figures", "only": ("confusion",)}
    done = draw_study(made.file, style="slides", **places)  # type: ignore[arg-type]
    assert done.figures == made.place / "figures/demo-slides"
    assert {one.name for one in done.figures.iterdir()} == {f"confusion.{ending}" for ending in ENDINGS}
    assert (done.figures / "confusion.svg").read_bytes() != (made.published / "confusion.svg").read_bytes()
    assert (done.figures / "confusion.csv").read_bytes() == (made.published / "confusion.csv").read_bytes()
    assert contents(made.published) == before


def test_what_is_not_there_is_said(made: Made) -> None:
    places = {"work": made.place / "out", "figures": made.place / "figures"}
    with pytest.raises(MissingData, match=r"no figures in 'demo-thesis' yet; make them with discourse figures"):
        check_study(made.file, style="thesis", **places)  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="style is 'poster'; it must be 'paper', 'slides' or 'thesis'"):
        draw_study(made.file, style="poster", **places)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="the study has no figure 'shares'; its figures are shares-nationalist, "):
        draw_study(made.file, only=("shares",), **places)  # type: ignore[arg-type]


def test_every_figure_has_a_name_of_its_own_that_is_no_file_of_the_page() -> None:
    names = [spec.name for spec in FIGURES]
    assert len(set(names)) == len(names)
    # The figure of effects carries the table of the page that it draws.
    assert {f"{name}.csv" for name in names} & set(PAGE_FILES) == {"effects.csv"}


def test_the_help_tells_the_exit_code() -> None:
    said = " ".join(CliRunner().invoke(cli, ["--help"]).output.split())
    assert "1 `figures --check` found a difference" in said
