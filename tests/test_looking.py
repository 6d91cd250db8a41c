"""`discourse look`: a first picture of a study that nobody has coded yet, without shares and without small groups."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from conftest import ROOT, TinyDemo
from discourse.corpus.posts import Corpus


@pytest.fixture(scope="module")
def looked(tiny: TinyDemo, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A study without labels, codebook and events, looked at in a process of its own."""
    place = tmp_path_factory.mktemp("look")
    shutil.copytree(tiny.folder, place / "demo")
    (place / "demo" / "labels.csv").unlink()
    text = (ROOT / "corpora/demo/study.toml").read_text("utf-8").partition("# What each event did")[0]
    (place / "demo" / "study.toml").write_text(text.replace('name = "demo"', 'name = "tiny"'), "utf-8")
    words = [sys.executable, "-c", "from discourse.cli import main; main()", "look", "demo/study.toml", "--json"]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-800:]
    return place, json.loads(done.stdout)


def test_posts_of_each_side_are_told_and_add_up(
    looked: tuple[Path, dict[str, object]], tiny_corpus: Corpus
) -> None:  # fmt: skip
    _, found = looked
    counts = {side: int(posts.replace(",", "")) for side, posts, _ in found["sides"]}  # type: ignore[attr-defined]
    assert counts == dict(tiny_corpus.posts["side"].value_counts().iter_rows())


def test_figures_of_what_needs_no_labels_are_drawn_and_no_others(looked: tuple[Path, dict[str, object]]) -> None:
    place, found = looked
    made = {path.name for path in (place / "figures" / "tiny").iterdir()}
    names = ("composition", "coverage", "waves")
    assert made == {f"{name}.{end}" for name in names for end in ("svg", "png", "pdf", "csv")}
    assert {Path(path).name for path in found["figures"]} == made  # type: ignore[attr-defined]
    coverage = pl.read_csv(place / "figures" / "tiny" / "coverage.csv")
    assert coverage.filter(pl.col("n_authors").is_between(1, 9)).is_empty()
    assert coverage["posts"].sum() > 500
    assert not list((place / "figures").rglob("*share*"))
