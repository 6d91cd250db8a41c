"""What every step keeps to: it leaves its input alone, knows no row order, obeys its seed, fails by name on nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from conftest import TinyDemo
from discourse.corpus.copies import distinct_texts, with_copies
from discourse.corpus.population import Population
from discourse.corpus.posts import Corpus
from discourse.corpus.sides import Sides
from discourse.corpus.texts import with_text
from discourse.errors import DiscourseError, DiscourseWarning
from discourse.framing.classifier import FramingClassifier
from discourse.indices.polarization import NetTone, Polarization
from discourse.judging.evaluate import evaluate
from discourse.labels.labels import Labels, TrainingLabels
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import Measure, Plan, observe, over_time
from discourse.readers.read import read_posts
from discourse.schema import POSTS, SERIES

SEED = 7
PLAN = Plan(every="1mo", replicates=30, shuffles=8, force=True)
MEASURES: tuple[Measure, ...] = (
    Prevalence("nationalist"), NetTone(), Polarization("esteban-ray"), Polarization("net-tone-gap"),
    Polarization("cramer-squared"),
)  # fmt: skip
STEPS: dict[str, Callable[[Corpus, Sides], Corpus]] = {
    "with_text": lambda corpus, _: with_text(corpus),
    "with_copies": lambda corpus, _: with_copies(corpus),
    "distinct_texts": lambda corpus, _: distinct_texts(corpus),
    "Population.of": lambda corpus, _: Population(min_characters=10, distinct_texts=True).of(corpus),
    "Sides.assign": lambda corpus, sides: sides.assign(corpus),
}


@dataclass(frozen=True)
class World:
    """One small study, ready to be measured."""

    corpus: Corpus
    labels: Labels
    observed: pl.DataFrame


@pytest.fixture(scope="module")
def world(tiny_measured: Corpus, tiny_labels: Labels, tiny_model: FramingClassifier) -> World:
    framed = tiny_model.predict(tiny_measured)
    return World(tiny_measured, tiny_labels, observe(framed.posts, framed.table, tiny_labels.gold.frame))


def mixed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sample(fraction=1.0, shuffle=True, seed=5)


def again(corpus: Corpus) -> Corpus:
    """The same corpus given in another order of rows."""
    return Corpus(mixed(corpus.posts), corpus.quarantine, corpus.files, corpus.history)


def quietly(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiscourseWarning)
        return function(*args, **options)


def keeps(function: Callable[[pl.DataFrame], Any], frame: pl.DataFrame) -> bool:
    """Whether a function leaves a frame as it was."""
    before, schema = frame.clone(), dict(frame.schema)
    function(frame)
    return frame.equals(before) and dict(frame.schema) == schema


def blind(function: Callable[[pl.DataFrame], pl.DataFrame], frame: pl.DataFrame) -> bool:
    """Whether a function gives the same rows in the same order, whatever order they come in."""
    return function(frame).equals(function(mixed(frame)))


def test_the_checks_bite() -> None:
    frame = pl.DataFrame({"a": [3, 1, 2, 5, 4]})
    assert keeps(lambda f: f.sort("a"), frame)
    assert not keeps(lambda f: f.extend(f), frame.clone())
    assert not keeps(lambda f: f.insert_column(0, pl.Series("b", [1] * 5)), frame.clone())
    assert blind(lambda f: f.sort("a"), frame)
    assert not blind(lambda f: f.head(1), frame)
    assert not blind(lambda f: f.with_columns(pl.col("a").cum_sum()), frame)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_leaves_its_corpus_alone(name: str, tiny_corpus: Corpus, tiny_sides: Sides) -> None:
    history = tiny_corpus.history
    assert keeps(lambda _: STEPS[name](tiny_corpus, tiny_sides), tiny_corpus.posts)
    assert tiny_corpus.history == history


@pytest.mark.parametrize("name", STEPS)
def test_a_step_knows_no_order_and_says_what_it_did(name: str, tiny_corpus: Corpus, tiny_sides: Sides) -> None:
    one, other = STEPS[name](tiny_corpus, tiny_sides), STEPS[name](again(tiny_corpus), tiny_sides)
    assert one.posts.equals(other.posts)
    assert one.history == other.history
    assert len(one.history) > len(tiny_corpus.history)
    assert one.history[-1].after == len(one)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_on_nothing_gives_an_empty_table(name: str, tiny_sides: Sides) -> None:
    made = STEPS[name](Corpus(POSTS.empty()), tiny_sides)
    assert made.posts.schema == POSTS.empty().schema
    assert len(made) == 0


def test_a_reader_depends_on_no_order_of_files_and_gives_the_same_twice(tiny: TinyDemo, tmp_path: Path) -> None:
    from discourse.readers import files

    lines = [line for _, line in files.open_lines(tiny.folder / "posts.jsonl.zst") if line]
    (tmp_path / "b.jsonl").write_bytes(b"\n".join(line.rstrip(b"\n") for line in lines[:8]) + b"\n")
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(line.rstrip(b"\n") for line in lines[8:]) + b"\n")
    given = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    one, other = (quietly(read_posts, paths, key=tiny.key) for paths in (given, given[::-1]))
    assert one.posts.equals(other.posts)
    assert one.files.equals(other.files)
    whole = quietly(read_posts, tiny.folder / "posts.jsonl.zst", key=tiny.key)
    where = ["source_file", "source_line"]
    assert one.posts.drop(where).equals(whole.posts.drop(where))


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"[]"])
def test_a_reader_given_nothing_fails_by_name_or_gives_an_empty_corpus(
    tmp_path: Path, content: bytes, tiny: TinyDemo
) -> None:
    (tmp_path / "empty.jsonl").write_bytes(content)
    try:
        corpus = quietly(read_posts, tmp_path / "empty.jsonl", key=tiny.key)
    except DiscourseError as error:
        said, rows = str(error), 0
    else:
        said, rows = "empty.jsonl", len(corpus)
    assert "empty.jsonl" in said
    assert rows == 0


@pytest.mark.parametrize("measure", MEASURES, ids=repr)
def test_a_measure_keeps_to_the_conventions(measure: Measure, world: World) -> None:
    def series(frame: pl.DataFrame, seed: int = SEED) -> pl.DataFrame:
        return quietly(over_time, measure, frame, plan=PLAN, seed=seed)

    assert keeps(series, world.observed)
    assert blind(series, world.observed)
    made, other = series(world.observed), series(world.observed, SEED + 1)
    assert SERIES.require(made).equals(made)
    assert not made.select("low", "high").equals(other.select("low", "high"))
    same = ["window", "side", "n_posts", "n_authors", "n_gold"]
    assert made.select(same).equals(other.select(same))
    if not isinstance(measure, Polarization):
        assert made["estimate"].equals(other["estimate"])


@pytest.mark.parametrize("measure", MEASURES, ids=repr)
def test_a_measure_of_nothing_fails_by_name(measure: Measure, world: World) -> None:
    with pytest.raises(DiscourseError, match=r"^there are no posts to measure"):
        over_time(measure, world.observed.clear(), plan=PLAN, seed=SEED)


def test_observe_keeps_to_the_conventions(world: World, tiny_model: FramingClassifier) -> None:
    table, gold = tiny_model.predict(world.corpus).table, world.labels.gold.frame
    assert keeps(lambda posts: observe(posts, table, gold), world.corpus.posts)
    assert blind(lambda posts: observe(posts, table, gold), world.corpus.posts)
    assert blind(lambda framings: observe(world.corpus.posts, framings, gold), table)
    assert blind(lambda labels: observe(world.corpus.posts, table, labels), gold)
    assert observe(world.corpus.posts.clear(), table.clear()).height == 0


def test_the_estimator_keeps_to_the_conventions(world: World) -> None:
    labels = TrainingLabels(world.labels.training.frame[::5])
    coded = pl.col("post_id").is_in(labels.frame["post_id"].implode())
    corpus = world.corpus.keep(coded, "coded", "few posts learn fast")

    def predicted(frame: pl.DataFrame, seed: int = SEED) -> pl.DataFrame:
        return FramingClassifier(seed=seed).fit(corpus, TrainingLabels(frame)).predict(corpus).table

    assert keeps(lambda _: predicted(labels.frame), corpus.posts)
    assert keeps(predicted, labels.frame)
    assert blind(predicted, labels.frame)
    assert predicted(labels.frame, SEED + 1)["model"][0] != predicted(labels.frame)["model"][0]
    with pytest.raises(DiscourseError):
        predicted(labels.frame.clear())


def test_the_evaluation_keeps_to_the_conventions(world: World) -> None:
    def scores(frame: pl.DataFrame, seed: int = SEED) -> pl.DataFrame:
        model = FramingClassifier(seed=1)
        return quietly(evaluate, model, world.corpus, frame, seed=seed, folds=2, replicates=40).scores

    labels = world.labels.decided()[::9]
    assert keeps(scores, labels)
    assert blind(scores, labels)
    assert not scores(labels).select("low", "high").equals(scores(labels, SEED + 1).select("low", "high"))
    with pytest.raises(DiscourseError):
        scores(labels.clear())
