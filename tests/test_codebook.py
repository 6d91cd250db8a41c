"""The codebook file and what is refused in one."""

from __future__ import annotations

import hashlib
import pickle
import tomllib
import unicodedata
from collections import Counter
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from discourse.errors import BadInput, MissingData, SchemaError, UsageError
from discourse.labels.codebook import Codebook, Example, HardCase, Value, Variable, Words
from discourse.labels.labels import read_labels
from discourse.schema import FRAMES

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "corpora" / "codebook.toml"
FIRST = ROOT / "corpora" / "codebook-1.toml"
LANGS = ("en", "ur", "ur-Latn", "ps", "fa")
TONGUES = ("en", "ur", "ps", "fa")  # what coders are addressed in
HARD_CASES = (
    "bare demand without a ground", "keeping an agreement without a stated purpose", "threat beside a peace offer",
    "slanted words in a battle report", "compatriots as targets", "campaign mobilisation", "verses and quotes",
    "thread fragment", "idiom of threat", "sarcasm and negation", "grief",
)  # fmt: skip
OWN_LETTERS = {"ur": "ٹڈڑںےہھ", "ps": "ټډړښږېۍګ", "fa": "پچژگ"}
OTHER_LETTERS = {"ur": "ټډړښږۍېيكهة", "ps": "ےٹڈڑںہھك", "fa": "ټډړښږۍېٹڈڑںےہھيك"}
OWN_EXAMPLES = {"ur": ("ur", "ur-Latn"), "ps": ("ps",), "fa": ("fa",)}
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
NUMBERED = 'it must be a whole number from 1, or in quotes one with a point, like "2.1"'
# Everything that version 2 of the file can say, put before the variables.
FULL = SMALL.replace(
    "[[variable]]",
    """changes = ["a new rule"]
[instructions]
en = "Read."
ur = "پڑھیں۔"
[[hard_cases]]
name = "grief"
rule = "Grief alone is a."
anchors = [
  { lang = "en", text = "So sad.", codes = { frame = "a", heat = "0" }, why = "grief" },
  { lang = "fa", text = "دریغ.", kind = "negative", why = "grief too" },
]
[[variable]]
names = { en = "Frame", ur = "زاویہ" }""",
    1,
).replace('value = "b"', 'value = "b"\nnames = { ps = "به" }', 1)


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
    assert example == Example("en", "made up", "borderline", "so that there is one")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("unit =", "unt =", "a key of the codebook is 'unt'; .* Did you mean 'unit'?"),
        ("unit =", "units =", "the codebook has no 'unit'; write unit = .*"),
        ("level =", "levl =", "a key of variable 'frame' is 'levl'; .* Did you mean 'level'?"),
        ("definition =", "defintion =", "a key of value 'b' of 'frame' is 'defintion'; .* Did you mean 'definition'?"),
        ("why =", "wy =", "a key of an example of value 'a' of 'frame' is 'wy'; .* Did you mean 'why'?"),
        ('"nominal"', '"nominl"', "level of variable 'frame' is 'nominl'; .* Did you mean 'nominal'?"),
        ('lang = "en"', 'lang = "eng"', "lang of an example of value 'a' of 'frame' is 'eng'; .*"),
        ('"borderline"', '"maybe"', "kind of an example of value 'a' of 'frame' is 'maybe'; .*"),
        ('value = "a"', 'value = "b"', "values of variable 'frame' name 'b' more than once; each must be there once"),
        ('name = "heat"', 'name = "frame"', "variables of the codebook name 'frame' more than once; .*"),
        ('"1.5"', '"warm"', "variable 'heat' is interval and has the value 'warm'; its values must be numbers"),
        ("version = 3", "version = 0", f"version of the codebook is 0; {NUMBERED}"),
        ("version = 3", "version = true", f"version of the codebook is True; {NUMBERED}"),
        ("version = 3", 'version = "3"', f"version of the codebook is '3'; {NUMBERED}"),
        ("version = 3", "version = 2.1", f"version of the codebook is 2.1; {NUMBERED}"),
        ("version = 3", 'version = "0.1"', f"version of the codebook is '0.1'; {NUMBERED}"),
        ("version = 3", 'version = "2.1.1"', f"version of the codebook is '2.1.1'; {NUMBERED}"),
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
        Codebook.from_toml(written(tmp_path, SMALL.partition("[[variable.value]]")[0].replace('"frame"', '"v"')))


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


