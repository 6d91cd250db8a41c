from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from conftest import ROOT, SEED, TinyDemo
from discourse.cli import cli
from discourse.corpus.copies import with_copies
from discourse.corpus.posts import Corpus
from discourse.corpus.texts import with_text
from discourse.errors import GoldWarning, MissingData, UsageError
from discourse.framing.classifier import Framed, FramingClassifier
from discourse.framing.store import save_model
from discourse.labels.labels import Labels
from discourse.measure.prevalence import Prevalence
from discourse.measure.timeline import Plan, observe, over_time
from discourse.store.importing import import_posts

SERIAL = ("--workers", "1", "--json")


@pytest.fixture(scope="module")
def folder(
    tiny: TinyDemo, tiny_model: FramingClassifier, tiny_labels: Labels, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    made = tmp_path_factory.mktemp("scoring-commands")
    import_posts(tiny.folder / "posts.jsonl.zst", made / "corpus", key=tiny.key)
    save_model(tiny_model, made / "model.safetensors")
    for path in (tiny.folder / "sides.toml", *(ROOT / "corpora/demo").glob("accounts-*.txt")):
        shutil.copy(path, made / path.name)
    tiny_labels.gold.frame.write_csv(made / "gold.csv")
    tiny_labels.training.frame.select("post_id").write_csv(made / "trained.csv")
    return made


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, [word.replace("@", f"{folder}/") for word in words])


def said(folder: Path, *words: str) -> dict[str, Any]:
    done = run(folder, *words, *SERIAL)
    assert done.exit_code == 0, (done.output, done.exception)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


SCORE = ("score", "@scores", "--corpus", "@corpus", "--sides", "@sides.toml", "--model", "@model.safetensors")
MEASURE = ("measure-scores", "@scores", "--sides", "@sides.toml", "--out", "@out", "--seed", "7", "--every", "1mo")


def test_a_corpus_is_scored_once_and_measured_as_in_memory(
    folder: Path, tiny_read: Corpus, tiny_labels: Labels, tiny_model: FramingClassifier, tiny: TinyDemo
) -> None:
    first = said(folder, *SCORE, "--made-up", "tiny")
    assert (first["posts"], first["worked"], first["found"]) == (len(tiny_read), 1, 0)
    assert said(folder, *SCORE, "--made-up", "tiny")["found"] == 1
    done = said(folder, *MEASURE, "--gold", "@gold.csv", "--trained", "@trained.csv", "--replicates", "30",
                "--gold-within", "all")  # fmt: skip
    from discourse.corpus.sides import Sides

    sides = Sides.from_toml(folder / "sides.toml").bind(tiny.key)
    corpus = with_copies(with_text(tiny_read.with_sides(sides)), near=None)
    framed = tiny_model.predict(corpus)
    assert isinstance(framed, Framed)
    seen = tiny_labels.training.frame["post_id"].implode()
    kept = framed.table.join(corpus.posts.filter(pl.col("kind") != "repost"), on="post_id", how="semi")
    kept = kept.filter(~pl.col("post_id").is_in(seen))
    assert done["posts"] == kept.height
    assert sum(done["left_out"].values()) == len(tiny_read) - kept.height
    plan = Plan(every="1mo", zones=dict(sides.timezones), gold_within="all", replicates=30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GoldWarning)
        want = over_time(
            Prevalence("both"), observe(corpus.posts, kept, tiny_labels.gold.frame), plan=plan, seed=SEED
        )  # fmt: skip
    made = pl.read_parquet(folder / "out/series.parquet")
    assert made.filter(measure="Prevalence('both')").equals(want)
    means = pl.read_parquet(folder / "out/sentiment.parquet")
    assert set(means["side"]) == {"pakistan", "afghanistan", "unknown"}
    assert means.filter(pl.col("n_eff") < 30)["mean"].null_count() == means.filter(pl.col("n_eff") < 30).height


@pytest.mark.parametrize(
    ("words", "kind", "sentence"),
    [
        ((*SCORE, "--made-up", "tiny", "--engine", "@none.toml"), MissingData, "there is no engine file"),
        ((*SCORE, "--engine", "@none.toml", "--workers", "2"), UsageError, "--engine and --workers exclude each other"),
        ((*MEASURE, "--gold", "@none.csv"), MissingData, "there is no file"),
        ((*MEASURE, "--gold", "@sides.toml"), UsageError, "sides.toml has no column post_id; write one row a post"),
    ],
)
def test_what_cannot_be_is_one_sentence(folder: Path, words: tuple[str, ...], kind: type, sentence: str) -> None:
    done = run(folder, *words)
    assert isinstance(done.exception, kind)
    assert str(done.exception).startswith(sentence)
