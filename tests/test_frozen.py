"""Freezing a study: what counts as a decision, which were taken before anybody looked, and that nobody can cheat."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import ROOT
from discourse.errors import BadInput, MeaningError, UsageError
from discourse.study.config import Study
from discourse.study.frozen import Freeze, compared, decisions, freeze, read_freezes

SIDES = """
sides = ["pakistan", "afghanistan"]
[timezone]
pakistan = "Asia/Karachi"
afghanistan = "Asia/Kabul"
[[rule]]
basis = "country"
codes = { PK = "pakistan", AF = "afghanistan" }
"""
NEW_YEAR, LATER = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
STUDY = """
[study]
name = "small"
title = "A title"
seed = 7
[corpus]
files = ["posts.jsonl"]
[sides]
file = "sides.toml"
[labels]
file = "labels.csv"
codebook = "codebook.toml"
[measure]
every = "1w"
begin = 2025-01-01T00:00:00+05:00
end = 2025-03-01T00:00:00+05:00
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("posts.jsonl", "sides.toml", "labels.csv", "codebook.toml"):
        (tmp_path / name).write_text(f"# {name}\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def study(folder: Path, *changes: tuple[str, str]) -> Study:
    text = STUDY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return Study.from_toml(folder / "study.toml")


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ('every = "1w"', 'every = "1d"', {"measure.every"}),
        ("begin = 2025-01-01", "begin = 2025-01-02", {"measure.begin"}),
        ("seed = 7", "seed = 8", {"seed"}),
        ("[measure]", '[population]\nkinds = ["original"]\n[measure]', {"population.kinds"}),
        ("[measure]", "[measure]\nforce = true", {"measure.force"}),
        ("[measure]", "[classifier]\nc = 1.0\n[measure]", {"classifier.c"}),
        ("A title", "Another title", set()),
        # The same instant by another clock is no other decision.
        ("end = 2025-03-01T00:00:00+05:00", "end = 2025-02-28T19:00:00Z", set()),
    ],
)
def test_each_setting_that_can_turn_a_result_is_a_decision(folder: Path, old: str, new: str, moved: set[str]) -> None:
    before, after = decisions(study(folder)), decisions(study(folder, (old, new)))
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == moved


def test_rules_in_other_files_count_by_what_is_in_them(folder: Path) -> None:
    before = decisions(study(folder))
    (folder / "sides.toml").write_text("# other rules\n", encoding="utf-8")
    (folder / "labels.csv").write_text("# more labels\n", encoding="utf-8")
    after = decisions(study(folder))
    assert {name for name in before if before[name] != after[name]} == {"sides.sha256"}


def test_what_was_decided_before_looking_after_it_and_never(folder: Path) -> None:
    file = folder / "frozen.json"
    freeze(study(folder), file, looked=False, now=NEW_YEAR)
    freeze(study(folder, ('every = "1w"', 'every = "1d"')), file, looked=True, now=LATER)
    now = decisions(study(folder, ('every = "1w"', 'every = "1d"'), ("seed = 7", "seed = 8"))) | {"new": "1"}
    made = dict(compared(read_freezes(file), now).select("decision", "decided").rows())
    assert made["measure.every"] == "after"
    assert made["measure.begin"] == "before"
    assert made["seed"] == "changed since"
    assert made["new"] == "never frozen"
    assert set(compared((), now)["decided"]) == {"never frozen"}


def test_a_value_that_came_back_was_not_held() -> None:
    def one(value: str, *, looked: bool) -> Freeze:
        return Freeze(NEW_YEAR, looked, {"every": value})

    there_and_back = [one("1", looked=False), one("2", looked=True), one("1", looked=True)]
    assert compared(there_and_back, {"every": "1"})["decided"].to_list() == ["after"]
    kept = [one("1", looked=False), one("1", looked=True)]
    assert compared(kept, {"every": "1"})["decided"].to_list() == ["before"]
    dropped = compared(kept, {})
    assert dropped.select("frozen", "now", "decided").row(0) == ("1", None, "changed since")


def test_freezes_are_read_back_and_form_a_chain(folder: Path) -> None:
    file = folder / "frozen.json"
    first = freeze(study(folder), file, looked=False, now=NEW_YEAR)
    second = freeze(study(folder, ("seed = 7", "seed = 8")), file, looked=True, now=LATER)
    assert read_freezes(file) == (first, second)
    assert (first.previous, second.previous) == ("", first.hash)
    with pytest.raises(MeaningError, match=r"^nothing has changed since the freeze of 2025-02-01 00:00 UTC; there is"):
        freeze(study(folder, ("seed = 7", "seed = 8")), file, looked=True)