def test_everything_that_version_2_can_say_arrives(tmp_path: Path) -> None:
    book = Codebook.from_toml(written(tmp_path, FULL))
    assert book.changes == ("a new rule",)
    assert book.instructions == {"en": "Read.", "ur": "پڑھیں۔"}
    one, other = book.hard_cases[0].examples
    assert (book.hard_cases[0].name, book.hard_cases[0].rule) == ("grief", "Grief alone is a.")
    assert one == Example("en", "So sad.", "borderline", "grief", {"frame": "a", "heat": "0"})
    assert (other.lang, other.kind, dict(other.codes)) == ("fa", "negative", {})
    frame, heat = book.variables
    assert [frame.name_in(lang) for lang in ("en", "ur", "ps")] == ["Frame", "زاویہ", "frame"]
    assert [value.name_in("ps") for value in frame.values] == ["به", "a"]
    assert heat.name_in("ur") == "heat"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("changes =", "change =", "a key of the codebook is 'change'; .* Did you mean 'changes'?"),
        ('["a new rule"]', '"a new rule"', "changes of the codebook must be a list of words; .*"),
        ("[instructions]", "[instruction]", "a key of the codebook is 'instruction'; .* Did you mean 'instructions'?"),
        ('en = "Read."', 'eng = "Read."', "a key of instructions of the codebook is 'eng'; .* Did you mean 'en'?"),
        ('en = "Read."', 'und = "Read."', "a key of instructions of the codebook is 'und'; .*"),
        ('en = "Read."', 'en = " "', "instructions of the codebook has en = ' '; write en = .*"),
        ('{ en = "Frame", ur', "{ urd", "a key of names of variable 'frame' is 'urd'; .* Did you mean 'ur'?"),
        ("{ ps =", "{ pus =", "a key of names of value 'b' of 'frame' is 'pus'; .* Did you mean 'ps'?"),
        ('{ ps = "به" }', '"به"', "names of value 'b' of 'frame' is str; it must be a table of keys and values"),
        ("rule =", "rul =", "a key of a hard case of the codebook is 'rul'; .* Did you mean 'rule'?"),
        ('name = "grief"\n', "", "a hard case has no 'name'; .*"),
        ('rule = "Grief alone is a."\n', "", "hard case 'grief' has no 'rule'; .*"),
        ('kind = "negative"', 'kind = "negativ"', "kind of an anchor of hard case 'grief' is 'negativ'; .*"),
        ('lang = "fa"', 'lang = "prs"', "lang of an anchor of hard case 'grief' is 'prs'; .*"),
        ("codes =", "code =", "a key of an anchor of hard case 'grief' is 'code'; .* Did you mean 'codes'?"),
        ("{ frame =", "{ fram =", "a key of codes of an anchor of hard case 'grief' is 'fram'; .* 'frame'?"),
        ('heat = "0"', 'heat = "2"', "heat in codes of an anchor of hard case 'grief' is '2'; .*"),
        ('heat = "0"', "heat = 0", "codes of an anchor of hard case 'grief' has heat = 0; write heat = .*"),
        ('{ frame = "a", heat = "0" }', '"a"', "codes of an anchor of hard case 'grief' is str; it must be a table .*"),
    ],
)
def test_what_is_impossible_in_version_2_is_named(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    pattern = f"^{sentence}$".replace("?$", r"\?$").replace("[[", r"\[\[")
    with pytest.raises(UsageError, match=pattern) as error:
        Codebook.from_toml(written(tmp_path, FULL, old, new))
    assert "\n" not in str(error.value)


# What translators add: everything that coders read, in other languages than English.
TRANSLATED = """
id = "framing"
version = "2.10"
unit = "One post."
[units]
ur = "ایک پوسٹ۔"
[[hard_cases]]
name = "grief"
rule = "Grief is a."
names = { ur = "غم" }
rules = { ur = "غم الف ہے۔" }
anchors = [{ lang = "en", text = "So sad.", why = "grief", whys = { ur = "غم ہے" } }]
[[variable]]
name = "frame"
level = "nominal"
question = "What?"
questions = { ur = "کیا؟", ps = "څه؟" }
[[variable.value]]
value = "a"
definition = "A"
include = ["this", "that"]
exclude = ["other"]
example = [{ lang = "fa", text = "متن", kind = "positive", why = "plain", whys = { fa = "روشن" } }]
[variable.value.definitions]
ur = "الف"
[variable.value.includes]
ur = ["یہ", "وہ"]
[variable.value.excludes]
ur = ["دوسرا"]
"""


def test_a_coder_reads_what_is_translated_and_the_rest_in_english(tmp_path: Path) -> None:
    book = Codebook.from_toml(written(tmp_path, TRANSLATED))
    assert book.identity == "framing@2.10"
    english = book.in_language("en")
    assert english == book
    assert (book.unit, book.variables[0].question) == ("One post.", "What?")
    urdu, persian, pashto = (book.in_language(lang) for lang in ("ur", "fa", "ps"))
    (value,) = urdu.variables[0].values
    assert (urdu.unit, urdu.variables[0].question) == ("ایک پوسٹ۔", "کیا؟")
    assert (value.definition, value.include, value.exclude) == ("الف", ("یہ", "وہ"), ("دوسرا",))
    assert value.examples[0].why == "plain"
    (case,) = urdu.hard_cases
    assert (case.name, case.rule, case.examples[0].why) == ("غم", "غم الف ہے۔", "غم ہے")
    assert (pashto.variables[0].question, pashto.unit, pashto.hard_cases[0].rule) == ("څه؟", "One post.", "Grief is a.")
    (value,) = persian.variables[0].values
    assert (value.definition, value.include, value.exclude) == ("A", ("this", "that"), ("other",))
    assert (value.examples[0].why, persian.variables[0].question) == ("روشن", "What?")
    # What is coded does not change with the language it is read in.
    for read in (urdu, persian, pashto):
        assert (read.identity, read.values("frame"), read.level("frame")) == ("framing@2.10", ("a",), "nominal")
        assert read.variables[0].values[0].examples[0].text == "متن"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[units]\nur", "[units]\nen", "a key of units of the codebook is 'en'; "),
        ("questions = { ur", "questions = { en", "a key of questions of variable 'frame' is 'en'; "),
        ("questions = {", "question_in = {", "a key of variable 'frame' is 'question_in'; "),
        ('"کیا؟"', '" "', "questions of variable 'frame' has ur = ' '; "),
        ("names = { ur", "names = { en", "a key of names of hard case 'grief' is 'en'; "),
        ("rules = { ur", "rules = { urd", "a key of rules of hard case 'grief' is 'urd'; .* Did you mean 'ur'"),
        ("whys = { ur", "whys = { en", "a key of whys of an anchor of hard case 'grief' is 'en'; "),
        ("whys = { fa", "whys = { en", "a key of whys of an example of value 'a' of 'frame' is 'en'; "),
        ('[variable.value.definitions]\nur = "الف"', 'definitions = "الف"',
         "definitions of value 'a' of 'frame' is str"),
        ('["یہ", "وہ"]', '["یہ"]',
         "includes of value 'a' of 'frame' has 1 rules in 'ur' and include has 2; translate each$"),
        ('["دوسرا"]', '["دوسرا", "تیسرا"]',
         "excludes of value 'a' of 'frame' has 2 rules in 'ur' and exclude has 1; translate each$"),
        ('["دوسرا"]', '"دوسرا"', "ur of excludes of value 'a' of 'frame' must be a list of words"),
    ],
)  # fmt: skip
def test_a_translation_that_does_not_fit_is_named(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=f"^{sentence}"):
        Codebook.from_toml(written(tmp_path, TRANSLATED, old, new))


