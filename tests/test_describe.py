"""The stage `describe`: what it counts is what the posts hold, and no small group or person is in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from conftest import ROOT, TinyDemo
from discourse.corpus.posts import Corpus
from discourse.corpus.sides import Sides
from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import save_model
from discourse.measure.windows import Calendar, place_in_windows
from discourse.schema import LANGUAGES
from discourse.store.saved import save_corpus
from discourse.study.config import Study
from discourse.study.describe import DESCRIBED, describe, describe_stage
from discourse.study.stages import Desk


@pytest.fixture(scope="module")
def desk(
    tiny: TinyDemo, tiny_corpus: Corpus, tiny_measured: Corpus, tiny_model: FramingClassifier,
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:  # fmt: skip
    place = tmp_path_factory.mktemp("describe")
    shutil.copytree(tiny.folder, place / "demo")
    for name in ("codebook.toml", "events.csv"):
        shutil.copy(ROOT / "corpora" / name, place / name)
    shutil.copy(ROOT / "corpora/demo/study.toml", place / "demo")
    work = place / "work"
    work.mkdir()
    made = Desk(Study.from_toml(place / "demo" / "study.toml"), tiny.key, work, lambda *_: None)
    save_corpus(tiny_corpus, made.path("corpus"))
    save_corpus(tiny_measured, made.path("scored"))
    save_model(tiny_model, made.path("model.safetensors"))
    describe(made)
    return made


def table(desk: Desk, name: str) -> pl.DataFrame:
    return pl.read_csv(desk.path(name), schema_overrides={"window": pl.String}, infer_schema_length=None)


def test_it_writes_what_its_stage_says(desk: Desk) -> None:
    stage, run = describe_stage(desk)
    assert stage.outputs == tuple(desk.path(name) for name in DESCRIBED)
    assert all(path.is_file() for path in stage.outputs)
    before = {path: path.read_bytes() for path in stage.outputs}
    run(desk)
    assert {path: path.read_bytes() for path in stage.outputs} == before


def test_coverage_counts_every_post_that_it_may_show(desk: Desk, tiny_corpus: Corpus) -> None:
    made = table(desk, "coverage.csv")
    sides = Sides.from_toml(desk.study.sides)
    placed = place_in_windows(tiny_corpus.posts, Calendar("1w", dict(sides.timezones)))
    whole = placed.group_by("window", "side").agg(n=pl.len(), people=pl.col("author_id").n_unique())
    summed = made.group_by("window", "side").agg(pl.col("posts").sum(), hidden=pl.col("posts").null_count())
    both = whole.join(summed, on=["window", "side"], how="full", coalesce=True)
    open_ = both.filter(hidden=0)
    assert open_.height > 20
    assert open_["n"].equals(open_["posts"].cast(pl.UInt32), check_names=False)
    assert both.filter(pl.col("people") < 10)["hidden"].min() == 1
    assert (made["start"] < made["end"]).all()
    assert set(made["basis"]) <= {"other", "none", *tiny_corpus.posts["side_basis"].drop_nulls()}


def test_waves_are_a_part_of_what_was_posted(desk: Desk, tiny_corpus: Corpus) -> None:
    made = table(desk, "waves.csv")
    own = tiny_corpus.posts.filter(pl.col("kind") != "repost")
    assert made["all_posts"].sum() <= own.height
    assert made["all_posts"].null_count() <= 2
    shown = made.drop_nulls("posts")
    assert (shown["posts"] <= shown["all_posts"].fill_null(own.height)).all()
    assert made.filter(pl.col("n_authors").is_between(1, 9)).is_empty()


def test_words_are_those_of_ten_authors_or_more_and_name_nobody(desk: Desk, tiny_measured: Corpus) -> None:
    made = table(desk, "words.csv")
    assert made.height > 20
    assert made["n_authors"].min() >= 10
    assert set(made["lang"]) <= set(LANGUAGES)
    handles = set(tiny_measured.posts["handle_id"].drop_nulls()) | set(tiny_measured.posts["author_id"])
    assert not {word for words in made["word"] for word in words.split()} & handles
    assert made.group_by("frame", "lang").len()["len"].max() <= 12


def test_nothing_about_a_single_post_is_in_any_table(desk: Desk) -> None:
    for name in DESCRIBED:
        columns = set(table(desk, name).columns)
        assert not columns & {"post_id", "author_id", "copy_id", "text", "handle_id"}
        assert str(Path.home()) not in desk.path(name).read_text("utf-8")
