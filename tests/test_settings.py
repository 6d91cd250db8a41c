"""TOML files written by hand: what is wrong with one is said in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from discourse.errors import BadInput, MissingData, UsageError
from discourse.settings import only_keys, read_toml, table_list, word, word_list


def test_a_toml_file_comes_back_as_its_tables(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('id = "ا"\n[[rule]]\nbasis = "country"\n', encoding="utf-8")
    assert read_toml(tmp_path / "a.toml", "sides file") == {"id": "ا", "rule": [{"basis": "country"}]}


def test_a_folder_or_an_absent_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="there is no codebook"):
        read_toml(tmp_path, "codebook")
    with pytest.raises(MissingData, match="there is no codebook"):
        read_toml(tmp_path / "none.toml", "codebook")


@pytest.mark.parametrize("content", [b"id = ", b'id = "\xff"', b"id = 1\nid = 2\n", "id = 1".encode("utf-16")])
def test_what_is_not_toml_is_refused_by_name_without_its_folder(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.toml").write_bytes(content)
    with pytest.raises(BadInput, match=r"^the codebook 'bad\.toml' is not TOML: ") as error:
        read_toml(tmp_path / "bad.toml", "codebook")
    assert str(tmp_path) not in str(error.value)


def test_an_unknown_key_is_named_with_the_nearest_known_one() -> None:
    with pytest.raises(UsageError) as error:
        only_keys({"level": 1, "vaule": 2}, ("name", "level", "value"), "variable 'frame'")
    assert str(error.value) == (
        "a key of variable 'frame' is 'vaule'; it must be 'name', 'level' or 'value'. Did you mean 'value'?"
    )


def test_a_word_where_a_table_belongs_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^rule 1 is str; it must be a table"):
        only_keys("country", ("basis",), "rule 1")


@pytest.mark.parametrize("value", ["", "  ", 1, None, ["a"]])
def test_a_word_must_be_a_word(value: object) -> None:
    with pytest.raises(UsageError, match="rule 1 has side = "):
        word({"side": value}, "side", "rule 1")


def test_an_absent_word_is_named() -> None:
    with pytest.raises(UsageError) as error:
        word({}, "side", "rule 1")
    assert str(error.value) == "rule 1 has no 'side'; write side = \"...\""


@pytest.mark.parametrize("value", ["pk_*", ["a", 1], ["a", " "], {"a": "b"}])
def test_a_list_of_words_must_be_one(value: object) -> None:
    with pytest.raises(UsageError, match="files of rule 1 must be a list of words"):
        word_list({"files": value}, "files", "rule 1")


def test_an_absent_list_is_empty() -> None:
    assert word_list({}, "files", "rule 1") == ()


@pytest.mark.parametrize("value", [None, [], {"basis": "x"}, ["country"]])
def test_tables_must_be_there(value: object) -> None:
    with pytest.raises(UsageError, match=r"^the file has no \[\[rule\]\]; it needs at least one$"):
        table_list({"rule": value}, "rule", "the file")