@pytest.mark.parametrize(
    ("cases", "sentence"),
    [
        ('"one rule"', "hard_cases of the codebook is no list; "),
        ("[1]", "a hard case of the codebook is int; it must be a table"),
        ('[""]', "a hard case of the codebook has rule = ''"),
        ('[{ name = "n", rule = "r" }, { name = "n", rule = "s" }]', "hard_cases of the codebook name 'n' more than"),
        ('[{ name = "n", rule = "r", anchors = ["a"] }]', r"hard case 'n' has no \[\[anchors\]\]"),
    ],
)
def test_hard_cases_that_are_none_are_named(tmp_path: Path, cases: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=f"^{sentence}"):
        Codebook.from_toml(written(tmp_path, old="[[variable]]", new=f"hard_cases = {cases}\n[[variable]]"))


@pytest.mark.parametrize(("kind", "code"), [("borderline", "b"), ("positive", "b"), ("negative", "a")])
def test_an_example_belongs_where_it_stands_unless_it_is_negative(tmp_path: Path, kind: str, code: str) -> None:
    said = f'kind = "{kind}"\ncodes = {{ frame = "{code}", heat = "0" }}'
    with pytest.raises(UsageError, match=f"^codes of an example of value 'a' of 'frame' say '{code}' and its kind is"):
        Codebook.from_toml(written(tmp_path, old='kind = "borderline"', new=said))
    agreeing = said.replace(f'frame = "{code}"', f'frame = "{"ab".replace(code, "")}"')
    book = Codebook.from_toml(written(tmp_path, old='kind = "borderline"', new=agreeing))
    assert book.variable("frame").values[1].examples[0].codes["heat"] == "0"