@pytest.mark.parametrize("key", ["at", "looked", "previous", "decisions"])
def test_a_freeze_that_was_changed_by_hand_is_found(folder: Path, key: str) -> None:
    file = folder / "frozen.json"
    freeze(study(folder), file, looked=True, now=NEW_YEAR)
    freeze(study(folder, ("seed = 7", "seed = 8")), file, looked=True, now=LATER)
    content = json.loads(file.read_text("utf-8"))
    other = {"at": LATER.isoformat(), "looked": False, "previous": "0", "decisions": {"seed": "9"}}[key]
    content["freezes"][0][key] = other
    if key == "at":  # even when its own hash is made anew, the next one does not follow from it
        content["freezes"][0]["hash"] = Freeze(LATER, True, content["freezes"][0]["decisions"]).hash
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(
        BadInput, match=r"^the file of freezes 'frozen.json' cannot be trusted: the freeze of 2025-0.* was"
    ):
        read_freezes(file)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": "x", "freezes": []}', '{"format": 1, "freezes": [{}]}']
)
def test_another_file_is_no_file_of_freezes(tmp_path: Path, content: str) -> None:
    (tmp_path / "frozen.json").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match="it is not what discourse freeze writes; take it back from version control"):
        read_freezes(tmp_path / "frozen.json")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, None),
        ({"event": "talks"}, r"^event of hypothesis 'H1' is 'talks'; it must be '2024-12-24-barmal'"),
        ({"side": "india"}, r"^side of hypothesis 'H1' is 'india'; it must be 'pakistan' or 'afghanistan'"),
        ({"measure": "net-tone-gap"}, r"^side of hypothesis 'H1' is 'pakistan'; it must be 'pakistan\|afghanistan'"),
        ({"measure": "conciliatory"}, r"^measure of hypothesis 'H1' is 'conciliatory'; it must be 'nationalist' or"),
    ],
)
def test_a_hypothesis_is_about_what_the_study_has(folder: Path, changed: dict[str, str], message: str | None) -> None:
    for name, text in (("sides.toml", SIDES), ("events.csv", (ROOT / "corpora" / "events.csv").read_text("utf-8"))):
        (folder / name).write_text(text, encoding="utf-8")
    said = {"id": "H1", "says": "x", "measure": "nationalist", "side": "pakistan", "event": "2024-12-24-barmal",
            "direction": "up", **changed}  # fmt: skip
    written = "[[hypotheses]]\n" + "".join(f'{key} = "{value}"\n' for key, value in said.items())
    bare = ("[measure]", f"{written}[measure]")
    with_events = ("[measure]", f'[events]\nfile = "events.csv"\n{written}[measure]')
    if message is None:
        made = study(folder, with_events)
        assert [one.id for one in made.hypotheses] == ["H1"]
        assert "hypotheses.H1" in decisions(made)
        with pytest.raises(UsageError, match=r"^a hypothesis is about an event, and the study names no \[events\]"):
            study(folder, bare)
        return
    with pytest.raises(UsageError, match=message):
        study(folder, with_events)


def test_the_command_freezes_and_knows_whether_a_series_was_there(folder: Path) -> None:
    def frozen(*more: str) -> dict[str, object]:
        asked = [sys.executable, "-c", "from discourse.cli import main; main()", "freeze", str(folder / "study.toml")]
        done = subprocess.run(
            [*asked, "--work", str(folder / "out"), "--json"], capture_output=True, text=True, check=True
        )
        return dict(json.loads(done.stdout))

    assert frozen()["looked"] is False
    (folder / "out" / "small").mkdir(parents=True)
    (folder / "out" / "small" / "series.csv").write_text("window\n", encoding="utf-8")
    study(folder, ("seed = 7", "seed = 8"))
    assert frozen()["looked"] is True
    made = read_freezes(Study.from_toml(folder / "study.toml").frozen)
    assert [one.looked for one in made] == [False, True]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("12")), max_size=5), st.sampled_from("12"))
def test_before_means_an_unbroken_run_from_a_freeze_without_a_look(made: list[tuple[bool, str]], now: str) -> None:
    freezes = [Freeze(NEW_YEAR, looked, {"every": value}) for looked, value in made]
    found = compared(freezes, {"every": now})["decided"].item()
    run = []
    for looked, value in reversed(made):
        if value != now:
            break
        run.append(looked)
    expected = "never frozen" if not made else "changed since" if not run else "after" if all(run) else "before"
    assert found == expected
