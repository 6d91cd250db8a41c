"""The manifest as an RO-Crate: a folder of figures that says, for machines too, what each file was made from.

RO-Crate 1.3 (https://w3id.org/ro/crate/1.3) with the profile Process Run Crate 0.6
(https://w3id.org/ro/wfrun/process/0.6): one JSON-LD file in the folder. Files that are not in the folder, as posts,
labels and private tables, are named without a path. Inputs carry size and SHA-256; private tables do not, since the
hash of a table with small cells would let one try out what is withheld. There is no time of day: a second run of the
same study gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePath
from typing import Any, Final
from urllib.parse import quote

from discourse.report.manifest import file_facts
from discourse.whole import write_whole

__all__ = ["CRATE", "CrateFigure", "CrateStudy", "crate", "write_crate"]

CRATE: Final = "ro-crate-metadata.json"
_SPECIFICATION: Final = "https://w3id.org/ro/crate/1.3"
_PROFILE: Final = "https://w3id.org/ro/wfrun/process/0.6"
_SOFTWARE: Final = "#discourse"
_RUN: Final = "#run"
_FORMATS: Final = {
    ".csv": "text/csv", ".html": "text/html", ".json": "application/json", ".jsonl": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet", ".pdf": "application/pdf", ".png": "image/png",
    ".safetensors": "application/octet-stream", ".svg": "image/svg+xml", ".toml": "application/toml",
    ".tsv": "text/tab-separated-values", ".txt": "text/plain", ".zip": "application/zip", ".zst": "application/zstd",
    ".gz": "application/gzip", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip

Entity = dict[str, Any]


@dataclass(frozen=True)
class CrateFigure:
    """A figure in the crate: its words, the names of its files, and what it was drawn from.

    `tables` are private tables by name, `inputs` roles of the record's inputs, like "events".
    """

    name: str
    title: str
    caption: str
    alt: str
    files: tuple[str, ...]
    tables: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class CrateStudy:
    """What the crate is about: `begin` and `end` are the first and last day that was measured.

    `license` is an SPDX identifier, or words where none was chosen.
    """

    title: str
    description: str
    begin: date
    end: date
    license: str


def crate(
    record: Mapping[str, Any],
    study: CrateStudy,
    folder: Path,
    files: Sequence[str],
    figures: Sequence[CrateFigure],
) -> dict[str, Any]:
    """The metadata of a folder, ready for JSON.

    `record` is what `manifest` gave, `files` are the names of files in the folder that are not of a figure. Raises
    `MissingData` for a file that is not there.

    >>> from discourse.report.manifest import manifest
    >>> record = manifest({}, {}, parameters={"every": "1w"}, model="m1", seed=7, code="")
    >>> study = CrateStudy("Talk", "Made up.", date(2025, 1, 1), date(2025, 1, 31), "BSD-3-Clause")
    >>> made = crate(record, study, Path(), [], [])
    >>> [entity["@id"] for entity in made["@graph"]][:3]
    ['ro-crate-metadata.json', './', 'https://w3id.org/ro/wfrun/process/0.6']
    """
    told = {name: figure for figure in figures for name in figure.files}
    data = [_data(folder, name, told.get(name)) for name in sorted({*files, *told})]
    tables = sorted({name for figure in figures for name in figure.tables})
    inputs = list(_inputs(record))
    settings = list(_settings(record))
    model = {"@id": "#model", "@type": "CreativeWork", "name": record["model"],
             "description": "The classifier of framing: fitted by this run, kept private."}  # fmt: skip
    run = {
        "@id": _RUN, "@type": "CreateAction", "name": f"{study.title}: from posts to tables and page",
        "description": "discourse run STUDY.toml", "instrument": _to(_SOFTWARE),
        "object": _all([*inputs, *settings]),
        "result": [*_all([{"@id": _table(name)} for name in tables]), _to("#model"), *map(_to, map(quote, files))],
    }  # fmt: skip
    drawn = [_drawing(figure) for figure in figures]
    root = _root(study, data, [run, *drawn])
    descriptor = {"@id": CRATE, "@type": "CreativeWork", "about": _to("./"), "conformsTo": _to(_SPECIFICATION)}
    profile = {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.6"}
    graph = [descriptor, root, profile, *_license(study), *_software(record), run, *drawn, *data, *inputs, *settings,
             *map(_private, tables), model]  # fmt: skip
    return {"@context": f"{_SPECIFICATION}/context", "@graph": graph}


def write_crate(folder: str | Path, made: Mapping[str, Any]) -> Path:
    """Write what `crate` gave into its folder; returns the path. Raises `UsageError` when it cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_crate(folder, {"@graph": []}).read_text())
    {
      "@graph": []
    }
    """
    text = json.dumps(made, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return write_whole(Path(folder) / CRATE, f"{text}\n".encode())


def _root(study: CrateStudy, data: Sequence[Entity], actions: Sequence[Entity]) -> Entity:
    return {
        "@id": "./", "@type": "Dataset", "name": study.title, "description": study.description,
        "datePublished": study.end.isoformat(),
        "temporalCoverage": f"{study.begin.isoformat()}/{study.end.isoformat()}",
        "license": _to(_license_id(study)) if _is_spdx(study.license) else study.license,
        "conformsTo": _to(_PROFILE), "hasPart": _all(data), "mentions": _all(actions),
    }  # fmt: skip


def _license(study: CrateStudy) -> list[Entity]:
    if not _is_spdx(study.license):
        return []
    return [{"@id": _license_id(study), "@type": "CreativeWork", "name": study.license, "identifier": study.license,
             "description": f"The licence that SPDX lists as {study.license}."}]  # fmt: skip


def _license_id(study: CrateStudy) -> str:
    return f"https://spdx.org/licenses/{study.license}"


def _is_spdx(license_: str) -> bool:
    return bool(license_) and " " not in license_


def _software(record: Mapping[str, Any]) -> Iterator[Entity]:
    """The package, its source by hash, Python, and the packages under it."""
    package = record["package"]
    needed = [("python", "Python", record["python"])]
    needed += [(name, name, version) for name, version in sorted(record["versions"].items())]
    parts = [
        {"@id": f"#software/{quote(short)}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}
        for short, name, version in needed
    ]
    source = {"@id": "#source", "@type": "PropertyValue", "name": "SHA-256 of the package's files",
              "propertyID": "sha256", "value": package["source_sha256"]}  # fmt: skip
    yield {"@id": _SOFTWARE, "@type": "SoftwareApplication", "name": package["name"],
           "softwareVersion": package["version"], "identifier": _to("#source"),
           "softwareRequirements": _all(parts)}  # fmt: skip
    yield source
    yield from parts


def _inputs(record: Mapping[str, Any]) -> Iterator[Entity]:
    """What was read, by role: name, size and hash; the files themselves are not in the folder."""
    for role, facts in sorted(record["inputs"].items()):
        yield {"@id": _input(role), "@type": "CreativeWork", "name": facts["name"], "contentSize": str(facts["bytes"]),
               "sha256": facts["sha256"], "encodingFormat": _format(facts["name"]),
               "description": f"Read as {role}; not in this folder."}  # fmt: skip


def _settings(record: Mapping[str, Any]) -> Iterator[Entity]:
    """The seed and every parameter, each as a value with a name."""
    for name, value in sorted({**_flat(record["parameters"]), "seed": record["seed"]}.items()):
        plain = value if isinstance(value, str | bool | int | float) else json.dumps(value, ensure_ascii=False)
        yield {"@id": f"#parameter/{quote(name)}", "@type": "PropertyValue", "name": name, "value": plain}


def _flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, part in value.items():
        made |= _flat(part, f"{before}{key}.") if isinstance(part, Mapping) else {f"{before}{key}": part}
    return made


def _drawing(figure: CrateFigure) -> Entity:
    sources = [*map(_table, figure.tables), *map(_input, figure.inputs)]
    return {
        "@id": f"#draw/{quote(figure.name)}", "@type": "CreateAction", "name": f"Drawing of {figure.name}",
        "description": f"discourse figures STUDY.toml --only {figure.name}", "instrument": _to(_SOFTWARE),
        "object": [_to(source) for source in sources], "result": [_to(quote(name)) for name in figure.files],
    }  # fmt: skip


def _data(folder: Path, name: str, figure: CrateFigure | None) -> Entity:
    facts = file_facts(name, folder / name)
    made = {"@id": quote(name), "@type": "File", "name": name, "contentSize": str(facts["bytes"]),
            "sha256": facts["sha256"], "encodingFormat": _format(name)}  # fmt: skip
    if figure is None:
        return made
    words = "The rows behind the figure." if name.endswith(".csv") else figure.alt
    return {**made, "name": f"{figure.title} ({PurePath(name).suffix[1:]})", "description": figure.caption,
            "abstract": words}  # fmt: skip


def _private(name: str) -> Entity:
    return {"@id": _table(name), "@type": "CreativeWork", "name": name,
            "description": "A private table of the run. It holds posts or small cells: it is neither in this folder, "
            "nor is its hash."}  # fmt: skip


def _table(name: str) -> str:
    return f"#table/{quote(name)}"


def _input(role: str) -> str:
    return f"#input/{quote(role)}"


def _format(name: str) -> str:
    return _FORMATS.get(PurePath(name).suffix.lower(), "application/octet-stream")


def _to(identifier: str) -> dict[str, str]:
    return {"@id": identifier}


def _all(entities: Sequence[Entity]) -> list[dict[str, str]]:
    return [_to(entity["@id"]) for entity in entities]