def test_plain_sentences_and_tables_may_stand_among_the_hard_cases(tmp_path: Path) -> None:
    cases = 'hard_cases = ["a rule", { name = "n", rule = "another" }]\n[[variable]]'
    book = Codebook.from_toml(written(tmp_path, old="[[variable]]", new=cases))
    assert book.hard_cases == (HardCase("", "a rule"), HardCase("n", "another"))


def test_a_codebook_cannot_be_changed_and_can_be_hashed_and_pickled() -> None:
    names = {"ur": "اول"}
    book = Codebook("f", 1, (Variable("v", "nominal", (Value("a", "A", names=names),), names=names),), "u",
                    instructions={"en": "Read."})  # fmt: skip
    names["ur"] = "دوم"
    assert book.variables[0].name_in("ur") == book.variables[0].values[0].name_in("ur") == "اول"
    with pytest.raises(FrozenInstanceError):
        book.instructions = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        book.instructions["en"] = "Write."  # type: ignore[index]
    again = pickle.loads(pickle.dumps(book))
    assert (again, hash(again)) == (book, hash(book))
    assert replace(book, instructions={"en": "Write."}) != book


def test_words_are_a_mapping_whose_order_is_kept_and_does_not_count() -> None:
    words, other = Words({"ur": "a", "en": "b"}), Words([("en", "b"), ("ur", "a")])
    assert (list(words), list(other)) == (["ur", "en"], ["en", "ur"])
    assert words == other == {"en": "b", "ur": "a"}
    assert hash(words) == hash(other)
    assert repr(words) == "Words({'ur': 'a', 'en': 'b'})"
    with pytest.raises(KeyError):
        words["fa"]


@pytest.fixture(scope="module")
def book() -> Codebook:
    return Codebook.from_toml(SHIPPED)


def everything(book: Codebook) -> list[Example]:
    """Examples of values and anchors of rules."""
    holders: list[Value | HardCase] = [
        *(value for variable in book.variables for value in variable.values),
        *book.hard_cases,
    ]
    return [example for holder in holders for example in holder.examples]


def script_of(text: str) -> set[str]:
    """First words of the Unicode names of a text's letters: LATIN, ARABIC."""
    return {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}


