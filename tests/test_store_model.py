"""A model on disk: the same bytes, the same probabilities, and nothing else gets in."""

from __future__ import annotations

import ast
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from discourse.corpus.posts import Corpus
from discourse.errors import BadInput, MissingData
from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import load_model, save_model

PACKAGE = Path(__file__).resolve().parents[1] / "discourse"
TEXTS = pl.Series(["defend our soil", "revenge now", "peace talks now", "we want dialogue", "rain"])
VALUES = pl.Series(["nationalist", "nationalist", "conciliatory", "conciliatory", "neither"])
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def model() -> FramingClassifier:
    return FramingClassifier(seed=3, c=2.0, max_iter=500).fit_texts(TEXTS, VALUES)


@pytest.fixture(scope="module")
def saved(model: FramingClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("model") / "model.zip"
    save_model(model, file)
    return file


def members(file: Path) -> Members:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(file: Path, inside: Members) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in inside.items():
            archive.writestr(name, data)
    return file


def array(values: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values), **options)
    return buffer.getvalue()


def test_a_round_trip_gives_the_same_bits(tiny_model: FramingClassifier, tiny_measured: Corpus, tmp_path: Path) -> None:
    save_model(tiny_model, tmp_path / "m.zip")
    again = load_model(tmp_path / "m.zip")
    assert again == tiny_model
    assert again.predict(tiny_measured).table.equals(tiny_model.predict(tiny_measured).table)


@pytest.mark.parametrize("rows", [slice(0, 4), slice(0, 5)])
def test_two_frames_come_back_as_two(tmp_path: Path, rows: slice) -> None:
    model = FramingClassifier(seed=1).fit_texts(TEXTS[rows], VALUES[rows])
    save_model(model, tmp_path / "m.zip")
    asked = pl.Series(["peace on our soil", "", "نیا"])
    assert (load_model(tmp_path / "m.zip").probabilities(asked) == model.probabilities(asked)).all()


def test_settings_and_id_come_back(saved: Path, model: FramingClassifier) -> None:
    again = load_model(saved)
    assert (again.seed, again.c, again.max_iter, again.model_id) == (3, 2.0, 500, model.model_id)


def test_the_same_model_gives_the_same_bytes(saved: Path, model: FramingClassifier, tmp_path: Path) -> None:
    save_model(model, tmp_path / "again.zip")
    save_model(load_model(saved), tmp_path / "loaded.zip")
    refitted = FramingClassifier(seed=3, c=2.0, max_iter=500).fit_texts(TEXTS, VALUES)
    save_model(refitted, tmp_path / "refitted.zip")
    for name in ("again", "loaded", "refitted"):
        assert (tmp_path / f"{name}.zip").read_bytes() == saved.read_bytes(), name


def test_the_file_holds_arrays_and_plain_json(saved: Path) -> None:
    inside = members(saved)
    assert set(inside) == {"model.json", "coef.npy", "intercept.npy", "idf_word.npy", "idf_char.npy"}
    assert json.loads(inside["model.json"])["format"] == "discourse-framing-1"
    for name, data in inside.items():
        if name.endswith(".npy"):
            assert np.load(io.BytesIO(data), allow_pickle=False).dtype == np.dtype("<f8")


def test_an_untrained_model_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        save_model(FramingClassifier(seed=1), tmp_path / "m.zip")
    assert not (tmp_path / "m.zip").exists()


def test_a_model_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"train one with `discourse train STUDY.toml`$"):
        load_model(tmp_path / "none.zip")


def test_a_model_packed_by_other_hands_is_read(saved: Path, tmp_path: Path, model: FramingClassifier) -> None:
    """So that the refusals below are of what was changed, not of the packing."""
    again = load_model(packed(tmp_path / "m.zip", members(saved)))
    assert (again.probabilities(TEXTS) == model.probabilities(TEXTS)).all()


def card(change: Callable[[dict[str, Any]], Any]) -> Callable[[Members], None]:
    def apply(inside: Members) -> None:
        made = json.loads(inside["model.json"])
        change(made)
        inside["model.json"] = json.dumps(made).encode()

    return apply


def put(name: str, data: bytes) -> Callable[[Members], None]:
    return lambda inside: inside.update({name: data})


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Members], None]:
    def apply(inside: Members) -> None:
        inside[name] = array(change(np.load(io.BytesIO(inside[name]))))

    return apply


