"""A model on disk: the same bytes, the same probabilities, and nothing else gets in."""

from __future__ import annotations

import ast
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from sklearn.exceptions import NotFittedError

from discourse.corpus.posts import Corpus
from discourse.errors import BadInput, MissingData, UsageError
from discourse.framing import store
from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import load_model, save_model

PACKAGE = Path(__file__).resolve().parents[1] / "discourse"
TEXTS = ["defend our soil", "revenge now", "peace talks now", "we want dialogue", "rain"]
VALUES = ["nationalist", "nationalist", "conciliatory", "conciliatory", "neither"]
Arrays = dict[str, np.ndarray]
Card = dict[str, Any]


@pytest.fixture(scope="module")
def model() -> FramingClassifier:
    return FramingClassifier(seed=3, c=2.0, least=1).fit(TEXTS, VALUES)


@pytest.fixture(scope="module")
def saved(model: FramingClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(model, file)
    return file


def unpacked(file: Path) -> tuple[Card, Arrays]:
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    card = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["card"])
    card.pop("digest")
    return card, load(content)


def packed(file: Path, card: Any, arrays: Arrays) -> Path:
    """A file with a right checksum, whatever is in it."""
    file.write_bytes(save(arrays, metadata={"card": store._sealed(card, arrays)}))
    return file