def test_the_shipped_codebook_has_the_frames_of_the_schema(book: Codebook) -> None:
    assert book.identity == "framing@2.1"
    assert book.values("frame") == FRAMES
    assert book.values("hostility") == ("0", "1", "2")
    assert book.values("target") == (
        "other-state", "other-people", "other-group", "own-state", "compatriots", "third-party", "none"
    )  # fmt: skip
    assert [book.level(name) for name in ("frame", "hostility", "target")] == ["nominal", "ordinal", "nominal"]
    assert book.unit
    assert book.changes
    for variable in book.variables:
        assert variable.question
        for value in variable.values:
            assert value.definition
            assert value.include
            assert value.exclude


def test_an_idiom_of_threat_is_hostile_only_toward_people(book: Codebook) -> None:
    rule = next(rule for rule in book.variable("hostility").values[2].include if "idiom" in rule)
    assert "only when aimed at people of the other side or at compatriots" in rule


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("frame", FRAMES)
def test_every_frame_has_examples_of_each_kind_in_every_language(book: Codebook, frame: str, lang: str) -> None:
    value = book.variable("frame").values[FRAMES.index(frame)]
    kinds = Counter(example.kind for example in value.examples if example.lang == lang)
    assert kinds["positive"] >= 3
    assert kinds["negative"] >= 2
    assert kinds["borderline"] >= 2


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("variable", ["hostility", "target"])
def test_hostility_and_target_have_an_example_a_value_and_language(book: Codebook, variable: str, lang: str) -> None:
    for value in book.variable(variable).values:
        assert "positive" in {example.kind for example in value.examples if example.lang == lang}, value.value


def test_a_negative_example_says_where_it_belongs(book: Codebook) -> None:
    for variable in book.variables:
        for example in (example for value in variable.values for example in value.examples):
            assert (variable.name in example.codes) == (example.kind == "negative"), example.text


@pytest.mark.parametrize("lang", TONGUES)
def test_names_and_instructions_are_there_in_four_languages(book: Codebook, lang: str) -> None:
    script = {"LATIN"} if lang == "en" else {"ARABIC"}
    paragraphs = book.instructions[lang].strip().split("\n\n")
    assert len(paragraphs) == 7
    assert script_of(book.instructions[lang]) == script
    for variable in book.variables:
        names = [variable.names[lang], *(value.names[lang] for value in variable.values)]
        assert all(script_of(name) == script for name in names)
        assert len(set(names[1:])) == len(variable.values)
        assert variable.name_in(lang) == names[0]


@pytest.mark.parametrize("lang", ["ur", "ps", "fa"])
def test_all_that_a_coder_reads_is_there_in_the_coders_language(book: Codebook, lang: str) -> None:
    read, letters = book.in_language(lang), OWN_LETTERS[lang]
    values = [value for variable in read.variables for value in variable.values]
    said = [
        read.unit,
        *(variable.question for variable in read.variables),
        *(value.definition for value in values),
        *(rule for value in values for rule in (*value.include, *value.exclude)),
        *(word for case in read.hard_cases for word in (case.name, case.rule)),
        *(anchor.why for case in read.hard_cases for anchor in case.examples),
        *(example.why for value in values for example in value.examples if example.lang in OWN_EXAMPLES[lang]),
    ]
    assert len(said) > 120
    for words in said:
        assert script_of(words) == {"ARABIC"}, words
        assert not set(words) & set(OTHER_LETTERS[lang]), words
    assert set(letters) <= set("".join(said))
    assert len(set(said[1:4])) == 3
    # A rule that sends a post to another value calls it what the button says.
    for variable in read.variables:
        names = {value.value: value.name_in(lang) for value in variable.values}
        for value, english in zip(variable.values, book.variable(variable.name).values, strict=True):
            for rule, original in zip(value.exclude, english.exclude, strict=True):
                sent = original.rpartition(": ")[2]
                if sent in names:
                    expected = sent if sent.isdigit() else names[sent]
                    assert rule.endswith(f": {expected}"), rule


