"""Two folders compared: every difference is found and named, and no content is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from discourse.study.figure_compare import Difference, differences

TABLE = b"window,side,share\n2025-01,a,0.5\n2025-02,a,0.25\n"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """What lies there, and the same made again."""
    for name in ("there", "made"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "a.csv").write_bytes(TABLE)
        (tmp_path / name / "a.svg").write_bytes(b"<svg>\n<path/>\n</svg>\n")
        (tmp_path / name / "a.png").write_bytes(b"\x89PNG\r\n")
        (tmp_path / name / "deep" / "page.html").write_bytes(b"<p>\n</p>\n")
        (tmp_path / name / "m.json").write_bytes(b'{"seed": 7, "inputs": {"posts": 1, "labels": 2}}')
    return tmp_path / "there", tmp_path / "made"


def said(folders: tuple[Path, Path]) -> list[str]:
    return [str(one) for one in differences(*folders)]


def test_equal_folders_have_no_difference(folders: tuple[Path, Path]) -> None:
    assert differences(*folders) == ()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", TABLE.replace(b"0.25", b"0.75"), "a.csv (table) differs from line 3, in share"),
        ("a.csv", TABLE.replace(b"02,a,0.25", b"03,b,0.25"), "a.csv (table) differs from line 3, in window, side"),
        ("a.csv", TABLE.replace(b"share", b"secret"), "a.csv (table) differs from line 1, the names of its columns"),
        ("a.csv", TABLE.replace(b"01,a", b"01,a,secret"), "a.csv (table) differs from line 2"),
        ("a.csv", TABLE + b"secret,a,1\n",
         "a.csv (table) differs from line 4: it has more lines than the study makes"),
        ("a.csv", TABLE[: TABLE.index(b"2025-02")],
         "a.csv (table) differs from line 3: it has fewer lines than the study makes"),
        ("a.csv", TABLE.replace(b"\n", b"\r\n"), "a.csv (table) differs in how its lines end"),
        ("a.csv", TABLE[:-1], "a.csv (table) differs in how its lines end"),
        ("a.csv", b"\xff" + TABLE[1:], "a.csv (table) differs from line 1, the names of its columns"),
        ("a.svg", b"<svg>\n<path secret/>\n</svg>\n", "a.svg (figure) differs from line 2"),
        ("a.png", b"\x89PNG\r\nsecret", "a.png (figure) differs"),
        ("deep/page.html", b"<p>\n", "deep/page.html (text) differs from line 2"),
        ("m.json", b'{"seed": 8, "inputs": {"posts": 1, "labels": 3}}',
         "m.json (text) differs in seed, inputs.labels"),
        ("m.json", b'{"seed": 7, "inputs": {"posts": 1}}', "m.json (text) differs in inputs.labels"),
        ("m.json", b'{"seed": 7, "inputs": {"posts": 1, "labels": 2}, "secret": 1}',
         "m.json (text) differs from line 1"),
        ("m.json", b"secret", "m.json (text) differs from line 1"),
        ("old.svg", b"secret", "old.svg (figure) is extra: the study does not make it; move it elsewhere"),
    ],
)  # fmt: skip
def test_a_change_is_named_by_place_and_not_by_content(
    folders: tuple[Path, Path], name: str, content: bytes, sentence: str
) -> None:
    (folders[0] / name).write_bytes(content)
    assert said(folders) == [sentence]
    assert "secret" not in sentence
    assert "0.75" not in sentence


def test_what_is_missing_is_said_in_order_of_names(folders: tuple[Path, Path]) -> None:
    (folders[0] / "m.json").unlink()
    (folders[0] / "a.png").unlink()
    assert said(folders) == [
        "a.png (figure) is missing: the study makes it, and it is not there",
        "m.json (text) is missing: the study makes it, and it is not there",
    ]
    assert [one.state for one in differences(*folders)] == ["missing", "missing"]


def test_a_crate_is_told_apart_by_its_entities(folders: tuple[Path, Path]) -> None:
    one = b'{"@graph": [{"@id": "./", "name": "x"}, {"@id": "a.csv", "sha256": "1", "name": "t"}]}'
    (folders[1] / "c.json").write_bytes(one)
    (folders[0] / "c.json").write_bytes(one.replace(b'"1"', b'"2"').replace(b'"x"', b'"y"'))
    assert said(folders) == ["c.json (text) differs in ./.name, a.csv.sha256"]


def test_of_many_parts_the_first_are_named(folders: tuple[Path, Path]) -> None:
    (folders[1] / "c.json").write_bytes(b'{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1}')
    (folders[0] / "c.json").write_bytes(b"{}")
    assert said(folders) == ["c.json (text) differs in a, b, c, d and 2 more"]


def test_files_of_a_desktop_are_left_out_and_some_may_be_asked_for(folders: tuple[Path, Path]) -> None:
    (folders[0] / ".DS_Store").write_bytes(b"x")
    (folders[0] / ".ipynb_checkpoints").mkdir()
    (folders[0] / ".ipynb_checkpoints" / "a.csv").write_bytes(b"x")
    assert differences(*folders) == ()
    (folders[0] / "a.csv").write_bytes(b"x")
    (folders[0] / "a.png").write_bytes(b"x")
    assert differences(*folders, among={"a.png"}) == (Difference("a.png", "figure", "differs"),)