def test_a_round_trip_gives_the_same_bits(tiny_model: FramingClassifier, tiny_measured: Corpus, tmp_path: Path) -> None:
    save_model(tiny_model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.get_params() == tiny_model.get_params()
    assert again.predict(tiny_measured).table.equals(tiny_model.predict(tiny_measured).table)


SETTINGS: list[dict[str, Any]] = [
    {}, {"beside": ()}, {"beside": ("language", "bank"), "names": "mask"}, {"latent": 3}, {"latent": 2, "beside": ()},
]  # fmt: skip


@pytest.mark.parametrize("given", SETTINGS, ids=str)
@pytest.mark.parametrize("rows", [slice(0, 4), slice(0, 5)])
def test_settings_classes_and_id_come_back(tmp_path: Path, rows: slice, given: dict[str, Any]) -> None:
    model = FramingClassifier(seed=1, c=0.5, least=1, abstain_below=0.25, **given).fit(TEXTS[rows], VALUES[rows])
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert (again.get_params(), again.model_id) == (model.get_params(), model.model_id)
    asked = ["peace on our soil", "", "نیا"]
    assert (again.predict_proba(asked) == model.predict_proba(asked)).all()
    assert again.classes_.tolist() == model.classes_.tolist()
    assert again.dense_names == model.dense_names
    save_model(again, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


def test_public_names_are_stored_as_hashes(tmp_path: Path) -> None:
    texts = [f"@demo_party number {at}" for at in range(12)] + ["rain", "snow"]
    model = FramingClassifier(seed=1, least=1).fit(texts, ["a"] * 12 + ["b"] * 2)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    asked = ["@demo_party", "@nobody"]
    assert (again.predict_proba(asked) == model.predict_proba(asked)).all()
    assert again.predict_proba(asked)[0, 0] > again.predict_proba(asked)[1, 0]
    assert b"demo" not in (tmp_path / "m").read_bytes()


def recalibrated(kind: str) -> FramingClassifier:
    """A classifier calibrated on a later slice."""
    texts, values = TEXTS * 240, VALUES * 240
    model = FramingClassifier(seed=1, least=1, calibration=kind, latent=2).fit(texts, values)
    return model.calibrate([f"{text} {at % 7}" for at, text in enumerate(texts)], values[1:] + values[:1])


@pytest.mark.parametrize("kind", ["temperature", "isotonic"])
def test_a_calibration_comes_back_to_the_bit(tmp_path: Path, kind: str) -> None:
    model = recalibrated(kind)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    asked = [*TEXTS, "peace on our soil", ""]
    assert (again.isotonic_ is None) == (kind == "temperature")
    assert (again.predict_proba(asked) == model.predict_proba(asked)).all()
    assert again.model_id == model.model_id


def test_a_model_whose_settings_were_changed_is_not_written(model: FramingClassifier, tmp_path: Path) -> None:
    for change in ({"beside": ("bank",)}, {"latent": 5}):
        changed = copy(model).set_params(**change)
        with pytest.raises(UsageError, match="settings of this FramingClassifier were changed after it was trained"):
            save_model(changed, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_the_same_model_gives_the_same_bytes(saved: Path, model: FramingClassifier, tmp_path: Path) -> None:
    save_model(model, tmp_path / "again")
    save_model(load_model(saved), tmp_path / "loaded")
    save_model(FramingClassifier(seed=3, c=2.0, least=1).fit(TEXTS, VALUES), tmp_path / "refitted")
    for name in ("again", "loaded", "refitted"):
        assert (tmp_path / name).read_bytes() == saved.read_bytes(), name


def test_the_file_holds_no_word_of_its_training_posts(saved: Path) -> None:
    content = saved.read_bytes()
    for word in {word for text in TEXTS for word in text.split() if len(word) > 3}:
        assert word.encode() not in content
        assert word.encode("utf-32-le") not in content


def test_an_untrained_model_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        save_model(FramingClassifier(seed=1), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_model_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"train one with `discourse train STUDY.toml`$"):
        load_model(tmp_path / "none")


def test_a_model_packed_by_other_hands_is_read(saved: Path, tmp_path: Path, model: FramingClassifier) -> None:
    """So that the refusals below are of what was changed, not of the packing."""
    again = load_model(packed(tmp_path / "m", *unpacked(saved)))
    assert (again.predict_proba(TEXTS) == model.predict_proba(TEXTS)).all()


def put(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Card, Arrays], Any]:
    return lambda card, arrays: arrays.update({name: np.ascontiguousarray(change(arrays[name].copy()))})


def with_nan(values: np.ndarray) -> np.ndarray:
    values.flat[0] = np.nan
    return values


def with_far(values: np.ndarray) -> np.ndarray:
    values[-1] = 2**30
    return values


def setting(name: str, value: Any) -> Callable[[Card, Arrays], Any]:
    return lambda card, arrays: card["settings"].update({name: value})


BAD: dict[str, Callable[[Card, Arrays], Any]] = {
    "extra array": lambda card, arrays: arrays.update(more=np.zeros(2)),
    "array missing": lambda card, arrays: arrays.pop("intercept"),
    "a number that is none": put("weights", with_nan),
    "endless idf": put("words.idf", lambda a: a * np.inf),
    "weights too narrow": put("weights", lambda a: a[:, 1:]),
    "weights of one class less": put("weights", lambda a: a[1:]),
    "single precision": put("weights", lambda a: a.astype(np.float32)),
    "intercepts too few": put("intercept", lambda a: a[1:]),
    "a column out of range": put("words.columns", with_far),
    "a column below 0": put("words.columns", lambda a: a - 2**20),
    "columns twice": put("words.columns", np.zeros_like),
    "idf too short": put("letters.idf", lambda a: a[1:]),
    "temperature of 0": put("temperature", lambda a: a * 0),
    "two temperatures": put("temperature", lambda a: np.ones(2)),
    "no dense columns": put("dense", lambda a: a[:, :0]),
    "columns of no spread": put("beside.spread", lambda a: a * 0),
    "a spread missing": lambda card, arrays: arrays.pop("beside.spread"),
    "centres too few": put("beside.center", lambda a: a[:3]),
    "a centre that is none": put("beside.center", with_nan),
    "names that are no hashes": put("beside.public", lambda a: np.array([-1])),
    "a hash too large": put("beside.public", lambda a: np.array([2**48])),
    "names out of order": put("beside.public", lambda a: np.array([2, 1])),
    "names that are floats": put("beside.public", lambda a: a.astype(np.float64)),
    "a name without a weight": put("beside.public", lambda a: np.array([7])),
    "names and a mask": lambda card, arrays: (
        put("beside.public", lambda a: np.array([7]))(card, arrays),
        put("dense", lambda a: np.hstack([a, a[:, :1]]))(card, arrays),
        setting("names", "mask")(card, arrays),
    ),
    "directions that no setting asks for": lambda card, arrays: arrays.update(
        {"latent.basis": np.zeros((2, 2), np.float32)}
    ),
    "directions that are missing": setting("latent", 2),
    "calibration of one array": lambda card, arrays: arrays.update({"isotonic.x": np.zeros(2)}),
    "other columns": setting("beside", ["bank"]),
    "columns of an unknown kind": setting("beside", ["bank", "lexicon", "script", "age"]),
    "columns that are no list": setting("beside", "bank"),
    "columns that are numbers": setting("beside", [1]),
    "names neither public nor masked": setting("names", "open"),
    "a latent of half a direction": setting("latent", 0.5),
    "a latent that is a yes": setting("latent", True),
    "an unknown calibration": setting("calibration", "platt"),
    "classes out of order": lambda card, arrays: card["classes"].reverse(),
    "a class twice": lambda card, arrays: card["classes"].__setitem__(1, card["classes"][0]),
    "one class": lambda card, arrays: card.update(classes=["both"]),
    "classes that are numbers": lambda card, arrays: card.update(classes=[1, 2, 3]),
    "another family": lambda card, arrays: card.update(format="other-1"),
    "a format that is a number": lambda card, arrays: card.update(format=3),
    "no settings": lambda card, arrays: card.pop("settings"),
    "c that is none": setting("c", float("nan")),
    "c below 0": setting("c", -4.0),
    "a seed that is no number": setting("seed", "7"),
    "a setting too many": setting("code", "import os"),
    "no threshold": setting("abstain_below", 1.0),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_model_is_refused(saved: Path, tmp_path: Path, what: str) -> None:
    card, arrays = unpacked(saved)
    BAD[what](card, arrays)
    with pytest.raises(BadInput, match=r"^bad"):
        load_model(packed(tmp_path / "bad", card, arrays))


def rising(card: Card, arrays: Arrays, **changed: np.ndarray) -> None:
    """Isotonic lines of 2 knots for the first class and of none for the others, but for what is changed."""
    x, y = np.array([0.1, 0.9]), np.array([0.0, 1.0])
    made = {"x": x, "y": y, "knots": np.array([2] + [0] * (len(card["classes"]) - 1), np.int32), **changed}
    arrays.update({f"isotonic.{name}": array for name, array in made.items()})


@pytest.mark.parametrize(
    "changed",
    [{"x": np.array([0.9, 0.1])}, {"x": np.array([0.5, 0.5])}, {"x": np.array([0.1, 1.1])}, {"y": np.array([1.0, 0.5])},
     {"y": np.array([0.0, np.nan])}, {"y": np.array([-0.1, 1.0])}, {"y": np.array([0.0])},
     {"x": np.array([0.1, 0.9], np.float32)}, {"knots": np.array([2, 0], np.int32)},
     {"knots": np.array([3, -1, 0], np.int32)}, {"knots": np.array([1, 0, 0], np.int32)}],
    ids=str,
)  # fmt: skip
def test_lines_that_do_not_rise_are_refused(saved: Path, tmp_path: Path, changed: Arrays) -> None:
    card, arrays = unpacked(saved)
    rising(card, arrays)
    assert load_model(packed(tmp_path / "good", card, arrays)).isotonic_ is not None
    rising(card, arrays, **changed)
    with pytest.raises(BadInput, match=r"^bad: the calibration of the model is made of no rising lines"):
        load_model(packed(tmp_path / "bad", card, arrays))


@pytest.mark.parametrize(
    "change",
    [lambda a: a[:, :1], lambda a: a[1:], lambda a: a.astype(np.float64), lambda a: a * np.float32("nan")],
    ids=["too few", "too short", "double", "nan"],
)
def test_directions_that_do_not_fit_are_refused(tmp_path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    save_model(FramingClassifier(seed=1, least=1, latent=2).fit(TEXTS, VALUES), tmp_path / "m")
    card, arrays = unpacked(tmp_path / "m")
    put("latent.basis", change)(card, arrays)
    with pytest.raises(BadInput, match=r"^bad: the latent directions of the model do not fit"):
        load_model(packed(tmp_path / "bad", card, arrays))


@pytest.mark.parametrize("version", [1, 2, 4])
def test_a_file_of_another_version_says_so(saved: Path, tmp_path: Path, version: int) -> None:
    card, arrays = unpacked(saved)
    card["format"] = f"discourse-framing-{version}"
    with pytest.raises(BadInput) as caught:
        load_model(packed(tmp_path / "old", card, arrays))
    assert str(caught.value) == (
        f"old: it is a model of the format 'discourse-framing-{version}', this version reads 'discourse-framing-3'; "
        "train it again"
    )


class Runs:
    """Writes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.file), "w"))


def test_pickles_run_nothing_under_any_name(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    attack = pickle.dumps(Runs(ran))
    with zipfile.ZipFile(tmp_path / "z.safetensors", "w") as archive:
        archive.writestr("model.pkl", attack)
    array = io.BytesIO()
    np.save(array, np.array([Runs(ran)], object), allow_pickle=True)
    for name, data in (("m.safetensors", attack), ("m.npz", array.getvalue()), ("m.joblib", b"\x80\x04" + attack)):
        (tmp_path / name).write_bytes(data)
    for file in ("m.safetensors", "m.npz", "m.joblib", "z.safetensors"):
        with pytest.raises(BadInput):
            load_model(tmp_path / file)
    assert not ran.exists()
    pickle.loads(attack).close()
    assert ran.exists()


def header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"hello", b"\x00" * 7, header(b"{}"), header(b"[]"), header(b"{}", 2**60), header(b"[" * 100_000),
     header(b'{"__metadata__": {"card": "[]"}}'), header(b'{"__metadata__": {"card": "{}"}}'),
     header(b'{"a": {"dtype": "F64", "shape": [999999999999], "data_offsets": [0, 8]}}')],
)  # fmt: skip
def test_what_is_no_model_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad").write_bytes(data)
    with pytest.raises(BadInput, match=r"^bad is not a model written by this package"):
        load_model(tmp_path / "bad")


def test_a_file_too_large_is_refused_unread(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_MAX_BYTES", saved.stat().st_size)
    load_model(saved)
    monkeypatch.setattr(store, "_MAX_BYTES", saved.stat().st_size - 1)
    monkeypatch.setattr(Path, "read_bytes", lambda *_: pytest.fail("read before the size was checked"))
    with pytest.raises(BadInput, match="larger than 512 MiB"):
        load_model(saved)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**9), st.integers(1, 255))
def test_a_damaged_byte_is_refused_or_changes_nothing(
    saved: Path, model: FramingClassifier, tmp_path: Path, where: int, change: int
) -> None:
    data = bytearray(saved.read_bytes())
    data[where % len(data)] ^= change
    (tmp_path / "bad").write_bytes(data)
    try:
        again = load_model(tmp_path / "bad")
    except BadInput:
        return
    assert (again.predict_proba(TEXTS) == model.predict_proba(TEXTS)).all()


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
