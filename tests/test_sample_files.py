"""Samples and labels on disk: what is written comes back whole, chances to the last digit, and is private."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT
from discourse.errors import BadInput, DiscourseError, MissingData, SchemaError, UsageError
from discourse.labels.codebook import Codebook
from discourse.labels.labels import SAMPLE, Labels, read_labels
from discourse.labels.writing import write_labels
from discourse.sampling.files import read_ids, read_sample, write_sample
from discourse.sampling.sampling import draw_sample
from discourse.schema import LABELS

BOOK = Codebook.from_toml(ROOT / "corpora" / "codebook.toml")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=30)


def posts(number: int) -> pl.DataFrame:
    return pl.DataFrame({"post_id": [f"x:{n}" for n in range(number)], "text": ["a"] * number, "lang": ["en"] * number})


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TEXTS, st.floats(0, 1, exclude_min=True) | st.none()), min_size=1, max_size=6))
def test_a_sample_comes_back_to_the_last_sign_and_digit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float | None]]
) -> None:
    sample = pl.DataFrame(
        [(f"x:{n}", text, "ur", chance, "side | lang", "gold") for n, (text, chance) in enumerate(rows)],
        schema={"post_id": pl.String, "text": pl.String, "lang": pl.String, "inclusion_p": pl.Float64,
                "stratum": pl.String, "role": pl.String}, orient="row",
    )  # fmt: skip
    path = write_sample(sample, tmp_path_factory.mktemp("sample") / "sample.csv")
    back = read_sample(path)
    assert back.select(sample.columns).equals(sample)
    assert back.columns == ["post_id", "inclusion_p", "stratum", "role", "text", "lang"]


def test_a_sample_is_private_and_not_written_over(tmp_path: Path) -> None:
    drawn = draw_sample(posts(30), 5, seed=7)
    path = write_sample(drawn, tmp_path / "sample.csv")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_sample(path).equals(drawn)
    before = path.read_bytes()
    assert write_sample(drawn, path).read_bytes() == before
    with pytest.raises(UsageError, match=r"^'sample\.csv' is there and holds something else; a sample that was drawn"):
        write_sample(draw_sample(posts(30), 5, seed=8), path)
    assert path.read_bytes() == before
    without = write_sample(drawn, tmp_path / "key" / "sample.csv", text=False)
    assert "text" not in without.read_text("utf-8").splitlines()[0].split(",")
    assert read_sample(without).drop("text").equals(drawn.drop("text"))
    assert read_sample(without)["text"].null_count() == 5


@pytest.mark.parametrize(
    ("content", "kind", "sentence"),
    [
        ("id,text\nx:1,a\n", SchemaError, r"^the sample 's\.csv' has no column 'post_id'; give the CSV that"),
        ("post_id,inclusion_p\nx:1,often\nx:2,0.5\n", SchemaError, "^inclusion_p of 1 posts of the sample is not a nu"),
        ("post_id\nx:1\nx:1\n", SchemaError, "rows that share one post_id"),
        ("post_id,role\nx:1,god\n", SchemaError, "^role in the sample table is 'god'; .* Did you mean 'gold'"),
        ("post_id\nx:9.1E+18\n", SchemaError, "^the id in row 2 of the label file was turned into a decimal number"),
        ("post_id,text\nx:1,a,b,c\n", BadInput, r"^the sample 's\.csv' cannot be read as CSV in UTF-8"),
        ("", BadInput, "cannot be read as CSV"),
    ],
)
def test_what_is_no_sample_is_named(tmp_path: Path, content: str, kind: type[DiscourseError], sentence: str) -> None:
    (tmp_path / "s.csv").write_text(content, "utf-8")
    with pytest.raises(kind, match=sentence):
        read_sample(tmp_path / "s.csv")
    with pytest.raises(MissingData, match=r"^there is no sample"):
        read_sample(tmp_path / "none.csv")


def test_ids_of_any_table_are_read_once_each(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("coder,post_id\na,x:2\nb,x:2\na,x:1\nb,\n", "utf-8")
    assert read_ids(tmp_path / "labels.csv").to_list() == ["x:1", "x:2"]


def test_labels_come_back_whole_with_posts_that_nobody_coded(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"post_id": "x:1", "coder": "anna", "variable": "frame", "value": "both", "round": "1"},
        {"post_id": "x:1", "coder": "anna", "variable": "frame", "value": "neither", "round": "2"},
        {"post_id": "x:1", "coder": "bilal", "variable": "hostility", "value": "2", "round": "1"},
        {"post_id": "x:3", "coder": "adjudicated", "variable": "frame", "value": "neither", "round": None},
    ]
    sample = SAMPLE.frame(
        [{"post_id": f"x:{n}", "inclusion_p": 1 / 3, "stratum": 'a, "b"', "role": "gold"} for n in range(1, 4)]
        + [{"post_id": "x:4", "role": "training"}]
    )
    table = LABELS.frame(rows).with_columns(codebook=pl.lit(BOOK.identity))
    given_ = Labels(table, sample, BOOK)
    path = write_labels(given_, tmp_path / "labels.csv")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    back = read_labels(path, BOOK)
    assert back.table.equals(given_.table)
    assert back.sample.equals(given_.sample)
    assert [line.split(",")[:4] for line in path.read_text("utf-8").splitlines()] == [
        ["post_id", "coder", "variable", "value"],
        ["x:1", "anna", "frame", "both"],
        ["x:1", "anna", "frame", "neither"],
        ["x:1", "bilal", "hostility", "2"],
        ["x:2", "nobody", "frame", ""],
        ["x:3", "adjudicated", "frame", "neither"],
        ["x:4", "nobody", "frame", ""],
    ]
    assert write_labels(back, tmp_path / "again.csv").read_bytes() == path.read_bytes()
    empty = write_labels(Labels(LABELS.empty(), sample), tmp_path / "empty.csv")
    assert read_labels(empty, BOOK).sample.equals(sample.sort("post_id"))