@pytest.mark.parametrize("name", HARD_CASES)
def test_every_hard_case_has_a_rule_and_one_or_two_anchors_with_their_frame(book: Codebook, name: str) -> None:
    case = next(case for case in book.hard_cases if case.name == name)
    assert case.rule
    assert 1 <= len(case.examples) <= 2
    assert all(example.codes["frame"] in FRAMES for example in case.examples)


def test_the_rules_are_anchored_in_every_language(book: Codebook) -> None:
    assert {case.name for case in book.hard_cases} == set(HARD_CASES)
    assert {example.lang for case in book.hard_cases for example in case.examples} == set(LANGS)


def test_examples_are_distinct_and_name_no_account(book: Codebook) -> None:
    examples = everything(book)
    texts = [" ".join(example.text.split()) for example in examples]
    assert [text for text, count in Counter(texts).items() if count > 1] == []
    assert len(texts) >= 4 * 5 * 7 + 3 * 5 + 7 * 5 + len(HARD_CASES)
    assert not any("@" in text or "http" in text for text in texts)
    assert all(example.why.strip() for example in examples)


def test_examples_are_written_in_the_script_and_letters_of_their_language(book: Codebook) -> None:
    written_in = {lang: "".join(e.text for e in everything(book) if e.lang == lang) for lang in LANGS}
    for lang, text in written_in.items():
        assert script_of(text) == ({"LATIN"} if lang in {"en", "ur-Latn"} else {"ARABIC"}), lang
    assert set("ټډړښږې") <= set(written_in["ps"])
    assert set("ٹڑںےہھ") <= set(written_in["ur"])
    for lang, letters in OTHER_LETTERS.items():
        assert not set(letters) & set(written_in[lang]), lang


def test_no_example_is_a_post_by_which_the_language_identifier_is_tested(book: Codebook) -> None:
    files = sorted((ROOT / "tests/fixtures/language").glob("*.txt"))
    lines = "\n".join(path.read_text("utf-8") for path in files)
    assert lines
    assert [example.text for example in everything(book) if example.text in lines] == []


def test_version_1_still_reads_and_is_what_old_labels_were_coded_by() -> None:
    old = Codebook.from_toml(FIRST)
    assert old.identity == "framing@1"
    assert old.values("frame") == FRAMES
    assert old.values("hostility") == ("0", "1", "2")
    assert [(case.name, bool(case.rule), case.examples) for case in old.hard_cases] == [("", True, ())] * 6
    assert (dict(old.instructions), old.changes) == ({}, ())
    assert old.variable("frame").values[0].name_in("ur") == "nationalist"
    # A codebook by which people have coded is never changed: a new rule is a new version.
    assert hashlib.md5(FIRST.read_bytes()).hexdigest() == "2ed63f1cc704ca1cc1fa360d983e64ff"
    study = tomllib.loads((ROOT / "corpora/get-out-2021/study.toml").read_text("utf-8"))
    assert study["labels"]["codebook"] == "../codebook-1.toml"


def test_a_study_may_add_a_variable_of_its_own(tmp_path: Path) -> None:
    own = """
[[variable]]
name = "urgency"
level = "ordinal"
[[variable.value]]
value = "low"
definition = "can wait"
[[variable.value]]
value = "high"
definition = "cannot wait"
"""
    path = written(tmp_path, SHIPPED.read_text("utf-8").replace('id = "framing"', 'id = "ours"', 1) + own)
    book = Codebook.from_toml(path)
    assert (book.identity, book.values("urgency"), book.level("urgency")) == ("ours@2.1", ("low", "high"), "ordinal")
    assert book.variable("urgency").name_in("ps") == "urgency"
    codes = tmp_path / "labels.csv"
    codes.write_text("post_id,coder,variable,value\nx:1,a,urgency,high\nx:1,a,frame,both\n", encoding="utf-8")
    assert read_labels(codes, book).table["codebook"].to_list() == ["ours@2.1"] * 2
