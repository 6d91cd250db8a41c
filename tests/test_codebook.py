"""The codebook file and what is refused in one."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from discourse.errors import BadInput, MissingData, SchemaError, UsageError
from discourse.labels.codebook import Codebook
from discourse.schema import FRAMES

SHIPPED = Path(__file__).resolve().parents[1] / "corpora" / "codebook.toml"
SMALL = """
id = "framing"
version = 3
unit = "one post"
[[variable]]
name = "frame"
level = "nominal"
[[variable.value]]
value = "b"
definition = "B"
[[variable.value]]
value = "a"
definition = "A"
include = ["this"]
[[variable.value.example]]
lang = "en"
text = "made up"
kind = "borderline"
why = "so that there is one"
[[variable]]
name = "heat"
level = "interval"
[[variable.value]]
value = "0"
definition = "cold"
[[variable.value]]
value = "1.5"
definition = "warm"
"""


def written(folder: Path, text: str = SMALL, old: str = "", new: str = "") -> Path:
    assert not old or old in text
    path = folder / "book.toml"
    path.write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    return path


def test_values_keep_the_order_of_the_file_and_all_parts_arrive(tmp_path: Path) -> None:
    book = Codebook.from_toml(written(tmp_path))
    assert book.values("frame") == ("b", "a")
    assert (book.level("frame"), book.level("heat")) == ("nominal", "interval")
    assert book.identity == "framing@3"
    assert repr(book) == "Codebook(framing@3: frame nominal b/a, heat interval 0/1.5)"
    second = book.variable("frame").values[1]
    assert (second.definition, second.include, second.exclude) == ("A", ("this",), ())
    example = second.examples[0]
    assert (example.lang, example.text, example.kind, example.why) == (
        "en",
        "made up",
        "borderline",
        "so that there is one",
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("unit =", "units =", "a key of the codebook is 'units'; .* Did you mean 'unit'?"),
        ("level =", "levl =", "a key of variable 'frame' is 'levl'; .* Did you mean 'level'?"),
        ("definition =", "defintion =", "a key of value 'b' of 'frame' is 'defintion'; .* Did you mean 'definition'?"),
        ("why =", "wy =", "a key of an example of value 'a' of 'frame' is 'wy'; .* Did you mean 'why'?"),
        ('"nominal"', '"nominl"', "level of variable 'frame' is 'nominl'; .* Did you mean 'nominal'?"),
        ('lang = "en"', 'lang = "eng"', "lang of an example of value 'a' of 'frame' is 'eng'; .*"),
        ('"borderline"', '"maybe"', "kind of an example of value 'a' of 'frame' is 'maybe'; .*"),
        ('value = "a"', 'value = "b"', "values of variable 'frame' name 'b' more than once; each must be there once"),
        ('name = "heat"', 'name = "frame"', "variables of the codebook name 'frame' more than once; .*"),
        ('"1.5"', '"warm"', "variable 'heat' is interval and has the value 'warm'; its values must be numbers"),
        ("version = 3", "version = 0", "version of the codebook is 0; it must be a whole number from 1"),
        ("version = 3", "version = true", "version of the codebook is True; it must be a whole number from 1"),
        ("version = 3", 'version = "3"', "version of the codebook is '3'; it must be a whole number from 1"),
        ('id = "framing"', "", "the codebook has no 'id'; .*"),
        ('definition = "B"', "", "value 'b' of 'frame' has no 'definition'; .*"),
    ],
)
def test_what_is_impossible_is_named(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=f"^{sentence}$".replace("?$", r"\?$")):
        Codebook.from_toml(written(tmp_path, old=old, new=new))


def test_a_codebook_without_variables_or_a_variable_without_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the codebook has no \[\[variable\]\]"):
        Codebook.from_toml(written(tmp_path, 'id = "f"\nversion = 1\nunit = "u"\n'))
    with pytest.raises(UsageError, match=r"variable 'v' has no \[\[value\]\]"):
        Codebook.from_toml(
            written(tmp_path, 'id = "f"\nversion = 1\nunit = "u"\n[[variable]]\nname="v"\nlevel="nominal"\n')
        )


def test_files_that_are_not_there_or_no_toml(tmp_path: Path) -> None:
    with pytest.raises(MissingData):
        Codebook.from_toml(tmp_path / "none.toml")
    with pytest.raises(BadInput):
        Codebook.from_toml(written(tmp_path, "id = \n"))


def test_an_unknown_variable_is_named(tmp_path: Path) -> None:
    book = Codebook.from_toml(written(tmp_path))
    for ask in (book.values, book.level, book.variable):
        with pytest.raises(
            SchemaError, match=r"variable is 'frames'; it must be 'frame' or 'heat'. Did you mean 'frame'"
        ):
            ask("frames")


def test_the_shipped_codebook_has_the_frames_of_the_schema() -> None:
    book = Codebook.from_toml(SHIPPED)
    assert book.identity == "framing@1"
    assert book.values("frame") == FRAMES
    assert book.values("hostility") == ("0", "1", "2")
    assert (book.level("frame"), book.level("hostility")) == ("nominal", "ordinal")
    assert len(book.hard_cases) == 6
    for variable in book.variables:
        for value in variable.values:
            assert value.definition
            assert value.include
            assert value.exclude


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("lang", ["en", "ur", "ur-Latn", "ps", "fa"])
def test_every_frame_has_examples_in_every_language(frame: str, lang: str) -> None:
    values = {value.value: value for value in Codebook.from_toml(SHIPPED).variable("frame").values}
    kinds = Counter(example.kind for example in values[frame].examples if example.lang == lang)
    assert kinds["positive"] >= 2
    assert kinds["borderline"] >= 1


def test_no_shipped_example_stands_twice_or_names_an_account() -> None:
    book = Codebook.from_toml(SHIPPED)
    texts = [e.text for variable in book.variables for value in variable.values for e in value.examples]
    assert len(set(texts)) == len(texts) >= 60
    assert not any("@" in text or "http" in text for text in texts)


def test_pashto_and_urdu_examples_are_written_in_their_own_letters() -> None:
    examples = [
        e for v in tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["variable"][0]["value"] for e in v["example"]
    ]
    pashto = "".join(e["text"] for e in examples if e["lang"] == "ps")
    urdu = "".join(e["text"] for e in examples if e["lang"] == "ur")
    dari = "".join(e["text"] for e in examples if e["lang"] == "fa")
    assert set("ټډړښږې") <= set(pashto)
    assert set("ٹڑںےہھ") <= set(urdu)
    assert not set("ټډړښږۍېٹڈڑںےہھيك") & set(dari)