def with_nan(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values.flat[0] = np.nan
    return values


HUGE = (
    b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,), }".ljust(117)
    + b"\n"
)
BAD: dict[str, Callable[[Members], Any]] = {
    "extra member": put("extra.txt", b""),
    "member missing": lambda inside: inside.pop("intercept.npy"),
    "pickled array": put("coef.npy", array([{"a": 1}], allow_pickle=True)),
    "pickle for json": put("model.json", pickle.dumps({"format": "discourse-framing-1"})),
    "a number that is none": changed("coef.npy", with_nan),
    "endless idf": changed("idf_word.npy", lambda a: a * np.inf),
    "coef too narrow": changed("coef.npy", lambda a: a[:, 1:]),
    "coef of one frame less": changed("coef.npy", lambda a: a[1:]),
    "single precision": changed("coef.npy", lambda a: a.astype("<f4")),
    "intercepts too few": changed("intercept.npy", lambda a: a[1:]),
    "short vocabulary": card(lambda c: c["vocabulary"]["word"].pop()),
    "vocabulary shifted between blocks": card(lambda c: c["vocabulary"]["word"].append(c["vocabulary"]["char"].pop())),
    "a word twice": card(lambda c: c["vocabulary"]["word"].__setitem__(0, c["vocabulary"]["word"][1])),
    "no vocabulary": card(lambda c: c.pop("vocabulary")),
    "vocabulary of nothing": card(lambda c: c.update(vocabulary=None)),
    "an unknown frame": card(lambda c: c["classes"].__setitem__(0, "both-ish")),
    "frames out of order": card(lambda c: c["classes"].reverse()),
    "a frame twice": card(lambda c: c["classes"].__setitem__(1, c["classes"][0])),
    "one frame": card(lambda c: c.update(classes=["both"])),
    "another format": card(lambda c: c.update(format="discourse-framing-2")),
    "c that is none": card(lambda c: c["settings"].update(c=float("nan"))),
    "c below 0": card(lambda c: c["settings"].update(c=-4.0)),
    "endless seed": card(lambda c: c["settings"].update(seed=float("inf"))),
    "no iterations": card(lambda c: c["settings"].update(max_iter=0)),
    "a list for the card": put("model.json", b"[]"),
    "no json": put("model.json", b"{"),
    "deep json": put("model.json", b"[" * 100_000),
    "a header that promises too much": put("coef.npy", HUGE),
    "no array": put("coef.npy", b"hello"),
    "an empty array file": put("coef.npy", b""),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_model_is_refused(saved: Path, tmp_path: Path, what: str) -> None:
    inside = members(saved)
    BAD[what](inside)
    file = packed(tmp_path / "bad.zip", inside)
    with pytest.raises(BadInput) as caught:
        load_model(file)
    assert str(caught.value).startswith("bad.zip is not a model written by this package (")


@pytest.mark.parametrize("data", [b"", b"PK", b"hello", pickle.dumps([1, 2])])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(BadInput):
        load_model(tmp_path / "bad.zip")


def test_an_archive_that_would_swell_is_refused_unread(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(len(data) for data in members(saved).values())
    monkeypatch.setattr("discourse.framing.store._MAX_BYTES", size)
    load_model(saved)
    monkeypatch.setattr("discourse.framing.store._MAX_BYTES", size - 1)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("read before the size was checked"))
    with pytest.raises(BadInput):
        load_model(saved)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**9), st.integers(1, 255))
def test_a_damaged_byte_is_refused_or_changes_nothing(
    saved: Path, model: FramingClassifier, tmp_path: Path, where: int, change: int
) -> None:
    data = bytearray(saved.read_bytes())
    data[where % len(data)] ^= change
    (tmp_path / "bad.zip").write_bytes(data)
    try:
        again = load_model(tmp_path / "bad.zip")
    except BadInput:
        return
    assert (again.probabilities(TEXTS) == model.probabilities(TEXTS)).all()


FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "print", "joblib.load", "np.load"}


def unsafe(source: str) -> list[str]:
    """Imports and calls that no module of the package may have; np.load only where pickles are off."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names if one.name.split(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module] if (node.module or "").split(".")[0] in FORBIDDEN_MODULES else []
            found += ["joblib.load"] if node.module == "joblib" and any(n.name == "load" for n in node.names) else []
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            off = any(k.arg == "allow_pickle" and ast.unparse(k.value) == "False" for k in node.keywords)
            found += [name] if name in FORBIDDEN_CALLS and not (name == "np.load" and off) else []
    return found


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_no_module_runs_what_it_reads(file: Path) -> None:
    assert unsafe(file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", ["pickle"]),
        ("def f():\n    from pickle import loads", ["pickle"]),
        ("import os, pickle as p", ["pickle"]),
        ("from joblib import load", ["joblib.load"]),
        ("joblib.load('a')", ["joblib.load"]),
        ("x = eval('1')", ["eval"]),
        ("exec('1')", ["exec"]),
        ("print(1)", ["print"]),
        ("np.load('a')", ["np.load"]),
        ("np.load('a', allow_pickle=True)", ["np.load"]),
        ("np.load('a', allow_pickle=False)", []),
        ("model.evaluate(1); self.print(2); 'pickle'", []),
    ],
)
def test_the_rule_bites(source: str, found: list[str]) -> None:
    assert unsafe(source) == found
