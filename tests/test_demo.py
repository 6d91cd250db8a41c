"""The demonstration corpus: the committed one is what its seed makes, and its labels are what its coders do."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import ROOT, SEED, TINY, TinyDemo
from discourse.corpus.posts import Corpus
from discourse.errors import UsageError
from discourse.labels.labels import Labels
from discourse.simulate.conflict import daily_truth
from discourse.simulate.demo import Demo, write_demo
from discourse.simulate.export import native_ids
from discourse.simulate.people import Post

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NAMES = ("posts.jsonl.zst", "labels.csv", "truth.csv", "accounts-pakistan.txt", "accounts-afghanistan.txt")


def content(file: Path) -> bytes:
    return zstd.decompress(file.read_bytes()) if file.suffix == ".zst" else file.read_bytes()


def raw_labels(tiny: TinyDemo) -> pl.DataFrame:
    return pl.read_csv(tiny.folder / "labels.csv", infer_schema=False)


def test_the_committed_corpus_is_what_its_seed_makes(tmp_path: Path) -> None:
    write_demo(tmp_path, seed=2024)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(NAMES)
    for name in NAMES:
        assert content(tmp_path / name) == content(ROOT / "corpora/demo" / name), name


def test_the_same_seed_gives_the_same_content_and_another_does_not(tiny: TinyDemo, tmp_path: Path) -> None:
    dirt = write_demo(tmp_path / "again", seed=SEED, demo=TINY)
    assert dirt == tiny.dirt
    for name in NAMES:
        assert content(tmp_path / "again" / name) == content(tiny.folder / name)
    write_demo(tmp_path / "other", seed=SEED + 1, demo=TINY)
    for name in NAMES[:2]:
        assert content(tmp_path / "other" / name) != content(tiny.folder / name)


def test_the_truth_file_is_the_daily_truth(tiny: TinyDemo) -> None:
    truth = pl.read_csv(tiny.folder / "truth.csv", try_parse_dates=True)
    expected = daily_truth()
    assert truth.select("side", "day", "frame").equals(expected.select("side", "day", "frame"))
    assert np.allclose(truth["share"], expected["share"], atol=5.1e-7)
    sums = truth.group_by("side", "day").agg(pl.col("share").sum())["share"]
    assert np.allclose(sums, 1.0, atol=3e-6)


def test_listed_accounts_are_six_a_side(tiny: TinyDemo, written: list[Post]) -> None:
    listed = {side: (tiny.folder / f"accounts-{side}.txt").read_text("utf-8").split() for side in
              ("pakistan", "afghanistan")}  # fmt: skip
    assert {side: len(set(ids)) for side, ids in listed.items()} == {"pakistan": 6, "afghanistan": 6}
    for post in written:
        if post.author.known_by == "list":
            assert f"x:{post.author.user_id}" in listed[post.author.side]


def test_labels_are_of_measured_posts_and_roles_are_apart(
    tiny: TinyDemo, tiny_labels: Labels, tiny_measured: Corpus
) -> None:
    ids = set(tiny_measured.posts["post_id"])
    assert set(tiny_labels.sample["post_id"]) <= ids
    assert len(tiny_labels.training) == TINY.training
    roles = raw_labels(tiny).group_by("post_id").agg(pl.col("role").n_unique())
    assert (roles["role"] == 1).all()


def test_decided_labels_are_the_truth_unless_both_coders_err_alike(tiny_labels: Labels, written: list[Post]) -> None:
    true = dict(zip((f"x:{native}" for native in native_ids(written)), written, strict=True))
    decided = tiny_labels.decided()
    wrong = sum(true[post].frame != value for post, value in decided.iter_rows())
    assert decided.height == tiny_labels.sample.height
    assert wrong / decided.height < 0.01  # both err on the same of three other frames: 0.04^2 / 3


def test_coders_err_on_one_post_in_25(written: list[Post], tiny: TinyDemo) -> None:
    true = {f"x:{native}": post.frame for native, post in zip(native_ids(written), written, strict=True)}
    votes = raw_labels(tiny).filter(pl.col("coder") != "agreed")
    wrong = [true[post] != value for post, value in votes.select("post_id", "value").iter_rows()]
    assert abs(np.mean(wrong) - 0.04) < 4 * np.sqrt(0.04 * 0.96 / len(wrong))
    assert set(votes["coder"]) == {"coder_a", "coder_b"}


def test_the_agreed_frame_is_written_exactly_where_coders_differ(tiny: TinyDemo) -> None:
    rows = raw_labels(tiny)
    coders = rows.filter(pl.col("coder") != "agreed").group_by("post_id").agg(pl.col("value").n_unique(), pl.len())
    assert (coders["len"] == 2).all()
    differ = set(coders.filter(pl.col("value") > 1)["post_id"])
    assert set(rows.filter(pl.col("coder") == "agreed")["post_id"]) == differ != set()


def test_gold_is_drawn_per_week_and_side_with_its_chance(tiny: TinyDemo, tiny_measured: Corpus) -> None:
    """Recounted from what was read: n / N of each stratum, N without the posts coded for training."""
    zone = {"pakistan": "Asia/Karachi", "afghanistan": "Asia/Kabul", "unknown": "UTC"}
    labels = raw_labels(tiny).unique("post_id")
    training = labels.filter(pl.col("role") == "training")["post_id"].to_list()
    rest = tiny_measured.posts.filter(~pl.col("post_id").is_in(training))
    parts = [
        rest.filter(pl.col("side") == side).select(
            "post_id",
            stratum=pl.format(
                "{}/{}", "side", pl.col("created_at").dt.convert_time_zone(name).dt.date().dt.truncate("1w")
            ),
        )
        for side, name in zone.items()
    ]
    sizes = dict(pl.concat(parts).group_by("stratum").len().iter_rows())
    gold = labels.filter(pl.col("role") == "gold")
    placed = gold.join(pl.concat(parts).rename({"stratum": "own"}), on="post_id", how="left")
    assert (placed["own"] == placed["stratum"]).all()
    for stratum, n, p in gold.group_by("stratum").agg(pl.len(), pl.col("inclusion_p").first()).iter_rows():
        wanted = TINY.gold_unknown if stratum.startswith("unknown") else TINY.gold_a_week
        assert n == min(wanted, sizes[stratum])
        assert float(p) == pytest.approx(n / sizes[stratum], abs=1e-8)
    assert set(gold["stratum"]) == set(sizes)


def test_training_is_of_the_first_four_weeks(tiny: TinyDemo) -> None:
    weeks = raw_labels(tiny).filter(pl.col("role") == "training")["stratum"].str.split("/").list.last()
    assert weeks.max() < "2024-12-29"


@pytest.mark.parametrize(("posts", "authors"), [(0, 20), (1, 19), (-5, 100)])
def test_sizes_that_are_too_small_are_named(tmp_path: Path, posts: int, authors: int) -> None:
    with pytest.raises(UsageError) as caught:
        write_demo(tmp_path, seed=1, demo=Demo(posts=posts, authors=authors))
    assert str(caught.value) == (
        f"{posts} posts of {authors} authors is too small; ask for 1 post and 20 authors or more"
    )


@pytest.mark.parametrize("seed", range(6))
def test_a_corpus_of_almost_nothing_is_written_or_refused_by_name(tmp_path: Path, seed: int) -> None:
    said = "asked for 2 posts, none fell into the first four weeks; ask for 100 or more"
    try:
        written = write_demo(tmp_path, seed=seed, demo=Demo(posts=2, authors=20))["written"]
    except UsageError as error:
        said, written = str(error), 0
    assert said == "asked for 2 posts, none fell into the first four weeks; ask for 100 or more"
    assert (written > 0) == any(tmp_path.iterdir())


def test_a_seed_below_zero_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^seed is -1; it must be a whole number from 0, like 2024$"):
        write_demo(tmp_path, seed=-1)
