"""Invented posts in the platform's form: what was written is what is read, and the dirt is found to the row."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key, pseudonym
from discourse.errors import QuarantineWarning
from discourse.readers.read import read_posts
from discourse.simulate.export import export_pages, native_ids
from discourse.simulate.people import Author, Post, people, written_posts

KEY = Key.made_up("export")
AT = datetime(2025, 1, 10, 12, tzinfo=UTC)


def author(number: int = 1, known_by: str = "none") -> Author:
    return Author(number, "pakistan", known_by, "", ("en",), 1.0, 0.5)


def post(text: str = "made up", seconds: float = 0.0, kind: str = "original", who: Author | None = None) -> Post:
    return Post(who or author(), AT + timedelta(seconds=seconds), "neither", "en", text, kind)


@pytest.fixture(scope="module", params=[1, 2, 3, 4])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Post], dict, Corpus]:
    """Enough posts that every kind of dirt is there, read back."""
    rng = np.random.default_rng(request.param)
    posts = written_posts(people(80, rng), 1500, 0.15, rng)
    pages, dirt = export_pages(posts, rng)
    file = tmp_path_factory.mktemp("export") / "posts.jsonl"
    file.write_bytes(pages)
    if dirt["quarantined"]:
        with pytest.warns(QuarantineWarning):
            return posts, dirt, read_posts(file, key=KEY)
    return posts, dirt, read_posts(file, key=KEY)


def test_every_row_is_accounted_for_as_the_dirt_says(large: tuple[list[Post], dict, Corpus]) -> None:
    posts, dirt, corpus = large
    assert set(dirt) == {"written", "reposts", "duplicates", "quarantined"}
    assert dirt["written"] == len(posts)
    row = corpus.files.to_dicts()[0]
    assert row["accepted"] == dirt["written"] + dirt["reposts"] == len(corpus)
    assert row["duplicates"] == dirt["duplicates"]
    assert row["quarantined"] == dirt["quarantined"]
    assert (corpus.posts["kind"] == "repost").sum() == dirt["reposts"]
    assert dirt["reposts"] > 40


def test_all_kinds_of_dirt_occur() -> None:
    total = {"duplicates": 0, "quarantined": 0}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        _, dirt = export_pages(written_posts(people(40, rng), 900, 0.15, rng), rng)
        total = {name: total[name] + dirt[name] for name in total}
    assert min(total.values()) > 0


def test_what_was_written_is_what_is_read(large: tuple[list[Post], dict, Corpus]) -> None:
    posts, _, corpus = large
    found = {row["post_id"]: row for row in corpus.posts.to_dicts()}
    for native, one in zip(native_ids(posts), posts, strict=True):
        row = found[f"x:{native}"]
        words = " ".join(part for part in row["text"].split(" ") if not part.startswith(("@", "https://t.co/")))
        assert words == one.text
        assert row["created_at"] == one.at
        assert row["kind"] == one.kind
        assert row["author_id"] == pseudonym(KEY, "x", one.author.user_id)


def test_ids_are_unique_of_their_time_and_of_no_machine(large: tuple[list[Post], dict, Corpus]) -> None:
    posts, _, corpus = large
    ids = [int(one.removeprefix("x:")) for one in corpus.posts["post_id"]]
    assert len(set(ids)) == len(ids)
    assert min(ids) > 2**32
    for native, row in zip(ids, corpus.posts["created_at"], strict=True):
        assert (native >> 22) + 1_288_834_974_657 == round(row.timestamp() * 1000)
        assert (native >> 12) & 1023 == 1023
    natives = [int(one) for one in native_ids(posts)]
    assert natives == sorted(natives)


def test_a_repost_repeats_a_written_post_within_two_days_by_another_of_the_same_side(
    large: tuple[list[Post], dict, Corpus],
) -> None:
    posts, _, corpus = large
    side = {pseudonym(KEY, "x", one.author.user_id): one.author.side for one in posts}
    origin = {f"x:{native}": one for native, one in zip(native_ids(posts), posts, strict=True)}
    for row in corpus.posts.filter(pl.col("kind") == "repost").to_dicts():
        first = origin[row["parent_id"]]
        assert timedelta(0) < row["created_at"] - first.at <= timedelta(days=2)
        assert row["author_id"] != pseudonym(KEY, "x", first.author.user_id)
        assert side[row["author_id"]] == first.author.side
        assert first.text in row["text"]  # whole: taken from the original, not from the cut line


def read(tmp_path: Path, posts: list[Post], seed: int = 1) -> Corpus:
    pages, _ = export_pages(posts, np.random.default_rng(seed))
    (tmp_path / "a.jsonl").write_bytes(pages)
    return read_posts(tmp_path / "a.jsonl", key=KEY)


@pytest.mark.parametrize("text", ["a & b < c > d", "&amp; stays &lt;", "quote \" and ' here", "x" * 400, "امن " * 90])
def test_texts_come_back_whole_and_unescaped(tmp_path: Path, text: str) -> None:
    for seed in range(4):
        words = read(tmp_path, [post(text.strip())], seed).posts["text"][0]
        assert text.strip() in words


def test_a_long_post_is_cut_in_text_and_whole_in_its_note() -> None:
    pages, _ = export_pages([post("x" * 400)], np.random.default_rng(1))
    tweet = json.loads(pages.splitlines()[0])["data"][0]
    assert len(tweet["text"]) == 278
    assert "x" * 400 in tweet["note_tweet"]["text"]


def test_posts_of_one_millisecond_get_their_own_ids() -> None:
    natives = [int(one) for one in native_ids([post(), post(), post(seconds=0.001), post(seconds=0.001)])]
    assert natives[1] == natives[0] + 1
    assert natives[3] == natives[2] + 1
    assert natives[2] - natives[0] == 1 << 22


def test_a_place_is_given_where_that_is_the_evidence(tmp_path: Path) -> None:
    corpus = read(tmp_path, [post(who=author(1, "geo")), post("other", 1.0, who=author(2, "place"))])
    assert corpus.posts["country"].to_list() == ["PK", None]


def test_the_seed_decides(written: list[Post]) -> None:
    one, again, other = (export_pages(written, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == again
    assert one[0] != other[0]
