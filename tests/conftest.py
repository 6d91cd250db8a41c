"""One small made-up corpus for all tests, and an environment that no test can spoil for another."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import is_hypothesis_test, settings

from discourse.corpus.copies import with_copies
from discourse.corpus.population import Population
from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.corpus.sides import Sides
from discourse.corpus.texts import with_text
from discourse.errors import DiscourseWarning
from discourse.framing.classifier import FramingClassifier
from discourse.labels.codebook import Codebook
from discourse.labels.labels import Labels, read_labels
from discourse.readers.read import read_posts
from discourse.simulate.demo import Demo, write_demo
from discourse.simulate.people import Post, people, written_posts

ROOT = Path(__file__).resolve().parents[1]
TINY = Demo(posts=900, authors=120, gold_a_week=8, gold_unknown=4, training=150)
SEED = 7
# A test passes or fails by the code alone, never by the luck of a draw: property tests draw the same examples always.
# `make explore` draws new ones, as many times more as EXPLORE says; what it finds becomes an @example.
EXPLORE = int(os.environ.get("EXPLORE", "0"))
settings.register_profile("same", derandomize=True, database=None)
settings.register_profile("explore", database=None)
settings.load_profile("explore" if EXPLORE else "same")
SHARED = Path(os.environ.get("DISCOURSE_SHARED", ROOT.parent / "shared"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With EXPLORE, each property test draws so many times more examples."""
    for item in items:
        test = getattr(item, "obj", None)
        if EXPLORE and test is not None and is_hypothesis_test(test):
            own = test._hypothesis_internal_use_settings
            more = settings(own, max_examples=EXPLORE * own.max_examples)
            getattr(test, "__func__", test)._hypothesis_internal_use_settings = more


def shared_file(*parts: str) -> Path:
    """A file of ../shared/data; the test is skipped with a message where it is absent."""
    path = SHARED.joinpath("data", *parts)
    if not path.is_file():
        pytest.skip("needs ../shared with data/" + "/".join(parts))
    return path


@dataclass(frozen=True)
class TinyDemo:
    """The folder of the small corpus and what was put into it."""

    folder: Path
    dirt: dict[str, int]
    key: Key


@pytest.fixture(scope="session", autouse=True)
def _own_key_and_no_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or makes the key of the person who runs it, nor their DISCOURSE_DATA."""
    before = {name: os.environ.get(name) for name in ("DISCOURSE_KEY_FILE", "DISCOURSE_DATA")}
    os.environ["DISCOURSE_KEY_FILE"] = str(tmp_path_factory.mktemp("key") / "test.key")
    os.environ.pop("DISCOURSE_DATA", None)
    yield
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyDemo:
    folder = tmp_path_factory.mktemp("tiny") / "demo"
    dirt = write_demo(folder, seed=SEED, demo=TINY)
    (folder / "sides.toml").write_text((ROOT / "corpora/demo/sides.toml").read_text("utf-8"), "utf-8")
    return TinyDemo(folder, dirt, Key.made_up("tiny"))


@pytest.fixture(scope="session")
def tiny_read(tiny: TinyDemo) -> Corpus:
    """As read: no side, no language yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiscourseWarning)
        return read_posts(tiny.folder / "posts.jsonl.zst", key=tiny.key)


@pytest.fixture(scope="session")
def tiny_sides(tiny: TinyDemo) -> Sides:
    return Sides.from_toml(tiny.folder / "sides.toml").bind(tiny.key)


@pytest.fixture(scope="session")
def tiny_corpus(tiny_read: Corpus, tiny_sides: Sides) -> Corpus:
    """With sides, language, normal form and copies."""
    return with_copies(with_text(tiny_read.with_sides(tiny_sides)))


@pytest.fixture(scope="session")
def tiny_measured(tiny_corpus: Corpus) -> Corpus:
    return Population().of(tiny_corpus)


@pytest.fixture(scope="session")
def tiny_labels(tiny: TinyDemo) -> Labels:
    return read_labels(tiny.folder / "labels.csv", Codebook.from_toml(ROOT / "corpora/codebook.toml"))


@pytest.fixture(scope="session")
def tiny_model(tiny_measured: Corpus, tiny_labels: Labels) -> FramingClassifier:
    return FramingClassifier(seed=SEED).fit(tiny_measured, tiny_labels.training)


@pytest.fixture
def shuffled(tiny_measured: Corpus) -> pl.DataFrame:
    """The posts in another order."""
    return tiny_measured.posts.sample(fraction=1.0, shuffle=True, seed=3)


@pytest.fixture(scope="session")
def written() -> list[Post]:
    """The posts behind the small corpus, with their authors and true frames."""
    rng = np.random.default_rng(SEED)
    return written_posts(people(TINY.authors, rng), TINY.posts, TINY.loyalty, rng)
