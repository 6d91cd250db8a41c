"""A corpus on disk: what was saved comes back, damage is found, nobody else can read it."""

from __future__ import annotations

import stat
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discourse.corpus.posts import Corpus
from discourse.errors import BadInput, MissingData, SchemaError
from discourse.schema import LABELS, POSTS
from discourse.store.saved import load_corpus, read_table, save_corpus, write_table


def test_a_corpus_comes_back_whole(tiny_corpus: Corpus, tmp_path: Path) -> None:
    save_corpus(tiny_corpus, tmp_path / "corpus")
    again = load_corpus(tmp_path / "corpus")
    for name in ("posts", "quarantine", "files"):
        assert getattr(again, name).equals(getattr(tiny_corpus, name))
    assert again.history == tiny_corpus.history
    assert again.posts.schema == tiny_corpus.posts.schema


def test_the_same_corpus_gives_the_same_bytes(tiny_corpus: Corpus, tmp_path: Path) -> None:
    save_corpus(tiny_corpus, tmp_path / "one")
    save_corpus(load_corpus(tmp_path / "one"), tmp_path / "two")
    assert sorted(file.name for file in (tmp_path / "one").iterdir()) == [
        "files.parquet", "history.json", "posts.parquet", "quarantine.parquet",
    ]  # fmt: skip
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_saving_again_takes_the_place_of_the_old_and_leaves_nothing_beside(tiny_corpus: Corpus, tmp_path: Path) -> None:
    save_corpus(tiny_corpus, tmp_path / "corpus")
    (tmp_path / "corpus" / "left.txt").write_text("x")
    save_corpus(Corpus(POSTS.empty()), tmp_path / "corpus")
    assert len(load_corpus(tmp_path / "corpus")) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["corpus"]
    assert not (tmp_path / "corpus" / "left.txt").exists()


def test_the_folder_is_its_owners_alone(tiny_corpus: Corpus, tmp_path: Path) -> None:
    save_corpus(tiny_corpus, tmp_path / "corpus")
    assert stat.S_IMODE((tmp_path / "corpus").stat().st_mode) == 0o700


def test_no_text_stands_in_the_footer(tiny_corpus: Corpus, tmp_path: Path) -> None:
    write_table(tiny_corpus.posts, tmp_path / "posts.parquet")
    group = pq.ParquetFile(tmp_path / "posts.parquet").metadata.row_group(0)
    assert all(group.column(i).statistics is None for i in range(group.num_columns))


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingData) as caught:
        load_corpus(tmp_path / "none")
    assert str(caught.value) == "there is no corpus in 'none'; make one with `discourse import`"
    with pytest.raises(MissingData, match=r"^labels\.parquet is not there; run the study again$"):
        read_table(tmp_path / "labels.parquet", LABELS)


def test_another_table_is_refused(tiny_corpus: Corpus, tmp_path: Path) -> None:
    write_table(tiny_corpus.posts, tmp_path / "labels.parquet")
    with pytest.raises(SchemaError, match=r"^the labels table has no column 'coder'"):
        read_table(tmp_path / "labels.parquet", LABELS)


def test_a_damaged_page_is_found(tiny_corpus: Corpus, tmp_path: Path) -> None:
    file = tmp_path / "posts.parquet"
    write_table(tiny_corpus.posts, file)
    column = pq.ParquetFile(file).metadata.row_group(0).column(list(POSTS.columns).index("text"))
    data = bytearray(file.read_bytes())
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(BadInput) as caught:
        read_table(file, POSTS)
    assert str(caught.value) == ("posts.parquet is damaged; delete it and run the study again")


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=6))
def test_any_text_comes_back(tmp_path: Path, texts: list[str]) -> None:
    frame = pl.DataFrame({"post_id": [f"x:{i}" for i in range(len(texts))], "text": texts},
                         schema={"post_id": pl.String, "text": pl.String})  # fmt: skip
    posts = POSTS.empty().select("post_id", "text")
    write_table(pl.concat([posts, frame]), tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet").column("text").to_pylist() == texts


@pytest.mark.parametrize("name", ["posts.parquet", "history.json"])
def test_a_file_cut_short_is_bad_input(tiny_corpus: Corpus, tmp_path: Path, name: str) -> None:
    save_corpus(tiny_corpus, tmp_path / "corpus")
    file = tmp_path / "corpus" / name
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(BadInput):
        load_corpus(tmp_path / "corpus")
