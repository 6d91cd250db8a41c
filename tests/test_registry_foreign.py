"""Model files of strangers: sixteen hostile ones are refused and none runs; honest ones give what they gave."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io  # type: ignore[import-untyped]
import trusting_work
from scipy.sparse import load_npz, save_npz
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from discourse.errors import BadInput, MissingData
from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import save_model
from discourse.registry import foreign
from discourse.registry.foreign import ForeignModel, kind_of_file, load_foreign
from discourse.registry.limited import run_limited
from discourse.registry.skops_file import describe_skops, predict_skops

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process in all of this")
TEXTS = ["peace talks now", "defend our soil", "talk peace", "our soil", "rain today", "امن چاہیے"] * 3
VALUES = ["conciliatory", "nationalist", "conciliatory", "nationalist", "neither", "conciliatory"] * 3
ASKED = ["peace on our soil", "", "بارش", "soil soil"]
Change = Callable[[dict[str, Any], dict[str, bytes]], None]


def fitted(*steps: Any) -> Pipeline:
    return Pipeline([(f"s{at}", step) for at, step in enumerate(steps)]).fit(TEXTS, VALUES)


def dumped(model: Any, file: Path) -> Path:
    skops.io.dump(model, file)
    return file


def unpacked(file: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(members.pop("schema.json")), members


def repacked(file: Path, change: Change) -> Path:
    """A skops file with its schema or members changed by hand."""
    schema, members = unpacked(file)
    change(schema, members)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
        for name, data in members.items():
            archive.writestr(name, data)
    return file


def nodes(node: Any, key: str) -> Iterator[dict[str, Any]]:
    """Every mapping of attributes in a schema that has a key."""
    if isinstance(node, dict):
        if key in node and "__loader__" not in node:
            yield node
        for value in node.values():
            yield from nodes(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from nodes(value, key)


def attribute(key: str, value: Any) -> Change:
    """Put a node, or a plain value as one, in place of an attribute."""
    node = value if isinstance(value, dict) else scalar(value)

    def change(schema: dict[str, Any], _: dict[str, bytes]) -> None:
        found = list(nodes(schema, key))
        assert found, key
        for one in found:
            one[key] = node

    return change


def scalar(value: Any) -> dict[str, Any]:
    return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(value)}


def array(change: Callable[[np.ndarray], np.ndarray], key: str) -> Change:
    """Change the numbers of an attribute that is an array."""

    def changed(schema: dict[str, Any], members: dict[str, bytes]) -> None:
        name = next(nodes(schema, key))[key]["file"]
        out = io.BytesIO()
        np.save(out, change(np.load(io.BytesIO(members[name]))))
        members[name] = out.getvalue()

    return changed


class Runs:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.marker), "w"))


def plain_model() -> Pipeline:
    return fitted(TfidfVectorizer(), LogisticRegression())


def tree_with(child: int) -> Callable[[Path, Path], Path]:
    def made(file: Path, _: Path) -> Path:
        model = fitted(CountVectorizer(), DecisionTreeClassifier(random_state=0))
        tree = model[-1].tree_
        state = tree.__getstate__()
        state["nodes"]["left_child"][0] = child
        state["nodes"]["right_child"][0] = child
        tree.__setstate__(state)
        return dumped(model, file)

    return made


def with_sparse(file: Path, _: Path) -> Path:
    def far(schema: dict[str, Any], members: dict[str, bytes]) -> None:
        name = next(name for name in members if name.endswith(".npz"))
        held = load_npz(io.BytesIO(members[name]))
        held.indices[0] = 10**9
        out = io.BytesIO()
        save_npz(out, held)
        members[name] = out.getvalue()

    return repacked(dumped(fitted(CountVectorizer(), KNeighborsClassifier(2)), file), far)


def with_random_state(file: Path, _: Path) -> Path:
    model = fitted(TfidfVectorizer(), LogisticRegression(random_state=np.random.RandomState(1)))
    return repacked(dumped(model, file), attribute("pos", 2**30))


def with_loss(file: Path, _: Path) -> Path:
    def swap(schema: dict[str, Any], members: dict[str, bytes]) -> None:
        loss = next(nodes(schema, "_loss_function_"))["_loss_function_"]
        assert loss["__loader__"] == "LossNode"
        loss["__module__"], loss["__class__"] = "posix", "getpid"

    return repacked(dumped(fitted(TfidfVectorizer(), SGDClassifier(loss="log_loss")), file), swap)


def bomb(file: Path, _: Path) -> Path:
    """A member of 200 MiB in 200 kB."""
    dumped(plain_model(), file)
    schema, members = unpacked(file)
    name = next(nodes(schema, "coef_"))["coef_"]["file"]
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (200 * 2**17,)})
    members[name] = head.getvalue() + bytes(200 * 2**20)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", json.dumps(schema))
        for one, data in members.items():
            archive.writestr(one, data)
    assert file.stat().st_size < 2**20
    return file


def deep(file: Path, _: Path) -> Path:
    node = '{"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": ['
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", node[:-1].replace("{", '{"protocol": 2, ', 1) + "[" + node * 5000 + "]}" * 5001)
    return file


def mismatch(file: Path, marker: Path) -> Path:
    """An operator that is no operator, and a method whose object is another."""
    call = {
        "__class__": "system", "__module__": "os", "__loader__": "OperatorFuncNode",
        "attrs": {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode",
                  "content": [scalar(f"touch {marker}")]},
    }  # fmt: skip
    method = {
        "__class__": "str", "__module__": "builtins", "__loader__": "MethodNode",
        "content": {"func": "upper", "obj": call},
    }  # fmt: skip
    return repacked(dumped(plain_model(), file), attribute("tokenizer", method))


def named(*names: str) -> Callable[[Path, Path], Path]:
    """An archive with members of such names beside its own."""

    def made(file: Path, _: Path) -> Path:
        dumped(plain_model(), file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # zipfile says that a name is there twice
            with zipfile.ZipFile(file, "a") as archive:
                for name in names:
                    archive.writestr(name, "harm")
        return file

    return made


def changed(change: Change) -> Callable[[Path, Path], Path]:
    return lambda file, _: repacked(dumped(plain_model(), file), change)


def written(data: Callable[[Path], bytes]) -> Callable[[Path, Path], Path]:
    def made(file: Path, marker: Path) -> Path:
        file.write_bytes(data(marker))
        return file

    return made


def joblib_bytes(marker: Path) -> bytes:
    out = io.BytesIO()
    joblib.dump({"model": Runs(marker), "array": np.zeros(10)}, out)
    return out.getvalue()


def system_node(file: Path, marker: Path) -> Path:
    call = {
        "__class__": "partial", "__module__": "functools", "__loader__": "PartialNode",
        "content": {
            "func": {"__class__": "system", "__module__": "posix", "__loader__": "FunctionNode"},
            "args": {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode",
                     "content": [scalar(f"touch {marker}")]},
            "kwds": {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {},
                     "key_types": {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode",
                                   "content": []}},
            "namespace": scalar(None),
        },
    }  # fmt: skip
    return repacked(dumped(plain_model(), file), attribute("tokenizer", call))


# The hostile files of the reliability plan in its order; names are the file's, on purpose often a false one.
PART = "holds a function, a method, a tree, a random generator or another part that may do harm$"
OBJECT = "holds an object that is no plain text feature and no linear or Bayes classifier$"
HOSTILE: dict[str, tuple[str, Callable[[Path, Path], Path], str]] = {
    "reduce": ("m.pkl", written(lambda marker: pickle.dumps(Runs(marker))), "holds a pickle"),
    "system": ("m.skops", system_node, PART),
    "renamed": ("m.safetensors", written(lambda marker: pickle.dumps(Runs(marker), 2)), "holds a pickle"),
    "joblib": ("m.skops", written(joblib_bytes), "is a joblib file"),
    "random": ("m.skops", with_random_state, PART),
    "tree child": ("m.skops", tree_with(10**9), OBJECT),
    "tree loop": ("m.skops", tree_with(0), OBJECT),
    "csr": ("m.skops", with_sparse, r"a member that is no array \(a sparse matrix\)$"),
    "bomb": ("m.skops", bomb, "unpacks to more than 128 MiB"),
    "deep": ("m.skops", deep, "is nested deeper than any model is$"),
    "protocol": ("m.skops", changed(lambda schema, _: schema.update(protocol=999)), "is not of skops protocol 2"),
    "nan": ("m.skops", changed(array(lambda one: one * np.nan, "coef_")), "has a number that is not finite$"),
    "pattern": (
        "m.skops",
        changed(attribute("token_pattern", "(?:a+)+b")),
        "setting token_pattern that is not allowed",
    ),
    "loss": ("m.skops", with_loss, OBJECT),
    "mismatch": ("m.skops", mismatch, PART),
    "names twice": ("m.skops", named("schema.json"), "two of one name$"),
    "names absolute": ("m.skops", named("/tmp/harm.npy"), r"\(a path that leads out of it\)$"),
    "names above": ("m.skops", named("../harm.npy"), r"\(a path that leads out of it\)$"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_and_runs_nothing(what: str, tmp_path: Path) -> None:
    name, make, said = HOSTILE[what]
    marker = tmp_path / "ran"
    (tmp_path / "in").mkdir()
    file = make(tmp_path / "in" / name, marker)
    with pytest.raises(BadInput, match=rf"^{name} .*{said}"):
        load_foreign(file, allow_skops=True)
    assert not marker.exists()
    assert [one.name for one in (tmp_path / "in").iterdir()] == [name]
    with pytest.raises(BadInput, match=rf"^{name} "):
        load_foreign(file)
    assert not marker.exists()


def test_there_are_the_sixteen_of_the_plan() -> None:
    assert len(HOSTILE) == 16 + 2  # the last of them stands for three: a name twice, absolute, above


def test_the_pickles_do_run_where_they_are_opened(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Runs(tmp_path / "pickle"))).close()
    joblib.load(io.BytesIO(joblib_bytes(tmp_path / "joblib")))["model"].close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["joblib", "pickle"]


@pytest.mark.parametrize(
    ("make", "texts", "said"),
    [
        (tree_with(10**9), ["peace"], r"^crashed the process that opened it \(SIG"),
        (changed(attribute("token_pattern", "(?:a+)+b")), ["a" * 40], "seconds of the processor"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_would_pass_elsewhere_is_contained(
    make: Callable[[Path, Path], Path], texts: list[str], said: str, tmp_path: Path
) -> None:
    """So that the bounds hold even where a list of what is allowed has a hole."""
    file = make(tmp_path / "m.skops", tmp_path / "ran")
    with pytest.raises(BadInput, match=said):
        run_limited(trusting_work.predict, str(file), texts, memory=3 * 2**30, cpu_seconds=6, wall_seconds=100)


HONEST: dict[str, Callable[[], Pipeline]] = {
    "words": plain_model,
    "letters and words": lambda: fitted(
        FeatureUnion([("l", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))), ("w", CountVectorizer())]),
        LogisticRegression(class_weight={"neither": 2.0, "nationalist": 1.0, "conciliatory": 1.0}, random_state=3),
    ),
    "hashed": lambda: fitted(HashingVectorizer(alternate_sign=False, n_features=2**10), TfidfTransformer(),
                             Normalizer(), MultinomialNB()),
    "complement": lambda: fitted(CountVectorizer(stop_words=["our"]), ComplementNB()),
    "calibrated": lambda: fitted(TfidfVectorizer(token_pattern=r"\w+"), CalibratedClassifierCV(LinearSVC(), cv=2)),
}  # fmt: skip


@pytest.mark.parametrize("what", HONEST)
def test_an_honest_skops_file_gives_what_it_gave(what: str, tmp_path: Path) -> None:
    model = HONEST[what]()
    file = dumped(model, tmp_path / "m.skops")
    told = describe_skops(str(file))
    assert told["classes"] == model.classes_.tolist()
    made = predict_skops(str(file), told["sha256"], ASKED)["probabilities"]
    assert (made == model.predict_proba(ASKED)).all()


def test_a_skops_model_stays_in_its_process_and_is_pinned_to_its_bytes(tmp_path: Path) -> None:
    model = plain_model()
    file = dumped(model, tmp_path / "m.skops")
    made = load_foreign(file, allow_skops=True)
    assert isinstance(made, ForeignModel)
    assert made.classes_.tolist() == model.classes_.tolist()
    assert made.model_id == f"skops@{made.sha256[:16]}"
    assert made.predict(ASKED).tolist() == model.predict(ASKED).tolist()
    assert (made.predict([]).shape, made.predict_proba([]).shape) == ((0,), (0, 3))
    assert (made.predict_proba(iter(ASKED)) == model.predict_proba(ASKED)).all()
    dumped(fitted(CountVectorizer(), LogisticRegression()), file)
    with pytest.raises(BadInput, match=r"^m\.skops is another file than the one that was opened; open it again$"):
        made.predict_proba(ASKED)


def test_skops_is_opened_on_request_alone(tmp_path: Path) -> None:
    file = dumped(plain_model(), tmp_path / "m.skops")
    with pytest.raises(BadInput, match=r"^m\.skops is an archive: a skops file is opened with allow_skops=True"):
        load_foreign(file)


def test_a_model_of_this_package_is_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = FramingClassifier(seed=3, least=1).fit(TEXTS, VALUES)
    save_model(model, tmp_path / "m.pkl")
    monkeypatch.setattr(foreign, "run_limited", lambda *_, **__: pytest.fail("a process was started"))
    again = load_foreign(tmp_path / "m.pkl")
    assert isinstance(again, FramingClassifier)
    assert (again.predict_proba(ASKED) == model.predict_proba(ASKED)).all()


def more_bad() -> dict[str, Change]:
    """Changes of an honest file, each of which could run long, crash, lie or read what it should not."""
    objects = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode", "type": "json",
               "content": [{"__class__": "system", "__module__": "os", "__loader__": "TypeNode"}]}  # fmt: skip
    return {
        "file names as texts": attribute("input", "filename"),
        "a cache on the disk": attribute("memory", "cache"),
        "processes": attribute("n_jobs", 2),
        "all processors": attribute("n_jobs", -1),
        "true for a number": attribute("n_jobs", True),
        "an analyzer of one's own": attribute("analyzer", "os.system"),
        "long groups": attribute("ngram_range", {"__class__": "tuple", "__module__": "builtins",
                                                 "__loader__": "TupleNode", "content": [scalar(1), scalar(10**6)]}),
        "a column that is not there": attribute("peace", 10**9),
        "a column below 0": attribute("peace", -1),
        "a column that is no number": attribute("peace", "0"),
        "another scikit-learn": attribute("_sklearn_version", "1.2.0"),
        "an endless number": attribute("C", {**scalar(0), "content": "1e999"}),
        "no number": attribute("C", {**scalar(0), "content": "NaN"}),
        "a list as a value": attribute("C", {**scalar(0), "content": "[1]"}),
        "an array of types": attribute("classes_", objects),
        "an array of a member that is not there": attribute("classes_", {**objects, "type": "numpy", "file": "x.npy"}),
        "an endless coefficient": array(lambda one: one + np.inf, "coef_"),
        "too few coefficients": array(lambda one: one[:, :1], "coef_"),
        "classes that are numbers": array(lambda one: np.arange(3), "classes_"),
        "one class twice": array(lambda one: np.array(["a", "a", "b"]), "classes_"),
        "another class": lambda schema, _: schema.update(__class__="Popen", __module__="subprocess"),
        "a class of scikit-learn that is not listed": lambda schema, _: schema.update(
            __class__="FunctionTransformer", __module__="sklearn.preprocessing._function_transformer"),
        "no protocol": lambda schema, _: schema.pop("protocol"),
        "an older protocol": lambda schema, _: schema.update(protocol=1),
        "true for a protocol": lambda schema, _: schema.update(protocol=True),
        "an object without attributes": lambda schema, _: schema.pop("content"),
        "an unknown loader": lambda schema, _: schema.update(__loader__="ConstructorFromReduceNode"),
        "a pickle as a member": lambda _, members: members.update({"m.pkl": b"x"}),
        "bytes as a member": lambda _, members: members.update({"m.bin": b"x"}),
        "array cut short": lambda schema, members: members.update(
            {next(nodes(schema, "coef_"))["coef_"]["file"]: members[next(nodes(schema, "coef_"))["coef_"]["file"]][:-8]}
        ),
    }  # fmt: skip


@pytest.mark.parametrize("what", more_bad())
def test_what_is_no_plain_text_classifier_is_refused(what: str, tmp_path: Path) -> None:
    file = repacked(dumped(plain_model(), tmp_path / "m.skops"), more_bad()[what])
    with pytest.raises((BadInput, ValueError)) as caught:
        predict_skops(str(file), describe_skops(str(file))["sha256"], ASKED)
    if what != "too few coefficients":  # scikit-learn sees that itself, in the limited process
        assert caught.type is BadInput


def test_equal_ids_cannot_put_one_value_in_another_s_place(tmp_path: Path) -> None:
    """skops looks an id up before it looks at the node; here a node is what it says."""

    def same(schema: dict[str, Any], _: dict[str, bytes]) -> None:
        held = next(nodes(schema, "token_pattern"))
        held["encoding"] = {**scalar("utf-8"), "__id__": 1}
        held["token_pattern"] = {**scalar(r"\w+"), "__id__": 1}

    model = fitted(TfidfVectorizer(token_pattern=r"\w+"), LogisticRegression())
    file = repacked(dumped(model, tmp_path / "m.skops"), same)
    made = predict_skops(str(file), describe_skops(str(file))["sha256"], ASKED)["probabilities"]
    assert (made == model.predict_proba(ASKED)).all()


def test_a_key_twice_in_the_schema_is_refused(tmp_path: Path) -> None:
    file = dumped(plain_model(), tmp_path / "m.skops")
    schema, members = unpacked(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema).replace("{", '{"protocol": 2, ', 1))
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(BadInput, match=r"without a sound schema\.json"):
        describe_skops(str(file))


def npz() -> bytes:
    out = io.BytesIO()
    np.savez(out, a=np.zeros(2))
    return out.getvalue()


def npy(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, values, allow_pickle=True)
    return out.getvalue()


PICKLE = pickle.dumps({"a": np.zeros(3)})


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (pickle.dumps([1], 0), "pickle"), (pickle.dumps({"a": 1}, 1), "pickle"), (pickle.dumps([1], 3), "pickle"),
        (PICKLE, "pickle"), (b"cposix\nsystem\n(S'true'\ntR.", "pickle"),
        (gzip.compress(PICKLE, mtime=0), "joblib"), (zlib.compress(PICKLE), "joblib"),
        (zlib.compress(PICKLE, 1), "joblib"),
        (zlib.compress(PICKLE, 9), "joblib"), (bz2.compress(PICKLE), "joblib"), (lzma.compress(PICKLE), "joblib"),
        (lzma.compress(PICKLE, format=lzma.FORMAT_ALONE), "joblib"), (gzip.compress(b"text", mtime=0), "unknown"),
        (b"\x1f\x8bbroken", "unknown"), (npy(np.zeros(3)), "numpy"), (npy(np.array([{}], object)), "numpy objects"),
        (npz(), "zip"), (b"", "unknown"), (b".", "unknown"), (b"\x80", "unknown"), (b"hello", "unknown"),
        (b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ", "safetensors"), (b"\x89HDF\r\n", "unknown"),
    ],
)  # fmt: skip
def test_a_file_is_told_by_its_content(data: bytes, kind: str, tmp_path: Path) -> None:
    for name in ("model.safetensors", "model.pkl", "m"):
        (tmp_path / name).write_bytes(data)
        assert kind_of_file(tmp_path / name) == kind
    with pytest.raises(BadInput, match=r"^m "):
        load_foreign(tmp_path / "m")
    if kind not in ("safetensors", "zip"):
        with pytest.raises(BadInput, match=r"^m "):
            load_foreign(tmp_path / "m", allow_skops=True)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "_MAX_BYTES", 3)
    (tmp_path / "m").write_bytes(b"1234")
    with pytest.raises(BadInput, match="larger than 512 MiB"):
        load_foreign(tmp_path / "m", allow_skops=True)


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"^there is no model file 'm'; give the path of one$"):
        load_foreign(tmp_path / "m", allow_skops=True)
    with pytest.raises(MissingData):
        load_foreign(tmp_path)
