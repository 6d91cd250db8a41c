"""Folders of encoders: what may be read, and what is refused before any library sees it."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from discourse.errors import BadInput, MissingData, UsageError
from discourse.framing.weights import checked_folder, extra


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tiny"
    (made / "1_Dense").mkdir(parents=True)
    save_file({"embeddings": np.zeros((2, 2))}, made / "model.safetensors")
    (made / "config.json").write_text(json.dumps({"hidden_act": "gelu", "architectures": ["BertModel"]}), "utf-8")
    modules = [{"idx": 0, "type": "sentence_transformers.models.Transformer"}]
    (made / "modules.json").write_text(json.dumps(modules), "utf-8")
    (made / "1_Dense" / "config.json").write_text(
        json.dumps({"activation_function": "torch.nn.modules.activation.Tanh"}), "utf-8"
    )
    (made / "README.md").write_text("a card", "utf-8")
    return made


def test_safetensors_and_their_settings_are_read(folder: Path) -> None:
    assert checked_folder(folder) == folder
    assert checked_folder(str(folder)) == folder


@pytest.mark.parametrize(
    "name",
    [
        "pytorch_model.bin",
        "model.PT",
        "a.pth",
        "a.pkl",
        "1_Dense/pytorch_model.bin",
        "a.ckpt",
        "modeling.py",
        "a.so",
    ],
)
def test_pickles_and_code_are_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"{}")
    with pytest.raises(BadInput) as caught:
        checked_folder(folder)
    assert str(caught.value) == (
        f"{Path(name).name} in the folder 'tiny' can run code when it is read; keep safetensors weights and their "
        "settings there, nothing else"
    )


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "notes.txt"])
def test_pickles_are_refused_by_content(folder: Path, name: str, protocol: int) -> None:
    (folder / name).write_bytes(pickle.dumps({"a": 1}, protocol))
    with pytest.raises(BadInput, match=r"can run code when it is read"):
        checked_folder(folder)


def test_an_archive_under_another_name_is_refused(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"PK\x03\x04data.pkl")
    with pytest.raises(BadInput, match=r"weights\.safetensors in the folder 'tiny' can run code"):
        checked_folder(folder)


@pytest.mark.parametrize(
    ("file", "held", "said"),
    [
        ("modules.json", [{"type": "os.system"}], "modules.json in the folder 'tiny' asks for the class 'os.system'"),
        ("1_Dense/config.json", {"activation_function": "antigravity.fly"}, "asks for the class 'antigravity.fly'"),
        ("config.json", {"auto_map": {"AutoModel": "own.Own"}}, "the encoder brings code of its own (auto_map)"),
        ("config.json", {"a": [{"b": {"auto_map": {}}}]}, "the encoder brings code of its own (auto_map)"),
    ],
)
def test_classes_of_other_libraries_are_refused(folder: Path, file: str, held: object, said: str) -> None:
    (folder / file).write_text(json.dumps(held), "utf-8")
    with pytest.raises(BadInput) as caught:
        checked_folder(folder)
    assert said in str(caught.value)


def test_what_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"^there is no folder 'none'; name a folder on this machine"):
        checked_folder(tmp_path / "none")
    with pytest.raises(MissingData, match=r"^there is no folder 'config\.json'"):
        checked_folder(folder / "config.json")
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadInput, match=r"^the folder 'tiny' holds no safetensors weights; save the encoder as"):
        checked_folder(folder)
    (folder / "config.json").write_text("{", "utf-8")
    (folder / "model.safetensors").write_bytes(b"\x00")
    with pytest.raises(BadInput, match=r"^config\.json is no JSON file$"):
        checked_folder(folder)


def test_a_library_that_is_absent_says_what_to_type() -> None:
    assert extra("json", "embeddings") is json
    with pytest.raises(UsageError) as caught:
        extra("no_such_library", "transformers")
    assert str(caught.value) == (
        "this encoder needs no_such_library, which is not installed; type pip install 'discourse[transformers]'"
    )
