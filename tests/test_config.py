"""The study file: what is wrong in it is said in one sentence, with the key, the value and the way out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from discourse.corpus.population import Population
from discourse.errors import BadInput, MissingData, UsageError
from discourse.impact.events import EventPlan
from discourse.readers.read import FORMATS
from discourse.study.config import MeasureSettings, Study
from discourse.study.effect_settings import EffectSettings

ROOT = Path(__file__).resolve().parents[1]
BASE = {
    "study": 'name = "made"\ntitle = "Made up"\nseed = 1',
    "corpus": 'files = ["posts.jsonl"]',
    "sides": 'file = "sides.toml"',
    "labels": 'file = "labels.csv"\ncodebook = "codebook.toml"',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "study"
    place.mkdir()
    for name in ("posts.jsonl", "sides.toml", "labels.csv", "codebook.toml", "events.csv", "truth.csv"):
        (place / name).touch()
    return place


def read(folder: Path, data: Path | None = None, **sections: str | None) -> Study:
    parts = {name: body for name, body in {**BASE, **sections}.items() if body is not None}
    (folder / "study.toml").write_text("".join(f"[{name}]\n{body}\n" for name, body in parts.items()), "utf-8")
    return Study.from_toml(folder / "study.toml", data=data)


def said(folder: Path, **sections: str | None) -> str:
    with pytest.raises(UsageError) as caught:
        read(folder, **sections)
    return str(caught.value)


def test_the_smallest_study_has_the_defaults(folder: Path) -> None:
    study = read(folder)
    assert (study.name, study.title, study.seed, study.c, study.folds) == ("made", "Made up", 1, 3.0, 5)
    assert study.measure == MeasureSettings()
    assert study.population == Population()
    assert study.folder == study.data == folder
    assert study.corpus.files == (folder / "posts.jsonl",)
    assert (study.corpus.made_up, study.corpus.format, study.corpus.mapping) == (False, None, None)
    assert (study.labels.layout, study.labels.training_share, study.curve) == ("long", None, False)
    assert (study.events, study.truth) == (None, None)
    assert study.effects == EffectSettings()


def test_every_setting_gets_through(folder: Path) -> None:
    study = read(
        folder, corpus=BASE["corpus"] + '\nformat = "csv"\nmade_up = true\nwhere = "Ask."',
        population='kinds = ["reply"]\nmin_characters = 26\ndistinct_texts = true',
        labels=BASE["labels"] + "\ntraining_share = 0.25", classifier="c = 2\nfolds = 3\ncurve = true",
        measure='every = "1d"\nbegin = 2025-01-01T00:00:00+05:00\nend = 2025-02-01\nweights = ["post"]\nforce = true\n'
        'gold_within = "side"\nreplicates = 10\nshuffles = 20',
        events='file = "events.csv"', truth='file = "truth.csv"',
        effects='measures = ["both"]\nsides = ["unknown"]\nevents = ["e"]\nevery = "1w"\nbefore = 5\nafter = 6\n'
        'slope = false\nanticipation = 1\ndrop = 2\nleads = 3\nlags = 7\nplacebo = false\nchange_points = false\n'
        'smooth = false\nbots = [0, 0.5]',
    )  # fmt: skip
    assert (study.corpus.format, study.corpus.made_up, study.corpus.where) == ("csv", True, "Ask.")
    assert study.population == Population(("reply",), 26, True)
    assert study.labels.training_share == 0.25
    assert (study.c, study.folds, study.curve) == (2, 3, True)
    begin, end = datetime(2024, 12, 31, 19, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
    assert study.measure == MeasureSettings("1d", begin, end, "side", ("post",), 10, 20, True)
    assert (study.events, study.truth) == (folder / "events.csv", folder / "truth.csv")
    assert study.effects == EffectSettings(
        ("both",), ("unknown",), ("e",), "1w", 5, 6, False, 1, 2, 3, 7, False, False, False, (0, 0.5)
    )
    assert study.effects.plan == EventPlan(None, False, 1, 2, 5, 6, None, 3, 7)


def test_the_demonstration_study_is_sound() -> None:
    study = Study.from_toml(ROOT / "corpora/demo/study.toml")
    assert study.corpus.made_up
    assert study.measure.begin == datetime(2024, 11, 30, 19, tzinfo=UTC)
    assert study.measure.end == datetime(2025, 3, 31, 19, 30, tzinfo=UTC)


WRONG = {
    "name in [study] is 'a/b'; it names a folder: write letters, digits, '-', '_' or '.'":
        {"study": 'name = "a/b"\ntitle = "t"\nseed = 1'},
    "name in [study] is '..'; it names a folder: write letters, digits, '-', '_' or '.'":
        {"study": 'name = ".."\ntitle = "t"\nseed = 1'},
    "[study] has no 'title'; write title = \"...\"": {"study": 'name = "a"\nseed = 1'},
    "seed in [study] is None; it must be a whole number from 0 to 2**32 - 1, like 2024":
        {"study": 'name = "a"\ntitle = "t"'},
    "seed in [study] is -1; it must be a whole number from 0 to 2**32 - 1, like 2024":
        {"study": 'name = "a"\ntitle = "t"\nseed = -1'},
    "seed in [study] is True; it must be a whole number from 0 to 2**32 - 1, like 2024":
        {"study": 'name = "a"\ntitle = "t"\nseed = true'},
    "seed in [study] is 4294967296; it must be a whole number from 0 to 2**32 - 1, like 2024":
        {"study": 'name = "a"\ntitle = "t"\nseed = 4294967296'},
    "a key of [study] is 'sed'; it must be 'name', 'title', 'seed' or 'notes'. Did you mean 'seed'?":
        {"study": 'name = "a"\ntitle = "t"\nsed = 1'},
    "the study file has no [sides] section; see docs/study-file.md for what belongs there": {"sides": None},
    "a key of the study file is 'event'; it must be 'study', 'corpus', 'sides', 'population', 'labels', 'classifier', "
    "'measure', 'events', 'effects', 'hypotheses' or 'truth'. Did you mean 'events'?": {"event": 'file = "events.csv"'},
    '[corpus] names no files; write files = ["posts.jsonl.zst"], or store = "my-corpus"': {"corpus": "files = []"},
    'files of [corpus] must be a list of words; write files = ["...", "..."]': {"corpus": 'files = "posts.jsonl"'},
    "made_up in [corpus] is 'false'; it must be true or false, like false":
        {"corpus": BASE["corpus"] + '\nmade_up = "false"'},
    f"format in [corpus] is 'x-api'; it must be {', '.join(map(repr, FORMATS[:-1]))} or 'xlsx'. Did you mean 'x_api'?":
        {"corpus": BASE["corpus"] + '\nformat = "x-api"'},
    "[corpus] has root = 5; write root = \"...\"": {"corpus": BASE["corpus"] + "\nroot = 5"},
    "[corpus] has mapping = 5; write mapping = \"...\"": {"corpus": BASE["corpus"] + "\nmapping = 5"},
    "in [population], kind is 'retweet'; it must be 'original', 'reply', 'quote' or 'repost'":
        {"population": 'kinds = ["retweet"]'},
    "kinds in [population] is 'reply'; it must be a list, like ['original', 'reply', 'quote']":
        {"population": 'kinds = "reply"'},
    "min_characters in [population] is True; it must be a whole number, like 0":
        {"population": "min_characters = true"},
    "min_characters is -1; it must be 0 or more": {"population": "min_characters = -1"},
    "distinct_texts in [population] is 1; it must be true or false, like false": {"population": "distinct_texts = 1"},
    "layout in [labels] is 'broad'; it must be 'long' or 'wide'": {"labels": BASE["labels"] + '\nlayout = "broad"'},
    "root in [labels] is 'corpus'; it must be 'data'": {"labels": BASE["labels"] + '\nroot = "corpus"'},
    "training_share in [labels] is 1.0; it must lie between 0 and 1, like 0.5":
        {"labels": BASE["labels"] + "\ntraining_share = 1.0"},
    "training_share in [labels] is 'half'; it must lie between 0 and 1, like 0.5":
        {"labels": BASE["labels"] + '\ntraining_share = "half"'},
    "a wide labels file needs [labels.columns]: id, platform, coders, agreed, inclusion":
        {"labels": BASE["labels"] + '\nlayout = "wide"'},
    "a key of [labels.columns] is 'coder'; it must be 'id', 'platform', 'coders', 'agreed', 'inclusion' or 'stratum'. "
    "Did you mean 'coders'?": {"labels": BASE["labels"] + '\nlayout = "wide"\ncolumns = { coder = "a" }'},
    'coders in [labels.columns] must map columns to variables, like { coder_1 = "frame" }':
        {"labels": BASE["labels"] + '\nlayout = "wide"\ncolumns = { id = "i", platform = "x", coders = ["a"] }'},
    "c in [classifier] is 0.0; it must be above 0, like 3.0": {"classifier": "c = 0.0"},
    "c in [classifier] is nan; it must be above 0, like 3.0": {"classifier": "c = nan"},
    "c in [classifier] is 'x'; it must be a number, like 3.0": {"classifier": 'c = "x"'},
    "folds in [classifier] is 1; it must be 2 or more, like 5": {"classifier": "folds = 1"},
    "curve in [classifier] is 1; it must be true or false, like false": {"classifier": "curve = 1"},
    "folds in [classifier] is 2.5; it must be a whole number, like 5": {"classifier": "folds = 2.5"},
    "every in [measure] is '1y'; it must be '1h', '6h', '1d', '1w' or '1mo'":
        {"measure": 'every = "1y"'},
    "every in [measure] is 7; it must be a word, like '1w'": {"measure": "every = 7"},
    "a weight in [measure] is 'authors'; it must be 'author', 'post' or 'unique_text'. Did you mean 'author'?":
        {"measure": 'weights = ["authors"]'},
    "weights in [measure] is []; name some of author, post, unique_text": {"measure": "weights = []"},
    "weights in [measure] is ['post', 'post']; name some of author, post, unique_text":
        {"measure": 'weights = ["post","post"]'},
    "gold_within in [measure] is 'week'; it must be 'window', 'side' or 'all'": {"measure": 'gold_within = "week"'},
    "replicates in [measure] is 0; it must be 1 or more, like 400": {"measure": "replicates = 0"},
    "shuffles in [measure] is -1; it must be 1 or more, like 200": {"measure": "shuffles = -1"},
    "replicates in [measure] is True; it must be a whole number, like 400": {"measure": "replicates = true"},
    "force in [measure] is 1; it must be true or false, like false": {"measure": "force = 1"},
    "the period in [measure] ends before it begins; check begin and end":
        {"measure": "begin = 2025-02-01\nend = 2025-02-01"},
    "a time in [measure] is 'soon'; write it with its zone, like 2024-12-01T00:00:00+05:00":
        {"measure": 'begin = "soon"'},
    "a time in [measure] is datetime.datetime(2025, 1, 1, 0, 0); write it with its zone, like "
    "2024-12-01T00:00:00+05:00": {"measure": "end = 2025-01-01T00:00:00"},
    "a key of [events] is 'path'; it must be 'file'": {"events": 'path = "events.csv"'},
    "measures in [effects] is []; name one or more, each once": {"effects": "measures = []"},
    "measures in [effects] is ['both', 'both']; name one or more, each once":
        {"effects": 'measures = ["both", "both"]'},
    "measures in [effects] is 'both'; it must be a list, like ['nationalist', 'net-tone-gap']":
        {"effects": 'measures = "both"'},
    "sides in [effects] is [1]; name them in a list of words, each once": {"effects": "sides = [1]"},
    "events in [effects] is ['a', 'a']; name them in a list of words, each once": {"effects": 'events = ["a", "a"]'},
    "every in [effects] is '1mo'; it must be '1d' or '1w'": {"effects": 'every = "1mo"'},
    "before in [effects] is 0; it must be a whole number from 1": {"effects": "before = 0"},
    "drop in [effects] is -1; it must be a whole number from 0": {"effects": "drop = -1"},
    "smooth in [effects] is 1; it must be true or false, like true": {"effects": "smooth = 1"},
    "bots in [effects] is [1.0]; each must be from 0 to under 1, like 0.05": {"effects": "bots = [1.0]"},
    "bots in [effects] is [True]; each must be from 0 to under 1, like 0.05": {"effects": "bots = [true]"},
}  # fmt: skip


@pytest.mark.parametrize("sentence", WRONG, ids=lambda sentence: sentence[:50])
def test_a_wrong_setting_is_named_with_its_value_and_what_would_do(folder: Path, sentence: str) -> None:
    assert said(folder, **WRONG[sentence]) == sentence


@pytest.mark.parametrize("section", ["measure", "classifier", "population", "effects"])
def test_a_word_where_a_section_belongs(folder: Path, section: str) -> None:
    body = "".join(f"[{name}]\n{text}\n" for name, text in BASE.items())
    (folder / "study.toml").write_text(f"{section} = 5\n{body}", "utf-8")
    with pytest.raises(UsageError) as caught:
        Study.from_toml(folder / "study.toml")
    assert str(caught.value) == f"[{section}] is int; it must be a table of keys and values"


def test_a_corpus_that_is_not_there_says_where_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "posts.jsonl").unlink()
    with pytest.raises(MissingData) as caught:
        read(folder, corpus=BASE["corpus"] + '\nwhere = "Ask the archive."')
    assert str(caught.value) == (
        "the corpus file 'posts.jsonl' is not in .; Ask the archive. "
        "Give the folder with --data DIR or the environment variable DISCOURSE_DATA"
    )
    with pytest.raises(MissingData, match="the study file does not say where to get it"):
        read(folder)


@pytest.mark.parametrize(
    ("what", "name"),
    [("sides", "sides.toml"), ("labels", "labels.csv"), ("codebook", "codebook.toml"), ("events", "events.csv"),
     ("truth", "truth.csv")],
)  # fmt: skip
def test_another_file_that_is_not_there_is_named(folder: Path, what: str, name: str, tmp_path: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(MissingData) as caught:
        read(folder, events='file = "events.csv"', truth='file = "truth.csv"')
    assert str(caught.value).startswith(f"the {what} file {name!r} is not in ")
    assert f"; check [{what}] in the study file" in str(caught.value)
    assert str(Path.home()) + "/" not in str(caught.value)


def test_data_wins_over_the_environment_and_that_over_root(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("given", "environment", "root"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "posts.jsonl").touch()
    corpus = BASE["corpus"] + '\nroot = "../root"'
    assert read(folder, corpus=corpus).data == tmp_path / "root"
    monkeypatch.setenv("DISCOURSE_DATA", str(tmp_path / "environment"))
    assert read(folder, corpus=corpus).data == tmp_path / "environment"
    study = read(folder, tmp_path / "given", corpus=corpus)
    assert study.data == tmp_path / "given"
    assert study.corpus.files == (tmp_path / "given" / "posts.jsonl",)
    assert study.labels.file == folder / "labels.csv"
    monkeypatch.setenv("DISCOURSE_DATA", "")
    assert read(folder, corpus=corpus).data == tmp_path / "root"


def test_labels_may_lie_with_the_corpus(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").touch()
    (tmp_path / "labels.csv").touch()
    assert read(folder, tmp_path, labels=BASE["labels"] + '\nroot = "data"').labels.file == tmp_path / "labels.csv"


def test_a_study_that_is_no_toml_is_bad_input(folder: Path) -> None:
    (folder / "study.toml").write_text("[study", "utf-8")
    with pytest.raises(BadInput, match=r"^the study file 'study\.toml' is not TOML: "):
        Study.from_toml(folder / "study.toml")
