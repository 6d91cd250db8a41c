"""The crate: JSON-LD that stands by itself, with each file, input, setting and derivation, and nothing of a machine."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from rocrate.rocrate import ROCrate

from discourse.errors import MissingData
from discourse.measure.timeline import Plan
from discourse.report.crate import CrateFigure, CrateStudy, crate, write_crate
from discourse.report.manifest import manifest

STUDY = CrateStudy("Talk of two countries", "Made up.", date(2025, 1, 6), date(2025, 3, 30), "BSD-3-Clause")


def build(place: Path, study: CrateStudy = STUDY) -> dict[str, Any]:
    """A crate of one figure and one table in place/made, from two inputs beside it."""
    folder = place / "made"
    folder.mkdir(parents=True)
    (place / "posts 1.jsonl.zst").write_bytes(b"peace\n")
    (place / "events.csv").write_bytes(b"event_id\n")
    for name in ("shares up.svg", "shares up.csv", "series.csv", "report.html"):
        (folder / name).write_bytes(name.encode())
    record = manifest(
        {"posts 1": place / "posts 1.jsonl.zst", "events": place / "events.csv"}, {},
        parameters={"plan": Plan(), "where": place / "posts 1.jsonl.zst", "weights": ("author", "post")},
        model="linear@1", seed=7, code="",
    )  # fmt: skip
    figure = CrateFigure("shares up", "Shares", "What the shares did.", "A line that rises.",
                         ("shares up.svg", "shares up.csv"), ("series.csv",), ("events",))  # fmt: skip
    made = crate(record, study, folder, ["series.csv", "report.html"], [figure])
    write_crate(folder, made)
    return made


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Any]:
    return build(tmp_path)


def entities(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entity["@id"]: entity for entity in made["@graph"]}


def references(value: Any) -> Iterator[str]:
    """Every @id that an entity points to."""
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        else:
            for key, one in value.items():
                if key != "@id":
                    yield from references(one)


def test_it_is_flat_json_ld_with_a_descriptor_and_a_root(made: dict[str, Any], tmp_path: Path) -> None:
    assert json.loads((tmp_path / "made/ro-crate-metadata.json").read_text("utf-8")) == made
    assert set(made) == {"@context", "@graph"}
    assert made["@context"] == "https://w3id.org/ro/crate/1.3/context"
    graph = entities(made)
    assert len(graph) == len(made["@graph"])
    assert graph["ro-crate-metadata.json"] == {
        "@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.3"},
    }  # fmt: skip
    root = graph["./"]
    assert root["@type"] == "Dataset"
    assert root["conformsTo"] == {"@id": "https://w3id.org/ro/wfrun/process/0.6"}
    assert (root["name"], root["description"]) == ("Talk of two countries", "Made up.")
    assert (root["datePublished"], root["temporalCoverage"]) == ("2025-03-30", "2025-01-06/2025-03-30")
    assert graph[root["license"]["@id"]]["name"] == "BSD-3-Clause"
    assert all(entity["@type"] and isinstance(entity["@type"], str) for entity in made["@graph"])
    assert all(not isinstance(value, dict) or set(value) == {"@id"} for one in made["@graph"] for value in one.values())


def test_every_reference_leads_somewhere_and_every_entity_is_led_to(made: dict[str, Any]) -> None:
    graph = entities(made)
    pointed = {one for entity in made["@graph"] for one in references(entity)}
    assert pointed - set(graph) == {"https://w3id.org/ro/crate/1.3"}
    assert set(graph) - pointed == {"ro-crate-metadata.json"}


def test_every_file_is_there_with_its_size_and_hash(made: dict[str, Any], tmp_path: Path) -> None:
    graph = entities(made)
    parts = [one["@id"] for one in graph["./"]["hasPart"]]
    assert parts == ["report.html", "series.csv", "shares%20up.csv", "shares%20up.svg"]
    for part in parts:
        content = (tmp_path / "made" / unquote(part)).read_bytes()
        assert graph[part]["@type"] == "File"
        assert graph[part]["sha256"] == hashlib.sha256(content).hexdigest()
        assert graph[part]["contentSize"] == str(len(content))
    assert [graph[part]["encodingFormat"] for part in parts] == ["text/html", "text/csv", "text/csv", "image/svg+xml"]
    assert graph["shares%20up.svg"]["abstract"] == "A line that rises."
    assert graph["shares%20up.svg"]["description"] == "What the shares did."


def test_actions_link_software_sources_and_results(made: dict[str, Any]) -> None:
    graph = entities(made)
    assert graph["./"]["mentions"] == [{"@id": "#run"}, {"@id": "#draw/shares%20up"}]
    run, draw = graph["#run"], graph["#draw/shares%20up"]
    assert {run["@type"], draw["@type"]} == {"CreateAction"}
    assert run["instrument"] == draw["instrument"] == {"@id": "#discourse"}
    assert graph["#discourse"]["@type"] == "SoftwareApplication"
    assert [one["@id"] for one in draw["object"]] == ["#table/series.csv", "#input/events"]
    assert [one["@id"] for one in draw["result"]] == ["shares%20up.svg", "shares%20up.csv"]
    assert {one["@id"] for one in run["result"]} == {"#table/series.csv", "#model", "series.csv", "report.html"}
    asked = {one["@id"] for one in run["object"]}
    assert asked >= {"#input/events", "#input/posts%201", "#parameter/seed", "#parameter/plan.every"}


def test_inputs_settings_and_software_are_told(made: dict[str, Any]) -> None:
    graph = entities(made)
    posts = graph["#input/posts%201"]
    assert (posts["name"], posts["contentSize"]) == ("posts 1.jsonl.zst", "6")
    assert posts["sha256"] == hashlib.sha256(b"peace\n").hexdigest()
    assert posts["encodingFormat"] == "application/zstd"
    assert graph["#parameter/seed"]["value"] == 7
    assert graph["#parameter/plan.every"]["value"] == "1w"
    assert graph["#parameter/weights"]["value"] == '["author", "post"]'
    assert graph["#parameter/where"]["value"] == "posts 1.jsonl.zst"
    assert re.fullmatch("[0-9a-f]{64}", graph["#source"]["value"])
    assert graph["#discourse"]["identifier"] == {"@id": "#source"}
    needed = {graph[one["@id"]]["name"] for one in graph["#discourse"]["softwareRequirements"]}
    assert needed >= {"Python", "numpy", "polars", "matplotlib"}
    assert graph["#software/numpy"]["softwareVersion"][0].isdigit()


def test_a_private_table_has_a_name_and_nothing_that_could_be_tried_out(made: dict[str, Any]) -> None:
    assert set(entities(made)["#table/series.csv"]) == {"@id", "@type", "name", "description"}


def test_another_place_gives_the_same_bytes_without_a_path_or_a_time(tmp_path: Path) -> None:
    places = (tmp_path / "one", tmp_path / "two")
    for place in places:
        build(place)
    one, other = ((place / "made/ro-crate-metadata.json").read_bytes() for place in places)
    assert one == other
    assert str(tmp_path).encode() not in one
    assert re.findall(rb"\d\d:\d\d", one) == []


def test_a_library_for_crates_reads_it_without_a_warning(made: dict[str, Any], tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = ROCrate(tmp_path / "made")
    assert str(read.version) == "1.3"
    assert read.name == "Talk of two countries"
    assert {one.id for one in read.data_entities} == {one["@id"] for one in entities(made)["./"]["hasPart"]}
    action = read.dereference("#draw/shares%20up")
    assert action["instrument"]["softwareVersion"] == "0.1.0"
    assert [one["name"] for one in action["object"]] == ["series.csv", "events.csv"]


def test_where_no_licence_was_chosen_it_says_so(tmp_path: Path) -> None:
    words = "The authors have chosen no licence; ask them."
    made = build(tmp_path, CrateStudy(STUDY.title, "", STUDY.begin, STUDY.end, words))
    assert entities(made)["./"]["license"] == words
    assert not [one for one in entities(made) if one.startswith("https://spdx.org")]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    record = manifest({}, {}, parameters={}, model="", seed=1, code="")
    with pytest.raises(MissingData, match=r"'gone\.csv'"):
        crate(record, STUDY, tmp_path, ["gone.csv"], [])
